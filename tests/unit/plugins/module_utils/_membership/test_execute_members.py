# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_members import (
    execute_members,
    predict_members,
    read_members,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Member,
    Reading,
    Reason,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import (
    MemberPolicy,
    MembersPlan,
    Wish,
    plan_members,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, ForEach, Refusal
from ansible_collections.muster.aws.plugins.module_utils._membership.result import judge_member, member_row
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.macie.facts import MACIE
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    ORGANIZATION_STATES,
    SERVICES,
    TEXTS,
    A,
    B,
    C,
    FakeMembers,
    account,
    failure,
    ids_of,
    input_refused,
    lost,
    member_in,
    raising,
    reachable_states,
    walk_alone,
)

ABSENT, DISASSOCIATED = Wish.ABSENT, Wish.DISASSOCIATED


class Seen(NamedTuple):
    """What a row says about an account."""

    outcome: str
    status: str | None
    actions: list[str]
    reason_code: str | None = None


def plan_for(port: FakeMembers, accounts: Sequence[Account], **policy: Any) -> MembersPlan:
    policy.setdefault("via_organization", port.in_organization)
    return plan_members(accounts, port.list_members(), MemberPolicy(**policy), port.facts, ADMINISTRATOR)


def run(
    port: FakeMembers,
    ids: Sequence[str] = (A,),
    *,
    wait: bool = True,
    timeout: float = 60,
    for_each: ForEach = map,
    **policy: Any,
) -> dict[str, Seen]:
    plan = plan_for(port, [account(each) for each in ids], **policy)
    results = walk_alone(
        execute_members(plan, port, Patience(port.time.as_clock(), wait, timeout), for_each), port.time
    )
    assert [result.decision for result in results] == list(plan.decisions)
    rows = {}
    for result in results:
        outcome, problem = judge_member(result)
        row = member_row("us-east-1", result)
        rows[row["account_id"]] = Seen(
            outcome.value, row["status"], row["actions"], problem.reason.value if problem else None
        )
    return rows


INVITED_ANEW = Seen("changed", "Invited", ["create", "invite"])


# The straight way


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("in_organization", [False, True])
@pytest.mark.parametrize("wish", Wish)
def test_execute_members_every_state_ends_as_predicted(facts, wait, in_organization, wish) -> None:
    states = ORGANIZATION_STATES if in_organization else reachable_states(facts)
    members = [
        member_in(state, f"{200000000000 + n}", facts)
        for n, state in enumerate(states)
        if state in reachable_states(facts)
    ]
    port = FakeMembers(*members, facts=facts, in_organization=in_organization)
    plan = plan_for(
        port, [account(m.account_id) for m in members], wish=wish, reinvite_resigned=True, replace_failed=True
    )
    executed = walk_alone(execute_members(plan, port, Patience(port.time.as_clock(), wait)), port.time)
    predicted = predict_members(plan, ADMINISTRATOR)
    assert [(r.decision, r.member.state, r.done) for r in executed] == [
        (r.decision, r.member.state, r.done) for r in predicted
    ]
    assert [judge_member(r) for r in executed] == [judge_member(r) for r in predicted]
    # The plan is the conversation: nothing else is written, in the same order.
    operations = {operation: step.value for step, operation in facts.operations.items()}
    assert port.writes == [(operations[a.operation], list(a.account_ids)) for a in plan.actions]
    assert port.time.slept == 0


@pytest.mark.parametrize(
    ("monitoring", "before", "after"), [("enabled", "SUSPENDED", "ENABLED"), ("suspended", "ENABLED", "SUSPENDED")]
)
def test_execute_members_monitoring_is_started_and_stopped(monitoring, before, after) -> None:
    port = FakeMembers(member_in(State[before]))
    step = "start_monitoring" if monitoring == "enabled" else "stop_monitoring"
    assert run(port, monitoring=monitoring) == {A: Seen("changed", GUARDDUTY.word_for(State[after]), [step])}
    assert port.writes == [(step, [A])]


def test_execute_members_nothing_to_do_makes_no_call() -> None:
    port = FakeMembers(member_in(State.ENABLED))
    assert run(port, [A, ADMINISTRATOR]) == {
        A: Seen("unchanged", "Enabled", []),
        ADMINISTRATOR: Seen("skipped", None, [], "is_administrator"),
    }
    assert port.log == []


@pytest.mark.parametrize(("count", "sizes"), [(50, [50]), (51, [50, 1]), (101, [50, 50, 1])])
def test_execute_members_many_accounts_are_sent_in_batches_of_at_most_fifty(count, sizes) -> None:
    port = FakeMembers()
    ids = ids_of(count)
    assert run(port, ids) == {each: INVITED_ANEW for each in ids}
    assert [(name, len(batch)) for name, batch in port.writes] == [
        (step, size) for step in ("create", "invite") for size in sizes
    ]
    assert port.looks == 2 * len(sizes)


def test_execute_members_second_run_makes_no_call() -> None:
    port = FakeMembers()
    run(port, [A, B])
    port.log.clear()
    assert run(port, [A, B]) == {each: Seen("unchanged", "Invited", []) for each in (A, B)}
    assert port.log == []


