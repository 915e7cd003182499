# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Account, MessageRules, Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import (
    Fault,
    InvalidInput,
    as_list,
    check_account_ids,
    check_members,
    explain_account_id,
    explain_email,
    explain_external_id,
    explain_message,
    explain_region,
    explain_role_name,
    explain_service_principal,
    explain_tags,
)
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import A, B, C

RULES, TITLE = GUARDDUTY.email, GUARDDUTY.title

DOMAIN = "must have a domain of letters, digits, hyphens and at least one dot"
ODD_SIGNS = "\"'()<>[]:,\\|%&"
ODD_IDS = [
    None,
    True,
    123456789012,
    # YAML's reading of an unquoted 012345670123: an octal number.
    1402433619,
    1.0,
    [],
    ["222222222222"],
    "",
    "12345678901",
    "1234567890123",
    " 123456789012",
    "123456789012 ",
    "123456789012\n",
    "1234 5678 9012",
    "1234-5678-9012",
    "12345678901a",
    "+12345678901",
    "0x1234567890",
    "\u0661" * 12,
    "\uff11" * 12,
]


@pytest.mark.parametrize("value", ["000000000000", A, "999999999999"])
def test_explain_account_id_twelve_digits_are_fine(value) -> None:
    assert explain_account_id(value) is None


@pytest.mark.parametrize("value", ODD_IDS)
def test_explain_account_id_anything_else_is_named_and_told_to_be_quoted(value) -> None:
    text = explain_account_id(value)
    assert text and (value is None or repr(value) in text) and "quote" in text and '"012345678901"' in text


def test_explain_account_id_number_is_called_by_its_type() -> None:
    assert explain_account_id(1402433619) == (
        "account id 1402433619 is of type int, not a string of 12 digits; "
        'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"'
    )


def test_explain_account_id_none_is_said_to_be_missing() -> None:
    assert explain_account_id(None) == ('the account id is missing; write all 12 digits, quoted, as in "012345678901"')


@pytest.mark.parametrize(
    "value",
    [
        "a@b.co",
        "a" * 52 + "@example.com",
        "first.last+aws!#$*/=?^_`{}~@sub-domain.example.com",
        "a.@example.com",
        "a..b@example.com",
        "1@2.3x",
        "a@xn--bcher-kva.example",
    ],
)
def test_explain_email_address_within_the_rules_is_fine(value) -> None:
    assert explain_email(value, RULES) is None


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("a@b.c", "must have 6 to 64 characters"),
        ("a" * 53 + "@example.com", "must have 6 to 64 characters"),
        ("", "must have 6 to 64 characters"),
        ("b\xfccher@example.com", "must be 7-bit ASCII without control characters"),
        ("name@ex\xe4mple.com", "must be 7-bit ASCII without control characters"),
        ("name@example.com\n", "must be 7-bit ASCII without control characters"),
        ("na\tme@example.com", "must be 7-bit ASCII without control characters"),
        ("name@example.com\x00", "must be 7-bit ASCII without control characters"),
        ("name\x7f@example.com", "must be 7-bit ASCII without control characters"),
        ("name.example.com", "must have exactly one @"),
        ("na@me@example.com", "must have exactly one @"),
        ("name@example@com", "must have exactly one @"),
        ("@example.com", "must have something before the @"),
        ("na me@example.com", "must not have whitespace before the @"),
        (" name@example.com", "must not have whitespace before the @"),
        *(
            (f"na{character}me@example.com", f"must not have any of {' '.join(ODD_SIGNS)} before the @")
            for character in ODD_SIGNS
        ),
        (".name@example.com", "must not start with a dot"),
        ("name@example", DOMAIN),
        ("name@.example.com", DOMAIN),
        ("name@example.com.", DOMAIN),
        ("name@exam_ple.com", DOMAIN),
        ("name@exam ple.com", DOMAIN),
        ("name@example..com", DOMAIN),
        ("nameless@", DOMAIN),
        ("name@-example.com", "must have a domain without a hyphen at its ends"),
        ("name@example.com-", "must have a domain without a hyphen at its ends"),
    ],
)
def test_explain_email_broken_rule_is_named_with_the_value(value, rule) -> None:
    assert explain_email(value, RULES) == f"e-mail {value!r} {rule}"


