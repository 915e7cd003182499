# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The docsite as scripts/docsite renders it, walked from its first page as a reader would. Its pages are static."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from playwright.sync_api import Browser, Page

TOP = Path(__file__).parents[2]
SITE = TOP / ".cache" / "docsite" / "html"
MODULES = sorted(path.stem for path in (TOP / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.name for path in (TOP / "roles").iterdir())


class Places(HTMLParser):
    """The links of a page, as absolute addresses, and the places in it that links can go to."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            elif (tag, name) == ("a", "href"):
                self.links.append(urljoin(self._url, value or ""))


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def site() -> dict[str, tuple[list[str], set[str]]]:
    """Every page that can be reached from the first one: its links, and the places in it that links can go to."""
    pages: dict[str, tuple[list[str], set[str]]] = {}
    to_visit = [(SITE / "home.html").as_uri()]
    while to_visit:
        url = to_visit.pop()
        path = Path(unquote(urlparse(url).path))
        if url in pages or not path.is_file():
            continue
        found = Places(url)
        found.feed(path.read_text(encoding="utf-8"))
        pages[url] = found.links, found.ids
        local = {urldefrag(link)[0] for link in found.links if link.startswith("file:")}
        to_visit += [link for link in local if link.endswith(".html")]
    return pages


def test_docsite_has_a_page_for_each_module_and_role(site) -> None:
    names = {Path(urlparse(url).path).name for url in site}
    assert {f"{module}_module.html" for module in MODULES} <= names
    assert {f"{role}_role.html" for role in ROLES} <= names


def test_docsite_has_no_broken_link(site) -> None:
    broken = []
    for url, (links, _ids) in site.items():
        for link in links:
            target, anchor = urldefrag(link)
            # "/" is the theme's way home on a server.
            if not target.startswith("file:") or target == "file:///":
                continue
            is_there = Path(unquote(urlparse(target).path)).is_file()
            has_anchor = not anchor or target not in site or unquote(anchor) in site[target][1]
            if not (is_there and has_anchor):
                broken.append((Path(urlparse(url).path).name, link))
    assert broken == []


@pytest.mark.parametrize(
    "module", [name for name in MODULES if not (TOP / "plugins" / "action" / f"{name}.py").exists()]
)
def test_docsite_module_page_shows_options_returns_and_examples(page: Page, module: str) -> None:
    page.goto((SITE / f"{module}_module.html").as_uri())
    headings = page.evaluate("Array.from(document.querySelectorAll('h2'), e => e.innerText)")
    text = " ".join(headings)
    assert all(heading in text for heading in ("Synopsis", "Parameters", "Examples", "Return Values"))
    examples = page.evaluate("document.querySelector('#examples pre').innerText")
    assert f"muster.aws.{module}:" in examples
