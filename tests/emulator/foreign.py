# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""STS, Organizations, IAM and EC2: moto's, in this process, with the accounts of this emulator."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from . import organizations_api
from .errors import AwsError
from .regions import describe_regions, is_known
from .server import HttpRequest, HttpResponse
from .state import World
from .wire import home_of, partition_of

_ACCESS_KEY = re.compile(r"<AccessKeyId>(\w+)</AccessKeyId>")

_QUERY_ERROR = (
    '<ErrorResponse xmlns="https://{service}.amazonaws.com/doc/"><Error><Type>Sender</Type><Code>{code}</Code>'
    "<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
)
_EC2_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
    "<RequestID>{request_id}</RequestID></Response>"
)

# moto keeps its state in module globals, so every emulator of a process shares it.
_moto_lock = threading.RLock()


class ForeignServices:
    """moto behind the emulator's own accounts and access keys."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._moto = Client(DomainDispatcherApplication(create_backend_app))
        self._is_organization_known = False

    def reset(self) -> None:
        """Forget everything moto knows."""
        with _moto_lock:
            self._moto.post("/moto-api/reset")
            self._is_organization_known = False

    @staticmethod
    def operation(request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Return the operation of a request of the query or the JSON protocol, and its parameters."""
        target = request.headers.get("x-amz-target")
        if target:
            return target.rpartition(".")[2], json.loads(request.body or b"{}")
        params = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        params.pop("Version", None)
        return params.pop("Action", "Unknown"), params

    def perform(self, request: HttpRequest, operation: str, params: Mapping[str, Any]) -> HttpResponse:
        """Let moto answer, with what this emulator knows about accounts."""
        if request.service == "sts" and self._is_sts_off(request.account_id, request.region):
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if operation == "AssumeRole":
            return self._assume_role(request, params)
        if operation == "DescribeRegions":
            disabled = self.world.account(request.account_id).disabled_regions
            body = describe_regions(partition_of(request.region), disabled, params, str(uuid.uuid4()))
            return HttpResponse(200, {"Content-Type": "text/xml"}, body)
        if request.service == "organizations":
            if operation in organizations_api.OPERATIONS:
                return organizations_api.answer(self.world, request, operation, params)
            self._tell_organization()
        return self._ask_moto(request)

    def _is_sts_off(self, account_id: str, region: str) -> bool:
        if not is_known(region):
            return True
        return region in self.world.account(account_id).disabled_regions and region != home_of(region)

    def _ask_moto(self, request: HttpRequest) -> HttpResponse:
        # moto takes the account from this header before it looks at the access key.
        headers = {**request.headers, "x-moto-account-id": request.account_id}
        with _moto_lock:
            answer = self._moto.open(
                request.path, method=request.method, query_string=request.query, headers=headers, data=request.body
            )
        dropped = ("content-length", "connection", "server", "date", "transfer-encoding")
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in dropped}
        # moto does not know every partition of botocore's.
        partition = partition_of(request.region).encode()
        return HttpResponse(answer.status_code, kept, answer.get_data().replace(b"arn:aws:", b"arn:%s:" % partition))

    # --- AssumeRole ---------------------------------------------------------------------------------------------------

    def _assume_role(self, request: HttpRequest, params: Mapping[str, Any]) -> HttpResponse:
        arn = params.get("RoleArn", "")
        found = re.fullmatch(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)", arn)
        if not found:
            raise AwsError("ValidationError", f"{arn} is invalid", 400)
        account_id, role_name = found.groups()
        if not self._may_assume(account_id, role_name, params.get("ExternalId")):
            partition = partition_of(request.region)
            caller = f"arn:{partition}:sts::{request.account_id}:user/moto"
            message = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise AwsError("AccessDenied", message, 403)
        if self._is_sts_off(account_id, request.region):
            message = f"STS is not activated in this region for account:{account_id}. Your account administrator can "
            raise AwsError(
                "RegionDisabledException", message + "activate STS in this region using the IAM Console.", 403
            )
        wrong = self.world.knobs.assume_role_wrong_account
        given = wrong.get(account_id, account_id) if isinstance(wrong, Mapping) else wrong or account_id
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        form["RoleArn"] = arn.replace(f"::{account_id}:", f"::{given}:")
        response = self._ask_moto(request.with_body(urlencode(form).encode()))
        key = _ACCESS_KEY.search(response.body.decode())
        if key:
            self.world.access_keys[key.group(1)] = given
            self.world.begin_session(key.group(1))
        return response

    def _may_assume(self, account_id: str, role_name: str, external_id: str | None) -> bool:
        account = self.world.account(account_id)
        return (
            account.assumable
            and not account.suspended
            and account.role_name in (None, role_name)
            and account.external_id in (None, external_id)
        )

    # --- Organizations ------------------------------------------------------------------------------------------------

    def _tell_organization(self) -> None:
        """Give moto the seeded organization, when it is first asked about one: that takes time for many accounts."""
        organization = self.world.organization
        with _moto_lock:
            if self._is_organization_known or organization.management_account is None:
                return
            self._is_organization_known = True
            from moto.organizations.models import organizations_backends

            management = organization.management_account
            backend = organizations_backends[management]["aws"]
            if backend.org is not None:
                return
            backend.create_organization("us-east-1", FeatureSet="ALL")
            assert backend.org is not None
            backend.accounts[0].email = backend.org.master_account_email = self.world.account(management).email
            backend.accounts[0].name = f"account-{management}"
            for account_id in sorted(organization.account_ids - {management}):
                account = self.world.account(account_id)
                backend.create_account(AccountName=f"account-{account_id}", Email=account.email)
                made = backend.accounts[-1]
                organizations_backends.master_accounts[account_id] = organizations_backends.master_accounts.pop(made.id)
                made.id = account_id
                made.status = made.state = "SUSPENDED" if account.suspended else "ACTIVE"


def error_response(service: str, error: AwsError, request_id: str) -> HttpResponse:
    """Write an error in the protocol of one of these services."""
    if service == "organizations":
        body = json.dumps({"__type": error.code, "Message": error.message})
        return HttpResponse(error.status, {"Content-Type": "application/x-amz-json-1.1"}, body.encode())
    template = _EC2_ERROR if service == "ec2" else _QUERY_ERROR
    body = template.format(
        service=service, code=escape(error.code), message=escape(error.message), request_id=request_id
    )
    return HttpResponse(error.status, {"Content-Type": "text/xml"}, body.encode())
