# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a template of the report's page is given, to the letter; and the report as CSV and as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._report import build_report, collect_accounts
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report
from ansible_collections.muster.aws.tests.canned import failed_row, module_row
from jinja2 import UndefinedError

ADMINISTRATOR, OTHER = "111111111111", "999999999999"
SEARCH, PAYMENTS, STRANGER = "012345678901", "222222222222", "444444444444"
CENTRAL, EAST, WEST = REGIONS = ["eu-central-1", "us-east-1", "us-west-2"]
HOSTVARS: Mapping[str, Any] = MappingProxyType(
    {
        "audit": {"report_account_id": ADMINISTRATOR},
        "payments": {"report_account_id": PAYMENTS},
        "search": {"report_account_id": SEARCH, "report_account_email": "search@example.com"},
    }
)
SCRIPT, STYLE = 'if (1 < 2) { say("ä") }', 'b::before { content: "✓ & <" }'

Report = Mapping[str, Any]
Seen = Callable[[Report, str], Any]


def member(account_id: str, region: str, status: str | None = "Enabled", **given: Any) -> dict[str, Any]:
    told = {"email": None, "invited_at": None, "updated_at": "2026-02-02T01:02:03Z"}
    return module_row(account_id, region, status=status, **{**told, **given})


def side(account_id: str, region: str, holder: str | None) -> dict[str, Any]:
    return module_row(account_id, region, administrator_id=holder, invitations=[])


def report_on(
    *members: Mapping[str, Any],
    sides: Any = (),
    hub: Any = None,
    regions: Any = tuple(REGIONS),
    hostvars: Mapping[str, Any] = HOSTVARS,
    baseline: Mapping[str, Any] | None = None,
) -> Report:
    inventory = collect_accounts(list(hostvars), hostvars, list(hostvars))
    results = {"guardduty": {"members": {"members": [*members]}, "administrators": {"administrators": [*sides]}}}
    if hub is not None:
        results["securityhub"] = {"members": {"members": [*hub]}}
    return build_report(inventory, results, ADMINISTRATOR, regions, "2026-03-03 00:00 UTC", None, baseline)


@pytest.fixture
def page(tmp_path: Path) -> Callable[[Report, str], str]:
    """Return what prints a template of the test's own."""

    def render(report: Report, template: str) -> str:
        (tmp_path / "page.js").write_text(SCRIPT, encoding="utf-8")
        (tmp_path / "page.css").write_text(STYLE, encoding="utf-8")
        (tmp_path / "page.html.j2").write_text(template, encoding="utf-8")
        return render_report(report, "html", str(tmp_path))

    return render


@pytest.fixture
def seen(page: Callable[[Report, str], str]) -> Seen:
    """Return the value of an expression in a template of the page."""
    return lambda report, expression: json.loads(page(report, f"{{{{ ({expression}) | tojson }}}}"))


def mixed() -> Report:
    return report_on(
        member(PAYMENTS, CENTRAL, "Resigned", updated_at="2026-01-01"),
        member(PAYMENTS, EAST),
        member(PAYMENTS, WEST, "Invited"),
        member(SEARCH, EAST, "Resigned"),
        member(STRANGER, EAST, "AccountSuspended"),
        hub=[
            member(SEARCH, EAST),
            member(SEARCH, WEST),
            failed_row("access_denied", "no", "ListMembers", account_id=ADMINISTRATOR, region=CENTRAL),
        ],
        sides=[side(SEARCH, CENTRAL, OTHER), side(PAYMENTS, EAST, None)],
    )


def nobody() -> Report:
    return report_on(hostvars={})


def test_page_prints_text_as_text_and_its_own_style_and_script_as_they_are(page: Callable[[Report, str], str]) -> None:
    template = """\
  {% if true %}
{{ report.accounts[0].host }}|{{ report.caller_arn }}|{{ report.totals.accounts }}|{{ report.generated_at }}
{{ style }}|{{ script }}|{{ digest }}
{{ order | join(" ") }}|{{ titles.guardduty }}|{{ labels.absent }}|{{ signs.member }}|{{ page.tiles | list | length }}
  {% endif %}
"""
    report = {**report_on(hostvars={"<b>": {}}), "generated_at": "\x00<"}
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode("utf-8")).digest()).decode()
    assert page(report, template) == (
        f"&lt;b&gt;||1|�&lt;\n{STYLE}|{SCRIPT}|{digest}\n"
        "administrator member suspended pending absent unreadable failed|GuardDuty|not a member|✓|5\n"
    )


