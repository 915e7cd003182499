# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a request is asked again, and after how long: what is ours beside the SDK's own retries."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws import retries
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError

LIST_MEMBERS: Any = ServiceModel(Loader().load_service_model("guardduty", "service-2"), "guardduty").operation_model(
    "ListMembers"
)
CREATE_MEMBERS = SimpleNamespace(name="CreateMembers")


# The SDK's configuration


@pytest.mark.parametrize(("concurrency", "connections"), [(16, 16), (2, 2), (1, 1), (0, 1)])
def test_client_has_a_connection_for_each_conversation(concurrency: int, connections: int) -> None:
    assert retries.client_config(None, concurrency).max_pool_connections == connections


def test_client_tries_eight_times_within_a_wait_of_a_minute_and_says_whose_it_is() -> None:
    config = retries.client_config(None, 16)
    assert config.retries == {"mode": "standard", "total_max_attempts": 8}
    assert (config.connect_timeout, config.read_timeout) == (10, 30)
    assert config.user_agent_extra == "muster.aws"


@pytest.mark.parametrize(
    ("wanted", "used"),
    [
        ({}, {"mode": "standard", "total_max_attempts": 8}),
        ({"retries": {}}, {"mode": "standard", "total_max_attempts": 8}),
        ({"retries": {"mode": "adaptive"}}, {"mode": "adaptive", "total_max_attempts": 8}),
        ({"retries": {"max_attempts": 2}}, {"mode": "standard", "max_attempts": 2}),
        ({"retries": {"total_max_attempts": 3}}, {"mode": "standard", "total_max_attempts": 3}),
        ({"retries": {"total_max_attempts": 1, "mode": "legacy"}}, {"mode": "legacy", "total_max_attempts": 1}),
    ],
)
def test_client_takes_from_the_users_retries_what_is_there_and_ours_for_the_rest(
    wanted: dict[str, Any], used: dict[str, Any]
) -> None:
    mine = Config(**wanted)
    assert retries.client_config(mine, 16).retries == used


def test_client_obeys_the_users_configuration() -> None:
    mine = Config(read_timeout=3, max_pool_connections=5, proxies={"https": "http://localhost:1"})
    config = retries.client_config(mine, 16)
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (10, 3, 5)
    assert config.proxies == {"https": "http://localhost:1"}
    assert config.user_agent_extra == "muster.aws"
    assert mine.retries is None


@pytest.mark.parametrize(
    ("patience", "connect", "read"), [(60, 10, 30), (600, 10, 30), (30, 10, 15), (12, 6, 6), (0, 5, 5)]
)
def test_one_try_takes_at_most_half_of_the_wait(patience: float, connect: float, read: float) -> None:
    config = retries.client_config(None, 1, patience)
    assert (config.connect_timeout, config.read_timeout) == (connect, read)


# Answers that make no sense


def odd(status: int, content: bytes, error: dict[str, str] | None = None) -> Any:
    return SimpleNamespace(status_code=status, content=content), {"Error": error} if error else {}


UNREADABLE = odd(200, b'{"members": ')
WORDLESS = odd(400, b"", {"Code": "BadRequestException", "Message": ""})


@pytest.mark.parametrize("response", [UNREADABLE, odd(200, b'{"members": ""}'), WORDLESS, odd(400, b"")])
def test_answer_without_sense_or_words_is_asked_for_three_times_in_all(response: Any) -> None:
    waits = [retries.retry_odd_answers(response, attempts, LIST_MEMBERS) for attempts in (1, 2)]
    assert waits == [0.2, 0.4]


def test_answer_that_stays_unreadable_is_a_failure() -> None:
    for attempts in (3, 4):
        with pytest.raises(ResponseParserError, match="^it is not the JSON that the API model describes$"):
            retries.retry_odd_answers(UNREADABLE, attempts, LIST_MEMBERS)


def test_refusal_that_stays_without_a_word_is_a_refusal() -> None:
    assert [retries.retry_odd_answers(WORDLESS, attempts, LIST_MEMBERS) for attempts in (3, 4)] == [None, None]


