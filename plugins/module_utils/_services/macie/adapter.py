# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Macie's API behind the ports: one method per call, camelCase on the wire and in boto3.

There is no handle: account and Region imply the session. Most calls take one account, whose refusal is an HTTP error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..._membership.model import Account, Member, Reason, Relationship, Step
from ..._membership.parse import UnprocessedKeys, account_id_of, answer_of, text_of, unreadable, value_of
from ..._membership.port import Answer, Api, CallFailed, MemberCalls, Service, ServiceRecord
from ..._membership.reasons import SHARED, is_missing_resource
from .facts import MACIE as FACTS
from .words import is_no_record, is_on_already

_UNPROCESSED = UnprocessedKeys("errorMessage", "errorCode", "accountId", "unprocessedAccounts")
_STATUSES = {True: "ENABLED", False: "PAUSED"}


def _member(operation: str, data: Mapping[str, Any]) -> Member:
    status = text_of(data.get("relationshipStatus"))
    return Member(
        account_id=account_id_of(operation, data, "accountId"),
        state=FACTS.state_of(status or ""),
        status=status,
        email=text_of(data.get("email")),
        administrator_id=text_of(data.get("administratorAccountId") or data.get("masterAccountId")),
        invited_at=text_of(data.get("invitedAt")),
        updated_at=text_of(data.get("updatedAt")),
    )


def _relationship(operation: str, data: Mapping[str, Any]) -> Relationship:
    status = text_of(data.get("relationshipStatus"))
    return Relationship(
        administrator_id=account_id_of(operation, data, "accountId"),
        state=FACTS.state_of(status or ""),
        status=status,
        invitation_id=text_of(data.get("invitationId")),
        invited_at=text_of(data.get("invitedAt")),
    )


class _Members:
    """The administrator's side of one Region."""

    def __init__(self, api: Api, options: Mapping[str, Any]) -> None:
        self._api = api
        # Sent always, so that AWS's default, which is to send e-mails, never holds.
        invitation: dict[str, Any] = {"disableEmailNotification": not options.get("email_notification")}
        if options.get("invitation_message"):
            invitation["message"] = options["invitation_message"]
        self.calls: MemberCalls = {
            Step.CREATE: self._create,
            Step.INVITE: partial(self._invite, invitation),
            Step.DISASSOCIATE: partial(self._write, Step.DISASSOCIATE),
            Step.DELETE: partial(self._write, Step.DELETE),
            Step.START_MONITORING: partial(self._write, Step.START_MONITORING, status=_STATUSES[True]),
            Step.STOP_MONITORING: partial(self._write, Step.STOP_MONITORING, status=_STATUSES[False]),
        }

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        [account_id] = account_ids
        try:
            data = self._api.call("GetMember", id=account_id)
        except CallFailed as failure:
            if failure.reason in SHARED:
                raise
            # Anything else that is said against one account says nothing sure about its record.
            return [] if is_no_record(failure.code, failure.text) else None
        member = _member("GetMember", data)
        if member.account_id != account_id:
            raise unreadable("GetMember", f"the answer is about {member.account_id}")
        return [member]

    def list_members(self) -> list[Member]:
        # OnlyAssociated is a string here, and its default hides all but current members.
        pages = self._api.pages("ListMembers", "members", FACTS.reading.page, onlyAssociated="false")
        return [_member("ListMembers", data) for data in pages]

    def describe_organization(self) -> None:
        self._api.call("DescribeOrganizationConfiguration")

    def _create(self, accounts: Sequence[Account]) -> Answer:
        [account] = accounts
        return self._send(Step.CREATE, account={"accountId": account.account_id, "email": account.email})

    def _invite(self, invitation: Mapping[str, Any], accounts: Sequence[Account]) -> Answer:
        ids = [account.account_id for account in accounts]
        return answer_of(self._api.call(FACTS.operations[Step.INVITE], accountIds=ids, **invitation), _UNPROCESSED)

    def _write(self, step: Step, accounts: Sequence[Account], **params: Any) -> Answer:
        [account] = accounts
        return self._send(step, id=account.account_id, **params)

    def _send(self, step: Step, **params: Any) -> Answer:
        # A refusal is raised, so that any answer is consent.
        response = self._api.call(FACTS.operations[step], **params)
        return answer_of({"unprocessedAccounts": [], **response}, _UNPROCESSED)


class _Administrator:
    """The member's side of one account in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get_administrator(self) -> Relationship | None:
        operation = "GetAdministratorAccount"
        try:
            data = self._api.call(operation).get("administrator")
        except CallFailed as failure:
            if is_missing_resource(failure.code, failure.text):
                return None
            raise
        return _relationship(operation, data) if data else None

    def list_invitations(self) -> list[Relationship]:
        operation = "ListInvitations"
        pages = self._api.pages(operation, "invitations", FACTS.reading.page)
        return [_relationship(operation, data) for data in pages]

    def enable_service(self) -> bool:
        return _enable(self._api, {"enabled": True})

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        operation = FACTS.operations[Step.ACCEPT]
        self._api.call(operation, administratorAccountId=administrator_id, invitationId=invitation_id)

    def leave_administrator(self) -> None:
        self._api.call(FACTS.operations[Step.LEAVE])


class _Session:
    """The session of one account in one Region: Macie is on."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        operation = "GetMacieSession"
        try:
            data = self._api.call(operation)
        except CallFailed as failure:
            if failure.reason is Reason.SERVICE_NOT_ENABLED or is_missing_resource(failure.code, failure.text):
                return None
            raise
        status = str(data.get("status"))
        if status not in _STATUSES.values():
            raise unreadable(operation, f"the answer has the status {status!r}")
        settings = {
            "enabled": status == _STATUSES[True],
            "finding_publishing_frequency": value_of(operation, data, "findingPublishingFrequency", str),
        }
        return ServiceRecord("", status, settings)

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        return _enable(self._api, settings)

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        self._api.call(FACTS.operations[Step.UPDATE_SERVICE], **_params(settings))

    def disable(self, handle: str) -> None:
        self._api.call(FACTS.operations[Step.DISABLE_SERVICE])


def _params(settings: Mapping[str, object]) -> dict[str, object]:
    params: dict[str, object] = {}
    if "enabled" in settings:
        params["status"] = _STATUSES[bool(settings["enabled"])]
    if "finding_publishing_frequency" in settings:
        params["findingPublishingFrequency"] = settings["finding_publishing_frequency"]
    return params


def _enable(api: Api, settings: Mapping[str, object]) -> bool:
    try:
        api.call(FACTS.operations[Step.ENABLE_SERVICE], **_params(settings))
    except CallFailed as failure:
        if is_on_already(failure.text):
            # Said to a repetition, it is most likely the lost answer of our own request.
            return failure.is_uncertain
        raise
    return True


MACIE = Service(FACTS, _Members, _Administrator, _Session)
