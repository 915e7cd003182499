# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's partitions, from the SDK's own data: names of Regions alone do not tell them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def partition_of(session: Any, region: str) -> Mapping[str, Any]:
    """Return botocore's record of the partition that a Region belongs to.

    :param session: botocore's session.
    :param region: A Region, known to botocore or not. One that fits no partition is taken for the commercial one's, as
        botocore does when it makes the address of a service.
    """
    partitions: list[Mapping[str, Any]] = session.get_component("data_loader").load_data("partitions")["partitions"]
    fitting = (found for found in partitions if re.match(found["regionRegex"], region))
    return next(fitting, None) or next(found for found in partitions if found["id"] == "aws")


def home_region(session: Any, region: str) -> str:
    """Return the Region of the same partition that is on in every account, for example us-east-1."""
    return str(partition_of(session, region)["outputs"]["implicitGlobalRegion"])
