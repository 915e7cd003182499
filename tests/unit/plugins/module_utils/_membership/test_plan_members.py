# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from itertools import permutations, product
from typing import NamedTuple

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_members import predict_members
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Member,
    Reason,
    ServiceFacts,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import (
    ORDER,
    Decision,
    MemberPolicy,
    MembersPlan,
    Row,
    Wish,
    explain_policy,
    explain_purge,
    plan_members,
    rows_for,
)
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    ORGANIZATION_STATES,
    SERVICES,
    A,
    B,
    C,
    D,
    account,
    ids_of,
    member_in,
    reachable_states,
    transition,
)

BLOCKED = {
    State.UNKNOWN: Reason.UNKNOWN_STATUS,
    State.ACCOUNT_SUSPENDED: Reason.ACCOUNT_SUSPENDED,
    State.REGION_DISABLED: Reason.REGION_UNAVAILABLE,
    State.MANAGEMENT_NOT_ENABLED: Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED,
}
REMOVING = {Step.DISASSOCIATE, Step.DELETE}


class Case(NamedTuple):
    """One account in one state, under one service and one combination of options."""

    service: str
    state: State
    policy: MemberPolicy

    @property
    def facts(self) -> ServiceFacts:
        return next(facts for facts in SERVICES if facts.name == self.service)

    @property
    def row(self) -> Row:
        return rows_for(self.policy, self.facts)[self.state]

    def plan(self, before: Member | None = None) -> MembersPlan:
        member = before or member_in(self.state, facts=self.facts)
        return plan_members([account(A)], [member], self.policy, self.facts, ADMINISTRATOR)


def every_policy(facts: ServiceFacts) -> list[MemberPolicy]:
    # `monitoring` is an option of the service that has the operations for it.
    monitoring = (None, "enabled", "suspended") if Step.START_MONITORING in facts.operations else (None,)
    flags = (False, True)
    policies = [MemberPolicy(*options) for options in product(Wish, flags, flags, flags, flags, monitoring)]
    return [policy for policy in policies if explain_policy(policy, facts) is None]


# Nothing is sampled: every state of the engine, under every combination of options, for both services.
CASES = [Case(facts.name, state, policy) for facts in SERVICES for policy in every_policy(facts) for state in State]
REACHABLE = [case for case in CASES if case.state in reachable_states(case.facts)]
PRESENT = [case for case in CASES if case.policy.wish is Wish.PRESENT]


def test_cases_are_complete() -> None:
    others = len(Wish) * 2**4 * (3 + 1 + 3)
    # Without invite=False by invitation, of state=present.
    fourth = (len(Wish) * 2**4 - 2**2) * 3
    assert len(CASES) == len(set(CASES)) == len(State) * (others + fourth)


# Properties


def test_rows_for_every_policy_has_a_row_for_every_state() -> None:
    assert [case for case in CASES if set(rows_for(case.policy, case.facts)) != set(State)] == []


def state_reached(case: Case) -> State | str:
    """Walk the planned steps through the reference's transition tables."""
    state: State | str = case.state
    for step in case.row.steps:
        if isinstance(state, State):
            state = transition(case.facts, state, step, case.policy.via_organization)
    return state


def test_plan_members_every_case_predicts_the_state_that_its_steps_lead_to() -> None:
    assert [(case, state_reached(case)) for case in REACHABLE if state_reached(case) is not case.row.then] == []


def test_plan_members_every_case_has_nothing_left_to_do_in_the_predicted_state() -> None:
    assert [case for case in CASES if rows_for(case.policy, case.facts)[case.row.then].steps] == []


def test_predict_members_every_case_plans_nothing_for_the_predicted_record() -> None:
    def second_plan(case: Case) -> list[Decision]:
        predicted = predict_members(case.plan(), ADMINISTRATOR)[0].member
        assert predicted.status == case.facts.word_for(predicted.state) or predicted.state is State.UNKNOWN
        return [decision for decision in case.plan(predicted).decisions if decision.steps]

    assert [case for case in REACHABLE if second_plan(case)] == []


