# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The initial state, as plain data: the same in a test, in a file and in the body of an HTTP control call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from .errors import EmulatorError
from .state import Account, Regional, Unit, World

_ACCOUNT_FIELDS = {item.name for item in fields(Account)} - {"account_id"}


def _account_id(value: object) -> str:
    # YAML reads an unquoted 012345678901 as a number and loses the zero: say so instead of inventing an account.
    if not (isinstance(value, str) and len(value) == 12 and value.isdigit()):
        raise EmulatorError(f"an account id is a string of 12 digits, not {value!r}")
    return value


def _seed_accounts(world: World, accounts: Mapping[str, Mapping[str, Any] | None]) -> None:
    for account_id, values in accounts.items():
        account = world.account(_account_id(account_id))
        unknown = set(values or {}) - _ACCOUNT_FIELDS
        if unknown:
            raise EmulatorError(f"an account has no {', '.join(sorted(unknown))}")
        for name, value in (values or {}).items():
            if value is not None:
                setattr(account, name, frozenset(value) if name == "disabled_regions" else value)


def _seed_organization(world: World, seed: Mapping[str, Any]) -> None:
    organization = world.organization
    organization.management_account = _account_id(seed["management_account"])
    organization.account_ids = {organization.management_account, *map(_account_id, seed.get("account_ids", ()))}
    organization.units.update({name: Unit(**unit) for name, unit in seed.get("organizational_units", {}).items()})
    for unit, account_ids in seed.get("accounts_in", {}).items():
        organization.places.update(dict.fromkeys(map(_account_id, account_ids), unit))
    organization.central_configuration = bool(seed.get("central_configuration", False))
    organization.configuration_failure = seed.get("configuration_failure")
    organization.securityhub_policy = bool(seed.get("securityhub_policy", False))
    organization.trusted_principals = set(seed.get("trusted_principals", ()))
    organization.missing_features = dict(seed.get("missing_features", {}))
    for service, value in seed.get("auto_enable", {}).items():
        organization.auto_enable[service] = Regional(value)
    for service, value in seed.get("delegated_administrator", {}).items():
        # One account for all Regions, or one for each of some.
        by_region = value if isinstance(value, Mapping) else {}
        default = None if by_region or not value else _account_id(value)
        organization.delegated[service] = Regional(default, {r: _account_id(i) for r, i in by_region.items()})
        organization.account_ids |= {default, *by_region.values()} - {None}


def _seed_services(world: World, services: list[Mapping[str, Any]]) -> None:
    for entry in services:
        for region in entry["regions"]:
            switch = world.switch_on(world.home(entry["service"], _account_id(entry["account_id"]), region))
            switch.enabled = entry.get("enabled", True)


def _seed_members(world: World, members: list[Mapping[str, Any]]) -> None:
    for entry in members:
        for region in entry["regions"]:
            for account_id in entry["account_ids"]:
                world.set_member(
                    entry["service"],
                    region,
                    _account_id(entry["administrator_id"]),
                    _account_id(account_id),
                    entry["status"],
                    entry.get("email"),
                )


# In this order: a member record depends on the accounts and on the organization.
_PARTS: dict[str, Callable[[World, Any], None]] = {
    "accounts": _seed_accounts,
    "organization": _seed_organization,
    "services": _seed_services,
    "members": _seed_members,
}


def apply_seed(world: World, seed: Mapping[str, Any]) -> None:
    """Add a seed to the state. Its ``knobs`` and ``faults`` are the emulator's business."""
    unknown = set(seed) - set(_PARTS) - {"caller", "knobs", "faults"}
    if unknown:
        raise EmulatorError(f"a seed has no {', '.join(sorted(unknown))}")
    if seed.get("caller"):
        world.caller = _account_id(seed["caller"])
    for name, part in _PARTS.items():
        if seed.get(name):
            part(world, seed[name])
