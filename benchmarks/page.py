# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page in a browser: how long it takes to open, and to show what a filter leaves.

The accounts are those that the tests of the page make up: tests/browser/sample.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ansible_collections.muster.aws.tests.browser.sample import make_report, render
from playwright.sync_api import Browser

from .harness import Fleet
from .results import figure, goal, table, title

# From the choice to the first picture with what it leaves.
_FILTER = """
choice => new Promise(done => {
  const [id, value] = choice, field = document.getElementById(id);
  const begun = performance.now();
  if (field.type === "checkbox") field.checked = value === "1"; else field.value = value;
  field.dispatchEvent(new Event("input", {bubbles: true}));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
})
"""
# From the beginning of the navigation to the first picture after the page's scripts.
_OPENED = """
() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))
"""
# One after the other; each narrows, and the empty value takes it back.
_CHOICES = (("search", "prod"), ("search", ""), ("gaps", "1"), ("gaps", ""), ("region", "us-east-1"), ("region", ""))

_LIMITS = {"open": 1000.0, "filter": 100.0}


@dataclass(frozen=True)
class Opened:
    """Milliseconds of one page: to open it, and of its slowest filter; medians of the rounds."""

    fleet: Fleet
    megabytes: float
    open: float
    filter: float


def measure(browser: Browser, folder: Path, fleets: Sequence[Fleet], rounds: int) -> Iterator[Opened]:
    """Open the page of each fleet, and filter it, in a browser."""
    for fleet in fleets:
        print(f"page of {title(fleet)}", flush=True)
        file = folder / "report.html"
        file.write_text(render(make_report(fleet.size, regions=fleet.regions)), encoding="utf-8")
        opened: list[float] = []
        filtered: dict[tuple[str, str], list[float]] = {choice: [] for choice in _CHOICES}
        for _round in range(rounds):
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(file.as_uri())
            opened.append(page.evaluate(_OPENED))
            for choice in _CHOICES:
                filtered[choice].append(page.evaluate(_FILTER, list(choice)))
            page.close()
        size = file.stat().st_size / 1_000_000
        yield Opened(fleet, size, median(opened), max(median(times) for times in filtered.values()))


def page_table(pages: Sequence[Opened]) -> str:
    header = ("accounts × Regions × 2", "MB", "open, ms", "slowest filter, ms")
    return table(
        header,
        (
            (title(one.fleet), f"{one.megabytes:.1f}", *(figure(value) for value in (one.open, one.filter)))
            for one in pages
        ),
    )


def page_goals(pages: Sequence[Opened]) -> Iterator[Sequence[str]]:
    """Return the goals, of the largest page."""
    for one in sorted(pages, key=lambda one: one.fleet.places)[-1:]:
        for name, limit in _LIMITS.items():
            yield goal(f"report's page: {name} ≤ {limit:,.0f} ms", title(one.fleet), getattr(one, name), limit)
