# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The administrator's side of each service, call by call: what is sent, and how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Account, Member, Reason, State, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, CallFailed, Refusal
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR
from ansible_collections.muster.aws.tests.unit.services.scripted import SERVICES, Refused, Said, scripted

A, B = "012345678901", "222222222222"
DETECTOR = "1" * 32
DETECTORS = {"detectorIds": [DETECTOR]}
ACCOUNTS = [Account(A, "a@example.com"), Account(B, "b@example.com")]
NO_MEMBER = "The request is rejected because the given account ID is not an associated member of the current account."
WORDS = "Words that nobody has seen yet."


def answers_of(service: str, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Add the look-up of the detector, which opens GuardDuty's conversations."""
    return {**({"ListDetectors": DETECTORS} if service == "guardduty" else {}), **answers}


def last(asked: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    assert [operation for operation, _params in asked[:-1]] in ([], ["ListDetectors"])
    return asked[-1]


@pytest.mark.parametrize(
    ("service", "step", "count", "operation", "params"),
    [
        (
            "guardduty",
            Step.CREATE,
            2,
            "CreateMembers",
            {
                "DetectorId": DETECTOR,
                "AccountDetails": [
                    {"AccountId": A, "Email": "a@example.com"},
                    {"AccountId": B, "Email": "b@example.com"},
                ],
            },
        ),
        (
            "guardduty",
            Step.INVITE,
            2,
            "InviteMembers",
            {"DetectorId": DETECTOR, "AccountIds": [A, B], "DisableEmailNotification": True},
        ),
        ("guardduty", Step.DISASSOCIATE, 2, "DisassociateMembers", {"DetectorId": DETECTOR, "AccountIds": [A, B]}),
        ("guardduty", Step.DELETE, 2, "DeleteMembers", {"DetectorId": DETECTOR, "AccountIds": [A, B]}),
        (
            "guardduty",
            Step.START_MONITORING,
            2,
            "StartMonitoringMembers",
            {"DetectorId": DETECTOR, "AccountIds": [A, B]},
        ),
        ("guardduty", Step.STOP_MONITORING, 2, "StopMonitoringMembers", {"DetectorId": DETECTOR, "AccountIds": [A, B]}),
        (
            "securityhub",
            Step.CREATE,
            2,
            "CreateMembers",
            {
                "AccountDetails": [
                    {"AccountId": A, "Email": "a@example.com"},
                    {"AccountId": B, "Email": "b@example.com"},
                ]
            },
        ),
        ("securityhub", Step.INVITE, 2, "InviteMembers", {"AccountIds": [A, B]}),
        ("securityhub", Step.DISASSOCIATE, 2, "DisassociateMembers", {"AccountIds": [A, B]}),
        ("securityhub", Step.DELETE, 2, "DeleteMembers", {"AccountIds": [A, B]}),
        ("macie", Step.CREATE, 1, "CreateMember", {"account": {"accountId": A, "email": "a@example.com"}}),
        ("macie", Step.INVITE, 2, "CreateInvitations", {"accountIds": [A, B], "disableEmailNotification": True}),
        ("macie", Step.DISASSOCIATE, 1, "DisassociateMember", {"id": A}),
        ("macie", Step.DELETE, 1, "DeleteMember", {"id": A}),
        ("macie", Step.START_MONITORING, 1, "UpdateMemberSession", {"id": A, "status": "ENABLED"}),
        ("macie", Step.STOP_MONITORING, 1, "UpdateMemberSession", {"id": A, "status": "PAUSED"}),
    ],
)
def test_step_sends_its_operation_and_nothing_that_nobody_asked_for(
    service: str, step: Step, count: int, operation: str, params: dict[str, Any], emulator: Emulator
) -> None:
    with scripted(emulator, service, answers_of(service, {operation: {}})) as aws:
        aws.service.open_members(aws.api(), {}).calls[step](ACCOUNTS[:count])
    assert last(aws.asked) == (operation, params)


EVERYWHERE = {Step.CREATE, Step.INVITE, Step.DISASSOCIATE, Step.DELETE}
MONITORING = {Step.START_MONITORING, Step.STOP_MONITORING}


@pytest.mark.parametrize(
    ("service", "steps"),
    [("guardduty", EVERYWHERE | MONITORING), ("securityhub", EVERYWHERE), ("macie", EVERYWHERE | MONITORING)],
)
def test_service_has_these_steps_for_members_and_no_others(service: str, steps: set[Step], emulator: Emulator) -> None:
    with scripted(emulator, service, answers_of(service, {})) as aws:
        assert set(aws.service.open_members(aws.api(), {}).calls) == steps


@pytest.mark.parametrize("email", [None, ""])
def test_securityhub_account_of_the_organization_is_created_without_an_email(
    email: str | None, emulator: Emulator
) -> None:
    with scripted(emulator, "securityhub", {"CreateMembers": {"UnprocessedAccounts": []}}) as aws:
        aws.service.open_members(aws.api(), {}).calls[Step.CREATE]([Account(A, email), ACCOUNTS[1]])
    details = [{"AccountId": A}, {"AccountId": B, "Email": "b@example.com"}]
    assert aws.asked == [("CreateMembers", {"AccountDetails": details})]


@pytest.mark.parametrize(
    ("service", "options", "sent"),
    [
        ("guardduty", {}, {"DisableEmailNotification": True}),
        ("guardduty", {"email_notification": False, "invitation_message": ""}, {"DisableEmailNotification": True}),
        ("guardduty", {"email_notification": True}, {"DisableEmailNotification": False}),
        (
            "guardduty",
            {"email_notification": None, "invitation_message": "Hello you"},
            {"DisableEmailNotification": True, "Message": "Hello you"},
        ),
        ("macie", {}, {"disableEmailNotification": True}),
        ("macie", {"email_notification": False, "invitation_message": ""}, {"disableEmailNotification": True}),
        ("macie", {"email_notification": True}, {"disableEmailNotification": False}),
        (
            "macie",
            {"email_notification": None, "invitation_message": "Hello"},
            {"disableEmailNotification": True, "message": "Hello"},
        ),
    ],
)
def test_invitation_says_always_whether_an_email_is_sent_and_a_message_only_if_there_is_one(
    service: str, options: dict[str, Any], sent: dict[str, Any], emulator: Emulator
) -> None:
    operation = "InviteMembers" if service == "guardduty" else "CreateInvitations"
    with scripted(emulator, service, answers_of(service, {operation: {}})) as aws:
        aws.service.open_members(aws.api(), options).calls[Step.INVITE](ACCOUNTS[:1])
    named = {"DetectorId": DETECTOR, "AccountIds": [A]} if service == "guardduty" else {"accountIds": [A]}
    assert last(aws.asked) == (operation, {**named, **sent})


def test_guardduty_detector_that_is_given_is_not_looked_up(emulator: Emulator) -> None:
    with scripted(emulator, "guardduty", {"DeleteMembers": {"unprocessedAccounts": []}}) as aws:
        aws.service.open_members(aws.api(), {"detector_id": "2" * 32}).calls[Step.DELETE](ACCOUNTS)
    assert aws.asked == [("DeleteMembers", {"DetectorId": "2" * 32, "AccountIds": [A, B]})]


@pytest.mark.parametrize("side", ["open_members", "open_organization"])
def test_guardduty_without_a_detector_is_off(side: str, emulator: Emulator) -> None:
    with (
        scripted(emulator, "guardduty", {"ListDetectors": {"detectorIds": []}}) as aws,
        pytest.raises(CallFailed) as caught,
    ):
        getattr(aws.service, side)(*((aws.api(), {}) if side == "open_members" else (aws.api(),)))
    failure = caught.value
    assert (failure.operation, failure.code, failure.reason) == (
        "ListDetectors",
        "NoDetector",
        Reason.SERVICE_NOT_ENABLED,
    )
    assert failure.text == "there is no detector: GuardDuty is off in this account and Region"


@pytest.mark.parametrize("odd", [[""], [" "]])
def test_guardduty_detector_without_a_name_is_not_believed(odd: list[str], emulator: Emulator) -> None:
    with (
        scripted(emulator, "guardduty", {"ListDetectors": {"detectorIds": odd}}) as aws,
        pytest.raises(CallFailed, match="ListDetectors: UnreadableAnswer: the answer names a resource"),
    ):
        aws.service.open_members(aws.api(), {})


# What AWS says of a batch, account by account


@pytest.mark.parametrize(
    ("service", "step", "body", "answer"),
    [
        ("guardduty", Step.INVITE, {"unprocessedAccounts": []}, Answer()),
        (
            "guardduty",
            Step.DELETE,
            {"unprocessedAccounts": [{"accountId": A, "result": WORDS}]},
            Answer({A: Refusal(WORDS)}),
        ),
        ("guardduty", Step.CREATE, {}, Answer(is_per_account=False)),
        (
            "securityhub",
            Step.INVITE,
            {"UnprocessedAccounts": [{"AccountId": A, "ProcessingResult": WORDS}]},
            Answer({A: Refusal(WORDS)}),
        ),
        (
            "securityhub",
            Step.CREATE,
            {"UnprocessedAccounts": [{"AccountId": B}]},
            Answer({B: Refusal("AWS gave no reason")}),
        ),
        ("securityhub", Step.DISASSOCIATE, {}, Answer(is_per_account=False)),
        ("macie", Step.INVITE, {"unprocessedAccounts": []}, Answer()),
        (
            "macie",
            Step.INVITE,
            {"unprocessedAccounts": [{"accountId": A, "errorCode": "ClientError", "errorMessage": WORDS}]},
            Answer({A: Refusal(WORDS, "ClientError")}),
        ),
        ("macie", Step.INVITE, {}, Answer(is_per_account=False)),
        # One account: any answer that is no error is consent.
        ("macie", Step.CREATE, {"arn": "arn:aws:macie2:us-east-1:111111111111:member/x"}, Answer()),
        ("macie", Step.DISASSOCIATE, {}, Answer()),
        ("macie", Step.DELETE, {}, Answer()),
        ("macie", Step.START_MONITORING, {}, Answer()),
    ],
)
def test_answer_speaks_for_each_account_or_for_nobody(
    service: str, step: Step, body: dict[str, Any], answer: Answer, emulator: Emulator
) -> None:
    operation = SERVICES[service].facts.operations[step]
    is_single = service == "macie" and step is not Step.INVITE
    with scripted(emulator, service, answers_of(service, {operation: body})) as aws:
        found = aws.service.open_members(aws.api(), {}).calls[step](ACCOUNTS[: 1 if is_single else 2])
    assert found == answer


@pytest.mark.parametrize(
    ("service", "step"),
    [("guardduty", Step.INVITE), ("securityhub", Step.CREATE), ("macie", Step.INVITE), ("macie", Step.DELETE)],
)
def test_answer_to_a_request_that_was_sent_twice_says_so(service: str, step: Step, emulator: Emulator) -> None:
    done = {"unprocessedAccounts": [], "UnprocessedAccounts": []}
    operation = SERVICES[service].facts.operations[step]
    failed: list[Said] = [Refused("InternalServerError", "Internal failure", 500), done]
    with scripted(emulator, service, answers_of(service, {operation: failed})) as aws:
        answer = aws.service.open_members(aws.api(attempts=2), {}).calls[step](ACCOUNTS[:1])
    assert answer == Answer(is_repeated=True)


# Records

MEMBERS = [
    (
        "guardduty",
        {
            "accountId": A,
            "administratorId": ADMINISTRATOR,
            "masterId": B,
            "email": "a@example.com",
            "relationshipStatus": "Enabled",
            "invitedAt": "2022-05-18T08:15:42.000Z",
            "updatedAt": "2022-05-19T08:15:42.000Z",
        },
        Member(
            A,
            State.ENABLED,
            "Enabled",
            "a@example.com",
            ADMINISTRATOR,
            "2022-05-18T08:15:42.000Z",
            "2022-05-19T08:15:42.000Z",
        ),
    ),
    # An older answer.
    (
        "guardduty",
        {"accountId": A, "masterId": ADMINISTRATOR, "relationshipStatus": "Created"},
        Member(A, State.CREATED, "Created", administrator_id=ADMINISTRATOR),
    ),
    ("guardduty", {"accountId": A, "relationshipStatus": "Nova"}, Member(A, State.UNKNOWN, "Nova")),
    ("guardduty", {"accountId": A}, Member(A, State.UNKNOWN)),
    (
        "securityhub",
        {
            "AccountId": A,
            "AdministratorId": ADMINISTRATOR,
            "MasterId": B,
            "Email": "a@example.com",
            "MemberStatus": "Associated",
            "InvitedAt": "2020-08-20T17:54:02.841Z",
            "UpdatedAt": "2020-08-21T17:54:02.841Z",
        },
        Member(
            A,
            State.ENABLED,
            "Associated",
            "a@example.com",
            ADMINISTRATOR,
            "2020-08-20T17:54:02.841Z",
            "2020-08-21T17:54:02.841Z",
        ),
    ),
    (
        "securityhub",
        {"AccountId": A, "MasterId": ADMINISTRATOR, "MemberStatus": "Invited"},
        Member(A, State.INVITED, "Invited", administrator_id=ADMINISTRATOR),
    ),
    ("securityhub", {"AccountId": A}, Member(A, State.UNKNOWN)),
    (
        "macie",
        {
            "accountId": A,
            "administratorAccountId": ADMINISTRATOR,
            "masterAccountId": B,
            "email": "a@example.com",
            "relationshipStatus": "Paused",
            "invitedAt": "2022-05-18T08:15:42.000Z",
            "updatedAt": "2022-05-19T08:15:42.000Z",
        },
        Member(
            A,
            State.SUSPENDED,
            "Paused",
            "a@example.com",
            ADMINISTRATOR,
            "2022-05-18T08:15:42.000Z",
            "2022-05-19T08:15:42.000Z",
        ),
    ),
    (
        "macie",
        {"accountId": A, "masterAccountId": ADMINISTRATOR, "relationshipStatus": "Resigned"},
        Member(A, State.RESIGNED, "Resigned", administrator_id=ADMINISTRATOR),
    ),
    ("macie", {"accountId": A}, Member(A, State.UNKNOWN)),
]


@pytest.mark.parametrize(("service", "record", "member"), MEMBERS)
def test_record_is_read_alike_by_name_and_in_the_list(
    service: str, record: dict[str, Any], member: Member, emulator: Emulator
) -> None:
    by_name: dict[str, Any] = {
        "guardduty": {"GetMembers": {"members": [record], "unprocessedAccounts": []}},
        "securityhub": {"GetMembers": {"Members": [record]}},
        "macie": {"GetMember": record},
    }[service]
    listed = {"Members": [record]} if service == "securityhub" else {"members": [record]}
    with scripted(emulator, service, answers_of(service, {**by_name, "ListMembers": listed})) as aws:
        port = aws.service.open_members(aws.api(), {})
        assert port.get_members([A]) == [member]
        assert port.list_members() == [member]


@pytest.mark.parametrize(
    ("service", "pages", "params"),
    [
        (
            "guardduty",
            [{"members": [{"accountId": A}], "nextToken": "x"}, {"members": [], "nextToken": "y"}, {"members": []}],
            {"DetectorId": DETECTOR, "OnlyAssociated": "false", "MaxResults": 50},
        ),
        (
            "securityhub",
            [{"Members": [{"AccountId": A}], "NextToken": "x"}, {"Members": [], "NextToken": "y"}, {"Members": []}],
            {"OnlyAssociated": False, "MaxResults": 50},
        ),
        (
            "macie",
            [{"members": [{"accountId": A}], "nextToken": "x"}, {"members": [], "nextToken": "y"}, {"members": []}],
            {"onlyAssociated": "false", "maxResults": 25},
        ),
    ],
)
def test_list_asks_for_members_of_whatever_status_page_by_page(
    service: str, pages: list[Said], params: dict[str, Any], emulator: Emulator
) -> None:
    with scripted(emulator, service, answers_of(service, {"ListMembers": pages})) as aws:
        assert aws.service.open_members(aws.api(), {}).list_members() == [Member(A, State.UNKNOWN)]
    token = "nextToken" if service == "macie" else "NextToken"
    asked = [sent for operation, sent in aws.asked if operation == "ListMembers"]
    assert asked == [params, {**params, token: "x"}, {**params, token: "y"}]


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("guardduty", "GetMembers", {"DetectorId": DETECTOR, "AccountIds": [A, B]}),
        ("securityhub", "GetMembers", {"AccountIds": [A, B]}),
    ],
)
@pytest.mark.parametrize(
    ("said", "is_sure"),
    [([], True), ([(B, NO_MEMBER)], True), ([(B, WORDS)], False), ([(A, NO_MEMBER), (B, WORDS)], False)],
)
def test_accounts_that_aws_knows_nothing_of_have_no_record_and_those_that_it_cannot_look_up_may_have(
    service: str,
    operation: str,
    params: dict[str, Any],
    said: list[tuple[str, str]],
    is_sure: bool,
    emulator: Emulator,
) -> None:
    keys = ("accountId", "result") if service == "guardduty" else ("AccountId", "ProcessingResult")
    unprocessed = [dict(zip(keys, each, strict=True)) for each in said]
    names = ("members", "unprocessedAccounts") if service == "guardduty" else ("Members", "UnprocessedAccounts")
    body = {names[0]: [{keys[0]: A}], names[1]: unprocessed}
    with scripted(emulator, service, answers_of(service, {operation: body})) as aws:
        found = aws.service.open_members(aws.api(), {}).get_members([A, B])
    assert found == ([Member(A, State.UNKNOWN)] if is_sure else None)
    assert last(aws.asked) == (operation, params)


