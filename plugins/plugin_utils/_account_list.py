# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Account lists that people have, as an inventory: one host per account. Pure.

A list is taken whole or not at all: whatever is wrong with it is a fault with its line, and no fault is guessed away.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import json.decoder
import json.scanner
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import ServiceFacts, State
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import explain_account_id, explain_email
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

# The names under which lists have what is needed, as :func:`_key` writes them.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "account_id": ("accountid", "id", "onboardaccountid", "awsaccountid", "accountnumber"),
    "email": ("email", "accountemail", "emailaddress", "onboardaccountemail", "rootemail"),
    "name": ("name", "accountname", "host", "hostname"),
    # Organizations tells the State since 2025 and dropped the Status in 2026: the first of them counts.
    "state": ("state", "status", "accountstate", "accountstatus"),
}
# With it, a page of list-accounts says that another one follows.
_MORE = "NextToken"
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # what PowerShell makes of "aws ... > accounts.json"
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_MEMBERS = frozenset({State.REMOVED, State.RESIGNED, State.DELETED, State.ACCOUNT_SUSPENDED})
_NOT_IN_HOST_NAMES = re.compile(r"[^A-Za-z0-9@+._-]+")
_GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOTHING = (None, "")
_NO_EMAIL = "the account has no e-mail address; GuardDuty needs the one of its root user"
NO_HOST_NAMES = frozenset({"all", "ungrouped", "localhost"})


