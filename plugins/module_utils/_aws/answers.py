# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading answers: what does not fit the API model, and what the SDK reads slowly."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

with suppress(ImportError):  # require_sdk says so, and how to install it
    import botocore.utils

# The Python of JSON's containers, by botocore's names for shapes.
_CONTAINERS: dict[str, type] = {"structure": dict, "list": list, "map": dict}


def parse_timestamp(value: Any) -> Any:
    """Read a timestamp. The SDK's own parser tries every format there is, and thousands of records take it long."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return botocore.utils.parse_timestamp(value)


def is_as_modelled(operation: Any, body: bytes) -> bool:
    if not body or "json" not in operation.service_model.protocol:
        return True
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and (operation.output_shape is None or _fits(operation.output_shape, answer))


def _fits(shape: Any, value: Any) -> bool:
    """Whether objects and lists stand where the API model has them: botocore takes "" or {} for an empty list."""
    if value is None or shape.type_name not in _CONTAINERS:
        return value is not None
    is_right = isinstance(value, _CONTAINERS[shape.type_name])
    return is_right and all(_fits(part, item) for part, item in _parts(shape, value))


def _parts(shape: Any, value: Any) -> Iterable[tuple[Any, Any]]:
    if shape.type_name == "list":
        return [(shape.member, item) for item in value]
    if shape.type_name == "map":
        return [(shape.value, item) for item in value.values()]
    wire_names = ((part, part.serialization.get("name", name)) for name, part in shape.members.items())
    # A null is an absent member, and none of the items of a list.
    return [(part, value[name]) for part, name in wire_names if value.get(name) is not None]
