# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small simulated AWS behind the engine's ports, in memory, and a clock on which sleeping takes no time.

What an operation does in a state is written down here a second time, from the membership reference (2.3, 2.4) and not
from the planner. Tests script what AWS does badly: refusals, lost answers, effects that show late, others' hands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership import waiting
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Member,
    Reason,
    Relationship,
    ServiceFacts,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import ORDER
from ansible_collections.muster.aws.plugins.module_utils._membership.port import (
    Answer,
    CallFailed,
    Clock,
    MemberCalls,
    Refusal,
    ServiceRecord,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.waiting import Result, Walk
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as REGISTRY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.services.fourth.facts import FOURTH

# All that there are, and one that does not exist: the engine's tests run over each.
SERVICES = (*REGISTRY.values(), FOURTH)

ADMINISTRATOR = "111111111111"
A, B, C, D = "012345678901", "222222222222", "333333333333", "444444444444"

# AWS's sentences (reference 3.2), by the short names used in the tables below.
TEXTS = {
    "member": "The request is rejected because the given account ID is already a member or associated member of the "
    "current account.",
    "invited": "The request is rejected because the current account has already invited or is already the GuardDuty "
    "master of the given member account ID.",
    "associated": "The request is rejected because the current account cannot delete the given member account ID "
    "since it is still associated to it.",
    "unassociated": "The request is rejected because the given account ID is not an associated member of the current "
    "account.",
    "caller": "The request is rejected because the current account cannot create members since it is already an "
    "associated member of another master account.",
    "quota": "The request is rejected because the current account cannot create more members because it cannot exceed "
    "the maximum number of allowed members.",
    "internal": "The request is rejected because of an internal error.",
    "management": "The request is rejected because the organization master must first enable GuardDuty.",
    "refused": "The request is rejected for a reason nobody published.",
}

# Upper case: the state that a step leads to. Lower case: the refusal. States without a row refuse everything.
_BY_INVITATION = """
state                create   invite   disassociate  delete      start_monitoring  stop_monitoring
ABSENT               CREATED  refused  refused       refused     unassociated      unassociated
CREATED              member   INVITED  unassociated  ABSENT      unassociated      unassociated
VERIFYING            member   invited  REMOVED       ABSENT      unassociated      unassociated
VERIFICATION_FAILED  member   invited  REMOVED       ABSENT      unassociated      unassociated
INVITED              member   invited  REMOVED       ABSENT      unassociated      unassociated
ENABLED              member   invited  REMOVED       associated  ENABLED           SUSPENDED
SUSPENDED            member   invited  REMOVED       associated  ENABLED           SUSPENDED
REMOVED              member   INVITED  unassociated  ABSENT      unassociated      unassociated
RESIGNED             member   INVITED  unassociated  ABSENT      unassociated      unassociated
DELETED              CREATED  refused  refused       ABSENT      unassociated      unassociated
ACCOUNT_SUSPENDED    refused  refused  REMOVED       ABSENT      refused           refused
"""

# An organization's accounts: members at once, never invited. Only Security Hub refuses to delete such members; a
# record in another state than these (Created, Resigned ...) comes from an invitation.
_IN_ORGANIZATION = {
    **{(state, Step.CREATE): "ENABLED" for state in (State.ABSENT, State.DELETED, State.REMOVED)},
    **{(state, Step.INVITE): "refused" for state in State},
}
# One call creates and invites, one ends and deletes.
_BY_CREATION = {
    (State.ABSENT, Step.CREATE): "INVITED",
    **{(state, Step.DELETE): "ABSENT" for state in State if state is not State.ABSENT},
}
_SECURITYHUB_ORGANIZATION = {(State.REMOVED, Step.DELETE): "refused"}

# The states that an organization's member can be in.
ORGANIZATION_STATES = (State.ABSENT, State.ENABLED, State.SUSPENDED, State.REMOVED, State.DELETED)


def _parse(table: str) -> dict[tuple[State, Step], str]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    return {(State[row[0]], Step(step)): cell for row in rows for step, cell in zip(head[1:], row[1:], strict=True)}


_INVITATION_CELLS = _parse(_BY_INVITATION)


def transition(facts: ServiceFacts, state: State, step: Step, in_organization: bool = False) -> State | str:
    """Return the state that a step leads to in AWS, or the text of its refusal."""
    cells = {**_INVITATION_CELLS, **(_BY_CREATION if facts.creating_invites else {})}
    if in_organization:
        cells |= _IN_ORGANIZATION | (_SECURITYHUB_ORGANIZATION if facts is SECURITYHUB else {})
    cell = cells.get((state, step), "refused")
    return TEXTS[cell] if cell in TEXTS else State[cell]


def reachable_states(facts: ServiceFacts) -> list[State]:
    """Return the states that a record of this service can be in."""
    return [State.ABSENT, State.UNKNOWN, *facts.words]


def member_in(state: State, account_id: str = A, facts: ServiceFacts = GUARDDUTY, **values: Any) -> Member:
    """Return a record in a state, with the service's own word for it."""
    status = "Unheard" if state is State.UNKNOWN else facts.word_for(state)
    return Member(account_id, state, status, **values)


def account(account_id: str) -> Account:
    return Account(account_id, f"aws-{account_id}@example.com")


def ids_of(count: int) -> list[str]:
    """Return distinct ids, one of them with a leading zero."""
    return [A, *(f"{200000000000 + number}" for number in range(1, count))]


def failure(
    reason: Reason = Reason.INTERNAL_ERROR, text: str = "It broke.", code: str = "SomeException", **marks: bool
) -> CallFailed:
    return CallFailed("SomeOperation", code, text, reason, **marks)


def lost() -> CallFailed:
    """The answer of a request that may have taken effect all the same."""
    return failure(text="Read timeout", code="ReadTimeoutError", is_uncertain=True)


def input_refused() -> CallFailed:
    return failure(Reason.INVALID_INPUT, "One of them is odd.", "BadRequestException", is_input_refused=True)


@dataclass
class FakeClock:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0
    naps: list[float] = field(default_factory=list)

    @property
    def slept(self) -> float:
        return sum(self.naps)

    def as_clock(self) -> Clock:
        return Clock(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.naps.append(seconds)
        self.now += seconds


def walk_alone(walk: Walk[Result], time: FakeClock) -> Result:
    """Let one walk go on to its end."""
    return waiting.walk_alone(walk, time.as_clock())


Hook = Callable[[], None]


def raising(error: Exception) -> Hook:
    def hook() -> None:
        raise error

    return hook


class Script:
    """What happens around a call: hooks, each for one call and in turn, before and after it takes effect."""

    def __init__(self) -> None:
        self._hooks: dict[tuple[str, str], list[Hook | None]] = {}

    def before(self, call: str, *hooks: Hook | None) -> None:
        self._hooks[call, "before"] = list(hooks)

    def after(self, call: str, *hooks: Hook | None) -> None:
        self._hooks[call, "after"] = list(hooks)

    def play(self, call: str, when: str) -> None:
        hooks = self._hooks.get((call, when))
        hook = hooks.pop(0) if hooks else None
        if hook:
            hook()


class FakeMembers:
    """The administrator's side of one Region.

    ``log`` has all calls; ``real`` is what AWS holds, ``shown`` what it shows.
    """

    def __init__(self, *members: Member, facts: ServiceFacts = GUARDDUTY, in_organization: bool = False) -> None:
        self.facts = facts
        self.in_organization = in_organization
        self.time = FakeClock()
        self.script = Script()
        self.real = {member.account_id: member for member in members}
        self.shown = dict(self.real)
        self.log: list[tuple[str, list[str]]] = []
        # Texts for (step, account), each for one call and in turn; the last one stays where it is marked so.
        self.refusals: dict[tuple[Step, str], list[str]] = {}
        self.lasting_refusals: dict[tuple[Step, str], str] = {}
        self.spoilers: set[str] = set()
        self.repeated: set[Step] = set()
        self.silent: set[Step] = {Step.DISASSOCIATE} if facts is SECURITYHUB else set()
        self.delays: dict[Step, float] = {}
        # How long an invitation's e-mail is verified (None: not at all), and for whom in vain.
        self.verification: float | None = None
        self.wrong_emails: set[str] = set()
        self._coming: list[tuple[float, str, Member]] = []

    # What tests do and ask

    def put(self, account_id: str, state: State, shows_after: float = 0) -> None:
        """Change a record by other hands."""
        self.real[account_id] = member_in(state, account_id, self.facts)
        self._coming = [change for change in self._coming if change[1] != account_id]
        self._coming.append((self.time.now + shows_after, account_id, self.real[account_id]))

    @property
    def writes(self) -> list[tuple[str, list[str]]]:
        return [(name, ids) for name, ids in self.log if name != "get_members"]

    @property
    def looks(self) -> int:
        return len(self.log) - len(self.writes)

    # The port

    def get_members(self, account_ids: Sequence[str]) -> list[Member]:
        self._note("get_members", account_ids, self.facts.reading.accounts)
        self.script.play("get_members", "before")
        self._catch_up()
        found = [self.shown[account_id] for account_id in account_ids if account_id in self.shown]
        return [member for member in found if member.state is not State.ABSENT]

    def list_members(self) -> list[Member]:
        return list(self.shown.values())

    @property
    def calls(self) -> MemberCalls:
        return {step: partial(self._write, step) for step in self.facts.operations if step in ORDER}

    # Inside

    def _note(self, name: str, account_ids: Sequence[str], limit: int) -> None:
        assert 1 <= len(account_ids) <= limit
        assert len(set(account_ids)) == len(account_ids)
        self.log.append((name, list(account_ids)))

    def _catch_up(self) -> None:
        for _when, account_id, member in (due for due in self._coming if due[0] <= self.time.now):
            self.shown[account_id] = member
        self._coming = [later for later in self._coming if later[0] > self.time.now]

    def _write(self, step: Step, accounts: Sequence[Account]) -> Answer:
        emails = {each.account_id: each.email for each in accounts} if step is Step.CREATE else {}
        account_ids = [each.account_id for each in accounts]
        self._note(step.value, account_ids, self.facts.limit(step))
        self.script.play(step.value, "before")
        if self.spoilers.intersection(account_ids):
            raise input_refused()
        refused = {}
        for account_id in account_ids:
            text = self._apply(step, account_id, emails.get(account_id))
            if text:
                refused[account_id] = Refusal(text)
        self.script.play(step.value, "after")
        if step in self.silent:
            return Answer(is_per_account=False)
        return Answer(refused, is_repeated=step in self.repeated)

    def _apply(self, step: Step, account_id: str, email: str | None) -> str | None:
        scripted = self.refusals.get((step, account_id))
        if scripted:
            return scripted.pop(0)
        if (step, account_id) in self.lasting_refusals:
            return self.lasting_refusals[step, account_id]
        before = self.real.get(account_id, Member(account_id))
        then = transition(self.facts, before.state, step, self.in_organization)
        if isinstance(then, str):
            return then
        if step is Step.INVITE and account_id in self.wrong_emails:
            then = State.VERIFICATION_FAILED
        after = replace(before, state=then, status=self.facts.word_for(then), email=email or before.email)
        self.real[account_id] = after
        shows_at = self.time.now + self.delays.get(step, 0)
        if step is Step.INVITE and self.verification is not None:
            word = self.facts.word_for(State.VERIFYING)
            self._coming.append((shows_at, account_id, replace(after, state=State.VERIFYING, status=word)))
            shows_at += self.verification
        self._coming.append((shows_at, account_id, after))
        return None


class FakeAdministrator:
    """The member's side of one account in one Region. ``log`` has all calls."""

    def __init__(
        self,
        administrator: Relationship | None = None,
        invitations: Sequence[Relationship] = (),
        is_on: bool = True,
    ) -> None:
        self.time = FakeClock()
        self.script = Script()
        self.is_on = is_on
        self.invitations = list(invitations)
        self.log: list[str] = []
        # From when on: the invitations are listed, and a change of administrator is shown.
        self.invitations_from = self.time.now
        self.delay = 0.0
        self._shown = [(self.time.now, administrator)]

    @property
    def writes(self) -> list[str]:
        return [call for call in self.log if not call.startswith(("get", "list"))]

    def put(self, administrator: Relationship | None, after: float = 0.0) -> None:
        self._shown.append((self.time.now + after, administrator))

    def get_administrator(self) -> Relationship | None:
        self._begin("get_administrator")
        if not self.is_on:
            raise failure(Reason.SERVICE_NOT_ENABLED, "It is off.")
        return [administrator for since, administrator in self._shown if since <= self.time.now][-1]

    def list_invitations(self) -> list[Relationship]:
        self._begin("list_invitations")
        return list(self.invitations) if self.time.now >= self.invitations_from else []

    def enable_service(self) -> bool:
        self._begin("enable_service")
        was_on, self.is_on = self.is_on, True
        self.script.play("enable_service", "after")
        return not was_on

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        self._begin("accept_invitation")
        for invitation in self.invitations:
            if (invitation.administrator_id, invitation.invitation_id) == (administrator_id, invitation_id):
                self.put(replace(invitation, state=State.ENABLED, status="Enabled"), self.delay)
                return self.script.play("accept_invitation", "after")
        raise failure(Reason.NO_INVITATION, "There is no pending invitation.", "BadRequestException")

    def leave_administrator(self) -> None:
        self._begin("leave_administrator")
        self.put(None, self.delay)
        self.script.play("leave_administrator", "after")

    def _begin(self, call: str) -> None:
        self.log.append(call)
        self.script.play(call, "before")


class FakeService:
    """The service itself. Like Security Hub it tells its tags only when asked, unless ``brings_tags`` (GuardDuty)."""

    def __init__(self, record: ServiceRecord | None = None, brings_tags: bool = False) -> None:
        self.time = FakeClock()
        self.script = Script()
        self.record = record
        self.brings_tags = brings_tags
        self.log: list[str] = []

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        self._begin("describe")
        if self.record is None or with_tags or self.brings_tags:
            return self.record
        return replace(self.record, tags=None)

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        self._begin("enable")
        if self.record:
            return False
        known = {name: value for name, value in settings.items() if name in SETTINGS}
        self.record = self._with_status({**DEFAULTS, **known}, dict(tags))
        self.script.play("enable", "after")
        return True

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        self._begin("update")
        # Nobody knows the handle of a service that was off when it was read.
        assert self.record and handle in ("", self.record.handle)
        assert settings and set(settings) <= set(SETTINGS)
        self.record = self._with_status({**self.record.settings, **settings}, dict(self.record.tags or {}))
        self.script.play("update", "after")

    def tag(self, handle: str, tags: Mapping[str, str]) -> None:
        self._begin("tag")
        assert self.record and handle == self.record.handle and tags
        self.record = replace(self.record, tags={**(self.record.tags or {}), **tags})

    def untag(self, handle: str, keys: Sequence[str]) -> None:
        self._begin("untag")
        assert self.record and handle == self.record.handle and keys
        self.record = replace(self.record, tags={k: v for k, v in (self.record.tags or {}).items() if k not in keys})

    def disable(self, handle: str) -> None:
        self._begin("disable")
        assert self.record and handle == self.record.handle
        self.record = None
        self.script.play("disable", "after")

    def _begin(self, call: str) -> None:
        self.log.append(call)
        self.script.play(call, "before")

    @staticmethod
    def _with_status(settings: Mapping[str, object], tags: Mapping[str, str]) -> ServiceRecord:
        return ServiceRecord("handle", "ENABLED" if settings["enabled"] else "DISABLED", settings, tags)


SETTINGS = ("enabled", "frequency", "late")
DEFAULTS = {"enabled": True, "frequency": "SIX_HOURS", "late": True}
