# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for playbook runs against an emulated AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.playbooks.harness import ADMINISTRATOR, PlaybookRunner


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[Emulator]:
    with Emulator(caller=ADMINISTRATOR) as emulator:
        yield emulator


@pytest.fixture
def emulator(emulator_server: Emulator) -> Emulator:
    emulator_server.reset()
    return emulator_server


@pytest.fixture
def playbook(emulator: Emulator, tmp_path: Path) -> PlaybookRunner:
    return PlaybookRunner(emulator, tmp_path)
