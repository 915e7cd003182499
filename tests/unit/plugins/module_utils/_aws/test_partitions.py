# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The partition that a Region belongs to, and the Region of it that is on in every account."""

from __future__ import annotations

import pytest
from ansible_collections.muster.aws.plugins.module_utils._aws import partitions
from botocore.session import get_session

PARTITIONS = get_session().get_available_partitions()


def regions_of(partition: str) -> list[str]:
    return get_session().get_available_regions("ec2", partition)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("eu-west-99", "aws"),
        ("moon-east-1", "aws"),
    ],
)
def test_partition_of_a_region_is_botocores_record(region: str, partition: str) -> None:
    assert partitions.partition_of(get_session(), region)["id"] == partition


@pytest.mark.parametrize(
    ("region", "home"),
    [
        ("af-south-1", "us-east-1"),
        ("mx-central-1", "us-east-1"),
        ("cn-north-1", "cn-northwest-1"),
        ("cn-northwest-1", "cn-northwest-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("us-iso-west-1", "us-iso-east-1"),
        ("us-isob-west-1", "us-isob-east-1"),
        ("eu-isoe-west-1", "eu-isoe-west-1"),
        ("us-isof-east-1", "us-isof-south-1"),
        ("eu-west-99", "us-east-1"),  # not known to botocore yet
        ("moon-east-1", "us-east-1"),
    ],
)
def test_home_region_is_the_partitions(region: str, home: str) -> None:
    assert partitions.home_region(get_session(), region) == home


@pytest.mark.parametrize("partition", PARTITIONS)
def test_home_region_of_every_partition_is_one_of_its_own(partition: str) -> None:
    session = get_session()
    homes = {partitions.home_region(session, region) for region in regions_of(partition)}
    assert len(homes) == 1 and homes <= set(regions_of(partition))
