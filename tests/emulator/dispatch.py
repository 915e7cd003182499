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
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .calls import Call, is_write
from .errors import AwsError
from .faults import Fault, accounts_in, strike, without_accounts
from .foreign import ForeignServices, error_response
from .membership import MembershipService
from .regions import is_known
from .requests import Request, Result
from .server import HttpRequest, HttpResponse
from .services import SERVICES
from .state import World
from .wire import InvalidRequest

Hook = Callable[[str, Call, World], None]

# An access key that says whose it is, for tests that do not want to assume a role first.
_DIRECT_KEY = re.compile(r"AKIADIRECT(\d{12})")


class Api(Protocol):
    """One way of answering: this package's services, or moto's."""

    def identify(self, http: HttpRequest) -> Identified:
        """Find out what is asked for."""

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        """Carry out a call; the accounts in ``unprocessed`` are refused with the given text."""

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        """Write an error."""


@dataclass
class Identified:
    """What a request asks for, or why it cannot be answered."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    refusal: AwsError | None = None


class OwnApi:
    """A service of this package on the wire."""

    def __init__(self, service: MembershipService, world: World, lock: threading.RLock, limit: RateLimit) -> None:
        self.service = service
        self.world = world
        self._lock = lock
        self._limit = limit

    def identify(self, http: HttpRequest) -> Identified:
        found = self.service.wire.route(http.method, http.path)
        operation, labels = found or (None, {})
        name = operation.name if operation else f"{http.method} {http.path}"
        if operation is None or name not in self.service.operations:
            return Identified(name, {}, AwsError("UnknownOperationException", f"{name} is not emulated", 404))
        try:
            return Identified(name, operation.parse(labels, http.query, http.body))
        except InvalidRequest as problem:
            return Identified(name, {}, self.service.invalid(self._request(self.world, http, name, {}), problem))

    def _request(self, world: World, http: HttpRequest, operation: str, params: Mapping[str, Any]) -> Request:
        wire = self.service.wire.operations[operation]
        return Request(world, self.service.name, http.account_id, http.region, wire, params)

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        params = without_accounts(call.params, unprocessed)
        with self._lock:
            shown = self.world.as_shown(self.service.name, http.region)
            request = self._request(self.world if call.is_write else shown, http, call.operation, params)
            request.unprocessed.update(unprocessed)
            self._limit.check(self.service.name, http.account_id, http.region)
            off = self.world.account(http.account_id).disabled_regions
            if http.region in off or not is_known(http.region):
                message = "The security token included in the request is invalid."
                raise AwsError("UnrecognizedClientException", message, 403)
            try:
                if call.is_write and self.world.knobs.lag_hits == "writes":
                    self.service.check(self._request(shown, http, call.operation, params))
                result = self._carry_out(request) if call.is_write else self.service.perform(request)
            except InvalidRequest as problem:
                raise self.service.invalid(request, problem) from problem
        if result and not {"UnprocessedAccounts", "unprocessedAccounts"}.isdisjoint(result):
            call.unprocessed = list(request.unprocessed)
        body = request.operation.serialise(result)
        return HttpResponse(request.operation.status, {"Content-Type": "application/json"}, body)

    def _carry_out(self, request: Request) -> Result:
        with self.world.hidden_write(request.service, request.region, request.operation.name):
            return self.service.perform(request)

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        body = self.service.error_body(error)
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
        return HttpResponse(error.status, headers, json.dumps(body).encode())


class ForeignApi:
    """moto's services on the wire."""

    def __init__(self, services: ForeignServices) -> None:
        self.services = services

    def identify(self, http: HttpRequest) -> Identified:
        return Identified(*self.services.operation(http))

    def perform(self, http: HttpRequest, call: Call, unprocessed: Mapping[str, str]) -> HttpResponse:
        return self.services.perform(http, call.operation, call.params)

    def error_response(self, http: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
        return error_response(http.service, error, request_id)


class RateLimit:
    """A token bucket per service, account and Region."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def check(self, service: str, account_id: str, region: str) -> None:
        """Take a token, or raise the throttling error."""
        knobs = self.world.knobs
        if knobs.rate_limit not in (service, "both", "all"):
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
        # By signing name.
        self._own_apis = {
            service.client: OwnApi(service, world, self.lock, self.rate_limit)
            for service in (make() for make in SERVICES)
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
        own = self._own_apis.get(http.service)
        api: Api = own or self._foreign_api
        # In the log and in rules, a service has the collection's name.
        http = replace(http, service_name=own.service.name if own else http.service)
        asked = api.identify(http)
        if self._is_session_over(http):
            code = "ExpiredTokenException" if own else "ExpiredToken"
            asked.refusal = AwsError(code, "The security token included in the request is expired", 403)
        call, fault = self._begin(http, asked)
        self._notify("before", call)
        try:
            response = self._perform(api, http, call, fault, asked.refusal)
        except AwsError as error:
            call.error_code = error.code
            response = api.error_response(http, error, request_id)
        except Exception as bug:  # say so in the answer; 501 is not retried
            traceback.print_exc()
            call.error_code = "EmulatorError"
            response = api.error_response(http, AwsError("EmulatorError", repr(bug), 501), request_id)
        if fault and fault.strikes == "after":
            response = _spoil(response, fault)
        call.http_status = response.status or None
        self._notify("after", call)
        return response

    def _is_session_over(self, http: HttpRequest) -> bool:
        assert http.scope is not None
        with self.lock:
            return "x-amz-security-token" in http.headers and self.world.is_session_over(http.scope[0])

    def _begin(self, http: HttpRequest, asked: Identified) -> tuple[Call, Fault | None]:
        name = asked.operation
        with self.lock:
            index = len(self.calls)
            call = Call(index, http.service_name, name, http.account_id, http.region, asked.params, is_write(name))
            self.calls.append(call)
            fault = strike(self.faults, call)
            call.fault = fault.kind if fault else None
            return call, fault

    @staticmethod
    def _perform(
        api: Api, http: HttpRequest, call: Call, fault: Fault | None, refusal: AwsError | None
    ) -> HttpResponse:
        if fault and fault.kind == "reset_before":
            return HttpResponse(0, is_reset=True)
        if fault and fault.kind == "silent":
            return HttpResponse(0, silence=fault.seconds)
        if fault and fault.strikes == "error":
            raise fault.error(http.service_name)
        if refusal:
            raise refusal
        unprocessed = {}
        if fault and fault.kind == "unprocessed":
            named = set(fault.account_ids).intersection(accounts_in(call.params))
            unprocessed = dict.fromkeys(sorted(named), fault.message or "Internal error")
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
