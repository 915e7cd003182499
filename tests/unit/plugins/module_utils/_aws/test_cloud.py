# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task has of AWS: whose credentials, which clients, which roles; and what becomes of answers and failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.muster.aws.plugins.module_utils._aws import cloud as cloud_file
from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import AwsApi, Caller, Cloud, Role, require_sdk
from ansible_collections.muster.aws.plugins.module_utils._aws.sessions import AccountSession
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._aws.sdk import (
    NOBODY,
    SLOW_TO_ANSWER,
    SLOW_TO_CONNECT,
    Aws,
    Said,
    identity,
    refused,
    role_keys,
    said,
    sts_refused,
    sts_said,
)
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

ACCOUNT, OTHER = "012345678901", "222222222222"
HOME, REGION, CHINA = "us-east-1", "eu-central-1", "cn-north-1"
OWN = {"access_key": "AKIAOWN", "secret_key": "secret"}
ONE_TRY = {"retries": {"total_max_attempts": 1}}
ROLE = Role("teams/Onboard", "muster")

# In GuardDuty, a failure of each kind as a call tells it.
Failure = tuple[str, str, Reason, bool, bool]


def module_with(**options: Any) -> Any:
    """Return what a module of amazon.aws is to the cloud: its options."""
    return SimpleNamespace(params={**OWN, "region": HOME, "validate_certs": True, **options})


def cloud_in(*regions: str, patience: float = 60, concurrency: int = 16, **options: Any) -> Cloud:
    return Cloud(module_with(**options), regions or (HOME,), concurrency, patience)


def failure_of(call: Callable[[], object]) -> Failure:
    with pytest.raises(CallFailed) as caught:
        call()
    failure = caught.value
    return failure.code, failure.text, failure.reason, failure.is_uncertain, failure.is_input_refused


def list_detectors(api: AwsApi) -> Callable[[], object]:
    return lambda: api.call("ListDetectors", MaxResults=5)


# The SDK


def test_sdk_that_is_old_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(cloud_file, "check_sdk_version_supported", lambda warn: warn("boto3 is old"))
    module: Any = SimpleNamespace(warn=warned.append)
    require_sdk(module)
    assert warned == ["boto3 is old"]


def test_sdk_that_is_missing_ends_the_task_with_what_amazon_aws_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(warn: object) -> None:
        raise AnsibleBotocoreError(message="Failed to import boto3")

    monkeypatch.setattr(cloud_file, "check_sdk_version_supported", check)
    module: Any = SimpleNamespace(warn=None)
    with pytest.raises(TaskFailed, match="^Failed to import boto3$"):
        require_sdk(module)


# Connection options


def test_options_are_those_of_each_client_and_an_endpoint_is_the_one_of_the_service(aws: Aws) -> None:
    cloud = cloud_in(
        REGION,
        patience=20,
        concurrency=7,
        endpoint_url="http://x",
        validate_certs=False,
        aws_config={"region_name": "x"},
    )
    cloud.api(GUARDDUTY, REGION, ACCOUNT)
    cloud.organizations(CHINA)

    for made in aws.made:
        config = made.pop("config")
        assert (config.max_pool_connections, config.read_timeout, config.region_name) == (7, 10, "x")
    assert aws.made == [
        {"service": "sts", "region_name": REGION, "endpoint_url": None, "verify": False},
        {"service": "guardduty", "region_name": REGION, "endpoint_url": "http://x", "verify": False},
        {"service": "organizations", "region_name": CHINA, "endpoint_url": None, "verify": False},
    ]


def test_client_is_made_once_for_each_service_and_region(aws: Aws) -> None:
    cloud = cloud_in(HOME)
    for facts, region in [(GUARDDUTY, HOME), (SECURITYHUB, HOME), (GUARDDUTY, REGION)] * 2:
        cloud.api(facts, region, ACCOUNT)
        cloud.api(facts, region, OTHER)
    assert [(made["service"], made["region_name"]) for made in aws.made] == [
        ("sts", HOME),
        ("guardduty", HOME),
        ("securityhub", HOME),
        ("guardduty", REGION),
    ]


