# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Features among the settings of a service: merged by name, in two updates where one has to go before another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import (
    Feature,
    FeatureWish,
    FeatureWords,
    merged_features,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_service import (
    ServicePlan,
    ServiceResult,
    ServiceWish,
    execute_service,
    plan_service,
    predict_service,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import ServiceRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    FakeClock,
    Script,
    failure,
    lost,
    raising,
    walk_alone,
)

WORDS = FeatureWords("status", "DISABLED", {"OLD": "NEWER"})
GENERIC = "The request is rejected because an invalid or out-of-range value is specified as an input parameter."


class FakeDetector:
    """A service with features, of which it has one more by itself."""

    def __init__(self, record: ServiceRecord | None) -> None:
        self.time, self.script = FakeClock(), Script()
        self.record = record
        self.sent: list[list[str]] = []

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        return self.record

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        self.script.play("enable", "before")
        self.record = ServiceRecord("handle", "ENABLED", {"enabled": True, "features": {}}, {})
        self._take(settings)
        return True

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        self.script.play("update", "before")
        self._take(settings)
        self.script.play("update", "after")

    def disable(self, handle: str) -> None:
        raise AssertionError

    def _take(self, settings: Mapping[str, object]) -> None:
        assert self.record
        now = dict(self.record.settings)
        self.sent.append(sorted(settings))
        for name, value in settings.items():
            if isinstance(value, FeatureWish):
                now[name] = merged_features(now.get(name) or {}, value.features)  # type: ignore[arg-type]
            else:
                now[name] = value
        self.record = replace(self.record, settings=now)


def wish_of(enabled: bool | None = None, **values: str) -> ServiceWish:
    features = FeatureWish(tuple(Feature(name, value) for name, value in values.items()), WORDS)
    return ServiceWish(
        settings={"features": features, **({} if enabled is None else {"enabled": enabled})},
        defaults={"enabled": True, "features": {}},
    )


def record_of(enabled: bool = True, owner: str | None = None, **values: str) -> ServiceRecord:
    features = {name: Feature(name, value, {"extra": "ENABLED"}, owner) for name, value in values.items()}
    return ServiceRecord("handle", "ENABLED" if enabled else "DISABLED", {"enabled": enabled, "features": features}, {})


def carry_out(plan: ServicePlan, port: FakeDetector) -> ServiceResult:
    return walk_alone(execute_service(plan, port, Patience(port.time.as_clock())), port.time)


STATES = [dict(zip(("OLD", "NEWER"), pair, strict=True)) for pair in product(("ENABLED", "DISABLED"), repeat=2)]
WISHED = [*STATES[1:], {"NEWER": "ENABLED"}, {"OLD": "DISABLED"}]


@pytest.mark.parametrize("enabled", [None, True, False])
@pytest.mark.parametrize("wished", WISHED, ids=str)
def test_every_combination_ends_as_predicted_and_is_then_left_alone(
    wished: dict[str, str], enabled: bool | None
) -> None:
    wish = wish_of(enabled, **wished)
    for record in [None, record_of(), *(record_of(False, **state) for state in STATES), record_of(**STATES[1])]:
        port = FakeDetector(record)
        plan = plan_service(wish, record)
        predicted, result = predict_service(plan), carry_out(plan, port)
        assert predicted.after and result.after and result.problem is predicted.problem is None
        assert (result.done, result.after.settings) == (predicted.done, predicted.after.settings)
        assert len(port.sent) == len(plan.steps) <= 2
        assert plan_service(wish, port.record).steps == ()


def test_two_updates_where_an_old_feature_has_to_go_first() -> None:
    record = record_of(False, OLD="ENABLED", NEWER="DISABLED")
    port = FakeDetector(record)
    plan = plan_service(wish_of(True, NEWER="ENABLED", OLD="DISABLED"), record)
    sent = [update["features"] for update in plan.updates]
    assert [[feature.name for feature in wish.features] for wish in sent if isinstance(wish, FeatureWish)] == [
        ["OLD"],
        ["NEWER"],
    ]
    result = carry_out(plan, port)
    assert port.sent == [["enabled", "features"], ["features"]]
    assert result.done == (Step.UPDATE_SERVICE,) * 2


