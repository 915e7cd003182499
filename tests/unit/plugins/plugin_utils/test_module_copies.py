# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as copies of the process that runs them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils import _internal, basic
from ansible.module_utils._internal._messages import WarningSummary
from ansible_collections.muster.aws.plugins.modules import guardduty_member
from ansible_collections.muster.aws.plugins.plugin_utils import _modules as modules_file
from ansible_collections.muster.aws.plugins.plugin_utils._modules import (
    ModulesAction,
    _be_module,
    _do,
    _finish,
    _main_of,
    do_in_copies,
    load_shared,
    result_of,
    run_in_copy,
)


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
    assert not isinstance(result["warnings"][0], dict)  # but what ansible-core itself makes of it
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


@contextmanager
def time_is_up_after(seconds: float) -> Iterator[None]:
    """Let the time of a task be up, as Ansible does."""

    def stop(_number: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(TimeoutError):
            yield
    finally:
        signal.signal(signal.SIGALRM, before)


def hang_with_a_note(note: Path) -> None:
    note.write_text(str(os.getpid()))
    time.sleep(60)


def is_alive(note: Path) -> bool:
    try:
        os.kill(int(note.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_copy_does_not_outlive_a_task_whose_time_is_up(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    with time_is_up_after(0.5):
        run_in_copy(partial(hang_with_a_note, note), {}, str(tmp_path))

    assert not is_alive(note)


# Several things at once


def _see(own: Path, other: Path) -> dict[str, Any]:
    """Leave a mark, and wait for that of the other."""
    own.touch()
    for _look in range(1000):
        if other.exists():
            return {"pid": os.getpid(), "other": True}
        time.sleep(0.01)
    return {"other": False}


def test_things_are_done_at_once_each_in_a_copy_and_told_in_their_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"

    done = do_in_copies({"b": partial(_see, first, second), "a": partial(_see, second, first)}, str(tmp_path))

    assert list(done) == ["b", "a"]
    assert [each["other"] for each in done.values()] == [True, True]
    assert len({os.getpid(), *(each["pid"] for each in done.values())}) == 3


def test_result_of_a_module_is_returned_as_it_is(tmp_path: Path) -> None:
    def run() -> dict[str, Any]:
        return result_of("a.b.c", run_in_copy(_module, {"names": ["käse"], "key": "secret"}, str(tmp_path)))

    done = do_in_copies({"one": run, "two": dict}, str(tmp_path))

    assert (done["one"]["names"], done["two"]) == (["käse"], {})
    assert isinstance(done["one"]["warnings"][0], WarningSummary)


def _fail(error: Exception) -> dict[str, Any]:
    raise error


def test_what_could_not_be_done_is_told_and_the_others_are_done_to_their_ends(tmp_path: Path) -> None:
    note = tmp_path / "done"

    def take_its_time() -> dict[str, Any]:
        time.sleep(0.2)
        note.touch()
        return {}

    errors = AnsibleError("no such Region"), ValueError("no e-mail address"), KeyError("secret")
    jobs = {str(number): partial(_fail, error) for number, error in enumerate(errors)}
    with pytest.raises(AnsibleError) as caught:
        do_in_copies({**jobs, "last": take_its_time}, str(tmp_path))

    assert str(caught.value) == "no such Region\nno e-mail address\nunexpected KeyError"
    assert note.exists()


@pytest.mark.parametrize(
    ("job", "kept"),
    [
        (lambda: {"changed": True}, {"done": {"changed": True}}),
        (partial(_fail, AnsibleError("no such Region")), {"error": "no such Region"}),
        (partial(_fail, ValueError("no e-mail address")), {"error": "no e-mail address"}),
        (partial(_fail, KeyError("secret")), {"error": "unexpected KeyError"}),
    ],
)
def test_copy_keeps_the_result_of_one_thing_at_once_and_lets_itself_be_interrupted(
    tmp_path: Path, job: Callable[[], dict[str, Any]], kept: dict[str, Any]
) -> None:
    numbers, path = (signal.SIGINT, signal.SIGTERM), tmp_path / "result"
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        with path.open("w+b") as file:
            _do(job, file)
            assert pickle.loads(path.read_bytes()) == kept
        assert [signal.getsignal(number) for number in numbers] == [signal.default_int_handler] * 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_thing_that_ends_without_a_result_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match=r"^the work on macie ended with 3 and without a result$"):
        do_in_copies({"guardduty": dict, "macie": lambda: os._exit(3)}, str(tmp_path))


def test_modules_of_things_done_at_once_do_not_outlive_their_task(tmp_path: Path) -> None:
    notes = {name: tmp_path / name for name in ("guardduty", "macie", "securityhub")}

    def run(note: Path) -> dict[str, Any]:
        (tmp_path / f"{note.name}-job").write_text(str(os.getpid()))
        run_in_copy(partial(hang_with_a_note, note), {}, str(tmp_path))
        raise AssertionError

    with time_is_up_after(1):
        do_in_copies({name: partial(run, note) for name, note in notes.items()}, str(tmp_path))

    for name, note in notes.items():
        assert not is_alive(note) and not is_alive(tmp_path / f"{name}-job")


def test_what_modules_share_is_loaded_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = "ansible_collections.muster.aws.plugins.module_utils._module"
    asked: list[str] = []
    monkeypatch.setattr(modules_file, "import_module", asked.append)
    load_shared()
    monkeypatch.setattr(modules_file, "import_module", lambda _name: _fail(ImportError()))
    load_shared()
    assert asked == [shared] and shared in sys.modules


def test_module_that_is_missing_is_left_to_ansible() -> None:
    assert _main_of("muster.aws.guardduty_member") is guardduty_member.main
    assert _main_of("muster.aws.nothing") is None
    assert _main_of("nobody.here.guardduty_member") is None


# How an action runs a module


class Action(ModulesAction):
    """An action whose modules are not run: it keeps what Ansible would have been asked for."""

    def __init__(self, **settings: Any) -> None:
        variables = {"ansible_python_interpreter": settings.pop("interpreter", "{{ here }}")}
        self._vars = {**variables, "inventory_hostname": "search"}
        become, transport = settings.pop("become", None), settings.pop("transport", "local")
        self._task = SimpleNamespace(environment=settings.pop("environment", None))
        self._connection = SimpleNamespace(transport=transport, become=become)
        self._templar = SimpleNamespace(template={"{{ here }}": sys.executable}.get)
        self.executed: list[dict[str, Any]] = []
        assert not settings

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        raise NotImplementedError

    def _execute_module(self, **arguments: Any) -> dict[str, Any]:
        self.executed.append(arguments)
        return {"by": "Ansible"}

    def _update_module_args(self, name: str, arguments: dict[str, Any], variables: Any) -> None:
        arguments["_ansible"] = (name, variables["inventory_hostname"])


@pytest.mark.parametrize(
    ("callback", "told"),
    [
        ("ansible.builtin.default", ["It goes on."]),
        ("awx_display", ["It goes on."]),
        ("json", []),
        ("ansible.posix.jsonl", []),
    ],
)
def test_what_is_meant_for_people_is_printed_for_people(
    callback: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", callback)
    monkeypatch.setattr(modules_file, "Display", lambda: SimpleNamespace(display=said.append))
    Action().say("It goes on.")
    assert said == told


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was run in copies."""
    copied: list[tuple[Any, ...]] = []

    def run(*arguments: Any) -> dict[str, Any]:
        copied.append(arguments)
        return {"rc": 0, "stdout": "", "stderr": "by a copy"}

    def defaults(name: str, task: object, given: dict[str, Any], templar: object) -> dict[str, Any]:
        own = {"region": "us-east-1", "state": "absent", "purge_members": True}
        return {**own, "with": (name, task, templar), **given}

    monkeypatch.setattr(modules_file, "run_in_copy", run)
    monkeypatch.setattr(modules_file, "_apply_action_arg_defaults", defaults)
    return copied


NAME = "muster.aws.guardduty_member"


def test_module_is_run_in_a_copy_with_its_defaults_and_what_is_given(copied: list[tuple[Any, ...]]) -> None:
    action = Action()

    result = action.run_module(NAME, members=[], state=None, purge_members=False)

    told = {"region": "us-east-1", "with": (NAME, action._task, action._templar)}
    arguments = {**told, "members": [], "purge_members": False, "_ansible": (NAME, "search")}
    assert copied == [(guardduty_member.main, arguments, C.DEFAULT_LOCAL_TMP)]
    assert result == {"failed": True, "msg": f"{NAME} ended with 0 and without a result: by a copy"}
    assert action.executed == []


def test_module_is_not_told_by_defaults_of_a_play_to_remove_anything(copied: list[tuple[Any, ...]]) -> None:
    Action().run_module(NAME, members=[])
    Action().run_module(NAME, state="present")
    assert [{"state", "purge_members"} & given.keys() for _main, given, _folder in copied] == [set(), {"state"}]
    assert copied[1][1]["state"] == "present"


@pytest.mark.parametrize(
    "settings",
    [
        {"interpreter": "/usr/bin/other"},
        {"interpreter": None},
        {"transport": "ssh"},
        {"become": object()},
        {"environment": [{}, {"A": "b"}]},
        {"keep": True},
        {"platform": "darwin"},
    ],
)
def test_module_whose_process_would_be_another_one_is_left_to_ansible(
    copied: list[tuple[Any, ...]], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C, "DEFAULT_KEEP_REMOTE_FILES", settings.get("keep", False))
    monkeypatch.setattr(sys, "platform", settings.get("platform", "linux"))
    action = Action(**{name: value for name, value in settings.items() if name not in ("keep", "platform")})

    assert action.run_module(NAME, members=[], state=None) == {"by": "Ansible"}

    arguments = {"region": "us-east-1", "with": (NAME, action._task, action._templar), "members": []}
    assert action.executed == [{"module_name": NAME, "module_args": arguments, "task_vars": action._vars}]
    assert copied == []


@pytest.mark.parametrize("environment", [None, [], [{}, {}]])
def test_environment_without_a_variable_is_none(copied: list[tuple[Any, ...]], environment: Any) -> None:
    Action(environment=environment).run_module(NAME)
    assert len(copied) == 1


def test_module_that_ansible_has_to_look_for_is_left_to_it(copied: list[tuple[Any, ...]]) -> None:
    action = Action()
    assert action.run_module("muster.aws.nothing") == {"by": "Ansible"}
    assert copied == [] and len(action.executed) == 1


def test_arguments_are_written_as_ansible_writes_them(tmp_path: Path) -> None:
    def tell() -> None:
        print(basic._ANSIBLE_ARGS.decode())

    ended = run_in_copy(tell, {"since": date(2026, 1, 2)}, str(tmp_path))
    assert ended["stdout"] == '{"ANSIBLE_MODULE_ARGS": {"since": "2026-01-02"}}\n'


def here() -> dict[str, Any]:
    return {"pid": os.getpid()}


def test_several_things_are_done_in_copies_and_one_alone_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    loaded: list[bool] = []
    monkeypatch.setattr(modules_file, "load_shared", lambda: loaded.append(True))
    action = Action()
    assert action.side_by_side({}) == {}
    assert action.side_by_side({"one": here}) == {"one": here()}
    assert loaded == []
    done = action.side_by_side({"one": here, "two": here})
    assert len({os.getpid(), done["one"]["pid"], done["two"]["pid"]}) == 3
    assert loaded == [True]


def test_things_whose_modules_are_left_to_ansible_are_done_in_turn() -> None:
    action = Action(interpreter="/usr/bin/other")
    assert action.side_by_side({"one": here, "two": here}) == {"one": here(), "two": here()}


# The process of a module, here that of the test


class Exited(BaseException):
    """The process ended."""


class Copy:
    """What a module's process left behind."""

    def __init__(self, folder: Path) -> None:
        self.out, self.err = folder / "out", folder / "err"
        self.ended: tuple[int, str, str] | None = None

    def exit(self, code: int) -> None:
        # What was not written by then is lost.
        self.ended = (code, self.out.read_text(), self.err.read_text())
        raise Exited

    def be(self, main: Callable[[], object]) -> tuple[int, str, str]:
        """Be a module's process to its end: its code, what it printed, and its errors."""
        with self.out.open("wb") as out, self.err.open("wb") as err, pytest.raises(Exited):
            _finish(partial(_be_module, main, b"given", out, err))
        assert self.ended
        return self.ended


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copy]:
    """A process that is this one, which is afterwards as it was."""
    copy = Copy(tmp_path)
    kept = {number: os.dup(number) for number in (1, 2)}
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    for owner, name in ((sys, "stdout"), (sys, "stderr"), (_internal, "is_controller")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", None)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", None)
    monkeypatch.setattr(os, "_exit", copy.exit)
    yield copy
    for number, file in kept.items():
        os.dup2(file, number)
        os.close(file)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_process_of_a_module_is_as_ansible_would_start_it(copy: Copy) -> None:
    seen: list[object] = []

    def look() -> None:
        seen.extend(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM))
        seen.extend([_internal.is_controller, basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE])
        seen.extend([sys.stdout.fileno(), sys.stderr.fileno()])
        print("said")
        print("warned", file=sys.stderr)
        os.write(1, b"written")

    assert copy.be(look) == (0, "writtensaid\n", "warned\n")
    assert seen == [signal.SIG_DFL, signal.SIG_DFL, False, b"given", "legacy", 1, 2]


@pytest.mark.parametrize(("ending", "code"), [(None, 0), (0, 0), (3, 3), ("a reason", 1), ("", 1)])
def test_process_of_a_module_ends_with_its_code(copy: Copy, ending: Any, code: int) -> None:
    assert copy.be(_end(ending)) == (code, "", "")


@pytest.mark.parametrize("error", [ValueError("not foreseen"), KeyboardInterrupt()])
def test_process_of_a_module_that_raises_ends_with_a_traceback(copy: Copy, error: BaseException) -> None:
    def crash() -> None:
        raise error

    code, out, err = copy.be(crash)
    assert (code, out) == (1, "")
    assert err.startswith("Traceback") and type(error).__name__ in err


def test_process_of_a_module_ends_though_it_cannot_say_all(copy: Copy) -> None:
    def close() -> None:
        sys.stdout.close()

    assert copy.be(close) == (0, "", "")
