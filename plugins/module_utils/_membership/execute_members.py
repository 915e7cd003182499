# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's side: carry out a plan through a port, and report what was seen, account by account.

All accounts of a Region walk through the steps together, so that calls are full batches. Nothing is taken on trust:
after each step the records are read again, an account whose record has moved on by itself leaves the walk, and what
counts as done is decided by AWS's answer for the account together with the state before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .model import Member, Problem, Reading, Reason, State, Step, batches
from .plan_members import MAYBE_ASSOCIATED, ORDER, Decision, MembersPlan
from .port import Answer, CallFailed, ForEach, MembersPort, Refusal
from .reasons import (
    CALLER_WIDE,
    ECHOES,
    PASSING,
    SHARED,
    STATE_REASONS,
    classify,
    is_lagging,
    is_said_to_be_no_member,
)
from .waiting import Patience, Walk


@dataclass
class Progress:
    """One account on its way: what is left to do, what was done, what was seen last."""

    decision: Decision
    member: Member
    remaining: tuple[Step, ...]
    sent: list[Step] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)
    problem: Problem | None = None
    is_timed_out: bool = False
    is_attempted: bool = True
    is_doubtful: bool = False
    is_unspoken: bool = False

    @property
    def account_id(self) -> str:
        return self.decision.account_id

    def is_due(self, step: Step) -> bool:
        return self.problem is None and not self.is_timed_out and self.remaining[:1] == (step,)


@dataclass(frozen=True)
class MemberResult:
    """What became of one account: facts, from which the rows are shaped.

    :param member: The record as last read (in check mode: as predicted).
    :param done: The steps that AWS accepted for it (in check mode: that would be sent).
    :param is_attempted: False where an earlier failure kept the account's call from being sent.
    :param features: Those that were asked for, as a row shows them; ``None`` where they are not known.
    """

    decision: Decision
    member: Member
    done: tuple[Step, ...] = ()
    problem: Problem | None = None
    is_timed_out: bool = False
    is_attempted: bool = True
    features: list[dict[str, Any]] | None = None


def predict_members(plan: MembersPlan, caller_id: str) -> list[MemberResult]:
    """Return what carrying out the plan should lead to, without a port at hand."""
    return [MemberResult(d, _predicted(plan, d, caller_id), d.steps) for d in plan.decisions]


def _predicted(plan: MembersPlan, decision: Decision, caller_id: str) -> Member:
    if not decision.steps:
        return decision.before
    if decision.then is State.ABSENT:
        return Member(decision.account_id)
    is_new = Step.CREATE in decision.steps
    return replace(
        decision.before,
        state=decision.then,
        status=plan.facts.word_for(decision.then),
        email=decision.account.email if is_new else decision.before.email,
        administrator_id=caller_id,
    )


def read_members(
    port: MembersPort, account_ids: Sequence[str], for_each: ForEach, reading: Reading
) -> Iterator[list[Member]]:
    """Read the records of these accounts, batch by batch: a record for each, in order.

    Where AWS cannot tell for some of a batch, one listing serves that batch and all that follow.
    """
    if reading.list_above is not None and len(account_ids) > reading.list_above:
        yield _records_of(account_ids, port.list_members())
        return
    groups = list(batches(account_ids, reading.accounts))
    for number, members in enumerate(for_each(port.get_members, groups)):
        if members is None:
            rest = [account_id for group in groups[number:] for account_id in group]
            yield _records_of(rest, port.list_members())
            return
        yield _records_of(groups[number], members)


def _records_of(account_ids: Iterable[str], members: Iterable[Member]) -> list[Member]:
    found = {member.account_id: member for member in members}
    return [found.get(account_id, Member(account_id)) for account_id in account_ids]


def execute_members(
    plan: MembersPlan, port: MembersPort, patience: Patience, for_each: ForEach = map
) -> Walk[list[MemberResult]]:
    """Carry out the plan, with a pause wherever AWS has to be waited for.

    :param plan: From :func:`plan_members`, made from records read through the same port.
    :param port: The administrator's side of the Region.
    :param patience: How long to wait for what AWS shows late.
    :param for_each: How the batches of a step or of a read are run.
    :returns: A result for each decision, in order. Failures are in the results; nothing is raised for them.
    """
    return _Execution(plan, port, patience, for_each).results()


