# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member's side: look at an account through its port, and carry out the plan there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

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
from .reasons import is_not_associated
from .waiting import Patience

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
        return AdministratorResult(plan.before, plan.before.administrator, problem=no_invitation(policy))
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
) -> AdministratorResult:
    """Carry out the plan for one account in one Region.

    :returns: What became of it. A failure is in the result; nothing is raised for it.
    """
    run = _Run(observation, port, policy, patience)
    try:
        run.carry_out()
    except CallFailed as failure:
        run.problem = failure.as_problem()
    return run.result()


@dataclass
class _Run:
    observation: AdministratorObservation
    port: AdministratorPort
    policy: AdministratorPolicy
    patience: Patience
    side: MemberSide = field(init=False)
    invitation: Relationship | None = field(init=False)
    done: list[Step] = field(default_factory=list)
    problem: Problem | None = field(init=False)
    is_timed_out: bool = False

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

    def carry_out(self) -> None:
        steps = {Step.ENABLE_SERVICE: self._enable, Step.LEAVE: self._leave, Step.ACCEPT: self._accept}
        for step in self.observation.plan.steps:
            if self.problem or self.is_timed_out:
                return
            steps[step]()

    def _standing(self) -> Standing:
        return self.side.standing(self.policy.administrator_id)

    def _read(self) -> Standing:
        self.side = observe_member_side(self.port)
        return self._standing()

    def _enable(self) -> None:
        try:
            is_done = self.port.enable_service()
        except CallFailed as failure:
            if not failure.is_uncertain or not observe_member_side(self.port).is_service_on:
                raise
            is_done = True
        if is_done:
            self.done.append(Step.ENABLE_SERVICE)
        self.side = MemberSide(True)

    def _leave(self) -> None:
        if self.observation.plan.needs_invitation and not self._await_invitation():
            return
        # The plan may be minutes old: nobody is left whom it was not made for.
        before = self._read()
        plan = plan_administrator(self.side, self.policy)
        if Step.LEAVE not in plan.steps:
            self.problem = plan.problem
            return
        try:
            self.port.leave_administrator()
            self.done.append(Step.LEAVE)
        except CallFailed as failure:
            if not is_not_associated(failure.text):
                self._settle_doubt(failure, Step.LEAVE, has_arrived=lambda now: now is not before)
                return
            if failure.is_uncertain:
                # Said to the repetition of a request whose answer was lost: that one has left.
                self.done.append(Step.LEAVE)
        if self.patience.wait or Step.ACCEPT in self.observation.plan.steps:
            self._await(lambda now: now is not before)
        else:
            self.side = replace(self.side, administrator=None)

    def _look_for_invitation(self) -> bool:
        if self.invitation is None:
            self.invitation = pick_invitation(self.port.list_invitations(), self.policy.administrator_id)
        return self.invitation is not None

    def _await_invitation(self) -> bool:
        for number, _look in enumerate(self.patience.looks()):
            if self._look_for_invitation():
                return True
            if number == 0 and self._read() is Standing.JOINED:
                # Somebody else has accepted it since the plan was made.
                return False
            if not self.patience.wait:
                break
        self.problem = no_invitation(self.policy)
        return False

    def _accept(self) -> None:
        if self._standing() is Standing.JOINED:
            return
        refusal: Problem | None = None
        for number, _look in enumerate(self.patience.looks()):
            self._look_for_invitation()
            refusal = self._accept_once(self.invitation) if self.invitation else no_invitation(self.policy)
            if refusal and number == 0 and self._read() is Standing.JOINED:
                # Somebody else has accepted it since the plan was made.
                refusal = None
            if refusal is None or not self.patience.wait:
                break
            # AWS shows an invitation late, and may forget one that was listed: look again.
            self.invitation = None
        self.problem = self.problem or refusal

    def _accept_once(self, invitation: Relationship) -> Problem | None:
        """Accept; return why the invitation could not be found, the only refusal that is worth another look."""
        try:
            self.port.accept_invitation(invitation.administrator_id, invitation.invitation_id or "")
        except CallFailed as failure:
            if failure.reason is Reason.NO_INVITATION:
                if not failure.is_uncertain or self._read() is not Standing.JOINED:
                    return failure.as_problem()
                # Said to the repetition of a request whose answer was lost: that one has used the invitation up.
                self.done.append(Step.ACCEPT)
                return None
            self._settle_doubt(failure, Step.ACCEPT, has_arrived=lambda now: now is Standing.JOINED)
            return None
        self.done.append(Step.ACCEPT)
        if self.patience.wait:
            self._await(lambda now: now is Standing.JOINED)
        else:
            self.side = MemberSide(True, _joined(self.policy))
        return None

    def _await(self, has_arrived: Callable[[Standing], bool]) -> None:
        for _look in self.patience.looks():
            if has_arrived(self._read()):
                return
        self.is_timed_out = True

    def _settle_doubt(self, failure: CallFailed, step: Step, has_arrived: Callable[[Standing], bool]) -> None:
        """Let the account's own view decide whether a failed request took effect, or was not needed any more."""
        self.problem = failure.as_problem()
        if not failure.is_uncertain and failure.reason not in _SETTLED_BY_READING:
            return
        if has_arrived(self._read()):
            self.problem = None
            if failure.is_uncertain:
                self.done.append(step)
        elif step is Step.ACCEPT and self._standing() is Standing.ELSEWHERE:
            self.problem = plan_administrator(self.side, replace(self.policy, replace_administrator=False)).problem