def is_asked_to_remove(case: Case) -> bool:
    policy = case.policy
    pending = (State.VERIFYING, State.INVITED)
    # Where creating invites, only a new record has a new invitation.
    is_anew = case.facts.creating_invites and not policy.via_organization
    return (
        (case.state in pending and not policy.invite and not policy.via_organization)
        or (case.state is State.VERIFICATION_FAILED and policy.replace_failed)
        or (case.state is State.RESIGNED and policy.reinvite_resigned and (policy.via_organization or is_anew))
        or (case.state in (State.CREATED, State.REMOVED) and is_anew)
    )


def test_plan_members_present_removes_exactly_where_an_option_asked() -> None:
    wrong = [case for case in PRESENT if bool(REMOVING & set(case.row.steps)) != is_asked_to_remove(case)]
    assert wrong == []


def test_plan_members_blocked_or_unknown_status_is_reported_and_never_touched() -> None:
    wrong = [
        case
        for case in CASES
        if case.state in BLOCKED
        and not (case.state is State.ACCOUNT_SUSPENDED and case.policy.wish is Wish.ABSENT)
        and (case.row.steps or case.row.then is not case.state or case.row.problem[0] is not BLOCKED[case.state])
    ]
    assert wrong == []


def test_plan_members_every_case_either_acts_or_has_a_problem_or_rests() -> None:
    wrong = [
        case
        for case in CASES
        if (case.row.steps and case.row.problem) or (not case.row.steps and case.row.then is not case.state)
    ]
    assert wrong == []


def test_plan_members_steps_of_an_account_are_a_subsequence_of_the_order() -> None:
    def is_ordered(steps: tuple[Step, ...]) -> bool:
        return list(steps) == [step for step in ORDER if step in steps]

    assert [case for case in CASES if not is_ordered(case.row.steps)] == []


def test_plan_members_by_organization_never_invites() -> None:
    assert [case for case in CASES if case.policy.via_organization and Step.INVITE in case.row.steps] == []


def test_plan_members_organization_members_of_security_hub_are_never_deleted() -> None:
    theirs = [c for c in CASES if c.facts is SECURITYHUB and c.policy.via_organization]
    wrong = [case for case in theirs if case.state in ORGANIZATION_STATES and Step.DELETE in case.row.steps]
    assert wrong == []


def test_plan_members_every_step_has_an_operation_of_the_service() -> None:
    assert [case for case in REACHABLE if not set(case.row.steps) <= set(case.facts.operations)] == []


def test_plan_members_disassociated_or_absent_ignores_the_options_of_present() -> None:
    wrong = [
        case
        for case in CASES
        if case.policy.wish is not Wish.PRESENT
        and case.row
        != rows_for(
            MemberPolicy(wish=case.policy.wish, via_organization=case.policy.via_organization),
            case.facts,
        )[case.state]
    ]
    assert wrong == []


# The table, written down from the reference (2.1, "Return to Enabled" in 2.3, 2.4) and the contract (2.1).
# A cell is "=" (there already, or on its way), "!code" (nothing can be done: reported), or "steps>status".

