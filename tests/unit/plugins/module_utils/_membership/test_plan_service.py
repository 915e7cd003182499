# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Outcome, Problem, Reason, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_service import (
    ServicePlan,
    ServiceResult,
    ServiceWish,
    execute_service,
    plan_service,
    predict_service,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import ServiceRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.result import judge_service
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    DEFAULTS,
    FakeService,
    failure,
    lost,
    raising,
    walk_alone,
)

TAGS = (None, {}, {"a": "1"}, {"a": "2", "b": "3"})
PRESENT_TAGS = ({}, {"a": "1"}, {"b": "3", "c": "4"}, {"aws:by": "them", "a": "2"})
WISHES = [
    ServiceWish(is_present, settings, {"standards": False}, frozenset({"late"}), DEFAULTS, tags, purge_tags)
    for is_present, settings, tags, purge_tags in product(
        (True, False),
        (
            {},
            {"enabled": True},
            {"enabled": False},
            {"frequency": "ONE_HOUR"},
            {"late": False},
            {"enabled": False, "frequency": "ONE_HOUR", "late": False},
        ),
        TAGS,
        (True, False),
    )
]
RECORDS = [
    None,
    *(
        ServiceRecord("handle", "ENABLED" if settings["enabled"] else "DISABLED", settings, tags)
        for settings, tags in product(
            (DEFAULTS, {**DEFAULTS, "enabled": False}, {**DEFAULTS, "frequency": "ONE_HOUR", "late": False}),
            PRESENT_TAGS,
        )
    ),
]
CASES = [(wish, record, brings_tags) for wish in WISHES for record in RECORDS for brings_tags in (True, False)]

CALLS = {
    Step.ENABLE_SERVICE: "enable",
    Step.UPDATE_SERVICE: "update",
    Step.DISABLE_SERVICE: "disable",
    Step.TAG: "tag",
    Step.UNTAG: "untag",
}


def carry_out(plan: ServicePlan, port: FakeService, wait: bool = True, timeout: float = 60) -> ServiceResult:
    return walk_alone(execute_service(plan, port, Patience(port.time.as_clock(), wait, timeout)), port.time)


def told(result: ServiceResult) -> tuple[object, ...]:
    """What the rows tell: a new service's handle is not known before."""
    after = result.after
    if after is None:
        return (None, result.done, result.problem)
    settings = {name: value for name, value in after.settings.items() if name in DEFAULTS}
    return (after.status, settings, after.tags, result.done, result.problem)


def test_execute_service_every_combination_ends_as_predicted_and_is_then_left_alone() -> None:
    for wish, record, brings_tags in CASES:
        port = FakeService(record, brings_tags)
        plan = plan_service(wish, port.describe(with_tags=wish.tags is not None))
        port.log.clear()
        assert plan.wish is wish and len(plan.updates) == plan.steps.count(Step.UPDATE_SERVICE)
        executed = carry_out(plan, port)
        predicted = predict_service(plan)
        assert told(executed) == told(predicted), (wish, record, brings_tags)
        assert executed.before == predicted.before == plan.before
        assert predicted.after is None or predicted.after.handle == (record.handle if record else "")
        assert executed.done == plan.steps
        assert port.log == [CALLS[step] for step in plan.steps] + ["describe"] * bool(plan.steps)
        assert plan_service(wish, port.describe(with_tags=wish.tags is not None)).steps == (), (wish, record)


def test_plan_service_only_what_was_asked_for_is_changed() -> None:
    for wish, record, _brings_tags in CASES:
        port = FakeService(record, brings_tags=True)
        carry_out(plan_service(wish, record), port)
        if not wish.is_present or record is None:
            continue
        after = port.record
        assert after and after.settings == {**record.settings, **wish.settings}
        own = {key: value for key, value in record.tags.items() if key.startswith("aws:")}
        kept = own if wish.purge_tags and wish.tags is not None else record.tags
        assert after.tags == {**kept, **(wish.tags or {})}


