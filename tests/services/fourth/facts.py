# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that does not exist, and differs from all that do: its facts.

One call creates and invites, 100 accounts at a time; one call ends and deletes; nobody remembers who left; a record
may be on its way by itself; there are no tags, and a paused word of its own.
"""

from __future__ import annotations

from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    MessageRules,
    Reading,
    Reason,
    Rule,
    ServiceFacts,
    ServiceKind,
    State,
    Step,
)

FOURTH = ServiceFacts(
    name="fourth",
    client="fourth9",
    title="Fourth",
    kind=ServiceKind(
        module="watch",
        rows="watches",
        handle="watch_name",
        settings={"enabled": True},
        has_tags=False,
        suspended="DORMANT",
    ),
    member_options=("monitoring", "invitation_message"),
    words={
        State.VERIFYING: ("CHECKING",),
        State.VERIFICATION_FAILED: ("CHECK_FAILED",),
        State.INVITED: ("ASKED",),
        State.ARRIVING: ("JOINING",),
        State.ENABLED: ("JOINED",),
        State.SUSPENDED: ("SLEEPING",),
        State.ACCOUNT_SUSPENDED: ("CLOSED",),
    },
    operations={
        Step.CREATE: "AskAccounts",
        Step.DELETE: "ForgetAccounts",
        Step.START_MONITORING: "WakeAccount",
        Step.STOP_MONITORING: "LullAccount",
        Step.ENABLE_SERVICE: "StartWatch",
        Step.UPDATE_SERVICE: "ChangeWatch",
        Step.DISABLE_SERVICE: "EndWatch",
        Step.ACCEPT: "Join",
        Step.LEAVE: "Part",
    },
    accounts_per_call={Step.CREATE: 100, Step.DELETE: 100, Step.START_MONITORING: 1, Step.STOP_MONITORING: 1},
    reading=Reading(accounts=100, page=200),
    refusals=(
        Rule("joined you before", Reason.ALREADY_MEMBER, (Step.CREATE,)),
        Rule("watch is over", Reason.SERVICE_NOT_ENABLED),
    ),
    message=MessageRules("[a-z]+", "small letters"),
    deletes_organization_members=True,
    invites_held_accounts=False,
    creating_invites=True,
    remembers_leavers=False,
)
