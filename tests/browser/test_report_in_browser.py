# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page in a real browser: its numbers, filters, tips, colours; and that no value of it runs."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._report import COVERED, LABELS
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

sys.path.insert(0, str(Path(__file__).parent))
from sample import ADMINISTRATOR, HOSTILE_EMAIL, HOSTILE_NAME, HOSTILE_STATUS, REGIONS, make_report, render

# Slower than a person would bear is a fault, slower than usual is not: the machine may be busy.
SECONDS = 10


class Page:
    """The page of a report, as a person uses it."""

    def __init__(self, browser: Chrome, file: Path, report: dict[str, Any]) -> None:
        self.browser, self.report, self.url = browser, report, file.as_uri()
        file.write_text(render(report), encoding="utf-8")

    def open(self) -> Page:
        self.browser.get(self.url)
        return self

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def script(self, code: str) -> Any:
        return self.browser.execute_script(code)

    def shown_hosts(self) -> list[str]:
        rows = "[...document.querySelectorAll('#matrix tbody tr')].filter((row) => row.offsetParent)"
        return self.script(f"return {rows}.map((row) => row.querySelector('bdi').textContent)")

    def shown_cells(self) -> int:
        cells = "[...document.querySelectorAll('#matrix tbody td')].filter((td) => td.offsetParent)"
        return self.script(f"return {cells}.filter((td) => !td.classList.contains('dim')).length")

    def press(self, standing: str) -> None:
        self.one(f".chip.s-{standing}").click()

    def hosts_where(self, fits) -> list[str]:
        """Return the hosts of which the data has a cell that fits."""
        return [a["host"] for a in self.report["accounts"] if any(fits(cell) for cell in a["cells"])]


