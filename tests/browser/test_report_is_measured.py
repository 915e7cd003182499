# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark opens and filters the page. What it takes is the benchmark's to tell, not a test's."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.muster.aws.benchmarks.harness import Fleet
from ansible_collections.muster.aws.benchmarks.page import measure, page_table
from playwright.sync_api import Browser


def test_page_is_opened_and_filtered(browser: Browser, tmp_path: Path) -> None:
    [opened] = measure(browser, tmp_path, [Fleet(30, 4)], rounds=1)

    assert opened.open > 0 and opened.filter > 0 and opened.megabytes > 0
    assert "| 30 × 4 | " in page_table([opened])
