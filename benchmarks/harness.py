# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a measurement needs: an emulated AWS in a known state, a fleet of accounts, and processes that are timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from .minimum import Calls

HERE = Path(__file__).parent
ADMINISTRATOR = "111111111111"
MANAGEMENT = "999999999999"
ROLE = "MembershipOnboarding"
SERVICES = ("guardduty", "securityhub")
REGIONS = (
    "eu-central-1 us-east-1 eu-west-1 us-west-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 "
    "ap-southeast-1 ap-southeast-2 ca-central-1 eu-north-1 eu-west-2 eu-west-3 sa-east-1 us-east-2 us-west-1"
).split()


@dataclass(frozen=True)
class Fleet:
    """Some accounts in some Regions. An account's e-mail address is the one that the emulator gives it."""

    size: int
    regions: int
    services: tuple[str, ...] = SERVICES

    @property
    def places(self) -> int:
        return self.size * self.regions

    @property
    def region_names(self) -> list[str]:
        return sorted(REGIONS[: self.regions])

    @property
    def accounts(self) -> dict[str, str]:
        ids = [f"{number:06}222222" for number in range(1, self.size + 1)]
        return {account_id: f"{account_id}@example.com" for account_id in ids}

    @property
    def variables(self) -> dict[str, Any]:
        return {
            "onboard_administrator_id": ADMINISTRATOR,
            "onboard_services": list(self.services),
            "onboard_regions": self.region_names,
            "onboard_member_role_name": ROLE,
            "offboard_limit": self.size,
            "offboard_hosts": "all",
        }

    def inventory(self, part: int = 0, parts: int = 1) -> dict[str, Any]:
        """Return the inventory, or one slice of it, cut as AWX does: every parts-th host."""
        hosts = {
            f"account-{account_id}": {"onboard_account_id": account_id, "onboard_account_email": email}
            for account_id, email in list(self.accounts.items())[part::parts]
        }
        return {"all": {"hosts": hosts, "vars": self.variables}}

    def seed(self, via_organization: bool) -> dict[str, Any]:
        """Return the AWS before onboarding: both services are on in the administrator, and it has no members."""
        services = [
            {"service": service, "account_id": ADMINISTRATOR, "regions": self.region_names} for service in self.services
        ]
        organization = {
            "management_account": MANAGEMENT,
            "account_ids": list(self.accounts),
            "delegated_administrator": dict.fromkeys(self.services, ADMINISTRATOR),
        }
        seed = {"caller": ADMINISTRATOR, "services": services}
        return {**seed, "organization": organization} if via_organization else seed


@dataclass(frozen=True)
class Emulator:
    """The emulated AWS, through its control interface."""

    url: str
    knobs: Mapping[str, Any]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def begin(self, fleet: Fleet, via_organization: bool = False) -> None:
        """Forget everything, and make the AWS that this fleet meets."""
        self.begin_with(fleet.seed(via_organization))

    def begin_with(self, seed: Mapping[str, Any]) -> None:
        """Forget everything, and make an AWS, with the knobs of the bench.

        Quotas are lifted: how time grows is seen beyond the 1,000 accounts by invitation of Security Hub, too.
        """
        self._ask("POST", "reset")
        quotas = dict.fromkeys(("members_quota", "invitations_quota"), 1_000_000)
        self._ask("POST", "seed", {"knobs": {**quotas, **self.knobs}, **seed})

    def take_calls(self) -> Calls:
        """Return the calls since the last time, by service and operation."""
        counted: Calls = Counter()
        for row in self._ask("GET", "summary")["operations"]:
            counted[row["service"], row["operation"]] += row["count"]
        self._ask("DELETE", "calls")
        return counted


@dataclass(frozen=True)
class Usage:
    """What processes took: seconds of wall and CPU, megabytes at the peak."""

    wall: float
    cpu: float
    memory: float


# What is noted of a process: when it ``started`` and ``ended``, by one clock, its ``cpu`` seconds, its ``memory``.
Record = dict[str, float]


