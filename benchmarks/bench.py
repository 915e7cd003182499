# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the playbooks beside a hand-written script and beside the usual loop, against an emulated AWS.

Usage: scripts/bench [OPTION...]   (--help lists them; docs/benchmark.md says what is measured)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from ansible_collections.muster.aws.tests.browser.chromium import chromium

from .choices import table_of_choices
from .harness import Bench, Emulator, Fleet, Usage, usage_of
from .inventory import inventory_goals, inventory_table
from .inventory import measure as measure_inventory
from .minimum import least_calls, least_calls_of_macie
from .one_by_one import extrapolation, run_loop
from .organization import measure as measure_organizations
from .organization import organization_table
from .page import measure as measure_pages
from .page import page_goals, page_table
from .results import TITLES, Round, Row, plot, replace_part, results
from .whole import measure as measure_whole
from .whole import whole_goals, whole_table

_LEAST_WORK = 0.001  # seconds

# What starting the script takes is subtracted, and so are its errors: it is measured this often in each round.
_STARTS = 7

# In the order in which they can be run on one fleet.
BY_INVITATION = ("invitation", "no-op", "offboarding")
GROUPS = (BY_INVITATION, ("organization",), ("macie-invitation", "macie-no-op"))
# Macie's scenarios are those of the other two, for Macie alone.
MACIE = "macie-"


def run_playbook(bench: Bench, scenario: str, fleet: Fleet) -> tuple[Usage, Usage]:
    """Run one scenario, all accounts in one batch: the playbook, and of that its modules."""
    name = "muster.aws.offboard" if scenario == "offboarding" else "muster.aws.onboard"
    via = "organization" if scenario == "organization" else "invitation"
    batch = {"onboard_batch_size": fleet.size, "offboard_batch_size": fleet.size, **bench.tuned}
    playbook, modules = bench.playbook(name, fleet, onboard_via=via, **batch)
    return playbook, usage_of(modules)


def measure_round(bench: Bench, fleet: Fleet, rows: dict[str, Row]) -> None:
    """Measure every scenario once with this fleet: the playbook, then the floor."""
    floor_start = median(bench.floor("start", fleet).wall for _start in range(_STARTS))
    for scenarios in GROUPS:
        is_macie = scenarios[0].startswith(MACIE)
        asked = replace(fleet, services=("macie",)) if is_macie else fleet
        playbooks, floors, calls = {}, {}, {}
        bench.emulator.begin(asked, scenarios == ("organization",))
        for scenario in scenarios:
            playbooks[scenario] = run_playbook(bench, scenario, asked)
            calls[scenario] = bench.emulator.take_calls()
        bench.emulator.begin(asked, scenarios == ("organization",))
        for scenario in scenarios:
            floors[scenario] = bench.floor(scenario.removeprefix(MACIE), asked), bench.emulator.take_calls()
        for scenario in scenarios:
            playbook, modules = playbooks[scenario]
            floor, floor_calls = floors[scenario]
            count = least_calls_of_macie if is_macie else least_calls
            least = count(scenario.removeprefix(MACIE), fleet.size, fleet.regions)
            row = rows.setdefault(scenario, Row(scenario, fleet, calls[scenario], least, floor_calls))
            # Starting is measured apart, and on a busy machine may have taken longer than the whole of a small job.
            floor_work = max(floor.wall - floor_start, _LEAST_WORK)
            row.rounds.append(Round(modules, playbook, floor, floor_work))


def measure_loops(bench: Bench, rows: Iterable[Row], few: int, limit: float) -> None:
    """Measure the loop with few accounts; with all of them where that takes no longer than the limit, in seconds."""
    found: dict[tuple[str, int], Callable[[int], Usage]] = {}
    for row in rows:
        run = partial(run_loop, bench, row.scenario)
        key = row.scenario, row.fleet.regions
        if key not in found:
            found[key] = extrapolation(run, row.fleet.regions, few)
        row.loop = found[key](row.fleet.size).wall
        if row.loop <= limit:
            row.loop, row.is_loop_measured = run(row.fleet).wall, True


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word]