@pytest.fixture(scope="module")
def pages(browser: Chrome, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    folder = tmp_path_factory.mktemp("pages")
    reports = {"usual": make_report(60), "hostile": make_report(8, is_hostile=True), "large": make_report(1000)}
    return {name: Page(browser, folder / f"{name}.html", report) for name, report in reports.items()}


@pytest.fixture
def page(pages: dict[str, Page]) -> Page:
    return pages["usual"].open()


@pytest.fixture
def emulated(browser: Chrome) -> Iterator[Any]:
    """Call the browser's own protocol; what was set is undone afterwards."""
    yield browser.execute_cdp_cmd
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_report_numbers_are_those_of_the_data(page: Page):
    accounts, totals = page.report["accounts"], page.report["totals"]
    tiles = [int(tile.text.replace(",", "")) for tile in page.all(".tiles b")]
    suspended = len(page.report["suspended_accounts"])
    gaps = totals["accounts"] - totals["covered"]
    assert tiles == [len(accounts), totals["covered"], gaps, totals["unlisted"], suspended]
    assert page.shown_hosts() == [account["host"] for account in accounts]
    counted = Counter(cell["standing"] for account in accounts for cell in account["cells"])
    for standing, number in counted.items():
        assert len(page.all(f"#matrix td.s-{standing}")) == number
        assert page.one(f".chip.s-{standing} span").text == f"{number:,}"
    assert sum(counted.values()) == totals["cells"] == page.shown_cells()
    assert len(page.all("#unlisted tbody tr")) == totals["unlisted"]
    for service, by_region in page.report["summary"].items():
        card = page.all(".cards section")[page.report["services"].index(service)]
        covered = [f"{sum(counts[s] for s in COVERED)} of {counts['accounts']}" for counts in by_region.values()]
        assert [span.text for span in card.find_elements(By.CSS_SELECTOR, "li div span")] == covered


@pytest.mark.parametrize("standing", ["failed", "pending", "suspended", "absent", "unreadable", "member"])
def test_report_filter_by_standing(page: Page, standing: str):
    page.press(standing)
    assert page.shown_hosts() == page.hosts_where(lambda cell: cell["standing"] == standing)
    assert page.shown_cells() == len(page.all(f"#matrix td.s-{standing}"))
    page.press(standing)
    assert len(page.shown_hosts()) == len(page.report["accounts"])


def test_report_filter_by_two_standings_shows_both(page: Page):
    page.press("failed")
    page.press("absent")
    assert page.shown_hosts() == page.hosts_where(lambda cell: cell["standing"] in ("failed", "absent"))


def test_report_filter_by_service_and_region_leaves_one_column(page: Page):
    Select(page.one("#service")).select_by_visible_text("GuardDuty")
    Select(page.one("#region")).select_by_visible_text("us-east-1")
    page.press("failed")
    shown = [th.text for th in page.all("#matrix thead th[data-region]") if th.is_displayed()]
    assert shown == ["us-east-1"]
    assert page.one("#matrix thead th[data-service=guardduty]").get_attribute("colspan") == "1"
    assert not page.one("#matrix thead th[data-service=securityhub]").is_displayed()
    place = ("guardduty", "us-east-1", "failed")
    assert page.shown_hosts() == page.hosts_where(
        lambda cell: (cell["service"], cell["region"], cell["standing"]) == place
    )


def test_report_filter_only_gaps_and_search_and_show_all(page: Page):
    Select(page.one("#service")).select_by_value("guardduty")
    page.one("#gaps").click()
    gaps = page.hosts_where(lambda cell: cell["service"] == "guardduty" and cell["standing"] not in COVERED)
    assert page.shown_hosts() == gaps
    page.one("#search").send_keys("WEB prod")
    assert page.shown_hosts() == [host for host in gaps if host.startswith("web-prod")]
    assert page.one("#shown").text.startswith(f"{len(page.shown_hosts())} of {len(page.report['accounts'])} accounts")
    page.one("#all").click()
    assert len(page.shown_hosts()) == len(page.report["accounts"])
    account = page.report["accounts"][3]
    for text in (account["account_id"], account["email"]):
        page.one("#search").clear()
        page.one("#search").send_keys(text)
        assert page.shown_hosts() == [account["host"]]
    page.one("#search").send_keys("no such thing")
    assert page.shown_hosts() == []
    assert page.one("#nothing").is_displayed()


def test_report_a_cell_tells_its_reason_on_hover_tap_and_focus(page: Page):
    cell = page.one("#matrix td.s-failed")
    ActionChains(page.browser).move_to_element(cell).perform()
    tip = page.one("#tip")
    assert "AccountSuspended" in tip.text or "Resigned" in tip.text or "Removed" in tip.text
    assert "GuardDuty" in tip.text
    ActionChains(page.browser).move_to_element(page.one("h1")).perform()
    assert not tip.is_displayed()
    page.script("document.querySelector('#matrix td.s-failed a').focus()")
    assert tip.is_displayed()
    cell.click()
    tip.find_element(By.TAG_NAME, "a").click()
    target = page.one("article:target")
    assert target.find_element(By.TAG_NAME, "details").get_attribute("open")
    cell.click()
    ActionChains(page.browser).send_keys(Keys.ESCAPE).perform()
    assert not tip.is_displayed()


def test_report_an_accounts_own_view_is_told_with_its_cell(page: Page):
    cell = page.one("#matrix td[data-note]")
    ActionChains(page.browser).move_to_element(cell).perform()
    assert "its own view could not be read" in page.one("#tip").text
    assert "role/Audit" in page.one("#tip").text


def test_report_hostile_values_are_shown_and_never_run(pages: dict[str, Page]):
    page = pages["hostile"].open()
    page.browser.get_log("browser")
    for cell in page.all("#matrix tr:last-child td, #unlisted td")[:12]:
        ActionChains(page.browser).move_to_element(cell).click().perform()
    assert HOSTILE_STATUS in page.one("#tip").text or HOSTILE_STATUS in page.one("#matrix").text
    assert HOSTILE_NAME in page.shown_hosts()
    assert HOSTILE_EMAIL in page.one("#matrix").text
    assert page.script("return window.hit") is None
    assert page.script("return document.querySelectorAll('script').length") == 1
    assert page.script("return document.querySelectorAll('img, svg, iframe').length") == 0
    with pytest.raises(NoAlertPresentException):
        page.browser.switch_to.alert.dismiss()
    page.one("#search").send_keys(HOSTILE_NAME[:20])
    assert page.shown_hosts() == [HOSTILE_NAME]
    assert page.browser.get_log("browser") == []


def test_report_a_script_that_got_in_all_the_same_is_refused(pages: dict[str, Page]):
    page = pages["usual"].open()
    page.script("const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)")
    page.script("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit = 1\">')")
    time.sleep(0.2)
    assert page.script("return window.hit") is None
    assert "Content Security Policy" in str(page.browser.get_log("browser"))


def test_report_needs_nothing_but_itself(page: Page):
    assert page.script("return performance.getEntriesByType('resource').length") == 0


def test_report_without_scripts_has_summary_table_and_reasons(pages: dict[str, Page], emulated):
    emulated("Emulation.setScriptExecutionDisabled", {"value": True})
    page = pages["usual"].open()
    tree = emulated("Accessibility.getFullAXTree", {})["nodes"]
    visible = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n["ignored"]]
    roles = Counter(role for role, _name in visible)
    names = {name for _role, name in visible}
    assert roles["rowheader"] == len(page.report["accounts"]) + len(page.report["unlisted"])
    assert {"Resigned", "not a member", "covered everywhere", "424242424242", ADMINISTRATOR} <= names
    assert any("it can accept again" in name for name in names)
    assert roles["searchbox"] == roles["combobox"] == roles["button"] == 0


