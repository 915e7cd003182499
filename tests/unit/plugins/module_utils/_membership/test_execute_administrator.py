# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.execute_administrator import (
    AdministratorResult,
    execute_administrator,
    no_invitation,
    observe_administrator,
    observe_member_side,
    predict_administrator,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Problem,
    Reason,
    Relationship,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_administrator import (
    AdministratorPolicy,
    MemberSide,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import (
    administrator_row,
    judge_administrator,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Patience
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import (
    ADMINISTRATOR,
    A,
    B,
    FakeAdministrator,
    failure,
    lost,
    raising,
    walk_alone,
)

OTHER = B
JOINED = Relationship(ADMINISTRATOR, State.ENABLED, "Enabled", "i1")
ELSEWHERE = Relationship(OTHER, State.ENABLED, "Enabled", "o1")
RESIGNED = Relationship(ADMINISTRATOR, State.RESIGNED, "Resigned", "i1")
INVITATION = Relationship(ADMINISTRATOR, State.INVITED, "Invited", "i1", "2026-01-01T00:00:00.000Z")
THEIRS = Relationship(OTHER, State.INVITED, "Invited", "o2", "2026-01-02T00:00:00.000Z")

# In a service that invites accounts which another administrator holds.
REPLACED_WHERE_INVITED = {"replace_administrator": True, "invites_held_accounts": True}


class Seen(NamedTuple):
    """What a row says about an account."""

    outcome: str
    administrator_id: str | None
    actions: list[str]
    reason_code: str | None = None


def seen(result: AdministratorResult) -> Seen:
    outcome, problem = judge_administrator(result, GUARDDUTY)
    row = administrator_row("us-east-1", A, result)
    return Seen(outcome.value, row["administrator_id"], row["actions"], problem.reason.value if problem else None)


def execute(port: FakeAdministrator, *, wait: bool = True, timeout: float = 60, **policy: Any) -> AdministratorResult:
    options = AdministratorPolicy(ADMINISTRATOR, **policy)
    observation = observe_administrator(port, options)
    port.log.clear()
    return walk_alone(
        execute_administrator(observation, port, options, Patience(port.time.as_clock(), wait, timeout)), port.time
    )


def run(port: FakeAdministrator, **options: Any) -> Seen:
    return seen(execute(port, **options))


# Looking


def test_observe_administrator_asks_for_invitations_only_to_accept_one_at_once() -> None:
    def calls(port: FakeAdministrator, **policy: bool) -> list[str]:
        observe_administrator(port, AdministratorPolicy(ADMINISTRATOR, **policy))
        return port.log

    assert calls(FakeAdministrator()) == ["get_administrator", "list_invitations"]
    assert calls(FakeAdministrator(JOINED)) == ["get_administrator"]
    assert calls(FakeAdministrator(ELSEWHERE), replace_administrator=True) == ["get_administrator"]
    assert calls(FakeAdministrator(ELSEWHERE), **REPLACED_WHERE_INVITED) == ["get_administrator", "list_invitations"]
    assert calls(FakeAdministrator(JOINED), **REPLACED_WHERE_INVITED) == ["get_administrator"]
    assert calls(FakeAdministrator(is_on=False), enable_service=True) == ["get_administrator"]
    assert calls(FakeAdministrator(), is_present=False) == ["get_administrator"]


def test_observe_member_side_service_that_is_off_has_no_administrator() -> None:
    assert observe_member_side(FakeAdministrator(is_on=False)) == MemberSide(False)
    assert observe_member_side(FakeAdministrator(JOINED)) == MemberSide(True, JOINED)


def test_observe_member_side_other_failure_is_raised() -> None:
    port = FakeAdministrator()
    port.script.before("get_administrator", raising(failure(Reason.ACCESS_DENIED)))
    with pytest.raises(CallFailed) as caught:
        observe_member_side(port)
    assert caught.value.reason is Reason.ACCESS_DENIED


# The straight way


@pytest.mark.parametrize(
    ("port", "policy", "expected", "writes"),
    [
        (lambda: FakeAdministrator(None, [INVITATION]), {}, ("changed", ADMINISTRATOR), ["accept"]),
        (lambda: FakeAdministrator(RESIGNED, [RESIGNED]), {}, ("changed", ADMINISTRATOR), ["accept"]),
        (
            lambda: FakeAdministrator(None, [INVITATION], is_on=False),
            {"enable_service": True},
            ("changed", ADMINISTRATOR),
            ["enable_service", "accept"],
        ),
        (
            lambda: FakeAdministrator(ELSEWHERE, [INVITATION]),
            {"replace_administrator": True},
            ("changed", ADMINISTRATOR),
            ["leave", "accept"],
        ),
        (
            lambda: FakeAdministrator(ELSEWHERE, [INVITATION]),
            REPLACED_WHERE_INVITED,
            ("changed", ADMINISTRATOR),
            ["leave", "accept"],
        ),
        (lambda: FakeAdministrator(JOINED), {}, ("unchanged", ADMINISTRATOR), []),
        (lambda: FakeAdministrator(JOINED), {"is_present": False}, ("changed", None), ["leave"]),
        (lambda: FakeAdministrator(ELSEWHERE), {"is_present": False}, ("unchanged", OTHER), []),
        (lambda: FakeAdministrator(None), {"is_present": False}, ("unchanged", None), []),
        (lambda: FakeAdministrator(is_on=False), {"is_present": False}, ("unchanged", None), []),
        (
            lambda: FakeAdministrator(ELSEWHERE),
            {},
            ("failed", OTHER, "member_of_other_administrator"),
            [],
        ),
        (lambda: FakeAdministrator(is_on=False), {}, ("failed", None, "service_not_enabled"), []),
        (
            lambda: FakeAdministrator(Relationship(OTHER, State.UNKNOWN, "Unheard")),
            {},
            ("failed", OTHER, "unknown_status"),
            [],
        ),
    ],
)
def test_execute_administrator_every_standing_ends_as_predicted(port, policy, expected, writes) -> None:
    outcome, administrator_id, *code = expected
    for wait in (True, False):
        fresh = port()
        assert run(fresh, wait=wait, **policy) == Seen(outcome, administrator_id, writes, code[0] if code else None)
        calls = {"accept": "accept_invitation", "leave": "leave_administrator", "enable_service": "enable_service"}
        assert fresh.writes == [calls[write] for write in writes]
        assert fresh.time.slept == 0
    options, checked = AdministratorPolicy(ADMINISTRATOR, **policy), port()
    predicted = predict_administrator(observe_administrator(checked, options), options)
    assert seen(predicted) == Seen(outcome, administrator_id, writes, code[0] if code else None)
    assert checked.writes == []


def test_execute_administrator_second_run_makes_no_write() -> None:
    port = FakeAdministrator(ELSEWHERE, [INVITATION])
    run(port, replace_administrator=True)
    assert run(port, replace_administrator=True) == Seen("unchanged", ADMINISTRATOR, [])
    assert port.log == []


def test_execute_administrator_invitation_read_for_the_plan_is_not_read_again() -> None:
    port = FakeAdministrator(None, [INVITATION, THEIRS])
    result = execute(port)
    assert result.invitation_id == "i1"
    assert port.log == ["accept_invitation", "get_administrator"]


def test_execute_administrator_service_that_others_switched_on_meanwhile_is_not_our_doing() -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    port.script.before("enable_service", lambda: setattr(port, "is_on", True))
    assert run(port, enable_service=True) == Seen("changed", ADMINISTRATOR, ["accept"])


def test_execute_administrator_failed_enabling_ends_it() -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    port.script.before("enable_service", raising(failure(Reason.CENTRAL_CONFIGURATION)))
    assert run(port, enable_service=True) == Seen("failed", None, [], "central_configuration")
    assert port.log == ["enable_service"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_execute_administrator_lost_answer_of_the_enabling_is_settled_by_reading(when) -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    getattr(port.script, when)("enable_service", raising(lost()))
    expected = {
        "after": Seen("changed", ADMINISTRATOR, ["enable_service", "accept"]),
        "before": Seen("failed", None, [], "internal_error"),
    }
    assert run(port, enable_service=True) == expected[when]
    assert port.writes.count("enable_service") == 1


# Predictions


def test_predict_administrator_without_an_invitation_is_the_failure_of_the_real_run() -> None:
    for invitations in ([], [THEIRS]):
        options, port = AdministratorPolicy(ADMINISTRATOR), FakeAdministrator(None, invitations)
        predicted = predict_administrator(observe_administrator(port, options), options)
        assert seen(predicted) == seen(execute(port)) == Seen("failed", None, [], "no_invitation")


def test_predict_administrator_replaced_without_an_invitation_is_the_failure_of_the_real_run() -> None:
    options, port = AdministratorPolicy(ADMINISTRATOR, **REPLACED_WHERE_INVITED), FakeAdministrator(ELSEWHERE, [THEIRS])
    predicted = predict_administrator(observe_administrator(port, options), options)
    real = execute(port, **REPLACED_WHERE_INVITED)
    assert seen(predicted) == seen(real) == Seen("failed", OTHER, [], "no_invitation")


def test_predict_administrator_without_an_invitation_still_switches_the_service_on() -> None:
    options = AdministratorPolicy(ADMINISTRATOR, enable_service=True, foresees_invitations=True)
    observation = observe_administrator(FakeAdministrator(is_on=False), options)
    assert seen(predict_administrator(observation, options)) == Seen(
        "failed", None, ["enable_service"], "no_invitation"
    )


def test_predict_administrator_has_the_word_that_will_be_read() -> None:
    options = AdministratorPolicy(ADMINISTRATOR, joined_status="Enabled")
    predicted = predict_administrator(observe_administrator(FakeAdministrator(None, [INVITATION]), options), options)
    assert predicted.invitation_id == "i1"
    assert predicted.after == Relationship(ADMINISTRATOR, State.ENABLED, "Enabled")


def test_no_invitation_names_who_should_have_sent_it_and_where_we_looked() -> None:
    problem = no_invitation(AdministratorPolicy(ADMINISTRATOR))
    text = f"no invitation from {ADMINISTRATOR} that could be accepted"
    assert problem == Problem(Reason.NO_INVITATION, text, "ListInvitations")


# Invitations that are late, vanish, or are somebody else's


def test_execute_administrator_late_invitation_is_waited_for() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.invitations_from += 5
    assert run(port) == Seen("changed", ADMINISTRATOR, ["accept"])
    assert port.time.naps == [1, 2, 4]
    assert port.writes == ["accept_invitation"]


@pytest.mark.parametrize(("wait", "timeout", "slept"), [(True, 10, 10), (True, 0, 0), (False, 10, 0)])
@pytest.mark.parametrize("invitations", [[], [THEIRS]])
def test_execute_administrator_invitation_that_never_comes_is_a_failure(invitations, wait, timeout, slept) -> None:
    port = FakeAdministrator(None, invitations)
    assert run(port, wait=wait, timeout=timeout) == Seen("failed", None, [], "no_invitation")
    assert port.time.slept == slept
    assert port.writes == [] and port.log.count("get_administrator") == 1


@pytest.mark.parametrize(("wait", "timeout", "slept"), [(True, 10, 10), (True, 0, 0), (False, 10, 0)])
@pytest.mark.parametrize("invitations", [[], [THEIRS]])
def test_execute_administrator_without_an_invitation_that_could_be_there_nobody_is_left(
    invitations, wait, timeout, slept
) -> None:
    port = FakeAdministrator(ELSEWHERE, invitations)
    row = run(port, wait=wait, timeout=timeout, **REPLACED_WHERE_INVITED)
    assert row == Seen("failed", OTHER, [], "no_invitation")
    assert port.time.slept == slept
    assert port.writes == []


def test_execute_administrator_late_invitation_is_waited_for_before_the_other_administrator_is_left() -> None:
    port = FakeAdministrator(ELSEWHERE, [INVITATION])
    port.invitations_from += 5
    assert run(port, **REPLACED_WHERE_INVITED) == Seen("changed", ADMINISTRATOR, ["leave", "accept"])
    assert port.time.naps == [1, 2, 4]
    assert port.writes == ["leave_administrator", "accept_invitation"]


def test_execute_administrator_vanished_invitation_is_looked_for_again() -> None:
    port = FakeAdministrator(None, [INVITATION])
    newer = Relationship(ADMINISTRATOR, State.INVITED, "Invited", "i2", "2026-01-02T00:00:00.000Z")
    port.script.before("accept_invitation", lambda: setattr(port, "invitations", [newer]))
    result = execute(port)
    assert seen(result) == Seen("changed", ADMINISTRATOR, ["accept"])
    assert result.invitation_id == "i2"
    assert port.writes == ["accept_invitation"] * 2
    assert port.time.naps == [1]


@pytest.mark.parametrize("wait", [True, False])
def test_execute_administrator_invitation_that_vanished_for_good_is_a_failure_in_awss_words(wait) -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.before("accept_invitation", lambda: setattr(port, "invitations", []))
    result = execute(port, wait=wait, timeout=1)
    assert seen(result) == Seen("failed", None, [], "no_invitation")
    assert port.writes == ["accept_invitation"]
    if not wait:
        assert result.problem and "There is no pending invitation." in result.problem.text


def test_execute_administrator_unreadable_invitations_keep_what_was_done() -> None:
    port = FakeAdministrator(None, [], is_on=False)
    port.script.before("list_invitations", raising(failure(Reason.ACCESS_DENIED)))
    assert run(port, enable_service=True) == Seen("failed", None, ["enable_service"], "access_denied")


# Acceptances that race, or whose answer is lost


@pytest.mark.parametrize("reason", [Reason.ALREADY_MEMBER, Reason.MEMBER_OF_OTHER_ADMINISTRATOR])
@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (JOINED, Seen("unchanged", ADMINISTRATOR, [])),
        (ELSEWHERE, Seen("failed", OTHER, [], "member_of_other_administrator")),
        (None, None),
    ],
)
def test_execute_administrator_refusal_as_a_member_is_settled_by_reading(meanwhile, expected, reason) -> None:
    port = FakeAdministrator(None, [INVITATION])

    def others_were_faster() -> None:
        port.put(meanwhile)
        raise failure(reason)

    port.script.before("accept_invitation", others_were_faster)
    assert run(port) == (expected or Seen("failed", None, [], reason.value))
    assert port.writes == ["accept_invitation"]


def test_execute_administrator_other_refusal_is_final() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.before("accept_invitation", raising(failure(Reason.IS_ADMINISTRATOR)))
    assert run(port) == Seen("failed", None, [], "is_administrator")
    assert port.log == ["accept_invitation"]


@pytest.mark.parametrize("replace_administrator", [True, False])
def test_execute_administrator_account_that_joined_elsewhere_meanwhile_is_never_made_to_leave(
    replace_administrator,
) -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.before("accept_invitation", lambda: port.put(ELSEWHERE))
    port.script.after("accept_invitation", raising(failure(Reason.ALREADY_MEMBER)))
    port.delay = 1000
    result = execute(port, replace_administrator=replace_administrator)
    assert seen(result) == Seen("failed", OTHER, [], "member_of_other_administrator")
    assert result.problem and OTHER in result.problem.text
    assert "leave_administrator" not in port.log


@pytest.mark.parametrize("when", ["before", "after"])
def test_execute_administrator_lost_answer_of_an_acceptance_is_settled_by_reading(when) -> None:
    port = FakeAdministrator(None, [INVITATION])
    getattr(port.script, when)("accept_invitation", raising(lost()))
    expected = {
        "after": Seen("changed", ADMINISTRATOR, ["accept"]),
        "before": Seen("failed", None, [], "internal_error"),
    }
    assert run(port) == expected[when]
    assert port.writes == ["accept_invitation"]


def test_execute_administrator_lost_answer_that_cannot_be_settled_is_reported() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.after("accept_invitation", raising(lost()))
    port.script.before("get_administrator", None, raising(failure(Reason.THROTTLED)))
    assert run(port) == Seen("failed", None, [], "throttled")


def test_execute_administrator_acceptance_that_shows_late_is_waited_for() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.delay = 3
    assert run(port) == Seen("changed", ADMINISTRATOR, ["accept"])
    assert port.time.naps == [1, 2]


@pytest.mark.parametrize("timeout", [0, 1, 10])
def test_execute_administrator_acceptance_that_never_shows_is_timed_out(timeout) -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.delay = 1000
    assert run(port, timeout=timeout) == Seen("timed_out", None, ["accept"], "timed_out")
    assert port.time.slept == timeout


def test_execute_administrator_acceptance_is_not_waited_for_without_wait() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.delay = 1000
    assert run(port, wait=False) == Seen("changed", ADMINISTRATOR, ["accept"])
    assert port.log == ["accept_invitation"]


# A service that was just switched on: AWS may still speak as if it were off

OFF = failure(Reason.SERVICE_NOT_ENABLED, "It is off.")


@pytest.mark.parametrize("off", [OFF, failure(Reason.OTHER, "Nothing here.", "ResourceNotFoundException")], ids=str)
@pytest.mark.parametrize("call", ["list_invitations", "accept_invitation", "get_administrator"])
def test_execute_administrator_service_just_switched_on_is_asked_again_until_aws_knows(call, off) -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    # What was read for the plan comes before.
    first = [None] if call == "get_administrator" else []
    port.script.before(call, *first, *[raising(off)] * 3)
    assert run(port, enable_service=True) == Seen("changed", ADMINISTRATOR, ["enable_service", "accept"])
    assert port.time.naps == [1, 2, 4] and port.writes.count("enable_service") == 1


def test_execute_administrator_service_just_switched_on_that_aws_never_shows_is_timed_out_in_its_words() -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    port.script.before("list_invitations", *[raising(OFF)] * 100)
    result = execute(port, enable_service=True, timeout=10)
    assert seen(result) == Seen("timed_out", None, ["enable_service"], "timed_out")
    assert result.problem == Problem(Reason.TIMED_OUT, "SomeException: It is off.", "SomeOperation")
    assert port.time.slept == 10


def test_execute_administrator_service_that_we_did_not_switch_on_is_taken_at_its_word() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.before("accept_invitation", raising(OFF))
    assert run(port) == Seen("failed", None, [], "service_not_enabled")
    assert port.time.slept == 0


def test_execute_administrator_other_refusal_right_after_switching_on_is_no_echo() -> None:
    port = FakeAdministrator(None, [INVITATION], is_on=False)
    port.script.before("list_invitations", raising(failure(Reason.ACCESS_DENIED)))
    assert run(port, enable_service=True) == Seen("failed", None, ["enable_service"], "access_denied")
    assert port.time.slept == 0


# Leaving


@pytest.mark.parametrize("others_come_late", [False, True])
def test_execute_administrator_that_others_brought_in_while_we_looked_for_an_invitation_is_as_wanted(
    others_come_late,
) -> None:
    port = FakeAdministrator(ELSEWHERE, [])
    # Seen in the first look, right after it is missed; later ones only look for the invitation.
    port.script.before("list_invitations", None, *[None] * others_come_late, lambda: port.put(JOINED))
    expected = Seen("failed", OTHER, [], "no_invitation") if others_come_late else Seen("unchanged", ADMINISTRATOR, [])
    row = run(port, timeout=10, **REPLACED_WHERE_INVITED)
    assert row == expected
    assert port.writes == [] and port.log.count("get_administrator") == 1


@pytest.mark.parametrize(
    "text",
    [
        "The request is rejected because the current account is not associated to a master account.",
        "The current account is not associated with a master.",
    ],
)
def test_execute_administrator_leaving_nobody_is_no_change(text) -> None:
    port = FakeAdministrator(JOINED)

    def left_by_others() -> None:
        port.put(None)
        raise failure(Reason.OTHER, text, "BadRequestException")

    port.script.before("leave_administrator", left_by_others)
    assert run(port, is_present=False) == Seen("unchanged", None, [])


def test_execute_administrator_leave_that_our_own_lost_try_made_is_a_change() -> None:
    port = FakeAdministrator(JOINED)
    text = "The current account is not associated to a master account."
    port.script.after("leave_administrator", raising(failure(Reason.OTHER, text, is_uncertain=True)))
    assert run(port, is_present=False) == Seen("changed", None, ["leave"])


def test_execute_administrator_refused_leave_is_a_failure_in_awss_words() -> None:
    port = FakeAdministrator(JOINED)
    port.script.before("leave_administrator", raising(failure(Reason.ORGANIZATION_MEMBER, "Not by yourself.")))
    result = execute(port, is_present=False)
    assert seen(result) == Seen("failed", ADMINISTRATOR, [], "organization_member")
    assert result.problem and "Not by yourself." in result.problem.text
    assert port.log == ["get_administrator", "leave_administrator"]


@pytest.mark.parametrize("wait", [True, False])
def test_execute_administrator_administrator_that_cannot_be_left_is_not_replaced(wait) -> None:
    port = FakeAdministrator(ELSEWHERE, [INVITATION])
    port.script.before("leave_administrator", raising(failure(Reason.ORGANIZATION_MEMBER)))
    seen_row = run(port, replace_administrator=True, wait=wait)
    assert seen_row == Seen("failed", OTHER, [], "organization_member")
    assert port.writes == ["leave_administrator"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("is_present", [True, False])
def test_execute_administrator_lost_answer_of_a_leave_is_settled_by_reading(when, is_present) -> None:
    old = ELSEWHERE if is_present else JOINED
    port = FakeAdministrator(old, [INVITATION])
    getattr(port.script, when)("leave_administrator", raising(lost()))
    row = run(port, is_present=is_present, replace_administrator=True)
    if when == "before":
        assert row == Seen("failed", old.administrator_id, [], "internal_error")
    elif is_present:
        assert row == Seen("changed", ADMINISTRATOR, ["leave", "accept"])
    else:
        assert row == Seen("changed", None, ["leave"])


@pytest.mark.parametrize("is_present", [True, False])
def test_execute_administrator_leave_that_shows_late_is_waited_for(is_present) -> None:
    port = FakeAdministrator(ELSEWHERE if is_present else JOINED, [INVITATION])
    port.delay = 1000
    row = run(port, is_present=is_present, replace_administrator=True, timeout=10)
    assert row == Seen("timed_out", OTHER if is_present else ADMINISTRATOR, ["leave"], "timed_out")
    assert port.time.slept == 10
    assert port.writes == ["leave_administrator"]


def test_execute_administrator_leave_is_not_waited_for_without_wait() -> None:
    port = FakeAdministrator(JOINED)
    port.delay = 1000
    assert run(port, is_present=False, wait=False) == Seen("changed", None, ["leave"])
    assert port.log == ["get_administrator", "leave_administrator"]


@pytest.mark.parametrize(
    ("planned", "policy", "now", "expected"),
    [
        (JOINED, {"is_present": False}, ELSEWHERE, Seen("unchanged", OTHER, [])),
        (JOINED, {"is_present": False}, None, Seen("unchanged", None, [])),
        (ELSEWHERE, {"replace_administrator": True}, JOINED, Seen("unchanged", ADMINISTRATOR, [])),
        (ELSEWHERE, {"replace_administrator": True}, None, Seen("changed", ADMINISTRATOR, ["accept"])),
        (
            ELSEWHERE,
            {"replace_administrator": True},
            Relationship(OTHER, State.UNKNOWN, "Unheard"),
            Seen("failed", OTHER, [], "unknown_status"),
        ),
    ],
)
def test_execute_administrator_that_changed_since_the_plan_is_not_left(planned, policy, now, expected) -> None:
    options, port = AdministratorPolicy(ADMINISTRATOR, **policy), FakeAdministrator(planned, [INVITATION])
    observation = observe_administrator(port, options)
    port.put(now)
    result = walk_alone(
        execute_administrator(observation, port, options, Patience(port.time.as_clock(), True, 60)), port.time
    )
    assert seen(result) == expected
    assert "leave_administrator" not in port.log


@pytest.mark.parametrize("policy", [{}, REPLACED_WHERE_INVITED])
@pytest.mark.parametrize("wait", [True, False])
def test_execute_administrator_invitation_that_others_accepted_meanwhile_is_no_failure(policy, wait) -> None:
    before = ELSEWHERE if policy else None
    options, port = AdministratorPolicy(ADMINISTRATOR, **policy), FakeAdministrator(before)
    observation = observe_administrator(port, options)
    port.put(JOINED)
    result = walk_alone(
        execute_administrator(observation, port, options, Patience(port.time.as_clock(), wait, 60)), port.time
    )
    assert seen(result) == Seen("unchanged", ADMINISTRATOR, [])
    assert port.writes == []
    assert port.time.slept == 0


def test_execute_administrator_refusal_for_want_of_an_invitation_after_a_lost_answer_is_settled_by_reading() -> None:
    port = FakeAdministrator(None, [INVITATION])
    port.script.before("accept_invitation", lambda: port.put(JOINED))
    port.script.after("accept_invitation", raising(failure(Reason.NO_INVITATION, is_uncertain=True)))
    assert run(port) == Seen("changed", ADMINISTRATOR, ["accept"])


def test_execute_administrator_leave_before_an_acceptance_is_waited_for_even_without_wait() -> None:
    port = FakeAdministrator(ELSEWHERE, [INVITATION])
    port.delay = 1
    assert run(port, replace_administrator=True, wait=False) == Seen("changed", ADMINISTRATOR, ["leave", "accept"])
    assert port.time.slept == 1


def test_execute_administrator_done_steps_are_in_the_order_they_were_sent() -> None:
    result = execute(FakeAdministrator(ELSEWHERE, [INVITATION]), replace_administrator=True)
    assert result.done == (Step.LEAVE, Step.ACCEPT)
