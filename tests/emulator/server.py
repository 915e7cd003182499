# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests and answers, and the server that reads and writes them."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SCOPE = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class HttpRequest:
    """A request as it arrived. The emulator fills in the last two."""

    method: str
    path: str  # still encoded: a label may contain %2F
    query: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    account_id: str = ""
    service_name: str = ""

    @property
    def scope(self) -> tuple[str, str, str] | None:
        """Return access key, Region and signing name from the credential scope of Signature Version 4."""
        found = _SCOPE.search(self.headers.get("authorization", ""))
        return (found.group(1), found.group(2), found.group(3)) if found else None

    @property
    def region(self) -> str:
        """Return the Region the request was signed for."""
        return self.scope[1] if self.scope else ""

    @property
    def service(self) -> str:
        """Return the signing name of the service."""
        return self.scope[2] if self.scope else ""

    def with_body(self, body: bytes) -> HttpRequest:
        """Return the request with another body."""
        return replace(self, body=body, headers={**self.headers, "content-length": str(len(body))})


@dataclass
class HttpResponse:
    """An answer, or what happens in its place."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_reset: bool = False  # close the connection with RST instead
    silence: float = 0  # wait so long, then close without an answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            path, _ignored, query = self.path.partition("?")
            length = int(headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # the client died: AWS would never act on half a request
                self.close_connection = True
                return
            self._answer(self.server.answer(HttpRequest(self.command, path, query, headers, body)))
        except ConnectionError:  # the client gave up
            self.close_connection = True

    def _answer(self, response: HttpResponse) -> None:
        if response.is_reset or response.silence:
            self.server.closing.wait(response.silence)
            self._break_connection(response.is_reset)
            return
        head = [f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('',))[0]}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        head.append(f"Content-Length: {len(response.body)}")
        self.wfile.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + response.body)

    def _break_connection(self, is_reset: bool) -> None:
        self.close_connection = True
        if is_reset:  # lingering for zero seconds makes close() send RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """HTTP/1.1 with keep-alive, one thread per connection, on a free port of the loopback interface."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Return the address to give to clients."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report only what is not the end of a connection."""
        if not self.closing.is_set():
            super().handle_error(request, client_address)

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, args=(0.05,), name="emulator", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and close every connection, so that no client waits for an answer."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
