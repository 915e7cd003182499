# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin through real ``ansible-inventory`` runs against an emulated AWS Organizations."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.tests.playbooks.harness import ADMINISTRATOR, PlaybookRunner
from ansible_collections.muster.aws.tests.profiles import nightly

MANAGEMENT, STRANGER = "999999999999", "898989898989"
WORKLOADS, PROD, DEV, SECURITY, EMPTY, DEEP = (f"ou-ab12-{n}{'0' * 7}" for n in range(1, 7))
UNITS = {
    WORKLOADS: {"name": "Workloads"},
    PROD: {"name": "Prod", "parent": WORKLOADS},
    DEV: {"name": "Dev", "parent": WORKLOADS},
    SECURITY: {"name": "Security"},
    EMPTY: {"name": "Empty"},
    DEEP: {"name": "Prod", "parent": PROD},
}
IDS = [f"{n:02d}2222222222" for n in range(1, 45)]  # with the management account, 45: three pages
PLACES = {PROD: IDS[:15], DEV: IDS[15:25], SECURITY: IDS[25:30], DEEP: IDS[30:40]}
CLOSED, PENDING = IDS[0], IDS[20]


def _plain(value: dict[str, Any]) -> Any:
    """Undo how ``ansible-inventory`` writes a text that is not to be taken for a template."""
    return value.get("__ansible_unsafe", value)


class Inventory:
    """Runs ``ansible-inventory`` over a configuration of the plugin."""

    def __init__(self, playbook: PlaybookRunner) -> None:
        self.emulator = playbook.emulator
        self.folder = playbook.folder
        self.environment = {**os.environ, **playbook.environment}
        self.environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "true"
        self.environment["AWS_ACCESS_KEY_ID"] = f"AKIADIRECT{MANAGEMENT}"

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        path = self.folder / "accounts.organization.yml"
        path.write_text(yaml.safe_dump({"plugin": "muster.aws.organization", **options}))
        command = ["ansible-inventory", "-i", str(path), *(arguments or ("--list",))]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def __call__(self, **options: Any) -> dict[str, dict[str, Any]]:
        done = self.run(**options)
        assert done.returncode == 0, done.stderr
        self.warnings, self.groups = done.stderr, json.loads(done.stdout, object_hook=_plain)
        return self.groups["_meta"]["hostvars"]

    def refused(self, **options: Any) -> str:
        done = self.run(**options)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    @property
    def calls(self) -> Counter[str]:
        return Counter(self.emulator.operations())


@pytest.fixture
def inventory(playbook: PlaybookRunner) -> Inventory:
    accounts = {account_id: {"name": f"team {account_id}"} for account_id in IDS}
    accounts[CLOSED]["state"], accounts[PENDING]["state"] = "CLOSED", "PENDING_CLOSURE"
    playbook.emulator.seed(
        {
            "accounts": accounts,
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": IDS,
                "organizational_units": UNITS,
                "accounts_in": PLACES,
                "delegated_administrator": {"guardduty": ADMINISTRATOR},
            },
        }
    )
    return Inventory(playbook)


ACTIVE = {MANAGEMENT, ADMINISTRATOR, *IDS} - {CLOSED, PENDING}


def test_whole_organization_is_read_over_empty_pages(inventory: Inventory) -> None:
    inventory.emulator.set_knobs(empty_pages=True)

    hosts = inventory()

    assert set(hosts) == ACTIVE
    assert hosts[IDS[30]] == {
        "onboard_account_id": IDS[30],
        "onboard_account_email": f"{IDS[30]}@example.com",
        "account_id": IDS[30],
        "account_name": f"team {IDS[30]}",
        "account_email": f"{IDS[30]}@example.com",
        "account_state": "ACTIVE",
        "account_arn": f"arn:aws:organizations::{MANAGEMENT}:account/o-exampleorgid/{IDS[30]}",
        "account_joined_method": "CREATED",
        "account_joined_at": "2026-01-01T00:00:00.000Z",
        "account_is_management": False,
        "account_organization_id": "o-exampleorgid",
        "account_ou_id": DEEP,
        "account_ou_ids": [WORKLOADS, PROD, DEEP],
        "account_ou_path": "/Workloads/Prod/Prod",
        "account_tags": {},
    }
    assert hosts[MANAGEMENT]["account_is_management"] and hosts[MANAGEMENT]["account_ou_path"] == "/"


def test_graph_shows_the_tree_with_its_empty_branches(inventory: Inventory) -> None:
    graph = inventory.run("--graph").stdout

    lines = graph.splitlines()
    assert lines.index("  |--@aws_organization:") < lines.index("  |  |--@ou_ab12_10000000:")
    for line in ("  |  |  |--@ou_ab12_20000000:", "  |  |  |  |--@ou_ab12_60000000:", "  |  |--@ou_ab12_50000000:",
                 "  |--@ou_workloads_prod:", "  |--@ou_workloads_prod_prod:"):  # fmt: skip
        assert line in lines, graph


def test_calls_are_pages_and_parents_not_accounts(inventory: Inventory) -> None:
    inventory()
    assert inventory.calls == {"ListAccounts": 3, "ListOrganizationalUnitsForParent": 3}


