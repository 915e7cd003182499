# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image for controllers (as far as it can be judged without a container engine) and ansible-navigator."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from ansible_collections.muster.aws.tests.ecosystem.conftest import (
    ACCOUNTS,
    ADMINISTRATOR,
    REGIONS,
    ROOT,
    Installation,
    enabled_everywhere,
    run,
)

PACKAGES = {"boto3>=1.34.0", "botocore>=1.34.0"}


def test_ansible_builder_creates_the_context_of_the_image(tmp_path: Path):
    definition = ROOT / "ee/execution-environment.yml"
    run(
        *("ansible-builder", "create", "--file", definition, "--context", tmp_path / "context"),
        *("--output-filename", "Containerfile"),
        cwd=tmp_path,
    )
    containerfile = (tmp_path / "context/Containerfile").read_text()
    wanted = yaml.safe_load(definition.read_text())
    assert wanted["images"]["base_image"]["name"] in containerfile
    assert "ansible-core>=2.19.0" in containerfile
    assert "ansible-runner>=2.4" in containerfile
    assert "ansible-galaxy collection install" in containerfile
    assert "introspect" in containerfile  # the step that takes the packages from the collections
    collections = yaml.safe_load((tmp_path / "context/_build/requirements.yml").read_text())
    assert collections == wanted["dependencies"]["galaxy"]


def test_ansible_builder_takes_the_python_packages_from_the_collection(installation: Installation, tmp_path: Path):
    found = yaml.safe_load(run("ansible-builder", "introspect", installation.root, cwd=tmp_path))
    ours = " # from collection muster.aws"
    assert {line.removesuffix(ours).strip() for line in found["python"] if line.endswith(ours)} == PACKAGES
    assert [line for line in found["system"] if line.endswith(ours)] == []


def test_ansible_navigator_runs_the_playbook(emulator, aws_variables, tmp_path: Path):
    inventory = ROOT / "extensions/awx/project/inventory/accounts.yml"
    extra = {"onboard_administrator_id": ADMINISTRATOR, "onboard_regions": REGIONS, "onboard_wait_timeout": 10}
    output = run(
        *("ansible-navigator", "run", "muster.aws.onboard", "--mode", "stdout", "--execution-environment", "false"),
        *("--playbook-artifact-enable", "false", "--log-file", tmp_path / "navigator.log"),
        *("--inventory", inventory, "--extra-vars", json.dumps(extra)),
        cwd=tmp_path,
        variables=aws_variables,
    )
    assert "PLAY RECAP" in output
    assert all(enabled_everywhere(emulator, account_id) for account_id in ACCOUNTS.values()), output
