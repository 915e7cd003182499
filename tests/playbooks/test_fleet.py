# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How runs over a fleet begin and end, through real ``ansible-playbook`` runs: the same for every role."""

from __future__ import annotations

import json
import os
import subprocess
from xml.etree import ElementTree

import pytest
from ansible_collections.muster.aws.tests.playbooks.harness import SERVICES, PlaybookRunner, fleet, states

ROLES = ["onboard", "offboard", "report"]


def run_raw(playbook: PlaybookRunner, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook as it is called, with the default callback, and return what it printed."""
    environment = {**os.environ, **playbook.environment, "ANSIBLE_STDOUT_CALLBACK": "default"}
    return subprocess.run(
        ["ansible-playbook", *arguments],
        env={**environment, "ANSIBLE_SHOW_CUSTOM_STATS": "false", **variables},
        capture_output=True,
        text=True,
        cwd=playbook.folder,
        timeout=300,
        check=False,
    )


def inventory(playbook: PlaybookRunner, hosts: dict, **variables: object) -> str:
    path = playbook.folder / "accounts.json"
    usual = {"onboard_administrator_id": "111111111111", "onboard_regions": ["us-east-1"], "onboard_wait_timeout": 5}
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": {**usual, **variables}}}))
    return str(path)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "the inventory has no host"),
        (("-i", "nosuch.yml"), "nosuch.yml is not there"),
        (("-i", "accounts.json", "-e", "{role}_hosts=workload-01,nobody"), "nothing in the inventory matches nobody"),
        (("-i", "accounts.json", "-e", "{role}_hosts=workload-01", "-l", "workload-02"), "is within --limit"),
        (("-i", "accounts.json", "--tags", "guardduty"), "--tags and --skip-tags would leave the work out"),
    ],
    ids=["no-inventory", "no-such-file", "no-such-host", "outside-the-limit", "tags"],
)
def test_playbooks_refuse_what_would_do_nothing(playbook: PlaybookRunner, role, arguments, words):
    inventory(playbook, fleet(2))
    run = run_raw(playbook, f"muster.aws.{role}", *(word.format(role=role) for word in arguments))
    assert run.returncode not in (0, 2), run.stdout
    assert words in run.stdout + run.stderr
    assert playbook.emulator.operations() == []


@pytest.mark.parametrize("role", ROLES)
def test_playbooks_refuse_variables_that_they_do_not_have(playbook: PlaybookRunner, role):
    run = playbook(fleet(2), "--limit", "all", playbook=f"muster.aws.{role}", onboard_region="us-east-1")
    assert run.status == 2 and run.failed_hosts == set(fleet(2))
    stopped = run.custom_stats[f"{role}_summary"]["stopped"]
    assert "onboard_region is no variable of this role; did you mean onboard_regions?" in stopped
    assert playbook.emulator.operations() == []


def test_onboard_a_batch_that_failed_whole_does_not_keep_the_next_from_being_tried(playbook: PlaybookRunner):
    hosts = fleet(4)
    locked = list(hosts)[:2]
    ids = [hosts[host]["onboard_account_id"] for host in locked]
    playbook.emulator.seed({"accounts": {account_id: {"assumable": False} for account_id in ids}})
    failed = playbook.folder / "failed.txt"
    run = playbook(hosts, "-e", "onboard_batch_size=2", onboard_failed_file=str(failed))
    assert run.status == 2 and run.failed_hosts == set(locked)
    assert failed.read_text().split() == locked
    assert [states(playbook.emulator, hosts)[host] for host in hosts][2:] == [{"Enabled"}] * 2
    assert run.custom_stats["onboard_summary"]["causes"][0]["hosts"] == locked

    playbook.emulator.seed({"accounts": {account_id: {"assumable": True} for account_id in ids}})
    again = playbook(hosts, "--limit", f"@{failed}")
    assert again.status == 0 and again.changed_hosts == set(locked), again.output
    assert states(playbook.emulator, hosts) == {host: {"Enabled"} for host in hosts}


def test_onboard_whatever_stops_the_run_every_host_fails_and_the_summary_comes_last(playbook: PlaybookRunner):
    source = inventory(playbook, fleet(5), onboard_administrator_id="333333333333")
    run = run_raw(playbook, "muster.aws.onboard", "-i", source, "-e", "onboard_batch_size=2")
    assert run.returncode == 2
    told, recap = run.stdout.split("PLAY RECAP")
    assert recap.count("failed=1") == 5
    assert "Nothing was sent:" in told.split("TASK")[-1]
    assert "0 of 5 accounts as wanted, 0 changed, 5 failed (5 of them not begun)" in told.split("TASK")[-1]
    assert "--limit workload-01,workload-02,workload-03,workload-04,workload-05" in told.split("TASK")[-1]


@pytest.mark.parametrize("role", ROLES)
def test_files_that_were_asked_for_tell_of_a_run_that_was_stopped(playbook: PlaybookRunner, role):
    hosts = fleet(3)
    junit, failed = playbook.folder / "results.xml", playbook.folder / "failed.txt"
    files = {f"{role}_results_file": str(junit), f"{role}_failed_file": str(failed)}
    playbook(hosts, "--limit", "all", playbook=f"muster.aws.{role}", onboard_administrator_id="333333333333", **files)
    assert failed.read_text().split() == list(hosts)
    suite = ElementTree.parse(junit).getroot()
    assert {case.get("name") for case in suite} == set(hosts)
    messages = {failure.get("message") for failure in suite.iter("failure")}
    assert len(messages) == 1 and f"{role}_administrator_id is 333333333333" in str(messages)


def test_onboard_hosts_that_are_as_they_should_be_print_nothing_and_the_files_say_all(playbook: PlaybookRunner):
    files = [playbook.folder / f"rows{ending}" for ending in (".json", ".csv", ".md", ".xml")]
    step = playbook.folder / "step.md"
    source = inventory(playbook, fleet(6), onboard_results_file=[str(path) for path in files])
    assert run_raw(playbook, "muster.aws.onboard", "-i", source).returncode == 0
    playbook.emulator.clear_calls()
    run = run_raw(playbook, "muster.aws.onboard", "-i", source, GITHUB_STEP_SUMMARY=str(step))
    assert run.returncode == 0, run.stdout
    assert len(run.stdout.splitlines()) < 40
    assert "batch 1 of 1: 6 of 6 accounts seen; in this batch 6 as wanted, 0 changed, 0 failed" in run.stdout
    assert "workload-06" not in run.stdout
    assert len(json.loads(files[0].read_text())) == 6 * len(SERVICES)
    assert len(files[1].read_text().splitlines()) == 1 + 6 * len(SERVICES)
    assert ElementTree.parse(files[3]).getroot().get("tests") == str(6 * len(SERVICES))
    assert step.read_text().strip() == files[2].read_text().strip()
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_roles_refuse_strategies_that_would_do_the_work_once_for_each_host(playbook: PlaybookRunner, strategy):
    playbook.environment["ANSIBLE_STRATEGY"] = strategy
    own = playbook(fleet(2), playbook=playbook.play("onboard"))
    assert own.failed_hosts == set(fleet(2)) and f"The strategy {strategy}" in own.output
    assert playbook.emulator.operations() == []
    assert playbook(fleet(2)).status == 0


def test_onboard_in_a_play_of_ones_own_with_serial_does_every_batch_and_tells_the_whole_at_its_end(playbook):
    hosts = fleet(4)
    play = playbook.folder / "own.yml"
    play.write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "connection": "local",
                    "serial": 2,
                    "roles": ["muster.aws.onboard"],
                }
            ]
        )
    )
    run = playbook(hosts, playbook=str(play))
    assert run.status == 0, run.output
    assert run.changed_hosts == set(hosts)
    assert states(playbook.emulator, hosts) == {host: {"Enabled"} for host in hosts}
    assert run.custom_stats["onboard_summary"]["accounts"] == 4
