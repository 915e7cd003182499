# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import FakeClock


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
def test_looks_end_exactly_with_the_timeout(timeout, naps) -> None:
    time = FakeClock()
    looks = sum(1 for _look in Patience(time.as_clock(), timeout=timeout).looks())
    assert (time.naps, looks) == (naps, len(naps) + 1)


def test_looks_time_that_the_look_itself_takes_counts() -> None:
    time = FakeClock()
    for _look in Patience(time.as_clock(), timeout=10).looks():
        time.now += 4
    assert time.naps == [1, 1]


def test_looks_left_early_sleep_no_more() -> None:
    time = FakeClock()
    for _look in Patience(time.as_clock()).looks():
        break
    assert time.naps == []


def test_looks_each_loop_has_the_whole_timeout() -> None:
    time = FakeClock()
    patience = Patience(time.as_clock(), timeout=3)
    assert [len(list(patience.looks())) for _loop in range(2)] == [3, 3]
    assert time.slept == 6
