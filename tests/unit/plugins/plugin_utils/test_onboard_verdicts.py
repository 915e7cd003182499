# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What onboard asks for, step by step, and what it tells of each account when the last look is over."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils._onboard import onboard_batch
from ansible_collections.muster.aws.tests.canned import CannedWork, failed_row, module_row, refused_result, result_of

ADMINISTRATOR = "111111111111"
SEARCH, PAYMENTS = "012345678901", "222222222222"
EAST, WEST = "us-east-1", "us-west-2"
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "administrator_id": ADMINISTRATOR,
        "regions": [EAST],
        "concurrency": 7,
        "via": "invitation",
        "member_role_name": "Member",
        "external_id": "secret",
        "enable_services": True,
        "email_notification": False,
        "reinvite_resigned": False,
        "replace_failed": False,
        "wait_timeout": 12,
        "monitoring": None,
    }
)
# Security Hub has an option of its own for nothing, so that what was asked is easy to see.
MODULE, ROWS = {"guardduty": "detector", "securityhub": "hub"}, {"guardduty": "detectors", "securityhub": "hubs"}
ON: Mapping[str, Any] = MappingProxyType(result_of("detectors", module_row(ADMINISTRATOR)))


def onboard(
    *answers: tuple[str, Mapping[str, Any]],
    service: str = "guardduty",
    switched_on: Mapping[str, Any] = ON,
    accounts: Mapping[str, str] = MappingProxyType({"search": SEARCH}),
    is_check: bool = False,
    **options: Any,
) -> tuple[CannedWork, dict[str, Any]]:
    """Onboard accounts to one service; a module that is not answered must not be asked."""
    work = CannedWork(*((f"{service}_{kind}", answer) for kind, answer in answers), is_check=is_check)
    rows = [{"account_id": each, "email": f"{each}@example.com"} for each in sorted(accounts.values())]
    batch = {"accounts": accounts, "members": {service: rows}, "faults": {host: {} for host in accounts}}
    return work, onboard_batch(work, {**OPTIONS, **options}, batch, {service: switched_on})


