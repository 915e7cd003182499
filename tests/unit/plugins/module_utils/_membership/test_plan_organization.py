# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import (
    Feature,
    FeatureWords,
    merged_features,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Outcome, Problem, Reason, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_organization import (
    OrganizationPlan,
    OrganizationRecord,
    OrganizationResult,
    OrganizationWish,
    execute_organization,
    plan_organization,
    predict_organization,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import judge_delegation
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    FakeClock,
    Script,
    failure,
    lost,
    raising,
    walk_alone,
)

WORDS = FeatureWords(
    "auto_enable", "NONE", {"OLD": "NEWER"}, {"MALWARE": "malware.example.com", "SCAN": "scan.example.com"}
)
GOVERNED = Problem(Reason.CENTRAL_CONFIGURATION, "a policy decides")
UPDATE = (Step.UPDATE_ORGANIZATION,)

FEATURES = [
    (),
    (Feature("A", "ALL", {"x": "ALL"}),),
    (Feature("OLD", "NONE"), Feature("NEWER", "NEW", {"y": "NEW"})),
]
WISHES = [
    OrganizationWish(settings, features)
    for settings, features in product(({}, {"members": "ALL"}, {"members": "NONE", "standards": "NONE"}), FEATURES)
]
PRESENT: list[dict[str, Feature]] = [
    {},
    {
        "A": Feature("A", "NEW", {"x": "NEW", "z": "ALL"}),
        "OLD": Feature("OLD", "ALL"),
        "NEWER": Feature("NEWER", "NONE"),
    },
    {"A": Feature("A", "ALL", {"x": "ALL"}), "OLD": Feature("OLD", "NONE"), "NEWER": Feature("NEWER", "NEW")},
]
RECORDS = [
    OrganizationRecord({"members": members, "standards": "DEFAULT"}, features, governed_by=governed)
    for members, features, governed in product(("ALL", "NEW", "NONE"), PRESENT, (None, GOVERNED))
]


class FakeOrganization:
    """The administrator's side of one Region: merges what it is told, and shows it at once or later."""

    def __init__(self, record: OrganizationRecord, shows_after: float = 0.0) -> None:
        self.time, self.script = FakeClock(), Script()
        self.real = self.shown = record
        self.shows_after, self.shown_at = shows_after, 0.0
        self.log: list[str] = []
        self.sent: list[tuple[dict[str, object], list[str]]] = []

    def describe(self) -> OrganizationRecord:
        self.script.play("describe", "before")
        self.log.append("describe")
        if self.time.now >= self.shown_at:
            self.shown = self.real
        return self.shown

    def update(self, now: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]) -> None:
        self.script.play("update", "before")
        self.log.append("update")
        # What goes along unchanged is what is there.
        assert (self.real.settings, self.real.features) == (now.settings, now.features)
        self.sent.append((dict(settings), [feature.name for feature in features]))
        self.real = replace(
            self.real,
            settings={**self.real.settings, **settings},
            features=merged_features(self.real.features, features),
        )
        self.shown_at = self.time.now + self.shows_after
        self.script.play("update", "after")


def carry_out(
    plan: OrganizationPlan, port: FakeOrganization, wait: bool = True, timeout: float = 60
) -> OrganizationResult:
    patience = Patience(port.time.as_clock(), wait, timeout)
    return walk_alone(execute_organization(plan, port, WORDS, patience), port.time)


@pytest.mark.parametrize("record", RECORDS)
def test_every_combination_ends_as_predicted_and_is_then_left_alone(record: OrganizationRecord) -> None:
    for wish in WISHES:
        port = FakeOrganization(record)
        plan = plan_organization(wish, record, WORDS)
        assert (plan.wish, plan.before) == (wish, record)
        predicted, result = predict_organization(plan), carry_out(plan, port)
        assert result == predicted and result.before == record
        assert len(plan.calls) <= 2 and port.log == ["update"] * len(plan.calls) + ["describe"] * bool(plan.calls)
        again = plan_organization(wish, port.real, WORDS)
        assert again.calls == () and again.problem == plan.problem
        if record.governed_by:
            assert plan.calls == () and port.real == record
        for name, value in record.settings.items():
            assert name in wish.settings or port.real.settings[name] == value
        asked = {feature.name for feature in wish.features}
        assert all(port.real.features[name] == there for name, there in record.features.items() if name not in asked)


def test_satisfied_under_a_policy_and_refused_otherwise() -> None:
    record = OrganizationRecord({"members": "NONE"}, governed_by=GOVERNED)
    satisfied = plan_organization(OrganizationWish({"members": "NONE"}), record, WORDS)
    assert judge_delegation(predict_organization(satisfied)) == (Outcome.UNCHANGED, None)
    refused = plan_organization(OrganizationWish({"members": "ALL"}), record, WORDS)
    assert judge_delegation(predict_organization(refused)) == (Outcome.FAILED, GOVERNED)


