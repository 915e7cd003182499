# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delegating, settings and features: each knob with both of its outcomes, and what they leave in the world."""

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
Seed = Callable[..., None]

MALWARE = "malware-protection.guardduty.amazonaws.com"
ELSEWHERE = "eu-west-1"
RUNTIME, EKS = "RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING"


@pytest.fixture
def found(emulator: Emulator) -> Seed:
    """Found an organization: ``found(delegated=True, ...)``."""

    def seed(delegated: bool = False, **more: Any) -> None:
        administrators = dict.fromkeys(SERVICES, ADMINISTRATOR) if delegated else {}
        organization = {"management_account": MANAGEMENT, "account_ids": [ADMINISTRATOR, MEMBER, OTHER]}
        emulator.seed({"organization": {**organization, "delegated_administrator": administrators, **more}})

    return seed


def delegate(clients: Clients, service: str, account_id: str = ADMINISTRATOR, region: str = REGION) -> None:
    clients(service, MANAGEMENT, region).enable_organization_admin_account(AdminAccountId=account_id)


def administrators(clients: Clients, service: str, region: str = REGION) -> list[tuple[str, ...]]:
    answer = clients(service, MANAGEMENT, region).list_organization_admin_accounts()
    return [tuple(each.values()) for each in answer["AdminAccounts"]]


@pytest.mark.parametrize("service", SERVICES)
def test_other_delegate_elsewhere(emulator: Emulator, found: Seed, clients: Clients, service: str) -> None:
    found()
    delegate(clients, service)
    client = clients(service, MANAGEMENT, ELSEWHERE)
    assert "already" in error_of(client.enable_organization_admin_account, AdminAccountId=OTHER)[2]
    emulator.set_knobs(other_delegate_elsewhere="accept")
    delegate(clients, service, OTHER, ELSEWHERE)
    assert administrators(clients, service, ELSEWHERE) == [(OTHER, "ENABLED")]
    assert administrators(clients, service) == [(ADMINISTRATOR, "ENABLED")]


@pytest.mark.parametrize("service", SERVICES)
def test_delegate_again(emulator: Emulator, found: Seed, clients: Clients, service: str) -> None:
    found()
    for _time in range(2):
        delegate(clients, service)
    emulator.set_knobs(delegate_again="refuse")
    client = clients(service, MANAGEMENT)
    assert "already" in error_of(client.enable_organization_admin_account, AdminAccountId=ADMINISTRATOR)[2]


@pytest.mark.parametrize(
    ("service", "code"), [("guardduty", "BadRequestException"), ("securityhub", "ResourceConflictException")]
)
def test_delegate_meanwhile(emulator: Emulator, found: Seed, clients: Clients, service: str, code: str) -> None:
    found()
    emulator.set_knobs(delegate_visible_seconds=10)
    delegate(clients, service)
    elsewhere = clients(service, MANAGEMENT, ELSEWHERE)
    assert error_of(elsewhere.enable_organization_admin_account, AdminAccountId=ADMINISTRATOR)[0] == code
    emulator.advance(10)
    delegate(clients, service, region=ELSEWHERE)  # one Region is in office
    emulator.reset()
    found()
    emulator.set_knobs(delegate_visible_seconds=10, delegate_meanwhile="accept")
    for region in (REGION, ELSEWHERE):
        delegate(clients, service, region=region)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("wait", [{"delegate_visible_seconds": 30}, {"delegate_visible_reads": 2}])
def test_delegate_visible(emulator: Emulator, found: Seed, clients: Clients, service: str, wait: Any) -> None:
    found()
    emulator.set_knobs(**wait)
    delegate(clients, service)
    for _time in range(2):
        assert administrators(clients, service) == []
    emulator.advance(30)
    assert administrators(clients, service) == [(ADMINISTRATOR, "ENABLED")]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("wait", [{"revoke_visible_seconds": 30}, {"revoke_visible_reads": 2}])
def test_revoke_visible(emulator: Emulator, found: Seed, clients: Clients, service: str, wait: Any) -> None:
    found(delegated=True)
    emulator.set_knobs(**wait)
    clients(service, MANAGEMENT).disable_organization_admin_account(AdminAccountId=ADMINISTRATOR)
    for _time in range(2):
        assert administrators(clients, service) == [(ADMINISTRATOR, "DISABLE_IN_PROGRESS")]
    emulator.advance(30)
    assert administrators(clients, service) == []


