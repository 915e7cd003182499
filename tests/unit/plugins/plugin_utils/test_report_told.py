# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole report to the letter: what it reads, what it says of each cell, and what each host is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason, State
from ansible_collections.muster.aws.plugins.plugin_utils import _report_job
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS
from ansible_collections.muster.aws.plugins.plugin_utils._report import (
    build_report,
    collect_accounts,
    read_baseline,
    severity,
)
from ansible_collections.muster.aws.plugins.plugin_utils._report_job import report_batch, write_report
from ansible_collections.muster.aws.plugins.plugin_utils._report_origin import collection_version
from ansible_collections.muster.aws.tests.canned import CannedWork, failed_row, module_row, refused_result, result_of

ADMINISTRATOR, OTHER = "111111111111", "999999999999"
SEARCH, PAYMENTS, STRANGER = "012345678901", "222222222222", "444444444444"
EAST, WEST = "us-east-1", "us-west-2"
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "administrator_id": ADMINISTRATOR,
        "regions": [WEST, EAST],
        "services": ["guardduty"],
        "concurrency": 7,
        "member_side": True,
        "member_role_name": "Member",
        "external_id": "secret",
        "fail_on_gaps": False,
    }
)
INVENTORY: Mapping[str, Any] = MappingProxyType(
    collect_accounts(
        ["search", "payments", "audit"],
        {
            "search": {"report_account_id": SEARCH, "report_account_email": "search@example.com"},
            "payments": {"report_account_id": PAYMENTS},
            "audit": {"report_account_id": ADMINISTRATOR},
        },
        ["search", "payments", "audit"],
    )
)


def member(
    account_id: str = SEARCH, region: str = EAST, status: str | None = "Enabled", **given: Any
) -> dict[str, Any]:
    told = {"email": None, "invited_at": "2026-01-01", "updated_at": "2026-02-02"}
    return module_row(account_id, region, status=status, **{**told, **given})


def side(
    account_id: str = SEARCH, region: str = EAST, holder: str | None = ADMINISTRATOR, **given: Any
) -> dict[str, Any]:
    told = {"administrator_id": holder, "status": "Enabled" if holder else None, "invitations": []}
    return module_row(account_id, region, **{**told, **given})


def report(*members: Mapping[str, Any], sides: Any = (), **options: Any) -> tuple[CannedWork, dict[str, Any]]:
    work = CannedWork(
        ("guardduty_member_info", result_of("members", *members)),
        ("guardduty_administrator_info", result_of("administrators", *sides)),
    )
    return work, report_batch(work, {**OPTIONS, **options}, INVENTORY, "arn:aws:iam::1:user/x", "2026-03-03 00:00 UTC")


def test_members_are_read_once_and_each_account_is_asked_for_its_own_view() -> None:
    work, _done = report()
    common = {"regions": [WEST, EAST], "concurrency": 7}
    assert work.asked == [
        ("guardduty_member_info", common),
        (
            "guardduty_administrator_info",
            {"account_ids": [SEARCH, PAYMENTS], "role_name": "Member", "external_id": "secret", **common},
        ),
    ]


def test_accounts_are_entered_only_where_that_is_asked_for() -> None:
    work, _done = report(member_side=False)
    assert work.modules == ["guardduty_member_info"]
    work = CannedWork(("guardduty_member_info", {}))
    alone = collect_accounts(["audit"], {"audit": {"report_account_id": ADMINISTRATOR}}, ["audit"])
    report_batch(work, OPTIONS, alone, None, "now")
    assert work.modules == ["guardduty_member_info"]


CELL = MappingProxyType(
    {
        "service": "guardduty",
        "region": EAST,
        "standing": "member",
        "status": "Enabled",
        "reason_code": None,
        "reason": None,
        "next_step": None,
        "email": None,
        "invited_at": "2026-01-01",
        "updated_at": "2026-02-02",
        "since": None,
        "is_new": None,
        "last_read": None,
        "own_view": None,
        "note": None,
    }
)
NO_RECORD = MappingProxyType(
    {
        **CELL,
        "standing": "absent",
        "status": None,
        "reason": "the administrator has no record of the account",
        "next_step": "onboard the account",
        "invited_at": None,
        "updated_at": None,
    }
)
SELF = MappingProxyType({**CELL, "standing": "administrator", "status": None, "invited_at": None, "updated_at": None})


