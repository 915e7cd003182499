# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests the profile leaves out."""

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY


def pytest_configure(config: pytest.Config) -> None:
    # Not in pyproject.toml: ansible-test, which runs the units as well, has settings of its own.
    config.addinivalue_line("markers", "nightly: left out unless MUSTER_PROFILE=nightly, see tests/profiles.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if IS_NIGHTLY:
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("nightly")])
    items[:] = [item for item in items if not item.get_closest_marker("nightly")]
