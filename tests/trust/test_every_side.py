# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main flows end the same on every side of every knob: whatever AWS answers where that is not settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator import Emulator, Knobs
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, REGION, ModuleRunner
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY
from ansible_collections.muster.aws.tests.trust.scenes import A, B, members_of

MANAGEMENT = "777777777777"
MEMBERS = {"members": members_of([A, B])}
THERE = {"account_ids": [A, B], "role_name": "Muster"}
JOIN = {**THERE, "administrator_id": ADMINISTRATOR}
ACTIVE = {"Enabled", "Associated"}


ROW_LISTS = (
    *("members", "administrators", "organizations", "organization_administrators"),
    *(facts.kind.rows for facts in SERVICES.values()),
)
# What accounts of an organization get, in the words of each service that has something for one.
SETTINGS: dict[str, dict[str, Any]] = {
    "guardduty": {
        "auto_enable_members": "NEW",
        "features": [
            {"name": "EBS_MALWARE_PROTECTION", "auto_enable": "NEW"},
            {
                "name": "RUNTIME_MONITORING",
                "auto_enable": "ALL",
                "additional_configuration": [{"name": "EC2_AGENT_MANAGEMENT", "auto_enable": "ALL"}],
            },
        ],
    },
    "securityhub": {"auto_enable": True, "auto_enable_standards": "NONE"},
}
PRINCIPALS = {"guardduty": ["guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"]}
FEATURES = [{"name": "RUNTIME_MONITORING", "status": "ENABLED"}, {"name": "S3_DATA_EVENTS", "status": "DISABLED"}]

# Limits and delays, which are no questions about AWS.
NO_QUESTIONS = ("rate_limit", "lag_")


def questions() -> dict[str, tuple[Any, ...]]:
    """Return the sides of every knob that is a question about AWS."""
    hints = get_type_hints(Knobs)
    return {
        item.name: get_args(hints[item.name])
        for item in fields(Knobs)
        if get_origin(hints[item.name]) is Literal and not item.name.startswith(NO_QUESTIONS)
    }


def settings() -> list[dict[str, Any]]:
    """Return knobs to play with: each side alone, or, in fewer runs, the n-th side of all at once."""
    if IS_NIGHTLY:
        return [{name: side} for name, sides in questions().items() for side in sides]
    longest = max(len(sides) for sides in questions().values())
    return [{name: sides[n % len(sides)] for name, sides in questions().items()} for n in range(longest)]


def named(knobs: dict[str, Any]) -> str:
    return "-".join(f"{name}={side}" for name, side in knobs.items()) if len(knobs) == 1 else "all"


class Play:
    """Runs the modules of one service, each first in check mode and a second time after."""

    def __init__(self, emulator: Emulator, run_module: ModuleRunner, service: str) -> None:
        self.emulator, self.run_module, self.service = emulator, run_module, service
        self.switch = SERVICES[service].kind.module

    def __call__(self, module: str, **options: Any) -> list[dict[str, Any]]:
        """Run a module that succeeds, writes nothing in check mode, and nothing the second time; return its rows."""
        results = []
        for check in (True, False, False):
            self.emulator.clear_calls()
            results.append(self.run_module(f"{self.service}_{module}", check=check, **options))
            writes = self.emulator.operations(writes_only=True)
            assert not results[-1].get("failed"), results[-1]["msg"]
            assert not check or writes == []
        assert writes == [] and results[-1]["changed"] is False
        predicted, real = (self._rows(result) for result in results[:2])
        assert [(row["actions"], row["outcome"]) for row in predicted] == [
            (row["actions"], row["outcome"]) for row in real
        ]
        return real

    @staticmethod
    def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
        [rows] = [result[kind] for kind in ROW_LISTS if kind in result]
        return list(rows)

    def statuses(self) -> set[str | None]:
        """What AWS itself holds about the members."""
        found = [self.emulator.member(self.service, REGION, ADMINISTRATOR, each) for each in (A, B)]
        return {member.status if member else None for member in found}

    def is_on(self, account_id: str) -> bool:
        return self.emulator.world.home(self.service, account_id, REGION).switch is not None


def by_invitation(play: Play) -> None:
    assert [row["reason_code"] for row in play("administrator_info", **THERE)] == ["service_not_enabled"] * 2
    off = play.run_module(f"{play.service}_member", check=True, **MEMBERS)
    assert {row["reason_code"] for row in off["unprocessed_accounts"]} == {"service_not_enabled"}
    assert [row["actions"] for row in play("administrator", **JOIN, state="absent")] == [[], []]
    assert [row["actions"] for row in play(play.switch, **THERE, state="absent")] == [[], []]
    play(play.switch)
    invited = play("member", **MEMBERS)
    assert {row["status"] for row in invited} == {"Invited"} and not play.is_on(A)
    joined = play("administrator", **JOIN, enable_service=True)
    assert {row["outcome"] for row in joined} == {"changed"}
    assert play.statuses() == {"Enabled"} and play.is_on(A)
    assert [row["actions"] for row in play("member", **MEMBERS)] == [[], []]
    report(play)


