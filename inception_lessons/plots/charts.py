"""Charts of counts: bars, and cost against accuracy."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from inception_lessons._check import one_of
from inception_lessons.plots._axis import horizontal_axis, linear_scale, log_scale, vertical_axis
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas, millions, text_width, wrap
from inception_lessons.plots._figure import PALETTE, ThemedFigure
from inception_lessons.plots._rows import number, read, rows_of


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
