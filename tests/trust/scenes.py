# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module runs that together call every API operation of the collection: three accounts in two Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import State, Step
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as FACTS
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR

A, B, C = ACCOUNTS = ("012345678901", "222222222222", "333333333333")
REGIONS = ("eu-central-1", "us-east-1")
GUARDDUTY, SECURITYHUB, MACIE = "guardduty", "securityhub", "macie"
SERVICES = tuple(FACTS)
SWITCH = {service: facts.service_module for service, facts in FACTS.items()}

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


def has_scene(service: str, name: str) -> bool:
    """Return whether a service can play a scene: not all of them can suspend members."""
    step = {"suspend": Step.STOP_MONITORING, "resume": Step.START_MONITORING}.get(name)
    return step is None or step in FACTS[service].operations


def all_members(status: str | State, account_ids: Iterable[str] = ACCOUNTS) -> Prepare:
    """Let all these accounts be members in this status."""

    def prepare(emulator: Emulator, service: str) -> None:
        switch_on(emulator, service, ADMINISTRATOR)
        for region in REGIONS:
            for account_id in account_ids:
                word = FACTS[service].word_for(status) if isinstance(status, State) else status
                emulator.set_member(service, region, ADMINISTRATOR, account_id, word)

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

    :param module: With ``{}`` for the service, or the word "switch" for the service itself.
    """

    name: str
    module: str
    options: Mapping[str, Any]
    prepare: Prepare = lambda emulator, service: switch_on(emulator, service, ADMINISTRATOR)
    by_service: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def module_of(self, service: str) -> str:
        return SWITCH[service] if self.module == "switch" else self.module.format(service)

    def options_of(self, service: str) -> dict[str, Any]:
        options = {**self.options, **self.by_service.get(service, {})}
        return options if FACTS[service].kind.has_tags else {k: v for k, v in options.items() if k != "tags"}

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
            "resume",
            "{}_member",
            {**EVERYWHERE, "members": MEMBERS, "monitoring": "enabled"},
            all_members(State.SUSPENDED),
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
            {
                GUARDDUTY: {"finding_publishing_frequency": "ONE_HOUR"},
                MACIE: {"finding_publishing_frequency": "ONE_HOUR"},
                SECURITYHUB: {"auto_enable_controls": False},
            },
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


# Where each step, and each read, is struck. Reads that come again after a write are struck there, too (no. 2).
_SCENES = {
    Step.CREATE: "invite",
    Step.INVITE: "invite",
    Step.DISASSOCIATE: "remove",
    Step.DELETE: "remove",
    Step.START_MONITORING: "resume",
    Step.STOP_MONITORING: "suspend",
    Step.ENABLE_SERVICE: "switch on",
    Step.UPDATE_SERVICE: "set",
    Step.DISABLE_SERVICE: "switch off",
    Step.TAG: "set",
    Step.UNTAG: "set",
    Step.ACCEPT: "accept",
    Step.LEAVE: "leave",
}
_READS = {"ListMembers": "purge", "GetAdministratorAccount": "leave", "ListInvitations": "accept"}
# How each service reads members by name, and itself; and what else it reads.
READ_MEMBERS = {GUARDDUTY: "GetMembers", SECURITYHUB: "GetMembers", MACIE: "GetMember"}
_READ_SERVICE = {GUARDDUTY: "GetDetector", SECURITYHUB: "DescribeHub", MACIE: "GetMacieSession"}
_OWN_READS = {GUARDDUTY: {"ListDetectors": "invite"}, SECURITYHUB: {"ListTagsForResource": "set"}, MACIE: {}}


def _places(service: str) -> list[Place]:
    operations = FACTS[service].operations
    scenes = {operations[step]: scene for step, scene in _SCENES.items() if step in operations}
    scenes |= {**_READS, READ_MEMBERS[service]: "invite", _READ_SERVICE[service]: "set", **_OWN_READS[service]}
    return [
        *(Place(service, operation, scene) for operation, scene in scenes.items()),
        *(Place(service, READ_MEMBERS[service], scene, 2) for scene in ("invite", "remove")),
        Place(service, "GetAdministratorAccount", "leave", 2),
        Place(service, operations[Step.ENABLE_SERVICE], "accept"),
        Place(service, _READ_SERVICE[service], "set", 2),
        Place("sts", "GetCallerIdentity", "invite", of=service),
        Place("sts", "AssumeRole", "accept", of=service),
    ]


PLACES = sorted(place for service in SERVICES for place in _places(service))
