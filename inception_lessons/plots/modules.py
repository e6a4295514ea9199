"""Diagrams of a network's blocks, drawn from `costs` steps and the costs computed from them."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from matplotlib.figure import Figure

from inception_lessons import costs
from inception_lessons._check import mapping
from inception_lessons.papers import GoogLeNetRow, InceptionWidths
from inception_lessons.plots._block import Block, read_block, said
from inception_lessons.plots._canvas import NARROW, WIDE, Canvas
from inception_lessons.plots._columns import Grain, block_width, draw_columns, heading, largest
from inception_lessons.plots._figure import ThemedFigure
from inception_lessons.plots._outline import draw_outline, outline_scale

Steps = costs.Step | Sequence[costs.Step]
Widths = InceptionWidths | GoogLeNetRow

_LEGIBLE = 0.22  # of the width: the widest bar of a drawing in columns is at least this long


def _cap(blocks: Sequence[Block]) -> float:
    """Return the most points per channel, so that small blocks do not look like large ones."""
    return max(1.0, 160 / max(block.widest for block in blocks))


def _scale(blocks: Sequence[Block], width: float, beside: bool = False) -> float | None:
    """Return the points per channel at which blocks drawn in columns fit into `width`.

    Each may take the whole width, or all share it. None: their columns do not fit, or would be hair-thin.
    """
    together = sum if beside else max

    def fits(scale: float) -> bool:
        return together(block_width(block, Grain(scale)) for block in blocks) <= width

    scale = largest(fits, 0.0, _cap(blocks))
    return scale if scale * max(block.widest for block in blocks) >= _LEGIBLE * width else None


def _beside(blocks: Sequence[Block], width: float) -> Figure | None:
    """Draw blocks beside each other; None if there is no room."""
    between = 36.0 if len(blocks) == 2 else 24.0
    room = width - between * (len(blocks) - 1)
    scale = _scale(blocks, room, beside=True)
    if scale is None:
        return None
    needs = [block_width(block, Grain(scale)) for block in blocks]
    shares = [need + (room - sum(needs)) / len(needs) for need in needs]
    lefts = list(accumulate(shares[:-1], lambda left, share: left + share + between, initial=0.0))
    canvas = Canvas(width)
    placed = list(zip(blocks, lefts, shares, strict=True))
    top = max(heading(canvas, block, left, share, 0) for block, left, share in placed)
    below = max(draw_columns(canvas, block, left, share, top, scale) for block, left, share in placed)
    for left in lefts[1:]:
        canvas.line([(left - between / 2, 0), (left - between / 2, below)], "rule")
    return canvas.finish(below)


def _stacked(blocks: Sequence[Block], width: float) -> Figure:
    """Draw blocks one under the other, at one scale: in columns or, without room for them, as outlines."""
    canvas, y = Canvas(width), 0.0
    scale, draw = _scale(blocks, width), draw_columns
    if scale is None:
        scale, draw = min(_cap(blocks), *(outline_scale(block, width) for block in blocks)), draw_outline
    for place, block in enumerate(blocks):
        if place:
            canvas.line([(0, y + 12), (width, y + 12)], "rule")
            y += 24
        y = draw(canvas, block, 0, width, heading(canvas, block, 0, width, y), scale)
    return canvas.finish(y)


def module(
    steps: Steps,
    in_channels: int,
    grid: costs.Pair | None,
    *,
    name: str,
    bias: bool = True,
    norm: bool = False,
) -> ThemedFigure:
    """Draw a block of a network: its operations from input to output, as bars as wide as their channels.

    Over each bar stand the operation, with its stride after a slash, its MACs, and the grid where it changes.
    Branches stand beside each other and end in their concatenation; a fork at a branch's end joins it too.
    Where the page is too narrow for the columns, the block is an outline with one bar under the other.

    Args:
        steps: `costs` steps, or one of them, such as `costs.inception_branches(row)`.
        in_channels: channels of the input, or its features.
        grid: height and width of the input; None if it is features without a grid.
        name: the block's name, and the figure's title.
        bias: whether convolutions and dense layers have biases, as in `costs.walk`.
        norm: whether batch norm follows each convolution, as in `costs.walk`.

    Raises:
        TypeError: something that is no step.
        ValueError: no steps, a size below 1, or steps that `costs.walk` cannot pass.
    """
    block = read_block(name, steps, in_channels, grid, bias, norm)
    return ThemedFigure(name, said(block), _stacked([block], WIDE), _stacked([block], NARROW))


def compare(
    blocks: Mapping[str, Steps],
    in_channels: int,
    grid: costs.Pair | None,
    *,
    bias: bool = True,
    norm: bool = False,
) -> ThemedFigure:
    """Draw blocks that take the same input beside each other, at one scale.

    Each says its MACs as a multiple of the first one's. Without room beside each other, and on narrow pages,
    the blocks stand one under the other.

    Args:
        blocks: the steps of each block, by name; the first is what the others are compared with.

    The other arguments, and the errors, are those of `module`; there must be two blocks at least.
    """
    if len(mapping("blocks", blocks)) < 2:
        raise ValueError(f"blocks must be at least two, got {len(blocks)}; draw one block with plots.module")
    read = [read_block(name, steps, in_channels, grid, bias, norm) for name, steps in blocks.items()]
    first = read[0].total.macs
    if first:
        told = f"× the MACs of {read[0].name}"
        read[1:] = [block._replace(remark=f"{block.total.macs / first:.2f} {told}") for block in read[1:]]
    ratios = "".join(f" {block.name}: {block.remark}." for block in read[1:] if block.remark)
    return _comparison(", ".join(blocks), read, ratios)


def _comparison(title: str, blocks: Sequence[Block], ratios: str) -> ThemedFigure:
    alt = (
        f"{' '.join(map(said, blocks))}{ratios} "
        f"Bars are as wide as their channels, in all {len(blocks)} blocks at the same scale."
    )
    wide = _beside(blocks, WIDE) or _stacked(blocks, WIDE)
    return ThemedFigure(title, alt, wide, _stacked(blocks, NARROW))


def _inception(row: Widths, in_channels: int, kind: str, grid: costs.Pair | None) -> Block:
    name = f"Inception ({row.key})" if isinstance(row, GoogLeNetRow) else "Inception module"
    branches = costs.inception_branches(row, kind=kind)
    return read_block(f"{name}, {kind}", branches, in_channels, _grid(row, grid), bias=True, norm=False)


def _grid(row: Widths, grid: costs.Pair | None) -> costs.Pair:
    if grid is not None:
        return grid
    if isinstance(row, GoogLeNetRow):
        return row.output[:2]
    raise TypeError(
        "grid must be given with InceptionWidths, which has none; write grid=28, or give a row of Table 1"
    )


def inception_module(
    row: Widths, in_channels: int, kind: str = "reduced", *, grid: costs.Pair | None = None
) -> ThemedFigure:
    """Draw an Inception module of 2014 as `module` does.

    Args:
        row: a row of `papers.GOOGLENET_TABLE_1`, or six widths (then `grid` is needed).
        in_channels: channels of the module's input.
        kind: "reduced" or "naive", as in `costs.inception_branches`.
        grid: height and width, if not the row's own.

    Raises:
        ValueError: an unknown kind, or a size below 1.
        TypeError: widths without a grid.
    """
    block = _inception(row, in_channels, kind, grid)
    return ThemedFigure(block.name, said(block), _stacked([block], WIDE), _stacked([block], NARROW))


def compare_modules(row: Widths, in_channels: int, *, grid: costs.Pair | None = None) -> ThemedFigure:
    """Draw the naive and the reduced module of one row beside each other, as `compare` does.

    Args and errors are those of `inception_module`.
    """
    naive, reduced = (_inception(row, in_channels, kind, grid) for kind in ("naive", "reduced"))
    ratio = naive.total.macs / reduced.total.macs
    told = f" The reductions save a factor of {ratio:.2f} in MACs."
    return _comparison(f"{naive.name} and reduced", [naive, reduced], told)
