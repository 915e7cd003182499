# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random histories of an organization: accounts that join, leave and close, auto-enable at work, people who delegate,
revoke and configure by hand, interleaved with our modules of both its sides.

After every module run, whatever came before it, the same must hold; see :meth:`OrganizationHistory.play`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.muster.aws.plugins.module_utils._membership.model import State
from ansible_collections.muster.aws.tests.emulator import Call, Emulator
from ansible_collections.muster.aws.tests.harness import ADMINISTRATOR, ModuleRunner, TestTime
from ansible_collections.muster.aws.tests.profiles import IS_NIGHTLY
from ansible_collections.muster.aws.tests.trust.scenes import (
    DELEGATING,
    FACTS,
    FEATURES_OF_MEMBERS,
    FEATURES_OF_ORGANIZATION,
    GUARDDUTY,
    MANAGEMENT,
    OTHER,
    REGIONS,
    SECURITYHUB,
    members_of,
)
from ansible_collections.muster.aws.tests.trust.truth import accepted, lies_in, rows_of, state_of
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

ACCOUNTS = ("012345678901", "222222222222", "333333333333", "444444444444")

# All services together: 12 histories in the default profile, 1,000 in the nightly one.
HISTORIES = settings().max_examples // 2 // len(DELEGATING)

# The bounds of one run over four accounts in two Regions.
MOST_CALLS = 250
MOST_SECONDS = 600

accounts = st.sampled_from(ACCOUNTS)
regions = st.sampled_from(REGIONS)
some_regions = st.lists(regions, min_size=1, unique=True)
flags = st.booleans()

# What AWS has not settled, either way, and what it shows late.
KNOBS = {
    "other_delegate_elsewhere": ["refuse", "accept"],
    "delegate_meanwhile": ["refuse", "accept"],
    "describe_of_other_gd": ["not_enabled", "out_of_range"],
    "delegate_again": ["accept", "refuse"],
    "delegate_without_trust_gd": ["accept", "refuse"],
    "delegate_standards_sh": ["on", "off"],
    "standards_left_out_sh": ["kept", "default"],
    "unset_features": ["listed", "left_out"],
    "delegate_visible_seconds": [0, 5],
    "revoke_visible_seconds": [0, 5],
    "configuration_visible_seconds": [0, 5],
    "features_visible_seconds": [0, 2],
    "empty_pages": [False, True],
    "page_size": [None, 1],
}

# What the settings of each service can be, and when an account that joins becomes a member by itself.
CHOICES = {
    GUARDDUTY: {
        "auto_enable_members": st.sampled_from(["NEW", "ALL", "NONE"]),
        "features": st.sampled_from([FEATURES_OF_ORGANIZATION, FEATURES_OF_ORGANIZATION[:1]]),
    },
    SECURITYHUB: {"auto_enable": flags, "auto_enable_standards": st.sampled_from(["DEFAULT", "NONE"])},
}
REQUIRED = {GUARDDUTY: "auto_enable_members", SECURITYHUB: "auto_enable"}
AUTO_ENABLE = {GUARDDUTY: ("NONE", "NEW", "ALL"), SECURITYHUB: (False, True)}


