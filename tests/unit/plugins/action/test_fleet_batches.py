# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done once for a batch, and what of that each host is told."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.muster.aws.plugins.action import fleet
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs
from ansible_collections.muster.aws.tests.unit.plugins.action.stand_in_play import (
    ACCOUNTS,
    StandInPlay,
    stand_in_play,
    verdict,
)

HOSTS = list(ACCOUNTS)
PLAN: Mapping[str, Any] = MappingProxyType(
    {
        "hosts": HOSTS,
        "stopped": None,
        "untouched": "Nothing was sent",
        "options": {"services": ["guardduty"], "regions": ["us-east-1"]},
        "secrets": ["external_id"],
        "switched_on": {"guardduty": {"detectors": []}},
        "caller_arn": "arn",
        "inventory": {"accounts": []},
        "accounts": {"accounts": ACCOUNTS, "addresses": dict.fromkeys(ACCOUNTS), "emails": {}, "faults": {}},
    }
)
OF_ALL: Mapping[str, Any] = MappingProxyType(
    {
        "accounts": ACCOUNTS,
        "members": {
            "guardduty": [{"account_id": account_id, "email": None} for account_id in sorted(ACCOUNTS.values())]
        },
        "faults": {host: {} for host in HOSTS},
    }
)
SAID = MappingProxyType({"_ansible_verbose_override": True})


@pytest.fixture
def play_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., StandInPlay]:
    """Return what makes a play of which the preflight was done."""

    def make(role: str, **plan: Any) -> StandInPlay:
        play = stand_in_play(monkeypatch, tmp_path, role)
        Runs(str(tmp_path), role).begin("use", HOSTS).keep_plan({**PLAN, **plan})
        return play

    return make


class TaskTimeoutError(BaseException):
    """As Ansible's, which is no Exception either."""


class Work:
    """Stands in for what is done with a batch: keeps what it was given, and returns verdicts."""

    def __init__(self, **verdicts: Any) -> None:
        self.result: dict[str, Any] = {"hosts": verdicts, "rows": []}
        self.given: list[tuple[Any, ...]] = []
        self.work: Any = None

    def __call__(self, work: Any, *given: Any) -> dict[str, Any]:
        self.work = work
        self.given.append(given)
        return self.result


def test_batch_is_onboarded_with_its_accounts_and_the_secrets_of_its_hosts(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch
) -> None:
    play, work = play_of("onboard"), Work(search=verdict(True), payments=verdict(), audit=verdict(failed=True))
    monkeypatch.setattr(fleet, "onboard_batch", work)
    play.hosts["search"]["onboard_external_id"] = "secret"
    line = "batch 1 of 1: 3 of 3 accounts seen; in this batch 2 as wanted, 1 changed, 1 failed (audit)"
    assert play.step("batch") == {"changed": False, "msg": line, **SAID}
    assert play.told == [line]
    options = {**PLAN["options"], "external_id": "secret"}
    assert work.given == [(options, OF_ALL, PLAN["switched_on"])]
    assert list(play.run.batches()) == [work.result]


def test_batch_is_offboarded(play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch) -> None:
    play, work = play_of("offboard"), Work(payments=verdict(True))
    monkeypatch.setattr(fleet, "offboard_batch", work)
    play.defaults = {"offboard_external_id": "of the role"}
    play.hosts["payments"]["offboard_external_id"] = ""
    told = play.step("batch", "stranger", "payments")["msg"]
    assert told == "batch 1 of 2: 1 of 3 accounts seen; in this batch 1 as wanted, 1 changed, 0 failed"
    members = {"guardduty": [{"account_id": ACCOUNTS["payments"], "email": None}]}
    batch = {"accounts": {"payments": ACCOUNTS["payments"]}, "members": members, "faults": {"payments": {}}}
    assert work.given == [({**PLAN["options"], "external_id": None}, batch)]
    assert work.work.is_check is False


