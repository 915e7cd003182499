# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as HTML, CSV and JSON: complete, and inert whatever the values are."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._report import build_report, collect_accounts
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report

PAGE = str(Path(__file__).parents[4] / "roles" / "report" / "files")
ADMINISTRATOR, REGIONS = "111111111111", ["eu-central-1", "us-east-1"]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "<!--report:hash-->",
    "{{ lookup('pipe', 'id') }}",
    "javascript:alert(1)",
    "\ud800\x00\u202ereversed",
]


def member(account_id: str, region: str, status: str | None, **values: Any) -> dict[str, Any]:
    row = {"account_id": account_id, "region": region, "email": None, "status": status, "outcome": "unchanged"}
    return {**row, "reason_code": None, "reason": None, "invited_at": None, "updated_at": None, **values}


def report_on(hostvars: dict[str, dict[str, Any]], members: list[dict[str, Any]]) -> dict[str, Any]:
    inventory = collect_accounts(list(hostvars), hostvars, list(hostvars))
    results = {"guardduty": {"members": {"members": members}}}
    return build_report(inventory, results, ADMINISTRATOR, REGIONS, "2026-01-01 00:00 UTC")


def hostile_report() -> dict[str, Any]:
    hostvars = {
        text: {"onboard_account_id": f"{number:012}", "onboard_account_email": text}
        for number, text in enumerate(HOSTILE, 1)
    }
    hostvars["typo"] = {"onboard_account_id": HOSTILE[0]}
    members = [member(f"{number:012}", REGIONS[0], text) for number, text in enumerate(HOSTILE, 1)]
    members += [member("999999999999", REGIONS[0], HOSTILE[0], email=HOSTILE[1])]
    failed = {"outcome": "failed", "reason_code": "other", "reason": HOSTILE[0]}
    return report_on(hostvars, [*members, member(ADMINISTRATOR, REGIONS[1], None, **failed)])


class Elements(HTMLParser):
    """All elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.text += data


def data_of(page: str) -> dict[str, Any]:
    """What the page's script knows."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_render_report_html_hostile_values_are_text_and_nothing_else():
    elements = Elements(render_report(hostile_report(), "html", PAGE))
    assert elements.tags.count("script") == 2  # the page's own, and its data
    assert not {"img", "iframe", "object", "embed", "base"} & set(elements.tags)
    assert not any(name.startswith("on") for name in elements.attributes)
    assert all(link.startswith("#") for link in elements.links)
    for text in HOSTILE[:5]:
        assert text in elements.text
    rows = data_of(render_report(hostile_report(), "html", PAGE))["rows"]
    assert {row[0] for row in rows} >= set(HOSTILE[:5])


def test_render_report_html_allows_its_own_script_only():
    page = render_report(hostile_report(), "html", PAGE)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_render_report_html_can_be_written_as_utf_8_and_has_no_place_left_open():
    page = render_report(hostile_report(), "html", PAGE)
    page.encode("utf-8")
    assert "{%" not in page
    assert "\x00" not in page


def test_render_report_html_every_link_leads_somewhere():
    page = render_report(hostile_report(), "html", PAGE)
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    links = {link[1:] for link in Elements(page).links}
    reasons = {link.removeprefix("show:why=") for link in links if link.startswith("show:")}
    assert reasons == {name.removeprefix("why-") for name in ids if name.startswith("why-")}
    assert {link for link in links if not link.startswith("show:")} <= ids


def test_render_report_html_tells_the_same_reason_once_for_all_accounts():
    hostvars = {f"workload-{n}": {"onboard_account_id": f"{n:012}"} for n in (1, 2)}
    members = [member(f"{n:012}", region, "Resigned") for n in (1, 2) for region in REGIONS]
    page = render_report(report_on(hostvars, members), "html", PAGE)
    assert page.count("<article") == 1
    assert "<strong>2 accounts</strong>, 4 places" in page


def test_render_report_html_tells_suspended_accounts_and_what_accounts_see_themselves():
    hostvars = {"closed": {"onboard_account_id": "012345678901"}, "odd": {"onboard_account_id": "222222222222"}}
    members = [member("012345678901", REGIONS[0], "AccountSuspended"), member("222222222222", REGIONS[0], "Enabled")]
    view = {**member("222222222222", REGIONS[0], None), "administrator_id": None, "invitations": []}
    inventory = collect_accounts(list(hostvars), hostvars, list(hostvars))
    results = {"guardduty": {"members": {"members": members}, "administrators": {"administrators": [view]}}}
    report = build_report(inventory, results, ADMINISTRATOR, REGIONS[:1], "2026-01-01 00:00 UTC")
    page = render_report(report, "html", PAGE)
    assert page.count("<bdi>closed</bdi>") == 4  # twice with its reason, in the table, and among the suspended
    assert "the account itself sees no administrator" in page
    assert page.count('class="g s-member note"') == 1


