# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""STS, Organizations, EC2 and IAM through moto, with the emulator's accounts."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MANAGEMENT,
    MEMBER,
    OTHER,
    REGION,
    ZERO,
    Clients,
    error_of,
)

ROLE = "MembershipOnboarding"


def arn(account_id: str, name: str = ROLE, partition: str = "aws") -> dict[str, str]:
    return {"RoleArn": f"arn:{partition}:iam::{account_id}:role/{name}", "RoleSessionName": "testing"}


def test_unknown_key_is_the_caller_everywhere(emulator: Emulator) -> None:
    keys = {"aws_access_key_id": "AKIAUNKNOWN", "aws_secret_access_key": "secret", "region_name": REGION}
    identity = boto3.client("sts", endpoint_url=emulator.url, **keys).get_caller_identity()
    assert identity["Account"] == ADMINISTRATOR
    boto3.client("guardduty", endpoint_url=emulator.url, **keys).list_detectors()
    assert {call.account_id for call in emulator.calls} == {ADMINISTRATOR}


@pytest.mark.parametrize("account_id", [MEMBER, ZERO])
def test_assumed_role_acts_in_its_account(emulator: Emulator, clients: Clients, account_id: str) -> None:
    given = clients("sts").assume_role(**arn(account_id))["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
    identity = session.client("sts", endpoint_url=emulator.url).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{account_id}:assumed-role/{ROLE}/testing"
    session.client("guardduty", endpoint_url=emulator.url).create_detector(Enable=True)
    assert emulator.world.home("guardduty", account_id, REGION).switch is not None
    assert [call.account_id for call in emulator.calls] == [ADMINISTRATOR, account_id, account_id]


def test_roles_of_another_partition(emulator: Emulator, clients: Clients) -> None:
    answer = clients("sts", region="cn-north-1").assume_role(**arn(MEMBER, partition="aws-cn"))
    assert answer["AssumedRoleUser"]["Arn"].startswith(f"arn:aws-cn:sts::{MEMBER}:")


@pytest.mark.parametrize(
    ("account", "arguments"),
    [
        ({"assumable": False}, {}),
        ({"suspended": True}, {}),
        ({"role_name": "Another"}, {}),
        ({"external_id": "tenant"}, {}),
        ({"external_id": "tenant"}, {"ExternalId": "wrong"}),
    ],
)
def test_role_that_may_not_be_assumed(
    emulator: Emulator, clients: Clients, account: dict[str, object], arguments: dict[str, str]
) -> None:
    emulator.seed({"accounts": {MEMBER: account}})
    code, status, text = error_of(clients("sts").assume_role, **arn(MEMBER), **arguments)
    assert (code, status) == ("AccessDenied", 403)
    assert "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/" in text


@pytest.mark.parametrize(
    ("account", "arguments"),
    [({"role_name": ROLE}, {}), ({"external_id": "tenant"}, {"ExternalId": "tenant"}), ({}, {"ExternalId": "any"})],
)
def test_role_that_may_be_assumed(
    emulator: Emulator, clients: Clients, account: dict[str, object], arguments: dict[str, str]
) -> None:
    emulator.seed({"accounts": {MEMBER: account}})
    assert clients("sts").assume_role(**arn(MEMBER), **arguments)["Credentials"]


def test_role_with_a_path(emulator: Emulator, clients: Clients) -> None:
    emulator.seed({"accounts": {MEMBER: {"role_name": ROLE}}})
    assert clients("sts").assume_role(**arn(MEMBER, name=f"security/{ROLE}"))["Credentials"]
    assert error_of(clients("sts").assume_role, RoleArn="arn:aws:iam::1:nothing", RoleSessionName="testing")[1] == 400


def test_organization_is_the_seeded_one(emulator: Emulator, clients: Clients) -> None:
    emulator.seed(
        {
            "accounts": {MEMBER: {"email": "member@example.com"}, OTHER: {"suspended": True}},
            "organization": {"management_account": MANAGEMENT, "account_ids": [MEMBER, ZERO, OTHER]},
        }
    )
    client = clients("organizations", MANAGEMENT)
    accounts = {
        account["Id"]: (account["Email"], account["State"])
        for page in client.get_paginator("list_accounts").paginate()
        for account in page["Accounts"]
    }
    assert accounts == {
        MANAGEMENT: (f"{MANAGEMENT}@example.com", "ACTIVE"),
        MEMBER: ("member@example.com", "ACTIVE"),
        ZERO: (f"{ZERO}@example.com", "ACTIVE"),
        OTHER: (f"{OTHER}@example.com", "SUSPENDED"),
    }
    assert client.describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT
    assert client.describe_account(AccountId=ZERO)["Account"]["Id"] == ZERO


def test_no_organization_without_a_seed(emulator: Emulator, clients: Clients) -> None:
    code = error_of(clients("organizations").describe_organization)[0]
    assert code == "AWSOrganizationsNotInUseException"


def test_region_that_is_not_opted_in(emulator: Emulator, clients: Clients) -> None:
    emulator.seed({"accounts": {MEMBER: {"disabled_regions": ["me-south-1"]}}})
    for service in ("guardduty", "securityhub"):
        code, status, _text = error_of(clients(service, MEMBER, "me-south-1").list_invitations)
        assert (code, status) == ("UnrecognizedClientException", 403)
    clients("guardduty", MEMBER, "eu-west-1").list_invitations()
    clients("guardduty", OTHER, "me-south-1").list_invitations()


def test_sts_in_a_region_that_is_not_opted_in(emulator: Emulator, clients: Clients) -> None:
    emulator.seed({"accounts": {MEMBER: {"disabled_regions": ["me-south-1", "us-east-1"]}}})
    identify = clients("sts", MEMBER, "me-south-1").get_caller_identity
    assert error_of(identify)[0] == "InvalidClientTokenId"
    assert error_of(clients("sts", region="me-south-1").assume_role, **arn(MEMBER))[0] == "RegionDisabledException"
    assert clients("sts", region="us-east-1").assume_role(**arn(MEMBER))["Credentials"]  # never off
    assert clients("sts", region="me-south-1").assume_role(**arn(OTHER))["Credentials"]


def test_regions_as_an_account_sees_them(emulator: Emulator, clients: Clients) -> None:
    emulator.seed({"accounts": {MEMBER: {"disabled_regions": ["me-south-1"]}}})

    def regions(account_id: str, **arguments: object) -> dict[str, str]:
        answer = clients("ec2", account_id).describe_regions(**arguments)
        return {region["RegionName"]: region["OptInStatus"] for region in answer["Regions"]}

    def wanting(name: str, *values: str) -> list[dict[str, object]]:
        return [{"Name": name, "Values": list(values)}]

    assert "me-south-1" not in regions(MEMBER)
    assert regions(MEMBER, AllRegions=True)["me-south-1"] == "not-opted-in"
    assert regions(MEMBER, RegionNames=["me-south-1"]) == {"me-south-1": "not-opted-in"}
    assert regions(MEMBER, AllRegions=True, Filters=wanting("opt-in-status", "not-opted-in")).keys() == {"me-south-1"}
    assert regions(OTHER)["me-south-1"] == "opted-in"
    assert regions(OTHER)["us-east-1"] == "opt-in-not-required"
    assert regions(OTHER, Filters=wanting("region-name", "eu-west-1")).keys() == {"eu-west-1"}


def test_iam_belongs_to_the_calling_account(emulator: Emulator, clients: Clients) -> None:
    clients("iam", MEMBER).create_account_alias(AccountAlias="member")
    assert clients("iam", MEMBER).list_account_aliases()["AccountAliases"] == ["member"]
    assert clients("iam", OTHER).list_account_aliases()["AccountAliases"] == []


def test_calls_are_in_the_log(emulator: Emulator, clients: Clients) -> None:
    clients("sts").assume_role(**arn(MEMBER))
    error_of(clients("organizations").describe_account, AccountId=ZERO)
    assumed, described = emulator.calls
    assert (assumed.service, assumed.operation, assumed.is_write) == ("sts", "AssumeRole", False)
    assert assumed.params["RoleArn"].endswith(ROLE)
    assert (described.service, described.params, described.http_status) == ("organizations", {"AccountId": ZERO}, 400)
