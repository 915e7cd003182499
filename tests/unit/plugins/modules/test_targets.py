# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many accounts and many Regions in one task: who is talked to, how often, and what each of them got."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._jobs import members as member_jobs
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    FLEET,
    GUARDDUTY,
    OTHER,
    REGION,
    SECURITYHUB,
    STRANGER,
    A,
    B,
    C,
    accounts_in,
    member,
    organization,
    planned,
    said,
    shorthand,
    switch_on,
    writes,
)

REGIONS = ("ap-south-1", "eu-west-1", "us-east-1")
SERVICE_MODULES = {GUARDDUTY: ("guardduty_detector", "detectors"), SECURITYHUB: ("securityhub_hub", "hubs")}

both_services = pytest.mark.parametrize("service", BOTH)


def places(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(row["region"], row["account_id"]) for row in rows]


def outcomes(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[str, str | None]]:
    return {(row["region"], row["account_id"]): (row["outcome"], row["reason_code"]) for row in rows}


def invite(emulator: Emulator, service: str, *account_ids: str, regions: Iterable[str] = REGIONS) -> None:
    """Let the administrator have invited these accounts, which have the service on."""
    switch_on(emulator, service, *account_ids, regions=regions)
    for region in regions:
        for account_id in account_ids:
            emulator.set_member(service, region, ADMINISTRATOR, account_id, "Invited")


def accept(run_module: Any, service: str, *account_ids: str, **options: Any) -> dict[str, Any]:
    """Let these accounts accept the administrator's invitation in all Regions."""
    arguments = {
        "administrator_id": ADMINISTRATOR,
        "account_ids": list(account_ids),
        "role_name": "onboarding/muster",
        "regions": list(REGIONS),
        **options,
    }
    return run_module(f"{service}_administrator", **arguments)


# Roles


@both_services
def test_administrator_in_many_regions_assumes_one_role_for_each_account(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B)

    result = accept(run_module, service, B, A)

    assumed = [call.params for call in emulator.calls if call.operation == "AssumeRole"]
    assert sorted(call["RoleArn"] for call in assumed) == [
        f"arn:aws:iam::{account_id}:role/onboarding/muster" for account_id in (A, B)
    ]
    assert {call["RoleSessionName"] for call in assumed} == {"muster"} and "ExternalId" not in assumed[0]
    assert Counter(call.account_id for call in emulator.calls if call.operation == "AcceptAdministratorInvitation") == {
        A: 3,
        B: 3,
    }
    assert {row["status"] for row in result["administrators"]} == {"Enabled"}


def test_administrator_with_external_id_and_session_name_sends_them(emulator: Emulator, run_module: Any) -> None:
    emulator.seed({"accounts": {A: {"external_id": "secret-word", "role_name": "muster"}}})
    invite(emulator, GUARDDUTY, A)

    result = accept(run_module, GUARDDUTY, A, external_id="secret-word", role_session_name="nightly")

    assumed = [call.params for call in emulator.calls if call.operation == "AssumeRole"]
    assert [(call["ExternalId"], call["RoleSessionName"]) for call in assumed] == [("secret-word", "nightly")]
    assert result["changed"] is True


def enter_and_invite(run_module: Any, service: str, *account_ids: str, **options: Any) -> dict[str, Any]:
    """Invite these accounts, where the role can be assumed by which they will accept."""
    arguments = {
        "members": [member(account_id) for account_id in account_ids],
        "role_name": "muster",
        "regions": list(REGIONS),
        **options,
    }
    return run_module(f"{service}_member", **arguments)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("check", [True, False])
def test_members_whose_role_cannot_be_assumed_are_not_invited(
    service: str, check: bool, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed({"accounts": {A: {"role_name": "muster"}, B: {"role_name": "other"}, C: {"role_name": "muster"}}})
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)

    result = enter_and_invite(run_module, service, A, B, C, check=check)

    assert outcomes(result["members"]) == {
        (region, account_id): ("failed", "assume_role_failed") if account_id == B else ("changed", None)
        for region in REGIONS
        for account_id in (A, B, C)
    }
    assert {(row["account_id"], row["operation"]) for row in result["unprocessed_accounts"]} == {(B, "AssumeRole")}
    assert all(B not in action["account_ids"] for action in result["actions"])
    assert [emulator.member(service, region, ADMINISTRATOR, B) for region in REGIONS] == [None] * 3
    # Once in each account, whatever the number of Regions, and before the first write in any.
    operations, writes_sent = emulator.operations(), set(emulator.operations(writes_only=True))
    first = next((index for index, operation in enumerate(operations) if operation in writes_sent), len(operations))
    assert [operation for operation in operations[:first] if operation == "AssumeRole"] == ["AssumeRole"] * 3
    assert operations.count("AssumeRole") == 3 and (writes_sent == set()) is check


@both_services
def test_members_that_need_no_invitation_are_not_entered(service: str, emulator: Emulator, run_module: Any) -> None:
    invite(emulator, service, A, B)
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)
    emulator.set_member(service, REGIONS[0], ADMINISTRATOR, A, "Enabled")

    result = enter_and_invite(run_module, service, A, B)
    removed = enter_and_invite(run_module, service, B, state="absent")

    assert (result["changed"], removed["changed"]) == (False, True)
    assert "AssumeRole" not in emulator.operations()


def test_members_are_entered_in_a_region_where_they_are_to_be_invited(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, SECURITYHUB, A, regions=REGIONS[:2])
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR, regions=REGIONS)

    result = enter_and_invite(run_module, SECURITYHUB, A, external_id="word", role_session_name="nightly")

    [assumed] = [call for call in emulator.calls if call.operation == "AssumeRole"]
    assert (assumed.region, assumed.params["ExternalId"], assumed.params["RoleSessionName"]) == (
        REGIONS[2],
        "word",
        "nightly",
    )
    assert [row["actions"] for row in result["members"]] == [[], [], ["create", "invite"]]


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_administrator_in_another_partition_assumes_its_roles(
    region: str, partition: str, emulator: Emulator, run_module: Any
) -> None:
    run_module("guardduty_detector", account_ids=[A], role_name="muster", regions=[region], region=region)

    assumed = [call.params["RoleArn"] for call in emulator.calls if call.operation == "AssumeRole"]
    assert assumed == [f"arn:{partition}:iam::{A}:role/muster"]


@pytest.mark.parametrize("module_name", ["guardduty_detector", "securityhub_hub"])
def test_service_in_the_calling_account_assumes_no_role(module_name: str, emulator: Emulator, run_module: Any) -> None:
    run_module(module_name, account_ids=[ADMINISTRATOR], role_name="muster")
    run_module(module_name, account_ids=[ADMINISTRATOR])
    run_module(module_name)

    assert "AssumeRole" not in emulator.operations()
    assert {call.account_id for call in emulator.calls} == {ADMINISTRATOR}