class OrganizationHistory(RuleBasedStateMachine):
    """The rules: events of the world, and module runs."""

    counts: Counter[str] = Counter()
    emulator: Emulator
    run_module: ModuleRunner
    clock: TestTime
    service: str

    @initialize(
        knobs=st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in KNOBS.items()}),
        is_begun=flags,
    )
    def begin(self, knobs: Mapping[str, Any], is_begun: bool) -> None:
        self.counts["histories"] += 1
        self.has_played = False
        self.emulator.reset()
        self.emulator.set_knobs(**knobs)
        first = [MANAGEMENT, ADMINISTRATOR, OTHER, *ACCOUNTS[:3]]
        self.emulator.seed({"organization": {"management_account": MANAGEMENT, "account_ids": first}})
        for region in REGIONS if is_begun else ():
            self.delegate(region, ADMINISTRATOR)

    # --- the world ----------------------------------------------------------------------------------------------------

    @property
    def organization(self) -> Any:
        return self.emulator.world.organization

    def delegate_in(self, region: str) -> str | None:
        with self.emulator.lock:
            account_id: str | None = self.organization.delegated[self.service].get(region)
        return account_id

    def delegate(self, region: str, account_id: str) -> None:
        with self.emulator.lock:
            self.organization.delegated[self.service].set(region, account_id)
            self.organization.trusted_principals.add(f"{self.service}.amazonaws.com")
        self.emulator.seed({"services": [{"service": self.service, "account_id": account_id, "regions": [region]}]})

    def status(self, region: str, account_id: str) -> str | None:
        member = self.emulator.member(self.service, region, ADMINISTRATOR, account_id)
        return member.status if member else None

    def put(self, region: str, account_id: str, status: str | None) -> None:
        self.emulator.set_member(self.service, region, ADMINISTRATOR, account_id, status)

    def is_auto_enabled(self, region: str) -> bool:
        with self.emulator.lock:
            return self.organization.auto_enable[self.service].get(region) not in ("NONE", False)

    @rule(account_id=accounts)
    def joins(self, account_id: str) -> None:
        """And is a member at once where that is automatic."""
        self.counts["events"] += 1
        with self.emulator.lock:
            self.organization.account_ids.add(account_id)
        for region in REGIONS:
            if self.delegate_in(region) == ADMINISTRATOR and self.is_auto_enabled(region):
                self.put(region, account_id, "Enabled")

    @rule(account_id=accounts)
    def leaves(self, account_id: str) -> None:
        self.counts["events"] += 1
        with self.emulator.lock:
            self.organization.account_ids.discard(account_id)
        for region in REGIONS:
            if self.status(region, account_id):
                self.put(region, account_id, "Removed")

    @rule(account_id=accounts, is_closed=flags)
    def is_closed_or_opened_again(self, account_id: str, is_closed: bool) -> None:
        self.counts["events"] += 1
        with self.emulator.lock:
            self.emulator.world.account(account_id).suspended = is_closed
        word = FACTS[self.service].word_for(State.ACCOUNT_SUSPENDED)
        before, after = ("Enabled", word) if is_closed else (word, "Enabled")
        for region in REGIONS:
            if self.status(region, account_id) == before:
                self.put(region, account_id, after)

    @rule(region=regions, account_id=st.sampled_from([ADMINISTRATOR, OTHER]))
    def is_delegated_by_hand(self, region: str, account_id: str) -> None:
        self.counts["events"] += 1
        if self.delegate_in(region) is None:
            self.delegate(region, account_id)

    @rule(region=regions)
    def is_revoked_by_hand(self, region: str) -> None:
        self.counts["events"] += 1
        with self.emulator.lock:
            self.organization.delegated[self.service].set(region, None)
        for account_id in ACCOUNTS:
            if self.status(region, account_id):
                self.put(region, account_id, None)

    @rule(region=regions, data=st.data())
    def is_configured_by_hand(self, region: str, data: st.DataObject) -> None:
        self.counts["events"] += 1
        value = data.draw(st.sampled_from(AUTO_ENABLE[self.service]))
        with self.emulator.lock:
            self.organization.auto_enable[self.service].set(region, value)

    @rule()
    def is_trusted_no_more(self) -> None:
        self.counts["events"] += 1
        with self.emulator.lock:
            self.organization.trusted_principals.discard(f"{self.service}.amazonaws.com")

    # --- our modules --------------------------------------------------------------------------------------------------

    @rule(where=some_regions, state=st.sampled_from(["present", "present", "present", "absent"]))
    def runs_delegation(self, where: list[str], state: str) -> None:
        options = {"administrator_id": ADMINISTRATOR, "state": state, "access_key": f"AKIADIRECT{MANAGEMENT}"}
        others = {region: self.delegate_in(region) for region in REGIONS}
        self.play("organization_administrator", where, options)
        for region, account_id in others.items():
            # Whoever somebody else put into office stays there, and nobody is touched where nobody asked.
            assert region in where and account_id in (None, ADMINISTRATOR) or self.delegate_in(region) == account_id
            is_in_office = self.delegate_in(region) == ADMINISTRATOR
            assert not (state == "absent" and region in where and is_in_office), "still in office"

    @rule(where=some_regions, data=st.data())
    def runs_settings(self, where: list[str], data: st.DataObject) -> None:
        choices = CHOICES[self.service]
        required = REQUIRED[self.service]
        rest = {name: values for name, values in choices.items() if name != required}
        options = data.draw(st.fixed_dictionaries({required: choices[required]}, optional=rest))
        before = {region: self.delegate_in(region) for region in REGIONS}
        self.play("organization", where, options)
        assert {region: self.delegate_in(region) for region in REGIONS} == before
        self.assert_told(where, options)

    def assert_told(self, where: Sequence[str], options: Mapping[str, Any]) -> None:
        """The info module tells what the settings are, where the account is in office and the settings were taken."""
        result, calls = self.run("organization_info", {"regions": list(where)})
        assert not [call for call in calls if call.is_write]
        rows = {row["region"]: row for row in result["organizations"]}
        assert rows.keys() == set(where)
        required = REQUIRED[self.service]
        for region, row in rows.items():
            if self.delegate_in(region) == ADMINISTRATOR and row["outcome"] != "failed":
                assert row[required] == options[required], row

    @rule(
        where=some_regions,
        listed=st.lists(accounts, min_size=1, max_size=len(ACCOUNTS), unique=True),
        state=st.sampled_from(["present", "present", "disassociated", "absent"]),
        with_features=flags,
    )
    def runs_member(self, where: list[str], listed: list[str], state: str, with_features: bool) -> None:
        options: dict[str, Any] = {"members": members_of(listed), "via": "organization", "state": state}
        if with_features and state == "present" and FACTS[self.service].features:
            options["features"] = FEATURES_OF_MEMBERS
        before = {(region, each): self.status(region, each) for region in REGIONS for each in ACCOUNTS}
        self.play("member", where, options)
        for (region, account_id), status in before.items():
            if region not in where or account_id not in listed or state == "present" and status == "Enabled":
                assert self.status(region, account_id) == status

    def teardown(self) -> None:
        """A history in which no module ran would prove nothing."""
        if not getattr(self, "has_played", True):
            self.runs_delegation(list(REGIONS), "present")

    def run(self, module: str, options: Mapping[str, Any], check: bool = False) -> tuple[dict[str, Any], list[Call]]:
        self.emulator.clear_calls()
        started = self.clock.slept
        result = self.run_module(f"{self.service}_{module}", check=check, **options)
        calls = self.emulator.calls
        self.counts["runs"] += 1
        self.counts["most calls"] = max(self.counts["most calls"], len(calls))
        assert len(calls) <= MOST_CALLS and self.clock.slept - started <= MOST_SECONDS, (len(calls), module, options)
        return result, calls

    def play(self, module: str, where: Sequence[str], options: Mapping[str, Any]) -> None:
        """Check mode, the real run, a second run: the properties."""
        self.has_played = True
        # Between two tasks some time passes, and what was to show late has shown.
        self.emulator.advance(10)
        everything = {**options, "regions": list(where), "wait_timeout": 20}
        before = state_of(self.emulator)
        predicted, calls = self.run(module, everything, check=True)
        assert not [call for call in calls if call.is_write]
        assert state_of(self.emulator) == before
        result, calls = self.run(module, everything)
        after = state_of(self.emulator)
        assert lies_in(result, before, after, calls) == [], (module, everything, result)
        assert {row["region"] for row in rows_of(result)} == set(where)
        assert predicted["actions"] == result["actions"], (predicted, result)
        self.counts["changed"] += result["changed"]
        self.counts["refused"] += bool(result["unprocessed_accounts"])
        self.emulator.advance(10)
        second, calls = self.run(module, everything)
        keys = [
            (row["region"], row["account_id"]) for row in rows_of(result) if row["outcome"] in ("changed", "unchanged")
        ]
        written = {(region, account_id) for region, account_id, _step in accepted(calls)}
        assert not written & set(keys), (result, second)
        if not result["unprocessed_accounts"]:
            assert second["changed"] is False and not [call for call in calls if call.is_write], (result, second)


@pytest.mark.parametrize("service", DELEGATING)
def test_history_of_an_organization_keeps_every_promise(
    service: str, emulator: Emulator, run_module: ModuleRunner, clock: TestTime, tell: Callable[[str], None]
) -> None:
    counts: Counter[str] = Counter()
    context = {"emulator": emulator, "run_module": run_module, "clock": clock, "service": service, "counts": counts}
    machine = type(f"{service.title()}OrganizationHistory", (OrganizationHistory,), context)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=HISTORIES, stateful_step_count=12 if IS_NIGHTLY else 8)
    )
    tell(
        f"{counts['histories']} histories, {counts['events']} events, {counts['runs']} module runs, of which "
        f"{counts['changed']} changed something and {counts['refused']} were refused something, "
        f"at most {counts['most calls']} calls in one (bound {MOST_CALLS})"
    )
    assert counts["histories"] >= HISTORIES and counts["changed"] and counts["refused"]
