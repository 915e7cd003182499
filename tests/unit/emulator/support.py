# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the emulator share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

ADMINISTRATOR = "111111111111"
MEMBER = "222222222222"
ZERO = "012345678901"  # an id that does not survive being taken for a number
OTHER = "333333333333"
MANAGEMENT = "999999999999"
REGION = "us-east-1"
SERVICES = ("guardduty", "securityhub")

Clients = Callable[..., Any]


@contextmanager
def raw_responses(client: Any) -> Iterator[list[dict[str, Any]]]:
    """Collect what botocore receives, before it makes anything of it."""
    received: list[dict[str, Any]] = []

    def keep(response_dict: dict[str, Any], **_unused: Any) -> None:
        received.append(response_dict)

    client.meta.events.register("before-parse", keep)
    try:
        yield received
    finally:
        client.meta.events.unregister("before-parse", keep)


def error_of(call: Callable[..., Any], **arguments: Any) -> tuple[str, int, str]:
    """Make a call that is refused; return code, HTTP status and message."""
    try:
        call(**arguments)
    except ClientError as refused:
        error = refused.response["Error"]
        return error["Code"], refused.response["ResponseMetadata"]["HTTPStatusCode"], error["Message"]
    raise AssertionError("the call was not refused")


def reasons_of(answer: dict[str, Any]) -> dict[str, str]:
    """Return {account id: text} of the unprocessed accounts, in lower case as a module matches them."""
    return {
        item["AccountId"]: (item.get("Result") or item["ProcessingResult"]).lower()
        for item in answer.get("UnprocessedAccounts", ())
    }


class Side:
    """One account's client of one service, with the detector id and the spelling of the service filled in."""

    def __init__(self, client: Any, service: str, detector_id: str | None = None) -> None:
        self.client = client
        self.service = service
        self.detector = {"DetectorId": detector_id} if service == "guardduty" else {}
        self.status_member = {"guardduty": "RelationshipStatus", "securityhub": "MemberStatus"}[service]

    def create(self, *account_ids: str, email: str | None = None) -> dict[str, str]:
        """Create members; return who was refused and why."""
        details = [{"AccountId": item, "Email": email or f"{item}@example.com"} for item in account_ids]
        return reasons_of(self.client.create_members(**self.detector, AccountDetails=details))

    def batch(self, operation: str, *account_ids: str) -> dict[str, str]:
        """Call an operation that takes account ids; return who was refused and why."""
        needs_no_detector = operation in ("decline_invitations", "delete_invitations")
        detector = {} if needs_no_detector else self.detector
        return reasons_of(getattr(self.client, operation)(**detector, AccountIds=list(account_ids)))

    def statuses(self, *account_ids: str) -> dict[str, str]:
        """Return {account id: status} by GetMembers."""
        answer = self.client.get_members(**self.detector, AccountIds=list(account_ids))
        return {member["AccountId"]: member[self.status_member] for member in answer["Members"]}

    def listed(self, **arguments: Any) -> dict[str, str]:
        """Return {account id: status} by one call of ListMembers."""
        answer = self.client.list_members(**self.detector, **arguments)
        return {member["AccountId"]: member[self.status_member] for member in answer["Members"]}

    def invitations(self) -> list[dict[str, Any]]:
        """Return one page of ListInvitations."""
        return list(self.client.list_invitations()["Invitations"])

    def accept(self, administrator_id: str, invitation_id: str | None = None) -> None:
        """Accept an invitation, by default the listed one."""
        if invitation_id is None:
            [invitation_id] = [
                item["InvitationId"] for item in self.invitations() if item["AccountId"] == administrator_id
            ]
        self.client.accept_administrator_invitation(
            **self.detector, AdministratorId=administrator_id, InvitationId=invitation_id
        )

    def administrator(self) -> dict[str, Any] | None:
        """Return the administrator, if there is one."""
        answer: dict[str, Any] = self.client.get_administrator_account(**self.detector)
        return answer.get("Administrator")

    def leave(self) -> None:
        """Disassociate from the administrator."""
        self.client.disassociate_from_administrator_account(**self.detector)
