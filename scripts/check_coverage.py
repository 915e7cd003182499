"""Print how much of plugins/ the tests ran, and fail below the limits. Reads what `pytest --cov-report=json` wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LIMITS = (
    # title, files, what is counted, least per cent
    ("lines of plugins/", "plugins/", "lines", 95.0),
    ("branches of plugins/module_utils/_membership/", "plugins/module_utils/_membership/", "branches", 100.0),
)
KEYS = {"lines": ("covered_lines", "num_statements"), "branches": ("covered_branches", "num_branches")}


def measure(files: dict[str, dict], prefix: str, counted: str) -> tuple[int, int]:
    """Return how many lines or branches below a folder were run, and how many there are."""
    summaries = [entry["summary"] for path, entry in files.items() if Path(path).as_posix().startswith(prefix)]
    covered, total = (sum(summary.get(key, 0) for summary in summaries) for key in KEYS[counted])
    return covered, total


def main(report: str) -> int:
    """Print one line per limit. Return 1 if one is not met or nothing was counted, else 0."""
    files = json.loads(Path(report).read_text(encoding="utf-8"))["files"]
    failed = False
    for title, prefix, counted, least in LIMITS:
        covered, total = measure(files, prefix, counted)
        percent = 100.0 * covered / total if total else 0.0
        failed |= percent < least
        verdict = "ok" if percent >= least else "TOO LOW"
        print(f"coverage: {percent:6.2f} % ({covered} of {total}) {title}, at least {least:g} %: {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
