# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member's side of each service, call by call: what is sent, and how an answer is read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, Relationship, State
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR
from ansible_collections.muster.aws.tests.unit.services.scripted import Refused, Said, Script, scripted

DETECTOR = "1" * 32
DETECTORS = {"detectorIds": [DETECTOR]}
INVITATION = "2" * 32
INVITED_AT = "2022-05-18T08:15:42.000Z"
# Told by its text, or by its code alone.
MISSING = Refused("InvalidInputException", "No such resource found: administrator.")
GONE = Refused("ResourceNotFoundException", "Words that nobody has seen yet.", 404)
DENIED = Refused("AccessDeniedException", "You may not.", 403)
FAILED = Refused("InternalServerErrorException", "Internal failure", 500)

# The record of an administrator or of an invitation, as the wire has it, and what it is read as.
RECORDS = [
    (
        "guardduty",
        {
            "accountId": ADMINISTRATOR,
            "invitationId": INVITATION,
            "relationshipStatus": "Enabled",
            "invitedAt": INVITED_AT,
        },
        Relationship(ADMINISTRATOR, State.ENABLED, "Enabled", INVITATION, INVITED_AT),
    ),
    ("guardduty", {"accountId": ADMINISTRATOR}, Relationship(ADMINISTRATOR, State.UNKNOWN)),
    (
        "securityhub",
        {
            "AccountId": ADMINISTRATOR,
            "InvitationId": INVITATION,
            "MemberStatus": "Invited",
            "InvitedAt": INVITED_AT,
        },
        Relationship(ADMINISTRATOR, State.INVITED, "Invited", INVITATION, INVITED_AT),
    ),
    ("securityhub", {"AccountId": ADMINISTRATOR}, Relationship(ADMINISTRATOR, State.UNKNOWN)),
    (
        "macie",
        {
            "accountId": ADMINISTRATOR,
            "invitationId": INVITATION,
            "relationshipStatus": "Paused",
            "invitedAt": INVITED_AT,
        },
        Relationship(ADMINISTRATOR, State.SUSPENDED, "Paused", INVITATION, INVITED_AT),
    ),
    ("macie", {"accountId": ADMINISTRATOR}, Relationship(ADMINISTRATOR, State.UNKNOWN)),
]

# Under the names of Security Hub.
WIRE = {
    "guardduty": {"Administrator": "administrator", "Invitations": "invitations"},
    "securityhub": {"Administrator": "Administrator", "Invitations": "Invitations"},
    "macie": {"Administrator": "administrator", "Invitations": "invitations"},
}
ALL = tuple(WIRE)
PAGE = {"guardduty": {"MaxResults": 50}, "securityhub": {"MaxResults": 50}, "macie": {"maxResults": 25}}
DETECTOR_OF = {"guardduty": {"DetectorId": DETECTOR}, "securityhub": {}, "macie": {}}


@pytest.mark.parametrize(("service", "record", "found"), RECORDS)
def test_administrator_and_invitation_are_read_alike(
    service: str, record: dict[str, Any], found: Relationship, emulator: Emulator
) -> None:
    wire = WIRE[service]
    answers: dict[str, Any] = {
        "ListDetectors": DETECTORS,
        "GetAdministratorAccount": {wire["Administrator"]: record},
        "ListInvitations": {wire["Invitations"]: [record]},
    }
    with scripted(emulator, service, answers) as aws:
        port = aws.service.open_administrator(aws.api())
        assert port.get_administrator() == found
        assert port.list_invitations() == [found]
    asked = [each for each in aws.asked if each[0] != "ListDetectors"]
    assert asked == [("GetAdministratorAccount", DETECTOR_OF[service]), ("ListInvitations", PAGE[service])]


