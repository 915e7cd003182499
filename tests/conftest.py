# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests are measured beyond their own process."""

from __future__ import annotations

import pytest

# The roles' plugins work in the processes of ansible-playbook, and in what it forks. Measured, such a run takes half as
# long again: these are enough for scripts/check_coverage.py, the others are left alone.
MEASURED = {"test_fleet", "test_inventory", "test_organization_inventory", "test_organization_role"}


@pytest.fixture(autouse=True)
def measure_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what coverage starts itself with in other processes."""
    if request.path.stem not in MEASURED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
