# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories: what accounts, other people and AWS do, interleaved with our modules with random options.

After every module run, whatever came before it, the same must hold; see :meth:`History.play`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, ModuleRunner, TestTime
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY
from ansible_collections.muster.aws.tests.trust.scenes import FACTS, GUARDDUTY, SERVICES, SWITCH
from ansible_collections.muster.aws.tests.trust.truth import (
    accepted,
    accounts_in,
    is_accepted,
    lies_in,
    rows_of,
    state_of,
    step_of,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

REGION = "us-east-1"
ACCOUNTS = ("012345678901", "222222222222", "333333333333", "444444444444")
OTHER = "888888888888"
STRANGER = "099999999999"

# All services together: 24 histories in the default profile, 2,000 in the nightly one.
HISTORIES = settings().max_examples // len(SERVICES)

# The bounds of one run over four accounts in one Region.
MOST_CALLS = 250
MOST_SECONDS = 600

PENDING = ("Invited", "EmailVerificationInProgress")
ASSOCIATED = ("Enabled", "Disabled")

accounts = st.sampled_from(ACCOUNTS)
some_accounts = st.lists(accounts, min_size=1, max_size=len(ACCOUNTS), unique=True)
flags = st.booleans()

# What AWS has not settled, either way.
KNOBS = {
    "resigned_invite": ["refuse", "accept"],
    "invited_delete": ["ok", "still_associated"],
    "decline_gd": ["Resigned", "Removed"],
    "get_members_unknown": ["omit", "unprocessed", "error"],
    "unknown_member_sh": ["refuse", "error"],
    "no_such_resource_code": ["ResourceNotFoundException", "AccessDeniedException", "BadRequestException"],
    "get_administrator_none_sh": ["empty", "404"],
    "list_invitations_includes_accepted": ["securityhub", "neither", "both"],
    "hub_off": ["recorded", "BadRequestException", "AccessDeniedException", "InvalidAccessException"],
    "get_administrator_none_gd": ["null", "empty"],
    "organization_member_gd": ["cannot_manage", "out_of_range"],
    "benign_texts": ["2017", "2020"],
    "sh_delete_leaves": ["gone", "Deleted"],
    "sh_active_word": ["Enabled", "Associated"],
    "all_refusal": ["request", "account"],
    "empty_pages": [False, True],
    "page_size": [None, 1],
    "create_visible_seconds": [0, 2],
    "create_visible_reads": [0, 1],
    "invite_visible_seconds": [0, 2],
    "verification_seconds": [0, 3],
    "accept_visible_seconds": [0, 2],
}


class History(RuleBasedStateMachine):
    """The rules: events of the world, and module runs."""

    counts: Counter[str] = Counter()
    emulator: Emulator
    run_module: ModuleRunner
    clock: TestTime
    service: str

    @initialize(
        knobs=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in KNOBS.items()}),
        organization=st.sampled_from([None, "NONE", "ALL"]),
    )
    def begin(self, knobs: Mapping[str, Any], organization: str | None) -> None:
        self.counts["histories"] += 1
        self.has_played = False
        self.emulator.reset()
        self.emulator.set_knobs(**knobs)
        self.emulator.seed({"services": [{"service": self.service, "account_id": ADMINISTRATOR, "regions": [REGION]}]})
        self.is_organization = organization is not None
        if organization:
            auto_enable = {**dict.fromkeys(SERVICES, organization == "ALL"), GUARDDUTY: organization}
            self.emulator.seed(
                {
                    "organization": {
                        "management_account": STRANGER,
                        "account_ids": list(ACCOUNTS[:3]),
                        "delegated_administrator": dict.fromkeys(SERVICES, ADMINISTRATOR),
                        "auto_enable": auto_enable,
                    }
                }
            )

    # --- the world ----------------------------------------------------------------------------------------------------

    def status(self, account_id: str, administrator_id: str = ADMINISTRATOR) -> str | None:
        member = self.emulator.member(self.service, REGION, administrator_id, account_id)
        return member.status if member else None

    def put(self, account_id: str, status: str | None, administrator_id: str = ADMINISTRATOR) -> None:
        self.counts["events"] += 1
        self.emulator.set_member(self.service, REGION, administrator_id, account_id, status)

    def is_held(self, account_id: str) -> bool:
        with self.emulator.lock:
            return self.emulator.world.home(self.service, account_id, REGION).administrator_id is not None

    @rule(account_id=accounts)
    def joins_by_itself(self, account_id: str) -> None:
        if self.status(account_id) in ("Invited", "Resigned") and not self.is_held(account_id):
            self.put(account_id, "Enabled")

    @rule(account_id=accounts)
    def leaves(self, account_id: str) -> None:
        if self.status(account_id) in ASSOCIATED + PENDING:
            self.put(account_id, "Resigned")

    @rule(account_id=accounts, status=st.sampled_from(["Removed", None, "Created"]))
    def is_changed_by_hand(self, account_id: str, status: str | None) -> None:
        if self.status(account_id):
            self.put(account_id, status)

    @rule(
        account_id=accounts,
        status=st.sampled_from(
            ["AccountSuspended", "Unheard", "", "RegionDisabled", "Deleted", "EmailVerificationFailed"]
        ),
    )
    def gets_an_odd_status(self, account_id: str, status: str) -> None:
        if not self.is_held(account_id):
            self.put(account_id, status)

    @rule(account_id=accounts)
    def is_suspended(self, account_id: str) -> None:
        word = FACTS[self.service].word_for(State.SUSPENDED)
        if word and self.status(account_id) == "Enabled":
            self.put(account_id, word)

    @rule(account_id=accounts, is_right=flags)
    def changes_its_address(self, account_id: str, is_right: bool) -> None:
        self.counts["events"] += 1
        with self.emulator.lock:
            address = f"{account_id}@example.com" if is_right else "moved@example.com"
            self.emulator.world.account(account_id).email = address

    @precondition(lambda self: self.is_organization)
    @rule(account_id=st.sampled_from(ACCOUNTS[:3]))
    def is_added_by_auto_enable(self, account_id: str) -> None:
        if not self.is_held(account_id):
            self.put(account_id, "Enabled")

    @rule(account_id=accounts, status=st.sampled_from(["Invited", "Enabled", "Resigned"]))
    def another_administrator_acts(self, account_id: str, status: str) -> None:
        if not self.is_held(account_id):
            self.put(account_id, status, OTHER)

    @rule(account_id=accounts)
    def switches_the_service_on(self, account_id: str) -> None:
        self.counts["events"] += 1
        self.emulator.seed({"services": [{"service": self.service, "account_id": account_id, "regions": [REGION]}]})

    # --- our modules --------------------------------------------------------------------------------------------------

    @rule(
        listed=some_accounts,
        options=st.fixed_dictionaries(
            {},
            optional={
                "state": st.sampled_from(["present", "disassociated", "absent"]),
                "via": st.sampled_from(["invitation", "organization"]),
                "invite": flags,
                "reinvite_resigned": flags,
                "replace_failed": flags,
                "monitoring": st.sampled_from(["enabled", "suspended"]),
                "purge_members": flags,
                "purge_limit": st.integers(0, 4),
                "fail_on_unprocessed": flags,
            },
        ),
    )
    def runs_member(self, listed: list[str], options: dict[str, Any]) -> None:
        lacking = {"replace_failed", "monitoring"}.difference(FACTS[self.service].member_options)
        options = {name: value for name, value in options.items() if name not in lacking}
        if options.get("state", "present") != "present":
            options = {name: value for name, value in options.items() if name != "purge_members"}
        members = [{"account_id": account_id, "email": f"{account_id}@example.com"} for account_id in listed]
        self.play(f"{self.service}_member", listed, {**options, "members": members, "wait_timeout": 20})

    @rule(
        listed=some_accounts,
        options=st.fixed_dictionaries(
            {},
            optional={
                "state": st.sampled_from(["present", "absent"]),
                "enable_service": flags,
                "replace_administrator": flags,
            },
        ),
    )
    def runs_administrator(self, listed: list[str], options: dict[str, Any]) -> None:
        more = {"account_ids": listed, "role_name": "Muster", "administrator_id": ADMINISTRATOR, "wait_timeout": 20}
        self.play(f"{self.service}_administrator", listed, {**options, **more})

    @rule(listed=some_accounts, state=st.sampled_from(["present", "present", "absent"]))
    def runs_switch(self, listed: list[str], state: str) -> None:
        options = {"account_ids": listed, "role_name": "Muster", "state": state}
        self.play(SWITCH[self.service], listed, options)

    def teardown(self) -> None:
        """A history in which no module ran would prove nothing."""
        if not getattr(self, "has_played", True):
            self.runs_member(list(ACCOUNTS), {})

    def run(self, module: str, options: Mapping[str, Any], check: bool = False) -> tuple[dict[str, Any], list[Call]]:
        self.emulator.clear_calls()
        started = self.clock.slept
        result = self.run_module(module, region=REGION, check=check, **options)
        calls = self.emulator.calls
        self.counts["runs"] += 1
        self.counts["most calls"] = max(self.counts["most calls"], len(calls))
        assert len(calls) <= MOST_CALLS and self.clock.slept - started <= MOST_SECONDS, (len(calls), module, options)
        return result, calls

    def play(self, module: str, listed: list[str], options: dict[str, Any]) -> None:
        """Check mode, the real run, a second run: the properties."""
        self.has_played = True
        # Between two tasks some time passes, and what was to show late has shown.
        self.emulator.advance(10)
        for _read in range(2):
            self.run(f"{self.service}_member_info", {})
        before = state_of(self.emulator)
        predicted, calls = self.run(module, options, check=True)
        assert not [call for call in calls if call.is_write]
        assert state_of(self.emulator) == before
        statuses = {each: self.status(each) for each in (*ACCOUNTS, OTHER)}
        holders = {each: before.get(("administrator", self.service, REGION, each)) for each in ACCOUNTS}
        result, calls = self.run(module, options)
        after = state_of(self.emulator)

        assert lies_in(result, before, after, calls) == [], (options, result)
        if not rows_of(result) and result.get("failed"):
            # A brake: nothing was begun, and check mode said the same.
            assert predicted["msg"] == result["msg"] and not [call for call in calls if call.is_write]
            return
        self.assert_total(result, listed, options)
        self.assert_predicted(predicted, result, options)
        self.assert_asked_for(calls, listed, options, statuses, holders)
        second, calls = self.run(module, options)
        self.assert_nothing_again(result, second, calls)

    def assert_total(self, result: Mapping[str, Any], listed: list[str], options: Mapping[str, Any]) -> None:
        rows = [row["account_id"] for row in rows_of(result)]
        assert len(rows) == len(set(rows)) and set(listed) <= set(rows)
        assert set(rows) == set(listed) or options.get("purge_members")

    def is_foreseeable(self, account_id: str, options: Mapping[str, Any]) -> bool:
        """Only AWS knows how an account becomes a member, where the option `via` does not say it as it is."""
        is_in_organization = self.is_organization and account_id in ACCOUNTS[:3]
        return is_in_organization is (options.get("via") == "organization")

    def assert_predicted(
        self, predicted: Mapping[str, Any], real: Mapping[str, Any], options: Mapping[str, Any]
    ) -> None:
        assert predicted["actions"] == real["actions"]
        foreseen = {row["account_id"]: row for row in rows_of(predicted)}
        assert foreseen.keys() == {row["account_id"] for row in rows_of(real)}
        refused = {row["account_id"] for row in real["unprocessed_accounts"] if row["operation"]}
        for row in rows_of(real):
            guess = foreseen[row["account_id"]]
            if "members" in real and not self.is_foreseeable(row["account_id"], options):
                assert guess["actions"] or not row["actions"], (guess, row)
            elif row["account_id"] in refused or row["outcome"] == "timed_out":
                # AWS refused what was sent, which only AWS could know: at least it was foreseen to be sent.
                assert guess["actions"] or guess["reason_code"] == row["reason_code"], (guess, row)
            elif row["reason_code"] == "email_verification_failed" and row["actions"]:
                assert guess["actions"][-1:] == ["invite"], (guess, row)
            else:
                self.assert_row_predicted(guess, row)

    def assert_row_predicted(self, guess: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        assert (guess["outcome"], guess["reason_code"]) == (row["outcome"], row["reason_code"]), (guess, row)
        # A member that resigned and cannot be invited, an invitation that cannot be deleted: the detours that AWS
        # forces are not foreseen, their end is.
        if tuple(guess["actions"]) not in {
            ("invite",),
            ("delete",),
            ("delete", "create"),
            ("delete", "create", "invite"),
        }:
            assert guess["actions"] == row["actions"], (guess, row)
        same = {None: {None, "Deleted"}, "Enabled": {"Enabled", "Associated", "Disabled", "Paused"}}
        assert row["status"] in same.get(guess["status"], {guess["status"]}), (guess, row)

    def assert_asked_for(
        self,
        calls: list[Call],
        listed: list[str],
        options: Mapping[str, Any],
        statuses: Mapping[str, str | None],
        holders: Mapping[str, str | None],
    ) -> None:
        """Nothing was ended that no option asked to end."""
        state = options.get("state", "present")
        for call in filter(is_accepted, calls):
            if step_of(call) in ("disassociate", "delete"):
                for account_id in accounts_in(call):
                    assert self.may_end(account_id, statuses.get(account_id), listed, options), (call, options)
            elif step_of(call) == "leave":
                is_ours = holders[call.account_id] == ADMINISTRATOR
                assert state == "absent" if is_ours else options.get("replace_administrator"), (call, options)
            elif step_of(call) == "disable_service":
                assert state == "absent" and call.account_id in listed

    def may_end(self, account_id: str, status: str | None, listed: list[str], options: Mapping[str, Any]) -> bool:
        if account_id not in listed:
            return bool(options.get("purge_members"))
        return bool(
            options.get("state", "present") != "present"
            or (options.get("invite") is False and status in PENDING)
            or (options.get("replace_failed") and status == "EmailVerificationFailed")
            or (options.get("reinvite_resigned") and status == "Resigned")
        )

    def assert_nothing_again(self, first: Mapping[str, Any], second: Mapping[str, Any], calls: list[Call]) -> None:
        """A second run writes for nobody who was done, and for nobody at all where all were."""
        done = {row["account_id"] for row in rows_of(first) if row["outcome"] in ("changed", "unchanged", "skipped")}
        written = {account_id for _region, account_id, _step in accepted(calls)}
        assert not written & done, (first, second)
        if not first["unprocessed_accounts"]:
            assert not [call for call in calls if call.is_write], (first, second)
            assert second["changed"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_history_of_any_events_keeps_every_promise(
    service: str, emulator: Emulator, run_module: ModuleRunner, clock: TestTime, tell: Callable[[str], None]
) -> None:
    counts: Counter[str] = Counter()
    context = {"emulator": emulator, "run_module": run_module, "clock": clock, "service": service, "counts": counts}
    machine = type(f"{service.title()}History", (History,), context)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=HISTORIES, stateful_step_count=12 if IS_NIGHTLY else 8)
    )
    tell(
        f"{counts['histories']} histories, {counts['events']} events, {counts['runs']} module runs, "
        f"at most {counts['most calls']} calls in one (bound {MOST_CALLS})"
    )
    assert counts["histories"] >= HISTORIES
