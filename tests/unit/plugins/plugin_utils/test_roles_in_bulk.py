# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the onboard and offboard roles, fed with what the modules really return for an emulated AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.filter.fleet import FilterModule as Fleet
from ansible_collections.muster.aws.plugins.filter.offboard import FilterModule as Offboard
from ansible_collections.muster.aws.plugins.filter.onboard import FilterModule as Onboard
from ansible_collections.muster.aws.plugins.filter.report import FilterModule as Report

ADMINISTRATOR, OTHER = "111111111111", "999999999999"
REGIONS = ["eu-central-1", "us-east-1"]
FILTERS = {**Fleet().filters(), **Onboard().filters(), **Offboard().filters()}
SERVICES = {"guardduty": "guardduty_detector", "securityhub": "securityhub_hub"}
HOSTS: Mapping[str, Any] = MappingProxyType(
    {
        "search": {"account": {"account_id": "012345678901", "email": "012345678901@example.com"}},
        "payments": {"account": {"account_id": "222222222222", "email": "222222222222@example.com"}},
    }
)

# What is left of offboarding's results when one of its tasks failed as a whole.
LEFT_ON: Mapping[str, Any] = MappingProxyType(
    {
        "administrators": lambda failure: {"administrators": failure, "services": []},
        "services": lambda failure: {"services": [failure]},
    }
)

services = pytest.mark.parametrize("service", SERVICES)


def use(name: str, *arguments: Any, **options: Any) -> Any:
    return FILTERS[name](*arguments, **options)


def batch_of(service: str, hosts: Mapping[str, Any] = HOSTS, needs_email: bool = True) -> dict[str, Any]:
    return use("fleet_batch", list(hosts), hosts, "account", [service], needs_email)


def switch_on(emulator: Any, service: str, *account_ids: str) -> None:
    for account_id in account_ids:
        emulator.seed({"services": [{"service": service, "account_id": account_id, "regions": REGIONS}]})


@dataclass(frozen=True)
class Verdicts:
    """What a role tells: one word for each host, and the rows behind it."""

    accounts: Mapping[str, str]
    hosts: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    def rows_of(self, host: str) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if row["account_id"] == self.accounts[host]]

    def reasons_of(self, host: str) -> set[str]:
        return {row["reason_code"] for row in self.rows_of(host) if row["failed"]}


def onboard(run_module: Any, service: str, hosts: Mapping[str, Any] = HOSTS, check: bool = False, **late: Any) -> Any:
    """Do what roles/onboard/tasks does for one service, and return the verdicts."""
    batch = batch_of(service, hosts)
    switched = run_module(SERVICES[service], check=check, regions=REGIONS)
    members = run_module(f"{service}_member", check=check, regions=REGIONS, members=batch["members"][service])
    if check:
        members = use("onboard_foreseen", members, switched, service, True)
    accepts = {"administrator_id": ADMINISTRATOR, "role_name": "Member", "enable_service": True}
    accepted: dict[str, Any] = {"skipped": True}
    second: dict[str, Any] = {"skipped": True}
    scope = use("onboard_invited", members, service)
    if scope["account_ids"]:
        accepted = run_module(f"{service}_administrator", check=check, wait=False, **accepts, **scope)
    scope = use("onboard_uninvited", accepted, members, service)
    if scope["account_ids"] and not check:
        second = run_module(f"{service}_administrator", **accepts, **scope)
    scope = use("onboard_accepted", accepted, second)
    info: dict[str, Any] = {"skipped": True}
    if scope["account_ids"] and not check:
        info = run_module(f"{service}_member_info", member_ids=scope["account_ids"], regions=scope["regions"])
        assert use("onboard_shown", info, service, accepted, second)
    results = {
        "service": switched,
        "members": late.get("members", members),
        "administrators": [late.get("accepted", accepted), second],
        "info": late.get("info", info),
        "is_check": check,
    }
    return Verdicts(batch["accounts"], **use("onboard_verdicts", batch, {service: results}, REGIONS))


@services
def test_onboard_verdicts_of_new_accounts_are_changed_then_unchanged_and_foreseen(service, run_module) -> None:
    foreseen = onboard(run_module, service, check=True)
    first = onboard(run_module, service)
    second = onboard(run_module, service)
    for host in HOSTS:
        assert (foreseen.hosts[host]["changed"], foreseen.hosts[host]["failed"]) == (True, False)
        assert foreseen.rows_of(host) == first.rows_of(host)
        assert first.hosts[host]["text"] == f"{service}: Enabled in eu-central-1 us-east-1"
        assert (second.hosts[host]["changed"], second.hosts[host]["failed"]) == (False, False)
    totals = use("fleet_totals", use("fleet_totals", {}, first.rows), second.rows)
    assert totals[service]["us-east-1"] == {"accounts": 4, "changed": 2, "failed": 0, "failed_ids": []}


