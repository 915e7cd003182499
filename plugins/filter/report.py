# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the report role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.muster.aws.plugins.plugin_utils._report import (
    build_report,
    collect_accounts,
    read_baseline,
)
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report


class FilterModule:
    """Each filter is documented in a file of its name beside this one."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "report_accounts": collect_accounts,
            "report_baseline": read_baseline,
            "report_data": build_report,
            "report_text": render_report,
        }
