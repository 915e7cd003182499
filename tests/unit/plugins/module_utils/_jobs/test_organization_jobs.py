# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.organization import (
    organization_info_job,
    organization_job,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, ServiceFacts
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_organization import OrganizationRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Delegate, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report, unprocessed_row
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.macie.facts import MACIE
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    COMMON,
    DENIED,
    DENIED_PROBLEM,
    EAST,
    ENTERED,
    NOT_ENTERED,
    WAITS,
    WEST,
    Ports,
    StandIn,
    action,
    ended,
    service_with,
    task_of,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
    FakeClock,
)

OPTIONS = {**COMMON, "auto_enable_members": None, "features": None, "account_ids": None, **NOT_ENTERED, **WAITS}
OF_SECURITYHUB = {
    **COMMON,
    "auto_enable": None,
    "auto_enable_standards": None,
    "account_ids": None,
    **NOT_ENTERED,
    **WAITS,
}
INFO = {**COMMON, "account_ids": None, **NOT_ENTERED}

S3 = Feature("S3_DATA_EVENTS", "NEW")
RECORD = OrganizationRecord({"auto_enable_members": "NEW"}, {S3.name: S3}, is_limit_reached=False)
WANTED = [{"name": "S3_DATA_EVENTS", "auto_enable": "ALL", "additional_configuration": None}]

BROKEN = CallFailed("DescribeIt", "InternalException", "It broke.", Reason.INTERNAL_ERROR)
BROKEN_PROBLEM = Problem(Reason.INTERNAL_ERROR, "InternalException: It broke.", "DescribeIt")

Sent = tuple[OrganizationRecord, dict[str, object], tuple[Feature, ...]]


class Organization:
    """The delegated administrator's side of one Region. Each update leads to the next record, whatever it is."""

    def __init__(self, *records: OrganizationRecord, breaks: Exception | None = None) -> None:
        self.records = list(records)
        self.sent: list[Sent] = []
        self._breaks = breaks

    def describe(self) -> OrganizationRecord:
        return self.records[0]

    def update(self, now: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]) -> None:
        if self._breaks:
            raise self._breaks
        self.sent.append((now, dict(settings), tuple(features)))
        if len(self.records) > 1:
            self.records.pop(0)


def run(
    ports: Mapping[tuple[str, str], Organization | CallFailed],
    options: Mapping[str, Any],
    carry_out: bool = True,
    facts: ServiceFacts = GUARDDUTY,
    time: FakeClock | None = None,
) -> Report:
    regions = sorted({region for region, _account_id in ports})
    service = service_with(facts, open_organization=Ports(facts, ports).open)
    report = organization_job(service, task_of(options, StandIn(), regions, carry_out, time))
    report.sort()
    return report


def shown(value: str) -> list[dict[str, Any]]:
    return [{"name": "S3_DATA_EVENTS", "auto_enable": value, "additional_configuration": []}]


def settings(members: str, feature: str, is_limit_reached: bool | None = False) -> dict[str, Any]:
    return {
        "auto_enable_members": members,
        "features": shown(feature),
        "member_limit_reached": is_limit_reached,
    }


UNREAD = {"auto_enable_members": None, "features": None, "member_limit_reached": None}


def row(
    outcome: str,
    *actions: str,
    shows: Mapping[str, Any] | None = None,
    account_id: str = ADMINISTRATOR,
    region: str = EAST,
    problem: Problem | None = None,
    **given: Any,
) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "region": region,
        **(UNREAD if shows is None else shows),
        **ended(outcome, actions, problem),
        **given,
    }


