# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report role tells of each account, in every state that its record can have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS
from ansible_collections.muster.aws.plugins.plugin_utils._report import (
    COVERED,
    LABELS,
    build_report,
    collect_accounts,
    read_baseline,
)

ADMINISTRATOR, OTHER_ADMINISTRATOR = "111111111111", "999999999999"
ACCOUNT, ANOTHER = "012345678901", "222222222222"
REGION, OTHER_REGION = "us-east-1", "eu-central-1"


def member(account_id: str = ACCOUNT, status: str | None = "Enabled", **values: Any) -> dict[str, Any]:
    row = {"account_id": account_id, "region": REGION, "email": f"{account_id}@example.com", "status": status}
    told = {"outcome": "unchanged", "reason_code": None, "reason": None, "invited_at": None, "updated_at": "2026-01-01"}
    return {**row, **told, **values}


def own_view(account_id: str = ACCOUNT, holder: str | None = None, **values: Any) -> dict[str, Any]:
    row = {"account_id": account_id, "region": REGION, "administrator_id": holder, "status": holder and "Enabled"}
    told = {"outcome": "unchanged", "reason_code": None, "reason": None}
    inviters = values.pop("invited_by", ())
    invitations = [{"administrator_id": inviter} for inviter in inviters]
    return {**row, **told, "invitations": invitations, **values}


def report_on(
    members: list[dict[str, Any]] | dict[str, Any],
    own_views: list[dict[str, Any]] | None = None,
    hostvars: dict[str, dict[str, Any]] | None = None,
    hosts: list[str] | None = None,
    service: str = "guardduty",
    regions: Any = (REGION,),
    generated_at: str = "2026-01-01 00:00 UTC",
    baseline: dict[str, Any] | None = None,
) -> dict[str, Any]:
    hostvars = {"workload": {"onboard_account_id": ACCOUNT}} if hostvars is None else hostvars
    inventory = collect_accounts(hosts or list(hostvars), hostvars, list(hostvars))
    result = {"members": members} if isinstance(members, list) else members
    results = {"members": result, "administrators": {"administrators": own_views} if own_views else {}}
    return build_report(inventory, {service: results}, ADMINISTRATOR, regions, generated_at, None, baseline)


def cell_of(*arguments: Any, **options: Any) -> dict[str, Any]:
    return report_on(*arguments, **options)["accounts"][0]["cells"][0]


def test_collect_accounts_takes_report_variables_then_those_of_onboard_then_the_name():
    hostvars = {
        "a": {"report_account_id": ACCOUNT, "onboard_account_id": ANOTHER, "onboard_account_email": "a@example.com"},
        "b": {"onboard_account_id": ANOTHER, "onboard_administrator_id": int(ADMINISTRATOR)},
        "333333333333": {},
        "limited-away": {"onboard_account_id": "444444444444"},
        "server": {},
    }
    collected = collect_accounts(["a", "b", "333333333333"], hostvars, list(hostvars))
    assert collected["account_ids"] == [ACCOUNT, ANOTHER, "333333333333"]
    assert collected["accounts"][0]["email"] == "a@example.com"
    assert set(collected["listed"]) == {ACCOUNT, ANOTHER, "333333333333", "444444444444"}


@pytest.mark.parametrize("service", FACTS)
@pytest.mark.parametrize("state", State)
def test_build_report_every_state_has_a_standing_and_every_gap_a_reason_and_a_next_step(service: str, state: State):
    facts = FACTS[service]
    words = {State.ABSENT: (None,), State.UNKNOWN: ("Surprise",)}.get(state, facts.words.get(state, ()))
    for word in words:
        cell = cell_of([member(status=word)], service=service)
        assert cell["standing"] in LABELS
        assert cell["status"] == word
        is_gap = cell["standing"] not in COVERED
        assert is_gap == (state is not State.ENABLED)
        assert bool(cell["reason"]) is bool(cell["next_step"]) is is_gap


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("Enabled", "member"),
        ("ENABLED", "member"),
        ("Disabled", "suspended"),
        ("Created", "pending"),
        ("Invited", "pending"),
        ("EmailVerificationInProgress", "pending"),
        ("EmailVerificationFailed", "failed"),
        ("Removed", "failed"),
        ("Resigned", "failed"),
        ("AccountSuspended", "failed"),
        ("Surprise", "failed"),
    ],
)
def test_build_report_status_gives_standing(status: str, standing: str):
    assert cell_of([member(status=status)])["standing"] == standing


