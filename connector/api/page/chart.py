"""The chart of the last days as numbers for an SVG: the template only draws. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from connector.api.page.activity import Day

__all__ = ["Bar", "Chart", "chart_of"]

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 4, 10, 24
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle, in units of the drawing."""

    kind: str  # sent, failed, received
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything to draw."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, int], ...]  # y and number of each grid line
    labels: tuple[tuple[float, int], ...]  # x and index of the days that are named
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    base: int = HEIGHT - _BOTTOM


def chart_of(days: Sequence[Day]) -> Chart:
    """Two bars a day: what left with what failed on top of it, and what arrived.

    Args:
        days: the oldest first, at least one.
    """
    top = _nice(max(max(day.counts.sent + day.counts.failed, day.counts.received) for day in days))
    scale = (HEIGHT - _TOP - _BOTTOM) / top
    slot = (WIDTH - _LEFT - _RIGHT) / len(days)
    bars = [bar for index, day in enumerate(days) for bar in _bars(day, _LEFT + index * slot, slot, scale)]
    base = HEIGHT - _BOTTOM
    lines = [(round(base - value * scale, 1), value) for value in _marks(top)]
    named = range(len(days) - 1, -1, -7)
    labels = [(round(_LEFT + (index + 0.5) * slot, 1), index) for index in sorted(named)]
    return Chart(WIDTH, HEIGHT, tuple(bars), tuple(lines), tuple(labels))


def _bars(day: Day, x: float, slot: float, scale: float) -> list[Bar]:
    counts, base, width = day.counts, HEIGHT - _BOTTOM, slot * 0.36
    sent, failed, received = counts.sent * scale, counts.failed * scale, counts.received * scale
    left, right = x + slot * 0.12, x + slot * 0.52
    drawn = [
        Bar("sent", left, base - sent, width, sent),
        Bar("failed", left, base - sent - failed, width, failed),
        Bar("received", right, base - received, width, received),
    ]
    return [_rounded(bar) for bar in drawn if bar.height]


def _rounded(bar: Bar) -> Bar:
    return Bar(bar.kind, *(round(value, 1) for value in (bar.x, bar.y, bar.width, bar.height)))


def _nice(most: int) -> int:
    """The next number that divides well: 1, 2, 5, 10, 20, 50 …, at least 4."""
    power = int(10 ** max(0, math.floor(math.log10(max(most, 1)))))
    found = next((step * power for step in (*_STEPS, 10) if step * power >= most), 10 * power)
    return max(4, found)


def _marks(top: int) -> list[int]:
    parts = 4 if top % 4 == 0 else 5 if top % 5 == 0 else 2
    return [top * part // parts for part in range(1, parts + 1)]
