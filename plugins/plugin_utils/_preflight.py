# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is looked at once, before the first call to AWS: the variables of all hosts of the run."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ansible_collections.muster.aws.plugins.module_utils._membership.features import explain_features
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Step
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import as_list, explain_message
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._fleet import FACTS, collect_accounts, operations_of, rows_of
from ansible_collections.muster.aws.plugins.plugin_utils._options import (
    LEFTOVER,
    check_options,
    check_values,
    explain_leftover,
    path_of,
    unknown_names,
)
from ansible_collections.muster.aws.plugins.plugin_utils._report_origin import home_of, known_regions
from ansible_collections.muster.aws.plugins.plugin_utils._roles import OF_A_HOST, ROLES, Role
from ansible_collections.muster.aws.plugins.plugin_utils._variables import HostVariables, same_for_all
from ansible_collections.muster.aws.plugins.plugin_utils._words import causes_of, hint, listed, places_of

ROLES_FOLDER = Path(__file__).parents[2] / "roles"
_FAULTS_SHOWN = 10
_NOTHING: Mapping[str, str] = MappingProxyType({})

# The options that name files to write: those that the ending writes, whatever stopped the run, and the report's own.
WRITTEN_AT_THE_END = ("results_file", "failed_file")
_FILES = (*WRITTEN_AT_THE_END, "file", "csv_file", "json_file")


class Stop(Exception):
    """What keeps all accounts from being done; its text is for the operator."""


def read_spec(role: str) -> dict[str, Any]:
    """Return the options of a role, from its argument specification."""
    text = (ROLES_FOLDER / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["argument_specs"]["main"]["options"])


def read_defaults(loader: Any, role: str) -> dict[str, Any]:
    """Return the defaults of a role, which Ansible gives to the tasks of the role only.

    :param loader: Ansible's, of files.
    """
    path = ROLES_FOLDER / role / "defaults" / "main.yml"
    return dict(loader.load_from_file(str(path), trusted_as_template=True))