@pytest.mark.parametrize(
    ("is_check", "problems", "unread"), [(False, [], ""), (True, [{}], ", as far as it could be read")]
)
def test_report_is_made_and_written_unless_nothing_may_be(
    play_of: Callable[..., StandInPlay],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    is_check: bool,
    problems: list[Any],
    unread: str,
) -> None:
    play, work = play_of("report"), Work(**{host: verdict() for host in HOSTS})
    totals = {"accounts": 1200, "covered": 1100, "cells": 1, "gaps": 1, "unlisted": 2}
    report = {"totals": totals, "summary": {"guardduty": {}}, "problems": problems}
    work.result["report"] = report
    path = tmp_path / "report.html"
    written: list[Any] = []

    def write(*given: Any) -> dict[str, str]:
        written.append(given)
        return {str(path): "käse"}

    monkeypatch.setattr(fleet, "report_batch", work)
    monkeypatch.setattr(fleet, "write_report", write)
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2026, 3, 4, 5, 6, 7, 0, 0, 0)))
    play.step("batch", is_check=is_check)
    options = {**PLAN["options"], "external_id": None}
    assert work.given == [(options, PLAN["inventory"], "arn", "2026-03-04 05:06 UTC")]
    assert work.work.is_check is is_check
    note = f"1,100 of 1,200 accounts without a gap, 1 gap, 2 members that the inventory does not list{unread}"
    unwritten = ["the page, the CSV and the JSON are not written in check mode"]
    [kept] = play.run.batches()
    assert kept == {
        "hosts": {host: verdict() for host in HOSTS},
        "rows": [],
        "stats": {"guardduty": {}},
        "files": [] if is_check else [str(path)],
        "unwritten": [],
        "notes": [note, *(unwritten if is_check else [])],
    }
    assert path.exists() is not is_check
    if not is_check:
        page = Path(fleet.__file__).parents[2] / "roles" / "report" / "files"
        assert written == [(report, options, str(page))]
        assert path.read_text(encoding="utf-8") == "käse" and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_files_are_made_for_their_owner_alone_and_kept_where_they_are(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play, work = play_of("report"), Work(search=verdict())
    work.result["report"] = {
        "totals": {"accounts": 1, "covered": 1, "gaps": 0, "unlisted": 0},
        "summary": {},
        "problems": [],
    }
    monkeypatch.setenv("HOME", str(tmp_path))
    there = tmp_path / "there.csv"
    there.write_text("before", encoding="utf-8")
    there.chmod(0o644)
    (tmp_path / "link.csv").symlink_to(there)
    monkeypatch.setattr(fleet, "report_batch", work)
    monkeypatch.setattr(fleet, "write_report", lambda *_given: {"~/link.csv": "after", "~/new.json": "{}"})
    play.step("batch")
    assert there.read_text(encoding="utf-8") == "after" and stat.S_IMODE(there.stat().st_mode) == 0o600
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "new.json").read_text(encoding="utf-8") == "{}"
    assert next(play.run.batches())["files"] == ["~/link.csv", "~/new.json"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (AnsibleError("No."), "No."),
        (ValueError("Not so."), "Not so."),
        (KeyError("secret"), "unexpected KeyError"),
        (
            TaskTimeoutError("Timed out after 3 second(s)."),
            "Timed out after 3 second(s). What was under way was ended. Run again, with a longer timeout of the task. "
            "What AWS had accepted by then is not counted as changed",
        ),
    ],
)
def test_batch_that_ends_badly_fails_its_hosts_and_not_the_run(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch, error: BaseException, text: str
) -> None:
    def fail(*_given: Any) -> Any:
        raise error

    play = play_of("onboard")
    monkeypatch.setattr(fleet, "onboard_batch", fail)
    line = "batch 1 of 2: 2 of 3 accounts seen; in this batch 0 as wanted, 0 changed, 2 failed (search payments)"
    assert play.step("batch", "search", "payments")["msg"] == line
    failed = verdict(failed=True, text=text)
    [batch] = play.run.batches()
    assert batch["hosts"] == {"search": failed, "payments": failed}
    assert [(row["host"], row["account_id"], row["reason"], row["failed"]) for row in batch["rows"]] == [
        (host, ACCOUNTS[host], text, True) for host in ("search", "payments")
    ]


def test_batch_without_a_preflight_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play = stand_in_play(monkeypatch, tmp_path, "onboard")
    assert play.step("batch") == {"changed": False, "msg": "the preflight was left out", **SAID}


@pytest.mark.parametrize(
    ("plan", "hosts", "told"),
    [
        ({"stopped": "for a reason"}, HOSTS, "for a reason"),
        ({}, ["stranger"], "there is nothing to do for the hosts of this batch"),
    ],
)
def test_batch_of_which_nothing_is_to_be_done_says_why(
    play_of: Callable[..., StandInPlay], plan: Any, hosts: list[str], told: str
) -> None:
    play = play_of("onboard", **plan)
    assert play.step("batch", *hosts) == {"changed": False, "msg": told, **SAID}
    assert list(play.run.batches()) == [] and play.told == []


def test_batch_that_was_seen_before_is_not_done_again(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch
) -> None:
    play, work = play_of("report"), Work(search=verdict(), payments=verdict())
    monkeypatch.setattr(fleet, "report_batch", work)
    play.keep({"search": verdict(), "payments": verdict()})
    assert play.step("batch", "search", "payments") == {
        "changed": False,
        "msg": "there is nothing to do for the hosts of this batch",
        **SAID,
    }
    assert work.given == []