def test_profile_is_whose_credentials_are_used(aws: Aws, tmp_path: Path) -> None:
    keys = "aws_access_key_id = {}\naws_secret_access_key = secret\n"
    text = f"[default]\n{keys.format('AKIADEFAULT')}[mine]\n{keys.format('AKIAMINE')}"
    (tmp_path / "credentials").write_text(text)
    cloud_in(access_key=None, secret_key=None, profile="mine")
    cloud_in(access_key=None, secret_key=None)
    assert aws.keys == ["AKIAMINE", "AKIADEFAULT"]


def test_sts_is_asked_in_the_region_whatever_the_environment_says(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    cloud_in(REGION)
    cloud_in(HOME)
    assert [asked.address for asked in aws.asked] == [
        f"https://sts.{region}.amazonaws.com/" for region in (REGION, HOME)
    ]


def test_times_are_read_by_our_parser(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def parse(value: object) -> datetime:
        read.append(value)
        return datetime(2030, 1, 1, tzinfo=timezone.utc)

    monkeypatch.setattr(cloud_file, "parse_timestamp", parse)
    aws.say("AssumeRole", role_keys(ACCOUNT))
    cloud_in().assume_role(ACCOUNT, ROLE, HOME)
    assert read == ["2030-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"access_key": None, "secret_key": None, "profile": "nobody"},
            "cannot connect to AWS with these options: The config profile (nobody) could not be found",
        ),
        (
            {"aws_config": {"retries": 5}},
            "cannot connect to AWS with these options: 'int' object has no attribute",
        ),
        (
            {"endpoint_url": "nonsense"},
            "cannot connect to AWS with these options: endpoint_url 'nonsense' is no URL",
        ),
        ({"secret_key": None}, "access_key and secret_key go together: give both of them, or neither"),
        (
            {"aws_config": {"nothing": 1}},
            "cannot connect to AWS with these options: Got unexpected keyword argument 'nothing'",
        ),
        (
            {"aws_config": {"retries": {"mode": "never"}}},
            'cannot connect to AWS with these options: Invalid value provided to "mode": "never" must be one of: ',
        ),
    ],
)
def test_options_that_make_no_client_end_the_task(aws: Aws, options: dict[str, Any], text: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        cloud_in(**options)
    assert str(caught.value).startswith(text)
    assert aws.asked == []


# Whose credentials


@pytest.mark.parametrize(
    ("arn", "partition"),
    [
        ("<Arn>arn:aws-cn:iam::012345678901:user/x</Arn>", "aws-cn"),
        ("<Arn>arn:aws:iam::012345678901:user/x</Arn>", "aws"),
        ("<Arn>arn:aws-cn</Arn>", "aws-cn"),
        ("<Arn>odd</Arn>", "aws"),
        ("", "aws"),
    ],
)
def test_caller_is_who_sts_says(aws: Aws, arn: str, partition: str) -> None:
    aws.say("GetCallerIdentity", sts_said("GetCallerIdentity", f"{arn}<Account>{ACCOUNT}</Account>"))
    assert cloud_in(REGION).caller == Caller(ACCOUNT, partition)
    assert aws.calls == [("GetCallerIdentity", REGION)]
    assert aws.keys == ["AKIAOWN"]


@pytest.mark.parametrize(("content", "told"), [("", "'None'"), ("<Account>12345678901</Account>", "'12345678901'")])
def test_caller_without_an_account_is_nobody(aws: Aws, content: str, told: str) -> None:
    aws.say("GetCallerIdentity", sts_said("GetCallerIdentity", content))
    with pytest.raises(TaskFailed) as caught:
        cloud_in(REGION)
    assert str(caught.value) == f"AWS did not say whose the credentials are: GetCallerIdentity answered {told}"


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ({REGION: identity()}, [REGION]),
        # Off for the account, or no Region at all: the partition's home Region knows.
        ({REGION: sts_refused("InvalidClientTokenId")}, [REGION, HOME]),
        ({REGION: sts_refused("RegionDisabledException")}, [REGION, HOME]),
        ({REGION: NOBODY}, [REGION, HOME]),
        # In another partition, there is another one.
        ({REGION: NOBODY, HOME: NOBODY}, [REGION, HOME, HOME, CHINA]),
        (
            {REGION: NOBODY, HOME: sts_refused("RegionDisabledException")},
            [REGION, HOME, CHINA],
        ),
    ],
)
def test_caller_is_asked_for_where_sts_says_anything(aws: Aws, told: dict[str, Any], asked: list[str]) -> None:
    for region, answer in told.items():
        aws.say("GetCallerIdentity", answer, region=region)
    assert cloud_in(REGION, CHINA).caller == Caller("111111111111", "aws")
    assert [region for _operation, region in aws.calls] == asked