@pytest.mark.parametrize("carry_out", [True, False])
def test_organization_is_set_where_it_differs(carry_out: bool) -> None:
    after = replace(RECORD, settings={"auto_enable_members": "ALL"}, features={S3.name: replace(S3, value="ALL")})
    east, west = Organization(RECORD, after), Organization(after)
    ports = {(EAST, A): east, (WEST, A): west, ("xx-north-1", A): DENIED}
    options = {**OPTIONS, "auto_enable_members": "ALL", "features": WANTED, "account_ids": [A], **ENTERED}

    report = run(ports, options, carry_out)

    assert report == Report(
        rows=[
            row("changed", "update_organization", shows=settings("ALL", "ALL"), account_id=A),
            row("unchanged", shows=settings("ALL", "ALL"), account_id=A, region=WEST),
            row("failed", problem=DENIED_PROBLEM, account_id=A, region="xx-north-1"),
        ],
        unprocessed=[unprocessed_row(A, "xx-north-1", DENIED_PROBLEM)],
        actions=[action(EAST, A, "UpdateOrganizationConfiguration")],
        before={f"{EAST}/{A}": settings("NEW", "NEW"), f"{WEST}/{A}": settings("ALL", "ALL"), f"xx-north-1/{A}": {}},
        after={f"{EAST}/{A}": settings("ALL", "ALL"), f"{WEST}/{A}": settings("ALL", "ALL"), f"xx-north-1/{A}": {}},
    )
    sent: Sent = (RECORD, {"auto_enable_members": "ALL"}, (Feature("S3_DATA_EVENTS", "ALL"),))
    assert (east.sent, west.sent) == ([sent] if carry_out else [], [])


@pytest.mark.parametrize("carry_out", [True, False])
def test_organization_that_breaks_on_the_way_is_told_with_what_was_planned(carry_out: bool) -> None:
    port = Organization(RECORD, breaks=ValueError("odd"))

    report = run({(EAST, ADMINISTRATOR): port}, {**OPTIONS, "auto_enable_members": "NONE"}, carry_out)

    problem = Problem(Reason.OTHER, "unexpected ValueError: odd; please report it")
    foreseen = settings("NONE", "NEW")
    assert report == Report(
        rows=[row("failed", problem=problem) if carry_out else row("changed", "update_organization", shows=foreseen)],
        unprocessed=[unprocessed_row(ADMINISTRATOR, EAST, problem)] if carry_out else [],
        actions=[action(EAST, ADMINISTRATOR, "UpdateOrganizationConfiguration")],
        before={f"{EAST}/{ADMINISTRATOR}": {} if carry_out else settings("NEW", "NEW")},
        after={f"{EAST}/{ADMINISTRATOR}": {} if carry_out else foreseen},
    )


def test_organization_that_takes_two_calls_has_two_actions() -> None:
    replaced = [{"name": name, "auto_enable": value} for name, value in REPLACED.items()]
    present = {"EKS_RUNTIME_MONITORING": Feature("EKS_RUNTIME_MONITORING", "ALL")}
    port = Organization(replace(RECORD, features=present))

    report = run({(EAST, ADMINISTRATOR): port}, {**OPTIONS, "features": replaced}, carry_out=False)

    assert report.actions == [action(EAST, ADMINISTRATOR, "UpdateOrganizationConfiguration")] * 2
    assert [row["actions"] for row in report.rows] == [["update_organization"]]


REPLACED = {"EKS_RUNTIME_MONITORING": "NONE", "RUNTIME_MONITORING": "ALL"}


@pytest.mark.parametrize("carry_out", [True, False])
def test_organization_is_told_what_aws_does_not_list(carry_out: bool) -> None:
    ports = {(region, ADMINISTRATOR): Organization(RECORD) for region in (EAST, WEST)}
    asked = [{"name": "s3_data_events", "auto_enable": "NONE", "additional_configuration": None}]
    report = run(ports, {**OPTIONS, "features": asked}, carry_out)
    assert report.warnings == [
        f"{region}/{ADMINISTRATOR}: "
        "AWS does not list s3_data_events in this Region (did you mean S3_DATA_EVENTS?): it counts as NONE"
        for region in (EAST, WEST)
    ]
    assert report.rows == [row("unchanged", shows=settings("NEW", "NEW"), region=region) for region in (EAST, WEST)]
    assert [port.sent for port in ports.values()] == [[], []]


def test_organization_at_its_limit_is_warned_of() -> None:
    port = Organization(replace(RECORD, is_limit_reached=True))
    report = run({(EAST, ADMINISTRATOR): port}, OPTIONS)
    assert report.rows == [row("unchanged", shows=settings("NEW", "NEW", True))]
    assert report.warnings == [
        f"{EAST}/{ADMINISTRATOR}: the administrator has all the members that it may have: AWS adds no more accounts by "
        "itself"
    ]


