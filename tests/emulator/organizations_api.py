# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Organizations, as AWS answers today: moto has Status, no Paths, pages of 100.

What an inventory reads, and what a delegation needs. Only the management account and delegated administrators may
read, only the management account may write. Everything else of Organizations is moto's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import AwsError
from .server import HttpRequest, HttpResponse
from .state import Unit, World
from .wire import partition_of

ORGANIZATION_ID, ROOT_ID = "o-exampleorgid", "r-ab12"
_PAGE_SIZE = 20
_A_DATE = 1767225600.0

Items = list[dict[str, Any]]


def list_accounts(world: World, params: Mapping[str, Any], partition: str) -> Items:
    return [_account(world, account_id, partition) for account_id in sorted(world.organization.account_ids)]


def list_roots(world: World, params: Mapping[str, Any], partition: str) -> Items:
    return [{"Id": ROOT_ID, "Name": "Root", "PolicyTypes": []}]


def list_accounts_for_parent(world: World, params: Mapping[str, Any], partition: str) -> Items:
    _check_parent(world, params["ParentId"])
    places = world.organization.places
    return [
        _account(world, account_id, partition)
        for account_id in sorted(world.organization.account_ids)
        if places.get(account_id, ROOT_ID) == params["ParentId"]
    ]


def list_organizational_units_for_parent(world: World, params: Mapping[str, Any], partition: str) -> Items:
    _check_parent(world, params["ParentId"])
    units = world.organization.units
    return [_unit(unit_id, unit) for unit_id, unit in units.items() if (unit.parent or ROOT_ID) == params["ParentId"]]


def list_tags_for_resource(world: World, params: Mapping[str, Any], partition: str) -> Items:
    return [{"Key": key, "Value": value} for key, value in world.account(params["ResourceId"]).tags.items()]


def list_service_access(world: World, params: Mapping[str, Any], partition: str) -> Items:
    principals = sorted(world.organization.trusted_principals)
    return [{"ServicePrincipal": principal, "DateEnabled": _A_DATE} for principal in principals]


def list_delegated_administrators(world: World, params: Mapping[str, Any], partition: str) -> Items:
    asked = params.get("ServicePrincipal")
    administrators = {
        account_id
        for service, delegated in world.organization.delegated.items()
        if asked in (None, f"{service}.amazonaws.com")
        for account_id in {delegated.default, *delegated.per_region.values()} - {None}
    }
    return [
        {**_account(world, account_id, partition), "DelegationEnabledDate": _A_DATE}
        for account_id in sorted(administrators)
    ]


# Operation: the key of its items, and what they are.
_LISTS = {
    "ListAccounts": ("Accounts", list_accounts),
    "ListAccountsForParent": ("Accounts", list_accounts_for_parent),
    "ListRoots": ("Roots", list_roots),
    "ListOrganizationalUnitsForParent": ("OrganizationalUnits", list_organizational_units_for_parent),
    "ListTagsForResource": ("Tags", list_tags_for_resource),
    "ListAWSServiceAccessForOrganization": ("EnabledServicePrincipals", list_service_access),
    "ListDelegatedAdministrators": ("DelegatedAdministrators", list_delegated_administrators),
}
OPERATIONS = frozenset({*_LISTS, "DescribeOrganizationalUnit", "EnableAWSServiceAccess"})


def answer(world: World, request: HttpRequest, operation: str, params: Mapping[str, Any]) -> HttpResponse:
    """Answer one of ``OPERATIONS``."""
    _check_caller(world, request.account_id)
    if operation == "DescribeOrganizationalUnit":
        unit_id = params["OrganizationalUnitId"]
        _check_parent(world, unit_id)
        result: dict[str, Any] = {"OrganizationalUnit": _unit(unit_id, world.organization.units[unit_id])}
    elif operation == "EnableAWSServiceAccess":
        if request.account_id != world.organization.management_account:
            raise _denied()
        world.organization.trusted_principals.add(params["ServicePrincipal"])
        result = {}
    else:
        key, items = _LISTS[operation]
        result = _page(world, key, items(world, params, partition_of(request.region)), params)
    return HttpResponse(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(result).encode())


def _check_caller(world: World, account_id: str) -> None:
    organization = world.organization
    if organization.management_account is None:
        message = "Your account is not a member of an organization."
        raise AwsError("AWSOrganizationsNotInUseException", message, 400)
    if account_id not in {organization.management_account, *organization.administrators()}:
        raise _denied()


def _denied() -> AwsError:
    return AwsError("AccessDeniedException", "You don't have permissions to access this resource.", 400)


def _check_parent(world: World, parent_id: str) -> None:
    if parent_id != ROOT_ID and parent_id not in world.organization.units:
        code = "OrganizationalUnitNotFoundException"
        raise AwsError(code, "You specified an organizational unit that doesn't exist.", 400)


def _page(world: World, key: str, items: Items, params: Mapping[str, Any]) -> dict[str, Any]:
    """Cut a page; with the knob, an empty one that carries a token comes before each."""
    start, _slash, seen = str(params.get("NextToken") or "0").partition("/")
    if world.knobs.empty_pages and not seen:
        return {key: [], "NextToken": f"{start}/seen"}
    size = min(_PAGE_SIZE, int(params.get("MaxResults") or _PAGE_SIZE))
    end = int(start) + size
    return {key: items[int(start) : end], **({"NextToken": str(end)} if end < len(items) else {})}


def _unit(unit_id: str, unit: Unit) -> dict[str, Any]:
    return {"Id": unit_id, "Name": unit.name, "Arn": f"arn:aws:organizations::ou/{unit_id}"}


def _account(world: World, account_id: str, partition: str) -> dict[str, Any]:
    organization, account = world.organization, world.account(account_id)
    state = account.state or ("SUSPENDED" if account.suspended else "ACTIVE")
    fields = world.knobs.organizations_fields
    place = f"{organization.management_account}:account/{ORGANIZATION_ID}/{account_id}"
    return {
        "Id": account_id,
        "Arn": f"arn:{partition}:organizations::{place}",
        "Email": account.email,
        "Name": account.name or f"account-{account_id}",
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": _A_DATE,
        **({} if fields in ("Status", "neither") else {"State": state}),
        **({"Status": "SUSPENDED" if state == "CLOSED" else state} if fields == "Status" else {}),
        **({"Paths": [_path(world, account_id)]} if fields == "State+Paths" else {}),
    }


def _path(world: World, account_id: str) -> str:
    units: list[str] = []
    unit_id = world.organization.places.get(account_id)
    while unit_id:
        units.insert(0, unit_id)
        unit_id = world.organization.units[unit_id].parent
    return "/".join([ORGANIZATION_ID, ROOT_ID, *units, ""])
