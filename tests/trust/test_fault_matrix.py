# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every API operation x every fault, as data. One test plays them all; see :data:`FAULTS` and ``scenes.PLACES``.

The fault strikes one conversation: the administrator in the first Region, or the first account in the first Region.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.emulator.state import World
from ansible_collections.muster.aws.tests.harness import ModuleRunner, TestTime
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY
from ansible_collections.muster.aws.tests.trust.scenes import (
    ACCOUNTS,
    FACTS,
    GUARDDUTY,
    PLACES,
    READ_MEMBERS,
    REGIONS,
    SCENES,
    SECURITYHUB,
    SERVICES,
    A,
    Place,
    has_scene,
)
from ansible_collections.muster.aws.tests.trust.truth import State, doubles, lies_in, rows_of, state_of

# The bounds that every cell keeps, whatever goes wrong: requests, and seconds slept by the test's clock.
MOST_CALLS = 150
MOST_SECONDS = 240

# Long enough for a loaded machine, short enough for many cells.
READ_TIMEOUT = 0.4

# The operations whose answer has a verdict for each account.
BATCHES = {
    "GetMembers",
    "CreateInvitations",
    "CreateMembers",
    "InviteMembers",
    "DisassociateMembers",
    "DeleteMembers",
    "StartMonitoringMembers",
    "StopMonitoringMembers",
    "GetMemberDetectors",
    "UpdateMemberDetectors",
}


EXPIRY = "token expired in the middle"


@dataclass(frozen=True)
class Fault:
    """A row of the matrix.

    :param rule: The emulator's fault: what it does for an operation of a service.
    :param is_absorbed: Whether the run succeeds all the same, as if nothing had been.
    :param says: What the operator reads besides account, Region and operation: AWS's code and text.
    :param left_out: Why there is no such cell, ``None`` where there is one.
    """

    name: str
    rule: Callable[[Place], Mapping[str, Any]]
    is_absorbed: Callable[[Place], bool] | bool = False
    says: tuple[str, ...] = ()
    left_out: Callable[[Place], str | None] = lambda place: None

    def absorbs(self, place: Place) -> bool:
        return self.is_absorbed if isinstance(self.is_absorbed, bool) else self.is_absorbed(place)


def error(code: str, status: int, message: str, times: int | None = None) -> dict[str, Any]:
    return {"kind": "error", "code": code, "status": status, "message": message, "times": times}


def is_of_one_account(place: Place) -> bool:
    """A read of one account's record that AWS fails for: the full list has it."""
    return place.operation == "GetMember"


def is_settled_by_reading(place: Place) -> bool:
    """A write whose answer is lost for good: the state read afterwards decides."""
    return place.is_write or is_of_one_account(place)


def is_read_otherwise(place: Place) -> bool:
    """A read that does not know an account: the full list does."""
    return place.operation in READ_MEMBERS.values()


def is_json(place: Place) -> bool:
    """An answer that is no JSON is asked for again; STS speaks XML, of which botocore makes an error at once."""
    return place.service != "sts"


def throttle(place: Place, times: int | None) -> dict[str, Any]:
    code = "Throttling" if place.service == "sts" else "TooManyRequestsException"
    return error(code, 400 if place.service == "sts" else 429, "Rate exceeded", times)


def other_throttle(place: Place, times: int | None) -> dict[str, Any]:
    # GuardDuty's generic one; the one that Security Hub models, and also sends for its quotas.
    code, status = {GUARDDUTY: ("ThrottlingException", 400), SECURITYHUB: ("LimitExceededException", 429)}.get(
        place.service, ("ThrottlingException", 400)
    )
    return error(code, status, "Too Many Requests", times)


def denied(place: Place, why: str) -> dict[str, Any]:
    code = "AccessDenied" if place.service == "sts" else "AccessDeniedException"
    text = f"User: arn:aws:sts::{A}:assumed-role/Muster/muster is not authorized to perform: {place.operation} {why}"
    return error(code, 403, text)


def only_for_batches(place: Place) -> str | None:
    if place.operation not in BATCHES or (place.service, place.operation) == (SECURITYHUB, "DisassociateMembers"):
        return "the answer of this operation has no list of unprocessed accounts"
    return None


def only_own(place: Place) -> str | None:
    return None if place.is_regional else "STS and Organizations have no empty BadRequestException"


def only_late_writes(place: Place) -> str | None:
    if not place.is_write:
        return "a read has nothing to show late"
    if not place.is_regional:
        return "no source says that Organizations shows trusted access late"
    if place.scene in ("switch on", "set", "switch off") or place.operation in ("CreateDetector", "EnableSecurityHub"):
        return "no source says that AWS shows a detector or hub late, and these modules have no wait"
    return None


