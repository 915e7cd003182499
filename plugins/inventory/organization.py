# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: organization
short_description: Accounts of AWS Organizations as an inventory
version_added: 0.2.0
author: The muster.aws contributors (@muster-aws)
description:
  - One host for each account of an organization, and one group for each organizational unit, nested as the units are.
  - The list is complete, or the plugin fails.
  - The configuration is a file that ends with C(organization.yml) or C(organization.yaml). A key that is no option is
    an error.
  - The credentials are those of the management account or of a delegated administrator of any service. The permission
    that is needed is C(organizations:ListAccounts), C(organizations:ListOrganizationalUnitsForParent) for
    O(organizational_unit_names), C(organizations:ListTagsForResource) for O(tags),
    C(organizations:DescribeOrganizationalUnit) for units without accounts, and C(organizations:ListRoots) and
    C(organizations:ListAccountsForParent) with botocore before 1.42.80.
requirements:
  - botocore >= 1.40.27
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [muster.aws.organization]
  states:
    description:
      - The states in which accounts are taken. One at least. An account of O(accounts) that is in none of them is
        warned of.
    type: list
    elements: str
    default: [ACTIVE]
  organizational_units:
    description:
      - The ids of the organizational units, or of the root, whose accounts are taken, with those of all units below.
        Without this option, all are.
      - An id that does not exist is an error.
    type: list
    elements: str
    default: []
  exclude_organizational_units:
    description:
      - The ids of the organizational units whose accounts are not taken, with those of all units below.
        None of them may be in O(organizational_units).
    type: list
    elements: str
    default: []
  accounts:
    description: The ids of the accounts to take, quoted. Without this option, all are. An unknown id is an error.
    type: list
    elements: raw
    default: []
  exclude_accounts:
    description: The ids of accounts that are not taken, quoted. None of them may be in O(accounts).
    type: list
    elements: raw
    default: []
  include_management_account:
    description: Whether the management account is taken.
    type: bool
    default: true
  tags:
    description: Whether to read the tags of the accounts taken. That costs one call for each.
    type: bool
    default: false
  organizational_unit_names:
    description:
      - Whether to read the names of the organizational units, and with them the units without accounts that stand below
        the root, or below a unit of which another unit has accounts.
    type: bool
    default: true
  hostnames:
    description:
      - What hosts are called, as a list of preferences out of V(account_id), V(account_name), V(account_email) and
        V(tag:KEY), which takes O(tags=true). The first that an account has counts.
      - Characters that cannot be in a host name become a hyphen. A name that several accounts have gives way to the id,
        with a warning, and so does one that is a group's or has a meaning for Ansible, such as V(all) and V(localhost).
    type: list
    elements: str
    default: [account_id]
  strict_permissions:
    description: Whether to fail if tags or organizational units may not be read. If not, the plugin goes on without.
    type: bool
    default: true
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
"""

EXAMPLES = r"""
# accounts.organization.yml
plugin: muster.aws.organization
exclude_organizational_units:
  - ou-ab12-22222222
hostnames:
  - account_name
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_timeout: 3600
cache_connection: ~/.cache/muster
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from typing import Any

try:
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # the base says so, and how to install it

from ansible.errors import AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import is_permission_missing
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import as_list
from ansible_collections.muster.aws.plugins.plugin_utils._options import nearest, plain
from ansible_collections.muster.aws.plugins.plugin_utils._organization import (
    GROUP,
    OrganizationError,
    Tree,
    Wanted,
    check_records,
    explain_host_names,
    make_row,
    name_hosts,
    name_units,
    tree_of_paths,
    unit_aliases,
    unit_group,
    walk_units,
)

_BOTOCORE = "1.40.27"  # the first that reads State
# Organizations answers 8 ListAccounts and 10 ListTagsForResource a second: waits, not speed, are what is needed.
_RETRIES = {"mode": "standard", "total_max_attempts": 10}
_TAG_READERS = 8
# More than AWS has accounts for one organization: a listing that never ends, ends here.
_PAGE_LIMIT = 5_000
# Whose organization that is, besides the options.
_IDENTITY = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ORGANIZATIONS",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


