# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS SDK behind amazon.aws's connection options: one session, one client per service and Region, all accounts.

Making a boto3 Session costs about 40 ms and a client 2 to 60 ms, so that neither is made per account: the clients
are shared, and the credentials that sign a request are those of the account which the thread is acting as.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

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

from .._membership.model import BATCH_LIMIT, Reason
from .._membership.parse import unreadable
from .._membership.port import CallFailed, TaskFailed
from .._membership.reasons import classify, is_input_refused, may_be_region
from .._membership.validate import explain_account_id
from .answers import parse_timestamp
from .retries import client_config, refuse_to_retry_quotas, retry_odd_answers, retry_throttles

__all__ = ["AnsibleAWSModule", "Caller", "Cloud", "Role", "require_sdk"]


# The Region of each partition that is never off: STS is asked there where the first Region of a task refuses.
_HOME_REGIONS = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1", "": "us-east-1"}

# More than the 50,000 members that AWS allows to an administrator: a listing that never ends, ends here.
_PAGE_LIMIT = 2_000


# What makes up the credentials in AssumeRole's answer.
_CREDENTIALS = "AccessKeyId SecretAccessKey SessionToken".split()

# Failures of the SDK before anything was sent.
_NOT_SENT = {
    "ConnectTimeoutError": Reason.REGION_UNAVAILABLE,
    "EndpointConnectionError": Reason.REGION_UNAVAILABLE,
    "ParamValidationError": Reason.INVALID_INPUT,
    "NoCredentialsError": Reason.ACCESS_DENIED,
    "PartialCredentialsError": Reason.ACCESS_DENIED,
    "CredentialRetrievalError": Reason.ACCESS_DENIED,
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
    :param regions: The Regions that the task acts in; STS is asked in the first, if that is on.
    :param concurrency: How many threads will use it at once: the size of the connection pools.
    :raises TaskFailed: The options contradict each other, or there are no credentials.
    """

    def __init__(self, module: AnsibleAWSModule, regions: list[str], concurrency: int) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._acting = threading.local()
        with _reported_as_task_failure():
            _region, self._endpoint_url, options = get_aws_connection_info(module)
            self._verify = options["verify"]
            self._config = client_config(options.get("aws_config"), concurrency)
            self._session = botocore.session.Session(profile=options.get("profile_name"))
            # Opt-in Regions refuse the tokens of the global STS endpoint.
            self._session.set_config_variable("sts_regional_endpoints", "regional")
            own = _own_credentials(self._session, options)
            self._session.register_component("credential_provider", _shared_credentials(own, self._acting))
            parsers = self._session.get_component("response_parser_factory")
            parsers.set_parser_defaults(timestamp_parser=parse_timestamp)
            self._region, self.caller = self._identify(regions[0])

    def _identify(self, region: str) -> tuple[str, Caller]:
        """Find out whose the credentials are, and the Region whose STS says so: this one, or the partition's first."""
        try:
            return region, self._identify_in(region)
        except CallFailed as failure:
            home = next(home for prefix, home in _HOME_REGIONS.items() if region.startswith(prefix))
            if region != home and may_be_region(failure.code, failure.reason):
                return self._identify(home)
            told = f"GetCallerIdentity in {region}: {failure.code}: {failure.text}"
            if failure.reason in (Reason.THROTTLED, Reason.INTERNAL_ERROR):
                raise TaskFailed(
                    f"AWS did not say whose the credentials are: {told}. Try again in a while; if it stays so, check "
                    "the network, region and endpoint_url"
                ) from failure
            raise TaskFailed(
                f"AWS did not accept the credentials: {told}. Renew them, or check access_key, profile, region and "
                "endpoint_url"
            ) from failure

    def _identify_in(self, region: str) -> Caller:
        answer = self._call("sts", region, "GetCallerIdentity")
        arn, account_id = str(answer.get("Arn", "")).split(":"), str(answer.get("Account"))
        if explain_account_id(account_id):
            raise TaskFailed(f"AWS did not say whose the credentials are: GetCallerIdentity answered {account_id!r}")
        return Caller(account_id, arn[1] if len(arn) > 1 else "aws")

    @contextmanager
    def acting_as(self, credentials: Any) -> Iterator[None]:
        """Sign this thread's requests with these credentials; ``None`` stands for the caller's own."""
        self._acting.credentials = credentials
        try:
            yield
        finally:
            self._acting.credentials = None

    def api(self, service: str, region: str, account_id: str) -> AwsApi:
        """Return a service in a Region, for the account that the thread is acting as."""
        arn_prefix = f"arn:{self.caller.partition}:{service}:{region}:{account_id}:"
        return AwsApi(self._client(service, region), arn_prefix)

    def assume_role(self, account_id: str, role: Role) -> Any:
        """Assume the role in an account and return its credentials. Raises CallFailed."""
        params = {
            "RoleArn": f"arn:{self.caller.partition}:iam::{account_id}:role/{role.name}",
            "RoleSessionName": role.session_name,
            **({"ExternalId": role.external_id} if role.external_id else {}),
        }
        try:
            answer = self._call("sts", self._region, "AssumeRole", **params)
        except CallFailed as failure:
            reason = failure.reason if failure.reason is Reason.THROTTLED else Reason.ASSUME_ROLE_FAILED
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
        return AwsApi(self._client(service, region), "").call(operation, **params)

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint_url,
                    verify=self._verify,
                    config=self._config,
                )
                tries = client.meta.config.retries["total_max_attempts"]
                client.meta.events.register(f"needs-retry.{service}", retry_odd_answers)
                client.meta.events.register(f"needs-retry.{service}", partial(retry_throttles, tries))
                client.meta.events.register(f"response-received.{service}", refuse_to_retry_quotas)
                self._clients[service, region] = client
            return client