FAULTS = [
    Fault("throttled once", lambda p: throttle(p, 1), True),
    Fault("throttled once, the other code", lambda p: other_throttle(p, 1), True),
    Fault("throttled for ever", lambda p: throttle(p, None), says=("Rate exceeded",)),
    Fault("throttled for ever, the other code", lambda p: other_throttle(p, None), says=("Too Many Requests",)),
    Fault("500 once", lambda p: {"kind": "http_500"}, True),
    Fault(
        "500 for ever",
        lambda p: {"kind": "http_500", "times": None},
        is_of_one_account,
        ("Internal", "Internal server error."),
    ),
    Fault("reset before the effect, once", lambda p: {"kind": "reset_before"}, True),
    Fault(
        "reset before the effect, for ever",
        lambda p: {"kind": "reset_before", "times": None},
        is_of_one_account,
        ("Connection",),
    ),
    Fault("reset after the effect, once", lambda p: {"kind": "reset_after"}, True),
    Fault(
        "reset after the effect, for ever",
        lambda p: {"kind": "reset_after", "times": None},
        is_settled_by_reading,
        ("Connection",),
    ),
    Fault("read timeout after the effect", lambda p: {"kind": "timeout_after", "seconds": 3}, True),
    Fault(
        "empty BadRequestException once", lambda p: error("BadRequestException", 400, "", 1), True, left_out=only_own
    ),
    Fault(
        "empty BadRequestException for ever",
        lambda p: error("BadRequestException", 400, ""),
        is_of_one_account,
        ("BadRequestException",),
        left_out=only_own,
    ),
    Fault("malformed body once", lambda p: {"kind": "malformed"}, is_json, ("could not be read",)),
    Fault(
        "malformed body for ever",
        lambda p: {"kind": "malformed", "times": None},
        is_settled_by_reading,
        ("could not be read",),
    ),
    Fault(
        EXPIRY,
        lambda p: error("ExpiredTokenException", 403, "The security token included in the request is expired"),
        says=("ExpiredTokenException", "is expired"),
    ),
    Fault(
        "denied by IAM",
        lambda p: denied(p, "because no identity-based policy allows the action"),
        says=("AccessDenied", "no identity-based policy"),
    ),
    Fault(
        "denied by an SCP",
        lambda p: denied(p, "with an explicit deny in a service control policy"),
        says=("AccessDenied", "service control policy"),
    ),
    Fault(
        "Region off",
        lambda p: error("UnrecognizedClientException", 403, "The security token included in the request is invalid."),
        says=("UnrecognizedClientException",),
    ),
    Fault(
        "200 with an unprocessed account, once",
        lambda p: {"kind": "unprocessed", "account_ids": [A]},
        True,
        left_out=only_for_batches,
    ),
    Fault(
        "200 with an unprocessed account, for ever",
        lambda p: {"kind": "unprocessed", "account_ids": [A], "times": None},
        is_read_otherwise,
        ("Internal error",),
        left_out=only_for_batches,
    ),
    Fault(
        "200 with an unprocessed account, unknown text",
        lambda p: {"kind": "unprocessed", "account_ids": [A], "times": None, "message": "Not on a Sunday."},
        is_read_otherwise,
        ("Not on a Sunday.",),
        left_out=only_for_batches,
    ),
    Fault("the effect shows 3 s late", lambda p: {"kind": "late"}, True, left_out=only_late_writes),
]

CELLS = [(place, fault) for place in PLACES for fault in FAULTS if fault.left_out(place) is None]
# Of each place every sixteenth fault, and of each fault every sixteenth place; nightly all of them.
PLAYED = [
    (place, fault) for place, fault in CELLS if IS_NIGHTLY or (PLACES.index(place) + FAULTS.index(fault)) % 16 == 0
]


class LateReads:
    """AWS as it sometimes is: for some seconds after a write, every read is told the state before it."""

    def __init__(self, emulator: Emulator, place: Place, seconds: float) -> None:
        self._emulator = emulator
        self._place = place
        self._seconds = seconds
        self._old: Any = None
        self._real: Any = None
        self._until = 0.0

    def __call__(self, moment: str, call: Call, world: World) -> None:
        is_struck = (call.service, call.operation, call.region) == (
            self._place.service,
            self._place.operation,
            REGIONS[0],
        )
        with self._emulator.lock:
            if is_struck and moment == "before" and self._old is None:
                self._old = copy.deepcopy((world._homes, world.organization))
            elif is_struck and moment == "after" and not self._until:
                self._until = world.now() + self._seconds
            elif not call.is_write and call.region == REGIONS[0] and call.service != "sts":
                self._swap(moment, world)

    def _swap(self, moment: str, world: World) -> None:
        if moment == "before" and world.now() < self._until:
            self._real = world._homes, world.organization
            world._homes, world.organization = self._old
        elif moment == "after" and self._real is not None:
            world._homes, world.organization = self._real
            self._real = None


