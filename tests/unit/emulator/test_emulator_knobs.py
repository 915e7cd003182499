# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every knob, with each of its outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import boto3
import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator, EmulatorError, Knobs
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
    raw_responses,
)

Sides = Callable[..., Side]


def test_every_knob_is_tested_here() -> None:
    files = [Path(__file__), Path(__file__).with_name("test_emulator_delegation.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    elsewhere = {"members_quota", "invitations_quota"}  # limits
    elsewhere |= {
        "organization_member_gd",
        "governed_sh",
        "detector_in_use_gd",
        "standards_left_out_sh",
    }  # organization, limits
    elsewhere |= {item.name for item in fields(Knobs) if item.name.endswith("_macie")}  # test_emulator_macie
    assert [item.name for item in fields(Knobs) if item.name not in elsewhere and item.name not in text] == []


def test_page_of_knobs_says_for_each_where_it_comes_from() -> None:
    folder = Path(__file__).parents[2]
    text = (folder / "emulator/README.md").read_text(encoding="utf-8")
    rows = {
        name: (sides, source) for name, sides, source in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", text, re.M)
    }
    hints = get_type_hints(Knobs)
    questions = {
        item.name: get_args(hints[item.name])
        for item in fields(Knobs)
        if get_origin(hints[item.name]) is Literal and not item.name.startswith(("rate_limit", "lag_"))
    }
    assert set(rows) == {*questions, "decline_gd"}
    assert [name for name, sides in questions.items() if rows[name][0] != ", ".join(sides)] == []
    for name, (_sides, source) in rows.items():
        assert source.startswith(("recorded: ", "documented", "guess")), name
        records = re.findall("`([a-z0-9-]+)`", source)
        assert records or not source.startswith("recorded")
        assert [each for each in records if not (folder / f"recorded/{each}.json").exists()] == []


@pytest.mark.parametrize(("name", "value"), [("no_such_knob", 1), ("resigned_invite", "maybe")])
def test_wrong_knob_is_refused(emulator: Emulator, name: str, value: object) -> None:
    with pytest.raises(EmulatorError, match=name):
        emulator.set_knobs(**{name: value})


def test_words_that_yaml_takes_for_something_else(emulator: Emulator) -> None:
    emulator.seed({"knobs": {"verify_email": False, "benign_texts": 2020, "get_administrator_none_sh": 404}})
    assert emulator.world.knobs.verify_email == "off"
    assert emulator.world.knobs.benign_texts == "2020"
    assert emulator.world.knobs.get_administrator_none_sh == "404"


@pytest.mark.parametrize("service", SERVICES)
def test_resigned_invite(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Resigned")
    assert "already invited" in side(service).batch("invite_members", MEMBER)[MEMBER]
    emulator.set_knobs(resigned_invite="accept")
    assert side(service).batch("invite_members", MEMBER) == {}
    assert side(service).statuses(MEMBER) == {MEMBER: "Invited"}


@pytest.mark.parametrize("service", SERVICES)
def test_invited_delete(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_knobs(invited_delete="still_associated")
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Invited")
    assert "still associated" in side(service).batch("delete_members", MEMBER)[MEMBER]
    emulator.set_knobs(invited_delete="ok")
    assert side(service).batch("delete_members", MEMBER) == {}
    assert side(service).statuses(MEMBER) == {}


def test_decline_gd(emulator: Emulator, side: Sides) -> None:
    for status in ("Resigned", "Declined"):
        emulator.set_knobs(decline_gd=status)
        emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Invited")
        assert side("guardduty", MEMBER).batch("decline_invitations", ADMINISTRATOR) == {}
        assert side("guardduty").statuses(MEMBER) == {MEMBER: status}


@pytest.mark.parametrize("service", SERVICES)
def test_get_members_unknown_omitted_or_unprocessed(emulator: Emulator, side: Sides, service: str) -> None:
    own = side(service)
    own.create(MEMBER)
    assert own.batch("get_members", MEMBER, ZERO) == {}
    emulator.set_knobs(get_members_unknown="unprocessed")
    assert list(own.batch("get_members", MEMBER, ZERO)) == [ZERO]
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Created"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("ResourceNotFoundException", 404), ("AccessDeniedException", 403), ("BadRequestException", 400)],
)
def test_get_members_unknown_error_and_no_such_resource_code(
    emulator: Emulator, side: Sides, code: str, status: int
) -> None:
    emulator.set_knobs(get_members_unknown="error", no_such_resource_code=code)
    refused = error_of(side("securityhub").client.get_members, AccountIds=[ZERO])
    assert refused[:2] == (code, status)
    assert "no such resource found" in refused[2]
    assert side("guardduty").statuses(ZERO) == {}


@pytest.mark.parametrize("verb", ["invite", "disassociate", "delete"])
def test_unknown_member_sh(emulator: Emulator, side: Sides, verb: str) -> None:
    call = getattr(side("securityhub").client, f"{verb}_members")
    call(AccountIds=[ZERO])
    emulator.set_knobs(unknown_member_sh="error")
    assert error_of(call, AccountIds=[ZERO])[0] == "ResourceNotFoundException"


_NO_SUCH_RESOURCE = "The request is rejected since no such resource found."


def test_hub_off(emulator: Emulator, clients: Clients) -> None:
    client = clients("securityhub")
    reads = (client.list_members, client.get_administrator_account, client.list_invitations)
    assert [error_of(read)[:2] for read in reads] == [
        ("BadRequestException", 400),
        ("BadRequestException", 400),
        ("AccessDeniedException", 403),
    ]
    for code, status in (("BadRequestException", 400), ("AccessDeniedException", 403)):
        emulator.set_knobs(hub_off=code)
        assert {error_of(read) for read in reads} == {(code, status, _NO_SUCH_RESOURCE)}
    emulator.set_knobs(hub_off="InvalidAccessException")
    assert {error_of(read)[:2] for read in (*reads, client.describe_hub)} == {("InvalidAccessException", 401)}


def test_get_administrator_none_gd(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    for knob, body in (("null", b'{"administrator":null}'), ("empty", b"")):
        emulator.set_knobs(get_administrator_none_gd=knob)
        with raw_responses(own.client) as received:
            assert own.administrator() is None
        assert received[0]["body"] == body


def test_get_administrator_none_sh(emulator: Emulator, side: Sides) -> None:
    assert side("securityhub").administrator() is None
    emulator.set_knobs(get_administrator_none_sh="404")
    code, status, _text = error_of(side("securityhub").administrator)
    assert (code, status) == ("ResourceNotFoundException", 404)


def test_list_default_gd(emulator: Emulator, side: Sides) -> None:
    side("guardduty").create(MEMBER)
    assert side("guardduty").listed() == {}
    emulator.set_knobs(list_default_gd="all")
    assert side("guardduty").listed() == {MEMBER: "Created"}
    assert side("guardduty").listed(OnlyAssociated="true") == {}


@pytest.mark.parametrize("service", SERVICES)
def test_list_invitations_includes_accepted(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Enabled")
    member = side(service, MEMBER)
    assert len(member.invitations()) == {"guardduty": 0, "securityhub": 1}[service]
    emulator.set_knobs(list_invitations_includes_accepted="neither")
    assert member.invitations() == []
    emulator.set_knobs(list_invitations_includes_accepted="both")
    [invitation] = member.invitations()
    assert invitation[member.status_member] == "Enabled"
    assert member.client.get_invitations_count()["InvitationsCount"] == 0


def test_verify_email(emulator: Emulator, side: Sides) -> None:
    emulator.seed({"accounts": {MEMBER: {"email": "Owner@example.com"}, ZERO: {"email": "real@example.com"}}})
    own = side("guardduty")
    own.create(MEMBER, email="owner@EXAMPLE.com")  # letter case does not matter
    own.create(ZERO, email="wrong@example.com")
    own.batch("invite_members", MEMBER, ZERO)
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Invited", ZERO: "EmailVerificationFailed"}
    assert side("guardduty", ZERO).invitations() == []
    emulator.set_knobs(verify_email="off")
    own.create(OTHER, email="wrong@example.com")
    own.batch("invite_members", OTHER)
    assert own.statuses(OTHER) == {OTHER: "Invited"}


def test_securityhub_verifies_no_email(side: Sides) -> None:
    own = side("securityhub")
    own.create(MEMBER, email="wrong@example.com")
    own.batch("invite_members", MEMBER)
    assert own.statuses(MEMBER) == {MEMBER: "Invited"}


def test_benign_texts(emulator: Emulator, side: Sides) -> None:
    for service in SERVICES:
        side(service).create(MEMBER)
    old = "the given account id is already a member or associated member of the current account"
    new = "the specified account id is already a member or associated member of the current account"
    assert old in side("guardduty").create(MEMBER)[MEMBER]
    emulator.set_knobs(benign_texts="2020")
    assert new in side("guardduty").create(MEMBER)[MEMBER]
    assert old in side("securityhub").create(MEMBER)[MEMBER]  # known from one log, in the old words
    assert "not a member of the current account" in side("guardduty").batch("stop_monitoring_members", MEMBER)[MEMBER]


def test_sh_delete_leaves(emulator: Emulator, side: Sides) -> None:
    own = side("securityhub")
    for leaves, statuses in (("gone", {}), ("Deleted", {MEMBER: "Deleted"})):
        emulator.set_knobs(sh_delete_leaves=leaves)
        emulator.set_member("securityhub", REGION, ADMINISTRATOR, MEMBER, "Removed")
        own.batch("delete_members", MEMBER)
        assert own.statuses(MEMBER) == own.listed(OnlyAssociated=False) == statuses
        assert side("securityhub", MEMBER).invitations() == []


def test_sh_active_word(emulator: Emulator, side: Sides) -> None:
    emulator.set_member("securityhub", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    for word in ("Enabled", "Associated"):
        emulator.set_knobs(sh_active_word=word)
        assert side("securityhub").listed() == {MEMBER: word}
        administrator = side("securityhub", MEMBER).administrator()
        assert administrator is not None
        assert administrator["MemberStatus"] == word


@pytest.mark.parametrize("operation", ["disassociate_members", "stop_monitoring_members"])
def test_all_refusal(emulator: Emulator, side: Sides, operation: str) -> None:
    emulator.seed(
        {
            "organization": {
                "management_account": OTHER,
                "account_ids": [MEMBER],
                "delegated_administrator": {"guardduty": ADMINISTRATOR},
                "auto_enable": {"guardduty": "ALL"},
            }
        }
    )
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Enabled")
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, ZERO, "Enabled")  # invited, not of the organization
    own = side("guardduty")
    call = getattr(own.client, operation)
    assert error_of(call, **own.detector, AccountIds=[ZERO, MEMBER])[:2] == ("BadRequestException", 400)
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Enabled", ZERO: "Enabled"}
    emulator.set_knobs(all_refusal="account")
    assert list(own.batch(operation, ZERO, MEMBER)) == [MEMBER]
    assert own.statuses(MEMBER) == {MEMBER: "Enabled"}


@pytest.mark.parametrize("service", SERVICES)
def test_page_size_and_empty_pages(emulator: Emulator, side: Sides, service: str) -> None:
    own = side(service)
    own.create(MEMBER, ZERO, OTHER)
    emulator.set_knobs(page_size=2, empty_pages=True)
    no = {"guardduty": "false", "securityhub": False}[service]
    pages = list(own.client.get_paginator("list_members").paginate(**own.detector, OnlyAssociated=no))
    assert [len(page["Members"]) for page in pages] == [0, 2, 0, 1]


def test_rate_limit(emulator: Emulator, side: Sides) -> None:
    own, guardduty = side("securityhub"), side("guardduty")
    emulator.set_knobs(rate_limit="securityhub", rate_limit_burst=3, rate_limit_per_second=2)
    for _ignored in range(3):
        own.listed()
    assert error_of(own.listed)[:2] == ("TooManyRequestsException", 429)
    side("securityhub", region="eu-west-1").listed()  # each Region has its own budget
    for _ignored in range(5):
        guardduty.listed()
    emulator.advance(1)
    own.listed()
    emulator.set_knobs(rate_limit_code="LimitExceededException", rate_limit_per_second=0)
    own.listed()
    assert error_of(own.listed)[:2] == ("LimitExceededException", 429)
    emulator.set_knobs(rate_limit="both")
    assert error_of(lambda: [guardduty.listed() for _ignored in range(4)])[1] == 429


def test_rate_limit_is_off_by_default(side: Sides) -> None:
    own = side("securityhub")
    for _ignored in range(40):
        own.listed()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("wait", [{"create_visible_seconds": 30}, {"create_visible_reads": 2}])
def test_create_visible(emulator: Emulator, side: Sides, service: str, wait: dict[str, int]) -> None:
    emulator.set_knobs(**wait)
    own = side(service)
    own.create(MEMBER)
    for _ignored in range(2):
        assert own.statuses(MEMBER) == {}
    if "create_visible_seconds" in wait:
        emulator.advance(30)
    assert own.statuses(MEMBER) == {MEMBER: "Created"}


@pytest.mark.parametrize("service", SERVICES)
def test_pending_disassociate(emulator: Emulator, side: Sides, service: str) -> None:
    for status in ("Invited", "AccountSuspended"):
        emulator.set_knobs(pending_disassociate="refuse")
        emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, status)
        refused = side(service).batch("disassociate_members", MEMBER)
        assert ("not an associated member" in refused.get(MEMBER, "")) is (service == "guardduty")
        assert side(service).statuses(MEMBER) == {MEMBER: status}
        emulator.set_knobs(pending_disassociate="Removed")
        assert side(service).batch("disassociate_members", MEMBER) == {}
        assert side(service).statuses(MEMBER) == {MEMBER: "Removed"}


@pytest.mark.parametrize("service", SERVICES)
def test_lag_seconds_every_read_shows_every_write_late(emulator: Emulator, side: Sides, service: str) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Created")
    emulator.set_knobs(lag_seconds=5, verify_email="off")
    administrator, member = side(service), side(service, MEMBER)
    administrator.batch("invite_members", MEMBER)
    emulator.advance(3)
    administrator.batch("disassociate_members", MEMBER)
    assert administrator.statuses(MEMBER) == {MEMBER: "Created"} and member.invitations() == []
    emulator.advance(2.5)
    assert administrator.statuses(MEMBER) == {MEMBER: "Invited"} and len(member.invitations()) == 1
    emulator.advance(3)
    assert administrator.statuses(MEMBER) == {MEMBER: "Removed"}


def test_lag_seconds_of_one_operation(emulator: Emulator, side: Sides) -> None:
    emulator.set_knobs(lag_seconds=5, lag_seconds_of={"CreateMembers": 0})
    side("securityhub").create(MEMBER)
    assert side("securityhub").statuses(MEMBER) == {MEMBER: "Created"}
    side("securityhub").batch("invite_members", MEMBER)
    assert side("securityhub").statuses(MEMBER) == {MEMBER: "Created"}


@pytest.mark.parametrize("hits", ["reads", "writes"])
def test_lag_hits(emulator: Emulator, clients: Clients, hits: str) -> None:
    emulator.set_knobs(lag_seconds=5, lag_hits=hits)
    hub = clients("securityhub", account_id=MEMBER)
    hub.enable_security_hub()
    assert error_of(hub.describe_hub)[0] == "InvalidAccessException"
    if hits == "writes":
        assert error_of(hub.update_security_hub_configuration, AutoEnableControls=False)[0] == "InvalidAccessException"
    else:
        hub.update_security_hub_configuration(AutoEnableControls=False)
    emulator.advance(6)
    assert hub.describe_hub()["AutoEnableControls"] is (hits == "writes")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("wait", [{"invite_visible_seconds": 60}, {"invite_visible_reads": 2}])
def test_invite_visible(emulator: Emulator, side: Sides, service: str, wait: dict[str, int]) -> None:
    emulator.set_knobs(**wait)
    own, member = side(service), side(service, MEMBER)
    own.create(MEMBER)
    own.batch("invite_members", MEMBER)
    assert own.statuses(MEMBER) == {MEMBER: "Invited"}
    for _ignored in range(2):
        assert member.invitations() == []
    if "invite_visible_seconds" in wait:
        assert member.client.get_invitations_count()["InvitationsCount"] == 0
        emulator.advance(60)
    assert len(member.invitations()) == 1


@pytest.mark.parametrize("wait", [{"verification_seconds": 20}, {"verification_reads": 2}])
def test_verification(emulator: Emulator, side: Sides, wait: dict[str, int]) -> None:
    emulator.set_knobs(**wait)
    own = side("guardduty")
    own.create(MEMBER)
    own.create(ZERO, email="wrong@example.com")
    own.batch("invite_members", MEMBER, ZERO)
    for _ignored in range(2):
        assert set(own.statuses(MEMBER, ZERO).values()) == {"EmailVerificationInProgress"}
    if "verification_seconds" in wait:
        assert side("guardduty", MEMBER).invitations() == []
        emulator.advance(20)
    assert own.statuses(MEMBER, ZERO) == {MEMBER: "Invited", ZERO: "EmailVerificationFailed"}
    assert len(side("guardduty", MEMBER).invitations()) == 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("wait", [{"accept_visible_seconds": 20}, {"accept_visible_reads": 2}])
def test_accept_visible(emulator: Emulator, side: Sides, service: str, wait: dict[str, int]) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, "Invited")
    emulator.set_knobs(**wait)
    member, own = side(service, MEMBER), side(service)
    member.accept(ADMINISTRATOR)
    assert member.administrator() is not None
    for _ignored in range(2):
        assert own.statuses(MEMBER) == {MEMBER: "Invited"}
    if "accept_visible_seconds" in wait:
        emulator.advance(20)
    assert own.statuses(MEMBER) == {MEMBER: "Enabled"}


@pytest.mark.parametrize("service", [*SERVICES, "sts"])
def test_session_seconds(emulator: Emulator, clients: Clients, service: str) -> None:
    emulator.set_knobs(session_seconds=3600)
    emulator.seed({"services": [{"service": "securityhub", "account_id": MEMBER, "regions": [REGION]}]})
    keys = clients("sts").assume_role(RoleArn=f"arn:aws:iam::{MEMBER}:role/muster", RoleSessionName="testing")[
        "Credentials"
    ]
    given = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], REGION)
    client = given.client(service, endpoint_url=emulator.url)
    use = client.get_caller_identity if service == "sts" else client.list_invitations
    emulator.advance(3000)
    use()
    emulator.advance(600)
    assert error_of(use)[0].startswith("ExpiredToken")
    clients("guardduty", MEMBER).list_invitations()  # keys without a token never expire


def test_latency_delays_calls_and_not_control(emulator: Emulator, side: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("ansible_collections.muster.aws.tests.emulator.dispatch.time.sleep", slept.append)
    own = side("securityhub")
    own.listed()
    emulator.set_knobs(latency=0.3)
    own.listed()
    assert slept == [0.3]


def test_assume_role_wrong_account(emulator: Emulator, clients: Clients) -> None:
    arguments = {"RoleArn": f"arn:aws:iam::{MEMBER}:role/Onboarding", "RoleSessionName": "test"}
    for wrong, given in ((None, MEMBER), (OTHER, OTHER), ({MEMBER: ZERO}, ZERO), ({OTHER: ZERO}, MEMBER)):
        emulator.set_knobs(assume_role_wrong_account=wrong)
        answer = clients("sts").assume_role(**arguments)
        assert answer["AssumedRoleUser"]["Arn"].split(":")[4] == given
        assert emulator.world.access_keys[answer["Credentials"]["AccessKeyId"]] == given


@pytest.mark.parametrize(
    ("fields_told", "told"),
    [
        ("State+Paths", {"State": "CLOSED", "Paths": ["o-exampleorgid/r-ab12/ou-ab12-10000000/"]}),
        ("State", {"State": "CLOSED"}),
        ("Status", {"Status": "SUSPENDED"}),
        ("neither", {}),
    ],
)
def test_organizations_fields(emulator: Emulator, clients: Clients, fields_told: str, told: dict[str, object]) -> None:
    emulator.seed(
        {
            "accounts": {ZERO: {"state": "CLOSED"}},
            "organization": {
                "management_account": ADMINISTRATOR,
                "account_ids": [ZERO, *(f"{n:012d}" for n in range(1, 25))],
                "organizational_units": {"ou-ab12-10000000": {"name": "Old"}},
                "accounts_in": {"ou-ab12-10000000": [ZERO]},
            },
            "knobs": {"organizations_fields": fields_told},
        }
    )
    pages = list(clients("organizations", ADMINISTRATOR).get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 6]
    account = next(each for page in pages for each in page["Accounts"] if each["Id"] == ZERO)
    assert {name: account[name] for name in ("State", "Paths", "Status") if name in account} == told
    assert error_of(clients("organizations", ZERO).list_accounts)[0] == "AccessDeniedException"