def members(*rows: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "member", result_of("members", *rows)


def sides(*rows: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "administrator", result_of("administrators", *rows)


def look(*rows: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return "member_info", result_of("members", *rows)


def invited(account_id: str = SEARCH, region: str = EAST, **given: Any) -> dict[str, Any]:
    done = {"status": "Invited", "actions": ["create", "invite"], "outcome": "changed"}
    return module_row(account_id, region, **{**done, **given})


def accepted(account_id: str = SEARCH, region: str = EAST, **given: Any) -> dict[str, Any]:
    done = {"status": "Enabled", "actions": ["accept"], "outcome": "changed", "administrator_id": ADMINISTRATOR}
    return module_row(account_id, region, **{**done, **given})


def uninvited(account_id: str = SEARCH, region: str = EAST, **given: Any) -> dict[str, Any]:
    return failed_row("no_invitation", "none is there", account_id=account_id, region=region, **given)


def shown(account_id: str = SEARCH, region: str = EAST, status: str | None = "Enabled", **given: Any) -> dict[str, Any]:
    return module_row(account_id, region, status=status, **given)


def cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("status", "actions", "failed", "reason_code", "operation", "reason"))


# What is asked


def test_new_account_is_invited_accepts_at_once_and_is_looked_for() -> None:
    work, done = onboard(members(invited()), sides(accepted()), look(shown()))
    assert work.asked == [
        (
            "guardduty_member",
            {
                "members": [{"account_id": SEARCH, "email": f"{SEARCH}@example.com"}],
                "via": "invitation",
                "reinvite_resigned": False,
                "role_name": "Member",
                "external_id": "secret",
                "wait_timeout": 12,
                "email_notification": False,
                "replace_failed": False,
                "regions": [EAST],
                "concurrency": 7,
            },
        ),
        (
            "guardduty_administrator",
            {
                "administrator_id": ADMINISTRATOR,
                "role_name": "Member",
                "external_id": "secret",
                "enable_service": True,
                "wait": False,
                "wait_timeout": 12,
                "concurrency": 7,
                "regions": [EAST],
                "account_ids": [SEARCH],
            },
        ),
        ("guardduty_member_info", {"member_ids": [SEARCH], "regions": [EAST], "concurrency": 7}),
    ]
    assert work.told == ["GuardDuty: 1 account to accept the invitation"] and work.slept == []
    assert done["rows"] == [
        {
            "host": "search",
            "service": "guardduty",
            "region": EAST,
            "account_id": SEARCH,
            "status": "Enabled",
            "previous_status": None,
            "actions": ["create", "invite", "accept"],
            "failed": False,
            "reason_code": None,
            "operation": None,
            "reason": None,
        }
    ]
    assert done["hosts"]["search"]["text"] == "GuardDuty in us-east-1: Enabled now: create, invite, accept"


def test_account_of_an_organization_is_entered_by_nobody() -> None:
    done = {"status": "Enabled", "actions": ["create"], "outcome": "changed"}
    work, _done = onboard(members(module_row(**done)), via="organization")
    [(module, options)] = work.asked
    assert module == "guardduty_member" and options["via"] == "organization"
    assert not options.keys() & {"role_name", "external_id"} and work.told == []


def test_account_that_is_pending_in_an_organization_run_accepts_nothing() -> None:
    work, _done = onboard(members(invited(actions=[], outcome="unchanged")), via="organization")
    assert work.modules == ["guardduty_member"]


def test_nothing_is_asked_for_without_an_account() -> None:
    work, done = onboard(accounts={})
    assert work.asked == [] and done == {"hosts": {}, "rows": [], "notes": []}


def test_nobody_is_entered_when_nobody_has_an_invitation() -> None:
    rows = [module_row(SEARCH, status="Enabled"), module_row(PAYMENTS, status="Resigned")]
    work, _done = onboard(members(*rows), accounts={"search": SEARCH, "payments": PAYMENTS})
    assert work.modules == ["guardduty_member"] and work.told == []


def test_only_accounts_and_regions_with_an_invitation_are_entered() -> None:
    rows = [
        invited(PAYMENTS, WEST, actions=[], outcome="unchanged"),
        shown(PAYMENTS, EAST),
        shown(SEARCH, EAST),
        shown(SEARCH, WEST),
    ]
    work, _done = onboard(
        members(*rows),
        sides(accepted(PAYMENTS, WEST)),
        look(shown(PAYMENTS, WEST)),
        accounts={"search": SEARCH, "payments": PAYMENTS},
        regions=[WEST, EAST],
    )
    entered = work.asked[1][1]
    assert (entered["account_ids"], entered["regions"]) == ([PAYMENTS], [WEST])


def test_options_of_a_service_go_to_its_member_module_and_no_others() -> None:
    given = {
        "monitoring": "suspended",
        "invitation_message": "hello",
        "guardduty_features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}],
        "securityhub_features": "never",
    }
    row = module_row(status="Enabled")
    guardduty, _done = onboard(members(row), **given)
    securityhub, _done = onboard(members(row), service="securityhub", **given)
    common = {"members", "via", "reinvite_resigned", "role_name", "external_id", "wait_timeout"} | {
        "regions",
        "concurrency",
    }
    own = {"email_notification", "replace_failed", "monitoring", "invitation_message", "features"}
    assert guardduty.asked[0][1].keys() == common | own
    assert guardduty.asked[0][1]["features"] == given["guardduty_features"]
    assert securityhub.asked[0][1].keys() == common


def test_invitation_that_is_late_is_waited_for_where_it_is_missing_and_only_there() -> None:
    both = {"search": SEARCH, "payments": PAYMENTS}
    work, done = onboard(
        members(*(invited(each, region) for region in (EAST, WEST) for each in (SEARCH, PAYMENTS))),
        sides(accepted(SEARCH), accepted(PAYMENTS), accepted(SEARCH, WEST), uninvited(PAYMENTS, WEST)),
        sides(accepted(PAYMENTS, WEST)),
        look(*(shown(each, region) for region in (EAST, WEST) for each in (SEARCH, PAYMENTS))),
        accounts=both,
        regions=[EAST, WEST],
    )
    first, second = (options for module, options in work.asked if module == "guardduty_administrator")
    assert (first["account_ids"], first["regions"], first["wait"]) == ([SEARCH, PAYMENTS], [EAST, WEST], False)
    assert (second["account_ids"], second["regions"], second["wait"]) == ([PAYMENTS], [WEST], True)
    assert work.told == [
        "GuardDuty: 2 accounts to accept the invitation",
        "GuardDuty: 1 invitation not there yet, waiting",
    ]
    assert {host: verdict["failed"] for host, verdict in done["hosts"].items()} == dict.fromkeys(both, False)
    assert all(row["actions"] == ["create", "invite", "accept"] for row in done["rows"])


def test_account_that_was_never_invited_is_not_waited_for() -> None:
    rows = [invited(SEARCH), shown(PAYMENTS, status="Resigned")]
    work, _done = onboard(
        members(*rows),
        sides(accepted(SEARCH), uninvited(PAYMENTS)),
        look(shown()),
        accounts={"search": SEARCH, "payments": PAYMENTS},
    )
    assert work.modules.count("guardduty_administrator") == 1


def test_late_acceptance_continues_what_the_first_try_did() -> None:
    _work, done = onboard(
        members(invited()),
        sides(uninvited(actions=["enable_service"])),
        sides(accepted()),
        look(shown()),
    )
    [row] = done["rows"]
    assert cells(row) == ("Enabled", ["create", "invite", "enable_service", "accept"], False, None, None, None)


def test_administrator_is_asked_every_five_seconds_until_it_shows_all_that_accepted() -> None:
    work, done = onboard(
        members(invited(SEARCH), invited(PAYMENTS)),
        sides(accepted(SEARCH), accepted(PAYMENTS)),
        look(shown(SEARCH, status="Invited"), shown(PAYMENTS)),
        look(shown(SEARCH, status="Disabled"), shown(PAYMENTS)),
        accounts={"search": SEARCH, "payments": PAYMENTS},
        wait_timeout=600,
    )
    assert work.slept == [5] and work.modules.count("guardduty_member_info") == 2
    assert work.asked[-1][1]["member_ids"] == [SEARCH, PAYMENTS]
    assert not done["hosts"]["payments"]["failed"]


@pytest.mark.parametrize(("wait_timeout", "sleeps"), [(0, 0), (1, 1), (5, 1), (12, 3), (60, 12)])
def test_administrator_is_asked_as_long_as_the_wait_timeout_says_and_not_for_ever(wait_timeout, sleeps) -> None:
    work, done = onboard(
        members(invited()), sides(accepted()), look(shown(status="Invited")), wait_timeout=wait_timeout
    )
    assert work.slept == [5] * sleeps and work.modules.count("guardduty_member_info") == sleeps + 1
    assert cells(done["rows"][0])[2:] == (
        True,
        "timed_out",
        None,
        "the administrator still sees the status Invited",
    )


def test_nobody_is_looked_for_where_nobody_accepted() -> None:
    work, _done = onboard(members(invited()), sides(failed_row("access_denied", "no", "ListInvitations")))
    assert "guardduty_member_info" not in work.modules


FEATURES = [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]


@pytest.mark.parametrize(
    ("service", "options", "settles"),
    [
        ("guardduty", {"monitoring": "suspended"}, True),
        ("guardduty", {"guardduty_features": FEATURES}, True),
        ("guardduty", {"monitoring": "enabled"}, False),
        ("guardduty", {}, False),
        ("securityhub", {"monitoring": "suspended", "securityhub_features": FEATURES}, False),
    ],
)
def test_what_only_a_member_can_have_is_given_once_it_has_accepted(service, options, settles) -> None:
    both = {"search": SEARCH, "payments": PAYMENTS}
    settled = module_row(status="Disabled", actions=["stop_monitoring"], outcome="changed")
    work, _done = onboard(
        members(invited(), shown(PAYMENTS)),
        members(settled),
        sides(accepted()),
        look(shown()),
        service=service,
        accounts=both,
        **options,
    )
    assert work.modules.count(f"{service}_member") == 1 + settles
    if settles:
        own = {"monitoring": options.get("monitoring"), "features": options.get("guardduty_features")}
        assert work.asked[-1] == (
            "guardduty_member",
            {
                "members": [{"account_id": SEARCH, "email": f"{SEARCH}@example.com"}],
                "regions": [EAST],
                "wait_timeout": 12,
                "concurrency": 7,
                "email_notification": False,
                "replace_failed": False,
                **{name: value for name, value in own.items() if value},
            },
        )


def features(*rows: tuple[str, str | None], **additional: str | None) -> list[dict[str, Any]]:
    more = [{"name": name, "status": status} for name, status in additional.items()]
    return [{"name": name, "status": status, "additional_configuration": more} for name, status in rows]


def test_features_that_aws_does_not_list_are_told_at_the_end_whatever_the_number_of_accounts() -> None:
    both = {"search": SEARCH, "payments": PAYMENTS}
    rows = [
        shown(account_id, region=region, features=features(("S3_DATA", None), ("RUNTIME", "ENABLED")))
        for account_id in (SEARCH, PAYMENTS)
        for region in (WEST, EAST)
    ]
    rows.append(shown("333333333333", features=features(("RUNTIME", "ENABLED"), EKS="ENABLED", ECS=None)))
    # What AWS refused is told as a failure, and a feature of nobody is none.
    rows.append(failed_row("feature_unsupported", "no", account_id="444444444444", features=features(("X", None))))
    rows.append(shown("555555555555", features=None))
    _work, done = onboard(members(*rows), accounts=both, via="organization")
    assert done["notes"] == [
        f"GuardDuty does not list the feature S3_DATA in {EAST} {WEST}: it counts as off",
        f"GuardDuty does not list the feature ECS in {EAST}: it counts as off",
    ]


def test_features_that_aws_does_not_list_are_told_of_those_that_have_just_accepted() -> None:
    settled = shown(features=features(("S3_DATA", None)))
    _work, done = onboard(
        members(invited()), members(settled), sides(accepted()), look(shown()), guardduty_features=FEATURES
    )
    assert done["notes"] == [f"GuardDuty does not list the feature S3_DATA in {EAST}: it counts as off"]


def test_host_that_failed_is_told_what_to_do_in_variables_of_the_role() -> None:
    _work, done = onboard(members(failed_row("throttled", "slow", "GetMembers", account_id=SEARCH)))
    assert done["hosts"]["search"]["text"].endswith("run again later, or with a lower onboard_concurrency)")


def test_nothing_is_settled_where_nobody_accepted() -> None:
    work, _done = onboard(
        members(invited()), sides(failed_row("access_denied", "no", "ListInvitations")), monitoring="suspended"
    )
    assert work.modules == ["guardduty_member", "guardduty_administrator"]


# What is told


STOPPED = MappingProxyType({"status": "Disabled", "actions": ["stop_monitoring"], "outcome": "changed"})
UNWATCHED = "a member, but its monitoring is suspended"


@pytest.mark.parametrize(
    ("answers", "options", "expected"),
    [
        ([members(shown())], {}, ("Enabled", [], False, None, None, None)),
        ([members(shown(status="Monitored"))], {}, ("Monitored", [], False, None, None, None)),
        ([members(shown(status="Disabled"))], {}, ("Disabled", [], True, "suspended", None, UNWATCHED)),
        (
            [members(shown(status="Disabled"))],
            {"monitoring": "suspended"},
            ("Disabled", [], False, None, None, None),
        ),
        (
            [members(shown(status="AccountSuspended"))],
            {"monitoring": "suspended"},
            (
                "AccountSuspended",
                [],
                True,
                "timed_out",
                None,
                "the administrator still sees the status AccountSuspended",
            ),
        ),
        (
            [members(module_row(outcome="skipped", reason_code="is_administrator", reason="itself"))],
            {},
            (None, [], False, "is_administrator", None, "itself"),
        ),
        (
            [members(failed_row("resigned", "it left", status="Resigned"))],
            {},
            ("Resigned", [], True, "resigned", None, "it left"),
        ),
        (
            [members(invited()), sides(failed_row("access_denied", "no", "AcceptInvitation"))],
            {},
            ("Invited", ["create", "invite"], True, "access_denied", "AcceptInvitation", "no"),
        ),
        (
            [members(invited()), sides(uninvited())],
            {},
            ("Invited", ["create", "invite"], True, "no_invitation", None, "none is there"),
        ),
        (
            [members(invited()), sides(uninvited()), sides(failed_row("access_denied", "no", "AcceptInvitation"))],
            {},
            ("Invited", ["create", "invite"], True, "access_denied", "AcceptInvitation", "no"),
        ),
        (  # a policy of the organization brings the account in
            [members(invited()), sides(module_row(outcome="skipped", reason_code="central_configuration"))],
            {},
            ("Invited", ["create", "invite"], False, None, None, None),
        ),
        (
            [members(invited()), ("administrator", refused_result("no credentials"))],
            {},
            ("Invited", ["create", "invite"], True, "other", None, "no credentials"),
        ),
        (
            [members(invited()), sides(accepted()), look(failed_row("access_denied", "no", "GetMembers"))],
            {},
            ("Invited", ["create", "invite", "accept"], True, "access_denied", "GetMembers", "no"),
        ),
        (
            [members(invited()), sides(accepted()), ("member_info", refused_result("no credentials"))],
            {},
            ("Invited", ["create", "invite", "accept"], True, "other", None, "no credentials"),
        ),
        (
            [members(invited()), sides(accepted()), look(shown(status=None))],
            {},
            (
                None,
                ["create", "invite", "accept"],
                True,
                "timed_out",
                None,
                "the administrator still sees no record",
            ),
        ),
        (
            [members(invited()), sides(accepted()), look(shown()), members(module_row(**STOPPED))],
            {"monitoring": "suspended"},
            ("Disabled", ["create", "invite", "accept", "stop_monitoring"], False, None, None, None),
        ),
        (
            [
                members(invited()),
                sides(accepted()),
                look(shown()),
                members(failed_row("access_denied", "no", "StopMonitoringMembers", status="Enabled")),
            ],
            {"monitoring": "suspended"},
            ("Enabled", ["create", "invite", "accept"], True, "access_denied", "StopMonitoringMembers", "no"),
        ),
        (
            [members(invited()), sides(accepted()), look(shown()), ("member", refused_result("no credentials"))],
            {"monitoring": "suspended"},
            ("Enabled", ["create", "invite", "accept"], True, "other", None, "no credentials"),
        ),
        (  # a member that is suspended without anybody's wish, seen only at the last look
            [members(invited()), sides(accepted()), look(shown(status="Disabled"))],
            {},
            ("Disabled", ["create", "invite", "accept"], True, "suspended", None, UNWATCHED),
        ),
        ([("member", refused_result("no credentials"))], {}, (None, [], True, "other", None, "no credentials")),
        ([("member", {})], {}, (None, [], True, "other", None, "the account was not reached")),
    ],
    ids=[
        "member already",
        "member by an older word",
        "suspended member",
        "suspended as is wanted",
        "suspended account that is no member",
        "the administrator itself",
        "refused",
        "acceptance refused",
        "invitation never came",
        "late acceptance refused",
        "governed by a policy",
        "acceptance failed as a whole",
        "last look refused",
        "last look failed as a whole",
        "not shown as a member",
        "suspended once it has joined",
        "suspending refused",
        "suspending failed as a whole",
        "joined and suspended",
        "inviting failed as a whole",
        "no module tells of the account",
    ],
)
def test_verdict_is_what_the_administrator_sees_in_the_end_and_why_it_is_not_more(answers, options, expected) -> None:
    _work, done = onboard(*answers, wait_timeout=0, **options)
    [row] = done["rows"]
    assert cells(row) == expected
    assert done["hosts"]["search"]["failed"] is row["failed"]


def test_next_step_for_a_suspended_member_is_told() -> None:
    _work, done = onboard(members(shown(status="Disabled")))
    assert done["rows"][0]["next_step"] == (
        "onboard with onboard_monitoring=enabled to resume it, or =suspended where that is what is wanted"
    )


def test_hint_of_a_failure_names_onboard_s_own_variables_and_no_record_is_the_word_for_none() -> None:
    _work, done = onboard(members(failed_row("resigned", "it left", status="Resigned")))
    assert "set onboard_reinvite_resigned=true" in done["hosts"]["search"]["text"]
    _work, done = onboard(members(module_row(outcome="skipped")))
    assert done["hosts"]["search"]["text"] == "GuardDuty in us-east-1: no record"


def off(region: str = EAST, account_id: str = SEARCH) -> dict[str, Any]:
    return failed_row("service_not_enabled", "off", "GetMembers", account_id=account_id, region=region)


def switching_on(*rows: Mapping[str, Any]) -> dict[str, Any]:
    return result_of("detectors", *rows)


REFUSED = failed_row("access_denied", "no", "CreateDetector", account_id=ADMINISTRATOR)


@pytest.mark.parametrize(
    ("switched_on", "member", "expected"),
    [
        (switching_on(REFUSED), off(), ("access_denied", "CreateDetector", "no")),
        (switching_on(REFUSED), failed_row("throttled", "slow"), ("throttled", None, "slow")),
        (switching_on({**REFUSED, "region": WEST}), off(), ("service_not_enabled", "GetMembers", "off")),
        (ON, off(), ("service_not_enabled", "GetMembers", "off")),
    ],
    ids=["off", "failed for another reason", "refused in another Region", "off all the same"],
)
def test_service_that_could_not_be_switched_on_is_the_reason_of_its_members(switched_on, member, expected) -> None:
    _work, done = onboard(members(member), switched_on=switched_on)
    [row] = done["rows"]
    assert cells(row)[2:] == (True, *expected) and row["account_id"] == SEARCH


# What check mode foresees


ENABLING = MappingProxyType({"actions": ["enable_service"], "outcome": "changed"})


@pytest.mark.parametrize(
    ("service", "via", "status", "actions"),
    [
        ("guardduty", "invitation", "Enabled", ["create", "invite", "accept"]),
        ("guardduty", "organization", "Enabled", ["create"]),
        ("securityhub", "invitation", "Enabled", ["create", "invite", "accept"]),
    ],
)
def test_check_mode_foresees_members_where_the_service_would_be_switched_on(service, via, status, actions) -> None:
    work, done = onboard(
        members(off()),
        sides(uninvited()),
        service=service,
        switched_on=result_of(ROWS[service], module_row(ADMINISTRATOR, **ENABLING)),
        is_check=True,
        via=via,
    )
    assert cells(done["rows"][0]) == (status, actions, False, None, None, None)
    assert done["hosts"]["search"]["text"].endswith(f"would become {status}: {', '.join(actions)}")
    assert work.slept == [] and f"{service}_member_info" not in work.modules


@pytest.mark.parametrize(
    ("switched_on", "member", "expected"),
    [
        (module_row(ADMINISTRATOR, WEST, **ENABLING), off(), "service_not_enabled"),
        (module_row(ADMINISTRATOR), off(), "service_not_enabled"),
        (module_row(ADMINISTRATOR, actions=["update_service"], outcome="changed"), off(), "service_not_enabled"),
        (module_row(ADMINISTRATOR, **ENABLING), failed_row("email_missing", "none"), "email_missing"),
    ],
    ids=["switched on in another Region", "on already", "changed otherwise", "kept out by something else"],
)
def test_check_mode_foresees_no_members_anywhere_else(switched_on, member, expected) -> None:
    work, done = onboard(members(member), switched_on=switching_on(switched_on), is_check=True)
    assert cells(done["rows"][0])[:4] == (None, [], True, expected)
    assert work.modules == ["guardduty_member"]


def test_check_mode_foresees_members_region_by_region() -> None:
    _work, done = onboard(
        members(off(EAST), off(WEST)),
        sides(uninvited(region=WEST)),
        switched_on=switching_on(module_row(ADMINISTRATOR, WEST, **ENABLING)),
        is_check=True,
        regions=[EAST, WEST],
    )
    assert [(row["region"], row["failed"]) for row in done["rows"]] == [(EAST, True), (WEST, False)]


@pytest.mark.parametrize(
    ("via", "is_check", "row", "notes"),
    [
        (
            "organization",
            True,
            ENABLING,
            ["GuardDuty is off in us-east-1: whether it is delegated there could not be asked"],
        ),
        ("organization", True, {}, []),
        ("organization", True, {"actions": ["update_service"], "outcome": "changed"}, []),
        ("organization", False, ENABLING, []),
        ("invitation", True, ENABLING, []),
    ],
)
def test_check_mode_says_where_it_could_not_ask_about_the_organization(via, is_check, row, notes) -> None:
    switched_on = switching_on(module_row(ADMINISTRATOR, **row))
    _work, done = onboard(members(off()), sides(uninvited()), switched_on=switched_on, is_check=is_check, via=via)
    assert done["notes"] == notes


def test_check_mode_foresees_no_invitation_of_whom_it_cannot_enter_where_the_service_is_off() -> None:
    _work, done = onboard(
        members(off()),
        sides(failed_row("assume_role_failed", "No role", "AssumeRole")),
        switched_on=switching_on(module_row(ADMINISTRATOR, **ENABLING)),
        is_check=True,
    )
    assert cells(done["rows"][0])[:4] == (None, [], True, "assume_role_failed")
    assert done["hosts"]["search"]["changed"] is False


def test_members_are_not_foreseen_where_something_was_written() -> None:
    switched_on = switching_on(module_row(ADMINISTRATOR, **ENABLING))
    _work, done = onboard(members(off()), switched_on=switched_on)
    assert cells(done["rows"][0])[3] == "service_not_enabled"


@pytest.mark.parametrize(
    ("service", "member", "side", "options", "expected"),
    [
        ("guardduty", invited(), uninvited(), {}, ("Enabled", ["create", "invite", "accept"], False, None)),
        ("guardduty", invited(), accepted(), {}, ("Enabled", ["create", "invite", "accept"], False, None)),
        (
            "guardduty",
            invited(),
            uninvited(actions=["enable_service"]),
            {},
            ("Enabled", ["create", "invite", "enable_service", "accept"], False, None),
        ),
        # An invitation that is said to be there, and is not, would not be sent again.
        (
            "guardduty",
            invited(actions=[], outcome="unchanged"),
            uninvited(),
            {},
            ("Invited", [], True, "no_invitation"),
        ),
        (
            "guardduty",
            invited(actions=["create"]),
            uninvited(),
            {},
            ("Invited", ["create"], True, "no_invitation"),
        ),
        (
            "guardduty",
            invited(),
            failed_row("assume_role_failed", "No role", "AssumeRole"),
            {},
            (None, [], True, "assume_role_failed"),
        ),
        (
            "guardduty",
            invited(),
            uninvited(),
            {"monitoring": "suspended"},
            ("Disabled", ["create", "invite", "accept", "stop_monitoring"], False, None),
        ),
        (
            "guardduty",
            invited(),
            uninvited(),
            {"monitoring": "enabled"},
            ("Enabled", ["create", "invite", "accept"], False, None),
        ),
        (
            "securityhub",
            invited(),
            uninvited(),
            {"monitoring": "suspended"},
            ("Enabled", ["create", "invite", "accept"], False, None),
        ),
        (
            "guardduty",
            invited(),
            failed_row("assume_role_failed", "No role", "AssumeRole"),
            {"monitoring": "suspended"},
            (None, [], True, "assume_role_failed"),
        ),
    ],
    ids=[
        "would be invited",
        "would accept",
        "would be switched on first",
        "said to be invited",
        "would only be recorded",
        "cannot be entered",
        "would be suspended",
        "would be watched",
        "cannot be suspended by this service",
        "cannot be entered and would be suspended",
    ],
)
def test_check_mode_foresees_what_an_invitation_would_lead_to(service, member, side, options, expected) -> None:
    switched_on = result_of(ROWS[service], module_row(ADMINISTRATOR))
    work, done = onboard(
        members(member), sides(side), service=service, switched_on=switched_on, is_check=True, **options
    )
    assert cells(done["rows"][0])[:4] == expected
    assert work.modules == [f"{service}_member", f"{service}_administrator"]
