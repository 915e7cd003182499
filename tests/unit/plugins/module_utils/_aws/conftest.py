# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SDK in front of an AWS that answers what a test says."""

from __future__ import annotations

from ansible_collections.muster.aws.tests.unit.plugins.module_utils._aws.sdk import aws

__all__ = ["aws"]
