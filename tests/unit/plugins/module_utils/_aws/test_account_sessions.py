# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose credentials sign a request, thread by thread, and what becomes of a session that has run out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.sessions import (
    RENEWALS,
    AccountSession,
    Signing,
    own_credentials,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import CallFailed, TaskFailed
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError

OWN = Credentials("AKIAOWN", "secret", method="explicit")
EXPIRED = {"Error": {"Code": "ExpiredTokenException", "Message": "It is expired."}}


class Roles:
    """Gives other keys each time, until it fails."""

    def __init__(self, good_for: int = 99) -> None:
        self.count = 0
        self.good_for = good_for

    def __call__(self) -> Credentials:
        self.count += 1
        if self.count > self.good_for:
            raise CallFailed("AssumeRole", "AccessDenied", "The role is gone.", Reason.ASSUME_ROLE_FAILED)
        return Credentials(f"ASIA{self.count}", "secret", "token")


# The caller's own


def session_with(credentials: Any) -> Any:
    provider = SimpleNamespace(load_credentials=lambda: credentials)
    return SimpleNamespace(get_component={"credential_provider": provider}.__getitem__)


def test_keys_that_are_given_are_the_callers() -> None:
    options = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": "secret", "aws_session_token": "token"}
    assert own_credentials(session_with(OWN), options).get_frozen_credentials()[:3] == ("AKIA1", "secret", "token")


@pytest.mark.parametrize(
    "options", [{}, {"aws_access_key_id": None, "aws_secret_access_key": ""}, {"aws_session_token": "token"}]
)
def test_without_keys_the_sdk_knows_whose_they_are(options: dict[str, Any]) -> None:
    assert own_credentials(session_with(OWN), options) is OWN


@pytest.mark.parametrize("name", ["aws_access_key_id", "aws_secret_access_key"])
def test_half_a_pair_leads_to_nobody_elses(name: str) -> None:
    text = "^access_key and secret_key go together: give both of them, or neither$"
    with pytest.raises(TaskFailed, match=text):
        own_credentials(session_with(OWN), {name: "value", "aws_session_token": None})


def test_no_credentials_at_all_are_told_with_what_to_give() -> None:
    with pytest.raises(TaskFailed) as caught:
        own_credentials(session_with(None), {})
    assert str(caught.value) == (
        "no AWS credentials found; give profile, or access_key and secret_key, or the AWS_* environment variables"
    )


# An assumed role's


def test_session_that_aws_accepted_once_is_taken_anew() -> None:
    roles = Roles()
    session = AccountSession(roles)
    for count in (1, 2, 3):
        keys = session.get_frozen_credentials()
        assert keys[:3] == (f"ASIA{count}", "secret", "token")
        session.prove(keys)
        assert session.renew(keys) is True
    assert roles.count == 4


def test_session_that_aws_never_accepted_is_not_taken_anew() -> None:
    roles = Roles()
    session = AccountSession(roles)
    keys = session.get_frozen_credentials()
    assert session.renew(keys) is False
    assert session.get_frozen_credentials() is keys and roles.count == 1


def test_session_is_as_unproven_after_it_was_taken_anew_as_the_first() -> None:
    roles = Roles()
    session = AccountSession(roles)
    session.prove(session.get_frozen_credentials())
    assert session.renew(session.get_frozen_credentials()) is True
    assert session.renew(session.get_frozen_credentials()) is False
    assert roles.count == 2


def test_session_is_not_proven_by_the_keys_before() -> None:
    session = AccountSession(Roles())
    first = session.get_frozen_credentials()
    session.prove(first)
    session.renew(first)
    session.prove(first)
    assert session.renew(session.get_frozen_credentials()) is False


def test_session_that_somebody_took_anew_meanwhile_is_used() -> None:
    roles = Roles()
    session = AccountSession(roles)
    first = session.get_frozen_credentials()
    session.prove(first)
    assert [session.renew(first) for _conversation in range(3)] == [True, True, True]
    assert roles.count == 2


def test_session_whose_role_is_gone_says_so_to_everybody_and_asks_once() -> None:
    roles = Roles(good_for=1)
    session = AccountSession(roles)
    keys = session.get_frozen_credentials()
    session.prove(keys)
    for _conversation in range(2):
        with pytest.raises(CallFailed, match="The role is gone"):
            session.renew(keys)
    assert roles.count == 2


def test_session_that_cannot_be_taken_is_none() -> None:
    with pytest.raises(CallFailed, match="The role is gone"):
        AccountSession(Roles(good_for=0))


# Who signs


def test_thread_signs_as_the_account_that_it_acts_as_and_else_as_the_caller() -> None:
    signing = Signing(OWN)
    outer, inner = AccountSession(Roles()), AccountSession(lambda: Credentials("ASIAINNER", "secret", "token"))

    def key() -> str:
        return str(signing.keys().access_key)

    assert key() == "AKIAOWN"
    with signing.acting_as(outer):
        assert key() == "ASIA1"
        with signing.acting_as(None):
            assert key() == "AKIAOWN"
        with pytest.raises(ValueError, match="x"), signing.acting_as(inner):
            assert key() == "ASIAINNER"
            raise ValueError("x")
        assert key() == "ASIA1"
        with ThreadPoolExecutor(1) as other:
            assert other.submit(key).result() == "AKIAOWN"
    assert key() == "AKIAOWN"


