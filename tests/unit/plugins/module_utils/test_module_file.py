# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules ask of Ansible, what they hand to their jobs, and how they end: all but the jobs and AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils import _module as module_file
from ansible_collections.muster.aws.plugins.module_utils._jobs.task import Task
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Service, TaskFailed
from ansible_collections.muster.aws.plugins.module_utils._membership.result import Report
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import Fault, InvalidInput
from ansible_collections.muster.aws.tests.unit.services.scripted import SERVICES

ACCOUNT, OTHER = "012345678901", "222222222222"
REGION, OTHER_REGION = "us-east-1", "eu-central-1"
GUARDDUTY, SECURITYHUB, MACIE = SERVICES["guardduty"], SERVICES["securityhub"], SERVICES["macie"]


class Ended(Exception):
    """The module ended."""


@dataclass
class Module:
    """What AnsibleAWSModule is to a module, and how the module ended.

    :param given: The options that are no defaults, as Ansible has checked them.
    :param asked: Those as they were written.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    check_mode: bool = False
    _diff: bool = False
    region: str | None = REGION
    made_with: dict[str, Any] = field(default_factory=dict)
    warned: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    no_log_values: set[str] = field(default_factory=set)
    result: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None

    def make(self, **arguments: Any) -> Module:
        self.made_with = arguments
        spec = arguments["argument_spec"]
        self.params = {"region": None, **{name: option.get("default") for name, option in spec.items()}, **self.given}
        return self

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def exit_json(self, **result: Any) -> None:
        self.result = result
        raise Ended

    def fail_json(self, **result: Any) -> None:
        self.failure = result
        raise Ended


@dataclass
class World:
    """What is around a module: Ansible, the jobs, the SDK.

    :param jobs: The jobs that were begun, each with its service and its task.
    """

    patch: pytest.MonkeyPatch
    jobs: list[tuple[str, Service, Task]] = field(default_factory=list)

    def run(
        self,
        run: Callable[[], None] = lambda: module_file.run_member(GUARDDUTY),
        job: Callable[[Task], Report] = lambda _task: Report(),
        **module: Any,
    ) -> Module:
        """Run a module whose job is this one."""
        stand_in = Module(**module)

        def begin(name: str) -> Callable[[Service, Task], Report]:
            def begun(service: Service, task: Task) -> Report:
                self.jobs.append((name, service, task))
                return job(task)

            return begun

        for name in JOBS:
            self.patch.setattr(module_file, name, begin(name))
        self.patch.setattr(module_file, "AnsibleAWSModule", stand_in.make)
        self.patch.setattr(module_file, "_load_params", lambda: stand_in.asked)
        with pytest.raises(Ended):
            run()
        return stand_in

    @property
    def task(self) -> Task:
        """The task of the job that was begun last."""
        return self.jobs[-1][2]


JOBS = (
    "administrator_info_job",
    "administrator_job",
    "delegation_job",
    "member_info_job",
    "member_job",
    "organization_info_job",
    "organization_job",
    "service_job",
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(module_file, "require_sdk", lambda _module: None)
    return World(monkeypatch)


# Argument specifications

COMMON = {"regions": {"type": "list", "elements": "str"}, "concurrency": {"type": "int", "default": 16}}
ROLE = {
    "role_name": {"type": "str"},
    "external_id": {"type": "str", "no_log": True},
    "role_session_name": {"type": "str", "default": "muster"},
}
ACCOUNTS = {"account_ids": {"type": "list", "elements": "raw"}, **ROLE}
WAIT = {"wait": {"type": "bool", "default": True}, "wait_timeout": {"type": "int", "default": 60}}
STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
NO = {"type": "bool", "default": False}
NAME = {"type": "str", "required": True}
MEMBER = {
    "members": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"account_id": {"type": "raw", "required": True}, "email": {"type": "str"}},
    },
    "state": {"type": "str", "choices": ["present", "disassociated", "absent"], "default": "present"},
    "via": {"type": "str", "choices": ["invitation", "organization"], "default": "invitation"},
    "invite": {"type": "bool", "default": True},
    "reinvite_resigned": NO,
    "purge_members": NO,
    "purge_limit": {"type": "int", "default": 10},
    "fail_on_unprocessed": {"type": "bool", "default": True},
    **ROLE,
    **WAIT,
}
OWN = {"own": {"type": "int"}}


def features(option: str, *values: str) -> dict[str, Any]:
    value = {"type": "str", "choices": [*values], "required": True}
    additional = {"type": "list", "elements": "dict", "options": {"name": NAME, option: value}}
    options = {"name": NAME, option: value, "additional_configuration": additional}
    return {"features": {"type": "list", "elements": "dict", "options": options}}


ON_OR_OFF = features("status", "ENABLED", "DISABLED")
DELEGATION = {
    "administrator_id": {"type": "raw", "required": True},
    "state": STATE,
    **WAIT,
    "wait_timeout": {"type": "int", "default": 300},
}
MODULES: list[tuple[Callable[[], None], str, Service, str, dict[str, Any]]] = [
    (lambda: module_file.run_member(GUARDDUTY), "member_job", GUARDDUTY, "members", {**MEMBER, **ON_OR_OFF}),
    (lambda: module_file.run_member(MACIE, OWN), "member_job", MACIE, "members", {**MEMBER, **OWN}),
    (
        lambda: module_file.run_member_info(SECURITYHUB),
        "member_info_job",
        SECURITYHUB,
        "members",
        {"member_ids": {"type": "list", "elements": "raw"}},
    ),
    (
        lambda: module_file.run_administrator(GUARDDUTY),
        "administrator_job",
        GUARDDUTY,
        "administrators",
        {
            "administrator_id": {"type": "raw", "required": True},
            "state": STATE,
            "enable_service": NO,
            "replace_administrator": NO,
            **ACCOUNTS,
            **WAIT,
        },
    ),
    (
        lambda: module_file.run_administrator_info(MACIE),
        "administrator_info_job",
        MACIE,
        "administrators",
        ACCOUNTS,
    ),
    (
        lambda: module_file.run_service(GUARDDUTY, OWN),
        "service_job",
        GUARDDUTY,
        "detectors",
        {
            "state": STATE,
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "purge_tags": {"type": "bool", "default": True},
            **OWN,
            **ON_OR_OFF,
            **ACCOUNTS,
            **WAIT,
        },
    ),
    (
        lambda: module_file.run_service(MACIE, OWN),
        "service_job",
        MACIE,
        "sessions",
        {"state": STATE, **OWN, **ACCOUNTS, **WAIT},
    ),
    (
        lambda: module_file.run_organization_administrator(GUARDDUTY),
        "delegation_job",
        GUARDDUTY,
        "organization_administrators",
        {
            **DELEGATION,
            "service_principals": {"type": "list", "elements": "str", "default": ["guardduty.amazonaws.com"]},
        },
    ),
    (
        lambda: module_file.run_organization_administrator(SECURITYHUB),
        "delegation_job",
        SECURITYHUB,
        "organization_administrators",
        {**DELEGATION, "service_principals": {"type": "list", "elements": "str", "default": []}},
    ),
    (
        lambda: module_file.run_organization(GUARDDUTY, OWN),
        "organization_job",
        GUARDDUTY,
        "organizations",
        {**OWN, **features("auto_enable", "NEW", "ALL", "NONE"), **ACCOUNTS, **WAIT},
    ),
    (
        lambda: module_file.run_organization(SECURITYHUB, OWN),
        "organization_job",
        SECURITYHUB,
        "organizations",
        {**OWN, **ACCOUNTS, **WAIT},
    ),
    (
        lambda: module_file.run_organization_info(SECURITYHUB),
        "organization_info_job",
        SECURITYHUB,
        "organizations",
        ACCOUNTS,
    ),
]


@pytest.mark.parametrize(("run", "job", "service", "key", "spec"), MODULES)
def test_module_asks_for_its_options_and_gives_its_rows_under_its_key(
    world: World, run: Callable[[], None], job: str, service: Service, key: str, spec: dict[str, Any]
) -> None:
    module = world.run(run)
    assert module.made_with == {
        "argument_spec": {**COMMON, **spec},
        "supports_check_mode": True,
        "check_boto3": False,
    }
    [(begun, given, _task)] = world.jobs
    assert (begun, given) == (job, service)
    assert module.result == {"changed": False, key: [], "unprocessed_accounts": [], "actions": []}


@pytest.mark.parametrize(("run", "_job", "service", "key", "_spec"), MODULES)
def test_module_fails_with_the_title_of_its_service(
    world: World, run: Callable[[], None], _job: str, service: Service, key: str, _spec: dict[str, Any]
) -> None:
    def job(_task: Task) -> Report:
        raise TaskFailed("A brake.")

    module = world.run(run, job)
    assert module.failure is not None
    assert (module.failure["msg"], module.failure[key]) == (f"{service.facts.title}: A brake.", [])


def test_first_way_of_a_service_is_the_one_without_a_word(world: World) -> None:
    service = replace(GUARDDUTY, facts=replace(GUARDDUTY.facts, ways=("organization", "letter")))
    spec = world.run(lambda: module_file.run_member(service)).made_with["argument_spec"]
    assert spec["via"] == {"type": "str", "choices": ["organization", "letter"], "default": "organization"}


def test_service_without_an_organization_has_no_module_of_it() -> None:
    for run in (module_file.run_organization_administrator, lambda service: module_file.run_organization(service, {})):
        with pytest.raises(TaskFailed, match="^Macie has nothing for AWS Organizations here$"):
            run(MACIE)


# The task


@pytest.mark.parametrize("check_mode", [False, True])
def test_task_carries_out_where_no_check_mode_is_and_waits_by_the_clock(world: World, check_mode: bool) -> None:
    world.run(check_mode=check_mode)
    assert world.task.carry_out is (not check_mode)
    assert (world.task.clock.now, world.task.clock.sleep) == (time.monotonic, time.sleep)


@pytest.mark.parametrize(
    ("run", "given", "patience"),
    [
        (lambda: module_file.run_member(GUARDDUTY), {"concurrency": 3}, 60),
        (lambda: module_file.run_member(GUARDDUTY), {"concurrency": 3, "wait_timeout": 7}, 7),
        (lambda: module_file.run_member_info(GUARDDUTY), {"concurrency": 3}, 60),
    ],
)
def test_aws_is_connected_to_by_the_job_with_the_patience_of_the_module(
    world: World, run: Callable[[], None], given: dict[str, Any], patience: int
) -> None:
    connected: list[object] = []

    def connect_to(*arguments: object) -> str:
        connected.append(arguments)
        return "the cloud"

    world.patch.setattr(module_file, "Cloud", connect_to)
    module = world.run(run, given=given)
    assert connected == []
    connect: Callable[[], object] = world.task.connect
    assert connect() == "the cloud"
    assert connected == [(module, [REGION], 3, patience)]


@pytest.mark.parametrize(
    ("given", "region", "regions"),
    [
        ({"regions": [REGION, OTHER_REGION, REGION]}, "x", [OTHER_REGION, REGION]),
        ({"regions": None}, REGION, [REGION]),
        ({"regions": None, "region": OTHER_REGION}, REGION, [OTHER_REGION]),
    ],
)
def test_regions_are_those_asked_for_once_each_or_the_one_of_the_connection(
    world: World, given: dict[str, Any], region: str, regions: list[str]
) -> None:
    world.run(given=given, region=region)
    assert world.task.regions == regions
    assert world.task.options["regions"] == given["regions"]


@pytest.mark.parametrize(
    "given", [{"regions": []}, {"regions": [REGION, ""]}, {"regions": None}, {"regions": None, "region": ""}]
)
def test_module_without_a_region_begins_nothing(world: World, given: dict[str, Any]) -> None:
    module = world.run(given=given, region=None)
    assert world.jobs == []
    assert module.failure == {
        "msg": "GuardDuty: no Region given: set regions (or region, or AWS_REGION); it is never 'all Regions'",
        "changed": False,
        "members": [],
        "unprocessed_accounts": [],
        "actions": [],
    }


def test_lists_that_are_one_text_are_read_as_such_and_other_options_as_ansible_has_them(world: World) -> None:
    asked = {"regions": f"{REGION}\n {OTHER_REGION},,", "account_ids": [ACCOUNT], "role_name": "a,b", "features": "x,y"}
    given = {"regions": ["odd"], "account_ids": [OTHER], "role_name": "a,b", "features": ["z"], "state": "absent"}
    world.run(lambda: module_file.run_service(GUARDDUTY, {}), asked=asked, given=given)
    options = world.task.options
    assert options["regions"] == [REGION, OTHER_REGION]
    assert world.task.regions == [OTHER_REGION, REGION]
    names = ("account_ids", "role_name", "features", "state", "concurrency")
    assert [options[name] for name in names] == [[OTHER], "a,b", ["z"], "absent", 16]


def test_list_of_one_text_without_an_item_is_no_region(world: World) -> None:
    module = world.run(asked={"regions": " , "}, given={"regions": [REGION]})
    assert module.failure is not None and module.failure["msg"].startswith("GuardDuty: no Region given")


# Its end


def row(region: str = REGION, account_id: str = ACCOUNT, actions: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"region": region, "account_id": account_id, "actions": [*actions]}


def refused(account_id: str = ACCOUNT) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "region": REGION,
        "operation": "CreateMembers",
        "reason": "No.",
        "reason_code": "other",
        "retryable": False,
    }


def report(*rows: dict[str, Any], **values: Any) -> Callable[[Task], Report]:
    return lambda _task: Report(rows=[*rows], before={"a": 1}, after={"a": 2}, **values)


@pytest.mark.parametrize("with_diff", [False, True])
def test_result_has_sorted_rows_and_the_diff_where_it_is_asked_for(world: World, with_diff: bool) -> None:
    action = {"region": REGION, "account_id": None, "operation": "CreateMembers", "account_ids": [ACCOUNT]}
    job = report(row(), row(OTHER_REGION, actions=("create",)), actions=[action])
    module = world.run(job=job, _diff=with_diff)
    assert module.failure is None and module.warned == []
    assert module.result == {
        "changed": True,
        "members": [row(OTHER_REGION, actions=("create",)), row()],
        "unprocessed_accounts": [],
        "actions": [action],
        **({"diff": {"before": {"a": 1}, "after": {"a": 2}}} if with_diff else {}),
    }


_DONE = "No. (other: see AWS's text)"


def test_accounts_that_are_not_done_fail_the_module_with_all_its_rows(world: World) -> None:
    module = world.run(job=report(row(), unprocessed=[refused()], warnings=["look"]))
    assert module.result is None and module.warned == ["look"]
    assert module.failure == {
        "msg": "GuardDuty: 1 of 1 accounts and Regions not done: 012345678901 in us-east-1: CreateMembers: " + _DONE,
        "changed": False,
        "members": [row()],
        "unprocessed_accounts": [refused()],
        "actions": [],
    }


def test_accounts_that_are_not_done_are_warned_of_where_they_are_not_to_fail_the_module(world: World) -> None:
    job = report(row(), unprocessed=[refused(), refused(OTHER)], warnings=["look"])
    module = world.run(job=job, given={"fail_on_unprocessed": False})
    assert module.failure is None
    assert module.result is not None and module.result["unprocessed_accounts"] == [refused(), refused(OTHER)]
    assert module.warned == [
        "look",
        f"012345678901 in us-east-1: CreateMembers: {_DONE}",
        f"222222222222 in us-east-1: CreateMembers: {_DONE}",
    ]


def test_accounts_that_are_not_done_fail_a_module_without_a_choice(world: World) -> None:
    module = world.run(lambda: module_file.run_administrator(GUARDDUTY), report(row(), unprocessed=[refused()]))
    assert module.failure is not None and module.failure["administrators"] == [row()]


@pytest.mark.parametrize(
    ("failure", "text", "unprocessed"),
    [
        (TaskFailed("A brake."), "Macie: A brake.", []),
        (
            InvalidInput([Fault("12", Reason.INVALID_INPUT, "too short")]),
            "Macie: nothing was sent: too short",
            [
                {
                    "account_id": "12",
                    "region": None,
                    "operation": None,
                    "reason": "too short",
                    "reason_code": "invalid_input",
                    "retryable": False,
                }
            ],
        ),
    ],
)
def test_task_that_is_not_begun_fails_the_module_with_the_keys_of_a_result(
    world: World, failure: TaskFailed, text: str, unprocessed: list[dict[str, Any]]
) -> None:
    def job(_task: Task) -> Report:
        raise failure

    module = world.run(lambda: module_file.run_member(MACIE), job, _diff=True)
    assert module.failure == {
        "msg": text,
        "changed": False,
        "members": [],
        "unprocessed_accounts": unprocessed,
        "actions": [],
        "diff": {"before": {}, "after": {}},
    }


@pytest.mark.parametrize(("external_id", "masked"), [("e", {"secret"}), ("ex", {"secret", "ex"}), (None, {"secret"})])
def test_one_character_that_can_be_no_external_id_masks_nothing(
    world: World, external_id: str | None, masked: set[str]
) -> None:
    secrets = {"secret", *([external_id] if external_id else [])}
    given = {"external_id": external_id}
    module = world.run(lambda: module_file.run_member(MACIE), given=given, no_log_values=secrets)
    assert module.no_log_values == masked


def test_sdk_that_is_missing_fails_the_module(world: World) -> None:
    asked: list[object] = []

    def require(module: Module) -> None:
        asked.append(module)
        raise TaskFailed("Failed to import boto3")

    world.patch.setattr(module_file, "require_sdk", require)
    module = world.run()
    assert asked == [module] and world.jobs == []
    assert module.failure is not None and module.failure["msg"] == "GuardDuty: Failed to import boto3"


@pytest.mark.parametrize(
    ("count", "last"), [(1, "0"), (20, "19"), (21, "and 1 more warnings of this kind, see the rows")]
)
def test_warnings_are_shown_up_to_twenty_and_then_counted(world: World, count: int, last: str) -> None:
    warnings = [str(number) for number in range(count)]
    module = world.run(job=lambda _task: Report(warnings=[*warnings]))
    assert module.warned == [*warnings[:20], *([last] if count > 20 else [])]
    assert module.warned[-1] == last


def test_module_that_only_warns_is_done(world: World) -> None:
    module = world.run(job=lambda _task: Report(warnings=["x"] * 45))
    assert module.result is not None
    assert module.warned[20:] == ["and 25 more warnings of this kind, see the rows"]
