# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks as operators run them: ``ansible-playbook`` in a process of its own, against an emulated AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.muster.aws.tests.emulator import Emulator

ADMINISTRATOR = "111111111111"
REGIONS = ["eu-central-1", "us-east-1"]
SERVICES = ["guardduty", "securityhub"]


@dataclass
class Run:
    """What a playbook run left behind."""

    status: int
    output: str
    stats: dict[str, dict[str, int]]
    custom_stats: dict[str, Any]
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed_hosts(self) -> set[str]:
        return {host for host, counts in self.stats.items() if counts["failures"]}

    @property
    def changed_hosts(self) -> set[str]:
        return {host for host, counts in self.stats.items() if counts["changed"]}


class PlaybookRunner:
    """Runs playbooks of the collection in a folder of its own."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.environment: dict[str, str] = {
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": "AKIATESTING",
            "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        }

    def play(self, role: str, **keywords: Any) -> str:
        """Write a play of somebody's own that runs a role of the collection, and return its path."""
        path = self.folder / "play.json"
        roles = [{"role": f"muster.aws.{role}", **keywords}]
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "connection": "local", "roles": roles}]))
        return str(path)

    def __call__(
        self,
        hosts: Mapping[str, Mapping[str, Any]],
        *arguments: str,
        playbook: str = "muster.aws.onboard",
        **variables: Any,
    ) -> Run:
        """Run a playbook over these hosts, with these variables over the usual ones."""
        inventory, results = self.folder / "inventory.json", self.folder / "results.json"
        usual = {
            "onboard_administrator_id": ADMINISTRATOR,
            "onboard_regions": REGIONS,
            "onboard_wait_timeout": 5,
            "onboard_results_file": str(results),
        }
        merged = {name: value for name, value in {**usual, **variables}.items() if value is not None}
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": merged}}))
        results.unlink(missing_ok=True)
        process = subprocess.run(
            ["ansible-playbook", playbook, "-i", str(inventory), *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=300,
            check=False,
        )
        # What is refused before the first play begins leaves no answer of the callback's.
        _before, brace, rest = process.stdout.partition("{")
        answer = json.loads(brace + rest) if brace else {"stats": {}}
        return Run(
            process.returncode,
            process.stdout + process.stderr,
            answer["stats"],
            answer.get("global_custom_stats", {}),
            json.loads(results.read_text()) if results.exists() else [],
        )


def run_raw(
    playbook: PlaybookRunner, *arguments: str, program: str = "ansible-playbook", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook as it is called, with the default callback, and return what it printed."""
    environment = {**os.environ, **playbook.environment, "ANSIBLE_STDOUT_CALLBACK": "default"}
    return subprocess.run(
        [program, *arguments],
        env={**environment, "ANSIBLE_SHOW_CUSTOM_STATS": "false", **variables},
        capture_output=True,
        text=True,
        cwd=playbook.folder,
        timeout=300,
        check=False,
    )


def fleet(count: int, first: int = 1) -> dict[str, dict[str, Any]]:
    """Return hosts with their account ids (the first begins with a zero) and the right e-mail addresses."""
    ids = {f"workload-{n:02}": f"{n:02}2222222222" for n in range(first, first + count)}
    return {
        host: {"onboard_account_id": account_id, "onboard_account_email": f"{account_id}@example.com"}
        for host, account_id in ids.items()
    }


def states(emulator: Emulator, hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str | None]]:
    """Return the statuses that the administrator has for each host, over all services and Regions."""
    return {
        host: {
            member.status
            if (member := emulator.member(service, region, ADMINISTRATOR, row["onboard_account_id"]))
            else None
            for service in SERVICES
            for region in REGIONS
        }
        for host, row in hosts.items()
    }
