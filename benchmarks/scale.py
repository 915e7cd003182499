# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a very large fleet must take at best, from the counts of API calls and AWS's documented limits.

Nothing is measured here; slices.py measures, at sizes that an emulator can serve, whether the model holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from .minimum import BATCHES, least_calls
from .results import TITLES, figure, table

# Security Hub's documented default for each account and Region. GuardDuty publishes none; the same is assumed.
RATE, BURST = 10, 30


@dataclass(frozen=True)
class Site:
    """Where the collection runs.

    :param slices: Processes that run at once, each with a part of the accounts and a core of its own.
    :param concurrency: Requests that each has under way in each service.
    :param latency: Seconds of a request.
    :param cpu: Seconds of processor time for a request: one core cannot do more than 1 / cpu a second.
    :param services: How many are done side by side.
    """

    slices: int
    concurrency: int = 16
    latency: float = 0.1
    cpu: float = 0.0008
    services: int = 2

    @property
    def calls_per_second(self) -> float:
        return self.slices * min(self.services * self.concurrency / self.latency, 1 / self.cpu)


@dataclass(frozen=True)
class Estimate:
    """Seconds at best, by what sets them."""

    calls: int
    member_side: float
    batches_in_turn: float
    rate_limit: float

    @property
    def administrator_side(self) -> float:
        return max(self.batches_in_turn, self.rate_limit)

    @property
    def total(self) -> float:
        return self.member_side + self.administrator_side


def estimate(scenario: str, accounts: int, regions: int, site: Site) -> Estimate:
    """Return the least time for a fleet.

    In the member accounts nothing is limited but the number of requests under way. In the administrator account, the
    batches of a Region and service follow each other; all slices share its limit of calls for each of both. Services
    are done side by side.
    """
    batches = -(-accounts // 50)
    joins = scenario == "invitation"
    in_turn = len(BATCHES[scenario]) + joins  # calls for each batch; joining ends with one more look
    calls = least_calls(scenario, accounts, regions).total()
    member_calls = calls - in_turn * batches * regions * site.services
    return Estimate(
        calls,
        member_calls / site.calls_per_second if joins else 0,
        in_turn * batches / site.slices * site.latency,
        max(0, in_turn * batches - BURST) / RATE,
    )


def table_of_estimates(accounts: int, regions: int, slices: list[int]) -> str:
    """Return the estimates for some numbers of slices in Markdown."""

    def row(scenario: str, number: int) -> list[str]:
        found = estimate(scenario, accounts, regions, Site(number))
        parts = (found.member_side, found.batches_in_turn, found.rate_limit, found.total)
        return [TITLES[scenario], str(number), f"{found.calls:,}", *(_time(seconds) for seconds in parts)]

    header = ("work", "slices", "API calls", "members' side", "administrator's side", "rate limit", "at best")
    return table(
        header, (row(scenario, number) for scenario in ("invitation", "organization", "no-op") for number in slices)
    )


def _time(seconds: float) -> str:
    return f"{figure(seconds / 60)} min" if seconds >= 120 else f"{figure(seconds)} s"
