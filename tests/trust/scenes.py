# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module runs that together call every API operation of the collection: three accounts in two Regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._membership.model import State, Step
from ansible_collections.muster.aws.plugins.module_utils._services.delegation import ENABLE_SERVICE_ACCESS
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as FACTS
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR

A, B, C = ACCOUNTS = ("012345678901", "222222222222", "333333333333")
REGIONS = ("eu-central-1", "us-east-1")
GUARDDUTY, SECURITYHUB, MACIE = "guardduty", "securityhub", "macie"
SERVICES = tuple(FACTS)
SWITCH = {service: facts.service_module for service, facts in FACTS.items()}

# The organization's, and another account of it that may be its delegated administrator.
MANAGEMENT, OTHER = "099999999999", "888888888888"
ORGANIZATIONS = "organizations"

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


# The step that a service has to know for the scene; without one, every service knows the scene.
_NEEDED = {
    "suspend": Step.STOP_MONITORING,
    "resume": Step.START_MONITORING,
    "delegate": Step.DELEGATE,
    "revoke": Step.REVOKE,
    "configure": Step.UPDATE_ORGANIZATION,
    "features": Step.UPDATE_FEATURES,
}


def has_scene(service: str, name: str) -> bool:
    """Return whether a service can play a scene: not all of them can suspend members, or serve an organization."""
    return name not in _NEEDED or _NEEDED[name] in FACTS[service].operations


# Those that serve organizations.
DELEGATING = tuple(service for service in SERVICES if has_scene(service, "delegate"))


def organization(caller: str, delegate: str | None = None, account_ids: Iterable[str] = ACCOUNTS) -> Prepare:
    """Let there be an organization of these accounts, and its delegated administrator if there is to be one."""

    def prepare(emulator: Emulator, service: str) -> None:
        seed: dict[str, Any] = {
            "management_account": MANAGEMENT,
            "account_ids": [MANAGEMENT, ADMINISTRATOR, OTHER, *account_ids],
        }
        if delegate:
            seed["delegated_administrator"] = {service: delegate}
            switch_on(emulator, service, delegate)
        emulator.seed({"caller": caller, "organization": seed})

    return prepare


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
    caller: str = ADMINISTRATOR

    def module_of(self, service: str) -> str:
        return SWITCH[service] if self.module == "switch" else self.module.format(service)

    def options_of(self, service: str) -> dict[str, Any]:
        options = {**self.options, **self.by_service.get(service, {})}
        return options if FACTS[service].kind.has_tags else {k: v for k, v in options.items() if k != "tags"}

    @property
    def is_member_side(self) -> bool:
        return "account_ids" in self.options


FEATURES_OF_ORGANIZATION = [
    {"name": "S3_DATA_EVENTS", "auto_enable": "NEW"},
    {
        "name": "RUNTIME_MONITORING",
        "auto_enable": "ALL",
        "additional_configuration": [{"name": "EC2_AGENT_MANAGEMENT", "auto_enable": "ALL"}],
    },
]
FEATURES_OF_MEMBERS = [
    {"name": "S3_DATA_EVENTS", "status": "DISABLED"},
    {"name": "RUNTIME_MONITORING", "status": "ENABLED"},
]

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
        Scene(
            "delegate",
            "{}_organization_administrator",
            {**EVERYWHERE, "administrator_id": ADMINISTRATOR},
            organization(MANAGEMENT),
            caller=MANAGEMENT,
        ),
        Scene(
            "revoke",
            "{}_organization_administrator",
            {**EVERYWHERE, "administrator_id": ADMINISTRATOR, "state": "absent"},
            organization(MANAGEMENT, ADMINISTRATOR),
            caller=MANAGEMENT,
        ),
        Scene(
            "configure",
            "{}_organization",
            EVERYWHERE,
            organization(ADMINISTRATOR, ADMINISTRATOR),
            {
                GUARDDUTY: {"auto_enable_members": "ALL", "features": FEATURES_OF_ORGANIZATION},
                SECURITYHUB: {"auto_enable": True, "auto_enable_standards": "NONE"},
            },
        ),
        Scene(
            "features",
            "{}_member",
            {**EVERYWHERE, "members": MEMBERS, "features": FEATURES_OF_MEMBERS},
            all_members("Enabled"),
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
    of: str = ""  # the service whose module runs, where the operation is of another (STS, Organizations)

    def __str__(self) -> str:
        nth = f" no. {self.nth}" if self.nth > 1 else ""
        return f"{self.service} {self.operation}{nth} ({self.scene}{' ' + self.of if self.of else ''})"

    @property
    def module_service(self) -> str:
        return self.of or self.service

    @property
    def is_write(self) -> bool:
        return self.operation in {ENABLE_SERVICE_ACCESS, *FACTS[self.module_service].operations.values()}

    @property
    def is_regional(self) -> bool:
        """Whether the operation is asked for in each Region; STS and Organizations are asked once for all."""
        return self.service in FACTS


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
    Step.DELEGATE: "delegate",
    Step.REVOKE: "revoke",
    Step.UPDATE_ORGANIZATION: "configure",
    Step.UPDATE_FEATURES: "features",
}
_READS = {"ListMembers": "purge", "GetAdministratorAccount": "leave", "ListInvitations": "accept"}
# How each service reads members by name, and itself; and what else it reads.
READ_MEMBERS = {GUARDDUTY: "GetMembers", SECURITYHUB: "GetMembers", MACIE: "GetMember"}
_READ_SERVICE = {GUARDDUTY: "GetDetector", SECURITYHUB: "DescribeHub", MACIE: "GetMacieSession"}
_OWN_READS = {GUARDDUTY: {"ListDetectors": "invite"}, SECURITYHUB: {"ListTagsForResource": "set"}, MACIE: {}}


# What is read before each of the organization's steps, and again after it.
_ORGANIZATION_READS = {
    Step.DELEGATE: "ListOrganizationAdminAccounts",
    Step.REVOKE: "ListOrganizationAdminAccounts",
    Step.UPDATE_ORGANIZATION: "DescribeOrganizationConfiguration",
    Step.UPDATE_FEATURES: "GetMemberDetectors",
}


def _places_in_organization(service: str) -> Iterable[Place]:
    for step, operation in _ORGANIZATION_READS.items():
        if step in FACTS[service].operations:
            yield from (Place(service, operation, _SCENES[step], nth) for nth in (1, 2))
    if service == GUARDDUTY:  # the module for the others asks for trusted access only where a user names a principal
        for operation in ("ListAWSServiceAccessForOrganization", ENABLE_SERVICE_ACCESS):
            yield Place(ORGANIZATIONS, operation, "delegate", of=service)


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
        *_places_in_organization(service),
    ]


PLACES = sorted(place for service in SERVICES for place in _places(service))
