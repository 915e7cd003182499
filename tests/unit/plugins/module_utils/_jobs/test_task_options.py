# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import Cloud
from ansible_collections.muster.aws.plugins.module_utils._jobs.task import (
    check_common,
    checked_accounts,
    feature_wish,
    member_targets,
    refuse,
    role_of,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature, FeatureWish
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.plugins.module_utils._targets import Target
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    COMMON,
    EAST,
    ENTERED,
    NOT_ENTERED,
    ROLE,
    WEST,
    Place,
    StandIn,
    service_with,
    session_of,
    task_of,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
)

# An info module's options: neither waits nor a limit.
OPTIONS = {**COMMON, **NOT_ENTERED, "account_ids": None}


def faults_of(error: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, str]]:
    assert {fault.reason for fault in error.value.faults} == {Reason.INVALID_INPUT}
    return [(fault.account_id, fault.text) for fault in error.value.faults]


def test_patience_is_what_the_options_say() -> None:
    task = task_of({"wait": False, "wait_timeout": 30}, StandIn())
    patience = task.patience()
    assert patience == Patience(task.clock, False, 30.0) and isinstance(patience.timeout, float)


def test_targets_are_in_the_tasks_regions_and_as_many_at_once_as_the_options_say() -> None:
    task = task_of({"concurrency": 4}, StandIn(), [WEST, EAST])
    targets = task.targets(cast(Cloud, StandIn()), GUARDDUTY, [B, A], ROLE)

    assert targets.all == [Target(region, account_id) for region in (EAST, WEST) for account_id in (A, B)]
    assert targets.run(lambda _target, api: api, [Target(WEST, B)]) == {
        Target(WEST, B): Place(GUARDDUTY, WEST, B, session_of(B))
    }
    # One thread for each of the four leaves none to share.
    begun: list[int] = []
    next(targets.for_each(begun.append, [1, 2]))
    assert begun == [1]


def test_refuse_names_every_fault_and_none_is_no_refusal() -> None:
    faults = [Fault(A, Reason.INVALID_INPUT, "odd"), Fault(B, Reason.EMAIL_MISSING, "missing")]
    refuse(iter(()))
    with pytest.raises(InvalidInput) as error:
        refuse(iter(faults))
    assert error.value.faults == tuple(faults)


@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        {**OPTIONS, "concurrency": 1, "wait_timeout": 0, "purge_limit": 0, "role_name": "path/muster"},
        {"concurrency": 1},
    ],
)
def test_common_options_that_are_in_order_are_taken(options: Mapping[str, Any]) -> None:
    check_common(task_of(options, StandIn(), [EAST, WEST]), GUARDDUTY)


