# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page in a real browser: numbers, filters, files, keyboard, axe-core; and that no value of it runs."""

from __future__ import annotations

import csv
import io
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._report import COVERED
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report
from ansible_collections.muster.aws.tests.profiles import by_day
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

sys.path.insert(0, str(Path(__file__).parent))
from sample import (
    ADMINISTRATOR,
    CALLER,
    HOSTILE_EMAIL,
    HOSTILE_NAME,
    HOSTILE_STATUS,
    REGIONS,
    baseline_of,
    make_report,
    render,
)

A4 = {"width": 1032, "height": 700}  # turned, without its margins
TELEPHONE = {"width": 360, "height": 740}


class Report:
    """The page of a report, as a person uses it."""

    def __init__(self, file: Path, data: dict[str, Any]) -> None:
        self.data, self.url = data, file.as_uri()
        file.write_text(render(data), encoding="utf-8")
        self.page: Page

    def open(self, page: Page, address: str = "") -> Report:
        self.page = page
        page.goto(self.url + address)
        return self

    def rows(self) -> Locator:
        return self.page.locator("#accounts tbody > tr:not([hidden]):not(.more)")

    def shown_hosts(self) -> list[str]:
        return self.rows().locator("th bdi").all_text_contents()

    def shown(self) -> str:
        return self.page.locator("#shown").inner_text()

    def press(self, standing: str) -> None:
        self.page.locator(f".chip.s-{standing}").click()

    def hosts_where(self, fits: Callable[[dict[str, Any]], bool]) -> set[str]:
        """Return the hosts of which the data has a cell that fits."""
        return {a["host"] for a in self.data["accounts"] if any(map(fits, a["cells"]))}

    def cells_where(self, fits: Callable[[dict[str, Any]], bool]) -> int:
        return sum(fits(cell) for account in self.data["accounts"] for cell in account["cells"])


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("pages")
    earlier = make_report(40)
    earlier["accounts"][1]["cells"][0].update(standing="pending", status="Created")
    earlier["accounts"][5]["cells"][0].update(standing="member", status="Enabled")
    few = make_report(60)
    for account in few["accounts"]:
        for cell in account["cells"]:
            if cell["standing"] != "member":
                cell.update(standing="pending", status="Created", reason_code=None, reason="a record")
    found = {
        "usual": make_report(60),
        "few": few,
        "read": make_report(60, off=None),
        "hostile": make_report(8, is_hostile=True),
        "compared": make_report(60, baseline=baseline_of(earlier)),
        "three": make_report(3),
        "large": make_report(1000, regions=17),
    }
    return {name: Report(folder / f"{name}.html", data) for name, data in found.items()}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own, on which nothing may go wrong."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
    yield page
    page.close()
    assert [fault for fault in faults if not fault.startswith("blob:")] == []


@pytest.fixture
def report(reports: dict[str, Report], page: Page) -> Report:
    return reports["usual"].open(page)


def test_report_numbers_are_those_of_the_data(report: Report):
    accounts, totals = report.data["accounts"], report.data["totals"]
    tiles = [int(text.replace(",", "")) for text in report.page.locator(".tiles b").all_inner_texts()]
    suspended = len(report.data["suspended_accounts"])
    assert tiles == [
        len(accounts),
        totals["covered"],
        totals["accounts"] - totals["covered"],
        totals["unlisted"],
        suspended,
    ]
    assert set(report.shown_hosts()) == {account["host"] for account in accounts}
    assert report.shown() == f"{len(accounts)} of {len(accounts)} accounts, {totals['cells']} places"
    counted = Counter(cell["standing"] for account in accounts for cell in account["cells"])
    chips = {
        chip.get_attribute("data-standing"): int(chip.locator("span").inner_text().replace(",", ""))
        for chip in report.page.locator(".chip").all()
    }
    assert chips == counted
    assert report.page.locator("#unlisted tbody tr").count() == totals["unlisted"]


