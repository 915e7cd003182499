#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.muster.aws.plugins.module_utils._jobs import ServiceKind
from ansible_collections.muster.aws.plugins.module_utils._module import run_service
from ansible_collections.muster.aws.plugins.module_utils._securityhub.adapter import SECURITYHUB


def main() -> None:
    run_service(
        SECURITYHUB,
        "hubs",
        ServiceKind(
            "hub_arn",
            settings=("auto_enable_controls", "control_finding_generator"),
            on_enable=("enable_default_standards",),
            updated_only=("auto_enable_controls",),
        ),
        {
            "auto_enable_controls": {"type": "bool"},
            "control_finding_generator": {"type": "str", "choices": ["STANDARD_CONTROL", "SECURITY_CONTROL"]},
            "enable_default_standards": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
