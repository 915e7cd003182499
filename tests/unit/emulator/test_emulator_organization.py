# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delegated administrators, auto-enable and what they forbid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MANAGEMENT,
    MEMBER,
    OTHER,
    REGION,
    SERVICES,
    ZERO,
    Clients,
    Side,
    error_of,
)

Sides = Callable[..., Side]


@pytest.fixture
def organization(emulator: Emulator) -> dict[str, Any]:
    """An organization without a delegated administrator; ZERO is outside."""
    seed = {"management_account": MANAGEMENT, "account_ids": [ADMINISTRATOR, MEMBER, OTHER]}
    emulator.seed({"organization": seed})
    return seed


@pytest.fixture
def delegated(emulator: Emulator, organization: dict[str, Any]) -> None:
    """The organization with ADMINISTRATOR as the delegated administrator of both services."""
    emulator.seed({"organization": {**organization, "delegated_administrator": dict.fromkeys(SERVICES, ADMINISTRATOR)}})


def listed_admins(client: Any) -> list[tuple[str, str]]:
    return [tuple(admin.values()) for admin in client.list_organization_admin_accounts()["AdminAccounts"]]


@pytest.mark.parametrize("service", SERVICES)
def test_delegation_by_region(organization: dict[str, Any], clients: Clients, service: str) -> None:
    management = clients(service, MANAGEMENT)
    assert listed_admins(management) == []
    management.enable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    assert listed_admins(management) == [(ADMINISTRATOR, "ENABLED")]
    assert listed_admins(clients(service, MANAGEMENT, "eu-west-1")) == []
    text = error_of(management.enable_organization_admin_account, AdminAccountId=OTHER)[2]
    assert "already" in text
    management.disable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    assert listed_admins(management) == []
    text = error_of(management.disable_organization_admin_account, AdminAccountId=ADMINISTRATOR)[2]
    assert "has already been disabled" in text


@pytest.mark.parametrize("service", SERVICES)
def test_delegation_switches_the_service_on(
    organization: dict[str, Any], emulator: Emulator, clients: Clients, service: str
) -> None:
    clients(service, MANAGEMENT).enable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    assert emulator.world.home(service, ADMINISTRATOR, REGION).switch is not None


@pytest.mark.parametrize(
    ("service", "code", "status", "text"),
    [
        ("guardduty", "BadRequestException", 400, "are not the master account for your AWS Organization"),
        ("securityhub", "InvalidAccessException", 401, "is not the management account"),
    ],
)
def test_only_the_management_account_delegates(
    organization: dict[str, Any], clients: Clients, service: str, code: str, status: int, text: str
) -> None:
    client = clients(service, OTHER)
    for refused in (
        error_of(client.list_organization_admin_accounts),
        error_of(client.enable_organization_admin_account, AdminAccountId=OTHER),
        error_of(client.disable_organization_admin_account, AdminAccountId=OTHER),
    ):
        assert refused[:2] == (code, status)
        assert text in refused[2]


@pytest.mark.parametrize("service", SERVICES)
def test_account_outside_cannot_be_delegated(organization: dict[str, Any], clients: Clients, service: str) -> None:
    client = clients(service, MANAGEMENT)
    words = {"guardduty": "is not member of AWS Organizations", "securityhub": "not in the organization"}[service]
    assert words in error_of(client.enable_organization_admin_account, AdminAccountId=ZERO)[2]


@pytest.mark.parametrize("service", SERVICES)
def test_create_enables_organization_accounts_and_invites_others(delegated: None, side: Sides, service: str) -> None:
    own = side(service)
    assert own.create(MEMBER, ZERO) == {}
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Enabled", ZERO: "Created"}
    member = side(service, MEMBER)
    assert member.invitations() == []
    administrator = member.administrator()
    assert administrator is not None
    assert administrator["AccountId"] == ADMINISTRATOR


