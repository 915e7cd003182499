# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an HTTP request to the service that answers it, with the log, the faults and the limits in between."""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from .calls import Call, is_write
from .errors import AwsError
from .faults import Fault, accounts_in, strike, without_accounts
from .foreign import ForeignServices, error_response
from .guardduty import GuardDuty
from .membership import MembershipService
from .requests import Request
from .securityhub import SecurityHub
from .server import HttpRequest, HttpResponse
from .state import World
from .wire import InvalidRequest

Hook = Callable[[str, Call, World], None]

# An access key that says whose it is, for tests that do not want to assume a role first.
_DIRECT_KEY = re.compile(r"AKIADIRECT(\d{12})")


class Api(Protocol):
    """One way of answering: this package's services, or moto's."""

    def identify(self, http: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Return the operation and its parameters; raise AwsError when there is no such operation."""

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        """Carry out a call; the accounts in ``unprocessed`` are refused with the given text."""

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        """Write an error."""


class OwnApi:
    """A service of this package on the wire."""

    def __init__(self, service: MembershipService, world: World) -> None:
        self.service = service
        self.world = world

    def identify(self, http: HttpRequest) -> tuple[str, dict[str, Any]]:
        found = self.service.wire.route(http.method, http.path)
        if found is None:
            raise AwsError("UnknownOperationException", f"{http.method} {http.path} is in no service model", 404)
        operation, labels = found
        if operation.name not in self.service.operations:
            error = AwsError("UnknownOperationException", f"{operation.name} is not emulated", 404)
            raise OperationError(operation.name, error)
        try:
            return operation.name, operation.parse(labels, http.query, http.body)
        except InvalidRequest as problem:
            error = self.service.invalid(self._request(http, operation.name, {}), problem)
            raise OperationError(operation.name, error) from problem

    def _request(self, http: HttpRequest, operation: str, params: Mapping[str, Any]) -> Request:
        wire = self.service.wire.operations[operation]
        return Request(self.world, self.service.name, http.account_id, http.region, wire, params)

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        if http.region in self.world.account(http.account_id).disabled_regions:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        request = self._request(http, call.operation, without_accounts(call.params, unprocessed))
        request.unprocessed.update(unprocessed)
        try:
            result = self.service.perform(request)
        except InvalidRequest as problem:
            raise self.service.invalid(request, problem) from problem
        if result and "UnprocessedAccounts" in request.operation.output_shape.members:
            call.unprocessed = list(request.unprocessed)
        body = request.operation.serialise(result)
        return HttpResponse(request.operation.status, {"Content-Type": "application/json"}, body)

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        if self.service.name == "guardduty":
            body = {"message": error.message, "__type": error.inner or error.code}
        else:
            body = {"Code": error.code, "Message": error.message}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
        return HttpResponse(error.status, headers, json.dumps(body).encode())


class ForeignApi:
    """moto's services on the wire."""

    def __init__(self, services: ForeignServices) -> None:
        self.services = services

    def identify(self, http: HttpRequest) -> tuple[str, dict[str, Any]]:
        return self.services.operation(http)

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        return self.services.perform(http, call.operation, call.params)

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        return error_response(http.service, error, request_id)


class OperationError(AwsError):
    """An error of a request whose operation is known."""

    def __init__(self, operation: str, error: AwsError) -> None:
        super().__init__(error.code, error.message, error.status, error.inner)
        self.operation = operation


class RateLimit:
    """A token bucket per service, account and Region."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def check(self, service: str, account_id: str, region: str) -> None:
        """Take a token, or raise the throttling error."""
        knobs = self.world.knobs
        if knobs.rate_limit not in (service, "both"):
            return
        key, now = (service, account_id, region), self.world.now()
        tokens, last = self._buckets.get(key, (float(knobs.rate_limit_burst), now))
        tokens = min(knobs.rate_limit_burst, tokens + (now - last) * knobs.rate_limit_per_second)
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        if tokens < 1:
            raise AwsError(knobs.rate_limit_code, "Too Many Requests", 429)

    def clear(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()


class Dispatcher:
    """Answers every AWS request. ``lock`` is held while state changes, never while somebody sleeps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.hooks: list[Hook] = []
        self.foreign = ForeignServices(world)
        self.rate_limit = RateLimit(world)
        self._foreign_api = ForeignApi(self.foreign)
        self._apis: dict[str, Api] = {
            service.name: OwnApi(service, world) for service in (GuardDuty(), SecurityHub())
        }

    def account_of(self, access_key: str) -> str:
        """Return whose access key that is; an unknown one is the configured caller's."""
        direct = _DIRECT_KEY.fullmatch(access_key)
        return direct.group(1) if direct else self.world.access_keys.get(access_key, self.world.caller)

    def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer a request."""
        request_id = str(uuid.uuid4())
        if http.scope is None:
            error = AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
            response = self._foreign_api.error_response(http, error, request_id)
        else:
            http = replace(http, account_id=self.account_of(http.scope[0]))
            if self.world.knobs.latency:
                time.sleep(self.world.knobs.latency)
            response = self._answer_signed(http, request_id)
        response.headers.setdefault("x-amzn-RequestId", request_id)
        return response

    def _answer_signed(self, http: HttpRequest, request_id: str) -> HttpResponse:
        api = self._apis.get(http.service, self._foreign_api)
        refused: AwsError | None = None
        try:
            operation, params = api.identify(http)
        except AwsError as error:
            operation, params, refused = getattr(error, "operation", "Unknown"), {}, error
        call, fault = self._begin(http, operation, params)
        self._notify("before", call)
        try:
            response = self._perform(api, http, call, fault, refused)
        except AwsError as error:
            call.error_code = error.code
            response = api.error_response(http, error, request_id)
        except Exception as bug:  # say so in the answer; 501 is not retried
            call.error_code = "EmulatorError"
            response = api.error_response(http, AwsError("EmulatorError", repr(bug), 501), request_id)
            traceback.print_exc()
        if fault and fault.strikes == "after":
            response = _spoil(response, fault)
        call.http_status = response.status or None
        self._notify("after", call)
        return response

    def _begin(self, http: HttpRequest, operation: str, params: Mapping[str, Any]) -> tuple[Call, Fault | None]:
        with self.lock:
            call = Call(
                len(self.calls), http.service, operation, http.account_id, http.region, params, is_write(operation)
            )
            self.calls.append(call)
            fault = strike(self.faults, call)
            call.fault = fault.kind if fault else None
            return call, fault

    def _perform(
        self, api: Api, http: HttpRequest, call: Call, fault: Fault | None, refused: AwsError | None
    ) -> HttpResponse:
        if fault and fault.kind == "reset_before":
            return HttpResponse(0, is_reset=True)
        if fault and (fault.strikes == "error" or fault.kind == "refuse_batch"):
            raise fault.error(http.service)
        if refused:
            raise refused
        unprocessed = {}
        if fault and fault.kind == "unprocessed":
            named = set(fault.account_ids).intersection(accounts_in(call.params))
            unprocessed = dict.fromkeys(sorted(named), fault.message or "Internal error")
        if isinstance(api, ForeignApi):
            return api.perform(http, call, unprocessed)
        with self.lock:
            self.rate_limit.check(http.service, http.account_id, http.region)
            return api.perform(http, call, unprocessed)

    def _notify(self, moment: str, call: Call) -> None:
        for hook in list(self.hooks):
            hook(moment, call, self.world)


def _spoil(response: HttpResponse, fault: Fault) -> HttpResponse:
    if fault.kind == "reset_after":
        return HttpResponse(0, is_reset=True)
    if fault.kind == "timeout_after":
        return HttpResponse(0, silence=fault.seconds)
    return HttpResponse(200, response.headers, b'{"unprocessedAccounts": [{"accountId": ')
