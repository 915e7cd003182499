# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that runs the hosts again that failed: one that can be copied and does what the first one did. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible.parsing.splitter import parse_kv
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import limit_of

_HOSTS_NAMED = 10


@dataclass(frozen=True)
class Call:
    """How ansible-playbook was called, as far as it must be called so again.

    :param playbooks: As they were given.
    :param sources: Of the inventory, which may come from the configuration.
    :param arguments: Ansible's own reading of the command line.
    :param repeatable: The names of variables whose values may be shown.
    """

    playbooks: Sequence[str]
    sources: Sequence[str]
    arguments: Mapping[str, Any]
    repeatable: Collection[str] = ()

    def again(self, failed: Sequence[str], failed_file: str | None, option: str) -> list[str]:
        """Return what to do, and the command that does it.

        :param failed: The hosts that failed.
        :param failed_file: Where their names are, if they are in a file.
        :param option: The variable that asks for such a file.
        """
        given = [text for text in self._variables if self._is_repeatable(text)]
        kept_back = sorted({name for text in self._variables if text not in given for name in _names(text)})
        words = ["ansible-playbook", *self.playbooks]
        words += _each("-i", self.sources) + _each("-e", given) + self._vault() + self._tags()
        if failed_file or len(failed) <= _HOSTS_NAMED:
            task = "Run the failed ones again"
            words += ["--limit", f"@{failed_file}" if failed_file else limit_of(failed)]
        else:
            task = f"Run all again (what is done is not done twice; {option} would keep the names of the failed ones)"
            words += ["--limit", self.arguments["subset"]] if self.arguments.get("subset") else []
        if self.arguments.get("check"):
            words.append("--check")
        anew = f", with -e for {' '.join(kept_back)} as before" if kept_back else ""
        return [f"{task}, when the cause is mended{anew}:", f"  {shlex.join(words)}"]

    @property
    def _variables(self) -> list[str]:
        return [str(text) for text in self.arguments.get("extra_vars") or ()]

    def _is_repeatable(self, text: str) -> bool:
        """Tell whether a value of ``-e`` may be shown: a file's name may, and values that are no secrets."""
        return text.startswith("@") or set(_names(text)) <= set(self.repeatable)

    def _vault(self) -> list[str]:
        files = self.arguments.get("vault_password_files") or ()
        asked = ["--ask-vault-pass"] if self.arguments.get("ask_vault_pass") else []
        ids = self.arguments.get("vault_ids") or ()
        return _each("--vault-id", ids) + _each("--vault-password-file", files) + asked

    def _tags(self) -> list[str]:
        """Return what keeps to the same parts of the playbooks; they may have others, such as an offboarding."""
        tags, skipped = (sorted(self.arguments.get(name) or ()) for name in ("tags", "skip_tags"))
        return _each("--tags", [] if tags == ["all"] else tags) + _each("--skip-tags", skipped)


def _each(option: str, values: Iterable[object]) -> list[str]:
    return [word for value in values for word in (option, str(value))]


def _names(text: str) -> list[str]:
    """Return the names of the variables that are given by a value of ``-e``, whose own values may be of any kind."""
    if text.startswith("{"):
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        return [str(name.value) for name, _value in node.value]
    return [name for name in parse_kv(text) if name != "_raw_params"]
