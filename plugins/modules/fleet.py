# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action plugin of this name: ansible-doc looks for it among the modules."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: fleet
short_description: A step of this collection's roles
version_added: 0.2.0
author:
  - The muster.aws contributors (@muster-aws)
description:
  - It is made for the roles of this collection, which are the way to use it. Its options may change with any version.
  - It runs on the controller, and does a step for all hosts of a batch at once.
options:
  role:
    description: The role.
    type: str
    choices: [onboard, offboard, report]
    required: true
  step:
    description:
      - V(preflight) checks everything once.
      - V(batch) does the work for all hosts of the batch.
      - V(tell) tells one host what became of its account, and fails if it is not as wanted.
      - V(summary) tells how the run ended.
    type: str
    choices: [preflight, batch, tell, summary]
    required: true
"""

EXAMPLES = r"""
- name: Tell what became of the account
  muster.aws.fleet:
    role: onboard
    step: tell
"""

RETURN = r"""
msg:
  description: What there is to tell.
  type: raw
  returned: always
"""
