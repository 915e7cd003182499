# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words in which a role tells what became of an account: places, causes, next steps. Pure.

A cause is told once, whatever the number of services, Regions and accounts that it has; a next step names the role's
variables, not the options of the modules behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import HINTS
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

Row = Mapping[str, Any]

# In place of the modules' hints, which name their options. {prefix} is that of the role's variables; what only one
# role has is called by its name.
_ROLE_HINTS = {
    Reason.ALREADY_MEMBER: "a record exists already: offboard the account first; if none is shown, run again",
    Reason.ALREADY_INVITED: "an invitation is pending: run again by invitation, or offboard the account first",
    Reason.MEMBER_OF_OTHER_ADMINISTRATOR: "let the account leave that administrator first (docs/move.md)",
    Reason.EMAIL_MISSING: "give the address of the account's root user as onboard_account_email",
    Reason.EMAIL_VERIFICATION_FAILED: (
        "give the root user's address as onboard_account_email, and set onboard_replace_failed=true"
    ),
    Reason.RESIGNED: "set onboard_reinvite_resigned=true to invite the account again",
    Reason.NO_INVITATION: "run again: the invitation may arrive late",
    Reason.ORGANIZATION_NOT_IN_USE: (
        "the account belongs to no organization with all features: set onboard_via=invitation"
    ),
    Reason.SERVICE_NOT_ENABLED: "switch the service on first, as muster.aws.onboard does with onboard_enable_services",
    Reason.ASSUME_ROLE_FAILED: (
        "check {prefix}member_role_name, the role's trust policy and external id, and sts:AssumeRole of the caller"
    ),
    Reason.THROTTLED: "run again later, or with a lower {prefix}concurrency",
    Reason.TIMED_OUT: "run again later, or with a longer {prefix}wait_timeout",
    Reason.REGION_UNAVAILABLE: "check {prefix}regions, and that the account has opted in to the Region",
    Reason.INVALID_INPUT: "correct it in the inventory and run again",
}

# Where a role has another: who leaves does not switch anything on, and a report waits for nothing.
_HINTS_OF_ROLES = {
    "offboard_": {
        Reason.SERVICE_NOT_ENABLED: "leave the Region out of offboard_regions: nobody is a member where it is off"
    },
    "report_": {Reason.TIMED_OUT: "run again later"},
}

# What changes from call to call and from Region to Region without saying anything: ids of detectors and of requests,
# times, encoded messages.
_PASSING = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d{6}Z|[\w-]{64,})\b")


# What no page and no list should hold: it cannot be seen, or turns what follows around.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def inert(value: object) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    text = CONTROL_CHARACTERS.sub("�", "" if value is None else str(value))
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text


def hint(reason_code: str, prefix: str) -> str:
    """Return the next step for an account that failed for this reason, in a role's variables."""
    reason = Reason(reason_code)
    own = _HINTS_OF_ROLES.get(prefix, {})
    return (own.get(reason) or _ROLE_HINTS.get(reason) or HINTS[reason]).format(prefix=prefix)


def next_step(row: Row, prefix: str) -> str:
    """Return the next step for a row that was not done: its own, or that of its reason."""
    return str(row.get("next_step") or hint(row["reason_code"], prefix))


def places_of(rows: Iterable[Row], regions: Sequence[str]) -> str:
    """Say where: "GuardDuty and Security Hub in all 4 Regions; Macie in eu-central-1".

    :param regions: All that were asked for.
    """
    by_service: dict[str, set[str]] = {}
    for row in rows:
        by_service.setdefault(SERVICES[row["service"]].title, set()).add(row["region"])
    by_regions: dict[tuple[str, ...], list[str]] = {}
    for title, found in by_service.items():
        by_regions.setdefault(tuple(sorted(found)), []).append(title)
    return "; ".join(f"{listed(titles)} in {_regions(found, regions)}" for found, titles in by_regions.items())


def _regions(found: Sequence[str], regions: Sequence[str]) -> str:
    if len(found) > 1 and set(found) == set(regions):
        return f"all {len(found)} Regions"
    return ", ".join(found) if len(found) < 5 else f"{', '.join(found[:3])} and {len(found) - 3} more Regions"


def listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return "a b c ...": the first names, and that there are more."""
    return " ".join(names[:most]) + " ..." * bool(names[most:])


def first(names: Sequence[str], most: int, between: str = " ") -> str:
    """Return "a b c and 1,195 more": the first names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if names[most:] else ""
    return between.join(names[:most]) + more


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return "1 account", "1,200 accounts"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def tally(gaps: int, changed: int, failed: int, is_check: bool) -> str:
    """Return what follows a number of accounts: "as wanted, 1 with gaps, 2 changed, 0 failed"."""
    short = f", {gaps:,} with gaps" if gaps else ""
    return f"as wanted{short}, {changed:,} {'would be ' if is_check else ''}changed, {failed:,} failed"