# Told by its code, or by its text under another one.
MISSING = Refused("ResourceNotFoundException", WORDS, 404)
DENIED = Refused("AccessDeniedException", "You may not.", 403)


@pytest.mark.parametrize(
    ("service", "said", "found"),
    [
        ("securityhub", MISSING, None),
        ("securityhub", Refused("InvalidInputException", "No such resource found."), None),
        ("macie", Refused("ValidationException", "No such resource found."), []),
        ("macie", MISSING, []),
        ("macie", Refused("ValidationException", "The account isn't an associated member of account 1."), None),
        ("macie", Refused("ValidationException", "The account is not an associated member of account 1."), []),
        ("macie", Refused("ValidationException", "It is not associated with your account."), []),
        ("macie", Refused("ConflictException", "No member accounts are associated with your account.", 409), []),
        ("macie", Refused("ValidationException", WORDS), None),
    ],
)
def test_refusal_to_read_one_account_says_that_there_is_no_record_or_nothing_sure(
    service: str, said: Refused, found: list[Member] | None, emulator: Emulator
) -> None:
    operation = "GetMember" if service == "macie" else "GetMembers"
    with scripted(emulator, service, {operation: said}) as aws:
        assert aws.service.open_members(aws.api(), {}).get_members([A]) == found
    assert aws.asked == [(operation, {"id": A} if service == "macie" else {"AccountIds": [A]})]