def test_page_has_no_place_for_what_is_not_there(page: Callable[[Report, str], str]) -> None:
    with pytest.raises(UndefinedError):
        page(nobody(), "{{ report.surprise }}")


@pytest.mark.parametrize(
    ("report", "tiles"),
    [
        (
            mixed,
            [
                ["", 3, "accounts in the inventory", ""],
                ["good", 0, "covered everywhere", "0 %"],
                ["bad", 3, "with gaps", ""],
                ["warn", 1, "members nobody listed", "as far as read"],
                ["warn", 1, "suspended by AWS", "as far as read"],
            ],
        ),
        (
            nobody,
            [
                ["", 0, "accounts in the inventory", ""],
                ["good", 0, "covered everywhere", "0 %"],
                ["", 0, "with gaps", ""],
                ["", 0, "members nobody listed", ""],
                ["", 0, "suspended by AWS", ""],
            ],
        ),
    ],
)
def test_tiles_tell_the_figures_and_which_of_them_are_bad(seen: Seen, report: Callable[[], Report], tiles: Any) -> None:
    assert seen(report(), "page.tiles | list") == tiles


@pytest.mark.parametrize(
    ("new", "unknown", "mended", "tiles"),
    [
        (0, 0, [], [["", 0, "new gaps", ""], ["", 0, "mended gaps", ""]]),
        (2, 1_200, [{}], [["bad", 2, "new gaps", "1,200 not compared"], ["good", 1, "mended gaps", ""]]),
    ],
)
def test_tiles_tell_what_changed_since_an_earlier_report(
    seen: Seen, new: int, unknown: int, mended: Any, tiles: Any
) -> None:
    report = {**nobody(), "baseline": {"new_gaps": new, "gaps_not_compared": unknown, "mended_gaps": mended}}
    assert seen(report, "page.tiles | list")[5:] == tiles


def test_standings_are_counted_over_all_cells(seen: Seen) -> None:
    assert seen(mixed(), "page.numbers") == {
        "absent": 3,
        "administrator": 5,
        "failed": 3,
        "member": 3,
        "pending": 1,
        "unreadable": 3,
    }


def test_regions_with_the_same_numbers_stand_together_the_worst_first(seen: Seen) -> None:
    report = mixed()
    folded = [seen(report, f"page.folded({service!r})") for service in ("guardduty", "securityhub")]
    counts = [[group.pop("counts") for group in groups] for groups in folded]
    assert counts[0] == [report["summary"]["guardduty"][region] for region in (CENTRAL, WEST, EAST)]
    assert counts[1] == [report["summary"]["securityhub"][region] for region in (CENTRAL, EAST)]
    assert folded == [
        [
            {
                "regions": [CENTRAL],
                "parts": [["administrator", 1], ["failed", 2]],
                "problem": None,
                "covered": 1,
                "gaps": [["failed", 2]],
            },
            {
                "regions": [WEST],
                "parts": [["administrator", 1], ["pending", 1], ["absent", 1]],
                "problem": None,
                "covered": 1,
                "gaps": [["pending", 1], ["absent", 1]],
            },
            {
                "regions": [EAST],
                "parts": [["administrator", 1], ["member", 1], ["failed", 1]],
                "problem": None,
                "covered": 2,
                "gaps": [["failed", 1]],
            },
        ],
        [
            {
                "regions": [CENTRAL],
                "parts": [["unreadable", 3]],
                "problem": "no",
                "covered": 0,
                "gaps": [["unreadable", 3]],
            },
            {
                "regions": [EAST, WEST],
                "parts": [["administrator", 1], ["member", 1], ["absent", 1]],
                "problem": None,
                "covered": 2,
                "gaps": [["absent", 1]],
            },
        ],
    ]