def test_report_begins_with_the_gaps_and_has_the_worst_account_first(reports: dict[str, Report], page: Page):
    report = reports["read"].open(page)
    headings = report.page.locator("h2").all_inner_texts()
    assert headings[0] == "Gaps by reason"
    gaps = [
        int(text or 0) for text in report.page.locator("#accounts tbody td.n:nth-last-child(2)").all_text_contents()
    ]
    assert gaps[0] == max(gaps) > 0
    assert gaps[-1] == 0
    told = report.page.locator(".reasons article").all_inner_texts()
    assert any("the account left, or declined" in text and "since 2026-01-01" in text for text in told)
    for reason in report.page.locator(".reasons article").all():
        named, folded = reason.locator(".who"), reason.locator("details bdi").all_text_contents()
        shown, rest = named.locator("bdi").all_text_contents(), len(folded) - 3
        assert shown and set(shown) <= set(folded) and len(shown) == min(3, len(folded))
        assert named.inner_text().endswith(f" and {rest:,} more") == (rest > 0)


def test_report_folds_regions_with_equal_numbers(report: Report):
    for card, service in zip(report.page.locator(".cards section").all(), report.data["services"], strict=True):
        summary = report.data["summary"][service].values()
        different = {str({k: v for k, v in counts.items() if isinstance(v, int)}) for counts in summary}
        assert card.locator("li").count() == len(different) < len(REGIONS)


@pytest.mark.parametrize("standing", ["failed", "pending", "suspended", "absent", "unreadable", "member"])
def test_report_filter_by_standing_shows_those_rows_and_of_them_those_regions(report: Report, standing: str):
    report.press(standing)
    assert set(report.shown_hosts()) == report.hosts_where(lambda cell: cell["standing"] == standing)
    assert report.shown().endswith(f"{report.cells_where(lambda cell: cell['standing'] == standing):,} places")
    classes = report.rows().locator(".g:not([hidden])").evaluate_all("all => all.map((one) => one.classList[1])")
    assert set(classes) == {f"s-{standing}"}
    report.press(standing)
    assert len(report.shown_hosts()) == len(report.data["accounts"])


def test_report_filters_add_up_and_stand_in_the_address(reports: dict[str, Report], report: Report):
    report.page.locator("#service").select_option(label="GuardDuty")
    report.page.locator("#region").select_option("us-east-1")
    report.press("failed")
    report.press("absent")
    place = ("guardduty", "us-east-1")
    expected = report.hosts_where(
        lambda cell: (cell["service"], cell["region"]) == place and cell["standing"] in ("failed", "absent")
    )
    assert set(report.shown_hosts()) == expected
    address = report.page.url.partition("#")[2]
    report.page.goto("about:blank")
    assert set(report.open(report.page, f"#{address}").shown_hosts()) == expected
    assert report.page.locator("#region").input_value() == "us-east-1"
    report.page.locator("#all").click()
    assert len(report.shown_hosts()) == len(report.data["accounts"])


def test_report_search_finds_name_id_and_address_and_says_when_there_is_none(report: Report):
    search = report.page.locator("#search")
    search.fill("WEB prod")
    assert set(report.shown_hosts()) == {a["host"] for a in report.data["accounts"] if a["host"].startswith("web-prod")}
    account = report.data["accounts"][3]
    for text in (account["account_id"], account["email"]):
        search.fill(text)
        assert report.shown_hosts() == [account["host"]]
    search.fill("no such thing")
    assert report.shown_hosts() == []
    expect(report.page.locator("#nothing")).to_be_visible()


def test_report_a_reason_leads_to_its_accounts(report: Report):
    reason = report.page.locator("article", has_text="the account left, or declined")
    reason.locator(".go a").click()
    assert set(report.shown_hosts()) == report.hosts_where(lambda cell: cell["reason_code"] == "resigned")
    # Without the table, the same accounts can be read under the reason.
    reason.locator("summary").click()
    assert set(reason.locator("details bdi").all_text_contents()) == set(report.shown_hosts())


