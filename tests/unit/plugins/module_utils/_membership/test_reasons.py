# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership import reasons
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Outcome,
    Problem,
    Reason,
    Rule,
    ServiceFacts,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.plan_members import MemberPolicy, Wish, rows_for
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import (
    CALLER_WIDE,
    CODES,
    ECHOES,
    HINTS,
    PASSING,
    RETRYABLE,
    RULES,
    STATE_REASONS,
    blame_features,
    classify,
    is_input_refused,
    is_lagging,
    is_missing_resource,
    is_not_associated,
    is_not_owned,
    is_off_in_account,
    is_quota,
    is_said_to_be_no_member,
    is_said_to_be_off,
    is_service_on_already,
    is_session_over,
    may_be_region,
)
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import SECURITYHUB
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import SERVICES

# AWS's texts, after the operation that says so, the code (of a refused request) and what it means: reference 3.2, 3.3,
# 3.6 and 2.4.
REJECTED = "The request is rejected because "
ACCEPT = "AcceptAdministratorInvitation"
UNPROCESSED = """
# 3.2 GuardDuty, wording of 2017 and of 2020
CreateMembers          | already_member                 | the given account ID is already a member or associated member of the current account.
CreateMembers          | already_member                 | the specified account ID is already a member or associated member of the current account.
CreateMembers          | caller_is_member               | the current account cannot create members since it is already an associated member of another master account.
CreateMembers          | caller_is_member               | the current account cannot create members because it is already a member of another master account.
CreateMembers          | member_of_other_administrator  | the given account ID is already an associated member of another master account.
CreateMembers          | member_of_other_administrator  | the specified account ID is already a member of another master account.
CreateMembers          | member_of_other_administrator  | the specified account ID is already a member of another administrator account.
CreateMembers          | is_administrator               | an account cannot become a member of itself.
CreateMembers          | quota_exceeded                 | the current account cannot create anymore members since it cannot exceed the maximum number of allowed members.
CreateMembers          | quota_exceeded                 | the current account cannot create more members because it cannot exceed the maximum number of allowed members.
CreateMembers          | management_account_not_enabled | the organization master must first enable GuardDuty.
CreateMembers          | internal_error                 | of an internal error.
InviteMembers          | already_invited                | the current account has already invited or is already the GuardDuty master of the given member account ID.
InviteMembers          | already_invited                | the current account has already invited or is already the GuardDuty administrator of the specified member account ID.
InviteMembers          | caller_is_member               | the current account cannot invite other accounts since it is already an associated member of another master account.
InviteMembers          | caller_is_member               | the current account cannot invite other accounts because it is already a member of another master account.
InviteMembers          | is_administrator               | an account cannot invite itself.
InviteMembers          | email_missing                  | member account's email address is missing.
DisassociateMembers    | still_associated               | the current account cannot delete the given member account ID since it is still associated to it.
DeleteMembers          | still_associated               | the current account cannot delete the specified member account ID because it is still associated to it.
StartMonitoringMembers | other                          | the given account ID is not an associated member of the current account.
StopMonitoringMembers  | other                          | the specified account ID is not a member of the current account.
StartMonitoringMembers | other                          | the handshake role could not be created.
DeleteInvitations      | still_associated               | it is still associated to it or has not declined their invitation yet.
# 3.3 Security Hub
CreateMembers          | already_member                 | the given account ID is already a member or associated member of the current account.
CreateMembers          | invalid_input                  | maximum number of results exceeded.
InviteMembers          | already_invited                | the current account has already invited or is already the SecurityHub master of the given member account ID.
"""  # noqa: E501
REQUESTS = """
# 3.6 GuardDuty
GetMembers                           | BadRequestException          | invalid_input         | The request is rejected because the input detectorId is not owned by the current account.
GetMembers                           | BadRequestException          | invalid_input         | The request is rejected because the parameter detectorId has an invalid value.
CreateMembers                        | BadRequestException          | invalid_input         | The request is rejected because an invalid or out-of-range value is specified as an input parameter.
CreateMembers                        | BadRequestException          | other                 | The length provided for the accountDetails array must be 50 at most.
AcceptAdministratorInvitation        | BadRequestException          | is_administrator      | The request is rejected because the current account still has created, invited or associated members.
AcceptAdministratorInvitation        | BadRequestException          | is_administrator      | The request is rejected because the current account contains created, invited or associated members.
AcceptAdministratorInvitation        | BadRequestException          | already_member        | The request is rejected because the current account cannot accept invitations since it is already an associated member of another master account.
AcceptAdministratorInvitation        | BadRequestException          | already_member        | The request is rejected because the current account is already a member of a master account.
AcceptAdministratorInvitation        | BadRequestException          | no_invitation         | The request is rejected because there is no pending invitation.
AcceptAdministratorInvitation        | BadRequestException          | no_invitation         | The current account does not have an invitation from the requested master account.
AcceptAdministratorInvitation        | BadRequestException          | caller_is_member      | The invitation cannot be accepted because the latter is a member of another master account.
DisassociateFromAdministratorAccount | BadRequestException          | other                 | The request failed because the current account is not associated to a master account.
EnableOrganizationAdminAccount       | BadRequestException          | not_management_account | You do not have required AWS Organization master permission.
GetMembers                           | InternalServerErrorException | internal_error        |
# 2.4 An organization's member on its own
DisassociateFromAdministratorAccount | BadRequestException          | organization_member   | The request failed because a member cannot disassociate from Organization administrator.
DisableSecurityHub                   | InvalidInputException        | organization_member   | Member account cannot disable Security Hub.
# 3.6 Security Hub
GetMembers                           | InvalidAccessException       | service_not_enabled   | Account 111111111111 is not subscribed to AWS Security Hub
UpdateOrganizationConfiguration      | InvalidAccessException       | not_delegated_administrator | Account 111111111111 is not an administrator for this organization
UpdateOrganizationConfiguration      | InvalidInputException        | central_configuration | AutoEnable can not be enabled for central configuration
EnableSecurityHub                    | AccessDeniedException        | central_configuration | The account is associated with a central configuration policy.
CreateMembers                        | LimitExceededException       | throttled             |
CreateMembers                        | LimitExceededException       | quota_exceeded        | The number of member accounts exceeds the limit
CreateMembers                        | LimitExceededException       | throttled             | Too Many Requests
CreateMembers                        | LimitExceededException       | throttled             | Rate exceeded
CreateMembers                        | TooManyRequestsException     | throttled             | Too many requests
ListInvitations                      | BadRequestException          | internal_error        |
# Organizations
EnableOrganizationAdminAccount       | ResourceConflictException    | internal_error        | There was a conflict.
EnableAWSServiceAccess               | ConcurrentModificationException | internal_error     | Another one is at work.
CreateMembers                        | ResourceConflictException    | other                 | There was a conflict.
# Both
GetMembers                           | UnrecognizedClientException  | region_unavailable    | The security token included in the request is invalid.
GetMembers                           | AccessDeniedException        | access_denied         | User is not authorized to perform: guardduty:GetMembers
GetMembers                           | SomethingNewException        | other                 | Nobody knows.
"""  # noqa: E501


