# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service itself in one account and Region, on or off: plan and execution. The same for a detector and a hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .model import Problem, Reason, Step
from .port import CallFailed, ServicePort, ServiceRecord


@dataclass(frozen=True)
class ServiceWish:
    """What the user wants of the service.

    :param is_present: On, or off.
    :param settings: Option names to values, only those that the user set: they are compared and kept.
    :param on_enable: Options that matter only while it is switched on.
    :param updated_only: Settings that AWS takes in an update only, not when it is switched on.
    :param tags: ``None`` leaves the tags alone.
    :param purge_tags: Remove tags that are not wanted.
    """

    is_present: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
    on_enable: Mapping[str, object] = field(default_factory=dict)
    updated_only: frozenset[str] = frozenset()
    tags: Mapping[str, str] | None = None
    purge_tags: bool = True


@dataclass(frozen=True)
class ServicePlan:
    """The plan for one account in one Region, with what each step needs."""

    wish: ServiceWish
    before: ServiceRecord | None
    steps: tuple[Step, ...] = ()
    enable_settings: Mapping[str, object] = field(default_factory=dict)
    update_settings: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    untag_keys: tuple[str, ...] = ()


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
        later = {name: value for name, value in wish.settings.items() if name in wish.updated_only}
        at_once = {name: value for name, value in wish.settings.items() if name not in wish.updated_only}
        steps = (Step.ENABLE_SERVICE, Step.UPDATE_SERVICE) if later else (Step.ENABLE_SERVICE,)
        return ServicePlan(wish, None, steps, {**at_once, **wish.on_enable}, later, wish.tags or {})
    update = {name: value for name, value in wish.settings.items() if before.settings.get(name) != value}
    present_tags = before.tags or {}
    tags = {key: value for key, value in (wish.tags or {}).items() if present_tags.get(key) != value}
    untag_keys: tuple[str, ...] = ()
    if wish.tags is not None and wish.purge_tags:
        # Tags under "aws:" are AWS's own and cannot be removed.
        untag_keys = tuple(sorted(k for k in present_tags if k not in wish.tags and not k.startswith("aws:")))
    needed = ((Step.UPDATE_SERVICE, update), (Step.UNTAG, untag_keys), (Step.TAG, tags))
    return ServicePlan(wish, before, tuple(s for s, values in needed if values), {}, update, tags, untag_keys)


def predict_service(plan: ServicePlan) -> ServiceResult:
    """Return what carrying out the plan should lead to, without a port at hand."""
    if not plan.steps:
        return ServiceResult(plan.before, plan.before)
    if Step.DISABLE_SERVICE in plan.steps:
        return ServiceResult(plan.before, None, plan.steps)
    before = plan.before or ServiceRecord("", "ENABLED", {}, {})
    settings = {**before.settings, **plan.enable_settings, **plan.update_settings}
    status = "ENABLED" if settings.get("enabled", True) else "DISABLED"
    tags = before.tags
    if tags is not None:
        tags = {**{key: value for key, value in tags.items() if key not in plan.untag_keys}, **plan.tags}
    return ServiceResult(plan.before, ServiceRecord(before.handle, status, settings, tags), plan.steps)


def execute_service(plan: ServicePlan, port: ServicePort) -> ServiceResult:
    """Carry out the plan and read the service again if anything was sent."""
    if not plan.steps:
        return ServiceResult(plan.before, plan.before)
    handle = plan.before.handle if plan.before else ""
    done: list[Step] = []
    problem: Problem | None = None
    after = plan.before
    try:
        for step in plan.steps:
            if _carry_out_or_settle(step, plan, port, handle):
                done.append(step)
                continue
            # Somebody else switched it on, with settings of theirs: what is left to do has to be planned again.
            now = port.describe(with_tags=plan.wish.tags is not None)
            if now:
                return replace(execute_service(plan_service(plan.wish, now), port), before=plan.before)
    except CallFailed as failure:
        problem = failure.as_problem()
    had_tags = plan.before is not None and plan.before.tags is not None
    try:
        after = port.describe(with_tags=had_tags or bool(plan.tags))
        if after is None and Step.DISABLE_SERVICE in plan.steps:
            # Switched off, by whomever: a refusal then came too late to matter.
            problem = None
    except CallFailed as failure:
        problem = problem or failure.as_problem()
    if problem is None and (after is None) is plan.wish.is_present:
        word = "on" if plan.wish.is_present else "off"
        problem = Problem(Reason.TIMED_OUT, f"AWS accepted the request, but does not show the service {word} yet")
    if after and after.tags is None and Step.ENABLE_SERVICE in done:
        # What was just switched on has the tags it was given, so that none need not be read.
        after = replace(after, tags=plan.tags)
    return ServiceResult(plan.before, after, tuple(done), problem)


def _carry_out_or_settle(step: Step, plan: ServicePlan, port: ServicePort, handle: str) -> bool:
    """Send one step; where its answer was lost, let a look decide whether it took effect."""
    try:
        return _carry_out(step, plan, port, handle)
    except CallFailed as failure:
        if not failure.is_uncertain or not _has_arrived(step, plan, port.describe(step in (Step.TAG, Step.UNTAG))):
            raise
        return True


def _has_arrived(step: Step, plan: ServicePlan, now: ServiceRecord | None) -> bool:
    if now is None or step is Step.DISABLE_SERVICE:
        return now is None and step is Step.DISABLE_SERVICE
    tags = now.tags or {}
    return {
        Step.ENABLE_SERVICE: True,
        Step.UPDATE_SERVICE: plan.update_settings.items() <= now.settings.items(),
        Step.TAG: plan.tags.items() <= tags.items(),
        Step.UNTAG: not tags.keys() & set(plan.untag_keys),
    }[step]


def _carry_out(step: Step, plan: ServicePlan, port: ServicePort, handle: str) -> bool:
    """Send one step; tell whether it changed anything."""
    if step is Step.ENABLE_SERVICE:
        return port.enable(plan.enable_settings, plan.tags)
    calls = {
        Step.UPDATE_SERVICE: lambda: port.update(handle, plan.update_settings),
        Step.TAG: lambda: port.tag(handle, plan.tags),
        Step.UNTAG: lambda: port.untag(handle, plan.untag_keys),
        Step.DISABLE_SERVICE: lambda: port.disable(handle),
    }
    calls[step]()
    return True