@both_services
def test_administrator_for_the_administrator_itself_is_skipped_without_a_call(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    result = accept(run_module, service, ADMINISTRATOR)

    assert emulator.operations() == ["GetCallerIdentity"]
    assert set(outcomes(result["administrators"]).values()) == {("skipped", "is_administrator")}
    assert (result.get("failed"), result["unprocessed_accounts"]) == (None, [])


# Failures of one among many


@both_services
def test_administrator_with_a_role_refused_in_one_account_joins_the_others(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B, C)
    emulator.seed({"accounts": {B: {"assumable": False}}})

    result = accept(run_module, service, A, B, C)

    assert outcomes(result["administrators"]) == {
        (region, account_id): ("failed", "assume_role_failed") if account_id == B else ("changed", None)
        for region in REGIONS
        for account_id in (A, B, C)
    }
    assert places(result["unprocessed_accounts"]) == [(region, B) for region in REGIONS]
    assert {(row["operation"], row["reason_code"]) for row in result["unprocessed_accounts"]} == {
        ("AssumeRole", "assume_role_failed")
    }
    assert result["failed"] is True and result["changed"] is True
    assert "is not authorized to perform: sts:AssumeRole" in result["msg"]
    # Refused once, not once for each Region.
    roles = Counter(call.params["RoleArn"][-30:] for call in emulator.calls if call.operation == "AssumeRole")
    assert set(roles.values()) == {1}


def test_administrator_whose_role_sts_does_not_answer_for_is_told_to_run_again_and_not_to_look_at_the_role(
    emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, "guardduty", A)
    fault = {"service": "sts", "operation": "AssumeRole", "code": "ServiceUnavailable", "status": 503, "times": None}
    emulator.add_fault("error", **fault)

    result = accept(run_module, "guardduty", A)

    assert set(outcomes(result["administrators"]).values()) == {("failed", "internal_error")}
    assert "AssumeRole" in result["msg"] and "run again" in result["msg"] and "trust policy" not in result["msg"]


@both_services
def test_administrator_with_keys_of_the_wrong_account_writes_nothing_there(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B)
    emulator.set_knobs(assume_role_wrong_account={A: C})

    result = accept(run_module, service, A, B)

    assert {call.account_id for call in emulator.calls if call.service == service} == {B}
    assert {key[1]: value for key, value in outcomes(result["administrators"]).items()} == {
        A: ("failed", "assume_role_failed"),
        B: ("changed", None),
    }
    assert C in result["msg"]


@both_services
def test_administrator_with_a_region_off_in_one_account_joins_in_the_others(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B)
    emulator.seed({"accounts": {A: {"disabled_regions": ["eu-west-1"]}}})

    result = accept(run_module, service, A, B)

    expected = {(region, account_id): ("changed", None) for region in REGIONS for account_id in (A, B)}
    expected["eu-west-1", A] = ("failed", "region_unavailable")
    assert outcomes(result["administrators"]) == expected
    assert places(result["unprocessed_accounts"]) == [("eu-west-1", A)]


@both_services
def test_member_with_a_failing_region_is_invited_in_the_others(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)
    emulator.add_fault(
        "error",
        operation="CreateMembers",
        region="eu-west-1",
        code="AccessDeniedException",
        status=403,
        message="explicit deny",
        times=None,
    )

    result = run_module(f"{service}_member", members=[member(B), member(A)], regions=list(reversed(REGIONS)))

    assert outcomes(result["members"]) == {
        (region, account_id): ("failed", "access_denied") if region == "eu-west-1" else ("changed", None)
        for region in REGIONS
        for account_id in (A, B)
    }
    assert {row["status"] for row in result["members"] if row["region"] != "eu-west-1"} == {"Invited"}
    assert places(result["unprocessed_accounts"]) == [("eu-west-1", A), ("eu-west-1", B)]
    assert "explicit deny" in result["msg"]


@both_services
def test_member_with_the_service_off_in_one_region_is_invited_in_the_others(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS[:2])

    result = run_module(f"{service}_member", members=[member(A)], regions=list(REGIONS))

    assert list(outcomes(result["members"]).values()) == [
        ("changed", None),
        ("changed", None),
        ("failed", "service_not_enabled"),
    ]


@both_services
def test_member_rows_are_sorted_by_region_then_account(service: str, emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)
    members = [member(i) for i in (C, STRANGER, A, B)]

    result = run_module(f"{service}_member", members=members, regions=["us-east-1", "ap-south-1", "eu-west-1"])

    assert places(result["members"]) == [(region, i) for region in REGIONS for i in sorted((A, B, C, STRANGER))]
    assert [action["region"] for action in result["actions"]] == [region for region in REGIONS for _step in range(2)]


def test_member_with_a_region_named_twice_acts_in_it_once(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR)

    result = run_module("securityhub_member", members=[member(A)], regions=[REGION, REGION])

    assert shorthand(emulator.calls) == "R[A] C[A] V[A] I[A] V[A]"
    assert len(result["members"]) == 1


# Concurrency


class Gauge:
    """Counts the requests that are under way at once.

    :param by: What they are counted apart by.
    """

    def __init__(self, service: str, by: Callable[[Call], Any] = lambda call: None, seconds: float = 0.01) -> None:
        self.peaks: Counter[Any] = Counter()
        self._service, self._by, self._seconds = service, by, seconds
        self._now: Counter[Any] = Counter()
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """A conversation that writes one batch has one request at a time: this many conversations were held at once."""
        return max(self.peaks.values())

    def __call__(self, moment: str, call: Call, _world: Any) -> None:
        if call.service != self._service:
            return
        with self._lock:
            self._now[self._by(call)] += 1 if moment == "before" else -1
            self.peaks |= self._now
        if moment == "before":
            threading.Event().wait(self._seconds)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_administrator_never_holds_more_conversations_than_concurrency(
    concurrency: int, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, GUARDDUTY, *FLEET[:6])
    gauge = Gauge(GUARDDUTY)
    emulator.on_call(gauge)

    result = accept(run_module, GUARDDUTY, *FLEET[:6], concurrency=concurrency)

    assert gauge.most == concurrency
    assert len(result["administrators"]) == 18 and result.get("failed") is None


@pytest.mark.parametrize(("concurrency", "reads", "writes"), [(1, 1, 1), (3, 1, 1), (4, 2, 2), (64, 3, 2)])
def test_member_does_batches_side_by_side_within_concurrency_but_writes_the_first_alone(
    concurrency: int, reads: int, writes: int, emulator: Emulator, run_module: Any
) -> None:
    """Two Regions share the concurrency; each has three batches."""
    regions = REGIONS[:2]
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR, regions=regions)
    gauge = Gauge(SECURITYHUB, by=lambda call: (call.region, call.is_write), seconds=0.05)
    emulator.on_call(gauge)

    result = run_module(
        "securityhub_member", members=[member(i) for i in FLEET], regions=list(regions), concurrency=concurrency
    )

    assert result["changed"] and len(result["members"]) == 240
    expected = {False: reads, True: writes}
    assert gauge.peaks == {(region, is_write): most for region in regions for is_write, most in expected.items()}


