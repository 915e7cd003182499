# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs as a controller runs them: ansible-runner, a private data directory, a survey's answers as extra vars."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
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
LISTED = yaml.safe_load((FOLDER / "project/inventory/accounts.yml").read_text())["aws_accounts"]["hosts"]


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
        self.injected = {
            "onboard_member_role_name": "Muster",
            "onboard_external_id": "for-muster",
            "organization_administrator_role_name": "Muster",
            "organization_external_id": "for-muster",
        }
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
        hosts: Mapping[str, Any] = LISTED,
        artifacts: Mapping[str, Any] | None = None,
    ) -> Job:
        """Run a job to its end, with these answers alone, as a schedule or the API does.

        :param hosts: Those of the inventory that the job sees, with their variables: all, or those of its slice.
        :param artifacts: Those of the jobs before it in a workflow.
        """
        questions = FILES.survey(job)
        assert variables_needed_to_start(questions, answers) == []
        template = FILES.job_template(job)
        self.jobs += 1
        private_data = self.folder / f"job_{self.jobs}"
        shutil.copytree(FOLDER / "project", private_data / "project")
        (private_data / "inventory").mkdir()
        script = private_data / "inventory/hosts"
        inventory = json.dumps({"all": {"hosts": list(hosts)}, "_meta": {"hostvars": dict(hosts)}})
        script.write_text(f"#! /usr/bin/env python3\nprint({inventory!r})\n")
        script.chmod(0o700)
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
        # There are none of a job that ended before its first play.
        nothing: dict[str, Any] = {"artifact_data": {}, "changed": {}, "failures": {}, "processed": {}}
        [stats] = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"] or [nothing]
        output = (private_data / "artifacts/1/stdout").read_text()
        return Job(
            (private_data / "artifacts/1/status").read_text(),
            stats["artifact_data"],
            changed=set(hosts) & set(stats["changed"]),
            failed=set(hosts) & set(stats["failures"]),
            ran=set(hosts) & set(stats["processed"]),
            output=output,
            statistics=stats,
        )


