# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.members import member_info_job, member_job
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature, merged_features
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Member,
    Problem,
    Reason,
    ServiceFacts,
    State,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, CallFailed, Refusal, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report, unprocessed_row
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.macie.facts import MACIE
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.services.fourth.facts import FOURTH
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    COMMON,
    DENIED,
    DENIED_PROBLEM,
    EAST,
    ENTERED,
    NOT_ENTERED,
    ROLE,
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
    FakeClock,
    FakeMembers,
    member_in,
    raising,
)

# What every member module has, as Ansible gives it, and what some have beyond.
MEMBER = {
    **COMMON,
    "state": "present",
    "via": "invitation",
    "invite": True,
    "reinvite_resigned": False,
    "purge_members": False,
    "purge_limit": 10,
    "fail_on_unprocessed": True,
    **NOT_ENTERED,
    **WAITS,
}
OF_GUARDDUTY = {
    "detector_id": None,
    "email_notification": False,
    "features": None,
    "invitation_message": None,
    "monitoring": None,
    "replace_failed": False,
}
OF_SERVICE: Mapping[str, Mapping[str, Any]] = {
    "guardduty": OF_GUARDDUTY,
    "securityhub": {},
    "macie": {
        "email_notification": False,
        "invitation_message": None,
        "monitoring": None,
        "replace_failed": False,
    },
    "fourth": {"monitoring": None, "invitation_message": None},
}

NO_ADMINISTRATOR = CallFailed(
    "DescribeOrganizationConfiguration", "BadRequestException", "Not you.", Reason.NOT_DELEGATED_ADMINISTRATOR
)
IS_ADMINISTRATOR = "the calling account is the administrator itself"


class Members(FakeMembers):
    """The administrator's side of one Region, where the caller may be the delegated administrator."""

    def __init__(self, *members: Member, facts: ServiceFacts = GUARDDUTY, in_organization: bool = False) -> None:
        super().__init__(*members, facts=facts, in_organization=in_organization)
        self.features: dict[str, dict[str, Feature]] = {}
        self.organization: CallFailed | None = None
        self.asked = 0
        self.listings = 0

    def list_members(self) -> list[Member]:
        self.listings += 1
        return super().list_members()

    def describe_organization(self) -> None:
        self.asked += 1
        if self.organization:
            raise self.organization

    def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
        refused = {i: Refusal("No features for you.") for i in account_ids if i not in self.features}
        return {i: self.features[i] for i in account_ids if i in self.features}, Answer(refused)

    def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
        self.log.append(("update_features", list(account_ids)))
        for account_id in account_ids:
            self.features[account_id] = merged_features(self.features[account_id], features)
        return Answer()


class Run:
    """One task of a member module, and what was asked of AWS for it."""

    def __init__(
        self,
        ports: Mapping[str, Members | CallFailed],
        options: Mapping[str, Any],
        cloud: StandIn | None = None,
        carry_out: bool = True,
        facts: ServiceFacts = GUARDDUTY,
        job: Callable[..., Report] = member_job,
    ) -> None:
        self.cloud = cloud or StandIn()
        time = FakeClock()
        for port in ports.values():
            if isinstance(port, Members):
                port.time = time
        opened = Ports(facts, {(region, ADMINISTRATOR): port for region, port in ports.items()})
        task = task_of(options, self.cloud, list(ports), carry_out, time)
        self.report = job(service_with(facts, open_members=opened.open_with), task)
        self.report.sort()
        assert self.cloud.connections == 1
        self.options = opened.options


def options_of(*account_ids: str, facts: ServiceFacts = GUARDDUTY, **given: Any) -> dict[str, Any]:
    members = [{"account_id": account_id, "email": email_of(account_id)} for account_id in account_ids]
    return {**MEMBER, **OF_SERVICE[facts.name], "members": members, **given}


def email_of(account_id: str) -> str:
    return f"aws-{account_id}@example.com"