EXPECTED = {
    ("guardduty", "invitation"): """
status                           present                          disassociated         absent
absent                           create+invite>Invited            =                     =
Created                          invite>Invited                   =                     delete>absent
EmailVerificationInProgress      =                                disassociate>Removed  disassociate+delete>absent
EmailVerificationFailed          !email_verification_failed       =                     delete>absent
Invited                          =                                disassociate>Removed  disassociate+delete>absent
Enabled                          =                                disassociate>Removed  disassociate+delete>absent
Monitored                        =                                disassociate>Removed  disassociate+delete>absent
Disabled                         =                                disassociate>Removed  disassociate+delete>absent
Removed                          invite>Invited                   =                     delete>absent
Resigned                         !resigned                        =                     delete>absent
Deleted                          create+invite>Invited            =                     =
AccountSuspended                 !account_suspended               !account_suspended    disassociate+delete>absent
RegionDisabled                   !region_unavailable              !region_unavailable   !region_unavailable
CannotCreateDetectorInOrgMaster  !management_account_not_enabled  !management_account_not_enabled  !management_account_not_enabled
SomethingNew                     !unknown_status                  !unknown_status       !unknown_status
""",  # noqa: E501
    ("guardduty", "organization"): """
status                           present                          disassociated         absent
absent                           create>Enabled                   =                     =
Created                          !already_member                  =                     delete>absent
EmailVerificationInProgress      !already_invited                 disassociate>Removed  disassociate+delete>absent
EmailVerificationFailed          !email_verification_failed       =                     delete>absent
Invited                          !already_invited                 disassociate>Removed  disassociate+delete>absent
Enabled                          =                                disassociate>Removed  disassociate+delete>absent
Monitored                        =                                disassociate>Removed  disassociate+delete>absent
Disabled                         =                                disassociate>Removed  disassociate+delete>absent
Removed                          create>Enabled                   =                     delete>absent
Resigned                         !resigned                        =                     delete>absent
Deleted                          create>Enabled                   =                     =
AccountSuspended                 !account_suspended               !account_suspended    disassociate+delete>absent
RegionDisabled                   !region_unavailable              !region_unavailable   !region_unavailable
CannotCreateDetectorInOrgMaster  !management_account_not_enabled  !management_account_not_enabled  !management_account_not_enabled
SomethingNew                     !unknown_status                  !unknown_status       !unknown_status
""",  # noqa: E501
    ("securityhub", "invitation"): """
status                           present                          disassociated         absent
absent                           create+invite>Invited            =                     =
Created                          invite>Invited                   =                     delete>absent
Invited                          =                                disassociate>Removed  disassociate+delete>absent
Enabled                          =                                disassociate>Removed  disassociate+delete>absent
Associated                       =                                disassociate>Removed  disassociate+delete>absent
Removed                          invite>Invited                   =                     delete>absent
Resigned                         !resigned                        =                     delete>absent
Deleted                          create+invite>Invited            =                     =
AccountSuspended                 !account_suspended               !account_suspended    disassociate+delete>absent
EmailVerificationFailed          !unknown_status                  !unknown_status       !unknown_status
Disabled                         !unknown_status                  !unknown_status       !unknown_status
SomethingNew                     !unknown_status                  !unknown_status       !unknown_status
""",
    ("securityhub", "organization"): """
status                           present                          disassociated         absent
absent                           create>Enabled                   =                     =
Created                          !already_member                  =                     delete>absent
Invited                          !already_invited                 disassociate>Removed  disassociate>Removed
Enabled                          =                                disassociate>Removed  disassociate>Removed
Associated                       =                                disassociate>Removed  disassociate>Removed
Removed                          create>Enabled                   =                     =
Resigned                         !resigned                        =                     delete>absent
Deleted                          create>Enabled                   =                     =
AccountSuspended                 !account_suspended               !account_suspended    disassociate>Removed
EmailVerificationFailed          !unknown_status                  !unknown_status       !unknown_status
Disabled                         !unknown_status                  !unknown_status       !unknown_status
SomethingNew                     !unknown_status                  !unknown_status       !unknown_status
""",
    ("fourth", "invitation"): """
status        present                     disassociated        absent
absent        create>ASKED                =                    =
CHECKING      =                           delete>absent        delete>absent
CHECK_FAILED  !email_verification_failed  =                    delete>absent
ASKED         =                           delete>absent        delete>absent
JOINING       =                           delete>absent        delete>absent
JOINED        =                           delete>absent        delete>absent
SLEEPING      =                           delete>absent        delete>absent
CLOSED        !account_suspended          !account_suspended   delete>absent
""",
    ("fourth", "organization"): """
status        present                     disassociated        absent
absent        create>JOINED               =                    =
CHECKING      !already_invited            delete>absent        delete>absent
CHECK_FAILED  !email_verification_failed  =                    delete>absent
ASKED         !already_invited            delete>absent        delete>absent
JOINING       =                           delete>absent        delete>absent
JOINED        =                           delete>absent        delete>absent
SLEEPING      =                           delete>absent        delete>absent
CLOSED        !account_suspended          !account_suspended   delete>absent
""",
}  # fmt: skip
# Macie has GuardDuty's life, another word for suspended, and fewer words.
_UNHEARD_IN_MACIE = ("Monitored", "Deleted", "CannotCreateDetectorInOrgMaster")
EXPECTED |= {
    ("macie", via): "\n".join(
        "Paused " + line.removeprefix("Disabled ") if line.startswith("Disabled ") else line
        for line in EXPECTED["guardduty", via].splitlines()
        if not line.startswith(_UNHEARD_IN_MACIE)
    )
    for via in ("invitation", "organization")
}

