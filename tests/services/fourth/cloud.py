# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS would be for the service that does not exist: one account each, in memory, behind the jobs' cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import ServiceFacts
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import classify

CALLER = "111111111111"


@dataclass(frozen=True)
class Caller:
    account_id: str = CALLER
    partition: str = "aws"


@dataclass
class Cloud:
    """AWS for one task. ``members`` is what the caller holds, ``watches`` who has the service on, ``log`` all calls.

    :param refusals: (operation, account) to a text.
    :param joining: Accounts of the organization: on their way by themselves for one read, then members.
    """

    facts: ServiceFacts
    members: dict[str, str] = field(default_factory=dict)
    watches: dict[str, str] = field(default_factory=lambda: {CALLER: "AWAKE"})
    refusals: dict[tuple[str, str], str] = field(default_factory=dict)
    joining: set[str] = field(default_factory=set)
    log: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    caller: Caller = Caller()

    @contextmanager
    def acting_as(self, _credentials: object) -> Iterator[None]:
        yield

    def assume_role(self, *_arguments: object) -> None:
        """Whoever asks may act anywhere."""

    def api(self, facts: ServiceFacts, _region: str, account_id: str) -> _Api:
        assert facts is self.facts
        return _Api(self, account_id)

    @property
    def operations(self) -> list[tuple[str, int]]:
        """The calls so far: the operation, and how many accounts it named."""
        return [(operation, len(params.get("whom", ()))) for _account, operation, params in self.log]


@dataclass
class _Api:
    cloud: Cloud
    account_id: str

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        self.cloud.log.append((self.account_id, operation, params))
        if operation not in ("StartWatch", "ReadWatch") and self.account_id not in self.cloud.watches:
            raise self._refusal(operation, "Your watch is over.")
        answer: dict[str, Any] = getattr(self, f"_{operation}")(**params)
        return answer

    def pages(self, operation: str, key: str, page_size: int = 50, **params: Any) -> list[Any]:
        found: list[Any] = self.call(operation, **params)[key]
        return found

    def arn(self, resource: str) -> str:
        return resource

    def _refusal(self, operation: str, text: str) -> CallFailed:
        code = "NopeException"
        return CallFailed(operation, code, text, classify(operation, text, code, self.cloud.facts))

    def _ReadAccounts(self, whom: list[str]) -> dict[str, Any]:
        found = [{"who": i, "state": self.cloud.members[i]} for i in whom if i in self.cloud.members]
        self.cloud.members.update({i: "JOINED" for i in whom if self.cloud.members.get(i) == "JOINING"})
        return {"found": found}

    def _ListAccounts(self) -> dict[str, Any]:
        return self._ReadAccounts(list(self.cloud.members))

    def _ReadOrganization(self) -> dict[str, Any]:
        return {}

    def _AskAccounts(self, whom: list[str], text: str | None) -> dict[str, Any]:
        refused = []
        for account_id in whom:
            why = self.cloud.refusals.get(("AskAccounts", account_id))
            if account_id in self.cloud.members:
                why = "It has joined you before."
            if why:
                refused.append({"who": account_id, "why": why})
            else:
                self.cloud.members[account_id] = "JOINING" if account_id in self.cloud.joining else "ASKED"
        return {"refused": refused}

    def _ForgetAccounts(self, whom: list[str]) -> dict[str, Any]:
        for account_id in whom:
            self.cloud.members.pop(account_id, None)
        return {"refused": []}

    def _LullAccount(self, who: str) -> dict[str, Any]:
        return self._turn("LullAccount", who, "SLEEPING")

    def _WakeAccount(self, who: str) -> dict[str, Any]:
        return self._turn("WakeAccount", who, "JOINED")

    def _turn(self, operation: str, who: str, state: str) -> dict[str, Any]:
        why = self.cloud.refusals.get((operation, who))
        if why:
            raise self._refusal(operation, why)
        self.cloud.members[who] = state
        return {}

    def _WhoAsked(self) -> dict[str, Any]:
        state = self.cloud.members.get(self.account_id)
        return {"asked": [{"who": CALLER, "state": state, "name": "n1"}] if state else []}

    def _Join(self, name: str) -> dict[str, Any]:
        self.cloud.members[self.account_id] = "JOINED"
        return {}

    def _Part(self) -> dict[str, Any]:
        del self.cloud.members[self.account_id]
        return {}

    def _StartWatch(self, awake: str) -> dict[str, Any]:
        self.cloud.watches[self.account_id] = awake
        return {}

    def _ReadWatch(self) -> dict[str, Any]:
        if self.account_id not in self.cloud.watches:
            raise self._refusal("ReadWatch", "Your watch is over.")
        return {"name": "w1", "state": self.cloud.watches[self.account_id]}

    def _ChangeWatch(self, name: str, awake: str) -> dict[str, Any]:
        self.cloud.watches[self.account_id] = awake
        return {}

    def _EndWatch(self, name: str) -> dict[str, Any]:
        del self.cloud.watches[self.account_id]
        return {}
