# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The features of members: who lacks which, and the calls that mend it.

Accounts that lack the same share a call. A feature that a policy of the organization owns is never written, and only
members whose membership is in effect have features that can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .features import Feature, FeatureWords, in_order, merged_features, missing_features
from .model import Problem, Reason, Step, batches
from .port import Answer, CallFailed, FeaturesPort, ForEach
from .reasons import classify, is_said_to_be_no_member
from .waiting import Patience, Walk

Features = Mapping[str, Feature]


@dataclass
class FeatureResult:
    """What became of the features of one member."""

    before: Features | None = None
    after: Features | None = None
    is_changed: bool = False
    problem: Problem | None = None
    is_timed_out: bool = False


@dataclass(frozen=True)
class FeatureWish:
    """The features that are asked for, of every member alike."""

    features: Sequence[Feature]
    words: FeatureWords

    def missing(self, present: Features) -> tuple[Feature, ...]:
        """Return what differs, as it has to be sent."""
        return missing_features(self.features, present, self.words.off)

    def refused(self, present: Features) -> Problem | None:
        """Return why what differs cannot be written, if it cannot."""
        owned = [feature for feature in self.missing(present) if feature.managed_by]
        if not owned:
            return None
        named = ", ".join(f"{feature.name} ({feature.managed_by})" for feature in owned)
        return Problem(Reason.ORGANIZATION_POLICY, f"a policy of the organization decides about {named}")


def group_by_gap(wish: FeatureWish, present: Mapping[str, Features]) -> list[tuple[tuple[Feature, ...], list[str]]]:
    """Return the calls to make: what to send, and the accounts that lack just that."""
    groups: list[tuple[tuple[Feature, ...], list[str]]] = []
    for account_id, features in present.items():
        if wish.refused(features):
            continue
        for call in in_order(wish.missing(features), wish.words):
            group = next((ids for sent, ids in groups if sent == call), None)
            if group is None:
                groups.append((call, group := []))
            group.append(account_id)
    return groups
