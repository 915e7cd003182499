# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a run and the files that keep it, as a person and as a program reads them, to the letter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.plugins.plugin_utils._summary import (
    SWITCHING_ON,
    Ending,
    render_csv,
    render_json,
    render_junit,
    render_markdown,
    summary_lines,
)
from ansible_collections.muster.aws.tests.canned import host_row

REGIONS = ["us-east-1", "us-west-2"]
ONE, TWO, THREE = "012345678901", "222222222222", "333333333333"


def failure(host: str = "search", account_id: str = ONE, **given: Any) -> dict[str, Any]:
    problem = {"failed": True, "status": None, "reason_code": "throttled", "operation": "GetMembers", "reason": "slow"}
    return host_row(host, account_id, **{**problem, **given})


def verdict(failed: bool = False, changed: bool = False) -> dict[str, Any]:
    return {"failed": failed, "changed": changed, "text": ""}


def ending(rows: Sequence[dict[str, Any]] = (), **given: Any) -> Ending:
    values: dict[str, Any] = {
        "title": "Onboarding",
        "prefix": "onboard_",
        "hosts": ["search"],
        "regions": REGIONS,
        "administrator_id": "111111111111",
        "rows": rows,
        "verdicts": {"search": verdict()},
    }
    return Ending(**{**values, **given})


def mixed(**given: Any) -> Ending:
    """Return the ending of a run in which one host changed, one failed, one has a gap and one was not begun."""
    rows = [
        host_row("search", actions=["create"]),
        host_row("search", service="securityhub"),
        failure("payments", TWO),
        failure("payments", TWO, service="securityhub"),
        host_row(
            "short", THREE, status="Disabled", failed=True, reason_code="suspended", reason="paused", next_step="resume"
        ),
        host_row("short", THREE, service="securityhub", status="Enabled", region="us-west-2"),
    ]
    verdicts = {"search": verdict(changed=True), "payments": verdict(failed=True), "short": verdict()}
    return ending(rows, **{"hosts": ["search", "payments", "short", "late"], "verdicts": verdicts, **given})


def test_hosts_are_counted_as_they_ended() -> None:
    told = mixed()
    assert (told.failed_hosts, told.not_begun) == (["payments", "late"], ["late"])
    assert (told.changed_hosts, told.gap_hosts, told.as_wanted) == (["search"], ["short"], 1)


def test_host_that_failed_may_have_changed() -> None:
    told = ending([], verdicts={"search": verdict(failed=True, changed=True)})
    assert told.failed_hosts == told.changed_hosts == ["search"] and told.as_wanted == 0


MIXED = """\
Onboarding 4 accounts in 2 Regions, administrator 111111111111

                asked  as wanted  changed  failed  suspended
  GuardDuty         3          1        1       2          1
  Security Hub      3          2        0       1          0

1 account: suspended, GuardDuty in us-east-1
  hosts: short
  paused
  next: resume

1 account: throttled, GuardDuty and Security Hub in us-east-1
  hosts: payments
  GetMembers: slow
  next: run again later, or with a lower onboard_concurrency

1 of 4 accounts as wanted, 1 with gaps, 1 changed, 2 failed (1 of them not begun)

Run the failed ones again, when the cause is mended:
  ansible-playbook again

Written: a.json, b.csv\
"""


def test_summary_counts_by_service_and_tells_causes_next_steps_and_files() -> None:
    again = ["Run the failed ones again, when the cause is mended:", "  ansible-playbook again"]
    assert summary_lines(mixed(), again, ["a.json", "b.csv"]) == MIXED.split("\n")


def test_summary_of_check_mode_says_that_nothing_was_written() -> None:
    told = ending([host_row(actions=["create"])], verdicts={"search": verdict(changed=True)}, is_check=True)
    assert summary_lines(told, [], []) == [
        "Onboarding 1 account in 2 Regions, administrator 111111111111 (check mode: nothing was written)",
        "",
        "             asked  as wanted  changed  failed",
        "  GuardDuty      1          1        1       0",
        "",
        "1 of 1 account as wanted, 1 would be changed, 0 failed",
    ]


