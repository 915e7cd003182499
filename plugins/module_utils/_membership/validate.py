# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of what the user wrote, before any call: one malformed row makes GuardDuty refuse a whole batch of 50.

Every check returns sentences for the operator (none: the value is fine) and never raises on odd types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Account, EmailRules, MessageRules, Reason
from .port import TaskFailed

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}")
# IAM's own rule for role names, with an optional path.
_ROLE_NAME = re.compile(r"([!-~]+/)?[A-Za-z0-9+=,.@_-]{1,64}")
# STS's own rule for external ids.
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
# The rule of EnableAWSServiceAccess in the model of AWS Organizations; the name of a service has a dot besides.
_PRINCIPAL = re.compile(r"[A-Za-z0-9_+=,@-]+(\.[A-Za-z0-9_+=,@-]+)+")
_PRINCIPAL_LENGTH = 128
# From the models of GuardDuty and Security Hub: TagKey, TagValue, and what ListTagsForResource says of a resource.
_TAG_KEY_LENGTH, _TAG_VALUE_LENGTH, _TAGS = 128, 256, 50
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# What stands between the items of a list that was written as one text.
_BETWEEN_ITEMS = re.compile(r"[,\r\n]")


@dataclass(frozen=True)
class Fault:
    """One value that cannot be used: what it was, and how to write it."""

    account_id: str
    reason: Reason
    text: str


class InvalidInput(TaskFailed):
    """Values that cannot be used.

    :param faults: Every one of them.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("nothing was sent: " + "; ".join(dict.fromkeys(fault.text for fault in self.faults)))


def as_list(value: object) -> list[Any]:
    """Return a list option as a list, the same for modules and roles: a survey or ``-e`` gives it as one text.

    :param value: A text with commas or line ends between the items, in which white space around an item and what is
        empty do not count: ``"us-east-1, eu-west-1"``, ``"a,b,"``, ``"a\\nb\\n"``. Or a list, whose items are returned
        as they are, blanks and all: each was written as an item, and is refused by its own check if it is none.
        ``None`` is no item, and any other value is one item.
    """
    if isinstance(value, str):
        return [item.strip() for item in _BETWEEN_ITEMS.split(value) if item.strip()]
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return list(value)
    return [] if value is None else [value]


def explain_account_id(value: object) -> str | None:
    """Return what is wrong with an account id, ``None`` if nothing is.

    Only a string of 12 digits will do: YAML reads an unquoted id as a number, drops its leading zero or takes it for
    an octal number, and the account meant can then no longer be told.
    """
    if value is None:
        return 'the account id is missing; write all 12 digits, quoted, as in "012345678901"'
    if not isinstance(value, str):
        return (
            f"account id {value!r} is of type {type(value).__name__}, not a string of 12 digits; "
            'quote it in YAML (twice in a host line of INI) and keep leading zeros, as in "012345678901"'
        )
    if not _ACCOUNT_ID.fullmatch(value):
        return f'account id {value!r} is not 12 digits; write all 12, quoted, as in "012345678901"'
    return None


def explain_email(value: object, asked: EmailRules) -> str | None:
    """Return what breaks a service's rules for e-mail addresses, ``None`` if nothing does."""
    if not isinstance(value, str):
        return f"e-mail {value!r} is of type {type(value).__name__}, not a string"
    local_part, at, domain = value.partition("@")
    rules = (
        (len(value) in asked.lengths, f"must have {asked.lengths[0]} to {asked.lengths[-1]} characters"),
        (value.isascii() and value.isprintable(), "must be 7-bit ASCII without control characters"),
        (at and "@" not in domain, "must have exactly one @"),
        (local_part, "must have something before the @"),
        (not any(c.isspace() for c in local_part), "must not have whitespace before the @"),
        (
            not set(asked.forbidden).intersection(local_part),
            f"must not have any of {' '.join(asked.forbidden)} before the @",
        ),
        (not local_part.startswith("."), "must not start with a dot"),
        (_DOMAIN.fullmatch(domain), "must have a domain of letters, digits, hyphens and at least one dot"),
        (not domain.startswith("-") and not domain.endswith("-"), "must have a domain without a hyphen at its ends"),
    )
    broken = [rule for is_kept, rule in rules if not is_kept]
    return f"e-mail {value!r} {broken[0]}" if broken else None


def explain_message(value: str | None, rules: MessageRules | None) -> str | None:
    """Return what is wrong with the text of an invitation, ``None`` if nothing is."""
    if value and rules and not re.fullmatch(rules.pattern, value):
        return f"invitation_message {value!r} must be {rules.text}"
    return None


def explain_region(value: object) -> str | None:
    """Return what is wrong with the form of a Region name, ``None`` if nothing is. AWS adds Regions: no list."""
    if not isinstance(value, str) or not _REGION.fullmatch(value):
        return f"Region {value!r} is not the name of an AWS Region such as us-east-1"
    return None


