# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # For the modules of a service itself.
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to read the service until it shows what AWS accepted, and to repeat a switching off that AWS refuses
        because it still sees members (V(still_associated)).
      - With V(false), the service is read once after the last step, and the row has what is shown then.
      - The waits between two steps of one account always take place.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds one wait may last. All accounts and Regions of the task wait at the same time.
      - A service that does not show the change by then has the outcome V(timed_out).
    type: int
    default: 60
"""
