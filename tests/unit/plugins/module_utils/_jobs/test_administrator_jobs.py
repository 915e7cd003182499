# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.administrator import (
    administrator_info_job,
    administrator_job,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Problem,
    Reason,
    Relationship,
    ServiceFacts,
    State,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report, unprocessed_row
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
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
    C,
    D,
    FakeAdministrator,
    FakeClock,
    raising,
)

OPTIONS = {
    **COMMON,
    "administrator_id": ADMINISTRATOR,
    "state": "present",
    "enable_service": False,
    "replace_administrator": False,
    "account_ids": None,
    **ENTERED,
    **WAITS,
}
INFO = {**COMMON, "account_ids": None, **ENTERED}

OFF = Problem(Reason.SERVICE_NOT_ENABLED, "the service is off in this account and Region")

JOINED = Relationship(ADMINISTRATOR, State.ENABLED, "Enabled", "i1", "2026-01-01")
INVITED = Relationship(ADMINISTRATOR, State.INVITED, "Invited", "i1", "2026-01-01")
ELSEWHERE = Relationship(D, State.ENABLED, "Enabled", "i2", "2026-02-02")


def run(
    ports: Mapping[tuple[str, str], FakeAdministrator | CallFailed],
    options: Mapping[str, Any],
    carry_out: bool = True,
    facts: ServiceFacts = GUARDDUTY,
    job: Callable[..., Report] = administrator_job,
) -> Report:
    """Run a task in the accounts and Regions of the ports, and in those that the options name besides."""
    time = FakeClock()
    for port in ports.values():
        if isinstance(port, FakeAdministrator):
            port.time = time
    regions = sorted({region for region, _account_id in ports})
    accounts = options["account_ids"] or sorted({account_id for _region, account_id in ports})
    service = service_with(facts, open_administrator=Ports(facts, ports).open)
    report = job(service, task_of({**options, "account_ids": accounts}, StandIn(), regions, carry_out, time))
    report.sort()
    return report


def row(
    account_id: str,
    outcome: str,
    *actions: str,
    after: Relationship | None = None,
    before: Relationship | None = None,
    problem: Problem | None = None,
    **given: Any,
) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "region": EAST,
        "administrator_id": after.administrator_id if after else None,
        "status": after.status if after else None,
        "previous_administrator_id": before.administrator_id if before else None,
        "previous_status": before.status if before else None,
        "invitation_id": None,
        **ended(outcome, actions, problem),
        **given,
    }


@pytest.mark.parametrize("carry_out", [True, False])
def test_accounts_accept_the_invitation_and_the_administrator_itself_is_passed_over(carry_out: bool) -> None:
    invited, joined = FakeAdministrator(None, [INVITED]), FakeAdministrator(JOINED)
    ports = {(EAST, A): invited, (EAST, B): joined, (EAST, C): DENIED}

    report = run(ports, {**OPTIONS, "account_ids": [A, B, C, ADMINISTRATOR]}, carry_out)

    itself = Problem(Reason.IS_ADMINISTRATOR, "the account is the administrator itself")
    assert report == Report(
        rows=[
            row(A, "changed", "accept", after=JOINED, invitation_id="i1"),
            row(ADMINISTRATOR, "skipped", problem=itself),
            row(B, "unchanged", after=JOINED, before=JOINED),
            row(C, "failed", problem=DENIED_PROBLEM),
        ],
        unprocessed=[unprocessed_row(C, EAST, DENIED_PROBLEM)],
        actions=[action(EAST, A, "AcceptAdministratorInvitation")],
        warnings=[
            f"{EAST}/{ADMINISTRATOR}: the account is the administrator itself (is_administrator): an administrator "
            "cannot be a member: take it off the list"
        ],
        before={
            f"{EAST}/{A}": None,
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": None,
            f"{EAST}/{ADMINISTRATOR}": None,
        },
        after={
            f"{EAST}/{A}": "Enabled",
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": None,
            f"{EAST}/{ADMINISTRATOR}": None,
        },
    )
    assert invited.writes == (["accept_invitation"] if carry_out else [])


@pytest.mark.parametrize("carry_out", [True, False])
def test_account_that_breaks_on_the_way_is_told_with_what_was_planned(carry_out: bool) -> None:
    broken, joined = FakeAdministrator(JOINED), FakeAdministrator(JOINED)
    broken.script.before("leave_administrator", raising(ValueError("odd")))

    report = run({(EAST, A): broken, (WEST, A): joined}, {**OPTIONS, "state": "absent"}, carry_out)

    problem = Problem(Reason.OTHER, "unexpected ValueError: odd; please report it")
    left = row(A, "changed", "leave", before=JOINED)
    assert report == Report(
        rows=[row(A, "failed", problem=problem) if carry_out else left, {**left, "region": WEST}],
        unprocessed=[unprocessed_row(A, EAST, problem)] if carry_out else [],
        actions=[action(region, A, "DisassociateFromAdministratorAccount") for region in (EAST, WEST)],
        before={f"{EAST}/{A}": None if carry_out else "Enabled", f"{WEST}/{A}": "Enabled"},
        after={f"{EAST}/{A}": None, f"{WEST}/{A}": None},
    )


NO_INVITATION = Problem(
    Reason.NO_INVITATION, f"no invitation from {ADMINISTRATOR} that could be accepted", "ListInvitations"
)
HELD = Problem(Reason.MEMBER_OF_OTHER_ADMINISTRATOR, f"the account is a member of {D} (status Enabled)")


# The member's side of an account: whether the service is on there, and the administrator.
IS_OFF: tuple[bool, Relationship | None] = (False, None)
HELD_ELSEWHERE: tuple[bool, Relationship | None] = (True, ELSEWHERE)
STAYS = {"after": ELSEWHERE, "before": ELSEWHERE}


