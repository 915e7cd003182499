# Copyright: Contributors to the muster.aws project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts as SVG: scatter lines over logarithmic axes, with a legend. No library, no style sheet, no script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

# Readable for the colour-blind, and told apart by their marks and dashes as well.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = ("none", "7 4", "2 4", "10 3 2 3")
_WIDTH, _HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 34, 48


@dataclass(frozen=True)
class Chart:
    """One panel: named lines of points."""

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, Sequence[Point]]


class _Axis:
    """A logarithmic axis from values to pixels."""

    def __init__(self, values: Iterable[float], start: float, end: float) -> None:
        found = [value for value in values if value > 0]
        self._low, self._high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)) or 1)
        self._start, self._scale = start, (end - start) / max(1, self._high - self._low)

    def __call__(self, value: float) -> float:
        return self._start + (math.log10(value) - self._low) * self._scale

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def draw(charts: Sequence[Chart]) -> str:
    """Return the charts side by side, with one legend below them."""
    names = list(dict.fromkeys(name for chart in charts for name in chart.lines))
    styles = {
        name: (_COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]) for number, name in enumerate(names)
    }
    width, height = _WIDTH * len(charts), _HEIGHT + 22 * math.ceil(len(names) / 2) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, chart in enumerate(charts):
        parts += [f'<g transform="translate({number * _WIDTH} 0)">', *_panel(chart, styles), "</g>"]
    for number, name in enumerate(names):
        x, y = 64 + number % 2 * width / 2, _HEIGHT + 14 + number // 2 * 22
        parts.append(_line([(x, y), (x + 34, y)], *styles[name]))
        parts.append(_text(x + 42, y + 4, name, "start"))
    return "\n".join([*parts, "</svg>", ""])


def _panel(chart: Chart, styles: Mapping[str, tuple[str, str]]) -> list[str]:
    points = [point for line in chart.lines.values() for point in line]
    x_axis = _Axis([x for x, _y in points], _LEFT, _WIDTH - _RIGHT)
    y_axis = _Axis([y for _x, y in points], _HEIGHT - _BOTTOM, _TOP)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [_text((_LEFT + right) / 2, 18, chart.title, weight="bold")]
    for value in x_axis.ticks:
        parts.append(_grid(x_axis(value), _TOP, x_axis(value), bottom))
        parts.append(_text(x_axis(value), bottom + 16, f"{value:,g}"))
    for value in y_axis.ticks:
        parts.append(_grid(_LEFT, y_axis(value), right, y_axis(value)))
        parts.append(_text(_LEFT - 6, y_axis(value) + 4, f"{value:,g}", "end"))
    parts.append(_text((_LEFT + right) / 2, bottom + 36, chart.x_label))
    middle = (_TOP + bottom) / 2
    parts.append(f'<g transform="rotate(-90 16 {middle:g})">{_text(16, middle, chart.y_label)}</g>')
    for name, line in chart.lines.items():
        places = [(x_axis(x), y_axis(y)) for x, y in sorted(line) if y > 0]
        parts.append(_line(places, *styles[name]))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{styles[name][0]}"/>' for x, y in places]
    return parts


def _line(points: Sequence[Point], colour: str, dash: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
