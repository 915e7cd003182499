# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts as SVG: lines over logarithmic axes, side by side, with one legend."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import matplotlib as mpl
from matplotlib.figure import Figure

Point = tuple[float, float]

# Readable for the colour-blind, and told apart by their dashes as well.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Chart:
    """One panel: named lines of points."""

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, Sequence[Point]]


def draw(charts: Sequence[Chart]) -> str:
    """Return the charts side by side, with one legend below them. The same charts give the same text."""
    names = dict.fromkeys(name for chart in charts for name in chart.lines)
    styles = dict(zip(names, zip(cycle(_COLOURS), cycle(_DASHES), strict=False), strict=False))
    figure = Figure(figsize=(4.8 * len(charts), 3.8 + 0.12 * len(names)), layout="constrained")
    for axes, chart in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        for name, points in chart.lines.items():
            shown = sorted(point for point in points if min(point) > 0)
            colour, dash = styles[name]
            axes.plot([x for x, _y in shown], [y for _x, y in shown], dash, color=colour, marker="o", ms=4, label=name)
        axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label, xscale="log", yscale="log")
        axes.grid(color="#ddd")
    handles = {line.get_label(): line for axes in figure.axes for line in axes.lines}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, frameon=False)
    text = io.StringIO()
    # Texts as texts, for search and screen readers; no date, and names that do not change from run to run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "muster.aws"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
