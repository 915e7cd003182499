# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the roles' actions run modules: in copies of their own process where that is the same, as Ansible does elsewhere.

Services have nothing to do with each other, and their modules mostly wait: each service's are run by a copy, too.

Ansible starts a Python for each module, which unpacks and compiles what it needs, and loads Ansible's part and the SDK:
most of what a module takes that finds little to do. The process of an action has all of it in memory, or loads it once
for all its modules. A module sees no difference: it reads its arguments, prints its result and exits, and what it did
to its process ends with it.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import IO, Any, NoReturn

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.executor.module_common import _apply_action_arg_defaults
from ansible.module_utils import _internal, basic
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

Result = dict[str, Any]

# How ansible-core names the form in which modules of Python get their arguments and give their results.
_PROFILE = "legacy"

# What all modules of this collection import.
_SHARED = "ansible_collections.muster.aws.plugins.module_utils._module"

# What a role's modules are not given by ``module_defaults``, which a play has for tasks of its own: another state, or a
# purge, would remove members that the role is told to make.
_THE_ROLE_S = frozenset({"state", "purge_members"})


class ModulesAction(ActionBase):  # type: ignore[misc]
    """An action that does its work by modules.

    A subclass keeps the task's variables in ``_vars``.
    """

    _vars: Mapping[str, Any]

    @property
    def is_check(self) -> bool:
        """Whether nothing is to be written."""
        raise NotImplementedError

    @property
    def speaks(self) -> bool:
        """Whether what is printed is meant for people, and not for a program."""
        return not str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2].startswith("json")

    def say(self, text: str) -> None:
        """Print a line for people."""
        if self.speaks:
            Display().display(text)

    def run_module(self, name: str, **options: Any) -> Result:
        """Run a module as a task would, with the play's ``module_defaults``, in a process of its own.

        :param name: With its collection.
        :param options: Those that are ``None`` are not given.
        """
        given = {key: value for key, value in options.items() if value is not None}
        defaults = _apply_action_arg_defaults(name, self._task, given, self._templar)
        arguments = {key: value for key, value in defaults.items() if key in given or key not in _THE_ROLE_S}
        main = _main_of(name) if self._is_same_python() else None
        if main is None:
            result: Result = self._execute_module(module_name=name, module_args=arguments, task_vars=self._vars)
            return result
        self._update_module_args(name, arguments, self._vars)
        return result_of(name, run_in_copy(main, arguments, C.DEFAULT_LOCAL_TMP))

    @contextmanager
    def only_looking(self) -> Iterator[None]:
        """Run modules in check mode meanwhile."""
        is_check, self._task.check_mode = self.is_check, True
        try:
            yield
        finally:
            self._task.check_mode = is_check

    def side_by_side(self, jobs: Mapping[str, Callable[[], Mapping[str, Any]]]) -> dict[str, Any]:
        """Do several things that run modules, and return what each returned: at once, where modules are run in copies.

        :param jobs: By any name. What one does to the process, none of the others sees.
        :raises ansible.errors.AnsibleError: One of them could not be done; the others were, to their ends.
        """
        if len(jobs) < 2 or not self._is_same_python():
            return {name: job() for name, job in jobs.items()}
        load_shared()
        return do_in_copies(jobs, C.DEFAULT_LOCAL_TMP)

    def _is_same_python(self) -> bool:
        """Tell whether the module's process would be like this one: its Python, its user and its environment.

        Not on macOS, where what the SDK asks the system about proxies may end a process that was only copied.
        """
        interpreter = self._templar.template(self._vars.get("ansible_python_interpreter"))
        return (
            sys.platform == "linux"
            and interpreter == sys.executable
            and self._connection.transport == "local"
            and self._connection.become is None
            and not any(self._task.environment or ())
            and not C.DEFAULT_KEEP_REMOTE_FILES  # who wants to look at a module's files is given some
        )


def load_shared() -> None:
    """Load what all modules import, for the copies of this process to have it. What is missing, Ansible can say."""
    with suppress(ImportError):
        import_module(_SHARED)


def _main_of(name: str) -> Callable[[], object] | None:
    """Return what runs a module; ``None`` where it, or what it imports, is missing: Ansible can say what."""
    collection, _dot, module = name.rpartition(".")
    try:
        main: Callable[[], object] = import_module(f"ansible_collections.{collection}.plugins.modules.{module}").main
    except ImportError:
        return None
    return main


