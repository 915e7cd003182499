# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run over a fleet ended: the summary, and the files that keep it. Pure.

Whatever the size of the fleet, the summary is at most 40 lines: counts for each service, the failures by their cause,
and what to do next.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from xml.etree import ElementTree

from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._words import (
    Cause,
    causes_of,
    counted,
    first,
    inert,
    next_step,
    tally,
)

Row = Mapping[str, Any]

_MOST_LINES = 40
_CAUSES_SHOWN = 5
_LINES_OF_A_CAUSE = 5
_NOTES_SHOWN = 6
_FILES_SHOWN = 12
_HOSTS_SHOWN = 5
_WIDTH = 116

# How far a run came that was stopped before its first account.
NOTHING_SENT = "Nothing was sent"
SWITCHING_ON = "No account was touched, but services were being switched on in the administrator"

# The reason of a row of an account that was not begun; it is none of AWS's.
_NOT_BEGUN = "not_begun"


@dataclass(frozen=True)
class Ending:
    """Everything there is to tell of a run.

    :param title: What was done, such as "Onboarding".
    :param prefix: Of the role's variables.
    :param hosts: All hosts of the run, in their order.
    :param regions: The Regions asked for.
    :param administrator_id: The administrator.
    :param rows: Those of all batches, each with its host.
    :param verdicts: Host to ``changed``, ``failed`` and ``text``; a host that is missing was not begun.
    :param stopped: Why nothing was begun, if so.
    :param untouched: How far it came by then.
    :param is_check: Whether nothing was to be written.
    :param notes: More lines to tell.
    """

    title: str
    prefix: str
    hosts: Sequence[str]
    regions: Sequence[str]
    administrator_id: str
    rows: Sequence[Row]
    verdicts: Mapping[str, Mapping[str, Any]]
    stopped: str | None = None
    untouched: str = NOTHING_SENT
    is_check: bool = False
    notes: Sequence[str] = ()

    @property
    def failed_hosts(self) -> list[str]:
        return [host for host in self.hosts if self.verdicts.get(host, {"failed": True})["failed"]]

    @property
    def not_begun(self) -> list[str]:
        return [host for host in self.hosts if host not in self.verdicts]

    @property
    def why_not_begun(self) -> str:
        return self.stopped or "not begun"

    @property
    def changed_hosts(self) -> list[str]:
        return [host for host in self.hosts if self.verdicts.get(host, {}).get("changed")]

    @property
    def gap_hosts(self) -> list[str]:
        """Hosts that did not fail, though something of theirs is not as it should be: a report was not asked to."""
        short = {row["host"] for row in self.rows if row["failed"]} - set(self.failed_hosts)
        return [host for host in self.hosts if host in short]

    @property
    def short(self) -> str:
        """What accounts are called that are not as they should be."""
        return "with gaps" if self.gap_hosts and not self.failed_hosts else "failed"

    @property
    def as_wanted(self) -> int:
        return len(self.hosts) - len(self.failed_hosts) - len(self.gap_hosts)

    @cached_property
    def causes(self) -> list[Cause]:
        return causes_of(row for row in self.rows if row["failed"])

    def after(self, others: Iterable[Ending]) -> Ending:
        """Return it with a line on hosts that were not begun because they had failed in another use of the role."""
        failed = {host for each in others for host, verdict in each.verdicts.items() if verdict["failed"]}
        gone = [host for host in self.not_begun if host in failed]
        if not gone:
            return self
        note = f"{first(gone, _HOSTS_SHOWN)}: failed earlier in this run, so that nothing was done here"
        return replace(self, notes=[*self.notes, note])

    def next_step(self, cause: Cause) -> str:
        return next_step(cause.rows[0], self.prefix)

    def as_data(self) -> dict[str, Any]:
        """Return the summary for programs: AWX's artifacts, a message to a chat."""
        failed = self.failed_hosts
        return {
            "accounts": len(self.hosts),
            "as_wanted": self.as_wanted,
            "changed": len(self.changed_hosts),
            "gaps": len(self.gap_hosts),
            "failed": len(failed),
            "not_begun": len(self.not_begun),
            "is_check": self.is_check,
            "stopped": self.stopped,
            "failed_hosts": failed,
            "causes": [
                {
                    "reason_code": cause.reason_code,
                    "operation": cause.operation,
                    "reason": cause.text,
                    "where": cause.where(self.regions),
                    "hosts": cause.hosts,
                    "next_step": self.next_step(cause),
                }
                for cause in self.causes
            ],
        }


