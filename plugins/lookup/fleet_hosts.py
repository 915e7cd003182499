# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a play of this collection's playbooks."""

from __future__ import annotations

DOCUMENTATION = """
name: fleet_hosts
short_description: The hosts of a play of this collection's playbooks
version_added: 0.2.0
author: The muster.aws contributors (@muster-aws)
description:
  - It is made for the playbooks of this collection, to be used in C(hosts) of a play, where Ansible would pass over a
    mistake and end well without having done anything.
options:
  _terms:
    description:
      - The name of a playbook, V(onboard), V(offboard), V(report), V(inventory) or V(organization).
      - Which hosts, V(localhost) where the work is for none of them, as in the last two of these, V(chosen) by the
        role's variable of hosts such as C(onboard_hosts), V(due) after the preflight, or V(told), that is those of
        which there is something to tell.
    required: true
    type: list
    elements: str
"""

EXAMPLES = """
- name: Tell the hosts that changed or failed
  hosts: "{{ query('muster.aws.fleet_hosts', 'onboard', 'told') }}"
  tasks: []
"""

RETURN = """
_raw:
  description: Patterns for C(hosts).
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.inventory.manager import split_host_pattern
from ansible.plugins.lookup import LookupBase
from ansible_collections.muster.aws.plugins.plugin_utils._modules import load_shared
from ansible_collections.muster.aws.plugins.plugin_utils._options import LEFTOVER, explain_leftover, plain
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import Patterns, explain_sources, pattern_of
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs

# What ansible-playbook can be asked for instead of a run.
_ONLY_LOOKS = ("syntax", "listhosts", "listtasks", "listtags")


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        role, which = terms
        variables = variables or {}
        is_here = which == "localhost"
        pattern = "localhost" if is_here else self._pattern(f"{role}_hosts", variables)
        if any(context.CLIARGS.get(name) for name in _ONLY_LOOKS):
            return [pattern]
        if is_here:
            self._refuse_elsewhere(variables)
            return [pattern]
        if which == "chosen":
            self._refuse(role, pattern, variables)
            # Once here, in the process that all others are copies of, and not once for each batch.
            load_shared()
            return [pattern]
        run = Runs(C.DEFAULT_LOCAL_TMP, role).current
        if run is None:
            raise AnsibleError(
                "nothing was done: the play that checks everything did not take place. Tags, --step or a condition on "
                "import_playbook left it out, and a condition is asked of the first host only; choose hosts with "
                "--limit or a variable of hosts"
            )
        plan = run.plan
        if which == "due":
            return [] if plan["stopped"] else [pattern]
        verdicts = {host: verdict for batch in run.batches() for host, verdict in batch["hosts"].items()}
        told = [
            host
            for host in plan["hosts"]
            if host not in verdicts or verdicts[host]["failed"] or verdicts[host]["changed"]
        ]
        return [pattern] if len(told) == len(plan["hosts"]) else [pattern_of(told or plan["hosts"][:1])]

    @staticmethod
    def _refuse_elsewhere(variables: Mapping[str, Any]) -> None:
        """Refuse what would leave out the work that is for no host, and done here."""
        _refuse_parts(variables)
        limit = variables.get("ansible_limit")
        if limit and "localhost" not in Patterns(variables.get("groups") or {}).hosts(limit):
            raise AnsibleError(
                f"--limit {limit} would leave localhost out, where this playbook does its work, and nothing was done"
            )

    def _pattern(self, name: str, variables: Mapping[str, Any]) -> str:
        """Return the hosts that were asked for: all, if nobody asked, and not where a variable is empty or missing."""
        if variables.get(name) is None:
            return "all"
        try:
            pattern = plain(self._templar.template(variables[name]))
        except AnsibleError as error:
            raise AnsibleError(f"{name}, and nothing was done: {error}") from error
        text = ",".join(map(str, pattern)) if isinstance(pattern, list) else str(pattern or "")
        if not text.strip():
            raise AnsibleError(f"{name} is empty, and nothing was done: name hosts or groups, or leave it out for all")
        if any(part.startswith("@") for part in split_host_pattern(text)):
            raise AnsibleError(f"{name} is {text}, and nothing was done: a file of names is for --limit")
        return text

    def _refuse(self, role: str, pattern: Any, variables: Mapping[str, Any]) -> None:
        """Refuse what would make Ansible end well without having done anything."""
        _refuse_parts(variables, f": choose services with -e {role}_services=..., hosts with --limit")
        sources = [str(source) for source in variables.get("ansible_inventory_sources") or ()]
        groups = dict(variables.get("groups") or {})
        patterns = Patterns(groups)
        faults = explain_sources(sources, groups, self._loader)
        limit = variables.get("ansible_limit")
        if not groups.get("all"):
            about = "; ".join(faults) or f"it was read from {', '.join(sources)}"
            raise AnsibleError(
                f"the inventory has no host, and nothing was done: {about}. Name one with -i; a host is an AWS "
                "account, see docs/onboard.md. An account list of another form is turned into an inventory by "
                "ansible-playbook muster.aws.inventory"
            )
        faults += [f"{role}_hosts: nothing in the inventory matches {part}" for part in patterns.unmatched(pattern)]
        faults += [f"--limit: nothing in the inventory matches {part}" for part in patterns.unmatched(limit)]
        if limit and not patterns.has_names(limit):
            # Ansible takes a file of blank lines for no limit.
            faults.append(f"--limit: there is no name in {limit}")
        chosen = set(patterns.hosts(pattern))
        if not faults and not (chosen & set(patterns.hosts(limit)) if limit else chosen):
            chosen_by = f"{role}_hosts ({pattern})"
            faults = [f"no host of {chosen_by} is within --limit ({limit})" if limit else f"no host is in {chosen_by}"]
        if faults:
            raise AnsibleError("nothing was done: " + "; ".join(faults))


def _refuse_parts(variables: Mapping[str, Any], instead: str = "") -> None:
    """Refuse what leaves out a part or everything: of the call itself, and by tags and the like.

    :param instead: What to do instead of tags.
    """
    faults = explain_leftover(variables.get(LEFTOVER))
    faults += ["--limit is empty"] if context.CLIARGS.get("subset") == "" else []
    faults += ["--start-at-task would leave steps out"] if context.CLIARGS.get("start_at_task") else []
    if faults:
        raise AnsibleError(f"nothing was done: {'; '.join(faults)}")
    tags = list(variables.get("ansible_run_tags") or ["all"])
    if not {"all", "untagged"} & set(tags) or {"all", "untagged"} & set(variables.get("ansible_skip_tags") or ()):
        raise AnsibleError(
            f"--tags and --skip-tags would leave the work out ({', '.join(tags)} asked for), and nothing was done. "
            f"This playbook has no tags, and does not see those of an import_playbook{instead}"
        )
