# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service that takes one account a call has beyond the others: whose a refusal is, how many calls it takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._services.macie.facts import MACIE as FACTS
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    FLEET,
    MACIE,
    REGION,
    A,
    B,
    C,
    member,
    organization,
    said,
    switch_on,
    writes,
)

HELD = "The request is rejected because the specified account ID is already a member of another administrator account."


@pytest.fixture(autouse=True)
def macie_is_on(emulator: Emulator) -> None:
    switch_on(emulator, MACIE, ADMINISTRATOR)


def outcomes(result: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {row["account_id"]: (row["outcome"], row["reason_code"]) for row in result["members"]}


def test_member_refusal_of_the_first_of_ten_is_that_accounts_alone(emulator: Emulator, run_module: Any) -> None:
    first, *others = FLEET[:10]
    emulator.add_fault(
        "error",
        operation="CreateMember",
        account_ids=[first],
        code="ConflictException",
        status=409,
        message=HELD,
        times=None,
    )
    result = run_module("macie_member", members=[member(i) for i in FLEET[:10]])
    assert outcomes(result) == {
        first: ("failed", "member_of_other_administrator"),
        **dict.fromkeys(others, ("changed", None)),
    }
    [refused] = result["unprocessed_accounts"]
    assert (refused["operation"], refused["reason"]) == ("CreateMember", f"ConflictException: {HELD}")
    invited = [call.params["accountIds"] for call in emulator.calls if call.operation == "CreateInvitations"]
    assert invited == [others]


@pytest.mark.parametrize(
    ("code", "status", "text", "reason"),
    [
        ("AccessDeniedException", 403, "User is not authorized to perform: macie2:CreateMember", "access_denied"),
        ("AccessDeniedException", 403, "Macie is not enabled.", "service_not_enabled"),
        ("ServiceQuotaExceededException", 402, "You have too many.", "quota_exceeded"),
    ],
)
def test_member_refusal_that_is_the_callers_is_asked_for_once(
    code: str, status: int, text: str, reason: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.add_fault("error", operation="CreateMember", code=code, status=status, message=text, times=None)
    result = run_module("macie_member", members=[member(i) for i in FLEET[:10]])
    assert writes(emulator) == ["CreateMember"]
    assert outcomes(result) == {
        FLEET[0]: ("failed", reason),
        **dict.fromkeys(FLEET[1:10], ("not_attempted", reason)),
    }


@pytest.mark.parametrize("place", [0, 3])
def test_member_that_the_service_fails_for_each_time_keeps_no_other_waiting(
    place: int, emulator: Emulator, run_module: Any
) -> None:
    accounts = FLEET[:6]
    emulator.add_fault("http_500", operation="CreateMember", account_ids=[accounts[place]], times=None)
    result = run_module("macie_member", members=[member(i) for i in accounts], concurrency=1)
    failed = {accounts[place]: ("failed", "internal_error")}
    assert outcomes(result) == dict.fromkeys(accounts, ("changed", None)) | failed


def test_member_whose_record_the_service_cannot_read_keeps_no_other_waiting(
    emulator: Emulator, run_module: Any
) -> None:
    emulator.add_fault("http_500", operation="GetMember", account_ids=[A], times=None)
    result = run_module("macie_member", members=[member(A), member(B)])
    assert outcomes(result)[B] == ("changed", None)


def test_member_plan_lists_the_calls_as_they_are_sent(emulator: Emulator, run_module: Any) -> None:
    accounts = [member(i) for i in FLEET[:60]]
    planned = run_module("macie_member", members=accounts, check=True)["actions"]
    assert [(action["operation"], len(action["account_ids"])) for action in planned] == [
        *[("CreateMember", 1)] * 60,
        ("CreateInvitations", 50),
        ("CreateInvitations", 10),
    ]
    assert writes(emulator) == []
    emulator.clear_calls()
    assert run_module("macie_member", members=accounts)["actions"] == planned
    assert sorted(writes(emulator)) == sorted(action["operation"] for action in planned)


@pytest.mark.parametrize(("count", "read"), [(1, "GetMember"), (250, "GetMember"), (251, "ListMembers")])
def test_member_reads_one_by_one_up_to_a_number_and_the_list_above_it(
    count: int, read: str, emulator: Emulator, run_module: Any
) -> None:
    accounts = [f"{number:012d}" for number in range(1, count + 1)]
    for account_id in accounts:
        emulator.set_member(MACIE, REGION, ADMINISTRATOR, account_id, "Enabled")
    result = run_module("macie_member", members=[member(i) for i in accounts])
    assert {row["outcome"] for row in result["members"]} == {"unchanged"}
    pages = -(-count // FACTS.reading.page)
    reads = list(emulator.operations(MACIE))
    assert reads == [read] * (count if read == "GetMember" else pages)


@pytest.mark.parametrize("answer", ["404", "not_associated", "not_member", "conflict"])
def test_member_without_a_record_is_created_however_aws_says_that_there_is_none(
    answer: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(get_member_unknown_macie=answer)
    assert outcomes(run_module("macie_member", members=[member(A)])) == {A: ("changed", None)}
    assert "ListMembers" not in emulator.operations(MACIE)


def test_member_that_cannot_be_read_by_name_is_looked_for_in_the_list(emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(MACIE, REGION, ADMINISTRATOR, B, "Enabled")
    refusal = {"code": "ValidationException", "status": 400, "message": "Words that nobody has seen yet."}
    emulator.add_fault("error", operation="GetMember", account_ids=[B], times=None, **refusal)
    result = run_module("macie_member_info", member_ids=[A, B, C])
    assert [row["status"] for row in result["members"]] == [None, "Enabled", None]
    assert "ListMembers" in emulator.operations(MACIE)


@pytest.mark.parametrize("code", ["ValidationException", "ConflictException"])
@pytest.mark.parametrize("held", ["ValidationException", "ConflictException"])
def test_member_that_somebody_else_creates_meanwhile_is_not_ours(
    code: str, held: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(already_member_code_macie=code, held_code_macie=held)

    def created(moment: str, call: Any, _world: Any) -> None:
        if moment == "before" and call.operation == "CreateMember":
            emulator.set_member(MACIE, REGION, ADMINISTRATOR, A, "Created")

    emulator.on_call(created)
    result = run_module("macie_member", members=[member(A)])
    assert [row["actions"] for row in result["members"]] == [["invite"]]


@pytest.mark.parametrize("knob", ["accept", "refuse"])
def test_member_of_the_organization_that_was_removed_is_added_again(
    knob: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed(organization(A))
    emulator.set_member(MACIE, REGION, ADMINISTRATOR, A, "Removed")
    emulator.set_knobs(removed_create_macie=knob)
    result = run_module("macie_member", via="organization", members=[member(A)], wait=False)
    assert outcomes(result) == {A: ("changed", None) if knob == "accept" else ("failed", "already_member")}


@pytest.mark.parametrize("text", ["two words", "x" * 81, "all!"])
def test_member_invitation_message_against_the_rules_is_refused_before_any_call(
    text: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("macie_member", members=[member(A)], invitation_message=text)
    assert result["failed"] and "letters and digits without spaces, 80 at most" in said(result)
    assert emulator.calls == []


def test_member_invitation_carries_message_and_notification_as_asked(emulator: Emulator, run_module: Any) -> None:
    run_module("macie_member", members=[member(A)], invitation_message="Hello", email_notification=True)
    run_module("macie_member", members=[member(B)])
    sent = [call.params for call in emulator.calls if call.operation == "CreateInvitations"]
    assert sent == [
        {"accountIds": [A], "disableEmailNotification": False, "message": "Hello"},
        {"accountIds": [B], "disableEmailNotification": True},
    ]


@pytest.mark.parametrize("knob", ["empty", "404"])
def test_administrator_info_without_an_administrator_is_empty_however_aws_says_so(
    knob: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(get_administrator_none_macie=knob)
    [row] = run_module("macie_administrator_info")["administrators"]
    assert (row["administrator_id"], row["reason_code"], row["invitations"]) == (None, None, [])


def test_session_is_paused_resumed_changed_and_switched_off(emulator: Emulator, run_module: Any) -> None:
    def session(**options: Any) -> tuple[Any, ...]:
        [row] = run_module("macie_session", **options)["sessions"]
        return row["previous_status"], row["status"], row["finding_publishing_frequency"], row["actions"]

    assert session() == ("ENABLED", "ENABLED", "FIFTEEN_MINUTES", [])
    assert session(enabled=False, check=True) == ("ENABLED", "PAUSED", "FIFTEEN_MINUTES", ["update_service"])
    assert session(enabled=False) == ("ENABLED", "PAUSED", "FIFTEEN_MINUTES", ["update_service"])
    assert session(enabled=False) == ("PAUSED", "PAUSED", "FIFTEEN_MINUTES", [])
    assert session(finding_publishing_frequency="SIX_HOURS") == ("PAUSED", "ENABLED", "SIX_HOURS", ["update_service"])
    assert session(state="absent") == ("ENABLED", None, None, ["disable_service"])
    assert session(state="absent") == (None, None, None, [])
    assert session(enabled=False, check=True) == (None, "PAUSED", "FIFTEEN_MINUTES", ["enable_service"])
    assert session(enabled=False) == (None, "PAUSED", "FIFTEEN_MINUTES", ["enable_service"])


@pytest.mark.parametrize(("options", "status"), [({"state": "absent"}, "ENABLED"), ({"enabled": False}, "ENABLED")])
def test_session_of_an_administrator_with_members_is_neither_paused_nor_switched_off(
    options: dict[str, Any], status: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(MACIE, REGION, ADMINISTRATOR, A, "Enabled")
    result = run_module("macie_session", wait=False, **options)
    [row] = result["sessions"]
    assert (row["outcome"], row["reason_code"], row["status"]) == ("failed", "still_associated", status)
