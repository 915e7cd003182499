# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AWS that answers the SDK's signed requests where they would be sent, as a test says: no socket, and no waiting.

botocore asks its handlers of ``before-send`` for an answer before it opens a connection. All else is the real SDK.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from ansible_collections.muster.aws.tests.harness import shared_loader
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.session import Session

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/")

NOBODY = EndpointConnectionError(endpoint_url="https://x")
SLOW_TO_CONNECT = ConnectTimeoutError(endpoint_url="https://x")
SLOW_TO_ANSWER = ReadTimeoutError(endpoint_url="https://x")


@dataclass(frozen=True)
class Said:
    """An answer as it is on the wire."""

    body: bytes
    status: int = 200
    code: str = ""

    def response(self, url: str) -> AWSResponse:
        return AWSResponse(url, self.status, {"x-amzn-ErrorType": self.code} if self.code else {}, _Body(self.body))


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def said(**values: Any) -> Said:
    """Return an answer in JSON."""
    return Said(json.dumps(values).encode())


def refused(code: str, text: str | None, status: int = 400) -> Said:
    """Return an error in JSON."""
    return Said(b"" if text is None else json.dumps({"__type": code, "message": text}).encode(), status, code)


def sts_refused(code: str, text: str = "You may not.", status: int = 403) -> Said:
    """Return an error of STS, which speaks XML."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
    return Said(
        f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}</ErrorResponse>'.encode(), status
    )


def sts_said(operation: str, content: str) -> Said:
    """Return an answer of STS."""
    result = f"<{operation}Result>{content}</{operation}Result>"
    name = f"{operation}Response"
    return Said(f'<{name} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{result}</{name}>'.encode())


def identity(account_id: str = "111111111111", partition: str = "aws") -> Said:
    """Return what GetCallerIdentity answers."""
    arn = f"<Arn>arn:{partition}:sts::{account_id}:assumed-role/Admin/x</Arn>"
    return sts_said("GetCallerIdentity", f"{arn}<UserId>AROA:x</UserId><Account>{account_id}</Account>")


def role_keys(account_id: str, key: str = "ASIAROLE", partition: str = "aws") -> Said:
    """Return what AssumeRole answers."""
    user = f"<AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:{partition}:sts::{account_id}:assumed-role/Onboard/x</Arn>"
    keys = (
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
    )
    times = "<Expiration>2030-01-01T00:00:00Z</Expiration>"
    return sts_said("AssumeRole", f"<AssumedRoleUser>{user}</AssumedRoleUser><Credentials>{keys}{times}</Credentials>")


@dataclass(frozen=True)
class Asked:
    """A request: to which address, signed with which key for which Region, and what it asks."""

    operation: str
    region: str
    key: str
    address: str
    params: dict[str, Any]


class Aws:
    """Answers each operation in turn what is said for it, the last of that again and again.

    :ivar asked: Every request, each try of it.
    :ivar made: With what each client was made.
    :ivar clients: The clients.
    :ivar slept: How long the SDK waited between its tries.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.made: list[dict[str, Any]] = []
        self.clients: list[Any] = []
        self.slept: list[float] = []
        self._answers: dict[tuple[str, str], list[Said | Exception]] = {}
        self.say("GetCallerIdentity", identity())

    def say(self, operation: str, *answers: Said | Exception, region: str = "") -> None:
        """Let an operation answer so, in all Regions, or in one, or raise what the SDK would."""
        self._answers[operation, region] = list(answers)

    def answer(self, request: Any, event_name: str, **_event: object) -> AWSResponse:
        """Answer a request. A handler of botocore's."""
        operation = event_name.rpartition(".")[2]
        scope = _SCOPE.search(_text(request.headers["Authorization"]))
        assert scope
        key, region = scope.groups()
        address, _question, query = request.url.partition("?")
        self.asked.append(Asked(operation, region, key, address, {**dict(parse_qsl(query)), **_params(request.body)}))
        answers = self._answers.get((operation, region)) or self._answers[operation, ""]
        told = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(told, Exception):
            raise told
        return told.response(request.url)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """What was asked, and in which Region."""
        return [(asked.operation, asked.region) for asked in self.asked]

    @property
    def keys(self) -> list[str]:
        """Whose keys signed what was asked."""
        return [asked.key for asked in self.asked]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _params(body: Any) -> dict[str, Any]:
    text = _text(body or "")
    return json.loads(text) if text.startswith("{") else dict(parse_qsl(text))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Aws:
    """An AWS behind all clients that are made, for a caller without credentials of its own."""
    aws = Aws()
    create = Session.create_client

    def create_client(session: Session, *names: str, **options: Any) -> Any:
        client = create(session, *names, **options)
        client.meta.events.register_first("before-send", aws.answer)
        aws.made.append({"service": names[0] if names else None, **options})
        aws.clients.append(client)
        return client

    monkeypatch.setattr(Session, "create_client", create_client)
    monkeypatch.setattr("botocore.session.create_loader", shared_loader)
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=aws.slept.append))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return aws
