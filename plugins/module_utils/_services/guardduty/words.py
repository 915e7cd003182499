# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What GuardDuty alone says, and what it means. The first rule that fits wins."""

from __future__ import annotations

from ..._membership.model import Reason, Rule, Step

REFUSALS = (
    # GuardDuty says the same of a value that is none and of an account that may not: these send values of our own only.
    Rule("invalid or out-of-range value", Reason.ORGANIZATION_MEMBER, (Step.DISABLE_SERVICE, Step.UPDATE_SERVICE)),
    Rule("not owned by the current account", Reason.INVALID_INPUT),
    Rule("parameter detectorid has an invalid value", Reason.INVALID_INPUT),
    Rule("already enabled as guardduty delegated administrator", Reason.OTHER_DELEGATED_ADMINISTRATOR),
)
