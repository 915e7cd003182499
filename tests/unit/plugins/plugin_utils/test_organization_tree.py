# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organization's accounts and units as hosts and groups: which are taken, and how they are called."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._account_list import NO_HOST_NAMES
from ansible_collections.muster.aws.plugins.plugin_utils._organization import (
    OrganizationError,
    Tree,
    Wanted,
    check_records,
    explain_host_names,
    make_row,
    name_hosts,
    name_units,
    tree_of_paths,
    unit_aliases,
    unit_group,
    walk_units,
)

SEARCH, PAYMENTS, AUDIT = "012345678901", "222222222222", "333333333333"
ROOT, WORKLOADS, PROD, OTHER = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
NAMES = {WORKLOADS: "Workloads", PROD: "Prod & more", OTHER: "Other"}
# search is in Workloads/Prod, payments in Workloads, audit directly below the root.
UNITS = {SEARCH: [WORKLOADS, PROD], PAYMENTS: [WORKLOADS], AUDIT: []}
PARENTS = {WORKLOADS: ROOT, PROD: WORKLOADS, OTHER: ROOT}


def record(account_id: str, **given: Any) -> dict[str, Any]:
    return {"Id": account_id, "Name": f"n-{account_id}", "State": "ACTIVE", **given}


def tree(**given: Any) -> Tree:
    return Tree(**{"root": ROOT, "parents": dict(PARENTS), "names": dict(NAMES), "units_of": dict(UNITS), **given})


