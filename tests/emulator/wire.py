# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP form of a service, compiled from botocore's own service model: routes, requests, answers.

Nothing about a path, a member name or a letter case is written down here, so nothing can be invented. moto's
``core.parse`` and ``core.serialize`` were the first candidates; they neither validate a request (lengths, required
members, enumerations), nor write the milliseconds AWS writes, nor complain about an answer that is not in the model.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from .errors import EmulatorError


class InvalidRequest(Exception):
    """A request that AWS's service model does not allow. ``problem`` is one of missing, type, length, choice."""

    def __init__(self, member: str, problem: str, detail: str = "") -> None:
        super().__init__(f"{member}: {problem} {detail}".rstrip())
        self.member = member
        self.problem = problem
        self.detail = detail


def timestamp(seconds: float) -> str:
    """Write a time as both services do: ``2018-02-09T21:33:05.568Z``."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


# --- requests ---------------------------------------------------------------------------------------------------------


def _read_structure(shape: Any, value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(name, "type", "structure")
    return _read_members(shape, _body_members(shape), value)


def _read_members(shape: Any, members: Iterable[tuple[str, str, Shape]], values: Mapping[str, Any]) -> dict[str, Any]:
    result = {}
    for member, wire_name, member_shape in members:
        value = values.get(wire_name)
        if value is not None:
            result[member] = read(member_shape, value, wire_name)
        elif member in shape.required_members:
            raise InvalidRequest(wire_name, "missing")
    return result


def _read_list(shape: Any, value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidRequest(name, "type", "list")
    _check_length(shape, value, name)
    return [read(shape.member, item, f"{name}[]") for item in value]


def _read_map(shape: Any, value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(name, "type", "map")
    _check_length(shape, value, name)
    return {read(shape.key, key, name): read(shape.value, item, name) for key, item in value.items()}


def _read_string(shape: Any, value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(name, "type", "string")
    _check_length(shape, value, name)
    if shape.enum and value not in shape.enum:
        raise InvalidRequest(name, "choice", ", ".join(shape.enum))
    # Label patterns name the partition "aws" only, so those are left to the operation.
    pattern = "location" not in shape.serialization and shape.metadata.get("pattern")
    if pattern and not re.search(pattern, value):
        raise InvalidRequest(name, "choice", pattern)
    return value


def _read_boolean(shape: Any, value: Any, name: str) -> bool:
    if "location" in shape.serialization:
        value = {"true": True, "false": False}.get(value)
    if not isinstance(value, bool):
        raise InvalidRequest(name, "type", "boolean")
    return value


def _read_integer(shape: Any, value: Any, name: str) -> int:
    if "location" in shape.serialization and re.fullmatch(r"-?\d+", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(name, "type", "integer")
    if not shape.metadata.get("min", value) <= value <= shape.metadata.get("max", value):
        raise InvalidRequest(name, "length", str(value))
    return value


def _check_length(shape: Any, value: Any, name: str) -> None:
    length = len(value)
    if not shape.metadata.get("min", 0) <= length <= shape.metadata.get("max", length):
        raise InvalidRequest(name, "length", str(length))


_READERS: dict[str, Callable[[Any, Any, str], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "long": _read_integer,
}


def read(shape: Shape, value: Any, name: str) -> Any:
    """Turn a value off the wire into botocore's form, or raise :class:`InvalidRequest`."""
    return _READERS[shape.type_name](shape, value, name)


# --- answers ----------------------------------------------------------------------------------------------------------


# A member that is on the wire as null; None leaves it out.
NULL = object()


def _write_structure(shape: Any, value: Any) -> dict[str, Any]:
    unknown = set(value) - set(shape.members)
    missing = {name for name in shape.required_members if value.get(name) is None}
    if unknown or missing:
        raise EmulatorError(f"{shape.name}: not in the model: {sorted(unknown)}; required: {sorted(missing)}")
    return {
        wire_name: None if value[member] is NULL else write(member_shape, value[member])
        for member, wire_name, member_shape in _body_members(shape)
        if value.get(member) is not None
    }


def _write_list(shape: Any, value: Any) -> list[Any]:
    return [write(shape.member, item) for item in value]


def _write_map(shape: Any, value: Any) -> dict[str, Any]:
    return {write(shape.key, key): write(shape.value, item) for key, item in value.items()}


def _write_timestamp(shape: Any, value: float) -> str | float:
    # rest-json writes epoch seconds unless the shape says otherwise; Security Hub's shapes say iso8601.
    return timestamp(value) if shape.serialization.get("timestampFormat") == "iso8601" else value


def _write_scalar(kind: type) -> Callable[[Any, Any], Any]:
    def write_scalar(shape: Any, value: Any) -> Any:
        if value.__class__ is not kind:
            raise EmulatorError(f"{shape.name}: {value!r} is no {kind.__name__}")
        return value

    return write_scalar