def run_in_copy(main: Callable[[], object], arguments: Mapping[str, Any], folder: str) -> Result:
    """Run a module in a copy of this process, and wait for its end.

    :param main: What runs it.
    :param arguments: What it is given, Ansible's own arguments among them.
    :param folder: Where its output may be kept meanwhile, in files without a name.
    :returns: ``rc``, ``stdout`` and ``stderr``, as of a command.
    """
    encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder).encode()
    with tempfile.TemporaryFile(dir=folder) as stdout, tempfile.TemporaryFile(dir=folder) as stderr:
        [code] = _run_copies([partial(_be_module, main, given, stdout, stderr)], signal.SIGKILL)
        return {"rc": code, "stdout": _text_of(stdout), "stderr": _text_of(stderr)}


def do_in_copies(jobs: Mapping[str, Callable[[], Mapping[str, Any]]], folder: str) -> dict[str, Any]:
    """Do several things at once, each in a copy of this process; see :meth:`ModulesAction.side_by_side`.

    :param folder: Where results may be kept meanwhile, in files without a name.
    """
    with ExitStack() as stack:
        files = {name: stack.enter_context(tempfile.TemporaryFile(dir=folder)) for name in jobs}
        codes = _run_copies([partial(_do, job, files[name]) for name, job in jobs.items()], signal.SIGTERM)
        for (name, file), code in zip(files.items(), codes, strict=True):
            if not file.seek(0, os.SEEK_END):
                raise AnsibleError(f"the work on {name} ended with {code} and without a result")
            file.seek(0)
        results = {name: pickle.load(file) for name, file in files.items()}
    errors = [result["error"] for result in results.values() if "error" in result]
    if errors:
        raise AnsibleError("\n".join(errors))
    return {name: result["done"] for name, result in results.items()}


def text_of(error: Exception) -> str:
    """Return what an operator is told of an error: its text where that was written for one."""
    return str(error) if isinstance(error, (AnsibleError, ValueError)) else f"unexpected {type(error).__name__}"


def result_of(name: str, ended: Mapping[str, Any]) -> Result:
    """Return the result that a module printed. One that ended without any has failed.

    :param ended: What ``run_in_copy`` returned.
    """
    printed = [line for line in ended["stdout"].splitlines() if line.startswith("{")]
    if not printed:
        told = ended["stderr"].strip().splitlines()
        reason = told[-1] if told else "it gave no reason"
        return {"failed": True, "msg": f"{name} ended with {ended['rc']} and without a result: {reason}"}
    result: Result = json.loads(printed[-1], cls=get_module_decoder(_PROFILE, Direction.MODULE_TO_CONTROLLER))
    return result


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _be_module(main: Callable[[], object], given: bytes, stdout: IO[bytes], stderr: IO[bytes]) -> None:
    """Be the module's process, from its start to its exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    # What a module warns of goes into its result; in a controller, Ansible would print it at once.
    _internal.is_controller = False
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = given, _PROFILE
    main()


def _do(job: Callable[[], Mapping[str, Any]], file: IO[bytes]) -> None:
    """Do one of several things, and keep its result."""
    # Told to end, it is interrupted, and ends the module that it runs.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        result = {"done": job()}
    except Exception as error:
        result = {"error": text_of(error)}
    # As Ansible's own workers give theirs: a module's result has warnings and errors that are none of JSON's types.
    file.write(pickle.dumps(result))
    file.flush()


def _run_copies(works: Iterable[Callable[[], object]], stop: signal.Signals) -> list[int]:
    """Do each work in a copy of this process, wait for all, and return their exit codes.

    :param stop: What ends them when the task's time is up, or somebody interrupts: none goes on behind its back.
    """
    running: list[int] = []
    codes = []
    try:
        for work in works:
            running.append(_copy(work))
        while running:
            _pid, status = os.waitpid(running[0], 0)
            del running[0]
            codes.append(os.waitstatus_to_exitcode(status))
    except BaseException:
        for pid in running:
            os.kill(pid, stop)
        for pid in running:
            os.waitpid(pid, 0)
        raise
    return codes


def _copy(work: Callable[[], object]) -> int:
    """Copy this process, and return the id of the copy, which does the work and exits: nothing else goes on in it."""
    pid = os.fork()
    if pid == 0:  # pragma: no mutate (a copy that went on here would be a second of whoever asked)
        _finish(work)
    return pid


def _finish(work: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        work()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)  # pragma: no mutate (the same)
