# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GuardDuty's features: those of an account's detector, and those that accounts of an organization get by themselves.

They are merged by name: a feature that a request does not name stays as it is. Names are those that the service model
lists; a Region can lack some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .requests import Request
from .state import ASSOCIATED, Switch

# Those of an organization. A detector has AI_ANALYST too.
_NAMES = (
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
    "EKS_RUNTIME_MONITORING",
    "RUNTIME_MONITORING",
)
_ADDITIONAL = {
    "EKS_RUNTIME_MONITORING": ("EKS_ADDON_MANAGEMENT",),
    "RUNTIME_MONITORING": ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"),
}
# One includes the other: the service model says that a call with both is an error. That they cannot be on together is
# taken from its words "You can add only one of these two". Neither is switched on by itself in a new detector.
_EXCLUSIVE = frozenset({"RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING"})
_MALWARE_PRINCIPAL = "malware-protection.guardduty.amazonaws.com"

# What there was before features; the model still requires it.
_OLD_SHAPE = {name: {"Status": "ENABLED"} for name in ("CloudTrail", "DNSLogs", "FlowLogs", "S3Logs")}

Stored = dict[str, Any]


def _stored(feature: Mapping[str, Any], key: str) -> Stored:
    additional = {each["Name"]: each[key] for each in feature.get("AdditionalConfiguration", ())}
    return {"value": feature[key], "additional": additional}


def new_features() -> dict[str, Stored]:
    """Return the features of a detector that is created without a word about them."""
    return {name: {"value": "DISABLED" if name in _EXCLUSIVE else "ENABLED", "additional": {}} for name in _NAMES}


def _exclude_each_other(present: Mapping[str, Stored], wanted: Mapping[str, Stored], off: str) -> bool:
    """Tell whether a request would have both of two on that cannot be, or only names both."""
    on = {name for name in _EXCLUSIVE if {**present, **wanted}.get(name, {"value": off})["value"] != off}
    goes_on = any(wanted[name]["value"] != off for name in _EXCLUSIVE & wanted.keys())
    return wanted.keys() >= _EXCLUSIVE or (goes_on and on >= _EXCLUSIVE)


def check_features(
    request: Request, present: Mapping[str, Stored], features: Iterable[Mapping[str, Any]], key: str
) -> None:
    """Refuse the features of a request as a whole, where one of them cannot be."""
    wanted = {feature["Name"]: _stored(feature, key) for feature in features}
    off = "NONE" if key == "AutoEnable" else "DISABLED"
    missing = request.world.organization.missing_features.get(request.region, ())
    if request.knobs.unknown_feature == "refuse" and any(name in missing for name in wanted):
        raise request.error("E_INVALID")
    if _exclude_each_other(present, wanted, off):
        raise request.error("E_INVALID")
    malware = wanted.get("EBS_MALWARE_PROTECTION", {"value": off})["value"] != off
    is_trusted = _MALWARE_PRINCIPAL in request.world.organization.trusted_principals
    if key == "AutoEnable" and malware and not is_trusted and request.knobs.malware_without_trust == "refuse":
        raise request.error("E_NOTRUST")


def merge_features(
    request: Request, present: dict[str, Stored], features: Iterable[Mapping[str, Any]], key: str
) -> None:
    """Take over the features of a request, all or none."""
    check_features(request, present, features, key)
    wanted = {feature["Name"]: _stored(feature, key) for feature in features}
    missing = request.world.organization.missing_features.get(request.region, ())
    for name, feature in wanted.items():
        if name in missing:
            continue
        if request.knobs.additional_configuration == "merge":
            feature["additional"] = {**present.get(name, {}).get("additional", {}), **feature["additional"]}
        present[name] = {**present.get(name, {}), **feature}


def shown_features(request: Request, present: Mapping[str, Stored], key: str) -> list[dict[str, Any]]:
    """Return features as AWS lists them. The additional configuration comes in another order than it was sent."""
    off = "NONE" if key == "AutoEnable" else "DISABLED"
    missing = request.world.organization.missing_features.get(request.region, ())
    names = [*present, *(name for name in _NAMES if name not in present and request.knobs.unset_features == "listed")]
    rows = []
    for name in names:
        if name in missing:
            continue
        stored = present.get(name, {"value": off, "additional": {}})
        additional = {**dict.fromkeys(_ADDITIONAL.get(name, ()), off), **stored["additional"]}
        owner = {"ManagedBy": stored["managed_by"]} if stored.get("managed_by") and key == "Status" else {}
        row = {"Name": name, key: stored["value"], **owner}
        if additional:
            row["AdditionalConfiguration"] = [{"Name": n, key: additional[n]} for n in sorted(additional, reverse=True)]
        rows.append(row)
    return rows


def features_of(switch: Switch) -> dict[str, Stored]:
    """Return the features of a detector, to be read: a look leaves nothing behind."""
    features: dict[str, Stored] = switch.settings.get("features") or new_features()
    return features


def features_to_change(switch: Switch) -> dict[str, Stored]:
    """Return the features of a detector, to be written."""
    features: dict[str, Stored] = switch.settings.setdefault("features", new_features())
    return features


class MemberFeatureOperations:
    """GetMemberDetectors and UpdateMemberDetectors."""

    def _reachable(self, request: Request) -> list[str]:
        """Return the accounts whose features can be read; the others are refused, each for itself."""
        reachable = []
        now = request.world.now()
        for account_id in request.params["AccountIds"]:
            member = request.member(request.account_id, account_id)
            hidden = member.features_hidden if member else None
            if member and hidden and not hidden.is_due(now):
                hidden.reads -= 1
                request.refuse(account_id, "U_NOTASSOC")
            elif member and member.status in ASSOCIATED and request.home_of(account_id).switch:
                reachable.append(account_id)
            else:
                request.refuse(account_id, "U_NOTASSOC")
        return reachable

    def get_member_detectors(self, request: Request) -> dict[str, Any]:
        rows = []
        for account_id in self._reachable(request):
            switch = request.home_of(account_id).switch
            assert switch
            features = shown_features(request, features_of(switch), "Status")
            rows.append({"AccountId": account_id, "DataSources": _OLD_SHAPE, "Features": features})
        return {"MemberDataSourceConfigurations": rows, **(self.unprocessed(request) or {})}  # type: ignore[attr-defined]

    def update_member_detectors(self, request: Request) -> Any:
        wanted = request.params.get("Features", ())
        reachable = {}
        for account_id in self._reachable(request):
            switch = request.home_of(account_id).switch
            assert switch
            reachable[account_id] = features_to_change(switch)
            check_features(request, reachable[account_id], wanted, "Status")
        for account_id, present in reachable.items():
            if any(present.get(feature["Name"], {}).get("managed_by") for feature in wanted):
                if request.knobs.managed_feature == "request":
                    raise request.error("E_MANAGED")
                request.refuse(account_id, "U_MANAGED")
                continue
            merge_features(request, present, wanted, "Status")
        return self.unprocessed(request)  # type: ignore[attr-defined]
