# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each operation does to a membership: the whole state machine of all services, as tables.

Rows are relationship statuses, columns are operations. A cell is one of

============  =========================================================================================================
``Name``      the new status
``=``         success without a change
``gone``      the record is removed, and with it the invitation
``verify``    the invitation is sent; GuardDuty and Macie first compare the e-mail address with the account's own
``uninvite``  the invitation disappears from the member's list, the administrator's record stays
``U_KEY``     this account comes back in UnprocessedAccounts, the HTTP status stays 200 (texts: ``refusals``)
``E_KEY``     the whole request is refused (texts: ``refusals``)
``knob?``     nothing AWS published settles it: the knob of this name decides, see ``*_CHOICES``
``X/ALL``     X, unless the organization's auto-enable setting ALL forbids it
``.``         (organization tables) as for an account by invitation
============  =========================================================================================================

``absent`` is an account without a record, or for the member's operations one without an invitation. ``other`` is any
status that is not in the table, so that a test may force one AWS has not invented yet. The organization tables hold for
the accounts of the organization whose delegated administrator the caller is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OPERATIONS = {
    "Create": "CreateMembers",
    "Invite": "InviteMembers",
    "Disassociate": "DisassociateMembers",
    "Delete": "DeleteMembers",
    "Stop": "StopMonitoringMembers",
    "Start": "StartMonitoringMembers",
    "Accept": "AcceptAdministratorInvitation",
    "Decline": "DeclineInvitations",
    "Uninvite": "DeleteInvitations",
    "Leave": "DisassociateFromAdministratorAccount",
}

GUARDDUTY_INVITATION_ADMINISTRATOR = """
status                       Create    Invite            Disassociate           Delete           Stop       Start
===========================  ========  ================  =====================  ===============  =========  ==========
absent                       Created   U_UNKNOWN         U_UNKNOWN              U_UNKNOWN        U_NOTMINE  U_NOTASSOC
Created                      U_MEMBER  verify            U_NOTASSOC             gone             U_NOTMINE  U_NOTASSOC
EmailVerificationInProgress  U_MEMBER  U_INVITED         pending_disassociate?  invited_delete?  U_NOTMINE  U_NOTASSOC
EmailVerificationFailed      U_MEMBER  U_INVITED         Removed                gone             U_NOTMINE  U_NOTASSOC
Invited                      U_MEMBER  U_INVITED         pending_disassociate?  invited_delete?  U_NOTMINE  U_NOTASSOC
Enabled                      U_MEMBER  U_INVITED         Removed                U_ASSOC          Disabled   =
Disabled                     U_MEMBER  U_INVITED         Removed                U_ASSOC          =          Enabled
Removed                      U_MEMBER  verify            U_NOTASSOC             gone             U_NOTMINE  U_NOTASSOC
Resigned                     U_MEMBER  resigned_invite?  U_NOTASSOC             gone             U_NOTMINE  U_NOTASSOC
AccountSuspended             U_MEMBER  U_INVITED         pending_disassociate?  gone             U_NOTMINE  U_NOTASSOC
other                        U_MEMBER  U_INVITED         Removed                gone             U_NOTMINE  U_NOTASSOC
"""

GUARDDUTY_INVITATION_MEMBER = """
status                       Accept      Decline      Uninvite    Leave
===========================  ==========  ===========  ==========  ========
absent                       E_NOINVITE  U_NOINVITE   U_NOINVITE  E_ALONE
Created                      E_NOINVITE  U_NOINVITE   U_NOINVITE  E_ALONE
EmailVerificationInProgress  E_NOINVITE  U_NOINVITE   U_NOINVITE  E_ALONE
EmailVerificationFailed      E_NOINVITE  U_NOINVITE   U_NOINVITE  E_ALONE
Invited                      Enabled     decline_gd?  U_NODECL    E_ALONE
Enabled                      E_MEMBER    U_ACCEPTED   U_NODECL    Resigned
Disabled                     E_MEMBER    U_ACCEPTED   U_NODECL    Resigned
Removed                      E_NOINVITE  =            uninvite    E_ALONE
Resigned                     Enabled     =            uninvite    E_ALONE
other                        E_NOINVITE  =            uninvite    E_ALONE
"""

GUARDDUTY_ORGANIZATION = """
status                       Create    Invite       Disassociate  Delete   Stop          Start    Leave
===========================  ========  ===========  ============  =======  ============  =======  ==========
absent                       Enabled   U_ORGINVITE  .             .        .             .        .
Created                      Enabled   U_ORGINVITE  .             .        .             .        .
EmailVerificationInProgress  Enabled   U_ORGINVITE  .             .        .             .        .
EmailVerificationFailed      Enabled   U_ORGINVITE  .             .        .             .        .
Invited                      Enabled   U_ORGINVITE  .             .        .             .        .
Enabled                      U_MEMBER  U_INVITED    Removed/ALL   U_ASSOC  Disabled/ALL  =        E_ORGLEAVE
Disabled                     U_MEMBER  U_INVITED    Removed/ALL   U_ASSOC  =/ALL         Enabled  E_ORGLEAVE
Removed                      Enabled   U_ORGINVITE  .             gone     .             .        .
Resigned                     Enabled   U_ORGINVITE  .             .        .             .        .
AccountSuspended             Enabled   U_ORGINVITE  .             .        .             .        .
other                        U_MEMBER  U_ORGINVITE  .             .        .             .        .
"""