class Pages:
    """Answers List operations for the tree above, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        self.asked.append((operation, parameters))
        parent = parameters.get("ParentId")
        answers = {
            ("ListRoots", "Roots"): [{"Id": ROOT}],
            ("ListOrganizationalUnitsForParent", "OrganizationalUnits"): [
                {"Id": unit, "Name": NAMES[unit]} for unit, above in PARENTS.items() if above == parent
            ],
            ("ListAccountsForParent", "Accounts"): [
                {"Id": account_id} for account_id, units in UNITS.items() if [ROOT, *units][-1] == parent
            ],
        }
        return answers[operation, key]


def test_accounts_are_taken_by_id_with_the_last_record_of_each() -> None:
    moved = record(SEARCH, Name="later")
    older = {"Id": PAYMENTS, "Status": "SUSPENDED"}
    assert check_records([record(SEARCH), older, moved]) == {SEARCH: moved, PAYMENTS: older}


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([], "AWS Organizations told no account at all"),
        ([record(SEARCH), record("7")], "AWS Organizations told an account with the id '7'"),
        ([{"Name": "x"}], "AWS Organizations told an account with the id 'None'"),
        (
            [record(SEARCH), {"Id": PAYMENTS}],
            "AWS Organizations told no state of account 222222222222; it takes botocore 1.40.27 or newer",
        ),
    ],
)
def test_organization_that_is_not_told_whole_is_refused(records: Any, text: str) -> None:
    with pytest.raises(OrganizationError) as error:
        check_records(records)
    assert str(error.value) == text


def test_tree_is_read_from_the_accounts_paths() -> None:
    above = {account_id: "/".join(["o-xyz", ROOT, *units]) for account_id, units in UNITS.items()}
    accounts = {account_id: record(account_id, Paths=[f"{path}/"]) for account_id, path in above.items()}
    assert tree_of_paths(accounts) == tree(parents={WORKLOADS: ROOT, PROD: WORKLOADS}, names={})
    for without in ({}, {"Paths": None}, {"Paths": []}):
        assert tree_of_paths({**accounts, AUDIT: record(AUDIT, **without)}) is None


def test_units_of_a_tree_are_named_with_those_that_have_no_account() -> None:
    pages, found = Pages(), tree(parents={WORKLOADS: ROOT, PROD: WORKLOADS}, names={})
    name_units(found, pages)
    assert found == tree()
    assert pages.asked == [("ListOrganizationalUnitsForParent", {"ParentId": parent}) for parent in (WORKLOADS, ROOT)]


def test_tree_is_walked_where_accounts_have_no_paths() -> None:
    pages = Pages()
    assert walk_units(pages, UNITS) == tree()
    assert pages.asked[0] == ("ListRoots", {})
    assert len(pages.asked) == 1 + 2 * len([ROOT, *PARENTS])


def test_unit_that_moves_while_it_is_listed_is_taken_once() -> None:
    class Moving(Pages):
        def __call__(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
            found = super().__call__(operation, key, **parameters)
            is_moved = operation == "ListOrganizationalUnitsForParent" and parameters["ParentId"] == PROD
            return [{"Id": WORKLOADS, "Name": "again"}] if is_moved else found

    assert walk_units(Moving(), UNITS) == tree()


class MovingAccount(Pages):
    """Has an account nowhere in the first walks: it moves from a unit not yet listed into one that was."""

    def __init__(self, walks: int) -> None:
        super().__init__()
        self.walks = walks

    def __call__(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        found = super().__call__(operation, key, **parameters)
        walk = [asked for asked, _parameters in self.asked].count("ListRoots")
        is_gone = operation == "ListAccountsForParent" and walk <= self.walks
        return [each for each in found if each["Id"] != PAYMENTS] if is_gone else found


def test_account_that_moves_while_units_are_listed_is_looked_for_again_and_not_taken_for_one_of_none() -> None:
    assert walk_units(MovingAccount(1), UNITS) == tree()
    pages = MovingAccount(2)
    with pytest.raises(OrganizationError) as refused:
        walk_units(pages, [AUDIT, PAYMENTS])
    text = f"in no organizational unit: account {PAYMENTS}; it may have moved meanwhile: run again"
    assert str(refused.value) == text
    assert [operation for operation, _parameters in pages.asked].count("ListRoots") == 2


def test_unit_whose_name_has_nothing_for_a_group_takes_no_name_of_another() -> None:
    units = {WORKLOADS: ROOT, PROD: WORKLOADS, OTHER: ROOT}
    named = tree(parents=units, names={WORKLOADS: "Workloads", PROD: "日本", OTHER: "日本"})
    assert unit_aliases(named) == ({WORKLOADS: "ou_workloads"}, [])
    below = tree(parents=units, names={WORKLOADS: "日本", PROD: "Prod"})
    assert unit_aliases(below) == ({}, [])


def test_paths_of_units_go_from_the_top_down_and_by_name_where_it_is_known() -> None:
    assert tree().path(PROD) == [WORKLOADS, PROD] and tree().path("ou-unknown") == ["ou-unknown"]
    assert tree().name_path([WORKLOADS, PROD, "ou-x"]) == "/Workloads/Prod & more/ou-x" and tree().name_path([]) == "/"


def test_variables_of_an_account_tell_all_that_the_organization_does() -> None:
    arn = f"arn:aws:organizations::{SEARCH}:account/o-xyz/{SEARCH}"
    joined = {"JoinedMethod": "CREATED", "JoinedTimestamp": datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)}
    row = make_row(record(SEARCH, Arn=arn, Email="search@example.com", **joined), tree())
    assert row.pop("account_joined_at").startswith("2026-01-02")
    assert row == {
        "onboard_account_id": SEARCH,
        "onboard_account_email": "search@example.com",
        "account_id": SEARCH,
        "account_name": f"n-{SEARCH}",
        "account_email": "search@example.com",
        "account_state": "ACTIVE",
        "account_arn": arn,
        "account_joined_method": "CREATED",
        "account_is_management": True,
        "account_organization_id": "o-xyz",
        "account_ou_id": PROD,
        "account_ou_ids": [WORKLOADS, PROD],
        "account_ou_path": "/Workloads/Prod & more",
        "account_tags": {},
    }


def test_variables_of_an_account_of_which_little_is_told() -> None:
    row = make_row({"Id": "444444444444", "Status": "SUSPENDED"}, tree())
    nothing = ("onboard_account_email", "account_name", "account_email", "account_joined_method", "account_joined_at")
    assert row == {
        **dict.fromkeys((*nothing, "account_organization_id")),
        "onboard_account_id": "444444444444",
        "account_id": "444444444444",
        "account_state": "SUSPENDED",
        "account_arn": "",
        "account_is_management": False,
        "account_ou_id": ROOT,
        "account_ou_ids": [],
        "account_ou_path": "/",
        "account_tags": {},
    }


def test_account_of_another_s_organization_is_not_its_management() -> None:
    arn = f"arn:aws:organizations::{AUDIT}:account/o-xyz/{SEARCH}"
    assert make_row(record(SEARCH, Arn=arn), tree())["account_is_management"] is False


def test_wish_that_cannot_be_meant_is_told_before_any_call() -> None:
    assert list(Wanted(states=["ACTIVE", "OPEN"], accounts=[SEARCH, "7"], excluded_accounts=["8"]).faults()) == [
        "'OPEN' is no state of an account: PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED",
        "account id '7' is not 12 digits; write all 12, quoted, as in \"012345678901\"",
        "account id '8' is not 12 digits; write all 12, quoted, as in \"012345678901\"",
    ]
    assert list(Wanted().faults()) == []
    wish = Wanted([], [PROD, OTHER], [ROOT, PROD], [SEARCH, AUDIT], [SEARCH])
    assert list(wish.faults()) == [
        "states is empty, and no account has none: leave it out for those that are ACTIVE",
        "012345678901 is in both accounts and exclude_accounts",
        f"{PROD} is in both organizational_units and exclude_organizational_units",
    ]


def test_ways_to_call_hosts_that_cannot_be_meant_are_told() -> None:
    known = ["account_id", "account_name", "account_email", "tag:Name", "tag:a:b"]
    assert list(explain_host_names(known, True)) == []
    text = "hostnames: {!r} is none of account_id, account_name, account_email and tag:KEY{}".format
    assert list(explain_host_names(["account_nme", "tag:", "Tag", 1], True)) == [
        text("account_nme", "; did you mean account_name?"),
        text("tag:", ""),
        text("Tag", ""),
        text("1", ""),
    ]
    assert list(explain_host_names(known, False)) == [
        f"hostnames: {tag} needs tags: true, which costs one call for each account" for tag in known[3:]
    ]


def test_account_that_is_not_in_the_organization_is_refused() -> None:
    accounts = {SEARCH: record(SEARCH)}
    Wanted(accounts=[SEARCH], excluded_accounts=[SEARCH]).check(accounts)
    with pytest.raises(OrganizationError) as error:
        Wanted(accounts=[PAYMENTS], excluded_accounts=[AUDIT, SEARCH]).check(accounts)
    assert str(error.value) == "not in this organization: account 222222222222, 333333333333"


@pytest.mark.parametrize(
    ("wish", "taken"),
    [
        ({}, [SEARCH, AUDIT]),
        ({"states": ["SUSPENDED"]}, [PAYMENTS]),
        ({"states": ["ACTIVE", "SUSPENDED"], "units": [WORKLOADS]}, [SEARCH, PAYMENTS]),
        ({"units": [PROD]}, [SEARCH]),
        ({"units": [ROOT]}, [SEARCH, AUDIT]),
        ({"units": [OTHER]}, []),
        ({"excluded_units": [PROD]}, [AUDIT]),
        ({"excluded_units": [ROOT]}, []),
        ({"accounts": [AUDIT, PAYMENTS]}, [AUDIT]),
        ({"excluded_accounts": [AUDIT]}, [SEARCH]),
        ({"management": False}, [SEARCH]),
    ],
)
def test_accounts_are_taken_by_state_unit_and_id(wish: dict[str, Any], taken: list[str]) -> None:
    arn = f"arn:aws:organizations::{AUDIT}:account/o-xyz/"
    states = {SEARCH: "ACTIVE", PAYMENTS: "SUSPENDED", AUDIT: "ACTIVE"}
    rows = [make_row(record(each, State=state, Arn=arn + each), tree()) for each, state in states.items()]
    assert [row["account_id"] for row in rows if Wanted(**wish).takes(row, ROOT)] == taken


def test_accounts_that_are_asked_for_by_id_and_not_taken_are_told_with_the_reason() -> None:
    rows = [make_row(record(each, State=state), tree()) for each, state in ((SEARCH, "ACTIVE"), (PAYMENTS, "CLOSED"))]
    rows.append(make_row(record(AUDIT, State="CLOSED"), tree()))
    wish = Wanted(["ACTIVE", "SUSPENDED"], [WORKLOADS], [PROD], [SEARCH, PAYMENTS])
    assert wish.left_out(rows, ROOT) == [
        f"account {SEARCH} is not taken: "
        "organizational_units, exclude_organizational_units or include_management_account leaves it out",
        f"account {PAYMENTS} is not taken: it is CLOSED, and states has ACTIVE, SUSPENDED",
    ]
    assert Wanted(units=[ROOT], accounts=[SEARCH]).left_out(rows, ROOT) == []


def named(*names: str | None, preferences: tuple[str, ...] = ("account_name",)) -> tuple[list[str], list[str]]:
    ids = [SEARCH, PAYMENTS, AUDIT]
    rows = [make_row(record(id_, Name=name), tree()) for id_, name in zip(ids, names, strict=False)]
    hosts, warnings = name_hosts(rows, preferences)
    assert list(hosts.values()) == rows
    return list(hosts), warnings


def test_hosts_are_called_by_the_first_preference_that_they_have() -> None:
    assert named("Pay ments", None, "prod") == (["Pay-ments", PAYMENTS, "prod"], [])
    assert named("a", "b", preferences=("account_email", "account_id")) == ([SEARCH, PAYMENTS], [])
    row = {**make_row(record(SEARCH), tree()), "account_tags": {"Team:Name": "search"}}
    assert name_hosts([row], ["tag:Other", "tag:Team:Name", "account_name"]) == ({"search": row}, [])


def test_hosts_whose_name_is_not_theirs_alone_are_called_by_their_ids() -> None:
    assert named("Dev", "dev", "prod") == (
        [SEARCH, PAYMENTS, "prod"],
        [
            "account 012345678901 is called by its id: 'Dev' is not its name alone",
            "account 222222222222 is called by its id: 'dev' is not its name alone",
        ],
    )
    assert named(PAYMENTS, "b") == (
        [SEARCH, "b"],
        [f"account {SEARCH} is called by its id: '{PAYMENTS}' is not its name alone"],
    )


@pytest.mark.parametrize("name", ["all", "localhost", "ungrouped", "aws_organization"])
def test_hosts_whose_name_means_something_else_are_called_by_their_ids(name: str) -> None:
    text = f"account {PAYMENTS} is called by its id: {name!r} is a word or a group of the inventory"
    assert named("a", name, "b") == (["a", PAYMENTS, "b"], [text])
    rows = [make_row(record(SEARCH, Name=name), tree())]
    assert set(name_hosts(rows, ["account_name"], ["other"])[0]) == {SEARCH if name in NO_HOST_NAMES else name}
    assert set(name_hosts(rows, ["account_name"], [name])[0]) == {SEARCH}


def test_units_are_groups_by_id_and_by_name() -> None:
    assert unit_group(WORKLOADS) == "ou_ab12_11111111" and unit_group("r-ab12") == "ou_r_ab12"
    assert unit_aliases(tree(names={OTHER: "(X-ray X)"}))[0] == {OTHER: "ou_x_ray_x"}
    assert unit_aliases(tree()) == (
        {WORKLOADS: "ou_workloads", PROD: "ou_workloads_prod_more", OTHER: "ou_other"},
        [],
    )


def test_units_that_would_be_called_alike_have_no_group_by_name() -> None:
    text = "several organizational units would be called {}: use the groups of their ids".format
    assert unit_aliases(tree(names={**NAMES, OTHER: "WORKLOADS!"})) == (
        {PROD: "ou_workloads_prod_more"},
        [text("ou_workloads")],
    )
    # The name of one is the id of another.
    aliases, warnings = unit_aliases(tree(names={**NAMES, OTHER: "ab12-11111111"}))
    assert OTHER not in aliases and warnings == [text("ou_ab12_11111111")]
    assert unit_aliases(tree(names={PROD: "Prod"}))[0] == {PROD: "ou_ou_ab12_11111111_prod"}
