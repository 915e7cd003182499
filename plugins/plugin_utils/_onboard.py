# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the onboard role decides in bulk: which rows the modules get, who has to accept, what each host is told. Pure.

The inventory is the list of accounts, one host each. The modules work on all hosts of a batch at once; here their rows
are brought back to the hosts, so that each is judged by its own account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._guardduty.states import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Problem,
    Reason,
    ServiceFacts,
    State,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.result import (
    describe_unprocessed,
    unprocessed_row,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import check_members
from ansible_collections.muster.aws.plugins.module_utils._securityhub.states import SECURITYHUB

FACTS: Mapping[str, ServiceFacts] = {facts.name: facts for facts in (GUARDDUTY, SECURITYHUB)}

_JOINED = frozenset({State.ENABLED, State.SUSPENDED})
_DONE = frozenset({"changed", "unchanged", "skipped"})

Row = Mapping[str, Any]
Result = Mapping[str, Any]
Place = tuple[str, str]


def collect_batch(hosts: Iterable[str], hostvars: Mapping[str, Any], services: Iterable[str]) -> dict[str, Any]:
    """Return the accounts of a batch as the modules take them, and what is wrong with the rest.

    :param hosts: The hosts of the batch.
    :param hostvars: Their variables: ``onboard_account_id`` (default: the host's name) and ``onboard_account_email``.
    :param services: The services, each with its own rules for e-mail addresses.
    :returns: ``accounts`` (host to account id), ``members`` (service to rows), ``faults`` (host to service to text).
    """
    rows = {
        host: {
            "account_id": hostvars[host].get("onboard_account_id", host),
            "email": hostvars[host].get("onboard_account_email"),
        }
        for host in hosts
    }
    members: dict[str, list[dict[str, Any]]] = {}
    faults: dict[str, dict[str, str]] = {host: {} for host in rows}
    for service in services:
        accounts, found = check_members(rows.values(), FACTS[service].needs_email)
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
    }


def foresee_members(
    members: Result, service_result: Result, service: str, by_invitation: bool, is_check: bool
) -> Result:
    """Return the result of the member task, with what check mode cannot see: the members where the service is still off.

    A service that is off has no members, so that every account of such a Region is new once it is switched on.
    """
    switched_on = {
        row["region"] for row in _rows(service_result, "detectors", "hubs") if "enable_service" in row["actions"]
    }
    if not is_check or not switched_on:
        return members
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
        for row in _rows(members, "members")
    ]
    return {**members, "members": rows}


def invited_scope(members: Result, service: str) -> dict[str, list[str]]:
    """Return the accounts that have an invitation to accept, and the Regions in which some of them have."""
    return _scope(_invited_places(members, service))


def uninvited_scope(administrators: Result, members: Result, service: str) -> dict[str, list[str]]:
    """Return the accounts and Regions whose invitation was sent but not found: AWS shows it there with a delay."""
    missing = {
        (row["region"], row["account_id"])
        for row in _rows(administrators, "administrators")
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
        for row in _rows(info, "members")
        if FACTS[service].state_of(row["status"]) in _JOINED
    }
    return _accepted_places(administrators) <= shown


def _invited_places(members: Result, service: str) -> set[Place]:
    return {
        (row["region"], row["account_id"])
        for row in _rows(members, "members")
        if FACTS[service].state_of(row["status"]) is State.INVITED
    }


def _accepted_places(administrators: Iterable[Result]) -> set[Place]:
    return {
        (row["region"], row["account_id"])
        for result in administrators
        for row in _rows(result, "administrators")
        if "accept" in row["actions"]
    }


def _scope(places: Iterable[Place]) -> dict[str, list[str]]:
    found = list(places)
    return {
        "regions": sorted({region for region, _account_id in found}),
        "account_ids": sorted({account_id for _region, account_id in found}),
    }


def _rows(result: Result | None, *keys: str) -> Sequence[Row]:
    return next((result[key] for key in keys if result and result.get(key)), ())


def judge_hosts(
    batch: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]], regions: Sequence[str]
) -> dict[str, Any]:
    """Return what became of each host's account.

    :param batch: From :func:`collect_batch`.
    :param results: By service: the registered results ``service`` (switching it on in the administrator), ``members``,
        ``administrators`` (a list), ``info``; and ``is_check``.
    :param regions: The Regions that were asked for.
    :returns: Host to ``account_id``, ``changed``, ``failed``, ``text`` and ``rows`` (one per service and Region).
    """
    judged = {service: _ServiceJudge(service, result) for service, result in results.items()}
    verdicts = {}
    for host, account_id in batch["accounts"].items():
        rows = [
            _fault_row(service, region, account_id, batch["faults"][host][service])
            if service in batch["faults"][host]
            else judge.row(region, account_id)
            for service, judge in judged.items()
            for region in sorted(regions)
        ]
        failures = [row["text"] for row in rows if row["failed"]]
        verdicts[host] = {
            "account_id": account_id,
            "changed": any(row["actions"] for row in rows),
            "failed": bool(failures),
            "text": "; ".join(dict.fromkeys(failures)) or _summary(rows),
            "rows": rows,
        }
    return verdicts


