# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bounded polling: AWS shows a write some time after accepting it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .port import Clock

# Seconds between two looks: soon at first, then sparing, for all accounts together.
_PAUSES = (1.0, 2.0, 4.0)
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Patience:
    """How long to wait, and with which clock.

    :param wait: Whether to wait for the end of the last step too; the waits between two steps are needed in any case.
    :param timeout: Seconds that one wait may last.
    """

    clock: Clock
    wait: bool = True
    timeout: float = 60.0

    def limited(self, seconds: float) -> Patience:
        """Return the same patience, but for at most so many seconds."""
        return replace(self, timeout=min(self.timeout, seconds))

    def looks(self) -> Iterator[None]:
        """Yield at once, and then after each pause until the timeout is over: the body of a polling loop."""
        end = self.clock.now() + self.timeout
        pauses = iter(_PAUSES)
        yield
        while (left := end - self.clock.now()) > 0:
            self.clock.sleep(min(next(pauses, _LONGEST_PAUSE), left))
            yield
