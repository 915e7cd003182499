# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each service has for AWS Organizations, call by call: what is sent, and how an answer is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_organization import OrganizationRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Delegate, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._services.delegation import TrustedAccess
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR
from ansible_collections.muster.aws.tests.unit.services.scripted import SERVICES, Said, scripted

DETECTOR = "1" * 32
DETECTORS = {"detectorIds": [DETECTOR]}
DESCRIBE = "DescribeOrganizationConfiguration"
UPDATE = "UpdateOrganizationConfiguration"
LISTED = "ListOrganizationAdminAccounts"


# Who is the delegated administrator


@pytest.mark.parametrize(
    ("service", "body", "found"),
    [
        (
            "guardduty",
            {"adminAccounts": [{"adminAccountId": ADMINISTRATOR, "adminStatus": "ENABLED"}]},
            Delegate(ADMINISTRATOR, "ENABLED"),
        ),
        ("guardduty", {"adminAccounts": [{"adminAccountId": ADMINISTRATOR}]}, Delegate(ADMINISTRATOR, "")),
        ("guardduty", {"adminAccounts": []}, None),
        (
            "securityhub",
            {"AdminAccounts": [{"AccountId": ADMINISTRATOR, "Status": "DISABLE_IN_PROGRESS"}]},
            Delegate(ADMINISTRATOR, "DISABLE_IN_PROGRESS"),
        ),
        ("securityhub", {"AdminAccounts": [{"AccountId": ADMINISTRATOR}]}, Delegate(ADMINISTRATOR, "")),
        ("securityhub", {"AdminAccounts": []}, None),
    ],
)
def test_delegated_administrator_is_read_in_one_call(
    service: str, body: dict[str, Any], found: Delegate | None, emulator: Emulator
) -> None:
    with scripted(emulator, service, {LISTED: body}) as aws:
        assert aws.service.open_delegation(aws.api()).get_administrator() == found
    assert aws.asked == [(LISTED, {})]


@pytest.mark.parametrize(
    ("service", "body", "text"),
    [
        ("guardduty", {}, "the answer has no usable AdminAccounts"),
        ("guardduty", {"adminAccounts": [{"adminStatus": "ENABLED"}]}, "the answer names a resource None"),
        ("securityhub", {}, "the answer has no usable AdminAccounts"),
        ("securityhub", {"AdminAccounts": [{"AccountId": ""}]}, "the answer names a resource ''"),
    ],
)
def test_delegated_administrator_without_a_name_is_not_believed(
    service: str, body: dict[str, Any], text: str, emulator: Emulator
) -> None:
    with scripted(emulator, service, {LISTED: body}) as aws, pytest.raises(CallFailed) as caught:
        aws.service.open_delegation(aws.api()).get_administrator()
    assert (caught.value.operation, caught.value.text) == (LISTED, text)


@pytest.mark.parametrize("service", ["guardduty", "securityhub"])
def test_administrator_is_delegated_and_revoked_by_its_id_alone(service: str, emulator: Emulator) -> None:
    answers: dict[str, Any] = {"EnableOrganizationAdminAccount": {}, "DisableOrganizationAdminAccount": {}}
    with scripted(emulator, service, answers) as aws:
        port = aws.service.open_delegation(aws.api())
        port.enable(ADMINISTRATOR)
        port.disable(ADMINISTRATOR)
    named = {"AdminAccountId": ADMINISTRATOR}
    assert aws.asked == [("EnableOrganizationAdminAccount", named), ("DisableOrganizationAdminAccount", named)]


@pytest.mark.parametrize("side", ["open_delegation", "open_organization"])
def test_macie_has_nothing_for_an_organization_here(side: str, emulator: Emulator) -> None:
    with scripted(emulator, "macie", {}) as aws, pytest.raises(TaskFailed):
        getattr(SERVICES["macie"], side)(aws.api())
    assert aws.asked == []


# AWS Organizations itself

PRINCIPAL = "guardduty.amazonaws.com"
ACCESS = "ListAWSServiceAccessForOrganization"
REGISTERED = "ListDelegatedAdministrators"


