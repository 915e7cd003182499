# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module runs that together call every API operation of the collection: three accounts in two Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._services.guardduty.facts import GUARDDUTY as GUARDDUTY_FACTS
from ansible_collections.muster.aws.plugins.module_utils._services.securityhub.facts import (
    SECURITYHUB as SECURITYHUB_FACTS,
)
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR

A, B, C = ACCOUNTS = ("012345678901", "222222222222", "333333333333")
REGIONS = ("eu-central-1", "us-east-1")
GUARDDUTY, SECURITYHUB = SERVICES = ("guardduty", "securityhub")
SWITCH = {GUARDDUTY: "guardduty_detector", SECURITYHUB: "securityhub_hub"}
FACTS = {GUARDDUTY: GUARDDUTY_FACTS, SECURITYHUB: SECURITYHUB_FACTS}

# More than a batch.
FLEET = [A, *(f"2222222222{number:02}" for number in range(59))]


def members_of(account_ids: Iterable[str]) -> list[dict[str, str]]:
    """Return accounts as the member modules take them, with the addresses that the emulator gives them."""
    return [{"account_id": account_id, "email": f"{account_id}@example.com"} for account_id in account_ids]


MEMBERS = members_of(ACCOUNTS)
EVERYWHERE = {"regions": list(REGIONS), "wait_timeout": 10}
IN_ACCOUNTS = {"regions": list(REGIONS), "account_ids": list(ACCOUNTS), "role_name": "Muster"}

Prepare = Callable[[Emulator, str], None]


def switch_on(emulator: Emulator, service: str, *account_ids: str) -> None:
    """Let the service be on in these accounts, in both Regions."""
    emulator.seed({"services": [{"service": service, "account_id": i, "regions": list(REGIONS)} for i in account_ids]})


def all_members(status: str, account_ids: Iterable[str] = ACCOUNTS) -> Prepare:
    """Let all these accounts be members in this status."""

    def prepare(emulator: Emulator, service: str) -> None:
        switch_on(emulator, service, ADMINISTRATOR)
        for region in REGIONS:
            for account_id in account_ids:
                emulator.set_member(service, region, ADMINISTRATOR, account_id, status)

    return prepare


def tagged(emulator: Emulator, service: str) -> None:
    """Let the service be on everywhere, with a tag."""
    switch_on(emulator, service, *ACCOUNTS)
    with emulator.lock:
        for region in REGIONS:
            for account_id in ACCOUNTS:
                switch = emulator.world.home(service, account_id, region).switch
                assert switch
                switch.tags["old"] = "1"


@dataclass(frozen=True)
class Scene:
    """A module run, and what is there before it.

    :param module: With ``{}`` for the service, or the word "switch" for the detector or the hub.
    """

    name: str
    module: str
    options: Mapping[str, Any]
    prepare: Prepare = lambda emulator, service: switch_on(emulator, service, ADMINISTRATOR)
    by_service: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def module_of(self, service: str) -> str:
        return SWITCH[service] if self.module == "switch" else self.module.format(service)

    def options_of(self, service: str) -> dict[str, Any]:
        return {**self.options, **self.by_service.get(service, {})}

    @property
    def is_member_side(self) -> bool:
        return "account_ids" in self.options


