# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.muster.aws.plugins.module_utils._membership.model import (
    BATCH_LIMIT,
    Account,
    Member,
    Outcome,
    Reason,
    State,
    Step,
    batches,
)
from ansible_collections.muster.aws.tests.unit.plugins.module_utils._membership.fakes import REGISTRY, SERVICES, A

# The closed lists of the contract (section 3).
REASON_CODES = """
is_administrator invalid_input already_member already_invited member_of_other_administrator caller_is_member
quota_exceeded email_missing email_verification_failed email_verification_pending resigned account_suspended
management_account_not_enabled organization_auto_enable_all organization_member central_configuration still_associated
not_management_account not_delegated_administrator other_delegated_administrator organization_not_in_use
organization_policy feature_unsupported trusted_access_missing
no_invitation service_not_enabled region_unavailable access_denied assume_role_failed throttled internal_error
unknown_status timed_out other
""".split()
OUTCOMES = "changed unchanged failed skipped not_attempted timed_out".split()
MEMBERSHIP_ACTIONS = (
    "create invite disassociate delete start_monitoring stop_monitoring enable_service accept leave".split()
)


def test_reasons_and_outcomes_are_the_lists_of_the_contract() -> None:
    assert sorted(reason.value for reason in Reason) == sorted(REASON_CODES)
    assert sorted(outcome.value for outcome in Outcome) == sorted(OUTCOMES)


def test_steps_have_the_actions_of_the_contract() -> None:
    assert set(MEMBERSHIP_ACTIONS) <= {step.value for step in Step}


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (49, [49]), (50, [50]), (51, [50, 1]), (100, [50, 50]), (101, [50, 50, 1])]
)
def test_batches_hold_at_most_fifty_and_are_never_empty(count, sizes) -> None:
    cut = list(batches(range(count)))
    assert [len(batch) for batch in cut] == sizes
    assert [item for batch in cut for item in batch] == list(range(count))
    assert BATCH_LIMIT == 50


def test_batches_take_any_iterable_once() -> None:
    assert list(batches(iter("abcde"), size=2)) == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
def test_state_of_every_word_in_any_letter_case_is_its_state(facts) -> None:
    for state, words in facts.words.items():
        for word in words:
            assert {facts.state_of(each) for each in (word, word.upper(), word.lower(), word.swapcase())} == {state}
        assert facts.word_for(state) == words[0]
    assert len(facts.states) == sum(len(words) for words in facts.words.values())


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
@pytest.mark.parametrize("status", ["", " ", "Enabled ", "Enable", "Pausing", "None", "\u0130nvited"])
def test_state_of_any_other_word_is_unknown(facts, status) -> None:
    assert facts.state_of(status) is State.UNKNOWN


@pytest.mark.parametrize("facts", SERVICES, ids=lambda facts: facts.name)
def test_state_of_no_record_is_absent_and_has_no_word(facts) -> None:
    assert facts.state_of(None) is State.ABSENT
    assert facts.word_for(State.ABSENT) is None
    assert facts.word_for(State.UNKNOWN) is None


def test_values_are_frozen() -> None:
    for value in (Account(A), Member(A), SERVICES[0]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.account_id = "222222222222"  # type: ignore[misc]


def documentation(module: str) -> dict[str, Any]:
    return yaml.safe_load(
        importlib.import_module(f"ansible_collections.muster.aws.plugins.modules.{module}").DOCUMENTATION
    )


@pytest.mark.parametrize("facts", REGISTRY.values(), ids=lambda facts: facts.name)
def test_facts_of_a_service_name_the_options_that_only_its_member_module_has(facts) -> None:
    assert set(facts.member_options) == set(documentation(f"{facts.name}_member").get("options", ()))


@pytest.mark.parametrize("facts", REGISTRY.values(), ids=lambda facts: facts.name)
def test_facts_of_a_service_name_the_settings_of_its_own_module(facts) -> None:
    documented = documentation(facts.service_module)
    assert {"state", *facts.kind.settings, *facts.kind.on_enable} == set(documented["options"])
    assert facts.kind.has_tags == ("amazon.aws.tags" in documented["extends_documentation_fragment"])
