# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the API of AWX as its modules talk to: objects are created, found by their fields, changed and associated.

It refuses what AWX refuses: the names of endpoints that it does not have, surveys that are badly formed, and answers
that are missing or of another type than the survey's, be it in a launch, a schedule or a node of a workflow. Whoever is
not the system's administrator may not create organizations and types of credentials.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.muster.aws.tests.ecosystem.controller_rules import (
    faults_of_survey,
    hosts_of_slices,
    variables_needed_to_start,
    variables_of_job,
)

ENDPOINTS = frozenset(
    "organizations credential_types credentials execution_environments projects inventories inventory_sources hosts"
    " job_templates workflow_job_templates workflow_job_template_nodes workflow_approval_templates"
    " unified_job_templates schedules labels notification_templates instance_groups roles teams users"
    " jobs workflow_jobs".split()
)
JOBS = ("job_templates", "workflow_job_templates", "workflow_approval_templates")
ROLES = ("admin_role", "execute_role", "read_role", "approval_role")
SECRETS = frozenset({"password", "security_token", "external_id"})
OF_THE_SYSTEM = frozenset({"organizations", "credential_types"})
PREFIX = "/api/v2/"
Answer = tuple[int, Any]


class FakeController:
    """A context manager: inside, it serves on a free port of the loopback interface.

    :param is_system_administrator: Whether the token is that of the system's administrator, or of an organization's.
    """

    def __init__(self, is_system_administrator: bool = True) -> None:
        self.is_system_administrator = is_system_administrator
        self.objects: dict[str, list[dict[str, Any]]] = {name: [] for name in ENDPOINTS}
        self.related: dict[str, Any] = {}
        self.writes: list[str] = []
        self._lock = threading.Lock()
        self._numbers = 0
        self.create("credential_types", name="Amazon Web Services", managed=True)
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

    def names(self, endpoint: str) -> list[str]:
        """Return the names of all objects of a kind."""
        return [item["name"] for item in self.objects[endpoint]]

    def survey(self, name: str, endpoint: str = "job_templates") -> dict[str, Any]:
        """Return the survey of a job template."""
        return self._survey(endpoint, self.named(endpoint, name))

    def _survey(self, endpoint: str, item: dict[str, Any]) -> dict[str, Any]:
        survey = self.related.get(f"{endpoint}/{item['id']}/survey_spec", {})
        return survey if item.get("survey_enabled") else {}

    def create(self, endpoint: str, **values: Any) -> dict[str, Any]:
        """Create an object, as somebody else would have."""
        self._numbers += 1
        url = f"{PREFIX}{endpoint}/{self._numbers}/"
        item = {
            "id": self._numbers,
            "type": endpoint.rstrip("s"),
            "url": url,
            "summary_fields": {},
            "scm_revision": "",
            **values,
        }
        item["related"] = {"survey_spec": f"{url}survey_spec/"}
        if endpoint in JOBS:
            roles = {name: self.create("roles", name=name) for name in ROLES}
            item["summary_fields"] = {"object_roles": {name: {"id": role["id"]} for name, role in roles.items()}}
        self.objects[endpoint].append(item)
        return item

    def answer(self, method: str, url: str, body: Any) -> Answer:
        """Answer one request."""
        parts = urlsplit(url)
        endpoint, *rest = parts.path.removeprefix(PREFIX).strip("/").split("/")
        with self._lock:
            if endpoint not in ENDPOINTS:
                return 404, {"detail": f"no {endpoint}"}
            if method != "GET":
                self.writes.append(f"{method} {parts.path}")
                if endpoint in OF_THE_SYSTEM and not self.is_system_administrator:
                    return 403, {"detail": "You do not have permission to perform this action."}
            if not rest:
                return self._answer_list(method, endpoint, dict(parse_qsl(parts.query)), body)
            item = next((item for item in self.objects[endpoint] if item["id"] == int(rest[0])), None)
            if item is None:
                return 404, {"detail": "Not found."}
            if len(rest) == 1:
                return self._answer_object(method, endpoint, item, body)
            if rest[1] == "launch":
                return self._launch(item, body or {})
            if rest[1] == "create_approval_template":
                approval = self.create("workflow_approval_templates", **body)
                item["unified_job_template"] = approval["id"]
                item["related"]["unified_job_template"] = approval["url"]
                return 201, approval
            return self._answer_related(method, f"{endpoint}/{rest[0]}/{rest[1]}", body)

    def _answer_list(self, method: str, endpoint: str, query: dict[str, str], body: Any) -> Answer:
        if method == "POST":
            refused = self._refused(endpoint, body)
            return (400, refused) if refused else (201, _hidden(self.create(endpoint, **body)))
        sources = JOBS if endpoint == "unified_job_templates" else (endpoint,)
        wanted = {key: value for key, value in query.items() if key not in ("page_size", "page", "order_by")}
        found = [
            item
            for source in sources
            for item in self.objects[source]
            if all(str(item.get(key)) == value for key, value in wanted.items())
        ]
        return 200, _page([_hidden(item) for item in found])

    def _answer_object(self, method: str, endpoint: str, item: dict[str, Any], body: Any) -> Answer:
        if method == "DELETE":
            self.objects[endpoint].remove(item)
            return 204, None
        refused = self._refused(endpoint, {**item, **body}) if body else None
        if refused:
            return 400, refused
        item.update(body or {})
        return 200, _hidden(item)

    def _refused(self, endpoint: str, values: dict[str, Any]) -> dict[str, list[str]]:
        """Return AWX's refusal of a schedule or a node. What a node requires may be asked when its workflow starts."""
        if endpoint not in ("schedules", "workflow_job_template_nodes"):
            return {}
        number = values.get("unified_job_template")
        for source in JOBS[:2]:
            for item in self.objects[source]:
                if item["id"] == number:
                    questions = self._survey(source, item).get("spec", [])
                    answers = values.get("extra_data") or {}
                    faults = variables_needed_to_start(questions, answers, endpoint == "schedules")
                    return {"variables_needed_to_start": faults} if faults else {}
        return {}

    def _launch(self, item: dict[str, Any], body: dict[str, Any]) -> Answer:
        """Launch a job template: one job, or a workflow of slices of the whole inventory."""
        questions = self._survey("job_templates", item).get("spec", [])
        answers = body.get("extra_vars", {})
        faults = variables_needed_to_start(questions, answers)
        if faults:
            return 400, {"variables_needed_to_start": faults}
        known = {question["variable"] for question in questions}
        asked = {key: value for key, value in body.items() if item.get(f"ask_{key}_on_launch")}
        hosts = [host["name"] for host in self.objects["hosts"] if host["inventory"] == item["inventory"]]
        slices = hosts_of_slices(hosts, int(asked.get("job_slice_count", item.get("job_slice_count", 1))))
        variables = variables_of_job(
            json.loads(item["extra_vars"]), questions, {name: answers[name] for name in known & set(answers)}
        )
        jobs = [
            self.create("jobs", extra_vars=variables, hosts=part, limit=asked.get("limit", ""))["id"] for part in slices
        ]
        ignored = {key: value for key, value in body.items() if key not in asked and key != "extra_vars"}
        if len(jobs) == 1:
            return 201, {"id": jobs[0], "type": "job", "ignored_fields": ignored}
        return 201, {**self.create("workflow_jobs", jobs=jobs, is_sliced_job=True), "ignored_fields": ignored}

    def _answer_related(self, method: str, place: str, body: Any) -> Answer:
        if place.endswith("/survey_spec"):
            if method == "POST":
                faults = faults_of_survey(body)
                if faults:
                    return 400, {"error": " ".join(faults)}
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

            do_GET = do_POST = do_PATCH = do_DELETE = _answer

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
