"""A block drawn as an outline, for columns of text too narrow for its branches: bars one under the other."""

from collections.abc import Iterator, Sequence

from inception_lessons.plots._block import Block, Box, Fork, Node, ends, sum_words
from inception_lessons.plots._canvas import NORMAL, SMALL, Canvas, fits_in, text_width, wrap
from inception_lessons.plots._columns import BAR, input_words, joined_words, largest, output_words, tensor

_INDENT = 16.0
_RAIL = 4.0  # from the left edge of bars to the line that connects them
_STEP = 11.0  # from a bar to the next text
_TEXT = 15.0  # from the top of a text to its bar


def outline_scale(block: Block, width: float) -> float:
    """Return the most points per channel, up to 1, at which a block's outline fits into `width`."""
    bars = [(block.input_shape[0], 0.0), (block.shape[0], 0.0), *_indented(block.nodes, 0.0)]

    def fits(scale: float) -> bool:
        return all(left + _room(channels, scale) <= width for channels, left in bars)

    return largest(fits, 0.0, 1.0)


def _room(channels: int, scale: float) -> float:
    """Return the points that a bar takes, with its count where that stands beside it."""
    size, number = scale * channels, f"{channels}"
    return size if fits_in(number, size) else size + 3 + text_width(number, SMALL)


def _indented(nodes: Sequence[Node], left: float) -> Iterator[tuple[int, float]]:
    """Yield the channels of each bar, and where it starts."""
    for node in nodes:
        yield node.channels, left
        for branch in node.branches if isinstance(node, Fork) else ():
            yield from _indented(branch, left + _INDENT)


def draw_outline(canvas: Canvas, block: Block, left: float, width: float, top: float, scale: float) -> float:
    """Draw a block into a column of the canvas, from the end of its heading, and return the y below it."""
    canvas.text(left, top + 10, input_words(block))
    _bar(canvas, left, top + _TEXT, [(block.input_shape[0], "other")], scale)
    y = _nodes(canvas, block.nodes, left, left + width, top + _TEXT + BAR, scale)
    last = block.nodes[-1]
    if isinstance(last, Fork):
        canvas.text(left, y + 22, output_words(block), bold=True)
        _bar(canvas, left, y + 12 + _TEXT, [(box.channels, box.ink) for box in ends(last)], scale)
        y += 12 + _TEXT + BAR
        for line in wrap(sum_words(last), width):
            y += 13
            canvas.text(left, y, line, ink="muted")
        return y + 6
    canvas.text(left, y + 14, output_words(block), bold=True)
    return y + 20


def _nodes(
    canvas: Canvas, nodes: Sequence[Node], left: float, right: float, start: float, scale: float
) -> float:
    """Draw nodes under a bar that ends at `start`; return the bottom of the last bar."""
    for place, node in enumerate(nodes):
        if isinstance(node, Box):
            if place:
                canvas.arrow([(left + _RAIL, start), (left + _RAIL, start + _STEP)])
            start = _box(canvas, node, left, right, start + _STEP, scale)
            continue
        start = _fork(canvas, node, left, right, start, scale)
        if place < len(nodes) - 1:
            canvas.text(left, start + 22, joined_words(node), size=SMALL, ink="muted")
            start += 12 + _TEXT
            _bar(canvas, left, start, [(box.channels, box.ink) for box in ends(node)], scale)
            start += BAR
    return start


def _fork(canvas: Canvas, fork: Fork, left: float, right: float, start: float, scale: float) -> float:
    y, rail = start, left + _RAIL
    for branch in fork.branches:
        elbow = y + _STEP + 7
        canvas.line([(rail, start), (rail, elbow), (left + _INDENT - 5, elbow)])
        tip = left + _INDENT - 2
        canvas.polygon([(tip - 4.5, elbow - 2.2), (tip - 4.5, elbow + 2.2), (tip, elbow)], "muted")
        y = _nodes(canvas, branch, left + _INDENT, right, y, scale)
    return y


def _box(canvas: Canvas, box: Box, left: float, right: float, top: float, scale: float) -> float:
    """Draw a box and return the bottom of its bar."""
    canvas.text(left + 9, top + 10, box.label, bold=True)
    x = left + 9 + text_width(box.label, NORMAL, True) + 8
    for words, ink in ((box.work, "muted"), (box.change, "ink")):
        if not words:
            continue
        if x + text_width(words, SMALL) > right:
            x, top = left + 9, top + 12
        canvas.text(x, top + 10, words, size=SMALL, ink=ink)
        x += text_width(words, SMALL) + 8
    _bar(canvas, left, top + _TEXT, [(box.channels, box.ink)], scale)
    return top + _TEXT + BAR


def _bar(canvas: Canvas, left: float, y: float, parts: Sequence[tuple[int, str]], scale: float) -> None:
    tensor(canvas, left + scale * sum(channels for channels, _ in parts) / 2, y, parts, scale)
