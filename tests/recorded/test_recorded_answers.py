# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every recorded answer of AWS, sent over HTTP, is read as its ``means`` says: by SDK, adapter and module.

The emulated AWS is the world around it, and answers every other call.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws.cloud import AwsApi
from ansible_collections.muster.aws.plugins.module_utils._aws.silence import Line
from ansible_collections.muster.aws.plugins.module_utils._membership.features import Feature
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    Account,
    Reason,
    ServiceFacts,
    State,
    Step,
)
from ansible_collections.muster.aws.plugins.module_utils._membership.parse import text_of
from ansible_collections.muster.aws.plugins.module_utils._membership.port import Answer, CallFailed, Service
from ansible_collections.muster.aws.plugins.module_utils._membership.reasons import (
    classify,
    is_said_to_be_no_member,
    is_service_on_already,
)
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.emulator.server import HttpRequest, HttpResponse
from ansible_collections.muster.aws.tests.emulator.state import Home
from ansible_collections.muster.aws.tests.emulator.wire import load_service
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, REGION, ModuleRunner
from botocore.config import Config

MEMBER = "222222222222"
CERTAINTIES = {"literal", "text", "status_assumed"}
PLACEHOLDERS = {ADMINISTRATOR, MEMBER, "333333333333"}

# The deprecated operations answer as their successors do, which are those that the collection calls.
SUCCESSORS = {
    "AcceptInvitation": "AcceptAdministratorInvitation",
    "DisassociateFromMasterAccount": "DisassociateFromAdministratorAccount",
    "GetMasterAccount": "GetAdministratorAccount",
}
SUCCESSOR_KEYS = {"master": "administrator", "Master": "Administrator"}


@dataclass(frozen=True)
class Record:
    """One file."""

    service: str
    operation: str
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    source: str
    seen: str
    certainty: str
    means: str
    note: str = ""

    @property
    def successor(self) -> Record:
        """The same of the operation that the collection calls."""
        if self.operation not in SUCCESSORS:
            return self
        body = {SUCCESSOR_KEYS.get(key, key): value for key, value in self.body.items()}
        return replace(self, operation=SUCCESSORS[self.operation], body=body)

    @property
    def error(self) -> tuple[str, str]:
        """Code and text of a refused request."""
        return self.headers["x-amzn-ErrorType"], self.body.get("message", self.body.get("Message"))

    @property
    def refused(self) -> dict[str, str]:
        """Account id to text of a batch that was not refused as a whole."""
        items = self.body.get("unprocessedAccounts") or self.body.get("UnprocessedAccounts") or ()
        return {
            item.get("accountId") or item["AccountId"]: item.get("result") or item["ProcessingResult"] for item in items
        }

    def response(self) -> HttpResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        return HttpResponse(self.status, headers, json.dumps(self.body, separators=(",", ":")).encode())


RECORDS = {
    path.stem: Record(**json.loads(path.read_text(encoding="utf-8"))) for path in Path(__file__).parent.glob("*.json")
}
every_record = pytest.mark.parametrize("name", sorted(RECORDS))

# --- what the words mean ----------------------------------------------------------------------------------------------

REASONS = {reason.value: reason for reason in Reason}
# Of a refusal, where `means` is no reason code.
SPECIAL_REASONS = {
    "batch_too_long": Reason.INVALID_INPUT,
    "no_delegated_administrator": Reason.NOT_DELEGATED_ADMINISTRATOR,
    "not_a_member": Reason.OTHER,  # "already so" after some steps, see is_said_to_be_no_member
    "not_administrator": Reason.OTHER,
    "not_in_organization": Reason.INVALID_INPUT,
    "retry": Reason.INTERNAL_ERROR,
    "service_not_enabled_or_no_record": Reason.SERVICE_NOT_ENABLED,
    "service_on_already": Reason.OTHER,  # no refusal at all, see is_service_on_already
    "v2_off": Reason.SERVICE_NOT_ENABLED,
}
# The text alone does not tell a hub that is off from a record that is missing: what is asked next does.
UNDECIDED = {"sh-get-master-hub-off"}


