# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services, a line each. Whatever has to name them, or their rows, takes the names from here."""

from __future__ import annotations

from collections.abc import Mapping

from .._membership.model import ServiceFacts
from .guardduty.facts import GUARDDUTY
from .macie.facts import MACIE
from .securityhub.facts import SECURITYHUB

SERVICES: Mapping[str, ServiceFacts] = {facts.name: facts for facts in (GUARDDUTY, SECURITYHUB, MACIE)}
