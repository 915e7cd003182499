# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_members import MemberResult
from ansible_collections.muster.aws.plugins.module_utils._membership.features import (
    Feature,
    FeatureWish,
    FeatureWords,
    merged_features,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.member_features import (
    FeatureResult,
    FeaturesLook,
    execute_features,
    group_by_gap,
    look_at_features,
    predict_features,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Account, Problem, Reason, State, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import Decision, Row
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, ForEach, Refusal
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    A,
    B,
    C,
    FakeMembers,
    Script,
    failure,
    ids_of,
    lost,
    member_in,
    raising,
    walk_alone,
)

WORDS = FeatureWords("status", "DISABLED", {"OLD": "NEWER"}, read="GetThem", write="UpdateThem")
NO_MEMBER = "The request is rejected because the given account ID is not an associated member of the current account."
POLICY = "GUARDDUTY_POLICY"

Present = dict[str, Feature]


def of(**values: str) -> Present:
    return {name: Feature(name, value) for name, value in values.items()}


def wish_of(**values: str) -> FeatureWish:
    return FeatureWish(tuple(of(**values).values()), WORDS)


class FakeFeatures(FakeMembers):
    """Members with features. Those in ``late`` are known only at a time of the clock."""

    def __init__(self, present: dict[str, Present], shows_after: float = 0.0) -> None:
        super().__init__()
        self.script, self.begun = Script(), self.time.now
        self.features = {account_id: dict(features) for account_id, features in present.items()}
        self.seen = {account_id: dict(features) for account_id, features in present.items()}
        self.shows_after, self.shown_at = shows_after, 0.0
        self.late: dict[str, float] = {}
        self.refusals: dict[str, str] = {}
        self.sent: list[tuple[list[str], list[str]]] = []
        self.reads: list[int] = []

    def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
        self.script.play("get", "before")
        assert 1 <= len(account_ids) <= 50
        self.reads.append(len(account_ids))
        if self.time.now >= self.shown_at:
            self.seen = {account_id: dict(features) for account_id, features in self.features.items()}
        due = self.time.now - self.begun
        ready = [i for i in account_ids if i in self.seen and due >= self.late.get(i, 0)]
        refused = {i: Refusal(NO_MEMBER) for i in account_ids if i not in ready and i not in self.refusals}
        return {i: self.seen[i] for i in ready}, Answer(refused)

    def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
        self.script.play("update", "before")
        assert 1 <= len(account_ids) <= 50
        self.sent.append((list(account_ids), [feature.name for feature in features]))
        for account_id in account_ids:
            if account_id not in self.refusals:
                self.features[account_id] = merged_features(self.features[account_id], features)
        self.shown_at = self.time.now + self.shows_after
        self.script.play("update", "after")
        return Answer({i: Refusal(self.refusals[i]) for i in account_ids if i in self.refusals})


def carry_out(
    wish: FeatureWish, port: FakeFeatures, known: dict[str, Present], joined: Sequence[str] = (), wait: bool = True
) -> dict[str, FeatureResult]:
    patience = Patience(port.time.as_clock(), wait, 60)
    return walk_alone(execute_features(wish, port, known, joined, patience), port.time)


STATES = [of(), *(of(OLD=old, NEWER=new) for old, new in product(("ENABLED", "DISABLED"), repeat=2))]
OWNED = {**of(OLD="DISABLED"), "NEWER": Feature("NEWER", "DISABLED", {}, POLICY)}
WISHES = [
    wish_of(**{n: v for n, v in zip(("OLD", "NEWER"), pair, strict=True) if v})
    for pair in (("DISABLED", "ENABLED"), ("ENABLED", "DISABLED"), ("", "ENABLED"), ("DISABLED", ""), ("ENABLED", ""))
]


@pytest.mark.parametrize("wish", WISHES)
def test_every_combination_ends_as_predicted_and_is_then_left_alone(wish: FeatureWish) -> None:
    present = dict(zip(ids_of(len(STATES) + 1), [*STATES, OWNED], strict=True))
    port = FakeFeatures(present)
    predicted = predict_features(wish, present)
    result = carry_out(wish, port, present)
    assert result == predicted
    assert group_by_gap(wish, {i: f for i, f in port.features.items() if i in present}) == []
    asked = {feature.name for feature in wish.features}
    for account_id, features in present.items():
        assert all(port.features[account_id][n] == there for n, there in features.items() if n not in asked)


def test_refusal_of_what_is_not_listed_is_foreseen_with_what_is_done_before_it() -> None:
    present = {A: of(OLD="ENABLED", X="DISABLED"), B: of(OLD="DISABLED", X="DISABLED", NEWER="DISABLED")}
    wish = wish_of(OLD="DISABLED", X="ENABLED", NEWER="ENABLED")
    problem = Problem(
        Reason.FEATURE_UNSUPPORTED, "AWS does not list NEWER in this Region, and refuses a call that holds it"
    )
    after = of(OLD="DISABLED", X="ENABLED")
    assert predict_features(wish, present) == {
        A: FeatureResult(present[A], after, True, problem),
        B: FeatureResult(present[B], {**after, **of(NEWER="ENABLED")}, True),
    }
    # As it is in the real run.
    port = FakeFeatures({A: present[A]})
    port.script.before("update", None, raising(failure(Reason.INVALID_INPUT, "no")))
    result = carry_out(wish, port, {A: present[A]})[A]
    assert port.sent == [([A], ["OLD", "X"])] and result.is_changed
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED
    alone = predict_features(wish_of(NEWER="ENABLED"), present)[A]
    assert alone == FeatureResult(present[A], present[A], False, problem)


def test_what_is_not_listed_is_told_once_for_all_members() -> None:
    look = FeaturesLook(
        wish_of(x="DISABLED"), FakeFeatures({}), {A: of(X="ENABLED"), B: of(X="ENABLED"), C: of(x="DISABLED")}
    )
    assert look.warnings == ["AWS does not list x in this Region (did you mean X?): it counts as DISABLED"]
    assert [result.is_changed for result in predict_features(look.wish, look.known).values()] == [False] * 3


def test_accounts_that_lack_the_same_share_a_call_of_at_most_fifty() -> None:
    ids = ids_of(130)
    gaps = [of(A="DISABLED", B="DISABLED"), of(A="ENABLED", B="DISABLED"), of(A="ENABLED", B="ENABLED")]
    port = FakeFeatures({account_id: gaps[n % 3] for n, account_id in enumerate(ids)})
    known = dict(port.seen)
    result = carry_out(wish_of(A="ENABLED", B="ENABLED"), port, known)
    assert [(len(accounts), names) for accounts, names in port.sent] == [(44, ["A", "B"]), (43, ["B"])]
    assert sum(each.is_changed for each in result.values()) == 87
    assert port.reads == [50, 37]  # what was written alone is read back


def test_new_members_are_waited_for_until_aws_knows_their_features() -> None:
    port = FakeFeatures({A: of(X="ENABLED"), B: of(X="DISABLED")})
    port.late = {A: 20, B: 5}
    result = carry_out(wish_of(X="ENABLED"), port, {}, [A, B])
    assert [result[i].is_changed for i in (A, B)] == [False, True] and not any(r.problem for r in result.values())
    assert [result[i].before for i in (A, B)] == [of(X="ENABLED"), of(X="DISABLED")]
    port = FakeFeatures({A: of(X="ENABLED")})
    result = carry_out(wish_of(X="ENABLED"), port, {}, [A, C])
    problem = result[C].problem
    assert problem and problem.text == NO_MEMBER and problem.operation == "GetThem" and port.time.slept == 60
    assert problem.reason is Reason.TIMED_OUT and result[C].is_timed_out
    assert result[A].problem is None


def test_an_account_that_aws_tells_nothing_about_is_not_waited_for() -> None:
    port = FakeFeatures({A: of(X="ENABLED")})
    port.refusals[C] = "unsaid"
    result = carry_out(wish_of(X="ENABLED"), port, {}, [A, C])
    problem = result[C].problem
    assert problem and problem.text == "AWS told nothing about the features of this account"
    assert port.time.slept == 0


def test_a_policy_is_not_written_against_and_equal_is_fine() -> None:
    present = {A: OWNED, B: {"NEWER": Feature("NEWER", "ENABLED", {}, POLICY)}}
    port = FakeFeatures(present)
    result = carry_out(wish_of(NEWER="ENABLED"), port, present)
    problem = result[A].problem
    assert problem and problem.reason is Reason.ORGANIZATION_POLICY and f"NEWER ({POLICY})" in problem.text
    assert result[B].problem is None and port.sent == []
    # What else the account lacks is sent, and the policy is told all the same.
    present = {A: {**OWNED, **of(X="DISABLED")}}
    wish = wish_of(NEWER="ENABLED", X="ENABLED")
    port = FakeFeatures(present)
    result = carry_out(wish, port, present)
    assert port.sent == [([A], ["X"])] and port.time.slept == 0 and result == predict_features(wish, present)
    assert result[A].is_changed and result[A].problem == problem
    # Whoever comes after one that a policy owns is written to all the same.
    present = {A: OWNED, B: of(NEWER="DISABLED")}
    port = FakeFeatures(present)
    assert carry_out(wish_of(NEWER="ENABLED"), port, present)[B].is_changed and port.sent == [([B], ["NEWER"])]


def test_features_that_show_late_are_waited_for_or_not() -> None:
    present = {A: of(X="DISABLED")}
    for shows_after, wait, is_timed_out, slept in (
        (20, True, False, 22),
        (200, True, True, 60),
        (200, False, False, 0),
    ):
        port = FakeFeatures(present, shows_after)
        result = carry_out(wish_of(X="ENABLED"), port, present, wait=wait)[A]
        assert (result.is_changed, result.is_timed_out, port.time.slept) == (True, is_timed_out, slept)
        text = "AWS accepted the features but did not show them before the wait ended"
        assert result.problem == (Problem(Reason.TIMED_OUT, text) if is_timed_out else None)


def test_refused_accounts_keep_awss_words_and_the_others_go_on() -> None:
    present = {A: of(X="DISABLED"), B: of(X="DISABLED")}
    port = FakeFeatures(present)
    port.refusals[B] = "no"
    result = carry_out(wish_of(X="ENABLED"), port, present)
    assert result[A].is_changed and not result[B].is_changed
    assert result[B].problem and (result[B].problem.text, result[B].problem.operation) == ("no", "UpdateThem")
    # What is no passing reason is not asked again.
    assert port.sent == [([A, B], ["X"])]


def test_what_is_switched_on_waits_until_what_it_replaces_is_off_in_every_account() -> None:
    wish = wish_of(NEWER="ENABLED", OLD="DISABLED")
    present = {A: of(OLD="DISABLED", NEWER="DISABLED"), B: of(OLD="ENABLED", NEWER="DISABLED")}
    assert [([feature.name for feature in sent], ids) for sent, ids in group_by_gap(wish, present)] == [
        (["OLD"], [B]),
        (["NEWER"], [A, B]),
    ]
    actions = FeaturesLook(wish, FakeFeatures({}), present).actions
    assert [action.account_ids for action in actions] == [(B,), (A, B)]


def test_what_is_asked_for_in_the_other_direction_is_two_calls_as_well() -> None:
    present = {A: of(OLD="DISABLED", NEWER="DISABLED"), B: of(OLD="DISABLED", NEWER="ENABLED")}
    port = FakeFeatures(present)
    carry_out(wish_of(OLD="ENABLED", NEWER="DISABLED"), port, present)
    assert port.sent == [([B], ["NEWER"]), ([A, B], ["OLD"])]


@pytest.mark.parametrize("wait", [True, False])
def test_a_member_that_aws_has_yet_to_hear_of_is_written_to_again(wait: bool) -> None:
    class Unheard(FakeFeatures):
        heard_at = 0.0

        def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
            self.refusals = {A: NO_MEMBER} if self.time.now - self.begun < self.heard_at else {}
            return super().update_features(account_ids, features)

    present = dict.fromkeys((A, B), of(X="DISABLED"))
    port = Unheard(present)
    port.heard_at = 5
    result = carry_out(wish_of(X="ENABLED"), port, present, wait=wait)
    assert [ids for ids, _features in port.sent] == [[A, B], [A], [A], [A]] and port.time.slept == 7
    assert result == predict_features(wish_of(X="ENABLED"), present)
    # The wait ends.
    port = Unheard(present)
    port.heard_at = 500
    result = carry_out(wish_of(X="ENABLED"), port, present, wait=wait)
    assert result[A] == FeatureResult(present[A], present[A], False, Problem(Reason.TIMED_OUT, NO_MEMBER, "UpdateThem"))
    assert result[A].is_timed_out and port.time.slept == 60 and result[B].is_changed


def test_what_was_taken_is_read_once_whatever_came_of_the_rest() -> None:
    present = {A: of(OLD="ENABLED", NEWER="DISABLED")}
    wish = wish_of(OLD="DISABLED", NEWER="ENABLED")
    port = FakeFeatures(present)
    port.script.before("update", None, raising(failure(Reason.ACCESS_DENIED)))
    result = carry_out(wish, port, present)[A]
    after = of(OLD="DISABLED", NEWER="DISABLED")
    assert result == FeatureResult(present[A], after, True, failure(Reason.ACCESS_DENIED).as_problem())
    # Where even that look fails, the refusal is what is told.
    port = FakeFeatures(present)
    port.script.before("update", None, raising(failure(Reason.ACCESS_DENIED)))
    port.script.before("get", raising(failure(Reason.INTERNAL_ERROR)))
    result = carry_out(wish, port, present)[A]
    assert result == FeatureResult(present[A], present[A], True, failure(Reason.ACCESS_DENIED).as_problem())
    # Without a wait, too, and then only once.
    port = FakeFeatures(present)
    assert carry_out(wish, port, present, wait=False)[A] == predict_features(wish, present)[A]
    assert port.reads == [1] and port.time.slept == 0


@pytest.mark.parametrize("wait", [True, False])
def test_a_look_at_what_was_half_done_is_taken_again_where_that_is_waited_for(wait: bool) -> None:
    class Shut(FakeFeatures):
        def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
            present, answer = super().get_features(account_ids)
            is_shut = self.time.now - self.begun < 5
            return ({}, Answer(dict.fromkeys(account_ids, Refusal(NO_MEMBER)))) if is_shut else (present, answer)

    present = {A: of(OLD="ENABLED", NEWER="DISABLED")}
    port = Shut(present)
    port.script.before("update", None, raising(failure(Reason.ACCESS_DENIED)))
    result = carry_out(wish_of(OLD="DISABLED", NEWER="ENABLED"), port, present, wait=wait)[A]
    after = of(OLD="DISABLED", NEWER="DISABLED") if wait else present[A]
    assert result == FeatureResult(present[A], after, True, failure(Reason.ACCESS_DENIED).as_problem())
    assert port.time.slept == (7 if wait else 0)


@pytest.mark.parametrize("wait", [True, False])
def test_accounts_that_aws_refuses_for_a_passing_reason_are_written_to_again(wait: bool) -> None:
    class Busy(FakeFeatures):
        def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
            answer = super().update_features(account_ids, features)
            self.refusals.pop(B, None)
            return answer

    present = dict.fromkeys((A, B, C), of(X="DISABLED"))
    port = Busy(present)
    port.refusals.update({B: "Internal error", C: "no"})
    result = carry_out(wish_of(X="ENABLED"), port, present, wait=wait)
    assert [accounts for accounts, _features in port.sent] == ([[A, B, C], [B]] if wait else [[A, B, C]])
    assert result[A].is_changed and result[B].is_changed is wait and not result[C].is_changed
    assert (result[B].problem is None) is wait


@pytest.mark.parametrize(("text", "slept"), [("Internal error", 60), ("no", 0)])
def test_a_read_refused_for_a_passing_reason_is_made_again(text: str, slept: int) -> None:
    class Shut(FakeFeatures):
        def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
            return {}, Answer(dict.fromkeys(account_ids, Refusal(text)))

    port = Shut({A: of(X="DISABLED")})
    result = carry_out(wish_of(X="ENABLED"), port, {}, [A])[A]
    assert result.problem and result.problem.text == text and port.time.slept == slept and port.sent == []


@pytest.mark.parametrize(("present", "told"), [(of(X="DISABLED"), "lists all of them"), (of(), "does not list X")])
def test_a_refused_call_names_the_likely_feature(present: Present, told: str) -> None:
    port = FakeFeatures({A: present})
    port.script.before("update", raising(failure(Reason.INVALID_INPUT, "no")))
    result = carry_out(wish_of(X="ENABLED"), port, {A: present})[A]
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED and told in result.problem.text


def test_the_second_of_two_calls_is_not_sent_after_the_first_was_refused() -> None:
    present = {A: of(OLD="ENABLED", NEWER="DISABLED")}
    port = FakeFeatures(present)
    port.script.before("update", raising(failure(Reason.ACCESS_DENIED)))
    result = carry_out(wish_of(OLD="DISABLED", NEWER="ENABLED"), port, present)[A]
    assert port.sent == [] and result.problem == failure(Reason.ACCESS_DENIED).as_problem()


def test_a_lost_answer_counts_as_done_where_a_look_shows_it() -> None:
    present = {A: of(X="DISABLED")}
    port = FakeFeatures(present)
    port.script.after("update", raising(lost()))
    result = carry_out(wish_of(X="ENABLED"), port, present)[A]
    assert result.is_changed and result.problem is None
    port = FakeFeatures(present)
    port.script.before("update", raising(lost()))
    result = carry_out(wish_of(X="ENABLED"), port, present)[A]
    assert not result.is_changed and result.problem == lost().as_problem()
    # A refusal is no lost answer: it stays, whatever somebody else does meanwhile.
    port = FakeFeatures(present)
    port.script.after("update", raising(failure()))
    result = carry_out(wish_of(X="ENABLED"), port, present)[A]
    assert result == FeatureResult(present[A], present[A], False, failure().as_problem()) and port.reads == []
    # The same of two calls, for accounts that lack different things.
    present = {A: of(X="DISABLED", Y="DISABLED"), B: of(X="DISABLED", Y="ENABLED")}
    port = FakeFeatures(present)
    port.script.after("update", raising(lost()), raising(lost()))
    found = carry_out(wish_of(X="ENABLED", Y="ENABLED"), port, present)
    assert [(result.is_changed, result.problem) for result in found.values()] == [(True, None)] * 2


def test_a_read_that_fails_is_told() -> None:
    port = FakeFeatures({A: of(X="DISABLED")})
    port.script.before("get", raising(failure()))
    result = carry_out(wish_of(X="ENABLED"), port, {}, [A])[A]
    assert result.problem == failure().as_problem() and port.sent == []
    port = FakeFeatures({A: of(X="DISABLED")})
    port.script.before("get", raising(failure()))
    result = carry_out(wish_of(X="ENABLED"), port, {A: of(X="DISABLED")})[A]
    assert result.problem == failure().as_problem() and result.is_changed


# --- beside the members -----------------------------------------------------------------------------------------------


def result_of(account_id: str, state: State, before: State = State.ENABLED, **more: bool) -> MemberResult:
    table = {each: Row((), State.ABSENT if more.get("is_purged") else each) for each in State}
    decision = Decision(Account(account_id), member_in(before, account_id), table, **more)
    return MemberResult(decision, member_in(state, account_id))


def noting(jobs: list[Any]) -> ForEach:
    """Run batches one after the other, and note each job that they are run by."""

    def for_each(job: Callable[[Any], Any], batches: Iterable[Any]) -> Iterator[Any]:
        jobs.append(job)
        return map(job, batches)

    return for_each


def test_look_reads_those_that_are_members_and_stay() -> None:
    port = FakeFeatures({A: of(X="DISABLED")})
    decisions = [
        result_of(A, State.ENABLED).decision,
        result_of(B, State.ENABLED, State.INVITED).decision,
        result_of(C, State.ENABLED, is_purged=True).decision,
        replace(result_of(C, State.ENABLED).decision, table={State.ENABLED: Row((), State.SUSPENDED)}),
    ]
    look = look_at_features(wish_of(X="ENABLED"), port, decisions, map)
    assert port.reads == [1] and look == FeaturesLook(wish_of(X="ENABLED"), port, {A: of(X="DISABLED")})
    assert [(action.operation, action.account_ids) for action in look.actions] == [("UpdateThem", (A,))]
    port.script.before("get", raising(failure()))
    look = look_at_features(wish_of(X="ENABLED"), port, decisions, map)
    assert look.known == {} and look.refused == {A: Refusal(failure().as_problem().text, failure().code)}
    # One whose features AWS does not tell, and many that are read as they are told to be.
    port, jobs = FakeFeatures({A: of(X="DISABLED")}), []
    many = [result_of(A, State.ENABLED).decision, result_of(B, State.ENABLED).decision]
    look = look_at_features(wish_of(X="ENABLED"), port, many, noting(jobs))
    assert (look.known, look.refused, jobs) == ({A: of(X="DISABLED")}, {B: Refusal(NO_MEMBER)}, [port.get_features])


def test_predict_tells_what_is_known_and_what_is_asked_for() -> None:
    look = FeaturesLook(
        wish_of(X="ENABLED"), FakeFeatures({}), {A: of(X="DISABLED")}, {C: Refusal("no", "AccessDeniedException")}
    )
    results = [
        result_of(A, State.ENABLED),
        result_of(B, State.ENABLED, State.ABSENT),
        result_of(C, State.ENABLED),
        result_of(B, State.INVITED),
    ]
    known, new, refused, invited = look.predict(results)
    shown = [{"name": "X", "status": "ENABLED", "additional_configuration": []}]
    assert (known.features, known.done) == (shown, (Step.UPDATE_FEATURES,))
    assert (new.features, new.done) == (shown, ())
    assert refused.features is None and refused.problem == Problem(Reason.ACCESS_DENIED, "no", "GetThem")
    assert invited.features is None and invited.problem is None
    # A member that AWS has yet to hear of is told as it is at the end of a real run's wait.
    [unheard] = replace(look, refused={C: Refusal(NO_MEMBER)}).predict(results[2:3])
    assert unheard.is_timed_out and unheard.problem == Problem(Reason.TIMED_OUT, NO_MEMBER, "GetThem")


def test_execute_reads_new_members_and_leaves_others_alone() -> None:
    port = FakeFeatures({A: of(X="DISABLED"), B: of(X="ENABLED")})
    look = FeaturesLook(wish_of(X="ENABLED"), port, {A: of(X="DISABLED")})
    results = [result_of(A, State.ENABLED), result_of(B, State.ENABLED, State.ABSENT), result_of(C, State.INVITED)]
    patience, jobs = Patience(port.time.as_clock()), []
    found = walk_alone(look.execute(results, patience, noting(jobs)), port.time)
    assert jobs == [port.get_features] * 2  # of the new member, and of what was written
    assert [result.done for result in found] == [(Step.UPDATE_FEATURES,), (), ()]
    assert [result.features is None for result in found] == [False, False, True]
    assert port.sent == [([A], ["X"])]


def test_execute_tells_what_was_not_shown_in_time_of_the_member_itself() -> None:
    port = FakeFeatures({A: of(X="DISABLED")}, shows_after=200)
    look = FeaturesLook(wish_of(X="ENABLED"), port, {A: of(X="DISABLED")})
    patience = Patience(port.time.as_clock(), timeout=10)
    [found] = walk_alone(look.execute([result_of(A, State.ENABLED)], patience, map), port.time)
    assert found.is_timed_out and found.problem and found.problem.reason is Reason.TIMED_OUT


@pytest.mark.parametrize("kept_out", [{"is_skipped": True}, {"is_purged": True}, {"is_timed_out": True}])
def test_execute_leaves_those_alone_that_are_not_to_stay_or_not_there_yet(kept_out: dict[str, bool]) -> None:
    port = FakeFeatures({A: of(X="DISABLED")})
    look = FeaturesLook(wish_of(X="ENABLED"), port, {})
    late = {name: value for name, value in kept_out.items() if name == "is_timed_out"}
    decided = {name: value for name, value in kept_out.items() if name != "is_timed_out"}
    result = replace(result_of(A, State.ENABLED, **decided), **late)
    assert walk_alone(look.execute([result], Patience(port.time.as_clock()), map), port.time) == [result]
    assert port.reads == port.sent == []
