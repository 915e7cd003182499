# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From hosts to the accounts that modules are given, and from the modules' rows back to hosts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    batch_of,
    by_place,
    collect_accounts,
    explained,
    fault_row,
    is_watched,
    judge_hosts,
    message_of,
    problem_row,
    rows_of,
    total_stats,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import Words
from ansible_collections.muster.aws.tests.canned import module_row

SEARCH, PAYMENTS = "012345678901", "222222222222"
EAST, WEST = "us-east-1", "us-west-2"


def host(account_id: Any, email: str | None = None) -> dict[str, Any]:
    return {"account_id": account_id, "email": email}


def test_accounts_of_hosts_are_collected_with_their_addresses() -> None:
    hosts = {"search": host(SEARCH, "search@example.com"), "payments": host(PAYMENTS)}
    assert collect_accounts(hosts, ["securityhub"]) == {
        "accounts": {"search": SEARCH, "payments": PAYMENTS},
        "addresses": {"search": "search@example.com", "payments": None},
        "emails": {SEARCH: "search@example.com"},
        "faults": {},
    }


@pytest.mark.parametrize(
    ("account", "needs_email", "expected"),
    [
        (
            host(SEARCH),
            True,
            {"guardduty": ("email_missing", "012345678901 has no email; GuardDuty needs the address")},
        ),
        (host(SEARCH), False, {}),
        (host(SEARCH, "search@example.com"), True, {}),
        (
            host(1402433619, "search@example.com"),
            True,
            dict.fromkeys(
                ["guardduty", "securityhub"],
                ("invalid_input", "account id 1402433619 is of type int, not a string of 12 digits"),
            ),
        ),
    ],
    ids=["no address", "no address to leave", "fine", "unquoted id"],
)
def test_fault_of_an_account_is_told_for_each_service_that_has_it(account, needs_email, expected) -> None:
    hosts = {"fine": host(PAYMENTS, "payments@example.com"), "search": account}
    found = collect_accounts(hosts, ["guardduty", "securityhub"], needs_email)["faults"]
    assert found.keys() == ({"search"} if expected else set())
    for service, (code, text) in expected.items():
        assert found["search"][service]["reason_code"] == code and text in found["search"][service]["reason"]
    assert found.get("search", {}).keys() == expected.keys()


def test_addresses_matter_unless_it_is_said_that_they_do_not() -> None:
    assert collect_accounts({"search": host(SEARCH)}, ["guardduty"])["faults"].keys() == {"search"}


def test_batch_has_what_the_modules_take_without_the_accounts_that_cannot_be_used() -> None:
    accounts = {
        "accounts": {"search": SEARCH, "payments": PAYMENTS, "broken": "7", "later": "333333333333"},
        "emails": {SEARCH: "search@example.com"},
        "faults": {"broken": {"guardduty": "no id", "securityhub": "no id"}, "payments": {"guardduty": "no address"}},
    }
    assert batch_of(accounts, ["payments", "search", "broken"], ["guardduty", "securityhub"]) == {
        "accounts": {"payments": PAYMENTS, "search": SEARCH, "broken": "7"},
        "faults": {
            "payments": {"guardduty": "no address"},
            "search": {},
            "broken": {"guardduty": "no id", "securityhub": "no id"},
        },
        "members": {
            "guardduty": [host(SEARCH, "search@example.com")],
            "securityhub": [host(SEARCH, "search@example.com"), host(PAYMENTS)],
        },
    }


@pytest.mark.parametrize(
    ("state", "monitoring", "expected"),
    [
        (State.ENABLED, None, True),
        (State.ENABLED, "suspended", True),
        (State.SUSPENDED, None, False),
        (State.SUSPENDED, "enabled", False),
        (State.SUSPENDED, "suspended", True),
        (State.ACCOUNT_SUSPENDED, "suspended", False),
        (State.INVITED, None, False),
        (State.UNKNOWN, "suspended", False),
    ],
)
def test_suspended_member_is_as_wanted_only_for_who_says_so(state, monitoring, expected) -> None:
    assert is_watched(state, monitoring) is expected


def test_rows_are_found_by_the_first_key_that_has_some() -> None:
    result = {"members": [], "hubs": [1], "detectors": [2]}
    assert rows_of(result, "members", "hubs", "detectors") == [1]
    assert rows_of(result, "nothing") == rows_of({}, "members") == rows_of(None, "members") == ()


ROW = module_row(SEARCH)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([None, {}, {"msg": "no credentials"}, {"msg": "later"}], "no credentials"),
        # A task with rows did not fail as a whole: its rows say what happened.
        ([{"msg": "1 of 2 not done", "members": [ROW]}], None),
        ([{"msg": "1 of 2 not done", "administrators": [ROW]}], None),
        ([{"msg": "1 of 2 not done", "detectors": [ROW]}], None),
        ([{"msg": "1 of 2 not done", "hubs": [ROW]}], None),
        ([{"msg": "1 of 2 not done", "sessions": [ROW]}], None),
        ([{"msg": "no credentials", "members": []}], "no credentials"),
        ([{"msg": ""}], None),
        ([], None),
    ],
)
def test_message_is_that_of_the_first_task_that_failed_as_a_whole(results, expected) -> None:
    assert message_of(results) == expected