@pytest.mark.parametrize("value", [None, 1, ["a@example.com"]])
def test_explain_email_other_type_is_named(value) -> None:
    assert explain_email(value, RULES) == f"e-mail {value!r} is of type {type(value).__name__}, not a string"


@pytest.mark.parametrize(
    "value",
    [
        "us-east-1",
        "ap-southeast-4",
        "us-gov-west-1",
        "cn-northwest-1",
        "us-isob-east-1",
        "eusc-de-east-1",
        "me-central-12",
    ],
)
def test_explain_region_names_of_all_partitions_are_fine(value) -> None:
    assert explain_region(value) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "",
        "all",
        "us-east",
        "us-east-1a",
        "us-east-123",
        "US-EAST-1",
        "us east 1",
        "us-east-1\n",
        " us-east-1",
        "us_east_1",
        "us-east-\u0661",
        "-east-1",
        "us--1",
        "us-east-1.evil.example",
        "us-east-1/",
    ],
)
def test_explain_region_anything_else_is_named(value) -> None:
    text = explain_region(value)
    assert text and repr(value) in text and "us-east-1" in text


@pytest.mark.parametrize(
    "value",
    [
        "OrganizationAccountAccessRole",
        "r",
        "a" * 64,
        "path/role",
        "service-role/team+x/role_name=1,2.3@4-5",
        "\x21path/role",
    ],
)
def test_explain_role_name_names_with_or_without_a_path_are_fine(value) -> None:
    assert explain_role_name(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a" * 65,
        "/role",
        "/path/role",
        "path/",
        "role name",
        "role\n",
        "r\xf4le",
        "*",
        "role*",
        "path/*/role",
        "role?",
        "path?/role",
        "../role",
        "path/../role",
        "arn:aws:iam::111111111111:role/role",
        "role:role",
        "path:x/role",
        "role/",
        "ro/le name",
        "\u0661role",
    ],
)
def test_explain_role_name_that_would_leave_the_arn_is_refused(value) -> None:
    assert explain_role_name(value) == (
        f"role name {value!r} is not an IAM role name; "
        "write the name, with its path if it has one but without a leading slash, not an ARN"
    )


# Rows of `members`


def row(account_id: object, email: object = "a@example.com") -> dict[str, object]:
    return {"account_id": account_id, "email": email}


@pytest.mark.parametrize("email_required", [True, False])
def test_check_members_good_rows_are_sorted_and_keep_leading_zeros(email_required) -> None:
    rows = [row(C, "c@example.com"), row(A), row(B, "b@example.com")]
    accounts = [Account(A, "a@example.com"), Account(B, "b@example.com"), Account(C, "c@example.com")]
    assert check_members(rows, RULES if email_required else None, TITLE) == (accounts, [])


def test_check_members_same_row_twice_counts_once() -> None:
    assert check_members([row(A), row(A), row(A)], RULES, TITLE) == ([Account(A, "a@example.com")], [])


def test_check_members_same_account_with_the_email_in_another_case_counts_once() -> None:
    assert check_members([row(A), row(A, "A@Example.com")], RULES, TITLE) == ([Account(A, "a@example.com")], [])


def test_check_members_same_account_with_other_email_is_a_fault_naming_both() -> None:
    _accounts, faults = check_members([row(A), row(A, "b@example.com")], RULES, TITLE)
    assert [(fault.account_id, fault.reason) for fault in faults] == [(A, Reason.INVALID_INPUT)]
    assert all(text in faults[0].text for text in (A, "a@example.com", "b@example.com"))


def test_check_members_same_account_with_and_without_email_is_a_fault() -> None:
    _accounts, faults = check_members([row(A), {"account_id": A}], None, TITLE)
    assert len(faults) == 1 and "different e-mails, a@example.com and none; keep one" in faults[0].text


