# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How runs over a fleet begin and end, through real ``ansible-playbook`` runs: the same for every role."""

from __future__ import annotations

import json
import re
import shlex
from xml.etree import ElementTree

import pytest
from ansible_collections.muster.aws.tests.playbooks.harness import SERVICES, PlaybookRunner, fleet, run_raw, states
from ansible_collections.muster.aws.tests.profiles import by_day, nightly

ROLES = ["onboard", *nightly("offboard", "report")]


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
        (("-i", "accounts.json", "-e", "{role}_regions=us-east-1, eu-west-1"), "a part of it was left over"),
        (("-i", "accounts.json", "-l", ""), "--limit is empty"),
    ],
    ids=["no-inventory", "no-such-file", "no-such-host", "outside-the-limit", "tags", "left-over", "empty-limit"],
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


@pytest.mark.parametrize("role", ROLES)
def test_playbooks_refuse_hosts_that_a_variable_of_the_inventory_leaves_out(playbook: PlaybookRunner, role):
    path = inventory(playbook, fleet(2), **{f"{role}_hosts": "workload-02"})
    run = run_raw(playbook, f"muster.aws.{role}", "-i", path, "-l", "all")
    told = f"{role}_hosts is workload-02, and this run has 1 other host (workload-01): only the playbook of this"
    assert run.returncode == 2 and told in run.stdout, run.stdout
    assert playbook.emulator.operations() == []
    limited = run_raw(playbook, f"muster.aws.{role}", "-i", path, "-l", "workload-02", "--check")
    assert "only the playbook of this" not in limited.stdout and playbook.emulator.operations() != []


def test_playbooks_refuse_an_inventory_of_which_a_script_failed(playbook: PlaybookRunner):
    path, script = inventory(playbook, fleet(2)), playbook.folder / "more.sh"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o700)
    run = run_raw(playbook, "muster.aws.onboard", "-i", path, "-i", str(script))
    assert run.returncode == 2 and f"Ansible could not read the inventory {script}" in run.stdout, run.stdout
    assert playbook.emulator.operations() == []


def own_play(playbook: PlaybookRunner, tasks: list[dict], **keywords: object) -> str:
    path = playbook.folder / "own.yml"
    path.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "connection": "local", **keywords, "tasks": tasks}])
    )
    return str(path)


def test_role_with_run_once_is_refused(playbook: PlaybookRunner):
    path = inventory(playbook, fleet(2))
    for action in ("import_role", "include_role"):
        play = own_play(playbook, [{f"ansible.builtin.{action}": {"name": "muster.aws.onboard"}, "run_once": True}])
        run = run_raw(playbook, play, "-i", path)
        assert run.returncode == 2 and "Leave run_once out" in run.stdout, run.stdout
    assert playbook.emulator.operations() == []


def test_role_in_a_play_that_changes_what_was_checked_leaves_that_account_alone(playbook: PlaybookRunner):
    hosts = fleet(3)
    other = {
        "onboard_account_id": "{{ '999999999999' if inventory_hostname == 'workload-01' else onboard_account_id }}"
    }
    tasks = [{"ansible.builtin.set_fact": other}, {"ansible.builtin.include_role": {"name": "muster.aws.onboard"}}]
    play = own_play(playbook, tasks, serial=1, order="reverse_inventory")
    results = playbook.folder / "results.json"
    variables = {"onboard_member_role_name": "MembershipOnboarding", "onboard_results_file": str(results)}
    run = run_raw(playbook, play, "-i", inventory(playbook, hosts, **variables))
    assert run.returncode == 2 and "its id or its e-mail is another now" in run.stdout, run.stdout
    # The summary comes with the last batch, whatever the order.
    assert run.stdout.count("2 of 3 accounts as wanted, 2 changed, 1 failed") == 1, run.stdout
    rows = json.loads(results.read_text())
    assert {row["host"] for row in rows if row["failed"]} == {"workload-01"} and len(rows) == 6
    assert "999999999999" not in json.dumps([call.params for call in playbook.emulator.calls])


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
    assert "Run the same again, when that is mended." in told.split("TASK")[-1]


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


@pytest.mark.parametrize("strategy", ["free", *nightly("host_pinned")])
def test_roles_refuse_strategies_that_would_do_the_work_once_for_each_host(playbook: PlaybookRunner, strategy):
    playbook.environment["ANSIBLE_STRATEGY"] = strategy
    own = playbook(fleet(2), playbook=playbook.play("onboard"))
    assert own.failed_hosts == set(fleet(2)) and f"The strategy {strategy}" in own.output
    assert playbook.emulator.operations() == []
    assert playbook(fleet(2)).status == 0