class Preflight:
    """The variables of a run, checked.

    :param role: The role.
    :param hosts: The variables of each of its hosts.
    """

    def __init__(self, role: Role, hosts: Mapping[str, HostVariables]) -> None:
        self._role = role
        self._hosts = hosts
        self._spec = read_spec(role.name)

    @property
    def secrets(self) -> list[str]:
        """The names of options that must not be kept, without the prefix."""
        return [self._name(name) for name, row in self._spec.items() if row.get("no_log")]

    def results(self, taken: Mapping[str, str] = _NOTHING) -> dict[str, Any]:
        """Return the files that the ending writes, as far as they can be told, and without those that it must not.

        :param taken: See :meth:`options`.
        """
        names = {f"{self._role.prefix}{name}" for name in (*_FILES, "baseline_file")}
        spec = {name: row for name, row in self._spec.items() if name in names}
        given, _differing = same_for_all(self._hosts, spec)
        values, _faults = check_options(spec, given)
        options = {self._name(name): value for name, value in values.items()}
        # Two of one name are refused, and neither is written: it may be the report of yesterday.
        named = Counter(path_of(path) for value in options.values() for path in as_list(value))
        theirs = {path for path, count in named.items() if count > 1}.union(map(path_of, taken))
        paths = {
            name: [path for path in as_list(options.get(name)) if path_of(path) not in theirs]
            for name in WRITTEN_AT_THE_END
        }
        return {name: found if isinstance(options[name], list) else found[0] for name, found in paths.items() if found}

    def options(self, taken: Mapping[str, str] = _NOTHING) -> dict[str, Any]:
        """Return what the role was told, by name without its prefix and without what is secret.

        :param taken: Files that must not be written, and what they are, as the predicate of a sentence.
        :raises Stop: Something of it cannot be used.
        """
        leftovers = (text for host in self._hosts.values() for text in explain_leftover(host.raw(LEFTOVER)))
        self._stop([*dict.fromkeys(leftovers), *self._unknown()])
        spec = {name: row for name, row in self._spec.items() if self._name(name) not in OF_A_HOST}
        given, differing = same_for_all(self._hosts, spec)
        if differing:
            pair = next(iter(differing.values()))
            raise Stop(
                f"the hosts of this run differ in {listed(list(differing))} (so do {listed(pair)}), and they are done "
                "together. "
                f"Run each group of hosts by itself, with --limit or {self._role.name}_hosts"
            )
        values, faults = check_options(spec, given)
        options = {self._name(name): value for name, value in values.items()}
        regions = known_regions(next(iter(FACTS.values())).client)
        if self._role.fallback and any("needed and not set" in fault for fault in faults):
            faults.append(f"({self._role.fallback}administrator_id, {self._role.fallback}regions and so on do as well)")
        account_ids = (str(self.account(variables)["account_id"]) for variables in self._hosts.values())
        faults = faults or check_values(options, self._role.prefix, regions, account_ids)
        self._stop(faults)
        options["services"] = [name for name in SERVICES if name in options["services"]]
        messages = (
            (SERVICES[name].title, explain_message(options.get("invitation_message"), SERVICES[name].message))
            for name in options["services"]
        )
        faults = [f"{title}: {self._role.prefix}{text}" for title, text in messages if text]
        features = {name: words for name in options["services"] if (words := SERVICES[name].features)}
        faults += [
            f"{self._role.prefix}{name}_{text}"
            for name, words in features.items()
            for text in explain_features(options.get(f"{name}_features") or (), words)
        ]
        enters, value = self._role.enters
        if options.get(enters) == value and not options.get("member_role_name"):
            # The modules would find that out where they need it, after the invitations.
            faults.append(f"{self._role.prefix}member_role_name is empty: name the role, or leave the variable out")
        self._stop([*faults, *_explain_files(options, taken, self._role.prefix)])
        options["regions"] = list(dict.fromkeys(options["regions"]))
        return {name: value for name, value in options.items() if name not in self.secrets}

    def accounts(self, services: Iterable[str]) -> dict[str, Any]:
        """Return the accounts of the hosts, and what is wrong with some; see :func:`._fleet.collect_accounts`."""
        rows = {host: self.account(variables) for host, variables in self._hosts.items()}
        return collect_accounts(rows, services, self._role.needs_email)

    def account(self, variables: HostVariables) -> dict[str, Any]:
        account_id = variables.get(f"{self._role.prefix}account_id")
        email = variables.get(f"{self._role.prefix}account_email")
        return {"account_id": account_id, "email": email or None}

    def _name(self, variable: str) -> str:
        return variable.removeprefix(self._role.prefix)

    def _unknown(self) -> list[str]:
        # A controller gives the statistics of a workflow's jobs to the jobs after them, as variables.
        statistics = {role.statistic for role in ROLES.values()}
        names = {name for variables in self._hosts.values() for name in variables} - statistics
        unknown = unknown_names(names, self._role.prefix, self._spec)
        if self._role.fallback:
            unknown += unknown_names(names, self._role.fallback, read_spec(self._role.fallback.removesuffix("_")))
        return unknown

    @staticmethod
    def _stop(faults: Iterable[str]) -> None:
        found = list(faults)
        if found:
            more = [f"and {len(found) - _FAULTS_SHOWN} more"] if found[_FAULTS_SHOWN:] else []
            raise Stop("\n".join([*found[:_FAULTS_SHOWN], *more]))


