# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS SDK behind amazon.aws's connection options: one session, one client per service and Region, all accounts.

Making a boto3 Session costs about 40 ms and a client 2 to 60 ms, so that neither is made per account: the clients
are shared, and the credentials that sign a request are those of the account which the thread is acting as.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

try:
    import botocore.credentials
    import botocore.exceptions
    import botocore.parsers
    import botocore.session
    import botocore.utils
    from botocore import xform_name
except ImportError:
    # require_sdk says so, and how to install it.
    pass

from ansible_collections.amazon.aws.plugins.module_utils.botocore import (
    check_sdk_version_supported,
    get_aws_connection_info,
)
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleBotocoreError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .._membership.model import BATCH_LIMIT, Reason, ServiceFacts
from .._membership.parse import unreadable
from .._membership.port import CallFailed, TaskFailed
from .._membership.reasons import classify, is_input_refused, is_off_in_account, is_session_over, may_be_region
from .._membership.validate import explain_account_id
from .answers import parse_timestamp
from .partitions import home_region
from .retries import client_config, refuse_to_retry_quotas, retry_odd_answers, retry_throttles
from .sessions import RENEWALS, AccountSession, Signing, own_credentials
from .silence import Line

__all__ = ["AnsibleAWSModule", "Caller", "Cloud", "Role", "require_sdk"]

_Answer = TypeVar("_Answer")

# More than the 50,000 members that AWS allows to an administrator: a listing that never ends, ends here.
_PAGE_LIMIT = 2_000
_NEXT = "NextToken"


_ORGANIZATIONS = "organizations"
# What makes up the credentials in AssumeRole's answer.
_CREDENTIALS = "AccessKeyId SecretAccessKey SessionToken".split()

# Why AssumeRole may fail without the role having to do with it.
_NOT_THE_ROLES = frozenset({Reason.THROTTLED, Reason.REGION_UNAVAILABLE, Reason.INTERNAL_ERROR})

# Failures of the SDK before anything was sent.
_NOT_SENT = {
    "ConnectTimeoutError": Reason.REGION_UNAVAILABLE,
    "EndpointConnectionError": Reason.REGION_UNAVAILABLE,
    "ParamValidationError": Reason.INVALID_INPUT,
    "NoCredentialsError": Reason.ACCESS_DENIED,
    "PartialCredentialsError": Reason.ACCESS_DENIED,
    "CredentialRetrievalError": Reason.ACCESS_DENIED,
    "MetadataRetrievalError": Reason.ACCESS_DENIED,
    "SSOTokenLoadError": Reason.ACCESS_DENIED,
    "TokenRetrievalError": Reason.ACCESS_DENIED,
    "UnauthorizedSSOTokenError": Reason.ACCESS_DENIED,
}


def require_sdk(module: AnsibleAWSModule) -> None:
    """Check that boto3 is there, in place of AnsibleAWSModule, whose failure would lack the keys of our results.

    :raises TaskFailed: It is missing.
    """
    try:
        check_sdk_version_supported(warn=module.warn)
    except AnsibleBotocoreError as error:
        raise TaskFailed(str(error)) from error


@dataclass(frozen=True)
class Caller:
    """Whose credentials the task has."""

    account_id: str
    partition: str


@dataclass(frozen=True)
class Role:
    """The role to assume in every account.

    :param name: With its path, without a leading slash.
    """

    name: str
    session_name: str
    external_id: str | None = None


