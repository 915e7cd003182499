# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Outcome, Problem, Reason, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_delegation import (
    DelegationPlan,
    DelegationResult,
    DelegationWish,
    execute_delegation,
    plan_delegation,
    predict_delegation,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Delegate
from ansible_collections.muster.aws.plugins.module_utils._membership.result import judge_delegation
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    FakeClock,
    Script,
    failure,
    lost,
    raising,
    walk_alone,
)

RIGHT, OTHER = "111111111111", "012345678901"
LEAVING = "DISABLE_IN_PROGRESS"
STANDINGS = [None, *(Delegate(account_id, status) for account_id in (RIGHT, OTHER) for status in ("ENABLED", LEAVING))]
WISHES = [DelegationWish(RIGHT, is_present) for is_present in (True, False)]
NOT_SHOWN = Problem(Reason.TIMED_OUT, "AWS accepted the request but did not show its effect before the wait ended")


class FakeDelegation:
    """The management account's side of one Region. One that is being taken away is gone at a time of the clock."""

    def __init__(self, delegate: Delegate | None, gone_at: float = 30.0, shows_after: float = 0.0) -> None:
        self.time, self.script = FakeClock(), Script()
        self.delegate, self.gone_at, self.shows_after = delegate, self.time.now + gone_at, shows_after
        self.shown_at = 0.0
        self.log: list[str] = []

    def get_administrator(self) -> Delegate | None:
        self.script.play("get", "before")
        self.log.append("get")
        if self.delegate and not self.delegate.is_enabled and self.time.now >= self.gone_at:
            self.delegate = None
        return self.delegate if self.time.now >= self.shown_at else None

    def enable(self, administrator_id: str) -> None:
        self.script.play("enable", "before")
        self.log.append("enable")
        self.delegate, self.shown_at = Delegate(administrator_id, "ENABLED"), self.time.now + self.shows_after
        self.script.play("enable", "after")

    def disable(self, administrator_id: str) -> None:
        self.script.play("disable", "before")
        self.log.append("disable")
        assert self.delegate and self.delegate.account_id == administrator_id
        self.delegate = None if self.shows_after == 0 else Delegate(administrator_id, LEAVING)
        self.gone_at = self.time.now + self.shows_after
        self.script.play("disable", "after")


def carry_out(plan: DelegationPlan, port: FakeDelegation, wait: bool = True, timeout: float = 300) -> DelegationResult:
    return walk_alone(execute_delegation(plan, port, Patience(port.time.as_clock(), wait, timeout)), port.time)


def refused(text: str, code: str = "BadRequestException", reason: Reason = Reason.INTERNAL_ERROR) -> CallFailed:
    return CallFailed("EnableOrganizationAdminAccount", code, text, reason)


GENERIC = "The request is rejected because an invalid or out-of-range value is specified as an input parameter."


@pytest.mark.parametrize(("standing", "wish"), list(product(STANDINGS, WISHES)))
def test_every_standing_ends_as_predicted_and_is_then_left_alone(
    standing: Delegate | None, wish: DelegationWish
) -> None:
    port = FakeDelegation(standing)
    plan = plan_delegation(wish, standing)
    predicted = predict_delegation(plan)
    assert port.log == []
    assert (plan.wish, plan.before) == (wish, standing)
    result = carry_out(plan, port)
    assert result == predicted and result.before == standing
    assert [call for call in port.log if call != "get"] == [
        {Step.DELEGATE: "enable", Step.REVOKE: "disable"}[step] for step in plan.steps
    ]
    assert plan_delegation(wish, port.delegate).steps == ()


def test_another_administrator_is_named_and_never_asked_to_go() -> None:
    for wish in WISHES:
        plan = plan_delegation(wish, Delegate(OTHER, "ENABLED"))
        assert plan.steps == ()
        outcome, problem = judge_delegation(predict_delegation(plan))
        if wish.is_present:
            assert problem and problem.reason is Reason.OTHER_DELEGATED_ADMINISTRATOR and OTHER in problem.text
            assert outcome is Outcome.FAILED
        else:
            assert (outcome, problem) == (Outcome.UNCHANGED, None)


def test_one_that_is_being_taken_away_is_waited_for_no_longer_than_the_timeout() -> None:
    port = FakeDelegation(Delegate(OTHER, LEAVING), gone_at=1000)
    result = carry_out(plan_delegation(WISHES[0], port.delegate), port, timeout=60)
    assert judge_delegation(result)[0] is Outcome.TIMED_OUT and "enable" not in port.log
    assert result.problem and OTHER in result.problem.text and port.time.slept == 60
    assert result.before == result.after == Delegate(OTHER, LEAVING)


def test_a_read_that_fails_while_one_is_being_taken_away_ends_it_with_nothing_done() -> None:
    leaving = Delegate(OTHER, LEAVING)
    port = FakeDelegation(leaving)
    port.script.before("get", raising(failure()))
    result = carry_out(plan_delegation(WISHES[0], leaving), port)
    assert result == DelegationResult(leaving, leaving, (), failure().as_problem())


@pytest.mark.parametrize(("account_id", "reason"), [(OTHER, Reason.OTHER_DELEGATED_ADMINISTRATOR), (RIGHT, None)])
def test_somebody_else_delegates_while_one_is_being_taken_away(account_id: str, reason: Reason | None) -> None:
    port = FakeDelegation(Delegate(OTHER, LEAVING), gone_at=1000)
    plan = plan_delegation(WISHES[0], port.delegate)

    def interfere() -> None:
        port.delegate = Delegate(account_id, "ENABLED")

    port.script.before("get", None, interfere)
    result = carry_out(plan, port)
    assert (result.problem.reason if result.problem else None) is reason
    assert result.done == () and "enable" not in port.log