@pytest.mark.parametrize("value", ODD_IDS)
def test_check_members_odd_id_is_a_fault_and_the_others_are_kept(value) -> None:
    accounts, faults = check_members([row(value), row(B)], RULES, TITLE)
    assert accounts == [Account(B, "a@example.com")]
    assert faults == [Fault(str(value), Reason.INVALID_INPUT, str(explain_account_id(value)))]


@pytest.mark.parametrize("email", [None, ""])
def test_check_members_missing_email_matters_only_where_it_is_required(email) -> None:
    accounts, faults = check_members([row(A, email)], RULES, TITLE)
    text = f"account {A} has no email; {TITLE} needs the address of the account's root user"
    assert (accounts, faults) == ([], [Fault(A, Reason.EMAIL_MISSING, text)])
    assert check_members([{"account_id": A}], RULES, TITLE)[1] == faults
    assert check_members([row(A, email)], None, TITLE) == ([Account(A)], [])


def test_check_members_email_against_guarddutys_rules_matters_only_where_they_hold() -> None:
    _accounts, faults = check_members([row(A, "not an address")], RULES, TITLE)
    assert faults == [
        Fault(A, Reason.INVALID_INPUT, f"account {A}: {explain_email('not an address', RULES)}"),
    ]
    assert check_members([row(A, "not an address")], None, TITLE) == ([Account(A, "not an address")], [])


@pytest.mark.parametrize("email", [" ", "a\n@example.com", 7, ["a@example.com"], "\x00"])
def test_check_members_contact_that_is_blank_or_odd_is_a_fault_everywhere(email) -> None:
    for email_required in (True, False):
        accounts, faults = check_members([row(A, email)], RULES if email_required else None, TITLE)
        assert accounts == [] and [fault.reason for fault in faults] == [Reason.INVALID_INPUT]


def test_check_members_no_rows_are_no_fault_here() -> None:
    assert check_members([], RULES, TITLE) == ([], [])


def test_check_members_faults_are_in_the_order_of_the_rows() -> None:
    _accounts, faults = check_members([row("x"), row(B), row("a")], RULES, TITLE)
    assert [fault.account_id for fault in faults] == ["x", "a"]


def test_check_account_ids_good_ones_are_sorted_and_unique() -> None:
    assert check_account_ids([B, A, B]) == ([A, B], [])


def test_check_account_ids_each_odd_value_is_a_fault() -> None:
    ids, faults = check_account_ids([B, *ODD_IDS])
    assert ids == [B]
    assert faults == [Fault(str(value), Reason.INVALID_INPUT, str(explain_account_id(value))) for value in ODD_IDS]


def test_invalid_input_says_each_thing_once_and_that_nothing_was_sent() -> None:
    faults = [Fault(A, Reason.INVALID_INPUT, text) for text in ("one", "two", "one")]
    error = InvalidInput(faults)
    assert str(error) == "nothing was sent: one; two"
    assert error.faults == tuple(faults)


MESSAGE = MessageRules("[A-Za-z0-9]{0,80}", "letters and digits, 80 at most")


@pytest.mark.parametrize("value", [None, "", "Welcome2026", "x" * 80])
def test_explain_message_within_the_rules_is_fine(value) -> None:
    assert explain_message(value, MESSAGE) is None
    assert explain_message("Any text, then!", None) is None


@pytest.mark.parametrize("value", ["x" * 81, "two words", "all!", "new\nline", "line\n", "\u0661"])
def test_explain_message_against_the_rules_is_named(value) -> None:
    assert explain_message(value, MESSAGE) == f"invitation_message {value!r} must be letters and digits, 80 at most"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("us-east-1", ["us-east-1"]),
        ("us-east-1, eu-west-1", ["us-east-1", "eu-west-1"]),
        ("a,b,", ["a", "b"]),
        (" ,a,, b ,", ["a", "b"]),
        ("a\nb\n", ["a", "b"]),
        ("a\r\nb\r\n\r\nc", ["a", "b", "c"]),
        ("a,\n  b,\n", ["a", "b"]),
        ("a b", ["a b"]),  # one item, which its own check refuses: no name has a blank
        ("", []),
        (" \n,", []),
    ],
)
def test_as_list_text_is_taken_apart_at_commas_and_line_ends(text, items) -> None:
    assert as_list(text) == items


