# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.delegation import delegation_job
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, ServiceFacts
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Delegate, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report, unprocessed_row
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.macie.facts import MACIE
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    COMMON,
    EAST,
    WAITS,
    WEST,
    Ports,
    StandIn,
    action,
    ended,
    service_with,
    task_of,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import A, B, C, FakeClock

MANAGEMENT = C
NORTH = "eu-north-1"
PRINCIPAL, OTHER_PRINCIPAL = "guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"

OPTIONS = {
    **COMMON,
    "administrator_id": A,
    "state": "present",
    "service_principals": [PRINCIPAL],
    **WAITS,
    "wait_timeout": 300,
}

ENABLED, ANOTHER = Delegate(A, "ENABLED"), Delegate(B, "ENABLED")
NOT_SHOWN = Problem(Reason.TIMED_OUT, "AWS accepted the request but did not show its effect before the wait ended")


def refusal(operation: str, reason: Reason = Reason.ACCESS_DENIED, is_uncertain: bool = False) -> CallFailed:
    return CallFailed(operation, "SomeException", "No.", reason, is_uncertain)


def refused(operation: str, reason: Reason = Reason.ACCESS_DENIED, text: str = "SomeException: No.") -> Problem:
    return Problem(reason, text, operation)


DELEGATE, LIST = "EnableOrganizationAdminAccount", "ListOrganizationAdminAccounts"
TRUST, PRINCIPALS = "EnableAWSServiceAccess", "ListAWSServiceAccessForOrganization"
REVOKE, DELEGATED = "DisableOrganizationAdminAccount", "ListDelegatedAdministrators"


class Organizations:
    """AWS Organizations. ``log`` has all calls; ``raises`` has what each is refused with, in turn."""

    def __init__(self, *principals: str, administrators: tuple[str, ...] = ()) -> None:
        self.principals = list(principals)
        self.administrators = administrators
        self.raises: dict[str, list[CallFailed | None]] = {}
        self.log: list[tuple[Any, ...]] = []

    def pages(self, operation: str, key: str, page_size: int, **params: str) -> list[dict[str, str]]:
        self._begin(operation, *params.values())
        found = {
            (PRINCIPALS, "EnabledServicePrincipals"): [{"ServicePrincipal": name} for name in self.principals],
            (DELEGATED, "DelegatedAdministrators"): [{"Id": account_id} for account_id in self.administrators],
        }
        return found[operation, key]

    def call(self, operation: str, ServicePrincipal: str) -> dict[str, Any]:
        assert operation == TRUST
        self._begin(operation, ServicePrincipal)
        self.principals.append(ServicePrincipal)
        return {}

    def _begin(self, *call: str) -> None:
        self.log.append(call)
        raises = self.raises.get(call[0])
        failure = raises.pop(0) if raises else None
        if failure:
            raise failure

    @property
    def writes(self) -> list[str]:
        return [principal for operation, principal in (call for call in self.log if call[0] == TRUST)]


class Region:
    """The management account's side of one Region.

    :param shows_after: Seconds after which a new administrator is shown.
    """

    def __init__(
        self, delegate: Delegate | None = None, shows_after: float = 0.0, raises: Exception | None = None
    ) -> None:
        self.time = FakeClock()
        # When what was called, in seconds since the beginning.
        self.writes: list[tuple[float, str]] = []
        self._begun = self.time.now
        self._delegate = delegate
        self._shown_at = self.time.now
        self._shows_after = shows_after
        self._raises = raises

    def get_administrator(self) -> Delegate | None:
        return self._delegate if self.time.now >= self._shown_at else None

    def enable(self, administrator_id: str) -> None:
        self._begin(f"enable {administrator_id}")
        self._delegate, self._shown_at = Delegate(administrator_id, "ENABLED"), self.time.now + self._shows_after

    def disable(self, administrator_id: str) -> None:
        self._begin(f"disable {administrator_id}")
        self._delegate = None

    def _begin(self, call: str) -> None:
        self.writes.append((self.time.now - self._begun, call))
        if self._raises:
            raise self._raises


def run(
    regions: Mapping[str, Region | CallFailed],
    organizations: Organizations,
    carry_out: bool = True,
    facts: ServiceFacts = GUARDDUTY,
    management: str = MANAGEMENT,
    **given: Any,
) -> Report:
    time = FakeClock()
    for port in regions.values():
        if isinstance(port, Region):
            port.time = time
    cloud = StandIn(management, organizations_api=organizations)
    ports = Ports(facts, {(region, management): port for region, port in regions.items()}, management)
    task = task_of({**OPTIONS, **given}, cloud, list(regions), carry_out, time)
    report = delegation_job(service_with(facts, open_delegation=ports.open), task)
    report.sort()
    # One client will do, and any Region's.
    assert cloud.organizations_in == list(regions)[:1]
    return report


