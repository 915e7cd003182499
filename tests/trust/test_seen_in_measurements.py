# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scripts that do this job were seen to fail at, with 50 accounts each.

The fourth finding, the SDK's retry mode, is in test_retries.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, REGION, ModuleRunner
from ansible_collections.muster.aws.tests.trust.scenes import GUARDDUTY, SECURITYHUB, A, members_of
from ansible_collections.muster.aws.tests.trust.truth import doubles, lies_in, state_of

FIFTY = sorted([A, *(f"2222222222{number:02}" for number in range(49))])
MEMBERS = members_of(FIFTY)

# Those that were measured.
both_services = pytest.mark.parametrize("service", (GUARDDUTY, SECURITYHUB))


def onboard(service: str, emulator: Emulator, run_module: ModuleRunner, **options: Any) -> dict[str, Any]:
    """Invite 50 accounts; what is told must be true, and nothing done twice."""
    emulator.seed({"services": [{"service": service, "account_id": ADMINISTRATOR, "regions": [REGION]}]})
    before = state_of(emulator)
    result = run_module(f"{service}_member", members=options.pop("members", MEMBERS), **options)
    assert lies_in(result, before, state_of(emulator), emulator.calls) == []
    assert doubles(emulator.calls) == []
    return result


def statuses(service: str, emulator: Emulator) -> list[str | None]:
    found = [emulator.member(service, REGION, ADMINISTRATOR, account_id) for account_id in FIFTY]
    return [member.status if member else None for member in found]


@both_services
def test_lost_answer_of_invite_members_leaves_50_of_50_invited_and_enabled(
    service: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    """AWS invites all, its answer is lost, and to the repetition it says "already invited" for each."""
    emulator.add_fault("reset_after", operation="InviteMembers")

    result = onboard(service, emulator, run_module)

    assert not result.get("failed") and statuses(service, emulator) == ["Invited"] * 50
    assert [row["actions"] for row in result["members"]] == [["create", "invite"]] * 50
    assert len(emulator.calls[-1].params["AccountIds"]) == 50
    joined = run_module(
        f"{service}_administrator",
        account_ids=FIFTY,
        role_name="Muster",
        administrator_id=ADMINISTRATOR,
        enable_service=True,
    )
    assert not joined.get("failed") and statuses(service, emulator) == ["Enabled"] * 50


@both_services
@pytest.mark.parametrize("operation", ["CreateMembers", "InviteMembers"])
def test_account_that_aws_refuses_the_whole_batch_for_fails_alone_of_50(
    service: str, operation: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    emulator.add_fault("refuse_batch", operation=operation, account_ids=[A], times=None)

    result = onboard(service, emulator, run_module)

    assert [row["account_id"] for row in result["unprocessed_accounts"]] == [A]
    assert statuses(service, emulator)[1:] == ["Invited"] * 49
    # The batch is cut in half, and again: 50, 25, 12, 6, 3, 1 and their other halves.
    assert emulator.operations().count(operation) <= 13


def test_malformed_row_of_50_is_refused_before_any_call(emulator: Emulator, run_module: ModuleRunner) -> None:
    spoilt = [*MEMBERS[1:], {"account_id": A, "email": "not an address"}]

    result = onboard(GUARDDUTY, emulator, run_module, members=spoilt)

    assert result["failed"] and [row["account_id"] for row in result["unprocessed_accounts"]] == [A]
    assert emulator.operations() == []


@both_services
def test_reads_that_lag_behind_writes_are_waited_for_with_few_reads(
    service: str, emulator: Emulator, run_module: ModuleRunner
) -> None:
    """Records show a second late, GuardDuty verifies addresses for two more: ten calls for 50 accounts, or seven."""
    emulator.set_knobs(create_visible_seconds=1, verification_seconds=2)

    result = onboard(service, emulator, run_module)

    assert not result.get("failed") and statuses(service, emulator) == ["Invited"] * 50
    assert {row["outcome"] for row in result["members"]} == {"changed"}
    # One read before; after CreateMembers at 0 and 1 s; after InviteMembers at 0 s, and of GuardDuty at 1 and 3 s.
    reads = 1 + 2 + (3 if service == GUARDDUTY else 1)
    assert emulator.operations().count("GetMembers") == reads
    assert len(emulator.calls) == reads + 2 + (2 if service == GUARDDUTY else 1)
