# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values the membership engine works with: frozen, free of Ansible, boto and any one service.

AWS's words are kept: an *administrator* account has *member* accounts, and a member has a *status*
(GuardDuty's ``relationshipStatus``, Security Hub's ``MemberStatus``). A status is a free string on the wire, so it
is mapped, once and totally, to a :class:`State`, on which everything else decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from .features import FeatureWords

# What most batch operations take at most, and most pages hold; a service's facts say where it is otherwise.
BATCH_LIMIT = 50

Item = TypeVar("Item")


class State(Enum):
    """What a status means, whatever a service calls it."""

    ABSENT = "no record"
    CREATED = "record only"
    VERIFYING = "e-mail verification in progress"
    VERIFICATION_FAILED = "e-mail verification failed"
    INVITED = "invited"
    ARRIVING = "on its way to being a member by itself"
    ENABLED = "member"
    SUSPENDED = "member, monitoring suspended"
    REMOVED = "removed by the administrator"
    RESIGNED = "left or declined"
    DELETED = "deleted"
    ACCOUNT_SUSPENDED = "AWS account suspended"
    REGION_DISABLED = "Region off in the account"
    MANAGEMENT_NOT_ENABLED = "management account has the service off"
    UNKNOWN = "unknown status"


class Step(str, Enum):
    """What can be done for an account: the words of a row's ``actions``."""

    CREATE = "create"
    INVITE = "invite"
    DISASSOCIATE = "disassociate"
    DELETE = "delete"
    START_MONITORING = "start_monitoring"
    STOP_MONITORING = "stop_monitoring"
    ENABLE_SERVICE = "enable_service"
    UPDATE_SERVICE = "update_service"
    DISABLE_SERVICE = "disable_service"
    TAG = "tag"
    UNTAG = "untag"
    ACCEPT = "accept"
    LEAVE = "leave"
    ENABLE_SERVICE_ACCESS = "enable_service_access"
    DELEGATE = "delegate"
    REVOKE = "revoke"
    UPDATE_ORGANIZATION = "update_organization"
    UPDATE_FEATURES = "update_features"


class Reason(str, Enum):
    """Why an account is not where it was asked to be: the closed list of the contract."""

    IS_ADMINISTRATOR = "is_administrator"
    INVALID_INPUT = "invalid_input"
    ALREADY_MEMBER = "already_member"
    ALREADY_INVITED = "already_invited"
    MEMBER_OF_OTHER_ADMINISTRATOR = "member_of_other_administrator"
    CALLER_IS_MEMBER = "caller_is_member"
    QUOTA_EXCEEDED = "quota_exceeded"
    EMAIL_MISSING = "email_missing"
    EMAIL_VERIFICATION_FAILED = "email_verification_failed"
    EMAIL_VERIFICATION_PENDING = "email_verification_pending"
    RESIGNED = "resigned"
    ACCOUNT_SUSPENDED = "account_suspended"
    MANAGEMENT_ACCOUNT_NOT_ENABLED = "management_account_not_enabled"
    ORGANIZATION_AUTO_ENABLE_ALL = "organization_auto_enable_all"
    ORGANIZATION_MEMBER = "organization_member"
    CENTRAL_CONFIGURATION = "central_configuration"
    NOT_MANAGEMENT_ACCOUNT = "not_management_account"
    NOT_DELEGATED_ADMINISTRATOR = "not_delegated_administrator"
    OTHER_DELEGATED_ADMINISTRATOR = "other_delegated_administrator"
    ORGANIZATION_NOT_IN_USE = "organization_not_in_use"
    ORGANIZATION_POLICY = "organization_policy"
    FEATURE_UNSUPPORTED = "feature_unsupported"
    TRUSTED_ACCESS_MISSING = "trusted_access_missing"
    STILL_ASSOCIATED = "still_associated"
    NO_INVITATION = "no_invitation"
    SERVICE_NOT_ENABLED = "service_not_enabled"
    REGION_UNAVAILABLE = "region_unavailable"
    ACCESS_DENIED = "access_denied"
    ASSUME_ROLE_FAILED = "assume_role_failed"
    THROTTLED = "throttled"
    INTERNAL_ERROR = "internal_error"
    UNKNOWN_STATUS = "unknown_status"
    TIMED_OUT = "timed_out"
    OTHER = "other"