@pytest.mark.parametrize(
    ("wish", "record", "steps"),
    [
        (ServiceWish(False), None, ()),
        (ServiceWish(False), RECORDS[1], (Step.DISABLE_SERVICE,)),
        (ServiceWish(), None, (Step.ENABLE_SERVICE,)),
        (ServiceWish(), RECORDS[1], ()),
        (
            ServiceWish(settings={"late": False}, updated_only=frozenset({"late"})),
            None,
            (Step.ENABLE_SERVICE, Step.UPDATE_SERVICE),
        ),
        (ServiceWish(settings={"late": False}), None, (Step.ENABLE_SERVICE,)),
        (ServiceWish(settings={"enabled": False}), RECORDS[1], (Step.UPDATE_SERVICE,)),
        (ServiceWish(tags={"new": "1"}), RECORDS[2], (Step.UNTAG, Step.TAG)),
        (ServiceWish(tags={"new": "1"}, purge_tags=False), RECORDS[2], (Step.TAG,)),
        (ServiceWish(tags={}), RECORDS[2], (Step.UNTAG,)),
    ],
)
def test_plan_service_steps_are_those_that_are_needed(wish, record, steps) -> None:
    assert plan_service(wish, record).steps == steps


def test_plan_service_on_enable_options_matter_only_while_it_is_switched_on() -> None:
    wish = ServiceWish(on_enable={"standards": True})
    assert plan_service(wish, None).enable_settings == {"standards": True}
    assert plan_service(wish, RECORDS[1]).steps == ()


def test_predict_service_without_a_switch_of_its_own_is_enabled() -> None:
    # Security Hub is on, or it is not there.
    after = predict_service(plan_service(ServiceWish(defaults={"frequency": "SIX_HOURS"}), None)).after
    assert after == ServiceRecord("", "ENABLED", {"frequency": "SIX_HOURS"}, {})


def test_execute_service_switched_on_with_tags_has_those_that_are_read() -> None:
    port = FakeService()
    tags = {"a": "1", "aws:by": "them"}
    port.script.after("enable", lambda: port.record and setattr(port, "record", replace(port.record, tags=tags)))
    result = carry_out(plan_service(ServiceWish(tags={"a": "1"}), None), port)
    assert result.after and result.after.tags == tags


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "SomeException"])
def test_execute_service_just_switched_on_is_read_again_where_aws_has_no_such_resource(code) -> None:
    port = FakeService()
    gone = failure(Reason.OTHER, "Nothing here.", code)
    port.script.before("describe", raising(gone))
    result = carry_out(plan_service(ServiceWish(), None), port)
    assert result.problem == (None if code == "ResourceNotFoundException" else gone.as_problem())


def test_plan_service_tags_of_aws_are_never_removed() -> None:
    record = ServiceRecord("handle", "ENABLED", DEFAULTS, {"aws:by": "them", "mine": "1", "also": "2"})
    assert plan_service(ServiceWish(tags={}), record).untag_keys == ("also", "mine")


def test_execute_service_that_somebody_else_switched_on_is_unchanged() -> None:
    port = FakeService()
    plan = plan_service(ServiceWish(), None)
    port.record = RECORDS[1]
    result = carry_out(plan, port)
    assert (result.done, result.problem, result.after and result.after.handle) == ((), None, "handle")
    assert result.before is None and port.time.slept == 0


def test_execute_service_that_somebody_else_switched_on_gets_the_settings_and_tags_that_are_missing() -> None:
    port = FakeService()
    plan = plan_service(ServiceWish(settings={"enabled": False}, tags={"a": "1"}), None)
    port.record = replace(RECORDS[1], tags={"theirs": "1", "a": "1"})
    result = carry_out(plan, port)
    assert (result.before, result.after, result.problem) == (None, port.record, None)
    assert result.done == (Step.UPDATE_SERVICE, Step.UNTAG)
    assert port.record and port.record.tags == {"a": "1"} and port.record.status == "DISABLED"