def test_trusted_access_is_read_in_pages_of_20(emulator: Emulator) -> None:
    pages: list[Said] = [
        {"EnabledServicePrincipals": [{"ServicePrincipal": PRINCIPAL}, {"ServicePrincipal": "x"}], "NextToken": "t"},
        {"EnabledServicePrincipals": [{"ServicePrincipal": "y"}]},
    ]
    with scripted(emulator, "guardduty", {ACCESS: pages}) as aws:
        assert TrustedAccess(aws.organizations()).list_principals() == [PRINCIPAL, "x", "y"]
    assert aws.asked == [(ACCESS, {"MaxResults": 20}), (ACCESS, {"MaxResults": 20, "NextToken": "t"})]


def test_registered_administrators_of_a_principal_are_read_in_pages_of_20(emulator: Emulator) -> None:
    pages: list[Said] = [
        {"DelegatedAdministrators": [{"Id": ADMINISTRATOR, "Name": "x"}], "NextToken": "t"},
        {"DelegatedAdministrators": [{"Id": "012345678901"}]},
    ]
    with scripted(emulator, "guardduty", {REGISTERED: pages}) as aws:
        found = TrustedAccess(aws.organizations()).list_administrators(PRINCIPAL)
    assert found == [ADMINISTRATOR, "012345678901"]
    first = {"ServicePrincipal": PRINCIPAL, "MaxResults": 20}
    assert aws.asked == [(REGISTERED, first), (REGISTERED, {**first, "NextToken": "t"})]


def test_trusted_access_is_given_to_one_principal(emulator: Emulator) -> None:
    with scripted(emulator, "guardduty", {"EnableAWSServiceAccess": {}}) as aws:
        TrustedAccess(aws.organizations()).enable_service_access(PRINCIPAL)
    assert aws.asked == [("EnableAWSServiceAccess", {"ServicePrincipal": PRINCIPAL})]


@pytest.mark.parametrize(
    ("operation", "key", "ask"),
    [
        (ACCESS, "EnabledServicePrincipals", lambda access: access.list_principals()),
        (REGISTERED, "DelegatedAdministrators", lambda access: access.list_administrators(PRINCIPAL)),
    ],
)
@pytest.mark.parametrize(
    ("rows", "text"), [([{}], "the answer names a resource None"), (None, "the answer has no usable {}, or no end")]
)
def test_answer_of_organizations_that_names_nobody_is_not_believed(
    operation: str, key: str, ask: Callable[[TrustedAccess], Any], rows: Any, text: str, emulator: Emulator
) -> None:
    with scripted(emulator, "guardduty", {operation: {key: rows}}) as aws, pytest.raises(CallFailed) as caught:
        ask(TrustedAccess(aws.organizations()))
    assert (caught.value.operation, caught.value.text) == (operation, text.format(key))


# GuardDuty's settings


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({"autoEnable": False, "autoEnableOrganizationMembers": "ALL"}, "ALL"),
        ({"autoEnable": True, "autoEnableOrganizationMembers": "NONE"}, "NONE"),
        # An older answer.
        ({"autoEnable": True}, "NEW"),
        ({"autoEnable": False}, "NONE"),
        ({}, "NONE"),
    ],
)
def test_guardduty_word_for_members_is_the_newer_one_where_there_is_one(
    body: dict[str, Any], members: str, emulator: Emulator
) -> None:
    with scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, DESCRIBE: body}) as aws:
        record = aws.service.open_organization(aws.api()).describe()
    assert record == OrganizationRecord({"auto_enable_members": members})
    assert aws.asked[1:] == [(DESCRIBE, {"DetectorId": DETECTOR})]