def reason_of(means: str) -> Reason:
    return SPECIAL_REASONS.get(means) or REASONS[means]


# What a port gives for an answer that is no refusal.
VALUES: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("GetMembers", "created"): lambda found: states(found) == [State.CREATED] and found[0].invited_at is None,
    ("ListMembers", "member_enabled"): lambda found: states(found) == [State.ENABLED] and found[0].email is not None,
    ("ListMembers", "member"): lambda found: states(found) == [State.ENABLED],
    ("ListMembers", "invited"): lambda found: states(found) == [State.INVITED] and found[0].email is None,
    ("ListInvitations", "invited"): lambda found: states(found) == [State.INVITED],
    ("ListInvitations", "accepted_invitation_is_listed"): lambda found: states(found) == [State.ENABLED],
    ("GetAdministratorAccount", "member"): lambda found: states([found]) == [State.ENABLED],
    ("GetAdministratorAccount", "no_administrator"): lambda found: found is None,
    ("DescribeHub", "hub_on"): lambda found: found.settings["control_finding_generator"] == "STANDARD_CONTROL",
    ("GetDetector", "detector_on"): lambda found: found.status == "ENABLED" and found.tags == {},
    ("ListDetectors", "one_detector"): lambda found: found.handle == "1" * 32,
    # Instead of a refusal.
    ("CreateDetector", "service_on_already"): lambda is_done: is_done is False,
    ("EnableSecurityHub", "service_on_already"): lambda is_done: is_done is False,
    ("DescribeHub", "service_not_enabled"): lambda found: found is None,
}


def states(found: Iterable[Any]) -> list[State]:
    assert {each.administrator_id for each in found} == {ADMINISTRATOR}
    return [each.state for each in found]


# What the row of the module says, where that is not "failed" with the code that `means` is.
ROWS: dict[tuple[str, str], dict[str, Any]] = {
    ("GetMembers", "created"): {"outcome": "unchanged", "status": "Created", "email": "member@example.com"},
    ("ListMembers", "member_enabled"): {"outcome": "unchanged", "status": "Enabled", "administrator_id": ADMINISTRATOR},
    ("ListMembers", "member"): {"outcome": "unchanged", "status": "ASSOCIATED"},
    ("ListMembers", "invited"): {"outcome": "unchanged", "status": "Invited", "email": None},
    ("ListInvitations", "invited"): {"outcome": "unchanged", "invitations": ["Invited"]},
    ("ListInvitations", "accepted_invitation_is_listed"): {"outcome": "unchanged", "invitations": ["ASSOCIATED"]},
    ("ListInvitations", "retry"): {"outcome": "unchanged", "reason_code": None},
    ("ListInvitations", "service_not_enabled_or_no_record"): {
        "outcome": "unchanged",
        "reason_code": "service_not_enabled",
    },
    ("GetAdministratorAccount", "member"): {"outcome": "unchanged", "administrator_id": ADMINISTRATOR},
    ("GetAdministratorAccount", "no_administrator"): {"outcome": "unchanged", "administrator_id": None},
    ("GetAdministratorAccount", "service_not_enabled"): {"outcome": "unchanged", "reason_code": "service_not_enabled"},
    ("CreateMembers", "already_member, batch_too_long"): {"outcome": "failed", "reason_code": "already_member"},
    ("DescribeOrganizationConfiguration", "no_delegated_administrator"): {
        "outcome": "failed",
        "reason_code": "not_delegated_administrator",
    },
    ("EnableOrganizationAdminAccount", "retry"): {"outcome": "changed", "status": "ENABLED"},
    ("EnableOrganizationAdminAccount", "not_in_organization"): {"outcome": "failed", "reason_code": "invalid_input"},
    # As long as AWS may have yet to hear of the member, it is asked again.
    ("UpdateMemberDetectors", "not_a_member"): {
        "outcome": "timed_out",
        "reason_code": "timed_out",
        "status": "Enabled",
    },
    ("DescribeHub", "hub_on"): {"outcome": "unchanged", "control_finding_generator": "STANDARD_CONTROL"},
    ("DescribeHub", "service_not_enabled"): {"outcome": "changed", "actions": ["enable_service"]},
    ("GetDetector", "detector_on"): {"outcome": "unchanged", "finding_publishing_frequency": "SIX_HOURS"},
    ("ListDetectors", "one_detector"): {"outcome": "unchanged", "detector_id": "1" * 32},
    ("CreateDetector", "service_on_already"): {"outcome": "unchanged", "actions": []},
    ("EnableSecurityHub", "service_on_already"): {"outcome": "unchanged", "actions": []},
    ("EnableSecurityHub", "central_configuration"): {"outcome": "skipped", "reason_code": "central_configuration"},
    ("DisableSecurityHub", "service_not_enabled"): {"outcome": "unchanged", "reason_code": None, "actions": []},
}

