# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the accounts of an organization get by themselves."""

from __future__ import annotations

from typing import Any

from .._membership.features import FeatureWords, explain_features, explain_unlisted, read_features
from .._membership.model import OrganizationKind, Outcome, Problem, Reason, Step
from .._membership.plan_organization import (
    OrganizationPlan,
    OrganizationRecord,
    OrganizationResult,
    OrganizationWish,
    execute_organization,
    plan_organization,
    predict_organization,
)
from .._membership.port import Api, CallFailed, Delegate, OrganizationPort, Service
from .._membership.result import Report, Verdict, judge_delegation, organization_row, settings_of, steps_as_actions
from .._membership.validate import Fault
from .._targets import Target, split_problems
from .task import Task, member_targets, refuse

# Why one half of what an organization has may not be read by somebody who may read the other.
_NOT_MINE = frozenset(
    {
        Reason.ACCESS_DENIED,
        Reason.INVALID_INPUT,
        Reason.NOT_DELEGATED_ADMINISTRATOR,
        Reason.NOT_MANAGEMENT_ACCOUNT,
        Reason.ORGANIZATION_NOT_IN_USE,
        Reason.SERVICE_NOT_ENABLED,
    }
)
_NO_WORDS = FeatureWords("auto_enable", "NONE")


def organization_job(service: Service, task: Task) -> Report:
    """Set what accounts of the organization get by themselves, in each Region."""
    kind = service.organization_kind
    words = kind.features or _NO_WORDS
    wish = _checked(kind, words, task)
    targets = member_targets(service, task)

    def look(_target: Target, api: Api) -> tuple[OrganizationPort, OrganizationPlan]:
        port = service.open_organization(api)
        return port, plan_organization(wish, port.describe(), words)

    reached, problems = split_problems(targets.run(look, targets.all))
    due = {target: plan for target, (_port, plan) in reached.items() if plan.is_due}
    results = {target: predict_organization(plan) for target, (_port, plan) in reached.items()}
    if task.carry_out:
        walks = {
            target: execute_organization(plan, reached[target][0], words, task.patience())
            for target, plan in due.items()
        }
        carried_out, lost = split_problems(targets.walk(walks, task.clock))
        results.update(carried_out)
        problems.update(lost)
    report = Report()
    for target, (_port, plan) in reached.items():
        texts = explain_unlisted(wish.features, plan.before.features, words.off)
        report.warnings += [f"{target.region}/{target.account_id}: {text}" for text in texts]
    for target, plan in due.items():
        steps = [Step.UPDATE_ORGANIZATION] * len(plan.calls)
        report.add_actions(target.region, target.account_id, steps_as_actions(service.facts.operations, steps))
    for target, problem in problems.items():
        results[target] = OrganizationResult(None, None, problem=problem)
    for target, result in results.items():
        row = organization_row(target.region, target.account_id, kind, result)
        report.add_row(row, None, judge_delegation(result))
        place = f"{target.region}/{target.account_id}"
        report.before[place], report.after[place] = _settings(kind, result.before), _settings(kind, result.after)
        if result.after and result.after.is_limit_reached:
            text = "the administrator has all the members that it may have: AWS adds no more accounts by itself"
            report.warnings.append(f"{target.region}/{target.account_id}: {text}")
    return report


def _settings(kind: OrganizationKind, record: OrganizationRecord | None) -> dict[str, Any]:
    """Return what a diff shows: there is no status, so it is the settings."""
    return settings_of(kind, record) if record else {}


def _checked(kind: OrganizationKind, words: FeatureWords, task: Task) -> OrganizationWish:
    options = task.options
    settings = {name: options[name] for name in kind.settings if options[name] is not None}
    features = options.get("features") or ()
    texts = explain_features(features, words)
    if len({str(account_id) for account_id in options["account_ids"] or ()}) > 1:
        texts.append("account_ids holds one account: the delegated administrator")
    refuse(Fault("", Reason.INVALID_INPUT, text) for text in texts)
    return OrganizationWish(settings, read_features(features, words))


def organization_info_job(service: Service, task: Task) -> Report:
    """Read who the delegated administrator is, and the settings: whatever of both the caller may read."""
    kind = service.organization_kind
    targets = member_targets(service, task)

    def look(_target: Target, api: Api) -> tuple[Delegate | None, OrganizationRecord | None, Problem | None]:
        delegate, record = None, None
        unread: list[Problem] = []
        try:
            delegate = service.open_delegation(api).get_administrator()
        except CallFailed as failure:
            unread.append(_not_mine(failure))
        try:
            record = service.open_organization(api).describe()
        except CallFailed as failure:
            unread.append(_not_mine(failure))
        # Each half is somebody else's: only who may read neither is told why.
        return delegate, record, _worth_telling(*unread) if len(unread) == 2 else None

    report = Report()
    reached, problems = split_problems(targets.run(look, targets.all))
    verdict: Verdict
    for target in targets.all:
        if target in problems:
            delegate, record, verdict = None, None, (Outcome.FAILED, problems[target])
        else:
            delegate, record, unread = reached[target]
            verdict = Outcome.UNCHANGED, unread
        row = {
            "account_id": target.account_id,
            "region": target.region,
            "administrator_id": delegate.account_id if delegate else None,
            "status": delegate.status if delegate else None,
            **settings_of(kind, record),
            "actions": [],
        }
        report.add_row(row, row["status"], verdict)
    return report


def _worth_telling(of_management: Problem, of_administrator: Problem) -> Problem:
    """Return why neither half may be read. A service that is off says nothing about whose part it would be to read."""
    is_off = of_administrator.reason is Reason.SERVICE_NOT_ENABLED
    return of_management if is_off else of_administrator


def _not_mine(failure: CallFailed) -> Problem:
    if failure.reason not in _NOT_MINE:
        raise failure
    return failure.as_problem()
