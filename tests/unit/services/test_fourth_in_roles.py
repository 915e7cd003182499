# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles' work over the service that does not exist: a line in the registry is all that they need of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs.administrator import (
    administrator_info_job,
    administrator_job,
)
from ansible_collections.muster.aws.plugins.module_utils._jobs.members import member_info_job, member_job
from ansible_collections.muster.aws.plugins.module_utils._jobs.service import service_job
from ansible_collections.muster.aws.plugins.module_utils._membership.port import TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._services import registry
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import batch_of, collect_accounts
from ansible_collections.muster.aws.plugins.plugin_utils._offboard import offboard_batch
from ansible_collections.muster.aws.plugins.plugin_utils._onboard import onboard_batch
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import Stop, check_service
from ansible_collections.muster.aws.plugins.plugin_utils._report import collect_accounts as collect_listed
from ansible_collections.muster.aws.plugins.plugin_utils._report_job import report_batch
from ansible_collections.muster.aws.plugins.plugin_utils._roles import ROLES
from ansible_collections.muster.aws.plugins.plugin_utils._summary import Ending, render_markdown, summary_lines
from ansible_collections.muster.aws.tests.canned import InTurn
from ansible_collections.muster.aws.tests.services.fourth.adapter import FOURTH
from ansible_collections.muster.aws.tests.services.fourth.cloud import CALLER, Cloud
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import A, B, C, ids_of
from ansible_collections.muster.aws.tests.unit.services.test_fourth import run

REGIONS = ["us-east-1"]
OPTIONS: dict[str, Any] = {
    "administrator_id": CALLER,
    "regions": REGIONS,
    "services": ["fourth"],
    "concurrency": 4,
    "via": "invitation",
    "member_role_name": "Member",
    "enable_services": True,
    "reinvite_resigned": False,
    "wait_timeout": 60,
}
MODULES = {
    "fourth_member": (member_job, "members"),
    "fourth_member_info": (member_info_job, "members"),
    "fourth_administrator": (administrator_job, "administrators"),
    "fourth_administrator_info": (administrator_info_job, "administrators"),
    "fourth_watch": (service_job, "watches"),
}


class Work(InTurn):
    """Runs the service's modules over a cloud in memory, as far as a job is one."""

    def __init__(self, cloud: Cloud, is_check: bool = False) -> None:
        self.cloud, self.is_check = cloud, is_check

    def run(self, module: str, **options: Any) -> dict[str, Any]:
        job, key = MODULES[module]
        given = {name: value for name, value in options.items() if value is not None and name != "regions"}
        try:
            report = run(job, self.cloud, carry_out=not self.is_check, **given)
        except TaskFailed as failure:
            return {"failed": True, "msg": str(failure), "unprocessed_accounts": []}
        message = {"failed": True, "msg": report.describe_failures("Fourth")} if report.unprocessed else {}
        return {key: report.rows, "unprocessed_accounts": report.unprocessed, **message}

    def say(self, _text: str) -> None:
        """Nobody listens."""

    def sleep(self, _seconds: float) -> None:
        """Time does not pass here."""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    services: Any = registry.SERVICES
    services["fourth"] = FOURTH.facts
    yield
    del services["fourth"]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(FOURTH.facts)


def batch(*account_ids: str) -> dict[str, Any]:
    hosts = {f"host-{account_id}": {"account_id": account_id, "email": None} for account_id in account_ids}
    return batch_of(collect_accounts(hosts, ["fourth"]), hosts, ["fourth"])


def onboard(cloud: Cloud, *account_ids: str, is_check: bool = False, **options: Any) -> dict[str, Any]:
    work = Work(cloud, is_check)
    switched_on = work.run("fourth_watch")
    return onboard_batch(work, {**OPTIONS, **options}, batch(*account_ids), {"fourth": switched_on})


def seen(result: dict[str, Any], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in sorted(result["rows"], key=lambda row: row["account_id"])]


STEPS = ["create", "enable_service", "accept"]


def test_accounts_become_members_and_a_second_run_writes_nothing(cloud: Cloud) -> None:
    ids = ids_of(150)
    first = onboard(cloud, *ids)
    assert seen(first, "status", "actions", "failed") == [("JOINED", STEPS, False)] * 150
    assert all(verdict["changed"] and not verdict["failed"] for verdict in first["hosts"].values())
    assert [count for operation, count in cloud.operations if operation == "AskAccounts"] == [100, 50]
    cloud.log.clear()
    again = onboard(cloud, *ids)
    assert seen(again, "status", "actions", "failed") == [("JOINED", [], False)] * 150
    assert {operation for operation, _count in cloud.operations} == {"ReadWatch", "ReadAccounts"}


