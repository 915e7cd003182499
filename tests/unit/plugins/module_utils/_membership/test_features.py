# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.features import (
    Feature,
    FeatureWish,
    FeatureWords,
    explain_features,
    explain_unlisted,
    in_order,
    merged_features,
    missing_features,
    read_features,
    show_features,
)

WORDS = FeatureWords("auto_enable", "NONE", {"OLD": "NEWER"})
# A feature as it may be there or be asked for: absent, or with a value and some additional configuration.
SHAPES = [
    None,
    *(
        (value, additional)
        for value, additional in product(
            ("NONE", "NEW", "ALL"), ({}, {"one": "NEW"}, {"two": "NONE"}, {"two": "ALL", "one": "NONE"})
        )
    ),
]


def of(**shapes: tuple[str, dict[str, str]] | None) -> list[Feature]:
    return [Feature(name, *shape) for name, shape in shapes.items() if shape]


def by_name(features: list[Feature]) -> dict[str, Feature]:
    return {feature.name: feature for feature in features}


@pytest.mark.parametrize("present", SHAPES)
def test_missing_features_are_enough_and_no_more(present: tuple[str, dict[str, str]] | None) -> None:
    there = by_name(of(A=present, UNASKED=("ALL", {"x": "ALL"})))
    for shape in SHAPES:
        wanted = of(A=shape)
        missing = missing_features(wanted, there, "NONE")
        after = merged_features(there, missing)
        assert missing_features(wanted, after, "NONE") == ()
        assert after["UNASKED"] == there["UNASKED"]
        if shape:
            now = there.get("A", Feature("A", "NONE"))
            is_there = now.value == shape[0] and all(now.additional.get(k, "NONE") == v for k, v in shape[1].items())
            assert bool(missing) is not is_there
            for name, value in now.additional.items():  # what was not asked for stays
                kept = after.get("A", now).additional[name]
                assert name in shape[1] or kept == value
        if missing and shape and shape[0] != "NONE":
            assert set(missing[0].additional) == {*shape[1], *there.get("A", Feature("A", "NONE")).additional}


def test_shown_is_what_was_asked_for_as_it_is_and_nothing_else() -> None:
    wish = FeatureWish(tuple(of(A=("ALL", {"x": "ALL", "y": "NEW"}), B=("NEW", {"z": "NEW"}))), WORDS)
    there = by_name(of(A=("NEW", {"x": "NEW", "unasked": "ALL"}), UNASKED=("ALL", {})))
    assert wish.shown(there) == [
        {
            "name": "A",
            "auto_enable": "NEW",
            "additional_configuration": [{"name": "x", "auto_enable": "NEW"}, {"name": "y", "auto_enable": None}],
        },
        # What AWS does not list has no value.
        {"name": "B", "auto_enable": None, "additional_configuration": [{"name": "z", "auto_enable": None}]},
    ]
    assert FeatureWish(tuple(reversed(wish.features)), WORDS).shown(there) == wish.shown(there)


def test_wish_names_what_differs_and_who_owns_it() -> None:
    wish = FeatureWish(tuple(of(A=("NONE", {}), B=("ALL", {}), C=("ALL", {}))), WORDS)
    there = {"B": Feature("B", "NEW", {}, "one"), "C": Feature("C", "NONE", {}, "two")}
    # A is not listed, and so off already.
    assert [feature.name for feature in wish.missing(there)] == ["B", "C"]
    assert wish.owned(there) == "B (one), C (two)"
    assert wish.owned({}) == ""


def test_what_a_policy_owns_is_not_sent_and_the_rest_is() -> None:
    wish = FeatureWish(tuple(of(A=("ALL", {}), B=("ALL", {}))), WORDS)
    there = {"B": Feature("B", "NEW", {}, "one")}
    assert [[feature.name for feature in call] for call in wish.calls(there)] == [["A"]]
    assert [feature.name for feature in wish.missing(there)] == ["A", "B"]


def test_missing_features_send_nothing_along_with_one_that_goes_off() -> None:
    there = by_name(of(A=("ALL", {"x": "ALL"})))
    assert missing_features(of(A=("NONE", {})), there, "NONE") == tuple(of(A=("NONE", {})))


def test_missing_features_keep_who_owns_them() -> None:
    [missing] = missing_features(of(A=("ALL", {})), {"A": Feature("A", "NONE", {}, "GUARDDUTY_POLICY")}, "NONE")
    assert missing.managed_by == "GUARDDUTY_POLICY"


def test_features_read_and_shown_are_the_same_whatever_the_order() -> None:
    rows = [
        {"name": "B", "auto_enable": "NEW", "additional_configuration": None},
        {
            "name": "A",
            "auto_enable": "ALL",
            "additional_configuration": [{"name": "y", "auto_enable": "ALL"}, {"name": "x", "auto_enable": "NONE"}],
        },
    ]
    shown = show_features(read_features(rows, WORDS), WORDS)
    assert [(row["name"], row["auto_enable"]) for row in shown] == [("A", "ALL"), ("B", "NEW")]
    assert [each["name"] for each in shown[0]["additional_configuration"]] == ["x", "y"]
    assert show_features(read_features(reversed(rows), WORDS), WORDS) == shown


