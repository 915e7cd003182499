# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each kind of module does, from its options to a report: check, look, plan, carry out (or predict), shape.

Every job looks and plans in all its conversations before it writes in any, so that a brake can stop the whole task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ._aws import Cloud, Role
from ._membership.execute_administrator import (
    AdministratorObservation,
    AdministratorResult,
    execute_administrator,
    observe_administrator,
    observe_member_side,
    predict_administrator,
)
from ._membership.execute_members import MemberResult, execute_members, predict_members
from ._membership.model import (
    Account,
    Member,
    Outcome,
    Problem,
    Reason,
    Relationship,
    ServiceFacts,
    State,
    batches,
)
from ._membership.plan_administrator import AdministratorPolicy, MemberSide
from ._membership.plan_members import Decision, MemberPolicy, MembersPlan, Wish, explain_purge, plan_members, rows_for
from ._membership.plan_service import (
    ServicePlan,
    ServiceResult,
    ServiceWish,
    execute_service,
    plan_service,
    predict_service,
)
from ._membership.port import (
    AdministratorPort,
    Api,
    Clock,
    ForEach,
    MembersPort,
    Service,
    ServicePort,
    TaskFailed,
)
from ._membership.result import (
    Report,
    administrator_row,
    invitation_row,
    judge_administrator,
    judge_member,
    judge_service,
    member_row,
    service_row,
    steps_as_actions,
)
from ._membership.validate import (
    Fault,
    InvalidInput,
    check_account_ids,
    check_members,
    explain_account_id,
    explain_region,
    explain_role_name,
)
from ._membership.waiting import Patience
from ._targets import Target, Targets, split_problems

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What a job is given.

    :param options: The module's options.
    :param regions: The Regions to act in, at least one.
    :param connect: Opens AWS, for jobs that get that far.
    :param clock: For the waits.
    :param carry_out: False in check mode: plan and predict, write nothing.
    """

    options: Options
    regions: list[str]
    connect: Callable[[], Cloud]
    clock: Clock
    carry_out: bool

    def patience(self) -> Patience:
        return Patience(self.clock, self.options["wait"], float(self.options["wait_timeout"]))

    def targets(self, cloud: Cloud, facts: ServiceFacts, account_ids: Iterable[str], role: Role | None) -> Targets:
        return Targets(cloud, facts.name, self.regions, account_ids, role, self.options["concurrency"])


Job = Callable[[Task], Report]


def _refuse(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise InvalidInput(found)


def _check_common(task: Task) -> None:
    texts = [explain_region(region) for region in task.regions]
    texts += ["concurrency must be at least 1"] if task.options["concurrency"] < 1 else []
    for name in ("wait_timeout", "purge_limit"):
        texts += [f"{name} must not be negative"] if task.options.get(name, 0) < 0 else []
    role_name = task.options.get("role_name")
    texts += [explain_role_name(role_name)] if role_name else []
    _refuse(Fault("", Reason.INVALID_INPUT, text) for text in texts if text)


# The administrator's side


def member_job(service: Service, task: Task) -> Report:
    """Bring the listed accounts, as members of the caller, into the wanted state."""
    accounts, policy = _checked_members(service.facts, task)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    targets = task.targets(cloud, service.facts, [caller_id], None)

    def look(_target: Target, api: Api) -> tuple[MembersPort, MembersPlan]:
        port = service.open_members(api, task.options)
        observed = _observe_members(port, accounts, targets.for_each, caller_id, policy.purge)
        return port, plan_members(accounts, observed, policy, service.facts, caller_id)

    reached, problems = split_problems(targets.run(look, targets.all))
    purge_fault = explain_purge([plan for _port, plan in reached.values()], task.options["purge_limit"])
    if purge_fault:
        raise TaskFailed(purge_fault)

    def act(target: Target, _api: Api) -> list[MemberResult]:
        port, plan = reached[target]
        if not task.carry_out:
            return predict_members(plan, caller_id)
        return execute_members(plan, port, task.patience(), targets.for_each)

    results, lost = split_problems(targets.run(act, reached))
    report = Report()
    for target, (_port, plan) in reached.items():
        report.add_actions(target.region, None, plan.actions)
        report.warnings += [f"{target.region}/{text}" for text in plan.warnings]
    table = rows_for(policy, service.facts)
    for target, problem in {**problems, **lost}.items():
        unread = [Decision(a, Member(a.account_id), table, is_skipped=a.account_id == caller_id) for a in accounts]
        results[target] = [MemberResult(decision, decision.before, problem=problem) for decision in unread]
    for target, members in results.items():
        for result in members:
            report.add_row(member_row(target.region, result), result.decision.before.status, judge_member(result))
    return report


def _checked_members(facts: ServiceFacts, task: Task) -> tuple[list[Account], MemberPolicy]:
    _check_common(task)
    options = task.options
    policy = MemberPolicy(
        wish=Wish(options["state"]),
        via_organization=options["via"] == "organization",
        invite=options["invite"],
        reinvite_resigned=options["reinvite_resigned"],
        replace_failed=bool(options.get("replace_failed")),
        monitoring=options.get("monitoring"),
        purge=options["purge_members"],
    )
    accounts, faults = check_members(options["members"], facts.needs_email and policy.wish is Wish.PRESENT)
    _refuse(faults)
    rules = (
        (accounts, "members is empty: list at least one account (with purge_members, too, an empty list is no 'all')"),
        (
            not policy.purge or policy.wish is Wish.PRESENT,
            "purge_members goes with state=present only: with any other state every member would be removed",
        ),
        (
            not options.get("detector_id") or len(task.regions) == 1,
            "detector_id goes with a single Region: leave it out, each Region's detector is then looked up",
        ),
    )
    _refuse(Fault("", Reason.INVALID_INPUT, text) for is_kept, text in rules if not is_kept)
    return accounts, policy


def _observe_members(
    port: MembersPort, accounts: Iterable[Account], for_each: ForEach, caller_id: str, everyone: bool
) -> list[Member]:
    if everyone:
        return port.list_members()
    ids = [account.account_id for account in accounts if account.account_id != caller_id]
    return [member for members in for_each(port.get_members, batches(ids)) for member in members]


def member_info_job(service: Service, task: Task) -> Report:
    """Read the members of the caller: all of them, or those that were asked for."""
    _check_common(task)
    wanted, faults = check_account_ids(task.options["member_ids"] or [])
    _refuse(faults)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    targets = task.targets(cloud, service.facts, [caller_id], None)

    def look(_target: Target, api: Api) -> list[Member]:
        port = service.open_members(api, {})
        accounts = [Account(account_id) for account_id in wanted]
        observed = _observe_members(port, accounts, targets.for_each, caller_id, not wanted)
        found = {member.account_id: member for member in observed}
        return [found.get(account_id, Member(account_id)) for account_id in wanted or found]

    report = Report()
    reached, problems = split_problems(targets.run(look, targets.all))
    for target, members in reached.items():
        for member in members:
            decision = Decision(Account(member.account_id), member, {})
            row = member_row(target.region, MemberResult(decision, member))
            report.add_row(row, member.status, (Outcome.UNCHANGED, None))
    for target, problem in problems.items():
        for account_id in wanted or [caller_id]:
            decision = Decision(Account(account_id), Member(account_id), {})
            row = member_row(target.region, MemberResult(decision, decision.before))
            report.add_row(row, None, (Outcome.FAILED, problem))
    return report


# The member's side


def _checked_accounts(task: Task) -> tuple[list[str] | None, Role | None]:
    """The accounts to act in (None: the caller's own) and the role to assume there."""
    _check_common(task)
    options = task.options
    if options["account_ids"] is None:
        return None, None
    account_ids, faults = check_account_ids(options["account_ids"])
    _refuse(faults)
    if not account_ids:
        text = "account_ids is empty: list at least one account, or leave it out to act in the calling account"
        _refuse([Fault("", Reason.INVALID_INPUT, text)])
    if not options["role_name"]:
        return account_ids, None
    return account_ids, Role(options["role_name"], options["role_session_name"], options["external_id"])


def _member_targets(service: Service, task: Task) -> Targets:
    account_ids, role = _checked_accounts(task)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    if role is None and set(account_ids or ()) - {caller_id}:
        raise TaskFailed(
            f"role_name is missing: it is needed to act in other accounts than the caller's own, {caller_id}"
        )
    return task.targets(cloud, service.facts, account_ids or [caller_id], role)


def administrator_job(service: Service, task: Task) -> Report:
    """Let each account accept the expected administrator's invitation, or leave that administrator."""
    options = task.options
    text = explain_account_id(options["administrator_id"])
    _refuse(
        [Fault(str(options["administrator_id"]), Reason.INVALID_INPUT, f"administrator_id: {text}")] if text else []
    )
    policy = AdministratorPolicy(
        administrator_id=options["administrator_id"],
        is_present=options["state"] == "present",
        enable_service=options["enable_service"],
        replace_administrator=options["replace_administrator"],
        joined_status=service.facts.word_for(State.ENABLED),
        invites_held_accounts=service.facts.invites_held_accounts,
    )
    targets = _member_targets(service, task)
    own = [target for target in targets.all if target.account_id == policy.administrator_id]
    others = [target for target in targets.all if target.account_id != policy.administrator_id]

    def look(_target: Target, api: Api) -> tuple[AdministratorPort, AdministratorObservation]:
        port = service.open_administrator(api)
        return port, observe_administrator(port, policy)

    reached, problems = split_problems(targets.run(look, others))
    due = {target: seen.plan.steps for target, (_port, seen) in reached.items() if seen.plan.steps}

    def act(target: Target, _api: Api) -> AdministratorResult:
        port, seen = reached[target]
        return execute_administrator(seen, port, policy, task.patience())

    results = {target: predict_administrator(seen, policy) for target, (_port, seen) in reached.items()}
    if task.carry_out:
        carried_out, lost = split_problems(targets.run(act, due))
        results.update(carried_out)
        problems.update(lost)
    report = Report()
    for target, steps in due.items():
        report.add_actions(target.region, target.account_id, steps_as_actions(service.facts.operations, steps))
    itself = Problem(Reason.IS_ADMINISTRATOR, "the account is the administrator itself")
    for target in own:
        _add_administrator(report, target, AdministratorResult(MemberSide(True), None), (Outcome.SKIPPED, itself))
    for target, problem in problems.items():
        unread = AdministratorResult(MemberSide(False), None, problem=problem)
        _add_administrator(report, target, unread, (Outcome.FAILED, problem))
    for target, result in results.items():
        if target not in problems:
            _add_administrator(report, target, result, judge_administrator(result))
    return report


def _add_administrator(
    report: Report, target: Target, result: AdministratorResult, verdict: tuple[Outcome, Problem | None]
) -> None:
    before = result.before.administrator
    row = administrator_row(target.region, target.account_id, result)
    report.add_row(row, before.status if before else None, verdict)


def administrator_info_job(service: Service, task: Task) -> Report:
    """Read each account's administrator and its invitations."""
    targets = _member_targets(service, task)

    def look(_target: Target, api: Api) -> tuple[MemberSide, list[Relationship]]:
        port = service.open_administrator(api)
        side = observe_member_side(port)
        return side, port.list_invitations() if side.is_service_on else []

    report = Report()
    reached, problems = split_problems(targets.run(look, targets.all))
    off = Problem(Reason.SERVICE_NOT_ENABLED, "the service is off in this account and Region")
    for target, (side, invitations) in reached.items():
        verdict = (Outcome.UNCHANGED, None if side.is_service_on else off)
        _add_administrator(report, target, AdministratorResult(side, side.administrator), verdict)
        report.rows[-1]["invitations"] = [invitation_row(invitation) for invitation in invitations]
    for target, problem in problems.items():
        _add_administrator(report, target, AdministratorResult(MemberSide(False), None), (Outcome.FAILED, problem))
        report.rows[-1]["invitations"] = []
    return report


# The service itself


@dataclass(frozen=True)
class ServiceKind:
    """How the module of one service names things.

    :param handle: The key of the detector id or hub ARN in a row.
    :param settings: The options that are compared and kept.
    :param on_enable: Options that matter only while the service is switched on.
    :param updated_only: Settings that AWS takes in an update only.
    """

    handle: str
    settings: tuple[str, ...]
    on_enable: tuple[str, ...] = ()
    updated_only: tuple[str, ...] = ()


def service_job(service: Service, kind: ServiceKind, task: Task) -> Report:
    """Switch the service on or off in each account, and keep its settings and tags."""
    options = task.options

    def given(names: Iterable[str]) -> dict[str, object]:
        return {name: options[name] for name in names if options[name] is not None}

    tags = options["tags"]
    wish = ServiceWish(
        is_present=options["state"] == "present",
        settings=given(kind.settings),
        on_enable=given(kind.on_enable),
        updated_only=frozenset(kind.updated_only),
        tags=None if tags is None else {str(key): str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
    )
    targets = _member_targets(service, task)

    def look(_target: Target, api: Api) -> tuple[ServicePort, ServicePlan]:
        port = service.open_service(api)
        return port, plan_service(wish, port.describe(with_tags=wish.tags is not None))

    reached, problems = split_problems(targets.run(look, targets.all))
    due = {target: plan.steps for target, (_port, plan) in reached.items() if plan.steps}

    def act(target: Target, _api: Api) -> ServiceResult:
        port, plan = reached[target]
        return execute_service(plan, port)

    results = {target: predict_service(plan) for target, (_port, plan) in reached.items()}
    if task.carry_out:
        carried_out, lost = split_problems(targets.run(act, due))
        results.update(carried_out)
        problems.update(lost)
    report = Report()
    for target, steps in due.items():
        report.add_actions(target.region, target.account_id, steps_as_actions(service.facts.operations, steps))
    row_of = partial(_service_row, kind)
    for target, problem in problems.items():
        report.add_row(row_of(target, ServiceResult(None, None)), None, (Outcome.FAILED, problem))
    for target, result in results.items():
        if target not in problems:
            previous = result.before.status if result.before else None
            report.add_row(row_of(target, result), previous, judge_service(result))
    return report


def _service_row(kind: ServiceKind, target: Target, result: ServiceResult) -> dict[str, Any]:
    return service_row(target.region, target.account_id, kind.handle, kind.settings, result)
