# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report role through real ``ansible-playbook`` runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.muster.aws.tests.playbooks.harness import (
    ADMINISTRATOR,
    REGIONS,
    SERVICES,
    PlaybookRunner,
    Run,
    fleet,
)
from ansible_collections.muster.aws.tests.profiles import nightly

OTHER_ADMINISTRATOR = "999999999999"
UNLISTED, UNLISTED_INVITED = "090000000000", "919191919191"
HOSTILE = "<script>alert(1)</script>"
JINJA = "{{ lookup('pipe', 'touch pwned') }}"


class Reporter:
    """Runs the report playbook, and reads what it wrote."""

    def __init__(self, playbook: PlaybookRunner) -> None:
        self.playbook = playbook
        self.emulator = playbook.emulator
        self.page = playbook.folder / "report.html"

    def __call__(self, hosts: dict[str, Any], *arguments: str, **variables: Any) -> Run:
        variables = {"report_file": str(self.page), **variables}
        return self.playbook(hosts, *arguments, playbook="muster.aws.report", **variables)

    @property
    def written(self) -> set[str]:
        return {path.name for path in self.playbook.folder.iterdir() if path.stem == "report"}

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.page.with_suffix(".json").read_text())

    def cells(self, key: str = "standing") -> dict[tuple[str, str, str], Any]:
        return {
            (account["account_id"], cell["service"], cell["region"]): cell[key]
            for account in self.data["accounts"]
            for cell in account["cells"]
        }


@pytest.fixture
def report(playbook: PlaybookRunner) -> Reporter:
    return Reporter(playbook)


def seed_members(report: Reporter, members: dict[str, str | None], administrator_id: str = ADMINISTRATOR) -> None:
    """Give the administrator records of these accounts, in every service and Region."""
    services = [{"service": service, "account_id": administrator_id, "regions": REGIONS} for service in SERVICES]
    records = [
        {
            "service": service,
            "regions": REGIONS,
            "administrator_id": administrator_id,
            "account_ids": [account_id],
            "status": status,
        }
        for service in SERVICES
        for account_id, status in members.items()
        if status
    ]
    report.emulator.seed({"services": services, "members": records})


def ids_of(hosts: dict[str, Any]) -> list[str]:
    return [row["onboard_account_id"] for row in hosts.values()]


