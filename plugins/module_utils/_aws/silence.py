# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regions that answer nothing: how long they are waited for, and when they are given up for the rest of a task.

Silence is costly, a timeout for each try, and it is the Region's, not the account's: what one conversation has found
out is not tried again by all the others.
"""

from __future__ import annotations

from typing import Any

from .._membership.model import Reason
from .._membership.port import CallFailed

# botocore's exceptions, by name, for a request that nobody answered in time.
_NEVER_ARRIVED = ("ConnectTimeoutError", "EndpointConnectionError")
_SILENCE = (*_NEVER_ARRIVED, "ReadTimeoutError")

# Tries of a request where nothing has been heard of the service yet: the second is for a packet lost.
_FIRST_TRIES = 2


class Line:
    """The line to one service in one Region, shared by all conversations of a task.

    :param region: For what is said about it.
    :param seconds: How long a request may be tried in vain.
    :param is_replaceable: Whether what never answers here can be asked elsewhere: it is then tried once.
    """

    def __init__(self, region: str, seconds: float, is_replaceable: bool = False) -> None:
        self._region = region
        self._seconds = seconds
        self._is_replaceable = is_replaceable
        self._has_answered = False
        self._unanswered = 0  # requests since the last answer
        self._said = ""  # by the SDK, of the last of them

    @property
    def is_given_up(self) -> bool:
        """Whether to ask no more: nothing was ever heard, or two requests in a row were not answered."""
        return self._unanswered > self._has_answered

    def check(self, operation: str) -> None:
        """Raise CallFailed where the line is given up."""
        if self.is_given_up:
            text = f"{self._region} did not answer this task before ({self._said}), so it was not asked again"
            raise CallFailed(operation, "NoAnswer", text, Reason.REGION_UNAVAILABLE)

    def stop_in_silence(
        self, client: Any, response: Any = None, attempts: int = 0, caught_exception: Any = None, **_event: object
    ) -> None:
        """Raise what botocore's retry handler would go on with. An event handler of botocore's, beside that one."""
        if response:
            self._has_answered, self._unanswered = True, 0
        code = type(caught_exception).__name__
        if code in _SILENCE and attempts >= self._tries(client.meta.config, code):
            raise caught_exception

    def _tries(self, config: Any, code: str) -> int:
        if self._unanswered or (self._is_replaceable and not self._has_answered):
            return 1
        timeout = config.connect_timeout if code in _NEVER_ARRIVED else config.read_timeout
        affordable = max(1, int(self._seconds // max(timeout, 1)))
        return affordable if self._has_answered else min(affordable, _FIRST_TRIES)

    def judge(self, failure: CallFailed) -> CallFailed:
        """Count a request that failed, and return what it is a failure of."""
        if failure.code not in _SILENCE:
            return failure
        self._unanswered += 1
        self._said = failure.text
        reason = failure.reason if self._has_answered else Reason.REGION_UNAVAILABLE
        return CallFailed(failure.operation, failure.code, failure.text, reason, failure.is_uncertain)
