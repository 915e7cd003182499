# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security Hub's API behind the ports: one method per call, PascalCase on the wire.

There is no handle: account and Region imply the hub. Where there is none, the hub's own operations say so; those of
memberships find "no such resource", as they do where a record is missing. The error codes on the wire go beyond those
of the API model, so that such an answer has to be told by its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..._membership.model import Account, Member, Reason, Relationship, Step
from ..._membership.parse import (
    UnprocessedKeys,
    account_id_of,
    answer_of,
    handle_of,
    list_of,
    tags_of,
    text_of,
    value_of,
)
from ..._membership.port import Answer, Api, CallFailed, MemberCalls, Service, ServiceRecord
from ..._membership.reasons import is_missing_resource, is_said_to_be_no_member, is_service_on_already
from .facts import SECURITYHUB as FACTS

_UNPROCESSED = UnprocessedKeys("ProcessingResult")
_ENABLE = {
    "enable_default_standards": "EnableDefaultStandards",
    "control_finding_generator": "ControlFindingGenerator",
}
_UPDATE = {
    "auto_enable_controls": "AutoEnableControls",
    "control_finding_generator": "ControlFindingGenerator",
}


def _member(operation: str, data: Mapping[str, Any]) -> Member:
    status = text_of(data.get("MemberStatus"))
    return Member(
        account_id=account_id_of(operation, data),
        state=FACTS.state_of(status or ""),
        status=status,
        email=text_of(data.get("Email")),
        administrator_id=text_of(data.get("AdministratorId") or data.get("MasterId")),
        invited_at=text_of(data.get("InvitedAt")),
        updated_at=text_of(data.get("UpdatedAt")),
    )


def _relationship(operation: str, data: Mapping[str, Any]) -> Relationship:
    status = text_of(data.get("MemberStatus"))
    return Relationship(
        administrator_id=account_id_of(operation, data),
        state=FACTS.state_of(status or ""),
        status=status,
        invitation_id=text_of(data.get("InvitationId")),
        invited_at=text_of(data.get("InvitedAt")),
    )


class _Members:
    """The administrator's side of one Region."""

    def __init__(self, api: Api, options: Mapping[str, Any]) -> None:
        self._api = api
        self.calls: MemberCalls = {
            Step.CREATE: self._create,
            **{step: partial(self._write, step) for step in (Step.INVITE, Step.DISASSOCIATE, Step.DELETE)},
        }

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        try:
            response = self._api.call("GetMembers", AccountIds=list(account_ids))
        except CallFailed as failure:
            if not is_missing_resource(failure.code, failure.text):
                raise
            # Said of the whole batch, though perhaps meant for one of it.
            return None
        members = [_member("GetMembers", data) for data in list_of("GetMembers", response, "Members")]
        refused = answer_of(response, _UNPROCESSED).refused
        if any(not is_said_to_be_no_member(refusal.text) for refusal in refused.values()):
            return None
        return members

    def list_members(self) -> list[Member]:
        # OnlyAssociated is a boolean here, and its default hides all but enabled members.
        pages = self._api.pages("ListMembers", "Members", OnlyAssociated=False)
        return [_member("ListMembers", data) for data in pages]

    def describe_organization(self) -> None:
        self._api.call("DescribeOrganizationConfiguration")

    def _create(self, accounts: Sequence[Account]) -> Answer:
        details = [
            {"AccountId": account.account_id, **({"Email": account.email} if account.email else {})}
            for account in accounts
        ]
        return self._send(Step.CREATE, AccountDetails=details)

    def _write(self, step: Step, accounts: Sequence[Account]) -> Answer:
        return self._send(step, AccountIds=[account.account_id for account in accounts])

    def _send(self, step: Step, **params: Any) -> Answer:
        return answer_of(self._api.call(FACTS.operations[step], **params), _UNPROCESSED)


class _Administrator:
    """The member's side of one account in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._is_hub_on = False
        # What was read ahead, and not asked for yet.
        self._invitations: list[Relationship] | None = None

    def get_administrator(self) -> Relationship | None:
        operation = "GetAdministratorAccount"
        try:
            data = self._api.call(operation).get("Administrator")
        except CallFailed as failure:
            if not is_missing_resource(failure.code, failure.text):
                raise
            # Missing is the administrator, or the hub. ListInvitations needs the hub alone; DescribeHub would tell as
            # well, but is a permission more, and a call more for everybody whose invitations are read next.
            if not self._is_hub_on:
                self._invitations = self.list_invitations()
            data = None
        self._is_hub_on = True
        return _relationship(operation, data) if data else None

    def list_invitations(self) -> list[Relationship]:
        known, self._invitations = self._invitations, None
        if known is not None:
            return known
        operation = "ListInvitations"
        return [_relationship(operation, data) for data in self._api.pages(operation, "Invitations")]

    def enable_service(self) -> bool:
        # AWS's own default is to switch its standards on, and with them AWS Config rules that cost money.
        is_done = _enable(self._api, {"enable_default_standards": False}, {})
        self._is_hub_on = True
        return is_done

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        self._api.call("AcceptAdministratorInvitation", AdministratorId=administrator_id, InvitationId=invitation_id)

    def leave_administrator(self) -> None:
        self._api.call("DisassociateFromAdministratorAccount")


class _Hub:
    """The hub of one account in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        try:
            data = self._api.call("DescribeHub")
        except CallFailed as failure:
            if failure.reason is Reason.SERVICE_NOT_ENABLED or is_missing_resource(failure.code, failure.text):
                return None
            raise
        arn = handle_of("DescribeHub", data.get("HubArn"))
        settings = {
            "auto_enable_controls": value_of("DescribeHub", data, "AutoEnableControls", bool),
            "control_finding_generator": value_of("DescribeHub", data, "ControlFindingGenerator", str),
        }
        if not with_tags:
            return ServiceRecord(arn, "ENABLED", settings)
        operation = "ListTagsForResource"
        tags = tags_of(operation, self._api.call(operation, ResourceArn=arn))
        return ServiceRecord(arn, "ENABLED", settings, tags)

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        return _enable(self._api, settings, tags)

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        params = {_UPDATE[name]: value for name, value in settings.items()}
        self._api.call("UpdateSecurityHubConfiguration", **params)

    def tag(self, handle: str, tags: Mapping[str, str]) -> None:
        self._api.call("TagResource", ResourceArn=handle, Tags=dict(tags))

    def untag(self, handle: str, keys: Sequence[str]) -> None:
        self._api.call("UntagResource", ResourceArn=handle, TagKeys=list(keys))

    def disable(self, handle: str) -> None:
        self._api.call("DisableSecurityHub")


def _enable(api: Api, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
    params: dict[str, Any] = {_ENABLE[name]: value for name, value in settings.items()}
    if tags:
        params["Tags"] = dict(tags)
    try:
        api.call("EnableSecurityHub", **params)
    except CallFailed as failure:
        if is_service_on_already(failure.code, failure.text):
            # Said to a repetition, it is most likely the lost answer of our own request.
            return failure.is_uncertain
        raise
    return True


SECURITYHUB = Service(FACTS, _Members, _Administrator, _Hub)
