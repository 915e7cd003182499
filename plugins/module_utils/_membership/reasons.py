# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's refusal texts and error codes, and what they mean, as far as all services speak alike.

What one service alone says stands in its ``words.py``; these two are the only places where AWS's words are read.

The texts are matched by short fragments, lower-cased and with spaces collapsed, because AWS reworded them over the
years ("given"/"specified", "master"/"administrator"). The first rule that fits wins, so the narrow ones stand first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from .model import Problem, Reason, Rule, ServiceFacts, State, Step

_GENERIC = "invalid or out-of-range value"
_NO_SUCH_RESOURCE = "no such resource found"
_ORGANIZATION = ("DescribeOrganizationConfiguration", "UpdateOrganizationConfiguration")

RULES = (
    # Caller-wide: the caller cannot administer anyone.
    Rule("cannot create members", Reason.CALLER_IS_MEMBER),
    Rule("cannot invite other accounts", Reason.CALLER_IS_MEMBER),
    Rule("because it is already a member of another", Reason.CALLER_IS_MEMBER, (Step.CREATE, Step.INVITE)),
    Rule("cannot create anymore members", Reason.QUOTA_EXCEEDED),
    Rule("cannot create more members", Reason.QUOTA_EXCEEDED),
    Rule("outstanding invitations", Reason.QUOTA_EXCEEDED),
    # Already there. "of the current account" before "of another": the two texts share their words.
    Rule("already a member or associated member of the current account", Reason.ALREADY_MEMBER),
    Rule("already a member or associated", Reason.ALREADY_MEMBER),
    Rule("already invited or is already the", Reason.ALREADY_INVITED),
    # Accepting.
    Rule("contains created, invited", Reason.IS_ADMINISTRATOR, (Step.ACCEPT,)),
    Rule("still has created, invited or associated members", Reason.IS_ADMINISTRATOR, (Step.ACCEPT,)),
    Rule("cannot accept invitations since it is already", Reason.ALREADY_MEMBER, (Step.ACCEPT,)),
    Rule("the latter is a member of another", Reason.CALLER_IS_MEMBER, (Step.ACCEPT,)),
    # Before "already a member": the newer text names both as what may be the matter.
    Rule("no pending invitation", Reason.NO_INVITATION),
    Rule("does not have an invitation from the requested", Reason.NO_INVITATION),
    Rule("already a member of a", Reason.ALREADY_MEMBER, (Step.ACCEPT,)),
    Rule("member of another", Reason.MEMBER_OF_OTHER_ADMINISTRATOR),
    # One account.
    Rule("cannot become a member of itself", Reason.IS_ADMINISTRATOR),
    Rule("cannot invite itself", Reason.IS_ADMINISTRATOR),
    Rule("email address is missing", Reason.EMAIL_MISSING),
    Rule("still associated", Reason.STILL_ASSOCIATED),
    Rule("invited or associated members", Reason.STILL_ASSOCIATED, (Step.DISABLE_SERVICE,)),
    Rule("must first disassociate your member accounts", Reason.STILL_ASSOCIATED, (Step.DISABLE_SERVICE,)),
    # Organizations.
    Rule("master must first enable", Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED),
    Rule("management account must first enable", Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED),
    Rule("disassociate from organization administrator", Reason.ORGANIZATION_MEMBER),
    Rule("member account cannot disable", Reason.ORGANIZATION_MEMBER),
    Rule("organization member", Reason.ORGANIZATION_MEMBER),
    Rule("member accounts cannot manage specified resources", Reason.ORGANIZATION_MEMBER),
    Rule("auto-enable", Reason.ORGANIZATION_AUTO_ENABLE_ALL),
    Rule("autoenable", Reason.ORGANIZATION_AUTO_ENABLE_ALL),
    Rule("not an administrator for this organization", Reason.NOT_DELEGATED_ADMINISTRATOR),
    Rule("a delegated administrator account has not been enabled", Reason.NOT_DELEGATED_ADMINISTRATOR),
    Rule(_GENERIC, Reason.NOT_DELEGATED_ADMINISTRATOR, _ORGANIZATION),
    Rule("is not member of aws organizations", Reason.INVALID_INPUT),
    # In an organization that has just begun to trust the service; passes by itself.
    Rule(_GENERIC, Reason.INTERNAL_ERROR, ("EnableOrganizationAdminAccount",)),
    Rule("not the master account for your aws organization", Reason.NOT_MANAGEMENT_ACCOUNT),
    # Guesses: what Security Hub says to another account than the management account, and of another administrator.
    Rule("not the management account of an organization", Reason.NOT_MANAGEMENT_ACCOUNT),
    Rule("already the delegated administrator", Reason.OTHER_DELEGATED_ADMINISTRATOR),
    Rule("organization master permission", Reason.TRUSTED_ACCESS_MISSING, ("UpdateOrganizationConfiguration",)),
    Rule("organization master permission", Reason.NOT_MANAGEMENT_ACCOUNT),
    Rule("not a member of an organization", Reason.ORGANIZATION_NOT_IN_USE),
    # The request.
    Rule(_GENERIC, Reason.INVALID_INPUT),
    # Passing faults.
    Rule("too many requests", Reason.THROTTLED),
    Rule("rate exceeded", Reason.THROTTLED),
    Rule("internal error", Reason.INTERNAL_ERROR),
    Rule("account is suspended", Reason.ACCOUNT_SUSPENDED),
)

