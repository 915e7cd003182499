# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's side: who its members are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from .._membership.execute_members import MemberResult, execute_members, predict_members, read_members
from .._membership.member_features import FeaturesLook, look_at_features
from .._membership.model import Account, Action, Member, Outcome, Problem, Reading, Reason, ServiceFacts, State, Step
from .._membership.plan_members import (
    Decision,
    MemberPolicy,
    MembersPlan,
    Wish,
    explain_policy,
    explain_purge,
    plan_members,
)
from .._membership.port import Api, CallFailed, FeaturesPort, ForEach, MembersPort, Service, TaskFailed
from .._membership.result import Report, Row, judge_member, member_row
from .._membership.validate import Fault, check_account_ids, check_members, explain_message
from .._membership.waiting import Patience, Walk
from .._targets import Target, Targets, split_problems
from .task import Task, check_common, feature_wish, refuse, role_of


def member_job(service: Service, task: Task) -> Report:
    """Bring the listed accounts, as members of the caller, into the wanted state."""
    accounts, policy = _checked_members(service.facts, task)
    wish = feature_wish(service.facts, task.options)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    refuse(_explain_purge_of_all(accounts, policy, caller_id))
    targets = task.targets(cloud, service.facts, [caller_id], None)

    def look(_target: Target, api: Api) -> _Look:
        port = service.open_members(api, task.options)
        observed = _observe_members(port, accounts, targets.for_each, caller_id, policy.purge, service.facts.reading)
        plan = plan_members(accounts, observed, policy, service.facts, caller_id)
        plan, refused = _ask_organization(port, plan) if policy.via_organization else (plan, [])
        if wish is None:
            return _Look(port, plan, refused)
        # A service whose facts have features has a port that has.
        features = look_at_features(wish, cast(FeaturesPort, port), plan.decisions, targets.for_each)
        return _Look(port, plan, refused, features)

    reached, problems = split_problems(targets.run(look, targets.all))
    purge_fault = explain_purge([look.plan for look in reached.values()], task.options["purge_limit"])
    if purge_fault:
        raise TaskFailed(purge_fault)
    role = role_of(task.options)
    if role:
        reached = _try_role(reached, lambda account_ids: task.targets(cloud, service.facts, account_ids, role))

    results = {target: found.predict(caller_id) for target, found in reached.items()}
    if task.carry_out:
        walks = {target: found.execute(task.patience(), targets.for_each) for target, found in reached.items()}
        results, lost = split_problems(targets.walk(walks, task.clock))
        problems.update(lost)
    report = Report()
    for target, found in reached.items():
        results[target] = [*found.refused, *results.get(target, ())]
        report.add_actions(target.region, None, found.actions)
        report.warnings += found.warnings(target.region, results[target])
    unread = plan_members(accounts, (), policy, service.facts, caller_id).decisions
    for target, problem in problems.items():
        results[target] = [MemberResult(decision, decision.before, problem=problem) for decision in unread]
    for target, members in results.items():
        for result in members:
            row = member_row(target.region, result, service.facts.features is not None)
            report.add_row(row, result.decision.before.status, judge_member(result))
    return report


def _explain_without_features(results: Iterable[MemberResult], facts: ServiceFacts) -> list[str]:
    """Return a sentence for each status in which accounts are as they were asked to be, and have no features."""
    found: dict[str | None, list[str]] = {}
    for result in results:
        verdict = judge_member(result)
        if result.features is None and verdict[1] is None and not result.decision.is_purged:
            found.setdefault(result.member.status, []).append(result.decision.account_id)
    enabled = facts.word_for(State.ENABLED)
    return [
        f"features were neither read nor changed for accounts that are {status}, not {enabled}: {', '.join(ids)}; "
        f"run again once they are {enabled}"
        for status, ids in found.items()
    ]


@dataclass(frozen=True)
class _Look:
    """What was found in one Region, and what is to be done there.

    :param refused: The accounts that AWS would refuse.
    :param features: ``None`` where nobody asked for any.
    """

    port: MembersPort
    plan: MembersPlan
    refused: list[MemberResult]
    features: FeaturesLook | None = None

    @property
    def invited(self) -> list[str]:
        """The accounts that are to be invited."""
        inviting = self.plan.facts.invitation[-1]
        return [decision.account_id for decision in self.plan.decisions if inviting in decision.steps]

    def without(self, problems: Mapping[str, Problem]) -> _Look:
        """Leave the accounts alone that have a problem."""
        left = [decision for decision in self.plan.decisions if decision.account_id not in problems]
        out = [decision for decision in self.plan.decisions if decision.account_id in problems]
        refused = [MemberResult(each, each.before, problem=problems[each.account_id]) for each in out]
        return replace(self, plan=replace(self.plan, decisions=tuple(left)), refused=[*self.refused, *refused])

    @property
    def actions(self) -> list[Action]:
        return [*self.plan.actions, *(self.features.actions if self.features else ())]

    def warnings(self, region: str, results: Iterable[MemberResult]) -> list[str]:
        """Return what the operator should know, whatever became of the accounts."""
        found = [f"{region}/{text}" for text in self.plan.warnings]
        if self.features:
            texts = [*self.features.warnings, *_explain_without_features(results, self.plan.facts)]
            found += [f"{region}: {text}" for text in texts]
        return found

    def predict(self, caller_id: str) -> list[MemberResult]:
        results = predict_members(self.plan, caller_id)
        return self.features.predict(results) if self.features else results

    def execute(self, patience: Patience, for_each: ForEach) -> Walk[list[MemberResult]]:
        results = yield from execute_members(self.plan, self.port, patience, for_each)
        return (yield from self.features.execute(results, patience, for_each)) if self.features else results


