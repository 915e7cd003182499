# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's side: from what is wanted and what is there to what has to be sent. Pure and total.

For every wish there is one table with a row for every state: the steps to send and the state they lead to, or the
reason why nothing can be done. The user's options do not branch the planner, they replace rows of the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from .model import Account, Action, Member, Reason, ServiceFacts, State, Step, batches
from .reasons import STATE_REASONS

# The order of all steps of a Region: what ends comes before what begins, and each account's own steps are a
# subsequence of it, so that one pass over the list serves every account in full batches.
ORDER = (
    Step.DISASSOCIATE,
    Step.DELETE,
    Step.CREATE,
    Step.INVITE,
    Step.START_MONITORING,
    Step.STOP_MONITORING,
)


class Wish(str, Enum):
    """The ``state`` option."""

    PRESENT = "present"
    DISASSOCIATED = "disassociated"
    ABSENT = "absent"


@dataclass(frozen=True)
class MemberPolicy:
    """The options of the member modules that decide about steps. See the modules' documentation."""

    wish: Wish = Wish.PRESENT
    via_organization: bool = False
    invite: bool = True
    reinvite_resigned: bool = False
    replace_failed: bool = False
    monitoring: str | None = None
    purge: bool = False


@dataclass(frozen=True)
class Row:
    """What to do in a state: the steps, the state they lead to, or why nothing can be done about it."""

    steps: tuple[Step, ...]
    then: State
    problem: tuple[Reason, str] | None = None


@dataclass(frozen=True)
class Decision:
    """The plan for one account: its steps, the state they are predicted to lead to, and the table they come from."""

    account: Account
    before: Member
    table: Mapping[State, Row]
    is_purged: bool = False
    is_skipped: bool = False

    @property
    def account_id(self) -> str:
        return self.account.account_id

    @property
    def row(self) -> Row:
        return Row((), self.before.state, _IS_ADMINISTRATOR) if self.is_skipped else self.table[self.before.state]

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def then(self) -> State:
        return self.row.then


@dataclass(frozen=True)
class MembersPlan:
    """The plan for one Region: a decision for each account, sorted by account id."""

    decisions: tuple[Decision, ...]
    facts: ServiceFacts
    warnings: tuple[str, ...] = ()

    @property
    def actions(self) -> list[Action]:
        """The calls in the order in which they are sent, each with as many accounts as it takes."""
        actions = []
        for step in ORDER:
            ids = [decision.account_id for decision in self.decisions if step in decision.steps]
            limit = self.facts.limit(step)
            actions += [Action(self.facts.operations[step], tuple(batch)) for batch in batches(ids, limit)]
        return actions


_IS_ADMINISTRATOR = (Reason.IS_ADMINISTRATOR, "the calling account is the administrator itself")

_RECORD_BY_INVITATION = (
    "the record is no membership in the organization: it comes from an invitation, or the account is not in the "
    "organization; remove it with state=absent first, or use via=invitation"
)


def _same(steps: tuple[Step, ...], then: State, *states: State) -> dict[State, Row]:
    return {state: Row(steps, then) for state in states}


def _keep(*states: State) -> dict[State, Row]:
    return {state: Row((), state) for state in states}


# States that are no association, so that there is none to end.
_NOT_ASSOCIATED = (
    State.ABSENT,
    State.CREATED,
    State.VERIFICATION_FAILED,
    State.REMOVED,
    State.RESIGNED,
    State.DELETED,
)
_ASSOCIATED = (State.VERIFYING, State.INVITED, State.ARRIVING, State.ENABLED, State.SUSPENDED)

# States of which AWS does not say whether there is an association to end before the record can be deleted: where its
# end is refused, or silently not brought about, the record is deleted all the same.
MAYBE_ASSOCIATED = frozenset({State.VERIFYING, State.INVITED, State.ACCOUNT_SUSPENDED})

# In every table: a state is left alone, and reported where it is neither a goal nor on the way to one.
_LEAVE_ALONE = {state: Row((), state, STATE_REASONS.get(state)) for state in State}

