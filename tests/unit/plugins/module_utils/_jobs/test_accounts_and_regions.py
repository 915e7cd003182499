# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import cast

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import Cloud, Role
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Api
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Pause, Walk
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._targets import Target, Targets, split_problems
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    EAST,
    ROLE,
    WEST,
    Place,
    StandIn,
    session_of,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
    FakeClock,
    failure,
)

DENIED = failure(Reason.ASSUME_ROLE_FAILED, "Not you.", "AccessDenied")
SILENT = failure(Reason.REGION_UNAVAILABLE, "No answer.", "ConnectTimeoutError")


def targets_of(
    cloud: StandIn,
    *account_ids: str,
    regions: tuple[str, ...] = (WEST, EAST),
    role: Role | None = ROLE,
    concurrency: int = 1,
) -> Targets:
    return Targets(cast(Cloud, cloud), GUARDDUTY, regions, account_ids, role, concurrency)


def see(target: Target, api: Api) -> tuple[Target, Api]:
    return target, api


def seen(target: Target, session: object) -> tuple[Target, Place]:
    return target, Place(GUARDDUTY, target.region, target.account_id, session)


def test_targets_are_all_accounts_of_one_region_before_those_of_the_next() -> None:
    targets = targets_of(StandIn(), B, A)
    assert targets.all == [Target(EAST, A), Target(EAST, B), Target(WEST, A), Target(WEST, B)]


def test_run_enters_each_account_once_and_the_callers_own_not_at_all() -> None:
    cloud = StandIn()
    targets = targets_of(cloud, A, ADMINISTRATOR)

    found = targets.run(see, targets.all)

    sessions = {A: session_of(A), ADMINISTRATOR: None}
    assert list(found.items()) == [(target, seen(target, sessions[target.account_id])) for target in targets.all]
    assert cloud.assumed == [(A, ROLE, EAST)]
    assert targets.run(see, targets.all[:1]) == {targets.all[0]: seen(targets.all[0], session_of(A))}
    assert cloud.assumed == [(A, ROLE, EAST)]


def test_run_without_a_role_acts_as_the_caller() -> None:
    cloud = StandIn()
    target = Target(EAST, A)
    assert targets_of(cloud, A, role=None).run(see, [target]) == {target: seen(target, None)}
    assert cloud.assumed == []


def test_run_for_nobody_finds_nothing() -> None:
    assert targets_of(StandIn(), A).run(see, []) == {}


def test_run_where_a_role_is_refused_asks_for_it_once_and_reaches_the_other_account() -> None:
    cloud = StandIn(shut={(A, EAST): DENIED})
    targets = targets_of(cloud, A, B)

    found = targets.run(see, targets.all)

    problem = Problem(Reason.ASSUME_ROLE_FAILED, "AccessDenied: Not you.", "SomeOperation")
    assert found == {
        Target(region, account_id): problem if account_id == A else seen(Target(region, B), session_of(B))
        for region in (EAST, WEST)
        for account_id in (A, B)
    }
    assert cloud.assumed == [(A, ROLE, EAST), (B, ROLE, EAST)]


def test_run_where_a_region_is_silent_asks_the_next_for_the_role() -> None:
    cloud = StandIn(shut={(A, EAST): SILENT})
    targets = targets_of(cloud, A)

    found = targets.run(see, targets.all)

    assert found == {
        Target(EAST, A): Problem(Reason.REGION_UNAVAILABLE, "ConnectTimeoutError: No answer.", "SomeOperation"),
        Target(WEST, A): seen(Target(WEST, A), session_of(A)),
    }
    assert cloud.assumed == [(A, ROLE, EAST), (A, ROLE, WEST)]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (
            failure(Reason.THROTTLED, "Slowly.", "Throttling"),
            Problem(Reason.THROTTLED, "Throttling: Slowly.", "SomeOperation"),
        ),
        (KeyError("AccountId"), Problem(Reason.OTHER, "unexpected KeyError: 'AccountId'; please report it")),
    ],
)
def test_run_with_a_job_that_fails_in_one_account_does_the_others(error: Exception, problem: Problem) -> None:
    def job(target: Target, _api: Api) -> str:
        if target.account_id == A:
            raise error
        return "done"

    assert targets_of(StandIn(), A, B).run(job, [Target(EAST, A), Target(EAST, B)]) == {
        Target(EAST, A): problem,
        Target(EAST, B): "done",
    }


