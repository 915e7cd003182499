# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs as a controller runs them: ansible-runner, a private data directory, a survey's answers as extra vars."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.tests.ecosystem.conftest import ACCOUNTS, ADMINISTRATOR, REGIONS, enabled_everywhere
from ansible_collections.muster.aws.tests.ecosystem.controller_files import FOLDER, ControllerFiles
from ansible_collections.muster.aws.tests.ecosystem.controller_rules import (
    hosts_of_slices,
    limit_of_relaunch,
    variables_needed_to_start,
    variables_of_job,
)
from ansible_collections.muster.aws.tests.emulator import Emulator

FILES = ControllerFiles()
FIRST, SECOND, THIRD = ACCOUNTS


@dataclass(frozen=True)
class Job:
    """What a controller knows of a job that has ended."""

    status: str
    artifacts: dict[str, Any]
    changed: set[str]
    failed: set[str]
    ran: set[str]
    output: str
    statistics: dict[str, Any]


class Controller:
    """Launches jobs of the templates in extensions/awx, with the files of their project."""

    def __init__(self, folder: Path, aws_variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = {**aws_variables, "ANSIBLE_FORCE_COLOR": "false"}
        # What the credential "Member role" injects.
        self.injected = {"onboard_member_role_name": "Muster", "onboard_external_id": "for-muster"}
        self.jobs = 0

    def launch(self, job: str, limit: str | None = None, check: bool = False, **answers: Any) -> Job:
        """Run a job to its end, launched from the screen: all questions are answered, by default or by ``answers``."""
        return self.run(job, FILES.accepted(job, **answers), limit, check)

    def run(
        self,
        job: str,
        answers: dict[str, Any],
        limit: str | None = None,
        check: bool = False,
        hosts: Sequence[str] = tuple(ACCOUNTS),
        artifacts: Mapping[str, Any] | None = None,
    ) -> Job:
        """Run a job to its end, with these answers alone, as a schedule or the API does.

        :param hosts: Those of the inventory that the job sees: all, or those of its slice.
        :param artifacts: Those of the jobs before it in a workflow.
        """
        questions = FILES.survey(job)
        assert variables_needed_to_start(questions, answers) == []
        template = FILES.job_template(job)
        self.jobs += 1
        private_data = self.folder / f"job_{self.jobs}"
        shutil.copytree(FOLDER / "project", private_data / "project")
        inventory = yaml.safe_load((FOLDER / "project/inventory/accounts.yml").read_text())
        accounts = inventory["aws_accounts"]["hosts"]
        (private_data / "inventory").mkdir()
        (private_data / "inventory/hosts.json").write_text(
            json.dumps({"all": {"hosts": {host: accounts[host] for host in hosts}}})
        )
        arguments = [*(["--limit", limit] if limit else []), *(["--check"] if check else [])]
        variables = variables_of_job(template["extra_vars"], questions, answers, artifacts or {})
        files = {
            "extravars": {**variables, **self.injected},
            "envvars": self.variables,
            "settings": {"idle_timeout": 300, "suppress_ansible_output": True},
            "cmdline": shlex.join(arguments),
        }
        (private_data / "env").mkdir()
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (private_data / "env" / name).write_text(text)
        subprocess.run(
            ["ansible-runner", "run", str(private_data), "--playbook", template["playbook"], "--ident", "1"],
            timeout=300,
            check=False,
        )
        events = [json.loads(path.read_text()) for path in private_data.glob("artifacts/1/job_events/*.json")]
        (stats,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
        output = (private_data / "artifacts/1/stdout").read_text()
        hosts = set(ACCOUNTS)
        return Job(
            (private_data / "artifacts/1/status").read_text(),
            stats["artifact_data"],
            changed=hosts & set(stats["changed"]),
            failed=hosts & set(stats["failures"]),
            ran=hosts & set(stats["processed"]),
            output=output,
            statistics=stats,
        )


@pytest.fixture
def controller(emulator: Emulator, aws_variables: dict[str, str], tmp_path: Path) -> Controller:
    account = {"role_name": "Muster", "external_id": "for-muster"}
    emulator.seed({"accounts": {account_id: account for account_id in ACCOUNTS.values()}})
    return Controller(tmp_path, aws_variables)


def test_onboard_job_fails_for_one_account_and_is_relaunched_on_it(controller: Controller, emulator: Emulator):
    emulator.seed({"accounts": {ACCOUNTS[SECOND]: {"assumable": False}}})

    first = controller.launch("onboard", onboard_wait_timeout=5)
    assert first.status == "failed"
    assert first.failed == {SECOND}, first.output
    assert first.ran == set(ACCOUNTS)
    for service in ("guardduty", "securityhub"):
        assert first.artifacts["onboard"][service] == {
            region: {"accounts": 3, "changed": 3, "failed": 1, "failed_ids": [ACCOUNTS[SECOND]]} for region in REGIONS
        }

    emulator.seed({"accounts": {ACCOUNTS[SECOND]: {"assumable": True}}})
    emulator.clear_calls()
    limit = limit_of_relaunch(first.statistics)
    assert limit == SECOND
    again = controller.launch("onboard", limit=limit, onboard_wait_timeout=5)
    assert again.status == "successful", again.output
    assert again.ran == again.changed == {SECOND}
    assert {call.account_id for call in emulator.calls if call.is_write} == {ACCOUNTS[SECOND]}
    assert again.artifacts["onboard"]["guardduty"][REGIONS[0]]["failed_ids"] == []
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())
    with pytest.raises(ValueError, match="0 failed hosts"):
        limit_of_relaunch(again.statistics)


def test_jobs_in_slices_take_all_accounts_between_them(controller: Controller, emulator: Emulator):
    slices = hosts_of_slices(list(ACCOUNTS), 2)
    jobs = [controller.run("onboard", FILES.accepted("onboard"), hosts=hosts) for hosts in slices]
    assert [job.ran for job in jobs] == [{FIRST, THIRD}, {SECOND}]
    assert [job.artifacts["onboard"]["guardduty"][REGIONS[0]]["accounts"] for job in jobs] == [2, 1]
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


def test_scheduled_report_runs_without_answers(controller: Controller, emulator: Emulator):
    job = controller.run("report", {})
    assert job.status == "successful", job.output
    assert job.artifacts["report"]
    assert emulator.operations(writes_only=True) == []


def test_workflow_runs_to_its_end_though_each_job_gets_the_artifacts_of_those_before_it(controller, emulator: Emulator):
    artifacts: dict[str, Any] = {}
    for name in ("report", "onboard", "report"):
        job = controller.run(name, {}, artifacts=artifacts)
        assert job.status == "successful", job.output
        artifacts.update(job.artifacts)
    assert artifacts["onboard_summary"]["changed"] == len(ACCOUNTS)
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


def test_onboard_job_without_answers_takes_the_template_and_the_defaults(controller: Controller, emulator: Emulator):
    job = controller.run("onboard", {})
    assert job.status == "successful", job.output
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


def test_onboard_job_with_a_limit_and_check_mode_leaves_the_others_alone(controller: Controller, emulator: Emulator):
    checked = controller.launch("onboard", limit=f"{FIRST},{THIRD}", check=True)
    assert checked.status == "successful", checked.output
    assert emulator.operations(writes_only=True) == []

    job = controller.launch("onboard", limit=f"{FIRST},{THIRD}")
    assert job.status == "successful", job.output
    assert checked.changed == job.changed == job.ran == {FIRST, THIRD}
    assert checked.artifacts["onboard"] == job.artifacts["onboard"]
    summaries = [each.artifacts["onboard_summary"] for each in (checked, job)]
    assert [summary.pop("is_check") for summary in summaries] == [True, False]
    assert summaries[0] == summaries[1]
    assert job.artifacts["onboard"]["securityhub"][REGIONS[1]]["accounts"] == 2
    assert [host for host in ACCOUNTS if enabled_everywhere(emulator, ACCOUNTS[host])] == [FIRST, THIRD]


def test_survey_answers_that_are_text_mean_what_they_say(controller: Controller, emulator: Emulator):
    # A survey has no booleans: "false" is no true.
    job = controller.launch("onboard", onboard_services=["guardduty"], onboard_enable_services="false")
    assert job.failed == set(ACCOUNTS), job.output
    assert set(job.artifacts["onboard"]) == {"guardduty"}
    assert set(job.artifacts["onboard"]["guardduty"]) == set(REGIONS)
    assert {"CreateDetector", "EnableSecurityHub"}.isdisjoint(emulator.operations())


def test_offboard_job_ends_the_membership_of_the_named_account(controller: Controller, emulator: Emulator):
    for service in ("guardduty", "securityhub"):
        for region in REGIONS:
            for account_id in ACCOUNTS.values():
                emulator.set_member(service, region, ADMINISTRATOR, account_id, "Enabled")

    job = controller.launch("offboard", offboard_hosts=THIRD)
    assert job.status == "successful", job.output
    assert job.changed == {THIRD}
    assert job.artifacts["offboard"]["guardduty"][REGIONS[0]]["accounts"] == 1
    assert [host for host in ACCOUNTS if enabled_everywhere(emulator, ACCOUNTS[host])] == [FIRST, SECOND]
    # offboard_disable_services is "false" by default, a text.
    assert {"DeleteDetector", "DisableSecurityHub"}.isdisjoint(emulator.operations())

    refused = controller.launch("offboard", offboard_hosts="all", offboard_limit=2)
    assert refused.status == "failed"
    assert "this would offboard 3 accounts" in refused.output


def test_report_job_reads_and_tells_its_counts(controller: Controller, emulator: Emulator):
    job = controller.launch("report")
    assert job.status == "successful", job.output
    assert job.artifacts["report"]
    assert emulator.operations(writes_only=True) == []
    assert list(controller.folder.rglob("*.html")) == []