def test_regions_of_which_one_has_members_nobody_listed_stand_apart(seen: Seen) -> None:
    report = report_on(member(STRANGER, EAST))
    assert [group["regions"] for group in seen(report, "page.folded('guardduty')")] == [[CENTRAL, WEST], [EAST]]


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([("guardduty", EAST)], "GuardDuty in us-east-1"),
        ([("guardduty", each) for each in (CENTRAL, EAST, WEST)], "GuardDuty in all 3 Regions"),
        (
            [("guardduty", EAST), ("securityhub", EAST), ("macie", CENTRAL), ("macie", WEST)],
            "GuardDuty, Security Hub in us-east-1; Macie in eu-central-1, us-west-2",
        ),
    ],
)
def test_places_are_told_in_few_words(seen: Seen, places: list[tuple[str, str]], told: str) -> None:
    cells = [{"service": service, "region": region} for service, region in places]
    assert seen(mixed(), f"page.places({cells})") == told


def test_one_region_of_one_is_told_by_its_name(seen: Seen) -> None:
    assert seen(report_on(regions=[EAST]), "page.regions(['us-east-1'])") == EAST


def rows_of(seen: Seen, report: Report, which: str) -> list[dict[str, Any]]:
    """Return rows of the page, their groups as kind, word, standing and Regions; cells are those of the report."""
    rows: list[dict[str, Any]] = seen(report, f"page.{which}")
    for row in rows:
        [account] = [each for each in report[which] if each["account_id"] == row["account_id"]]
        assert row.pop("cells") == account["cells"]
        for service in row["services"]:
            for group in service["groups"]:
                cell = group.pop("cell")
                assert cell["region"] == group["regions"][0] and cell in account["cells"]
                group["standing"] = cell["standing"]
            service["groups"] = [tuple(group.values()) for group in service["groups"]]
    return rows


def test_rows_fold_the_regions_that_look_the_same_and_number_the_kinds_of_cells(seen: Seen) -> None:
    # tojson sorts the keys: of a group, kind, regions, word, and then its standing.
    assert rows_of(seen, mixed(), "accounts") == [
        {
            "account_id": PAYMENTS,
            "dates": [1, 0, 0, 0, 0, 0],
            "email": None,
            "gaps": 5,
            "host": "payments",
            "kinds": [0, 1, 2, 3, 4, 4],
            "listed_for": None,
            "services": [
                {
                    "groups": [
                        (0, [CENTRAL], "Resigned", "failed"),
                        (2, [WEST], "Invited", "pending"),
                        (1, [EAST], "Enabled", "member"),
                    ],
                    "strip": [["failed", 1], ["member", 1], ["pending", 1]],
                },
                {
                    "groups": [
                        (3, [CENTRAL], "not readable", "unreadable"),
                        (4, [EAST, WEST], "not a member", "absent"),
                    ],
                    "strip": [["unreadable", 1], ["absent", 2]],
                },
            ],
            "since": "2026-01-01",
            "standing": "failed",
        },
        {
            "account_id": SEARCH,
            "dates": [0, 2, 0, 0, 0, 0],
            "email": "search@example.com",
            "gaps": 4,
            "host": "search",
            "kinds": [5, 0, 4, 3, 6, 6],
            "listed_for": None,
            "services": [
                {
                    "groups": [
                        (5, [CENTRAL], "held by another", "failed"),
                        (0, [EAST], "Resigned", "failed"),
                        (4, [WEST], "not a member", "absent"),
                    ],
                    "strip": [["failed", 2], ["absent", 1]],
                },
                {
                    "groups": [
                        (3, [CENTRAL], "not readable", "unreadable"),
                        (6, [EAST, WEST], "Enabled", "member"),
                    ],
                    "strip": [["unreadable", 1], ["member", 2]],
                },
            ],
            "since": "2026-02-02",
            "standing": "failed",
        },
        {
            "account_id": ADMINISTRATOR,
            "dates": [],
            "email": None,
            "gaps": 1,
            "host": "audit",
            "kinds": [7, 7, 7, 3, 7, 7],
            "listed_for": None,
            "services": [
                {"groups": [(7, REGIONS, "administrator", "administrator")], "strip": [["administrator", 3]]},
                {
                    "groups": [
                        (3, [CENTRAL], "not readable", "unreadable"),
                        (7, [EAST, WEST], "administrator", "administrator"),
                    ],
                    "strip": [["unreadable", 1], ["administrator", 2]],
                },
            ],
            "since": "",
            "standing": "unreadable",
        },
    ]