@pytest.mark.parametrize("service", ALL)
def test_invitations_are_read_page_by_page(service: str, emulator: Emulator) -> None:
    key, account, token = ("Invitations", "AccountId", "NextToken")
    if service != "securityhub":
        key, account, token = ("invitations", "accountId", "nextToken")
    pages: list[Said] = [{key: [], token: "x"}, {key: [{account: ADMINISTRATOR}]}]
    with scripted(emulator, service, {"ListInvitations": pages}) as aws:
        found = aws.service.open_administrator(aws.api()).list_invitations()
    assert found == [Relationship(ADMINISTRATOR, State.UNKNOWN)]
    assert aws.operations == ["ListInvitations", "ListInvitations"]


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize("body", [{}, {"administrator": None, "Administrator": None}])
def test_no_administrator_is_none(service: str, body: dict[str, Any], emulator: Emulator) -> None:
    answers: dict[str, Any] = {"ListDetectors": DETECTORS, "GetAdministratorAccount": body}
    with scripted(emulator, service, answers) as aws:
        assert aws.service.open_administrator(aws.api()).get_administrator() is None


@pytest.mark.parametrize("service", ALL)
@pytest.mark.parametrize("operation", ["GetAdministratorAccount", "ListInvitations"])
def test_record_of_nobody_is_not_believed(service: str, operation: str, emulator: Emulator) -> None:
    wire, odd = WIRE[service], {"AccountId": "1", "accountId": "1"}
    body: dict[str, Any] = {wire["Administrator"]: odd, wire["Invitations"]: [odd]}
    with scripted(emulator, service, {"ListDetectors": DETECTORS, operation: body}) as aws:
        port = aws.service.open_administrator(aws.api())
        with pytest.raises(CallFailed) as caught:
            _found = port.list_invitations() if operation == "ListInvitations" else port.get_administrator()
    assert (caught.value.operation, caught.value.text) == (
        operation,
        "the answer has a record with the account id '1'",
    )


@pytest.mark.parametrize("service", ALL)
def test_refusal_to_tell_the_administrator_is_one(service: str, emulator: Emulator) -> None:
    answers: dict[str, Any] = {"ListDetectors": DETECTORS, "GetAdministratorAccount": DENIED}
    with scripted(emulator, service, answers) as aws, pytest.raises(CallFailed) as caught:
        aws.service.open_administrator(aws.api()).get_administrator()
    assert (caught.value.operation, caught.value.reason) == ("GetAdministratorAccount", Reason.ACCESS_DENIED)
    assert aws.operations[-1] == "GetAdministratorAccount"


@pytest.mark.parametrize("said", [MISSING, GONE])
def test_macie_that_finds_no_administrator_has_none(said: Refused, emulator: Emulator) -> None:
    with scripted(emulator, "macie", {"GetAdministratorAccount": said}) as aws:
        assert aws.service.open_administrator(aws.api()).get_administrator() is None


# Security Hub finds nothing where the administrator is missing, and where the hub is


def test_securityhub_missing_administrator_is_none_where_the_invitations_can_be_read(emulator: Emulator) -> None:
    record = {"AccountId": ADMINISTRATOR, "MemberStatus": "Invited"}
    invitations: list[Said] = [{"Invitations": [record]}, {"Invitations": []}]
    with scripted(emulator, "securityhub", {"GetAdministratorAccount": MISSING, "ListInvitations": invitations}) as aws:
        port = aws.service.open_administrator(aws.api())
        assert port.get_administrator() is None
        # They were read for that; who asks for them gets these, once.
        assert port.list_invitations() == [Relationship(ADMINISTRATOR, State.INVITED, "Invited")]
        assert aws.operations == ["GetAdministratorAccount", "ListInvitations"]
        assert port.list_invitations() == []
        # The hub is known to be on by now.
        assert port.get_administrator() is None
    assert aws.operations[2:] == ["ListInvitations", "GetAdministratorAccount"]


@pytest.mark.parametrize("said", [MISSING, GONE])
def test_securityhub_without_invitations_is_asked_for_them_once_too(said: Refused, emulator: Emulator) -> None:
    answers: dict[str, Any] = {"GetAdministratorAccount": said, "ListInvitations": {"Invitations": []}}
    with scripted(emulator, "securityhub", answers) as aws:
        port = aws.service.open_administrator(aws.api())
        assert (port.get_administrator(), port.list_invitations()) == (None, [])
    assert aws.operations == ["GetAdministratorAccount", "ListInvitations"]


