# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as copies of the process that runs them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import _internal, basic
from ansible_collections.muster.aws.plugins.plugin_utils._modules import _main_of, result_of, run_in_copy


def _module() -> None:
    module = basic.AnsibleModule({"names": {"type": "list", "elements": "str"}, "key": {"no_log": True}})
    module.warn("look here")
    module.exit_json(changed=True, names=module.params["names"], key=module.params["key"])


def test_module_gets_its_arguments_and_its_result_has_its_warnings_and_no_secret(tmp_path: Path) -> None:
    before = _internal.is_controller

    ended = run_in_copy(_module, {"names": ["käse", "a,b"], "key": "it is secret"}, str(tmp_path))

    result = result_of("a.b.c", ended)
    assert ended["rc"] == 0 and ended["stderr"] == ""
    assert result["changed"] is True and result["names"] == ["käse", "a,b"]
    assert "look here" in str(result["warnings"])
    assert "it is secret" not in ended["stdout"]
    assert _internal.is_controller is before and basic._ANSIBLE_ARGS is None
    assert list(tmp_path.iterdir()) == []


def test_module_that_fails_ends_with_its_result_too(tmp_path: Path) -> None:
    def fail() -> None:
        basic.AnsibleModule({}).fail_json(msg="it is not there", account_id="012345678901")

    ended = run_in_copy(fail, {}, str(tmp_path))

    assert ended["rc"] == 1
    result = result_of("a.b.c", ended)
    assert (result["failed"], result["msg"], result["account_id"]) == (True, "it is not there", "012345678901")


def _end(code: Any) -> Callable[[], object]:
    return lambda: sys.exit(code)


@pytest.mark.parametrize(
    ("main", "code"),
    [
        (lambda: None, 0),
        (_end(None), 0),
        (_end(0), 0),
        (_end(3), 3),
        (_end("for a reason"), 1),
        (lambda: os._exit(7), 7),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -signal.SIGTERM),
        (lambda: os.kill(os.getpid(), signal.SIGINT), -signal.SIGINT),
    ],
)
def test_ending_of_the_copy_is_told_as_that_of_a_process(main: Callable[[], object], code: int, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        ended = run_in_copy(main, {}, str(tmp_path))
    finally:
        signal.signal(signal.SIGTERM, before)

    assert ended == {"rc": code, "stdout": "", "stderr": ""}


def test_what_a_module_raises_ends_the_copy_alone(tmp_path: Path) -> None:
    def crash() -> None:
        raise ValueError("not foreseen")

    ended = run_in_copy(crash, {}, str(tmp_path))

    assert (ended["rc"], ended["stdout"]) == (1, "")
    assert ended["stderr"].startswith("Traceback") and ended["stderr"].endswith("ValueError: not foreseen\n")
    assert result_of("muster.aws.x", ended) == {
        "failed": True,
        "msg": "muster.aws.x ended with 1 and without a result: ValueError: not foreseen",
    }


def test_result_is_the_last_that_was_printed() -> None:
    stdout = 'of a library\n{"changed": false}\n\n{"changed": true}\nat exit\n'
    assert result_of("a.b.c", {"rc": 0, "stdout": stdout, "stderr": ""}) == {"changed": True}


def test_module_that_was_killed_has_failed() -> None:
    assert result_of("a.b.c", {"rc": -9, "stdout": "\n", "stderr": "\n"}) == {
        "failed": True,
        "msg": "a.b.c ended with -9 and without a result: it gave no reason",
    }


def test_what_a_module_does_to_its_process_ends_with_it(tmp_path: Path) -> None:
    marked: list[int] = []

    def mark() -> None:
        marked.append(os.getpid())
        os.environ["MUSTER_TEST_MARK"] = "1"
        os.chdir("/")
        print(os.getpid(), *marked)

    here = os.getcwd()

    ended = run_in_copy(mark, {}, str(tmp_path))

    pid, told = map(int, ended["stdout"].split())
    assert pid == told != os.getpid()
    assert marked == [] and "MUSTER_TEST_MARK" not in os.environ and os.getcwd() == here


def test_output_may_be_long_and_no_text(tmp_path: Path) -> None:
    def talk() -> None:
        print("x" * 1_000_000)
        os.write(2, b"\xff!")

    ended = run_in_copy(talk, {}, str(tmp_path))

    assert ended == {"rc": 0, "stdout": "x" * 1_000_000 + "\n", "stderr": "\ufffd!"}


def test_copy_does_not_outlive_a_task_whose_time_is_up(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def hang() -> None:
        note.write_text(str(os.getpid()))
        time.sleep(60)

    def stop(_number: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(TimeoutError):
            run_in_copy(hang, {}, str(tmp_path))
    finally:
        signal.signal(signal.SIGALRM, before)

    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_module_that_is_missing_is_left_to_ansible() -> None:
    assert _main_of("muster.aws.guardduty_member") is not None
    assert _main_of("muster.aws.nothing") is None
    assert _main_of("nobody.here.guardduty_member") is None
