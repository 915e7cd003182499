# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._account_list import (
    Entry,
    ListFaults,
    entries_of_members,
    make_inventory,
    read_account_list,
)
from hypothesis import given, settings
from hypothesis import strategies as st

A, B, C = "012345678901", "222222222222", "333333333333"
PAGE = {
    "Accounts": [
        {"Id": A, "Arn": "arn:x", "Email": "a@example.com", "Name": "alpha", "State": "ACTIVE", "Status": "ACTIVE"},
        {"Id": B, "Arn": "arn:y", "Email": "b@example.com", "Name": "beta", "State": "ACTIVE"},
    ]
}
MORE = {"Accounts": [{"Id": C, "Email": "c@example.com", "Name": "gamma", "Status": "SUSPENDED"}]}


class Unsafe(yaml.SafeLoader):
    """YAML as Ansible reads it: with !unsafe."""


Unsafe.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def inventory(text: str | bytes, **options: Any) -> dict[str, Any]:
    content = text.encode() if isinstance(text, str) else text
    return make_inventory(read_account_list(content), "aws_accounts", **options)


def hosts(text: str | bytes, **options: Any) -> dict[str, tuple[str, str | None]]:
    written = yaml.load(inventory(text, **options)["text"], Unsafe)
    rows = written["all"]["children"]["aws_accounts"]["hosts"]
    return {host: (row["onboard_account_id"], row.get("onboard_account_email")) for host, row in rows.items()}


def faults(text: str | bytes, **options: Any) -> list[str]:
    with pytest.raises(ListFaults) as failure:
        inventory(text, **options)
    return list(failure.value.faults)


ALPHA, BETA = (A, "a@example.com"), (B, "b@example.com")
BOTH = {"alpha": ALPHA, "beta": BETA}

FORMS = {
    "one page": json.dumps(PAGE, indent=4),
    "pages": json.dumps({"Accounts": PAGE["Accounts"][:1], "NextToken": "t"}) + json.dumps({**PAGE, "NextToken": None}),
    "pages in lines": json.dumps({"Accounts": []}) + "\n\n" + json.dumps(PAGE) + "\n" + json.dumps(MORE),
    "list of pages": json.dumps([PAGE, MORE]),
    "accounts alone": json.dumps(PAGE["Accounts"]),
    "JSON below nothing": "\n " + json.dumps(PAGE),
    "accounts in lines": "\n".join(map(json.dumps, PAGE["Accounts"])),
    "UTF-16": json.dumps(PAGE).encode("utf-16"),
    "JSON with a mark": b"\xef\xbb\xbf" + json.dumps(PAGE).encode(),
    "mapping": json.dumps({"alpha": {"id": A, "email": "a@example.com"}, "beta": {"account_id": B, "email": BETA[1]}}),
    "terraform": json.dumps({"accounts": {"sensitive": False, "type": ["map"], "value": {
        "alpha": {"id": A, "email": "a@example.com"}, "beta": {"id": B, "email": "b@example.com"}}}}),
    "terraform list": json.dumps({"accounts": {"type": ["list"], "value": [
        {"name": "alpha", "id": A, "email": "a@example.com", "state": "ACTIVE"},
        {"name": "beta", "id": B, "email": "b@example.com", "state": "ACTIVE"}]}}),
    "CSV": f"account_id,email,name\n{A},a@example.com,alpha\n{B},b@example.com,beta\n",
    "CSV in another order": f"Name;owner;E-Mail;Account ID\nalpha;x;a@example.com;{A}\nbeta;;b@example.com;{B}",
    "CSV of Excel": f"\ufeffid;email;name\r\n{A};a@example.com;alpha\r\n;;\r\n\r\n{B}; b@example.com ;beta\r\n",
    "tabs": f"\nid\tname\temail\n{A}\talpha\ta@example.com\n{B}\tbeta\tb@example.com\n",
    "quotes": f'"id","name","email"\n"{A}","alpha","a@example.com"\n"{B}","beta","b@example.com"\n',
    "states": f"id,name,email,state\n{A},alpha,a@example.com,active\n{B},beta,b@example.com,\n{C},c,,PENDING_CLOSURE\n",
    "twice the same": f"id,name,email\n{A},alpha,a@example.com\n{B},beta,b@example.com\n{A},alpha,a@example.com\n",
}  # fmt: skip


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_list_in_any_of_its_forms_is_the_same_inventory(text) -> None:
    assert hosts(text) == BOTH


