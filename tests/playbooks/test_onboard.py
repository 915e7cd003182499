# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The onboard role through real ``ansible-playbook`` runs."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES as REGISTRY
from ansible_collections.muster.aws.tests.playbooks.harness import (
    ADMINISTRATOR,
    REGIONS,
    SERVICES,
    PlaybookRunner,
    fleet,
    states,
)
from ansible_collections.muster.aws.tests.profiles import nightly

OTHER_ADMINISTRATOR = "999999999999"
MEMBER_OPERATIONS = {"ListInvitations", "GetAdministratorAccount", "AcceptAdministratorInvitation", "AssumeRole"}


def shape(rows):
    """What a run says of its rows, in any order."""
    keys = ("service", "region", "account_id", "status", "previous_status", "failed", "reason_code")
    return sorted(json.dumps({**{key: row[key] for key in keys}, "actions": row["actions"]}) for row in rows)


def test_onboard_fresh_accounts_over_a_batch_boundary_are_enabled_once(playbook: PlaybookRunner):
    emulator, hosts = playbook.emulator, fleet(51)

    checked = playbook(hosts, "--check", onboard_regions=REGIONS[:1])
    assert checked.status == 0, checked.output
    assert emulator.operations(writes_only=True) == []

    emulator.clear_calls()
    first = playbook(hosts, onboard_regions=REGIONS[:1])
    assert first.status == 0, first.output
    assert first.failed_hosts == set()
    assert set(hosts) <= first.changed_hosts
    assert {row["status"] for row in first.rows} == {"Enabled"}
    assert len(first.rows) == 51 * len(SERVICES)
    for service in SERVICES:
        sizes = Counter(
            (call.operation, len(call.params.get("AccountDetails") or call.params["AccountIds"]))
            for call in emulator.calls
            if call.service == service and call.operation in ("CreateMembers", "InviteMembers")
        )
        assert sizes == {(operation, size): 1 for operation in ("CreateMembers", "InviteMembers") for size in (50, 1)}
        counts = first.custom_stats["onboard"][service][REGIONS[0]]
        assert counts == {"accounts": 51, "changed": 51, "failed": 0, "failed_ids": []}

    emulator.clear_calls()
    second = playbook(hosts, onboard_regions=REGIONS[:1])
    assert second.status == 0, second.output
    assert second.changed_hosts == set()
    assert emulator.operations(writes_only=True) == []
    assert MEMBER_OPERATIONS.isdisjoint(emulator.operations())


def test_onboard_partial_failure_fails_just_those_hosts_and_says_why(playbook: PlaybookRunner):
    emulator, hosts = playbook.emulator, fleet(8)
    ids = {host: row["onboard_account_id"] for host, row in hosts.items()}
    wrong_email, held, locked, bad_row, resigned, removed, created, fine = hosts
    hosts[wrong_email]["onboard_account_email"] = "somebody.else@example.com"
    hosts[bad_row]["onboard_account_email"] = "no-address"
    emulator.seed(
        {
            "accounts": {ids[locked]: {"assumable": False}},
            "members": [
                {
                    "service": service,
                    "regions": REGIONS,
                    "administrator_id": administrator_id,
                    "account_ids": [ids[host]],
                    "status": status,
                }
                for service in SERVICES
                for host, administrator_id, status in (
                    (held, OTHER_ADMINISTRATOR, "Enabled"),
                    (resigned, ADMINISTRATOR, "Resigned"),
                    (removed, ADMINISTRATOR, "Removed"),
                    (created, ADMINISTRATOR, "Created"),
                )
            ],
            "services": [
                {"service": service, "account_id": account_id, "regions": REGIONS}
                for service in SERVICES
                for account_id in (ADMINISTRATOR, OTHER_ADMINISTRATOR)
            ],
        }
    )

    checked = playbook(hosts, "--check")
    assert emulator.operations(writes_only=True) == []
    run = playbook(hosts)

    assert run.status == 2, run.output
    assert run.failed_hosts == {wrong_email, held, locked, bad_row, resigned}
    # What AWS alone can know is not foreseen: that the address is wrong, and that another administrator holds the
    # account (Security Hub says so when it is to be invited).
    assert checked.failed_hosts <= run.failed_hosts
    assert {locked, bad_row, resigned} <= checked.failed_hosts
    reasons = {
        host: {row["reason_code"] for row in run.rows if row["account_id"] == ids[host] and row["failed"]}
        for host in hosts
    }
    assert "email_verification_failed" in reasons[wrong_email]
    assert "member_of_other_administrator" in reasons[held]
    assert reasons[locked] == {"assume_role_failed"}
    assert reasons[bad_row] == {"invalid_input"}
    assert reasons[resigned] == {"resigned"}
    after = states(emulator, hosts)
    assert after[removed] == after[created] == after[fine] == {"Enabled"}
    failed_ids = run.custom_stats["onboard"]["guardduty"][REGIONS[0]]["failed_ids"]
    assert sorted(failed_ids) == sorted(ids[host] for host in run.failed_hosts)
    assert f"GuardDuty and Security Hub in all {len(REGIONS)} Regions: AssumeRole: AccessDenied" in run.output

    emulator.seed({"accounts": {ids[locked]: {"assumable": True}}})
    again = playbook(hosts, "--limit", f"{locked},{fine}")
    assert again.status == 0, again.output
    assert set(again.stats) <= {locked, fine, "localhost"}
    assert again.changed_hosts == {locked}