def test_render_report_html_without_gaps_says_so():
    hostvars = {"workload": {"onboard_account_id": "012345678901"}}
    page = render_report(
        report_on(hostvars, [member("012345678901", region, "Enabled") for region in REGIONS]), "html", PAGE
    )
    assert "No gaps" in page
    assert "the administrator has no member beyond the inventory" in page


def unread(region: str) -> dict[str, Any]:
    """The row of a Region that the administrator may not read."""
    return member(ADMINISTRATOR, region, None, outcome="failed", reason_code="access_denied", reason="no")


def section_of(page: str, name: str) -> str:
    return Elements(page[page.index(f'<section id="{name}"') :].partition("</section>")[0]).text


@pytest.mark.parametrize(
    ("regions", "told"), [(REGIONS, "GuardDuty in all 2 Regions"), (REGIONS[:1], "GuardDuty in eu-central-1")]
)
def test_render_report_html_does_not_say_none_of_what_was_not_read(regions: list[str], told: str):
    hostvars = {"workload": {"onboard_account_id": "012345678901"}}
    page = render_report(report_on(hostvars, [unread(region) for region in regions]), "html", PAGE)
    for name in ("unlisted", "suspended"):
        text = section_of(page, name)
        assert f"? None where it could be read. Not read: {told}." in text
        assert "✓" not in text


def test_render_report_html_says_that_there_may_be_more_where_it_was_not_read():
    members = [member("999999999999", REGIONS[0], "AccountSuspended"), unread(REGIONS[1])]
    page = render_report(report_on({"workload": {"onboard_account_id": "012345678901"}}, members), "html", PAGE)
    for name in ("unlisted", "suspended"):
        assert "? There may be more. Not read: GuardDuty in us-east-1." in section_of(page, name)
    page = render_report(report_on({}, members[:1]), "html", PAGE)
    assert "Not read" not in page


def test_render_report_html_links_to_a_reason_by_what_it_is_and_not_by_its_place():
    hostvars = {f"workload-{n}": {"onboard_account_id": f"{n:012}"} for n in (1, 2, 3)}
    resigned = [member("000000000001", region, "Resigned") for region in REGIONS]
    created = [member(f"{n:012}", region, "Created") for n in (2, 3) for region in REGIONS]
    pages = [render_report(report_on(hostvars, members), "html", PAGE) for members in (resigned, resigned + created)]
    reasons = [re.findall(r'<article id="why-([^"]+)"', page) for page in pages]
    names = [[name.rpartition("-")[0] for name in found] for found in reasons]
    assert names == [["not-a-member", "resigned"], ["created", "resigned"]]
    assert reasons[0][1] == reasons[1][1]
    assert re.fullmatch("resigned-[0-9a-f]{8}", reasons[0][1])
    for page, found in zip(pages, reasons, strict=True):
        assert re.findall(r'<option value="([^"]+)">\w+[^<]*: ', page) == found
        assert {kind["why"] for kind in data_of(page)["kinds"] if kind["why"]} == set(found)


def test_render_report_html_tells_reasons_of_one_code_apart():
    hostvars = {f"workload-{n}": {"onboard_account_id": f"{n:012}"} for n in (1, 2)}
    members = [member("000000000001", REGIONS[0], "Strange"), member("000000000002", REGIONS[0], "Stranger")]
    page = render_report(report_on(hostvars, [*members, unread(REGIONS[1])]), "html", PAGE)
    reasons = re.findall(r'<article id="why-([^"]+)"', page)
    assert sorted(name.rpartition("-")[0] for name in reasons) == ["access-denied", "unknown-status", "unknown-status"]
    assert len(set(reasons)) == 3


def test_render_report_html_marks_the_new_gaps_and_no_other_one():
    baseline = {"generated_at": "2025-12-25", "places": {("012345678901", "guardduty", REGIONS[1]): None}}
    hostvars = {"workload": {"onboard_account_id": "012345678901"}}
    inventory = collect_accounts(list(hostvars), hostvars, list(hostvars))
    results = {"guardduty": {"members": {"members": []}}}
    report = build_report(inventory, results, ADMINISTRATOR, REGIONS, "2026-01-01", None, baseline)
    page = render_report(report, "html", PAGE)
    groups = re.findall(r'<span class="g [^>]*>.*?<small>· ([^<]*)</small>( <em>new</em>)?</span>', page)
    assert groups == [("eu-central-1", ""), ("us-east-1", " <em>new</em>")]
    assert "1 not compared" in page
    assert "where that did not ask, nobody knows" in Elements(page).text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "\n="])