ONBOARD = {"name": "muster.aws.onboard"}
ON_THE_LAST = {"fail": {}, "when": "inventory_hostname == 'workload-06'"}


@pytest.mark.parametrize(
    ("tasks", "keywords", "locked", "ending"),
    [
        ([{"include_role": ONBOARD}], {}, [1, 6], "4 of 6 accounts as wanted, 4 changed, 2 failed"),
        (
            [{"include_role": ONBOARD}],
            {},
            [1, 2, 3],
            "0 of 6 accounts as wanted, 0 changed, 6 failed (3 of them not begun)",
        ),
        *nightly(
            (
                [{"import_role": ONBOARD}],
                {"any_errors_fatal": True},
                [1],
                "2 of 6 accounts as wanted, 2 changed, 4 failed (3 of them not begun)",
            ),
            (
                [ON_THE_LAST, {"import_role": ONBOARD}],
                {},
                [],
                "5 of 6 accounts as wanted, 5 changed, 1 failed (1 of them not begun)",
            ),
        ),
    ],
    ids=["included", "a-batch-failed-whole", "any-errors-fatal", "another-task-failed"],
)
def test_onboard_in_a_play_of_ones_own_with_serial_tells_the_whole_once_at_its_end(
    playbook: PlaybookRunner, tasks, keywords, locked, ending
):
    hosts = fleet(6)
    ids = [hosts[f"workload-{number:02}"]["onboard_account_id"] for number in locked]
    playbook.emulator.seed({"accounts": {account_id: {"assumable": False} for account_id in ids}})
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "serial": 3, "tasks": tasks, **keywords}
    (playbook.folder / "own.yml").write_text(json.dumps([play]))
    run = run_raw(playbook, "own.yml", "-i", inventory(playbook, hosts, onboard_services=["guardduty"]))
    assert run.stdout.count("Onboarding 6 accounts in GuardDuty, 1 Region: checked, nothing stands in the way") == 1
    assert "batch 1 of 2: 3 of 6 accounts seen" in run.stdout
    assert run.stdout.count("Onboarding 6 accounts in 1 Region") == 1
    told, recap = run.stdout.split("PLAY RECAP")
    assert ending in told.split("TASK")[-1]
    assert recap.count("failed=1") == len(locked) + (ON_THE_LAST in tasks)


def test_report_in_a_play_of_ones_own_with_serial_is_made_once_and_told_at_the_end(playbook: PlaybookRunner):
    tasks = [{"include_role": {"name": "muster.aws.report"}, "loop": [1, 2]}]
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "serial": 2, "tasks": tasks}
    (playbook.folder / "own.yml").write_text(json.dumps([play]))
    run = run_raw(playbook, "own.yml", "-i", inventory(playbook, fleet(4), onboard_services=["guardduty"]))
    assert run.returncode == 0, run.stdout + run.stderr
    first, second = run.stdout.split("PLAY [all]")[1:]
    assert first.count("batch 1 of 1: 4 of 4 accounts seen") == 2 and "accounts seen" not in second
    assert "0 of 4 accounts as wanted" not in first
    assert second.count("0 of 4 accounts as wanted, 4 with gaps, 0 changed, 0 failed") == 2


SUMMARY = """
Onboarding 6 accounts in 1 Region, administrator 111111111111 (check mode: nothing was written)

                asked  as wanted  changed  failed
  GuardDuty         6          3        4       3
  Security Hub      6          5        5       1

1 account: assume_role_failed, GuardDuty and Security Hub in us-east-1
  hosts: workload-03
  AssumeRole: AccessDenied: User: arn:aws:sts::111111111111:user/moto is not authorized to perform: sts:AssumeRole \
on resource: arn:aws:iam::032222222222:role/Onboarding
  next: check onboard_member_role_name, the role's trust policy and external id, and sts:AssumeRole of the caller

1 account: invalid_input, GuardDuty in us-east-1
  hosts: workload-02
  account 022222222222: e-mail 'wrong (at) example.com' must have exactly one @
  next: correct it in the inventory and run again

1 account: member_of_other_administrator, GuardDuty in us-east-1
  hosts: workload-06
  the account is a member of 999999999999 (status Enabled)
  next: let the account leave that administrator first (docs/move.md)

3 of 6 accounts as wanted, 5 would be changed, 3 failed

Run the failed ones again, when the cause is mended:
  ansible-playbook muster.aws.onboard -i INVENTORY --limit workload-02,workload-03,workload-06 --check
"""


