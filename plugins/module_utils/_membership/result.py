# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what became of each account to what a task returns: the rows of the contract. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .execute_administrator import AdministratorResult
from .execute_members import MemberResult
from .features import FeatureWish, show_features
from .model import (
    Action,
    OrganizationKind,
    Outcome,
    Problem,
    Reason,
    Relationship,
    ServiceFacts,
    ServiceKind,
    State,
    Step,
)
from .plan_delegation import DelegationResult
from .plan_organization import OrganizationRecord, OrganizationResult
from .plan_service import ServiceResult
from .port import Delegate
from .reasons import HINTS, RETRYABLE, STATE_REASONS
from .validate import Fault

# How many accounts a failure message names; all of them are in unprocessed_accounts.
_NAMED_IN_MESSAGE = 10

_NOT_DONE = frozenset({Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.TIMED_OUT})

Row = dict[str, Any]
Verdict = tuple[Outcome, "Problem | None"]


@dataclass
class Report:
    """Everything that a task returns.

    :param rows: One for each asked account and Region.
    :param previous: The status before, in the order of the rows.
    """

    rows: list[Row] = field(default_factory=list)
    unprocessed: list[Row] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    before: dict[str, object] = field(default_factory=dict)
    after: dict[str, object] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        return any(row["actions"] for row in self.rows)

    def add_row(self, row: Row, previous: object, verdict: Verdict, about: str | None = None) -> None:
        """Add a row with its verdict, and the account to the unprocessed ones where it was not done.

        :param previous: What a diff shows as before; what it shows as after is the row's ``status``, or its settings.
        :param about: The account that the row is about, where it has no ``account_id``.
        """
        outcome, problem = verdict
        account_id = about or row["account_id"]
        row.update(
            outcome=outcome.value,
            reason_code=problem.reason.value if problem else None,
            reason=problem.text if problem else None,
        )
        self.rows.append(row)
        place = f"{row['region']}/{account_id}"
        self.before[place], self.after[place] = previous, row.get("status")
        if problem and outcome in _NOT_DONE:
            self.unprocessed.append(unprocessed_row(account_id, row["region"], problem))
        elif problem:
            self.warnings.append(f"{place}: {problem.text} ({problem.reason.value}): {HINTS[problem.reason]}")

    def add_actions(self, region: str, account_id: str | None, actions: Iterable[Action]) -> None:
        """Add the planned calls of one conversation."""
        self.actions += [
            {
                "region": region,
                "account_id": account_id,
                "operation": action.operation,
                "account_ids": list(action.account_ids),
            }
            for action in actions
        ]

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Add the accounts whose rows could not be used, before any call."""
        self.unprocessed += [
            unprocessed_row(fault.account_id, None, Problem(fault.reason, fault.text)) for fault in faults
        ]

    def sort(self) -> None:
        """Put everything in its order: by Region, then account. A conversation's own actions keep theirs."""
        self.rows.sort(key=_by_place)
        self.unprocessed.sort(key=_by_place)
        self.actions.sort(key=_by_place)

    def describe_failures(self, title: str) -> str:
        """Return one message for the operator: which accounts, which call, AWS's text, what to do next."""
        named = [describe_unprocessed(row) for row in self.unprocessed[:_NAMED_IN_MESSAGE]]
        more = len(self.unprocessed) - len(named)
        if more:
            named.append(f"and {more} more, see unprocessed_accounts")
        total = len(self.rows) or len(self.unprocessed)
        return f"{title}: {len(self.unprocessed)} of {total} accounts and Regions not done: " + "; ".join(named)


def _by_place(row: Row) -> tuple[str, str]:
    return row["region"] or "", row.get("account_id") or ""


def words_of_rows(facts: ServiceFacts) -> list[str]:
    """Return the words that rows are told in, by which playbooks and roles tell what became of an account."""
    statuses = [word for words in facts.words.values() for word in words]
    switches = [Delegate.ENABLED, facts.kind.suspended, facts.features and facts.features.off]
    codes = [word.value for words in (Outcome, Reason, Step) for word in words]
    return [*codes, *statuses, *(word for word in switches if word)]


