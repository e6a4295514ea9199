"""Drawings of tensors: their concatenation along channels, and windows on a grid of positions."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from matplotlib.figure import Figure

from inception_lessons import costs
from inception_lessons._check import at_least, members, number, one_of, pair, positive
from inception_lessons.plots._canvas import NARROW, SMALL, WIDE, Canvas
from inception_lessons.plots._figure import PALETTE, ThemedFigure, conv_ink

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
        branch_channels = members("branch_channels", branch_channels)
        branch_channels = dict(zip(list(_BRANCHES)[: len(branch_channels)], branch_channels, strict=False))
    if len(branch_channels) != 4:
        raise ValueError(
            "branch_channels must have four entries (conv1, conv3, conv5 and project or pool), "
            f"got {branch_channels!r}"
        )
    for name, count in branch_channels.items():
        positive(f"branch_channels[{one_of('branch_channels', name, _BRANCHES)!r}]", count)
    height, width = pair("grid", grid)
    number("grid", max(height, width))
    total = sum(branch_channels.values())
    number("the sum of branch_channels", total)
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
    for edge in accumulate(count for count, _ in parts[:-1]):
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
    kernels = members("kernels", kernels)
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
        ink = conv_ink((kernel, kernel))
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
