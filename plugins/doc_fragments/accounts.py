# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For modules that act inside accounts.
    DOCUMENTATION = r"""
options:
  account_ids:
    description:
      - The AWS accounts to act in, by assuming O(role_name) in each of them.
      - Without this option, the module acts in the calling account, with the credentials of the task.
        The calling account can also be listed; no role is assumed there.
      - Each id is a string of 12 digits and must be quoted.
      - An id that is listed twice counts once. An empty list is an error.
      - An account that fails does not stop the others.
    type: list
    elements: raw
  role_name:
    description:
      - The name of the IAM role to assume in each account, for example V(OrganizationAccountAccessRole).
        A path stands before the name, without a leading slash, for example V(security/onboarding).
      - This is not an ARN. The ARN is made of the name, the account id and the partition of the calling account.
      - Required if O(account_ids) has another account than the calling one. Not used without O(account_ids).
      - The role is assumed once per account and task, whatever the number of Regions.
    type: str
  external_id:
    description:
      - The external id to send with AssumeRole, if the trust policy of the role asks for one.
      - It is kept out of logs and results, as secrets are. So it must not be, nor be a part of, an account id or a
        Region of the task, or a word of the results such as V(Enabled) or V(failed), which would be masked as well.
      - It has 2 to 1224 letters, digits or characters of C(_+=,.@:/-).
    type: str
  role_session_name:
    description:
      - The session name to send with AssumeRole. AWS CloudTrail shows it.
    type: str
    default: muster
notes:
  - To act in other accounts, the caller needs the IAM permission C(sts:AssumeRole) for the role there.
"""
