# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles share: hosts of the inventory as rows for the modules, the modules' rows as verdicts on hosts. Pure.

The inventory is the list of accounts, one host each. The modules work on all hosts of a batch at once; here their rows
are brought back to the hosts, so that each is judged by its own account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, ServiceFacts
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import as_list, check_members
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

FACTS: Mapping[str, ServiceFacts] = SERVICES

# The outcomes with which an account is where it was asked to be.
DONE = frozenset({"changed", "unchanged", "skipped"})

# The keys under which the modules that the roles run return their rows.
_ROWS = "members", "administrators", *(facts.kind.rows for facts in FACTS.values())

Row = Mapping[str, Any]
Result = Mapping[str, Any]
Place = tuple[str, str]


def collect_batch(
    hosts: Iterable[str],
    hostvars: Mapping[str, Any],
    fact: str,
    services: str | Iterable[str],
    needs_email: bool = True,
) -> dict[str, Any]:
    """Return the accounts of a batch as the modules take them, and what is wrong with the rest.

    :param hosts: The hosts of the batch.
    :param hostvars: Their variables.
    :param fact: The variable in which each host has put its ``account_id``, ``email`` and ``settings`` (a mapping of
        what holds for the whole batch). A host without it takes no part.
    :param services: The services, each with its own rules for e-mail addresses.
    :param needs_email: Whether the e-mail addresses matter: they do not for leaving.
    :returns: ``accounts`` (host to account id), ``members`` (service to rows), ``faults`` (host to service to text),
        and ``differing``: the settings that are not the same for all of these hosts.
    """
    rows = {host: hostvars[host][fact] for host in hosts if hostvars[host].get(fact)}
    members: dict[str, list[dict[str, Any]]] = {}
    faults: dict[str, dict[str, str]] = {host: {} for host in rows}
    for service in as_list(services):
        facts = FACTS[service]
        accounts, found = check_members(rows.values(), facts.email if needs_email else None, facts.title)
        texts = {fault.account_id: fault.text for fault in found}
        members[service] = [
            {"account_id": account.account_id, "email": account.email}
            for account in accounts
            if account.account_id not in texts
        ]
        for host, row in rows.items():
            if str(row["account_id"]) in texts:
                faults[host][service] = texts[str(row["account_id"])]
    return {
        "accounts": {host: str(row["account_id"]) for host, row in rows.items()},
        "members": members,
        "faults": faults,
        "differing": sorted(_differing([row.get("settings", {}) for row in rows.values()])),
    }


def _differing(settings: Sequence[Mapping[str, Any]]) -> set[str]:
    first, *others = settings or [{}]
    return {name for other in others for name in first if other[name] != first[name]}


def rows_of(result: Result | None, *keys: str) -> Sequence[Row]:
    return next((result[key] for key in keys if result and result.get(key)), ())


def message_of(results: Iterable[Result | None]) -> str | None:
    """Return what the first task says that failed as a whole: it has a message and no rows."""
    return next((each["msg"] for each in results if each and each.get("msg") and not rows_of(each, *_ROWS)), None)


def by_place(rows: Iterable[Row]) -> dict[Place, Row]:
    return {(row["region"], row["account_id"]): row for row in rows}


def judge_hosts(
    batch: Mapping[str, Any], regions: str | Iterable[str], judges: Mapping[str, Callable[[str, str], dict[str, Any]]]
) -> dict[str, Any]:
    """Return what became of each host's account.

    :param batch: From :func:`collect_batch`.
    :param regions: The Regions that were asked for.
    :param judges: By service: a function from Region and account id to a row.
    :returns: ``hosts`` (host to ``changed``, ``failed`` and ``text``), and ``rows``: one for each account, service and
        Region. Two hosts may name one account.
    """
    hosts: dict[str, Any] = {}
    rows_by_account: dict[str, list[dict[str, Any]]] = {}
    for host, account_id in batch["accounts"].items():
        faults = batch["faults"][host]
        rows = [
            fault_row(service, region, account_id, faults[service]) if service in faults else judge(region, account_id)
            for service, judge in judges.items()
            for region in sorted(set(as_list(regions)))
        ]
        rows_by_account[account_id] = rows
        failures = [row["text"] for row in rows if row["failed"]]
        hosts[host] = {
            "changed": any(row["actions"] for row in rows),
            "failed": bool(failures),
            "text": "; ".join(dict.fromkeys(failures)) or summarise(rows),
        }
    return {"hosts": hosts, "rows": [row for rows in rows_by_account.values() for row in rows]}


def summarise(rows: Iterable[Row]) -> str:
    """Say where an account stands: "guardduty: Enabled in eu-central-1, us-east-1"."""
    places: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        words = places.setdefault(row["service"], {})
        words.setdefault(row["status"] or row["reason_code"], []).append(row["region"])
    return "; ".join(
        f"{service}: " + ", ".join(f"{word} in {' '.join(regions)}" for word, regions in words.items())
        for service, words in places.items()
    )


def fault_row(service: str, region: str, account_id: str, text: str) -> dict[str, Any]:
    return {
        "service": service,
        "region": region,
        "account_id": account_id,
        "status": None,
        "previous_status": None,
        "actions": [],
        "failed": True,
        "reason_code": Reason.INVALID_INPUT.value,
        "text": text,
    }


def total_stats(earlier: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, Any]:
    """Return the counts of all batches so far, per service and Region, for AWX's artifacts.

    :param earlier: The totals before this batch.
    :param rows: Those of this batch, from :func:`judge_hosts`.
    """
    totals: dict[str, Any] = {
        service: {region: {**counts, "failed_ids": list(counts["failed_ids"])} for region, counts in by_region.items()}
        for service, by_region in earlier.items()
    }
    for row in rows:
        counts = totals.setdefault(row["service"], {}).setdefault(
            row["region"], {"accounts": 0, "changed": 0, "failed": 0, "failed_ids": []}
        )
        counts["accounts"] += 1
        counts["changed"] += bool(row["actions"])
        counts["failed"] += row["failed"]
        counts["failed_ids"] += [row["account_id"]] if row["failed"] else []
    return totals
