# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ends a run before its first call, and what the administrator's own service may say against it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import is_trusted_as_template
from ansible_collections.muster.aws.plugins.plugin_utils._preflight import (
    Preflight,
    Stop,
    ask_caller,
    check_caller,
    check_service,
    read_defaults,
    read_spec,
)
from ansible_collections.muster.aws.plugins.plugin_utils._roles import ROLES, Role
from ansible_collections.muster.aws.plugins.plugin_utils._variables import HostVariables
from ansible_collections.muster.aws.tests.canned import failed_row, module_row, result_of

ADMINISTRATOR, SEARCH = "111111111111", "012345678901"
EAST, WEST = "us-east-1", "us-west-2"
GIVEN: Mapping[str, Any] = MappingProxyType(
    {"onboard_administrator_id": ADMINISTRATOR, "onboard_regions": [WEST, EAST, WEST]}
)


class Untemplated:
    """Stands in for Ansible's templar where no value is a template."""

    def copy_with_new_env(self, available_variables: Any) -> Untemplated:
        return self

    def template(self, value: Any) -> Any:
        return value


def preflight(role: str = "onboard", **hosts: Mapping[str, Any]) -> Preflight:
    given = hosts or {"search": GIVEN}
    return Preflight(ROLES[role], {host: HostVariables(values, Untemplated()) for host, values in given.items()})


def stopped(check: Preflight) -> str:
    with pytest.raises(Stop) as stop:
        check.options()
    return str(stop.value)


def test_defaults_of_a_role_may_be_templates() -> None:
    defaults = read_defaults(DataLoader(), "report")
    assert defaults["report_services"] and is_trusted_as_template(defaults["report_administrator_id"])


def test_options_of_a_role_are_those_of_its_specification() -> None:
    assert {name for name, row in read_spec("onboard").items() if row.get("required")} == {
        "onboard_administrator_id",
        "onboard_regions",
    }


def test_options_have_no_prefix_no_secret_and_regions_and_services_once() -> None:
    given = {
        **GIVEN,
        "onboard_services": ["securityhub", "guardduty", "securityhub"],
        "onboard_external_id": "secret",
        "onboard_account_id": SEARCH,
        "other": 1,
    }
    check = preflight(search=given)
    assert check.options() == {
        "administrator_id": ADMINISTRATOR,
        "services": ["guardduty", "securityhub"],
        "regions": [WEST, EAST],
        "via": "invitation",
        "member_role_name": "OrganizationAccountAccessRole",
        "enable_services": True,
        "email_notification": False,
        "reinvite_resigned": False,
        "replace_failed": False,
        "wait_timeout": 60,
        "concurrency": 16,
        "batch_size": 200,
    }
    assert check.secrets == ["external_id"]


def test_accounts_of_hosts_come_with_an_address_or_none() -> None:
    check = preflight(
        search={**GIVEN, "onboard_account_id": SEARCH, "onboard_account_email": "search@example.com"},
        blank={**GIVEN, "onboard_account_id": "222222222222", "onboard_account_email": ""},
    )
    assert check.account(HostVariables({}, Untemplated())) == {"account_id": None, "email": None}
    found = check.accounts(["guardduty"])
    assert found["accounts"] == {"search": SEARCH, "blank": "222222222222"}
    assert found["emails"] == {SEARCH: "search@example.com"}
    assert found["faults"].keys() == {"blank"}


def test_account_that_leaves_needs_no_address() -> None:
    check = preflight("offboard", search={"offboard_account_id": SEARCH})
    assert check.accounts(["guardduty"])["faults"] == {}


def test_accounts_may_differ_and_what_is_common_may_not() -> None:
    one, two = {**GIVEN, "onboard_account_id": SEARCH}, {**GIVEN, "onboard_account_id": "222222222222"}
    assert preflight(one=one, two=two).options()["administrator_id"] == ADMINISTRATOR
    two = {**two, "onboard_via": "organization", "onboard_concurrency": 3}
    assert stopped(preflight(one={**one, "onboard_via": "invitation", "onboard_concurrency": 4}, two=two)) == (
        "the hosts of this run differ in onboard_via and onboard_concurrency (so do one and two), and they are done "
        "together. "
        "Run each group of hosts by itself, with --limit or onboard_hosts"
    )


def test_unknown_variables_are_told_before_anything_else() -> None:
    assert stopped(preflight(search={"onboard_regoins": []}, payments={"onboard_zzz": 1})) == (
        "onboard_regoins is no variable of this role; did you mean onboard_regions?\n"
        "onboard_zzz is no variable of this role"
    )


