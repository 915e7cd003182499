# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's own HTTP interface, under /_emulator/. Its calls are not in the log and have no latency."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .calls import summarise
from .errors import EmulatorError
from .server import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from .emulator import Emulator

PREFIX = "/_emulator/"


class Control:
    """One method per path; each takes the decoded body or query and returns what is answered as JSON."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "calls"): lambda query: [call.as_dict() for call in emulator.calls],
            ("DELETE", "calls"): lambda body: emulator.clear_calls(),
            ("GET", "summary"): lambda query: summarise(emulator.calls),
            ("GET", "members"): self._members,
            ("POST", "seed"): emulator.seed,
            ("POST", "reset"): lambda body: emulator.reset(),
            ("POST", "knobs"): lambda body: emulator.set_knobs(**body),
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): lambda body: emulator.clear_faults(),
        }

    def _members(self, query: dict[str, str]) -> Any:
        with self.emulator.lock:
            return self.emulator.world.summary_of_members(query["service"], query["region"], query["administrator_id"])

    def _add_faults(self, body: Any) -> None:
        for rule in body if isinstance(body, list) else [body]:
            self.emulator.add_fault(**rule)

    def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer a control call: 200 with JSON, 400 with the reason, 404 for an unknown path."""
        handler = self._routes.get((http.method, http.path.removeprefix(PREFIX)))
        try:
            if handler is None:
                return _json(404, {"error": f"no {http.method} {http.path}"})
            data = dict(parse_qsl(http.query)) if http.method == "GET" else json.loads(http.body or b"{}")
            return _json(200, handler(data))
        except (EmulatorError, KeyError, TypeError, ValueError) as problem:
            return _json(400, {"error": f"{type(problem).__name__}: {problem}"})


def _json(status: int, value: Any) -> HttpResponse:
    body = json.dumps({} if value is None else value, default=str).encode()
    return HttpResponse(status, {"Content-Type": "application/json"}, body)
