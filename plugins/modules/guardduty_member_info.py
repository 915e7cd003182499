#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_member_info
version_added: 0.1.0
short_description: List the members of an Amazon GuardDuty administrator
description:
  - Reads the member accounts of the calling account, with their statuses. It never creates or changes anything.
  - Members of any status are listed, also those that were invited, were removed or have left.
  - A Region in which GuardDuty is off in the calling account is reported as failed, and the task then fails at the end.
    The rows of the other Regions are returned all the same.
notes:
  - The IAM permissions that are needed are C(guardduty:ListDetectors), C(guardduty:GetMembers) and
    C(guardduty:ListMembers).
seealso:
  - module: muster.aws.guardduty_administrator_info
  - module: muster.aws.guardduty_member
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.member.info
  - muster.aws.common
  - muster.aws.common.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
# The tasks run with the credentials of the administrator account, 111111111111.

- name: List all members in two Regions
  muster.aws.guardduty_member_info:
    regions:
      - eu-central-1
      - us-east-1
  register: everyone

- name: Show the accounts that still have to accept their invitation
  ansible.builtin.debug:
    msg: "{{ everyone.members | selectattr('status', 'equalto', 'Invited') | map(attribute='account_id') | unique }}"

- name: Look up two accounts
  muster.aws.guardduty_member_info:
    region: eu-central-1
    member_ids:
      - "012345678901"
      - "222222222222"
"""

RETURN = r"""
changed:
  description:
    - Always V(false), because this module only reads.
  type: bool
  returned: always
  sample: false
members:
  description:
    - One row for each member and Region, or for each account of O(member_ids) and Region.
      Sorted by Region, then account.
    - Without O(member_ids), a Region that could not be read has one row, with the id of the calling account.
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
        - The e-mail address of the record. Members that came through AWS Organizations may have none.
      type: str
      returned: always
      sample: aws-222222222222@example.com
    status:
      description:
        - The word of AWS for the state of the membership (C(relationshipStatus)).
        - V(Created) (a record, not invited), V(EmailVerificationInProgress), V(EmailVerificationFailed), V(Invited),
          V(Enabled) (member), V(Disabled) (member, its monitoring suspended), V(Removed) (disassociated by the
          administrator) or V(Resigned) (the account left, or declined). Other words are passed on.
        - V(null) if there is no record, or if the Region could not be read.
      type: str
      returned: always
      sample: Enabled
    previous_status:
      description:
        - The same as RV(members[].status).
      type: str
      returned: always
      sample: Enabled
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
      sample: ListDetectors
    reason:
      description:
        - The text of AWS, unchanged. If a call was refused as a whole, the error code stands before it.
          Where AWS did not speak, it is a sentence of this collection.
      type: str
      returned: always
      sample: >-
        NoDetector: there is no detector: GuardDuty is off in this account and Region
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
      sample: service_not_enabled
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

from ansible_collections.muster.aws.plugins.module_utils._module import run_member_info
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.adapter import GUARDDUTY


def main() -> None:
    run_member_info(GUARDDUTY)


if __name__ == "__main__":
    main()
