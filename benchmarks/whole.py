# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run as a user waits for it: the whole playbook at its default settings, beside what else a user could run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from .harness import HERE, Bench, Fleet, Usage, usage_of
from .one_by_one import extrapolation, prepare, run_loop, run_usual
from .results import TITLES, figure, goal, table, title

SCENARIOS = ("no-op", "invitation")
CONTESTANTS = {
    "floor": "floor script",
    "usual": "usual script",
    "loop": "loop of tasks",
    "trivial": "one `debug` per host",
}


@dataclass
class Whole:
    """A scenario with one fleet: what each round of the playbook and of the others took.

    :param modules: All modules of the playbook: the time in which any of them ran.
    :param extrapolated: Those of the others that were measured with a few accounts.
    """

    scenario: str
    fleet: Fleet
    playbook: list[Usage] = field(default_factory=list)
    modules: list[Usage] = field(default_factory=list)
    others: dict[str, list[Usage]] = field(default_factory=lambda: defaultdict(list))
    extrapolated: set[str] = field(default_factory=set)

    def middle(self, name: str, what: str) -> float:
        """Return the median of ``playbook``, ``modules``, ``own`` (their difference) or of another contestant."""
        if name == "own":
            pairs = zip(self.playbook, self.modules, strict=True)
            return median(getattr(whole, what) - getattr(part, what) for whole, part in pairs)
        return median(getattr(usage, what) for usage in self._runs(name))

    def ratio(self, name: str, what: str) -> float:
        """Return how many times what a contestant of the same round took the playbook did."""
        pairs = zip(self.playbook, self._runs(name), strict=False)
        return median(getattr(whole, what) / max(getattr(other, what), 0.001) for whole, other in pairs)

    def _runs(self, name: str) -> list[Usage]:
        return {"playbook": self.playbook, "modules": self.modules}.get(name) or self.others[name]

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain data."""
        others = {name: [vars(usage) for usage in runs] for name, runs in self.others.items()}
        return {
            "scenario": self.scenario,
            "accounts": self.fleet.size,
            "regions": self.fleet.regions,
            "playbook": [vars(usage) for usage in self.playbook],
            "modules": [vars(usage) for usage in self.modules],
            "others": others,
            "extrapolated": sorted(self.extrapolated),
        }


def measure_round(bench: Bench, whole: Whole) -> None:
    """Measure the playbook, and right beside it the floor script and one ``debug`` per host."""
    scenario, fleet = whole.scenario, whole.fleet
    prepare(bench, scenario, fleet)
    playbook, modules = bench.playbook("muster.aws.onboard", fleet)
    whole.playbook.append(playbook)
    whole.modules.append(usage_of(modules))
    prepare(bench, scenario, fleet)
    whole.others["floor"].append(bench.floor(scenario, fleet))
    whole.others["trivial"].append(bench.playbook(str(HERE / "trivial.yml"), fleet)[0])


def measure_slow(bench: Bench, whole: Whole, few: int, limit: float) -> None:
    """Measure once those that take the accounts one by one; all of them where the limit, in seconds, allows it."""
    for name, runner in (("usual", run_usual), ("loop", run_loop)):
        run = partial(runner, bench, whole.scenario)
        usage = extrapolation(run, whole.fleet.regions, few)(whole.fleet.size)
        if usage.wall <= limit:
            usage = run(whole.fleet)
        else:
            whole.extrapolated.add(name)
        whole.others[name].append(usage)


def measure(bench: Bench, fleets: Sequence[Fleet], rounds: int, few: int, limit: float) -> list[Whole]:
    """Measure all fleets, round by round; what is slow, once.

    :param few: Accounts that the slow ones are measured with at first; 0 leaves them out.
    """
    wholes = [Whole(scenario, fleet) for scenario in SCENARIOS for fleet in fleets]
    for number in range(1, rounds + 1):
        for whole in wholes:
            print(f"round {number}: whole playbook, {whole.scenario}, {title(whole.fleet)}", flush=True)
            measure_round(bench, whole)
    for whole in wholes if few else ():
        print(f"usual script and loop, {whole.scenario}, {title(whole.fleet)}", flush=True)
        measure_slow(bench, whole, few, limit)
    return wholes


def whole_table(wholes: Sequence[Whole]) -> str:
    """Return the table of seconds in Markdown, CPU behind the stroke."""
    header = ["scenario", "accounts × Regions", "playbook", "its modules", *CONTESTANTS.values()]

    def cells(whole: Whole) -> Iterator[str]:
        yield TITLES[whole.scenario]
        yield title(whole.fleet)
        for name in ("playbook", "modules", *CONTESTANTS):
            if name in CONTESTANTS and not whole.others[name]:
                yield "–"
                continue
            about = "≈ " if name in whole.extrapolated else ""
            yield about + " / ".join(figure(whole.middle(name, what)) for what in ("wall", "cpu"))

    return table(header, (list(cells(whole)) for whole in wholes))


# Scenario, where, beside what, and how many times of it the playbook may take.
_LIMITS = (
    ("no-op", "largest", "trivial", 2.0),
    ("invitation", "largest", "modules", 1.4),
    ("invitation", "smallest", "floor", 7.0),
)
_NAMES = {**CONTESTANTS, "modules": "its modules"}
_MEASURES = {"wall": "seconds", "cpu": "CPU seconds"}
# How many times as much as Ansible's own work growth may be: up to here it may be chance.
_GROWTH = 1.25


def whole_goals(wholes: Sequence[Whole]) -> Iterator[Sequence[str]]:
    """Return the goals of a whole run as rows of the table of goals."""
    for scenario, where, beside, limit in _LIMITS:
        choose = max if where == "largest" else min
        whole = choose((one for one in wholes if one.scenario == scenario), key=lambda one: one.fleet.places)
        for what, word in _MEASURES.items():
            text = f"whole playbook ≤ {limit:g} × {_NAMES[beside]}, {TITLES[scenario]}, {word}"
            yield goal(text, title(whole.fleet), whole.ratio(beside, what), limit)
    yield from _growth_goals(wholes)


def _growth_goals(wholes: Sequence[Whole]) -> Iterator[Sequence[str]]:
    """Compare what an account more takes between the larger fleets with what it takes between the smaller ones.

    Not one exponent over all: what a run takes at its start, whatever the size, would hide a growth that is not linear.
    Ansible's own work, of which one ``debug`` per host is the least, is not linear itself: nothing on it can be.
    """
    fewest = min(whole.fleet.regions for whole in wholes)
    for scenario in SCENARIOS:
        same = [whole for whole in wholes if whole.scenario == scenario and whole.fleet.regions == fewest]
        same.sort(key=lambda whole: whole.fleet.size)
        if len(same) < 3:
            continue
        three = same[0], same[-2], same[-1]
        place = f"{same[0].fleet.size:,} to {same[-1].fleet.size:,}"
        for part, words in (("playbook", "whole playbook"), ("own", "its own part")):
            for what, word in _MEASURES.items():
                least = max(_growth(*three, "trivial", what), 1.0)
                text = f"growth with N ≤ {_GROWTH} × that of one `debug` per host ({figure(least)}), {words}"
                yield goal(f"{text}, {TITLES[scenario]}, {word}", place, _growth(*three, part, what), _GROWTH * least)


def _growth(first: Whole, middle: Whole, last: Whole, part: str, what: str) -> float:
    return _each(middle, last, part, what) / max(_each(first, middle, part, what), 1e-6)


def _each(fewer: Whole, more: Whole, part: str, what: str) -> float:
    return (more.middle(part, what) - fewer.middle(part, what)) / (more.fleet.size - fewer.fleet.size)
