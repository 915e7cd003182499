#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization
version_added: 0.2.0
short_description: Set what accounts of an organization get from AWS Security Hub by themselves
description:
  - Reads what the delegated administrator of Security Hub has set for accounts of the organization, in each Region,
    and changes what differs from what is asked for, in one call.
  - Where configuration policies decide (central configuration), asking for V(false) and V(NONE) is satisfied. Anything
    else is reported with the reason code V(central_configuration), and nothing is sent.
options:
  auto_enable:
    description:
      - Whether Security Hub is switched on by itself in accounts that join the organization. Accounts that are in it
        already are not touched.
      - Without this option, it is left as it is.
    type: bool
  auto_enable_standards:
    description:
      - Whether such accounts get the default standards, V(DEFAULT), or none, V(NONE).
      - Without this option, it is left as it is.
    type: str
    choices: [DEFAULT, NONE]
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
  - The IAM permissions that are needed are C(securityhub:DescribeOrganizationConfiguration) and
    C(securityhub:UpdateOrganizationConfiguration).
seealso:
  - module: muster.aws.securityhub_organization_administrator
  - module: muster.aws.securityhub_organization_info
  - module: muster.aws.securityhub_member
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

- name: Switch Security Hub on in accounts that join the organization
  muster.aws.securityhub_organization:
    regions:
      - eu-central-1
      - us-east-1
    auto_enable: true
    auto_enable_standards: NONE

- name: Do it from the management account
  muster.aws.securityhub_organization:
    account_ids: ["111111111111"]
    role_name: OrganizationAccountAccessRole
    region: us-east-1
    auto_enable: true
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
    auto_enable:
      description:
        - Whether Security Hub is switched on by itself in accounts that join the organization.
      type: bool
      returned: always
      sample: true
    auto_enable_standards:
      description:
        - Whether that brings the default standards, V(DEFAULT) or V(NONE).
      type: str
      returned: always
      sample: NONE
    member_limit_reached:
      description:
        - Whether the administrator has all the members that it may have. AWS then adds no more accounts by itself.
      type: bool
      returned: always
      sample: false
    configuration_type:
      description:
        - V(LOCAL), or V(CENTRAL) where configuration policies decide. V(null) if AWS does not tell.
      type: str
      returned: always
      sample: LOCAL
    configuration_status:
      description:
        - How far AWS is with it, for example V(ENABLED) or V(PENDING).
      type: str
      returned: always
      sample: ENABLED
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
      sample: not_delegated_administrator
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
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.organization import SECURITYHUB


def main() -> None:
    run_organization(
        SECURITYHUB,
        {
            "auto_enable": {"type": "bool"},
            "auto_enable_standards": {"type": "str", "choices": ["DEFAULT", "NONE"]},
        },
    )


if __name__ == "__main__":
    main()
