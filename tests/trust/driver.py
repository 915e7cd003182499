# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module runs in processes of their own, which can be killed.

Starting Python with Ansible and the SDK takes seconds, so that is done once: this program then forks a child for each
run. It reads one JSON object per line, and writes two for each: the child's process id, and how it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ADMINISTRATOR = "111111111111"

Run = Callable[..., dict[str, Any]]


class Runs:
    """Runs in processes, as a test sees them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, flow: str, **arguments: Any) -> int:
        """Begin a run and return its process id."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"flow": flow, **arguments}) + "\n")
        self._process.stdin.flush()
        return int(self._answer()["pid"])

    def finish(self) -> dict[str, Any]:
        """Wait for the end of the run: ``{"signal": 9}``, or ``{"signal": 0, "results": [...]}``."""
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the program itself."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def onboard(run: Run, service: str, members: list[dict[str, str]], **common: Any) -> list[dict[str, Any]]:
    """What the role onboard does on the administrator's side: the service on, the members invited."""
    from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

    switch = SERVICES[service].service_module
    return [run(switch, **common), run(f"{service}_member", members=members, **common)]


def accept(run: Run, service: str, members: list[dict[str, str]], **common: Any) -> list[dict[str, Any]]:
    """What the role onboard does on the members' side."""
    result = run(
        f"{service}_administrator",
        account_ids=[member["account_id"] for member in members],
        role_name="Muster",
        administrator_id=ADMINISTRATOR,
        enable_service=True,
        **common,
    )
    return [result]


def remove(run: Run, service: str, members: list[dict[str, str]], **common: Any) -> list[dict[str, Any]]:
    """What the role offboard does on the administrator's side."""
    return [run(f"{service}_member", members=members, state="absent", **common)]


def organization(run: Run, service: str, members: list[dict[str, str]], **common: Any) -> list[dict[str, Any]]:
    """The whole way of an organization: the management account delegates, its administrator does the rest."""
    from ansible_collections.muster.aws.tests.trust.scenes import FEATURES_OF_MEMBERS, MANAGEMENT, SCENES, has_scene

    settings = SCENES["configure"].by_service[service]
    features = {"features": FEATURES_OF_MEMBERS} if has_scene(service, "features") else {}
    keys = {"access_key": f"AKIADIRECT{MANAGEMENT}"}
    return [
        run(f"{service}_organization_administrator", administrator_id=ADMINISTRATOR, **keys, **common),
        run(f"{service}_organization", **settings, **common),
        run(f"{service}_member", members=members, via="organization", **features, **common),
    ]


FLOWS = {"onboard": onboard, "accept": accept, "remove": remove, "organization": organization}


def _serve() -> None:
    import botocore.session
    from ansible_collections.muster.aws.tests.harness import ModuleRunner, shared_loader

    botocore.session.create_loader = shared_loader
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _work(command, writing, ModuleRunner)
        os.close(writing)
        print(json.dumps({"pid": child}), flush=True)
        with os.fdopen(reading) as stream:
            text = stream.read()
        status = os.waitpid(child, 0)[1]
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({"signal": number, "results": json.loads(text) if text and not number else []}), flush=True)


def _work(command: Mapping[str, Any], writing: int, runner: Any) -> None:
    options = dict(command)
    run = runner(SimpleNamespace(url=options.pop("endpoint_url")))
    results = FLOWS[options.pop("flow")](run, **options)
    with os.fdopen(writing, "w") as stream:
        json.dump(results, stream)
    os._exit(0)


if __name__ == "__main__":
    sys.path[0:0] = [str(Path(__file__).parents[2])]
    _serve()