SECURITYHUB_INVITATION_ADMINISTRATOR = """
status            Create    Invite              Disassociate           Delete
================  ========  ==================  =====================  ==================
absent            Created   unknown_member_sh?  unknown_member_sh?     unknown_member_sh?
Created           U_MEMBER  Invited             U_NOTASSOC             sh_delete_leaves?
Invited           U_MEMBER  U_INVITED           pending_disassociate?  invited_delete?
Enabled           U_MEMBER  U_INVITED           Removed                U_ASSOC
Removed           U_MEMBER  Invited             U_NOTASSOC             sh_delete_leaves?
Resigned          U_MEMBER  resigned_invite?    U_NOTASSOC             sh_delete_leaves?
Deleted           Created   unknown_member_sh?  unknown_member_sh?     gone
AccountSuspended  U_MEMBER  U_INVITED           pending_disassociate?  sh_delete_leaves?
other             U_MEMBER  U_INVITED           Removed                sh_delete_leaves?
"""

SECURITYHUB_INVITATION_MEMBER = """
status    Accept      Decline     Uninvite    Leave
========  ==========  ==========  ==========  ========
absent    E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
Created   E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
Invited   Enabled     Resigned    U_NODECL    E_ALONE
Enabled   E_MEMBER    U_ACCEPTED  U_NODECL    Resigned
Removed   E_NOINVITE  =           uninvite    E_ALONE
Resigned  Enabled     =           uninvite    E_ALONE
Deleted   E_NOINVITE  =           uninvite    E_ALONE
other     E_NOINVITE  =           uninvite    E_ALONE
"""

SECURITYHUB_ORGANIZATION = """
status            Create    Invite       Disassociate  Delete       Leave
================  ========  ===========  ============  ===========  ==========
absent            Enabled   U_ORGINVITE  .             .            .
Created           Enabled   U_ORGINVITE  .             U_ORGDELETE  .
Invited           Enabled   U_ORGINVITE  .             U_ORGDELETE  .
Enabled           U_MEMBER  U_INVITED    Removed       U_ORGDELETE  E_ORGLEAVE
Removed           Enabled   U_ORGINVITE  .             U_ORGDELETE  .
Resigned          Enabled   U_ORGINVITE  .             U_ORGDELETE  .
Deleted           Enabled   U_ORGINVITE  .             U_ORGDELETE  .
AccountSuspended  Enabled   U_ORGINVITE  .             U_ORGDELETE  .
other             U_MEMBER  U_ORGINVITE  .             U_ORGDELETE  .
"""

MACIE_INVITATION_ADMINISTRATOR = """
status                       Create    Invite            Disassociate  Delete           Stop        Start
===========================  ========  ================  ============  ===============  ==========  ==========
absent                       Created   U_UNKNOWN         U_UNKNOWN     U_UNKNOWN        U_UNKNOWN   U_UNKNOWN
Created                      U_MEMBER  verify            U_NOTASSOC    gone             U_NOTASSOC  U_NOTASSOC
EmailVerificationInProgress  U_MEMBER  U_INVITED         Removed       invited_delete?  U_NOTASSOC  U_NOTASSOC
EmailVerificationFailed      U_MEMBER  U_INVITED         Removed       gone             U_NOTASSOC  U_NOTASSOC
Invited                      U_MEMBER  U_INVITED         Removed       invited_delete?  U_NOTASSOC  U_NOTASSOC
Enabled                      U_MEMBER  U_INVITED         Removed       U_ASSOC          Paused      =
Paused                       U_MEMBER  U_INVITED         Removed       U_ASSOC          =           Enabled
Removed                      U_MEMBER  verify            U_NOTASSOC    gone             U_NOTASSOC  U_NOTASSOC
Resigned                     U_MEMBER  resigned_invite?  U_NOTASSOC    gone             U_NOTASSOC  U_NOTASSOC
other                        U_MEMBER  U_INVITED         Removed       gone             U_NOTASSOC  U_NOTASSOC
"""