FAULTY = {
    "nothing": ("", "the list is empty"),
    "white space": ("\ufeff \n\n", "the list is empty"),
    "no account": ('{"Accounts": []}', "the list has no account"),
    "empty list": ("[]", "the list has no account"),
    "header alone": ("id,email\n", "the list has no account"),
    "no columns": (
        f"{A},a@example.com\n",
        f"line 1: there is no column account_id (or id) among '{A}', 'a@example.com'; name the columns",
    ),
    "delimiters": (";;;\n;;", "line 1: there is no column account_id"),
    "commas": (",,\n,", "line 1: there is no column account_id (or id) among nothing; name the columns"),
    "no cells above": (";;\n;\nid;email;email", "line 3: there are several columns 'email'"),
    "column twice": ("id,email,email\n", "line 1: there are several columns 'email'"),
    "short row": (f"id,email\n\n{A}\n", "line 3: there are 1 values for 2 columns"),
    "long row": (f"id,email\n{A},a@example.com,\n", "line 2: there are 3 values for 2 columns"),
    "open quote": (f'id,email\n{A},"a@example.com\n', "line 2: this is not CSV"),
    "lost zero": (f"id,email\r\n\r\n{B},b@e.example\r\n12345678901,a@e.example", "line 4: account id '12345678901'"),
    "spreadsheet": ("id;email\n2,22222E+11;b@example.com\n", "line 2: account id '2,22222E+11' is not 12 digits"),
    "after a cell of two lines": (f'id,email,x\n{A},a@example.com,"1\n2"\n5,a@b.example,z', "line 4: account id '5'"),
    "no id": ("id,email\n,a@example.com\n", "line 2: the account id is missing"),
    "bad e-mail": (f"id,email\n{A},nobody\n", f"line 2: account {A}: e-mail 'nobody'"),
    "no e-mail": (f"id,email\n{A},\n", "line 2: the account has no e-mail address"),
    "two e-mails": (
        f"id,email\n{A},a@example.com\n{A},b@example.com\n",
        f"line 3: account {A} has the email 'b@example.com', and 'a@example.com' before",
    ),
    "latin": (b"id,email,name\n012345678901,a@example.com,J\xf6rg\n", "line 2: this is not utf-8; save the list as"),
    "latin below nothing": (b"\n\xf6", "line 2: this is not utf-8"),
    "latin further up": (b"\xf6\nid,email\n\n\n", "line 1: this is not utf-8; save the list as UTF-8"),
    "no JSON": ('{"Accounts": [\n{"Id": 012345678901}]}', "line 2: this is not JSON"),
    "half a file": ('{"Accounts": [', "line 1: this is not JSON"),
    "number": ('{"Accounts": [\n\n{"Id": 222222222222, "Email": "b@example.com"}]}', "line 3: account id 222222222222"),
    "one of a page": ('{"Accounts": [\n{"Id": "222222222222"}]}', "line 2: the account has no e-mail address"),
    "unfinished": (
        '{"Accounts": [{"Id": "222222222222"}], "NextToken": "t"}',
        "the list is not complete: its last page has a NextToken; list it without --max-items",
    ),
    "no list": ('{"Accounts": {}}', "line 1: Accounts is not a list"),
    "text in a list": ('["222222222222"]', "'222222222222' is no account"),
    "mapping to texts": (f'{{\n"alpha": "{A}"}}', "line 1: 'alpha' is no account"),
    "mapping to nothing": ('{\n"alpha":\n {"email": "a@example.com"}}', "line 3: 'alpha' is no account"),
    "name twice": (
        f'{{"a": {{"id": "{A}", "email": "a@example.com"}}, "a": {{"id": "{B}", "email": "b@example.com"}}}}',
        "the object of line 1 has 'a' twice",
    ),
    "name twice beside others": ('{"a": 1, "b": 2, "b": 3, "c": 4}', "the object of line 1 has 'b' twice"),
    "mapping to a number": ('{"alpha": 5}', "line 1: 'alpha' is no account"),
    "outputs": ('{"a": {"value": {}, "type": "x"}, "b": {"value": {}, "type": "x"}}', "these are 2 outputs"),
    "output beside another thing": (
        f'{{"a": {{"value": [{{"id": "{A}"}}], "type": "x"}}, "b": {{"id": "{B}", "email": "b@example.com"}}}}',
        "line 1: 'a' is no account",
    ),
    "odd name": (f'[{{"id": "{A}", "email": "a@example.com", "name": []}}]', f"line 1: account {A}: the name [] is"),
    "odd state": (f'[{{"id": "{A}", "email": "a@example.com", "state": 1}}]', f"line 1: account {A}: the state 1 is"),
    "deep": ("[" * 100_000, "this JSON is nested too deeply to be a list of accounts"),
    "nobody active": (f"id,email,state\n{A},a@example.com,CLOSED\n", "no account of the list is ACTIVE"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), FAULTY.values(), ids=FAULTY)
