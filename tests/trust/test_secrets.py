# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No output has a secret in it: not the modules' JSON, not what ansible-playbook prints at -vvvv, and not the events
that a controller stores of a job.

Secrets are what the task was given (options, environment, a profile, an external id) and what AssumeRole answered.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, ModuleRunner
from ansible_collections.muster.aws.tests.profiles import by_day
from ansible_collections.muster.aws.tests.trust.scenes import (
    ACCOUNTS,
    GUARDDUTY,
    MEMBERS,
    REGIONS,
    SCENES,
    SECURITYHUB,
    SERVICES,
    SWITCH,
    all_members,
    has_scene,
)
from moto.sts.models import sts_backends

SECRET_KEY = "sEcReT+kEy/0123456789+vErY/pRiVaTe"
SESSION_TOKEN = "tOkEn//0123456789+aLsO/pRiVaTe=="
EXTERNAL_ID = "eXtErNaL:0123456789/pRiVaTe"

# What AWS may be made to say by somebody who can choose a text: it must stay a text.
TRAP = "{{ lookup('env', 'MUSTER_TRAP') }}"
SPRUNG = "tHe-TrAp-WaS-sPrUnG"


def assumed_secrets() -> set[str]:
    """Return what AssumeRole answered so far."""
    roles = [
        role
        for account in sts_backends.values()
        for backend in account.values()
        for role in getattr(backend, "assumed_roles", ())
    ]
    return {role.secret_access_key for role in roles} | {role.session_token for role in roles}


def found_in(output: str) -> set[str]:
    """Return the secrets in an output, also with JSON's escapes."""
    secrets = {SECRET_KEY, SESSION_TOKEN, EXTERNAL_ID, SPRUNG, *assumed_secrets()}
    return {secret for secret in secrets if secret in output or secret.replace("/", "\\/") in output}


@pytest.fixture
def sdk_log() -> Iterator[logging.Logger]:
    """The SDK's log, which debug_botocore_endpoint_logs switches on for the life of a process: a module's."""
    log = logging.getLogger("botocore.endpoint")
    handlers, level, propagates = list(log.handlers), log.level, log.propagate
    log.propagate = False
    yield log
    log.handlers, log.propagate = handlers, propagates
    log.setLevel(level)


# The modules' JSON

FAULTS = ["error", "reset_before", "malformed"]
# Each service without a fault and with one of them, by turns.
STRUCK = [*((service, None) for service in SERVICES), *zip(SERVICES, cycle(FAULTS), strict=False)]


@pytest.mark.parametrize(("service", "fault"), by_day(STRUCK, product(SERVICES, FAULTS)))
def test_json_of_every_scene_has_no_secret(
    service: str,
    fault: str | None,
    emulator: Emulator,
    run_module: ModuleRunner,
    sdk_log: logging.Logger,
    tell: Callable[[str], None],
) -> None:
    runs = assumed = 0
    for scene in SCENES.values():
        if not has_scene(service, scene.name):
            continue
        for struck in (None,) if fault is None else (service, "sts"):
            emulator.reset()
            scene.prepare(emulator, service)
            if fault:
                emulator.add_fault(fault, service=struck, after=2 if struck == service else 1, times=None)
            run_module(
                scene.module_of(service),
                diff=True,
                secret_key=SECRET_KEY,
                session_token=SESSION_TOKEN,
                debug_botocore_endpoint_logs=True,
                **scene.options_of(service),
            )
            runs += 1
            assumed += len(assumed_secrets())
            sdk_log.handlers.clear()
            assert not found_in(run_module.output), scene.name
            assert "resource_actions" in run_module.output
    assert assumed
    tell(f"{runs} module runs of {service}, {'no fault' if fault is None else fault}: no secret")


