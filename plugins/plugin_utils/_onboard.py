# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the onboard role does in bulk with a batch of accounts, and what each of its hosts is told.

It sends nothing by itself: it asks for modules to be run, and brings their rows together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import ceil
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, State, Step
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    DONE,
    FACTS,
    SUSPENDED,
    SUSPENDED_STEP,
    SUSPENDED_TEXT,
    BatchWork,
    Place,
    Result,
    Row,
    Work,
    by_place,
    explained,
    fault_row,
    is_watched,
    judge_hosts,
    message_of,
    rows_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import Words, counted

_JOINED = frozenset({State.ENABLED, State.SUSPENDED})


def foresee_members(members: Result, service_result: Result, service: str, by_invitation: bool) -> Result:
    """Return the result of the member task, with what check mode cannot see: members where the service is still off.

    A service that is off has no members, so that every account of such a Region is new once it is switched on.
    """
    facts = FACTS[service]
    switched_on = _regions_to_switch_on(service, service_result)
    state = State.INVITED if by_invitation else State.ENABLED
    new = {
        "status": facts.word_for(state),
        "actions": [step.value for step in (facts.invitation if by_invitation else (Step.CREATE,))],
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


def onboard_batch(
    work: BatchWork, options: Mapping[str, Any], batch: Mapping[str, Any], switched_on: Mapping[str, Result]
) -> dict[str, Any]:
    """Make the accounts of a batch members, and return what became of them.

    :param options: The role's, by name without its prefix.
    :param batch: From :func:`.._fleet.batch_of`.
    :param switched_on: By service: the result of switching it on in the administrator.
    :returns: As :func:`.._fleet.judge_hosts`, and ``notes`` for the end.
    """
    done = work.side_by_side(
        {
            service: partial(onboard_service, work, options, service, rows, switched_on[service])
            for service, rows in batch["members"].items()
        }
    )
    judges = {
        service: _ServiceJudge(service, results, options.get("monitoring")).row for service, results in done.items()
    }
    judged = judge_hosts(batch, options["regions"], judges, Words("onboard_", "no record", work.is_check))
    notes = [note for service, results in done.items() for note in _unlisted(service, results)]
    if work.is_check and options["via"] == "organization":
        notes += [note for service, result in switched_on.items() for note in _unasked(service, result)]
    return {**judged, "notes": notes}


def _unasked(service: str, service_result: Result) -> Iterator[str]:
    """Say where check mode cannot ask whether AWS would take the organization's accounts."""
    regions = _regions_to_switch_on(service, service_result)
    if regions:
        title = FACTS[service].title
        yield f"{title} is off in {' '.join(sorted(regions))}: whether it is delegated there could not be asked"


def _regions_to_switch_on(service: str, service_result: Result) -> set[str]:
    rows = rows_of(service_result, FACTS[service].kind.rows)
    return {row["region"] for row in rows if Step.ENABLE_SERVICE.value in row["actions"]}


def _unlisted(service: str, results: Mapping[str, Any]) -> Iterator[str]:
    """Say which features AWS does not list, and where: it may have no such feature there, or none of this name."""
    facts = FACTS[service]
    regions: dict[str, set[str]] = {}
    for row in (*rows_of(results["members"], "members"), *rows_of(results["settled"], "members")):
        for feature in row.get("features") or () if row["outcome"] in DONE else ():
            # That of a feature which is not listed is not listed either.
            named = [feature] if feature[facts.features.option] is None else feature["additional_configuration"]
            for each in named:
                if each[facts.features.option] is None:
                    regions.setdefault(each["name"], set()).add(row["region"])
    for name, where in regions.items():
        yield f"{facts.title} does not list the feature {name} in {' '.join(sorted(where))}: it counts as off"


# What each service's member module takes beyond the common options, by the role's name for it.
def _own_options(service: str, options: Mapping[str, Any]) -> dict[str, Any]:
    # The names of features are the service's, and so is the role's variable.
    names = {"features": f"{service}_features"}
    return {option: options.get(names.get(option, option)) for option in FACTS[service].member_options}


def onboard_service(
    work: Work, options: Mapping[str, Any], service: str, rows: Sequence[Row], switched_on: Result
) -> dict[str, Any]:
    """Make accounts members of the administrator in one service, and let them accept.

    :param rows: ``account_id`` and ``email`` of each.
    :returns: The results ``service``, ``members``, ``administrators`` (a list), ``info`` and ``settled``, and
        ``is_check``.
    """
    title = FACTS[service].title
    common = {"regions": options["regions"], "concurrency": options["concurrency"]}
    results: dict[str, Any] = {
        "service": switched_on,
        "members": {},
        "administrators": [],
        "info": {},
        "settled": {},
        "is_check": work.is_check,
    }
    if not rows:
        return results
    by_invitation = options["via"] == "invitation"
    members = work.run(
        f"{service}_member",
        members=list(rows),
        via=options["via"],
        reinvite_resigned=options["reinvite_resigned"],
        # Whoever cannot be entered could not accept: no invitation is sent there.
        **(
            {"role_name": options["member_role_name"], "external_id": options.get("external_id")}
            if by_invitation
            else {}
        ),
        wait_timeout=options["wait_timeout"],
        **_own_options(service, options),
        **common,
    )
    if work.is_check:
        members = foresee_members(members, switched_on, service, by_invitation)
    results["members"] = members
    scope = invited_scope(members, service)
    if not by_invitation or not scope["account_ids"]:
        return results

    def accept(scope: Mapping[str, Any], wait: bool) -> Result:
        return work.run(
            f"{service}_administrator",
            administrator_id=options["administrator_id"],
            role_name=options["member_role_name"],
            external_id=options.get("external_id"),
            enable_service=options["enable_services"],
            wait=wait,
            wait_timeout=options["wait_timeout"],
            concurrency=options["concurrency"],
            **scope,
        )

    work.say(f"{title}: {counted(len(scope['account_ids']), 'account')} to accept the invitation")
    # What is there now: an invitation may arrive later, and the acceptance is seen below, for all accounts at once.
    accepted = accept(scope, wait=False)
    results["administrators"] = [accepted]
    late = uninvited_scope(accepted, members, service)
    if work.is_check:
        return results
    if late["account_ids"]:
        work.say(f"{title}: {counted(len(late['account_ids']), 'invitation')} not there yet, waiting")
        results["administrators"].append(accept(late, wait=True))
    results["info"] = _see_members(work, options, service, results["administrators"])
    results["settled"] = _settle(work, options, service, rows, results["administrators"])
    return results


_LOOK_EVERY = 5  # seconds


def _see_members(work: Work, options: Mapping[str, Any], service: str, administrators: Sequence[Result]) -> Result:
    """Look until the administrator sees as members all that have accepted, within ``wait_timeout``."""
    scope = accepted_scope(*administrators)
    info: Result = {}
    if not scope["account_ids"]:
        return info
    for look in range(1 + ceil(options["wait_timeout"] / _LOOK_EVERY)):
        if look:
            work.sleep(_LOOK_EVERY)
        info = work.run(
            f"{service}_member_info",
            member_ids=scope["account_ids"],
            regions=scope["regions"],
            concurrency=options["concurrency"],
        )
        if is_shown(info, service, *administrators):
            break
    return info


def _settle(
    work: Work, options: Mapping[str, Any], service: str, rows: Sequence[Row], administrators: Sequence[Result]
) -> Result:
    """Give those that have accepted what only a member can have: suspended monitoring, and features."""
    scope = accepted_scope(*administrators)
    own = _own_options(service, options)
    if not scope["account_ids"] or not (own.get("monitoring") == SUSPENDED or own.get("features")):
        return {}
    accepted = set(scope["account_ids"])
    return work.run(
        f"{service}_member",
        members=[row for row in rows if row["account_id"] in accepted],
        regions=scope["regions"],
        wait_timeout=options["wait_timeout"],
        concurrency=options["concurrency"],
        **own,
    )


_UNWATCHED = {"reason_code": SUSPENDED, "reason": SUSPENDED_TEXT, "next_step": SUSPENDED_STEP}


class _ServiceJudge:
    """Brings the rows of one service's tasks together: the last word is the administrator's own list."""

    def __init__(self, service: str, results: Mapping[str, Any], monitoring: str | None) -> None:
        self._service = service
        self._monitoring = monitoring
        self._facts = FACTS[service]
        self._is_check = results["is_check"]
        every = [results["service"], results["members"], *results["administrators"], results["info"]]
        self._message = message_of(every)
        self._settle_message = message_of([results["settled"]])
        self._member_problems = by_place(rows_of(results["members"], "unprocessed_accounts"))
        self._administrator_problems = {
            place: row
            for result in results["administrators"]
            for place, row in by_place(rows_of(result, "unprocessed_accounts")).items()
        }
        self._members = by_place(rows_of(results["members"], "members"))
        self._info = by_place(rows_of(results["info"], "members"))
        self._settled = by_place(rows_of(results["settled"], "members"))
        self._unsettled = by_place(rows_of(results["settled"], "unprocessed_accounts"))
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
            return fault_row(self._service, place, self._message or "the account was not reached")
        administrator = self._predicted(member, self._administrators.get(place))
        if self._is_check and administrator and administrator["reason_code"] == Reason.ASSUME_ROLE_FAILED.value:
            # Whoever cannot be entered is not invited, which was not asked where the service is still off.
            member = {**member, "status": member["previous_status"], "actions": []}
        status = self._status(place, member, administrator)
        problem = self._problem(place, member, administrator, status)
        return {
            "service": self._service,
            "region": region,
            "account_id": account_id,
            "status": status,
            "previous_status": member["previous_status"],
            "actions": [
                *member["actions"],
                *(administrator["actions"] if administrator else ()),
                *self._settling(place, administrator),
            ],
            "failed": problem is not None,
            **explained(problem, member),
        }

    def _predicted(self, member: Row, administrator: Row | None) -> Row | None:
        """In check mode an invitation that would be sent cannot be found yet, and would be accepted."""
        is_missing = administrator is not None and administrator["reason_code"] == Reason.NO_INVITATION.value
        will_be_invited = self._is_check and self._facts.invitation[-1].value in member["actions"]
        if administrator is None or not (is_missing and will_be_invited):
            return administrator
        return {
            **administrator,
            "status": self._facts.word_for(State.ENABLED),
            "actions": [*administrator["actions"], "accept"],
            "outcome": "changed",
        }

    def _settling(self, place: Place, administrator: Row | None) -> Sequence[str]:
        """Return what was done for the account once it had accepted or, in check mode, would be."""
        if self._will_be_suspended(administrator):
            return [Step.STOP_MONITORING.value]
        return self._settled[place]["actions"] if place in self._settled else ()

    def _will_be_suspended(self, administrator: Row | None) -> bool:
        """Tell whether check mode foresees it. What features a new member comes with, it cannot know."""
        will_accept = self._is_check and administrator is not None and "accept" in administrator["actions"]
        return will_accept and self._monitoring == SUSPENDED and "monitoring" in self._facts.member_options

    def _status(self, place: Place, member: Row, administrator: Row | None) -> str | None:
        if place in self._settled:
            return self._settled[place]["status"]
        if self._will_be_suspended(administrator):
            return self._facts.word_for(State.SUSPENDED)
        seen = self._info.get(place)
        if seen and seen["outcome"] != "failed":
            return seen["status"]
        if self._is_check and administrator and administrator["outcome"] in DONE:
            return administrator["status"]
        return member["status"]

    def _problem(
        self, place: Place, member: Row, administrator: Row | None, status: str | None
    ) -> Mapping[str, Any] | None:
        """Return why the account is not a member; None if it is."""
        if member["outcome"] not in DONE:
            return self._member_problem(place, member)
        if administrator and "accept" in administrator["actions"]:
            if self._settle_message:
                return {"reason_code": Reason.OTHER.value, "reason": self._settle_message}
            if place in self._unsettled:
                return self._unsettled[place]
        state = self._facts.state_of(status)
        if member["outcome"] == "skipped" or is_watched(state, self._monitoring):
            return None
        if state is State.SUSPENDED:
            return _UNWATCHED
        if administrator and administrator["outcome"] == "skipped":
            return None
        if administrator and administrator["outcome"] not in DONE:
            return self._administrator_problems[place]
        if place in self._unread:
            return self._unread[place]
        reason = Reason.OTHER if self._message else Reason.TIMED_OUT
        text = self._message or f"the administrator still sees {f'the status {status}' if status else 'no record'}"
        return {"reason_code": reason.value, "reason": text}

    def _member_problem(self, place: Place, member: Row) -> Row:
        # That the service could not be switched on is the reason behind its being off.
        is_off = member["reason_code"] == Reason.SERVICE_NOT_ENABLED.value
        return (self._refusals.get(place[0]) if is_off else None) or self._member_problems[place]
