# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a process: ``PYTHONPATH=tests python -m emulator --port 0 --seed FILE --port-file FILE``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

import yaml

from . import Emulator


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="emulator", description="An emulated AWS on the loopback interface.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--seed", type=Path, help="YAML or JSON file with the initial state")
    parser.add_argument("--port-file", type=Path, help="file that gets the port number once the emulator is ready")
    options = parser.parse_args(arguments)

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Emulator(port=options.port) as emulator:
        if options.seed:
            emulator.seed(yaml.safe_load(options.seed.read_text(encoding="utf-8")) or {})
        if options.port_file:  # renamed into place: a waiting script never reads half a number
            partial = options.port_file.with_name(f"{options.port_file.name}.part")
            partial.write_text(f"{emulator.url.rpartition(':')[2]}\n", encoding="utf-8")
            partial.replace(options.port_file)
        print(f"ready {emulator.url}", flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