def test_report_has_every_account_every_count_and_every_member_that_nobody_listed() -> None:
    _work, done = report(
        member(email="search@aws.example"),
        member(region=WEST, status="Invited"),
        member(PAYMENTS, WEST, email="payments@aws.example"),
        member(STRANGER, EAST, email="stranger@aws.example"),
        member_side=False,
    )
    told = done["report"]
    west = {"region": WEST}
    invited = {
        **CELL,
        **west,
        "standing": "pending",
        "status": "Invited",
        "reason": "invited, and not accepted yet",
        "next_step": "onboard the account again: it accepts the invitation there",
        "since": "2026-01-01",
    }
    search = [{**CELL, "email": "search@aws.example"}, invited]
    payments = [NO_RECORD, {**CELL, **west, "email": "payments@aws.example"}]
    assert told.pop("regions_not_asked").keys() == {"guardduty"}
    counts = dict.fromkeys("failed unreadable absent pending suspended member administrator".split(), 0)
    assert told == {
        "generated_at": "2026-03-03 00:00 UTC",
        "administrator_id": ADMINISTRATOR,
        "caller_arn": "arn:aws:iam::1:user/x",
        "version": collection_version(),
        "services": ["guardduty"],
        "regions": [EAST, WEST],
        "baseline": None,
        "totals": {"accounts": 3, "covered": 1, "cells": 6, "gaps": 2, "unlisted": 1},
        "summary": {
            "guardduty": {
                EAST: {
                    "accounts": 3,
                    **counts,
                    **{"member": 1, "absent": 1, "administrator": 1},
                    "gaps": 1,
                    "gap_ids": [PAYMENTS],
                    "unlisted": 1,
                    "unlisted_ids": [STRANGER],
                },
                WEST: {
                    "accounts": 3,
                    **counts,
                    **{"member": 1, "pending": 1, "administrator": 1},
                    "gaps": 1,
                    "gap_ids": [SEARCH],
                    "unlisted": 0,
                    "unlisted_ids": [],
                },
            }
        },
        "problems": [],
        "accounts": [
            {
                "host": "search",
                "account_id": SEARCH,
                "email": "search@example.com",
                "standing": "pending",
                "gaps": 1,
                "cells": search,
            },
            {
                "host": "payments",
                "account_id": PAYMENTS,
                "email": "payments@aws.example",
                "standing": "absent",
                "gaps": 1,
                "cells": payments,
            },
            {
                "host": "audit",
                "account_id": ADMINISTRATOR,
                "email": None,
                "standing": "administrator",
                "gaps": 0,
                "cells": [SELF, {**SELF, **west}],
            },
        ],
        "unlisted": [
            {
                "account_id": STRANGER,
                "email": "stranger@aws.example",
                "host": None,
                "listed_for": None,
                "standing": "member",
                "cells": [{**CELL, "email": "stranger@aws.example"}],
            }
        ],
        "suspended_accounts": [],
        "hosts": {
            "search": {"gaps": 1, "text": f"GuardDuty: member in {EAST}, pending in {WEST}"},
            "payments": {"gaps": 1, "text": f"GuardDuty: not a member in {EAST}, member in {WEST}"},
            "audit": {"gaps": 0, "text": f"GuardDuty: administrator in {EAST} {WEST}"},
        },
    }


@pytest.mark.parametrize("fails", [False, True])
def test_host_with_a_gap_fails_only_where_that_is_asked_for(fails: bool) -> None:
    _work, done = report(member(), member(region=WEST), member_side=False, fail_on_gaps=fails)
    assert {host: (each["changed"], each["failed"]) for host, each in done["hosts"].items()} == {
        "search": (False, False),
        "payments": (False, fails),
        "audit": (False, False),
    }
    assert done["hosts"]["search"]["text"] == f"GuardDuty: member in {EAST} {WEST}"


def test_rows_tell_gaps_with_their_next_step_and_the_word_for_them() -> None:
    _work, done = report(member(), member_side=False, regions=[EAST])
    common = {"service": "guardduty", "region": EAST, "actions": [], "operation": None}
    assert done["rows"] == [
        {
            "host": "search",
            "account_id": SEARCH,
            "status": "Enabled",
            "previous_status": "Enabled",
            "failed": False,
            "reason_code": "member",
            "reason": "member",
            "next_step": None,
            **common,
        },
        {
            "host": "payments",
            "account_id": PAYMENTS,
            "status": None,
            "previous_status": None,
            "failed": True,
            "reason_code": "not a member",
            "reason": "the administrator has no record of the account",
            "next_step": "onboard the account",
            **common,
        },
        {
            "host": "audit",
            "account_id": ADMINISTRATOR,
            "status": None,
            "previous_status": None,
            "failed": False,
            "reason_code": "administrator",
            "reason": "administrator",
            "next_step": None,
            **common,
        },
    ]