def test_execute_members_account_that_is_enabled_meanwhile_is_never_invited() -> None:
    port = FakeMembers()
    port.script.after("create", lambda: port.put(A, State.ENABLED))
    assert run(port, [A, B]) == {A: Seen("changed", "Enabled", ["create"]), B: INVITED_ANEW}
    assert port.writes == [("create", [A, B]), ("invite", [B])]


def test_execute_members_account_that_is_enabled_meanwhile_is_not_invited_though_more_is_left_to_do() -> None:
    port = FakeMembers()
    port.script.after("create", lambda: port.put(A, State.ENABLED))
    assert run(port, monitoring="suspended") == {A: Seen("timed_out", "Enabled", ["create"], "timed_out")}
    assert port.writes == [("create", [A])]


# Refusals of single accounts


@pytest.mark.parametrize(
    ("text", "reason_code"),
    [("refused", "other"), ("quota", "quota_exceeded"), ("associated", "still_associated")],
)
def test_execute_members_unprocessed_account_fails_alone(text, reason_code) -> None:
    port = FakeMembers()
    port.lasting_refusals[Step.CREATE, A] = TEXTS[text]
    assert run(port, [A, B]) == {A: Seen("failed", None, [], reason_code), B: INVITED_ANEW}
    assert port.writes == [("create", [A, B]), ("invite", [B])]


def test_execute_members_unprocessed_account_keeps_text_and_operation() -> None:
    port = FakeMembers()
    port.lasting_refusals[Step.INVITE, A] = "Odd  Text."
    plan = plan_for(port, [account(A)])
    result = walk_alone(execute_members(plan, port, Patience(port.time.as_clock())), port.time)[0]
    assert result.problem and (result.problem.text, result.problem.operation) == ("Odd  Text.", "InviteMembers")
    assert result.done == (Step.CREATE,)
    assert result.member.state is State.CREATED


@pytest.mark.parametrize("text", ["internal", "management"])
def test_execute_members_passing_refusal_is_sent_again_for_that_account_only(text) -> None:
    port = FakeMembers()
    port.refusals[Step.CREATE, A] = [TEXTS[text]] * 2
    assert run(port, [A, B]) == {A: INVITED_ANEW, B: INVITED_ANEW}
    assert port.writes == [("create", [A, B]), ("create", [A]), ("create", [A]), ("invite", [A, B])]
    assert port.time.naps == [1, 2]


def test_execute_members_step_that_was_refused_and_then_accepted_is_done_once() -> None:
    port = FakeMembers()
    port.refusals[Step.CREATE, A] = [TEXTS["internal"]]
    port.repeated = {Step.CREATE}
    assert run(port) == {A: INVITED_ANEW}


def test_execute_members_passing_refusal_without_wait_is_not_sent_again() -> None:
    port = FakeMembers()
    port.refusals[Step.CREATE, A] = [TEXTS["internal"]]
    assert run(port, [A], wait=False) == {A: Seen("failed", None, [], "internal_error")}
    assert port.time.naps == []


def test_execute_members_lasting_passing_refusal_ends_with_the_timeout() -> None:
    port = FakeMembers()
    port.lasting_refusals[Step.CREATE, A] = TEXTS["internal"]
    assert run(port, [A], timeout=10) == {A: Seen("failed", None, [], "internal_error")}
    assert port.time.slept == 10
    assert port.writes == [("create", [A])] * 5  # at 0, 1, 3, 7 and 10 seconds


@pytest.mark.parametrize("error", [failure(Reason.ACCESS_DENIED), lost(), input_refused()], ids=str)
def test_execute_members_refusal_is_kept_when_its_repetition_fails_as_a_whole(error) -> None:
    port = FakeMembers()
    ids = sorted(ids_of(60))
    port.refusals = {(Step.CREATE, each): [TEXTS["internal"]] for each in ids}
    # Two batches with an answer; of the repetition the first fails, and the second is not sent.
    port.script.before("create", None, None, *[raising(error)] * 200)
    seen = run(port, ids)
    assert {str(row) for row in seen.values()} == {str(Seen("failed", None, [], "internal_error"))}
    # A request that failed as a whole is not sent again.
    assert port.time.naps == [1]


def test_execute_members_doubt_about_a_repeated_request_outlasts_a_further_try() -> None:
    """The first request was sent twice by the SDK and did the work; what AWS says later is an echo of ours."""
    port = FakeMembers(member_in(State.CREATED))
    port.refusals[Step.INVITE, A] = [TEXTS["internal"], TEXTS["invited"]]
    port.repeated = {Step.INVITE}
    port.script.after("invite", lambda: port.put(A, State.INVITED), port.repeated.clear)
    assert run(port) == {A: Seen("changed", "Invited", ["invite"])}


def test_execute_members_doubt_outlasts_a_further_try_that_fails_as_a_whole() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.refusals[Step.INVITE, A] = [TEXTS["internal"]]
    port.repeated = {Step.INVITE}
    port.script.after("invite", lambda: port.put(A, State.INVITED))
    port.script.before("invite", None, raising(failure(Reason.THROTTLED)))
    assert run(port) == {A: Seen("changed", "Invited", ["invite"])}


@pytest.mark.parametrize(("wish", "end"), [(DISASSOCIATED, "Removed"), (ABSENT, None)])
def test_execute_members_association_that_others_ended_is_none_to_end_and_not_our_change(wish, end) -> None:
    port = FakeMembers(member_in(State.ENABLED))
    port.script.before("disassociate", lambda: port.put(A, State.REMOVED))
    row = run(port, wish=wish)[A]
    assert row == Seen("unchanged" if end else "changed", end, [] if end else ["delete"])


