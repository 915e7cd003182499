# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of ARCHITECTURE.md that can be seen in the source, as tests.

A rule is a function from a file to its violations. Each is run over all of plugins/, and once over a line that breaks
it: a rule that finds nothing there is worth nothing.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership import port as ports
from ansible_collections.muster.aws.plugins.module_utils._membership import reasons
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES

ROOT = Path(__file__).parents[2]
CORE = "plugins/module_utils/_membership/"
MODULE = "plugins/module_utils/_module.py"
# The same for the roles: where their steps begin and end.
ACTION = "plugins/action/fleet.py"
ACTIONS = (ACTION, "plugins/action/organize.py")
JOBS = "plugins/module_utils/_jobs/"
JOB = JOBS + "x.py"
AWS = "plugins/module_utils/_aws/"
CLOUD = AWS + "cloud.py"

LONGEST_MODULE = 45
HIGHEST_COMPLEXITY = 10


class Source(NamedTuple):
    """One file, by its path below the collection's root."""

    path: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.path.split("/")[-2]

    def is_in(self, folder: str) -> bool:
        return self.path.startswith(folder)


def source(path: str, text: str) -> Source:
    return Source(path, ast.parse(text))


SOURCES = [
    source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "plugins").rglob("*.py"))
]

Violations = Iterator[str]
Rule = Callable[[Source], Violations]


def named(node: ast.AST) -> str:
    """The last part of a name: what is called, imported or read."""
    return getattr(node, "attr", None) or getattr(node, "id", None) or ""


def attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def calls(tree: ast.AST) -> list[str]:
    return [named(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The level (0: absolute) and the dotted name of every import, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def docstrings(tree: ast.AST) -> set[int]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and ast.get_docstring(node, clean=False) is not None
    }


# Rule 1: the core stands on the standard library alone.


def core_imports_nothing_but_itself_and_the_standard_library(file: Source) -> Violations:
    if not file.is_in(CORE):
        return
    for level, name in imports(file.tree):
        is_own = level == 1 and (ROOT / CORE / f"{name}.py").is_file()
        is_standard = level == 0 and name.split(".")[0] in sys.stdlib_module_names
        if not (is_own or is_standard):
            yield f"imports {'.' * level}{name}"


def only_one_file_imports_amazon_aws(file: Source) -> Violations:
    # An inventory plugin is built on amazon.aws's base class.
    if file.path not in (CLOUD, "plugins/inventory/organization.py"):
        yield from (name for _level, name in imports(file.tree) if name.startswith("ansible_collections.amazon"))


# Rule 2: one place exits, once each way, and alone asks for check mode.

ENDS = {"exit_json", "fail_json", "fail_json_aws", "fail_from_exception", "exit", "_exit"}

# A module that is a copy of the controller must not go on as one.
ENDS_OF_COPIES = {("plugins/plugin_utils/_modules.py", "_exit")}


def only_the_module_file_ends_a_module(file: Source) -> Violations:
    if file.path != MODULE:
        yield from (name for name in calls(file.tree) if name in ENDS and (file.path, name) not in ENDS_OF_COPIES)
        yield from (node.exc.lineno for node in ast.walk(file.tree) if is_raising(node, "SystemExit"))


def is_raising(node: ast.AST, name: str) -> bool:
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    return named(node.exc.func if isinstance(node.exc, ast.Call) else node.exc) == name


def the_module_file_ends_once_each_way(file: Source) -> Violations:
    ends = sorted(name for name in calls(file.tree) if name in ENDS)
    if file.path == MODULE and ends != ["exit_json", "fail_json"]:
        yield f"ends by {ends}"


def only_the_module_file_and_the_actions_read_check_mode(file: Source) -> Violations:
    read = [
        node
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Attribute) and node.attr == "check_mode" and isinstance(node.ctx, ast.Load)
    ]
    words = [
        node
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Constant) and node.value in ("check_mode", "_ansible_check_mode")
    ]
    if len(read) != (file.path in (MODULE, *ACTIONS)) or words:
        yield f"reads check_mode {len(read)} times, and names it {len(words)} times"


# Rule 7: a module is its documentation and one call.


def lines_of_code(tree: ast.Module) -> int:
    def is_documentation(node: ast.stmt) -> bool:
        targets = {named(target) for target in node.targets} if isinstance(node, ast.Assign) else set()
        return bool(targets & {"DOCUMENTATION", "EXAMPLES", "RETURN"})

    return sum(node.end_lineno - node.lineno + 1 for node in tree.body if not is_documentation(node))


