# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as text: a page for people, CSV for a spreadsheet, JSON for programs. Pure.

The page is a table that needs no script; the script that comes with it only hides, shows and points. Host names,
e-mail addresses and AWS's texts are not ours: all of them go through :func:`_text`, and no script but the page's own
may run, by its Content-Security-Policy.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS
from ansible_collections.muster.aws.plugins.plugin_utils._report import COVERED, LABELS, Cell, Standing

Report = Mapping[str, Any]
Account = Mapping[str, Any]

# A sign beside each colour, and a letter for the script.
_SIGNS = {
    Standing.FAILED.value: "✕",
    Standing.UNREADABLE.value: "?",
    Standing.ABSENT.value: "○",
    Standing.PENDING.value: "…",
    Standing.SUSPENDED.value: "‖",
    Standing.MEMBER.value: "✓",
    Standing.ADMINISTRATOR.value: "★",
}
_LETTERS = {standing.value: standing.value[0] for standing in Standing} | {Standing.ADMINISTRATOR.value: "x"}
# From good to bad, as the bars and the filters have them.
_ORDER = [standing.value for standing in reversed(Standing)]

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_PLACEHOLDER = re.compile(r"<!--report:(\w+)-->")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def render_report(report: Report, form: str, page: str = "") -> str:
    """Return the report as text.

    :param report: From :func:`._report.build_report`.
    :param form: ``html``, ``csv`` or ``json``.
    :param page: The empty page, for ``html``.
    """
    forms: Mapping[str, Callable[[], str]] = {
        "html": lambda: _Page(report).fill(page),
        "csv": lambda: _csv(report),
        "json": lambda: _json(report),
    }
    return forms[form]()


def _json(report: Report) -> str:
    return json.dumps({key: value for key, value in report.items() if key != "hosts"}, indent=1) + "\n"


# CSV

_CSV_COLUMNS = (
    "host account_id email service region standing status reason_code reason next_step note updated_at".split()
)


def _csv(report: Report) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(["listed", *_CSV_COLUMNS])
    for listed, accounts in (("yes", report["accounts"]), ("no", report["unlisted"])):
        for account in accounts:
            for cell in account["cells"]:
                row = {**cell, **{key: account[key] for key in ("host", "account_id", "email")}}
                writer.writerow([listed, *(_inert(row[name]) for name in _CSV_COLUMNS)])
    return text.getvalue()


def _inert(value: object) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    text = _CONTROL_CHARACTERS.sub("�", "" if value is None else str(value))
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text


# The page


