# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the emulated AWS remembers: accounts, an organization, and per service, account and Region who belongs to whom.

A Region name belongs to one partition, so (account, Region) is the whole key of AWS's (partition, account, Region).
"""

from __future__ import annotations

import copy
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .knobs import Knobs
from .wire import partition_of

# What a service's own resource is called in its ARN, and its id where that is always the same.
_RESOURCES = {"guardduty": ("detector", None), "securityhub": ("hub", "default"), "macie": ("session", "default")}

# Statuses in which a member belongs to its administrator. Associated and Monitored are older words for Enabled.
ACTIVE = frozenset({"Enabled", "Associated", "Monitored"})
# A member that does not work: GuardDuty's word and Macie's.
SUSPENDED = frozenset({"Disabled", "Paused"})
ASSOCIATED = ACTIVE | SUSPENDED
# Statuses with an unanswered invitation.
PENDING = frozenset({"Invited", "EmailVerificationInProgress"})
# Statuses in which the member still finds the invitation in its list. An invitation outlives the membership it led
# to: a member that left (Resigned) may accept it again.
_INVITED = frozenset({"Invited", "Resigned", "Removed"}) | ASSOCIATED


@dataclass
class Account:
    """An AWS account as the rest of AWS sees it."""

    account_id: str
    email: str
    assumable: bool = True
    role_name: str | None = None  # None: a role of any name can be assumed
    external_id: str | None = None
    suspended: bool = False
    disabled_regions: frozenset[str] = frozenset()
    # What Organizations says of it.
    name: str | None = None
    state: str | None = None  # None: SUSPENDED or ACTIVE
    joined_method: str = "CREATED"
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Later:
    """A value that takes effect after a while: when its time has come and it was waited for in enough reads."""

    value: Any
    due: float
    reads: int

    def is_due(self, now: float) -> bool:
        """Return whether the wait is over."""
        return now >= self.due and self.reads <= 0


@dataclass
class Member:
    """An administrator's record of one member. ``status`` is the truth, :meth:`shown_status` what a read is told."""

    administrator_id: str
    account_id: str
    email: str | None
    status: str
    updated_at: float
    invited_at: float | None = None
    by_organization: bool = False
    seen_as: Later | None = None  # until due, reads are told this older status (None: no such member)
    verifying: Later | None = None  # EmailVerificationInProgress, and what becomes of it
    features_hidden: Later | None = None  # until due, GuardDuty says that it is no associated member

    def settle(self, now: float) -> None:
        """Let waits that are over take effect."""
        if self.verifying and self.verifying.is_due(now):
            self.status, self.updated_at, self.verifying = self.verifying.value, now, None
        if self.seen_as and self.seen_as.is_due(now):
            self.seen_as = None

    def shown_status(self, now: float) -> str | None:
        """Return the status a read by the administrator is told, and count that read."""
        self.settle(now)
        shown: str | None = self.seen_as.value if self.seen_as else self.status
        for wait in (self.seen_as, self.verifying):
            if wait:
                wait.reads -= 1
        return shown


@dataclass
class Invitation:
    """An invitation as the invited account finds it. Its status is that of the administrator's record."""

    administrator_id: str
    invitation_id: str
    invited_at: float
    hidden: Later | None = None

    def is_visible(self, now: float) -> bool:
        """Return whether the member can see it by now."""
        return self.hidden is None or self.hidden.is_due(now)


@dataclass
class Switch:
    """A detector, a hub, a session: the service is on."""

    resource_id: str
    arn: str
    created_at: float
    updated_at: float
    enabled: bool = True  # GuardDuty: a suspended detector is still a detector
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Home:
    """One account in one Region, for one service."""

    service: str
    account_id: str
    region: str
    switch: Switch | None = None
    members: dict[str, Member] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)  # by inviting administrator
    administrator_id: str | None = None


@dataclass
class Regional:
    """A setting with one value for every Region, until it is set in one of them."""

    default: Any = None
    per_region: dict[str, Any] = field(default_factory=dict)

    def get(self, region: str) -> Any:
        """Return the value in a Region."""
        return self.per_region.get(region, self.default)

    def set(self, region: str, value: Any) -> None:
        """Set the value in one Region."""
        self.per_region[region] = value


@dataclass
class Unit:
    """An organizational unit; without a parent it is directly below the root."""

    name: str
    parent: str | None = None