_BY_INVITATION = {
    **_same((Step.CREATE, Step.INVITE), State.INVITED, State.ABSENT, State.DELETED),
    **_same((Step.INVITE,), State.INVITED, State.CREATED, State.REMOVED),
}
# Where creating invites, a record that is there already can only be replaced to invite again.
_BY_CREATION = {
    **_same((Step.CREATE,), State.INVITED, State.ABSENT, State.DELETED),
    **_same((Step.DELETE, Step.CREATE), State.INVITED, State.CREATED, State.REMOVED),
}
_WITHOUT_INVITATION = {
    **_same((Step.CREATE,), State.CREATED, State.ABSENT, State.DELETED),
    **_same((Step.DISASSOCIATE,), State.REMOVED, State.VERIFYING, State.INVITED),
}
_BY_ORGANIZATION = {
    **_same((Step.CREATE,), State.ENABLED, State.ABSENT, State.DELETED, State.REMOVED),
    State.CREATED: Row((), State.CREATED, (Reason.ALREADY_MEMBER, _RECORD_BY_INVITATION)),
    State.VERIFYING: Row((), State.VERIFYING, (Reason.ALREADY_INVITED, _RECORD_BY_INVITATION)),
    State.INVITED: Row((), State.INVITED, (Reason.ALREADY_INVITED, _RECORD_BY_INVITATION)),
}
_DISASSOCIATED = {
    **_keep(*_NOT_ASSOCIATED),
    **_same((Step.DISASSOCIATE,), State.REMOVED, *_ASSOCIATED),
}
_ABSENT = {
    **_keep(State.ABSENT, State.DELETED),
    **_same((Step.DELETE,), State.ABSENT, *[s for s in _NOT_ASSOCIATED if s not in (State.ABSENT, State.DELETED)]),
    **_same((Step.DISASSOCIATE, Step.DELETE), State.ABSENT, *_ASSOCIATED, State.ACCOUNT_SUSPENDED),
}
# DeleteMembers refuses an organization's members: once disassociated, such a member is as absent as it can be.
_ABSENT_BUT_KEPT = {
    **_ABSENT,
    **_keep(State.REMOVED),
    **_same((Step.DISASSOCIATE,), State.REMOVED, *_ASSOCIATED, State.ACCOUNT_SUSPENDED),
}


def rows_for(policy: MemberPolicy, facts: ServiceFacts) -> dict[State, Row]:
    """Return the table for the user's options: a row for every state.

    Source: the transition tables and the "return to Enabled" lists of the membership reference.
    """
    if policy.wish is Wish.PRESENT:
        rows = _present_rows(policy, facts)
    elif policy.wish is Wish.DISASSOCIATED:
        rows = {**_LEAVE_ALONE, **_DISASSOCIATED}
    else:
        is_kept = policy.via_organization and not facts.deletes_organization_members
        rows = {**_LEAVE_ALONE, **(_ABSENT_BUT_KEPT if is_kept else _ABSENT)}
    return {state: _as_the_service_can(row, state, facts) for state, row in rows.items()}


def _as_the_service_can(row: Row, state: State, facts: ServiceFacts) -> Row:
    """Return a row for a service that ends and deletes by one call, or has nothing to delete."""
    if Step.DISASSOCIATE not in facts.operations and Step.DISASSOCIATE in row.steps:
        ended = {Step.DISASSOCIATE: Step.DELETE}
        steps = tuple(dict.fromkeys(ended.get(step, step) for step in row.steps))
        return replace(row, steps=steps, then=State.ABSENT)
    if Step.DELETE not in facts.operations and Step.DELETE in row.steps:
        steps = tuple(step for step in row.steps if step is not Step.DELETE)
        then = row.then if row.then is not State.ABSENT else State.REMOVED if steps else state
        return replace(row, steps=steps, then=then)
    return row


def explain_policy(policy: MemberPolicy, facts: ServiceFacts) -> str | None:
    """Return what the options ask for that the service does not have, ``None`` if nothing."""
    if policy.wish is not Wish.PRESENT:
        return None
    if facts.creating_invites and not policy.invite and not policy.via_organization:
        return f"invite=false is not possible: {facts.title} invites an account as it creates its record"
    needed = {"enabled": Step.START_MONITORING, "suspended": Step.STOP_MONITORING}.get(policy.monitoring or "")
    if needed and needed not in facts.operations:
        return f"monitoring={policy.monitoring} is not possible: {facts.title} cannot do that for a member"
    return None


