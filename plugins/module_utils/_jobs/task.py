# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every job is given, and the checks that all of them make before the first call.

Every job looks and plans in all its conversations before it writes in any, so that a brake can stop the whole task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._aws.cloud import Cloud, Role
from .._membership.features import FeatureWish, explain_features, read_features
from .._membership.model import Reason, ServiceFacts
from .._membership.port import Clock, Service, TaskFailed
from .._membership.result import Report, words_of_rows
from .._membership.validate import (
    Fault,
    InvalidInput,
    check_account_ids,
    explain_external_id,
    explain_region,
    explain_role_name,
)
from .._membership.waiting import Patience
from .._targets import Targets

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What a job is given.

    :param options: The module's options.
    :param regions: The Regions to act in, at least one.
    :param connect: Opens AWS, for jobs that get that far.
    :param clock: For the waits.
    :param carry_out: False in check mode: plan and predict, write nothing.
    """

    options: Options
    regions: list[str]
    connect: Callable[[], Cloud]
    clock: Clock
    carry_out: bool

    def patience(self) -> Patience:
        return Patience(self.clock, self.options["wait"], float(self.options["wait_timeout"]))

    def targets(self, cloud: Cloud, facts: ServiceFacts, account_ids: Iterable[str], role: Role | None) -> Targets:
        return Targets(cloud, facts, self.regions, account_ids, role, self.options["concurrency"])


Job = Callable[[Task], Report]


def refuse(faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise InvalidInput(found)


def check_common(task: Task, facts: ServiceFacts) -> None:
    texts = [explain_region(region) for region in task.regions]
    texts += ["concurrency must be at least 1"] if task.options["concurrency"] < 1 else []
    for name in ("wait_timeout", "purge_limit"):
        if name in task.options and task.options[name] < 0:
            texts.append(f"{name} must not be negative")
    role_name = task.options.get("role_name")
    texts += [explain_role_name(role_name)] if role_name else []
    secret = explain_external_id(task.options.get("external_id"), _shown_of(task), words_of_rows(facts))
    texts += [f"external_id {secret}"] if secret else []
    refuse(Fault("", Reason.INVALID_INPUT, text) for text in texts if text)


def _shown_of(task: Task) -> list[str]:
    """Return what the results are known by: account ids and Regions."""
    options = task.options
    rows = options.get("members") or ()
    ids = [
        *(options.get("account_ids") or ()),
        options.get("administrator_id"),
        *(row.get("account_id") for row in rows),
    ]
    return [str(value) for value in (*task.regions, *ids)]


def feature_wish(facts: ServiceFacts, options: Options) -> FeatureWish | None:
    """The features that accounts are to have, ``None`` where nobody asked for any."""
    if facts.features is None or not options.get("features"):
        return None
    refuse(Fault("", Reason.INVALID_INPUT, text) for text in explain_features(options["features"], facts.features))
    return FeatureWish(tuple(read_features(options["features"], facts.features)), facts.features)


def checked_accounts(task: Task, facts: ServiceFacts) -> tuple[list[str] | None, Role | None]:
    """The accounts to act in (None: the caller's own) and the role to assume there."""
    check_common(task, facts)
    options = task.options
    if options["account_ids"] is None:
        return None, None
    account_ids, faults = check_account_ids(options["account_ids"])
    refuse(faults)
    if not account_ids:
        text = "account_ids is empty: list at least one account, or leave it out to act in the calling account"
        refuse([Fault("", Reason.INVALID_INPUT, text)])
    return account_ids, role_of(options)


def role_of(options: Options) -> Role | None:
    """The role to assume in accounts, ``None`` without one."""
    if not options["role_name"]:
        return None
    return Role(options["role_name"], options["role_session_name"], options["external_id"])


def member_targets(service: Service, task: Task) -> Targets:
    account_ids, role = checked_accounts(task, service.facts)
    cloud = task.connect()
    caller_id = cloud.caller.account_id
    if role is None and set(account_ids or ()) - {caller_id}:
        raise TaskFailed(
            f"role_name is missing: it is needed to act in other accounts than the caller's own, {caller_id}"
        )
    return task.targets(cloud, service.facts, account_ids or [caller_id], role)
