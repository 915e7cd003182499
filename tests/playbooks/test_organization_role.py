# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The organization playbook, from an organization that nobody has delegated in to one whose accounts are members."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.playbooks.harness import (
    ADMINISTRATOR,
    REGIONS,
    SERVICES,
    PlaybookRunner,
    Run,
    fleet,
    run_raw,
    states,
)
from ansible_collections.muster.aws.tests.profiles import nightly

MANAGEMENT = "999999999999"
HOSTS = fleet(3)
VARIABLES = {
    "organization_administrator_id": ADMINISTRATOR,
    "organization_regions": REGIONS,
    "organization_guardduty": {
        "auto_enable_members": "NEW",
        "features": [{"name": "S3_DATA_EVENTS", "auto_enable": "NEW"}],
    },
    "organization_securityhub": {"auto_enable": True, "auto_enable_standards": "NONE"},
}


@pytest.fixture
def organization(emulator: Emulator) -> None:
    account_ids = [row["onboard_account_id"] for row in HOSTS.values()]
    seed = {"management_account": MANAGEMENT, "account_ids": [*account_ids, ADMINISTRATOR]}
    emulator.seed({"caller": MANAGEMENT, "organization": seed})


def organize(playbook: PlaybookRunner, *arguments: str, **variables: Any) -> Run:
    return playbook({"localhost": {}}, *arguments, playbook="muster.aws.organization", **{**VARIABLES, **variables})


