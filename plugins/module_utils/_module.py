# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a module begins and ends: its options, and the one place that exits, fails, or asks for check mode."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible.module_utils.basic import _load_params

from ._aws.cloud import AnsibleAWSModule, Cloud, require_sdk
from ._jobs.administrator import administrator_info_job, administrator_job
from ._jobs.delegation import delegation_job
from ._jobs.members import member_info_job, member_job
from ._jobs.organization import organization_info_job, organization_job
from ._jobs.service import service_job
from ._jobs.task import Job, Task
from ._membership.port import Clock, Service, TaskFailed
from ._membership.result import Report, describe_unprocessed
from ._membership.validate import InvalidInput, as_list

Spec = dict[str, Any]

# More warnings than these are counted, not shown: the rows tell all.
_WARNINGS_SHOWN = 20

# Seconds that a Region without an answer may cost a module without wait_timeout: that option's default.
_PATIENCE = 60


def _common_options() -> Spec:
    return {
        "regions": {"type": "list", "elements": "str"},
        "concurrency": {"type": "int", "default": 16},
    }


def _account_options() -> Spec:
    # Account ids are "raw": as "str", Ansible would turn an unquoted id into a string before it can be refused.
    return {"account_ids": {"type": "list", "elements": "raw"}, **_role_options()}


def _role_options() -> Spec:
    return {
        "role_name": {"type": "str"},
        "external_id": {"type": "str", "no_log": True},
        "role_session_name": {"type": "str", "default": "muster"},
    }


def _wait_options() -> Spec:
    return {"wait": {"type": "bool", "default": True}, "wait_timeout": {"type": "int", "default": 60}}


def _member_options(ways: Sequence[str]) -> Spec:
    return {
        "members": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"account_id": {"type": "raw", "required": True}, "email": {"type": "str"}},
        },
        "state": {"type": "str", "choices": ["present", "disassociated", "absent"], "default": "present"},
        "via": {"type": "str", "choices": list(ways), "default": ways[0]},
        "invite": {"type": "bool", "default": True},
        "reinvite_resigned": {"type": "bool", "default": False},
        "purge_members": {"type": "bool", "default": False},
        "purge_limit": {"type": "int", "default": 10},
        "fail_on_unprocessed": {"type": "bool", "default": True},
        **_role_options(),
        **_wait_options(),
    }


def run_member(service: Service, options: Spec | None = None) -> None:
    """Run a member module.

    :param service: The service.
    :param options: The options that this service has beyond the common ones.
    """
    spec = {**_member_options(service.facts.ways), **(options or {}), **_account_features(service)}
    _run(service, "members", spec, partial(member_job, service))


def run_member_info(service: Service) -> None:
    """Run a member info module."""
    spec = {"member_ids": {"type": "list", "elements": "raw"}}
    _run(service, "members", spec, partial(member_info_job, service))


def run_administrator(service: Service) -> None:
    """Run an administrator module."""
    spec = {
        "administrator_id": {"type": "raw", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "enable_service": {"type": "bool", "default": False},
        "replace_administrator": {"type": "bool", "default": False},
        **_account_options(),
        **_wait_options(),
    }
    _run(service, "administrators", spec, partial(administrator_job, service))


def run_administrator_info(service: Service) -> None:
    """Run an administrator info module."""
    _run(service, "administrators", _account_options(), partial(administrator_info_job, service))


def _tag_options() -> Spec:
    return {
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
    }


def run_service(service: Service, options: Spec) -> None:
    """Run the module of a service itself.

    :param options: The service's own settings.
    """
    spec = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **(_tag_options() if service.facts.kind.has_tags else {}),
        **options,
        **_account_features(service),
        **_account_options(),
        **_wait_options(),
    }
    _run(service, service.facts.kind.rows, spec, partial(service_job, service))


def _feature_options(option: str, values: list[str]) -> Spec:
    """The shape of a list of features, in which AWS's name for the value differs."""
    value = {"type": "str", "choices": values, "required": True}
    additional = {"name": {"type": "str", "required": True}, option: value}
    return {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            option: value,
            "additional_configuration": {"type": "list", "elements": "dict", "options": additional},
        },
    }


