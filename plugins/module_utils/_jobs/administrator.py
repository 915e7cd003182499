# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member's side: who its administrator is."""

from __future__ import annotations

from .._membership.execute_administrator import (
    AdministratorObservation,
    AdministratorResult,
    execute_administrator,
    observe_administrator,
    observe_member_side,
    predict_administrator,
)
from .._membership.model import Outcome, Problem, Reason, Relationship, State
from .._membership.plan_administrator import AdministratorPolicy, MemberSide
from .._membership.port import AdministratorPort, Api, Service
from .._membership.result import Report, administrator_row, invitation_row, judge_administrator, steps_as_actions
from .._membership.validate import Fault, explain_account_id
from .._targets import Target, split_problems
from .task import Task, member_targets, refuse

# What is shown of an account in which nothing was read.
_UNREAD = AdministratorResult(MemberSide(False), None)


def administrator_job(service: Service, task: Task) -> Report:
    """Let each account accept the expected administrator's invitation, or leave that administrator."""
    options = task.options
    text = explain_account_id(options["administrator_id"])
    refuse([Fault(str(options["administrator_id"]), Reason.INVALID_INPUT, f"administrator_id: {text}")] if text else [])
    policy = AdministratorPolicy(
        administrator_id=options["administrator_id"],
        is_present=options["state"] == "present",
        enable_service=options["enable_service"],
        replace_administrator=options["replace_administrator"],
        joined_status=service.facts.word_for(State.ENABLED),
        invites_held_accounts=service.facts.invites_held_accounts,
        foresees_invitations=service.facts.lists_invitations_while_off and not task.carry_out,
    )
    targets = member_targets(service, task)
    own = [target for target in targets.all if target.account_id == policy.administrator_id]
    others = [target for target in targets.all if target.account_id != policy.administrator_id]

    def look(_target: Target, api: Api) -> tuple[AdministratorPort, AdministratorObservation]:
        port = service.open_administrator(api)
        return port, observe_administrator(port, policy)

    reached, problems = split_problems(targets.run(look, others))
    due = {target: seen.plan.steps for target, (_port, seen) in reached.items() if seen.plan.steps}

    results = {target: predict_administrator(seen, policy) for target, (_port, seen) in reached.items()}
    if task.carry_out:
        walks = {
            target: execute_administrator(seen, port, policy, task.patience())
            for target, (port, seen) in reached.items()
            if target in due
        }
        carried_out, lost = split_problems(targets.walk(walks, task.clock))
        results.update(carried_out)
        problems.update(lost)
    report = Report()
    for target, steps in due.items():
        report.add_actions(target.region, target.account_id, steps_as_actions(service.facts.operations, steps))
    itself = Problem(Reason.IS_ADMINISTRATOR, "the account is the administrator itself")
    for target in own:
        _add_administrator(report, target, _UNREAD, (Outcome.SKIPPED, itself))
    for target, problem in problems.items():
        _add_administrator(report, target, _UNREAD, (Outcome.FAILED, problem))
    for target, result in results.items():
        if target not in problems:
            _add_administrator(report, target, result, judge_administrator(result, service.facts))
    return report


def _add_administrator(
    report: Report, target: Target, result: AdministratorResult, verdict: tuple[Outcome, Problem | None]
) -> None:
    before = result.before.administrator
    row = administrator_row(target.region, target.account_id, result)
    report.add_row(row, before.status if before else None, verdict)


def administrator_info_job(service: Service, task: Task) -> Report:
    """Read each account's administrator and its invitations."""
    targets = member_targets(service, task)

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
        _add_administrator(report, target, _UNREAD, (Outcome.FAILED, problem))
        report.rows[-1]["invitations"] = []
    return report
