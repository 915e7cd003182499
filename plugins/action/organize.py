# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of the organization role, once for a play. What it decides is in plugin_utils; here it meets Ansible.

It is documented in the module of this name, which is documentation alone.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS
from ansible_collections.muster.aws.plugins.plugin_utils._modules import ModulesAction
from ansible_collections.muster.aws.plugins.plugin_utils._options import (
    check_options,
    check_values,
    plain,
    unknown_names,
)
from ansible_collections.muster.aws.plugins.plugin_utils._organize import explain_settings, organize
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import ask_caller, read_defaults, read_spec
from ansible_collections.muster.aws.plugins.plugin_utils._report_origin import known_regions

Result = dict[str, Any]

_ROLE = "organization"
_PREFIX = f"{_ROLE}_"


class ActionModule(ModulesAction):
    """Checks the role's variables, asks whose the credentials are, and does the work."""

    _requires_connection = False
    _VALID_ARGS = frozenset()

    def run(self, tmp: str | None = None, task_vars: Result | None = None) -> Result:
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        options = self._options()
        caller = ask_caller(self.run_module, options["regions"])
        if caller.get("failed"):
            raise AnsibleError(f"Nothing was sent: {caller.get('msg')}")
        account_id = str(caller["account"])
        if account_id != options["administrator_id"] and not options["administrator_role_name"]:
            raise AnsibleError(
                f"Nothing was sent: {_PREFIX}administrator_role_name is empty: name the role that {account_id} assumes "
                f"in {options['administrator_id']}, or use that account's credentials for its half"
            )
        return self._told(organize(_Work(self), options, account_id))

    def _told(self, found: Result) -> Result:
        """Return the result of the work; what there is to tell is printed, or else it is the failure's text."""
        result = {
            "changed": found["changed"],
            "failed": found["failed"],
            "msg": found["lines"],
            "ansible_stats": {"data": {_ROLE: found["stats"]}, "aggregate": True, "per_host": False},
        }
        if found["warnings"]:
            result["warnings"] = found["warnings"]
        if found["failed"]:
            return {**result, "msg": "\n".join([*found["failures"], *found["lines"]])}
        self.say("\n".join(found["lines"]))
        # It was said: -v would print it a second time.
        return {**result, "_ansible_verbose_override": True} if self.speaks else result

    @property
    def is_check(self) -> bool:
        return bool(self._task.check_mode)

    def _options(self) -> Result:
        spec = read_spec(_ROLE)
        faults = unknown_names(self._vars, _PREFIX, spec)
        # The playbook does without the role around its work.
        set_here = {**read_defaults(self._loader, _ROLE), **self._vars}
        given = {name: plain(self._templar.template(set_here[name])) for name in spec if name in set_here}
        values, wrong = check_options(spec, given)
        options = {name.removeprefix(_PREFIX): value for name, value in values.items()}
        regions = known_regions(next(iter(FACTS.values())).client)
        faults += wrong or [
            *check_values(options, _PREFIX, regions),
            *(f"{_PREFIX}{text}" for text in explain_settings(options)),
        ]
        if faults:
            raise AnsibleError("Nothing was sent: " + "; ".join(faults))
        return {**options, "regions": list(dict.fromkeys(options["regions"]))}


class _Work:
    """What the work needs, from the action that does it."""

    def __init__(self, action: ActionModule) -> None:
        self._action = action
        self.is_check = action.is_check
        self.only_looking = action.only_looking

    def run(self, module: str, **options: Any) -> Result:
        return self._action.run_module(f"muster.aws.{module}", **options)

    def say(self, text: str) -> None:
        """Say nothing: the result has it all."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