def cell_of(members: Any, sides: Any = (), **options: Any) -> dict[str, Any]:
    _work, done = report(*members, sides=sides, regions=[EAST], **options)
    return dict(done["report"]["accounts"][0]["cells"][0])


INVITER = MappingProxyType({"invitations": [{"administrator_id": OTHER}, {"administrator_id": ADMINISTRATOR}]})
NO_ROLE = MappingProxyType({"outcome": "failed", "reason_code": "assume_role_failed", "reason": "No role"})


@pytest.mark.parametrize(
    ("status", "view", "expected"),
    [
        ("Enabled", side(), ("member", None, None)),
        ("Enabled", side(holder=None), ("member", None, "the account itself sees no administrator")),
        ("Disabled", side(holder=OTHER), ("suspended", None, f"the account itself sees administrator {OTHER}")),
        ("Enabled", side(**INVITER), ("member", None, None)),
        ("Enabled", side(**NO_ROLE), ("member", None, "its own view could not be read: No role")),
        (None, side(holder=None), ("absent", None, None)),
        (None, side(), ("absent", None, "the account itself sees this administrator as its own")),
        (None, side(holder=OTHER), ("failed", "member_of_other_administrator", None)),
        (None, side(holder=None, **INVITER), ("absent", None, f"invited by {OTHER}")),
        ("Invited", side(holder=None, **INVITER), ("pending", None, f"invited by {OTHER}")),
        (
            None,
            side(holder=None, reason_code="service_not_enabled", reason="off"),
            ("absent", None, "GuardDuty is off in the account"),
        ),
        (
            None,
            side(holder=None, reason_code="account_suspended", reason="closed"),
            ("failed", "account_suspended", None),
        ),
    ],
)
def test_own_view_of_an_account_explains_its_standing(status: str | None, view: Any, expected: Any) -> None:
    cell = cell_of([member(status=status)], [view])
    assert (cell["standing"], cell["reason_code"], cell["note"]) == expected
    assert cell["own_view"] == {
        "administrator_id": view["administrator_id"],
        "status": view["status"],
        "invited_by": sorted(each["administrator_id"] for each in view["invitations"]),
        "reason_code": view["reason_code"],
        "reason": view["reason"],
    }


def test_account_that_another_administrator_holds_is_told_whose_it_is() -> None:
    cell = cell_of([], [side(holder=OTHER)])
    assert (cell["reason"], cell["next_step"]) == (
        f"the account is a member of another administrator, {OTHER}",
        "let the account leave that administrator first (docs/move.md)",
    )


def test_own_view_of_another_region_or_account_says_nothing() -> None:
    assert cell_of([member()], [side(region=WEST, holder=OTHER), side(PAYMENTS, holder=OTHER)])["own_view"] is None


@pytest.mark.parametrize(
    ("status", "standing", "since", "text"),
    [
        ("Created", "pending", "2026-02-02", "a record, without an invitation"),
        ("Invited", "pending", "2026-01-01", "invited, and not accepted yet"),
        ("EmailVerificationInProgress", "pending", "2026-02-02", "AWS is verifying the e-mail address"),
        ("Disabled", "suspended", "2026-02-02", "a member, but its monitoring is suspended"),
        ("Removed", "failed", "2026-02-02", "the administrator ended the association"),
        ("Deleted", "failed", "2026-02-02", "the record was deleted"),
    ],
)
def test_gap_tells_what_it_is_and_since_when(status: str, standing: str, since: str, text: str) -> None:
    cell = cell_of([member(status=status)], member_side=False)
    assert (cell["standing"], cell["since"], cell["reason"]) == (standing, since, text) and cell["next_step"]


def test_suspended_member_that_is_wanted_so_is_covered() -> None:
    cell = cell_of([member(status="Disabled")], member_side=False, monitoring="suspended")
    assert (cell["standing"], cell["since"], cell["reason"], cell["next_step"]) == (
        "member",
        None,
        "its monitoring is suspended, as wanted",
        None,
    )


