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
from typing import Any, NamedTuple, Union

import pytest
from ansible_collections.muster.aws.plugins.module_utils._services.registry import SERVICES
from ansible_collections.muster.aws.tests.emulator import Emulator
from ansible_collections.muster.aws.tests.emulator.state import Later
from ansible_collections.muster.aws.tests.unit.plugins.modules.conversation import (
    ADMINISTRATOR,
    ALL,
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
    operation_of,
    organization,
    planned,
    said,
    seed_of,
    shorthand,
    switch_on,
    writes,
)

# Not "str | tuple": ansible-test's pylint takes that for an operation.
Accounts = Union[str, tuple[str, ...]]  # noqa: UP007  # one account, or several that share their fate


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
    :param meanwhile: What others do just before an operation first arrives: {operation: (account, status)}.
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
    services: Sequence[str] = ALL
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
        "R[A] Org C[A] V[A]",
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
        says="a record exists already",
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
        "R[50] R[50] R[20] C[3] V[3] I[3] V[3]",
        {FLEET[:117]: ENABLED, FLEET[117:]: INVITED_ANEW},
        {FLEET[:117]: "Enabled"},
        services=BOTH,
    ),
    Case(
        23,
        "51 absent",
        "R[50] R[1] C[50] C[1] V[50] V[1] I[50] I[1] V[50] V[1]",
        {FLEET[:51]: INVITED_ANEW},
        services=BOTH,
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
                {
                    "service": s,
                    "regions": [REGION],
                    "administrator_id": OTHER,
                    "account_ids": [ADMINISTRATOR],
                    "status": "Enabled",
                }
                for s in ALL
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
        says="*_detector, *_hub or *_session modules",
        because="switching the service on is the job of guardduty_detector and securityhub_hub",
    ),
    Case(
        29,
        "Security Hub off in the administrator",
        "R[A] L",
        {A: Row(None, None, "failed", "", "service_not_enabled")},
        services=[SECURITYHUB],
        is_service_on=False,
        unprocessed={A: ("ListMembers", "service_not_enabled")},
        says="no such resource found",
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
        for state, services in (("absent", [SECURITYHUB]), ("disassociated", ALL))
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
        # Eight tries of the second batch; the third, which would else be under way beside it, is not sent.
        "R[50] R[50] R[10] C[50] C[50]*8 V[50] V[50] I[50] V[50]",
        {
            FLEET[:50]: INVITED_ANEW,
            FLEET[50:100]: Row(None, None, "failed", "", "throttled"),
            FLEET[100:110]: Row(None, None, "not_attempted", "", "throttled"),
        },
        options={"concurrency": 1},
        services=BOTH,
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
        "R[A] Org C[A] V[A]",
        {A: Row(None, "Enabled", "unchanged")},
        options=PRESENT_BY_ORGANIZATION,
        seed=organization(A),
        meanwhile={"CreateMembers": (A, "Enabled")},
        predicted={A: Row(None, "Enabled", "changed", "create")},
    ),
]


class Seat(NamedTuple):
    """A row of ``administrators``. Before and after: the administrator and its status, ``None`` without one."""

    previous: tuple[str, str] | None
    after: tuple[str, str] | None
    outcome: str
    actions: str = ""
    reason_code: str | None = None


@dataclass(frozen=True)
class AdministratorCase:
    """An edge case of the member's side, played by account A. What has no word here is as in :class:`Case`.

    :param row: The one row.
    :param given: {administrator: status of its record of A}.
    :param unprocessed: (operation, reason_code).
    :param meanwhile: The operation before which somebody else switches the service on.
    :param looks: The calls in check mode, where they are not those up to the first write: before an administrator is
        left, it is looked at again.
    """

    number: int | str
    title: str
    calls: str
    row: Seat
    given: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    services: Sequence[str] = ALL
    seed: Mapping[str, Any] = field(default_factory=dict)
    meanwhile: str = ""
    unprocessed: tuple[str | None, str] | None = None
    plan: str | None = None
    predicted: Seat | None = None
    says: str = ""
    is_service_on: bool = True
    because: str = ""
    looks: str = ""


EXPECTED = ADMINISTRATOR
JOINED = (EXPECTED, "Enabled")
CENTRAL = organization(A, central_configuration=True)

