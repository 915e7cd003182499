# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delegating an administrator, and what accounts of an organization get by themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    REGION,
    A,
    B,
    said,
    switch_on,
)

MANAGEMENT, OTHER = "099999999999", "888888888888"
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]
PRINCIPAL = "guardduty.amazonaws.com"
FEATURES = [
    {"name": "S3_DATA_EVENTS", "auto_enable": "NEW"},
    {
        "name": "RUNTIME_MONITORING",
        "auto_enable": "ALL",
        "additional_configuration": [{"name": "EC2_AGENT_MANAGEMENT", "auto_enable": "ALL"}],
    },
]


def found(emulator: Emulator, **more: Any) -> None:
    """An organization of which nobody is the delegated administrator, unless ``more`` says so."""
    seed = {"management_account": MANAGEMENT, "account_ids": [MANAGEMENT, ADMINISTRATOR, A, B, OTHER], **more}
    emulator.seed({"caller": MANAGEMENT, "organization": seed})
    for service in BOTH:
        switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)


def outcomes(result: dict[str, Any], key: str = "organization_administrators") -> dict[str, tuple[str, str | None]]:
    return {row["region"]: (row["outcome"], row["reason_code"]) for row in result[key]}


def sent(emulator: Emulator) -> Counter[str]:
    return Counter(call.operation for call in emulator.calls if call.operation != "GetCallerIdentity")


def delegate(run_module: Any, service: str, **options: Any) -> dict[str, Any]:
    options = {"administrator_id": ADMINISTRATOR, "regions": REGIONS, **options}
    return run_module(f"{service}_organization_administrator", **options)


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_delegates_one_region_first_and_once(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    foreseen = delegate(run_module, service, check=True)
    assert emulator.operations(writes_only=True) == []
    emulator.clear_calls()
    result = delegate(run_module, service)
    assert outcomes(result) == dict.fromkeys(REGIONS, ("changed", None))
    assert [row["status"] for row in result["organization_administrators"]] == ["ENABLED"] * 3
    assert foreseen["organization_administrators"] == result["organization_administrators"]
    assert foreseen["actions"] == result["actions"]
    enables = [call.region for call in emulator.calls if call.operation == "EnableOrganizationAdminAccount"]
    assert enables[0] == REGIONS[0] and sorted(enables) == REGIONS
    emulator.clear_calls()
    again = delegate(run_module, service)
    assert not again["changed"]
    access = {"ListAWSServiceAccessForOrganization": 1} if service == GUARDDUTY else {}
    assert sent(emulator) == {"ListOrganizationAdminAccounts": 3, **access}


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_with_another_one_in_a_region_replaces_nobody(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(other_delegate_elsewhere="accept")
    found(emulator, delegated_administrator={service: {REGIONS[1]: OTHER}})
    result = delegate(run_module, service)
    assert outcomes(result)[REGIONS[1]] == ("failed", "other_delegated_administrator")
    assert [outcomes(result)[region] for region in (REGIONS[0], REGIONS[2])] == [("changed", None)] * 2
    assert OTHER in said(result)
    asked = [call.region for call in emulator.calls if call.operation == "EnableOrganizationAdminAccount"]
    assert REGIONS[1] not in asked


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_absent_ends_it_in_the_given_regions_only(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    delegate(run_module, service)
    assert not delegate(run_module, service, administrator_id=OTHER, state="absent")["changed"]
    result = delegate(run_module, service, state="absent", regions=REGIONS[:1])
    assert outcomes(result) == {REGIONS[0]: ("changed", None)}
    assert [row["administrator_id"] for row in result["organization_administrators"]] == [None]
    after = delegate(run_module, service, check=True)["organization_administrators"]
    assert [row["outcome"] for row in after] == ["changed", "unchanged", "unchanged"]


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_by_another_account_says_who_has_to(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    emulator.seed({"caller": A})
    result = delegate(run_module, service)
    assert set(outcomes(result).values()) == {("failed", "not_management_account")}
    assert emulator.operations(writes_only=True) == []


def test_organization_sets_what_differs_and_nothing_else(emulator: Emulator, run_module: Any) -> None:
    found(emulator, delegated_administrator=dict.fromkeys(BOTH, ADMINISTRATOR))
    emulator.seed({"caller": ADMINISTRATOR})
    options = {"regions": REGIONS, "auto_enable_members": "ALL", "features": FEATURES}
    foreseen = run_module("guardduty_organization", check=True, diff=True, **options)
    assert emulator.operations(writes_only=True) == []
    result = run_module("guardduty_organization", diff=True, **options)
    assert outcomes(result, "organizations") == dict.fromkeys(REGIONS, ("changed", None))
    assert foreseen["actions"] == result["actions"]
    assert [row["auto_enable_members"] for row in result["organizations"]] == ["ALL"] * 3
    emulator.clear_calls()
    assert not run_module("guardduty_organization", **options)["changed"]
    assert sent(emulator) == {"ListDetectors": 3, "DescribeOrganizationConfiguration": 3}
    more = run_module(
        "guardduty_organization", region=REGION, features=[{"name": "EKS_AUDIT_LOGS", "auto_enable": "NEW"}]
    )
    [row] = more["organizations"]
    values = {feature["name"]: feature["auto_enable"] for feature in row["features"]}
    assert (row["auto_enable_members"], values["EKS_AUDIT_LOGS"], values["S3_DATA_EVENTS"]) == ("ALL", "NEW", "NEW")


def test_organization_of_securityhub_under_central_configuration(emulator: Emulator, run_module: Any) -> None:
    found(emulator, delegated_administrator=dict.fromkeys(BOTH, ADMINISTRATOR), central_configuration=True)
    emulator.seed({"caller": ADMINISTRATOR})
    satisfied = run_module("securityhub_organization", auto_enable=False, auto_enable_standards="NONE")
    assert outcomes(satisfied, "organizations") == {REGION: ("unchanged", None)}
    refused = run_module("securityhub_organization", auto_enable=True)
    assert outcomes(refused, "organizations") == {REGION: ("failed", "central_configuration")}
    assert emulator.operations(writes_only=True) == []


@pytest.mark.parametrize("service", BOTH)
@pytest.mark.parametrize(("caller", "reads"), [(MANAGEMENT, "administrator_id"), (ADMINISTRATOR, "settings")])
def test_organization_info_shows_the_half_that_may_be_read(
    caller: str, reads: str, service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator, delegated_administrator=dict.fromkeys(BOTH, ADMINISTRATOR))
    emulator.seed({"caller": caller})
    result = run_module(f"{service}_organization_info")
    [row] = result["organizations"]
    setting = row["auto_enable_members" if service == GUARDDUTY else "auto_enable"]
    assert (row["administrator_id"] == ADMINISTRATOR) == (reads == "administrator_id")
    assert (setting is not None) == (reads == "settings")
    assert (row["outcome"], row["reason_code"]) == ("unchanged", None)