_LIMIT_CODE = "LimitExceededException"

# Codes that speak for themselves; the text is asked first, since AWS uses one code for several things.
CODES = {
    "AccessDenied": Reason.ACCESS_DENIED,
    "AccessDeniedException": Reason.ACCESS_DENIED,
    "AuthFailure": Reason.ACCESS_DENIED,
    "ExpiredToken": Reason.ACCESS_DENIED,
    "ExpiredTokenException": Reason.ACCESS_DENIED,
    "InvalidAccessException": Reason.ACCESS_DENIED,
    "InvalidClientTokenId": Reason.ACCESS_DENIED,
    "InvalidSignatureException": Reason.ACCESS_DENIED,
    "SignatureDoesNotMatch": Reason.ACCESS_DENIED,
    "UnauthorizedOperation": Reason.ACCESS_DENIED,
    # A Region that the account has not opted in to answers so, to credentials that are good elsewhere.
    "UnrecognizedClientException": Reason.REGION_UNAVAILABLE,
    "EndpointConnectionError": Reason.REGION_UNAVAILABLE,
    "Throttling": Reason.THROTTLED,
    "ThrottlingException": Reason.THROTTLED,
    "TooManyRequestsException": Reason.THROTTLED,
    "RequestLimitExceeded": Reason.THROTTLED,
    "SlowDown": Reason.THROTTLED,
    # Security Hub sends this one for its quotas and, sometimes, as a throttle: see classify.
    _LIMIT_CODE: Reason.QUOTA_EXCEEDED,
    "ServiceQuotaExceededException": Reason.QUOTA_EXCEEDED,
    "InternalException": Reason.INTERNAL_ERROR,
    "InternalFailure": Reason.INTERNAL_ERROR,
    "InternalError": Reason.INTERNAL_ERROR,
    "InternalServerError": Reason.INTERNAL_ERROR,
    "InternalServerException": Reason.INTERNAL_ERROR,
    "InternalServerErrorException": Reason.INTERNAL_ERROR,
    "ServiceUnavailable": Reason.INTERNAL_ERROR,
    "ServiceUnavailableException": Reason.INTERNAL_ERROR,
    "RegionDisabledException": Reason.REGION_UNAVAILABLE,
    # Another operation of AWS Organizations is at work.
    "ConcurrentModificationException": Reason.INTERNAL_ERROR,
}

# Codes that mean more to one operation than to others.
_CODES_OF_OPERATIONS = {("EnableOrganizationAdminAccount", "ResourceConflictException"): Reason.INTERNAL_ERROR}

# Codes under which a service finds fault with what was sent: one account may then have spoilt a whole batch.
INPUT_CODES = frozenset(
    {"BadRequestException", "InvalidInputException", "InvalidParameterException", "ValidationException"}
)

# What a code means when AWS says nothing with it: a hiccup rather than a fault of the request.
_WORDLESS_CODES = {**dict.fromkeys(INPUT_CODES, Reason.INTERNAL_ERROR), _LIMIT_CODE: Reason.THROTTLED}