def test_member_in_many_regions_holds_their_conversations_at_once(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR, regions=REGIONS)
    gauge = Gauge(SECURITYHUB)
    emulator.on_call(gauge)

    run_module("securityhub_member", members=[member(A)], regions=list(REGIONS))

    assert gauge.most == 3


# Call budgets


def assert_each_named_once(calls: Iterable[Call], operation: str, account_ids: Iterable[str]) -> None:
    named = Counter(i for call in calls if call.operation == operation for i in accounts_in(call))
    assert named == Counter(account_ids)


@both_services
def test_member_with_120_new_accounts_keeps_the_call_budget(service: str, emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, service, ADMINISTRATOR)

    result = run_module(f"{service}_member", members=[member(i) for i in FLEET])

    assert shorthand(emulator.calls) == (
        "R[50] R[50] R[20] C[50] C[50] C[20] V[50] V[50] V[20] I[50] I[50] I[20] V[50] V[50] V[20]"
    )
    assert emulator.operations().count("ListDetectors") == (1 if service == GUARDDUTY else 0)
    assert_each_named_once(emulator.calls, "CreateMembers", FLEET)
    assert_each_named_once(emulator.calls, "InviteMembers", FLEET)
    assert all(1 <= len(accounts_in(call)) <= 50 for call in emulator.calls if call.is_write)
    assert {row["status"] for row in result["members"]} == {"Invited"} and len(result["members"]) == 120


@both_services
@pytest.mark.parametrize("purge", [False, True])
def test_member_on_a_converged_fleet_only_reads_within_the_budget(
    service: str, purge: bool, emulator: Emulator, run_module: Any
) -> None:
    for region in REGIONS:
        for account_id in FLEET:
            emulator.set_member(service, region, ADMINISTRATOR, account_id, "Enabled")

    options = {"members": [member(i) for i in FLEET], "regions": list(REGIONS), "purge_members": purge}
    result = run_module(f"{service}_member", **options)

    calls = Counter(call.region for call in emulator.calls if call.service == service)
    assert all(calls[region] <= ceil(len(FLEET) / 50) + 1 for region in REGIONS)
    assert writes(emulator) == []
    assert (result["changed"], result["actions"], result["unprocessed_accounts"]) == (False, [], [])


@both_services
def test_administrator_on_a_converged_fleet_only_reads(service: str, emulator: Emulator, run_module: Any) -> None:
    for region in REGIONS:
        for account_id in (A, B, C):
            emulator.set_member(service, region, ADMINISTRATOR, account_id, "Enabled")

    result = accept(run_module, service, A, B, C)

    assert writes(emulator) == []
    assert Counter(emulator.operations(service)) == {
        "GetAdministratorAccount": 9,
        **({"ListDetectors": 9} if service == GUARDDUTY else {}),
    }
    assert (result["changed"], result["actions"]) == (False, [])


# Waiting


