# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who the delegated administrator of an organization is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from .._aws.cloud import Cloud
from .._membership.model import Action, OrganizationKind, Outcome, Problem, Reason, ServiceFacts, Step
from .._membership.plan_delegation import (
    SETTLING,
    DelegationPlan,
    DelegationResult,
    DelegationWish,
    execute_delegation,
    plan_delegation,
    predict_delegation,
)
from .._membership.port import Api, CallFailed, Delegate, DelegationPort, Service
from .._membership.reasons import is_settling
from .._membership.result import Report, delegation_row, judge_delegation
from .._membership.validate import Fault, explain_account_id, explain_service_principal
from .._membership.waiting import Patience, Walk, walk_alone
from .._services.delegation import ENABLE_SERVICE_ACCESS, TrustedAccess
from .._targets import Target, Targets, split_problems
from .task import Task, check_common, refuse


def delegation_job(service: Service, task: Task) -> Report:
    """Make the account the delegated administrator in each Region, or take it away."""
    kind = service.organization_kind
    wish, principals = _checked(task, service.facts)
    cloud = task.connect()
    targets = task.targets(cloud, service.facts, [cloud.caller.account_id], None)

    def look(_target: Target, api: Api) -> tuple[DelegationPort, DelegationPlan]:
        port = service.open_delegation(api)
        return port, plan_delegation(wish, port.get_administrator())

    reached, problems = split_problems(targets.run(look, targets.all))
    due = [target for target, (_port, plan) in reached.items() if plan.steps]
    served = [target for target, (_port, plan) in reached.items() if plan.problem is None]
    # Where another administrator is in every Region, nothing is sent.
    access = _Access(cloud, task.regions[0], principals if served else ())
    # One Region tells of what holds for all of them.
    holder = next(iter(due or served), None)
    results = {target: predict_delegation(plan) for target, (_port, plan) in reached.items()}
    if task.carry_out:
        access.enable(task.patience())
    else:
        access.enabled = access.missing
    if access.problem is not None:
        results.update({target: _unsent(reached[target][1], access.problem) for target in due})
    elif task.carry_out:
        carried_out, lost = split_problems(_carry_out(task, targets, reached, due))
        results.update({target: access.name_others(result, kind) for target, result in carried_out.items()})
        problems.update(lost)
    report = Report()
    if reached and wish.is_present and wish.administrator_id == cloud.caller.account_id:
        report.warnings.append(
            "the management account is to be its own delegated administrator: AWS advises against it"
        )
    for target in reached:
        operations = [ENABLE_SERVICE_ACCESS] * len(access.missing) if target == holder else []
        operations += [service.facts.operations[step] for step in reached[target][1].steps]
        report.add_actions(target.region, target.account_id, [Action(operation) for operation in operations])
    for target, problem in problems.items():
        results[target] = DelegationResult(None, None, problem=problem)
    for target, result in results.items():
        _add(report, target, result, wish, access if target == holder else None)
    return report


def _checked(task: Task, facts: ServiceFacts) -> tuple[DelegationWish, tuple[str, ...]]:
    check_common(task, facts)
    options = task.options
    text = explain_account_id(options["administrator_id"])
    faults = (
        [Fault(str(options["administrator_id"]), Reason.INVALID_INPUT, f"administrator_id: {text}")] if text else []
    )
    texts = map(explain_service_principal, options["service_principals"])
    refuse([*faults, *(Fault("", Reason.INVALID_INPUT, f"service_principals: {text}") for text in texts if text)])
    wish = DelegationWish(options["administrator_id"], options["state"] == "present")
    # Trusted access is never taken away: other things in the organization may need it.
    return wish, tuple(options["service_principals"]) if wish.is_present else ()


