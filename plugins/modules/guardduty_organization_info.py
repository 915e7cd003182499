#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_organization_info
version_added: 0.2.0
short_description: Show the delegated administrator and the settings of an organization in Amazon GuardDuty
description:
  - Reads who the delegated administrator of GuardDuty is, and what accounts of the organization get by themselves, in
    each Region. It never creates or changes anything.
  - The first half may be read by the management account, the second by the delegated administrator. The half that the
    account may not read is V(null), and the task does not fail for it.
  - An account that may read neither has rows with a reason code, with a warning.
notes:
  - The IAM permissions that are needed are C(guardduty:ListOrganizationAdminAccounts),
    C(organizations:DescribeOrganization) and C(organizations:ListDelegatedAdministrators) in the management account,
    and C(guardduty:ListDetectors) and C(guardduty:DescribeOrganizationConfiguration) in the delegated administrator.
seealso:
  - module: muster.aws.guardduty_organization
  - module: muster.aws.guardduty_organization_administrator
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.accounts
  - muster.aws.common
  - muster.aws.common.reads
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Read it with the credentials of the management account or of the delegated administrator
  muster.aws.guardduty_organization_info:
    regions:
      - eu-central-1
      - us-east-1
  register: standing

- name: Show the administrator of each Region
  ansible.builtin.debug:
    msg: "{{ item.region }}: {{ item.administrator_id }}"
  loop: "{{ standing.organizations }}"
  loop_control:
    label: "{{ item.region }}"
"""

RETURN = r"""
changed:
  description:
    - Always V(false), because this module only reads.
  type: bool
  returned: always
  sample: false
organizations:
  description:
    - One row for each account and Region, sorted by Region.
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
    administrator_id:
      description:
        - The delegated administrator. V(null) without one, and for an account that may not read it.
      type: str
      returned: always
      sample: "111111111111"
    status:
      description:
        - The status of the delegation, V(ENABLED) or V(DISABLE_IN_PROGRESS).
      type: str
      returned: always
      sample: ENABLED
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
        - Always empty, because this module only reads.
      type: list
      elements: str
      returned: always
      sample: []
    outcome:
      description:
        - One of V(changed), V(unchanged), V(failed), V(skipped), V(not_attempted) and V(timed_out).
      type: str
      returned: always
      sample: unchanged
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
      sample: ListOrganizationAdminAccounts
    reason:
      description:
        - The words of AWS.
      type: str
      returned: always
      sample: "EndpointConnectionError: Could not connect to the endpoint URL"
    reason_code:
      description:
        - What that means, from a closed list. What to do about each code is in the troubleshooting page.
      type: str
      returned: always
      sample: region_unavailable
    retryable:
      description:
        - Whether the same task may succeed later without anybody doing anything.
      type: bool
      returned: always
      sample: false
actions:
  description:
    - Always empty, because this module only reads.
  type: list
  elements: dict
  returned: always
  sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_organization_info
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.organization import GUARDDUTY


def main() -> None:
    run_organization_info(GUARDDUTY)


if __name__ == "__main__":
    main()
