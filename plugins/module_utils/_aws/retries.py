# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often a request is asked again: botocore's own retries, and what they leave out or would do in vain."""

from __future__ import annotations

import random
from typing import Any

try:
    import botocore.config
    import botocore.exceptions
    import botocore.parsers
except ImportError:
    # require_sdk says so, and how to install it.
    pass

from .._membership.model import Reason
from .._membership.reasons import classify, is_quota
from .answers import is_as_modelled

# Requests in all, the first included; the waits between them double up to 20 s. Users override it with aws_config.
_ATTEMPTS = 8
_LONGEST_WAIT = 20.0
_ATTEMPTS_OPTIONS = {"max_attempts", "total_max_attempts"}

# How often a refusal without a word is asked again (Security Hub's ListInvitations gives such ones at times), and an
# answer that is not as the API model has it. Requests in all, with those of the SDK's own retries.
_ODD_ANSWER_TRIES = 3
_CONNECT_TIMEOUT = 10
_READ_TIMEOUT = 30
_SHORTEST_TIMEOUT = 5


def client_config(wanted: Any, concurrency: int, patience: float = 60) -> Any:
    """The SDK's configuration: ours, with the user's ``aws_config`` over it.

    A try may last half of the patience, so that silence can be tried twice: in two tries, or by STS and by the service.

    The retry mode is always set, because in botocore's default mode building one client can switch retries off for
    clients built later. ``standard`` retries each request on its own; ``adaptive`` would slow down all accounts that
    share a client for the throttling of one.
    """
    retries = dict(getattr(wanted, "retries", None) or {})
    retries.setdefault("mode", "standard")
    if not retries.keys() & _ATTEMPTS_OPTIONS:
        retries["total_max_attempts"] = _ATTEMPTS
    longest = max(patience / 2, _SHORTEST_TIMEOUT)
    config = botocore.config.Config(
        max_pool_connections=max(concurrency, 1),
        connect_timeout=min(_CONNECT_TIMEOUT, longest),
        read_timeout=min(_READ_TIMEOUT, longest),
        user_agent_extra="muster.aws",
    )
    # Merged as a whole, a user's "retries" would replace ours, mode and all.
    return (config.merge(wanted) if wanted else config).merge(botocore.config.Config(retries=retries))


def retry_odd_answers(response: Any = None, attempts: int = 0, operation: Any = None, **_event: object) -> float | None:
    """Ask again after a refusal without a word, and after an answer that is not as the API model has it.

    An event handler of botocore's, beside its own retry handler. botocore takes a success that it cannot read for an
    empty one, which would then be "no members" or "no administrator".
    """
    if not response:
        return None
    http, parsed = response
    is_unreadable = http.status_code == 200 and not is_as_modelled(operation, http.content)
    is_wordless = http.status_code == 400 and not parsed.get("Error", {}).get("Message")
    if attempts < _ODD_ANSWER_TRIES:
        return 0.2 * attempts if is_unreadable or is_wordless else None
    if is_unreadable:
        raise botocore.parsers.ResponseParserError("it is not the JSON that the API model describes")
    return None


def retry_throttles(
    tries: int, response: Any = None, attempts: int = 0, operation: Any = None, **_event: object
) -> float | None:
    """Ask again after a throttle as often as the configuration says, though botocore may not want to any more.

    Its standard mode stops when a client has used up 100 retries, however many of its tries a request has left. Our
    clients are shared by all accounts, of which each has a rate limit of its own.
    """
    error = response[1].get("Error", {}) if response and attempts < tries else {}
    code, text = str(error.get("Code", "")), str(error.get("Message") or "")
    if not error or classify(operation.name, text, code) is not Reason.THROTTLED:
        return None
    return min(random.random() * 2.0 ** (attempts - 1), _LONGEST_WAIT)


def refuse_to_retry_quotas(
    parsed_response: Any = None, context: Any = None, event_name: str = "", **_event: object
) -> None:
    """Raise what a quota answers at once. It has the code and status of a throttle, and botocore would try on."""
    error = (parsed_response or {}).get("Error", {})
    operation = event_name.rpartition(".")[2]
    if is_quota(operation, str(error.get("Code", "")), str(error.get("Message") or "")):
        # botocore counts the tries only in what it returns; an earlier one may have filled the quota itself.
        tries = ((context or {}).get("retries") or {}).get("attempt", 1)
        parsed_response.setdefault("ResponseMetadata", {})["RetryAttempts"] = tries - 1
        raise botocore.exceptions.ClientError(parsed_response, operation)
