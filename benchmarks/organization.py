# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole way of an organization, counted: delegate, settings, members and their features, and all of it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .harness import ADMINISTRATOR, MANAGEMENT, Bench, Fleet
from .minimum import Calls, least_calls_of_an_organization
from .results import table

_SETTINGS: dict[str, dict[str, Any]] = {
    "guardduty": {"auto_enable_members": "NEW"},
    "securityhub": {"auto_enable": True, "auto_enable_standards": "NONE"},
}
# What AWS gives to a member by itself, so that it is read for each and written for none.
_FEATURES = {"guardduty": {"features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]}}


@dataclass(frozen=True)
class Way:
    """The calls of one service's way through an organization, without those of AWS STS."""

    service: str
    fleet: Fleet
    is_fresh: bool
    calls: int
    least: Calls


def measure(bench: Bench, fleets: Sequence[Fleet]) -> Iterator[Way]:
    """Go the whole way for each service, twice."""
    for fleet in fleets:
        for service in _SETTINGS:
            print(
                f"the way of an organization: {service}, {fleet.size:,} accounts x {fleet.regions} Regions", flush=True
            )
            accounts = [MANAGEMENT, ADMINISTRATOR, *fleet.accounts]
            organization = {"management_account": MANAGEMENT, "account_ids": accounts}
            bench.emulator.begin_with({"caller": ADMINISTRATOR, "organization": organization})
            for is_fresh in (True, False):
                _go(bench, service, fleet)
                taken = bench.emulator.take_calls()
                calls = sum(count for (of, _operation), count in taken.items() if of != "sts")
                least = least_calls_of_an_organization(service, is_fresh, fleet.size, fleet.regions)
                yield Way(service, fleet, is_fresh, calls, least)


def _go(bench: Bench, service: str, fleet: Fleet) -> None:
    common = {"regions": fleet.region_names, "concurrency": bench.concurrency}
    management = {"access_key": f"AKIADIRECT{MANAGEMENT}", "secret_key": "benchmark"}
    members = [{"account_id": account_id, "email": email} for account_id, email in fleet.accounts.items()]
    bench.module(f"{service}_organization_administrator", {**common, **management, "administrator_id": ADMINISTRATOR})
    bench.module(f"{service}_organization", {**common, **_SETTINGS[service]})
    joining = {"members": members, "via": "organization", **_FEATURES.get(service, {})}
    bench.module(f"{service}_member", {**common, **joining})


def organization_table(ways: Sequence[Way]) -> str:
    header = ("service", "accounts × Regions", "from", "calls", "minimum", "ratio")
    return table(
        header,
        (
            (
                way.service,
                f"{way.fleet.size:,} × {way.fleet.regions}",
                "nothing" if way.is_fresh else "all done",
                f"{way.calls:,}",
                f"{way.least.total():,}",
                f"{way.calls / way.least.total():.3f}",
            )
            for way in ways
        ),
    )
