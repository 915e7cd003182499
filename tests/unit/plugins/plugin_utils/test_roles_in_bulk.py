# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the onboard and offboard roles do in bulk, with what the modules really return for an emulated AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import batch_of, collect_accounts, total_stats
from ansible_collections.muster.aws.plugins.plugin_utils._offboard import offboard_batch
from ansible_collections.muster.aws.plugins.plugin_utils._onboard import onboard_batch
from ansible_collections.muster.aws.tests.canned import InTurn
from ansible_collections.muster.aws.tests.profiles import by_day, nightly

ADMINISTRATOR, OTHER = "111111111111", "999999999999"
REGIONS = ["eu-central-1", "us-east-1"]
SERVICES = {"guardduty": "guardduty_detector", "securityhub": "securityhub_hub"}
HOSTS: Mapping[str, Any] = MappingProxyType(
    {
        "search": {"account": {"account_id": "012345678901", "email": "012345678901@example.com"}},
        "payments": {"account": {"account_id": "222222222222", "email": "222222222222@example.com"}},
    }
)

# What a module leaves behind that failed as a whole.
NO_CREDENTIALS: Mapping[str, Any] = MappingProxyType(
    {"msg": "no credentials", "failed": True, "unprocessed_accounts": []}
)

services = pytest.mark.parametrize("service", SERVICES)
# Where the services differ by their data alone.
one_service = pytest.mark.parametrize("service", by_day(["guardduty"], SERVICES))


def by_turns(name: str, first: Any, second: Any) -> Any:
    """Both values, by default each with one of the services."""
    turns = [("guardduty", first), ("securityhub", second)]
    return pytest.mark.parametrize(("service", name), by_day(turns, product(SERVICES, (first, second))))


OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "administrator_id": ADMINISTRATOR,
        "regions": REGIONS,
        "concurrency": 16,
        "via": "invitation",
        "member_role_name": "Member",
        "enable_services": True,
        "email_notification": False,
        "reinvite_resigned": False,
        "replace_failed": False,
        "wait_timeout": 60,
        "state": "absent",
        "disable_services": True,
    }
)


class Work(InTurn):
    """Runs modules in this process; some of them answer what a test gives instead."""

    def __init__(self, run_module: Any, check: bool = False, **given: Any) -> None:
        self.is_check = check
        self._run_module = run_module
        self._given = given

    def run(self, module: str, **options: Any) -> Any:
        kind = module.partition("_")[2]
        if kind in self._given:
            return self._given[kind]
        return self._run_module(module, check=self.is_check, **{k: v for k, v in options.items() if v is not None})

    def say(self, text: str) -> None:
        assert text

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self._run_module.emulator.advance(seconds)


def batch_of_hosts(service: str, hosts: Mapping[str, Any] = HOSTS, needs_email: bool = True) -> dict[str, Any]:
    rows = {host: row["account"] for host, row in hosts.items()}
    return batch_of(collect_accounts(rows, [service], needs_email), hosts, [service])


def switch_on(emulator: Any, service: str, *account_ids: str) -> None:
    for account_id in account_ids:
        emulator.seed({"services": [{"service": service, "account_id": account_id, "regions": REGIONS}]})


@dataclass(frozen=True)
class Verdicts:
    """What a role tells: one word for each host, and the rows behind it."""

    accounts: Mapping[str, str]
    hosts: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()

    def rows_of(self, host: str) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if row["account_id"] == self.accounts[host]]

    def reasons_of(self, host: str) -> set[str]:
        return {row["reason_code"] for row in self.rows_of(host) if row["failed"]}


def onboard(
    run_module: Any,
    service: str,
    hosts: Mapping[str, Any] = HOSTS,
    check: bool = False,
    options: Mapping[str, Any] = MappingProxyType({}),
    **given: Any,
) -> Verdicts:
    """Do what the onboard role does for one service, and return the verdicts."""
    batch = batch_of_hosts(service, hosts)
    switched_on = run_module(SERVICES[service], check=check, regions=REGIONS)
    done = onboard_batch(Work(run_module, check, **given), {**OPTIONS, **options}, batch, {service: switched_on})
    return Verdicts(batch["accounts"], **done)