MACIE_INVITATION_MEMBER = """
status                       Accept      Decline     Uninvite    Leave
===========================  ==========  ==========  ==========  ========
absent                       E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
Created                      E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
EmailVerificationInProgress  E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
EmailVerificationFailed      E_NOINVITE  U_NOINVITE  U_NOINVITE  E_ALONE
Invited                      Enabled     Resigned    U_NODECL    E_ALONE
Enabled                      E_MEMBER    U_ACCEPTED  U_NODECL    Resigned
Paused                       E_MEMBER    U_ACCEPTED  U_NODECL    Resigned
Removed                      E_NOINVITE  =           uninvite    E_ALONE
Resigned                     Enabled     =           uninvite    E_ALONE
other                        E_NOINVITE  =           uninvite    E_ALONE
"""

MACIE_ORGANIZATION = """
status                       Create                 Invite       Disassociate  Delete   Stop    Start    Leave
===========================  =====================  ===========  ============  =======  ======  =======  ==========
absent                       Enabled                U_ORGINVITE  .             .        .       .        .
Created                      Enabled                U_ORGINVITE  .             .        .       .        .
EmailVerificationInProgress  Enabled                U_ORGINVITE  .             .        .       .        .
EmailVerificationFailed      Enabled                U_ORGINVITE  .             .        .       .        .
Invited                      Enabled                U_ORGINVITE  .             .        .       .        .
Enabled                      U_MEMBER               U_INVITED    Removed       U_ASSOC  Paused  =        E_ORGLEAVE
Paused                       U_MEMBER               U_INVITED    Removed       U_ASSOC  =       Enabled  E_ORGLEAVE
Removed                      removed_create_macie?  U_ORGINVITE  .             gone     .       .        .
Resigned                     Enabled                U_ORGINVITE  .             .        .       .        .
AccountSuspended             Enabled                U_ORGINVITE  .             .        .       .        .
other                        U_MEMBER               U_ORGINVITE  .             .        .       .        .
"""

# What a "knob?" cell becomes. A knob that is not listed holds the cell itself (decline_gd, sh_delete_leaves).
GUARDDUTY_CHOICES = {
    "resigned_invite": {"refuse": "U_INVITED", "accept": "verify"},
    "invited_delete": {"ok": "gone", "still_associated": "U_ASSOC"},
    "pending_disassociate": {"refuse": "U_NOTASSOC"},
}
MACIE_CHOICES = {**GUARDDUTY_CHOICES, "removed_create_macie": {"accept": "Enabled", "refuse": "U_MEMBER"}}
SECURITYHUB_CHOICES = {
    "resigned_invite": {"refuse": "U_INVITED", "accept": "Invited"},
    "invited_delete": {"ok": "sh_delete_leaves?", "still_associated": "U_ASSOC"},
    "pending_disassociate": {"refuse": "U_NOTASSOC"},
    "unknown_member_sh": {"refuse": "U_UNKNOWN", "error": "E_NOTFOUND"},
}


@dataclass(frozen=True)
class Table:
    """The state machine of one service."""

    by_invitation: Mapping[str, Mapping[str, str]]
    by_organization: Mapping[str, Mapping[str, str]]
    choices: Mapping[str, Mapping[str, str]]

    def resolve(self, cell: str, knobs: object) -> str:
        """Replace a ``knob?`` cell by what the knob says, as often as that is again such a cell."""
        while cell.endswith("?"):
            value = getattr(knobs, cell[:-1])
            cell = self.choices.get(cell[:-1], {}).get(value, value)
        return cell

    def cell(self, status: str, operation: str, in_organization: bool) -> str:
        """Return the cell for an operation on an account in this status; knobs are not resolved."""
        for table in (self.by_organization,) * in_organization + (self.by_invitation,):
            cell = table.get(status, table["other"]).get(operation, ".")
            if cell != ".":
                return cell
        raise KeyError(f"{operation} has no column")


def parse_tables(*texts: str) -> dict[str, dict[str, str]]:
    """Read tables as above and lay them side by side: {status: {operation: cell}}."""
    cells: dict[str, dict[str, str]] = {}
    for text in texts:
        head, _rule, *rows = (line.split() for line in text.strip().splitlines())
        operations = [OPERATIONS[title] for title in head[1:]]
        for status, *row in rows:
            cells.setdefault(status, {}).update(zip(operations, row, strict=True))
    return cells


TABLES = {
    "guardduty": Table(
        parse_tables(GUARDDUTY_INVITATION_ADMINISTRATOR, GUARDDUTY_INVITATION_MEMBER),
        parse_tables(GUARDDUTY_ORGANIZATION),
        GUARDDUTY_CHOICES,
    ),
    "securityhub": Table(
        parse_tables(SECURITYHUB_INVITATION_ADMINISTRATOR, SECURITYHUB_INVITATION_MEMBER),
        parse_tables(SECURITYHUB_ORGANIZATION),
        SECURITYHUB_CHOICES,
    ),
    "macie": Table(
        parse_tables(MACIE_INVITATION_ADMINISTRATOR, MACIE_INVITATION_MEMBER),
        parse_tables(MACIE_ORGANIZATION),
        MACIE_CHOICES,
    ),
}
