# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a pattern means, and which inventories Ansible would take without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import (
    Patterns,
    explain_silent_sources,
    explain_sources,
    pattern_of,
)

GROUPS = {"all": ["web-1", "web-2", "db-1"], "ungrouped": ["db-1"], "web": ["web-1", "web-2"], "one": ["web-1"]}


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", ["web-1", "web-2", "db-1"]),
        ("web", ["web-1", "web-2"]),
        ("one", ["web-1"]),
        ("web:!one", ["web-2"]),
        ("web,db-1", ["web-1", "web-2", "db-1"]),
        (["one", "db-1"], ["web-1", "db-1"]),
        ("nobody", []),
        ("", []),
        (None, []),
        ([], []),
    ],
)
def test_pattern_means_the_hosts_that_ansible_would_take(pattern: Any, hosts: list[str]) -> None:
    assert Patterns(GROUPS).hosts(pattern) == hosts


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ("all", []),
        ("web-1,web-2", []),
        ("web-9", ["web-9; did you mean web-2?"]),
        ("!X-ray", ["X-ray"]),
        ("!nobody,&wbe", ["nobody", "wbe; did you mean web?"]),
        ("web, nobody ,", ["nobody"]),
        (None, []),
    ],
)
def test_parts_of_a_pattern_that_match_nothing_are_named_with_what_is_nearest(pattern: Any, phrases: list[str]) -> None:
    assert Patterns(GROUPS).unmatched(pattern) == phrases


def test_all_of_an_inventory_without_hosts_is_no_mistake_in_the_pattern() -> None:
    assert Patterns({"web": []}).unmatched("all") == []


def test_pattern_of_a_file_has_the_names_on_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "failed.txt"
    path.write_text("web-1\n  db-1  \nkäse\n", encoding="utf-8")
    patterns = Patterns({**GROUPS, "all": [*GROUPS["all"], "käse"]})
    assert patterns.hosts(f"@{path}") == ["web-1", "db-1", "käse"]
    path.write_text("w*\n", encoding="utf-8")
    assert patterns.hosts(f"@{path}") == ["web-1", "web-2"], "a line that is no host's name is a pattern"
    path.write_text("web-1\ndb-7\n", encoding="utf-8")
    assert patterns.unmatched(f"@{path}") == ["db-7; did you mean db-1?"]


NAMES = ["a,b", "a:b", "a.b", "axb", "web-1", "web-11", "+"]


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        (["web-1"], ["web-1"]),
        (["web-1", "+"], ["web-1", "+"]),
        (["a.b"], ["a.b"]),
        # Where Ansible would cut a name, any character stands for the comma or colon.
        (["a,b"], ["a,b", "a:b", "a.b", "axb"]),
        (["a:b"], ["a,b", "a:b", "a.b", "axb"]),
    ],
)
def test_pattern_of_hosts_matches_them_and_no_longer_name(hosts: list[str], found: list[str]) -> None:
    assert Patterns({"all": NAMES}).hosts(pattern_of(hosts)) == found


def test_pattern_of_no_host_is_empty() -> None:
    assert pattern_of([]) == "" and pattern_of(["web-1", "web-2"]) == "~^(web-1|web-2)$"


FINE = "all:\n  hosts:\n    web-1:\n"
UNQUOTED = "all:\n  hosts:\n    222222222222:\n"


def fault_of(path: Path) -> str:
    return (
        f"Ansible could not read the inventory {path} as a whole (run ansible-inventory --list -i {path} to see why; "
        "host names that are account ids need quotes in YAML)"
    )


def test_inventory_that_ansible_takes_in_part_is_told_with_how_to_see_why(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yml"
    path.write_text(UNQUOTED)
    assert explain_sources([str(path)], [], DataLoader()) == [fault_of(path)]


def test_list_that_is_no_inventory_is_told_with_the_playbook_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({"Accounts": [{"Id": "222222222222"}]}))
    assert explain_sources([str(path)], [], DataLoader()) == [
        f"the inventory {path} has no host (an account list of another form is turned into an inventory by "
        "ansible-playbook muster.aws.inventory)"
    ]


def test_hosts_written_in_the_command_line_are_no_file() -> None:
    assert explain_sources(["web-1,web-2", "web-1,"], [], DataLoader()) == []
    assert explain_sources(["web-1"], [], DataLoader()) == ["the inventory web-1 is not there"]


def test_file_of_variables_alone_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "common.yml"
    path.write_text("all:\n  vars:\n    onboard_regions: [us-east-1]\n")
    assert explain_sources([str(path)], [], DataLoader()) == []


