# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the organization role does: the administrator's services on, the delegation, the settings. Pure.

It sends nothing by itself: it asks for modules to be run. What fails in one Region of a service is told, and the steps
that follow are not taken there; the other Regions and services go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

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
from ansible_collections.muster.aws.plugins.plugin_utils._words import causes_of, places_of

# How often an account is asked again that has just become the administrator, and the seconds in between: AWS takes some
# minutes until it lets the administrator act as one.
_TRIES, _PAUSE = 20, 15.0

_DELEGATIONS = "organization_administrators"

# In place of the modules' hints, which name their options.
_ROLE_HINTS = {
    Reason.ASSUME_ROLE_FAILED: (
        "check organization_administrator_role_name, the role's trust policy and external id, and the caller's "
        "permission to assume it"
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
        self._work, self._options = work, options
        self._administrator_id = options["administrator_id"]
        self._is_management = caller != self._administrator_id
        # How the administrator is reached: with the credentials at hand, or by a role.
        self._there: dict[str, Any] = {}
        if self._is_management:
            names = {"role_name": "administrator_role_name", "external_id": "external_id"}
            values = {name: options.get(own) for name, own in names.items()}
            self._there = {"account_ids": [self._administrator_id], **values}
        # Where every step so far was done.
        self._regions = list(options["regions"])
        self.done: dict[str, list[str]] = {}
        self.problems: list[dict[str, Any]] = []
        self.messages: list[str] = []

    def follow(self) -> None:
        """Take all steps."""
        kind = self.facts.kind
        if self._is_management:
            self._give_up_refused()
        if self._options["enable_service"]:
            self._take(kind.rows, self._run(kind.module, **self._there))
        if self._is_management and self._options["enable_in_management"]:
            self._take(kind.rows, self._run(kind.module))
        has_delegated = self._is_management and self._delegate()
        settings = self._options.get(self.service) or {}
        # In check mode, nothing can be read of an administrator to be.
        if settings and not (has_delegated and self._work.is_check):
            self._take("organizations", self._set(settings, has_delegated))

    def _give_up_refused(self) -> None:
        """Write nothing in the administrator where AWS would not have it as one: another may be there."""
        with self._work.only_looking():
            result = self._run_delegation()
        rows = result.get(_DELEGATIONS) or ()
        refused = [row for row in rows if row["outcome"] not in DONE]
        if refused or not rows:
            self._take(_DELEGATIONS, {**result, _DELEGATIONS: refused})

    def _delegate(self) -> bool:
        result = self._run_delegation()
        self._take(_DELEGATIONS, result)
        return bool(result.get("changed"))

    def _run_delegation(self) -> Result:
        organization = self.facts.organization
        # Where delegating itself switches trusted access on, there is none to ask for.
        principals = self._options.get("service_principals") if organization and organization.needs_trust else None
        return self._run(
            "organization_administrator", administrator_id=self._administrator_id, service_principals=principals
        )

    def _set(self, settings: Mapping[str, Any], is_new: bool) -> Result:
        result = self._run("organization", **self._there, **settings)
        for _try in range(_TRIES if is_new else 0):
            if not _is_early(result):
                break
            self._work.sleep(_PAUSE)
            result = self._run("organization", **self._there, **settings)
        return result

    def _run(self, module: str, **options: Any) -> Result:
        if not self._regions:
            return {}
        return self._work.run(f"{self.service}_{module}", regions=self._regions, **options)

    def _take(self, key: str, result: Result) -> None:
        """Take in what was done, and what failed and where."""
        rows: Sequence[Row] = result.get(key) or ()
        if result and not rows:
            self.messages.append(str(result.get("msg")))
            self._regions = []
        operations = operations_of(result)
        for row in rows:
            region = row["region"]
            self.done[region] = [*self.done.get(region, []), *row["actions"]]
            if row["outcome"] not in DONE:
                about = {"service": self.service, "account_id": self._administrator_id}
                self.problems.append({**row, **about, "operation": operations.get(region)})
                self._regions.remove(region)

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
            if words or region not in self.failed:
                words = words or "as it should be"
                by_words[words] = [*by_words.get(words, []), region]
        return [f"{self.facts.title}, {' '.join(regions)}: {words}" for words, regions in by_words.items()]


def organize(work: OrganizeWork, options: Mapping[str, Any], caller: str) -> dict[str, Any]:
    """Delegate, and set what accounts of the organization get.

    :param options: The role's, by name without its prefix.
    :param caller: Whose credentials these are: the management account's, or the administrator's for its half.
    :returns: ``changed``, ``failed``, ``lines`` to tell, ``failures``, and ``stats`` by service and Region.
    """
    courses = [_Course(service, work, options, caller) for service in dict.fromkeys(options["services"])]
    for course in courses:
        course.follow()
    failures = []
    for cause in causes_of(problem for course in courses for problem in course.problems):
        what = f"{cause.sentence} ({cause.reason_code}: {_hint(cause.reason_code)})"
        failures.append(f"{places_of(cause.rows, options['regions'])}: {what}")
    failures += [message for course in courses for message in course.messages]
    return {
        "changed": any(actions for course in courses for actions in course.done.values()),
        "failed": bool(failures),
        "lines": [line for course in courses for line in course.lines],
        "failures": failures,
        "stats": {
            course.service: {
                region: {"actions": course.done.get(region, []), "failed": course.failed.get(region)}
                for region in options["regions"]
            }
            for course in courses
        },
    }


def _hint(reason_code: str) -> str:
    reason = Reason(reason_code)
    return _ROLE_HINTS.get(reason, HINTS[reason])


def _is_early(result: Result) -> bool:
    """Tell whether AWS does not take the new administrator for one yet."""
    codes = {row["reason_code"] for row in result.get("unprocessed_accounts") or ()}
    return Reason.NOT_DELEGATED_ADMINISTRATOR.value in codes
