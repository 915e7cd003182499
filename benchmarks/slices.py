# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the onboarding as job slices, as AWX does: each a process of its own with a part of the inventory.

Usage: scripts/bench-slices [OPTION...]   (--help lists them; docs/scale.md says what is measured)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .bench import numbers
from .harness import HERE, Bench, Emulator, Fleet, usage_of
from .results import describe_machine, figure, replace_part, table
from .scale import BURST, RATE, Site, estimate, table_of_estimates


def prepare(folder: Path, fleet: Fleet, part: int, parts: int, concurrency: int) -> None:
    """Write ansible-runner's folder for one slice."""
    variables = {
        "onboard_batch_size": fleet.size,
        "onboard_concurrency": concurrency,
    }
    files = {
        "env/settings": {"process_isolation": False},
        "env/extravars": variables,
        "inventory/hosts.json": fleet.inventory(part, parts),
    }
    (folder / "project").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))


def run_slices(bench: Bench, fleet: Fleet, slices: int) -> float:
    """Onboard the fleet in slices, all at once; return the seconds until the last has ended."""
    folders = [bench.folder / f"{slices}-{part}" for part in range(slices)]
    for part, folder in enumerate(folders):
        prepare(folder, fleet, part, slices, bench.concurrency)
    started = time.monotonic()
    jobs = [
        subprocess.Popen(
            ["ansible-runner", "run", str(folder), "-p", "muster.aws.onboard", "--ident", "job", "--quiet"],
            env=bench.environment,
        )
        for folder in folders
    ]
    statuses = [job.wait() for job in jobs]
    wall = time.monotonic() - started
    if any(statuses):
        logs = [folder / "artifacts/job/stdout" for folder, status in zip(folders, statuses, strict=True) if status]
        sys.exit(f"bench-slices: a slice failed\n{logs[0].read_text()[-3000:]}")
    return wall


def slice_rows(bench: Bench, fleet: Fleet, numbers_of_slices: list[int], site: Site) -> Iterator[list[str]]:
    """Run the onboarding in some numbers of slices."""
    first = None
    for slices in numbers_of_slices:
        print(f"{slices} slices", flush=True)
        bench.emulator.begin(fleet)
        wall = run_slices(bench, fleet, slices)
        calls = bench.emulator.take_calls().total()
        first = first or wall
        best = estimate("invitation", fleet.size, fleet.regions, Site(slices, site.concurrency, site.latency)).total
        yield [str(slices), f"{calls:,}", figure(wall), figure(first / wall), figure(best)]


def limit_rows(bench: Bench, fleets: list[Fleet]) -> Iterator[list[str]]:
    """Make members through an organization under the documented limit, which is met in the administrator only."""
    limited = Bench(Emulator(bench.emulator.url, {**bench.emulator.knobs, "rate_limit": "both"}), bench.folder, 16)
    for fleet in fleets:
        print(f"{fleet.size} accounts under the rate limit", flush=True)
        limited.emulator.begin(fleet, via_organization=True)
        _playbook, (module,) = limited.playbook(
            str(HERE / "limits.yml"), fleet, ansible_python_interpreter=str(limited.interpreter()), **limited.tuned
        )
        calls = limited.emulator.take_calls()
        sent = calls["securityhub", "GetMembers"] + calls["securityhub", "CreateMembers"]
        needed = 3 * -(-fleet.size // 50)
        best = max(0, needed - BURST) / RATE
        refused = sent - needed * fleet.regions
        yield [
            f"{fleet.size:,} × {fleet.regions}",
            f"{needed:,}",
            figure(best),
            figure(usage_of([module]).wall),
            f"{refused:,}",
        ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench-slices", description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=240, help="accounts (240)")
    parser.add_argument("--regions", type=int, default=4, help="Regions (4)")
    parser.add_argument("--slices", type=numbers, default=[1, 2, 4], help="numbers of slices (1,2,4)")
    parser.add_argument(
        "--concurrency", type=int, default=16, help="requests under way in each service of a slice (16)"
    )
    parser.add_argument("--latency", type=float, default=0.1, help="seconds of each request (0.1)")
    parser.add_argument("--limited", type=numbers, default=[500, 1000, 2000], help="accounts under the rate limit")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="the folder of the results (docs)")
    options = parser.parse_args(arguments)
    folder = Path(".cache/bench-slices").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    emulator = Emulator(os.environ["MUSTER_EMULATOR_URL"], {"latency": options.latency})
    bench = Bench(emulator, folder, options.concurrency)
    site = Site(1, options.concurrency, options.latency)

    fleet = Fleet(options.size, options.regions)
    command = " ".join(["scripts/bench-slices", *(sys.argv[1:] if arguments is None else arguments)])
    setting = (
        f"latency {1000 * options.latency:g} ms per request, "
        f"{options.concurrency} requests under way in each service of a slice"
    )
    measured = table(
        ("slices", "API calls", "seconds", "speed-up", "model: at best"),
        slice_rows(bench, fleet, options.slices, site),
    )
    limited = table(
        ("accounts × Regions", "calls per Region", "at best s", "measured s", "refused and repeated"),
        limit_rows(bench, [Fleet(size, 2) for size in options.limited]),
    )
    made = f"Made by `{command}`: {setting}. Machine, with the emulator beside it: {describe_machine()}."
    page = options.docs / "scale.md"
    replace_part(page, "estimates", table_of_estimates(10_000, 17, [1, 4, 16]))
    replace_part(
        page, "slices", f"{made}\n\n{fleet.size} accounts × {fleet.regions} Regions × 2 services:\n\n{measured}"
    )
    replace_part(page, "limits", limited)
    print(measured, limited, sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
