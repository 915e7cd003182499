# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words for places, causes and next steps, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.plugin_utils._words import (
    Cause,
    Words,
    causes_of,
    counted,
    first,
    hint,
    listed,
    next_step,
    places_of,
    some,
    tally,
)
from ansible_collections.muster.aws.tests.canned import host_row

ONE, TWO = "012345678901", "222222222222"
REGIONS = ["eu-west-1", "us-east-1", "us-west-2"]


def row(service: str = "guardduty", region: str = "us-east-1", **given: Any) -> dict[str, Any]:
    return host_row(service=service, region=region, **given)


def failure(reason: str = "no", code: str = "access_denied", **given: Any) -> dict[str, Any]:
    return row(**{"failed": True, "reason_code": code, "reason": reason, "operation": "GetMembers", **given})


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("already_invited", "an invitation is pending: run again by invitation, or offboard the account first"),
        ("member_of_other_administrator", "let the account leave that administrator first (docs/move.md)"),
        ("email_missing", "give the address of the account's root user as onboard_account_email"),
        (
            "email_verification_failed",
            "give the root user's address as onboard_account_email, and set onboard_replace_failed=true",
        ),
        ("resigned", "set onboard_reinvite_resigned=true to invite the account again"),
        ("no_invitation", "run again: the invitation may arrive late"),
        (
            "service_not_enabled",
            "switch the service on first, as muster.aws.onboard does with onboard_enable_services",
        ),
        (
            "assume_role_failed",
            "check x_member_role_name, the role's trust policy and external id, and sts:AssumeRole of the caller",
        ),
        ("throttled", "run again later, or with a lower x_concurrency"),
        ("timed_out", "run again later, or with a longer x_wait_timeout"),
        ("region_unavailable", "check x_regions, and that the account has opted in to the Region"),
        ("invalid_input", "correct it in the inventory and run again"),
        # The module's own hint, where it names no option.
        ("account_suspended", "reactivate the AWS account, or take it off the list"),
    ],
)
def test_next_step_names_variables_of_the_role(code: str, text: str) -> None:
    assert hint(code, "x_") == text == next_step(failure(code=code), "x_")


def test_every_reason_has_a_next_step() -> None:
    assert all(hint(reason.value, "onboard_") for reason in Reason)


def test_next_step_of_a_row_goes_before_that_of_its_reason() -> None:
    assert next_step(failure(next_step="resume it"), "x_") == "resume it"


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ([("guardduty", "us-east-1")], "GuardDuty in us-east-1"),
        (
            [("guardduty", "us-west-2"), ("guardduty", "us-east-1"), ("guardduty", "us-east-1")],
            "GuardDuty in us-east-1, us-west-2",
        ),
        ([("guardduty", region) for region in REGIONS], "GuardDuty in all 3 Regions"),
        (
            [(service, region) for service in ("guardduty", "securityhub", "macie") for region in REGIONS],
            "GuardDuty, Security Hub and Macie in all 3 Regions",
        ),
        (
            [("guardduty", "us-east-1"), ("securityhub", "us-east-1"), ("macie", "us-west-2")],
            "GuardDuty and Security Hub in us-east-1; Macie in us-west-2",
        ),
        ([], ""),
    ],
)
def test_places_are_gathered_by_service_and_regions(places: list[tuple[str, str]], text: str) -> None:
    assert places_of([row(service, region) for service, region in places], REGIONS) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "us-east-1"),
        (2, "us-east-1, us-east-2"),
        (4, "us-east-1, us-east-2, us-east-3, us-east-4"),
        (5, "us-east-1, us-east-2, us-east-3 and 2 more Regions"),
        (6, "all 6 Regions"),
    ],
)
def test_many_regions_are_not_all_named(count: int, text: str) -> None:
    regions = [f"us-east-{number}" for number in range(1, 7)]
    assert places_of([row(region=region) for region in regions[:count]], regions) == f"GuardDuty in {text}"


def test_the_only_region_asked_for_is_named() -> None:
    assert places_of([row()], ["us-east-1"]) == "GuardDuty in us-east-1"


def test_regions_that_are_as_many_as_asked_for_and_others_are_named() -> None:
    assert places_of([row(), row(region="us-west-2")], ["us-east-1", "eu-west-1"]) == (
        "GuardDuty in us-east-1, us-west-2"
    )


def test_things_are_listed_and_counted() -> None:
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [counted(0, "account"), counted(1, "account"), counted(1200, "account")] == [
        "0 accounts",
        "1 account",
        "1,200 accounts",
    ]
    assert [counted(1, "entry", "entries"), counted(2, "entry", "entries")] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0, 1200, 1300, False), "as wanted, 1,200 changed, 1,300 failed"),
        ((1, 2, 0, False), "as wanted, 1 with gaps, 2 changed, 0 failed"),
        ((1400, 2, 0, True), "as wanted, 1,400 with gaps, 2 would be changed, 0 failed"),
    ],
)
def test_tally_says_would_in_check_mode_and_nothing_of_no_gaps(numbers, text: str) -> None:
    assert tally(*numbers) == text


