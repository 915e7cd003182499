# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter of the playbook that makes an inventory of an account list."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._account_list import (
    ListFaults,
    entries_of_members,
    make_inventory,
    read_account_list,
)


def account_inventory(
    source: str | list[Mapping[str, Any]],
    group: str = "aws_accounts",
    needs_email: bool = True,
    members_of: str | None = None,
) -> dict[str, Any]:
    """Return an inventory, or the ``faults`` of the list: see :func:`make_inventory`.

    :param source: The content of a file in base64, as ``slurp`` returns it, or rows of a member info module.
    :param group: The group to put the hosts into.
    :param needs_email: Whether each account needs an e-mail address.
    :param members_of: The service whose members the rows are.
    """
    try:
        if isinstance(source, str):
            entries = read_account_list(base64.b64decode(source))
        else:
            entries = entries_of_members(source, SERVICES[str(members_of)])
        return {"faults": [], **make_inventory(entries, group, needs_email)}
    except ListFaults as failure:
        return {"faults": list(failure.faults)}


class FilterModule:
    """Documented in the file of the filter's name beside this one."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"account_inventory": account_inventory}