@pytest.mark.parametrize("is_reached", [True, False])
def test_guardduty_features_of_all_pages_are_read(is_reached: bool, emulator: Emulator) -> None:
    agent = {"name": "EC2_AGENT_MANAGEMENT", "autoEnable": "NEW"}
    pages: list[Said] = [
        {"autoEnable": True, "features": [{"name": "S3_DATA_EVENTS", "autoEnable": "ALL"}], "nextToken": "x"},
        {
            "autoEnableOrganizationMembers": "ALL",
            "memberAccountLimitReached": is_reached,
            "features": [
                {"name": "RUNTIME_MONITORING", "autoEnable": "NONE", "additionalConfiguration": [agent]},
                {"name": "LAMBDA_NETWORK_LOGS", "additionalConfiguration": [{"name": "ECS"}]},
            ],
        },
    ]
    with scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, DESCRIBE: pages}) as aws:
        record = aws.service.open_organization(aws.api()).describe()
    assert record == OrganizationRecord(
        {"auto_enable_members": "ALL"},
        {
            "S3_DATA_EVENTS": Feature("S3_DATA_EVENTS", "ALL"),
            "RUNTIME_MONITORING": Feature("RUNTIME_MONITORING", "NONE", {"EC2_AGENT_MANAGEMENT": "NEW"}),
            # What AWS has no word for is off.
            "LAMBDA_NETWORK_LOGS": Feature("LAMBDA_NETWORK_LOGS", "NONE", {"ECS": "NONE"}),
        },
        is_limit_reached=is_reached,
    )
    assert aws.asked[1:] == [
        (DESCRIBE, {"DetectorId": DETECTOR}),
        (DESCRIBE, {"DetectorId": DETECTOR, "NextToken": "x"}),
    ]


@pytest.mark.parametrize("count", [20, 21])
def test_guardduty_features_end_after_20_pages(count: int, emulator: Emulator) -> None:
    pages: list[Said] = [{"nextToken": f"page {number}"} for number in range(1, count)]
    with scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, DESCRIBE: [*pages, {}]}) as aws:
        port = aws.service.open_organization(aws.api())
        if count == 20:
            assert port.describe() == OrganizationRecord({"auto_enable_members": "NONE"})
        else:
            with pytest.raises(CallFailed) as caught:
                port.describe()
            assert (caught.value.operation, caught.value.text) == (DESCRIBE, "the answer has no end")
    assert aws.operations.count(DESCRIBE) == 20


def test_guardduty_features_without_a_name_are_not_believed(emulator: Emulator) -> None:
    body = {"features": [{"name": 1}]}
    with (
        scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, DESCRIBE: body}) as aws,
        pytest.raises(CallFailed) as caught,
    ):
        aws.service.open_organization(aws.api()).describe()
    assert (caught.value.operation, caught.value.text) == (DESCRIBE, "the answer has the Name 1")


@pytest.mark.parametrize(
    ("settings", "features", "params"),
    [
        ({"auto_enable_members": "ALL"}, [], {"AutoEnableOrganizationMembers": "ALL"}),
        # AWS wants the word for members in every call.
        (
            {},
            [Feature("RUNTIME_MONITORING", "ALL", {"EC2_AGENT_MANAGEMENT": "NEW"})],
            {
                "AutoEnableOrganizationMembers": "NEW",
                "Features": [
                    {
                        "Name": "RUNTIME_MONITORING",
                        "AutoEnable": "ALL",
                        "AdditionalConfiguration": [{"Name": "EC2_AGENT_MANAGEMENT", "AutoEnable": "NEW"}],
                    }
                ],
            },
        ),
    ],
)
def test_guardduty_settings_are_sent_with_the_word_for_members(
    settings: dict[str, object], features: list[Feature], params: dict[str, Any], emulator: Emulator
) -> None:
    now = OrganizationRecord({"auto_enable_members": "NEW"})
    with scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, UPDATE: {}}) as aws:
        aws.service.open_organization(aws.api()).update(now, settings, features)
    assert aws.asked[1:] == [(UPDATE, {"DetectorId": DETECTOR, **params})]


# Security Hub's settings

CENTRAL = Problem(
    Reason.CENTRAL_CONFIGURATION, "Security Hub's central configuration decides what accounts of the organization get"
)
POLICY = Problem(
    Reason.ORGANIZATION_POLICY, "a Security Hub policy of AWS Organizations decides what accounts of it get"
)
OFF = {"auto_enable": False, "auto_enable_standards": "NONE"}


