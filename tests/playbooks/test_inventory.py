# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory playbook through real runs, and the files of examples/ with it."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as REGISTRY
from ansible_collections.muster.aws.tests.playbooks.harness import ADMINISTRATOR, REGIONS, PlaybookRunner
from ansible_collections.muster.aws.tests.profiles import by_day, nightly

TOP = Path(__file__).parents[2]
EXAMPLES = TOP / "examples"
ACCOUNTS = {
    "payments": {"onboard_account_id": "222222222222", "onboard_account_email": "aws+payments@example.com"},
    "search": {"onboard_account_id": "012345678901", "onboard_account_email": "aws+search@example.com"},
}


class Shell:
    """Commands in a folder that has the examples, beside the emulator."""

    def __init__(self, playbook: PlaybookRunner) -> None:
        self.folder = playbook.folder / "project"
        shutil.copytree(EXAMPLES, self.folder)
        self.environment = {**os.environ, **playbook.environment}
        del self.environment["ANSIBLE_STDOUT_CALLBACK"]

    def __call__(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def convert(self, **variables: Any) -> subprocess.CompletedProcess[str]:
        return self("ansible-playbook", "muster.aws.inventory", "-e", json.dumps(variables))

    def hostvars(self, inventory: str) -> dict[str, Any]:
        return json.loads(self("ansible-inventory", "-i", inventory, "--list").stdout)["_meta"]["hostvars"]


@pytest.fixture
def shell(playbook: PlaybookRunner) -> Shell:
    return Shell(playbook)


def test_csv_of_the_examples_becomes_an_inventory_with_the_same_strings(shell: Shell) -> None:
    done = shell.convert(accounts_source="accounts.csv", accounts_file="made.yml")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "333333333333" in done.stdout  # the one that is closed is told
    assert shell.hostvars("made.yml") == ACCOUNTS
    again = shell.convert(accounts_source="accounts.csv", accounts_file="made.yml")
    assert again.returncode == 0 and "changed=0" in again.stdout


def test_addresses_that_look_like_templates_stay_what_they_are(shell: Shell) -> None:
    rows = [{"Id": "012345678901", "Email": "{{1+1}}@example.com", "Name": "{{ x }}"}]
    (shell.folder / "accounts.json").write_text(json.dumps({"Accounts": rows}))

    done = shell.convert(accounts_source="accounts.json", accounts_file="made.yml")

    assert done.returncode == 0, done.stdout + done.stderr
    task = {"ansible.builtin.debug": {"msg": "it is {{ onboard_account_email }}"}}
    play = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [task]}]
    (shell.folder / "play.yml").write_text(json.dumps(play))
    assert "it is {{1+1}}@example.com" in shell("ansible-playbook", "-i", "made.yml", "play.yml").stdout


def test_bad_rows_are_all_named_and_nothing_is_written(shell: Shell) -> None:
    (shell.folder / "bad.csv").write_text("id;email\n12345678901;a@example.com\n\n222222222222;nobody\n")

    done = shell.convert(accounts_source="bad.csv", accounts_file="made.yml")

    assert done.returncode != 0
    assert "nothing was written: 2 faults" in done.stdout
    assert "line 2: account id '12345678901'" in done.stdout and "line 4: account 222222222222" in done.stdout
    shell.environment["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "yaml"
    lines = shell.convert(accounts_source="bad.csv", accounts_file="made.yml").stdout.splitlines()
    # Ansible tells it twice: as an error and as the task's result.
    assert {tuple(line.split()[:2]) for line in lines if "line" in line} == {("line", "2:"), ("line", "4:")}
    assert not (shell.folder / "made.yml").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-e", "accounts_grop=prod"), "accounts_grop: this playbook has accounts_file, accounts_group"),
        (("--tags", "x"), "would leave the work out (x asked for), and nothing was done"),
        (("--limit", "search"), "would leave localhost out"),
    ],
)
def test_list_that_would_silently_become_no_inventory_or_another_is_refused(shell: Shell, arguments, told) -> None:
    asked = json.dumps({"accounts_source": "accounts.csv", "accounts_file": "made.yml"})

    done = shell("ansible-playbook", "muster.aws.inventory", "-e", asked, *arguments)

    assert done.returncode != 0 and told in " ".join((done.stdout + done.stderr).split())
    assert not (shell.folder / "made.yml").exists()


def test_file_that_says_something_else_is_replaced_only_if_asked(shell: Shell) -> None:
    before = (shell.folder / "accounts.yml").read_text()

    refused = shell.convert(accounts_source="accounts.csv", accounts_file="accounts.yml")
    after_refusal = (shell.folder / "accounts.yml").read_text()
    replaced = shell.convert(accounts_source="accounts.csv", accounts_file="accounts.yml", accounts_replace=True)

    assert refused.returncode != 0 and "accounts_replace=true" in refused.stdout
    assert after_refusal == before
    assert replaced.returncode == 0 and shell.hostvars("accounts.yml") == ACCOUNTS


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"accounts_file": "made.yml", "accounts_members_of": "inspector", "accounts_regions": "us-east-1"},
        {"accounts_file": "made.yml", "accounts_source": "accounts.csv", "accounts_members_of": "guardduty"},
        *nightly(
            {"accounts_file": "made.yml"},
            {"accounts_source": "accounts.csv"},
            {"accounts_file": "made.yml", "accounts_members_of": "guardduty"},
        ),
    ],
)
def test_question_that_is_not_clear_is_refused(shell: Shell, variables: dict[str, str]) -> None:
    done = shell.convert(**variables)
    assert done.returncode != 0 and "set accounts_file, and either accounts_source" in done.stdout
    assert not (shell.folder / "made.yml").exists()


