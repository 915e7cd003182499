# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles as data: what the steps of a run need to know of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """What sets one role of this collection apart from the others in a run over a fleet.

    :param name: The role's, and the playbook's.
    :param title: For the summary.
    :param needs_email: Whether the addresses of accounts matter.
    :param switches_on: Whether it switches the services on in the administrator.
    :param writes: Whether it changes anything in AWS.
    :param enters: The option, and its value, with which it acts in the accounts themselves.
    :param fallback: A prefix of variables that serve where the role's own are not set.
    """

    name: str
    title: str
    enters: tuple[str, object]
    needs_email: bool = False
    switches_on: bool = False
    writes: bool = True
    fallback: str | None = "onboard_"

    @property
    def prefix(self) -> str:
        """That of its variables."""
        return f"{self.name}_"

    @property
    def statistic(self) -> str:
        """The name under which it keeps its summary with ``set_stats``."""
        return f"{self.name}_summary"


ROLES = {
    role.name: role
    for role in (
        Role("onboard", "Onboarding", ("via", "invitation"), needs_email=True, switches_on=True, fallback=None),
        Role("offboard", "Offboarding", ("disable_services", True)),
        Role("report", "Report on", ("member_side", True), writes=False),
    )
}

# Variables of a role that hold for one host; all others hold for the whole run.
OF_A_HOST = ("account_id", "account_email")