def test_build_report_account_without_a_record_is_absent_and_the_administrator_is_itself():
    hostvars = {"new": {"onboard_account_id": ANOTHER}, "audit": {"onboard_account_id": ADMINISTRATOR}}
    accounts = report_on([member()], hostvars=hostvars)["accounts"]
    assert [account["standing"] for account in accounts] == ["absent", "administrator"]
    assert [account["gaps"] for account in accounts] == [1, 0]


def test_build_report_an_id_that_cannot_be_used_is_told_for_that_host_alone():
    hostvars = {"typo": {"onboard_account_id": 12345678901}, "fine": {"onboard_account_id": ACCOUNT}}
    typo, fine = report_on([member()], hostvars=hostvars)["accounts"]
    assert typo["cells"][0]["reason_code"] == "invalid_input"
    assert "quote it" in typo["cells"][0]["reason"]
    assert fine["standing"] == "member"


def test_build_report_region_that_failed_is_unreadable_for_every_account():
    failed = member(ADMINISTRATOR, None, outcome="failed", reason_code="service_not_enabled", reason="it is off")
    report = report_on([failed])
    assert report["accounts"][0]["cells"][0]["standing"] == "unreadable"
    assert report["accounts"][0]["cells"][0]["reason"] == "it is off"
    assert [(row["region"], row["reason_code"]) for row in report["problems"]] == [(REGION, "service_not_enabled")]
    assert report["unlisted"] == []


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"msg": "boto3 is missing"}, "boto3 is missing"),
        ({"msg": "GuardDuty: nothing was sent", "members": []}, "GuardDuty: nothing was sent"),
        ({"skipped": True}, "the members were not read"),
        ({}, "the members were not read"),
    ],
)
def test_build_report_task_that_failed_as_a_whole_is_told(result: dict[str, Any], text: str):
    cell = cell_of(result)
    assert (cell["standing"], cell["reason_code"], cell["reason"]) == ("unreadable", "other", text)


def test_build_report_region_without_members_is_read_and_empty():
    assert cell_of({"members": [], "changed": False})["standing"] == "absent"


def test_build_report_regions_are_sorted_once_each():
    assert report_on([member()], regions=[REGION, OTHER_REGION, REGION])["regions"] == [OTHER_REGION, REGION]


def test_build_report_members_nobody_listed_are_those_of_no_host_of_this_administrator():
    hostvars = {
        "workload": {"onboard_account_id": ACCOUNT},
        "limited-away": {"onboard_account_id": ANOTHER, "onboard_administrator_id": ADMINISTRATOR},
        "elsewhere": {"onboard_account_id": "333333333333", "onboard_administrator_id": OTHER_ADMINISTRATOR},
    }
    members = [member(ACCOUNT), member(ANOTHER), member("333333333333"), member("444444444444", "Invited")]
    report = report_on(members, hostvars=hostvars, hosts=["workload"])
    assert [(row["account_id"], row["host"], row["listed_for"]) for row in report["unlisted"]] == [
        ("333333333333", "elsewhere", OTHER_ADMINISTRATOR),
        ("444444444444", None, None),
    ]
    assert report["summary"]["guardduty"][REGION]["unlisted_ids"] == ["333333333333", "444444444444"]
    assert report["totals"] == {"accounts": 1, "covered": 1, "cells": 1, "gaps": 0, "unlisted": 2}


