#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guardduty_detector
version_added: 0.1.0
short_description: Switch Amazon GuardDuty on or off in accounts
description:
  - Creates, updates and deletes the detector of each account and Region. There is at most one.
  - It works in administrator and in member accounts. It does not make an account the member of another, see
    M(muster.aws.guardduty_member) and M(muster.aws.guardduty_administrator).
options:
  state:
    description:
      - V(present) creates a detector where there is none, and brings its settings and tags into the wanted state.
      - V(absent) deletes the detector, and with it its settings and its findings. Use O(enabled=false) to keep them.
      - AWS refuses to delete the detector of an administrator that has members (V(still_associated)), and
        that of a member that came through AWS Organizations.
    type: str
    choices: [present, absent]
    default: present
  enabled:
    description:
      - Whether the detector is enabled. V(false) suspends it and keeps its settings and findings.
      - The default enables a detector that is suspended.
    type: bool
    default: true
  finding_publishing_frequency:
    description:
      - How often findings that occur again are exported, for example to Amazon EventBridge.
      - Without this option, it is left as it is. A new detector then has the default of AWS.
    type: str
    choices: [FIFTEEN_MINUTES, ONE_HOUR, SIX_HOURS]
  features:
    description:
      - The protection plans that the detector has, which AWS calls features. Those that are not listed are left as they
        are.
      - AWS switches almost every feature on in a new detector, and charges for it after a trial. List the ones that you
        do not want as V(DISABLED).
      - Where the detector is there, a name that AWS does not list is warned of. To have it V(DISABLED) is no change. To
        have it V(ENABLED) is asked of AWS all the same, which refuses the call, as check mode foresees
        (V(feature_unsupported)).
      - The features of a member are its administrator's to change, see O(muster.aws.guardduty_member#module:features).
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
notes:
  - The task fails if RV(unprocessed_accounts) is not empty.
  - Tags that AWS does not take (an empty key, more than 128 characters in a key or 256 in a value, more than 50 tags)
    and tags without a value are refused before anything is sent.
  - The IAM permissions that are needed are C(guardduty:ListDetectors), C(guardduty:GetDetector),
    C(guardduty:CreateDetector) with C(iam:CreateServiceLinkedRole), C(guardduty:UpdateDetector),
    C(guardduty:DeleteDetector), C(guardduty:TagResource) and C(guardduty:UntagResource).
seealso:
  - module: muster.aws.guardduty_administrator
  - module: muster.aws.guardduty_member
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
- name: Switch GuardDuty on in the calling account
  muster.aws.guardduty_detector:
    regions:
      - eu-central-1
      - us-east-1

- name: Switch it on in two accounts, with a setting and a tag
  muster.aws.guardduty_detector:
    regions:
      - eu-central-1
    account_ids:
      - "012345678901"
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    finding_publishing_frequency: FIFTEEN_MINUTES
    tags:
      Owner: security
    purge_tags: false

- name: Suspend it, and keep its settings and findings
  muster.aws.guardduty_detector:
    region: eu-central-1
    account_ids:
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    enabled: false

- name: Switch it off
  muster.aws.guardduty_detector:
    region: eu-central-1
    account_ids:
      - "222222222222"
    role_name: OrganizationAccountAccessRole
    state: absent

- name: Switch it on without a protection plan that AWS would switch on, too
  muster.aws.guardduty_detector:
    region: eu-central-1
    features:
      - name: EBS_MALWARE_PROTECTION
        status: DISABLED
"""

RETURN = r"""
changed:
  description:
    - Whether AWS accepted a write. In check mode, whether one would be sent. Also right if the task failed.
  type: bool
  returned: always
  sample: true
detectors:
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
    detector_id:
      description:
        - The id of the detector. V(null) without one, and in check mode for one that would be created.
      type: str
      returned: always
      sample: 12abc34d567e8fa901bc2d34e56789f0
    status:
      description:
        - V(ENABLED), or V(DISABLED) for a suspended detector. V(null) without a detector.
      type: str
      returned: always
      sample: ENABLED
    previous_status:
      description:
        - The status before.
      type: str
      returned: always
      sample: null
    enabled:
      description:
        - Whether the detector is enabled, not suspended. V(null) without a detector.
      type: bool
      returned: always
      sample: true
    finding_publishing_frequency:
      description:
        - How often findings that occur again are exported.
          V(null) without a detector.
      type: str
      returned: always
      sample: SIX_HOURS
    features:
      description:
        - The features that were asked for, as they are after the task. V(null) where none were asked for.
        - The status of a feature that AWS does not list is V(null).
      type: list
      elements: dict
      returned: always
      sample:
        - name: S3_DATA_EVENTS
          status: ENABLED
          additional_configuration: []
    tags:
      description:
        - The tags of the detector. V(null) without a detector.
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
    - What was done for each account is in RV(detectors[].actions).
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
      sample: CreateDetector
    account_ids:
      description:
        - Always empty, because the account makes the call for itself.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.muster.aws.plugins.module_utils._module import run_service
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.adapter import GUARDDUTY


def main() -> None:
    run_service(
        GUARDDUTY,
        {
            "enabled": {"type": "bool", "default": True},
            "finding_publishing_frequency": {"type": "str", "choices": ["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"]},
        },
    )


if __name__ == "__main__":
    main()