# What is the same for every account of the caller


@pytest.mark.parametrize(("text", "reason_code"), [("caller", "caller_is_member"), ("quota", "quota_exceeded")])
def test_execute_members_caller_wide_refusal_stops_after_one_batch(text, reason_code) -> None:
    port = FakeMembers()
    ids = sorted(ids_of(120))
    port.lasting_refusals = {(Step.CREATE, each): TEXTS[text] for each in ids}
    seen = run(port, ids)
    assert port.writes == [("create", ids[:50])]
    assert [seen[each] for each in ids] == [
        Seen("failed" if n < 50 else "not_attempted", None, [], reason_code) for n in range(120)
    ]


def test_execute_members_quota_for_a_part_of_a_batch_does_not_stop_the_next() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(51))
    port.lasting_refusals = {(Step.CREATE, each): TEXTS["quota"] for each in ids[:49]}
    seen = run(port, ids)
    assert [seen[each] for each in ids[49:]] == [INVITED_ANEW] * 2


# Requests that fail as a whole


def test_execute_members_failed_request_leaves_the_rest_unsent_and_the_others_go_on() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(120))
    port.script.before("create", None, raising(failure(Reason.THROTTLED)))
    seen = run(port, ids)
    assert [seen[each] for each in ids] == [
        INVITED_ANEW if n < 50 else Seen("failed" if n < 100 else "not_attempted", None, [], "throttled")
        for n in range(120)
    ]
    assert port.writes == [("create", ids[:50]), ("create", ids[50:100]), ("invite", ids[:50])]
    assert port.time.slept == 0


def last_first(job: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
    """Run the jobs as they may come about where they are run side by side: all before a result is looked at."""
    return reversed([job(item) for item in reversed(list(items))])


def test_execute_members_side_by_side_sends_the_first_batch_alone() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(120))
    assert set(map(str, run(port, ids, for_each=last_first).values())) == {str(INVITED_ANEW)}
    groups = [ids[:50], ids[100:], ids[50:100]]
    assert port.writes == [(name, group) for name in ("create", "invite") for group in groups]


def test_execute_members_side_by_side_failed_request_leaves_unsent_only_what_was_not_under_way() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(200))
    port.script.before("create", None, None, raising(failure(Reason.THROTTLED)))
    seen = run(port, ids, for_each=last_first)
    assert [seen[each] for each in ids] == [
        *[INVITED_ANEW] * 50,
        *[Seen("not_attempted", None, [], "throttled")] * 50,
        *[Seen("failed", None, [], "throttled")] * 50,
        *[INVITED_ANEW] * 50,
    ]
    assert len([name for name, _ids in port.writes if name == "create"]) == 3


def test_execute_members_side_by_side_spoilt_batches_are_cut_until_only_the_spoilers_fail() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(200))
    port.spoilers = {ids[7], ids[70], ids[199]}
    seen = run(port, ids, for_each=last_first)
    failed = {each for each in ids if seen[each] == Seen("failed", None, [], "invalid_input")}
    assert failed == port.spoilers
    assert {str(seen[each]) for each in ids if each not in failed} == {str(INVITED_ANEW)}


def test_execute_members_failed_request_does_not_stop_other_steps_of_other_accounts() -> None:
    port = FakeMembers(member_in(State.SUSPENDED, B))
    port.script.before("create", raising(failure(Reason.ACCESS_DENIED)))
    assert run(port, [A, B], monitoring="enabled") == {
        A: Seen("failed", None, [], "access_denied"),
        B: Seen("changed", "Enabled", ["start_monitoring"]),
    }


# One account that spoils its batch


def test_execute_members_spoilt_batch_is_cut_until_only_the_spoiler_fails() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(50))
    port.spoilers = {ids[17]}
    seen = run(port, ids)
    assert seen.pop(ids[17]) == Seen("failed", None, [], "invalid_input")
    assert set(map(str, seen.values())) == {str(INVITED_ANEW)}
    # Each cut costs two requests, and 50 are cut six times at most.
    assert len([name for name, _ids in port.writes if name == "create"]) <= 1 + 2 * 6


def test_execute_members_spoilers_in_different_halves_are_both_found() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(50))
    spoilers = {ids[0], ids[49]}
    port.spoilers = set(spoilers)
    seen = run(port, ids)
    assert {each for each, row in seen.items() if row.outcome == "failed"} == spoilers
    assert {each for each, row in seen.items() if row == INVITED_ANEW} == set(ids) - spoilers


def test_execute_members_spoilt_batches_are_cut_a_bounded_number_of_times() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(50))
    port.spoilers = set(ids)
    seen = run(port, ids)
    assert {row.outcome for row in seen.values()} == {"failed"}
    assert len(port.writes) == 2 * 50 - 1


def test_execute_members_single_spoiler_does_not_stop_the_next_batch() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(52))
    port.spoilers = {ids[3]}
    seen = run(port, ids)
    assert [seen[each] for each in ids[50:]] == [INVITED_ANEW] * 2


# "Already a member", "already invited"


