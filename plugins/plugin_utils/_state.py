# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of a run tell each other: files in the folder that ansible-playbook makes for itself and removes.

Facts would do as well and cost more: Ansible looks through every value of theirs each time one is touched, and shows
them in a job's events. A task reads no more than it needs: the one of a host, the line of that host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any


class Run:
    """One use of a role in a run of ansible-playbook.

    :param folder: Its own, inside that of the run of ansible-playbook.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hosts = folder / "hosts.tsv"

    def begin(self) -> None:
        """Make its folder and, with an empty line, the file of its hosts: each then has the end of a line before it."""
        self._folder.mkdir(parents=True, mode=0o700)
        self._hosts.write_text("\n", encoding="utf-8")

    @property
    def plan(self) -> dict[str, Any]:
        """What the preflight found and decided."""
        return dict(json.loads((self._folder / "plan.json").read_text(encoding="utf-8")))

    def keep_plan(self, plan: Mapping[str, Any]) -> None:
        (self._folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    @property
    def batch(self) -> list[str]:
        """The hosts with which the preflight came by last: whoever failed since is no more in Ansible's own list."""
        return self._came_by("batch")

    @property
    def seen(self) -> list[str]:
        """All hosts with which it came by."""
        return self._came_by("seen")

    def _came_by(self, key: str) -> list[str]:
        return list(json.loads((self._folder / "came_by.json").read_text(encoding="utf-8"))[key])

    def keep_batch(self, batch: Mapping[str, Any]) -> None:
        """Keep what became of some hosts: ``hosts`` (their verdicts) and ``rows``, and what else there is to tell."""
        # A line for each host, and no file: making 200 of these takes longer than what else is done for their hosts
        # where nothing is to be done. No name in JSON holds a tab.
        lines = [f"{json.dumps(host)}\t{json.dumps(verdict)}\n" for host, verdict in batch["hosts"].items()]
        with self._hosts.open("a", encoding="utf-8") as file:
            file.writelines(lines)
        (self._folder / f"batch-{self.batches_done:05}.json").write_text(json.dumps(batch), encoding="utf-8")

    @property
    def batches_done(self) -> int:
        return len(list(self._folder.glob("batch-*.json")))

    @property
    def hosts_done(self) -> set[str]:
        """The hosts that there is a verdict on; known without reading the batches, which each batch asks."""
        lines = self._hosts.read_text(encoding="utf-8").splitlines()[1:]
        return {json.loads(line.partition("\t")[0]) for line in lines}

    def batches(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._folder.glob("batch-*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))

    def verdict(self, host: str) -> dict[str, Any] | None:
        """Return what became of a host, by the last batch that it was in; None if it was in no batch."""
        name = f"\n{json.dumps(host)}\t".encode()
        # Each host asks in a process of its own, and reading all lines takes longer the more hosts there are.
        with self._hosts.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as lines:
            found = lines.rfind(name)
            if found < 0:
                return None
            start = found + len(name)
            return dict(json.loads(lines[start : lines.find(b"\n", start)]))


class Runs:
    """All uses of one role in a run of ansible-playbook, in their order.

    :param folder: That of ansible-playbook's run.
    """

    def __init__(self, folder: str, role: str) -> None:
        self._folder = Path(folder) / f"muster-{role}"

    def __iter__(self) -> Iterator[Run]:
        return (Run(path) for path in sorted(self._folder.glob("run-*")))

    def begin(self, task: str, hosts: Sequence[str]) -> Run:
        """Begin a use of the role, for the task (by its id) that checks everything before.

        :param hosts: Those of the batch.
        """
        number = len(list(self._folder.glob("run-*")))
        path = self._folder / f"run-{number:03}-{task}"
        Run(path).begin()
        return self._at(path, hosts)

    def resume(self, task: str, hosts: Sequence[str]) -> Run | None:
        """Return the use that a task has begun: with ``serial`` it comes by once for each batch.

        :param hosts: Those of the batch. If one of them came by before, it is another use, such as a loop's next.
        """
        batch = set(hosts)
        for path in sorted(self._folder.glob(f"run-*-{task}")):
            seen = set(Run(path).seen)
            if not seen & batch:
                return self._at(path, hosts, seen)
        return None

    def _at(self, path: Path, batch: Sequence[str], seen: Iterable[str] = ()) -> Run:
        came_by = {"batch": batch, "seen": [*seen, *batch]}
        (path / "came_by.json").write_text(json.dumps(came_by), encoding="utf-8")
        (self._folder / "current").write_text(path.name, encoding="utf-8")
        return Run(path)

    @property
    def current(self) -> Run | None:
        """The use that was begun or resumed last."""
        name = self._current_name
        return Run(self._folder / name) if name else None

    @property
    def others(self) -> list[Run]:
        """All other uses; with ``serial`` some of them may not be over."""
        return [Run(path) for path in sorted(self._folder.glob("run-*")) if path.name != self._current_name]

    @property
    def _current_name(self) -> str:
        current = self._folder / "current"
        return current.read_text(encoding="utf-8") if current.exists() else ""