def test_rows_of_members_nobody_listed_have_no_place_where_they_are_no_members(seen: Seen) -> None:
    assert rows_of(seen, mixed(), "unlisted") == [
        {
            "account_id": STRANGER,
            "dates": [0, 2, 0, 0, 0, 0],
            "email": None,
            "gaps": 1,
            "host": None,
            "kinds": [-1, 8, -1, -1, -1, -1],
            "listed_for": None,
            "services": [
                {
                    "groups": [(8, [EAST], "AccountSuspended", "failed")],
                    "strip": [["none", 1], ["failed", 1], ["none", 1]],
                },
                {"groups": [], "strip": [["none", 3]]},
            ],
            "since": "2026-02-02",
            "standing": "failed",
        }
    ]


def test_rows_tell_which_cells_are_new_and_since_when_the_first_gap_is_one(seen: Seen) -> None:
    gap = {"account_id": SEARCH, "host": "search", "since": None, "last_read": None}
    places: dict[Any, Any] = {(SEARCH, "guardduty", region): None for region in REGIONS}
    places[SEARCH, "guardduty", EAST] = {**gap, "standing": "pending"}
    report = report_on(
        *(member(SEARCH, region, "Created", updated_at=f"2026-02-0{day}T07") for day, region in enumerate(REGIONS, 1)),
        baseline={"generated_at": "2026-01-31", "places": places},
        hostvars={"search": HOSTVARS["search"]},
    )
    [row] = seen(report, "page.accounts")
    assert (row["kinds"], row["dates"], row["since"]) == ([0, 1, 0], [1, 2, 3], "2026-02-01")
    # What is new and what is not are two kinds, and so two groups, each with its Regions.
    groups = [(group["cell"]["is_new"], group["regions"]) for group in row["services"][0]["groups"]]
    assert groups == [(True, [CENTRAL, WEST]), (False, [EAST])]
    assert [kind["new"] for kind in seen(report, "page.data.kinds")] == [True, False]
    assert seen(report, "page.data.dates") == ["", "2026-02-01T07", "2026-02-02T07", "2026-02-03T07"]
    assert [(reason["new"], reason["since"]) for reason in reasons_of(seen, report)] == [(2, "2026-02-01")]


def test_rows_of_the_same_standing_begin_with_the_most_gaps(seen: Seen) -> None:
    report = report_on(member(PAYMENTS, EAST), *(member(SEARCH, region, "Created") for region in REGIONS))
    assert [row["host"] for row in seen(report, "page.accounts")] == ["payments", "search", "audit"]
    report = report_on(member(PAYMENTS, EAST))
    assert [row["host"] for row in seen(report, "page.accounts")] == ["search", "payments", "audit"]


def test_script_gets_the_data_of_every_row(seen: Seen) -> None:
    data = seen(mixed(), "page.data")
    names = "standing word code status new why noted".split()
    ids = seen(mixed(), "page.reasons | map(attribute='id') | list")
    assert [tuple(kind[name] for name in names) for kind in data["kinds"]] == [
        ("failed", "Resigned", "resigned", "Resigned", None, ids[2], None),
        ("member", "Enabled", None, "Enabled", None, None, ids[5]),
        ("pending", "Invited", None, "Invited", None, ids[3], None),
        ("unreadable", "not readable", "access_denied", None, None, ids[0], None),
        ("absent", "not a member", None, None, None, ids[1], None),
        ("failed", "held by another", "member_of_other_administrator", None, None, ids[4], None),
        ("member", "Enabled", None, "Enabled", None, None, None),
        ("administrator", "administrator", None, None, None, None, None),
        ("failed", "AccountSuspended", "account_suspended", "AccountSuspended", None, None, None),
    ]
    texts = [(kind["reason"], kind["next"], kind["note"]) for kind in data.pop("kinds")[:2]]
    assert texts == [
        (
            "the account left, or declined; it can accept again",
            "set onboard_reinvite_resigned=true to invite the account again",
            "",
        ),
        ("", None, "the account itself sees no administrator"),
    ]
    words = "failed unreadable absent pending suspended member administrator".split()
    assert data == {
        "about": f"{ADMINISTRATOR}, 2026-03-03 00:00 UTC",
        "columns": [[service, region] for service in ("guardduty", "securityhub") for region in REGIONS],
        "covered": ["administrator", "member"],
        "dates": ["", "2026-01-01", "2026-02-02T01:02:03Z"],
        "labels": dict(
            zip(
                words,
                ["failed", "not readable", "not a member", "pending", "suspended", "member", "administrator"],
                strict=True,
            )
        ),
        "rows": [
            ["payments", PAYMENTS, None, [0, 1, 2, 3, 4, 4], [1, 0, 0, 0, 0, 0]],
            ["search", SEARCH, "search@example.com", [5, 0, 4, 3, 6, 6], [0, 2, 0, 0, 0, 0]],
            ["audit", ADMINISTRATOR, None, [7, 7, 7, 3, 7, 7], []],
        ],
        "signs": dict(zip(words, "✕?○…‖✓★", strict=True)),
        "titles": {"guardduty": "GuardDuty", "securityhub": "Security Hub"},
        "worst": words,
    }


