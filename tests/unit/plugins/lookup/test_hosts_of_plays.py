# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a play, before, in and after a run; and what would make Ansible end well with nothing done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible_collections.muster.aws.plugins.lookup import fleet_hosts
from ansible_collections.muster.aws.plugins.plugin_utils._state import Run, Runs
from ansible_collections.muster.aws.tests.unit.plugins.constructed import StandInTemplar, construct

Lookup = Callable[..., list[str]]

GROUPS: Mapping[str, Any] = MappingProxyType(
    {"all": ["search", "payments", "audit"], "ungrouped": [], "banks": ["payments", "audit"]}
)
VARIABLES: Mapping[str, Any] = MappingProxyType({"groups": GROUPS, "ansible_inventory_sources": []})


@pytest.fixture
def lookup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lookup:
    """Return what asks the lookup, as a run of ansible-playbook does."""
    monkeypatch.setattr(context, "CLIARGS", {})
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    plugin = construct("lookup", fleet_hosts, "muster.aws.fleet_hosts")

    def ask(which: str, variables: Mapping[str, Any] | None = VARIABLES, pattern: Any = None) -> list[str]:
        given = variables if pattern is None else {**(variables or {}), "onboard_hosts": pattern}
        plugin._templar = StandInTemplar(given or {})
        found: list[str] = plugin.run(["onboard", which], given)
        return found

    return ask


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run of the role in which nothing has happened yet."""
    return Runs(str(tmp_path), "onboard").begin("task", ["search", "payments", "audit"])


def refusal(lookup: Lookup, variables: Mapping[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(AnsibleError) as refused:
        lookup("chosen", variables, **options)
    return str(refused.value)


@pytest.mark.parametrize("only_look", ["syntax", "listhosts", "listtasks", "listtags"])
def test_hosts_are_the_pattern_where_ansible_playbook_only_looks(
    lookup: Lookup, monkeypatch: pytest.MonkeyPatch, only_look: str
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {only_look: True})
    assert lookup("told", None) == ["all"]
    assert lookup("due", VARIABLES, pattern="nobody") == ["nobody"]


def test_first_process_loads_what_all_modules_share_once_a_run_may_begin(
    lookup: Lookup, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    loaded: list[bool] = []
    monkeypatch.setattr(fleet_hosts, "load_shared", lambda: loaded.append(True))
    refusal(lookup, VARIABLES, pattern="nobody")
    assert loaded == []
    lookup("chosen")
    run.keep_plan({"hosts": ["search"], "stopped": None})
    lookup("due")
    assert loaded == [True]


def test_all_hosts_are_chosen_where_nobody_named_any(lookup: Lookup) -> None:
    assert lookup("chosen") == ["all"]
    assert lookup("chosen", {**VARIABLES, "onboard_hosts": None}) == ["all"]


@pytest.mark.parametrize("pattern", ["@failed.txt", "banks,@failed.txt", ["banks", "@failed.txt"]])
def test_file_of_names_is_no_pattern_of_hosts(lookup: Lookup, pattern: Any) -> None:
    text = pattern if isinstance(pattern, str) else ",".join(pattern)
    told = f"onboard_hosts is {text}, and nothing was done: a file of names is for --limit"
    assert refusal(lookup, {**VARIABLES, "onboard_hosts": pattern}) == told


@pytest.mark.parametrize("pattern", ["", " ", []])
def test_hosts_that_are_asked_for_and_empty_are_not_all(lookup: Lookup, pattern: Any) -> None:
    told = "onboard_hosts is empty, and nothing was done: name hosts or groups, or leave it out for all"
    assert refusal(lookup, VARIABLES, pattern=pattern) == told


def test_hosts_may_come_from_another_variable_or_a_list(lookup: Lookup) -> None:
    assert lookup("chosen", {**VARIABLES, "ours": "banks"}, pattern="{{ ours }}") == ["banks"]
    assert lookup("chosen", pattern=["search", "banks"]) == ["search,banks"]


@pytest.mark.parametrize("text", ["\n", "", "  \n\t\n"])
def test_limit_that_is_a_file_without_a_name_is_refused(lookup: Lookup, tmp_path: Path, text: str) -> None:
    path = tmp_path / "blank.txt"
    path.write_text(text)
    told = refusal(lookup, {**VARIABLES, "ansible_limit": f"@{path}"})
    assert f"--limit: there is no name in @{path}" in told


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [("banks", None), ("banks:!audit", None), ("banks", "payments"), ("search", "search,audit"), ("all", "banks")],
)
def test_chosen_are_those_of_the_pattern(lookup: Lookup, pattern: Any, limit: str | None) -> None:
    assert lookup("chosen", {**VARIABLES, "ansible_limit": limit}, pattern=pattern) == [pattern]


@pytest.mark.parametrize(
    ("pattern", "limit", "told"),
    [
        ("bank", None, "nothing was done: onboard_hosts: nothing in the inventory matches bank; did you mean banks?"),
        ("all", "x", "nothing was done: --limit: nothing in the inventory matches x"),
        (
            "x",
            "y",
            "nothing was done: onboard_hosts: nothing in the inventory matches x; "
            "--limit: nothing in the inventory matches y",
        ),
        ("search", "banks", "nothing was done: no host of onboard_hosts (search) is within --limit (banks)"),
        ("banks:!banks", None, "nothing was done: no host is in onboard_hosts (banks:!banks)"),
    ],
)
def test_hosts_that_are_not_there_are_refused(lookup: Lookup, pattern: str, limit: str | None, told: str) -> None:
    assert refusal(lookup, {**VARIABLES, "ansible_limit": limit}, pattern=pattern) == told


@pytest.mark.parametrize(
    ("run_tags", "skip_tags", "asked"),
    [
        (["guardduty", "macie"], [], "guardduty, macie"),
        ([], ["all"], "all"),
        (["all"], ["untagged"], "all"),
        (["tagged"], None, "tagged"),
    ],
)
def test_tags_that_would_leave_the_work_out_are_refused(
    lookup: Lookup, run_tags: list[str], skip_tags: list[str] | None, asked: str
) -> None:
    tags = {"ansible_run_tags": run_tags, "ansible_skip_tags": skip_tags}
    assert refusal(lookup, {**VARIABLES, **tags}) == (
        f"--tags and --skip-tags would leave the work out ({asked} asked for), and nothing was done. This playbook has "
        "no tags, and does not see those of an import_playbook: choose services with -e onboard_services=..., hosts "
        "with --limit"
    )


@pytest.mark.parametrize("tags", [{"ansible_run_tags": ["untagged", "x"]}, {"ansible_skip_tags": ["macie"]}])
def test_tags_that_leave_the_work_in_are_taken(lookup: Lookup, tags: dict[str, Any]) -> None:
    assert lookup("chosen", {**VARIABLES, **tags}) == ["all"]


@pytest.mark.parametrize(
    ("given", "call", "told"),
    [
        (
            {"_raw_params": "eu-west-1"},
            {},
            "-e: Ansible takes what it is given apart at blanks, and a part of it was left over. Quote the value, "
            "as in -e \"onboard_regions='us-east-1, eu-west-1'\", or leave the blanks out",
        ),
        ({}, {"subset": ""}, "--limit is empty"),
        ({}, {"start_at_task": "Tell"}, "--start-at-task would leave steps out"),
        (
            {"_raw_params": ""},
            {"subset": "", "start_at_task": "x"},
            "--limit is empty; --start-at-task would leave steps out",
        ),
    ],
)
def test_call_of_which_a_part_would_be_passed_over_is_refused(
    lookup: Lookup, monkeypatch: pytest.MonkeyPatch, given: Any, call: Any, told: str
) -> None:
    monkeypatch.setattr(context, "CLIARGS", call)
    assert refusal(lookup, {**VARIABLES, **given}) == f"nothing was done: {told}"
    with pytest.raises(AnsibleError, match="^nothing was done: "):
        lookup("localhost", {**VARIABLES, **given})


def test_hosts_that_cannot_be_told_are_named_by_their_variable(lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Any, _value: Any) -> Any:
        raise AnsibleError("'nosuch' is undefined")

    monkeypatch.setattr(StandInTemplar, "template", fail)
    told = refusal(lookup, VARIABLES, pattern="{{ nosuch }}")
    assert told == "onboard_hosts, and nothing was done: 'nosuch' is undefined"


@pytest.mark.parametrize("groups", [None, {}, {"all": []}])
def test_inventory_without_hosts_is_refused(lookup: Lookup, tmp_path: Path, groups: Any) -> None:
    sources = ["a,", "b,"]
    end = (
        "Name one with -i; a host is an AWS account, see docs/onboard.md. An account list of another form is turned "
        "into an inventory by ansible-playbook muster.aws.inventory"
    )
    told = refusal(lookup, {"groups": groups, "ansible_inventory_sources": sources})
    assert told == f"the inventory has no host, and nothing was done: it was read from a,, b,. {end}"
    missing = [str(tmp_path / name) for name in ("x.yml", "y.yml")]
    told = refusal(lookup, {"groups": groups, "ansible_inventory_sources": missing})
    faults = "; ".join(f"the inventory {path} is not there" for path in missing)
    assert told == f"the inventory has no host, and nothing was done: {faults}. {end}"
    told = refusal(lookup, {"groups": groups})
    assert told == f"the inventory has no host, and nothing was done: it was read from . {end}"


def test_variables_that_are_not_there_are_as_an_inventory_without_hosts(lookup: Lookup) -> None:
    assert refusal(lookup).startswith("the inventory has no host, and nothing was done: ")


def test_inventory_of_which_a_part_is_missing_is_refused(lookup: Lookup, tmp_path: Path) -> None:
    path = tmp_path / "more.yml"
    told = refusal(lookup, {**VARIABLES, "ansible_inventory_sources": [path]}, pattern="x")
    assert told == (
        f"nothing was done: the inventory {path} is not there; onboard_hosts: nothing in the inventory matches x"
    )


@pytest.mark.parametrize("which", ["due", "told"])
def test_hosts_of_a_run_that_was_not_checked_are_refused(lookup: Lookup, which: str) -> None:
    with pytest.raises(AnsibleError) as refused:
        lookup(which)
    assert str(refused.value) == (
        "nothing was done: the play that checks everything did not take place. Tags, --step or a condition on "
        "import_playbook left it out, and a condition is asked of the first host only; choose hosts with --limit or a "
        "variable of hosts"
    )


@pytest.mark.parametrize(("stopped", "hosts"), [(None, ["banks"]), ("for a reason", [])])
def test_hosts_are_due_unless_the_run_was_stopped(
    lookup: Lookup, run: Run, stopped: str | None, hosts: list[str]
) -> None:
    run.keep_plan({"stopped": stopped, "hosts": ["payments", "audit"]})
    assert lookup("due", pattern="banks") == hosts


def verdict(changed: bool = False, failed: bool = False) -> dict[str, bool]:
    return {"changed": changed, "failed": failed}


@pytest.mark.parametrize(
    ("batches", "hosts"),
    [
        ([{"search": verdict(), "payments": verdict(changed=True)}, {"audit": verdict()}], ["~^(payments)$"]),
        ([{"search": verdict(failed=True)}, {"payments": verdict(), "audit": verdict(True)}], ["~^(search|audit)$"]),
        # Of a host that was in no batch there is something to tell.
        ([{"search": verdict(), "audit": verdict()}], ["~^(payments)$"]),
        ([], ["banks"]),
        ([{name: verdict(failed=True) for name in ("search", "payments", "audit")}], ["banks"]),
        # A play needs a host.
        ([{name: verdict() for name in ("search", "payments", "audit")}], ["~^(search)$"]),
    ],
)
def test_hosts_are_told_what_changed_or_failed(lookup: Lookup, run: Run, batches: Any, hosts: list[str]) -> None:
    run.keep_plan({"stopped": None, "hosts": ["search", "payments", "audit"]})
    for batch in batches:
        run.keep_batch({"hosts": batch, "rows": []})
    assert lookup("told", pattern="banks") == hosts


def test_roles_are_kept_apart(lookup: Lookup, tmp_path: Path) -> None:
    Runs(str(tmp_path), "report").begin("task", ["search"]).keep_plan({"stopped": None, "hosts": ["search"]})
    with pytest.raises(AnsibleError):
        lookup("due")


@pytest.mark.parametrize(
    ("limit", "groups"),
    [
        (None, {}),
        ("localhost", {}),
        ("all:localhost", {}),
        ("localhost", {"all": ["search"]}),
        ("all", {"all": ["search", "localhost"]}),
        ("~local.*", {"all": ["localhost"]}),
    ],
)
def test_work_that_is_for_no_host_is_done_here(lookup: Lookup, limit: str | None, groups: Any) -> None:
    assert lookup("localhost", {"ansible_limit": limit, "groups": groups}) == ["localhost"]


def test_work_that_is_for_no_host_is_left_out_by_nothing(lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    for given, told in (
        ({"ansible_limit": "localhost2"}, "--limit localhost2 would leave localhost out, where this playbook"),
        ({"ansible_limit": "all", "groups": {"all": ["a"]}}, "--limit all would leave localhost out, where"),
        ({"ansible_limit": "search"}, "--limit search would leave localhost out, where this playbook does its work"),
        (
            {"ansible_run_tags": ["x"]},
            "would leave the work out (x asked for), and nothing was done. This playbook has",
        ),
    ):
        with pytest.raises(AnsibleError) as refused:
            lookup("localhost", given)
        assert told in str(refused.value)
        assert str(refused.value).endswith(("of an import_playbook", "nothing was done"))
        monkeypatch.setattr(context, "CLIARGS", {"listtags": True})
        assert lookup("localhost", given) == ["localhost"]
        monkeypatch.setattr(context, "CLIARGS", {})
