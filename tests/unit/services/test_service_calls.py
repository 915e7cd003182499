# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each service itself, on or off, call by call: what is sent, and how an answer is read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature, FeatureWish
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, ServiceRecord
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import OF_ACCOUNT
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, REGION
from ansible_collections.muster.aws.tests.unit.services.scripted import Refused, Said, scripted

DETECTOR = "1" * 32
DETECTORS = {"detectorIds": [DETECTOR]}
NONE: dict[str, Any] = {"detectorIds": []}
HUB = f"arn:aws:securityhub:{REGION}:{ADMINISTRATOR}:hub/default"
DENIED = Refused("AccessDeniedException", "You may not.", 403)
# Told by its code, or by its text under another one.
MISSING = Refused("ResourceNotFoundException", "Words that nobody has seen yet.", 404)
NOTHING = Refused("InvalidInputException", "No such resource found.")
GONE = Refused(
    "BadRequestException",
    "The request is rejected because the input detectorId is not owned by the current account.",
)

# What the wire has, and what it is read as: first with everything, then with what AWS leaves out.
DETECTOR_BODY = {
    "status": "ENABLED",
    "serviceRole": "arn:aws:iam::111111111111:role/x",
    "findingPublishingFrequency": "ONE_HOUR",
    "features": [
        {
            "name": "RUNTIME_MONITORING",
            "status": "ENABLED",
            "additionalConfiguration": [{"name": "EC2_AGENT_MANAGEMENT", "status": "DISABLED"}],
        }
    ],
    "tags": {"team": "a"},
}
RUNTIME = Feature("RUNTIME_MONITORING", "ENABLED", {"EC2_AGENT_MANAGEMENT": "DISABLED"})


@pytest.mark.parametrize(
    ("service", "answers", "found"),
    [
        (
            "guardduty",
            {"ListDetectors": DETECTORS, "GetDetector": DETECTOR_BODY},
            ServiceRecord(
                DETECTOR,
                "ENABLED",
                {
                    "enabled": True,
                    "finding_publishing_frequency": "ONE_HOUR",
                    "features": {"RUNTIME_MONITORING": RUNTIME},
                },
                {"team": "a"},
            ),
        ),
        (
            "guardduty",
            {"ListDetectors": DETECTORS, "GetDetector": {"status": "DISABLED"}},
            ServiceRecord(
                DETECTOR,
                "DISABLED",
                {"enabled": False, "finding_publishing_frequency": None, "features": {}},
                {},
            ),
        ),
        ("guardduty", {"ListDetectors": NONE}, None),
        (
            "securityhub",
            {
                "DescribeHub": {
                    "HubArn": HUB,
                    "AutoEnableControls": False,
                    "ControlFindingGenerator": "STANDARD_CONTROL",
                }
            },
            ServiceRecord(
                HUB, "ENABLED", {"auto_enable_controls": False, "control_finding_generator": "STANDARD_CONTROL"}
            ),
        ),
        (
            "securityhub",
            {"DescribeHub": {"HubArn": HUB}},
            ServiceRecord(HUB, "ENABLED", {"auto_enable_controls": None, "control_finding_generator": None}),
        ),
        ("securityhub", {"DescribeHub": MISSING}, None),
        ("securityhub", {"DescribeHub": NOTHING}, None),
        (
            "securityhub",
            {"DescribeHub": Refused("InvalidAccessException", "Account 1 is not subscribed to AWS Security Hub", 401)},
            None,
        ),
        (
            "macie",
            {"GetMacieSession": {"status": "ENABLED", "findingPublishingFrequency": "ONE_HOUR"}},
            ServiceRecord("", "ENABLED", {"enabled": True, "finding_publishing_frequency": "ONE_HOUR"}),
        ),
        (
            "macie",
            {"GetMacieSession": {"status": "PAUSED"}},
            ServiceRecord("", "PAUSED", {"enabled": False, "finding_publishing_frequency": None}),
        ),
        ("macie", {"GetMacieSession": MISSING}, None),
        ("macie", {"GetMacieSession": NOTHING}, None),
        ("macie", {"GetMacieSession": Refused("AccessDeniedException", "Macie is not enabled.", 403)}, None),
    ],
)
def test_service_is_described(
    service: str, answers: dict[str, Any], found: ServiceRecord | None, emulator: Emulator
) -> None:
    with scripted(emulator, service, answers) as aws:
        assert aws.service.open_service(aws.api()).describe(with_tags=False) == found
    params = {"ListDetectors": {"MaxResults": 50}, "GetDetector": {"DetectorId": DETECTOR}}
    assert aws.asked == [(operation, params.get(operation, {})) for operation in answers]