def modules_have_no_logic(file: Source) -> Violations:
    if not file.is_in("plugins/modules/"):
        return
    count = lines_of_code(file.tree)
    if count > LONGEST_MODULE:
        yield f"has {count} lines of code"
    branches = (ast.For, ast.While, ast.Try, ast.With, ast.IfExp, ast.ListComp, ast.DictComp)
    yield from (f"line {node.lineno} decides something" for node in ast.walk(file.tree) if isinstance(node, branches))


# Rule 8: looking writes nothing.

READS = {"get_members", "list_members", "describe_organization", "get_administrator", "list_invitations", "describe"}
WRITES = {
    name
    for protocol in (ports.MembersPort, ports.AdministratorPort, ports.TaggablePort)
    for name, _method in inspect.getmembers(protocol, inspect.isfunction)
    if not name.startswith("_")
} - READS | {"calls"}


def used_by(name: str, known: dict[str, ast.FunctionDef]) -> dict[str, ast.FunctionDef]:
    """A function, and the functions of the same file that it mentions, and so on."""
    found: dict[str, ast.FunctionDef] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in known and current not in found:
            found[current] = known[current]
            pending += [node.id for node in ast.walk(known[current]) if isinstance(node, ast.Name)]
    return found


def info_jobs_only_read(file: Source) -> Violations:
    if not file.is_in(JOBS):
        return
    known = {node.name: node for node in file.tree.body if isinstance(node, ast.FunctionDef)}
    for job in (name for name in known if name.endswith("_info_job")):
        for helper, node in used_by(job, known).items():
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            bad = attributes(node) & WRITES | {each for each in names if each.startswith(("execute_", "carry_out"))}
            yield from (f"{job}: {helper} uses {each}" for each in sorted(bad))


# Rule 9: AWS's words are read in reasons.py and the services' facts.py and words.py alone.

WORDS_FILES = ("reasons.py", "facts.py", "words.py")
ALL_RULES = (*reasons.RULES, *(rule for facts in SERVICES.values() for rule in facts.refusals))
# Of more than one word: AWS's parameters have the others in their names.
FRAGMENTS = {rule.fragment for rule in ALL_RULES if " " in rule.fragment} | {
    "no such resource",
    "detector already exists",
    "already subscribed",
    "not associated to a",
    "not associated with a",
    "not an associated member",
    "not a member of the current account",
}
STATUS_WORDS = {word for facts in SERVICES.values() for words in facts.words.values() for word in words}
ERROR_CODE = re.compile(r"[A-Z][A-Za-z]+(Exception|Error|Failure|Token|Denied)")
TEXT_METHODS = {"startswith", "endswith", "find", "index", "count", "match", "fullmatch", "search", "get"}


def compared_texts(tree: ast.AST) -> Iterator[str]:
    """Every literal text that decides something: in a comparison, a match, a text method or a table's keys."""
    skipped = docstrings(tree)
    for node in ast.walk(tree):
        deciding: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            deciding = [node]
        elif isinstance(node, ast.MatchValue):
            deciding = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
            deciding = list(node.args)
        elif isinstance(node, ast.Set | ast.Tuple | ast.List):
            deciding = list(node.elts)
        elif isinstance(node, ast.Dict):
            deciding = [key for key in node.keys if key is not None]
        for part in deciding:
            for each in ast.walk(part):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in skipped:
                    yield each.value


def only_states_and_reasons_read_awss_words(file: Source) -> Violations:
    if file.path.endswith(WORDS_FILES):
        return
    for text in set(compared_texts(file.tree)):
        normal = " ".join(text.lower().split())
        if text in STATUS_WORDS or any(fragment in normal for fragment in FRAGMENTS):
            yield f"compares with AWS's words {text!r}"
        # What the SDK raises before anything was sent, or when nothing comes back, is no word of AWS's.
        if ERROR_CODE.fullmatch(text) and text not in NOT_SENT.get(file.path, ()):
            yield f"compares with AWS's code {text!r}"