# The same for the options of `present`: only the cells that an option changes; all others are as above.
EXPECTED_WITH_OPTIONS = {
    ("guardduty", "invitation", "invite=False"): {
        "absent": "create>Created",
        "Created": "=",
        "EmailVerificationInProgress": "disassociate>Removed",
        "Invited": "disassociate>Removed",
        "Removed": "=",
        "Deleted": "create>Created",
    },
    ("guardduty", "organization", "invite=False"): {},
    ("securityhub", "invitation", "invite=False"): {
        "absent": "create>Created",
        "Created": "=",
        "Invited": "disassociate>Removed",
        "Removed": "=",
        "Deleted": "create>Created",
    },
    ("securityhub", "organization", "invite=False"): {},
    ("guardduty", "invitation", "reinvite_resigned=True"): {"Resigned": "invite>Invited"},
    ("guardduty", "organization", "reinvite_resigned=True"): {"Resigned": "delete+create>Enabled"},
    ("securityhub", "invitation", "reinvite_resigned=True"): {"Resigned": "invite>Invited"},
    ("securityhub", "organization", "reinvite_resigned=True"): {"Resigned": "delete+create>Enabled"},
    ("guardduty", "invitation", "replace_failed=True"): {
        "EmailVerificationFailed": "delete+create+invite>Invited",
    },
    ("guardduty", "organization", "replace_failed=True"): {"EmailVerificationFailed": "delete+create>Enabled"},
    ("guardduty", "invitation", "monitoring=enabled"): {"Disabled": "start_monitoring>Enabled"},
    ("guardduty", "organization", "monitoring=enabled"): {"Disabled": "start_monitoring>Enabled"},
    ("guardduty", "invitation", "monitoring=suspended"): {
        "Enabled": "stop_monitoring>Disabled",
        "Monitored": "stop_monitoring>Disabled",
    },
    ("guardduty", "organization", "monitoring=suspended"): {
        "absent": "create+stop_monitoring>Disabled",
        "Enabled": "stop_monitoring>Disabled",
        "Monitored": "stop_monitoring>Disabled",
        "Removed": "create+stop_monitoring>Disabled",
        "Deleted": "create+stop_monitoring>Disabled",
    },
}
OPTIONS = {"True": True, "False": False, "enabled": "enabled", "suspended": "suspended"}


def expected_cells() -> list[tuple[str, str, str, str, str]]:
    cells = []
    for (service, via), table in EXPECTED.items():
        head, *rows = (line.split() for line in table.strip().splitlines())
        cells += [
            (service, via, wish, row[0], cell) for row in rows for wish, cell in zip(head[1:], row[1:], strict=True)
        ]
    return cells


def cell_of(service: str, policy: MemberPolicy, status: str | None) -> str:
    facts = next(facts for facts in SERVICES if facts.name == service)
    before = Member(A, facts.state_of(status), status)
    plan = plan_members([account(A)], [before], policy, facts, ADMINISTRATOR)
    decision, after = plan.decisions[0], predict_members(plan, ADMINISTRATOR)[0].member
    if decision.row.problem:
        return f"!{decision.row.problem[0].value}"
    steps = "+".join(step.value for step in decision.steps)
    return f"{steps}>{after.status or 'absent'}" if steps else "="


@pytest.mark.parametrize("in_case", [str, str.upper, str.lower, str.swapcase], ids=lambda case: case.__name__)
@pytest.mark.parametrize(("service", "via", "wish", "status", "cell"), expected_cells())
def test_plan_members_status_word_follows_the_reference(service, via, wish, status, cell, in_case) -> None:
    policy = MemberPolicy(wish=Wish(wish), via_organization=via == "organization")
    assert cell_of(service, policy, None if status == "absent" else in_case(status)) == cell