def _checked_members(facts: ServiceFacts, task: Task) -> tuple[list[Account], MemberPolicy]:
    check_common(task, facts)
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
    accounts, faults = check_members(
        options["members"], facts.email if policy.wish is Wish.PRESENT else None, facts.title
    )
    refuse(faults)
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
        (
            not options.get("features") or policy.wish is Wish.PRESENT,
            "features goes with state=present only: who is to be no member has none",
        ),
    )
    refuse(Fault("", Reason.INVALID_INPUT, text) for is_kept, text in rules if not is_kept)
    texts = (explain_message(options.get("invitation_message"), facts.message), explain_policy(policy, facts))
    refuse(Fault("", Reason.INVALID_INPUT, text) for text in texts if text)
    return accounts, policy


def _explain_purge_of_all(accounts: Iterable[Account], policy: MemberPolicy, caller_id: str) -> list[Fault]:
    if not policy.purge or any(account.account_id != caller_id for account in accounts):
        return []
    text = f"members holds nobody but the caller, {caller_id}, and purge_members would remove every member: list some"
    return [Fault(caller_id, Reason.INVALID_INPUT, text)]


def _ask_organization(port: MembersPort, plan: MembersPlan) -> tuple[MembersPlan, list[MemberResult]]:
    """Ask once whether the caller is the delegated administrator here, before it creates the first record.

    To anybody else, CreateMembers gives records without a membership, which nobody will ever invite.

    :returns: What is left of the plan, and the accounts that AWS would refuse.
    """
    new = [decision for decision in plan.decisions if Step.CREATE in decision.steps]
    if not new:
        return plan, []
    try:
        port.describe_organization()
    except CallFailed as failure:
        rest = tuple(decision for decision in plan.decisions if decision not in new)
        return replace(plan, decisions=rest), [MemberResult(d, d.before, problem=failure.as_problem()) for d in new]
    return plan, []


def _try_role(reached: Mapping[Target, _Look], enter: Callable[[list[str]], Targets]) -> dict[Target, _Look]:
    """Assume the role in the accounts that are to be invited, before any of them is.

    An invitation that nobody can accept is worth nothing, and a misspelt role would leave one in every account.

    :param enter: Opens the accounts.
    """
    first = {
        account_id: target.region for target in sorted(reached, reverse=True) for account_id in reached[target].invited
    }
    if not first:
        return dict(reached)
    targets = enter(list(first))
    _entered, shut = split_problems(targets.run(lambda _target, _api: None, [Target(r, i) for i, r in first.items()]))
    problems = {target.account_id: problem for target, problem in shut.items()}
    return {
        target: look.without({i: problems[i] for i in look.invited if i in problems})
        for target, look in reached.items()
    }


def _observe_members(
    port: MembersPort,
    accounts: Iterable[Account],
    for_each: ForEach,
    caller_id: str,
    everyone: bool,
    reading: Reading,
) -> list[Member]:
    if everyone:
        return port.list_members()
    ids = [account.account_id for account in accounts if account.account_id != caller_id]
    return [member for members in read_members(port, ids, for_each, reading) for member in members]


def member_info_job(service: Service, task: Task) -> Report:
    """Read the members of the caller: all of them, or those that were asked for."""
    check_common(task, service.facts)
    wanted, faults = check_account_ids(task.options["member_ids"] or [])
    refuse(faults)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    targets = task.targets(cloud, service.facts, [caller_id], None)

    def look(_target: Target, api: Api) -> list[Member]:
        port = service.open_members(api, {})
        accounts = [Account(account_id) for account_id in wanted]
        observed = _observe_members(port, accounts, targets.for_each, caller_id, not wanted, service.facts.reading)
        found = {member.account_id: member for member in observed}
        return [found.get(account_id, Member(account_id)) for account_id in wanted or found]

    report = Report()
    reached, problems = split_problems(targets.run(look, targets.all))
    for target, members in reached.items():
        for member in members:
            report.add_row(_row_as_read(target, member), member.status, (Outcome.UNCHANGED, None))
    for target, problem in problems.items():
        for account_id in wanted or [caller_id]:
            report.add_row(_row_as_read(target, Member(account_id)), None, (Outcome.FAILED, problem))
    return report


def _row_as_read(target: Target, member: Member) -> Row:
    decision = Decision(Account(member.account_id), member, {})
    return member_row(target.region, MemberResult(decision, member))
