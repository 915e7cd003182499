# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusing the wrong thing: whatever is asked for or answered, nothing happens to an account that was not meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, ModuleRunner
from ansible_collections.muster.aws.tests.trust.scenes import (
    ACCOUNTS,
    FACTS,
    GUARDDUTY,
    MEMBERS,
    REGIONS,
    SERVICES,
    SWITCH,
    A,
    B,
    C,
    all_members,
    switch_on,
)
from ansible_collections.muster.aws.tests.trust.truth import rows_of, state_of

OTHER = "888888888888"
JINJA = "{{ lookup('pipe', 'touch /tmp/x') }}"
CONTROL = ["\n", "\r\n", "\t", "\x00", "\x1b[31m", "\u2028", "\u202e"]

both_services = pytest.mark.parametrize("service", SERVICES)


def writes(emulator: Emulator) -> list[str]:
    return emulator.operations(writes_only=True)


# Purge


@both_services
@pytest.mark.parametrize("check", [False, True])
def test_purge_without_a_list_is_no_purge_of_all(
    service: str, check: bool, emulator: Emulator, run_module: ModuleRunner
) -> None:
    all_members("Enabled")(emulator, service)

    result = run_module(f"{service}_member", members=[], purge_members=True, regions=list(REGIONS), check=check)

    assert result["failed"] and "members is empty" in result["msg"] and emulator.operations() == []


@both_services
@pytest.mark.parametrize(("limit", "may"), [(0, False), (1, False), (2, True)])
def test_purge_over_its_limit_writes_in_no_region(
    service: str, limit: int, may: bool, emulator: Emulator, run_module: ModuleRunner
) -> None:
    all_members("Enabled")(emulator, service)
    options = {"members": MEMBERS[:1], "purge_members": True, "purge_limit": limit, "regions": list(REGIONS)}

    result = run_module(f"{service}_member", **options)

    # An account counts once, in however many Regions.
    assert (not result.get("failed")) is may and bool(writes(emulator)) is may
    if not may:
        assert B in result["msg"] and C in result["msg"] and "nothing was sent" in result["msg"]


