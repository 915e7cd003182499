# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The features of members: who lacks which, and the calls that mend it.

Accounts that lack the same share a call. A feature that a policy of the organization owns is never written, the others
of that account are, and only members whose membership is in effect have features that can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .execute_members import MemberResult
from .features import Feature, FeatureWish, merged_features
from .model import Action, Problem, Reason, State, Step, batches
from .plan_members import Decision
from .port import Answer, CallFailed, FeaturesPort, ForEach, Refusal
from .reasons import PASSING, blame_features, classify, is_said_to_be_no_member
from .waiting import Patience, Walk

Features = Mapping[str, Feature]


@dataclass
class FeatureResult:
    """What became of the features of one member."""

    before: Features | None = None
    after: Features | None = None
    is_changed: bool = False
    problem: Problem | None = None

    @property
    def is_timed_out(self) -> bool:
        """Whether AWS may show later what it did not show yet."""
        return self.problem is not None and self.problem.reason is Reason.TIMED_OUT


def explain_owned(wish: FeatureWish, present: Features) -> Problem | None:
    """Return why what differs cannot be written, if it cannot."""
    owned = wish.owned(present)
    return Problem(Reason.ORGANIZATION_POLICY, f"a policy of the organization decides about {owned}") if owned else None


def group_by_gap(wish: FeatureWish, present: Mapping[str, Features]) -> list[tuple[tuple[Feature, ...], list[str]]]:
    """Return the calls to make: what to send, and the accounts that lack just that.

    What is late for one account may be the only call of another one, and still waits until what has to go first went.
    """
    groups: list[tuple[tuple[Feature, ...], list[str]]] = []
    for account_id, features in present.items():
        for call in wish.calls(features):
            group = next((ids for sent, ids in groups if sent == call), None)
            if group is None:
                groups.append((call, group := []))
            group.append(account_id)
    return sorted(groups, key=lambda group: wish.is_late(group[0]))


def read_features_of(
    port: FeaturesPort, account_ids: Iterable[str], for_each: ForEach = map
) -> tuple[dict[str, Features], dict[str, Refusal]]:
    """Read the features of members. Raises CallFailed.

    :returns: The features by account, and AWS's word on each account that it has none for.
    """
    present: dict[str, Features] = {}
    refused: dict[str, Refusal] = {}
    for found, answer in for_each(port.get_features, batches(account_ids)):
        present.update(found)
        refused.update(answer.refused)
    return present, refused


def predict_features(wish: FeatureWish, present: Mapping[str, Features]) -> dict[str, FeatureResult]:
    """Return what carrying out should lead to, for members whose features were read."""
    results = {}
    for account_id, features in present.items():
        problem, sent = explain_owned(wish, features), list[Feature]()
        for call in wish.calls(features):
            text = replace(wish, features=call).refusal(features)
            if text:
                problem = Problem(Reason.FEATURE_UNSUPPORTED, text)
                break
            sent += call
        results[account_id] = FeatureResult(features, merged_features(features, sent), bool(sent), problem)
    return results