def row(
    account_id: str,
    outcome: str,
    *actions: str,
    status: str | None = None,
    was: str | None = None,
    problem: Problem | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Return a row of GuardDuty's; where nothing was done, the account is as it was."""
    return {
        "account_id": account_id,
        "region": EAST,
        "email": email_of(account_id),
        "status": status,
        "previous_status": was,
        "administrator_id": None,
        "invited_at": None,
        "updated_at": None,
        "features": None,
        **ended(outcome, actions, problem),
        **given,
    }


def without_features(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "features"}


ITSELF = Problem(Reason.IS_ADMINISTRATOR, IS_ADMINISTRATOR)
ITSELF_WARNING = (
    f"{{}}/{ADMINISTRATOR}: {IS_ADMINISTRATOR} (is_administrator): an administrator cannot be a member: take it off "
    "the list"
)


@pytest.mark.parametrize("carry_out", [True, False])
def test_members_in_two_regions_are_brought_in_and_of_one_that_cannot_be_read_all_are_told(carry_out: bool) -> None:
    port = Members(member_in(State.ENABLED, B))
    options = options_of(C, B, ADMINISTRATOR)

    run = Run({WEST: DENIED, EAST: port}, options, carry_out=carry_out)

    added = row(C, "changed", "create", "invite", status="Invited")
    assert run.report == Report(
        rows=[
            row(ADMINISTRATOR, "skipped", problem=ITSELF),
            row(B, "unchanged", status="Enabled", was="Enabled"),
            {**added, "administrator_id": None if carry_out else ADMINISTRATOR},
            row(ADMINISTRATOR, "skipped", problem=ITSELF, region=WEST),
            row(B, "failed", problem=DENIED_PROBLEM, region=WEST),
            row(C, "failed", problem=DENIED_PROBLEM, region=WEST),
        ],
        unprocessed=[unprocessed_row(B, WEST, DENIED_PROBLEM), unprocessed_row(C, WEST, DENIED_PROBLEM)],
        actions=[action(EAST, None, "CreateMembers", C), action(EAST, None, "InviteMembers", C)],
        warnings=[ITSELF_WARNING.format(EAST), ITSELF_WARNING.format(WEST)],
        before={
            f"{EAST}/{ADMINISTRATOR}": None,
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": None,
            f"{WEST}/{ADMINISTRATOR}": None,
            f"{WEST}/{B}": None,
            f"{WEST}/{C}": None,
        },
        after={
            f"{EAST}/{ADMINISTRATOR}": None,
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": "Invited",
            f"{WEST}/{ADMINISTRATOR}": None,
            f"{WEST}/{B}": None,
            f"{WEST}/{C}": None,
        },
    )
    assert run.options == [options, options] and run.cloud.assumed == []
    # The caller is none of its members: nobody asks for it.
    assert port.log[0] == ("get_members", [B, C])
    assert port.writes == ([("create", [C]), ("invite", [C])] if carry_out else []) and port.listings == port.asked == 0


def test_members_of_a_service_without_features_have_rows_without_them() -> None:
    port = Members(facts=SECURITYHUB)

    report = Run({EAST: port, WEST: DENIED}, options_of(A, facts=SECURITYHUB), facts=SECURITYHUB).report

    assert report.rows == [
        without_features(row(A, "changed", "create", "invite", status="Invited")),
        without_features(row(A, "failed", problem=DENIED_PROBLEM, region=WEST)),
    ]


def test_members_of_a_region_that_breaks_on_the_way_are_told_with_what_was_planned() -> None:
    port = Members(member_in(State.CREATED))
    port.script.before("invite", raising(ValueError("odd")))

    report = Run({EAST: port, WEST: Members(member_in(State.INVITED))}, options_of(A)).report

    problem = Problem(Reason.OTHER, "unexpected ValueError: odd; please report it")
    assert report == Report(
        rows=[
            row(A, "failed", problem=problem),
            row(A, "unchanged", status="Invited", was="Invited", region=WEST),
        ],
        unprocessed=[unprocessed_row(A, EAST, problem)],
        actions=[action(EAST, None, "InviteMembers", A)],
        before={f"{EAST}/{A}": None, f"{WEST}/{A}": "Invited"},
        after={f"{EAST}/{A}": None, f"{WEST}/{A}": "Invited"},
    )


def test_members_with_something_to_know_are_warned_of_with_their_region() -> None:
    ports = {region: Members(member_in(State.SUSPENDED)) for region in (EAST, WEST)}
    report = Run(ports, options_of(A)).report
    text = f"{A}: monitoring is suspended (status Disabled); monitoring=enabled starts it"
    there = {"status": "Disabled", "was": "Disabled"}
    assert report.rows == [row(A, "unchanged", **there), row(A, "unchanged", **there, region=WEST)]
    assert report.warnings == [f"{EAST}/{text}", f"{WEST}/{text}"]


@pytest.mark.parametrize(
    ("state", "given", "calls"),
    [
        (State.ABSENT, {"invite": False}, ["CreateMembers"]),
        (State.RESIGNED, {}, []),
        (State.RESIGNED, {"reinvite_resigned": True}, ["InviteMembers"]),
        (State.VERIFICATION_FAILED, {}, []),
        (State.VERIFICATION_FAILED, {"replace_failed": True}, ["DeleteMembers", "CreateMembers", "InviteMembers"]),
        (State.ENABLED, {"monitoring": "suspended"}, ["StopMonitoringMembers"]),
        (State.SUSPENDED, {"monitoring": "enabled"}, ["StartMonitoringMembers"]),
        (State.ENABLED, {"state": "disassociated"}, ["DisassociateMembers"]),
        (State.ENABLED, {"state": "absent"}, ["DisassociateMembers", "DeleteMembers"]),
        (State.ABSENT, {"via": "organization"}, ["CreateMembers"]),
    ],
)
def test_members_are_treated_as_the_options_say(state: State, given: Mapping[str, Any], calls: list[str]) -> None:
    ports = {EAST: Members(*([member_in(state)] if state is not State.ABSENT else []))}
    report = Run(ports, options_of(A, **given), carry_out=False).report
    assert report.actions == [action(EAST, None, call, A) for call in calls]


def test_members_of_a_module_without_an_option_are_left_as_without_it() -> None:
    port = Members(member_in(State.ENABLED, facts=SECURITYHUB), facts=SECURITYHUB)
    report = Run({EAST: port}, options_of(A, facts=SECURITYHUB), facts=SECURITYHUB).report
    assert report.rows == [without_features(row(A, "unchanged", status="Enabled", was="Enabled"))]


def test_members_that_take_a_call_each_are_sent_side_by_side() -> None:
    port = Members(facts=MACIE)
    # The first goes alone; neither of the others gets through before both are there.
    gate = threading.Barrier(2)

    def wait() -> None:
        gate.wait(timeout=10)

    port.script.before("create", None, wait, wait)
    report = Run({EAST: port}, options_of(A, B, C, facts=MACIE, invite=False), facts=MACIE).report
    assert report.rows == [without_features(row(i, "changed", "create", status="Created")) for i in (A, B, C)]


# Purge


def test_purge_removes_whoever_is_not_listed_and_reads_everybody_for_it() -> None:
    port = Members(member_in(State.ENABLED), member_in(State.CREATED, B))

    report = Run({EAST: port}, options_of(A, purge_members=True, purge_limit=1)).report

    assert report == Report(
        rows=[
            row(A, "unchanged", status="Enabled", was="Enabled"),
            row(B, "changed", "delete", was="Created", email=None),
        ],
        actions=[action(EAST, None, "DeleteMembers", B)],
        before={f"{EAST}/{A}": "Enabled", f"{EAST}/{B}": "Created"},
        after={f"{EAST}/{A}": "Enabled", f"{EAST}/{B}": None},
    )
    assert port.listings == 1


def test_purge_by_a_list_of_nobody_but_the_caller_is_refused_before_anything_is_read() -> None:
    port = Members(member_in(State.ENABLED))

    with pytest.raises(InvalidInput) as error:
        Run({EAST: port}, options_of(ADMINISTRATOR, purge_members=True))

    text = (
        f"members holds nobody but the caller, {ADMINISTRATOR}, and purge_members would remove every member: list some"
    )
    assert error.value.faults == (Fault(ADMINISTRATOR, Reason.INVALID_INPUT, text),)
    assert (port.listings, port.writes) == (0, [])


def test_purge_of_more_than_the_limit_in_all_regions_together_writes_in_none() -> None:
    ports = {EAST: Members(member_in(State.CREATED, B)), WEST: Members(member_in(State.CREATED, C))}

    with pytest.raises(TaskFailed) as error:
        Run(ports, options_of(A, purge_members=True, purge_limit=1))

    assert str(error.value) == (
        "purge_members would remove 2 accounts, more than purge_limit=1; nothing was sent. "
        f"Not listed: {B}, {C}. List them, or raise purge_limit"
    )
    assert [port.writes for port in ports.values()] == [[], []]


# The role, before invitations


NOT_ASSUMED = CallFailed("AssumeRole", "AccessDenied", "Not you.", Reason.ASSUME_ROLE_FAILED)
SHUT = Problem(Reason.ASSUME_ROLE_FAILED, "AccessDenied: Not you.", "AssumeRole")


@pytest.mark.parametrize("carry_out", [True, False])
def test_members_are_entered_before_they_are_invited_and_else_left_alone(carry_out: bool) -> None:
    east = Members(member_in(State.CREATED, A), member_in(State.ENABLED, B))
    west = Members(member_in(State.ENABLED, A), member_in(State.INVITED, D))
    cloud = StandIn(shut={(A, EAST): NOT_ASSUMED, (C, EAST): NOT_ASSUMED})

    run = Run({EAST: east, WEST: west}, options_of(A, B, C, D, **ENTERED), cloud, carry_out)

    administrator_id = None if carry_out else ADMINISTRATOR
    invited = {"status": "Invited", "administrator_id": administrator_id}
    assert run.report == Report(
        rows=[
            row(A, "failed", status="Created", was="Created", problem=SHUT),
            row(B, "unchanged", status="Enabled", was="Enabled"),
            row(C, "failed", problem=SHUT),
            row(D, "changed", "create", "invite", **invited),
            row(A, "unchanged", status="Enabled", was="Enabled", region=WEST),
            row(B, "changed", "create", "invite", region=WEST, **invited),
            row(C, "failed", problem=SHUT, region=WEST),
            row(D, "unchanged", status="Invited", was="Invited", region=WEST),
        ],
        unprocessed=[
            unprocessed_row(A, EAST, SHUT),
            unprocessed_row(C, EAST, SHUT),
            unprocessed_row(C, WEST, SHUT),
        ],
        actions=[
            action(EAST, None, "CreateMembers", D),
            action(EAST, None, "InviteMembers", D),
            action(WEST, None, "CreateMembers", B),
            action(WEST, None, "InviteMembers", B),
        ],
        before={
            f"{EAST}/{A}": "Created",
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": None,
            f"{EAST}/{D}": None,
            f"{WEST}/{A}": "Enabled",
            f"{WEST}/{B}": None,
            f"{WEST}/{C}": None,
            f"{WEST}/{D}": "Invited",
        },
        after={
            f"{EAST}/{A}": "Created",
            f"{EAST}/{B}": "Enabled",
            f"{EAST}/{C}": None,
            f"{EAST}/{D}": "Invited",
            f"{WEST}/{A}": "Enabled",
            f"{WEST}/{B}": "Invited",
            f"{WEST}/{C}": None,
            f"{WEST}/{D}": "Invited",
        },
    )
    # Each once, in the first Region in which it is to be invited.
    assert sorted(cloud.assumed, key=lambda assumed: assumed[0]) == [
        (A, ROLE, EAST),
        (B, ROLE, WEST),
        (C, ROLE, EAST),
        (D, ROLE, EAST),
    ]
    assert cloud.connections == 1


def test_members_that_nobody_invites_are_not_entered() -> None:
    cloud = StandIn()
    ports = {EAST: Members(member_in(State.ENABLED, A), member_in(State.CREATED, B))}
    report = Run(ports, options_of(A, B, invite=False, **ENTERED), cloud).report
    assert [row["outcome"] for row in report.rows] == ["unchanged", "unchanged"] and cloud.assumed == []


# Through the organization


def test_members_of_an_organization_are_created_by_its_delegated_administrator() -> None:
    port = Members(member_in(State.ENABLED, B), in_organization=True)
    report = Run({EAST: port}, options_of(A, B, via="organization")).report
    assert report.rows == [
        row(A, "changed", "create", status="Enabled"),
        row(B, "unchanged", status="Enabled", was="Enabled"),
    ]
    assert (port.asked, report.actions) == (1, [action(EAST, None, "CreateMembers", A)])


@pytest.mark.parametrize("carry_out", [True, False])
def test_members_of_an_organization_are_not_created_by_somebody_else(carry_out: bool) -> None:
    port = Members(member_in(State.SUSPENDED, B), in_organization=True)
    port.organization = NO_ADMINISTRATOR

    report = Run({EAST: port}, options_of(A, B, via="organization", monitoring="enabled"), carry_out=carry_out).report

    problem = Problem(
        Reason.NOT_DELEGATED_ADMINISTRATOR, "BadRequestException: Not you.", "DescribeOrganizationConfiguration"
    )
    administrator_id = None if carry_out else ADMINISTRATOR
    started = {"status": "Enabled", "was": "Disabled", "administrator_id": administrator_id}
    # In check mode a record that was not created anew keeps its own address.
    started["email"] = email_of(B)
    assert report == Report(
        rows=[row(A, "failed", problem=problem), row(B, "changed", "start_monitoring", **started)],
        unprocessed=[unprocessed_row(A, EAST, problem)],
        actions=[action(EAST, None, "StartMonitoringMembers", B)],
        before={f"{EAST}/{A}": None, f"{EAST}/{B}": "Disabled"},
        after={f"{EAST}/{A}": None, f"{EAST}/{B}": "Enabled"},
    )


def test_members_of_an_organization_that_are_there_need_no_question() -> None:
    port = Members(member_in(State.ENABLED), in_organization=True)
    port.organization = NO_ADMINISTRATOR
    report = Run({EAST: port}, options_of(A, via="organization")).report
    assert (report.rows, port.asked) == ([row(A, "unchanged", status="Enabled", was="Enabled")], 0)


def test_members_by_invitation_are_created_whoever_the_delegated_administrator_is() -> None:
    port = Members()
    port.organization = NO_ADMINISTRATOR
    assert Run({EAST: port}, options_of(A)).report.rows == [row(A, "changed", "create", "invite", status="Invited")]
    assert port.asked == 0


# Features


WANTED = [{"name": "S3_DATA_EVENTS", "status": "ENABLED", "additional_configuration": None}]


def shown(value: str) -> list[dict[str, Any]]:
    return [{"name": "S3_DATA_EVENTS", "status": value, "additional_configuration": []}]


STRANGER = "888888888888"
WITHOUT = (
    f"{EAST}: features were neither read nor changed for accounts that are {{status}}, not Enabled: {{ids}}; "
    "run again once they are Enabled"
)


@pytest.mark.parametrize("carry_out", [True, False])
def test_features_of_accounts_that_are_no_members_yet_or_suspended_are_told_to_be_left_alone(carry_out: bool) -> None:
    members = [member_in(State.SUSPENDED, A), member_in(State.INVITED, B), member_in(State.SUSPENDED, C)]
    ports = {EAST: Members(*members, member_in(State.RESIGNED, D), member_in(State.INVITED, STRANGER))}
    options = options_of(A, B, C, D, ADMINISTRATOR, features=WANTED, monitoring="suspended", purge_members=True)
    told = [WITHOUT.format(status="Disabled", ids=f"{A}, {C}"), WITHOUT.format(status="Invited", ids=B)]
    for _run in ("first", "second"):
        report = Run(ports, options, carry_out=carry_out).report
        rows = {row["account_id"]: (row["outcome"], row["features"]) for row in report.rows}
        assert (rows[A], rows[B], rows[C]) == (("unchanged", None),) * 3 and rows[D] == ("failed", None)
        assert report.warnings == [*told, ITSELF_WARNING.format(EAST)]
    # Beside what else is to be known of them.
    suspended = [f"{EAST}/{i}: monitoring is suspended (status Disabled); monitoring=enabled starts it" for i in (A, C)]
    report = Run(ports, {**options, "monitoring": None}, carry_out=carry_out).report
    assert report.warnings == [*suspended, *told, ITSELF_WARNING.format(EAST)]
    assert Run(ports, {**options, "features": None}, carry_out=carry_out).report.warnings == [
        ITSELF_WARNING.format(EAST)
    ]


@pytest.mark.parametrize("carry_out", [True, False])
def test_features_that_aws_does_not_list_are_told(carry_out: bool) -> None:
    port = Members(member_in(State.ENABLED, A))
    port.features = {A: {"S3_DATA_EVENTS": Feature("S3_DATA_EVENTS", "ENABLED")}}
    asked = [{"name": "s3_data_events", "status": "DISABLED"}]
    report = Run({EAST: port}, options_of(A, features=asked), carry_out=carry_out).report
    unknown = [{"name": "s3_data_events", "status": None, "additional_configuration": []}]
    assert [(row["outcome"], row["features"]) for row in report.rows] == [("unchanged", unknown)]
    assert report.warnings == [
        f"{EAST}: AWS does not list s3_data_events in this Region (did you mean S3_DATA_EVENTS?): it counts as DISABLED"
    ]
    assert port.writes == []


@pytest.mark.parametrize("carry_out", [True, False])
def test_features_are_given_to_members_that_lack_them(carry_out: bool) -> None:
    port = Members(*(member_in(State.ENABLED, account_id) for account_id in (A, B, C)))
    port.features = {
        A: {"S3_DATA_EVENTS": Feature("S3_DATA_EVENTS", "DISABLED")},
        B: {"S3_DATA_EVENTS": Feature("S3_DATA_EVENTS", "ENABLED")},
    }

    report = Run({EAST: port}, options_of(A, B, C, D, features=WANTED, wait_timeout=0), carry_out=carry_out).report

    untold = Problem(Reason.OTHER, "No features for you.", "GetMemberDetectors")
    there = {"status": "Enabled", "was": "Enabled"}
    administrator_id = None if carry_out else ADMINISTRATOR
    assert report == Report(
        rows=[
            row(A, "changed", "update_features", features=shown("ENABLED"), **there),
            row(B, "unchanged", features=shown("ENABLED"), **there),
            row(C, "failed", problem=untold, **there),
            row(D, "changed", "create", "invite", status="Invited", administrator_id=administrator_id),
        ],
        unprocessed=[unprocessed_row(C, EAST, untold)],
        actions=[
            action(EAST, None, "CreateMembers", D),
            action(EAST, None, "InviteMembers", D),
            action(EAST, None, "UpdateMemberDetectors", A),
        ],
        warnings=[WITHOUT.format(status="Invited", ids=D)],
        before={**{f"{EAST}/{i}": "Enabled" for i in (A, B, C)}, f"{EAST}/{D}": None},
        after={**{f"{EAST}/{i}": "Enabled" for i in (A, B, C)}, f"{EAST}/{D}": "Invited"},
    )
    writes = [("create", [D]), ("invite", [D]), ("update_features", [A])]
    assert port.writes == (writes if carry_out else [])


# What is refused before any call


EMPTY = "members is empty: list at least one account (with purge_members, too, an empty list is no 'all')"
PURGE = "purge_members goes with state=present only: with any other state every member would be removed"
DETECTOR = "detector_id goes with a single Region: leave it out, each Region's detector is then looked up"
FEATURES = "features goes with state=present only: who is to be no member has none"


@pytest.mark.parametrize(
    ("facts", "given", "regions", "faults"),
    [
        (GUARDDUTY, {"concurrency": 0}, [EAST], [("", "concurrency must be at least 1")]),
        (GUARDDUTY, {"members": []}, [EAST], [("", EMPTY)]),
        (GUARDDUTY, {"purge_members": True, "state": "absent"}, [EAST], [("", PURGE)]),
        (GUARDDUTY, {"detector_id": "d1"}, [EAST, WEST], [("", DETECTOR)]),
        (GUARDDUTY, {"features": WANTED, "state": "disassociated"}, [EAST], [("", FEATURES)]),
        (
            GUARDDUTY,
            {"members": [], "purge_members": True, "detector_id": "d1", "features": WANTED, "state": "absent"},
            [EAST, WEST],
            [("", EMPTY), ("", PURGE), ("", DETECTOR), ("", FEATURES)],
        ),
        (
            FOURTH,
            {"invitation_message": "Hello", "invite": False},
            [EAST],
            [
                ("", "invitation_message 'Hello' must be small letters"),
                ("", "invite=false is not possible: Fourth invites an account as it creates its record"),
            ],
        ),
        (
            GUARDDUTY,
            {"features": [*WANTED, *WANTED]},
            [EAST],
            [("", "features: S3_DATA_EVENTS is listed twice")],
        ),
        (
            GUARDDUTY,
            {"members": [{"account_id": A, "email": None}, {"account_id": "1", "email": email_of(A)}]},
            [EAST],
            [
                (A, f"account {A} has no email; GuardDuty needs the address of the account's root user"),
                ("1", "account id '1' is not 12 digits; write all 12, quoted, as in \"012345678901\""),
            ],
        ),
        (
            GUARDDUTY,
            {"members": [{"account_id": A, "email": "nobody"}]},
            [EAST],
            [(A, f"account {A}: e-mail 'nobody' must have exactly one @")],
        ),
    ],
)
def test_members_that_cannot_be_used_are_refused_before_aws_is_opened(
    facts: ServiceFacts, given: Mapping[str, Any], regions: list[str], faults: list[tuple[str, str]]
) -> None:
    cloud = StandIn()
    with pytest.raises(InvalidInput) as error:
        member_job(service_with(facts), task_of(options_of(A, facts=facts, **given), cloud, regions))
    assert [(fault.account_id, fault.text) for fault in error.value.faults] == faults
    assert {fault.reason for fault in error.value.faults} <= {Reason.INVALID_INPUT, Reason.EMAIL_MISSING}
    assert cloud.connections == 0


@pytest.mark.parametrize(
    ("given", "regions"),
    [
        ({"state": "absent", "members": [{"account_id": A, "email": None}]}, [EAST]),
        ({"state": "absent", "members": [{"account_id": A, "email": "nobody"}]}, [EAST]),
        ({"detector_id": "d1"}, [EAST]),
        ({"features": WANTED}, [EAST, WEST]),
        ({"features": []}, [EAST, WEST]),
        ({"invitation_message": "Hello, you."}, [EAST]),
    ],
)
def test_members_that_can_be_used_are_not_refused(given: Mapping[str, Any], regions: list[str]) -> None:
    ports = {region: Members() for region in regions}
    report = Run(ports, options_of(A, **given)).report
    assert [row["region"] for row in report.rows if row["outcome"] in ("changed", "unchanged")] == regions


# Info


INFO = {**COMMON, "member_ids": None}


def info_row(account_id: str, outcome: str = "unchanged", **given: Any) -> dict[str, Any]:
    return without_features(row(account_id, outcome, email=None, **given))


def test_info_of_all_members_reads_the_whole_list() -> None:
    record = Member(B, State.ENABLED, "Enabled", email_of(B), ADMINISTRATOR, "2026-01-01", "2026-02-02")
    port = Members(member_in(State.UNKNOWN), record)

    run = Run({EAST: port, WEST: DENIED}, INFO, job=member_info_job)

    told = {"administrator_id": ADMINISTRATOR, "invited_at": "2026-01-01", "updated_at": "2026-02-02"}
    assert run.report == Report(
        rows=[
            info_row(A, status="Unheard", was="Unheard"),
            {**info_row(B, status="Enabled", was="Enabled"), **told, "email": email_of(B)},
            info_row(ADMINISTRATOR, "failed", problem=DENIED_PROBLEM, region=WEST),
        ],
        unprocessed=[unprocessed_row(ADMINISTRATOR, WEST, DENIED_PROBLEM)],
        before={f"{EAST}/{A}": "Unheard", f"{EAST}/{B}": "Enabled", f"{WEST}/{ADMINISTRATOR}": None},
        after={f"{EAST}/{A}": "Unheard", f"{EAST}/{B}": "Enabled", f"{WEST}/{ADMINISTRATOR}": None},
    )
    assert (port.listings, port.log, run.options) == (1, [], [{}, {}])


def test_info_of_some_members_asks_for_these_and_shows_who_has_no_record() -> None:
    port = Members(member_in(State.ENABLED), member_in(State.CREATED, B))

    report = Run({EAST: port, WEST: DENIED}, {**INFO, "member_ids": [C, A]}, job=member_info_job).report

    assert report == Report(
        rows=[
            info_row(A, status="Enabled", was="Enabled"),
            info_row(C),
            info_row(A, "failed", problem=DENIED_PROBLEM, region=WEST),
            info_row(C, "failed", problem=DENIED_PROBLEM, region=WEST),
        ],
        unprocessed=[unprocessed_row(A, WEST, DENIED_PROBLEM), unprocessed_row(C, WEST, DENIED_PROBLEM)],
        before={f"{EAST}/{A}": "Enabled", f"{EAST}/{C}": None, f"{WEST}/{A}": None, f"{WEST}/{C}": None},
        after={f"{EAST}/{A}": "Enabled", f"{EAST}/{C}": None, f"{WEST}/{A}": None, f"{WEST}/{C}": None},
    )
    assert (port.listings, port.log) == (0, [("get_members", [A, C])])


def test_info_of_the_administrator_itself_is_not_asked_for() -> None:
    port = Members(member_in(State.ENABLED))
    report = Run({EAST: port}, {**INFO, "member_ids": [A, ADMINISTRATOR]}, job=member_info_job).report
    assert report.rows == [info_row(A, status="Enabled", was="Enabled"), info_row(ADMINISTRATOR)]
    assert port.log == [("get_members", [A])]


@pytest.mark.parametrize("given", [{"concurrency": 0}, {"member_ids": ["1"]}])
def test_info_of_what_cannot_be_asked_for_is_refused_before_aws_is_opened(given: Mapping[str, Any]) -> None:
    cloud = StandIn()
    with pytest.raises(InvalidInput) as error:
        member_info_job(service_with(GUARDDUTY), task_of({**INFO, **given}, cloud))
    assert (len(error.value.faults), cloud.connections) == (1, 0)