def test_unknown_variables_of_the_role_that_is_fallen_back_on_are_told_too() -> None:
    given = {"offboard_regoins": 1, "onboard_regoins": 1, "onboard_via": "invitation", "report_regoins": 1}
    assert stopped(preflight("offboard", search=given)).split("\n") == [
        "offboard_regoins is no variable of this role; did you mean offboard_regions?",
        "onboard_regoins is no variable of this role; did you mean onboard_regions?",
    ]
    assert stopped(preflight(search={"onboard_regoins": 1, "offboard_regoins": 1})).count("\n") == 0


def test_statistics_of_jobs_before_are_no_variables_of_the_role() -> None:
    assert preflight(search={**GIVEN, "onboard_summary": {}, "report_summary": {}}).options()


def test_ten_faults_are_told_and_the_others_counted() -> None:
    names = [f"onboard_zz{number:02}" for number in range(12)]
    told = [f"{name} is no variable of this role" for name in names]
    assert stopped(preflight(search=dict.fromkeys(names, 1))).split("\n") == [*told[:10], "and 2 more"]
    assert stopped(preflight(search=dict.fromkeys(names[:10], 1))).split("\n") == told[:10]


def test_variables_that_are_needed_are_named_with_those_that_do_as_well() -> None:
    assert stopped(preflight(search={})) == (
        "these variables are needed and not set: onboard_administrator_id, onboard_regions"
    )
    assert stopped(preflight("offboard", search={})) == (
        "these variables are needed and not set: offboard_administrator_id, offboard_regions\n"
        "(onboard_administrator_id, onboard_regions and so on do as well)"
    )


def test_values_are_checked_once_all_are_there() -> None:
    assert stopped(preflight(search={**GIVEN, "onboard_regions": ["us-wset-2"], "onboard_concurrency": 0})) == (
        "onboard_regions: Region 'us-wset-2' is none that the installed botocore knows; did you mean us-west-2?\n"
        "onboard_concurrency is 0: give 1 or more"
    )


# The administrator


@pytest.mark.parametrize(
    ("refused", "asked", "account"),
    [([], ["af-south-1"], "af-south-1"), (["af-south-1"], ["af-south-1", "us-east-1"], "us-east-1")],
    ids=["in the first Region", "and, where that is off, in the partition's home"],
)
def test_caller_is_asked_for(refused: list[str], asked: list[str], account: str) -> None:
    calls = []

    def run_module(name: str, region: str) -> dict[str, Any]:
        calls.append((name, region))
        return {"failed": region in refused, "account": region}

    assert ask_caller(run_module, ["af-south-1"])["account"] == account
    assert calls == [("amazon.aws.aws_caller_info", region) for region in asked]


ONBOARD: Role = ROLES["onboard"]
OPTIONS: Mapping[str, Any] = MappingProxyType({"administrator_id": ADMINISTRATOR, "regions": [EAST, WEST]})


def test_caller_has_to_be_the_administrator() -> None:
    check_caller(ONBOARD, OPTIONS, ADMINISTRATOR)
    with pytest.raises(Stop) as stop:
        check_caller(ONBOARD, OPTIONS, SEARCH)
    assert str(stop.value) == (
        "the credentials belong to account 012345678901, and onboard_administrator_id is 111111111111. "
        "Use the administrator's credentials"
    )


def refusal(
    result: Mapping[str, Any],
    message: str | None = None,
    service: str = "guardduty",
    role: Role = ONBOARD,
    enable_services: bool = True,
) -> str | None:
    try:
        check_service(role, {**OPTIONS, "enable_services": enable_services}, service, result, message)
    except Stop as stop:
        return str(stop)
    return None


def denied(region: str, reason: str = "not allowed", **given: Any) -> dict[str, Any]:
    return failed_row("access_denied", reason, "ListDetectors", account_id=ADMINISTRATOR, region=region, **given)


def test_administrator_whose_service_is_on_or_would_be_is_let_through() -> None:
    rows = [
        module_row(ADMINISTRATOR, EAST, actions=["enable_service"], outcome="changed"),
        # A policy of the organization brings the service.
        module_row(ADMINISTRATOR, WEST, outcome="skipped", reason_code="central_configuration", reason="governed"),
    ]
    assert refusal(result_of("detectors", *rows)) is None
    assert refusal(result_of("hubs", *rows), service="securityhub") is None
    told = refusal(result_of("detectors", *rows), enable_services=False)
    assert told == (
        "GuardDuty is off, or suspended, in the administrator 111111111111: us-east-1. Switch it on there with "
        "onboard_enable_services=true or muster.aws.guardduty_detector, or leave these Regions out"
    )
    both = refusal(result_of("detectors", rows[0], {**rows[0], "region": WEST}), enable_services=False)
    assert both and "111111111111: us-east-1 us-west-2. Switch" in both
    both = refusal(result_of("detectors", rows[0], {**rows[0], "region": WEST}), enable_services=False)
    assert both and "111111111111: us-east-1 us-west-2. Switch" in both
    assert refusal(result_of("detectors", rows[1]), enable_services=False) is None


