# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report role does: reads all members once, and tells each host where its account stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible_collections.muster.aws.plugins.plugin_utils._fleet import BatchWork, Result, Work
from ansible_collections.muster.aws.plugins.plugin_utils._report import COVERED, LABELS, build_report, read_baseline
from ansible_collections.muster.aws.plugins.plugin_utils._report_page import render_report


def report_batch(
    work: BatchWork, options: Mapping[str, Any], inventory: Mapping[str, Any], caller_arn: str | None, generated_at: str
) -> dict[str, Any]:
    """Read where all accounts stand.

    :param options: The role's, by name without its prefix.
    :param inventory: From :func:`._report.collect_accounts`.
    :param caller_arn: Whose credentials these are.
    :param generated_at: The time to print.
    :returns: ``hosts`` and ``rows`` as :func:`._fleet.judge_hosts`, and ``report``, from :func:`._report.build_report`.
    :raises ValueError: ``baseline_file`` is no earlier report.
    """
    administrator_id = options["administrator_id"]
    path = options.get("baseline_file")
    baseline = read_baseline(path, administrator_id) if path else None
    results = work.side_by_side(
        {service: partial(_read, work, options, service, inventory) for service in options["services"]}
    )
    report = build_report(
        inventory,
        results,
        administrator_id,
        options["regions"],
        generated_at,
        caller_arn,
        baseline,
        options.get("monitoring"),
    )
    fails = options["fail_on_gaps"]
    hosts = {
        host: {"changed": False, "failed": bool(fails and verdict["gaps"]), "text": verdict["text"]}
        for host, verdict in report["hosts"].items()
    }
    rows = [_row(account, cell) for account in report["accounts"] for cell in account["cells"]]
    return {"hosts": hosts, "rows": rows, "report": report}


def _read(work: Work, options: Mapping[str, Any], service: str, inventory: Mapping[str, Any]) -> dict[str, Result]:
    common = {"regions": options["regions"], "concurrency": options["concurrency"]}
    members = work.run(f"{service}_member_info", **common)
    account_ids = [each for each in inventory["account_ids"] if each != options["administrator_id"]]
    own_views: Result = {}
    if options["member_side"] and account_ids:
        own_views = work.run(
            f"{service}_administrator_info",
            account_ids=account_ids,
            role_name=options["member_role_name"],
            external_id=options.get("external_id"),
            **common,
        )
    return {"members": members, "administrators": own_views}


def _row(account: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": account["host"],
        "account_id": account["account_id"],
        "service": cell["service"],
        "region": cell["region"],
        "status": cell["status"],
        "previous_status": cell["status"],
        "actions": [],
        # A gap; whether the host fails for it is another question.
        "failed": cell["standing"] not in COVERED,
        "reason_code": cell["reason_code"] or LABELS[cell["standing"]],
        "operation": None,
        "reason": cell["reason"] or LABELS[cell["standing"]],
        "next_step": cell["next_step"],
    }


def write_report(report: Mapping[str, Any], options: Mapping[str, Any], page: str) -> dict[str, str]:
    """Return the text of each file to write, by its path.

    :param page: The folder of the page's template.
    """
    paths = {"html": options["file"], "csv": options.get("csv_file"), "json": options.get("json_file")}
    return {path: render_report(report, form, page) for form, path in paths.items() if path}
