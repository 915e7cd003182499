# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run over a fleet is told: words, summary, files; and what is refused before anything is asked."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.muster.aws.plugins.module_utils._membership.model import Reason
from ansible_collections.muster.aws.plugins.plugin_utils._options import check_options, check_values, unknown_names
from ansible_collections.muster.aws.plugins.plugin_utils._patterns import (
    Patterns,
    explain_sources,
    limit_of,
    pattern_of,
)
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import ask_caller, read_spec
from ansible_collections.muster.aws.plugins.plugin_utils._rerun import Call
from ansible_collections.muster.aws.plugins.plugin_utils._roles import ROLES
from ansible_collections.muster.aws.plugins.plugin_utils._state import Runs
from ansible_collections.muster.aws.plugins.plugin_utils._summary import (
    RENDERERS,
    Ending,
    summary_lines,
)
from ansible_collections.muster.aws.plugins.plugin_utils._words import Words, hint, without_account
from ansible_collections.muster.aws.tests.canned import host_row

REGIONS = ["eu-central-1", "us-east-1"]
SERVICES = ["guardduty", "securityhub"]


def row(host: str, service: str, region: str, number: int = 1, **given: Any) -> dict[str, Any]:
    return host_row(host, f"{number:012}", service=service, region=region, **given)


def failed(reason: str, code: str = "access_denied", **given: Any) -> dict[str, Any]:
    return {"failed": True, "reason_code": code, "reason": reason, "status": None, **given}


def ending(rows: list[dict[str, Any]], **given: Any) -> Ending:
    hosts = list(dict.fromkeys(each["host"] for each in rows))
    verdicts = {
        host: {
            "failed": any(each["failed"] for each in rows if each["host"] == host),
            "changed": any(each["actions"] for each in rows if each["host"] == host),
            "text": "",
        }
        for host in hosts
    }
    values: dict[str, Any] = {
        "title": "Onboarding",
        "prefix": "onboard_",
        "hosts": hosts,
        "regions": REGIONS,
        "administrator_id": "111111111111",
        "rows": rows,
        "verdicts": verdicts,
    }
    return Ending(**{**values, **given})


def everywhere(host: str, number: int, **given: Any) -> list[dict[str, Any]]:
    return [row(host, service, region, number, **given) for service in SERVICES for region in REGIONS]


@pytest.mark.parametrize("hosts", [1, 300, 2000])
def test_summary_lines_fit_on_a_screen_whatever_the_number_of_hosts_and_causes(hosts: int) -> None:
    rows = [
        each
        for number in range(hosts)
        for each in everywhere(f"host-{number}", number, **failed(f"refused for reason {number} " * 30))
    ]
    lines = summary_lines(ending(rows), ["Again:", "  ansible-playbook again"], ["results.json"])
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 240
    assert f"0 of {hosts:,} account" in "\n".join(lines) and f"{hosts:,} failed" in "\n".join(lines)


def test_summary_lines_tell_one_cause_once_with_its_hosts_places_and_next_step() -> None:
    refused = [
        each
        for number in range(7)
        for each in everywhere(f"host-{number}", number, **failed(f"No role in {number:012}", "assume_role_failed"))
    ]
    text = "\n".join(summary_lines(ending([*refused, *everywhere("fine", 99)]), [], []))
    assert text.count("assume_role_failed") == 1
    assert "7 accounts: assume_role_failed, GuardDuty and Security Hub in all 2 Regions" in text
    assert "hosts: host-0 host-1 host-2 host-3 host-4 and 2 more" in text
    assert "No role in ACCOUNT" in text
    assert "onboard_member_role_name" in text
    assert "1 of 8 accounts as wanted, 0 changed, 7 failed" in text


def test_summary_lines_of_a_run_that_was_stopped_say_why_and_that_nothing_was_begun() -> None:
    stopped = ending([], hosts=["a", "b"], verdicts={}, stopped="no credentials")
    text = "\n".join(summary_lines(stopped, [], []))
    assert "Nothing was sent:\n  no credentials" in text
    assert "0 of 2 accounts as wanted, 0 changed, 2 failed (2 of them not begun)" in text
    assert stopped.failed_hosts == ["a", "b"]


