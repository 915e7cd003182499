# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of AWX as code: against the specifications of awx.awx's modules, and against a fake of its API."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.muster.aws.tests.ecosystem.conftest import ACCOUNTS, ROOT, SITE_COLLECTIONS, run
from ansible_collections.muster.aws.tests.ecosystem.controller_files import FOLDER, JOBS, ControllerFiles
from ansible_collections.muster.aws.tests.ecosystem.controller_rules import (
    faults_of_survey,
    hosts_of_slices,
    variables_needed_to_start,
)
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


ONBOARD = yaml.safe_load((ROOT / "roles/onboard/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]


@pytest.mark.parametrize("job", JOBS)
def test_survey_asks_for_variables_of_the_role_with_its_choices_and_defaults(job: str):
    specs = yaml.safe_load((ROOT / f"roles/{job}/meta/argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    questions = FILES.survey(job)
    assert questions
    for question in questions:
        option = options[question["variable"]]
        if question["variable"].endswith("_services"):  # the other roles take them from the variables of onboard
            option = {**ONBOARD["onboard_services"], **option}
        kinds, choices, default = expected_question(option)
        assert question["type"] in kinds, question
        assert question["required"] is ("default" not in question)
        assert question["question_name"]
        if question["variable"].endswith("_regions"):  # which Regions there are is a setting
            choices = FILES.settings["muster_awx_regions"]
            default = "\n".join(choices)
        # As lines of a text: older launch screens take no list.
        assert question.get("choices") == ("\n".join(choices) if choices else None), question
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
    assert template["job_slice_count"] == 1
    assert template.get("ask_job_slice_count_on_launch", False) == (job == "onboard")


def test_credential_type_hands_the_role_its_variables():
    (arguments,) = [arguments for _name, module, arguments in FILES.objects() if module.endswith(".credential_type")]
    fields = {field["id"] for field in arguments["inputs"]["fields"]}
    assert arguments["injectors"]["extra_vars"] == {
        "onboard_member_role_name": "{{ role_name }}",
        "onboard_external_id": "{{ external_id }}",
        "organization_administrator_role_name": "{{ role_name }}",
        "organization_external_id": "{{ external_id }}",
    }
    assert fields == {"role_name", "external_id"}


def test_inventory_of_the_project_has_an_account_per_host():
    inventory = yaml.safe_load((FOLDER / "project/inventory/accounts.yml").read_text())
    hosts = inventory["aws_accounts"]["hosts"]
    assert {host: row["onboard_account_id"] for host, row in hosts.items()} == ACCOUNTS


class Configuration:
    """Runs configure.yml against a stand-in."""

    def __init__(self, controller: FakeController, folder: Path) -> None:
        self._folder = folder
        self._variables = {
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": "an-oauth-token",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example-secret-key",
        }

    def __call__(self, variables: Mapping[str, str] | None = None, **settings: Any) -> str:
        command = ["ansible-playbook", FOLDER / "configure.yml", "-vvv", "--extra-vars", json.dumps(settings)]
        return run(*command, cwd=self._folder, variables={**self._variables, **(variables or {})})


ROTATED = {"AWS_SECRET_ACCESS_KEY": "rotated-secret-key"}


def secrets_in(controller: FakeController) -> tuple[str, str]:
    keys, role = (controller.named("credentials", name) for name in ("Administrator account", "Member role"))
    return keys["inputs"]["password"], role["inputs"]["external_id"]


@needs_awx
def test_configuration_is_created_once_then_found_unchanged(tmp_path: Path):
    with FakeController() as controller:
        configure = Configuration(controller, tmp_path)
        output = configure(muster_awx_external_id="for-muster")
        assert "for-muster" not in output.partition("PLAY [")[2]
        assert "example-secret-key" not in output

        assert len(controller.objects["job_templates"]) == len(JOBS)
        for job in JOBS:
            wanted = FILES.job_template(job)
            found = controller.named("job_templates", wanted["name"])
            assert json.loads(found["extra_vars"]) == wanted["extra_vars"]
            assert found["project"] == controller.named("projects", "AWS accounts")["id"]
            assert found["inventory"] == controller.named("inventories", "AWS accounts")["id"]
            assert found["execution_environment"] == controller.named("execution_environments", "muster.aws")["id"]
            assert len(controller.related[f"job_templates/{found['id']}/credentials"]) == len(wanted["credentials"])
            assert controller.survey(wanted["name"])["spec"] == FILES.survey(job)
        member_role = controller.named("credentials", "Member role")
        assert member_role["inputs"]["external_id"] == "for-muster"
        assert member_role["credential_type"] == controller.named("credential_types", "AWS member role")["id"]
        source = controller.named("inventory_sources", "AWS accounts in Git")
        assert (FOLDER / "project" / source["source_path"]).exists()
        schedule = controller.named("schedules", "Daily report on AWS accounts")
        assert schedule["unified_job_template"] == controller.named("job_templates", "Report on AWS accounts")["id"]
        assert len(controller.objects["workflow_job_template_nodes"]) == 7
        assert len(controller.objects["workflow_approval_templates"]) == 2

        # New secrets are pushed when asked, and only then.
        controller.writes.clear()
        assert "changed=0" in configure(ROTATED, muster_awx_external_id="another")
        assert controller.writes == [] and secrets_in(controller) == ("example-secret-key", "for-muster")


@pytest.mark.nightly
@needs_awx
def test_new_secrets_are_pushed_when_asked_and_all_is_gone_when_asked(tmp_path: Path):
    with FakeController() as controller:
        configure = Configuration(controller, tmp_path)
        configure(muster_awx_external_id="for-muster")
        controller.writes.clear()
        output = configure(ROTATED, muster_awx_external_id="another", muster_awx_update_secrets=True)
        assert secrets_in(controller) == ("rotated-secret-key", "another")
        assert {write.split("/")[3] for write in controller.writes} == {"credentials"} and len(controller.writes) == 2
        assert "rotated-secret-key" not in output

        configure(muster_awx_state="absent")
        left = {kind for kind, items in controller.objects.items() if items}
        assert {"job_templates", "workflow_job_templates", "schedules", "credentials", "projects"}.isdisjoint(left)
        assert controller.names("organizations") == ["Security"]
        assert controller.names("credential_types") == ["Amazon Web Services"]


@pytest.mark.nightly
@needs_awx
def test_settings_give_names_labels_notifications_grants_and_keys_of_a_session(tmp_path: Path):
    with FakeController() as controller:
        organization = controller.create("organizations", name="Security")
        controller.create("teams", name="Operations", organization=organization["id"])
        controller.create("instance_groups", name="near-aws")
        settings = {
            "muster_awx_names": {"onboard": "Enrol accounts"},
            "muster_awx_labels": ["security"],
            "muster_awx_instance_groups": ["near-aws"],
            "muster_awx_notifications": [
                {
                    "name": "Tell us",
                    "notification_type": "webhook",
                    "notification_configuration": {"url": "https://hooks.example.com", "http_method": "POST"},
                }
            ],
            "muster_awx_notify": {"error": ["Tell us"]},
            "muster_awx_grants": [{"role": "execute", "team": "Operations"}],
            "muster_awx_accounts_from": ["git", "organization"],
        }
        Configuration(controller, tmp_path)({"AWS_SESSION_TOKEN": "example-session-token"}, **settings)

        template = controller.named("job_templates", "Enrol accounts")
        place = f"job_templates/{template['id']}"
        assert controller.related[f"{place}/labels"] == [controller.named("labels", "security")["id"]]
        assert controller.related[f"{place}/instance_groups"] == [controller.named("instance_groups", "near-aws")["id"]]
        told = controller.named("notification_templates", "Tell us")["id"]
        assert controller.related[f"{place}/notification_templates_error"] == [told]
        assert controller.named("credentials", "Administrator account")["inputs"]["security_token"]
        granted = {place: ids for place, ids in controller.related.items() if place.startswith("roles/") and ids}
        templates = [*controller.objects["job_templates"], *controller.objects["workflow_job_templates"]]
        roles = [item["summary_fields"]["object_roles"]["execute_role"]["id"] for item in templates]
        assert len(roles) == 6
        assert granted == {f"roles/{role}/teams": [controller.named("teams", "Operations")["id"]] for role in roles}
        source = controller.named("inventory_sources", "AWS accounts of the organization")
        assert (FOLDER / "project" / source["source_path"]).exists()
        assert source["credential"] == controller.named("credentials", "Administrator account")["id"]
        assert len(controller.objects["inventory_sources"]) == 2


@pytest.mark.nightly
@needs_awx
def test_jobs_get_no_credential_where_the_execution_nodes_have_a_role(tmp_path: Path):
    with FakeController() as controller:
        # The environment has keys: they are nobody's business here.
        Configuration(controller, tmp_path)(
            muster_awx_administrator_credential="",
            muster_awx_member_role_credential="",
            muster_awx_accounts_from=["organization"],
        )
        assert controller.objects["credentials"] == []
        templates = controller.objects["job_templates"]
        assert len(templates) == len(JOBS)
        assert [controller.related.get(f"job_templates/{item['id']}/credentials", []) for item in templates] == [
            []
        ] * len(JOBS)
        (source,) = controller.objects["inventory_sources"]
        assert source["source_path"].endswith("organization.yml") and not source.get("credential")


@pytest.mark.nightly
@needs_awx
def test_administrator_of_an_organization_configures_what_is_left_to_it(tmp_path: Path):
    with FakeController(is_system_administrator=False) as controller:
        controller.create("organizations", name="Security")
        controller.create("credential_types", name="AWS member role", managed=False)
        controller.create("credentials", name="Ours", type="credential")
        Configuration(controller, tmp_path)(
            muster_awx_existing=["organization", "credential_type"],
            muster_awx_aws_access_key="",
            muster_awx_administrator_credential="Ours",
        )
        assert sorted(controller.names("credentials")) == ["Member role", "Ours"]
        template = controller.named("job_templates", "Onboard AWS accounts")
        wanted = [controller.named("credentials", name)["id"] for name in ("Ours", "Member role")]
        assert sorted(controller.related[f"job_templates/{template['id']}/credentials"]) == sorted(wanted)


def test_stand_in_refuses_what_awx_refuses():
    questions = FILES.survey("onboard")
    required = [{**question, "required": True} for question in questions]
    assert len(variables_needed_to_start(required, {})) == len(questions)
    assert variables_needed_to_start(required, {}, is_required_needed=False) == []
    assert variables_needed_to_start(questions, {}) == []
    for answers in (
        {"onboard_services": "guardduty"},
        {"onboard_services": ["GuardDuty"]},
        {"onboard_via": "Invitation"},
        {"onboard_enable_services": True},
        {"onboard_wait_timeout": "60"},
        {"onboard_wait_timeout": 3601},
    ):
        assert len(variables_needed_to_start(questions, answers)) == 1, answers
    # What a role has to refuse, since AWX does not.
    assert variables_needed_to_start(questions, {"onboard_services": []}) == []
    assert faults_of_survey({"name": "", "description": "", "spec": [{**questions[0], "default": ["guardduty"]}]})
    assert hosts_of_slices(["c", "a", "b"], 2) == [["a", "c"], ["b"]]
    assert hosts_of_slices([], 2) == [[]]


def post(url: str, body: Any) -> tuple[int, Any]:
    """Send JSON as anybody does who talks to the API without awx.awx."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_stand_in_launches_what_awx_launches():
    template = FILES.job_template("offboard")
    with FakeController() as controller:
        inventory = controller.create("inventories", name="AWS accounts")["id"]
        for host in ("c", "a", "b"):
            controller.create("hosts", name=host, inventory=inventory)
        controller.create("hosts", name="elsewhere", inventory=inventory + 1)
        values = {**template, "inventory": inventory, "extra_vars": json.dumps({"fixed": 1, "offboard_limit": 3})}
        item = controller.create("job_templates", **values)
        controller.related[f"job_templates/{item['id']}/survey_spec"] = template["survey_spec"]
        launch = f"{controller.url}{item['url']}launch/"

        status, refused = post(launch, {})
        assert (status, refused) == (400, {"variables_needed_to_start": ["'offboard_hosts' value missing"]})
        status, refused = post(launch, {"extra_vars": {"offboard_hosts": "a", "offboard_limit": "3"}})
        assert status == 400 and len(refused["variables_needed_to_start"]) == 1
        assert controller.objects["jobs"] == []

        answers = {"offboard_hosts": "a", "unasked": 1}
        status, launched = post(launch, {"extra_vars": answers, "limit": "a", "job_slice_count": 2})
        assert (status, launched["type"]) == (201, "job")
        # What is not asked at launch is left out, and said to be.
        assert launched["ignored_fields"] == {"job_slice_count": 2}
        (job,) = controller.objects["jobs"]
        assert (job["id"], job["limit"], job["hosts"]) == (launched["id"], "a", ["a", "b", "c"])
        assert job["extra_vars"] == {
            "fixed": 1,
            "offboard_hosts": "a",
            "offboard_limit": 10,  # the survey's default is over the template's own
            "offboard_state": "absent",
            "offboard_disable_services": "false",
        }

        item["ask_job_slice_count_on_launch"] = True
        status, sliced = post(launch, {"extra_vars": {"offboard_hosts": "a"}, "job_slice_count": 2})
        assert status == 201 and sliced["is_sliced_job"] and sliced["ignored_fields"] == {}
        parts = [each["hosts"] for each in controller.objects["jobs"] if each["id"] in sliced["jobs"]]
        assert parts == [["a", "c"], ["b"]]
