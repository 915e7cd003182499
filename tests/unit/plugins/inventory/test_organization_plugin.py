# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory plugin asks of AWS Organizations, what of that it can do without, and what it makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.muster.aws.plugins.inventory import organization
from ansible_collections.muster.aws.tests.unit.plugins.constructed import construct
from botocore.exceptions import ClientError, ReadTimeoutError

MANAGEMENT, SEARCH, PAYMENTS, CLOSED = "999999999999", "012345678901", "222222222222", "333333333333"
ROOT, WORKLOADS, PROD, EMPTY = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
UNITS: Mapping[str, Mapping[str, str]] = {
    ROOT: {WORKLOADS: "Workloads", EMPTY: "Empty"},
    WORKLOADS: {PROD: "Prod"},
}


def account(account_id: str, *units: str, **given: Any) -> dict[str, Any]:
    told = {
        "Id": account_id,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:account/o-example/{account_id}",
        "Email": f"{account_id}@example.com",
        "Name": f"team {account_id}",
        "State": "ACTIVE",
        "Paths": ["/".join(["o-example", ROOT, *units]) + "/"],
    }
    return {**told, **given}


ACCOUNTS = (
    account(MANAGEMENT),
    account(SEARCH, WORKLOADS, PROD),
    account(PAYMENTS, WORKLOADS),
    account(CLOSED, WORKLOADS, State="CLOSED"),
)


def refused(operation: str, code: str, text: str | None) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)  # type: ignore[typeddict-item]


class Organizations:
    """Stands in for the client of AWS Organizations: answers with one item a page, and keeps what it was asked."""

    def __init__(self, *accounts: Mapping[str, Any]) -> None:
        self.accounts = accounts or ACCOUNTS
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.failures: dict[str, Exception] = {}
        self.pages: dict[str, Iterable[Mapping[str, Any]]] = {}

    def get_paginator(self, name: str) -> Any:
        return Paginator(self, name)

    def describe_organizational_unit(self, **params: str) -> Mapping[str, Any]:
        return self.answer("describe_organizational_unit", params)[0]

    def answer(self, name: str, params: Mapping[str, str]) -> Any:
        self.asked.append((name, params))
        if name in self.failures:
            raise self.failures[name]
        return self.pages.get(name) or getattr(self, f"_{name}")(**params)

    def _list_accounts(self) -> Any:
        return [{"Accounts": [each]} for each in self.accounts]

    def _list_organizational_units_for_parent(self, ParentId: str) -> Any:
        units = UNITS.get(ParentId, {})
        return [{"OrganizationalUnits": [{"Id": unit, "Name": name}]} for unit, name in units.items()]

    def _list_roots(self) -> Any:
        return [{"Roots": [{"Id": ROOT}]}]

    def _list_accounts_for_parent(self, ParentId: str) -> Any:
        places = {MANAGEMENT: ROOT, SEARCH: PROD, PAYMENTS: WORKLOADS, CLOSED: WORKLOADS}
        return [{"Accounts": [{"Id": each} for each, place in places.items() if place == ParentId]}]

    def _list_tags_for_resource(self, ResourceId: str) -> Any:
        return [{"Tags": [{"Key": "Name", "Value": f"tag {ResourceId}"}]}, {"Tags": [{"Key": "x", "Value": ""}]}]

    def _describe_organizational_unit(self, OrganizationalUnitId: str) -> Any:
        return [{"OrganizationalUnit": {"Id": OrganizationalUnitId}}]


class Paginator:
    def __init__(self, api: Organizations, name: str) -> None:
        self._api, self._name = api, name

    def paginate(self, **params: str) -> Iterator[Mapping[str, Any]]:
        yield from self._api.answer(self._name, params)