def _account_features(service: Service) -> Spec:
    words = service.facts.features
    return {"features": _feature_options(words.option, ["ENABLED", "DISABLED"])} if words else {}


def run_organization_administrator(service: Service) -> None:
    """Run the module of who the delegated administrator of an organization is."""
    kind = service.organization_kind
    spec = {
        "administrator_id": {"type": "raw", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "service_principals": {
            "type": "list",
            "elements": "str",
            "default": [kind.principal] if kind.needs_trust else [],
        },
        **_wait_options(),
        "wait_timeout": {"type": "int", "default": 300},
    }
    _run(service, "organization_administrators", spec, partial(delegation_job, service))


def run_organization(service: Service, options: Spec) -> None:
    """Run the module of what accounts of an organization get by themselves.

    :param options: The service's own settings; ``features`` is added where it has them.
    """
    features = service.organization_kind.features
    spec = {
        **options,
        **({"features": _feature_options(features.option, ["NEW", "ALL", "NONE"])} if features else {}),
        **_account_options(),
        **_wait_options(),
    }
    _run(service, "organizations", spec, partial(organization_job, service))


def run_organization_info(service: Service) -> None:
    """Run the organization info module."""
    _run(service, "organizations", _account_options(), partial(organization_info_job, service))


def _run(service: Service, key: str, spec: Spec, job: Job) -> None:
    argument_spec = {**_common_options(), **spec}
    module = AnsibleAWSModule(argument_spec=argument_spec, supports_check_mode=True, check_boto3=False)
    report = Report()
    message = None
    try:
        require_sdk(module)
        options = {**module.params, **_lists_given_as_one_value(argument_spec)}
        regions = _regions(module, options["regions"])
        # STS takes none so short, and to mask one letter would leave nothing of the refusal to read.
        module.no_log_values -= {value for value in [options.get("external_id")] if value and len(value) == 1}
        task = Task(
            options=options,
            regions=regions,
            connect=lambda: Cloud(module, regions, options["concurrency"], options.get("wait_timeout", _PATIENCE)),
            clock=Clock(time.monotonic, time.sleep),
            carry_out=not module.check_mode,
        )
        report = job(task)
        report.sort()
        if report.unprocessed and options.get("fail_on_unprocessed", True):
            message = report.describe_failures(service.facts.title)
        else:
            report.warnings += [describe_unprocessed(row) for row in report.unprocessed]
    except TaskFailed as failure:
        message = f"{service.facts.title}: {failure}"
        report.refuse(failure.faults if isinstance(failure, InvalidInput) else ())
    _warn(module, report.warnings)
    result = _result(key, report, module._diff)
    if message:
        module.fail_json(msg=message, **result)
    module.exit_json(**result)


def _lists_given_as_one_value(spec: Spec) -> Spec:
    """Read the list options that are one text, which Ansible splits at commas only, and keeps blanks and empty items.

    It makes a text of a number as well: an account id that is not quoted would look like one that is.
    """
    asked = _load_params()
    kinds = {"str": str, "raw": str | int}
    return {
        name: as_list(asked[name])
        for name, option in spec.items()
        if option["type"] == "list" and isinstance(asked.get(name), kinds.get(option["elements"], ()))
    }


def _regions(module: AnsibleAWSModule, regions: list[str] | None) -> list[str]:
    if regions is None:
        # amazon.aws asks the SDK's own configuration only where neither the option nor the environment tells.
        regions = [module.params["region"] or module.region]
    if not regions or not all(regions):
        raise TaskFailed("no Region given: set regions (or region, or AWS_REGION); it is never 'all Regions'")
    return sorted(set(regions))


def _result(key: str, report: Report, with_diff: bool) -> Mapping[str, Any]:
    result: dict[str, Any] = {
        "changed": report.is_changed,
        key: report.rows,
        "unprocessed_accounts": report.unprocessed,
        "actions": report.actions,
    }
    if with_diff:
        result["diff"] = {"before": report.before, "after": report.after}
    return result


def _warn(module: AnsibleAWSModule, warnings: list[str]) -> None:
    for warning in warnings[:_WARNINGS_SHOWN]:
        module.warn(warning)
    if len(warnings) > _WARNINGS_SHOWN:
        module.warn(f"and {len(warnings) - _WARNINGS_SHOWN} more warnings of this kind, see the rows")
