# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service itself, on or off."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from .._membership.features import FeatureWish
from .._membership.model import Outcome, Reason, ServiceKind
from .._membership.plan_service import (
    ServicePlan,
    ServiceResult,
    ServiceWish,
    execute_service,
    plan_service,
    predict_service,
)
from .._membership.port import Api, Service, ServicePort
from .._membership.result import Report, judge_service, service_row, steps_as_actions
from .._membership.validate import Fault, explain_tags
from .._targets import Target, split_problems
from .task import Task, feature_wish, member_targets, refuse


def service_job(service: Service, task: Task) -> Report:
    """Switch the service on or off in each account, and keep its settings and tags."""
    kind, options = service.facts.kind, task.options

    def given(names: Iterable[str]) -> dict[str, object]:
        return {name: options[name] for name in names if options[name] is not None}

    tags = options.get("tags")
    refuse(Fault("", Reason.INVALID_INPUT, text) for text in explain_tags(tags or {}))
    features = feature_wish(service.facts, options)
    wish = ServiceWish(
        is_present=options["state"] == "present",
        settings={**given(set(kind.settings) - {"features"}), **({"features": features} if features else {})},
        on_enable=given(kind.on_enable),
        updated_only=frozenset(kind.updated_only),
        defaults=kind.settings,
        suspended=kind.suspended or "DISABLED",
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=bool(options.get("purge_tags")),
    )
    targets = member_targets(service, task)

    def look(_target: Target, api: Api) -> tuple[ServicePort, ServicePlan]:
        port = service.open_service(api)
        return port, plan_service(wish, port.describe(with_tags=wish.tags is not None))

    reached, problems = split_problems(targets.run(look, targets.all))
    due = {target: plan.steps for target, (_port, plan) in reached.items() if plan.steps}

    results = {target: predict_service(plan) for target, (_port, plan) in reached.items()}
    if task.carry_out:
        walks = {
            target: execute_service(plan, port, task.patience())
            for target, (port, plan) in reached.items()
            if target in due
        }
        carried_out, lost = split_problems(targets.walk(walks, task.clock))
        results.update(carried_out)
        problems.update(lost)
    report = Report()
    texts = (f"{target.region}: {text}" for target, (_port, plan) in reached.items() for text in plan.warnings)
    report.warnings += dict.fromkeys(texts)  # once for all accounts of a Region
    for target, steps in due.items():
        report.add_actions(target.region, target.account_id, steps_as_actions(service.facts.operations, steps))
    row_of = partial(_service_row, kind, features)
    for target, problem in problems.items():
        report.add_row(row_of(target, ServiceResult(None, None)), None, (Outcome.FAILED, problem))
    for target, result in results.items():
        if target not in problems:
            previous = result.before.status if result.before else None
            report.add_row(row_of(target, result), previous, judge_service(result, service.facts))
    return report


def _service_row(
    kind: ServiceKind, features: FeatureWish | None, target: Target, result: ServiceResult
) -> dict[str, Any]:
    return service_row(target.region, target.account_id, kind, result, features)
