"""Stand in for get-pip.py, which no package index has: install pip from Python's own copy, then what is asked for.

ansible-test runs it (see scripts/ansible-test) in a new virtual environment, with pip's arguments.
"""

from __future__ import annotations

import subprocess
import sys

# Not ensurepip.bootstrap(): it sets PIP_CONFIG_FILE, and the machine's index and certificates would be lost.
packages = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
for command in (["ensurepip"], ["pip", "install", "--quiet", "--disable-pip-version-check", *packages]):
    subprocess.check_call([sys.executable, "-m", *command], stdout=subprocess.DEVNULL)
