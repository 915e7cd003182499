# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the organization role does: the administrator's services on, the delegation, the settings. Pure.

It sends nothing by itself: it asks for modules to be run. What fails in one Region of a service is told, and the steps
that follow are not taken there; the other Regions and services go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ansible_collections.muster.aws.plugins.module_utils._membership.features import explain_features
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, Step
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import HINTS
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import (
    DONE,
    FACTS,
    Result,
    Row,
    Work,
    operations_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import causes_of, listed, places_of

# How often an account is asked again that has just become the administrator, and the seconds in between: AWS takes some
# minutes until it lets the administrator act as one.
_TRIES, _PAUSE = 20, 15.0

_DELEGATIONS = "organization_administrators"

# What keeps an administrator from its half, too; otherwise it only may not ask who the administrator is.
_OF_BOTH_HALVES = frozenset(
    {
        Reason.ORGANIZATION_NOT_IN_USE.value,
        Reason.OTHER_DELEGATED_ADMINISTRATOR.value,
        Reason.INTERNAL_ERROR.value,
        Reason.REGION_UNAVAILABLE.value,
        Reason.THROTTLED.value,
    }
)

# In place of the modules' hints, which name their options. {caller} is whose the credentials are.
_ROLE_HINTS = {
    Reason.ASSUME_ROLE_FAILED: (
        "check organization_administrator_role_name, the role's trust policy and external id, and the caller's "
        "permission to assume it"
    ),
    Reason.NOT_MANAGEMENT_ACCOUNT: (
        "these are the credentials of {caller}: use those of the organization's management account, or for its half "
        "those of organization_administrator_id"
    ),
    Reason.NOT_DELEGATED_ADMINISTRATOR: (
        "run this with the credentials of the organization's management account first, which delegates"
    ),
    Reason.ORGANIZATION_NOT_IN_USE: (
        "{caller} belongs to no organization with all features: use another account's credentials, or onboard by "
        "invitation"
    ),
    Reason.TRUSTED_ACCESS_MISSING: (
        "add the service principal to organization_service_principals, with the management account's credentials"
    ),
    Reason.SERVICE_NOT_ENABLED: "set organization_enable_service=true, or switch the service on first",
    Reason.REGION_UNAVAILABLE: "check organization_regions, and that the account has opted in to the Region",
    Reason.THROTTLED: "run again later",
    Reason.TIMED_OUT: "run again later",
}

# What was done, as it is told; in check mode after "would be".
_DONE_WORDS = {
    Step.ENABLE_SERVICE: "service switched on",
    Step.UPDATE_SERVICE: "service updated",
    Step.ENABLE_SERVICE_ACCESS: "trusted access switched on",
    Step.DELEGATE: "administrator delegated",
    Step.UPDATE_ORGANIZATION: "settings updated",
}


class OrganizeWork(Work, Protocol):
    """What the work for an organization needs beside."""

    def only_looking(self) -> AbstractContextManager[None]:
        """Run modules in check mode meanwhile."""


class _Course:
    """The way of one service, step by step."""

    def __init__(self, service: str, work: OrganizeWork, options: Mapping[str, Any], caller: str) -> None:
        self.service, self.facts = service, FACTS[service]
        self._work, self._options, self._caller = work, options, caller
        self._administrator_id = options["administrator_id"]
        # Whether delegating is up to the caller. An administrator that it is, too, is the management account.
        self.delegates = caller != self._administrator_id
        # How the administrator is reached: with the credentials at hand, or by a role.
        self._there: dict[str, Any] = {}
        if self.delegates:
            names = {"role_name": "administrator_role_name", "external_id": "external_id"}
            # A controller gives what is empty, too.
            values = {name: options.get(own) or None for name, own in names.items()}
            self._there = {"account_ids": [self._administrator_id], **values}
        # Where every step so far was done.
        self._regions = list(options["regions"])
        self.done: dict[str, list[str]] = {}
        # Where check mode cannot read the settings before it is no check.
        self.unread: list[str] = []
        self.problems: list[dict[str, Any]] = []
        self.messages: list[str] = []
        self.warnings: list[Any] = []

    def follow(self) -> None:
        """Take all steps."""
        kind = self.facts.kind
        self._see_delegation()
        in_management = self.delegates and self._options["enable_in_management"]
        if self._options["enable_service"] or (in_management and not self._there):
            self._take(kind.rows, self._run(kind.module, **self._there), self._administrator_id)
        switched_on = self._where(Step.ENABLE_SERVICE, Step.UPDATE_SERVICE)
        if in_management and self._there:
            self._take(kind.rows, self._run(kind.module), self._caller)
        if self.delegates:
            self._take(_DELEGATIONS, self._run_delegation(), self._caller)
        settings = self._options.get(self.service) or {}
        # Whoever may not ask who the administrator is finds out with the settings whether it is the one.
        if settings or not self.delegates:
            self._set(settings, switched_on)

    def _see_delegation(self) -> None:
        """Write nothing in the administrator where AWS would not have it as one: another may be there."""
        with self._work.only_looking():
            result = self._run_delegation()
        rows = result.get(_DELEGATIONS) or ()
        refused = [row for row in rows if row["outcome"] not in DONE]
        if not self._there:
            self.delegates = len(refused) < len(rows)
        if not self.delegates:
            refused = [row for row in refused if row["reason_code"] in _OF_BOTH_HALVES]
        if refused or not rows:
            self._take(_DELEGATIONS, {**result, _DELEGATIONS: refused}, self._caller)

    def _run_delegation(self) -> Result:
        # Where delegating itself switches trusted access on, there is none to ask for; others come beside its own.
        kind, given = self.facts.organization, self._options.get("service_principals")
        principals = list(dict.fromkeys([kind.principal, *given])) if kind and kind.needs_trust and given else None
        return self._run(
            "organization_administrator", administrator_id=self._administrator_id, service_principals=principals
        )

    def _set(self, settings: Mapping[str, Any], switched_on: Collection[str]) -> None:
        """Set what accounts get; in check mode, where that can be read before the steps until here are taken."""
        delegated = self._where(Step.DELEGATE)
        if self._work.is_check:
            self.unread = [region for region in self._regions if region in {*switched_on, *delegated}]
        regions = [region for region in self._regions if region not in self.unread]
        for left in reversed(range(_TRIES + 1)):
            result = self._run("organization", regions=regions, **self._there, **settings)
            regions = _early_regions(result, delegated) if left else []
            self._take("organizations", result, self._administrator_id, again=regions)
            if not regions:
                return
            self._work.sleep(_PAUSE)

    def _where(self, *steps: Step) -> set[str]:
        """Return the Regions in which one of these steps was taken so far."""
        return {region for region, actions in self.done.items() if {step.value for step in steps} & set(actions)}

    def _run(self, module: str, **options: Any) -> Result:
        given = {"regions": self._regions, **options}
        result = self._work.run(f"{self.service}_{module}", **given) if given["regions"] else {}
        self.warnings += result.get("warnings") or ()
        return result

    def _take(self, key: str, result: Result, account_id: str, again: Collection[str] = ()) -> None:
        """Take in what was done, and what failed and where.

        :param account_id: The account in which it was done.
        :param again: The Regions that are asked again, whatever failed there.
        """
        rows: Sequence[Row] = result.get(key) or ()
        if result and not rows:
            self.messages.append(str(result.get("msg")))
            self._regions = []
        operations = operations_of(result)
        for row in rows:
            region = row["region"]
            self.done[region] = [*self.done.get(region, []), *row["actions"]]
            if row["outcome"] not in DONE and region not in again:
                about = {"service": self.service, "account_id": account_id}
                self.problems.append({**row, **about, "operation": operations.get(region)})
                self._regions.remove(region)

    @property
    def needs_trust(self) -> bool:
        """Whether trusted access has to be on before the service can be delegated."""
        return bool(self.facts.organization and self.facts.organization.needs_trust)

    @property
    def failed(self) -> dict[str, str]:
        """Region to reason code."""
        whole = dict.fromkeys(self._options["regions"], Reason.OTHER.value) if self.messages else {}
        return {**whole, **{problem["region"]: problem["reason_code"] for problem in self.problems}}

    @property
    def lines(self) -> list[str]:
        """What there is to tell of what was done."""
        by_words: dict[str, list[str]] = {}
        for region in self._options["regions"]:
            words = ", ".join(dict.fromkeys(_DONE_WORDS[Step(action)] for action in self.done.get(region, ())))
            if words:
                words = f"would be: {words}" if self._work.is_check else words
            if region in self.unread:
                words += "; the settings cannot be read before that"
            if words or region not in self.failed:
                words = words or "as it should be"
                by_words[words] = [*by_words.get(words, []), region]
        return [f"{self.facts.title}, {' '.join(regions)}: {words}" for words, regions in by_words.items()]


def explain_settings(options: Mapping[str, Any]) -> list[str]:
    """Return what a module would refuse of the settings, when others before it have written, as sentences.

    :param options: The role's, by name without its prefix.
    """
    texts = []
    for service, facts in FACTS.items():
        words = facts.organization.features if facts.organization else None
        rows = options.get(service, {}).get("features", ())
        texts += [f"{service}.{text}" for text in explain_features(rows, words)] if words else []
    return texts


def organize(work: OrganizeWork, options: Mapping[str, Any], caller: str) -> dict[str, Any]:
    """Delegate, and set what accounts of the organization get.

    :param options: The role's, by name without its prefix.
    :param caller: Whose credentials these are: the management account's, or the administrator's for its half.
    :returns: ``changed``, ``failed``, ``lines`` to tell, ``failures``, the modules' ``warnings``, and ``stats`` by
        service and Region.
    """
    courses = [_Course(service, work, options, caller) for service in dict.fromkeys(options["services"])]
    for course in courses:
        course.follow()
    failures = []
    for cause in causes_of(problem for course in courses for problem in course.problems):
        what = f"{cause.sentence} ({cause.reason_code}: {_hint(cause.reason_code, caller)})"
        accounts = listed(sorted({row["account_id"] for row in cause.rows}))
        failures.append(f"{accounts}, {places_of(cause.rows, options['regions'])}: {what}")
    failures += [message for course in courses for message in course.messages]
    return {
        "changed": any(actions for course in courses for actions in course.done.values()),
        "failed": bool(failures),
        "lines": [line for course in courses for line in course.lines] + list(_notes(courses, options)),
        "failures": failures,
        # What was looked at before it was done tells the same twice.
        "warnings": list(dict.fromkeys(warning for course in courses for warning in course.warnings)),
        "stats": {
            course.service: {
                region: {"actions": course.done.get(region, []), "failed": course.failed.get(region)}
                for region in options["regions"]
            }
            for course in courses
        },
    }


def _notes(courses: Sequence[_Course], options: Mapping[str, Any]) -> Iterator[str]:
    """Say what was set and has no part in this."""
    delegates = any(course.delegates for course in courses)
    names = [service for service in FACTS if options.get(service) and service not in options["services"]]
    if options.get("service_principals") and not any(course.needs_trust for course in courses):
        names.append("service_principals")
    if names:
        yield f"not used: {_variables(names)} (organization_services names another service)"
    own = [name for name in ("enable_in_management", "service_principals") if options.get(name) and name not in names]
    if own and not delegates:
        yield f"not used: {_variables(own)} (that is up to the management account, with its own credentials)"


def _variables(names: Sequence[str]) -> str:
    return listed([f"organization_{name}" for name in names])


def _hint(reason_code: str, caller: str) -> str:
    reason = Reason(reason_code)
    return _ROLE_HINTS.get(reason, HINTS[reason]).format(caller=caller)


def _early_regions(result: Result, delegated: Collection[str]) -> list[str]:
    """Return the Regions where the administrator is new, and AWS does not take it for one yet."""
    return [
        row["region"]
        for row in result.get("unprocessed_accounts") or ()
        if row["reason_code"] == Reason.NOT_DELEGATED_ADMINISTRATOR.value and row["region"] in delegated
    ]