def test_script_gets_no_character_that_a_page_may_not_hold(seen: Seen) -> None:
    evil = "\x07evil"
    hostvars = {evil: {"report_account_id": evil, "report_account_email": evil}}
    report = report_on(hostvars=hostvars, regions=[EAST])
    cell = report["accounts"][0]["cells"][0]
    cell.update(status=evil, reason_code=evil, reason=evil, next_step=evil, note=evil)
    data = seen(report, "page.data")
    assert data["rows"] == [["�evil", "�evil", "�evil", [0], []]]
    told = {name: "�evil" for name in ("word", "code", "next", "status")}
    [kind] = data["kinds"]
    assert [kind.pop("why"), kind.pop("noted")] == seen(report, "page.reasons | map(attribute='id') | list")
    # The account's own id is not told in its texts.
    assert kind == {"standing": "unreadable", **told, "reason": "ACCOUNT", "note": "ACCOUNT", "new": None}


def reasons_of(seen: Seen, report: Report) -> list[dict[str, Any]]:
    """Return the reasons of the page, without what no template prints."""
    names = "standing title reason code next_step cells new since".split()
    told = ", ".join(f"{name!r}: reason.{name}" for name in names)
    accounts = "'accounts': reason.accounts | list"
    groups = "'alike': reason.alike"
    count = seen(report, "page.reasons | length")
    found = []
    for number in range(count):
        fields = f"{{{told}, {accounts}, {groups}}}".replace("reason.", f"page.reasons[{number}].")
        reason = seen(report, fields)
        for group in reason["alike"]:
            group["places"] = [(cell["service"], cell["region"]) for cell in group["places"]]
            group["accounts"] = [(one["host"], one["account_id"]) for one in group["accounts"]]
        reason["alike"] = [(group["places"], group["accounts"]) for group in reason["alike"]]
        found.append(reason)
    return found


def test_reasons_are_told_once_each_the_most_common_first_and_notes_last(seen: Seen) -> None:
    search, payments, audit = ("search", SEARCH), ("payments", PAYMENTS), ("audit", ADMINISTRATOR)
    assert reasons_of(seen, mixed()) == [
        {
            "standing": "unreadable",
            "title": "not readable",
            "reason": "no",
            "code": "access_denied",
            "next_step": "check the credentials, the IAM policy and the organization's SCPs for this operation",
            "cells": 3,
            "new": 0,
            "since": "",
            "accounts": [[*payments], [*search], [*audit]],
            "alike": [([("securityhub", CENTRAL)], [payments, search, audit])],
        },
        {
            "standing": "absent",
            "title": "not a member",
            "reason": "the administrator has no record of the account",
            "code": None,
            "next_step": "onboard the account",
            "cells": 3,
            "new": 0,
            "since": "",
            "accounts": [[*payments], [*search]],
            "alike": [
                ([("securityhub", EAST), ("securityhub", WEST)], [payments]),
                ([("guardduty", WEST)], [search]),
            ],
        },
        {
            "standing": "failed",
            "title": "Resigned",
            "reason": "the account left, or declined; it can accept again",
            "code": "resigned",
            "next_step": "set onboard_reinvite_resigned=true to invite the account again",
            "cells": 2,
            "new": 0,
            "since": "2026-01-01",
            "accounts": [[*payments], [*search]],
            "alike": [([("guardduty", CENTRAL)], [payments]), ([("guardduty", EAST)], [search])],
        },
        {
            "standing": "pending",
            "title": "Invited",
            "reason": "invited, and not accepted yet",
            "code": None,
            "next_step": "onboard the account again: it accepts the invitation there",
            "cells": 1,
            "new": 0,
            "since": "",
            "accounts": [[*payments]],
            "alike": [([("guardduty", WEST)], [payments])],
        },
        {
            "standing": "failed",
            "title": "held by another",
            "reason": f"the account is a member of another administrator, {OTHER}",
            "code": "member_of_other_administrator",
            "next_step": "let the account leave that administrator first (docs/move.md)",
            "cells": 1,
            "new": 0,
            "since": "",
            "accounts": [[*search]],
            "alike": [([("guardduty", CENTRAL)], [search])],
        },
        {
            "standing": "note",
            "title": "The account's own view",
            "reason": "the account itself sees no administrator",
            "code": None,
            "next_step": None,
            "cells": 1,
            "new": 0,
            "since": "",
            "accounts": [[*payments]],
            "alike": [([("guardduty", EAST)], [payments])],
        },
    ]