def test_list_with_a_fault_is_refused_with_its_line(text, fault) -> None:
    found = faults(text)
    assert len(found) == 1 and found[0].startswith(fault)


def test_all_that_is_wrong_with_a_list_is_told_at_once() -> None:
    found = faults(f"id,email\n{A},a@example.com,more\n1,b@example.com\n{B}\n{C},nonsense\n")
    assert [text.partition(":")[0] for text in found[:3]] == ["line 2", "line 4", "line 3"]
    assert {text.partition(":")[0] for text in found} == {"line 2", "line 3", "line 4", "line 5"}
    found = faults(f'{{"a": null, "b": {{"id": 5}}, "c": {{"id": "{A}", "email": "a@example.com"}}, "d": "{B}"}}')
    assert [text.split(" ")[2] for text in found] == ["'a'", "'d'", "account"]


@pytest.mark.parametrize("group", ["all", "ungrouped", "localhost", "my group", ""])
def test_name_that_cannot_be_that_of_a_group_is_refused(group: str) -> None:
    with pytest.raises(ListFaults) as refused:
        make_inventory(read_account_list(f"id,email\n{A},a@example.com\n".encode()), group)
    assert refused.value.faults == (f"{group!r} cannot be the name of a group",)


def test_all_faults_of_a_list_are_one_text_where_one_is_needed() -> None:
    assert str(ListFaults(["one", "two"])) == "one; two"


def test_line_of_an_account_in_a_mapping_is_told() -> None:
    assert faults(f'{{\n"alpha":\n{{"id": "{A}"}}}}')[0].startswith("line 3: the account has no e-mail address")


def test_account_whose_state_is_told_needs_an_address_only_where_it_is_active() -> None:
    assert faults(f"id,email,state\n{A},,Active\n")[0].startswith("line 2: the account has no e-mail address")


def test_accounts_told_twice_have_what_either_tells() -> None:
    content = f"id,name,email,state\n{A},alpha,,\n{A},,a@example.com,\n{A},,,CLOSED\n{B},beta,b@example.com,\n"
    assert hosts(content) == {"beta": BETA} and inventory(content)["left_out"] == {"CLOSED": [A]}


def test_inventory_is_yaml_in_which_nothing_is_a_number_or_a_template() -> None:
    rows = [{"id": A, "name": "010", "email": "{{x}}@example.com"}, {"id": B, "name": "xX-x"}]
    assert inventory(json.dumps(rows), needs_email=False)["text"] == (
        "---\n"
        "all:\n"
        "  children:\n"
        "    aws_accounts:\n"
        "      hosts:\n"
        '        "010":\n'
        f'          onboard_account_id: "{A}"\n'
        '          onboard_account_email: !unsafe "{{x}}@example.com"\n'
        '        "xX-x":\n'
        f'          onboard_account_id: "{B}"\n'
    )


def test_name_that_ends_in_an_x_keeps_it() -> None:
    content = f"id,email,name\n{A},a@example.com,X-fleet\n{B},b@example.com,.linux-\n"
    assert hosts(content) == {"X-fleet": ALPHA, "linux": BETA}


def test_column_named_x_begins_a_csv_and_no_json() -> None:
    assert hosts(f"X,id,email\n1,{A},a@example.com\n") == {A: ALPHA}


