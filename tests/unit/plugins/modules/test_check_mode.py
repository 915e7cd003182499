# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 5 of the architecture: for every write there is a scenario in which check mode does not make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY as GUARDDUTY_FACTS
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import (
    SECURITYHUB as SECURITYHUB_FACTS,
)
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    KNOWN_TO_AWS_ONLY,
    OTHER,
    REGION,
    SECURITYHUB,
    STRANGER,
    A,
    B,
    member,
    organization,
    switch_on,
    writes,
)

FACTS = {GUARDDUTY: GUARDDUTY_FACTS, SECURITYHUB: SECURITYHUB_FACTS}
SERVICE_MODULES = {GUARDDUTY: "guardduty_detector", SECURITYHUB: "securityhub_hub"}
ROWS = {
    "member": "members",
    "administrator": "administrators",
    "organization_administrator": "organization_administrators",
    "organization": "organizations",
}

# The steps that are no service's own.
COMMON = {Step.ENABLE_SERVICE_ACCESS: "EnableAWSServiceAccess"}

# Of a service that is yet to be switched on, only AWS knows its handle and the settings that were not given.
_HANDLES = ("detector_id", "hub_arn")
_DEFAULTED = ("auto_enable_controls", "control_finding_generator", "finding_publishing_frequency")


@dataclass(frozen=True)
class Scenario:
    """Something that a real run would write.

    :param kind: member, administrator or service.
    :param steps: Every write, in the order of the plan.
    :param given: {(administrator, account): status} of the records before.
    :param services_on: Where the service is on, besides the administrators and members that ``given`` implies.
    :param prepare: What else has to be done in the emulator, with its service.
    """

    name: str
    kind: str
    steps: tuple[Step, ...]
    options: Mapping[str, Any]
    given: Mapping[tuple[str, str], str] = field(default_factory=dict)
    services_on: tuple[str, ...] = ()
    services: tuple[str, ...] = BOTH
    prepare: Callable[[Emulator, str], None] = lambda emulator, service: None


def set_tags(emulator: Emulator, service: str) -> None:
    emulator.world.home(service, ADMINISTRATOR, REGION).switch.tags.update(old="1", kept="2")


def as_member_module(**options: Any) -> dict[str, Any]:
    return {"members": [member(A)], **options}


def as_administrator_module(**options: Any) -> dict[str, Any]:
    return {"administrator_id": ADMINISTRATOR, "account_ids": [A], "role_name": "muster", **options}


BY_ORGANIZATION: Callable[[Emulator, str], None] = lambda emulator, service: emulator.seed(organization(A))  # noqa: E731


def as_management_account(delegated: str | None = None) -> Callable[[Emulator, str], None]:
    """Return a preparation: the caller is the management account of an organization."""

    def prepare(emulator: Emulator, service: str) -> None:
        seed = {"management_account": STRANGER, "account_ids": [STRANGER, ADMINISTRATOR, A]}
        by_service = {"delegated_administrator": {service: delegated}}
        emulator.seed({"caller": STRANGER, "organization": {**seed, **by_service}})

    return prepare


