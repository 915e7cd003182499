# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of fault as a real boto3 client meets it, and whether the call had its effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator, EmulatorError
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MEMBER,
    OTHER,
    REGION,
    SERVICES,
    ZERO,
    Clients,
    Side,
    error_of,
)
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

Sides = Callable[..., Side]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 400), ("TooManyRequestsException", 429), ("LimitExceededException", 429)],
)
def test_throttle(emulator: Emulator, side: Sides, service: str, code: str, status: int) -> None:
    own = side(service)
    emulator.add_fault(kind="throttle", service=service, operation="CreateMembers", code=code)
    assert error_of(lambda: own.create(MEMBER))[:2] == (code, status)
    assert own.statuses(MEMBER) == {}
    assert own.create(MEMBER) == {}


def test_throttle_with_another_status(emulator: Emulator, side: Sides) -> None:
    emulator.add_fault(kind="throttle", status=429)
    assert error_of(side("guardduty").listed)[:2] == ("ThrottlingException", 429)


@pytest.mark.parametrize(
    ("service", "code"), [("guardduty", "InternalServerErrorException"), ("securityhub", "InternalException")]
)
def test_http_500_has_the_modelled_code(emulator: Emulator, side: Sides, service: str, code: str) -> None:
    emulator.add_fault(kind="http_500")
    assert error_of(side(service).listed)[:2] == (code, 500)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("ExpiredTokenException", 403, "The security token included in the request is expired"),
        ("UnrecognizedClientException", 403, "The security token included in the request is invalid."),
        ("AccessDeniedException", 403, "User is not authorized to perform: x because no identity-based policy allows"),
        ("AccessDeniedException", 403, "with an explicit deny in a service control policy"),
        ("BadRequestException", 400, ""),
    ],
)
def test_error(emulator: Emulator, side: Sides, service: str, code: str, status: int, message: str) -> None:
    emulator.add_fault(kind="error", code=code, status=status, message=message)
    assert error_of(side(service).listed) == (code, status, message)


