# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What offboard asks for, in which accounts it switches a service off, and what it tells of each account."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._offboard import offboard_batch
from ansible_collections.muster.aws.tests.canned import CannedWork, failed_row, module_row, refused_result, result_of

ADMINISTRATOR, OTHER = "111111111111", "999999999999"
SEARCH, PAYMENTS = "012345678901", "222222222222"
EAST, WEST = "us-east-1", "us-west-2"
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "administrator_id": ADMINISTRATOR,
        "regions": [EAST],
        "concurrency": 7,
        "via": "invitation",
        "member_role_name": "Member",
        "external_id": "secret",
        "wait_timeout": 60,
        "state": "absent",
        "disable_services": True,
    }
)
LEFT = MappingProxyType(
    {"previous_status": "Enabled", "actions": ["disassociate", "delete"], "outcome": "changed", "status": None}
)
FREE = module_row()
SWITCHED_OFF = module_row(previous_status="ENABLED", actions=["disable_service"], outcome="changed")


def offboard(
    *answers: tuple[str, Mapping[str, Any]],
    accounts: Mapping[str, str] = MappingProxyType({"search": SEARCH}),
    is_check: bool = False,
    **options: Any,
) -> tuple[CannedWork, dict[str, Any]]:
    """Offboard accounts from GuardDuty; a module that is not answered must not be asked."""
    work = CannedWork(*((f"guardduty_{kind}", answer) for kind, answer in answers), is_check=is_check)
    rows = [{"account_id": account_id, "email": None} for account_id in sorted(accounts.values())]
    batch = {"accounts": accounts, "members": {"guardduty": rows}, "faults": {host: {} for host in accounts}}
    return work, offboard_batch(work, {**OPTIONS, **options}, batch)


def side_of(administrator_id: str | None, status: str | None, **given: Any) -> dict[str, Any]:
    """Return a row of what an account says about its administrator."""
    return module_row(administrator_id=administrator_id, status=status, **given)


def left(**given: Any) -> dict[str, Any]:
    return module_row(**{**LEFT, **given})


def test_accounts_leave_then_are_looked_into_then_the_service_goes_off_region_by_region() -> None:
    places = [(region, account_id) for region in (WEST, EAST) for account_id in (SEARCH, PAYMENTS)]
    work, done = offboard(
        ("member", result_of("members", *(left(region=region, account_id=each) for region, each in places))),
        ("administrator_info", result_of("administrators", *(module_row(each, region) for region, each in places))),
        ("detector", result_of("detectors", *({**SWITCHED_OFF, "account_id": SEARCH, "region": EAST},))),
        ("detector", result_of("detectors", *({**SWITCHED_OFF, "account_id": SEARCH, "region": WEST},))),
        accounts={"search": SEARCH, "payments": PAYMENTS},
        regions=[WEST, EAST],
    )
    entry = {"role_name": "Member", "external_id": "secret", "concurrency": 7}
    both = [SEARCH, PAYMENTS]
    assert work.asked == [
        (
            "guardduty_member",
            {
                "members": [{"account_id": SEARCH}, {"account_id": PAYMENTS}],
                "state": "absent",
                "via": "invitation",
                "wait_timeout": 60,
                "regions": [WEST, EAST],
                "concurrency": 7,
            },
        ),
        ("guardduty_administrator_info", {"account_ids": both, "regions": [WEST, EAST], **entry}),
        ("guardduty_detector", {"state": "absent", "account_ids": both, "regions": [EAST], **entry}),
        ("guardduty_detector", {"state": "absent", "account_ids": both, "regions": [WEST], **entry}),
    ]
    assert work.told == ["GuardDuty: 2 accounts to look into before it goes off"]
    assert done["hosts"]["search"]["text"] == (
        "GuardDuty in all 2 Regions: absent now: disassociate, delete, disable_service"
    )
    # The modules did not tell of payments, which is no reason to call it done.
    assert done["hosts"]["payments"]["failed"]


