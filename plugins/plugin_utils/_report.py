# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report role tells: where each account of the inventory stands, and which members nobody listed. Pure.

Every account has one cell for each service and Region. A cell has a *standing*, which is its colour, and beside it the
word and the reason of AWS, so that nothing is lost by the colours. How all of it looks is in :mod:`._report_page`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, State
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import STATE_REASONS
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import explain_account_id
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    FACTS,
    SUSPENDED,
    SUSPENDED_STEP,
    SUSPENDED_TEXT,
    Result,
    Row,
    is_watched,
    rows_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._options import path_of
from ansible_collections.muster.aws.plugins.plugin_utils._report_origin import collection_version, regions_not_asked
from ansible_collections.muster.aws.plugins.plugin_utils._words import hint

Cell = dict[str, Any]
# Account id, service and Region.
_Place = tuple[str, str, str]

# What closes a gap is the role onboard: advice names its variables. What could not be read is read by this role again.
_ADVISED = "onboard_"
_READING = "report_"


class Standing(str, Enum):
    """Where an account stands in one service and Region. The worst comes first."""

    FAILED = "failed"
    UNREADABLE = "unreadable"
    ABSENT = "absent"
    PENDING = "pending"
    SUSPENDED = SUSPENDED
    MEMBER = "member"
    ADMINISTRATOR = "administrator"


# Where nothing is missing. A suspended member is a gap, unless that is wanted: AWS does not watch it.
COVERED = frozenset({Standing.MEMBER.value, Standing.ADMINISTRATOR.value})
_ASSOCIATED = frozenset({Standing.MEMBER.value, Standing.SUSPENDED.value})

LABELS = {
    Standing.FAILED.value: "failed",
    Standing.UNREADABLE.value: "not readable",
    Standing.ABSENT.value: "not a member",
    Standing.PENDING.value: "pending",
    Standing.SUSPENDED.value: "suspended",
    Standing.MEMBER.value: "member",
    Standing.ADMINISTRATOR.value: "administrator",
}
_SEVERITY = {standing.value: number for number, standing in enumerate(Standing)}


def severity(standing: str) -> int:
    """Return the rank of a standing, the worst 0."""
    return _SEVERITY[standing]


class _Look(NamedTuple):
    standing: Standing
    text: str = ""
    next_step: str = ""


# States that STATE_REASONS explains have no text here: theirs is used, with its reason code.
_LOOKS = {
    State.ABSENT: _Look(Standing.ABSENT, "the administrator has no record of the account", "onboard the account"),
    State.CREATED: _Look(Standing.PENDING, "a record, without an invitation", "onboard the account again"),
    State.INVITED: _Look(
        Standing.PENDING, "invited, and not accepted yet", "onboard the account again: it accepts the invitation there"
    ),
    State.VERIFYING: _Look(
        Standing.PENDING, "AWS is verifying the e-mail address", hint(Reason.EMAIL_VERIFICATION_PENDING.value, _ADVISED)
    ),
    State.ENABLED: _Look(Standing.MEMBER),
    State.SUSPENDED: _Look(Standing.SUSPENDED, SUSPENDED_TEXT, SUSPENDED_STEP),
    State.REMOVED: _Look(Standing.FAILED, "the administrator ended the association", "onboard the account again"),
    State.DELETED: _Look(Standing.FAILED, "the record was deleted", "onboard the account again"),
}
_SUSPENDED_AS_WANTED = _Look(Standing.MEMBER, "its monitoring is suspended, as wanted")


def collect_accounts(hosts: Iterable[str], hostvars: Mapping[str, Any], everyone: Iterable[str]) -> dict[str, Any]:
    """Return the accounts to report on, and all that the inventory lists.

    :param hosts: The hosts to report on, each one of ``everyone``.
    :param hostvars: The variables of all hosts: ``report_account_id``, ``report_account_email`` and
        ``report_administrator_id``, each with the ``onboard_`` variable of that name in its place.
    :param everyone: All hosts of the inventory, whatever the limit of this run.
    :returns: ``accounts`` (a row per host), ``account_ids`` (those that can be used), ``listed`` (account id to the
        rows of its hosts, for the whole inventory).
    """
    rows = {host: _account_row(host, hostvars[host]) for host in everyone}
    accounts = [rows[host] for host in hosts]
    listed: dict[str, list[dict[str, Any]]] = {}
    for row in rows.values():
        if not row["fault"]:
            listed.setdefault(row["account_id"], []).append(row)
    return {
        "accounts": accounts,
        "account_ids": sorted({row["account_id"] for row in accounts if not row["fault"]}),
        "listed": listed,
    }