class Source:
    """The plugin, read by what reads inventories."""

    def __init__(self, folder: Path, api: Organizations) -> None:
        self.path = folder / "accounts.organization.yml"
        self.api = api
        self.plugin = construct("inventory", organization, organization.InventoryModule.NAME)
        self.clients: list[tuple[tuple[Any, ...], Mapping[str, Any]]] = []
        self.roles = 0
        self.warnings: list[str] = []
        self.plugin.client = self._client
        self.plugin.warn = self.warnings.append

    def _client(self, *given: Any, **options: Any) -> Organizations:
        self.clients.append((given, options))
        return self.api

    def read(self, is_flushed: bool = False, **options: Any) -> InventoryData:
        text = yaml.safe_dump({"plugin": "muster.aws.organization", **options})
        self.path.write_text(text, encoding="utf-8")
        self.inventory = InventoryData()
        given = {"cache": False} if is_flushed else {}
        self.plugin.parse(self.inventory, DataLoader(), str(self.path), **given)
        if options.get("cache"):
            self.plugin.update_cache_if_changed()
        return self.inventory

    def refusal(self, **options: Any) -> str:
        with pytest.raises(AnsibleParserError) as failure:
            self.read(**options)
        return str(failure.value)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source(tmp_path, Organizations())

    def assume(_plugin: Any) -> None:
        source.roles += 1

    monkeypatch.setattr(AWSInventoryBase, "_set_frozen_credentials", assume)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return source


WHOLE: Mapping[str, list[str]] = {
    "all": [],
    "ungrouped": [],
    "aws_organization": [SEARCH, PAYMENTS, MANAGEMENT],
    "ou_ab12_11111111": [PAYMENTS, SEARCH],
    "ou_ab12_22222222": [SEARCH],
    "ou_ab12_33333333": [],
}
NAMED: Mapping[str, list[str]] = {"ou_workloads": [PAYMENTS, SEARCH], "ou_workloads_prod": [SEARCH], "ou_empty": []}
ASKED = [
    ("list_accounts", {}),
    ("list_organizational_units_for_parent", {"ParentId": WORKLOADS}),
    ("list_organizational_units_for_parent", {"ParentId": ROOT}),
]


def test_organization_becomes_hosts_with_variables_in_groups_nested_as_its_units_are(source: Source) -> None:
    inventory = source.read()
    assert inventory.get_groups_dict() == {**WHOLE, **NAMED}
    told = {name: value for name, value in inventory.hosts[SEARCH].vars.items() if not name.startswith("inventory_")}
    assert told == {
        "onboard_account_id": SEARCH,
        "onboard_account_email": f"{SEARCH}@example.com",
        "account_id": SEARCH,
        "account_name": f"team {SEARCH}",
        "account_email": f"{SEARCH}@example.com",
        "account_state": "ACTIVE",
        "account_arn": f"arn:aws:organizations::{MANAGEMENT}:account/o-example/{SEARCH}",
        "account_joined_method": None,
        "account_joined_at": None,
        "account_is_management": False,
        "account_organization_id": "o-example",
        "account_ou_id": PROD,
        "account_ou_ids": [WORKLOADS, PROD],
        "account_ou_path": "/Workloads/Prod",
        "account_tags": {},
    }
    children = {
        name: sorted(child.name for child in group.child_groups)
        for name, group in inventory.groups.items()
        if name != "all"
    }
    assert children == {
        "ungrouped": [],
        "aws_organization": ["ou_ab12_11111111", "ou_ab12_33333333"],
        "ou_ab12_11111111": ["ou_ab12_22222222"],
        "ou_ab12_22222222": [],
        "ou_ab12_33333333": [],
        "ou_workloads": ["ou_ab12_11111111"],
        "ou_workloads_prod": ["ou_ab12_22222222"],
        "ou_empty": ["ou_ab12_33333333"],
    }
    assert (source.api.asked, source.roles, source.warnings) == (ASKED, 1, [])


@pytest.mark.parametrize(("options", "region"), [({}, "us-east-1"), ({"region": "us-gov-west-1"}, "us-gov-west-1")])
def test_client_is_patient_and_of_the_region_that_is_named(source: Source, options: Any, region: str) -> None:
    source.read(**options)
    [(given, told)] = source.clients
    config = told.pop("config")
    assert (given, told) == (("organizations",), {"region": region})
    assert (config.retries, config.max_pool_connections) == ({"mode": "standard", "total_max_attempts": 10}, 8)