ADMINISTRATOR_CASES = [
    AdministratorCase(
        37,
        "invited, detector missing",
        "Enable Inv Accept Adm",
        Seat(None, JOINED, "changed", "enable_service accept"),
        {EXPECTED: "Invited"},
        {"enable_service": True},
        services=[GUARDDUTY],
        is_service_on=False,
        looks="Inv",
        because="an account without a detector has no administrator to ask for",
    ),
    AdministratorCase(
        37,
        "invited, hub missing",
        "Adm Inv Enable Inv Accept Adm",
        Seat(None, JOINED, "changed", "enable_service accept"),
        {EXPECTED: "Invited"},
        {"enable_service": True},
        services=[SECURITYHUB],
        is_service_on=False,
        because="GetAdministratorAccount finds no such resource, and ListInvitations tells that it is the hub",
        looks="Adm Inv",
    ),
    AdministratorCase(
        37,
        "invited, detector missing, not to be switched on",
        "",
        Seat(None, None, "failed", "", "service_not_enabled"),
        {EXPECTED: "Invited"},
        services=[GUARDDUTY],
        is_service_on=False,
        unprocessed=(None, "service_not_enabled"),
    ),
    AdministratorCase(
        37,
        "invited, hub missing, not to be switched on",
        "Adm Inv",
        Seat(None, None, "failed", "", "service_not_enabled"),
        {EXPECTED: "Invited"},
        services=[SECURITYHUB],
        is_service_on=False,
        unprocessed=(None, "service_not_enabled"),
    ),
    AdministratorCase(
        37,
        "invited, hub missing, and AWS says so",
        "Adm Enable Inv Accept Adm",
        Seat(None, JOINED, "changed", "enable_service accept"),
        {EXPECTED: "Invited"},
        {"enable_service": True},
        services=[SECURITYHUB],
        seed={"knobs": {"hub_off": "InvalidAccessException"}},
        is_service_on=False,
    ),
    AdministratorCase(
        37,
        "invited, hub on, and no administrator is no such resource",
        "Adm Inv Accept Adm",
        Seat(None, JOINED, "changed", "accept"),
        {EXPECTED: "Invited"},
        services=[SECURITYHUB],
        seed={"knobs": {"get_administrator_none_sh": "404"}},
        because="the invitations that tell it are those that are needed next: no call more",
    ),
    AdministratorCase(38, "member already", "Adm", Seat(JOINED, JOINED, "unchanged"), {EXPECTED: "Enabled"}),
    AdministratorCase(
        38,
        "suspended member already",
        "Adm",
        Seat((EXPECTED, "Disabled"), (EXPECTED, "Disabled"), "unchanged"),
        {EXPECTED: "Disabled"},
        services=[GUARDDUTY],
    ),
    AdministratorCase(
        39,
        "member of another",
        "Adm",
        Seat((OTHER, "Enabled"), (OTHER, "Enabled"), "failed", "", "member_of_other_administrator"),
        {OTHER: "Enabled", EXPECTED: "Invited"},
        unprocessed=(None, "member_of_other_administrator"),
        says=OTHER,
    ),
    AdministratorCase(
        39,
        "member of another, replace_administrator",
        "Adm*2 Leave Adm Inv Accept Adm",
        Seat((OTHER, "Enabled"), JOINED, "changed", "leave accept"),
        {OTHER: "Enabled", EXPECTED: "Invited"},
        {"replace_administrator": True},
        services=[SECURITYHUB],
        looks="Adm",
        because="Security Hub invites no account that another administrator holds: the invitation may come later",
    ),
    AdministratorCase(
        39,
        "member of another, replace_administrator",
        "Adm Inv Adm Leave Adm Accept Adm",
        Seat((OTHER, "Enabled"), JOINED, "changed", "leave accept"),
        {OTHER: "Enabled", EXPECTED: "Invited"},
        {"replace_administrator": True},
        services=[GUARDDUTY],
        looks="Adm Inv",
    ),
    AdministratorCase(
        39,
        "member of another, left the expected one before, replace_administrator",
        "Adm Inv Adm Leave Adm Accept Adm",
        Seat((OTHER, "Enabled"), JOINED, "changed", "leave accept"),
        {EXPECTED: "Resigned", OTHER: "Enabled"},
        {"replace_administrator": True},
        services=[GUARDDUTY],
        looks="Adm Inv",
    ),
    AdministratorCase(
        39,
        "member of another, not invited, replace_administrator",
        "Adm Inv*2 Adm Inv*14",
        Seat((OTHER, "Enabled"), (OTHER, "Enabled"), "failed", "", "no_invitation"),
        {OTHER: "Enabled", STRANGER: "Invited"},
        {"replace_administrator": True},
        services=[GUARDDUTY],
        unprocessed=("ListInvitations", "no_invitation"),
        plan="Leave Accept",
        says=f"no invitation from {EXPECTED}",
    ),
    AdministratorCase(
        39,
        "member of another, not invited, replace_administrator, no wait",
        "Adm Inv*2 Adm",
        Seat((OTHER, "Enabled"), (OTHER, "Enabled"), "failed", "", "no_invitation"),
        {OTHER: "Enabled"},
        {"replace_administrator": True, "wait": False},
        services=[GUARDDUTY],
        unprocessed=("ListInvitations", "no_invitation"),
        plan="Leave Accept",
        says=f"no invitation from {EXPECTED}",
    ),
    AdministratorCase(
        40,
        "invited by others only",
        "Adm Inv*2 Adm Inv*14",
        Seat(None, None, "failed", "", "no_invitation"),
        {OTHER: "Invited", STRANGER: "Invited"},
        unprocessed=("ListInvitations", "no_invitation"),
        plan="Accept",
        says=f"no invitation from {EXPECTED}",
        because="the contract has no missing_ok",
    ),
    AdministratorCase(
        40,
        "invited by nobody, no wait",
        "Adm Inv*2 Adm",
        Seat(None, None, "failed", "", "no_invitation"),
        options={"wait": False},
        unprocessed=("ListInvitations", "no_invitation"),
        plan="Accept",
        says=f"no invitation from {EXPECTED}",
    ),
    AdministratorCase(
        40,
        "invited by others too, on other pages",
        "Adm Inv*6 Accept Adm",
        Seat(None, JOINED, "changed", "accept"),
        {OTHER: "Invited", STRANGER: "Invited", EXPECTED: "Invited"},
        seed={"knobs": {"page_size": 1, "empty_pages": True}},
        services=[SECURITYHUB],
    ),
    AdministratorCase(
        40,
        "left the expected administrator, accepts its invitation again",
        "Adm Inv Accept Adm",
        Seat(None, JOINED, "changed", "accept"),
        {EXPECTED: "Resigned"},
    ),
    # Further situations
    AdministratorCase(
        "central configuration",
        "",
        "Adm Inv Enable",
        Seat(None, None, "skipped", "", "central_configuration"),
        options={"enable_service": True},
        services=[SECURITYHUB],
        seed=CENTRAL,
        is_service_on=False,
        plan="Enable Accept",
        predicted=Seat(None, JOINED, "changed", "enable_service accept"),
        says="a central configuration policy governs the account",
    ),
    AdministratorCase(
        "service switched on by somebody else meanwhile",
        "EnableSecurityHub",
        "Adm Inv Enable Inv Accept Adm",
        Seat(None, JOINED, "changed", "accept"),
        {EXPECTED: "Invited"},
        {"enable_service": True},
        services=[SECURITYHUB],
        is_service_on=False,
        meanwhile="EnableSecurityHub",
        predicted=Seat(None, JOINED, "changed", "enable_service accept"),
    ),
    AdministratorCase(
        "service switched on by somebody else meanwhile",
        "CreateDetector",
        "Enable Inv Accept Adm",
        Seat(None, JOINED, "changed", "accept"),
        {EXPECTED: "Invited"},
        {"enable_service": True},
        services=[GUARDDUTY],
        is_service_on=False,
        meanwhile="CreateDetector",
        looks="Inv",
        predicted=Seat(None, JOINED, "changed", "enable_service accept"),
    ),
]