def rows_of(*pairs: tuple[str, str], **given: object) -> list[dict[str, object]]:
    return [{"name": name, "auto_enable": value, **given} for name, value in pairs]


def test_explain_features() -> None:
    assert explain_features(rows_of(("A", "ALL"), ("B", "NEW")), WORDS) == []
    assert explain_features(rows_of(("A", "ALL"), ("A", "NEW")), WORDS) == ["features: A is listed twice"]
    assert explain_features(rows_of((" ", "ALL")), WORDS) == ["features: a name is empty"]
    [text] = explain_features(rows_of(("OLD", "ALL"), ("NEWER", "NEW")), WORDS)
    assert "OLD and NEWER cannot be on together" in text and "set OLD to NONE" in text
    assert explain_features(rows_of(("OLD", "NONE"), ("NEWER", "NEW")), WORDS) == []


def test_explain_features_looks_into_their_additional_configuration() -> None:
    names = rows_of(("x", "ALL"), ("", "ALL"), ("x", "NONE"), ("y", "ALL"))
    assert explain_features(rows_of(("A", "ALL"), additional_configuration=names), WORDS) == [
        "features: x is listed twice in additional_configuration of A",
        "features: a name is empty in additional_configuration of A",
    ]
    # Each feature has its own.
    one = rows_of(("x", "ALL"))
    assert explain_features(rows_of(("A", "ALL"), ("B", "ALL"), additional_configuration=one), WORDS) == []
    assert explain_features(rows_of(("A", "ALL"), additional_configuration=None), WORDS) == []


def test_names_that_aws_does_not_list_are_told_with_the_one_that_is_near() -> None:
    there = by_name(of(S3_DATA_EVENTS=("ALL", {}), RUNTIME=("ALL", {"AGENT_EC2": "ALL"})))
    wanted = of(
        s3_data_events=("NONE", {"x": "ALL"}),
        ODD=("NEW", {}),
        RUNTIME=("ALL", {"agent_ec2": "NONE", "AGENT_EC2": "ALL", "ODD": "ALL"}),
    )
    assert explain_unlisted(wanted, there, "NONE") == [
        "AWS does not list s3_data_events in this Region (did you mean S3_DATA_EVENTS?): it counts as NONE",
        "AWS does not list ODD in this Region: it may refuse the call",
        "AWS does not list agent_ec2 in this Region (did you mean AGENT_EC2?): it counts as NONE",
        "AWS does not list ODD in this Region: it may refuse the call",
    ]
    assert FeatureWish(tuple(wanted), WORDS).doubts(there) == explain_unlisted(wanted, there, "NONE")


@pytest.mark.parametrize(
    ("name", "listed", "near"),
    [
        ("RDS_LOGIN_EVENTS", "S3_DATA_EVENTS", False),  # each is right, and one is not in every Region
        ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING", False),
        ("S3_DATA_EVENT", "S3_DATA_EVENTS", True),
        ("RUNTIME_MONITORNIG", "RUNTIME_MONITORING", True),
        ("LAMBDA_NETWROK_LOGS", "LAMBDA_NETWORK_LOGS", True),
    ],
)
def test_only_what_looks_misspelt_gets_another_name(name: str, listed: str, near: bool) -> None:
    [text] = explain_unlisted(of(**{name: ("ALL", {})}), by_name(of(**{listed: ("ALL", {})})), "NONE")
    assert ("did you mean" in text) is (f"did you mean {listed}?" in text) is near


def test_call_is_foreseen_to_be_refused_where_aws_lists_others() -> None:
    wish = FeatureWish(tuple(of(A=("ALL", {}), ODD=("ALL", {}), EVEN=("ALL", {}))), WORDS)
    there = by_name(of(A=("NONE", {})))
    assert wish.refusal(there) == "AWS does not list ODD, EVEN in this Region, and refuses a call that holds it"
    # Where AWS lists nothing at all, that says nothing.
    assert wish.refusal({}) == ""
    assert FeatureWish(wish.features[:1], WORDS).refusal(there) == ""


@pytest.mark.parametrize(
    ("old", "new", "late"), [("NONE", "NEW", "NEWER"), ("NEW", "NONE", "OLD"), ("NONE", "NONE", "NEWER")]
)
def test_in_order_no_call_holds_both_and_what_goes_off_goes_first(old: str, new: str, late: str) -> None:
    wanted = of(NEWER=(new, {}), OLD=(old, {}), A=("ALL", {}))
    first, second = in_order(wanted, WORDS)
    assert {feature.name for feature in first} == {"A", "NEWER", "OLD"} - {late}
    assert [feature.name for feature in second] == [late]
    wish = FeatureWish(tuple(wanted), WORDS)
    assert [wish.is_late(call) for call in (first, second, wanted[2:])] == [False, True, False]


def test_in_order_of_one_alone_is_one_call() -> None:
    assert in_order(of(NEWER=("NEW", {})), WORDS) == [tuple(of(NEWER=("NEW", {})))]
    assert in_order([], WORDS) == []
