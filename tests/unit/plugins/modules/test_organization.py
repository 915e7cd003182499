# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delegating an administrator, and what accounts of an organization get by themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.port import TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._services.macie.adapter import MACIE as MACIE_SERVICE
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    REGION,
    A,
    B,
    member,
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
    assert not delegate(run_module, service, administrator_id=A).get("warnings")


@pytest.mark.parametrize("times", [1, None])
def test_organization_administrator_of_securityhub_is_asked_for_again_while_aws_is_at_work(
    times: int | None, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    emulator.add_fault(
        "error",
        operation="EnableOrganizationAdminAccount",
        code="ResourceConflictException",
        status=409,
        message="Another one.",
        times=times,
    )
    result = delegate(run_module, "securityhub", regions=REGIONS[:1])
    verdict = ("changed", None) if times else ("failed", "internal_error")
    assert outcomes(result) == {REGIONS[0]: verdict}
    assert [row["retryable"] for row in result["unprocessed_accounts"]] == ([] if times else [True])


def test_organization_settings_take_the_same_administrator_twice(emulator: Emulator, run_module: Any) -> None:
    found(emulator, delegated_administrator={GUARDDUTY: ADMINISTRATOR})
    options = {"account_ids": [ADMINISTRATOR] * 2, "role_name": "Onboarding", "auto_enable_members": "ALL"}
    result = run_module("guardduty_organization", regions=REGIONS[:1], **options)
    assert outcomes(result, "organizations") == {REGIONS[0]: ("changed", None)}


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


def test_standards_that_nobody_asked_about_stay_off(emulator: Emulator, run_module: Any) -> None:
    emulator.set_knobs(standards_left_out_sh="default")
    administered(emulator)
    run_module("securityhub_organization", auto_enable=False, auto_enable_standards="NONE")
    [row] = run_module("securityhub_organization", auto_enable=True)["organizations"]
    assert (row["outcome"], row["auto_enable"], row["auto_enable_standards"]) == ("changed", True, "NONE")


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


# --- features of members and detectors --------------------------------------------------------------------------------

WANTED = [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}, {"name": "RUNTIME_MONITORING", "status": "ENABLED"}]


def members(*account_ids: str) -> list[dict[str, Any]]:
    return [member(each) for each in account_ids]


def administered(emulator: Emulator, **more: Any) -> None:
    found(emulator, delegated_administrator=dict.fromkeys(BOTH, ADMINISTRATOR), **more)
    emulator.seed({"caller": ADMINISTRATOR})


def statuses(row: dict[str, Any]) -> dict[str, str] | None:
    return row["features"] and {each["name"]: each["status"] for each in row["features"]}


def test_member_features_are_given_to_old_and_new_members_in_shared_calls(emulator: Emulator, run_module: Any) -> None:
    emulator.set_knobs(features_visible_seconds=20)
    administered(emulator)
    options = {"members": members(A, B), "via": "organization"}
    run_module("guardduty_member", members=members(A), via="organization")
    emulator.advance(30)
    emulator.clear_calls()
    foreseen = run_module("guardduty_member", check=True, features=WANTED, **options)
    assert emulator.operations(writes_only=True) == []
    result = run_module("guardduty_member", features=WANTED, **options)
    asked = {each["name"]: each["status"] for each in WANTED}
    assert [statuses(row) for row in result["members"]] == [asked, asked]
    assert [row["actions"] for row in result["members"]] == [["update_features"], ["create", "update_features"]]
    assert [row["actions"] for row in foreseen["members"]] == [["update_features"], ["create"]]
    assert [row["features"] for row in foreseen["members"]] == [row["features"] for row in result["members"]]
    assert foreseen["actions"] == result["actions"]
    writes = [
        (call.operation, call.params["AccountIds"])
        for call in emulator.calls
        if "Detectors" in call.operation and call.is_write
    ]
    assert writes == [("UpdateMemberDetectors", [A, B])]
    emulator.clear_calls()
    again = run_module("guardduty_member", features=WANTED, **options)
    assert not again["changed"]
    assert sent(emulator) == {"ListDetectors": 1, "GetMembers": 1, "GetMemberDetectors": 1}


