# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is Macie's own in the emulator, over HTTP and through botocore."""

from __future__ import annotations

from typing import Any

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
    error_of,
)

MACIE = "macie"


@pytest.fixture
def administrator(emulator: Emulator) -> Any:
    emulator.seed({"services": [{"service": MACIE, "account_id": ADMINISTRATOR, "regions": [REGION]}]})
    return client(emulator, ADMINISTRATOR)


def client(emulator: Emulator, account_id: str) -> Any:
    return boto3.client("macie2", **emulator.client_arguments(account_id))


def create(macie: Any, account_id: str = ZERO, email: str | None = None) -> None:
    macie.create_member(account={"accountId": account_id, "email": email or f"{account_id}@example.com"})


def status(macie: Any, account_id: str = ZERO) -> str:
    return macie.get_member(id=account_id)["relationshipStatus"]


def test_members_life_from_creation_to_deletion(emulator, administrator) -> None:
    create(administrator)
    assert status(administrator) == "Created"
    assert administrator.create_invitations(accountIds=[ZERO, OTHER])["unprocessedAccounts"][0]["accountId"] == OTHER
    assert status(administrator) == "Invited"
    member = client(emulator, ZERO)
    member.enable_macie()
    [invitation] = member.list_invitations()["invitations"]
    member.accept_invitation(administratorAccountId=ADMINISTRATOR, invitationId=invitation["invitationId"])
    assert member.get_administrator_account()["administrator"]["accountId"] == ADMINISTRATOR
    record = administrator.get_member(id=ZERO)
    assert (record["relationshipStatus"], record["administratorAccountId"]) == ("Enabled", ADMINISTRATOR)
    assert record["updatedAt"].tzinfo
    administrator.update_member_session(id=ZERO, status="PAUSED")
    assert (status(administrator), member.get_macie_session()["status"]) == ("Paused", "PAUSED")
    administrator.update_member_session(id=ZERO, status="ENABLED")
    assert (status(administrator), member.get_macie_session()["status"]) == ("Enabled", "ENABLED")
    assert error_of(administrator.delete_member, id=ZERO)[:2] == ("ValidationException", 400)
    administrator.disassociate_member(id=ZERO)
    assert status(administrator) == "Removed"
    administrator.delete_member(id=ZERO)
    assert error_of(administrator.get_member, id=ZERO)[:2] == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("knob", "expected"),
    [
        ("404", ("ResourceNotFoundException", 404)),
        ("not_associated", ("ValidationException", 400)),
        ("not_member", ("ValidationException", 400)),
        ("conflict", ("ConflictException", 409)),
    ],
)
def test_get_member_of_a_stranger_is_refused_as_the_knob_says(emulator, administrator, knob, expected) -> None:
    emulator.set_knobs(get_member_unknown_macie=knob)
    assert error_of(administrator.get_member, id=ZERO)[:2] == expected


def test_everything_but_switching_on_is_refused_while_macie_is_off(emulator) -> None:
    macie = client(emulator, ADMINISTRATOR)
    refused = ("AccessDeniedException", 403, "Macie is not enabled.")
    assert error_of(macie.get_macie_session) == refused
    assert error_of(macie.list_members) == refused
    macie.enable_macie(findingPublishingFrequency="ONE_HOUR", status="PAUSED")
    session = macie.get_macie_session()
    assert (session["status"], session["findingPublishingFrequency"]) == ("PAUSED", "ONE_HOUR")
    assert error_of(macie.enable_macie)[:2] == ("ConflictException", 409)
    macie.update_macie_session(status="ENABLED", findingPublishingFrequency="SIX_HOURS")
    macie.disable_macie()
    assert error_of(macie.disable_macie) == refused


def test_disabling_is_refused_to_members_and_to_their_administrator(emulator, administrator) -> None:
    emulator.set_member(MACIE, REGION, ADMINISTRATOR, ZERO, "Enabled")
    assert error_of(client(emulator, ZERO).disable_macie)[:2] == ("ConflictException", 409)
    assert error_of(administrator.disable_macie)[:2] == ("ConflictException", 409)
    assert error_of(administrator.update_macie_session, status="PAUSED")[:2] == ("ConflictException", 409)