_LATER = "Try again in a while; if it stays so, check the network, region and AWS_ENDPOINT_URL"
_NOW = "Renew them, or check access_key, profile, region and AWS_ENDPOINT_URL"


@pytest.mark.parametrize(
    ("told", "text", "asked"),
    [
        (
            {REGION: sts_refused("AccessDenied")},
            f"AWS did not accept the credentials: GetCallerIdentity in {REGION}: AccessDenied: You may not.. {_NOW}",
            [REGION],
        ),
        (
            {REGION: sts_refused("InvalidClientTokenId"), HOME: sts_refused("InvalidClientTokenId", "No such key.")},
            "AWS did not accept the credentials: GetCallerIdentity in us-east-1: InvalidClientTokenId: No such key.. "
            + _NOW,
            [REGION, HOME],
        ),
        (
            {REGION: sts_refused("Throttling", "Rate exceeded", 400)},
            f"AWS did not say whose the credentials are: GetCallerIdentity in {REGION}: Throttling: Rate exceeded. "
            + _LATER,
            [REGION],
        ),
        (
            {REGION: sts_refused("InternalFailure", "Oh.", 500)},
            f"AWS did not say whose the credentials are: GetCallerIdentity in {REGION}: InternalFailure: Oh.. {_LATER}",
            [REGION],
        ),
        (
            {REGION: NOBODY, HOME: NOBODY, CHINA: SLOW_TO_CONNECT, "cn-northwest-1": SLOW_TO_CONNECT},
            f"AWS did not say whose the credentials are: GetCallerIdentity in cn-northwest-1: ConnectTimeoutError: "
            f"{SLOW_TO_CONNECT}. {_LATER}",
            [REGION, HOME, CHINA, "cn-northwest-1"],
        ),
    ],
)
def test_caller_that_is_not_told_ends_the_task(aws: Aws, told: dict[str, Any], text: str, asked: list[str]) -> None:
    for region, answer in told.items():
        aws.say("GetCallerIdentity", answer, region=region)
    with pytest.raises(TaskFailed) as caught:
        cloud_in(REGION, CHINA, aws_config=ONE_TRY)
    assert str(caught.value) == text
    assert [region for _operation, region in aws.calls] == asked
    assert isinstance(caught.value.__cause__, CallFailed)


def test_caller_is_not_known_without_a_region(aws: Aws) -> None:
    with pytest.raises(TaskFailed) as caught:
        Cloud(module_with(), [], 1, 60)
    assert str(caught.value) == (
        "AWS did not say whose the credentials are: GetCallerIdentity: NoRegion: there is no Region to ask in. "
        + _LATER
    )


# Roles