NOT_SENT = {
    CLOUD: {
        "ConnectTimeoutError",
        "CredentialRetrievalError",
        "EndpointConnectionError",
        "MetadataRetrievalError",
        "NoCredentialsError",
        "ParamValidationError",
        "PartialCredentialsError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
        "UnknownServiceError",
    },
    AWS + "silence.py": {"ConnectTimeoutError", "EndpointConnectionError", "ReadTimeoutError"},
    # Ansible's own, of a task whose time is up.
    "plugins/action/fleet.py": {"TaskTimeoutError"},
}


# Rule 10: names from amazon.aws.


def amazon_aws_names(file: Source) -> Iterator[tuple[str, str]]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible_collections.amazon"):
            yield from ((node.module or "", alias.name) for alias in node.names)


def names_from_amazon_aws_exist(file: Source) -> Violations:
    for module, name in amazon_aws_names(file):
        try:
            getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            yield f"{module} has no {name}"


# Rule 11: small functions, no state, no clock of one's own.


def complexity(function: ast.AST) -> int:
    """McCabe's number, as ruff's C901 counts it."""
    branching = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
    inner = (ast.FunctionDef, ast.AsyncFunctionDef)
    return 1 + sum(isinstance(node, branching + inner) for node in ast.walk(function) if node is not function)


def functions_are_small(file: Source) -> Violations:
    for function in functions(file.tree):
        if complexity(function) > HIGHEST_COMPLEXITY:
            yield f"{function.name} has the complexity {complexity(function)}"


def module_level_names(tree: ast.Module) -> dict[str, ast.expr | None]:
    names: dict[str, ast.expr | None] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {named(target): node.value for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            names[named(node.target)] = node.value
    return names


CHANGING = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
    "sort", "update",
}  # fmt: skip
MAKING = {"bytearray", "defaultdict", "deque", "dict", "list", "local", "set", "Counter", "Lock", "OrderedDict"}


def is_empty_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return named(value.func) in MAKING and not value.args
    return isinstance(value, ast.List | ast.Dict) and not (value.elts if isinstance(value, ast.List) else value.keys)