def unprocessed_row(account_id: str, region: str | None, problem: Problem) -> Row:
    """Return a row of ``unprocessed_accounts``."""
    return {
        "account_id": account_id,
        "region": region,
        "operation": problem.operation,
        "reason": problem.text,
        "reason_code": problem.reason.value,
        "retryable": problem.is_passing or problem.reason in RETRYABLE,
    }


def describe_unprocessed(row: Row) -> str:
    """Return a sentence about a row of ``unprocessed_accounts``."""
    where = f" in {row['region']}" if row["region"] else ""
    call = f"{row['operation']}: " if row["operation"] else ""
    hint = HINTS[Reason(row["reason_code"])]
    return f"{row['account_id']}{where}: {call}{row['reason']} ({row['reason_code']}: {hint})"


# Members


def judge_member(result: MemberResult) -> Verdict:
    """Return how it ended for a member, from the problem met or the state it is in."""
    decision, state = result.decision, result.member.state
    problem = _problem_of(result.problem, result.is_timed_out, state)
    if decision.is_skipped:
        return Outcome.SKIPPED, _as_problem(decision.row.problem)
    if decision.is_purged and state is State.ACCOUNT_SUSPENDED and (problem or result.is_timed_out):
        # AWS removes a closed account by itself: a purge tries, and does not fail for it until then.
        return Outcome.SKIPPED, _as_problem(STATE_REASONS[state])
    if result.is_timed_out:
        return Outcome.TIMED_OUT, problem
    if problem:
        return (Outcome.FAILED if result.is_attempted else Outcome.NOT_ATTEMPTED), problem
    row = decision.table[state]
    # A state that options may mend (a failed verification) is a failure where the mending has ended in it again, but
    # not where the one step that was sent has yet to show (wait=false).
    has_ended_here = state is not decision.before.state or Step.CREATE in result.done
    stuck = row.problem or (STATE_REASONS.get(state) if row.steps and has_ended_here else None)
    if stuck:
        return Outcome.FAILED, _as_problem(stuck)
    return (Outcome.CHANGED if result.done else Outcome.UNCHANGED), None


def _as_problem(stated: tuple[Reason, str] | None) -> Problem | None:
    return Problem(*stated) if stated else None


def _problem_of(problem: Problem | None, is_timed_out: bool, state: State) -> Problem | None:
    if problem or not is_timed_out:
        return problem
    if state is State.VERIFYING:
        return Problem(
            Reason.EMAIL_VERIFICATION_PENDING, "AWS was still verifying the e-mail address when the wait ended"
        )
    return Problem(Reason.TIMED_OUT, "AWS accepted the request but did not show its effect before the wait ended")


def member_row(region: str, result: MemberResult, has_features: bool = False) -> Row:
    """Return a row of ``members``, without its verdict.

    :param has_features: Whether the service's members have features.
    """
    member, before = result.member, result.decision.before
    return {
        "account_id": result.decision.account_id,
        "region": region,
        "email": member.email or result.decision.account.email,
        "status": member.status,
        "previous_status": before.status,
        "administrator_id": member.administrator_id,
        "invited_at": member.invited_at,
        "updated_at": member.updated_at,
        "actions": [step.value for step in result.done],
        **({"features": result.features} if has_features else {}),
    }


# Administrators


def judge_administrator(result: AdministratorResult, facts: ServiceFacts) -> Verdict:
    """Return how it ended for the member's side of an account."""
    problem = _problem_of(result.problem, result.is_timed_out, State.UNKNOWN)
    if result.is_timed_out:
        return Outcome.TIMED_OUT, problem
    if problem:
        return _outcome_of(problem, facts), problem
    return (Outcome.CHANGED if result.done else Outcome.UNCHANGED), None


def _outcome_of(problem: Problem, facts: ServiceFacts) -> Outcome:
    if problem.reason is Reason.TIMED_OUT:
        return Outcome.TIMED_OUT
    # The service need not be switched on by us where a policy brings the account in.
    is_governed = problem.reason is Reason.CENTRAL_CONFIGURATION
    is_enabling = problem.operation == facts.operations[Step.ENABLE_SERVICE]
    return Outcome.SKIPPED if is_governed and is_enabling else Outcome.FAILED


