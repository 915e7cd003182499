# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that runs the failed hosts again, word by word."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._rerun import Call

COMMAND = "  ansible-playbook muster.aws.onboard site.yml -i hosts -i 'my list.yml'"
AGAIN = "Run the failed ones again, when the cause is mended"
ALL_AGAIN = (
    "Run all again (what is done is not done twice; onboard_failed_file would keep the names of the failed ones), "
    "when the cause is mended"
)
ELEVEN = [f"h{number}" for number in range(11)]


def again(arguments: dict[str, Any], failed: list[str], failed_file: str | None = None) -> list[str]:
    call = Call(["muster.aws.onboard", "site.yml"], ["hosts", "my list.yml"], arguments, ["open", "wide"])
    return call.again(failed, failed_file, "onboard_failed_file")


@pytest.mark.parametrize(
    ("arguments", "failed", "failed_file", "task", "words"),
    [
        ({}, ["a", "b"], None, AGAIN, "--limit a,b"),
        ({"subset": "x", "check": False}, ["a"], None, AGAIN, "--limit a"),
        ({"subset": "x"}, ["a"], "failed.txt", AGAIN, "--limit @failed.txt"),
        ({"check": True}, ELEVEN, "my failed.txt", AGAIN, "--limit '@my failed.txt' --check"),
        ({}, ELEVEN[:10], None, AGAIN, f"--limit {','.join(ELEVEN[:10])}"),
        ({"subset": "x,!y", "check": True}, ELEVEN, None, ALL_AGAIN, "--limit 'x,!y' --check"),
        ({"subset": ""}, ELEVEN, None, ALL_AGAIN, ""),
        ({"extra_vars": ()}, ELEVEN, None, ALL_AGAIN, ""),
        (
            {"vault_ids": ["dev@pw"], "vault_password_files": ["pw"], "ask_vault_pass": True},
            ["a"],
            None,
            AGAIN,
            "--vault-id dev@pw --vault-password-file pw --ask-vault-pass --limit a",
        ),
        ({"tags": ["all"], "skip_tags": []}, ["a"], None, AGAIN, "--limit a"),
        (
            {"tags": ["work", "all"], "skip_tags": ["slow", "off board"], "vault_ids": ["dev@pw"]},
            ["a"],
            None,
            AGAIN,
            "--vault-id dev@pw --tags all --tags work --skip-tags 'off board' --skip-tags slow --limit a",
        ),
        ({"tags": None, "skip_tags": None, "check": True}, ELEVEN, None, ALL_AGAIN, "--check"),
        (
            {"vault_ids": None, "vault_password_files": None, "ask_vault_pass": False, "extra_vars": None},
            ["a"],
            None,
            AGAIN,
            "--limit a",
        ),
    ],
)
def test_command_has_what_decides_what_is_done(
    arguments: dict[str, Any], failed: list[str], failed_file: str | None, task: str, words: str
) -> None:
    assert again(arguments, failed, failed_file) == [f"{task}:", f"{COMMAND} {words}".rstrip()]


@pytest.mark.parametrize(
    ("given", "words", "kept_back"),
    [
        (["open=1"], "-e open=1", ""),
        (["open=1 wide='a b'"], """-e 'open=1 wide='"'"'a b'"'"''""", ""),
        (["@vars.yml", "@secret=x"], "-e @vars.yml -e @secret=x", ""),
        (['{"open": [1]}', "{wide: 2}"], """-e '{"open": [1]}' -e '{wide: 2}'""", ""),
        # Ansible takes these, too: nothing at all, and values that only Ansible can read.
        (["", "{}"], "-e '' -e '{}'", ""),
        (["{open: !unsafe x}", "{key: !vault x}", "{1: 2}"], "-e '{open: !unsafe x}'", "1 key"),
        # One that may be a secret keeps those back that it is given with.
        (["open=1 key=x", "wide=1"], "-e wide=1", "key open"),
        (["{key: 1, open: 2}", "lock=x"], "", "key lock open"),
        # What is no name of a variable is not one of its names.
        (["key=x odd"], "", "key"),
    ],
)
def test_command_has_the_variables_that_may_be_shown_and_the_names_of_the_others(
    given: list[str], words: str, kept_back: str
) -> None:
    anew = f", with -e for {kept_back} as before" if kept_back else ""
    command = " ".join(word for word in (COMMAND, words, "--limit a") if word)
    assert again({"extra_vars": given}, ["a"]) == [f"{AGAIN}{anew}:", command]


def test_variables_of_any_kind_are_texts() -> None:
    class Text:
        def __str__(self) -> str:
            return "open=1"

    assert again({"extra_vars": [Text()]}, ["a"]) == [f"{AGAIN}:", f"{COMMAND} -e open=1 --limit a"]
