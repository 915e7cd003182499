# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run in this process against an emulated AWS."""

from __future__ import annotations

from ansible_collections.muster.aws.tests.harness import clock, emulator, emulator_server, run_module

__all__ = ["clock", "emulator", "emulator_server", "run_module"]
