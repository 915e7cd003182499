# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action of the organization role checks, hands on and returns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.muster.aws.plugins.action import organize
from ansible_collections.muster.aws.plugins.plugin_utils import _modules
from ansible_collections.muster.aws.tests.unit.plugins.constructed import act, task_of

ADMINISTRATOR, MANAGEMENT = "111111111111", "999999999999"
VARIABLES: Mapping[str, Any] = MappingProxyType(
    {
        "wanted": ADMINISTRATOR,
        "organization_administrator_id": "{{ wanted }}",
        "organization_regions": ["us-east-1", "eu-central-1", "us-east-1"],
        "organization_guardduty": {"auto_enable_members": "NEW"},
        "inventory_hostname": "localhost",
    }
)
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "administrator_id": ADMINISTRATOR,
        "regions": ["us-east-1", "eu-central-1"],
        "services": ["guardduty", "securityhub"],
        "administrator_role_name": "OrganizationAccountAccessRole",
        "guardduty": {"auto_enable_members": "NEW"},
        "securityhub": {},
        "enable_service": True,
        "enable_in_management": False,
    }
)
FOUND: Mapping[str, Any] = MappingProxyType(
    {
        "changed": True,
        "failed": False,
        "lines": ["one", "two"],
        "failures": [],
        "warnings": [],
        "stats": {"guardduty": {}},
    }
)


STATS: Mapping[str, Any] = MappingProxyType(
    {"data": {"organization": {"guardduty": {}}}, "aggregate": True, "per_host": False}
)


class Run:
    """The action, with a stand-in for its modules and for the work it hands on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.caller: Mapping[str, Any] = {"account": int(MANAGEMENT)}
        self.modules: list[tuple[str, Mapping[str, Any]]] = []
        self.work: Any = None
        self.handed_on: list[Any] = []
        self.found: Mapping[str, Any] = FOUND
        self.said: list[str] = []
        monkeypatch.setattr(organize, "organize", self._organize)
        monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", "ansible.builtin.default")
        monkeypatch.setattr(_modules, "Display", lambda: self)

    def _organize(self, work: Any, *given: Any) -> Mapping[str, Any]:
        self.work = work
        self.handed_on.append(given)
        return self.found

    def display(self, text: str) -> None:
        self.said.append(text)

    def _run_module(self, name: str, **options: Any) -> Mapping[str, Any]:
        self.modules.append((name, options))
        return self.caller

    def __call__(self, variables: Mapping[str, Any] | None = VARIABLES, check_mode: Any = False) -> dict[str, Any]:
        self.task = task_of(check_mode=check_mode)
        action = act(organize, self.task, variables or {}, DataLoader())
        action.run_module = self._run_module
        result: dict[str, Any] = action.run(task_vars=variables)
        return result

    def refusal(self, **changes: Any) -> str:
        variables = {**VARIABLES, **changes}
        with pytest.raises(AnsibleError) as refused:
            self({name: value for name, value in variables.items() if value is not None})
        assert self.handed_on == []
        return str(refused.value)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_work_is_done_with_what_the_role_was_told_and_whose_credentials_these_are(run: Run) -> None:
    assert run() == {
        "changed": True,
        "failed": False,
        "msg": ["one", "two"],
        "ansible_stats": STATS,
        "_ansible_verbose_override": True,
    }
    assert run.said == ["one\ntwo"]
    assert run.handed_on == [(OPTIONS, MANAGEMENT)]
    assert run.modules == [("amazon.aws.aws_caller_info", {"region": "us-east-1"})]


def test_what_is_printed_for_programs_is_the_result_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.json")
    assert run() == {"changed": True, "failed": False, "msg": ["one", "two"], "ansible_stats": STATS}
    assert run.said == []


def test_failure_is_a_text_that_begins_with_what_failed(run: Run) -> None:
    run.found = {**FOUND, "failed": True, "failures": ["three", "four"]}
    assert run() == {"changed": True, "failed": True, "msg": "three\nfour\none\ntwo", "ansible_stats": STATS}
    assert run.said == []


@pytest.mark.parametrize("failed", [False, True])
def test_warnings_of_the_modules_are_those_of_the_task(run: Run, failed: bool) -> None:
    run.found = {**FOUND, "failed": failed, "warnings": ["full"]}
    assert run()["warnings"] == ["full"]


def test_administrator_that_nothing_leads_to_is_refused(run: Run) -> None:
    assert run.refusal(organization_administrator_role_name="") == (
        f"Nothing was sent: organization_administrator_role_name is empty: name the role that {MANAGEMENT} assumes in "
        f"{ADMINISTRATOR}, or use that account's credentials for its half"
    )
    run.caller = {"account": int(ADMINISTRATOR)}
    assert run({**VARIABLES, "organization_administrator_role_name": ""})["changed"] is True


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"organization_region": "x", "organization_regions": None},
            "organization_region is no variable of this role; did you mean organization_regions?; "
            "these variables are needed and not set: organization_regions",
        ),
        (
            {"organization_regions": ["us-east-9"]},
            "organization_regions: Region 'us-east-9' is none that the installed botocore knows; "
            "did you mean us-east-2?",
        ),
        ({"organization_services": []}, "organization_services is empty: name at least one"),
        (
            {"organization_administrator_role_name": "/Muster", "organization_service_principals": [""]},
            "organization_administrator_role_name: role name '/Muster' is not an IAM role name; write the name, with "
            "its path if it has one but without a leading slash, not an ARN; organization_service_principals: '' is "
            "not the name of a service principal such as SERVICE.amazonaws.com",
        ),
        (
            {"organization_guardduty": {"features": [{"name": "A", "auto_enable": "NEW"}] * 2}},
            "organization_guardduty.features: A is listed twice",
        ),
        (
            {"organization_guardduty": {"features": [{"name": "A", "auto_enable": True}]}},
            "value of auto_enable must be one of: NEW, ALL, NONE, got: True found in organization_guardduty -> "
            "features",
        ),
    ],
)
def test_mistakes_in_what_the_role_was_told_are_refused_before_any_call(
    run: Run, changes: dict[str, Any], told: str
) -> None:
    assert run.refusal(**changes) == f"Nothing was sent: {told}"
    assert run.modules == []


def test_option_of_another_module_is_no_option_of_a_feature(run: Run) -> None:
    told = run.refusal(organization_guardduty={"features": [{"name": "A", "status": "ENABLED"}]})
    assert "organization_guardduty.features.status" in told and run.modules == []


def test_role_that_was_told_nothing_is_refused(run: Run) -> None:
    with pytest.raises(AnsibleError, match="^Nothing was sent: these variables are needed and not set: "):
        run(None)


def test_credentials_that_cannot_be_used_are_refused(run: Run) -> None:
    run.caller = {"failed": True, "msg": "No credentials."}
    assert run.refusal() == "Nothing was sent: No credentials."


@pytest.mark.parametrize(("check_mode", "is_check"), [(True, True), (False, False), (None, False)])
def test_work_meets_ansible_in_the_action(
    run: Run, monkeypatch: pytest.MonkeyPatch, check_mode: Any, is_check: bool
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    run(check_mode=check_mode)
    assert run.work.is_check is is_check
    with run.work.only_looking():
        assert run.task.check_mode is True
    assert run.task.check_mode is is_check
    run.caller = {"changed": True}
    assert run.work.run("guardduty_detector", regions=["us-east-1"]) == {"changed": True}
    assert run.modules[-1] == ("muster.aws.guardduty_detector", {"regions": ["us-east-1"]})
    run.work.say("It goes on.")
    run.work.sleep(3.5)
    assert slept == [3.5]
