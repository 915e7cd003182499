# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles run modules in copies of their own process, and by Ansible's way wherever that would not be the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.playbooks.harness import ADMINISTRATOR, REGIONS, PlaybookRunner, fleet

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def remote_tmp(playbook: PlaybookRunner, tmp_path: Path) -> Path:
    """Return the folder into which Ansible copies modules."""
    folder = tmp_path / "remote"
    playbook.environment["ANSIBLE_REMOTE_TMP"] = str(folder)
    return folder


def onboarded(runner: PlaybookRunner, *arguments: str, **given: Any) -> None:
    hosts = fleet(1)
    run = runner(hosts, *arguments, onboard_services=["guardduty"], onboard_regions=REGIONS[:1], **given)
    assert run.status == 0, run.output
    member = runner.emulator.member("guardduty", REGIONS[0], ADMINISTRATOR, hosts["workload-01"]["onboard_account_id"])
    assert member and member.status == "Enabled"


def test_no_file_of_a_module_is_written(playbook: PlaybookRunner, remote_tmp: Path) -> None:
    onboarded(playbook)

    assert not list(remote_tmp.rglob("AnsiballZ_*"))


@pytest.mark.nightly
def test_who_asks_for_the_files_of_the_modules_has_them(playbook: PlaybookRunner, remote_tmp: Path) -> None:
    playbook.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "true"

    onboarded(playbook)

    assert {path.name for path in remote_tmp.rglob("AnsiballZ_*")} >= {
        "AnsiballZ_guardduty_member.py",
        "AnsiballZ_guardduty_administrator.py",
    }


def test_another_python_is_asked(playbook: PlaybookRunner, tmp_path: Path) -> None:
    interpreter, log = tmp_path / "python", tmp_path / "log"
    interpreter.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)

    onboarded(playbook, "-e", f"ansible_python_interpreter={interpreter}")

    assert "AnsiballZ_guardduty_member.py" in log.read_text()


@pytest.mark.nightly
def test_environment_of_a_role_reaches_the_modules(playbook: PlaybookRunner) -> None:
    playbook.environment["AWS_ENDPOINT_URL"] = NOWHERE
    play = playbook.play("onboard", environment={"AWS_ENDPOINT_URL": playbook.emulator.url})

    onboarded(playbook, playbook=play)


def test_defaults_of_a_role_reach_the_modules(playbook: PlaybookRunner) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        playbook.environment[name] = ""
    defaults = {"group/muster.aws.aws": {"access_key": "AKIADEFAULT", "secret_key": "default-secret-key"}}
    play = playbook.play("onboard", module_defaults=[defaults])

    onboarded(playbook, playbook=play)
