# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of guides and roles is run: plays and tasks on an emulated AWS, inventories by Ansible's own reader.

The examples of the modules' documentation are run in tests/unit/plugins/modules/test_documentation.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.plugin_utils._options import check_options
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import read_spec
from ansible_collections.muster.aws.tests.emulator import Emulator

TOP = Path(__file__).parents[2]
GUIDES = sorted([TOP / "README.md", *(TOP / "docs").glob("*.md")])

ADMINISTRATOR, OLD_ADMINISTRATOR, MANAGEMENT = "111111111111", "999999999999", "888888888888"
REGIONS = ["eu-central-1", "us-east-1"]
EMAILS = {
    "222222222222": "aws+payments@example.com",
    "012345678901": "aws+search@example.com",
    "333333333333": "aws+ledger@example.com",
}
# The hosts of plays that name none of their own. One example is for one of them only.
HOSTS = {"search": "012345678901", "ledger": "333333333333"}
PROFILE = (
    "[profile security-administrator]\naws_access_key_id = AKIATESTING\naws_secret_access_key = testing-secret-key\n"
)


def blocks(language: str) -> list[Any]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.M | re.S)
    return [
        pytest.param(match[1], id=f"{guide.stem}-{number}")
        for guide in GUIDES
        for number, match in enumerate(pattern.finditer(guide.read_text()))
    ]


def examples_of_roles() -> list[Any]:
    specs = {path.parts[-3]: yaml.safe_load(path.read_text()) for path in TOP.glob("roles/*/meta/argument_specs.yml")}
    return [pytest.param(spec["argument_specs"]["main"]["examples"], id=role) for role, spec in sorted(specs.items())]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An AWS in which every example can do its work: the accounts belong to the old administrator of Security Hub."""
    with Emulator(caller=ADMINISTRATOR) as emulator:
        emulator.seed(
            {
                "accounts": {account_id: {"email": email} for account_id, email in EMAILS.items()},
                "services": [
                    {"service": service, "account_id": account_id, "regions": REGIONS}
                    for service in ("guardduty", "securityhub")
                    for account_id in (ADMINISTRATOR, OLD_ADMINISTRATOR)
                ],
                "members": [
                    {
                        "service": "guardduty",
                        "regions": ["eu-central-1"],
                        "administrator_id": OLD_ADMINISTRATOR,
                        "account_ids": ["222222222222"],
                        "status": "Enabled",
                    }
                ],
            }
        )
        yield emulator


def run(folder: Path, emulator: Emulator, *command: str, by_profile: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command with the administrator's credentials: the environment's, or those of a profile alone."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTING", "AWS_SECRET_ACCESS_KEY": "testing-secret-key"}
    (folder / "aws.ini").write_text(PROFILE)
    own = {"AWS_CONFIG_FILE": str(folder / "aws.ini")} if by_profile else keys
    environment = {**os.environ, "AWS_ENDPOINT_URL": emulator.url, **own}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def role_of(content: Any) -> str | None:
    """Return the role whose variables these are, and nothing else."""
    prefixes = {name.partition("_")[0] for name in content} if isinstance(content, dict) else set()
    [prefix] = prefixes if len(prefixes) == 1 else [""]
    return prefix if (TOP / "roles" / prefix).is_dir() and prefix else None


@pytest.mark.parametrize("text", [*blocks("yaml"), *examples_of_roles()])
def test_yaml_example_runs(text: str, tmp_path: Path, emulator: Emulator) -> None:
    content = yaml.safe_load(text)
    if "with the credentials of the organization's management account" in text:
        emulator.seed(
            {
                "organization": {"management_account": MANAGEMENT, "account_ids": [ADMINISTRATOR]},
                "accounts": {ADMINISTRATOR: {"role_name": "OrganizationAccountAccessRole"}},
                "caller": MANAGEMENT,
            }
        )
    role = role_of(content)
    if role:
        spec = read_spec(role)
        _values, faults = check_options({name: spec[name] for name in content}, content)
        assert faults == []
        return
    if isinstance(content, dict):
        (tmp_path / "accounts.yml").write_text(text)
        listed = run(tmp_path, emulator, "ansible-inventory", "-i", "accounts.yml", "--list")
        hostvars = json.loads(listed.stdout)["_meta"]["hostvars"]
        assert hostvars, listed.stderr
        assert all(re.fullmatch(r"[0-9]{12}", host["onboard_account_id"]) for host in hostvars.values())
        return
    is_play = "hosts" in content[0]
    play = content if is_play else [{"hosts": "localhost", "gather_facts": False, "tasks": content}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    inventory = {
        "all": {
            "hosts": {
                host: {"onboard_account_id": account_id, "onboard_account_email": EMAILS[account_id]}
                for host, account_id in HOSTS.items()
            },
            "vars": {"onboard_administrator_id": ADMINISTRATOR, "onboard_regions": REGIONS},
        }
    }
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    by_profile = "profile: security-administrator" in text
    done = run(tmp_path, emulator, "ansible-playbook", "-i", "inventory.json", "play.yml", by_profile=by_profile)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(ok|changed)=[1-9]", done.stdout)


@pytest.mark.parametrize("text", blocks("json"))
def test_json_example_is_json(text: str) -> None:
    json.loads(text)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_links_between_guides_lead_somewhere(guide: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", guide.read_text())
    assert [target for target in targets if not (guide.parent / target).exists()] == []


def test_troubleshooting_has_a_row_for_each_reason_code() -> None:
    from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason

    rows = re.findall(r"^\| `(\w+)` \|", (TOP / "docs" / "troubleshooting.md").read_text(), re.M)
    assert rows == ["reason_code", *(reason.value for reason in Reason)]
