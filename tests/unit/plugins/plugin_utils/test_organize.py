# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._organize import organize

ADMINISTRATOR, MANAGEMENT = "111111111111", "012345678901"
REGIONS = ["eu-central-1", "us-east-1"]
KEYS = {
    "detector": "detectors",
    "hub": "hubs",
    "organization": "organizations",
    "organization_administrator": "organization_administrators",
}
OPTIONS: dict[str, Any] = {
    "administrator_id": ADMINISTRATOR,
    "administrator_role_name": "Role",
    "regions": REGIONS,
    "services": ["guardduty", "securityhub"],
    "guardduty": {"auto_enable_members": "NEW"},
    "securityhub": {},
    "enable_service": True,
    "enable_in_management": False,
}


class FakeWork:
    """Runs nothing. Each module is answered with its own actions, unless a test says otherwise."""

    def __init__(self, is_check: bool = False, **answers: Callable[[str], dict[str, Any]]) -> None:
        self.is_check = is_check
        self.answers = answers
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.looked: list[tuple[str, dict[str, Any]]] = []
        self.is_looking = False
        self.slept = 0.0

    @contextmanager
    def only_looking(self) -> Iterator[None]:
        self.is_looking = True
        yield
        self.is_looking = False

    def run(self, module: str, **options: Any) -> dict[str, Any]:
        options = {**options, "regions": list(options["regions"])}
        given = {name: value for name, value in options.items() if value is not None}
        (self.looked if self.is_looking else self.ran).append((module, given))
        _service, _slash, kind = module.partition("_")
        if "whole" in self.answers:
            return self.answers["whole"](module)
        rows = [self._row(kind, module, region) for region in options["regions"]]
        failed = [row for row in rows if row["outcome"] == "failed"]
        problems = [{**row, "operation": "SomeCall"} for row in failed]
        changed = any(row["actions"] for row in rows)
        return {KEYS[kind]: rows, "unprocessed_accounts": problems, "changed": changed, "msg": "it failed"}

    def _row(self, kind: str, module: str, region: str) -> dict[str, Any]:
        actions = {"detector": "enable_service", "hub": "enable_service", "organization": "update_organization"}
        row = {
            "region": region,
            "actions": [actions.get(kind, "delegate")],
            "outcome": "changed",
            "reason_code": None,
            "reason": None,
        }
        return {**row, **self.answers.get(kind, lambda _region: {})(region)}

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    @property
    def modules(self) -> list[str]:
        return [module for module, _options in self.ran]


def failing(region: str, code: str = "access_denied") -> Callable[[str], dict[str, Any]]:
    problem = {"outcome": "failed", "actions": [], "reason_code": code, "reason": "No."}
    return lambda asked: problem if asked == region else {}


def test_management_account_takes_every_step_in_order_and_enters_the_administrator() -> None:
    work = FakeWork()
    found = organize(work, {**OPTIONS, "external_id": "secret", "enable_in_management": True}, MANAGEMENT)
    assert work.modules == [
        "guardduty_detector",
        "guardduty_detector",
        "guardduty_organization_administrator",
        "guardduty_organization",
        "securityhub_hub",
        "securityhub_hub",
        "securityhub_organization_administrator",
    ]
    there = {"account_ids": [ADMINISTRATOR], "role_name": "Role", "external_id": "secret"}
    options = [given for _module, given in work.ran]
    assert options[0] == {"regions": REGIONS, **there} and options[1] == {"regions": REGIONS}
    assert options[2] == {"regions": REGIONS, "administrator_id": ADMINISTRATOR}
    assert options[3] == {"regions": REGIONS, **there, "auto_enable_members": "NEW"}
    assert (found["changed"], found["failed"]) == (True, False)
    assert found["lines"][0] == (
        "GuardDuty, eu-central-1 us-east-1: service switched on, administrator delegated, settings updated"
    )


