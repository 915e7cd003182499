# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS shows late, and how long a task waits for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import TestTime
from ansible_collections.muster.aws.tests.profiles import nightly
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    FLEET,
    GUARDDUTY,
    OTHER,
    REGION,
    SECURITYHUB,
    A,
    B,
    member,
    shorthand,
    switch_on,
    writes,
)

both_services = pytest.mark.parametrize("service", BOTH)

SERVICE_MODULES = {GUARDDUTY: ("guardduty_detector", "detectors"), SECURITYHUB: ("securityhub_hub", "hubs")}
SWITCH_ON = {GUARDDUTY: "CreateDetector", SECURITYHUB: "EnableSecurityHub"}
SWITCH_OFF = {GUARDDUTY: "DeleteDetector", SECURITYHUB: "DisableSecurityHub"}
SETTING = {
    GUARDDUTY: ("finding_publishing_frequency", "ONE_HOUR"),
    SECURITYHUB: ("auto_enable_controls", False),
}

LAGS: list[dict[str, Any]] = [{}, *({"lag_seconds": 5, "lag_hits": hits} for hits in ("reads", "writes"))]
OTHER_LAGS: list[dict[str, Any]] = [
    *({"lag_seconds": 1.5, "lag_hits": hits} for hits in ("reads", "writes")),
    *(
        {"lag_seconds_of": {operation: 5}, "lag_hits": "writes"}
        for operation in (
            *SWITCH_ON.values(),
            *SWITCH_OFF.values(),
            "CreateMembers",
            "InviteMembers",
            "AcceptAdministratorInvitation",
            "DisassociateMembers",
            "DeleteMembers",
            "DisassociateFromAdministratorAccount",
        )
    ),
]


def name_of(knobs: dict[str, Any]) -> str:
    return "-".join(f"{value}" for value in knobs.values()) or "at once"


def inside(*account_ids: str) -> dict[str, Any]:
    return {"account_ids": list(account_ids), "role_name": "muster"}


def outcomes(rows: list[dict[str, Any]]) -> list[tuple[str | None, str, str | None]]:
    return [(row["status"], row["outcome"], row["reason_code"]) for row in rows]


