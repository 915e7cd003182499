# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .calls import Call
from .errors import AwsError, EmulatorError

# kind: how it strikes. An error comes instead of the effect, a broken connection or answer before or after it.
_KINDS = {
    "throttle": "error",
    "http_500": "error",
    "error": "error",
    "reset_before": "before",
    "silent": "before",
    "reset_after": "after",
    "timeout_after": "after",
    "malformed": "after",
    "unprocessed": "accounts",
    "refuse_batch": "error",
}
_THROTTLED = {"TooManyRequestsException": 429, "LimitExceededException": 429}
_INTERNAL = {
    "guardduty": "InternalServerErrorException",
    "securityhub": "InternalException",
    "macie": "InternalServerException",
}
_INVALID = {"guardduty": "BadRequestException", "securityhub": "InvalidInputException", "macie": "ValidationException"}
_OUT_OF_RANGE = "The request is rejected because an invalid or out-of-range value is specified as an input parameter."


@dataclass
class Fault:
    """One rule. Empty selectors match everything; ``times`` None is forever, ``after`` lets the first n calls pass."""

    kind: str
    service: str | None = None
    operation: str | None = None
    account_id: str | None = None  # the caller's
    region: str | None = None
    times: int | None = 1
    after: int = 0
    code: str | None = None
    status: int | None = None
    message: str | None = None
    seconds: float = 60  # silent, timeout_after: how long the emulator stays silent
    account_ids: tuple[str, ...] = ()  # any of them in the request; those that come back unprocessed

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise EmulatorError(f"no fault {self.kind!r}; there are {', '.join(_KINDS)}")
        self.account_ids = tuple(self.account_ids)

    @classmethod
    def from_dict(cls, rule: Mapping[str, Any]) -> Fault:
        """Read a rule from plain data."""
        unknown = set(rule) - {item.name for item in fields(cls)}
        if unknown:
            raise EmulatorError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**rule)

    @property
    def strikes(self) -> str:
        """Return when it strikes: error, before, after or accounts."""
        return _KINDS[self.kind]

    def matches(self, call: Call) -> bool:
        """Return whether the rule speaks of this call."""
        wanted = (self.service, self.operation, self.account_id, self.region)
        actual = (call.service, call.operation, call.account_id, call.region)
        if any(want not in (None, value) for want, value in zip(wanted, actual, strict=True)):
            return False
        return not self.account_ids or not set(self.account_ids).isdisjoint(accounts_in(call.params))

    def take(self) -> bool:
        """Count a matching call; return whether the fault strikes it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0

    def error(self, service: str) -> AwsError:
        """Return what is answered instead of a result."""
        code, status, message = {
            "throttle": ("ThrottlingException", _THROTTLED.get(self.code or "", 400), "Rate exceeded"),
            "http_500": (_INTERNAL.get(service, "InternalFailure"), 500, "Internal server error."),
            "error": ("BadRequestException", 400, ""),
            "refuse_batch": (_INVALID.get(service, "ValidationError"), 400, _OUT_OF_RANGE),
        }[self.kind]
        return AwsError(self.code or code, message if self.message is None else self.message, self.status or status)


def accounts_in(params: Mapping[str, Any]) -> list[str]:
    """Return the account ids a request names."""
    details: Iterable[Mapping[str, Any]] = params.get("AccountDetails", ())
    ids = [*params.get("AccountIds", ()), *(detail["AccountId"] for detail in details), *params.get("accountIds", ())]
    # Of calls that take one account.
    one = params.get("id") or params.get("account", {}).get("accountId")
    return [*ids, one] if one else ids


def without_accounts(params: Mapping[str, Any], left_out: Iterable[str]) -> dict[str, Any]:
    """Return the parameters with some accounts taken out."""
    out = set(left_out)
    kept = dict(params)
    for name in {"AccountIds", "accountIds"}.intersection(kept):
        kept[name] = [account_id for account_id in kept[name] if account_id not in out]
    if "AccountDetails" in kept:
        kept["AccountDetails"] = [detail for detail in kept["AccountDetails"] if detail["AccountId"] not in out]
    return kept


def strike(faults: Iterable[Fault], call: Call) -> Fault | None:
    """Return the first rule that strikes a call. Rules before it that match count the call, too."""
    return next((fault for fault in faults if fault.matches(call) and fault.take()), None)
