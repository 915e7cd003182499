# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Features as GuardDuty writes them: the same for an organization, a member and a detector, but for one key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._membership.features import Feature, FeatureWords
from ..._membership.parse import text_of, value_of
from .facts import OF_ACCOUNT, OF_ORGANIZATION

_WIRE = {OF_ORGANIZATION.option: "AutoEnable", OF_ACCOUNT.option: "Status"}


def features_of(operation: str, rows: Iterable[Mapping[str, Any]], words: FeatureWords) -> dict[str, Feature]:
    """Read features by name, from a GetDetector, GetMemberDetectors or DescribeOrganizationConfiguration."""
    key = _WIRE[words.option]
    found = {}
    for row in rows:
        additional = row.get("AdditionalConfiguration") or []
        managed_by = [text_of(each.get("ManagedBy")) for each in (row, *additional)]
        name = value_of(operation, row, "Name", str)
        found[name] = Feature(
            name,
            text_of(row.get(key)) or words.off,
            {value_of(operation, each, "Name", str): text_of(each.get(key)) or words.off for each in additional},
            next((owner for owner in managed_by if owner), None),
        )
    return found


def features_as_params(features: Iterable[Feature], words: FeatureWords) -> list[dict[str, Any]]:
    """Return features as AWS takes them."""
    key = _WIRE[words.option]
    params = []
    for feature in features:
        param: dict[str, Any] = {"Name": feature.name, key: feature.value}
        if feature.additional:
            param["AdditionalConfiguration"] = [
                {"Name": name, key: value} for name, value in sorted(feature.additional.items())
            ]
        params.append(param)
    return params