class AwsApi:
    """One service in one Region. Every error of the SDK leaves it as CallFailed."""

    def __init__(self, client: Any, arn_prefix: str) -> None:
        self._client = client
        self._arn_prefix = arn_prefix

    def call(self, operation: str, **params: object) -> dict[str, Any]:
        """Send one request and return the answer."""
        method = getattr(self._client, xform_name(operation))
        answer: dict[str, Any] = _guarded(operation, lambda: dict(method(**params)))
        return answer

    def pages(self, operation: str, key: str, **params: object) -> list[Any]:
        """Send requests until the last page and return all items. A page may be empty and still not be the last."""
        paginator = self._client.get_paginator(xform_name(operation))
        pages = paginator.paginate(PaginationConfig={"PageSize": BATCH_LIMIT}, **params)
        read = _guarded(operation, lambda: list(islice(pages, _PAGE_LIMIT)))
        items = [page.get(key) for page in read]
        if len(read) == _PAGE_LIMIT or not all(isinstance(page, list) for page in items):
            raise unreadable(operation, f"the answer has no usable {key}, or no end")
        return [item for page in items for item in page]

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource of this service, Region and account."""
        return self._arn_prefix + resource


def _guarded(operation: str, send: Callable[[], Any]) -> Any:
    """Run a request, and turn whatever goes wrong into CallFailed."""
    try:
        return send()
    except botocore.exceptions.ClientError as error:
        raise _refused(operation, error) from error
    except botocore.parsers.ResponseParserError as error:
        raise unreadable(operation, f"the answer could not be read: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        code = type(error).__name__
        reason = _NOT_SENT.get(code, Reason.INTERNAL_ERROR)
        raise CallFailed(operation, code, str(error), reason, is_uncertain=code not in _NOT_SENT) from error
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # The SDK's parsers raise these on a body that is not what the model says.
        raise unreadable(operation, f"the answer could not be read: {error}") from error


def _refused(operation: str, error: botocore.exceptions.ClientError) -> CallFailed:
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, text = str(details.get("Code", "")), str(details.get("Message", "") or "")
    reason = classify(operation, text, code)
    if reason is Reason.OTHER and metadata.get("HTTPStatusCode", 0) >= 500:
        reason = Reason.INTERNAL_ERROR
    # A refused repetition says nothing about an earlier try whose answer was lost.
    is_uncertain = reason is Reason.INTERNAL_ERROR or bool(metadata.get("RetryAttempts"))
    is_refused = not is_uncertain and is_input_refused(code, text)
    return CallFailed(operation, code, text, reason, is_uncertain, is_refused)


def _own_credentials(session: Any, options: Mapping[str, Any]) -> Any:
    access_key, secret_key = options.get("aws_access_key_id"), options.get("aws_secret_access_key")
    if bool(access_key) != bool(secret_key):
        # Half a pair must not lead to the credentials of somebody else that the machine may have.
        raise TaskFailed("access_key and secret_key go together: give both of them, or neither")
    if access_key:
        return botocore.credentials.Credentials(access_key, secret_key, options["aws_session_token"])
    credentials = session.get_component("credential_provider").load_credentials()
    if credentials is None:
        raise TaskFailed(
            "no AWS credentials found; give profile, or access_key and secret_key, or the AWS_* environment variables"
        )
    return credentials


def _shared_credentials(own: Any, acting: threading.local) -> Any:
    """Return credentials that are, at every signature, those of the account which the thread is acting as.

    They are their own provider, as botocore's sessions want one.
    """

    class SharedCredentials(botocore.credentials.Credentials):  # type: ignore[misc]
        def load_credentials(self) -> Any:
            return self

        def get_frozen_credentials(self) -> Any:
            return (getattr(acting, "credentials", None) or own).get_frozen_credentials()

    return SharedCredentials("", "")


@contextmanager
def _reported_as_task_failure() -> Iterator[None]:
    try:
        yield
    except (botocore.exceptions.BotoCoreError, TypeError, ValueError) as error:
        raise TaskFailed(f"cannot connect to AWS with these options: {error}") from error
