"""Charts of what was measured: training runs, gradients, images."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from inception_lessons._check import mapping, members, positive, text
from inception_lessons.plots._axis import (
    Scale,
    horizontal_axis,
    linear_scale,
    log_scale,
    spread,
    vertical_axis,
)
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas, text_width, wrap
from inception_lessons.plots._figure import ThemedFigure
from inception_lessons.plots._rows import finite, number, rows_of

_INKS = ("conv1", "conv3", "conv5", "pool", "dense", "other")
_MOST_POINTS = 240


class _Curve(NamedTuple):
    """One run's values of one quantity."""

    label: str
    ink: str
    points: list[tuple[float, float]]


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return means over groups of neighbouring points, so that at most `_MOST_POINTS` remain."""
    size = math.ceil(len(points) / _MOST_POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups
    ]


def _runs(name: str, value: object) -> list[list[object]]:
    """Return the rows of every run; a `training.History` gives its steps' losses and tests' accuracies."""
    if hasattr(value, "steps") and hasattr(value, "tests"):
        losses = [{"step": row.step, "loss": row.loss} for row in value.steps]
        return [rows_of(name, [*losses, *({"step": row.step, "accuracy": row.top1} for row in value.tests)])]
    members = rows_of(name, value)
    if isinstance(members[0], Mapping) or hasattr(members[0], "_fields"):
        return [members]
    return [run for member in members for run in _runs(name, member)]


def _curves(histories: Mapping[str, object], step: str, quantity: str) -> list[_Curve]:
    curves = []
    for place, (label, value) in enumerate(histories.items()):
        name = f"histories[{label!r}]"
        for run in _runs(name, value):
            rows = [row for row in run if _value(row, quantity) is not None]
            points = [(number(row, step, name), number(row, quantity, name)) for row in rows]
            if points:
                curves.append(_Curve(label, _INKS[place % len(_INKS)], points))
    return curves


def _value(row: object, key: str) -> object:
    return row.get(key) if isinstance(row, Mapping) else getattr(row, key, None)


def training_curves(
    histories: Mapping[str, object],
    quantities: Sequence[str] = ("loss", "accuracy"),
    *,
    step: str = "step",
) -> ThemedFigure:
    """Draw loss and accuracy along the training of one or more networks, each curve labelled at its end.

    Args:
        histories: label → a `training.History`, the rows of one run, or a list of either (seeds), which share
            label and colour. A row is a mapping or NamedTuple with `step` and at least one of the quantities;
            rows without a quantity are left out of its panel. Long runs are drawn as means of neighbouring
            rows. Of a History, "loss" is that of the training batches and "accuracy" the top-1 of the tests.
        quantities: keys of the rows, one panel each.
        step: the key of the horizontal axis.

    Raises:
        ValueError: no histories, an empty run, a number that is not finite, or a quantity that no row has.
    """
    mapping("histories", histories)
    quantities = [text("a quantity", quantity) for quantity in members("quantities", quantities)]
    if not histories or not quantities:
        raise ValueError(
            "histories and quantities must not be empty; give {label: rows} and keys such as 'loss'"
        )
    panels = {quantity: _curves(histories, step, quantity) for quantity in quantities}
    for quantity, curves in panels.items():
        if not curves:
            raise ValueError(
                f"no row of histories has {quantity!r}; leave it out of quantities, now {tuple(quantities)!r}"
            )
    steps = [x for curves in panels.values() for curve in curves for x, _ in curve.points]
    ends = {quantity: _ends(curves) for quantity, curves in panels.items()}

    def draw_panel(canvas: Canvas, quantity: str, left: float, right: float, top: float) -> float:
        bottom = top + 20 + 150
        labels = {
            label: [*wrap(label, 76, SMALL), _range(values)] for label, values in ends[quantity].items()
        }
        margin = max(text_width(line, SMALL, True) for lines in labels.values() for line in lines) + 8
        across = Scale(min(steps), max(max(steps), min(steps) + 1), left + 34, right - margin)
        values = [y for curve in panels[quantity] for _, y in curve.points]
        up = linear_scale(values, bottom, top + 20, zero=quantity == "loss")
        canvas.text(left, top + 10, quantity, bold=True)
        vertical_axis(canvas, up, left + 34, right - margin)
        horizontal_axis(canvas, across, bottom, bottom + 3, 4)
        canvas.text(across.stop, bottom + 24, step, size=SMALL, ink="muted", align="right")
        runs = {
            curve.label: sum(other.label == curve.label for other in panels[quantity])
            for curve in panels[quantity]
        }
        inks = {}
        for curve in panels[quantity]:
            inks[curve.label] = curve.ink
            points = [(across(x), up(y)) for x, y in _thin(curve.points)]
            if len(points) == 1:
                canvas.dot(*points[0], 2, curve.ink)
            canvas.line(
                points * (2 if len(points) == 1 else 1),
                curve.ink,
                1.6 if runs[curve.label] == 1 else 1.0,
                dash=(5, 2) if _hollow(runs)[list(runs).index(curve.label)] else (),
            )
        lines = max(map(len, labels.values()))
        aims = [up(sum(values) / len(values)) + 3 for values in ends[quantity].values()]
        places = spread(aims, 11.0 * lines + 3, top + 20, bottom + 14 - 11 * lines)
        for (label, words), y in zip(labels.items(), places, strict=True):
            for level, word in enumerate(words):
                canvas.text(
                    across.stop + 5,
                    y + 11 * level,
                    word,
                    size=SMALL,
                    ink=inks[label],
                    bold=level == len(words) - 1,
                )
        return bottom + 28

    def beside(width: float) -> Figure:
        canvas, room = Canvas(width), (width - 24 * (len(panels) - 1)) / len(panels)
        below = [
            draw_panel(canvas, q, i * (room + 24), i * (room + 24) + room, 0) for i, q in enumerate(panels)
        ]
        return canvas.finish(max(below))

    def stacked(width: float) -> Figure:
        canvas, y = Canvas(width), 0.0
        for quantity in panels:
            y = draw_panel(canvas, quantity, 0, width, y) + 10
        return canvas.finish(y - 10)

    told = " ".join(_told(quantity, curves, step) for quantity, curves in panels.items())
    return ThemedFigure("Training", f"Training curves. {told}", beside(WIDE), stacked(NARROW))


def _ends(curves: Sequence[_Curve]) -> dict[str, list[float]]:
    """Return the last value of each run, by label."""
    last: dict[str, list[float]] = {}
    for curve in curves:
        last.setdefault(curve.label, []).append(curve.points[-1][1])
    return last


def _range(values: Sequence[float]) -> str:
    low, high = (
        f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}" for value in (min(values), max(values))
    )
    return low if low == high else f"{low}–{high}"


def _told(quantity: str, curves: Sequence[_Curve], step: str) -> str:
    said = []
    for label in dict.fromkeys(curve.label for curve in curves):
        runs = [curve.points for curve in curves if curve.label == label]
        starts, ends = ([points[at][1] for points in runs] for at in (0, -1))
        until = f"by {step} {max(points[-1][0] for points in runs):,g}"
        if len(runs) == 1:
            said.append(f"{label} from {starts[0]:.3g} to {ends[0]:.3g} {until}")
        else:
            said.append(f"{label}, {len(runs)} runs, to between {min(ends):.3g} and {max(ends):.3g} {until}")
    return f"{quantity[:1].upper()}{quantity[1:]}: {'; '.join(said)}."


def gradient_norms(
    series: Mapping[str, Sequence[tuple[str, float]]], *, quantity: str = "norm of the gradient"
) -> ThemedFigure:
    """Draw the norm of the gradient in every layer, from the input downwards, on a logarithmic axis.

    Args:
        series: label → (layer's name, norm) from input to output; all series name the same layers.
        quantity: what the numbers are, written at the axis.

    Raises:
        ValueError: no series, other layers than in the first, or a norm that is not positive and finite.
    """
    if not series:
        raise ValueError("series must not be empty; give {label: [(layer, norm), ...]}")
    text("quantity", quantity)
    values = {label: _norms(label, rows) for label, rows in mapping("series", series).items()}
    first, *others = values
    layers = [name for name, _ in rows_of(f"series[{first!r}]", values[first])]
    for label in others:
        if [name for name, _ in values[label]] != layers:
            raise ValueError(
                f"series {label!r} must name the same layers as {first!r}, in the same order: {layers!r}"
            )
    everything = [norm for rows in values.values() for _, norm in rows]
    inks = dict(zip(values, (_INKS[i % len(_INKS)] for i in range(len(values))), strict=True))

    def draw(width: float) -> Figure:
        canvas, pitch = Canvas(width), 15.0
        left = max(text_width(name, SMALL) for name in layers) + 10
        labels = [wrap(label, width - left) for label in values]
        top = 13.0 * sum(map(len, labels)) + 12
        y = 0.0
        for (label, lines), hollow in zip(zip(values, labels, strict=True), _hollow(values), strict=True):
            canvas.dot(left + 4, y + 7, 3.2, inks[label], hollow=hollow)
            for line in lines:
                canvas.text(left + 12, y + 10.5, line, ink=inks[label], bold=True)
                y += 13
        bottom = top + pitch * len(layers)
        across = log_scale(everything, left, width - 6)
        horizontal_axis(canvas, across, top, bottom)
        for place, name in enumerate(layers):
            middle = top + pitch * (place + 0.5)
            canvas.text(left - 6, middle + 3, name, size=SMALL, align="right")
            found = [across(rows[place][1]) for rows in values.values()]
            if max(found) > min(found):
                canvas.line([(min(found), middle), (max(found), middle)], "other", 0.75)
            for label, x, hollow in zip(values, found, _hollow(values), strict=True):
                canvas.dot(x, middle, 3.2, inks[label], hollow=hollow)
        canvas.text(0, top - 2, "input", size=SMALL, ink="muted")
        canvas.text(0, bottom + 12, "output", size=SMALL, ink="muted")
        canvas.text(width, bottom + 25, f"{quantity} (logarithmic)", size=SMALL, ink="muted", align="right")
        return canvas.finish(bottom + 30)

    told = " ".join(
        f"{label}: {rows[0][1]:.2e} in {rows[0][0]}, {rows[-1][1]:.2e} in {rows[-1][0]}, "
        f"smallest {min(rows, key=lambda row: row[1])[1]:.2e} in {min(rows, key=lambda row: row[1])[0]}."
        for label, rows in values.items()
    )
    title = f"{quantity[:1].upper()}{quantity[1:]}"
    alt = f"{title} in {len(layers)} layers from input to output, logarithmic. {told}"
    return ThemedFigure(title, alt, draw(WIDE), draw(NARROW))


def _norms(label: str, rows: object) -> list[tuple[str, float]]:
    """Return the layers and norms of one series."""
    found = []
    for place, row in enumerate(members(f"series[{label!r}]", rows)):
        pair = members(f"series[{label!r}][{place}]", row)
        if len(pair) != 2:
            raise ValueError(f"series[{label!r}][{place}] must be (layer, norm), got {row!r}")
        name, norm = pair
        found.append((str(name), finite(f"norm of {name!r} in {label!r}", norm, above=0)))
    return found


def _hollow(series: Mapping[str, object]) -> list[bool]:
    """Tell every second series apart by its shape or its dashes too, not by colour alone."""
    return [place % 2 == 1 for place in range(len(series))]


def _pixels(images: Sequence) -> np.ndarray:
    """Return images as N×height×width integers from 0 to 255."""
    try:
        pixels = np.asarray(images)
    except ValueError:
        raise ValueError("images must be N×height×width, all of one size; these differ in size") from None
    if pixels.ndim == 0:
        raise TypeError(f"images must be N×height×width, got {images!r}")
    if not len(images):
        raise ValueError("images must hold at least one image, got none")
    if pixels.ndim != 3:
        raise ValueError(
            f"images must be N×height×width, grey; got the shape {'×'.join(map(str, pixels.shape))}"
        )
    if not np.issubdtype(pixels.dtype, np.integer) or pixels.min() < 0 or pixels.max() > 255:
        odd = f"{pixels.dtype} from {pixels.min()} to {pixels.max()}"
        raise ValueError(
            f"images must hold integers from 0 to 255, got {odd}; give the uint8 pixels, not scaled ones"
        )
    return pixels


def image_grid(
    images: Sequence, labels: Sequence[str], predictions: Sequence[str] | None = None, *, columns: int = 8
) -> ThemedFigure:
    """Draw grey images in rows, each over its label; a wrong prediction stands below it, with a cross.

    Args:
        images: N×height×width, integers from 0 (black) to 255 (white): nested lists or an array.
        labels: N names.
        predictions: N names, if a network has given its opinion.
        columns: images per row on a wide page; half as many on a narrow one.

    Raises:
        ValueError: other lengths or shapes, or pixels outside 0 to 255.
    """
    pixels = _pixels(images)
    labels = [str(label) for label in members("labels", labels)]
    said = labels if predictions is None else [str(name) for name in members("predictions", predictions)]
    for name, names in (("labels", labels), ("predictions", said)):
        if len(names) != len(pixels):
            raise ValueError(f"{name} must be as many as images, {len(pixels)}, got {len(names)}")
    finite("columns", positive("columns", columns))

    def draw(width: float, across: int) -> Figure:
        canvas, gap = Canvas(width), 8.0
        side = (width - gap * (across - 1)) / across
        tall = side * len(pixels[0]) / len(pixels[0][0])
        y = 0.0
        for start in range(0, len(pixels), across):
            lines = 1
            for place, i in enumerate(range(start, min(start + across, len(pixels)))):
                x = place * (side + gap)
                canvas.image(x, y, side, tall, pixels[i].tolist())
                below = [(line, "ink") for line in wrap(labels[i], side, SMALL)]
                if said[i] != labels[i]:
                    below += [(line, "conv3") for line in wrap(f"✗ {said[i]}", side, SMALL)]
                for level, (line, ink) in enumerate(below):
                    canvas.text(x, y + tall + 11 + 11 * level, line, size=SMALL, ink=ink)
                lines = max(lines, len(below))
            y += tall + 11 * lines + 12
        return canvas.finish(y - 8)

    wrong = [f"a {label} taken for {name}" for label, name in zip(labels, said, strict=True) if label != name]
    counted = ", ".join(f"{labels.count(label)} × {label}" for label in dict.fromkeys(labels))
    size = f"{len(pixels[0])}×{len(pixels[0][0])}"
    judged = f" {len(wrong)} of {len(pixels)} predicted wrongly{': ' if wrong else ''}{', '.join(wrong)}."
    images_word = "image" if len(pixels) == 1 else "images"
    alt = (
        f"{len(pixels)} grey {images_word} of {size} pixels: "
        f"{counted}.{judged if predictions is not None else ''}"
    )
    return ThemedFigure("Images", alt, draw(WIDE, columns), draw(NARROW, max(1, columns // 2)))
