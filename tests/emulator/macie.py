# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Macie: most calls take one account, and refuse it by an HTTP error; camelCase in botocore, too.

Inside, requests have the names of GuardDuty and Security Hub, so that the state machine is the common one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import AwsError
from .membership import MembershipService
from .requests import Request, Result
from .state import ASSOCIATED, PENDING, SUSPENDED, Switch

_COLUMNS = {
    "CreateMember": "CreateMembers",
    "CreateInvitations": "InviteMembers",
    "DisassociateMember": "DisassociateMembers",
    "DeleteMember": "DeleteMembers",
}
# These need no session of the caller's.
_WITHOUT_SESSION = {
    "EnableMacie",
    "EnableOrganizationAdminAccount",
    "DisableOrganizationAdminAccount",
    "ListOrganizationAdminAccounts",
}
_WIRE_NAMES = {"AdministratorId": "administratorAccountId", "MasterId": "masterAccountId"}


def _named_as_inside(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].upper() + name[1:]: _named_as_inside(item) for name, item in value.items()}
    return value


def _named_as_on_the_wire(value: Any) -> Any:
    if isinstance(value, list):
        return [_named_as_on_the_wire(item) for item in value]
    if isinstance(value, dict):
        return {
            _WIRE_NAMES.get(name, name[0].lower() + name[1:]): _named_as_on_the_wire(item)
            for name, item in value.items()
        }
    return value


