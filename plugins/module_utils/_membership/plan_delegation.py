# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who the delegated administrator of a service is, in one Region: plan and execution, for the management account.

Everything is read before anything is sent. Another administrator is never replaced: AWS would have to be asked to take
it away first, and its members would stand alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import Problem, Reason, Step
from .port import CallFailed, Delegate, DelegationPort
from .reasons import is_settling
from .waiting import Patience, Walk

# Seconds for which a refusal of AWS Organizations may still mean "not ready yet".
SETTLING = 120.0


@dataclass(frozen=True)
class DelegationWish:
    """The one administrator that is asked for, or is to be no administrator any more."""

    administrator_id: str
    is_present: bool = True


@dataclass(frozen=True)
class DelegationPlan:
    """The plan for one Region."""

    wish: DelegationWish
    before: Delegate | None
    steps: tuple[Step, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True)
class DelegationResult:
    """What became of the delegation in one Region."""

    before: Delegate | None
    after: Delegate | None
    done: tuple[Step, ...] = ()
    problem: Problem | None = None
    is_timed_out: bool = False


def plan_delegation(wish: DelegationWish, before: Delegate | None) -> DelegationPlan:
    """Decide what to send. Pure. An administrator that AWS is taking away counts as none: it is waited for."""
    is_wanted = before is not None and before.account_id == wish.administrator_id
    is_enabled = before is not None and before.is_enabled
    if not wish.is_present:
        return DelegationPlan(wish, before, (Step.REVOKE,) if is_wanted and is_enabled else ())
    if before is None or not is_enabled:
        return DelegationPlan(wish, before, (Step.DELEGATE,))
    if is_wanted:
        return DelegationPlan(wish, before)
    text = f"{before.account_id} is the delegated administrator in this Region"
    return DelegationPlan(wish, before, problem=Problem(Reason.OTHER_DELEGATED_ADMINISTRATOR, text))


def predict_delegation(plan: DelegationPlan) -> DelegationResult:
    """Return what carrying out the plan should lead to, without a port at hand."""
    after = plan.before
    if plan.steps:
        after = Delegate(plan.wish.administrator_id, Delegate.ENABLED) if plan.wish.is_present else None
    return DelegationResult(plan.before, after, plan.steps, plan.problem)


def execute_delegation(plan: DelegationPlan, port: DelegationPort, patience: Patience) -> Walk[DelegationResult]:
    """Carry out the plan, and read until AWS shows it, with a pause wherever AWS has to be waited for."""
    if not plan.steps:
        return DelegationResult(plan.before, plan.before, problem=plan.problem)
    try:
        return (yield from _Delegation(plan, port, patience).result())
    except CallFailed as failure:
        return DelegationResult(plan.before, plan.before, problem=failure.as_problem())


class _Delegation:
    def __init__(self, plan: DelegationPlan, port: DelegationPort, patience: Patience) -> None:
        self._plan = plan
        self._port = port
        self._patience = patience
        self._now = plan.before

    def result(self) -> Walk[DelegationResult]:
        [step] = self._plan.steps
        problem = (yield from self._wait_for_the_end()) if step is Step.DELEGATE else None
        done: tuple[Step, ...] = ()
        if problem is None:
            is_ours, problem = yield from self._send(step)
            done = (step,) if is_ours else ()
        if problem is not None:
            return DelegationResult(self._plan.before, self._now, done, problem)
        return (yield from self._read_back(done))

    def _wait_for_the_end(self) -> Walk[Problem | None]:
        """Wait until an administrator that AWS is taking away is gone."""
        if self._now is None:
            return None
        wait = self._patience.begin()
        while (yield from wait.for_another_look()):
            self._now = self._port.get_administrator()
            if self._now is None:
                return None
            if self._now.is_enabled:
                return plan_delegation(self._plan.wish, self._now).problem
        text = f"AWS was still taking {self._now.account_id} away as administrator when the wait ended"
        return Problem(Reason.TIMED_OUT, text)

    def _send(self, step: Step) -> Walk[tuple[bool, Problem | None]]:
        """Send the call; tell whether it was ours that counted, and what went wrong."""
        wish = self._plan.wish
        if self._is_reached() and self._now is not None:
            return False, None  # somebody else was faster while we waited
        call = self._port.enable if step is Step.DELEGATE else self._port.disable
        wait = self._patience.at_most(SETTLING).begin()
        while True:
            try:
                call(wish.administrator_id)
                return True, None
            except CallFailed as failure:
                problem, is_uncertain = failure.as_problem(), failure.is_uncertain
                is_passing = step is Step.DELEGATE and is_settling(
                    failure.operation, failure.code, failure.text, failure.reason
                )
            # AWS's texts do not tell "already so" from "not ready" and "wrong": a look does.
            try:
                self._now = self._port.get_administrator()
            except CallFailed:
                return False, problem  # the refusal is what to tell
            if self._is_reached():
                return is_uncertain, None
            is_worth_it = is_passing or is_uncertain
            if not is_worth_it or not (yield from wait.for_another_look()):
                return False, problem

    def _is_reached(self) -> bool:
        planned = plan_delegation(self._plan.wish, self._now)
        return not planned.steps and planned.problem is None

    def _read_back(self, done: tuple[Step, ...]) -> Walk[DelegationResult]:
        before, wait = self._plan.before, self._patience.begin()
        try:
            while True:
                self._now = self._port.get_administrator()
                is_gone = self._plan.wish.is_present or self._now is None
                if not self._patience.wait or (self._is_reached() and is_gone):
                    return DelegationResult(before, self._now, done)
                if not (yield from wait.for_another_look()):
                    break
        except CallFailed as failure:
            return DelegationResult(before, self._now, done, failure.as_problem())
        text = "AWS accepted the request but did not show its effect before the wait ended"
        return DelegationResult(before, self._now, done, Problem(Reason.TIMED_OUT, text), True)
