# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GuardDuty's settings for an organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._membership.features import Feature
from ..._membership.parse import text_of, unreadable, value_of
from ..._membership.plan_organization import OrganizationRecord
from ..._membership.port import Api
from ..delegation import Delegation
from .adapter import GUARDDUTY as _GUARDDUTY
from .adapter import require_detector
from .facts import OF_ORGANIZATION
from .features import features_as_params, features_of

# There are about ten features; an answer that never ends, ends here.
_PAGE_LIMIT = 20
_NEXT = "NextToken"


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


GUARDDUTY = replace(
    _GUARDDUTY,
    open_delegation=lambda api: Delegation(api, "AdminAccountId", "AdminStatus"),
    open_organization=Organization,
)
