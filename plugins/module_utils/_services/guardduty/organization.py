# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GuardDuty's settings for an organization, and the features of members and of the administrator itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._membership.features import Feature, FeatureWords
from ..._membership.parse import account_id_of, answer_of, list_of, text_of, unreadable, value_of
from ..._membership.plan_organization import OrganizationRecord
from ..._membership.port import Answer, Api
from ..delegation import Delegation
from .adapter import GUARDDUTY as _GUARDDUTY
from .adapter import UNPROCESSED, require_detector
from .facts import OF_ACCOUNT, OF_ORGANIZATION

_WIRE = {OF_ORGANIZATION.option: "AutoEnable", OF_ACCOUNT.option: "Status"}
# There are about ten features; an answer that never ends, ends here.
_PAGE_LIMIT = 20
_NEXT = "NextToken"


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


class Organization:
    """What accounts of the organization get by themselves, as its delegated administrator sees and sets it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._detector_id = require_detector(api)

    def describe(self) -> OrganizationRecord:
        operation = "DescribeOrganizationConfiguration"
        features: dict[str, Feature] = {}
        params: dict[str, Any] = {"DetectorId": self._detector_id}
        for _page in range(_PAGE_LIMIT):
            answer = self._api.call(operation, **params)
            features.update(features_of(operation, answer.get("Features") or [], OF_ORGANIZATION))
            token = text_of(answer.get(_NEXT))
            if not token:
                break
            params[_NEXT] = token
        else:
            raise unreadable(operation, "the answer has no end")
        # The older setting is in every answer, and knows no ALL.
        members = text_of(answer.get("AutoEnableOrganizationMembers")) or (
            "NEW" if answer.get("AutoEnable") else "NONE"
        )
        return OrganizationRecord(
            settings={"auto_enable_members": members},
            features=features,
            is_limit_reached=value_of(operation, answer, "MemberAccountLimitReached", bool),
        )

    def update(self, now: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]) -> None:
        # AWS wants the word for members in every call; its older boolean would turn ALL into NEW.
        params: dict[str, Any] = {"AutoEnableOrganizationMembers": {**now.settings, **settings}["auto_enable_members"]}
        if features:
            params["Features"] = features_as_params(features, OF_ORGANIZATION)
        self._api.call("UpdateOrganizationConfiguration", DetectorId=self._detector_id, **params)


class MemberFeatures:
    """The features of the administrator's members in one Region."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._detector_id = require_detector(api)

    def get_features(self, account_ids: Sequence[str]) -> tuple[dict[str, dict[str, Feature]], Answer]:
        operation = "GetMemberDetectors"
        response = self._api.call(operation, DetectorId=self._detector_id, AccountIds=list(account_ids))
        found = {
            account_id_of(operation, row): features_of(operation, row.get("Features") or [], OF_ACCOUNT)
            for row in list_of(operation, response, "MemberDataSourceConfigurations")
        }
        return found, answer_of(response, UNPROCESSED)

    def update_features(self, account_ids: Sequence[str], features: Sequence[Feature]) -> Answer:
        params = {"AccountIds": list(account_ids), "Features": features_as_params(features, OF_ACCOUNT)}
        return answer_of(self._api.call("UpdateMemberDetectors", DetectorId=self._detector_id, **params), UNPROCESSED)


GUARDDUTY = replace(
    _GUARDDUTY,
    open_delegation=lambda api: Delegation(api, "AdminAccountId", "AdminStatus"),
    open_organization=Organization,
    open_features=MemberFeatures,
)