def usage_of(records: Sequence[Record]) -> Usage:
    """Return what noted processes took together: the time in which any of them ran, and all their CPU time."""
    wall = until = 0.0
    for record in sorted(records, key=itemgetter("started")):
        wall += max(record["ended"] - max(record["started"], until), 0.0)
        until = max(record["ended"], until)
    return Usage(
        wall, sum(record["cpu"] for record in records), max((record["memory"] for record in records), default=0.0)
    )


# What Ansible adds to a module's arguments.
_INTERNAL = {"_ansible_remote_tmp": "/tmp"}


@dataclass(frozen=True)
class Bench:
    """Runs programs against the emulator and measures them.

    :param concurrency: How many requests a module, or the floor, has under way at once.
    """

    emulator: Emulator
    folder: Path
    concurrency: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": "AKIABENCHMARK",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": REGIONS[0],
            "AWS_DEFAULT_REGION": REGIONS[0],
            "MUSTER_BENCH_RECORDS": str(self._records),
        }

    @property
    def _records(self) -> Path:
        return self.folder / "records.jsonl"

    def interpreter(self) -> Path:
        """Write what Ansible takes for its Python: one that measures each module that is a task."""
        path = self.folder / "measured-python"
        measure = [sys.executable, str(HERE / "measure.py"), str(self._records), sys.executable]
        path.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in measure) + ' "$@"\n')
        path.chmod(0o755)
        return path

    def run(self, command: list[str], **variables: str) -> Usage:
        """Run a command, with all its processes, and measure it. The bench ends where the command fails.

        :param variables: Variables of its environment.
        """
        log = self.folder / "output.log"
        started = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                command, env={**self.environment, **variables}, stdout=output, stderr=subprocess.STDOUT
            )
            _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            sys.exit(f"bench: this ended with {process.returncode}: {' '.join(command)}\n{log.read_text()[-3000:]}")
        return Usage(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def _take_records(self) -> list[Record]:
        lines = self._records.read_text().splitlines() if self._records.exists() else []
        self._records.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def playbook(self, name: str, fleet: Fleet, **variables: Any) -> tuple[Usage, list[Record]]:
        """Run a playbook; return what it took in all, and what is noted of each of its modules.

        :param variables: Over the defaults, which are the user's: nothing is tuned here.
        """
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(fleet.inventory()))
        usage = self.run(
            ["ansible-playbook", name, "-i", str(inventory), "-e", json.dumps(variables)],
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="measure_modules",
        )
        return usage, self._take_records()

    @property
    def tuned(self) -> dict[str, int]:
        """Return the variables that let the playbooks have as many requests under way as the floor."""
        return dict.fromkeys(("onboard_concurrency", "offboard_concurrency"), self.concurrency)

    def floor(self, scenario: str, fleet: Fleet) -> Usage:
        """Run the floor script in a process measured in the same way as the modules."""
        return self.script("floor.py", fleet, scenario)

    def script(self, name: str, fleet: Fleet, *words: str) -> Usage:
        """Run a hand-written script with a file of the fleet, measured in the same way as the modules."""
        path = self.folder / "fleet.json"
        given = {
            "administrator_id": ADMINISTRATOR,
            "role_name": ROLE,
            "services": fleet.services,
            "regions": fleet.region_names,
            "concurrency": self.concurrency,
            "accounts": fleet.accounts,
        }
        path.write_text(json.dumps(given))
        self.run([str(self.interpreter()), str(HERE / name), *words, str(path)])
        (record,) = self._take_records()
        return usage_of([record])

    def module(self, name: str, arguments: Mapping[str, Any], prelude: str = "") -> Usage:
        """Run a module without Ansible around it.

        :param prelude: Python to run in its process before.
        """
        program = f"from ansible_collections.muster.aws.plugins.modules import {name} as module\nmodule.main()\n"
        path, options = self.folder / f"{name}.py", self.folder / "arguments.json"
        path.write_text(prelude + program)
        options.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **_INTERNAL}}))
        self.run([str(self.interpreter()), str(path), str(options)])
        (record,) = self._take_records()
        return usage_of([record])