@dataclass
class Organization:
    """The AWS organization. Without a management account there is none."""

    management_account: str | None = None
    account_ids: set[str] = field(default_factory=set)
    units: dict[str, Unit] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)  # account to unit; the others are directly below the root
    delegated: dict[str, Regional] = field(default_factory=lambda: defaultdict(Regional))
    auto_enable: dict[str, Regional] = field(
        default_factory=lambda: defaultdict(lambda: Regional(False), guardduty=Regional("NONE"))
    )
    settings: dict[str, Regional] = field(default_factory=lambda: defaultdict(lambda: Regional({})))
    central_configuration: bool = False
    # A delegation that reads do not show yet, or one that they still show as being taken away.
    office: dict[str, Regional] = field(default_factory=lambda: defaultdict(Regional))
    configuring: Regional = field(default_factory=Regional)  # Security Hub's settings, while they are PENDING
    configuration_failure: str | None = None  # AWS's text about settings that FAILED
    securityhub_policy: bool = False  # a policy of the organization governs Security Hub
    trusted_principals: set[str] = field(default_factory=set)
    missing_features: dict[str, list[str]] = field(default_factory=dict)  # by Region: GuardDuty features it lacks

    def administrators(self) -> set[str]:
        """Return the delegated administrators of all services: they may read the organization."""
        values = {value for each in self.delegated.values() for value in (each.default, *each.per_region.values())}
        return {account_id for account_id in values if account_id}

    def is_managed_by(self, service: str, region: str, administrator_id: str, account_id: str) -> bool:
        """Return whether the administrator is the delegated one and the account is in its organization."""
        return account_id in self.account_ids and self.delegated[service].get(region) == administrator_id


@dataclass
class Past:
    """What reads of a service in a Region are told until a write shows: its homes as they were before."""

    homes: dict[tuple[str, str, str], Home]
    until: float = 0.0


