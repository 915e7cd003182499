# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts x Regions: all conversations of a task at once, one AssumeRole per account, none stopping another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from ._aws.cloud import Cloud, Role
from ._membership.model import Problem, Reason, ServiceFacts
from ._membership.port import Api, CallFailed, Clock
from ._membership.waiting import Pause, Walk, go_on, walk_together

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, order=True)
class Target:
    """One account in one Region: one conversation."""

    region: str
    account_id: str


class Targets:
    """The conversations of a task.

    :param cloud: AWS, with the caller's credentials.
    :param facts: The service.
    :param regions: The Regions to act in.
    :param account_ids: The accounts to act in. The caller's own is acted in without AssumeRole.
    :param role: The role to assume in all other accounts.
    :param concurrency: How many conversations run at once.
    """

    def __init__(
        self,
        cloud: Cloud,
        facts: ServiceFacts,
        regions: Iterable[str],
        account_ids: Iterable[str],
        role: Role | None,
        concurrency: int,
    ) -> None:
        self._cloud = cloud
        self._facts = facts
        self._role = role
        self._concurrency = concurrency
        accounts = sorted(account_ids)
        # By Region first: the first conversations are then with different accounts and wait for no common AssumeRole.
        self.all = [Target(region, account_id) for region in sorted(regions) for account_id in accounts]
        self._roles = {account_id: _Once(self._assume) for account_id in accounts}

    def _assume(self, target: Target) -> Any:
        if target.account_id == self._cloud.caller.account_id or self._role is None:
            return None
        return self._cloud.assume_role(target.account_id, self._role, target.region)

    def run(self, job: Callable[[Target, Api], Result], targets: Iterable[Target]) -> dict[Target, Result | Problem]:
        """Run a job for each target, at most ``concurrency`` at once.

        :returns: The job's result, or the problem that ended its conversation.
        """

        def converse(target: Target) -> Result | Problem:
            try:
                with self._cloud.acting_as(self._roles[target.account_id].get(target)):
                    return job(target, self._cloud.api(self._facts, target.region, target.account_id))
            except CallFailed as failure:
                return failure.as_problem()
            except Exception as error:
                # A mistake of ours in one conversation must not lose the record of what the others did.
                return Problem(Reason.OTHER, f"unexpected {type(error).__name__}: {error}; please report it")

        chosen = list(targets)
        with ThreadPoolExecutor(max_workers=max(1, min(self._concurrency, len(chosen)))) as pool:
            return dict(zip(chosen, pool.map(converse, chosen), strict=True))

    def walk(self, walks: Mapping[Target, Walk[Result]], clock: Clock) -> dict[Target, Result | Problem]:
        """Let all walks go on, at most ``concurrency`` at once, until each has ended; those that wait do so together.

        :returns: The walk's result, or the problem that ended it.
        """

        def go_on_there(target: Target, _api: Api) -> Result | Pause:
            return go_on(walks[target])

        def resume(due: list[Target]) -> Mapping[Target, Result | Problem | Pause]:
            return self.run(go_on_there, due)

        return walk_together(walks, clock, resume)

    def for_each(self, job: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Run a job for several items of one conversation with the caller's own account.

        They share what ``concurrency`` leaves when all conversations are under way.

        :returns: The results in the order of the items. Items not begun when the last result is taken stay undone.
        """
        width = self._concurrency // len(self.all)
        if width < 2:
            return map(job, items)
        return self._side_by_side(job, items, width)

    @staticmethod
    def _side_by_side(job: Callable[[Item], Result], items: Iterable[Item], width: int) -> Iterator[Result]:
        with ThreadPoolExecutor(width) as pool:
            yield from pool.map(job, items)


class _Once:
    """A value made by the first thread that asks for it; the others wait. A failure is kept like a value, unless it is
    the Region's: the target of another Region then tries there."""

    def __init__(self, make: Callable[[Target], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._is_made = False
        self._value: Any = None
        self._failure: CallFailed | None = None

    def get(self, target: Target) -> Any:
        with self._lock:
            if not self._is_made:
                try:
                    self._value = self._make(target)
                except CallFailed as failure:
                    if failure.reason is Reason.REGION_UNAVAILABLE:
                        raise
                    self._failure = failure
                self._is_made = True
        if self._failure:
            raise self._failure
        return self._value


def split_problems(
    outcomes: Mapping[Target, Result | Problem],
) -> tuple[dict[Target, Result], dict[Target, Problem]]:
    """Part what was reached from what was not."""
    reached = {target: outcome for target, outcome in outcomes.items() if not isinstance(outcome, Problem)}
    problems = {target: outcome for target, outcome in outcomes.items() if isinstance(outcome, Problem)}
    return reached, problems
