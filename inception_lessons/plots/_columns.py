"""A block drawn from the input down: a column for each branch, and concatenations drawn from their parts."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from inception_lessons.plots._block import Block, Box, Fork, Node, extent, sum_words, total_words
from inception_lessons.plots._canvas import LARGE, NORMAL, SMALL, Canvas, fits_in, text_width, wrap

GAP, WIDEST_GAP = 8.0, 32.0  # between columns
BAR = 15.0  # height of a bar
_TEXT = 27.0  # from the top of a cell's text to its bar
_LINE = 12.0  # one more line of text
_BUS = 8.0  # from a bar to the line that leads to its branches
_DROP = 12.0  # from that line to the first cells
_STEP = _BUS + _DROP  # from a bar to the next cell, forked or not, so that columns keep step
_BAND = 40.0  # from the last bars of the branches to their concatenation
_NARROWEST = 24.0


def largest(fits: Callable[[float], bool], low: float, high: float) -> float:
    """Return the largest value between `low` and `high` that fits, or `low` if none does."""
    if fits(high):
        return high
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class Grain(NamedTuple):
    """Sizes of a drawing in points."""

    scale: float
    """Points per channel."""
    gap: float = GAP
    """Between columns."""


def nodes_width(nodes: Sequence[Node], grain: Grain) -> float:
    """Return the points that a sequence of nodes takes from left to right."""
    *before, last = nodes
    widths = [
        _cell_width(node, grain) if isinstance(node, Box) else _joined_width(node, grain) for node in before
    ]
    widths.append(_cell_width(last, grain) if isinstance(last, Box) else _fork_width(last, grain))
    return max(*widths, _NARROWEST)


def _cell_width(box: Box, grain: Grain) -> float:
    bar, number = grain.scale * box.channels, f"{box.channels}"
    beside = bar if fits_in(number, bar) else bar + 2 * (text_width(number, SMALL) + 3)
    return max(
        beside,
        text_width(box.short, NORMAL, True),
        text_width(box.work, SMALL),
        text_width(box.change, SMALL),
    )


def _fork_width(fork: Fork, grain: Grain) -> float:
    columns = sum(nodes_width(branch, grain) for branch in fork.branches)
    return columns + grain.gap * (len(fork.branches) - 1)


def _joined_width(fork: Fork, grain: Grain) -> float:
    return max(_fork_width(fork, grain), grain.scale * fork.channels, text_width(joined_words(fork), SMALL))


def joined_words(fork: Fork) -> str:
    return f"concatenated: {sum_words(fork)}"


def block_width(block: Block, grain: Grain) -> float:
    """Return the points that a block takes from left to right; its heading and its last lines can wrap."""
    widest = grain.scale * max(block.input_shape[0], block.shape[0])
    return max(nodes_width(block.nodes, grain), widest, text_width(input_words(block)))


def input_words(block: Block) -> str:
    return f"input: {extent(block.input_shape)}"


def output_words(block: Block) -> str:
    joined = isinstance(block.nodes[-1], Fork)
    return f"{'concatenated' if joined else 'output'}: {extent(block.shape)}"


def _height(nodes: Sequence[Node]) -> float:
    """Return the points from the top of the first node to the last bars."""
    height = 0.0
    for place, node in enumerate(nodes):
        if place:
            height += _STEP
        if isinstance(node, Box):
            height += _cell_text(node) + BAR
        else:
            height += max(_height(branch) for branch in node.branches)
            if place < len(nodes) - 1:
                height += _BAND + BAR + _LINE + 2
    return height


def _cell_text(box: Box) -> float:
    return _TEXT + (_LINE if box.change else 0)


class _Part(NamedTuple):
    """A last bar of a branch, and where its middle stands."""

    centre: float
    box: Box


class _Painter(NamedTuple):
    canvas: Canvas
    grain: Grain

    def nodes(
        self, nodes: Sequence[Node], centre: float, room: float, start: float, top: float
    ) -> list[_Part]:
        """Draw nodes one under the other, the first at `top` on a line from `start`; return the last bars."""
        parts: list[_Part] = []
        for place, node in enumerate(nodes):
            if isinstance(node, Box):
                self.canvas.arrow([(centre, start), (centre, top)])
                self._cell(node, centre, room, top)
                bottom = top + _cell_text(node) + BAR
                start, parts = bottom + 1, [_Part(centre, node)]
            else:
                self.canvas.line([(centre, start), (centre, top - _DROP)])
                parts = self._fork(node, centre, top)
                bottom = top + _height([node])
                if place < len(nodes) - 1:
                    self.join(parts, centre, bottom)
                    bottom += _BAND + BAR + _LINE + 2
                    self.canvas.text(
                        centre, bottom - 4, joined_words(node), align="center", size=SMALL, ink="muted"
                    )
                    start = bottom + 1
            top = bottom + _STEP
        return parts

    def _fork(self, fork: Fork, centre: float, top: float) -> list[_Part]:
        """Draw branches beside each other, their last bars in one line; return these bars."""
        bus, bottom = top - _DROP, top + _height([fork])
        widths = [nodes_width(branch, self.grain) for branch in fork.branches]
        x = centre - _fork_width(fork, self.grain) / 2
        centres, parts = [], []
        for width, branch in zip(widths, fork.branches, strict=True):
            centres.append(x + width / 2)
            parts += self.nodes(branch, centres[-1], width, bus, bottom - _height(branch))
            x += width + self.grain.gap
        self.canvas.line([(centres[0], bus), (centres[-1], bus)])
        return parts

    def _cell(self, box: Box, centre: float, room: float, top: float) -> None:
        label = box.label if text_width(box.label, NORMAL, True) <= room else box.short
        self.canvas.text(centre, top + 10, label, align="center", bold=True)
        self.canvas.text(centre, top + 22, box.work, align="center", size=SMALL, ink="muted")
        if box.change:
            self.canvas.text(centre, top + 34, box.change, align="center", size=SMALL)
        tensor(self.canvas, centre, top + _cell_text(box), [(box.channels, box.ink)], self.grain.scale)

    def join(self, parts: Sequence[_Part], centre: float, bottom: float) -> None:
        """Draw the concatenation of bars that end at `bottom`."""
        scale, y = self.grain.scale, bottom + _BAND
        x = centre - scale * sum(part.box.channels for part in parts) / 2
        for middle, box in parts:
            size = scale * box.channels
            start = middle - size / 2
            corners = [(start, bottom), (start + size, bottom), (x + size, y), (x, y)]
            self.canvas.polygon(corners, box.ink, 0.22)
            x += size
        tensor(self.canvas, centre, y, [(box.channels, box.ink) for _, box in parts], scale)


def tensor(canvas: Canvas, centre: float, y: float, parts: Sequence[tuple[int, str]], scale: float) -> None:
    """Draw bars end to end, as wide as their channels, with the counts inside or, beside a bar alone."""
    left = x = centre - scale * sum(channels for channels, _ in parts) / 2
    for channels, ink in parts:
        size = scale * channels
        canvas.bar(x, y, size, BAR, ink)
        if fits_in(f"{channels}", size):
            canvas.text(x + size / 2, y + 11, f"{channels}", align="center", size=SMALL, ink="paper")
        elif len(parts) == 1:
            canvas.text(x + size + 3, y + 11, f"{channels}", size=SMALL)
        x += size
    for edge in accumulate(channels for channels, _ in parts[:-1]):
        canvas.line([(left + scale * edge, y), (left + scale * edge, y + BAR)], "paper", 1.0)


def heading(canvas: Canvas, block: Block, left: float, width: float, top: float) -> float:
    """Write a block's name and totals, and return the y below."""
    for line in wrap(block.name, width, LARGE, bold=True):
        canvas.text(left, top + 10, line, bold=True, size=LARGE)
        top += 13
    work, parameters = (words.replace("batch norm", "batch\u00a0norm") for words in total_words(block))
    totals = f"{work}, {parameters}"
    lines = [totals] if text_width(totals) <= width else [work, *wrap(parameters, width)]
    for line in [*lines, *wrap(block.remark, width)]:
        canvas.text(left, top + 10, line, ink="muted")
        top += _LINE
    return top + 10


def draw_columns(canvas: Canvas, block: Block, left: float, width: float, top: float, scale: float) -> float:
    """Draw a block into a column of the canvas, from the end of its heading, and return the y below it."""
    centre = left + width / 2
    gap = largest(lambda gap: block_width(block, Grain(scale, gap)) <= width, GAP, WIDEST_GAP)
    painter = _Painter(canvas, Grain(scale, gap))
    canvas.text(centre, top + 10, input_words(block), align="center")
    tensor(canvas, centre, top + 15, [(block.input_shape[0], "other")], scale)
    bar = top + 15 + BAR
    first = bar + _STEP
    parts = painter.nodes(block.nodes, centre, width, bar, first)
    bottom = first + _height(block.nodes)
    last = block.nodes[-1]
    if isinstance(last, Fork):
        painter.join(parts, centre, bottom)
        bottom += _BAND + BAR
    bottom += 1
    for line in wrap(output_words(block), width, bold=True):
        bottom += 13
        canvas.text(centre, bottom, line, align="center", bold=True)
    for line in wrap(sum_words(last), width) if isinstance(last, Fork) else ():
        bottom += 13
        canvas.text(centre, bottom, line, align="center", ink="muted")
    return bottom + 6