def test_delegate_without_trust_gd(emulator: Emulator, found: Seed, clients: Clients) -> None:
    found()
    emulator.set_knobs(delegate_without_trust_gd="refuse")
    client = clients("guardduty", MANAGEMENT)
    assert "out-of-range" in error_of(client.enable_organization_admin_account, AdminAccountId=ADMINISTRATOR)[2]
    organizations = clients("organizations", MANAGEMENT)
    assert organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []
    organizations.enable_aws_service_access(ServicePrincipal="guardduty.amazonaws.com")
    delegate(clients, "guardduty")
    emulator.reset()
    found()
    delegate(clients, "guardduty")
    [trusted] = organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert trusted["ServicePrincipal"] == "guardduty.amazonaws.com"


def test_organizations_tells_administrators_and_lets_the_management_account_alone_write(
    found: Seed, clients: Clients
) -> None:
    found(delegated=True)
    asked = {"ServicePrincipal": "securityhub.amazonaws.com"}
    [row] = clients("organizations", ADMINISTRATOR).list_delegated_administrators(**asked)["DelegatedAdministrators"]
    assert row["Id"] == ADMINISTRATOR and row["DelegationEnabledDate"]
    other = clients("organizations", MANAGEMENT).list_delegated_administrators(ServicePrincipal="ram.amazonaws.com")
    assert other["DelegatedAdministrators"] == []
    enable = clients("organizations", ADMINISTRATOR).enable_aws_service_access
    assert error_of(enable, ServicePrincipal=MALWARE)[0] == "AccessDeniedException"


@pytest.mark.parametrize("standards", ["on", "off"])
def test_delegate_standards_sh(emulator: Emulator, found: Seed, clients: Clients, standards: str) -> None:
    found()
    emulator.set_knobs(delegate_standards_sh=standards)
    delegate(clients, "securityhub")
    switch = emulator.world.home("securityhub", ADMINISTRATOR, REGION).switch
    assert switch and switch.settings["EnableDefaultStandards"] is (standards == "on")


def test_describe_of_other_gd(emulator: Emulator, found: Seed, side: Sides) -> None:
    found(delegated=True)
    other = side("guardduty", OTHER)
    describe = other.client.describe_organization_configuration
    assert "has not been enabled" in error_of(describe, **other.detector)[2]
    emulator.set_knobs(describe_of_other_gd="out_of_range")
    assert "out-of-range" in error_of(describe, **other.detector)[2]


def settings(own: Side) -> dict[str, Any]:
    return dict(own.client.describe_organization_configuration(**own.detector))


def features(own: Side) -> dict[str, Any]:
    return {each["Name"]: each for each in settings(own)["Features"]}


def set_features(own: Side, *wanted: dict[str, Any]) -> None:
    own.client.update_organization_configuration(
        **own.detector, AutoEnableOrganizationMembers="NEW", Features=list(wanted)
    )


def test_unset_features(emulator: Emulator, found: Seed, side: Sides) -> None:
    found(delegated=True)
    own = side("guardduty")
    assert features(own)["S3_DATA_EVENTS"] == {"Name": "S3_DATA_EVENTS", "AutoEnable": "NONE"}
    emulator.set_knobs(unset_features="left_out")
    assert features(own) == {}
    set_features(own, {"Name": "RDS_LOGIN_EVENTS", "AutoEnable": "NEW"})
    set_features(own, {"Name": "LAMBDA_NETWORK_LOGS", "AutoEnable": "ALL"})
    assert {name: each["AutoEnable"] for name, each in features(own).items()} == {
        "RDS_LOGIN_EVENTS": "NEW",
        "LAMBDA_NETWORK_LOGS": "ALL",
    }


@pytest.mark.parametrize(("knob", "kept"), [("merge", "ALL"), ("replace", "NONE")])
def test_additional_configuration(emulator: Emulator, found: Seed, side: Sides, knob: str, kept: str) -> None:
    found(delegated=True)
    emulator.set_knobs(additional_configuration=knob)
    own = side("guardduty")
    for name in ("EC2_AGENT_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT"):
        additional = [{"Name": name, "AutoEnable": "ALL"}]
        set_features(own, {"Name": RUNTIME, "AutoEnable": "ALL", "AdditionalConfiguration": additional})
    rows = features(own)[RUNTIME]["AdditionalConfiguration"]
    values = {each["Name"]: each["AutoEnable"] for each in rows}
    assert (values["EC2_AGENT_MANAGEMENT"], values["ECS_FARGATE_AGENT_MANAGEMENT"]) == (kept, "ALL")


