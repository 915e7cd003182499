# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's own interfaces: seed, log, hooks, the HTTP control and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.muster.aws.tests.emulator import Call, Emulator, EmulatorError
from ansible_collections.muster.aws.tests.unit.emulator.support import (
    ADMINISTRATOR,
    MANAGEMENT,
    MEMBER,
    OTHER,
    REGION,
    SERVICES,
    ZERO,
    Clients,
    Side,
    error_of,
)

Sides = Callable[..., Side]

SEED: dict[str, Any] = {
    "caller": OTHER,
    "accounts": {MEMBER: {"email": "a@example.com", "role_name": None}, ZERO: None},
    "services": [
        {"service": "guardduty", "account_id": OTHER, "regions": [REGION, "eu-west-1"]},
        {"service": "guardduty", "account_id": ZERO, "regions": [REGION], "enabled": False},
    ],
    "members": [
        {
            "service": "guardduty",
            "regions": [REGION, "eu-west-1"],
            "administrator_id": OTHER,
            "account_ids": [MEMBER, ZERO],
            "status": "Invited",
            "email": None,
        }
    ],
    "organization": {"management_account": MANAGEMENT, "account_ids": [], "central_configuration": False},
    "knobs": {"benign_texts": "2020"},
    "faults": [{"kind": "throttle", "operation": "ListDetectors"}],
}


def test_seed_describes_everything(emulator: Emulator) -> None:
    emulator.seed(SEED)
    client = boto3.client("guardduty", **emulator.client_arguments(), config=None)
    assert emulator.world.caller == OTHER
    for region in (REGION, "eu-west-1"):
        for account_id in (MEMBER, ZERO):
            member = emulator.member("guardduty", region, OTHER, account_id)
            assert member is not None
            assert (member.status, member.email) == ("Invited", emulator.world.account(account_id).email)
    assert emulator.world.knobs.benign_texts == "2020"
    [detector_id] = client.list_detectors()["DetectorIds"]  # boto3 retries the throttled call
    assert emulator.operations() == ["ListDetectors", "ListDetectors"]
    assert client.get_detector(DetectorId=detector_id)["Status"] == "ENABLED"
    switch = emulator.world.home("guardduty", ZERO, REGION).switch
    assert switch is not None
    assert not switch.enabled


@pytest.mark.parametrize(
    "seed",
    [
        {"acounts": {}},
        {"accounts": {MEMBER: {"mail": "a@example.com"}}},
        {"accounts": {12345678901: {}}},  # what YAML makes of an id without quotes
        {"caller": "12345"},
        {"knobs": {"speed": 1}},
        {"faults": [{"kind": "flood"}]},
    ],
)
def test_wrong_seed_is_refused(emulator: Emulator, seed: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError):
        emulator.seed(seed)


def test_reset_forgets_everything(emulator: Emulator, clients: Clients) -> None:
    emulator.seed(SEED)
    emulator.on_call(lambda moment, call, state: pytest.fail("still hooked"))
    emulator.advance(100)
    emulator.reset()
    assert clients("guardduty").list_detectors()["DetectorIds"] == []
    assert emulator.world.caller == ADMINISTRATOR
    assert emulator.member("guardduty", REGION, OTHER, MEMBER) is None
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("status", "has_invitation", "is_on", "belongs"),
    [
        ("Created", False, False, False),
        ("Invited", True, False, False),
        ("Enabled", True, True, True),
        ("Removed", True, False, False),
        ("Resigned", True, False, False),
    ],
)
def test_set_member_is_coherent(
    emulator: Emulator, service: str, status: str, has_invitation: bool, is_on: bool, belongs: bool
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, status, email="x@example.com")
    member = emulator.member(service, REGION, ADMINISTRATOR, MEMBER)
    assert member is not None
    assert (member.status, member.email) == (status, "x@example.com")
    assert (member.invited_at is not None) is has_invitation
    home = emulator.world.home(service, MEMBER, REGION)
    assert (ADMINISTRATOR in home.invitations) is has_invitation
    assert (home.switch is not None) is is_on
    assert (home.administrator_id == ADMINISTRATOR) is belongs
    assert emulator.world.home(service, ADMINISTRATOR, REGION).switch is not None
    emulator.set_member(service, REGION, ADMINISTRATOR, MEMBER, None)
    assert emulator.member(service, REGION, ADMINISTRATOR, MEMBER) is None
    assert home.invitations == {}
    assert home.administrator_id is None


