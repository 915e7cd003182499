# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the modules share: accounts, the start of a situation, and the emulator's log in shorthand.

The shorthand is that of section 8 of the membership reference: ``R[A] C[A] V[A] I[A] V[A]``. ``R`` and ``V`` are both
GetMembers, before and after the first write; accounts without a letter are counted, ``C[50]``; the same call again
(a poll, a repetition) is ``V[A]*3``. GetCallerIdentity and ListDetectors are left out: each opens a conversation, and
:func:`openings` counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.emulator.faults import accounts_in as accounts_of

ADMINISTRATOR = "111111111111"
A, B, C = "012345678901", "222222222222", "333333333333"
OTHER, STRANGER = "888888888888", "099999999999"
REGION = "us-east-1"
GUARDDUTY, SECURITYHUB, MACIE = "guardduty", "securityhub", "macie"
BOTH = (GUARDDUTY, SECURITYHUB)
ALL = tuple(SERVICES)
# Those whose e-mail addresses AWS verifies, and whose members can be suspended.
VERIFYING = tuple(name for name, facts in SERVICES.items() if State.VERIFYING in facts.words)

# More accounts than fit into one call, the first with leading zeros.
FLEET = tuple(f"{number:012d}" for number in range(1, 121))

LETTERS = {A: "A", B: "B", C: "C", ADMINISTRATOR: "ADM"}

# The keys of a task's result, whatever becomes of it (contract, section 3).
KEYS = ("changed", "unprocessed_accounts", "actions")

# What only AWS can know before it has happened.
KNOWN_TO_AWS_ONLY = ("invited_at", "updated_at", "invitation_id")

_OPENINGS = ("GetCallerIdentity", "ListDetectors")
_SHORT = {
    "AcceptAdministratorInvitation": "Accept",
    "AcceptInvitation": "Accept",
    "AssumeRole": "Assume",
    "CreateInvitations": "I",
    "CreateMember": "C",
    "DeleteMember": "Del",
    "DisableMacie": "Disable",
    "DisassociateMember": "Dis",
    "EnableMacie": "Enable",
    "GetMacieSession": "Describe",
    "UpdateMacieSession": "Update",
    "CreateDetector": "Enable",
    "CreateMembers": "C",
    "DeleteDetector": "Disable",
    "DeleteMembers": "Del",
    "DescribeHub": "Describe",
    "DescribeOrganizationConfiguration": "Org",
    "DisableSecurityHub": "Disable",
    "DisassociateFromAdministratorAccount": "Leave",
    "DisassociateMembers": "Dis",
    "EnableSecurityHub": "Enable",
    "GetAdministratorAccount": "Adm",
    "GetDetector": "Describe",
    "InviteMembers": "I",
    "ListInvitations": "Inv",
    "ListMembers": "L",
    "ListTagsForResource": "Tags",
    "StartMonitoringMembers": "Start",
    "StopMonitoringMembers": "Stop",
    "TagResource": "Tag",
    "UntagResource": "Untag",
    "UpdateDetector": "Update",
    "UpdateSecurityHubConfiguration": "Update",
}


def email_of(account_id: str) -> str:
    """Return the address that the emulator holds for the account's root user."""
    return f"{account_id}@example.com"


def member(account_id: str, email: str | None = "") -> dict[str, Any]:
    """Return an item of the option ``members``; ``None`` leaves the e-mail out."""
    return {"account_id": account_id, **({} if email is None else {"email": email or email_of(account_id)})}


def operation_of(service: str, operation: str | None) -> str | None:
    """Return what a service calls the operation that GuardDuty calls so."""
    facts = SERVICES[service]
    steps = {name: step for step, name in SERVICES[GUARDDUTY].operations.items()}
    if operation == "GetMembers" and facts.reading.accounts == 1:
        return "GetMember"
    return facts.operations.get(steps[operation], operation) if operation in steps else operation


