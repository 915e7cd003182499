# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as Ansible runs them (arguments in, JSON out) against an emulated AWS, with time that passes by itself.

The fixtures here are taken into a folder's ``conftest.py`` by importing them.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.muster.aws.tests.emulator import Emulator
from botocore.loaders import create_loader

ADMINISTRATOR = "111111111111"
REGION = "us-east-1"


class TestTime:
    """A clock on which sleeping takes no time, and lets the emulator's time pass as well."""

    __test__ = False

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self.slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._emulator.advance(seconds)


class ModuleRunner:
    """Runs a module of the collection in this process and returns what the controller would read."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.output = ""

    def __call__(self, module_name: str, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        options.setdefault("access_key", "AKIATESTING")
        options.setdefault("secret_key", "testing-secret-key")
        options.setdefault("region", REGION)
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
        module = importlib.import_module(f"ansible_collections.muster.aws.plugins.modules.{module_name}")
        printed = io.StringIO()
        # Ansible keeps them for the life of the process, which is one module's anywhere else.
        warnings._global_warnings.clear()
        with pytest.MonkeyPatch.context() as environment:
            # Not the option endpoint_url, which is not STS's.
            environment.setenv("AWS_ENDPOINT_URL", self.emulator.url)
            with module_arguments(arguments), redirect_stdout(printed), pytest.raises(SystemExit):
                module.main()
        self.output = printed.getvalue()
        return json.loads(self.output)


def module_arguments(arguments: dict[str, Any]) -> Any:
    """Return a context in which a module finds its arguments, for the ansible-core that is installed."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:  # before ansible-core 2.19
        monkeypatch = pytest.MonkeyPatch()
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        return monkeypatch.context()
    return patch_module_args(arguments)


@functools.cache
def shared_loader(search_path: str | None = None) -> Any:
    """Read botocore's service models from disk once, not in each of a thousand module runs."""
    return create_loader(search_path)


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[Emulator]:
    with Emulator(caller=ADMINISTRATOR) as emulator:
        yield emulator


@pytest.fixture
def clock(emulator_server: Emulator, monkeypatch: pytest.MonkeyPatch) -> TestTime:
    """The time of the module and of the SDK, which sleeps between its retries."""
    clock = TestTime(emulator_server)
    monkeypatch.setattr("ansible_collections.muster.aws.plugins.module_utils._module.time", clock)
    monkeypatch.setattr("botocore.endpoint.time", clock)
    return clock


@pytest.fixture
def emulator(emulator_server: Emulator, clock: TestTime) -> Emulator:
    """An emulated AWS in which nothing has happened yet."""
    emulator_server.reset()
    return emulator_server


@pytest.fixture
def run_module(emulator: Emulator) -> ModuleRunner:
    """Run a module: ``run_module("guardduty_member", check=True, members=[...])``."""
    return ModuleRunner(emulator)
