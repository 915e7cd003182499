# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service must be able to do for the engine, and how it says that it could not.

An adapter implements one port per target (one account in one Region). It turns AWS's answers into the values of
:mod:`model` and every error into :class:`CallFailed`; nothing else ever leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from .features import Feature
from .model import BATCH_LIMIT, Account, Member, OrganizationKind, Problem, Reason, Relationship, ServiceFacts, Step
from .reasons import is_session_over

if TYPE_CHECKING:
    from .plan_organization import OrganizationRecord


class TaskFailed(Exception):
    """Nothing was begun: bad input, no usable credentials, a brake. The text is for the operator."""


class CallFailed(Exception):
    """A request that AWS refused as a whole, or that got no usable answer.

    :param operation: The AWS operation.
    :param code: AWS's error code, or the SDK's exception name when AWS did not answer.
    :param text: AWS's own text.
    :param reason: What it means.
    :param is_uncertain: The request may have taken effect all the same (a lost answer, a 5xx, a broken body).
    :param is_input_refused: AWS found fault with the request's content: one account may have spoilt the batch.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        text: str,
        reason: Reason,
        is_uncertain: bool = False,
        is_input_refused: bool = False,
    ) -> None:
        super().__init__(f"{operation}: {code}: {text}")
        self.operation = operation
        self.code = code
        self.text = text
        self.reason = reason
        self.is_uncertain = is_uncertain
        self.is_input_refused = is_input_refused

    def as_problem(self) -> Problem:
        """Return the failure as a problem of one account."""
        text = f"{self.code}: {self.text}" if self.text else self.code
        # A later run has a session of its own.
        return Problem(self.reason, text, self.operation, is_passing=is_session_over(self.code))


@dataclass(frozen=True)
class Refusal:
    """What AWS said against one account.

    :param text: AWS's text.
    :param code: AWS's code, where it came with one.
    :param is_uncertain: The request may have taken effect all the same.
    """

    text: str
    code: str = ""
    is_uncertain: bool = False


@dataclass(frozen=True)
class Answer:
    """AWS's answer to a write. HTTP 200 is not success: each account has its own verdict.

    :param refused: Account id to what was said against it: UnprocessedAccounts, or the refusal of its own call.
    :param is_repeated: The SDK sent the request more than once, so an earlier try may already have done the work
        and "already invited" may be our own echo.
    :param is_per_account: False where the answer speaks for nobody (Security Hub's DisassociateMembers is empty).
    """

    refused: Mapping[str, Refusal] = field(default_factory=dict)
    is_repeated: bool = False
    is_per_account: bool = True


@dataclass(frozen=True)
class Clock:
    """Time as the engine sees it, in seconds. Injected, so that tests need not sleep."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ForEach(Protocol):
    """How the batches of a read or of a step are run, as :func:`map` does it: results come in the order of the items.

    Injected, so that the engine knows no threads. The jobs may run side by side.
    """

    def __call__(self, job: Callable[[_Item], _Result], items: Iterable[_Item], /) -> Iterator[_Result]:
        """Run the job for each item, or for fewer where the results are not all taken."""


MemberCalls = Mapping[Step, Callable[[Sequence[Account]], Answer]]


class MembersPort(Protocol):
    """The administrator's side of one Region. Reads create nothing; batches hold as many accounts as the facts say."""

    def get_members(self, account_ids: Sequence[str]) -> list[Member] | None:
        """Read the records of these accounts; accounts without a record are left out.

        ``None``: AWS could not tell for some of them, which says nothing about a record. The full list is sure.
        """

    def list_members(self) -> list[Member]:
        """Read all records, of whatever status, page by page."""

    def describe_organization(self) -> None:
        """DescribeOrganizationConfiguration. CallFailed where the caller is not the delegated administrator."""

    @property
    def calls(self) -> MemberCalls:
        """The writes, by step. A step that the service does not have is not there."""


class AdministratorPort(Protocol):
    """The member's side of one account in one Region."""

    def get_administrator(self) -> Relationship | None:
        """Read the administrator, ``None`` without one. CallFailed (SERVICE_NOT_ENABLED) with the service off."""

    def list_invitations(self) -> list[Relationship]:
        """Read all invitations, page by page."""

    def enable_service(self) -> bool:
        """Switch the service on. False: it was on already, somebody else was faster."""

    def accept_invitation(self, administrator_id: str, invitation_id: str) -> None:
        """AcceptAdministratorInvitation."""

    def leave_administrator(self) -> None:
        """DisassociateFromAdministratorAccount."""


@dataclass(frozen=True)
class ServiceRecord:
    """The service in one account and Region as AWS describes it.

    :param handle: Its id or ARN, empty where it has neither.
    :param status: ENABLED, or the service's word for one that does not work.
    :param settings: Our option names to AWS's values, only those that the service has.
    :param tags: ``None`` where they were not read.
    """

    handle: str
    status: str
    settings: Mapping[str, object]
    tags: Mapping[str, str] | None = None


class ServicePort(Protocol):
    """The service itself in one account and Region: a detector, a hub."""

    def describe(self, with_tags: bool) -> ServiceRecord | None:
        """Read it, ``None`` where it is off."""

    def enable(self, settings: Mapping[str, object], tags: Mapping[str, str]) -> bool:
        """Switch it on with these settings and tags. False: it was on already, somebody else was faster."""

    def update(self, handle: str, settings: Mapping[str, object]) -> None:
        """Change these settings."""

    def disable(self, handle: str) -> None:
        """Switch it off."""


class TaggablePort(ServicePort, Protocol):
    """A service that has tags."""

    def tag(self, handle: str, tags: Mapping[str, str]) -> None:
        """TagResource."""

    def untag(self, handle: str, keys: Sequence[str]) -> None:
        """UntagResource."""


@dataclass(frozen=True)
class Delegate:
    """The delegated administrator of an organization, as the management account reads it."""

    ENABLED: ClassVar[str] = "ENABLED"

    account_id: str
    status: str

    @property
    def is_enabled(self) -> bool:
        """Whether it is in office. The other status is that of one which AWS is taking away."""
        return self.status == self.ENABLED


class DelegationPort(Protocol):
    """The management account's side of one Region: who is the delegated administrator."""

    def get_administrator(self) -> Delegate | None:
        """Read it, ``None`` without one. AWS allows one for each service and Region."""

    def enable(self, administrator_id: str) -> None:
        """EnableOrganizationAdminAccount."""

    def disable(self, administrator_id: str) -> None:
        """DisableOrganizationAdminAccount. It ends the delegation in this Region only."""


class OrganizationPort(Protocol):
    """The delegated administrator's side of one Region: what accounts of the organization get by themselves."""

    def describe(self) -> OrganizationRecord:
        """Read the settings."""

    def update(self, now: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]) -> None:
        """Change these. What AWS wants in each call though it does not change is taken from ``now``."""


