# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as the tables and the plot of docs/benchmark.md."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from .harness import Fleet, Usage
from .minimum import Calls
from .svg import Chart, draw

TITLES = {
    "invitation": "onboarding by invitation",
    "organization": "onboarding by organization",
    "no-op": "no-op second run",
    "offboarding": "offboarding",
    "macie-invitation": "onboarding by invitation, Macie",
    "macie-no-op": "no-op second run, Macie",
}


@dataclass(frozen=True)
class Round:
    """One measurement of a scenario, with the floor measured right beside it.

    :param modules: All modules of the playbook: the time in which any of them ran.
    :param playbook: The whole playbook, its modules included.
    :param floor_work: Seconds of the floor without what starting its process costs: the modules start in a process that
        has the SDK in memory.
    """

    modules: Usage
    playbook: Usage
    floor: Usage
    floor_work: float


@dataclass
class Row:
    """A scenario with one fleet."""

    scenario: str
    fleet: Fleet
    calls: Calls
    least: Calls
    floor_calls: Calls
    rounds: list[Round] = field(default_factory=list)
    loop: float = 0
    is_loop_measured: bool = False

    def middle(self, name: str) -> float:
        """Return the median over the rounds of ``floor_work``, ``modules.cpu`` or any other figure."""
        outer, _ignored, inner = name.partition(".")
        values = [getattr(one, outer) for one in self.rounds]
        return median(getattr(value, inner) if inner else value for value in values)

    @property
    def call_ratio(self) -> float:
        return self.calls.total() / self.least.total()

    @property
    def work_ratio(self) -> float:
        return median(one.modules.wall / one.floor_work for one in self.rounds)

    @property
    def cpu_ratio(self) -> float:
        return median(one.modules.cpu / one.floor.cpu for one in self.rounds)

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain data."""
        counts = {name: getattr(self, name) for name in ("calls", "least", "floor_calls")}
        parts = ("modules", "playbook", "floor")
        return {
            "scenario": self.scenario,
            "accounts": self.fleet.size,
            "regions": self.fleet.regions,
            **{name: {":".join(key): calls[key] for key in sorted(calls)} for name, calls in counts.items()},
            "rounds": [{**vars(one), **{part: vars(getattr(one, part)) for part in parts}} for one in self.rounds],
            "loop": {"wall": self.loop, "is_measured": self.is_loop_measured},
        }


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; all columns but the first two are figures."""
    rules = ["---", "---", *["--:"] * (len(header) - 2)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rules, *rows))


