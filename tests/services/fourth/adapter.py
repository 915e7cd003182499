# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of the service that does not exist: one method each, kebab-case on the wire, and no paginator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Member,
    Reason,
    Relationship,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.parse import (
    UnprocessedKeys,
    account_id_of,
    answer_of,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import (
    Answer,
    Api,
    CallFailed,
    MemberCalls,
    Service,
    ServiceRecord,
)
from ansible_collections.muster.aws.tests.services.fourth.facts import FOURTH as FACTS

_REFUSED = UnprocessedKeys("why", "", "who", "refused")
_STATUSES = {True: "AWAKE", False: "DORMANT"}


def _member(operation: str, data: Mapping[str, Any]) -> Member:
    status = data["state"]
    return Member(account_id_of(operation, data, "who"), FACTS.state_of(status), status)


class _Members:
    def __init__(self, api: Api, options: Mapping[str, Any]) -> None:
        self._api = api
        self._text = options.get("invitation_message")
        self.calls: MemberCalls = {
            Step.CREATE: partial(self._write, Step.CREATE, text=self._text),
            Step.DELETE: partial(self._write, Step.DELETE),
            Step.START_MONITORING: partial(self._write_one, Step.START_MONITORING),
            Step.STOP_MONITORING: partial(self._write_one, Step.STOP_MONITORING),
        }

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        answer = self._api.call("ReadAccounts", whom=list(account_ids))
        return [_member("ReadAccounts", data) for data in answer["found"]]

    def list_members(self) -> list[Member]:
        pages = self._api.pages("ListAccounts", "found", FACTS.reading.page)
        return [_member("ListAccounts", data) for data in pages]

    def describe_organization(self) -> None:
        self._api.call("ReadOrganization")

    def _write(self, step: Step, accounts: Sequence[Account], **params: Any) -> Answer:
        whom = [account.account_id for account in accounts]
        return answer_of(self._api.call(FACTS.operations[step], whom=whom, **params), _REFUSED)

    def _write_one(self, step: Step, accounts: Sequence[Account]) -> Answer:
        [account] = accounts
        self._api.call(FACTS.operations[step], who=account.account_id)
        return Answer()


class _Administrator:
    def __init__(self, api: Api) -> None:
        self._api = api

    def get_administrator(self) -> Relationship | None:
        return next((each for each in self._asked() if each.state is State.ENABLED), None)

    def list_invitations(self) -> list[Relationship]:
        return self._asked()

    def _asked(self) -> list[Relationship]:
        found = self._api.call("WhoAsked")["asked"]
        return [Relationship(each["who"], FACTS.state_of(each["state"]), each["state"], each["name"]) for each in found]

    def enable_service(self) -> bool:
        self._api.call(FACTS.operations[Step.ENABLE_SERVICE], awake="AWAKE")
        return True

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        self._api.call(FACTS.operations[Step.ACCEPT], name=invitation_id)

    def leave_administrator(self) -> None:
        self._api.call(FACTS.operations[Step.LEAVE])


class _Watch:
    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        try:
            data = self._api.call("ReadWatch")
        except CallFailed as failure:
            if failure.reason is Reason.SERVICE_NOT_ENABLED:
                return None
            raise
        return ServiceRecord(data["name"], data["state"], {"enabled": data["state"] != _STATUSES[False]})

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        self._api.call(FACTS.operations[Step.ENABLE_SERVICE], awake=_STATUSES[bool(settings.get("enabled", True))])
        return True

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        self._api.call(FACTS.operations[Step.UPDATE_SERVICE], name=handle, awake=_STATUSES[bool(settings["enabled"])])

    def disable(self, handle: str) -> None:
        self._api.call(FACTS.operations[Step.DISABLE_SERVICE], name=handle)


FOURTH = Service(FACTS, _Members, _Administrator, _Watch)