def _account_row(host: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    def value(name: str, default: Any = None) -> Any:
        return variables.get(f"report_{name}", variables.get(f"onboard_{name}", default))

    account_id = value("account_id", host)
    return {
        "host": host,
        "account_id": str(account_id),
        "email": value("account_email"),
        "administrator_id": value("administrator_id"),
        "fault": explain_account_id(account_id),
    }


def build_report(
    inventory: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Result]],
    administrator_id: str,
    regions: Sequence[str],
    generated_at: str,
    caller_arn: str | None = None,
    baseline: Mapping[str, Any] | None = None,
    monitoring: str | None = None,
) -> dict[str, Any]:
    """Return everything that the report tells, as plain data.

    :param inventory: From :func:`collect_accounts`.
    :param results: By service: the registered results ``members`` (of ``*_member_info``, all members) and, where the
        accounts were asked too, ``administrators`` (of ``*_administrator_info``).
    :param administrator_id: The account whose members were read.
    :param regions: The Regions that were asked for.
    :param generated_at: The time to print.
    :param caller_arn: Whose credentials read all this, as STS names them.
    :param baseline: An earlier report, from :func:`read_baseline`: new and mended gaps are told against it.
    :param monitoring: What is wanted of members, as for :func:`._fleet.is_watched`.
    """
    columns = [
        _Column(service, region, result, administrator_id, monitoring)
        for service, result in results.items()
        for region in sorted(set(regions))
    ]
    accounts = [_account(row, columns) for row in inventory["accounts"]]
    # An account counts once, however many hosts name it.
    counted = {account["account_id"]: account for account in accounts}.values()
    changes = _compare(accounts, baseline) if baseline else None
    unlisted = _unlisted(columns, inventory["listed"], administrator_id)
    return {
        "generated_at": generated_at,
        "administrator_id": administrator_id,
        "caller_arn": caller_arn,
        "version": collection_version(),
        "services": list(results),
        "regions": list(dict.fromkeys(column.region for column in columns)),
        "regions_not_asked": {
            service: regions_not_asked(FACTS[service].client, [column.region for column in columns])
            for service in results
        },
        "baseline": changes,
        "totals": _totals(counted, unlisted),
        "summary": _summary(columns, counted, unlisted),
        "problems": [
            {"service": column.service, "region": column.region, **_explained(*column.problem, prefix=_READING)}
            for column in columns
            if column.problem
        ],
        "accounts": accounts,
        "unlisted": unlisted,
        "suspended_accounts": _suspended_accounts([*accounts, *unlisted]),
        "hosts": {account["host"]: _verdict(account) for account in accounts},
    }


def _account(row: Mapping[str, Any], columns: Iterable[_Column]) -> dict[str, Any]:
    cells = [column.cell(row["account_id"], row["fault"]) for column in columns]
    known_email = next((cell["email"] for cell in cells if cell["email"]), None)
    return {
        "host": row["host"],
        "account_id": row["account_id"],
        "email": row["email"] or known_email,
        "standing": _worst(cells),
        "gaps": sum(cell["standing"] not in COVERED for cell in cells),
        "cells": cells,
    }


def _worst(cells: Iterable[Cell]) -> str:
    return min((str(cell["standing"]) for cell in cells), key=severity)


