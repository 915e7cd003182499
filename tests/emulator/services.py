# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that the emulator answers for, a line each."""

from __future__ import annotations

from .guardduty import GuardDuty
from .macie import Macie
from .securityhub import SecurityHub

SERVICES = (GuardDuty, SecurityHub, Macie)
