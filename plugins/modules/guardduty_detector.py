#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.muster.aws.plugins.module_utils._guardduty.adapter import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._jobs import ServiceKind
from ansible_collections.muster.aws.plugins.module_utils._module import run_service


def main() -> None:
    run_service(
        GUARDDUTY,
        "detectors",
        ServiceKind("detector_id", settings=("enabled", "finding_publishing_frequency")),
        {
            "enabled": {"type": "bool", "default": True},
            "finding_publishing_frequency": {"type": "str", "choices": ["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"]},
        },
    )


if __name__ == "__main__":
    main()