@pytest.mark.parametrize(("body", "tags"), [({"Tags": {"team": "a"}}, {"team": "a"}), ({}, {})])
def test_securityhub_tags_are_a_call_of_their_own(
    body: dict[str, Any], tags: dict[str, str], emulator: Emulator
) -> None:
    answers: dict[str, Any] = {"DescribeHub": {"HubArn": HUB, "AutoEnableControls": True}, "ListTagsForResource": body}
    with scripted(emulator, "securityhub", answers) as aws:
        found = aws.service.open_service(aws.api()).describe(with_tags=True)
    settings = {"auto_enable_controls": True, "control_finding_generator": None}
    assert found == ServiceRecord(HUB, "ENABLED", settings, tags)
    assert aws.asked == [("DescribeHub", {}), ("ListTagsForResource", {"ResourceArn": HUB})]


@pytest.mark.parametrize("service", ["guardduty", "macie"])
def test_tags_that_come_along_or_do_not_exist_cost_no_call(service: str, emulator: Emulator) -> None:
    answers: dict[str, Any] = {
        "ListDetectors": DETECTORS,
        "GetDetector": DETECTOR_BODY,
        "GetMacieSession": {"status": "ENABLED"},
    }
    with scripted(emulator, service, answers) as aws:
        found = aws.service.open_service(aws.api()).describe(with_tags=True)
    assert found and found.tags == ({"team": "a"} if service == "guardduty" else None)
    assert "ListTagsForResource" not in aws.operations


@pytest.mark.parametrize(
    ("service", "operation", "body", "text"),
    [
        ("guardduty", "GetDetector", {}, "the answer has the Status None"),
        ("guardduty", "GetDetector", {"status": "SLEEPING"}, "the answer has the Status 'SLEEPING'"),
        (
            "guardduty",
            "GetDetector",
            {"status": "ENABLED", "findingPublishingFrequency": 6},
            "the answer has the FindingPublishingFrequency 6",
        ),
        ("guardduty", "GetDetector", {"status": "ENABLED", "tags": {"a": 1}}, "the answer has the Tags {'a': 1}"),
        (
            "guardduty",
            "GetDetector",
            {"status": "ENABLED", "features": [{"name": 1}]},
            "the answer has the Name 1",
        ),
        ("securityhub", "DescribeHub", {}, "the answer names a resource None"),
        (
            "securityhub",
            "DescribeHub",
            {"HubArn": HUB, "ControlFindingGenerator": True},
            "the answer has the ControlFindingGenerator True",
        ),
        ("securityhub", "ListTagsForResource", {"Tags": {"a": 1}}, "the answer has the Tags {'a': 1}"),
        ("macie", "GetMacieSession", {}, "the answer has the status 'None'"),
        ("macie", "GetMacieSession", {"status": "SLEEPING"}, "the answer has the status 'SLEEPING'"),
        (
            "macie",
            "GetMacieSession",
            {"status": "ENABLED", "findingPublishingFrequency": 6},
            "the answer has the findingPublishingFrequency 6",
        ),
    ],
)
def test_description_that_makes_no_sense_is_not_believed(
    service: str, operation: str, body: dict[str, Any], text: str, emulator: Emulator
) -> None:
    answers: dict[str, Any] = {"ListDetectors": DETECTORS, "DescribeHub": {"HubArn": HUB}, operation: body}
    with scripted(emulator, service, answers) as aws, pytest.raises(CallFailed) as caught:
        aws.service.open_service(aws.api()).describe(with_tags=True)
    failure = caught.value
    assert (failure.operation, failure.code, failure.text) == (operation, "UnreadableAnswer", text)