def test_region_that_could_not_be_read_is_a_problem_of_all_accounts_and_of_the_administrator_too() -> None:
    refused = failed_row("access_denied", "no", "ListMembers", account_id=ADMINISTRATOR)
    _work, done = report({**refused, "email": None}, regions=[EAST], member_side=False)
    told = done["report"]
    step = "check the credentials, the IAM policy and the organization's SCPs for this operation"
    explained = {"reason_code": "access_denied", "reason": "no", "next_step": step}
    assert told["problems"] == [{"service": "guardduty", "region": EAST, **explained}]
    unread = {**NO_RECORD, "standing": "unreadable", **explained}
    assert [account["cells"] for account in told["accounts"]] == [[unread], [unread], [unread]]
    assert (told["accounts"][2]["gaps"], told["totals"]["covered"]) == (1, 0)
    assert done["hosts"]["search"] == done["hosts"]["audit"]
    assert done["hosts"]["audit"]["text"] == f"GuardDuty: not readable (access_denied) in {EAST}"
    assert [row["failed"] for row in done["rows"]] == [True, True, True]


def variables_of(role: str) -> set[str]:
    """Return the variables that a role has."""
    text = (Path(__file__).parents[4] / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return set(yaml.safe_load(text)["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("reason", Reason)
def test_what_could_not_be_read_is_advised_in_variables_that_there_are(reason: Reason) -> None:
    refused = failed_row(reason.value, "no", "ListMembers", account_id=ADMINISTRATOR)
    _work, done = report({**refused, "email": None}, regions=[EAST], member_side=False)
    [problem] = done["report"]["problems"]
    assert {row["next_step"] for row in done["rows"]} == {problem["next_step"]}
    named = set(re.findall(r"\b(?:onboard|report)_\w+", problem["next_step"]))
    assert named <= variables_of("report") | variables_of("onboard")


@pytest.mark.parametrize(
    ("reason_code", "step"),
    [
        ("throttled", "run again later, or with a lower report_concurrency"),
        ("region_unavailable", "check report_regions, and that the account has opted in to the Region"),
        ("timed_out", "run again later"),
    ],
)
def test_what_could_not_be_read_is_advised_to_the_letter(reason_code: str, step: str) -> None:
    refused = failed_row(reason_code, "no", "ListMembers", account_id=ADMINISTRATOR)
    assert cell_of([{**refused, "email": None}], member_side=False)["next_step"] == step


@pytest.mark.parametrize(
    ("result", "text"),
    [(refused_result("no credentials"), "no credentials"), ({}, "the members were not read")],
)
def test_members_that_nobody_read_are_a_problem_of_every_region(result: Mapping[str, Any], text: str) -> None:
    told = build_report(INVENTORY, {"guardduty": {"members": result}}, ADMINISTRATOR, [EAST, WEST], "now")
    assert [(each["region"], each["reason_code"], each["reason"]) for each in told["problems"]] == [
        (EAST, "other", text),
        (WEST, "other", text),
    ]


def test_worst_standing_has_the_lowest_rank() -> None:
    words = "failed unreadable absent pending suspended member administrator".split()
    assert [severity(word) for word in words] == list(range(7))


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({"file": "a/report.html"}, {"a/report.html": "html"}),
        ({"file": "x.html", "csv_file": "", "json_file": "y.json"}, {"x.html": "html", "y.json": "json"}),
        ({"file": ""}, {}),
        ({"file": "", "csv_file": "only.csv"}, {"only.csv": "csv"}),
    ],
)
def test_files_of_a_report_are_named_after_its_page(options, files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_report_job, "render_report", lambda report, form, page: (report["x"], form, page))
    written = write_report({"x": 1}, options, "folder")
    assert written == {path: (1, form, "folder") for path, form in files.items()}


def test_baseline_is_read_where_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "earlier.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=f"^report_baseline_file: {path} is not a report of this role"):
        report(baseline_file=str(path))
    _work, earlier = report(member(), member_side=False, regions=[EAST])
    path.write_text(json.dumps(earlier["report"]), encoding="utf-8")
    _work, done = report(member(PAYMENTS), member_side=False, regions=[EAST], baseline_file=str(path))
    told = done["report"]["baseline"]
    assert (told["new_gaps"], [gap["host"] for gap in told["mended_gaps"]]) == (1, ["payments"])


def test_inventory_tells_each_host_by_its_own_variables_and_what_is_wrong_with_it() -> None:
    hostvars: dict[str, Any] = {
        "search": {
            "report_account_id": SEARCH,
            "onboard_account_id": OTHER,
            "report_account_email": "search@example.com",
            "report_administrator_id": ADMINISTRATOR,
        },
        "payments": {
            "onboard_account_id": PAYMENTS,
            "onboard_account_email": "payments@example.com",
            "onboard_administrator_id": int(OTHER),
        },
        STRANGER: {},
        "server": {},
    }
    search = {
        "host": "search",
        "account_id": SEARCH,
        "email": "search@example.com",
        "administrator_id": ADMINISTRATOR,
        "fault": None,
    }
    payments = {
        "host": "payments",
        "account_id": PAYMENTS,
        "email": "payments@example.com",
        "administrator_id": int(OTHER),
        "fault": None,
    }
    nothing = {"email": None, "administrator_id": None}
    stranger = {"host": STRANGER, "account_id": STRANGER, "fault": None, **nothing}
    hostvars["search-again"] = {**hostvars["search"], "report_administrator_id": OTHER}
    again = {**search, "host": "search-again", "administrator_id": OTHER}
    told = collect_accounts(["server", "payments", "search"], hostvars, list(hostvars))
    fault = "account id 'server' is not 12 digits; write all 12, quoted, as in \"012345678901\""
    assert told == {
        "accounts": [{"host": "server", "account_id": "server", "fault": fault, **nothing}, payments, search],
        "account_ids": [SEARCH, PAYMENTS],
        "listed": {SEARCH: [search, again], PAYMENTS: [payments], STRANGER: [stranger]},
    }


def test_report_on_two_services_keeps_them_apart() -> None:
    results = {
        "guardduty": {"members": {"members": [member(), member(region=WEST, status="Resigned")]}},
        "securityhub": {
            "members": {"members": [member(status="Removed", updated_at=None), member(PAYMENTS)]},
            "administrators": {"administrators": [side(region=WEST, holder=OTHER)]},
        },
    }
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST, WEST], "now")
    assert told["hosts"] == {
        "search": {
            "gaps": 3,
            "text": f"GuardDuty: member in {EAST}, failed (resigned) in {WEST}; "
            f"Security Hub: failed in {EAST}, failed (member_of_other_administrator) in {WEST}",
        },
        "payments": {
            "gaps": 3,
            "text": f"GuardDuty: not a member in {EAST} {WEST}; Security Hub: member in {EAST}, not a member in {WEST}",
        },
        "audit": {
            "gaps": 0,
            "text": f"GuardDuty: administrator in {EAST} {WEST}; Security Hub: administrator in {EAST} {WEST}",
        },
    }
    assert {
        (service, region): (counts["gap_ids"], counts["failed"], counts["member"])
        for service, regions in told["summary"].items()
        for region, counts in regions.items()
    } == {
        ("guardduty", EAST): ([PAYMENTS], 0, 1),
        ("guardduty", WEST): ([SEARCH, PAYMENTS], 1, 0),
        ("securityhub", EAST): ([SEARCH], 1, 1),
        ("securityhub", WEST): ([SEARCH, PAYMENTS], 1, 0),
    }
    assert (told["services"], told["regions"], told["caller_arn"]) == (["guardduty", "securityhub"], [EAST, WEST], None)
    assert [account["standing"] for account in told["accounts"]] == ["failed", "absent", "administrator"]
    assert [each["region"] for each in told["accounts"][0]["cells"]] == [EAST, WEST, EAST, WEST]
    # Those of one partition only.
    for service, missing in told["regions_not_asked"].items():
        assert "eu-west-1" in missing and not {EAST, WEST, "cn-north-1"} & set(missing), service


