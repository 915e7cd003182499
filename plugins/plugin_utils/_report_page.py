# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as text: a page for people, CSV for a spreadsheet, JSON for programs.

The page is made by Jinja2 with autoescape from ``page.html.j2``: host names, e-mail addresses and AWS's texts are not
ours. What is here is its data. It can be read without its script, which only hides, sorts and shows more; no other
script may run, by its Content-Security-Policy.

A fleet of a thousand accounts in seventeen Regions has tens of thousands of cells and a few dozen *kinds* of them. So a
row of the page folds the Regions of a service that look the same, and the script gets a number for each cell.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS
from ansible_collections.muster.aws.plugins.plugin_utils._report import COVERED, LABELS, Cell, Standing, severity
from ansible_collections.muster.aws.plugins.plugin_utils._words import CONTROL_CHARACTERS, inert, without_account
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

Report = Mapping[str, Any]
Account = Mapping[str, Any]

# A sign beside each colour.
_SIGNS = {
    Standing.FAILED.value: "✕",
    Standing.UNREADABLE.value: "?",
    Standing.ABSENT.value: "○",
    Standing.PENDING.value: "…",
    Standing.SUSPENDED.value: "‖",
    Standing.MEMBER.value: "✓",
    Standing.ADMINISTRATOR.value: "★",
}
# From good to bad, as the bars and the filters have them.
_ORDER = [standing.value for standing in reversed(Standing)]


def render_report(report: Report, form: str, page: str = "") -> str:
    """Return the report as text.

    :param report: From :func:`._report.build_report`.
    :param form: ``html``, ``csv`` or ``json``.
    :param page: The folder of ``page.html.j2``, ``page.css`` and ``page.js``, for ``html``.
    """
    forms: Mapping[str, Callable[[], str]] = {
        "html": lambda: _html(report, Path(page)),
        "csv": lambda: _csv(report),
        "json": lambda: _json(report),
    }
    return forms[form]()


def _json(report: Report) -> str:
    return json.dumps({key: value for key, value in report.items() if key != "hosts"}, indent=1) + "\n"


# CSV

_CSV_COLUMNS = (
    "host account_id email service region standing status reason_code reason next_step note updated_at since is_new"
).split()


def _csv(report: Report) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["listed", *_CSV_COLUMNS])
    for listed, accounts in (("yes", report["accounts"]), ("no", report["unlisted"])):
        for account in accounts:
            for cell in account["cells"]:
                row = {**cell, **{key: account[key] for key in ("host", "account_id", "email")}}
                writer.writerow([listed, *(inert(row[name]) for name in _CSV_COLUMNS)])
    return text.getvalue()


# The page