@pytest.mark.parametrize(
    ("body", "record"),
    [
        (
            {"AutoEnable": True, "AutoEnableStandards": "DEFAULT", "MemberAccountLimitReached": True},
            OrganizationRecord({"auto_enable": True, "auto_enable_standards": "DEFAULT"}, is_limit_reached=True),
        ),
        ({}, OrganizationRecord({"auto_enable": None, "auto_enable_standards": None})),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "MemberAccountLimitReached": False,
                "OrganizationConfiguration": {"ConfigurationType": "LOCAL", "Status": "ENABLED"},
            },
            OrganizationRecord(OFF, is_limit_reached=False, configuration=("LOCAL", "ENABLED")),
        ),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "OrganizationConfiguration": {"ConfigurationType": "CENTRAL", "Status": "ENABLED"},
            },
            OrganizationRecord(OFF, configuration=("CENTRAL", "ENABLED"), governed_by=CENTRAL),
        ),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "OrganizationConfiguration": {"ConfigurationType": "CENTRAL", "Status": "DISABLED"},
            },
            OrganizationRecord(OFF, configuration=("CENTRAL", "DISABLED"), governed_by=POLICY),
        ),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "OrganizationConfiguration": {"ConfigurationType": "LOCAL", "Status": "PENDING"},
            },
            OrganizationRecord(OFF, configuration=("LOCAL", "PENDING"), is_pending=True),
        ),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "OrganizationConfiguration": {
                    "ConfigurationType": "LOCAL",
                    "Status": "FAILED",
                    "StatusMessage": "Too bad.",
                },
            },
            OrganizationRecord(
                OFF,
                configuration=("LOCAL", "FAILED"),
                failure="the organization's configuration is LOCAL and FAILED: Too bad.",
            ),
        ),
        (
            {
                "AutoEnable": False,
                "AutoEnableStandards": "NONE",
                "OrganizationConfiguration": {"ConfigurationType": "LOCAL", "Status": "FAILED"},
            },
            OrganizationRecord(
                OFF,
                configuration=("LOCAL", "FAILED"),
                failure="the organization's configuration is LOCAL and FAILED: AWS gave no reason",
            ),
        ),
    ],
)
def test_securityhub_settings_are_read_with_who_decides_them(
    body: dict[str, Any], record: OrganizationRecord, emulator: Emulator
) -> None:
    with scripted(emulator, "securityhub", {DESCRIBE: body}) as aws:
        assert aws.service.open_organization(aws.api()).describe() == record
    assert aws.asked == [(DESCRIBE, {})]


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        # AWS wants AutoEnable in every call, and would take standards that are left out for DEFAULT.
        ({"auto_enable": False}, {"AutoEnable": False, "AutoEnableStandards": "DEFAULT"}),
        ({"auto_enable_standards": "NONE"}, {"AutoEnable": True, "AutoEnableStandards": "NONE"}),
        (
            {"auto_enable": False, "auto_enable_standards": "DEFAULT"},
            {"AutoEnable": False, "AutoEnableStandards": "DEFAULT"},
        ),
    ],
)
def test_securityhub_settings_are_sent_with_auto_enable(
    settings: dict[str, object], params: dict[str, Any], emulator: Emulator
) -> None:
    now = OrganizationRecord({"auto_enable": True, "auto_enable_standards": "DEFAULT"})
    with scripted(emulator, "securityhub", {UPDATE: {}}) as aws:
        aws.service.open_organization(aws.api()).update(now, settings, ())
    assert aws.asked == [(UPDATE, params)]


def test_securityhub_settings_that_aws_did_not_tell_are_not_sent(emulator: Emulator) -> None:
    now = OrganizationRecord({"auto_enable": True, "auto_enable_standards": None})
    with scripted(emulator, "securityhub", {UPDATE: {}}) as aws:
        aws.service.open_organization(aws.api()).update(now, {"auto_enable": False}, ())
    assert aws.asked == [(UPDATE, {"AutoEnable": False})]