class Macie(MembershipService):
    """What is Macie's own. It has no handle, but needs the caller's session."""

    name = "macie"
    client = "macie2"
    verifies_email = True
    suspended = "Paused"
    maximum_page = 25
    reason_member = "ErrorMessage"
    status_member = "RelationshipStatus"
    admin_members = ("AccountId", "Status")
    associated = ASSOCIATED
    members_quota = (1000, 10000)
    invitations_quota = None

    def error_body(self, error: AwsError) -> dict[str, Any]:
        return {"message": error.message}

    def perform(self, request: Request) -> Result:
        self.check(request)
        params = _named_as_inside(request.params)
        one = params.get("Id") or params.get("Account", {}).get("AccountId")
        if one in request.unprocessed:  # a fault of the tests: one account is refused as a request is
            raise AwsError("ValidationException", request.unprocessed[one], 400)
        request.params = {**params, "AccountIds": params.get("AccountIds", [one])}
        return _named_as_on_the_wire(self.operations[request.operation.name](request))

    def check(self, request: Request) -> None:
        if request.home.switch is None and request.operation.name not in _WITHOUT_SESSION:
            raise request.error("E_OFF")

    def column(self, request: Request) -> str:
        if request.operation.name == "UpdateMemberSession":
            return {"PAUSED": "StopMonitoringMembers", "ENABLED": "StartMonitoringMembers"}[request.params["Status"]]
        return _COLUMNS.get(request.operation.name, super().column(request))

    def time(self, seconds: float | None) -> float | None:
        return seconds

    def is_only_associated(self, request: Request) -> bool:
        return str(request.params.get("OnlyAssociated", "true")).lower() == "true"

    def no_administrator(self, request: Request) -> Result:
        if request.knobs.get_administrator_none_macie == "404":
            raise request.error("E_NORESOURCE")
        return {}

    def invite_refusals(self, request: Request, account_id: str) -> Iterator[str]:
        yield from ()

    def unprocessed(self, request: Request) -> Result:
        answer = super().unprocessed(request) or {}
        return {"UnprocessedAccounts": [{**item, "ErrorCode": "ClientError"} for item in answer["UnprocessedAccounts"]]}

    def _refused(self, request: Request, key: str) -> AwsError:
        codes = {
            "U_MEMBER": request.knobs.already_member_code_macie,
            "U_HELD": request.knobs.held_code_macie,
        }
        return request.refusals.error(
            key, request.operation.error_status, codes.get(key), account_id=request.account_id
        )

    # --- the administrator's side -------------------------------------------------------------------------------------

    def create_member(self, request: Request) -> Result:
        detail = request.params["Account"]
        account_id = detail["AccountId"]
        [cell] = self.cells(request, [account_id]).values()
        refusal = next(self._create_refusals(request, account_id, cell), None)
        if refusal:
            raise self._refused(request, refusal)
        self._create(request, account_id, detail["Email"], cell)
        return {"Arn": self._arn(request, account_id)}

    def _arn(self, request: Request, account_id: str) -> str:
        return request.world.switch_on(request.home).arn.replace("session/default", f"member/{account_id}")

    def create_invitations(self, request: Request) -> Result:
        return self.invite_members(request)

    def get_member(self, request: Request) -> Result:
        member = request.home.members.get(request.params["Id"])
        status = member.shown_status(request.world.now()) if member else None
        if member is None or status is None:
            raise request.error(request.knobs.get_member_unknown_macie)
        return self._describe_member(request, member, status)

    def _describe_member(self, request: Request, member: Any, status: str) -> dict[str, Any]:
        described = super()._describe_member(request, member, status)
        arn = self._arn(request, member.account_id)
        return {**described, "Arn": arn, "Email": None if member.by_organization else member.email}

    def disassociate_member(self, request: Request) -> Result:
        return self._move(request)

    def delete_member(self, request: Request) -> Result:
        return self._move(request)

    def update_member_session(self, request: Request) -> Result:
        self._move(request)
        request.world.switch_on(request.home_of(request.params["Id"])).enabled = request.params["Status"] == "ENABLED"
        return {}

    def _move(self, request: Request) -> Result:
        account_id = request.params["Id"]
        [cell] = self.cells(request, [account_id]).values()
        if cell.startswith("U_"):
            raise self._refused(request, cell)
        self.apply(request, request.member(request.account_id, account_id), cell)
        return {}

    # --- the member's side --------------------------------------------------------------------------------------------

    def accept_invitation(self, request: Request) -> Result:
        administrator_id = request.params.get("AdministratorAccountId") or request.params.get("MasterAccount")
        if administrator_id is None:
            raise request.error("E_MISSING", member="administratorAccountId", problem="missing", detail="")
        self._accept(request, administrator_id)
        return {}

    def disassociate_from_administrator_account(self, request: Request) -> Result:
        super().disassociate_from_administrator_account(request)
        return {}

    # --- the session --------------------------------------------------------------------------------------------------

    def enable_macie(self, request: Request) -> Result:
        home, params = request.home, request.params
        if home.switch:
            # A repeated call with the same idempotency token is the SDK's own retry.
            if params.get("ClientToken") and home.switch.settings.get("ClientToken") == params["ClientToken"]:
                return {}
            raise request.error("E_ON")
        settings = {name: params[name] for name in ("FindingPublishingFrequency", "ClientToken") if name in params}
        request.world.switch_on(home, enabled=params.get("Status", "ENABLED") == "ENABLED", settings=settings)
        return {}

    def get_macie_session(self, request: Request) -> Result:
        switch = self._session(request)
        partition = switch.arn.split(":")[1]
        service_role = "role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie"
        return {
            "CreatedAt": switch.created_at,
            "UpdatedAt": switch.updated_at,
            "FindingPublishingFrequency": switch.settings.get("FindingPublishingFrequency", "FIFTEEN_MINUTES"),
            "ServiceRole": f"arn:{partition}:iam::{request.account_id}:{service_role}",
            "Status": "ENABLED" if switch.enabled else "PAUSED",
        }

    def update_macie_session(self, request: Request) -> Result:
        switch, params = self._session(request), request.params
        if params.get("Status") == "PAUSED" and self._has_members(request):
            raise request.error("E_PAUSE")
        if "FindingPublishingFrequency" in params:
            switch.settings["FindingPublishingFrequency"] = params["FindingPublishingFrequency"]
        if "Status" in params:
            switch.enabled = params["Status"] == "ENABLED"
        switch.updated_at = request.world.now()
        administrator_id = request.home.administrator_id
        member = request.member(administrator_id, request.account_id) if administrator_id else None
        if member and (member.status in SUSPENDED) == switch.enabled:
            request.move(member, "Enabled" if switch.enabled else self.suspended)
        return {}

    def disable_macie(self, request: Request) -> Result:
        if request.home.administrator_id:
            raise request.error("E_ASSOCIATED")
        if self._has_members(request):
            raise request.error("E_INUSE")
        self.switch_off(request)
        return {}

    @staticmethod
    def _has_members(request: Request) -> bool:
        return any(member.status in PENDING | ASSOCIATED for member in request.home.members.values())

    def _session(self, request: Request) -> Switch:
        if request.home.switch is None:
            raise request.error("E_OFF")
        return request.home.switch

    def tagged(self, request: Request) -> Switch:
        raise request.error("E_NORESOURCE")

    # --- the organization ---------------------------------------------------------------------------------------------

    def describe_organization_configuration(self, request: Request) -> Result:
        self._check_delegated(request)
        return {"MaxAccountLimitReached": self.is_full(request), **self.organization_settings(request)}

    def organization_settings(self, request: Request) -> dict[str, Any]:
        return {"AutoEnable": request.world.organization.auto_enable[self.name].get(request.region)}

    def change_organization_settings(self, request: Request) -> None:
        request.world.organization.auto_enable[self.name].set(request.region, request.params["AutoEnable"])
