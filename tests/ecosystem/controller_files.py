# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What extensions/awx says, with its templates filled in."""

from __future__ import annotations

import json
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.muster.aws.tests.ecosystem.conftest import ROOT

FOLDER = ROOT / "extensions/awx"
JOBS = ("onboard", "offboard", "report", "organization")
# What a person sets. The defaults of these look into the environment.
OWN_SETTINGS = {"muster_awx_aws_access_key": "AKIAEXAMPLE", "muster_awx_aws_secret_key": "example-secret-key"}
OWN_SETTINGS["muster_awx_aws_session_token"] = ""


class ControllerFiles:
    """Reads the files as ``ansible-playbook configure.yml`` does."""

    def __init__(self, **settings: Any) -> None:
        self._loader = DataLoader()
        self.settings = {**self._load("settings.yml"), **OWN_SETTINGS, **settings}
        (play,) = self._load("configure.yml")
        self._variables = {**play["vars"], **self.settings, **self._load("jobs.yml"), **self._load("objects.yml")}

    def _load(self, name: str) -> Any:
        return self._loader.load_from_file(str(FOLDER / name), trusted_as_template=True)

    def variable(self, name: str) -> Any:
        """Return the value of a variable, as plain data: Ansible's own kinds of numbers are no numbers for AWX."""
        return json.loads(json.dumps(Templar(self._loader, variables=self._variables).template(self._variables[name])))

    def objects(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what is created, in its order: the name, the module and its arguments."""
        return [
            (
                item.get("name") or item.get("identifier") or item["role"],
                f"awx.awx.{kind['module']}",
                {key: value for key, value in item.items() if key != "simplified_workflow_nodes"},
            )
            for kind in self.variable("__muster_awx_kinds")
            for item in self.variable(kind["objects"])
        ]

    def survey(self, job: str) -> list[dict[str, Any]]:
        """Return the questions of a job."""
        return self.job_template(job)["survey_spec"]["spec"]

    def job_template(self, job: str) -> dict[str, Any]:
        """Return the arguments of a job's template."""
        (found,) = [
            arguments
            for _name, module, arguments in self.objects()
            if module == "awx.awx.job_template" and arguments["playbook"] == f"{job}.yml"
        ]
        return found

    def accepted(self, job: str, **answers: Any) -> dict[str, Any]:
        """Return the answers of whoever accepts the defaults on the launch screen, but for ``answers``."""
        defaults = {
            question["variable"]: question["default"].splitlines()
            if question["type"] == "multiselect"
            else question["default"]
            for question in self.survey(job)
            if "default" in question
        }
        return {**defaults, **answers}
