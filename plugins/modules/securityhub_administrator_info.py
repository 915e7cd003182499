#!/usr/bin/python

# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.muster.aws.plugins.module_utils._module import run_administrator_info
from ansible_collections.muster.aws.plugins.module_utils._securityhub.adapter import SECURITYHUB


def main() -> None:
    run_administrator_info(SECURITYHUB)


if __name__ == "__main__":
    main()