def test_notes_have_neither_a_time_nor_the_reason_of_their_cell(seen: Seen) -> None:
    gap = member(SEARCH, EAST, "Resigned")
    report = report_on(
        gap,
        sides=[side(SEARCH, EAST, ADMINISTRATOR)],
        regions=[EAST],
        hostvars={"search": HOSTVARS["search"]},
        baseline={"generated_at": "2026-01-31", "places": {(SEARCH, "guardduty", EAST): None}},
    )
    reason, note = reasons_of(seen, report)
    assert (reason["standing"], reason["new"], reason["since"]) == ("failed", 1, "2026-02-02")
    assert (reason["code"], reason["next_step"]) == (
        "resigned",
        "set onboard_reinvite_resigned=true to invite the account again",
    )
    assert {name: note[name] for name in ("standing", "code", "next_step", "new", "since")} == {
        "standing": "note",
        "code": None,
        "next_step": None,
        "new": 0,
        "since": "",
    }


def test_reasons_name_most_accounts_first_among_those_with_the_same_places(seen: Seen) -> None:
    third = "333333333333"
    hostvars = {name: {"report_account_id": ids} for name, ids in (("a", SEARCH), ("b", PAYMENTS), ("c", third))}
    report = report_on(member(SEARCH, EAST), regions=[EAST, WEST], hostvars=hostvars)
    [reason] = reasons_of(seen, report)
    assert reason["alike"] == [
        ([("guardduty", EAST), ("guardduty", WEST)], [("b", PAYMENTS), ("c", third)]),
        ([("guardduty", WEST)], [("a", SEARCH)]),
    ]


def test_account_without_a_host_is_named_by_its_id_alone(seen: Seen) -> None:
    report = report_on(hostvars={"search": HOSTVARS["search"]}, regions=[EAST])
    report["accounts"][0]["host"] = None
    assert [reason["accounts"] for reason in reasons_of(seen, report)] == [[["", SEARCH]]]


def test_csv_is_a_line_for_each_cell_with_every_value_in_quotes() -> None:
    report = report_on(
        member(STRANGER, EAST, "Resigned", email="\nstranger\x07@example.com"),
        sides=[side(SEARCH, EAST, ADMINISTRATOR)],
        regions=[EAST],
        hostvars={"search": HOSTVARS["search"]},
        baseline={"generated_at": "2026-01-31", "places": {(SEARCH, "guardduty", EAST): None}},
    )
    names = (
        "listed host account_id email service region standing status reason_code reason next_step note updated_at "
        "since is_new"
    ).split()
    search = [
        *("yes", "search", SEARCH, "search@example.com", "guardduty", EAST, "absent", "", ""),
        *("the administrator has no record of the account", "onboard the account"),
        *("the account itself sees this administrator as its own", "", "", "True"),
    ]
    stranger = [
        *("no", "", STRANGER, "'\nstranger�@example.com", "guardduty", EAST, "failed", "Resigned", "resigned"),
        "the account left, or declined; it can accept again",
        "set onboard_reinvite_resigned=true to invite the account again",
        *("", "2026-02-02T01:02:03Z", "2026-02-02T01:02:03Z", ""),
    ]
    lines = [",".join(f'"{value}"' for value in row) for row in (names, search, stranger)]
    assert render_report(report, "csv") == "".join(f"{line}\r\n" for line in lines)


def test_json_is_indented_and_ends_with_its_line() -> None:
    assert render_report({"b": [1], "hosts": {}, "a": "é"}, "json") == '{\n "b": [\n  1\n ],\n "a": "\\u00e9"\n}\n'