def test_securityhub_missing_administrator_is_a_hub_that_is_off_where_they_cannot(emulator: Emulator) -> None:
    answers: dict[str, Any] = {"GetAdministratorAccount": MISSING, "ListInvitations": MISSING}
    with scripted(emulator, "securityhub", answers) as aws, pytest.raises(CallFailed) as caught:
        aws.service.open_administrator(aws.api()).get_administrator()
    assert (caught.value.operation, caught.value.reason) == ("ListInvitations", Reason.SERVICE_NOT_ENABLED)


@pytest.mark.parametrize("known", ["administrator", "enabled"])
def test_securityhub_that_is_known_to_be_on_is_asked_for_the_administrator_alone(
    known: str, emulator: Emulator
) -> None:
    seen: list[Said] = [{"Administrator": {"AccountId": ADMINISTRATOR}}, MISSING]
    answers: dict[str, Any] = {
        "GetAdministratorAccount": seen if known == "administrator" else MISSING,
        "EnableSecurityHub": {},
    }
    with scripted(emulator, "securityhub", answers) as aws:
        port = aws.service.open_administrator(aws.api())
        _done = port.get_administrator() if known == "administrator" else port.enable_service()
        assert port.get_administrator() is None
    assert "ListInvitations" not in aws.operations


# Writes


@pytest.mark.parametrize(
    ("service", "operation", "body", "params"),
    [
        ("guardduty", "CreateDetector", {"detectorId": DETECTOR}, {"Enable": True}),
        # Its default standards cost money.
        ("securityhub", "EnableSecurityHub", {}, {"EnableDefaultStandards": False}),
        ("macie", "EnableMacie", {}, {"status": "ENABLED"}),
    ],
)
def test_service_is_switched_on_for_a_member_without_anything_else(
    service: str, operation: str, body: dict[str, Any], params: dict[str, Any], emulator: Emulator
) -> None:
    with scripted(emulator, service, {operation: body}) as aws:
        assert aws.service.open_administrator(aws.api()).enable_service() is True
    assert aws.asked == [(operation, params)]


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        (
            "guardduty",
            "AcceptAdministratorInvitation",
            {"DetectorId": DETECTOR, "AdministratorId": ADMINISTRATOR, "InvitationId": INVITATION},
        ),
        (
            "securityhub",
            "AcceptAdministratorInvitation",
            {"AdministratorId": ADMINISTRATOR, "InvitationId": INVITATION},
        ),
        ("macie", "AcceptInvitation", {"administratorAccountId": ADMINISTRATOR, "invitationId": INVITATION}),
    ],
)
def test_invitation_is_accepted_by_administrator_and_id(
    service: str, operation: str, params: dict[str, Any], emulator: Emulator
) -> None:
    with scripted(emulator, service, {"ListDetectors": DETECTORS, operation: {}}) as aws:
        aws.service.open_administrator(aws.api()).accept_invitation(ADMINISTRATOR, INVITATION)
    assert aws.asked[-1] == (operation, params)


@pytest.mark.parametrize("service", ALL)
def test_administrator_is_left(service: str, emulator: Emulator) -> None:
    operation = "DisassociateFromAdministratorAccount"
    with scripted(emulator, service, {"ListDetectors": DETECTORS, operation: {}}) as aws:
        aws.service.open_administrator(aws.api()).leave_administrator()
    assert aws.asked[-1] == (operation, DETECTOR_OF[service])


def test_guardduty_detector_is_looked_up_once_in_a_conversation(emulator: Emulator) -> None:
    answers: dict[str, Any] = {
        "ListDetectors": DETECTORS,
        "GetAdministratorAccount": {},
        "AcceptAdministratorInvitation": {},
        "DisassociateFromAdministratorAccount": {},
    }
    with scripted(emulator, "guardduty", answers) as aws:
        port = aws.service.open_administrator(aws.api())
        port.get_administrator()
        port.accept_invitation(ADMINISTRATOR, INVITATION)
        port.leave_administrator()
    assert aws.operations == [
        "ListDetectors",
        "GetAdministratorAccount",
        "AcceptAdministratorInvitation",
        "DisassociateFromAdministratorAccount",
    ]


