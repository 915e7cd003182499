# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as Python code uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .calls import Call
from .control import PREFIX, Control
from .dispatch import Dispatcher, Hook
from .faults import Fault
from .seeding import apply_seed
from .server import HttpRequest, HttpResponse, Server
from .state import Member, World


class Emulator:
    """GuardDuty, Security Hub, STS, Organizations, EC2 and IAM of any number of accounts, behind one URL.

    A context manager: inside, it serves on a free port of the loopback interface, in threads of this process. Every
    access key belongs to ``caller``, except those AssumeRole gave and those of :meth:`client_arguments`.
    ``clock`` returns seconds since the epoch; :meth:`advance` adds to it.
    """

    def __init__(self, caller: str = "111111111111", port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._caller = caller
        self._port = port
        self.world = World(caller, clock)
        self._dispatcher = Dispatcher(self.world)
        self.lock = self._dispatcher.lock
        self._control = Control(self)
        self._server: Server | None = None

    # --- serving ------------------------------------------------------------------------------------------------------

    def start(self) -> Emulator:
        """Serve in the background."""
        self._dispatcher.foreign.reset()
        self._server = Server(self._port, self.answer)
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving."""
        if self._server:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Return the endpoint URL of every service."""
        if self._server is None:
            raise RuntimeError("the emulator is not running")
        return self._server.url

    def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer a request, as the server does."""
        return (self._control if http.path.startswith(PREFIX) else self._dispatcher).answer(http)

    def client_arguments(self, account_id: str | None = None, region: str = "us-east-1") -> dict[str, str]:
        """Return arguments for ``boto3.client`` that make it act as an account, without assuming a role."""
        return {
            "endpoint_url": self.url,
            "region_name": region,
            "aws_access_key_id": f"AKIADIRECT{account_id or self.world.caller}",
            "aws_secret_access_key": "secret",
        }

    # --- the log ------------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Return the calls so far, oldest first."""
        with self.lock:
            return list(self._dispatcher.calls)

    def operations(self, service: str | None = None, writes_only: bool = False) -> list[str]:
        """Return the names of the operations called so far."""
        return [
            call.operation
            for call in self.calls
            if service in (None, call.service) and (call.is_write or not writes_only)
        ]

    def clear_calls(self) -> None:
        """Forget the calls so far."""
        with self.lock:
            self._dispatcher.calls.clear()

    # --- state --------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Return to the beginning: state, knobs, faults, log, hooks."""
        with self.lock:
            self.world.clear(self._caller)
            for items in (self._dispatcher.calls, self._dispatcher.faults, self._dispatcher.hooks):
                items.clear()
            self._dispatcher.rate_limit.clear()
        self._dispatcher.foreign.reset()

    def seed(self, seed: Mapping[str, Any]) -> None:
        """Add accounts, services, members, an organization, knobs and faults."""
        with self.lock:
            self.set_knobs(**seed.get("knobs") or {})
            apply_seed(self.world, seed)
            for rule in seed.get("faults") or ():
                self.add_fault(**rule)

    def member(self, service: str, region: str, administrator_id: str, account_id: str) -> Member | None:
        """Return an administrator's record of an account, if there is one."""
        with self.lock:
            return self.world.member(service, region, administrator_id, account_id)

    def set_member(
        self,
        service: str,
        region: str,
        administrator_id: str,
        account_id: str,
        status: str | None,
        email: str | None = None,
    ) -> None:
        """Force a record to any status, with what would be true beside it; None removes it."""
        with self.lock:
            self.world.set_member(service, region, administrator_id, account_id, status, email)

    def advance(self, seconds: float) -> None:
        """Let the emulator's time pass without waiting."""
        with self.lock:
            self.world.advance(seconds)

    # --- knobs, faults, hooks -----------------------------------------------------------------------------------------

    def set_knobs(self, **values: Any) -> None:
        """Change settings, see :class:`Knobs`."""
        with self.lock:
            self.world.knobs = self.world.knobs.changed(**values)

    def add_fault(self, kind: str, **rule: Any) -> None:
        """Add a rule, see :class:`Fault`. The first rule that strikes a call wins."""
        with self.lock:
            self._dispatcher.faults.append(Fault.from_dict({"kind": kind, **rule}))

    def clear_faults(self) -> None:
        """Drop all rules."""
        with self.lock:
            self._dispatcher.faults.clear()

    def on_call(self, callback: Hook) -> None:
        """Call ``callback(moment, call, state)`` with moment ``before`` and ``after`` around every operation.

        It runs in the thread of the request and without the lock, so it may use the emulator, and call it.
        """
        self._dispatcher.hooks.append(callback)
