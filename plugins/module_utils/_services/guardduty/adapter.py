# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GuardDuty's API behind the ports: one method per call, camelCase on the wire (boto3 hides that).

Member, accept and leave calls carry a detector id: the administrator's own on the administrator's side, the member's
own on the member's. ListInvitations does not. A Region without a detector has GuardDuty off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..._membership.features import Feature
from ..._membership.model import Account, Member, Reason, Relationship, Step
from ..._membership.parse import (
    UnprocessedKeys,
    account_id_of,
    answer_of,
    handle_of,
    list_of,
    tags_of,
    text_of,
    unreadable,
    value_of,
)
from ..._membership.port import Answer, Api, CallFailed, MemberCalls, Service, ServiceRecord
from ..._membership.reasons import is_not_owned, is_said_to_be_no_member, is_service_on_already
from .facts import GUARDDUTY as FACTS
from .facts import OF_ACCOUNT
from .features import features_as_params, features_of

_STATUSES = ("ENABLED", "DISABLED")
_UNPROCESSED = UnprocessedKeys("Result")
# The steps whose calls take nothing but accounts.
_PLAIN_STEPS = (Step.DISASSOCIATE, Step.DELETE, Step.START_MONITORING, Step.STOP_MONITORING)
_SETTINGS = {"enabled": "Enable", "finding_publishing_frequency": "FindingPublishingFrequency"}


def _find_detector(api: Api) -> str | None:
    detector_ids = api.pages("ListDetectors", "DetectorIds")
    return handle_of("ListDetectors", detector_ids[0]) if detector_ids else None


def require_detector(api: Api) -> str:
    detector_id = _find_detector(api)
    if detector_id is None:
        text = "there is no detector: GuardDuty is off in this account and Region"
        raise CallFailed("ListDetectors", "NoDetector", text, Reason.SERVICE_NOT_ENABLED)
    return detector_id


def _member(operation: str, data: Mapping[str, Any]) -> Member:
    status = text_of(data.get("RelationshipStatus"))
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
    status = text_of(data.get("RelationshipStatus"))
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
        self._detector_id = options.get("detector_id") or require_detector(api)
        # AWS states no default for the notification, so it is always sent.
        invitation: dict[str, Any] = {"DisableEmailNotification": not options.get("email_notification")}
        if options.get("invitation_message"):
            invitation["Message"] = options["invitation_message"]
        self.calls: MemberCalls = {
            Step.CREATE: self._create,
            Step.INVITE: partial(self._write, Step.INVITE, **invitation),
            **{step: partial(self._write, step) for step in _PLAIN_STEPS},
        }

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        response = self._api.call("GetMembers", DetectorId=self._detector_id, AccountIds=list(account_ids))
        members = [_member("GetMembers", data) for data in list_of("GetMembers", response, "Members")]
        refused = answer_of(response, _UNPROCESSED).refused
        if any(not is_said_to_be_no_member(refusal.text) for refusal in refused.values()):
            return None
        return members

    def list_members(self) -> list[Member]:
        # OnlyAssociated is a string here, and its default is disputed: it is always sent.
        pages = self._api.pages("ListMembers", "Members", DetectorId=self._detector_id, OnlyAssociated="false")
        return [_member("ListMembers", data) for data in pages]

    def describe_organization(self) -> None:
        self._api.call("DescribeOrganizationConfiguration", DetectorId=self._detector_id)

    def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
        operation = OF_ACCOUNT.read
        response = self._api.call(operation, DetectorId=self._detector_id, AccountIds=list(account_ids))
        found = {
            account_id_of(operation, row): features_of(operation, row.get("Features") or [], OF_ACCOUNT)
            for row in list_of(operation, response, "MemberDataSourceConfigurations")
        }
        return found, answer_of(response, _UNPROCESSED)

    def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
        params = {"AccountIds": list(account_ids), "Features": features_as_params(features, OF_ACCOUNT)}
        return self._send(Step.UPDATE_FEATURES, **params)

    def _create(self, accounts: Sequence[Account]) -> Answer:
        details = [{"AccountId": account.account_id, "Email": account.email} for account in accounts]
        return self._send(Step.CREATE, AccountDetails=details)

    def _write(self, step: Step, accounts: Sequence[Account], **params: Any) -> Answer:
        return self._send(step, AccountIds=[account.account_id for account in accounts], **params)

    def _send(self, step: Step, **params: Any) -> Answer:
        return answer_of(self._api.call(FACTS.operations[step], DetectorId=self._detector_id, **params), _UNPROCESSED)


