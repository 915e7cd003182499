# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo ends as README says, here with the accounts of which it has something to tell, in one Region."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator

TOP = Path(__file__).parents[2]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The demo's program, beside an emulated AWS with fewer accounts, and its inventory in the current folder."""
    with Emulator() as emulator, monkeypatch.context() as context:
        context.setenv("MUSTER_EMULATOR_URL", emulator.url)
        context.syspath_prepend(TOP / "demo")
        fleet, run = importlib.import_module("fleet"), importlib.reload(importlib.import_module("run"))
        few = [*fleet.EXPECTED_FAILURES, *(f"workload-{number:02}" for number in range(9, 23))]
        context.setattr(fleet, "ACCOUNTS", {host: fleet.ACCOUNTS[host] for host in sorted(few)})
        context.setattr(fleet, "REGIONS", fleet.REGIONS[:1])
        context.chdir(tmp_path)
        Path("demo").mkdir()
        Path("demo/accounts.json").write_text(json.dumps(fleet.inventory()))
        emulator.seed(fleet.seed())
        yield run


def without_figures(text: str) -> list[str]:
    """Return the lines, with what depends on the size of the fleet and the place of the checkout left out."""
    text = re.sub(r" \(workload-.*\)$", "", text.replace(".cache/demo", "demo"), flags=re.M)
    lines = (re.sub(r"[\d,]+", "0", line) for line in text.splitlines())
    return [" ".join(line.split()) for line in lines if line.strip()]


def test_demo_ends_on_one_screen_as_readme_shows(demo: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert demo.main(Path("demo")) == 0

    output = capfd.readouterr().out
    assert len(output.splitlines()) <= 48
    assert "14 of 17 accounts are members everywhere" in output and "the same again: 0 writes" in output
    assert [len(re.findall(rf"  batch {number} of 2: ", output)) for number in (1, 2, 3)] == [2, 2, 0]
    assert re.search(r"nothing -> Enabled +5 +7 +6 *\n", output)
    for name in ("onboard.log", "again.log", "report.log"):
        assert f"demo/{name}" in output and "PLAY RECAP" in Path("demo", name).read_text()
    assert "report: demo/report.html" in output and Path("demo/report.html").exists()

    [shown] = re.findall(r"\$ make demo\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)
    readme = [line for line in without_figures(shown) if line != "..."]
    assert len(readme) >= 8
    assert [line for line in readme if line not in without_figures(output)] == []


def test_demo_fails_where_another_account_does(demo: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    row = {"service": "guardduty", "region": "us-east-1", "failed": True}
    expected = [
        {**row, "host": host, "reason_code": reason} for host, (_why, reason) in demo.fleet.EXPECTED_FAILURES.items()
    ]
    other = {**row, "host": "workload-09", "reason_code": "throttled"}

    assert demo.is_as_expected(expected)
    assert not demo.is_as_expected([*expected, other])
    assert not demo.is_as_expected(expected[1:])
    assert not demo.is_as_expected([{**one, "reason_code": "throttled"} for one in expected])