def test_summary_lines_count_suspended_members_and_say_would_in_check_mode() -> None:
    rows = [
        row("a", "guardduty", "us-east-1", status="Disabled"),
        row("b", "guardduty", "us-east-1", actions=["create"]),
    ]
    text = "\n".join(summary_lines(ending(rows, is_check=True), [], []))
    assert "suspended" in text and "1 would be changed" in text and "check mode: nothing was written" in text


def test_words_of_check_mode_say_what_would_become_of_an_account() -> None:
    rows = everywhere("a", 1, actions=["create", "invite", "accept"])
    verdict = Words("onboard_", "no record", is_check=True).verdict(rows, REGIONS)
    assert verdict["text"] == (
        "GuardDuty and Security Hub in all 2 Regions: would become Enabled: create, invite, accept"
    )
    assert verdict["diff"]["before"] == dict.fromkeys(verdict["diff"]["after"])


def test_words_name_each_cause_once_with_its_services_and_regions() -> None:
    rows = everywhere("a", 1, **failed("no", operation="CreateMembers"))
    text = Words("onboard_", "no record").verdict(rows, REGIONS)["text"]
    assert text.startswith("GuardDuty and Security Hub in all 2 Regions: CreateMembers: no (access_denied: ")
    assert text.count("access_denied") == 1


@pytest.mark.parametrize("role", ROLES)
def test_hint_names_variables_that_there_are(role: str) -> None:
    known = {name for each in ROLES for name in read_spec(each)}
    texts = [hint(reason.value, f"{role}_") for reason in Reason]
    named = set(re.findall(r"\b(?:onboard|offboard|report)_\w+", " ".join(texts)))
    assert f"{role}_regions" in named and named <= known


def test_files_hold_every_row_and_keep_texts_inert() -> None:
    rows = [
        *everywhere("=cmd()", 1, **failed("<b>no</b> | `x` [link](y)")),
        *everywhere("fine", 2),
    ]
    told = ending(rows, hosts=["=cmd()", "fine", "not-begun"])
    texts = {form: render(told) for form, render in RENDERERS.items()}
    assert [each["host"] for each in json.loads(texts[".json"])] == [*(each["host"] for each in rows), "not-begun"]
    lines = list(csv.DictReader(io.StringIO(texts[".csv"])))
    assert len(lines) == len(rows) + 1 and lines[0]["host"] == "'=cmd()"
    assert "&lt;b&gt;" in texts[".md"] and "<b>" not in texts[".md"]
    suite = ElementTree.fromstring(texts[".xml"])
    assert (suite.get("tests"), suite.get("failures")) == ("5", "3")
    assert {case.get("name") for case in suite} == {"=cmd()", "fine", "not-begun"}


def again(failed: list[str], failed_file: str | None = None, **arguments: Any) -> tuple[str, list[str]]:
    """Return what is said of a second run, and the words of its command as a shell reads them."""
    known = ["onboard_services", "offboard_state"]
    call = Call(["muster.aws.onboard"], ["my list.yml"], arguments, known)
    told, command = call.again(failed, failed_file, "onboard_failed_file")
    assert command.startswith("  ansible-playbook muster.aws.onboard -i 'my list.yml'")
    return told, shlex.split(command)[4:]


def test_rerun_names_the_failed_hosts_or_their_file() -> None:
    told = "Run the failed ones again, when the cause is mended:"
    assert again(["a", "b.c"], check=True) == (told, ["--limit", "a,b.c", "--check"])
    assert again(["a"] * 300, "failed.txt", subset="a,b") == (told, ["--limit", "@failed.txt"])


def test_rerun_of_many_hosts_without_a_file_is_the_same_run_and_says_so() -> None:
    told, words = again([f"host-{n}" for n in range(11)], subset="all,!old")
    assert told.startswith("Run all again (what is done is not done twice; onboard_failed_file would keep the names")
    assert words == ["--limit", "all,!old"]
    assert again([f"host-{n}" for n in range(11)])[1] == []


def test_rerun_repeats_what_decides_what_is_done_and_shows_no_value_that_may_be_secret() -> None:
    extra = ["@my vars.yml", "offboard_state=disassociated", '{"onboard_services": ["guardduty"]}']
    secret = ["onboard_services=macie onboard_external_id=sesame", "{'other': sesame}"]
    told, words = again(["a"], extra_vars=[*extra, *secret], vault_ids=["dev@pw"], ask_vault_pass=True)
    assert told.endswith("mended, with -e for onboard_external_id onboard_services other as before:")
    given = [word for value in extra for word in ("-e", value)]
    assert words == [*given, "--vault-id", "dev@pw", "--ask-vault-pass", "--limit", "a"]
    assert again(["a"], vault_password_files=["pw"])[1] == ["--vault-password-file", "pw", "--limit", "a"]


