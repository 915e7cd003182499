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
from typing import Any


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
    :param replaced: Features that AWS has replaced by another: the two cannot be on together, and the old one has to go
        in a call before the new one comes.
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
        """Return what has to be sent, call by call."""
        return in_order(self.missing(present), self.words)

    def owned(self, present: Mapping[str, Feature]) -> str:
        """Return which of those that differ a policy owns, and which policy that is; empty without."""
        return ", ".join(f"{each.name} ({each.managed_by})" for each in self.missing(present) if each.managed_by)

    def shown(self, present: Mapping[str, Feature]) -> list[dict[str, Any]]:
        """Return what was asked for as it is, in the shape of the option: nothing that nobody asked about."""
        off = self.words.off
        return show_features(
            (
                Feature(
                    asked.name,
                    now.value,
                    {name: now.additional.get(name, off) for name in asked.additional},
                )
                for asked in self.features
                for now in (present.get(asked.name, Feature(asked.name, off)),)
            ),
            self.words,
        )


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
        {
            "name": feature.name,
            words.option: feature.value,
            "additional_configuration": [
                {"name": name, words.option: value} for name, value in sorted(feature.additional.items())
            ],
        }
        for feature in sorted(features, key=lambda feature: feature.name)
    ]


def explain_features(wanted: Sequence[Feature], words: FeatureWords) -> list[str]:
    """Return what is wrong with the features that were asked for, as sentences."""
    names = [feature.name for feature in wanted]
    on = {feature.name for feature in wanted if feature.value != words.off}
    twice = sorted({name for name in names if names.count(name) > 1})
    faults = [f"features: {name} is listed twice" for name in twice]
    faults += ["features: a name is empty" for name in names if not name.strip()]
    faults += [
        f"features: {old} and {new} cannot be on together, {new} covers {old}: set {old} to {words.off}"
        for old, new in words.replaced.items()
        if {old, new} <= on
    ]
    return faults


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
    """Return what has to be sent as one call, or two: a feature that goes before the one that replaces it comes."""
    by_name = {feature.name: feature for feature in missing}
    later = {
        new
        for old, new in words.replaced.items()
        if old in by_name and by_name[old].value == words.off and new in by_name and by_name[new].value != words.off
    }
    calls = [
        tuple(feature for feature in missing if feature.name not in later),
        tuple(feature for feature in missing if feature.name in later),
    ]
    return [call for call in calls if call]
