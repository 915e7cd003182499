# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine has to know about GuardDuty.

The API declares ``relationshipStatus`` a free string. The words below are those of AWS's user guides and of what has
been seen on the wire; ``Monitored`` is the console's label for ``Enabled`` and occurs in one of AWS's samples.
RegionDisabled, AccountSuspended, Deleted and CannotCreateDetectorInOrgMaster are documented for GuardDuty's sister
services only: no call is ever made because of them, and they stay in the table so that they are named when met.
"""

from __future__ import annotations

from ..._membership.features import FeatureWords
from ..._membership.model import EmailRules, OrganizationKind, ServiceFacts, ServiceKind, State, Step
from .words import REFUSALS

# An EKS cluster is watched by either; AWS refuses both in one call.
_REPLACED = {"EKS_RUNTIME_MONITORING": "RUNTIME_MONITORING"}
_PRINCIPALS = {"EBS_MALWARE_PROTECTION": "malware-protection.guardduty.amazonaws.com"}
OF_ORGANIZATION = FeatureWords("auto_enable", "NONE", _REPLACED, _PRINCIPALS)
OF_ACCOUNT = FeatureWords("status", "DISABLED", _REPLACED, read="GetMemberDetectors", write="UpdateMemberDetectors")

GUARDDUTY = ServiceFacts(
    name="guardduty",
    client="guardduty",
    title="GuardDuty",
    kind=ServiceKind(
        module="detector",
        rows="detectors",
        handle="detector_id",
        settings={"enabled": True, "finding_publishing_frequency": "SIX_HOURS", "features": {}},
        suspended="DISABLED",
    ),
    organization=OrganizationKind(
        principal="guardduty.amazonaws.com",
        settings=("auto_enable_members",),
        needs_trust=True,
        features=OF_ORGANIZATION,
    ),
    features=OF_ACCOUNT,
    member_options=(
        "detector_id",
        "email_notification",
        "features",
        "invitation_message",
        "monitoring",
        "replace_failed",
    ),
    words={
        State.CREATED: ("Created",),
        State.VERIFYING: ("EmailVerificationInProgress",),
        State.VERIFICATION_FAILED: ("EmailVerificationFailed",),
        State.INVITED: ("Invited",),
        State.ENABLED: ("Enabled", "Monitored"),
        State.SUSPENDED: ("Disabled",),
        State.REMOVED: ("Removed",),
        State.RESIGNED: ("Resigned",),
        State.DELETED: ("Deleted",),
        State.ACCOUNT_SUSPENDED: ("AccountSuspended",),
        State.REGION_DISABLED: ("RegionDisabled",),
        State.MANAGEMENT_NOT_ENABLED: ("CannotCreateDetectorInOrgMaster",),
    },
    operations={
        Step.CREATE: "CreateMembers",
        Step.INVITE: "InviteMembers",
        Step.DISASSOCIATE: "DisassociateMembers",
        Step.DELETE: "DeleteMembers",
        Step.START_MONITORING: "StartMonitoringMembers",
        Step.STOP_MONITORING: "StopMonitoringMembers",
        Step.ENABLE_SERVICE: "CreateDetector",
        Step.UPDATE_SERVICE: "UpdateDetector",
        Step.DISABLE_SERVICE: "DeleteDetector",
        Step.TAG: "TagResource",
        Step.UNTAG: "UntagResource",
        Step.ACCEPT: "AcceptAdministratorInvitation",
        Step.LEAVE: "DisassociateFromAdministratorAccount",
        Step.DELEGATE: "EnableOrganizationAdminAccount",
        Step.REVOKE: "DisableOrganizationAdminAccount",
        Step.UPDATE_FEATURES: OF_ACCOUNT.write,
        Step.UPDATE_ORGANIZATION: "UpdateOrganizationConfiguration",
    },
    # The rules of CreateMembers' reference.
    email=EmailRules(range(6, 65), "\"'()<>[]:,\\|%&"),
    refusals=REFUSALS,
    deletes_organization_members=True,
    invites_held_accounts=True,
    lists_invitations_while_off=True,  # ListInvitations takes no detector
)
