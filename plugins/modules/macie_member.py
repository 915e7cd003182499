#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: macie_member
version_added: 0.2.0
short_description: Manage the members of an Amazon Macie administrator
description:
  - Creates, invites, disassociates and deletes member accounts. The calling account is their administrator.
  - What is there is read first, and only what is missing is sent, side by side. AWS takes invitations
    for up to 50 accounts in one call, and all else for one account a call.
  - A refusal of one account never ends what is done for the others. Each account is judged by a read after the write,
    and what was not done is in RV(unprocessed_accounts).
  - This is one half of an invitation. The other half, in the member account, is M(muster.aws.macie_administrator).
  - Macie must be on in the calling account in each Region, see M(muster.aws.macie_session).
options:
  email_notification:
    description:
      - Whether AWS also sends an e-mail to the invited account.
    type: bool
    default: false
  invitation_message:
    description:
      - The text of the invitation, up to 80 letters and digits without spaces. A changed text does not invite again.
    type: str
  monitoring:
    description:
      - Whether Macie works in the members, with O(state=present).
      - V(enabled) starts it where it is suspended (status V(Paused)). V(suspended) stops it where it runs (status
        V(Enabled)).
      - Without this option, it is left as it is, with a warning for each member that is suspended.
    type: str
    choices: [enabled, suspended]
  replace_failed:
    description:
      - What to do about a record in status V(EmailVerificationFailed), with O(state=present).
      - With V(false), it is reported as failed. With V(true), it is deleted and made anew, with the e-mail address
        that O(members) has now.
    type: bool
    default: false
notes:
  - Members that came through AWS Organizations show no e-mail address, though one is needed to add them.
  - With more than 250 accounts, the whole list of members is read instead of each account.
  - With O(via=organization), AWS also switches Macie on in an account where it is off, except in the management
    account of the organization. That one must do it itself first (V(management_account_not_enabled)).
  - While AWS verifies the address, the status is V(EmailVerificationInProgress). If that lasts longer than the wait,
    the account has the outcome V(timed_out) and the reason code V(email_verification_pending).
  - The IAM permissions that are needed are C(macie2:GetMember), C(macie2:ListMembers), C(macie2:CreateMember) and
    C(macie2:CreateInvitations), C(macie2:DisassociateMember) and C(macie2:DeleteMember) for removing, the first of
    them also for O(invite=false) where an invitation is pending,
    C(macie2:UpdateMemberSession) for O(monitoring),
    C(macie2:DescribeOrganizationConfiguration) for O(via=organization).
seealso:
  - module: muster.aws.macie_administrator
  - module: muster.aws.macie_session
  - module: muster.aws.macie_member_info
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.member
  - muster.aws.common
  - muster.aws.common.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
# The tasks run with the credentials of the administrator account, 111111111111.

- name: Invite two accounts in two Regions
  muster.aws.macie_member:
    regions:
      - eu-central-1
      - us-east-1
    members:
      - account_id: "012345678901"
        email: aws-012345678901@example.com
      - account_id: "222222222222"
        email: aws-222222222222@example.com
    invitation_message: SecurityTeam2026

- name: See what would be done if these were all members there should be
  muster.aws.macie_member:
    regions:
      - eu-central-1
    members:
      - account_id: "222222222222"
        email: aws-222222222222@example.com
    purge_members: true
    purge_limit: 5
  check_mode: true
  register: plan

- name: Show the calls that would be sent
  ansible.builtin.debug:
    var: plan.actions

- name: Add accounts of the organization, as its delegated administrator
  muster.aws.macie_member:
    regions:
      - eu-central-1
    via: organization
    members:
      - account_id: "333333333333"
        email: aws-333333333333@example.com

- name: Correct an e-mail address whose verification failed
  muster.aws.macie_member:
    regions:
      - eu-central-1
    members:
      - account_id: "444444444444"
        email: root-444444444444@example.com
    replace_failed: true

- name: Remove an account, and go on if that is not possible
  muster.aws.macie_member:
    regions:
      - eu-central-1
      - us-east-1
    state: absent
    members:
      - account_id: "222222222222"
    fail_on_unprocessed: false
  register: removal

- name: Show what was not done
  ansible.builtin.debug:
    msg: "{{ item.account_id }} in {{ item.region }}: {{ item.reason }}"
  loop: "{{ removal.unprocessed_accounts }}"
  loop_control:
    label: "{{ item.account_id }}"
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a write. In check mode, whether one would be sent. Also right if the task failed.
  type: bool
  returned: always
  sample: true