def test_one_cause_is_told_once_without_the_names_in_which_it_differs() -> None:
    rows = [
        failure(f"{account_id} in {region}: no", host=host, account_id=account_id, region=region)
        for host, account_id in (("search", ONE), ("payments", TWO))
        for region in ("us-east-1", "us-west-2")
    ]
    [cause] = causes_of(rows)
    assert cause == Cause("access_denied", "GetMembers", "ACCOUNT in REGION: no", rows)
    assert cause.hosts == ["search", "payments"] and cause.sentence == "GetMembers: ACCOUNT in REGION: no"


@pytest.mark.parametrize(
    ("others", "text"),
    [
        ([], f"{ONE} in us-east-1: no"),
        ([{"region": "us-west-2"}], f"{ONE} in REGION: no"),
        ([{"account_id": TWO, "host": "payments"}], "ACCOUNT in us-east-1: no"),
    ],
    ids=["one account", "two Regions", "two accounts"],
)
def test_cause_of_one_account_or_region_names_it(others: list[dict[str, Any]], text: str) -> None:
    given = [{"account_id": ONE, "region": "us-east-1", **other} for other in ({}, *others)]
    rows = [failure(f"{each['account_id']} in {each['region']}: no", **each) for each in given]
    [cause] = causes_of(rows)
    assert cause.text == text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"code": "access_denied"}, {"code": "throttled"}),
        ({"reason": "no", "host": "search"}, {"reason": "never", "host": "payments"}),
        ({"operation": "GetMembers", "host": "search"}, {"operation": None, "host": "payments"}),
    ],
    ids=["reason", "text of other hosts", "call of other hosts"],
)
def test_causes_that_differ_are_told_apart(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert len(causes_of([failure(**first), failure(**second)])) == 2


def test_services_own_words_for_what_befell_the_same_hosts_are_one_cause() -> None:
    rows = [failure("no"), failure("never", service="securityhub"), failure("not yet", service="securityhub")]
    one, other = causes_of(rows)
    assert (one.text, one.operation, one.rows) == ("no; never", "GetMembers", rows[:2])
    # What a service says in two ways is two things.
    assert (other.text, other.operation, other.rows) == ("not yet", "GetMembers", rows[2:])
    assert [cause.text for cause in causes_of([failure("no"), failure("never")])] == ["no", "never"]


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        ("12abc34d567e8fa901bc2d34e56789f0", "22abc34d567e8fa901bc2d34e56789f0", "..."),
        ("0f1e2d3c-0000-4a4b-8c8d-0123456789ab", "1f1e2d3c-0000-4a4b-8c8d-0123456789ab", "..."),
        ("20261128T010203Z", "20261128T010204Z", "..."),
        ("q" * 64, "Z-_9" * 20, "..."),
        ("q" * 64, "q" * 64, "q" * 64),
    ],
)
def test_ids_and_times_within_a_text_do_not_make_a_cause(first: str, second: str, common: str) -> None:
    [cause] = causes_of([failure(f"no ({first})"), failure(f"no ({second})"), failure(f"no ({first})")])
    assert (cause.text, len(cause.rows)) == (f"no ({common})", 3)


@pytest.mark.parametrize("text", ["12abc34d", "999999999999", "q" * 63, "20261128"])
def test_what_a_text_tells_makes_a_cause(text: str) -> None:
    assert len(causes_of([failure(f"no ({text})"), failure("no (0)")])) == 2


def test_cause_tells_whether_it_is_everywhere_for_each_host() -> None:
    rows = [failure(host=host, region=region) for host in ("one", "two") for region in ("us-east-1", "us-west-2")]
    regions = ["us-east-1", "us-west-2"]
    [cause] = causes_of(rows)
    assert cause.where(regions) == "GuardDuty in all 2 Regions"
    # Two hosts may name one account, and a host be told twice.
    [cause] = causes_of([*rows, rows[0]])
    assert cause.where(regions) == "GuardDuty in all 2 Regions"
    [cause] = causes_of(rows[:3])
    assert cause.where(regions) == "GuardDuty in all 2 Regions, not each in all of them"


def test_who_leaves_is_not_told_to_switch_a_service_on() -> None:
    told = hint("service_not_enabled", "offboard_")
    assert told == "leave the Region out of offboard_regions: nobody is a member where it is off"
    assert hint("service_not_enabled", "report_").startswith("switch the service on first, as muster.aws.onboard does")
    assert hint("throttled", "offboard_") == "run again later, or with a lower offboard_concurrency"


def test_calls_that_were_refused_to_the_same_hosts_are_each_a_cause() -> None:
    rows = [failure("no"), failure("never", service="securityhub", operation="InviteMembers")]
    assert [(cause.operation, cause.text) for cause in causes_of(rows)] == [
        ("GetMembers", "no"),
        ("InviteMembers", "never"),
    ]