@pytest.mark.parametrize(
    ("options", "hosts"),
    [
        ({"states": ["CLOSED", "PENDING_CLOSURE"]}, {CLOSED, PENDING}),
        ({"organizational_units": [WORKLOADS]}, {*IDS[1:25], *IDS[30:40]} - {PENDING}),
        ({"organizational_units": [WORKLOADS], "exclude_organizational_units": [PROD]}, {*IDS[15:25]} - {PENDING}),
        ({"organizational_units": ["r-ab12"], "exclude_organizational_units": f"{WORKLOADS}, {SECURITY}"},
         {MANAGEMENT, ADMINISTRATOR, *IDS[40:]}),
        ({"organizational_units": [EMPTY]}, set()),
        ({"organizational_units": [EMPTY], "organizational_unit_names": False}, set()),
        ({"accounts": [IDS[1], IDS[2]]}, {IDS[1], IDS[2]}),
        ({"include_management_account": False}, ACTIVE - {MANAGEMENT}),
    ],
    ids=[f"choice {n}" for n in range(8)],
)  # fmt: skip
@pytest.mark.parametrize("fields", ["State+Paths", *nightly("State")])
def test_accounts_are_chosen(inventory: Inventory, options: dict[str, Any], hosts: set[str], fields: str) -> None:
    inventory.emulator.set_knobs(organizations_fields=fields)
    assert set(inventory(**options)) == hosts


def test_answers_without_paths_give_the_same_inventory(inventory: Inventory) -> None:
    before = inventory(), inventory.groups
    inventory.emulator.set_knobs(organizations_fields="State")
    assert (inventory(), inventory.groups) == before


def test_old_endpoint_with_status_alone_is_read(inventory: Inventory) -> None:
    inventory.emulator.set_knobs(organizations_fields="Status")
    assert set(inventory()) == ACTIVE


def test_answers_without_any_state_fail(inventory: Inventory) -> None:
    inventory.emulator.set_knobs(organizations_fields="neither")
    assert "it takes botocore 1.40.27 or newer" in inventory.refused()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"organizational_units": ["ou-ab12-99999999"]}, "'ou-ab12-99999999' cannot be found"),
        ({"exclude_organizational_units": ["ou-ab12-99999999"]}, "'ou-ab12-99999999' cannot be found"),
        ({"accounts": [STRANGER]}, f"not in this organization: account {STRANGER}"),
        ({"exclude_accounts": [222222222222]}, "quote it"),
        ({"states": ["active"]}, "'active' is no state"),
        ({"organizational_unit": [WORKLOADS]}, "no option of this inventory; did you mean organizational_units?"),
    ],
    ids=str,
)
def test_typo_fails_the_inventory(inventory: Inventory, options: dict[str, Any], text: str) -> None:
    assert text in inventory.refused(**options)


def test_caller_that_may_not_list_fails_the_inventory(inventory: Inventory) -> None:
    inventory.environment["AWS_ACCESS_KEY_ID"] = f"AKIADIRECT{STRANGER}"
    assert "management account or of a delegated administrator" in inventory.refused()


def test_delegated_administrator_may_list(inventory: Inventory) -> None:
    inventory.environment["AWS_ACCESS_KEY_ID"] = f"AKIADIRECT{ADMINISTRATOR}"
    assert set(inventory()) == ACTIVE


@pytest.mark.parametrize(
    ("operation", "options"),
    [("ListTagsForResource", {"tags": True}), ("ListOrganizationalUnitsForParent", {})],
)
def test_denied_part_fails_unless_permissions_are_not_strict(inventory: Inventory, operation: str, options) -> None:
    fault = {"kind": "error", "operation": operation, "code": "AccessDeniedException", "times": None}
    inventory.emulator.seed({"faults": [fault]})

    assert operation in inventory.refused(**options)
    assert set(inventory(**options, strict_permissions=False)) == ACTIVE
    assert operation in inventory.warnings


def test_throttled_for_good_fails_and_never_shortens_the_list(inventory: Inventory) -> None:
    fault = {"kind": "error", "operation": "ListAccounts", "code": "ServiceException", "after": 1, "times": None}
    inventory.emulator.seed({"faults": [fault]})
    assert "ListAccounts" in inventory.refused()


def test_second_start_is_answered_by_the_cache(inventory: Inventory) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(inventory.folder / "c")}
    first = inventory(**cache), inventory.groups
    calls = sum(inventory.calls.values())

    assert (inventory(**cache), inventory.groups) == first
    assert sum(inventory.calls.values()) == calls
    assert set(inventory(**cache, states=["CLOSED"])) == {CLOSED}  # other options, another list
    inventory.environment["AWS_ACCESS_KEY_ID"] = f"AKIADIRECT{STRANGER}"  # somebody else
    inventory.refused(**cache)


def test_hosts_take_names_and_tags(inventory: Inventory) -> None:
    same, named = {"name": "same"}, {"name": "{{ x }}", "tags": {"Team": "a b"}}
    inventory.emulator.seed({"accounts": {IDS[1]: same, IDS[2]: same, IDS[3]: named}})
    hosts = inventory(tags=True, hostnames=["tag:Team", "account_name"])

    assert {IDS[1], IDS[2], "a-b", f"team-{IDS[4]}"} <= set(hosts)
    assert hosts["a-b"]["account_name"] == "{{ x }}" and hosts["a-b"]["account_tags"] == {"Team": "a b"}
    assert f"account {IDS[1]} is called by its id" in " ".join(inventory.warnings.split())


def test_templates_of_the_user_are_evaluated(inventory: Inventory) -> None:
    hosts = inventory(compose={"short": "account_id[:2]"}, keyed_groups=[{"key": "account_ou_id", "prefix": "in"}])
    assert hosts[IDS[3]]["short"] == IDS[3][:2]
    assert IDS[3] in inventory.groups["in_ou_ab12_20000000"]["hosts"]
