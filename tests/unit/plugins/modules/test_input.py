# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a task before it begins: bad input before any call, and all else with one sentence, no traceback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ModuleRunner
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    KEYS,
    REGION,
    SECURITYHUB,
    A,
    B,
    email_of,
    member,
    switch_on,
    writes,
)

ROWS = {
    "guardduty_administrator": "administrators",
    "guardduty_administrator_info": "administrators",
    "guardduty_detector": "detectors",
    "guardduty_member": "members",
    "guardduty_member_info": "members",
    "securityhub_administrator": "administrators",
    "securityhub_administrator_info": "administrators",
    "securityhub_hub": "hubs",
    "securityhub_member": "members",
    "securityhub_member_info": "members",
}
# The least that each kind of module has to be told.
NEEDED = {
    "guardduty_member": {"members": [member(A)]},
    "securityhub_member": {"members": [member(A)]},
    "guardduty_administrator": {"administrator_id": B},
    "securityhub_administrator": {"administrator_id": B},
}
IN_ACCOUNTS = [name for name, rows in ROWS.items() if rows != "members"]

BAD_IDS = (
    222222222222,  # unquoted in YAML
    12345678901,  # unquoted, the leading zero lost
    1402433619,  # unquoted, and all its digits octal: what YAML 1.1 makes of 012345670123
    "22222222222",
    "2222222222222",
    "2222 22222222",
    " 222222222222",
    "222222222222 ",
    "222222222222\n",
    "22222222222x",
    "\uff12" * 12,  # digits, but not those of ASCII
    "",
    None,
    True,
    222222222222.0,
    ["222222222222"],
)
BAD_EMAILS = {
    "a@b.c": "6 to 64 characters",
    f"{'a' * 53}@example.com": "6 to 64 characters",
    "j\u00f6@example.com": "7-bit ASCII",
    "a@example.com\n": "7-bit ASCII",
    "a@b@example.com": "exactly one @",
    "a.example.com": "exactly one @",
    "@example.com": "something before the @",
    "a b@example.com": "whitespace",
    **{f"a{character}b@example.com": "must not have any of" for character in "\"'()<>[]:,\\|%&"},
    ".a@example.com": "start with a dot",
    "a@localhost": "at least one dot",
    "a@exam_ple.com": "letters, digits, hyphens",
    "a@.example.com": "must have a domain",
    "a@example.com.": "must have a domain",
    "a@-example.com": "hyphen at its ends",
    "a@example.com-": "hyphen at its ends",
}
BAD_REGIONS = ("everywhere", "all", "us-east", "US-EAST-1", "us-east-1 ", " us-east-1", "us_east_1", "us-east-1a", "")
BAD_ROLE_NAMES = (f"arn:aws:iam::{A}:role/muster", "two words", "../muster", "muster*", "a" * 65, "muster:admin", "m/")


def told_of(value: object) -> str:
    return "the account id is missing" if value is None else repr(value)


@pytest.fixture(autouse=True)
def everything_on(emulator: Emulator) -> None:
    """Let every call that should not be made succeed."""
    for service in BOTH:
        switch_on(emulator, service, ADMINISTRATOR, A, B, regions=(REGION, "eu-west-1", "eu-north-1"))


def assert_refused(result: Mapping[str, Any], emulator: Emulator, module_name: str, *texts: str) -> None:
    """Assert that nothing was sent, that the operator is told why, and that a playbook finds its keys."""
    assert [call.operation for call in emulator.calls] == []
    assert_failed_in_one_sentence(result, module_name, *texts)
    assert (result["changed"], result[ROWS[module_name]], result["actions"]) == (False, [], [])


def assert_failed_in_one_sentence(result: Mapping[str, Any], module_name: str, *texts: str) -> None:
    assert result["failed"] is True
    assert "\n" not in result["msg"]
    assert "Traceback" not in json.dumps(result) and "exception" not in result
    for text in texts:
        assert text in result["msg"]
    assert {*KEYS, ROWS[module_name]} <= set(result)


# Account ids


@pytest.mark.parametrize("option", ["account_ids", "member_ids"])
@pytest.mark.parametrize("service", BOTH)
def test_number_in_place_of_a_list_of_ids_is_no_id(
    service: str, option: str, emulator: Emulator, run_module: Any
) -> None:
    module_name = f"{service}_member_info" if option == "member_ids" else f"{service}_administrator_info"
    result = run_module(module_name, **{option: 222222222222})
    assert_refused(result, emulator, module_name, "222222222222 is of type int", "quote it in YAML")


