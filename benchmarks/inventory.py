# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin of AWS Organizations, for organizations of some sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .harness import MANAGEMENT, Bench, Fleet, Usage
from .results import figure, goal, table

# Accounts of a unit, and units of the unit above it.
_IN_A_UNIT, _UNITS_IN_A_UNIT = 20, 10

_LIMIT_ACCOUNTS, _LIMIT_CPU = 10_000, 10.0


@dataclass(frozen=True)
class Listing:
    """An organization of some accounts, read once."""

    accounts: int
    calls: int
    usage: Usage


def organization(accounts: Sequence[str]) -> dict[str, Any]:
    """Return the seed of an organization whose accounts are in units, two deep."""
    units: dict[str, dict[str, str]] = {}
    places: dict[str, Sequence[str]] = {}
    for number, start in enumerate(range(0, len(accounts), _IN_A_UNIT)):
        above = f"ou-ab12-{number // _UNITS_IN_A_UNIT:07}0"
        units.setdefault(above, {"name": f"Division {number // _UNITS_IN_A_UNIT}"})
        unit = f"ou-ab12-{number:07}1"
        units[unit] = {"name": f"Team {number}", "parent": above}
        places[unit] = accounts[start : start + _IN_A_UNIT]
    return {
        "management_account": MANAGEMENT,
        "account_ids": list(accounts),
        "organizational_units": units,
        "accounts_in": places,
    }


def measure(bench: Bench, sizes: Sequence[int]) -> Iterator[Listing]:
    """List the inventory of each organization with ``ansible-inventory``."""
    source, output = bench.folder / "bench.organization.yml", bench.folder / "inventory-list.json"
    source.write_text("plugin: muster.aws.organization\n")
    for size in sizes:
        print(f"inventory of {size:,} accounts", flush=True)
        accounts = list(Fleet(size, 1).accounts)
        bench.emulator.begin_with({"caller": MANAGEMENT, "organization": organization(accounts)})
        usage = bench.run(["ansible-inventory", "-i", str(source), "--list", "--output", str(output)])
        # An inventory that could not be read is a warning and an empty list to ansible-inventory.
        assert accounts[-1] in output.read_text(), f"the inventory is not complete: {output}"
        yield Listing(size, bench.emulator.take_calls().total(), usage)


def inventory_table(listings: Sequence[Listing]) -> str:
    header = ("accounts", "API calls", "seconds", "CPU s", "MB")
    return table(
        header,
        (
            (
                f"{one.accounts:,}",
                f"{one.calls:,}",
                *(figure(value) for value in (one.usage.wall, one.usage.cpu, one.usage.memory)),
            )
            for one in listings
        ),
    )


def inventory_goals(listings: Sequence[Listing]) -> Iterator[Sequence[str]]:
    """Return the goals of the inventory, for those organizations that were as large as they say."""
    for one in listings:
        if one.accounts == _LIMIT_ACCOUNTS:
            text = f"inventory of an organization ≤ {_LIMIT_CPU:g} CPU seconds"
            yield goal(text, f"{one.accounts:,}", one.usage.cpu, _LIMIT_CPU)
