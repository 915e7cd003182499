# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs are given: a stand-in for AWS that keeps who was asked for what, and a task with a module's options."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import Caller, Cloud, Role
from ansible_collections.muster.aws.plugins.module_utils._jobs.task import Task
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Problem, Reason, ServiceFacts
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, Service
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import ADMINISTRATOR, FakeClock

EAST, WEST = "us-east-1", "us-west-2"
ROLE = Role("muster", "nightly", "word")
# The options of ROLE.
ENTERED = {"role_name": "muster", "role_session_name": "nightly", "external_id": "word"}
NOT_ENTERED = {"role_name": None, "role_session_name": "muster", "external_id": None}

# What is denied in an account, and how it is told.
DENIED = CallFailed("ListDetectors", "AccessDeniedException", "explicit deny", Reason.ACCESS_DENIED)
DENIED_PROBLEM = Problem(Reason.ACCESS_DENIED, "AccessDeniedException: explicit deny", "ListDetectors")

COMMON = {"regions": None, "concurrency": 16}
WAITS = {"wait": True, "wait_timeout": 60}


@dataclass(frozen=True)
class Place:
    """What an API is here: where it is, and whose session signs (``None``: the caller's own)."""

    facts: ServiceFacts
    region: str
    account_id: str
    session: object = None


class StandIn:
    """AWS as jobs use it.

    :param account_id: The caller's.
    :param shut: Why a role cannot be assumed, by account and the Region that was asked.
    :param organizations_api: AWS Organizations.
    """

    def __init__(
        self,
        account_id: str = ADMINISTRATOR,
        shut: Mapping[tuple[str, str], CallFailed] | None = None,
        organizations_api: object = None,
    ) -> None:
        self.caller = Caller(account_id, "aws")
        self.assumed: list[tuple[str, Role, str]] = []
        self.connections = 0
        # The Regions that AWS Organizations was opened for.
        self.organizations_in: list[str] = []
        self._shut = shut or {}
        self._organizations_api = organizations_api
        self._here = threading.local()

    def connect(self) -> Cloud:
        self.connections += 1
        return cast(Cloud, self)

    @property
    def session(self) -> object:
        """Whose session signs what this thread sends."""
        return getattr(self._here, "session", "nobody's")

    @contextmanager
    def acting_as(self, session: object) -> Iterator[None]:
        self._here.session = session
        yield
        self._here.session = "nobody's"

    def api(self, facts: ServiceFacts, region: str, account_id: str) -> Place:
        assert facts.client
        return Place(facts, region, account_id, self.session)

    def organizations(self, region: str) -> object:
        self.organizations_in.append(region)
        return self._organizations_api

    def assume_role(self, account_id: str, role: Role, region: str) -> str:
        self.assumed.append((account_id, role, region))
        if (account_id, region) in self._shut:
            raise self._shut[account_id, region]
        return session_of(account_id)


def session_of(account_id: str) -> str:
    return f"the session of {account_id}"


class Ports:
    """Opens the ports that a test has made, and only for whom they were made.

    :param by_place: By Region and account; an error is what opening raises.
    :param role: Whether accounts are entered by a role.
    """

    def __init__(
        self, facts: ServiceFacts, by_place: Mapping[tuple[str, str], Any], account_id: str = ADMINISTRATOR
    ) -> None:
        self._facts = facts
        self._by_place = by_place
        self._caller_id = account_id
        self.options: list[Mapping[str, Any]] = []

    def open(self, api: Any) -> Any:
        session = None if api.account_id == self._caller_id else session_of(api.account_id)
        assert api == Place(self._facts, api.region, api.account_id, session)
        port = self._by_place[api.region, api.account_id]
        if isinstance(port, Exception):
            raise port
        return port

    def open_with(self, api: Any, options: Mapping[str, Any]) -> Any:
        self.options.append(options)
        return self.open(api)


def not_opened(*_arguments: object) -> Any:
    raise AssertionError("a port that the job has no use for")


def service_with(facts: ServiceFacts, **opened: Any) -> Service:
    """Return a service of which nothing else can be opened."""
    names = ("open_members", "open_administrator", "open_service", "open_delegation", "open_organization")
    return Service(facts, **{**dict.fromkeys(names, not_opened), **opened})


def task_of(
    options: Mapping[str, Any],
    cloud: StandIn,
    regions: Sequence[str] = (EAST,),
    carry_out: bool = True,
    time: FakeClock | None = None,
) -> Task:
    return Task(options, list(regions), cloud.connect, (time or FakeClock()).as_clock(), carry_out)


def ended(outcome: str, actions: Sequence[str], problem: Problem | None) -> dict[str, Any]:
    """Return what each row says of its end."""
    return {
        "actions": list(actions),
        "outcome": outcome,
        "reason_code": problem.reason.value if problem else None,
        "reason": problem.text if problem else None,
    }


def action(region: str, account_id: str | None, operation: str, *account_ids: str) -> dict[str, Any]:
    """Return a row of ``actions``."""
    return {"region": region, "account_id": account_id, "operation": operation, "account_ids": list(account_ids)}