_WRITERS: dict[str, Callable[[Any, Any], Any]] = {
    "structure": _write_structure,
    "list": _write_list,
    "map": _write_map,
    "timestamp": _write_timestamp,
    "string": _write_scalar(str),
    "boolean": _write_scalar(bool),
    "integer": _write_scalar(int),
    "long": _write_scalar(int),
}


def write(shape: Shape, value: Any) -> Any:
    """Turn botocore's form into what goes on the wire; refuse anything the model does not have."""
    return _WRITERS[shape.type_name](shape, value)


# --- operations and services ------------------------------------------------------------------------------------------


@functools.cache
def _body_members(shape: Any) -> tuple[tuple[str, str, Shape], ...]:
    return _members_at(shape, None)


def _members_at(shape: Any, location: str | None) -> tuple[tuple[str, str, Shape], ...]:
    """Return (botocore name, wire name, shape) of the members that travel in ``location`` (None: the body)."""
    return tuple(
        (name, member.serialization.get("name", name), member)
        for name, member in (shape.members.items() if shape else ())
        if member.serialization.get("location") == location
    )


class Operation:
    """One operation of a service model, with its route compiled."""

    def __init__(self, model: OperationModel) -> None:
        self.name = model.name
        self.method = model.http["method"]
        self.uri = model.http["requestUri"]
        self.status = int(model.http.get("responseCode", 200))
        self.input_shape: Any = model.input_shape
        self.output_shape: Any = model.output_shape
        self.error_status = {
            shape.name: int(shape.metadata.get("error", {}).get("httpStatusCode", 400)) for shape in model.error_shapes
        }
        self.pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.uri)))
        self._label_members = _members_at(self.input_shape, "uri")
        self._query_members = _members_at(self.input_shape, "querystring")

    def allow_any_length(self, member: str) -> None:
        """Forget a maximum that AWS models and does not enforce."""
        self.input_shape.members[member].metadata.pop("max", None)

    def parse(self, labels: Mapping[str, str], query: str, body: bytes) -> dict[str, Any]:
        """Return the parameters under botocore's names, checked against the model."""
        if self.input_shape is None:
            return {}
        return {
            **_read_members(self.input_shape, self._label_members, {k: unquote(v) for k, v in labels.items()}),
            **_read_members(self.input_shape, self._query_members, _query_values(self.input_shape, query)),
            **_read_members(self.input_shape, _body_members(self.input_shape), _json_object(body)),
        }

    def serialise(self, result: Mapping[str, Any] | None) -> bytes:
        """Return the body of a success. None, or an output without members, is an empty body."""
        if result is None or not (self.output_shape and self.output_shape.members):
            return b""
        return json.dumps(write(self.output_shape, result), separators=(",", ":")).encode()


def _query_values(shape: Any, query: str) -> dict[str, Any]:
    pairs = parse_qsl(query, keep_blank_values=True)
    values: dict[str, Any] = dict(pairs)
    for _name, wire_name, member in _members_at(shape, "querystring"):
        if member.type_name == "list" and wire_name in values:  # UntagResource repeats its key
            values[wire_name] = [value for key, value in pairs if key == wire_name]
    return values


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body) if body else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest("body", "type", "JSON object")
    return value


class Service:
    """All operations of one service and the way from an HTTP request line to one of them."""

    def __init__(self, name: str) -> None:
        self.model = ServiceModel(_loader().load_service_model(name, "service-2"), name)
        self.operations = {
            operation: Operation(self.model.operation_model(operation)) for operation in self.model.operation_names
        }
        self._routes: dict[tuple[str, int], list[Operation]] = {}
        # Literal paths first: /members/get must not be read as /members/{something}.
        for operation in sorted(self.operations.values(), key=lambda item: item.uri.count("{")):
            self._routes.setdefault((operation.method, operation.uri.count("/")), []).append(operation)

    def route(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Find the operation of a request by its method and its still encoded path."""
        for operation in self._routes.get((method, path.count("/")), ()):
            match = operation.pattern.fullmatch(path)
            if match:
                return operation, match.groupdict()
        return None


@functools.cache
def _loader() -> Loader:
    return Loader()


@functools.cache
def load_service(name: str) -> Service:
    """Return the compiled model of a service; models are immutable, so every emulator of a process shares them."""
    return Service(name)


@functools.cache
def _partition_of(region: str) -> dict[str, Any]:
    partitions: list[dict[str, Any]] = _loader().load_data("partitions")["partitions"]
    fitting = (partition for partition in partitions if re.fullmatch(partition["regionRegex"], region))
    return next(fitting, partitions[0])


def partition_of(region: str) -> str:
    """Return the partition of a Region, by botocore's own expressions."""
    return str(_partition_of(region)["id"])


def home_of(region: str) -> str:
    """Return the Region of the same partition whose STS is never off."""
    return str(_partition_of(region)["outputs"]["implicitGlobalRegion"])
