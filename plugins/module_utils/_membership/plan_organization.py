# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the accounts of an organization get by themselves, in one Region: plan and execution.

Settings that were not asked for are neither compared nor changed. Where a policy of AWS governs the organization, the
settings cannot be written: asking for what is there all the same is satisfied, anything else is refused before a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from .features import Feature, FeatureWords, explain_refusal, in_order, merged_features, missing_features
from .model import Problem, Reason, Step
from .port import CallFailed, OrganizationPort
from .reasons import blame_features
from .waiting import Patience, Walk


@dataclass(frozen=True)
class OrganizationRecord:
    """The organization's settings for one service in one Region, as its delegated administrator reads them.

    :param settings: Option names to AWS's values.
    :param features: By name; empty for a service without.
    :param is_limit_reached: AWS adds no more accounts by itself, because the administrator has all it may have.
    :param configuration: AWS's own words about who configures: the type and its status, ``None`` where it has none.
    :param governed_by: Why the settings cannot be written.
    :param is_pending: AWS is still carrying out an earlier change.
    :param failure: AWS's text about a change that failed.
    """

    settings: Mapping[str, object]
    features: Mapping[str, Feature] = field(default_factory=dict)
    is_limit_reached: bool | None = None
    configuration: tuple[str | None, str | None] = (None, None)
    governed_by: Problem | None = None
    is_pending: bool = False
    failure: str | None = None


@dataclass(frozen=True)
class OrganizationWish:
    """What the user wants: only what was set."""

    settings: Mapping[str, object] = field(default_factory=dict)
    features: Sequence[Feature] = ()


@dataclass(frozen=True)
class OrganizationPlan:
    """The plan for one Region.

    :param calls: What each call sets: settings and features.
    :param problem: Why nothing may be sent.
    """

    wish: OrganizationWish
    before: OrganizationRecord
    calls: tuple[tuple[Mapping[str, object], tuple[Feature, ...]], ...] = ()
    problem: Problem | None = None

    @property
    def is_due(self) -> bool:
        """Whether there is something to carry out: calls, or the wait for an earlier change to end."""
        return bool(self.calls) or self.before.is_pending


@dataclass(frozen=True)
class OrganizationResult:
    """What became of the settings in one Region."""

    before: OrganizationRecord | None
    after: OrganizationRecord | None
    done: tuple[Step, ...] = ()
    problem: Problem | None = None


def plan_organization(wish: OrganizationWish, before: OrganizationRecord, words: FeatureWords) -> OrganizationPlan:
    """Decide what to send. Pure: the same wish and record give the same plan."""
    settings = {name: value for name, value in wish.settings.items() if before.settings.get(name) != value}
    missing = missing_features(wish.features, before.features, words.off)
    if before.failure:
        return OrganizationPlan(wish, before, problem=Problem(Reason.OTHER, before.failure))
    if not settings and not missing:
        return OrganizationPlan(wish, before)
    if before.governed_by:
        return OrganizationPlan(wish, before, problem=before.governed_by)
    first, *later = in_order(missing, words) or [()]
    return OrganizationPlan(wish, before, ((settings, first), *(({}, features) for features in later)))


def predict_organization(plan: OrganizationPlan) -> OrganizationResult:
    """Return what carrying out the plan should lead to, without a port at hand."""
    after, done, problem = plan.before, False, plan.problem
    for settings, features in plan.calls:
        text = explain_refusal(features, plan.before.features)
        if text:
            problem = Problem(Reason.FEATURE_UNSUPPORTED, text)
            break
        after, done = _with(after, settings, features), True
    return OrganizationResult(plan.before, after, (Step.UPDATE_ORGANIZATION,) if done else (), problem)


def _with(
    record: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]
) -> OrganizationRecord:
    """Return the record as it should read after this was accepted."""
    return replace(
        record, settings={**record.settings, **settings}, features=merged_features(record.features, features)
    )