@services
def test_onboard_verdicts_of_new_accounts_are_changed_then_unchanged_and_foreseen(service, run_module) -> None:
    foreseen = onboard(run_module, service, check=True)
    first = onboard(run_module, service)
    second = onboard(run_module, service)
    for host in HOSTS:
        assert (foreseen.hosts[host]["changed"], foreseen.hosts[host]["failed"]) == (True, False)
        assert foreseen.rows_of(host) == first.rows_of(host)
        assert "in all 2 Regions: Enabled now: " in first.hosts[host]["text"]
        assert (second.hosts[host]["changed"], second.hosts[host]["failed"]) == (False, False)
    totals = total_stats(first.rows)
    assert totals[service]["us-east-1"] == {"accounts": 2, "changed": 2, "failed": 0, "failed_ids": []}


@one_service
def test_onboard_new_accounts_are_suspended_in_the_run_that_makes_them_members(service, run_module) -> None:
    options = {"monitoring": "suspended"}
    foreseen = onboard(run_module, service, check=True, options=options)
    first = onboard(run_module, service, options=options)
    second = onboard(run_module, service, options=options)
    suspended = "Disabled" if service == "guardduty" else "Enabled"  # Security Hub has nothing of the kind
    for host in HOSTS:
        assert foreseen.rows_of(host) == first.rows_of(host)
        assert [row["status"] for row in first.rows_of(host)] == [suspended] * 2
        assert not first.hosts[host]["failed"]
        assert (second.hosts[host]["changed"], second.hosts[host]["failed"]) == (False, False)


def test_onboard_new_accounts_get_their_features_in_the_run_that_makes_them_members(run_module) -> None:
    options = {"guardduty_features": [{"name": "EBS_MALWARE_PROTECTION", "status": "DISABLED"}]}
    first = onboard(run_module, "guardduty", options=options)
    second = onboard(run_module, "guardduty", options=options)
    for host in HOSTS:
        assert all(row["actions"][-1] == "update_features" for row in first.rows_of(host))
        assert (second.hosts[host]["changed"], second.hosts[host]["failed"]) == (False, False)


@pytest.mark.parametrize("is_invited", [False, True])
def test_onboard_new_accounts_that_cannot_be_suspended_fail_with_the_reason(run_module, emulator, is_invited) -> None:
    if is_invited:  # one accepts, and the other has an invitation that it cannot accept
        emulator.seed({"accounts": {"012345678901": {"assumable": False}}})
    emulator.add_fault("error", operation="StopMonitoringMembers", code="AccessDeniedException", status=403, times=None)
    verdicts = onboard(run_module, "guardduty", options={"monitoring": "suspended"})
    assert verdicts.reasons_of("payments") == {"access_denied"}
    assert "StopMonitoringMembers" in verdicts.hosts["payments"]["text"]
    assert verdicts.reasons_of("search") == {"assume_role_failed" if is_invited else "access_denied"}


def test_onboard_verdict_of_a_last_task_that_failed_as_a_whole_repeats_its_message(run_module) -> None:
    class NoLongerAllowed(Work):
        def run(self, module: str, **options: Any) -> Any:
            is_last = module == "guardduty_member" and "via" not in options
            return NO_CREDENTIALS if is_last else super().run(module, **options)

    batch = batch_of_hosts("guardduty")
    switched_on = run_module("guardduty_detector", regions=REGIONS)
    options = {**OPTIONS, "monitoring": "suspended"}
    done = onboard_batch(NoLongerAllowed(run_module), options, batch, {"guardduty": switched_on})
    assert all(host["failed"] and "no credentials" in host["text"] for host in done["hosts"].values())


@one_service
def test_onboard_verdicts_of_late_invitations_are_changed(service, run_module, emulator) -> None:
    emulator.set_knobs(invite_visible_seconds=3)
    assert all(verdict["changed"] and not verdict["failed"] for verdict in onboard(run_module, service).hosts.values())


@by_turns("hits", "writes", "reads")
@pytest.mark.parametrize("seconds", [5, *nightly(1.5)])
def test_roles_end_well_whatever_aws_shows_late(service, seconds, hits, run_module, emulator) -> None:
    emulator.set_knobs(lag_seconds=seconds, lag_hits=hits)
    joined, left = onboard(run_module, service), offboard(run_module, service)
    for host in HOSTS:
        assert (joined.hosts[host]["changed"], joined.hosts[host]["failed"]) == (True, False), joined.hosts[host]
        assert {row["status"] for row in joined.rows_of(host)} == {"Enabled"}
        assert (left.hosts[host]["changed"], left.hosts[host]["failed"]) == (True, False), left.hosts[host]


