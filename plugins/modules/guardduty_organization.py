#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_organization
version_added: 0.2.0
short_description: Set what accounts of an organization get from Amazon GuardDuty by themselves
description:
  - Reads what the delegated administrator of GuardDuty has set for accounts of the organization, in each Region, and
    changes what differs from what is asked for, in one call.
options:
  auto_enable_members:
    description:
      - Which accounts of the organization GuardDuty is switched on in by itself, as members of the administrator.
      - V(NEW) means accounts that join later. V(ALL) means all of them, within 24 hours, and members cannot be
        disassociated then. V(NONE) means none. What is on stays on with V(NEW) and V(NONE).
      - Without this option, it is left as it is.
    type: str
    choices: [NEW, ALL, NONE]
  features:
    description:
      - The features (protection plans) that accounts get by themselves. Features that are not listed are left alone.
      - AWS refuses the whole call for a feature that it does not have in a Region. That is reported with the reason
        code V(feature_unsupported), and nothing is changed there.
      - A name that AWS does not list in a Region is warned of, in check mode, too. To have it V(NONE) is no change.
      - C(EKS_RUNTIME_MONITORING) and C(RUNTIME_MONITORING) cannot be on together. To move from one to the other, list
        the first with V(NONE); it then goes in a call before the other one.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name that AWS has for it, for example V(S3_DATA_EVENTS) or V(RUNTIME_MONITORING).
        type: str
        required: true
      auto_enable:
        description:
          - Which accounts get it.
        type: str
        choices: [NEW, ALL, NONE]
        required: true
      additional_configuration:
        description:
          - The additional configuration of the feature. What is not listed is left alone.
        type: list
        elements: dict
        suboptions:
          name:
            description:
              - The name that AWS has for it, for example V(EC2_AGENT_MANAGEMENT).
            type: str
            required: true
          auto_enable:
            description:
              - Which accounts get it.
            type: str
            choices: [NEW, ALL, NONE]
            required: true
  wait:
    description:
      - Whether to read the settings until AWS shows the change, and before it until an earlier change has ended.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds one wait may last.
    type: int
    default: 60
notes:
  - The settings are those of the delegated administrator. Run the task with its credentials, or let the management
    account act in it, with O(account_ids) and O(role_name).
  - O(account_ids) holds one account at most.
  - The IAM permissions that are needed are C(guardduty:ListDetectors), C(guardduty:DescribeOrganizationConfiguration)
    and C(guardduty:UpdateOrganizationConfiguration).
seealso:
  - module: muster.aws.guardduty_organization_administrator
  - module: muster.aws.guardduty_organization_info
  - module: muster.aws.guardduty_member
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.accounts
  - muster.aws.common
  - muster.aws.common.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
# The tasks run with the credentials of the delegated administrator.

- name: Switch GuardDuty on in accounts that join the organization
  muster.aws.guardduty_organization:
    regions:
      - eu-central-1
      - us-east-1
    auto_enable_members: NEW
    features:
      - name: S3_DATA_EVENTS
        auto_enable: NEW
      - name: RUNTIME_MONITORING
        auto_enable: NEW
        additional_configuration:
          - name: EC2_AGENT_MANAGEMENT
            auto_enable: NEW

- name: Do it from the management account
  muster.aws.guardduty_organization:
    account_ids: ["111111111111"]
    role_name: OrganizationAccountAccessRole
    region: us-east-1
    auto_enable_members: ALL
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a change, or in check mode would be asked for one. True to what happened on failure, too.
  type: bool
  returned: always
  sample: true
organizations:
  description:
    - One row for each Region, sorted, with the settings as they are after the task. All settings are V(null) where they
      could not be read.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The account that was asked.
      type: str
      returned: always
      sample: "111111111111"
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: us-east-1
    auto_enable_members:
      description:
        - Which accounts GuardDuty is switched on in by itself, V(NEW), V(ALL) or V(NONE).
      type: str
      returned: always
      sample: NEW
    features:
      description:
        - The features that AWS lists, by name, with their additional configuration.
      type: list
      elements: dict
      returned: always
      sample:
        - name: S3_DATA_EVENTS
          auto_enable: NEW
          additional_configuration: []
    member_limit_reached:
      description:
        - Whether the administrator has all the members that it may have. AWS then adds no more accounts by itself.
      type: bool
      returned: always
      sample: false
    actions:
      description:
        - What was done, or would be done in check mode.
      type: list
      elements: str
      returned: always
      sample: [update_organization]
    outcome:
      description:
        - One of V(changed), V(unchanged), V(failed), V(skipped), V(not_attempted) and V(timed_out).
      type: str
      returned: always
      sample: changed
    reason_code:
      description:
        - Why it is not as it was asked for, from a closed list. V(null) if it is.
      type: str
      returned: always
      sample: null
    reason:
      description:
        - The words of AWS, or a sentence where nothing was sent. V(null) without a reason code.
      type: str
      returned: always
      sample: null
unprocessed_accounts:
  description:
    - What was asked for and not done. One entry for each Region.
  type: list
  elements: dict
  returned: always
  contains:
    account_id:
      description:
        - The account.
      type: str
      returned: always
      sample: "111111111111"
    region:
      description:
        - The Region, V(null) if the input itself could not be used.
      type: str
      returned: always
      sample: us-east-1
    operation:
      description:
        - The AWS operation that AWS refused or did not answer. V(null) if nothing was sent.
      type: str
      returned: always
      sample: UpdateOrganizationConfiguration
    reason:
      description:
        - The words of AWS.
      type: str
      returned: always
      sample: "BadRequestException: The request is rejected because an inva..."
    reason_code:
      description:
        - What that means, from a closed list. What to do about each code is in the troubleshooting page.
      type: str
      returned: always
      sample: feature_unsupported
    retryable:
      description:
        - Whether the same task may succeed later without anybody doing anything.
      type: bool
      returned: always
      sample: false
actions:
  description:
    - The plan, in the order in which the calls are made. The same in check mode.
  type: list
  elements: dict
  returned: always
  contains:
    region:
      description:
        - The Region.
      type: str
      returned: always
      sample: us-east-1
    account_id:
      description:
        - The account that makes the call.
      type: str
      returned: always
      sample: "111111111111"
    operation:
      description:
        - The AWS operation.
      type: str
      returned: always
      sample: UpdateOrganizationConfiguration
    account_ids:
      description:
        - Always empty.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_organization
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.organization import GUARDDUTY


def main() -> None:
    run_organization(GUARDDUTY, {"auto_enable_members": {"type": "str", "choices": ["NEW", "ALL", "NONE"]}})


if __name__ == "__main__":
    main()