FORMS = {
    "verbose": (["-vvvv", "--diff"], {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}),
    "json": ([], {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}),
    "jsonl": ([], {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl"}),
    "runner": ([], {}),
}


@pytest.mark.parametrize("form", by_day(["verbose", "json"], FORMS))
def test_summary_is_the_same_and_comes_last_in_every_form_of_output(playbook: PlaybookRunner, form):
    hosts = fleet(6)
    hosts["workload-02"]["onboard_account_email"] = "wrong (at) example.com"
    ids = [row["onboard_account_id"] for row in hosts.values()]
    held = {"administrator_id": "999999999999", "account_ids": ids[5:], "status": "Enabled", "regions": ["us-east-1"]}
    on = [{"service": name, "account_id": "111111111111", "regions": ["us-east-1"]} for name in SERVICES]
    accounts = {account_id: {"assumable": account_id != ids[2]} for account_id in ids}
    playbook.emulator.seed({"accounts": accounts, "members": [{"service": "guardduty", **held}], "services": on})
    secrets = {"onboard_member_role_name": "Onboarding", "onboard_external_id": "sesame-open"}
    source = inventory(playbook, hosts, **secrets)
    arguments, variables = FORMS[form]
    command = ["ansible-playbook", "muster.aws.onboard", "-i", source, "--check", *arguments]
    if form == "runner":
        command = ["ansible-runner", "run", ".", "-p", "muster.aws.onboard", "--inventory", source]
        command += ["--cmdline=--check", "--ident", "one"]
    junit = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit", "JUNIT_OUTPUT_DIR": str(playbook.folder / "junit")}
    variables = {**junit, "AWS_SESSION_TOKEN": "sesame-token", **variables}
    run = run_raw(playbook, *command[1:], program=command[0], **variables)
    assert run.returncode == 2, run.stdout + run.stderr
    expected = SUMMARY.replace("INVENTORY", source)
    for secret in ("sesame-open", "sesame-token", "testing-secret-key", "AKIATESTING"):
        assert secret not in run.stdout + run.stderr
    if form.startswith("json"):
        assert message_in_json(run.stdout, form) == expected.strip("\n").splitlines()
        return
    told, recap = run.stdout.replace("\r", "").split("PLAY RECAP")
    before, found, after = told.partition(expected)
    assert found, run.stdout
    assert before.count("\n") > 20 and len(after.strip().splitlines()) <= 1
    assert told.count("3 of 6 accounts as wanted, 5 would be changed, 3 failed") == 1
    assert recap.count("failed=1") == 3
    [report] = (playbook.folder / "junit").iterdir()
    cases = ElementTree.parse(report).getroot().iter("testcase")
    failed = [str(case.get("name")) for case in cases if case.findall("error")]
    assert sorted(name.partition("]")[0] for name in failed) == ["[workload-02", "[workload-03", "[workload-06"]


def message_in_json(text: str, form: str) -> list[str]:
    """Return what the last task says, of output that is JSON as a whole or line by line."""
    if form == "json":
        task = json.loads(text)["plays"][-1]["tasks"][-1]
    else:
        task = [event for event in map(json.loads, text.splitlines()) if event["_event"] == "v2_runner_on_ok"][-1]
    [result] = task["hosts"].values()
    return result["msg"]


def test_command_of_the_summary_does_what_the_first_did_for_the_hosts_that_failed(playbook: PlaybookRunner):
    hosts = dict(zip(["fine", "my host", "team:prod"], fleet(3).values(), strict=True))
    locked = [row["onboard_account_id"] for row in list(hosts.values())[1:]]
    playbook.emulator.seed({"accounts": {account_id: {"assumable": False} for account_id in locked}})
    (playbook.folder / "more.yml").write_text(json.dumps({"onboard_services": ["guardduty"]}))
    variables = ["-e", "@more.yml", "-e", "onboard_batch_size=2", "-e", "onboard_external_id=sesame-open"]
    run = run_raw(playbook, "muster.aws.onboard", "-i", inventory(playbook, hosts), *variables)
    assert run.returncode == 2 and "1 of 3 accounts as wanted" in run.stdout, run.stdout + run.stderr
    assert "sesame-open" not in run.stdout
    assert "with -e for onboard_external_id as before:" in run.stdout
    [command] = re.findall("^  (ansible-playbook .*)$", run.stdout, re.M)

    playbook.emulator.seed({"accounts": {account_id: {"assumable": True} for account_id in locked}})
    program, *arguments = shlex.split(command)
    again = run_raw(playbook, *arguments, program=program)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Onboarding 2 accounts in GuardDuty, 1 Region" in again.stdout
    assert "2 of 2 accounts as wanted, 2 changed, 0 failed" in again.stdout