@pytest.mark.parametrize(("service", "via", "option"), EXPECTED_WITH_OPTIONS)
def test_plan_members_option_changes_only_the_cells_it_is_meant_to(service, via, option) -> None:
    expected = {
        status: cell for s, v, wish, status, cell in expected_cells() if (s, v, wish) == (service, via, "present")
    }
    expected |= EXPECTED_WITH_OPTIONS[service, via, option]
    name, value = option.split("=")
    policy = MemberPolicy(via_organization=via == "organization", **{name: OPTIONS[value]})
    found = {status: cell_of(service, policy, None if status == "absent" else status) for status in expected}
    assert found == expected


def test_explain_policy_names_what_the_service_does_not_have() -> None:
    fourth, hub = SERVICES[-1], SECURITYHUB
    refused = "invite=false is not possible: Fourth invites an account as it creates its record"
    assert explain_policy(MemberPolicy(invite=False), fourth) == refused
    assert explain_policy(MemberPolicy(invite=False, via_organization=True), fourth) is None
    assert explain_policy(MemberPolicy(invite=False, wish=Wish.ABSENT), fourth) is None
    for monitoring in ("enabled", "suspended"):
        text = f"monitoring={monitoring} is not possible: Security Hub cannot do that for a member"
        assert explain_policy(MemberPolicy(monitoring=monitoring), hub) == text
        assert explain_policy(MemberPolicy(monitoring=monitoring), GUARDDUTY) is None
    assert explain_policy(MemberPolicy(), hub) is None


def test_rows_for_a_service_that_deletes_nothing_end_where_the_record_stays() -> None:
    kept = {step: name for step, name in SECURITYHUB.operations.items() if step is not Step.DELETE}
    facts = dataclasses.replace(SECURITYHUB, operations=kept)
    rows = rows_for(MemberPolicy(wish=Wish.ABSENT), facts)
    assert rows[State.ENABLED] == Row((Step.DISASSOCIATE,), State.REMOVED)
    # A record without an association stays what it is, and nothing is sent.
    for state in (State.CREATED, State.REMOVED, State.RESIGNED, State.VERIFICATION_FAILED):
        assert rows[state] == Row((), state)
    # Where it is not deleted to stay away, but to be made anew, it ends as it would have.
    anew = rows_for(MemberPolicy(replace_failed=True), facts)[State.VERIFICATION_FAILED]
    assert anew == Row((Step.CREATE, Step.INVITE), State.INVITED)


def test_rows_for_a_service_that_ends_and_deletes_by_one_call_end_where_they_would() -> None:
    fourth = SERVICES[-1]
    assert rows_for(MemberPolicy(wish=Wish.ABSENT), fourth)[State.ENABLED] == Row((Step.DELETE,), State.ABSENT)
    assert rows_for(MemberPolicy(wish=Wish.DISASSOCIATED), fourth)[State.ENABLED] == Row((Step.DELETE,), State.ABSENT)


def test_expected_table_has_every_status_word_of_the_services() -> None:
    for facts in SERVICES:
        words = {word for words in facts.words.values() for word in words}
        assert words <= {status for service, _via, _wish, status, _cell in expected_cells() if service == facts.name}


# Whole lists


def test_plan_members_input_order_does_not_matter() -> None:
    desired = [account(A), account(B), account(C), account(ADMINISTRATOR)]
    observed = [member_in(State.INVITED, A), member_in(State.REMOVED, C), member_in(State.ENABLED, D)]
    policy = MemberPolicy(purge=True)
    plans = [
        plan_members(wanted, records, policy, GUARDDUTY, ADMINISTRATOR)
        for wanted in permutations(desired)
        for records in permutations(observed)
    ]
    assert all(plan == plans[0] for plan in plans)
    assert [decision.account_id for decision in plans[0].decisions] == [A, ADMINISTRATOR, B, C, D]


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
def test_plan_members_caller_itself_is_skipped_whatever_is_asked(facts) -> None:
    for policy in every_policy(facts):
        for state in reachable_states(facts):
            observed = [member_in(state, ADMINISTRATOR, facts)]
            plan = plan_members([account(ADMINISTRATOR)], observed, policy, facts, ADMINISTRATOR)
            decision = plan.decisions[0]
            assert (decision.steps, decision.then, plan.actions, plan.warnings) == ((), state, [], ())
            assert decision.is_skipped and decision.row.problem[0] is Reason.IS_ADMINISTRATOR


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
def test_members_plan_actions_are_full_batches_in_the_order_of_the_steps(count, sizes) -> None:
    ids = sorted(ids_of(count)) if count else []
    plan = plan_members([account(each) for each in reversed(ids)], [], MemberPolicy(), GUARDDUTY, ADMINISTRATOR)
    batches = [(action.operation, list(action.account_ids)) for action in plan.actions]
    assert [(operation, len(batch)) for operation, batch in batches] == [
        (operation, size) for operation in ("CreateMembers", "InviteMembers") for size in sizes
    ]
    for operation in ("CreateMembers", "InviteMembers"):
        assert [each for name, batch in batches if name == operation for each in batch] == ids