def test_administrator_that_was_named_is_told_to_stay() -> None:
    skipped = module_row(ADMINISTRATOR, outcome="skipped", reason_code="is_administrator")
    _work, done = offboard(
        ("member", result_of("members", left(), skipped)),
        disable_services=False,
        accounts={"search": SEARCH, "itself": ADMINISTRATOR},
    )
    assert done["notes"] == ["itself is the administrator itself, and stays as it is"]


def test_service_stays_on_where_nobody_asked_for_its_end() -> None:
    work, done = offboard(("member", result_of("members", left())), disable_services=False)
    assert work.modules == ["guardduty_member"] and work.told == []
    assert done["rows"] == [
        {
            "host": "search",
            "service": "guardduty",
            "region": EAST,
            "account_id": SEARCH,
            "status": "absent",
            "previous_status": "Enabled",
            "actions": ["disassociate", "delete"],
            "failed": False,
            "reason_code": None,
            "operation": None,
            "reason": None,
        }
    ]


def test_nothing_is_asked_for_without_an_account() -> None:
    work, done = offboard(accounts={})
    assert work.asked == [] and done == {"hosts": {}, "rows": [], "notes": []}


@pytest.mark.parametrize(
    ("member", "side", "is_off"),
    [
        (left(), side_of(None, None), True),
        (module_row(), side_of(None, None), True),
        # Check mode, and AWS where it is late, still show the administrator that is left.
        (left(), side_of(ADMINISTRATOR, "Enabled"), True),
        # An invitation of somebody else's, or a membership that has ended, holds nobody.
        (left(), side_of(OTHER, "Invited"), True),
        (left(), side_of(OTHER, "Resigned"), True),
        (left(), side_of(OTHER, "Removed"), True),
        (left(), side_of(OTHER, "Enabled"), False),
        (left(), side_of(OTHER, "Disabled"), False),
        (left(), side_of(OTHER, "SomethingNew"), False),
        (left(), failed_row("access_denied", "no", "GetAdministratorAccount"), False),
        # No failure, and yet nothing was read.
        (left(), side_of(None, None, reason_code="service_not_enabled", reason="off"), False),
        (left(), side_of(None, None, account_id=PAYMENTS), False),
        (failed_row("internal_error", "broken", status="Enabled"), side_of(None, None), False),
        (module_row(outcome="timed_out", reason_code="timed_out", reason="late"), side_of(None, None), False),
        # The administrator itself: its own service stays.
        (module_row(outcome="skipped", reason_code="is_administrator"), side_of(None, None), False),
    ],
    ids=[
        "left",
        "gone before",
        "left and still shown",
        "invited by another",
        "resigned from another",
        "removed by another",
        "member of another",
        "suspended member of another",
        "held with an unknown status",
        "could not be looked into",
        "off already",
        "not looked into",
        "not left",
        "not seen to have left",
        "the administrator itself",
    ],
)
def test_service_goes_off_only_in_accounts_that_left_and_are_held_by_nobody(member, side, is_off) -> None:
    work, _done = offboard(
        ("member", result_of("members", member)),
        ("administrator_info", result_of("administrators", side)),
        ("detector", result_of("detectors", SWITCHED_OFF)),
    )
    assert ("guardduty_detector" in work.modules) is is_off


def left_on(reason: str) -> tuple[Any, ...]:
    """Return what is told of an account that left, and in which nobody could switch the service off."""
    return "absent", ["disassociate", "delete"], True, "other", None, reason