def _text(value: object) -> str:
    return html.escape(_CONTROL_CHARACTERS.sub("�", "" if value is None else str(value)), quote=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@dataclass
class _Group:
    """Cells that are gaps for the same reason: one entry in the list of reasons, for however many accounts."""

    standing: str
    title: str
    cell: Cell
    reason: str
    places: dict[tuple[str, str], list[Cell]] = field(default_factory=dict)

    def add(self, account: Account, cell: Cell) -> None:
        self.places.setdefault((account["host"] or "", account["account_id"]), []).append(cell)

    @property
    def weight(self) -> tuple[int, int]:
        order = -1 if self.standing == "note" else _ORDER.index(self.standing)
        return -order, -len(self.places)


class _Reasons:
    """All gaps by their reason, the worst first, and then the notes."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        groups: dict[tuple[Any, ...], _Group] = {}
        for account in accounts:
            for cell in account["cells"]:
                for key, standing, title in self._keys(cell, account["account_id"]):
                    group = groups.setdefault(key, _Group(standing, title, cell, key[-1]))
                    group.add(account, cell)
        ordered = sorted(groups.items(), key=lambda item: item[1].weight)
        self.groups = [group for _key, group in ordered]
        self._numbers = {key: number for number, (key, _group) in enumerate(ordered)}

    @staticmethod
    def _keys(cell: Cell, account_id: str) -> Iterator[tuple[tuple[Any, ...], str, str]]:
        """Yield what a cell belongs to: its reason and its note. Texts may name the account: for each another."""

        def common(text: str | None) -> str:
            return (text or "").replace(account_id, "ACCOUNT")

        if cell["standing"] not in COVERED:
            title = _word(cell)
            yield (cell["standing"], title, cell["reason_code"], common(cell["reason"])), cell["standing"], title
        if cell["note"]:
            yield ("note", common(cell["note"])), "note", "The account's own view"

    def numbers(self, cell: Cell, account_id: str) -> dict[str, int]:
        """Return the numbers of a cell's reason (``why``) and note, where it has them."""
        return {
            "note" if key[0] == "note" else "why": self._numbers[key]
            for key, _standing, _title in self._keys(cell, account_id)
        }


class _Page:
    """The parts of the page."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reasons = _Reasons(report["accounts"])
        self._columns = [(service, region) for service in report["services"] for region in report["regions"]]

    def fill(self, page: str) -> str:
        """Return the page with its parts in their places, and the hash of its script in its policy."""
        script = _SCRIPT.search(page)
        digest = hashlib.sha256(script[1].encode() if script else b"").digest()
        report = self._report
        parts = {
            "hash": base64.b64encode(digest).decode(),
            "services": _text(" and ".join(FACTS[service].title for service in report["services"])),
            "administrator": _text(report["administrator_id"]),
            "time": _text(report["generated_at"]),
            "places": f"{_count(len(report['services']), 'service')} × {_count(len(report['regions']), 'Region')}",
            "tiles": self._tiles(),
            "cards": "".join(self._card(service) for service in report["services"]),
            "legend": self._legend(),
            "options_service": self._options((name, FACTS[name].title) for name in report["services"]),
            "options_region": self._options((name, name) for name in report["regions"]),
            "matrix": self._matrix(report["accounts"], with_reasons=True),
            "reasons": self._list_reasons(),
            "unlisted": self._list_unlisted(),
            "suspended": self._list_suspended(),
        }
        # One pass: what is put in is never looked through for places again.
        return _PLACEHOLDER.sub(lambda match: parts[match[1]], page)

    def _tiles(self) -> str:
        totals = self._report["totals"]
        accounts = totals["accounts"]
        share = 100 * totals["covered"] // accounts if accounts else 0
        tiles = (
            ("", accounts, "accounts in the inventory", ""),
            ("good", totals["covered"], "covered everywhere", f"{share} %"),
            ("bad" if accounts > totals["covered"] else "", accounts - totals["covered"], "with gaps", ""),
            ("warn" if totals["unlisted"] else "", totals["unlisted"], "members nobody listed", ""),
            (
                "warn" if self._report["suspended_accounts"] else "",
                len(self._report["suspended_accounts"]),
                "suspended by AWS",
                "",
            ),
        )
        return "".join(
            f'<li class="{kind}"><b>{number:,}</b> <span>{text}</span>{f" <em>{extra}</em>" if extra else ""}</li>'
            for kind, number, text, extra in tiles
        )

    def _card(self, service: str) -> str:
        rows = "".join(self._bar(service, region) for region in self._report["regions"])
        return f"<section><h3>{_text(FACTS[service].title)}</h3><ul>{rows}</ul></section>"

    def _bar(self, service: str, region: str) -> str:
        counts = self._report["summary"][service][region]
        parts = [(standing, counts[standing]) for standing in _ORDER if counts[standing]]
        gaps = [f"{number:,} {LABELS[standing]}" for standing, number in parts if standing not in COVERED]
        told = ", ".join(gaps) or "no gaps"
        segments = "".join(f'<i class="s-{standing}" style="flex:{number}"></i>' for standing, number in parts)
        problem = next(
            (p for p in self._report["problems"] if (p["service"], p["region"]) == (service, region)),
            None,
        )
        reason = f'<p class="problem">? {_text(problem["reason"])}</p>' if problem else ""
        unlisted = f" · {_count(counts['unlisted'], 'member')} nobody listed" if counts["unlisted"] else ""
        covered = counts[Standing.MEMBER.value] + counts[Standing.ADMINISTRATOR.value]
        return (
            f"<li><div><b>{_text(region)}</b><span>{covered:,} of {counts['accounts']:,}</span></div>"
            f'<div class="bar" aria-hidden="true">{segments}</div><p>{told}{unlisted}</p>{reason}</li>'
        )

    def _legend(self) -> str:
        """Return the filters by standing, which are the legend of the colours as well."""
        numbers = Counter(cell["standing"] for account in self._report["accounts"] for cell in account["cells"])
        return "".join(
            f'<button type="button" class="chip s-{standing}" data-standing="{_LETTERS[standing]}"'
            f' aria-pressed="false"><b>{_SIGNS[standing]}</b> {LABELS[standing]}'
            f" <span>{numbers[standing]:,}</span></button>"
            for standing in _ORDER
        )

    @staticmethod
    def _options(options: Iterable[tuple[str, str]]) -> str:
        return "".join(f'<option value="{_text(value)}">{_text(title)}</option>' for value, title in options)

    def _matrix(self, accounts: Sequence[Account], with_reasons: bool) -> str:
        """Return a table of accounts by services and Regions."""
        services = "".join(
            f'<th scope="colgroup" colspan="{len(self._report["regions"])}" data-service="{_text(service)}">'
            f"{_text(FACTS[service].title)}</th>"
            for service in self._report["services"]
        )
        regions = "".join(
            f'<th scope="col" class="k{number}" data-service="{_text(service)}" data-region="{_text(region)}">'
            f"{_text(region)}</th>"
            for number, (service, region) in enumerate(self._columns)
        )
        head = f'<thead><tr><th rowspan="2">Account</th>{services}</tr><tr>{regions}</tr></thead>'
        rows = "\n".join(self._row(account, with_reasons) for account in accounts)
        return f"<table>{head}<tbody>\n{rows}\n</tbody></table>"

    def _row(self, account: Account, with_reasons: bool) -> str:
        by_place = {(cell["service"], cell["region"]): cell for cell in account["cells"]}
        cells = [by_place.get(place) for place in self._columns]
        letters = "".join(_LETTERS[cell["standing"]] if cell else "-" for cell in cells)
        tds = "".join(self._td(number, cell, account, with_reasons) for number, cell in enumerate(cells))
        return f'<tr data-c="{letters}"><th scope="row">{_name(account)}</th>{tds}</tr>'

    def _td(self, number: int, cell: Cell | None, account: Account, with_reasons: bool) -> str:
        if cell is None:
            return f'<td class="k{number}"></td>'
        numbers = self._reasons.numbers(cell, account["account_id"]) if with_reasons else {}
        word = f"<b>{_SIGNS[cell['standing']]}</b> <span>{_text(_word(cell))}</span>"
        body = f'<a href="#why-{numbers["why"]}">{word}</a>' if "why" in numbers else word
        note = f' data-note="{numbers["note"]}"' if "note" in numbers else ""
        return f'<td class="k{number} s-{cell["standing"]}"{note}>{body}</td>'

    def _list_reasons(self) -> str:
        if not self._reasons.groups:
            return '<p class="none">✓ No gaps: every account is a member everywhere.</p>'
        return "".join(self._reason(number, group) for number, group in enumerate(self._reasons.groups))

    def _reason(self, number: int, group: _Group) -> str:
        cells = sum(map(len, group.places.values()))
        is_note = group.standing == "note"
        next_step = "" if is_note else group.cell["next_step"]
        code = "" if is_note else group.cell["reason_code"]
        lines = "".join(
            f"<li>{_name({'host': host, 'account_id': account_id})} <span>{self._places(places)}</span></li>"
            for (host, account_id), places in group.places.items()
        )
        label = "" if is_note or group.title == LABELS[group.standing] else f" <span>· {LABELS[group.standing]}</span>"
        return (
            f'<article id="why-{number}" class="s-{group.standing}">'
            f"<h3><b>{'i' if is_note else _SIGNS[group.standing]}</b> {_text(group.title)}{label}"
            f"<small>{_count(len(group.places), 'account')}, {_count(cells, 'place')}</small></h3>"
            f'<p class="reason">{_text(group.reason)}{f" <code>{_text(code)}</code>" if code else ""}</p>'
            + (f'<p class="next">{_text(next_step)}</p>' if next_step else "")
            + f"<details><summary>Show the accounts</summary><ul>{lines}</ul></details></article>"
        )

    def _places(self, cells: Iterable[Cell]) -> str:
        regions: dict[str, list[str]] = {}
        for cell in cells:
            regions.setdefault(FACTS[cell["service"]].title, []).append(cell["region"])
        return _text("; ".join(f"{title}: {', '.join(names)}" for title, names in regions.items()))

    def _list_unlisted(self) -> str:
        accounts = self._report["unlisted"]
        if not accounts:
            return '<p class="none">✓ None: the administrator has no member beyond the inventory.</p>'
        return f'<div class="matrix">{self._matrix(accounts, with_reasons=False)}</div>'

    def _list_suspended(self) -> str:
        accounts = self._report["suspended_accounts"]
        if not accounts:
            return '<p class="none">✓ None that AWS tells of.</p>'
        lines = "".join(f"<li>{_name(a)} <span>{self._places(a['places'])}</span></li>" for a in accounts)
        return f'<ul class="accounts">{lines}</ul>'


def _word(cell: Cell) -> str:
    """Return AWS's word for a cell, or ours where there is no record."""
    is_held = cell["reason_code"] == Reason.MEMBER_OF_OTHER_ADMINISTRATOR.value
    return str(cell["status"] or ("held by another" if is_held else LABELS[cell["standing"]]))


def _name(account: Mapping[str, Any]) -> str:
    """Return how an account is called: its host, its id where that is another word, its address."""
    host, account_id = account["host"], account["account_id"]
    rest = [account_id] if host and host != account_id else []
    rest += [account["email"]] if account.get("email") else []
    rest += [f"listed for administrator {account['listed_for']}"] if account.get("listed_for") else []
    small = "".join(f"<small>{_text(item)}</small>" for item in rest)
    return f"<bdi>{_text(host or account_id)}</bdi>{small}"