def _html(report: Report, folder: Path) -> str:
    script = (folder / "page.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    page = _Page(report)
    return environment.get_template("page.html.j2").render(
        report=report,
        page=page,
        labels=LABELS,
        signs=_SIGNS,
        order=_ORDER,
        titles={service: FACTS[service].title for service in report["services"]},
        style=Markup((folder / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _printable(value: Any) -> Any:
    """Return what a page may hold, in place of what a template is to print."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else CONTROL_CHARACTERS.sub("�", str(value))


def _clean(value: Any) -> Any:
    """Return data for the script without what a page may not hold."""
    return value if value is None or isinstance(value, bool) else _printable(value)


class _Page:
    """What the template prints."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._columns = [(service, region) for service in report["services"] for region in report["regions"]]
        # The worst first: that is what one opens the page for.
        accounts = sorted(report["accounts"], key=lambda one: (severity(one["standing"]), -one["gaps"]))
        self._kinds: dict[tuple[Any, ...], int] = {}
        self._dates: dict[str, int] = {"": 0}
        self.reasons = _reasons(accounts)
        self._ids = {reason["key"]: reason["id"] for reason in self.reasons}
        self.accounts = [self._row(account) for account in accounts]
        self.unlisted = [self._row(account) for account in report["unlisted"]]

    @property
    def tiles(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield kind, number, text and addition of the figures at the top."""
        totals, suspended = self._report["totals"], len(self._report["suspended_accounts"])
        accounts, covered = totals["accounts"], totals["covered"]
        gaps = accounts - covered
        yield "", accounts, "accounts in the inventory", ""
        yield "good", covered, "covered everywhere", f"{100 * covered // accounts if accounts else 0} %"
        yield "bad" if gaps else "", gaps, "with gaps", ""
        # What was not read may hide more of them.
        unread = "as far as read" if self._report["problems"] else ""
        yield "warn" if totals["unlisted"] else "", totals["unlisted"], "members nobody listed", unread
        yield "warn" if suspended else "", suspended, "suspended by AWS", unread
        if self._report["baseline"]:
            new, mended = self._report["baseline"]["new_gaps"], len(self._report["baseline"]["mended_gaps"])
            unknown = self._report["baseline"]["gaps_not_compared"]
            yield "bad" if new else "", new, "new gaps", f"{unknown:,} not compared" if unknown else ""
            yield "good" if mended else "", mended, "mended gaps", ""

    @property
    def unread(self) -> str:
        """Say where nothing could be read, and so may be what the page does not show."""
        return self.places(self._report["problems"])

    @property
    def numbers(self) -> Counter[str]:
        """Return how many cells have each standing."""
        return Counter(cell["standing"] for account in self._report["accounts"] for cell in account["cells"])

    def folded(self, service: str) -> list[dict[str, Any]]:
        """Return the Regions of a service, those with equal numbers as one, the worst first."""
        problems = {p["region"]: p["reason"] for p in self._report["problems"] if p["service"] == service}
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for region, counts in self._report["summary"][service].items():
            parts = tuple((standing, counts[standing]) for standing in _ORDER if counts[standing])
            key = parts, counts["unlisted"], problems.get(region)
            group = found.setdefault(key, {"regions": [], "parts": parts, "counts": counts, "problem": key[2]})
            group["regions"].append(region)
        for group in found.values():
            group["covered"] = sum(number for standing, number in group["parts"] if standing in COVERED)
            group["gaps"] = [(standing, number) for standing, number in group["parts"] if standing not in COVERED]
        return sorted(found.values(), key=lambda group: group["covered"])

    def places(self, cells: Iterable[Mapping[str, Any]]) -> str:
        """Say where cells are, in as few words as can be: "GuardDuty in all 17 Regions; Security Hub in us-east-1"."""
        regions: dict[str, list[str]] = {}
        for cell in cells:
            regions.setdefault(cell["service"], []).append(cell["region"])
        services: dict[str, list[str]] = {}
        for service, names in regions.items():
            services.setdefault(self.regions(names), []).append(FACTS[service].title)
        return "; ".join(f"{', '.join(titles)} in {names}" for names, titles in services.items())

    def regions(self, names: Sequence[str]) -> str:
        """Name Regions, or say that it is all of them."""
        count = len(self._report["regions"])
        return f"all {count} Regions" if len(names) == count > 1 else ", ".join(names)

    def _row(self, account: Account) -> dict[str, Any]:
        """Return an account with its cells folded: by service, Regions that look the same, the worst first."""
        by_place = {(cell["service"], cell["region"]): cell for cell in account["cells"]}
        cells = [by_place.get(place) for place in self._columns]
        kinds = [self._kind(cell, account["account_id"]) if cell else -1 for cell in cells]
        services, width = [], len(self._report["regions"])
        for start in range(0, len(cells), width):
            groups: dict[int, dict[str, Any]] = {}
            for kind, cell in zip(kinds[start : start + width], cells[start : start + width], strict=True):
                if cell:
                    group = groups.setdefault(kind, {"kind": kind, "cell": cell, "word": _word(cell), "regions": []})
                    group["regions"].append(cell["region"])
            services.append(
                {
                    "groups": sorted(groups.values(), key=lambda group: severity(group["cell"]["standing"])),
                    "strip": _strip(cells[start : start + width]),
                }
            )
        since = [cell["since"] or "" if cell else "" for cell in cells]
        dates = [self._dates.setdefault(date, len(self._dates)) for date in since]
        return {
            "listed_for": None,
            "gaps": sum(cell["standing"] not in COVERED for cell in account["cells"]),
            **account,
            "kinds": kinds,
            "dates": dates if any(dates) else [],
            "since": min(filter(None, since), default="")[:10],
            "services": services,
        }

    def _kind(self, cell: Cell, account_id: str) -> int:
        note, reason = without_account(cell["note"], account_id), without_account(cell["reason"], account_id)
        key = cell["standing"], _word(cell), cell["reason_code"], reason, cell["next_step"], note
        return self._kinds.setdefault((*key, cell["status"], cell["is_new"]), len(self._kinds))

    @property
    def data(self) -> dict[str, Any]:
        """Return what the script knows."""
        names = "standing", "word", "code", "reason", "next", "note", "status", "new"
        kinds = [
            {
                **{name: _clean(value) for name, value in zip(names, key, strict=True)},
                "why": self._ids.get(key[:4]),
                "noted": self._ids.get(("note", key[5])),
            }
            for key in self._kinds
        ]
        rows = [
            [_clean(row["host"]), row_id, _clean(row["email"]), row["kinds"], row["dates"]]
            for row in self.accounts
            for row_id in [_clean(row["account_id"])]
        ]
        return {
            "columns": self._columns,
            "kinds": kinds,
            "dates": list(self._dates),
            "rows": rows,
            "covered": sorted(COVERED),
            "worst": [standing.value for standing in Standing],
            "signs": _SIGNS,
            "labels": LABELS,
            "titles": {service: FACTS[service].title for service in self._report["services"]},
            "about": f"{self._report['administrator_id']}, {self._report['generated_at']}",
        }


def _strip(cells: Iterable[Cell | None]) -> list[tuple[str, int]]:
    """Return the standings of Regions in their order, equal neighbours as one with their number."""
    standings = (cell["standing"] if cell else "none" for cell in cells)
    return [(standing, sum(1 for _one in run)) for standing, run in groupby(standings)]


def _reasons(accounts: Iterable[Account]) -> list[dict[str, Any]]:
    """Return all gaps by their reason, the worst and most common first, and then the notes."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for account in accounts:
        for cell in account["cells"]:
            for key in _reason_keys(cell, account["account_id"]):
                reason = found.setdefault(key, {"key": key, "reason": key[-1], "cell": cell, "accounts": {}})
                reason["accounts"].setdefault((account["host"] or "", account["account_id"]), []).append(cell)
    for reason in found.values():
        _finish_reason(reason)
    return sorted(found.values(), key=lambda reason: (reason["standing"] == "note", -reason["cells"]))


def _finish_reason(reason: dict[str, Any]) -> None:
    cells = [cell for cells in reason["accounts"].values() for cell in cells]
    is_note = reason["key"][0] == "note"
    times = [cell["since"] for cell in cells if cell["since"]]
    alike: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for (host, account_id), own in reason["accounts"].items():
        places = tuple((cell["service"], cell["region"]) for cell in own)
        group = alike.setdefault(places, {"places": own, "accounts": []})
        group["accounts"].append({"host": host, "account_id": account_id})
    title = "The account's own view" if is_note else reason["key"][1]
    code = None if is_note else reason["cell"]["reason_code"]
    reason.update(
        id=_address(code or title, reason["key"]),
        standing=reason["key"][0],
        title=title,
        code=code,
        next_step=None if is_note else reason["cell"]["next_step"],
        cells=len(cells),
        new=0 if is_note else sum(bool(cell["is_new"]) for cell in cells),
        since="" if is_note or not times else min(times)[:10],
        alike=sorted(alike.values(), key=lambda group: -len(group["accounts"])),
    )


def _address(name: str, key: tuple[str | None, ...]) -> str:
    """Return what a reason is called in the page's address: the same in every report, whatever other reasons it has.

    :param name: For people. Several reasons can have it.
    :param key: All that makes the reason, of which some digits follow.
    """
    word = "-".join(re.findall("[a-z0-9]+", name.lower()))
    return f"{word}-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:8]}"


def _reason_keys(cell: Cell, account_id: str) -> Iterator[tuple[Any, ...]]:
    """Yield what a cell belongs to: its reason and its note."""
    if cell["standing"] not in COVERED:
        yield cell["standing"], _word(cell), cell["reason_code"], without_account(cell["reason"], account_id)
    if cell["note"]:
        yield "note", without_account(cell["note"], account_id)


def _word(cell: Cell) -> str:
    """Return AWS's word for a cell, or ours where there is no record."""
    is_held = cell["reason_code"] == Reason.MEMBER_OF_OTHER_ADMINISTRATOR.value
    return str(cell["status"] or ("held by another" if is_held else LABELS[cell["standing"]]))
