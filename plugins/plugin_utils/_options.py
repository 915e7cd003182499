# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role was told, checked once for all hosts against the role's own argument specification. Pure.

The messages are for who wrote the variables: they name variables of the role, and what to write instead.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.muster.aws.plugins.module_utils._membership.result import words_of_rows
from ansible_collections.muster.aws.plugins.module_utils._membership.validate import (
    as_list,
    explain_account_id,
    explain_external_id,
    explain_region,
    explain_role_name,
    explain_service_principal,
)
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._summary import RENDERERS

Spec = Mapping[str, Mapping[str, Any]]

_SPEC_KEYS = ("type", "elements", "choices", "required", "no_log", "default", "options")


def plain(value: Any) -> Any:
    """Return a value without the marks that Ansible puts on it: the names of their types are nobody's business."""
    return json.loads(json.dumps(value, default=str))


def nearest(name: str, names: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean X?", or nothing where nothing is near.

    :param prefix: What all of them begin with: it does not make them like each other.
    """
    found = difflib.get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in names])
    return f"; did you mean {prefix}{found[0]}?" if found else ""


# Where Ansible keeps what it could not read of ``-e``, and passes over.
LEFTOVER = "_raw_params"


def explain_leftover(left: object) -> list[str]:
    """Return a sentence for what was left over of ``-e``, if there is any."""
    if not left:
        return []
    return [
        # Not what: it may be a part of a secret.
        "-e: Ansible takes what it is given apart at blanks, and a part of it was left over. Quote the value, as in "
        "-e \"onboard_regions='us-east-1, eu-west-1'\", or leave the blanks out"
    ]


def unknown_names(names: Iterable[str], prefix: str, known: Iterable[str]) -> list[str]:
    """Return a sentence for each variable that begins like the role's and is none of its options."""
    options = list(known)
    unknown = sorted({name for name in names if name.startswith(prefix)} - set(options))
    return [f"{name} is no variable of this role{nearest(name, options, prefix)}" for name in unknown]


def path_of(text: str) -> Path:
    """Return where a file is that somebody named."""
    # As it is, where there is no such user, which Path.expanduser() tells in Python's words.
    return Path(os.path.expanduser(text)).resolve()


def read_value(option: Mapping[str, Any], value: Any) -> Any:
    """Return a value as the option means it: a list may be given as one text.

    :param option: Its row in the argument specification.
    """
    return as_list(value) if option.get("type") == "list" and value is not None else value


def check_options(spec: Spec, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Check values against an argument specification.

    :param spec: ``options`` of the role's ``meta/argument_specs.yml``.
    :param given: The values, by name.
    :returns: The values as the specification has them (lists as lists, numbers as numbers), and a sentence for each
        that will not do.
    """
    values = {name: read_value(spec[name], value) for name, value in given.items() if value is not None}
    argument_spec = {name: {key: row[key] for key in _SPEC_KEYS if key in row} for name, row in spec.items()}
    result = ArgumentSpecValidator(argument_spec).validate(values)
    faults = []
    for text in result.error_messages:
        sentence = text.replace("missing required arguments:", "these variables are needed and not set:")
        sentence = sentence.replace(". Supported parameters include:", " is no option; there are:")
        faults.append(sentence + _nearest_choice(spec, values, sentence))
    return _without_unset(result.validated_parameters), faults


def _without_unset(value: Any) -> Any:
    """Leave out what nobody set, which the specification's check fills in as None."""
    if isinstance(value, dict):
        return {name: _without_unset(item) for name, item in value.items() if item is not None}
    return [_without_unset(item) for item in value] if isinstance(value, list) else value


def _nearest_choice(spec: Spec, values: Mapping[str, Any], sentence: str) -> str:
    for name, value in values.items():
        choices = spec[name].get("choices")
        if choices and f"of {name} " in sentence:
            return "".join(nearest(str(word), choices) for word in as_list(value) if word not in choices)
    return ""


def check_values(
    options: Mapping[str, Any], prefix: str, known_regions: Iterable[str] = (), account_ids: Iterable[str] = ()
) -> list[str]:
    """Return a sentence for each value that a specification cannot judge.

    :param options: The checked options, by name without the prefix.
    :param prefix: Of the variables' names.
    :param known_regions: The names of all Regions; none, if nobody here knows them.
    :param account_ids: Those of the hosts.
    """
    texts = {
        "administrator_id": [explain_account_id(options.get("administrator_id"))],
        "regions": [_explain_region(region, list(known_regions)) for region in options.get("regions") or ()],
        **{
            name: [explain_role_name(role_name) for role_name in [options.get(name)] if role_name]
            for name in ("member_role_name", "administrator_role_name")
        },
        "service_principals": [explain_service_principal(name) for name in options.get("service_principals") or ()],
        "external_id": [
            explain_external_id(
                options.get("external_id"),
                chain([str(options.get("administrator_id"))], options.get("regions") or (), account_ids),
                [word for facts in SERVICES.values() for word in words_of_rows(facts)],
            )
        ],
        "results_file": [_explain_results_file(path) for path in options.get("results_file") or ()],
    }
    faults = [f"{prefix}{name}: {text}" for name, found in texts.items() for text in found if text]
    faults += [
        f"{prefix}{name} is empty: name at least one" for name in ("regions", "services") if not options.get(name)
    ]
    least = {"concurrency": 1, "batch_size": 1, "wait_timeout": 0, "limit": 0}
    return faults + [
        f"{prefix}{name} is {options[name]}: give {least[name]} or more"
        for name in least
        if name in options and int(options[name]) < least[name]
    ]


def _explain_region(region: object, known: list[str]) -> str | None:
    text = explain_region(region)
    if text or not known or region in known:
        return text
    return f"Region {region!r} is none that the installed botocore knows{nearest(str(region), known)}"


def _explain_results_file(path: str) -> str | None:
    endings = " ".join(RENDERERS)
    return None if Path(path).suffix.lower() in RENDERERS else f"{path} must end in one of {endings}"