def test_set_member_disabled_suspends_the_detector(emulator: Emulator) -> None:
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Disabled")
    switch = emulator.world.home("guardduty", MEMBER, REGION).switch
    assert switch is not None
    assert not switch.enabled


def test_log_tells_what_was_asked_and_answered(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    own.create(MEMBER)
    own.create(MEMBER, ZERO)
    error_of(own.client.get_members, DetectorId="wrong", AccountIds=[MEMBER])
    first, second, third = emulator.calls
    assert [call.index for call in emulator.calls] == [0, 1, 2]
    assert (first.http_status, first.error_code, first.unprocessed) == (200, None, [])
    assert second.unprocessed == [MEMBER]
    assert [item["AccountId"] for item in second.params["AccountDetails"]] == [MEMBER, ZERO]
    assert (third.http_status, third.error_code, third.is_write) == (400, "BadRequestException", False)
    assert emulator.operations("guardduty", writes_only=True) == ["CreateMembers", "CreateMembers"]
    assert emulator.operations("securityhub") == []
    emulator.clear_calls()
    assert emulator.calls == []


def test_log_is_complete_under_threads(emulator: Emulator, side: Sides) -> None:
    own = side("securityhub")
    threads = [threading.Thread(target=lambda: [own.listed() for _ignored in range(20)]) for _ignored in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.index for call in emulator.calls] == list(range(80))
    assert {call.http_status for call in emulator.calls} == {200}


def test_hook_acts_between_two_calls(emulator: Emulator, side: Sides) -> None:
    moments: list[tuple[str, str, int | None]] = []

    def auto_enable(moment: str, call: Call, state: Any) -> None:
        moments.append((moment, call.operation, call.http_status))
        if (moment, call.operation) == ("after", "GetMembers"):
            emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Enabled")
            assert state is emulator.world

    emulator.on_call(auto_enable)
    own = side("guardduty")
    assert own.statuses(MEMBER) == {}
    assert "already a member" in own.create(MEMBER)[MEMBER]
    assert moments == [
        ("before", "GetMembers", None),
        ("after", "GetMembers", 200),
        ("before", "CreateMembers", None),
        ("after", "CreateMembers", 200),
    ]


def test_hook_may_call_the_emulator(emulator: Emulator, side: Sides) -> None:
    """A second operator deletes the record before the invitation arrives."""
    own = side("securityhub")
    own.create(MEMBER)

    def second_operator(moment: str, call: Call, _state: Any) -> None:
        if (moment, call.operation) == ("before", "InviteMembers"):
            own.batch("delete_members", MEMBER)

    emulator.on_call(second_operator)
    assert list(own.batch("invite_members", MEMBER)) == [MEMBER]
    assert own.statuses(MEMBER) == {}


def test_own_clock() -> None:
    with Emulator(clock=lambda: 1518212345.568) as emulator:
        emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Invited")
        client = boto3.client("guardduty", **emulator.client_arguments(MEMBER))
        [invitation] = client.list_invitations()["Invitations"]
        assert invitation["InvitedAt"] == "2018-02-09T21:39:05.568Z"


def test_error_of_the_emulator_itself_is_no_answer_of_aws(emulator: Emulator, side: Sides) -> None:
    own = side("guardduty")
    emulator.set_member("guardduty", REGION, ADMINISTRATOR, MEMBER, "Created")
    member = emulator.member("guardduty", REGION, ADMINISTRATOR, MEMBER)
    assert member is not None
    member.email = None  # GuardDuty's model requires one
    code, status, text = error_of(own.client.get_members, **own.detector, AccountIds=[MEMBER])
    assert (code, status) == ("EmulatorError", 501)
    assert "Email" in text


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_emulator/{path}", data, method=method)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_control(emulator: Emulator, side: Sides) -> None:
    url = emulator.url
    control(url, "POST", "seed", SEED)
    control(url, "POST", "knobs", {"benign_texts": "2017"})
    control(url, "POST", "faults", [{"kind": "throttle", "service": "guardduty", "operation": "GetMembers"}])
    query = f"service=guardduty&region={REGION}&administrator_id={OTHER}"
    assert control(url, "GET", f"members?{query}") == [
        {"account_id": MEMBER, "status": "Invited", "email": "a@example.com"},
        {"account_id": ZERO, "status": "Invited", "email": f"{ZERO}@example.com"},
    ]
    own = side("guardduty", OTHER)
    assert error_of(lambda: own.statuses(MEMBER))[0] == "ThrottlingException"
    own.create("444444444444")
    got, created = control(url, "GET", "calls")
    assert (got["operation"], got["error_code"]) == ("GetMembers", "ThrottlingException")
    assert created["params"]["AccountDetails"][0]["AccountId"] == "444444444444"
    shared = {"service": "guardduty", "region": REGION, "count": 1}
    assert control(url, "GET", "summary") == {
        "calls": 2,
        "writes": 1,
        "operations": [
            {**shared, "operation": "CreateMembers", "is_write": True},
            {**shared, "operation": "GetMembers", "is_write": False},
        ],
    }
    control(url, "DELETE", "calls")
    assert control(url, "GET", "calls") == []
    control(url, "DELETE", "faults")
    own.client.list_detectors()
    control(url, "POST", "reset")
    assert emulator.calls == []
    assert emulator.world.caller == ADMINISTRATOR


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("GET", "members", None, 400),
        ("POST", "knobs", {"speed": 1}, 400),
        ("POST", "seed", {"caller": 5}, 400),
    ],
)
def test_wrong_control_call_is_refused(emulator: Emulator, method: str, path: str, body: Any, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        control(emulator.url, method, path, body)
    assert refused.value.code == status
    assert json.load(refused.value)["error"]


def test_unsigned_request_is_refused(emulator: Emulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{emulator.url}/detector")
    assert refused.value.code == 403


def test_emulator_that_is_not_running_has_no_url() -> None:
    with pytest.raises(RuntimeError):
        _ignored = Emulator().url


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The emulator as a process, and its URL."""
    seed, port_file = tmp_path / "seed.yml", tmp_path / "port"
    seed.write_text(f'caller: "{ZERO}"\nknobs: {{verify_email: off}}\n', encoding="utf-8")
    tests = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "emulator", "--port", "0", "--seed", str(seed), "--port-file", str(port_file)]
    environment = {**os.environ, "PYTHONPATH": str(tests)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as started:
        try:
            deadline = time.monotonic() + 30
            while not port_file.exists() and started.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            yield started, f"http://127.0.0.1:{port_file.read_text(encoding='utf-8').strip()}"
        finally:
            started.kill()


def test_process_serves_says_where_and_ends_quietly(process: tuple[subprocess.Popen[str], str]) -> None:
    started, url = process
    assert started.stdout is not None
    assert started.stdout.readline() == f"ready {url}\n"
    keys = {"aws_access_key_id": "AKIAANY", "aws_secret_access_key": "secret", "region_name": REGION}
    client = boto3.client("guardduty", endpoint_url=url, **keys)
    client.list_detectors()
    assert control(url, "GET", "calls")[0]["account_id"] == ZERO
    started.send_signal(signal.SIGTERM)
    output, errors = started.communicate(timeout=10)
    assert (started.returncode, output, errors) == (0, "", "")