def by_organization(play: Play) -> None:
    play.emulator.seed(
        {
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": [A, B],
                "delegated_administrator": dict.fromkeys(SERVICES, ADMINISTRATOR),
            }
        }
    )
    play(play.switch)
    play("member", **MEMBERS, via="organization")
    assert play.statuses() == {"Enabled"} and play.is_on(A)
    report(play)
    refused = play.run_module(f"{play.service}_{play.switch}", **THERE, state="absent", wait=False)
    # Macie says the same to every member, however it became one.
    told = "still_associated" if play.service == "macie" else "organization_member"
    assert {row["reason_code"] for row in refused["unprocessed_accounts"]} == {told}
    refused = play.run_module(f"{play.service}_administrator", **JOIN, state="absent")
    assert {row["reason_code"] for row in refused["unprocessed_accounts"]} == {"organization_member"}
    assert play.statuses() == {"Enabled"} and play.is_on(A)


def from_nothing(play: Play) -> None:
    """The whole way of an organization: delegated, set, and its accounts given what they are to have."""
    if SERVICES[play.service].organization is None:
        pytest.skip("the service has nothing for an organization here")
    organization = {"management_account": MANAGEMENT, "account_ids": [ADMINISTRATOR, A, B]}
    play.emulator.seed({"caller": MANAGEMENT, "organization": organization})
    play(play.switch, account_ids=[ADMINISTRATOR], role_name="Muster")
    principals = {"service_principals": PRINCIPALS.get(play.service, [])}
    [delegated] = play("organization_administrator", administrator_id=ADMINISTRATOR, **principals)
    assert (delegated["status"], delegated["outcome"]) == ("ENABLED", "changed")
    [told] = play("organization_info")
    assert told["administrator_id"] == ADMINISTRATOR
    play.emulator.seed({"caller": ADMINISTRATOR})
    [row] = play("organization", **SETTINGS[play.service])
    assert row["outcome"] == "changed"
    play("member", **MEMBERS, via="organization")
    assert play.statuses() == {"Enabled"} and play.is_on(A)
    if SERVICES[play.service].features:
        rows = play("member", **MEMBERS, via="organization", features=FEATURES)
        given = {each["name"]: each["status"] for row in rows for each in row["features"]}
        assert given == {each["name"]: each["status"] for each in FEATURES}
    report(play)
    play.emulator.seed({"caller": MANAGEMENT})
    [revoked] = play("organization_administrator", administrator_id=ADMINISTRATOR, state="absent")
    assert revoked["administrator_id"] is None


def report(play: Play) -> None:
    assert {row["status"] for row in play("member_info")} <= ACTIVE
    assert {row["administrator_id"] for row in play("administrator_info", **THERE)} == {ADMINISTRATOR}


def offboard(play: Play) -> None:
    for account_id in (ADMINISTRATOR, A, B):
        play.emulator.seed({"services": [{"service": play.service, "account_id": account_id, "regions": [REGION]}]})
    for account_id in (A, B):
        play.emulator.set_member(play.service, REGION, ADMINISTRATOR, account_id, "Enabled")
    play("member", **MEMBERS, state="absent")
    assert play.statuses() <= {None, "Deleted"}
    assert {row["administrator_id"] for row in play("administrator_info", **THERE)} == {None}
    play(play.switch, **THERE, state="absent")
    play(play.switch, state="absent")
    assert not any(map(play.is_on, (ADMINISTRATOR, A, B)))


def leaving(play: Play) -> None:
    for account_id in (A, B):
        play.emulator.set_member(play.service, REGION, ADMINISTRATOR, account_id, "Enabled")
    assert {row["outcome"] for row in play("administrator", **JOIN, state="absent")} == {"changed"}
    assert play.statuses() == {"Resigned"}
    play("administrator", **JOIN)
    assert play.statuses() == {"Enabled"}


FLOWS = [by_invitation, by_organization, from_nothing, offboard, leaving]
# Few questions have a third side: the first flow meets those.
PLAYED = [
    pytest.param(knobs, flow, id=f"{named(knobs)}-{flow.__name__}")
    for number, knobs in enumerate(settings())
    for flow in (FLOWS if IS_NIGHTLY or number < 2 else FLOWS[:1])
]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("knobs", "flow"), PLAYED)
def test_main_flow_ends_the_same_on_every_side(
    knobs: dict[str, Any], service: str, flow: Callable[[Play], None], emulator: Emulator, run_module: ModuleRunner
) -> None:
    emulator.set_knobs(**knobs)
    flow(Play(emulator, run_module, service))


def test_every_side_is_played() -> None:
    played = {(name, side) for knobs in settings() for name, side in knobs.items()}
    assert played == {(name, side) for name, sides in questions().items() for side in sides}