def together(endings: Sequence[Ending]) -> Ending:
    """Return how all uses of a role in a run ended: an account is as wanted if each use of the role left it so.

    :param endings: At least one; what is not of hosts is that of the last.
    """
    begun = {host for ending in endings for host in ending.verdicts}
    verdicts: dict[str, dict[str, Any]] = {}
    for ending in endings:
        failed, changed = set(ending.failed_hosts), set(ending.changed_hosts)
        for host in begun.intersection(ending.hosts):
            before = verdicts.get(host, {"changed": False, "failed": False})
            verdicts[host] = {
                "changed": before["changed"] or host in changed,
                "failed": before["failed"] or host in failed,
            }
    return replace(
        endings[-1],
        hosts=list(dict.fromkeys(host for ending in endings for host in ending.hosts)),
        regions=list(dict.fromkeys(region for ending in endings for region in ending.regions)),
        rows=[row for ending in endings for row in ending.rows],
        verdicts=verdicts,
    )


def summary_lines(ending: Ending, again: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the summary for people.

    :param again: How the failed hosts are run again, if there are any.
    :param files: The files that were written.
    """
    lines = [_headline(ending), ""]
    if ending.stopped:
        lines += [f"{ending.untouched}:", *_wrapped(ending.stopped, "  ")]
    else:
        lines += _table(ending)
    notes = [f"  {note}" for note in ending.notes[:_NOTES_SHOWN]]
    if ending.notes[_NOTES_SHOWN:]:
        notes.append(f"  and {counted(len(ending.notes) - _NOTES_SHOWN, 'more note')}")
    tail = ["", _verdict(ending)]
    if again:
        tail += ["", *again]
    if files:
        tail += ["", f"Written: {first(files, _FILES_SHOWN, ', ')}"]
    if not ending.stopped:
        lines += _causes(ending, _MOST_LINES - len(lines) - len(notes) - bool(notes) - len(tail))
    if notes:
        lines += [""] * bool(lines[-1]) + notes
    return lines + tail


def _headline(ending: Ending) -> str:
    check = " (check mode: nothing was written)" if ending.is_check else ""
    # A run that was stopped for its variables need not know them.
    regions = f" in {counted(len(ending.regions), 'Region')}" if ending.regions else ""
    administrator = f", administrator {ending.administrator_id}" if ending.administrator_id else ""
    return f"{ending.title} {counted(len(ending.hosts), 'account')}{regions}{administrator}{check}"


def _verdict(ending: Ending) -> str:
    failed, changed, gaps = len(ending.failed_hosts), len(ending.changed_hosts), len(ending.gap_hosts)
    text = f"{ending.as_wanted:,} of {counted(len(ending.hosts), 'account')} " + tally(
        gaps, changed, failed, ending.is_check
    )
    missing = len(ending.not_begun)
    return f"{text} ({missing:,} of them not begun)" if missing else text


def _table(ending: Ending) -> list[str]:
    """Return the counts of each service, over accounts and Regions."""
    heads = ["", "asked", "as wanted", "changed", ending.short, "suspended"]
    body = []
    for service in dict.fromkeys(row["service"] for row in ending.rows):
        rows = [row for row in ending.rows if row["service"] == service]
        failed = sum(row["failed"] for row in rows)
        changed = sum(bool(row["actions"]) for row in rows)
        suspended = sum(SERVICES[service].state_of(row["status"]) is State.SUSPENDED for row in rows)
        counts = [len(rows), len(rows) - failed, changed, failed, suspended]
        body.append([SERVICES[service].title, *(f"{count:,}" for count in counts)])
    if not body:
        return []
    shown = len(heads) if any(line[5] != "0" for line in body) else len(heads) - 1
    table = [heads, *body]
    widths = [max(len(line[column]) for line in table) for column in range(shown)]
    return [
        "  "
        + "  ".join(
            line[column].ljust(widths[column]) if column == 0 else line[column].rjust(widths[column])
            for column in range(shown)
        ).rstrip()
        for line in table
    ]


def _causes(ending: Ending, room: int) -> list[str]:
    causes = ending.causes
    lines: list[str] = []
    shown = min(_CAUSES_SHOWN, room // _LINES_OF_A_CAUSE)
    if len(causes) > shown:
        shown = min(_CAUSES_SHOWN, (room - 2) // _LINES_OF_A_CAUSE)
    for cause in causes[:shown]:
        hosts = cause.hosts
        lines += [
            "",
            _short(f"{counted(len(hosts), 'account')}: {cause.reason_code}, {cause.where(ending.regions)}"),
            _short(f"  hosts: {first(hosts, _HOSTS_SHOWN)}"),
            _short(f"  {cause.sentence}", 2 * _WIDTH),
            _short(f"  next:  {ending.next_step(cause)}"),
        ]
    rest = causes[shown:]
    if rest:
        hosts = {host for cause in rest for host in cause.hosts}
        about = f"and {counted(len(rest), 'more cause')} ({counted(len(hosts), 'account')})"
        lines += ["", f"{about}: a file of {ending.prefix}results_file has all"]
    return lines


def _short(text: str, width: int = _WIDTH) -> str:
    text = " ".join(text.split()) if not text.startswith("  ") else "  " + " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."


def _wrapped(text: str, indent: str) -> list[str]:
    lines = [_short(indent + line, 3 * _WIDTH) for line in text.splitlines() if line.strip()]
    return lines[:12] + ([f"{indent}and {len(lines) - 12} more"] if lines[12:] else [])


# What a results file has of a row, in this order.
_COLUMNS = (
    "host account_id service region status previous_status actions failed reason_code operation reason text"
).split()


def _table_rows(ending: Ending) -> list[dict[str, Any]]:
    def text(row: Row) -> str:
        if not row["failed"]:
            return ""
        call = f"{row['operation']}: " if row.get("operation") else ""
        step = next_step(row, ending.prefix)
        return f"{SERVICES[row['service']].title}: {call}{row['reason']} ({row['reason_code']}: {step})"

    rows = [{**{name: row.get(name) for name in _COLUMNS}, "text": text(row)} for row in ending.rows]
    why = ending.why_not_begun
    missing = {"actions": [], "failed": True, "reason_code": _NOT_BEGUN, "reason": why, "text": why}
    return rows + [{**dict.fromkeys(_COLUMNS), "host": host, **missing} for host in ending.not_begun]


def render_json(ending: Ending) -> str:
    return "[" + ",\n".join(json.dumps(row) for row in _table_rows(ending)) + "]\n"


def render_csv(ending: Ending) -> str:
    target = io.StringIO()
    writer = csv.DictWriter(target, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _table_rows(ending):
        cells = {**row, "actions": " ".join(row["actions"]), "failed": "yes" if row["failed"] else "no"}
        writer.writerow({name: inert(value) for name, value in cells.items()})
    return target.getvalue()


def render_markdown(ending: Ending) -> str:
    """Return the summary as Markdown, for a job's page or a pull request."""
    lines = [f"### {_headline(ending)}", "", _verdict(ending), ""]
    if ending.stopped:
        return "\n".join([*lines, f"**{ending.untouched}:** {_cell(ending.stopped)}", ""])
    lines += [f"| service | asked | as wanted | changed | {ending.short} |", "|---|---:|---:|---:|---:|"]
    for service in dict.fromkeys(row["service"] for row in ending.rows):
        rows = [row for row in ending.rows if row["service"] == service]
        failed, changed = sum(row["failed"] for row in rows), sum(bool(row["actions"]) for row in rows)
        lines.append(f"| {SERVICES[service].title} | {len(rows)} | {len(rows) - failed} | {changed} | {failed} |")
    if ending.causes:
        lines += ["", f"| accounts {ending.short} | why | where | next |", "|---|---|---|---|"]
        for cause in ending.causes:
            why = f"`{cause.reason_code}` {_cell(cause.sentence)}"
            where = _cell(cause.where(ending.regions))
            lines.append(f"| {_cell(' '.join(cause.hosts))} | {why} | {where} | {_cell(ending.next_step(cause))} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    """Keep a text of AWS's or of the inventory from being read as Markdown or HTML."""
    text = " ".join(text.split())
    for mark, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "'"), ("[", "\\[")):
        text = text.replace(mark, escaped)
    return text