def test_report_of_1000_accounts_opens_and_filters_fast(pages: dict[str, Page]):
    started = time.monotonic()
    page = pages["large"].open()
    assert len(page.shown_hosts()) == 1000
    page.one("#gaps").click()
    page.press("failed")
    assert page.shown_hosts() == page.hosts_where(lambda cell: cell["standing"] == "failed")
    assert time.monotonic() - started < SECONDS


# The contrast of each text with what is behind it, by WCAG's formula.
CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const part = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const [r, g, b] = rgb(colour).slice(0, 3).map((v) => part(v / 255));
  return .2126 * r + .7152 * g + .0722 * b;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (rgb(colour)[3] > 250) return colour;
  }
};
const found = {};
for (const selector of arguments[0]) {
  const element = document.querySelector(selector);
  const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
  found[selector] = (a + .05) / (b + .05);
}
return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_is_legible(page: Page, emulated, scheme: str):
    emulated("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    cells = [f"#matrix td.s-{standing} span" for standing in LABELS]
    others = ["h1", ".soft", ".tiles span", ".cards p", ".problem", "tbody th small", "article h3 small", "code"]
    contrasts = page.browser.execute_script(CONTRASTS, [*cells, *others])
    assert {selector: value for selector, value in contrasts.items() if value < 4.5} == {}


def test_report_fits_a_telephone(page: Page, emulated):
    emulated(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    page.open()
    assert page.script("return document.documentElement.scrollWidth") <= 360
    page.all("#matrix td.s-failed")[0].click()
    box = page.one("#tip").rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360


def test_report_prints_all_rows_and_columns_and_no_controls(page: Page, emulated):
    emulated("Emulation.setEmulatedMedia", {"media": "print"})
    # As wide as a sheet of A4, turned, without its margins.
    emulated(
        "Emulation.setDeviceMetricsOverride", {"width": 1032, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    )
    assert not page.one(".filters").is_displayed()
    matrix = "document.querySelector('#matrix .matrix')"
    assert page.script(f"return {matrix}.clientHeight >= {matrix}.scrollHeight")
    assert page.script("return document.documentElement.scrollWidth") <= 1032
    assert set(REGIONS) <= set(page.one("#matrix thead").text.split())
