# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each choice that makes the engine fast gives: the same work with one of them undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from .harness import ADMINISTRATOR, ROLE, Bench, Fleet, Usage
from .results import figure, table

_IMPORTS = """
from ansible_collections.muster.aws.plugins.module_utils import _targets
from ansible_collections.muster.aws.plugins.module_utils._aws import cloud as _cloud
"""


@dataclass(frozen=True)
class Choice:
    """A choice, as the Python that undoes it in a module's process.

    :param joins: Whether it shows where accounts accept invitations; else where a large administrator is read.
    """

    undone: str
    prelude: str
    joins: bool = True


CHOICES = [
    Choice("nothing", ""),
    Choice(
        "a boto3 Session and a client for each account and Region, not one client for all accounts",
        """
import boto3
def client(self, service, region, endpoint_url=None):
    if service == "sts":
        return shared(self, service, region, endpoint_url)
    keys = self._signing.keys()
    self._lines.setdefault((service, region), _cloud.Line(region, self._patience))
    return boto3.Session(*keys).client(service, region, endpoint_url=endpoint_url, config=self._config)
shared, _cloud.Cloud._client = _cloud.Cloud._client, client
""",
    ),
    Choice(
        "one Session, but a client for each account and Region",
        """
def client(self, service, region, endpoint_url=None):
    with self._lock:
        self._lines.setdefault((service, region), _cloud.Line(region, self._patience))
        return self._session.create_client(service, region, endpoint_url=endpoint_url, config=self._config)
_cloud.Cloud._client = client
""",
    ),
    Choice(
        "botocore's pool of 10 connections, not one of `concurrency`",
        """
config = _cloud.client_config
_cloud.client_config = lambda wanted, concurrency, patience: config(wanted, 10, patience)
""",
    ),
    Choice(
        "AssumeRole for each account and Region, not once for each account",
        """
_targets._Once.get = lambda self, target: self._make(target)
""",
    ),
    Choice("nothing", "", joins=False),
    Choice(
        "the batches of a Region read one after the other, not side by side",
        """
_targets.Targets.for_each = lambda self, job, items: map(job, items)
""",
        joins=False,
    ),
    Choice(
        "one Region after the other",
        """
class Pool(_targets.ThreadPoolExecutor):
    def __init__(self, max_workers):
        super().__init__(1)
_targets.ThreadPoolExecutor = Pool
""",
        joins=False,
    ),
]


def measure(bench: Bench, choice: Choice, fleet: Fleet) -> tuple[Usage, int]:
    """Return what the work takes with this choice undone, and its API calls."""
    bench.emulator.begin(fleet, via_organization=not choice.joins)
    common: dict[str, Any] = {"regions": fleet.region_names, "concurrency": bench.concurrency}
    members = [{"account_id": account_id, "email": email} for account_id, email in fleet.accounts.items()]
    module, arguments = "guardduty_member", {**common, "members": members}
    arguments["via"] = "invitation" if choice.joins else "organization"
    bench.module(module, arguments)
    if choice.joins:
        joining = {"administrator_id": ADMINISTRATOR, "role_name": ROLE, "enable_service": True, "wait": False}
        module, arguments = "guardduty_administrator", {**common, **joining, "account_ids": list(fleet.accounts)}
    bench.emulator.take_calls()
    usage = bench.module(module, arguments, _IMPORTS + choice.prelude)
    return usage, bench.emulator.take_calls().total()


def table_of_choices(bench: Bench, joining: Fleet, reading: Fleet, rounds: int) -> str:
    """Measure all choices, and return a table in Markdown."""

    def rows() -> Iterator[list[str]]:
        whole: dict[bool, float] = {}
        for choice in CHOICES:
            fleet = joining if choice.joins else reading
            runs = [measure(bench, choice, fleet) for _round in range(rounds)]
            wall, cpu = (median(getattr(usage, name) for usage, _calls in runs) for name in ("wall", "cpu"))
            ratio = wall / whole.setdefault(choice.joins, wall)
            work = "accept" if choice.joins else "read"
            title = f"{work}, {fleet.size:,} × {fleet.regions}"
            yield [choice.undone, title, f"{runs[0][1]:,}", figure(wall), figure(cpu), f"{ratio:.2f}"]

    return table(("undone", "GuardDuty", "API calls", "seconds", "CPU s", "ratio"), rows())
