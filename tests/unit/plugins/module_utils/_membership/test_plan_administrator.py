# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import permutations, product

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, Relationship, State
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_administrator import (
    AdministratorPolicy,
    MemberSide,
    Standing,
    pick_invitation,
    plan_administrator,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import ADMINISTRATOR, A, B

OTHER = A


def side(standing: Standing) -> MemberSide:
    relationships = {
        Standing.SERVICE_OFF: None,
        Standing.ALONE: None,
        Standing.JOINED: Relationship(ADMINISTRATOR, State.ENABLED, "Enabled"),
        Standing.ELSEWHERE: Relationship(OTHER, State.ENABLED, "Enabled"),
        Standing.UNKNOWN: Relationship(OTHER, State.UNKNOWN, "Unheard"),
    }
    return MemberSide(standing is not Standing.SERVICE_OFF, relationships[standing])


# A cell is "=" (nothing to do), "!code" (a problem, nothing sent), or the steps. Options: enable_service (enable) and
# replace_administrator (replace).
EXPECTED = """
state    standing     neither                         enable                          replace               both
present  SERVICE_OFF  !service_not_enabled            enable_service+accept           !service_not_enabled  enable_service+accept
present  ALONE        accept                          accept                          accept                accept
present  JOINED       =                               =                               =                     =
present  ELSEWHERE    !member_of_other_administrator  !member_of_other_administrator  leave+accept          leave+accept
present  UNKNOWN      !unknown_status                 !unknown_status                 !unknown_status       !unknown_status
absent   SERVICE_OFF  =                               =                               =                     =
absent   ALONE        =                               =                               =                     =
absent   JOINED       leave                           leave                           leave                 leave
absent   ELSEWHERE    =                               =                               =                     =
absent   UNKNOWN      !unknown_status                 !unknown_status                 !unknown_status       !unknown_status
"""  # noqa: E501
OPTIONS = {"neither": (False, False), "enable": (True, False), "replace": (False, True), "both": (True, True)}


def expected_cells() -> list[tuple[str, str, str, str]]:
    head, *rows = (line.split() for line in EXPECTED.strip().splitlines())
    return [(*row[:2], name, cell) for row in rows for name, cell in zip(head[2:], row[2:], strict=True)]


def test_expected_table_is_complete() -> None:
    combinations = product(("present", "absent"), (standing.name for standing in Standing), OPTIONS)
    assert sorted(cell[:3] for cell in expected_cells()) == sorted(combinations)


@pytest.mark.parametrize(("state", "standing", "options", "cell"), expected_cells())
def test_plan_administrator_every_standing_and_option_follows_the_table(state, standing, options, cell) -> None:
    enable_service, replace_administrator = OPTIONS[options]
    policy = AdministratorPolicy(ADMINISTRATOR, state == "present", enable_service, replace_administrator)
    before = side(Standing[standing])
    plan = plan_administrator(before, policy)
    assert plan.before == before
    assert not (plan.steps and plan.problem)
    found = "+".join(step.value for step in plan.steps)
    assert (f"!{plan.problem.reason.value}" if plan.problem else found or "=") == cell


@pytest.mark.parametrize("foresees_invitations", [True, False])
@pytest.mark.parametrize("invites_held_accounts", [True, False])
@pytest.mark.parametrize("standing", Standing)
def test_plan_administrator_invitation_has_to_be_there_before_the_first_step_wherever_it_can_be(
    standing, invites_held_accounts, foresees_invitations
) -> None:
    for is_present in (True, False):
        facts = (invites_held_accounts, foresees_invitations)
        policy = AdministratorPolicy(ADMINISTRATOR, is_present, True, True, None, *facts)
        plan = plan_administrator(side(standing), policy)
        expected = {
            Standing.ALONE: True,
            Standing.ELSEWHERE: invites_held_accounts,
            Standing.SERVICE_OFF: foresees_invitations,
        }.get(standing, False)
        assert plan.needs_invitation is (is_present and expected)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("administrator_id", [ADMINISTRATOR, OTHER])
def test_standing_every_state_is_joined_only_where_associated(state, administrator_id) -> None:
    standing = MemberSide(True, Relationship(administrator_id, state)).standing(ADMINISTRATOR)
    if state in (State.ENABLED, State.SUSPENDED):
        assert standing is (Standing.JOINED if administrator_id == ADMINISTRATOR else Standing.ELSEWHERE)
    else:
        assert standing is (Standing.UNKNOWN if state is State.UNKNOWN else Standing.ALONE)


@pytest.mark.parametrize("standing", Standing)
def test_standing_of_each_side_is_the_one_it_is_named_for(standing) -> None:
    assert side(standing).standing(ADMINISTRATOR) is standing


def test_plan_administrator_problem_names_who_and_which_status() -> None:
    plan = plan_administrator(side(Standing.ELSEWHERE), AdministratorPolicy(ADMINISTRATOR))
    assert plan.problem and OTHER in plan.problem.text and "Enabled" in plan.problem.text
    plan = plan_administrator(side(Standing.UNKNOWN), AdministratorPolicy(ADMINISTRATOR))
    assert plan.problem and OTHER in plan.problem.text and "Unheard" in plan.problem.text
    assert plan.problem.reason is Reason.UNKNOWN_STATUS and plan.problem.operation is None
    plan = plan_administrator(side(Standing.SERVICE_OFF), AdministratorPolicy(ADMINISTRATOR))
    assert plan.problem == Problem(Reason.SERVICE_NOT_ENABLED, "the service is off in this account and Region")


# Invitations


def invitation(
    administrator_id: str = ADMINISTRATOR,
    state: State = State.INVITED,
    invitation_id: str | None = "i1",
    invited_at: str | None = "2026-01-01T00:00:00.000Z",
) -> Relationship:
    return Relationship(administrator_id, state, None, invitation_id, invited_at)


@pytest.mark.parametrize("state", State)
def test_pick_invitation_takes_only_states_that_can_be_accepted(state) -> None:
    one = invitation(state=state)
    expected = one if state in (State.INVITED, State.RESIGNED) else None
    assert pick_invitation([one], ADMINISTRATOR) == expected


@pytest.mark.parametrize("position", range(12))
def test_pick_invitation_id_that_differs_in_one_digit_is_never_taken(position) -> None:
    other = ADMINISTRATOR[:position] + "2" + ADMINISTRATOR[position + 1 :]
    assert pick_invitation([invitation(other)], ADMINISTRATOR) is None


@pytest.mark.parametrize("other", ["", "11111111111", "1111111111111", " 111111111111", "11111111111\u0661"])
def test_pick_invitation_id_of_another_form_is_never_taken(other) -> None:
    assert pick_invitation([invitation(other)], ADMINISTRATOR) is None


@pytest.mark.parametrize("invitation_id", [None, "", " "])
def test_pick_invitation_without_an_id_is_never_taken(invitation_id) -> None:
    assert pick_invitation([invitation(invitation_id=invitation_id)], ADMINISTRATOR) is None


def test_pick_invitation_newest_wins_in_any_order_of_the_pages() -> None:
    invitations = [
        invitation(invitation_id="old"),
        invitation(invitation_id="new", invited_at="2026-01-02T00:00:00.000Z", state=State.RESIGNED),
        invitation(invitation_id="undated", invited_at=None),
        invitation(OTHER, invitation_id="theirs", invited_at="2026-01-03T00:00:00.000Z"),
        invitation(B, invitation_id="newest", invited_at="2026-01-04T00:00:00.000Z"),
    ]
    picked = {pick_invitation(order, ADMINISTRATOR) for order in permutations(invitations)}
    assert picked == {invitations[1]}


def test_pick_invitation_same_or_no_time_is_settled_by_the_id_in_any_order() -> None:
    for invited_at in (None, "2026-01-01T00:00:00.000Z"):
        invitations = [invitation(invitation_id=each, invited_at=invited_at) for each in ("a", "b", "c")]
        picked = {pick_invitation(order, ADMINISTRATOR) for order in permutations(invitations)}
        assert picked == {invitations[2]}


def test_pick_invitation_nothing_to_pick_from_is_none() -> None:
    assert pick_invitation([], ADMINISTRATOR) is None