@pytest.mark.parametrize(
    ("meanwhile", "expected", "writes"),
    [
        (State.CREATED, Seen("changed", "Invited", ["invite"]), ["create", "invite"]),
        (State.INVITED, Seen("unchanged", "Invited", []), ["create"]),
        (State.ENABLED, Seen("unchanged", "Enabled", []), ["create"]),
    ],
)
def test_execute_members_record_created_by_others_counts_as_theirs(meanwhile, expected, writes) -> None:
    port = FakeMembers()
    plan_ids = [A]
    port.script.before("create", lambda: port.put(A, meanwhile))
    assert run(port, plan_ids) == {A: expected}
    assert [name for name, _ids in port.writes] == writes


def test_execute_members_invitation_sent_by_others_counts_as_theirs() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.script.before("invite", lambda: port.put(A, State.INVITED))
    assert run(port) == {A: Seen("unchanged", "Invited", [])}


@pytest.mark.parametrize(
    ("step", "before", "after"), [("create", "ABSENT", "CREATED"), ("invite", "CREATED", "INVITED")]
)
def test_execute_members_echo_of_a_repeated_request_counts_as_ours(step, before, after) -> None:
    port = FakeMembers(member_in(State[before]))
    # The SDK's first try was carried out, its answer was lost, and the second was refused.
    port.script.before(step, lambda: port.put(A, State[after]))
    port.repeated = {Step(step)}
    seen = run(port)
    assert seen[A].outcome == "changed" and step in seen[A].actions
    assert seen[A].status == "Invited"


def test_execute_members_already_a_member_that_never_shows_is_a_failure() -> None:
    port = FakeMembers()
    port.lasting_refusals[Step.CREATE, A] = TEXTS["member"]
    assert run(port, timeout=10) == {A: Seen("failed", None, [], "already_member")}
    assert port.writes == [("create", [A])]
    assert (port.time.slept, port.looks) == (10, 5)


def test_execute_members_already_a_member_that_shows_late_goes_on() -> None:
    port = FakeMembers()
    port.put(A, State.CREATED, shows_after=3)
    assert run(port) == {A: Seen("changed", "Invited", ["invite"])}
    assert port.time.naps == [1, 2]


# Lost answers


@pytest.mark.parametrize("when", ["before", "after"])
def test_execute_members_lost_answer_is_settled_by_reading(when) -> None:
    port = FakeMembers()
    getattr(port.script, when)("create", raising(lost()))
    expected = INVITED_ANEW if when == "after" else Seen("failed", None, [], "internal_error")
    assert run(port) == {A: expected}
    assert len([name for name, _ids in port.writes if name == "create"]) == 1


def test_execute_members_lost_answer_leaves_later_batches_unsent() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(51))
    port.script.after("create", raising(lost()))
    seen = run(port, ids)
    assert {str(seen[each]) for each in ids[:50]} == {str(INVITED_ANEW)}
    assert seen[ids[50]] == Seen("not_attempted", None, [], "internal_error")


def test_execute_members_certain_failure_is_not_taken_for_done_when_others_did_it() -> None:
    port = FakeMembers()
    port.script.before("create", raising(failure(Reason.ACCESS_DENIED)))
    port.script.before("get_members", lambda: port.put(A, State.CREATED))
    assert run(port) == {A: Seen("failed", "Created", [], "access_denied")}


# What shows late


def test_execute_members_record_that_shows_late_is_waited_for() -> None:
    port = FakeMembers()
    port.delays = {Step.CREATE: 3, Step.INVITE: 7}
    assert run(port, [A, B]) == {A: INVITED_ANEW, B: INVITED_ANEW}
    assert port.time.naps == [1, 2, 1, 2, 4]
    assert port.looks == 3 + 4


def test_execute_members_wait_looks_only_at_what_has_yet_to_show() -> None:
    port = FakeMembers()
    port.delays = {Step.CREATE: 1}
    port.script.before("get_members", lambda: port.put(A, State.CREATED))
    run(port, [A, B])
    assert [ids for name, ids in port.log if name == "get_members"] == [[A, B], [B], [A, B]]


@pytest.mark.parametrize("timeout", [0, 1, 10])
def test_execute_members_wait_is_bounded_by_the_timeout(timeout) -> None:
    port = FakeMembers()
    port.delays = {Step.CREATE: 1000}
    assert run(port, timeout=timeout) == {A: Seen("timed_out", None, ["create"], "timed_out")}
    assert port.time.slept == timeout
    assert port.writes == [("create", [A])]


def test_execute_members_without_wait_the_last_step_is_not_waited_for() -> None:
    port = FakeMembers()
    port.delays = {Step.CREATE: 1, Step.INVITE: 1000}
    # Between two steps there is no choice: an invitation needs the record.
    assert run(port, wait=False) == {A: Seen("changed", "Created", ["create", "invite"])}
    assert (port.time.slept, port.looks) == (1, 3)


@pytest.mark.parametrize(
    ("state", "policy", "actions"),
    [
        (State.RESIGNED, {"wish": ABSENT}, ["delete"]),
        (State.RESIGNED, {"reinvite_resigned": True}, ["invite"]),
        (State.VERIFICATION_FAILED, {"wish": ABSENT}, ["delete"]),
    ],
)
def test_execute_members_without_wait_a_step_that_does_not_show_yet_is_no_failure(state, policy, actions) -> None:
    port = FakeMembers(member_in(state))
    port.delays = dict.fromkeys(Step, 1000)
    assert run(port, wait=False, **policy) == {A: Seen("changed", GUARDDUTY.word_for(state), actions)}
    assert port.time.slept == 0