def test_build_report_suspended_accounts_are_those_that_aws_tells_of():
    hostvars = {name: {"onboard_account_id": ids} for name, ids in {"a": ACCOUNT, "b": ANOTHER}.items()}
    told = {"outcome": "failed", "reason_code": "account_suspended", "reason": "account is suspended"}
    members = [member(ACCOUNT, "AccountSuspended"), member("333333333333", "AccountSuspended")]
    report = report_on(members, [own_view(ANOTHER, **told)], hostvars)
    assert [(row["account_id"], row["host"]) for row in report["suspended_accounts"]] == [
        (ACCOUNT, "a"),
        (ANOTHER, "b"),
        ("333333333333", None),
    ]


def test_build_report_suspended_administrator_does_not_make_all_accounts_suspended():
    told = {"outcome": "failed", "reason_code": "account_suspended", "reason": "account is suspended"}
    assert report_on([member(ADMINISTRATOR, None, **told)])["suspended_accounts"] == []


OFF = {"reason_code": "service_not_enabled", "reason": "the service is off in this account and Region"}
LOCKED = {"outcome": "failed", "reason_code": "assume_role_failed", "reason": "AccessDenied"}


@pytest.mark.parametrize(
    ("status", "view", "standing", "reason_code", "note"),
    [
        ("Enabled", own_view(holder=ADMINISTRATOR), "member", None, None),
        ("Enabled", own_view(holder=OTHER_ADMINISTRATOR), "member", None, f"sees administrator {OTHER_ADMINISTRATOR}"),
        ("Enabled", own_view(), "member", None, "sees no administrator"),
        ("Enabled", own_view(**LOCKED), "member", None, "could not be read: AccessDenied"),
        ("Disabled", own_view(holder=ADMINISTRATOR), "suspended", None, None),
        (None, own_view(), "absent", None, None),
        (None, own_view(holder=OTHER_ADMINISTRATOR), "failed", "member_of_other_administrator", None),
        (None, own_view(invited_by=[OTHER_ADMINISTRATOR]), "absent", None, f"invited by {OTHER_ADMINISTRATOR}"),
        (None, own_view(**OFF), "absent", None, "GuardDuty is off in the account"),
        ("Invited", own_view(invited_by=[ADMINISTRATOR]), "pending", None, None),
        ("Invited", own_view(holder=ADMINISTRATOR), "pending", None, "sees this administrator as its own"),
        ("Resigned", own_view(**LOCKED), "failed", "resigned", "could not be read"),
    ],
)
def test_build_report_own_view_explains(
    status: str | None, view: dict[str, Any], standing: str, reason_code: str | None, note: str | None
):
    cell = cell_of([member(status=status)], [view])
    assert (cell["standing"], cell["reason_code"]) == (standing, reason_code)
    assert (note in cell["note"]) if note else cell["note"] is None


def test_build_report_hosts_are_told_in_words_of_this_collection_only():
    """ansible-core before 2.19 would take braces in a kept text for a template."""
    report = report_on([member(status="{{ 7 * 7 }}")])
    assert report["hosts"] == {"workload": {"gaps": 1, "text": "GuardDuty: failed (unknown_status) in us-east-1"}}
    assert "{{" not in str(report["summary"])


def test_build_report_of_no_accounts_is_empty():
    report = report_on([], hostvars={})
    assert report["totals"] == {"accounts": 0, "covered": 0, "cells": 0, "gaps": 0, "unlisted": 0}


def test_build_report_a_gap_has_the_time_since_when_it_is_one():
    invited = member(status="Invited", invited_at="2025-12-24", updated_at="2025-12-31")
    assert cell_of([invited])["since"] == "2025-12-24"
    assert cell_of([member(status="Resigned", updated_at="2025-12-31")])["since"] == "2025-12-31"
    assert cell_of([member()])["since"] is None
    assert cell_of([])["since"] is None


@pytest.fixture
def saved(tmp_path: Path):
    """Write a report as the role does, and read it as a baseline."""

    def save(report: dict[str, Any], **changes: Any) -> dict[str, Any]:
        file = tmp_path / "earlier.json"
        file.write_text(json.dumps({**report, **changes}))
        return read_baseline(str(file), ADMINISTRATOR)

    return save


HOSTS = {name: {"onboard_account_id": f"{number:012}"} for number, name in enumerate("abcd", 1)}