@pytest.mark.parametrize(
    ("service", "operation"),
    [("guardduty", "GetDetector"), ("securityhub", "DescribeHub"), ("macie", "GetMacieSession")],
)
def test_refusal_to_describe_is_one(service: str, operation: str, emulator: Emulator) -> None:
    with (
        scripted(emulator, service, {"ListDetectors": DETECTORS, operation: DENIED}) as aws,
        pytest.raises(CallFailed) as caught,
    ):
        aws.service.open_service(aws.api()).describe(with_tags=False)
    assert (caught.value.operation, caught.value.reason) == (operation, Reason.ACCESS_DENIED)
    assert aws.operations.count("ListDetectors") == (service == "guardduty")


@pytest.mark.parametrize("is_listed", [False, True])
def test_guardduty_detector_that_is_deleted_meanwhile_is_off_once_it_is_not_listed_either(
    is_listed: bool, emulator: Emulator
) -> None:
    listed: list[Said] = [DETECTORS, DETECTORS if is_listed else NONE]
    with scripted(emulator, "guardduty", {"ListDetectors": listed, "GetDetector": GONE}) as aws:
        port = aws.service.open_service(aws.api())
        if is_listed:
            with pytest.raises(CallFailed, match="not owned by the current account"):
                port.describe(with_tags=False)
        else:
            assert port.describe(with_tags=False) is None
    assert aws.operations == ["ListDetectors", "GetDetector", "ListDetectors"]


# Writes

WISH = FeatureWish((Feature("S3_DATA_EVENTS", "ENABLED"),), OF_ACCOUNT)
AS_SENT = [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]


@pytest.mark.parametrize(
    ("service", "settings", "tags", "operation", "body", "params"),
    [
        (
            "guardduty",
            {"enabled": False, "finding_publishing_frequency": "ONE_HOUR", "features": WISH},
            {"team": "a"},
            "CreateDetector",
            {"detectorId": DETECTOR},
            {
                "Enable": False,
                "FindingPublishingFrequency": "ONE_HOUR",
                "Features": AS_SENT,
                "Tags": {"team": "a"},
            },
        ),
        (
            "guardduty",
            {"enabled": True},
            {},
            "CreateDetector",
            {"detectorId": DETECTOR},
            {"Enable": True},
        ),
        (
            "securityhub",
            {"enable_default_standards": True, "control_finding_generator": "STANDARD_CONTROL"},
            {"team": "a"},
            "EnableSecurityHub",
            {},
            {"EnableDefaultStandards": True, "ControlFindingGenerator": "STANDARD_CONTROL", "Tags": {"team": "a"}},
        ),
        (
            "securityhub",
            {"enable_default_standards": False},
            {},
            "EnableSecurityHub",
            {},
            {"EnableDefaultStandards": False},
        ),
        (
            "macie",
            {"enabled": False, "finding_publishing_frequency": "ONE_HOUR"},
            {},
            "EnableMacie",
            {},
            {"status": "PAUSED", "findingPublishingFrequency": "ONE_HOUR"},
        ),
        ("macie", {}, {}, "EnableMacie", {}, {}),
    ],
)
def test_service_is_switched_on_with_what_was_asked_for(
    service: str,
    settings: dict[str, object],
    tags: dict[str, str],
    operation: str,
    body: dict[str, Any],
    params: dict[str, Any],
    emulator: Emulator,
) -> None:
    with scripted(emulator, service, {operation: body}) as aws:
        assert aws.service.open_service(aws.api()).enable(settings, tags) is True
    assert aws.asked == [(operation, params)]


@pytest.mark.parametrize("body", [{}, {"detectorId": ""}])
def test_guardduty_detector_that_gets_no_name_is_not_believed(body: dict[str, Any], emulator: Emulator) -> None:
    with (
        scripted(emulator, "guardduty", {"CreateDetector": body}) as aws,
        pytest.raises(CallFailed, match="CreateDetector: UnreadableAnswer: the answer names a resource"),
    ):
        aws.service.open_service(aws.api()).enable({"enabled": True}, {})


