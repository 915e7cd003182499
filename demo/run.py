# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Onboard the demo's fleet, show what became of each account, do it again, and check that nothing was written.

Usage: MUSTER_EMULATOR_URL=http://127.0.0.1:PORT python demo/run.py FOLDER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from fleet import ACCOUNTS, EXPECTED_FAILURES, REGIONS, SERVICES

EMULATOR = os.environ["MUSTER_EMULATOR_URL"]


def say(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def emulator(path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(f"{EMULATOR}/_emulator/{path}", method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def play(folder: Path, playbook: str, **variables: str) -> int:
    """Run a playbook as a user does, and return its exit status."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": EMULATOR,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": REGIONS[0],
        "ANSIBLE_SHOW_CUSTOM_STATS": "false",
        "ANSIBLE_FORCE_COLOR": "true" if sys.stdout.isatty() else "false",
    }
    command = ["ansible-playbook", playbook, "-i", str(folder / "accounts.json")]
    print("$ " + " ".join(command), flush=True)
    return subprocess.run([*command, "-e", json.dumps(variables)], env=environment, check=False).returncode


def onboard(folder: Path) -> list[dict[str, Any]]:
    """Onboard, and return the rows of all hosts."""
    results = folder / "results.json"
    results.unlink(missing_ok=True)
    status = play(folder, "muster.aws.onboard", onboard_results_file=str(results.resolve()))
    if not results.exists():
        sys.exit(f"demo: the playbook ended with {status} and left no results")
    return json.loads(results.read_text())


def cell(rows: list[dict[str, Any]]) -> str:
    """Sum up one account and service over all Regions."""
    words = sorted({row["reason_code"] if row["failed"] else row["status"] or row["reason_code"] for row in rows})
    before = sorted({row["previous_status"] or "-" for row in rows})
    mark = "x" if any(row["failed"] for row in rows) else "+" if any(row["actions"] for row in rows) else "="
    return f"{mark} {'/'.join(before)} -> {'/'.join(words)}"


def show_table(rows: list[dict[str, Any]]) -> None:
    print(
        f"{'host':<14}{'account':<15}"
        + "".join(f"{service + ' (' + str(len(REGIONS)) + ' Regions)':<44}" for service in SERVICES)
    )
    for host, account_id in ACCOUNTS.items():
        mine = [row for row in rows if row["account_id"] == account_id]
        cells = [cell([row for row in mine if row["service"] == service]) for service in SERVICES]
        print(f"{host:<14}{account_id:<15}" + "".join(f"{text:<44}" for text in cells).rstrip())
    print("\n+ changed   = as it should be already   x failed")


def failed_hosts(rows: list[dict[str, Any]]) -> dict[str, set[str]]:
    hosts = {account_id: host for host, account_id in ACCOUNTS.items()}
    failures: dict[str, set[str]] = {}
    for row in rows:
        if row["failed"]:
            failures.setdefault(hosts[row["account_id"]], set()).add(row["reason_code"])
    return failures


def check(rows: list[dict[str, Any]], text: str) -> bool:
    """Tell whether exactly the accounts failed that had to, for the reasons they had to."""
    failures = failed_hosts(rows)
    is_right = set(failures) == set(EXPECTED_FAILURES) and all(
        reason in failures[host] for host, reason in EXPECTED_FAILURES.items()
    )
    verdict = "exactly the accounts that had to fail" if is_right else "NOT the accounts that had to fail"
    onboarded = len(ACCOUNTS) - len(failures)
    print(f"{text}: {onboarded} of {len(ACCOUNTS)} accounts are members everywhere; failed, {verdict}:")
    for host, reasons in sorted(failures.items()):
        print(f"  {host}: {', '.join(sorted(reasons))}")
    return is_right


def main(folder: Path) -> int:
    say(f"Onboarding {len(ACCOUNTS)} accounts x {len(REGIONS)} Regions x {len(SERVICES)} services")
    rows = onboard(folder)
    say("What became of each account")
    show_table(rows)
    print()
    is_right = check(rows, "First run")
    summary = emulator("summary")
    print(f"API calls of the first run: {summary['calls']}, of them {summary['writes']} writes")

    emulator("calls", "DELETE")
    say("The same again: nothing may be written")
    rows = onboard(folder)
    is_right &= check(rows, "Second run")
    summary = emulator("summary")
    print(f"API calls of the second run: {summary['calls']}, of them {summary['writes']} writes")
    is_right &= summary["writes"] == 0

    say("The same as a page to look at")
    page = (folder / "report.html").resolve()
    is_right &= play(folder, "muster.aws.report", report_file=str(page)) == 0 and page.exists()
    print(f"Open {page} in a browser.")
    print("\nThe demo ends as it should." if is_right else "\nThe demo does NOT end as it should.")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