@pytest.mark.parametrize("service", by_day(["guardduty"], REGISTRY))
def test_members_that_the_administrator_has_become_an_inventory(shell: Shell, playbook, service: str) -> None:
    """Of every service that the registry has: the playbook's choices are these."""
    statuses = {"012345678901": "Enabled", "222222222222": "Invited", "333333333333": "Removed"}
    playbook.emulator.seed(
        {
            "services": [{"service": service, "account_id": ADMINISTRATOR, "regions": REGIONS}],
            "members": [
                {
                    "service": service,
                    "regions": REGIONS,
                    "administrator_id": ADMINISTRATOR,
                    "account_ids": [account_id],
                    "status": status,
                }
                for account_id, status in statuses.items()
            ],
        }
    )

    done = shell.convert(
        accounts_members_of=service, accounts_regions="eu-central-1, us-east-1", accounts_file="made.yml"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = shell.hostvars("made.yml")
    assert {row["onboard_account_id"] for row in found.values()} == {"012345678901", "222222222222"} == found.keys()
    assert playbook.emulator.operations(writes_only=True) == []


# The examples


@pytest.mark.nightly
def test_inventory_of_the_examples_onboards(shell: Shell, playbook: PlaybookRunner) -> None:
    playbook.emulator.seed(
        {"accounts": {row["onboard_account_id"]: {"email": row["onboard_account_email"]} for row in ACCOUNTS.values()}}
    )
    assert shell.convert(accounts_source="accounts.csv", accounts_file="made.yml").returncode == 0

    foreseen = shell("ansible-playbook", "muster.aws.onboard", "-i", "accounts.yml", "--check")
    done = shell("ansible-playbook", "muster.aws.onboard", "-i", "accounts.yml")
    again = shell("ansible-playbook", "muster.aws.onboard", "-i", "made.yml", "-e", "@onboard-vars.yml")

    assert [run.returncode for run in (foreseen, done, again)] == [0, 0, 0], done.stdout + done.stderr
    assert re.search(r"payments .*changed=[1-9]", done.stdout)
    # Of a host that is as it should be there is nothing to tell: the summary counts it.
    assert re.search(r"as wanted, 0 changed", again.stdout) and not re.search(r"changed=[1-9]", again.stdout)


def test_settings_of_the_examples_are_known_and_refuse_half_an_inventory(shell: Shell) -> None:
    shell.environment["ANSIBLE_CONFIG"] = str(shell.folder / "ansible.cfg")
    shell.environment["ANSIBLE_COLLECTIONS_PATH"] = str(TOP / ".venv/lib")
    settings = configparser.ConfigParser()
    settings.read(shell.folder / "ansible.cfg")
    named = {key for section in settings.sections() for key in settings[section]}
    dumped = shell("ansible-config", "dump", "--only-changed", "-t", "all").stdout.lower()
    (shell.folder / "broken.yml").write_text("all: [hosts\n")

    half = shell("ansible-inventory", "-i", "accounts.yml", "-i", "broken.yml", "--list")

    assert half.returncode != 0
    known = {"display_ok_hosts", "display_skipped_hosts", "callback_result_format", "localhost_warning",
             "retry_files_enabled", "any_unparsed_is_failed"}  # fmt: skip
    assert named == known
    for text in ("inventory_any_unparsed_is_failed", "localhost_warning"):
        assert text in dumped


def commands(node: Any) -> Iterator[str]:
    """Every command of a CI file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script", "before_script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from commands(value)
    elif isinstance(node, list):
        for item in node:
            yield from commands(item)


@pytest.mark.parametrize("path", sorted((EXAMPLES / "ci").iterdir()), ids=lambda path: path.stem)
def test_ci_jobs_of_the_examples_run_what_there_is(path: Path) -> None:
    lines = list(commands(yaml.safe_load(path.read_text())))

    plays = [line.split() for line in lines if line.startswith("ansible-playbook ")]
    assert sorted("--check" in words for words in plays) == [False, True]
    for words in plays:
        assert (TOP / "playbooks" / f"{words[1].removeprefix('muster.aws.')}.yml").exists()
        assert (EXAMPLES / words[words.index("-i") + 1]).exists()
    assert "ansible-galaxy collection install -r requirements.yml" in lines


def test_gitlab_reads_the_junit_report_that_both_jobs_write() -> None:
    jobs = yaml.safe_load((EXAMPLES / "ci/gitlab-ci.yml").read_text())
    kept = jobs[".onboard"]["artifacts"]
    assert kept["when"] == "always"
    for name in ("foresee", "onboard"):
        assert f"-e onboard_results_file={kept['reports']['junit']}" in jobs[name]["script"][0]


def test_requirements_of_the_examples_are_those_of_the_collection() -> None:
    collections = yaml.safe_load((EXAMPLES / "requirements.yml").read_text())["collections"]
    wanted = {row["name"]: row.get("version") for row in collections}
    galaxy = yaml.safe_load((TOP / "galaxy.yml").read_text())
    # The playbooks of notifications read what a callback of ansible.posix prints.
    assert wanted.keys() == {"muster.aws", "ansible.posix", *galaxy["dependencies"]}
    assert {name: wanted[name] for name in galaxy["dependencies"]} == galaxy["dependencies"]


def test_examples_are_all_told_and_tested() -> None:
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()} - {"README.md"}
    told = set(re.findall(r"\]\(([\w./-]+)\)", (EXAMPLES / "README.md").read_text())) - {"../docs/inventory.md"}
    assert files == told