def changed_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield named(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING:
            yield named(node.func.value)
        elif isinstance(node, ast.AugAssign):
            yield named(node.target)


def nothing_is_kept_between_tasks(file: Source) -> Violations:
    names = module_level_names(file.tree)
    yield from (f"{name} begins empty: to be filled later?" for name in names if is_empty_container(names[name]))
    for function in functions(file.tree):
        local = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
        local |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        yield from (
            f"{function.name} changes {each}" for each in changed_names(function) if each in names.keys() - local
        )
        yield from (
            f"{function.name} keeps its answers"
            for decorator in function.decorator_list
            if named(decorator.func if isinstance(decorator, ast.Call) else decorator) in ("cache", "lru_cache")
        )
    yield from (f"line {n.lineno} is global" for n in ast.walk(file.tree) if isinstance(n, ast.Global))


CLOCKS = {"time", "sleep", "monotonic", "perf_counter", "now", "utcnow", "today"}


def only_the_module_file_and_the_actions_have_a_clock(file: Source) -> Violations:
    if file.path in (MODULE, *ACTIONS):
        return
    yield from (f"imports {name}" for _level, name in imports(file.tree) if name in ("time", "asyncio", "sched"))
    for node in ast.walk(file.tree):
        is_clock = isinstance(node, ast.Attribute) and node.attr in CLOCKS
        if is_clock and named(node.value) in ("time", "datetime", "date", "_time"):
            yield f"line {node.lineno} reads a clock of its own"


def functions_are_typed(file: Source) -> Violations:
    for function in functions(file.tree):
        arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        untyped = [each.arg for each in arguments if each.annotation is None and each.arg not in ("self", "cls")]
        if function.returns is None or untyped:
            yield f"{function.name} lacks types"


# Packages hold nothing of their own.


def init_files_are_empty(file: Source) -> Violations:
    if file.path.endswith("__init__.py") and file.tree.body:
        yield "is not empty"


# The rules, each with a file that breaks it.

RULES: dict[Rule, list[tuple[str, str]]] = {
    core_imports_nothing_but_itself_and_the_standard_library: [
        (CORE + "x.py", "import boto3"),
        (CORE + "x.py", "from ansible.module_utils import basic"),
        (CORE + "x.py", "from .._services.guardduty.facts import GUARDDUTY"),
        (CORE + "x.py", "from .nowhere import x"),
        (CORE + "x.py", "def f():\n    from botocore import session"),
    ],
    only_one_file_imports_amazon_aws: [
        (JOB, "from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule"),
    ],
    only_the_module_file_ends_a_module: [
        (JOB, "module.fail_json(msg='x')"),
        ("plugins/modules/x.py", "module.exit_json()"),
        (JOB, "import sys\nsys.exit(1)"),
        (JOB, "raise SystemExit(1)"),
    ],
    the_module_file_ends_once_each_way: [
        (MODULE, "module.exit_json()\nmodule.fail_json()\nmodule.fail_json()"),
        (MODULE, "module.exit_json()"),
    ],
    only_the_module_file_and_the_actions_read_check_mode: [
        (JOB, "if module.check_mode:\n    pass"),
        (JOB, "getattr(module, 'check_mode')"),
        (MODULE, "module.check_mode\nmodule.check_mode"),
    ],
    modules_have_no_logic: [
        ("plugins/modules/x.py", "DOCUMENTATION = ''\n" + "x = 1\n" * (LONGEST_MODULE + 1)),
        ("plugins/modules/x.py", "for x in y:\n    pass"),
    ],
    info_jobs_only_read: [
        (JOB, "def x_info_job(port):\n    port.calls[step]([])"),
        (JOB, "def x_info_job(port):\n    helper(port)\ndef helper(port):\n    port.enable_service()"),
        (JOB, "def x_info_job(plan, port):\n    execute_members(plan, port)"),
    ],
    only_states_and_reasons_read_awss_words: [
        (JOB, "if status == 'Enabled':\n    pass"),
        (JOB, "if status in ('Invited', 'x'):\n    pass"),
        (JOB, "if 'still associated' in text:\n    pass"),
        (JOB, "if text.startswith('No Such  Resource'):\n    pass"),
        (JOB, "if error.code == 'BadRequestException':\n    pass"),
        (JOB, "meanings = {'AccessDenied': 1}"),
    ],
    names_from_amazon_aws_exist: [
        (JOB, "from ansible_collections.amazon.aws.plugins.module_utils.modules import Nothing"),
        (JOB, "from ansible_collections.amazon.aws.plugins.module_utils.nowhere import Nothing"),
    ],
    functions_are_small: [(JOB, "def f(x):\n" + "    if x:\n        pass\n" * HIGHEST_COMPLEXITY)],
    nothing_is_kept_between_tasks: [
        (JOB, "seen = {}"),
        (JOB, "seen: list[str] = []"),
        (JOB, "seen = set()"),
        (JOB, "table = {1: 2}\ndef f():\n    table[2] = 3"),
        (JOB, "table = {1: 2}\ndef f():\n    table.update({2: 3})"),
        (JOB, "count = 0\ndef f():\n    global count"),
        (JOB, "from functools import cache\n@cache\ndef f():\n    pass"),
    ],
    only_the_module_file_and_the_actions_have_a_clock: [
        (JOB, "import time"),
        (JOB, "from time import sleep"),
        (JOB, "datetime.now()"),
    ],
    functions_are_typed: [(JOB, "def f(x) -> None: ..."), (JOB, "def f(x: int): ...")],
    init_files_are_empty: [("plugins/module_utils/_x/__init__.py", "x = 1"), (CORE + "__init__.py", "'''Text.'''")],
}


def violations(rule: Rule, files: Iterable[Source]) -> list[str]:
    return [f"{file.path}: {found}" for file in files for found in rule(file)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_sources_of_the_collection_keep_the_rule(rule) -> None:
    assert violations(rule, SOURCES) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, path, text) for rule, broken in RULES.items() for path, text in broken],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_rule_file_that_breaks_it_is_found(rule, path, text) -> None:
    assert violations(rule, [source(path, text)]) != []


def test_sources_are_all_there() -> None:
    paths = {file.path for file in SOURCES}
    assert {MODULE, JOBS + "members.py", CLOUD, CORE + "plan_members.py"} <= paths
    assert len([path for path in paths if path.startswith("plugins/modules/")]) >= 10
    assert len([path for path in paths if path.endswith("/__init__.py")]) >= 3


def test_writes_are_those_of_the_ports() -> None:
    assert {"calls", "accept_invitation", "leave_administrator", "enable", "disable", "untag"} <= WRITES
    assert not WRITES & READS


def test_names_from_amazon_aws_are_imported_at_all() -> None:
    assert [name for file in SOURCES for name in amazon_aws_names(file)]