@dataclass(frozen=True)
class FeaturesLook:
    """What is asked for of the members of one Region, and the features that they had when it was read.

    :param known: By account, of those that were members already.
    :param refused: AWS's word on those of them that it told nothing about.
    """

    wish: FeatureWish
    port: FeaturesPort
    known: Mapping[str, Features]
    refused: Mapping[str, Refusal] = field(default_factory=dict)

    @property
    def actions(self) -> list[Action]:
        """The calls for those that were members already; what a new member lacks is not known before it is one."""
        return [
            Action(self.wish.words.write, tuple(batch))
            for _missing, account_ids in group_by_gap(self.wish, self.known)
            for batch in batches(account_ids)
        ]

    @property
    def warnings(self) -> list[str]:
        """What was asked for and is not listed, once for all that were members already."""
        return list(dict.fromkeys(text for features in self.known.values() for text in self.wish.doubts(features)))

    def predict(self, results: Sequence[MemberResult]) -> list[MemberResult]:
        """Add to what is foreseen of the members what is foreseen of their features.

        A new member gets what is asked for; what the organization's settings leave to be done is not known before.
        """
        found = predict_features(self.wish, self.known)
        for result in _members_of(results):
            account_id = result.decision.account_id
            if account_id in self.refused:
                problem = _as_problem(self.wish.words.read, self.refused[account_id])
                found[account_id] = FeatureResult(problem=problem)
            elif account_id not in found:
                found[account_id] = FeatureResult(after=merged_features({}, self.wish.features))
        return [self._added(result, found) for result in results]

    def execute(
        self, results: Sequence[MemberResult], patience: Patience, for_each: ForEach
    ) -> Walk[list[MemberResult]]:
        """Give the features to those that are members now."""
        members = [result.decision.account_id for result in _members_of(results)]
        known = {account_id: self.known[account_id] for account_id in members if account_id in self.known}
        unread = [account_id for account_id in members if account_id not in known]
        found = yield from execute_features(self.wish, self.port, known, unread, patience, for_each)
        return [self._added(result, found) for result in results]

    def _added(self, result: MemberResult, found: Mapping[str, FeatureResult]) -> MemberResult:
        features = found.get(result.decision.account_id)
        if features is None or result not in _members_of([result]):
            return result
        return replace(
            result,
            done=(*result.done, *([Step.UPDATE_FEATURES] if features.is_changed else [])),
            problem=features.problem,
            is_timed_out=features.is_timed_out,
            features=None if features.after is None else self.wish.shown(features.after),
        )


def look_at_features(
    wish: FeatureWish, port: FeaturesPort, decisions: Iterable[Decision], for_each: ForEach
) -> FeaturesLook:
    """Read the features of those that are members already, and stay so. A failure is theirs, and is not raised."""
    ids = [
        d.account_id
        for d in decisions
        if d.before.state is State.ENABLED and d.then is State.ENABLED and not d.is_skipped
    ]
    try:
        known, refused = read_features_of(port, ids, for_each)
    except CallFailed as failure:
        # Membership goes on without: that of others needs no features.
        known, refused = {}, dict.fromkeys(ids, Refusal(failure.as_problem().text, failure.code))
    return FeaturesLook(wish, port, known, refused)


def _members_of(results: Iterable[MemberResult]) -> list[MemberResult]:
    """Return those whose membership is in effect, and that are to stay: only they have features."""
    return [
        result
        for result in results
        if result.member.state is State.ENABLED
        and result.problem is None
        and not (result.is_timed_out or result.decision.is_skipped or result.decision.is_purged)
    ]


def execute_features(
    wish: FeatureWish,
    port: FeaturesPort,
    known: Mapping[str, Features],
    joined: Sequence[str],
    patience: Patience,
    for_each: ForEach = map,
) -> Walk[dict[str, FeatureResult]]:
    """Give members the features that they lack, and read until AWS shows them.

    :param known: The features of members as they were read before.
    :param joined: Members whose features were not read yet, because they are members only now.
    :returns: A result for each of both. Failures are in the results; nothing is raised for them.
    """
    run = _Run(wish, port, patience, for_each)
    run.results = {account_id: FeatureResult(features, features) for account_id, features in known.items()}
    run.results.update({account_id: FeatureResult() for account_id in joined})
    yield from run.read_until(joined, run.is_told)
    yield from run.write()
    yield from run.look_back()
    for result in run.results.values():
        result.problem = result.problem or explain_owned(wish, result.after or {})
    return run.results


def _as_problem(operation: str, refusal: Refusal) -> Problem:
    # Only members are asked about, so that what says this of one has yet to hear that it is.
    is_unheard = is_said_to_be_no_member(refusal.text)
    reason = Reason.TIMED_OUT if is_unheard else classify(operation, refusal.text, refusal.code)
    return Problem(reason, refusal.text, operation)


