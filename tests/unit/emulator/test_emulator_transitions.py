# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machine, cell by cell, against what is known of AWS; written down here once more, independently.

An expectation is the status afterwards (``absent``: no record), or a fragment of the refusal in lower case, which also
means that nothing changed: ``U: ...`` for the unprocessed list, ``E: ...`` for the whole request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MANAGEMENT,
    MEMBER,
    REGION,
    SERVICES,
    Side,
    error_of,
)

ALREADY_MEMBER = "U: already a member or associated member of the current account"
ALREADY_INVITED = "U: already invited or is already the"
NOT_ASSOCIATED = "U: not an associated member"
STILL_ASSOCIATED = "U: still associated"
NOT_DECLINED = "U: still associated to it or has not declined"
NOT_A_MEMBER = "U: is not a member of the current account"
NO_INVITATION = "U: no invitation"
NONE_PENDING = "E: does not have an invitation from the requested"
ALONE = "E: not associated to a master"
IS_MEMBER = "E: cannot accept invitations since it is already"
UNCHANGED = "="

ADMINISTRATOR_SIDE = {
    "create": lambda side: side.create(MEMBER),
    "invite": lambda side: side.batch("invite_members", MEMBER),
    "disassociate": lambda side: side.batch("disassociate_members", MEMBER),
    "delete": lambda side: side.batch("delete_members", MEMBER),
    "stop": lambda side: side.batch("stop_monitoring_members", MEMBER),
    "start": lambda side: side.batch("start_monitoring_members", MEMBER),
}
MEMBER_SIDE = {
    "decline": lambda side: side.batch("decline_invitations", ADMINISTRATOR),
    "uninvite": lambda side: side.batch("delete_invitations", ADMINISTRATOR),
    "leave": lambda side: side.leave() or {},
}