def test_report_sorts_by_each_column_and_back(report: Report):
    name = report.page.get_by_role("button", name="Account", exact=True)
    name.click()
    ascending = report.shown_hosts()
    assert ascending == sorted(ascending)
    assert report.page.locator("#accounts th[data-sort=name]").get_attribute("aria-sort") == "ascending"
    name.click()
    assert report.shown_hosts() == ascending[::-1]
    for column in ("GuardDuty", "Security Hub", "Gaps", "Gap since"):
        report.page.get_by_role("button", name=column, exact=True).click()
        assert sorted(report.shown_hosts()) == ascending
    dates = report.rows().locator("td.n:last-child").all_text_contents()
    assert [date for date in dates if date] == sorted(date for date in dates if date)


def test_report_saves_what_is_shown_as_csv_and_as_hosts(report: Report, tmp_path: Path):
    report.press("failed")
    with report.page.expect_download() as download:
        report.page.locator("#limit").click()
    download.value.save_as(tmp_path / "limit.txt")
    assert (tmp_path / "limit.txt").read_text().splitlines() == report.shown_hosts()
    assert "--limit @muster-limit.txt" in report.page.locator("#told").inner_text()
    with report.page.expect_download() as download:
        report.page.locator("#csv").click()
    download.value.save_as(tmp_path / "shown.csv")
    with (tmp_path / "shown.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    expected = {
        (a["account_id"], c["service"], c["region"], c["standing"], c["reason_code"] or "", c["reason"] or "")
        for a in report.data["accounts"]
        for c in a["cells"]
        if c["standing"] == "failed"
    }
    names = "account_id", "service", "region", "standing", "reason_code", "reason"
    assert {tuple(line[name] for name in names) for line in lines} == expected
    assert len(lines) == len(expected)


@pytest.mark.parametrize("name", ["compared", "hostile"])
def test_report_saves_the_lines_of_its_csv(reports: dict[str, Report], page: Page, tmp_path: Path, name: str):
    report = reports[name].open(page)
    with page.expect_download() as download:
        page.locator("#csv").click()
    download.value.save_as(tmp_path / "shown.csv")
    with (tmp_path / "shown.csv").open(newline="", encoding="utf-8") as file:
        saved = list(csv.DictReader(file))
    written = list(csv.DictReader(io.StringIO(render_report(report.data, "csv"), newline="")))
    for line in written:
        del line["updated_at"]
    place = operator.itemgetter("host", "service", "region")
    assert sorted(saved, key=place) == sorted((line for line in written if line["listed"] == "yes"), key=place)
    assert list(saved[0]) == list(written[0])


def test_report_has_its_order_in_the_address(report: Report):
    name = report.page.get_by_role("button", name="Account", exact=True)
    for address, order in (("#show:sort=name", "ascending"), ("#show:sort=-name", "descending")):
        name.click()
        assert report.page.evaluate("location.hash") == address
        hosts = report.shown_hosts()
        report.page.goto("about:blank")
        assert report.open(report.page, address).shown_hosts() == hosts
        assert report.page.locator("#accounts th[data-sort=name]").get_attribute("aria-sort") == order
    report.page.locator("#all").click()
    assert report.shown_hosts() == hosts


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("why=resigned-00000000", "reason resigned-00000000"),
        ("region=mars-north-1", "mars-north-1"),
        ("service=macie", "macie"),
        ("standing=failed", "failed"),
        ("standing=odd", "odd"),
        ("new=1", "only new gaps"),
        ("region=us-east-1&why=1", "reason 1"),
    ],
)
def test_report_tells_what_a_link_asks_for_and_it_does_not_have(
    reports: dict[str, Report], page: Page, address: str, told: str
):
    report = reports["few"].open(page, f"#show:{address}")
    assert page.locator("#lost").inner_text() == f"Not in this report: {told}."
    assert report.shown_hosts() == []
    assert sorted(page.evaluate("location.hash.slice(6)").split("&")) == sorted(address.split("&"))
    page.locator("#all").click()
    assert page.locator("#lost").inner_text() == ""
    assert len(report.shown_hosts()) == len(report.data["accounts"])


