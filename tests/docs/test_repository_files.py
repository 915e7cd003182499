# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a forge, an editor or a newcomer looks for: checked as data, since nothing here runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomllib
import yaml
from ansible_collections.muster.aws.scripts.check_mutants import (
    Change,
    Entry,
    Group,
    file_of,
    function_of,
    grouped,
    judge,
)

TOP = Path(__file__).parents[2]
WORKFLOWS = sorted((TOP / ".github/workflows").glob("*.yml"))
FORMS = sorted(path for path in (TOP / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
SUITE = (TOP / "scripts/test").read_text()
STEPS = set(re.findall(r"^ *(?:step|shown) ([a-z-]+) ", SUITE, re.M)) - {"pytest-pure", "other-pythons-found"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def commands(workflow: Any) -> list[str]:
    return [step["run"] for job in workflow["jobs"].values() for step in job.get("steps", ()) if "run" in step]


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-issue-forms", FORMS)],
    ids=["workflows", "issue-forms"],
)
def test_files_of_the_forge_fit_its_schema(schema: str, paths: list[Path]) -> None:
    assert paths
    checked = subprocess.run(
        ["check-jsonschema", "--builtin-schema", schema, *map(str, paths)], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_hosted_tests_run_each_step_of_the_suite_once() -> None:
    [parts] = [job["strategy"]["matrix"]["steps"] for job in load(TOP / ".github/workflows/tests.yml")["jobs"].values()]
    named = [step for part in parts for step in part.split()]
    assert STEPS and sorted(named) == sorted(STEPS)
    assert any({"pytest", "coverage"} <= set(part.split()) for part in parts)  # the one measures for the other


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_what_is_there_and_end_by_themselves(path: Path) -> None:
    workflow = load(path)
    for command in commands(workflow):
        for script in re.findall(r"(?<![\w/])scripts/[a-z-]+", command):
            assert (TOP / script).is_file(), script
        words = re.findall(r"scripts/test ([a-z -]+)", command)
        assert set(" ".join(words).split()) <= STEPS
    assert workflow["permissions"]["contents"] == "read"
    assert all("timeout-minutes" in job or "uses" in job for job in workflow["jobs"].values())


MODULE = "ansible_collections.muster.aws.plugins.module_utils"
ONE = Change("plugins/module_utils/_a.py", "_one", "x < 1", "x <= 1")
NAME, OTHER_NAME = f"{MODULE}._a.x__one__mutmut_1", f"{MODULE}._b.xǁBǁother__mutmut_7"


def test_name_of_a_mistake_tells_where_it_is() -> None:
    assert (file_of(NAME), function_of(NAME)) == (ONE.file, ONE.function)
    assert (file_of(OTHER_NAME), function_of(OTHER_NAME)) == ("plugins/module_utils/_b.py", "B.other")


@pytest.mark.parametrize(
    ("status", "known", "complaint"),
    [
        ("survived", {}, "NOT NOTICED (survived): plugins/module_utils/_a.py"),
        ("no tests", {}, "NOT NOTICED (no tests): plugins/module_utils/_a.py"),
        ("survived", {ONE.file: [Entry("_one", "x < 1", "x <= 1")]}, None),
        ("survived", {ONE.file: [Entry("_one")]}, None),
        ("survived", {ONE.file: [Entry("_one", became="x <= 1")]}, None),
        ("survived", {ONE.file: [Entry("_one", "x < 1", "x > 1")]}, "NOT NOTICED"),
        ("survived", {ONE.file: [Entry("_other")]}, "NOT NOTICED"),
        ("survived", {"plugins/module_utils/_b.py": [Entry("_one")]}, "NOT NOTICED"),
        ("killed", {ONE.file: [Entry("_one")]}, "BUT NOTICED OR GONE: plugins/module_utils/_a.py: _one"),
        ("killed", {}, None),
        ("not checked", {ONE.file: [Entry("_one")]}, None),
    ],
)
def test_mistake_that_no_test_notices_has_to_be_listed_and_no_other(
    status: str, known: dict[str, list[Entry]], complaint: str | None
) -> None:
    unnoticed = {} if status in ("killed", "not checked") else {NAME: ONE}
    complaints = judge({NAME: status, OTHER_NAME: "killed"}, unnoticed, known)
    assert bool(complaints) == bool(complaint) and (complaint or "") in "".join(complaints)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a/_one.py", "b/_two.py"], {"a": ["a/_one.py"], "b": ["b/_two.py"]}),
        (["b/_two.py", "b/_new.py"], {"b": ["b/_two.py", "b/_new.py"]}),
        (["a/_shared.py"], {"b": ["a/_shared.py"]}),
        (["c/_new.py"], {"a": ["c/_new.py"]}),
    ],
    ids=["listed", "beside one that is listed", "listed elsewhere than those beside it", "far from all"],
)
def test_file_is_judged_by_the_tests_of_its_group(files: list[str], expected: dict[str, list[str]]) -> None:
    groups = [Group("x", ["a"], {"a/_one.py": []}), Group("y", ["b"], {"b/_two.py": [], "a/_shared.py": []})]
    assert {group.tests[0]: own for group, own in grouped(files, groups)} == expected


def test_mistakes_that_may_stay_unnoticed_are_in_the_code_and_have_a_reason() -> None:
    groups = [load(path) for path in sorted((TOP / "tests/mutants").glob("*.yml"))]
    assert groups and all((TOP / path).exists() for group in groups for path in group["tests"])
    files = [(file, entries) for group in groups for file, entries in group["files"].items()]
    assert len(dict(files)) == len(files)
    for file, entries in files:
        text = (TOP / file).read_text()
        lines = " ".join(line.strip() for line in text.splitlines())
        for entry in entries:
            assert f"def {entry['function'].split('.')[-1]}(" in text, entry
            assert entry.get("was", "") in lines and entry["reason"].strip(), entry
            assert entry.keys() <= {"function", "was", "became", "reason"}, entry


def test_every_file_with_logic_is_searched_for_such_mistakes() -> None:
    listed = {file for path in (TOP / "tests/mutants").glob("*.yml") for file in load(path)["files"]}
    files = {path.relative_to(TOP).as_posix(): path for path in (TOP / "plugins").rglob("*.py")}
    with_logic = {file for file, path in files.items() if re.search(r"^ *def ", path.read_text(), re.M)}
    # A module hands its options to a job, and is judged by its integration target.
    assert {file for file in with_logic if not file.startswith("plugins/modules/")} <= listed


def test_nightly_run_looks_for_such_mistakes_in_every_group_and_ends_before_its_job() -> None:
    job = load(TOP / ".github/workflows/nightly.yml")["jobs"]["mutants"]
    command = re.compile(r"scripts/mutants --minutes (\d+) --group \$\{\{ matrix\.group \}\}")
    [found] = [match for step in job["steps"] if (match := command.fullmatch(step.get("run", "")))]
    assert int(found[1]) + 20 < job["timeout-minutes"]
    assert job["strategy"]["matrix"]["group"] == sorted(path.stem for path in (TOP / "tests/mutants").glob("*.yml"))


def test_release_publishes_only_the_version_that_the_tag_names() -> None:
    release = load(TOP / ".github/workflows/release.yml")
    job = release["jobs"]["publish"]
    assert job["needs"] == "tests" and job["environment"] == "galaxy"
    runs = commands(release)
    order = [next(number for number, run in enumerate(runs) if text in run) for text in ("TAG", "galaxy", "publish")]
    assert order == sorted(order)
    secret = "secrets.GALAXY_TOKEN"
    holders = [step["name"] for step in job["steps"] if secret in json.dumps(step)]
    assert len(holders) == 1


def test_hooks_before_a_commit_are_the_linters_of_the_suite() -> None:
    [repository] = load(TOP / ".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in repository["hooks"]} <= STEPS
    for hook in repository["hooks"]:
        script, *command = hook["entry"].split()
        assert (TOP / script).is_file()
        assert " ".join(command[:1]) in SUITE


def test_development_container_has_what_the_scripts_need() -> None:
    container = json.loads((TOP / ".devcontainer/devcontainer.json").read_text())
    assert "scripts/setup test" in container["postCreateCommand"]
    assert "chromium" in container["postCreateCommand"]


def test_rules_for_agents_stay_short_and_name_what_is_there() -> None:
    text = (TOP / "AGENTS.md").read_text()
    assert len([line for line in text.splitlines() if line.startswith("- ")]) <= 10
    makefile = (TOP / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z]+)`", text):
        assert f"\n{target}:" in makefile
    for path in re.findall(r"`((?:tests|changelogs|scripts)/[\w/.-]+)`", text):
        assert (TOP / path).exists(), path


def kind_of(target: str) -> str:
    """Return what the module of a target is for."""
    rest = target.partition("_")[2]
    if rest.endswith("info"):
        return "reads"
    if rest.startswith("organization"):
        return "organization"
    return "switch" if rest in ("detector", "hub", "session") else "membership"


def test_every_commit_runs_each_kind_of_integration_target() -> None:
    aliases = {
        path.parent.name: path.read_text().split() for path in (TOP / "tests/integration/targets").glob("*/aliases")
    }
    del aliases["setup_matrix"]
    run = {name for name, words in aliases.items() if "every_commit" in words}
    assert {kind_of(name) for name in run} == set(map(kind_of, aliases)) and run != aliases.keys()
    assert len({name.partition("_")[0] for name in run}) > 1


LEAVES_OUT = re.compile(r"mark\.nightly|import .*\b(?:IS_NIGHTLY|nightly|by_day)\b")


def test_nightly_run_has_each_step_of_which_every_commit_passes_a_part_only() -> None:
    steps = dict(re.findall(r"^ *(?:step|shown) ([a-z-]+) (.*)", SUITE, re.M))
    usual = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["testpaths"]
    in_part = {name for name in STEPS if re.search(r"\$\{?(?:targets|units|left_out)", steps[name])}
    for name in STEPS:
        if steps[name].startswith("pytest "):
            folders = re.findall(r"tests/\w+", steps[name]) or usual
            files = [path for folder in folders for path in (TOP / folder).rglob("*.py")]
            in_part |= {name} if any(LEAVES_OUT.search(path.read_text()) for path in files) else set()
    job = load(TOP / ".github/workflows/nightly.yml")["jobs"]["everything"]
    named = [step for part in job["strategy"]["matrix"]["steps"] for step in part.split()]
    assert job["env"] == {"MUSTER_PROFILE": "nightly"}
    assert sorted(named) == sorted(in_part | {"docsite", "browser"})  # which pytest-pages needs


def test_every_file_of_tests_has_one_that_every_commit_runs() -> None:
    for path in (TOP / "tests").rglob("test_*.py"):
        # Each decorator, and the first line of what it decorates.
        blocks = re.findall(r"^((?:@.*\n(?:[ )\]].*\n)*)*)def test_", path.read_text(), re.M)
        assert not blocks or not all("@pytest.mark.nightly\n" in decorators for decorators in blocks), path


@pytest.mark.parametrize(("profile", "is_there"), [("default", False), ("nightly", True)])
def test_profile_decides_on_tests_with_the_marker(profile: str, is_there: bool) -> None:
    file = "tests/playbooks/test_module_processes.py"
    command = ["pytest", "--collect-only", "-q", file]
    environment = {**os.environ, "MUSTER_PROFILE": profile}
    collected = subprocess.run(command, cwd=TOP, env=environment, check=True, capture_output=True, text=True).stdout
    assert f"{file}::test_another_python_is_asked" in collected
    assert (f"{file}::test_environment_of_a_role_reaches_the_modules" in collected) is is_there
