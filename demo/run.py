# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Onboard the demo's fleet, show what became of it, do it again, and check that nothing was written.

What ansible-playbook prints goes to a log beside the inventory; its lines of progress are shown as they come.

Usage: MUSTER_EMULATOR_URL=http://127.0.0.1:PORT python demo/run.py FOLDER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fleet
from rich import box
from rich.console import Console
from rich.table import Table

EMULATOR = os.environ["MUSTER_EMULATOR_URL"]
# Given to the run: a play is cut into batches before it knows the variables of its hosts.
BATCHES = ["-e", "onboard_batch_size=16"]
NAMES = {"guardduty": "GuardDuty", "securityhub": "Security Hub", "macie": "Macie"}

# In a file or a pipe as wide as the longest line: no width of a terminal is known there.
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120)

Row = dict[str, Any]


def emulator(path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(f"{EMULATOR}/_emulator/{path}", method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def play(folder: Path, playbook: str, log: Path, *arguments: str, **variables: str) -> int:
    """Run a playbook as a user does, show its progress, and return its exit status."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": EMULATOR,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": fleet.REGIONS[0],
    }
    command = ["ansible-playbook", playbook, "-i", str(folder / "accounts.json"), *arguments]
    console.print("$ " + " ".join(command), style="bold")
    command += ["-e", json.dumps(variables)]
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            file.write(line)
            if line.startswith("batch "):
                console.print(f"  {line.rstrip()}", markup=False)
    return process.returncode


def onboard(folder: Path, log: Path) -> list[Row]:
    """Onboard, and return the rows of all accounts, services and Regions."""
    results = folder / "results.json"
    results.unlink(missing_ok=True)
    status = play(folder, "muster.aws.onboard", log, *BATCHES, onboard_results_file=str(results.resolve()))
    if not results.exists():
        sys.exit(f"demo: the playbook ended with {status} and left no results; {log} has its output")
    return json.loads(results.read_text())


def plain_table(*titles: str, figures: int = 0) -> Table:
    """Return a table, empty yet, whose last columns are figures."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, title in enumerate(titles, 1):
        table.add_column(title, justify="right" if place > len(titles) - figures else "left")
    return table


def table_of_accounts(rows: Iterable[Row]) -> Table:
    """Count the accounts of each service by what they were found as and what became of them, in all Regions alike."""
    fates: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        found = row["previous_status"] or "nothing"
        fates.setdefault((row["host"], row["service"]), {})[row["region"]] = (
            f"{found} -> {'failed' if row['failed'] else row['status']}"
        )
    counts = Counter((" / ".join(sorted(set(fate.values()))), service) for (_host, service), fate in fates.items())
    table = plain_table(
        "accounts, found and left as", *(NAMES[service] for service in fleet.SERVICES), figures=len(fleet.SERVICES)
    )
    for fate in sorted({fate for fate, _service in counts}, key=lambda fate: (fate.endswith("failed"), fate)):
        table.add_row(fate, *(str(counts[fate, service] or "-") for service in fleet.SERVICES))
    return table


def failures(rows: Iterable[Row]) -> dict[str, dict[str, set[str]]]:
    """Return the services that failed, by host and reason."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        if row["failed"]:
            found.setdefault(row["host"], {}).setdefault(row["reason_code"], set()).add(NAMES[row["service"]])
    return found


def table_of_failures(rows: Iterable[Row]) -> Table:
    table = plain_table("failed", "cause", "where")
    for host, reasons in sorted(failures(rows).items()):
        for reason, services in sorted(reasons.items()):
            table.add_row(host, reason, ", ".join(sorted(services)))
    return table


def table_of_expected_failures() -> Table:
    table = plain_table("must fail", "because")
    for host, (cause, _reason) in fleet.EXPECTED_FAILURES.items():
        table.add_row(host, cause)
    return table


def members_everywhere(rows: Iterable[Row]) -> str:
    members = len(fleet.ACCOUNTS) - len(failures(rows))
    return f"{members} of {len(fleet.ACCOUNTS)} accounts are members everywhere"


def is_as_expected(rows: Iterable[Row]) -> bool:
    """Tell whether exactly the accounts failed that had to, for the reasons they had to."""
    failed = failures(rows)
    return failed.keys() == fleet.EXPECTED_FAILURES.keys() and all(
        reason in failed[host] for host, (_cause, reason) in fleet.EXPECTED_FAILURES.items()
    )


def main(folder: Path) -> int:
    console.print(
        f"Onboarding {len(fleet.ACCOUNTS)} accounts x {len(fleet.REGIONS)} Regions x {len(fleet.SERVICES)} services "
        "in an emulated AWS."
        f"\n{len(fleet.EXPECTED_FAILURES)} of them are made so that they must fail; the others must not:"
    )
    console.print(table_of_expected_failures())
    logs = [folder / name for name in ("onboard.log", "again.log", "report.log")]
    first = onboard(folder, logs[0])
    calls = emulator("summary")
    console.print(table_of_accounts(first))
    emulator("calls", "DELETE")
    second = onboard(folder, logs[1])
    calls_again = emulator("summary")
    page = folder / "report.html"
    is_reported = play(folder, "muster.aws.report", logs[2], report_file=str(page.resolve())) == 0 and page.exists()

    console.print(table_of_failures(second))
    console.print(f"{members_everywhere(first)}: {calls['calls']:,} API calls, {calls['writes']:,} writes")
    console.print(f"the same again: {calls_again['writes']} writes, {calls_again['calls']:,} calls that read")
    console.print(f"report: {page}")
    console.print(f"logs of ansible-playbook: {' '.join(map(str, logs))}")
    is_right = all((is_as_expected(first), is_as_expected(second), calls_again["writes"] == 0, is_reported))
    console.print(
        "The demo ends as it should: exactly these three failed, and the second run wrote nothing."
        if is_right
        else "The demo does NOT end as it should."
    )
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