def _summary(rows: Iterable[Row]) -> str:
    """Say where an account stands: "guardduty: Enabled in eu-central-1, us-east-1"."""
    places: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        words = places.setdefault(row["service"], {})
        words.setdefault(row["status"] or row["reason_code"], []).append(row["region"])
    return "; ".join(
        f"{service}: " + ", ".join(f"{word} in {' '.join(regions)}" for word, regions in words.items())
        for service, words in places.items()
    )


def _fault_row(service: str, region: str, account_id: str, text: str) -> dict[str, Any]:
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


class _ServiceJudge:
    """Brings the rows of one service's tasks together: the last word is the administrator's own list."""

    def __init__(self, service: str, results: Mapping[str, Any]) -> None:
        self._service = service
        self._facts = FACTS[service]
        self._is_check = results["is_check"]
        every = [results["service"], results["members"], *results["administrators"]]
        # A task that failed as a whole has a message and no rows.
        self._message = next(
            (r["msg"] for r in every if r and r.get("msg") and not r.get("unprocessed_accounts")), None
        )
        self._member_problems = _by_place(_rows(results["members"], "unprocessed_accounts"))
        self._administrator_problems = {
            place: row
            for result in results["administrators"]
            for place, row in _by_place(_rows(result, "unprocessed_accounts")).items()
        }
        self._members = _by_place(_rows(results["members"], "members"))
        self._info = _by_place(_rows(results["info"], "members"))
        self._refusals = {row["region"]: row for row in _rows(results["service"], "unprocessed_accounts")}
        self._administrators: dict[Place, Row] = {}
        for result in results["administrators"]:
            for place, row in _by_place(_rows(result, "administrators")).items():
                # A second try continues the first: its row counts, with what the first had done before.
                earlier = self._administrators.get(place, {"actions": []})
                self._administrators[place] = {**row, "actions": [*earlier["actions"], *row["actions"]]}

    def row(self, region: str, account_id: str) -> dict[str, Any]:
        """Return the row of one account in one Region."""
        place = (region, account_id)
        member = self._members.get(place)
        if member is None:
            text = self._message or "the account was not reached"
            return _fault_row(self._service, region, account_id, text) | {"reason_code": Reason.OTHER.value}
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
        if seen:
            return seen["status"]
        if self._is_check and administrator and administrator["outcome"] in _DONE:
            return administrator["status"]
        return member["status"]

    def _problem(
        self, place: Place, member: Row, administrator: Row | None, status: str | None
    ) -> Mapping[str, Any] | None:
        """Return why the account is not a member, as a row of unprocessed_accounts; None if it is."""
        if member["outcome"] not in _DONE:
            # That the service could not be switched on is the reason behind its being off.
            is_off = member["reason_code"] == Reason.SERVICE_NOT_ENABLED.value
            refusal = self._refusals.get(place[0]) if is_off else None
            return {**refusal, "account_id": place[1]} if refusal else self._member_problems[place]
        if member["outcome"] == "skipped" or self._facts.state_of(status) in _JOINED:
            return None
        if administrator and administrator["outcome"] == "skipped":
            return None
        if administrator and administrator["outcome"] not in _DONE:
            return self._administrator_problems[place]
        text = self._message or f"the administrator still sees the status {status}"
        problem = Problem(Reason.OTHER if self._message else Reason.TIMED_OUT, text)
        return unprocessed_row(place[1], place[0], problem)


def _by_place(rows: Iterable[Row]) -> dict[Place, Row]:
    return {(row["region"], row["account_id"]): row for row in rows}


def total_stats(earlier: Mapping[str, Any], verdicts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of all batches so far, per service and Region, for AWX's artifacts.

    :param earlier: The totals before this batch.
    :param verdicts: From :func:`judge_hosts`.
    """
    totals: dict[str, Any] = {
        service: {region: {**counts, "failed_ids": list(counts["failed_ids"])} for region, counts in by_region.items()}
        for service, by_region in earlier.items()
    }
    for verdict in verdicts.values():
        for row in verdict["rows"]:
            counts = totals.setdefault(row["service"], {}).setdefault(
                row["region"], {"accounts": 0, "changed": 0, "failed": 0, "failed_ids": []}
            )
            counts["accounts"] += 1
            counts["changed"] += bool(row["actions"])
            counts["failed"] += row["failed"]
            counts["failed_ids"] += [row["account_id"]] if row["failed"] else []
    return totals
