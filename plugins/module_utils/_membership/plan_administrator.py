# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member's side: who the administrator of an account is to be, and what has to be sent for it. Pure and total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .model import Problem, Reason, Relationship, State, Step

# Associated: monitored, or suspended by GuardDuty's StopMonitoringMembers.
_ACTIVE = frozenset({State.ENABLED, State.SUSPENDED})

# Invitations that can be accepted. After leaving, the earlier invitation can be accepted again.
_ACCEPTABLE = frozenset({State.INVITED, State.RESIGNED})


class Standing(Enum):
    """Where an account stands towards the administrator that is asked for."""

    SERVICE_OFF = "the service is off"
    ALONE = "no administrator"
    JOINED = "member of the administrator asked for"
    ELSEWHERE = "member of another administrator"
    UNKNOWN = "unknown status"


@dataclass(frozen=True)
class AdministratorPolicy:
    """The options of the administrator modules that decide about steps. See the modules' documentation.

    :param joined_status: AWS's word for a member, for predictions.
    :param invites_held_accounts: The fact of the service, see ServiceFacts.
    :param foresees_invitations: Check mode in a service whose invitations can be asked for while it is off.
    """

    administrator_id: str
    is_present: bool = True
    enable_service: bool = False
    replace_administrator: bool = False
    joined_status: str | None = None
    invites_held_accounts: bool = False
    foresees_invitations: bool = False


@dataclass(frozen=True)
class MemberSide:
    """What an account sees of its administrator."""

    is_service_on: bool
    administrator: Relationship | None = None

    def standing(self, administrator_id: str) -> Standing:
        """Classify. The administrator may be listed with a status that is no association (any more)."""
        if not self.is_service_on:
            return Standing.SERVICE_OFF
        if self.administrator is None:
            return Standing.ALONE
        if self.administrator.state is State.UNKNOWN:
            return Standing.UNKNOWN
        if self.administrator.state not in _ACTIVE:
            return Standing.ALONE
        return Standing.JOINED if self.administrator.administrator_id == administrator_id else Standing.ELSEWHERE


@dataclass(frozen=True)
class AdministratorPlan:
    """The plan for one account in one Region.

    :param needs_invitation: The invitation is looked for first. Nothing but switching the service on is sent before it
        is there.
    """

    before: MemberSide
    steps: tuple[Step, ...] = ()
    problem: Problem | None = None
    needs_invitation: bool = False


_Rows = Mapping[Standing, tuple[Step, ...]]

_PRESENT: _Rows = {
    Standing.SERVICE_OFF: (Step.ENABLE_SERVICE, Step.ACCEPT),
    Standing.ALONE: (Step.ACCEPT,),
    Standing.JOINED: (),
    Standing.ELSEWHERE: (Step.LEAVE, Step.ACCEPT),
    Standing.UNKNOWN: (),
}
_ABSENT: _Rows = {
    Standing.SERVICE_OFF: (),
    Standing.ALONE: (),
    Standing.JOINED: (Step.LEAVE,),
    Standing.ELSEWHERE: (),
    Standing.UNKNOWN: (),
}


def plan_administrator(side: MemberSide, policy: AdministratorPolicy) -> AdministratorPlan:
    """Decide what to send for one account in one Region.

    Another administrator is left, and the service switched on, only where the options say so. Where the invitation can
    be there while the account still belongs to the other administrator, it must be: leaving first could leave the
    account without any.
    """
    standing = side.standing(policy.administrator_id)
    problem = _problem(standing, side, policy)
    if problem:
        return AdministratorPlan(side, (), problem)
    steps = (_PRESENT if policy.is_present else _ABSENT)[standing]
    can_come_first = {
        Step.ACCEPT: True,
        Step.LEAVE: policy.invites_held_accounts,
        Step.ENABLE_SERVICE: policy.foresees_invitations,
    }
    return AdministratorPlan(side, steps, None, Step.ACCEPT in steps and can_come_first[steps[0]])


def _problem(standing: Standing, side: MemberSide, policy: AdministratorPolicy) -> Problem | None:
    administrator = side.administrator
    if standing is Standing.UNKNOWN and administrator:
        text = f"the relationship with {administrator.administrator_id} has the unknown status {administrator.status!r}"
        return Problem(Reason.UNKNOWN_STATUS, text)
    if not policy.is_present:
        return None
    if standing is Standing.SERVICE_OFF and not policy.enable_service:
        return Problem(Reason.SERVICE_NOT_ENABLED, "the service is off in this account and Region")
    if standing is Standing.ELSEWHERE and administrator and not policy.replace_administrator:
        text = f"the account is a member of {administrator.administrator_id} (status {administrator.status})"
        return Problem(Reason.MEMBER_OF_OTHER_ADMINISTRATOR, text)
    return None


def pick_invitation(invitations: Iterable[Relationship], administrator_id: str) -> Relationship | None:
    """Return the newest invitation of this administrator that can be accepted; never anybody else's."""
    mine = [
        i
        for i in invitations
        if i.administrator_id == administrator_id and i.state in _ACCEPTABLE and (i.invitation_id or "").strip()
    ]
    return max(mine, key=lambda i: (i.invited_at or "", i.invitation_id or ""), default=None)
