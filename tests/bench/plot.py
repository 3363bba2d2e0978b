"""Draws figures over a number of records as an SVG of panels, side by side, each with axes from zero.

From zero, so that a line that looks level is level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PANEL = (400, 330)  # width and height in pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 34, 46, 62
_STEPS = 4  # lines across a panel, about
_COLOURS = ("#0a58a8", "#b3541e", "#3b7d3b")


@dataclass(frozen=True)
class Panel:
    """Lines by name: for each number of records a value in `unit`. `below` says what the records are."""

    title: str
    unit: str
    below: str
    lines: Mapping[str, Mapping[int, float]]


def svg(panels: Sequence[Panel]) -> str:
    """The picture."""
    width, height = PANEL[0] * len(panels), PANEL[1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate({place * PANEL[0]},0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel) -> list[str]:
    most = max(value for line in panel.lines.values() for value in line.values())
    largest = max(number for line in panel.lines.values() for number in line)
    step = _step(most)
    top = step * math.ceil(most / step)

    def x(number: float) -> float:
        return _LEFT + number / largest * (PANEL[0] - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return PANEL[1] - _BOTTOM - value / top * (PANEL[1] - _TOP - _BOTTOM)

    parts = [f'<text x="{_LEFT}" y="20" font-size="14">{panel.title}</text>']
    for i in range(round(top / step) + 1):
        at = y(i * step)
        parts.append(
            f'<line x1="{_LEFT}" x2="{PANEL[0] - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{i * step:,g}</text>'
        )
    parts.append(f'<text x="{_LEFT - 6}" y="{_TOP - 10}" text-anchor="end">{panel.unit}</text>')
    for i in range(5):
        number = largest * i / 4
        parts.append(
            f'<text x="{x(number):.1f}" y="{PANEL[1] - _BOTTOM + 18}" text-anchor="middle">'
            f"{number:,.0f}</text>"
        )
    parts.append(
        f'<text x="{(_LEFT + PANEL[0] - _RIGHT) / 2:.0f}" y="{PANEL[1] - _BOTTOM + 34}" '
        f'text-anchor="middle">{panel.below}</text>'
    )
    for index, (name, line) in enumerate(panel.lines.items()):
        colour = _COLOURS[index]
        points = " ".join(f"{x(number):.1f},{y(value):.1f}" for number, value in line.items())
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts += [
            f'<circle cx="{x(number):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}"/>'
            for number, value in line.items()
        ]
        first = _LEFT + index * (PANEL[0] - _LEFT - _RIGHT) / len(panel.lines)
        parts.append(f'<text x="{first:.0f}" y="{PANEL[1] - 8}" fill="{colour}">{name}</text>')
    return parts


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that about _STEPS fit below `most`."""
    power: float = 10.0 ** math.floor(math.log10(most / _STEPS))
    return next(power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= _STEPS)