class Cell:
    """One play: the scene, the fault in it, and what came of both."""

    def __init__(self, emulator: Emulator, run_module: ModuleRunner, clock: TestTime, place: Place) -> None:
        self.emulator, self.run_module, self.clock, self.place = emulator, run_module, clock, place
        self.scene, self.service = SCENES[place.scene], place.module_service
        self.options: dict[str, Any] = {}
        self.result: dict[str, Any] = {}
        self.calls: list[Call] = []
        self.before: State = {}
        self.after: State = {}
        self.seconds = 0.0

    def set_up(self) -> None:
        self.emulator.reset()
        self.scene.prepare(self.emulator, self.service)

    def play(self) -> dict[str, Any]:
        self.emulator.clear_calls()
        self.before, started = state_of(self.emulator), self.clock.slept
        self.result = self.run_module(self.scene.module_of(self.service), **self.options_in_use)
        self.calls, self.after = self.emulator.calls, state_of(self.emulator)
        self.seconds = self.clock.slept - started
        return self.result

    def strike(self, fault: Fault) -> None:
        place, rule = self.place, dict(fault.rule(self.place))
        if rule["kind"] == "late":
            # One conversation after the other: a read is then told an old state by nobody else's hand.
            self.options["concurrency"] = 1
            self.emulator.on_call(LateReads(self.emulator, place, 3))
            return
        if rule["kind"] == "timeout_after":
            self.options["aws_config"] = {"read_timeout": READ_TIMEOUT}
        caller = A if self.scene.is_member_side and place.is_regional else self.scene.caller
        where = {"service": place.service, "account_id": caller}
        if place.is_regional:
            where["region"] = REGIONS[0]
        self.emulator.add_fault(**rule, **where, operation=place.operation, after=place.nth - 1)
        if fault.name == EXPIRY:
            # One conversation after the other: the struck call is then the first to meet the expiry.
            self.options["concurrency"] = 1
            self._expire_all(caller, rule)

    def _expire_all(self, caller: str, rule: Mapping[str, Any]) -> None:
        """A token that has expired has done so for all operations and Regions."""

        def expire(moment: str, call: Call, world: World) -> None:
            if moment == "after" and call.fault == "error" and not expired:
                expired.append(True)
                self.emulator.add_fault(**rule, account_id=caller)

        expired: list[bool] = []
        self.emulator.on_call(expire)

    def lift(self) -> None:
        self.emulator.clear_faults()
        self.emulator._dispatcher.hooks.clear()
        self.emulator.advance(10)

    # What is told

    @property
    def options_in_use(self) -> dict[str, Any]:
        return {**self.scene.options_of(self.service), **self.options}

    @property
    def struck(self) -> set[tuple[str, str]] | None:
        """The rows that the fault may spoil; ``None`` where it may spoil all (STS, Organizations)."""
        if not self.place.is_regional:
            return None
        rows = {(row["region"], row["account_id"]) for row in rows_of(self.result)}
        return {row for row in rows if row[0] == REGIONS[0] and (not self.scene.is_member_side or row[1] == A)}

    def failures(self) -> list[dict[str, Any]]:
        return list(self.result["unprocessed_accounts"])


UNDISTURBED: dict[tuple[str, str], tuple[dict[str, Any], State]] = {}


def undisturbed(cell: Cell) -> tuple[dict[str, Any], State]:
    """The result of the scene without a fault, and the state it leads to: the goal."""
    key = (cell.scene.name, cell.service)
    if key not in UNDISTURBED:
        cell.set_up()
        result = cell.play()
        assert not result.get("failed"), result
        UNDISTURBED[key] = (result, cell.after)
    return UNDISTURBED[key]


def outcome_of(result: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (row["region"], row["account_id"]): (row["outcome"], row.get("status"), actions_of(row))
        for row in rows_of(result)
    }


