"""Have mutmut put small mistakes into plugins/, and compare those that no test noticed with tests/mutants.

scripts/mutants runs it, after it has made the tree: a folder with a copy of the collection, in which mutmut works.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import yaml

TREE = Path(".cache/mutants")
COLLECTION = Path("ansible_collections/muster/aws")
KNOWN = Path("tests/mutants")

# mutmut's words. A mistake that makes the tests run for ever is noticed, too.
NOTICED = frozenset({"killed", "timeout", "caught by type check"})
UNTRIED = frozenset({"not checked"})

_CONFIG = """\
[tool.mutmut]
source_paths = ["{collection}/plugins"]
only_mutate = {files}
also_copy = {others}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-c", "{collection}/pyproject.toml"]
# Seconds of CPU: 2 x 3 x (what the tests take that run the function, and 2 more).
timeout_multiplier = 3.0
timeout_constant = 2.0
"""


@dataclass(frozen=True)
class Change:
    """A mistake, by what it does to the code: mutmut's numbers move with every edit.

    :param function: Name of the function it is in, after that of its class where it has one.
    :param was: The lines of the code, without indentation, in one.
    :param became: Those in their place.
    """

    file: str
    function: str
    was: str
    became: str

    def __str__(self) -> str:
        return f"{self.file}: {self.function}\n    was:    {self.was}\n    became: {self.became}"


@dataclass(frozen=True)
class Entry:
    """Mistakes that may stay unnoticed: those in a function, or those of them that change these lines, or so.

    :param function: As in :class:`Change`.
    :param was: As there; None for whatever it was.
    :param became: As there; None for whatever it became.
    """

    function: str
    was: str | None = None
    became: str | None = None

    def covers(self, change: Change) -> bool:
        """Return whether this is one of them."""
        return (
            self.function == change.function and self.was in (None, change.was) and self.became in (None, change.became)
        )

    def __str__(self) -> str:
        return ", ".join(word for word in (self.function, self.was, self.became) if word is not None)


@dataclass(frozen=True)
class Group:
    """Files that the same tests judge.

    :param name: That of its list in tests/mutants.
    :param files: Those that somebody has examined, and the mistakes in each that may stay unnoticed.
    """

    name: str
    tests: Sequence[str]
    files: Mapping[str, Sequence[Entry]]


def main() -> int:
    """Print a line for each mistake that needs somebody. Return 1 if there is one, or the time did not do for all."""
    groups = read_groups(KNOWN)
    options = _options([group.name for group in groups])
    wanted = [group for group in groups if options.group in (None, group.name)]
    files = _chosen(options.files, options.sample, [file for group in wanted for file in group.files])
    end = monotonic() + options.minutes * 60
    is_well = True
    for group, chosen in grouped(files, groups):
        left = end - monotonic()
        if left <= 0:
            print(f"mutants: no time left for {len(chosen)} files: {' '.join(chosen)}", flush=True)
            is_well = False
            continue
        print(f"mutants: {len(chosen)} files: {' '.join(chosen)}", flush=True)
        (TREE / "pyproject.toml").write_text(_config(chosen, options.tests or group.tests), encoding="utf-8")
        # What mutmut kept of other tests says nothing about these.
        shutil.rmtree(TREE / "mutants", ignore_errors=True)
        _run_mutmut(left)
        is_well = _tell(group) and is_well
    return int(not is_well)


def _tell(group: Group) -> bool:
    """Print what came of mutmut's run, and return whether nothing of it needs somebody."""
    statuses = _statuses()
    print("mutants:", ", ".join(f"{count} {status}" for status, count in Counter(statuses.values()).most_common()))
    unnoticed = {name: _change(name) for name, status in statuses.items() if status not in NOTICED | UNTRIED}
    complaints = judge(statuses, unnoticed, group.files)
    print(*complaints, sep="\n", end="", flush=True)
    tried = sum(status not in UNTRIED for status in statuses.values())
    is_whole = 0 < tried == len(statuses)
    if not is_whole:
        print(f"mutants: only {tried} of {len(statuses)} were tried; what mutmut says is in {TREE / 'log'}")
    return is_whole and not complaints


def read_groups(folder: Path) -> list[Group]:
    """Return the groups of files, one for each file of the folder."""
    return [
        Group(
            path.stem,
            listed["tests"],
            {
                file: [Entry(entry["function"], entry.get("was"), entry.get("became")) for entry in entries]
                for file, entries in listed["files"].items()
            },
        )
        for path in sorted(folder.glob("*.yml"))
        for listed in [yaml.safe_load(path.read_text(encoding="utf-8"))]
    ]