def play_with_a_late_host(monkeypatch: pytest.MonkeyPatch, folder: Path, role: str) -> StandInPlay:
    """Return a play with a host of which the preflight did not know."""
    play = stand_in_play(monkeypatch, folder, role)
    play.hosts["late"] = {**play.hosts["audit"], "inventory_hostname": "late"}
    return play


def test_report_that_was_made_is_not_made_again_for_a_host_that_it_had_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = play_with_a_late_host(monkeypatch, tmp_path, "report")
    monkeypatch.setattr(fleet, "report_batch", lambda *_given: pytest.fail("it was made"))
    runs = Runs(str(play.folder), "report")
    runs.begin("use", ["search"]).keep_plan(dict(PLAN))
    play.keep({host: verdict() for host in HOSTS})
    runs.resume("use", ["payments", "audit", "late"])
    play.step("batch", "payments", "audit", "late")
    *_made, kept = play.run.batches()
    assert list(kept["hosts"]) == ["late"] and {row["host"] for row in kept["rows"]} == {"late"}


def test_progress_tells_how_far_it_is_and_a_few_of_the_hosts_that_failed(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"host-{number:04}" for number in range(1300)]
    accounts = {"accounts": {name: name for name in names}, "emails": {}, "faults": {}}
    play = play_of("onboard", hosts=names, accounts=accounts)
    play.hosts = {name: {"inventory_hostname": name} for name in names}
    play.keep({name: verdict() for name in names[:2]})
    failed = {name: verdict(failed=True) for name in names[2:8]}
    work = Work(**failed, **{names[8]: verdict(True), names[9]: verdict()})
    work.result["rows"] = [{"host": name, "failed": name != names[8]} for name in (names[2], names[8], names[9])]
    monkeypatch.setattr(fleet, "onboard_batch", work)
    # 1,290 more in batches of eight are 162; with the two before, 164.
    assert play.step("batch", *names[2:10], is_check=True)["msg"] == (
        "batch 2 of 164: 10 of 1,300 accounts seen; in this batch 1 as wanted, 1 with gaps, 1 would be changed, "
        f"6 failed ({' '.join(names[2:7])} ...)"
    )
    work.result = {"hosts": {name: verdict(failed=True) for name in names[10:15]}, "rows": []}
    assert play.step("batch", *names[10:15])["msg"] == (
        "batch 3 of 260: 15 of 1,300 accounts seen; in this batch 0 as wanted, 0 changed, "
        f"5 failed ({' '.join(names[10:15])})"
    )


def test_progress_of_a_batch_of_nobody_and_of_more_than_there_are_is_told(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch
) -> None:
    play, work = play_of("onboard"), Work()
    monkeypatch.setattr(fleet, "onboard_batch", work)
    told = play.step("batch", "search")["msg"]
    assert told == "batch 1 of 4: 0 of 3 accounts seen; in this batch 0 as wanted, 0 changed, 0 failed"
    work.result = {"hosts": {name: verdict() for name in (*HOSTS, "stranger", "another")}, "rows": []}
    told = play.step("batch", "search")["msg"]
    assert told == "batch 2 of 2: 5 of 5 accounts seen; in this batch 5 as wanted, 0 changed, 0 failed"


@pytest.mark.parametrize("is_check", [False, True])
def test_work_runs_modules_speaks_and_waits_by_its_action(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch, is_check: bool
) -> None:
    play, work, slept = play_of("onboard"), Work(search=verdict()), list[float]()
    monkeypatch.setattr(fleet, "onboard_batch", work)
    monkeypatch.setattr(time, "sleep", slept.append)
    play.step("batch", "search", is_check=is_check)
    play.answers["muster.aws.guardduty_member"] = [{"changed": True}]
    assert work.work.is_check is is_check
    assert work.work.run("guardduty_member", regions=["us-east-1"]) == {"changed": True}
    assert play.ran == [("muster.aws.guardduty_member", {"regions": ["us-east-1"]}, is_check)]
    assert work.work.side_by_side({"first": lambda: {"done": 1}, "second": lambda: {"done": 2}}) == {
        "first": {"done": 1},
        "second": {"done": 2},
    }
    work.work.say("It goes on.")
    work.work.sleep(3.5)
    assert (play.told[-1], slept) == ("  It goes on.", [3.5])


PASSED_OVER = (
    "nothing was done for this host: it was in no batch. Where a condition on the role leaves out the first host of a "
    "batch, the others are left out with it: choose hosts with --limit or the play's hosts instead"
)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (verdict(True, text="a member now"), {"changed": True, "failed": False, "msg": "a member now"}),
        (verdict(failed=True, text="No.", diff=[]), {"changed": False, "failed": True, "msg": "No."}),
        (
            verdict(True, text="x", diff=[{"after": 1}]),
            {"changed": True, "failed": False, "msg": "x", "diff": [{"after": 1}]},
        ),
    ],
)
def test_host_is_told_its_own_verdict_and_nothing_is_printed_twice(
    play_of: Callable[..., StandInPlay], kept: Any, told: Any
) -> None:
    play = play_of("onboard")
    play.keep({"payments": kept, "search": verdict(text="another's")})
    assert play.step("tell", "payments") == told