def test_region_in_which_nobody_can_be_a_member_is_refused_where_members_are_to_leave() -> None:
    off = module_row(ADMINISTRATOR, EAST, actions=["enable_service"], outcome="changed")
    suspended = module_row(ADMINISTRATOR, WEST, actions=["update_service"], outcome="changed")
    assert refusal(result_of("detectors", off, suspended), role=ROLES["offboard"]) == (
        "GuardDuty is off in the administrator 111111111111: us-east-1. Nobody is a member there: leave these Regions "
        "out of offboard_regions, or the service out of offboard_services"
    )
    both = refusal(result_of("detectors", off, {**off, "region": WEST}), role=ROLES["offboard"])
    assert both and "111111111111: us-east-1 us-west-2. Nobody" in both
    assert refusal(result_of("detectors", suspended), role=ROLES["offboard"]) is None


NEXT = "(access_denied: check the credentials, the IAM policy and the organization's SCPs for this operation)"


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            [denied(EAST), denied(WEST)],
            f"administrator 111111111111, GuardDuty in all 2 Regions: ListDetectors: not allowed {NEXT}",
        ),
        (
            [module_row(ADMINISTRATOR, EAST), denied(WEST)],
            f"administrator 111111111111, GuardDuty in us-west-2: ListDetectors: not allowed {NEXT}",
        ),
        (
            [
                denied(EAST),
                failed_row("region_unavailable", "off", None, account_id=ADMINISTRATOR, region=WEST),
            ],
            f"administrator 111111111111, GuardDuty in us-east-1: ListDetectors: not allowed {NEXT}\n"
            "administrator 111111111111, GuardDuty in us-west-2: off (region_unavailable: check onboard_regions, and "
            "that the account has opted in to the Region)",
        ),
    ],
    ids=["everywhere", "in one Region", "for two reasons"],
)
def test_refusal_of_the_administrator_s_own_service_is_told_with_its_call_and_place(rows, text: str) -> None:
    assert refusal(result_of("detectors", *rows)) == text


def test_rows_alone_are_enough_to_tell_a_refusal() -> None:
    assert refusal({"detectors": [denied(EAST)]}) == (
        f"administrator 111111111111, GuardDuty in us-east-1: not allowed {NEXT}"
    )


def test_credentials_of_another_account_are_told_before_what_it_was_refused() -> None:
    text = refusal(result_of("detectors", {**denied(EAST), "account_id": SEARCH}))
    assert text is not None and text.startswith("the credentials belong to account 012345678901")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("no credentials", "no credentials"),
        (None, "GuardDuty: the administrator's own service could not be looked at"),
    ],
)
def test_task_that_failed_as_a_whole_is_told_in_its_own_words(message: str | None, text: str) -> None:
    assert refusal({"msg": message}, message) == text


def test_files_that_could_not_be_written_at_the_end_are_refused_at_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    files = [str(tmp_path / "folder.json"), str(tmp_path / "gone" / "x.csv")]
    assert stopped(
        preflight(search={**GIVEN, "onboard_results_file": files, "onboard_failed_file": str(tmp_path)})
    ) == (
        f"onboard_results_file: {files[0]} is a folder; name a file\n"
        f"onboard_results_file: the folder {tmp_path / 'gone'} is not there\n"
        f"onboard_failed_file: {tmp_path} is a folder; name a file"
    )


def test_summary_of_a_job_that_could_not_be_written_is_refused_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "gone" / "x"))
    assert stopped(preflight(search=GIVEN)) == f"$GITHUB_STEP_SUMMARY: the folder {tmp_path / 'gone'} is not there"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "x"))
    assert preflight(search=GIVEN).options()["administrator_id"] == ADMINISTRATOR


