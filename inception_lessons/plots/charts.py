"""Charts of counts: bars."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from inception_lessons._check import one_of, text
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas, text_width, wrap
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
    text("unit", unit)
    text("ink", ink)
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