def test_execute_members_email_verification_is_waited_for() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.verification = 6
    assert run(port) == {A: Seen("changed", "Invited", ["invite"])}
    assert port.time.naps == [1, 2, 4]


def test_execute_members_email_verification_that_lasts_is_reported_as_such() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.verification = 1000
    assert run(port) == {A: Seen("timed_out", "EmailVerificationInProgress", ["invite"], "email_verification_pending")}
    assert port.time.slept == 60


def test_execute_members_email_verification_is_not_waited_for_without_wait() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.verification = 1000
    assert run(port, wait=False) == {A: Seen("changed", "EmailVerificationInProgress", ["invite"])}


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("replace_failed", [True, False])
@pytest.mark.parametrize("before", [State.ABSENT, State.CREATED, State.REMOVED])
def test_execute_members_failed_email_verification_is_a_failure(before, replace_failed, wait) -> None:
    port = FakeMembers(member_in(before))
    port.wrong_emails = {A}
    seen = run(port, replace_failed=replace_failed, wait=wait)
    actions = ["create", "invite"] if before is State.ABSENT else ["invite"]
    assert seen == {A: Seen("failed", "EmailVerificationFailed", actions, "email_verification_failed")}


@pytest.mark.parametrize("wait", [True, False])
def test_execute_members_replaced_record_that_fails_again_is_a_failure(wait) -> None:
    port = FakeMembers(member_in(State.VERIFICATION_FAILED))
    port.wrong_emails = {A}
    assert run(port, replace_failed=True, wait=wait) == {
        A: Seen("failed", "EmailVerificationFailed", ["delete", "create", "invite"], "email_verification_failed")
    }


def test_execute_members_state_that_needs_more_than_was_planned_is_timed_out() -> None:
    port = FakeMembers(member_in(State.CREATED))
    # Invited, and removed again by others before it could be read.
    port.script.after("invite", lambda: port.put(A, State.REMOVED))
    assert run(port) == {A: Seen("timed_out", "Removed", ["invite"], "timed_out")}


def test_execute_members_unheard_status_after_a_step_ends_the_walk() -> None:
    port = FakeMembers()
    port.script.after("create", lambda: port.put(A, State.UNKNOWN))
    assert run(port) == {A: Seen("failed", "Unheard", ["create"], "unknown_status")}
    assert port.writes == [("create", [A])]


# Reading back


def test_execute_members_failed_read_back_keeps_what_was_done() -> None:
    port = FakeMembers(member_in(State.SUSPENDED, C))
    port.script.before("get_members", raising(failure(Reason.ACCESS_DENIED)))
    assert run(port, [A, B, C], monitoring="enabled") == {
        A: Seen("failed", None, ["create"], "access_denied"),
        B: Seen("failed", None, ["create"], "access_denied"),
        C: Seen("changed", "Enabled", ["start_monitoring"]),
    }
    assert port.writes == [("create", [A, B]), ("start_monitoring", [C])]


def test_execute_members_failed_read_back_keeps_the_batches_that_were_read() -> None:
    port = FakeMembers()
    ids = sorted(ids_of(101))
    port.script.before("get_members", None, raising(failure(Reason.THROTTLED)))
    seen = run(port, ids)
    assert {str(seen[each]) for each in ids[:50]} == {str(INVITED_ANEW)}
    assert {str(seen[each]) for each in ids[50:]} == {str(Seen("failed", None, ["create"], "throttled"))}


def test_execute_members_failed_read_back_does_not_hide_the_refusal() -> None:
    port = FakeMembers()
    port.lasting_refusals[Step.CREATE, A] = TEXTS["refused"]
    port.script.before("get_members", raising(failure(Reason.THROTTLED)))
    assert run(port) == {A: Seen("failed", None, [], "other")}


# Members that left


def test_execute_members_refused_reinvitation_is_created_anew_once() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.refusals[Step.INVITE, A] = [TEXTS["invited"]]
    assert run(port, [A, B], reinvite_resigned=True) == {
        A: Seen("changed", "Invited", ["delete", "create", "invite"]),
        B: INVITED_ANEW,
    }
    assert port.writes == [
        ("create", [B]),
        ("invite", [A, B]),
        ("delete", [A]),
        ("create", [A]),
        ("invite", [A]),
    ]
    # "Already invited" of a member that resigned will not change by waiting.
    assert port.time.slept == 0


def test_execute_members_reinvitation_that_our_own_lost_try_sent_is_waited_for() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.repeated = {Step.INVITE}
    port.script.before("invite", lambda: port.put(A, State.INVITED, shows_after=1))
    assert run(port, reinvite_resigned=True) == {A: Seen("changed", "Invited", ["invite"])}
    assert (port.writes, port.time.naps) == ([("invite", [A])], [1])


def test_execute_members_reinvitation_refused_twice_is_given_up() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.lasting_refusals[Step.INVITE, A] = TEXTS["refused"]
    assert run(port, reinvite_resigned=True) == {A: Seen("failed", "Created", ["delete", "create"], "other")}
    assert [name for name, _ids in port.writes] == ["invite", "delete", "create", "invite"]


