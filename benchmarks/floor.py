# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor: the same work as the playbooks by one hand-written boto3 script, with a pool of threads.

It has one client per service and Region, shared by all accounts whose credentials are looked up at every signature,
one AssumeRole per account for everything, and all batches at once. It does nothing else that a module does: no check
mode, no judging of single accounts, no waits. It ends with 1 unless every account got where it should.

Usage: AWS_ENDPOINT_URL=... python benchmarks/floor.py SCENARIO FLEET.json   (FLEET.json: see bench.py)
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials

# The client's name of a service, where it is not the service's own.
CLIENTS = {"macie": "macie2"}


class ActingCredentials(Credentials):
    """The credentials of the account that the thread acts as."""

    def __init__(self, own: Credentials) -> None:
        super().__init__("", "")
        self.acting = threading.local()
        self._own = own

    def load_credentials(self) -> ActingCredentials:
        return self

    def get_frozen_credentials(self) -> Any:
        return (getattr(self.acting, "credentials", None) or self._own).get_frozen_credentials()


class Script:
    """The fleet, the clients and the pool."""

    def __init__(self, fleet: dict[str, Any]) -> None:
        self.fleet = fleet
        self.account_ids = sorted(fleet["accounts"])
        self.pool = ThreadPoolExecutor(fleet["concurrency"])
        core = botocore.session.Session()
        self.credentials = ActingCredentials(core.get_component("credential_provider").load_credentials())
        core.register_component("credential_provider", self.credentials)
        session = boto3.Session(botocore_session=core)
        config = Config(
            max_pool_connections=fleet["concurrency"], retries={"mode": "standard", "total_max_attempts": 8}
        )
        self.sts = session.client("sts", fleet["regions"][0], config=config)
        self.clients = {
            (service, region): session.client(CLIENTS.get(service, service), region, config=config)
            for service in fleet["services"]
            for region in fleet["regions"]
        }
        self.detectors: dict[tuple[str, str], dict[str, str]] = {}

    def each(self, job: Callable[..., Any], rows: Iterable[tuple[Any, ...]]) -> list[Any]:
        return list(self.pool.map(lambda row: job(*row), rows))

    def batches(self) -> list[tuple[str, str, list[str]]]:
        ids = self.account_ids
        return [
            (service, region, ids[start : start + 50])
            for service, region in self.clients
            for start in range(0, len(ids), 50)
        ]

    # The administrator's side

    def look_at_administrator(self, service: str, region: str) -> None:
        client = self.clients[service, region]
        if service == "guardduty":
            detector_id = client.list_detectors()["DetectorIds"][0]
            client.get_detector(DetectorId=detector_id)
            self.detectors[service, region] = {"DetectorId": detector_id}
        elif service == "macie":
            client.get_macie_session()
        else:
            client.describe_hub()
            self.detectors[service, region] = {}

    def write(self, operation: str, service: str, region: str, ids: list[str]) -> None:
        if service == "macie":
            self.write_macie(operation, self.clients[service, region], ids)
            return
        accounts = {"AccountIds": ids}
        if operation == "create_members":
            accounts = {"AccountDetails": [{"AccountId": i, "Email": self.fleet["accounts"][i]} for i in ids]}
        notification = {"DisableEmailNotification": True}
        extra = notification if (service, operation) == ("guardduty", "invite_members") else {}
        method = getattr(self.clients[service, region], operation)
        answer = method(**self.detectors[service, region], **accounts, **extra)
        assert not answer.get("UnprocessedAccounts"), answer

    def write_macie(self, operation: str, client: Any, ids: list[str]) -> None:
        """Macie invites many accounts in one call, and takes one in each other."""
        if operation == "invite_members":
            answer = client.create_invitations(accountIds=ids, disableEmailNotification=True)
            assert not answer.get("unprocessedAccounts"), answer
        for account_id in ids if operation == "create_members" else ():
            client.create_member(account={"accountId": account_id, "email": self.fleet["accounts"][account_id]})

    def read_macie(self, region: str) -> set[str | None]:
        """Read the pages of all members: fewer calls than one for each account."""
        pages = self.clients["macie", region].get_paginator("list_members").paginate(onlyAssociated="false")
        found = {m["accountId"]: m["relationshipStatus"] for page in pages for m in page["members"]}
        return {found.get(account_id) for account_id in self.account_ids}

    def read(self, service: str, region: str, ids: list[str]) -> list[str | None]:
        client = self.clients[service, region]
        answer = client.get_members(**self.detectors[service, region], AccountIds=ids)
        key = "RelationshipStatus" if service == "guardduty" else "MemberStatus"
        found = {member["AccountId"]: member[key] for member in answer["Members"]}
        return [found.get(account_id) for account_id in ids]

    def statuses(self) -> set[str | None]:
        batches = [batch for batch in self.batches() if batch[0] != "macie"]
        listed = [(region,) for service, region in self.clients if service == "macie"]
        parts = [*self.each(self.read, batches), *self.each(self.read_macie, listed)]
        return {status for part in parts for status in part}

    def write_all(self, operations: Iterable[str]) -> None:
        for operation in operations:
            self.each(self.write, [(operation, *batch) for batch in self.batches()])

    # The members' side

    def assume(self, account_id: str) -> tuple[str, Credentials]:
        arn = f"arn:aws:iam::{account_id}:role/{self.fleet['role_name']}"
        keys = self.sts.assume_role(RoleArn=arn, RoleSessionName="floor")["Credentials"]
        return account_id, Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def join(self, service: str, region: str, credentials: Credentials) -> None:
        client = self.clients[service, region]
        self.credentials.acting.credentials = credentials
        try:
            if service == "macie":
                self.join_macie(client)
                return
            detector = {}
            if service == "guardduty":
                found = client.list_detectors()["DetectorIds"]
                detector = {"DetectorId": found[0] if found else client.create_detector(Enable=True)["DetectorId"]}
            else:
                try:
                    client.get_administrator_account()
                except client.exceptions.ClientError:
                    # AWS has several answers for a hub that is off.
                    client.enable_security_hub(EnableDefaultStandards=False)
            administrator_id = self.fleet["administrator_id"]
            invitation_id = next(
                invitation["InvitationId"]
                for invitation in client.list_invitations()["Invitations"]
                if invitation["AccountId"] == administrator_id
            )
            client.accept_administrator_invitation(
                **detector, AdministratorId=administrator_id, InvitationId=invitation_id
            )
        finally:
            self.credentials.acting.credentials = None

    def join_macie(self, client: Any) -> None:
        client.enable_macie()
        administrator_id = self.fleet["administrator_id"]
        for invitation in client.list_invitations()["invitations"]:
            if invitation["accountId"] == administrator_id:
                client.accept_invitation(
                    administratorAccountId=administrator_id, invitationId=invitation["invitationId"]
                )

    def join_all(self) -> None:
        credentials = dict(self.each(self.assume, [(account_id,) for account_id in self.account_ids]))
        self.each(self.join, [(*place, credentials[i]) for place in self.clients for i in self.account_ids])

    # The scenarios

    def run(self, scenario: str) -> bool:
        assert self.sts.get_caller_identity()["Account"] == self.fleet["administrator_id"]
        self.each(self.look_at_administrator, self.clients)
        before = self.statuses()
        if scenario == "no-op":
            return before == {"Enabled"}
        if scenario == "offboarding":
            self.write_all(["disassociate_members", "delete_members"])
            return self.statuses() == {None}
        assert before == {None}, before
        if scenario == "organization":
            self.write_all(["create_members"])
        else:
            self.write_all(["create_members", "invite_members"])
            self.join_all()
        return self.statuses() == {"Enabled"}


def main() -> int:
    scenario, path = sys.argv[1:]
    fleet = json.loads(Path(path).read_text())
    # "start" measures what starting costs: the interpreter and the imports, as a module has them.
    return 0 if scenario == "start" or Script(fleet).run(scenario) else 1


if __name__ == "__main__":
    sys.exit(main())
