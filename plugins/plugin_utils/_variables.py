# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of all hosts, as a task of a role would see them in each of them.

``hostvars`` has neither a role's defaults nor what a play or a role is given with ``vars``. Ansible's own manager of
variables, asked with the task, has all of it; and asking it here costs a millisecond for each host, where a task for
each host costs a process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.task_include import TaskInclude
from ansible_collections.muster.aws.plugins.plugin_utils._options import Spec, plain, read_value

_NOTHING: Mapping[str, Any] = MappingProxyType({})

# The variables of a role that another's defaults lean on.
_NAMES = re.compile(r"\b(?:onboard|report)_\w+")


def includes_of(task: Any) -> Iterator[Any]:
    """Go through the includes that brought a task into its play, the innermost first."""
    return (each for each in parents_of(task) if isinstance(each, TaskInclude) and not each.statically_loaded)


def parents_of(task: Any) -> Iterator[Any]:
    """Go through the blocks, imports and includes around a task, the innermost first."""
    parent = task._parent
    while parent is not None:
        yield parent
        parent = parent._parent


class HostVariables:
    """The variables of one host.

    :param values: As Ansible gives them: untemplated.
    :param templar: Of the task.
    :param defaults: The role's. They may lean on variables of another role, which need not be set.
    """

    def __init__(self, values: Mapping[str, Any], templar: Any, defaults: Mapping[str, Any] = _NOTHING) -> None:
        self._values = values
        self._templar = templar
        self._defaults = defaults

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def raw(self, name: str) -> Any:
        return self._values.get(name)

    def get(self, name: str) -> Any:
        """Return a value, None where it is not set, or is a default that leans on what is not set.

        :raises AnsibleError: Its template cannot be read, or names a variable that is not set.
        """
        raw = self._values.get(name)
        if raw is None:
            return None
        leans_on = _NAMES.findall(str(raw)) if raw == self._defaults.get(name) else []
        # In a default, ``default()`` would pass over a mistake in what it leans on.
        is_set = [self.get(other) is not None for other in leans_on]
        templar = self._templar.copy_with_new_env(available_variables=self._values)
        try:
            return plain(templar.template(raw))
        except AnsibleError as error:
            if not all(is_set):
                return None
            raise AnsibleError(f"{name} of host {self._values.get('inventory_hostname')}: {error}") from error


class FleetVariables:
    """The variables of hosts.

    :param task: The task that asks.
    :param hostvars: Of that task's own variables.
    :param defaults: The role's: Ansible gives them to the tasks of the role only.
    """

    def __init__(self, task: Any, hostvars: Any, templar: Any, defaults: Mapping[str, Any]) -> None:
        self._task = task
        self._play = task._parent._play
        self._manager = hostvars._variable_manager
        self._inventory = hostvars._inventory
        self._templar = templar
        self._defaults = defaults

    def of(self, host: str) -> HostVariables:
        values = self._manager.get_vars(
            play=self._play, host=self._inventory.get_host(host), task=self._task, _hosts=[host], _hosts_all=[host]
        )
        return HostVariables({**self._defaults, **values}, self._templar, self._defaults)

    @property
    def sources(self) -> set[str]:
        """The sources of the inventory that gave a host."""
        return {str(host.vars.get("inventory_file")) for host in self._inventory.hosts.values()}

    def takes_part(self, variables: HostVariables) -> bool:
        """Tell whether all conditions hold for a host under which somebody uses the role.

        What is imported has them itself; what is included has not, and is done for the hosts that had it included.
        """
        values = dict(variables._values)
        try:
            return all(each._resolve_conditional(each.when, values) for each in (self._task, *includes_of(self._task)))
        except AnsibleError as error:
            raise AnsibleError(
                f"host {values.get('inventory_hostname')}: the condition on the role could not be told, and nothing "
                "was sent. Everything is checked once, before the first batch: ask for what is known by then"
            ) from error


def same_for_all(hosts: Mapping[str, HostVariables], spec: Spec) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """Return the values of variables, and of those that are not the same for all hosts, two hosts that differ.

    A value without a template in it is looked at once.

    :param spec: The variables, as an argument specification has them.
    """
    values: dict[str, Any] = {}
    differing: dict[str, tuple[str, str]] = {}
    for name, option in spec.items():
        first: str | None = None
        seen: set[str] = set()
        values[name] = None
        for host, variables in hosts.items():
            text = repr(variables.raw(name))
            if text in seen:
                continue
            if "{{" not in text and "{%" not in text:
                seen.add(text)
            value = read_value(option, variables.get(name))
            if first is None:
                first, values[name] = host, value
            elif value != values[name]:
                differing.setdefault(name, (first, host))
    return values, differing