_NOT_OWNED = "not owned by the current account"

# Faults in the request as a whole, however many accounts it names: no use in cutting the batch.
_WHOLE_REQUEST_FRAGMENTS = (_NOT_OWNED, "parameter detectorid has an invalid value")

# Refusals that pass by themselves: worth asking again within the wait.
PASSING = frozenset({Reason.INTERNAL_ERROR, Reason.THROTTLED, Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED})

# The same for every account of the caller: once a whole batch is refused so, the next would be too.
CALLER_WIDE = frozenset({Reason.CALLER_IS_MEMBER, Reason.QUOTA_EXCEEDED})

# Said to a call that names one account, these still speak of the caller, the service or the Region: so would the next.
SHARED = CALLER_WIDE | {
    Reason.ACCESS_DENIED,
    Reason.NOT_DELEGATED_ADMINISTRATOR,
    Reason.REGION_UNAVAILABLE,
    Reason.SERVICE_NOT_ENABLED,
    Reason.THROTTLED,
}

# Refusals that say the work is done already. Only the state read afterwards can confirm it.
ECHOES = {
    Step.CREATE: frozenset({Reason.ALREADY_MEMBER}),
    Step.INVITE: frozenset({Reason.ALREADY_INVITED}),
}

# What a run later on may find solved without anybody's doing.
RETRYABLE = PASSING | {
    Reason.EMAIL_VERIFICATION_PENDING,
    Reason.NO_INVITATION,
    Reason.REGION_UNAVAILABLE,
    Reason.STILL_ASSOCIATED,
    Reason.TIMED_OUT,
}

HINTS = {
    Reason.IS_ADMINISTRATOR: "an administrator cannot be a member: take it off the list",
    Reason.INVALID_INPUT: "correct the value and run again",
    Reason.ALREADY_MEMBER: "a record exists already: remove it first (state=absent); if none is shown, run again",
    Reason.ALREADY_INVITED: "an invitation is pending: let it be accepted (via=invitation), or use state=absent first",
    Reason.MEMBER_OF_OTHER_ADMINISTRATOR: "let it leave that administrator first (*_administrator modules)",
    Reason.CALLER_IS_MEMBER: "the administrator is itself a member of another one: act as the right account",
    Reason.QUOTA_EXCEEDED: "the administrator's member quota is used up: ask AWS for more, or remove members",
    Reason.EMAIL_MISSING: "give the address of the account's root user",
    Reason.EMAIL_VERIFICATION_FAILED: "give the root user's address as email, and set replace_failed=true",
    Reason.EMAIL_VERIFICATION_PENDING: "AWS is still verifying the address: run again in a few minutes",
    Reason.RESIGNED: "let it accept again (*_administrator modules), or set reinvite_resigned=true",
    Reason.ACCOUNT_SUSPENDED: "reactivate the AWS account, or take it off the list",
    Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED: "switch the service on in the management account, then run again",
    Reason.ORGANIZATION_AUTO_ENABLE_ALL: "the organization auto-enables ALL accounts: change that first",
    Reason.ORGANIZATION_MEMBER: "AWS Organizations manages this membership: act as the delegated administrator",
    Reason.CENTRAL_CONFIGURATION: "a central configuration policy governs the account: change the policy instead",
    Reason.NOT_MANAGEMENT_ACCOUNT: "act as the organization's management account",
    Reason.NOT_DELEGATED_ADMINISTRATOR: "act as the delegated administrator of this Region, or delegate it there first",
    Reason.OTHER_DELEGATED_ADMINISTRATOR: "another account is the delegated administrator: revoke that one first",
    Reason.ORGANIZATION_NOT_IN_USE: "the account belongs to no organization with all features: use via=invitation",
    Reason.ORGANIZATION_POLICY: "a policy of the organization decides this: change the policy instead",
    Reason.FEATURE_UNSUPPORTED: "leave the feature out in this Region, or check its name",
    Reason.TRUSTED_ACCESS_MISSING: "let the management account switch on trusted access for the service principal",
    Reason.STILL_ASSOCIATED: "AWS still sees an association: run again in a minute; end it before the service",
    Reason.NO_INVITATION: "let the administrator invite the account first (state=present), then run again",
    Reason.SERVICE_NOT_ENABLED: "switch it on first (*_detector, *_hub or *_session modules)",
    Reason.REGION_UNAVAILABLE: "check the Region's name, that the account has opted in to it, and endpoint_url",
    Reason.ACCESS_DENIED: "check the credentials, the IAM policy and the organization's SCPs for this operation",
    Reason.ASSUME_ROLE_FAILED: "check the role's name, trust policy and external id, and sts:AssumeRole of the caller",
    Reason.THROTTLED: "run again later, or with a lower concurrency",
    Reason.INTERNAL_ERROR: "AWS failed or its answer was lost: run again, what is done will not be done twice",
    Reason.UNKNOWN_STATUS: "this status is not known: nothing was touched; look in the console",
    Reason.TIMED_OUT: "run again later, or with a longer wait_timeout",
    Reason.OTHER: "see AWS's text",
}


