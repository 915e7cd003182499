# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of modules as a test writes them down, and a stand-in for what runs modules that answers with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class InTurn:
    """Does what may be done side by side one after the other, in the process of the test."""

    def side_by_side(self, jobs: Mapping[str, Callable[[], Mapping[str, Any]]]) -> dict[str, Any]:
        return {name: job() for name, job in jobs.items()}


class CannedWork(InTurn):
    """Answers each module with the result that a test gives for it, and keeps what was asked, told and waited for.

    :param answers: Each with the name of the module that it is for; a module that is asked again gets its next one,
        and its last one for ever.
    """

    def __init__(self, *answers: tuple[str, Mapping[str, Any]], is_check: bool = False) -> None:
        self.is_check = is_check
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.told: list[str] = []
        self.slept: list[float] = []
        self._answers: dict[str, list[Mapping[str, Any]]] = {}
        for module, answer in answers:
            self._answers.setdefault(module, []).append(answer)

    def run(self, module: str, **options: Any) -> Mapping[str, Any]:
        self.asked.append((module, {name: value for name, value in options.items() if value is not None}))
        left = self._answers[module]
        return left.pop(0) if len(left) > 1 else left[0]

    def say(self, text: str) -> None:
        self.told.append(text)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def modules(self) -> list[str]:
        return [module for module, _options in self.asked]


def module_row(account_id: str = "012345678901", region: str = "us-east-1", **given: Any) -> dict[str, Any]:
    """Return a row of a module's result; without more, of an account that has no record and was left as it is."""
    return {
        "account_id": account_id,
        "region": region,
        "status": None,
        "previous_status": None,
        "administrator_id": None,
        "actions": [],
        "outcome": "unchanged",
        "reason_code": None,
        "reason": None,
        **given,
    }


def host_row(host: str = "search", account_id: str = "012345678901", **given: Any) -> dict[str, Any]:
    """Return a row of what a role tells of a host; without more, of one that is a member and was left as it is."""
    return {
        "host": host,
        "service": "guardduty",
        "region": "us-east-1",
        "account_id": account_id,
        "status": "Enabled",
        "previous_status": None,
        "actions": [],
        "failed": False,
        "reason_code": None,
        "operation": None,
        "reason": None,
        **given,
    }


def failed_row(reason_code: str, reason: str, operation: str | None = None, **given: Any) -> dict[str, Any]:
    """Return the row of an account that was not done."""
    return {**module_row(**given), "outcome": "failed", "reason_code": reason_code, "reason": reason} | {
        "operation": operation
    }


def result_of(key: str, *rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's result, in which accounts that were not done are unprocessed, too.

    :param key: That of its rows.
    """
    failed = [row for row in rows if row["outcome"] in ("failed", "timed_out", "not_attempted")]
    names = ("account_id", "region", "reason_code", "reason", "operation")
    unprocessed = [{name: row.get(name) for name in names} for row in failed]
    problem = {"failed": True, "msg": f"{len(failed)} not done"} if failed else {}
    return {key: [*rows], "unprocessed_accounts": unprocessed, **problem}


# What a module leaves behind that failed as a whole.
def refused_result(message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message, "unprocessed_accounts": []}