def test_build_report_tells_new_and_mended_gaps_against_an_earlier_one(saved):
    a, b, c, _d = (host["onboard_account_id"] for host in HOSTS.values())
    earlier = report_on([member(a), member(b, "Created"), member(c, "Resigned", updated_at=None)], hostvars=HOSTS)
    now = report_on(
        [member(a, "Resigned"), member(b), member(c, "Resigned", updated_at=None)],
        hostvars=HOSTS,
        generated_at="2026-01-08 00:00 UTC",
        baseline=saved(earlier),
    )
    cells = {account["host"]: account["cells"][0] for account in now["accounts"]}
    assert {host: cell["is_new"] for host, cell in cells.items()} == {"a": True, "b": None, "c": False, "d": False}
    assert now["baseline"]["new_gaps"] == 1
    assert [(gap["host"], gap["status"]) for gap in now["baseline"]["mended_gaps"]] == [("b", "Created")]
    # Where AWS has no time, it is at least as old as the report that has it; and stays so.
    assert cells["c"]["since"] == cells["d"]["since"] == "2026-01-01 00:00 UTC"
    later = report_on([], hostvars=HOSTS, generated_at="2026-01-15 00:00 UTC", baseline=saved(now))
    assert later["accounts"][3]["cells"][0]["since"] == "2026-01-01 00:00 UTC"


def test_build_report_takes_a_baseline_of_before_there_were_any(saved):
    earlier = report_on([member(ACCOUNT, "Created")])
    for account in earlier["accounts"]:
        for cell in account["cells"]:
            del cell["since"], cell["is_new"]
    assert report_on([member()], baseline=saved(earlier))["baseline"]["mended_gaps"][0]["status"] == "Created"


def test_build_report_a_gap_of_an_account_that_is_not_asked_any_more_is_not_mended(saved):
    earlier = report_on([], hostvars=HOSTS)
    now = report_on([], hostvars={"a": HOSTS["a"]}, baseline=saved(earlier))
    assert now["baseline"]["mended_gaps"] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file"),
        ("not JSON", "is not a report of this role"),
        ("[]", "is not a report of this role"),
        ('{"accounts": [{}], "generated_at": ""}', "is not a report of this role"),
        ('{"accounts": [], "generated_at": "", "administrator_id": "999999999999"}', "is about administrator 999"),
    ],
)
def test_read_baseline_refuses_what_is_no_report_on_this_administrator(tmp_path: Path, text: str | None, told: str):
    file = tmp_path / "earlier.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=told):
        read_baseline(str(file), ADMINISTRATOR)


def test_read_baseline_of_a_user_who_is_not_there_cannot_be_read():
    with pytest.raises(ValueError, match="~nobody-of-this-name/x.json cannot be read: No such file"):
        read_baseline("~nobody-of-this-name/x.json", ADMINISTRATOR)


@pytest.mark.parametrize(
    ("monitoring", "standing", "gaps"),
    [(None, "suspended", 1), ("enabled", "suspended", 1), ("suspended", "member", 0)],
)
def test_build_report_a_suspended_member_is_a_gap_unless_that_is_wanted(monitoring: str | None, standing, gaps):
    inventory = collect_accounts(["a"], {"a": {"onboard_account_id": ACCOUNT}}, ["a"])
    results = {"guardduty": {"members": {"members": [member(ACCOUNT, "Disabled")]}}}
    report = build_report(inventory, results, ADMINISTRATOR, [REGION], "", monitoring=monitoring)
    cell = report["accounts"][0]["cells"][0]
    assert (cell["standing"], cell["status"], report["totals"]["gaps"]) == (standing, "Disabled", gaps)
    assert ("onboard_monitoring=enabled" in str(cell["next_step"])) == bool(gaps)


@pytest.mark.parametrize(
    ("status", "advised"),
    [("EmailVerificationFailed", "onboard_replace_failed=true"), ("Resigned", "onboard_reinvite_resigned=true")],
)
def test_build_report_advises_in_the_variables_of_the_role_that_closes_the_gap(status: str, advised: str):
    assert advised in cell_of([member(status=status)])["next_step"]