@pytest.mark.parametrize("is_check", [False, True])
def test_delegation_that_would_be_refused_is_seen_before_anything_is_written_there(is_check: bool) -> None:
    work = FakeWork(is_check, organization_administrator=failing("us-east-1", "other_delegated_administrator"))
    found = organize(work, {**OPTIONS, "enable_in_management": True, "services": ["guardduty"]}, MANAGEMENT)
    looked = {"regions": REGIONS, "administrator_id": ADMINISTRATOR}
    assert work.looked == [("guardduty_organization_administrator", looked)]
    assert {tuple(given["regions"]) for _module, given in work.ran} == {("eu-central-1",)}
    [failure] = found["failures"]
    assert failure.startswith("GuardDuty in us-east-1: SomeCall: No. (other_delegated_administrator: ")
    assert found["stats"]["guardduty"]["us-east-1"] == {
        "actions": [],
        "failed": "other_delegated_administrator",
    }


def test_delegation_that_would_be_refused_everywhere_leaves_all_as_it_is() -> None:
    def refused(region: str) -> dict[str, Any]:
        return failing(region, "access_denied")(region)

    work = FakeWork(organization_administrator=refused)
    found = organize(work, OPTIONS, MANAGEMENT)
    assert work.ran == [] and found["failed"] and not found["changed"]


def test_administrator_does_its_half_with_its_own_credentials() -> None:
    work = FakeWork()
    organize(work, {**OPTIONS, "enable_in_management": True}, ADMINISTRATOR)
    assert work.modules == ["guardduty_detector", "guardduty_organization", "securityhub_hub"] and not work.looked
    assert all("account_ids" not in options for _module, options in work.ran)


def test_service_principals_go_to_the_service_that_has_to_be_trusted() -> None:
    work = FakeWork()
    organize(work, {**OPTIONS, "service_principals": ["a.amazonaws.com"]}, MANAGEMENT)
    assert [options.get("service_principals") for _module, options in work.looked] == [["a.amazonaws.com"], None]
    given = {module: options.get("service_principals") for module, options in work.ran}
    assert given["guardduty_organization_administrator"] == ["a.amazonaws.com"]
    assert given["securityhub_organization_administrator"] is None


@pytest.mark.parametrize("kind", ["detector", "organization_administrator"])
def test_where_a_step_failed_no_other_follows_and_the_cause_is_told_once(kind: str) -> None:
    work = FakeWork(**{kind: failing("us-east-1")})
    found = organize(work, OPTIONS, MANAGEMENT)
    assert dict(work.ran)["guardduty_organization"]["regions"] == ["eu-central-1"]
    [failure] = found["failures"]
    assert failure.count("us-east-1") == 1 and "access_denied" in failure and "SomeCall" in failure
    assert found["stats"]["guardduty"]["us-east-1"]["failed"] == "access_denied"
    assert found["stats"]["guardduty"]["eu-central-1"]["failed"] is None


def test_where_every_region_failed_nothing_follows() -> None:
    problem = {"outcome": "failed", "actions": [], "reason_code": "assume_role_failed", "reason": "No."}
    work = FakeWork(detector=lambda _region: problem)
    found = organize(work, {**OPTIONS, "services": ["guardduty"]}, MANAGEMENT)
    assert work.modules == ["guardduty_detector"] and not found["changed"] and found["lines"] == []
    assert "organization_administrator_role_name" in found["failures"][0]


def test_module_that_could_not_begin_is_told_in_its_own_words() -> None:
    work = FakeWork(whole=lambda module: {"failed": True, "msg": f"{module}: no credentials"})
    found = organize(work, OPTIONS, MANAGEMENT)
    delegation = "organization_administrator: no credentials"
    assert found["failures"] == [f"guardduty_{delegation}", f"securityhub_{delegation}"] and work.ran == []
    assert found["stats"]["guardduty"]["us-east-1"]["failed"] == "other"


