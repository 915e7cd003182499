# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark in a folder of its own, with pages to put its results into."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.muster.aws.tests.harness import emulator_server

__all__ = ["emulator_server"]

PARTS = {"benchmark.md": ["bench", "choices"], "scale.md": ["estimates", "slices", "limits"]}


@pytest.fixture
def pages(emulator_server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of pages like docs/, with the marks between which results are put."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSTER_EMULATOR_URL", emulator_server.url)
    folder = tmp_path / "docs"
    (folder / "images").mkdir(parents=True)
    for name, parts in PARTS.items():
        marks = "".join(f"<!-- {part}: begin -->\nold\n<!-- {part}: end -->\n\nkept after {part}\n" for part in parts)
        (folder / name).write_text(f"kept before\n\n{marks}")
    return folder
