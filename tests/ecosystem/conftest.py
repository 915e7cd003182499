# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as other tools take it: built and installed, in an execution environment, and run by a controller."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
ADMINISTRATOR = "111111111111"
REGIONS = ["eu-central-1", "us-east-1"]
# The accounts of extensions/awx/project/inventory/accounts.yml.
ACCOUNTS = {"workload-01": "012222222222", "workload-02": "222222222222", "workload-03": "333333333333"}
SITE_COLLECTIONS = Path(sysconfig.get_path("purelib"), "ansible_collections")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulated AWS of its own, on a free port."""
    with Emulator(caller=ADMINISTRATOR) as emulator:
        yield emulator


@pytest.fixture
def aws_variables(emulator: Emulator) -> dict[str, str]:
    """The environment variables with which the AWS SDK reaches the emulated AWS."""
    return {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "AKIATESTING",
        "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
    }


def run(*command: str | Path, cwd: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, and return what it printed."""
    process = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, f"{command}: {process.returncode}\n{process.stdout}\n{process.stderr}"
    return process.stdout


def enabled_everywhere(emulator: Emulator, account_id: str) -> bool:
    """Tell whether the administrator has the account as a member in both services and all Regions."""
    members = [
        emulator.member(service, region, ADMINISTRATOR, account_id)
        for service in ("guardduty", "securityhub")
        for region in REGIONS
    ]
    return all(member is not None and member.status == "Enabled" for member in members)


@dataclass(frozen=True)
class Installation:
    """The built artifact, installed beside amazon.aws and nothing else."""

    artifact: Path
    root: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables with which Ansible finds these collections, and no other ones."""
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.root), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}

    @property
    def collection(self) -> Path:
        return self.root / "ansible_collections/muster/aws"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The collection as users have it: built, and installed into an empty folder."""
    folder = tmp_path_factory.mktemp("installation")
    run("ansible-galaxy", "collection", "build", ROOT, "--output-path", folder, cwd=folder)
    (artifact,) = folder.glob("muster-aws-*.tar.gz")
    root = folder / "collections"
    run(
        *("ansible-galaxy", "collection", "install", artifact, "-p", root, "--no-deps", "--offline"),
        cwd=folder,
        # Else the checkout, which is on sys.path, counts as installed already.
        variables={"ANSIBLE_COLLECTIONS_PATH": str(root), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"},
    )
    (root / "ansible_collections/amazon").symlink_to(SITE_COLLECTIONS / "amazon")
    return Installation(artifact, root)