class _Administrator:
    """The member's side of one account in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._detector_id: str | None = None

    def _detector(self) -> str:
        # Read once: every later call of the conversation carries it.
        if self._detector_id is None:
            self._detector_id = require_detector(self._api)
        return self._detector_id

    def get_administrator(self) -> Relationship | None:
        operation = "GetAdministratorAccount"
        # Without an administrator, the answer is a 200 without content.
        data = self._api.call(operation, DetectorId=self._detector()).get("Administrator")
        return _relationship(operation, data) if data else None

    def list_invitations(self) -> list[Relationship]:
        operation = "ListInvitations"
        return [_relationship(operation, data) for data in self._api.pages(operation, "Invitations")]

    def enable_service(self) -> bool:
        self._detector_id = _create_detector(self._api, {"enabled": True}, {})
        return self._detector_id is not None

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        self._api.call(
            "AcceptAdministratorInvitation",
            DetectorId=self._detector(),
            AdministratorId=administrator_id,
            InvitationId=invitation_id,
        )

    def leave_administrator(self) -> None:
        self._api.call("DisassociateFromAdministratorAccount", DetectorId=self._detector())


class _Detector:
    """The detector of one account in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        detector_id = _find_detector(self._api)
        if detector_id is None:
            return None
        try:
            data = self._api.call("GetDetector", DetectorId=detector_id)
        except CallFailed as failure:
            # Somebody may have deleted it since it was listed.
            if is_not_owned(failure.text) and _find_detector(self._api) is None:
                return None
            raise
        status = data.get("Status")
        if status not in _STATUSES:
            raise unreadable("GetDetector", f"the answer has the Status {status!r}")
        settings = {
            "enabled": status == "ENABLED",
            "finding_publishing_frequency": value_of("GetDetector", data, "FindingPublishingFrequency", str),
            "features": features_of("GetDetector", data.get("Features") or [], OF_ACCOUNT),
        }
        # GetDetector brings the tags along, asked for or not.
        return ServiceRecord(detector_id, status, settings, tags_of("GetDetector", data))

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        return _create_detector(self._api, settings, tags) is not None

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        # One that was just created has no id yet that the plan could know.
        detector_id = handle or require_detector(self._api)
        self._api.call("UpdateDetector", DetectorId=detector_id, **_as_params(settings))

    def tag(self, handle: str, tags: Mapping[str, str]) -> None:
        self._api.call("TagResource", ResourceArn=self._arn(handle), Tags=dict(tags))

    def untag(self, handle: str, keys: Sequence[str]) -> None:
        self._api.call("UntagResource", ResourceArn=self._arn(handle), TagKeys=list(keys))

    def disable(self, handle: str) -> None:
        self._api.call("DeleteDetector", DetectorId=handle)

    def _arn(self, detector_id: str) -> str:
        return self._api.arn(f"detector/{detector_id}")


def _as_params(settings: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {_SETTINGS[name]: value for name, value in settings.items() if name in _SETTINGS}
    if settings.get("features"):
        params["Features"] = features_as_params(settings["features"].features, OF_ACCOUNT)
    return params


def _create_detector(api: Api, settings: Mapping[str, object], tags: Mapping[str, str]) -> str | None:
    """CreateDetector; return its id, ``None`` where there is one already (there is at most one per Region)."""
    params = _as_params(settings)
    if tags:
        params["Tags"] = dict(tags)
    try:
        detector_id = api.call("CreateDetector", **params).get("DetectorId")
    except CallFailed as failure:
        # Said to a repetition, it is most likely the lost answer of our own request: a look decides.
        if is_service_on_already(failure.code, failure.text) and not failure.is_uncertain:
            return None
        raise
    return handle_of("CreateDetector", detector_id)


GUARDDUTY = Service(FACTS, _Members, _Administrator, _Detector)