SCENARIOS = [
    Scenario("absent", "member", (Step.CREATE, Step.INVITE), as_member_module(), services_on=(ADMINISTRATOR,)),
    Scenario("created", "member", (Step.INVITE,), as_member_module(), {(ADMINISTRATOR, A): "Created"}),
    Scenario(
        "without invitation", "member", (Step.CREATE,), as_member_module(invite=False), services_on=(ADMINISTRATOR,)
    ),
    Scenario(
        "withdrawn", "member", (Step.DISASSOCIATE,), as_member_module(invite=False), {(ADMINISTRATOR, A): "Invited"}
    ),
    Scenario(
        "invited again",
        "member",
        (Step.INVITE,),
        as_member_module(reinvite_resigned=True),
        {(ADMINISTRATOR, A): "Resigned"},
        prepare=lambda emulator, service: emulator.set_knobs(resigned_invite="accept"),
    ),
    Scenario(
        "by organization",
        "member",
        (Step.CREATE,),
        as_member_module(via="organization"),
        services_on=(ADMINISTRATOR,),
        prepare=BY_ORGANIZATION,
    ),
    Scenario(
        "replaced",
        "member",
        (Step.DELETE, Step.CREATE, Step.INVITE),
        as_member_module(replace_failed=True),
        {(ADMINISTRATOR, A): "EmailVerificationFailed"},
        services=(GUARDDUTY,),
    ),
    Scenario(
        "to be absent",
        "member",
        (Step.DISASSOCIATE, Step.DELETE),
        as_member_module(state="absent"),
        {(ADMINISTRATOR, A): "Enabled"},
    ),
    Scenario(
        "to be disassociated",
        "member",
        (Step.DISASSOCIATE,),
        as_member_module(state="disassociated"),
        {(ADMINISTRATOR, A): "Enabled"},
    ),
    Scenario(
        "purged",
        "member",
        (Step.DISASSOCIATE, Step.DELETE),
        as_member_module(purge_members=True),
        {(ADMINISTRATOR, A): "Enabled", (ADMINISTRATOR, B): "Enabled"},
    ),
    Scenario(
        "started",
        "member",
        (Step.START_MONITORING,),
        as_member_module(monitoring="enabled"),
        {(ADMINISTRATOR, A): "Disabled"},
        services=(GUARDDUTY,),
    ),
    Scenario(
        "stopped",
        "member",
        (Step.STOP_MONITORING,),
        as_member_module(monitoring="suspended"),
        {(ADMINISTRATOR, A): "Enabled"},
        services=(GUARDDUTY,),
    ),
    Scenario(
        "accepts",
        "administrator",
        (Step.ACCEPT,),
        as_administrator_module(),
        {(ADMINISTRATOR, A): "Invited"},
        services_on=(A,),
    ),
    Scenario(
        "switches on and accepts",
        "administrator",
        (Step.ENABLE_SERVICE, Step.ACCEPT),
        as_administrator_module(enable_service=True),
        {(ADMINISTRATOR, A): "Invited"},
    ),
    Scenario(
        "changes its administrator",
        "administrator",
        (Step.LEAVE, Step.ACCEPT),
        as_administrator_module(replace_administrator=True),
        {(OTHER, A): "Enabled", (ADMINISTRATOR, A): "Invited"},
    ),
    Scenario(
        "leaves",
        "administrator",
        (Step.LEAVE,),
        as_administrator_module(state="absent"),
        {(ADMINISTRATOR, A): "Enabled"},
    ),
    Scenario("switched on", "service", (Step.ENABLE_SERVICE,), {"tags": {"team": "sec"}}),
    Scenario(
        "switched on, then set",
        "service",
        (Step.ENABLE_SERVICE, Step.UPDATE_SERVICE),
        {"auto_enable_controls": False},
        services=(SECURITYHUB,),
    ),
    Scenario(
        "suspended",
        "service",
        (Step.UPDATE_SERVICE,),
        {"enabled": False},
        services_on=(ADMINISTRATOR,),
        services=(GUARDDUTY,),
    ),
    Scenario(
        "set",
        "service",
        (Step.UPDATE_SERVICE,),
        {"control_finding_generator": "STANDARD_CONTROL"},
        services_on=(ADMINISTRATOR,),
        services=(SECURITYHUB,),
    ),
    Scenario(
        "tagged",
        "service",
        (Step.UNTAG, Step.TAG),
        {"tags": {"new": "1", "kept": "2"}},
        services_on=(ADMINISTRATOR,),
        prepare=set_tags,
    ),
    Scenario(
        "trusted and delegated",
        "organization_administrator",
        (Step.ENABLE_SERVICE_ACCESS, Step.DELEGATE),
        {"administrator_id": ADMINISTRATOR},
        services=(GUARDDUTY,),
        prepare=as_management_account(),
    ),
    Scenario(
        "delegated",
        "organization_administrator",
        (Step.DELEGATE,),
        {"administrator_id": ADMINISTRATOR},
        services=(SECURITYHUB,),
        prepare=as_management_account(),
    ),
    Scenario(
        "revoked",
        "organization_administrator",
        (Step.REVOKE,),
        {"administrator_id": ADMINISTRATOR, "state": "absent"},
        prepare=as_management_account(ADMINISTRATOR),
    ),
    Scenario(
        "for all accounts",
        "organization",
        (Step.UPDATE_ORGANIZATION,),
        {"auto_enable_members": "ALL"},
        services_on=(ADMINISTRATOR,),
        services=(GUARDDUTY,),
        prepare=BY_ORGANIZATION,
    ),
    Scenario(
        "for new accounts",
        "organization",
        (Step.UPDATE_ORGANIZATION,),
        {"auto_enable": True},
        services_on=(ADMINISTRATOR,),
        services=(SECURITYHUB,),
        prepare=BY_ORGANIZATION,
    ),
    Scenario(
        "watched for less",
        "member",
        (Step.UPDATE_FEATURES,),
        as_member_module(features=[{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]),
        {(ADMINISTRATOR, A): "Enabled"},
        services=(GUARDDUTY,),
    ),
    Scenario("switched off", "service", (Step.DISABLE_SERVICE,), {"state": "absent"}, services_on=(ADMINISTRATOR,)),
]

PAIRS = [(scenario, service) for scenario in SCENARIOS for service in scenario.services]


def foreseeable(row: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what only AWS can know before it has happened."""
    unknown = set(KNOWN_TO_AWS_ONLY)
    if "enable_service" in row["actions"]:
        unknown |= {*_HANDLES, *_DEFAULTED} - set(options)
    return {key: value for key, value in row.items() if key not in unknown}


@pytest.mark.parametrize(
    ("scenario", "service"), [pytest.param(*pair, id=f"{pair[1]}: {pair[0].kind} {pair[0].name}") for pair in PAIRS]
)
def test_check_mode_in_every_write_scenario_writes_nothing_and_plans_what_is_then_written(
    scenario: Scenario, service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, *scenario.services_on)
    for (administrator_id, account_id), status in scenario.given.items():
        emulator.set_member(service, REGION, administrator_id, account_id, status)
    scenario.prepare(emulator, service)
    module_name = SERVICE_MODULES[service] if scenario.kind == "service" else f"{service}_{scenario.kind}"
    rows = ROWS.get(scenario.kind, "hubs" if service == SECURITYHUB else "detectors")

    predicted = run_module(module_name, check=True, **scenario.options)

    assert writes(emulator) == []
    expected = [{**COMMON, **FACTS[service].operations}[step] for step in scenario.steps]
    assert [action["operation"] for action in predicted["actions"]] == expected
    assert predicted["changed"] is True
    real = run_module(module_name, **scenario.options)
    assert writes(emulator) == expected
    assert (real["changed"], real["actions"]) == (True, predicted["actions"])
    assert [foreseeable(row, scenario.options) for row in predicted[rows]] == [
        foreseeable(row, scenario.options) for row in real[rows]
    ]


@pytest.mark.parametrize("service", BOTH)
def test_write_scenarios_cover_every_step_and_operation_of_the_service(service: str) -> None:
    covered = {
        step for scenario, of_service in PAIRS if of_service == service for step in scenario.steps
    } - COMMON.keys()

    assert covered == set(FACTS[service].operations)
    assert {FACTS[service].operations[step] for step in covered} == set(FACTS[service].operations.values())


def test_write_scenarios_cover_every_step_there_is() -> None:
    assert {step for scenario in SCENARIOS for step in scenario.steps} == set(Step)
