# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits, relationship rules and what is needed before a call can work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MEMBER,
    OTHER,
    REGION,
    SERVICES,
    ZERO,
    Clients,
    Side,
    error_of,
    reasons_of,
)

Sides = Callable[..., Side]

MANY = [f"{number:012d}" for number in range(1, 121)]
BATCH_OPERATIONS = {
    "guardduty": "invite get disassociate delete start_monitoring stop_monitoring".split(),
    "securityhub": "invite get disassociate delete".split(),
}


@pytest.mark.parametrize(("service", "verb"), [(s, v) for s, verbs in BATCH_OPERATIONS.items() for v in verbs])
def test_more_than_fifty_ids_are_refused(side: Sides, service: str, verb: str) -> None:
    own = side(service)
    code, status, text = error_of(getattr(own.client, f"{verb}_members"), **own.detector, AccountIds=MANY[:51])
    assert status == 400
    assert code == {"guardduty": "BadRequestException", "securityhub": "InvalidInputException"}[service]
    assert "51" in text


def test_guardduty_refuses_to_create_more_than_fifty(emulator: Emulator, side: Sides) -> None:
    details = [{"AccountId": item, "Email": f"{item}@example.com"} for item in MANY[:51]]
    own = side("guardduty")
    code, status, text = error_of(own.client.create_members, **own.detector, AccountDetails=details)
    assert (code, status) == ("BadRequestException", 400)
    assert "length provided for the accountdetails array" in text.lower()
    assert own.listed(OnlyAssociated="false") == {}


def test_securityhub_creates_fifty_and_hands_the_others_back(side: Sides) -> None:
    own = side("securityhub")
    refused = own.create(*MANY[:52])
    assert refused == dict.fromkeys(MANY[50:52], "maximum number of results exceeded")
    assert len(own.listed(OnlyAssociated=False)) == 50


@pytest.mark.parametrize("service", SERVICES)
def test_fifty_are_not_too_many(side: Sides, service: str) -> None:
    assert side(service).create(*MANY[:50]) == {}


@pytest.mark.parametrize("account_id", ["1234567890123", "12345678901x"])
def test_guardduty_wants_twelve_digits(side: Sides, account_id: str) -> None:
    own = side("guardduty")
    if len(account_id) == 13:  # botocore lets it pass
        code, status, text = error_of(own.client.get_members, **own.detector, AccountIds=[account_id])
        assert (code, status) == ("BadRequestException", 400)
        assert "invalid or out-of-range value" in text
    else:
        assert "invalid" in own.create(account_id)[account_id]


def test_securityhub_hands_an_impossible_id_back(side: Sides) -> None:
    assert "invalid" in side("securityhub").create("not an account")["not an account"]


def test_id_with_leading_zero_stays_what_it_is(side: Sides) -> None:
    for service in SERVICES:
        side(service).create(ZERO)
        assert side(service).statuses(ZERO) == {ZERO: "Created"}


def test_email_of_securityhub_may_be_missing_but_not_blank(side: Sides) -> None:
    client = side("securityhub").client
    assert reasons_of(client.create_members(AccountDetails=[{"AccountId": MEMBER}])) == {}
    assert "Email" not in client.get_members(AccountIds=[MEMBER])["Members"][0]
    code, status, _text = error_of(client.create_members, AccountDetails=[{"AccountId": OTHER, "Email": "  "}])
    assert (code, status) == ("InvalidInputException", 400)


@pytest.mark.parametrize(("service", "no"), [("guardduty", "false"), ("securityhub", False)])
def test_pages_hold_fifty_at_most_and_chain_by_token(side: Sides, service: str, no: object) -> None:
    own = side(service)
    for start in range(0, 120, 50):
        own.create(*MANY[start : start + 50])
    found, arguments, sizes = [], {"OnlyAssociated": no}, []
    while True:
        answer = own.client.list_members(**own.detector, **arguments)
        found += [member["AccountId"] for member in answer["Members"]]
        sizes.append(len(answer["Members"]))
        if "NextToken" not in answer:
            break
        arguments["NextToken"] = answer["NextToken"]
    assert sizes == [50, 50, 20]
    assert sorted(found) == MANY
    pages = own.client.get_paginator("list_members").paginate(**own.detector, OnlyAssociated=no)
    assert sum(len(page["Members"]) for page in pages) == 120


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("arguments", [{"MaxResults": 51}, {"NextToken": "made up"}])
def test_page_arguments_out_of_range_are_refused(side: Sides, service: str, arguments: dict[str, object]) -> None:
    own = side(service)
    assert error_of(own.client.list_members, **own.detector, **arguments)[1] == 400


