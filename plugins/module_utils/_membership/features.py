# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Protection plans, which AWS calls features: what was asked for beside what is there. Pure.

The names are free text: AWS adds some every year. A feature of an organization has the value NEW, ALL or NONE, one of
an account ENABLED or DISABLED; otherwise both are the same, and so is what has to be sent to change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

# How alike two names are that are the same but for a typing error, from 0 to 1. EKS_RUNTIME_MONITORING and
# RUNTIME_MONITORING, which are two features, are alike by 0.9, and no other two names of AWS are by more than 0.8.
_LIKENESS = 0.91


@dataclass(frozen=True)
class Feature:
    """One feature.

    :param name: AWS's name, exactly.
    :param value: AWS's word.
    :param additional: Its additional configuration, name to value. AWS gives it back in another order than it was sent.
    :param managed_by: What AWS says owns it: a policy of AWS Organizations, under which no write counts.
    """

    name: str
    value: str
    additional: Mapping[str, str] = field(default_factory=dict)
    managed_by: str | None = None


@dataclass(frozen=True)
class FeatureWords:
    """What a service says about features.

    :param option: The key of a feature's value in an option and in a row: ``auto_enable`` or ``status``.
    :param off: The value of a feature that is not listed.
    :param replaced: Features that AWS has replaced by another: the two cannot be on together, and no call holds both.
    :param principals: The service principals whose trusted access a feature needs in an organization.
    :param read: The operation that reads those of members.
    :param write: The operation that gives them to members.
    """

    option: str
    off: str
    replaced: Mapping[str, str] = field(default_factory=dict)
    principals: Mapping[str, str] = field(default_factory=dict)
    read: str = ""
    write: str = ""


@dataclass(frozen=True)
class FeatureWish:
    """The features that are asked for of an account; it is also the value of a service's setting."""

    features: tuple[Feature, ...]
    words: FeatureWords

    def missing(self, present: Mapping[str, Feature]) -> tuple[Feature, ...]:
        """Return what differs, as it has to be sent."""
        return missing_features(self.features, present, self.words.off)

    def calls(self, present: Mapping[str, Feature]) -> list[tuple[Feature, ...]]:
        """Return what has to be sent, call by call: what differs, but for what a policy owns."""
        return in_order([feature for feature in self.missing(present) if not feature.managed_by], self.words)

    def is_late(self, call: Iterable[Feature]) -> bool:
        """Tell whether a call has to wait until another feature has gone, in accounts where that is on."""
        return not _late_names(self.features, self.words).isdisjoint(feature.name for feature in call)

    def owned(self, present: Mapping[str, Feature]) -> str:
        """Return which of those that differ a policy owns, and which policy that is; empty without."""
        return ", ".join(f"{each.name} ({each.managed_by})" for each in self.missing(present) if each.managed_by)

    def shown(self, present: Mapping[str, Feature]) -> list[dict[str, Any]]:
        """Return what was asked for as it is, in the shape of the option: nothing that nobody asked about.

        What AWS does not list has no value: that it counts as off is not what AWS says.
        """
        rows = []
        for asked in sorted(self.features, key=lambda feature: feature.name):
            now = present.get(asked.name)
            additional = {name: now.additional.get(name) if now else None for name in asked.additional}
            rows.append(_shown(asked.name, now.value if now else None, additional, self.words))
        return rows

    def doubts(self, present: Mapping[str, Feature]) -> list[str]:
        """Return a sentence for each name that AWS does not list."""
        return explain_unlisted(self.features, present, self.words.off)

    def refusal(self, present: Mapping[str, Feature]) -> str:
        """Return why AWS should refuse this as one call; empty where nothing speaks for that."""
        return explain_refusal(self.features, present)


def read_features(rows: Iterable[Mapping[str, Any]], words: FeatureWords) -> list[Feature]:
    """Return the features that an option lists."""
    return [
        Feature(
            row["name"],
            row[words.option],
            {each["name"]: each[words.option] for each in row.get("additional_configuration") or ()},
        )
        for row in rows
    ]


def show_features(features: Iterable[Feature], words: FeatureWords) -> list[dict[str, Any]]:
    """Return features as a row shows them: by name, in the shape of the option."""
    return [
        _shown(feature.name, feature.value, feature.additional, words)
        for feature in sorted(features, key=lambda feature: feature.name)
    ]