def test_accounts_that_aws_suspended_are_told_with_all_their_places() -> None:
    closed = {"outcome": "failed", "reason_code": "account_suspended", "reason": "closed"}
    refused = failed_row("account_suspended", "closed", "ListMembers", account_id=ADMINISTRATOR, region=WEST)
    results = {
        "guardduty": {
            "members": {"members": [member(status="AccountSuspended"), {**refused, "email": None}]},
            "administrators": {"administrators": [side(PAYMENTS, holder=None, **closed)]},
        },
        "securityhub": {
            "members": {"members": [member(STRANGER, WEST, "AccountSuspended"), member(PAYMENTS), member(SEARCH)]},
            "administrators": {"administrators": [side(SEARCH, holder=None, **closed)]},
        },
    }
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST, WEST], "now")
    assert told["accounts"][1]["cells"][0]["reason"] == "closed"
    guardduty, hub = ({"service": service, "region": EAST} for service in ("guardduty", "securityhub"))
    assert told["suspended_accounts"] == [
        {"account_id": SEARCH, "host": "search", "places": [guardduty, hub]},
        {"account_id": PAYMENTS, "host": "payments", "places": [guardduty]},
        {"account_id": STRANGER, "host": None, "places": [{**hub, "region": WEST}]},
    ]