def test_report_shows_the_rest_of_what_a_link_asks_for(reports: dict[str, Report], page: Page):
    report = reports["few"].open(page, "#show:standing=failed,pending&sort=odd&wish=1")
    assert page.locator("#lost").inner_text() == "Not in this report: wish=1 · failed · sort=odd."
    assert set(report.shown_hosts()) == report.hosts_where(lambda cell: cell["standing"] == "pending")
    # What somebody chooses then is all that is chosen.
    report.press("member")
    assert page.locator("#lost").inner_text() == ""
    assert page.evaluate("location.hash") == "#show:standing=pending%2Cmember"


def test_report_link_to_a_reason_shows_the_same_reason_in_a_later_report(reports: dict[str, Report], page: Page):
    report = reports["usual"].open(page)
    link = page.locator("article", has_text="the account left, or declined").locator(".go a").get_attribute("href")
    page.goto("about:blank")
    later = reports["compared"].open(page, link or "")
    assert set(later.shown_hosts()) == later.hosts_where(lambda cell: cell["reason_code"] == "resigned")
    page.goto("about:blank")
    assert reports["few"].open(page, link or "").shown_hosts() == []
    assert page.locator("#lost").inner_text().startswith("Not in this report: reason resigned-")
    assert report.data["accounts"]


def test_report_is_used_with_the_keyboard_and_its_table_is_one_stop(report: Report):
    page = report.page
    page.locator("thead th:last-child button").first.focus()
    page.keyboard.press("Tab")
    first, second = report.shown_hosts()[:2]
    focused = "document.activeElement.querySelector('bdi')?.textContent"
    assert page.evaluate(focused) == first
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == second
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    account = next(a for a in report.data["accounts"] if a["host"] == second)
    told = page.locator("tr.more").inner_text()
    assert account["cells"][0]["reason"] in told
    assert all(region in told for region in REGIONS)
    page.keyboard.press("Escape")
    assert page.locator("tr.more").count() == 0
    page.keyboard.press("End")
    assert page.evaluate(focused) == report.shown_hosts()[-1]
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#accounts')")


def test_report_an_accounts_own_view_is_told_with_its_row(report: Report):
    report.rows().filter(has=report.page.locator(".g.note")).first.click()
    told = report.page.locator("tr.more").inner_text()
    assert "its own view could not be read" in told
    assert "role/Audit" in told


def test_report_tells_new_and_mended_gaps(reports: dict[str, Report], page: Page):
    report = reports["compared"].open(page)
    mended = report.data["baseline"]["mended_gaps"]
    assert mended and report.data["baseline"]["new_gaps"]
    assert page.locator("#mended li").count() == len(mended)
    assert f"{report.data['baseline']['new_gaps']}\n" in page.locator(".tiles").inner_text()
    page.locator("#new").check()
    assert set(report.shown_hosts()) == report.hosts_where(lambda cell: cell["is_new"])
    # Of the Regions of a row, those with a new gap alone.
    marked = report.rows().locator(".g:not([hidden])")
    assert marked.count() == report.rows().locator(".g:not([hidden]) em").count() > 0
    report.rows().first.click()
    assert "new" in page.locator("tr.more").inner_text()
    assert report.shown().endswith(f"{report.data['baseline']['new_gaps']} places")


def test_report_says_who_made_it_and_what_was_not_asked(report: Report):
    about = report.page.locator("#about").inner_text()
    assert CALLER in about
    assert f"muster.aws.report {report.data['version']}" in about
    assert ", ".join(REGIONS) in about
    assert "eu-west-2" in about.split("Not asked, GuardDuty")[1]


def test_report_hostile_values_are_shown_and_never_run(reports: dict[str, Report], page: Page):
    report = reports["hostile"].open(page)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    for row in report.rows().all():
        row.click()
    assert HOSTILE_STATUS in page.locator("#accounts").inner_text()
    assert HOSTILE_NAME in report.shown_hosts()
    assert HOSTILE_EMAIL in page.locator("#accounts").inner_text()
    assert page.evaluate("window.hit") is None
    assert page.locator("script").count() == 2
    assert page.locator("img, svg, iframe").count() == 0
    page.locator("#search").fill(HOSTILE_NAME[:20])
    assert report.shown_hosts() == [HOSTILE_NAME]
    assert messages == []


