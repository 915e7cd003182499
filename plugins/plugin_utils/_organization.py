# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organization's accounts and units, as hosts and groups of an inventory. Pure.

A list is whole or it fails: with ``purge_members``, or in a report, an account that is missing reads as "remove it".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.parse import text_of
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import explain_account_id
from ansible_collections.muster.aws.plugins.plugin_utils._account_list import NO_HOST_NAMES, plain_name
from ansible_collections.muster.aws.plugins.plugin_utils._options import nearest

STATES = ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED")
# How often the units are walked through, where an account moved meanwhile into one that had been listed.
_WALKS = 2
# The group of all hosts.
GROUP = "aws_organization"

_HOST_NAMES = ("account_id", "account_name", "account_email")
_TAG = "tag:"

_NOT_IN_GROUP_NAMES = re.compile(r"[^A-Za-z0-9]+")

# Sends a List operation until its last page: the operation, the key of its items, its parameters.
Pages = Callable[..., Iterable[Mapping[str, Any]]]
Row = Mapping[str, Any]


class OrganizationError(Exception):
    """An organization that cannot be told whole. The text is for the operator."""


@dataclass
class Tree:
    """The organizational units: their parents and names, by id, and each account's units from the top down.

    An account that stands directly below the root has no units.
    """

    root: str | None = None
    parents: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    units_of: dict[str, list[str]] = field(default_factory=dict)

    def path(self, unit: str) -> list[str]:
        """Return a unit and those above it, from the top down."""
        found = [unit]
        while self.parents.get(found[0], self.root) != self.root:
            found.insert(0, self.parents[found[0]])
        return found

    def name_path(self, units: Iterable[str]) -> str:
        """Return units by their names: ``/Workloads/Prod``; by id, where the name is not known."""
        return "/" + "/".join(self.names.get(unit, unit) for unit in units)


def check_records(records: Iterable[Row]) -> dict[str, Row]:
    """Return the accounts of ListAccounts by id, with the last record of one that moved between two pages.

    :raises OrganizationError: There is none, or one is not usable. Organizations dropped ``Status`` in 2026, and
        botocore before 1.40.27 does not know ``State``: such an answer would be an organization without accounts.
    """
    accounts = {str(record.get("Id")): record for record in records}
    if not accounts:
        raise OrganizationError("AWS Organizations told no account at all")
    for account_id, record in accounts.items():
        if explain_account_id(account_id):
            raise OrganizationError(f"AWS Organizations told an account with the id {account_id!r}")
        if not _state_of(record):
            raise OrganizationError(
                f"AWS Organizations told no state of account {account_id}; it takes botocore 1.40.27 or newer"
            )
    return accounts


def _state_of(record: Row) -> str | None:
    return record.get("State") or record.get("Status")


def tree_of_paths(accounts: Mapping[str, Row]) -> Tree | None:
    """Return the tree that the accounts' ``Paths`` tell, without names; ``None`` where one has none (old botocore)."""
    tree = Tree()
    for account_id, record in accounts.items():
        paths = record.get("Paths") or [""]
        parts = paths[0].strip("/").split("/")[1:]  # the organization, the root, the units
        if not parts:
            return None
        tree.root, units = parts[0], parts[1:]
        tree.parents.update(zip(units, parts[:-1], strict=True))
        tree.units_of[account_id] = units
    return tree