def test_from_nothing_to_an_organization_under_watch(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    foreseen = organize(playbook, "--check")
    assert foreseen.status == 0 and emulator.operations(writes_only=True) == [], foreseen.output
    assert "would be: service switched on" in foreseen.output
    assert "the settings cannot be read before that" in foreseen.output
    run = organize(playbook)
    assert run.status == 0 and run.changed_hosts == {"localhost"}, run.output
    assert "administrator delegated, settings updated" in run.output
    world = emulator.world.organization
    assert [world.auto_enable[service].get(REGIONS[0]) for service in SERVICES] == ["NEW", True]
    hub = emulator.world.home("securityhub", ADMINISTRATOR, REGIONS[0]).switch
    assert hub and hub.settings["EnableDefaultStandards"] is False
    stats = run.custom_stats["organization"]["guardduty"][REGIONS[0]]
    assert stats["failed"] is None and "delegate" in stats["actions"]
    emulator.clear_calls()
    again = organize(playbook)
    assert again.status == 0 and again.changed_hosts == set() and emulator.operations(writes_only=True) == []
    assert "as it should be" in again.output

    emulator.seed({"caller": ADMINISTRATOR})
    own_half = organize(playbook, organization_guardduty={"auto_enable_members": "NONE"})
    assert own_half.status == 0 and own_half.changed_hosts == {"localhost"}, own_half.output
    features = [{"name": "EBS_MALWARE_PROTECTION", "status": "DISABLED"}]
    members = playbook(HOSTS, onboard_via="organization", onboard_guardduty_features=features)
    assert members.status == 0, members.output
    assert set().union(*states(emulator, HOSTS).values()) == {"Enabled"}
    account_id = HOSTS["workload-01"]["onboard_account_id"]
    switch = emulator.world.home("guardduty", account_id, REGIONS[0]).switch
    assert switch and switch.settings["features"]["EBS_MALWARE_PROTECTION"]["value"] == "DISABLED"
    report = playbook(HOSTS, playbook="muster.aws.report", report_fail_on_gaps=True)
    assert report.status == 0, report.output


def test_check_mode_foresees_what_is_done_to_an_administrator_in_office(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    assert organize(playbook).status == 0
    emulator.world.home("guardduty", ADMINISTRATOR, REGIONS[1]).switch = None
    for caller in (MANAGEMENT, ADMINISTRATOR):
        emulator.seed({"caller": caller})
        foreseen = organize(playbook, "--check", organization_guardduty={"auto_enable_members": "ALL"})
        assert foreseen.status == 0, foreseen.output
        assert f"GuardDuty, {REGIONS[0]}: would be: settings updated" in foreseen.output
        assert f"GuardDuty, {REGIONS[1]}: would be: service switched on; the settings cannot" in foreseen.output
    run = organize(playbook, organization_guardduty={"auto_enable_members": "ALL"})
    assert run.status == 0, run.output
    assert f"GuardDuty, {REGIONS[1]}: service switched on, settings updated" in run.output


def test_management_account_can_be_the_administrator(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    run = organize(playbook, organization_administrator_id=MANAGEMENT)
    assert run.status == 0, run.output
    assert "administrator delegated, settings updated" in run.output
    # What the modules warn of is told, and once.
    assert run.output.count("AWS advises against it") == 1
    assert emulator.world.organization.delegated["guardduty"].get(REGIONS[0]) == MANAGEMENT


def test_account_that_is_neither_writes_nothing(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    account_id = HOSTS["workload-01"]["onboard_account_id"]
    emulator.seed({"caller": account_id})
    run = organize(playbook)
    assert run.failed_hosts == {"localhost"} and f"these are the credentials of {account_id}" in run.output
    assert emulator.operations(writes_only=True) == []


def test_people_are_told_without_asking_for_more(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    given = ["muster.aws.organization", "-e", json.dumps(VARIABLES)]
    for more in ([], ["-v"]):
        run = run_raw(playbook, *given, "--check", *more)
        assert run.returncode == 0 and run.stdout.count("Security Hub, ") == 1, run.stdout
        assert "us-east-1: would be: service switched on, administrator delegated" in run.stdout
    emulator.seed({"caller": HOSTS["workload-01"]["onboard_account_id"]})
    run = run_raw(playbook, *given)
    caller = HOSTS["workload-01"]["onboard_account_id"]
    assert f'"msg": "{caller}, GuardDuty and Security Hub in all 2 Regions: ' in run.stdout, run.stdout


def test_what_fails_in_one_region_is_told_once_and_the_others_go_on(
    organization: None, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    other = next(iter(HOSTS.values()))["onboard_account_id"]
    emulator.set_knobs(other_delegate_elsewhere="accept")
    emulator.seed(
        {
            "organization": {
                "management_account": MANAGEMENT,
                "account_ids": [ADMINISTRATOR, other],
                "delegated_administrator": dict.fromkeys(SERVICES, {REGIONS[1]: other}),
            }
        }
    )
    run = organize(playbook)
    assert run.status == 2 and run.changed_hosts == set() or run.failed_hosts == {"localhost"}
    message = run.output
    assert "GuardDuty and Security Hub in us-east-1" in message and other in message
    assert "other_delegated_administrator" in message
    assert emulator.world.organization.delegated["guardduty"].get(REGIONS[0]) == ADMINISTRATOR
    assert emulator.world.organization.auto_enable["guardduty"].get(REGIONS[0]) == "NEW"
    assert emulator.world.organization.delegated["guardduty"].get(REGIONS[1]) == other
    switches = [emulator.world.home(service, ADMINISTRATOR, REGIONS[1]).switch for service in SERVICES]
    assert switches == [None, None]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"organization_region": ["us-east-1"]}, "organization_region is no variable of this role"),
        ({"organization_guardduty": {"auto_enable": True}}, "auto_enable"),
        (
            {"organization_guardduty": {"features": [{"name": "A", "auto_enable": "NEW"}] * 2}},
            "organization_guardduty.features: A is listed twice",
        ),
        *nightly(
            ({"organization_service_principals": [""]}, "organization_service_principals"),
            ({"organization_administrator_id": 111111111111}, "organization_administrator_id"),
            ({"organization_services": ["macie"]}, "organization_services"),
            ({"organization_regions": None}, "organization_regions"),
        ),
    ],
)
def test_variables_that_will_not_do_are_refused_before_any_call(
    variables: dict[str, Any], told: str, emulator: Emulator, playbook: PlaybookRunner
) -> None:
    run = organize(playbook, **variables)
    assert run.status == 2 and told in run.output and "argument_spec" not in run.output
    assert emulator.operations() == []