class _Access:
    """The service principals that the delegation needs, and those of them that AWS does not trust yet."""

    def __init__(self, cloud: Cloud, region: str, wanted: Iterable[str]) -> None:
        self._port = TrustedAccess(cloud.organizations(region))
        self.missing: list[str] = []
        self.enabled: list[str] = []
        self.problem: Problem | None = None
        names = list(dict.fromkeys(wanted))
        if not names:
            return
        try:
            present = set(self._port.list_principals())
            self.missing = [name for name in names if name not in present]
        except CallFailed as failure:
            self.problem = failure.as_problem()

    def enable(self, patience: Patience) -> None:
        """Switch trusted access on where it is missing."""
        for name in self.missing:
            self.problem = walk_alone(self._enable(name, patience), patience.clock)
            if self.problem is not None:
                return
            self.enabled.append(name)

    def _enable(self, name: str, patience: Patience) -> Walk[Problem | None]:
        wait = patience.at_most(SETTLING).begin()
        while True:
            try:
                self._port.enable_service_access(name)
            except CallFailed as failure:
                problem = failure.as_problem()
                if failure.is_uncertain and self._is_there(name):
                    return None
                # The SDK tries again when AWS is too busy, and not when another operation is at work.
                if not is_settling(failure.operation, failure.code, failure.text, failure.reason):
                    return problem
            else:
                return None
            if not (yield from wait.for_another_look()):
                return problem

    def _is_there(self, name: str) -> bool:
        """Let a look decide what became of a request without an answer."""
        try:
            return name in self._port.list_principals()
        except CallFailed:
            return False

    def name_others(self, result: DelegationResult, kind: OrganizationKind) -> DelegationResult:
        """Say who the other administrator is, where AWS only says that there is one: it is not of this Region."""
        problem = result.problem
        if problem is None or problem.operation is None or problem.reason is not Reason.OTHER_DELEGATED_ADMINISTRATOR:
            return result
        names: list[str] = []
        with suppress(CallFailed):  # the refusal is what to tell
            names = self._port.list_administrators(kind.principal)
        text = f"{problem.text} (registered in AWS Organizations: {', '.join(names) or 'not to be read'})"
        return replace(result, problem=replace(problem, text=text))


def _unsent(plan: DelegationPlan, problem: Problem) -> DelegationResult:
    return DelegationResult(plan.before, plan.before, problem=problem)


def _carry_out(
    task: Task, targets: Targets, reached: dict[Target, tuple[DelegationPort, DelegationPlan]], due: list[Target]
) -> dict[Target, DelegationResult | Problem]:
    """Delegate where it is due. Where nobody is delegated anywhere, one Region goes first, alone.

    The first call also registers the administrator in the organization, and AWS refuses others that come meanwhile.
    """

    def carry_out(chosen: list[Target], patience: Patience) -> dict[Target, DelegationResult | Problem]:
        plans = {target: reached[target] for target in chosen}
        walks = {target: execute_delegation(plan, port, patience) for target, (port, plan) in plans.items()}
        return targets.walk(walks, task.clock)

    patience = task.patience()
    end = task.clock.now() + patience.timeout
    results: dict[Target, DelegationResult | Problem] = {}
    is_first = not any(plan.before and plan.before.is_enabled for _port, plan in reached.values())
    rest = list(due)
    while rest and is_first:
        first, *rest = rest
        # The others need it in office, whether or not the user waits for the end; all who go first have one wait.
        left = max(end - task.clock.now(), 0.0)
        results.update(carry_out([first], replace(patience, wait=patience.wait or bool(rest), timeout=left)))
        result = results[first]
        if not isinstance(result, Problem) and result.is_timed_out:
            late = Problem(Reason.TIMED_OUT, f"not sent: {first.region} goes first, and is not {Delegate.ENABLED} yet")
            return {**results, **{target: _unsent(reached[target][1], late) for target in rest}}
        # A Region that refuses says nothing about the others: the next one is the first.
        is_first = isinstance(result, Problem) or result.problem is not None
    return {**results, **carry_out(rest, patience)}


def _add(
    report: Report, target: Target, result: DelegationResult, wish: DelegationWish, access: _Access | None
) -> None:
    steps = [*([Step.ENABLE_SERVICE_ACCESS] * bool(access and access.enabled)), *result.done]
    verdict = judge_delegation(result)
    if access and access.problem and not result.problem:
        verdict = Outcome.FAILED, access.problem
    elif steps and not result.problem:
        verdict = Outcome.CHANGED, None
    previous = _described(result.before)
    report.add_row(delegation_row(target.region, result, steps), previous, verdict, wish.administrator_id)


def _described(delegate: Delegate | None) -> str | None:
    return delegate.status if delegate else None