ODD_NAMES = ["team:prod", "a,b", "web (1)", "my host", "it's", "x&y", "ünï", "p|q", "$HOME", "w*", "!no", "a.b", "@at"]


def test_limit_of_hosts_is_taken_by_ansible_for_exactly_these_whatever_their_names(tmp_path: Path) -> None:
    hosts = [*ODD_NAMES, "other", "a-b-", "web"]
    patterns = Patterns({"all": hosts, "ungrouped": hosts})
    for name in ODD_NAMES:
        found = patterns.hosts(limit_of([name]))
        assert found == [name] or (name, found) == ("a,b", ["a,b", "a.b"])
    assert patterns.hosts(limit_of(ODD_NAMES)) == ODD_NAMES
    assert limit_of(["web-1", "ünï.a"]) == "web-1,ünï.a"
    names = tmp_path / "failed.txt"
    names.write_text("".join(f"{name}\n" for name in ODD_NAMES))
    assert set(patterns.hosts(f"@{names}")) == set(ODD_NAMES) and patterns.unmatched(f"@{names}") == []


def test_use_of_a_role_is_resumed_by_its_next_batch_and_not_by_a_second_use(tmp_path: Path) -> None:
    runs = Runs(str(tmp_path), "onboard")
    assert runs.current is None and runs.resume("one", ["a"]) is None
    for number, task in enumerate(["one", "two", "one"]):
        runs.begin(task, ["a"]).keep_plan({"number": number})
    for task, hosts, number in [("two", ["b", "c"], 1), ("one", ["b", "c"], 0), ("one", ["b", "c"], 2)]:
        assert runs.resume(task, ["a", "b"]) is None
        assert runs.resume(task, hosts) is not None
        assert runs.current is not None and runs.current.plan == {"number": number}
    assert runs.resume("one", ["c"]) is None


def test_summary_lines_of_a_report_count_gaps_and_part_its_notes_from_the_causes() -> None:
    rows = everywhere("a", 1, **failed("no record"))
    verdicts = {"a": {"changed": False, "failed": False, "text": ""}}
    text = "\n".join(summary_lines(ending(rows, verdicts=verdicts, notes=["a note"]), [], []))
    assert text.splitlines()[2].split() == ["asked", "as", "wanted", "changed", "with", "gaps"]
    assert "\n\n  a note\n\n0 of 1 account as wanted, 1 with gaps" in text


def test_unknown_names_are_told_with_the_nearest_option() -> None:
    spec = read_spec("onboard")
    names = ["onboard_region", "onboard_replace_faild", "onboard_services", "other"]
    region, replace = unknown_names(names, "onboard_", spec)
    assert "did you mean onboard_regions?" in region and "did you mean onboard_replace_failed?" in replace


def test_check_options_reads_lists_given_as_text_and_tells_a_wrong_service_once() -> None:
    spec = read_spec("onboard")
    given = {"onboard_administrator_id": "111111111111", "onboard_regions": "us-east-1, eu-west-1,\n"}
    values, faults = check_options(spec, {**given, "onboard_services": ["guarddty"]})
    assert values["onboard_regions"] == ["us-east-1", "eu-west-1"]
    (fault,) = faults
    assert "guarddty" in fault and "did you mean guardduty?" in fault and "Tagged" not in fault
    assert values["onboard_wait_timeout"] == 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"administrator_id": 222222222222}, "onboard_administrator_id: account id 222222222222 is of type int"),
        ({"regions": []}, "onboard_regions is empty"),
        ({"regions": ["us-eats-1"]}, "did you mean us-east-1?"),
        ({"results_file": ["rows.txt"]}, "rows.txt must end in one of .json .csv .md .xml"),
        ({"concurrency": 0}, "onboard_concurrency is 0: give 1 or more"),
        ({"member_role_name": "arn:aws:iam::1:role/x"}, "onboard_member_role_name: role name"),
    ],
)
def test_check_values_names_the_variable_and_what_to_write(options: dict[str, Any], words: str) -> None:
    fine = {"administrator_id": "111111111111", "regions": ["us-east-1"], "services": ["guardduty"]}
    assert check_values(fine, "onboard_", ["us-east-1"]) == []
    (fault,) = check_values({**fine, **options}, "onboard_", ["us-east-1"])
    assert words in fault


