# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The call log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# By name, because no service model says which operations change something. AssumeRole gives keys and changes nothing.
_READING_PREFIXES = ("Get", "List", "Describe", "AssumeRole")


def is_write(operation: str) -> bool:
    """Return whether an operation changes something."""
    return not operation.startswith(_READING_PREFIXES)


@dataclass
class Call:
    """One API call, in the order of arrival. The last four fields are empty until it is answered."""

    index: int
    service: str
    operation: str
    account_id: str
    region: str
    params: Mapping[str, Any]  # under botocore's names
    is_write: bool
    http_status: int | None = None
    error_code: str | None = None
    unprocessed: list[str] = field(default_factory=list)  # account ids
    fault: str | None = None  # the kind of the fault that struck it

    def as_dict(self) -> dict[str, Any]:
        """Return the call as plain data."""
        return asdict(self)


def summarise(calls: list[Call]) -> dict[str, Any]:
    """Count calls by service, operation and Region."""
    counted = Counter((call.service, call.operation, call.region, call.is_write) for call in calls)
    return {
        "calls": len(calls),
        "writes": sum(call.is_write for call in calls),
        "operations": [
            {"service": service, "operation": operation, "region": region, "is_write": write, "count": count}
            for (service, operation, region, write), count in sorted(counted.items())
        ],
    }
