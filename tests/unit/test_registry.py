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


def test_tasks_of_the_roles_name_no_service() -> None:
    files = [path for role in (TOP / "roles").iterdir() for path in (role / "tasks").glob("*.yml")]
    assert len(files) >= 3
    assert {path.name: found for path in files if (found := NAMING.findall(path.read_text()))} == {}


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
