# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the onboard role decides in bulk: who has an invitation to accept, and what each host is told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

_JOINED = frozenset({State.ENABLED, State.SUSPENDED})


def foresee_members(members: Result, service_result: Result, service: str, by_invitation: bool) -> Result:
    """Return the result of the member task, with what check mode cannot see: members where the service is still off.

    A service that is off has no members, so that every account of such a Region is new once it is switched on.
    """
    switched_on = {
        row["region"] for row in rows_of(service_result, "detectors", "hubs") if "enable_service" in row["actions"]
    }
    state = State.INVITED if by_invitation else State.ENABLED
    new = {
        "status": FACTS[service].word_for(state),
        "actions": ["create", "invite"] if by_invitation else ["create"],
        "outcome": "changed",
        "reason_code": None,
        "reason": None,
    }
    is_new = {True: new, False: {}}
    rows = [
        {
            **row,
            **is_new[row["region"] in switched_on and row["reason_code"] == Reason.SERVICE_NOT_ENABLED.value],
        }
        for row in rows_of(members, "members")
    ]
    return {**members, "members": rows}


def invited_scope(members: Result, service: str) -> dict[str, list[str]]:
    """Return the accounts that have an invitation to accept, and the Regions in which some of them have."""
    return _scope(_invited_places(members, service))


def uninvited_scope(administrators: Result, members: Result, service: str) -> dict[str, list[str]]:
    """Return the accounts and Regions whose invitation was sent but not found: AWS shows it there with a delay."""
    missing = {
        (row["region"], row["account_id"])
        for row in rows_of(administrators, "administrators")
        if row["reason_code"] == Reason.NO_INVITATION.value
    }
    return _scope(missing & _invited_places(members, service))


def accepted_scope(*administrators: Result) -> dict[str, list[str]]:
    """Return the accounts that have accepted in some Region, and those Regions."""
    return _scope(_accepted_places(administrators))


def is_shown(info: Result, service: str, *administrators: Result) -> bool:
    """Tell whether the administrator sees as members all that have accepted."""
    shown = {
        (row["region"], row["account_id"])
        for row in rows_of(info, "members")
        if FACTS[service].state_of(row["status"]) in _JOINED
    }
    return _accepted_places(administrators) <= shown


def _invited_places(members: Result, service: str) -> set[Place]:
    return {
        (row["region"], row["account_id"])
        for row in rows_of(members, "members")
        if FACTS[service].state_of(row["status"]) is State.INVITED
    }


def _accepted_places(administrators: Iterable[Result]) -> set[Place]:
    return {
        (row["region"], row["account_id"])
        for result in administrators
        for row in rows_of(result, "administrators")
        if "accept" in row["actions"]
    }


def _scope(places: Iterable[Place]) -> dict[str, list[str]]:
    found = list(places)
    return {
        "regions": sorted({region for region, _account_id in found}),
        "account_ids": sorted({account_id for _region, account_id in found}),
    }


def judge_onboarding(
    batch: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], regions: Sequence[str]
) -> dict[str, Any]:
    """Return what became of each host's account.

    :param batch: From :func:`collect_batch`.
    :param results: By service: the registered results ``service`` (switching it on in the administrator), ``members``,
        ``administrators`` (a list), ``info``; and ``is_check``.
    :param regions: The Regions that were asked for.
    :returns: As :func:`judge_hosts`.
    """
    judges = {service: _ServiceJudge(service, results[service]).row for service in batch["members"]}
    return judge_hosts(batch, regions, judges)


class _ServiceJudge:
    """Brings the rows of one service's tasks together: the last word is the administrator's own list."""

    def __init__(self, service: str, results: Mapping[str, Any]) -> None:
        self._service = service
        self._facts = FACTS[service]
        self._is_check = results["is_check"]
        every = [results["service"], results["members"], *results["administrators"], results["info"]]
        self._message = message_of(every)
        self._member_problems = by_place(rows_of(results["members"], "unprocessed_accounts"))
        self._administrator_problems = {
            place: row
            for result in results["administrators"]
            for place, row in by_place(rows_of(result, "unprocessed_accounts")).items()
        }
        self._members = by_place(rows_of(results["members"], "members"))
        self._info = by_place(rows_of(results["info"], "members"))
        self._unread = by_place(rows_of(results["info"], "unprocessed_accounts"))
        self._refusals = {row["region"]: row for row in rows_of(results["service"], "unprocessed_accounts")}
        self._administrators: dict[Place, Row] = {}
        for result in results["administrators"]:
            for place, row in by_place(rows_of(result, "administrators")).items():
                # A second try continues the first: its row counts, with what the first had done before.
                earlier = self._administrators.get(place, {"actions": []})
                self._administrators[place] = {**row, "actions": [*earlier["actions"], *row["actions"]]}

    def row(self, region: str, account_id: str) -> dict[str, Any]:
        """Return the row of one account in one Region."""
        place = (region, account_id)
        member = self._members.get(place)
        if member is None:
            text = self._message or "the account was not reached"
            return fault_row(self._service, region, account_id, text) | {"reason_code": Reason.OTHER.value}
        administrator = self._predicted(member, self._administrators.get(place))
        status = self._status(place, member, administrator)
        problem = self._problem(place, member, administrator, status)
        return {
            "service": self._service,
            "region": region,
            "account_id": account_id,
            "status": status,
            "previous_status": member["previous_status"],
            "actions": [*member["actions"], *(administrator["actions"] if administrator else ())],
            "failed": problem is not None,
            "reason_code": problem["reason_code"] if problem else member["reason_code"],
            "text": f"{self._service}: {describe_unprocessed(problem)}" if problem else "",
        }

    def _predicted(self, member: Row, administrator: Row | None) -> Row | None:
        """In check mode an invitation that would be sent cannot be found yet, and would be accepted."""
        is_missing = administrator is not None and administrator["reason_code"] == Reason.NO_INVITATION.value
        if administrator is None or not (self._is_check and is_missing and "invite" in member["actions"]):
            return administrator
        return {
            **administrator,
            "status": self._facts.word_for(State.ENABLED),
            "actions": [*administrator["actions"], "accept"],
            "outcome": "changed",
            "reason_code": None,
        }

    def _status(self, place: Place, member: Row, administrator: Row | None) -> str | None:
        seen = self._info.get(place)
        if seen and seen["outcome"] != "failed":
            return seen["status"]
        if self._is_check and administrator and administrator["outcome"] in DONE:
            return administrator["status"]
        return member["status"]

    def _problem(
        self, place: Place, member: Row, administrator: Row | None, status: str | None
    ) -> Mapping[str, Any] | None:
        """Return why the account is not a member, as a row of unprocessed_accounts; None if it is."""
        if member["outcome"] not in DONE:
            # That the service could not be switched on is the reason behind its being off.
            is_off = member["reason_code"] == Reason.SERVICE_NOT_ENABLED.value
            refusal = self._refusals.get(place[0]) if is_off else None
            return {**refusal, "account_id": place[1]} if refusal else self._member_problems[place]
        if member["outcome"] == "skipped" or self._facts.state_of(status) in _JOINED:
            return None
        if administrator and administrator["outcome"] == "skipped":
            return None
        if administrator and administrator["outcome"] not in DONE:
            return self._administrator_problems[place]
        if place in self._unread:
            return self._unread[place]
        text = self._message or f"the administrator still sees the status {status}"
        problem = Problem(Reason.OTHER if self._message else Reason.TIMED_OUT, text)
        return unprocessed_row(place[1], place[0], problem)