class Cloud:
    """AWS for one task.

    :param module: The module, for amazon.aws's connection options.
    :param regions: The Regions that the task acts in, at least one; the first is asked whose the credentials are.
    :param concurrency: How many threads will use it at once: the size of the connection pools.
    :param patience: How many seconds a Region that answers nothing may cost the task.
    :raises TaskFailed: The options contradict each other, or there are no credentials.
    """

    def __init__(self, module: AnsibleAWSModule, regions: Sequence[str], concurrency: int, patience: float) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._lines: dict[tuple[str, str], Line] = {}
        self._lock = threading.Lock()
        self._patience = patience
        # Regions whose STS does not take the caller's credentials, or answers nothing.
        self._without_sts: set[str] = set()
        with _reported_as_task_failure():
            _region, self._endpoint_url, options = get_aws_connection_info(module)
            if self._endpoint_url and not botocore.utils.is_valid_endpoint_url(self._endpoint_url):
                raise ValueError(f"endpoint_url {self._endpoint_url!r} is no URL")
            self._verify = options["verify"]
            self._config = client_config(options.get("aws_config"), concurrency, patience)
            self._session = botocore.session.Session(profile=options.get("profile_name"))
            # Opt-in Regions refuse the tokens of the global STS endpoint.
            self._session.set_config_variable("sts_regional_endpoints", "regional")
            self._signing = Signing(own_credentials(self._session, options))
            self._session.register_component("credential_provider", self._signing.as_provider())
            parsers = self._session.get_component("response_parser_factory")
            parsers.set_parser_defaults(timestamp_parser=parse_timestamp)
            self.caller = self._identify(regions)

    def _identify(self, regions: Sequence[str]) -> Caller:
        """Find out whose the credentials are: from the first Region whose STS says anything."""
        failure = CallFailed("GetCallerIdentity", "NoRegion", "there is no Region to ask in", Reason.REGION_UNAVAILABLE)
        for region in regions:
            try:
                return self._ask_sts(region, self._identify_in)
            except CallFailed as refusal:
                failure = refusal
                if failure.reason is not Reason.REGION_UNAVAILABLE:
                    break
        told = f"{failure.operation}: {failure.code}: {failure.text}"
        if failure.reason in (Reason.THROTTLED, Reason.INTERNAL_ERROR, Reason.REGION_UNAVAILABLE):
            raise TaskFailed(
                f"AWS did not say whose the credentials are: {told}. Try again in a while; if it stays so, check "
                "the network, region and AWS_ENDPOINT_URL"
            ) from failure
        raise TaskFailed(
            f"AWS did not accept the credentials: {told}. Renew them, or check access_key, profile, region and "
            "AWS_ENDPOINT_URL"
        ) from failure

    def _identify_in(self, region: str) -> Caller:
        try:
            answer = self._call("sts", region, "GetCallerIdentity")
        except CallFailed as failure:
            operation = f"{failure.operation} in {region}"
            raise CallFailed(operation, failure.code, failure.text, failure.reason) from failure
        arn, account_id = str(answer.get("Arn")).split(":"), str(answer.get("Account"))
        if explain_account_id(account_id):
            raise TaskFailed(f"AWS did not say whose the credentials are: GetCallerIdentity answered {account_id!r}")
        return Caller(account_id, arn[1] if len(arn) > 1 else "aws")

    def _ask_sts(self, region: str, ask: Callable[[str], _Answer]) -> _Answer:
        """Ask STS in a Region or, where that is off or silent, in the home Region of its partition."""
        home = home_region(self._session, region)
        if region not in self._without_sts | {home}:
            try:
                return ask(region)
            except CallFailed as failure:
                if not may_be_region(failure.code, failure.reason):
                    raise
                if not is_off_in_account(failure.code):
                    self._without_sts.add(region)
        return ask(home)

    def acting_as(self, session: AccountSession | None) -> AbstractContextManager[None]:
        """Sign this thread's requests with these credentials; ``None`` stands for the caller's own."""
        return self._signing.acting_as(session)

    def api(self, facts: ServiceFacts, region: str, account_id: str) -> AwsApi:
        """Return a service in a Region, for the account that the thread is acting as."""
        arn_prefix = f"arn:{self.caller.partition}:{facts.client}:{region}:{account_id}:"
        client = self._client(facts.client, region, self._endpoint_url)
        return AwsApi(client, self._lines[facts.client, region], arn_prefix, facts)

    def organizations(self, region: str) -> AwsApi:
        """Return AWS Organizations, which has one endpoint for all Regions of a partition; the SDK finds it."""
        client = self._client(_ORGANIZATIONS, region)
        return AwsApi(client, self._lines[_ORGANIZATIONS, region])

    def assume_role(self, account_id: str, role: Role, region: str) -> AccountSession:
        """Assume the role in an account, for all Regions, and return its credentials.

        :param region: Where STS is asked first.
        :raises CallFailed: The role cannot be assumed; for REGION_UNAVAILABLE, another Region may do.
        """
        return AccountSession(lambda: self._ask_sts(region, partial(self._assume_role, account_id, role)))

    def _assume_role(self, account_id: str, role: Role, region: str) -> Any:
        params = {
            "RoleArn": f"arn:{self.caller.partition}:iam::{account_id}:role/{role.name}",
            "RoleSessionName": role.session_name,
            **({"ExternalId": role.external_id} if role.external_id else {}),
        }
        try:
            with self.acting_as(None):  # also where the account's own session has just run out
                answer = self._call("sts", region, "AssumeRole", **params)
        except CallFailed as failure:
            # Nothing that the role could help.
            is_kept = failure.reason in _NOT_THE_ROLES or is_session_over(failure.code)
            reason = failure.reason if is_kept else Reason.ASSUME_ROLE_FAILED
            raise CallFailed(failure.operation, failure.code, failure.text, reason) from failure
        arn = str((answer.get("AssumedRoleUser") or {}).get("Arn", ""))
        if arn.split(":")[4:5] != [account_id]:
            text = f"AWS answered with {arn!r}, which is not in the account asked for"
            raise CallFailed("AssumeRole", "WrongAccount", text, Reason.ASSUME_ROLE_FAILED)
        keys = answer.get("Credentials") or {}
        values = [keys.get(name) for name in _CREDENTIALS]
        if not all(values):
            raise unreadable("AssumeRole", "the answer has no usable Credentials")
        return botocore.credentials.Credentials(*values)

    def _call(self, service: str, region: str, operation: str, **params: object) -> dict[str, Any]:
        return AwsApi(self._client(service, region), self._lines[service, region]).call(operation, **params)

    def _client(self, service: str, region: str, endpoint_url: str | None = None) -> Any:
        # The module's own service may have an endpoint of its own, which knows nothing of STS or AWS Organizations.
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=endpoint_url,
                    verify=self._verify,
                    config=self._config,
                )
                is_replaceable = service == "sts" and region != home_region(self._session, region)
                line = Line(region, self._patience, is_replaceable)
                self._hook(client, service, line)
                self._clients[service, region], self._lines[service, region] = client, line
            return client

    def _hook(self, client: Any, service: str, line: Line) -> None:
        tries = client.meta.config.retries["total_max_attempts"]
        events = client.meta.events
        events.register(f"needs-retry.{service}", retry_odd_answers)
        events.register(f"needs-retry.{service}", partial(retry_throttles, tries))
        events.register(f"needs-retry.{service}", partial(self._signing.retry_expired, tries))
        events.register(f"needs-retry.{service}", partial(line.stop_in_silence, client))
        events.register(f"response-received.{service}", refuse_to_retry_quotas)


