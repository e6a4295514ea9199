"""Charts of counts: bars, printed against computed, cost against accuracy."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from inception_lessons._check import one_of
from inception_lessons.plots._axis import horizontal_axis, linear_scale, log_scale, vertical_axis
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas, millions, text_width, wrap
from inception_lessons.plots._figure import PALETTE, ThemedFigure
from inception_lessons.plots._rows import finite, number, read, rows_of


def _exact(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def bars(
    rows: Sequence[object], value: str, label: str = "name", *, unit: str = "", ink: str = "conv1"
) -> ThemedFigure:
    """Draw one horizontal bar per row, from zero, with the exact number at its end.

    Args:
        rows: mappings or NamedTuples.
        value: the key of the number; it must not be negative.
        label: the key of the row's name.
        unit: what the numbers count, such as "MACs"; written above the bars.
        ink: a colour of the book's palette, "conv1" to "other"; or a key of the rows that holds one.

    Raises:
        ValueError: no rows, a missing key, a negative or infinite number, or an unknown colour.
    """
    found = rows_of("rows", rows)
    names = [str(read(row, label, "rows")) for row in found]
    numbers = [number(row, value, "rows", above=-1e-300) for row in found]
    inks = [one_of("ink", ink if ink in PALETTE else read(row, ink, "rows"), PALETTE) for row in found]
    heading = (
        f"{value.replace('_', ' ')}, {unit}" if unit and unit.lower() != value.lower() else unit or value
    )

    def draw(width: float) -> Figure:
        canvas = Canvas(width)
        labels = [wrap(name, 0.38 * width) for name in names]
        left = max(text_width(line) for lines in labels for line in lines) + 8
        room = width - left - max(text_width(_exact(n), SMALL) for n in numbers) - 5
        top = 20.0
        canvas.text(left, 10, heading, size=SMALL, ink="muted")
        y = top
        for lines, count, paint in zip(labels, numbers, inks, strict=True):
            height = max(20.0, 12.0 * len(lines) + 6)
            for place, line in enumerate(lines):
                canvas.text(
                    left - 8, y + height / 2 + 3.5 + 12 * (place - (len(lines) - 1) / 2), line, align="right"
                )
            extent = room * count / (max(numbers) or 1)
            canvas.bar(left, y + height / 2 - 6.5, extent, 13, paint)
            canvas.text(left + extent + 4, y + height / 2 + 3.5, _exact(count), size=SMALL)
            y += height
        canvas.line([(left, top), (left, y)], "ink")
        return canvas.finish(y + 2)

    told = "; ".join(f"{name}: {_exact(count)}" for name, count in zip(names, numbers, strict=True))
    return ThemedFigure(heading, f"Bars of {heading}. {told}.", draw(WIDE), draw(NARROW))


class _Pair(NamedTuple):
    """One count, computed and printed."""

    name: str
    computed: float
    printed: float | None
    unit: float
    """What 1 in the last printed digit stands for."""

    @property
    def differs(self) -> bool:
        return self.printed is not None and abs(self.computed - self.printed) >= self.unit

    @property
    def change(self) -> str:
        if self.printed is None:
            return "–"
        percent = 100 * (self.computed / self.printed - 1)
        text = f"{percent:+,.1f} %" if abs(percent) < 99.95 else f"{percent:+,.0f} %"
        return "0.0 %" if text[1:] == "0.0 %" else text.replace("-", "−")


def _count(title: str, count: float) -> str:
    return millions(count) if title == "MACs" else f"{count:,.0f}"


def cost_bars(
    rows: Sequence[object], *, macs_unit: float = 1e6, parameters_unit: float = 1024
) -> ThemedFigure:
    """Draw what a table prints against what we compute, row by row, for MACs and parameters.

    Bars are computed, the upright marks are printed. Where the two differ by at least one unit of the
    printed number, so that rounding does not explain it, the difference is in bold.

    Args:
        rows: `name`, `macs`, `printed_macs`, `parameters`, `printed_parameters`, as plain counts. A printed
            value of None is left out. K and M are for the caller to expand (`papers.printed_count`).
        macs_unit: the smallest step of the printed MACs; 10⁶ in Table 1 of GoogLeNet.
        parameters_unit: the smallest step of the printed parameters; 1024 there.

    Raises:
        ValueError: no rows, a missing key, or a count that is not positive.
    """
    found = rows_of("rows", rows)
    names = [str(read(row, "name", "rows")) for row in found]
    panels = {
        title: [
            _pair(row, name, key, finite(f"{key}_unit", unit, above=0))
            for row, name in zip(found, names, strict=True)
        ]
        for title, key, unit in (("MACs", "macs", macs_unit), ("parameters", "parameters", parameters_unit))
    }
    margin = max(text_width(name) for name in names) + 8

    def beside(width: float) -> Figure:
        canvas, half = Canvas(width), (width - margin - 24) / 2
        _draw_names(canvas, names, margin, 0)
        _draw_pairs(canvas, "MACs", panels["MACs"], margin, margin + half, 0)
        return canvas.finish(
            _draw_pairs(canvas, "parameters", panels["parameters"], width - half, width, 0) + 2
        )

    def stacked(width: float) -> Figure:
        canvas, y = Canvas(width), 0.0
        for title, pairs in panels.items():
            _draw_names(canvas, names, margin, y)
            y = _draw_pairs(canvas, title, pairs, margin, width, y) + 16
        return canvas.finish(y - 14)

    told = " ".join(_told(title, pairs) for title, pairs in panels.items())
    alt = f"Printed against computed for {len(names)} rows. {told}"
    return ThemedFigure("Printed and computed", alt, beside(WIDE), stacked(NARROW))


def _pair(row: object, name: str, key: str, unit: float) -> _Pair:
    printed = read(row, f"printed_{key}", "rows")
    if printed is not None:
        printed = number(row, f"printed_{key}", "rows", above=0)
    return _Pair(name, number(row, key, "rows", above=0), printed, unit)


def _draw_names(canvas: Canvas, names: Sequence[str], right: float, top: float) -> None:
    for place, name in enumerate(names):
        canvas.text(right - 8, top + 42 + 20 * place, name, align="right")


def _draw_pairs(
    canvas: Canvas, title: str, pairs: Sequence[_Pair], left: float, right: float, top: float
) -> float:
    """Draw one panel between left and right, and return the y below it."""
    middle = right - 47
    scale = (middle - 58 - left) / max(max(pair.computed, pair.printed or 0) for pair in pairs)
    canvas.text(left, top + 10, title, bold=True)
    canvas.text(left, top + 24, "printed: mark", size=SMALL, ink="muted")
    canvas.text(middle, top + 24, "computed", size=SMALL, ink="muted", align="right")
    canvas.text(right, top + 24, "differs", size=SMALL, ink="muted", align="right")
    y = top + 30
    for pair in pairs:
        canvas.bar(left, y + 3, scale * pair.computed, 11, "other")
        if pair.printed is not None:
            canvas.line([(left + scale * pair.printed, y), (left + scale * pair.printed, y + 17)], "ink", 2.0)
        canvas.text(middle, y + 12, _count(title, pair.computed), size=SMALL, align="right")
        ink = "ink" if pair.differs else "muted"
        canvas.text(right, y + 12, pair.change, size=SMALL, align="right", bold=pair.differs, ink=ink)
        y += 20
    canvas.line([(left, top + 30), (left, y)], "ink")
    return y


def _told(title: str, pairs: Sequence[_Pair]) -> str:
    compared = [pair for pair in pairs if pair.printed is not None]
    odd = [
        f"{pair.name} {_count(title, pair.computed)} computed, "
        f"{_count(title, pair.printed)} printed ({pair.change})"
        for pair in compared
        if pair.differs
    ]
    if not compared:
        return f"{title[:1].upper()}{title[1:]}: nothing is printed to compare with."
    agree = f"{len(compared) - len(odd)} of {len(compared)} rows agree within one unit of the printed number"
    return f"{title[:1].upper()}{title[1:]}: {agree}{'; the others: ' if odd else ''}{'; '.join(odd)}."


def scatter_costs(rows: Sequence[object]) -> ThemedFigure:
    """Draw accuracy against MACs on a logarithmic axis, every point with its name.

    Args:
        rows: `name`, `macs` (per image), `accuracy` (in percent) and, if the discs' areas shall show them,
            `parameters`.

    Raises:
        ValueError: no rows, a missing key, MACs that are not positive, or an accuracy outside 0 to 100.
    """
    found = rows_of("rows", rows)
    names = [str(read(row, "name", "rows")) for row in found]
    macs = [number(row, "macs", "rows", above=0) for row in found]
    accuracy = [number(row, "accuracy", "rows", above=-1e-300) for row in found]
    for name, value in zip(names, accuracy, strict=True):
        if value > 100:
            raise ValueError(f"accuracy of {name!r} must be a percentage, at most 100, got {value}")
    sized = all(_has(row, "parameters") for row in found)
    parameters = [number(row, "parameters", "rows", above=0) if sized else 0 for row in found]

    def draw(width: float) -> Figure:
        canvas, left, top, bottom = Canvas(width), 30.0, 22.0, 0.0
        bottom = top + (250 if width == WIDE else 230)
        scale = 1.6 if max(macs) / min(macs) < 3 else 2.2
        across = log_scale([m / 1e6 for m in macs], left + 8, width - 8, scale)
        up = linear_scale(accuracy, bottom - 8, top + 8)
        canvas.text(0, 10, "accuracy in %", size=SMALL, ink="muted")
        vertical_axis(canvas, up, left, width)
        horizontal_axis(canvas, across, top, bottom)
        canvas.text(width, bottom + 26, "MACs per image, in M (10⁶)", size=SMALL, ink="muted", align="right")
        if sized:
            canvas.text(width, 10, "disc area: parameters", size=SMALL, ink="muted", align="right")
        largest = max(parameters) or 1
        radii = [max(1.5, 14 * (p / largest) ** 0.5) if sized else 4.0 for p in parameters]
        discs = [(across(m / 1e6), up(a), r) for m, a, r in zip(macs, accuracy, radii, strict=True)]
        taken = [(x - r, y - r, x + r, y + r) for x, y, r in discs]
        for (x, y, radius), name in zip(discs, names, strict=True):
            canvas.dot(x, y, radius, "conv1")
            place = _free_place(x, y, radius, text_width(name, SMALL), taken, (left, top, width, bottom))
            taken.append(place)
            canvas.text(place[0], place[3] - 2, name, size=SMALL)
        return canvas.finish(bottom + 30)

    told = "; ".join(
        f"{name}: {value:g} % at {millions(work)} MACs" + (f", {count:,} parameters" if sized else "")
        for name, value, work, count in zip(names, accuracy, macs, parameters, strict=True)
    )
    note = " Areas show the parameters." if sized else ""
    return ThemedFigure(
        "Accuracy and MACs", f"Accuracy against MACs per image.{note} {told}.", draw(WIDE), draw(NARROW)
    )


def _has(row: object, key: str) -> bool:
    return key in row if hasattr(row, "keys") else hasattr(row, key)


Box = tuple[float, float, float, float]


def _free_place(x: float, y: float, radius: float, width: float, taken: Sequence[Box], frame: Box) -> Box:
    """Return the place for a label by a point that overlaps least with what is already there."""
    height = SMALL + 2
    corners = [
        (x + radius + 3, y - height / 2),
        (x - radius - 3 - width, y - height / 2),
        (x - width / 2, y - radius - 1 - height),
        (x - width / 2, y + radius + 1),
        (x + radius, y - radius - height + 2),
        (x - radius - width, y - radius - height + 2),
        (x + radius, y + radius - 2),
        (x - radius - width, y + radius - 2),
    ]
    places = [(left, upper, left + width, upper + height) for left, upper in corners]

    def clutter(place: Box) -> float:
        hidden = sum(_overlap(place, other) for other in taken)
        outside = width * height - _overlap(place, frame)
        return hidden + 10 * outside

    return min(places, key=clutter)


def _overlap(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)