@both_services
@pytest.mark.parametrize("knobs", [*LAGS, *nightly(*OTHER_LAGS)], ids=name_of)
def test_accounts_go_all_the_way_in_and_out_again_whatever_aws_shows_late(
    knobs: dict[str, Any], service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(**knobs)
    switch, rows = SERVICE_MODULES[service]
    members = [member(A), member(B)]
    joining = {"administrator_id": ADMINISTRATOR, **inside(A, B)}
    steps: list[tuple[str, str, dict[str, Any], str | None]] = [
        (switch, rows, {}, "ENABLED"),
        (f"{service}_member", "members", {"members": members}, "Invited"),
        (f"{service}_administrator", "administrators", {**joining, "enable_service": True}, "Enabled"),
        (f"{service}_administrator", "administrators", {**joining, "state": "absent"}, None),
        (f"{service}_administrator", "administrators", joining, "Enabled"),
        (f"{service}_member", "members", {"members": members, "state": "disassociated"}, "Removed"),
        (f"{service}_member", "members", {"members": members}, "Invited"),
        (f"{service}_member", "members", {"members": members, "state": "absent"}, None),
        (switch, rows, {**inside(A, B), "state": "absent"}, None),
        (switch, rows, {"state": "absent"}, None),
    ]
    for module, key, options, status in steps:
        result = run_module(module, **options)
        assert result.get("failed") is None, result
        assert {row["outcome"] for row in result[key]} == {"changed"}, (module, options, result[key])
        assert {row["status"] for row in result[key]} == {status}, (module, options, result[key])
        emulator.clear_calls()
        again = run_module(module, **options)
        assert (again["changed"], writes(emulator)) == (False, []), (module, options, again)


@both_services
@pytest.mark.parametrize("hits", ["reads", "writes"])
def test_administrator_whose_service_is_never_shown_is_timed_out_and_retryable(
    hits: str, service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Invited")
    emulator.set_knobs(lag_seconds=900, lag_hits=hits)

    result = run_module(
        f"{service}_administrator", administrator_id=ADMINISTRATOR, enable_service=True, wait_timeout=30, **inside(A)
    )

    [row] = result["administrators"]
    assert row["outcome"] == "timed_out" and "enable_service" in row["actions"]
    assert [item["retryable"] for item in result["unprocessed_accounts"]] == [True]
    assert clock.slept <= 65


@both_services
def test_service_that_shows_a_change_late_has_it_in_its_row(service: str, emulator: Emulator, run_module: Any) -> None:
    module, rows = SERVICE_MODULES[service]
    switch_on(emulator, service, ADMINISTRATOR)
    name, value = SETTING[service]
    emulator.set_knobs(lag_seconds=5)

    [row] = run_module(module, tags={"Owner": "us"}, **{name: value})[rows]
    emulator.clear_calls()
    again = run_module(module, tags={"Owner": "us"}, **{name: value})

    assert (row[name], row["tags"], row["outcome"]) == (value, {"Owner": "us"}, "changed")
    assert (again["changed"], writes(emulator)) == (False, [])


@both_services
def test_service_without_wait_is_read_once_and_shown_as_it_is(
    service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    module, rows = SERVICE_MODULES[service]
    switch_on(emulator, service, ADMINISTRATOR)
    name, value = SETTING[service]
    emulator.set_knobs(lag_seconds=5)

    result = run_module(module, wait=False, **{name: value})

    assert (result.get("failed"), result["changed"], clock.slept) == (None, True, 0)
    assert result[rows][0][name] != value and result[rows][0]["outcome"] == "changed"


@both_services
def test_service_whose_change_is_never_shown_is_timed_out(
    service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    module, rows = SERVICE_MODULES[service]
    switch_on(emulator, service, ADMINISTRATOR)
    name, value = SETTING[service]
    emulator.set_knobs(lag_seconds=900)

    result = run_module(module, wait_timeout=10, **{name: value})

    assert outcomes(result[rows]) == [("ENABLED", "timed_out", "timed_out")]
    assert (result["failed"], round(clock.slept)) == (True, 10)


@both_services
def test_service_that_is_still_associated_for_a_while_is_switched_off_within_the_wait(
    service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    module, rows = SERVICE_MODULES[service]
    switch_on(emulator, service, ADMINISTRATOR)
    text = {
        GUARDDUTY: "The request is rejected because the current account cannot delete detector while it has invited or "
        "associated members.",
        SECURITYHUB: "Account ID cannot disable Security Hub on the Security Hub administrator.",
    }[service]
    emulator.add_fault(
        "error", operation=SWITCH_OFF[service], code="BadRequestException", status=400, message=text, times=2
    )

    result = run_module(module, state="absent")

    assert outcomes(result[rows]) == [(None, "changed", None)]
    assert emulator.operations().count(SWITCH_OFF[service]) == 3 and round(clock.slept) == 3


@both_services
def test_administrator_of_64_accounts_without_an_invitation_waits_once_and_not_in_turns(
    service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    accounts = FLEET[:64]
    switch_on(emulator, service, *accounts)

    result = run_module(
        f"{service}_administrator",
        administrator_id=ADMINISTRATOR,
        concurrency=16,
        wait_timeout=6,
        **inside(*accounts),
    )

    assert Counter(row["reason_code"] for row in result["administrators"]) == {"no_invitation": 64}
    assert clock.slept < 12  # and not four times 6: rounds put some looks off, by a second at most
    looks = Counter(call.account_id for call in emulator.calls if call.operation == "ListInvitations")
    assert max(looks.values()) <= 6


@both_services
def test_administrator_those_who_wait_hold_up_nobody(
    service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    switch_on(emulator, service, *FLEET[:20], ADMINISTRATOR)
    invited = FLEET[19]
    emulator.set_member(service, REGION, ADMINISTRATOR, invited, "Invited")
    accepted_at: list[float] = []

    def note(moment: str, call: Any, _world: Any) -> None:
        if call.operation == "AcceptAdministratorInvitation" and moment == "before":
            accepted_at.append(clock.slept)

    emulator.on_call(note)
    options = {"administrator_id": ADMINISTRATOR, "concurrency": 1, "wait_timeout": 10}
    result = run_module(f"{service}_administrator", **options, **inside(*FLEET[:20]))

    assert accepted_at == [0]
    assert {row["account_id"]: row["status"] for row in result["administrators"]}[invited] == "Enabled"


@both_services
def test_member_of_accounts_that_aws_cannot_look_up_lists_once_for_each_look(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    """1,000 new accounts beside many others must not cost a listing for each batch."""
    switch_on(emulator, service, ADMINISTRATOR)
    for account_id in ("700000000001", "700000000002"):
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, "Enabled")
    emulator.add_fault("unprocessed", operation="GetMembers", account_ids=FLEET, message="Try later.", times=None)

    result = run_module(f"{service}_member", members=[member(account_id) for account_id in FLEET])

    assert {row["status"] for row in result["members"]} == {"Invited"}
    listings = [call for call in emulator.calls if call.operation == "ListMembers" and not call.params.get("NextToken")]
    assert len(listings) == 3 and emulator.operations().count("GetMembers") <= 9


# What is not associated


@both_services
@pytest.mark.parametrize("status", ["Invited", "AccountSuspended"])
@pytest.mark.parametrize("disassociate", ["Removed", "refuse"])
def test_member_absent_that_has_no_association_is_deleted(
    disassociate: str, status: str, service: str, emulator: Emulator, run_module: Any, clock: TestTime
) -> None:
    emulator.set_knobs(pending_disassociate=disassociate)
    emulator.set_member(service, REGION, ADMINISTRATOR, A, status)

    predicted = run_module(f"{service}_member", members=[member(A)], state="absent", check=True)
    emulator.clear_calls()
    result = run_module(f"{service}_member", members=[member(A)], state="absent")

    assert outcomes(predicted["members"]) == outcomes(result["members"]) == [(None, "changed", None)]
    assert shorthand(emulator.calls) == "R[A] Dis[A] V[A] Del[A] V[A]"
    assert clock.slept == 0
    assert emulator.member(service, REGION, ADMINISTRATOR, A) is None


@both_services
def test_member_absent_that_has_no_association_is_deleted_with_late_reads(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Invited")
    emulator.set_knobs(pending_disassociate="refuse", lag_seconds=5)

    result = run_module(f"{service}_member", members=[member(A)], state="absent")

    assert outcomes(result["members"]) == [(None, "changed", None)]
    assert emulator.member(service, REGION, ADMINISTRATOR, A) is None


@both_services
def test_member_purge_of_a_closed_account_that_aws_keeps_skips_it(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(pending_disassociate="refuse")
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")
    emulator.set_member(service, REGION, ADMINISTRATOR, B, "AccountSuspended")
    text = "The request is rejected because the account is closed."
    emulator.add_fault("unprocessed", operation="DeleteMembers", account_ids=[B], message=text, times=None)

    purged = run_module(f"{service}_member", members=[member(A)], purge_members=True)
    asked_for = run_module(f"{service}_member", members=[member(B)], state="absent")

    assert purged.get("failed") is None
    assert outcomes(purged["members"]) == [
        ("Enabled", "unchanged", None),
        ("AccountSuspended", "skipped", "account_suspended"),
    ]
    assert asked_for["failed"] is True and text in asked_for["unprocessed_accounts"][0]["reason"]


def test_strangers_are_not_waited_for(emulator: Emulator, run_module: Any, clock: TestTime) -> None:
    switch_on(emulator, GUARDDUTY, A)
    emulator.set_member(GUARDDUTY, REGION, OTHER, A, "Enabled")

    result = run_module("guardduty_administrator", administrator_id=ADMINISTRATOR, **inside(A))

    assert outcomes(result["administrators"]) == [("Enabled", "failed", "member_of_other_administrator")]
    assert clock.slept == 0
