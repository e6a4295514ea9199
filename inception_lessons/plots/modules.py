"""Diagrams of one Inception module, drawn from a row of a paper's table and the costs computed from it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from inception_lessons import costs
from inception_lessons._check import at_least, one_of, pair, positive
from inception_lessons.papers import GoogLeNetRow, InceptionWidths
from inception_lessons.plots._canvas import LARGE, NARROW, NORMAL, SMALL, WIDE, Canvas, millions, text_width
from inception_lessons.plots._figure import PALETTE, ThemedFigure

Widths = InceptionWidths | GoogLeNetRow

_GAP = 8.0  # between columns
_BAR = 15.0  # height of a bar
_CELL = 27.0  # from the top of a cell's text to its bar
_STEP = 18.0  # from a bar to the next cell
_INKS = {
    "conv1": "conv1",
    "reduce3": "conv1",
    "reduce5": "conv1",
    "project": "conv1",
    "conv3": "conv3",
    "conv5": "conv5",
}


class _Box(NamedTuple):
    """One operation of a branch."""

    label: str
    ink: str
    channels: int
    macs: int | None

    @property
    def short(self) -> str:
        return self.label.replace("max ", "")


class _Module(NamedTuple):
    """What a diagram of a module says."""

    name: str
    kind: str
    in_channels: int
    grid: tuple[int, int]
    branches: dict[str, list[_Box]]
    total: costs.Total

    @property
    def parts(self) -> list[_Box]:
        """The last operation of each branch: what is concatenated."""
        return [boxes[-1] for boxes in self.branches.values()]

    @property
    def out_channels(self) -> int:
        return sum(part.channels for part in self.parts)


def _describe(row: Widths, in_channels: int, kind: str, grid: costs.Pair | None) -> _Module:
    size = pair("grid", _grid(row) if grid is None else grid)
    layers = costs.inception_module(row, in_channels, size, kind=kind)
    cost = {layer.name: layer.cost for layer in layers}
    branches = {}
    for branch, steps in costs.inception_branches(row, kind=kind).branches.items():
        boxes = []
        for step in steps:
            height, width = pair("kernel_size", step.kernel_size)
            if isinstance(step, costs.Pool):
                boxes.append(_Box(f"{height}×{width} {step.kind} pool", "pool", in_channels, None))
            else:
                boxes.append(
                    _Box(f"{height}×{width}", _INKS[step.name], step.out_channels, cost[step.name].macs)
                )
        branches[branch] = boxes
    name = f"Inception ({row.key})" if isinstance(row, GoogLeNetRow) else "Inception module"
    return _Module(name, kind, in_channels, size, branches, costs.total(layers))


def _grid(row: Widths) -> costs.Pair:
    if isinstance(row, GoogLeNetRow):
        return row.output[:2]
    raise TypeError(
        "grid must be given with InceptionWidths, which has none; write grid=28, or give a row of Table 1"
    )


def _column_widths(module: _Module, scale: float) -> list[float]:
    return [max(max(_cell_width(box, scale) for box in boxes), 24.0) for boxes in module.branches.values()]


def _work(box: _Box) -> str:
    return "no MACs" if box.macs is None else millions(box.macs)


def _cell_width(box: _Box, scale: float) -> float:
    bar, count = scale * box.channels, text_width(f"{box.channels}", SMALL)
    beside = bar if _fits(box.channels, scale) else bar + 2 * (count + 3)
    return max(beside, text_width(box.short, NORMAL, True), text_width(_work(box), SMALL))


def _fits(channels: int, scale: float) -> bool:
    return text_width(f"{channels}", SMALL) + 2 <= scale * channels


def _scale(modules: Sequence[_Module], width: float) -> float:
    """Return the points per channel at which every module fits into `width`."""

    def fits(scale: float) -> bool:
        return all(
            sum(_column_widths(module, scale)) + _GAP * (len(module.branches) - 1) <= width
            and scale * max(module.in_channels, module.out_channels) <= width
            for module in modules
        )

    low, high = 0.0, 1.0
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _draw_module(
    canvas: Canvas, module: _Module, left: float, width: float, top: float, scale: float
) -> float:
    """Draw a module into a column of the canvas and return the y below it."""
    centre = left + width / 2
    grid = f"{module.grid[0]}×{module.grid[1]}"
    canvas.text(left, top + 10, f"{module.name}, {module.kind}", bold=True, size=LARGE)
    canvas.text(
        left,
        top + 23,
        f"{millions(module.total.macs)} MACs, {module.total.parameters:,} parameters",
        ink="muted",
    )

    y = top + 45
    canvas.text(centre, y, f"input: {module.in_channels} channels, {grid}", align="center")
    y += 5
    _tensor(canvas, centre, y, [(module.in_channels, "other")], scale)
    bus = y + _BAR + 8
    canvas.line([(centre, y + _BAR), (centre, bus)])

    widths = _column_widths(module, scale)
    gap = min((width - sum(widths)) / (len(widths) - 1), 4 * _GAP)
    x = centre - (sum(widths) + gap * (len(widths) - 1)) / 2
    centres = []
    for column in widths:
        centres.append(x + column / 2)
        x += column + gap
    canvas.line([(centres[0], bus), (centres[-1], bus)])

    depth = max(len(boxes) for boxes in module.branches.values())
    bottom = bus + 12 + depth * (_CELL + _BAR) + (depth - 1) * _STEP
    for middle, boxes in zip(centres, module.branches.values(), strict=True):
        start = bus
        for level, box in enumerate(boxes, depth - len(boxes) if len(boxes) == 1 else 0):
            cell = bus + 12 + level * (_CELL + _BAR + _STEP)
            canvas.arrow([(middle, start), (middle, cell)])
            _cell(canvas, middle, cell, box, scale)
            start = cell + _CELL + _BAR + 1
    return _draw_concat(canvas, module, centres, centre, bottom, scale, grid)


def _cell(canvas: Canvas, centre: float, y: float, box: _Box, scale: float) -> None:
    label = box.label if text_width(box.label, NORMAL, True) <= scale * box.channels else box.short
    canvas.text(centre, y + 10, label, align="center", bold=True)
    canvas.text(centre, y + 22, _work(box), align="center", size=SMALL, ink="muted")
    _tensor(canvas, centre, y + _CELL, [(box.channels, box.ink)], scale)


def _tensor(canvas: Canvas, centre: float, y: float, parts: Sequence[tuple[int, str]], scale: float) -> None:
    """Draw bars end to end, as wide as their channels, with the counts inside or, beside a bar alone."""
    x = centre - scale * sum(channels for channels, _ in parts) / 2
    for channels, ink in parts:
        extent = scale * channels
        canvas.bar(x, y, extent, _BAR, ink)
        if _fits(channels, scale):
            canvas.text(x + extent / 2, y + 11, f"{channels}", align="center", size=SMALL, ink="paper")
        elif len(parts) == 1:
            canvas.text(x + extent + 3, y + 11, f"{channels}", size=SMALL)
        x += extent


def _draw_concat(
    canvas: Canvas,
    module: _Module,
    centres: Sequence[float],
    centre: float,
    bottom: float,
    scale: float,
    grid: str,
) -> float:
    y = bottom + 40
    x = centre - scale * module.out_channels / 2
    for middle, part in zip(centres, module.parts, strict=True):
        extent = scale * part.channels
        start = middle - extent / 2
        canvas.polygon([(start, bottom), (start + extent, bottom), (x + extent, y), (x, y)], part.ink, 0.22)
        x += extent
    _tensor(canvas, centre, y, [(part.channels, part.ink) for part in module.parts], scale)
    for edge in _edges([part.channels for part in module.parts])[1:-1]:
        at = centre + scale * (edge - module.out_channels / 2)
        canvas.line([(at, y), (at, y + _BAR)], "paper", 1.0)
    canvas.text(
        centre,
        y + _BAR + 14,
        f"concatenated: {module.out_channels} channels, {grid}",
        align="center",
        bold=True,
    )
    total = " + ".join(f"{part.channels}" for part in module.parts)
    canvas.text(centre, y + _BAR + 27, total, align="center", ink="muted")
    return y + _BAR + 33


def _edges(sizes: Sequence[int]) -> list[int]:
    edges = [0]
    for size in sizes:
        edges.append(edges[-1] + size)
    return edges


def _module_alt(module: _Module) -> str:
    grid = f"{module.grid[0]}×{module.grid[1]}"
    branches = "; ".join(
        ", then ".join(
            f"{box.label} to {box.channels} channels ({_work(box)}{'' if box.macs is None else ' MACs'})"
            for box in boxes
        )
        for boxes in module.branches.values()
    )
    parts = " + ".join(str(part.channels) for part in module.parts)
    return (
        f"{module.name}, {module.kind}, on {module.in_channels} channels of {grid}. "
        f"Four branches: {branches}. Concatenated: {parts} = {module.out_channels} channels of {grid}. "
        f"In all {millions(module.total.macs)} MACs and {module.total.parameters:,} parameters."
    )


def inception_module(
    row: Widths, in_channels: int, kind: str = "reduced", *, grid: costs.Pair | None = None
) -> ThemedFigure:
    """Draw an Inception module: four branches, and their concatenation, as bars as wide as their channels.

    Over each bar stand its operation and the operation's MACs.

    Args:
        row: a row of `papers.GOOGLENET_TABLE_1`, or six widths (then `grid` is needed).
        in_channels: channels of the module's input.
        kind: "reduced" or "naive", as in `costs.inception_branches`.
        grid: height and width, if not the row's own.

    Raises:
        ValueError: an unknown kind, or a size below 1.
        TypeError: widths without a grid.
    """
    module = _describe(row, in_channels, kind, grid)

    def draw(width: float) -> Figure:
        canvas = Canvas(width)
        return canvas.finish(_draw_module(canvas, module, 0, width, 0, _scale([module], width)))

    return ThemedFigure(f"{module.name}, {kind}", _module_alt(module), draw(WIDE), draw(NARROW))


def compare_modules(row: Widths, in_channels: int, *, grid: costs.Pair | None = None) -> ThemedFigure:
    """Draw the naive and the reduced module of one row beside each other, at one scale.

    Args and errors are those of `inception_module`.
    """
    naive, reduced = (_describe(row, in_channels, kind, grid) for kind in ("naive", "reduced"))

    def beside(width: float) -> Figure:
        canvas, half = Canvas(width), (width - 36) / 2
        scale = _scale([naive, reduced], half)
        below = _draw_module(canvas, naive, 0, half, 0, scale)
        canvas.line([(width / 2, 0), (width / 2, below)], "rule")
        return canvas.finish(max(below, _draw_module(canvas, reduced, half + 36, half, 0, scale)))

    def stacked(width: float) -> Figure:
        canvas, scale = Canvas(width), _scale([naive, reduced], width)
        below = _draw_module(canvas, naive, 0, width, 0, scale)
        canvas.line([(0, below + 12), (width, below + 12)], "rule")
        return canvas.finish(_draw_module(canvas, reduced, 0, width, below + 24, scale))

    ratio = naive.total.macs / reduced.total.macs
    alt = (
        f"{_module_alt(naive)} {_module_alt(reduced)} The reductions save a factor of {ratio:.2f} in MACs. "
        "Bars are as wide as their channels, in both modules at the same scale."
    )
    return ThemedFigure(f"{naive.name}, naive and reduced", alt, beside(WIDE), stacked(NARROW))


_BRANCHES = {"conv1": "1×1", "conv3": "3×3", "conv5": "5×5", "project": "pool, 1×1", "pool": "pool"}


def concatenation(branch_channels: Mapping[str, int] | Sequence[int], grid: costs.Pair) -> ThemedFigure:
    """Draw four tensors of one height and width, as long as their channels, and the same four as one tensor.

    Args:
        branch_channels: output channels of the branches `conv1`, `conv3`, `conv5` and `project` (or `pool`,
            if the module has no projection after its pooling), as a mapping or in this order.
        grid: height and width that all four share.

    Raises:
        ValueError: not four branches, an unknown branch, or a size below 1.
    """
    if not isinstance(branch_channels, Mapping):
        branch_channels = dict(zip(list(_BRANCHES)[: len(branch_channels)], branch_channels, strict=False))
    if len(branch_channels) != 4:
        raise ValueError(
            "branch_channels must have four entries (conv1, conv3, conv5 and project or pool), "
            f"got {branch_channels!r}"
        )
    for name, count in branch_channels.items():
        positive(f"branch_channels[{one_of('branch_channels', name, _BRANCHES)!r}]", count)
    height, width = pair("grid", grid)
    total = sum(branch_channels.values())
    parts = [(count, name if name in PALETTE else "conv1") for name, count in branch_channels.items()]

    def draw(room: float) -> Figure:
        canvas = Canvas(room)
        face = 44.0 * height / max(height, width), 20.0 * width / max(height, width)
        gap = face[1] + (6 if room < WIDE else 20)
        scale = min((room - 4 * gap - 30) / total, 1.2)
        left = x = (room - scale * total - 4 * gap) / 2 + (0 if room < WIDE else 10)
        for part, name in zip(parts, branch_channels, strict=True):
            extent = scale * part[0]
            _prism(canvas, x, 18 + face[1], [part], scale, face)
            canvas.text(x + extent / 2 + face[1], 12, f"{part[0]}", align="center", size=SMALL)
            for line, words in enumerate(_BRANCHES[name].split(", ")):
                canvas.text(
                    x + extent / 2, 32 + sum(face) + 11 * line, words, align="center", bold=True, size=SMALL
                )
            x += extent + gap
        middle = left + (scale * total + 3 * gap) / 2
        top = 64 + sum(face)
        canvas.arrow([(middle, 42 + sum(face)), (middle, top)])
        start = middle - scale * total / 2
        _prism(canvas, start, top + 6 + face[1], parts, scale, face)
        y = top + 22 + sum(face)
        canvas.text(middle, y, f"{total} channels, {height}×{width}", align="center", bold=True)
        canvas.text(
            start - 4, top + 9 + face[1] + face[0] / 2, f"{height}", align="right", size=SMALL, ink="muted"
        )
        canvas.text(
            start + face[1] / 2 - 3, top + 4 + face[1] / 2, f"{width}", align="right", size=SMALL, ink="muted"
        )
        return canvas.finish(y + 6)

    sizes = ", ".join(
        f"{height}×{width}×{count} ({_BRANCHES[name]})" for name, count in branch_channels.items()
    )
    alt = (
        f"Four tensors of equal height and width, {sizes}, laid end to end along the channels: "
        f"{' + '.join(map(str, branch_channels.values()))} = {total} channels, and still {height}×{width}."
    )
    return ThemedFigure("Concatenation along channels", alt, draw(WIDE), draw(NARROW))


def _prism(
    canvas: Canvas,
    x: float,
    y: float,
    parts: Sequence[tuple[int, str]],
    scale: float,
    face: tuple[float, float],
) -> None:
    """Draw a box seen from the left: height downwards, width into the page, channels to the right."""
    height, depth = face
    left = x
    for count, ink in parts:
        extent = scale * count
        canvas.bar(x, y, extent, height, ink)
        canvas.polygon(
            [(x, y), (x + depth, y - depth), (x + extent + depth, y - depth), (x + extent, y)], ink, 0.45
        )
        x += extent
    canvas.polygon(
        [(x, y), (x + depth, y - depth), (x + depth, y - depth + height), (x, y + height)], parts[-1][1], 0.25
    )
    for edge in _edges([count for count, _ in parts])[1:-1]:
        at = left + scale * edge
        canvas.line([(at + depth, y - depth), (at, y), (at, y + height)], "paper", 1.0)


def receptive_fields(grid: int = 7, kernels: Sequence[int] = (1, 3, 5)) -> ThemedFigure:
    """Draw a grid of positions and the windows that kernels of several sizes see at its middle.

    Args:
        grid: positions along each side, odd.
        kernels: odd kernel sizes, none larger than the grid.

    Raises:
        ValueError: an even size, or a kernel larger than the grid.
    """
    for name, value in (("grid", grid), *((f"kernels[{i}]", kernel) for i, kernel in enumerate(kernels))):
        if at_least(name, value, 1) % 2 == 0:
            raise ValueError(f"{name} must be odd, so that it has a middle, got {value}; use {value + 1}")
        if value > grid:
            raise ValueError(
                f"{name} must be at most the grid's {grid}, got {value}; enlarge grid or leave the kernel out"
            )
    canvas, cell, top = Canvas(NARROW), 20.0, 4.0
    for step in range(grid + 1):
        canvas.line([(2, top + step * cell), (2 + grid * cell, top + step * cell)], "rule")
        canvas.line([(2 + step * cell, top), (2 + step * cell, top + grid * cell)], "rule")
    for kernel in sorted(kernels, reverse=True):
        ink = f"conv{kernel}" if kernel in (1, 3, 5) else "other"
        start, side = (grid - kernel) / 2 * cell, kernel * cell
        canvas.bar(2 + start, top + start, side, side, ink, 0.25)
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        canvas.line([(2 + start + u * side, top + start + v * side) for u, v in corners], ink, 1.5)
        y = top + start + 11
        canvas.line([(2 + start + side, y - 3), (grid * cell + 8, y - 3)], ink, 1.0)
        canvas.text(grid * cell + 11, y, f"{kernel}×{kernel} sees {kernel * kernel}", ink=ink, bold=True)
    windows = ", ".join(f"{kernel}×{kernel} sees {kernel * kernel}" for kernel in kernels)
    alt = (
        f"A grid of {grid}×{grid} positions. Windows around its middle: {windows} of {grid * grid} positions."
    )
    return ThemedFigure("Windows at one position", alt, canvas.finish(top + grid * cell + 4))
