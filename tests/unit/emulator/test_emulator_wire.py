# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation the emulator claims, called by boto3, its raw answer held against botocore's service model."""

from __future__ import annotations

import datetime
import functools
import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator, EmulatorError
from ansible_collections.muster.aws.tests.emulator.guardduty import GuardDuty
from ansible_collections.muster.aws.tests.emulator.securityhub import SecurityHub
from ansible_collections.muster.aws.tests.emulator.wire import load_service, partition_of
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MANAGEMENT,
    MEMBER,
    REGION,
    SERVICES,
    Clients,
    error_of,
    raw_responses,
)
from botocore import xform_name
from botocore.session import get_session

SHARED = """
CreateMembers InviteMembers GetMembers ListMembers DisassociateMembers DeleteMembers
ListInvitations GetInvitationsCount AcceptAdministratorInvitation AcceptInvitation DeclineInvitations DeleteInvitations
GetAdministratorAccount GetMasterAccount DisassociateFromAdministratorAccount DisassociateFromMasterAccount
EnableOrganizationAdminAccount DisableOrganizationAdminAccount ListOrganizationAdminAccounts
DescribeOrganizationConfiguration UpdateOrganizationConfiguration TagResource UntagResource ListTagsForResource
"""
CLAIMED = {
    "guardduty": f"{SHARED} StartMonitoringMembers StopMonitoringMembers CreateDetector ListDetectors GetDetector "
    "UpdateDetector DeleteDetector GetMemberDetectors UpdateMemberDetectors",
    "securityhub": f"{SHARED} EnableSecurityHub DescribeHub UpdateSecurityHubConfiguration DisableSecurityHub",
}
OPERATIONS = [(service, operation) for service, names in CLAIMED.items() for operation in names.split()]

MEMBER_SIDE = {
    "ListInvitations",
    "GetInvitationsCount",
    "AcceptAdministratorInvitation",
    "AcceptInvitation",
    "DeclineInvitations",
    "DeleteInvitations",
    "GetAdministratorAccount",
    "GetMasterAccount",
    "DisassociateFromAdministratorAccount",
    "DisassociateFromMasterAccount",
}
# The status the member has before the call; most calls are about an unanswered invitation.
BEFORE = {
    "CreateMembers": None,
    "InviteMembers": "Created",
    "DeleteMembers": "Removed",
    "DeleteInvitations": "Resigned",
    **dict.fromkeys(("GetAdministratorAccount", "GetMasterAccount"), "Enabled"),
    **dict.fromkeys(("DisassociateFromAdministratorAccount", "DisassociateFromMasterAccount"), "Enabled"),
    **dict.fromkeys(("ListMembers", "DisassociateMembers", "StopMonitoringMembers"), "Enabled"),
    **dict.fromkeys(("StartMonitoringMembers",), "Disabled"),
    **dict.fromkeys(("GetMemberDetectors", "UpdateMemberDetectors"), "Enabled"),
    **dict.fromkeys(("CreateDetector", "DeleteDetector", "DisableSecurityHub", "EnableSecurityHub"), None),
}
MANAGEMENT_SIDE = {
    "EnableOrganizationAdminAccount",
    "DisableOrganizationAdminAccount",
    "ListOrganizationAdminAccounts",
}


@functools.cache
def service_model(service: str) -> Any:
    return get_session().get_service_model(service)


def caller_of(operation: str) -> str:
    if operation in MANAGEMENT_SIDE:
        return MANAGEMENT
    return MEMBER if operation in MEMBER_SIDE else ADMINISTRATOR


def prepare(emulator: Emulator, service: str, operation: str) -> None:
    off = operation in ("CreateDetector", "EnableSecurityHub")
    emulator.seed(
        {
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": [ADMINISTRATOR],
                "delegated_administrator": {} if operation.startswith("EnableOrg") else {service: ADMINISTRATOR},
            },
            "services": [
                {"service": service, "account_id": account_id, "regions": [REGION]}
                for account_id in ([MEMBER] if off else [ADMINISTRATOR, MEMBER])
            ],
        }
    )
    status = BEFORE.get(operation, "Invited")
    if status:
        emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, status)


def sample(emulator: Emulator, service: str, operation: str, member: str) -> Any:
    """Return a value for a required member of a request; each name means the same in both services."""
    home = emulator.world.home(service, caller_of(operation), REGION)
    invitation = emulator.world.home(service, MEMBER, REGION).invitations.get(ADMINISTRATOR)
    return {
        "DetectorId": lambda: home.switch.resource_id,
        "ResourceArn": lambda: home.switch.arn,
        "AccountDetails": lambda: [{"AccountId": MEMBER, "Email": f"{MEMBER}@example.com"}],
        "AccountIds": lambda: [ADMINISTRATOR if operation in MEMBER_SIDE else MEMBER],
        "AdministratorId": lambda: ADMINISTRATOR,
        "MasterId": lambda: ADMINISTRATOR,
        "InvitationId": lambda: invitation.invitation_id,
        "AdminAccountId": lambda: ADMINISTRATOR,
        "Tags": lambda: {"team": "security"},
        "TagKeys": lambda: ["team", "cost-centre"],
        "Enable": lambda: True,
        "AutoEnable": lambda: False,
    }[member]()