def test_reset_before_has_no_effect(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    emulator.add_fault(kind="reset_before", operation="CreateMembers")
    with pytest.raises(ConnectionClosedError):
        own.create(MEMBER)
    assert emulator.calls[-1].http_status is None
    assert own.statuses(MEMBER) == {}


def test_silent_has_no_effect(emulator: Emulator, side: Sides) -> None:
    emulator.add_fault(kind="silent", region=REGION, seconds=30)
    once = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    impatient = boto3.client("securityhub", config=once, **emulator.client_arguments())
    with pytest.raises(ReadTimeoutError):
        impatient.enable_security_hub()
    assert emulator.world.home("securityhub", ADMINISTRATOR, REGION).switch is None


def test_reset_after_has_its_effect(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    emulator.add_fault(kind="reset_after", operation="CreateMembers")
    with pytest.raises(ConnectionClosedError):
        own.create(MEMBER)
    assert own.statuses(MEMBER) == {MEMBER: "Created"}


def test_timeout_after_has_its_effect(emulator: Emulator, side: Sides) -> None:
    own = side("securityhub")
    emulator.add_fault(kind="timeout_after", operation="CreateMembers", seconds=30)
    impatient = boto3.client(
        "securityhub",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=0.2),
        **emulator.client_arguments(),
    )
    with pytest.raises(ReadTimeoutError):
        impatient.create_members(AccountDetails=[{"AccountId": MEMBER}])
    assert own.statuses(MEMBER) == {MEMBER: "Created"}


def test_silence_ends_in_a_closed_connection(emulator: Emulator, side: Sides) -> None:
    emulator.add_fault(kind="timeout_after", seconds=0.05)
    with pytest.raises(ConnectionClosedError):
        side("securityhub").listed()


def test_malformed_has_its_effect_and_no_usable_answer(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    emulator.add_fault(kind="malformed", operation="CreateMembers")
    try:
        answer = own.client.create_members(
            **own.detector, AccountDetails=[{"AccountId": MEMBER, "Email": "a@example.com"}]
        )
    except ResponseParserError:  # this depends on botocore
        answer = {}
    assert "UnprocessedAccounts" not in answer
    assert emulator.calls[-1].http_status == 200
    assert own.statuses(MEMBER) == {MEMBER: "Created"}


@pytest.mark.parametrize("service", SERVICES)
def test_unprocessed_concerns_the_named_accounts_only(emulator: Emulator, side: Sides, service: str) -> None:
    own = side(service)
    emulator.add_fault(kind="unprocessed", account_ids=[ZERO, OTHER], message="Some text")
    assert own.create(MEMBER, ZERO) == {ZERO: "some text"}
    assert emulator.calls[-1].unprocessed == [ZERO]
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Created"}
    assert own.create(MEMBER, ZERO).keys() == {MEMBER}


def test_unprocessed_does_not_strike_calls_without_these_accounts(emulator: Emulator, side: Sides) -> None:
    emulator.add_fault(kind="unprocessed", account_ids=[ZERO])
    assert side("guardduty").create(MEMBER) == {}
    assert list(side("guardduty").create(ZERO)) == [ZERO]


@pytest.mark.parametrize(
    ("service", "code"), [("guardduty", "BadRequestException"), ("securityhub", "InvalidInputException")]
)
def test_refuse_batch(emulator: Emulator, side: Sides, service: str, code: str) -> None:
    own = side(service)
    emulator.add_fault(kind="refuse_batch", account_ids=[ZERO], times=None)
    for _ignored in range(2):
        assert error_of(lambda: own.create(MEMBER, ZERO))[:2] == (code, 400)
    assert own.create(MEMBER) == {}
    assert own.statuses(MEMBER) == {MEMBER: "Created"}


def test_times_after_and_forever(emulator: Emulator, side: Sides) -> None:
    own = side("securityhub")

    def outcomes(count: int) -> list[bool]:
        results = []
        for _ignored in range(count):
            try:
                own.listed()
                results.append(True)
            except own.client.exceptions.ClientError:
                results.append(False)
        return results

    emulator.add_fault(kind="throttle", times=2, after=1)
    assert outcomes(5) == [True, False, False, True, True]
    emulator.add_fault(kind="throttle", times=None)
    assert outcomes(3) == [False, False, False]
    emulator.clear_faults()
    assert outcomes(1) == [True]


@pytest.mark.parametrize(
    "selector",
    [{"service": "securityhub"}, {"operation": "ListMembers"}, {"account_id": ADMINISTRATOR}, {"region": REGION}],
)
def test_selectors(emulator: Emulator, side: Sides, selector: dict[str, str]) -> None:
    other = {
        "service": side("guardduty").listed,
        "operation": side("securityhub").invitations,
        "account_id": side("securityhub", OTHER).listed,
        "region": side("securityhub", region="eu-west-1").listed,
    }
    emulator.add_fault(kind="throttle", times=None, **selector)
    [name] = selector
    other[name]()
    assert error_of(side("securityhub").listed)[0] == "ThrottlingException"


def test_the_first_rule_that_strikes_wins(emulator: Emulator, side: Sides) -> None:
    emulator.add_fault(kind="error", code="First")
    emulator.add_fault(kind="error", code="Second")
    codes = [error_of(side("guardduty").listed)[0] for _ignored in range(2)]
    assert codes == ["First", "Second"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("sts", "get_caller_identity"), ("organizations", "list_accounts"), ("ec2", "describe_regions")],
)
def test_faults_of_the_other_services(emulator: Emulator, clients: Clients, service: str, operation: str) -> None:
    emulator.add_fault(kind="error", service=service, code="ExpiredToken", status=403, message="expired <token>")
    assert error_of(getattr(clients(service), operation)) == ("ExpiredToken", 403, "expired <token>")


@pytest.mark.parametrize("rule", [{"kind": "earthquake"}, {"kind": "throttle", "operations": "ListMembers"}])
def test_wrong_rule_is_refused(emulator: Emulator, rule: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError):
        emulator.add_fault(**rule)


def test_boto3_retries_through_faults(emulator: Emulator) -> None:
    emulator.seed({"services": [{"service": "securityhub", "account_id": ADMINISTRATOR, "regions": [REGION]}]})
    emulator.add_fault(kind="reset_before", times=1)
    emulator.add_fault(kind="throttle", code="TooManyRequestsException", times=1)
    client = boto3.client("securityhub", **emulator.client_arguments())
    client.list_members()
    assert [(call.http_status, call.fault) for call in emulator.calls] == [
        (None, "reset_before"),
        (429, "throttle"),
        (200, None),
    ]
