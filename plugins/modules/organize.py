# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action plugin of this name: ansible-doc looks for it among the modules."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: organize
short_description: The work of the organization role
version_added: 0.2.0
author:
  - The muster.aws contributors (@muster-aws)
description:
  - It is made for the role C(organization) of this collection, which is the way to use it. It has no options, and
    takes the role's variables.
  - It runs on the controller.
"""

EXAMPLES = r"""
- name: Delegate, and set what accounts of the organization get
  muster.aws.organize:
"""

RETURN = r"""
msg:
  description: What there is to tell, a list of lines. Of a failure it is one text that begins with what failed.
  type: raw
  returned: always
"""