def test_rows_are_put_by_region_and_account() -> None:
    other = module_row(PAYMENTS, WEST)
    assert by_place([ROW, other]) == {(EAST, SEARCH): ROW, (WEST, PAYMENTS): other}


BLANK = MappingProxyType(
    {
        "service": "guardduty",
        "region": EAST,
        "account_id": SEARCH,
        "status": None,
        "previous_status": None,
        "actions": [],
        "failed": True,
    }
)


def test_row_of_an_account_that_was_not_done_has_the_problem_and_nothing_else() -> None:
    problem = {"reason_code": "access_denied", "reason": "no", "operation": "GetMembers", "retryable": False}
    assert problem_row("guardduty", (EAST, SEARCH), problem) == {
        **BLANK,
        "reason_code": "access_denied",
        "reason": "no",
        "operation": "GetMembers",
    }


def test_row_of_an_account_of_which_nothing_is_known_has_no_operation() -> None:
    row = fault_row("guardduty", (EAST, SEARCH), "the account was not reached")
    assert row == {**BLANK, "reason_code": "other", "reason": "the account was not reached", "operation": None}


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (None, {"reason_code": "resigned", "operation": None, "reason": "it left", "next_step": "ask it"}),
        (
            {"reason_code": "access_denied", "operation": "GetMembers", "reason": "no"},
            {"reason_code": "access_denied", "operation": "GetMembers", "reason": "no"},
        ),
        (
            {"reason_code": "suspended", "reason": "paused", "next_step": "resume it"},
            {"reason_code": "suspended", "operation": None, "reason": "paused", "next_step": "resume it"},
        ),
    ],
    ids=["the member's own words", "a problem without a next step", "a problem with one"],
)
def test_problem_says_why_and_else_the_row_itself_does(problem, expected) -> None:
    member = {"reason_code": "resigned", "reason": "it left", "next_step": "ask it", "operation": "never"}
    assert explained(problem, member) == expected


def judged(service: str, region: str, account_id: str) -> dict[str, Any]:
    return {**BLANK, "service": service, "region": region, "account_id": account_id, "status": "Enabled"} | {
        "failed": False,
        "reason_code": None,
        "operation": None,
        "reason": None,
    }


def test_each_host_is_judged_by_its_own_account_in_each_service_and_region() -> None:
    batch = {
        "accounts": {"search": SEARCH, "broken": "7"},
        "faults": {"search": {}, "broken": {"guardduty": {"reason_code": "invalid_input", "reason": "no id"}}},
        "members": {},
    }
    judges = {
        service: lambda region, account_id, service=service: judged(service, region, account_id)
        for service in ("guardduty", "securityhub")
    }
    done = judge_hosts(batch, [WEST, EAST, WEST], judges, Words("onboard_", "no record"))
    fault = {"reason_code": "invalid_input", "reason": "no id", "operation": None}
    assert done["rows"] == [
        {"host": "search", **judged("guardduty", EAST, SEARCH)},
        {"host": "search", **judged("guardduty", WEST, SEARCH)},
        {"host": "search", **judged("securityhub", EAST, SEARCH)},
        {"host": "search", **judged("securityhub", WEST, SEARCH)},
        {"host": "broken", **BLANK, **fault, "account_id": "7"},
        {"host": "broken", **BLANK, **fault, "account_id": "7", "region": WEST},
        {"host": "broken", **judged("securityhub", EAST, "7")},
        {"host": "broken", **judged("securityhub", WEST, "7")},
    ]
    assert done["hosts"] == {
        "search": {
            "changed": False,
            "failed": False,
            "text": "GuardDuty and Security Hub in all 2 Regions: Enabled",
        },
        "broken": {
            "changed": False,
            "failed": True,
            "text": "GuardDuty in all 2 Regions: no id (invalid_input: correct it in the inventory and run again)",
        },
    }


def test_statistics_count_each_account_once_by_service_and_region() -> None:
    fine = judged("guardduty", EAST, SEARCH)
    changed = {**judged("guardduty", EAST, PAYMENTS), "actions": ["create", "invite"]}
    failed = {**judged("guardduty", EAST, "333333333333"), "failed": True, "actions": ["create"]}
    refused = {**failed, "account_id": "444444444444", "actions": []}
    elsewhere = [judged("guardduty", WEST, SEARCH), judged("securityhub", EAST, SEARCH)]
    rows = [{"host": each, **row} for each in ("one", "again") for row in (fine, changed, failed, refused, *elsewhere)]
    alone = {"accounts": 1, "changed": 0, "failed": 0, "failed_ids": []}
    assert total_stats(rows) == {
        "guardduty": {
            EAST: {"accounts": 4, "changed": 2, "failed": 2, "failed_ids": ["333333333333", "444444444444"]},
            WEST: alone,
        },
        "securityhub": {EAST: alone},
    }
    assert total_stats([]) == {}
