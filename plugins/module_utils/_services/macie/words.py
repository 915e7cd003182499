# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Macie alone says, and what it means. The first rule that fits wins.

Macie has the same few error codes for every operation, so that its texts decide. "Off" comes as AccessDeniedException.
"""

from __future__ import annotations

from ..._membership.model import Reason, Rule, Step
from ..._membership.reasons import is_missing_resource, is_said

REFUSALS = (
    Rule("macie is not enabled", Reason.SERVICE_NOT_ENABLED),
    Rule("cannot disable macie while", Reason.STILL_ASSOCIATED, (Step.DISABLE_SERVICE,)),
    Rule("cannot suspend macie while", Reason.STILL_ASSOCIATED, (Step.UPDATE_SERVICE,)),
    Rule("cannot exceed the maximum number of members", Reason.QUOTA_EXCEEDED),
)

# GetMember of an account without a record: a 404 by the API's reference, and by what others have met one of these.
_NO_RECORD = (
    "not associated with your account",
    "member accounts are associated with your account",
    "not an associated member of account",
)
_ON_ALREADY = ("macie has already been enabled",)


def is_no_record(code: str, text: str) -> bool:
    """Tell whether AWS says that the account that was asked for has no record."""
    return is_missing_resource(code, text) or is_said(text, _NO_RECORD)


def is_on_already(text: str) -> bool:
    """Tell whether switching Macie on was refused because it is on."""
    return is_said(text, _ON_ALREADY)
