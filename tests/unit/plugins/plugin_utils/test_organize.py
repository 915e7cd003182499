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
from ansible_collections.muster.aws.plugins.plugin_utils._organize import explain_settings, organize

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


def refusing(code: str) -> Callable[[str], dict[str, Any]]:
    return lambda region: failing(region, code)(region)


def unchanged_in(*regions: str) -> Callable[[str], dict[str, Any]]:
    nothing = {"actions": [], "outcome": "unchanged"}
    return lambda asked: nothing if asked in regions else {}


def test_what_modules_warn_of_is_told_once() -> None:
    work = FakeWork(whole=lambda module: {KEYS[module.partition("_")[2]]: [], "warnings": [f"{module} is full"]})
    found = organize(work, {**OPTIONS, "services": ["guardduty", "guardduty"]}, MANAGEMENT)
    assert found["warnings"] == ["guardduty_organization_administrator is full"]
    work = FakeWork(organization=lambda _region: {"warnings": "none of a row"})
    assert organize(work, OPTIONS, MANAGEMENT)["warnings"] == []


def test_external_id_that_is_empty_is_none() -> None:
    work = FakeWork()
    organize(work, {**OPTIONS, "external_id": ""}, MANAGEMENT)
    assert work.ran[0][1]["role_name"] == "Role" and all("external_id" not in given for _module, given in work.ran)


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
    assert failure.startswith(f"{MANAGEMENT}, GuardDuty in us-east-1: SomeCall: No. (other_delegated_administrator: ")
    assert found["stats"]["guardduty"]["us-east-1"] == {
        "actions": [],
        "failed": "other_delegated_administrator",
    }


def test_delegation_that_would_be_refused_everywhere_leaves_all_as_it_is() -> None:
    work = FakeWork(organization_administrator=refusing("access_denied"))
    found = organize(work, OPTIONS, MANAGEMENT)
    assert work.ran == [] and found["failed"] and not found["changed"]


@pytest.mark.parametrize("code", ["not_management_account", "organization_not_in_use"])
def test_account_that_is_neither_writes_nothing_and_is_told_who_it_is(code: str) -> None:
    work = FakeWork(organization_administrator=refusing(code))
    found = organize(work, OPTIONS, MANAGEMENT)
    assert work.ran == [] and MANAGEMENT in found["failures"][0]


@pytest.mark.parametrize("code", ["not_management_account", "access_denied"])
def test_administrator_does_its_half_with_its_own_credentials(code: str) -> None:
    work = FakeWork(organization_administrator=refusing(code))
    found = organize(work, OPTIONS, ADMINISTRATOR)
    # Without settings, too: nothing else tells whether it is the administrator.
    assert work.modules == [
        "guardduty_detector",
        "guardduty_organization",
        "securityhub_hub",
        "securityhub_organization",
    ]
    assert work.ran[-1] == ("securityhub_organization", {"regions": REGIONS})
    assert all("account_ids" not in options for _module, options in work.ran)
    assert found["failures"] == [] and len(found["lines"]) == 2


def test_administrator_that_nobody_delegated_is_told_what_to_do_first() -> None:
    code = "not_delegated_administrator"
    work = FakeWork(organization_administrator=refusing("not_management_account"), organization=refusing(code))
    [failure] = organize(work, {**OPTIONS, "guardduty": {}}, ADMINISTRATOR)["failures"]
    hint = "run this with the credentials of the organization's management account first, which delegates"
    where = f"{ADMINISTRATOR}, GuardDuty and Security Hub in all 2 Regions"
    assert failure == f"{where}: SomeCall: No. ({code}: {hint})"


@pytest.mark.parametrize(
    "code",
    [
        "internal_error",
        "organization_not_in_use",
        "other_delegated_administrator",
        "region_unavailable",
        "throttled",
    ],
)
def test_administrator_that_can_be_none_writes_nothing_with_its_own_credentials(code: str) -> None:
    work = FakeWork(organization_administrator=refusing(code))
    [failure] = organize(work, OPTIONS, ADMINISTRATOR)["failures"]
    assert work.ran == [] and code in failure


def test_administrator_whose_module_cannot_begin_writes_nothing_with_its_own_credentials() -> None:
    work = FakeWork(whole=lambda module: {"failed": True, "msg": f"{module}: no credentials"})
    found = organize(work, {**OPTIONS, "services": ["guardduty"]}, ADMINISTRATOR)
    assert found["failures"] == ["guardduty_organization_administrator: no credentials"] and work.ran == []