def test_summary_of_a_run_that_was_stopped_before_its_variables_were_known_names_none_of_them() -> None:
    told = ending(regions=[], administrator_id="", stopped="for a reason")
    assert summary_lines(told, [], [])[:4] == ["Onboarding 1 account", "", "Nothing was sent:", "  for a reason"]


def test_notes_are_told_before_the_verdict() -> None:
    told = ending(notes=["a note", "another"], regions=["us-east-1"])
    assert summary_lines(told, [], []) == [
        "Onboarding 1 account in 1 Region, administrator 111111111111",
        "",
        "  a note",
        "  another",
        "",
        "1 of 1 account as wanted, 0 changed, 0 failed",
    ]


def test_large_numbers_have_commas() -> None:
    hosts = [f"host-{number}" for number in range(1200)]
    rows = [failure(host, f"{number:012}", reason="slow", actions=["create"]) for number, host in enumerate(hosts)]
    lines = summary_lines(ending(rows, hosts=hosts, verdicts={}), [], [])
    assert lines[0] == "Onboarding 1,200 accounts in 2 Regions, administrator 111111111111"
    assert lines[2:4] == [
        "             asked  as wanted  changed  failed",
        "  GuardDuty  1,200          0    1,200   1,200",
    ]
    assert lines[5:7] == [
        "1,200 accounts: throttled, GuardDuty in us-east-1",
        "  hosts: host-0 host-1 host-2 host-3 host-4 and 1,195 more",
    ]
    assert lines[-1] == "0 of 1,200 accounts as wanted, 0 changed, 1,200 failed (1,200 of them not begun)"


@pytest.mark.parametrize(("count", "names"), [(5, "a b c d e"), (6, "a b c d e and 1 more")])
def test_five_hosts_of_a_cause_are_named(count: int, names: str) -> None:
    hosts = list("abcdef"[:count])
    lines = summary_lines(ending([failure(host) for host in hosts], hosts=hosts, verdicts={}), [], [])
    assert f"  hosts: {names}" in lines


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (5, None),
        (6, "and 1 more cause (1 account): a file of onboard_results_file has all"),
        (8, "and 3 more causes (2 accounts): a file of onboard_results_file has all"),
    ],
)
def test_five_causes_are_told_and_the_others_counted(count: int, last: str | None) -> None:
    codes = "access_denied internal_error other quota_exceeded resigned throttled timed_out unknown_status".split()
    rows = [failure(f"host-{min(number, 6)}", reason_code=code) for number, code in enumerate(codes[:count])]
    told = ending(rows, hosts=[f"host-{number}" for number in range(count)], verdicts={})
    lines = summary_lines(told, [], [])
    assert sum(": GetMembers" in line or line == "  GetMembers: slow" for line in lines) == 5
    assert [line for line in lines if line.startswith("and ")] == ([last] if last else [])
    assert lines[-2] == "" and (last is None or lines[-4:-2] == ["", last])


@pytest.mark.parametrize(
    ("length", "expected"),
    [(212, "y" * 212), (218, "y" * 218), (219, "y" * 215 + "...")],
)
def test_long_texts_are_cut(length: int, expected: str) -> None:
    lines = summary_lines(ending([failure(reason="y" * length)], verdicts={}), [], [])
    assert f"  GetMembers: {expected}" in lines


def test_heads_of_causes_and_names_of_hosts_are_cut_to_a_line() -> None:
    host = "h" * 200
    lines = summary_lines(ending([failure(host, reason="a\n  b", next_step="n" * 200)], hosts=[host]), [], [])
    assert "  hosts: " + "h" * 104 + "..." in lines and "  next: " + "n" * 105 + "..." in lines
    assert "  GetMembers: a b" in lines