def test_members_plan_actions_mixed_list_end_before_they_begin() -> None:
    observed = [
        member_in(State.VERIFICATION_FAILED, A),
        member_in(State.REMOVED, B),
        member_in(State.SUSPENDED, C),
        member_in(State.INVITED, D),
    ]
    policy = MemberPolicy(replace_failed=True, monitoring="enabled", purge=True)
    plan = plan_members([account(A), account(B), account(C)], observed, policy, GUARDDUTY, ADMINISTRATOR)
    assert [(action.operation, action.account_ids) for action in plan.actions] == [
        ("DisassociateMembers", (D,)),
        ("DeleteMembers", (A, D)),
        ("CreateMembers", (A,)),
        ("InviteMembers", (A, B)),
        ("StartMonitoringMembers", (C,)),
    ]


# Purge


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
@pytest.mark.parametrize("via_organization", [False, True])
def test_plan_members_purge_takes_unlisted_members_as_absent_and_nobody_else(facts, via_organization) -> None:
    states = reachable_states(facts)
    observed = [member_in(state, f"{300000000000 + n}", facts) for n, state in enumerate(states)]
    policy = MemberPolicy(purge=True, via_organization=via_organization)
    plan = plan_members([account(A)], [member_in(State.ENABLED, A, facts), *observed], policy, facts, ADMINISTRATOR)
    absent = rows_for(MemberPolicy(wish=Wish.ABSENT, via_organization=via_organization), facts)
    expected = {
        member.account_id: absent[member.state]
        for member in observed
        if absent[member.state].steps or absent[member.state].problem
    }
    assert {d.account_id: d.row for d in plan.decisions if d.is_purged} == expected
    assert [d.account_id for d in plan.decisions if not d.is_purged] == [A]


def test_plan_members_without_purge_leaves_unlisted_members_out() -> None:
    plan = plan_members([account(A)], [member_in(State.ENABLED, B)], MemberPolicy(), GUARDDUTY, ADMINISTRATOR)
    assert [decision.account_id for decision in plan.decisions] == [A]


def purge_plan(*members: Member) -> MembersPlan:
    return plan_members([account(A)], members, MemberPolicy(purge=True), GUARDDUTY, ADMINISTRATOR)


@pytest.mark.parametrize(("limit", "is_stopped"), [(0, True), (2, True), (3, False), (4, False)])
def test_explain_purge_accounts_are_counted_once_over_all_regions(limit, is_stopped) -> None:
    plans = [
        purge_plan(member_in(State.ENABLED, B), member_in(State.INVITED, C)),
        purge_plan(member_in(State.ENABLED, B), member_in(State.CREATED, D)),
    ]
    text = explain_purge(plans, limit)
    assert bool(text) is is_stopped
    if text:
        assert "3 accounts" in text and f"purge_limit={limit}" in text
        assert all(each in text for each in (B, C, D)) and A not in text


def test_explain_purge_counts_only_accounts_with_something_to_do() -> None:
    plan = purge_plan(member_in(State.DELETED, B), member_in(State.UNKNOWN, C))
    assert explain_purge([plan], 0) is None


def test_explain_purge_of_one_is_of_one_account() -> None:
    text = explain_purge([purge_plan(member_in(State.ENABLED, B))], 0)
    assert text and text.startswith("purge_members would remove 1 account, more than purge_limit=0; nothing was sent. ")