def test_sdk_that_does_not_read_what_is_needed_is_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Mapping[str, Any]] = []
    monkeypatch.setattr(source.plugin, "require_aws_sdk", lambda **given: asked.append(given))
    source.read()
    assert asked == [{"botocore_version": "1.40.27", "boto3_version": None}]


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({"states": ["CLOSED"]}, {CLOSED}),
        ({"states": "ACTIVE, CLOSED"}, {MANAGEMENT, SEARCH, PAYMENTS, CLOSED}),
        ({"organizational_units": [WORKLOADS]}, {SEARCH, PAYMENTS}),
        ({"organizational_units": [ROOT], "exclude_organizational_units": [PROD]}, {MANAGEMENT, PAYMENTS}),
        ({"accounts": [SEARCH]}, {SEARCH}),
        ({"exclude_accounts": [PAYMENTS]}, {SEARCH, MANAGEMENT}),
        ({"include_management_account": False}, {SEARCH, PAYMENTS}),
    ],
)
@pytest.mark.parametrize("has_paths", [True, False])
def test_accounts_are_chosen_by_state_unit_and_id(
    source: Source, options: dict[str, Any], hosts: set[str], has_paths: bool
) -> None:
    if not has_paths:
        source.api.accounts = [{**each, "Paths": None} for each in ACCOUNTS]
    assert set(source.read(**options).hosts) == hosts


def test_choice_that_cannot_be_meant_is_refused_before_any_call(source: Source) -> None:
    assert source.refusal(states=["active"], accounts=[1]) == (
        "muster.aws.organization: 'active' is no state of an account: "
        "PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED; "
        "account id 1 is of type int, not a string of 12 digits; "
        'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"'
    )
    assert (source.api.asked, source.clients, source.roles) == ([], [], 0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"organizational_unit": [WORKLOADS]},
            "organizational_unit is no option of this inventory; did you mean organizational_units?",
        ),
        ({"include_management_account": "maybe"}, "include_management_account is 'maybe': give true or false"),
        ({"tags": [True]}, "tags is [True]: give true or false"),
        ({"nonsense": 1, "strict": 2}, "nonsense is no option of this inventory; strict is 2: give true or false"),
        ({"hostnames": ["tag:Name"]}, "hostnames: tag:Name needs tags: true, which costs one call for each account"),
        ({"accounts": [SEARCH], "exclude_accounts": [SEARCH]}, f"{SEARCH} is in both accounts and exclude_accounts"),
    ],
)
def test_key_or_value_that_cannot_be_meant_is_refused_before_any_call(
    source: Source, options: dict[str, Any], told: str
) -> None:
    assert (
        source.refusal(**{"tags": None, "strict_permissions": "yes", **options}) == f"muster.aws.organization: {told}"
    )
    assert (source.api.asked, source.clients, source.roles) == ([], [], 0)


def test_every_option_is_a_key_also_by_its_other_name(source: Source, tmp_path: Path) -> None:
    source.read(
        **CONSTRUCTED, strict=False, use_extra_vars=False, leading_separator=True, cache=False, aws_profile="somebody"
    )
    assert source.plugin.get_option("profile") == "somebody"


def test_account_that_is_named_and_left_out_is_told_also_from_the_cache(source: Source, cache: dict[str, Any]) -> None:
    told = [f"muster.aws.organization: account {CLOSED} is not taken: it is CLOSED, and states has ACTIVE"]
    for _run in ("read", "cached"):
        assert set(source.read(accounts=[CLOSED, SEARCH], **cache).hosts) == {SEARCH}
        assert source.warnings == told
        source.warnings.clear()
    assert source.roles == 1


def test_account_that_is_named_and_taken_is_not_told(source: Source) -> None:
    source.read(accounts=[SEARCH], organizational_units=[ROOT])
    assert source.warnings == []


def test_cache_of_an_earlier_version_is_read(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"rows": [], "tree": {}}
    monkeypatch.setattr(source.plugin, "get_cached_result", lambda _path, _cache: (True, kept))
    assert source.read().hosts == {}