def name_units(tree: Tree, pages: Pages) -> None:
    """Ask for the names of the units below the root and below each unit that has units."""
    for parent in sorted({str(tree.root), *tree.parents.values()}):
        for unit in pages("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent):
            tree.parents[unit["Id"]], tree.names[unit["Id"]] = parent, unit["Name"]


def walk_units(pages: Pages, account_ids: Iterable[str]) -> Tree:
    """Ask for the tree unit by unit, where accounts have no ``Paths``.

    :param account_ids: The accounts of the organization.
    :raises OrganizationError: One of them was found nowhere: it may be in a unit that is to be left out.
    """
    missing: set[str] = set()
    for _walk in range(_WALKS):
        tree = _walk_once(pages)
        missing = set(account_ids) - tree.units_of.keys()
        if not missing:
            return tree
    raise OrganizationError(
        f"in no organizational unit: account {', '.join(sorted(missing))}; it may have moved meanwhile: run again"
    )


def _walk_once(pages: Pages) -> Tree:
    tree = Tree(root=next(iter(pages("ListRoots", "Roots")))["Id"])
    pending = [str(tree.root)]
    while pending:
        parent = pending.pop()
        for unit in pages("ListOrganizationalUnitsForParent", "OrganizationalUnits", ParentId=parent):
            if unit["Id"] not in tree.parents:  # moved while it was listed
                tree.parents[unit["Id"]], tree.names[unit["Id"]] = parent, unit["Name"]
                pending.append(unit["Id"])
        units = [] if parent == tree.root else tree.path(parent)
        for account in pages("ListAccountsForParent", "Accounts", ParentId=parent):
            tree.units_of[account["Id"]] = units
    return tree


def make_row(record: Row, tree: Tree) -> dict[str, Any]:
    """Return the host variables of an account, without its tags."""
    account_id, arn = str(record["Id"]), str(record.get("Arn", ""))
    units = tree.units_of.get(account_id, [])
    return {
        "onboard_account_id": account_id,
        "onboard_account_email": record.get("Email"),
        "account_id": account_id,
        "account_name": record.get("Name"),
        "account_email": record.get("Email"),
        "account_state": _state_of(record),
        "account_arn": arn,
        "account_joined_method": record.get("JoinedMethod"),
        "account_joined_at": text_of(record.get("JoinedTimestamp")),
        # arn:PARTITION:organizations::MANAGEMENT-ACCOUNT:account/ORGANIZATION/ACCOUNT
        "account_is_management": arn.split(":")[4:5] == [account_id],
        "account_organization_id": next(iter(arn.split("/")[1:2]), None),
        "account_ou_id": units[-1] if units else tree.root,
        "account_ou_ids": units,
        "account_ou_path": tree.name_path(units),
        "account_tags": {},
    }


@dataclass(frozen=True)
class Wanted:
    """Which accounts to take: empty is all. A unit stands for all below it."""

    states: Sequence[str] = ("ACTIVE",)
    units: Sequence[str] = ()
    excluded_units: Sequence[str] = ()
    accounts: Sequence[str] = ()
    excluded_accounts: Sequence[str] = ()
    management: bool = True

    def faults(self) -> Iterator[str]:
        """Yield what cannot be meant, before any call."""
        yield from (
            f"{state!r} is no state of an account: {', '.join(STATES)}" for state in self.states if state not in STATES
        )
        yield from filter(None, map(explain_account_id, [*self.accounts, *self.excluded_accounts]))
        if not self.states:
            yield "states is empty, and no account has none: leave it out for those that are ACTIVE"
        for taken, excluded, option in (
            (self.accounts, self.excluded_accounts, "accounts"),
            (self.units, self.excluded_units, "organizational_units"),
        ):
            yield from (f"{each} is in both {option} and exclude_{option}" for each in taken if each in excluded)

    def check(self, accounts: Mapping[str, Row]) -> None:
        """Raise OrganizationError for an account that is not in the organization: a typo must not widen the list."""
        unknown = [each for each in [*self.accounts, *self.excluded_accounts] if each not in accounts]
        if unknown:
            raise OrganizationError(f"not in this organization: account {', '.join(unknown)}")

    def takes(self, row: Row, root: str | None) -> bool:
        """Tell whether an account is wanted."""
        account_id, places = row["account_id"], {root, *row["account_ou_ids"]}
        return (
            row["account_state"] in self.states
            and (not self.units or not places.isdisjoint(self.units))
            and places.isdisjoint(self.excluded_units)
            and (not self.accounts or account_id in self.accounts)
            and account_id not in self.excluded_accounts
            and (self.management or not row["account_is_management"])
        )

    def left_out(self, rows: Iterable[Row], root: str | None) -> list[str]:
        """Return a sentence for each account that is asked for by its id and not taken."""
        return [
            f"account {row['account_id']} is not taken: "
            + (
                f"it is {row['account_state']}, and states has {', '.join(self.states)}"
                if row["account_state"] not in self.states
                else "organizational_units, exclude_organizational_units or include_management_account leaves it out"
            )
            for row in rows
            if row["account_id"] in self.accounts and not self.takes(row, root)
        ]


def explain_host_names(preferences: Iterable[object], has_tags: bool) -> Iterator[str]:
    """Yield what is wrong with the ways to call hosts.

    :param has_tags: Whether the tags of accounts are read.
    """
    for preference in map(str, preferences):
        is_tag = preference.startswith(_TAG) and preference != _TAG
        if not is_tag and preference not in _HOST_NAMES:
            yield f"hostnames: {preference!r} is none of {', '.join(_HOST_NAMES)} and tag:KEY" + nearest(
                preference, _HOST_NAMES
            )
        elif is_tag and not has_tags:
            yield f"hostnames: {preference} needs tags: true, which costs one call for each account"


def name_hosts(
    rows: Sequence[Row], preferences: Sequence[str], groups: Collection[str] = (GROUP,)
) -> tuple[dict[str, Row], list[str]]:
    """Return the accounts by host name, and a sentence for each that is called by its id instead.

    :param rows: From :func:`make_row`.
    :param preferences: ``account_id``, ``account_name``, ``account_email`` or ``tag:KEY``; the first that there is.
    :param groups: The names of the groups that the inventory has: Ansible takes one name for one thing.
    """
    wanted = {row["account_id"]: _preferred(row, preferences) for row in rows}
    counts = Counter(name.lower() for name in wanted.values())
    hosts: dict[str, Row] = {}
    warnings = []
    for row in rows:
        name = wanted[row["account_id"]]
        is_taken = counts[name.lower()] > 1 or (name != row["account_id"] and name in wanted)
        has_meaning = name in NO_HOST_NAMES or name in groups
        if is_taken or has_meaning:
            reason = "is a word or a group of the inventory" if has_meaning else "is not its name alone"
            warnings.append(f"account {row['account_id']} is called by its id: {name!r} {reason}")
        hosts[row["account_id"] if is_taken or has_meaning else name] = row
    return hosts, warnings


def _preferred(row: Row, preferences: Sequence[str]) -> str:
    for preference in preferences:
        tag = preference.removeprefix(_TAG)
        name = plain_name(row.get(preference) if tag == preference else row["account_tags"].get(tag))
        if name:
            return name
    return str(row["account_id"])


def unit_group(unit: str) -> str:
    """Return the group of a unit: ``ou_ab12_11111111`` for ``ou-ab12-11111111``."""
    return "ou_" + _NOT_IN_GROUP_NAMES.sub("_", unit.removeprefix("ou-"))


def unit_aliases(tree: Tree) -> tuple[dict[str, str], list[str]]:
    """Return each unit's group by names, such as ``ou_workloads_prod``, and a sentence for each ambiguous one.

    A unit has none where nothing of a name on its path can be in a group's name: it would take that of another.
    """
    slugs = {}
    for unit in tree.names:
        path = [_NOT_IN_GROUP_NAMES.sub("_", tree.names.get(each, each)).strip("_") for each in tree.path(unit)]
        if all(path):
            slugs[unit] = f"ou_{'_'.join(path)}".lower()
    counts = Counter([*slugs.values(), *map(unit_group, tree.parents)])
    ambiguous = sorted({slug for slug in slugs.values() if counts[slug] > 1})
    warnings = [
        f"several organizational units would be called {slug}: use the groups of their ids" for slug in ambiguous
    ]
    return {unit: slug for unit, slug in slugs.items() if slug not in ambiguous}, warnings
