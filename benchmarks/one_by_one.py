# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What takes the accounts one by one: the usual loop and the usual script, too slow to be run with all of them."""

from __future__ import annotations

from collections.abc import Callable

from .harness import HERE, Bench, Fleet, Usage


def prepare(bench: Bench, scenario: str, fleet: Fleet) -> None:
    """Let there be what a scenario begins with."""
    bench.emulator.begin(fleet, scenario == "organization")
    if scenario in ("no-op", "offboarding"):
        bench.floor("invitation", fleet)


def run_loop(bench: Bench, scenario: str, fleet: Fleet) -> Usage:
    """Run the usual loop over all accounts of a fleet."""
    prepare(bench, scenario, fleet)
    usage, _modules = bench.playbook(
        str(HERE / "loop.yml"),
        fleet,
        loop_state="absent" if scenario == "offboarding" else "present",
        loop_via="organization" if scenario == "organization" else "invitation",
    )
    bench.emulator.take_calls()
    return usage


def run_usual(bench: Bench, scenario: str, fleet: Fleet) -> Usage:
    """Run the usual script over all accounts of a fleet."""
    prepare(bench, scenario, fleet)
    return bench.script("usual.py", fleet)


def extrapolation(run: Callable[[Fleet], Usage], regions: int, few: int) -> Callable[[int], Usage]:
    """Measure with one account and with a few more, and return what any number of them would take."""
    one, more = (run(Fleet(size, regions)) for size in (1, 1 + few))

    def of(size: int) -> Usage:
        further = (size - 1) / few
        wall, cpu = (
            getattr(one, what) + further * (getattr(more, what) - getattr(one, what)) for what in ("wall", "cpu")
        )
        return Usage(wall, cpu, more.memory)

    return of
