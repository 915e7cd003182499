# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark does what it says, at sizes that take seconds. Calls are held to their goal here; times never are."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import boto3
import pytest
from ansible_collections.muster.aws.benchmarks import bench, inventory, page, slices, whole
from ansible_collections.muster.aws.benchmarks.choices import CHOICES, table_of_choices
from ansible_collections.muster.aws.benchmarks.harness import Bench, Emulator, Fleet, Usage, usage_of
from ansible_collections.muster.aws.benchmarks.minimum import (
    BATCHES,
    least_calls,
    least_calls_of_an_organization,
)
from ansible_collections.muster.aws.benchmarks.results import TITLES, Round, Row, results
from ansible_collections.muster.aws.benchmarks.scale import BURST, RATE, Site, estimate
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY

SCENARIOS = list(BATCHES)


def test_calls_of_the_playbooks_are_close_to_the_least_below_and_above_a_batch(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_STARTS", 1)  # times are no matter here
    sizes = (3, 60) if IS_NIGHTLY else (60,)
    options = f"--sizes {','.join(map(str, sizes))} --regions 1 --rounds 1 --latency 0 --loop-accounts 0 --no-choices"
    parts = "--whole 1x1 --organizations 51x2 --inventories 45 --pages="

    bench.main([*options.split(), *parts.split(), "--docs", str(pages)])

    rows = json.loads((pages / "benchmark.json").read_text())["rows"]
    assert [(row["scenario"], row["accounts"]) for row in rows] == [(s, size) for s in TITLES for size in sizes]
    macie = [row for row in rows if row["scenario"].startswith(bench.MACIE)]
    for row in macie:
        calls, least = Counter(row["calls"]), Counter(row["least"])
        # So few members are read one by one, side by side: more calls than pages one after the other, and sooner done.
        reads = ("macie:GetMember", "macie:ListMembers", "iam:ListAccountAliases")
        other = {name: count for name, count in calls.items() if name not in reads}
        assert other == {name: count for name, count in least.items() if name not in reads}, row["scenario"]
        assert 0 < calls["macie:GetMember"] <= 4 * row["accounts"]
    for row in [row for row in rows if row not in macie]:
        calls, least = Counter(row["calls"]), Counter(row["least"])
        # Offboarding reads again between its two writes; the goal is of the others.
        most = 1.1 if row["scenario"] != "offboarding" else 1.3
        assert least.total() <= calls.total() <= most * least.total(), row["scenario"]
        assert all(calls[operation] >= count for operation, count in least.items()), row["scenario"]
        writes = [
            name for name in calls if not name.partition(":")[2].startswith(("Get", "List", "Describe", "Assume"))
        ]
        assert {name: calls[name] for name in writes} == {name: least[name] for name in writes}, row["scenario"]
    page = (pages / "benchmark.md").read_text()
    assert page.startswith("kept before") and "kept after bench" in page and page.count("old") == 1
    assert page.count("| yes |") >= 3
    ways = re.findall(
        r"\| (?:guardduty|securityhub) \| 51 × 2 \| (?:nothing|all done) \| ([\d,]+) \| ([\d,]+) \|", page
    )
    assert len(ways) == 4 and all(calls == least for calls, least in ways)
    assert re.search(r"## The inventory of an organization\n\n.*\n.*\n\| 45 \| ", page)
    svg = ElementTree.parse(pages / "images/benchmark.svg")
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Wall time", "Peak memory"} <= set(texts) and any("floor script" in (text or "") for text in texts)


@pytest.mark.parametrize(("service", "fresh", "again"), [("guardduty", 358, 177), ("securityhub", 268, 88)])
def test_least_calls_of_an_organization_are_those_of_the_reference(service: str, fresh: int, again: int) -> None:
    totals = [least_calls_of_an_organization(service, is_fresh, 1000, 4).total() for is_fresh in (True, False)]
    assert totals == [fresh, again]


def test_results_of_fleets_with_the_same_number_of_places_can_be_told() -> None:
    usage = Usage(2.0, 1.0, 50.0)
    fleets = [Fleet(50, 4), Fleet(200, 1), Fleet(200, 4)]
    calls = least_calls("invitation", 50, 4)
    rows = [
        Row(scenario, fleet, calls, calls, calls, [Round(replace(usage, wall=fleet.places), usage, usage, 1.0)])
        for scenario in SCENARIOS
        for fleet in fleets
    ]

    assert "exponent ≤ 1.05 | 200 to 800 | 1 | yes" in results(rows, {}, [], "a command", "a setting")
    assert "exponent" not in results([row for row in rows if row.fleet == fleets[0]], {}, [], "a command", "a setting")


@pytest.mark.nightly
def test_loop_is_measured_with_few_accounts_and_extrapolated_beyond_its_limit(pages: Path, tmp_path: Path) -> None:
    fleet = Fleet(3, 1)
    row = Row("organization", fleet, Counter(), least_calls("organization", 3, 1), Counter())

    bench.measure_loops(Bench(Emulator(os.environ["MUSTER_EMULATOR_URL"], {}), tmp_path, 4), [row], few=1, limit=0)

    assert row.loop and row.loop > 0 and not row.is_loop_measured


@pytest.mark.nightly
def test_whole_run_stands_beside_what_a_user_could_run_instead(pages: Path, tmp_path: Path) -> None:
    made = Bench(Emulator(os.environ["MUSTER_EMULATOR_URL"], {}), tmp_path, 4)

    found = whole.measure(made, [Fleet(3, 1)], rounds=1, few=1, limit=0)

    rows = [line.strip("| ").split(" | ") for line in whole.whole_table(found).splitlines()]
    assert rows[0][2:] == ["playbook", "its modules", *whole.CONTESTANTS.values()]
    for row in rows[2:]:
        assert [cell.startswith("≈") for cell in row[2:]] == [False, False, False, True, True, False]
        assert all(float(part) > 0 for cell in row[2:] for part in cell.lstrip("≈ ").replace(",", "").split(" / "))


def test_fleet_beyond_a_quota_of_aws_can_be_measured(pages: Path) -> None:
    url, fleet = os.environ["MUSTER_EMULATOR_URL"], Fleet(1_050, 1)
    Emulator(url, {}).begin(fleet)
    keys = {"aws_access_key_id": "AKIABENCHMARK", "aws_secret_access_key": "benchmark"}
    client = boto3.client("securityhub", region_name=fleet.region_names[0], endpoint_url=url, **keys)
    accounts = [{"AccountId": account_id, "Email": email} for account_id, email in fleet.accounts.items()]
    for start in range(0, len(accounts), 50):
        batch = accounts[start : start + 50]
        assert client.create_members(AccountDetails=batch)["UnprocessedAccounts"] == []
        ids = [account["AccountId"] for account in batch]
        assert client.invite_members(AccountIds=ids)["UnprocessedAccounts"] == []


def test_usual_script_onboards_and_writes_nothing_again(pages: Path, tmp_path: Path) -> None:
    made = Bench(Emulator(os.environ["MUSTER_EMULATOR_URL"], {}), tmp_path, 4)
    fleet = Fleet(2, 2)
    made.emulator.begin(fleet)

    made.script("usual.py", fleet)
    first = made.emulator.take_calls()
    made.script("usual.py", fleet)
    again = made.emulator.take_calls()

    assert first["guardduty", "AcceptAdministratorInvitation"] == 4 and first["sts", "AssumeRole"] == 2
    assert {operation for _service, operation in again} == {"ListDetectors", "GetMembers"}
    made.script("floor.py", fleet, "no-op")  # it ends with an error unless all are members


def record(started: float, ended: float, cpu: float, memory: float) -> dict[str, float]:
    return {"started": started, "ended": ended, "cpu": cpu, "memory": memory}


@pytest.mark.parametrize(
    "records,wall",
    [
        ([], 0),
        ([record(10, 12, 1, 5)], 2),
        ([record(15, 16, 1, 5), record(10, 12, 1, 5)], 3),
        ([record(10, 20, 1, 5), record(12, 15, 1, 5), record(18, 22, 1, 5)], 12),
    ],
)
def test_time_in_which_several_processes_run_counts_once_and_their_cpu_time_each(
    records: list[dict[str, float]], wall: float
) -> None:
    assert usage_of(records) == Usage(wall, len(records), 5 if records else 0)


def whole_of(scenario: str, fleet: Fleet, own: float, modules: float, **others: float) -> whole.Whole:
    def usage(value: float) -> list[Usage]:
        return [Usage(value, value, 50.0)]

    found = whole.Whole(scenario, fleet, usage(own + modules), usage(modules))
    found.others.update({name: usage(value) for name, value in others.items()})
    return found


@pytest.mark.parametrize(
    "power,least,answer", [(1, 1, "yes"), (2, 1, "**no**"), (2, 2, "yes"), (1.5, 1.1, "**no**"), (1, 0.5, "yes")]
)
def test_growth_is_judged_beside_ansible_s_own_without_what_every_run_takes_at_its_start(
    power: float, least: float, answer: str
) -> None:
    wholes = [
        whole_of(
            scenario, Fleet(size, 1), 100 + size**power / 1000, 1 + size / 100, floor=1, trivial=9 + size**least / 100
        )
        for scenario in whole.SCENARIOS
        for size in (50, 1000, 2000)
    ]

    own = [row for row in whole.whole_goals(wholes) if "its own part" in row[0]]

    assert len(own) == 4 and {(row[1], row[3]) for row in own} == {("50 to 2,000", answer)}


def test_goals_of_a_whole_run_are_beside_the_right_contestant_at_the_right_size() -> None:
    small, large = Fleet(50, 1), Fleet(1000, 4)
    wholes = [
        whole_of("no-op", small, 9, 1, floor=1, trivial=1),
        whole_of("no-op", large, 15, 4, floor=1, trivial=10),
        whole_of("invitation", small, 5, 3, floor=1, trivial=1),
        whole_of("invitation", large, 30, 100, floor=10, trivial=1),
    ]

    rows = [[row[1], *row[2:]] for row in whole.whole_goals(wholes)]

    expected = [["1,000 × 4", "1.9", "yes"], ["1,000 × 4", "1.3", "yes"], ["50 × 1", "8", "**no**"]]
    assert rows == [row for row in expected for _measure in range(2)]


def test_inventory_and_page_are_held_to_their_goals_at_their_sizes_only() -> None:
    listings = [inventory.Listing(size, 60, Usage(20.0, 9.0, 100.0)) for size in (1000, 10_000)]
    pages = [page.Opened(Fleet(size, 17), 2.0, 900.0, 120.0) for size in (10, 1000)]

    assert [row[1:] for row in inventory.inventory_goals(listings)] == [("10,000", "9", "yes")]
    assert [row[1:] for row in page.page_goals(pages)] == [
        ("1,000 × 17", "900", "yes"),
        ("1,000 × 17", "120", "**no**"),
    ]


@pytest.mark.nightly
def test_each_choice_can_be_undone(pages: Path, tmp_path: Path) -> None:
    made = Bench(Emulator(os.environ["MUSTER_EMULATOR_URL"], {}), tmp_path, 4)

    page = table_of_choices(made, Fleet(3, 2), Fleet(51, 2), rounds=1)

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()[2:]]
    calls = {(row[0], row[1]): int(row[2]) for row in rows}
    join, read = "accept, 3 × 2", "read, 51 × 2"
    # ListDetectors, CreateDetector, ListInvitations and AcceptAdministratorInvitation; STS knows the caller.
    assert calls["nothing", join] == 3 * 2 * 4 + 3 + 1 and calls["nothing", read] == 2 * (1 + 2) + 1
    assert len(calls) == len(CHOICES) == len(rows)
    others = {place: count for place, count in calls.items() if count != calls["nothing", place[1]]}
    [(undone, count)] = others.items()
    assert undone[0].startswith("AssumeRole") and count > calls["nothing", join]


