# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role was told: which values will do, and what is said of those that will not."""

from __future__ import annotations

import datetime
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._options import (
    check_options,
    check_values,
    nearest,
    plain,
    unknown_names,
)

SPEC: Any = MappingProxyType(
    {
        "x_regions": {"type": "list", "elements": "str", "required": True, "description": "Where."},
        "x_services": {"type": "list", "elements": "str", "choices": ["guardduty", "securityhub"]},
        "x_via": {"type": "str", "choices": ["invitation", "organization"], "default": "invitation"},
        "x_timeout": {"type": "int", "default": 60},
        "x_notify": {"type": "bool"},
        "x_secret": {"type": "str", "no_log": True},
    }
)


def test_plain_value_has_no_types_of_its_own() -> None:
    class Marked(str):
        pass

    value = plain({"a": [Marked("b")], "c": datetime.date(2026, 1, 2)})
    assert value == {"a": ["b"], "c": "2026-01-02"} and not isinstance(value["a"][0], Marked)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("regoins", "; did you mean regions?"),
        ("region", "; did you mean regions?"),
        ("accounts", ""),
    ],
)
def test_nearest_name_is_offered_where_one_is_near(name: str, phrase: str) -> None:
    assert nearest(name, ["services", "regions", "regimes"]) == phrase


def test_unknown_variables_of_the_role_are_named_once_each_in_order() -> None:
    names = ["x_via", "x_regoins", "y_via", "x_zzz", "x_regoins", "other"]
    assert unknown_names(names, "x_", SPEC) == [
        "x_regoins is no variable of this role; did you mean x_regions?",
        "x_zzz is no variable of this role",
    ]


def test_prefix_that_all_variables_have_makes_none_of_them_near() -> None:
    known = ["onboard_via", "onboard_hosts"]
    assert nearest("onboard_zzz", known, "onboard_") == ""
    assert nearest("onboard_host", known, "onboard_") == "; did you mean onboard_hosts?"
    assert nearest("host", known, "onboard_") == "; did you mean onboard_hosts?"


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"x_regions": ["us-east-1"]}, {"x_regions": ["us-east-1"]}),
        ({"x_regions": "us-east-1,\nus-west-2"}, {"x_regions": ["us-east-1", "us-west-2"]}),
        (
            {"x_regions": ["us-east-1"], "x_timeout": "5", "x_notify": "no", "x_secret": None, "x_via": "organization"},
            {"x_regions": ["us-east-1"], "x_timeout": 5, "x_notify": False, "x_via": "organization"},
        ),
        ({"x_regions": ["us-east-1"], "x_secret": "a,b"}, {"x_regions": ["us-east-1"], "x_secret": "a,b"}),
    ],
    ids=["as it is", "text", "numbers and truth", "a comma that is no list"],
)
def test_values_become_what_the_specification_says(given: dict[str, Any], values: dict[str, Any]) -> None:
    assert check_options(SPEC, given) == ({"x_via": "invitation", "x_timeout": 60, **values}, [])


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "these variables are needed and not set: x_regions"),
        ({"x_regions": None}, "these variables are needed and not set: x_regions"),
        (
            {"x_regions": ["a"], "x_via": "organisation"},
            "value of x_via must be one of: invitation, organization, got: organisation; did you mean organization?",
        ),
        (
            {"x_regions": ["a"], "x_services": ["guardduty", "securtyhub"]},
            "value of x_services must be one or more of: guardduty, securityhub. Got no match for: securtyhub; did you "
            "mean securityhub?",
        ),
        (
            {"x_regions": ["a"], "x_services": ["guarddty", "securtyhub"]},
            "value of x_services must be one or more of: guardduty, securityhub. Got no match for: guarddty, "
            "securtyhub; did you mean guardduty?; did you mean securityhub?",
        ),
        (
            {"x_regions": ["a"], "x_services": ["guardduty"], "x_via": "organisation"},
            "value of x_via must be one of: invitation, organization, got: organisation; did you mean organization?",
        ),
        (
            {"x_regions": ["a"], "x_services": ["guardduty"], "x_via": "???"},
            "value of x_via must be one of: invitation, organization, got: ???",
        ),
    ],
    ids=["missing", "null", "wrong choice", "wrong item", "wrong items", "wrong beside right", "far from all"],
)
def test_value_that_will_not_do_is_told_with_what_is_nearest(given: dict[str, Any], fault: str) -> None:
    assert check_options(SPEC, given)[1] == [fault]


def test_key_that_is_no_option_is_told_with_those_that_there_are() -> None:
    spec = {"x_settings": {"type": "dict", "options": {"members": {"type": "str"}, "features": {"type": "list"}}}}
    [fault] = check_options(spec, {"x_settings": {"member": "NEW"}})[1]
    assert fault == "x_settings.member is no option; there are: features, members."


FINE: Any = MappingProxyType({"administrator_id": "111111111111", "regions": ["us-east-1"], "services": ["guardduty"]})
KNOWN = ("us-east-1", "us-west-2")