def test_files_of_a_report_are_looked_at_too(tmp_path: Path) -> None:
    given = {"report_administrator_id": ADMINISTRATOR, "report_regions": [EAST], "report_services": ["macie"]}
    given |= {f"report_{name}": str(tmp_path) for name in ("file", "csv_file", "json_file")}
    told = stopped(preflight("report", search=given))
    assert told.splitlines() == [
        f"report_{name}: {tmp_path} is a folder; name a file" for name in ("file", "csv_file", "json_file")
    ]


def test_files_are_known_whatever_else_is_wrong(tmp_path: Path) -> None:
    given = {"onboard_results_file": "a.json, b.csv", "onboard_failed_file": "c.txt", "onboard_regoins": ["x"]}
    assert preflight(search=given).results() == {"results_file": ["a.json", "b.csv"], "failed_file": "c.txt"}
    assert preflight("report").results() == {}


def test_files_that_must_not_be_written_are_not_known(tmp_path: Path) -> None:
    given = {"onboard_results_file": "a.json, b.csv", "onboard_failed_file": str(tmp_path / "c.txt")}
    check = preflight(search=given)
    assert check.results({"a.json": "is mine", f"{tmp_path}/x/../c.txt": "is mine"}) == {"results_file": ["b.csv"]}
    assert check.results({"a.json": "is mine", "b.csv": "is mine"}) == {"failed_file": str(tmp_path / "c.txt")}


def test_files_of_one_name_are_not_known() -> None:
    given = {"onboard_results_file": "a.json, b.csv, ./a.json", "onboard_failed_file": "c.txt"}
    assert preflight(search=given).results() == {"results_file": ["b.csv"], "failed_file": "c.txt"}
    given = {"report_file": "a.html", "report_csv_file": "a.csv", "report_json_file": "a.json"}
    for name in ("a.html", "a.csv", "a.json", "base.json"):
        more = {"report_results_file": [name, "r.md"], "report_failed_file": "f", "report_baseline_file": "base.json"}
        found = preflight("report", search={**given, **more}).results()
        assert found == {"results_file": ["r.md"], "failed_file": "f"}
        found = preflight("report", search={**given, **more, "report_failed_file": name}).results()
        assert found == {"results_file": ["r.md"]}


def test_report_may_be_written_where_the_one_before_is_read_and_nothing_else(tmp_path: Path) -> None:
    given = {"report_administrator_id": ADMINISTRATOR, "report_regions": [EAST], "report_services": ["macie"]}
    given |= {f"report_{name}_file": str(tmp_path / "r.json") for name in ("baseline", "json")}
    given["report_file"] = str(tmp_path / "r.html")
    assert preflight("report", search=given).options()["json_file"] == str(tmp_path / "r.json")
    told = "is that of report_baseline_file, too; name another file"
    for name in ("results_file", "failed_file", "file", "csv_file"):
        assert stopped(
            preflight("report", search={**given, f"report_{name}": str(tmp_path / "r.json")})
        ).splitlines() == [f"report_{name}: {tmp_path / 'r.json'} {told}"]


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ({"name": "S3_DATA_EVENTS", "status": "ON"}, "value of status must be one of: ENABLED, DISABLED, got: ON"),
        ({"name": "S3_DATA_EVENTS"}, "status"),
        ({"nmae": "S3_DATA_EVENTS", "status": "ENABLED"}, "nmae"),
    ],
)
def test_features_are_checked_before_anything_is_sent(feature: dict[str, Any], text: str) -> None:
    told = stopped(preflight(search={**GIVEN, "onboard_guardduty_features": [feature]}))
    assert text in told and "onboard_guardduty_features" in told


def test_invitation_message_is_checked_for_each_service_before_anything_is_sent() -> None:
    given = {**GIVEN, "onboard_invitation_message": "Hello there", "onboard_services": ["guardduty", "macie"]}
    told = stopped(preflight(search=given))
    assert told.startswith("Macie: onboard_invitation_message 'Hello there' must be")
    options = preflight(search={**given, "onboard_services": ["guardduty"]}).options()
    assert options["invitation_message"] == "Hello there"


@pytest.mark.parametrize("name", ["two words", "a,b", "a:b", "a;b", "a[1]"])
def test_file_of_failed_hosts_is_one_that_a_limit_can_name(name: str) -> None:
    told = f"onboard_failed_file: Ansible cuts --limit @{name} at blanks, commas, colons and brackets; name another"
    assert stopped(preflight(search={**GIVEN, "onboard_failed_file": name})) == told


