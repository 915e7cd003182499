# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.service import service_job
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature, FeatureWish, FeatureWords
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Problem,
    Reason,
    ServiceFacts,
    ServiceKind,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, ServiceRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report, unprocessed_row
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._jobs.stand_ins import (
    COMMON,
    DENIED,
    DENIED_PROBLEM,
    EAST,
    ENTERED,
    NOT_ENTERED,
    WAITS,
    WEST,
    Ports,
    StandIn,
    action,
    ended,
    service_with,
    task_of,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
    C,
    FakeClock,
)

WORDS = FeatureWords("status", "DISABLED")
KIND = ServiceKind(
    module="detector",
    rows="detectors",
    handle="detector_id",
    settings={"enabled": True, "frequency": "SIX_HOURS", "late": True, "features": {}},
    on_enable=("standards",),
    updated_only=("late",),
    suspended="ASLEEP",
)
FACTS = replace(GUARDDUTY, kind=KIND, features=WORDS)
# Neither tags nor features, and no word for one that does not work.
PLAIN = replace(FACTS, kind=replace(KIND, settings={"enabled": True}, has_tags=False, suspended=None), features=None)

OPTIONS = {
    **COMMON,
    "state": "present",
    "tags": None,
    "purge_tags": True,
    "enabled": None,
    "frequency": None,
    "late": None,
    "standards": None,
    "features": None,
    "account_ids": None,
    **NOT_ENTERED,
    **WAITS,
}
PLAIN_OPTIONS = {name: OPTIONS[name] for name in OPTIONS if name not in ("tags", "purge_tags", "features")}

ON = ServiceRecord("d1", "ENABLED", {"enabled": True, "frequency": "SIX_HOURS", "late": True}, {"team": "a"})

Call = tuple[Any, ...]


class Detector:
    """The service in one place. What is sent to it leads to the next record, whatever it is."""

    def __init__(self, *records: ServiceRecord | None, breaks: Exception | None = None) -> None:
        self.records = list(records)
        self.looks: list[bool] = []
        self.writes: list[Call] = []
        self._breaks = breaks

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        self.looks.append(with_tags)
        return self.records[0]

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        self._note("enable", settings, tags)
        return True

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        self._note("update", handle, settings)

    def tag(self, handle: str, tags: Mapping[str, str]) -> None:
        self._note("tag", handle, tags)

    def untag(self, handle: str, keys: Sequence[str]) -> None:
        self._note("untag", handle, keys)

    def disable(self, handle: str) -> None:
        self._note("disable", handle)

    def _note(self, *call: Any) -> None:
        if self._breaks:
            raise self._breaks
        self.writes.append(call)
        if len(self.records) > 1:
            self.records.pop(0)


def run(
    ports: Mapping[tuple[str, str], Detector | CallFailed],
    options: Mapping[str, Any],
    carry_out: bool = True,
    facts: ServiceFacts = FACTS,
    time: FakeClock | None = None,
) -> Report:
    regions = sorted({region for region, _account_id in ports})
    service = service_with(facts, open_service=Ports(facts, ports).open)
    report = service_job(service, task_of(options, StandIn(), regions, carry_out, time))
    report.sort()
    return report


def row(account_id: str, outcome: str, *actions: str, problem: Problem | None = None, **given: Any) -> dict[str, Any]:
    """Return a row; without more, of an account where nothing is known."""
    return {
        "account_id": account_id,
        "region": EAST,
        "detector_id": None,
        "status": None,
        "previous_status": None,
        "enabled": None,
        "frequency": None,
        "late": None,
        "features": None,
        "tags": None,
        **ended(outcome, actions, problem),
        **given,
    }


IS_ON = {
    "detector_id": "d1",
    "status": "ENABLED",
    "enabled": True,
    "frequency": "SIX_HOURS",
    "late": True,
    "tags": {"team": "a"},
}


@pytest.mark.parametrize("carry_out", [True, False])
def test_service_is_switched_on_where_it_is_off_and_left_alone_where_it_is_on(carry_out: bool) -> None:
    off, on = Detector(None, replace(ON, tags=None)), Detector(ON)
    ports = {(EAST, A): off, (EAST, B): on, (EAST, C): DENIED}

    report = run(ports, {**OPTIONS, "account_ids": [C, B, A], **ENTERED}, carry_out)

    # What was just switched on has no id before it is there, and the tags that it was given.
    handle = "d1" if carry_out else None
    assert report == Report(
        rows=[
            row(A, "changed", "enable_service", **{**IS_ON, "detector_id": handle, "tags": {}}),
            row(B, "unchanged", **IS_ON, previous_status="ENABLED"),
            row(C, "failed", problem=DENIED_PROBLEM),
        ],
        unprocessed=[unprocessed_row(C, EAST, DENIED_PROBLEM)],
        actions=[action(EAST, A, "CreateDetector")],
        before={f"{EAST}/{A}": None, f"{EAST}/{B}": "ENABLED", f"{EAST}/{C}": None},
        after={f"{EAST}/{A}": "ENABLED", f"{EAST}/{B}": "ENABLED", f"{EAST}/{C}": None},
    )
    assert off.writes == ([("enable", {}, {})] if carry_out else []) and on.writes == []
    # Nobody asked for tags.
    assert on.looks == [False]


