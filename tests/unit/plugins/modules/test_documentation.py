# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is promised about each module: its documentation against its code, the contract and the collection's files."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils import _module
from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

COLLECTION = Path(__file__).parents[4]
# An action plugin has a module of its name beside it for its documentation alone.
MODULES = sorted(
    path.stem
    for path in (COLLECTION / "plugins" / "modules").glob("*.py")
    if not (COLLECTION / "plugins" / "action" / path.name).exists()
)
MOST_LINES_OF_CODE = 45

# These describe options that AnsibleAWSModule adds by itself.
AMAZON_FRAGMENTS = ("amazon.aws.common.modules", "amazon.aws.region.modules")

# The keys of the contract, section 3.
ROW_KEYS = {
    "members": "email administrator_id invited_at updated_at",
    "administrators": "administrator_id previous_administrator_id invitation_id",
    "detectors": "detector_id enabled finding_publishing_frequency tags",
    "sessions": "enabled finding_publishing_frequency",
    "hubs": "hub_arn auto_enable_controls control_finding_generator tags",
    "organization_administrators": "administrator_id previous_administrator_id",
    "organizations": "member_limit_reached",
}
OWN_ROW_KEYS = {"guardduty_member": {"features"}, "guardduty_detector": {"features"}}
SETTINGS = {
    "guardduty": "auto_enable_members features",
    "securityhub": "auto_enable auto_enable_standards configuration_type configuration_status",
}
COMMON_ROW_KEYS = "account_id region status previous_status actions outcome reason_code reason"
# What a row of these has not, because it is not about the state of one account.
WITHOUT = {"organization_administrators": {"account_id"}, "organizations": {"status", "previous_status"}}
UNPROCESSED_KEYS = "account_id region operation reason reason_code retryable"
ACTION_KEYS = "region account_id operation account_ids"

# The name of an option whose value nobody may read in a log.
LOOKS_SECRET = re.compile("secret|token|pass(word|wd|phrase)|private|credential|external_id|_key$")

ADMINISTRATOR, OTHER_ADMINISTRATOR = "111111111111", "999999999999"
ACCOUNTS = ["012345678901", "222222222222", "333333333333"]
REGIONS = ["eu-central-1", "us-east-1"]

every_module = pytest.mark.parametrize("name", MODULES)