@by_turns("side", "Removed", "refuse")
def test_offboard_takes_out_accounts_that_are_only_invited(service, side, run_module, emulator) -> None:
    emulator.set_knobs(pending_disassociate=side)
    switch_on(emulator, service, ADMINISTRATOR)
    for region in REGIONS:
        for row in HOSTS.values():
            emulator.set_member(service, region, ADMINISTRATOR, row["account"]["account_id"], "Invited")
    first, second = offboard(run_module, service, disable=False), offboard(run_module, service, disable=False)
    for host in HOSTS:
        assert (first.hosts[host]["changed"], first.hosts[host]["failed"]) == (True, False), first.hosts[host]
        assert (second.hosts[host]["changed"], second.hosts[host]["failed"]) == (False, False)
    held = [emulator.member(service, REGIONS[0], ADMINISTRATOR, row["account"]["account_id"]) for row in HOSTS.values()]
    assert held == [None, None]


@one_service
def test_onboard_verdicts_name_what_kept_each_account_out(service, run_module, emulator) -> None:
    emulator.seed({"accounts": {"012345678901": {"assumable": False}}})
    hosts = {**HOSTS, "broken": {"account": {"account_id": 1402433619, "email": None}}}
    verdicts = onboard(run_module, service, hosts)
    assert verdicts.reasons_of("search") == {"assume_role_failed"}
    assert verdicts.reasons_of("broken") == {"invalid_input"}
    assert "AssumeRole: AccessDenied" in verdicts.hosts["search"]["text"]
    assert not verdicts.hosts["payments"]["failed"]
    assert total_stats(verdicts.rows)[service]["us-east-1"]["failed_ids"] == ["012345678901", "1402433619"]


@one_service
def test_onboard_verdicts_of_an_administrator_that_cannot_be_switched_on_tell_the_root_cause(
    service, run_module, emulator
) -> None:
    operation = {"guardduty": "CreateDetector", "securityhub": "EnableSecurityHub"}[service]
    emulator.add_fault(kind="error", service=service, operation=operation, code="AccessDeniedException", status=403)
    verdicts = onboard(run_module, service)
    verdict = verdicts.hosts["search"]
    assert verdict["failed"] and operation in verdict["text"] and "access_denied" in verdicts.reasons_of("search")


@by_turns("task", "member", "administrator")
def test_onboard_verdicts_of_tasks_that_failed_as_a_whole_repeat_their_message(service, task, run_module) -> None:
    verdict = onboard(run_module, service, **{task: NO_CREDENTIALS}).hosts["search"]
    assert verdict["failed"] and "no credentials" in verdict["text"]


@one_service
def test_onboard_verdict_of_a_member_that_is_not_shown_is_timed_out(service, run_module) -> None:
    assert onboard(run_module, service, member_info={"members": []}).reasons_of("search") == {"timed_out"}


def test_onboard_verdict_of_the_administrator_itself_is_ok(run_module) -> None:
    hosts = {"itself": {"account": {"account_id": ADMINISTRATOR, "email": "root@example.com"}}}
    verdict = onboard(run_module, "guardduty", hosts).hosts["itself"]
    assert (verdict["failed"], verdict["changed"]) == (False, False)
    assert "is_administrator" in verdict["text"]


def test_collect_accounts_tells_accounts_that_are_listed_twice_with_different_addresses() -> None:
    rows = {name: {"account_id": "222222222222", "email": f"{name}@example.com"} for name in "ab"}
    accounts = collect_accounts(rows, SERVICES)
    batch = batch_of(accounts, rows, SERVICES)
    assert batch["members"] == {"guardduty": [], "securityhub": []}
    assert all("listed twice" in batch["faults"][host]["guardduty"]["reason"] for host in rows)


def test_batch_of_has_the_accounts_of_its_hosts_once_each_and_no_others() -> None:
    rows = {
        "first": {"account_id": "222222222222", "email": None},
        "again": {"account_id": "222222222222", "email": None},
        "other": {"account_id": "333333333333", "email": "other@example.com"},
    }
    accounts = collect_accounts(rows, ["securityhub"])
    batch = batch_of(accounts, ["first", "again"], ["securityhub"])
    assert batch["accounts"] == {"first": "222222222222", "again": "222222222222"}
    assert batch["members"] == {"securityhub": [{"account_id": "222222222222", "email": None}]}


@one_service
def test_total_stats_count_an_account_once_however_often_it_is_named(service, run_module) -> None:
    hosts = {**HOSTS, "again": HOSTS["search"]}
    batch = batch_of_hosts(service, hosts)
    assert len(batch["members"][service]) == 2
    verdicts = onboard(run_module, service, hosts)
    assert len(verdicts.hosts) == 3
    assert total_stats(verdicts.rows)[service]["us-east-1"]["accounts"] == 2