class Outcome(str, Enum):
    """How it ended for one account in one Region."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_ATTEMPTED = "not_attempted"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True)
class Account:
    """An account as the user lists it.

    :param account_id: 12 digits, as a string: a leading zero is part of the id.
    :param email: The address of the account's root user. GuardDuty verifies it, Security Hub does not need it.
    """

    account_id: str
    email: str | None = None


@dataclass(frozen=True)
class Member:
    """A member record as the administrator reads it. ``status`` is AWS's own word, ``None`` without a record."""

    account_id: str
    state: State = State.ABSENT
    status: str | None = None
    email: str | None = None
    administrator_id: str | None = None
    invited_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True)
class Relationship:
    """The administrator, or an invitation from one, as the member reads it: AWS uses one shape for both."""

    administrator_id: str
    state: State
    status: str | None = None
    invitation_id: str | None = None
    invited_at: str | None = None


@dataclass(frozen=True)
class Problem:
    """Why an account did not get what was asked for, in AWS's own words wherever AWS spoke.

    :param reason: The code a program can act on.
    :param text: AWS's text verbatim, or a sentence of ours where no call was made.
    :param operation: The AWS operation that said so, ``None`` where nothing was sent.
    :param is_passing: It passes by itself, though its reason does not always.
    """

    reason: Reason
    text: str
    operation: str | None = None
    is_passing: bool = False


@dataclass(frozen=True)
class Action:
    """One planned call: the AWS operation and the accounts it names (none for calls a member makes for itself)."""

    operation: str
    account_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceKind:
    """How the module of one service names things.

    :param module: The module's name after the service's.
    :param rows: The key of its rows.
    :param handle: The key of the service's own id or ARN in a row, ``None`` where it has neither.
    :param settings: The options that are compared and kept, with what AWS sets where nothing is asked for.
    :param on_enable: Options that matter only while the service is switched on.
    :param updated_only: Settings that AWS takes in an update only.
    :param has_tags: Whether the service itself can be tagged.
    :param suspended: AWS's status of a service that is on and does not work, ``None`` where there is no such thing.
    """

    module: str
    rows: str
    handle: str | None
    settings: Mapping[str, object]
    on_enable: tuple[str, ...] = ()
    updated_only: tuple[str, ...] = ()
    has_tags: bool = True
    suspended: str | None = None


@dataclass(frozen=True)
class Rule:
    """A fragment of AWS's text, and what it means.

    :param fragment: Lower-cased, with single spaces.
    :param places: The only steps, and operations of no step (reads), for which it means that; none: for all.
    """

    fragment: str
    reason: Reason
    places: Collection[str] = ()

    def fits(self, places: Collection[str], text: str) -> bool:
        """Tell whether it speaks of a text that was said in one of these places."""
        return self.fragment in text and (not self.places or any(place in self.places for place in places))


@dataclass(frozen=True)
class Reading:
    """How an administrator's records are read.

    :param accounts: How many accounts one read names at most.
    :param page: How many records a page of the whole list holds.
    :param list_above: More accounts than these are looked for in the whole list; ``None``: each is asked for by name,
        which costs the same whatever else the administrator has.
    """

    accounts: int = BATCH_LIMIT
    page: int = BATCH_LIMIT
    list_above: int | None = None


@dataclass(frozen=True)
class EmailRules:
    """What a service that verifies addresses demands of one, beyond the common form.

    :param lengths: The whole address, in characters.
    :param forbidden: Characters that must not stand before the @.
    """

    lengths: range
    forbidden: str = ""


@dataclass(frozen=True)
class MessageRules:
    """What the text of an invitation may be.

    :param pattern: A regular expression for the whole text.
    :param text: The same in words, to complete "invitation_message must be".
    """

    pattern: str
    text: str


