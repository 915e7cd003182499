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
            raise request.error("E_NODELEGATED" if is_read and delegated_id is None else "E_NOTDELEGATED")

    def enable_organization_admin_account(self, request: Request) -> Result:
        self._check_management(request)
        organization = request.world.organization
        administrator_id = request.params["AdminAccountId"]
        if administrator_id not in organization.account_ids | {organization.management_account}:
            raise request.error("E_NOTINORGANIZATION")
        if organization.delegated[self.name].get(request.region) not in (None, administrator_id):
            raise request.error("E_DELEGATED")
        organization.delegated[self.name].set(request.region, administrator_id)
        home = request.home_of(administrator_id)
        request.world.switch_on(home)
        for member in home.members.values():  # its invited members of the same organization change type, and stay
            member.by_organization = member.account_id in organization.account_ids
        return {
            name: request.params[name]
            for name in ("AdminAccountId", "Feature")
            if name in request.params and name in request.operation.output_shape.members
        }

    def disable_organization_admin_account(self, request: Request) -> Result:
        self._check_management(request)
        delegated = request.world.organization.delegated[self.name]
        administrator_id = request.params["AdminAccountId"]
        if delegated.get(request.region) != administrator_id:
            raise request.error("E_DISABLED")
        for member in list(request.home_of(administrator_id).members.values()):
            if member.by_organization:  # they become standalone; the service stays on
                request.world.remove(self.name, request.region, member)
        delegated.set(request.region, None)
        return None

    def list_organization_admin_accounts(self, request: Request) -> Result:
        self._check_management(request)
        administrator_id = request.world.organization.delegated[self.name].get(request.region)
        account_member, status_member = self.admin_members
        admins = [{account_member: administrator_id, status_member: "ENABLED"}] if administrator_id else []
        return {"AdminAccounts": admins}

    def describe_organization_configuration(self, request: Request) -> Result:
        self._check_delegated(request)
        return {"MemberAccountLimitReached": self.is_full(request), **self.organization_settings(request)}

    def organization_settings(self, request: Request) -> dict[str, Any]:
        """Return the auto-enable settings as the service describes them."""
        raise NotImplementedError

    def update_organization_configuration(self, request: Request) -> Result:
        self._check_delegated(request)
        self.change_organization_settings(request)
        return None

    def change_organization_settings(self, request: Request) -> None:
        """Take over the settings of an UpdateOrganizationConfiguration call."""
        raise NotImplementedError