def test_guardduty_detector_that_was_just_made_is_not_looked_up(emulator: Emulator) -> None:
    answers: dict[str, Any] = {"CreateDetector": {"detectorId": DETECTOR}, "GetAdministratorAccount": {}}
    with scripted(emulator, "guardduty", answers) as aws:
        port = aws.service.open_administrator(aws.api())
        assert port.enable_service() is True
        assert port.get_administrator() is None
    assert aws.asked[1:] == [("GetAdministratorAccount", {"DetectorId": DETECTOR})]


def test_guardduty_detector_that_somebody_else_made_is_looked_up(emulator: Emulator) -> None:
    exists = Refused(
        "BadRequestException", "The request is rejected because a detector already exists for the account."
    )
    answers: dict[str, Any] = {
        "CreateDetector": exists,
        "ListDetectors": DETECTORS,
        "GetAdministratorAccount": {},
    }
    with scripted(emulator, "guardduty", answers) as aws:
        port = aws.service.open_administrator(aws.api())
        assert port.enable_service() is False
        assert port.get_administrator() is None
    assert aws.operations == ["CreateDetector", "ListDetectors", "GetAdministratorAccount"]


def test_guardduty_without_a_detector_has_no_member_side(emulator: Emulator) -> None:
    with (
        scripted(emulator, "guardduty", {"ListDetectors": {"detectorIds": []}}) as aws,
        pytest.raises(CallFailed) as caught,
    ):
        aws.service.open_administrator(aws.api()).get_administrator()
    assert caught.value.reason is Reason.SERVICE_NOT_ENABLED


# Switching on what is on already

ON_ALREADY = {
    "guardduty": (
        "CreateDetector",
        Refused(
            "BadRequestException",
            "The request is rejected because a detector already exists for the current account.",
        ),
    ),
    "securityhub": (
        "EnableSecurityHub",
        Refused("ResourceConflictException", "Account is already subscribed to Security Hub", 409),
    ),
    "macie": ("EnableMacie", Refused("ConflictException", "Macie has already been enabled.", 409)),
}
SIDES = ("open_administrator", "open_service")


# What the service itself is switched on with: Security Hub has no such setting.
SETTINGS = {"guardduty": {"enabled": True}, "securityhub": {}, "macie": {"enabled": True}}


def switch_on(aws: Script, side: str, attempts: int = 1) -> bool:
    api = aws.api(attempts)
    if side == "open_administrator":
        return aws.service.open_administrator(api).enable_service()
    return aws.service.open_service(api).enable(SETTINGS[aws.service.facts.name], {})


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("service", ALL)
def test_service_that_is_on_already_was_switched_on_by_somebody_else(
    service: str, side: str, emulator: Emulator
) -> None:
    operation, said = ON_ALREADY[service]
    with scripted(emulator, service, {operation: said}) as aws:
        done = switch_on(aws, side)
    assert done is False


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("service", ["securityhub", "macie"])
def test_service_that_is_on_already_after_a_lost_answer_was_switched_on_by_us(
    service: str, side: str, emulator: Emulator
) -> None:
    operation, said = ON_ALREADY[service]
    with scripted(emulator, service, {operation: [FAILED, said]}) as aws:
        done = switch_on(aws, side, attempts=2)
    assert done is True
    assert aws.operations == [operation, operation]


@pytest.mark.parametrize("side", SIDES)
def test_guardduty_detector_that_exists_after_a_lost_answer_is_told_with_the_doubt(
    side: str, emulator: Emulator
) -> None:
    operation, said = ON_ALREADY["guardduty"]
    with scripted(emulator, "guardduty", {operation: [FAILED, said]}) as aws, pytest.raises(CallFailed) as caught:
        switch_on(aws, side, attempts=2)
    assert (caught.value.text, caught.value.is_uncertain) == (said.text, True)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("service", ALL)
def test_refusal_to_switch_on_is_one(service: str, side: str, emulator: Emulator) -> None:
    operation, _said = ON_ALREADY[service]
    with scripted(emulator, service, {operation: DENIED}) as aws, pytest.raises(CallFailed) as caught:
        switch_on(aws, side)
    assert (caught.value.operation, caught.value.reason) == (operation, Reason.ACCESS_DENIED)
