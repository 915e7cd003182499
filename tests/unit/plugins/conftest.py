# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of plugins have in common."""

from __future__ import annotations

from functools import cache

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils import _report_origin
from ansible_collections.muster.aws.plugins.plugin_utils._report_origin import _partitions_of

_kept = cache(_partitions_of)


@pytest.fixture(autouse=True)
def regions_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what botocore knows of Regions: it takes a third of a second to read that, for each report."""
    monkeypatch.setattr(_report_origin, "_partitions_of", _kept)