# status before: create, invite, disassociate, delete, stop, start, accept, decline, uninvite, leave
GUARDDUTY: dict[str, tuple[str, ...]] = {
    "absent": ("Created", NOT_A_MEMBER, NOT_A_MEMBER, NOT_A_MEMBER, NOT_ASSOCIATED, NOT_ASSOCIATED)
    + (NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "Created": (ALREADY_MEMBER, "Invited", NOT_ASSOCIATED, "absent", NOT_ASSOCIATED, NOT_ASSOCIATED)
    + (NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "EmailVerificationInProgress": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", "absent", NOT_ASSOCIATED)
    + (NOT_ASSOCIATED, NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "EmailVerificationFailed": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", "absent", NOT_ASSOCIATED)
    + (NOT_ASSOCIATED, NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "Invited": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", "absent", NOT_ASSOCIATED, NOT_ASSOCIATED)
    + ("Enabled", "Resigned", NOT_DECLINED, ALONE),
    "Enabled": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", STILL_ASSOCIATED, "Disabled", UNCHANGED)
    + (IS_MEMBER, "U: associated to the given master", NOT_DECLINED, "Resigned"),
    "Disabled": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", STILL_ASSOCIATED, UNCHANGED, "Enabled")
    + (IS_MEMBER, "U: associated to the given master", NOT_DECLINED, "Resigned"),
    "Removed": (ALREADY_MEMBER, "Invited", NOT_ASSOCIATED, "absent", NOT_ASSOCIATED, NOT_ASSOCIATED)
    + (NONE_PENDING, UNCHANGED, UNCHANGED, ALONE),
    "Resigned": (ALREADY_MEMBER, ALREADY_INVITED, NOT_ASSOCIATED, "absent", NOT_ASSOCIATED, NOT_ASSOCIATED)
    + ("Enabled", UNCHANGED, UNCHANGED, ALONE),
}
# status before: create, invite, disassociate, delete, accept, decline, uninvite, leave.
# Security Hub's DisassociateMembers has an empty answer: a refusal shows as nothing at all.
SECURITYHUB: dict[str, tuple[str, ...]] = {
    "absent": ("Created", NOT_A_MEMBER, UNCHANGED, NOT_A_MEMBER, NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "Created": (ALREADY_MEMBER, "Invited", UNCHANGED, "absent", NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
    "Invited": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", "absent", "Enabled", "Resigned", NOT_DECLINED, ALONE),
    "Enabled": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", STILL_ASSOCIATED)
    + (IS_MEMBER, "U: associated to the given master", NOT_DECLINED, "Resigned"),
    "Associated": (ALREADY_MEMBER, ALREADY_INVITED, "Removed", STILL_ASSOCIATED)
    + (IS_MEMBER, "U: associated to the given master", NOT_DECLINED, "Resigned"),
    "Removed": (ALREADY_MEMBER, "Invited", UNCHANGED, "absent", NONE_PENDING, UNCHANGED, UNCHANGED, ALONE),
    "Resigned": (ALREADY_MEMBER, ALREADY_INVITED, UNCHANGED, "absent", "Enabled", UNCHANGED, UNCHANGED, ALONE),
    "Deleted": ("Created", NOT_A_MEMBER, UNCHANGED, "absent", NONE_PENDING, NO_INVITATION, NO_INVITATION, ALONE),
}
COLUMNS = {
    "guardduty": "create invite disassociate delete stop start accept decline uninvite leave".split(),
    "securityhub": "create invite disassociate delete accept decline uninvite leave".split(),
}
INVITATION_CELLS = [
    (service, status, operation, expected)
    for service, table in (("guardduty", GUARDDUTY), ("securityhub", SECURITYHUB))
    for status, row in table.items()
    for operation, expected in zip(COLUMNS[service], row, strict=True)
]

ORG_INVITE = "U: belongs to the organization and cannot be invited"
ORG_DELETE = "U: cannot delete a member that belongs to the organization"
ORG_LEAVE = "E: member cannot disassociate from organization administrator"
# (service, status, operation): expectation, for an account of the organization and its delegated administrator
ORGANIZATION_CELLS = [
    ("guardduty", "absent", "create", "Enabled"),
    ("guardduty", "Enabled", "create", ALREADY_MEMBER),
    ("guardduty", "Disabled", "create", ALREADY_MEMBER),
    ("guardduty", "Removed", "create", "Enabled"),
    ("guardduty", "Created", "create", "Enabled"),
    ("guardduty", "absent", "invite", ORG_INVITE),
    ("guardduty", "Removed", "invite", ORG_INVITE),
    ("guardduty", "Enabled", "disassociate", "Removed"),
    ("guardduty", "Enabled", "delete", STILL_ASSOCIATED),
    ("guardduty", "Removed", "delete", "absent"),
    ("guardduty", "Enabled", "stop", "Disabled"),
    ("guardduty", "Disabled", "start", "Enabled"),
    ("guardduty", "Enabled", "leave", ORG_LEAVE),
    ("securityhub", "absent", "create", "Enabled"),
    ("securityhub", "Enabled", "create", ALREADY_MEMBER),
    ("securityhub", "Removed", "create", "Enabled"),
    ("securityhub", "Deleted", "create", "Enabled"),
    ("securityhub", "AccountSuspended", "create", "Enabled"),
    ("securityhub", "absent", "invite", ORG_INVITE),
    ("securityhub", "Enabled", "disassociate", "Removed"),
    ("securityhub", "Removed", "delete", ORG_DELETE),
    ("securityhub", "Enabled", "leave", ORG_LEAVE),
]


def put_member(emulator: Emulator, service: str, status: str) -> None:
    if status != "absent":
        emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, status)


def status_of(emulator: Emulator, service: str) -> str:
    member = emulator.member(service, REGION, ADMINISTRATOR, MEMBER)
    return member.status if member else "absent"


def perform(emulator: Emulator, service: str, operation: str, side: Callable[..., Side]) -> Any:
    """Return (unprocessed, error) of an operation by the side it belongs to."""
    administrator, member = side(service), side(service, MEMBER)
    if operation == "accept":
        invitation = emulator.world.home(service, MEMBER, REGION).invitations.get(ADMINISTRATOR)
        invitation_id = invitation.invitation_id if invitation else "0" * 32
        return run(lambda: member.accept(ADMINISTRATOR, invitation_id))
    if operation in ADMINISTRATOR_SIDE:
        return run(lambda: ADMINISTRATOR_SIDE[operation](administrator))
    return run(lambda: MEMBER_SIDE[operation](member))


def run(call: Callable[[], Any]) -> tuple[dict[str, str], str]:
    unprocessed: dict[str, str] = {}
    try:
        unprocessed.update(call() or {})
    except Exception as refused:
        return {}, str(refused).lower()
    return unprocessed, ""


def check(before: str, after: str, unprocessed: dict[str, str], error: str, expected: str) -> None:
    kind, _ignored, fragment = expected.partition(": ")
    if kind == "U":
        [text] = unprocessed.values()
        assert fragment in text
        assert (after, error) == (before, "")
    elif kind == "E":
        assert fragment in error
        assert after == before
    else:
        assert (unprocessed, error) == ({}, "")
        assert after == (before if expected == UNCHANGED else expected)


@pytest.mark.parametrize(("service", "status", "operation", "expected"), INVITATION_CELLS)
def test_invited_account(
    emulator: Emulator, side: Callable[..., Side], service: str, status: str, operation: str, expected: str
) -> None:
    put_member(emulator, service, status)
    unprocessed, error = perform(emulator, service, operation, side)
    check(status, status_of(emulator, service), unprocessed, error, expected)


@pytest.mark.parametrize(("service", "status", "operation", "expected"), ORGANIZATION_CELLS)
def test_account_of_the_organization(
    emulator: Emulator, side: Callable[..., Side], service: str, status: str, operation: str, expected: str
) -> None:
    emulator.seed(
        {
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": [ADMINISTRATOR, MEMBER],
                "delegated_administrator": {service: ADMINISTRATOR},
            }
        }
    )
    put_member(emulator, service, status)
    unprocessed, error = perform(emulator, service, operation, side)
    check(status, status_of(emulator, service), unprocessed, error, expected)


@pytest.mark.parametrize("service", SERVICES)
def test_status_nobody_has_heard_of_is_reported_as_it_is(
    emulator: Emulator, side: Callable[..., Side], service: str
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Hibernating")
    assert side(service).statuses(MEMBER) == {MEMBER: "Hibernating"}
    assert ALREADY_MEMBER[3:] in side(service).create(MEMBER)[MEMBER]


@pytest.mark.parametrize("service", SERVICES)
def test_whole_life_of_a_membership(emulator: Emulator, side: Callable[..., Side], service: str) -> None:
    administrator, member = side(service), side(service, MEMBER)
    assert administrator.create(MEMBER) == {}
    assert member.invitations() == []
    assert administrator.batch("invite_members", MEMBER) == {}
    [invitation] = member.invitations()
    assert invitation["AccountId"] == ADMINISTRATOR
    assert invitation[administrator.status_member] == "Invited"
    assert member.client.get_invitations_count()["InvitationsCount"] == 1
    assert member.administrator() is None

    member.accept(ADMINISTRATOR)
    assert administrator.statuses(MEMBER) == {MEMBER: "Enabled"}
    joined = member.administrator()
    assert joined is not None
    assert (joined["AccountId"], joined["InvitationId"]) == (ADMINISTRATOR, invitation["InvitationId"])
    assert member.client.get_invitations_count()["InvitationsCount"] == 0

    member.leave()
    assert administrator.statuses(MEMBER) == {MEMBER: "Resigned"}
    assert member.administrator() is None
    member.accept(ADMINISTRATOR)  # the earlier invitation still counts
    assert administrator.batch("disassociate_members", MEMBER) == {}
    assert administrator.statuses(MEMBER) == {MEMBER: "Removed"}
    assert administrator.batch("delete_members", MEMBER) == {}
    assert administrator.statuses(MEMBER) == {}
    assert member.invitations() == []


@pytest.mark.parametrize("service", SERVICES)
def test_new_invitation_replaces_the_old_one(emulator: Emulator, side: Callable[..., Side], service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Removed")
    [old] = side(service, MEMBER).invitations()
    side(service).batch("invite_members", MEMBER)
    [new] = side(service, MEMBER).invitations()
    assert new["InvitationId"] != old["InvitationId"]
    code, _status, text = error_of(
        side(service, MEMBER).accept, administrator_id=ADMINISTRATOR, invitation_id=old["InvitationId"]
    )
    assert "does not have an invitation" in text
    assert code in ("BadRequestException", "InvalidInputException")


def test_member_deletes_its_detector_and_is_removed(emulator: Emulator, side: Callable[..., Side]) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    member = side("guardduty", MEMBER)
    member.client.delete_detector(**member.detector)
    assert side("guardduty").statuses(MEMBER) == {MEMBER: "Removed"}
    assert member.client.list_detectors()["DetectorIds"] == []


def test_member_suspends_its_detector_and_is_disabled(emulator: Emulator, side: Callable[..., Side]) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    member = side("guardduty", MEMBER)
    for enable, status in ((False, "Disabled"), (True, "Enabled")):
        member.client.update_detector(**member.detector, Enable=enable)
        assert side("guardduty").statuses(MEMBER) == {MEMBER: status}
        assert member.client.get_detector(**member.detector)["Status"] == ("ENABLED" if enable else "DISABLED")


def test_stop_and_start_monitoring_reach_the_detector(emulator: Emulator, side: Callable[..., Side]) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    administrator, member = side("guardduty"), side("guardduty", MEMBER)
    for operation, status in (("stop_monitoring_members", "DISABLED"), ("start_monitoring_members", "ENABLED")):
        administrator.batch(operation, MEMBER)
        assert member.client.get_detector(**member.detector)["Status"] == status


def test_account_with_suspended_detector_joins_as_disabled(emulator: Emulator, side: Callable[..., Side]) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Invited")
    member = side("guardduty", MEMBER)
    member.client.update_detector(**member.detector, Enable=False)
    member.accept(ADMINISTRATOR)
    assert side("guardduty").statuses(MEMBER) == {MEMBER: "Disabled"}


def test_member_disables_its_hub_and_is_removed(emulator: Emulator, side: Callable[..., Side]) -> None:
    emulator.set_member("securityhub", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    side("securityhub", MEMBER).client.disable_security_hub()
    assert side("securityhub").statuses(MEMBER) == {MEMBER: "Removed"}