def rows_of(table: str) -> list[list[str]]:
    lines = [line for line in table.strip().splitlines() if not line.startswith("#")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def meanings(operation: str, text: str, code: str = "") -> set[str]:
    """What it means from each service that has such a text; what nobody says otherwise, is nobody's word."""
    found = {classify(operation, text, code, facts).value for facts in (GUARDDUTY, SECURITYHUB)}
    # Where one has a rule of its own, the other knows the code at most.
    return found - {CODES.get(code, Reason.OTHER).value} or found


@pytest.mark.parametrize(("operation", "code", "text"), rows_of(UNPROCESSED))
def test_classify_text_of_an_unprocessed_account_follows_the_reference(operation, code, text) -> None:
    for spoken in (text, REJECTED + text, (REJECTED + text).upper(), text.replace(" ", "  \n ")):
        assert meanings(operation, spoken) == {code}


@pytest.mark.parametrize(("operation", "error", "code", "text"), rows_of(REQUESTS))
def test_classify_refused_request_follows_the_reference(operation, error, code, text) -> None:
    for spoken in (text, text.upper(), text.replace(" ", "  ")):
        assert code in meanings(operation, spoken, error)


@pytest.mark.parametrize("code", CODES)
def test_classify_code_without_a_known_text_speaks_for_itself(code) -> None:
    assert classify("GetMembers", "Nobody knows.", code) is CODES[code]


def test_classify_rules_are_written_as_texts_are_compared() -> None:
    assert [rule for rule in RULES if rule.fragment != " ".join(rule.fragment.lower().split())] == []


def test_classify_every_rule_can_be_reached() -> None:
    for facts in SERVICES:
        unreachable = [
            rule
            for rule in (*RULES, *facts.refusals)
            if not rule.places or {*facts.operations, *rule.places} > set(facts.operations)
            if classify(place_of(rule, facts), rule.fragment, "", facts) is not rule.reason
        ]
        assert unreachable == []


def place_of(rule: Rule, facts: ServiceFacts) -> str:
    place = next(iter(rule.places), "GetMembers")
    return facts.operations[place] if isinstance(place, Step) else place


def test_classify_text_of_one_operation_means_nothing_for_another() -> None:
    text = "the current account still has created, invited or associated members"
    assert classify(ACCEPT, text, "", GUARDDUTY) is Reason.IS_ADMINISTRATOR
    assert classify("DeleteDetector", text, "", GUARDDUTY) is Reason.STILL_ASSOCIATED
    assert classify("GetMembers", text, "", GUARDDUTY) is Reason.OTHER


# Single questions


@pytest.mark.parametrize(
    ("step", "text", "done", "is_echo_of_the_past"),
    [
        (Step.DELETE, "it is STILL  associated to it", {Step.DISASSOCIATE}, True),
        (Step.DELETE, "it is still associated to it", set(), False),
        (Step.DELETE, "it is still associated to it", {Step.CREATE}, False),
        (Step.DELETE, "something else", {Step.DISASSOCIATE}, False),
        (Step.START_MONITORING, "is not an associated member of", {Step.CREATE}, True),
        (Step.STOP_MONITORING, "is not an associated member of", {Step.CREATE}, True),
        (Step.STOP_MONITORING, "is not a member of the current account", {Step.CREATE}, True),
        (Step.STOP_MONITORING, "is not an associated member of", set(), False),
        (Step.INVITE, "is not an associated member of", {Step.CREATE, Step.INVITE}, False),
        (Step.CREATE, "", {Step.CREATE}, False),
    ],
)
def test_is_lagging_only_right_after_the_step_before(step, text, done, is_echo_of_the_past) -> None:
    assert is_lagging(step, text, done) is is_echo_of_the_past


@pytest.mark.parametrize(
    ("code", "text", "is_refused"),
    [
        ("BadRequestException", "one of them is odd", True),
        ("InvalidInputException", "", False),
        ("ValidationException", "invalid or out-of-range value", True),
        ("InvalidParameterException", "x", True),
        ("BadRequestException", "the input detectorId is not  owned by the current account", False),
        ("BadRequestException", "The parameter detectorId has an invalid value", False),
        ("AccessDeniedException", "one of them is odd", False),
        ("", "", False),
    ],
)
def test_is_input_refused_only_where_one_account_may_have_spoilt_the_batch(code, text, is_refused) -> None:
    assert is_input_refused(code, text) is is_refused


@pytest.mark.parametrize(
    ("code", "text", "is_lasting"),
    [
        ("LimitExceededException", "The account has reached its limit of members.", True),
        ("LimitExceededException", "cannot create more members", True),
        ("LimitExceededException", "Too many requests", False),
        ("LimitExceededException", "Rate exceeded", False),
        ("LimitExceededException", "", False),
        ("TooManyRequestsException", "cannot create more members", False),
    ],
)
def test_is_quota_only_where_no_retry_can_help(code, text, is_lasting) -> None:
    assert is_quota("CreateMembers", code, text) is is_lasting


def test_is_quota_goes_by_what_the_text_means_for_the_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("no more of these", Reason.THROTTLED, ("InviteMembers",))
    monkeypatch.setattr(reasons, "RULES", (rule,))
    assert is_quota("CreateMembers", "LimitExceededException", "no more of these")
    assert not is_quota("InviteMembers", "LimitExceededException", "no more of these")


@pytest.mark.parametrize(
    ("code", "is_over"),
    [("ExpiredToken", True), ("ExpiredTokenException", True), ("InvalidClientTokenId", False), ("", False)],
)
def test_session_is_over_by_either_code(code, is_over) -> None:
    assert is_session_over(code) is is_over


@pytest.mark.parametrize(
    ("code", "text", "is_missing"),
    [
        ("InvalidAccessException", "No such  resource found", True),
        ("BadRequestException", "no such resource found.", True),
        ("ResourceNotFoundException", "Administrator account not found", True),
        ("AccessDeniedException", "denied", False),
    ],
)
def test_is_missing_resource_goes_by_its_code_or_the_text(code, text, is_missing) -> None:
    assert is_missing_resource(code, text) is is_missing


def test_classify_takes_no_word_from_an_arn() -> None:
    text = "User: arn:aws:sts::111111111111:assumed-role/guardduty-auto-enable/muster is not authorized to perform: x"
    assert classify("CreateMembers", text, "AccessDeniedException") is Reason.ACCESS_DENIED


def test_classify_takes_both_wordings_of_a_missing_invitation_for_what_they_are() -> None:
    both = (
        "The request is rejected because the current account has no pending invitation from the specified "
        "administrator account or is already a member of another administrator account."
    )
    for text in (
        both,
        both.replace("administrator", "master"),
        "does not have an invitation from the requested master",
    ):
        assert classify("AcceptAdministratorInvitation", text) is Reason.NO_INVITATION


@pytest.mark.parametrize(
    ("code", "text", "is_on"),
    [
        ("BadRequestException", "The request is rejected because a detector already exists for the account.", True),
        ("ResourceConflictException", "Account is already subscribed to Security Hub", True),
        ("ResourceConflictException", "Something else is going on", False),
        ("BadRequestException", "Account is already subscribed to Security Hub", False),
        ("BadRequestException", "", False),
    ],
)
def test_is_service_on_already_needs_the_text_and_security_hubs_code(code, text, is_on) -> None:
    assert is_service_on_already(code, text) is is_on


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("The account is not an  associated member of the current account.", True),
        ("The account is NOT a member of the current account.", True),
        ("of an internal error.", False),
        ("", False),
    ],
)
def test_is_said_to_be_no_member_knows_both_wordings_and_no_other(text, is_said) -> None:
    assert is_said_to_be_no_member(text) is is_said