@pytest.mark.parametrize(
    ("service", "said", "reason"),
    [
        ("guardduty", DENIED, Reason.ACCESS_DENIED),
        ("securityhub", DENIED, Reason.ACCESS_DENIED),
        ("securityhub", Refused("InvalidInputException", WORDS), Reason.OTHER),
        ("macie", DENIED, Reason.ACCESS_DENIED),
        ("macie", Refused("AccessDeniedException", "Macie is not enabled.", 403), Reason.SERVICE_NOT_ENABLED),
    ],
)
def test_refusal_to_read_that_is_the_callers_is_one(
    service: str, said: Refused, reason: Reason, emulator: Emulator
) -> None:
    operation = "GetMember" if service == "macie" else "GetMembers"
    with (
        scripted(emulator, service, answers_of(service, {operation: said})) as aws,
        pytest.raises(CallFailed) as caught,
    ):
        aws.service.open_members(aws.api(), {}).get_members([A])
    assert (caught.value.operation, caught.value.reason, caught.value.text) == (operation, reason, said.text)


@pytest.mark.parametrize(
    ("service", "operation", "body", "text"),
    [
        ("guardduty", "GetMembers", {"members": None}, "the answer has no usable Members"),
        ("guardduty", "GetMembers", {"members": [{}]}, "the answer has a record with the account id ''"),
        ("guardduty", "ListMembers", {"members": [{}]}, "the answer has a record with the account id ''"),
        ("securityhub", "GetMembers", {}, "the answer has no usable Members"),
        (
            "securityhub",
            "GetMembers",
            {"Members": [{"AccountId": "1"}]},
            "the answer has a record with the account id '1'",
        ),
        ("securityhub", "ListMembers", {"Members": [{}]}, "the answer has a record with the account id ''"),
        ("macie", "GetMember", {}, "the answer has a record with the account id ''"),
        ("macie", "GetMember", {"accountId": B}, f"the answer is about {B}"),
        ("macie", "ListMembers", {"members": [{}]}, "the answer has a record with the account id ''"),
    ],
)
def test_records_that_name_nobody_are_not_believed(
    service: str, operation: str, body: dict[str, Any], text: str, emulator: Emulator
) -> None:
    with scripted(emulator, service, answers_of(service, {operation: body})) as aws:
        port = aws.service.open_members(aws.api(), {})
        with pytest.raises(CallFailed) as caught:
            _found = port.list_members() if operation == "ListMembers" else port.get_members([A])
    failure = caught.value
    assert (failure.operation, failure.code, failure.text) == (operation, "UnreadableAnswer", text)
    assert failure.reason is Reason.INTERNAL_ERROR and failure.is_uncertain