class ListFaults(Exception):
    """A list that cannot be used.

    :param faults: Everything that is wrong with it, in the order of its lines.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


@dataclass(frozen=True)
class Entry:
    """What a list says about one account; ``None`` where it says nothing.

    :param line: Where it stands, beginning with 1; 0 where the list has no lines.
    """

    line: int
    account_id: object
    email: object = None
    name: object = None
    state: object = None

    def place(self) -> str:
        return f"line {self.line}" if self.line else f"account {self.account_id}"


def read_account_list(content: bytes) -> list[Entry]:
    """Read a list of accounts, in whatever of these forms it is.

    - JSON of ``aws organizations list-accounts``: one answer, several after each other, or its ``Accounts`` alone.
    - JSON of a mapping of names to ``id`` and ``email``, also as ``terraform output -json`` has it.
    - CSV with a line of column names, in any order, with commas, semicolons or tabs.

    :param content: The file: UTF-8, or UTF-16 with its mark.
    :raises ListFaults: It is none of these, or has no end.
    """
    text = _decode(content)
    if not text.strip():
        raise ListFaults(["the list is empty"])
    entries = list(_json_entries(text) if text.lstrip()[0] in "{[" else _csv_entries(text))
    if not entries:
        raise ListFaults(["the list has no account"])
    return entries


def entries_of_members(rows: Iterable[Mapping[str, Any]], facts: ServiceFacts) -> list[Entry]:
    """Return the entries of an administrator's members: one that has left in each Region has its status as its state.

    :param rows: ``members``, as the member info module of the service returns them: one per account and Region.
    :param facts: The service.
    """
    kept = [row for row in rows if facts.state_of(row["status"]) not in _NO_MEMBERS]
    members = {row["account_id"] for row in kept}
    gone = {row["account_id"]: row for row in rows if row["account_id"] not in members}
    entries = [Entry(0, row["account_id"], row.get("email")) for row in kept]
    return entries + [Entry(0, account_id, state=row["status"]) for account_id, row in gone.items()]


def make_inventory(entries: Iterable[Entry], group: str, needs_email: bool = True) -> dict[str, Any]:
    """Return an inventory of the accounts that are active, or whose state the list does not tell.

    :param entries: From :func:`read_account_list` or :func:`entries_of_members`.
    :param group: The group to put the hosts into.
    :param needs_email: Whether each account needs an e-mail address, as GuardDuty does.
    :returns: ``text`` (the inventory's YAML), ``hosts`` (their number), ``left_out`` (state to account ids),
        ``renamed`` (names that cannot be host names, to the host names taken in their place) and ``stateless`` (the
        number of accounts whose state is not told).
    :raises ListFaults: An account cannot be used.
    """
    entries = list(entries)
    is_group = _GROUP_NAME.fullmatch(group) and group not in NO_HOST_NAMES
    faults = [] if is_group else [f"{group!r} cannot be the name of a group"]
    faults += _faults_of(entries)
    accounts = _merge(entries, faults)
    faults += [f"{entry.place()}: {_NO_EMAIL}" for entry in accounts if needs_email and _lacks_email(entry)]
    if faults:
        raise ListFaults(faults)
    active = []
    left_out: dict[str, list[str]] = {}
    for entry in accounts:
        state = _state_of(entry)
        if state in (None, "ACTIVE"):
            active.append(entry)
        else:
            left_out.setdefault(str(entry.state), []).append(str(entry.account_id))
    if not active:
        raise ListFaults(["no account of the list is ACTIVE"])
    hosts = _host_names(active, group)
    return {
        "text": _write(hosts, group),
        "hosts": len(hosts),
        "left_out": left_out,
        "renamed": {entry.name: host for host, entry in hosts.items() if entry.name and entry.name != host},
        "stateless": sum(_state_of(entry) is None for entry in active),
    }


def host_name(text: object) -> str:
    """Return a text as a host name that Ansible takes as it is, empty if nothing is left of it or it has a meaning."""
    name = plain_name(text)
    return "" if name in NO_HOST_NAMES else name


def plain_name(text: object) -> str:
    """Return a text with nothing in it that a host name cannot have."""
    return _NOT_IN_HOST_NAMES.sub("-", str(text or "")).strip("-.")


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ListFaults([f"line {line}: this is not {encoding}; save the list as UTF-8"]) from error


# --- JSON -------------------------------------------------------------------------------------------------------------


class _Located(dict[str, Any]):
    """An object of JSON that knows its line."""

    line = 0


class _LocatingDecoder(json.JSONDecoder):
    def __init__(self, text: str) -> None:
        super().__init__(object_pairs_hook=_without_repetition)
        self.ends = [match.start() for match in re.finditer("\n", text)]
        self.parse_object = self._located
        # The scanner in C would not call parse_object.
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def line_of(self, index: int) -> int:
        return bisect_left(self.ends, index) + 1

    def _located(self, place: tuple[str, int], *arguments: Any) -> tuple[Any, int]:
        line = self.line_of(place[1] - 1)
        try:
            found, end = json.decoder.JSONObject(place, *arguments)  # type: ignore[attr-defined]
        except _Repetition as error:
            raise ListFaults([f"the object of line {line} has {str(error)!r} twice"]) from error
        located = _Located(found)
        located.line = line
        return located, end


class _Repetition(Exception):
    """A name that an object has twice: JSON's reader would keep the last one and drop the other."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = Counter(name for name, _value in pairs)
    if len(names) != len(pairs):
        raise _Repetition(max(names, key=names.__getitem__))
    return dict(pairs)


def _json_entries(text: str) -> Iterator[Entry]:
    pages = []
    decoder = _LocatingDecoder(text)
    index = 0
    while index < len(text):
        if text[index].isspace():
            index += 1
            continue
        try:
            page, index = decoder.raw_decode(text, index)
        except json.JSONDecodeError as error:
            raise ListFaults([f"line {error.lineno}: this is not JSON: {error.msg}"]) from error
        except RecursionError as error:
            raise ListFaults(["this JSON is nested too deeply to be a list of accounts"]) from error
        pages += page if isinstance(page, list) else [page]
    if pages and isinstance(pages[-1], dict) and "Accounts" in pages[-1] and pages[-1].get(_MORE):
        raise ListFaults(["the list is not complete: its last page has a NextToken; list it without --max-items"])
    for page in pages:
        yield from _entries_of_page(page)


def _entries_of_page(page: Any) -> Iterator[Entry]:
    if not isinstance(page, _Located):
        raise ListFaults([f"{page!r} is no account: each is an object with an id and an e-mail address"])
    if "Accounts" in page:
        accounts = page["Accounts"]
        if not isinstance(accounts, list):
            raise ListFaults([f"line {page.line}: Accounts is not a list"])
        for account in accounts:
            yield from _entries_of_page(account)
    elif _known(page).get("account_id"):
        yield Entry(page.line, **{name: page[key] for name, key in _known(page).items()})
    else:
        yield from _entries_of_output(page)


def _entries_of_output(page: _Located) -> Iterator[Entry]:
    """Take the one output of ``terraform output -json``, or else the mapping that the page itself is."""
    outputs = [value for value in page.values() if isinstance(value, _Located) and {"value", "type"} <= value.keys()]
    if not outputs or len(outputs) < len(page):
        yield from _entries_of_mapping(page)
        return
    if len(outputs) > 1:
        raise ListFaults([f"these are {len(outputs)} outputs; write one, as with terraform output -json NAME"])
    value = outputs[0]["value"]
    for account in value if isinstance(value, list) else [value]:
        yield from _entries_of_page(account)


def _entries_of_mapping(accounts: _Located) -> Iterator[Entry]:
    entries, faults = [], []
    for name, account in accounts.items():
        known = _known(account) if isinstance(account, _Located) else {}
        if "account_id" in known:
            fields = {field: account[key] for field, key in known.items()}
            entries.append(Entry(account.line, **{"name": name, **fields}))
        else:
            line = getattr(account, "line", accounts.line)
            faults.append(f"line {line}: {name!r} is no account: each is an object with an id and an e-mail address")
    _refuse(faults, entries)
    yield from entries


def _known(names: Iterable[str]) -> dict[str, str]:
    """Return under which of these names each field stands."""
    keys = {_key(name): name for name in reversed(list(names))}
    return {
        field: next(keys[key] for key in accepted if key in keys)
        for field, accepted in _COLUMNS.items()
        if not keys.keys().isdisjoint(accepted)
    }


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv_entries(text: str) -> Iterator[Entry]:
    rows = _csv_rows(text)
    line, header = next(rows, (1, []))
    columns = _known(header)
    if "account_id" not in columns:
        names = ", ".join(map(repr, header)) or "nothing"
        raise ListFaults([f"line {line}: there is no column account_id (or id) among {names}; name the columns"])
    repeated = [name for name in columns.values() if header.count(name) > 1]
    if repeated:
        raise ListFaults([f"line {line}: there are several columns {repeated[0]!r}"])
    places = {field: header.index(name) for field, name in columns.items()}
    entries, faults = [], []
    for line, row in rows:
        if len(row) == len(header):
            entries.append(Entry(line, **{field: row[place] or None for field, place in places.items()}))
        else:
            faults.append(f"line {line}: there are {len(row)} values for {len(header)} columns")
    _refuse(faults, entries)
    yield from entries


def _csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = next((line for line in text.splitlines() if line.strip(_DELIMITERS + " ")), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    line = 1
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if any(values):
                yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        raise ListFaults([f"line {line}: this is not CSV: {error}"]) from error


# --- accounts ---------------------------------------------------------------------------------------------------------


def _refuse(faults: Sequence[str], entries: Iterable[Entry]) -> None:
    """Refuse a list of which something is no account, with what is wrong with its accounts: all at once."""
    if faults:
        raise ListFaults([*faults, *_faults_of(entries)])


def _faults_of(entries: Iterable[Entry]) -> list[str]:
    return [f"{entry.place()}: {text}" for entry in entries for text in _explain(entry)]


def _explain(entry: Entry) -> Iterator[str]:
    text = explain_account_id(entry.account_id)
    if text:
        yield text
    # The rules of each service that checks addresses: one list serves them all.
    rules = [facts.email for facts in SERVICES.values() if facts.email and entry.email not in _NOTHING]
    for text in dict.fromkeys(explain_email(entry.email, asked) for asked in rules):
        if text:
            yield f"account {entry.account_id}: {text}"
    for field, value in (("name", entry.name), ("state", entry.state)):
        if value is not None and not isinstance(value, str):
            yield f"account {entry.account_id}: the {field} {value!r} is not a text"


def _lacks_email(entry: Entry) -> bool:
    return entry.email in _NOTHING and _state_of(entry) in (None, "ACTIVE")


def _state_of(entry: Entry) -> str | None:
    return str(entry.state).upper() if entry.state else None


def _merge(entries: Iterable[Entry], faults: list[str]) -> list[Entry]:
    """Return each account once, sorted by id; the same id with other data is a fault."""
    accounts: dict[str, Entry] = {}
    for entry in entries:
        known = accounts.setdefault(str(entry.account_id), entry)
        for field in ("email", "name", "state"):
            one, other = getattr(known, field), getattr(entry, field)
            if one and other and one != other:
                faults.append(
                    f"{entry.place()}: account {entry.account_id} has the {field} {other!r}, and {one!r} before"
                )
            if other and not one:
                known = accounts[str(entry.account_id)] = replace(known, **{field: other})
    return [accounts[account_id] for account_id in sorted(accounts)]


def _host_names(accounts: Sequence[Entry], group: str) -> dict[str, Entry]:
    """Give each account a host name: its name where that can be one and no other account has it, else its id."""
    wanted = {entry: host_name(entry.name) for entry in accounts}
    counts = Counter(name.lower() for name in wanted.values())
    reserved = {"", group}
    ids = {entry.account_id for entry in accounts}
    return {
        str(entry.account_id) if counts[name.lower()] > 1 or name in reserved or name in ids else name: entry
        for entry, name in wanted.items()
    }


def _write(hosts: Mapping[str, Entry], group: str) -> str:
    lines = ["---", "all:", "  children:", f"    {group}:", "      hosts:"]
    for host, entry in hosts.items():
        lines += [f"        {_quoted(host)}:", f"          onboard_account_id: {_quoted(entry.account_id)}"]
        lines += [f"          onboard_account_email: {_quoted(entry.email)}"] if entry.email else []
    return "\n".join(lines) + "\n"


def _quoted(value: object) -> str:
    """Write a text as YAML that nobody takes for a number, or for a template."""
    return ("!unsafe " if "{" in str(value) else "") + json.dumps(value)
