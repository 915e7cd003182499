# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member's side: look at an account through its port, and carry out the plan there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .model import Problem, Reason, Relationship, State, Step
from .plan_administrator import (
    AdministratorPlan,
    AdministratorPolicy,
    MemberSide,
    Standing,
    pick_invitation,
    plan_administrator,
)
from .port import AdministratorPort, CallFailed
from .reasons import is_not_associated, is_said_to_be_off
from .waiting import Patience, Walk

_Answer = TypeVar("_Answer")

# Refusals of an acceptance that the account's own view of its administrator settles.
_SETTLED_BY_READING = frozenset({Reason.ALREADY_MEMBER, Reason.MEMBER_OF_OTHER_ADMINISTRATOR})


@dataclass(frozen=True)
class AdministratorObservation:
    """What was read of one account, and the plan made of it.

    :param invitation: The invitation to accept, where the plan accepts and it was there already.
    """

    plan: AdministratorPlan
    invitation: Relationship | None = None


@dataclass(frozen=True)
class AdministratorResult:
    """What became of one account: facts, from which the row is shaped."""

    before: MemberSide
    after: Relationship | None
    invitation_id: str | None = None
    done: tuple[Step, ...] = ()
    problem: Problem | None = None
    is_timed_out: bool = False


def observe_member_side(port: AdministratorPort) -> MemberSide:
    """Read the account's administrator; a service that is off has none."""
    try:
        return MemberSide(True, port.get_administrator())
    except CallFailed as failure:
        if failure.reason is Reason.SERVICE_NOT_ENABLED:
            return MemberSide(False)
        raise


def observe_administrator(port: AdministratorPort, policy: AdministratorPolicy) -> AdministratorObservation:
    """Read what the plan needs, and no more: invitations only where one has to be there before anything is sent."""
    plan = plan_administrator(observe_member_side(port), policy)
    if not plan.needs_invitation:
        return AdministratorObservation(plan)
    return AdministratorObservation(plan, pick_invitation(port.list_invitations(), policy.administrator_id))


def no_invitation(policy: AdministratorPolicy) -> Problem:
    """The problem of an account that the expected administrator has not invited."""
    text = f"no invitation from {policy.administrator_id} that could be accepted"
    return Problem(Reason.NO_INVITATION, text, "ListInvitations")


def predict_administrator(observation: AdministratorObservation, policy: AdministratorPolicy) -> AdministratorResult:
    """Return what carrying out the plan should lead to, without a port at hand."""
    plan, invitation = observation.plan, observation.invitation
    if plan.needs_invitation and invitation is None:
        done = tuple(step for step in plan.steps[:1] if step is Step.ENABLE_SERVICE)
        return AdministratorResult(plan.before, plan.before.administrator, done=done, problem=no_invitation(policy))
    if not plan.steps:
        return AdministratorResult(plan.before, plan.before.administrator, problem=plan.problem)
    after = _joined(policy) if Step.ACCEPT in plan.steps else None
    return AdministratorResult(plan.before, after, invitation.invitation_id if invitation else None, plan.steps)


def _joined(policy: AdministratorPolicy) -> Relationship:
    return Relationship(policy.administrator_id, State.ENABLED, policy.joined_status)


def execute_administrator(
    observation: AdministratorObservation,
    port: AdministratorPort,
    policy: AdministratorPolicy,
    patience: Patience,
) -> Walk[AdministratorResult]:
    """Carry out the plan for one account in one Region, with a pause wherever AWS has to be waited for.

    :returns: What became of it. A failure is in the result; nothing is raised for it.
    """
    run = _Run(observation, port, policy, patience)
    try:
        yield from run.carry_out()
    except CallFailed as failure:
        run.problem = failure.as_problem()
    return run.result()


def _still_off(failure: CallFailed) -> CallFailed:
    return CallFailed(failure.operation, failure.code, failure.text, Reason.TIMED_OUT)