def test_is_not_owned_is_said_of_a_detector_that_is_not_there() -> None:
    assert is_not_owned("The request is rejected because the input detectorId is NOT  owned by the current account.")
    assert not is_not_owned("The request is rejected because the parameter detectorId has an invalid value.")


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("is not associated to a master account", True),
        ("is NOT  associated with a master", True),
        ("is not associated with an administrator", True),
        ("a member cannot disassociate from Organization administrator", False),
        ("", False),
    ],
)
def test_is_not_associated_knows_both_wordings(text, is_alone) -> None:
    assert is_not_associated(text) is is_alone


# The sets


def test_hints_every_reason_has_one() -> None:
    assert set(HINTS) == set(Reason)
    assert [reason for reason, hint in HINTS.items() if not hint.strip() or hint.endswith(".")] == []


def test_state_reasons_have_every_state_that_is_left_alone_and_no_goal() -> None:
    facts = SERVICES[0]
    rows = [rows_for(MemberPolicy(wish=wish), facts) for wish in Wish]
    left_alone = {state for table in rows for state, row in table.items() if row.problem}
    assert left_alone == set(STATE_REASONS)
    assert not left_alone & {State.ABSENT, State.CREATED, State.INVITED, State.ENABLED, State.SUSPENDED}


def test_sets_of_reasons_do_not_contradict_each_other() -> None:
    assert PASSING <= RETRYABLE
    assert not PASSING & CALLER_WIDE
    assert not RETRYABLE & {Reason.ACCESS_DENIED, Reason.UNKNOWN_STATUS, Reason.INVALID_INPUT, Reason.RESIGNED}
    assert {reason for reasons in ECHOES.values() for reason in reasons} == {
        Reason.ALREADY_MEMBER,
        Reason.ALREADY_INVITED,
    }