def seed_of(service: str, seed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a seed whose faults name the operations as the service does."""
    faults = [{**rule, "operation": operation_of(service, rule.get("operation"))} for rule in seed.get("faults", ())]
    return {**seed, "faults": faults}


def accounts_in(call: Call) -> list[str]:
    """Return the accounts that a request names."""
    return accounts_of(call.params)


def _named(account_ids: Iterable[str]) -> str:
    ids = list(account_ids)
    if not ids:
        return ""
    return f"[{''.join(LETTERS[i] for i in ids)}]" if LETTERS.keys() >= set(ids) else f"[{len(ids)}]"


def shorthand(calls: Iterable[Call]) -> str:
    """Write a log of one Region as section 8 does. Batches may be read side by side: in the accounts' order."""
    words: list[tuple[str, tuple[str, ...]]] = []
    has_written = False
    for call in calls:
        if call.operation in _OPENINGS:
            continue
        has_written |= call.is_write
        short = "RV"[has_written] if call.operation in ("GetMember", "GetMembers") else _short_of(call)
        words.append((short, tuple(accounts_in(call)), call.operation in ONE_BY_ONE))
    runs = [list(group) for _short, group in groupby(words, key=lambda word: word[0])]
    ordered = [word for run in runs for word in _in_order(run)]
    repeated = [(word, len(list(group))) for word, group in groupby(ordered)]
    return " ".join(f"{short}{_named(ids)}" + (f"*{n}" if n > 1 else "") for (short, ids), n in repeated)


# Operations that take one account: told as if they took all at once, so that a situation reads the same everywhere.
ONE_BY_ONE = frozenset(
    facts.operations[step]
    for facts in SERVICES.values()
    for step, limit in facts.accounts_per_call.items()
    if limit == 1
) | {"GetMember"}


def _short_of(call: Call) -> str:
    if call.operation == "UpdateMemberSession":
        return {"ENABLED": "Start", "PAUSED": "Stop"}[call.params["status"]]
    return _SHORT[call.operation]


def _in_order(run: list[tuple[str, tuple[str, ...], bool]]) -> list[tuple[str, tuple[str, ...]]]:
    """Put the calls of one kind in the accounts' order; those that take one account become one, for each look."""
    ordered = sorted(run, key=lambda word: word[1][:1])
    if not all(word[2] for word in run):
        return [word[:2] for word in ordered]
    left = Counter(ids[0] for _short, ids, _is_one in ordered)
    rounds = []
    while left:
        rounds.append((run[0][0], tuple(sorted(left))))
        left = Counter({account_id: count - 1 for account_id, count in left.items() if count > 1})
    return rounds


def planned(actions: Iterable[Mapping[str, Any]]) -> str:
    """Write a task's ``actions`` as section 8 does."""
    words = [(_SHORT[a["operation"]], tuple(a["account_ids"]), a["operation"] in ONE_BY_ONE) for a in actions]
    runs = [list(group) for _short, group in groupby(words, key=lambda word: word[0])]
    return " ".join(short + _named(ids) for run in runs for short, ids in _in_order(run))


def openings(calls: Iterable[Call]) -> Counter[str]:
    """Count the calls that :func:`shorthand` leaves out."""
    return Counter(call.operation for call in calls if call.operation in _OPENINGS)


def writes(emulator: Emulator) -> list[str]:
    """Return the operations that changed something, or tried to."""
    return emulator.operations(writes_only=True)


def switch_on(emulator: Emulator, service: str, *account_ids: str, regions: Iterable[str] = (REGION,)) -> None:
    """Let the service be on in these accounts."""
    entries = [{"service": service, "account_id": i, "regions": list(regions)} for i in account_ids]
    emulator.seed({"services": entries})


def organization(*account_ids: str, **more: Any) -> dict[str, Any]:
    """Return the seed of an organization in which the administrator is the delegated one for both services."""
    delegated = dict.fromkeys(ALL, ADMINISTRATOR)
    return {
        "organization": {
            "management_account": STRANGER,
            "account_ids": list(account_ids),
            "delegated_administrator": delegated,
            **more,
        }
    }


def said(result: Mapping[str, Any]) -> str:
    """Return everything that the operator reads: the failure and the warnings."""
    warnings = [
        str(warning.get("msg", warning) if isinstance(warning, dict) else warning)
        for warning in result.get("warnings", ())
    ]
    return "\n".join([result.get("msg", ""), *warnings])


def foreseeable(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without what only AWS can know."""
    return [{key: value for key, value in row.items() if key not in KNOWN_TO_AWS_ONLY} for row in rows]
