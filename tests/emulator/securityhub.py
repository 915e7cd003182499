# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security Hub (CSPM): the hub, and what differs from GuardDuty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .errors import AwsError
from .membership import MAXIMUM_BATCH, MembershipService
from .requests import Request, Result
from .state import ACTIVE, ASSOCIATED, PENDING, Member, Switch
from .wire import InvalidRequest, timestamp

_HUB_SETTINGS = ("AutoEnableControls", "ControlFindingGenerator")
# These need no hub of the caller's; of all others the service model says that they do, by InvalidAccessException.
_WITHOUT_HUB = {
    "EnableSecurityHub",
    "EnableOrganizationAdminAccount",
    "DisableOrganizationAdminAccount",
    "ListOrganizationAdminAccounts",
}
# With the hub off, these say so. The operations of memberships find no such resource instead, see ``hub_off``.
_OF_THE_HUB = {
    "DescribeHub": "E_NOTSUBSCRIBED",
    "DescribeOrganizationConfiguration": "E_NOTSUBSCRIBED",
    "DisableSecurityHub": "E_DISABLEDHUB",
    "UpdateOrganizationConfiguration": "E_NOTSUBSCRIBED",
    "UpdateSecurityHubConfiguration": "E_NOTSUBSCRIBED",
}
# Recorded for ListInvitations and, by those who match it, for leaving; all others were seen, or are taken, to say
# BadRequestException.
_HUB_OFF_BY_ACCESS = {
    "DisassociateFromAdministratorAccount",
    "DisassociateFromMasterAccount",
    "ListInvitations",
}


