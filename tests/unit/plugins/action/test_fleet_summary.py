# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told, written and kept once, at the end of a run over a fleet."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible import context
from ansible_collections.muster.aws.plugins.action import fleet
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs
from ansible_collections.muster.aws.plugins.plugin_utils._summary import RENDERERS, Ending, render_markdown
from ansible_collections.muster.aws.tests.canned import host_row
from ansible_collections.muster.aws.tests.unit.plugins.action.stand_in_play import (
    ACCOUNTS,
    ADMINISTRATOR,
    StandInPlay,
    stand_in_play,
    verdict,
)

HOSTS = list(ACCOUNTS)
PLAN: Mapping[str, Any] = MappingProxyType(
    {"hosts": HOSTS, "stopped": None, "untouched": "Nothing was sent", "options": {}}
)
OPTIONS: Mapping[str, Any] = MappingProxyType({"regions": ["us-east-1"], "administrator_id": ADMINISTRATOR})
TO_COME: Mapping[str, Any] = MappingProxyType({"changed": False, "msg": "more batches follow"})


class Told:
    """Stands in for the lines of a summary, and keeps what they are made of."""

    def __init__(self) -> None:
        self.ending: Any = None
        self.again: list[str] = []
        self.files: list[str] = []

    def __call__(self, ending: Ending, again: list[str], files: list[str]) -> list[str]:
        self.ending, self.again, self.files = ending, again, files
        return ["one", "two"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setattr(fleet, "summary_lines", told)
    return told


@pytest.fixture
def play_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., StandInPlay]:
    """Return what makes a play of which the preflight came by with some hosts."""

    def make(role: str, *batch: str, options: Mapping[str, Any] = OPTIONS, **plan: Any) -> StandInPlay:
        play = stand_in_play(monkeypatch, tmp_path, role)
        run = Runs(str(tmp_path), role).begin("use", list(batch) or HOSTS)
        run.keep_plan({**PLAN, "options": dict(options), **plan})
        return play

    return make


def ending_of(**given: Any) -> Ending:
    common = {"title": "Onboarding", "prefix": "onboard_", "hosts": HOSTS, "regions": ["us-east-1"]}
    return Ending(**{**common, "administrator_id": ADMINISTRATOR, "rows": [], "verdicts": {}, "notes": [], **given})


def test_run_is_summed_up_over_all_its_batches(play_of: Callable[..., StandInPlay], told: Told) -> None:
    play = play_of("onboard")
    problem = {"failed": True, "reason_code": "other", "reason": "No."}
    rows = [host_row("search", actions=["invite"]), host_row("payments", "222222222222", **problem)]
    play.keep({"search": verdict(True), "payments": verdict(failed=True)}, rows[:1], notes=["a"], files=["x.html"])
    play.keep({"audit": verdict()}, rows[1:], notes=["b", "c"], files=["y.csv"])
    result = play.step("summary")
    verdicts = {"search": verdict(True), "payments": verdict(failed=True), "audit": verdict()}
    ending = ending_of(rows=rows, verdicts=verdicts, notes=["a", "b", "c"])
    assert (told.ending, told.files) == (ending, ["x.html", "y.csv"])
    counts = {"accounts": 1, "changed": 0, "failed": 0, "failed_ids": []}
    failed = {**counts, "accounts": 2, "changed": 1, "failed": 1, "failed_ids": ["222222222222"]}
    assert result == {
        "changed": False,
        "msg": ["one", "two"],
        "ansible_stats": {
            "data": {
                "onboard_summary": {**ending.as_data(), "files": ["x.html", "y.csv"]},
                "onboard": {"guardduty": {"us-east-1": failed}},
            },
            "aggregate": True,
            "per_host": False,
        },
        "_ansible_verbose_override": True,
    }
    assert play.told == ["\none\ntwo\n\n"]


@pytest.mark.parametrize("is_check", [False, True])
def test_run_that_was_stopped_is_summed_up_with_its_reason(
    play_of: Callable[..., StandInPlay], told: Told, is_check: bool
) -> None:
    play = play_of("offboard", options={}, stopped="for a reason")
    play.step("summary", is_check=is_check)
    assert told.ending == ending_of(
        title="Offboarding",
        prefix="offboard_",
        regions=[],
        administrator_id="",
        stopped="for a reason",
        is_check=is_check,
    )