@pytest.mark.nightly
def test_onboard_check_mode_predicts_the_rows_of_the_real_run(playbook: PlaybookRunner):
    hosts = fleet(4)
    enabled, invited, created, _new = (row["onboard_account_id"] for row in hosts.values())
    for service in SERVICES:
        playbook.emulator.seed({"services": [{"service": service, "account_id": ADMINISTRATOR, "regions": REGIONS}]})
        for account_id, status in ((enabled, "Enabled"), (invited, "Invited"), (created, "Created")):
            playbook.emulator.set_member(service, REGIONS[0], ADMINISTRATOR, account_id, status)
    playbook.emulator.clear_calls()

    checked = playbook(hosts, "--check")
    assert playbook.emulator.operations(writes_only=True) == []
    real = playbook(hosts)

    assert checked.status == real.status == 0
    assert shape(checked.rows) == shape(real.rows) and checked.rows
    assert checked.changed_hosts == real.changed_hosts


def test_onboard_late_invitations_and_visibility_are_waited_for(playbook: PlaybookRunner):
    hosts = fleet(2)
    playbook.emulator.set_knobs(invite_visible_seconds=2, accept_visible_seconds=1, verification_seconds=1)
    # In real time: one service in one Region, since these would wait one after the other.
    only = {"onboard_services": ["guardduty"], "onboard_regions": REGIONS[:1]}
    run = playbook(hosts, onboard_wait_timeout=20, **only)
    assert run.status == 0, run.output
    assert run.changed_hosts == set(hosts) and {row["status"] for row in run.rows} == {"Enabled"}
    assert states(playbook.emulator, hosts) == {host: {"Enabled", None} for host in hosts}  # nothing where not asked


def test_onboard_by_organization_never_invites_nor_enters_an_account(playbook: PlaybookRunner):
    emulator, hosts = playbook.emulator, fleet(3)
    ids = [row["onboard_account_id"] for row in hosts.values()]
    emulator.seed(
        {
            "organization": {
                "management_account": "888888888888",
                "account_ids": [ADMINISTRATOR, *ids],
                "delegated_administrator": {service: ADMINISTRATOR for service in SERVICES},
            }
        }
    )
    run = playbook(hosts, onboard_via="organization")
    assert run.status == 0, run.output
    assert states(emulator, hosts) == {host: {"Enabled"} for host in hosts}
    assert (MEMBER_OPERATIONS | {"InviteMembers"}).isdisjoint(emulator.operations())


