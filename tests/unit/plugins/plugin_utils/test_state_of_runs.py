# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of a run keep for each other, and how they read the variables of hosts."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible.playbook.task_include import TaskInclude
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs
from ansible_collections.muster.aws.plugins.plugin_utils._variables import (
    HostVariables,
    includes_of,
    parents_of,
    same_for_all,
)


def test_plan_is_read_as_it_was_kept_and_may_be_kept_again(tmp_path: Path) -> None:
    run = Runs(str(tmp_path / "of-ansible"), "onboard").begin("task", ["search"])
    for plan in ({"hosts": ["käse"], "stopped": None}, {"hosts": []}):
        run.keep_plan(plan)
        assert run.plan == plan


def test_batches_come_in_their_order_and_each_host_has_its_verdict(tmp_path: Path) -> None:
    run = Runs(str(tmp_path), "onboard").begin("task", ["search"])
    run.keep_plan({})
    batches = [{"hosts": {f"host/{number}": {"text": f"ü{number}"}}, "rows": [number]} for number in range(12)]
    for batch in batches:
        run.keep_batch(batch)
    assert list(run.batches()) == batches
    assert run.verdict("host/11") == {"text": "ü11"} and run.verdict("host/12") is None
    assert run.hosts_done == {f"host/{number}" for number in range(12)} and run.batches_done == 12
    run.keep_batch({"hosts": {"host/1": {"text": "again"}}})
    assert run.verdict("host/1") == {"text": "again"} and len(run.hosts_done) == 12


@pytest.mark.parametrize("name", ["a b", "a\tb", 'say "a"', "a\nb", "ä\u2028b", "\\t"])
def test_host_of_any_name_has_its_own_verdict(tmp_path: Path, name: str) -> None:
    run = Runs(str(tmp_path), "onboard").begin("task", [name])
    run.keep_batch({"hosts": {"a": {"text": "other"}, name: {"text": name}, f"{name}b": {"text": "longer"}}})

    assert run.verdict(name) == {"text": name} and run.verdict("a") == {"text": "other"}
    assert run.hosts_done == {"a", name, f"{name}b"}


def test_each_use_of_a_role_is_kept_by_itself(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path), "onboard")
    assert list(runs) == [] == runs.others and runs.current is None and runs.resume("first", ["search"]) is None
    for number, task in enumerate(["second-in-the-alphabet", "first"]):
        run = runs.begin(task, ["search"])
        run.keep_plan({"number": number})
    assert [run.plan["number"] for run in runs] == [0, 1]
    assert runs.current is not None and runs.current.plan == {"number": 1}
    assert [run.plan["number"] for run in runs.others] == [0]
    resumed = runs.resume("second-in-the-alphabet", ["payments"])
    assert resumed is not None and resumed.plan == {"number": 0}
    assert runs.current is not None and runs.current.plan == {"number": 0}
    assert [run.plan["number"] for run in runs.others] == [1]
    assert list(Runs(str(tmp_path), "offboard")) == [] and runs.resume("other", ["payments"]) is None


def test_use_of_a_role_knows_its_last_batch_and_all_that_came_by(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path), "onboard")
    assert runs.begin("task", ["a", "b"]).batch == ["a", "b"]
    for host in "cd":
        run = runs.resume("task", [host])
        assert run is not None and run.batch == [host]
    assert run is not None and sorted(run.seen) == ["a", "b", "c", "d"]
    assert runs.resume("task", ["b", "e"]) is None, "the next use, as of a loop"


def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    Runs(str(tmp_path), "report").begin("task", ["search"])
    [folder] = (tmp_path / "muster-report").glob("run-*")
    assert folder.name == "run-000-task" and stat.S_IMODE(folder.stat().st_mode) == 0o700


class Templar:
    """Stands in for Ansible's: replaces names in braces, and counts how often it was asked."""

    def __init__(self, variables: dict[str, Any] | None = None) -> None:
        self.variables = variables or {}
        self.asked: list[Any] = []

    def copy_with_new_env(self, available_variables: dict[str, Any]) -> Templar:
        copied = Templar(available_variables)
        copied.asked = self.asked
        return copied

    def template(self, value: Any) -> Any:
        self.asked.append(value)
        if "{{" not in str(value):
            return value
        name = str(value).strip("{} ")
        if name == "broken":
            raise AnsibleError("template error")
        if name not in self.variables:
            raise AnsibleError(f"'{name}' is undefined")
        return self.variables[name]


def test_variable_is_what_its_template_becomes_with_the_host_s_own_variables() -> None:
    variables = HostVariables(
        {
            "a": "{{ b }}",
            "b": ("x", 1),
            "c": None,
            "d": "{{ e }}",
            "f": "{{ broken }}",
            "inventory_hostname": "search",
        },
        Templar(),
    )
    assert (variables.get("a"), variables.get("b")) == (["x", 1], ["x", 1])
    assert variables.get("c") is variables.get("nothing") is None
    with pytest.raises(AnsibleError, match="^d of host search: 'e' is undefined$"):
        variables.get("d")
    with pytest.raises(AnsibleError, match="^f of host search: template error$"):
        variables.get("f")
    assert list(variables) == ["a", "b", "c", "d", "f", "inventory_hostname"] and variables.raw("a") == "{{ b }}"