def test_settings_that_failed_are_told_whatever_is_asked_for() -> None:
    record = OrganizationRecord({"members": "NONE"}, failure="no linked Region")
    plan = plan_organization(OrganizationWish({}), record, WORDS)
    assert plan == OrganizationPlan(OrganizationWish({}), record, (), Problem(Reason.OTHER, "no linked Region"))
    assert not plan.is_due


WISH = OrganizationWish({"members": "ALL"}, (Feature("A", "ALL"),))
NOW = OrganizationRecord({"members": "NONE"}, {"A": Feature("A", "NONE")})


@pytest.mark.parametrize(
    ("then", "done", "reason"),
    [
        (replace(NOW), UPDATE, None),
        (replace(NOW, settings={"members": "ALL"}, features={"A": Feature("A", "ALL")}), (), None),
        (replace(NOW, governed_by=GOVERNED), (), Reason.CENTRAL_CONFIGURATION),
        (replace(NOW, failure="no"), (), Reason.OTHER),
    ],
)
def test_an_earlier_change_is_waited_for_and_the_plan_made_anew(
    then: OrganizationRecord, done: tuple[Step, ...], reason: Reason | None
) -> None:
    port = FakeOrganization(replace(NOW, is_pending=True))

    def settle() -> None:
        port.real = then

    port.script.before("describe", None, settle)
    result = carry_out(plan_organization(WISH, port.real, WORDS), port)
    assert (result.done, result.problem.reason if result.problem else None) == (done, reason)


def test_a_feature_that_is_not_listed_is_off_already() -> None:
    wish = OrganizationWish({"members": "NONE"}, (Feature("UNLISTED", "NONE"),))
    plan = plan_organization(wish, NOW, WORDS)
    assert plan == OrganizationPlan(wish, NOW) and not plan.is_due


@pytest.mark.parametrize("shown", [{"settings": {"members": "ALL"}}, {"features": {"A": Feature("A", "ALL")}}])
def test_settings_that_show_in_part_are_waited_for(shown: dict[str, Any]) -> None:
    port = FakeOrganization(NOW, shows_after=20)
    port.script.after("update", lambda: setattr(port, "shown", replace(NOW, **shown)))
    result = carry_out(plan_organization(WISH, NOW, WORDS), port)
    assert result == OrganizationResult(NOW, port.real, UPDATE) and port.time.slept >= 20


def test_an_earlier_change_that_never_ends_ends_the_wait() -> None:
    port = FakeOrganization(replace(NOW, is_pending=True))
    result = carry_out(plan_organization(WISH, port.real, WORDS), port)
    assert judge_delegation(result)[0] is Outcome.TIMED_OUT and port.sent == [] and port.time.slept == 60
    text = "AWS was still carrying out an earlier change of the organization's configuration when the wait ended"
    assert result == OrganizationResult(port.real, port.real, (), Problem(Reason.TIMED_OUT, text))


def test_settings_that_show_late_are_waited_for_or_not() -> None:
    plan = plan_organization(WISH, NOW, WORDS)
    result = carry_out(plan, FakeOrganization(NOW, shows_after=20))
    assert (result.done, result.problem) == (UPDATE, None) and result.after != NOW
    port = FakeOrganization(NOW, shows_after=20)
    result = carry_out(plan, port, wait=False)
    assert (result.done, result.problem, port.time.slept) == (UPDATE, None, 0)
    result = carry_out(plan, FakeOrganization(NOW, shows_after=200))
    assert judge_delegation(result)[0] is Outcome.TIMED_OUT
    text = "AWS accepted the settings but did not show them before the wait ended"
    assert result == OrganizationResult(NOW, NOW, UPDATE, Problem(Reason.TIMED_OUT, text))


def test_settings_that_fail_after_they_were_accepted_are_told() -> None:
    port = FakeOrganization(NOW)

    def fail() -> None:
        port.real = replace(port.real, failure="no linked Region")

    port.script.after("update", fail)
    result = carry_out(plan_organization(WISH, NOW, WORDS), port)
    assert result == OrganizationResult(NOW, port.real, UPDATE, Problem(Reason.OTHER, "no linked Region"))


def test_a_read_that_fails_after_the_write_is_told_with_what_was_done() -> None:
    port = FakeOrganization(NOW)
    port.script.before("describe", raising(failure()))
    result = carry_out(plan_organization(WISH, NOW, WORDS), port)
    assert result == OrganizationResult(NOW, NOW, UPDATE, failure().as_problem())
    port = FakeOrganization(NOW, shows_after=200)
    port.script.before("describe", None, raising(failure()))
    port.script.after("update", lambda: setattr(port, "shown", replace(NOW, is_limit_reached=True)))
    result = carry_out(plan_organization(WISH, NOW, WORDS), port)
    assert result == OrganizationResult(NOW, port.shown, UPDATE, failure().as_problem())


