# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API call on its way through a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AwsError
from .knobs import Knobs
from .refusals import Refusals
from .state import Home, Member, World
from .wire import Operation

Result = dict[str, Any] | None  # None: an empty body


@dataclass
class Request:
    """A parsed call together with the state it concerns."""

    world: World
    service: str
    account_id: str
    region: str
    operation: Operation
    params: Mapping[str, Any]
    unprocessed: dict[str, str] = field(default_factory=dict)  # account id: text

    @property
    def knobs(self) -> Knobs:
        """The emulator's settings."""
        return self.world.knobs

    @property
    def home(self) -> Home:
        """The caller's own state in this Region."""
        return self.home_of(self.account_id)

    def home_of(self, account_id: str) -> Home:
        """Return another account's state of the same service in the same Region."""
        return self.world.home(self.service, account_id, self.region)

    def member(self, administrator_id: str, account_id: str) -> Member | None:
        """Return the record an administrator has of an account."""
        return self.world.member(self.service, self.region, administrator_id, account_id)

    def status(self, account_id: str) -> str:
        """Return the status of the calling administrator's record, as the transition tables call it."""
        member = self.member(self.account_id, account_id)
        return member.status if member else "absent"

    def move(self, member: Member, status: str) -> None:
        """Give a record another status."""
        self.world.move(self.service, self.region, member, status)

    def in_organization(self, account_id: str, administrator_id: str | None = None) -> bool:
        """Return whether the account belongs to the administrator (default: the caller) through AWS Organizations."""
        organization = self.world.organization
        return organization.is_managed_by(self.service, self.region, administrator_id or self.account_id, account_id)

    @property
    def refusals(self) -> Refusals:
        """AWS's words."""
        return Refusals(self.service, self.knobs.benign_texts)

    def refuse(self, account_id: str, key: str) -> None:
        """Put an account into the unprocessed list of the answer."""
        self.unprocessed[account_id] = self.refusals.reason(key)

    def error(self, key: str, code: str | None = None, **values: object) -> AwsError:
        """Return the error that refuses the whole request, with its own code or another one."""
        code = self.knobs.no_such_resource_code if key == "E_NOTFOUND" else code
        values.setdefault("account_id", self.account_id)
        return self.refusals.error(key, self.operation.error_status, code, **values)