def _normalise(text: str) -> str:
    # The names in an ARN are the user's own words, not AWS's.
    return " ".join("arn" if word.startswith("arn:") else word for word in text.lower().split())


def classify(operation: str, text: str, code: str = "", facts: ServiceFacts | None = None) -> Reason:
    """Return what AWS's text (of an unprocessed account, or of a request-level error with its code) means.

    :param facts: Those of the service that said so, whose own rules come first.
    """
    normal = _normalise(text)
    places = facts.places_of(operation) if facts else (operation,)
    for rule in (*(facts.refusals if facts else ()), *RULES):
        if rule.fits(places, normal):
            return rule.reason
    if not normal and code in _WORDLESS_CODES:
        return _WORDLESS_CODES[code]
    return _CODES_OF_OPERATIONS.get((operation, code)) or CODES.get(code, Reason.OTHER)


def is_quota(operation: str, code: str, text: str) -> bool:
    """Tell whether an error that looks like a throttle is a quota, which no retry can help."""
    return code == _LIMIT_CODE and classify(operation, text, code) is Reason.QUOTA_EXCEEDED


# Refusals of a step that only mean that the step before it has not arrived everywhere yet.
_NOT_A_MEMBER = ("not an associated member", "not a member of the current account")
_LAGS = {
    Step.DELETE: (Step.DISASSOCIATE, ("still associated",)),
    Step.START_MONITORING: (Step.CREATE, _NOT_A_MEMBER),
    Step.STOP_MONITORING: (Step.CREATE, _NOT_A_MEMBER),
}


def is_said(text: str, fragments: Iterable[str]) -> bool:
    """Tell whether AWS's text has one of these fragments."""
    normal = _normalise(text)
    return any(fragment in normal for fragment in fragments)


def is_said_to_be_no_member(text: str) -> bool:
    """Tell whether AWS says that an account has no record, and not that it could not look."""
    return is_said(text, _NOT_A_MEMBER)


def is_lagging(step: Step, text: str, done: Collection[Step]) -> bool:
    """Tell whether a refusal of a step is an echo of the time before the step that came first."""
    earlier, fragments = _LAGS.get(step, (step, ()))
    return earlier in done and is_said(text, fragments)


def is_input_refused(code: str, text: str) -> bool:
    """Tell whether one account of a batch may be what AWS refused the whole batch for."""
    normal = _normalise(text)
    return code in INPUT_CODES and bool(normal) and not any(fragment in normal for fragment in _WHOLE_REQUEST_FRAGMENTS)


def is_missing_resource(code: str, text: str) -> bool:
    """Tell whether an error means "there is no such record": Security Hub has a code for it, and uses others, too."""
    return code == "ResourceNotFoundException" or _NO_SUCH_RESOURCE in _normalise(text)


def may_be_region(code: str, reason: Reason) -> bool:
    """Tell whether credentials may be good elsewhere: a Region that is off refuses them, one that is none is silent."""
    return code == "InvalidClientTokenId" or reason is Reason.REGION_UNAVAILABLE


def is_off_in_account(code: str) -> bool:
    """Tell whether STS refuses a Region for the account to enter, and not for the caller."""
    return code == "RegionDisabledException"