def test_enabled_late_is_waited_for_or_not() -> None:
    plan = plan_delegation(WISHES[0], None)
    port = FakeDelegation(None, shows_after=20)
    assert carry_out(plan, port).after == Delegate(RIGHT, "ENABLED")
    port = FakeDelegation(None, shows_after=20)
    result = carry_out(plan, port, wait=False)
    assert (result.after, result.done, result.problem, port.time.slept) == (None, (Step.DELEGATE,), None, 0)
    port = FakeDelegation(None, shows_after=2000)
    result = carry_out(plan, port)
    assert judge_delegation(result)[0] is Outcome.TIMED_OUT
    assert result == DelegationResult(None, None, (Step.DELEGATE,), NOT_SHOWN, True)


def test_revoked_is_waited_for_until_nobody_is_left() -> None:
    there, leaving = Delegate(RIGHT, "ENABLED"), Delegate(RIGHT, LEAVING)
    plan = plan_delegation(WISHES[1], there)
    port = FakeDelegation(there, shows_after=20)
    assert carry_out(plan, port) == DelegationResult(there, None, (Step.REVOKE,))
    assert port.time.slept >= 20
    port = FakeDelegation(there, shows_after=20)
    assert carry_out(plan, port, wait=False) == DelegationResult(there, leaving, (Step.REVOKE,))
    port = FakeDelegation(there, shows_after=2000)
    assert carry_out(plan, port) == DelegationResult(there, leaving, (Step.REVOKE,), NOT_SHOWN, True)
    port = FakeDelegation(there, shows_after=2000)
    port.script.before("get", None, raising(failure()))
    assert carry_out(plan, port) == DelegationResult(there, leaving, (Step.REVOKE,), failure().as_problem())


@pytest.mark.parametrize(
    "error",
    [
        refused(GENERIC),
        refused("Another request is already in progress.", "ConcurrentModificationException", Reason.OTHER),
        refused("", "ResourceConflictException", Reason.OTHER),
        refused("state not propagated", "InvalidInputException", Reason.INVALID_INPUT),
    ],
)
def test_an_organization_that_is_not_ready_is_asked_again_for_two_minutes(error: CallFailed) -> None:
    plan = plan_delegation(WISHES[0], None)
    port = FakeDelegation(None)
    port.script.before("enable", *[raising(error)] * 3)
    result = carry_out(plan, port)
    assert (result.done, result.problem) == ((Step.DELEGATE,), None)
    port = FakeDelegation(None)
    port.script.before("enable", *[raising(error)] * 1000)
    result = carry_out(plan, port)
    assert result.done == () and result.problem == error.as_problem() and port.time.slept == 120


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("AccessDeniedException", Reason.ACCESS_DENIED),
        ("InvalidInputException", Reason.OTHER_DELEGATED_ADMINISTRATOR),
        ("InvalidInputException", Reason.NOT_MANAGEMENT_ACCOUNT),
        ("InvalidInputException", Reason.ORGANIZATION_NOT_IN_USE),
    ],
)
def test_a_refusal_that_somebody_has_to_mend_is_told_at_once(code: str, reason: Reason) -> None:
    port = FakeDelegation(None)
    port.script.before("enable", raising(refused("no", code, reason)))
    result = carry_out(plan_delegation(WISHES[0], None), port)
    assert result.problem and result.problem.reason is reason and port.time.slept == 0


def test_revoking_is_refused_without_a_repetition() -> None:
    there = Delegate(RIGHT, "ENABLED")
    port = FakeDelegation(there)
    port.script.before("disable", raising(refused(GENERIC)))
    result = carry_out(plan_delegation(WISHES[1], there), port)
    assert result == DelegationResult(there, there, (), refused(GENERIC).as_problem()) and port.time.slept == 0


@pytest.mark.parametrize("wish", WISHES)
def test_a_lost_answer_counts_as_ours_where_a_look_shows_its_effect(wish: DelegationWish) -> None:
    standing = None if wish.is_present else Delegate(RIGHT, "ENABLED")
    call = "enable" if wish.is_present else "disable"
    plan = plan_delegation(wish, standing)
    port = FakeDelegation(standing)
    port.script.after(call, raising(lost()))
    result = carry_out(plan, port)
    assert (result.done, result.problem) == (plan.steps, None)
    port = FakeDelegation(standing)
    port.script.before(call, raising(lost()))  # it never arrived
    result = carry_out(plan, port)
    assert (result.done, result.problem) == (plan.steps, None) and port.log.count(call) == 1


def test_somebody_elses_call_is_not_our_change() -> None:
    port = FakeDelegation(None)

    def interfere() -> None:
        port.delegate = Delegate(RIGHT, "ENABLED")
        raise refused("already so")

    port.script.before("enable", interfere)
    result = carry_out(plan_delegation(WISHES[0], None), port)
    assert (result.done, result.problem, result.after) == ((), None, Delegate(RIGHT, "ENABLED"))
    assert judge_delegation(result) == (Outcome.UNCHANGED, None)
    assert judge_delegation(replace(result, done=(Step.DELEGATE,))) == (Outcome.CHANGED, None)


def test_a_read_that_fails_is_told_with_what_was_done() -> None:
    plan = plan_delegation(WISHES[0], None)
    port = FakeDelegation(None)
    port.script.before("get", raising(failure()))
    result = carry_out(plan, port)
    assert result.done == (Step.DELEGATE,) and result.problem == failure().as_problem()
    port = FakeDelegation(None)
    port.script.before("enable", raising(refused(GENERIC)))
    port.script.before("get", raising(failure()))
    result = carry_out(plan, port)
    assert result.done == () and result.problem == refused(GENERIC).as_problem()  # not the look's failure
