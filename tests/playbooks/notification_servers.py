# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that notifications are sent to: they keep each request, and refuse what the real ones refuse."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Request:
    """What was sent."""

    method: str
    path: str
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Server:
    """Takes everything. A context manager: inside, it serves on a free port of the loopback interface.

    :ivar refusals: Answers that are given first, one to each request.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refusals: list[Answer] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: Request) -> Answer:
        """Answer a request that was not refused before."""
        return 202, "accepted"

    def _take(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self.refusals.pop(0) if self.refusals else self.answer(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, value = server._take(Request(self.command, self.path, dict(self.headers), text))
                is_text = isinstance(value, str)
                content = b"" if value is None else (value if is_text else json.dumps(value)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if is_text else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = _answer

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler


class Slack(Server):
    """An incoming webhook, https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

    PATH = "/services/T0/B0/secret-part"

    def answer(self, request: Request) -> Answer:
        if request.path != self.PATH:
            return 404, "no_service"
        try:
            text = request.json["text"]
        except (ValueError, KeyError, TypeError):
            return 400, "invalid_payload"
        if not isinstance(text, str) or not text.strip():
            return 400, "no_text"
        return (200, "ok") if len(text) <= 40_000 else (400, "msg_too_long")


class Jira(Server):
    """The issues of one project: search, create, edit, https://docs.atlassian.com/software/jira/docs/api/REST.

    :ivar authorization: What is accepted: Data Center's way, until somebody says otherwise.
    :ivar search: The path of the search, which is another in Jira Cloud since 2025.
    """

    PROJECT, TOKEN = "SEC", "jira-secret-token"
    QUERY = re.compile(r'project = "(\w+)" AND labels = "([\w-]+)" AND statusCategory != Done')

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}
        self.authorization = f"Bearer {self.TOKEN}"
        self.search = "/rest/api/2/search"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != self.authorization:
            return 401, {"errorMessages": ["You do not have the permission to see the specified issue."]}
        if (request.method, request.path) == ("POST", self.search):
            return self._search(request.json)
        if (request.method, request.path) == ("POST", "/rest/api/2/issue"):
            return self._create(request.json["fields"])
        found = self.issues.get(request.path.removeprefix("/rest/api/2/issue/"))
        if request.method != "PUT" or found is None:
            return 404, {"errorMessages": ["Issue Does Not Exist"], "errors": {}}
        faults = self._faults(request.json["fields"])
        found.update({} if faults else request.json["fields"])
        return (400, {"errors": faults}) if faults else (204, None)

    def _search(self, body: dict[str, Any]) -> Answer:
        query = self.QUERY.fullmatch(body["jql"])
        if not query or query[1] != self.PROJECT:
            return 400, {"errorMessages": [f"Error in the JQL Query: {body['jql']}"]}
        found = [
            {"key": key, "fields": {name: fields[name] for name in body["fields"]}}
            for key, fields in self.issues.items()
            if query[2] in fields["labels"] and fields.get("status") != "Done"
        ]
        return 200, {"issues": found[: body["maxResults"]]}

    def _create(self, fields: dict[str, Any]) -> Answer:
        faults = self._faults(fields)
        if fields["project"] != {"key": self.PROJECT}:
            faults["project"] = "project is required"
        if fields["issuetype"] != {"name": "Task"}:
            faults["issuetype"] = "issue type is required"
        if not all(re.fullmatch(r"\S+", label) for label in fields["labels"]):
            faults["labels"] = "The label contains spaces which is invalid."
        if faults:
            return 400, {"errorMessages": [], "errors": faults}
        key = f"{self.PROJECT}-{len(self.issues) + 1}"
        self.issues[key] = fields
        return 201, {"id": "1", "key": key}

    @staticmethod
    def _faults(fields: dict[str, Any]) -> dict[str, str]:
        faults = {}
        if not fields["summary"] or len(fields["summary"]) > 255 or "\n" in fields["summary"]:
            faults["summary"] = "You must specify a summary of the issue, a line of at most 255 characters."
        if len(fields["description"]) > 32_767:
            faults["description"] = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
        return faults
