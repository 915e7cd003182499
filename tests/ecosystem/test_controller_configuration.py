# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of AWX as code: against the specifications of awx.awx's modules, and against a fake of its API."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.muster.aws.tests.ecosystem.conftest import ACCOUNTS, ROOT, SITE_COLLECTIONS, run
from ansible_collections.muster.aws.tests.ecosystem.controller_files import FOLDER, JOBS, ControllerFiles
from ansible_collections.muster.aws.tests.ecosystem.fake_controller import FakeController

FILES = ControllerFiles()
needs_awx = pytest.mark.skipif(
    not (SITE_COLLECTIONS / "awx/awx").exists(),
    reason="the collection awx.awx is not installed: it left the ansible package with release 14 (Python 3.12 on)",
)


class Specification(Exception):
    """What a module would have given to AnsibleModule."""


def specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the arguments with which a module of awx.awx makes its AnsibleModule."""
    name = module.rpartition(".")[2]
    imported = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{name}")

    def tell(**arguments: Any) -> None:
        raise Specification(arguments)

    connection = imported.ControllerAPIModule.AUTH_ARGSPEC
    monkeypatch.setattr(imported, "ControllerAPIModule", tell)
    with pytest.raises(Specification) as told:
        imported.main()
    arguments = told.value.args[0]
    return {**arguments, "argument_spec": {**connection, **arguments["argument_spec"]}}


@needs_awx
@pytest.mark.parametrize(("name", "module", "arguments"), FILES.objects(), ids=lambda value: str(value)[:60])
def test_object_fits_the_specification_of_its_module(name, module, arguments, monkeypatch):
    validator = ArgumentSpecValidator(**specification(module, monkeypatch))
    assert validator.validate(arguments).error_messages == []
    assert validator.validate({**arguments, "surprise": 1}).error_messages != []


@pytest.mark.parametrize("job", JOBS)
def test_survey_asks_for_variables_of_the_role_with_its_choices_and_defaults(job: str):
    specs = yaml.safe_load((ROOT / f"roles/{job}/meta/argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    questions = FILES.survey(job)
    assert questions
    for question in questions:
        option = options[question["variable"]]
        kinds, choices, default = expected_question(option)
        assert question["type"] in kinds, question
        assert question["required"] is True
        assert question["question_name"]
        if question["variable"] == "onboard_regions":  # which Regions there are is a setting
            choices = FILES.settings["muster_awx_regions"]
            default = "\n".join(choices)
        assert question.get("choices") == choices, question
        assert question.get("default") == default, question


def expected_question(option: dict[str, Any]) -> tuple[set[str], list[str] | None, Any]:
    """Return how a survey asks for an option: the types it may have, the choices, the default."""
    kind, choices, default = option.get("type", "str"), option.get("choices"), option.get("default")
    if kind == "bool":
        return {"multiplechoice"}, ["true", "false"], str(default).lower()
    if kind == "list":
        return {"multiselect"}, choices, "\n".join(default or ())
    if kind == "int":
        return {"integer"}, choices, default
    return {"multiplechoice"} if choices else {"text"}, choices, default


@pytest.mark.parametrize("job", JOBS)
def test_job_template_names_a_playbook_of_the_project_and_variables_of_the_role(job: str):
    template = FILES.job_template(job)
    (play,) = yaml.safe_load((FOLDER / "project" / template["playbook"]).read_text())
    assert play["ansible.builtin.import_playbook"] == f"muster.aws.{job}"
    assert (ROOT / f"playbooks/{job}.yml").exists()
    known = {
        option
        for role in ("onboard", job)
        for option in yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"][
            "main"
        ]["options"]
    }
    assert set(template["extra_vars"]) <= known
    assert (template["job_slice_count"] > 1) == (job == "onboard")


def test_credential_type_hands_the_role_its_variables():
    (arguments,) = [arguments for _name, module, arguments in FILES.objects() if module.endswith(".credential_type")]
    fields = {field["id"] for field in arguments["inputs"]["fields"]}
    assert arguments["injectors"]["extra_vars"] == {
        "onboard_member_role_name": "{{ role_name }}",
        "onboard_external_id": "{{ external_id }}",
    }
    assert fields == {"role_name", "external_id"}


def test_inventory_of_the_project_has_an_account_per_host():
    inventory = yaml.safe_load((FOLDER / "project/inventory/accounts.yml").read_text())
    hosts = inventory["aws_accounts"]["hosts"]
    assert {host: row["onboard_account_id"] for host, row in hosts.items()} == ACCOUNTS


@needs_awx
def test_configuration_is_created_once_and_then_found_unchanged(tmp_path):
    with FakeController() as controller:
        variables = {
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": "token",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example-secret-key",
        }
        command = ["ansible-playbook", FOLDER / "configure.yml", "--extra-vars", "muster_awx_external_id=for-muster"]
        run(*command, cwd=tmp_path, variables=variables)

        assert len(controller.objects["job_templates"]) == len(JOBS)
        for job in JOBS:
            wanted = FILES.job_template(job)
            found = controller.named("job_templates", wanted["name"])
            assert json.loads(found["extra_vars"]) == wanted["extra_vars"]
            assert found["project"] == controller.named("projects", "AWS accounts")["id"]
            assert found["inventory"] == controller.named("inventories", "AWS accounts")["id"]
            assert found["execution_environment"] == controller.named("execution_environments", "muster.aws")["id"]
            assert len(controller.related[f"job_templates/{found['id']}/credentials"]) == 2
            assert controller.survey(wanted["name"])["spec"] == FILES.survey(job)
        member_role = controller.named("credentials", "Member role")
        assert member_role["inputs"]["external_id"] == "for-muster"
        assert member_role["credential_type"] == controller.named("credential_types", "AWS member role")["id"]
        source = controller.named("inventory_sources", "AWS accounts in Git")
        assert (FOLDER / "project" / source["source_path"]).exists()
        schedule = controller.named("schedules", "Daily report on AWS accounts")
        assert schedule["unified_job_template"] == controller.named("job_templates", "Report on AWS accounts")["id"]

        controller.writes.clear()
        assert "changed=0" in run(*command, cwd=tmp_path, variables=variables)
        assert controller.writes == []