@both_services
def test_purge_never_takes_the_administrator_for_a_member_that_is_not_listed(
    service: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    all_members("Enabled")(emulator, service)
    emulator.set_member(service, REGIONS[0], ADMINISTRATOR, ADMINISTRATOR, "Enabled")
    before = state_of(emulator)

    result = run_module(f"{service}_member", members=MEMBERS, purge_members=True, regions=list(REGIONS))

    assert not result["changed"] and state_of(emulator) == before and writes(emulator) == []


@both_services
@pytest.mark.parametrize("state", ["present", "disassociated", "absent"])
def test_administrator_in_its_own_list_is_skipped(
    service: str, state: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    own = {"account_id": ADMINISTRATOR, "email": "own@example.com"}

    result = run_module(f"{service}_member", members=[own], state=state)

    [row] = result["members"]
    assert (row["outcome"], row["reason_code"]) == ("skipped", "is_administrator") and writes(emulator) == []


# Whose detector, whose invitation, whose keys


@pytest.mark.parametrize("owner", [(OTHER, REGIONS[0]), (ADMINISTRATOR, REGIONS[1])], ids=["account", "Region"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_foreign_detector_is_a_failure_and_no_empty_list(
    owner: tuple[str, str], state: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    all_members("Enabled")(emulator, GUARDDUTY)
    switch_on(emulator, GUARDDUTY, OTHER)
    with emulator.lock:
        switch = emulator.world.home(GUARDDUTY, *owner).switch
    assert switch

    result = run_module(
        "guardduty_member", members=MEMBERS, state=state, region=REGIONS[0], detector_id=switch.resource_id
    )

    assert result["failed"] and writes(emulator) == []
    assert {row["reason_code"] for row in result["unprocessed_accounts"]} == {"invalid_input"}
    assert "not owned by the current account" in result["msg"]


@both_services
@pytest.mark.parametrize("position", range(12))
def test_invitation_of_an_administrator_that_differs_in_one_digit_is_never_accepted(
    service: str, position: int, emulator: Emulator, run_module: ModuleRunner
) -> None:
    lookalike = ADMINISTRATOR[:position] + "2" + ADMINISTRATOR[position + 1 :]
    switch_on(emulator, service, A)
    emulator.set_member(service, REGIONS[0], lookalike, A, "Invited")

    result = run_module(
        f"{service}_administrator",
        account_ids=[A],
        role_name="Muster",
        administrator_id=ADMINISTRATOR,
        region=REGIONS[0],
        enable_service=True,
        replace_administrator=True,
        wait=False,
    )

    assert [row["reason_code"] for row in result["administrators"]] == ["no_invitation"]
    assert writes(emulator) == []


@both_services
@pytest.mark.parametrize("module", ["{}_administrator", "switch"])
def test_keys_of_another_account_than_the_one_asked_for_are_not_used(
    service: str, module: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    """AssumeRole answers with the keys of C when it is asked for A."""
    emulator.set_knobs(assume_role_wrong_account={A: C})
    for account_id in (A, B, C):
        emulator.set_member(service, REGIONS[0], ADMINISTRATOR, account_id, "Invited")
    options: dict[str, Any] = {"account_ids": [A, B], "role_name": "Muster", "region": REGIONS[0]}
    if module != "switch":
        options |= {"administrator_id": ADMINISTRATOR, "enable_service": True}

    result = run_module(SWITCH[service] if module == "switch" else module.format(service), **options)

    rows = {row["account_id"]: row for row in rows_of(result)}
    assert (rows[A]["outcome"], rows[A]["reason_code"]) == ("failed", "assume_role_failed")
    assert rows[B]["outcome"] == "changed"
    assert {call.account_id for call in emulator.calls if call.is_write} == {B}


ROLE_NAMES = [
    "arn:aws:iam::888888888888:role/Muster",
    "../Muster",
    "a/../Muster",
    "/Muster",
    "Muster/",
    "Muster*",
    "Muster?",
    "Mus ter",
    ":role/Muster",
    "a:b/Muster",
    "M" * 65,
    "",
    JINJA,
    "Müster",
    *(f"Mus{each}ter" for each in CONTROL),
    *(f"Muster{each}" for each in CONTROL),
]


@pytest.mark.parametrize("name", ROLE_NAMES, ids=ascii)
def test_role_name_that_leaves_its_place_in_the_arn_is_never_assumed(
    name: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    for service in SERVICES:
        result = run_module(f"{service}_administrator", account_ids=[A], role_name=name, administrator_id=ADMINISTRATOR)
        assert result["failed"], result
    assert "AssumeRole" not in emulator.operations() and writes(emulator) == []


# Values that are none

ACCOUNT_IDS: list[Any] = [
    JINJA,
    "",
    " ",
    "1402433619",
    1402433619,
    12345678901,
    123456789012.0,
    True,
    None,
    ["222222222222"],
    {"id": "222222222222"},
    "22222222222",
    "2222222222222",
    "-22222222222",
    "+22222222222",
    "22222222222a",
    "0x2222222222",
    "2_2222222222",
    "\u0662" * 12,  # digits, but not ours
    "\uff12" * 12,
    *(f"222222222222{each}" for each in CONTROL),
    *(f"22222{each}222222" for each in CONTROL),
]


@pytest.mark.parametrize("value", ACCOUNT_IDS, ids=ascii)
def test_account_id_that_is_none_stops_before_any_call(
    value: Any, emulator: Emulator, run_module: ModuleRunner
) -> None:
    for service in SERVICES:
        asked = [
            run_module(f"{service}_member", members=[*MEMBERS, {"account_id": value, "email": "a@example.com"}]),
            run_module(f"{service}_member", members=[{"account_id": value, "email": "a@example.com"}], state="absent"),
            run_module(f"{service}_administrator", administrator_id=value),
            run_module(f"{service}_administrator", administrator_id=OTHER, account_ids=[value], role_name="Muster"),
        ]
        assert all(result["failed"] for result in asked), asked
        # None is Ansible's word for an option that was not given, and its own log may refuse a null character.
        told = ("12 digits", "null character") if "\x00" in str(value) else ("12 digits",)
        assert value is None or all(any(text in result["msg"] for text in told) for result in asked), asked
    assert emulator.operations() == []


EMAILS = [JINJA, "a@b", "@example.com", "a b@example.com", "a@example.com\n", "a@@example.com", "é@example.com"]


@pytest.mark.parametrize("email", [*EMAILS, *(f"a{each}@example.com" for each in CONTROL)], ids=ascii)
def test_address_that_is_none_spoils_no_batch(email: str, emulator: Emulator, run_module: ModuleRunner) -> None:
    result = run_module("guardduty_member", members=[*MEMBERS[1:], {"account_id": A, "email": email}])
    assert result["failed"] and [row["account_id"] for row in result["unprocessed_accounts"]] == [A]
    assert emulator.operations() == []


@pytest.mark.parametrize("each", CONTROL, ids=ascii)
def test_contact_with_a_control_character_stops_before_any_call(
    each: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    assert run_module("securityhub_member", members=[{"account_id": A, "email": f"a{each}b"}])["failed"]
    assert emulator.operations() == []


@both_services
def test_text_of_aws_comes_back_as_it_is(service: str, emulator: Emulator, run_module: ModuleRunner) -> None:
    """A text that looks like a template, a terminal's control sequence or HTML is data."""
    switch_on(emulator, service, ADMINISTRATOR)
    text = f"{JINJA} <script> \x1b[31m %s %(x)s {{0}}"
    operation = FACTS[service].operations[Step.INVITE]
    emulator.add_fault("unprocessed", operation=operation, message=text, account_ids=list(ACCOUNTS), times=None)

    result = run_module(f"{service}_member", members=MEMBERS)

    assert {row["reason"] for row in result["members"]} == {text}
    assert {row["reason_code"] for row in result["members"]} == {"other"}
