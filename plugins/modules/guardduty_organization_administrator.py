#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_organization_administrator
version_added: 0.2.0
short_description: Delegate the Amazon GuardDuty administrator of an organization
description:
  - Makes an account the delegated administrator of GuardDuty for the organization of the calling account, in each
    Region, or ends that. The calling account is the management account of AWS Organizations.
  - Every Region is read before anything is sent. Where nobody is delegated anywhere, one Region goes first, alone,
    until AWS shows the administrator there, and the others follow side by side. A Region that refuses leaves the next
    to go first; if O(wait_timeout) ends before the first is shown, nothing is sent to the others.
  - Another administrator is never replaced. A Region with another one is reported as failed with the reason code
    V(other_delegated_administrator), and nothing is sent there.
options:
  administrator_id:
    description:
      - The id of the account that is to be the administrator, or is not to be it any more. One account for all Regions.
      - The id is a string of 12 digits and must be quoted.
    type: raw
    required: true
  state:
    description:
      - V(present) delegates. V(absent) ends the delegation in the listed Regions only, if this account has it there.
      - With V(absent), the registration in AWS Organizations and trusted access stay as they are, because they hold for
        all Regions, and members stay enabled but stand alone.
    type: str
    choices: [present, absent]
    default: present
  service_principals:
    description:
      - The service principals whose trusted access in AWS Organizations is switched on where it is missing, with
        O(state=present). No principal is ever taken away. One that is no name of a service is an error.
      - V(malware-protection.guardduty.amazonaws.com) is needed too for the feature C(EBS_MALWARE_PROTECTION).
    type: list
    elements: str
    default: [guardduty.amazonaws.com]
  wait:
    description:
      - Whether to read until AWS shows the administrator as V(ENABLED), or gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds one wait may last. A refusal that may mean that the organization is not ready yet is asked
        again for at most 120 seconds of it.
    type: int
    default: 300
notes:
  - The first delegation also registers the account in AWS Organizations, which security tools may report.
  - The IAM permissions that are needed are C(guardduty:ListOrganizationAdminAccounts),
    C(guardduty:EnableOrganizationAdminAccount), C(guardduty:DisableOrganizationAdminAccount),
    C(organizations:ListAWSServiceAccessForOrganization), C(organizations:EnableAWSServiceAccess),
    C(organizations:RegisterDelegatedAdministrator), C(organizations:ListDelegatedAdministrators),
    C(organizations:DescribeOrganization), C(organizations:DescribeAccount),
    C(organizations:DescribeOrganizationalUnit) and C(organizations:ListAccounts).
seealso:
  - module: muster.aws.guardduty_organization
  - module: muster.aws.guardduty_organization_info
author:
  - The muster.aws contributors (@muster-aws)
extends_documentation_fragment:
  - muster.aws.common
  - muster.aws.common.changes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
# The tasks run with the credentials of the management account of the organization.

- name: Delegate the administration of GuardDuty in two Regions
  muster.aws.guardduty_organization_administrator:
    administrator_id: "111111111111"
    regions:
      - eu-central-1
      - us-east-1

- name: End it in one of them
  muster.aws.guardduty_organization_administrator:
    administrator_id: "111111111111"
    state: absent
    region: eu-central-1
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a change, or in check mode would be asked for one. True to what happened on failure, too.
  type: bool
  returned: always
  sample: true
organization_administrators:
  description:
    - One row for each Region, sorted.
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
    administrator_id:
      description:
        - The delegated administrator, V(null) without one.
      type: str
      returned: always
      sample: "111111111111"
    status:
      description:
        - The status of AWS, V(ENABLED) or V(DISABLE_IN_PROGRESS), V(null) without an administrator.
      type: str
      returned: always
      sample: ENABLED
    previous_administrator_id:
      description:
        - The administrator before.
      type: str
      returned: always
      sample: null
    previous_status:
      description:
        - The status before.
      type: str
      returned: always
      sample: null
    actions:
      description:
        - What was done, or would be done in check mode.
      type: list
      elements: str
      returned: always
      sample: [delegate]
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
      sample: EnableOrganizationAdminAccount
    reason:
      description:
        - The words of AWS.
      type: str
      returned: always
      sample: "BadRequestException: The request failed because another account is already enabled."
    reason_code:
      description:
        - What that means, from a closed list. What to do about each code is in the troubleshooting page.
      type: str
      returned: always
      sample: other_delegated_administrator
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
      sample: EnableOrganizationAdminAccount
    account_ids:
      description:
        - Always empty.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_organization_administrator
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.organization import GUARDDUTY


def main() -> None:
    run_organization_administrator(GUARDDUTY)


if __name__ == "__main__":
    main()