def test_member_without_an_address_is_named_by_its_account() -> None:
    entries = entries_of_members([{"account_id": A, "email": None, "status": "Enabled"}], SERVICES["securityhub"])
    with pytest.raises(ListFaults, match=f"^account {A}: the account has no e-mail address; GuardDuty needs"):
        make_inventory(entries, "aws_accounts")


def test_list_with_several_bad_rows_names_them_all() -> None:
    found = faults(f"id,email\n1,a@example.com\n{A},a@example.com\n{B},nobody\n{C},\n")
    assert [fault.split(":")[0] for fault in found] == ["line 2", "line 4", "line 5"]


def test_list_without_email_column_is_enough_where_no_service_needs_it() -> None:
    assert hosts(f"id\n{A}\n", needs_email=False) == {A: (A, None)}


def test_accounts_that_are_not_active_are_left_out_and_told() -> None:
    made = inventory(json.dumps([PAGE, MORE]))
    assert (made["hosts"], made["left_out"], made["stateless"]) == (2, {"SUSPENDED": [C]}, 0)


def test_accounts_without_a_state_are_taken_and_counted() -> None:
    assert inventory(FORMS["CSV"])["stateless"] == 2


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("Payments team", "Payments-team"),
        ("web[01:50]", "web-01-50"),
        ("{{ x }}", "x"),
        ("a.b_c", "a.b_c"),
        ("010", "010"),
        ("", A),
        ("\u6771\u4eac", A),
        ("all", A),
        ("localhost", A),
        ("aws_accounts", A),
        (B, A),  # another account's id
    ],
)
def test_name_becomes_a_host_name_that_ansible_takes_as_it_is(name, host) -> None:
    content = json.dumps([{"id": A, "email": "a@example.com", "name": name}, {"id": B, "email": "b@example.com"}])
    assert hosts(content) == {host: ALPHA, B: BETA}


def test_names_that_are_not_unique_give_way_to_the_ids() -> None:
    content = f"id,email,name\n{A},a@example.com,Dev\n{B},b@example.com,dev\n{C},c@example.com,prod\n"
    assert hosts(content) == {A: ALPHA, B: BETA, "prod": (C, "c@example.com")}
    assert inventory(content)["renamed"] == {"Dev": A, "dev": B}


def test_group_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ListFaults, match="'my-group' cannot be the name of a group"):
        make_inventory([Entry(0, A, "a@example.com")], "my-group")


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda facts: facts.name)
def test_members_that_left_everywhere_are_left_out(service) -> None:
    rows = [
        {"account_id": A, "email": "a@example.com", "status": "Enabled", "region": "eu-west-1"},
        {"account_id": A, "email": None, "status": "Removed", "region": "us-east-1"},
        {"account_id": B, "email": "b@example.com", "status": "Resigned", "region": "eu-west-1"},
        {"account_id": B, "email": "b@example.com", "status": "Removed", "region": "us-east-1"},
        {"account_id": C, "email": None, "status": "Invited", "region": "us-east-1"},
        {"account_id": C, "email": "c@example.com", "status": "Created", "region": "us-east-2"},
    ]
    made = make_inventory(entries_of_members(rows, service), "aws_accounts")
    written = yaml.load(made["text"], Unsafe)["all"]["children"]["aws_accounts"]["hosts"]
    assert {host: row["onboard_account_email"] for host, row in written.items()} == {A: ALPHA[1], C: "c@example.com"}
    assert made["left_out"] == {"Removed": [B]}


ACCOUNTS = st.dictionaries(
    st.from_regex(r"[0-9]{12}", fullmatch=True), st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))
)


@settings(deadline=None)  # on a busy machine, an example may take any time
@given(ACCOUNTS.filter(bool), st.sampled_from(",;\t"))
def test_list_of_any_names_comes_back_with_every_id(accounts, delimiter) -> None:
    rows = [{"id": account_id, "email": "{a}@example.com", "name": name} for account_id, name in accounts.items()]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, ["id", "email", "name"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)

    for content in (file.getvalue(), json.dumps(rows)):
        assert set(hosts(content).values()) == {(row["id"], row["email"]) for row in rows}


@settings(deadline=None)
@given(st.binary())
def test_bytes_of_any_kind_are_an_inventory_or_faults(content) -> None:
    try:
        inventory(content)
    except ListFaults as failure:
        assert failure.faults
