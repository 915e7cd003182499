# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs against the same administrator: the second one acts, whole, between two calls of the first one.

Nightly that is done at every call of the first run, before it takes effect and after, so that no interleaving of two
whole steps is left to luck; the default profile takes every twenty-first of these places. Runs that really race, in two
processes, come on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.harness import ModuleRunner
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY, by_day
from ansible_collections.muster.aws.tests.trust.driver import Runs
from ansible_collections.muster.aws.tests.trust.scenes import (
    FLEET,
    REGIONS,
    SCENES,
    SERVICES,
    all_members,
    has_scene,
    members_of,
)
from ansible_collections.muster.aws.tests.trust.truth import accepted, claimed, doubles, rows_of, state_of

OTHERS = ["044444444444", "555555555555"]
RACES = 20 if IS_NIGHTLY else 2

# What the first run does, and what the second: a scene's name, or the removal of accounts that the first does not know.
PAIRS = [
    ("invite", "invite"),
    ("accept", "accept"),
    ("remove", "remove"),
    ("leave", "leave"),
    ("switch on", "switch on"),
    ("switch off", "switch off"),
    ("invite", "remove others"),
    ("remove others", "invite"),
    ("accept", "remove others"),
    ("delegate", "delegate"),
    ("revoke", "revoke"),
    ("configure", "configure"),
    ("features", "features"),
]


class Operators:
    """Two operators, and what AWS did for them."""

    def __init__(self, emulator: Emulator, run_module: ModuleRunner, service: str) -> None:
        self.emulator, self.run_module, self.service = emulator, run_module, service

    def run(self, name: str) -> dict[str, Any]:
        if name == "remove others":
            members = [{"account_id": account_id} for account_id in OTHERS]
            return self._run("{}_member", members=members, state="absent", regions=list(REGIONS))
        scene = SCENES[name]
        return self._run(scene.module_of(self.service), **scene.options_of(self.service))

    def _run(self, module: str, **options: Any) -> dict[str, Any]:
        # One conversation after the other, so that the k-th call is the same one in every run.
        return self.run_module(module.format(self.service), concurrency=1, **options)

    def prepare(self, first: str, second: str) -> None:
        self.emulator.reset()
        scenes = [SCENES[name] for name in (first, second) if name != "remove others"]
        scenes[0].prepare(self.emulator, self.service)
        if len(scenes) == 1:
            all_members("Enabled", OTHERS)(self.emulator, self.service)

    def interleave(self, first: str, second: str, k: int, moment: str) -> list[dict[str, Any]]:
        """Run the first; at its k-th call let the second run come between."""
        results: list[dict[str, Any]] = []
        seen = Counter[str]()

        def come_between(when: str, call: Call, world: object) -> None:
            if results or seen["began"]:
                return
            seen[when] += 1
            if seen[moment] == k:
                seen["began"] = 1
                results.append(self.run(second))

        self.prepare(first, second)
        self.emulator.on_call(come_between)
        own = self.run(first)
        self.emulator._dispatcher.hooks.clear()
        return [own, *results]


def claims_of(results: list[dict[str, Any]]) -> Counter[Any]:
    return Counter(claim for result in results for claim in claimed(rows_of(result)))


def wrong_claims(service: str, results: list[dict[str, Any]], calls: list[Call]) -> list[Any]:
    """What was done and is claimed by nobody, claimed by both, or claimed and was not done."""
    claims, done = claims_of(results), accepted(calls)
    wrong = [claim for claim in {*claims, *done} if claims[claim] != done[claim]]
    # Security Hub's DisassociateMembers answers nothing: two runs that send it at once both see that it happened.
    return [claim for claim in wrong if not (service == "securityhub" and claim[2] == "disassociate")]


@pytest.mark.parametrize(
    ("service", "first", "second"),
    [(service, *pair) for service in SERVICES for pair in PAIRS if has_scene(service, pair[0])],
)
def test_second_run_between_any_two_calls_of_the_first_loses_nothing_and_claims_nothing_twice(
    service: str,
    first: str,
    second: str,
    emulator: Emulator,
    run_module: ModuleRunner,
    tell: Callable[[str], None],
) -> None:
    operators = Operators(emulator, run_module, service)
    operators.prepare(first, second)
    operators.run(first)
    calls = len(emulator.calls)
    operators.run(second)
    goal = state_of(emulator)
    places = [(k, moment) for k in range(1, calls + 1) for moment in ("before", "after")]
    chosen = places if IS_NIGHTLY else places[::21]  # an odd step: both moments come up
    for k, moment in chosen:
        where = f"{moment} call {k}"
        results = operators.interleave(first, second, k, moment)
        assert [result.get("msg") for result in results] == [None, None], where
        assert state_of(emulator) == goal, where
        assert doubles(emulator.calls) == [], where
        assert wrong_claims(service, results, emulator.calls) == [], where
    tell(f"{len(chosen)} of {len(places)} interleavings of {first} and {second}")


FLOWS = ["onboard", "accept", "remove"]
RACED = list(zip(SERVICES, cycle(FLOWS), strict=False))


@pytest.fixture(scope="module")
def two_processes() -> Iterator[list[Runs]]:
    processes = [Runs(), Runs()]
    yield processes
    for process in processes:
        process.close()


@pytest.mark.parametrize(("service", "flow"), by_day(RACED, product(SERVICES, FLOWS)))
def test_runs_that_race_in_two_processes_lose_nothing_and_claim_nothing_twice(
    service: str, flow: str, emulator: Emulator, two_processes: list[Runs], tell: Callable[[str], None]
) -> None:
    common = {"service": service, "regions": list(REGIONS), "endpoint_url": emulator.url}
    arguments = {**common, "members": members_of(FLEET)}
    goal: Any = None
    shared = 0
    for race in range(RACES + 1):
        emulator.reset()
        if flow != "onboard":
            all_members({"accept": "Invited", "remove": "Enabled"}[flow], FLEET)(emulator, service)
        processes = two_processes if race else two_processes[:1]
        for process in processes:
            process.start(flow, **arguments)
        ends = [process.finish()["results"] for process in processes]
        results = [result for end in ends for result in end]
        assert [result.get("msg") for result in results] == [None] * len(results)
        goal = goal or state_of(emulator)
        assert state_of(emulator) == goal
        assert doubles(emulator.calls) == []
        assert wrong_claims(service, results, emulator.calls) == []
        shared += all(any(result["changed"] for result in end) for end in ends) if race else 0
    tell(f"{RACES} races of two processes, in {shared} of them both wrote")