@pytest.mark.parametrize("module_name", ["guardduty_detector", "securityhub_hub"])
@pytest.mark.parametrize("tags", [{"": "x"}, {"Owner": None}, {"Owner": "x" * 257}, {"k" * 129: "x"}])
def test_tags_that_aws_does_not_take_are_refused_before_anything_is_changed(
    module_name: str, tags: Mapping[str, Any], emulator: Emulator, run_module: Any
) -> None:
    own = {"enabled": False, "finding_publishing_frequency": "ONE_HOUR"} if module_name == "guardduty_detector" else {}
    result = run_module(module_name, tags=tags, **own)
    assert_refused(result, emulator, module_name, "tags: ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("q", "2 to 1224 letters"),
        ("e", "external_id must have 2 to 1224 letters"),  # and no letter of that is masked
        ("two words", "2 to 1224 letters"),
        ("x" * 1225, "2 to 1224 letters"),
        (A, "would be masked"),
        (ADMINISTRATOR[:3], "would be masked"),
        ("east", "would be masked"),
        *((word, "would be masked") for word in ("unchanged", "failed", "ENABLED", "Enabled", "DISABLED", "accept")),
        ("organization", "would be masked"),  # a part of a reason code
    ],
)
def test_external_id_that_cannot_be_one_or_would_mask_the_results_is_refused_without_being_told(
    value: str, text: str, emulator: Emulator, run_module: Any
) -> None:
    options = {"administrator_id": ADMINISTRATOR, "account_ids": [A], "role_name": "Onboarding"}
    result = run_module("guardduty_administrator", external_id=value, regions=["us-east-1"], **options)
    assert_refused(result, emulator, "guardduty_administrator", "external_id", text)
    assert f"{value!r}" not in result["msg"]


@pytest.mark.parametrize("value", ["zq", "x" * 1224, "A9_+=,.@:/-", "222222222229"])
def test_external_id_of_any_form_that_sts_takes_is_sent(value: str, emulator: Emulator, run_module: Any) -> None:
    result = run_module("guardduty_administrator_info", external_id=value, account_ids=[A], role_name="Onboarding")
    assert [call.params["ExternalId"] for call in emulator.calls if call.operation == "AssumeRole"] == [value]
    assert result["administrators"][0]["account_id"] == A