def test_execute_service_that_somebody_else_switched_on_is_given_the_same_patience() -> None:
    port = FakeService()
    plan = plan_service(ServiceWish(settings={"enabled": False}), None)
    port.record = RECORDS[1]
    port.script.after("update", lambda: setattr(port, "record", RECORDS[1]))  # and does not show what it took
    result = carry_out(plan, port, timeout=10)
    assert result.problem and result.problem.reason is Reason.TIMED_OUT and port.time.slept == 10


def test_execute_service_refused_step_ends_it_and_keeps_what_was_done() -> None:
    port = FakeService()
    port.script.before("update", raising(failure(Reason.ACCESS_DENIED)))
    wish = ServiceWish(settings={"late": False}, updated_only=frozenset({"late"}))
    result = carry_out(plan_service(wish, None), port)
    assert result.done == (Step.ENABLE_SERVICE,)
    assert result.problem and result.problem.reason is Reason.ACCESS_DENIED
    assert result.after and result.after.settings["late"] is True
    assert port.log == ["enable", "update", "describe"]


@pytest.mark.parametrize("is_refused", [True, False])
def test_execute_service_failed_read_back_is_reported_unless_something_failed_before(is_refused) -> None:
    port = FakeService(RECORDS[1])
    port.script.before("disable", raising(failure(Reason.ORGANIZATION_MEMBER)) if is_refused else None)
    port.script.before("describe", raising(failure(Reason.THROTTLED)))
    result = carry_out(plan_service(ServiceWish(False), RECORDS[1]), port)
    assert result.problem and result.problem.reason is (Reason.ORGANIZATION_MEMBER if is_refused else Reason.THROTTLED)
    assert result.done == (() if is_refused else (Step.DISABLE_SERVICE,))
    assert result.after == RECORDS[1]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("call", "step", "record"), [("enable", Step.ENABLE_SERVICE, None), ("disable", Step.DISABLE_SERVICE, RECORDS[1])]
)
def test_execute_service_lost_answer_of_a_switch_is_settled_by_reading(call, step, record, when) -> None:
    port = FakeService(record)
    getattr(port.script, when)(call, raising(lost()))
    result = carry_out(plan_service(ServiceWish(is_present=record is None), record), port)
    if when == "after":
        assert (result.done, result.problem) == ((step,), None)
    else:
        assert result.done == () and result.problem and result.problem.reason is Reason.INTERNAL_ERROR
    assert (result.after is None) is (port.record is None)
    assert port.log == [call, "describe", "describe"]


def test_execute_service_certain_refusal_of_a_switch_is_not_looked_into() -> None:
    port = FakeService()
    port.script.before("enable", raising(failure(Reason.ACCESS_DENIED)))
    result = carry_out(plan_service(ServiceWish(), None), port)
    assert result.problem and result.problem.reason is Reason.ACCESS_DENIED
    assert port.log == ["enable", "describe"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["update", "tag", "untag"])
def test_execute_service_lost_answer_of_a_change_is_settled_by_reading(call, when) -> None:
    port = FakeService(replace(RECORDS[1], tags={"old": "1"}))
    getattr(port.script, when)(call, raising(lost()))
    wishes = {
        "update": ServiceWish(settings={"enabled": False}),
        "tag": ServiceWish(tags={"new": "2"}, purge_tags=False),
        "untag": ServiceWish(tags={}),
    }
    plan = plan_service(wishes[call], port.describe(with_tags=True))
    result = carry_out(plan, port)
    if when == "after":
        assert (result.done, result.problem) == (plan.steps, None)
    else:
        assert result.done == () and result.problem and result.problem.reason is Reason.INTERNAL_ERROR
    assert plan_service(wishes[call], port.describe(with_tags=True)).steps == (() if when == "after" else plan.steps)


def test_execute_service_that_others_switched_on_and_off_again_is_not_tried_for_ever() -> None:
    port = FakeService(RECORDS[1])
    port.script.before("describe", lambda: setattr(port, "record", None))
    result = carry_out(plan_service(ServiceWish(), None), port)
    assert (result.after, result.done, result.problem) == (None, (), not_shown("the service on"))
    assert port.log[:2] == ["enable", "describe"] and port.time.slept == 60 and len(port.log) < 20