def test_a_lost_answer_counts_as_done_where_a_look_shows_it() -> None:
    plan = plan_organization(WISH, NOW, WORDS)
    port = FakeOrganization(NOW)
    port.script.after("update", raising(lost()))
    result = carry_out(plan, port)
    assert result == OrganizationResult(NOW, port.real, UPDATE)
    port = FakeOrganization(NOW)
    port.script.before("update", raising(lost()))
    result = carry_out(plan, port)
    assert (result.done, result.problem) == ((), lost().as_problem())
    port = FakeOrganization(NOW)
    port.script.before("update", raising(lost()))
    port.script.before("describe", raising(failure()))
    result = carry_out(plan, port)
    assert result == OrganizationResult(NOW, NOW, (), lost().as_problem())


def test_the_second_of_two_calls_is_refused() -> None:
    there = replace(NOW, features={"OLD": Feature("OLD", "ALL"), "NEWER": Feature("NEWER", "NONE")})
    wish = OrganizationWish({"members": "NEW"}, (Feature("NEWER", "NEW"), Feature("OLD", "NONE")))
    port = FakeOrganization(there)
    port.script.before("update", None, raising(failure(Reason.ACCESS_DENIED, "no")))
    result = carry_out(plan_organization(wish, there, WORDS), port)
    assert port.sent == [({"members": "NEW"}, ["OLD"])]
    assert result.done == UPDATE and result.problem and result.problem.reason is Reason.ACCESS_DENIED
    assert result.after and result.after.settings == {"members": "NEW"}


def test_refusal_of_what_is_not_listed_is_foreseen_with_what_is_done_before_it() -> None:
    there = replace(NOW, features={"OLD": Feature("OLD", "ALL")})
    wish = OrganizationWish({"members": "NEW"}, (Feature("NEWER", "NEW"), Feature("OLD", "NONE")))
    foreseen = predict_organization(plan_organization(wish, there, WORDS))
    port = FakeOrganization(there)
    port.script.before("update", None, raising(refusal(Reason.NOT_DELEGATED_ADMINISTRATOR)))
    result = carry_out(plan_organization(wish, there, WORDS), port)
    text = "AWS does not list NEWER in this Region, and refuses a call that holds it"
    assert foreseen.problem == Problem(Reason.FEATURE_UNSUPPORTED, text)
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED
    assert (foreseen.done, foreseen.after) == (result.done, result.after) == (UPDATE, port.real)
    # In one call, nothing of it is done; and where AWS lists nothing at all, that says nothing.
    alone = replace(wish, features=wish.features[:1])
    nothing = predict_organization(plan_organization(alone, there, WORDS))
    assert nothing == OrganizationResult(there, there, (), foreseen.problem)
    assert predict_organization(plan_organization(alone, replace(there, features={}), WORDS)).problem is None


def refusal(reason: Reason) -> CallFailed:
    return CallFailed("UpdateOrganizationConfiguration", "BadRequestException", "no", reason)


@pytest.mark.parametrize("reason", [Reason.INVALID_INPUT, Reason.NOT_DELEGATED_ADMINISTRATOR])
@pytest.mark.parametrize(("name", "told"), [("ODD", "does not list ODD"), ("A", "lists all of them")])
def test_a_refusal_of_features_names_the_likely_one(reason: Reason, name: str, told: str) -> None:
    port = FakeOrganization(NOW)
    port.script.before("update", raising(refusal(reason)))
    result = carry_out(plan_organization(OrganizationWish({}, (Feature(name, "ALL"),)), NOW, WORDS), port)
    assert result.problem and result.problem.reason is Reason.FEATURE_UNSUPPORTED and told in result.problem.text


@pytest.mark.parametrize(
    ("wish", "reason", "told"),
    [
        (OrganizationWish({"members": "ALL"}), Reason.NOT_DELEGATED_ADMINISTRATOR, "no"),
        (OrganizationWish({}, (Feature("MALWARE", "NEW"),)), Reason.TRUSTED_ACCESS_MISSING, "malware.example.com"),
        (
            OrganizationWish({}, (Feature("MALWARE", "NEW"), Feature("SCAN", "NEW"))),
            Reason.TRUSTED_ACCESS_MISSING,
            "no (needed for: malware.example.com, scan.example.com)",
        ),
        (OrganizationWish({}, (Feature("A", "ALL"),)), Reason.TRUSTED_ACCESS_MISSING, "no"),
        (OrganizationWish({}, (Feature("A", "ALL"),)), Reason.ACCESS_DENIED, "no"),
    ],
)
def test_other_refusals_keep_their_meaning(wish: OrganizationWish, reason: Reason, told: str) -> None:
    port = FakeOrganization(NOW)
    port.script.before("update", raising(refusal(reason)))
    result = carry_out(plan_organization(wish, NOW, WORDS), port)
    assert result.problem and result.problem.reason is reason
    assert result.problem.text.removeprefix("BadRequestException: ") in (told, f"no (needed for: {told})")
