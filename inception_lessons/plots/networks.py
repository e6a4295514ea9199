"""Diagrams of whole networks, drawn from the paper's table, and the map of the lineage."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from matplotlib.figure import Figure

from inception_lessons import costs
from inception_lessons._check import integer, number, one_of, rows
from inception_lessons.papers import GOOGLENET_AUXILIARY, GOOGLENET_TABLE_1, GoogLeNetRow
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas, millions, text_width, wrap
from inception_lessons.plots._figure import ThemedFigure, conv_ink
from inception_lessons.plots._rows import read, rows_of


class _Step(NamedTuple):
    """One line of the network diagram."""

    key: str
    long: str
    short: str
    kind: str
    """What the line draws: "weights", "pool", "note" or "auxiliary"."""
    parts: tuple[tuple[int, str], ...]
    depth: str
    macs: int | None


class _Stage(NamedTuple):
    """Lines that share a grid."""

    part: str
    grid: tuple[int, int]
    steps: list[_Step]


def _kernel(row: GoogLeNetRow) -> str:
    stride = "" if row.stride == 1 else f"/{row.stride}"
    return f"{row.patch}×{row.patch}{stride}"


def _weight_steps(row: GoogLeNetRow, first: int, macs: Mapping[tuple[str, str], int]) -> list[_Step]:
    """Return the lines of a row that has weights; `first` is the number of its first weight layer."""
    if row.type == "linear":
        return [
            _Step(
                row.key,
                "linear",
                "linear",
                "weights",
                ((row.channels, "dense"),),
                f"{first}",
                macs[row.key, "linear"],
            )
        ]
    if row.type == "inception":
        six = row.widths
        parts = ((six.conv1, "conv1"), (six.conv3, "conv3"), (six.conv5, "conv5"), (six.project, "conv1"))
        work = sum(count for (key, _), count in macs.items() if key == row.key)
        return [
            _Step(
                row.key,
                f"Inception ({row.key})",
                row.key,
                "weights",
                parts,
                f"{first}–{first + row.depth - 1}",
                work,
            )
        ]
    if row.conv3 is None:
        parts = ((row.channels, conv_ink((row.patch, row.patch))),)
        return [
            _Step(
                row.key,
                f"convolution {_kernel(row)}",
                _kernel(row),
                "weights",
                parts,
                f"{first}",
                macs[row.key, "conv"],
            )
        ]
    sizes = (("reduce3", "1×1", row.reduce3, "conv1"), ("conv3", _kernel(row), row.conv3, "conv3"))
    return [
        _Step(
            row.key,
            f"convolution {size}",
            size,
            "weights",
            ((channels, ink),),
            f"{first + place}",
            macs[row.key, name],
        )
        for place, (name, size, channels, ink) in enumerate(sizes)
    ]


def _stages(table: Sequence[GoogLeNetRow], macs: Mapping[tuple[str, str], int], aux: bool) -> list[_Stage]:
    stages: list[_Stage] = []
    depth, part = 0, "stem"
    for row in table:
        if row.type == "inception":
            part = "body"
        elif row.type == "avg pool":
            part = "head"
        if not stages or stages[-1].grid != row.output[:2]:
            stages.append(_Stage(part, row.output[:2], []))
        elif row.type == "inception" and stages[-1].part == "stem":
            stages[-1] = stages[-1]._replace(part="body")
        steps = stages[-1].steps
        if row.depth:
            steps += _weight_steps(row, depth + 1, macs)
            depth += row.depth
            if aux and row.key in GOOGLENET_AUXILIARY.after:
                steps.append(_auxiliary_step(row.key, table[-1].channels))
        elif row.patch:
            name = f"{row.type} {_kernel(row)}"
            steps.append(
                _Step(
                    row.key,
                    name,
                    name.removeprefix("max ").replace("avg pool", "average"),
                    "pool",
                    ((row.channels, "pool"),),
                    "",
                    None,
                )
            )
        else:
            steps.append(_Step(row.key, row.type, row.type, "note", (), "", None))
    return stages


def _auxiliary_step(after: str, classes: int) -> _Step:
    head = GOOGLENET_AUXILIARY
    pooling = f"avg pool {head.pool_size}×{head.pool_size}/{head.pool_stride}"
    long = f"{pooling} → 1×1, {head.conv1} → linear {head.hidden} → linear {classes}"
    short = f"pool → {head.conv1} → {head.hidden} → {classes}"
    return _Step(f"aux_{after}", long, short, "auxiliary", (), "", None)


_HEIGHTS = {"weights": 20.0, "pool": 16.0, "note": 14.0, "auxiliary": 30.0}


class _Columns(NamedTuple):
    """Where the columns of the network diagram stand, in points."""

    part: float
    stage: float
    depth: float
    name: float
    bar: float
    room: float
    macs: float | None


def _draw_step(canvas: Canvas, step: _Step, y: float, at: _Columns, scale: float) -> None:
    base = y + _HEIGHTS[step.kind] / 2 + 3.5
    if step.kind == "auxiliary":
        _draw_auxiliary(canvas, step, y, at)
        return
    strong = step.kind == "weights"
    ink = {"weights": "ink", "pool": "pool", "note": "muted"}[step.kind]
    canvas.text(
        at.name, base, step.short if at.macs is None else step.long, ink=ink, size=9.5 if strong else SMALL
    )
    canvas.text(at.depth, base, step.depth, align="right", bold=True, size=SMALL)
    if step.parts:
        x, height = at.bar, 13.0 if strong else 4.0
        for channels, part in step.parts:
            canvas.bar(x, base - 3.5 - height / 2, scale * channels, height, part)
            x += scale * channels
        edge = at.bar
        for channels, _ in step.parts[:-1]:
            edge += scale * channels
            canvas.line([(edge, base - 10), (edge, base + 3)], "paper", 0.8)
        if strong:
            canvas.text(x + 4, base, f"{sum(channels for channels, _ in step.parts)}", size=SMALL)
    if step.macs is not None and at.macs is not None:
        canvas.text(at.macs, base, millions(step.macs), align="right", size=SMALL)


def _draw_auxiliary(canvas: Canvas, step: _Step, y: float, at: _Columns) -> None:
    long = at.macs is not None
    left = at.name + 4
    canvas.line([(left, y - 2), (left, y + 14), (left + 8, y + 14)], "muted", 0.75, (2, 1.5))
    title = (
        f"auxiliary head, in training only (loss × {GOOGLENET_AUXILIARY.loss_weight})"
        if long
        else "auxiliary head (training)"
    )
    canvas.text(left + 12, y + 11, title, size=SMALL, ink="muted", bold=True)
    canvas.text(left + 12, y + 23, step.long if long else step.short, size=SMALL, ink="muted")


def _draw_key(canvas: Canvas, y: float, left: float, others: Mapping[str, str]) -> float:
    """Say what the colours stand for, and return the y below."""
    x = left
    labels = {"conv1": "1×1", "conv3": "3×3", "conv5": "5×5", **others, "pool": "pool", "dense": "linear"}
    for ink, label in labels.items():
        if x + 11 + text_width(label, SMALL) > canvas.width:
            x, y = left, y + 14
        canvas.bar(x, y, 8, 8, ink)
        canvas.text(x + 11, y + 8, label, size=SMALL)
        x += (24 if canvas.width == WIDE else 16) + text_width(label, SMALL)
    order = "A module’s bar, from the left: 1×1, 3×3, 5×5, and 1×1 after pooling."
    for line in wrap(order, canvas.width - left, SMALL):
        y += 14
        canvas.text(left, y + 8, line, size=SMALL, ink="muted")
    return y + 14


def _draw_network(stages: Sequence[_Stage], width: float) -> Figure:
    canvas = Canvas(width)
    if width == WIDE:
        at = _Columns(part=12, stage=22, depth=116, name=132, bar=240, room=200, macs=width)
    else:
        at = _Columns(part=11, stage=17, depth=86, name=92, bar=154, room=60, macs=None)
    widest = max(sum(channels for channels, _ in step.parts) for stage in stages for step in stage.steps)
    scale = at.room / widest
    canvas.text(at.stage, 10, "grid", size=SMALL, ink="muted")
    canvas.text(at.depth, 10, "layer", size=SMALL, ink="muted", align="right")
    canvas.text(at.bar, 10, "channels", size=SMALL, ink="muted")
    if at.macs is not None:
        canvas.text(at.macs, 10, "MACs", size=SMALL, ink="muted", align="right")
    y, spans = 18.0, {}
    for place, stage in enumerate(stages, 1):
        canvas.line([(at.stage, y), (width, y)], "rule")
        top = y = y + 4
        for step in stage.steps:
            _draw_step(canvas, step, y, at, scale)
            y += _HEIGHTS[step.kind]
        y = max(y, top + 28) + 4
        canvas.text(
            at.stage, top + 12, f"stage {place}" if stage.part != "head" else "head", size=SMALL, bold=True
        )
        canvas.text(at.stage, top + 24, f"{stage.grid[0]}×{stage.grid[1]}", size=SMALL)
        spans.setdefault(stage.part, [top - 4, y])[1] = y
    for part, (top, bottom) in spans.items():
        canvas.line([(at.part, top + 2), (at.part, bottom - 2)], "ink", 1.5)
        canvas.text(at.part - 3, (top + bottom) / 2, part, bold=True, size=SMALL, upwards=True)
    steps = [step for stage in stages for step in stage.steps]
    others = {ink: step.short.split("/")[0] for step in steps for _, ink in step.parts if ink == "other"}
    return canvas.finish(_draw_key(canvas, y + 8, at.stage, others))


def _told(step: _Step) -> str:
    if step.kind == "auxiliary":
        return f"(to the side an auxiliary head: {step.long})"
    channels = sum(channels for channels, _ in step.parts)
    return f"{step.long} to {channels} channels" if step.kind == "weights" else step.long


def network(
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
    *,
    aux: bool = True,
    in_channels: int = 3,
    input_size: costs.Pair = 224,
) -> ThemedFigure:
    """Draw GoogLeNet from the rows of its Table 1: stem, body and head, bars as wide as their channels.

    The weight layers of the longest path are numbered, the grid of each stage is named, and an Inception
    module's bar is divided among its four branches. MACs and parameters are computed, with a dense stem.

    Args:
        table: rows of Table 1, or your own in the same form.
        aux: whether the two auxiliary heads are drawn.
        in_channels: channels of the image.
        input_size: height and width of the image.

    Raises:
        ValueError: no rows, or a row that `costs.googlenet` cannot count.
    """
    table = rows("table", table, GoogLeNetRow)
    classes = table[-1].channels
    layers = costs.googlenet(table=table, in_channels=in_channels, input_size=input_size, num_classes=classes)
    counted = {layer.row for layer in layers}
    for row in table:
        if row.depth and row.key not in counted:
            raise ValueError(f"row {row.key!r} must have depth 0, for it has no weights, got {row.depth}")
    stages = _stages(table, {(layer.row, layer.name): layer.cost.macs for layer in layers}, aux)
    depth = sum(row.depth for row in table)
    total = costs.total(layers)
    number("the MACs of the network", total.macs)
    told = "; ".join(
        f"{stage.part}, {stage.grid[0]}×{stage.grid[1]}: " + ", ".join(_told(step) for step in stage.steps)
        for stage in stages
    )
    alt = (
        f"GoogLeNet from input to output, {depth} weight layers on the longest path, "
        f"{millions(total.macs)} MACs and {total.parameters:,} parameters without auxiliary heads. "
        f"{told[:1].upper()}{told[1:]}."
    )
    return ThemedFigure("GoogLeNet", alt, _draw_network(stages, WIDE), _draw_network(stages, NARROW))


def _status(row: Mapping[str, object]) -> str:
    words = [f"chapter {row['chapter']}"] if row.get("chapter") else []
    if row["status"] == "to come":
        words.append("to come")
    return ", ".join(words) or "written"


def lineage(networks: Sequence[Mapping[str, object]]) -> ThemedFigure:
    """Draw the networks of the book in order of time: year, name, idea, and whether the chapter is written.

    Args:
        networks: rows with `year`, `name`, `idea`, `status` ("written", "to come") and, if known, `chapter`.

    Raises:
        ValueError: no rows, a missing key, or an unknown status.
    """
    for row in rows_of("networks", networks):
        for key in ("name", "idea"):
            read(row, key, "networks")
        integer("year", read(row, "year", "networks"))
        one_of("status", read(row, "status", "networks"), ("written", "to come"))
    in_time = sorted(networks, key=itemgetter("year"))

    def draw(width: float) -> Figure:
        canvas, y, shown = Canvas(width), 4.0, None
        rail, left, aside = 44.0, 58.0, 110.0 if width == WIDE else 0.0
        dots = []
        for row in in_time:
            if row["year"] != shown:
                shown = row["year"]
                canvas.text(rail - 12, y + 12, f"{shown}", align="right", bold=True)
            dots.append((y + 8.5, row["status"] == "written"))
            canvas.text(left, y + 12, str(row["name"]), bold=True)
            lines = wrap(str(row["idea"]), width - left - aside, SMALL)
            for line in lines:
                y += 12.5
                canvas.text(left, y + 12, line, size=SMALL, ink="muted")
            ink = "conv1" if row["status"] == "written" else "muted"
            if aside:
                canvas.text(width, dots[-1][0] + 3.5, _status(row), align="right", size=SMALL, ink=ink)
            else:
                y += 12.5
                canvas.text(left, y + 12, _status(row), size=SMALL, ink=ink)
            y += 26
        for (upper, _), (lower, _) in pairwise(dots):
            canvas.line([(rail, upper + 6), (rail, lower - 6)], "rule", 1.5)
        for height, written in dots:
            canvas.dot(rail, height, 4, "conv1" if written else "muted", hollow=not written)
        return canvas.finish(y - 8)

    told = (f"{row['year']}: {row['name']}. {row['idea']} ({_status(row)})." for row in in_time)
    alt = f"Networks in order of time. {' '.join(told)}"
    return ThemedFigure("The lineage", alt, draw(WIDE), draw(NARROW))
