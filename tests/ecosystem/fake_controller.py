# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the API of AWX as its modules talk to: objects are created, found by their fields, changed and associated.

It knows no permissions and checks no values, but refuses the names of endpoints that AWX does not have.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ENDPOINTS = frozenset(
    "organizations credential_types credentials execution_environments projects inventories inventory_sources"
    " job_templates unified_job_templates schedules".split()
)
SECRETS = frozenset({"password", "external_id"})
PREFIX = "/api/v2/"


class FakeController:
    """A context manager: inside, it serves on a free port of the loopback interface."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {name: [] for name in ENDPOINTS}
        self.related: dict[str, Any] = {}
        self.writes: list[str] = []
        self._lock = threading.Lock()
        self._create("credential_types", {"name": "Amazon Web Services", "managed": True})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> FakeController:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def named(self, endpoint: str, name: str) -> dict[str, Any]:
        """Return the one object of that name."""
        (found,) = [item for item in self.objects[endpoint] if item["name"] == name]
        return found

    def survey(self, job_template: str) -> dict[str, Any]:
        """Return the survey of a job template."""
        return self.related[f"job_templates/{self.named('job_templates', job_template)['id']}/survey_spec"]

    def _create(self, endpoint: str, values: dict[str, Any]) -> dict[str, Any]:
        number = sum(map(len, self.objects.values())) + 1
        url = f"{PREFIX}{endpoint}/{number}/"
        item = {
            "id": number,
            "type": endpoint.rstrip("s"),
            "url": url,
            "summary_fields": {},
            "scm_revision": "",
            **values,
        }
        item["related"] = {"survey_spec": f"{url}survey_spec/"}
        self.objects[endpoint].append(item)
        return item

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        """Answer one request."""
        parts = urlsplit(url)
        endpoint, *rest = parts.path.removeprefix(PREFIX).strip("/").split("/")
        with self._lock:
            if endpoint not in ENDPOINTS:
                return 404, {"detail": f"no {endpoint}"}
            if method != "GET":
                self.writes.append(f"{method} {parts.path}")
            if not rest:
                return self._answer_list(method, endpoint, dict(parse_qsl(parts.query)), body)
            if len(rest) == 1:
                item = next(item for item in self.objects[endpoint] if item["id"] == int(rest[0]))
                item.update(body or {})
                return 200, _hidden(item)
            return self._answer_related(method, f"{endpoint}/{rest[0]}/{rest[1]}", body)

    def _answer_list(self, method: str, endpoint: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, _hidden(self._create(endpoint, body))
        source = "job_templates" if endpoint == "unified_job_templates" else endpoint
        found = [item for item in self.objects[source] if all(str(item.get(key)) == query[key] for key in query)]
        return 200, _page([_hidden(item) for item in found])

    def _answer_related(self, method: str, place: str, body: Any) -> tuple[int, Any]:
        if place.endswith("/survey_spec"):
            if method == "POST":
                self.related[place] = body
            return 200, self.related.get(place, {})
        associated = self.related.setdefault(place, [])
        if method == "GET":
            return 200, _page([{"id": number} for number in associated])
        (associated.remove if body.get("disassociate") else associated.append)(body["id"])
        return 204, None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, value = controller.answer(self.command, self.path, body)
                content = b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = _answer

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler


def _page(items: list[Any]) -> dict[str, Any]:
    return {"count": len(items), "next": None, "previous": None, "results": items}


def _hidden(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object as AWX tells it: the secrets in a credential are never told."""
    inputs = item.get("inputs")
    if item["type"] != "credential" or not inputs:
        return item
    shown = {key: "$encrypted$" if key in SECRETS and value else value for key, value in inputs.items()}
    return {**item, "inputs": shown}
