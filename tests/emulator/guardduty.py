# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GuardDuty: detectors, e-mail verification, monitoring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .errors import AwsError
from .features import (
    MemberFeatureOperations,
    features_of,
    features_to_change,
    merge_features,
    new_features,
    shown_features,
)
from .membership import MembershipService
from .requests import Request, Result
from .state import ASSOCIATED, PENDING, Member, Switch
from .wire import NULL, timestamp

_DETECTOR_SETTINGS = ("FindingPublishingFrequency",)


class GuardDuty(MemberFeatureOperations, MembershipService):
    """What GuardDuty adds. Its handle is the caller's own detector, also for the member's calls."""

    name = "guardduty"
    verifies_email = True
    reason_member = "Result"
    status_member = "RelationshipStatus"
    admin_members = ("AdminAccountId", "AdminStatus")
    associated = ASSOCIATED
    members_quota = (5000, 50000)
    invitations_quota = None

    def error_body(self, error: AwsError) -> dict[str, Any]:
        return {"message": error.message, "__type": error.inner or error.code}

    def check(self, request: Request) -> None:
        detector_id = request.params.get("DetectorId")
        if detector_id is None:
            return
        if not re.fullmatch("[0-9A-Za-z]{32}", detector_id):
            raise request.error("E_DETECTORID")
        if request.home.switch is None or request.home.switch.resource_id != detector_id:
            raise request.error("E_NOTOWNED")

    def time(self, seconds: float | None) -> str | None:
        return None if seconds is None else timestamp(seconds)

    def is_only_associated(self, request: Request) -> bool:
        default = {"associated": "true", "all": "false"}[request.knobs.list_default_gd]
        return str(request.params.get("OnlyAssociated", default)).lower() == "true"

    def no_administrator(self, request: Request) -> Result:
        [member] = request.operation.output_shape.members
        return {member: NULL} if request.knobs.get_administrator_none_gd == "null" else None

    def invite_refusals(self, request: Request, account_id: str) -> Iterator[str]:
        if not request.home.members[account_id].email:
            yield "U_NOEMAIL"

    def _describe_member(self, request: Request, member: Member, status: str) -> dict[str, Any]:
        switch = request.home_of(member.account_id).switch
        detector_id = switch.resource_id if switch and status in ASSOCIATED else None
        described = super()._describe_member(request, member, status)
        # Of an organization's members no address comes back, and none is verified.
        email = NULL if member.by_organization else member.email
        return {**described, "Email": email, "DetectorId": detector_id}

    def stop_monitoring_members(self, request: Request) -> Result:
        return self._monitor(request, False)

    def start_monitoring_members(self, request: Request) -> Result:
        return self._monitor(request, True)

    def _monitor(self, request: Request, enabled: bool) -> Result:
        for account_id in self.apply_to_members(request):
            request.world.switch_on(request.home_of(account_id)).enabled = enabled
        return self.unprocessed(request)

    # --- the detector -------------------------------------------------------------------------------------------------

    def create_detector(self, request: Request) -> Result:
        home, params = request.home, request.params
        if home.switch:
            # A repeated call with the same idempotency token is the SDK's own retry.
            if params.get("ClientToken") and home.switch.settings.get("ClientToken") == params["ClientToken"]:
                return {"DetectorId": home.switch.resource_id}
            raise request.error("E_DETECTOREXISTS")
        settings = {name: params[name] for name in (*_DETECTOR_SETTINGS, "ClientToken") if name in params}
        settings["features"] = new_features()
        merge_features(request, settings["features"], params.get("Features", ()), "Status")
        switch = request.world.switch_on(home, enabled=params["Enable"], settings=settings)
        switch.tags.update(params.get("Tags", {}))
        return {"DetectorId": switch.resource_id}

    def list_detectors(self, request: Request) -> Result:
        switch = request.home.switch
        page, token = self.page(request, [switch.resource_id] if switch else [])
        return {"DetectorIds": page, "NextToken": token}

    def get_detector(self, request: Request) -> Result:
        switch = self._own(request)
        partition = switch.arn.split(":")[1]
        service_role = "role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"
        return {
            "CreatedAt": timestamp(switch.created_at),
            "UpdatedAt": timestamp(switch.updated_at),
            "FindingPublishingFrequency": "SIX_HOURS",
            "ServiceRole": f"arn:{partition}:iam::{request.account_id}:{service_role}",
            "Status": "ENABLED" if switch.enabled else "DISABLED",
            "Tags": dict(switch.tags),
            "Features": shown_features(request, features_of(switch), "Status"),
            **{name: switch.settings[name] for name in _DETECTOR_SETTINGS if name in switch.settings},
        }

    def update_detector(self, request: Request) -> Result:
        switch, params = self._own(request), request.params
        self._check_organization_member(request)
        if params.get("Features"):
            merge_features(request, features_to_change(switch), params["Features"], "Status")
        switch.settings.update({name: params[name] for name in _DETECTOR_SETTINGS if name in params})
        switch.enabled = params.get("Enable", switch.enabled)
        switch.updated_at = request.world.now()
        administrator_id = request.home.administrator_id
        member = request.member(administrator_id, request.account_id) if administrator_id else None
        if member and (member.status == "Disabled") == switch.enabled:
            request.move(member, "Enabled" if switch.enabled else "Disabled")
        return None

    def _check_organization_member(self, request: Request) -> None:
        """Refuse a change of the detector, tags and all, by a member that came through AWS Organizations."""
        administrator_id = request.home.administrator_id
        if administrator_id is not None and request.in_organization(request.account_id, administrator_id):
            is_told = request.knobs.organization_member_gd == "cannot_manage"
            raise request.error("E_ORGDETECTOR" if is_told else "E_INVALID")

    def delete_detector(self, request: Request) -> Result:
        if any(member.status in PENDING | ASSOCIATED for member in request.home.members.values()):
            is_new = request.knobs.detector_in_use_gd == "2026"
            raise request.error("E_DETECTORINUSE" if is_new else "E_DETECTORINUSE2018")
        self._check_organization_member(request)
        self.switch_off(request)
        return None

    def _own(self, request: Request) -> Switch:
        switch = request.home.switch
        if switch is None:
            raise request.error("E_NOTOWNED")
        return switch

    def tag_resource(self, request: Request) -> Result:
        self._check_organization_member(request)
        return super().tag_resource(request)

    def untag_resource(self, request: Request) -> Result:
        self._check_organization_member(request)
        return super().untag_resource(request)

    def tagged(self, request: Request) -> Switch:
        if self._own(request).arn != request.params["ResourceArn"]:
            raise request.error("E_NOTOWNED")
        return self._own(request)

    # --- the organization ---------------------------------------------------------------------------------------------

    def organization_settings(self, request: Request) -> dict[str, Any]:
        organization = request.world.organization
        auto_enable = organization.auto_enable[self.name].get(request.region)
        return {
            "AutoEnableOrganizationMembers": auto_enable,
            "AutoEnable": auto_enable != "NONE",  # the older setting shows NEW and ALL alike
            "Features": shown_features(request, organization.settings[self.name].get(request.region), "AutoEnable"),
        }

    def change_organization_settings(self, request: Request) -> None:
        organization, params = request.world.organization, request.params
        if ("AutoEnable" in params) == ("AutoEnableOrganizationMembers" in params):
            raise request.error("E_CONFIGURATION")
        features = {**organization.settings[self.name].get(request.region)}
        merge_features(request, features, params.get("Features", ()), "AutoEnable")
        organization.settings[self.name].set(request.region, features)
        legacy = "NEW" if params.get("AutoEnable") else "NONE"
        organization.auto_enable[self.name].set(request.region, params.get("AutoEnableOrganizationMembers", legacy))