@pytest.mark.parametrize(
    "response",
    [
        None,
        odd(200, b'{"members": []}'),
        odd(200, b""),
        odd(400, b"", {"Code": "BadRequestException", "Message": "No."}),
        # The SDK asks these again by itself, and refusals of other kinds mean what their code says.
        odd(500, b"{", {"Code": "500", "Message": ""}),
        odd(403, b"", {"Code": "403", "Message": ""}),
        odd(404, b"", {"Code": "404", "Message": ""}),
    ],
)
def test_any_other_answer_is_not_asked_for_again_here(response: Any) -> None:
    assert [retries.retry_odd_answers(response, attempts, LIST_MEMBERS) for attempts in (1, 3)] == [None, None]


# Throttles


@pytest.fixture(params=[0.0, 0.25, 1.0])
def chance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    monkeypatch.setattr(retries.random, "random", lambda: request.param)
    return request.param


def error(code: str, text: str | None = "") -> Any:
    return SimpleNamespace(status_code=429), {"Error": {"Code": code, "Message": text}}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ThrottlingException", "Rate exceeded"),
        ("TooManyRequestsException", None),
        # Security Hub's code for a quota, without a quota's words.
        ("LimitExceededException", ""),
        ("BadRequestException", "Too many requests, please wait."),
    ],
)
def test_throttle_is_asked_again_after_a_wait_that_doubles_by_chance(
    code: str, text: str | None, chance: float
) -> None:
    waits = [retries.retry_throttles(8, error(code, text), attempts, CREATE_MEMBERS) for attempts in range(1, 8)]
    assert waits == [
        chance * 1,
        chance * 2,
        chance * 4,
        chance * 8,
        chance * 16,
        min(chance * 32, 20),
        min(chance * 64, 20),
    ]


def test_throttle_is_asked_again_as_often_as_the_configuration_says() -> None:
    waits = [retries.retry_throttles(3, error("SlowDown"), attempts, CREATE_MEMBERS) for attempts in range(1, 6)]
    assert [wait is None for wait in waits] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "response",
    [
        None,
        (SimpleNamespace(status_code=200), {}),
        (SimpleNamespace(status_code=400), {"Error": {}}),
        error("AccessDeniedException", "You may not."),
        error("InternalException", "Internal error"),
        error("LimitExceededException", "You cannot create anymore members."),
    ],
)
def test_what_is_no_throttle_is_left_to_the_sdk(response: Any) -> None:
    assert retries.retry_throttles(8, response, 1, CREATE_MEMBERS) is None


def test_error_without_a_code_is_no_throttle() -> None:
    assert retries.retry_throttles(8, (None, {"Error": {"Message": "Hm."}}), 1, CREATE_MEMBERS) is None


# Quotas

QUOTA = {"Code": "LimitExceededException", "Message": "You cannot create anymore members."}
EVENT = "response-received.securityhub.CreateMembers"


@pytest.mark.parametrize(
    ("context", "repeated"),
    [(None, 0), ({}, 0), ({"retries": None}, 0), ({"retries": {"attempt": 1}}, 0), ({"retries": {"attempt": 3}}, 2)],
)
def test_quota_is_raised_at_once_with_the_tries_that_came_before(context: Any, repeated: int) -> None:
    for metadata in ({}, {"ResponseMetadata": {"HTTPStatusCode": 429}}):
        answer = {"Error": QUOTA, **metadata}
        with pytest.raises(ClientError) as caught:
            retries.refuse_to_retry_quotas(answer, context, EVENT)
        assert caught.value.operation_name == "CreateMembers"
        assert caught.value.response["Error"] == QUOTA
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == repeated


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"Error": {}},
        {"Error": {"Code": "LimitExceededException"}},
        {"Error": {"Code": "LimitExceededException", "Message": None}},
        {"Error": {"Code": "LimitExceededException", "Message": "Rate exceeded"}},
        {"Error": {"Message": "You cannot create anymore members."}},
        {"Error": {"Code": "TooManyRequestsException", "Message": "You cannot create anymore members."}},
    ],
)
def test_what_is_no_quota_is_not_raised(answer: Any) -> None:
    retries.refuse_to_retry_quotas(answer, {"retries": {"attempt": 1}}, EVENT)


@pytest.mark.parametrize("operation", ["CreateMembers", "InviteMembers"])
def test_quota_names_the_operation_of_the_event(operation: str) -> None:
    with pytest.raises(ClientError) as caught:
        retries.refuse_to_retry_quotas({"Error": {**QUOTA}}, None, f"response-received.securityhub.{operation}")
    assert caught.value.operation_name == operation