def test_guardduty_member_under_verification_is_waited_for(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    emulator.set_knobs(verification_seconds=6, create_visible_seconds=3)

    result = run_module("guardduty_member", members=[member(A)])

    assert shorthand(emulator.calls) == "R[A] C[A] V[A]*3 I[A] V[A]*4"
    assert (result["members"][0]["status"], result["members"][0]["outcome"]) == ("Invited", "changed")


def test_guardduty_member_whose_verification_outlasts_the_wait_is_timed_out(
    emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    emulator.set_knobs(verification_seconds=600)

    result = run_module("guardduty_member", members=[member(A)], wait_timeout=30)

    assert outcomes(result["members"]) == {(REGION, A): ("timed_out", "email_verification_pending")}
    assert result["members"][0]["actions"] == ["create", "invite"] and result["changed"] is True
    assert [row["retryable"] for row in result["unprocessed_accounts"]] == [True]


def test_guardduty_member_whose_verification_fails_during_the_wait_is_failed(
    emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    emulator.set_knobs(verification_seconds=6)

    result = run_module("guardduty_member", members=[member(A, "typo@example.com"), member(B)])

    assert outcomes(result["members"]) == {
        (REGION, A): ("failed", "email_verification_failed"),
        (REGION, B): ("changed", None),
    }


@both_services
def test_member_without_wait_reads_once_after_the_last_write(service: str, emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.set_knobs(verification_seconds=600)

    result = run_module(f"{service}_member", members=[member(A)], wait=False)

    assert shorthand(emulator.calls) == "R[A] C[A] V[A] I[A] V[A]"
    assert outcomes(result["members"]) == {(REGION, A): ("changed", None)}


@both_services
def test_administrator_whose_invitation_arrives_late_waits_for_it(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, A)
    emulator.set_knobs(invite_visible_seconds=20, accept_visible_seconds=5)
    run_module(f"{service}_member", members=[member(A)])

    result = accept(run_module, service, A, regions=None)

    assert outcomes(result["administrators"]) == {(REGION, A): ("changed", None)}
    assert result["administrators"][0]["invitation_id"]


# Purge


@both_services
def test_member_with_purge_removes_the_unlisted(service: str, emulator: Emulator, run_module: Any) -> None:
    for account_id, status in ((A, "Enabled"), (B, "Enabled"), (C, "Created"), (STRANGER, "Invited")):
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, status)

    result = run_module(f"{service}_member", members=[member(A)], purge_members=True)

    assert [row for row in shorthand(emulator.calls).split() if row[0] in "LCID"] == ["L", "Dis[2]", "Del[3]"]
    assert {
        row["account_id"]: (row["previous_status"], row["status"], row["actions"]) for row in result["members"]
    } == {
        A: ("Enabled", "Enabled", []),
        B: ("Enabled", None, ["disassociate", "delete"]),
        C: ("Created", None, ["delete"]),
        STRANGER: ("Invited", None, ["disassociate", "delete"]),
    }
    emulator.clear_calls()
    assert run_module(f"{service}_member", members=[member(A)], purge_members=True)["changed"] is False
    assert shorthand(emulator.calls) == "L"


@both_services
def test_member_without_purge_leaves_the_unlisted_alone(service: str, emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, B, "Enabled")

    result = run_module(f"{service}_member", members=[member(A)])

    assert places(result["members"]) == [(REGION, A)]
    assert emulator.member(service, REGION, ADMINISTRATOR, B).status == "Enabled"


def test_securityhub_member_with_purge_by_organization_ends_at_removed(emulator: Emulator, run_module: Any) -> None:
    emulator.seed(organization(A, B))
    for account_id in (A, B):
        emulator.set_member(SECURITYHUB, REGION, ADMINISTRATOR, account_id, "Enabled")
    options = {"members": [member(A, None)], "purge_members": True, "via": "organization"}

    result = run_module("securityhub_member", **options)

    assert planned(result["actions"]) == "Dis[B]"
    assert [row["status"] for row in result["members"]] == ["Enabled", "Removed"]
    assert run_module("securityhub_member", **options)["changed"] is False


# What a task returns


@both_services
@pytest.mark.parametrize("check", [False, True])
def test_member_with_diff_maps_places_to_statuses(
    service: str, check: bool, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS[:2])
    emulator.set_member(service, "eu-west-1", ADMINISTRATOR, B, "Enabled")
    options = {"members": [member(A), member(B)], "regions": list(REGIONS[:2])}

    result = run_module(f"{service}_member", check=check, diff=True, **options)

    assert result["diff"] == {
        "before": {
            f"ap-south-1/{A}": None,
            f"ap-south-1/{B}": None,
            f"eu-west-1/{A}": None,
            f"eu-west-1/{B}": "Enabled",
        },
        "after": {
            f"ap-south-1/{A}": "Invited",
            f"ap-south-1/{B}": "Invited",
            f"eu-west-1/{A}": "Invited",
            f"eu-west-1/{B}": "Enabled",
        },
    }
    assert "diff" not in run_module(f"{service}_member", **options)


@both_services
@pytest.mark.parametrize("check", [False, True])
def test_administrator_and_service_with_diff_map_places_to_statuses(
    service: str, check: bool, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, regions=[REGION])
    result = accept(run_module, service, A, regions=None, check=check, diff=True)
    assert result["diff"] == {"before": {f"{REGION}/{A}": None}, "after": {f"{REGION}/{A}": "Enabled"}}

    result = run_module(SERVICE_MODULES[service][0], region="eu-west-1", check=check, diff=True)
    place = f"eu-west-1/{ADMINISTRATOR}"
    assert result["diff"] == {"before": {place: None}, "after": {place: "ENABLED"}}


@both_services
def test_member_with_fail_on_unprocessed_false_succeeds_with_warnings(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Resigned")
    options = {"members": [member(A), member(B)], "fail_on_unprocessed": False}

    result = run_module(f"{service}_member", **options)

    assert result.get("failed") is None and result["changed"] is True
    assert outcomes(result["members"]) == {(REGION, A): ("failed", "resigned"), (REGION, B): ("changed", None)}
    assert [row["reason_code"] for row in result["unprocessed_accounts"]] == ["resigned"]
    assert f"{A} in {REGION}" in said(result) and "reinvite_resigned=true" in said(result)


def test_member_with_many_failures_names_some_and_counts_the_rest(emulator: Emulator, run_module: Any) -> None:
    for account_id in FLEET:
        emulator.set_member(SECURITYHUB, REGION, ADMINISTRATOR, account_id, "Resigned")
    members = [member(i) for i in FLEET]

    failed = run_module("securityhub_member", members=members)
    warned = run_module("securityhub_member", members=members, fail_on_unprocessed=False)

    assert "120 of 120" in failed["msg"] and "and 110 more, see unprocessed_accounts" in failed["msg"]
    assert len(failed["unprocessed_accounts"]) == 120
    assert len(warned["warnings"]) == 21 and "and 100 more warnings" in said(warned)


@both_services
def test_member_row_has_the_keys_of_the_contract_and_iso_timestamps(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)

    row = run_module(f"{service}_member", members=[member(A)])["members"][0]

    assert list(row) == [
        *("account_id", "region", "email", "status", "previous_status", "administrator_id", "invited_at"),
        *("updated_at", "actions"),
        *(["features"] if SERVICES[service].features else []),
        *("outcome", "reason_code", "reason"),
    ]
    assert all(row[key].endswith("Z") and row[key][10] == "T" for key in ("invited_at", "updated_at"))
    assert row["administrator_id"] == ADMINISTRATOR


# The options of an invitation


def test_guardduty_member_with_message_and_notification_sends_them(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)

    run_module("guardduty_member", members=[member(A)])
    run_module("guardduty_member", members=[member(B)], invitation_message="Welcome", email_notification=True)
    run_module("guardduty_member", members=[member(B)], invitation_message="Changed", email_notification=True)

    sent = [call.params for call in emulator.calls if call.operation == "InviteMembers"]
    assert [(call["DisableEmailNotification"], call.get("Message")) for call in sent] == [
        (True, None),
        (False, "Welcome"),
    ]


@both_services
def test_member_without_invite_stops_at_created_and_withdraws_what_is_pending(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.set_member(service, REGION, ADMINISTRATOR, B, "Invited")
    emulator.set_member(service, REGION, ADMINISTRATOR, C, "Enabled")
    options = {"members": [member(A), member(B), member(C)], "invite": False}

    result = run_module(f"{service}_member", **options)

    assert planned(result["actions"]) == "Dis[B] C[A]"
    assert [row["status"] for row in result["members"]] == ["Created", "Removed", "Enabled"]
    assert run_module(f"{service}_member", **options)["changed"] is False


def test_guardduty_member_with_detector_id_looks_none_up(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    detector_id = run_module("guardduty_detector")["detectors"][0]["detector_id"]
    emulator.clear_calls()

    run_module("guardduty_member", members=[member(A)], detector_id=detector_id)

    assert "ListDetectors" not in emulator.operations()
    assert {call.params["DetectorId"] for call in emulator.calls if call.service == GUARDDUTY} == {detector_id}


def test_securityhub_member_refused_by_an_empty_body_is_asked_again(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, SECURITYHUB, A, regions=[REGION])
    emulator.add_fault(
        "error", operation="ListInvitations", code="BadRequestException", status=400, message="", times=2
    )

    result = accept(run_module, SECURITYHUB, A, regions=None)

    assert emulator.operations().count("ListInvitations") == 3
    assert outcomes(result["administrators"]) == {(REGION, A): ("changed", None)}


# Lost answers


@both_services
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "malformed", "http_500", "throttle"])
@pytest.mark.parametrize("operation", ["CreateMembers", "InviteMembers"])
def test_member_whose_request_fails_once_is_invited_all_the_same(
    service: str, kind: str, operation: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.add_fault(kind, operation=operation)

    result = run_module(f"{service}_member", members=[member(A), member(B)])

    assert {row["status"] for row in result["members"]} == {"Invited"}
    assert {row["outcome"] for row in result["members"]} == {"changed"}
    assert result["changed"] is True and result["unprocessed_accounts"] == []


@both_services
def test_member_with_one_account_that_spoils_the_batch_is_refused_alone(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.add_fault("refuse_batch", operation="CreateMembers", account_ids=[FLEET[7]], times=None)

    result = run_module(f"{service}_member", members=[member(i) for i in FLEET[:50]])

    failed = {row["account_id"]: row["reason_code"] for row in result["members"] if row["outcome"] == "failed"}
    assert failed == {FLEET[7]: "invalid_input"}
    assert Counter(row["status"] for row in result["members"]) == {"Invited": 49, None: 1}


@pytest.mark.parametrize(
    ("text", "tries", "reason"),
    [
        ("Cannot exceed the maximum number of allowed members.", 1, "quota_exceeded"),
        ("Too many requests", 8, "throttled"),
    ],
)
def test_securityhub_member_tells_a_quota_from_a_throttle_by_its_text(
    text: str, tries: int, reason: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR)
    rule = {"code": "LimitExceededException", "status": 429, "message": text, "times": None}
    emulator.add_fault("error", operation="CreateMembers", **rule)

    result = run_module("securityhub_member", members=[member(A)])

    assert emulator.operations().count("CreateMembers") == tries
    assert outcomes(result["members"]) == {(REGION, A): ("failed", reason)}


def test_member_with_a_mistake_of_ours_in_one_region_is_invited_in_the_others(
    emulator: Emulator, run_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR, regions=REGIONS)
    plan_members = member_jobs.plan_members
    failures = iter([ZeroDivisionError("a mistake")])

    def plan_or_fail(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return plan_members(*arguments)

    monkeypatch.setattr(member_jobs, "plan_members", plan_or_fail)

    result = run_module("securityhub_member", members=[member(A)], regions=list(REGIONS), concurrency=1)

    assert list(outcomes(result["members"]).values()) == [("failed", "other"), ("changed", None), ("changed", None)]
    assert "unexpected ZeroDivisionError: a mistake; please report it" in result["msg"]


@both_services
@pytest.mark.parametrize("kind", ["malformed", "http_500", "reset_after", "throttle"])
def test_member_whose_records_cannot_be_read_is_not_created(
    service: str, kind: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.add_fault(kind, operation="GetMembers", times=None)

    result = run_module(f"{service}_member", members=[member(A)])

    assert writes(emulator) == []
    reason = "throttled" if kind == "throttle" else "internal_error"
    assert outcomes(result["members"]) == {(REGION, A): ("failed", reason)}
    assert [row["retryable"] for row in result["unprocessed_accounts"]] == [True]


@both_services
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "malformed", "http_500", "throttle"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_administrator_whose_request_fails_once_gets_there_all_the_same(
    service: str, kind: str, state: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, regions=[REGION])
    if state == "absent":
        emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")
    emulator.add_fault(kind, operation="AcceptAdministratorInvitation")
    emulator.add_fault(kind, operation="DisassociateFromAdministratorAccount")

    result = accept(run_module, service, A, regions=None, state=state)

    assert outcomes(result["administrators"]) == {(REGION, A): ("changed", None)}
    assert result["administrators"][0]["status"] == ("Enabled" if state == "present" else None)


@both_services
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "malformed", "http_500", "throttle"])
def test_administrator_whose_service_is_switched_on_with_a_lost_answer_joins(
    service: str, kind: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Invited")
    for operation in ("CreateDetector", "EnableSecurityHub"):
        emulator.add_fault(kind, operation=operation)

    result = accept(run_module, service, A, regions=None, enable_service=True)

    row = result["administrators"][0]
    assert (row["outcome"], row["status"], row["actions"]) == ("changed", "Enabled", ["enable_service", "accept"])


@both_services
def test_administrator_that_joins_another_meanwhile_is_failed_and_names_it(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, regions=[REGION])

    def hook(moment: str, call: Call, _world: Any) -> None:
        if moment == "before" and call.operation == "AcceptAdministratorInvitation":
            emulator.set_member(service, REGION, OTHER, A, "Enabled")

    emulator.on_call(hook)

    result = accept(run_module, service, A, regions=None)

    assert outcomes(result["administrators"]) == {(REGION, A): ("failed", "member_of_other_administrator")}
    assert (result["changed"], result["administrators"][0]["administrator_id"]) == (False, OTHER)
    assert OTHER in result["msg"]


@both_services
def test_administrator_that_somebody_else_lets_join_meanwhile_is_unchanged(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, regions=[REGION])

    def hook(moment: str, call: Call, _world: Any) -> None:
        if moment == "before" and call.operation == "AcceptAdministratorInvitation":
            emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")

    emulator.on_call(hook)

    result = accept(run_module, service, A, regions=None)

    assert outcomes(result["administrators"]) == {(REGION, A): ("unchanged", None)}
    assert (result["changed"], result["administrators"][0]["status"]) == (False, "Enabled")


@both_services
def test_administrator_without_wait_believes_what_aws_accepted(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, regions=[REGION])

    joined = accept(run_module, service, A, regions=None, wait=False)
    left = accept(run_module, service, A, regions=None, wait=False, state="absent")

    assert (
        emulator.operations().count("GetAdministratorAccount") == 3
    )  # one before each, one right before leaving, none after
    assert [seen["administrators"][0]["outcome"] for seen in (joined, left)] == ["changed", "changed"]
    assert [seen["administrators"][0]["status"] for seen in (joined, left)] == ["Enabled", None]


def test_administrator_whose_role_is_throttled_for_good_says_so(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, GUARDDUTY, A, regions=[REGION])
    emulator.add_fault("throttle", operation="AssumeRole", times=None)

    result = accept(run_module, GUARDDUTY, A, regions=None)

    assert outcomes(result["administrators"]) == {(REGION, A): ("failed", "throttled")}


def test_administrator_that_has_members_itself_is_refused(emulator: Emulator, run_module: Any) -> None:
    for service in BOTH:
        invite(emulator, service, A, regions=[REGION])
        emulator.set_member(service, REGION, A, B, "Created")

        result = accept(run_module, service, A, regions=None)

        assert outcomes(result["administrators"]) == {(REGION, A): ("failed", "is_administrator")}
        assert result["changed"] is False


# Info modules


@both_services
def test_member_info_lists_all_members_and_creates_nothing(service: str, emulator: Emulator, run_module: Any) -> None:
    for account_id, status in ((A, "Enabled"), (B, "Created"), (C, "Resigned")):
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, status)

    result = run_module(f"{service}_member_info")

    assert shorthand(emulator.calls) == "L"
    assert [(row["account_id"], row["status"], row["previous_status"]) for row in result["members"]] == [
        (A, "Enabled", "Enabled"),
        (B, "Created", "Created"),
        (C, "Resigned", "Resigned"),
    ]
    assert (result["changed"], result["actions"], result["unprocessed_accounts"]) == (False, [], [])
    assert set(outcomes(result["members"]).values()) == {("unchanged", None)}


@both_services
def test_member_info_with_many_pages_reads_them_all(service: str, emulator: Emulator, run_module: Any) -> None:
    for account_id in FLEET:
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, "Enabled")
    emulator.set_knobs(empty_pages=True)

    result = run_module(f"{service}_member_info")

    assert [row["account_id"] for row in result["members"]] == list(FLEET)
    assert writes(emulator) == []


@both_services
def test_member_info_with_member_ids_shows_those_and_who_is_missing(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)
    emulator.set_member(service, "eu-west-1", ADMINISTRATOR, A, "Enabled")
    emulator.set_member(service, "eu-west-1", ADMINISTRATOR, C, "Enabled")

    result = run_module(f"{service}_member_info", member_ids=[B, A], regions=list(REGIONS))

    assert {(row["region"], row["account_id"]): row["status"] for row in result["members"]} == {
        (region, i): "Enabled" if (region, i) == ("eu-west-1", A) else None for region in REGIONS for i in (A, B)
    }
    assert writes(emulator) == []


@both_services
def test_member_info_with_the_service_off_in_one_region_fails_there_and_creates_nothing(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, "eu-west-1", ADMINISTRATOR, A, "Enabled")

    result = run_module(f"{service}_member_info", member_ids=[A], regions=["eu-west-1", REGION])

    assert outcomes(result["members"]) == {
        ("eu-west-1", A): ("unchanged", None),
        (REGION, A): ("failed", "service_not_enabled"),
    }
    assert writes(emulator) == []


@both_services
def test_administrator_info_shows_the_administrator_and_invitations(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")
    emulator.set_member(service, REGION, OTHER, A, "Invited")
    switch_on(emulator, service, B)

    result = run_module(f"{service}_administrator_info", account_ids=[A, B, C], role_name="muster")

    assert writes(emulator) == []
    seen = {row["account_id"]: row for row in result["administrators"]}
    assert [(seen[i]["administrator_id"], seen[i]["status"]) for i in (A, B, C)] == [
        (ADMINISTRATOR, "Enabled"),
        (None, None),
        (None, None),
    ]
    # Security Hub goes on listing the invitation that was accepted.
    listed = {OTHER: "Invited", **({ADMINISTRATOR: "Enabled"} if service == SECURITYHUB else {})}
    assert {i["administrator_id"]: i["status"] for i in seen[A]["invitations"]} == listed
    assert all(i["invitation_id"] and i["invited_at"].endswith("Z") for i in seen[A]["invitations"])
    assert seen[B]["invitations"] == seen[C]["invitations"] == []
    # The service being off is what was asked about, not a failure.
    assert outcomes(result["administrators"])[REGION, C] == ("unchanged", "service_not_enabled")
    assert (result["changed"], result["actions"], result["unprocessed_accounts"]) == (False, [], [])


@both_services
def test_administrator_info_in_an_account_without_the_role_fails_there(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, A)
    emulator.seed({"accounts": {B: {"assumable": False}}})

    result = run_module(f"{service}_administrator_info", account_ids=[A, B], role_name="muster")

    assert outcomes(result["administrators"]) == {
        (REGION, A): ("unchanged", None),
        (REGION, B): ("failed", "assume_role_failed"),
    }


def test_info_modules_find_the_same_with_the_other_shape_of_no_administrator(
    emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, SECURITYHUB, A)
    emulator.set_knobs(get_administrator_none_sh="404")

    result = run_module("securityhub_administrator_info", account_ids=[A], role_name="muster")

    assert outcomes(result["administrators"]) == {(REGION, A): ("unchanged", None)}


# Leaving


@both_services
def test_administrator_absent_leaves_that_administrator_only(service: str, emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")
    emulator.set_member(service, REGION, OTHER, B, "Enabled")
    switch_on(emulator, service, C)

    result = accept(run_module, service, A, B, C, STRANGER, state="absent", regions=None)

    left = [call.account_id for call in emulator.calls if call.is_write]
    assert left == [A]
    assert outcomes(result["administrators"]) == {
        (REGION, A): ("changed", None),
        (REGION, B): ("unchanged", None),
        (REGION, C): ("unchanged", None),
        (REGION, STRANGER): ("unchanged", None),
    }
    assert emulator.member(service, REGION, ADMINISTRATOR, A).status == "Resigned"


@both_services
def test_administrator_absent_for_an_organization_member_is_refused(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed(organization(A))
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")

    result = accept(run_module, service, A, state="absent", regions=None)

    assert outcomes(result["administrators"]) == {(REGION, A): ("failed", "organization_member")}
    assert (result["changed"], result["administrators"][0]["status"]) == (False, "Enabled")


# The service itself


def service_row(run_module: Any, service: str, **options: Any) -> dict[str, Any]:
    """Run the module of the service in the calling account and return its row."""
    name, key = SERVICE_MODULES[service]
    result = run_module(name, **options)
    assert (result["changed"], bool(result["actions"])) == (bool(result[key][0]["actions"]),) * 2
    return result[key][0]


def test_guardduty_detector_with_every_option_sets_them_and_is_idempotent(emulator: Emulator, run_module: Any) -> None:
    options = {"finding_publishing_frequency": "ONE_HOUR", "tags": {"team": "sec", "level": 1}}

    first = service_row(run_module, GUARDDUTY, **options)
    emulator.clear_calls()
    second = service_row(run_module, GUARDDUTY, **options)

    assert first["detector_id"] == second["detector_id"] and len(first["detector_id"]) == 32
    assert (first["previous_status"], first["status"], first["actions"]) == (None, "ENABLED", ["enable_service"])
    assert {key: first[key] for key in ("enabled", "finding_publishing_frequency", "tags")} == {
        "enabled": True,
        "finding_publishing_frequency": "ONE_HOUR",
        "tags": {"team": "sec", "level": "1"},
    }
    assert (second["outcome"], second["actions"]) == ("unchanged", [])
    assert emulator.operations(GUARDDUTY) == ["ListDetectors", "GetDetector"]


def test_guardduty_detector_with_changed_options_updates_only_those(emulator: Emulator, run_module: Any) -> None:
    service_row(run_module, GUARDDUTY, finding_publishing_frequency="ONE_HOUR", tags={"team": "sec"})
    emulator.clear_calls()

    row = service_row(run_module, GUARDDUTY, enabled=False)
    sent = [call.params for call in emulator.calls if call.is_write]

    assert (row["status"], row["previous_status"], row["actions"]) == ("DISABLED", "ENABLED", ["update_service"])
    assert sent == [{"DetectorId": row["detector_id"], "Enable": False}]
    assert (row["finding_publishing_frequency"], row["tags"]) == ("ONE_HOUR", {"team": "sec"})
    row = service_row(run_module, GUARDDUTY, finding_publishing_frequency="SIX_HOURS")
    assert (row["status"], row["finding_publishing_frequency"]) == ("ENABLED", "SIX_HOURS")


def test_guardduty_detector_created_suspended_stays_suspended(run_module: Any) -> None:
    assert service_row(run_module, GUARDDUTY, enabled=False)["status"] == "DISABLED"
    assert service_row(run_module, GUARDDUTY, enabled=False)["outcome"] == "unchanged"


def test_securityhub_hub_switches_on_without_default_standards(emulator: Emulator, run_module: Any) -> None:
    row = service_row(run_module, SECURITYHUB)

    sent = [call.params for call in emulator.calls if call.operation == "EnableSecurityHub"]
    assert sent == [{"EnableDefaultStandards": False}]
    assert row["hub_arn"] == f"arn:aws:securityhub:{REGION}:{ADMINISTRATOR}:hub/default"
    assert service_row(run_module, SECURITYHUB)["outcome"] == "unchanged"


def test_securityhub_hub_with_every_option_sets_them_and_is_idempotent(emulator: Emulator, run_module: Any) -> None:
    options = {
        "enable_default_standards": True,
        "auto_enable_controls": False,
        "control_finding_generator": "STANDARD_CONTROL",
        "tags": {"team": "sec"},
    }

    first = service_row(run_module, SECURITYHUB, **options)
    writing = [(call.operation, call.params) for call in emulator.calls if call.is_write]
    emulator.clear_calls()
    second = service_row(run_module, SECURITYHUB, **options)

    assert writing == [
        (
            "EnableSecurityHub",
            {
                "EnableDefaultStandards": True,
                "ControlFindingGenerator": "STANDARD_CONTROL",
                "Tags": {"team": "sec"},
            },
        ),
        # EnableSecurityHub does not take this one.
        ("UpdateSecurityHubConfiguration", {"AutoEnableControls": False}),
    ]
    settings = {"auto_enable_controls": False, "control_finding_generator": "STANDARD_CONTROL", "tags": {"team": "sec"}}
    assert {key: first[key] for key in settings} == {key: second[key] for key in settings} == settings
    assert (first["actions"], second["actions"]) == (["enable_service", "update_service"], [])
    assert emulator.operations(SECURITYHUB) == ["DescribeHub", "ListTagsForResource"]


def test_securityhub_hub_with_a_changed_option_updates_only_that(emulator: Emulator, run_module: Any) -> None:
    service_row(run_module, SECURITYHUB)
    emulator.clear_calls()

    row = service_row(run_module, SECURITYHUB, control_finding_generator="STANDARD_CONTROL", auto_enable_controls=True)

    sent = [call.params for call in emulator.calls if call.is_write]
    assert sent == [{"ControlFindingGenerator": "STANDARD_CONTROL"}]
    assert (row["auto_enable_controls"], row["control_finding_generator"]) == (True, "STANDARD_CONTROL")


@both_services
def test_service_with_tags_adds_changes_and_removes_them(service: str, emulator: Emulator, run_module: Any) -> None:
    assert service_row(run_module, service, tags={"a": "1", "b": "2"})["tags"] == {"a": "1", "b": "2"}
    # Tags under "aws:" are AWS's own: nobody can set or remove them.
    emulator.world.home(service, ADMINISTRATOR, REGION).switch.tags["aws:own"] = "3"

    kept = service_row(run_module, service, tags={"b": "two", "c": "3"}, purge_tags=False)
    assert (kept["actions"], kept["tags"]) == (["tag"], {"a": "1", "b": "two", "c": "3", "aws:own": "3"})
    purged = service_row(run_module, service, tags={"b": "two", "d": "4"})
    assert (purged["actions"], purged["tags"]) == (["untag", "tag"], {"b": "two", "d": "4", "aws:own": "3"})
    assert service_row(run_module, service, tags={"b": "two", "d": "4"})["actions"] == []
    assert service_row(run_module, service)["actions"] == []
    emptied = service_row(run_module, service, resource_tags={})
    assert (emptied["actions"], emptied["tags"]) == (["untag"], {"aws:own": "3"})


@both_services
def test_service_absent_switches_it_off_once(service: str, emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, service, ADMINISTRATOR)

    off = service_row(run_module, service, state="absent")
    again = service_row(run_module, service, state="absent")

    assert (off["previous_status"], off["status"], off["actions"]) == ("ENABLED", None, ["disable_service"])
    assert (again["previous_status"], again["status"], again["outcome"]) == (None, None, "unchanged")


@both_services
def test_service_absent_with_members_is_refused(service: str, emulator: Emulator, run_module: Any) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Enabled")

    name, key = SERVICE_MODULES[service]
    result = run_module(name, state="absent")

    assert outcomes(result[key]) == {(REGION, ADMINISTRATOR): ("failed", "still_associated")}
    assert (result["changed"], result[key][0]["status"]) == (False, "ENABLED")
    assert result["failed"] is True


def test_securityhub_hub_absent_for_an_organization_member_is_refused(emulator: Emulator, run_module: Any) -> None:
    emulator.seed(organization(A))
    emulator.set_member(SECURITYHUB, REGION, ADMINISTRATOR, A, "Enabled")

    result = run_module("securityhub_hub", state="absent", account_ids=[A], role_name="muster")

    assert outcomes(result["hubs"]) == {(REGION, A): ("failed", "organization_member")}


def test_securityhub_hub_under_central_configuration_is_skipped(emulator: Emulator, run_module: Any) -> None:
    emulator.seed(organization(A, central_configuration=True))

    result = run_module("securityhub_hub", account_ids=[A], role_name="muster")

    assert outcomes(result["hubs"]) == {(REGION, A): ("skipped", "central_configuration")}
    assert (result["changed"], result.get("failed"), result["unprocessed_accounts"]) == (False, None, [])
    assert "change the policy instead" in said(result)


def test_securityhub_hub_that_central_configuration_keeps_on_is_a_failure(emulator: Emulator, run_module: Any) -> None:
    emulator.seed(organization(A, central_configuration=True))
    switch_on(emulator, SECURITYHUB, A)

    result = run_module("securityhub_hub", state="absent", account_ids=[A], role_name="muster")

    assert outcomes(result["hubs"]) == {(REGION, A): ("failed", "central_configuration")}
    assert result["failed"] and "DisableSecurityHub" in result["msg"]


@both_services
def test_service_switched_on_by_somebody_else_meanwhile_is_unchanged(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    def hook(moment: str, call: Call, _world: Any) -> None:
        if moment == "before" and call.is_write:
            switch_on(emulator, service, ADMINISTRATOR)

    emulator.on_call(hook)
    name, key = SERVICE_MODULES[service]

    result = run_module(name)

    assert outcomes(result[key]) == {(REGION, ADMINISTRATOR): ("unchanged", None)}
    assert (result["changed"], result[key][0]["status"]) == (False, "ENABLED")


@both_services
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "malformed", "http_500", "throttle"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_service_whose_request_fails_once_is_switched_all_the_same(
    service: str, kind: str, state: str, emulator: Emulator, run_module: Any
) -> None:
    if state == "absent":
        switch_on(emulator, service, ADMINISTRATOR)
    for operation in ("CreateDetector", "DeleteDetector", "EnableSecurityHub", "DisableSecurityHub"):
        emulator.add_fault(kind, operation=operation)

    row = service_row(run_module, service, state=state)

    assert (row["outcome"], row["reason_code"]) == ("changed", None)
    assert row["status"] == ("ENABLED" if state == "present" else None)


@both_services
@pytest.mark.parametrize("state", ["present", "absent"])
def test_service_whose_requests_all_fail_is_not_reported_as_switched(
    service: str, state: str, emulator: Emulator, run_module: Any
) -> None:
    if state == "absent":
        switch_on(emulator, service, ADMINISTRATOR)
    for operation in ("CreateDetector", "DeleteDetector", "EnableSecurityHub", "DisableSecurityHub"):
        emulator.add_fault("http_500", operation=operation, times=None)
    name, key = SERVICE_MODULES[service]

    result = run_module(name, state=state)

    assert outcomes(result[key]) == {(REGION, ADMINISTRATOR): ("failed", "internal_error")}
    assert (result["changed"], result[key][0]["status"]) == (False, None if state == "present" else "ENABLED")


@both_services
def test_service_in_many_accounts_and_regions_has_a_row_for_each(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed({"accounts": {B: {"assumable": False}}})
    switch_on(emulator, service, C, regions=["eu-west-1"])

    name, key = SERVICE_MODULES[service]
    result = run_module(name, account_ids=[C, B, A, ADMINISTRATOR], role_name="muster", regions=list(REGIONS))

    expected = {(region, i): ("changed", None) for region in REGIONS for i in (A, ADMINISTRATOR, B, C)}
    expected |= {(region, B): ("failed", "assume_role_failed") for region in REGIONS}
    expected["eu-west-1", C] = ("unchanged", None)
    assert list(outcomes(result[key]).items()) == sorted(expected.items())
    assert places(result["actions"]) == sorted(place for place, value in expected.items() if value[0] == "changed")


def test_guardduty_member_by_organization_of_a_management_account_without_guardduty_waits_for_it(
    emulator: Emulator, run_module: Any
) -> None:
    # The organization's management account has to switch GuardDuty on itself; AWS takes about a minute to notice.
    emulator.seed(organization(A))
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)
    options = {"members": [member(STRANGER), member(A)], "via": "organization"}

    result = run_module("guardduty_member", **options)

    assert outcomes(result["members"]) == {
        (REGION, A): ("changed", None),
        (REGION, STRANGER): ("failed", "management_account_not_enabled"),
    }
    switch_on(emulator, GUARDDUTY, STRANGER)
    assert outcomes(run_module("guardduty_member", **options)["members"])[REGION, STRANGER] == ("changed", None)


@both_services
def test_member_by_organization_is_created_and_never_invited(service: str, emulator: Emulator, run_module: Any) -> None:
    emulator.seed(organization(A, B))
    switch_on(emulator, service, ADMINISTRATOR)
    options = {"members": [member(A), member(B)], "via": "organization"}

    result = run_module(f"{service}_member", **options)

    assert shorthand(emulator.calls) == "R[AB] Org C[AB] V[AB]"
    assert {row["status"] for row in result["members"]} == {"Enabled"}
    emulator.clear_calls()
    assert run_module(f"{service}_member", **options)["changed"] is False
    # Nothing to create, nothing to ask.
    assert shorthand(emulator.calls) == "R[AB]"


@both_services
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("delegated_elsewhere", [None, OTHER])
def test_member_by_organization_where_somebody_else_is_delegated_makes_not_one_record(
    service: str, check: bool, delegated_elsewhere: str | None, emulator: Emulator, run_module: Any
) -> None:
    emulator.seed(organization(A, B, C))
    elsewhere = "eu-central-1"
    switch_on(emulator, service, ADMINISTRATOR, regions=[REGION, elsewhere])
    emulator.world.organization.delegated[service].set(elsewhere, delegated_elsewhere)
    emulator.set_member(service, elsewhere, ADMINISTRATOR, C, "Enabled")
    options = {"members": [member(A), member(B), member(C)], "via": "organization", "regions": [elsewhere, REGION]}

    result = run_module(f"{service}_member", check=check, **options)

    failed, done = ("failed", "not_delegated_administrator"), ("changed", None)
    assert outcomes(result["members"]) == {
        **{(elsewhere, each): failed for each in (A, B)},
        (elsewhere, C): ("unchanged", None),
        **{(REGION, each): done for each in (A, B, C)},
    }
    assert {action["region"] for action in result["actions"]} == {REGION}
    assert {row["operation"] for row in result["unprocessed_accounts"]} == {"DescribeOrganizationConfiguration"}
    asked = Counter(call.region for call in emulator.calls if call.operation == "DescribeOrganizationConfiguration")
    assert asked == {elsewhere: 1, REGION: 1}
    assert [call for call in emulator.calls if call.is_write and call.region == elsewhere] == []
    assert emulator.member(service, elsewhere, ADMINISTRATOR, A) is None
    assert "delegated administrator of this Region" in result["msg"]
