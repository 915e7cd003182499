# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the services have in common: botocore gives GuardDuty and Security Hub the same operation and member names.

Each public method is the operation of its name (CreateMembers is ``create_members``): it takes a request and returns
the result under botocore's names, or raises an AwsError. The subclasses add what differs.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore import xform_name

from .errors import AwsError
from .organization import OrganizationOperations
from .requests import Request, Result
from .state import ACTIVE, ASSOCIATED, PENDING, Invitation, Later, Member, Switch
from .transitions import TABLES
from .wire import InvalidRequest, load_service

MAXIMUM_BATCH = 50

# The deprecated operations do what their successors do; the tables know the latter.
_SUCCESSORS = {
    "AcceptInvitation": "AcceptAdministratorInvitation",
    "DisassociateFromMasterAccount": "DisassociateFromAdministratorAccount",
}


class MembershipService(OrganizationOperations):
    """The operations that services share."""

    client: str = ""  # boto3's name and the signing name, where it is not the service's
    verifies_email = False
    suspended = "Disabled"  # the status of a member that does not work
    maximum_page = 50
    reason_member: str  # the member of an unprocessed account that holds the text
    status_member: str
    associated: frozenset[str]  # what OnlyAssociated selects
    invitations_quota: int | None  # unanswered invitations per administrator

    def __init__(self) -> None:
        self.client = self.client or self.name
        self.wire = load_service(self.client)
        self.table = TABLES[self.name]
        self.operations: dict[str, Callable[[Request], Result]] = {
            name: getattr(self, xform_name(name)) for name in self.wire.operations if hasattr(self, xform_name(name))
        }

    # --- what differs -------------------------------------------------------------------------------------------------

    def check(self, request: Request) -> None:
        """Raise when the call cannot be carried out whatever it asks for."""
        raise NotImplementedError

    def time(self, seconds: float | None) -> Any:
        """Return a time as the service's shapes have it."""
        raise NotImplementedError

    def is_only_associated(self, request: Request) -> bool:
        """Return what OnlyAssociated, or its default, asks for."""
        raise NotImplementedError

    def word(self, request: Request, status: str) -> str:
        """Return a status as the service spells it."""
        return status

    def error_body(self, error: AwsError) -> dict[str, Any]:
        """Return the body of an error."""
        raise NotImplementedError

    def column(self, request: Request) -> str:
        """Return the column of the tables that speaks of a call."""
        return _SUCCESSORS.get(request.operation.name, request.operation.name)

    def invite_refusals(self, request: Request, account_id: str) -> Iterator[str]:
        """Yield further reasons of InviteMembers."""
        raise NotImplementedError

    # --- the state machine --------------------------------------------------------------------------------------------

    def perform(self, request: Request) -> Result:
        """Carry out a call."""
        self.check(request)
        return self.operations[request.operation.name](request)

    def cell(self, request: Request, status: str, in_organization: bool) -> str:
        """Return what the table says, knobs and auto-enable ALL applied. A refusal of the whole request is raised."""
        row = "Enabled" if status in ACTIVE else status
        cell, _ignored, guard = self.table.cell(row, self.column(request), in_organization).partition("/")
        if guard and request.world.organization.auto_enable[self.name].get(request.region) == guard:
            cell = {"request": "E_ALL", "account": "U_ALL"}[request.knobs.all_refusal]
        cell = self.table.resolve(cell, request.knobs)
        if cell.startswith("E_"):
            raise request.error(cell)
        return cell

    def cells(self, request: Request, account_ids: Iterable[str]) -> dict[str, str]:
        """Return the cell of each account of the calling administrator, before anything is done to one of them."""
        return {
            account_id: self.cell(request, request.status(account_id), request.in_organization(account_id))
            for account_id in account_ids
        }

    def apply(self, request: Request, member: Member | None, cell: str) -> bool:
        """Do what a cell says that is no refusal; return whether that changed the record."""
        if cell == "=" or member is None:
            return False
        if cell == "gone":
            request.world.remove(self.name, request.region, member)
        elif cell == "uninvite":
            request.home.invitations.pop(member.administrator_id, None)
        else:
            request.move(member, cell)
        return True

    def apply_to_members(self, request: Request) -> list[str]:
        """Move each named account of the calling administrator through the table; return those that changed."""
        changed = []
        for account_id, cell in self.cells(request, request.params["AccountIds"]).items():
            if cell.startswith("U_"):
                request.refuse(account_id, cell)
            elif self.apply(request, request.member(request.account_id, account_id), cell):
                changed.append(account_id)
        return changed

    def unprocessed(self, request: Request) -> Result:
        """Return the answer of an operation that only reports whom it refused."""
        refused = [{"AccountId": key, self.reason_member: text} for key, text in request.unprocessed.items()]
        return {"UnprocessedAccounts": refused}

    def invalid(self, request: Request, problem: InvalidRequest) -> AwsError:
        """Return the answer to a request that the service model does not allow."""
        is_batch = problem.problem == "length" and problem.member.lower() in ("accountids", "accountdetails")
        key = "E_LENGTH" if is_batch else {"missing": "E_MISSING"}.get(problem.problem, "E_INVALID")
        return request.error(
            key, member=problem.member, problem=problem.problem, detail=problem.detail, limit=MAXIMUM_BATCH
        )

    # --- the administrator's side -------------------------------------------------------------------------------------

    def create_members(self, request: Request) -> Result:
        emails = {detail["AccountId"]: detail.get("Email") for detail in request.params["AccountDetails"]}
        for account_id, cell in self.cells(request, emails).items():
            refusal = next(self._create_refusals(request, account_id, cell), None)
            if refusal:
                request.refuse(account_id, refusal)
            else:
                self._create(request, account_id, emails[account_id], cell)
        return self.unprocessed(request)

    def _create_refusals(self, request: Request, account_id: str, cell: str) -> Iterator[str]:
        in_organization = request.in_organization(account_id)
        if request.home.administrator_id:
            yield "U_CALLER"
        if account_id == request.account_id:
            yield "U_SELF"
        if not re.fullmatch(r"\d{12}", account_id):
            yield "U_ACCOUNTID"
        if cell.startswith("U_"):
            yield cell
        if in_organization and request.home_of(account_id).administrator_id not in (None, request.account_id):
            yield "U_HELD"
        is_management = account_id == request.world.organization.management_account
        if in_organization and is_management and request.home_of(account_id).switch is None:
            yield "U_MASTEROFF"
        if account_id not in request.home.members and self.is_full(request):
            yield "U_QUOTA"

    def _create(self, request: Request, account_id: str, email: str | None, status: str) -> None:
        world = request.world
        member = request.home.members.get(account_id)
        if member is None or member.status == "Deleted":
            member = Member(request.account_id, account_id, email, "absent", world.now())
            request.home.members[account_id] = member
            hidden = world.later(None, "create_visible")
        else:
            hidden = None
        if request.in_organization(account_id):
            member.by_organization, member.invited_at = True, None
            if world.account(account_id).suspended:
                status = "AccountSuspended"
            else:  # the delegated administrator switches the service on
                world.switch_on(request.home_of(account_id)).enabled = True
                member.features_hidden = world.later(None, "features_visible")
        request.move(member, status)
        member.seen_as = hidden

    def invite_members(self, request: Request) -> Result:
        for account_id, cell in self.cells(request, request.params["AccountIds"]).items():
            refusal = next(self._invite_refusals(request, account_id, cell), None)
            if refusal:
                request.refuse(account_id, refusal)
            else:
                self.send_invitation(request, request.home.members[account_id])
        return self.unprocessed(request)

    def _invite_refusals(self, request: Request, account_id: str, cell: str) -> Iterator[str]:
        if request.home.administrator_id:
            yield "U_CANNOTINVITE"
        if account_id == request.account_id:
            yield "U_SELFINVITE"
        if cell.startswith("U_"):
            yield cell
        yield from self.invite_refusals(request, account_id)
        quota = request.knobs.invitations_quota
        limit = self.invitations_quota if quota is None else quota
        if limit is not None and sum(item.status in PENDING for item in request.home.members.values()) >= limit:
            yield "U_INVITEQUOTA"

    def send_invitation(self, request: Request, member: Member) -> None:
        """Bring a record from Created, Removed or Resigned to Invited.

        A service that verifies addresses sends it once the address was found to be the account's own, after a while.
        """
        world = request.world
        real = world.account(member.account_id).email
        is_unchecked = not self.verifies_email or request.knobs.verify_email == "off"
        matches = is_unchecked or real.lower() == (member.email or "").lower()
        outcome = "Invited" if matches else "EmailVerificationFailed"
        pending = None if is_unchecked else world.later(outcome, "verification")
        hidden = member.seen_as
        request.move(member, "EmailVerificationInProgress" if pending else outcome)
        member.invited_at = world.now()
        if matches:
            world.invite(self.name, request.region, member)
        else:
            request.home_of(member.account_id).invitations.pop(request.account_id, None)
        member.verifying, member.seen_as = pending, hidden

    def disassociate_members(self, request: Request) -> Result:
        self.apply_to_members(request)
        return self.unprocessed(request)

    def delete_members(self, request: Request) -> Result:
        self.apply_to_members(request)
        return self.unprocessed(request)

    def get_members(self, request: Request) -> Result:
        members = []
        for account_id in dict.fromkeys(request.params["AccountIds"]):
            member = request.home.members.get(account_id)
            status = member.shown_status(request.world.now()) if member else None
            if member and status:
                members.append(self._describe_member(request, member, status))
            elif request.knobs.get_members_unknown == "unprocessed":
                request.refuse(account_id, "U_UNKNOWN")
            elif request.knobs.get_members_unknown == "error" and self.name == "securityhub":
                raise request.error("E_NOTFOUND")
        return {"Members": members, **(self.unprocessed(request) or {})}

    def list_members(self, request: Request) -> Result:
        only_associated = self.is_only_associated(request)
        now = request.world.now()
        shown = [(member, member.shown_status(now)) for member in request.home.members.values()]
        wanted = [(member, status) for member, status in shown if status in self.associated or not only_associated]
        page, token = self.page(request, [(member, status) for member, status in wanted if status])
        return {
            "Members": [self._describe_member(request, member, status) for member, status in page],
            "NextToken": token,
        }

    def _describe_member(self, request: Request, member: Member, status: str) -> dict[str, Any]:
        return {
            "AccountId": member.account_id,
            "MasterId": member.administrator_id,  # still sent beside its successor
            "AdministratorId": member.administrator_id,
            "Email": member.email,
            self.status_member: self.word(request, status),
            "InvitedAt": self.time(member.invited_at),
            "UpdatedAt": self.time(member.updated_at),
        }

    # --- the member's side --------------------------------------------------------------------------------------------

    def accept_administrator_invitation(self, request: Request) -> Result:
        return self._accept(request, request.params["AdministratorId"])

    def accept_invitation(self, request: Request) -> Result:
        return self._accept(request, request.params["MasterId"])

    def _accept(self, request: Request, administrator_id: str) -> Result:
        home, world = request.home, request.world
        if any(member.status in PENDING | ASSOCIATED | {"Created"} for member in home.members.values()):
            raise request.error("E_ADMINISTRATOR")
        if home.administrator_id:
            raise request.error("E_MEMBER")
        invitation = self._invitation(request, administrator_id)
        member = request.member(administrator_id, request.account_id)
        if member is None or invitation is None or invitation.invitation_id != request.params["InvitationId"]:
            raise request.error("E_NOINVITE")
        status = self.cell(request, member.status, in_organization=False)
        if request.home_of(administrator_id).administrator_id:
            raise request.error("E_INVITERMEMBER")
        before = member.status
        request.move(member, status if home.switch and home.switch.enabled else self.suspended)
        member.seen_as = world.later(before, "accept_visible")
        return None

    def _invitation(self, request: Request, administrator_id: str) -> Invitation | None:
        """Return the caller's invitation from an administrator, if it has arrived."""
        invitation = request.home.invitations.get(administrator_id)
        member = request.member(administrator_id, request.account_id)
        if invitation is None or member is None or not invitation.is_visible(request.world.now()):
            return None
        return None if member.status in ("EmailVerificationInProgress", "EmailVerificationFailed") else invitation

    def decline_invitations(self, request: Request) -> Result:
        return self._answer_invitations(request)

    def delete_invitations(self, request: Request) -> Result:
        return self._answer_invitations(request)

    def _answer_invitations(self, request: Request) -> Result:
        for administrator_id in dict.fromkeys(request.params["AccountIds"]):  # the ids are those of the inviters
            member = request.member(administrator_id, request.account_id)
            status = member.status if member and self._invitation(request, administrator_id) else "absent"
            cell = self.cell(request, status, in_organization=False)
            if cell.startswith("U_"):
                request.refuse(administrator_id, cell)
            else:
                self.apply(request, member, cell)
        return self.unprocessed(request)

    def list_invitations(self, request: Request) -> Result:
        waiting: Iterable[Later | None] = [invitation.hidden for invitation in request.home.invitations.values()]
        accepted = request.home.administrator_id
        invitations = [
            item
            for item in self._invitations(request)
            if request.knobs.list_invitations_includes_accepted in (self.name, "both")
            or item.administrator_id != accepted
        ]
        for later in waiting:
            if later:
                later.reads -= 1
        page, token = self.page(request, invitations)
        described = [self._describe_administrator(request, item.administrator_id) for item in page]
        return {"Invitations": described, "NextToken": token}

    def get_invitations_count(self, request: Request) -> Result:
        accepted = request.home.administrator_id
        return {"InvitationsCount": sum(item.administrator_id != accepted for item in self._invitations(request))}

    def _invitations(self, request: Request) -> list[Invitation]:
        found = (self._invitation(request, administrator_id) for administrator_id in request.home.invitations)
        return [invitation for invitation in found if invitation]

    def get_administrator_account(self, request: Request) -> Result:
        return self._administrator(request, "Administrator")

    def get_master_account(self, request: Request) -> Result:
        return self._administrator(request, "Master")

    def _administrator(self, request: Request, name: str) -> Result:
        administrator_id = request.home.administrator_id
        if administrator_id is None:
            return self.no_administrator(request)
        return {name: self._describe_administrator(request, administrator_id)}

    def no_administrator(self, request: Request) -> Result:
        """Answer for an account that belongs to no administrator."""
        raise NotImplementedError

    def _describe_administrator(self, request: Request, administrator_id: str) -> dict[str, Any]:
        invitation = request.home.invitations.get(administrator_id)
        member = request.member(administrator_id, request.account_id)
        return {
            "AccountId": administrator_id,
            "InvitationId": invitation.invitation_id if invitation else None,
            "InvitedAt": self.time(invitation.invited_at if invitation else None),
            self.status_member: self.word(request, member.status if member else "Deleted"),
        }

    def disassociate_from_administrator_account(self, request: Request) -> Result:
        administrator_id = request.home.administrator_id
        member = request.member(administrator_id, request.account_id) if administrator_id else None
        if administrator_id is None or member is None:
            raise request.error("E_ALONE")
        self.apply(
            request,
            member,
            self.cell(request, member.status, request.in_organization(request.account_id, administrator_id)),
        )
        return None

    def disassociate_from_master_account(self, request: Request) -> Result:
        return self.disassociate_from_administrator_account(request)

    def switch_off(self, request: Request) -> None:
        """Delete the caller's detector or hub. Its administrator sees it as Removed, its own records end."""
        home = request.home
        if home.administrator_id:
            member = request.member(home.administrator_id, home.account_id)
            if member:
                request.move(member, "Removed")
        for member in list(home.members.values()):
            request.world.remove(self.name, request.region, member)
        home.switch = None

    # --- tags ---------------------------------------------------------------------------------------------------------

    def tagged(self, request: Request) -> Switch:
        """Return the detector or hub the ARN of a tagging call names, or raise."""
        raise NotImplementedError

    def tag_resource(self, request: Request) -> Result:
        self.tagged(request).tags.update(request.params["Tags"])
        return None

    def untag_resource(self, request: Request) -> Result:
        tags = self.tagged(request).tags
        for key in request.params["TagKeys"]:
            tags.pop(key, None)
        return None

    def list_tags_for_resource(self, request: Request) -> Result:
        return {"Tags": dict(self.tagged(request).tags)}

    # --- pages --------------------------------------------------------------------------------------------------------

    def page(self, request: Request, items: list[Any]) -> tuple[list[Any], str | None]:
        """Return one page and the token of the next: an offset, and whether an empty page was served there."""
        start, after_empty = _read_token(request)
        if request.knobs.empty_pages and not after_empty:
            return [], _token(start, after_empty=True)
        size = min(request.params.get("MaxResults", self.maximum_page), request.knobs.page_size or self.maximum_page)
        end = start + size
        return items[start:end], _token(end, after_empty=False) if end < len(items) else None


def _token(offset: int, after_empty: bool) -> str:
    return base64.urlsafe_b64encode(f"{offset}/{after_empty:d}".encode()).decode()


def _read_token(request: Request) -> tuple[int, bool]:
    token = request.params.get("NextToken")
    if not token:
        return 0, False
    try:
        offset, after_empty = base64.urlsafe_b64decode(token).decode().split("/")
        return int(offset), bool(int(after_empty))
    except ValueError as problem:
        raise InvalidRequest("NextToken", "choice") from problem
