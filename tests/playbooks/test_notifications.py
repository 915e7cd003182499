# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of examples/notifications, with what a real run left behind, against servers on this machine."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.playbooks.harness import (
    ADMINISTRATOR,
    REGIONS,
    SERVICES,
    PlaybookRunner,
    fleet,
)
from ansible_collections.muster.aws.tests.playbooks.notification_servers import Jira, Server, Slack

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTS = fleet(3)
LOCKED = "workload-02"
FILES = "results.json,results.xml,summary.md"


@dataclass(frozen=True)
class Notifier:
    """Runs a playbook of the examples in a folder with what a run left."""

    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "run.json").read_text())["global_custom_stats"]["onboard_summary"]

    def __call__(
        self, name: str, variables: Mapping[str, Any] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        extra = self.folder / "extra.yml"
        # As a controller writes the artifacts of earlier jobs: texts of AWS's are no templates.
        written = yaml.safe_dump({"send_delay": 0, **(variables or {})}, width=1_000_000)
        extra.write_text(written.replace("reason: ", "reason: !unsafe "))
        return subprocess.run(
            ["ansible-playbook", EXAMPLES / f"notifications/{name}.yml", "-vvv", "-e", f"@{extra}"],
            cwd=self.folder,
            env={**os.environ, "PWD": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def left_by(
    emulator: Emulator, folder: Path, administrator_id: str = ADMINISTRATOR, role: str = "onboard", status: int = 2
) -> Notifier:
    """Onboard accounts, or report on them, as the examples say, and return what tells of it."""
    emulator.reset()
    emulator.seed({"accounts": {HOSTS[LOCKED]["onboard_account_id"]: {"assumable": False}}})
    environment = PlaybookRunner(emulator, folder).environment
    variables = {
        "onboard_administrator_id": administrator_id,
        "onboard_regions": REGIONS,
        "onboard_wait_timeout": 5,
    }
    (folder / "accounts.json").write_text(json.dumps({"all": {"hosts": HOSTS, "vars": variables}}))
    done = subprocess.run(
        [*f"ansible-playbook muster.aws.{role} -i accounts.json -e".split(), f"{role}_results_file={FILES}"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert all((folder / name).exists() for name in FILES.split(","))
    (folder / "run.json").write_text(done.stdout)
    return Notifier(folder)


@pytest.fixture(scope="module")
def failed(emulator_server: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Notifier:
    """A run in which one account of three failed."""
    return left_by(emulator_server, tmp_path_factory.mktemp("failed"))


@pytest.fixture(scope="module")
def stopped(emulator_server: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Notifier:
    """A run that was stopped before anything was sent."""
    return left_by(emulator_server, tmp_path_factory.mktemp("stopped"), "333333333333")


@pytest.fixture(scope="module")
def reported(emulator_server: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Notifier:
    """A report on three accounts, none of which is a member: no host failed."""
    return left_by(emulator_server, tmp_path_factory.mktemp("reported"), role="report", status=0)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as slack:
        yield slack


@pytest.fixture
def jira() -> Iterator[Jira]:
    with Jira() as jira:
        yield jira


def keep_tickets(notify: Notifier, jira: Jira, **variables: Any) -> subprocess.CompletedProcess[str]:
    return notify("ticket", {"jira_url": jira.url, **variables}, JIRA_TOKEN=jira.TOKEN)


def test_junit_report_arrives_as_it_was_written(failed: Notifier, server: Server) -> None:
    done = failed("junit", JUNIT_URL=f"{server.url}/import", JUNIT_TOKEN="junit-secret")

    assert done.returncode == 0, done.stdout
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/import")
    assert request.headers["Authorization"] == "Bearer junit-secret" and request.headers["Content-Type"] == "text/xml"
    suite = ElementTree.fromstring(request.text)
    assert int(suite.get("tests", "0")) == len(HOSTS) * len(SERVICES)
    assert {case.get("name") for case in suite if case.find("failure") is not None} == {LOCKED}
    assert "junit-secret" not in done.stdout + done.stderr


def test_slack_gets_the_counts_and_the_causes(failed: Notifier, slack: Slack) -> None:
    done = failed("slack", SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")

    assert done.returncode == 0, done.stdout
    (request,) = slack.requests
    lines = request.json["text"].splitlines()
    assert lines[0] == "*onboard: 2 of 3 accounts as wanted, 2 changed, 1 failed*"
    (cause,) = failed.summary["causes"]
    assert lines[1].startswith(f"• *assume_role_failed*, {cause['where']}: ")
    assert lines[2].strip() == f"hosts: {LOCKED}" and lines[3].strip() == f"next: {cause['next_step']}"
    assert len(lines) == 4
    assert "secret-part" not in done.stdout + done.stderr


def test_slack_is_told_of_gaps_where_no_host_failed(reported: Notifier, slack: Slack) -> None:
    done = reported("slack", {"notify_role": "report"}, SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")

    assert done.returncode == 0, done.stdout
    (request,) = slack.requests
    first, *_more = request.json["text"].splitlines()
    assert first == "*report: 0 of 3 accounts as wanted, 3 with gaps, 0 changed, 0 failed*"


def test_slack_gets_what_a_job_of_a_workflow_was_given_and_texts_stay_texts(failed: Notifier, slack: Slack) -> None:
    cause = {**failed.summary["causes"][0], "reason": "<!channel> & {{ 1 + 1 }}", "hosts": [LOCKED, *"abcdefgh"]}
    summary = {**failed.summary, "causes": [{**cause, "where": f"place {n}"} for n in range(7)]}
    done = failed("slack", {"onboard_summary": summary}, SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")

    assert done.returncode == 0, done.stdout
    text = slack.requests[0].json["text"]
    assert "place 0: &lt;!channel&gt; &amp; {{ 1 + 1 }}\n" in text
    assert "hosts: workload-02, a, b, c, d and 4 more\n" in text
    assert "place 4" in text and "place 5" not in text and text.splitlines()[-1] == "and 2 more causes"


def test_slack_is_left_alone_where_nothing_changed_or_failed(failed: Notifier, slack: Slack) -> None:
    summary = {**failed.summary, "changed": 0, "failed": 0, "as_wanted": 3, "failed_hosts": [], "causes": []}
    done = failed("slack", {"onboard_summary": summary}, SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")
    assert done.returncode == 0 and slack.requests == []


def test_slack_hears_of_a_run_that_was_stopped(stopped: Notifier, slack: Slack) -> None:
    done = stopped("slack", SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")

    assert done.returncode == 0, done.stdout
    text = slack.requests[0].json["text"]
    assert "0 of 3 accounts as wanted" in text
    assert "*not_begun*, everywhere: the credentials belong to account 111111111111" in text


@pytest.mark.nightly
def test_refusal_is_told_without_the_address_and_a_busy_server_is_asked_again(failed: Notifier, slack: Slack) -> None:
    slack.refusals += [(429, "rate_limited"), (429, "rate_limited")]
    busy = failed("slack", SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")
    assert busy.returncode == 0, busy.stdout
    assert len(slack.requests) == 3

    slack.requests.clear()
    wrong = failed("slack", SLACK_WEBHOOK_URL=f"{slack.url}/services/another-secret")
    assert wrong.returncode == 2 and len(slack.requests) == 1
    assert "status 404, no_service" in wrong.stdout
    assert "another-secret" not in wrong.stdout + wrong.stderr

    unset = failed("slack", SLACK_WEBHOOK_URL="")
    assert unset.returncode == 2 and "Set SLACK_WEBHOOK_URL" in unset.stdout


def test_tickets_are_one_for_each_reason_and_are_kept_up_to_date(failed: Notifier, jira: Jira) -> None:
    first = keep_tickets(failed, jira)
    assert first.returncode == 0, first.stdout
    assert list(jira.issues) == ["SEC-1"]
    issue = jira.issues["SEC-1"]
    assert issue["summary"] == "muster.aws onboard: assume_role_failed, accounts: 1"
    assert issue["labels"] == ["muster", "muster-onboard-assume_role_failed"]
    (cause,) = failed.summary["causes"]
    assert all(text in issue["description"] for text in (LOCKED, cause["where"], cause["next_step"]))

    more = {**cause, "hosts": [LOCKED, "workload-03"]}
    summary = {**failed.summary, "causes": [more, {**more, "reason_code": "access_denied"}]}
    assert keep_tickets(failed, jira, onboard_summary=summary).returncode == 0
    assert list(jira.issues) == ["SEC-1", "SEC-2"]
    assert issue["summary"].endswith("accounts: 2") and "workload-03" in issue["description"]

    issue["status"] = "Done"
    assert keep_tickets(failed, jira).returncode == 0
    assert list(jira.issues) == ["SEC-1", "SEC-2", "SEC-3"]
    assert jira.TOKEN not in first.stdout + first.stderr


@pytest.mark.nightly
def test_tickets_of_a_large_fleet_fit(failed: Notifier, jira: Jira) -> None:
    (cause,) = failed.summary["causes"]
    many = [
        {**cause, "where": f"place {n}", "hosts": [f"workload-{host:05}" for host in range(3000)]} for n in range(9)
    ]
    assert keep_tickets(failed, jira, onboard_summary={**failed.summary, "causes": many}).returncode == 0
    assert "accounts: 3000" in jira.issues["SEC-1"]["summary"]


def test_tickets_are_left_alone_by_a_check(failed: Notifier, jira: Jira) -> None:
    assert keep_tickets(failed, jira, onboard_summary={**failed.summary, "is_check": True}).returncode == 0
    assert jira.requests == []


def test_ticket_in_jira_cloud_takes_its_user_and_its_search(failed: Notifier, jira: Jira) -> None:
    jira.authorization = f"Basic {b64encode(f'bot@example.com:{jira.TOKEN}'.encode()).decode()}"
    jira.search = "/rest/api/2/search/jql"
    done = keep_tickets(failed, jira, jira_user="bot@example.com", jira_search=jira.search)
    assert done.returncode == 0, done.stdout
    assert list(jira.issues) == ["SEC-1"]
    assert jira.authorization.split()[1] not in done.stdout + done.stderr


def test_ticket_that_is_refused_is_told(stopped: Notifier, jira: Jira) -> None:
    refused = stopped("ticket", {"jira_url": jira.url}, JIRA_TOKEN="wrong-token")
    assert refused.returncode == 2 and "status 401" in refused.stdout and "wrong-token" not in refused.stdout
    assert keep_tickets(stopped, jira).returncode == 0
    assert jira.issues["SEC-1"]["summary"] == "muster.aws onboard: not_begun, accounts: 3"


def test_webhook_gets_the_summary_and_the_failed_rows(failed: Notifier, server: Server) -> None:
    done = failed("webhook", WEBHOOK_URL=f"{server.url}/hook", WEBHOOK_TOKEN="hook-secret")

    assert done.returncode == 0, done.stdout
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer hook-secret"
    body = request.json
    rows = json.loads((failed.folder / "results.json").read_text())
    assert body["failed_rows"] == [row for row in rows if row["failed"]] != []
    assert {row["host"] for row in body["failed_rows"]} == {LOCKED}
    assert (body["event"], body["part"], body["parts"]) == ("muster.aws.onboard", 1, 1)
    assert body["summary"] == failed.summary
    assert "hook-secret" not in done.stdout + done.stderr


@pytest.mark.nightly
def test_webhook_gets_many_rows_in_parts_and_none_in_one(failed: Notifier, server: Server) -> None:
    row = next(row for row in json.loads((failed.folder / "results.json").read_text()) if row["failed"])
    for count, sizes in ((1201, [500, 500, 201]), (0, [0])):
        server.requests.clear()
        file = failed.folder / f"{count}.json"
        file.write_text(json.dumps([{**row, "account_id": f"{n:012}"} for n in range(count)]))
        done = failed("webhook", {"webhook_rows_file": str(file)}, WEBHOOK_URL=server.url, WEBHOOK_TOKEN="t")
        assert done.returncode == 0, done.stdout
        assert [len(request.json["failed_rows"]) for request in server.requests] == sizes
        assert [request.json["part"] for request in server.requests] == list(range(1, len(sizes) + 1))


def test_run_that_never_began_is_told_as_such(failed: Notifier, slack: Slack, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("")
    done = Notifier(tmp_path)("slack", SLACK_WEBHOOK_URL=f"{slack.url}{slack.PATH}")
    assert done.returncode == 2 and "the run ended before its first play" in done.stdout + done.stderr
    assert slack.requests == []