@pytest.mark.parametrize(
    ("service", "default", "yes", "no", "associated"),
    [
        ("guardduty", {}, "true", "false", {"Enabled", "Disabled"}),
        ("securityhub", {}, True, False, {"Enabled", "Associated"}),
    ],
)
def test_only_associated(
    emulator: Emulator,
    side: Sides,
    service: str,
    default: dict[str, object],
    yes: object,
    no: object,
    associated: set[str],
) -> None:
    own = side(service)
    statuses = ["Created", "Invited", "Enabled", "Removed", "Resigned", *(associated - {"Enabled"})]
    for account_id, status in zip(MANY, statuses, strict=False):
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, status)
    assert set(own.listed(**default).values()) == associated
    assert set(own.listed(OnlyAssociated=yes).values()) == associated
    assert sorted(own.listed(OnlyAssociated=no).values()) == sorted(statuses)


@pytest.mark.parametrize("service", SERVICES)
def test_members_quota_admits_some_of_a_batch(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_knobs(members_quota=1)
    refused = side(service).create(MEMBER, ZERO)
    assert list(refused) == [ZERO]
    assert "cannot create anymore members" in refused[ZERO]
    assert side(service).statuses(MEMBER, ZERO) == {MEMBER: "Created"}


@pytest.mark.parametrize("service", SERVICES)
def test_invitations_quota(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_knobs(invitations_quota=1)
    own = side(service)
    own.create(MEMBER, ZERO)
    assert list(own.batch("invite_members", MEMBER, ZERO)) == [ZERO]
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Invited", ZERO: "Created"}


@pytest.mark.parametrize("service", SERVICES)
def test_account_cannot_add_or_invite_itself(side: Sides, service: str) -> None:
    assert "cannot become a member of itself" in side(service).create(ADMINISTRATOR)[ADMINISTRATOR]
    assert "cannot invite itself" in side(service).batch("invite_members", ADMINISTRATOR)[ADMINISTRATOR]


@pytest.mark.parametrize("service", SERVICES)
def test_member_cannot_be_an_administrator(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, OTHER, ADMINISTRATOR, "Enabled")
    refused = side(service).create(MEMBER, ZERO)
    assert set(refused) == {MEMBER, ZERO}
    assert all("already an associated member of another" in text for text in refused.values())
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Created")
    assert "cannot invite other accounts" in side(service).batch("invite_members", MEMBER)[MEMBER]


@pytest.mark.parametrize("service", SERVICES)
def test_administrator_cannot_be_a_member(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, OTHER, ADMINISTRATOR, "Invited")
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Created")
    text = error_of(side(service).accept, administrator_id=OTHER)[2]
    assert "still has created, invited or associated members" in text


def test_guardduty_account_held_by_another_can_be_invited_and_cannot_accept(emulator: Emulator, side: Sides) -> None:
    emulator.set_member("guardduty", REGION, OTHER, MEMBER, "Enabled")
    own = side("guardduty")
    own.create(MEMBER)
    assert own.batch("invite_members", MEMBER) == {}
    text = error_of(side("guardduty", MEMBER).accept, administrator_id=ADMINISTRATOR)[2]
    assert "cannot accept invitations since it is already" in text


def test_securityhub_account_held_by_another_receives_no_invitation(emulator: Emulator, side: Sides) -> None:
    emulator.set_member("securityhub", REGION, OTHER, MEMBER, "Enabled")
    own = side("securityhub")
    assert own.create(MEMBER) == {}
    assert "another master account" in own.batch("invite_members", MEMBER)[MEMBER]
    assert [item["AccountId"] for item in side("securityhub", MEMBER).invitations()] == [OTHER]  # the accepted one


@pytest.mark.parametrize("service", SERVICES)
def test_inviter_that_became_a_member_cannot_be_followed(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Invited")
    emulator.world.home(service, ADMINISTRATOR, REGION).administrator_id = OTHER
    text = error_of(side(service, MEMBER).accept, administrator_id=ADMINISTRATOR)[2]
    assert "the latter is a member of another master" in text


@pytest.mark.parametrize("service", SERVICES)
def test_invitation_of_another_inviter_is_not_accepted(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, OTHER, MEMBER, "Invited")
    member = side(service, MEMBER)
    [invitation] = member.invitations()
    text = error_of(member.accept, administrator_id=ADMINISTRATOR, invitation_id=invitation["InvitationId"])[2]
    assert "does not have an invitation" in text


@pytest.mark.parametrize(
    ("detector_id", "text"),
    [
        ("0123456789abcdef0123456789abcdef", "input detectorId is not owned by the current account"),
        ("made-up", "parameter detectorId has an invalid value"),
    ],
)
def test_foreign_detector_is_refused_for_reads_and_writes(side: Sides, detector_id: str, text: str) -> None:
    client = side("guardduty").client
    for call, arguments in (
        (client.get_members, {"AccountIds": [MEMBER]}),
        (client.create_members, {"AccountDetails": [{"AccountId": MEMBER, "Email": "a@example.com"}]}),
    ):
        code, status, message = error_of(call, DetectorId=detector_id, **arguments)
        assert (code, status) == ("BadRequestException", 400)
        assert text in message


def test_detector_of_another_region_is_not_owned(side: Sides, clients: Clients) -> None:
    elsewhere = clients("guardduty", ADMINISTRATOR, "eu-west-1")
    assert "not owned" in error_of(elsewhere.get_detector, **side("guardduty").detector)[2]


def test_second_detector_is_refused_but_a_repeated_request_is_not(clients: Clients, emulator: Emulator) -> None:
    client = clients("guardduty")
    made = client.create_detector(Enable=True, ClientToken="token")["DetectorId"]
    assert client.create_detector(Enable=True, ClientToken="token")["DetectorId"] == made
    assert "a detector already exists" in error_of(client.create_detector, Enable=True)[2]
    assert client.list_detectors()["DetectorIds"] == [made]


@pytest.mark.parametrize(
    ("operation", "code", "status", "words"),
    [
        ("list_members", "BadRequestException", 400, "no such resource found"),
        ("list_invitations", "AccessDeniedException", 403, "no such resource found"),
        ("get_administrator_account", "BadRequestException", 400, "no such resource found"),
        ("describe_hub", "InvalidAccessException", 401, "is not subscribed to AWS Security Hub"),
        ("disable_security_hub", "ResourceNotFoundException", 404, "Account is not subscribed to Security Hub"),
    ],
)
def test_securityhub_without_hub(
    emulator: Emulator, clients: Clients, operation: str, code: str, status: int, words: str
) -> None:
    refused = error_of(getattr(clients("securityhub"), operation))
    assert refused[:2] == (code, status)
    assert words in refused[2]


def test_second_hub_is_a_conflict(emulator: Emulator, clients: Clients) -> None:
    client = clients("securityhub")
    client.enable_security_hub(EnableDefaultStandards=False)
    code, status, text = error_of(client.enable_security_hub)
    assert (code, status) == ("ResourceConflictException", 409)
    assert "already subscribed" in text
    assert client.describe_hub()["HubArn"] == f"arn:aws:securityhub:{REGION}:{ADMINISTRATOR}:hub/default"


def test_administrator_with_members_cannot_switch_off(emulator: Emulator, side: Sides) -> None:
    for service in SERVICES:
        emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Invited")
    guardduty, securityhub = side("guardduty"), side("securityhub")
    text = error_of(guardduty.client.delete_detector, **guardduty.detector)[2]
    assert "must first disassociate your member accounts" in text
    emulator.set_knobs(detector_in_use_gd="2018")
    text = error_of(guardduty.client.delete_detector, **guardduty.detector)[2]
    assert "invited or associated members" in text
    text = error_of(securityhub.client.disable_security_hub)[2]
    assert "cannot disable security hub" in text.lower()
    for own in (guardduty, securityhub):
        own.batch("disassociate_members", MEMBER)
    guardduty.client.delete_detector(**guardduty.detector)
    securityhub.client.disable_security_hub()
    assert guardduty.client.list_detectors()["DetectorIds"] == []


def test_state_is_kept_per_region_and_partition(side: Sides, clients: Clients) -> None:
    side("guardduty").create(MEMBER)
    assert side("guardduty", region="eu-west-1").statuses(MEMBER) == {}
    side("securityhub", region="cn-north-1")
    hub = clients("securityhub", region="cn-north-1").describe_hub()["HubArn"]
    assert hub == f"arn:aws-cn:securityhub:cn-north-1:{ADMINISTRATOR}:hub/default"


@pytest.mark.parametrize("service", SERVICES)
def test_tags(emulator: Emulator, side: Sides, service: str) -> None:
    own = side(service)
    switch = emulator.world.home(service, ADMINISTRATOR, REGION).switch
    assert switch is not None
    own.client.tag_resource(ResourceArn=switch.arn, Tags={"team": "security", "stage": "test"})
    own.client.untag_resource(ResourceArn=switch.arn, TagKeys=["stage", "other"])
    assert own.client.list_tags_for_resource(ResourceArn=switch.arn)["Tags"] == {"team": "security"}
    foreign = switch.arn.replace(ADMINISTRATOR, OTHER)
    assert error_of(own.client.list_tags_for_resource, ResourceArn=foreign)[1] in (400, 404)


def test_settings_of_detector_and_hub(side: Sides) -> None:
    guardduty, securityhub = side("guardduty"), side("securityhub")
    guardduty.client.update_detector(
        **guardduty.detector,
        FindingPublishingFrequency="ONE_HOUR",
        Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}],
    )
    described = guardduty.client.get_detector(**guardduty.detector)
    assert described["FindingPublishingFrequency"] == "ONE_HOUR"
    assert {"Name": "S3_DATA_EVENTS", "Status": "ENABLED"} in described["Features"]
    securityhub.client.update_security_hub_configuration(AutoEnableControls=False)
    assert securityhub.client.describe_hub()["AutoEnableControls"] is False
    assert error_of(securityhub.client.describe_hub, HubArn="arn:aws:securityhub:us-east-1:1:hub/other")[1] == 404


def test_guardduty_invites_nobody_without_an_email(emulator: Emulator, side: Sides) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Created")
    member = emulator.member("guardduty", REGION, ADMINISTRATOR, MEMBER)
    assert member is not None
    member.email = None
    assert "email address is missing" in side("guardduty").batch("invite_members", MEMBER)[MEMBER]
