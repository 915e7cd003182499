# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security Hub's settings for an organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..._membership.features import Feature
from ..._membership.model import Problem, Reason
from ..._membership.parse import text_of, value_of
from ..._membership.plan_organization import OrganizationRecord
from ..._membership.port import Api
from ..delegation import Delegation
from .adapter import SECURITYHUB as _SECURITYHUB

_SETTINGS = {"auto_enable": "AutoEnable", "auto_enable_standards": "AutoEnableStandards"}

# Who configures the accounts of an organization, where it is not these settings.
_CENTRAL = Problem(
    Reason.CENTRAL_CONFIGURATION, "Security Hub's central configuration decides what accounts of the organization get"
)
_POLICY = Problem(
    Reason.ORGANIZATION_POLICY, "a Security Hub policy of AWS Organizations decides what accounts of it get"
)
_GOVERNED = {"CENTRAL": _CENTRAL}
_GOVERNED_STATUS = {"DISABLED": _POLICY}
_PENDING = "PENDING"
_FAILED = "FAILED"


class Organization:
    """What accounts of the organization get by themselves, as its delegated administrator sees and sets it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def describe(self) -> OrganizationRecord:
        operation = "DescribeOrganizationConfiguration"
        answer = self._api.call(operation)
        # An older SDK and an older answer have no word on who configures.
        configuration = answer.get("OrganizationConfiguration") or {}
        kind, status = text_of(configuration.get("ConfigurationType")), text_of(configuration.get("Status"))
        text = text_of(configuration.get("StatusMessage")) or "AWS gave no reason"
        return OrganizationRecord(
            settings={
                "auto_enable": value_of(operation, answer, "AutoEnable", bool),
                "auto_enable_standards": text_of(answer.get("AutoEnableStandards")),
            },
            is_limit_reached=value_of(operation, answer, "MemberAccountLimitReached", bool),
            configuration=(kind, status),
            governed_by=_GOVERNED_STATUS.get(status or "") or _GOVERNED.get(kind or ""),
            is_pending=status == _PENDING,
            failure=f"the organization's configuration is {kind} and {status}: {text}" if status == _FAILED else None,
        )

    def update(self, now: OrganizationRecord, settings: Mapping[str, object], features: Sequence[Feature]) -> None:
        # AWS wants AutoEnable in every call, and its model names a default, which is on, for standards left out.
        kept = {name: value for name, value in now.settings.items() if value is not None}
        wanted = {**kept, **settings}
        self._api.call("UpdateOrganizationConfiguration", **{_SETTINGS[name]: value for name, value in wanted.items()})


SECURITYHUB = replace(
    _SECURITYHUB,
    open_delegation=lambda api: Delegation(api, "AccountId", "Status"),
    open_organization=Organization,
)