def test_run_that_was_stopped_tells_why_and_no_more_than_twelve_lines_of_it() -> None:
    text = "\n".join(f"fault  {number}\n" for number in range(14))
    told = ending(hosts=["a", "b"], verdicts={}, stopped=text)
    assert summary_lines(told, [], []) == [
        "Onboarding 2 accounts in 2 Regions, administrator 111111111111",
        "",
        "Nothing was sent:",
        *(f"  fault {number}" for number in range(12)),
        "  and 2 more",
        "",
        "0 of 2 accounts as wanted, 0 changed, 2 failed (2 of them not begun)",
    ]
    for count, last in ((12, "  11"), (13, "  and 1 more")):
        short = ending(verdicts={}, stopped="\n".join(map(str, range(count))))
        assert summary_lines(short, [], [])[-3] == last
    long = summary_lines(ending(verdicts={}, stopped="x" * 400), [], [])
    assert long[3] == "  " + "x" * 343 + "..."


def test_run_that_was_stopped_when_services_were_being_switched_on_does_not_say_that_nothing_was_sent() -> None:
    told = ending(verdicts={}, stopped="too long", untouched=SWITCHING_ON)
    head = "No account was touched, but services were being switched on in the administrator:"
    assert summary_lines(told, [], [])[2:4] == [head, "  too long"]
    assert f"**{head}** too long" in render_markdown(told)


def test_cause_that_is_everywhere_is_told_so_in_every_form() -> None:
    rows = [failure(host, id_, region=region) for host, id_ in (("one", ONE), ("two", TWO)) for region in REGIONS]
    told, where = ending(rows, hosts=["one", "two"], verdicts={}), "GuardDuty in all 2 Regions"
    assert f"2 accounts: throttled, {where}" in summary_lines(told, [], [])
    assert told.as_data()["causes"][0]["where"] == where
    assert f"| one two | `throttled` GetMembers: slow | {where} |" in render_markdown(told)
    assert [case[0].text for case in ElementTree.fromstring(render_junit(told))][:2] == [
        f"{where}: GetMembers: slow"
    ] * 2


@pytest.mark.parametrize(
    ("count", "told"),
    [(12, "a, b, c, d, e, f, g, h, i, j, k, l"), (13, "a, b, c, d, e, f, g, h, i, j, k, l and 1 more")],
)
def test_twelve_files_are_named_at_most(count: int, told: str) -> None:
    assert summary_lines(ending(), [], list("abcdefghijklm"[:count]))[-1] == f"Written: {told}"


@pytest.mark.parametrize(("count", "last"), [(6, "  note 5"), (7, "  and 1 more note"), (9, "  and 3 more notes")])
def test_six_notes_are_told_at_most(count: int, last: str) -> None:
    lines = summary_lines(ending(notes=[f"note {number}" for number in range(count)]), [], [])
    assert lines[-3:-1] == [last, ""] and "  note 5" in lines and "  note 6" not in lines


@pytest.mark.parametrize("notes", range(10))
@pytest.mark.parametrize("causes", range(8))
def test_summary_is_never_longer_than_forty_lines(causes: int, notes: int) -> None:
    codes = "access_denied internal_error other quota_exceeded resigned throttled timed_out".split()
    rows = [failure(reason_code=code, service=service) for code in codes[:causes] for service in SERVICES]
    told = ending(rows, verdicts={}, notes=["note"] * notes)
    lines = summary_lines(told, ["again", "  command"], ["file"])
    heads = [line for line in lines if line.startswith("1 account: ")]
    left = causes - len(heads)
    assert len(lines) <= 40 and [line for line in lines if line.startswith("and ")] == (
        [f"and {left} more cause{'s' * (left > 1)} (1 account): a file of onboard_results_file has all"] if left else []
    )
    # No cause is left out that there is room for.
    assert not left or len(heads) == 5 or len(lines) + 5 > 40


