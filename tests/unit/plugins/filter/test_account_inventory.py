# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter takes both kinds of lists, and tells faults instead of failing."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from ansible_collections.muster.aws.plugins.filter.account_list import FilterModule, account_inventory
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._account_list import (
    Entry,
    entries_of_members,
    make_inventory,
    read_account_list,
)

LIST = b"account_id,email,name\n012345678901,search@example.com,search\n222222222222,payments@example.com,payments\n"


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def members(**given: Any) -> list[dict[str, Any]]:
    return [{"account_id": "012345678901", "region": "us-east-1", "status": "Enabled", "email": None, **given}]


def test_file_becomes_an_inventory_of_its_accounts() -> None:
    made = account_inventory(in_base64(LIST))
    assert made == {"faults": [], **make_inventory(read_account_list(LIST), "aws_accounts")}
    assert (made["hosts"], made["left_out"]) == (2, {})
    assert [*yaml.safe_load(made["text"].replace("!unsafe", ""))["all"]["children"]] == ["aws_accounts"]


def test_hosts_are_put_into_the_group_that_is_named() -> None:
    entries = read_account_list(LIST)
    assert account_inventory(in_base64(LIST), "banks") == {"faults": [], **make_inventory(entries, "banks")}


def test_address_is_needed_unless_it_is_said_otherwise() -> None:
    content = in_base64(b"account_id,name\n012345678901,search\n")
    [fault] = account_inventory(content)["faults"]
    assert fault.startswith("line 2: ") and "e-mail" in fault
    entries = [Entry(2, "012345678901", name="search")]
    assert account_inventory(content, needs_email=False) == {
        "faults": [],
        **make_inventory(entries, "aws_accounts", needs_email=False),
    }


def test_list_that_cannot_be_used_is_told_by_all_its_faults() -> None:
    assert account_inventory(in_base64(b"")) == {"faults": ["the list is empty"]}
    made = account_inventory(in_base64(b"account_id,email\n1,a@example.com\n2,b@example.com\n"))
    assert made.keys() == {"faults"} and [fault.split(":")[0] for fault in made["faults"]] == ["line 2", "line 3"]


def test_rows_of_members_become_an_inventory_by_the_words_of_their_service() -> None:
    for service, status, is_gone in (("macie", "Removed", True), ("guardduty", "Enabled", False)):
        rows = [*members(), {**members(account_id="222222222222", status=status)[0]}]
        entries = entries_of_members(rows, SERVICES[service])
        made = account_inventory(rows, needs_email=False, members_of=service)
        assert made == {"faults": [], **make_inventory(entries, "aws_accounts", needs_email=False)}
        assert bool(made["left_out"]) is is_gone


def test_filter_has_its_documented_name() -> None:
    assert FilterModule().filters() == {"account_inventory": account_inventory}
