# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Security Hub alone says, and what it means. The first rule that fits wins."""

from __future__ import annotations

from ..._membership.model import Reason, Rule, Step

REFUSALS = (
    # More than 50 accounts in one call, no quota.
    Rule("maximum number of results exceeded", Reason.INVALID_INPUT),
    Rule("cannot disable security hub on the", Reason.STILL_ASSOCIATED, (Step.DISABLE_SERVICE,)),
    Rule("must be a security hub delegated administrator", Reason.NOT_DELEGATED_ADMINISTRATOR),
    Rule("managed by a configuration policy", Reason.CENTRAL_CONFIGURATION),
    Rule("central configuration", Reason.CENTRAL_CONFIGURATION),
    Rule("not subscribed", Reason.SERVICE_NOT_ENABLED),
    Rule("not enabled for securityhub", Reason.SERVICE_NOT_ENABLED),
    # Both list nothing where there is nothing: what is not there is the hub. Of an account or an administrator, the
    # same text may mean the record, see is_missing_resource.
    Rule("no such resource found", Reason.SERVICE_NOT_ENABLED, ("ListInvitations", "ListMembers")),
)