class SecurityHub(MembershipService):
    """What Security Hub adds. It has no handle, but needs the caller's hub."""

    name = "securityhub"
    reason_member = "ProcessingResult"
    status_member = "MemberStatus"
    admin_members = ("AccountId", "Status")
    associated = ACTIVE
    members_quota = (1000, 10000)
    invitations_quota = 1000

    def __init__(self) -> None:
        super().__init__()
        self.wire.operations["CreateMembers"].allow_any_length("AccountDetails")

    def error_body(self, error: AwsError) -> dict[str, Any]:
        return {"Code": error.code, "Message": error.message}

    def check(self, request: Request) -> None:
        # The service model has no maximum for AccountIds.
        if len(request.params.get("AccountIds", ())) > MAXIMUM_BATCH:
            raise InvalidRequest("AccountIds", "length", str(len(request.params["AccountIds"])))
        name = request.operation.name
        needs_hub = "InvalidAccessException" in request.operation.error_status and name not in _WITHOUT_HUB
        if needs_hub and request.home.switch is None:
            raise self._hub_off(request)

    @staticmethod
    def _hub_off(request: Request) -> AwsError:
        name, knob = request.operation.name, request.knobs.hub_off
        if name in _OF_THE_HUB:
            return request.error(_OF_THE_HUB[name])
        if knob == "InvalidAccessException":
            return request.error("E_NOTSUBSCRIBED")
        recorded = "AccessDeniedException" if name in _HUB_OFF_BY_ACCESS else "BadRequestException"
        return request.error("E_NORESOURCE", code=recorded if knob == "recorded" else knob)

    def time(self, seconds: float | None) -> float | None:
        return seconds

    def is_only_associated(self, request: Request) -> bool:
        return bool(request.params.get("OnlyAssociated", True))

    def word(self, request: Request, status: str) -> str:
        return request.knobs.sh_active_word if status == "Enabled" else status

    def no_administrator(self, request: Request) -> Result:
        if request.knobs.get_administrator_none_sh == "404":
            raise request.error("E_NORESOURCE")
        return {}

    def create_members(self, request: Request) -> Result:
        # More than 50 accounts are no error: AWS takes the first 50 and hands the others back.
        details = request.params["AccountDetails"]
        request.params = {**request.params, "AccountDetails": details[:MAXIMUM_BATCH]}
        super().create_members(request)
        for detail in details[MAXIMUM_BATCH:]:
            request.refuse(detail["AccountId"], "U_BATCH")
        return self.unprocessed(request)

    def invite_refusals(self, request: Request, account_id: str) -> Iterator[str]:
        if request.home_of(account_id).administrator_id not in (None, request.account_id):
            yield "U_HELD"

    def _describe_member(self, request: Request, member: Member, status: str) -> dict[str, Any]:
        described = super()._describe_member(request, member, status)
        return {**described, "Email": None if member.by_organization else member.email}

    # --- the hub ------------------------------------------------------------------------------------------------------

    def enable_security_hub(self, request: Request) -> Result:
        is_managed = request.knobs.governed_sh == "managed"
        self._check_central_configuration(request, "E_CENTRALMEMBER" if is_managed else "E_CENTRALCHANGE")
        if request.home.switch:
            raise request.error("E_SUBSCRIBED")
        settings = {name: request.params[name] for name in _HUB_SETTINGS if name in request.params}
        settings["EnableDefaultStandards"] = request.params.get("EnableDefaultStandards", True)
        switch = request.world.switch_on(request.home, settings=settings)
        switch.tags.update(request.params.get("Tags", {}))
        return None

    def _check_central_configuration(self, request: Request, refusal: str = "E_CENTRALCHANGE") -> None:
        organization = request.world.organization
        is_delegated = organization.delegated[self.name].get(request.region) == request.account_id
        if organization.central_configuration and request.account_id in organization.account_ids and not is_delegated:
            raise request.error(refusal)

    def describe_hub(self, request: Request) -> Result:
        switch = self._hub(request, request.params.get("HubArn"))
        return {
            "HubArn": switch.arn,
            "SubscribedAt": timestamp(switch.created_at),
            "AutoEnableControls": switch.settings.get("AutoEnableControls", True),
            "ControlFindingGenerator": switch.settings.get("ControlFindingGenerator", "SECURITY_CONTROL"),
        }

    def update_security_hub_configuration(self, request: Request) -> Result:
        switch = self._hub(request, None)
        self._check_central_configuration(request)
        switch.settings.update({name: request.params[name] for name in _HUB_SETTINGS if name in request.params})
        return None

    def disable_security_hub(self, request: Request) -> Result:
        self._check_central_configuration(request)
        if any(member.status in PENDING | ASSOCIATED for member in request.home.members.values()):
            raise request.error("E_HUBINUSE")
        administrator_id = request.home.administrator_id
        if administrator_id and request.in_organization(request.account_id, administrator_id):
            raise request.error("E_ORGHUB")
        self.switch_off(request)
        return None

    def _hub(self, request: Request, arn: str | None) -> Switch:
        switch = request.home.switch
        if switch is None or arn not in (None, switch.arn):
            raise request.error("E_NORESOURCE")
        return switch

    def tagged(self, request: Request) -> Switch:
        return self._hub(request, request.params["ResourceArn"])

    # --- the organization ---------------------------------------------------------------------------------------------

    def organization_settings(self, request: Request) -> dict[str, Any]:
        organization = request.world.organization
        kind = "CENTRAL" if organization.central_configuration else "LOCAL"
        return {
            "AutoEnable": organization.auto_enable[self.name].get(request.region),
            "AutoEnableStandards": organization.settings[self.name].get(request.region).get("standards", "DEFAULT")
            if kind == "LOCAL"
            else "NONE",
            "OrganizationConfiguration": {"ConfigurationType": kind, **self._configuration_status(request)},
        }

    def _configuration_status(self, request: Request) -> dict[str, str]:
        organization = request.world.organization
        pending = organization.configuring.get(request.region)
        if organization.configuration_failure:
            return {"Status": "FAILED", "StatusMessage": organization.configuration_failure}
        if pending and not pending.is_due(request.world.now()):
            pending.reads -= 1
            return {"Status": "PENDING"}
        return {"Status": "DISABLED" if organization.securityhub_policy else "ENABLED"}

    def change_organization_settings(self, request: Request) -> None:
        organization, params = request.world.organization, request.params
        kind = params.get("OrganizationConfiguration", {}).get("ConfigurationType")
        is_central = kind == "CENTRAL" if kind else organization.central_configuration
        if is_central and (params["AutoEnable"] or params.get("AutoEnableStandards", "NONE") != "NONE"):
            raise request.error("E_CENTRAL")
        organization.central_configuration = is_central
        organization.configuring.set(request.region, request.world.later("done", "configuration_visible"))
        organization.auto_enable[self.name].set(request.region, params["AutoEnable"])
        left_out = "DEFAULT" if request.knobs.standards_left_out_sh == "default" else None
        standards = params.get("AutoEnableStandards", left_out)
        if standards:
            organization.settings[self.name].set(request.region, {"standards": standards})