@pytest.mark.parametrize(
    ("side", "facts", "given", "expected"),
    [
        (IS_OFF, GUARDDUTY, {}, row(A, "failed", problem=OFF)),
        # GuardDuty tells of invitations while it is off, so that one which is not there is foreseen.
        (
            IS_OFF,
            GUARDDUTY,
            {"enable_service": True},
            row(A, "failed", "enable_service", problem=NO_INVITATION),
        ),
        (
            IS_OFF,
            SECURITYHUB,
            {"enable_service": True},
            row(A, "changed", "enable_service", "accept", after=JOINED),
        ),
        (HELD_ELSEWHERE, GUARDDUTY, {}, row(A, "failed", problem=HELD, **STAYS)),
        # An account that belongs to one administrator can have the invitation of another in GuardDuty only.
        (
            HELD_ELSEWHERE,
            GUARDDUTY,
            {"replace_administrator": True},
            row(A, "failed", problem=NO_INVITATION, **STAYS),
        ),
        (
            HELD_ELSEWHERE,
            SECURITYHUB,
            {"replace_administrator": True},
            row(A, "changed", "leave", "accept", after=JOINED, before=ELSEWHERE),
        ),
        (HELD_ELSEWHERE, GUARDDUTY, {"state": "absent"}, row(A, "unchanged", **STAYS)),
        ((True, JOINED), GUARDDUTY, {"state": "absent"}, row(A, "changed", "leave", before=JOINED)),
    ],
)
def test_accounts_are_treated_as_the_options_say(
    side: tuple[bool, Relationship | None], facts: ServiceFacts, given: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    is_on, administrator = side
    port = FakeAdministrator(administrator, is_on=is_on)
    report = run({(EAST, A): port}, {**OPTIONS, **given}, False, facts)
    assert report.rows == [expected]


def test_accounts_without_an_invitation_are_looked_at_again_for_it_after_the_service_was_switched_on() -> None:
    port = FakeAdministrator(None, [INVITED], is_on=False)
    port.invitations_from += 3

    report = run({(EAST, A): port}, {**OPTIONS, "enable_service": True})

    assert report.rows == [row(A, "changed", "enable_service", "accept", after=JOINED, invitation_id="i1")]
    # Before it is on, nobody asks: what comes too late for that would be no reason not to begin.
    assert port.log[:3] == ["get_administrator", "enable_service", "list_invitations"]


def test_accounts_are_waited_for_as_long_as_the_options_say() -> None:
    port = FakeAdministrator(None, [INVITED])
    port.delay = 10
    late = Problem(Reason.TIMED_OUT, "AWS accepted the request but did not show its effect before the wait ended")

    report = run({(EAST, A): port}, {**OPTIONS, "wait_timeout": 2})

    assert report.rows == [row(A, "timed_out", "accept", invitation_id="i1", problem=late)]
    assert port.time.naps == [1.0, 1.0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            111111111111,
            "administrator_id: account id 111111111111 is of type int, not a string of 12 digits; "
            'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"',
        ),
        (
            "1111",
            "administrator_id: account id '1111' is not 12 digits; write all 12, quoted, as in \"012345678901\"",
        ),
    ],
)
def test_administrator_that_is_no_account_is_refused_before_aws_is_opened(value: object, text: str) -> None:
    cloud = StandIn()
    with pytest.raises(InvalidInput) as error:
        administrator_job(service_with(GUARDDUTY), task_of({**OPTIONS, "administrator_id": value}, cloud))
    assert error.value.faults == (Fault(str(value), Reason.INVALID_INPUT, text),)
    assert cloud.connections == 0


def test_info_shows_the_administrator_and_the_invitations_of_each_account() -> None:
    resigned = Relationship(C, State.RESIGNED, "Resigned", "i3")
    ports = {
        (EAST, A): FakeAdministrator(JOINED, [ELSEWHERE, resigned]),
        (EAST, B): FakeAdministrator(None, [INVITED], is_on=False),
        (WEST, A): FakeAdministrator(),
        (WEST, B): DENIED,
    }

    report = run(ports, INFO, job=administrator_info_job)

    shown = {"administrator_id": D, "invitation_id": "i2", "status": "Enabled", "invited_at": "2026-02-02"}
    other = {"administrator_id": C, "invitation_id": "i3", "status": "Resigned", "invited_at": None}
    assert report == Report(
        rows=[
            row(A, "unchanged", after=JOINED, before=JOINED, invitations=[shown, other]),
            row(B, "unchanged", problem=OFF, invitations=[]),
            row(A, "unchanged", region=WEST, invitations=[]),
            row(B, "failed", problem=DENIED_PROBLEM, region=WEST, invitations=[]),
        ],
        unprocessed=[unprocessed_row(B, WEST, DENIED_PROBLEM)],
        warnings=[
            f"{EAST}/{B}: the service is off in this account and Region (service_not_enabled): switch it on first "
            "(*_detector, *_hub or *_session modules)"
        ],
        before={f"{EAST}/{A}": "Enabled", f"{EAST}/{B}": None, f"{WEST}/{A}": None, f"{WEST}/{B}": None},
        after={f"{EAST}/{A}": "Enabled", f"{EAST}/{B}": None, f"{WEST}/{A}": None, f"{WEST}/{B}": None},
    )


def test_info_of_the_callers_own_account_enters_none() -> None:
    port = FakeAdministrator(replace(JOINED, administrator_id=D))
    options = {**INFO, **NOT_ENTERED}
    report = run({(EAST, ADMINISTRATOR): port}, options, job=administrator_info_job)
    other = replace(JOINED, administrator_id=D)
    assert report.rows == [row(ADMINISTRATOR, "unchanged", after=other, before=other, invitations=[])]