def fleets(text: str) -> list[Fleet]:
    return [Fleet(*map(int, word.split("x"))) for word in text.split(",") if word]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=numbers, default=[50, 200, 1000], help="numbers of accounts (50,200,1000)")
    parser.add_argument("--regions", type=numbers, default=[1, 4], help="numbers of Regions (1,4)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each with every contestant (3)")
    parser.add_argument("--concurrency", type=int, default=32, help="requests under way at once (32)")
    parser.add_argument("--latency", type=float, default=0.03, help="seconds of each request (0.03)")
    limits = ("off", "securityhub", "both")
    parser.add_argument("--rate-limit", choices=limits, default="off", help="AWS's documented rate limits (off)")
    parser.add_argument("--loop-accounts", type=int, default=4, help="accounts that the loop is measured with (4)")
    parser.add_argument("--loop-limit", type=float, default=300, help="longer loops are extrapolated (300 s)")
    whole = "50x1,1000x1,2000x1,1000x4"
    parser.add_argument("--whole", type=fleets, default=fleets(whole), help=f"fleets of whole playbooks ({whole})")
    parser.add_argument("--inventories", type=numbers, default=[1000, 10_000], help="of accounts (1000,10000)")
    parser.add_argument("--organizations", type=fleets, default=fleets("1000x4"), help="their fleets (1000x4)")
    parser.add_argument("--pages", type=fleets, default=fleets("1000x17"), help="fleets of reports' pages (1000x17)")
    parser.add_argument("--no-choices", action="store_true", help="leave out what each choice of the engine gives")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="the folder of the results (docs)")
    return parser.parse_args(arguments)


def measure(bench: Bench, options: argparse.Namespace) -> list[Row]:
    """Measure all fleets, round by round."""
    fleets = [Fleet(size, regions) for size in options.sizes for regions in options.regions]
    found: dict[Fleet, dict[str, Row]] = {fleet: {} for fleet in fleets}
    for number in range(1, options.rounds + 1):
        for fleet in fleets:
            print(f"round {number}: {fleet.size} accounts x {fleet.regions} Regions", flush=True)
            measure_round(bench, fleet, found[fleet])
    rows = [found[fleet][scenario] for scenario in TITLES for fleet in fleets]
    if options.loop_accounts:
        print("the usual loop", flush=True)
        measure_loops(
            bench,
            [row for row in rows if not row.scenario.startswith(MACIE)],
            options.loop_accounts,
            options.loop_limit,
        )
    return rows


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    folder = Path(".cache/bench").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    knobs = {"latency": options.latency, "rate_limit": options.rate_limit}
    bench = Bench(Emulator(os.environ["MUSTER_EMULATOR_URL"], knobs), folder, options.concurrency)
    pages = []
    if options.pages:
        # First: it needs a browser, and who has none should not learn it at the end.
        with chromium() as browser:
            pages = list(measure_pages(browser, folder, options.pages, options.rounds))
    wholes = measure_whole(bench, options.whole, options.rounds, options.loop_accounts, options.loop_limit)
    rows = measure(bench, options)
    words = sys.argv[1:] if arguments is None else arguments
    setting = (
        f"latency {1000 * options.latency:g} ms per request, rate limits {options.rate_limit}, "
        f"{options.concurrency} requests under way at once, median of {options.rounds} rounds"
    )
    ways = list(measure_organizations(bench, options.organizations))
    listings = list(measure_inventory(bench, options.inventories))
    lead = {
        "A run as a user waits for it": f"Default settings; seconds / CPU seconds.\n\n{whole_table(wholes)}",
        "The whole way of an organization": organization_table(ways),
        "The inventory of an organization": inventory_table(listings),
        "The report's page in a browser": page_table(pages),
    }
    goals = [*whole_goals(wholes), *inventory_goals(listings), *page_goals(pages)]
    text = results(rows, lead, goals, " ".join(["scripts/bench", *words]), setting)
    page = options.docs / "benchmark.md"
    replace_part(page, "bench", text)
    data = {"whole": [whole.as_dict() for whole in wholes], "rows": [row.as_dict() for row in rows]}
    (options.docs / "benchmark.json").write_text(json.dumps(data, indent=1) + "\n")
    (options.docs / "images/benchmark.svg").write_text(plot(rows), encoding="utf-8")
    if not options.no_choices:
        print("each choice of the engine", flush=True)
        regions = max(options.regions)
        joining, reading = Fleet(min(options.sizes), regions), Fleet(max(options.sizes), regions)
        choices = table_of_choices(bench, joining, reading, options.rounds)
        replace_part(page, "choices", choices)
        text += f"\n\n{choices}"
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
