# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the services' organization operations have in common, and what AWS Organizations itself has to allow."""

from __future__ import annotations

from dataclasses import dataclass

from .._membership.parse import handle_of, list_of, text_of
from .._membership.port import Api, Delegate

ENABLE_SERVICE_ACCESS = "EnableAWSServiceAccess"

# The most that AWS Organizations gives at once.
_PAGE = 20


@dataclass(frozen=True)
class Delegation:
    """The management account's side of a service in one Region.

    :param api: The service.
    :param account_key: What AWS calls the administrator's account id in its list.
    :param status_key: What it calls the status there.
    """

    api: Api
    account_key: str
    status_key: str

    def get_administrator(self) -> Delegate | None:
        operation = "ListOrganizationAdminAccounts"
        # AWS allows one for each service and Region: there is no second page.
        for data in list_of(operation, self.api.call(operation), "AdminAccounts"):
            account_id = handle_of(operation, data.get(self.account_key))
            return Delegate(account_id, text_of(data.get(self.status_key)) or "")
        return None

    def enable(self, administrator_id: str) -> None:
        # Without a Feature: the default is the service that this collection is about, and an older SDK has none.
        self.api.call("EnableOrganizationAdminAccount", AdminAccountId=administrator_id)

    def disable(self, administrator_id: str) -> None:
        self.api.call("DisableOrganizationAdminAccount", AdminAccountId=administrator_id)


@dataclass(frozen=True)
class TrustedAccess:
    """The service principals that may act in the organization, of AWS Organizations."""

    api: Api

    def list_principals(self) -> list[str]:
        operation = "ListAWSServiceAccessForOrganization"
        rows = self.api.pages(operation, "EnabledServicePrincipals", page_size=_PAGE)
        return [handle_of(operation, row.get("ServicePrincipal")) for row in rows]

    def list_administrators(self, principal: str) -> list[str]:
        operation = "ListDelegatedAdministrators"
        rows = self.api.pages(operation, "DelegatedAdministrators", page_size=_PAGE, ServicePrincipal=principal)
        return [handle_of(operation, row.get("Id")) for row in rows]

    def enable_service_access(self, principal: str) -> None:
        self.api.call(ENABLE_SERVICE_ACCESS, ServicePrincipal=principal)