@dataclass(frozen=True)
class OrganizationKind:
    """How a service serves an organization.

    :param principal: The service principal that it acts as, and that AWS Organizations knows its administrator by.
    :param settings: The options of what accounts of the organization get by themselves.
    :param needs_trust: The management account has to trust it before it can delegate; otherwise delegating does that.
    :param features: What the service says about features of an organization, ``None`` without.
    :param has_configuration: AWS tells who configures the accounts: the administrator's settings, or a policy.
    """

    principal: str
    settings: tuple[str, ...]
    needs_trust: bool = False
    features: FeatureWords | None = None
    has_configuration: bool = False


@dataclass(frozen=True)
class ServiceFacts:
    """What the engine has to know about a service.

    :param name: The collection's word: what its modules begin with, what the roles are told, the key in reports.
    :param client: boto3's client name.
    :param title: AWS's name, for messages.
    :param kind: The module of the service itself.
    :param member_options: The options of its member module that not every service's has.
    :param words: The status AWS writes for a state; the first is used for predictions.
    :param operations: The AWS operation behind each step. A step that is not here is none of this service's.
    :param accounts_per_call: How many accounts the operation of a step takes, where that is not 50.
    :param reading: How records are read.
    :param refusals: What its refusals mean, beyond what all services say alike.
    :param creating_invites: The record and the invitation are made by one call.
    :param remembers_leavers: Whether AWS shows who left, or declined; else such an account has no record.
    :param email: What an e-mail address has to be, where none can be added without; ``None``: any contact, or none.
    :param message: What the text of an invitation has to be, where it has one and AWS states rules for it.
    :param ways: How accounts can become members: the choices of ``via``.
    :param deletes_organization_members: DeleteMembers works for members that came through AWS Organizations.
    :param invites_held_accounts: An account that belongs to an administrator can have another one's invitation.
    :param lists_invitations_while_off: An account can ask for its invitations while the service is off there.
    :param organization: What it has for AWS Organizations.
    :param features: What it says about features of an account, ``None`` without.
    """

    name: str
    client: str
    title: str
    kind: ServiceKind
    words: Mapping[State, tuple[str, ...]]
    operations: Mapping[Step, str]
    deletes_organization_members: bool
    invites_held_accounts: bool
    lists_invitations_while_off: bool = False
    organization: OrganizationKind | None = None
    features: FeatureWords | None = None
    email: EmailRules | None = None
    message: MessageRules | None = None
    member_options: tuple[str, ...] = ()
    ways: tuple[str, ...] = ("invitation", "organization")
    accounts_per_call: Mapping[Step, int] = field(default_factory=dict)
    reading: Reading = Reading()
    refusals: tuple[Rule, ...] = ()
    creating_invites: bool = False
    remembers_leavers: bool = True
    states: Mapping[str, State] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_word = {word.lower(): state for state, words in self.words.items() for word in words}
        object.__setattr__(self, "states", by_word)

    def limit(self, step: Step) -> int:
        """Return how many accounts one call of a step takes."""
        return self.accounts_per_call.get(step, BATCH_LIMIT)

    def places_of(self, operation: str) -> tuple[str, ...]:
        """Return what rules may call the place where an operation's text was said."""
        return (operation, *(step for step, name in self.operations.items() if name == operation))

    @property
    def invitation(self) -> tuple[Step, ...]:
        """The steps from no record to an invited account."""
        return (Step.CREATE,) if self.creating_invites else (Step.CREATE, Step.INVITE)

    @property
    def service_module(self) -> str:
        """The name of the module of the service itself."""
        return f"{self.name}_{self.kind.module}"

    def state_of(self, status: str | None) -> State:
        """Return the state behind AWS's status word; letter case never matters, an unlisted word is ``UNKNOWN``."""
        if status is None:
            return State.ABSENT
        return self.states.get(str(status).lower(), State.UNKNOWN)

    def word_for(self, state: State) -> str | None:
        """Return AWS's word for a state, ``None`` for the absence of a record."""
        return self.words[state][0] if state in self.words else None


def batches(items: Iterable[Item], size: int = BATCH_LIMIT) -> Iterator[list[Item]]:
    """Cut items into lists of at most ``size``, in order; nothing for no items."""
    rest: Sequence[Item] = list(items)
    for start in range(0, len(rest), size):
        yield list(rest[start : start + size])
