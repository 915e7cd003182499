# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Organizations as the two services see it: the delegated administrator and its auto-enable settings."""

from __future__ import annotations

from typing import Any

from .requests import Request, Result


class OrganizationOperations:
    """The organization operations both services share. Their state is per service and Region."""

    name: str
    members_quota: tuple[int, int]  # members per administrator: by invitation, by organization
    # What ListOrganizationAdminAccounts calls the account and its status.
    admin_members: tuple[str, str]

    def is_full(self, request: Request) -> bool:
        """Return whether the caller has reached its quota. A delegated administrator's counts invited members, too."""
        is_delegated = request.world.organization.delegated[self.name].get(request.region) == request.account_id
        quota = request.knobs.members_quota
        limit = self.members_quota[is_delegated] if quota is None else quota
        return len(request.home.members) >= limit

    def _check_management(self, request: Request) -> None:
        if request.account_id != request.world.organization.management_account:
            raise request.error("E_NOTMANAGEMENT")

    def _check_delegated(self, request: Request) -> None:
        delegated_id = request.world.organization.delegated[self.name].get(request.region)
        if request.account_id != delegated_id:
            is_read = request.operation.name.startswith("Describe")
            is_told = delegated_id is None or request.knobs.describe_of_other_gd == "not_enabled"
            raise request.error("E_NODELEGATED" if is_read and is_told else "E_NOTDELEGATED")

    def enable_organization_admin_account(self, request: Request) -> Result:
        self._check_management(request)
        world, organization, knobs = request.world, request.world.organization, request.knobs
        administrator_id = request.params["AdminAccountId"]
        if administrator_id not in organization.account_ids | {organization.management_account}:
            raise request.error("E_NOTINORGANIZATION")
        delegated = organization.delegated[self.name]
        others = {delegated.get(request.region)}
        if knobs.other_delegate_elsewhere == "refuse":
            others |= set(delegated.per_region.values()) | {delegated.default}
        if others - {None, administrator_id}:
            raise request.error("E_DELEGATED")
        if delegated.get(request.region) == administrator_id and knobs.delegate_again == "refuse":
            raise request.error("E_DELEGATED")
        if knobs.delegate_meanwhile == "refuse" and self._is_first_under_way(request):
            raise request.error("E_MEANWHILE")
        self._trust(request)
        if delegated.get(request.region) != administrator_id:
            organization.office[self.name].set(request.region, world.later("in office", "delegate_visible"))
        delegated.set(request.region, administrator_id)
        self._take_office(request, administrator_id)
        return {
            name: request.params[name]
            for name in ("AdminAccountId", "Feature")
            if name in request.params and name in request.operation.output_shape.members
        }

    def _is_first_under_way(self, request: Request) -> bool:
        """Return whether the organization's first administrator is not in office anywhere yet."""
        organization, now = request.world.organization, request.world.now()
        delegated, office = organization.delegated[self.name], organization.office[self.name]
        regions = [region for region, account_id in delegated.per_region.items() if account_id]
        pending = [office.get(region) for region in regions]
        return bool(regions) and not delegated.default and all(each and not each.is_due(now) for each in pending)

    def _trust(self, request: Request) -> None:
        """Switch trusted access on, or refuse without it, as the service does."""
        principals, principal = request.world.organization.trusted_principals, f"{self.name}.amazonaws.com"
        needs_trust = self.name == "guardduty" and request.knobs.delegate_without_trust_gd == "refuse"
        if needs_trust and principal not in principals:
            raise request.error("E_INVALID")
        principals.add(principal)

    def _take_office(self, request: Request, administrator_id: str) -> None:
        home = request.home_of(administrator_id)
        is_new = home.switch is None
        switch = request.world.switch_on(home)
        if is_new and self.name == "securityhub":
            switch.settings["EnableDefaultStandards"] = request.knobs.delegate_standards_sh == "on"
        for member in home.members.values():  # its invited members of the same organization change type, and stay
            member.by_organization = member.account_id in request.world.organization.account_ids

    def disable_organization_admin_account(self, request: Request) -> Result:
        self._check_management(request)
        organization = request.world.organization
        delegated = organization.delegated[self.name]
        administrator_id = request.params["AdminAccountId"]
        if delegated.get(request.region) != administrator_id:
            raise request.error("E_DISABLED")
        if organization.central_configuration and self.name == "securityhub":
            raise request.error("E_CENTRALMEMBER")
        for member in list(request.home_of(administrator_id).members.values()):
            if member.by_organization:  # they become standalone; the service stays on
                request.world.remove(self.name, request.region, member)
        delegated.set(request.region, None)
        leaving = request.world.later(administrator_id, "revoke_visible")
        organization.office[self.name].set(request.region, leaving)
        return None

    def list_organization_admin_accounts(self, request: Request) -> Result:
        self._check_management(request)
        organization = request.world.organization
        administrator_id = organization.delegated[self.name].get(request.region)
        pending = organization.office[self.name].get(request.region)
        status = "ENABLED"
        if pending and not pending.is_due(request.world.now()):
            # Not to be seen yet, or still to be seen as the one that is being taken away.
            pending.reads -= 1
            if administrator_id:
                administrator_id = None
            else:
                administrator_id, status = pending.value, "DISABLE_IN_PROGRESS"
        account_member, status_member = self.admin_members
        admins = [{account_member: administrator_id, status_member: status}] if administrator_id else []
        return {"AdminAccounts": admins}

    def _check_in_office(self, request: Request) -> None:
        self._check_delegated(request)
        pending = request.world.organization.office[self.name].get(request.region)
        if pending and not pending.is_due(request.world.now()):
            raise request.error("E_NOTDELEGATED")

    def describe_organization_configuration(self, request: Request) -> Result:
        self._check_in_office(request)
        return {"MemberAccountLimitReached": self.is_full(request), **self.organization_settings(request)}

    def organization_settings(self, request: Request) -> dict[str, Any]:
        """Return the auto-enable settings as the service describes them."""
        raise NotImplementedError

    def update_organization_configuration(self, request: Request) -> Result:
        self._check_in_office(request)
        self.change_organization_settings(request)
        return None

    def change_organization_settings(self, request: Request) -> None:
        """Take over the settings of an UpdateOrganizationConfiguration call."""
        raise NotImplementedError