class FeaturesPort(MembersPort, Protocol):
    """The administrator's side of a service whose members have features. Batches hold 1 to 50 accounts."""

    def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
        """Read the features of these accounts, by account and name, and AWS's word on those it has none for."""

    def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
        """Give these features to all of these accounts."""


class Api(Protocol):
    """One service of AWS in one Region, for the account that the conversation is with."""

    def call(self, operation: str, **params: object) -> dict[str, Any]:
        """Send one request. Raises CallFailed."""

    def pages(self, operation: str, key: str, page_size: int = BATCH_LIMIT, **params: object) -> list[Any]:
        """Send requests until the last page and return all items under ``key``. Raises CallFailed."""

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource of this service, Region and account."""


def _has_none(_api: Api) -> Any:
    raise TaskFailed("the service has nothing for AWS Organizations here")


@dataclass(frozen=True)
class Service:
    """A service as the jobs use it: its facts, and how to open each port on an API.

    ``open_members`` also takes the module's options, of which some services need a few for their calls.
    """

    facts: ServiceFacts
    open_members: Callable[[Api, Mapping[str, Any]], MembersPort]
    open_administrator: Callable[[Api], AdministratorPort]
    open_service: Callable[[Api], ServicePort]
    open_delegation: Callable[[Api], DelegationPort] = _has_none
    open_organization: Callable[[Api], OrganizationPort] = _has_none

    @property
    def organization_kind(self) -> OrganizationKind:
        """What the service has for an organization. Raises TaskFailed where it has nothing."""
        if self.facts.organization is None:
            raise TaskFailed(f"{self.facts.title} has nothing for AWS Organizations here")
        return self.facts.organization
