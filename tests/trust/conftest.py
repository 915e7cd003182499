# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of trust share: the emulated AWS, two profiles, and the figures that they print.

MUSTER_PROFILE=nightly runs everything; without it, `make test` gets a spread of the long ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.muster.aws.tests.harness import clock, emulator, emulator_server, run_module, shared_loader
from ansible_collections.muster.aws.tests.profiles import PROFILE
from hypothesis import HealthCheck, Phase, settings

__all__ = ["clock", "emulator", "emulator_server", "run_module"]

_USUAL = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "print_blob": False,
    "suppress_health_check": list(HealthCheck),
}
# Without shrinking: that takes minutes, and a failing history is short enough to read.
settings.register_profile("default", max_examples=24, phases=[Phase.explicit, Phase.generate], **_USUAL)
settings.register_profile("nightly", max_examples=2000, **{**_USUAL, "derandomize": False})
settings.load_profile(PROFILE)

_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(autouse=True)
def shared_service_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.session.create_loader", shared_loader)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Print a figure that docs/reliability.md quotes: ``tell("12 cells")``. pytest shows them all at the end."""
    yield lambda figure: request.node.user_properties.append(("figure", figure))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [r for each in terminalreporter.stats.values() for r in each if isinstance(r, pytest.TestReport)]
    figures = sorted({(r.nodeid, text) for r in reports for name, text in r.user_properties if name == "figure"})
    if figures:
        terminalreporter.section("figures of trust")
        for node, text in figures:
            terminalreporter.write_line(f"{node.rpartition('::')[2]}: {text}")