# The situations listed below the table of section 8, and the cases that only tests of their own can show.
FURTHER = {
    "unknown status",
    "RegionDisabled, AccountSuspended",
    "Region not opted in",
    "central configuration",
    "service switched on by somebody else meanwhile",
    "AccessDenied of IAM or of a missing record",  # row 31
    "added by the organization between read and write",
    "second run while AWS still shows the state before the first",
    "Decline of a declined invitation",
    "DeleteInvitations before Decline",
}
OWN_TESTS = {
    29: "test_member_with_the_service_switched_on_first_is_created_and_invited",
    "second run while AWS still shows the state before the first": (
        "test_member_invited_by_an_earlier_run_that_is_not_shown_yet_is_unchanged"
    ),
    "AccessDenied of IAM or of a missing record": "the cases of row 31",
}
LEFT_OUT = {
    "Decline of a declined invitation": "no module declines an invitation: a stranger's is never touched",
    "DeleteInvitations before Decline": "no module deletes an invitation: a stranger's is never touched",
    "40, several invitations of one administrator": (
        "AWS and the emulator keep one for each administrator; pick_invitation's own tests have several"
    ),
}


def as_id(case: Case | AdministratorCase, service: str) -> str:
    number = f"{case.number:02}" if isinstance(case.number, int) else case.number
    return f"{number}, {service}: {case.title}".removesuffix(": ")