def test_settings_of_an_administrator_that_is_new_are_asked_for_again_and_not_for_ever() -> None:
    tries: list[str] = []

    def late(region: str) -> dict[str, Any]:
        tries.append(region)
        return {} if len(tries) > 6 else failing(region, "not_delegated_administrator")(region)

    work = FakeWork(organization=late)
    assert organize(work, OPTIONS, MANAGEMENT)["failed"] is False and work.slept == 45
    asked = [given for module, given in work.ran if module == "guardduty_organization"]
    there = {"account_ids": [ADMINISTRATOR], "role_name": "Role"}
    assert asked == [{"regions": REGIONS, **there, "auto_enable_members": "NEW"}] * 4
    work = FakeWork(organization=failing("us-east-1", "not_delegated_administrator"))
    assert organize(work, OPTIONS, MANAGEMENT)["failed"] is True and work.slept == 300
    work = FakeWork(
        organization=failing("us-east-1", "not_delegated_administrator"),
        organization_administrator=lambda _region: {"actions": [], "outcome": "unchanged"},
    )
    assert organize(work, OPTIONS, MANAGEMENT)["failed"] is True and work.slept == 0


def test_check_mode_says_what_would_be_and_reads_nothing_of_an_administrator_to_be() -> None:
    work = FakeWork(is_check=True)
    found = organize(work, OPTIONS, MANAGEMENT)
    assert "guardduty_organization" not in work.modules
    assert found["lines"][0].endswith("would be: service switched on, administrator delegated")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "assume_role_failed",
            "check organization_administrator_role_name, the role's trust policy and external id, and the caller's "
            "permission to assume it",
        ),
        ("throttled", "run again later"),
        ("not_management_account", "act as the organization's management account"),
    ],
)
def test_failure_is_told_with_its_place_its_call_and_what_to_do(code: str, text: str) -> None:
    found = organize(FakeWork(detector=failing("us-east-1", code)), {**OPTIONS, "services": ["guardduty"]}, MANAGEMENT)
    assert found["failures"] == [f"GuardDuty in us-east-1: SomeCall: No. ({code}: {text})"]


def test_failure_in_the_management_account_s_own_service_ends_the_steps_there() -> None:
    refused = {"outcome": "failed", "actions": [], "reason_code": "access_denied", "reason": f"{MANAGEMENT}: no"}
    asked = []

    def detector(region: str) -> dict[str, Any]:
        asked.append(region)
        return refused if asked == [*REGIONS, *REGIONS] else {}

    work = FakeWork(detector=detector)
    options = {**OPTIONS, "services": ["guardduty"], "enable_in_management": True}
    [failure] = organize(work, options, MANAGEMENT)["failures"]
    assert failure.startswith(f"GuardDuty in us-east-1: SomeCall: {MANAGEMENT}: no")
    assert dict(work.ran)["guardduty_organization_administrator"]["regions"] == ["eu-central-1"]


def test_statistics_tell_what_was_done_in_each_service_and_region() -> None:
    work = FakeWork(detector=failing("us-east-1"))
    assert organize(work, OPTIONS, MANAGEMENT)["stats"] == {
        "guardduty": {
            "eu-central-1": {"actions": ["enable_service", "delegate", "update_organization"], "failed": None},
            "us-east-1": {"actions": [], "failed": "access_denied"},
        },
        "securityhub": {region: {"actions": ["enable_service", "delegate"], "failed": None} for region in REGIONS},
    }
    stats = organize(FakeWork(), {**OPTIONS, "services": ["securityhub"], "enable_service": False}, ADMINISTRATOR)
    assert stats["stats"]["securityhub"]["us-east-1"] == {"actions": [], "failed": None}


def test_nothing_to_do_is_told() -> None:
    nothing = {"actions": [], "outcome": "unchanged"}
    work = FakeWork(
        detector=lambda _region: nothing,
        organization_administrator=lambda _region: nothing,
        organization=lambda _region: nothing,
    )
    found = organize(work, {**OPTIONS, "services": ["guardduty"]}, MANAGEMENT)
    assert found["lines"] == ["GuardDuty, eu-central-1 us-east-1: as it should be"] and not found["changed"]


def test_choices_and_settings_of_the_role_are_those_of_the_services() -> None:
    path = Path(__file__).parents[4] / "roles/organization/meta/argument_specs.yml"
    options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    services = {name: facts.organization for name, facts in SERVICES.items() if facts.organization}
    assert options["organization_services"]["choices"] == list(services)
    for name, kind in services.items():
        features = ["features"] if kind.features else []
        assert list(options[f"organization_{name}"]["options"]) == [*kind.settings, *features]