def test_run_without_a_preflight_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    play = stand_in_play(monkeypatch, tmp_path, "onboard")
    assert play.step("summary") == {
        "changed": False,
        "failed": True,
        "msg": "Nothing was done: the preflight was left out.",
        "_ansible_verbose_override": True,
    }


def test_report_keeps_its_own_counts(play_of: Callable[..., StandInPlay], told: Told) -> None:
    play = play_of("report")
    assert play.step("summary")["ansible_stats"]["data"]["report"] == {}
    play.keep({}, [host_row()])
    play.keep({}, [], stats={"guardduty": {}})
    play.keep({}, [], stats={"macie": {}})
    assert play.step("summary")["ansible_stats"]["data"]["report"] == {"guardduty": {}}


def test_counts_are_those_of_all_uses_of_the_role(play_of: Callable[..., StandInPlay], told: Told) -> None:
    play = play_of("onboard")
    play.keep({}, [host_row()])
    second = Runs(str(play.folder), "onboard").begin("another-use", HOSTS)
    second.keep_plan(dict(PLAN))
    play.keep({}, [host_row(region="us-west-2")])
    counts = play.step("summary")["ansible_stats"]["data"]["onboard"]["guardduty"]
    assert counts.keys() == {"us-east-1", "us-west-2"}
    assert [row["region"] for row in told.ending.rows] == ["us-west-2"]


def test_summary_for_programs_is_of_all_uses_of_the_role_and_that_for_people_of_the_last(
    play_of: Callable[..., StandInPlay], told: Told
) -> None:
    play = play_of("onboard", options={"results_file": ["a.json"], "failed_file": "a.txt", "regions": ["us-east-1"]})
    problem = {"failed": True, "reason_code": "resigned", "reason": "No.", "actions": []}
    play.keep({"search": verdict(True), "payments": verdict(True), "audit": verdict(failed=True)}, files=["page"])
    play.keep({}, [host_row("audit", **problem)])
    second = Runs(str(play.folder), "onboard").begin("another-use", HOSTS)
    second.keep_plan({**PLAN, "options": {"regions": ["us-west-2"]}})
    play.keep({"search": verdict(), "payments": verdict(failed=True)})
    play.keep({}, [host_row("payments", region="us-west-2", **problem)], files=["b"])
    kept = play.step("summary")["ansible_stats"]["data"]["onboard_summary"]
    causes = kept.pop("causes")
    assert kept == {
        "accounts": 3,
        "as_wanted": 1,
        "changed": 2,
        "gaps": 0,
        "failed": 2,
        "not_begun": 0,
        "is_check": False,
        "stopped": None,
        "failed_hosts": ["payments", "audit"],
        "files": ["page", "a.json", "a.txt", "b"],
    }
    assert [(cause["hosts"], cause["where"]) for cause in causes] == [
        (["audit", "payments"], "GuardDuty in all 2 Regions, not each in all of them")
    ]
    assert told.files == ["b"]
    assert told.ending.not_begun == ["audit"]
    assert told.ending.notes == ["audit: failed earlier in this run, so that nothing was done here"]
    assert told.ending.regions == ["us-west-2"]


def test_host_that_another_use_has_yet_to_come_to_is_not_said_to_have_failed(
    play_of: Callable[..., StandInPlay], told: Told
) -> None:
    play = play_of("onboard")
    play.keep({"search": verdict()})
    second = Runs(str(play.folder), "onboard").begin("another-use", HOSTS)
    second.keep_plan({**PLAN, "hosts": ["search", "audit"]})
    play.keep({"search": verdict()})
    kept = play.step("summary")["ansible_stats"]["data"]["onboard_summary"]
    assert told.ending.notes == []
    assert (kept["failed_hosts"], kept["not_begun"], kept["as_wanted"]) == (["payments", "audit"], 2, 1)