def administrator_row(region: str, account_id: str, result: AdministratorResult) -> Row:
    """Return a row of ``administrators``, without its verdict."""
    before, after = result.before.administrator, result.after
    return {
        "account_id": account_id,
        "region": region,
        "administrator_id": after.administrator_id if after else None,
        "status": after.status if after else None,
        "previous_administrator_id": before.administrator_id if before else None,
        "previous_status": before.status if before else None,
        "invitation_id": result.invitation_id,
        "actions": [step.value for step in result.done],
    }


def invitation_row(invitation: Relationship) -> Row:
    """Return an invitation as the info modules list it."""
    return {
        "administrator_id": invitation.administrator_id,
        "invitation_id": invitation.invitation_id,
        "status": invitation.status,
        "invited_at": invitation.invited_at,
    }


# The organization


def judge_delegation(result: DelegationResult | OrganizationResult) -> Verdict:
    """Return how it ended for the delegation, or the settings, of one Region."""
    if result.problem:
        is_late = result.problem.reason is Reason.TIMED_OUT
        return (Outcome.TIMED_OUT if is_late else Outcome.FAILED), result.problem
    return (Outcome.CHANGED if result.done else Outcome.UNCHANGED), None


def delegation_row(region: str, result: DelegationResult, steps: Sequence[Step]) -> Row:
    """Return a row of ``organization_administrators``, without its verdict."""
    before, after = result.before, result.after
    return {
        "region": region,
        "administrator_id": after.account_id if after else None,
        "status": after.status if after else None,
        "previous_administrator_id": before.account_id if before else None,
        "previous_status": before.status if before else None,
        "actions": [step.value for step in steps],
    }


def settings_of(kind: OrganizationKind, record: OrganizationRecord | None) -> Row:
    """Return an organization's settings as a row shows them; nulls where they could not be read."""
    row: Row = {name: record.settings.get(name) if record else None for name in kind.settings}
    if kind.features:
        row["features"] = show_features(record.features.values(), kind.features) if record else None
    row["member_limit_reached"] = record.is_limit_reached if record else None
    if kind.has_configuration:
        row["configuration_type"], row["configuration_status"] = record.configuration if record else (None, None)
    return row


def organization_row(region: str, account_id: str, kind: OrganizationKind, result: OrganizationResult) -> Row:
    """Return a row of ``organizations``, without its verdict."""
    return {
        "account_id": account_id,
        "region": region,
        **settings_of(kind, result.after),
        "actions": [step.value for step in result.done],
    }


# The service


def judge_service(result: ServiceResult, facts: ServiceFacts) -> Verdict:
    """Return how it ended for the service itself."""
    if result.problem:
        return _outcome_of(result.problem, facts), result.problem
    return (Outcome.CHANGED if result.done else Outcome.UNCHANGED), None


def service_row(
    region: str, account_id: str, kind: ServiceKind, result: ServiceResult, features: FeatureWish | None = None
) -> Row:
    """Return a row of the service itself, without its verdict.

    :param features: Those that were asked for: the row shows no others.
    """
    before, after = result.before, result.after
    values: dict[str, Any] = {name: after.settings.get(name) if after else None for name in kind.settings}
    if "features" in values:
        values["features"] = features.shown(values["features"] or {}) if features and after else None
    handle = {kind.handle: (after.handle or None) if after else None} if kind.handle else {}
    tags = {"tags": dict(after.tags) if after and after.tags is not None else None} if kind.has_tags else {}
    return {
        "account_id": account_id,
        "region": region,
        **handle,
        "status": after.status if after else None,
        "previous_status": before.status if before else None,
        **values,
        **tags,
        "actions": [step.value for step in result.done],
    }


def steps_as_actions(operations: Mapping[Step, str], steps: Iterable[Step]) -> list[Action]:
    """Return the calls that an account makes for itself: they name no accounts."""
    return [Action(operations[step]) for step in steps]