def test_account_called_like_a_group_is_called_by_its_id(source: Source) -> None:
    names = ["aws_organization", "ou_ab12_11111111", "ou_workloads"]
    source.api.accounts = [
        account(each, WORKLOADS, Name=name) for each, name in zip((SEARCH, PAYMENTS, CLOSED), names, strict=True)
    ]
    assert set(source.read(hostnames=["account_name"]).hosts) == {SEARCH, PAYMENTS, CLOSED}
    assert source.warnings == [
        f"muster.aws.organization: account {each} is called by its id: {name!r} is a word or a group of the inventory"
        for each, name in zip((SEARCH, PAYMENTS, CLOSED), names, strict=True)
    ]


def test_account_that_is_not_there_is_refused(source: Source) -> None:
    assert source.refusal(accounts=["444444444444"]) == (
        "muster.aws.organization: not in this organization: account 444444444444"
    )


def test_answers_without_paths_are_walked_to_the_same_inventory(source: Source) -> None:
    source.api.accounts = [{**each, "Paths": None} for each in ACCOUNTS]
    assert source.read().get_groups_dict() == {**WHOLE, **NAMED}
    assert [name for name, _params in source.api.asked].count("list_accounts_for_parent") == 4


def test_names_of_units_are_not_asked_for_where_nobody_wants_them(source: Source) -> None:
    inventory = source.read(organizational_unit_names=False)
    assert source.api.asked == ASKED[:1]
    assert inventory.get_groups_dict() == {name: hosts for name, hosts in WHOLE.items() if "33333333" not in name}
    assert inventory.hosts[SEARCH].vars["account_ou_path"] == f"/{WORKLOADS}/{PROD}"


def test_tree_is_not_walked_where_nobody_needs_it(source: Source) -> None:
    source.api.accounts = [{**each, "Paths": None} for each in ACCOUNTS]
    inventory = source.read(organizational_unit_names=False)
    assert source.api.asked == ASKED[:1]
    assert inventory.get_groups_dict() == {name: hosts for name, hosts in WHOLE.items() if "ou_" not in name}
    source.read(organizational_unit_names=False, organizational_units=[WORKLOADS])
    assert ("list_roots", {}) in source.api.asked


@pytest.mark.parametrize("option", ["organizational_units", "exclude_organizational_units"])
def test_unit_that_no_account_tells_is_looked_for(source: Source, option: str) -> None:
    source.read(organizational_unit_names=False, **{option: [ROOT, PROD, EMPTY]})
    assert source.api.asked == [ASKED[0], ("describe_organizational_unit", {"OrganizationalUnitId": EMPTY})]
    for failure in (refused("DescribeOrganizationalUnit", "NotFound", "No."), ReadTimeoutError(endpoint_url="x")):
        source.api.failures["describe_organizational_unit"] = failure
        told = source.refusal(**{option: ["ou-x"]})
        assert told == f"muster.aws.organization: the organizational unit 'ou-x' cannot be found: {failure}"


def test_tags_are_read_of_the_accounts_taken_where_that_is_asked_for(source: Source) -> None:
    inventory = source.read(tags=True, accounts=[SEARCH, PAYMENTS], hostnames=["tag:Name"])
    tags = {host: dict(found.vars["account_tags"]) for host, found in inventory.hosts.items()}
    assert tags == {f"tag-{each}": {"Name": f"tag {each}", "x": ""} for each in (SEARCH, PAYMENTS)}
    asked = [params["ResourceId"] for name, params in source.api.asked if name == "list_tags_for_resource"]
    assert sorted(asked) == [SEARCH, PAYMENTS]


DENIED = "AccessDeniedException: No.; use the credentials of the management account or of a delegated administrator"


