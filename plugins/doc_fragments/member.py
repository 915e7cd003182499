# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For the member modules.
    DOCUMENTATION = r"""
options:
  members:
    description:
      - The accounts to bring into O(state). The calling account is their administrator.
      - If the calling account itself is listed, it is skipped with the reason code V(is_administrator).
      - Before anything is sent, all rows are checked. One that cannot be used fails the task.
      - An account that is listed twice with the same data counts once. With different e-mail addresses it is an error,
        and so is an empty list.
    type: list
    elements: dict
    required: true
    suboptions:
      account_id:
        description:
          - The id of the account, a string of 12 digits. It must be quoted.
        type: raw
        required: true
      email:
        description:
          - For GuardDuty and Macie, the e-mail address of the root user of the account. It is required for
            O(state=present), also with O(via=organization). AWS compares it with the account, and an invitation to
            another address ends in V(EmailVerificationFailed).
          - For Security Hub, an optional contact address, which AWS does not verify.
          - AWS cannot change the address of an existing record. If it differs, the module warns and leaves it.
        type: str
  state:
    description:
      - V(present) brings each account on its way to being a member. It creates the record and sends the invitation,
        where one of them is missing. An account that is invited or enabled is left as it is.
      - V(disassociated) ends the association, and takes back an invitation that was not answered. The record stays.
      - V(absent) ends the association and deletes the record. Where AWS ends no association because the account is only
        invited, or closed, the record is deleted all the same.
      - An account with a status that this collection does not know is never touched, and one that AWS reports as
        suspended only by V(absent). It is reported as failed.
    type: str
    choices: [present, disassociated, absent]
    default: present
  via:
    description:
      - How accounts become members.
      - V(invitation) creates a record and invites the account. It is a member once it has accepted.
      - V(organization) is for members of an organization in AWS Organizations, when the calling account is the
        delegated administrator of the service. The account is a member as soon as its record is created,
        and it is never invited. Before the first record is created in a Region, AWS is asked once whether the calling
        account is the delegated administrator there. If not, the accounts are reported as
        V(not_delegated_administrator), also in check mode, and nothing is sent for them.
      - AWS does not tell how a record came about, so this is never guessed. With V(organization), a record that is
        V(Created) or V(Invited) comes from an invitation, and is reported as failed.
    type: str
    choices: [invitation, organization]
    default: invitation
  invite:
    description:
      - Whether to send invitations. This option matters only with O(state=present) and O(via=invitation).
      - With V(false), new records stay in status V(Created), and a pending invitation is taken back by disassociating
        the account, which leads to V(Removed). Accounts that are enabled stay so.
    type: bool
    default: true
  reinvite_resigned:
    description:
      - What to do about an account that left its administrator, or declined the invitation (status V(Resigned)), with
        O(state=present).
      - With V(false), it is reported as failed. The account can accept the earlier invitation again.
      - With V(true), it is invited again. Where AWS refuses that, the record is deleted, created and invited anew.
        With O(via=organization), the record is deleted and created anew.
    type: bool
    default: false
  role_name:
    description:
      - The name of an IAM role in the accounts, by which their invitation will be accepted, for example with
        M(muster.aws.guardduty_administrator). A path stands before the name, without a leading slash.
      - If it is given, it is assumed in each account that is to be invited, before the first invitation is sent, and in
        check mode, too. An account in which that fails is not invited, and is reported as failed with the reason code
        V(assume_role_failed). Nothing else is done with the role.
      - This option matters only with O(state=present) and O(via=invitation).
    type: str
    version_added: 0.2.0
  external_id:
    description:
      - The external id to send with AssumeRole, if the trust policy of the role asks for one.
      - It is kept out of logs and results, as secrets are. So it must not be, nor be a part of, an account id or a
        Region of the task, or a word of the results such as V(Enabled) or V(failed), which would be masked as well.
      - It has 2 to 1224 letters, digits or characters of C(_+=,.@:/-).
    type: str
    version_added: 0.2.0
  role_session_name:
    description:
      - The session name to send with AssumeRole. AWS CloudTrail shows it.
    type: str
    default: muster
    version_added: 0.2.0
  purge_members:
    description:
      - Whether to treat all members that are not listed in O(members) as O(state=absent) does. Each of them has a row.
      - An AWS account that is closed, and whose record AWS does not let go, is skipped with the reason code
        V(account_suspended).
      - Works with O(state=present) only.
    type: bool
    default: false
  purge_limit:
    description:
      - The most accounts that one task may purge. An account counts once, in however many Regions it is to be removed.
      - If there are more, the task fails before its first write in any Region, in check mode, too.
    type: int
    default: 10
  wait:
    description:
      - Whether to read the records until each account shows the effect of its last step, and to repeat steps
        that AWS refuses for a passing reason.
      - With V(false), the records are read once after the last step, and returned as they are then.
      - The waits between two steps of one account always take place, because AWS refuses a step before it has seen
        the one before.
      - The module never waits for an account to accept its invitation.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds one wait may last. All accounts and Regions of the task wait at the same time,
        and each step has its own waits.
      - An account that has not arrived by then has the outcome V(timed_out).
    type: int
    default: 60
  fail_on_unprocessed:
    description:
      - Whether to fail the task if RV(unprocessed_accounts) is not empty.
      - With V(false), the task succeeds with warnings, and the rows tell what was not done.
        Values that cannot be used, missing credentials and a purge over O(purge_limit) fail the task all the same.
    type: bool
    default: true
"""

    # For the member info modules.
    INFO = r"""
options:
  member_ids:
    description:
      - The accounts to look up. An account without a record has a row with the status V(null).
      - Without this option, or with an empty list, all members are returned, whatever their status.
      - Each id is a string of 12 digits and must be quoted.
    type: list
    elements: raw
"""
