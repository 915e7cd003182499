# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL at an API call, and a second run: 60 accounts in two Regions, five of them right from the start.

The way of an organization, from nothing to features of members, is of as many accounts, none of them right; nightly it
is of 120 accounts in three Regions.

The kill at call k strikes before the emulator acts on the call, or after it did and before it answers. Calls that
other threads of the killed process had sent by then are carried out, as AWS would.
"""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY
from ansible_collections.muster.aws.tests.trust.driver import Runs
from ansible_collections.muster.aws.tests.trust.scenes import (
    DELEGATING,
    FLEET,
    MANAGEMENT,
    REGIONS,
    SERVICES,
    members_of,
    organization,
)
from ansible_collections.muster.aws.tests.trust.truth import accepted, doubles, lies_in, state_of

RIGHT = FLEET[::12]
IN_ORGANIZATION = [*FLEET, *(f"3333333333{number:02}" for number in range(60))] if IS_NIGHTLY else FLEET
IN_REGIONS = [*REGIONS, "eu-west-1"] if IS_NIGHTLY else [*REGIONS]

# How many calls the default profile strikes, evenly spread over the run. Nightly strikes every call.
SPREAD = {"onboard": 3, "remove": 2, "accept": 2, "organization": 3}


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    runs = Runs()
    yield runs
    runs.close()


class Killer:
    """Kills a process at its k-th call."""

    def __init__(self, emulator: Emulator, k: int, moment: str) -> None:
        self._emulator, self._k, self._moment = emulator, k, moment
        self._lock = threading.Lock()
        self._calls = self._under_way = 0
        self._has_pid = threading.Event()
        self._pid = 0
        self._struck: int | None = None

    def aim_at(self, pid: int) -> None:
        self._pid = pid
        self._has_pid.set()

    def __call__(self, moment: str, call: Call, world: object) -> None:
        with self._lock:
            if moment == "before":
                self._calls += 1
                self._under_way += 1
                if self._calls == self._k:
                    self._struck = call.index
            is_struck = call.index == self._struck and moment == self._moment
            if moment == "after" or (is_struck and moment == "before"):
                self._under_way -= 1
        if is_struck:
            self._has_pid.wait()
            os.kill(self._pid, signal.SIGKILL)
            if moment == "before":
                call.fault = "reset_before"
                raise ConnectionAbortedError("killed before the effect")

    def settle(self) -> None:
        """Wait until the emulator has done what it had been sent."""
        seen = -1
        while self._under_way or seen != self._calls:
            seen = self._calls
            time.sleep(0.02)


def prepare(emulator: Emulator, flow: str, service: str) -> None:
    emulator.reset()
    if flow == "organization":
        organization(MANAGEMENT, account_ids=IN_ORGANIZATION)(emulator, service)
        emulator.seed({"caller": ADMINISTRATOR})
        return
    status = {"onboard": None, "accept": "Invited", "remove": "Enabled"}[flow]
    for region in REGIONS:
        for account_id in FLEET:
            emulator.set_member(
                service, region, ADMINISTRATOR, account_id, "Enabled" if account_id in RIGHT else status
            )
        if flow == "remove":
            for account_id in RIGHT:
                emulator.set_member(service, region, ADMINISTRATOR, account_id, None)


def points(flow: str, calls: int) -> list[tuple[int, str]]:
    """Return where to strike: the number of the call, and whether before or after its effect, in turn."""
    count = calls if IS_NIGHTLY else min(calls, SPREAD[flow])
    indices = [1 + round(step * (calls - 1) / (count - 1)) for step in range(count)]
    return [(k, ("after", "before")[number % 2]) for number, k in enumerate(indices)]


@pytest.mark.parametrize(
    ("service", "flow"),
    [(service, flow) for service in SERVICES for flow in SPREAD if flow != "organization" or service in DELEGATING],
)
def test_killed_run_is_finished_by_the_next_one(
    service: str, flow: str, emulator: Emulator, runs: Runs, tell: Callable[[str], None]
) -> None:
    fleet, regions = (IN_ORGANIZATION, IN_REGIONS) if flow == "organization" else (FLEET, list(REGIONS))
    right = set() if flow == "organization" else set(RIGHT)

    def begin() -> int:
        return runs.start(
            flow,
            service=service,
            members=members_of(fleet),
            regions=regions,
            endpoint_url=emulator.url,
            concurrency=16,
        )

    def run() -> list[dict[str, Any]]:
        begin()
        ended = runs.finish()
        assert ended["signal"] == 0
        assert not [result for result in ended["results"] if result.get("failed")], ended["results"]
        results: list[dict[str, Any]] = ended["results"]
        return results

    prepare(emulator, flow, service)
    start = copy.deepcopy((emulator.world._homes, emulator.world.organization))
    run()
    goal, calls = state_of(emulator), len(emulator.calls)
    assert not {each for _region, each, _step in accepted(emulator.calls)} & right
    killed = 0
    for k, moment in points(flow, calls):
        emulator.reset()
        with emulator.lock:
            emulator.world._homes, emulator.world.organization = copy.deepcopy(start)
        killer = Killer(emulator, k, moment)
        emulator.on_call(killer)
        killer.aim_at(begin())
        ended = runs.finish()
        killer.settle()
        emulator._dispatcher.hooks.clear()
        # Threads make the number of calls differ by a few from run to run: the last ones may never come.
        assert ended["signal"] == signal.SIGKILL or k > calls - 16, k
        killed += ended["signal"] == signal.SIGKILL
        first, before = emulator.calls, state_of(emulator)
        emulator.clear_calls()
        results = run()
        where = f"killed {moment} call {k}"
        assert state_of(emulator) == goal, where
        assert doubles(first + emulator.calls) == [], where
        assert not {each for _region, each, _step in accepted(first + emulator.calls)} & right, where
        if len(results) == 1:
            assert lies_in(results[0], before, goal, emulator.calls) == [], where
    tell(f"{killed} runs killed, at as many of {calls} calls, by turns before and after the effect")