members:
  description:
    - One row for each account of O(members) and Region, and for each account to purge.
      Sorted by Region, then account.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The id of the member account.
      type: str
      returned: always
      sample: "222222222222"
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: eu-central-1
    email:
      description:
        - The e-mail address of the record, or else the one of O(members). Members that came through AWS Organizations
          may have none.
      type: str
      returned: always
      sample: aws-222222222222@example.com
    status:
      description:
        - The word of AWS for the state of the membership (C(relationshipStatus)), as last read, or in check mode as
          predicted.
        - V(Created) (a record, not invited), V(EmailVerificationInProgress), V(EmailVerificationFailed), V(Invited),
          V(Enabled) (member), V(Paused) (member, suspended), V(Removed) (disassociated by the
          administrator) or V(Resigned) (the account left, or declined). Other words are passed on.
        - V(null) if there is no record, or if the Region could not be read.
      type: str
      returned: always
      sample: Invited
    previous_status:
      description:
        - The status before.
      type: str
      returned: always
      sample: null
    administrator_id:
      description:
        - The id of the administrator account. V(null) if there is no record.
      type: str
      returned: always
      sample: "111111111111"
    invited_at:
      description:
        - When the account was invited, as an ISO 8601 string. V(null) if it was not.
      type: str
      returned: always
      sample: "2026-01-01T00:00:00.000Z"
    updated_at:
      description:
        - When the record was last changed, as an ISO 8601 string.
      type: str
      returned: always
      sample: "2026-01-01T00:00:01.000Z"
    actions:
      description:
        - What was done for the account, or in check mode would be, in order. Out of V(create), V(invite),
          V(disassociate), V(delete), V(start_monitoring), V(stop_monitoring).
      type: list
      elements: str
      returned: always
      sample: [create, invite]
    outcome:
      description:
        - How it ended.
        - V(changed) if something was done and V(unchanged) if nothing had to be, V(failed), V(skipped) for the calling
          account itself, V(not_attempted) if an earlier refusal kept the call for this account from being sent,
          V(timed_out) if AWS did not show the effect before the wait ended.
      type: str
      returned: always
      sample: changed
    reason_code:
      description:
        - Why the account is not where it was asked to be, as a word that a program can act on.
          The words are those of RV(unprocessed_accounts[].reason_code). V(null) where nothing is to be said.
      type: str
      returned: always
      sample: null
    reason:
      description:
        - The same in words, see RV(unprocessed_accounts[].reason).
      type: str
      returned: always
      sample: null
unprocessed_accounts:
  description:
    - What was asked for and not done. It was refused by AWS, refused before a call, or not reached.
    - Sorted by Region, then account.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The id of the account. Where a value could not be used as an id, that value.
          Empty if an option is wrong that does not belong to an account.
      type: str
      returned: always
      sample: "012345678901"
    region:
      description:
        - The Region. V(null) if the value was refused before any call.
      type: str
      returned: always
      sample: eu-central-1
    operation:
      description:
        - The AWS operation whose answer was the reason. V(null) if there was none.
      type: str
      returned: always
      sample: null
    reason:
      description:
        - The text of AWS, unchanged. If a call was refused as a whole, the error code stands before it.
          Where AWS did not speak, it is a sentence of this collection.
      type: str
      returned: always
      sample: >-
        the e-mail address of the record does not match the account's root user
    reason_code:
      description:
        - What the text means. The list is closed.
        - One of V(is_administrator), V(invalid_input), V(already_member), V(already_invited),
          V(member_of_other_administrator), V(caller_is_member), V(quota_exceeded), V(email_missing),
          V(email_verification_failed), V(email_verification_pending), V(resigned), V(account_suspended),
          V(management_account_not_enabled), V(organization_auto_enable_all), V(organization_member),
          V(central_configuration), V(not_management_account), V(not_delegated_administrator),
          V(other_delegated_administrator), V(organization_not_in_use), V(organization_policy), V(feature_unsupported),
          V(trusted_access_missing), V(still_associated), V(no_invitation), V(service_not_enabled),
          V(region_unavailable), V(access_denied), V(assume_role_failed), V(throttled), V(internal_error),
          V(unknown_status), V(timed_out) and V(other).
      type: str
      returned: always
      sample: email_verification_failed
    retryable:
      description:
        - Whether the same task may succeed later without anybody's doing.
      type: bool
      returned: always
      sample: false
actions:
  description:
    - "The plan: the calls that were decided on before the first of them was sent, in their order.
      It is the same in check mode and in the real run."
    - What was done for each account is in RV(members[].actions).
  type: list
  elements: dict
  returned: always
  contains:
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: eu-central-1
    account_id:
      description:
        - V(null), because the calls are made by the calling account.
      type: str
      returned: always
      sample: null
    operation:
      description:
        - The AWS operation.
      type: str
      returned: always
      sample: CreateMember
    account_ids:
      description:
        - The accounts that the call names, at most 50.
      type: list
      elements: str
      returned: always
      sample: ["012345678901", "222222222222"]
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_member
from ansible_collections.muster.aws.plugins.module_utils._services.macie.adapter import MACIE


def main() -> None:
    run_member(
        MACIE,
        {
            "email_notification": {"type": "bool", "default": False},
            "invitation_message": {"type": "str"},
            "monitoring": {"type": "str", "choices": ["enabled", "suspended"]},
            "replace_failed": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
