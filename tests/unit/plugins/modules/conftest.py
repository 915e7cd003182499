# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that run in one process, one after the other."""

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.tests.harness import shared_loader


@pytest.fixture(autouse=True)
def shared_service_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read botocore's service models from disk once, not in each of a thousand module runs."""
    monkeypatch.setattr("botocore.session.create_loader", shared_loader)