@services
def test_onboard_verdicts_of_late_invitations_are_changed(service, run_module, emulator) -> None:
    emulator.set_knobs(invite_visible_seconds=3)
    assert all(verdict["changed"] and not verdict["failed"] for verdict in onboard(run_module, service).hosts.values())


@services
def test_onboard_verdicts_name_what_kept_each_account_out(service, run_module, emulator) -> None:
    emulator.seed({"accounts": {"012345678901": {"assumable": False}}})
    hosts = {**HOSTS, "broken": {"account": {"account_id": 1402433619, "email": None}}}
    verdicts = onboard(run_module, service, hosts)
    assert verdicts.reasons_of("search") == {"assume_role_failed"}
    assert verdicts.reasons_of("broken") == {"invalid_input"}
    assert "AssumeRole: AccessDenied" in verdicts.hosts["search"]["text"]
    assert not verdicts.hosts["payments"]["failed"]
    assert use("fleet_totals", {}, verdicts.rows)[service]["us-east-1"]["failed_ids"] == ["012345678901", "1402433619"]


@services
def test_onboard_verdicts_of_an_administrator_that_cannot_be_switched_on_tell_the_root_cause(
    service, run_module, emulator
) -> None:
    operation = {"guardduty": "CreateDetector", "securityhub": "EnableSecurityHub"}[service]
    emulator.add_fault(kind="error", service=service, operation=operation, code="AccessDeniedException", status=403)
    verdicts = onboard(run_module, service)
    verdict = verdicts.hosts["search"]
    assert verdict["failed"] and operation in verdict["text"] and "access_denied" in verdicts.reasons_of("search")


@services
def test_onboard_verdicts_of_tasks_that_failed_as_a_whole_repeat_their_message(service, run_module, emulator) -> None:
    nothing = {"msg": "no credentials", "failed": True}
    assert onboard(run_module, service, members=nothing).hosts["search"]["text"].endswith("no credentials")
    emulator.reset()
    verdict = onboard(run_module, service, accepted=nothing, info={}).hosts["search"]
    assert "no credentials" in verdict["text"]


@services
def test_onboard_verdict_of_a_member_that_is_not_shown_is_timed_out(service, run_module) -> None:
    assert onboard(run_module, service, info={}).reasons_of("search") == {"timed_out"}


def test_onboard_verdict_of_the_administrator_itself_is_ok(run_module) -> None:
    hosts = {"itself": {"account": {"account_id": ADMINISTRATOR, "email": "root@example.com"}}}
    verdict = onboard(run_module, "guardduty", hosts).hosts["itself"]
    assert (verdict["failed"], verdict["changed"]) == (False, False)
    assert "is_administrator" in verdict["text"]


def test_fleet_batch_takes_lists_as_text_and_tells_accounts_listed_twice() -> None:
    rows = {name: {"account": {"account_id": "222222222222", "email": f"{name}@example.com"}} for name in "ab"}
    batch = use("fleet_batch", list(rows), rows, "account", "guardduty, securityhub")
    assert batch["members"] == {"guardduty": [], "securityhub": []}
    assert all("listed twice" in batch["faults"][host]["guardduty"] for host in rows)


def test_fleet_batch_leaves_out_hosts_without_the_fact_and_names_settings_that_differ() -> None:
    settings = {"regions": ["eu-central-1"], "via": "invitation"}
    account = {"account_id": "222222222222", "email": None, "settings": settings}
    rows = {
        "first": {"account": account},
        "second": {
            "account": {**account, "account_id": "333333333333", "settings": {**settings, "via": "organization"}}
        },
        "passed-over": {},
        "done-before": {"account": {}},
    }
    batch = use("fleet_batch", list(rows), rows, "account", ["securityhub"], False)
    assert batch["accounts"] == {"first": "222222222222", "second": "333333333333"}
    assert batch["differing"] == ["via"]
    assert use("fleet_batch", ["first"], rows, "account", ["securityhub"])["differing"] == []
    assert use("fleet_batch", ["passed-over"], rows, "account", ["securityhub"])["accounts"] == {}


