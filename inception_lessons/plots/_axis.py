"""Scales and axes for charts on a `Canvas`."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.ticker import MaxNLocator

from inception_lessons.plots._canvas import SMALL, Canvas


class Scale(NamedTuple):
    """A map from values to points of the canvas."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.stop - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most `most` + 1 round values within the scale."""
        if not self.log:
            locator = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10])
            values = [float(f"{value:.12g}") for value in locator.tick_values(self.low, self.high)]
            return [value for value in values if self.low <= value <= self.high]
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            values = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
            values = [value for value in values if self.low <= value <= self.high]
            if len(values) <= most + 1:
                return values
        return values[:: math.ceil(len(values) / most)]


def linear_scale(values: Sequence[float], start: float, stop: float, *, zero: bool = False) -> Scale:
    """Return a linear scale over the values, with a little room, or from zero."""
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1) * 0.06
    return (
        Scale(0.0, high + room, start, stop)
        if zero and low >= 0
        else Scale(low - room, high + room, start, stop)
    )


def log_scale(values: Sequence[float], start: float, stop: float, room: float = 1.3) -> Scale:
    """Return a logarithmic scale over positive values, with a factor `room` to spare on both sides."""
    return Scale(min(values) / room, max(values) * room, start, stop, log=True)


def plain(value: float) -> str:
    """Return a number as axes print it: powers of ten beyond four digits as such."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        exponent = math.floor(math.log10(abs(value)) + 1e-9)
        digits = value / 10**exponent
        power = f"10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(d)] if d != '-' else '⁻' for d in str(exponent))}"
        return power if math.isclose(digits, 1) else f"{digits:g}·{power}"
    return f"{value:,.10g}"


def vertical_axis(canvas: Canvas, scale: Scale, left: float, right: float, most: int = 5) -> None:
    """Rule the canvas at the ticks, and write their values left of the rules."""
    for tick in scale.ticks(most):
        y = scale(tick)
        canvas.line([(left, y), (right, y)], "rule", 0.6)
        canvas.text(left - 5, y + 3, plain(tick), size=SMALL, ink="muted", align="right")


def horizontal_axis(canvas: Canvas, scale: Scale, top: float, bottom: float, most: int = 5) -> None:
    """Rule the canvas at the ticks, and write their values below the rules."""
    for tick in scale.ticks(most):
        x = scale(tick)
        canvas.line([(x, top), (x, bottom)], "rule", 0.6)
        canvas.text(x, bottom + 12, plain(tick), size=SMALL, ink="muted", align="center")


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return the places moved apart to at least `gap`, in their order and between `low` and `high`."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [min(max(place, low), high) for place in places]
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + gap)
    limit = high
    for i in reversed(order):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - gap
    return moved
