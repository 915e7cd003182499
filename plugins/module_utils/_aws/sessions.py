# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose credentials sign a request, and what happens when they run out in the middle of a task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    import botocore.credentials
    import botocore.exceptions
except ImportError:
    # require_sdk says so, and how to install it.
    pass

from .._membership.port import CallFailed, TaskFailed
from .._membership.reasons import is_session_over

# In the metadata of an answer, beside botocore's RetryAttempts: how many of these were made with a new session. The
# tries before them had no effect, since AWS refused them for their signature.
RENEWALS = "SessionRenewals"


def own_credentials(session: Any, options: Mapping[str, Any]) -> Any:
    """Return the caller's credentials, which botocore refreshes where their provider can (SSO, an instance's role).

    :param session: botocore's session.
    :param options: amazon.aws's, for boto3.
    :raises TaskFailed: There are none, or half a pair.
    """
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


class AccountSession:
    """The credentials of an assumed role, taken anew when AWS says that they have expired.

    All conversations with the account share them, so that one AssumeRole serves all its Regions and steps, the second
    like the first. One that AWS never accepted is not taken anew: the next would fare no better.

    :param take: Assumes the role and returns its credentials. Raises CallFailed.
    """

    def __init__(self, take: Callable[[], Any]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._keys = take().get_frozen_credentials()
        self._is_proven = False
        self._failure: CallFailed | None = None

    def get_frozen_credentials(self) -> Any:
        return self._keys

    def prove(self, keys: Any) -> None:
        """Note that AWS accepted these."""
        if keys is self._keys:
            self._is_proven = True

    def renew(self, keys: Any) -> bool:
        """Replace these, unless somebody did already. Return whether there are others now. Raises CallFailed."""
        with self._lock:
            if self._failure:
                raise self._failure
            if keys is self._keys and self._is_proven:
                self._is_proven = False
                try:
                    self._keys = self._take().get_frozen_credentials()
                except CallFailed as failure:
                    self._failure = failure
                    raise
            return keys is not self._keys


class Signing:
    """Whose credentials sign the requests of each thread: the caller's own, unless it acts as an account."""

    def __init__(self, own: Any) -> None:
        self._own = own
        self._thread = threading.local()

    @contextmanager
    def acting_as(self, session: AccountSession | None) -> Iterator[None]:
        """Sign this thread's requests with these credentials; ``None`` stands for the caller's own."""
        before = self._acting()
        self._thread.session = session
        try:
            yield
        finally:
            self._thread.session = before

    def _acting(self) -> AccountSession | None:
        session: AccountSession | None = getattr(self._thread, "session", None)
        return session

    def keys(self) -> Any:
        """Return the keys for one signature."""
        try:
            self._thread.keys = (self._acting() or self._own).get_frozen_credentials()
        except RuntimeError as error:
            # botocore's, where a provider gives credentials again that have run out.
            provider = getattr(self._own, "method", "unknown")
            raise botocore.exceptions.CredentialRetrievalError(provider=provider, error_msg=str(error)) from error
        return self._thread.keys

    def retry_expired(
        self, tries: int, response: Any = None, attempts: int = 0, request_dict: Any = None, **_event: object
    ) -> float | None:
        """Ask again with a new session where AWS says that the account's has expired. An event handler of botocore's.

        It runs in the thread that signed the request. The caller's own credentials are botocore's to refresh, and it
        does so before they expire.
        """
        session = self._acting()
        if session is None or not response:
            return None
        keys, parsed, context = self._thread.keys, response[1], request_dict["context"]
        parsed.setdefault("ResponseMetadata", {})[RENEWALS] = context.get(RENEWALS, 0)
        if not is_session_over(str(parsed.get("Error", {}).get("Code", ""))):
            session.prove(keys)
            return None
        if attempts >= tries or not session.renew(keys):
            return None
        context[RENEWALS] = context.get(RENEWALS, 0) + 1
        return 0.0

    def as_provider(self) -> Any:
        """Return these credentials in the form in which botocore's sessions want them: their own provider."""
        signing = self

        class SharedCredentials(botocore.credentials.Credentials):  # type: ignore[misc]
            def load_credentials(self) -> Any:
                return self

            def get_frozen_credentials(self) -> Any:
                return signing.keys()

        return SharedCredentials("", "")
