# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report of made-up accounts, in every state. To look at the page while working on it:

python tests/browser/sample.py PAGE.html [ACCOUNTS [REGIONS]]

The picture in docs/report.md is such a page (Chromium with --no-sandbox where it runs as root):

python tests/browser/sample.py /tmp/page.html 64 2
chromium --headless --hide-scrollbars --window-size=1280,1000 --screenshot=docs/images/report.png file:///tmp/page.html
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.muster.aws.plugins.plugin_utils._report import (
    build_report,
    collect_accounts,
    read_baseline,
)
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report

PAGE = str(Path(__file__).parents[2] / "roles" / "report" / "files")
ADMINISTRATOR, OTHER_ADMINISTRATOR = "111111111111", "999999999999"
CALLER = f"arn:aws:sts::{ADMINISTRATOR}:assumed-role/SecurityAudit/report"
REGIONS = ["ap-southeast-2", "eu-central-1", "eu-west-1", "us-east-1"]
MORE_REGIONS = """
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ca-central-1 eu-north-1 eu-west-2 eu-west-3
    sa-east-1 us-east-2 us-west-1 us-west-2
""".split()
SERVICES = ["guardduty", "securityhub"]
HOSTILE_NAME = "<script>window.hit = 1; alert(1)</script>"
HOSTILE_EMAIL = "\"><img src=x onerror='window.hit = 1'>"
HOSTILE_STATUS = '<svg onload="window.hit = 1">{{ 7 * 7 }}'

_TEAMS = ["payments", "identity", "data-lake", "web", "search", "logging", "network"]
_STAGES = ["prod", "test", "dev"]
# Most accounts are in order; every few, one is in each of these states.
_ODD = {
    5: "Invited",
    9: "Resigned",
    13: None,
    17: "Created",
    21: "Removed",
    25: "AccountSuspended",
}


def make_hosts(count: int) -> dict[str, dict[str, Any]]:
    """Return an inventory: the administrator's own account, workloads, and one whose id lost its leading zero."""
    hosts: dict[str, dict[str, Any]] = {"audit": {"onboard_account_id": ADMINISTRATOR}}
    for number in range(1, count - 1):
        name = f"{_TEAMS[number % len(_TEAMS)]}-{_STAGES[number % len(_STAGES)]}-{number:03}"
        account_id = f"{number * 100_000_000 + number:012}" if number % 3 else f"{900_000_000_000 + number}"
        hosts[name] = {"onboard_account_id": account_id, "onboard_account_email": f"aws+{number:03}@example.com"}
    return {**hosts, "sandbox": {"onboard_account_id": 12345678901}}


def make_report(
    count: int,
    is_hostile: bool = False,
    regions: int = len(REGIONS),
    baseline: dict[str, Any] | None = None,
    off: tuple[str, str] | None = ("securityhub", "eu-west-1"),
) -> dict[str, Any]:
    """Return a report on that many accounts, in two services and at least four Regions, of which one is off.

    Where one is off, every account has a gap.
    """
    names = [*REGIONS, *MORE_REGIONS][:regions]
    hosts = make_hosts(count)
    if is_hostile:
        hosts[HOSTILE_NAME] = {"onboard_account_id": "012345678901", "onboard_account_email": HOSTILE_EMAIL}
    inventory = collect_accounts(list(hosts), hosts, list(hosts))
    results = {service: _results(service, hosts, is_hostile, names, off) for service in SERVICES}
    return build_report(inventory, results, ADMINISTRATOR, names, "2026-03-02 09:30 UTC", CALLER, baseline)


def baseline_of(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report as what a later one is compared with, by way of a file as the role does it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({**report, "generated_at": "2026-02-23 09:30 UTC"}, file)
        file.flush()
        return read_baseline(file.name, ADMINISTRATOR)


def render(report: dict[str, Any]) -> str:
    """Return the page of a report."""
    return render_report(report, "html", PAGE)


def _results(
    service: str, hosts: dict[str, dict[str, Any]], is_hostile: bool, regions: list[str], off: tuple[str, str] | None
) -> dict[str, Any]:
    members, views = [], []
    for region in regions:
        if (service, region) == off:
            text = "InvalidAccessException: Account 111111111111 is not subscribed to AWS Security Hub"
            told = {"outcome": "failed", "reason_code": "service_not_enabled", "reason": text}
            members.append({**_row(ADMINISTRATOR, region, None), **told})
            continue
        for number, (host, variables) in enumerate(hosts.items()):
            account_id = variables["onboard_account_id"]
            if isinstance(account_id, str) and account_id != ADMINISTRATOR:
                status = _status(service, region, number)
                status = HOSTILE_STATUS if host == HOSTILE_NAME else status
                members += [_row(account_id, region, status)] if status else []
                views.append(_view(account_id, region, status, number))
        members.append(_row("424242424242", region, "Enabled"))
        members += [_row("434343434343", region, HOSTILE_STATUS if is_hostile else "Invited")]
    return {"members": {"members": members}, "administrators": {"administrators": views}}


def _status(service: str, region: str, number: int) -> str | None:
    place = number % 29
    if place in _ODD and (service == "guardduty" or place != 17):
        return _ODD[place]
    if place == 7 and service == "guardduty":
        return "Disabled"
    if place == 11 and region == "us-east-1" and service == "guardduty":
        return "EmailVerificationFailed"
    return "Enabled"


def _row(account_id: str, region: str, status: str | None) -> dict[str, Any]:
    row = {"account_id": account_id, "region": region, "email": None, "status": status, "outcome": "unchanged"}
    return {**row, "reason_code": None, "reason": None, "invited_at": None, "updated_at": "2026-01-01T00:00:00.000Z"}


def _view(account_id: str, region: str, status: str | None, number: int) -> dict[str, Any]:
    holder = ADMINISTRATOR if status in ("Enabled", "Disabled") else None
    view = {**_row(account_id, region, None), "administrator_id": holder, "invitations": []}
    if number % 58 == 13:
        view["administrator_id"] = OTHER_ADMINISTRATOR
    if number % 29 == 3:
        text = f"AccessDenied: not authorized to perform sts:AssumeRole on arn:aws:iam::{account_id}:role/Audit"
        view.update(outcome="failed", reason_code="assume_role_failed", reason=text, administrator_id=None)
    return view


if __name__ == "__main__":
    words = dict(enumerate(map(int, sys.argv[2:])))
    count, regions = words.get(0, 30), words.get(1, len(REGIONS))
    Path(sys.argv[1]).write_text(render(make_report(count, regions=regions)), encoding="utf-8")
