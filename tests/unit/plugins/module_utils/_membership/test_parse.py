# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.parse import (
    UnprocessedKeys,
    account_id_of,
    answer_of,
    handle_of,
    list_of,
    tags_of,
    text_of,
    unreadable,
    value_of,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, CallFailed, Refusal
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import A, B


def test_unreadable_answer_may_have_taken_effect() -> None:
    failure = unreadable("GetMembers", "what is this")
    assert failure.as_problem().text == "UnreadableAnswer: what is this"
    assert (failure.operation, failure.reason, failure.is_uncertain, failure.is_input_refused) == (
        "GetMembers",
        Reason.INTERNAL_ERROR,
        True,
        False,
    )


@pytest.mark.parametrize("items", [[], [{}], [{"AccountId": A}, {"AccountId": B}]])
def test_list_of_list_of_structures_is_returned(items) -> None:
    assert list_of("GetMembers", {"Members": items}, "Members") == items


@pytest.mark.parametrize("response", [{}, {"Members": None}, {"Members": {}}, {"Members": "x"}, {"members": []}])
def test_list_of_missing_or_odd_list_is_never_taken_for_empty(response) -> None:
    with pytest.raises(CallFailed, match="GetMembers.*no usable Members"):
        list_of("GetMembers", response, "Members")


@pytest.mark.parametrize("item", [None, A, [], 1])
def test_list_of_list_with_anything_else_in_it_is_refused(item) -> None:
    with pytest.raises(CallFailed):
        list_of("GetMembers", {"Members": [{"AccountId": A}, item]}, "Members")


def test_account_id_of_twelve_digits_is_returned() -> None:
    assert account_id_of("GetMembers", {"AccountId": A}) == A


@pytest.mark.parametrize("data", [{}, {"AccountId": None}, {"accountId": A}, {"AccountId": int(B)}])
@pytest.mark.parametrize("operation", ["GetMembers", "ListMembers"])
def test_account_id_of_missing_or_odd_id_is_refused(data, operation) -> None:
    with pytest.raises(CallFailed, match=operation) as caught:
        account_id_of(operation, data)
    assert caught.value.text == f"the answer has a record with the account id {data.get('AccountId', '')!r}"


@pytest.mark.parametrize("value", ["", A[1:], A + "0", A + "\n", " " + A[1:], "\u0661" * 12])
def test_account_id_of_text_of_another_form_is_refused(value) -> None:
    with pytest.raises(CallFailed) as caught:
        account_id_of("GetMembers", {"AccountId": value})
    assert caught.value.text == f"the answer has a record with the account id {value!r}"


@pytest.mark.parametrize(("value", "kind"), [(True, bool), (False, bool), ("", str), ("x", str), (None, str)])
def test_value_of_right_type_or_nothing_is_returned(value, kind) -> None:
    assert value_of("DescribeHub", {"Key": value}, "Key", kind) is value
    assert value_of("DescribeHub", {}, "Key", kind) is None


@pytest.mark.parametrize(("value", "kind"), [(1, bool), ("true", bool), (7, str), ([], str), ({}, bool)])
def test_value_of_another_type_is_refused(value, kind) -> None:
    with pytest.raises(CallFailed, match="DescribeHub.*the Key"):
        value_of("DescribeHub", {"Key": value}, "Key", kind)


def test_handle_of_text_is_returned() -> None:
    assert handle_of("ListDetectors", "abc") == "abc"


@pytest.mark.parametrize("value", [None, "", " ", 7, ["abc"], {}])
def test_handle_of_anything_else_is_refused(value) -> None:
    with pytest.raises(CallFailed, match="ListDetectors") as caught:
        handle_of("ListDetectors", value)
    assert caught.value.text == f"the answer names a resource {value!r}"


@pytest.mark.parametrize("data", [{}, {"Tags": None}, {"Tags": {}}])
def test_tags_of_nothing_are_none(data) -> None:
    assert tags_of("GetDetector", data) == {}


def test_tags_of_texts_are_returned_and_of_anything_else_refused() -> None:
    assert tags_of("GetDetector", {"Tags": {"a": "1", "b": ""}}) == {"a": "1", "b": ""}
    with pytest.raises(CallFailed, match="GetDetector.*Tags"):
        tags_of("GetDetector", {"Tags": {"a": "1", "b": 2}})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
        (datetime(2026, 1, 1, tzinfo=timezone.utc), "2026-01-01T00:00:00.000Z"),
        (datetime(2026, 1, 1, 1, 30, 0, 999999, timezone(timedelta(hours=2))), "2025-12-31T23:30:00.999Z"),
        # Times that have no counterpart in UTC: before the first year, after the last.
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "0001-01-01T00:00:00.000+14:00"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-1))), "9999-12-31T23:00:00.000-01:00"),
        (7, "7"),
    ],
)
def test_text_of_value_is_text_and_times_are_iso_8601_in_utc(value, text) -> None:
    assert text_of(value) == text


def test_text_of_a_time_does_not_depend_on_where_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as here:
            here.setenv("TZ", "XXX-05:30")
            time.tzset()
            assert text_of(datetime(2026, 1, 1, tzinfo=timezone.utc)) == "2026-01-01T00:00:00.000Z"
    finally:
        time.tzset()


def refusals(texts: dict[str, str]) -> dict[str, Refusal]:
    return {account_id: Refusal(text) for account_id, text in texts.items()}


@pytest.mark.parametrize("key", ["Result", "ProcessingResult"])
def test_answer_of_unprocessed_accounts_keeps_the_text_under_the_services_key(key) -> None:
    response = {"UnprocessedAccounts": [{"AccountId": A, key: "No  way."}, {"AccountId": B}]}
    assert answer_of(response, UnprocessedKeys(key)) == Answer(refusals({A: "No  way.", B: "AWS gave no reason"}))


def test_answer_of_unprocessed_accounts_keeps_the_code_where_the_service_gives_one() -> None:
    keys = UnprocessedKeys("errorMessage", "errorCode", "accountId", "unprocessed")
    items = [{"accountId": A, "errorMessage": "No.", "errorCode": "AccessDenied"}, {"accountId": B}]
    expected = {A: Refusal("No.", "AccessDenied"), B: Refusal("AWS gave no reason", "")}
    assert answer_of({"unprocessed": items}, keys) == Answer(expected)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ({"UnprocessedAccounts": []}, Answer()),
        ({}, Answer(is_per_account=False)),
        ({"UnprocessedAccounts": None}, Answer(is_per_account=False)),
        ({"UnprocessedAccounts": ["what", None]}, Answer(is_per_account=False)),
        ({"UnprocessedAccounts": [{"Result": "No."}]}, Answer(refusals({"None": "No."}), is_per_account=False)),
        (
            {"UnprocessedAccounts": [{"AccountId": 7, "Result": 8}, {"AccountId": A, "Result": "No."}]},
            Answer(refusals({"7": "8", A: "No."}), is_per_account=False),
        ),
        ({"UnprocessedAccounts": [], "ResponseMetadata": {}}, Answer()),
        ({"UnprocessedAccounts": [], "ResponseMetadata": {"RetryAttempts": 0}}, Answer()),
        ({"UnprocessedAccounts": [], "ResponseMetadata": {"RetryAttempts": 1}}, Answer(is_repeated=True)),
        ({"ResponseMetadata": None}, Answer(is_per_account=False)),
    ],
)
def test_answer_of_response_says_whether_it_speaks_for_accounts_and_was_repeated(response, answer) -> None:
    assert answer_of(response, UnprocessedKeys("Result")) == answer