def test_render_report_csv_no_value_is_a_formula(start: str):
    evil = f"{start}HYPERLINK(1)"
    hostvars = {evil: {"onboard_account_id": "012345678901", "onboard_account_email": evil}}
    members = [member("012345678901", REGIONS[0], evil)]
    rows = list(csv.DictReader(io.StringIO(render_report(report_on(hostvars, members), "csv"), newline="")))
    values = [rows[0][name] for name in ("host", "email", "status")]
    assert values == [f"'{evil}"] * 3


def test_render_report_csv_has_a_line_per_cell_and_keeps_leading_zeros():
    hostvars = {"workload": {"onboard_account_id": "012345678901"}}
    text = render_report(report_on(hostvars, [member("999999999999", REGIONS[0], "Invited")]), "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["listed"], row["account_id"], row["region"], row["standing"]) for row in rows] == [
        ("yes", "012345678901", "eu-central-1", "absent"),
        ("yes", "012345678901", "us-east-1", "absent"),
        ("no", "999999999999", "eu-central-1", "pending"),
    ]


def test_render_report_json_is_the_data():
    report = hostile_report()
    data = json.loads(render_report(report, "json"))
    assert data == {key: value for key, value in report.items() if key != "hosts"}


def test_render_report_html_folds_regions_that_look_the_same():
    hostvars = {f"workload-{n}": {"onboard_account_id": f"{n:012}"} for n in (1, 2)}
    members = [member("000000000001", region, "Enabled") for region in REGIONS]
    members += [member("000000000002", REGIONS[0], "Enabled"), member("000000000002", REGIONS[1], "Resigned")]
    page = render_report(report_on(hostvars, members), "html", PAGE)
    rows = page[page.index("<tbody") : page.index("</tbody>")]
    groups = re.findall(r'<span class="g s-(\w+)"[^>]*><b>.</b> (\w+) <small>· ([^<]*)</small>', rows)
    # The account with a gap comes first, and its gap before the rest of it.
    assert groups == [
        ("failed", "Resigned", "us-east-1"),
        ("member", "Enabled", "eu-central-1"),
        ("member", "Enabled", "all 2 Regions"),
    ]
    equal = render_report(report_on({"workload-1": hostvars["workload-1"]}, members[:2]), "html", PAGE)
    cards = equal[equal.index('id="coverage"') : equal.index('id="accounts"')]
    assert cards.count("<li>") == 1
    assert "<b>all 2 Regions</b><span>1 of 1</span>" in cards


def test_render_report_html_has_a_number_for_every_cell_and_few_kinds_of_them():
    hostvars = {f"workload-{n:03}": {"onboard_account_id": f"{n:012}"} for n in range(200)}
    members = [
        member(f"{n:012}", region, "Resigned" if n == 7 else "Enabled") for n in range(200) for region in REGIONS
    ]
    data = data_of(render_report(report_on(hostvars, members), "html", PAGE))
    words = {row[0]: [data["kinds"][kind]["word"] for kind in row[3]] for row in data["rows"]}
    assert words.pop("workload-007") == ["Resigned", "Resigned"]
    assert set(map(tuple, words.values())) == {("Enabled", "Enabled")}
    assert len(data["kinds"]) == 2


def test_render_report_html_says_where_it_comes_from_and_what_it_leaves_out():
    inventory = collect_accounts([], {}, [])
    arn = "arn:aws:sts::111111111111:assumed-role/SecurityAudit/report"
    results = {"guardduty": {"members": {"members": []}}}
    report = build_report(inventory, results, ADMINISTRATOR, REGIONS, "2026-01-01 00:00 UTC", arn)
    text = Elements(render_report(report, "html", PAGE)).text
    assert arn in text
    assert report["version"] in text
    assert ", ".join(REGIONS) in text
    assert ", ".join(report["regions_not_asked"]["guardduty"]) in text
    assert "eu-west-1" in report["regions_not_asked"]["guardduty"]
    assert not set(REGIONS) & set(report["regions_not_asked"]["guardduty"])
    assert not any(name.startswith("cn-") for name in report["regions_not_asked"]["guardduty"])