def test_organization_with_an_earlier_change_under_way_is_waited_for_without_an_action() -> None:
    time = FakeClock()
    pending = Organization(replace(RECORD, is_pending=True))
    late = Problem(
        Reason.TIMED_OUT,
        "AWS was still carrying out an earlier change of the organization's configuration when the wait ended",
    )

    report = run({(EAST, ADMINISTRATOR): pending}, {**OPTIONS, "wait_timeout": 2}, time=time)

    assert report.rows == [row("timed_out", shows=settings("NEW", "NEW"), problem=late)]
    assert (report.actions, time.naps) == ([], [1.0, 1.0])


def test_organization_of_a_service_without_features_has_rows_without_them() -> None:
    record = OrganizationRecord(
        {"auto_enable": True, "auto_enable_standards": "NONE"}, configuration=("LOCAL", "ENABLED")
    )
    port = Organization(record)
    options = {**OF_SECURITYHUB, "auto_enable": False}

    report = run({(EAST, ADMINISTRATOR): port}, options, carry_out=False, facts=SECURITYHUB)

    shows = {
        "auto_enable": False,
        "auto_enable_standards": "NONE",
        "member_limit_reached": None,
        "configuration_type": "LOCAL",
        "configuration_status": "ENABLED",
    }
    assert report.rows == [row("changed", "update_organization", shows=shows)]


TWO = "account_ids holds one account: the delegated administrator"


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"account_ids": [A, B]}, [TWO]),
        ({"features": [*WANTED, *WANTED]}, ["features: S3_DATA_EVENTS is listed twice"]),
        ({"features": [*WANTED, *WANTED], "account_ids": [A, B]}, ["features: S3_DATA_EVENTS is listed twice", TWO]),
    ],
)
def test_organization_with_options_that_cannot_be_used_is_refused_before_aws_is_opened(
    given: Mapping[str, Any], texts: list[str]
) -> None:
    cloud = StandIn()
    with pytest.raises(InvalidInput) as error:
        organization_job(service_with(GUARDDUTY), task_of({**OPTIONS, **given, **ENTERED}, cloud))
    assert error.value.faults == tuple(Fault("", Reason.INVALID_INPUT, text) for text in texts)
    assert cloud.connections == 0


@pytest.mark.parametrize("job", [organization_job, organization_info_job])
def test_organization_of_a_service_that_has_none_is_refused(job: Callable[..., Report]) -> None:
    with pytest.raises(TaskFailed) as error:
        job(service_with(MACIE), task_of(OPTIONS, StandIn()))
    assert str(error.value) == "Macie has nothing for AWS Organizations here"


# Info


class Delegation:
    def __init__(self, answer: Delegate | CallFailed | None) -> None:
        self._answer = answer

    def get_administrator(self) -> Delegate | None:
        if isinstance(self._answer, CallFailed):
            raise self._answer
        return self._answer


class Record:
    def __init__(self, answer: OrganizationRecord | CallFailed) -> None:
        self._answer = answer

    def describe(self) -> OrganizationRecord:
        if isinstance(self._answer, CallFailed):
            raise self._answer
        return self._answer


def read(
    answers: Mapping[tuple[str, str], tuple[Delegate | CallFailed | None, OrganizationRecord | CallFailed]],
    options: Mapping[str, Any] | None = None,
) -> Report:
    delegations = {place: Delegation(delegate) for place, (delegate, _record) in answers.items()}
    records = {place: Record(record) for place, (_delegate, record) in answers.items()}
    service = service_with(
        GUARDDUTY,
        open_delegation=Ports(GUARDDUTY, delegations).open,
        open_organization=Ports(GUARDDUTY, records).open,
    )
    regions = sorted({region for region, _account_id in answers})
    report = organization_info_job(service, task_of(options or INFO, StandIn(), regions))
    report.sort()
    return report


