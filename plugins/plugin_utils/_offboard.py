# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the offboard role decides in bulk: where a service may go off, and what each host is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, State
from ansible_collections.muster.aws.plugins.module_utils._membership.result import (
    describe_unprocessed,
    unprocessed_row,
)
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    DONE,
    FACTS,
    Place,
    Result,
    Row,
    by_place,
    fault_row,
    judge_hosts,
    message_of,
    rows_of,
)

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
        is_held = row["administrator_id"] != administrator_id and FACTS[service].state_of(row["status"]) in _HELD
        if place in gone and row["outcome"] in DONE and row["reason_code"] is None and not is_held:
            free.setdefault(place[0], []).append(place[1])
    return free


def judge_offboarding(
    batch: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], regions: Sequence[str]
) -> dict[str, Any]:
    """Return what became of each host's account.

    :param batch: From :func:`collect_batch`.
    :param results: By service: the registered results ``members`` and, where the services go off, ``administrators``
        (their info) and ``services`` (a list, one for each Region); and ``disable_services``.
    :param regions: The Regions that were asked for.
    :returns: As :func:`judge_hosts`.
    """
    judges = {service: _ServiceJudge(service, results[service]).row for service in batch["members"]}
    return judge_hosts(batch, regions, judges)


class _ServiceJudge:
    """Brings the rows of one service's tasks together."""

    def __init__(self, service: str, results: Mapping[str, Any]) -> None:
        self._service = service
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
            for place, row in by_place(rows_of(result, "detectors", "hubs")).items()
        }

    def row(self, region: str, account_id: str) -> dict[str, Any]:
        """Return the row of one account in one Region."""
        place = (region, account_id)
        member = self._members.get(place)
        if member is None:
            text = self._message or "the account was not reached"
            return fault_row(self._service, region, account_id, text) | {"reason_code": Reason.OTHER.value}
        problem = self._problems.get(place) or self._left_on(place, member)
        return {
            "service": self._service,
            "region": region,
            "account_id": account_id,
            "status": member["status"] or "absent",
            "previous_status": member["previous_status"],
            "actions": [*member["actions"], *self._switched.get(place, {"actions": []})["actions"]],
            "failed": problem is not None,
            "reason_code": problem["reason_code"] if problem else member["reason_code"],
            "text": f"{self._service}: {describe_unprocessed(problem)}" if problem else "",
        }

    def _left_on(self, place: Place, member: Row) -> Row | None:
        """Return why a service that was to go off was left on."""
        row = self._administrators.get(place)
        is_off = place in self._switched or (row and row["reason_code"] == Reason.SERVICE_NOT_ENABLED.value)
        if not self._disables or is_off or member["outcome"] == "skipped":
            return None
        reason, text = Reason.OTHER, self._message or "nobody could look into the account"
        if row and row["administrator_id"]:
            reason = Reason.MEMBER_OF_OTHER_ADMINISTRATOR
            text = f"the account is a member of {row['administrator_id']} (status {row['status']})"
        return unprocessed_row(place[1], place[0], Problem(reason, f"the service was left on: {text}"))