def imported(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.muster.aws.plugins.modules.{name}")


def part(name: str, variable: str) -> Any:
    return yaml.safe_load(getattr(imported(name), variable))


def fragment(name: str) -> dict[str, Any]:
    namespace, collection, file, *variable = name.split(".")
    module = importlib.import_module(f"ansible_collections.{namespace}.{collection}.plugins.doc_fragments.{file}")
    return yaml.safe_load(getattr(module.ModuleDocFragment(), (variable or ["documentation"])[0].upper()))


def documented(name: str, key: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a dictionary of the documentation, with the fragments' share in it."""
    documentation = part(name, "DOCUMENTATION")
    sources = [fragment(each) for each in documentation["extends_documentation_fragment"] if each not in without]
    merged: dict[str, Any] = {}
    for source in [*sources, documentation]:
        for option, facts in source.get(key, {}).items():
            merged[option] = {**merged.get(option, {}), **facts}
    return merged


def facts_of(options: Mapping[str, Any], nested: str) -> dict[str, Any]:
    """Reduce documented options, or an argument spec, to what both of them say."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "aliases": option.get("aliases", []),
            "required": option.get("required", False),
            "options": facts_of(option.get(nested, {}), nested),
        }
        for name, option in options.items()
    }


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a module hands to AnsibleAWSModule, and run nothing after that."""
    seen: dict[str, Any] = {}

    class Spec(Exception):
        def __init__(self, argument_spec: dict[str, Any], **rest: Any) -> None:
            seen.update(argument_spec)

    def refuse(**arguments: Any) -> None:
        raise Spec(**arguments)

    monkeypatch.setattr(_module, "AnsibleAWSModule", refuse)
    with pytest.raises(Spec):
        imported(name).main()
    return seen


def rows_key(name: str) -> str:
    _service, _slash, kind = name.removesuffix("_info").partition("_")
    return f"{kind}s"


def row_keys(name: str) -> set[str]:
    key, is_info = rows_key(name), name.endswith("_info")
    keys = {*COMMON_ROW_KEYS.split(), *ROW_KEYS[key].split()} - WITHOUT.get(key, set()) | OWN_ROW_KEYS.get(name, set())
    if key == "organizations":
        keys |= {*SETTINGS[name.partition("_")[0]].split(), *(("administrator_id", "status") if is_info else ())}
    return keys | ({"invitations"} if name.endswith("administrator_info") else set())


@every_module
def test_options_match_the_argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = documented(name, "options", without=AMAZON_FRAGMENTS)
    spec = argument_spec(name, monkeypatch)
    assert facts_of(options, "suboptions") == facts_of(spec, "options")


def kept_in_logs(spec: Mapping[str, Any]) -> list[str]:
    """Return the options, also those within options, that look secret and that Ansible would show."""
    shown = [name for name, option in spec.items() if LOOKS_SECRET.search(name) and option.get("no_log") is not True]
    return shown + [name for option in spec.values() for name in kept_in_logs(option.get("options") or {})]


@every_module
def test_options_that_look_secret_are_kept_out_of_logs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = argument_spec(name, monkeypatch)
    assert kept_in_logs(spec) == []
    if "role_name" in spec:  # who assumes a role may need an external id
        assert kept_in_logs({"inner": {"options": {"external_id": {**spec["external_id"], "no_log": False}}}})


@every_module
def test_documentation_takes_the_connection_options_from_amazon_aws(name: str) -> None:
    fragments = part(name, "DOCUMENTATION")["extends_documentation_fragment"]
    assert set(AMAZON_FRAGMENTS) <= set(fragments)


@every_module
def test_attributes_tell_check_mode_diff_mode_and_action_group(name: str) -> None:
    attributes = documented(name, "attributes")
    is_info = name.endswith("_info")
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] == ("N/A" if is_info else "full")
    assert attributes["action_group"]["membership"] == ["muster.aws.aws"]
    assert "platform" in attributes


@every_module
def test_return_has_the_keys_of_the_contract(name: str) -> None:
    returned = part(name, "RETURN")
    assert set(returned) == {"changed", rows_key(name), "unprocessed_accounts", "actions"}
    assert set(returned[rows_key(name)]["contains"]) == row_keys(name)
    assert set(returned["unprocessed_accounts"]["contains"]) == set(UNPROCESSED_KEYS.split())
    if not name.endswith("_info"):  # whose plan is always empty
        assert set(returned["actions"]["contains"]) == set(ACTION_KEYS.split())


@every_module
def test_examples_use_documented_options_only(name: str) -> None:
    options = documented(name, "options")
    tasks = part(name, "EXAMPLES")
    assert all(task["name"] and any(key.count(".") == 2 for key in task) for task in tasks)
    own = [task[f"muster.aws.{name}"] for task in tasks if f"muster.aws.{name}" in task]
    assert own
    for arguments in own:
        assert set(arguments) <= set(options)
        for member in arguments.get("members", ()):
            assert set(member) <= set(options["members"]["suboptions"])


def seed_for(name: str) -> dict[str, Any]:
    """Return the AWS that the examples of a module expect."""
    service = name.partition("_")[0]
    seed: dict[str, Any] = {
        "accounts": {
            **{account_id: {"email": f"aws-{account_id}@example.com"} for account_id in ACCOUNTS},
            "444444444444": {"email": "root-444444444444@example.com"},
        },
        "services": [
            {"service": service, "account_id": account_id, "regions": REGIONS}
            for account_id in (ADMINISTRATOR, OTHER_ADMINISTRATOR)
        ],
    }

    def member(administrator_id: str, account_id: str, status: str) -> dict[str, Any]:
        return {
            "service": service,
            "regions": REGIONS,
            "administrator_id": administrator_id,
            "account_ids": [account_id],
            "status": status,
        }

    if "_organization" in name:
        seed["organization"] = {
            "management_account": "555555555555",
            "account_ids": [ADMINISTRATOR],
            "delegated_administrator": {} if "_administrator" in name else {service: ADMINISTRATOR},
        }
        seed["caller"] = "555555555555" if "_administrator" in name else ADMINISTRATOR
    elif name.endswith("_member"):
        seed["organization"] = {
            "management_account": "555555555555",
            "account_ids": ["333333333333"],
            "delegated_administrator": {service: ADMINISTRATOR},
        }
        failed = member(ADMINISTRATOR, "444444444444", "EmailVerificationFailed")
        seed["members"] = [failed] if State.VERIFYING in SERVICES[service].words else []
    elif name.endswith("_member_info"):
        seed["members"] = [member(ADMINISTRATOR, account_id, "Invited") for account_id in ACCOUNTS]
    elif "_administrator" in name:
        seed["members"] = [
            member(OTHER_ADMINISTRATOR, "333333333333", "Enabled"),
            *(member(ADMINISTRATOR, account_id, "Invited") for account_id in ACCOUNTS),
        ]
    return seed


@every_module
def test_examples_succeed_and_return_what_is_documented(name: str, emulator: Any, run_module: Any) -> None:
    emulator.seed(seed_for(name))
    for task in part(name, "EXAMPLES"):
        arguments = task.get(f"muster.aws.{name}")
        if arguments is None:
            continue
        result = run_module(name, check=task.get("check_mode", False), **arguments)
        assert not result.get("failed"), (task["name"], result["msg"])
        assert result[rows_key(name)]
        assert all(set(row) == row_keys(name) for row in result[rows_key(name)])
        assert all(set(row) == set(ACTION_KEYS.split()) for row in result["actions"])


@every_module
def test_code_below_the_documentation_is_thin(name: str) -> None:
    source = (COLLECTION / "plugins" / "modules" / f"{name}.py").read_text()
    ends = [statement.end_lineno or 0 for statement in ast.parse(source).body if isinstance(statement, ast.Assign)]
    assert len(source.splitlines()) - max(ends) <= MOST_LINES_OF_CODE


@every_module
def test_module_has_an_integration_target(name: str) -> None:
    assert (COLLECTION / "tests" / "integration" / "targets" / name).is_dir()


def test_action_group_has_every_module() -> None:
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    group = runtime["action_groups"]["aws"]
    assert sorted(member for member in group if isinstance(member, str)) == MODULES
    assert {"metadata": {"extend_group": ["amazon.aws.aws"]}} in group