class _Column:
    """One service in one Region: the administrator's list of members and, if asked for, the accounts' own view."""

    def __init__(
        self,
        service: str,
        region: str,
        results: Mapping[str, Result],
        administrator_id: str,
        monitoring: str | None,
    ) -> None:
        self.service = service
        self._monitoring = monitoring
        self.region = region
        self._facts = FACTS[service]
        self._administrator_id = administrator_id
        rows = [row for row in rows_of(results["members"], "members") if row["region"] == region]
        self.members = {row["account_id"]: row for row in rows if row["outcome"] != "failed"}
        self.problem = self._problem(results["members"], rows)
        self._own_views = {
            row["account_id"]: row
            for row in rows_of(results.get("administrators"), "administrators")
            if row["region"] == region
        }

    def _problem(self, result: Result, rows: Iterable[Row]) -> tuple[str, str] | None:
        """Return why this column could not be read: a reason code and a text."""
        failed = next((row for row in rows if row["outcome"] == "failed"), None)
        if failed:
            return failed["reason_code"], failed["reason"]
        # A task that failed as a whole has a message and no rows.
        if not result or "members" not in result or (result.get("msg") and not result["members"]):
            return Reason.OTHER.value, (result or {}).get("msg") or "the members were not read"
        return None

    def cell(self, account_id: str, fault: str | None = None) -> Cell:
        """Return the cell of an account."""
        member = self.members.get(account_id)
        cell = {
            "service": self.service,
            "region": self.region,
            "standing": Standing.UNREADABLE.value,
            "status": member["status"] if member else None,
            "reason_code": None,
            "reason": None,
            "next_step": None,
            "email": member["email"] if member else None,
            "invited_at": member["invited_at"] if member else None,
            "updated_at": member["updated_at"] if member else None,
            "since": None,
            "is_new": None,
            "last_read": None,
            "own_view": None,
            "note": None,
        }
        problem = (Reason.INVALID_INPUT.value, fault) if fault else self.problem
        if problem:
            return {**cell, **_explained(*problem, prefix=_READING)}
        if account_id == self._administrator_id:
            return {**cell, "standing": Standing.ADMINISTRATOR.value}
        cell.update(self._standing(cell["status"]))
        if cell["standing"] not in COVERED:
            cell["since"] = cell[
                "invited_at" if self._facts.state_of(cell["status"]) is State.INVITED else "updated_at"
            ]
        return self._with_own_view(cell, self._own_views.get(account_id))

    def _standing(self, status: str | None) -> Cell:
        state = self._facts.state_of(status)
        if state in STATE_REASONS:
            reason, text = STATE_REASONS[state]
            return {"standing": Standing.FAILED.value, **_explained(reason.value, text)}
        is_wanted = state is State.SUSPENDED and is_watched(state, self._monitoring)
        look = _SUSPENDED_AS_WANTED if is_wanted else _LOOKS[state]
        return {
            "standing": look.standing.value,
            "reason": look.text or None,
            "next_step": look.next_step or None,
        }

    def _with_own_view(self, cell: Cell, row: Row | None) -> Cell:
        """Add what the account itself sees: it may say why it is no member."""
        if row is None:
            return cell
        inviters = sorted({invitation["administrator_id"] for invitation in row["invitations"]})
        own_view = {
            "administrator_id": row["administrator_id"],
            "status": row["status"],
            "invited_by": inviters,
            "reason_code": row["reason_code"],
            "reason": row["reason"],
        }
        cell = {**cell, "own_view": own_view, "note": self._note(cell, own_view, row["outcome"] == "failed")}
        if cell["standing"] in _ASSOCIATED:
            return cell
        holder = row["administrator_id"]
        if holder and holder != self._administrator_id:
            text = f"the account is a member of another administrator, {holder}"
            explained = _explained(Reason.MEMBER_OF_OTHER_ADMINISTRATOR.value, text)
            return {**cell, "standing": Standing.FAILED.value, **explained}
        if row["reason_code"] == Reason.ACCOUNT_SUSPENDED.value:
            return {**cell, "standing": Standing.FAILED.value, **_explained(row["reason_code"], row["reason"])}
        return cell

    def _note(self, cell: Cell, own_view: Mapping[str, Any], is_failed: bool) -> str | None:
        """Return what is worth saying of the account's own view, beside the standing."""
        holder, is_member = own_view["administrator_id"], cell["standing"] in _ASSOCIATED
        if is_failed:
            return f"its own view could not be read: {own_view['reason']}"
        if own_view["reason_code"] == Reason.SERVICE_NOT_ENABLED.value:
            return f"{self._facts.title} is off in the account"
        if is_member and holder != self._administrator_id:
            return f"the account itself sees {f'administrator {holder}' if holder else 'no administrator'}"
        if not is_member and holder == self._administrator_id:
            return "the account itself sees this administrator as its own"
        others = [inviter for inviter in own_view["invited_by"] if inviter != self._administrator_id]
        return f"invited by {', '.join(others)}" if others and not is_member else None