def test_places_that_not_every_account_of_a_cause_has_are_told_so() -> None:
    rows = [failure("one"), failure("one", region="us-west-2"), failure("two", TWO)]
    told, where = ending(rows, hosts=["one", "two"], verdicts={}), "GuardDuty in all 2 Regions, not each in all of them"
    assert f"2 accounts: throttled, {where}" in summary_lines(told, [], [])
    assert told.as_data()["causes"][0]["where"] == where and f"| {where} |" in render_markdown(told)


def test_summary_for_programs_has_the_counts_and_the_causes() -> None:
    assert mixed(is_check=True).as_data() == {
        "accounts": 4,
        "as_wanted": 1,
        "changed": 1,
        "gaps": 1,
        "failed": 2,
        "not_begun": 1,
        "is_check": True,
        "stopped": None,
        "failed_hosts": ["payments", "late"],
        "causes": [
            {
                "reason_code": "suspended",
                "operation": None,
                "reason": "paused",
                "where": "GuardDuty in us-east-1",
                "hosts": ["short"],
                "next_step": "resume",
            },
            {
                "reason_code": "throttled",
                "operation": "GetMembers",
                "reason": "slow",
                "where": "GuardDuty and Security Hub in us-east-1",
                "hosts": ["payments"],
                "next_step": "run again later, or with a lower onboard_concurrency",
            },
        ],
    }
    assert ending(verdicts={}, stopped="no credentials").as_data()["stopped"] == "no credentials"


ROW = failure(actions=["create", "invite"], status="Invited", previous_status="Created")
TEXT = "GuardDuty: GetMembers: slow (throttled: run again later, or with a lower onboard_concurrency)"


def test_json_file_has_a_line_for_each_row_with_what_to_do() -> None:
    text = render_json(ending([{**ROW, "more": 1}, host_row("fine", TWO)]))
    assert text.count("\n") == 2 and text.endswith("]\n")
    assert json.loads(text) == [{**ROW, "text": TEXT}, {**host_row("fine", TWO), "text": ""}]
    assert render_json(ending()) == "[]\n"


def test_account_that_was_not_begun_is_in_the_files_and_says_why() -> None:
    told = ending([failure()], hosts=["search", "late"], verdicts={"search": verdict(failed=True)})
    _row, found = json.loads(render_json(told))
    nothing = dict.fromkeys(["account_id", "service", "region", "status", "previous_status", "operation"])
    about = {"host": "late", "actions": [], "failed": True, "reason_code": "not_begun"}
    assert found == {**nothing, **about, "reason": "not begun", "text": "not begun"}
    stopped = ending(verdicts={}, stopped="no credentials")
    assert render_csv(stopped).split("\n")[1:] == [
        "search,,,,,,,yes,not_begun,,no credentials,no credentials",
        "",
    ]


def test_row_without_a_call_has_none_in_its_text() -> None:
    [found] = json.loads(render_json(ending([failure(operation=None)])))
    assert found["text"] == TEXT.replace("GetMembers: ", "")


def test_csv_file_has_a_head_and_words_instead_of_lists() -> None:
    fine = host_row("fine", TWO, status=None)
    assert render_csv(ending([ROW, fine])).split("\n") == [
        "host,account_id,service,region,status,previous_status,actions,failed,reason_code,operation,reason,text",
        f'search,{ONE},guardduty,us-east-1,Invited,Created,create invite,yes,throttled,GetMembers,slow,"{TEXT}"',
        f"fine,{TWO},guardduty,us-east-1,,,,no,,,,",
        "",
    ]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("a=1", "a=1"),
        ("X", "X"),
        (" =1", "' =1"),
        ("a\x00", "a\ufffd"),
    ],
)
def test_csv_file_has_nothing_that_a_spreadsheet_takes_for_a_formula(name: str, cell: str) -> None:
    assert render_csv(ending([host_row(name)])).split("\n")[1].startswith(f"{cell},")


def test_csv_file_keeps_a_carriage_return_from_beginning_a_formula() -> None:
    assert "'\rx" in render_csv(ending([host_row("\rx")]))


