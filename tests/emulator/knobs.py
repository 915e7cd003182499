# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything about AWS that is not settled, or that a test wants to provoke: one switch each, the default first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .errors import EmulatorError


@dataclass(frozen=True)
class Knobs:
    """The settings of one emulator. Immutable: changing one makes a new value, so a request sees one consistent set."""

    # Open questions of the reference: both outcomes can be had.
    resigned_invite: Literal["refuse", "accept"] = "refuse"
    invited_delete: Literal["ok", "still_associated"] = "ok"
    pending_disassociate: Literal["Removed", "refuse"] = "Removed"  # invited or closed; Security Hub refuses silently
    decline_gd: str = "Resigned"  # any status
    get_members_unknown: Literal["omit", "unprocessed", "error"] = "omit"  # error: Security Hub only
    unknown_member_sh: Literal["refuse", "error"] = "refuse"  # invite, disassociate, delete without a record
    no_such_resource_code: Literal["ResourceNotFoundException", "AccessDeniedException", "BadRequestException"] = (
        "ResourceNotFoundException"
    )
    # Security Hub's membership operations with the hub off: each as it was seen to answer, or all alike.
    hub_off: Literal["recorded", "BadRequestException", "AccessDeniedException", "InvalidAccessException"] = "recorded"
    get_administrator_none_gd: Literal["null", "empty"] = "null"
    get_administrator_none_sh: Literal["empty", "404"] = "empty"
    # What an organization's member is told that changes or deletes its detector, and an administrator with members.
    organization_member_gd: Literal["cannot_manage", "out_of_range"] = "cannot_manage"
    detector_in_use_gd: Literal["2026", "2018"] = "2026"
    governed_sh: Literal["managed", "associated"] = "managed"  # EnableSecurityHub under a configuration policy
    list_default_gd: Literal["associated", "all"] = "associated"
    list_invitations_includes_accepted: Literal["securityhub", "neither", "both"] = "securityhub"
    verify_email: Literal["on", "off"] = "on"  # GuardDuty
    benign_texts: Literal["2017", "2020"] = "2017"  # wording of GuardDuty's refusals
    sh_delete_leaves: Literal["gone", "Deleted"] = "gone"
    sh_active_word: Literal["Enabled", "Associated"] = "Enabled"
    get_member_unknown_macie: Literal["404", "not_associated", "not_member", "conflict"] = "404"
    get_administrator_none_macie: Literal["empty", "404"] = "empty"
    already_member_code_macie: Literal["ValidationException", "ConflictException"] = "ValidationException"
    held_code_macie: Literal["ConflictException", "ValidationException"] = "ConflictException"
    removed_create_macie: Literal["accept", "refuse"] = "accept"  # CreateMember for an organization's Removed member
    all_refusal: Literal["request", "account"] = "request"  # DisassociateMembers, StopMonitoringMembers under ALL

    # AWS Organizations.
    other_delegate_elsewhere: Literal["refuse", "accept"] = "refuse"  # another administrator in another Region
    # The first call of an organization, while another Region's is not in office yet.
    delegate_meanwhile: Literal["refuse", "accept"] = "refuse"
    describe_of_other_gd: Literal["not_enabled", "out_of_range"] = "not_enabled"  # while another account is delegated
    delegate_again: Literal["accept", "refuse"] = "accept"  # the one that is in office already
    delegate_without_trust_gd: Literal["accept", "refuse"] = "accept"  # accept: the call switches trusted access on
    delegate_standards_sh: Literal["on", "off"] = "on"  # default standards of a hub that the delegation switches on
    standards_left_out_sh: Literal["kept", "default"] = "kept"  # of a change of settings that leaves them out
    unset_features: Literal["listed", "left_out"] = "listed"
    additional_configuration: Literal["merge", "replace"] = "merge"
    unknown_feature: Literal["refuse", "ignore"] = "refuse"
    malware_without_trust: Literal["refuse", "accept"] = "refuse"
    managed_feature: Literal["request", "account"] = "request"  # what a write to a feature of a policy is refused as
    features_visible_seconds: float = 0  # after CreateMembers: "not an associated member"
    features_visible_reads: int = 0
    delegate_visible_seconds: float = 0
    delegate_visible_reads: int = 0
    revoke_visible_seconds: float = 0
    revoke_visible_reads: int = 0
    configuration_visible_seconds: float = 0  # Security Hub's settings: PENDING until then
    configuration_visible_reads: int = 0
    # What Organizations tells of an account: since 2026, since 2025, before; and what an old SDK makes of the first.
    organizations_fields: Literal["State+Paths", "State", "Status", "neither"] = "State+Paths"

    # Limits. None: the numbers AWS documents.
    members_quota: int | None = None
    invitations_quota: int | None = None
    page_size: int | None = None  # never more than this per page, whatever MaxResults says
    empty_pages: bool = False  # every page is preceded by an empty one that carries a token
    rate_limit: Literal["off", "securityhub", "both", "macie", "all"] = "off"
    rate_limit_per_second: float = 10
    rate_limit_burst: int = 30
    rate_limit_code: Literal["TooManyRequestsException", "LimitExceededException"] = "TooManyRequestsException"

    # Eventual consistency, in seconds of the emulator's clock and in reads that still show the old state.
    create_visible_seconds: float = 0
    create_visible_reads: int = 0
    invite_visible_seconds: float = 0
    invite_visible_reads: int = 0
    verification_seconds: float = 0
    verification_reads: int = 0
    accept_visible_seconds: float = 0
    accept_visible_reads: int = 0

    # Every read shows a write only after so many seconds: those of its operation, else those of all operations. Until
    # then it shows the past of the service in the whole Region. "writes": they, too, miss a detector or hub that is not
    # shown yet.
    lag_seconds: float = 0
    lag_seconds_of: Mapping[str, float] = field(default_factory=dict)
    lag_hits: Literal["reads", "writes"] = "reads"

    # Seconds from the first use of an access key that comes with a session token until it has expired; 0: never. The
    # time runs from AssumeRole for the keys that it gives.
    session_seconds: float = 0

    latency: float = 0  # really slept, by the thread of each request
    # AssumeRole succeeds, but with the keys of this account (or, as a mapping, of the account the asked one maps to).
    assume_role_wrong_account: str | Mapping[str, str] | None = None

    def changed(self, **values: Any) -> Knobs:
        """Return a copy with other values; unknown names and values that are no choice are refused."""
        return replace(self, **{name: _checked(name, value) for name, value in values.items()})


_YAML_WORDS = {True: "on", False: "off"}  # what YAML makes of an unquoted on or off


def _checked(name: str, value: Any) -> Any:
    if name not in _CHOICES:
        raise EmulatorError(f"no knob {name!r}; there are {', '.join(sorted(_CHOICES))}")
    if not _CHOICES[name]:
        return value
    word = _YAML_WORDS[value] if isinstance(value, bool) else str(value)
    if word not in _CHOICES[name]:
        raise EmulatorError(f"knob {name} is one of {', '.join(_CHOICES[name])}, not {value!r}")
    return word


def _choices() -> dict[str, tuple[str, ...]]:
    hints = get_type_hints(Knobs)
    return {
        item.name: get_args(hints[item.name]) if get_origin(hints[item.name]) is Literal else ()
        for item in fields(Knobs)
    }


_CHOICES = _choices()