def test_slices_share_the_work_and_limits_are_met(pages: Path) -> None:
    options = "--size 6 --regions 1 --slices 1,2 --limited 100 --latency 0.001"

    slices.main([*options.split(), "--docs", str(pages)])

    page = (pages / "scale.md").read_text()
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    assert page.count("kept") == 4 and "old" not in page
    assert [row[0].strip() for row in rows if row[0].strip() in ("1", "2")] == ["1", "2"]
    assert [row[1].strip() for row in rows if row[0].strip() == "100 × 2"] == ["6"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_estimate_counts_every_call_once_and_keeps_the_limit(scenario: str) -> None:
    found = estimate(scenario, 10_000, 17, Site(1))
    batches = 200
    per_region = batches * (len(BATCHES[scenario]) + (scenario == "invitation"))
    assert found.calls == least_calls(scenario, 10_000, 17).total()
    assert found.rate_limit == pytest.approx((per_region - BURST) / RATE)
    assert found.total >= max(found.rate_limit, found.member_side)


def test_more_slices_shorten_the_members_side_and_never_the_limit() -> None:
    one, four = (estimate("invitation", 10_000, 17, Site(slices)) for slices in (1, 4))
    assert one.member_side == pytest.approx(4 * four.member_side)
    assert one.rate_limit == four.rate_limit
    # Where the processor is the bound, more requests under way in one slice gain nothing.
    assert Site(1, concurrency=1_000).calls_per_second == pytest.approx(1 / Site(1).cpu)
