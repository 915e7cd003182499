# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the collection's version and of AWS's Regions: of the files at hand and of botocore's own data."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from ansible_collections.muster.aws.plugins.plugin_utils import _report_origin as origin


class Sdk:
    """botocore's session, for two partitions."""

    def get_available_partitions(self) -> list[str]:
        return ["aws", "aws-cn", "aws-x"]

    def get_available_regions(self, client: str, partition: str) -> list[str]:
        known = {"aws": ["us-east-1", "eu-central-1", "ap-south-1"], "aws-cn": ["cn-northwest-1", "cn-north-1"]}
        return known.get(partition, []) if client == "guardduty" else []


@pytest.fixture(autouse=True)
def regions_are_read_once() -> None:
    """Read them each time, in place of the fixture of this name: each test here has an SDK of its own."""


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.session.Session", Sdk)


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)


def test_version_is_that_of_the_manifest_and_else_of_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "_COLLECTION", tmp_path)
    (tmp_path / "galaxy.yml").write_text("name: ünï\nversion: 1.2\n", encoding="utf-8")
    assert origin.collection_version() == "1.2"
    manifest = {"collection_info": {"authors": ["Ünï"], "version": "1.3.0"}}
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    assert origin.collection_version() == "1.3.0"


@pytest.mark.parametrize(
    ("regions", "others"),
    [
        (["eu-central-1"], ["ap-south-1", "us-east-1"]),
        (["eu-central-1", "ap-south-1", "us-east-1"], []),
        (["cn-north-1"], ["cn-northwest-1"]),
        (["cn-north-1", "us-east-1"], ["ap-south-1", "cn-northwest-1", "eu-central-1"]),
        (["nowhere-1"], []),
    ],
)
def test_regions_not_asked_are_the_others_of_their_partitions(sdk: None, regions: list[str], others: list[str]) -> None:
    assert origin.regions_not_asked("guardduty", iter(regions)) == others


def test_known_regions_are_those_of_all_partitions(sdk: None) -> None:
    regions = ["us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1", "cn-north-1"]
    assert origin.known_regions("guardduty") == regions
    assert origin.known_regions("nothing") == []


def test_home_is_the_region_of_the_partition_that_is_always_on() -> None:
    assert origin.home_of("cn-north-1") == "cn-northwest-1"


def test_without_the_sdk_nothing_is_known(no_sdk: None) -> None:
    assert origin.known_regions("guardduty") == []
    assert origin.regions_not_asked("guardduty", ["us-east-1"]) == []
    assert origin.home_of("cn-north-1") == "cn-north-1"