OF_OTHER = "the service was left on: the account is a member of 999999999999 (status Enabled)"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", result_of("administrators", side_of(OTHER, "Enabled"))),
            ],
            ("absent", ["disassociate", "delete"], True, "member_of_other_administrator", None, OF_OTHER),
        ),
        (
            [
                ("member", result_of("members", left())),
                (
                    "administrator_info",
                    result_of("administrators", failed_row("assume_role_failed", "No role", "AssumeRole")),
                ),
            ],
            ("absent", ["disassociate", "delete"], True, "assume_role_failed", "AssumeRole", "No role"),
        ),
        (
            [
                ("member", result_of("members", failed_row("access_denied", "no", "DeleteMembers", status="Removed"))),
                (
                    "administrator_info",
                    result_of("administrators", failed_row("assume_role_failed", "No role", "AssumeRole")),
                ),
            ],
            ("Removed", [], True, "access_denied", "DeleteMembers", "no"),
        ),
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", refused_result("no credentials")),
            ],
            left_on("the service was left on: no credentials"),
        ),
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", result_of("administrators", module_row(PAYMENTS))),
            ],
            left_on("the service was left on: nobody could look into the account"),
        ),
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", result_of("administrators", side_of(ADMINISTRATOR, "Enabled"))),
                ("detector", refused_result("no credentials")),
            ],
            left_on("the service was left on: no credentials"),
        ),
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", result_of("administrators", side_of(OTHER, "Invited"))),
                ("detector", refused_result("no credentials")),
            ],
            left_on("the service was left on: no credentials"),
        ),
        (
            [
                ("member", result_of("members", left())),
                ("administrator_info", result_of("administrators", FREE)),
                ("detector", result_of("detectors", failed_row("access_denied", "no", "DeleteDetector"))),
            ],
            ("absent", ["disassociate", "delete"], True, "access_denied", "DeleteDetector", "no"),
        ),
        (
            [
                ("member", result_of("members", module_row())),
                (
                    "administrator_info",
                    result_of("administrators", side_of(None, None, reason_code="service_not_enabled")),
                ),
            ],
            ("absent", [], False, None, None, None),
        ),
        (
            [
                (
                    "member",
                    result_of(
                        "members",
                        module_row(outcome="skipped", reason_code="is_administrator", reason="the administrator"),
                    ),
                ),
                ("administrator_info", result_of("administrators", FREE)),
            ],
            ("absent", [], False, "is_administrator", None, "the administrator"),
        ),
        ([("member", refused_result("no credentials")), ("administrator_info", {})], "no credentials"),
        ([("member", {}), ("administrator_info", {})], "the account was not reached"),
    ],
    ids=[
        "held by another",
        "role cannot be assumed",
        "the first failure counts",
        "looking failed as a whole",
        "nobody looked",
        "switching off failed as a whole where AWS is late",
        "switching off failed as a whole where another has invited",
        "switching off was refused",
        "off already",
        "the administrator itself",
        "leaving failed as a whole",
        "no module tells of the account",
    ],
)
def test_verdict_tells_whether_the_account_left_and_why_the_service_stays(answers, expected) -> None:
    _work, done = offboard(*answers)
    [row] = done["rows"]
    if isinstance(expected, str):  # of this account nothing is known
        expected = (None, [], True, "other", None, expected)
    names = ("status", "actions", "failed", "reason_code", "operation", "reason")
    assert tuple(row[name] for name in names) == expected
    assert done["hosts"]["search"]["failed"] is row["failed"]


def test_next_step_of_a_member_s_row_is_told_with_it() -> None:
    said = module_row(outcome="skipped", reason_code="is_administrator", reason="itself", next_step="take it off")
    _work, done = offboard(("member", result_of("members", said)), disable_services=False)
    assert done["rows"][0]["next_step"] == "take it off"


@pytest.mark.parametrize(
    ("is_check", "text"),
    [
        (False, "GuardDuty in us-east-1: absent now: disassociate, delete"),
        (True, "GuardDuty in us-east-1: would become absent: disassociate, delete"),
    ],
)
def test_check_mode_says_would(is_check: bool, text: str) -> None:
    _work, done = offboard(("member", result_of("members", left())), disable_services=False, is_check=is_check)
    assert done["hosts"]["search"] == {
        "changed": True,
        "failed": False,
        "text": text,
        "diff": {
            "before": {"guardduty/us-east-1/012345678901": "Enabled"},
            "after": {"guardduty/us-east-1/012345678901": "absent"},
        },
    }


def test_hint_of_a_failure_names_offboard_s_own_variables() -> None:
    failed = failed_row("assume_role_failed", "No role", "AssumeRole")
    _work, done = offboard(
        ("member", result_of("members", left())), ("administrator_info", result_of("administrators", failed))
    )
    assert "check offboard_member_role_name" in done["hosts"]["search"]["text"]
