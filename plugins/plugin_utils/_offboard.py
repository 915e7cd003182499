# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the offboard role does in bulk with a batch of accounts, and what each of its hosts is told.

It sends nothing by itself: it asks for modules to be run, and brings their rows together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, State
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    DONE,
    FACTS,
    BatchWork,
    Place,
    Result,
    Row,
    Work,
    by_place,
    explained,
    fault_row,
    judge_hosts,
    message_of,
    rows_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import Words, counted

_HELD = frozenset({State.ENABLED, State.SUSPENDED, State.UNKNOWN})


def unheld_accounts(
    administrators: Result, members: Result, service: str, administrator_id: str
) -> dict[str, list[str]]:
    """Return, by Region, the accounts in which the service may go off: gone from here, and held by nobody else.

    :param administrators: The result of the administrator info module, read in the accounts.
    :param members: The result of the member module that removed them.
    :param administrator_id: The administrator that they leave. Check mode still finds them there.
    """
    # The administrator itself is skipped, and not gone: its own service stays.
    has_left = DONE - {"skipped"}
    gone = {place for place, row in by_place(rows_of(members, "members")).items() if row["outcome"] in has_left}
    free: dict[str, list[str]] = {}
    for place, row in by_place(rows_of(administrators, "administrators")).items():
        is_read = row["outcome"] in DONE and row["reason_code"] is None
        if place in gone and is_read and not _is_held(row, service, administrator_id):
            free.setdefault(place[0], []).append(place[1])
    return free


def _is_held(row: Row, service: str, administrator_id: str) -> bool:
    """Tell whether an account is a member of another administrator than the one it leaves."""
    return row["administrator_id"] != administrator_id and FACTS[service].state_of(row["status"]) in _HELD


def offboard_batch(work: BatchWork, options: Mapping[str, Any], batch: Mapping[str, Any]) -> dict[str, Any]:
    """End the membership of the accounts of a batch, and return what became of them.

    :param options: The role's, by name without its prefix.
    :param batch: From :func:`.._fleet.batch_of`.
    :returns: As :func:`.._fleet.judge_hosts`, and ``notes`` for the end.
    """
    done = work.side_by_side(
        {service: partial(offboard_service, work, options, service, rows) for service, rows in batch["members"].items()}
    )
    judges = {
        service: _ServiceJudge(service, results, options["administrator_id"]).row for service, results in done.items()
    }
    itself = [host for host, account_id in batch["accounts"].items() if account_id == options["administrator_id"]]
    notes = [f"{host} is the administrator itself, and stays as it is" for host in itself]
    judged = judge_hosts(batch, options["regions"], judges, Words("offboard_", "absent", work.is_check))
    return {**judged, "notes": notes}


def offboard_service(work: Work, options: Mapping[str, Any], service: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Remove accounts from the administrator in one service and, if asked to, switch it off in them.

    :param rows: ``account_id`` of each.
    :returns: The results ``members``, ``administrators`` (their info) and ``services`` (a list, one for each Region);
        and ``disable_services``.
    """
    facts = FACTS[service]
    common = {"regions": options["regions"], "concurrency": options["concurrency"]}
    entry = {"role_name": options["member_role_name"], "external_id": options.get("external_id")}
    results: dict[str, Any] = {
        "members": {},
        "administrators": {},
        "services": [],
        "disable_services": options["disable_services"],
    }
    if not rows:
        return results
    members = work.run(
        f"{service}_member",
        members=[{"account_id": row["account_id"]} for row in rows],
        state=options["state"],
        via=options["via"],
        wait_timeout=options["wait_timeout"],
        **common,
    )
    results["members"] = members
    if not options["disable_services"]:
        return results
    work.say(f"{facts.title}: {counted(len(rows), 'account')} to look into before it goes off")
    account_ids = [row["account_id"] for row in rows]
    held = work.run(f"{service}_administrator_info", account_ids=account_ids, **entry, **common)
    results["administrators"] = held
    for region, free in sorted(unheld_accounts(held, members, service, options["administrator_id"]).items()):
        off = {"account_ids": free, "regions": [region], "concurrency": options["concurrency"]}
        results["services"].append(work.run(facts.service_module, state="absent", **entry, **off))
    return results


class _ServiceJudge:
    """Brings the rows of one service's tasks together."""

    def __init__(self, service: str, results: Mapping[str, Any], administrator_id: str) -> None:
        self._service = service
        self._administrator_id = administrator_id
        self._disables = results["disable_services"]
        every = [results["members"], results["administrators"], *results["services"]]
        self._message = message_of(every)
        # The first to have failed for a place has the reason.
        self._problems = {
            place: row
            for result in reversed(every)
            for place, row in by_place(rows_of(result, "unprocessed_accounts")).items()
        }
        self._members = by_place(rows_of(results["members"], "members"))
        self._administrators = by_place(rows_of(results["administrators"], "administrators"))
        self._switched: dict[Place, Row] = {
            place: row
            for result in results["services"]
            for place, row in by_place(rows_of(result, FACTS[service].kind.rows)).items()
        }

    def row(self, region: str, account_id: str) -> dict[str, Any]:
        """Return the row of one account in one Region."""
        place = (region, account_id)
        member = self._members.get(place)
        if member is None:
            return fault_row(self._service, place, self._message or "the account was not reached")
        problem = self._problems.get(place) or self._left_on(place, member)
        return {
            "service": self._service,
            "region": region,
            "account_id": account_id,
            "status": member["status"] or "absent",
            "previous_status": member["previous_status"],
            "actions": [*member["actions"], *self._switched.get(place, {"actions": []})["actions"]],
            "failed": problem is not None,
            **explained(problem, member),
        }

    def _left_on(self, place: Place, member: Row) -> Row | None:
        """Return why a service that was to go off was left on."""
        row = self._administrators.get(place)
        is_off = place in self._switched or (row and row["reason_code"] == Reason.SERVICE_NOT_ENABLED.value)
        if not self._disables or is_off or member["outcome"] == "skipped":
            return None
        reason, text = Reason.OTHER, self._message or "nobody could look into the account"
        if row and _is_held(row, self._service, self._administrator_id):
            reason = Reason.MEMBER_OF_OTHER_ADMINISTRATOR
            text = f"the account is a member of {row['administrator_id']} (status {row['status']})"
        return {"reason_code": reason.value, "reason": f"the service was left on: {text}"}
