# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the onboard role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.muster.aws.plugins.plugin_utils._onboard import (
    accepted_scope,
    foresee_members,
    invited_scope,
    is_shown,
    judge_onboarding,
    uninvited_scope,
)


class FilterModule:
    """Each filter is documented in a file of its name beside this one."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "onboard_accepted": accepted_scope,
            "onboard_foreseen": foresee_members,
            "onboard_invited": invited_scope,
            "onboard_shown": is_shown,
            "onboard_uninvited": uninvited_scope,
            "onboard_verdicts": judge_onboarding,
        }