def test_folder_is_looked_through_without_what_ansible_ignores_itself(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for path in (tmp_path / "b.yml", tmp_path / "a.yml", tmp_path / "old.yml~", tmp_path / "x.retry", inner / "c.yml"):
        path.write_text(UNQUOTED)
    (tmp_path / "fine.yml").write_text(FINE)
    found = [tmp_path / "a.yml", tmp_path / "b.yml", inner / "c.yml"]
    assert explain_sources([str(tmp_path)], [], DataLoader()) == [fault_of(path) for path in found]


def test_folder_without_a_file_is_told_unless_it_has_variables(tmp_path: Path) -> None:
    empty, ignored, more, hosts = (tmp_path / name for name in ("empty", "ignored", "more", "hosts"))
    for folder in (empty, ignored / "inner", more / "group_vars", hosts / "host_vars"):
        folder.mkdir(parents=True)
    (ignored / "old.bak").write_text(FINE)
    sources = [str(path) for path in (empty, ignored, more, hosts)]
    text = "the inventory {} is a folder without a file that Ansible reads"
    assert explain_sources([*sources, "one,two"], [], DataLoader()) == [text.format(empty), text.format(ignored)]


@pytest.mark.parametrize(
    "text",
    [
        "plugin: muster.aws.organization\n",
        "---\n# of the organization\n'plugin' : muster.aws.organization\n",
        '{\n  "plugin": "muster.aws.organization"\n}\n',
    ],
    ids=["plain", "quoted", "JSON"],
)
def test_inventory_that_asks_a_plugin_is_not_asked_again(text: str, tmp_path: Path) -> None:
    path = tmp_path / "organization.yml"
    path.write_text(text)
    assert explain_sources([str(path)], [], DataLoader()) == []


def test_script_is_not_run_again(tmp_path: Path) -> None:
    path, mark = tmp_path / "accounts.sh", tmp_path / "mark"
    path.write_text(f"#!/bin/sh\ntouch {mark}\n")
    path.chmod(0o700)
    assert explain_sources([str(path)], [], DataLoader()) == [] and not mark.exists()


def test_inventory_in_another_encoding_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "organization.yml"
    path.write_bytes("# für alle\nplugin: muster.aws.organization\n".encode("latin-1"))
    assert explain_sources([str(path)], [], DataLoader()) == []


@pytest.mark.parametrize(("text", "has"), [("\n", False), ("", False), (" \n\t\n", False), ("\nsearch\n", True)])
def test_file_of_a_pattern_has_names_or_none(tmp_path: Path, text: str, has: bool) -> None:
    (tmp_path / "hosts.txt").write_text(text)
    patterns = Patterns({"all": ["search"]})
    assert patterns.has_names(f"@{tmp_path / 'hosts.txt'}") is has
    assert patterns.has_names("search") and not patterns.has_names("") and not patterns.has_names(None)


BROKEN = "plugin: ansible.builtin.constructed\nnosuch_option: {{\n"


def test_source_that_gave_no_host_is_asked_again_and_told_if_it_cannot_be_read(tmp_path: Path) -> None:
    broken, script, fine = tmp_path / "broken.yml", tmp_path / "accounts.sh", tmp_path / "fine.yml"
    broken.write_text(BROKEN)
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o700)
    fine.write_text(FINE)
    sources = [str(path) for path in (broken, script, fine, "web-1,")]
    assert explain_silent_sources(sources, [str(fine)], [], DataLoader()) == [fault_of(broken), fault_of(script)]
    assert explain_silent_sources(sources, sources, [], DataLoader()) == []
    assert explain_silent_sources([str(tmp_path)], [], [], DataLoader()) == [fault_of(script), fault_of(broken)]


def test_source_that_has_no_host_to_give_is_fine(tmp_path: Path) -> None:
    script, constructed = tmp_path / "accounts.sh", tmp_path / "groups.yml"
    script.write_text("#!/bin/sh\necho '{}'\n")
    script.chmod(0o700)
    constructed.write_text("plugin: constructed\nstrict: true\ngroups: {banks: true}\n")
    assert explain_silent_sources([str(script), str(constructed)], [], [], DataLoader()) == []


def test_list_with_commas_is_told_with_the_playbook_that_makes_an_inventory_of_it(tmp_path: Path) -> None:
    path = tmp_path / "accounts.CSV"
    path.write_text("account_id,email\n222222222222,a@example.com\n")
    told = [
        f"the inventory {path} is a CSV (an account list of another form is turned into an inventory by "
        "ansible-playbook muster.aws.inventory)"
    ]
    assert explain_sources([str(path)], [], DataLoader()) == told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("groups", "[prod:children]\nteam_a\n"),
        ("vars", "[team_a:vars]\nx=1\n"),
        ("groups.yml", "prod: {children: {team_a: {}}}\n"),
    ],
)
def test_source_may_go_on_with_the_groups_of_another(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert explain_sources([str(path)], ["all", "ungrouped", "team_a"], DataLoader()) == []


def test_what_is_encrypted_is_read_with_the_loader_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yml"
    secret = VaultSecret(b"word")
    path.write_bytes(VaultLib([("default", secret)]).encrypt(FINE, secret))
    loader = DataLoader()
    assert explain_sources([str(path)], [], loader) == [fault_of(path)]
    loader.set_vault_secrets([("default", secret)])
    assert explain_sources([str(path)], [], loader) == []


def test_sources_that_ask_nobody_are_not_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# nothing yet\n")
    missing = str(tmp_path / "missing")
    assert explain_silent_sources([str(path), missing, "a,b"], [], [], DataLoader()) == []
