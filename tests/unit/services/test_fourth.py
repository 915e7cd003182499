# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs run over a service that does not exist, defined by facts and adapter alone: the engine knows no service.

What the engine decides for it in each state is in the engine's own tests, which take it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.administrator import (
    administrator_info_job,
    administrator_job,
)
from ansible_collections.muster.aws.plugins.module_utils._jobs.members import member_info_job, member_job
from ansible_collections.muster.aws.plugins.module_utils._jobs.service import service_job
from ansible_collections.muster.aws.plugins.module_utils._jobs.task import Job, Task
from ansible_collections.muster.aws.plugins.module_utils._membership.port import TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report
from ansible_collections.muster.aws.tests.services.fourth.adapter import FOURTH
from ansible_collections.muster.aws.tests.services.fourth.cloud import CALLER, Cloud
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import A, B, C, FakeClock, ids_of

DEFAULTS = {
    "state": "present",
    "via": "invitation",
    "invite": True,
    "reinvite_resigned": False,
    "purge_members": False,
    "purge_limit": 10,
    "concurrency": 4,
    "wait": True,
    "wait_timeout": 60,
    "member_ids": None,
    "account_ids": None,
    "role_name": None,
    "role_session_name": "muster",
    "external_id": None,
    "administrator_id": CALLER,
    "enable_service": True,
    "replace_administrator": False,
    "enabled": True,
}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FOURTH.facts)


def run(job: Any, cloud: Cloud, carry_out: bool = True, **options: Any) -> Report:
    bound: Job = lambda task: job(FOURTH, task)  # noqa: E731  # a job is what takes a task alone
    clock = FakeClock().as_clock()
    connect: Any = lambda: cloud  # noqa: E731
    return bound(Task({**DEFAULTS, **options}, ["us-east-1"], connect, clock, carry_out))


def members(*account_ids: str) -> list[dict[str, str]]:
    return [{"account_id": account_id} for account_id in account_ids]


def seen(report: Report, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in report.rows]


def test_members_are_created_and_invited_by_one_call_of_100(cloud: Cloud) -> None:
    ids = ids_of(150)
    predicted = run(member_job, cloud, carry_out=False, members=members(*ids))
    assert [operation for operation, _count in cloud.operations] == ["ReadAccounts"] * 2
    report = run(member_job, cloud, members=members(*ids))
    assert {row["outcome"] for row in report.rows} == {"changed"}
    assert seen(report, "status", "actions") == seen(predicted, "status", "actions") == [("ASKED", ["create"])] * 150
    assert [(a["operation"], len(a["account_ids"])) for a in report.actions] == [
        ("AskAccounts", 100),
        ("AskAccounts", 50),
    ]
    writes = [call for call in cloud.operations if call[0] == "AskAccounts"]
    assert writes == [("AskAccounts", 100), ("AskAccounts", 50)]
    assert report.warnings == ["us-east-1/Fourth does not tell who left or declined: such an account is invited again"]
    cloud.log.clear()
    again = run(member_job, cloud, members=members(*ids))
    assert {row["outcome"] for row in again.rows} == {"unchanged"}
    assert cloud.operations == [("ReadAccounts", 100), ("ReadAccounts", 50)]


def test_member_that_is_on_its_way_by_itself_is_waited_for(cloud: Cloud) -> None:
    cloud.joining = {A}
    report = run(member_job, cloud, members=members(A), via="organization")
    assert seen(report, "status", "outcome") == [("JOINED", "changed")]
    read = ("ReadAccounts", 1)
    assert cloud.operations == [read, ("ReadOrganization", 0), ("AskAccounts", 1), read, read]


@pytest.mark.parametrize("state", ["disassociated", "absent"])
def test_member_is_ended_and_deleted_by_one_call(state: str, cloud: Cloud) -> None:
    cloud.members = {A: "JOINED", B: "ASKED"}
    report = run(member_job, cloud, members=members(A, B, C), state=state)
    assert seen(report, "status", "actions") == [(None, ["delete"]), (None, ["delete"]), (None, [])]
    assert cloud.members == {}


def test_refusal_of_one_account_is_its_own_in_a_batch_and_alone(cloud: Cloud) -> None:
    cloud.refusals = {("AskAccounts", A): "Not this one.", ("LullAccount", B): "Not now."}
    cloud.members = {B: "JOINED", C: "JOINED"}
    report = run(member_job, cloud, members=members(A, B, C), monitoring="suspended")
    assert seen(report, "account_id", "status", "outcome", "reason") == [
        (A, None, "failed", "Not this one."),
        (B, "JOINED", "failed", "NopeException: Not now."),
        (C, "SLEEPING", "changed", None),
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"invite": False}, "invite=false is not possible: Fourth invites an account as it creates its record"),
        ({"invitation_message": "Hello"}, "invitation_message 'Hello' must be small letters"),
    ],
)
def test_what_the_service_does_not_have_is_told_before_any_call(
    options: Mapping[str, Any], text: str, cloud: Cloud
) -> None:
    with pytest.raises(TaskFailed, match=text):
        run(member_job, cloud, members=members(A), **options)
    assert cloud.log == []


def test_purge_reads_the_list_without_a_paginator_of_the_sdk(cloud: Cloud) -> None:
    cloud.members = {A: "JOINED", B: "JOINED"}
    report = run(member_job, cloud, members=members(A), purge_members=True)
    assert seen(report, "account_id", "actions") == [(A, []), (B, ["delete"])]
    assert cloud.operations[0] == ("ListAccounts", 0)


def test_service_off_in_the_administrator_is_told_by_the_services_own_words(cloud: Cloud) -> None:
    cloud.watches = {}
    report = run(member_job, cloud, members=members(A))
    assert seen(report, "outcome", "reason_code") == [("failed", "service_not_enabled")]


def test_info_lists_all_or_looks_up_some(cloud: Cloud) -> None:
    cloud.members = {A: "JOINED", B: "ASKED"}
    assert seen(run(member_info_job, cloud), "account_id", "status") == [(A, "JOINED"), (B, "ASKED")]
    assert seen(run(member_info_job, cloud, member_ids=[B, C]), "account_id", "status") == [(B, "ASKED"), (C, None)]


def test_administrator_switches_on_accepts_and_leaves(cloud: Cloud) -> None:
    cloud.members = {A: "ASKED"}
    there = {"account_ids": [A], "role_name": "Muster"}
    [row] = run(administrator_job, cloud, **there).rows
    assert (row["actions"], row["status"], row["administrator_id"]) == (["enable_service", "accept"], "JOINED", CALLER)
    [row] = run(administrator_info_job, cloud, **there).rows
    assert (row["status"], [each["invitation_id"] for each in row["invitations"]]) == ("JOINED", ["n1"])
    [row] = run(administrator_job, cloud, **there, state="absent").rows
    assert (row["actions"], row["status"]) == (["leave"], None)


def test_service_is_switched_on_paused_and_off_with_its_own_words(cloud: Cloud) -> None:
    cloud.watches = {}
    keys = ("watch_name", "previous_status", "status", "enabled", "actions")
    assert seen(run(service_job, cloud), *keys) == [("w1", None, "AWAKE", True, ["enable_service"])]
    paused = ("w1", "AWAKE", "DORMANT", False, ["update_service"])
    assert seen(run(service_job, cloud, carry_out=False, enabled=False), *keys) == [paused]
    assert seen(run(service_job, cloud, enabled=False), *keys) == [paused]
    assert seen(run(service_job, cloud, state="absent"), *keys) == [(None, "DORMANT", None, None, ["disable_service"])]
    assert "tags" not in run(service_job, cloud).rows[0]