def test_report_tells_every_standing_and_members_nobody_listed(report: Reporter):
    hosts = fleet(7)
    enabled, invited, created, resigned, suspended, removed, new = ids_of(hosts)
    statuses = {
        enabled: "Enabled",
        invited: "Invited",
        created: "Created",
        resigned: "Resigned",
        suspended: "AccountSuspended",
        removed: "Removed",
    }
    seed_members(report, {**statuses, UNLISTED: "Enabled", UNLISTED_INVITED: "Invited"})
    report.emulator.set_member("guardduty", REGIONS[0], ADMINISTRATOR, enabled, "Disabled")

    run = report(hosts)

    assert run.status == 0, run.output
    assert run.failed_hosts == run.changed_hosts == set()
    assert report.emulator.operations(writes_only=True) == []
    assert {row["host"] for row in report.data["accounts"]} == set(hosts)
    standings = report.cells()
    assert standings.pop((enabled, "guardduty", REGIONS[0])) == "suspended"
    expected = {
        enabled: "member",
        invited: "pending",
        created: "pending",
        resigned: "failed",
        suspended: "failed",
        removed: "failed",
        new: "absent",
    }
    assert standings == {place: expected[place[0]] for place in standings}
    assert len(standings) == len(hosts) * len(SERVICES) * len(REGIONS) - 1
    assert report.cells("reason_code")[resigned, "securityhub", REGIONS[1]] == "resigned"
    assert [row["account_id"] for row in report.data["suspended_accounts"]] == [suspended]
    assert [row["account_id"] for row in report.data["unlisted"]] == [UNLISTED, UNLISTED_INVITED]

    counts = run.custom_stats["report"]["guardduty"][REGIONS[0]]
    assert {name: counts[name] for name in ("accounts", "member", "suspended", "pending", "absent", "failed")} == {
        "accounts": 7,
        "member": 0,
        "suspended": 1,
        "pending": 2,
        "absent": 1,
        "failed": 3,
    }
    assert counts["gap_ids"] == ids_of(hosts)
    assert counts["unlisted_ids"] == [UNLISTED, UNLISTED_INVITED]
    assert "GuardDuty: suspended in eu-central-1, member in us-east-1" in run.output

    page = report.page.read_text()
    assert UNLISTED in page
    assert "the account left, or declined; it can accept again" in page
    with report.page.with_suffix(".csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == (len(hosts) + 2) * len(SERVICES) * len(REGIONS)
    assert {line["account_id"] for line in lines if line["listed"] == "no"} == {UNLISTED, UNLISTED_INVITED}
    assert {path.stat().st_mode & 0o777 for path in report.playbook.folder.glob("report.*")} == {0o600}


def test_report_in_check_mode_reads_and_tells_but_writes_no_file(report: Reporter):
    hosts = fleet(2)
    seed_members(report, dict.fromkeys(ids_of(hosts), "Enabled"))
    rows, failed = report.playbook.folder / "rows.json", report.playbook.folder / "failed.txt"
    run = report(hosts, "--check", "--diff", report_results_file=str(rows), report_failed_file=str(failed))
    assert run.status == 0, run.output
    assert report.written == set()
    assert rows.exists() and failed.exists()
    assert "not written in check mode" in run.output
    assert run.custom_stats["report"]["securityhub"][REGIONS[0]]["member"] == 2
    assert report.emulator.operations(writes_only=True) == []


def test_report_compares_each_run_with_the_one_before(report: Reporter):
    hosts = fleet(3)
    left, joined, fine = ids_of(hosts)
    seed_members(report, {left: "Enabled", joined: "Created", fine: "Enabled"})
    data = str(report.page.with_suffix(".json"))
    assert report(hosts).status == 0
    assert report.data["caller_arn"].startswith(f"arn:aws:sts::{ADMINISTRATOR}:")
    seed_members(report, {left: "Resigned", joined: "Enabled"})

    run = report(hosts, report_baseline_file=data)

    assert run.status == 0, run.output
    places = len(SERVICES) * len(REGIONS)
    assert report.data["baseline"]["new_gaps"] == places
    assert {gap["account_id"] for gap in report.data["baseline"]["mended_gaps"]} == {joined}
    assert len(report.data["baseline"]["mended_gaps"]) == places
    assert "Mended gaps" in report.page.read_text()


def test_report_with_an_empty_baseline_compares_with_nothing(report: Reporter):
    """As the first run of a schedule does."""
    run = report(fleet(1), "-e", "report_baseline_file=")
    assert run.status == 0, run.output
    assert report.data["baseline"] is None


def test_report_with_a_baseline_that_is_none_says_so_and_asks_nothing(report: Reporter):
    run = report(fleet(1), report_baseline_file="nothing.json")
    assert run.status == 2
    assert "report_baseline_file: nothing.json cannot be read: No such file or directory." in run.output
    assert report.emulator.operations() == []
    assert report.written == set()


def test_report_fails_hosts_for_their_gaps_only_if_asked(report: Reporter):
    hosts = fleet(2)
    fine, gap = hosts
    seed_members(report, {hosts[fine]["onboard_account_id"]: "Enabled"})
    run = report(hosts, report_fail_on_gaps=True, report_csv_file="", report_json_file="")
    assert run.status == 2, run.output
    assert run.failed_hosts == {gap}
    assert report.written == {"report.html"}


def test_report_a_limited_run_tells_members_against_the_whole_inventory(report: Reporter):
    hosts = fleet(3)
    seed_members(report, {**dict.fromkeys(ids_of(hosts), "Enabled"), UNLISTED: "Enabled"})
    run = report(hosts, "--limit", "workload-01")
    assert run.status == 0, run.output
    assert [row["host"] for row in report.data["accounts"]] == ["workload-01"]
    assert [row["account_id"] for row in report.data["unlisted"]] == [UNLISTED]


def test_report_a_region_or_service_that_is_off_is_told_with_its_reason(report: Reporter):
    hosts = fleet(2)
    seed_members(report, dict.fromkeys(ids_of(hosts), "Enabled"))
    report.emulator.seed({"accounts": {ADMINISTRATOR: {"disabled_regions": [REGIONS[0]]}}})
    report.emulator.world.home("securityhub", ADMINISTRATOR, REGIONS[1]).switch = None

    run = report(hosts)

    assert run.status == 0, run.output
    told = {place[1:]: (report.cells()[place], code) for place, code in report.cells("reason_code").items()}
    assert told == {
        ("guardduty", REGIONS[0]): ("unreadable", "region_unavailable"),
        ("guardduty", REGIONS[1]): ("member", None),
        ("securityhub", REGIONS[0]): ("unreadable", "region_unavailable"),
        ("securityhub", REGIONS[1]): ("unreadable", "service_not_enabled"),
    }
    assert len(report.data["problems"]) == 3
    assert "no such resource found" in report.page.read_text()
    assert report.emulator.operations(writes_only=True) == []


def test_report_the_accounts_own_view_tells_who_holds_them(report: Reporter):
    hosts = fleet(4)
    enabled, held, locked, off = ids_of(hosts)
    seed_members(report, {enabled: "Enabled", locked: "Enabled", off: "Created"})
    seed_members(report, {held: "Enabled"}, OTHER_ADMINISTRATOR)
    report.emulator.seed({"accounts": {locked: {"assumable": False}}})

    run = report(hosts, report_member_side=True)

    assert run.status == 0, run.output
    assert report.emulator.operations(writes_only=True) == []
    standings, notes = report.cells(), report.cells("note")
    for service in SERVICES:
        assert standings[enabled, service, REGIONS[0]] == standings[locked, service, REGIONS[0]] == "member"
        assert notes[enabled, service, REGIONS[0]] is None
        assert "could not be read" in notes[locked, service, REGIONS[0]]
        assert standings[held, service, REGIONS[0]] == "failed"
        assert standings[off, service, REGIONS[0]] == "pending"
        assert "is off in the account" in notes[off, service, REGIONS[0]]
    reasons = report.cells("reason")
    assert reasons[held, "guardduty", REGIONS[0]].endswith(OTHER_ADMINISTRATOR)
    assert report.cells("reason_code")[held, "guardduty", REGIONS[0]] == "member_of_other_administrator"


def test_report_an_inventory_of_two_administrators_is_told_apart(report: Reporter):
    hosts = fleet(3)
    mine, other, both = hosts
    seed_members(report, dict.fromkeys(ids_of(hosts), "Enabled"))
    for host in (other, both):
        hosts[host]["report_administrator_id"] = OTHER_ADMINISTRATOR

    refused = report(hosts)
    assert refused.status == 2
    assert "the hosts of this run differ in report_administrator_id" in refused.output
    assert report.emulator.operations() == []

    hosts[mine]["report_administrator_id"] = ADMINISTRATOR
    run = report(hosts, "--limit", mine)
    assert run.status == 0, run.output
    assert [(row["host"], row["listed_for"]) for row in report.data["unlisted"]] == [
        (other, OTHER_ADMINISTRATOR),
        (both, OTHER_ADMINISTRATOR),
    ]


def test_report_with_another_accounts_credentials_reads_no_member(report: Reporter):
    run = report(fleet(1), onboard_administrator_id=OTHER_ADMINISTRATOR)
    assert run.status == 2
    assert "Use the administrator's credentials" in run.output
    assert report.emulator.operations() == ["GetCallerIdentity", "ListAccountAliases"]


@pytest.mark.parametrize("missing", ["onboard_administrator_id", "onboard_regions"])
def test_report_without_a_required_variable_names_it_and_sends_nothing(report: Reporter, missing: str):
    run = report(fleet(1), **{missing: None})
    assert run.status == 2
    assert missing in run.output
    assert report.emulator.operations() == []


def test_report_of_no_hosts_says_so_and_asks_nothing(report: Reporter):
    run = report({})
    assert run.status == 4 and "the inventory" in run.output and "has no host" in run.output
    assert report.emulator.operations() == []
    assert report.written == set()


def test_report_hostile_values_stay_text(report: Reporter):
    """Names from a dynamic inventory, and AWS's texts, are not ours."""
    hosts = fleet(2)
    named, resigned = hosts
    hosts[HOSTILE] = hosts.pop(named)
    hosts[HOSTILE]["onboard_account_email"] = {"__ansible_unsafe": f"{JINJA}{HOSTILE}"}
    hosts["=cmd()"] = {"onboard_account_id": "not an id"}
    seed_members(report, {hosts[resigned]["onboard_account_id"]: JINJA})

    run = report(hosts)

    assert run.status == 0, run.output
    assert not Path(report.playbook.folder, "pwned").exists()
    page, sheet = report.page.read_text(), report.page.with_suffix(".csv").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == 2
    assert JINJA in sheet
    assert '"\'=cmd()"' in sheet
    assert '"=' not in sheet
    codes = {code for place, code in report.cells("reason_code").items() if place[0] == "not an id"}
    assert codes == {"invalid_input"}
    assert "unknown_status" in report.cells("reason_code").values()


@pytest.mark.parametrize(("monitoring", "is_gap"), [(None, True), *nightly(("suspended", False), ("enabled", False))])
def test_onboard_and_report_agree_on_a_member_that_nobody_watches(
    report: Reporter, monitoring: str | None, is_gap: bool
):
    hosts = fleet(2)
    suspended, watched = hosts
    seed_members(report, dict.fromkeys(ids_of(hosts), "Enabled"))
    account_id = hosts[suspended]["onboard_account_id"]
    report.emulator.set_member("guardduty", REGIONS[0], ADMINISTRATOR, account_id, "Disabled")
    variables = {"onboard_monitoring": monitoring} if monitoring else {}
    only = {"onboard_regions": REGIONS[:1], **variables}

    onboarded = report.playbook(hosts, **only)
    told = report(hosts, report_fail_on_gaps=True, **only)

    gaps = {suspended} if is_gap else set()
    assert onboarded.failed_hosts == told.failed_hosts == gaps, onboarded.output + told.output
    if is_gap:
        for run in (onboarded, told):
            assert "1 of 2 accounts as wanted, 0 changed, 1 failed" in run.output
            assert "a member, but its monitoring is suspended" in run.output
            assert "onboard with onboard_monitoring=enabled to resume it" in run.output
        unfailed = report(hosts, **only)
        assert unfailed.failed_hosts == set()
        assert "1 of 2 accounts as wanted, 1 with gaps, 0 changed, 0 failed" in unfailed.output
