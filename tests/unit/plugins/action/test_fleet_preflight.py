# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run over a fleet checks once for all hosts, before anything is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task_include import TaskInclude
from ansible_collections.muster.aws.plugins.action import fleet
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import explain_silent_sources
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs
from ansible_collections.muster.aws.tests.canned import failed_row, module_row, result_of
from ansible_collections.muster.aws.tests.unit.plugins.action.stand_in_play import (
    ACCOUNTS,
    ADMINISTRATOR,
    EAST,
    WEST,
    StandInPlay,
    stand_in_play,
)

DETECTOR = "muster.aws.guardduty_detector"
CALLER = "amazon.aws.aws_caller_info"


def detectors(*actions: str, **given: Any) -> dict[str, Any]:
    """Return what the detector module tells: something to do in the first Region."""
    rows = [module_row(ADMINISTRATOR, EAST, actions=[*actions], **given), module_row(ADMINISTRATOR, WEST)]
    return {**result_of("detectors", *rows), "changed": bool(actions), "msg": None}


@pytest.fixture
def play_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., StandInPlay]:
    def make(role: str, **given: Any) -> StandInPlay:
        play = stand_in_play(monkeypatch, tmp_path, role, **given)
        play.answers = {DETECTOR: [detectors()], CALLER: [{"account": ADMINISTRATOR, "arn": "arn:aws:iam::1:user/x"}]}
        return play

    return make


LOOK = (DETECTOR, {"regions": [EAST, WEST], "concurrency": 7})


@pytest.mark.parametrize(
    ("role", "step"), [(None, "tell"), ("onboard", None), ("organization", "tell"), ("report", "x")]
)
def test_step_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: Any, step: Any) -> None:
    play = stand_in_play(monkeypatch, tmp_path, "onboard")
    task = play.task("preflight")
    task.args = {name: value for name, value in (("role", role), ("step", step)) if value}
    with pytest.raises(
        AnsibleError, match="^role must be one of onboard, offboard, report, and step one of preflight, "
    ):
        play.step("preflight", task=task)


def test_role_s_defaults_hold_for_what_a_play_without_the_role_does_not_say(
    play_of: Callable[..., StandInPlay],
) -> None:
    play = play_of("onboard", account_id=None)
    play.hosts["search"]["onboard_account_id"] = ACCOUNTS["search"]
    play.defaults = {"onboard_account_id": "{{ inventory_hostname }}", "onboard_concurrency": 16}
    for host in ("payments", "audit"):
        play.hosts[host]["inventory_hostname"] = ACCOUNTS[host]
    play.step("preflight")
    assert play.run.plan["accounts"]["accounts"] == ACCOUNTS
    assert play.run.plan["options"]["concurrency"] == 7


