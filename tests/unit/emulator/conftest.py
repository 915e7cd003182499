# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator, and real boto3 clients for any of its accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.emulator.support import ADMINISTRATOR, REGION, Clients, Side
from botocore.config import Config


@pytest.fixture(scope="session")
def emulator_alone() -> Iterator[Emulator]:
    with Emulator(caller=ADMINISTRATOR) as emulator:
        yield emulator


@pytest.fixture
def emulator(emulator_alone: Emulator) -> Emulator:
    """An emulated AWS in which nothing has happened yet."""
    emulator_alone.reset()
    return emulator_alone


@pytest.fixture(scope="session")
def clients(emulator_alone: Emulator) -> Clients:
    """Return a client of an account: ``clients("guardduty", account_id, region)``. It tries once and waits 20 s."""
    session = boto3.Session()
    made: dict[tuple[str, str, str], Any] = {}

    def client(service: str, account_id: str = ADMINISTRATOR, region: str = REGION) -> Any:
        key = (service, account_id, region)
        if key not in made:
            config = Config(retries={"total_max_attempts": 1}, read_timeout=20)
            made[key] = session.client(service, config=config, **emulator_alone.client_arguments(account_id, region))
        return made[key]

    return client


@pytest.fixture
def side(emulator: Emulator, clients: Clients) -> Callable[..., Side]:
    """Switch a service on in an account and return its side: ``side("guardduty", account_id)``."""

    def on(service: str, account_id: str = ADMINISTRATOR, region: str = REGION) -> Side:
        with emulator.lock:
            home = emulator.world.home(service, account_id, region)
            switch = emulator.world.switch_on(home)
        return Side(clients(service, account_id, region), service, switch.resource_id)

    return on
