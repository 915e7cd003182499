# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine has to know about Security Hub (CSPM).

The API reference lists seven values of ``MemberStatus``. ``Associated`` was the word for ``Enabled`` until late 2020
and may still be met in partitions without the Organizations integration. There is no e-mail verification.
"""

from __future__ import annotations

from ..._membership.model import OrganizationKind, ServiceFacts, ServiceKind, State, Step
from .words import REFUSALS

SECURITYHUB = ServiceFacts(
    name="securityhub",
    client="securityhub",
    title="Security Hub",
    kind=ServiceKind(
        module="hub",
        rows="hubs",
        handle="hub_arn",
        settings={"auto_enable_controls": True, "control_finding_generator": "SECURITY_CONTROL"},
        on_enable=("enable_default_standards",),
        updated_only=("auto_enable_controls",),
    ),
    organization=OrganizationKind(
        principal="securityhub.amazonaws.com",
        settings=("auto_enable", "auto_enable_standards"),
        has_configuration=True,
    ),
    words={
        State.CREATED: ("Created",),
        State.INVITED: ("Invited",),
        State.ENABLED: ("Enabled", "Associated"),
        State.REMOVED: ("Removed",),
        State.RESIGNED: ("Resigned",),
        State.DELETED: ("Deleted",),
        State.ACCOUNT_SUSPENDED: ("AccountSuspended",),
    },
    operations={
        Step.CREATE: "CreateMembers",
        Step.INVITE: "InviteMembers",
        Step.DISASSOCIATE: "DisassociateMembers",
        Step.DELETE: "DeleteMembers",
        Step.ENABLE_SERVICE: "EnableSecurityHub",
        Step.UPDATE_SERVICE: "UpdateSecurityHubConfiguration",
        Step.DISABLE_SERVICE: "DisableSecurityHub",
        Step.TAG: "TagResource",
        Step.UNTAG: "UntagResource",
        Step.ACCEPT: "AcceptAdministratorInvitation",
        Step.LEAVE: "DisassociateFromAdministratorAccount",
        Step.DELEGATE: "EnableOrganizationAdminAccount",
        Step.REVOKE: "DisableOrganizationAdminAccount",
        Step.UPDATE_ORGANIZATION: "UpdateOrganizationConfiguration",
    },
    refusals=REFUSALS,
    deletes_organization_members=False,
    invites_held_accounts=False,
)
