#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_member
version_added: 0.1.0
short_description: Manage the members of an AWS Security Hub administrator
description:
  - Creates, invites, disassociates and deletes member accounts. The calling account is their administrator.
  - What is there is read first, and only what is missing is sent, in batches of up to 50 accounts.
  - AWS can refuse single accounts of a call that succeeds. Each account is therefore judged by a read after the write,
    and what was not done is in RV(unprocessed_accounts).
  - This is one half of an invitation. The other half, in the member account, is
    M(muster.aws.securityhub_administrator).
  - Security Hub (AWS calls it Security Hub CSPM) must be on in the calling account in each Region, see
    M(muster.aws.securityhub_hub).
notes:
  - AWS cannot delete a member that came through AWS Organizations. With O(via=organization) and O(state=absent), such
    an account ends with the status V(Removed), which then counts as absent.
  - With O(via=organization), AWS also switches Security Hub on in an account where it is off, with its default
    standards, except in the management account of the organization. That one must do it itself first.
  - The IAM permissions that are needed are C(securityhub:GetMembers), C(securityhub:ListMembers),
    C(securityhub:CreateMembers) and C(securityhub:InviteMembers),
    C(securityhub:DescribeOrganizationConfiguration) for O(via=organization), C(securityhub:DisassociateMembers) and
    C(securityhub:DeleteMembers) for removing, the first of them also for O(invite=false) where an invitation is
    pending.
seealso:
  - module: muster.aws.securityhub_administrator
  - module: muster.aws.securityhub_hub
  - module: muster.aws.securityhub_member_info
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.member
  - muster.aws.common
  - muster.aws.common.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
# The tasks run with the credentials of the administrator account, 111111111111.

- name: Invite two accounts in two Regions
  muster.aws.securityhub_member:
    regions:
      - eu-central-1
      - us-east-1
    members:
      - account_id: "012345678901"
      - account_id: "222222222222"
        email: aws-222222222222@example.com

- name: See what would be done if these were all members there should be
  muster.aws.securityhub_member:
    regions:
      - eu-central-1
    members:
      - account_id: "222222222222"
    purge_members: true
    purge_limit: 5
  check_mode: true
  register: plan

- name: Show the calls that would be sent
  ansible.builtin.debug:
    var: plan.actions

- name: Add accounts of the organization, as its delegated administrator
  muster.aws.securityhub_member:
    regions:
      - eu-central-1
    via: organization
    members:
      - account_id: "333333333333"

- name: Take back invitations that were not answered
  muster.aws.securityhub_member:
    regions:
      - eu-central-1
    members:
      - account_id: "012345678901"
    invite: false

- name: Remove an account, and go on if that is not possible
  muster.aws.securityhub_member:
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
        - The word of AWS for the state of the membership (C(MemberStatus)), as last read, or in check mode as
          predicted.
        - V(Created) (a record, not invited), V(Invited), V(Enabled) (member), V(Removed) (disassociated by the
          administrator), V(Resigned) (the account left, or declined), V(Deleted) (as good as no record) or
          V(AccountSuspended). Other words are passed on.
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
          V(disassociate), V(delete).
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
        the account left, or declined; it can accept again
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
      sample: resigned
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
      sample: CreateMembers
    account_ids:
      description:
        - The accounts that the call names, at most 50.
      type: list
      elements: str
      returned: always
      sample: ["012345678901", "222222222222"]
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_member
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.adapter import SECURITYHUB


def main() -> None:
    run_member(SECURITYHUB)


if __name__ == "__main__":
    main()