def parametrize(cases: Sequence[Case | AdministratorCase], by_turns: bool = False) -> Any:
    """Play each case for each of its services; ``by_turns``: for one, and nightly for the others."""
    pairs = [
        pytest.param(
            case,
            service,
            id=as_id(case, service),
            marks=pytest.mark.nightly if by_turns and (turn - number) % len(case.services) else (),
        )
        for turn, case in enumerate(cases)
        for number, service in enumerate(case.services)
    ]
    return pytest.mark.parametrize(("case", "service"), pairs)


def by_account(expected: Mapping[Accounts, Any]) -> dict[str, Any]:
    """Give each account its own entry."""
    return {i: value for key, value in expected.items() for i in ((key,) if isinstance(key, str) else key)}


def row_of(row: Mapping[str, Any]) -> Row:
    return Row(row["previous_status"], row["status"], row["outcome"], " ".join(row["actions"]), row["reason_code"])


def seat_of(row: Mapping[str, Any]) -> Seat:
    before = (row["previous_administrator_id"], row["previous_status"]) if row["previous_administrator_id"] else None
    after = (row["administrator_id"], row["status"]) if row["administrator_id"] else None
    return Seat(before, after, row["outcome"], " ".join(row["actions"]), row["reason_code"])


def unprocessed_of(result: Mapping[str, Any]) -> dict[str, tuple[str | None, str]]:
    return {row["account_id"]: (row["operation"], row["reason_code"]) for row in result["unprocessed_accounts"]}


def reads_of(calls: str) -> str:
    """Return what comes before the first write."""
    words = calls.split()
    is_read = [word.split("[")[0].split("*")[0] in ("R", "L", "Org", "Adm", "Inv") for word in words]
    return " ".join(words[: [*is_read, False].index(False)])


def writes_of(calls: str) -> str:
    words = [word.split("*")[0] for word in calls.split()]
    return " ".join(word for word in words if word.split("[")[0] not in ("R", "V", "L", "Org", "Adm", "Inv"))


def openings_of(case: Case, service: str) -> dict[str, int]:
    """Return the calls that open a conversation: none after bad input, which leaves no rows."""
    if not case.rows:
        return {}
    looks_up = service == GUARDDUTY and "detector_id" not in case.options
    return {"GetCallerIdentity": 1, **({"ListDetectors": 1} if looks_up else {})}


def once(emulator: Emulator, operation: str, happen: Any) -> None:
    """Let something happen just before an operation arrives for the first time."""
    arrived = []

    def hook(moment: str, call: Any, _world: Any) -> None:
        if moment == "before" and call.operation == operation and not arrived:
            arrived.append(call)
            happen()

    emulator.on_call(hook)


class Stage:
    """A case set up in the emulator, ready to be played. Each play starts with an empty log."""

    def __init__(self, emulator: Emulator, run_module: Any, module_name: str, options: Mapping[str, Any]) -> None:
        self.emulator = emulator
        self._play = lambda check: run_module(module_name, check=check, **options)

    def play(self, check: bool = False) -> dict[str, Any]:
        self.emulator.clear_calls()
        return self._play(check)

    @property
    def calls(self) -> str:
        return shorthand(self.emulator.calls)


def stage_member(case: Case, service: str, emulator: Emulator, run_module: Any) -> Stage:
    if case.is_service_on:
        switch_on(emulator, service, ADMINISTRATOR)
    emulator.seed(seed_of(service, case.seed))
    for account_id, status in by_account(case.given).items():
        word, email = (status, None) if isinstance(status, str) else status
        emulator.set_member(service, REGION, ADMINISTRATOR, account_id, word, email)
    for operation, (account_id, status) in case.meanwhile.items():
        once(
            emulator,
            operation_of(service, operation),
            lambda a=account_id, s=status: emulator.set_member(service, REGION, ADMINISTRATOR, a, s),
        )
    members = case.members
    if members is None:
        members = [member(i, case.emails.get(i, email_of(i))) for i in by_account(case.rows)]
    return Stage(emulator, run_module, f"{service}_member", {"members": members, **case.options})


