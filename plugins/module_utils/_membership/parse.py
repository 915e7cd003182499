# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading AWS's answers without trusting them: what is missing or odd is said to be so, never guessed.

An empty answer must not be taken for "no members": the next thing would be to create them all again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .model import Reason
from .port import Answer, CallFailed, Refusal
from .validate import explain_account_id

_NO_REASON = "AWS gave no reason"


def unreadable(operation: str, text: str) -> CallFailed:
    """Return the failure of an answer that makes no sense."""
    return CallFailed(operation, "UnreadableAnswer", text, Reason.INTERNAL_ERROR, is_uncertain=True)


def list_of(operation: str, response: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the list of structures under ``key``. Raises CallFailed where there is none, or anything else in it."""
    items = response.get(key)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise unreadable(operation, f"the answer has no usable {key}")
    return items


def account_id_of(operation: str, data: Mapping[str, Any], key: str = "AccountId") -> str:
    """Return the account id of a record. Raises CallFailed where it is none."""
    account_id: str = data.get(key, "")
    if explain_account_id(account_id):
        raise unreadable(operation, f"the answer has a record with the account id {account_id!r}")
    return account_id


def value_of(operation: str, data: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return what is under ``key``, ``None`` where AWS does not tell it. Raises CallFailed for another type."""
    value = data.get(key)
    if value is not None and not isinstance(value, kind):
        raise unreadable(operation, f"the answer has the {key} {value!r}")
    return value


def handle_of(operation: str, value: object) -> str:
    """Return the name that AWS gave to a resource. Raises CallFailed where it is none."""
    if not isinstance(value, str) or not value.strip():
        raise unreadable(operation, f"the answer names a resource {value!r}")
    return value


def tags_of(operation: str, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags, none where AWS tells none. Raises CallFailed where they are no texts."""
    tags = dict(data.get("Tags") or {})
    if not all(isinstance(text, str) for text in tags.values()):
        raise unreadable(operation, f"the answer has the Tags {tags!r}")
    return tags


def text_of(value: object) -> str | None:
    """Return a value as text, a timestamp as ISO 8601 in UTC: GuardDuty sends strings, Security Hub times."""
    if value is None:
        return None
    if isinstance(value, datetime):
        with suppress(OverflowError):  # the first and last hours of the calendar
            value = value.astimezone(timezone.utc)
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


@dataclass(frozen=True)
class UnprocessedKeys:
    """What a service calls the parts of its list of unprocessed accounts.

    :param text: Where it puts its text: GuardDuty's ``Result``, Security Hub's ``ProcessingResult``.
    :param code: Where it puts a code, if it gives one.
    """

    text: str
    code: str = ""
    account: str = "AccountId"
    items: str = "UnprocessedAccounts"


def answer_of(response: Mapping[str, Any], keys: UnprocessedKeys) -> Answer:
    """Return a batch write's answer."""
    items = response.get(keys.items)
    refused = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    unprocessed = {
        str(item.get(keys.account)): Refusal(str(item.get(keys.text) or _NO_REASON), str(item.get(keys.code, "")))
        for item in refused
    }
    metadata = response.get("ResponseMetadata")
    attempts = metadata.get("RetryAttempts", 0) if isinstance(metadata, Mapping) else 0
    # Without the list (Security Hub's DisassociateMembers has none), or with a refusal of nobody knows whom, the
    # answer says nothing about the accounts that it does not name.
    is_readable = (
        isinstance(items, list) and len(refused) == len(items) and not any(map(explain_account_id, unprocessed))
    )
    return Answer(unprocessed, is_repeated=bool(attempts), is_per_account=is_readable)