ROW_LISTS = ("members", "administrators", "detectors", "hubs", "organization_administrators", "organizations")

# --- who calls what ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """How the collection comes to call an operation.

    :param module: The module after the service's name.
    :param options: Its options.
    :param ask: The same through the adapter: takes the service and its API.
    :param is_on: The service is on in the account that calls.
    :param status: The membership before.
    :param organization: The organization, if the caller is in one: who is its management account, and who administers.
    """

    module: str
    options: Mapping[str, Any]
    ask: Callable[[Any, AwsApi], Any]
    is_on: bool = True
    status: str | None = None
    organization: Mapping[str, Any] | None = None

    @property
    def is_member_side(self) -> bool:
        return "account_ids" in self.options


EMAIL = f"{MEMBER}@example.com"
LISTED = {"members": [{"account_id": MEMBER, "email": EMAIL}]}
THERE = {"account_ids": [MEMBER], "role_name": "Muster"}
SWITCH = {"guardduty": "detector", "securityhub": "hub"}
SETTING = {"guardduty": {"finding_publishing_frequency": "ONE_HOUR"}, "securityhub": {"auto_enable_controls": False}}
JOIN = {**THERE, "administrator_id": ADMINISTRATOR}
ORGANIZATION = {"guardduty": {"auto_enable_members": "ALL"}, "securityhub": {"auto_enable": True}}
NOBODY_DELEGATED = {"management_account": ADMINISTRATOR, "account_ids": [MEMBER]}
DELEGATED = {
    "management_account": "333333333333",
    "account_ids": [ADMINISTRATOR],
    "delegated_administrator": dict.fromkeys(ORGANIZATION, ADMINISTRATOR),
}


def _settings_of(api: AwsApi) -> dict[str, object]:
    return dict(SETTING[api._client.meta.service_model.service_name])


_switch_on = Use("switch", THERE, lambda service, api: service.open_service(api).enable({}, {}), is_on=False)
_set = Use(
    "set", THERE, lambda service, api: service.open_service(api).update(_handle(service, api), _settings_of(api))
)
_switch_off = Use(
    "switch",
    {**THERE, "state": "absent"},
    lambda service, api: service.open_service(api).disable(_handle(service, api)),
)
_look = Use("switch", THERE, lambda service, api: service.open_service(api).describe(False))


def _handle(service: Any, api: AwsApi) -> str:
    record = service.open_service(api).describe(False)
    assert record
    return str(record.handle)


def _update_organization(service: Any, api: AwsApi) -> None:
    port = service.open_organization(api)
    port.update(port.describe(), ORGANIZATION[service.facts.name], ())


USES = {
    "GetMembers": Use(
        "member_info",
        {"member_ids": [MEMBER]},
        lambda service, api: service.open_members(api, {}).get_members([MEMBER]),
    ),
    "ListMembers": Use("member_info", {}, lambda service, api: service.open_members(api, {}).list_members()),
    "CreateMembers": Use(
        "member",
        LISTED,
        lambda service, api: service.open_members(api, {}).calls[Step.CREATE]([Account(MEMBER, EMAIL)]),
    ),
    "DescribeOrganizationConfiguration": Use(
        "member",
        {**LISTED, "via": "organization"},
        lambda service, api: service.open_members(api, {}).describe_organization(),
    ),
    "InviteMembers": Use(
        "member",
        LISTED,
        lambda service, api: service.open_members(api, {}).calls[Step.INVITE]([Account(MEMBER)]),
        status="Created",
    ),
    "GetAdministratorAccount": Use(
        "administrator_info", THERE, lambda service, api: service.open_administrator(api).get_administrator()
    ),
    "ListInvitations": Use(
        "administrator_info", THERE, lambda service, api: service.open_administrator(api).list_invitations()
    ),
    "AcceptAdministratorInvitation": Use(
        "administrator",
        JOIN,
        lambda service, api: service.open_administrator(api).accept_invitation(ADMINISTRATOR, "2" * 32),
        status="Invited",
    ),
    "DisassociateFromAdministratorAccount": Use(
        "administrator",
        {**JOIN, "state": "absent"},
        lambda service, api: service.open_administrator(api).leave_administrator(),
        status="Enabled",
    ),
    "ListDetectors": _look,
    "GetDetector": _look,
    "DescribeHub": _look,
    "CreateDetector": _switch_on,
    "EnableSecurityHub": _switch_on,
    "UpdateDetector": _set,
    "UpdateSecurityHubConfiguration": _set,
    "DeleteDetector": _switch_off,
    "DisableSecurityHub": _switch_off,
    "EnableOrganizationAdminAccount": Use(
        "organization_administrator",
        {"administrator_id": MEMBER},
        lambda service, api: service.open_delegation(api).enable(MEMBER),
        organization=NOBODY_DELEGATED,
    ),
    "UpdateMemberDetectors": Use(
        "member",
        {**LISTED, "features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]},
        lambda service, api: service.open_members(api, {}).update_features(
            [MEMBER], [Feature("S3_DATA_EVENTS", "DISABLED")]
        ),
        status="Enabled",
    ),
    "UpdateOrganizationConfiguration": Use("settings", {}, _update_organization, organization=DELEGATED),
}

# Records that come true only together with another one, or with something that happens at the same moment.
TOGETHER = {"gd-list-detectors-one": ["gd-get-detector"]}
MEANWHILE: dict[tuple[str, str], bool] = {
    ("CreateDetector", "service_on_already"): True,
    ("EnableSecurityHub", "service_on_already"): True,
    ("DisableSecurityHub", "service_not_enabled"): False,
}
met = [name for name, record in sorted(RECORDS.items()) if record.successor.operation in USES]
every_record_that_is_met = pytest.mark.parametrize("name", met)


class Replay:
    """Answers the operations of some records as they do, and leaves everything else to the emulated AWS."""

    def __init__(self, emulator: Emulator, records: Iterable[Record], times: int | None = None) -> None:
        self.emulator = emulator
        self.records = {(record.service, record.operation): record for record in records}
        self.times = times
        self.count = 0
        self.before: Callable[[], None] = lambda: None

    @contextmanager
    def playing(self) -> Iterator[Replay]:
        server = self.emulator._server
        assert server
        server.answer = self.answer
        try:
            yield self
        finally:
            server.answer = self.emulator.answer

    def answer(self, http: HttpRequest) -> HttpResponse:
        record = self._record(http)
        if record is None or self.times is not None and self.count >= self.times:
            return self.emulator.answer(http)
        self.count += 1
        self.before()
        return record.response()

    def _record(self, http: HttpRequest) -> Record | None:
        if http.service not in {service for service, _operation in self.records}:
            return None
        route = load_service(http.service).route(http.method, http.path)
        return self.records.get((http.service, route[0].name)) if route else None


def prepare(emulator: Emulator, record: Record, use: Use) -> None:
    """Let the world be one in which AWS could answer so."""
    caller = MEMBER if use.is_member_side else ADMINISTRATOR
    means_off = record.means.startswith("service_not_enabled") and record.operation != "DisableSecurityHub"
    on = {ADMINISTRATOR, MEMBER} - ({caller} if means_off or not use.is_on else set())
    emulator.seed(
        {"services": [{"service": record.service, "account_id": each, "regions": [REGION]} for each in sorted(on)]}
    )
    if use.organization:
        emulator.seed({"organization": use.organization})
    if use.status:
        emulator.set_member(record.service, REGION, ADMINISTRATOR, MEMBER, use.status)


def replay_of(emulator: Emulator, name: str) -> Replay:
    record = RECORDS[name].successor
    records = [record, *(RECORDS[other].successor for other in TOGETHER.get(name, ()))]
    replay = Replay(emulator, records, times=1 if record.means == "retry" else None)
    key = (record.operation, record.means)
    if key in MEANWHILE:
        replay.before = lambda: switch(emulator, emulator.world.home(record.service, MEMBER, REGION), MEANWHILE[key])
    return replay


def switch(emulator: Emulator, home: Home, is_on: bool) -> None:
    """Let somebody else switch the service on or off."""
    with emulator.lock:
        if is_on:
            emulator.world.switch_on(home)
        else:
            home.switch = None


# --- the SDK ----------------------------------------------------------------------------------------------------------


def api_of(emulator: Emulator, service: str, account_id: str) -> AwsApi:
    config = Config(parameter_validation=False, retries={"mode": "standard", "total_max_attempts": 1})
    client = boto3.client(service, config=config, **emulator.client_arguments(account_id, REGION))
    return AwsApi(client, Line(REGION, seconds=60), f"arn:aws:{service}:{REGION}:{account_id}:", facts_of(service))


def facts_of(client: str) -> ServiceFacts:
    [facts] = [facts for facts in SERVICES.values() if facts.client == client]
    return facts


def service_of(record: Record) -> Service:
    name = facts_of(record.service).name
    # The adapter with what is there for an organization.
    whole = importlib.import_module(
        f"ansible_collections.muster.aws.plugins.module_utils._services.{name}.organization"
    )
    service: Service = getattr(whole, name.upper())
    return service


def sample(shape: Any) -> Any:
    """Return a value for a required parameter: the answer does not depend on it."""
    if shape.type_name == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    return [sample(shape.member)] if shape.type_name == "list" else MEMBER if shape.type_name == "string" else True


def leaves(value: Any) -> list[str]:
    """Return the texts of all values, times as AWS writes them."""
    if isinstance(value, Mapping):
        return [text for key, item in value.items() if key != "ResponseMetadata" for text in leaves(item)]
    if isinstance(value, list):
        return [text for item in value for text in leaves(item)]
    return [] if value is None else [str(text_of(value) if isinstance(value, datetime) else value)]


@every_record
def test_answer_is_what_the_sdk_gives(name: str, emulator: Emulator) -> None:
    record = RECORDS[name]
    api = api_of(emulator, record.service, MEMBER)
    shape = load_service(record.service).model.operation_model(record.operation).input_shape
    params = sample(shape) if shape else {}

    with Replay(emulator, [record]).playing() as replay:
        if record.status == 200:
            assert sorted(leaves(api.call(record.operation, **params))) == sorted(leaves(record.body))
        else:
            with pytest.raises(CallFailed) as caught:
                api.call(record.operation, **params)
            assert (caught.value.code, caught.value.text) == record.error
    assert replay.count == 1


@every_record
def test_text_means_what_the_record_says(name: str) -> None:
    record = RECORDS[name]
    facts = facts_of(record.service)
    found = [classify(record.operation, text, facts=facts) for text in record.refused.values()]
    if record.status != 200:
        code, text = record.error
        found = [classify(record.operation, text, code, facts)]
        assert is_service_on_already(code, text) is (record.means == "service_on_already")
    if name in UNDECIDED:
        assert found == [Reason.OTHER]
    elif found:
        assert found == [reason_of(means) for means in record.means.split(", ")]
    for text in record.refused.values():
        assert is_said_to_be_no_member(text) is (record.means == "not_a_member")


# --- the adapter ------------------------------------------------------------------------------------------------------


@every_record_that_is_met
def test_adapter_gives_what_the_record_means(name: str, emulator: Emulator) -> None:
    record = RECORDS[name].successor
    use = USES[record.operation]
    prepare(emulator, record, use)
    service = service_of(record)
    api = api_of(emulator, record.service, MEMBER if use.is_member_side else ADMINISTRATOR)

    with replay_of(emulator, name).playing():
        try:
            found: Any = use.ask(service, api)
        except CallFailed as failure:
            found = failure.reason

    check = VALUES.get((record.operation, record.means))
    if check:
        assert not isinstance(found, Reason) and check(found), found
    elif isinstance(found, Answer):
        assert found.is_per_account
        assert {account_id: refusal.text for account_id, refusal in found.refused.items()} == record.refused
    else:
        assert found is reason_of(record.means)


# --- the module -------------------------------------------------------------------------------------------------------


@every_record_that_is_met
def test_module_says_what_the_record_means(name: str, emulator: Emulator, run_module: ModuleRunner) -> None:
    record = RECORDS[name].successor
    use = USES[record.operation]
    prepare(emulator, record, use)
    module, options = use.module, dict(use.options)
    if module == "settings":
        module, options = "organization", ORGANIZATION[record.service]
    if module in ("switch", "set"):
        options.update(SETTING[record.service] if module == "set" else {})
        module = SWITCH[record.service]
    # An answer to a look tells a plan; what that plan would then meet is another matter.
    is_only_looked_at = record.status != 200 and record.operation == "DescribeHub"

    with replay_of(emulator, name).playing() as replay:
        result = run_module(f"{record.service}_{module}", check=is_only_looked_at, **options)

    assert replay.count >= 1
    assert "Traceback" not in run_module.output and "unexpected" not in run_module.output
    [rows] = [result[key] for key in ROW_LISTS if key in result]
    row = {**rows[0], "invitations": [each["status"] for each in rows[0].get("invitations", ())]}
    expected = ROWS.get((record.operation, record.means)) or {"outcome": "failed", "reason_code": record.means}
    assert {key: row[key] for key in expected} == expected, row
    if expected["outcome"] == "failed":
        text = record.error[1] if record.status != 200 else record.refused[MEMBER]
        assert text in row["reason"], row


# --- the records themselves -------------------------------------------------------------------------------------------


@every_record
def test_record_says_where_it_comes_from_and_names_nobody(name: str) -> None:
    record = RECORDS[name]
    assert record.source and record.seen and record.means and record.certainty in CERTAINTIES
    assert record.operation in load_service(record.service).operations
    ids = set(re.findall(r"(?<![0-9a-f])\d{12}(?![0-9a-f])", json.dumps(record.body)))
    assert ids <= PLACEHOLDERS
    assert not re.search(r"@(?!example\.com)", json.dumps(record.body))


def test_every_record_of_a_called_operation_is_replayed_to_its_module() -> None:
    """A record is left out of the modules only where the collection never calls its operation."""
    called = {operation for facts in SERVICES.values() for operation in operations_in(facts)}
    assert {"ListInvitations", "DescribeHub", "CreateMembers"} <= called
    assert [name for name in sorted(RECORDS) if name not in met and RECORDS[name].successor.operation in called] == []


def operations_in(facts: ServiceFacts) -> set[str]:
    """Return the operations that an adapter or its facts name."""
    folder = Path(__file__).parents[2] / "plugins/module_utils/_services" / facts.name
    text = (folder / "adapter.py").read_text(encoding="utf-8")
    return {*re.findall(r'"(\w+)"', text), *facts.operations.values()} & set(load_service(facts.client).operations)


def test_tables_speak_of_records_that_are_there() -> None:
    """Nothing is explained that no record says, so that a word that was misspelt does not pass for explained."""
    pairs = {(record.successor.operation, record.means) for record in RECORDS.values()}
    words = {word for record in RECORDS.values() for word in record.means.split(", ")}
    assert set(ROWS) - pairs == set() and set(VALUES) - pairs == set() and set(MEANWHILE) - pairs == set()
    assert set(SPECIAL_REASONS) - words == set()
    assert {*UNDECIDED, *TOGETHER} - set(RECORDS) == set()
    assert set(USES) - {operation for operation, _means in pairs} == set()