@dataclass
class _Run:
    wish: FeatureWish
    port: FeaturesPort
    patience: Patience
    for_each: ForEach
    results: dict[str, FeatureResult] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)  # a request without an answer
    passing: list[str] = field(default_factory=list)  # refused for what passes by itself

    def read_until(self, account_ids: Iterable[str], is_enough: Callable[[FeatureResult], bool]) -> Walk[None]:
        """Read until each account shows enough; AWS knows a new member's features some time after the member."""
        pending, wait = list(account_ids), self.patience.begin()
        while pending:
            try:
                present, refused = read_features_of(self.port, pending, self.for_each)
            except CallFailed as failure:
                for account_id in pending:
                    self.results[account_id].problem = self.results[account_id].problem or failure.as_problem()
                return
            for account_id in pending:
                self._take(self.results[account_id], present.get(account_id), refused.get(account_id))
            pending = [account_id for account_id in pending if not is_enough(self.results[account_id])]
            if pending and not (yield from wait.for_another_look()):
                break
        text = "AWS accepted the features but did not show them before the wait ended"
        for account_id in pending:
            result = self.results[account_id]
            result.problem = result.problem or Problem(Reason.TIMED_OUT, text)

    def _take(self, result: FeatureResult, features: Features | None, refusal: Refusal | None) -> None:
        if features is not None:
            result.problem = None
            result.after = features
            result.before = features if result.before is None else result.before
        else:
            refusal = refusal or Refusal("AWS told nothing about the features of this account")
            result.problem = _as_problem(self.wish.words.read, refusal)

    def is_told(self, result: FeatureResult) -> bool:
        """Tell whether AWS said all that it has to say: the features, or a refusal that stays."""
        return result.problem is None or not (result.is_timed_out or result.problem.reason in PASSING)

    def _is_shown(self, result: FeatureResult) -> bool:
        return self.is_told(result) and (result.problem is not None or not self.wish.calls(result.after or {}))

    def write(self) -> Walk[None]:
        """Send what is missing.

        AWS's word on an account that passes by itself is asked again within the wait, as for every other step.
        """
        pending, wait = list(self.results), self.patience.begin()
        while True:
            self._write_to(pending)
            pending, self.passing = self.passing, []
            if not pending or not (yield from wait.for_another_look()):
                return

    def _write_to(self, account_ids: Sequence[str]) -> None:
        found = {account_id: self.results[account_id].after for account_id in account_ids}
        present = {account_id: after for account_id, after in found.items() if after is not None}
        for account_id in present:
            self.results[account_id].problem = None
        for missing, alike in group_by_gap(self.wish, present):
            for batch in batches(alike):
                self._send(missing, batch)

    def _send(self, features: Sequence[Feature], batch: Sequence[str]) -> None:
        due = [account_id for account_id in batch if self.results[account_id].problem is None]
        if not due:
            return
        try:
            answer: Answer = self.port.update_features(due, features)
        except CallFailed as failure:
            for account_id in due:
                self.results[account_id].problem = self._explained(failure, features, account_id)
            self.doubtful.update(due if failure.is_uncertain else ())
            return
        for account_id in due:
            refusal = answer.refused.get(account_id)
            if refusal is None:
                self.results[account_id].is_changed = True
            else:
                self._note(account_id, _as_problem(self.wish.words.write, refusal))

    def _note(self, account_id: str, problem: Problem) -> None:
        result = self.results[account_id]
        result.problem = problem
        # What comes of being a member only now is waited for in any case, as it is between all steps.
        if result.is_timed_out or (self.patience.wait and problem.reason in PASSING):
            self.passing.append(account_id)

    def _explained(self, failure: CallFailed, features: Sequence[Feature], account_id: str) -> Problem:
        problem = failure.as_problem()
        if failure.reason is not Reason.INVALID_INPUT:
            return problem
        return blame_features(problem, [feature.name for feature in features], self.results[account_id].after or {})

    def look_back(self) -> Walk[None]:
        """Read what was written to: what AWS took until it shows, and once what became of the rest.

        A look decides what became of a request without an answer. Any other problem outlasts it.
        """
        touched = {
            account_id: result.problem
            for account_id, result in self.results.items()
            if result.is_changed or account_id in self.doubtful
        }
        accepted = [account_id for account_id, problem in touched.items() if problem is None]
        problems = {account_id: problem for account_id, problem in touched.items() if problem is not None}
        yield from self.read_until(accepted, self._is_shown if self.patience.wait else _once)
        yield from self.read_until(problems, self.is_told if self.patience.wait else _once)
        for account_id, problem in problems.items():
            result = self.results[account_id]
            is_done = result.problem is None and not self.wish.calls(result.after or {})
            if is_done and account_id in self.doubtful:
                result.is_changed = True
            else:
                result.problem = problem


def _once(_result: FeatureResult) -> bool:
    return True