def test_execute_members_reinvitation_in_an_organization_is_a_deletion_and_a_creation() -> None:
    port = FakeMembers(member_in(State.RESIGNED), in_organization=True)
    assert run(port, reinvite_resigned=True) == {A: Seen("changed", "Enabled", ["delete", "create"])}


@pytest.mark.parametrize("text", ["internal", "quota", "caller"])
def test_execute_members_record_is_not_deleted_for_a_refusal_that_a_new_one_would_meet_too(text) -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.lasting_refusals[Step.INVITE, A] = TEXTS[text]
    seen = run(port, reinvite_resigned=True)
    assert (seen[A].outcome, seen[A].status, seen[A].actions) == ("failed", "Resigned", [])
    assert "delete" not in [name for name, _ids in port.writes]


def test_execute_members_record_is_not_deleted_without_the_option() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.lasting_refusals[Step.INVITE, A] = TEXTS["refused"]
    # Invited and declined by others' hands while our own invitation is refused.
    port.script.before("invite", lambda: port.put(A, State.RESIGNED))
    assert run(port) == {A: Seen("failed", "Resigned", [], "other")}
    assert [name for name, _ids in port.writes] == ["invite"]


def test_execute_members_record_of_another_state_is_not_deleted_though_resigned_ones_may_be() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.lasting_refusals[Step.INVITE, A] = TEXTS["refused"]
    assert run(port, reinvite_resigned=True) == {A: Seen("failed", "Created", [], "other")}
    assert [name for name, _ids in port.writes] == ["invite"]


def test_execute_members_record_is_not_deleted_a_second_time() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.lasting_refusals[Step.INVITE, A] = TEXTS["refused"]
    # The new record is invited and declined by others' hands, too.
    port.script.before("invite", None, lambda: port.put(A, State.RESIGNED))
    assert run(port, reinvite_resigned=True) == {A: Seen("failed", "Resigned", ["delete", "create"], "other")}
    assert [name for name, _ids in port.writes] == ["invite", "delete", "create", "invite"]


def test_execute_members_fallback_of_one_account_sends_nothing_again_for_another() -> None:
    port = FakeMembers(member_in(State.RESIGNED, A), member_in(State.SUSPENDED, C))
    port.refusals[Step.INVITE, A] = [TEXTS["refused"]]
    port.lasting_refusals[Step.CREATE, B] = TEXTS["refused"]
    port.delays = {Step.START_MONITORING: 1000}
    assert run(port, [A, B, C], reinvite_resigned=True, monitoring="enabled") == {
        A: Seen("changed", "Invited", ["delete", "create", "invite"]),
        B: Seen("failed", None, [], "other"),
        C: Seen("timed_out", "Disabled", ["start_monitoring"], "timed_out"),
    }
    assert port.writes.count(("create", [B])) == port.writes.count(("start_monitoring", [C])) == 1
    assert [ids for name, ids in port.writes if name == "create"] == [[B], [A]]


def test_execute_members_reinvitation_that_shows_late_is_waited_for() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.delays = {Step.INVITE: 3}
    assert run(port, reinvite_resigned=True) == {A: Seen("changed", "Invited", ["invite"])}
    assert port.time.naps == [1, 2]


def test_execute_members_failed_request_has_no_fallback() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.script.before("invite", raising(failure(Reason.ACCESS_DENIED)))
    assert run(port, reinvite_resigned=True) == {A: Seen("failed", "Resigned", [], "access_denied")}
    assert [name for name, _ids in port.writes] == ["invite"]


# Deleting what is still associated


def test_execute_members_deletion_after_disassociation_is_retried_while_it_lags() -> None:
    port = FakeMembers(member_in(State.ENABLED))
    port.refusals[Step.DELETE, A] = [TEXTS["associated"]] * 2
    assert run(port, wish=ABSENT, wait=False) == {A: Seen("changed", None, ["disassociate", "delete"])}
    assert [name for name, _ids in port.writes] == ["disassociate", "delete", "delete", "delete"]
    assert port.time.naps == [1, 2]


def test_execute_members_deletion_that_lags_beyond_the_timeout_fails() -> None:
    port = FakeMembers(member_in(State.ENABLED))
    port.lasting_refusals[Step.DELETE, A] = TEXTS["associated"]
    assert run(port, wish=ABSENT, timeout=10) == {A: Seen("failed", "Removed", ["disassociate"], "still_associated")}
    assert port.time.slept == 10
    assert [name for name, _ids in port.writes].count("disassociate") == 1


def test_execute_members_deletion_of_what_turns_out_associated_is_disassociated_first() -> None:
    # The plan saw Created; meanwhile the account was invited by others, and accepted.
    port = FakeMembers(member_in(State.CREATED))
    port.script.before("delete", lambda: port.put(A, State.ENABLED))
    assert run(port, wish=ABSENT) == {A: Seen("changed", None, ["disassociate", "delete"])}
    assert [name for name, _ids in port.writes] == ["delete", "disassociate", "delete"]


def test_execute_members_reinvitation_that_has_to_disassociate_first_ends_in_three_walks() -> None:
    port = FakeMembers(member_in(State.RESIGNED))
    port.refusals = {(Step.INVITE, A): [TEXTS["refused"]], (Step.DELETE, A): [TEXTS["associated"]]}
    port.script.before("disassociate", lambda: port.put(A, State.ENABLED))
    assert run(port, reinvite_resigned=True) == {
        A: Seen("changed", "Invited", ["disassociate", "delete", "create", "invite"])
    }
    assert [name for name, _ids in port.writes] == [
        "invite", "delete", "disassociate", "delete", "create", "invite",
    ]  # fmt: skip