def test_unknown_feature(emulator: Emulator, found: Seed, side: Sides) -> None:
    found(delegated=True, missing_features={REGION: ["S3_DATA_EVENTS"]})
    own = side("guardduty")
    wanted = [{"Name": "S3_DATA_EVENTS", "AutoEnable": "NEW"}, {"Name": "RDS_LOGIN_EVENTS", "AutoEnable": "NEW"}]
    assert "out-of-range" in error_of(lambda: set_features(own, *wanted))[2]
    assert features(own)["RDS_LOGIN_EVENTS"]["AutoEnable"] == "NONE"
    emulator.set_knobs(unknown_feature="ignore")
    set_features(own, *wanted)
    assert features(own)["RDS_LOGIN_EVENTS"]["AutoEnable"] == "NEW" and "S3_DATA_EVENTS" not in features(own)


def test_the_two_runtime_features_are_refused_together(found: Seed, side: Sides) -> None:
    found(delegated=True)
    own = side("guardduty")
    for values in (("NEW", "NEW"), ("NEW", "NONE"), ("NONE", "NONE")):
        both = [{"Name": n, "AutoEnable": value} for n, value in zip((RUNTIME, EKS), values, strict=True)]
        assert "out-of-range" in error_of(lambda both=both: set_features(own, *both))[2]
    # One after the other, what is on has to go first.
    set_features(own, {"Name": EKS, "AutoEnable": "ALL"})
    comes = {"Name": RUNTIME, "AutoEnable": "NEW"}
    assert "out-of-range" in error_of(lambda: set_features(own, comes))[2]
    set_features(own, {"Name": "S3_DATA_EVENTS", "AutoEnable": "NEW"})
    set_features(own, {"Name": EKS, "AutoEnable": "NONE"})
    set_features(own, comes)


def test_a_runtime_feature_that_one_member_cannot_have_is_given_to_none(found: Seed, side: Sides) -> None:
    found(delegated=True)
    own = side("guardduty")
    own.create(MEMBER, OTHER)

    def update(name: str, status: str, *account_ids: str) -> None:
        wanted = [{"Name": name, "Status": status}]
        own.client.update_member_detectors(**own.detector, AccountIds=list(account_ids), Features=wanted)

    update(EKS, "ENABLED", OTHER)
    assert "out-of-range" in error_of(lambda: update(RUNTIME, "ENABLED", MEMBER, OTHER))[2]
    assert member_features(own, MEMBER)[0][MEMBER][RUNTIME] == "DISABLED"
    update(EKS, "DISABLED", OTHER)
    update(RUNTIME, "ENABLED", MEMBER, OTHER)
    assert member_features(own, OTHER)[0][OTHER][RUNTIME] == "ENABLED"


def test_a_detector_is_not_created_with_both_runtime_features(side: Sides, clients: Clients) -> None:
    client = clients("guardduty", OTHER)
    both = [{"Name": RUNTIME, "Status": "ENABLED"}, {"Name": EKS, "Status": "DISABLED"}]
    assert "out-of-range" in error_of(lambda: client.create_detector(Enable=True, Features=both))[2]
    assert client.list_detectors()["DetectorIds"] == []
    assert client.create_detector(Enable=True, Features=both[:1])["DetectorId"]


def test_malware_without_trust(emulator: Emulator, found: Seed, side: Sides, clients: Clients) -> None:
    found(delegated=True)
    own = side("guardduty")
    wanted = {"Name": "EBS_MALWARE_PROTECTION", "AutoEnable": "NEW"}
    assert "Organization master permission" in error_of(lambda: set_features(own, wanted))[2]
    emulator.set_knobs(malware_without_trust="accept")
    set_features(own, wanted)
    emulator.set_knobs(malware_without_trust="refuse")
    clients("organizations", MANAGEMENT).enable_aws_service_access(ServicePrincipal=MALWARE)
    set_features(own, wanted)


