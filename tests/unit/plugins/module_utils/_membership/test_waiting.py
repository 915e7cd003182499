# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import (
    Patience,
    Pause,
    Walk,
    go_on,
    walk_together,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import FakeClock, walk_alone


def looking(patience: Patience, look: Callable[[], bool] = lambda: False) -> Walk[int]:
    """Look until there is something to see, and return how often."""
    wait, looks = patience.begin(), 1
    while not look() and (yield from wait.for_another_look()):
        looks += 1
    return looks


@pytest.mark.parametrize(
    ("timeout", "naps"),
    [
        (0, []),
        (0.5, [0.5]),
        (1, [1]),
        (2, [1, 1]),
        (7, [1, 2, 4]),
        (8, [1, 2, 4, 1]),
        (60, [1, 2, 4, *[5] * 10, 3]),
    ],
)
def test_wait_looks_end_exactly_with_the_timeout(timeout, naps) -> None:
    time = FakeClock()
    looks = walk_alone(looking(Patience(time.as_clock(), timeout=timeout)), time)
    assert (time.naps, looks) == (naps, len(naps) + 1)


def test_wait_time_that_the_look_itself_takes_counts() -> None:
    time = FakeClock()

    def look() -> bool:
        time.now += 4
        return False

    assert walk_alone(looking(Patience(time.as_clock(), timeout=10), look), time) == 3
    assert time.naps == [1, 1]


def test_wait_that_saw_enough_sleeps_no_more() -> None:
    time = FakeClock()
    assert walk_alone(looking(Patience(time.as_clock()), lambda: True), time) == 1
    assert time.naps == []


def test_waits_of_one_patience_have_each_the_whole_timeout() -> None:
    time = FakeClock()
    patience = Patience(time.as_clock(), timeout=3)
    assert [walk_alone(looking(patience), time) for _wait in range(2)] == [3, 3]
    assert time.slept == 6


def test_walk_together_many_that_wait_take_no_longer_than_one() -> None:
    time = FakeClock()
    walks = {number: looking(Patience(time.as_clock(), timeout=6)) for number in range(64)}
    rounds = []

    def resume(due: list[int]) -> dict[int, int | Pause]:
        rounds.append(len(due))
        return {number: go_on(walks[number]) for number in due}

    assert set(walk_together(walks, time.as_clock(), resume).values()) == {4}
    assert (time.slept, rounds) == (6, [64, 64, 64, 64])


def test_walk_together_with_different_ends_leaves_those_alone_that_are_done() -> None:
    time = FakeClock()
    patience, begun = Patience(time.as_clock(), timeout=20), time.now
    walks = {
        seconds: looking(patience, lambda seconds=seconds: time.now >= begun + seconds) for seconds in (0, 3, 7, 30)
    }
    resumed: Counter[int] = Counter()

    def resume(due: list[int]) -> dict[int, int | Pause]:
        resumed.update(due)
        return {seconds: go_on(walks[seconds]) for seconds in due}

    assert walk_together(walks, time.as_clock(), resume) == {0: 1, 3: 3, 7: 4, 30: 7}
    assert resumed == {0: 1, 3: 3, 7: 4, 30: 7} and time.slept == 20


def test_walk_together_looks_that_are_nearly_due_are_taken_at_once() -> None:
    time = FakeClock()
    walks = {number: looking(Patience(time.as_clock(), timeout=60)) for number in range(10)}
    rounds = []

    def resume(due: list[int]) -> dict[int, int | Pause]:
        rounds.append(len(due))
        outcomes = {}
        for number in due:
            time.now += 0.01  # looking takes time
            outcomes[number] = go_on(walks[number])
        return outcomes

    walk_together(walks, time.as_clock(), resume)
    assert rounds[:4] == [10, 10, 10, 10] and len(rounds) <= 17


@pytest.mark.parametrize(
    ("gap", "rounds"), [(1.0, [["early", "late"], ["early", "late"]]), (1.5, [["early", "late"], ["early"], ["late"]])]
)
def test_walk_together_a_look_is_put_off_by_a_second_and_no_more(gap, rounds) -> None:
    time = FakeClock()
    due_at = {"early": time.now + 2, "late": time.now + 2 + gap}
    resumed = []

    def resume(due: list[str]) -> dict[str, str | Pause]:
        resumed.append(sorted(due))
        return {name: name if time.now >= due_at[name] else Pause(due_at[name]) for name in due}

    assert walk_together(due_at, time.as_clock(), resume) == {name: name for name in due_at}
    assert resumed == rounds


def test_walk_together_with_nobody_returns_at_once() -> None:
    time = FakeClock()
    assert walk_together([], time.as_clock(), lambda due: {}) == {}
    assert time.naps == []