class Deep(Templar):
    """As Ansible's: the value of a variable is a template, too."""

    def copy_with_new_env(self, available_variables: dict[str, Any]) -> Deep:
        return Deep(available_variables)

    def template(self, value: Any) -> Any:
        found = super().template(value)
        return found if found == value else self.template(found)


DEFAULT = "{{ onboard_regions }}"


@pytest.mark.parametrize(
    ("values", "value"),
    [
        ({}, None),
        ({"onboard_regions": None}, None),
        ({"onboard_regions": ["us-east-1"]}, ["us-east-1"]),
        ({"onboard_regions": "{{ ours }}", "ours": "us-east-1"}, "us-east-1"),
    ],
)
def test_default_may_lean_on_what_is_not_set(values: dict[str, Any], value: Any) -> None:
    defaults = {"report_regions": DEFAULT}

    variables = HostVariables({**defaults, **values}, Deep(), defaults)
    assert variables.get("report_regions") == value


@pytest.mark.parametrize("default", [DEFAULT, "{{ onboard_regions | default('') }}"])
def test_mistake_in_what_a_default_leans_on_is_told(default: str) -> None:
    defaults = {"report_regions": default}
    values = {**defaults, "onboard_regions": "{{ ours }}", "inventory_hostname": "search"}
    with pytest.raises(AnsibleError, match="^onboard_regions of host search: 'ours' is undefined$"):
        HostVariables(values, Templar(), defaults).get("report_regions")


def test_value_that_is_no_default_may_not() -> None:
    with pytest.raises(AnsibleError, match="is undefined"):
        HostVariables({"report_regions": "{{ onboard_x }}"}, Templar(), {"report_regions": DEFAULT}).get(
            "report_regions"
        )


def test_values_that_all_hosts_share_are_told_and_those_that_differ_named() -> None:
    templar = Templar()
    rows = [
        {"same": 1, "text": "{{ own }}", "own": "x", "differs": 1, "statement": "{% own %}"},
        {"same": 1, "text": "{{ own }}", "own": "y", "differs": 2, "statement": "{% own %}"},
        {"same": 1, "text": "{{ own }}", "own": "x", "differs": 1, "statement": "{% own %}"},
    ]
    hosts = {f"host-{number}": HostVariables(row, templar) for number, row in enumerate(rows)}
    spec: dict[str, Any] = {name: {} for name in ("same", "text", "differs", "statement", "missing")}
    values, differing = same_for_all(hosts, spec)
    assert values == {"same": 1, "text": "x", "differs": 1, "statement": "{% own %}", "missing": None}
    assert differing == {"text": ("host-0", "host-1"), "differs": ("host-0", "host-1")}
    late = {f"host-{number}": HostVariables({"late": word}, templar) for number, word in enumerate(["a", "a", "b"])}
    assert same_for_all(late, {"late": {}}) == ({"late": "a"}, {"late": ("host-0", "host-2")})
    # What has no template in it is looked at once, however many hosts have it.
    assert [templar.asked.count(value) for value in (1, 2, "{{ own }}", "{% own %}")] == [2, 1, 3, 3]


def test_no_host_has_no_values() -> None:
    assert same_for_all({}, {"a": {}}) == ({"a": None}, {})


def test_list_that_is_given_as_text_does_not_differ_from_one_that_is_not() -> None:
    given: list[Any] = ["a, b", ["a", "b"], "a\nb"]
    hosts = {f"host-{number}": HostVariables({"x": value}, Templar()) for number, value in enumerate(given)}
    assert same_for_all(hosts, {"x": {"type": "list"}}) == ({"x": ["a", "b"]}, {})
    assert same_for_all(hosts, {"x": {"type": "str"}})[1] == {"x": ("host-0", "host-1")}


def test_variable_that_some_hosts_do_not_have_differs() -> None:
    for rows in ([{}, {"x": 1}], [{"x": 1}, {}]):
        hosts = {f"host-{number}": HostVariables(row, Templar()) for number, row in enumerate(rows)}
        assert same_for_all(hosts, {"x": {}})[1] == {"x": ("host-0", "host-1")}


def test_includes_around_a_task_are_found_from_the_inside() -> None:
    inner, static, outer, block = TaskInclude(), TaskInclude(), TaskInclude(), Block()
    static.statically_loaded = True
    task = Task()
    for child, parent in ((task, block), (block, inner), (inner, static), (static, outer), (outer, None)):
        child._parent = parent
    assert list(includes_of(task)) == [inner, outer]
    assert list(includes_of(outer)) == []
    assert list(parents_of(task)) == [block, inner, static, outer]