def test_run_holds_as_many_conversations_at_once_as_it_may() -> None:
    targets = targets_of(StandIn(), A, B, concurrency=4)
    # Nobody gets through before all four are there.
    gate = threading.Barrier(4)

    def job(_target: Target, _api: Api) -> bool:
        gate.wait(timeout=10)
        return True

    assert targets.run(job, targets.all) == dict.fromkeys(targets.all, True)


def test_run_holds_no_more_conversations_at_once_than_it_may() -> None:
    targets = targets_of(StandIn(), A, B, concurrency=1)
    second = threading.Semaphore(0)
    under_way = threading.Lock()

    def job(_target: Target, _api: Api) -> bool:
        is_alone = under_way.acquire(blocking=False)
        if not is_alone:
            second.release()
            return False
        # Somebody else would come meanwhile.
        is_alone = not second.acquire(timeout=0.02)
        under_way.release()
        return is_alone

    assert targets.run(job, targets.all[:2]) == dict.fromkeys(targets.all[:2], True)


def test_walk_lets_all_wait_together_each_as_its_own_account() -> None:
    cloud, time = StandIn(), FakeClock()
    targets = targets_of(cloud, A, B, ADMINISTRATOR, regions=(EAST,))

    def walk(text: str) -> Walk[tuple[str, object, object]]:
        first = cloud.session
        yield Pause(time.now + 2)
        return text, first, cloud.session

    def stumble() -> Walk[tuple[str, object, object]]:
        yield Pause(time.now + 2)
        raise failure()

    first, second, third = targets.all
    found = targets.walk({third: walk("B"), first: walk("A"), second: stumble()}, time.as_clock())

    assert found == {
        first: ("A", session_of(A), session_of(A)),
        second: Problem(Reason.INTERNAL_ERROR, "SomeException: It broke.", "SomeOperation"),
        third: ("B", session_of(B), session_of(B)),
    }
    assert time.naps == [2]


def threads_for(targets: Targets, count: int) -> tuple[int, list[int]]:
    """Run jobs through ``for_each`` that wait until all are known; return how many threads ran, and the results."""
    before, threads, is_known = threading.active_count(), [0], threading.Event()

    def items() -> Iterator[int]:
        yield from range(count)
        threads[0] = threading.active_count() - before
        is_known.set()

    def job(item: int) -> int:
        is_known.wait(timeout=10)
        return item * 10

    results = list(targets.for_each(job, items()))
    return threads[0], results


@pytest.mark.parametrize(("concurrency", "threads"), [(4, 2), (5, 2), (6, 3)])
def test_for_each_with_threads_to_spare_shares_them_between_the_conversations(concurrency: int, threads: int) -> None:
    targets = targets_of(StandIn(), A, concurrency=concurrency)
    assert threads_for(targets, 5) == (threads, [0, 10, 20, 30, 40])


@pytest.mark.parametrize("concurrency", [1, 3])
def test_for_each_without_threads_to_spare_begins_nothing_that_nobody_asks_for(concurrency: int) -> None:
    begun: list[int] = []

    def job(item: int) -> int:
        begun.append(item)
        return item * 10

    results = targets_of(StandIn(), A, concurrency=concurrency).for_each(job, [1, 2, 3])

    assert (next(results), begun) == (10, [1])
    assert (list(results), begun) == ([20, 30], [1, 2, 3])


def test_split_problems_parts_what_was_reached_from_what_was_not() -> None:
    problem = Problem(Reason.OTHER, "odd")
    first, second, third = targets_of(StandIn(), A, B).all[:3]
    assert split_problems({first: 0, second: problem, third: None}) == ({first: 0, third: None}, {second: problem})
