# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that run out in the middle of a task: an assumed role's, and the caller's own."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    GUARDDUTY,
    A,
    B,
    member,
    switch_on,
)

REGIONS = ["ap-south-1", "eu-west-1", "us-east-1"]
both_services = pytest.mark.parametrize("service", BOTH)


def invite(emulator: Emulator, service: str, *account_ids: str) -> None:
    switch_on(emulator, service, ADMINISTRATOR, regions=REGIONS)
    entry = {"service": service, "regions": REGIONS, "administrator_id": ADMINISTRATOR, "status": "Invited"}
    emulator.seed({"members": [{**entry, "account_ids": list(account_ids)}]})


def accept(run_module: Any, service: str, *account_ids: str, **options: Any) -> dict[str, Any]:
    return run_module(
        f"{service}_administrator",
        regions=REGIONS,
        account_ids=list(account_ids),
        role_name="muster",
        administrator_id=ADMINISTRATOR,
        enable_service=True,
        **options,
    )


def reasons(rows: Iterable[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(row["account_id"], row["operation"], row["reason_code"]) for row in rows}


def after_the_first(emulator: Emulator, operation: str, happens: Any) -> None:
    """Let something happen once, when the emulator has answered an operation for the first time."""

    def look(moment: str, call: Call, _world: Any) -> None:
        if moment == "after" and call.operation == operation and not seen:
            seen.append(call)
            happens()

    seen: list[Call] = []
    emulator.on_call(look)


def assumed(emulator: Emulator) -> Counter[str]:
    return Counter(call.params["RoleArn"].split(":")[4] for call in emulator.calls if call.operation == "AssumeRole")


# An assumed role's


@both_services
def test_administrator_whose_sessions_expire_assumes_each_role_once_more(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B)
    emulator.set_knobs(session_seconds=3600)
    after_the_first(emulator, "AcceptAdministratorInvitation", lambda: emulator.advance(3601))

    result = accept(run_module, service, A, B)

    assert not result.get("failed"), result["msg"]
    assert {row["status"] for row in result["administrators"]} == {"Enabled"} and len(result["administrators"]) == 6
    assert assumed(emulator) == {A: 2, B: 2}
    # Conversations that were under way together share the new session, and the work is not done twice.
    accepted = Counter(
        (call.account_id, call.region)
        for call in emulator.calls
        if call.operation == "AcceptAdministratorInvitation" and not call.error_code
    )
    assert accepted == Counter({(account_id, region): 1 for account_id in (A, B) for region in REGIONS})


def test_administrator_in_a_task_longer_than_two_sessions_assumes_the_role_for_each(
    emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, GUARDDUTY, A)
    emulator.set_knobs(session_seconds=3600)
    for operation in ("CreateDetector", "AcceptAdministratorInvitation"):
        after_the_first(emulator, operation, lambda: emulator.advance(3601))
    emulator.world.home(GUARDDUTY, A, REGIONS[0]).switch = None

    result = accept(run_module, GUARDDUTY, A, concurrency=1)

    assert not result.get("failed"), result["msg"]
    assert assumed(emulator) == {A: 3}


@both_services
def test_administrator_whose_new_session_is_refused_too_is_failed_and_asks_no_further(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    invite(emulator, service, A, B)
    fault = {"code": "ExpiredTokenException", "status": 403, "message": "The security token is expired", "times": None}
    after_the_first(emulator, "GetAdministratorAccount", lambda: emulator.add_fault("error", account_id=A, **fault))

    result = accept(run_module, service, A, B, concurrency=1)

    assert assumed(emulator) == {A: 2, B: 1}
    failed = result["unprocessed_accounts"]
    assert {(row["account_id"], row["reason_code"], row["retryable"]) for row in failed} == {(A, "access_denied", True)}
    assert "ExpiredTokenException: The security token is expired" in result["msg"]
    assert {row["status"] for row in result["administrators"] if row["account_id"] == B} == {"Enabled"}


def test_administrator_whose_session_never_works_assumes_the_role_once(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, GUARDDUTY, A)
    emulator.add_fault("error", code="ExpiredTokenException", status=403, message="expired", account_id=A, times=None)

    result = accept(run_module, GUARDDUTY, A)

    assert assumed(emulator) == {A: 1}
    assert reasons(result["unprocessed_accounts"]) == {(A, "ListDetectors", "access_denied")}


def test_administrator_whose_role_is_gone_when_the_session_expires_says_so(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, GUARDDUTY, A)
    emulator.set_knobs(session_seconds=3600)

    def close() -> None:
        emulator.advance(3601)
        emulator.seed({"accounts": {A: {"assumable": False}}})

    after_the_first(emulator, "AcceptAdministratorInvitation", close)

    result = accept(run_module, GUARDDUTY, A, concurrency=1)

    assert reasons(result["unprocessed_accounts"]) == {(A, "AssumeRole", "assume_role_failed")}
    assert "is not authorized to perform: sts:AssumeRole" in result["msg"]


def test_administrator_whose_caller_has_expired_blames_the_credentials(emulator: Emulator, run_module: Any) -> None:
    invite(emulator, GUARDDUTY, A)
    emulator.add_fault(
        "error", operation="AssumeRole", code="ExpiredToken", status=403, message="It is expired", times=None
    )

    result = accept(run_module, GUARDDUTY, A)

    assert reasons(result["unprocessed_accounts"]) == {(A, "AssumeRole", "access_denied")}
    # A controller's next job has credentials of its own.
    assert all(row["retryable"] for row in result["unprocessed_accounts"])


# The caller's own

# Gives other keys each time: the first argument is the file that counts, the second how many answers are good for a
# while. botocore asks for new keys when the old ones have less than some minutes left.
PROVIDER = """
import datetime, json, sys
from pathlib import Path
counter = Path(sys.argv[1])
number = len(counter.read_text()) + 1 if counter.exists() else 1
counter.write_text("." * number)
minutes = 5 if number <= int(sys.argv[2]) else -5
ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
print(json.dumps({"Version": 1, "AccessKeyId": f"ASIAOWN{number}", "SecretAccessKey": "secret",
                  "SessionToken": "token", "Expiration": ends.isoformat()}))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a profile whose credentials a process gives, for as many times as is said, and return its options."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "provider.py").write_text(PROVIDER)

    def make(times: int) -> dict[str, Any]:
        process = f"{sys.executable} {tmp_path}/provider.py {tmp_path}/counter {times}"
        (tmp_path / "config").write_text(f"[profile process]\ncredential_process = {process}\n")
        return {"profile": "process", "access_key": None, "secret_key": None}

    return make


@both_services
def test_member_whose_callers_token_expires_between_two_calls_goes_on_with_a_new_one(
    service: str, own: Any, emulator: Emulator, run_module: Any
) -> None:
    switch_on(emulator, service, ADMINISTRATOR)
    emulator.set_knobs(session_seconds=600)
    for operation in ("GetMembers", "CreateMembers"):
        after_the_first(emulator, operation, lambda: emulator.advance(601))

    result = run_module(f"{service}_member", members=[member(A), member(B)], **own(1000))

    assert not result.get("failed"), result["msg"]
    assert {row["status"] for row in result["members"]} == {"Invited"}
    assert [call.error_code for call in emulator.calls if call.error_code] == []


def test_member_whose_callers_credentials_cannot_be_renewed_says_so(
    own: Any, emulator: Emulator, run_module: Any
) -> None:
    """The provider gives the same expired ones again, as an SSO session does that has ended."""
    switch_on(emulator, GUARDDUTY, ADMINISTRATOR)

    result = run_module("guardduty_member", members=[member(A)], **own(3))

    assert reasons(result["unprocessed_accounts"]) == {(A, "GetMembers", "access_denied")}
    assert "still expired" in result["msg"] and "\n" not in result["msg"] and "Traceback" not in result["msg"]
    assert not any(call.is_write for call in emulator.calls)


def test_module_whose_callers_credentials_are_expired_from_the_start_says_so(
    own: Any, emulator: Emulator, run_module: Any
) -> None:
    result = run_module("guardduty_member", members=[member(A)], **own(0))

    assert result["failed"] and "Renew them" in result["msg"] and "Traceback" not in result["msg"]
    assert emulator.calls == []


def test_module_whose_callers_sso_session_has_ended_says_so(
    own: Any, tmp_path: Path, emulator: Emulator, run_module: Any
) -> None:
    options = own(0)
    lines = (
        "[profile process]",
        "sso_session = example",
        "sso_account_id = 111111111111",
        "sso_role_name = Example",
        "[sso-session example]",
        "sso_region = us-east-1",
        "sso_start_url = https://example.com/start",
    )
    (tmp_path / "config").write_text("\n".join(lines))

    result = run_module("guardduty_member", members=[member(A)], **options)

    assert result["failed"] and "SSO" in result["msg"] and "Renew them" in result["msg"]
    assert "Traceback" not in result["msg"] and emulator.calls == []
