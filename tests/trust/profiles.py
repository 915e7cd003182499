# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much the tests of trust do: MUSTER_PROFILE=nightly is everything, the default is a spread of it."""

from __future__ import annotations

import os

PROFILE = os.environ.get("MUSTER_PROFILE", "default")
IS_NIGHTLY = PROFILE == "nightly"
