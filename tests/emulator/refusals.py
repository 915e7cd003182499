# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's words. Modules match fragments of them, so they are kept in one place.

``U_`` keys are reasons of unprocessed accounts, ``E_`` keys refuse the whole request.

The sentences are those of AWS's own GuardDuty user guides of 2017 and 2020, as far as those had one (the API reference
lists none today); real answers of later years repeat them. Security Hub publishes no list. The answers of its that are
known are GuardDuty's sentences of 2017 with the other product's name, so the whole family is used that way.
"""

from __future__ import annotations

from collections.abc import Mapping

from .errors import AwsError

# What follows "The request is rejected because ". A pair where the wording changed from 2017 to 2020.
SENTENCES: dict[str, str | tuple[str, str]] = {
    # CreateMembers
    "U_MEMBER": (
        "the given account ID is already a member or associated member of the current account.",
        "the specified account ID is already a member or associated member of the current account.",
    ),
    "U_CALLER": (
        "the current account cannot create members since it is already an associated member of another master account.",
        "the current account cannot create members because it is already a member of another master account.",
    ),
    "U_SELF": "an account cannot become a member of itself.",
    "U_QUOTA": (
        "the current account cannot create anymore members since it cannot exceed the maximum number of allowed "
        "members.",
        "the current account cannot create more members because it cannot exceed the maximum number of allowed "
        "members.",
    ),
    "U_HELD": (
        "the given account ID is already an associated member of another master account.",
        "the specified account ID is already a member of another master account.",
    ),
    "U_ACCOUNTID": "the given account ID is invalid.",
    # InviteMembers
    "U_INVITED": (
        "the current account has already invited or is already the {product} master of the given member account ID.",
        "the current account has already invited or is already the {product} master of the specified member account "
        "ID.",
    ),
    "U_CANNOTINVITE": (
        "the current account cannot invite other accounts since it is already an associated member of another "
        "master account.",
        "the current account cannot invite other accounts because it is already a member of another master account.",
    ),
    "U_SELFINVITE": "an account cannot invite itself.",
    "U_NOEMAIL": "member account's email address is missing.",
    "U_INVITEQUOTA": "the current account cannot exceed the maximum number of outstanding invitations.",
    "U_ORGINVITE": "the given account ID belongs to the organization and cannot be invited.",
    # DisassociateMembers, DeleteMembers, StartMonitoringMembers, StopMonitoringMembers
    "U_UNKNOWN": "the given account ID is not a member of the current account.",
    "U_ASSOC": (
        "the current account cannot delete the given member account ID since it is still associated to it.",
        "the current account cannot delete the specified member account ID because it is still associated to it.",
    ),
    "U_ORGDELETE": "the current account cannot delete a member that belongs to the organization.",
    "U_NOTASSOC": (
        "the given account ID is not an associated member of the current account.",
        "the specified account ID is not an associated member of the current account.",
    ),
    "U_NOTMINE": (  # StopMonitoringMembers got a wording of its own
        "the given account ID is not an associated member of the current account.",
        "the specified account ID is not a member of the current account.",
    ),
    "U_ALL": "the member belongs to an organization whose auto-enable setting is ALL.",
    "E_ALL": "the member belongs to an organization whose auto-enable setting is ALL.",
    # DeclineInvitations, DeleteInvitations
    "U_NOINVITE": "the current account has no invitation from the given master account ID.",
    "U_ACCEPTED": "the current account is associated to the given master account ID.",
    "U_NODECL": (
        "the current account cannot delete the invitation from the given master account ID since it is still "
        "associated to it or has not declined their invitation yet.",
        "the current account cannot delete the invitation from the specified master account ID because it is still "
        "associated to it or has not declined the invitation yet.",
    ),
    # AcceptAdministratorInvitation, DisassociateFromAdministratorAccount
    "E_ADMINISTRATOR": (
        "the current account cannot accept invitations since it still has created, invited or associated members.",
        "the current account cannot accept invitations because the account contains created, invited, or associated "
        "members.",
    ),
    "E_MEMBER": (
        "the current account cannot accept invitations since it is already an associated member of a master account.",
        "the current account cannot accept invitations because it is already a member of a master account.",
    ),
    "E_INVITERMEMBER": (
        "the current account cannot accept an invitation from the given account ID since the latter is a member of "
        "another master account.",
        "the current account cannot accept an invitation from the specified account ID because the latter is a member "
        "of another master account.",
    ),
    "E_NOINVITE": (
        "the current account does not have an invitation from the requested master account ID.",
        "the current account has no pending invitation from the specified master account ID or is already a member of "
        "another master account.",
    ),
    "E_ALONE": (
        "the current account is not associated to a master account.",
        "the current account is not associated with a master account.",
    ),
    "E_ORGLEAVE": "member cannot disassociate from Organization administrator",
    # The request itself, the detector
    "E_INVALID": "an invalid or out-of-range value is specified as an input parameter.",
    "E_LENGTH": "the length provided for the {member} array is {detail}, the maximum is {limit}.",
    "E_MISSING": "required query or path parameters are not specified: {member}.",
    "E_DETECTORID": "the parameter detectorId has an invalid value.",
    "E_NOTOWNED": "the input detectorId is not owned by the current account.",
    "E_DETECTOREXISTS": "a detector already exists for the current account.",
    "E_ORGDETECTOR": "member accounts cannot manage specified resources or properties.",
    "E_DETECTORINUSE2018": "the current account cannot delete detector while it has invited or associated members.",
    # Organizations
    "E_DELEGATED": "another account is already the delegated administrator of the organization.",
    "E_NOTINORGANIZATION": "the given account ID is not in the organization.",
    "E_DISABLED": "the delegated administrator has already been disabled.",
    "U_MANAGED": "the feature is managed by an organization policy.",
    "E_MANAGED": "the feature is managed by an organization policy.",
    "E_CONFIGURATION": "exactly one of autoEnable and autoEnableOrganizationMembers is required.",
}

# Texts that do not begin with "The request is rejected", first Security Hub's own.
_WHOLE: dict[str, dict[str, str]] = {
    "securityhub": {
        "E_INVALID": "Invalid parameter: {member} ({problem} {detail})",
        "E_NOTSUBSCRIBED": "Account {account_id} is not subscribed to AWS Security Hub",
        "E_DISABLEDHUB": "Account is not subscribed to Security Hub",
        "E_SUBSCRIBED": "Account is already subscribed to Security Hub",
        "E_HUBINUSE": "Cannot disable Security Hub on the Security Hub administrator",
        "E_ORGHUB": "Member account cannot disable Security Hub",
        "E_CENTRAL": "Auto Enable and AutoEnableStandards can not be enabled for Central Configuration",
        "E_CENTRALMEMBER": "Account {account_id} is managed by a configuration policy",
        "E_CENTRALCHANGE": "This account is currently associated with a central configuration policy, so only the "
        "administrator can access this operation.",
        "E_NOTFOUND": "The request is rejected since no such resource found.",
        "E_NORESOURCE": "The request is rejected since no such resource found.",
        "E_NOTMANAGEMENT": "Account {account_id} is not the management account of an organization",
        "E_NOTDELEGATED": "Account {account_id} is not an administrator for this organization",
        "E_NODELEGATED": "Account {account_id} is not an administrator for this organization",
        "E_MEANWHILE": "The request was rejected because of a conflict with another request",
        "U_BATCH": "Maximum number of results exceeded",  # CreateMembers, from the 51st account on
        "U_MASTEROFF": "Operation failed because your organization master must first enable SecurityHub",
    },
    "macie": {
        "E_INVALID": "Invalid parameter: {member} ({problem} {detail})",
        "E_MISSING": "Invalid parameter: {member} ({problem} {detail})",
        "E_OFF": "Macie is not enabled.",
        "E_ON": "Macie has already been enabled",
        "E_ASSOCIATED": "Cannot disable Macie while associated with an administrator account",
        "E_INUSE": "Cannot disable Macie while the account has member accounts",
        "E_PAUSE": "Cannot suspend Macie while the account has member accounts",
        "E_NORESOURCE": "The request is rejected because no such resource found.",
        "E_NOTMANAGEMENT": "You must be the management account of an organization",
        "E_NOTDELEGATED": "You must be the Macie administrator of the organization",
        "E_NODELEGATED": "You must be the Macie administrator of the organization",
        "E_MEANWHILE": "The request was rejected because of a conflict with another request",
        "U_QUOTA": "The request is rejected because the current account cannot exceed the maximum number of members.",
        "U_MASTEROFF": "Operation failed because your organization master must first enable Macie",
        "404": "The request is rejected because the member account was not found.",
        "not_associated": "The request is rejected because the account is not associated with your account.",
        "not_member": "The request is rejected because it is not an associated member of account {account_id}.",
        "conflict": "The request is rejected because no member accounts are associated with your account.",
    },
    "guardduty": {
        "E_DETECTORINUSE": "The request is rejected. You must first disassociate your member accounts and delete "
        "invited member accounts.",
        "E_NOTDELEGATED": "The request is rejected because an invalid or out-of-range value is specified as an input "
        "parameter.",
        "E_NODELEGATED": "The request failed because a delegated administrator account has not been enabled.",
        "E_DELEGATED": "The request failed because another account is already enabled as GuardDuty delegated "
        "administrator for the organization.",
        "E_NOTMANAGEMENT": "The request failed because you are not the master account for your AWS Organization.",
        "E_NOTRUST": "The request failed because you do not have required AWS Organization master permission.",
        "E_MEANWHILE": "The request is rejected because an invalid or out-of-range value is specified as an input "
        "parameter.",
        "E_NOTINORGANIZATION": "The request failed because admin account passed is not member of AWS Organizations.",
        "U_MASTEROFF": "Operation failed because your organization master must first enable GuardDuty to be added as "
        "a member",
    },
}

# Codes that are not the service's usual one. GuardDuty sends these beside the one it models, BadRequestException.
_CODES: dict[str, dict[str, str]] = {
    "guardduty": {"E_NOTOWNED": "NoSuchEntityException"},
    "macie": {
        "E_OFF": "AccessDeniedException",
        "E_ON": "ConflictException",
        "E_ASSOCIATED": "ConflictException",
        "E_INUSE": "ConflictException",
        "E_PAUSE": "ConflictException",
        "E_NORESOURCE": "ResourceNotFoundException",
        "E_NOTMANAGEMENT": "AccessDeniedException",
        "E_NOTDELEGATED": "AccessDeniedException",
        "E_NODELEGATED": "AccessDeniedException",
        "E_MEANWHILE": "ConflictException",
        "E_ALONE": "ResourceNotFoundException",
        "U_QUOTA": "ServiceQuotaExceededException",
        "U_UNKNOWN": "ResourceNotFoundException",
        "404": "ResourceNotFoundException",
        "conflict": "ConflictException",
    },
    "securityhub": {
        "E_NOTSUBSCRIBED": "InvalidAccessException",
        "E_NOTMANAGEMENT": "InvalidAccessException",
        "E_NOTDELEGATED": "InvalidAccessException",
        "E_NODELEGATED": "InvalidAccessException",
        "E_MEANWHILE": "ResourceConflictException",
        "E_DISABLEDHUB": "ResourceNotFoundException",
        "E_SUBSCRIBED": "ResourceConflictException",
        "E_CENTRALMEMBER": "AccessDeniedException",
        "E_CENTRALCHANGE": "AccessDeniedException",
        "E_NOTFOUND": "ResourceNotFoundException",
        "E_NORESOURCE": "ResourceNotFoundException",
        "E_ALONE": "BadRequestException",  # not in the service model, and yet on the wire
        "E_ORGLEAVE": "BadRequestException",
    },
}
# The HTTP status comes from the service model; these codes arrive from operations that do not model them, too.
_UNMODELLED = {"AccessDeniedException": 403, "ResourceNotFoundException": 404}


_DEFAULT_CODES = {"macie": "ValidationException"}
_PRODUCTS = {"guardduty": "GuardDuty", "securityhub": "SecurityHub", "macie": "Macie"}


class Refusals:
    """The refusals of one service, in the wording a knob chose."""

    def __init__(self, service: str, wording: str) -> None:
        self.service = service
        self.is_new = wording == "2020" and service == "guardduty"

    def reason(self, key: str, **values: object) -> str:
        """Return the text of a refusal."""
        text = _WHOLE[self.service].get(key)
        if text is None:
            sentence = SENTENCES[key]
            text = sentence if isinstance(sentence, str) else sentence[self.is_new]
            if self.is_new:
                text = f"The request is rejected. {text[0].upper()}{text[1:]}"
            else:
                text = f"The request is rejected because {text}"
        return text.format(product=_PRODUCTS[self.service], **values)

    def error(self, key: str, modelled: Mapping[str, int], code: str | None = None, **values: object) -> AwsError:
        """Return a request-level error. ``modelled`` are the operation's error codes with their HTTP status."""
        own = code or _CODES[self.service].get(key, _DEFAULT_CODES.get(self.service, "InvalidInputException"))
        if self.service == "guardduty":
            return AwsError("BadRequestException", self.reason(key, **values), 400, own)
        return AwsError(own, self.reason(key, **values), modelled.get(own) or _UNMODELLED.get(own, 400))
