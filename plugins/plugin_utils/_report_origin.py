# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the collection and of AWS's Regions without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.muster.aws.plugins.module_utils._aws.partitions import home_region

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


def home_of(region: str) -> str:
    """Return the home Region of a Region's partition; the Region itself where botocore is not installed."""
    session = _botocore()
    return home_region(session, region) if session else region


def _partitions_of(client: str) -> tuple[tuple[str, ...], ...]:
    session = _botocore()
    if session is None:
        return ()
    return tuple(
        tuple(session.get_available_regions(client, partition)) for partition in session.get_available_partitions()
    )


def _botocore() -> Any:
    """Return botocore's session, or ``None`` where it is not installed: the modules say so."""
    try:
        from botocore.session import Session
    except ImportError:
        return None
    return Session()