@pytest.mark.parametrize(
    ("role", "params"),
    [
        (ROLE, {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/teams/Onboard", "RoleSessionName": "muster"}),
        (
            Role("R", "me", "sesame"),
            {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/R", "RoleSessionName": "me", "ExternalId": "sesame"},
        ),
    ],
)
def test_role_is_assumed_by_the_caller_and_its_keys_are_the_accounts(
    aws: Aws, role: Role, params: dict[str, str]
) -> None:
    aws.say("AssumeRole", role_keys(ACCOUNT))
    cloud = cloud_in(HOME)
    with cloud.acting_as(AccountSession(lambda: Credentials("ASIAOTHER", "secret", "token"))):
        session = cloud.assume_role(ACCOUNT, role, REGION)
    asked = aws.asked[-1]
    assert (asked.operation, asked.region, asked.key) == ("AssumeRole", REGION, "AKIAOWN")
    assert asked.params == {**params, "Action": "AssumeRole", "Version": "2011-06-15"}
    assert tuple(session.get_frozen_credentials())[:3] == ("ASIAROLE", "secret", "token")


def test_role_is_in_the_callers_partition(aws: Aws) -> None:
    aws.say("GetCallerIdentity", identity(partition="aws-cn"))
    aws.say("AssumeRole", role_keys(ACCOUNT, partition="aws-cn"))
    cloud_in(CHINA).assume_role(ACCOUNT, ROLE, CHINA)
    assert aws.asked[-1].params["RoleArn"] == f"arn:aws-cn:iam::{ACCOUNT}:role/teams/Onboard"


def test_sts_of_a_region_that_takes_no_credentials_is_asked_once_in_a_task(aws: Aws) -> None:
    aws.say("AssumeRole", NOBODY, region=REGION)
    aws.say("AssumeRole", sts_refused("InvalidClientTokenId"), region="eu-south-2")
    aws.say("AssumeRole", sts_refused("RegionDisabledException"), region="af-south-1")
    aws.say("AssumeRole", role_keys(ACCOUNT))
    cloud = cloud_in(HOME)
    for region in (REGION, REGION, "eu-south-2", "eu-south-2", "af-south-1", "af-south-1", HOME):
        cloud.assume_role(ACCOUNT, ROLE, region)
    # What is off for one account may be on for the next one.
    regions = [REGION, HOME, HOME, "eu-south-2", HOME, HOME, "af-south-1", HOME, "af-south-1", HOME, HOME]
    assert aws.calls == [("GetCallerIdentity", HOME), *(("AssumeRole", region) for region in regions)]


def test_sts_of_the_home_region_is_asked_for_itself_alone(aws: Aws) -> None:
    aws.say("AssumeRole", sts_refused("RegionDisabledException"))
    cloud = cloud_in(HOME)
    for _again in range(2):
        with pytest.raises(CallFailed):
            cloud.assume_role(ACCOUNT, ROLE, HOME)
    assert aws.calls[1:] == [("AssumeRole", HOME)] * 2


@pytest.mark.parametrize(
    ("refusal", "failure"),
    [
        (
            sts_refused("AccessDenied"),
            ("AccessDenied", "You may not.", Reason.ASSUME_ROLE_FAILED, False, False),
        ),
        (
            sts_refused("ExpiredToken", "It is over."),
            ("ExpiredToken", "It is over.", Reason.ACCESS_DENIED, False, False),
        ),
        (
            sts_refused("Throttling", "Rate exceeded", 400),
            ("Throttling", "Rate exceeded", Reason.THROTTLED, False, False),
        ),
        (
            sts_refused("InternalFailure", "Oh.", 500),
            ("InternalFailure", "Oh.", Reason.INTERNAL_ERROR, False, False),
        ),
        (
            sts_refused("RegionDisabledException", "It is off."),
            ("RegionDisabledException", "It is off.", Reason.REGION_UNAVAILABLE, False, False),
        ),
        (
            sts_said("AssumeRole", ""),
            (
                "WrongAccount",
                "AWS answered with '', which is not in the account asked for",
                Reason.ASSUME_ROLE_FAILED,
                False,
                False,
            ),
        ),
        (
            role_keys(OTHER),
            (
                "WrongAccount",
                f"AWS answered with 'arn:aws:sts::{OTHER}:assumed-role/Onboard/x', which is not in the account "
                "asked for",
                Reason.ASSUME_ROLE_FAILED,
                False,
                False,
            ),
        ),
        (
            Said(role_keys(ACCOUNT).body.replace(b"Credentials>", b"Other>")),
            ("UnreadableAnswer", "the answer has no usable Credentials", Reason.INTERNAL_ERROR, True, False),
        ),
        *(
            (
                Said(role_keys(ACCOUNT).body.replace(name, b"Other")),
                ("UnreadableAnswer", "the answer has no usable Credentials", Reason.INTERNAL_ERROR, True, False),
            )
            for name in (b"AccessKeyId", b"SecretAccessKey", b"SessionToken")
        ),
    ],
)
def test_role_that_is_not_given_is_a_failure_of_the_account(aws: Aws, refusal: Said, failure: Failure) -> None:
    aws.say("AssumeRole", refusal)
    cloud = cloud_in(HOME, aws_config=ONE_TRY)
    assert failure_of(lambda: cloud.assume_role(ACCOUNT, ROLE, HOME)) == failure
    with pytest.raises(CallFailed) as caught:
        cloud.assume_role(ACCOUNT, ROLE, HOME)
    assert caught.value.operation == "AssumeRole"


def test_requests_are_signed_by_the_account_that_is_acted_as(aws: Aws) -> None:
    aws.say("AssumeRole", role_keys(ACCOUNT))
    aws.say("ListDetectors", said(detectorIds=[]))
    cloud = cloud_in(HOME)
    session = cloud.assume_role(ACCOUNT, ROLE, HOME)
    list_own = list_detectors(cloud.api(GUARDDUTY, REGION, ACCOUNT))
    list_own()
    with cloud.acting_as(session):
        list_own()
        with cloud.acting_as(None):
            list_own()
    assert aws.keys[2:] == ["AKIAOWN", "ASIAROLE", "AKIAOWN"]
    assert aws.calls[2:] == [("ListDetectors", REGION)] * 3


# The APIs of a cloud


def test_arn_names_partition_service_region_and_account(aws: Aws) -> None:
    aws.say("GetCallerIdentity", identity(partition="aws-us-gov"))
    cloud = cloud_in("us-gov-west-1")
    api = cloud.api(GUARDDUTY, "us-gov-east-1", ACCOUNT)
    assert api.arn("detector/x") == f"arn:aws-us-gov:guardduty:us-gov-east-1:{ACCOUNT}:detector/x"
    assert cloud.organizations("us-gov-west-1").arn("x") == "x"


def test_refusals_are_read_by_the_services_own_words(aws: Aws) -> None:
    text = "The request failed because the account is not subscribed to AWS Security Hub"
    aws.say("DescribeHub", refused("InvalidAccessException", text))
    aws.say("DescribeOrganization", refused("InvalidAccessException", text))
    cloud = cloud_in(HOME)
    hub = cloud.api(SECURITYHUB, HOME, ACCOUNT)
    assert failure_of(lambda: hub.call("DescribeHub"))[2] is Reason.SERVICE_NOT_ENABLED
    organizations = cloud.organizations(HOME)
    assert failure_of(lambda: organizations.call("DescribeOrganization"))[2] is Reason.ACCESS_DENIED


def test_refusals_are_read_by_the_operation_that_they_are_of(aws: Aws) -> None:
    text = "The request is rejected because it is already a member of another master account."
    aws.say("CreateMembers", refused("BadRequestException", text))
    aws.say("ListDetectors", refused("BadRequestException", text))
    api = cloud_in(HOME).api(GUARDDUTY, HOME, ACCOUNT)
    details = [{"AccountId": OTHER, "Email": "b@example.com"}]
    create = partial(api.call, "CreateMembers", DetectorId="d1", AccountDetails=details)
    assert failure_of(create)[2] is Reason.CALLER_IS_MEMBER
    assert failure_of(list_detectors(api))[2] is Reason.MEMBER_OF_OTHER_ADMINISTRATOR


@pytest.mark.parametrize(("patience", "tries"), [(60, 2), (5, 1)])
def test_region_that_says_nothing_is_given_up_after_what_the_wait_pays_for(aws: Aws, patience: int, tries: int) -> None:
    aws.say("ListDetectors", SLOW_TO_ANSWER)
    aws.say("DescribeOrganization", SLOW_TO_ANSWER)
    cloud = cloud_in(HOME, patience=patience)
    for ask in (
        lambda: cloud.api(GUARDDUTY, REGION, ACCOUNT).call("ListDetectors"),
        lambda: cloud.organizations(REGION).call("DescribeOrganization"),
    ):
        del aws.asked[:]
        assert failure_of(ask) == ("ReadTimeoutError", str(SLOW_TO_ANSWER), Reason.REGION_UNAVAILABLE, True, False)
        told = f"{REGION} did not answer this task before ({SLOW_TO_ANSWER}), so it was not asked again"
        assert failure_of(ask) == ("NoAnswer", told, Reason.REGION_UNAVAILABLE, False, False)
        with pytest.raises(CallFailed) as caught:
            ask()
        assert {caught.value.operation} == {operation for operation, _region in aws.calls}
        assert len(aws.asked) == tries


def test_service_of_a_region_answers_for_itself_alone(aws: Aws) -> None:
    aws.say("ListDetectors", NOBODY, region=REGION)
    aws.say("ListDetectors", said(detectorIds=["x"]))
    cloud = cloud_in(HOME)
    failure_of(list_detectors(cloud.api(GUARDDUTY, REGION, ACCOUNT)))
    assert cloud.api(GUARDDUTY, HOME, ACCOUNT).call("ListDetectors")["DetectorIds"] == ["x"]


# What the SDK is made to do beside its own retries


@pytest.fixture
def guardduty(aws: Aws) -> AwsApi:
    return cloud_in(HOME).api(GUARDDUTY, HOME, ACCOUNT)


def test_refusal_without_a_word_is_asked_three_times(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("ListDetectors", refused("BadRequestException", None))
    assert failure_of(list_detectors(guardduty)) == ("BadRequestException", "", Reason.INTERNAL_ERROR, True, False)
    assert len(aws.calls) == 1 + 3 and aws.slept == [0.2, 0.4]


def test_throttle_is_asked_again_as_often_as_the_configuration_says_though_the_sdk_gave_up(aws: Aws) -> None:
    config = {"retries": {"total_max_attempts": 40, "mode": "standard"}}
    api = cloud_in(HOME, aws_config=config).api(GUARDDUTY, HOME, ACCOUNT)
    aws.say("ListDetectors", refused("TooManyRequestsException", "Rate exceeded", 429))
    for _request in range(4):
        failure = failure_of(list_detectors(api))
        assert failure == ("TooManyRequestsException", "Rate exceeded", Reason.THROTTLED, True, False)
    assert len(aws.calls) == 1 + 4 * 40


def test_quota_is_asked_once(aws: Aws) -> None:
    api = cloud_in(HOME).api(SECURITYHUB, HOME, ACCOUNT)
    text = "You cannot create anymore members."
    aws.say("ListMembers", refused("LimitExceededException", text, 429))
    assert failure_of(lambda: api.call("ListMembers")) == (
        "LimitExceededException",
        text,
        Reason.QUOTA_EXCEEDED,
        False,
        False,
    )
    assert len(aws.calls) == 1 + 1


def test_session_that_is_over_is_taken_anew_while_there_are_tries_left(aws: Aws) -> None:
    aws.say("AssumeRole", role_keys(ACCOUNT, "ASIA1"), role_keys(ACCOUNT, "ASIA2"), role_keys(ACCOUNT, "ASIA3"))
    over = refused("ExpiredTokenException", "It is over.", 403)
    no = refused("BadRequestException", "No.")
    aws.say("ListDetectors", said(detectorIds=[]), over, no, over)
    cloud = cloud_in(HOME, aws_config={"retries": {"total_max_attempts": 2}})
    list_here = list_detectors(cloud.api(GUARDDUTY, HOME, ACCOUNT))
    with cloud.acting_as(cloud.assume_role(ACCOUNT, ROLE, HOME)):
        list_here()
        # The try before had no effect: the refusal is of the request.
        assert failure_of(list_here) == ("BadRequestException", "No.", Reason.OTHER, False, True)
        assert failure_of(list_here) == ("ExpiredTokenException", "It is over.", Reason.ACCESS_DENIED, False, False)
    keys = ["ASIA1", "ASIA1", "AKIAOWN", "ASIA2", "ASIA2", "AKIAOWN", "ASIA3"]
    assert aws.keys[2:] == keys


# Calls


def test_call_is_sent_with_its_parameters_and_returns_the_answer(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("CreateMembers", said(unprocessedAccounts=[]))
    details = [{"AccountId": OTHER, "Email": "b@example.com"}]
    answer = guardduty.call("CreateMembers", DetectorId="d1", AccountDetails=details)
    assert answer["UnprocessedAccounts"] == [] and isinstance(answer, dict)
    asked = aws.asked[-1]
    assert asked.address == "https://guardduty.us-east-1.amazonaws.com/detector/d1/member"
    assert asked.params == {"accountDetails": [{"accountId": OTHER, "email": "b@example.com"}]}


NO_TEXT = ClientError({"Error": {"Code": "Odd", "Message": None}, "ResponseMetadata": {}}, "ListDetectors")


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        (refused("BadRequestException", "No."), ("BadRequestException", "No.", Reason.OTHER, False, True)),
        (
            refused("AccessDeniedException", "You may not.", 403),
            ("AccessDeniedException", "You may not.", Reason.ACCESS_DENIED, False, False),
        ),
        # What is no known reason is AWS's fault where the status says so.
        (refused("Odd", "Hm.", 500), ("Odd", "Hm.", Reason.INTERNAL_ERROR, True, False)),
        (refused("Odd", "Hm.", 599), ("Odd", "Hm.", Reason.INTERNAL_ERROR, True, False)),
        (refused("Odd", "Hm.", 499), ("Odd", "Hm.", Reason.OTHER, False, False)),
        (
            refused("AccessDeniedException", "You may not.", 500),
            ("AccessDeniedException", "You may not.", Reason.ACCESS_DENIED, False, False),
        ),
        (ClientError({}, "ListDetectors"), ("", "", Reason.OTHER, False, False)),
        (NO_TEXT, ("Odd", "", Reason.OTHER, False, False)),
        (
            ClientError({"Error": {"Code": "BadRequestException", "Message": "No."}}, "ListDetectors"),
            ("BadRequestException", "No.", Reason.OTHER, False, True),
        ),
        (
            ResponseParserError("no JSON"),
            ("UnreadableAnswer", "the answer could not be read: no JSON", Reason.INTERNAL_ERROR, True, False),
        ),
        # Nothing was sent.
        *(
            (error, (type(error).__name__, str(error), reason, False, False))
            for error, reason in (
                (NoCredentialsError(), Reason.ACCESS_DENIED),
                (PartialCredentialsError(provider="x", cred_var="y"), Reason.ACCESS_DENIED),
                (CredentialRetrievalError(provider="x", error_msg="y"), Reason.ACCESS_DENIED),
                (ParamValidationError(report="x"), Reason.INVALID_INPUT),
            )
        ),
        (
            ProxyConnectionError(proxy_url="x"),
            ("ProxyConnectionError", str(ProxyConnectionError(proxy_url="x")), Reason.INTERNAL_ERROR, True, False),
        ),
        *(
            (error, ("UnreadableAnswer", f"the answer could not be read: {error}", Reason.INTERNAL_ERROR, True, False))
            for error in (
                ArithmeticError("a"),
                AttributeError("b"),
                LookupError("c"),
                RuntimeError("d"),
                TypeError("e"),
                ValueError("f"),
            )
        ),
    ],
)
def test_failure_is_told_with_what_it_means_and_whether_it_may_have_had_an_effect(
    aws: Aws, told: Any, failure: Failure
) -> None:
    aws.say("ListDetectors", told)
    api = cloud_in(HOME, aws_config=ONE_TRY).api(GUARDDUTY, HOME, ACCOUNT)
    assert failure_of(list_detectors(api)) == failure
    with pytest.raises(CallFailed) as caught:
        api.call("ListDetectors")
    assert caught.value.operation == "ListDetectors"


def test_refusal_after_a_lost_answer_leaves_open_what_the_first_try_did(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("ListDetectors", refused("InternalServerErrorException", "Oh.", 500), refused("BadRequestException", "No."))
    assert failure_of(list_detectors(guardduty)) == ("BadRequestException", "No.", Reason.OTHER, True, False)


@pytest.mark.parametrize(
    ("metadata", "is_uncertain"),
    [
        ({}, False),
        ({"RetryAttempts": 0}, False),
        ({"RetryAttempts": 1}, True),
        ({"RetryAttempts": 1, "SessionRenewals": 1}, False),
        ({"RetryAttempts": 2, "SessionRenewals": 1}, True),
        ({"SessionRenewals": 1}, False),
    ],
)
def test_refusal_is_of_the_request_where_it_was_repeated_for_its_signature_alone(
    aws: Aws, guardduty: AwsApi, metadata: dict[str, int], is_uncertain: bool
) -> None:
    error = {"Error": {"Code": "BadRequestException", "Message": "No."}, "ResponseMetadata": metadata}
    aws.say("ListDetectors", ClientError(error, "ListDetectors"))
    failure = ("BadRequestException", "No.", Reason.OTHER, is_uncertain, not is_uncertain)
    assert failure_of(list_detectors(guardduty)) == failure


def test_mistake_of_ours_is_no_failure_of_a_call(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("ListDetectors", NotImplementedError("x"), OSError("y"))
    with pytest.raises(OSError, match="y"):
        for _call in range(2):
            failure_of(list_detectors(guardduty))


# Lists


@pytest.mark.parametrize(("options", "size"), [({}, "50"), ({"page_size": 7}, "7")])
def test_pages_are_read_to_the_last_one_though_one_is_empty(
    aws: Aws, guardduty: AwsApi, options: dict[str, int], size: str
) -> None:
    aws.say(
        "ListDetectors",
        said(detectorIds=["a"], nextToken="1"),
        said(detectorIds=[], nextToken="2"),
        said(detectorIds=["b"]),
    )
    assert guardduty.pages("ListDetectors", "DetectorIds", **options) == ["a", "b"]
    sent = {"maxResults": size}
    assert [asked.params for asked in aws.asked[1:]] == [sent, {**sent, "nextToken": "1"}, {**sent, "nextToken": "2"}]


def test_pages_are_asked_for_with_the_parameters_of_the_call(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("ListMembers", said(members=[]))
    assert guardduty.pages("ListMembers", "Members", DetectorId="d1", OnlyAssociated="false") == []
    assert aws.asked[-1].address.endswith("/detector/d1/member")
    assert aws.asked[-1].params == {"maxResults": "50", "onlyAssociated": "false"}


@pytest.mark.parametrize(("options", "size"), [({}, 50), ({"page_size": 7}, 7)])
def test_pages_are_read_where_the_sdk_has_no_paginator(aws: Aws, options: dict[str, int], size: int) -> None:
    api = cloud_in(HOME).api(replace(GUARDDUTY, client="detective"), HOME, ACCOUNT)
    pages = [said(MemberDetails=[{"AccountId": OTHER}], NextToken="1"), said(MemberDetails=[], NextToken="2")]
    aws.say("ListMembers", *pages, said(MemberDetails=[{"AccountId": ACCOUNT}], NextToken=""))
    found = api.pages("ListMembers", "MemberDetails", GraphArn="arn:x", **options)
    assert found == [{"AccountId": OTHER}, {"AccountId": ACCOUNT}]
    sent = {"GraphArn": "arn:x", "MaxResults": size}
    assert [asked.params for asked in aws.asked[1:]] == [sent, {**sent, "NextToken": "1"}, {**sent, "NextToken": "2"}]


def unreadable_list(key: str) -> Failure:
    return "UnreadableAnswer", f"the answer has no usable {key}, or no end", Reason.INTERNAL_ERROR, True, False


def test_list_that_is_missing_in_one_page_is_unreadable(aws: Aws, guardduty: AwsApi) -> None:
    # No page of an account that has none: the model says the same of both.
    aws.say("ListMembers", said(members=[], nextToken="1"), said(nextToken="2"), said(members=[]))
    assert failure_of(lambda: guardduty.pages("ListMembers", "Members", DetectorId="d1")) == unreadable_list("Members")
    with pytest.raises(CallFailed) as caught:
        guardduty.pages("ListMembers", "Nothing", DetectorId="d1")
    assert caught.value.operation == "ListMembers"


@pytest.mark.parametrize("client", ["guardduty", "detective"])
def test_list_without_an_end_ends_as_unreadable(aws: Aws, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_file, "_PAGE_LIMIT", 3)
    api = cloud_in(HOME).api(replace(GUARDDUTY, client=client), HOME, ACCOUNT)
    operation, key, name = {
        "guardduty": ("ListDetectors", "DetectorIds", "detectorIds"),
        "detective": ("ListGraphs", "GraphList", "GraphList"),
    }[client]
    token = "nextToken" if client == "guardduty" else "NextToken"
    pages = [said(**{name: [], token: str(number)}) for number in range(9)]
    aws.say(operation, *pages)
    assert failure_of(lambda: api.pages(operation, key)) == unreadable_list(key)
    assert len(aws.calls) == 1 + 3
    aws.say(operation, *pages[:1], said(**{name: []}))
    assert api.pages(operation, key) == []


def test_list_that_is_refused_is_a_failure_of_the_call(aws: Aws, guardduty: AwsApi) -> None:
    aws.say("ListDetectors", refused("BadRequestException", "No."))
    failure = ("BadRequestException", "No.", Reason.OTHER, False, True)
    assert failure_of(lambda: guardduty.pages("ListDetectors", "DetectorIds")) == failure
    aws.say("ListDetectors", NOBODY)
    with pytest.raises(CallFailed) as caught:
        guardduty.pages("ListDetectors", "DetectorIds")
    assert (caught.value.operation, caught.value.code) == ("ListDetectors", "EndpointConnectionError")