NO_REGION = "Region {!r} is not the name of an AWS Region such as us-east-1"
NO_ROLE = (
    "role name '/muster' is not an IAM role name; "
    "write the name, with its path if it has one but without a leading slash, not an ARN"
)


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"concurrency": 0}, ["concurrency must be at least 1"]),
        ({"wait_timeout": -1}, ["wait_timeout must not be negative"]),
        ({"purge_limit": -1}, ["purge_limit must not be negative"]),
        ({"role_name": "/muster"}, [NO_ROLE]),
        ({"external_id": "q"}, ["external_id must have 2 to 1224 letters, digits or characters of _+=,.@:/-"]),
        *(
            (
                {"external_id": A, **shown},
                [
                    "external_id is an account id or a Region that this is about, or a part of one, and would be "
                    "masked in the results; let the role's trust policy ask for another"
                ],
            )
            for shown in (
                {"account_ids": [B, A]},
                {"account_ids": None, "administrator_id": A},
                {"account_ids": None, "members": [{"account_id": B}, {"account_id": A}]},
                {"account_ids": None, "members": None, "external_id": EAST[3:7]},
            )
        ),
        (
            {"external_id": "changed"},
            [
                "external_id is a word of the results, or a part of one, and would be masked in the results; "
                "let the role's trust policy ask for another"
            ],
        ),
        (
            {"regions": ["nowhere", EAST, "all"], "concurrency": -2, "wait_timeout": -1, "purge_limit": -1, **ENTERED},
            [
                NO_REGION.format("nowhere"),
                NO_REGION.format("all"),
                "concurrency must be at least 1",
                "wait_timeout must not be negative",
                "purge_limit must not be negative",
            ],
        ),
    ],
)
def test_common_options_that_are_not_are_all_named(given: Mapping[str, Any], texts: list[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        check_common(task_of({**OPTIONS, **given}, StandIn(), given.get("regions", [EAST])), GUARDDUTY)
    assert faults_of(error) == [("", text) for text in texts]


FEATURES = [
    {"name": "S3_DATA_EVENTS", "status": "ENABLED", "additional_configuration": None},
    {
        "name": "RUNTIME_MONITORING",
        "status": "DISABLED",
        "additional_configuration": [{"name": "EKS_ADDON_MANAGEMENT", "status": "DISABLED"}],
    },
]


def test_features_are_read_in_the_words_of_the_service() -> None:
    wanted = (
        Feature("S3_DATA_EVENTS", "ENABLED"),
        Feature("RUNTIME_MONITORING", "DISABLED", {"EKS_ADDON_MANAGEMENT": "DISABLED"}),
    )
    words = GUARDDUTY.features
    assert words and feature_wish(GUARDDUTY, {"features": FEATURES}) == FeatureWish(wanted, words)


@pytest.mark.parametrize("options", [{}, {"features": None}, {"features": []}])
def test_features_that_nobody_asked_for_are_no_wish(options: Mapping[str, Any]) -> None:
    assert feature_wish(GUARDDUTY, options) is None


def test_features_of_a_service_without_any_are_no_wish() -> None:
    assert feature_wish(SECURITYHUB, {"features": FEATURES}) is None


def test_features_that_contradict_each_other_are_refused() -> None:
    rows = [{"name": name, "status": "ENABLED"} for name in ("EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING", " ")]
    with pytest.raises(InvalidInput) as error:
        feature_wish(GUARDDUTY, {"features": rows})
    assert faults_of(error) == [
        ("", "features: a name is empty"),
        (
            "",
            "features: EKS_RUNTIME_MONITORING and RUNTIME_MONITORING cannot be on together, RUNTIME_MONITORING covers "
            "EKS_RUNTIME_MONITORING: set EKS_RUNTIME_MONITORING to DISABLED",
        ),
    ]


@pytest.mark.parametrize(
    ("options", "role"),
    [
        (NOT_ENTERED, None),
        ({**ENTERED, "role_name": ""}, None),
        (ENTERED, ROLE),
        ({**ENTERED, "external_id": None}, replace(ROLE, external_id=None)),
    ],
)
def test_role_is_what_the_options_say(options: Mapping[str, Any], role: object) -> None:
    assert role_of(options) == role


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (None, None)),
        # Without accounts there is nobody to enter.
        (ENTERED, (None, None)),
        ({**ENTERED, "account_ids": [B, A, B]}, ([A, B], ROLE)),
        ({"account_ids": [A]}, ([A], None)),
    ],
)
def test_accounts_are_those_of_the_options_and_the_role_goes_with_them(
    given: Mapping[str, Any], expected: tuple[object, object]
) -> None:
    assert checked_accounts(task_of({**OPTIONS, **given}, StandIn()), GUARDDUTY) == expected


NUMBER = (
    "account id 12345678901 is of type int, not a string of 12 digits; "
    'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"'
)
EMPTY = "account_ids is empty: list at least one account, or leave it out to act in the calling account"


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"account_ids": []}, [("", EMPTY)]),
        ({"account_ids": [A, 12345678901]}, [("12345678901", NUMBER)]),
        ({"account_ids": [12345678901], "concurrency": 0}, [("", "concurrency must be at least 1")]),
    ],
)
def test_accounts_that_cannot_be_used_are_refused_before_aws_is_opened(
    given: Mapping[str, Any], faults: list[tuple[str, str]]
) -> None:
    cloud = StandIn()
    task = task_of({**OPTIONS, **given}, cloud)
    with pytest.raises(InvalidInput) as error:
        checked_accounts(task, GUARDDUTY)
    assert faults_of(error) == faults
    with pytest.raises(InvalidInput):
        member_targets(service_with(GUARDDUTY), task)
    assert cloud.connections == 0


@pytest.mark.parametrize(
    ("given", "sessions"),
    [
        ({}, {ADMINISTRATOR: None}),
        ({"account_ids": [ADMINISTRATOR]}, {ADMINISTRATOR: None}),
        ({"account_ids": [A, ADMINISTRATOR], **ENTERED}, {A: session_of(A), ADMINISTRATOR: None}),
    ],
)
def test_member_targets_are_the_accounts_or_else_the_callers_own(
    given: Mapping[str, Any], sessions: dict[str, object]
) -> None:
    cloud = StandIn()

    targets = member_targets(service_with(GUARDDUTY), task_of({**OPTIONS, **given}, cloud, [WEST, EAST]))

    assert targets.run(lambda _target, api: api, targets.all) == {
        Target(region, account_id): Place(GUARDDUTY, region, account_id, session)
        for region in (EAST, WEST)
        for account_id, session in sessions.items()
    }
    assert [(account_id, role) for account_id, role, _region in cloud.assumed] == [(A, ROLE)] * (A in sessions)


@pytest.mark.parametrize("account_ids", [[A], [ADMINISTRATOR, A]])
def test_member_targets_in_other_accounts_need_a_role(account_ids: list[str]) -> None:
    with pytest.raises(TaskFailed) as error:
        member_targets(service_with(GUARDDUTY), task_of({**OPTIONS, "account_ids": account_ids}, StandIn()))
    assert str(error.value) == (
        "role_name is missing: it is needed to act in other accounts than the caller's own, 111111111111"
    )