@one_service
def test_onboard_verdict_of_a_last_look_that_failed_tells_why(service, run_module) -> None:
    refused = {"reason_code": "access_denied", "operation": "GetMembers", "reason": "AccessDenied: no", "hint": "ask"}
    rows = [
        {"account_id": "012345678901", "region": region, "status": None, "outcome": "failed", **refused}
        for region in REGIONS
    ]
    info = {"members": rows, "unprocessed_accounts": rows, "failed": True, "msg": "GetMembers failed"}
    verdicts = onboard(run_module, service, member_info=info)
    assert verdicts.reasons_of("search") == {"access_denied"} and "AccessDenied: no" in verdicts.hosts["search"]["text"]
    assert verdicts.reasons_of("payments") == {"timed_out"}


def offboard(
    run_module: Any, service: str, disable: bool = True, hosts: Mapping[str, Any] = HOSTS, **given: Any
) -> Verdicts:
    """Do what the offboard role does for one service, and return the verdicts."""
    batch = batch_of_hosts(service, hosts, needs_email=False)
    options = {**OPTIONS, "disable_services": disable}
    return Verdicts(batch["accounts"], **offboard_batch(Work(run_module, **given), options, batch))


@by_turns("disable", False, True)
def test_offboard_verdicts_are_changed_then_unchanged(service, disable, run_module) -> None:
    onboard(run_module, service)
    first, second = offboard(run_module, service, disable), offboard(run_module, service, disable)
    assert all(verdict["changed"] and not verdict["failed"] for verdict in first.hosts.values())
    assert "in all 2 Regions: absent now: disassociate, delete" in first.hosts["search"]["text"]
    assert not any(verdict["changed"] or verdict["failed"] for verdict in second.hosts.values())


@one_service
def test_offboard_verdict_of_an_account_held_by_another_administrator_says_that_the_service_stays(
    service, run_module, emulator
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, OTHER)
    for region in REGIONS:
        emulator.set_member(service, region, OTHER, "222222222222", "Enabled")
    verdicts = offboard(run_module, service)
    assert verdicts.reasons_of("payments") == {"member_of_other_administrator"}
    assert f"the service was left on: the account is a member of {OTHER}" in verdicts.hosts["payments"]["text"]
    assert not verdicts.hosts["search"]["failed"]


@by_turns("task", "administrator_info", "service")
def test_offboard_verdict_of_a_service_left_on_by_a_task_that_failed_as_a_whole_repeats_its_message(
    service, task, run_module
) -> None:
    onboard(run_module, service)
    module = SERVICES[service].partition("_")[2] if task == "service" else task
    verdicts = offboard(run_module, service, **{module: NO_CREDENTIALS})
    for verdict in verdicts.hosts.values():
        assert verdict["failed"] and "the service was left on: no credentials" in verdict["text"]


@one_service
def test_offboard_leaves_the_service_of_the_administrator_itself_on(service, run_module, emulator) -> None:
    hosts = {"itself": {"account": {"account_id": ADMINISTRATOR, "email": None}}, **HOSTS}
    onboard(run_module, service)
    emulator.clear_calls()
    verdicts = offboard(run_module, service, hosts=hosts)
    assert (verdicts.hosts["itself"]["failed"], verdicts.hosts["itself"]["changed"]) == (False, False)
    assert verdicts.notes == ["itself is the administrator itself, and stays as it is"]
    assert not verdicts.hosts["search"]["failed"]
    off = {call.account_id for call in emulator.calls if call.operation in ("DeleteDetector", "DisableSecurityHub")}
    assert off == {"012345678901", "222222222222"}


def test_offboard_verdicts_of_a_task_that_failed_as_a_whole_repeat_its_message(run_module) -> None:
    verdicts = offboard(run_module, "guardduty", member={"msg": "no credentials"})
    assert all("no credentials" in verdict["text"] for verdict in verdicts.hosts.values())


@services
def test_onboard_reads_the_members_as_often_as_the_pages_on_scale_say(service, run_module, emulator) -> None:
    """docs/scale.md: a read before and after each of two writes, and one when all have accepted; then one alone."""
    switch_on(emulator, service, ADMINISTRATOR)
    counts = []
    for _run in range(2):
        emulator.clear_calls()
        assert not any(verdict["failed"] for verdict in onboard(run_module, service).hosts.values())
        counts.append(emulator.operations().count("GetMembers") / len(REGIONS))
    assert counts == [4, 1]
