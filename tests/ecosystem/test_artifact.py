# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is published: the built artifact, installed into an empty folder, far from the checkout."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from ansible_collections.muster.aws.tests.ecosystem.conftest import (
    ACCOUNTS,
    ADMINISTRATOR,
    REGIONS,
    ROOT,
    Installation,
    enabled_everywhere,
    run,
)

LARGEST_ARTIFACT = 1_000_000
# Folders and files that tools make, none of which a user has a use for.
LEFTOVERS = {
    *(".venv .cache .ansible .git .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage".split()),
    *("__pycache__ output cloud-config-aws.ini .plugin-cache.yaml .galaxy_install emulator.pid aws.ini".split()),
}
NEEDED = {
    "MANIFEST.json",
    "FILES.json",
    "LICENSE",
    "requirements.txt",
    "meta/runtime.yml",
    "meta/execution-environment.yml",
    "changelogs/changelog.yaml",
    "playbooks/onboard.yml",
    "roles/onboard/meta/argument_specs.yml",
    # With these, users test their own playbooks without AWS (docs/ci.md).
    "tests/emulator/__main__.py",
    "extensions/molecule/default/create.yml",
    "extensions/awx/configure.yml",
}


def names_of(kind: str) -> set[str]:
    """The names of the checkout's modules, lookups and roles."""
    paths = {
        "module": ROOT.glob("plugins/modules/*.py"),
        "lookup": ROOT.glob("plugins/lookup/*.py"),
        "role": ROOT.glob("roles/*"),
    }
    return {f"muster.aws.{path.stem}" for path in paths[kind]}


def test_artifact_holds_what_users_need_and_no_leftovers(installation: Installation):
    with tarfile.open(installation.artifact) as archive:
        members = archive.getmembers()
    names = {member.name for member in members}
    assert names >= NEEDED
    assert [name for name in names if LEFTOVERS.intersection(Path(name).parts)] == []
    assert [member.name for member in members if not (member.isfile() or member.isdir())] == []
    assert [name for name in names if name.endswith((".pyc", ".retry", ".log", ".tar.gz"))] == []
    assert installation.artifact.stat().st_size < LARGEST_ARTIFACT


@pytest.mark.parametrize("kind", ["module", "lookup", "role"])
def test_ansible_doc_knows_every_plugin_of_the_installed_artifact(
    installation: Installation, kind: str, tmp_path: Path
):
    names = names_of(kind)
    assert names
    command = ["ansible-doc", "--json", "--type", kind, *sorted(names)]
    documented = json.loads(run(*command, cwd=tmp_path, variables=installation.variables))
    assert set(documented) == names
    collection = str(installation.collection)
    for name, entry in documented.items():
        place = entry["path"] if kind == "role" else entry["doc"]["filename"]
        assert place.startswith(collection), name
        assert entry.get("entry_points") or entry["doc"]["description"]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in ROOT.glob("playbooks/*.yml")))
def test_playbook_of_the_installed_artifact_is_well_formed(installation: Installation, playbook: str, tmp_path: Path):
    command = ["ansible-playbook", f"muster.aws.{playbook}", "--list-tasks", "--inventory", "localhost,"]
    listed = run(*command, cwd=tmp_path, variables=installation.variables)
    assert f"playbook: {installation.collection}/playbooks/{playbook}.yml" in listed
    # Read to the end: its last task is there.
    last = {
        "inventory": "Write the inventory",
        "organization": "Delegate, and set what accounts of the organization get",
    }
    assert f"      {last.get(playbook, 'Tell what became of the account')}" in listed


def test_onboard_runs_from_the_installed_artifact_alone(installation, emulator, aws_variables, tmp_path: Path):
    inventory = ROOT / "extensions/awx/project/inventory/accounts.yml"
    extra = {"onboard_administrator_id": ADMINISTRATOR, "onboard_regions": REGIONS, "onboard_wait_timeout": 10}
    output = run(
        *("ansible-playbook", "muster.aws.onboard", "--inventory", inventory, "--extra-vars", json.dumps(extra), "-v"),
        cwd=tmp_path,
        variables={**aws_variables, **installation.variables, "ANSIBLE_DISPLAY_TASK_PATH_ON_FAILURE": "true"},
    )
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values()), output


def test_the_installed_artifact_is_all_that_is_found(installation: Installation, tmp_path: Path):
    listed = run(
        "ansible-galaxy", "collection", "list", "--format", "json", cwd=tmp_path, variables=installation.variables
    )
    places = {place for place, collections in json.loads(listed).items() if "muster.aws" in collections}
    assert places == {f"{installation.root}/ansible_collections"}


@pytest.mark.nightly
def test_scenario_runs_from_the_installed_artifact_as_the_guide_says(installation: Installation, tmp_path: Path):
    run(
        *("molecule", "--base-config", "extensions/molecule/config.yml", "test", "-s", "onboard_organization"),
        cwd=installation.collection,
        variables={
            **installation.variables,
            "MOLECULE_GLOB": "extensions/molecule/*/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path),
        },
    )
    rows = json.loads((tmp_path / "results.json").read_text())
    assert {row["status"] for row in rows} == {"Enabled"}
    assert not (tmp_path / "emulator.pid").exists()