def explain_role_name(value: str) -> str | None:
    """Return what is wrong with a role name, ``None`` if nothing is. It must stay inside the ARN it goes into."""
    if not _ROLE_NAME.fullmatch(value) or any(part in value for part in (":", "*", "?", "..")) or value[0] == "/":
        return (
            f"role name {value!r} is not an IAM role name; "
            "write the name, with its path if it has one but without a leading slash, not an ARN"
        )
    return None


def explain_service_principal(value: str) -> str | None:
    """Return what is wrong with the name by which AWS Organizations knows a service, ``None`` if nothing is."""
    if not _PRINCIPAL.fullmatch(value) or len(value) > _PRINCIPAL_LENGTH:
        return f"{value!r} is not the name of a service principal such as SERVICE.amazonaws.com"
    return None


def explain_tags(tags: Mapping[object, object]) -> list[str]:
    """Return what is wrong with tags, as sentences."""
    faults = [f"tags: {len(tags)} are more than the {_TAGS} that AWS takes"] if len(tags) > _TAGS else []
    for key, value in tags.items():
        length = len(str(key))
        if not 1 <= length <= _TAG_KEY_LENGTH:
            faults.append(f"tags: the key {str(key)!r} must have 1 to {_TAG_KEY_LENGTH} characters, and has {length}")
        if str(key).lower().startswith("aws:"):
            faults.append(f"tags: the key {str(key)!r} begins with aws:, which is for AWS itself")
        if value is None or isinstance(value, list | Mapping):
            faults.append(f'tags: the value of {str(key)!r} is no text: write one, "" if there is nothing to say')
        elif len(str(value)) > _TAG_VALUE_LENGTH:
            faults.append(f"tags: the value of {str(key)!r} has more than {_TAG_VALUE_LENGTH} characters")
    return faults


def explain_external_id(value: str | None, shown: Iterable[str], words: Iterable[str] = ()) -> str | None:
    """Return what is wrong with an external id, without a word of it; ``None`` if nothing is.

    :param shown: What the results are known by. Ansible masks a secret wherever it finds it, in these as well.
    :param words: What the results are told in.

    Source of the form: the model of STS, AssumeRole.
    """
    if not value:
        return None
    if not _EXTERNAL_ID.fullmatch(value):
        return "must have 2 to 1224 letters, digits or characters of _+=,.@:/-"
    kinds = {"an account id or a Region that this is about": shown, "a word of the results": words}
    return next(
        (
            f"is {kind}, or a part of one, and would be masked in the results; "
            "let the role's trust policy ask for another"
            for kind, names in kinds.items()
            if any(value in name for name in names)
        ),
        None,
    )


def check_members(
    rows: Iterable[Mapping[str, object]], email: EmailRules | None, title: str
) -> tuple[list[Account], list[Fault]]:
    """Turn the rows of ``members`` into accounts, or say what is wrong with each.

    :param rows: Mappings with ``account_id`` and optionally ``email``.
    :param email: The rules for the e-mail address that each account then needs; without them, any contact will do.
    :param title: The service, for messages.
    :returns: The accounts, once each, sorted by id; and the faults, in the order of the rows.
    """
    accounts: dict[str, Account] = {}
    faults: list[Fault] = []
    for row in rows:
        account_id, address = row.get("account_id"), row.get("email") or None
        fault = _explain_row(account_id, address, email, title)
        if fault:
            faults.append(fault)
            continue
        account = Account(str(account_id), None if address is None else str(address))
        known = accounts.setdefault(account.account_id, account)
        # Addresses that differ in letter case only are one.
        if (known.email or "").lower() != (account.email or "").lower():
            text = (
                f"account {account.account_id} is listed twice with different e-mails, "
                f"{known.email or 'none'} and {account.email or 'none'}; keep one"
            )
            faults.append(Fault(account.account_id, Reason.INVALID_INPUT, text))
    return [accounts[account_id] for account_id in sorted(accounts)], faults


def _explain_row(account_id: object, address: object, rules: EmailRules | None, title: str) -> Fault | None:
    text = explain_account_id(account_id)
    if text:
        return Fault(str(account_id), Reason.INVALID_INPUT, text)
    if address is None and rules:
        text = f"account {account_id} has no email; {title} needs the address of the account's root user"
        return Fault(str(account_id), Reason.EMAIL_MISSING, text)
    if address is not None:
        text = explain_email(address, rules) if rules else _explain_contact(address)
    return Fault(str(account_id), Reason.INVALID_INPUT, f"account {account_id}: {text}") if text else None


def _explain_contact(value: object) -> str | None:
    # Any non-blank string will do for a contact; a control character is a mistake all the same.
    if isinstance(value, str) and value.strip() and value.isprintable():
        return None
    return f"e-mail {value!r} must be a non-blank string without control characters"


def check_account_ids(values: Iterable[object]) -> tuple[list[str], list[Fault]]:
    """Return the ids once each, sorted, and a fault for each value that is none."""
    ids: set[str] = set()
    faults = []
    for value in values:
        text = explain_account_id(value)
        if text:
            faults.append(Fault(str(value), Reason.INVALID_INPUT, text))
        else:
            ids.add(str(value))
    return sorted(ids), faults