def test_refusal_of_what_is_not_listed_is_foreseen_with_what_is_done_before_it() -> None:
    record = replace(record_of(False, OLD="ENABLED"), tags={"old": "x"})
    wish = replace(wish_of(True, NEWER="ENABLED", OLD="DISABLED"), tags={"new": "x"})
    plan = plan_service(wish, record)
    assert plan.steps == (Step.UPDATE_SERVICE, Step.UPDATE_SERVICE, Step.UNTAG, Step.TAG)
    foreseen = predict_service(plan)
    port = FakeDetector(record)
    port.script.before("update", None, raising(failure(Reason.INVALID_INPUT)))
    result = carry_out(plan, port)
    text = "AWS does not list NEWER in this Region, and refuses a call that holds it"
    assert foreseen.problem == Problem(Reason.FEATURE_UNSUPPORTED, text)
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED
    assert foreseen.after and result.after and foreseen.done == result.done
    assert (foreseen.after.settings, foreseen.after.tags) == (result.after.settings, result.after.tags)
    assert (foreseen.done, port.sent) == ((Step.UPDATE_SERVICE,), [["enabled", "features"]])
    # In one call, nothing is done; and of a service that is off, nobody knows.
    alone = plan_service(wish_of(True, NEWER="ENABLED"), record)
    assert predict_service(alone) == ServiceResult(record, record, problem=foreseen.problem)
    assert predict_service(plan_service(wish, None)).problem is None


def test_what_is_not_listed_is_told_of_a_service_that_is_on_and_stays_so() -> None:
    wish = wish_of(True, a="DISABLED")
    told = ["AWS does not list a in this Region (did you mean A?): it counts as DISABLED"]
    assert plan_service(wish, record_of(A="ENABLED")).warnings == told
    assert plan_service(wish, record_of(a="ENABLED")).warnings == []
    assert plan_service(wish, None).warnings == []
    assert plan_service(replace(wish, is_present=False), record_of(A="ENABLED")).warnings == []


def test_what_a_policy_owns_is_not_sent_and_the_rest_is() -> None:
    record = record_of(False, "GUARDDUTY_POLICY", A="ENABLED")
    port = FakeDetector(record)
    plan = plan_service(wish_of(True, A="DISABLED"), record)
    result = carry_out(plan, port)
    assert port.sent == [["enabled"]] and result.problem == predict_service(plan).problem
    assert result.problem and result.problem.reason is Reason.ORGANIZATION_POLICY
    record.settings["features"]["B"] = Feature("B", "DISABLED")  # type: ignore[index]
    port = FakeDetector(record)
    plan = plan_service(wish_of(None, A="DISABLED", B="ENABLED"), record)
    result = carry_out(plan, port)
    assert result.after and result.after.settings["features"]["B"].value == "ENABLED"  # type: ignore[index]
    assert result.done == (Step.UPDATE_SERVICE,) and result.problem == plan.problem == predict_service(plan).problem
    alone = plan_service(wish_of(A="DISABLED"), record)
    assert alone.steps == () and carry_out(alone, port).problem == predict_service(alone).problem == alone.problem


@pytest.mark.parametrize(
    ("record", "reason", "told"),
    [
        (None, Reason.INVALID_INPUT, "(the call held ODD)"),
        (record_of(A="ENABLED"), Reason.INVALID_INPUT, "does not list ODD"),
        (record_of(A="ENABLED"), Reason.ORGANIZATION_MEMBER, "does not list ODD"),
        (record_of(ODD="DISABLED"), Reason.INVALID_INPUT, "lists all of them"),
        (record_of(ODD="DISABLED"), Reason.ORGANIZATION_MEMBER, "(the call held ODD; AWS lists all of them here)"),
    ],
)
def test_a_refusal_of_features_names_the_likely_one(record: ServiceRecord | None, reason: Reason, told: str) -> None:
    port = FakeDetector(record)
    text = GENERIC if reason is Reason.ORGANIZATION_MEMBER else "no"
    port.script.before("update" if record else "enable", raising(failure(reason, text)))
    result = carry_out(plan_service(wish_of(ODD="ENABLED"), record), port)
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED and told in result.problem.text


