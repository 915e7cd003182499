# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much the tests do: MUSTER_PROFILE=nightly is everything, the default is what every commit has to pass."""

from __future__ import annotations

import os

import pytest

PROFILE = os.environ.get("MUSTER_PROFILE", "default")
IS_NIGHTLY = PROFILE == "nightly"

# For tests that are slow, and of which others have most.
nightly = pytest.mark.skipif(not IS_NIGHTLY, reason="slow: MUSTER_PROFILE=nightly runs it")