def test_sessions_of_the_sdk_get_the_keys_of_the_thread_that_signs() -> None:
    signing = Signing(OWN)
    provided = signing.as_provider().load_credentials()
    assert provided.get_frozen_credentials().access_key == "AKIAOWN"
    with signing.acting_as(AccountSession(Roles())):
        assert provided.get_frozen_credentials().access_key == "ASIA1"


@pytest.mark.parametrize(("more", "provider"), [({"method": "sso"}, "sso"), ({}, "unknown")])
def test_callers_keys_that_stay_expired_are_told_with_where_they_come_from(more: dict[str, Any], provider: str) -> None:
    def refuse() -> None:
        raise RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired.")

    signing = Signing(SimpleNamespace(get_frozen_credentials=refuse, **more))
    with pytest.raises(CredentialRetrievalError) as caught:
        signing.keys()
    assert caught.value.kwargs == {
        "provider": provider,
        "error_msg": "Credentials were refreshed, but the refreshed credentials are still expired.",
    }


# When a session runs out


class Request:
    """A request of an account, as botocore tells of it after each try."""

    def __init__(self, signing: Signing) -> None:
        self.signing = signing
        self.context: dict[str, Any] = {}
        self.attempts = 0
        self.parsed: dict[str, Any] = {}

    def tried(self, parsed: dict[str, Any], tries: int = 8) -> float | None:
        self.attempts += 1
        self.signing.keys()
        self.parsed = {**parsed}
        request = {"context": self.context}
        return self.signing.retry_expired(tries, ("http", self.parsed), self.attempts, request, event_name="x")

    @property
    def renewals(self) -> int:
        count: int = self.parsed["ResponseMetadata"][RENEWALS]
        return count


def test_expired_session_is_replaced_and_the_request_sent_again_at_once() -> None:
    roles, signing = Roles(), Signing(OWN)
    with signing.acting_as(AccountSession(roles)):
        request = Request(signing)
        assert request.tried({}) is None
        assert request.renewals == 0
        assert request.tried(EXPIRED) == 0.0
        assert signing.keys().access_key == "ASIA2"
        # What refused it was the signature: the tries before it had no effect.
        assert request.tried({"ResponseMetadata": {"HTTPStatusCode": 200}}) is None
        assert request.parsed["ResponseMetadata"] == {"HTTPStatusCode": 200, RENEWALS: 1}
        assert request.tried(EXPIRED) == 0.0
        assert request.tried({}) is None
        assert request.renewals == 2
    assert roles.count == 3


@pytest.mark.parametrize("code", ["AccessDenied", "UnrecognizedClientException"])
def test_refusal_of_another_kind_is_an_answer_to_a_session_that_works(code: str) -> None:
    roles, signing = Roles(), Signing(OWN)
    with signing.acting_as(AccountSession(roles)):
        request = Request(signing)
        assert request.tried({"Error": {"Code": code}}) is None
        assert request.tried(EXPIRED) == 0.0
    assert roles.count == 2


def test_session_that_never_worked_is_refused() -> None:
    roles, signing = Roles(), Signing(OWN)
    with signing.acting_as(AccountSession(roles)):
        assert Request(signing).tried(EXPIRED) is None
    assert roles.count == 1


def test_expired_session_is_not_replaced_for_a_request_without_tries_left() -> None:
    roles, signing = Roles(), Signing(OWN)
    with signing.acting_as(AccountSession(roles)):
        request = Request(signing)
        assert request.tried({}, tries=3) is None
        assert request.tried(EXPIRED, tries=3) == 0.0
        request.tried({}, tries=9)
        assert request.tried(EXPIRED, tries=4) is None
    assert roles.count == 2


def test_callers_own_keys_are_the_sdks_to_renew() -> None:
    request = Request(Signing(OWN))
    assert request.tried(EXPIRED) is None
    assert request.parsed == EXPIRED


def test_request_without_an_answer_says_nothing_about_the_session() -> None:
    signing = Signing(OWN)
    with signing.acting_as(AccountSession(Roles())):
        assert signing.retry_expired(8, None, 1, {"context": {}}) is None


def test_conversations_whose_session_expires_together_take_one_anew() -> None:
    roles, signing = Roles(), Signing(OWN)
    session = AccountSession(roles)
    session.prove(session.get_frozen_credentials())
    together = threading.Barrier(4)

    def converse(_number: int) -> float | None:
        with signing.acting_as(session):
            signing.keys()
            together.wait(10)
            return signing.retry_expired(8, ("http", {**EXPIRED}), 1, {"context": {}})

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(converse, range(4))) == [0.0] * 4
    assert roles.count == 2
