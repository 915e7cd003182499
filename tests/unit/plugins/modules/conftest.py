# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that run in one process, one after the other, each with its own warnings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common import warnings
from botocore.loaders import create_loader


@pytest.fixture
def run_module(run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Run a module as the fixture of this name does, without the warnings of modules before it."""

    def run(module_name: str, **options: Any) -> dict[str, Any]:
        # Ansible keeps them for the life of the process, which is one module's anywhere else.
        warnings._global_warnings.clear()
        return run_module(module_name, **options)

    return run


@pytest.fixture(autouse=True)
def shared_service_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read botocore's service models from disk once, not in each of a thousand module runs."""
    monkeypatch.setattr("botocore.session.create_loader", _loader)


@functools.cache
def _loader(search_path: str | None = None) -> Any:
    return create_loader(search_path)
