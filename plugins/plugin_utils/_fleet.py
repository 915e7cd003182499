# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles share: hosts of the inventory as rows for the modules, the modules' rows as verdicts on hosts. Pure.

The inventory is the list of accounts, one host each. The modules work on all hosts of a batch at once; here their rows
are brought back to the hosts, so that each is judged by its own account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, ServiceFacts, State
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import check_members
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._words import Words

FACTS: Mapping[str, ServiceFacts] = SERVICES

# The outcomes with which an account is where it was asked to be.
DONE = frozenset({"changed", "unchanged", "skipped"})

# The word for a member that AWS does not watch, as a reason; why, and what to do.
SUSPENDED = "suspended"
SUSPENDED_TEXT = "a member, but its monitoring is suspended"
SUSPENDED_STEP = "onboard with onboard_monitoring=enabled to resume it, or =suspended where that is what is wanted"

Row = Mapping[str, Any]
Result = Mapping[str, Any]
Place = tuple[str, str]


class Work(Protocol):
    """What work by modules needs of its surroundings.

    :param is_check: Whether nothing is to be written.
    """

    is_check: bool

    def run(self, module: str, **options: Any) -> Result:
        """Run a module of this collection and return its result; options that are None are left out."""

    def say(self, text: str) -> None:
        """Tell people that the work goes on."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class BatchWork(Work, Protocol):
    """What the work on a batch needs beside: services have nothing to do with each other there."""

    def side_by_side(self, jobs: Mapping[str, Callable[[], Result]]) -> Mapping[str, Result]:
        """Do several things that run modules, at once where that can be, and return what each returned."""


def collect_accounts(
    rows: Mapping[str, Mapping[str, Any]], services: Iterable[str], needs_email: bool = True
) -> dict[str, Any]:
    """Return the accounts of hosts, and what is wrong with those that cannot be used.

    :param rows: By host: ``account_id``, ``email``.
    :param services: The services, each with its own rules for e-mail addresses.
    :param needs_email: Whether the e-mail addresses matter: they do not for leaving.
    :returns: ``accounts`` (host to account id), ``addresses`` (host to address), ``emails`` (account id to address) and
        ``faults`` (host to service to its code and text).
    """
    faults: dict[str, dict[str, Row]] = {}
    for service in services:
        facts = FACTS[service]
        _accounts, found = check_members(rows.values(), facts.email if needs_email else None, facts.title)
        problems = {fault.account_id: {"reason_code": fault.reason.value, "reason": fault.text} for fault in found}
        for host, row in rows.items():
            if str(row["account_id"]) in problems:
                faults.setdefault(host, {})[service] = problems[str(row["account_id"])]
    return {
        "accounts": {host: str(row["account_id"]) for host, row in rows.items()},
        "addresses": {host: row["email"] for host, row in rows.items()},
        "emails": {str(row["account_id"]): row["email"] for row in rows.values() if row["email"]},
        "faults": faults,
    }


def batch_of(accounts: Mapping[str, Any], hosts: Iterable[str], services: Iterable[str]) -> dict[str, Any]:
    """Return a batch as the modules take it.

    :param accounts: From :func:`collect_accounts`.
    :param hosts: The hosts of the batch.
    :returns: ``accounts`` and ``faults`` of these hosts, and ``members`` (service to rows).
    """
    names = list(hosts)
    ids = {host: accounts["accounts"][host] for host in names}
    faults = {host: accounts["faults"].get(host, {}) for host in names}
    members = {
        service: [
            {"account_id": account_id, "email": accounts["emails"].get(account_id)}
            for account_id in sorted({ids[host] for host in names if service not in faults[host]})
        ]
        for service in services
    }
    return {"accounts": ids, "members": members, "faults": faults}


def is_watched(state: State, monitoring: str | None) -> bool:
    """Tell whether AWS watches an account for its administrator, or does not because that is wanted.

    :param monitoring: What is wanted: ``enabled``, ``suspended``, or nothing. Only who says ``suspended`` has it as
        wanted.
    """
    return state is State.ENABLED or (state is State.SUSPENDED and monitoring == SUSPENDED)


def rows_of(result: Result | None, *keys: str) -> Sequence[Row]:
    return next((result[key] for key in keys if result and result.get(key)), ())


def message_of(results: Iterable[Result | None]) -> str | None:
    """Return what the first task says that failed as a whole: it has a message and no rows."""
    keys = ("members", "administrators", *(facts.kind.rows for facts in FACTS.values()))
    return next((each["msg"] for each in results if each and each.get("msg") and not rows_of(each, *keys)), None)


def operations_of(result: Result) -> dict[str, Any]:
    """Return the operation that failed in each Region, of a task that asks for one account."""
    return {row["region"]: row["operation"] for row in rows_of(result, "unprocessed_accounts")}


def by_place(rows: Iterable[Row]) -> dict[Place, Row]:
    return {(row["region"], row["account_id"]): row for row in rows}


def problem_row(service: str, place: Place, problem: Row) -> dict[str, Any]:
    """Return what a row tells of an account that was not done.

    :param problem: A row of ``unprocessed_accounts``.
    """
    region, account_id = place
    return {
        "service": service,
        "region": region,
        "account_id": account_id,
        "status": None,
        "previous_status": None,
        "actions": [],
        "failed": True,
        "reason_code": problem["reason_code"],
        "operation": problem.get("operation"),
        "reason": problem["reason"],
    }


def fault_row(service: str, place: Place, text: str) -> dict[str, Any]:
    """Return the row of an account of which nothing is known."""
    return problem_row(service, place, {"reason_code": Reason.OTHER.value, "reason": text})


def explained(problem: Row | None, member: Row) -> dict[str, Any]:
    """Return what a row says of why: of the problem if there is one, else what the member's own row has to say."""
    said = problem or {**member, "operation": None}
    step = {"next_step": said["next_step"]} if said.get("next_step") else {}
    return {**{key: said.get(key) for key in ("reason_code", "operation", "reason")}, **step}