class AwsApi:
    """One service in one Region. Every error of the SDK leaves it as CallFailed."""

    def __init__(self, client: Any, line: Line, arn_prefix: str = "", facts: ServiceFacts | None = None) -> None:
        self._client = client
        self._line = line
        self._arn_prefix = arn_prefix
        self._facts = facts

    def call(self, operation: str, **params: object) -> dict[str, Any]:
        """Send one request and return the answer."""
        method = getattr(self._client, xform_name(operation))
        answer: dict[str, Any] = self._send(operation, lambda: dict(method(**params)))
        return answer

    def pages(self, operation: str, key: str, page_size: int = BATCH_LIMIT, **params: object) -> list[Any]:
        """Send requests until the last page and return all items. A page may be empty and still not be the last."""
        name = xform_name(operation)
        if self._client.can_paginate(name):
            pages = self._client.get_paginator(name).paginate(PaginationConfig={"PageSize": page_size}, **params)
        else:
            pages = _pages_by_token(getattr(self._client, name), {"MaxResults": page_size, **params})
        read = self._send(operation, lambda: list(islice(pages, _PAGE_LIMIT)))
        items = [page.get(key) for page in read]
        if len(read) == _PAGE_LIMIT or not all(isinstance(page, list) for page in items):
            raise unreadable(operation, f"the answer has no usable {key}, or no end")
        return [item for page in items for item in page]

    def _send(self, operation: str, send: Callable[[], Any]) -> Any:
        self._line.check(operation)
        try:
            return _guarded(operation, send, self._facts)
        except CallFailed as failure:
            raise self._line.judge(failure) from failure

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource of this service, Region and account."""
        return self._arn_prefix + resource


def _pages_by_token(method: Callable[..., Any], params: dict[str, object]) -> Iterator[Any]:
    """Page where the SDK has no paginator, as in Detective."""
    token: dict[str, object] = {}
    while True:
        page = method(**params, **token)
        yield page
        if not page.get(_NEXT):
            return
        token = {_NEXT: page[_NEXT]}


def _guarded(operation: str, send: Callable[[], Any], facts: ServiceFacts | None = None) -> Any:
    """Run a request, and turn whatever goes wrong into CallFailed."""
    try:
        return send()
    except botocore.exceptions.ClientError as error:
        raise _refused(operation, error, facts) from error
    except botocore.parsers.ResponseParserError as error:
        raise unreadable(operation, f"the answer could not be read: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        code = type(error).__name__
        reason = _NOT_SENT.get(code, Reason.INTERNAL_ERROR)
        raise CallFailed(operation, code, str(error), reason, is_uncertain=code not in _NOT_SENT) from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # The SDK's parsers raise these on a body that is not what the model says.
        raise unreadable(operation, f"the answer could not be read: {error}") from error


def _refused(operation: str, error: botocore.exceptions.ClientError, facts: ServiceFacts | None) -> CallFailed:
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, text = str(details.get("Code", "")), str(details.get("Message") or "")
    reason = classify(operation, text, code, facts)
    if reason is Reason.OTHER and metadata.get("HTTPStatusCode", 0) >= 500:
        reason = Reason.INTERNAL_ERROR
    # A refused repetition says nothing about an earlier try whose answer was lost.
    is_repeated = metadata.get("RetryAttempts", 0) > metadata.get(RENEWALS, 0)
    is_uncertain = reason is Reason.INTERNAL_ERROR or is_repeated
    is_refused = not is_uncertain and is_input_refused(code, text)
    return CallFailed(operation, code, text, reason, is_uncertain, is_refused)


@contextmanager
def _reported_as_task_failure() -> Iterator[None]:
    try:
        yield
    except (botocore.exceptions.BotoCoreError, AttributeError, TypeError, ValueError) as error:
        raise TaskFailed(f"cannot connect to AWS with these options: {error}") from error
