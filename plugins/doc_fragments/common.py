# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What every module has.
    DOCUMENTATION = r"""
options:
  regions:
    description:
      - The AWS Regions to act in, all at the same time.
      - Without this option, the module acts in the one Region of O(region).
        If there is no Region at all, the task fails; it never means all Regions.
      - A Region that fails does not stop the others.
      - This and other lists of names or ids can be given as one text, with commas or line ends between the items.
    type: list
    elements: str
  concurrency:
    description:
      - How many conversations with AWS run at the same time in one task.
        A conversation is with one account in one Region.
    type: int
    default: 16
requirements:
  - python >= 3.10
  - boto3 >= 1.34.0
  - botocore >= 1.34.0
notes:
  - The I(calling account) is the account that the credentials of the task belong to.
  - Account ids are strings of 12 digits and must be quoted. The options for them have the type V(raw) because, with
    V(str), Ansible would turn an unquoted id into a string before it could be refused. YAML reads an unquoted id as
    a number, which loses a leading zero or is taken for an octal number, and means another account or none.
  - O(endpoint_url) is that of the service which the module manages, for example a private endpoint. It is not used for
    AWS STS and AWS Organizations. The environment variables E(AWS_ENDPOINT_URL) and C(AWS_ENDPOINT_URL_<SERVICE>) are
    those of the AWS SDK.
  - AWS STS is asked in the Region that the module acts in first. Where that is off in an account or does not answer,
    STS is asked in the home Region of the partition, for example V(us-east-1).
  - A request that AWS throttles or fails to serve is sent up to 8 times. Use O(aws_config) to change this.
  - A Region that does not answer at all costs a task at most C(wait_timeout) seconds, or 60 for a module without that
    option. It is then not asked again, and its rows have failed with the reason code V(region_unavailable).
  - Temporary credentials that expire in the middle of a task are renewed, an assumed role's by assuming it again, and
    the caller's own where the AWS SDK can (SSO, a role of the machine, a process).
attributes:
  action_group:
    description: Use C(group/muster.aws.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - muster.aws.aws
    details:
      - The group extends C(amazon.aws.aws). Its defaults are then those of the modules of amazon.aws, too.
  platform:
    description: The platforms that the module can run on. What it manages is AWS.
    support: full
    platforms: posix
"""

    # For modules that change something.
    CHANGES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict the result without changing anything.
    support: full
    details:
      - Everything is read and planned as in a real run, and nothing is written. The rows have the predicted status.
  diff_mode:
    description: Returns what has changed, or in check mode would change, when in diff mode.
    support: full
    details:
      - C(before) and C(after) map C(region/account_id) to the status, in the module of an organization's settings to
        these settings, and hold nothing else.
"""

    # For info modules.
    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and predict the result without changing anything.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Returns what has changed, or in check mode would change, when in diff mode.
    support: N/A
    details:
      - This module only reads.
"""
