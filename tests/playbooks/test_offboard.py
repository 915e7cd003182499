# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The offboard role through real ``ansible-playbook`` runs."""

from __future__ import annotations

import json
from functools import partial

import pytest
from ansible_collections.muster.aws.tests.playbooks.harness import (
    ADMINISTRATOR,
    REGIONS,
    SERVICES,
    PlaybookRunner,
    fleet,
    states,
)

OTHER_ADMINISTRATOR = "999999999999"


@pytest.fixture
def offboard(playbook: PlaybookRunner):
    return partial(
        playbook, playbook="muster.aws.offboard", offboard_results_file=str(playbook.folder / "results.json")
    )


def name(hosts: str) -> tuple[str, str]:
    return ("-e", f"offboard_hosts={hosts}")


def seed_members(emulator, hosts, status="Enabled", administrator_id=ADMINISTRATOR):
    for service in SERVICES:
        emulator.seed(
            {
                "services": [{"service": service, "account_id": administrator_id, "regions": REGIONS}],
                "members": [
                    {
                        "service": service,
                        "regions": REGIONS,
                        "administrator_id": administrator_id,
                        "account_ids": [row["onboard_account_id"] for row in hosts.values()],
                        "status": status,
                    }
                ],
            }
        )


def test_offboard_named_hosts_are_gone_and_the_others_stay(playbook: PlaybookRunner, offboard):
    emulator, hosts = playbook.emulator, fleet(4)
    leaving = ",".join(list(hosts)[:2])
    seed_members(emulator, hosts)

    checked = offboard(hosts, "--check", *name(leaving))
    assert checked.status == 0, checked.output
    assert emulator.operations(writes_only=True) == []
    assert checked.changed_hosts == set(leaving.split(","))

    first = offboard(hosts, *name(leaving))
    assert first.status == 0, first.output
    assert first.changed_hosts == checked.changed_hosts
    after = states(emulator, hosts)
    assert [after[host] for host in hosts] == [{None}, {None}, {"Enabled"}, {"Enabled"}]
    assert first.custom_stats["offboard"]["securityhub"][REGIONS[0]]["changed"] == 2

    emulator.clear_calls()
    second = offboard(hosts, "--limit", leaving)
    assert second.status == 0, second.output
    assert second.changed_hosts == set()
    assert emulator.operations(writes_only=True) == []


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        ((), {}, "this would offboard 3 accounts: name the hosts"),
        (name("all"), {"offboard_limit": 2}, "this would offboard 3 accounts: raise offboard_limit"),
        # Named where the play's own hosts cannot see it: all hosts are in the play.
        ((), {"offboard_hosts": "workload-01"}, "offboard_hosts is workload-01, and this run has 2 other hosts"),
    ],
    ids=["no-hosts", "too-many", "named-in-the-inventory"],
)
def test_offboard_without_explicit_hosts_or_with_too_many_sends_nothing(offboard, playbook, arguments, variables, told):
    run = offboard(fleet(3), *arguments, **variables)
    assert run.status == 2
    assert told in run.output
    assert playbook.emulator.operations() == []


def test_offboard_disassociated_keeps_the_records(offboard, playbook: PlaybookRunner):
    hosts = fleet(2)
    seed_members(playbook.emulator, hosts)
    run = offboard(hosts, *name("all"), offboard_state="disassociated")
    assert run.status == 0, run.output
    assert states(playbook.emulator, hosts) == {host: {"Removed"} for host in hosts}


@pytest.mark.nightly
def test_offboard_members_of_an_organization_stay_as_removed_where_aws_cannot_delete_them(offboard, playbook):
    emulator, hosts = playbook.emulator, fleet(1)
    account_id = next(iter(hosts.values()))["onboard_account_id"]
    emulator.seed(
        {
            "organization": {
                "management_account": "888888888888",
                "account_ids": [ADMINISTRATOR, account_id],
                "delegated_administrator": {service: ADMINISTRATOR for service in SERVICES},
            }
        }
    )
    assert playbook(hosts, onboard_via="organization").status == 0
    run = offboard(hosts, *name("all"), onboard_via="organization")
    assert run.status == 0, run.output
    assert {(row["service"], row["status"]) for row in run.rows} == {
        ("guardduty", "absent"),
        ("securityhub", "Removed"),
    }


def test_offboard_services_go_off_but_not_where_another_administrator_holds_the_account(offboard, playbook):
    emulator, hosts = playbook.emulator, fleet(2)
    own, held = hosts
    seed_members(emulator, {own: hosts[own]})
    seed_members(emulator, {held: hosts[held]}, administrator_id=OTHER_ADMINISTRATOR)
    run_it = partial(offboard, offboard_disable_services=True)

    checked = run_it(hosts, "--check", *name("all"))
    assert emulator.operations(writes_only=True) == []
    run = run_it(hosts, *name("all"))

    assert checked.failed_hosts == run.failed_hosts == {held}
    assert checked.changed_hosts == run.changed_hosts == {own}
    assert "the service was left on" in run.output
    off = [call.account_id for call in emulator.calls if call.operation in ("DeleteDetector", "DisableSecurityHub")]
    assert off == [hosts[own]["onboard_account_id"]] * len(SERVICES) * len(REGIONS)

    emulator.clear_calls()
    again = run_it({own: hosts[own]}, *name("all"))
    assert again.status == 0, again.output
    assert again.changed_hosts == set()
    assert emulator.operations(writes_only=True) == []