@pytest.mark.parametrize(
    ("operation", "name", "options", "has_paths"),
    [
        ("ListTagsForResource", "list_tags_for_resource", {"tags": True, "accounts": [SEARCH]}, True),
        ("ListOrganizationalUnitsForParent", "list_organizational_units_for_parent", {}, True),
        (
            "ListOrganizationalUnitsForParent",
            "list_organizational_units_for_parent",
            {"organizational_units": [WORKLOADS]},
            True,
        ),
        ("ListRoots", "list_roots", {}, False),
    ],
)
def test_what_the_list_can_do_without_may_be_denied_if_that_is_said(
    source: Source, operation: str, name: str, options: dict[str, Any], has_paths: bool
) -> None:
    if not has_paths:
        source.api.accounts = [{**each, "Paths": None} for each in ACCOUNTS]
    source.api.failures[name] = refused(operation, "AccessDeniedException", "No.")
    assert source.refusal(**options) == (
        f"muster.aws.organization: {operation}: {DENIED}; strict_permissions: false goes on without"
    )
    assert source.warnings == []
    inventory = source.read(strict_permissions=False, **options)
    assert source.warnings == [f"muster.aws.organization: {operation}: {DENIED}"]
    assert SEARCH in inventory.hosts and inventory.hosts[SEARCH].vars["account_tags"] == {}


@pytest.mark.parametrize("code", ["ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"])
def test_credentials_that_run_out_meanwhile_are_no_missing_permission(source: Source, code: str) -> None:
    source.api.failures["list_tags_for_resource"] = refused("ListTagsForResource", code, "No.")
    told = f"muster.aws.organization: ListTagsForResource: {code}: No."
    assert source.refusal(strict_permissions=False, tags=True) == told


def test_what_the_cache_is_without_is_told_each_time(source: Source, cache: dict[str, Any]) -> None:
    source.api.failures["list_tags_for_resource"] = refused("ListTagsForResource", "AccessDeniedException", "No.")
    for _run in ("read", "cached"):
        source.read(strict_permissions=False, tags=True, **cache)
        assert source.warnings == [f"muster.aws.organization: ListTagsForResource: {DENIED}"]
        source.warnings.clear()
    assert source.roles == 1


def test_tree_that_the_choice_needs_may_not_be_denied(source: Source) -> None:
    source.api.accounts = [{**each, "Paths": None} for each in ACCOUNTS]
    source.api.failures["list_roots"] = refused("ListRoots", "AccessDeniedException", "No.")
    told = source.refusal(strict_permissions=False, organizational_units=[WORKLOADS])
    assert told.startswith(f"muster.aws.organization: ListRoots: {DENIED}; ")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (refused("ListAccounts", "AccessDeniedException", "No."), f"ListAccounts: {DENIED}"),
        (
            refused("ListAccounts", "AWSOrganizationsNotInUseException", None),
            "ListAccounts: AWSOrganizationsNotInUseException:",
        ),
        (ClientError({}, "ListAccounts"), "ListAccounts: :"),
        (ReadTimeoutError(endpoint_url="x"), 'ListAccounts: Read timeout on endpoint URL: "x"'),
    ],
)
def test_list_that_fails_fails_the_inventory(source: Source, failure: Exception, told: str) -> None:
    source.api.failures["list_accounts"] = failure
    assert source.refusal(strict_permissions=False) == f"muster.aws.organization: {told}"


@pytest.mark.parametrize("page", [{}, {"Accounts": None}, {"Accounts": {"Id": SEARCH}}])
def test_page_that_cannot_be_read_fails_the_inventory(source: Source, page: Mapping[str, Any]) -> None:
    source.api.pages["list_accounts"] = [{"Accounts": [ACCOUNTS[0]]}, page]
    told = "muster.aws.organization: ListAccounts: the answer has no usable Accounts, or no end"
    assert source.refusal() == told


def endless(limit: int) -> Iterator[Mapping[str, Any]]:
    for _page in range(limit):
        yield {"Accounts": [ACCOUNTS[0]]}
    raise AssertionError("asked for more")


def test_list_without_an_end_ends(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organization, "_PAGE_LIMIT", 5)
    assert len(source.read().hosts) == 3
    monkeypatch.setattr(organization, "_PAGE_LIMIT", 4)
    source.api.pages["list_accounts"] = endless(4)
    told = "muster.aws.organization: ListAccounts: the answer has no usable Accounts, or no end"
    assert source.refusal() == told


