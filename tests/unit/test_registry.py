# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services are listed once: nothing else names one, and what a user can choose is that list."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator.services import SERVICES as EMULATED
from ansible_collections.muster.aws.tests.emulator.transitions import TABLES
from ansible_collections.muster.aws.tests.unit.test_architecture import SOURCES, Source, docstrings
from botocore.loaders import Loader

TOP = Path(__file__).parents[2]
# Where services are at home. Fragments and modules are documentation.
AT_HOME = ("plugins/module_utils/_services/", "plugins/modules/", "plugins/doc_fragments/")
ROW_KEYS = {facts.kind.rows for facts in SERVICES.values()}
WORDS = {*SERVICES, *(facts.client for facts in SERVICES.values()), *ROW_KEYS}
WORDS |= {facts.service_module for facts in SERVICES.values()}
NAMING = re.compile(rf"\b({'|'.join(sorted(WORDS, key=len, reverse=True))})(_|\b)")

# What is said to an operator about one service, and is meant so.
MEANT = {
    "plugins/module_utils/_membership/reasons.py": 2,  # hints: which modules switch a service on
}


def namings(file: Source) -> Iterator[str]:
    """The literal texts of a file that name a service, its modules or its rows."""
    skipped = docstrings(file.tree)
    for node in ast.walk(file.tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
        if is_text and NAMING.search(node.value):
            yield f"line {node.lineno}: {node.value[:60]!r}"


def test_no_source_names_a_service_but_the_services_own() -> None:
    found = {file.path: list(namings(file)) for file in SOURCES if not file.path.startswith(AT_HOME)}
    surplus = {path: texts for path, texts in found.items() if len(texts) > MEANT.get(path, 0)}
    assert surplus == {}


def test_namings_are_found_where_there_are_some() -> None:
    text = "rows_of(result, 'detectors')\nrun('guardduty_detector')\nmodule = f'{x}_hub'\nname = 'securityhub'"
    assert len(list(namings(Source("plugins/x.py", ast.parse(text))))) == 3


@pytest.mark.parametrize("role", ["onboard", "offboard", "report"])
def test_choices_of_a_role_are_the_registry(role: str) -> None:
    specs = yaml.safe_load((TOP / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    assert specs["main"]["options"][f"{role}_services"]["choices"] == list(SERVICES)


# Where roles and playbooks name services, and why: YAML that Ansible reads as it stands cannot ask the registry.
# Everything else, the roles' tasks among it, names none.
_WHICH = "which services are taken where the user says nothing: not all that there are"
_SPEC = "choices, compared with the registry by the tests around this one, and options of one service"
_GALAXY = "tags that Galaxy finds the role by"
NAMED_IN_YAML = {
    "playbooks/inventory.yml": "choices, compared with the registry by a test of the playbook",
    **{f"roles/{role}/defaults/main.yml": _WHICH for role in ("onboard", "offboard", "organization", "report")},
    **{f"roles/{role}/meta/argument_specs.yml": _SPEC for role in ("onboard", "offboard", "organization", "report")},
    **{f"roles/{role}/meta/main.yml": _GALAXY for role in ("onboard", "offboard", "organization", "report")},
}


def test_roles_and_playbooks_name_services_in_the_listed_places_only() -> None:
    files = [path for folder in ("roles", "playbooks") for path in (TOP / folder).rglob("*.yml")]
    assert len([path for path in files if path.parent.name == "tasks"]) >= 3
    found = {path.relative_to(TOP).as_posix() for path in files if NAMING.search(path.read_text())}
    assert found == set(NAMED_IN_YAML)


def test_choices_of_the_organizations_role_are_the_services_that_delegate() -> None:
    specs = yaml.safe_load((TOP / "roles/organization/meta/argument_specs.yml").read_text())["argument_specs"]
    delegating = [name for name, facts in SERVICES.items() if Step.DELEGATE in facts.operations]
    assert specs["main"]["options"]["organization_services"]["choices"] == delegating
    assert {f"organization_{name}" for name in delegating} <= set(specs["main"]["options"])


@pytest.mark.parametrize("role", ["onboard", "offboard", "organization", "report"])
def test_galaxy_finds_each_role_by_the_services_that_it_offers(role: str) -> None:
    tags = yaml.safe_load((TOP / f"roles/{role}/meta/main.yml").read_text())["galaxy_info"]["galaxy_tags"]
    specs = yaml.safe_load((TOP / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]
    assert [tag for tag in tags if tag in SERVICES] == specs["main"]["options"][f"{role}_services"]["choices"]


def test_choices_of_the_controllers_surveys_are_the_registry() -> None:
    settings = yaml.safe_load((TOP / "extensions/awx/settings.yml").read_text())
    assert settings["muster_awx_services"] == list(SERVICES)


def test_emulator_answers_for_every_service_under_its_signing_name() -> None:
    assert {each.name: each.client or each.name for each in EMULATED} == {n: f.client for n, f in SERVICES.items()}
    assert TABLES.keys() == SERVICES.keys()


def test_action_group_has_the_modules_of_every_service() -> None:
    group = yaml.safe_load((TOP / "meta/runtime.yml").read_text())["action_groups"]["aws"]
    for name, facts in SERVICES.items():
        kinds = ("member", "member_info", "administrator", "administrator_info")
        assert {facts.service_module, *(f"{name}_{kind}" for kind in kinds)} <= {
            each for each in group if isinstance(each, str)
        }


def operations_of(client: str) -> set[str]:
    return set(Loader().load_service_model(client, "service-2")["operations"])


def test_permissions_in_the_guide_are_operations_of_the_services_models() -> None:
    """A column for each service, in the order of the registry."""
    lines = [line for line in (TOP / "docs/iam.md").read_text().splitlines() if line.startswith("|")]
    columns = [line.strip("|").split("|") for line in lines]
    heads = [row for row in columns if row[0].strip() == "job"]
    assert [cell.strip() for cell in heads[0][1:]] == [facts.title for facts in SERVICES.values()]
    for place, facts in enumerate(SERVICES.values(), start=1):
        cells = " ".join(row[place] for row in columns if row not in heads and len(row) == len(SERVICES) + 1)
        named = set(re.findall(r"(?<![:\w`])[A-Z][a-z]+[A-Z]\w+", cells))
        assert named and named <= operations_of(facts.client), facts.title
        assert set(facts.operations.values()) <= named
