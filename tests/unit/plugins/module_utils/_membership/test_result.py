# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_administrator import AdministratorResult
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_members import MemberResult
from ansible_collections.muster.aws.plugins.module_utils._membership.features import (
    Feature,
    FeatureWish,
    FeatureWords,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Action,
    Member,
    OrganizationKind,
    Outcome,
    Problem,
    Reason,
    Relationship,
    ServiceKind,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_administrator import MemberSide
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_delegation import DelegationResult
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import (
    Decision,
    MemberPolicy,
    Wish,
    rows_for,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_organization import (
    OrganizationRecord,
    OrganizationResult,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_service import ServiceResult
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Delegate, ServiceRecord
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import HINTS, STATE_REASONS
from ansible_collections.muster.aws.plugins.module_utils._membership.result import (
    Report,
    administrator_row,
    delegation_row,
    describe_unprocessed,
    invitation_row,
    judge_administrator,
    judge_member,
    judge_service,
    member_row,
    organization_row,
    service_row,
    settings_of,
    steps_as_actions,
    unprocessed_row,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
    C,
    account,
    ids_of,
    member_in,
)

REGION = "us-east-1"
REFUSED = Problem(Reason.ACCESS_DENIED, "Not  you.", "CreateMembers")

# The keys of the contract (section 3).
MEMBER_KEYS = (
    "account_id region email status previous_status administrator_id invited_at updated_at actions outcome "
    "reason_code reason"
).split()
ADMINISTRATOR_KEYS = (
    "account_id region administrator_id status previous_administrator_id previous_status invitation_id actions outcome "
    "reason_code reason"
).split()
UNPROCESSED_KEYS = "account_id region operation reason reason_code retryable".split()


def result_for(
    before: State, after: State | None = None, *, policy: MemberPolicy | None = None, **values: Any
) -> MemberResult:
    is_skipped = values.pop("is_skipped", False)
    table = rows_for(policy or MemberPolicy(), GUARDDUTY)
    decision = Decision(account(A), member_in(before), table, is_skipped=is_skipped)
    return MemberResult(decision, member_in(after or before), **values)


# Verdicts


@pytest.mark.parametrize(
    ("result", "outcome", "reason"),
    [
        (result_for(State.ENABLED), Outcome.UNCHANGED, None),
        (result_for(State.VERIFYING), Outcome.UNCHANGED, None),
        (result_for(State.CREATED, State.INVITED, done=(Step.INVITE,)), Outcome.CHANGED, None),
        (result_for(State.CREATED, State.ENABLED), Outcome.UNCHANGED, None),
        (result_for(State.CREATED, problem=REFUSED), Outcome.FAILED, Reason.ACCESS_DENIED),
        (result_for(State.CREATED, problem=REFUSED, done=(Step.INVITE,)), Outcome.FAILED, Reason.ACCESS_DENIED),
        (
            result_for(State.CREATED, problem=REFUSED, is_attempted=False),
            Outcome.NOT_ATTEMPTED,
            Reason.ACCESS_DENIED,
        ),
        (result_for(State.CREATED, is_timed_out=True), Outcome.TIMED_OUT, Reason.TIMED_OUT),
        (
            result_for(State.CREATED, State.VERIFYING, is_timed_out=True),
            Outcome.TIMED_OUT,
            Reason.EMAIL_VERIFICATION_PENDING,
        ),
        (
            result_for(State.CREATED, State.VERIFYING, is_timed_out=True, problem=REFUSED),
            Outcome.TIMED_OUT,
            Reason.ACCESS_DENIED,
        ),
        # Its association is ended, which is all that was asked for.
        (
            result_for(
                State.ENABLED, State.RESIGNED, policy=MemberPolicy(Wish.DISASSOCIATED), done=(Step.DISASSOCIATE,)
            ),
            Outcome.CHANGED,
            None,
        ),
        (result_for(State.ENABLED, is_skipped=True), Outcome.SKIPPED, Reason.IS_ADMINISTRATOR),
        (result_for(State.ENABLED, is_skipped=True, problem=REFUSED), Outcome.SKIPPED, Reason.IS_ADMINISTRATOR),
        (result_for(State.RESIGNED), Outcome.FAILED, Reason.RESIGNED),
        (result_for(State.UNKNOWN), Outcome.FAILED, Reason.UNKNOWN_STATUS),
        (result_for(State.CREATED, State.UNKNOWN, done=(Step.INVITE,)), Outcome.FAILED, Reason.UNKNOWN_STATUS),
        (
            result_for(
                State.CREATED,
                State.VERIFICATION_FAILED,
                policy=MemberPolicy(replace_failed=True),
                done=(Step.INVITE,),
            ),
            Outcome.FAILED,
            Reason.EMAIL_VERIFICATION_FAILED,
        ),
        (
            result_for(State.RESIGNED, policy=MemberPolicy(reinvite_resigned=True), done=(Step.INVITE,)),
            Outcome.CHANGED,
            None,
        ),
    ],
)
def test_judge_member_outcome_and_reason(result, outcome, reason) -> None:
    found, problem = judge_member(result)
    assert (found, problem and problem.reason) == (outcome, reason)


def every_member_result() -> list[MemberResult]:
    policies = [
        MemberPolicy(wish, replace_failed=flag, reinvite_resigned=flag) for wish in Wish for flag in (True, False)
    ]
    return [
        result_for(
            before,
            after,
            policy=policy,
            problem=problem,
            done=done,
            is_timed_out=is_timed_out,
            is_attempted=is_attempted,
            is_skipped=is_skipped,
        )
        for before, after, policy, problem, done, is_timed_out, is_attempted, is_skipped in product(
            State, State, policies, (None, REFUSED), ((), (Step.INVITE,)), *[(True, False)] * 3
        )
    ]


def test_judge_member_every_result_has_a_verdict_that_hangs_together() -> None:
    for result in every_member_result():
        outcome, problem = judge_member(result)
        # What was not done has a reason, and what was done has none.
        assert bool(problem) is (outcome not in (Outcome.CHANGED, Outcome.UNCHANGED)), result
        assert (outcome is Outcome.SKIPPED) is result.decision.is_skipped
        assert outcome is not Outcome.CHANGED or result.done
        assert outcome is not Outcome.UNCHANGED or not result.done
        assert outcome is not Outcome.TIMED_OUT or result.is_timed_out
        assert outcome is not Outcome.NOT_ATTEMPTED or (result.problem and not result.is_attempted)


def test_judge_member_nothing_done_in_a_state_that_is_no_goal_is_never_a_success() -> None:
    wrong = [
        result
        for result in every_member_result()
        if result.decision.table[result.member.state].problem
        and not result.decision.is_skipped
        and judge_member(result)[0] in (Outcome.CHANGED, Outcome.UNCHANGED)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("state", "reason", "text"),
    [
        (
            State.VERIFYING,
            Reason.EMAIL_VERIFICATION_PENDING,
            "AWS was still verifying the e-mail address when the wait ended",
        ),
        (
            State.INVITED,
            Reason.TIMED_OUT,
            "AWS accepted the request but did not show its effect before the wait ended",
        ),
    ],
)
def test_judge_member_that_did_not_arrive_in_time_says_what_was_still_to_come(state, reason, text) -> None:
    verdict = judge_member(result_for(State.CREATED, state, is_timed_out=True))
    assert verdict == (Outcome.TIMED_OUT, Problem(reason, text))


@pytest.mark.parametrize(("problem", "is_timed_out"), [(REFUSED, False), (None, True), (REFUSED, True), (None, False)])
@pytest.mark.parametrize("state", [State.ACCOUNT_SUSPENDED, State.ENABLED])
def test_judge_member_closed_account_that_a_purge_cannot_remove_is_skipped(state, problem, is_timed_out) -> None:
    result = result_for(state, policy=MemberPolicy(Wish.ABSENT), problem=problem, is_timed_out=is_timed_out)
    purged = replace(result, decision=replace(result.decision, is_purged=True))
    if state is State.ACCOUNT_SUSPENDED and (problem or is_timed_out):
        assert judge_member(purged) == (Outcome.SKIPPED, Problem(*STATE_REASONS[state]))
    else:
        assert judge_member(purged) == judge_member(result) and judge_member(result)[0] is not Outcome.SKIPPED


@pytest.mark.parametrize("state", STATE_REASONS)
def test_judge_member_state_that_is_no_goal_is_a_failure_with_its_reason(state) -> None:
    assert judge_member(result_for(state)) == (Outcome.FAILED, Problem(*STATE_REASONS[state]))


ALONE = AdministratorResult(MemberSide(True), None)
JOINED = Relationship(ADMINISTRATOR, State.ENABLED, "Enabled", "i1", "2026-01-01T00:00:00.000Z")
CENTRAL = Problem(Reason.CENTRAL_CONFIGURATION, "A policy governs it.", "EnableSecurityHub")


@pytest.mark.parametrize(
    ("values", "outcome", "reason"),
    [
        ({}, Outcome.UNCHANGED, None),
        ({"done": (Step.ACCEPT,)}, Outcome.CHANGED, None),
        ({"problem": REFUSED}, Outcome.FAILED, Reason.ACCESS_DENIED),
        ({"problem": REFUSED, "done": (Step.LEAVE,)}, Outcome.FAILED, Reason.ACCESS_DENIED),
        ({"problem": CENTRAL}, Outcome.SKIPPED, Reason.CENTRAL_CONFIGURATION),
        ({"is_timed_out": True, "done": (Step.ACCEPT,)}, Outcome.TIMED_OUT, Reason.TIMED_OUT),
    ],
)
def test_judge_administrator_outcome_and_reason(values, outcome, reason) -> None:
    found, problem = judge_administrator(AdministratorResult(MemberSide(True), None, **values), SECURITYHUB)
    assert (found, problem and problem.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("values", "outcome", "reason"),
    [
        ({}, Outcome.UNCHANGED, None),
        ({"done": (Step.TAG,)}, Outcome.CHANGED, None),
        ({"problem": REFUSED, "done": (Step.ENABLE_SERVICE,)}, Outcome.FAILED, Reason.ACCESS_DENIED),
        ({"problem": CENTRAL}, Outcome.SKIPPED, Reason.CENTRAL_CONFIGURATION),
    ],
)
def test_judge_service_outcome_and_reason(values, outcome, reason) -> None:
    found, problem = judge_service(ServiceResult(None, None, **values), SECURITYHUB)
    assert (found, problem and problem.reason) == (outcome, reason)


# Rows


def reported(row: dict[str, Any], verdict: Any) -> dict[str, Any]:
    report = Report()
    report.add_row(row, None, verdict)
    return report.rows[0]


def test_member_row_has_the_keys_of_the_contract() -> None:
    result = result_for(State.CREATED, State.INVITED, done=(Step.CREATE, Step.INVITE))
    row = reported(member_row(REGION, result), judge_member(result))
    assert list(row) == MEMBER_KEYS
    assert (row["status"], row["previous_status"], row["actions"]) == ("Invited", "Created", ["create", "invite"])
    assert (row["outcome"], row["reason_code"], row["reason"]) == ("changed", None, None)
    assert row["email"] == account(A).email


def test_member_row_recorded_email_goes_before_the_one_asked_for() -> None:
    decision = Decision(Account(A, "new@example.com"), Member(A), {})
    assert member_row(REGION, MemberResult(decision, Member(A, email="old@example.com")))["email"] == "old@example.com"
    assert member_row(REGION, MemberResult(decision, Member(A)))["email"] == "new@example.com"


def test_administrator_row_has_the_keys_of_the_contract() -> None:
    before = Relationship(B, State.RESIGNED, "Resigned")
    result = AdministratorResult(MemberSide(True, before), JOINED, "i1", (Step.ACCEPT,))
    row = reported(administrator_row(REGION, A, result), judge_administrator(result, SECURITYHUB))
    assert list(row) == ADMINISTRATOR_KEYS
    assert row == {
        "account_id": A,
        "region": REGION,
        "administrator_id": ADMINISTRATOR,
        "status": "Enabled",
        "previous_administrator_id": B,
        "previous_status": "Resigned",
        "invitation_id": "i1",
        "actions": ["accept"],
        "outcome": "changed",
        "reason_code": None,
        "reason": None,
    }


def test_administrator_row_without_an_administrator_is_empty_handed() -> None:
    row = administrator_row(REGION, A, ALONE)
    empty = ("administrator_id", "status", "previous_administrator_id", "previous_status", "invitation_id")
    assert [row[key] for key in empty] == [None] * 5


def test_invitation_row_is_what_the_member_reads() -> None:
    assert invitation_row(JOINED) == {
        "administrator_id": ADMINISTRATOR,
        "invitation_id": "i1",
        "status": "Enabled",
        "invited_at": "2026-01-01T00:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (None, (None, None, None, None)),
        (ServiceRecord("d1", "ENABLED", {"enabled": True, "more": 1}), ("d1", "ENABLED", True, None)),
        (ServiceRecord("", "DISABLED", {}, {"a": "1"}), (None, "DISABLED", None, {"a": "1"})),
    ],
)
def test_service_row_has_the_settings_of_the_service_only(after, expected) -> None:
    before = ServiceRecord("d0", "DISABLED", {})
    kind = ServiceKind("detector", "detectors", "detector_id", ("enabled",))
    row = service_row(REGION, A, kind, ServiceResult(before, after, (Step.TAG,)))
    keys = "account_id region detector_id status previous_status enabled tags actions".split()
    assert list(row) == keys
    assert (row["detector_id"], row["status"], row["enabled"], row["tags"]) == expected
    assert (row["previous_status"], row["actions"]) == ("DISABLED", ["tag"])
    none_before = service_row(REGION, A, kind, ServiceResult(None, after))
    assert none_before["previous_status"] is None


def test_service_row_of_a_service_without_name_and_tags_has_neither() -> None:
    kind = ServiceKind("session", "sessions", None, ("enabled",), has_tags=False)
    row = service_row(REGION, A, kind, ServiceResult(None, ServiceRecord("", "PAUSED", {"enabled": False})))
    assert list(row) == "account_id region status previous_status enabled actions".split()


WORDS = FeatureWords("status", "DISABLED")
UNLISTED = "not listed"


@pytest.mark.parametrize(
    ("asked", "after", "shown"),
    [
        (None, {"features": {"A": Feature("A", "ENABLED")}}, None),
        ("A", None, None),
        ("A", {}, UNLISTED),
        ("A", {"features": {"A": Feature("A", "ENABLED"), "UNASKED": Feature("UNASKED", "ENABLED")}}, "ENABLED"),
    ],
)
def test_service_row_shows_the_features_that_were_asked_for_and_no_others(asked, after, shown) -> None:
    kind = ServiceKind("detector", "detectors", "detector_id", {"enabled": True, "features": None})
    wish = FeatureWish((Feature(asked, "ENABLED"),), WORDS) if asked else None
    record = None if after is None else ServiceRecord("d1", "ENABLED", after)
    row = service_row(REGION, A, kind, ServiceResult(record, record), wish)
    assert row["features"] == (
        shown and [{"name": "A", "status": None if shown == UNLISTED else shown, "additional_configuration": []}]
    )


def test_member_row_has_features_where_the_service_has_them() -> None:
    result = replace(result_for(State.ENABLED), features=[{"name": "A"}])
    assert list(member_row(REGION, result, has_features=True)) == [*MEMBER_KEYS[:-3], "features"]
    assert member_row(REGION, result, has_features=True)["features"] == [{"name": "A"}]


KIND = OrganizationKind("guardduty.amazonaws.com", ("auto_enable",), features=FeatureWords("auto_enable", "NONE"))
BY_POLICY = OrganizationKind("securityhub.amazonaws.com", ("auto_enable", "standards"), has_configuration=True)
RECORD = OrganizationRecord(
    {"auto_enable": "ALL", "more": 1}, {"A": Feature("A", "NEW")}, False, ("CENTRAL", "ENABLED")
)


@pytest.mark.parametrize(
    ("kind", "record", "settings"),
    [
        (
            KIND,
            RECORD,
            {
                "auto_enable": "ALL",
                "features": [{"name": "A", "auto_enable": "NEW", "additional_configuration": []}],
                "member_limit_reached": False,
            },
        ),
        (KIND, None, {"auto_enable": None, "features": None, "member_limit_reached": None}),
        (
            BY_POLICY,
            RECORD,
            {
                "auto_enable": "ALL",
                "standards": None,
                "member_limit_reached": False,
                "configuration_type": "CENTRAL",
                "configuration_status": "ENABLED",
            },
        ),
        (
            BY_POLICY,
            None,
            {
                "auto_enable": None,
                "standards": None,
                "member_limit_reached": None,
                "configuration_type": None,
                "configuration_status": None,
            },
        ),
    ],
)
def test_settings_of_an_organization_are_those_of_the_service_and_null_where_nobody_could_read(
    kind, record, settings
) -> None:
    assert settings_of(kind, record) == settings
    row = organization_row(REGION, A, kind, OrganizationResult(None, record, (Step.UPDATE_ORGANIZATION,)))
    assert row == {"account_id": A, "region": REGION, **settings, "actions": ["update_organization"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, None), (None, Delegate(A, "ENABLED")), (Delegate(B, "DISABLE_IN_PROGRESS"), Delegate(A, "ENABLED"))],
)
def test_delegation_row_has_who_it_is_and_who_it_was(before, after) -> None:
    row = delegation_row(REGION, DelegationResult(before, after), (Step.DELEGATE, Step.REVOKE))
    assert row == {
        "region": REGION,
        "administrator_id": after and after.account_id,
        "status": after and after.status,
        "previous_administrator_id": before and before.account_id,
        "previous_status": before and before.status,
        "actions": ["delegate", "revoke"],
    }


def test_steps_as_actions_name_no_accounts() -> None:
    actions = steps_as_actions(GUARDDUTY.operations, (Step.ENABLE_SERVICE, Step.ACCEPT))
    assert actions == [Action("CreateDetector"), Action("AcceptAdministratorInvitation")]


@pytest.mark.parametrize("reason", Reason)
def test_unprocessed_row_and_its_sentence_name_everything(reason) -> None:
    row = unprocessed_row(A, REGION, Problem(reason, "AWS's  own text.", "CreateMembers"))
    assert list(row) == UNPROCESSED_KEYS
    assert (row["reason"], row["reason_code"]) == ("AWS's  own text.", reason.value)
    sentence = describe_unprocessed(row)
    for part in (A, REGION, "CreateMembers", "AWS's  own text.", reason.value, HINTS[reason]):
        assert part in sentence


def test_describe_unprocessed_without_region_and_operation_has_no_gaps() -> None:
    row = unprocessed_row("x", None, Problem(Reason.INVALID_INPUT, "odd"))
    assert describe_unprocessed(row) == f"x: odd (invalid_input: {HINTS[Reason.INVALID_INPUT]})"


@pytest.mark.parametrize(
    ("reason", "retryable"),
    [
        (Reason.THROTTLED, True),
        (Reason.NO_INVITATION, True),
        (Reason.TIMED_OUT, True),
        (Reason.ACCESS_DENIED, False),
        (Reason.RESIGNED, False),
    ],
)
def test_unprocessed_row_tells_what_is_worth_another_run(reason, retryable) -> None:
    assert unprocessed_row(A, REGION, Problem(reason, "x"))["retryable"] is retryable


# The report


def test_add_row_what_was_not_done_is_unprocessed_and_what_was_skipped_is_warned_about() -> None:
    report = Report()
    row_of = {"account_id": A, "region": REGION, "status": "Created", "actions": []}
    for outcome in Outcome:
        problem = None if outcome in (Outcome.CHANGED, Outcome.UNCHANGED) else REFUSED
        report.add_row(dict(row_of), "Removed", (outcome, problem))
    assert [row["outcome"] for row in report.rows] == [outcome.value for outcome in Outcome]
    assert len(report.unprocessed) == len({Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.TIMED_OUT})
    assert len(report.warnings) == 1
    for part in (A, REGION, REFUSED.text, "access_denied", HINTS[Reason.ACCESS_DENIED]):
        assert part in report.warnings[0]
    assert (report.before, report.after) == ({f"{REGION}/{A}": "Removed"}, {f"{REGION}/{A}": "Created"})


@pytest.mark.parametrize(
    ("actions", "is_changed"), [([], False), ([[]], False), ([[], ["invite"]], True), ([["invite"]], True)]
)
def test_is_changed_as_soon_as_one_row_has_an_action_whatever_its_outcome(actions, is_changed) -> None:
    report = Report()
    for done in actions:
        row = {"account_id": A, "region": REGION, "status": None, "actions": done}
        report.add_row(row, None, (Outcome.FAILED, REFUSED))
    assert report.is_changed is is_changed


def test_sort_by_region_then_account_and_actions_keep_their_order() -> None:
    report = Report()
    for region, account_id in (("b", A), ("a", B), ("a", A)):
        row = {"account_id": account_id, "region": region, "status": None, "actions": []}
        report.add_row(row, None, (Outcome.FAILED, REFUSED))
        report.add_actions(region, None, [Action("DeleteMembers", (account_id,)), Action("CreateMembers", (C,))])
    report.refuse([Fault("x", Reason.INVALID_INPUT, "odd")])
    report.sort()
    places = [(row["region"], row["account_id"]) for row in report.rows]
    assert places == [("a", A), ("a", B), ("b", A)]
    assert [row["account_id"] for row in report.unprocessed] == ["x", A, B, A]
    assert [(row["region"], row["operation"]) for row in report.actions] == [
        ("a", "DeleteMembers"),
        ("a", "CreateMembers"),
        ("a", "DeleteMembers"),
        ("a", "CreateMembers"),
        ("b", "DeleteMembers"),
        ("b", "CreateMembers"),
    ]


def test_sort_what_names_no_account_or_no_region_comes_first() -> None:
    report = Report()
    # Capitals sort before small letters and after digits.
    for region, account_id in (("A", A), ("A", None), ("a", A)):
        report.add_actions(region, account_id, [Action("ListMembers")])
    report.refuse([Fault(B, Reason.INVALID_INPUT, "odd")])
    report.unprocessed.insert(0, unprocessed_row(A, "A", REFUSED))
    report.sort()
    assert [(row["region"], row["account_id"]) for row in report.actions] == [("A", None), ("A", A), ("a", A)]
    assert [row["region"] for row in report.unprocessed] == [None, "A"]


def test_add_actions_are_plain_data() -> None:
    report = Report()
    report.add_actions(REGION, A, [Action("AcceptAdministratorInvitation")])
    assert report.actions == [
        {"region": REGION, "account_id": A, "operation": "AcceptAdministratorInvitation", "account_ids": []}
    ]


def test_refuse_faults_are_unprocessed_without_region_and_operation() -> None:
    report = Report()
    report.refuse([Fault("x", Reason.EMAIL_MISSING, "no address")])
    assert report.unprocessed == [
        {
            "account_id": "x",
            "region": None,
            "operation": None,
            "reason": "no address",
            "reason_code": "email_missing",
            "retryable": False,
        }
    ]


@pytest.mark.parametrize(("count", "more"), [(1, None), (10, None), (11, "and 1 more, see unprocessed_accounts")])
def test_describe_failures_names_at_most_ten_and_counts_all(count, more) -> None:
    report = Report()
    for account_id in ids_of(count + 1):
        verdict = (Outcome.FAILED, REFUSED) if len(report.rows) < count else (Outcome.UNCHANGED, None)
        report.add_row({"account_id": account_id, "region": REGION, "status": None, "actions": []}, None, verdict)
    text = report.describe_failures("GuardDuty")
    assert text.startswith(f"GuardDuty: {count} of {count + 1} accounts and Regions not done: ")
    assert text.count("CreateMembers: Not  you. (access_denied") == min(count, 10)
    named = [describe_unprocessed(row) for row in report.unprocessed[:10]]
    assert text.endswith(": " + "; ".join([*named, *([more] if more else [])]))
    assert more in text if more else "more, see" not in text


def test_describe_failures_without_rows_counts_what_was_refused() -> None:
    report = Report()
    report.refuse([Fault("x", Reason.INVALID_INPUT, "odd")])
    assert report.describe_failures("GuardDuty").startswith("GuardDuty: 1 of 1 ")


# What a failed call says


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException"])
def test_call_failed_as_problem_of_a_session_that_ended_is_worth_another_run(code) -> None:
    problem = CallFailed("GetMembers", code, "It is over.", Reason.ACCESS_DENIED).as_problem()
    assert problem.is_passing and unprocessed_row(A, REGION, problem)["retryable"]


@pytest.mark.parametrize(("text", "said"), [("Not you.", "SomeException: Not you."), ("", "SomeException")])
def test_call_failed_as_problem_has_code_and_text(text, said) -> None:
    failure = CallFailed("GetMembers", "SomeException", text, Reason.ACCESS_DENIED)
    assert failure.as_problem() == Problem(Reason.ACCESS_DENIED, said, "GetMembers")
    assert "GetMembers" in str(failure) and "SomeException" in str(failure)