@pytest.mark.parametrize("service", BOTH)
def test_member_list_of_nobody_but_the_caller_purges_nobody(service: str, emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")
    result = run_module(f"{service}_member", members=[member(ADMINISTRATOR)], purge_members=True)
    assert_failed_in_one_sentence(result, f"{service}_member", "nobody but the caller", ADMINISTRATOR)
    assert emulator.operations(writes_only=True) == []


@pytest.mark.parametrize("value", BAD_IDS, ids=repr)
@pytest.mark.parametrize("service", BOTH)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_member_with_a_malformed_account_id_stops_before_any_call(
    service: str, state: str, value: object, emulator: Emulator, run_module: Any
) -> None:
    members = [{"account_id": value, "email": "a@example.com"}, member(B)]

    result = run_module(f"{service}_member", members=members, state=state)

    assert_refused(result, emulator, f"{service}_member", told_of(value), '"012345678901"')
    assert [(row["account_id"], row["reason_code"], row["operation"]) for row in result["unprocessed_accounts"]] == [
        (str(value), "invalid_input", None)
    ]


@pytest.mark.parametrize("value", BAD_IDS, ids=repr)
@pytest.mark.parametrize("service", BOTH)
def test_administrator_with_a_malformed_administrator_id_stops_before_any_call(
    service: str, value: object, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_administrator", administrator_id=value)

    assert_refused(result, emulator, f"{service}_administrator", "administrator_id", told_of(value), '"012345678901"')


@pytest.mark.parametrize("value", BAD_IDS, ids=repr)
@pytest.mark.parametrize("module_name", IN_ACCOUNTS)
def test_module_with_a_malformed_id_in_account_ids_stops_before_any_call(
    module_name: str, value: object, emulator: Emulator, run_module: Any
) -> None:
    options = {**NEEDED.get(module_name, {}), "account_ids": [A, value], "role_name": "muster"}

    result = run_module(module_name, **options)

    assert_refused(result, emulator, module_name, told_of(value), '"012345678901"')


@pytest.mark.parametrize("value", BAD_IDS, ids=repr)
@pytest.mark.parametrize("service", BOTH)
def test_member_info_with_a_malformed_id_stops_before_any_call(
    service: str, value: object, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_member_info", member_ids=[A, value])

    assert_refused(result, emulator, f"{service}_member_info", told_of(value), '"012345678901"')


def test_member_with_several_malformed_values_names_them_all(emulator: Emulator, run_module: Any) -> None:
    members = [{"account_id": 222222222222, "email": "a@example.com"}, member(A, "nobody"), member(B)]

    result = run_module("guardduty_member", members=members)

    assert_refused(result, emulator, "guardduty_member", "222222222222 is of type int", "'nobody'")
    assert [row["account_id"] for row in result["unprocessed_accounts"]] == ["222222222222", A]


# E-mails


@pytest.mark.parametrize(("email", "text"), BAD_EMAILS.items(), ids=repr)
def test_guardduty_member_with_an_email_against_the_rules_stops_before_any_call(
    email: str, text: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", members=[member(A, email), member(B)])

    assert_refused(result, emulator, "guardduty_member", A, repr(email), text)
    assert [(row["account_id"], row["reason_code"]) for row in result["unprocessed_accounts"]] == [(A, "invalid_input")]


@pytest.mark.parametrize("email", [None, ""], ids=repr)
def test_guardduty_member_without_email_stops_before_any_call(
    email: str | None, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", members=[{"account_id": A, "email": email}])

    assert_refused(result, emulator, "guardduty_member", A, "root user")
    assert [row["reason_code"] for row in result["unprocessed_accounts"]] == ["email_missing"]


@pytest.mark.parametrize("email", ["a@b.co", f"{'a' * 52}@example.com", "o+k@ex-ample.co.uk"])
def test_guardduty_member_with_an_email_at_the_limits_is_created(
    email: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed({"accounts": {A: {"email": email}}})

    assert run_module("guardduty_member", members=[member(A, email)])["members"][0]["status"] == "Invited"


@pytest.mark.parametrize("state", ["absent", "disassociated"])
def test_guardduty_member_without_email_can_be_removed(state: str, run_module: Any) -> None:
    assert (
        run_module("guardduty_member", members=[member(A, None)], state=state)["members"][0]["outcome"] == "unchanged"
    )


@pytest.mark.parametrize("email", [" ", "a\tb@example.com", "a@example.com\n"], ids=repr)
def test_securityhub_member_with_a_blank_or_broken_contact_stops_before_any_call(
    email: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("securityhub_member", members=[member(A, email)])

    assert_refused(result, emulator, "securityhub_member", repr(email), "non-blank")


def test_securityhub_member_with_any_other_contact_is_created(run_module: Any) -> None:
    members = [member(A, "the (owner), room 1"), member(B, None)]

    assert [row["status"] for row in run_module("securityhub_member", members=members)["members"]] == ["Invited"] * 2


# Lists


@pytest.mark.parametrize("service", BOTH)
def test_member_with_duplicates_that_disagree_stops_before_any_call(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_member", members=[member(A), member(B), member(A, "other@example.com")])

    assert_refused(result, emulator, f"{service}_member", A, email_of(A), "other@example.com", "keep one")


@pytest.mark.parametrize("service", BOTH)
def test_member_with_duplicates_that_agree_counts_them_once(service: str, emulator: Emulator, run_module: Any) -> None:
    result = run_module(f"{service}_member", members=[member(A), member(B), member(A)])

    assert [row["account_id"] for row in result["members"]] == [A, B]
    assert [action["account_ids"] for action in result["actions"]] == [[A, B], [A, B]]


@pytest.mark.parametrize("options", [{}, {"purge_members": True}, {"state": "absent"}], ids=repr)
@pytest.mark.parametrize("service", BOTH)
def test_member_with_no_members_stops_before_any_call(
    service: str, options: dict[str, Any], emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")

    result = run_module(f"{service}_member", members=[], **options)

    assert_refused(result, emulator, f"{service}_member", "members is empty")


@pytest.mark.parametrize("module_name", ROWS)
def test_module_with_no_regions_stops_before_any_call(module_name: str, emulator: Emulator, run_module: Any) -> None:
    result = run_module(module_name, regions=[], **NEEDED.get(module_name, {}))

    assert_refused(result, emulator, module_name, "no Region given", "set regions")


@pytest.mark.parametrize("text", ["", " ", ",", "\n"], ids=repr)
def test_module_with_a_blank_text_for_regions_stops_before_any_call(
    text: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_detector", regions=text)

    assert_refused(result, emulator, "guardduty_detector", "no Region given", "set regions")


@pytest.mark.parametrize("separator", [",", ", ", "\n", ",\r\n  "], ids=repr)
@pytest.mark.parametrize("end", ["", ",", "\n"], ids=repr)
def test_module_with_lists_given_as_text_acts_on_their_items(
    separator: str, end: str, emulator: Emulator, run_module: Any
) -> None:
    regions = separator.join([REGION, "eu-west-1"]) + end
    ids = separator.join([A, B]) + end

    detectors = run_module("guardduty_detector", regions=regions, account_ids=ids, role_name="muster")
    members = run_module("guardduty_member_info", regions=regions, member_ids=ids)

    places = [(region, account_id) for region in ("eu-west-1", REGION) for account_id in (A, B)]
    assert [(row["region"], row["account_id"]) for row in detectors["detectors"]] == places
    assert [(row["region"], row["account_id"]) for row in members["members"]] == places


@pytest.mark.parametrize("text", [f"{A} {B}", f"{A},22222222222"], ids=repr)
def test_module_with_a_malformed_id_in_a_text_stops_before_any_call(
    text: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_detector", account_ids=text, role_name="muster")

    assert_refused(result, emulator, "guardduty_detector", repr(text.rsplit(",", maxsplit=1)[-1]), '"012345678901"')


@pytest.mark.parametrize("module_name", IN_ACCOUNTS)
def test_module_with_no_account_ids_stops_before_any_call(
    module_name: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(module_name, account_ids=[], role_name="muster", **NEEDED.get(module_name, {}))

    assert_refused(result, emulator, module_name, "account_ids is empty")


@pytest.mark.parametrize("module_name", ROWS)
def test_module_without_any_region_stops_before_any_call(
    module_name: str, no_credentials: dict[str, None], emulator: Emulator, run_module: Any
) -> None:
    result = run_module(module_name, region=None, **NEEDED.get(module_name, {}))

    assert_refused(result, emulator, module_name, "no Region given", "set regions")


# Purge


@pytest.mark.parametrize("state", ["absent", "disassociated"])
@pytest.mark.parametrize("service", BOTH)
def test_member_with_purge_and_another_state_than_present_stops_before_any_call(
    service: str, state: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_member", members=[member(A)], purge_members=True, state=state)

    assert_refused(result, emulator, f"{service}_member", "purge_members goes with state=present")


@pytest.mark.parametrize("service", BOTH)
def test_member_with_more_to_purge_than_purge_limit_writes_in_no_region(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    # Two to be purged in each Region, three in all, and one to be created in each.
    regions = [REGION, "eu-west-1"]
    for region, strangers in zip(
        regions, (("444444444444", "055555555555"), ("444444444444", "666666666666")), strict=True
    ):
        for stranger in strangers:
            emulator.set_member(service, region, ADMINISTRATOR, stranger, "Enabled")

    options = {"members": [member(A)], "regions": regions, "purge_members": True}
    result = run_module(f"{service}_member", purge_limit=2, **options)

    assert writes(emulator) == []
    texts = ("3 accounts", "purge_limit=2", "055555555555, 444444444444, 666666666666", "raise purge_limit")
    assert_failed_in_one_sentence(result, f"{service}_member", *texts)
    assert result["changed"] is False
    assert run_module(f"{service}_member", purge_limit=3, **options)["changed"] is True


# Single values


def test_guardduty_member_with_detector_id_and_two_regions_stops_before_any_call(
    emulator: Emulator, run_module: Any
) -> None:
    options = {"members": [member(A)], "detector_id": "0" * 32, "regions": [REGION, "eu-west-1"]}

    assert_refused(
        run_module("guardduty_member", **options), emulator, "guardduty_member", "detector_id goes with a single Region"
    )


@pytest.mark.parametrize("role_name", BAD_ROLE_NAMES)
@pytest.mark.parametrize("module_name", IN_ACCOUNTS)
def test_module_with_a_bad_role_name_stops_before_any_call(
    module_name: str, role_name: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(module_name, account_ids=[A], role_name=role_name, **NEEDED.get(module_name, {}))

    assert_refused(result, emulator, module_name, repr(role_name), "write the name, with its path if it has one")


@pytest.mark.parametrize("role_name", [None, ""], ids=repr)
def test_module_without_role_name_for_other_accounts_acts_in_none(
    role_name: str | None, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_detector", account_ids=[A, ADMINISTRATOR], role_name=role_name)

    # Who the caller is decides whether a role is needed.
    assert emulator.operations() == ["GetCallerIdentity"]
    assert_failed_in_one_sentence(result, "guardduty_detector", "role_name is missing", ADMINISTRATOR)


@pytest.mark.parametrize("region", BAD_REGIONS, ids=repr)
@pytest.mark.parametrize("module_name", ROWS)
def test_module_with_a_bad_region_stops_before_any_call(
    module_name: str, region: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(module_name, regions=[REGION, region], **NEEDED.get(module_name, {}))

    assert_refused(
        result, emulator, module_name, "Region" if not region else repr(region), "us-east-1" if region else ""
    )


@pytest.mark.parametrize("option", ["concurrency", "wait_timeout", "purge_limit"])
@pytest.mark.parametrize("service", BOTH)
def test_member_with_a_number_below_its_range_stops_before_any_call(
    service: str, option: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_member", members=[member(A)], **{option: 0 if option == "concurrency" else -1})

    assert_refused(result, emulator, f"{service}_member", option, "must")


@pytest.mark.parametrize(
    ("service", "option"),
    [*[(s, "accounts") for s in BOTH], *[(SECURITYHUB, o) for o in ("monitoring", "detector_id")]],
)
def test_member_with_an_unknown_option_stops_before_any_call(
    service: str, option: str, emulator: Emulator, run_module: Any
) -> None:
    result = run_module(f"{service}_member", members=[member(A)], **{option: "x"})

    # Ansible's own failure, before the module has its say: without the keys of the contract.
    assert result["failed"] is True and option in result["msg"]
    assert emulator.calls == []


# Credentials and connection


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, None]:
    """A machine without AWS credentials, and the options that ask for those of the machine."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "EC2_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return {"access_key": None, "secret_key": None}


@pytest.mark.parametrize("module_name", ROWS)
def test_module_without_credentials_says_where_to_give_them(
    module_name: str, no_credentials: dict[str, None], emulator: Emulator, run_module: Any
) -> None:
    result = run_module(module_name, **no_credentials, **NEEDED.get(module_name, {}))

    assert_refused(result, emulator, module_name, "no AWS credentials found", "profile", "access_key", "AWS_*")


@pytest.mark.parametrize("half", ["access_key", "secret_key"])
def test_module_with_half_a_key_pair_uses_no_other_credentials(
    half: str, no_credentials: dict[str, None], emulator: Emulator, run_module: Any
) -> None:
    options = {**no_credentials, half: "given", **NEEDED["guardduty_member"]}

    assert_refused(run_module("guardduty_member", **options), emulator, "guardduty_member", "access_key and secret_key")


def test_module_with_an_unknown_profile_names_it(
    no_credentials: dict[str, None], emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", profile="nobody", **no_credentials, **NEEDED["guardduty_member"])

    assert_refused(result, emulator, "guardduty_member", "nobody", "could not be found")


@pytest.mark.parametrize("module_name", ROWS)
@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"])
def test_module_with_credentials_that_aws_refuses_says_so(
    module_name: str, code: str, emulator: Emulator, run_module: Any
) -> None:
    text = "The security token included in the request is expired"
    emulator.add_fault("error", service="sts", code=code, status=403, message=text, times=None)

    result = run_module(module_name, **NEEDED.get(module_name, {}))

    assert emulator.operations() == ["GetCallerIdentity"]
    assert_failed_in_one_sentence(result, module_name, "did not accept the credentials", code, text, "Renew them")


@pytest.mark.parametrize("code", ["ServiceUnavailable", "Throttling"])
def test_module_that_sts_cannot_answer_now_blames_no_credentials(
    code: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.add_fault("error", service="sts", code=code, status=503, message="Come back later", times=None)

    result = run_module("guardduty_member", **NEEDED["guardduty_member"])

    assert_failed_in_one_sentence(result, "guardduty_member", code, "Come back later", "Try again in a while")
    assert "Renew" not in result["msg"]


@pytest.mark.parametrize("module_name", ROWS)
def test_module_with_nothing_listening_at_the_endpoint_names_it(module_name: str, run_module: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        result = run_module(module_name, endpoint_url=url, **NEEDED.get(module_name, {}))

    assert_failed_in_one_sentence(result, module_name, url, "endpoint_url")
    assert [row["reason_code"] for row in result["unprocessed_accounts"]] == ["region_unavailable"]


@pytest.mark.parametrize("module_name", ROWS)
def test_module_with_nothing_listening_for_sts_names_it(module_name: str, clock: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        result = ModuleRunner(SimpleNamespace(url=url))(module_name, **NEEDED.get(module_name, {}))

    assert_failed_in_one_sentence(result, module_name, url, "did not say whose", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("aws_config", [{"nonsense": 1}, {"retries": {"mode": "nonsense"}}], ids=repr)
def test_module_with_an_unknown_aws_config_names_it(
    aws_config: dict[str, Any], emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", aws_config=aws_config, **NEEDED["guardduty_member"])

    assert_refused(result, emulator, "guardduty_member", "nonsense")


def test_module_with_aws_config_lets_the_sdk_obey(emulator: Emulator, run_module: Any) -> None:
    emulator.add_fault("http_500", operation="GetMembers", times=None)

    result = run_module(
        "guardduty_member", aws_config={"retries": {"total_max_attempts": 2}}, **NEEDED["guardduty_member"]
    )

    assert emulator.operations(GUARDDUTY) == ["ListDetectors", "GetMembers", "GetMembers"]
    assert_failed_in_one_sentence(result, "guardduty_member", "internal_error")


def test_module_with_profile_and_access_key_says_that_they_exclude_each_other(
    emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", profile="somebody", **NEEDED["guardduty_member"])

    assert result["failed"] is True and "profile" in result["msg"]
    assert emulator.calls == []


_WITHOUT_BOTO3 = """
import runpy, sys
sys.modules["boto3"] = sys.modules["botocore"] = None
runpy.run_module("ansible_collections.muster.aws.plugins.modules.{}", run_name="__main__")
"""


@pytest.mark.parametrize("module_name", ROWS)
def test_module_without_boto3_says_what_to_install(module_name: str) -> None:
    options = {"region": REGION, "_ansible_remote_tmp": "/tmp", **NEEDED.get(module_name, {})}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})

    # Not in this process, in which boto3 has been imported. Without a file name, a module reads its arguments here.
    command = [sys.executable, "-c", _WITHOUT_BOTO3.format(module_name)]
    run = subprocess.run(command, input=arguments, capture_output=True, text=True, check=False)

    assert run.stderr == ""
    assert_failed_in_one_sentence(json.loads(run.stdout), module_name, "botocore and boto3")


# A Region or a service that is off: a failure of its rows, in one sentence as well


@pytest.mark.parametrize("module_name", ROWS)
def test_module_in_a_region_that_is_off_says_so(module_name: str, emulator: Emulator, run_module: Any) -> None:
    emulator.seed({"accounts": {ADMINISTRATOR: {"disabled_regions": [REGION]}}})

    result = run_module(module_name, **NEEDED.get(module_name, {}))

    assert_failed_in_one_sentence(result, module_name, "region_unavailable", "has opted in", REGION)
    assert [row["outcome"] for row in result[ROWS[module_name]]] == ["failed"]
    assert [row["reason_code"] for row in result["unprocessed_accounts"]] == ["region_unavailable"]
    assert writes(emulator) == []


@pytest.mark.parametrize("module_name", ROWS)
def test_module_with_a_first_region_that_is_off_works_in_the_others(
    module_name: str, emulator: Emulator, run_module: Any
) -> None:
    """STS refuses good credentials there, too."""
    for service in BOTH:
        switch_on(emulator, service, ADMINISTRATOR, regions=["us-west-2"])
    emulator.seed({"accounts": {ADMINISTRATOR: {"disabled_regions": ["af-south-1"]}}})

    result = run_module(module_name, regions=["us-west-2", "af-south-1"], **NEEDED.get(module_name, {}))

    reasons = {row["region"]: row["reason_code"] for row in result["unprocessed_accounts"]}
    assert result["failed"] and reasons.pop("af-south-1") == "region_unavailable"
    assert set(reasons.values()) <= {"no_invitation"}  # which is of the administrator's making, not of the Region's
    identified = [call.region for call in emulator.calls if call.operation == "GetCallerIdentity"]
    assert identified == ["af-south-1", "us-east-1"]


@pytest.mark.parametrize("module_name", [name for name in ROWS if name in NEEDED or name.endswith("member_info")])
def test_module_with_the_service_off_says_so(module_name: str, emulator: Emulator, run_module: Any) -> None:
    emulator.reset()

    result = run_module(module_name, **NEEDED.get(module_name, {}))

    assert_failed_in_one_sentence(result, module_name, "service_not_enabled", "switch it on first")
    assert [row["outcome"] for row in result[ROWS[module_name]]] == ["failed"]
    assert writes(emulator) == []
