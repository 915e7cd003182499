# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AWS for tests: GuardDuty and Security Hub memberships over HTTP, beside moto's STS, Organizations, EC2 and IAM."""

from __future__ import annotations

from .calls import Call
from .emulator import Emulator
from .errors import AwsError, EmulatorError
from .faults import Fault
from .knobs import Knobs

__all__ = ["AwsError", "Call", "Emulator", "EmulatorError", "Fault", "Knobs"]