def _explain_files(options: Mapping[str, Any], taken: Mapping[str, str], prefix: str) -> Iterator[str]:
    """Find files that could not be written when all is done, or not be read by Ansible then, or that one would lose."""
    failed_file = str(options.get("failed_file") or "")
    if re.search(r"[\s,:;\[\]]", failed_file):
        where = "at blanks, commas, colons and brackets"
        yield f"{prefix}failed_file: Ansible cuts --limit @{failed_file} {where}; name another"
    names = {path_of(text): what for text, what in taken.items()}
    baseline = path_of(options["baseline_file"]) if options.get("baseline_file") else None
    if baseline:
        names.setdefault(baseline, f"is that of {prefix}baseline_file, too")
    page_of_job = os.environ.get("GITHUB_STEP_SUMMARY")
    fault = _explain_path(path_of(page_of_job)) if page_of_job else None
    if fault:
        yield f"$GITHUB_STEP_SUMMARY: {fault}"
    for name in _FILES:
        for text in filter(None, as_list(options.get(name))):
            path = path_of(text)
            fault = _explain_path(path)
            if fault:
                yield f"{prefix}{name}: {fault}"
            # The report may be what the next one is compared with.
            elif path in names and (name, path) != ("json_file", baseline):
                yield f"{prefix}{name}: {text} {names[path]}; name another file"
            names[path] = f"is that of {prefix}{name}, too"


def _explain_path(path: Path) -> str | None:
    if path.exists() and not path.is_file():
        return f"{path} is a {'folder' if path.is_dir() else 'device'}; name a file"
    if not path.parent.is_dir():
        return f"the folder {path.parent} is not there"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return f"{path} may not be written"
    return None


def ask_caller(run_module: Callable[..., dict[str, Any]], regions: Sequence[str]) -> dict[str, Any]:
    """Return what amazon.aws.aws_caller_info says of the play's credentials.

    STS is asked in the first Region. Where that fails, as in an opt-in Region that is off there, it is asked in
    the home Region of the partition, whose words are the ones to tell then.

    :param run_module: Runs a module, given its name and options.
    :param regions: Those of the play.
    """
    result = run_module("amazon.aws.aws_caller_info", region=regions[0])
    home = home_of(regions[0]) if result.get("failed") else regions[0]
    return result if home == regions[0] else run_module("amazon.aws.aws_caller_info", region=home)


def check_caller(role: Role, options: Mapping[str, Any], caller: str) -> None:
    """Compare whose the credentials are with who the administrator is. Raises Stop."""
    wanted = options["administrator_id"]
    if caller != wanted:
        raise Stop(
            f"the credentials belong to account {caller}, and {role.prefix}administrator_id is {wanted}. "
            "Use the administrator's credentials"
        )


def check_service(
    role: Role, options: Mapping[str, Any], service: str, result: Mapping[str, Any], message: str | None
) -> None:
    """Look at what the administrator's own service module saw in every Region.

    :param result: Its result, in check mode.
    :param message: What it said, if it failed as a whole.
    :raises Stop: The credentials are not the administrator's, or a Region cannot be used.
    """
    facts = FACTS[service]
    rows = rows_of(result, facts.kind.rows)
    if not rows:
        raise Stop(message or f"{facts.title}: the administrator's own service could not be looked at")
    wanted = options["administrator_id"]
    check_caller(role, options, rows[0]["account_id"])
    operations = operations_of(result)
    off = [row["region"] for row in rows if row["actions"]]
    if off and role.switches_on and not options["enable_services"]:
        raise Stop(
            f"{facts.title} is off, or suspended, in the administrator {wanted}: {' '.join(off)}. Switch it on there "
            f"with {role.prefix}enable_services=true or muster.aws.{facts.service_module}, or leave these Regions out"
        )
    absent = [row["region"] for row in rows if Step.ENABLE_SERVICE.value in row["actions"]]
    if absent and not role.switches_on:
        raise Stop(
            f"{facts.title} is off in the administrator {wanted}: {' '.join(absent)}. Nobody is a member there: leave "
            f"these Regions out of {role.prefix}regions, or the service out of {role.prefix}services"
        )
    failed = [
        {**row, "service": service, "operation": operations.get(row["region"])}
        for row in rows
        if row["outcome"] == "failed"
    ]
    if failed:
        raise Stop(
            "\n".join(
                f"administrator {wanted}, {places_of(cause.rows, options['regions'])}: {cause.sentence} "
                f"({cause.reason_code}: {hint(cause.reason_code, role.prefix)})"
                for cause in causes_of(failed)
            )
        )