def test_onboard_with_another_accounts_credentials_sends_nothing(playbook: PlaybookRunner):
    run = playbook(fleet(1), onboard_administrator_id="333333333333")
    assert run.status == 2
    assert "Use the administrator's credentials" in run.output
    assert playbook.emulator.operations(writes_only=True) == []
    assert set(playbook.emulator.operations()) == {"DescribeHub", "GetCallerIdentity", "ListDetectors"}
    assert run.failed_hosts == {"workload-01"}


@pytest.mark.parametrize("missing", ["onboard_administrator_id", "onboard_regions"])
def test_onboard_without_a_required_variable_names_it_and_sends_nothing(playbook: PlaybookRunner, missing: str):
    run = playbook(fleet(1), **{missing: None})
    assert run.status == 2
    assert missing in run.output
    assert playbook.emulator.operations() == []


def test_onboard_a_region_that_is_off_in_the_administrator_is_told_once_and_nothing_is_sent(playbook: PlaybookRunner):
    hosts = fleet(3)
    playbook.emulator.seed({"accounts": {ADMINISTRATOR: {"disabled_regions": [REGIONS[0]]}}})
    run = playbook(hosts)
    assert run.status == 2
    assert run.failed_hosts == set(hosts)
    stopped = run.custom_stats["onboard_summary"]["stopped"]
    assert f"administrator {ADMINISTRATOR}, GuardDuty in {REGIONS[0]}" in stopped and "region_unavailable" in stopped
    assert playbook.emulator.operations(writes_only=True) == []


def test_onboard_hosts_that_are_told_different_things_are_not_done_as_if_they_were_told_the_same(playbook):
    hosts = fleet(2)
    elsewhere = list(hosts)[1]
    hosts[elsewhere] |= {"onboard_regions": ["ap-southeast-2"], "onboard_administrator_id": OTHER_ADMINISTRATOR}
    run = playbook(hosts)
    assert run.status == 2
    assert "the hosts of this run differ in onboard_administrator_id and onboard_regions" in run.output
    assert playbook.emulator.operations() == []


@pytest.mark.parametrize("wanted", [0, *nightly(1)])
def test_onboard_a_condition_on_the_role_leaves_its_hosts_alone(playbook: PlaybookRunner, wanted: int):
    hosts = fleet(2)
    names = list(hosts)
    run = playbook(hosts, playbook=playbook.play("onboard", when=f"inventory_hostname == '{names[wanted]}'"))
    found = states(playbook.emulator, hosts)
    assert found[names[1 - wanted]] == {None}
    if wanted == 0:
        assert run.status == 0 and found[names[0]] == {"Enabled"}, run.output
    else:
        # What is done once for all is not done at all: said, and not passed over.
        assert run.failed_hosts == {names[1]} and "a condition on the role" in run.output
        assert playbook.emulator.operations() == []


def test_onboard_takes_account_ids_from_wherever_ansible_knows_them(playbook: PlaybookRunner):
    hosts = fleet(1)
    [(name, row)] = hosts.items()
    own = {name: {"id_of_the_account": row["onboard_account_id"], "address": row["onboard_account_email"]}}
    variables = {"onboard_account_id": "{{ id_of_the_account }}", "onboard_account_email": "{{ address }}"}
    run = playbook(own, playbook=playbook.play("onboard", vars=variables))
    assert run.status == 0, run.output
    assert states(playbook.emulator, hosts) == {name: {"Enabled"}}


@pytest.mark.nightly
def test_onboard_takes_every_service_of_the_registry(playbook: PlaybookRunner):
    hosts = fleet(3)
    services = list(REGISTRY)
    options = {"onboard_regions": REGIONS[:1], "onboard_services": services}

    checked = playbook(hosts, "--check", **options)
    assert checked.status == 0, checked.output
    assert playbook.emulator.operations(writes_only=True) == []

    first = playbook(hosts, **options)
    assert first.status == 0, first.output
    assert Counter((row["service"], row["status"]) for row in first.rows) == {(each, "Enabled"): 3 for each in services}

    playbook.emulator.clear_calls()
    second = playbook(hosts, **options)
    assert second.status == 0, second.output
    assert playbook.emulator.operations(writes_only=True) == []
