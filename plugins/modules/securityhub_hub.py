#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_hub
version_added: 0.1.0
short_description: Switch AWS Security Hub on or off in accounts
description:
  - Enables, updates and disables Security Hub (AWS calls it Security Hub CSPM) in each account and Region.
  - It works in administrator and in member accounts. It does not make an account the member of another, see
    M(muster.aws.securityhub_member) and M(muster.aws.securityhub_administrator).
options:
  state:
    description:
      - V(present) enables Security Hub where it is off, and brings its settings and tags into the wanted state.
      - V(absent) disables Security Hub. AWS then disables the standards and ends the association with an
        administrator, and deletes findings, insights and settings after 90 days.
      - AWS refuses to disable it in an administrator account (V(still_associated)), and in a member that came through
        AWS Organizations (V(organization_member)).
    type: str
    choices: [present, absent]
    default: present
  auto_enable_controls:
    description:
      - Whether controls that AWS adds to enabled standards are switched on by themselves.
      - Without this option, it is left as it is.
    type: bool
  control_finding_generator:
    description:
      - V(SECURITY_CONTROL) makes one finding per control, also if the control belongs to several standards.
        V(STANDARD_CONTROL) makes one for each standard.
      - Without this option, it is left as it is. In an organization, only the administrator account can change it.
    type: str
    choices: [STANDARD_CONTROL, SECURITY_CONTROL]
  enable_default_standards:
    description:
      - Whether to enable the standards of AWS together with Security Hub.
      - This option matters only while Security Hub is being switched on. Later it neither enables nor disables them.
      - The default here is V(false), while that of AWS is V(true). The standards need AWS Config, whose recording
        costs money, so they are not enabled unasked.
    type: bool
    default: false
notes:
  - An account that a central configuration policy governs refuses to switch Security Hub on by itself, since the policy
    does that. It is skipped, with a warning and the reason code V(central_configuration). A refusal to switch it off or
    to change its settings is a failure.
  - The task fails if RV(unprocessed_accounts) is not empty.
  - Tags that AWS does not take (an empty key, more than 128 characters in a key or 256 in a value, more than 50 tags)
    and tags without a value are refused before anything is sent.
  - The IAM permissions that are needed are C(securityhub:DescribeHub), C(securityhub:EnableSecurityHub) with
    C(iam:CreateServiceLinkedRole), C(securityhub:UpdateSecurityHubConfiguration), C(securityhub:DisableSecurityHub),
    C(securityhub:ListTagsForResource), C(securityhub:TagResource) and C(securityhub:UntagResource).
seealso:
  - module: muster.aws.securityhub_administrator
  - module: muster.aws.securityhub_member
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.accounts
  - muster.aws.common
  - muster.aws.common.changes
  - muster.aws.service
  - amazon.aws.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
"""

EXAMPLES = r"""
- name: Switch Security Hub on in the calling account, without default standards
  muster.aws.securityhub_hub:
    regions:
      - eu-central-1
      - us-east-1

- name: Switch it on in two accounts, with settings and a tag
  muster.aws.securityhub_hub:
    regions:
      - eu-central-1
    account_ids:
      - "012345678901"
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    auto_enable_controls: false
    control_finding_generator: SECURITY_CONTROL
    tags:
      Owner: security
    purge_tags: false

- name: Switch it off
  muster.aws.securityhub_hub:
    region: eu-central-1
    account_ids:
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    state: absent
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a write. In check mode, whether one would be sent. Also right if the task failed.
  type: bool
  returned: always
  sample: true
hubs:
  description:
    - One row for each account and Region. Sorted by Region, then account.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The id of the account.
      type: str
      returned: always
      sample: "222222222222"
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: eu-central-1
    hub_arn:
      description:
        - The ARN of the hub. V(null) without one, and in check mode for one that would be created.
      type: str
      returned: always
      sample: arn:aws:securityhub:eu-central-1:222222222222:hub/default
    status:
      description:
        - V(ENABLED). V(null) without a hub.
      type: str
      returned: always
      sample: ENABLED
    previous_status:
      description:
        - The status before.
      type: str
      returned: always
      sample: null
    auto_enable_controls:
      description:
        - Whether new controls of enabled standards are switched on by themselves.
          V(null) without a hub.
      type: bool
      returned: always
      sample: true
    control_finding_generator:
      description:
        - Whether there is one finding per control (V(SECURITY_CONTROL)) or one per standard (V(STANDARD_CONTROL)).
          V(null) without a hub.
      type: str
      returned: always
      sample: SECURITY_CONTROL
    tags:
      description:
        - The tags of the hub. V(null) if they were not read, because O(tags) is not set, and without a hub.
      type: dict
      returned: always
      sample: {"Owner": "security"}
    actions:
      description:
        - What was done in the account, or in check mode would be, in order. Out of V(enable_service),
          V(update_service), V(disable_service), V(tag), V(untag).
      type: list
      elements: str
      returned: always
      sample: [enable_service]
    outcome:
      description:
        - How it ended.
        - V(changed) if something was done and V(unchanged) if nothing had to be, V(failed), V(skipped) where a central
          configuration policy keeps the account from doing it.
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
    - "The plan: the calls that were decided on before the first of them was sent, in their order.
      It is the same in check mode and in the real run."
    - What was done for each account is in RV(hubs[].actions).
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
      sample: EnableSecurityHub
    account_ids:
      description:
        - Always empty, because the account makes the call for itself.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_service
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.adapter import SECURITYHUB


def main() -> None:
    run_service(
        SECURITYHUB,
        {
            "auto_enable_controls": {"type": "bool"},
            "control_finding_generator": {"type": "str", "choices": ["STANDARD_CONTROL", "SECURITY_CONTROL"]},
            "enable_default_standards": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
