# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Note what each module of a role takes, from its start to its exit, in the file MUSTER_BENCH_RECORDS.

A role's modules are copies of the process of its action: no interpreter could measure them from outside.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.muster.aws.plugins.plugin_utils import _modules

DOCUMENTATION = """
name: measure_modules
type: aggregate
short_description: Note what each module of a role takes
description:
  - It has nothing to set.
"""

_run_in_copy = _modules.run_in_copy


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "measure_modules"
    CALLBACK_NEEDS_ENABLED = True


def _measured(main: Callable[[], object], arguments: Mapping[str, Any], folder: str) -> dict[str, Any]:
    before, started = getrusage(RUSAGE_CHILDREN), time.monotonic()
    result = _run_in_copy(main, arguments, folder)
    ended, after = time.monotonic(), getrusage(RUSAGE_CHILDREN)
    record = {
        "started": started,
        "ended": ended,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": after.ru_maxrss / 1024,
    }
    with Path(os.environ["MUSTER_BENCH_RECORDS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    return result


_modules.run_in_copy = _measured