def render_junit(ending: Ending) -> str:
    """Return a JUnit report: a test case for each account and service."""
    suite = ElementTree.Element("testsuite", name=f"muster.aws {ending.title}")
    cases: dict[tuple[str, str], list[Row]] = {}
    for row in ending.rows:
        cases.setdefault((row["service"], row["host"]), []).append(row)
    failures = 0
    for (service, host), rows in cases.items():
        case = ElementTree.SubElement(suite, "testcase", classname=f"muster.aws.{service}", name=host)
        failed = [row for row in rows if row["failed"]]
        if failed:
            failures += 1
            causes = causes_of(failed)
            failure = ElementTree.SubElement(case, "failure", type=causes[0].reason_code, message=causes[0].sentence)
            failure.text = "\n".join(f"{cause.where(ending.regions)}: {cause.sentence}" for cause in causes)
    for host in ending.not_begun:
        failures += 1
        case = ElementTree.SubElement(suite, "testcase", classname="muster.aws", name=host)
        ElementTree.SubElement(case, "failure", type=_NOT_BEGUN, message=ending.why_not_begun)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    _drop_control_characters(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _drop_control_characters(element: ElementTree.Element) -> None:
    """XML cannot hold them, escaped or not."""
    for node in element.iter():
        for name, value in node.attrib.items():
            node.set(name, "".join(c for c in value if c.isprintable()))
        if node.text:
            node.text = "".join(c for c in node.text if c.isprintable() or c == "\n")


RENDERERS: Mapping[str, Callable[[Ending], str]] = {
    ".json": render_json,
    ".csv": render_csv,
    ".md": render_markdown,
    ".xml": render_junit,
}
