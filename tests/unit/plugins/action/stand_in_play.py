# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play that has the steps of a role as its tasks, with stand-ins for Ansible and for the modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible import context
from ansible_collections.muster.aws.plugins.action import fleet
from ansible_collections.muster.aws.plugins.plugin_utils import _modules
from ansible_collections.muster.aws.plugins.plugin_utils._state import Run, Runs
from ansible_collections.muster.aws.tests.canned import InTurn
from ansible_collections.muster.aws.tests.unit.plugins.constructed import act, task_of

ADMINISTRATOR = "111111111111"
EAST, WEST = "us-east-1", "us-west-2"
ACCOUNTS = {"search": "012345678901", "payments": "222222222222", "audit": "333333333333"}


def variables_of(role: str, host: str, **given: Any) -> dict[str, Any]:
    """Return the variables of a host that a role needs."""
    told = {
        "account_id": ACCOUNTS.get(host, host),
        "account_email": f"{host}@example.com",
        "administrator_id": ADMINISTRATOR,
        "regions": [EAST, WEST],
        "services": ["guardduty"],
        "concurrency": 7,
        **given,
    }
    return {"inventory_hostname": host} | {f"{role}_{name}": value for name, value in told.items() if value is not None}


class StandInPlay:
    """Runs the steps of a role one by one, and keeps what they say and what modules they run."""

    def __init__(self, folder: Path, role: str, **given: Any) -> None:
        self.folder, self.role = folder, role
        self.hosts = {host: variables_of(role, host, **given) for host in ACCOUNTS}
        self.groups: dict[str, Sequence[str]] = {"all": list(self.hosts), "banks": ["payments"]}
        self.defaults: dict[str, Any] = {}
        self.left_out: set[str] = set()
        self.strategy = "linear"
        self.play_vars: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self.told: list[str] = []
        self.ran: list[tuple[str, Mapping[str, Any], bool]] = []
        # The last one is given again; an error is raised.
        self.answers: dict[str, list[Any]] = {}
        # The sources of the inventory, and which of them gave a host.
        self.sources: list[str] = []
        self.giving: list[str] = []

    # What Ansible's own objects are asked for.

    def get_host(self, name: str) -> Any:
        return SimpleNamespace(name=name)

    @property
    def _hostvars(self) -> Any:
        hosts = {path: SimpleNamespace(vars={"inventory_file": path}) for path in self.giving}
        inventory = SimpleNamespace(get_host=self.get_host, hosts=hosts)
        return SimpleNamespace(_variable_manager=self, _inventory=inventory)

    def get_vars(self, play: Any, host: Any, task: Any, _hosts: Any, _hosts_all: Any) -> dict[str, Any]:
        return self.hosts[host.name]

    def load_from_file(self, path: str, trusted_as_template: bool) -> dict[str, Any]:
        assert Path(path).is_file() and path.endswith(f"roles/{self.role}/defaults/main.yml") and trusted_as_template
        return self.defaults

    def _takes_part(self, _conditions: Any, variables: Mapping[str, Any]) -> bool:
        return variables["inventory_hostname"] not in self.left_out

    def display(self, text: str) -> None:
        self.told.append(text)

    # What a test asks for.

    @property
    def run(self) -> Run:
        found = Runs(str(self.folder), self.role).current
        assert found is not None
        return found

    def task(self, step: str, is_check: bool = False) -> Any:
        task = task_of(check_mode=is_check, role=self.role, step=step)
        task._uuid = "use"
        task._parent = SimpleNamespace(
            _play=SimpleNamespace(strategy=self.strategy, get_vars=lambda: self.play_vars), _parent=None, run_once=False
        )
        task.when = []
        task._resolve_conditional = self._takes_part
        return task

    def step(self, step: str, *batch: str, task: Any = None, is_check: bool = False, **given: Any) -> dict[str, Any]:
        """Do a step and return its result.

        :param batch: The hosts of the batch; all, without any.
        """
        task = task or self.task(step, is_check)
        hosts = list(batch or self.hosts)
        variables = {
            "ansible_play_batch": hosts,
            "ansible_play_hosts": list(self.hosts),
            "ansible_play_hosts_all": list(self.hosts),
            "groups": self.groups,
            "hostvars": self._hostvars,
            "ansible_inventory_sources": self.sources,
            "inventory_hostname": hosts[0],
            **self.given,
            **given,
        }
        action = act(fleet, task, variables, self)

        def run_module(name: str, **options: Any) -> Mapping[str, Any]:
            self.ran.append((name, options, task.check_mode))
            left = self.answers[name]
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        action.run_module, action.side_by_side = run_module, InTurn().side_by_side
        result: dict[str, Any] = action.run(task_vars=variables)
        return result

    def keep(self, hosts: Mapping[str, Mapping[str, Any]], rows: Sequence[Any] = (), **more: Any) -> None:
        """Let a batch be done."""
        self.run.keep_batch({"hosts": hosts, "rows": [*rows], **more})


def stand_in_play(monkeypatch: pytest.MonkeyPatch, folder: Path, role: str, **given: Any) -> StandInPlay:
    """Return a play, in a process that is as that of ansible-playbook."""
    play = StandInPlay(folder, role, **given)
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(folder))
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", "ansible.builtin.default")
    monkeypatch.setattr(context, "CLIARGS", {})
    monkeypatch.setattr(_modules, "Display", lambda: play)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return play


def verdict(changed: bool = False, failed: bool = False, text: str = "done", **more: Any) -> dict[str, Any]:
    return {"changed": changed, "failed": failed, "text": text, **more}