def figure(value: float) -> str:
    """Return a number with three significant digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def replace_part(path: Path, name: str, text: str) -> None:
    """Put a text into a page, between the marks of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _ignored, rest = path.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def describe_machine() -> str:
    """Name what the figures depend on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "botocore"))
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def goal(text: str, place: str, measured: float, limit: float) -> Sequence[str]:
    """Return a row of the table of goals."""
    return text, place, figure(measured), "yes" if measured <= limit else "**no**"


def results(
    rows: Sequence[Row], lead: Mapping[str, str], goals: Sequence[Sequence[str]], command: str, setting: str
) -> str:
    """Return the results of a run in Markdown.

    :param lead: Sections that come first, by their headings.
    :param goals: Rows of the table of goals that come first.
    """
    largest = max(rows, key=lambda row: (row.fleet.size, row.fleet.regions)).fleet
    parts = [
        f"Made by `{command}`: {setting}. Machine, with the emulator beside it: {describe_machine()}.",
        *(f"## {heading}\n\n{section}" for heading, section in lead.items()),
        "## Goals\n\n" + table(("goal", "at", "measured", "met"), [*goals, *_goals(rows, largest)]),
        "## API calls\n\n" + _call_table(rows),
        "## Time and memory\n\n" + _time_table(rows),
        f"## Calls by operation, {title(largest)}\n\nCollection / minimum / floor.\n\n"
        + _operation_table([row for row in rows if row.fleet == largest]),
    ]
    return "\n\n".join(parts)


def title(fleet: Fleet) -> str:
    """Name a fleet as the tables do."""
    return f"{fleet.size:,} × {fleet.regions}"


def _goals(rows: Sequence[Row], largest: Fleet) -> Iterator[Sequence[str]]:
    for scenario in ("invitation", "organization", "no-op"):
        ratio = max(row.call_ratio for row in rows if row.scenario == scenario)
        yield goal(f"API calls ≤ 1.1 × minimum, {TITLES[scenario]}", "every size", ratio, 1.1)
    at_largest = {row.scenario: row for row in rows if row.fleet == largest}
    for scenario, row in at_largest.items():
        yield goal(
            f"modules ≤ 1.3 × floor script without its start, {TITLES[scenario]}", title(largest), row.work_ratio, 1.3
        )
    yield goal("memory of a module < 400 MB", "every size", max(row.middle("modules.memory") for row in rows), 400)
    joins = sorted((row for row in rows if row.scenario == "invitation"), key=lambda row: row.fleet.places)
    small, large = joins[0], joins[-1]
    few, many = small.fleet.places, large.fleet.places
    if few < many:
        slope = math.log(large.middle("modules.wall") / small.middle("modules.wall")) / math.log(many / few)
        yield goal("growth of onboarding with N × R: exponent ≤ 1.05", f"{few:,} to {many:,}", slope, 1.05)


def _call_table(rows: Sequence[Row]) -> str:
    header = ("scenario", "accounts × Regions", "calls", "minimum", "ratio", "floor's calls")
    return table(
        header,
        (
            (
                TITLES[row.scenario],
                title(row.fleet),
                f"{row.calls.total():,}",
                f"{row.least.total():,}",
                f"{row.call_ratio:.3f}",
                f"{row.floor_calls.total():,}",
            )
            for row in rows
        ),
    )


def _time_table(rows: Sequence[Row]) -> str:
    pairs = (
        ("modules s", "modules.wall", "floor_work"),
        ("CPU s", "modules.cpu", "floor.cpu"),
        ("MB", "modules.memory", "floor.memory"),
    )
    header = ["scenario", "accounts × Regions"]
    for heading, _name, _floor in pairs:
        header += [heading, "floor"]
    header += ["ratio", "CPU ratio", "playbook s", "loop s"]

    def cells(row: Row) -> Iterator[str]:
        yield TITLES[row.scenario]
        yield title(row.fleet)
        for _heading, name, floor in pairs:
            yield figure(row.middle(name))
            yield figure(row.middle(floor))
        yield from (f"{ratio:.2f}" for ratio in (row.work_ratio, row.cpu_ratio))
        yield figure(row.middle("playbook.wall"))
        yield f"{'' if row.is_loop_measured else '≈ '}{figure(row.loop)}" if row.loop else "–"

    return table(header, (list(cells(row)) for row in rows))


def _operation_table(rows: Sequence[Row]) -> str:
    operations = sorted({call for row in rows for call in row.calls + row.least + row.floor_calls})

    def cell(row: Row, call: tuple[str, str]) -> str:
        counts = [row.calls[call], row.least[call], row.floor_calls[call]]
        return " / ".join(f"{count:,}" for count in counts) if any(counts) else "–"

    header = ("service", "operation", *(TITLES[row.scenario] for row in rows))
    return table(header, ((*call, *(cell(row, call) for row in rows)) for call in operations))


def plot(rows: Sequence[Row]) -> str:
    """Return the plot: time and memory over accounts × Regions."""
    shown = [row for row in rows if row.scenario in ("invitation", "no-op")]

    def lines(name: str, floor_name: str) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {}
        for row in shown:
            places = row.fleet.places
            title = TITLES[row.scenario]
            found.setdefault(f"{title}: modules", []).append((places, row.middle(name)))
            found.setdefault(f"{title}: floor script", []).append((places, row.middle(floor_name)))
        return found

    times = lines("modules.wall", "floor_work")
    for row in shown:
        if row.loop:
            point = (row.fleet.places, row.loop)
            times.setdefault(f"{TITLES[row.scenario]}: loop (extrapolated)", []).append(point)
    return draw(
        [
            Chart("Wall time", "accounts × Regions", "seconds", times),
            Chart("Peak memory", "accounts × Regions", "MB", lines("modules.memory", "floor.memory")),
        ]
    )
