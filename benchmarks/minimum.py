# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least number of API calls for a job. docs/benchmark.md says why each of them is needed.

A task is a process that shares nothing with the task before: it has to know whose credentials it has and, in
GuardDuty, the detector of each Region, which every call names. It reads before it writes, writes only what is missing,
and reads back what it wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

Calls = Counter[tuple[str, str]]

_IDENTITY: Calls = Counter({("sts", "GetCallerIdentity"): 1})
_HANDLE = {"guardduty": ["ListDetectors"], "securityhub": []}
_SWITCH = {"guardduty": ["ListDetectors", "GetDetector"], "securityhub": ["DescribeHub"]}
# By account and Region: is the service on, switch it on, find the invitation, accept it.
_JOIN = {
    "guardduty": ["ListDetectors", "CreateDetector", "ListInvitations", "AcceptAdministratorInvitation"],
    # A hub that is off is no administrator to GetAdministratorAccount: ListInvitations tells the two apart.
    "securityhub": [
        "GetAdministratorAccount",
        "ListInvitations",
        "EnableSecurityHub",
        "ListInvitations",
        "AcceptAdministratorInvitation",
    ],
}
# The administrator's batches: what is read to know, what is written, and what is read to verify.
BATCHES = {
    "invitation": ["GetMembers", "CreateMembers", "InviteMembers", "GetMembers"],
    "organization": ["GetMembers", "CreateMembers", "GetMembers"],
    "no-op": ["GetMembers"],
    "offboarding": ["GetMembers", "DisassociateMembers", "DeleteMembers", "GetMembers"],
}


def _times(service: str, operations: Iterable[str], count: int) -> Calls:
    counted = Counter((service, operation) for operation in operations)
    return Counter({call: number * count for call, number in counted.items()})


def least_calls(scenario: str, accounts: int, regions: int) -> Calls:
    """Return the least calls, by service and operation, for a number of accounts in a number of Regions."""
    batches = -(-accounts // 50)
    calls: Calls = Counter()
    for service, handle in _HANDLE.items():
        # Whether the service is on, which also tells whose the credentials are.
        calls += _IDENTITY + _times(service, _SWITCH[service], regions)
        calls += _IDENTITY + _times(service, handle, regions)
        calls += _times(service, BATCHES[scenario], regions * batches)
        if scenario == "organization":  # whether the caller is the delegated administrator, before the first record
            calls += _times(service, ["DescribeOrganizationConfiguration"], regions)
        if scenario == "invitation":
            # To see that the account can be entered, before it is invited, and to accept there.
            calls += _IDENTITY + _times("sts", ["AssumeRole"], 2 * accounts)
            calls += _times(service, _JOIN[service], regions * accounts)
            # That the administrator sees what was accepted, once for all.
            calls += _IDENTITY + _times(service, [*handle], regions)
            calls += _times(service, ["GetMembers"], regions * batches)
    return calls


def least_calls_of_macie(scenario: str, accounts: int, regions: int) -> Calls:
    """Return the same for Macie: members are read by pages of 25, and all but invitations take one account a call."""
    pages = max(1, -(-accounts // 25))
    calls = _IDENTITY + _times("macie", ["GetMacieSession"], regions) + _IDENTITY
    if scenario == "no-op":
        return calls + _times("macie", ["ListMembers"], regions * pages)
    # Nobody is a member yet, which one page tells.
    calls += _times("macie", ["ListMembers"], regions)
    calls += _times("macie", ["CreateMember"], regions * accounts)
    calls += _times("macie", ["CreateInvitations"], regions * -(-accounts // 50))
    calls += _times("macie", ["ListMembers"], regions * pages)
    calls += _IDENTITY + _times("sts", ["AssumeRole"], 2 * accounts)
    calls += _times("macie", ["GetAdministratorAccount"], regions * accounts)
    calls += _times("macie", ["EnableMacie", "ListInvitations", "AcceptInvitation"], regions * accounts)
    return calls + _IDENTITY + _times("macie", ["ListMembers"], regions * pages)


# The whole way of an organization, of each Region: who is in office, and in GuardDuty the detector before the settings
# and before the members; what the settings are.
_OFFICE = {
    "guardduty": [
        "ListOrganizationAdminAccounts",
        "ListDetectors",
        "DescribeOrganizationConfiguration",
        "ListDetectors",
    ],
    "securityhub": ["ListOrganizationAdminAccounts", "DescribeOrganizationConfiguration"],
}
# From nothing, besides: two writes that are read back, and the question before the first record.
_FIRST = [
    "EnableOrganizationAdminAccount",
    "ListOrganizationAdminAccounts",
    "UpdateOrganizationConfiguration",
    "DescribeOrganizationConfiguration",
    "DescribeOrganizationConfiguration",
]
_READ_OF_MEMBERS = {"guardduty": ["GetMembers", "GetMemberDetectors"], "securityhub": ["GetMembers"]}


def least_calls_of_an_organization(service: str, is_fresh: bool, accounts: int, regions: int) -> Calls:
    """Return the least calls, without STS, to delegate, configure and have all accounts as members with features.

    Security Hub needs no trusted access of its own doing, and has no features.

    :param is_fresh: From nothing, where AWS gives new members the features that are asked for; else all is done.
    """
    batches = regions * -(-accounts // 50)
    calls = _times(service, _OFFICE[service], regions) + _times(service, _READ_OF_MEMBERS[service], batches)
    trust = ["ListAWSServiceAccessForOrganization", *(["EnableAWSServiceAccess"] if is_fresh else [])]
    calls += _times("organizations", trust if service == "guardduty" else [], 1)
    if is_fresh:
        calls += _times(service, _FIRST, regions) + _times(service, ["CreateMembers", "GetMembers"], batches)
    return calls