def test_patterns_tell_names_that_match_nothing_with_the_nearest() -> None:
    patterns = Patterns({"all": ["web-1", "web-2"], "ungrouped": [], "prod": ["web-1"]})
    assert patterns.unmatched("web-1,prd") == ["prd; did you mean prod?"]
    assert patterns.unmatched("all:!nobody") == ["nobody"]
    assert patterns.unmatched("web*") == patterns.unmatched(None) == []


def test_pattern_of_matches_exactly_its_hosts() -> None:
    groups = {"all": ["a.b", "a-b", "a.b2", "x[1]"], "ungrouped": ["a.b", "a-b", "a.b2", "x[1]"]}
    assert Patterns(groups).hosts([pattern_of(["a.b", "x[1]"])]) == ["a.b", "x[1]"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all:\n  hosts:\n    222222222222:\n", "could not read the inventory"),
        ('{"Accounts": [{"Id": "222222222222"}]}', "has no host"),
        ("all:\n  hosts:\n    web-1:\n", None),
        ("plugin: muster.aws.organization\n", None),
    ],
    ids=["unquoted-ids", "list-accounts", "fine", "asks-a-plugin"],
)
def test_explain_sources_names_an_inventory_of_which_ansible_takes_only_a_part(text, words, tmp_path) -> None:
    path = tmp_path / "accounts.yml"
    path.write_text(text)
    faults = explain_sources([str(path)], [], DataLoader())
    assert [words in fault and str(path) in fault for fault in faults] == ([True] if words else [])


def test_explain_sources_names_a_file_that_is_not_there(tmp_path) -> None:
    assert "is not there" in explain_sources([str(tmp_path / "nosuch.yml")], [], DataLoader())[0]


@pytest.mark.parametrize(
    ("region", "off", "asked"),
    [
        ("eu-west-1", {}, ["eu-west-1"]),
        ("af-south-1", {"af-south-1"}, ["af-south-1", "us-east-1"]),
        ("us-east-1", {"us-east-1"}, ["us-east-1"]),
        ("cn-northwest-1", {"cn-northwest-1"}, ["cn-northwest-1"]),
        ("us-gov-east-1", {"us-gov-east-1"}, ["us-gov-east-1", "us-gov-west-1"]),
        ("us-isob-east-1", {}, ["us-isob-east-1"]),
    ],
)
def test_sts_is_asked_in_the_first_region_then_at_the_partition_s_home(region: str, off: set[str], asked: list[str]):
    tried = []

    def run_module(name: str, region: str) -> dict[str, Any]:
        tried.append(region)
        return {"failed": True, "msg": f"{region} is off"} if region in off else {"account": "111111111111"}

    result = ask_caller(run_module, [region, "us-east-2"])
    assert tried == asked
    assert result.get("failed", False) == (asked[-1] in off)


def test_summary_lines_do_not_call_accounts_with_gaps_as_wanted() -> None:
    rows = [*everywhere("gap", 1, **failed("none", "not a member", next_step="onboard it")), *everywhere("fine", 2)]
    fine = {host: {"failed": False, "changed": False, "text": ""} for host in ("gap", "fine")}
    told = ending(rows, verdicts=fine)
    assert "1 of 2 accounts as wanted, 1 with gaps, 0 changed, 0 failed" in summary_lines(told, [], [])
    assert (told.as_data()["as_wanted"], told.as_data()["failed_hosts"]) == (1, [])


@pytest.mark.parametrize(
    ("text", "account_id", "general"),
    [
        ("012345678901 left, so 012345678901 is gone", "012345678901", "ACCOUNT left, so ACCOUNT is gone"),
        (
            '1234567890 is no id; quote it, as in "001234567890"',
            "1234567890",
            'ACCOUNT is no id; quote it, as in "001234567890"',
        ),
        ("the host has no account id", "", "the host has no account id"),
        (None, "012345678901", ""),
    ],
)
def test_text_without_its_account_is_that_of_all_accounts(text: str | None, account_id: str, general: str) -> None:
    assert without_account(text, account_id) == general