@pytest.mark.parametrize("service", SERVICES)
def test_secret_in_the_wrong_option_is_not_echoed_where_ansible_knows_it(
    service: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    """A secret key that somebody also typed into another option is masked there, too."""
    all_members("Enabled")(emulator, service)
    run_module(
        f"{service}_administrator",
        account_ids=[ACCOUNTS[0]],
        administrator_id=ADMINISTRATOR,
        role_name=SECRET_KEY,
        secret_key=SECRET_KEY,
    )
    assert not found_in(run_module.output)


# ansible-playbook -vvvv


def tasks_for(service: str, **more: Any) -> list[dict[str, Any]]:
    common = {"regions": list(REGIONS), "debug_botocore_endpoint_logs": True, **more}
    side = {**common, "account_ids": list(ACCOUNTS), "role_name": "Muster", "external_id": EXTERNAL_ID}
    modules: list[tuple[str, dict[str, Any]]] = [
        (SWITCH[service], common),
        (f"{service}_member", {**common, "members": MEMBERS}),
        (
            f"{service}_administrator",
            {**side, "administrator_id": ADMINISTRATOR, "enable_service": True, "wait": False},
        ),
        (f"{service}_administrator_info", side),
        (f"{service}_member_info", common),
        # And failures, whose messages are the longest.
        (f"{service}_member", {**common, "members": [], "state": "absent"}),
        (f"{service}_administrator", {**side, "administrator_id": "888888888888", "wait": False}),
    ]
    return [
        {f"muster.aws.{name}": options, "ignore_errors": True, "diff": True, "register": f"r{number}"}
        for number, (name, options) in enumerate(modules)
    ]


def credentials_of(kind: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return options and environment that give the same credentials in three ways."""
    if kind == "options":
        return {"access_key": "AKIATESTING", "secret_key": SECRET_KEY, "session_token": SESSION_TOKEN}, {}
    names = {"AWS_ACCESS_KEY_ID": "AKIATESTING", "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    names |= {"AWS_SESSION_TOKEN": SESSION_TOKEN}
    if kind == "environment":
        return {}, names
    lines = [f"{name.lower()} = {value}" for name, value in names.items()]
    (folder / "credentials").write_text("\n".join(["[muster]", *lines, ""]))
    return {"profile": "muster"}, {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}


def play(folder: Path, tasks: list[dict[str, Any]], environment: Mapping[str, str], url: str) -> str:
    """Run a play at -vvvv and return everything that it printed."""
    shown = [{"ansible.builtin.debug": {"var": f"r{number}"}} for number in range(len(tasks))]
    playbook = [{"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": [*tasks, *shown]}]
    (folder / "play.json").write_text(json.dumps(playbook))
    settings = {"AWS_ENDPOINT_URL": url, "MUSTER_TRAP": SPRUNG, **environment}
    process = subprocess.run(
        ["ansible-playbook", "play.json", "-vvvv"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )
    output = process.stdout + process.stderr
    assert "PLAY RECAP" in output, output[-2000:]
    return output


PLAYS = list(product((GUARDDUTY, SECURITYHUB), ("options", "environment", "profile")))


@pytest.mark.parametrize(
    ("service", "kind"), by_day(PLAYS[:1], PLAYS)
)  # the jobs below have theirs from the environment
def test_playbook_at_vvvv_prints_no_secret(
    service: str, kind: str, emulator: Emulator, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    emulator.add_fault("unprocessed", operation="InviteMembers", account_ids=[ACCOUNTS[0]], message=TRAP, times=None)
    options, environment = credentials_of(kind, tmp_path)

    output = play(tmp_path, tasks_for(service, **options), environment, emulator.url)

    assert len(assumed_secrets()) >= 2
    assert not found_in(output)
    assert TRAP in output  # AWS's text, as it came
    assert "resource_actions" in output
    assert {call.operation for call in emulator.calls} >= {"AssumeRole", "AcceptAdministratorInvitation"}
    tell(f"{len(output)} characters of -vvvv with credentials from {kind}: no secret")


# The events of a job, as a controller stores them

ROLES = Path(__file__).parents[2] / "roles"
MANAGEMENT = "888888888888"
# What makes a role use its secrets, besides the variables that all of them have.
NEEDS_SECRETS: dict[str, dict[str, Any]] = {
    "onboard": {"onboard_member_role_name": "Muster"},
    "offboard": {
        "offboard_member_role_name": "Muster",
        "offboard_hosts": "all",
        "offboard_disable_services": True,
    },
    "organization": {
        "organization_administrator_id": ADMINISTRATOR,
        "organization_administrator_role_name": "Muster",
        "organization_regions": list(REGIONS),
    },
    "report": {"report_member_role_name": "Muster", "report_member_side": True, "report_file": ""},
}


def secret_variables() -> dict[str, list[str]]:
    """Return, of each role, the variables that are secret: those named as a module's secret option is."""
    found = {}
    for path in ROLES.glob("*/meta/argument_specs.yml"):
        options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
        found[path.parts[-3]] = [name for name in options if name.endswith(("_external_id", "_secret", "_token"))]
    return found


def stored_by_a_controller(
    role: str, folder: Path, variables: Mapping[str, Any], environment: Mapping[str, str]
) -> str:
    """Run a role through ansible-runner, as a controller's job does, and return all that is kept of it."""
    hosts = {
        f"workload-{number}": {"onboard_account_id": account_id, "onboard_account_email": f"{account_id}@example.com"}
        for number, account_id in enumerate(ACCOUNTS)
    }
    files = {
        "inventory/hosts.json": {"all": {"hosts": hosts}},
        "project/play.json": [{"ansible.builtin.import_playbook": f"muster.aws.{role}"}],
        "env/extravars": variables,
        "env/envvars": environment,
        "env/settings": {"idle_timeout": 240},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    subprocess.run(
        ["ansible-runner", "run", str(folder), "--playbook", "play.json", "--ident", "1", "-vvvv"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    # Beside these lie the files of the command, which the controller keeps to itself.
    kept = [*folder.glob("artifacts/1/job_events/*.json"), *folder.glob("artifacts/1/std*")]
    kept += [path for path in folder.glob("artifacts/1/fact_cache/*") if path.is_file()]
    return "\n".join(path.read_text() for path in kept)


@pytest.mark.parametrize(
    ("role", "fault"),
    by_day(
        [*((role, None) for role in sorted(secret_variables())), ("onboard", "denied")],
        ((role, "denied") for role in sorted(secret_variables())),
    ),
)
def test_events_of_a_job_keep_no_secret(
    role: str, fault: str | None, emulator: Emulator, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    may_enter = {"role_name": "Muster", "external_id": EXTERNAL_ID, "assumable": fault is None}
    emulator.seed({"accounts": dict.fromkeys((*ACCOUNTS, ADMINISTRATOR), may_enter)})
    if role == "organization":
        emulator.seed(
            {
                "organization": {"management_account": MANAGEMENT, "account_ids": [ADMINISTRATOR]},
                "caller": MANAGEMENT,
            }
        )
    elif role != "onboard":
        for service in SERVICES:
            all_members("Enabled")(emulator, service)
    variables = {
        "onboard_administrator_id": ADMINISTRATOR,
        "onboard_regions": list(REGIONS),
        "onboard_wait_timeout": 5,
        **dict.fromkeys(secret_variables()[role], EXTERNAL_ID),
        **NEEDS_SECRETS[role],
    }
    _options, environment = credentials_of("environment", tmp_path)

    kept = stored_by_a_controller(role, tmp_path, variables, {**environment, "AWS_ENDPOINT_URL": emulator.url})

    entered = [call for call in emulator.calls if call.operation == "AssumeRole"]
    assert {call.params["ExternalId"] for call in entered} == {EXTERNAL_ID}
    assert bool(assumed_secrets()) == (fault is None)
    assert "playbook_on_stats" in kept
    assert not found_in(kept)
    tell(f"{len(kept)} characters of the events of {role}, {fault or 'no fault'}: no secret")