def test_explain_purge_without_plans_lets_it_pass() -> None:
    assert explain_purge([], 0) is None


@pytest.mark.parametrize(("count", "has_more"), [(20, False), (21, True)])
def test_explain_purge_names_at_most_twenty(count, has_more) -> None:
    ids = [f"{300000000000 + n}" for n in range(count)]
    text = explain_purge([purge_plan(*(member_in(State.ENABLED, each) for each in ids))], 1)
    named = ", ".join(ids[:20]) + (" ..." if has_more else "")
    assert text == (
        f"purge_members would remove {count} accounts, more than purge_limit=1; nothing was sent. "
        f"Not listed: {named}. List them, or raise purge_limit"
    )


# Warnings


@pytest.mark.parametrize(
    ("state", "wanted", "recorded", "is_warned"),
    [
        (State.ENABLED, "a@example.com", "b@example.com", True),
        (State.INVITED, "a@example.com", "b@example.com", True),
        (State.CREATED, "a@example.com", "b@example.com", True),
        (State.ENABLED, "a@example.com", "A@Example.COM", False),
        (State.ENABLED, "a@example.com", None, False),
        (State.ENABLED, None, "b@example.com", False),
        # The record is written anew, with the address that is wanted.
        (State.DELETED, "a@example.com", "b@example.com", False),
    ],
)
def test_plan_members_other_email_is_warned_about_whatever_its_letter_case(state, wanted, recorded, is_warned) -> None:
    observed = [member_in(state, A, email=recorded)]
    plan = plan_members([Account(A, wanted)], observed, MemberPolicy(), GUARDDUTY, ADMINISTRATOR)
    text = (
        f"{A}: the record has the e-mail {recorded}, not {wanted}; "
        "AWS cannot change it in place, so it is left as it is"
    )
    assert list(plan.warnings) == [text] * is_warned


@pytest.mark.parametrize(
    ("policy", "state", "is_warned"),
    [
        (MemberPolicy(), State.ABSENT, True),
        (MemberPolicy(), State.INVITED, False),
        (MemberPolicy(reinvite_resigned=True), State.ABSENT, False),
        (MemberPolicy(via_organization=True), State.ABSENT, False),
        (MemberPolicy(wish=Wish.ABSENT), State.ABSENT, False),
    ],
)
def test_plan_members_says_where_nobody_can_tell_who_had_left(policy, state, is_warned) -> None:
    fourth = SERVICES[-1]
    plan = plan_members([account(A)], [member_in(state, A, facts=fourth)], policy, fourth, ADMINISTRATOR)
    text = "Fourth does not tell who left or declined: such an account is invited again"
    assert list(plan.warnings) == [text] * is_warned
    remembering = dataclasses.replace(fourth, remembers_leavers=True)
    assert plan_members([account(A)], [], policy, remembering, ADMINISTRATOR).warnings == ()


def test_plan_members_account_without_a_record_has_its_own_id() -> None:
    [decision] = plan_members([account(A)], [], MemberPolicy(), GUARDDUTY, ADMINISTRATOR).decisions
    assert decision.before == Member(A)


@pytest.mark.parametrize(
    ("monitoring", "wish", "is_warned"),
    [
        (None, Wish.PRESENT, True),
        ("enabled", Wish.PRESENT, False),
        ("suspended", Wish.PRESENT, False),
        (None, Wish.DISASSOCIATED, False),
        (None, Wish.ABSENT, False),
    ],
)
def test_plan_members_suspended_member_is_warned_about_unless_it_was_decided(monitoring, wish, is_warned) -> None:
    policy = MemberPolicy(wish=wish, monitoring=monitoring)
    plan = plan_members([account(A)], [member_in(State.SUSPENDED, A)], policy, GUARDDUTY, ADMINISTRATOR)
    assert [A in text and "Disabled" in text and "monitoring=enabled" in text for text in plan.warnings] == [
        True
    ] * is_warned


def test_plan_members_purged_member_is_not_warned_about() -> None:
    assert purge_plan(member_in(State.SUSPENDED, B), member_in(State.ENABLED, A)).warnings == ()
