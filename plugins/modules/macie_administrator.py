#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: macie_administrator
version_added: 0.2.0
short_description: Choose the Amazon Macie administrator of member accounts
description:
  - Acts in member accounts. It accepts the invitation of one administrator account, or leaves that administrator.
  - An account that is a member of the right administrator already costs reads only.
  - This is one half of an invitation. The other half, in the administrator account, is M(muster.aws.macie_member).
  - An account that came through AWS Organizations has its administrator from there, and needs no acceptance.
notes:
  - The task fails if RV(unprocessed_accounts) is not empty.
  - The IAM permissions that are needed are C(macie2:GetAdministratorAccount), C(macie2:ListInvitations) and
    C(macie2:AcceptInvitation), C(macie2:DisassociateFromAdministratorAccount) for leaving,
    C(macie2:EnableMacie) and C(iam:CreateServiceLinkedRole) for O(enable_service).
seealso:
  - module: muster.aws.macie_administrator_info
  - module: muster.aws.macie_session
  - module: muster.aws.macie_member
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.administrator
  - muster.aws.accounts
  - muster.aws.common
  - muster.aws.common.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Accept the invitation of the administrator in two accounts and two Regions
  muster.aws.macie_administrator:
    regions:
      - eu-central-1
      - us-east-1
    account_ids:
      - "012345678901"
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    administrator_id: "111111111111"
    enable_service: true

- name: Accept it in the calling account
  muster.aws.macie_administrator:
    region: eu-central-1
    administrator_id: "111111111111"

- name: Move an account from another administrator to this one
  muster.aws.macie_administrator:
    regions:
      - eu-central-1
    account_ids:
      - "333333333333"
    role_name: security/onboarding
    external_id: example-external-id
    administrator_id: "111111111111"
    replace_administrator: true
    wait_timeout: 120

- name: Leave the administrator
  muster.aws.macie_administrator:
    regions:
      - eu-central-1
      - us-east-1
    account_ids:
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    administrator_id: "111111111111"
    state: absent
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a write. In check mode, whether one would be sent. Also right if the task failed.
  type: bool
  returned: always
  sample: true
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
        - The word of AWS for the state of the membership (C(relationshipStatus)), as last read. V(Enabled) or
          V(Paused) (monitoring suspended) for a member. In check mode, and after an acceptance with O(wait=false),
          it is predicted.
        - V(null) without an administrator.
      type: str
      returned: always
      sample: Enabled
    previous_administrator_id:
      description:
        - The administrator before. V(null) if there was none.
      type: str
      returned: always
      sample: null
    previous_status:
      description:
        - The status before.
      type: str
      returned: always
      sample: null
    invitation_id:
      description:
        - The id of the invitation that was accepted, or in check mode would be. V(null) if there was none, or if it
          was not looked for.
      type: str
      returned: always
      sample: 84b097800250d17d1872b34c4daadcf5
    actions:
      description:
        - What was done in the account, or in check mode would be, in order. Out of V(enable_service), V(leave),
          V(accept).
      type: list
      elements: str
      returned: always
      sample: [enable_service, accept]
    outcome:
      description:
        - How it ended.
        - V(changed) if something was done and V(unchanged) if nothing had to be, V(failed), V(timed_out) if AWS did not
          show the effect before the wait ended, V(skipped) for the administrator itself and where a central
          configuration policy keeps the account from switching the service on.
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
      sample: ListInvitations
    reason:
      description:
        - The text of AWS, unchanged. If a call was refused as a whole, the error code stands before it.
          Where AWS did not speak, it is a sentence of this collection.
      type: str
      returned: always
      sample: >-
        no invitation from 111111111111 that could be accepted
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
      sample: no_invitation
    retryable:
      description:
        - Whether the same task may succeed later without anybody's doing.
      type: bool
      returned: always
      sample: true
actions:
  description:
    - "The plan: the calls that were decided on before the first of them was sent, in their order.
      It is the same in check mode and in the real run."
    - What was done for each account is in RV(administrators[].actions).
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
        - The account that makes the call for itself.
      type: str
      returned: always
      sample: "222222222222"
    operation:
      description:
        - The AWS operation.
      type: str
      returned: always
      sample: AcceptInvitation
    account_ids:
      description:
        - Always empty, because the account makes the call for itself.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_administrator
from ansible_collections.muster.aws.plugins.module_utils._services.macie.adapter import MACIE


def main() -> None:
    run_administrator(MACIE)


if __name__ == "__main__":
    main()
