# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are not what the API model says, and times as AWS writes them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.answers import is_as_modelled, parse_timestamp
from botocore.loaders import Loader
from botocore.model import ServiceModel

UTC = timezone.utc


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2018-02-09T21:33:05.568+00:00", datetime(2018, 2, 9, 21, 33, 5, 568000, UTC)),
        ("2018-02-09T21:33:05.568000+02:00", datetime(2018, 2, 9, 21, 33, 5, 568000, timezone(timedelta(hours=2)))),
        ("2018-02-09T21:33:05.568Z", datetime(2018, 2, 9, 21, 33, 5, 568000, UTC)),
        ("2018-02-09T21:33:05Z", datetime(2018, 2, 9, 21, 33, 5, 0, UTC)),
        ("Fri, 09 Feb 2018 21:33:05 GMT", datetime(2018, 2, 9, 21, 33, 5, 0, UTC)),
        (1518211985, datetime(2018, 2, 9, 21, 33, 5, 0, UTC)),
        (1518211985.5, datetime(2018, 2, 9, 21, 33, 5, 500000, UTC)),
        ("1518211985", datetime(2018, 2, 9, 21, 33, 5, 0, UTC)),
    ],
)
def test_time_is_read_in_each_of_the_forms_that_the_sdk_knows(value: Any, moment: datetime) -> None:
    found = parse_timestamp(value)
    assert found == moment and found.tzinfo is not None


def test_time_of_most_answers_is_read_without_the_sdks_slow_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("botocore.utils.parse_timestamp")
    assert parse_timestamp("2018-02-09T21:33:05.568+00:00") == datetime(2018, 2, 9, 21, 33, 5, 568000, UTC)


@pytest.mark.parametrize("value", ["yesterday", "", None, [2018]])
def test_time_that_is_none_is_refused_as_by_the_sdk(value: Any) -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        parse_timestamp(value)


def operation(service: str, name: str) -> Any:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service).operation_model(name)


MEMBERS = ("guardduty", "ListMembers")
DETECTOR = ("guardduty", "GetDetector")


@pytest.mark.parametrize(
    ("service", "name", "answer"),
    [
        (*MEMBERS, {"members": []}),
        (*MEMBERS, {"members": [{"accountId": "1"}, {}], "nextToken": "x"}),
        # What is missing is the adapter's to judge, and so is a value.
        (*MEMBERS, {}),
        (*MEMBERS, {"members": None}),
        (*MEMBERS, {"members": [{"accountId": 1}]}),
        # What no model has is passed over: AWS adds to its answers. GuardDuty's names begin with a small letter.
        (*MEMBERS, {"members": [], "Members": "", "new": ""}),
        (*DETECTOR, {"tags": {"team": "a"}, "features": [{"additionalConfiguration": [{"name": "x"}]}]}),
        (*DETECTOR, {"tags": {"team": 1}, "features": [{"additionalConfiguration": None}]}),
        # AWS Organizations speaks another JSON.
        ("organizations", "ListAWSServiceAccessForOrganization", {"EnabledServicePrincipals": [{}]}),
        # Security Hub's names begin with a capital letter.
        ("securityhub", "ListMembers", {"Members": [], "members": ""}),
    ],
)
def test_answer_is_as_modelled(service: str, name: str, answer: Any) -> None:
    assert is_as_modelled(operation(service, name), json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("service", "name", "answer"),
    [
        (*MEMBERS, []),
        (*MEMBERS, ""),
        (*MEMBERS, None),
        (*MEMBERS, {"members": ""}),
        (*MEMBERS, {"members": {}}),
        (*MEMBERS, {"members": 0}),
        (*MEMBERS, {"members": [[]]}),
        (*MEMBERS, {"members": ["x"]}),
        # A null is no member of a list.
        (*MEMBERS, {"members": [{"accountId": "1"}, None]}),
        (*DETECTOR, {"tags": []}),
        (*DETECTOR, {"tags": "x"}),
        (*DETECTOR, {"tags": {"team": None}}),
        (*DETECTOR, {"features": [{"additionalConfiguration": {}}]}),
        (*DETECTOR, {"features": [{"additionalConfiguration": [""]}]}),
        ("organizations", "ListAWSServiceAccessForOrganization", {"EnabledServicePrincipals": ""}),
        ("securityhub", "ListMembers", {"Members": ""}),
    ],
)
def test_answer_with_a_container_of_another_kind_is_not(service: str, name: str, answer: Any) -> None:
    assert not is_as_modelled(operation(service, name), json.dumps(answer).encode())


@pytest.mark.parametrize("body", [b"{", b"<html></html>", b'{"members": [{"accountId": ', b"\xff"])
def test_answer_that_is_no_json_is_not(body: bytes) -> None:
    assert not is_as_modelled(operation(*MEMBERS), body)


@pytest.mark.parametrize("name", ["ListMembers", "DisassociateMembers"])
def test_answer_without_a_body_is(name: str) -> None:
    assert is_as_modelled(operation("guardduty", name), b"")


def test_answer_of_a_service_that_speaks_xml_is_not_looked_at() -> None:
    assert is_as_modelled(operation("sts", "GetCallerIdentity"), b"<GetCallerIdentityResponse/>")


@pytest.mark.parametrize(("body", "is_right"), [(b"{}", True), (b'{"x": []}', True), (b"[]", False)])
def test_answer_of_an_operation_that_has_none_is_an_object(body: bytes, is_right: bool) -> None:
    silent = operation("organizations", "EnableAWSServiceAccess")
    assert silent.output_shape is None
    assert is_as_modelled(silent, body) is is_right