@pytest.mark.parametrize(
    ("batches", "active", "verdicts", "hosts", "is_told"),
    [
        # Others are to come, and this batch went well, or not all of it failed.
        (["search"], HOSTS, {"search": verdict()}, HOSTS, False),
        (["search payments"], HOSTS, {"search": verdict(), "payments": verdict(failed=True)}, HOSTS, False),
        # In whatever order a play takes its hosts.
        (["audit"], HOSTS, {"audit": verdict()}, HOSTS, False),
        # Nobody is to come: the last batch, or the others failed or take no part.
        (["search payments", "audit"], HOSTS, {"audit": verdict()}, HOSTS, True),
        (["audit payments", "search"], HOSTS, {"search": verdict()}, HOSTS, True),
        (["search", "payments"], ["search", "payments"], {"payments": verdict()}, HOSTS, True),
        (["search", "payments"], HOSTS, {"payments": verdict()}, ["search", "payments"], True),
        # Ansible ends the play: of this batch all failed, whether Ansible or the role says so, or nobody knows.
        (["search"], HOSTS, {"search": verdict(failed=True)}, HOSTS, True),
        (["search"], ["payments", "audit"], {"search": verdict()}, HOSTS, True),
        (["search"], HOSTS, {}, HOSTS, True),
        # A host that takes no part did not fail.
        (["search"], HOSTS, {}, ["payments", "audit"], False),
        # Hosts that are in no play of this kind are passed over.
        (["stranger"], [*HOSTS, "stranger"], {"stranger": verdict()}, HOSTS, False),
        (["stranger"], ["search", "stranger"], {"stranger": verdict()}, ["search"], False),
    ],
)
def test_summary_comes_once_after_the_last_batch(
    play_of: Callable[..., StandInPlay],
    told: Told,
    batches: list[str],
    active: list[str],
    verdicts: Any,
    hosts: list[str],
    is_told: bool,
) -> None:
    first, *others = [batch.split() for batch in batches]
    play = play_of("onboard", *first, hosts=hosts)
    for batch in others:
        Runs(str(play.folder), "onboard").resume("use", batch)
    batch = batches[-1].split()
    play.keep(verdicts)
    result = play.step("summary", *batch, ansible_play_hosts=active)
    assert (told.ending is not None) is is_told
    if not is_told:
        assert result == {**TO_COME, "_ansible_verbose_override": True} and play.told == []


@pytest.mark.parametrize(("is_fatal", "is_failed", "is_told"), [(True, True, True), (True, False, False)])
def test_summary_comes_after_the_first_failure_where_that_ends_the_play(
    play_of: Callable[..., StandInPlay], told: Told, is_fatal: bool, is_failed: bool, is_told: bool
) -> None:
    play = play_of("onboard", "search", "payments")
    play.keep({"search": verdict(), "payments": verdict(failed=is_failed)})
    task = play.task("summary")
    task.any_errors_fatal = is_fatal
    play.step("summary", task=task)
    assert (told.ending is not None) is is_told


def test_summary_of_a_run_that_was_stopped_does_not_wait_for_batches(
    play_of: Callable[..., StandInPlay], told: Told
) -> None:
    play_of("onboard", "search", stopped="for a reason").step("summary", "search")
    assert told.ending is not None


def test_results_are_written_as_their_files_are_called(
    play_of: Callable[..., StandInPlay], told: Told, tmp_path: Path
) -> None:
    paths = [str(tmp_path / name) for name in ("a.json", "b.CSV", "c.md", "d.xml", "failed.txt")]
    play = play_of("onboard", options={**OPTIONS, "results_file": paths[:4], "failed_file": paths[4]})
    play.keep({"search": verdict(), "payments": verdict(failed=True)}, [host_row()])
    play.step("summary")
    assert told.files == paths
    for path, ending in zip(paths, (".json", ".csv", ".md", ".xml"), strict=False):
        assert Path(path).read_text(encoding="utf-8") == RENDERERS[ending](told.ending)
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert Path(paths[4]).read_text(encoding="utf-8") == "payments\naudit\n"
    assert told.again[-1].endswith(f"--limit @{paths[4]}")


