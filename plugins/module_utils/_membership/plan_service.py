# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service itself in one account and Region, on or off: plan and execution. The same for every service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from .features import Feature, FeatureWish, in_order, merged_features
from .member_features import explain_owned
from .model import Problem, Reason, Step
from .port import CallFailed, ServicePort, ServiceRecord, TaggablePort
from .reasons import blame_features, is_generic, is_said_to_be_off
from .waiting import Patience, Walk


@dataclass(frozen=True)
class ServiceWish:
    """What the user wants of the service.

    :param is_present: On, or off.
    :param settings: Option names to values, only those that the user set: they are compared and kept. Features, which
        are merged and not replaced, are a FeatureWish.
    :param on_enable: Options that matter only while it is switched on.
    :param updated_only: Settings that AWS takes in an update only, not when it is switched on.
    :param defaults: What AWS sets where nothing is asked for, for predictions.
    :param tags: ``None`` leaves the tags alone.
    :param purge_tags: Remove tags that are not wanted.
    :param suspended: AWS's status of a service that is not enabled, for predictions.
    """

    is_present: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
    on_enable: Mapping[str, object] = field(default_factory=dict)
    updated_only: frozenset[str] = frozenset()
    defaults: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True
    suspended: str = "DISABLED"


@dataclass(frozen=True)
class ServicePlan:
    """The plan for one account in one Region, with what each step needs.

    :param updates: The settings of each update, in order.
    :param problem: Why something that is asked for cannot be sent. The rest is done all the same.
    """

    wish: ServiceWish
    before: ServiceRecord | None
    steps: tuple[Step, ...] = ()
    enable_settings: Mapping[str, object] = field(default_factory=dict)
    updates: tuple[Mapping[str, object], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    untag_keys: tuple[str, ...] = ()
    problem: Problem | None = None

    @property
    def warnings(self) -> list[str]:
        """What was asked for and is not listed where the service is on."""
        if not self.before or not self.wish.is_present:
            return []
        present = _features(self.before.settings.get("features"))
        wishes = [value for value in self.wish.settings.values() if isinstance(value, FeatureWish)]
        return [text for wish in wishes for text in wish.doubts(present)]


@dataclass(frozen=True)
class ServiceResult:
    """What became of the service in one account and Region."""

    before: ServiceRecord | None
    after: ServiceRecord | None
    done: tuple[Step, ...] = ()
    problem: Problem | None = None


def plan_service(wish: ServiceWish, before: ServiceRecord | None) -> ServicePlan:
    """Decide what to send. Pure: the same wish and record give the same plan."""
    if not wish.is_present:
        return ServicePlan(wish, before, (Step.DISABLE_SERVICE,) if before else ())
    if before is None:
        return _plan_enabling(wish)
    updates, problem = _plan_updates(wish, before)
    present_tags = before.tags or {}
    tags = {key: value for key, value in (wish.tags or {}).items() if present_tags.get(key) != value}
    untag_keys: tuple[str, ...] = ()
    if wish.tags is not None and wish.purge_tags:
        # Tags under "aws:" are AWS's own and cannot be removed.
        untag_keys = tuple(sorted(k for k in present_tags if k not in wish.tags and not k.startswith("aws:")))
    needed = (*((Step.UPDATE_SERVICE, update) for update in updates), (Step.UNTAG, untag_keys), (Step.TAG, tags))
    planned = tuple(step for step, values in needed if values)
    return ServicePlan(wish, before, planned, {}, tuple(updates), tags, untag_keys, problem)


def _plan_enabling(wish: ServiceWish) -> ServicePlan:
    """Switch it on with everything that one call can hold, and set the rest afterwards."""
    at_once = {**wish.settings, **wish.on_enable}
    later = {name: at_once.pop(name) for name in wish.settings if name in wish.updated_only}
    updates = [later] if later else []
    for name, value in wish.settings.items():
        if isinstance(value, FeatureWish):
            # All that is asked for is sent: what the service has by itself once it is on is not known before.
            first, *rest = in_order(value.features, value.words) or [()]
            at_once[name] = replace(value, features=first)
            updates += [{name: replace(value, features=call)} for call in rest]
    steps = (Step.ENABLE_SERVICE, *[Step.UPDATE_SERVICE] * len(updates))
    return ServicePlan(wish, None, steps, at_once, tuple(updates), wish.tags or {})


def _plan_updates(wish: ServiceWish, before: ServiceRecord) -> tuple[list[dict[str, object]], Problem | None]:
    """Return the settings of each update: all in one, but for a feature that has to wait until another one is off."""
    plain = {name: value for name, value in wish.settings.items() if not _is_there(value, before.settings.get(name))}
    updates: list[dict[str, object]] = []
    problem = None
    for name, value in list(plain.items()):
        if isinstance(value, FeatureWish):
            del plain[name]
            present = _features(before.settings.get(name))
            problem = explain_owned(value, present)
            updates += [{name: replace(value, features=call)} for call in value.calls(present)]
    if plain:
        updates[:1] = [{**plain, **(updates[0] if updates else {})}]
    return updates, problem


def _features(value: object) -> Mapping[str, Feature]:
    return cast(Mapping[str, Feature], value or {})


def _is_there(wanted: object, present: object) -> bool:
    if isinstance(wanted, FeatureWish):
        return not wanted.missing(_features(present))
    return wanted == present


def _after(present: Mapping[str, object], sent: Mapping[str, object]) -> dict[str, object]:
    """Return the settings as they should read after ``sent`` was accepted."""
    return {
        **present,
        **{
            name: merged_features(_features(present.get(name)), value.features)
            if isinstance(value, FeatureWish)
            else value
            for name, value in sent.items()
        },
    }


def predict_service(plan: ServicePlan) -> ServiceResult:
    """Return what carrying out the plan should lead to, without a port at hand."""
    plan = _without_refused(plan)
    if not plan.steps:
        return ServiceResult(plan.before, plan.before, problem=plan.problem)
    if Step.DISABLE_SERVICE in plan.steps:
        return ServiceResult(plan.before, None, plan.steps)
    before = plan.before or ServiceRecord("", "ENABLED", plan.wish.defaults, {})
    settings = dict(before.settings)
    for sent in (plan.enable_settings, *plan.updates):
        settings = _after(settings, sent)
    status = "ENABLED" if settings.get("enabled", True) else plan.wish.suspended
    tags = before.tags
    if tags is not None:
        tags = {**{key: value for key, value in tags.items() if key not in plan.untag_keys}, **plan.tags}
    return ServiceResult(plan.before, ServiceRecord(before.handle, status, settings, tags), plan.steps, plan.problem)


def _without_refused(plan: ServicePlan) -> ServicePlan:
    """End the plan before the first update that AWS should refuse, as the features that it lists show."""
    present = _features(plan.before.settings.get("features")) if plan.before else {}
    for number, update in enumerate(plan.updates):
        for value in update.values():
            text = value.refusal(present) if isinstance(value, FeatureWish) else ""
            if text:
                problem = Problem(Reason.FEATURE_UNSUPPORTED, text)
                # Where the service is on, updates are what comes first.
                steps, updates = plan.steps[:number], plan.updates[:number]
                return replace(plan, steps=steps, updates=updates, tags={}, untag_keys=(), problem=problem)
    return plan


def execute_service(plan: ServicePlan, port: ServicePort, patience: Patience) -> Walk[ServiceResult]:
    """Carry out the plan, and read the service again until it shows what was sent."""
    if not plan.steps:
        return ServiceResult(plan.before, plan.before, problem=plan.problem)
    return (yield from _Execution(plan, port, patience).result())


class _Execution:
    def __init__(self, plan: ServicePlan, port: ServicePort, patience: Patience) -> None:
        self._plan = plan
        self._port = port
        self._patience = patience
        self._done: list[Step] = []
        # The service was switched on since it was read: AWS may still speak as if it were off.
        self._is_fresh = False
        has_tags = plan.before is not None and plan.before.tags is not None
        self._with_tags = has_tags or bool(plan.tags)

    def result(self) -> Walk[ServiceResult]:
        plan, after = self._plan, self._plan.before
        problem: Problem | None = None
        try:
            for step in plan.steps:
                if (yield from self._carry_out(step)):
                    self._done.append(step)
                    continue
                # Somebody else switched it on, with settings of theirs: what is left to do has to be planned again.
                now = yield from self._look(plan.wish.tags is not None, lambda now: now is not None)
                if now is None:
                    problem = self._not_shown()
                    break
                rest = yield from execute_service(plan_service(plan.wish, now), self._port, self._patience)
                return replace(rest, before=plan.before)
        except CallFailed as failure:
            problem = _explained(failure, self._settings_of(step), plan.before)
        try:
            must_show = problem is None and self._patience.wait
            after = yield from self._look(self._with_tags, self._shows_all if must_show else lambda _now: True)
            if after is None and Step.DISABLE_SERVICE in plan.steps:
                # Switched off, by whomever: a refusal then came too late to matter.
                problem = None
            elif must_show and not self._shows_all(after):
                problem = self._not_shown()
        except CallFailed as failure:
            problem = problem or failure.as_problem()
        if after and after.tags is None and Step.ENABLE_SERVICE in self._done:
            # What was just switched on has the tags it was given, so that none need not be read.
            after = replace(after, tags=plan.tags)
        return ServiceResult(plan.before, after, tuple(self._done), problem or plan.problem)

    def _not_shown(self) -> Problem:
        switched = {Step.ENABLE_SERVICE: "the service on", Step.DISABLE_SERVICE: "the service off"}
        effect = switched.get(self._plan.steps[0], "the change")
        return Problem(Reason.TIMED_OUT, f"AWS accepted the request, but does not show {effect} yet")

    def _shows_all(self, now: ServiceRecord | None) -> bool:
        return all(_has_arrived(step, self._plan, now, self._plan.updates) for step in self._plan.steps)

    def _look(self, with_tags: bool, is_enough: Callable[[ServiceRecord | None], bool]) -> Walk[ServiceRecord | None]:
        """Read the service until that is enough, or the time is over."""
        wait = self._patience.begin()
        while True:
            now = self._describe(with_tags)
            if is_enough(now) or not (yield from wait.for_another_look()):
                return now

    def _describe(self, with_tags: bool) -> ServiceRecord | None:
        try:
            return self._port.describe(with_tags)
        except CallFailed as failure:
            if self._is_echo(failure):
                return None
            raise

    def _is_echo(self, failure: CallFailed) -> bool:
        return self._is_fresh and is_said_to_be_off(failure.code, failure.text, failure.reason)

    def _carry_out(self, step: Step) -> Walk[bool]:
        """Send one step, again where AWS has yet to see what came before; tell whether it changed anything."""
        wait = self._patience.begin()
        while True:
            try:
                is_changed = _send(step, self._plan, self._port, self._next_update())
                self._is_fresh |= step is Step.ENABLE_SERVICE
                return is_changed
            except CallFailed as failure:
                is_held = step is Step.DISABLE_SERVICE and failure.reason is Reason.STILL_ASSOCIATED
                is_passing = self._is_echo(failure) or (is_held and self._patience.wait)
                if is_passing and (yield from wait.for_another_look()):
                    continue
                # Where the answer was lost, a look decides whether the request took effect.
                if not failure.is_uncertain or not self._has_arrived(step):
                    raise
                return True

    def _has_arrived(self, step: Step) -> bool:
        now = self._port.describe(step in (Step.TAG, Step.UNTAG))
        return _has_arrived(step, self._plan, now, [self._next_update()])

    def _settings_of(self, step: Step) -> Mapping[str, object]:
        """Return the settings that a step sends."""
        sent = {Step.ENABLE_SERVICE: self._plan.enable_settings, Step.UPDATE_SERVICE: self._next_update()}
        return sent.get(step, {})

    def _next_update(self) -> Mapping[str, object]:
        """Return what the next update sends."""
        done = self._done.count(Step.UPDATE_SERVICE)
        return self._plan.updates[done] if done < len(self._plan.updates) else {}


def _explained(failure: CallFailed, sent: Mapping[str, object], before: ServiceRecord | None) -> Problem:
    """Say what a refusal is most likely about where features were sent, of which AWS may not have all here.

    Its text for a value that is none means something else in calls without features, and is then what it says.
    """
    problem = failure.as_problem()
    wishes = [value for value in sent.values() if isinstance(value, FeatureWish)]
    names = [feature.name for wish in wishes for feature in wish.features]
    if not names or not (failure.reason is Reason.INVALID_INPUT or is_generic(failure.text)):
        return problem
    return blame_features(problem, names, None if before is None else _features(before.settings.get("features")))


def _has_arrived(
    step: Step, plan: ServicePlan, now: ServiceRecord | None, updates: Iterable[Mapping[str, object]]
) -> bool:
    if now is None or step is Step.DISABLE_SERVICE:
        return now is None and step is Step.DISABLE_SERVICE
    tags = now.tags or {}
    return {
        Step.ENABLE_SERVICE: True,
        Step.UPDATE_SERVICE: all(
            _is_there(value, now.settings.get(name)) for update in updates for name, value in update.items()
        ),
        Step.TAG: plan.tags.items() <= tags.items(),
        Step.UNTAG: not tags.keys() & set(plan.untag_keys),
    }[step]


def _send(step: Step, plan: ServicePlan, port: ServicePort, update: Mapping[str, object]) -> bool:
    """Send one step; tell whether it changed anything."""
    handle = plan.before.handle if plan.before else ""
    if step is Step.ENABLE_SERVICE:
        return port.enable(plan.enable_settings, plan.tags)
    calls = {
        Step.UPDATE_SERVICE: lambda: port.update(handle, update),
        # Only what has tags is planned to be tagged.
        Step.TAG: lambda: cast(TaggablePort, port).tag(handle, plan.tags),
        Step.UNTAG: lambda: cast(TaggablePort, port).untag(handle, plan.untag_keys),
        Step.DISABLE_SERVICE: lambda: port.disable(handle),
    }
    calls[step]()
    return True
