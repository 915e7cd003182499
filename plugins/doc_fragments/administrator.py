# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For the administrator modules.
    DOCUMENTATION = r"""
options:
  administrator_id:
    description:
      - The id of the one administrator account whose invitation may be accepted, or which is to be left.
        An invitation from any other account is never touched.
      - If this account is among those to act in, it is skipped with the reason code V(is_administrator).
      - The id is a string of 12 digits and must be quoted.
    type: raw
    required: true
  state:
    description:
      - V(present) accepts the newest invitation of O(administrator_id). An account that is its member already is left
        as it is, and an invitation that was accepted before leaving can be accepted again.
      - V(absent) leaves O(administrator_id). An account without an administrator, or with another one, stays as it is.
      - Only an association that began with an invitation can be left. AWS refuses it to members that came through
        AWS Organizations, which is reported as V(organization_member).
    type: str
    choices: [present, absent]
    default: present
  enable_service:
    description:
      - Whether to switch the service on first where it is off. With V(false), such an account is reported as failed.
      - This option matters only with O(state=present).
      - In check mode, an account whose service is off cannot be asked for its invitations by Security Hub and Macie, so
        that an invitation is assumed to be there. GuardDuty is asked, and an account without an invitation is
        reported as failed with the reason code V(no_invitation).
    type: bool
    default: false
  replace_administrator:
    description:
      - Whether an account that is a member of another administrator leaves that one first.
        With V(false), it is reported as failed, and the message names the other administrator.
      - In GuardDuty and Macie, an account can have an invitation of O(administrator_id) while it belongs to the other
        administrator. It leaves only once that invitation is there. Without one, nothing is sent, and the account
        is reported as failed with the reason code V(no_invitation), in check mode, too.
      - In Security Hub, an account with an administrator cannot receive an invitation, so the other administrator
        is left first. If no invitation arrives within O(wait_timeout), the account ends without an administrator
        and is reported as failed. In check mode, an invitation is assumed to be there.
      - This option matters only with O(state=present).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait for the invitation to arrive, and then to read the account's administrator until it shows
        the effect.
      - With V(false), the invitation has to be there at the first look. An acceptance or a departure that AWS took is
        not read back, which saves a call for each account, so the status of the row is then a prediction.
        The rows of the member modules have what is there, with O(wait=false), too.
      - The waits between two steps always take place. Those are between leaving another administrator and accepting the
        invitation, and for AWS to see a service that was just switched on.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds one wait may last. Each step of an account has its own.
        All accounts and Regions of the task wait at the same time.
      - An account that does not show the effect of a step by then has the outcome V(timed_out).
        One whose invitation has not arrived by then has failed with the reason code V(no_invitation).
    type: int
    default: 60
"""