MARKDOWN = """\
### Onboarding 4 accounts in 2 Regions, administrator 111111111111

1 of 4 accounts as wanted, 1 with gaps, 1 changed, 2 failed (1 of them not begun)

| service | asked | as wanted | changed | failed |
|---|---:|---:|---:|---:|
| GuardDuty | 3 | 1 | 1 | 2 |
| Security Hub | 3 | 2 | 0 | 1 |

| accounts failed | why | where | next |
|---|---|---|---|
| short | `suspended` paused | GuardDuty in us-east-1 | resume |
| payments | `throttled` GetMembers: slow | GuardDuty and Security Hub in us-east-1 | run again later, or with a lower \
onboard_concurrency |
"""


def test_markdown_file_has_the_counts_and_the_causes() -> None:
    assert render_markdown(mixed()) == MARKDOWN
    assert "accounts failed" not in render_markdown(ending([host_row()]))


def test_markdown_file_calls_a_gap_a_gap_where_nothing_failed() -> None:
    text = render_markdown(ending([failure()]))
    assert "| changed | with gaps |" in text and "| accounts with gaps | why |" in text and "| failed |" not in text


def test_markdown_file_of_a_run_that_was_stopped_says_why() -> None:
    assert render_markdown(ending(verdicts={}, stopped="no\n<b>")) == (
        "### Onboarding 1 account in 2 Regions, administrator 111111111111\n\n"
        "0 of 1 account as wanted, 0 changed, 1 failed (1 of them not begun)\n\n"
        "**Nothing was sent:** no &lt;b&gt;\n"
    )


def test_markdown_file_shows_texts_of_others_as_they_are() -> None:
    told = ending([failure("a|b", reason="<b> & `c` [d](e)"), failure("two")], hosts=["a|b", "two"], verdicts={})
    assert r"| a\|b | `throttled` GetMembers: &lt;b&gt; &amp; 'c' \[d](e) |" in render_markdown(told)


def test_junit_file_has_a_case_for_each_host_and_service() -> None:
    text = render_junit(mixed())
    assert text.startswith("<?xml version='1.0' encoding='")
    suite = ElementTree.fromstring(text)
    assert [suite.tag, *dict.fromkeys(case.tag for case in suite)] == ["testsuite", "testcase"]
    assert {each.tag for case in suite for each in case} == {"failure"}
    assert suite.attrib == {"name": "muster.aws Onboarding", "tests": "7", "failures": "4"}
    found = [(case.get("classname"), case.get("name"), [(each.attrib, each.text) for each in case]) for case in suite]
    slow = {"type": "throttled", "message": "GetMembers: slow"}
    assert found == [
        ("muster.aws.guardduty", "search", []),
        ("muster.aws.securityhub", "search", []),
        ("muster.aws.guardduty", "payments", [(slow, "GuardDuty in us-east-1: GetMembers: slow")]),
        ("muster.aws.securityhub", "payments", [(slow, "Security Hub in us-east-1: GetMembers: slow")]),
        (
            "muster.aws.guardduty",
            "short",
            [({"type": "suspended", "message": "paused"}, "GuardDuty in us-east-1: paused")],
        ),
        ("muster.aws.securityhub", "short", []),
        ("muster.aws", "late", [({"type": "not_begun", "message": "not begun"}, None)]),
    ]


def test_junit_file_tells_each_cause_and_drops_what_xml_cannot_hold() -> None:
    told = ending([failure("a\x07b", reason="b\x00ad"), failure("a\x07b", reason_code="resigned", reason="left")])
    [case] = ElementTree.fromstring(render_junit(told))[:1]
    assert case.get("name") == "ab"
    assert (case[0].get("type"), case[0].text) == (
        "resigned",
        "GuardDuty in us-east-1: GetMembers: left\nGuardDuty in us-east-1: GetMembers: bad",
    )


def test_junit_file_of_a_run_that_was_stopped_says_why_for_each_host() -> None:
    suite = ElementTree.fromstring(render_junit(ending(verdicts={}, stopped="no credentials")))
    assert [case[0].get("message") for case in suite] == ["no credentials"]