@pytest.mark.parametrize("service", SERVICES)
def test_create_switches_the_service_on_in_the_account(
    delegated: None, emulator: Emulator, side: Sides, service: str
) -> None:
    side(service).create(MEMBER)
    assert emulator.world.home(service, MEMBER, REGION).switch is not None


def test_securityhub_hides_the_email_of_organization_members(delegated: None, side: Sides) -> None:
    own = side("securityhub")
    own.create(MEMBER, ZERO)
    members = own.client.get_members(AccountIds=[MEMBER, ZERO])["Members"]
    assert ["Email" in member for member in members] == [False, True]
    assert ["InvitedAt" in member for member in members] == [False, False]


@pytest.mark.parametrize("service", SERVICES)
def test_management_account_must_switch_on_first(delegated: None, side: Sides, service: str) -> None:
    own = side(service)
    assert "organization master must first enable" in own.create(MANAGEMENT)[MANAGEMENT]
    side(service, MANAGEMENT)
    assert own.create(MANAGEMENT) == {}
    assert own.statuses(MANAGEMENT) == {MANAGEMENT: "Enabled"}


@pytest.mark.parametrize("service", SERVICES)
def test_suspended_account(delegated: None, emulator: Emulator, side: Sides, service: str) -> None:
    emulator.seed({"accounts": {MEMBER: {"suspended": True}}})
    side(service).create(MEMBER)
    assert side(service).statuses(MEMBER) == {MEMBER: "AccountSuspended"}


@pytest.mark.parametrize("service", SERVICES)
def test_account_held_by_another_administrator(delegated: None, emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, ZERO, MEMBER, "Enabled")
    assert "another master account" in side(service).create(MEMBER)[MEMBER]