def update_inventory(project: Path, source_path: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Read a source of the inventory as a controller does: in the folder of the project, with its settings."""
    inherited = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    return subprocess.run(
        ["ansible-inventory", "-i", source_path, "--list", "--export"],
        cwd=project,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
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
            region: {"accounts": 3, "changed": 2, "failed": 1, "failed_ids": [ACCOUNTS[SECOND]]} for region in REGIONS
        }

    emulator.seed({"accounts": {ACCOUNTS[SECOND]: {"assumable": True}}})
    emulator.clear_calls()
    limit = limit_of_relaunch(first.statistics)
    assert limit == SECOND
    again = controller.launch("onboard", limit=limit, onboard_wait_timeout=5)
    assert again.status == "successful", again.output
    assert again.ran == again.changed == {SECOND}
    # Its role was tried before anybody invited it.
    assert {call.account_id for call in emulator.calls if call.is_write} == {ADMINISTRATOR, ACCOUNTS[SECOND]}
    assert again.artifacts["onboard"]["guardduty"][REGIONS[0]]["failed_ids"] == []
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())
    with pytest.raises(ValueError, match="0 failed hosts"):
        limit_of_relaunch(again.statistics)


@pytest.mark.nightly
def test_jobs_in_slices_take_all_accounts_between_them(controller: Controller, emulator: Emulator):
    slices = hosts_of_slices(list(ACCOUNTS), 2)
    parts = [{host: LISTED[host] for host in hosts} for hosts in slices]
    jobs = [controller.run("onboard", FILES.accepted("onboard"), hosts=hosts) for hosts in parts]
    assert [job.ran for job in jobs] == [{FIRST, THIRD}, {SECOND}]
    assert [job.artifacts["onboard"]["guardduty"][REGIONS[0]]["accounts"] for job in jobs] == [2, 1]
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


@pytest.mark.nightly
def test_a_limit_that_leaves_a_slice_without_hosts_fails_that_slice_alone(controller, emulator: Emulator):
    """A controller makes slices of the whole inventory, and gives each the limit as it was asked for."""
    parts = [{host: LISTED[host] for host in hosts} for hosts in hosts_of_slices(list(ACCOUNTS), 2)]
    with_it, without = [controller.run("onboard", {}, limit=SECOND, hosts=hosts) for hosts in reversed(parts)]
    assert (with_it.status, with_it.ran) == ("successful", {SECOND})
    assert (without.status, without.ran) == ("failed", set())
    assert "leaves us with no hosts to target" in without.output  # Ansible's words, before any of ours can be said
    assert enabled_everywhere(emulator, ACCOUNTS[SECOND])
    assert not enabled_everywhere(emulator, ACCOUNTS[FIRST])


@pytest.mark.nightly
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


@pytest.mark.nightly
def test_onboard_job_without_answers_takes_the_template_and_the_defaults(controller: Controller, emulator: Emulator):
    job = controller.run("onboard", {})
    assert job.status == "successful", job.output
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


@pytest.mark.nightly
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
    assert "GuardDuty is off, or suspended, in the administrator" in job.artifacts["onboard_summary"]["stopped"]
    assert emulator.operations(writes_only=True) == []


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


def test_accounts_of_the_organization_are_the_inventory_of_a_job(controller: Controller, emulator: Emulator):
    management = "999999999999"
    emulator.seed(
        {
            "organization": {
                "management_account": management,
                "account_ids": list(ACCOUNTS.values()),
                "delegated_administrator": {"guardduty": ADMINISTRATOR, "securityhub": ADMINISTRATOR},
            },
            "accounts": {ACCOUNTS[FIRST]: {"name": "Payments {{ 1 + 1 }}"}},
            "services": [
                {"service": service, "account_id": management, "regions": REGIONS}
                for service in ("guardduty", "securityhub")
            ],
        }
    )
    (source,) = ControllerFiles(muster_awx_accounts_from=["organization"]).variable("controller_inventory_sources")
    updated = update_inventory(FOLDER / "project", source["source_path"], controller.variables)
    assert updated.returncode == 0, updated.stderr
    hosts = json.loads(updated.stdout)["_meta"]["hostvars"]
    assert len(hosts) == len(ACCOUNTS) + 2  # the administrator and the management account

    job = controller.run("onboard", {"onboard_via": "organization"}, hosts=hosts)
    assert job.status == "successful", job.output
    assert len(job.changed) == len(ACCOUNTS) + 1
    assert all(enabled_everywhere(emulator, account_id) for account_id in (management, *ACCOUNTS.values()))


def test_organization_job_delegates_with_the_management_account_s_credentials(
    controller: Controller, emulator: Emulator
):
    management = "999999999999"
    emulator.seed(
        {
            "organization": {"management_account": management, "account_ids": [ADMINISTRATOR, *ACCOUNTS.values()]},
            "accounts": {ADMINISTRATOR: {"role_name": "Muster", "external_id": "for-muster"}},
            "caller": management,
        }
    )
    for writes in (True, False):  # a second job finds all of it done
        emulator.clear_calls()
        job = controller.launch("organization")
        assert job.status == "successful", job.output
        delegated = emulator.operations(writes_only=True).count("EnableOrganizationAdminAccount")
        assert delegated == (2 * len(REGIONS) if writes else 0)
    emulator.seed({"caller": ADMINISTRATOR})
    job = controller.launch("onboard", onboard_via="organization")
    assert job.status == "successful", job.output
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values())


@pytest.mark.parametrize("has_settings", [True, False], ids=["settings-of-the-project", "without-them"])
def test_source_of_the_inventory_that_cannot_be_read_fails_its_update(tmp_path: Path, has_settings: bool):
    project = shutil.copytree(FOLDER / "project", tmp_path / "project")
    (project / "inventory/accounts.organization.yml").unlink()
    (project / "inventory/more.yml").write_text("aws_accounts: [hosts\n")
    if not has_settings:
        (project / "ansible.cfg").unlink()
    updated = update_inventory(project, "inventory", {})
    assert "more.yml" in updated.stderr
    # Without them, Ansible warns and leaves accounts out.
    assert (updated.returncode != 0) is has_settings, updated.stdout
    assert (THIRD in updated.stdout) is not has_settings


def test_organization_that_cannot_be_asked_fails_its_update(controller: Controller, emulator: Emulator):
    updated = update_inventory(FOLDER / "project", "inventory/accounts.organization.yml", controller.variables)
    assert updated.returncode != 0
    assert "AWSOrganizationsNotInUseException" in updated.stderr and "Traceback" not in updated.stderr