def judge_hosts(
    batch: Mapping[str, Any],
    regions: Iterable[str],
    judges: Mapping[str, Callable[[str, str], dict[str, Any]]],
    words: Words,
) -> dict[str, Any]:
    """Return what became of each host's account.

    :param batch: From :func:`batch_of`.
    :param regions: The Regions that were asked for.
    :param judges: By service: a function from Region and account id to a row.
    :param words: Those of the role, for its hosts.
    :returns: ``hosts`` (host to ``changed``, ``failed``, ``text`` and, if changed, ``diff``), and ``rows``: one for
        each host, service and Region.
    """
    hosts: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    places = sorted(set(regions))
    for host, account_id in batch["accounts"].items():
        faults = batch["faults"][host]
        own = [
            problem_row(service, (region, account_id), faults[service])
            if service in faults
            else judge(region, account_id)
            for service, judge in judges.items()
            for region in places
        ]
        hosts[host] = words.verdict(own, places)
        rows += [{"host": host, **row} for row in own]
    return {"hosts": hosts, "rows": rows}


def total_stats(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the counts per service and Region, for AWX's artifacts.

    :param rows: From :func:`judge_hosts`. An account counts once, however many hosts name it.
    """
    totals: dict[str, Any] = {}
    unique = {(row["service"], row["region"], row["account_id"]): row for row in rows}
    for row in unique.values():
        counts = totals.setdefault(row["service"], {}).setdefault(
            row["region"], {"accounts": 0, "changed": 0, "failed": 0, "failed_ids": []}
        )
        counts["accounts"] += 1
        counts["changed"] += bool(row["actions"])
        counts["failed"] += row["failed"]
        counts["failed_ids"] += [row["account_id"]] if row["failed"] else []
    return totals
