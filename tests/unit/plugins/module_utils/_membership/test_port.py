# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Service, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY


def opened(*_arguments: Any) -> Any:
    raise AssertionError("nothing is to be opened here")


def service_of(facts: Any) -> Service:
    return Service(facts, opened, opened, opened)


def test_a_service_names_what_it_has_for_an_organization() -> None:
    assert service_of(GUARDDUTY).organization_kind is GUARDDUTY.organization


@pytest.mark.parametrize(
    "ask",
    [
        lambda service: service.organization_kind,
        lambda service: service.open_delegation(None),
        lambda service: service.open_organization(None),
    ],
)
def test_a_service_without_organizations_says_so(ask) -> None:
    with pytest.raises(TaskFailed, match="^(GuardDuty|the service) has nothing for AWS Organizations here$"):
        ask(service_of(replace(GUARDDUTY, organization=None)))