@pytest.mark.parametrize(
    ("service", "params"), [("guardduty", {"DetectorId": DETECTOR}), ("securityhub", {}), ("macie", {})]
)
def test_look_at_the_organization_is_one_call(service: str, params: dict[str, Any], emulator: Emulator) -> None:
    operation = "DescribeOrganizationConfiguration"
    body = {"autoEnable": True, "memberAccountLimitReached": False}
    with scripted(emulator, service, answers_of(service, {operation: body})) as aws:
        aws.service.open_members(aws.api(), {}).describe_organization()
    assert last(aws.asked) == (operation, params)


# Features of GuardDuty's members

ROW = {
    "accountId": A,
    "features": [
        {"name": "S3_DATA_EVENTS", "status": "ENABLED", "updatedAt": 1.0},
        {
            "name": "RUNTIME_MONITORING",
            "status": "DISABLED",
            "additionalConfiguration": [{"name": "EKS_ADDON_MANAGEMENT", "status": "ENABLED"}],
        },
    ],
}


@pytest.mark.parametrize(
    ("own", "additional", "owner"),
    [
        ("GUARDDUTY_POLICY", None, "GUARDDUTY_POLICY"),
        (None, "GUARDDUTY_POLICY", "GUARDDUTY_POLICY"),
        ("GUARDDUTY_POLICY", "SOMEBODY", "GUARDDUTY_POLICY"),
        (None, None, None),
    ],
)
def test_feature_that_a_policy_owns_in_part_is_the_policys(
    own: str | None, additional: str | None, owner: str | None, emulator: Emulator
) -> None:
    agent = {"name": "EC2_AGENT_MANAGEMENT", "status": "ENABLED", "managedBy": additional}
    feature = {"name": "X", "status": "ENABLED", "managedBy": own, "additionalConfiguration": [{"name": "Y"}, agent]}
    body = {"members": [{"accountId": A, "features": [feature]}], "unprocessedAccounts": []}
    with scripted(emulator, "guardduty", answers_of("guardduty", {"GetMemberDetectors": body})) as aws:
        port: Any = aws.service.open_members(aws.api(), {})
        found, _answer = port.get_features([A])
    # What AWS has no word for is off.
    parts = {"Y": "DISABLED", "EC2_AGENT_MANAGEMENT": "ENABLED"}
    assert found == {A: {"X": Feature("X", "ENABLED", parts, owner)}}