def actions_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was done for the row's Region: trusted access is of none, and any Region's row may tell of it."""
    return tuple(step for step in row["actions"] if step != Step.ENABLE_SERVICE_ACCESS.value)


@pytest.mark.parametrize(("place", "fault"), [pytest.param(*cell, id=f"{cell[0]}: {cell[1].name}") for cell in PLAYED])
def test_fault_in_any_call_is_absorbed_or_told_and_mended_by_a_second_run(
    place: Place, fault: Fault, emulator: Emulator, run_module: ModuleRunner, clock: TestTime
) -> None:
    cell = Cell(emulator, run_module, clock, place)
    expected, goal = undisturbed(cell)
    cell.set_up()
    cell.strike(fault)

    result = cell.play()

    first_calls = cell.calls
    assert place.service == "sts" or any(call.fault for call in first_calls) or "late" in fault.name
    assert len(cell.calls) <= MOST_CALLS and cell.seconds <= MOST_SECONDS, (len(cell.calls), cell.seconds)
    assert lies_in(result, cell.before, cell.after, cell.calls) == [], result
    if fault.absorbs(place):
        assert not result.get("failed"), result["msg"]
        assert outcome_of(result) == outcome_of(expected)
        assert cell.after == goal
    else:
        assert_told(cell, fault, result)
        assert_others_are_true(cell, fault, result, expected)
    # Without the fault, a second run ends in the goal.
    cell.lift()
    cell.options.pop("aws_config", None)
    again = cell.play()
    assert not again.get("failed"), again["msg"]
    assert lies_in(again, cell.before, cell.after, cell.calls) == [], again
    assert cell.after == goal
    assert doubles(first_calls + cell.calls) == []


def assert_told(cell: Cell, fault: Fault, result: Mapping[str, Any]) -> None:
    """The operator is told account, Region, operation, AWS's code and text."""
    place = cell.place
    assert result.get("failed") is True
    told = [place.operation, *fault.says]
    if place.operation == "GetCallerIdentity":
        # Where the first Region is off, another one's STS has the last word.
        region = REGIONS[1] if fault.name == "Region off" else REGIONS[0]
        assert all(text in result["msg"] for text in [*told, region]), result["msg"]
        return
    failures = [row for row in cell.failures() if place.operation == row["operation"]]
    assert failures, (cell.failures(), result["msg"])
    for row in failures:
        said = f"{row['operation']}: {row['reason']}"
        assert all(text in said for text in told), row
        assert f"{row['account_id']} in {row['region']}" in result["msg"]
        assert row["reason"] in result["msg"]
    if fault.name == EXPIRY:
        # Whatever was asked with the same token later on.
        assert all(text in row["reason"] for row in cell.failures() for text in fault.says)
    elif cell.struck is not None:
        assert {(row["region"], row["account_id"]) for row in cell.failures()} <= cell.struck


def assert_others_are_true(cell: Cell, fault: Fault, result: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Rows of other accounts and Regions are as if nothing had been."""
    struck = cell.struck
    if struck is None or (fault.name == EXPIRY and not cell.scene.is_member_side):
        return
    of_a_only = fault.name == EXPIRY
    found, wanted = outcome_of(result), outcome_of(expected)
    # A purge has no row for an account that was not listed and could not be read.
    assert found.keys() <= wanted.keys() and wanted.keys() - found.keys() <= struck | set(unlisted(cell))
    for place in found:
        if place not in struck and not (of_a_only and place[1] == A):
            assert found[place] == wanted[place], place


def unlisted(cell: Cell) -> list[tuple[str, str]]:
    listed = {row["account_id"] for row in cell.options_in_use.get("members", ())}
    return [(REGIONS[0], each) for each in ACCOUNTS if listed and each not in listed]


# The matrix itself


def test_matrix_covers_every_operation_that_the_collection_calls(
    emulator: Emulator, run_module: ModuleRunner, clock: TestTime
) -> None:
    logged: set[tuple[str, str]] = set()
    for service in SERVICES:
        for scene in SCENES.values():
            if not has_scene(service, scene.name):
                continue
            cell = Cell(emulator, run_module, clock, Place(service, "", scene.name))
            cell.set_up()
            result = cell.play()
            assert not result.get("failed"), result
            assert lies_in(result, cell.before, cell.after, cell.calls) == []
            logged |= {(call.service, call.operation) for call in cell.calls}
    covered = {(place.service, place.operation) for place in PLACES}
    assert covered == logged
    steps = {(service, operation) for service in SERVICES for operation in FACTS[service].operations.values()}
    assert steps <= covered


def test_matrix_in_figures(tell: Callable[[str], None]) -> None:
    left_out = Counter(reason for place in PLACES for fault in FAULTS if (reason := fault.left_out(place)))
    operations = {(place.service, place.operation) for place in PLACES}
    assert len(CELLS) + sum(left_out.values()) == len(PLACES) * len(FAULTS)
    tell(
        f"{len(operations)} operations at {len(PLACES)} places x {len(FAULTS)} faults: {len(CELLS)} cells, "
        f"{len(PLAYED)} of them played here; "
        f"at most {MOST_CALLS} calls and {MOST_SECONDS} s slept in each"
    )
    for reason, count in sorted(left_out.items()):
        tell(f"{count} cells left out: {reason}")