@pytest.mark.parametrize(
    ("role", "entering", "other"),
    [
        ("onboard", {"via": "invitation"}, {"via": "organization"}),
        ("offboard", {"disable_services": True}, {"disable_services": False}),
        ("report", {"member_side": True}, {"member_side": False}),
    ],
)
def test_role_of_the_accounts_has_a_name_where_it_is_assumed(
    role: str, entering: dict[str, Any], other: dict[str, Any]
) -> None:
    def given(**options: Any) -> Preflight:
        common = {"administrator_id": ADMINISTRATOR, "regions": [EAST], "services": ["guardduty"], **options}
        return preflight(role, search={f"{role}_{name}": value for name, value in common.items()})

    text = f"{role}_member_role_name is empty: name the role, or leave the variable out"
    assert stopped(given(member_role_name="", **entering)) == text
    assert role == "onboard" or stopped(given(member_role_name=None, **entering)) == text
    assert given(member_role_name="", **other).options()["member_role_name"] == ""
    assert given(member_role_name="Entry", **entering).options()["member_role_name"] == "Entry"


def test_external_id_that_would_mask_an_account_of_a_host_is_refused_before_anything_is_sent() -> None:
    accounts = {"search": SEARCH, "payments": "555577775555"}
    hosts = {name: {**GIVEN, "onboard_account_id": account_id} for name, account_id in accounts.items()}

    def given(external_id: str) -> Preflight:
        return preflight(**{name: {**values, "onboard_external_id": external_id} for name, values in hosts.items()})

    assert stopped(given("7777")).startswith("onboard_external_id: is an account id or a Region that this is about, or")
    assert given("8888").options()


def test_features_that_the_module_would_refuse_are_refused_before_anything_is_sent() -> None:
    on = [{"name": name, "status": "ENABLED"} for name in ("EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING")]
    assert stopped(preflight(search={**GIVEN, "onboard_guardduty_features": [*on, on[0]]})) == (
        "onboard_guardduty_features: EKS_RUNTIME_MONITORING is listed twice\n"
        "onboard_guardduty_features: EKS_RUNTIME_MONITORING and RUNTIME_MONITORING cannot be on together, "
        "RUNTIME_MONITORING covers EKS_RUNTIME_MONITORING: set EKS_RUNTIME_MONITORING to DISABLED"
    )
    given = {**GIVEN, "onboard_guardduty_features": on[:1]}
    assert preflight(search=given).options()["guardduty_features"] == on[:1]


def test_what_was_left_over_of_the_call_is_told(tmp_path: Path) -> None:
    told = stopped(preflight(one={**GIVEN, "_raw_params": "eu-west-1"}, two={**GIVEN, "_raw_params": "eu-west-1"}))
    assert told == (
        "-e: Ansible takes what it is given apart at blanks, and a part of it was left over. Quote the value, as in "
        "-e \"onboard_regions='us-east-1, eu-west-1'\", or leave the blanks out"
    )


def test_files_that_would_replace_each_other_are_refused(tmp_path: Path) -> None:
    same, earlier, pipe = tmp_path / "same.json", tmp_path / "earlier.csv", tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    (tmp_path / "link.csv").symlink_to(earlier)
    given = {
        **GIVEN,
        "onboard_results_file": [str(same), str(tmp_path / "link.csv"), str(pipe), "~nobody-of-this-name/x.csv"],
        "onboard_failed_file": str(same),
    }
    with pytest.raises(Stop) as stop:
        preflight(search=given).options({str(earlier): "is the inventory"})
    assert str(stop.value).splitlines() == [
        f"onboard_results_file: {tmp_path / 'link.csv'} is the inventory; name another file",
        f"onboard_results_file: {pipe} is a device; name a file",
        f"onboard_results_file: the folder {Path('~nobody-of-this-name').resolve()} is not there",
        f"onboard_failed_file: {same} is that of onboard_results_file, too; name another file",
    ]


def test_report_s_files_may_be_its_own_of_before(tmp_path: Path) -> None:
    given = {"report_administrator_id": ADMINISTRATOR, "report_regions": [EAST], "report_services": ["macie"]}
    page = tmp_path / "report.html"
    page.write_text("before")
    check = preflight("report", search={**given, "report_file": str(page), "report_csv_file": ""})
    assert check.options()["file"] == str(page)


def test_what_serves_beside_is_told_where_something_is_missing() -> None:
    told = stopped(preflight("report", search={"report_services": ["macie"]}))
    assert "needed and not set" in told and told.endswith(
        "(onboard_administrator_id, onboard_regions and so on do as well)"
    )
    given = {"report_administrator_id": ADMINISTRATOR, "report_regions": [EAST], "report_services": ["maci"]}
    assert "do as well" not in stopped(preflight("report", search=given))