def test_services_calls_that_met_the_same_answer_for_the_same_hosts_are_one_cause() -> None:
    rows = [failure("no"), failure("no", service="securityhub", operation="GetHub")]
    rows += [failure("no", service="macie", operation=None)]
    [cause] = causes_of(rows)
    assert (cause.operation, cause.text, cause.rows) == ("GetMembers and GetHub", "no", rows)
    nameless = [failure("no", operation=None), failure("no", service="securityhub", operation=None)]
    assert [cause.operation for cause in causes_of(nameless)] == [None]
    # Of one service, two calls are two causes, and so is what befell other hosts.
    assert len(causes_of([failure("no"), failure("no", operation="GetHub")])) == 2
    assert len(causes_of([failure("no", host="one"), failure("never", host="two", service="securityhub")])) == 2


def test_rows_of_a_module_have_no_host_and_no_call() -> None:
    rows = [failure("no"), failure("no", region="us-west-2")]
    for each in rows:
        del each["host"], each["operation"]
    [cause] = causes_of(rows)
    assert (cause.operation, cause.sentence, len(cause.rows)) == (None, "no", 2)
    assert cause.where([]) == "GuardDuty in us-east-1, us-west-2"


def test_causes_of_most_hosts_come_first_and_those_of_as_many_by_their_code() -> None:
    rows = [
        failure("a", "throttled", host="one"),
        failure("b", "resigned", host="two"),
        failure("b", "resigned", host="two"),
        failure("b", "resigned", host="two", region="us-west-2"),
        failure("c", "timed_out", host="three"),
        failure("c", "timed_out", host="four"),
    ]
    assert [cause.reason_code for cause in causes_of(rows)] == ["timed_out", "resigned", "throttled"]


def words(is_check: bool = False) -> Words:
    return Words("onboard_", "no record", is_check)


def test_words_of_a_run_that_writes_are_the_default() -> None:
    assert Words("onboard_", "no record") == words()


@pytest.mark.parametrize(
    ("rows", "is_check", "text"),
    [
        ([row()], False, "GuardDuty in us-east-1: Enabled"),
        ([row()], True, "GuardDuty in us-east-1: Enabled"),
        (
            [row(status=None, reason_code="is_administrator")],
            False,
            "GuardDuty in us-east-1: is_administrator",
        ),
        ([row(status=None)], False, "GuardDuty in us-east-1: no record"),
        ([row(actions=["create", "accept", "create"])], False, "GuardDuty in us-east-1: Enabled now: create, accept"),
        (
            [row(actions=["create", "accept"])],
            True,
            "GuardDuty in us-east-1: would become Enabled: create, accept",
        ),
        (
            [row(), row("securityhub", status="Invited"), row(region="us-west-2")],
            False,
            "GuardDuty in us-east-1, us-west-2: Enabled; Security Hub in us-east-1: Invited",
        ),
    ],
)
def test_host_without_a_failure_is_told_how_its_account_stands(rows, is_check: bool, text: str) -> None:
    verdict = words(is_check).verdict(rows, REGIONS)
    assert (verdict["text"], verdict["failed"]) == (text, False)


def test_host_that_failed_is_told_each_cause_and_what_to_do() -> None:
    rows = [
        failure("No role", "assume_role_failed", operation="AssumeRole", status=None),
        failure("slow", "throttled", service="securityhub", operation=None, next_step="wait"),
        row("macie", actions=["create"]),
    ]
    verdict = words().verdict(rows, REGIONS)
    assert verdict["text"] == (
        "GuardDuty in us-east-1: AssumeRole: No role (assume_role_failed: check onboard_member_role_name, the role's "
        "trust policy and external id, and sts:AssumeRole of the caller). "
        "Security Hub in us-east-1: slow (throttled: wait)"
    )
    assert (verdict["changed"], verdict["failed"]) == (True, True)
    assert verdict["diff"] == {
        "before": {f"macie/us-east-1/{ONE}": None},
        "after": {f"macie/us-east-1/{ONE}": "Enabled"},
    }


def test_host_that_did_not_change_has_no_diff() -> None:
    assert words().verdict([row(), failure()], REGIONS).keys() == {"changed", "failed", "text"}


def test_some_names_stand_for_all() -> None:
    assert (some(list("abcde")), some(list("abcdef")), some(list("abc"), 2)) == (
        "a b c d e",
        "a b c d e ...",
        "a b ...",
    )
    assert some([]) == ""


@pytest.mark.parametrize(
    ("count", "between", "told"),
    [(0, " ", ""), (2, " ", "a b"), (3, ", ", "a, b and 1 more"), (1200, " ", "a b and 1,198 more")],
)
def test_first_names_are_told_and_how_many_more_there_are(count: int, between: str, told: str) -> None:
    assert first([*"ab", *["c"] * 1198][:count], 2, between) == told