def test_offboard_takes_its_own_account_id_before_the_onboarding_one(offboard, playbook):
    emulator, hosts = playbook.emulator, fleet(2)
    (named, row), (spared, _row) = hosts.items()
    seed_members(emulator, hosts)
    # The host of one account, told to offboard the other.
    host = {spared: {**hosts[spared], "offboard_account_id": row["onboard_account_id"]}}
    run = offboard(host, *name("all"))
    assert run.status == 0, run.output
    assert states(emulator, hosts) == {named: {None}, spared: {"Enabled"}}


def test_offboard_a_condition_on_the_role_spares_the_other_hosts(offboard, playbook):
    emulator, hosts = playbook.emulator, fleet(3)
    for host, status in zip(hosts, ("closed", "open", "closed"), strict=True):
        hosts[host]["account_status"] = status
    seed_members(emulator, hosts)
    play = playbook.play("offboard", when="account_status == 'closed'")
    run = offboard(hosts, "--limit", "all", playbook=play)
    assert run.status == 0, run.output
    assert [states(emulator, hosts)[host] for host in hosts] == [{None}, {"Enabled"}, {None}]


def test_offboard_hosts_that_are_told_different_things_are_left_alone(offboard, playbook):
    hosts = fleet(2)
    seed_members(playbook.emulator, hosts)
    hosts[list(hosts)[1]]["onboard_administrator_id"] = OTHER_ADMINISTRATOR
    playbook.emulator.clear_calls()
    run = offboard(hosts, *name("all"))
    assert run.status == 2 and "differ in offboard_administrator_id" in run.output
    assert playbook.emulator.operations() == []


@pytest.mark.parametrize("how", ["include_role", "import_role", "include_tasks"])
def test_offboard_under_a_condition_leaves_those_alone_for_whom_it_does_not_hold(
    playbook: PlaybookRunner, offboard, how: str
):
    emulator, hosts = playbook.emulator, fleet(3)
    seed_members(emulator, hosts)
    hosts["workload-02"]["decommissioned"] = True
    role = {"name": "muster.aws.offboard"}
    (playbook.folder / "inner.yml").write_text(json.dumps([{"include_role": role}]))
    task = {how: "inner.yml" if how == "include_tasks" else role, "when": "decommissioned | default(false)"}
    # The first host of a batch decides for an imported role whether its steps are taken: it is the one that leaves.
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "order": "reverse_sorted", "tasks": [task]}
    chosen = "workload-01,workload-02" if how == "import_role" else "all"
    (playbook.folder / "own.yml").write_text(json.dumps([play]))
    run = offboard(hosts, "--limit", chosen, playbook=str(playbook.folder / "own.yml"))
    assert run.status == 0, run.output
    after = states(emulator, hosts)
    assert [after[host] for host in hosts] == [{"Enabled"}, {None}, {"Enabled"}]


def test_offboard_that_was_refused_prints_no_command_that_passes_the_brake(offboard, playbook: PlaybookRunner):
    run = offboard(fleet(2))
    assert run.status == 2 and "this would offboard 2 accounts" in run.output
    assert "--limit workload" not in run.output and "Run the same again, when that is mended." in run.output


@pytest.mark.parametrize("own", [False, True])
def test_offboard_takes_a_limit_without_a_name_for_none(offboard, playbook: PlaybookRunner, own: bool):
    hosts = fleet(2)
    seed_members(playbook.emulator, hosts)
    (playbook.folder / "blank.txt").write_text("\n")
    run = offboard(hosts, "--limit", "@blank.txt", **({"playbook": playbook.play("offboard")} if own else {}))
    assert run.status != 0, run.output
    assert ("this would offboard 2 accounts" if own else "there is no name in @blank.txt") in run.output
    assert playbook.emulator.operations(writes_only=True) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"offboard_state": "{{ our_state }}"}, "our_state"),
        ({"offboard_hosts": "{{ our_hosts }}"}, "our_hosts"),
        ({"offboard_hosts": ""}, "offboard_hosts is empty"),
        ({"onboard_services": "{{ our_services }}"}, "our_services"),
    ],
)
def test_offboard_takes_no_default_for_what_was_asked_for_and_cannot_be_told(
    offboard, playbook: PlaybookRunner, given, told
):
    hosts = fleet(1)
    seed_members(playbook.emulator, hosts)
    run = offboard(hosts, "--limit", "workload-01", "-e", json.dumps(given))
    assert run.status != 0 and told in run.output
    assert playbook.emulator.operations(writes_only=True) == []
