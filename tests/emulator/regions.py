# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EC2's DescribeRegions, per account. moto's is the same for every account, and its EC2 takes seconds to load."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from botocore.loaders import Loader
from botocore.session import get_session

# Regions launched before opt-in existed (March 2019); every later one of the commercial partition must be opted in to.
_BEFORE_OPT_IN = frozenset(
    """us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3 eu-central-1
    eu-north-1 ap-south-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2""".split()
)
_ANSWER = (
    '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>{request_id}</requestId>'
    "<regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
)


@dataclass(frozen=True)
class Region:
    """A Region as one account sees it."""

    name: str
    opt_in_status: str

    def as_xml(self) -> str:
        """Return the item of the answer."""
        return (
            f"<item><regionName>{self.name}</regionName><regionEndpoint>ec2.{self.name}.amazonaws.com</regionEndpoint>"
            f"<optInStatus>{self.opt_in_status}</optInStatus></item>"
        )


@functools.cache
def is_known(region: str) -> bool:
    """Return whether AWS has such a Region, as far as botocore knows."""
    partitions = Loader().load_data("partitions")["partitions"]
    return any(region in partition["regions"] for partition in partitions)


@functools.cache
def _names(partition: str) -> list[str]:
    return sorted(get_session().get_available_regions("ec2", partition))


def _status(partition: str, name: str, disabled: Collection[str]) -> str:
    if name in disabled:
        return "not-opted-in"
    return "opted-in" if partition == "aws" and name not in _BEFORE_OPT_IN else "opt-in-not-required"


def _values(params: Mapping[str, str], pattern: str) -> set[str]:
    return {value for name, value in params.items() if re.fullmatch(pattern, name)}


def _matches(region: Region, params: Mapping[str, str]) -> bool:
    values_of = {"region-name": region.name, "opt-in-status": region.opt_in_status}
    return all(
        values_of.get(name) in _values(params, rf"{key.removesuffix('.Name')}\.Value\.\d+")
        for key, name in params.items()
        if re.fullmatch(r"Filter\.\d+\.Name", key)
    )


def describe_regions(partition: str, disabled: Collection[str], params: Mapping[str, str], request_id: str) -> bytes:
    """Answer DescribeRegions: without AllRegions, or its name, a Region that is not opted in to is left out."""
    regions = [Region(name, _status(partition, name, disabled)) for name in _names(partition)]
    named = _values(params, r"RegionName\.\d+")
    if named:
        regions = [region for region in regions if region.name in named]
    elif params.get("AllRegions") != "true":
        regions = [region for region in regions if region.opt_in_status != "not-opted-in"]
    items = "".join(region.as_xml() for region in regions if _matches(region, params))
    return _ANSWER.format(request_id=request_id, items=items).encode()