def read_baseline(path: str, administrator_id: str) -> dict[str, Any]:
    """Return how everything stood in an earlier report, for :func:`build_report`.

    :param path: A file that this role wrote as JSON, of any version of it.
    :param administrator_id: The account that the report has to be about.
    :returns: ``generated_at``, and ``places``: account id, service and Region of all that was asked, to the gap there
        (its place, its account and how it stood), or to None where there was none.
    :raises ValueError: if the file cannot be read or is no such report, in words for who named it.
    """
    try:
        report = json.loads(path_of(path).read_text(encoding="utf-8"))
        places = {
            _place(account, cell): _earlier_gap(account, cell)
            for account in report["accounts"]
            for cell in account["cells"]
        }
        found = {"generated_at": report["generated_at"], "places": places}
    except OSError as error:
        raise ValueError(f"report_baseline_file: {path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"report_baseline_file: {path} is not a report of this role. Name the JSON file of an earlier run."
        ) from None
    if report.get("administrator_id") != administrator_id:
        raise ValueError(
            f"report_baseline_file: {path} is about administrator {report.get('administrator_id')}, "
            f"and this report about {administrator_id}."
        )
    return found


def _earlier_gap(account: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any] | None:
    if cell["standing"] in COVERED:
        return None
    return {
        **{key: account[key] for key in ("host", "account_id")},
        **{key: cell[key] for key in ("service", "region", "standing", "status", "reason_code")},
        **{key: cell.get(key) for key in ("since", "last_read")},
    }