@pytest.mark.parametrize("items", [[], ["a"], ["a ", "", "b,c", None, 5]])
def test_as_list_items_of_a_list_are_left_to_their_own_check(items) -> None:
    assert as_list(items) == as_list(tuple(items)) == as_list(iter(items)) == items


@pytest.mark.parametrize(("value", "items"), [(None, []), (5, [5]), ({"a": 1}, [{"a": 1}]), (b"ab", [b"ab"])])
def test_as_list_of_something_else_is_one_item(value, items) -> None:
    assert as_list(value) == items


@pytest.mark.parametrize("value", ["q", "two words", "x" * 1225, "\u00e4\u00e4", "a\n", "a*"])
def test_explain_external_id_of_another_form_than_sts_takes(value: str) -> None:
    assert explain_external_id(value, ()) == "must have 2 to 1224 letters, digits or characters of _+=,.@:/-"


@pytest.mark.parametrize("value", [None, "", "ab", "x" * 1224, "aZ09_+=,.@:/-"])
def test_explain_external_id_that_can_be_one(value: str | None) -> None:
    assert explain_external_id(value, [A, "us-east-1"]) is None


@pytest.mark.parametrize("value", [A, A[2:5], "us-east-1", "east"])
def test_explain_external_id_that_the_results_would_lose(value: str) -> None:
    assert explain_external_id(value, [B, A, "us-east-1"]) == (
        "is an account id or a Region that this is about, or a part of one, and would be masked in the results; "
        "let the role's trust policy ask for another"
    )
    assert explain_external_id(value, [], [B, A, "us-east-1"]) == (
        "is a word of the results, or a part of one, and would be masked in the results; "
        "let the role's trust policy ask for another"
    )
    assert explain_external_id(value, [B], ["changed"]) is None


@pytest.mark.parametrize(
    "value", ["guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com", "a.b", "a_=@,+." + "x" * 121]
)
def test_explain_service_principal_names_of_services_are_fine(value) -> None:
    assert explain_service_principal(value) is None


@pytest.mark.parametrize(
    "value",
    ["", " ", "guardduty", "guardduty.", ".amazonaws.com", "a..b", "a.b ", "a/b.c", "j\u00f6.com", "a." + "x" * 127],
)
def test_explain_service_principal_anything_else_is_refused(value) -> None:
    assert explain_service_principal(value) == (
        f"{value!r} is not the name of a service principal such as SERVICE.amazonaws.com"
    )


def test_explain_tags_that_aws_takes_are_fine() -> None:
    assert explain_tags({}) == []
    assert explain_tags({"k" * 128: "v" * 256, "a": "", 1: 2, "is_on": True, "paws:x": "y"}) == []
    assert explain_tags({f"k{number}": "x" for number in range(50)}) == []


def test_explain_tags_that_aws_does_not_take() -> None:
    assert explain_tags({f"k{number}": "x" for number in range(51)}) == ["tags: 51 are more than the 50 that AWS takes"]
    assert explain_tags({"": "x", "k" * 129: "x"}) == [
        "tags: the key '' must have 1 to 128 characters, and has 0",
        f"tags: the key '{'k' * 129}' must have 1 to 128 characters, and has 129",
    ]
    assert explain_tags({"AWS:x": "y"}) == ["tags: the key 'AWS:x' begins with aws:, which is for AWS itself"]
    no_text = 'tags: the value of {!r} is no text: write one, "" if there is nothing to say'.format
    assert explain_tags({"a": None, 1: [], "c": {}}) == [no_text("a"), no_text("1"), no_text("c")]
    assert explain_tags({"a": "v" * 257}) == ["tags: the value of 'a' has more than 256 characters"]