def _present_rows(policy: MemberPolicy, facts: ServiceFacts) -> dict[State, Row]:
    rows = dict(_LEAVE_ALONE)
    if policy.via_organization:
        rows.update(_BY_ORGANIZATION)
    elif facts.creating_invites:
        rows.update(_BY_CREATION)
    else:
        rows.update(_BY_INVITATION if policy.invite else _WITHOUT_INVITATION)
    anew = rows[State.ABSENT]
    replaced = Row((Step.DELETE, *anew.steps), anew.then)
    if policy.reinvite_resigned and (policy.via_organization or policy.invite):
        rows[State.RESIGNED] = replaced if policy.via_organization else rows[State.REMOVED]
    if policy.replace_failed:
        rows[State.VERIFICATION_FAILED] = replaced
    return {state: _with_monitoring(row, policy.monitoring) for state, row in rows.items()}


def _with_monitoring(row: Row, monitoring: str | None) -> Row:
    if monitoring == "enabled" and row.then is State.SUSPENDED:
        return Row((*row.steps, Step.START_MONITORING), State.ENABLED)
    if monitoring == "suspended" and row.then is State.ENABLED:
        return Row((*row.steps, Step.STOP_MONITORING), State.SUSPENDED)
    return row


def plan_members(
    desired: Iterable[Account],
    observed: Iterable[Member],
    policy: MemberPolicy,
    facts: ServiceFacts,
    caller_id: str,
) -> MembersPlan:
    """Decide what to send for each account of one Region.

    :param desired: The listed accounts; ids must be unique.
    :param observed: The records that were read. Records of accounts that are not listed matter to a purge only.
    :param policy: The user's options.
    :param facts: The service.
    :param caller_id: The administrator, which is never its own member.
    :returns: The plan. It does not depend on the order of its inputs.
    """
    wanted = {account.account_id: account for account in desired}
    records = {member.account_id: member for member in observed}
    table = rows_for(policy, facts)
    decisions = [
        Decision(
            account,
            records.get(account_id, Member(account_id)),
            table,
            is_skipped=account_id == caller_id,
        )
        for account_id, account in wanted.items()
    ]
    if policy.purge:
        absent = rows_for(MemberPolicy(wish=Wish.ABSENT, via_organization=policy.via_organization), facts)
        decisions += [
            Decision(Account(member.account_id), member, absent, is_purged=True)
            for member in records.values()
            if member.account_id not in {*wanted, caller_id} and absent[member.state] != Row((), member.state)
        ]
    decisions.sort(key=lambda decision: decision.account_id)
    warnings = [text for decision in decisions for text in _warnings(decision, policy)]
    is_inviting = policy.wish is Wish.PRESENT and not policy.via_organization and not policy.reinvite_resigned
    if is_inviting and not facts.remembers_leavers and any(Step.CREATE in d.steps for d in decisions):
        warnings.append(f"{facts.title} does not tell who left or declined: such an account is invited again")
    return MembersPlan(tuple(decisions), facts, tuple(warnings))


def _warnings(decision: Decision, policy: MemberPolicy) -> Iterable[str]:
    """What is no failure but the operator should know."""
    if policy.wish is not Wish.PRESENT or decision.is_purged or decision.is_skipped:
        return
    before, wanted = decision.before, decision.account.email
    if before.state is State.SUSPENDED and policy.monitoring is None:
        yield f"{decision.account_id}: monitoring is suspended (status {before.status}); monitoring=enabled starts it"
    is_different = wanted and before.email and wanted.lower() != before.email.lower()
    if is_different and Step.CREATE not in decision.steps:
        yield (
            f"{decision.account_id}: the record has the e-mail {before.email}, not {wanted}; "
            "AWS cannot change it in place, so it is left as it is"
        )


def explain_purge(plans: Collection[MembersPlan], limit: int) -> str | None:
    """Return why this purge must not start, ``None`` if it may.

    :param plans: The plans of all Regions: the limit is for the task, and counts each account once.
    :param limit: The most accounts to remove.
    """
    ids = sorted({d.account_id for plan in plans for d in plan.decisions if d.is_purged and d.steps})
    if len(ids) <= limit:
        return None
    named = ", ".join(ids[:20]) + (" ..." if len(ids) > 20 else "")
    accounts = "1 account" if len(ids) == 1 else f"{len(ids)} accounts"
    return (
        f"purge_members would remove {accounts}, more than purge_limit={limit}; nothing was sent. "
        f"Not listed: {named}. List them, or raise purge_limit"
    )