@pytest.mark.parametrize("is_on", [True, False])
def test_check_mode_foresees_what_the_run_does(is_on: bool, cloud: Cloud) -> None:
    cloud.watches = {CALLER: "AWAKE"} if is_on else {}
    keys = ("account_id", "status", "previous_status", "actions", "failed")
    foreseen = onboard(cloud, A, B, is_check=True)
    assert cloud.members == {} and (CALLER in cloud.watches) is is_on
    done = onboard(cloud, A, B)
    assert (
        seen(foreseen, *keys)
        == seen(done, *keys)
        == [(A, "JOINED", None, STEPS, False), (B, "JOINED", None, STEPS, False)]
    )


def test_new_members_are_paused_in_the_same_run_with_the_services_own_word(cloud: Cloud) -> None:
    foreseen = onboard(cloud, A, is_check=True, monitoring="suspended")
    done = onboard(cloud, A, monitoring="suspended")
    expected = [("SLEEPING", [*STEPS, "stop_monitoring"], False)]
    assert seen(foreseen, "status", "actions", "failed") == seen(done, "status", "actions", "failed") == expected
    unasked = onboard(cloud, A)
    assert seen(unasked, "status", "reason_code") == [("SLEEPING", "suspended")]
    assert unasked["hosts"][f"host-{A}"]["failed"]


def test_refusal_is_its_hosts_alone_and_the_summary_names_it(cloud: Cloud) -> None:
    cloud.refusals = {("AskAccounts", B): "Not this one."}
    result = onboard(cloud, A, B, C)
    assert seen(result, "account_id", "status", "reason") == [
        (A, "JOINED", None),
        (B, None, "Not this one."),
        (C, "JOINED", None),
    ]
    ending = Ending("Onboarding", "onboard_", list(result["hosts"]), REGIONS, CALLER, result["rows"], result["hosts"])
    text = "\n".join(summary_lines(ending, [], []))
    assert f"hosts: host-{B}" in text and "Not this one." in text and "Fourth" in text
    assert "| Fourth | 3 | 2 | 2 | 1 |" in render_markdown(ending)


def test_message_of_the_service_is_checked_by_its_own_rules(cloud: Cloud) -> None:
    result = onboard(cloud, A, invitation_message="Hello")
    assert seen(result, "failed", "reason") == [
        (True, "nothing was sent: invitation_message 'Hello' must be small letters")
    ]
    assert cloud.members == {}


def test_administrator_with_the_service_off_is_looked_at_before_anything_is_sent(cloud: Cloud) -> None:
    cloud.watches = {}
    result = Work(cloud, is_check=True).run("fourth_watch")
    check_service(ROLES["onboard"], OPTIONS, "fourth", result, None)
    with pytest.raises(Stop, match="the credentials belong to account"):
        check_service(ROLES["onboard"], {**OPTIONS, "administrator_id": A}, "fourth", result, None)
    assert cloud.watches == {}


def test_accounts_leave_and_the_service_goes_off_in_them(cloud: Cloud) -> None:
    onboard(cloud, A, B, C)
    options = {**OPTIONS, "state": "absent", "disable_services": True}
    foreseen = offboard_batch(Work(cloud, is_check=True), options, batch(A, B))
    done = offboard_batch(Work(cloud), options, batch(A, B))
    expected = [(account_id, "absent", "JOINED", ["delete", "disable_service"], False) for account_id in (A, B)]
    keys = ("account_id", "status", "previous_status", "actions", "failed")
    assert seen(foreseen, *keys) == seen(done, *keys) == expected
    assert cloud.members == {C: "JOINED"} and cloud.watches.keys() == {CALLER, C}


def test_report_tells_members_gaps_and_strangers(cloud: Cloud) -> None:
    onboard(cloud, A)
    onboard(cloud, B, C, monitoring="suspended")
    del cloud.members[B]
    cloud.members["999999999999"] = "JOINED"
    rows = {
        f"host-{account_id}": {
            "report_account_id": account_id,
            "report_account_email": None,
            "report_administrator_id": CALLER,
        }
        for account_id in (A, B, C)
    }
    options = {**OPTIONS, "member_side": True, "fail_on_gaps": True}
    listed = collect_listed(list(rows), rows, list(rows))
    result = report_batch(Work(cloud), options, listed, f"arn:aws:iam::{CALLER}:root", "now")
    assert {host: verdict["failed"] for host, verdict in result["hosts"].items()} == {
        f"host-{A}": False,
        f"host-{B}": True,
        f"host-{C}": True,
    }
    totals = result["report"]["totals"]
    assert (totals["covered"], totals["gaps"], totals["unlisted"]) == (1, 2, 1)


def test_results_of_nobody_are_none(cloud: Cloud) -> None:
    result = onboard_batch(Work(cloud), OPTIONS, batch(), {"fourth": {}})
    assert (result["hosts"], result["rows"], cloud.log) == ({}, [], [])