@dataclass
class _Run:
    """One account on its way.

    ``is_fresh``: the service was just switched on, so that AWS may still speak as if it were off.
    """

    observation: AdministratorObservation
    port: AdministratorPort
    policy: AdministratorPolicy
    patience: Patience
    side: MemberSide = field(init=False)
    invitation: Relationship | None = field(init=False)
    done: list[Step] = field(default_factory=list)
    problem: Problem | None = field(init=False)
    is_timed_out: bool = False
    is_fresh: bool = False

    def __post_init__(self) -> None:
        self.side = self.observation.plan.before
        self.invitation = self.observation.invitation
        self.problem = self.observation.plan.problem

    def result(self) -> AdministratorResult:
        return AdministratorResult(
            self.observation.plan.before,
            self.side.administrator,
            self.invitation.invitation_id if self.invitation else None,
            tuple(self.done),
            self.problem,
            self.is_timed_out,
        )

    def carry_out(self) -> Walk[None]:
        steps = {Step.ENABLE_SERVICE: self._enable, Step.LEAVE: self._leave, Step.ACCEPT: self._accept}
        for step in self.observation.plan.steps:
            if self.problem or self.is_timed_out:
                return
            yield from steps[step]()

    def _patiently(self, call: Callable[[], _Answer]) -> Walk[_Answer]:
        """Make a call; where AWS does not know yet that the service is on, make it again, up to the timeout."""
        wait = self.patience.begin()
        while True:
            try:
                return call()
            except CallFailed as failure:
                if not self.is_fresh or not is_said_to_be_off(failure.code, failure.text, failure.reason):
                    raise
                if not (yield from wait.for_another_look()):
                    raise _still_off(failure) from failure

    def _standing(self) -> Standing:
        return self.side.standing(self.policy.administrator_id)

    def _read(self) -> Walk[Standing]:
        if self.is_fresh:
            self.side = MemberSide(True, (yield from self._patiently(self.port.get_administrator)))
        else:
            self.side = observe_member_side(self.port)
        return self._standing()

    def _enable(self) -> Walk[None]:
        try:
            is_done = self.port.enable_service()
        except CallFailed as failure:
            if not failure.is_uncertain or not observe_member_side(self.port).is_service_on:
                raise
            is_done = True
        if is_done:
            self.done.append(Step.ENABLE_SERVICE)
        self.side, self.is_fresh = MemberSide(True), True
        # Nothing to wait for: the calls that follow find out whether AWS shows it.
        yield from ()

    def _leave(self) -> Walk[None]:
        if self.observation.plan.needs_invitation and not (yield from self._await_invitation()):
            return
        # The plan may be minutes old: nobody is left whom it was not made for.
        before = yield from self._read()
        plan = plan_administrator(self.side, self.policy)
        if Step.LEAVE not in plan.steps:
            self.problem = plan.problem
            return
        try:
            self.port.leave_administrator()
            self.done.append(Step.LEAVE)
        except CallFailed as failure:
            if not is_not_associated(failure.text):
                yield from self._settle_doubt(failure, Step.LEAVE, has_arrived=lambda now: now is not before)
                return
            if failure.is_uncertain:
                # Said to the repetition of a request whose answer was lost: that one has left.
                self.done.append(Step.LEAVE)
        if self.patience.wait or Step.ACCEPT in self.observation.plan.steps:
            yield from self._await(lambda now: now is not before)
        else:
            self.side = replace(self.side, administrator=None)

    def _look_for_invitation(self) -> Walk[bool]:
        if self.invitation is None:
            invitations = yield from self._patiently(self.port.list_invitations)
            self.invitation = pick_invitation(invitations, self.policy.administrator_id)
        return self.invitation is not None

    def _await_invitation(self) -> Walk[bool]:
        wait, is_first = self.patience.begin(), True
        while not (yield from self._look_for_invitation()):
            if is_first and (yield from self._read()) is Standing.JOINED:
                # Somebody else has accepted it since the plan was made.
                return False
            is_first = False
            if not self.patience.wait or not (yield from wait.for_another_look()):
                self.problem = no_invitation(self.policy)
                return False
        return True

    def _accept(self) -> Walk[None]:
        if self._standing() is Standing.JOINED:
            return
        wait, is_first = self.patience.begin(), True
        while True:
            yield from self._look_for_invitation()
            refusal = (yield from self._accept_once(self.invitation)) if self.invitation else no_invitation(self.policy)
            if refusal and is_first and (yield from self._read()) is Standing.JOINED:
                # Somebody else has accepted it since the plan was made.
                refusal = None
            is_first = False
            if refusal is None or not self.patience.wait or not (yield from wait.for_another_look()):
                break
            # AWS shows an invitation late, and may forget one that was listed: look again.
            self.invitation = None
        self.problem = self.problem or refusal

    def _accept_once(self, invitation: Relationship) -> Walk[Problem | None]:
        """Accept; return why the invitation could not be found, the only refusal that is worth another look."""
        administrator_id, invitation_id = invitation.administrator_id, invitation.invitation_id or ""
        try:
            yield from self._patiently(lambda: self.port.accept_invitation(administrator_id, invitation_id))
        except CallFailed as failure:
            if failure.reason is Reason.NO_INVITATION:
                if not failure.is_uncertain or (yield from self._read()) is not Standing.JOINED:
                    return failure.as_problem()
                # Said to the repetition of a request whose answer was lost: that one has used the invitation up.
                self.done.append(Step.ACCEPT)
                return None
            yield from self._settle_doubt(failure, Step.ACCEPT, has_arrived=lambda now: now is Standing.JOINED)
            return None
        self.done.append(Step.ACCEPT)
        if self.patience.wait:
            yield from self._await(lambda now: now is Standing.JOINED)
        else:
            self.side = MemberSide(True, _joined(self.policy))
        return None

    def _await(self, has_arrived: Callable[[Standing], bool]) -> Walk[None]:
        wait = self.patience.begin()
        while not has_arrived((yield from self._read())):
            if not (yield from wait.for_another_look()):
                self.is_timed_out = True
                return

    def _settle_doubt(self, failure: CallFailed, step: Step, has_arrived: Callable[[Standing], bool]) -> Walk[None]:
        """Let the account's own view decide whether a failed request took effect, or was not needed any more."""
        self.problem = failure.as_problem()
        if not failure.is_uncertain and failure.reason not in _SETTLED_BY_READING:
            return
        if has_arrived((yield from self._read())):
            self.problem = None
            if failure.is_uncertain:
                self.done.append(step)
        elif step is Step.ACCEPT and self._standing() is Standing.ELSEWHERE:
            self.problem = plan_administrator(self.side, replace(self.policy, replace_administrator=False)).problem
