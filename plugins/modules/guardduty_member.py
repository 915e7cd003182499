#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.muster.aws.plugins.module_utils._guardduty.adapter import GUARDDUTY
from ansible_collections.muster.aws.plugins.module_utils._module import run_member


def main() -> None:
    run_member(
        GUARDDUTY,
        {
            "detector_id": {"type": "str"},
            "email_notification": {"type": "bool", "default": False},
            "invitation_message": {"type": "str"},
            "monitoring": {"type": "str", "choices": ["enabled", "suspended"]},
            "replace_failed": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