def test_run_is_checked_and_looked_at_and_what_was_found_is_kept(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard", external_id="secret")
    line = "Onboarding 3 accounts in GuardDuty, 2 Regions: checked, nothing stands in the way"
    result = play.step("preflight")
    assert result == {"changed": False, "msg": [line], "_ansible_verbose_override": True}
    assert (play.told, play.ran) == ([line], [(*LOOK, True)])
    plan = play.run.plan
    options = plan.pop("options")
    assert (options["administrator_id"], options["regions"], options["concurrency"]) == (
        ADMINISTRATOR,
        [EAST, WEST],
        7,
    )
    seen = detectors()
    assert plan == {
        "hosts": ["search", "payments", "audit"],
        "stopped": None,
        "untouched": "Nothing was sent",
        "is_check": False,
        "secrets": ["external_id"],
        "switched_on": {"guardduty": {name: seen.get(name) for name in ("msg", "unprocessed_accounts", "detectors")}},
        "caller_arn": None,
        "accounts": {
            "accounts": ACCOUNTS,
            "addresses": {host: f"{host}@example.com" for host in ACCOUNTS},
            "emails": {account_id: f"{host}@example.com" for host, account_id in ACCOUNTS.items()},
            "faults": {},
        },
    }
    assert (play.run.batch, play.run.seen) == (list(ACCOUNTS), list(ACCOUNTS))


def test_services_that_are_off_are_switched_on_where_they_are(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard", enable_services=True, services=["guardduty", "securityhub"])
    hub = {"hubs": [module_row(ADMINISTRATOR, EAST), module_row(ADMINISTRATOR, WEST)]}
    play.answers["muster.aws.securityhub_hub"] = [hub]
    play.answers[DETECTOR] = [detectors("foreseen"), detectors("enable_service", outcome="changed")]
    told = play.step("preflight")["msg"]
    assert told == [
        "Onboarding 3 accounts in GuardDuty and Security Hub, 2 Regions: checked, nothing stands in the way",
        "GuardDuty switched on in the administrator: us-east-1",
    ]
    assert [(name, is_check) for name, _options, is_check in play.ran] == [
        (DETECTOR, True),
        ("muster.aws.securityhub_hub", True),
        (DETECTOR, False),
    ]
    assert play.ran[2][1] == LOOK[1]
    kept = play.run.plan["switched_on"]
    done = detectors("enable_service", outcome="changed")
    assert kept["guardduty"] == {name: done.get(name) for name in ("msg", "unprocessed_accounts", "detectors")}
    assert kept["securityhub"] == {"msg": None, "unprocessed_accounts": None, **hub}


def test_service_that_is_on_does_not_keep_the_next_from_being_switched_on(
    play_of: Callable[..., StandInPlay],
) -> None:
    play = play_of("onboard", enable_services=True, services=["guardduty", "securityhub"])
    rows = [module_row(ADMINISTRATOR, region, actions=["enable_service"]) for region in (EAST, WEST)]
    play.answers["muster.aws.securityhub_hub"] = [{"hubs": rows}]
    told = play.step("preflight")["msg"]
    assert told[1:] == ["Security Hub switched on in the administrator: us-east-1 us-west-2"]
    assert [name for name, _options, is_check in play.ran if not is_check] == ["muster.aws.securityhub_hub"]


def test_switching_on_is_foreseen_in_check_mode_alone(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard", enable_services=True)
    play.answers[DETECTOR] = [detectors("enable_service")]
    assert play.step("preflight", is_check=True)["msg"][1:] == [
        "GuardDuty would be switched on in the administrator: us-east-1"
    ]
    assert len(play.ran) == 1 and play.run.plan["is_check"] is True


def test_services_are_left_as_they_are_where_that_is_wanted(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard", enable_services=False)
    play.answers[DETECTOR] = [detectors("foreseen")]
    play.step("preflight")
    assert [is_check for _name, _options, is_check in play.ran] == [True]


def test_look_at_a_service_that_ends_badly_leaves_the_task_as_it_was(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard")
    task = play.task("preflight")
    del play.answers[DETECTOR]
    play.step("preflight", task=task)
    assert task.check_mode is False
    assert play.run.plan["stopped"] == f"KeyError: '{DETECTOR}'"


@pytest.mark.parametrize(
    ("given", "answer", "stopped"),
    [
        ({"regions": []}, {}, "onboard_regions is empty: name at least one"),
        (
            {},
            result_of("detectors", failed_row("access_denied", "No.", "ListDetectors", account_id=ADMINISTRATOR)),
            f"administrator {ADMINISTRATOR}, GuardDuty in us-east-1: ListDetectors: No. (access_denied: check the "
            "credentials, the IAM policy and the organization's SCPs for this operation)",
        ),
        ({}, {"failed": True, "msg": "No credentials."}, "No credentials."),
    ],
)
def test_run_that_cannot_begin_is_stopped_and_says_why(
    play_of: Callable[..., StandInPlay], given: Any, answer: Any, stopped: str
) -> None:
    play = play_of("onboard", **given)
    play.answers[DETECTOR] = [answer]
    line = "Nothing was sent: what comes before the first account failed, see the end of this run."
    assert play.step("preflight")["msg"] == [line]
    assert play.run.plan["stopped"] == stopped and play.told == [line]


def test_run_is_checked_once_for_all_its_batches(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard")
    play.step("preflight", "search")
    assert play.step("preflight", "payments", "audit") == {
        "changed": False,
        "msg": "checked before",
        "_ansible_verbose_override": True,
    }
    assert (len(play.ran), play.run.batch, play.run.seen) == (1, ["payments", "audit"], list(ACCOUNTS))


def test_task_that_is_included_anew_for_each_batch_is_the_same_use_of_the_role(
    play_of: Callable[..., StandInPlay],
) -> None:
    play = play_of("onboard")
    include, static = TaskInclude(), TaskInclude()
    static.statically_loaded = True
    for number, batch in enumerate((["search"], ["payments", "audit"])):
        task = play.task("preflight")
        task._uuid = f"new-{number}"
        include._parent, static._parent = None, include
        task._parent = SimpleNamespace(_play=task._parent._play, _parent=static, run_once=False)
        play.step("preflight", *batch, task=task)
    assert len(play.ran) == 1
    [_path] = (play.folder / "muster-onboard").glob(f"run-*-{include._uuid}")


def test_hosts_that_a_condition_leaves_out_are_not_in_the_run(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard")
    play.left_out = {"payments"}
    play.step("preflight")
    assert play.run.plan["hosts"] == ["search", "audit"]
    assert play.run.plan["accounts"]["accounts"].keys() == {"search", "audit"}


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned"])
def test_strategies_that_do_a_batch_for_each_host_are_refused(
    play_of: Callable[..., StandInPlay], strategy: str
) -> None:
    play = play_of("onboard")
    play.strategy = strategy
    with pytest.raises(AnsibleError) as refused:
        play.step("preflight")
    assert str(refused.value) == (
        f"The strategy {strategy.rpartition('.')[2]} would do the work of a batch once for each of its hosts. Nothing "
        "was sent. Set strategy: linear in the play, or strategy = linear in ansible.cfg."
    )
    assert Runs(str(play.folder), "onboard").current is None


@pytest.mark.parametrize("callback", ["json", "ansible.posix.jsonl"])
def test_nothing_is_printed_for_programs(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    play = play_of("onboard")
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", callback)
    assert play.step("preflight").keys() == {"changed", "msg"}
    assert play.told == []


@pytest.mark.parametrize(
    ("given", "limit", "unnamed"),
    [
        ({}, None, "name the hosts with --limit or -e offboard_hosts= (not named: search payments audit)"),
        ({"limit": 2}, "all", "raise offboard_limit, now 2, to their number"),
        ({"limit": 2, "hosts": "all"}, None, "raise offboard_limit, now 2, to their number"),
        (
            {"limit": 2},
            None,
            "name the hosts with --limit or -e offboard_hosts= (not named: search payments audit), "
            "and raise offboard_limit, now 2, to their number",
        ),
    ],
)
def test_offboarding_of_hosts_that_nobody_named_or_too_many_is_refused(
    play_of: Callable[..., StandInPlay], given: Any, limit: str | None, unnamed: str
) -> None:
    play = play_of("offboard", **{"limit": 10, "state": "absent", "account_email": None, **given})
    play.step("preflight", ansible_limit=limit)
    assert play.run.plan["stopped"] == (f"this would offboard 3 accounts: {unnamed}")
    assert play.ran == []


@pytest.mark.parametrize(("hosts", "limit"), [("all", None), (None, "search,payments,audit")])
def test_offboarding_of_hosts_that_were_named_begins_and_names_them(
    play_of: Callable[..., StandInPlay], hosts: str | None, limit: str | None
) -> None:
    play = play_of("offboard", hosts=hosts, limit=3, state="absent", account_email=None)
    play.answers[DETECTOR] = [detectors("foreseen")]
    assert play.step("preflight", ansible_limit=limit)["msg"] == [
        "Offboarding 3 accounts in GuardDuty, 2 Regions: checked, nothing stands in the way",
        "They become absent: search payments audit",
    ]
    assert [is_check for _name, _options, is_check in play.ran] == [True]


@pytest.mark.parametrize(
    ("role", "given", "limit", "stopped"),
    [
        ("onboard", "banks", None, "banks, and this run has 2 other hosts (search audit)"),
        ("onboard", ["payments", "audit"], None, "payments,audit, and this run has 1 other host (search)"),
        ("offboard", "banks", None, "banks, and this run has 2 other hosts (search audit)"),
        ("offboard", "banks", "all", "banks, and this run has 2 other hosts (search audit)"),
        ("report", "nobody", None, "nobody, and this run has 3 other hosts (search payments audit)"),
    ],
)
def test_hosts_that_the_variable_of_hosts_leaves_out_are_refused(
    play_of: Callable[..., StandInPlay], role: str, given: Any, limit: str | None, stopped: str
) -> None:
    more = {"limit": 10, "state": "absent", "account_email": None}
    play = play_of(role, hosts=given, **(more if role == "offboard" else {}))
    play.step("preflight", ansible_limit=limit)
    assert play.run.plan["stopped"] == (
        f"{role}_hosts is {stopped}: only the playbook of this collection reads it, with -e. "
        "Give it there, or choose hosts with --limit"
    )
    assert play.ran == []


@pytest.mark.parametrize(
    ("given", "left_out"),
    [(None, ()), ("all", ()), ("search:banks:audit", ()), ("banks", ("search", "audit"))],
)
def test_hosts_that_the_variable_of_hosts_names_are_taken(
    play_of: Callable[..., StandInPlay], given: Any, left_out: tuple[str, ...]
) -> None:
    play = play_of("onboard", hosts=given)
    play.left_out = set(left_out)
    play.answers[DETECTOR] = [detectors("foreseen")]
    play.step("preflight")
    assert play.run.plan["stopped"] is None


@pytest.mark.parametrize(
    ("role", "in_call", "in_play", "is_stopped"),
    [
        (None, {}, {}, True),
        (None, {"onboard_batch_size": 3}, {}, False),
        # From vars of an import_playbook.
        (None, {}, {"onboard_batch_size": 3}, False),
        ("it", {}, {}, False),
    ],
)
def test_size_of_batches_that_the_playbook_does_not_read_is_refused(
    play_of: Callable[..., StandInPlay],
    monkeypatch: pytest.MonkeyPatch,
    role: str | None,
    in_call: dict[str, Any],
    in_play: dict[str, Any],
    is_stopped: bool,
) -> None:
    monkeypatch.setattr(fleet, "load_extra_vars", lambda _loader: in_call)
    play = play_of("onboard")
    play.play_vars = in_play
    play.hosts["audit"]["onboard_batch_size"] = 3
    play.hosts["search"]["onboard_batch_size"] = play.hosts["payments"]["onboard_batch_size"] = 3
    play.answers[DETECTOR] = [detectors("foreseen")]
    task = play.task("preflight")
    task._role = role
    play.step("preflight", task=task)
    text = "onboard_batch_size was given by the inventory, and the playbook does not read it there. Give it with -e"
    assert play.run.plan["stopped"] == (text if is_stopped else None)


def test_some_of_the_hosts_that_the_variable_of_hosts_leaves_out_are_named(
    play_of: Callable[..., StandInPlay],
) -> None:
    play = play_of("onboard", hosts="nobody")
    names = [f"host-{number}" for number in range(6)]
    play.hosts = {name: {**play.hosts["search"], "inventory_hostname": name} for name in names}
    play.step("preflight", *names)
    assert f"6 other hosts ({' '.join(names[:5])} ...)" in play.run.plan["stopped"]


def test_offboarding_names_no_more_hosts_than_fit(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("offboard", limit=100, state="absent", account_email=None)
    account = play.hosts["search"]
    for count, end in ((20, ""), (21, " and 1 more")):
        names = [f"host-{number:02}" for number in range(count)]
        play.hosts = {
            name: {**account, "inventory_hostname": name, "offboard_account_id": f"{number:012}"}
            for number, name in enumerate(names)
        }
        told = play.step("preflight", *names, ansible_limit="all", task=None)["msg"]
        assert told[1] == f"They become absent: {' '.join(names[:20])}{end}"
        (play.folder / "muster-offboard").rename(play.folder / f"before-{count}")


def test_offboarding_does_not_name_the_administrator_which_stays(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("offboard", limit=3, state="absent", account_email=None)
    play.hosts["payments"]["offboard_account_id"] = ADMINISTRATOR
    assert play.step("preflight", ansible_limit="all")["msg"][1] == "They become absent: search audit"


def test_offboarding_counts_only_hosts_that_take_part(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("offboard", limit=1, state="absent", account_email=None)
    play.left_out = {"search", "audit"}
    play.step("preflight", ansible_limit="all")
    assert play.run.plan["stopped"] is None


def test_offboarding_counts_what_was_offboarded_before_in_the_same_run(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("offboard", limit=2, state="absent", account_email=None)
    for use, left_out, stopped in (
        ("first", {"payments", "audit"}, None),
        ("the same again", {"payments", "audit"}, None),
        (
            "all",
            set(),
            "this would offboard 3 accounts: raise offboard_limit, now 2, to their number",
        ),
        # What was stopped has taken nobody.
        ("second", {"search", "audit"}, None),
        (
            "third",
            {"search", "payments"},
            "this would offboard 1 account: raise offboard_limit, now 2, to their number (with 2 accounts before, in "
            "this run)",
        ),
    ):
        task = play.task("preflight")
        task._uuid, play.left_out = use, left_out
        play.step("preflight", task=task, ansible_limit="all")
        assert play.run.plan["stopped"] == stopped


def test_offboarding_names_a_few_of_those_that_nobody_named(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("offboard", limit=100, state="absent", account_email=None)
    names = [f"host-{number}" for number in range(7)]
    play.hosts = {name: {**play.hosts["search"], "inventory_hostname": name} for name in names}
    play.step("preflight", *names)
    assert play.run.plan["stopped"].endswith(f"(not named: {' '.join(names[:5])} ...)")


@pytest.mark.parametrize(("text", "is_stopped"), [("\n", True), ("search\n", False)])
def test_offboarding_takes_a_limit_without_a_name_for_none(
    play_of: Callable[..., StandInPlay], tmp_path: Path, text: str, is_stopped: bool
) -> None:
    (tmp_path / "hosts.txt").write_text(text)
    play = play_of("offboard", limit=100, state="absent", account_email=None)
    play.step("preflight", ansible_limit=f"@{tmp_path / 'hosts.txt'}")
    told = "this would offboard"
    assert str(play.run.plan["stopped"]).startswith(told) is is_stopped


def test_files_of_a_run_that_was_stopped_for_its_variables_are_known(
    play_of: Callable[..., StandInPlay], tmp_path: Path
) -> None:
    play = play_of("onboard", regoins=["us-east-1"], failed_file=str(tmp_path / "failed.txt"))
    play.step("preflight")
    assert "onboard_regoins" in play.run.plan["stopped"]
    assert play.run.plan["options"] == {"failed_file": str(tmp_path / "failed.txt")}


def test_report_is_on_the_accounts_of_the_run_and_knows_all_that_the_inventory_lists(
    play_of: Callable[..., StandInPlay],
) -> None:
    play = play_of("report")
    del play.hosts["audit"]["report_administrator_id"]
    elsewhere = {**play.hosts["audit"], "inventory_hostname": "elsewhere", "report_account_id": "444444444444"}
    play.hosts["elsewhere"] = {**elsewhere, "report_administrator_id": "999999999999", "report_account_email": None}
    play.groups = {"all": ["elsewhere", "search", "payments"]}
    play.hosts["audit"]["report_administrator_id"] = ADMINISTRATOR
    hosts = ["search", "audit"]
    result = play.step("preflight", *hosts, ansible_play_hosts_all=hosts)
    assert result["msg"] == ["Report on 2 accounts in GuardDuty, 2 Regions: checked, nothing stands in the way"]
    assert play.ran == [(CALLER, {"region": EAST}, False)]
    plan = play.run.plan
    assert (plan["caller_arn"], plan["switched_on"]) == ("arn:aws:iam::1:user/x", {})

    def row(host: str, **given: Any) -> dict[str, Any]:
        told = {"account_id": ACCOUNTS.get(host), "email": f"{host}@example.com", "administrator_id": ADMINISTRATOR}
        return {"host": host, **told, "fault": None, **given}

    other = row("elsewhere", account_id="444444444444", email=None, administrator_id="999999999999")
    assert plan["inventory"] == {
        "accounts": [row("search"), row("audit")],
        "account_ids": sorted(ACCOUNTS[host] for host in hosts),
        "listed": {each["account_id"]: [each] for each in (other, row("search"), row("payments"), row("audit"))},
    }


def test_report_takes_its_own_administrator_for_hosts_that_name_none(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("report")
    play.hosts["elsewhere"] = {"inventory_hostname": "elsewhere", "report_account_id": "444444444444"}
    play.groups = {"all": list(play.hosts)}
    play.step("preflight", ansible_play_hosts_all=list(ACCOUNTS))
    [listed] = play.run.plan["inventory"]["listed"]["444444444444"]
    assert listed["administrator_id"] == ADMINISTRATOR


@pytest.mark.parametrize(
    ("answer", "stopped"),
    [
        (
            {"failed": True, "msg": "No credentials in the BOX."},
            f"No credentials in the BOX. The credentials must be those of the administrator, {ADMINISTRATOR}: "
            "aws sts get-caller-identity, run there, tells whose they are",
        ),
        (
            {"account": "999999999999", "arn": "x"},
            f"the credentials belong to account 999999999999, and report_administrator_id is {ADMINISTRATOR}. Use the "
            "administrator's credentials",
        ),
    ],
)
def test_report_with_credentials_of_somebody_else_is_stopped(
    play_of: Callable[..., StandInPlay], answer: Any, stopped: str
) -> None:
    play = play_of("report")
    play.answers[CALLER] = [answer]
    play.step("preflight")
    assert (play.run.plan["stopped"], play.run.plan["caller_arn"]) == (stopped, None)


def test_report_with_a_baseline_that_is_none_is_stopped_before_any_call(
    play_of: Callable[..., StandInPlay], tmp_path: Path
) -> None:
    path = tmp_path / "earlier.json"
    play = play_of("report", baseline_file=str(path))
    play.step("preflight")
    assert play.run.plan["stopped"] == f"report_baseline_file: {path} cannot be read: No such file or directory."
    path.write_text(json.dumps({"administrator_id": "9", "accounts": [], "generated_at": ""}))
    (play.folder / "muster-report").rename(play.folder / "before")
    play.step("preflight")
    assert play.run.plan["stopped"] == (
        f"report_baseline_file: {path} is about administrator 9, and this report about {ADMINISTRATOR}."
    )
    assert play.ran == []


@pytest.mark.parametrize("is_included", [False, True])
def test_role_that_would_tell_the_first_host_alone_is_refused(
    play_of: Callable[..., StandInPlay], is_included: bool
) -> None:
    play = play_of("onboard")
    task, include = play.task("preflight"), TaskInclude()
    include._parent, include.run_once = None, "{{ asked }}" if is_included else None
    play.given = {"asked": "yes"}
    task._parent._parent, task._parent.run_once = include, not is_included
    with pytest.raises(AnsibleError) as refused:
        play.step("preflight", task=task)
    assert str(refused.value) == (
        "With run_once, the role would tell the first host only, and no other would fail. Nothing was sent. "
        "Leave run_once out: the role itself does once what is to be done once."
    )
    assert play.ran == []


def explain(sources: Any, giving: Any, groups: Any, _loader: Any) -> list[str]:
    return explain_silent_sources(sources, giving, groups, DataLoader())


def test_source_of_the_inventory_that_could_not_be_read_stops_the_run(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script, fine = tmp_path / "accounts.sh", tmp_path / "fine.yml"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o700)
    fine.touch()
    another = tmp_path / "more.sh"
    another.write_text(script.read_text())
    another.chmod(0o700)
    play = play_of("onboard", results_file=str(tmp_path / "x.json"))
    play.sources, play.giving = [str(fine), str(script), str(another)], [str(fine)]
    loaders: list[Any] = []
    monkeypatch.setattr(fleet, "explain_silent_sources", lambda *given: loaders.append(given[-1]) or explain(*given))
    play.step("preflight")
    plan = play.run.plan
    assert loaders == [play]
    first, second = plan["stopped"].split("; Ansible could not read ")
    assert first.startswith(f"Ansible could not read the inventory {script} as a whole")
    assert second.startswith(f"the inventory {another} as a whole")
    assert plan["options"]["results_file"] == [str(tmp_path / "x.json")] and play.ran == []


def test_results_of_an_earlier_part_of_the_run_and_the_inventory_are_not_written_over(
    play_of: Callable[..., StandInPlay], tmp_path: Path
) -> None:
    path, inventory = tmp_path / "x.json", tmp_path / "hosts.yml"
    inventory.touch()
    failed = tmp_path / "failed.txt"
    play = play_of("onboard", results_file=str(path), failed_file=str(failed))
    play.step("preflight")
    assert play.run.plan["stopped"] is None
    again = play.task("preflight")
    again._uuid = "another"
    play.step("preflight", task=again)
    assert play.run.plan["stopped"].splitlines()[1] == (
        f"onboard_failed_file: {failed} has the results of an earlier part of this run; name another file"
    )
    told = "has the results of an earlier part of this run; name another file"
    assert play.run.plan["stopped"].splitlines()[0] == f"onboard_results_file: {path} {told}"
    assert "results_file" not in play.run.plan["options"]
    play = play_of("report", failed_file=str(inventory))
    play.sources = play.giving = [str(inventory)]
    play.step("preflight")
    assert play.run.plan["stopped"] == f"report_failed_file: {inventory} is the inventory; name another file"
    # Nor where the run is stopped.
    assert "failed_file" not in play.run.plan["options"]


class TaskTimeoutError(BaseException):
    """As Ansible's, which is no Exception either."""


def test_checks_whose_time_is_up_stop_the_run_and_what_ends_the_process_ends_it(
    play_of: Callable[..., StandInPlay], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_given: Any) -> Any:
        raise error

    play = play_of("onboard")
    monkeypatch.setattr(fleet, "check_service", end)
    error: BaseException = TaskTimeoutError("Timed out after 3 second(s).")
    play.step("preflight")
    assert play.run.plan["stopped"] == (
        "Timed out after 3 second(s). What was under way was ended. Run again, with a longer timeout of the task"
    )
    assert play.run.plan["untouched"] == "Nothing was sent"
    error = KeyboardInterrupt()
    again = play.task("preflight")
    again._uuid = "another"
    with pytest.raises(KeyboardInterrupt):
        play.step("preflight", task=again)


def test_switching_on_that_does_not_end_is_not_told_as_nothing(play_of: Callable[..., StandInPlay]) -> None:
    play = play_of("onboard", enable_services=True)
    play.answers[DETECTOR] = [detectors("enable_service"), TaskTimeoutError("Timed out after 3 second(s).")]
    begun = "No account was touched, but services were being switched on in the administrator"
    assert play.step("preflight")["msg"] == [
        f"{begun}: what comes before the first account failed, see the end of this run."
    ]
    assert play.step("tell", "search")["msg"].startswith(f"{begun}: Timed out after 3 second(s). ")
    play.step("summary")
    assert f"\n{begun}:\n  Timed out after 3 second(s). " in play.told[-1]