@pytest.mark.parametrize(
    ("service", "settings", "operation", "params"),
    [
        (
            "guardduty",
            {"enabled": False, "finding_publishing_frequency": "ONE_HOUR"},
            "UpdateDetector",
            {"DetectorId": DETECTOR, "Enable": False, "FindingPublishingFrequency": "ONE_HOUR"},
        ),
        ("guardduty", {"features": WISH}, "UpdateDetector", {"DetectorId": DETECTOR, "Features": AS_SENT}),
        (
            "securityhub",
            {"auto_enable_controls": False, "control_finding_generator": "SECURITY_CONTROL"},
            "UpdateSecurityHubConfiguration",
            {"AutoEnableControls": False, "ControlFindingGenerator": "SECURITY_CONTROL"},
        ),
        ("securityhub", {"auto_enable_controls": True}, "UpdateSecurityHubConfiguration", {"AutoEnableControls": True}),
        (
            "macie",
            {"enabled": True, "finding_publishing_frequency": "SIX_HOURS"},
            "UpdateMacieSession",
            {"status": "ENABLED", "findingPublishingFrequency": "SIX_HOURS"},
        ),
        ("macie", {"enabled": False}, "UpdateMacieSession", {"status": "PAUSED"}),
        (
            "macie",
            {"finding_publishing_frequency": "SIX_HOURS"},
            "UpdateMacieSession",
            {"findingPublishingFrequency": "SIX_HOURS"},
        ),
    ],
)
def test_settings_that_differ_are_changed_and_no_others(
    service: str, settings: dict[str, object], operation: str, params: dict[str, Any], emulator: Emulator
) -> None:
    with scripted(emulator, service, {operation: {}}) as aws:
        aws.service.open_service(aws.api()).update(DETECTOR if service == "guardduty" else HUB, settings)
    assert aws.asked == [(operation, params)]


def test_a_detector_that_was_just_created_is_looked_up_to_be_changed(emulator: Emulator) -> None:
    with scripted(emulator, "guardduty", {"ListDetectors": DETECTORS, "UpdateDetector": {}}) as aws:
        aws.service.open_service(aws.api()).update("", {"enabled": False})
    assert aws.asked[1:] == [("UpdateDetector", {"DetectorId": DETECTOR, "Enable": False})]


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("guardduty", "DeleteDetector", {"DetectorId": DETECTOR}),
        ("securityhub", "DisableSecurityHub", {}),
        ("macie", "DisableMacie", {}),
    ],
)
def test_service_is_switched_off(service: str, operation: str, params: dict[str, Any], emulator: Emulator) -> None:
    with scripted(emulator, service, {operation: {}}) as aws:
        aws.service.open_service(aws.api()).disable(DETECTOR if service == "guardduty" else HUB)
    assert aws.asked == [(operation, params)]


@pytest.mark.parametrize(
    ("service", "partition", "handle", "arn"),
    [
        ("guardduty", "aws", DETECTOR, f"arn:aws:guardduty:{REGION}:{ADMINISTRATOR}:detector/{DETECTOR}"),
        ("guardduty", "aws-cn", DETECTOR, f"arn:aws-cn:guardduty:{REGION}:{ADMINISTRATOR}:detector/{DETECTOR}"),
        ("securityhub", "aws", HUB, HUB),
    ],
)
def test_tags_are_set_and_taken_away_by_arn(
    service: str, partition: str, handle: str, arn: str, emulator: Emulator
) -> None:
    with scripted(emulator, service, {"TagResource": {}, "UntagResource": {}}) as aws:
        port: Any = aws.service.open_service(aws.api(partition=partition))
        port.tag(handle, {"team": "a", "stage": "b"})
        port.untag(handle, ["old", "older"])
    assert aws.asked == [
        ("TagResource", {"ResourceArn": arn, "Tags": {"team": "a", "stage": "b"}}),
        ("UntagResource", {"ResourceArn": arn, "TagKeys": ["old", "older"]}),
    ]
