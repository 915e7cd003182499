#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_administrator_info
version_added: 0.1.0
short_description: Show the Amazon GuardDuty administrator and invitations of accounts
description:
  - Reads who the administrator of each account is, and which invitations it has. It never creates or changes anything.
  - An account in which GuardDuty is off has no administrator. Its row has the reason code V(service_not_enabled), with
    a warning, and the task does not fail for it.
  - An account that cannot be read is reported as failed, and the task then fails at the end. The rows of the other
    accounts are returned all the same.
notes:
  - The IAM permissions that are needed are C(guardduty:ListDetectors),
    C(guardduty:GetAdministratorAccount) and C(guardduty:ListInvitations).
seealso:
  - module: muster.aws.guardduty_administrator
  - module: muster.aws.guardduty_member_info
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.accounts
  - muster.aws.common
  - muster.aws.common.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Read administrator and invitations of two accounts in two Regions
  muster.aws.guardduty_administrator_info:
    regions:
      - eu-central-1
      - us-east-1
    account_ids:
      - "012345678901"
      - "222222222222"
    role_name: OrganizationAccountAccessRole
  register: standing

- name: Show who invited them
  ansible.builtin.debug:
    msg: "{{ item.account_id }} in {{ item.region }}: {{ item.invitations | map(attribute='administrator_id') }}"
  loop: "{{ standing.administrators }}"
  loop_control:
    label: "{{ item.region }}/{{ item.account_id }}"

- name: Read them of the calling account
  muster.aws.guardduty_administrator_info:
    region: eu-central-1
"""

RETURN = r"""
changed:
  description:
    - Always V(false), because this module only reads.
  type: bool
  returned: always
  sample: false
administrators:
  description:
    - One row for each account and Region. Sorted by Region, then account.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The id of the account whose administrator this is about.
      type: str
      returned: always
      sample: "222222222222"
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: eu-central-1
    administrator_id:
      description:
        - The id of the administrator account. V(null) if there is none.
      type: str
      returned: always
      sample: "111111111111"
    status:
      description:
        - The word of AWS for the state of the membership (C(relationshipStatus)). V(Enabled) or V(Disabled)
          (monitoring suspended) for a member.
        - V(null) without an administrator.
      type: str
      returned: always
      sample: Enabled
    previous_administrator_id:
      description:
        - The same as RV(administrators[].administrator_id).
      type: str
      returned: always
      sample: "111111111111"
    previous_status:
      description:
        - The same as RV(administrators[].status).
      type: str
      returned: always
      sample: Enabled
    invitation_id:
      description:
        - Always V(null). The invitations are in RV(administrators[].invitations).
      type: str
      returned: always
      sample: null
    actions:
      description:
        - Always empty.
      type: list
      elements: str
      returned: always
      sample: []
    outcome:
      description:
        - V(unchanged) if the account was read, V(failed) if not.
      type: str
      returned: always
      sample: unchanged
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
    invitations:
      description:
        - The invitations that AWS lists for the account, from whomever they are. Empty where the service is off.
      type: list
      elements: dict
      returned: always
      contains:
        administrator_id:
          description:
            - The id of the account that sent the invitation.
          type: str
          returned: always
          sample: "111111111111"
        invitation_id:
          description:
            - The id of the invitation.
          type: str
          returned: always
          sample: 84b097800250d17d1872b34c4daadcf5
        status:
          description:
            - The word of AWS for the state of the invitation.
          type: str
          returned: always
          sample: Invited
        invited_at:
          description:
            - When the invitation was sent, as an ISO 8601 string.
          type: str
          returned: always
          sample: "2026-01-01T00:00:00.000Z"
unprocessed_accounts:
  description:
    - What was asked for and could not be read. An account and Region that is in here fails the task.
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
      sample: AssumeRole
    reason:
      description:
        - The text of AWS, unchanged. If a call was refused as a whole, the error code stands before it.
          Where AWS did not speak, it is a sentence of this collection.
      type: str
      returned: always
      sample: >-
        AccessDenied: User: arn:aws:sts::111111111111:assumed-role/onboarding/session is not authorized to perform:
        sts:AssumeRole on resource: arn:aws:iam::012345678901:role/OrganizationAccountAccessRole
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
      sample: assume_role_failed
    retryable:
      description:
        - Whether the same task may succeed later without anybody's doing.
      type: bool
      returned: always
      sample: false
actions:
  description:
    - The plan of the task. Always empty, because this module only reads.
  type: list
  elements: dict
  returned: always
  sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_administrator_info
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.adapter import GUARDDUTY


def main() -> None:
    run_administrator_info(GUARDDUTY)


if __name__ == "__main__":
    main()
