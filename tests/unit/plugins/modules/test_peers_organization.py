# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other tools' tests ask of an organization, as our modules answer it: each scenario with the calls it takes.

The first ones are those of Terraform's acceptance tests (organization administrator, organization configuration and its
features, features of members); the states of an administrator are those that Landing Zone Accelerator tells apart.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    OTHER,
    REGION,
    A,
    B,
    member,
    said,
)
from ansible_collections.muster.aws.tests.unit.plugins.modules.test_organization import administered, found

LIST = "ListOrganizationAdminAccounts"
ENABLE, DISABLE = "EnableOrganizationAdminAccount", "DisableOrganizationAdminAccount"
DESCRIBE, UPDATE = "DescribeOrganizationConfiguration", "UpdateOrganizationConfiguration"
READ_FEATURES, WRITE_FEATURES = "GetMemberDetectors", "UpdateMemberDetectors"
TRUSTED = "ListAWSServiceAccessForOrganization"
AGENTS = ("EC2_AGENT_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EKS_ADDON_MANAGEMENT")


class Talk:
    """Module runs, one after the other, and what each of them asked of AWS."""

    def __init__(self, emulator: Emulator, run_module: Any) -> None:
        self._emulator, self._run_module = emulator, run_module
        self.result: dict[str, Any] = {}

    def __call__(self, module: str, **options: Any) -> list[str]:
        """Run a module and return its calls, without those that open every conversation."""
        self._emulator.clear_calls()
        self.result = self._run_module(module, region=REGION, **options)
        openings = ("GetCallerIdentity", "ListDetectors", "GetMembers")
        return [call.operation for call in self._emulator.calls if call.operation not in openings]

    def delegate(self, service: str, **options: Any) -> list[str]:
        return self(f"{service}_organization_administrator", **{"administrator_id": ADMINISTRATOR, **options})

    @property
    def row(self) -> dict[str, Any]:
        [row] = self.result.get("organization_administrators") or self.result.get("organizations") or []
        return row


@pytest.fixture
def talk(emulator: Emulator, run_module: Any) -> Talk:
    return Talk(emulator, run_module)


def features_of(rows: list[dict[str, Any]], key: str) -> dict[str, str]:
    return {row["name"]: row[key] for row in rows}


# --- the organization's administrator ---------------------------------------------------------------------------------


@pytest.mark.parametrize("service", BOTH)
def test_administrator_is_named_once_and_taken_away_once(service: str, emulator: Emulator, talk: Talk) -> None:
    emulator.set_knobs(delegate_again="refuse")
    # Of GuardDuty's two principals the delegation brings its own; the module has asked for it before.
    trusted = [TRUSTED] if service == GUARDDUTY else []
    found(emulator, trusted_principals=["guardduty.amazonaws.com"])
    assert talk.delegate(service) == [LIST, *trusted, ENABLE, LIST]
    assert (talk.row["administrator_id"], talk.row["status"], talk.row["outcome"]) == (
        ADMINISTRATOR,
        "ENABLED",
        "changed",
    )
    assert talk.delegate(service) == [LIST, *trusted] and not talk.result["changed"]
    assert talk.delegate(service, state="absent") == [LIST, DISABLE, LIST]
    assert (talk.row["administrator_id"], talk.row["outcome"]) == (None, "changed")
    assert talk.delegate(service, state="absent") == [LIST] and not talk.result["changed"]


@pytest.mark.parametrize("service", BOTH)
def test_administrator_states_none_same_and_other(service: str, emulator: Emulator, talk: Talk) -> None:
    found(emulator, trusted_principals=["guardduty.amazonaws.com"])
    assert ENABLE in talk.delegate(service) and talk.row["outcome"] == "changed"
    assert ENABLE not in talk.delegate(service) and talk.row["outcome"] == "unchanged"
    asked = talk.delegate(service, administrator_id=OTHER)
    assert not {ENABLE, DISABLE} & set(asked)
    assert (talk.row["outcome"], talk.row["reason_code"]) == ("failed", "other_delegated_administrator")
    assert ADMINISTRATOR in said(talk.result)


@pytest.mark.parametrize("before", [ADMINISTRATOR, OTHER])
@pytest.mark.parametrize("service", BOTH)
def test_administrator_being_disabled_is_waited_for(before: str, service: str, emulator: Emulator, talk: Talk) -> None:
    emulator.set_knobs(revoke_visible_seconds=20)
    found(emulator, trusted_principals=["guardduty.amazonaws.com"])
    talk.delegate(service, administrator_id=before)
    talk.delegate(service, administrator_id=before, state="absent", wait=False)
    assert (talk.row["administrator_id"], talk.row["status"]) == (before, "DISABLE_IN_PROGRESS")
    asked = talk.delegate(service, wait_timeout=60)
    assert asked.count(ENABLE) == 1 and asked[-2:] == [ENABLE, LIST] and asked.count(LIST) > 2
    assert (talk.row["administrator_id"], talk.row["status"]) == (ADMINISTRATOR, "ENABLED")
    assert (talk.row["previous_administrator_id"], talk.row["previous_status"]) == (before, "DISABLE_IN_PROGRESS")