SCENES = {
    scene.name: scene
    for scene in (
        Scene("invite", "{}_member", {**EVERYWHERE, "members": MEMBERS}),
        Scene("remove", "{}_member", {**EVERYWHERE, "members": MEMBERS, "state": "absent"}, all_members("Enabled")),
        Scene(
            "purge", "{}_member", {**EVERYWHERE, "members": MEMBERS[:1], "purge_members": True}, all_members("Enabled")
        ),
        Scene(
            "suspend",
            "{}_member",
            {**EVERYWHERE, "members": MEMBERS, "monitoring": "suspended"},
            all_members("Enabled"),
        ),
        Scene(
            "resume", "{}_member", {**EVERYWHERE, "members": MEMBERS, "monitoring": "enabled"}, all_members("Disabled")
        ),
        Scene(
            "accept",
            "{}_administrator",
            {**EVERYWHERE, **IN_ACCOUNTS, "administrator_id": ADMINISTRATOR, "enable_service": True},
            all_members("Invited"),
        ),
        Scene(
            "leave",
            "{}_administrator",
            {**EVERYWHERE, **IN_ACCOUNTS, "administrator_id": ADMINISTRATOR, "state": "absent"},
            all_members("Enabled"),
        ),
        Scene(
            "switch on",
            "switch",
            IN_ACCOUNTS,
            lambda emulator, service: None,
            {GUARDDUTY: {"tags": {"team": "sec"}}, SECURITYHUB: {"auto_enable_controls": False}},
        ),
        Scene(
            "set",
            "switch",
            {**IN_ACCOUNTS, "tags": {"new": "2"}},
            tagged,
            {GUARDDUTY: {"finding_publishing_frequency": "ONE_HOUR"}, SECURITYHUB: {"auto_enable_controls": False}},
        ),
        Scene(
            "switch off",
            "switch",
            {**IN_ACCOUNTS, "state": "absent"},
            lambda emulator, service: switch_on(emulator, service, *ACCOUNTS),
        ),
        Scene("list members", "{}_member_info", {"regions": list(REGIONS)}, all_members("Enabled")),
        Scene("list administrators", "{}_administrator_info", IN_ACCOUNTS, all_members("Invited")),
    )
}


@dataclass(frozen=True, order=True)
class Place:
    """One API operation in one scene: the n-th call of it, by whom the scene strikes."""

    service: str
    operation: str
    scene: str
    nth: int = 1
    of: str = ""  # the service whose module runs, where the operation is of another (STS)

    def __str__(self) -> str:
        nth = f" no. {self.nth}" if self.nth > 1 else ""
        return f"{self.service} {self.operation}{nth} ({self.scene}{' ' + self.of if self.of else ''})"

    @property
    def module_service(self) -> str:
        return self.of or self.service

    @property
    def is_write(self) -> bool:
        return self.operation in FACTS[self.module_service].operations.values()


# Operation: scene. Reads that come again after a write are struck there, too (no. 2).
_COMMON = {
    "GetMembers": "invite",
    "ListMembers": "purge",
    "CreateMembers": "invite",
    "InviteMembers": "invite",
    "DisassociateMembers": "remove",
    "DeleteMembers": "remove",
    "GetAdministratorAccount": "leave",
    "ListInvitations": "accept",
    "AcceptAdministratorInvitation": "accept",
    "DisassociateFromAdministratorAccount": "leave",
    "TagResource": "set",
    "UntagResource": "set",
}
_OWN = {
    GUARDDUTY: {
        "ListDetectors": "invite",
        "StartMonitoringMembers": "resume",
        "StopMonitoringMembers": "suspend",
        "CreateDetector": "switch on",
        "GetDetector": "set",
        "UpdateDetector": "set",
        "DeleteDetector": "switch off",
    },
    SECURITYHUB: {
        "EnableSecurityHub": "switch on",
        "DescribeHub": "set",
        "ListTagsForResource": "set",
        "UpdateSecurityHubConfiguration": "set",
        "DisableSecurityHub": "switch off",
    },
}
PLACES = sorted(
    [Place(s, operation, scene) for s in SERVICES for operation, scene in {**_COMMON, **_OWN[s]}.items()]
    + [Place(s, "GetMembers", scene, 2) for s in SERVICES for scene in ("invite", "remove")]
    + [Place(s, "GetAdministratorAccount", "leave", 2) for s in SERVICES]
    + [Place(GUARDDUTY, "CreateDetector", "accept"), Place(SECURITYHUB, "EnableSecurityHub", "accept")]
    + [Place(GUARDDUTY, "GetDetector", "set", 2), Place(SECURITYHUB, "DescribeHub", "set", 2)]
    + [Place("sts", "GetCallerIdentity", "invite", of=s) for s in SERVICES]
    + [Place("sts", "AssumeRole", "accept", of=s) for s in SERVICES]
)