def test_members_of_hosts_of_other_administrators_are_told_with_theirs() -> None:
    hostvars: dict[str, Any] = {
        "search": {"report_account_id": SEARCH, "report_administrator_id": int(ADMINISTRATOR)},
        "payments": {"report_account_id": PAYMENTS, "report_administrator_id": int(OTHER)},
    }
    inventory = collect_accounts([], hostvars, ["search", "payments"])
    members = [member(), member(PAYMENTS, EAST, "Resigned"), member(PAYMENTS, WEST, email="payments@aws.example")]
    members += [member(STRANGER, WEST), member(ADMINISTRATOR)]
    results = {"guardduty": {"members": {"members": members}}}
    told = build_report(inventory, results, ADMINISTRATOR, [EAST, WEST], "now")
    rows = [
        (*(row[name] for name in ("account_id", "host", "listed_for", "email", "standing")), len(row["cells"]))
        for row in told["unlisted"]
    ]
    assert rows == [
        (PAYMENTS, "payments", OTHER, "payments@aws.example", "failed", 2),
        (STRANGER, None, None, None, "member", 1),
    ]


def test_summary_counts_every_account() -> None:
    results = {"guardduty": {"members": {"members": [member(STRANGER), member(OTHER)]}}}
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST], "now")
    counts = told["summary"]["guardduty"][EAST]
    assert {name: counts[name] for name in ("accounts", "absent", "member", "gaps", "unlisted")} == {
        "accounts": 3,
        "absent": 2,
        "member": 0,
        "gaps": 2,
        "unlisted": 2,
    }


def test_account_with_several_inviters_is_told_all_but_this_administrator() -> None:
    third = "888888888888"
    view = side(holder=None, invitations=[{"administrator_id": each} for each in (OTHER, ADMINISTRATOR, third)])
    assert cell_of([], [view])["note"] == f"invited by {third}, {OTHER}"


def test_email_of_an_account_is_the_first_that_aws_tells_where_the_inventory_has_none() -> None:
    members = [member(PAYMENTS), member(PAYMENTS, WEST, email="payments@aws.example")]
    _work, done = report(*members, regions=[EAST, WEST], member_side=False)
    assert [account["email"] for account in done["report"]["accounts"]] == [
        "search@example.com",
        "payments@aws.example",
        None,
    ]


GAP = MappingProxyType(
    {
        "host": "payments",
        "account_id": PAYMENTS,
        "service": "guardduty",
        "region": EAST,
        "standing": "pending",
        "status": "Invited",
        "reason_code": None,
        "since": "2026-01-01",
        "last_read": None,
    }
)