class _Execution:
    def __init__(self, plan: MembersPlan, port: MembersPort, patience: Patience, for_each: ForEach) -> None:
        self._facts = plan.facts
        self._port = port
        self._patience = patience
        self._for_each = for_each
        self._all = [Progress(d, d.before, d.steps) for d in plan.decisions]
        # States that a step passes through before it has arrived.
        self._on_the_way = _ON_THE_WAY | ({(Step.CREATE, State.VERIFYING)} if plan.facts.creating_invites else set())

    def results(self) -> Walk[list[MemberResult]]:
        yield from self._carry_out_all()
        # Each account takes each of the two fallbacks at most once: no more passes than 3.
        while [progress for progress in self._all if self._fall_back(progress)]:
            yield from self._carry_out_all()
        for progress in self._all:
            # Neither refused nor in its goal: the record was changed by others, or shows less than AWS accepted.
            # A state with a reason of its own (a verification that failed again) is an end, not a wait.
            state = progress.member.state
            has_more = bool(progress.sent and progress.decision.table[state].steps) and state not in STATE_REASONS
            progress.is_timed_out |= has_more and self._patience.wait and progress.problem is None
        return [
            MemberResult(p.decision, p.member, tuple(p.done), p.problem, p.is_timed_out, p.is_attempted)
            for p in self._all
        ]

    def _carry_out_all(self) -> Walk[None]:
        for step in ORDER:
            yield from self._carry_out(step, [progress for progress in self._all if progress.is_due(step)])

    def _carry_out(self, step: Step, due: list[Progress]) -> Walk[None]:
        if not due:
            return
        states = {progress.account_id: progress.member.state for progress in due}
        pending, wait = due, self._patience.begin()
        while True:
            answered = self._send(step, pending)
            # Request-level failures have had the SDK's retries already: only AWS's word on an account is asked again.
            pending = [progress for progress in answered if self._is_worth_repeating(step, progress)]
            if not pending or not (yield from wait.for_another_look()):
                break
        attempted = [progress for progress in due if progress.is_attempted]
        yield from self._read_back(step, attempted, states)
        for progress in attempted:
            _judge(progress, step, states[progress.account_id], self._patience.wait)

    def _is_worth_repeating(self, step: Step, progress: Progress) -> bool:
        problem = progress.problem
        if problem is None:
            return False
        if is_lagging(step, problem.text, progress.sent):
            return True
        return self._patience.wait and problem.reason in PASSING

    # Sending

    def _send(self, step: Step, pending: list[Progress]) -> list[Progress]:
        """Send the step for all pending accounts, in batches; cut a batch that one account may have spoilt.

        :returns: The accounts that AWS had an answer for. Where a repetition fails as a whole, what AWS said about an
            account before stays its problem.
        """
        answered: list[Progress] = []
        # What stopped one batch would stop the next, after all its retries.
        stop: list[Problem] = []

        def attempt(batch: list[Progress]) -> Answer | CallFailed | None:
            if stop:
                return None
            try:
                return self._port.calls[step]([progress.decision.account for progress in batch])
            except CallFailed as failure:
                if self._facts.limit(step) == 1 and failure.reason not in SHARED:
                    # The call named this account alone, and so does its refusal.
                    text = failure.as_problem().text
                    return Answer({batch[0].account_id: Refusal(text, failure.code, failure.is_uncertain)})
                if not failure.is_input_refused:
                    stop.append(failure.as_problem())
                return failure

        # The first batch goes alone: what AWS refuses to the caller as such is asked once, and not for all at once.
        first, *others = batches(pending, self._facts.limit(step))
        wave = [first]
        while wave:
            halves: list[list[Progress]] = []
            for batch, answer in zip(wave, self._for_each(attempt, wave), strict=True):
                if answer is None:
                    _leave_unsent(batch, stop[0])
                elif isinstance(answer, CallFailed):
                    halves += _take_failure(batch, answer)
                else:
                    self._take_answer(step, batch, answer)
                    answered += batch
                    stop += _problems_of_the_caller(batch)
            wave, others = [*halves, *others], []
        return answered

    def _take_answer(self, step: Step, batch: list[Progress], answer: Answer) -> None:
        operation = self._facts.operations[step]
        for progress in batch:
            progress.sent.append(step)
            progress.problem = None
            refusal = answer.refused.get(progress.account_id)
            if refusal is not None:
                reason = classify(operation, refusal.text, refusal.code, self._facts)
                progress.problem = Problem(reason, refusal.text, operation)
                progress.is_doubtful |= answer.is_repeated or refusal.is_uncertain
            elif answer.is_per_account:
                progress.done.append(step)
            else:
                progress.is_doubtful = True
                # An answer that refuses somebody, but nobody can tell whom, is not the silent consent of an empty one.
                progress.is_unspoken = not answer.refused

    # Reading back

    def _read_back(self, step: Step, touched: list[Progress], states: dict[str, State]) -> Walk[None]:
        """Read all touched accounts, and keep looking for those whose step has yet to show."""
        to_read, wait = touched, self._patience.begin()
        while True:
            to_read = [p for p in self._read(to_read) if self._is_worth_waiting(step, p, states[p.account_id])]
            if not to_read or not (yield from wait.for_another_look()):
                break
        for progress in to_read:
            progress.is_timed_out = progress.problem is None

    def _read(self, wanted: list[Progress]) -> list[Progress]:
        """Read records; return the accounts that were read. The others have the read's failure as their problem."""
        read: list[Progress] = []
        try:
            for members in read_members(
                self._port, [p.account_id for p in wanted], self._for_each, self._facts.reading
            ):
                for member in members:
                    progress = wanted[len(read)]
                    progress.member = member
                    read.append(progress)
        except CallFailed as failure:
            # What stopped one batch would stop the next, after all its retries.
            for progress in wanted[len(read) :]:
                progress.problem = progress.problem or failure.as_problem()
        return read

    def _is_worth_waiting(self, step: Step, progress: Progress, before: State) -> bool:
        if _is_deletion_next(step, progress, before) or (progress.problem and not _is_echo(step, progress.problem)):
            return False
        if progress.problem and before is State.RESIGNED and not progress.is_doubtful:
            # "Already invited" speaks of the invitation that the member left: no wait brings it back, _fall_back does.
            return False
        if not self._patience.wait and len(progress.remaining) == 1:
            return False
        # Whether the record shows the effect of the step, and not only what comes before it.
        now = progress.member.state
        return now is before or (step, now) in self._on_the_way

    def _fall_back(self, progress: Progress) -> bool:
        """Give an account another way to the same goal, each at most once; tell whether it has one."""
        problem, step = progress.problem, progress.remaining[:1]
        if problem is None or step[0] not in progress.sent:
            return False
        if step == (Step.INVITE,) and _needs_new_record(progress, problem):
            progress.remaining = (Step.DELETE, Step.CREATE, Step.INVITE)
        elif step == (Step.DELETE,) and problem.reason is Reason.STILL_ASSOCIATED and self._can_end(progress):
            progress.remaining = (Step.DISASSOCIATE, *progress.remaining)
        else:
            return False
        progress.problem = None
        return True

    def _can_end(self, progress: Progress) -> bool:
        return Step.DISASSOCIATE in self._facts.operations and Step.DISASSOCIATE not in progress.sent


