# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usual hand-made script: one account after the other, one Region after the other, a Session for each account.

It asks before it writes, so that it can be run again, and does nothing else that the playbooks do. It ends with 1
unless every account is a member everywhere.

Usage: AWS_ENDPOINT_URL=... python benchmarks/usual.py FLEET.json   (FLEET.json: see harness.py)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3

_STATUS = {"guardduty": "RelationshipStatus", "securityhub": "MemberStatus"}


def handle(service: str, client: Any) -> dict[str, str]:
    """Return what GuardDuty's calls name the detector with, and make one where there is none."""
    if service != "guardduty":
        return {}
    found = client.list_detectors()["DetectorIds"]
    return {"DetectorId": found[0] if found else client.create_detector(Enable=True)["DetectorId"]}


def status(service: str, client: Any, account_id: str) -> str | None:
    answer = client.get_members(**handle(service, client), AccountIds=[account_id])
    return next((member[_STATUS[service]] for member in answer["Members"]), None)


def invite(service: str, client: Any, account_id: str, email: str) -> None:
    details = {"AccountId": account_id, "Email": email}
    client.create_members(**handle(service, client), AccountDetails=[details])
    client.invite_members(**handle(service, client), AccountIds=[account_id])


def accept(service: str, client: Any, administrator_id: str) -> None:
    if service == "securityhub":
        client.enable_security_hub(EnableDefaultStandards=False)
    detector = handle(service, client)
    for invitation in client.list_invitations()["Invitations"]:
        if invitation["AccountId"] == administrator_id:
            given = {"AdministratorId": administrator_id, "InvitationId": invitation["InvitationId"]}
            client.accept_administrator_invitation(**detector, **given)


def session_in(fleet: dict[str, Any], account_id: str) -> boto3.Session:
    arn = f"arn:aws:iam::{account_id}:role/{fleet['role_name']}"
    keys = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="usual")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def main() -> int:
    fleet = json.loads(Path(sys.argv[1]).read_text())
    own = boto3.Session()
    is_well = True
    for account_id, email in fleet["accounts"].items():
        session = None
        for region in fleet["regions"]:
            for service in _STATUS:
                administrator = own.client(service, region)
                if status(service, administrator, account_id) == "Enabled":
                    continue
                invite(service, administrator, account_id, email)
                session = session or session_in(fleet, account_id)
                accept(service, session.client(service, region), fleet["administrator_id"])
                is_well &= status(service, administrator, account_id) == "Enabled"
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