def baseline_of(path: Path, *members: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Read a baseline that is a report on these members."""
    _work, earlier = report(*members, regions=[EAST], member_side=False)
    path.write_text(json.dumps({**earlier["report"], **changes}), encoding="utf-8")
    return read_baseline(str(path), ADMINISTRATOR)


def test_baseline_is_every_place_of_an_earlier_report_with_its_gap(tmp_path: Path) -> None:
    found = baseline_of(tmp_path / "earlier.json", member(), member(PAYMENTS, status="Invited"))
    places = {(each, "guardduty", EAST): None for each in (SEARCH, ADMINISTRATOR)}
    places[PAYMENTS, "guardduty", EAST] = GAP
    assert found == {"generated_at": "2026-03-03 00:00 UTC", "places": places}


def test_baseline_of_another_form_is_refused_in_words_for_who_named_it(tmp_path: Path) -> None:
    path = tmp_path / "earlier.json"
    with pytest.raises(ValueError) as refused:
        read_baseline(str(path), ADMINISTRATOR)
    assert str(refused.value) == f"report_baseline_file: {path} cannot be read: No such file or directory."
    for text in ("{}", "[", "[]", '{"accounts": [[]], "generated_at": ""}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError) as refused:
            read_baseline(str(path), ADMINISTRATOR)
        assert str(refused.value) == (
            f"report_baseline_file: {path} is not a report of this role. Name the JSON file of an earlier run."
        )
    with pytest.raises(ValueError) as refused:
        baseline_of(path, administrator_id=OTHER)
    assert str(refused.value) == (
        f"report_baseline_file: {path} is about administrator {OTHER}, and this report about {ADMINISTRATOR}."
    )


def test_gaps_are_told_against_an_earlier_report_to_the_letter() -> None:
    gaps = [
        {**GAP, "host": "was-search", "account_id": SEARCH, "status": "Created"},
        {**GAP, "since": "2025-12-12"},
        {**GAP, "region": WEST, "since": None},
        {**GAP, "account_id": STRANGER},
        {**GAP, "service": "securityhub"},
    ]
    members = [
        member(),
        member(region=WEST, status="Invited", invited_at="2026-02-01"),
        member(PAYMENTS, status="Created", updated_at=None),
        member(PAYMENTS, WEST, "Created", updated_at=None),
    ]
    places: dict[Any, Any] = {(gap["account_id"], gap["service"], gap["region"]): gap for gap in gaps}
    places[SEARCH, "guardduty", WEST] = None
    baseline = {"generated_at": "2026-01-31 00:00 UTC", "places": places}
    results = {"guardduty": {"members": {"members": members}}}
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST, WEST], "now", None, baseline)
    assert told["baseline"] == {
        "generated_at": "2026-01-31 00:00 UTC",
        "new_gaps": 1,
        "gaps_not_compared": 0,
        "mended_gaps": [{**gaps[0], "host": "search"}],
    }
    assert [(cell["since"], cell["is_new"]) for account in told["accounts"] for cell in account["cells"]] == [
        (None, None),
        ("2026-02-01", True),
        ("2025-12-12", False),
        ("2026-01-31 00:00 UTC", False),
        (None, None),
        (None, None),
    ]
    # Another standing is another gap, of its own time.
    members[2] = member(PAYMENTS, status="Resigned", updated_at=None)
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST], "now", None, baseline)
    cell = told["accounts"][1]["cells"][0]
    assert (cell["since"], cell["is_new"], told["baseline"]["new_gaps"]) == (None, False, 0)


def test_gaps_where_the_earlier_report_did_not_ask_are_not_new() -> None:
    baseline = {"generated_at": "2026-01-31 00:00 UTC", "places": {(SEARCH, "guardduty", EAST): None}}
    results = {"guardduty": {"members": {"members": []}}}
    told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST, WEST], "now", None, baseline)
    assert told["baseline"] == {
        "generated_at": "2026-01-31 00:00 UTC",
        "new_gaps": 1,
        "gaps_not_compared": 3,
        "mended_gaps": [],
    }
    cells = [cell for account in told["accounts"][:2] for cell in account["cells"]]
    assert [(cell["is_new"], cell["since"]) for cell in cells] == [(True, None), *[(False, None)] * 3]


def refusal() -> dict[str, Any]:
    return {**failed_row("access_denied", "no", "ListMembers", account_id=ADMINISTRATOR), "email": None}


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        # What is read again as it was read last has its time. That of what could not be read is another.
        ([[], [], [refusal()], []], [None, "1", None, "1"]),
        ([[], [refusal()], [refusal()], []], [None, None, "2", "1"]),
        # Another standing is another gap, whatever was between.
        ([[member(status="Removed", updated_at=None)], [refusal()], []], [None, None, None]),
        # Nobody knows what was there before.
        ([[refusal()], [], []], [None, None, "2"]),
        ([[member()], [refusal()], [], []], [None, None, None, "3"]),
        # AWS's own time is better.
        ([[], [refusal()], [member(status="Created")]], [None, None, "2026-02-02"]),
        # What was mended in between is another gap.
        ([[], [], [refusal()], [member()], [], []], [None, "1", None, None, None, "5"]),
    ],
)
def test_gap_keeps_its_time_over_runs_in_which_its_place_could_not_be_read(
    tmp_path: Path, runs: list[list[dict[str, Any]]], told: list[str | None]
) -> None:
    path, since = tmp_path / "report.json", []
    for number, members in enumerate(runs, 1):
        baseline = read_baseline(str(path), ADMINISTRATOR) if number > 1 else None
        results = {"guardduty": {"members": {"members": members}}}
        done = build_report(INVENTORY, results, ADMINISTRATOR, [EAST], str(number), None, baseline)
        path.write_text(json.dumps(done), encoding="utf-8")
        since.append(done["accounts"][0]["cells"][0]["since"])
    assert since == told


def test_place_that_cannot_be_read_tells_what_was_read_there_last() -> None:
    gap = {**GAP, "account_id": SEARCH, "since": None}
    unread = {**gap, "standing": "unreadable", "last_read": {"standing": "pending", "since": "2025-12-12"}}
    for before, last_read in (
        (gap, {"standing": "pending", "since": "2026-01-31"}),
        (unread, unread["last_read"]),
        (None, None),
    ):
        baseline = {"generated_at": "2026-01-31", "places": {(SEARCH, "guardduty", EAST): before}}
        results = {"guardduty": {"members": {"members": [refusal()]}}}
        told = build_report(INVENTORY, results, ADMINISTRATOR, [EAST], "now", None, baseline)
        assert told["accounts"][0]["cells"][0]["last_read"] == last_read


def test_account_of_two_hosts_counts_once() -> None:
    hostvars = {name: {"report_account_id": SEARCH} for name in ("search", "search-again")}
    inventory = collect_accounts(list(hostvars), hostvars, list(hostvars))
    place = SEARCH, "guardduty", EAST
    baseline = {"generated_at": "2026-01-31", "places": {place: None}}
    told = build_report(
        inventory, {"guardduty": {"members": {"members": []}}}, ADMINISTRATOR, [EAST], "now", None, baseline
    )
    counts = told["summary"]["guardduty"][EAST]
    assert (counts["accounts"], counts["absent"], counts["gaps"], counts["gap_ids"]) == (1, 1, 1, [SEARCH])
    assert told["totals"] == {"accounts": 1, "covered": 0, "cells": 1, "gaps": 1, "unlisted": 0}
    assert told["baseline"]["new_gaps"] == 1
    # Each host is told, all the same.
    assert [account["host"] for account in told["accounts"]] == list(told["hosts"]) == list(hostvars)
    gaps = [{**GAP, "account_id": SEARCH, "region": region} for region in (EAST, WEST)]
    baseline = {"generated_at": "2026-01-31", "places": {(SEARCH, "guardduty", gap["region"]): gap for gap in gaps}}
    results = {"guardduty": {"members": {"members": [member(), member(region=WEST)]}}}
    told = build_report(inventory, results, ADMINISTRATOR, [EAST, WEST], "now", None, baseline)
    assert told["baseline"]["mended_gaps"] == [{**gap, "host": "search"} for gap in gaps]


@pytest.mark.parametrize("names", [("mine", "theirs"), ("theirs", "mine")])
def test_account_listed_for_two_administrators_is_listed(names: tuple[str, str]) -> None:
    administrators = {"mine": ADMINISTRATOR, "theirs": OTHER}
    hostvars = {name: {"report_account_id": SEARCH, "report_administrator_id": administrators[name]} for name in names}
    inventory = collect_accounts(["mine"], hostvars, list(hostvars))
    told = build_report(inventory, {"guardduty": {"members": {"members": [member()]}}}, ADMINISTRATOR, [EAST], "now")
    assert (told["unlisted"], told["accounts"][0]["standing"]) == ([], "member")


def test_every_code_that_is_the_reports_own_is_documented() -> None:
    """A row without one of AWS's reasons has the word for where the account stands in its place."""
    told = (Path(__file__).parents[4] / "docs" / "report.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z ]+)` \|", told, flags=re.MULTILINE))
    _work, administrators = report(member_side=False, regions=[EAST])
    rows = [row for row in administrators["rows"] if row["account_id"] == ADMINISTRATOR]
    for state, words in FACTS["guardduty"].words.items():
        for word in words if state is not State.ABSENT else [None]:
            rows += report(*([member(status=word)] if word else []), member_side=False, regions=[EAST])[1]["rows"][:1]
    codes = {row["reason_code"] for row in rows} - {reason.value for reason in Reason}
    assert {"member", "administrator", "pending", "failed", "suspended"} <= codes
    assert codes | {"not a member"} == documented