def test_report_a_script_that_got_in_all_the_same_is_refused(report: Report):
    messages: list[str] = []
    report.page.on("console", lambda message: messages.append(message.text))
    report.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)"
    )
    report.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<b id=late onclick=\"window.hit = 1\">x</b>');"
        "document.getElementById('late').click()"
    )
    assert report.page.evaluate("window.hit") is None
    assert "Content Security Policy" in str(messages)


def test_report_without_scripts_has_summary_table_and_reasons(reports: dict[str, Report], browser: Browser):
    page = browser.new_page(java_script_enabled=False)
    report = reports["usual"].open(page)
    assert report.rows().count() == len(report.data["accounts"])
    text = page.locator("body").text_content() or ""
    assert all(word in text for word in ("Resigned", "not a member", "covered everywhere", "424242424242"))
    assert ADMINISTRATOR in text and "it can accept again" in text
    assert page.locator("button:visible, input:visible, select:visible, .go:visible").count() == 0
    page.close()


@pytest.mark.parametrize(
    ("name", "scheme", "width"),
    by_day(
        [("compared", "light", 1400), ("three", "dark", 360)],
        product(("compared", "three"), ("light", "dark"), (1400, 360)),
    ),
)
def test_report_axe_finds_nothing(reports: dict[str, Report], page: Page, name: str, scheme: str, width: int):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    report = reports[name].open(page)
    report.rows().first.click()
    # What is not on the screen is not drawn, and axe would not look at its colours.
    page.add_style_tag(content="tbody tr { content-visibility: visible !important; }")
    found = Axe().run(page)
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found.response["violations"]] == []
    assert any(one["id"] == "color-contrast" for one in found.response["passes"])


def test_report_fits_a_telephone(reports: dict[str, Report], page: Page):
    page.set_viewport_size(TELEPHONE)
    report = reports["usual"].open(page)
    report.press("failed")
    report.rows().first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


def test_report_prints_gaps_only_unless_told_and_names_the_filter(reports: dict[str, Report], page: Page):
    report = reports["read"].open(page)
    page.set_viewport_size(A4)
    page.emulate_media(media="print")
    gaps = report.hosts_where(lambda cell: cell["standing"] not in COVERED)
    printed = page.locator("#accounts tbody tr:visible th bdi")
    assert set(printed.all_inner_texts()) == gaps
    assert 0 < len(gaps) < len(report.data["accounts"])
    assert "gaps only" in page.evaluate("getComputedStyle(document.getElementById('printed'), '::before').content")
    assert page.locator("#unlisted tbody tr:visible").count() == report.data["totals"]["unlisted"] > 0
    assert page.locator(".filters, nav, details").locator("visible=true").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]

    page.emulate_media(media="screen")
    page.locator("#full").check()
    page.emulate_media(media="print")
    assert printed.count() == len(report.data["accounts"])

    page.emulate_media(media="screen")
    page.locator("#full").uncheck()
    page.locator("#region").select_option("us-east-1")
    report.press("member")
    page.emulate_media(media="print")
    assert set(printed.all_inner_texts()) == set(report.shown_hosts())
    assert page.locator("#printed").inner_text().startswith("Shown: us-east-1 · member.")


def test_report_of_a_large_fleet_has_few_elements_and_few_stops_of_the_tab_key(reports: dict[str, Report], page: Page):
    """What makes it fast; how fast it is stands in the benchmark."""
    report = reports["large"].open(page)
    assert report.data["totals"]["cells"] == 34_000
    assert page.locator("*").count() < report.data["totals"]["cells"]
    stops = "a[href], button, input, select, summary, [tabindex='0']"
    seen = "(all) => all.filter((one) => one.checkVisibility()).length"
    assert page.locator(stops).evaluate_all(seen) < 100
    report.press("failed")
    assert set(report.shown_hosts()) == report.hosts_where(lambda cell: cell["standing"] == "failed")
