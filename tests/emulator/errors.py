# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS answers instead of a result."""

from __future__ import annotations


class AwsError(Exception):
    """A request-level error: nothing was done, the HTTP status is not 200.

    ``code`` is what an SDK reports. ``inner`` is GuardDuty's older code, which it still sends as ``__type`` in the body
    while the header ``x-amzn-ErrorType`` carries the modelled one.
    """

    def __init__(self, code: str, message: str, status: int = 400, inner: str | None = None) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.message = message
        self.status = status
        self.inner = inner


class EmulatorError(Exception):
    """The emulator was used wrongly, or is itself wrong. Never something AWS would say."""