def test_file_that_cannot_be_written_takes_nothing_else_away(
    play_of: Callable[..., StandInPlay], told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "folder.json").mkdir()
    paths = [str(tmp_path / "folder.json"), str(tmp_path / "gone" / "b.csv"), str(tmp_path / "c.md")]
    play = play_of("onboard", options={**OPTIONS, "results_file": [*paths, "of.another"], "failed_file": None})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    play.keep({host: verdict() for host in HOSTS}, [host_row()], unwritten=["the page"])
    result = play.step("summary")
    assert told.files == [paths[2]] and Path(paths[2]).exists()
    assert sorted(result) == ["_ansible_verbose_override", "changed", "failed", "msg"]
    assert (result["failed"], result["changed"]) == (True, False)
    unwritten = [
        "Not written: the page",
        f"Not written: [Errno 21] Is a directory: '{paths[0]}'",
        f"Not written: [Errno 2] No such file or directory: '{paths[1]}'",
        f"Not written: $GITHUB_STEP_SUMMARY: [Errno 21] Is a directory: '{tmp_path}'",
    ]
    assert result["msg"] == "\n".join(unwritten) and "\n".join(unwritten) in play.told[0]


def test_run_that_was_stopped_is_not_run_again_by_a_command_that_names_its_hosts(
    play_of: Callable[..., StandInPlay], told: Told
) -> None:
    play_of("offboard", stopped="for a reason").step("summary")
    assert told.again == ["Run the same again, when that is mended."]


def test_summary_is_added_to_that_of_a_job_of_github(
    play_of: Callable[..., StandInPlay], told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play = play_of("onboard")
    play.keep({host: verdict(text="käse") for host in HOSTS})
    path = tmp_path / "step.md"
    path.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    play.step("summary")
    assert path.read_text(encoding="utf-8") == f"before\n{render_markdown(told.ending)}\n"
    assert told.files == []


def again(play: StandInPlay, told: Told, **given: Any) -> list[str]:
    play.keep({"search": verdict(), "payments": verdict(failed=True), "audit": verdict()})
    play.step("summary", **given)
    return told.again


def test_failed_hosts_are_run_again_by_the_command_that_was_given(
    play_of: Callable[..., StandInPlay], told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"args": ("site.yml", "more.yml"), "check": True}
    variables = ("onboard_regions=us-east-1", "report_file=x", "onboard_external_id=secret", "else=1")
    play = play_of("onboard")
    monkeypatch.setattr(context, "CLIARGS", {**call, "extra_vars": variables})
    assert again(play, told, ansible_inventory_sources=["a.yml", Path("b.yml")]) == [
        "Run the failed ones again, when the cause is mended, with -e for else onboard_external_id as before:",
        "  ansible-playbook site.yml more.yml -i a.yml -i b.yml -e onboard_regions=us-east-1 -e report_file=x "
        "--limit payments --check",
    ]


def test_many_failed_hosts_are_run_again_with_all_others(play_of: Callable[..., StandInPlay], told: Told) -> None:
    names = [f"host-{number}" for number in range(11)]
    play = play_of("onboard", *names, hosts=names)
    play.hosts = dict.fromkeys(names, {})
    play.step("summary", *names)
    assert told.again == [
        "Run all again (what is done is not done twice; onboard_failed_file would keep the names of the failed ones), "
        "when the cause is mended:",
        "  ansible-playbook muster.aws.onboard",
    ]


@pytest.mark.parametrize("name", ["awx_job_id", "tower_job_id"])
def test_failed_hosts_of_a_controller_s_job_are_run_again_there(
    play_of: Callable[..., StandInPlay], told: Told, name: str
) -> None:
    assert again(play_of("onboard"), told, **{name: 1}) == [
        "Relaunch this job on its failed hosts, when the cause is mended."
    ]


def test_file_of_failed_hosts_that_could_not_be_written_is_not_in_the_command(
    play_of: Callable[..., StandInPlay], told: Told, tmp_path: Path
) -> None:
    for path, limit in ((tmp_path / "failed.txt", f"@{tmp_path / 'failed.txt'}"), (tmp_path / "gone" / "f", "search")):
        play = play_of("onboard", options={**OPTIONS, "failed_file": str(path)})
        play.keep({"search": verdict(failed=True), "payments": verdict(), "audit": verdict()})
        play.step("summary")
        assert told.again[-1].endswith(f"--limit {limit}")


def test_nothing_is_run_again_where_nothing_failed(play_of: Callable[..., StandInPlay], told: Told) -> None:
    play = play_of("onboard")
    play.keep({host: verdict() for host in HOSTS})
    play.step("summary")
    assert told.again == []