class InventoryModule(AWSInventoryBase):  # type: ignore[misc]
    """The inventory source."""

    NAME = "muster.aws.organization"
    INVENTORY_FILE_SUFFIXES = ("organization.yml", "organization.yaml")

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Read the organization, or the cache, into the inventory."""
        try:
            super().parse(inventory, loader, path, botocore_version=_BOTOCORE)
            wanted = self._wanted()
            is_cached, result = self.get_cached_result(path, cache)
            if not is_cached:
                result = self._read(wanted)
                self.update_cached_result(path, cache, result)
            self._populate(result["rows"], Tree(**result["tree"]), result.get("told", ()))
        except OrganizationError as error:
            # Ansible prints causes, too: this one would be told twice.
            raise AnsibleParserError(f"{self.NAME}: {error}") from None

    def _read_config_data(self, path: str) -> Any:
        """Refuse what Ansible passes over: a misspelt key would widen the list, and a word that is no bool is false."""
        config = super()._read_config_data(path)
        given = {str(name): value for name, value in config.items()}
        options = {
            name: option
            for key, option in self.option_definitions.items()
            for name in (key, *(option.get("aliases") or ()))
        }
        faults = [
            f"{name} is no option of this inventory{nearest(name, options)}" for name in given if name not in options
        ]
        faults += [
            f"{name} is {plain(value)!r}: give true or false"
            for name, value in given.items()
            if options.get(name, {}).get("type") in ("bool", "boolean") and value is not None and not _is_bool(value)
        ]
        if faults:
            raise OrganizationError("; ".join(faults))
        return config

    def _set_frozen_credentials(self) -> None:
        """Assume no role yet: what is in the cache needs no call."""

    def get_cache_key(self, path: str) -> str:
        """Return a key that other options, or somebody else's credentials, do not share."""
        identity = [dict(self._options), [os.environ.get(name) for name in _IDENTITY]]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
        return f"{super().get_cache_key(path)}_{digest[:16]}"

    def _wanted(self) -> Wanted:
        wanted = Wanted(
            self._list("states"),
            self._list("organizational_units"),
            self._list("exclude_organizational_units"),
            self._list("accounts"),
            self._list("exclude_accounts"),
            self.get_option("include_management_account"),
        )
        faults = [*wanted.faults(), *explain_host_names(self._list("hostnames"), self.get_option("tags"))]
        if faults:
            raise OrganizationError("; ".join(faults))
        return wanted

    # --- AWS ----------------------------------------------------------------------------------------------------------

    def _read(self, wanted: Wanted) -> dict[str, Any]:
        super()._set_frozen_credentials()
        self._unread: list[str] = []
        config = Config(retries=_RETRIES, max_pool_connections=_TAG_READERS)
        self._api = self.client("organizations", region=self.region or "us-east-1", config=config)
        accounts = check_records(self._pages("ListAccounts", "Accounts"))
        wanted.check(accounts)
        tree = self._tree(accounts, [*wanted.units, *wanted.excluded_units])
        rows = [make_row(accounts[account_id], tree) for account_id in sorted(accounts)]
        taken = [row for row in rows if wanted.takes(row, tree.root)]
        if self.get_option("tags"):
            with ThreadPoolExecutor(_TAG_READERS) as readers:
                for row, tags in zip(taken, readers.map(self._tags, taken), strict=True):
                    row["account_tags"] = tags
        # Kept with the rest: what is missing from the cache is told each time that it is read.
        told = [*wanted.left_out(rows, tree.root), *dict.fromkeys(self._unread)]
        return {"rows": taken, "tree": asdict(tree), "told": told}

    def _list(self, option: str) -> list[Any]:
        return as_list(plain(self.get_option(option)))

    def _tree(self, accounts: Mapping[str, Mapping[str, Any]], asked: Iterable[str]) -> Tree:
        asked, by_name = list(asked), self.get_option("organizational_unit_names")
        tree = tree_of_paths(accounts)
        if tree is None:
            # A tree that is needed for the choice of accounts must not be missing.
            tree = self._permitted(lambda: walk_units(self._pages, accounts), bool(asked)) if asked or by_name else None
            tree = tree or Tree()
        elif by_name:
            self._permitted(lambda: name_units(tree, self._pages), False)
        for unit in asked:
            if unit != tree.root and unit not in tree.parents:
                self._check_unit(unit)
        return tree

    def _check_unit(self, unit: str) -> None:
        try:
            self._api.describe_organizational_unit(OrganizationalUnitId=unit)
        except (ClientError, BotoCoreError) as error:
            raise OrganizationError(f"the organizational unit {unit!r} cannot be found: {error}") from error

    def _tags(self, row: Mapping[str, Any]) -> dict[str, str]:
        ask = {"ResourceId": row["account_id"]}
        tags = self._permitted(lambda: list(self._pages("ListTagsForResource", "Tags", **ask)), False)
        return {tag["Key"]: tag["Value"] for tag in tags or ()}

    def _permitted(self, read: Any, is_needed: bool) -> Any:
        """Read what the list of accounts can do without, if the user says so; ``None`` where it may not be read."""
        try:
            return read()
        except _Denied as error:
            if is_needed or self.get_option("strict_permissions"):
                raise OrganizationError(f"{error}; strict_permissions: false goes on without") from error
            self._unread.append(str(error))
            return None

    def _pages(self, operation: str, key: str, **params: str) -> list[Mapping[str, Any]]:
        pages = self._api.get_paginator(xform_name(operation)).paginate(**params)
        try:
            read = list(islice(pages, _PAGE_LIMIT))
        except ClientError as error:
            details = error.response.get("Error", {})
            code = str(details.get("Code", ""))
            message = f"{operation}: {code}: {details.get('Message') or ''}"
            # Credentials that have run out say nothing of what may be read.
            if is_permission_missing(code):
                hint = "use the credentials of the management account or of a delegated administrator"
                raise _Denied(f"{message}; {hint}") from error
            raise OrganizationError(message) from error
        except BotoCoreError as error:
            raise OrganizationError(f"{operation}: {error}") from error
        if len(read) == _PAGE_LIMIT or not all(isinstance(page.get(key), list) for page in read):
            raise OrganizationError(f"{operation}: the answer has no usable {key}, or no end")
        return [item for page in read for item in page[key]]

    # --- the inventory ------------------------------------------------------------------------------------------------

    def _populate(self, rows: list[Mapping[str, Any]], tree: Tree, told: Iterable[str]) -> None:
        aliases, alias_warnings = unit_aliases(tree)
        groups = {GROUP, *map(unit_group, tree.parents), *aliases.values()}
        hosts, host_warnings = name_hosts(rows, self._list("hostnames"), groups)
        for warning in [*told, *host_warnings, *alias_warnings]:
            self.warn(f"{self.NAME}: {warning}")
        self.inventory.add_group(GROUP)
        for unit in sorted(tree.parents):
            self.inventory.add_group(unit_group(unit))
        for unit, parent in sorted(tree.parents.items()):
            self.inventory.add_child(GROUP if parent == tree.root else unit_group(parent), unit_group(unit))
        for unit, alias in sorted(aliases.items()):
            self.inventory.add_group(alias)
            self.inventory.add_child(alias, unit_group(unit))
        for host, row in hosts.items():
            self.inventory.add_host(host, group=GROUP)
            if row["account_ou_ids"]:
                self.inventory.add_host(host, group=unit_group(row["account_ou_ids"][-1]))
            for name, value in row.items():
                self.inventory.set_variable(host, name, value)
            self._construct(host, row)

    def _construct(self, host: str, row: Mapping[str, Any]) -> None:
        # Templates cost milliseconds a host: only those that the user wrote.
        strict = self.get_option("strict")
        for option, add in (
            ("compose", self._set_composite_vars),
            ("groups", self._add_host_to_composed_groups),
            ("keyed_groups", self._add_host_to_keyed_groups),
        ):
            wished = self.get_option(option)
            if wished:
                add(wished, dict(row), host, strict=strict)


def _is_bool(value: object) -> bool:
    try:
        boolean(plain(value))
    except TypeError:
        return False
    return True


class _Denied(OrganizationError):
    """AWS Organizations does not let the caller read this."""