def test_features_are_read_by_account_and_name(emulator: Emulator) -> None:
    refused = {"accountId": "333333333333", "result": NO_MEMBER}
    rows = [ROW, {"accountId": B, "features": None}]
    body = {"members": rows, "unprocessedAccounts": [refused]}
    with scripted(emulator, "guardduty", answers_of("guardduty", {"GetMemberDetectors": body})) as aws:
        port: Any = aws.service.open_members(aws.api(), {})
        found, answer = port.get_features([A, B, "333333333333"])
    assert found == {
        A: {
            "S3_DATA_EVENTS": Feature("S3_DATA_EVENTS", "ENABLED"),
            "RUNTIME_MONITORING": Feature("RUNTIME_MONITORING", "DISABLED", {"EKS_ADDON_MANAGEMENT": "ENABLED"}),
        },
        B: {},
    }
    assert answer == Answer({"333333333333": Refusal(NO_MEMBER)})
    named = {"DetectorId": DETECTOR, "AccountIds": [A, B, "333333333333"]}
    assert last(aws.asked) == ("GetMemberDetectors", named)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "the answer has no usable MemberDataSourceConfigurations"),
        ({"members": [{"accountId": "1"}]}, "the answer has a record with the account id '1'"),
        ({"members": [{"accountId": A, "features": [{"name": 1}]}]}, "the answer has the Name 1"),
        (
            {"members": [{"accountId": A, "features": [{"name": "X", "additionalConfiguration": [{"name": 2}]}]}]},
            "the answer has the Name 2",
        ),
    ],
)
def test_features_of_nobody_are_not_believed(body: dict[str, Any], text: str, emulator: Emulator) -> None:
    with scripted(emulator, "guardduty", answers_of("guardduty", {"GetMemberDetectors": body})) as aws:
        port: Any = aws.service.open_members(aws.api(), {})
        with pytest.raises(CallFailed) as caught:
            port.get_features([A])
    assert (caught.value.operation, caught.value.text) == ("GetMemberDetectors", text)


