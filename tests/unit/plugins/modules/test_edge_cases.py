# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forty edge cases of section 8 of the membership reference, and the situations it lists below the table.

Put this file beside the table: the entries of MEMBER_CASES and ADMINISTRATOR_CASES stand in its order, with its calls
in its shorthand. Its parameters have other names in the contract: ``mode`` is ``via``, ``reinvite`` is
``reinvite_resigned``, ``recreate_on_failure`` is ``replace_failed``, and monitoring ``disabled`` is ``suspended``.
Where the contract wants something else than the table, the entry says why (``because``).

Every entry is played three times: for real, in check mode, and for real once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.emulator.state import Later
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    BOTH,
    FLEET,
    GUARDDUTY,
    KEYS,
    OTHER,
    REGION,
    SECURITYHUB,
    STRANGER,
    A,
    B,
    email_of,
    foreseeable,
    member,
    openings,
    organization,
    planned,
    said,
    shorthand,
    switch_on,
    writes,
)

Accounts = str | tuple[str, ...]  # one account, or several that share their fate


class Row(NamedTuple):
    """A row of the result. ``actions`` in the order in which they were done."""

    previous_status: str | None
    status: str | None
    outcome: str
    actions: str = ""
    reason_code: str | None = None


@dataclass(frozen=True)
class Case:
    """An edge case of the administrator's side.

    :param number: The row of section 8, or the name of one of its further situations.
    :param calls: The real run's calls, see :mod:`conversation`. Check mode makes those before the first write.
    :param rows: The real run's rows.
    :param given: Status of each record before, with its e-mail if that is not the account's own.
    :param members: The option, as accounts; default: those of ``rows``.
    :param emails: E-mails in the option that are not the account's own; ``None`` leaves it out.
    :param seed: What else the emulator is told.
    :param meanwhile: What others do just before an operation arrives for the first time: {operation: (account, status)}.
    :param unprocessed: {account: (operation, reason_code)}; with any, the task fails.
    :param plan: ``actions``, where that is not what is written in ``calls``.
    :param predicted: Check mode's rows, where they differ: it cannot foresee what others do or what AWS refuses.
    :param says: A part of the failure message or of a warning.
    :param because: Why this is not what section 8 says.
    """

    number: int | str
    title: str
    calls: str
    rows: Mapping[Accounts, Row]
    given: Mapping[Accounts, str | tuple[str, str]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    members: Sequence[Mapping[str, Any]] | None = None
    emails: Mapping[str, str | None] = field(default_factory=dict)
    services: Sequence[str] = BOTH
    seed: Mapping[str, Any] = field(default_factory=dict)
    meanwhile: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unprocessed: Mapping[Accounts, tuple[str | None, str]] = field(default_factory=dict)
    plan: str | None = None
    predicted: Mapping[Accounts, Row] | None = None
    says: str = ""
    is_service_on: bool = True
    because: str = ""


ENABLED = Row("Enabled", "Enabled", "unchanged")
INVITED_ANEW = Row(None, "Invited", "changed", "create invite")
CREATED_ANEW = Row(None, "Created", "changed", "create")
PRESENT_BY_ORGANIZATION = {"via": "organization"}
ABSENT = {"state": "absent"}
AUTO_ENABLE_ALL = organization(A, auto_enable={GUARDDUTY: "ALL"})

ALREADY_MEMBER = "The given account ID is already a member or associated member of the current account."
STILL_ASSOCIATED = (
    "The request is rejected because the current account cannot delete the given member account ID since it is still "
    "associated to it."
)


def refuses(operation: str, text: str, *account_ids: str, times: int | None = 1) -> dict[str, Any]:
    """Return the seed with which AWS puts these accounts into UnprocessedAccounts."""
    rule = {"kind": "unprocessed", "operation": operation, "account_ids": account_ids, "message": text, "times": times}
    return {"faults": [rule]}


def answers(operation: str, code: str, status: int, text: str, **rule: Any) -> dict[str, Any]:
    """Return the seed with which AWS refuses requests as a whole."""
    fault = {"kind": "error", "operation": operation, "code": code, "status": status, "message": text, "times": None}
    return {"faults": [{**fault, **rule}]}


MEMBER_CASES = [
    # 1, 2, 3: absent, with and without an e-mail
    Case(1, "absent", "R[A] C[A] V[A] I[A] V[A]", {A: INVITED_ANEW}),
    Case(
        2, "absent, no e-mail", "R[A] C[A] V[A] I[A] V[A]", {A: INVITED_ANEW}, emails={A: None}, services=[SECURITYHUB]
    ),
    Case(
        3,
        "absent, e-mail missing",
        "",
        {},
        members=[member(A, None)],
        services=[GUARDDUTY],
        unprocessed={A: (None, "email_missing")},
        says="needs the address of the account's root user",
        because="the contract lists refusals made before a call in unprocessed_accounts",
    ),
    Case(
        3,
        "absent, e-mail against the rules",
        "",
        {},
        members=[member(A, "a(b)@example.com"), member(B)],
        services=[GUARDDUTY],
        unprocessed={A: (None, "invalid_input")},
        says="must not have any of",
        because="the contract stops the whole task before any call, B too",
    ),
    # 4 to 9: on the way, or there already
    Case(4, "Created", "R[A] I[A] V[A]", {A: Row("Created", "Invited", "changed", "invite")}, {A: "Created"}),
    Case(5, "Invited", "R[A]", {A: Row("Invited", "Invited", "unchanged")}, {A: "Invited"}),
    Case(5, "Enabled", "R[A]", {A: ENABLED}, {A: "Enabled"}),
    Case(
        5,
        "Associated",
        "R[A]",
        {A: Row("Associated", "Associated", "unchanged")},
        {A: "Associated"},
        services=[SECURITYHUB],
    ),
    Case(
        6,
        "Disabled, monitoring unset",
        "R[A]",
        {A: Row("Disabled", "Disabled", "unchanged")},
        {A: "Disabled"},
        services=[GUARDDUTY],
        says="monitoring is suspended",
    ),
    Case(
        7,
        "Disabled, monitoring enabled",
        "R[A] Start[A] V[A]",
        {A: Row("Disabled", "Enabled", "changed", "start_monitoring")},
        {A: "Disabled"},
        {"monitoring": "enabled"},
        services=[GUARDDUTY],
    ),
    *[
        Case(
            8,
            f"Enabled under ALL, to be suspended, refused per {level}",
            "R[A] Stop[A] V[A]",
            {A: Row("Enabled", "Enabled", "failed", "", "organization_auto_enable_all")},
            {A: "Enabled"},
            {"monitoring": "suspended", **PRESENT_BY_ORGANIZATION},
            services=[GUARDDUTY],
            seed={**AUTO_ENABLE_ALL, "knobs": {"all_refusal": level}},
            unprocessed={A: ("StopMonitoringMembers", "organization_auto_enable_all")},
            predicted={A: Row("Enabled", "Disabled", "changed", "stop_monitoring")},
        )
        for level in ("request", "account")
    ],
    Case(
        9,
        "EmailVerificationInProgress",
        "R[A]",
        {A: Row("EmailVerificationInProgress", "EmailVerificationInProgress", "unchanged")},
        {A: "EmailVerificationInProgress"},
        services=[GUARDDUTY],
    ),
    # 10, 11: e-mail verification failed
    Case(
        10,
        "EmailVerificationFailed, same e-mail",
        "R[A]",
        {A: Row("EmailVerificationFailed", "EmailVerificationFailed", "failed", "", "email_verification_failed")},
        {A: ("EmailVerificationFailed", "typo@example.com")},
        emails={A: "typo@example.com"},
        services=[GUARDDUTY],
        unprocessed={A: (None, "email_verification_failed")},
        says="does not match the account",
        because="the contract lists an account that is not on its way to the goal in unprocessed_accounts",
    ),
    Case(
        11,
        "EmailVerificationFailed, other e-mail",
        "R[A]",
        {A: Row("EmailVerificationFailed", "EmailVerificationFailed", "failed", "", "email_verification_failed")},
        {A: ("EmailVerificationFailed", "typo@example.com")},
        services=[GUARDDUTY],
        unprocessed={A: (None, "email_verification_failed")},
        says="replace_failed=true",
        because="present deletes only where an option asks for it (architecture, rule 4)",
    ),
    Case(
        11,
        "EmailVerificationFailed, other e-mail, replace_failed",
        "R[A] Del[A] V[A] C[A] V[A] I[A] V[A]",
        {A: Row("EmailVerificationFailed", "Invited", "changed", "delete create invite")},
        {A: ("EmailVerificationFailed", "typo@example.com")},
        {"replace_failed": True},
        services=[GUARDDUTY],
    ),
    Case(
        11,
        "EmailVerificationFailed, replace_failed, still associated",
        "R[A] Del[A] V[A] Dis[A] V[A] Del[A] V[A] C[A] V[A] I[A] V[A]",
        {A: Row("EmailVerificationFailed", "Invited", "changed", "disassociate delete create invite")},
        {A: ("EmailVerificationFailed", "typo@example.com")},
        {"replace_failed": True},
        services=[GUARDDUTY],
        seed=refuses("DeleteMembers", STILL_ASSOCIATED, A),
        plan="Del[A] C[A] I[A]",
        predicted={A: Row("EmailVerificationFailed", "Invited", "changed", "delete create invite")},
    ),
    Case(
        11,
        "EmailVerificationFailed, replace_failed, e-mail wrong again",
        "R[A] Del[A] V[A] C[A] V[A] I[A] V[A]",
        {
            A: Row(
                "EmailVerificationFailed",
                "EmailVerificationFailed",
                "failed",
                "delete create invite",
                "email_verification_failed",
            )
        },
        {A: ("EmailVerificationFailed", "typo@example.com")},
        {"replace_failed": True},
        emails={A: "another-typo@example.com"},
        services=[GUARDDUTY],
        unprocessed={A: (None, "email_verification_failed")},
        predicted={A: Row("EmailVerificationFailed", "Invited", "changed", "delete create invite")},
    ),
    # 12: e-mails that differ
    *[
        Case(
            12,
            f"{status}, other e-mail",
            "R[A]",
            {A: Row(status, status, "unchanged")},
            {A: (status, "old@example.com")},
            says="AWS cannot change it in place",
        )
        for status in ("Enabled", "Invited")
    ],
    # 13 to 16: ended
    Case(13, "Removed", "R[A] I[A] V[A]", {A: Row("Removed", "Invited", "changed", "invite")}, {A: "Removed"}),
    Case(
        14,
        "Removed, by organization",
        "R[A] C[A] V[A]",
        {A: Row("Removed", "Enabled", "changed", "create")},
        {A: "Removed"},
        PRESENT_BY_ORGANIZATION,
        seed=organization(A),
    ),
    Case(
        15,
        "Resigned",
        "R[A]",
        {A: Row("Resigned", "Resigned", "failed", "", "resigned")},
        {A: "Resigned"},
        unprocessed={A: (None, "resigned")},
        says="it can accept again",
        because="the contract lists an account that is not on its way to the goal in unprocessed_accounts",
    ),
    Case(
        16,
        "Resigned, reinvite_resigned, refused",
        "R[A] I[A] V[A] Del[A] V[A] C[A] V[A] I[A] V[A]",
        {A: Row("Resigned", "Invited", "changed", "delete create invite")},
        {A: "Resigned"},
        {"reinvite_resigned": True},
        seed={"knobs": {"resigned_invite": "refuse"}},
        plan="I[A]",
        predicted={A: Row("Resigned", "Invited", "changed", "invite")},
        because="what the refused invitation leads to is no part of the plan: check mode cannot foresee the refusal",
    ),
    Case(
        16,
        "Resigned, reinvite_resigned, accepted",
        "R[A] I[A] V[A]",
        {A: Row("Resigned", "Invited", "changed", "invite")},
        {A: "Resigned"},
        {"reinvite_resigned": True},
        seed={"knobs": {"resigned_invite": "accept"}},
    ),
    # 17: the administrator itself
    Case(
        17,
        "administrator in the list",
        "R[A] C[A] V[A] I[A] V[A]",
        {A: INVITED_ANEW, ADMINISTRATOR: Row(None, None, "skipped", "", "is_administrator")},
        says="the calling account is the administrator itself",
    ),
    Case(
        17,
        "administrator alone in the list",
        "",
        {ADMINISTRATOR: Row(None, None, "skipped", "", "is_administrator")},
        says="the calling account is the administrator itself",
    ),
    # 18 to 21: somebody else was faster
    *[
        Case(
            18,
            f"absent, {status} by the time of Create",
            "R[A] C[A] V[A]",
            {A: Row(None, status, "unchanged")},
            meanwhile={"CreateMembers": (A, status)},
            plan="C[A] I[A]",
            predicted={A: INVITED_ANEW},
        )
        for status in ("Invited", "Enabled")
    ],
    Case(
        19,
        "absent, Created by the time of Create",
        "R[A] C[A] V[A] I[A] V[A]",
        {A: Row(None, "Invited", "changed", "invite")},
        meanwhile={"CreateMembers": (A, "Created")},
        predicted={A: INVITED_ANEW},
    ),
    Case(
        20,
        "absent, already a member, never shown",
        "R[A] C[A] V[A]*15",
        {A: Row(None, None, "failed", "", "already_member")},
        seed=refuses("CreateMembers", ALREADY_MEMBER, A),
        unprocessed={A: ("CreateMembers", "already_member")},
        plan="C[A] I[A]",
        predicted={A: INVITED_ANEW},
        says="does not show it",
    ),
    Case(
        21,
        "absent, in the organization, by invitation",
        "R[A] C[A] V[A]",
        {A: Row(None, "Enabled", "changed", "create")},
        seed=organization(A),
        plan="C[A] I[A]",
        predicted={A: INVITED_ANEW},
    ),
    # 22, 23: batches
    Case(
        22,
        "117 of 120 Enabled",
        "R[50] R[50] R[20] C[3] V[3] I[3] V[3]".replace("[3]", f"[{''.join(FLEET[117:])}]"),
        {FLEET[:117]: ENABLED, FLEET[117:]: INVITED_ANEW},
        {FLEET[:117]: "Enabled"},
    ),
    Case(
        23,
        "51 absent",
        "R[50] R[+1] C[50] C[+1] V[50] V[+1] I[50] I[+1] V[50] V[+1]".replace("+1", FLEET[50]),
        {FLEET[:51]: INVITED_ANEW},
    ),
    # 24, 25: the list
    Case(
        24,
        "listed twice, same e-mail",
        "R[A] C[A] V[A] I[A] V[A]",
        {A: INVITED_ANEW},
        members=[member(A), member(A)],
    ),
    Case(
        24,
        "listed twice, different e-mails",
        "",
        {},
        members=[member(A), member(A, "other@example.com")],
        unprocessed={A: (None, "invalid_input")},
        says="listed twice with different e-mails",
        because="the contract lists refusals made before a call in unprocessed_accounts",
    ),
    *[
        Case(
            25,
            f"id {value!r}",
            "",
            {},
            members=[{"account_id": value, "email": "a@example.com"}, member(B)],
            unprocessed={str(value): (None, "invalid_input")},
            says='"012345678901"',
            because="the contract lists refusals made before a call in unprocessed_accounts",
        )
        for value in (222222222222, 12345678901, 1402433619, "12345678901", " 222222222222", "2222222222222")
    ],
    # 26 to 30: refused
    Case(
        26,
        "quota for one of two",
        "R[AB] C[AB] V[AB] I[A] V[A]",
        {A: INVITED_ANEW, B: Row(None, None, "failed", "", "quota_exceeded")},
        seed={"knobs": {"members_quota": 1}},
        unprocessed={B: ("CreateMembers", "quota_exceeded")},
        plan="C[AB] I[AB]",
        predicted={A: INVITED_ANEW, B: INVITED_ANEW},
    ),
    *[
        Case(
            27,
            f"created, not invited: {reason}",
            "R[A] C[A] V[A] I[A] V[A]",
            {A: Row(None, "Created", "failed", "create", reason)},
            seed=refuses("InviteMembers", text, A, times=None),
            unprocessed={A: ("InviteMembers", reason)},
            predicted={A: INVITED_ANEW},
            says=text,
        )
        for text, reason in (
            ("The request is rejected because member account's email address is missing.", "email_missing"),
            ("Words that nobody has seen yet.", "other"),
        )
    ],
    Case(
        28,
        "administrator is a member of another",
        "R[AB] C[AB] V[AB]",
        {(A, B): Row(None, None, "failed", "", "caller_is_member")},
        seed={
            "members": [
                {"service": s, "regions": [REGION], "administrator_id": OTHER, "account_ids": [ADMINISTRATOR],
                 "status": "Enabled"} for s in BOTH
            ]
        },
        unprocessed={(A, B): ("CreateMembers", "caller_is_member")},
        plan="C[AB] I[AB]",
        predicted={(A, B): INVITED_ANEW},
        because="no early check of the administrator: one more read for each Region and run, for a mistake made once",
    ),
    Case(
        29,
        "GuardDuty off in the administrator",
        "",
        {A: Row(None, None, "failed", "", "service_not_enabled")},
        services=[GUARDDUTY],
        is_service_on=False,
        unprocessed={A: ("ListDetectors", "service_not_enabled")},
        says="guardduty_detector / securityhub_hub",
        because="switching the service on is the job of guardduty_detector and securityhub_hub",
    ),
    Case(
        29,
        "Security Hub off in the administrator",
        "R[A]",
        {A: Row(None, None, "failed", "", "service_not_enabled")},
        services=[SECURITYHUB],
        is_service_on=False,
        unprocessed={A: ("GetMembers", "service_not_enabled")},
        says="not subscribed",
        because="switching the service on is the job of guardduty_detector and securityhub_hub",
    ),
    *[
        Case(
            30,
            f"foreign detector, {state}",
            "R[A]",
            {A: Row(None, None, "failed", "", "invalid_input")},
            options={"detector_id": "f" * 32, "state": state},
            services=[GUARDDUTY],
            unprocessed={A: ("GetMembers", "invalid_input")},
            says="not owned by the current account",
        )
        for state in ("present", "absent")
    ],
    # 31: reads that refuse instead of finding nothing
    *[
        Case(
            31,
            f"GetMembers finds no such resource: {code}",
            "R[A] L C[A] V[A] I[A] V[A]",
            {A: INVITED_ANEW},
            services=[SECURITYHUB],
            seed={"knobs": {"get_members_unknown": "error", "no_such_resource_code": code}},
        )
        for code in ("ResourceNotFoundException", "BadRequestException", "AccessDeniedException")
    ],
    Case(
        31,
        "GetMembers denied by IAM",
        "R[A]",
        {A: Row(None, None, "failed", "", "access_denied")},
        seed=answers("GetMembers", "AccessDeniedException", 403, "User: u is not authorized to perform: x:GetMembers"),
        unprocessed={A: ("GetMembers", "access_denied")},
        says="is not authorized to perform",
    ),
    # 32 to 35: absent
    Case(32, "absent", "R[A]", {A: Row(None, None, "unchanged")}, options=ABSENT),
    *[
        Case(
            33,
            f"{status}, to be absent",
            "R[A] Dis[A] V[A] Del[A] V[A]",
            {A: Row(status, None, "changed", "disassociate delete")},
            {A: status},
            ABSENT,
        )
        for status in ("Enabled", "Invited")
    ],
    *[
        Case(
            33,
            f"{status}, to be absent",
            "R[A] Del[A] V[A]",
            {A: Row(status, None, "changed", "delete")},
            {A: status},
            ABSENT,
        )
        for status in ("Created", "Removed", "Resigned")
    ],
    Case(
        33,
        "Enabled, to be absent, still associated for a while",
        "R[A] Dis[A] V[A] Del[A]*3 V[A]",
        {A: Row("Enabled", None, "changed", "disassociate delete")},
        {A: "Enabled"},
        ABSENT,
        seed=refuses("DeleteMembers", STILL_ASSOCIATED, A, times=2),
        plan="Dis[A] Del[A]",
    ),
    Case(
        33,
        "Enabled, to be absent, still associated for good",
        "R[A] Dis[A] V[A] Del[A]*15 V[A]",
        {A: Row("Enabled", "Removed", "failed", "disassociate", "still_associated")},
        {A: "Enabled"},
        ABSENT,
        seed=refuses("DeleteMembers", STILL_ASSOCIATED, A, times=None),
        unprocessed={A: ("DeleteMembers", "still_associated")},
        plan="Dis[A] Del[A]",
        predicted={A: Row("Enabled", None, "changed", "disassociate delete")},
    ),
    Case(
        33,
        "Enabled, to be absent, Disassociate without effect",
        "R[A] Dis[A] V[A]*15",
        {A: Row("Enabled", "Enabled", "timed_out", "", "timed_out")},
        {A: "Enabled"},
        ABSENT,
        services=[SECURITYHUB],  # its empty answer to Disassociate leaves the read-back as the only evidence
        seed=refuses("DisassociateMembers", "unsaid", A, times=None),
        unprocessed={A: (None, "timed_out")},
        plan="Dis[A] Del[A]",
        predicted={A: Row("Enabled", None, "changed", "disassociate delete")},
    ),
    *[
        Case(
            34,
            f"Enabled by organization, {state}",
            "R[A] Dis[A] V[A]",
            {A: Row("Enabled", "Removed", "changed", "disassociate")},
            {A: "Enabled"},
            {"state": state, **PRESENT_BY_ORGANIZATION},
            services=services,
            seed=organization(A),
        )
        for state, services in (("absent", [SECURITYHUB]), ("disassociated", BOTH))
    ],
    Case(
        34,
        "Enabled by organization, absent",
        "R[A] Dis[A] V[A] Del[A] V[A]",
        {A: Row("Enabled", None, "changed", "disassociate delete")},
        {A: "Enabled"},
        {**ABSENT, **PRESENT_BY_ORGANIZATION},
        services=[GUARDDUTY],
        seed=organization(A),
    ),
    *[
        Case(
            35,
            f"Enabled under ALL, to be absent, refused per {level}",
            "R[A] Dis[A] V[A]",
            {A: Row("Enabled", "Enabled", "failed", "", "organization_auto_enable_all")},
            {A: "Enabled"},
            {**ABSENT, **PRESENT_BY_ORGANIZATION},
            services=[GUARDDUTY],
            seed={**AUTO_ENABLE_ALL, "knobs": {"all_refusal": level}},
            unprocessed={A: ("DisassociateMembers", "organization_auto_enable_all")},
            plan="Dis[A] Del[A]",
            predicted={A: Row("Enabled", None, "changed", "disassociate delete")},
            says="auto-enables ALL",
        )
        for level in ("request", "account")
    ],
    # 36: throttled half-way
    Case(
        36,
        "second of three batches throttled beyond the retries",
        # Eight tries of the second batch; the third is not sent.
        "R[50]*1 R[50] R[10] C[50] C[50]*8 V[50] V[50] I[50] V[50]".replace("*1", ""),
        {
            FLEET[:50]: INVITED_ANEW,
            FLEET[50:100]: Row(None, None, "failed", "", "throttled"),
            FLEET[100:110]: Row(None, None, "not_attempted", "", "throttled"),
        },
        seed={"faults": [{"kind": "throttle", "operation": "CreateMembers", "after": 1, "times": None}]},
        unprocessed={FLEET[50:110]: ("CreateMembers", "throttled")},
        plan="C[50] C[50] C[10] I[50] I[50] I[10]",
        predicted={FLEET[:110]: INVITED_ANEW},
        because="the contract has no continue_on_error: what is created is also invited, the rest is not_attempted",
    ),
    # Further situations
    Case(
        "unknown status",
        "",
        "R[A]",
        {A: Row("Hibernating", "Hibernating", "failed", "", "unknown_status")},
        {A: "Hibernating"},
        unprocessed={A: (None, "unknown_status")},
        says="nothing was touched",
        because="the contract fails it, rather than warn",
    ),
    Case(
        "RegionDisabled, AccountSuspended",
        "RegionDisabled",
        "R[A]",
        {A: Row("RegionDisabled", "RegionDisabled", "failed", "", "region_unavailable")},
        {A: "RegionDisabled"},
        services=[GUARDDUTY],
        unprocessed={A: (None, "region_unavailable")},
    ),
    Case(
        "RegionDisabled, AccountSuspended",
        "AccountSuspended",
        "R[A]",
        {A: Row("AccountSuspended", "AccountSuspended", "failed", "", "account_suspended")},
        {A: "AccountSuspended"},
        unprocessed={A: (None, "account_suspended")},
    ),
    Case(
        "Region not opted in",
        "GuardDuty",
        "",
        {A: Row(None, None, "failed", "", "region_unavailable")},
        services=[GUARDDUTY],
        seed={"accounts": {ADMINISTRATOR: {"disabled_regions": [REGION]}}},
        unprocessed={A: ("ListDetectors", "region_unavailable")},
        because="the contract has a failed Region's rows say failed; skipped is for accounts that need nothing",
    ),
    Case(
        "Region not opted in",
        "Security Hub",
        "R[A]",
        {A: Row(None, None, "failed", "", "region_unavailable")},
        services=[SECURITYHUB],
        seed={"accounts": {ADMINISTRATOR: {"disabled_regions": [REGION]}}},
        unprocessed={A: ("GetMembers", "region_unavailable")},
        because="the contract has a failed Region's rows say failed; skipped is for accounts that need nothing",
    ),
    Case(
        "added by the organization between read and write",
        "",
        "R[A] C[A] V[A]",
        {A: Row(None, "Enabled", "unchanged")},
        options=PRESENT_BY_ORGANIZATION,
        seed=organization(A),
        meanwhile={"CreateMembers": (A, "Enabled")},
        predicted={A: Row(None, "Enabled", "changed", "create")},
    ),
]