def test_outcomes_and_reasons_do_not_share_a_word_but_timed_out() -> None:
    assert {reason.value for reason in Reason} & {outcome.value for outcome in Outcome} == {"timed_out"}


# What a refusal says of a Region, or of a service just switched on


@pytest.mark.parametrize(
    ("code", "reason", "may_be"),
    [
        ("InvalidClientTokenId", Reason.ACCESS_DENIED, True),
        ("EndpointConnectionError", Reason.REGION_UNAVAILABLE, True),
        ("AccessDenied", Reason.ACCESS_DENIED, False),
    ],
)
def test_credentials_may_be_good_elsewhere(code, reason, may_be) -> None:
    assert may_be_region(code, reason) is may_be


@pytest.mark.parametrize(("code", "is_off"), [("RegionDisabledException", True), ("AccessDenied", False)])
def test_region_that_is_off_in_the_account_to_enter(code, is_off) -> None:
    assert is_off_in_account(code) is is_off


@pytest.mark.parametrize(
    ("code", "text", "reason", "is_off"),
    [
        ("", "", Reason.SERVICE_NOT_ENABLED, True),
        (
            "BadRequestException",
            "detectorId is not owned by the current account",
            Reason.INVALID_INPUT,
            True,
        ),
        ("ResourceNotFoundException", "", Reason.OTHER, True),
        ("BadRequestException", "an invalid value", Reason.INVALID_INPUT, False),
    ],
)
def test_service_that_aws_speaks_of_as_if_it_were_off(code, text, reason, is_off) -> None:
    assert is_said_to_be_off(code, text, reason) is is_off


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        (None, "No. (the call held A, B, C)"),
        (["A"], "No. (the call held A, B, C; AWS does not list B, C in this Region)"),
        (["A", "B", "C"], "No. (the call held A, B, C; AWS lists all of them here)"),
    ],
)
def test_refused_features_are_named_and_those_that_aws_does_not_list(listed, text) -> None:
    blamed = blame_features(Problem(Reason.INVALID_INPUT, "No."), ["A", "B", "C"], listed)
    assert (blamed.reason, blamed.text) == (Reason.FEATURE_UNSUPPORTED, text)