def execute_organization(
    plan: OrganizationPlan, port: OrganizationPort, words: FeatureWords, patience: Patience
) -> Walk[OrganizationResult]:
    """Carry out the plan, and read the settings until they show it, with a pause wherever AWS has to be waited for."""
    if plan.before.is_pending:
        plan = yield from _settled(plan, port, words, patience)
    if not plan.calls:
        return OrganizationResult(plan.before, plan.before, problem=plan.problem)
    now, done, problem = plan.before, False, None
    try:
        for settings, features in plan.calls:
            port.update(now, settings, features)
            done = True
            now = _with(now, settings, features)
    except CallFailed as failure:
        problem, is_uncertain = _explained(failure, plan, words), failure.is_uncertain
        return _after_refusal(plan, port, words, problem, is_uncertain, done)
    return (yield from _read_back(plan, port, words, patience))


def _settled(
    plan: OrganizationPlan, port: OrganizationPort, words: FeatureWords, patience: Patience
) -> Walk[OrganizationPlan]:
    """Wait for an earlier change to end, and plan anew."""
    wait = patience.begin()
    while (yield from wait.for_another_look()):
        now = port.describe()
        if not now.is_pending:
            return plan_organization(plan.wish, now, words)
    text = "AWS was still carrying out an earlier change of the organization's configuration when the wait ended"
    return replace(plan, calls=(), problem=Problem(Reason.TIMED_OUT, text))


def _is_there(plan: OrganizationPlan, now: OrganizationRecord, words: FeatureWords) -> bool:
    wanted = plan.wish.settings.items() <= now.settings.items()
    return wanted and not missing_features(plan.wish.features, now.features, words.off)


def _after_refusal(
    plan: OrganizationPlan,
    port: OrganizationPort,
    words: FeatureWords,
    problem: Problem,
    is_uncertain: bool,
    has_written: bool,
) -> OrganizationResult:
    """Let a look decide what a call that failed has left behind."""
    after: OrganizationRecord | None = None
    with suppress(CallFailed):  # the refusal is what to tell
        after = port.describe()
    has_written |= is_uncertain and after is not None and after != plan.before
    done = (Step.UPDATE_ORGANIZATION,) if has_written else ()
    if after and is_uncertain and _is_there(plan, after, words):
        return OrganizationResult(plan.before, after, done)
    return OrganizationResult(plan.before, after or plan.before, done, problem)


def _read_back(
    plan: OrganizationPlan, port: OrganizationPort, words: FeatureWords, patience: Patience
) -> Walk[OrganizationResult]:
    done, after, wait = (Step.UPDATE_ORGANIZATION,), plan.before, patience.begin()
    try:
        while True:
            after = port.describe()
            if after.failure:
                return OrganizationResult(plan.before, after, done, Problem(Reason.OTHER, after.failure))
            if not patience.wait or (_is_there(plan, after, words) and not after.is_pending):
                return OrganizationResult(plan.before, after, done)
            if not (yield from wait.for_another_look()):
                break
    except CallFailed as failure:
        return OrganizationResult(plan.before, after, done, failure.as_problem())
    text = "AWS accepted the settings but did not show them before the wait ended"
    return OrganizationResult(plan.before, after, done, Problem(Reason.TIMED_OUT, text))


def _explained(failure: CallFailed, plan: OrganizationPlan, words: FeatureWords) -> Problem:
    """Say what a refusal of a whole call is most likely about.

    The settings had just been read, so the caller is the delegated administrator: the features are left to blame.
    """
    sent = [feature.name for _settings, features in plan.calls for feature in features]
    problem = failure.as_problem()
    if failure.reason is Reason.TRUSTED_ACCESS_MISSING:
        principals = [words.principals[name] for name in sent if name in words.principals]
        return replace(problem, text=f"{problem.text} (needed for: {', '.join(principals)})") if principals else problem
    if sent and failure.reason in (Reason.INVALID_INPUT, Reason.NOT_DELEGATED_ADMINISTRATOR):
        return blame_features(problem, sent, plan.before.features)
    return problem