DELEGATE = Delegate(B, "ENABLED")
IS_DELEGATE = {"administrator_id": B, "status": "ENABLED"}
NOBODY = {"administrator_id": None, "status": None}


def refused(reason: Reason, text: str) -> CallFailed:
    return CallFailed("DescribeIt", "BadRequestException", text, reason)


@pytest.mark.parametrize(
    ("delegate", "record", "expected"),
    [
        (DELEGATE, RECORD, row("unchanged", shows=settings("NEW", "NEW"), **IS_DELEGATE)),
        (None, RECORD, row("unchanged", shows=settings("NEW", "NEW"), **NOBODY)),
        # Each half is somebody else's to read.
        (DELEGATE, refused(Reason.NOT_DELEGATED_ADMINISTRATOR, "Not you."), row("unchanged", **IS_DELEGATE)),
        (
            refused(Reason.NOT_MANAGEMENT_ACCOUNT, "Not you."),
            RECORD,
            row("unchanged", shows=settings("NEW", "NEW"), **NOBODY),
        ),
        (
            refused(Reason.NOT_MANAGEMENT_ACCOUNT, "Not you."),
            refused(Reason.SERVICE_NOT_ENABLED, "It is off."),
            row(
                "unchanged",
                problem=Problem(Reason.NOT_MANAGEMENT_ACCOUNT, "BadRequestException: Not you."),
                **NOBODY,
            ),
        ),
        (
            refused(Reason.NOT_MANAGEMENT_ACCOUNT, "Not you."),
            refused(Reason.NOT_DELEGATED_ADMINISTRATOR, "Not you either."),
            row(
                "unchanged",
                problem=Problem(Reason.NOT_DELEGATED_ADMINISTRATOR, "BadRequestException: Not you either."),
                **NOBODY,
            ),
        ),
        # What keeps nobody else from reading is a failure.
        (DELEGATE, BROKEN, row("failed", problem=BROKEN_PROBLEM, **NOBODY)),
        (BROKEN, RECORD, row("failed", problem=BROKEN_PROBLEM, **NOBODY)),
    ],
)
def test_info_shows_of_both_halves_what_the_caller_may_read(
    delegate: Delegate | CallFailed | None, record: OrganizationRecord | CallFailed, expected: dict[str, Any]
) -> None:
    report = read({(EAST, ADMINISTRATOR): (delegate, record)})
    assert report.rows == [expected]
    place = f"{EAST}/{ADMINISTRATOR}"
    assert (report.before, report.after) == ({place: expected["status"]}, {place: expected["status"]})


@pytest.mark.parametrize(
    "reason",
    [
        Reason.ACCESS_DENIED,
        Reason.INVALID_INPUT,
        Reason.NOT_DELEGATED_ADMINISTRATOR,
        Reason.NOT_MANAGEMENT_ACCOUNT,
        Reason.ORGANIZATION_NOT_IN_USE,
        Reason.SERVICE_NOT_ENABLED,
    ],
)
def test_info_that_is_not_the_callers_to_read_is_no_failure(reason: Reason) -> None:
    report = read({(EAST, ADMINISTRATOR): (refused(reason, "No."), refused(reason, "No."))})
    problem = Problem(reason, "BadRequestException: No.")
    assert (report.rows, report.unprocessed) == ([row("unchanged", problem=problem, **NOBODY)], [])


def test_info_of_several_places_keeps_one_that_fails_apart() -> None:
    answers = {(EAST, A): (BROKEN, RECORD), (WEST, A): (DELEGATE, RECORD)}
    report = read(answers, {**INFO, "account_ids": [A], **ENTERED})
    assert report == Report(
        rows=[
            row("failed", problem=BROKEN_PROBLEM, account_id=A, **NOBODY),
            row("unchanged", shows=settings("NEW", "NEW"), account_id=A, region=WEST, **IS_DELEGATE),
        ],
        unprocessed=[unprocessed_row(A, EAST, BROKEN_PROBLEM)],
        before={f"{EAST}/{A}": None, f"{WEST}/{A}": "ENABLED"},
        after={f"{EAST}/{A}": None, f"{WEST}/{A}": "ENABLED"},
    )
