# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the onboard role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.muster.aws.plugins.plugin_utils._onboard import (
    accepted_accounts,
    collect_batch,
    invited_accounts,
    is_shown,
    judge_hosts,
    total_stats,
    uninvited_accounts,
)


class FilterModule:
    """Each filter is documented in a file of its name beside this one."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "onboard_accepted": accepted_accounts,
            "onboard_batch": collect_batch,
            "onboard_invited": invited_accounts,
            "onboard_shown": is_shown,
            "onboard_totals": total_stats,
            "onboard_uninvited": uninvited_accounts,
            "onboard_verdicts": judge_hosts,
        }