def grouped(files: Iterable[str], groups: Sequence[Group]) -> list[tuple[Group, list[str]]]:
    """Return files by their groups. One that is in none yet goes to that of a file beside it, else to the first."""

    def nearness(group: Group, file: str) -> int:
        return 2 if file in group.files else int(Path(file).parent in {Path(other).parent for other in group.files})

    nearest = {file: max(groups, key=lambda group: nearness(group, file)) for file in files}
    found = [(group, [file for file in nearest if nearest[file] is group]) for group in groups]
    return [(group, own) for group, own in found if own]


def judge(
    statuses: Mapping[str, str], unnoticed: Mapping[str, Change], known: Mapping[str, Collection[Entry]]
) -> list[str]:
    """Return a text for each mistake that is unnoticed and not listed, or listed and not unnoticed any more.

    :param statuses: mutmut's word on each mistake.
    :param unnoticed: What those do that no test noticed.
    :param known: By file: the mistakes that may stay unnoticed.
    """
    new = [
        f"NOT NOTICED ({statuses[name]}): {change}\n    shown by: cd {TREE} && mutmut show {name}\n"
        for name, change in sorted(unnoticed.items())
        if not any(entry.covers(change) for entry in known.get(change.file, ()))
    ]
    # Only of a file of which all was tried can be said what its mistakes are.
    untried = {file_of(name) for name, status in statuses.items() if status in UNTRIED}
    tried = {file_of(name) for name in statuses} - untried
    stale = [
        f"LISTED IN {KNOWN}, BUT NOTICED OR GONE: {file}: {entry}\n"
        for file in sorted(tried & known.keys())
        for entry in known[file]
        if not any(entry.covers(change) for change in unnoticed.values() if change.file == file)
    ]
    return [*new, *stale]


def _options(groups: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutants", description="Put small mistakes into plugins/.")
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"files of plugins/ (default: those of {KNOWN})")
    parser.add_argument("--group", choices=groups, help="those of one of its lists")
    parser.add_argument("--sample", type=int, metavar="COUNT", help="only so many of them, at random")
    parser.add_argument(
        "--minutes", type=float, default=90.0, help="end after these (default: 90), and fail if that is not all"
    )
    parser.add_argument("--tests", action="append", metavar="PATH", help="which tests (default: those of its group)")
    return parser.parse_intermixed_args()


def _chosen(files: Iterable[str], sample: int | None, examined: Iterable[str]) -> list[str]:
    chosen = sorted(set(files) or examined)
    missing = [file for file in chosen if not (file.startswith("plugins/") and Path(file).is_file())]
    if missing:
        sys.exit(f"mutants: no file of plugins/: {' '.join(missing)}")
    return chosen if sample is None else sorted(random.sample(chosen, min(sample, len(chosen))))


def _config(files: Iterable[str], tests: Iterable[str]) -> str:
    def inside(paths: Iterable[str]) -> list[str]:
        return [(COLLECTION / path).as_posix() for path in paths]

    others = [path.name for path in (TREE / COLLECTION).iterdir() if path.name not in ("plugins", ".git")]
    return _CONFIG.format(
        collection=COLLECTION, files=inside(files), others=inside(sorted(others)), tests=inside(tests)
    )


def _run_mutmut(seconds: float) -> None:
    """Run mutmut, and interrupt it when the time is over: what it has found by then counts."""
    with (TREE / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["mutmut", "run"], cwd=TREE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            is_failed = process.wait(seconds) != 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 2)
            is_failed = False
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
    if is_failed:
        print((TREE / "log").read_text(encoding="utf-8")[-8000:])
        sys.exit("mutants: mutmut failed (its output is above)")


def _mutmut(*arguments: str) -> str:
    command = ["mutmut", *arguments]
    return subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True, timeout=300).stdout


def _statuses() -> dict[str, str]:
    """Return mutmut's word on each mistake, by its name for that."""
    lines = _mutmut("results", "--all", "true").splitlines()
    return dict(line.strip().rsplit(": ", 1) for line in lines if ": " in line)


def file_of(name: str) -> str:
    """Return the file that mutmut's name for a mistake is about."""
    module = re.split(r"\.x[_ǁ]", name)[0]
    return module.removeprefix(COLLECTION.as_posix().replace("/", ".") + ".").replace(".", "/") + ".py"


def function_of(name: str) -> str:
    """Return the function in which mutmut's name for a mistake has it, after the name of its class if it has one."""
    return re.split(r"\.x[_ǁ]", name)[1].rsplit("__mutmut_", 1)[0].replace("ǁ", ".")


def _change(name: str) -> Change:
    lines = _mutmut("show", name).splitlines()

    def joined(sign: str) -> str:
        return " ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))

    return Change(file_of(name), function_of(name), joined("-"), joined("+"))


if __name__ == "__main__":
    sys.exit(main())