@parametrize(MEMBER_CASES)
def test_member_in_an_edge_case_makes_the_calls_and_returns_the_rows(
    case: Case, service: str, emulator: Emulator, run_module: Any
) -> None:
    stage = stage_member(case, service, emulator, run_module)

    result = stage.play()

    assert stage.calls == case.calls
    assert openings(emulator.calls) == openings_of(case, service)
    assert {row["account_id"]: row_of(row) for row in result["members"]} == by_account(case.rows)
    expected = {i: (operation_of(service, name), code) for i, (name, code) in by_account(case.unprocessed).items()}
    assert unprocessed_of(result) == expected
    assert result.get("failed", False) is bool(case.unprocessed)
    assert result["changed"] is any(row.actions for row in case.rows.values())
    assert planned(result["actions"]) == (writes_of(case.calls) if case.plan is None else case.plan)
    assert case.says in said(result)
    assert set(KEYS) < set(result)


@parametrize(MEMBER_CASES, by_turns=True)
def test_member_in_check_mode_writes_nothing_and_predicts_the_same(
    case: Case, service: str, emulator: Emulator, run_module: Any
) -> None:
    stage = stage_member(case, service, emulator, run_module)

    predicted = stage.play(check=True)

    assert writes(emulator) == []
    assert stage.calls == reads_of(case.calls)
    calls_before = openings(emulator.calls)
    real = stage.play()
    assert openings(emulator.calls) == calls_before  # looked up once for the whole conversation
    assert predicted["actions"] == real["actions"]
    if case.predicted is None:
        assert foreseeable(predicted["members"]) == foreseeable(real["members"])
        assert predicted["changed"] is real["changed"]
    else:
        assert {row["account_id"]: row_of(row) for row in predicted["members"]} == by_account(case.predicted)
        assert predicted["changed"] is any(row.actions for row in case.predicted.values())
    if not writes_of(case.calls):
        assert predicted["unprocessed_accounts"] == real["unprocessed_accounts"]
        assert said(predicted) == said(real)
    else:
        assert predicted["unprocessed_accounts"] == []


@parametrize([case for case in MEMBER_CASES if not case.unprocessed], by_turns=True)
def test_member_run_again_writes_nothing(case: Case, service: str, emulator: Emulator, run_module: Any) -> None:
    stage = stage_member(case, service, emulator, run_module)
    first = stage.play()

    second = stage.play()

    assert writes(emulator) == []
    assert (second["changed"], second["actions"], second["unprocessed_accounts"]) == (False, [], [])
    assert [row["status"] for row in second["members"]] == [row["status"] for row in first["members"]]


def test_member_with_the_service_switched_on_first_is_created_and_invited(emulator: Emulator, run_module: Any) -> None:
    for service in ALL:
        run_module(SERVICES[service].service_module)
        emulator.clear_calls()

        result = run_module(f"{service}_member", members=[member(A)])

        assert shorthand(emulator.calls) == "R[A] C[A] V[A] I[A] V[A]"
        assert row_of(result["members"][0]) == INVITED_ANEW


@pytest.mark.parametrize("service", ALL)
def test_member_invited_by_an_earlier_run_that_is_not_shown_yet_is_unchanged(
    service: str, emulator: Emulator, run_module: Any
) -> None:
    emulator.set_member(service, REGION, ADMINISTRATOR, A, "Invited")
    record = emulator.member(service, REGION, ADMINISTRATOR, A)
    record.seen_as = Later("Created", emulator.world.now() + 10, 0)

    result = run_module(f"{service}_member", members=[member(A)])

    assert shorthand(emulator.calls) == "R[A] I[A] V[A]*5"
    assert row_of(result["members"][0]) == Row("Created", "Invited", "unchanged")
    assert (result["changed"], result["unprocessed_accounts"]) == (False, [])


def test_securityhub_member_without_email_sends_no_email(emulator: Emulator, run_module: Any) -> None:
    switch_on(emulator, SECURITYHUB, ADMINISTRATOR)

    run_module("securityhub_member", members=[member(A, None)])

    sent = [call.params for call in emulator.calls if call.operation == "CreateMembers"]
    assert sent == [{"AccountDetails": [{"AccountId": A}]}]


def stage_administrator(case: AdministratorCase, service: str, emulator: Emulator, run_module: Any) -> Stage:
    emulator.seed(case.seed)
    for administrator_id, status in case.given.items():
        emulator.set_member(service, REGION, administrator_id, A, status)
    if case.is_service_on:
        switch_on(emulator, service, A)
    if case.meanwhile:
        once(emulator, case.meanwhile, lambda: switch_on(emulator, service, A))
    # With this key, A is the caller.
    options = {"access_key": f"AKIADIRECT{A}", "administrator_id": EXPECTED, **case.options}
    return Stage(emulator, run_module, f"{service}_administrator", options)