def _compare(accounts: Iterable[Mapping[str, Any]], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """Mark the gaps where the earlier report found none, and return what became of those that it has.

    One of an account, service or Region that is no longer asked for is neither mended nor there: it is not told. Of a
    place that was not asked for then, nobody knows how it stood: a gap there is not new.
    """
    places = baseline["places"]
    mended: dict[_Place, dict[str, Any]] = {}
    gaps: set[_Place] = set()
    for account in accounts:
        for cell in account["cells"]:
            place = _place(account, cell)
            before = places.get(place)
            if cell["standing"] not in COVERED:
                gaps.add(place)
                cell["is_new"] = place in places and before is None
                _go_on(cell, before, baseline["generated_at"])
            elif before:
                mended.setdefault(place, {**before, "host": account["host"]})
    return {
        "generated_at": baseline["generated_at"],
        "new_gaps": sum(places[place] is None for place in gaps & places.keys()),
        "gaps_not_compared": len(gaps - places.keys()),
        "mended_gaps": list(mended.values()),
    }


def _go_on(cell: Cell, before: Mapping[str, Any] | None, generated_at: str) -> None:
    """Give a gap that stands as it stood in the earlier report the time that it had.

    A place that cannot be read tells nothing of what is there. So it keeps what was read there last, and that goes on
    once the place can be read again.
    """
    if before is None:
        return
    earlier = {"standing": before["standing"], "since": before["since"] or generated_at}
    for gap in (earlier, before["last_read"]):
        if gap and gap["standing"] == cell["standing"]:
            cell["since"] = cell["since"] or gap["since"]
    if cell["standing"] == Standing.UNREADABLE.value:
        cell["last_read"] = before["last_read"] if before["standing"] == cell["standing"] else earlier


def _place(account: Mapping[str, Any], cell: Mapping[str, Any]) -> _Place:
    return account["account_id"], cell["service"], cell["region"]


def _explained(reason_code: str, text: str | None, prefix: str = _ADVISED) -> Cell:
    return {"reason_code": reason_code, "reason": text, "next_step": hint(reason_code, prefix)}


def _unlisted(
    columns: Sequence[_Column], listed: Mapping[str, Sequence[Mapping[str, Any]]], administrator_id: str
) -> list[dict[str, Any]]:
    """Return the members that no host of this administrator stands for, with the first host of another one, if any."""
    found = {account_id for column in columns for account_id in column.members}
    rows = []
    for account_id in sorted(found - {administrator_id}):
        hosts = listed.get(account_id, [])
        if any(str(host["administrator_id"] or administrator_id) == administrator_id for host in hosts):
            continue
        host = next(iter(hosts), None)
        cells = [column.cell(account_id) for column in columns if account_id in column.members]
        rows.append(
            {
                "account_id": account_id,
                "email": next((cell["email"] for cell in cells if cell["email"]), None),
                "host": host["host"] if host else None,
                "listed_for": str(host["administrator_id"]) if host else None,
                "standing": _worst(cells),
                "cells": cells,
            }
        )
    return rows


def _suspended_accounts(accounts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the accounts that AWS itself suspended, which nothing here can mend."""
    rows = []
    for account in accounts:
        places = [
            {"service": cell["service"], "region": cell["region"]}
            for cell in account["cells"]
            if _is_suspended_by_aws(cell)
        ]
        if places:
            rows.append({"account_id": account["account_id"], "host": account["host"], "places": places})
    return rows


def _is_suspended_by_aws(cell: Cell) -> bool:
    # Where nothing could be read, the code is that of the administrator's own account.
    is_read = cell["standing"] != Standing.UNREADABLE.value
    codes = {cell["reason_code"], (cell["own_view"] or {}).get("reason_code")}
    return is_read and Reason.ACCOUNT_SUSPENDED.value in codes


def _totals(accounts: Collection[Mapping[str, Any]], unlisted: Sequence[Any]) -> dict[str, int]:
    gaps = sum(account["gaps"] for account in accounts)
    return {
        "accounts": len(accounts),
        "covered": sum(not account["gaps"] for account in accounts),
        "cells": sum(len(account["cells"]) for account in accounts),
        "gaps": gaps,
        "unlisted": len(unlisted),
    }


def _summary(
    columns: Iterable[_Column], accounts: Iterable[Mapping[str, Any]], unlisted: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the counts of each service and Region, for AWX's artifacts too: no text of AWS is among them."""
    summary: dict[str, dict[str, dict[str, Any]]] = {}
    for column in columns:
        summary.setdefault(column.service, {})[column.region] = {
            "accounts": 0,
            **{standing.value: 0 for standing in Standing},
            "gaps": 0,
            "unlisted": 0,
            "gap_ids": [],
            "unlisted_ids": [],
        }
    for account in accounts:
        for cell in account["cells"]:
            counts = summary[cell["service"]][cell["region"]]
            counts["accounts"] += 1
            counts[cell["standing"]] += 1
            if cell["standing"] not in COVERED:
                counts["gaps"] += 1
                counts["gap_ids"].append(account["account_id"])
    for account in unlisted:
        for cell in account["cells"]:
            counts = summary[cell["service"]][cell["region"]]
            counts["unlisted"] += 1
            counts["unlisted_ids"].append(account["account_id"])
    return summary


def _verdict(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a host is told. In words of this collection only: the texts of AWS are in the report."""
    places: dict[str, dict[str, list[str]]] = {}
    for cell in account["cells"]:
        words = places.setdefault(FACTS[cell["service"]].title, {})
        code = f" ({cell['reason_code']})" if cell["reason_code"] else ""
        words.setdefault(LABELS[cell["standing"]] + code, []).append(cell["region"])
    text = "; ".join(
        f"{title}: " + ", ".join(f"{word} in {' '.join(regions)}" for word, regions in words.items())
        for title, words in places.items()
    )
    return {"gaps": account["gaps"], "text": text}
