# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much the tests do: MUSTER_PROFILE=nightly is everything, the default is what every commit has to pass.

What the default leaves out is breadth: the same with another service, delay or form. A test or a set of parameters
says so with the marker ``nightly``, which tests/conftest.py heeds; a test with a loop of its own asks for IS_NIGHTLY.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

import pytest

PROFILE = os.environ.get("MUSTER_PROFILE", "default")
IS_NIGHTLY = PROFILE == "nightly"


def nightly(*sets: Any) -> list[Any]:
    """Return sets of parameters, each a value or a tuple of them, as those that the default leaves out."""
    return [pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=pytest.mark.nightly) for one in sets]


def by_day(some: Collection[Any], every: Iterable[Any]) -> list[Any]:
    """Return sets of parameters: some of all, and the others as those that the default leaves out."""
    return [*some, *nightly(*(one for one in every if one not in some))]
