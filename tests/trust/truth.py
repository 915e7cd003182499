# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What really happened, taken from the emulator and not from a module: the state, and the writes that AWS accepted."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.plugins.module_utils._services.delegation import ENABLE_SERVICE_ACCESS
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as FACTS
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.emulator.faults import accounts_in as accounts_of
from ansible_collections.muster.aws.tests.emulator.state import World
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR

State = dict[tuple[str, ...], Any]

# The keys of the rows of every module.
_DELEGATIONS = "organization_administrators"
ROW_KEYS = (
    "members",
    "administrators",
    _DELEGATIONS,
    "organizations",
    *(facts.kind.rows for facts in FACTS.values()),
)

# Operation to the word for it in a row's `actions`.
STEPS = {name: step.value for facts in FACTS.values() for step, name in facts.operations.items()}
STEPS[ENABLE_SERVICE_ACCESS] = Step.ENABLE_SERVICE_ACCESS.value

# The same request a second time changes nothing: tags and settings are set, not added.
_REPEATABLE = {
    "update_service",
    "tag",
    "untag",
    "start_monitoring",
    "stop_monitoring",
    "delegate",
    "enable_service_access",
    "update_organization",
    "update_features",
}

Claim = tuple[str, str, str]  # Region, account, step


def state_of(emulator: Emulator) -> State:
    """Return all that AWS holds about memberships and services, without identifiers and times."""
    found: State = {}
    with emulator.lock:
        world = emulator.world
        for home in list(world._homes.values()):
            service, region, account_id = home.service, home.region, home.account_id
            if home.switch:
                settings = {
                    name: value for name, value in home.switch.settings.items() if name.lower() != "clienttoken"
                }
                found["service", service, region, account_id] = (home.switch.enabled, settings, dict(home.switch.tags))
            if home.administrator_id:
                found["administrator", service, region, account_id] = home.administrator_id
            for member in list(home.members.values()):
                world.member(service, region, account_id, member.account_id)
                found["member", service, region, account_id, member.account_id] = (member.status, member.email)
        found.update(_organization_of(world))
    return found


def _organization_of(world: World) -> State:
    """Return what differs from the organization's state everywhere else, and who is trusted."""
    organization = world.organization
    found: State = {("trusted",): sorted(organization.trusted_principals)}
    for what in ("delegated", "auto_enable", "settings"):
        for service, regional in getattr(organization, what).items():
            for region, value in regional.per_region.items():
                if value != regional.default:
                    found[what, service, region] = copy.deepcopy(value)
    return found


def accounts_in(call: Call) -> list[str]:
    """Return the accounts that a request names."""
    administrator_id = call.params.get("AdminAccountId")
    return [administrator_id] if administrator_id else accounts_of(call.params)


def step_of(call: Call) -> str:
    """Return the word for what a write does."""
    if call.operation == "UpdateMemberSession":
        return {"ENABLED": "start_monitoring", "PAUSED": "stop_monitoring"}[call.params["status"]]
    return STEPS[call.operation]


def is_accepted(call: Call) -> bool:
    """Return whether a write took effect, at least for some account: also when its answer was lost."""
    return call.is_write and call.error_code is None and call.fault != "reset_before"


def accepted(calls: Iterable[Call]) -> Counter[Claim]:
    """Count the accepted writes: for each account that a batch names, or for the caller."""
    found: Counter[Claim] = Counter()
    tokens: set[str] = set()
    for call in calls:
        token = call.params.get("ClientToken") or call.params.get("clientToken")
        if is_accepted(call) and token not in tokens:
            # The same token makes it the same request (CreateDetector).
            tokens |= {token} if token else set()
            batch = [each for each in accounts_in(call) if each not in call.unprocessed]
            for account_id in batch if accounts_in(call) else [call.account_id]:
                found[_claim(call.region, account_id, step_of(call))] += 1
    return found


def _claim(region: str, account_id: str, step: str) -> Claim:
    """Return a claim. Trusted access has no Region: the row of one Region tells of it."""
    return ("", "", step) if step == STEPS[ENABLE_SERVICE_ACCESS] else (region, account_id, step)


def doubles(calls: Iterable[Call]) -> list[Claim]:
    """Return what AWS accepted twice for the same account and Region, of what must happen once."""
    # Security Hub's DisassociateMembers is silent: its answer does not tell a refusal of the second one from success.
    told = [call for call in calls if (call.service, call.operation) != ("securityhub", "DisassociateMembers")]
    return [claim for claim, count in accepted(told).items() if count > 1 and claim[2] not in _REPEATABLE]


def rows_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a result, of whatever kind."""
    [key] = [key for key in ROW_KEYS if key in result]
    rows: list[dict[str, Any]] = result[key]
    # A row about a delegation names who is in office; the account that was asked for is always this one.
    return [{"account_id": ADMINISTRATOR, **row} for row in rows] if key == _DELEGATIONS else rows


def claimed(rows: Iterable[Mapping[str, Any]]) -> set[Claim]:
    """Return what the rows say was done."""
    return {_claim(row["region"], row["account_id"], step) for row in rows for step in row["actions"]}


def lies_in(result: Mapping[str, Any], before: State, after: State, calls: Iterable[Call]) -> list[str]:
    """Return every contradiction between a result and what happened.

    :param before: The state before the run.
    :param after: The state after it.
    :param calls: The calls of the run.
    """
    rows, done = rows_of(result), set(accepted(calls))
    lies = [f"no {key}" for key in ("changed", "unprocessed_accounts", "actions") if key not in result]
    if result["changed"] is not (before != after):
        lies.append(f"changed is {result['changed']}, the state {'changed' if before != after else 'did not'}")
    lies += [f"claimed and not done: {claim}" for claim in sorted(claimed(rows) - done)]
    lies += [f"done and not claimed: {claim}" for claim in sorted(done - claimed(rows))]
    unprocessed = {(row["region"], row["account_id"]) for row in result["unprocessed_accounts"]}
    for row in rows:
        is_listed = (row["region"], row["account_id"]) in unprocessed
        is_failure = row["outcome"] in ("failed", "timed_out", "not_attempted")
        if is_listed is not is_failure:
            lies.append(f"outcome {row['outcome']} and unprocessed: {is_listed}: {row}")
        if (row["outcome"] == "changed") is not bool(row["actions"]) and not is_failure:
            lies.append(f"outcome {row['outcome']} with the actions {row['actions']}")
        if "unexpected" in str(row["reason"]):
            lies.append(f"a traceback in a row: {row['reason']}")
    return lies