@dataclass
class Cause:
    """Why some accounts were not done.

    :param text: AWS's or ours, with ACCOUNT in place of the id.
    """

    reason_code: str
    operation: str | None
    text: str
    rows: list[Row] = field(default_factory=list)

    @property
    def hosts(self) -> list[str]:
        return list(dict.fromkeys(row["host"] for row in self.rows))

    @property
    def services(self) -> set[str]:
        return {row["service"] for row in self.rows}

    def where(self, regions: Sequence[str]) -> str:
        """Say where, as :func:`places_of`, and whether that is so for each of the hosts."""
        places = {(row["service"], row["region"]) for row in self.rows}
        hosts = {row.get("host") for row in self.rows}
        found = {(row.get("host"), row["service"], row["region"]) for row in self.rows}
        is_same = len(found) == len(hosts) * len(places)
        return places_of(self.rows, regions) + ("" if is_same else ", not each in all of them")

    def is_told_by_another_service_as(self, other: Cause) -> bool:
        is_alike = self.operation == other.operation or self.text == other.text
        return is_alike and self.services.isdisjoint(other.services)

    def add(self, other: Cause) -> None:
        """Take in what another service says of the same."""
        if self.text == other.text:
            self.operation = " and ".join(filter(None, (self.operation, other.operation))) or None
        else:
            self.text = f"{self.text}; {other.text}"
        self.rows += other.rows

    @property
    def sentence(self) -> str:
        call = f"{self.operation}: " if self.operation else ""
        return f"{call}{self.text}"


def without_account(text: str | None, account_id: str) -> str:
    """Return a text as it is for all accounts: it may name the account, for each another."""
    # Most texts, one for each place of a report, do not name it.
    if not (text and account_id and account_id in text):
        return text or ""
    # Not within another number: an id that lost its leading zero is told with the one it should be.
    return re.sub(rf"(?<!\d){re.escape(account_id)}(?!\d)", "ACCOUNT", text)


def causes_of(rows: Iterable[Row]) -> list[Cause]:
    """Gather failed rows by their cause; the cause of the most hosts comes first."""
    causes: dict[tuple[Any, ...], Cause] = {}
    for row in rows:
        text = without_account(row["reason"], row["account_id"]).replace(row["region"], "REGION")
        common = _PASSING.sub("...", text)
        key = row["reason_code"], row.get("operation"), common
        cause = causes.setdefault(key, Cause(row["reason_code"], row.get("operation"), text))
        cause.text = text if cause.text == text else common
        cause.rows.append(row)
    merged = _same_hosts(causes.values())
    for cause in merged:
        if len({row["region"] for row in cause.rows}) == 1:
            cause.text = cause.text.replace("REGION", cause.rows[0]["region"])
        if len({row["account_id"] for row in cause.rows}) == 1:
            cause.text = cause.text.replace("ACCOUNT", cause.rows[0]["account_id"])
    return sorted(merged, key=lambda cause: (-len({row.get("host") for row in cause.rows}), cause.reason_code))


def _same_hosts(causes: Iterable[Cause]) -> list[Cause]:
    """Make one of causes with one reason, the same hosts, and the same call or the same words.

    Services have calls and words of their own for the same. What one service says in two ways is two things, such as
    two administrators in two Regions.
    """
    merged: dict[tuple[Any, ...], list[Cause]] = {}
    for cause in causes:
        hosts = sorted({row.get("host") or "" for row in cause.rows})
        same = merged.setdefault((cause.reason_code, *hosts), [])
        other = next((each for each in same if each.is_told_by_another_service_as(cause)), None)
        if other:
            other.add(cause)
        else:
            same.append(cause)
    return [cause for same in merged.values() for cause in same]


@dataclass(frozen=True)
class Words:
    """How one role tells its hosts what became of them.

    :param prefix: Of its variables.
    :param absent: The word for an account without a record.
    :param is_check: Whether it was only asked what would be done.
    """

    prefix: str
    absent: str
    is_check: bool = False

    def verdict(self, rows: Sequence[Row], regions: Sequence[str]) -> dict[str, Any]:
        """Return ``changed``, ``failed``, ``text`` and ``diff`` of a host with these rows."""
        failures = [row for row in rows if row["failed"]]
        changed = any(row["actions"] for row in rows)
        text = self._failure(failures, regions) if failures else self._standing(rows, regions)
        verdict = {"changed": changed, "failed": bool(failures), "text": text}
        return {**verdict, "diff": _diff(rows)} if changed else verdict

    def _failure(self, rows: Sequence[Row], regions: Sequence[str]) -> str:
        return ". ".join(
            f"{places_of(cause.rows, regions)}: {cause.sentence} ({cause.reason_code}: "
            f"{next_step(cause.rows[0], self.prefix)})"
            for cause in causes_of(rows)
        )

    def _standing(self, rows: Sequence[Row], regions: Sequence[str]) -> str:
        by_words: dict[str, list[Row]] = {}
        for row in rows:
            by_words.setdefault(self._word(row), []).append(row)
        return "; ".join(f"{places_of(found, regions)}: {word}" for word, found in by_words.items())

    def _word(self, row: Row) -> str:
        status = str(row["status"] or row["reason_code"] or self.absent)
        if not row["actions"]:
            return status
        actions = ", ".join(dict.fromkeys(row["actions"]))
        return f"would become {status}: {actions}" if self.is_check else f"{status} now: {actions}"


def _diff(rows: Iterable[Row]) -> dict[str, Any]:
    changed = [row for row in rows if row["actions"]]
    return {
        side: {f"{row['service']}/{row['region']}/{row['account_id']}": row[key] for row in changed}
        for side, key in (("before", "previous_status"), ("after", "status"))
    }
