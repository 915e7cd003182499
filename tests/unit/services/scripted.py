# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AWS that answers, over HTTP, what a test says, and keeps what it was asked: for the adapters alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import AwsApi
from ansible_collections.muster.aws.plugins.module_utils._aws.silence import Line
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Service
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.organization import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._services.macie.adapter import MACIE
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as REGISTRY
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.organization import SECURITYHUB
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.emulator.server import HttpRequest, HttpResponse
from ansible_collections.muster.aws.tests.emulator.wire import load_service
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, REGION
from botocore.config import Config

SERVICES: Mapping[str, Service] = {"guardduty": GUARDDUTY, "securityhub": SECURITYHUB, "macie": MACIE}
assert SERVICES.keys() == REGISTRY.keys()


@dataclass(frozen=True)
class Refused:
    """An error of AWS."""

    code: str
    text: str
    status: int = 400

    def response(self) -> HttpResponse:
        return HttpResponse(self.status, {"x-amzn-ErrorType": self.code}, json.dumps({"message": self.text}).encode())


# A body as it is on the wire, or an error.
Said = Mapping[str, Any] | Refused


class Script:
    """AWS for one service: each operation answers in turn what is said for it, the last of that again and again."""

    def __init__(self, emulator: Emulator, service: str, answers: Mapping[str, Said | list[Said]]) -> None:
        self.service = SERVICES[service]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._emulator = emulator
        self._client = self.service.facts.client
        self._answers = {name: list(said) if isinstance(said, list) else [said] for name, said in answers.items()}

    @property
    def operations(self) -> list[str]:
        """What was called, in this order."""
        return [operation for operation, _params in self.asked]

    def answer(self, http: HttpRequest) -> HttpResponse:
        operation, params = self._read(http)
        # The SDK's own, another one each time.
        self.asked.append((operation, {k: value for k, value in params.items() if k.lower() != "clienttoken"}))
        answers = self._answers.get(operation)
        if not answers:
            return Refused("NotInTheScript", f"nobody said what {operation} answers", 501).response()
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        return said.response() if isinstance(said, Refused) else HttpResponse(200, {}, json.dumps(said).encode())

    @staticmethod
    def _read(http: HttpRequest) -> tuple[str, dict[str, Any]]:
        target = http.headers.get("x-amz-target")
        if target:
            return target.rpartition(".")[2], json.loads(http.body)
        found = load_service(http.service).route(http.method, http.path)
        assert found, http
        operation, labels = found
        return operation.name, operation.parse(labels, http.query, http.body)

    def api(self, attempts: int = 1, partition: str = "aws") -> AwsApi:
        """Return the service as an adapter gets it.

        :param attempts: How many requests the SDK makes where AWS fails.
        """
        arn_prefix = f"arn:{partition}:{self._client}:{REGION}:{ADMINISTRATOR}:"
        return AwsApi(self._client_of(self._client, attempts), Line(REGION, 60), arn_prefix, self.service.facts)

    def organizations(self) -> AwsApi:
        """Return AWS Organizations, which answers beside the service."""
        return AwsApi(self._client_of("organizations", attempts=1), Line(REGION, 60), "")

    def _client_of(self, name: str, attempts: int) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        return boto3.client(name, config=config, **self._emulator.client_arguments(ADMINISTRATOR, REGION))


@contextmanager
def scripted(emulator: Emulator, service: str, answers: Mapping[str, Said | list[Said]]) -> Iterator[Script]:
    """Let a service answer so."""
    server = emulator._server
    assert server
    script = Script(emulator, service, answers)
    server.answer = script.answer
    try:
        yield script
    finally:
        server.answer = emulator.answer
