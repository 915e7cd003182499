# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What extensions/awx says, with its templates filled in."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.muster.aws.tests.ecosystem.conftest import ROOT

FOLDER = ROOT / "extensions/awx"
JOBS = ("onboard", "offboard", "report")
# Of a task, not of its module.
KEYWORDS = {"name", "loop", "loop_control"}
# What a person sets. The defaults of these two look into the environment.
OWN_SETTINGS = {"muster_awx_aws_access_key": "AKIAEXAMPLE", "muster_awx_aws_secret_key": "example-secret-key"}


class ControllerFiles:
    """Reads the files as ``ansible-playbook configure.yml`` does."""

    def __init__(self) -> None:
        self._loader = DataLoader()
        self.settings = {**self._load("settings.yml"), **OWN_SETTINGS}
        self._variables = {**self.settings, **self._load("jobs.yml")}

    def _load(self, name: str) -> Any:
        return self._loader.load_from_file(str(FOLDER / name), trusted_as_template=True)

    def _fill_in(self, value: Any, **variables: Any) -> Any:
        return Templar(self._loader, variables={**self._variables, **variables}).template(value)

    def objects(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what the tasks of objects.yml create: the name, the module and its arguments."""
        found = []
        for task in self._load("objects.yml"):
            (module,) = set(task) - KEYWORDS
            for item in self._fill_in(task.get("loop", [None])):
                arguments = self._fill_in(task[module], item=item)
                found.append((arguments["name"], module, arguments))
        return found

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

    def extra_variables(self, job: str, **answers: Any) -> dict[str, Any]:
        """Return the extra variables of a job as the controller makes them: the template's, and over them the answers.

        Whoever launches it accepts the defaults, but for ``answers``. A survey's answer is text, a number or, of a
        multiselect, a list of texts; it is never a boolean.
        """
        defaults = {
            question["variable"]: question["default"].splitlines()
            if question["type"] == "multiselect"
            else question["default"]
            for question in self.survey(job)
            if "default" in question
        }
        return {**self.job_template(job)["extra_vars"], **defaults, **answers}