def test_pages_hold_25_and_a_larger_one_is_refused(emulator, administrator) -> None:
    for number in range(30):
        emulator.set_member(MACIE, REGION, ADMINISTRATOR, f"{300000000000 + number}", "Created")
    first = administrator.list_members(onlyAssociated="false")
    assert len(first["members"]) == 25
    assert len(administrator.list_members(onlyAssociated="false", nextToken=first["nextToken"])["members"]) == 5
    assert administrator.list_members()["members"] == []
    assert error_of(administrator.list_members, maxResults=26)[:2] == ("ValidationException", 400)


def test_organization_members_are_enabled_at_once_and_show_no_email(emulator) -> None:
    emulator.seed(
        {
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": [ZERO],
                "delegated_administrator": {MACIE: ADMINISTRATOR},
            },
            "services": [{"service": MACIE, "account_id": ADMINISTRATOR, "regions": [REGION]}],
        }
    )
    macie = client(emulator, ADMINISTRATOR)
    create(macie)
    record = macie.get_member(id=ZERO)
    assert (record["relationshipStatus"], record.get("email"), record.get("invitedAt")) == ("Enabled", None, None)
    assert macie.describe_organization_configuration() | {"ResponseMetadata": None} == {
        "autoEnable": False,
        "maxAccountLimitReached": False,
        "ResponseMetadata": None,
    }
    macie.update_organization_configuration(autoEnable=True)
    assert macie.describe_organization_configuration()["autoEnable"] is True
    macie.disassociate_member(id=ZERO)
    emulator.set_knobs(removed_create_macie="refuse")
    assert error_of(create, macie=macie)[:2] == ("ValidationException", 400)
    emulator.set_knobs(removed_create_macie="accept")
    create(macie)
    assert status(macie) == "Enabled"


@pytest.mark.parametrize("code", ["ValidationException", "ConflictException"])
def test_create_member_again_is_refused_with_the_code_of_the_knob(emulator, administrator, code) -> None:
    emulator.set_knobs(already_member_code_macie=code)
    create(administrator)
    refused = error_of(create, macie=administrator)
    assert refused[0] == code and "already a member or associated member" in refused[2]


def test_quota_is_a_402(emulator, administrator) -> None:
    emulator.set_knobs(members_quota=1)
    create(administrator)
    assert error_of(create, macie=administrator, account_id=MEMBER)[:2] == ("ServiceQuotaExceededException", 402)


def test_wrong_address_ends_in_a_failed_verification(emulator, administrator) -> None:
    create(administrator, email="other@example.com")
    administrator.create_invitations(accountIds=[ZERO])
    assert status(administrator) == "EmailVerificationFailed"


@pytest.mark.parametrize("knob", ["empty", "404"])
def test_get_administrator_without_one_is_answered_as_the_knob_says(emulator, administrator, knob) -> None:
    emulator.set_knobs(get_administrator_none_macie=knob)
    if knob == "empty":
        assert "administrator" not in administrator.get_administrator_account()
    else:
        assert error_of(administrator.get_administrator_account)[:2] == ("ResourceNotFoundException", 404)


def test_faults_name_macies_accounts(emulator, administrator) -> None:
    emulator.add_fault("unprocessed", account_ids=[ZERO], message="No.", times=2)
    assert error_of(create, macie=administrator) == ("ValidationException", 400, "No.")
    create(administrator, MEMBER)
    answer = administrator.create_invitations(accountIds=[ZERO, MEMBER])
    assert [(item["accountId"], item["errorMessage"]) for item in answer["unprocessedAccounts"]] == [(ZERO, "No.")]
    assert [call.service for call in emulator.calls] == [MACIE] * 3
    assert [call.is_write for call in emulator.calls] == [True] * 3


def test_member_that_left_can_accept_again_or_be_invited_as_the_knob_says(emulator, administrator) -> None:
    emulator.set_member(MACIE, REGION, ADMINISTRATOR, ZERO, "Enabled")
    member = client(emulator, ZERO)
    member.disassociate_from_administrator_account()
    assert status(administrator) == "Resigned"
    assert administrator.create_invitations(accountIds=[ZERO])["unprocessedAccounts"] != []
    emulator.set_knobs(resigned_invite="accept")
    assert administrator.create_invitations(accountIds=[ZERO])["unprocessedAccounts"] == []
    assert error_of(member.disassociate_from_administrator_account)[:2] == ("ResourceNotFoundException", 404)