def test_member_features_that_cannot_be_read_keep_no_membership_waiting(emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(GUARDDUTY, REGION, ADMINISTRATOR, A, "Enabled")
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    emulator.add_fault(
        "error",
        operation="GetMemberDetectors",
        code="AccessDeniedException",
        status=403,
        message="User is not authorized to perform: guardduty:GetMemberDetectors",
        times=None,
    )
    wanted = [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]
    results = [
        run_module("guardduty_member", members=[member(A), member(B)], features=wanted, check=check)
        for check in (True, False)
    ]
    for result in results:
        shown = {row["account_id"]: (row["outcome"], row["reason_code"]) for row in result["members"]}
        assert shown == {A: ("failed", "access_denied"), B: ("changed", None)}
        assert result["members"][0]["status"] == "Enabled"


def test_member_features_are_null_where_nobody_asked_or_the_account_is_no_member(
    emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    result = run_module("guardduty_member", members=members(A), features=WANTED)
    assert [(row["status"], row["features"]) for row in result["members"]] == [("Invited", None)]
    result = run_module("guardduty_member", members=members(A))
    assert [row["features"] for row in result["members"]] == [None]
    refused = run_module("guardduty_member", members=members(A), features=WANTED, state="absent")
    assert "features goes with state=present only" in refused["msg"]
    both = [{"name": name, "status": "ENABLED"} for name in ("EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING")]
    refused = run_module("guardduty_member", members=members(A), features=both)
    assert "cannot be on together" in refused["msg"]


EKS, RUNTIME = "EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING"
UNHEARD = (
    "The request is rejected because the given account ID is not an associated member of account the current account."
)
GENERIC = "The request is rejected because an invalid or out-of-range value is specified as an input parameter."


def status_of(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "status": status} for name, status in values.items()]


def updates(emulator: Emulator, operation: str = "UpdateMemberDetectors") -> list[tuple[list[str], list[str]]]:
    """Return which features were sent to whom, call by call."""
    return [
        ([each["Name"] for each in call.params["Features"]], call.params.get("AccountIds", []))
        for call in emulator.calls
        if call.operation == operation
    ]


@pytest.mark.parametrize("check", [True, False])
def test_member_features_go_off_in_every_account_before_their_successor_comes(
    check: bool, emulator: Emulator, run_module: Any
) -> None:
    administered(emulator)
    run_module("guardduty_member", members=members(A, B), via="organization")
    run_module("guardduty_member", members=members(B), features=status_of(**{EKS: "ENABLED"}))
    emulator.clear_calls()
    wanted = status_of(**{EKS: "DISABLED", RUNTIME: "ENABLED"})
    result = run_module("guardduty_member", check=check, members=members(A, B), features=wanted)
    assert [row["outcome"] for row in result["members"]] == ["changed", "changed"]
    assert [action["account_ids"] for action in result["actions"]] == [[B], [A, B]]
    assert updates(emulator) == ([] if check else [([EKS], [B]), ([RUNTIME], [A, B])])
    # In the other direction it is the same.
    if not check:
        emulator.clear_calls()
        wanted = status_of(**{EKS: "ENABLED", RUNTIME: "DISABLED"})
        run_module("guardduty_member", members=members(A, B), features=wanted)
        assert updates(emulator) == [([RUNTIME], [A, B]), ([EKS], [A, B])]


def test_member_features_of_one_that_aws_has_yet_to_hear_of_are_sent_again(emulator: Emulator, run_module: Any) -> None:
    administered(emulator)
    unheard = {"account_ids": [A], "message": UNHEARD}
    emulator.add_fault("unprocessed", operation="UpdateMemberDetectors", times=1, **unheard)
    result = run_module(
        "guardduty_member", members=members(A, B), via="organization", features=status_of(S3_DATA_EVENTS="DISABLED")
    )
    assert [row["actions"] for row in result["members"]] == [["create", "update_features"]] * 2
    assert [account_ids for _names, account_ids in updates(emulator)] == [[A, B], [A]]
    # Of a member, check mode tells it as something that passes.
    emulator.add_fault("unprocessed", operation="GetMemberDetectors", times=1, **unheard)
    result = run_module(
        "guardduty_member", check=True, members=members(A), features=status_of(S3_DATA_EVENTS="ENABLED")
    )
    [told] = result["unprocessed_accounts"]
    assert (told["reason_code"], told["retryable"], told["operation"]) == ("timed_out", True, "GetMemberDetectors")


def test_member_features_are_told_as_they_are_after_the_task(emulator: Emulator, run_module: Any) -> None:
    administered(emulator)
    run_module("guardduty_member", members=members(A), via="organization")
    options = {"members": members(A), "wait": False}
    [row] = run_module("guardduty_member", features=status_of(**{EKS: "ENABLED"}), **options)["members"]
    assert (statuses(row), row["outcome"]) == ({EKS: "ENABLED"}, "changed")
    # Half done, too.
    emulator.add_fault("refuse_batch", operation="UpdateMemberDetectors", after=1)
    wanted = status_of(**{EKS: "DISABLED", RUNTIME: "ENABLED"})
    result = run_module("guardduty_member", features=wanted, **options)
    [row] = result["members"]
    assert statuses(row) == {EKS: "DISABLED", RUNTIME: "DISABLED"} and result["changed"]
    assert (row["outcome"], row["reason_code"]) == ("failed", "feature_unsupported")


@pytest.mark.parametrize("module", ["guardduty_member", "guardduty_detector"])
def test_features_that_no_policy_owns_are_given_beside_one_that_is(
    module: str, emulator: Emulator, run_module: Any
) -> None:
    administered(emulator)
    run_module("guardduty_member", members=members(A), via="organization")
    is_member = module == "guardduty_member"
    switch = emulator.world.home(GUARDDUTY, A if is_member else ADMINISTRATOR, REGION).switch
    assert switch
    switch.settings["features"] = {
        "S3_DATA_EVENTS": {"value": "ENABLED", "additional": {}, "managed_by": "GUARDDUTY_POLICY"},
        "RDS_LOGIN_EVENTS": {"value": "ENABLED", "additional": {}},
    }
    wanted = status_of(S3_DATA_EVENTS="DISABLED", RDS_LOGIN_EVENTS="DISABLED")
    options = {"members": members(A)} if is_member else {}
    foreseen, result = (run_module(module, check=check, features=wanted, **options) for check in (True, False))
    [row] = result["members" if is_member else "detectors"]
    assert statuses(row) == {"S3_DATA_EVENTS": "ENABLED", "RDS_LOGIN_EVENTS": "DISABLED"}
    assert (row["outcome"], row["reason_code"]) == ("failed", "organization_policy") and result["changed"]
    [foreseen_row] = foreseen["members" if is_member else "detectors"]
    told = ("outcome", "reason", "actions") if is_member else ("outcome", "reason", "actions", "features")
    assert [foreseen_row[key] for key in told] == [row[key] for key in told]
    assert foreseen["actions"] == result["actions"]


def test_detector_features_that_aws_refuses_with_its_text_for_everything_are_named(
    emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    emulator.add_fault("error", operation="UpdateDetector", code="BadRequestException", status=400, message=GENERIC)
    [row] = run_module("guardduty_detector", features=status_of(S3_DATA_EVENTS="DISABLED"))["detectors"]
    assert (row["outcome"], row["reason_code"]) == ("failed", "feature_unsupported")
    assert row["reason"].endswith("(the call held S3_DATA_EVENTS; AWS lists all of them here)")


@pytest.mark.parametrize(("on", "off"), [(RUNTIME, EKS), (EKS, RUNTIME)])
def test_detector_with_both_runtime_features_never_names_them_in_one_call(
    on: str, off: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    options = {"account_ids": [A], "role_name": "Muster", "region": REGION}
    wanted = status_of(**{RUNTIME: "ENABLED" if on == RUNTIME else "DISABLED"})
    wanted += status_of(**{EKS: "ENABLED" if on == EKS else "DISABLED"})
    foreseen, result = (
        run_module("guardduty_detector", check=check, features=wanted, **options) for check in (True, False)
    )
    [row] = result["detectors"]
    assert (row["actions"], row["outcome"]) == (["enable_service", "update_service"], "changed")
    assert statuses(row) == {on: "ENABLED", off: "DISABLED"}
    assert foreseen["actions"] == result["actions"] and foreseen["detectors"][0]["features"] == row["features"]
    assert [updates(emulator, name) for name in ("CreateDetector", "UpdateDetector")] == [[([off], [])], [([on], [])]]
    assert not run_module("guardduty_detector", features=wanted, **options)["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_organization_feature_that_the_region_lacks_is_foreseen(
    check: bool, emulator: Emulator, run_module: Any
) -> None:
    administered(emulator, missing_features={REGION: ["RDS_LOGIN_EVENTS"]})
    wanted = [{"name": "RDS_LOGIN_EVENTS", "auto_enable": "NEW"}]
    result = run_module("guardduty_organization", check=check, region=REGION, features=wanted)
    assert outcomes(result, "organizations") == {REGION: ("failed", "feature_unsupported")}
    assert not result["changed"] and "did you mean" not in said(result)


@pytest.mark.parametrize("knob", ["request", "account"])
def test_member_features_of_a_policy_are_left_to_it(knob: str, emulator: Emulator, run_module: Any) -> None:
    emulator.set_knobs(managed_feature=knob)
    administered(emulator)
    run_module("guardduty_member", members=members(A, B), via="organization")
    switch = emulator.world.home(GUARDDUTY, A, REGION).switch
    assert switch
    switch.settings["features"] = {
        "S3_DATA_EVENTS": {"value": "ENABLED", "additional": {}, "managed_by": "GUARDDUTY_POLICY"}
    }
    for check in (True, False):
        result = run_module("guardduty_member", check=check, members=members(A, B), features=WANTED[:1])
        assert [(row["outcome"], row["reason_code"]) for row in result["members"]] == [
            ("failed", "organization_policy"),
            ("changed", None),
        ]
    assert "GUARDDUTY_POLICY" in said(result)


def test_member_feature_that_the_region_lacks_is_named(emulator: Emulator, run_module: Any) -> None:
    administered(emulator, missing_features={REGION: ["S3_DATA_EVENTS"]})
    wanted = [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]
    result = run_module("guardduty_member", members=members(A), via="organization", features=wanted)
    [row] = result["members"]
    assert (row["status"], row["outcome"], row["reason_code"]) == ("Enabled", "failed", "feature_unsupported")
    assert "S3_DATA_EVENTS" in row["reason"] and row["actions"] == ["create"]
    # Once AWS lists what the member has, check mode knows it, too.
    for check in (True, False):
        result = run_module("guardduty_member", check=check, members=members(A), via="organization", features=wanted)
        [row] = result["members"]
        assert (row["outcome"], row["reason_code"], row["actions"]) == ("failed", "feature_unsupported", [])
        assert "AWS does not list S3_DATA_EVENTS in this Region" in row["reason"] and not result["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_detector_feature_that_is_not_listed_is_told(check: bool, emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)

    def run(name: str, status: str) -> Any:
        result = run_module("guardduty_detector", check=check, features=[{"name": name, "status": status}])
        [row] = result["detectors"]
        assert [statuses(row), not result["changed"], row["actions"]] == [{name: None}, True, []]
        return row, "".join(str(warning) for warning in result["warnings"])

    row, warnings = run("s3_data_events", "DISABLED")
    assert row["outcome"] == "unchanged" and "did you mean S3_DATA_EVENTS?" in warnings
    found(emulator, missing_features={REGION: ["S3_DATA_EVENTS"]})
    emulator.seed({"caller": ADMINISTRATOR})
    row, warnings = run("S3_DATA_EVENTS", "ENABLED")
    assert (row["outcome"], row["reason_code"]) == ("failed", "feature_unsupported") and "may refuse" in warnings


def test_detector_features_are_merged_and_created_as_given(emulator: Emulator, run_module: Any) -> None:
    options = {"account_ids": [A, B], "role_name": "Muster", "region": REGION, "features": WANTED}
    switch_on(emulator, GUARDDUTY, A)
    foreseen = run_module("guardduty_detector", check=True, **options)
    assert emulator.operations(writes_only=True) == []
    result = run_module("guardduty_detector", **options)
    assert [row["actions"] for row in result["detectors"]] == [["update_service"], ["enable_service"]]
    asked = {each["name"]: each["status"] for each in WANTED}
    assert [statuses(row) for row in result["detectors"]] == [asked, asked]
    assert [row["features"] for row in foreseen["detectors"]] == [row["features"] for row in result["detectors"]]
    assert not run_module("guardduty_detector", **options)["changed"]
    other = run_module("guardduty_detector", account_ids=[A], role_name="Muster", region=REGION)
    assert [row["features"] for row in other["detectors"]] == [None] and not other["changed"]


@pytest.mark.parametrize("unset", ["listed", "left_out"])
@pytest.mark.parametrize("merging", ["merge", "replace"])
def test_organization_features_one_after_the_other_lose_none(
    unset: str, merging: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_knobs(unset_features=unset, additional_configuration=merging, malware_without_trust="accept")
    administered(emulator)
    names = ("S3_DATA_EVENTS", "RDS_LOGIN_EVENTS", "EBS_MALWARE_PROTECTION", "LAMBDA_NETWORK_LOGS")
    for name in names:
        run_module("guardduty_organization", features=[{"name": name, "auto_enable": "NEW"}])
    agents = ["EC2_AGENT_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT"]
    for order in (agents, agents[::-1]):
        additional = [{"name": agent, "auto_enable": "NEW"} for agent in order]
        runtime = {"name": "RUNTIME_MONITORING", "auto_enable": "NEW", "additional_configuration": additional}
        result = run_module("guardduty_organization", features=[runtime])
    assert not result["changed"]  # in another order it is the same
    [row] = result["organizations"]
    values = {each["name"]: each["auto_enable"] for each in row["features"]}
    assert {name: values[name] for name in names} == dict.fromkeys(names, "NEW")


def test_organization_moves_from_eks_to_runtime_monitoring_in_two_calls(emulator: Emulator, run_module: Any) -> None:
    administered(emulator)
    eks, runtime = "EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING"
    run_module("guardduty_organization", features=[{"name": eks, "auto_enable": "ALL"}])
    emulator.clear_calls()
    wanted = [{"name": runtime, "auto_enable": "ALL"}, {"name": eks, "auto_enable": "NONE"}]
    result = run_module("guardduty_organization", features=wanted)
    sent_names = [
        [feature["Name"] for feature in call.params["Features"]]
        for call in emulator.calls
        if call.operation == "UpdateOrganizationConfiguration"
    ]
    assert sent_names == [[eks], [runtime]] and len(result["actions"]) == 2


def test_organization_without_trusted_access_says_for_which_principal(emulator: Emulator, run_module: Any) -> None:
    administered(emulator)
    wanted = [{"name": "EBS_MALWARE_PROTECTION", "auto_enable": "NEW"}]
    result = run_module("guardduty_organization", features=wanted)
    assert outcomes(result, "organizations") == {REGION: ("failed", "trusted_access_missing")}
    assert "malware-protection.guardduty.amazonaws.com" in said(result)


@pytest.mark.parametrize(
    ("seed", "code"),
    [({"configuration_failure": "no linked Region"}, "other"), ({"securityhub_policy": True}, "organization_policy")],
)
def test_organization_of_securityhub_that_failed_or_is_governed(
    seed: dict[str, Any], code: str, emulator: Emulator, run_module: Any
) -> None:
    administered(emulator, **seed)
    result = run_module("securityhub_organization", auto_enable=True)
    assert outcomes(result, "organizations") == {REGION: ("failed", code)}
    assert emulator.operations(writes_only=True) == []


def test_organization_of_securityhub_waits_while_settings_are_pending(emulator: Emulator, run_module: Any) -> None:
    emulator.set_knobs(configuration_visible_seconds=20)
    administered(emulator)
    first = run_module("securityhub_organization", auto_enable=True, wait=False)
    assert [row["configuration_status"] for row in first["organizations"]] == ["PENDING"]
    result = run_module("securityhub_organization", auto_enable=True, auto_enable_standards="NONE")
    [row] = result["organizations"]
    assert (row["outcome"], row["configuration_status"], row["auto_enable_standards"]) == ("changed", "ENABLED", "NONE")


# --- the administrator states of a landing zone -----------------------------------------------------------------------


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_waits_for_one_that_is_being_taken_away(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator, delegated_administrator={service: ADMINISTRATOR})
    emulator.set_knobs(revoke_visible_seconds=40)
    revoked = delegate(run_module, service, state="absent", wait=False)
    assert {row["status"] for row in revoked["organization_administrators"]} == {"DISABLE_IN_PROGRESS"}
    result = delegate(run_module, service)
    assert outcomes(result) == dict.fromkeys(REGIONS, ("changed", None))


@pytest.mark.parametrize("service", BOTH)
@pytest.mark.parametrize("wait", [True, False])
def test_organization_administrator_lets_the_first_region_be_in_office_before_the_others(
    wait: bool, service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    emulator.set_knobs(delegate_visible_seconds=30, delegate_without_trust_gd="refuse")
    result = delegate(run_module, service, wait=wait)
    assert outcomes(result) == dict.fromkeys(REGIONS, ("changed", None))
    enables = [call.region for call in emulator.calls if call.operation == "EnableOrganizationAdminAccount"]
    assert enables[0] == REGIONS[0] and sorted(enables) == REGIONS


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_registered_elsewhere_is_named(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator, delegated_administrator={service: {"ap-south-1": OTHER}})
    result = delegate(run_module, service, regions=[REGION])
    assert outcomes(result) == {REGION: ("failed", "other_delegated_administrator")}
    assert OTHER in said(result)


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_outside_the_organization(service: str, emulator: Emulator, run_module: Any) -> None:
    found(emulator)
    result = delegate(run_module, service, administrator_id="777777777777", regions=[REGION])
    assert outcomes(result) == {REGION: ("failed", "invalid_input" if service == GUARDDUTY else "other")}


@pytest.mark.parametrize("service", BOTH)
def test_organization_administrator_may_be_the_management_account_with_a_warning(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    result = delegate(run_module, service, administrator_id=MANAGEMENT, regions=[REGION])
    assert outcomes(result) == {REGION: ("changed", None)} and "advises against" in run_module.output


def test_organization_administrator_without_the_right_to_see_trusted_access_delegates_nothing(
    emulator: Emulator, run_module: Any
) -> None:
    found(emulator)
    denied = {"code": "AccessDeniedException", "status": 400, "message": "You don't have permissions."}
    emulator.add_fault("error", operation="ListAWSServiceAccessForOrganization", times=None, **denied)
    result = delegate(run_module, GUARDDUTY)
    assert set(outcomes(result).values()) == {("failed", "access_denied")}
    assert emulator.operations(writes_only=True) == []


@pytest.mark.parametrize("service", BOTH)
def test_organization_info_of_neither_tells_whose_part_it_is_to_read(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    found(emulator, delegated_administrator={service: ADMINISTRATOR})
    emulator.seed({"caller": OTHER})
    result = run_module(f"{service}_organization_info", region=REGION)
    assert outcomes(result, "organizations") == {REGION: ("unchanged", "not_management_account")}
    assert "act as the organization's management account" in said(result)


def test_service_without_an_organization_says_so() -> None:
    service = replace(MACIE_SERVICE, facts=replace(MACIE_SERVICE.facts, organization=None))
    with pytest.raises(TaskFailed, match="nothing for AWS Organizations"):
        assert service.organization_kind