def not_shown(effect: str) -> Problem:
    return Problem(Reason.TIMED_OUT, f"AWS accepted the request, but does not show {effect} yet")


@pytest.mark.parametrize(
    ("wish", "record", "effect"),
    [
        (ServiceWish(), None, "the service on"),
        (ServiceWish(False), RECORDS[1], "the service off"),
        (ServiceWish(settings={"enabled": False}), RECORDS[1], "the change"),
    ],
)
def test_execute_service_that_is_accepted_and_does_not_show_is_told_so(wish, record, effect) -> None:
    port = FakeService(record)
    port.script.before("describe", lambda: setattr(port, "record", record))
    result = carry_out(plan_service(wish, record), port)
    assert result.problem == not_shown(effect) and len(result.done) == 1
    assert judge_service(result, GUARDDUTY) == (Outcome.TIMED_OUT, result.problem)


@pytest.mark.parametrize(("wait", "is_told"), [(True, False), (False, True)])
def test_execute_service_that_members_hold_is_switched_off_once_they_are_gone(wait, is_told) -> None:
    port = FakeService(RECORDS[1])
    held = failure(Reason.STILL_ASSOCIATED, "It has members.")
    port.script.before("disable", raising(held), raising(held))
    result = carry_out(plan_service(ServiceWish(False), RECORDS[1]), port, wait=wait)
    assert result.problem == (held.as_problem() if is_told else None)
    assert result.done == (() if is_told else (Step.DISABLE_SERVICE,))
    assert port.time.naps == ([] if is_told else [1, 2])


def test_execute_service_that_members_hold_for_good_is_told_in_awss_words_when_the_wait_ends() -> None:
    port = FakeService(RECORDS[1])
    held = failure(Reason.STILL_ASSOCIATED, "It has members.")
    port.script.before("disable", *[raising(held)] * 100)
    result = carry_out(plan_service(ServiceWish(False), RECORDS[1]), port, timeout=10)
    assert (result.problem, result.done, port.time.slept) == (held.as_problem(), (), 10)


def test_execute_service_just_switched_on_takes_its_update_once_aws_knows_of_it() -> None:
    wish = ServiceWish(settings={"late": False}, updated_only=frozenset({"late"}))
    off = failure(Reason.SERVICE_NOT_ENABLED, "It is off.")
    port = FakeService()
    port.script.before("update", raising(off), raising(off))
    # After the update, too, AWS may speak of it as if it were off.
    port.script.before("describe", raising(off))
    result = carry_out(plan_service(wish, None), port)
    assert (result.done, result.problem) == ((Step.ENABLE_SERVICE, Step.UPDATE_SERVICE), None)
    assert port.time.naps == [1, 2, 1] and port.log.count("enable") == 1


def test_execute_service_that_was_on_is_taken_at_its_word_when_it_is_said_to_be_off() -> None:
    port = FakeService(RECORDS[1])
    off = failure(Reason.SERVICE_NOT_ENABLED, "It is off.")
    port.script.before("update", raising(off))
    port.script.before("describe", raising(off))
    result = carry_out(plan_service(ServiceWish(settings={"enabled": False}), RECORDS[1]), port)
    assert (result.done, result.problem, result.after) == ((), off.as_problem(), RECORDS[1])
    assert port.time.slept == 0


@pytest.mark.parametrize("looks", [1, 3])
def test_execute_service_that_aws_still_calls_off_is_read_until_it_shows(looks) -> None:
    port = FakeService()
    port.script.before("describe", *[raising(failure(Reason.SERVICE_NOT_ENABLED))] * looks)
    result = carry_out(plan_service(ServiceWish(), None), port)
    assert (result.done, result.problem) == ((Step.ENABLE_SERVICE,), None)
    assert result.after and result.after.status == "ENABLED"
    assert port.log == ["enable", *["describe"] * (looks + 1)]
