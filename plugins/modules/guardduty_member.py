#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_member
version_added: 0.1.0
short_description: Manage the members of an Amazon GuardDuty administrator
description:
  - Creates, invites, disassociates and deletes member accounts. The calling account is their administrator.
  - What is there is read first, and only what is missing is sent, in batches of up to 50 accounts.
  - AWS can refuse single accounts of a call that succeeds. Each account is therefore judged by a read after the write,
    and what was not done is in RV(unprocessed_accounts).
  - This is one half of an invitation. The other half, in the member account, is M(muster.aws.guardduty_administrator).
  - GuardDuty must be on in the calling account in each Region, see M(muster.aws.guardduty_detector).
options:
  detector_id:
    description:
      - The id of the detector of the calling account. Without this option, it is looked up in each Region.
      - Works with a single Region only.
    type: str
  email_notification:
    description:
      - Whether AWS also sends an e-mail to the invited account.
    type: bool
    default: false
  invitation_message:
    description:
      - The text of the invitation. A changed text does not invite again.
    type: str
  monitoring:
    description:
      - Whether GuardDuty monitors the members, with O(state=present).
      - V(enabled) starts it where it is suspended (status V(Disabled)). V(suspended) stops it where it runs (status
        V(Enabled)).
      - Without this option, it is left as it is, with a warning for each member whose monitoring is suspended.
    type: str
    choices: [enabled, suspended]
  features:
    description:
      - The protection plans that members have, which AWS calls features. Those that are not listed are left as they
        are.
      - They are compared and written for members that are V(Enabled). Members that lack the same share a call. Accounts
        that are only invited, or whose monitoring is suspended, are left as they are, with a warning that names them.
      - A name that AWS does not list in the Region is warned of. To have it V(DISABLED) is no change. To have it
        V(ENABLED) is asked of AWS all the same, which refuses the call, as check mode foresees
        (V(feature_unsupported)).
      - What a policy of the organization decides is not written (V(organization_policy)); the other features are.
      - An account that becomes a member in the same task is read once it is one; check mode shows it with what is asked
        for.
      - It goes with O(state=present) only.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name that AWS has for it, for example V(S3_DATA_EVENTS) or V(RUNTIME_MONITORING).
        type: str
        required: true
      status:
        description:
          - Whether it is on.
        type: str
        choices: [ENABLED, DISABLED]
        required: true
      additional_configuration:
        description:
          - What belongs to the feature. What is not listed is left as it is.
        type: list
        elements: dict
        suboptions:
          name:
            description:
              - The name that AWS has for it, for example V(EC2_AGENT_MANAGEMENT).
            type: str
            required: true
          status:
            description:
              - Whether it is on.
            type: str
            choices: [ENABLED, DISABLED]
            required: true
  replace_failed:
    description:
      - What to do about a record in status V(EmailVerificationFailed), with O(state=present).
      - With V(false), it is reported as failed. With V(true), it is deleted and made anew, with the e-mail address
        that O(members) has now.
    type: bool
    default: false
notes:
  - The e-mail address is verified by AWS in us-east-1, whatever the Region.
  - With O(via=organization), AWS also switches GuardDuty on in an account where it is off, except in the management
    account of the organization. That one must do it itself first (V(management_account_not_enabled)).
  - While AWS verifies the address, the status is V(EmailVerificationInProgress). If that lasts longer than the wait,
    the account has the outcome V(timed_out) and the reason code V(email_verification_pending).
  - The IAM permissions that are needed are C(guardduty:ListDetectors), C(guardduty:GetMembers),
    C(guardduty:ListMembers), C(guardduty:CreateMembers) and C(guardduty:InviteMembers),
    C(guardduty:DescribeOrganizationConfiguration) for O(via=organization),
    C(guardduty:DisassociateMembers) and C(guardduty:DeleteMembers) for removing, the first of them also for
    O(invite=false) where an invitation is pending,
    C(guardduty:StartMonitoringMembers) and C(guardduty:StopMonitoringMembers) for O(monitoring),
    C(guardduty:GetMemberDetectors) and C(guardduty:UpdateMemberDetectors) for O(features).
seealso:
  - module: muster.aws.guardduty_administrator
  - module: muster.aws.guardduty_detector
  - module: muster.aws.guardduty_member_info
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
  muster.aws.guardduty_member:
    regions:
      - eu-central-1
      - us-east-1
    members:
      - account_id: "012345678901"
        email: aws-012345678901@example.com
      - account_id: "222222222222"
        email: aws-222222222222@example.com
    invitation_message: The security team invites your account.

- name: See what would be done if these were all members there should be
  muster.aws.guardduty_member:
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
  muster.aws.guardduty_member:
    regions:
      - eu-central-1
    via: organization
    members:
      - account_id: "333333333333"
        email: aws-333333333333@example.com

- name: Correct an e-mail address whose verification failed
  muster.aws.guardduty_member:
    regions:
      - eu-central-1
    members:
      - account_id: "444444444444"
        email: root-444444444444@example.com
    replace_failed: true

- name: Remove an account, and go on if that is not possible
  muster.aws.guardduty_member:
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

- name: Give members the same protection plans, and nothing else
  muster.aws.guardduty_member:
    region: eu-central-1
    members:
      - account_id: "333333333333"
        email: aws-333333333333@example.com
    via: organization
    features:
      - name: S3_DATA_EVENTS
        status: ENABLED
      - name: RUNTIME_MONITORING
        status: ENABLED
        additional_configuration:
          - name: EC2_AGENT_MANAGEMENT
            status: ENABLED
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
          V(Enabled) (member), V(Disabled) (member, its monitoring suspended), V(Removed) (disassociated by the
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
    features:
      description:
        - The features that were asked for, as they are after the task. V(null) where none were asked for, and of an
          account that is no member in status V(Enabled).
        - The status of a feature that AWS does not list is V(null).
      type: list
      elements: dict
      returned: always
      sample:
        - name: S3_DATA_EVENTS
          status: ENABLED
          additional_configuration: []
    actions:
      description:
        - What was done for the account, or in check mode would be, in order. Out of V(create), V(invite),
          V(disassociate), V(delete), V(start_monitoring), V(stop_monitoring), V(update_features).
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
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.adapter import GUARDDUTY


def main() -> None:
    run_member(
        GUARDDUTY,
        {
            "detector_id": {"type": "str"},
            "email_notification": {"type": "bool", "default": False},
            "invitation_message": {"type": "str"},
            "monitoring": {"type": "str", "choices": ["enabled", "suspended"]},
            "replace_failed": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