def test_execute_members_refused_deletion_for_another_reason_has_no_fallback() -> None:
    port = FakeMembers(member_in(State.CREATED))
    port.lasting_refusals[Step.DELETE, A] = TEXTS["refused"]
    assert run(port, wish=ABSENT) == {A: Seen("failed", "Created", [], "other")}
    assert [name for name, _ids in port.writes] == ["delete"]


@pytest.mark.parametrize(
    "text", ["unassociated", "The request is rejected because it is not a member of the current account."]
)
def test_execute_members_stop_monitoring_right_after_creation_is_retried(text) -> None:
    port = FakeMembers(in_organization=True)
    port.refusals[Step.STOP_MONITORING, A] = [TEXTS.get(text, text)]
    assert run(port, monitoring="suspended") == {A: Seen("changed", "Disabled", ["create", "stop_monitoring"])}
    assert port.time.naps == [1]


# Security Hub's DisassociateMembers has an empty answer


def test_execute_members_answer_that_speaks_for_nobody_is_settled_by_reading() -> None:
    port = FakeMembers(member_in(State.ENABLED, A, SECURITYHUB), facts=SECURITYHUB)
    port.delays = {Step.DISASSOCIATE: 3}
    assert run(port, wish=DISASSOCIATED) == {A: Seen("changed", "Removed", ["disassociate"])}
    assert port.time.naps == [1, 2]


def test_execute_members_silent_answer_without_any_effect_is_no_change() -> None:
    port = FakeMembers(member_in(State.ENABLED, A, SECURITYHUB), facts=SECURITYHUB)
    port.delays = {Step.DISASSOCIATE: 1000}
    assert run(port, wish=DISASSOCIATED) == {A: Seen("timed_out", "Enabled", [], "timed_out")}


def test_execute_members_silent_answer_that_is_not_waited_for_counts_as_accepted() -> None:
    port = FakeMembers(member_in(State.ENABLED, A, SECURITYHUB), facts=SECURITYHUB)
    port.delays = {Step.DISASSOCIATE: 1000}
    assert run(port, wish=DISASSOCIATED, wait=False) == {A: Seen("changed", "Enabled", ["disassociate"])}


@pytest.mark.parametrize(("answer", "actions"), [({}, ["create"]), ({"None": "No."}, [])], ids=["empty", "garbled"])
def test_execute_members_unread_answer_counts_as_accepted_where_it_refuses_nobody(answer, actions, monkeypatch) -> None:
    port = FakeMembers()
    refused = {account_id: Refusal(text) for account_id, text in answer.items()}
    calls = {Step.CREATE: lambda accounts: Answer(refused, is_per_account=False)}
    monkeypatch.setattr(FakeMembers, "calls", calls)
    port.script.before("get_members", raising(failure(Reason.THROTTLED)))
    assert run(port) == {A: Seen("failed", None, actions, "throttled")}


def test_execute_members_silent_refusal_as_a_whole_is_a_failure_without_wait() -> None:
    port = FakeMembers(member_in(State.ENABLED, A, SECURITYHUB), facts=SECURITYHUB)
    port.script.before("disassociate", raising(input_refused()))
    assert run(port, wish=DISASSOCIATED, wait=False) == {A: Seen("failed", "Enabled", [], "invalid_input")}


# Prediction


def test_predict_members_new_record_has_the_email_that_is_sent() -> None:
    port = FakeMembers(member_in(State.VERIFICATION_FAILED, A, email="old@example.com"))
    plan = plan_for(port, [account(A)], replace_failed=True)
    after = predict_members(plan, ADMINISTRATOR)[0].member
    assert (after.email, after.administrator_id) == (account(A).email, ADMINISTRATOR)


def test_predict_members_kept_record_keeps_its_email() -> None:
    port = FakeMembers(member_in(State.REMOVED, A, email="old@example.com"))
    after = predict_members(plan_for(port, [account(A)]), ADMINISTRATOR)[0].member
    assert (after.email, after.status) == ("old@example.com", "Invited")


def test_predict_members_deleted_record_leaves_nothing() -> None:
    port = FakeMembers(member_in(State.ENABLED, A, email="old@example.com", invited_at="then"))
    after = predict_members(plan_for(port, [account(A)], wish=ABSENT), ADMINISTRATOR)[0].member
    assert (after.status, after.email, after.invited_at) == (None, None, None)


# What AWS says of one account


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("It is refused because it is already a member of another administrator.", "", "caller_is_member"),
        ("You may not.", "AccessDeniedException", "access_denied"),
        ("Macie is not enabled.", "AccessDeniedException", "service_not_enabled"),
    ],
)
def test_execute_members_refusal_is_read_with_its_step_its_code_and_the_words_of_the_service(
    text, code, reason
) -> None:
    port = FakeMembers(facts=MACIE)  # a call for one account, whose refusal is that account's
    port.script.before("create", raising(failure(Reason.OTHER, text, code)))
    assert run(port)[A] == Seen("failed", None, [], reason)