@services
def test_fleet_totals_count_an_account_once_however_often_it_is_named(service, run_module) -> None:
    hosts = {**HOSTS, "again": HOSTS["search"]}
    batch = batch_of(service, hosts)
    assert len(batch["members"][service]) == 2
    verdicts = onboard(run_module, service, hosts)
    assert len(verdicts.hosts) == 3
    assert use("fleet_totals", {}, verdicts.rows)[service]["us-east-1"]["accounts"] == 2


@services
def test_onboard_verdict_of_a_last_look_that_failed_tells_why(service, run_module) -> None:
    refused = {"reason_code": "access_denied", "operation": "GetMembers", "reason": "AccessDenied: no", "hint": "ask"}
    rows = [
        {"account_id": "012345678901", "region": region, "status": None, "outcome": "failed", **refused}
        for region in REGIONS
    ]
    info = {"members": rows, "unprocessed_accounts": rows, "failed": True, "msg": "GetMembers failed"}
    verdicts = onboard(run_module, service, info=info)
    assert verdicts.reasons_of("search") == {"access_denied"} and "AccessDenied: no" in verdicts.hosts["search"]["text"]
    assert verdicts.reasons_of("payments") == {"timed_out"}


def offboard(
    run_module: Any, service: str, disable: bool = True, hosts: Mapping[str, Any] = HOSTS, **given: Any
) -> Any:
    """Do what roles/offboard/tasks does for one service, and return the verdicts."""
    batch = batch_of(service, hosts, needs_email=False)
    rows = batch["members"][service]
    members = run_module(f"{service}_member", regions=REGIONS, members=rows, state="absent")
    held: dict[str, Any] = {"skipped": True}
    switched = []
    if disable:
        ids = [row["account_id"] for row in rows]
        held = run_module(f"{service}_administrator_info", account_ids=ids, role_name="Member", regions=REGIONS)
        free = use("offboard_unheld", held, members, service, ADMINISTRATOR)
        switched = [
            run_module(SERVICES[service], state="absent", account_ids=ids, role_name="Member", regions=[region])
            for region, ids in free.items()
        ]
    results = {"members": members, "administrators": held, "services": switched, "disable_services": disable} | given
    return Verdicts(batch["accounts"], **use("offboard_verdicts", batch, {service: results}, REGIONS))


@services
@pytest.mark.parametrize("disable", [False, True])
def test_offboard_verdicts_are_changed_then_unchanged(service, disable, run_module) -> None:
    onboard(run_module, service)
    first, second = offboard(run_module, service, disable), offboard(run_module, service, disable)
    assert all(verdict["changed"] and not verdict["failed"] for verdict in first.hosts.values())
    assert first.hosts["search"]["text"] == f"{service}: absent in eu-central-1 us-east-1"
    assert not any(verdict["changed"] or verdict["failed"] for verdict in second.hosts.values())


@services
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


@services
@pytest.mark.parametrize("task", ["administrators", "services"])
def test_offboard_verdict_of_a_service_left_on_by_a_task_that_failed_as_a_whole_repeats_its_message(
    service, task, run_module
) -> None:
    onboard(run_module, service)
    nothing = {"msg": "no credentials", "failed": True, "unprocessed_accounts": []}
    verdicts = offboard(run_module, service, **LEFT_ON[task](nothing))
    for verdict in verdicts.hosts.values():
        assert verdict["failed"] and "the service was left on: no credentials" in verdict["text"]


@services
def test_offboard_leaves_the_service_of_the_administrator_itself_on(service, run_module, emulator) -> None:
    hosts = {"itself": {"account": {"account_id": ADMINISTRATOR, "email": None}}, **HOSTS}
    onboard(run_module, service)
    emulator.clear_calls()
    verdicts = offboard(run_module, service, hosts=hosts)
    assert (verdicts.hosts["itself"]["failed"], verdicts.hosts["itself"]["changed"]) == (False, False)
    assert not verdicts.hosts["search"]["failed"]
    off = {call.account_id for call in emulator.calls if call.operation in ("DeleteDetector", "DisableSecurityHub")}
    assert off == {"012345678901", "222222222222"}


def test_offboard_verdicts_of_a_task_that_failed_as_a_whole_repeat_its_message(run_module) -> None:
    verdicts = offboard(run_module, "guardduty", members={"msg": "no credentials"})
    assert all(verdict["text"].endswith("no credentials") for verdict in verdicts.hosts.values())


def test_report_filters_are_four() -> None:
    assert set(Report().filters()) == {"report_accounts", "report_baseline", "report_data", "report_text"}
