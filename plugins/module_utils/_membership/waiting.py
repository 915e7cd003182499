# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bounded waiting: AWS shows a write some time after accepting it.

Whoever carries out a plan is a :data:`Walk`, a generator that pauses where it has to wait. It never sleeps itself: all
walks of a task pause and go on together, so that a thousand accounts that wait take no longer than one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from .port import Clock

# Seconds between two looks: soon at first, then sparing, for all accounts together.
_PAUSES = (1.0, 2.0, 4.0)
_LONGEST_PAUSE = 5.0

# Seconds by which a look may be put off, to be taken together with others.
_TOGETHER = 1.0


@dataclass(frozen=True)
class Pause:
    """What a walk yields: nothing is to be done before this time of the clock."""

    until: float


Key = TypeVar("Key")
Result = TypeVar("Result")
Walk = Generator[Pause, None, Result]


@dataclass(frozen=True)
class Patience:
    """How long to wait, and with which clock.

    :param wait: Whether to wait for the end of the last step too; the waits between two steps are needed in any case.
    :param timeout: Seconds that one wait may last.
    """

    clock: Clock
    wait: bool = True
    timeout: float = 60.0

    def at_most(self, seconds: float) -> Patience:
        """Return the same with waits that are no longer than this."""
        return replace(self, timeout=min(self.timeout, seconds))

    def begin(self) -> Wait:
        """Begin a wait, which ends after the timeout."""
        return Wait(self.clock, self.clock.now() + self.timeout, iter(_PAUSES))


@dataclass(frozen=True)
class Wait:
    """One wait: the body of a loop that looks until it has seen enough, or the time is over."""

    clock: Clock
    end: float
    pauses: Iterator[float]

    def for_another_look(self) -> Walk[bool]:
        """Pause, and return whether there is time for another look; the last one is at the very end."""
        now = self.clock.now()
        if now >= self.end:
            return False
        yield Pause(min(now + next(self.pauses, _LONGEST_PAUSE), self.end))
        return True


def go_on(walk: Walk[Result]) -> Result | Pause:
    """Let a walk go on to its next pause, or to its result."""
    try:
        return next(walk)
    except StopIteration as end:
        result: Result = end.value
        return result


def walk_together(
    keys: Iterable[Key], clock: Clock, resume: Callable[[list[Key]], Mapping[Key, Result | Pause]]
) -> dict[Key, Result]:
    """Let walks go on in rounds until each has ended. In between all of them wait, at the same time.

    :param keys: Who walks.
    :param clock: Sleeps between the rounds.
    :param resume: Lets those of a round go on, side by side or not, and returns where each is then.
    :returns: The results. Each walk ends its own waits, and so ends.
    """
    results: dict[Key, Result] = {}
    pauses = {key: Pause(clock.now()) for key in keys}
    while pauses:
        horizon = min(pause.until for pause in pauses.values()) + _TOGETHER
        wake = max(pause.until for pause in pauses.values() if pause.until <= horizon)
        due = [key for key, pause in pauses.items() if pause.until <= wake]
        nap = wake - clock.now()
        if nap > 0:
            clock.sleep(nap)
        for key, outcome in resume(due).items():
            if isinstance(outcome, Pause):
                pauses[key] = outcome
            else:
                del pauses[key]
                results[key] = outcome
    return results


def walk_alone(walk: Walk[Result], clock: Clock) -> Result:
    """Let one walk go on to its end. It ends its own waits, and so ends."""
    return walk_together([walk], clock, lambda due: {each: go_on(each) for each in due})[walk]