# An invitation first passes through e-mail verification, a deletion may be seen later than the end that came first.
_ON_THE_WAY = frozenset(
    {
        (Step.INVITE, State.VERIFYING),
        (Step.DELETE, State.REMOVED),
        (Step.CREATE, State.ARRIVING),
        (Step.INVITE, State.ARRIVING),
    }
)


def _is_deletion_next(step: Step, progress: Progress, before: State) -> bool:
    """Whether the record is deleted whatever becomes of its association, since there may be none to end."""
    return step is Step.DISASSOCIATE and progress.remaining[1:] == (Step.DELETE,) and before in MAYBE_ASSOCIATED


def _is_echo(step: Step, problem: Problem) -> bool:
    """Whether a refusal says that the work is done already."""
    has_ended = step in (Step.DISASSOCIATE, Step.DELETE) and is_said_to_be_no_member(problem.text)
    return has_ended or problem.reason in ECHOES.get(step, ())


def _take_failure(batch: list[Progress], failure: CallFailed) -> list[list[Progress]]:
    """Return the halves to send instead of a batch that one account may have spoilt; else it has failed."""
    if failure.is_input_refused and len(batch) > 1:
        half = len(batch) // 2
        return [batch[:half], batch[half:]]
    for progress in batch:
        progress.problem = progress.problem or failure.as_problem()
        progress.is_doubtful |= failure.is_uncertain
    return []


def _problems_of_the_caller(batch: list[Progress]) -> list[Problem]:
    """Return what was refused to all accounts of a batch for a reason that lies with the caller, if it was."""
    problems = [progress.problem for progress in batch if progress.problem and progress.problem.reason in CALLER_WIDE]
    return problems if len(problems) == len(batch) else []


def _leave_unsent(batch: list[Progress], problem: Problem) -> None:
    for progress in batch:
        progress.is_attempted = progress.problem is not None
        progress.problem = progress.problem or problem


def _judge(progress: Progress, step: Step, before: State, wait: bool) -> None:
    """Decide by the state read back whether the step counts as done, and what is left to do."""
    now = progress.member.state
    has_moved = now is not before
    # AWS took the request without a word on the account, and then no read told: what was accepted counts as done.
    is_unread = progress.is_unspoken and progress.problem is not None
    counts = has_moved or is_unread or not (wait or progress.problem)
    if progress.is_doubtful and step not in progress.done and counts:
        progress.done.append(step)
    is_settled = has_moved or _is_deletion_next(step, progress, before)
    if progress.problem and is_settled and (progress.is_doubtful or _is_echo(step, progress.problem)):
        # Done after all: by a request whose answer was lost, or by somebody else in the meantime.
        progress.problem = None
    progress.is_doubtful = progress.is_unspoken = False
    if progress.problem or progress.is_timed_out:
        return
    rest, fresh = progress.remaining[1:], progress.decision.table[now].steps
    # What the table asks for now must be what comes next; only a fallback deletes where the table would not.
    progress.remaining = rest if rest and fresh and (fresh[0] is rest[0] or rest[0] is Step.DELETE) else ()


def _needs_new_record(progress: Progress, problem: Problem) -> bool:
    """Whether to give up the record: GuardDuty takes a member that resigned for "already invited" for good.

    Only where the options ask to invite such members, and not for a refusal that a new record would meet as well.
    """
    return (
        progress.member.state is State.RESIGNED
        and bool(progress.decision.table[State.RESIGNED].steps)
        and problem.reason not in PASSING | CALLER_WIDE
        and Step.DELETE not in progress.sent
    )