class World:
    """All state of one emulator. Callers hold ``Emulator.lock`` while they change it."""

    def __init__(self, caller: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.clear(caller)

    def clear(self, caller: str) -> None:
        """Forget everything."""
        self._clock_offset = 0.0
        self.caller = caller
        self.knobs = Knobs()
        self.accounts: dict[str, Account] = {}
        self.organization = Organization()
        self.access_keys: dict[str, str] = {}
        self._sessions: dict[str, float] = {}  # the beginning of each
        self._homes: dict[tuple[str, str, str], Home] = {}
        self._pasts: dict[tuple[str, str], list[Past]] = {}

    # --- time ---------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Return the emulator's time in seconds since the epoch."""
        return self._clock() + self._clock_offset

    def advance(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self._clock_offset += seconds

    def later(self, value: Any, wait: str) -> Later | None:
        """Return a value that the ``<wait>_seconds`` and ``<wait>_reads`` knobs put off; None without a delay."""
        seconds, reads = getattr(self.knobs, f"{wait}_seconds"), getattr(self.knobs, f"{wait}_reads")
        return Later(value, self.now() + seconds, reads) if seconds or reads else None

    @contextmanager
    def hidden_write(self, service: str, region: str, operation: str) -> Iterator[None]:
        """Keep what reads are told until the write of this operation, done inside, is shown."""
        seconds = self.knobs.lag_seconds_of.get(operation, self.knobs.lag_seconds)
        if not seconds:
            yield
            return
        mine = {key: home for key, home in self._homes.items() if key[::2] == (service, region)}
        past = Past(copy.deepcopy(mine))
        yield
        past.until = self.now() + seconds
        self._pasts.setdefault((service, region), []).append(past)

    def as_shown(self, service: str, region: str) -> World:
        """Return the world that reads see: before the first write that is not shown yet."""
        pasts = self._pasts.get((service, region), [])
        pasts[:] = [past for past in pasts if past.until > self.now()]
        if not pasts:
            return self
        world = copy.copy(self)
        world._homes = pasts[0].homes
        return world

    def begin_session(self, access_key: str) -> float:
        """Let the time of temporary keys run, unless it does already, and return when that began."""
        return self._sessions.setdefault(access_key, self.now())

    def is_session_over(self, access_key: str) -> bool:
        """Return whether temporary keys have expired."""
        began, lifetime = self.begin_session(access_key), self.knobs.session_seconds
        return bool(lifetime) and self.now() - began >= lifetime

    # --- accounts and homes -------------------------------------------------------------------------------------------

    def account(self, account_id: str) -> Account:
        """Return an account; one that nobody mentioned before exists too."""
        if account_id not in self.accounts:
            self.accounts[account_id] = Account(account_id, f"{account_id}@example.com")
        return self.accounts[account_id]

    def home(self, service: str, account_id: str, region: str) -> Home:
        """Return the state of a service in one account and Region."""
        key = (service, account_id, region)
        if key not in self._homes:
            self._homes[key] = Home(service, account_id, region)
        return self._homes[key]

    def switch_on(self, home: Home, **settings: Any) -> Switch:
        """Make sure the service is on; an existing detector or hub stays what it is."""
        if home.switch is None:
            kind, fixed_id = _RESOURCES[home.service]
            resource_id = fixed_id or uuid.uuid4().hex
            place = f"{partition_of(home.region)}:{home.service}:{home.region}:{home.account_id}"
            home.switch = Switch(resource_id, f"arn:{place}:{kind}/{resource_id}", self.now(), self.now(), **settings)
        return home.switch

    # --- memberships --------------------------------------------------------------------------------------------------

    def member(self, service: str, region: str, administrator_id: str, account_id: str) -> Member | None:
        """Return an administrator's record of an account, without counting as a read."""
        member = self.home(service, administrator_id, region).members.get(account_id)
        if member:
            member.settle(self.now())
        return member

    def move(self, service: str, region: str, member: Member, status: str) -> None:
        """Give a record another status, and let the member's own view follow."""
        home = self.home(service, member.account_id, region)
        if status in ASSOCIATED:
            home.administrator_id = member.administrator_id
        elif home.administrator_id == member.administrator_id:
            home.administrator_id = None
        if status == "Deleted":
            home.invitations.pop(member.administrator_id, None)
        member.status, member.updated_at = status, self.now()
        member.verifying = member.seen_as = None

    def remove(self, service: str, region: str, member: Member) -> None:
        """Delete a record together with what the member has of it."""
        self.move(service, region, member, "Deleted")
        del self.home(service, member.administrator_id, region).members[member.account_id]

    def invite(self, service: str, region: str, member: Member) -> None:
        """Put an invitation into the member's list, in place of an earlier one of the same administrator."""
        member.invited_at = self.now()
        home = self.home(service, member.account_id, region)
        hidden = self.later(None, "invite_visible")
        home.invitations[member.administrator_id] = Invitation(
            member.administrator_id, uuid.uuid4().hex, member.invited_at, hidden
        )

    def set_member(
        self,
        service: str,
        region: str,
        administrator_id: str,
        account_id: str,
        status: str | None,
        email: str | None = None,
    ) -> None:
        """Force a record to a status, with everything that would be true beside it; None removes the record."""
        home = self.home(service, administrator_id, region)
        member = home.members.get(account_id)
        if status is None:
            if member:
                self.remove(service, region, member)
            return
        self.switch_on(home)
        if member is None:
            member = Member(administrator_id, account_id, email or self.account(account_id).email, status, self.now())
            home.members[account_id] = member
        member.email = email or member.email
        self.move(service, region, member, status)
        self._complete(service, region, member)

    def _complete(self, service: str, region: str, member: Member) -> None:
        home = self.home(service, member.account_id, region)
        member.by_organization = self.organization.is_managed_by(
            service, region, member.administrator_id, member.account_id
        )
        if member.status in ASSOCIATED:
            self.switch_on(home).enabled = member.status not in SUSPENDED
        if member.by_organization and member.status not in PENDING:
            member.invited_at = None
        elif member.status in _INVITED and member.administrator_id not in home.invitations:
            self.invite(service, region, member)
            home.invitations[member.administrator_id].hidden = None
        elif member.status in PENDING or member.status == "EmailVerificationFailed":
            member.invited_at = self.now()
        elif member.status == "Created":
            home.invitations.pop(member.administrator_id, None)
            member.invited_at = None

    def summary_of_members(self, service: str, region: str, administrator_id: str) -> list[Mapping[str, Any]]:
        """Return an administrator's records as plain data."""
        members = self.home(service, administrator_id, region).members
        return [
            {"account_id": member.account_id, "status": member.status, "email": member.email}
            for member in members.values()
            if self.member(service, region, administrator_id, member.account_id)
        ]