@pytest.mark.parametrize(
    ("enable_service", "in_management", "switched"),
    [(True, True, 1), (True, False, 1), (False, True, 1), (False, False, 0)],
)
def test_management_account_that_is_the_administrator_does_both_halves_by_itself(
    enable_service: bool, in_management: bool, switched: int
) -> None:
    work = FakeWork(organization_administrator=failing("us-east-1"))
    options = {**OPTIONS, "enable_service": enable_service, "enable_in_management": in_management}
    found = organize(work, {**options, "services": ["guardduty"], "service_principals": ["a"]}, ADMINISTRATOR)
    steps = ["guardduty_organization_administrator", "guardduty_organization"]
    assert work.modules == ["guardduty_detector"] * switched + steps
    assert all("account_ids" not in options for _module, options in work.ran)
    # Where it may not ask, it does nothing: it is no other's half.
    assert {tuple(given["regions"]) for _module, given in work.ran} == {("eu-central-1",)}
    assert [failure.partition(":")[0] for failure in found["failures"]] == [f"{ADMINISTRATOR}, GuardDuty in us-east-1"]
    assert len(found["lines"]) == 1


NOT_CHOSEN = "(organization_services names another service)"
NOT_OWN = "(that is up to the management account, with its own credentials)"


@pytest.mark.parametrize(
    ("caller", "given", "told"),
    [
        (MANAGEMENT, {"enable_in_management": True, "service_principals": ["a"]}, []),
        (ADMINISTRATOR, {"enable_in_management": True}, [f"organization_enable_in_management {NOT_OWN}"]),
        (
            ADMINISTRATOR,
            {"enable_in_management": True, "service_principals": ["a"]},
            [f"organization_enable_in_management and organization_service_principals {NOT_OWN}"],
        ),
        (MANAGEMENT, {"services": ["securityhub"]}, [f"organization_guardduty {NOT_CHOSEN}"]),
        (
            ADMINISTRATOR,
            {"services": ["securityhub"], "service_principals": ["a"]},
            [f"organization_guardduty and organization_service_principals {NOT_CHOSEN}"],
        ),
    ],
)
def test_what_was_set_for_nothing_is_told(caller: str, given: dict[str, Any], told: list[str]) -> None:
    answers = {"organization_administrator": refusing("not_management_account")} if caller == ADMINISTRATOR else {}
    found = organize(FakeWork(**answers), {**OPTIONS, **given}, caller)
    services = given.get("services", OPTIONS["services"])
    assert found["lines"][len(services) :] == [f"not used: {text}" for text in told]


ON, OFF = {"auto_enable": "NEW"}, {"auto_enable": "NONE"}


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (
            [{"name": "EKS_RUNTIME_MONITORING", **ON}, {"name": "RUNTIME_MONITORING", **ON}],
            [
                "EKS_RUNTIME_MONITORING and RUNTIME_MONITORING cannot be on together, RUNTIME_MONITORING covers "
                "EKS_RUNTIME_MONITORING: set EKS_RUNTIME_MONITORING to NONE"
            ],
        ),
        ([{"name": "EKS_RUNTIME_MONITORING", **OFF}, {"name": "RUNTIME_MONITORING", **ON}], []),
        ([{"name": "S3_DATA_EVENTS", **ON}, {"name": "S3_DATA_EVENTS", **OFF}], ["S3_DATA_EVENTS is listed twice"]),
    ],
)
def test_features_that_the_module_would_refuse_are_named(features: list[dict[str, str]], told: list[str]) -> None:
    options = {"guardduty": {"features": features}, "securityhub": {"auto_enable": True}}
    assert explain_settings(options) == [f"guardduty.features: {text}" for text in told]
    assert explain_settings({"securityhub": {}}) == []
    assert explain_settings({"guardduty": {"auto_enable_members": "NEW"}}) == []


def test_service_principals_go_to_the_service_that_has_to_be_trusted() -> None:
    work = FakeWork()
    organize(work, {**OPTIONS, "service_principals": ["a.amazonaws.com"]}, MANAGEMENT)
    # GuardDuty's own is needed in any case.
    principals = ["guardduty.amazonaws.com", "a.amazonaws.com"]
    assert [options.get("service_principals") for _module, options in work.looked] == [principals, None]
    given = {module: options.get("service_principals") for module, options in work.ran}
    assert given["guardduty_organization_administrator"] == principals
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
        organization_administrator=unchanged_in(*REGIONS),
    )
    assert organize(work, OPTIONS, MANAGEMENT)["failed"] is True and work.slept == 0


def test_what_was_set_before_a_region_was_asked_again_is_told() -> None:
    tries: list[str] = []

    def late(region: str) -> dict[str, Any]:
        tries.append(region)
        return failing("us-east-1", "not_delegated_administrator")(region) if len(tries) < 3 else {}

    work = FakeWork(organization=late)
    found = organize(work, {**OPTIONS, "services": ["guardduty"]}, MANAGEMENT)
    assert found["failures"] == [] and work.slept == 15 and tries == [*REGIONS, "us-east-1"]
    actions = [found["stats"]["guardduty"][region]["actions"] for region in REGIONS]
    assert actions == [["enable_service", "delegate", "update_organization"]] * 2