def is_permission_missing(code: str) -> bool:
    """Tell whether AWS says that the caller may not, and not that it does not take the credentials as they are."""
    return code.startswith("AccessDenied")


def is_session_over(code: str) -> bool:
    """Tell whether AWS refuses credentials because their time is over: new ones of the same kind would do."""
    return code in ("ExpiredToken", "ExpiredTokenException")


def is_not_owned(text: str) -> bool:
    """Tell whether GuardDuty does not know a detector id, in this account and Region."""
    return _NOT_OWNED in _normalise(text)


def is_generic(text: str) -> bool:
    """Tell whether AWS says only that something about the request is wrong."""
    return is_said(text, (_GENERIC,))


def is_said_to_be_off(code: str, text: str, reason: Reason) -> bool:
    """Tell whether AWS speaks as if the service were off: of one just switched on, that is an echo of before."""
    return reason is Reason.SERVICE_NOT_ENABLED or is_not_owned(text) or is_missing_resource(code, text)


def is_service_on_already(code: str, text: str) -> bool:
    """Tell whether switching the service on was refused because it is on."""
    normal = _normalise(text)
    return "detector already exists" in normal or (
        code == "ResourceConflictException" and "already subscribed" in normal
    )


def is_not_associated(text: str) -> bool:
    """Tell whether leaving was refused because there is no administrator to leave."""
    normal = _normalise(text)
    return any(words in normal for words in ("not associated to a", "not associated with a", _NO_SUCH_RESOURCE))


# What the operations of AWS Organizations answer while another of them is still at work.
_SETTLING_CODES = frozenset({"ConcurrentModificationException", "ResourceConflictException"})
# GuardDuty and Security Hub say only that something about the request is wrong while the organization is not ready.
_SETTLING_TEXTS = (_GENERIC, "another request is already in progress")


# Said with the same codes, but of somebody who has to act first.
_FINAL = frozenset(
    {Reason.NOT_MANAGEMENT_ACCOUNT, Reason.ORGANIZATION_NOT_IN_USE, Reason.OTHER_DELEGATED_ADMINISTRATOR}
)


def is_settling(operation: str, code: str, text: str, reason: Reason) -> bool:
    """Tell whether a refusal may only mean that the organization is not ready yet for this call."""
    if reason in _FINAL:
        return False
    normal = _normalise(text)
    is_unready = operation == "EnableOrganizationAdminAccount" and code == "InvalidInputException"
    return code in _SETTLING_CODES or is_unready or any(fragment in normal for fragment in _SETTLING_TEXTS)


def blame_features(problem: Problem, sent: Sequence[str], listed: Collection[str] | None) -> Problem:
    """Say which feature a refusal of a whole call is most likely about: AWS has one text for several things.

    :param sent: The features that the call held.
    :param listed: Those that AWS lists in the Region, ``None`` where it was not asked.
    """
    text = f"{problem.text} (the call held {', '.join(sent)}"
    if listed is not None:
        unknown = ", ".join(name for name in sent if name not in listed)
        text += f"; AWS does not list {unknown} in this Region" if unknown else "; AWS lists all of them here"
    return replace(problem, reason=Reason.FEATURE_UNSUPPORTED, text=f"{text})")


# What a state means for the account's owner, where it is neither the goal nor on the way to it.
STATE_REASONS = {
    State.VERIFICATION_FAILED: (
        Reason.EMAIL_VERIFICATION_FAILED,
        "the e-mail address of the record does not match the account's root user",
    ),
    State.RESIGNED: (Reason.RESIGNED, "the account left, or declined; it can accept again"),
    State.ACCOUNT_SUSPENDED: (Reason.ACCOUNT_SUSPENDED, "AWS reports the account as suspended"),
    State.REGION_DISABLED: (Reason.REGION_UNAVAILABLE, "the Region is off in the account"),
    State.MANAGEMENT_NOT_ENABLED: (
        Reason.MANAGEMENT_ACCOUNT_NOT_ENABLED,
        "the organization's management account has not switched the service on",
    ),
    State.UNKNOWN: (Reason.UNKNOWN_STATUS, "the status is none that this collection knows; nothing was sent"),
}