@pytest.mark.parametrize("carry_out", [True, False])
def test_service_that_breaks_on_the_way_is_told_with_what_was_planned(carry_out: bool) -> None:
    broken, on = Detector(ON, breaks=ValueError("odd")), Detector(ON, None)
    ports = {(EAST, ADMINISTRATOR): broken, (WEST, ADMINISTRATOR): on}

    report = run(ports, {**OPTIONS, "state": "absent"}, carry_out)

    problem = Problem(Reason.OTHER, "unexpected ValueError: odd; please report it")
    off = row(ADMINISTRATOR, "changed", "disable_service", previous_status="ENABLED")
    assert report == Report(
        rows=[row(ADMINISTRATOR, "failed", problem=problem) if carry_out else off, {**off, "region": WEST}],
        unprocessed=[unprocessed_row(ADMINISTRATOR, EAST, problem)] if carry_out else [],
        actions=[
            action(EAST, ADMINISTRATOR, "DeleteDetector"),
            action(WEST, ADMINISTRATOR, "DeleteDetector"),
        ],
        before={f"{EAST}/{ADMINISTRATOR}": None if carry_out else "ENABLED", f"{WEST}/{ADMINISTRATOR}": "ENABLED"},
        after={f"{EAST}/{ADMINISTRATOR}": None, f"{WEST}/{ADMINISTRATOR}": None},
    )
    assert on.writes == ([("disable", "d1")] if carry_out else [])


def test_service_that_a_policy_switches_on_is_passed_over_and_another_refusal_is_a_failure() -> None:
    ports = {}
    for region, reason in ((EAST, Reason.CENTRAL_CONFIGURATION), (WEST, Reason.ACCESS_DENIED)):
        ports[region, ADMINISTRATOR] = Detector(None, breaks=CallFailed("CreateDetector", "E", "No.", reason))

    report = run(ports, OPTIONS)

    governed = Problem(Reason.CENTRAL_CONFIGURATION, "E: No.", "CreateDetector")
    denied = Problem(Reason.ACCESS_DENIED, "E: No.", "CreateDetector")
    assert report == Report(
        rows=[
            row(ADMINISTRATOR, "skipped", problem=governed),
            row(ADMINISTRATOR, "failed", problem=denied, region=WEST),
        ],
        unprocessed=[unprocessed_row(ADMINISTRATOR, WEST, denied)],
        actions=[action(region, ADMINISTRATOR, "CreateDetector") for region in (EAST, WEST)],
        warnings=[
            f"{EAST}/{ADMINISTRATOR}: E: No. (central_configuration): a central configuration policy governs the "
            "account: change the policy instead"
        ],
        before={f"{region}/{ADMINISTRATOR}": None for region in (EAST, WEST)},
        after={f"{region}/{ADMINISTRATOR}": None for region in (EAST, WEST)},
    )


WANTED = (Feature("S3", "ENABLED"),)
S3 = {"name": "S3", "status": "ENABLED", "additional_configuration": None}


@pytest.mark.parametrize(
    ("given", "writes"),
    [
        ({}, [("enable", {}, {})]),
        (
            {"enabled": False, "frequency": "ONE_HOUR", "standards": False, "tags": {"team": "b"}},
            [("enable", {"enabled": False, "frequency": "ONE_HOUR", "standards": False}, {"team": "b"})],
        ),
        ({"late": False}, [("enable", {}, {}), ("update", "", {"late": False})]),
        ({"features": [S3]}, [("enable", {"features": FeatureWish(WANTED, WORDS)}, {})]),
        # YAML has numbers and booleans, a tag has texts.
        ({"tags": {1: 2, "on": True}}, [("enable", {}, {"1": "2", "on": "True"})]),
        ({"state": "absent"}, []),
    ],
)
def test_service_is_switched_on_with_what_was_set(given: Mapping[str, Any], writes: list[Call]) -> None:
    port = Detector(None, ON)
    run({(EAST, ADMINISTRATOR): port}, {**OPTIONS, **given, "wait": False})
    assert port.writes == writes


