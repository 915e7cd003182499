# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plugins as Ansible constructs them, without its loader."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import yaml
from ansible import constants as C


@cache
def options_of(module: ModuleType) -> dict[str, Any]:
    """Return the options that a plugin documents, with those of the fragments that it names."""
    documented = yaml.safe_load(module.DOCUMENTATION)
    found: dict[str, Any] = {}
    for name in documented.get("extends_documentation_fragment", ()):
        found.update((yaml.safe_load(_fragment(name)) or {}).get("options", {}))
    return {**found, **documented["options"]}


def _fragment(name: str) -> str:
    parts = name.split(".")
    folder = "ansible.plugins.doc_fragments"
    if len(parts) > 1:
        folder, parts = f"ansible_collections.{parts[0]}.{parts[1]}.plugins.doc_fragments", parts[2:]
    fragment = import_module(f"{folder}.{parts[0]}").ModuleDocFragment
    return str(getattr(fragment, parts[1].upper() if len(parts) > 1 else "DOCUMENTATION", ""))


def construct(kind: str, module: ModuleType, name: str) -> Any:
    """Return a plugin that knows its name and its options."""
    C.config.initialize_plugin_configuration_definitions(kind, name, options_of(module))
    plugin = getattr(module, f"{kind.capitalize()}Module")()
    plugin._load_name = name
    plugin._original_path = module.__file__
    return plugin


class StandInTemplar:
    """Knows one kind of template: a variable's name in braces.

    :param values: The values of the variables.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def template(self, value: Any) -> Any:
        is_template = isinstance(value, str) and value.startswith("{{ ") and value.endswith(" }}")
        return self._values[value[3:-3]] if is_template else value

    def copy_with_new_env(self, available_variables: Mapping[str, Any]) -> StandInTemplar:
        return StandInTemplar(available_variables)


def task_of(*, check_mode: bool = False, **args: Any) -> Any:
    """Return what an action asks of its task.

    :param args: What the task is given.
    """
    return SimpleNamespace(
        action="muster.aws.x", args=args, async_val=0, check_mode=check_mode, environment=[], any_errors_fatal=False
    )


def act(module: ModuleType, task: Any, variables: Mapping[str, Any], loader: Any = None) -> Any:
    """Return an action as Ansible constructs it for a task of a local connection.

    :param loader: What reads files.
    """
    shell = SimpleNamespace(tmpdir="/nowhere")
    connection = SimpleNamespace(_shell=shell, transport="local", become=None)
    return module.ActionModule(task, connection, SimpleNamespace(), loader, StandInTemplar(variables))
