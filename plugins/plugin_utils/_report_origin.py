# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of itself, beside what was read: who wrote it, and what it leaves out. Asks nobody."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

_COLLECTION = Path(__file__).parents[2]


def collection_version() -> str:
    """Return the version of this collection: of its manifest where it was installed, of its source in a checkout."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load((_COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def regions_not_asked(client: str, regions: Iterable[str]) -> list[str]:
    """Return the Regions that have a service and are not among these.

    :param client: boto3's name of the service.
    :param regions: Those that were asked for; they choose the partition.
    :returns: Sorted names, as far as the installed botocore knows of them; none where it is not installed.
    """
    asked = set(regions)
    known = _partitions_of(client)
    return sorted(name for names in known if asked & set(names) for name in names if name not in asked)


def known_regions(client: str) -> list[str]:
    """Return all Regions of all partitions that have a service, as far as the installed botocore knows."""
    return [name for names in _partitions_of(client) for name in names]


def _partitions_of(client: str) -> tuple[tuple[str, ...], ...]:
    try:
        from botocore.session import Session
    except ImportError:
        return ()
    session = Session()
    return tuple(
        tuple(session.get_available_regions(client, partition)) for partition in session.get_available_partitions()
    )