@pytest.mark.parametrize(
    "given",
    [
        {"concurrency": 1, "batch_size": 1, "wait_timeout": 0, "limit": 0},
        {"concurrency": "16"},
        {"member_role_name": "path/Member", "results_file": ["rows.json", "ROWS.CSV", "a/b.md", "junit.xml"]},
        {"member_role_name": None, "results_file": None},
        {"administrator_role_name": "path/Muster", "service_principals": ["guardduty.amazonaws.com"]},
        {"administrator_role_name": "", "service_principals": []},
    ],
)
def test_values_that_will_do_are_told_nothing_of(given: dict[str, Any]) -> None:
    assert check_values({**FINE, **given}, "x_", KNOWN) == []


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (
            {"administrator_id": None},
            ['x_administrator_id: the account id is missing; write all 12 digits, quoted, as in "012345678901"'],
        ),
        (
            {"regions": ["us-east-1", "us-wset-2", "us east"]},
            [
                "x_regions: Region 'us-wset-2' is none that the installed botocore knows; did you mean us-west-2?",
                "x_regions: Region 'us east' is not the name of an AWS Region such as us-east-1",
            ],
        ),
        ({"regions": []}, ["x_regions is empty: name at least one"]),
        (
            {"regions": None, "services": []},
            [f"x_{name} is empty: name at least one" for name in FINE if name[-1] == "s"],
        ),
        (
            {"member_role_name": "arn:aws:iam::1:role/x"},
            [
                "x_member_role_name: role name 'arn:aws:iam::1:role/x' is not an IAM role name; write the name, with "
                "its path if it has one but without a leading slash, not an ARN"
            ],
        ),
        (
            {"results_file": ["rows.txt", "rows"]},
            [f"x_results_file: {name} must end in one of .json .csv .md .xml" for name in ("rows.txt", "rows")],
        ),
        (
            {"concurrency": 0, "batch_size": "0", "wait_timeout": -1, "limit": -2},
            [
                "x_concurrency is 0: give 1 or more",
                "x_batch_size is 0: give 1 or more",
                "x_wait_timeout is -1: give 0 or more",
                "x_limit is -2: give 0 or more",
            ],
        ),
    ],
    ids=["administrator", "Regions", "no Region", "neither Regions nor services", "role", "files", "numbers"],
)
def test_value_that_a_specification_cannot_judge_is_told_by_its_variable(
    given: dict[str, Any], faults: list[str]
) -> None:
    assert check_values({**FINE, **given}, "x_", KNOWN) == faults


def test_organization_s_administrator_role_and_principals_are_told_by_their_variables() -> None:
    given = {"administrator_role_name": "/Muster", "service_principals": ["guardduty.amazonaws.com", "guardduty"]}
    role, principal = check_values({**FINE, **given}, "x_", KNOWN)
    assert role.startswith("x_administrator_role_name: role name '/Muster' is not an IAM role name")
    assert principal == (
        "x_service_principals: 'guardduty' is not the name of a service principal such as SERVICE.amazonaws.com"
    )


def test_any_region_will_do_where_nobody_knows_them() -> None:
    assert check_values({**FINE, "regions": ["xx-new-1"]}, "x_") == []


def test_each_of_an_administrator_regions_and_services_is_needed() -> None:
    faults = check_values({}, "x_", KNOWN)
    assert [fault.split()[0] for fault in faults] == ["x_administrator_id:", "x_regions", "x_services"]


@pytest.mark.parametrize(
    ("external_id", "fault"),
    [
        (
            "unchanged",
            "x_external_id: is a word of the results, or a part of one, and would be masked in the results; let the "
            "role's trust policy ask for another",
        ),
        ("q", "x_external_id: must have 2 to 1224 letters, digits or characters of _+=,.@:/-"),
        *(
            (
                value,
                "x_external_id: is an account id or a Region that this is about, or a part of one, and would be masked "
                "in the results; let the role's trust policy ask for another",
            )
            for value in ("111111111111", "west")
        ),
        ("ours", None),
        ("None", None),
        (None, None),
    ],
)
def test_external_id_is_one_that_masks_nothing_else(external_id: str | None, fault: str | None) -> None:
    given = {**FINE, "administrator_id": "111111111111", "regions": ["us-west-2"], "external_id": external_id}
    assert check_values(given, "x_") == ([fault] if fault else [])


def test_what_nobody_set_within_an_option_is_not_there() -> None:
    rows = {"name": {"type": "str"}, "more": {"type": "list", "elements": "dict", "options": {"a": {"type": "str"}}}}
    spec = {"rows": {"type": "list", "elements": "dict", "options": {**rows, "b": {"type": "str"}}}}
    values, faults = check_options(spec, {"rows": [{"name": "x", "more": [{"a": "y"}, {}]}]})
    assert (values, faults) == ({"rows": [{"name": "x", "more": [{"a": "y"}, {}]}]}, [])
