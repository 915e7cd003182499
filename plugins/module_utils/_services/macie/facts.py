# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine has to know about Macie.

The API declares ``RelationshipStatus`` a closed list, which is the one below. All calls of the administrator but the
invitation take one account. Sources: the API reference of Macie (``macie2``), and its user guide on multiple accounts.
"""

from __future__ import annotations

from ..._membership.model import EmailRules, MessageRules, Reading, ServiceFacts, ServiceKind, State, Step
from .words import REFUSALS

MACIE = ServiceFacts(
    name="macie",
    client="macie2",
    title="Macie",
    kind=ServiceKind(
        module="session",
        rows="sessions",
        handle=None,
        settings={"enabled": True, "finding_publishing_frequency": "FIFTEEN_MINUTES"},
        has_tags=False,
        suspended="PAUSED",
    ),
    member_options=("email_notification", "invitation_message", "monitoring", "replace_failed"),
    words={
        State.CREATED: ("Created",),
        State.VERIFYING: ("EmailVerificationInProgress",),
        State.VERIFICATION_FAILED: ("EmailVerificationFailed",),
        State.INVITED: ("Invited",),
        State.ENABLED: ("Enabled",),
        State.SUSPENDED: ("Paused",),
        State.REMOVED: ("Removed",),
        State.RESIGNED: ("Resigned",),
        State.ACCOUNT_SUSPENDED: ("AccountSuspended",),
        State.REGION_DISABLED: ("RegionDisabled",),
    },
    operations={
        Step.CREATE: "CreateMember",
        Step.INVITE: "CreateInvitations",
        Step.DISASSOCIATE: "DisassociateMember",
        Step.DELETE: "DeleteMember",
        Step.START_MONITORING: "UpdateMemberSession",
        Step.STOP_MONITORING: "UpdateMemberSession",
        Step.ENABLE_SERVICE: "EnableMacie",
        Step.UPDATE_SERVICE: "UpdateMacieSession",
        Step.DISABLE_SERVICE: "DisableMacie",
        Step.ACCEPT: "AcceptInvitation",
        Step.LEAVE: "DisassociateFromAdministratorAccount",
    },
    accounts_per_call={
        Step.CREATE: 1,
        Step.DISASSOCIATE: 1,
        Step.DELETE: 1,
        Step.START_MONITORING: 1,
        Step.STOP_MONITORING: 1,
    },
    # One by one, and side by side, as long as that takes few calls; above that, the pages of the list, which come one
    # after another, take fewer.
    reading=Reading(accounts=1, page=25, list_above=250),
    refusals=REFUSALS,
    deletes_organization_members=True,
    invites_held_accounts=True,
    # The API states no rules: these are AWS's for the address of an account (Organizations, CreateAccount).
    email=EmailRules(range(6, 65)),
    message=MessageRules("[A-Za-z0-9]{1,80}", "letters and digits without spaces, 80 at most"),
)