def test_settings_are_asked_for_again_only_where_the_administrator_is_new() -> None:
    work = FakeWork(
        organization=failing("us-east-1", "not_delegated_administrator"),
        organization_administrator=unchanged_in("us-east-1"),
    )
    assert organize(work, OPTIONS, MANAGEMENT)["failed"] is True and work.slept == 0


UNREAD = "; the settings cannot be read before that"


def test_check_mode_says_what_would_be_and_reads_nothing_of_an_administrator_to_be() -> None:
    work = FakeWork(is_check=True)
    found = organize(work, OPTIONS, MANAGEMENT)
    assert "guardduty_organization" not in work.modules
    assert found["lines"] == [
        f"GuardDuty, eu-central-1 us-east-1: would be: service switched on, administrator delegated{UNREAD}",
        "Security Hub, eu-central-1 us-east-1: would be: service switched on, administrator delegated",
    ]


@pytest.mark.parametrize("step", ["enable_service", "update_service"])
@pytest.mark.parametrize("caller", [MANAGEMENT, ADMINISTRATOR])
def test_check_mode_reads_no_settings_where_the_service_would_be_switched_on(caller: str, step: str) -> None:
    def detector(region: str) -> dict[str, Any]:
        return {"actions": [step]} if region == "us-east-1" else unchanged_in(region)(region)

    delegation = unchanged_in(*REGIONS) if caller == MANAGEMENT else refusing("not_management_account")
    work = FakeWork(is_check=True, detector=detector, organization_administrator=delegation)
    found = organize(work, {**OPTIONS, "services": ["guardduty"]}, caller)
    assert dict(work.ran)["guardduty_organization"]["regions"] == ["eu-central-1"]
    words = "service switched on" if step == "enable_service" else "service updated"
    assert found["lines"] == [
        "GuardDuty, eu-central-1: would be: settings updated",
        f"GuardDuty, us-east-1: would be: {words}{UNREAD}",
    ]


def test_check_mode_reads_settings_wherever_somebody_can_be_read() -> None:
    """Not where another Region is delegated, nor by what becomes of trusted access or of the management account."""
    asked: list[str] = []

    def detector(region: str) -> dict[str, Any]:
        asked.append(region)
        return {} if len(asked) > len(REGIONS) else unchanged_in(region)(region)

    def delegation(region: str) -> dict[str, Any]:
        return {"actions": ["enable_service_access"]} if region == "eu-central-1" else {}

    work = FakeWork(is_check=True, detector=detector, organization_administrator=delegation)
    organize(work, {**OPTIONS, "services": ["guardduty"], "enable_in_management": True}, MANAGEMENT)
    assert work.modules.count("guardduty_detector") == 2
    assert dict(work.ran)["guardduty_organization"]["regions"] == ["eu-central-1"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "assume_role_failed",
            "check organization_administrator_role_name, the role's trust policy and external id, and the caller's "
            "permission to assume it",
        ),
        ("throttled", "run again later"),
        (
            "not_management_account",
            f"these are the credentials of {MANAGEMENT}: use those of the organization's management account, or for "
            "its half those of organization_administrator_id",
        ),
        (
            "trusted_access_missing",
            "add the service principal to organization_service_principals, with the management account's credentials",
        ),
        ("region_unavailable", "check organization_regions, and that the account has opted in to the Region"),
        ("access_denied", "check the credentials, the IAM policy and the organization's SCPs for this operation"),
    ],
)
def test_failure_is_told_with_its_place_its_call_and_what_to_do(code: str, text: str) -> None:
    found = organize(FakeWork(detector=failing("us-east-1", code)), {**OPTIONS, "services": ["guardduty"]}, MANAGEMENT)
    assert found["failures"] == [f"{ADMINISTRATOR}, GuardDuty in us-east-1: SomeCall: No. ({code}: {text})"]


def test_failure_in_the_management_account_s_own_service_ends_the_steps_there() -> None:
    refused = {"outcome": "failed", "actions": [], "reason_code": "access_denied", "reason": f"{MANAGEMENT}: no"}
    asked = []

    def detector(region: str) -> dict[str, Any]:
        asked.append(region)
        return refused if asked == [*REGIONS, *REGIONS] else {}

    work = FakeWork(detector=detector)
    options = {**OPTIONS, "services": ["guardduty"], "enable_in_management": True}
    [failure] = organize(work, options, MANAGEMENT)["failures"]
    assert failure.startswith(f"{MANAGEMENT}, GuardDuty in us-east-1: SomeCall: {MANAGEMENT}: no")
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
    work = FakeWork(organization_administrator=refusing("not_management_account"))
    stats = organize(work, {**OPTIONS, "services": ["securityhub"], "enable_service": False}, ADMINISTRATOR)
    assert stats["stats"]["securityhub"]["us-east-1"] == {"actions": ["update_organization"], "failed": None}


def test_nothing_to_do_is_told() -> None:
    nothing = unchanged_in(*REGIONS)
    work = FakeWork(detector=nothing, organization_administrator=nothing, organization=nothing)
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