def _shown(
    name: str, value: str | None, additional: Mapping[str, str] | Mapping[str, str | None], words: FeatureWords
) -> dict[str, Any]:
    return {
        "name": name,
        words.option: value,
        "additional_configuration": [{"name": each, words.option: word} for each, word in sorted(additional.items())],
    }


def explain_features(rows: Sequence[Mapping[str, Any]], words: FeatureWords) -> list[str]:
    """Return what is wrong with the features that an option lists, as sentences."""
    on = {row["name"] for row in rows if row[words.option] != words.off}
    faults = _explain_names(rows, "")
    for row in rows:
        place = f" in additional_configuration of {row['name']}"
        faults += _explain_names(row.get("additional_configuration") or (), place)
    faults += [
        f"features: {old} and {new} cannot be on together, {new} covers {old}: set {old} to {words.off}"
        for old, new in words.replaced.items()
        if {old, new} <= on
    ]
    return faults


def _explain_names(rows: Sequence[Mapping[str, Any]], place: str) -> list[str]:
    names = [row["name"] for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [f"features: {name} is listed twice{place}" for name in twice]
    return faults + [f"features: a name is empty{place}" for name in names if not name.strip()]


def explain_unlisted(wanted: Iterable[Feature], present: Mapping[str, Feature], off: str) -> list[str]:
    """Return a sentence for each name that was asked for and that AWS does not list: it may be misspelt."""
    unlisted: list[tuple[str, str, Iterable[str]]] = []
    for feature in wanted:
        if feature.name in present:
            listed = present[feature.name].additional
            unlisted += [(name, value, listed) for name, value in feature.additional.items() if name not in listed]
        else:
            unlisted.append((feature.name, feature.value, present))
    return [
        f"AWS does not list {name} in this Region{_nearest(name, listed)}: "
        + (f"it counts as {off}" if value == off else "it may refuse the call")
        for name, value, listed in unlisted
    ]


def _nearest(name: str, listed: Iterable[str]) -> str:
    by_word = {each.lower(): each for each in listed}
    found = get_close_matches(name.lower(), by_word, cutoff=_LIKENESS)
    return f" (did you mean {by_word[found[0]]}?)" if found else ""


def explain_refusal(features: Iterable[Feature], present: Mapping[str, Feature]) -> str:
    """Return why AWS should refuse a call with these: it lists others here; empty where nothing speaks for that."""
    names = ", ".join(feature.name for feature in features if present and feature.name not in present)
    return f"AWS does not list {names} in this Region, and refuses a call that holds it" if names else ""


def missing_features(wanted: Iterable[Feature], present: Mapping[str, Feature], off: str) -> tuple[Feature, ...]:
    """Return the wanted features that differ from those present, as they have to be sent.

    What is sent of a feature names all of its additional configuration, what was asked for and what is there: whether
    AWS merges a shorter list is not documented. Additional configuration that was not asked for stays as it is.
    """
    missing = []
    for feature in wanted:
        now = present.get(feature.name, Feature(feature.name, off))
        is_same = now.value == feature.value and all(
            now.additional.get(name, off) == value for name, value in feature.additional.items()
        )
        if not is_same:
            # Nothing of a feature that goes off has to be kept.
            kept = now.additional if feature.value != off else {}
            missing.append(Feature(feature.name, feature.value, {**kept, **feature.additional}, now.managed_by))
    return tuple(missing)


def merged_features(present: Mapping[str, Feature], sent: Iterable[Feature]) -> dict[str, Feature]:
    """Return the features as they should read after ``sent`` was accepted."""
    merged = dict(present)
    for feature in sent:
        additional = merged[feature.name].additional if feature.name in merged else {}
        merged[feature.name] = replace(feature, additional={**additional, **feature.additional})
    return merged


def in_order(missing: Sequence[Feature], words: FeatureWords) -> list[tuple[Feature, ...]]:
    """Return what has to be sent as one call, or two: none holds both a feature and the one that replaces it."""
    late = _late_names(missing, words)
    calls = [
        tuple(feature for feature in missing if feature.name not in late),
        tuple(feature for feature in missing if feature.name in late),
    ]
    return [call for call in calls if call]


def _late_names(features: Iterable[Feature], words: FeatureWords) -> set[str]:
    """Return those that have to come after another: of two that cannot be on together, the one that goes on."""
    values = {feature.name: feature.value for feature in features}
    return {
        old if values[old] != words.off and values[new] == words.off else new
        for old, new in words.replaced.items()
        if {old, new} <= values.keys()
    }
