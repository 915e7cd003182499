# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the demo's inventory, and the AWS that it meets: accounts that are new, half-way, in order, and hopeless.

Usage: python demo/fleet.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ADMINISTRATOR = "111111111111"
OTHER_ADMINISTRATOR = "999999999999"
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1"]
SERVICES = ["guardduty", "securityhub", "macie"]
ROLE = "MembershipOnboarding"

# Host name to account id. One id begins with a zero, as some do.
ACCOUNTS = {f"workload-{number:02}": f"{number:02}2222222222" for number in range(1, 65)}

WRONG_EMAIL, HELD, LOCKED = "workload-07", "workload-23", "workload-41"
CREATED = ["workload-10", "workload-11"]
INVITED = ["workload-12", "workload-13"]
REMOVED = ["workload-14", "workload-15"]
ENABLED = ["workload-16", "workload-17", "workload-18"]

# The accounts that cannot succeed: what is wrong with them, and what must be told of it in at least one of their rows.
EXPECTED_FAILURES = {
    WRONG_EMAIL: ("the inventory has a wrong e-mail address", "email_verification_failed"),
    HELD: ("another administrator holds it in GuardDuty", "member_of_other_administrator"),
    LOCKED: ("its role does not let us in", "assume_role_failed"),
}


def email(host: str) -> str:
    return f"aws+{host}@example.com"


def inventory() -> dict[str, Any]:
    """Return the inventory: what a user writes."""
    hosts = {
        host: {"onboard_account_id": account_id, "onboard_account_email": email(host)}
        for host, account_id in ACCOUNTS.items()
    }
    hosts[WRONG_EMAIL]["onboard_account_email"] = "somebody.else@example.com"
    variables = {
        "onboard_administrator_id": ADMINISTRATOR,
        "onboard_services": SERVICES,
        "onboard_regions": REGIONS,
        "onboard_member_role_name": ROLE,
        "onboard_wait_timeout": 10,
    }
    return {"all": {"children": {"aws_accounts": {"hosts": hosts, "vars": variables}}}}


def seed() -> dict[str, Any]:
    """Return the AWS that the inventory meets."""
    accounts = {account_id: {"email": email(host), "role_name": ROLE} for host, account_id in ACCOUNTS.items()}
    accounts[ACCOUNTS[LOCKED]]["assumable"] = False
    found = {"Created": CREATED, "Invited": INVITED, "Removed": REMOVED, "Enabled": ENABLED}
    members = [
        _members(service, ADMINISTRATOR, [ACCOUNTS[host] for host in hosts], status)
        for service in SERVICES
        for status, hosts in found.items()
    ]
    members.append(_members("guardduty", OTHER_ADMINISTRATOR, [ACCOUNTS[HELD]], "Enabled"))
    return {
        "caller": ADMINISTRATOR,
        "accounts": accounts,
        "services": [
            {"service": service, "account_id": account_id, "regions": REGIONS}
            for service in SERVICES
            for account_id in (ADMINISTRATOR, OTHER_ADMINISTRATOR)
        ],
        "members": members,
        "knobs": {"latency": 0.01, "verification_seconds": 1},
    }


def _members(service: str, administrator_id: str, account_ids: list[str], status: str) -> dict[str, Any]:
    return {
        "service": service,
        "regions": REGIONS,
        "administrator_id": administrator_id,
        "account_ids": account_ids,
        "status": status,
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "accounts.json").write_text(json.dumps(inventory(), indent=2))
    (folder / "seed.json").write_text(json.dumps(seed(), indent=2))
