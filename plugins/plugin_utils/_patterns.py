# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns of hosts, read before Ansible passes over what they do not match."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.inventory.manager import IGNORED, InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible_collections.muster.aws.plugins.plugin_utils._options import nearest

# A name of a host that no pattern of Ansible's takes for more than it is.
_PLAIN = re.compile(r"\w[\w.-]*")

_ASKS_A_PLUGIN = re.compile(r"^\s*[\"']?plugin[\"']?\s*:", re.MULTILINE)


class Patterns:
    """The hosts and groups of an inventory.

    :param groups: Group to names of hosts, as the variable ``groups`` has them.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._manager = InventoryManager(DataLoader(), parse=False)
        self._names = [*groups, *groups.get("all", ())]
        for group, hosts in groups.items():
            self._manager.add_group(group)
            for host in hosts:
                self._manager.add_host(host, group=group)

    def hosts(self, pattern: Any) -> list[str]:
        """Return the names of the hosts that a pattern matches."""
        parts = list(self._parts(pattern))
        return [host.name for host in self._manager.get_hosts(pattern=parts)] if parts else []

    def has_names(self, pattern: Any) -> bool:
        """Tell whether a pattern names anything: a file that it leads to may be empty."""
        return any(part.strip() for part in self._parts(pattern))

    def unmatched(self, pattern: Any) -> list[str]:
        """Return a phrase for each part of a pattern that matches no host."""
        parts = [part.strip().lstrip("!&") for part in self._parts(pattern)]
        return [
            f"{part}{nearest(part, self._names)}" for part in parts if part and part != "all" and not self.hosts(part)
        ]

    def _parts(self, pattern: Any) -> Iterable[str]:
        for part in split_host_pattern(pattern or ""):
            if part.startswith("@"):
                # Ansible takes a line that is a host's name for that, whatever is in it.
                lines = map(str.strip, Path(part[1:]).read_text(encoding="utf-8").splitlines())
                yield from (limit_of([line]) if line in self._manager.hosts else line for line in lines)
            else:
                yield part


def pattern_of(hosts: Iterable[str]) -> str:
    """Return one pattern for exactly these hosts: thousands of names would each be looked for among all."""
    # Ansible cuts patterns at commas, colons, brackets and spaces, whatever stands before them.
    names = "|".join(re.sub(r"[^\w-]", _any_or_itself, host) for host in hosts)
    return f"~^({names})$" if names else ""


def limit_of(hosts: Sequence[str]) -> str:
    """Return what ``--limit`` takes for exactly these hosts: their names, unless one would be read as a pattern."""
    return ",".join(hosts) if all(_PLAIN.fullmatch(host) for host in hosts) else pattern_of(hosts)


def _any_or_itself(found: re.Match[str]) -> str:
    return r"\." if found[0] == "." else "."


def explain_sources(sources: Sequence[str], groups: Iterable[str], loader: Any) -> list[str]:
    """Return a sentence for each source of the inventory that Ansible could not read, or of which it read only a part.

    Ansible warns of these and goes on without their hosts. Sources that ask somebody (scripts, and files that name an
    inventory plugin) are not asked again.

    :param groups: Those of the inventory: a source may go on with groups of another.
    :param loader: Ansible's own, which can read what is encrypted.
    """
    given = [Path(source) for source in sources if "," not in source]
    empty = [f"the inventory {path} is a folder without a file that Ansible reads" for path in given if _is_empty(path)]
    found = [_explain(path, groups, loader) for path in _paths(sources) if not _asks(path)]
    return [*empty, *(fault for fault in found if fault)]


def explain_silent_sources(
    sources: Iterable[str], giving: Collection[str], groups: Iterable[str], loader: Any
) -> list[str]:
    """Return a sentence for each source that asks somebody and gave no host, because Ansible could not read it.

    They are asked again: of a failure, Ansible keeps nothing.

    :param giving: The sources that gave a host.
    """
    silent = [path for path in _paths(sources) if str(path.absolute()) not in giving and _asks(path)]
    return [_unread(path) for path in silent if _read(path, groups, loader) is None]


def _paths(sources: Iterable[str]) -> list[Path]:
    return [path for source in sources if "," not in source for path in _files(Path(source))]


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    return [
        file for child in sorted(path.iterdir()) if not IGNORED.search(child.name.encode()) for file in _files(child)
    ]


def _is_empty(path: Path) -> bool:
    """Tell whether a source is a folder that gives nothing, not even variables for the hosts of others."""
    has_variables = any((path / name).is_dir() for name in ("group_vars", "host_vars"))
    return path.is_dir() and not has_variables and not list(_files(path))


def _asks(path: Path) -> bool:
    """Tell whether a source asks somebody: a script, or a file that names an inventory plugin."""
    if not path.exists():
        return False
    if os.access(path, os.X_OK):
        return True
    return bool(_ASKS_A_PLUGIN.search(path.read_text(encoding="utf-8", errors="replace")))


def _read(path: Path, groups: Iterable[str], loader: Any) -> InventoryManager | None:
    """Return the hosts and groups of a source, ``None`` if it cannot be read as a whole."""
    manager = InventoryManager(loader, parse=False)
    for group in groups:
        manager.add_group(group)
    return manager if manager.parse_source(str(path)) else None


def _unread(path: Path) -> str:
    return (
        f"Ansible could not read the inventory {path} as a whole (run ansible-inventory --list -i {path} to see why; "
        "host names that are account ids need quotes in YAML)"
    )


def _explain(path: Path, groups: Iterable[str], loader: Any) -> str | None:
    if not path.exists():
        return f"the inventory {path} is not there"
    of_another_form = (
        "an account list of another form is turned into an inventory by ansible-playbook muster.aws.inventory"
    )
    if path.suffix.lower() == ".csv":
        # Ansible takes each of its lines for the name of a host.
        return f"the inventory {path} is a CSV ({of_another_form})"
    manager = _read(path, groups, loader)
    if manager is None:
        return _unread(path)
    # Of every inventory, all has groups below it.
    has_content = any(g.get_vars() or (name != "all" and g.child_groups) for name, g in manager.groups.items())
    if not manager.hosts and not has_content:
        return f"the inventory {path} has no host ({of_another_form})"
    return None