@pytest.mark.parametrize(
    ("stopped", "text"),
    [
        (None, PASSED_OVER),
        ("for\n  a reason", "Nothing was sent: for a reason"),
        ("x" * 282, f"Nothing was sent: {'x' * 282}"),
        ("x" * 283, f"Nothing was sent: {'x' * 279}..."),
    ],
)
def test_host_of_which_nothing_is_known_failed(
    play_of: Callable[..., StandInPlay], stopped: str | None, text: str
) -> None:
    play = play_of("onboard", stopped=stopped)
    assert play.step("tell", "payments") == {"changed": False, "failed": True, "msg": text}


def test_host_without_a_preflight_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play = stand_in_play(monkeypatch, tmp_path, "onboard")
    assert play.step("tell", "payments") == {"changed": False, "failed": True, "msg": PASSED_OVER}


def later_batch(play: StandInPlay, *batch: str) -> dict[str, Any]:
    """Do a batch that the preflight has come by with after another."""
    first = [host for host in HOSTS if host not in batch]
    runs = Runs(str(play.folder), "onboard")
    runs.begin("use", first).keep_plan(dict(PLAN))
    runs.resume("use", batch)
    return play.step("batch", *batch)


@pytest.mark.parametrize(
    ("given", "is_stale"),
    [
        ({}, False),
        ({"onboard_account_email": None}, False),
        ({"onboard_account_email": "other@example.com"}, True),
        ({"onboard_account_id": "444444444444"}, True),
    ],
)
def test_account_that_is_another_than_was_checked_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, Any], is_stale: bool
) -> None:
    play, work = stand_in_play(monkeypatch, tmp_path, "onboard"), Work(audit=verdict(), payments=verdict())
    monkeypatch.setattr(fleet, "onboard_batch", work)
    for host in HOSTS:
        play.hosts[host]["onboard_account_email"] = None
    play.hosts["payments"].update(given)
    later_batch(play, "payments", "audit")
    [options_and_batch] = work.given
    assert list(options_and_batch[1]["accounts"]) == (["audit"] if is_stale else ["payments", "audit"])
    told = play.run.verdict("payments")
    assert told is not None and told["failed"] is is_stale
    if is_stale:
        assert told["text"] == (
            "nothing was done: its account was 222222222222 when everything was checked, before the first batch, and "
            "its id or its e-mail is another now. Set both in the inventory"
        )


def test_host_whose_condition_did_not_hold_when_everything_was_checked_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = play_with_a_late_host(monkeypatch, tmp_path, "onboard")
    monkeypatch.setattr(fleet, "onboard_batch", lambda *_given: pytest.fail("there is nobody to do"))
    later_batch(play, "late")
    [kept] = play.run.batches()
    assert (kept["gone"], [(row["host"], row["account_id"]) for row in kept["rows"]]) == ([], [("late", "")])
    assert kept["rows"][0]["next_step"] == "mend that, and run the same again"
    assert play.run.verdict("late") == verdict(
        failed=True,
        text="nothing was done: its condition did not hold when everything was checked, before the first batch",
    )
    assert (
        "late"
        in play.step("summary", "late", ansible_play_hosts=["late"])["ansible_stats"]["data"]["onboard_summary"][
            "failed_hosts"
        ]
    )


def test_host_whose_condition_holds_no_more_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play, work = stand_in_play(monkeypatch, tmp_path, "onboard"), Work(payments=verdict())
    monkeypatch.setattr(fleet, "onboard_batch", work)
    for host in HOSTS:
        play.hosts[host]["onboard_account_email"] = None
    play.left_out = {"audit"}
    later_batch(play, "payments", "audit")
    [given] = work.given
    assert list(given[1]["accounts"]) == ["payments"] and play.run.verdict("audit") is None
    data = play.step("summary", "payments", "audit")["ansible_stats"]["data"]["onboard_summary"]
    assert data["failed_hosts"] == ["search"] and data["accounts"] == 2
    later_batch(play, "audit")
    assert len(work.given) == 1


def test_later_batch_of_a_run_that_was_stopped_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = stand_in_play(monkeypatch, tmp_path, "onboard")
    runs = Runs(str(play.folder), "onboard")
    runs.begin("use", ["search"]).keep_plan({"stopped": "for a reason", "hosts": HOSTS})
    runs.resume("use", ["payments", "audit"])
    assert play.step("batch", "payments", "audit")["msg"] == "for a reason"