def test_another_refusal_keeps_its_meaning() -> None:
    for record in (record_of(A="DISABLED"), record_of(OTHER="DISABLED")):
        port = FakeDetector(record)
        port.script.before("update", raising(failure(Reason.ORGANIZATION_MEMBER)))
        result = carry_out(plan_service(wish_of(A="ENABLED"), record), port)
        assert result.problem == failure(Reason.ORGANIZATION_MEMBER).as_problem()


def test_a_refusal_speaks_of_the_features_of_its_own_call() -> None:
    record = record_of(OLD="ENABLED", NEWER="DISABLED")
    port = FakeDetector(record)
    port.script.before("update", None, raising(failure(Reason.INVALID_INPUT)))
    result = carry_out(plan_service(wish_of(OLD="DISABLED", NEWER="ENABLED"), record), port)
    assert result.problem and "(the call held NEWER; " in result.problem.text
    # The same words about a call without features mean what they say.
    port = FakeDetector(record)
    port.script.before("update", raising(failure(Reason.ORGANIZATION_MEMBER, GENERIC)))
    wish = ServiceWish(settings={"enabled": False})
    result = carry_out(plan_service(wish, record), port)
    assert result.problem == failure(Reason.ORGANIZATION_MEMBER, GENERIC).as_problem()


@pytest.mark.parametrize(
    ("wished", "calls"),
    [
        ({"NEWER": "ENABLED", "OLD": "DISABLED", "A": "ENABLED"}, [["OLD", "A"], ["NEWER"]]),
        ({"NEWER": "DISABLED", "OLD": "ENABLED"}, [["NEWER"], ["OLD"]]),
        ({"NEWER": "ENABLED", "A": "ENABLED"}, [["NEWER", "A"]]),
        ({}, [[]]),
    ],
)
def test_switched_on_with_what_one_call_can_hold(wished: dict[str, str], calls: list[list[str]]) -> None:
    plan = plan_service(wish_of(True, **wished), None)
    sent = [settings["features"] for settings in (plan.enable_settings, *plan.updates)]
    assert [[feature.name for feature in wish.features] for wish in sent if isinstance(wish, FeatureWish)] == calls
    assert plan.enable_settings["enabled"] is True and all(update.keys() == {"features"} for update in plan.updates)
    assert plan.steps == (Step.ENABLE_SERVICE, *[Step.UPDATE_SERVICE] * (len(calls) - 1))
    # What AWS takes in an update only is another one.
    wish = wish_of(True, **wished)
    wish = replace(wish, settings={**wish.settings, "later": "x"}, updated_only=frozenset({"later"}))
    assert plan_service(wish, None).updates == ({"later": "x"}, *plan.updates)


@pytest.mark.parametrize("nth", [0, 1])
def test_a_lost_answer_to_either_update_counts_where_a_look_shows_it(nth: int) -> None:
    record = record_of(OLD="ENABLED", NEWER="DISABLED")
    port = FakeDetector(record)
    port.script.after("update", *[None] * nth, raising(lost()))
    result = carry_out(plan_service(wish_of(OLD="DISABLED", NEWER="ENABLED"), record), port)
    assert result.problem is None and result.done == (Step.UPDATE_SERVICE,) * 2


def test_the_second_update_is_refused_and_the_first_is_told() -> None:
    record = record_of(OLD="ENABLED", NEWER="DISABLED")
    port = FakeDetector(record)
    port.script.before("update", None, raising(failure(Reason.ACCESS_DENIED)))
    result = carry_out(plan_service(wish_of(OLD="DISABLED", NEWER="ENABLED"), record), port)
    assert result.done == (Step.UPDATE_SERVICE,) and result.problem == failure(Reason.ACCESS_DENIED).as_problem()