@pytest.mark.parametrize("service", SERVICES)
def test_invited_members_of_the_organization_stay_when_their_administrator_is_delegated(
    organization: dict[str, Any], emulator: Emulator, clients: Clients, side: Sides, service: str
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Enabled")
    client = clients(service, MANAGEMENT)
    client.enable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    assert side(service).statuses(MEMBER) == {MEMBER: "Enabled"}
    assert "cannot disassociate" in error_of(side(service, MEMBER).leave)[2]
    client.disable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    assert side(service, MEMBER).administrator() is None


@pytest.mark.parametrize(("knob", "words"), [("cannot_manage", "cannot manage specified"), ("out_of_range", "range")])
def test_organization_member_cannot_switch_off(
    delegated: None, side: Sides, emulator: Emulator, knob: str, words: str
) -> None:
    emulator.set_knobs(organization_member_gd=knob)
    for service in SERVICES:
        side(service).create(MEMBER)
    guardduty, securityhub = side("guardduty", MEMBER), side("securityhub", MEMBER)
    arn = f"arn:aws:guardduty:{REGION}:{MEMBER}:detector/{guardduty.detector['DetectorId']}"
    assert words in error_of(guardduty.client.delete_detector, **guardduty.detector)[2]
    assert words in error_of(guardduty.client.update_detector, **guardduty.detector, Enable=False)[2]
    assert words in error_of(guardduty.client.tag_resource, ResourceArn=arn, Tags={"a": "b"})[2]
    assert words in error_of(guardduty.client.untag_resource, ResourceArn=arn, TagKeys=["a"])[2]
    text = error_of(securityhub.client.disable_security_hub)[2]
    assert "member account cannot disable security hub" in text.lower()


def test_guardduty_configuration(delegated: None, side: Sides, clients: Clients) -> None:
    own = side("guardduty")
    for update, new, legacy in (
        ({"AutoEnableOrganizationMembers": "ALL"}, "ALL", True),
        ({"AutoEnableOrganizationMembers": "NEW"}, "NEW", True),
        ({"AutoEnable": False}, "NONE", False),
        ({"AutoEnable": True}, "NEW", True),
    ):
        own.client.update_organization_configuration(**own.detector, **update)
        described = own.client.describe_organization_configuration(**own.detector)
        assert (described["AutoEnableOrganizationMembers"], described["AutoEnable"]) == (new, legacy)
        assert described["MemberAccountLimitReached"] is False
    features = [{"Name": "RDS_LOGIN_EVENTS", "AutoEnable": "NEW"}]
    own.client.update_organization_configuration(**own.detector, AutoEnable=True, Features=features)
    assert features[0] in own.client.describe_organization_configuration(**own.detector)["Features"]
    both = {"AutoEnable": True, "AutoEnableOrganizationMembers": "NEW"}
    for update in ({}, both):
        assert error_of(own.client.update_organization_configuration, **own.detector, **update)[1] == 400
    stranger = side("guardduty", OTHER)
    assert error_of(stranger.client.describe_organization_configuration, **stranger.detector)[1] == 400


def test_guardduty_gives_no_address_of_an_organization_member(delegated: None, side: Sides) -> None:
    own = side("guardduty")
    own.create(MEMBER)
    [record] = own.client.get_members(**own.detector, AccountIds=[MEMBER])["Members"]
    assert "Email" not in record and record["RelationshipStatus"] == "Enabled"


def test_member_account_limit_is_reported(delegated: None, emulator: Emulator, side: Sides) -> None:
    emulator.set_knobs(members_quota=1)
    for service in SERVICES:
        own = side(service)
        own.create(MEMBER)
        described = own.client.describe_organization_configuration(**own.detector)
        assert described["MemberAccountLimitReached"] is True


@pytest.mark.parametrize(("left_out", "standards"), [("kept", "NONE"), ("default", "DEFAULT")])
def test_standards_left_out_sh(delegated: None, emulator: Emulator, side: Sides, left_out: str, standards: str) -> None:
    emulator.set_knobs(standards_left_out_sh=left_out)
    client = side("securityhub").client
    client.update_organization_configuration(AutoEnable=True, AutoEnableStandards="NONE")
    client.update_organization_configuration(AutoEnable=False)
    described = client.describe_organization_configuration()
    assert (described["AutoEnable"], described["AutoEnableStandards"]) == (False, standards)


def test_securityhub_configuration(delegated: None, side: Sides) -> None:
    client = side("securityhub").client
    client.update_organization_configuration(AutoEnable=True, AutoEnableStandards="NONE")
    described = client.describe_organization_configuration()
    assert (described["AutoEnable"], described["AutoEnableStandards"]) == (True, "NONE")
    assert described["OrganizationConfiguration"]["ConfigurationType"] == "LOCAL"
    code, status, text = error_of(side("securityhub", OTHER).client.describe_organization_configuration)
    assert (code, status) == ("InvalidAccessException", 401)
    assert "is not an administrator for this organization" in text


def test_central_configuration(delegated: None, side: Sides, clients: Clients, emulator: Emulator) -> None:
    client = side("securityhub").client
    central = {"ConfigurationType": "CENTRAL"}
    client.update_organization_configuration(AutoEnable=False, OrganizationConfiguration=central)
    described = client.describe_organization_configuration()
    assert described["OrganizationConfiguration"] == {"ConfigurationType": "CENTRAL", "Status": "ENABLED"}
    code, status, text = error_of(client.update_organization_configuration, AutoEnable=True)
    assert (code, status) == ("InvalidInputException", 400)
    assert "can not be enabled for Central Configuration" in text
    code, status, text = error_of(clients("securityhub", MEMBER).enable_security_hub)
    assert (code, status) == ("AccessDeniedException", 403)
    assert text == f"Account {MEMBER} is managed by a configuration policy"
    emulator.set_knobs(governed_sh="associated")
    assert "associated with a central" in error_of(clients("securityhub", MEMBER).enable_security_hub)[2]
    emulator.seed({"services": [{"service": "securityhub", "account_id": MEMBER, "regions": [REGION]}]})
    refused = error_of(clients("securityhub", MEMBER).update_security_hub_configuration, AutoEnableControls=False)
    assert refused[:2] == ("AccessDeniedException", 403) and "only the administrator can access" in refused[2]
    clients("securityhub", ZERO).enable_security_hub()  # outside the organization