def test_execute_members_lost_answer_of_a_call_for_one_account_is_settled_by_reading() -> None:
    # What AWS says to the repetition of a request whose answer was lost may be about the first.
    for error in (lost(), failure(Reason.OTHER, "It is there.", is_uncertain=True)):
        port = FakeMembers(facts=MACIE)
        port.script.after("create", raising(error))
        assert run(port)[A].actions == ["create", "invite"]


def test_predict_members_removed_account_has_no_record() -> None:
    plan = plan_for(FakeMembers(member_in(State.CREATED)), [account(A)], wish=ABSENT)
    assert [result.member for result in predict_members(plan, ADMINISTRATOR)] == [Member(A)]


@pytest.mark.parametrize("facts", [GUARDDUTY, SECURITYHUB], ids=lambda facts: facts.name)
@pytest.mark.parametrize("state", [State.INVITED, State.ENABLED])
@pytest.mark.parametrize("wish", [ABSENT, DISASSOCIATED])
def test_execute_members_record_of_a_pending_invitation_is_deleted_though_there_is_no_association_to_end(
    facts, state, wish
) -> None:
    port = FakeMembers(member_in(state, facts=facts), facts=facts)
    port.lasting_refusals[Step.DISASSOCIATE, A] = TEXTS["unassociated"]
    row = run(port, wish=wish, timeout=10)[A]
    if state is State.INVITED and wish is ABSENT:
        assert (row, port.time.slept) == (Seen("changed", None, ["delete"]), 0)
    else:
        assert row.outcome in ("failed", "timed_out") and row.actions in ([], ["disassociate"])
        assert row.status == facts.word_for(state) and "delete" not in dict(port.writes)


# Reading


class Records:
    """Members that are asked for by name, or listed. From a batch on AWS may not tell for some whether they exist."""

    def __init__(self, *members: Member, tells: int = 1000) -> None:
        self.members = {member.account_id: member for member in members}
        self.tells = tells
        self.log: list[tuple[str, ...]] = []

    calls: Any = None

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        self.log.append(tuple(account_ids))
        if len(self.log) > self.tells:
            return None
        return [self.members[account_id] for account_id in account_ids if account_id in self.members]

    def list_members(self) -> list[Member]:
        self.log.append(("all",))
        return list(self.members.values())


IDS = [A, B, C, "555555555555", "666666666666"]


@pytest.mark.parametrize(
    ("reading", "tells", "calls"),
    [
        (Reading(2), 1000, [(A, B), (C, IDS[3]), (IDS[4],)]),
        (Reading(2, list_above=5), 1000, [(A, B), (C, IDS[3]), (IDS[4],)]),
        (Reading(2, list_above=4), 1000, [("all",)]),
        (Reading(2), 1, [(A, B), (C, IDS[3]), ("all",)]),
        (Reading(2), 0, [(A, B), ("all",)]),
    ],
)
def test_read_members_by_name_or_by_one_list_is_a_record_for_each_in_order(reading, tells, calls) -> None:
    there = [member_in(State.ENABLED, IDS[4]), member_in(State.CREATED, B), member_in(State.INVITED, "777777777777")]
    port = Records(*there, tells=tells)
    read = [member for members in read_members(port, IDS, map, reading) for member in members]
    assert read == [Member(A), there[1], Member(C), Member(IDS[3]), there[0]]
    # Those that come after a batch of which AWS could not tell may have been asked for already, side by side.
    assert port.log == calls


# Batches


def test_execute_members_refused_in_the_first_batch_is_asked_again_after_the_last() -> None:
    port = FakeMembers()
    port.refusals[Step.CREATE, A] = [TEXTS["internal"]]
    rows = run(port, ids_of(120))
    assert set(map(str, rows.values())) == {str(INVITED_ANEW)}
    assert [len(ids) for name, ids in port.writes if name == "create"] == [50, 50, 20, 1]


def test_execute_members_batch_that_fails_beside_one_that_does_not_keeps_the_rest_from_being_sent() -> None:
    port = FakeMembers()

    def second_after_third(call: Callable[[Any], Any], batches: Iterable[Any]) -> Iterable[Any]:
        parts = list(batches)
        order = [1, 0, *range(2, len(parts))] if len(parts) > 2 else range(len(parts))
        answers = {number: call(parts[number]) for number in order}
        return [answers[number] for number in range(len(parts))]

    # The first goes alone; then the third is answered, the second fails as a whole, and the fourth is not sent.
    port.script.before("create", None, None, raising(failure(Reason.THROTTLED)))
    rows = run(port, ids_of(200), for_each=second_after_third)
    outcomes = [row.outcome for row in rows.values()]
    assert [outcomes[n * 50] for n in range(4)] == ["changed", "failed", "changed", "not_attempted"]
    assert [len(ids) for name, ids in port.writes if name == "create"] == [50, 50, 50]


@pytest.mark.parametrize(
    "facts", [each for each in SERVICES if State.VERIFYING in each.words], ids=lambda facts: facts.name
)
def test_execute_members_address_is_verified_after_the_creation_only_where_that_invites(facts) -> None:
    port = FakeMembers(facts=facts)
    port.script.after("create", lambda: port.put(A, State.VERIFYING))
    port.script.before("get_members", None, None, lambda: port.put(A, State.INVITED))
    end = State.INVITED if facts.creating_invites else State.VERIFYING
    assert run(port) == {A: Seen("changed", facts.word_for(end), ["create"])}
    assert bool(port.time.slept) is facts.creating_invites
