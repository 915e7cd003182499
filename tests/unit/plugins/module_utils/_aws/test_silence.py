# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a Region that answers nothing is given up: how many tries it costs, and of whom the failure is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.silence import Line
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, ReadTimeoutError

REGION = "af-south-1"
NOBODY = EndpointConnectionError(endpoint_url="https://x")
SLOW_TO_CONNECT = ConnectTimeoutError(endpoint_url="https://x")
SLOW_TO_ANSWER = ReadTimeoutError(endpoint_url="https://x")
BROKEN = ProxyConnectionError(proxy_url="https://x")
SILENT = [NOBODY, SLOW_TO_CONNECT, SLOW_TO_ANSWER]


def client(connect: float, read: float) -> Any:
    return SimpleNamespace(meta=SimpleNamespace(config=SimpleNamespace(connect_timeout=connect, read_timeout=read)))


def tries(line: Line, silence: Exception, connect: float = 10, read: float = 20) -> int:
    """Return how many tries a request gets that nobody answers, 99 for as many as the SDK likes."""
    for attempts in range(1, 99):
        try:
            line.stop_in_silence(client(connect, read), None, attempts, silence)
        except type(silence) as raised:
            assert raised is silence
            return attempts
    return 99


def failed(line: Line, code: str = "ReadTimeoutError", reason: Reason = Reason.INTERNAL_ERROR) -> CallFailed:
    return line.judge(CallFailed("GetMembers", code, "a text", reason, is_uncertain=True))


def answered(line: Line) -> None:
    line.stop_in_silence(client(10, 20), ("http", {}), 1, None)


@pytest.mark.parametrize("silence", SILENT)
def test_line_that_never_answered_is_tried_twice(silence: Exception) -> None:
    assert tries(Line(REGION, 60), silence) == 2


@pytest.mark.parametrize("silence", SILENT)
def test_line_that_can_be_replaced_is_tried_once_until_it_has_answered(silence: Exception) -> None:
    line = Line(REGION, 60, is_replaceable=True)
    assert tries(line, silence) == 1
    answered(line)
    assert tries(line, silence) > 1


@pytest.mark.parametrize(
    ("silence", "seconds", "count"),
    [
        # Tries of 10 s to connect, and of 20 s to get an answer.
        (NOBODY, 60, 6),
        (SLOW_TO_CONNECT, 60, 6),
        (SLOW_TO_CONNECT, 69, 6),
        (SLOW_TO_ANSWER, 60, 3),
        (SLOW_TO_ANSWER, 39, 1),
        (SLOW_TO_ANSWER, 5, 1),
        (SLOW_TO_ANSWER, 0, 1),
    ],
)
def test_line_that_has_answered_is_tried_as_often_as_the_wait_pays_for(
    silence: Exception, seconds: float, count: int
) -> None:
    line = Line(REGION, seconds)
    answered(line)
    assert tries(line, silence) == count


def test_line_that_never_answered_is_tried_once_where_the_wait_pays_for_no_more() -> None:
    assert tries(Line(REGION, 30), SLOW_TO_ANSWER) == 1


@pytest.mark.parametrize("timeout", [0.2, 1])
def test_line_is_not_tried_more_than_once_a_second(timeout: float) -> None:
    line = Line(REGION, 7)
    answered(line)
    assert tries(line, SLOW_TO_ANSWER, read=timeout) == 7
    assert tries(line, SLOW_TO_CONNECT, connect=timeout) == 7


def test_line_whose_last_request_got_no_answer_is_tried_once() -> None:
    line = Line(REGION, 60)
    answered(line)
    failed(line)
    assert tries(line, SLOW_TO_ANSWER) == 1
    answered(line)
    assert tries(line, SLOW_TO_ANSWER) == 3


@pytest.mark.parametrize("caught", [BROKEN, None])
def test_what_is_no_silence_is_left_to_the_sdk(caught: Exception | None) -> None:
    line = Line(REGION, 0, is_replaceable=True)
    for attempts in (1, 50):
        line.stop_in_silence(client(10, 20), None, attempts, caught)


# When it is given up


def test_line_that_never_answered_is_given_up_after_one_request() -> None:
    line = Line(REGION, 60)
    assert not line.is_given_up
    failed(line)
    assert line.is_given_up


def test_line_that_has_answered_is_given_up_after_two_in_a_row() -> None:
    line = Line(REGION, 60)
    answered(line)
    failed(line)
    assert not line.is_given_up
    answered(line)
    failed(line)
    assert not line.is_given_up
    failed(line)
    assert line.is_given_up


def test_line_that_is_given_up_is_asked_no_more() -> None:
    line = Line(REGION, 60)
    line.check("GetMembers")
    failed(line)
    with pytest.raises(CallFailed) as caught:
        line.check("CreateMembers")
    failure = caught.value
    assert (failure.operation, failure.code, failure.reason) == ("CreateMembers", "NoAnswer", Reason.REGION_UNAVAILABLE)
    assert failure.text == "af-south-1 did not answer this task before (a text), so it was not asked again"
    assert not failure.is_uncertain


@pytest.mark.parametrize("code", ["ConnectTimeoutError", "EndpointConnectionError", "ReadTimeoutError"])
def test_silence_is_the_regions_until_it_has_answered_and_then_the_requests(code: str) -> None:
    line = Line(REGION, 60)
    failure = failed(line, code)
    assert (failure.operation, failure.code, failure.text) == ("GetMembers", code, "a text")
    assert (failure.reason, failure.is_uncertain) == (Reason.REGION_UNAVAILABLE, True)
    answered(line)
    failure = failed(line, code)
    assert (failure.reason, failure.is_uncertain) == (Reason.INTERNAL_ERROR, True)


def test_failure_that_is_no_silence_is_handed_on_and_not_counted() -> None:
    line = Line(REGION, 60)
    failure = CallFailed("GetMembers", "AccessDeniedException", "You may not.", Reason.ACCESS_DENIED)
    assert line.judge(failure) is failure
    assert not line.is_given_up