@parametrize(ADMINISTRATOR_CASES)
def test_administrator_in_an_edge_case_makes_the_calls_and_returns_the_row(
    case: AdministratorCase, service: str, emulator: Emulator, run_module: Any
) -> None:
    stage = stage_administrator(case, service, emulator, run_module)

    result = stage.play()

    assert stage.calls == case.calls
    assert {call.account_id for call in emulator.calls} == {A}
    assert [seat_of(row) for row in result["administrators"]] == [case.row]
    assert unprocessed_of(result) == ({A: case.unprocessed} if case.unprocessed else {})
    assert result.get("failed", False) is bool(case.unprocessed)
    assert result["changed"] is bool(case.row.actions)
    assert planned(result["actions"]) == (writes_of(case.calls) if case.plan is None else case.plan)
    assert case.says in said(result)
    assert set(KEYS) < set(result)


@parametrize(ADMINISTRATOR_CASES)
def test_administrator_in_check_mode_writes_nothing_and_predicts_the_same(
    case: AdministratorCase, service: str, emulator: Emulator, run_module: Any
) -> None:
    stage = stage_administrator(case, service, emulator, run_module)

    predicted = stage.play(check=True)

    assert writes(emulator) == []
    # Check mode looks for an invitation once and does not wait for it.
    assert stage.calls == ("Adm Inv" if case.row.reason_code == "no_invitation" else case.looks or reads_of(case.calls))
    real = stage.play()
    assert predicted["actions"] == real["actions"]
    if case.predicted is None:
        assert foreseeable(predicted["administrators"]) == foreseeable(real["administrators"])
        assert predicted["changed"] is real["changed"]
    else:
        assert [seat_of(row) for row in predicted["administrators"]] == [case.predicted]
        assert predicted["changed"] is bool(case.predicted.actions)
    if not writes_of(case.calls):
        assert predicted["unprocessed_accounts"] == real["unprocessed_accounts"]
        assert said(predicted) == said(real)
    else:
        assert predicted["unprocessed_accounts"] == []


@parametrize([case for case in ADMINISTRATOR_CASES if not case.unprocessed and case.row.outcome != "skipped"])
def test_administrator_run_again_writes_nothing(
    case: AdministratorCase, service: str, emulator: Emulator, run_module: Any
) -> None:
    stage = stage_administrator(case, service, emulator, run_module)
    stage.play()

    second = stage.play()

    assert stage.calls == "Adm"
    assert (second["changed"], second["actions"], second["unprocessed_accounts"]) == (False, [], [])
    assert [row["outcome"] for row in second["administrators"]] == ["unchanged"]


def test_administrator_with_strangers_inviting_never_touches_their_invitations(
    emulator: Emulator, run_module: Any
) -> None:
    for service in ALL:
        switch_on(emulator, service, A)
        for stranger in (OTHER, STRANGER):
            emulator.set_member(service, REGION, stranger, A, "Invited")

        run_module(f"{service}_administrator", access_key=f"AKIADIRECT{A}", administrator_id=EXPECTED)

        assert writes(emulator) == []


def test_section_8_every_row_is_a_case_or_listed_with_its_reason() -> None:
    cases = {case.number for case in (*MEMBER_CASES, *ADMINISTRATOR_CASES)}

    assert cases | OWN_TESTS.keys() | LEFT_OUT.keys() >= set(range(1, 41)) | FURTHER
    assert {number for number in cases if isinstance(number, str)} <= FURTHER
    assert all(name in globals() for name in OWN_TESTS.values() if name.startswith("test_"))


@pytest.mark.parametrize("wait", [True, False])
def test_check_mode_finds_that_an_account_without_a_detector_was_not_invited(wait, run_module, emulator) -> None:
    options = {"administrator_id": EXPECTED, "enable_service": True, "wait": wait, "wait_timeout": 1}
    stage = Stage(emulator, run_module, "guardduty_administrator", {"access_key": f"AKIADIRECT{A}", **options})

    predicted, real = stage.play(check=True), stage.play()

    for result in (predicted, real):
        assert [seat_of(row) for row in result["administrators"]] == [
            Seat(None, None, "failed", "enable_service", "no_invitation")
        ]