@pytest.mark.parametrize("service", BOTH)
def test_administrator_denied_is_told_with_the_call(service: str, emulator: Emulator, talk: Talk) -> None:
    found(emulator, trusted_principals=["guardduty.amazonaws.com"])
    text = "is not authorized to perform this with an explicit deny in a service control policy"
    denial = {"kind": "error", "code": "AccessDeniedException", "status": 403, "message": text, "times": None}
    for operation in (LIST, ENABLE):
        emulator.clear_faults()
        emulator.add_fault(**denial, service=service, operation=operation)
        asked = talk.delegate(service)
        assert asked.count(ENABLE) == (operation == ENABLE)
        assert (talk.row["outcome"], talk.row["reason_code"]) == ("failed", "access_denied")
        assert operation in said(talk.result) and text in said(talk.result)
        assert not talk.result["changed"]


# --- the organization's configuration ---------------------------------------------------------------------------------


def test_configuration_of_members_changes_once_for_each_value(emulator: Emulator, talk: Talk) -> None:
    administered(emulator)
    for value in ("ALL", "NONE", "ALL", "NEW", "NONE"):
        assert talk("guardduty_organization", auto_enable_members=value) == [DESCRIBE, UPDATE, DESCRIBE]
        assert (talk.row["auto_enable_members"], talk.result["changed"]) == (value, True)
        assert talk("guardduty_organization", auto_enable_members=value) == [DESCRIBE]
        assert (talk.row["auto_enable_members"], talk.result["changed"]) == (value, False)


def test_configuration_of_securityhub_changes_once_for_each_value(emulator: Emulator, talk: Talk) -> None:
    administered(emulator)
    steps = [
        {"auto_enable": True},
        {"auto_enable_standards": "NONE"},
        {"auto_enable_standards": "DEFAULT"},
        {"auto_enable": False},
    ]
    wanted: dict[str, Any] = {}
    for step in steps:
        wanted |= step
        assert talk("securityhub_organization", **step) == [DESCRIBE, UPDATE, DESCRIBE]
        assert wanted.items() <= talk.row.items()
        assert talk("securityhub_organization", **wanted) == [DESCRIBE]


def test_configuration_takes_several_features_in_a_call_and_loses_none(emulator: Emulator, talk: Talk) -> None:
    administered(emulator)
    names = ("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS")
    first = [{"name": name, "auto_enable": "ALL"} for name in names[:3]]
    assert talk("guardduty_organization", features=first) == [DESCRIBE, UPDATE, DESCRIBE]
    more = [{"name": names[3], "auto_enable": "NEW"}, {"name": names[0], "auto_enable": "NONE"}]
    assert talk("guardduty_organization", features=more) == [DESCRIBE, UPDATE, DESCRIBE]
    values = features_of(talk.row["features"], "auto_enable")
    assert [values[name] for name in names] == ["NONE", "ALL", "ALL", "NEW"]
    assert talk("guardduty_organization", features=[*first[1:], *more]) == [DESCRIBE]


@pytest.mark.parametrize("order", [AGENTS, AGENTS[::-1], (AGENTS[1], AGENTS[2], AGENTS[0])])
def test_configuration_with_additional_settings_in_any_order_is_unchanged(
    order: tuple[str, ...], emulator: Emulator, talk: Talk
) -> None:
    administered(emulator)

    def wanted(agents: tuple[str, ...]) -> list[dict[str, Any]]:
        additional = [{"name": agent, "auto_enable": "NEW"} for agent in agents]
        return [{"name": "RUNTIME_MONITORING", "auto_enable": "NEW", "additional_configuration": additional}]

    assert UPDATE in talk("guardduty_organization", features=wanted(AGENTS))
    assert talk("guardduty_organization", features=wanted(order)) == [DESCRIBE]
    assert talk("guardduty_organization", features=wanted(order[:1])) == [DESCRIBE]


# --- the features of a member -----------------------------------------------------------------------------------------


def test_member_feature_goes_on_and_off_in_one_call_each(emulator: Emulator, talk: Talk) -> None:
    administered(emulator)
    members = [member(A), member(B)]
    talk("guardduty_member", members=members, via="organization")
    for status in ("DISABLED", "ENABLED", "DISABLED"):
        wanted = [{"name": "S3_DATA_EVENTS", "status": status}]
        options = {"members": members, "features": wanted}
        assert talk("guardduty_member", **options) == [READ_FEATURES, WRITE_FEATURES, READ_FEATURES]
        assert [features_of(row["features"], "status") for row in talk.result["members"]] == [
            {"S3_DATA_EVENTS": status}
        ] * 2
        assert talk("guardduty_member", **options) == [READ_FEATURES] and not talk.result["changed"]


@pytest.mark.parametrize("order", [AGENTS, AGENTS[::-1]])
def test_member_feature_with_additional_settings_in_any_order_is_unchanged(
    order: tuple[str, ...], emulator: Emulator, talk: Talk
) -> None:
    administered(emulator)
    talk("guardduty_member", members=[member(A)], via="organization")

    def wanted(agents: tuple[str, ...]) -> list[dict[str, Any]]:
        additional = [{"name": agent, "status": "ENABLED"} for agent in agents]
        return [{"name": "RUNTIME_MONITORING", "status": "ENABLED", "additional_configuration": additional}]

    assert WRITE_FEATURES in talk("guardduty_member", members=[member(A)], features=wanted(AGENTS))
    assert talk("guardduty_member", members=[member(A)], features=wanted(order)) == [READ_FEATURES]
