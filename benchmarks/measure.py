# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run Python as it would run alone, and note what it took.

The bench gives a call of this as Ansible's interpreter, so that every module process is measured from its start to its
exit, and nothing of Ansible's own work is.

Usage: python measure.py RECORDS PYTHON [ARGUMENT...]   (appends one line of JSON to RECORDS)
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    records, *command = sys.argv[1:]
    started = time.monotonic()
    pid = os.spawnv(os.P_NOWAIT, command[0], command)
    _pid, status, usage = os.wait4(pid, 0)
    record = {
        "started": started,
        "ended": time.monotonic(),
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
    }
    with Path(records).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    sys.exit(os.waitstatus_to_exitcode(status))