def test_names_that_are_not_one_account_s_or_one_unit_s_alone_are_told(source: Source) -> None:
    source.api.accounts = [account(SEARCH, WORKLOADS, Name="same"), account(PAYMENTS, EMPTY, Name="same")]
    source.api.pages["list_organizational_units_for_parent"] = [
        {"OrganizationalUnits": [{"Id": WORKLOADS, "Name": "Both"}, {"Id": EMPTY, "Name": "both"}]}
    ]
    inventory = source.read(hostnames=["account_name"])
    assert set(inventory.hosts) == {SEARCH, PAYMENTS}
    assert source.warnings == [
        *(
            f"muster.aws.organization: account {each} is called by its id: 'same' is not its name alone"
            for each in (SEARCH, PAYMENTS)
        ),
        "muster.aws.organization: several organizational units would be called ou_both: use the groups of their ids",
    ]


CONSTRUCTED: Mapping[str, Any] = {
    "compose": {"onboard_account_name": "account_name | upper"},
    "groups": {"bosses": "account_is_management"},
    "keyed_groups": [{"key": "account_state", "prefix": "state"}],
}


def test_variables_and_groups_are_constructed_from_an_account_s_row(source: Source) -> None:
    inventory = source.read(**CONSTRUCTED)
    assert inventory.hosts[SEARCH].vars["onboard_account_name"] == f"TEAM {SEARCH}"
    groups = inventory.get_groups_dict()
    assert groups["bosses"] == [MANAGEMENT] and sorted(groups["state_ACTIVE"]) == [SEARCH, PAYMENTS, MANAGEMENT]


@pytest.mark.parametrize(
    "options",
    [
        {"compose": {"x": "nothing.there"}},
        {"groups": {"x": "nothing.there"}},
        {"keyed_groups": [{"key": "nothing.there"}]},
    ],
)
def test_construction_that_fails_is_passed_over_unless_that_is_strict(source: Source, options: dict[str, Any]) -> None:
    assert len(source.read(**options).hosts) == 3
    with pytest.raises(AnsibleError):
        source.read(strict=True, **options)


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, Any]:
    """Return the options of a cache."""
    return {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}


def test_cache_is_read_without_a_call_and_gives_the_same_inventory(source: Source, cache: dict[str, Any]) -> None:
    first = source.read(**cache).get_groups_dict()
    variables = source.inventory.hosts[SEARCH].vars
    source.api.asked.clear()
    assert source.read(**cache).get_groups_dict() == first
    assert source.inventory.hosts[SEARCH].vars == variables
    assert (source.api.asked, source.roles, len(source.clients)) == ([], 1, 1)


def test_cache_is_left_alone_where_it_is_not_wanted(source: Source, cache: dict[str, Any]) -> None:
    source.read(**cache)
    source.read(cache=False, **{name: value for name, value in cache.items() if name != "cache"})
    assert source.roles == 2


def test_cache_is_flushed_where_that_is_asked_for(source: Source, cache: dict[str, Any]) -> None:
    source.read(**cache)
    source.api.accounts = ACCOUNTS[:2]
    assert len(source.read(is_flushed=True, **cache).hosts) == 2
    assert len(source.read(**cache).hosts) == 2 and source.roles == 2


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_ORGANIZATIONS",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
)
def test_cache_of_somebody_else_is_not_read(
    source: Source, cache: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.read(**cache)
    key = source.plugin.get_cache_key("path")
    monkeypatch.setenv(name, "somebody")
    source.read(**cache)
    assert source.roles == 2
    assert source.plugin.get_cache_key("path") != key


def test_cache_of_other_options_is_not_read(source: Source, cache: dict[str, Any]) -> None:
    source.read(**cache)
    key = source.plugin.get_cache_key("path")
    assert re.fullmatch(r".+_k[0-9a-f]{6}_[0-9a-f]{16}", key)
    assert source.plugin.get_cache_key("other path")[:-16] != key[:-16]
    assert source.plugin.get_cache_key("other path")[-16:] == key[-16:]
    source.read(**cache, states=["CLOSED"])
    assert source.roles == 2