def row(
    region: str,
    outcome: str,
    *actions: str,
    after: Delegate | None = None,
    before: Delegate | None = None,
    problem: Problem | None = None,
) -> dict[str, Any]:
    return {
        "region": region,
        "administrator_id": after.account_id if after else None,
        "status": after.status if after else None,
        "previous_administrator_id": before.account_id if before else None,
        "previous_status": before.status if before else None,
        **ended(outcome, actions, problem),
    }


@pytest.mark.parametrize("carry_out", [True, False])
def test_administrator_is_delegated_in_all_regions_after_the_service_is_trusted(carry_out: bool) -> None:
    organizations = Organizations("other.amazonaws.com", OTHER_PRINCIPAL)
    regions = {EAST: Region(), WEST: Region(), NORTH: refusal(LIST)}
    principals = [PRINCIPAL, OTHER_PRINCIPAL, PRINCIPAL]

    report = run(regions, organizations, carry_out, service_principals=principals)

    assert report == Report(
        rows=[
            row(NORTH, "failed", problem=refused(LIST)),
            row(EAST, "changed", "enable_service_access", "delegate", after=ENABLED),
            row(WEST, "changed", "delegate", after=ENABLED),
        ],
        unprocessed=[unprocessed_row(A, NORTH, refused(LIST))],
        actions=[
            action(EAST, MANAGEMENT, TRUST),
            action(EAST, MANAGEMENT, DELEGATE),
            action(WEST, MANAGEMENT, DELEGATE),
        ],
        before={f"{NORTH}/{A}": None, f"{EAST}/{A}": None, f"{WEST}/{A}": None},
        after={f"{NORTH}/{A}": None, f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": "ENABLED"},
    )
    assert organizations.log == [(PRINCIPALS,), *([(TRUST, PRINCIPAL)] if carry_out else [])]
    assert [regions[name].writes for name in (EAST, WEST)] == [[(0, f"enable {A}")] if carry_out else []] * 2


@pytest.mark.parametrize("carry_out", [True, False])
def test_trust_is_told_of_in_the_first_region_in_which_something_is_due(carry_out: bool) -> None:
    report = run({EAST: Region(ENABLED), WEST: Region()}, Organizations(), carry_out)

    assert report == Report(
        rows=[
            row(EAST, "unchanged", after=ENABLED, before=ENABLED),
            row(WEST, "changed", "enable_service_access", "delegate", after=ENABLED),
        ],
        actions=[action(WEST, MANAGEMENT, TRUST), action(WEST, MANAGEMENT, DELEGATE)],
        before={f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": None},
        after={f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": "ENABLED"},
    )


@pytest.mark.parametrize("carry_out", [True, False])
def test_trust_alone_is_a_change_of_the_first_region(carry_out: bool) -> None:
    organizations = Organizations(OTHER_PRINCIPAL)
    regions = {EAST: Region(ENABLED), WEST: Region(ENABLED)}
    principals = [PRINCIPAL, OTHER_PRINCIPAL, "third.amazonaws.com"]

    report = run(regions, organizations, carry_out, service_principals=principals)

    assert report.rows == [
        row(EAST, "changed", "enable_service_access", after=ENABLED, before=ENABLED),
        row(WEST, "unchanged", after=ENABLED, before=ENABLED),
    ]
    assert report.actions == [action(EAST, MANAGEMENT, TRUST)] * 2
    assert organizations.writes == ([PRINCIPAL, "third.amazonaws.com"] if carry_out else [])


@pytest.mark.parametrize("carry_out", [True, False])
def test_nothing_is_switched_on_where_another_administrator_is_in_every_region(carry_out: bool) -> None:
    organizations = Organizations(administrators=(B,))
    report = run({EAST: Region(ANOTHER)}, organizations, carry_out)
    # Said by the plan: who it is was read already.
    problem = Problem(Reason.OTHER_DELEGATED_ADMINISTRATOR, f"{B} is the delegated administrator in this Region")
    assert report == Report(
        rows=[row(EAST, "failed", after=ANOTHER, before=ANOTHER, problem=problem)],
        unprocessed=[unprocessed_row(A, EAST, problem)],
        before={f"{EAST}/{A}": "ENABLED"},
        after={f"{EAST}/{A}": "ENABLED"},
    )
    assert organizations.log == []


@pytest.mark.parametrize("carry_out", [True, False])
def test_trust_is_switched_on_for_the_regions_where_no_other_administrator_is(carry_out: bool) -> None:
    organizations = Organizations()
    report = run({EAST: Region(ANOTHER), WEST: Region(ENABLED)}, organizations, carry_out)
    problem = Problem(Reason.OTHER_DELEGATED_ADMINISTRATOR, f"{B} is the delegated administrator in this Region")
    assert report.rows == [
        row(EAST, "failed", after=ANOTHER, before=ANOTHER, problem=problem),
        row(WEST, "changed", "enable_service_access", after=ENABLED, before=ENABLED),
    ]
    assert report.actions == [action(WEST, MANAGEMENT, TRUST)]
    assert organizations.writes == ([PRINCIPAL] if carry_out else [])


BUSY = CallFailed(TRUST, "ConcurrentModificationException", "In progress.", Reason.INTERNAL_ERROR)


def test_trust_is_asked_for_again_while_another_operation_is_at_work() -> None:
    organizations = Organizations()
    organizations.raises[TRUST] = [BUSY, BUSY]
    report = run({EAST: Region()}, organizations)
    assert report.rows == [row(EAST, "changed", "enable_service_access", "delegate", after=ENABLED)]
    assert organizations.writes == [PRINCIPAL] * 3


@pytest.mark.parametrize(("wait_timeout", "asked"), [(1, 2), (300, 27)])
def test_trust_is_not_asked_for_without_end(wait_timeout: int, asked: int) -> None:
    organizations = Organizations()
    organizations.raises[TRUST] = [BUSY] * 100
    report = run({EAST: Region()}, organizations, wait_timeout=wait_timeout)
    problem = Problem(Reason.INTERNAL_ERROR, "ConcurrentModificationException: In progress.", TRUST)
    assert report.rows == [row(EAST, "failed", problem=problem)]
    assert organizations.writes == [PRINCIPAL] * asked


def test_trust_that_cannot_be_read_keeps_everything_from_being_sent() -> None:
    organizations = Organizations()
    organizations.raises[PRINCIPALS] = [refusal(PRINCIPALS)]
    regions = {EAST: Region(ENABLED), WEST: Region(), NORTH: Region(Delegate(B, "DISABLE_IN_PROGRESS"))}

    report = run(regions, organizations)

    problem = refused(PRINCIPALS)
    leaving = Delegate(B, "DISABLE_IN_PROGRESS")
    assert report.rows == [
        row(NORTH, "failed", after=leaving, before=leaving, problem=problem),
        row(EAST, "unchanged", after=ENABLED, before=ENABLED),
        row(WEST, "failed", problem=problem),
    ]
    assert report.unprocessed == [unprocessed_row(A, NORTH, problem), unprocessed_row(A, WEST, problem)]
    assert [regions[name].writes for name in regions] == [[], [], []] and organizations.writes == []


@pytest.mark.parametrize("carry_out", [True, False])
def test_trust_that_cannot_be_read_is_a_failure_of_the_first_region_where_nothing_is_due(carry_out: bool) -> None:
    organizations = Organizations()
    organizations.raises[PRINCIPALS] = [refusal(PRINCIPALS)]

    report = run({EAST: Region(ENABLED), WEST: Region(ENABLED)}, organizations, carry_out)

    problem = refused(PRINCIPALS)
    assert report == Report(
        rows=[
            row(EAST, "failed", after=ENABLED, before=ENABLED, problem=problem),
            row(WEST, "unchanged", after=ENABLED, before=ENABLED),
        ],
        unprocessed=[unprocessed_row(A, EAST, problem)],
        before={f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": "ENABLED"},
        after={f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": "ENABLED"},
    )


@pytest.mark.parametrize("carry_out", [True, False])
def test_trust_that_cannot_be_read_is_the_failure_of_all_regions_that_are_due(carry_out: bool) -> None:
    organizations = Organizations()
    organizations.raises[PRINCIPALS] = [refusal(PRINCIPALS)]
    report = run({EAST: Region(), WEST: Region()}, organizations, carry_out)
    assert report.rows == [row(region, "failed", problem=refused(PRINCIPALS)) for region in (EAST, WEST)]


def test_trust_that_is_refused_is_a_failure_and_keeps_what_was_done_before_it() -> None:
    organizations = Organizations()
    organizations.raises[TRUST] = [None, refusal(TRUST)]
    regions = {EAST: Region(), WEST: Region()}

    report = run(regions, organizations, service_principals=[f"{name}.amazonaws.com" for name in ("a", "b", "c")])

    problem = refused(TRUST)
    assert report.rows == [
        row(EAST, "failed", "enable_service_access", problem=problem),
        row(WEST, "failed", problem=problem),
    ]
    assert organizations.writes == ["a.amazonaws.com", "b.amazonaws.com"]
    assert report.actions == [
        *[action(EAST, MANAGEMENT, TRUST)] * 3,
        action(EAST, MANAGEMENT, DELEGATE),
        action(WEST, MANAGEMENT, DELEGATE),
    ]


LOST = refusal(TRUST, Reason.INTERNAL_ERROR, is_uncertain=True)
LOST_PROBLEM = refused(TRUST, Reason.INTERNAL_ERROR)


@pytest.mark.parametrize(
    ("raises", "is_there", "expected"),
    [
        # A look decides what became of a request whose answer was lost.
        ({TRUST: [LOST]}, True, row(EAST, "changed", "enable_service_access", "delegate", after=ENABLED)),
        ({TRUST: [LOST]}, False, row(EAST, "failed", problem=LOST_PROBLEM)),
        ({TRUST: [LOST], PRINCIPALS: [None, refusal(PRINCIPALS)]}, True, row(EAST, "failed", problem=LOST_PROBLEM)),
        # One that was refused needs none.
        ({TRUST: [refusal(TRUST)]}, True, row(EAST, "failed", problem=refused(TRUST))),
    ],
)
def test_trust_whose_answer_is_lost_is_looked_for(
    raises: Mapping[str, list[CallFailed | None]], is_there: bool, expected: Mapping[str, Any]
) -> None:
    class Losing(Organizations):
        def call(self, operation: str, ServicePrincipal: str) -> dict[str, Any]:
            if is_there:
                self.principals.append(ServicePrincipal)
            return super().call(operation, ServicePrincipal)

    organizations = Losing()
    organizations.raises = {operation: list(failures) for operation, failures in raises.items()}

    assert run({EAST: Region()}, organizations).rows == [expected]


def test_trust_is_not_asked_for_where_nothing_needs_it() -> None:
    organizations = Organizations()
    report = run({EAST: Region()}, organizations, facts=SECURITYHUB, service_principals=[])
    assert report.rows == [row(EAST, "changed", "delegate", after=ENABLED)] and organizations.log == []


def test_trust_is_not_asked_for_where_no_region_could_be_read() -> None:
    organizations = Organizations()
    report = run({EAST: refusal(LIST)}, organizations)
    assert report == Report(
        rows=[row(EAST, "failed", problem=refused(LIST))],
        unprocessed=[unprocessed_row(A, EAST, refused(LIST))],
        before={f"{EAST}/{A}": None},
        after={f"{EAST}/{A}": None},
    )
    assert organizations.log == []


@pytest.mark.parametrize("carry_out", [True, False])
def test_administrator_is_taken_away_and_trust_is_left_as_it_is(carry_out: bool) -> None:
    organizations = Organizations()
    east, west = Region(ENABLED), Region(ANOTHER)

    report = run({EAST: east, WEST: west}, organizations, carry_out, state="absent")

    assert report == Report(
        rows=[
            row(EAST, "changed", "revoke", before=ENABLED),
            row(WEST, "unchanged", after=ANOTHER, before=ANOTHER),
        ],
        actions=[action(EAST, MANAGEMENT, REVOKE)],
        before={f"{EAST}/{A}": "ENABLED", f"{WEST}/{A}": "ENABLED"},
        after={f"{EAST}/{A}": None, f"{WEST}/{A}": "ENABLED"},
    )
    assert (organizations.log, west.writes) == ([], [])
    assert east.writes == ([(0, f"disable {A}")] if carry_out else [])


# The management account itself


ADVICE = "the management account is to be its own delegated administrator: AWS advises against it"


@pytest.mark.parametrize(
    ("management", "given", "warnings"), [(A, {}, [ADVICE]), (A, {"state": "absent"}, []), (MANAGEMENT, {}, [])]
)
def test_management_account_as_its_own_administrator_is_warned_of(
    management: str, given: Mapping[str, Any], warnings: list[str]
) -> None:
    assert run({EAST: Region()}, Organizations(), management=management, **given).warnings == warnings


# Another administrator, of whom AWS says only that there is one


OTHER_REFUSED = refusal(DELEGATE, Reason.OTHER_DELEGATED_ADMINISTRATOR)


@pytest.mark.parametrize(
    ("administrators", "raises", "named"),
    [
        ((B,), [], B),
        ((B, C), [], f"{B}, {C}"),
        ((), [], "not to be read"),
        ((B,), [refusal(DELEGATED)], "not to be read"),
    ],
)
def test_another_administrator_that_aws_does_not_name_is_looked_for_in_the_organization(
    administrators: tuple[str, ...], raises: list[CallFailed | None], named: str
) -> None:
    organizations = Organizations(PRINCIPAL, administrators=administrators)
    organizations.raises[DELEGATED] = list(raises)

    report = run({EAST: Region(raises=OTHER_REFUSED)}, organizations)

    text = f"SomeException: No. (registered in AWS Organizations: {named})"
    problem = refused(DELEGATE, Reason.OTHER_DELEGATED_ADMINISTRATOR, text)
    assert report.rows == [row(EAST, "failed", problem=problem)]
    assert report.unprocessed == [unprocessed_row(A, EAST, problem)]
    assert organizations.log == [(PRINCIPALS,), (DELEGATED, PRINCIPAL)]


def test_another_refusal_is_told_as_it_is() -> None:
    organizations = Organizations(PRINCIPAL, administrators=(B,))
    report = run({EAST: Region(raises=refusal(DELEGATE))}, organizations)
    assert report.rows == [row(EAST, "failed", problem=refused(DELEGATE))]
    assert organizations.log == [(PRINCIPALS,)]


# Who goes first


def begun_at(*regions: Region) -> list[list[float]]:
    return [[when for when, _call in region.writes] for region in regions]


def test_regions_wait_for_the_first_where_nobody_is_delegated_anywhere_even_if_the_user_does_not() -> None:
    east, west, north = (Region(shows_after=3) for _region in range(3))
    report = run({EAST: east, NORTH: north, WEST: west}, Organizations(PRINCIPAL), wait=False)
    # The first one looks after one second, and two more. Of the others nobody waits for the end.
    assert begun_at(north, east, west) == [[0], [3], [3]]
    assert report.rows == [
        row(NORTH, "changed", "delegate", after=ENABLED),
        row(EAST, "changed", "delegate"),
        row(WEST, "changed", "delegate"),
    ]


def test_nothing_is_sent_to_the_other_regions_while_the_first_does_not_show_it() -> None:
    east, west = Region(shows_after=30), Region()
    report = run({EAST: east, WEST: west}, Organizations(PRINCIPAL), wait_timeout=2)
    assert begun_at(east, west) == [[0], []]
    late = Problem(Reason.TIMED_OUT, f"not sent: {EAST} goes first, and is not ENABLED yet")
    assert report.rows == [
        row(EAST, "timed_out", "delegate", problem=NOT_SHOWN),
        row(WEST, "timed_out", problem=late),
    ]


def test_one_region_alone_is_not_waited_for_if_the_user_does_not() -> None:
    east = Region(shows_after=3)
    report = run({EAST: east}, Organizations(PRINCIPAL), wait=False)
    assert report.rows == [row(EAST, "changed", "delegate")] and east.time.naps == []


def test_trust_in_a_region_that_does_not_show_its_administrator_in_time_is_no_success() -> None:
    report = run({EAST: Region(shows_after=30)}, Organizations(), wait_timeout=2)
    assert report.rows == [row(EAST, "timed_out", "enable_service_access", "delegate", problem=NOT_SHOWN)]


def test_regions_go_together_where_the_administrator_is_in_office_in_one() -> None:
    east, west, north = Region(shows_after=3), Region(shows_after=3), Region(ENABLED)
    run({EAST: east, WEST: west, NORTH: north}, Organizations(PRINCIPAL))
    assert begun_at(north, east, west) == [[], [0], [0]]


def test_regions_do_not_go_together_where_the_only_administrator_is_being_taken_away() -> None:
    north, east, west = Region(Delegate(A, "DISABLE_IN_PROGRESS")), Region(), Region()
    run({NORTH: north, EAST: east, WEST: west}, Organizations(PRINCIPAL), wait_timeout=2)
    # The first waits in vain for the end of the old one.
    assert begun_at(north, east, west) == [[], [2], [2]]


UNAVAILABLE = refusal(DELEGATE, Reason.REGION_UNAVAILABLE)


def test_region_that_is_off_is_no_first_one() -> None:
    north, east = Region(raises=UNAVAILABLE), Region(shows_after=3)
    west, last = Region(shows_after=3), Region(shows_after=3)

    report = run({NORTH: north, EAST: east, WEST: west, "us-west-9": last}, Organizations(PRINCIPAL))

    assert begun_at(north, east, west, last) == [[0], [0], [3], [3]]
    assert report.rows == [
        row(NORTH, "failed", problem=refused(DELEGATE, Reason.REGION_UNAVAILABLE)),
        row(EAST, "changed", "delegate", after=ENABLED),
        row(WEST, "changed", "delegate", after=ENABLED),
        row("us-west-9", "changed", "delegate", after=ENABLED),
    ]


@pytest.mark.parametrize(
    ("raises", "problem"),
    [
        (refusal(DELEGATE), refused(DELEGATE)),
        (ValueError("odd"), Problem(Reason.OTHER, "unexpected ValueError: odd; please report it")),
    ],
)
def test_region_that_fails_first_leaves_the_next_to_go_first(raises: Exception, problem: Problem) -> None:
    north, east, west = Region(raises=raises), Region(shows_after=3), Region(shows_after=3)

    report = run({NORTH: north, EAST: east, WEST: west}, Organizations(PRINCIPAL))

    assert begun_at(north, east, west) == [[0], [0], [3]]
    assert report.rows == [
        row(NORTH, "failed", problem=problem),
        row(EAST, "changed", "delegate", after=ENABLED),
        row(WEST, "changed", "delegate", after=ENABLED),
    ]
    assert report.actions == [action(region, MANAGEMENT, DELEGATE) for region in (NORTH, EAST, WEST)]


def test_regions_that_go_first_in_turn_have_one_wait_together() -> None:
    north = Region(raises=refusal(DELEGATE, Reason.INTERNAL_ERROR, is_uncertain=True))
    east, west = Region(shows_after=60), Region()

    report = run({NORTH: north, EAST: east, WEST: west}, Organizations(PRINCIPAL), wait_timeout=10)

    # Asked again for as long as the wait lasts; of the next, one look is taken.
    assert [at for at, _call in north.writes] == [0, 1, 3, 7, 10] and begun_at(east, west) == [[10], []]
    assert east.time.slept == 10
    assert [each["outcome"] for each in report.rows] == ["failed", "timed_out", "timed_out"]
    late = Problem(Reason.TIMED_OUT, f"not sent: {EAST} goes first, and is not ENABLED yet")
    assert report.rows[2] == row(WEST, "timed_out", problem=late)


@pytest.mark.parametrize("reason", [Reason.NOT_MANAGEMENT_ACCOUNT, Reason.ACCESS_DENIED])
def test_trust_that_somebody_else_has_to_give_is_asked_for_once(reason: Reason) -> None:
    organizations = Organizations()
    code = "AccessDeniedException" if reason is Reason.ACCESS_DENIED else "ConcurrentModificationException"
    organizations.raises[TRUST] = [CallFailed(TRUST, code, "No.", reason)] * 2
    run({EAST: Region()}, organizations)
    assert organizations.writes == [PRINCIPAL]


# What is refused before any call


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"concurrency": 0}, Fault("", Reason.INVALID_INPUT, "concurrency must be at least 1")),
        (
            {"service_principals": [PRINCIPAL, " "]},
            Fault(
                "",
                Reason.INVALID_INPUT,
                "service_principals: ' ' is not the name of a service principal such as SERVICE.amazonaws.com",
            ),
        ),
        (
            {"administrator_id": 12},
            Fault(
                "12",
                Reason.INVALID_INPUT,
                "administrator_id: account id 12 is of type int, not a string of 12 digits; "
                'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"',
            ),
        ),
    ],
)
def test_delegation_with_options_that_cannot_be_used_is_refused_before_aws_is_opened(
    given: Mapping[str, Any], fault: Fault
) -> None:
    cloud = StandIn(MANAGEMENT)
    with pytest.raises(InvalidInput) as error:
        delegation_job(service_with(GUARDDUTY), task_of({**OPTIONS, **given}, cloud))
    assert (error.value.faults, cloud.connections) == ((fault,), 0)


def test_delegation_of_a_service_that_has_none_is_refused() -> None:
    with pytest.raises(TaskFailed) as error:
        delegation_job(service_with(MACIE), task_of(OPTIONS, StandIn(MANAGEMENT)))
    assert str(error.value) == "Macie has nothing for AWS Organizations here"