@pytest.mark.parametrize(
    ("given", "writes"),
    [
        ({"enabled": True, "frequency": "SIX_HOURS", "late": True, "standards": True}, []),
        ({"frequency": "ONE_HOUR", "late": False}, [("update", "d1", {"frequency": "ONE_HOUR", "late": False})]),
        ({"features": [S3]}, [("update", "d1", {"features": FeatureWish(WANTED, WORDS)})]),
        ({"features": []}, []),
        ({"tags": {"team": "a"}}, []),
        ({"tags": {}}, [("untag", "d1", ("team",))]),
        ({"tags": {"who": "b"}}, [("untag", "d1", ("team",)), ("tag", "d1", {"who": "b"})]),
        ({"tags": {"who": "b"}, "purge_tags": False}, [("tag", "d1", {"who": "b"})]),
        ({"state": "absent"}, [("disable", "d1")]),
    ],
)
def test_service_that_is_on_is_sent_what_differs(given: Mapping[str, Any], writes: list[Call]) -> None:
    port = Detector(ON)
    run({(EAST, ADMINISTRATOR): port}, {**OPTIONS, **given, "wait": False})
    assert port.writes == writes
    assert port.looks[0] is ("tags" in given)


def test_service_in_check_mode_foresees_what_aws_sets_by_itself() -> None:
    options = {**OPTIONS, "enabled": False, "features": [S3], "tags": {"team": "b"}}

    report = run({(EAST, ADMINISTRATOR): Detector(None)}, options, carry_out=False)

    shown = [{"name": "S3", "status": "ENABLED", "additional_configuration": []}]
    foreseen = {"status": "ASLEEP", "enabled": False, "frequency": "SIX_HOURS", "late": True, "features": shown}
    assert report.rows == [row(ADMINISTRATOR, "changed", "enable_service", **foreseen, tags={"team": "b"})]


def test_service_shows_the_features_that_were_asked_for_and_no_others() -> None:
    features = {name: Feature(name, "ENABLED") for name in ("S3", "EKS")}
    port = Detector(replace(ON, settings={**ON.settings, "features": features}))

    report = run({(EAST, ADMINISTRATOR): port, (WEST, ADMINISTRATOR): DENIED}, {**OPTIONS, "features": [S3]})

    shown = [{"name": "S3", "status": "ENABLED", "additional_configuration": []}]
    assert report.rows == [
        row(ADMINISTRATOR, "unchanged", **IS_ON, previous_status="ENABLED", features=shown),
        row(ADMINISTRATOR, "failed", problem=DENIED_PROBLEM, region=WEST),
    ]


@pytest.mark.parametrize("carry_out", [True, False])
def test_service_tells_once_a_region_what_aws_does_not_list(carry_out: bool) -> None:
    record = replace(ON, settings={**ON.settings, "features": {"S3": Feature("S3", "ENABLED")}})
    ports = {(region, account_id): Detector(record) for region in (EAST, WEST) for account_id in (A, B)}
    asked = [{"name": "s3", "status": "DISABLED"}]
    report = run(ports, {**OPTIONS, "features": asked, "account_ids": [A, B], **ENTERED}, carry_out)
    assert report.warnings == [
        f"{region}: AWS does not list s3 in this Region (did you mean S3?): it counts as DISABLED"
        for region in (EAST, WEST)
    ]
    assert {row["outcome"] for row in report.rows} == {"unchanged"}
    assert report.rows[0]["features"] == [{"name": "s3", "status": None, "additional_configuration": []}]


def test_service_with_neither_tags_nor_features_has_rows_without_them() -> None:
    report = run({(EAST, ADMINISTRATOR): Detector(None)}, {**PLAIN_OPTIONS, "enabled": False}, False, PLAIN)
    foreseen = row(ADMINISTRATOR, "changed", "enable_service", status="DISABLED", enabled=False)
    assert report.rows == [
        {name: foreseen[name] for name in foreseen if name not in ("frequency", "late", "features", "tags")}
    ]


@pytest.mark.parametrize(("wait", "naps"), [(True, [1.0, 1.0]), (False, [])])
def test_service_is_waited_for_as_long_as_the_options_say(wait: bool, naps: list[float]) -> None:
    time = FakeClock()
    run(
        {(EAST, ADMINISTRATOR): Detector(ON)},
        {**OPTIONS, "state": "absent", "wait": wait, "wait_timeout": 2},
        time=time,
    )
    assert time.naps == naps


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"features": [S3, S3]}, "features: S3 is listed twice"),
        ({"wait_timeout": -1}, "wait_timeout must not be negative"),
        (
            {"tags": {"Owner": None}, "enabled": False},
            "tags: the value of 'Owner' is no text: write one, \"\" if there is nothing to say",
        ),
    ],
)
def test_service_with_options_that_cannot_be_used_is_refused_before_aws_is_opened(
    given: Mapping[str, Any], text: str
) -> None:
    cloud = StandIn()
    with pytest.raises(InvalidInput) as error:
        service_job(service_with(FACTS), task_of({**OPTIONS, **given}, cloud))
    assert (error.value.faults, cloud.connections) == ((Fault("", Reason.INVALID_INPUT, text),), 0)