def arguments_of(emulator: Emulator, service: str, operation: str) -> dict[str, Any]:
    shape = service_model(service).operation_model(operation).input_shape
    required = list(shape.required_members) if shape else []
    if (service, operation) == ("guardduty", "UpdateOrganizationConfiguration"):
        required.append("AutoEnable")
    return {name: sample(emulator, service, operation, name) for name in required}


def problems_of(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Yield what is wrong with a raw JSON value: unknown or missing names, other types, unknown words, wrong times."""
    kinds = {
        "structure": dict,
        "list": list,
        "map": dict,
        "string": str,
        "boolean": bool,
        "integer": int,
        "timestamp": str,
    }
    if value.__class__ is not kinds[shape.type_name]:
        yield f"{path}: {value!r} is no {shape.type_name}"
    elif shape.type_name == "structure":
        names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members}
        yield from (f"{path}.{name} is not in the model" for name in value.keys() - names.keys())
        yield from (f"{path}.{name} is required" for name in required - value.keys())
        for name in value.keys() & names.keys():
            yield from problems_of(names[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from problems_of(shape.member, item, f"{path}[]")
    elif shape.type_name == "timestamp" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        yield f"{path}: {value} is no ISO 8601 time with milliseconds"
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path}: {value} is none of {shape.enum}"


def call_raw(client: Any, operation: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Call an operation; return what botocore received and what it made of it."""
    with raw_responses(client) as received:
        parsed = getattr(client, xform_name(operation))(**arguments)
    return received[-1], parsed


def refuse_raw(client: Any, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call an operation that is refused; return what botocore received."""
    with raw_responses(client) as received:
        error_of(getattr(client, xform_name(operation)), **arguments)
    return received[-1]


@pytest.mark.parametrize("service", [GuardDuty, SecurityHub])
def test_claimed_operations_are_those_of_the_reference(service: Any) -> None:
    claimed = CLAIMED[service.name].split()
    assert sorted(service().operations) == sorted(claimed)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_operation_answers_what_the_model_says(
    emulator: Emulator, clients: Clients, service: str, operation: str
) -> None:
    prepare(emulator, service, operation)
    arguments = arguments_of(emulator, service, operation)
    raw, parsed = call_raw(clients(service, caller_of(operation)), operation, arguments)

    model = service_model(service).operation_model(operation)
    assert raw["status_code"] == model.http.get("responseCode", 200)
    assert re.fullmatch("[0-9a-f-]{36}", raw["headers"]["x-amzn-RequestId"])
    shape = model.output_shape
    if shape and shape.members:
        assert not list(problems_of(shape, json.loads(raw["body"]), operation))
    else:
        assert raw["body"] == b""
    assert set(parsed) - {"ResponseMetadata"} <= set(shape.members if shape else ())

    [call] = emulator.calls
    sent = {name: value for name, value in call.params.items() if name != "ClientToken"}
    assert (call.service, call.operation, sent) == (service, operation, arguments)
    assert (call.account_id, call.region, call.http_status) == (caller_of(operation), REGION, raw["status_code"])
    assert call.error_code is None
    assert call.unprocessed == []
    assert call.is_write is not operation.startswith(("Get", "List", "Describe"))


@pytest.mark.parametrize("service", SERVICES)
def test_member_carries_both_words_for_administrator_and_its_times(
    emulator: Emulator, clients: Clients, service: str
) -> None:
    prepare(emulator, service, "GetMembers")
    arguments = arguments_of(emulator, service, "GetMembers")
    raw, parsed = call_raw(clients(service), "GetMembers", arguments)
    (wire_member,) = next(iter(value for key, value in json.loads(raw["body"]).items() if key.lower() == "members"))
    names = {
        "guardduty": ["accountId", "administratorId", "email", "invitedAt", "masterId", "relationshipStatus"],
        "securityhub": ["AccountId", "AdministratorId", "Email", "InvitedAt", "MasterId", "MemberStatus"],
    }[service]
    updated = {"guardduty": "updatedAt", "securityhub": "UpdatedAt"}[service]
    assert sorted(wire_member) == [*names, updated]
    [member] = parsed["Members"]
    assert member["MasterId"] == member["AdministratorId"] == ADMINISTRATOR
    # boto3 makes a datetime of Security Hub's times and leaves GuardDuty's alone.
    assert member["InvitedAt"].__class__ is {"guardduty": str, "securityhub": datetime.datetime}[service]


@pytest.mark.parametrize("service", SERVICES)
def test_created_member_has_no_invitation_time(emulator: Emulator, clients: Clients, service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Created")
    [member] = clients(service).get_members(**arguments_of(emulator, service, "GetMembers"))["Members"]
    assert "InvitedAt" not in member


def test_guardduty_error_has_outer_code_in_header_and_inner_in_body(emulator: Emulator, clients: Clients) -> None:
    assert error_of(clients("guardduty").get_detector, DetectorId="0" * 32)[0] == "BadRequestException"
    raw = refuse_raw(clients("guardduty"), "GetDetector", {"DetectorId": "0" * 32})
    assert raw["status_code"] == 400
    assert raw["headers"]["x-amzn-ErrorType"] == "BadRequestException"
    assert json.loads(raw["body"]) == {
        "message": "The request is rejected because the input detectorId is not owned by the current account.",
        "__type": "NoSuchEntityException",
    }


def test_securityhub_error_has_code_and_message_in_body(emulator: Emulator, clients: Clients) -> None:
    raw = refuse_raw(clients("securityhub"), "DescribeHub", {})
    assert raw["status_code"] == 401
    assert raw["headers"]["x-amzn-ErrorType"] == "InvalidAccessException"
    assert json.loads(raw["body"]) == {
        "Code": "InvalidAccessException",
        "Message": "Account 111111111111 is not subscribed to AWS Security Hub",
    }


def send(emulator: Emulator, service: str, method: str, target: str, body: bytes = b"") -> tuple[int, dict[str, str]]:
    """Send what boto3 would refuse to send; return the status and the decoded answer."""
    connection = http.client.HTTPConnection(emulator.url.removeprefix("http://"))
    scope = f"{ADMINISTRATOR}/20260101/{REGION}/{service}/aws4_request"
    connection.request(method, target, body, {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/detector/0/member", b"{"),
        ("/detector/0/member", b"[]"),
        ("/detector/0/member", b"{}"),
        ("/detector/0/member", b'{"accountDetails": {}}'),
        ("/detector/0/member", b'{"accountDetails": []}'),
        ("/detector/0/member", b'{"accountDetails": ["222222222222"]}'),
        ("/detector/0/member", b'{"accountDetails": [{"accountId": 222222222222, "email": "a@example.com"}]}'),
        ("/detector/0/member", b'{"accountDetails": [{"accountId": "222222222222"}]}'),
        ("/detector/0/member", b'{"AccountDetails": [{"accountId": "222222222222", "email": "a@example.com"}]}'),
        ("/detector", b'{"enable": "true"}'),
        ("/detector", b'{"enable": true, "findingPublishingFrequency": "DAILY"}'),
        ("/detector", b'{"enable": true, "tags": ["a"]}'),
    ],
)
def test_request_that_the_model_does_not_allow(emulator: Emulator, target: str, body: bytes) -> None:
    status, answer = send(emulator, "guardduty", "POST", target, body)
    assert (status, answer["__type"]) == (400, "InvalidInputException")


@pytest.mark.parametrize("query", ["OnlyAssociated=yes", "MaxResults=ten", "MaxResults=0"])
def test_query_that_the_model_does_not_allow(emulator: Emulator, query: str) -> None:
    status, answer = send(emulator, "securityhub", "GET", f"/members?{query}")
    assert (status, answer["Code"]) == (400, "InvalidInputException")


def test_path_that_is_in_no_model(emulator: Emulator) -> None:
    assert send(emulator, "guardduty", "GET", "/detectors")[0] == 404


@pytest.mark.parametrize(
    "answer",
    [
        {"UnprocessedAccounts": [], "Members": []},
        {},
        {"UnprocessedAccounts": [{"AccountId": MEMBER, "ProcessingResult": "text"}]},
        {"UnprocessedAccounts": [{"AccountId": 222222222222, "Result": "text"}]},
    ],
)
def test_answer_that_is_not_in_the_model_is_never_written(answer: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError):
        load_service("guardduty").operations["CreateMembers"].serialise(answer)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("nowhere", "aws")],
)
def test_partition_of_a_region(region: str, partition: str) -> None:
    assert partition_of(region) == partition


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("guardduty", "ListFilters", {"DetectorId": "0" * 32}),
        ("guardduty", "ListIPSets", {"DetectorId": "0" * 32}),
        ("securityhub", "GetFindings", {}),
    ],
)
def test_operation_that_is_not_emulated_says_so(
    emulator: Emulator, clients: Clients, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    raw = refuse_raw(clients(service), operation, arguments)
    assert raw["status_code"] == 404
    assert f"{operation} is not emulated" in raw["body"].decode()
    assert emulator.operations() == [operation]