@pytest.mark.parametrize("wait", [{"configuration_visible_seconds": 30}, {"configuration_visible_reads": 2}])
def test_configuration_visible(emulator: Emulator, found: Seed, side: Sides, wait: Any) -> None:
    found(delegated=True)
    own = side("securityhub")
    emulator.set_knobs(**wait)
    own.client.update_organization_configuration(AutoEnable=True)
    for _time in range(2):
        assert settings(own)["OrganizationConfiguration"] == {"ConfigurationType": "LOCAL", "Status": "PENDING"}
    emulator.advance(30)
    assert settings(own)["OrganizationConfiguration"]["Status"] == "ENABLED"


@pytest.mark.parametrize(
    ("seed", "status"),
    [({"configuration_failure": "no linked Region"}, "FAILED"), ({"securityhub_policy": True}, "DISABLED")],
)
def test_configuration_that_failed_and_one_of_a_policy(found: Seed, side: Sides, seed: Any, status: str) -> None:
    found(delegated=True, **seed)
    told = settings(side("securityhub"))["OrganizationConfiguration"]
    assert (told["Status"], told.get("StatusMessage")) == (status, seed.get("configuration_failure"))


def member_features(own: Side, *account_ids: str) -> tuple[dict[str, dict[str, str]], list[str]]:
    answer = own.client.get_member_detectors(**own.detector, AccountIds=list(account_ids))
    found = {
        row["AccountId"]: {each["Name"]: each["Status"] for each in row["Features"]}
        for row in answer["MemberDataSourceConfigurations"]
    }
    return found, [each["AccountId"] for each in answer["UnprocessedAccounts"]]


def test_member_features_are_those_of_the_members_own_detector(found: Seed, side: Sides) -> None:
    found(delegated=True)
    own = side("guardduty")
    own.create(MEMBER, ZERO)  # the second one is not of the organization
    present, refused = member_features(own, MEMBER, ZERO)
    assert (present[MEMBER]["S3_DATA_EVENTS"], present[MEMBER][RUNTIME], refused) == ("ENABLED", "DISABLED", [ZERO])
    wanted = [{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}]
    answer = own.client.update_member_detectors(**own.detector, AccountIds=[MEMBER, ZERO], Features=wanted)
    assert [each["AccountId"] for each in answer["UnprocessedAccounts"]] == [ZERO]
    present, _refused = member_features(own, MEMBER)
    assert (present[MEMBER]["S3_DATA_EVENTS"], present[MEMBER]["RDS_LOGIN_EVENTS"]) == ("DISABLED", "ENABLED")
    member = side("guardduty", MEMBER)
    rows = {each["Name"]: each["Status"] for each in member.client.get_detector(**member.detector)["Features"]}
    assert rows == present[MEMBER]


@pytest.mark.parametrize("wait", [{"features_visible_seconds": 30}, {"features_visible_reads": 2}])
def test_features_visible(emulator: Emulator, found: Seed, side: Sides, wait: Any) -> None:
    found(delegated=True)
    emulator.set_knobs(**wait)
    own = side("guardduty")
    own.create(MEMBER)
    for _time in range(2):
        assert member_features(own, MEMBER) == ({}, [MEMBER])
    emulator.advance(30)
    assert member_features(own, MEMBER)[1] == []


def test_managed_feature(emulator: Emulator, found: Seed, side: Sides) -> None:
    found(delegated=True)
    own = side("guardduty")
    own.create(MEMBER, OTHER)
    switch = emulator.world.home("guardduty", MEMBER, REGION).switch
    assert switch
    switch.settings.setdefault("features", {})["S3_DATA_EVENTS"] = {
        "value": "ENABLED",
        "additional": {},
        "managed_by": "GUARDDUTY_POLICY",
    }
    wanted = {
        **own.detector,
        "AccountIds": [OTHER, MEMBER],
        "Features": [{"Name": "S3_DATA_EVENTS", "Status": "DISABLED"}],
    }
    assert "policy" in error_of(own.client.update_member_detectors, **wanted)[2]
    emulator.set_knobs(managed_feature="account")
    answer = own.client.update_member_detectors(**wanted)
    assert [each["AccountId"] for each in answer["UnprocessedAccounts"]] == [MEMBER]
    assert member_features(own, OTHER)[0][OTHER]["S3_DATA_EVENTS"] == "DISABLED"