def test_features_are_given_to_all_accounts_in_one_call(emulator: Emulator) -> None:
    features = [
        Feature("S3_DATA_EVENTS", "ENABLED"),
        Feature(
            "RUNTIME_MONITORING",
            "ENABLED",
            {"ECS_FARGATE_AGENT_MANAGEMENT": "DISABLED", "EC2_AGENT_MANAGEMENT": "ENABLED"},
        ),
    ]
    body = {"unprocessedAccounts": [{"accountId": B, "result": WORDS}]}
    with scripted(emulator, "guardduty", answers_of("guardduty", {"UpdateMemberDetectors": body})) as aws:
        port: Any = aws.service.open_members(aws.api(), {})
        assert port.update_features([A, B], features) == Answer({B: Refusal(WORDS)})
    sent = {
        "DetectorId": DETECTOR,
        "AccountIds": [A, B],
        "Features": [
            {"Name": "S3_DATA_EVENTS", "Status": "ENABLED"},
            {
                "Name": "RUNTIME_MONITORING",
                "Status": "ENABLED",
                "AdditionalConfiguration": [
                    {"Name": "EC2_AGENT_MANAGEMENT", "Status": "ENABLED"},
                    {"Name": "ECS_FARGATE_AGENT_MANAGEMENT", "Status": "DISABLED"},
                ],
            },
        ],
    }
    assert last(aws.asked) == ("UpdateMemberDetectors", sent)
