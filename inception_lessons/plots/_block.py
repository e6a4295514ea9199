"""A sequence of `costs` steps read for a diagram: boxes, forks, and what the figure says of them."""

from collections.abc import Iterator, Sequence
from itertools import compress
from math import prod
from typing import NamedTuple

from inception_lessons import costs
from inception_lessons._check import members, number, pair, positive
from inception_lessons.plots._canvas import millions
from inception_lessons.plots._figure import conv_ink


class Box(NamedTuple):
    """One operation."""

    label: str
    short: str
    """The label for narrow columns."""
    said: str
    """The operation in the alternative text."""
    ink: str
    shape: tuple[int, ...]
    macs: int | None
    change: str
    """The new grid, where it does not stay; of a dense layer on a grid, its inputs."""

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def work(self) -> str:
        return "no MACs" if self.macs is None else count(self.macs)


class Fork(NamedTuple):
    """Branches on one input, and the shape of their concatenation."""

    branches: list[list["Node"]]
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        return self.shape[0]


Node = Box | Fork


class Block(NamedTuple):
    """What a diagram of a block says."""

    name: str
    input_shape: tuple[int, ...]
    nodes: list[Node]
    total: costs.Total
    counted: str
    """What the parameters include besides the weights."""
    remark: str = ""
    """A line under the totals."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.nodes[-1].shape

    @property
    def widest(self) -> int:
        """The largest number of channels on the way."""
        return max(self.input_shape[0], *(node.channels for node in every(self.nodes)))


def every(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the nodes, and those inside them."""
    for node in nodes:
        yield node
        if isinstance(node, Fork):
            for branch in node.branches:
                yield from every(branch)


def ends(node: Node) -> list[Box]:
    """Return the boxes whose outputs leave `node`: of a fork, the last of each branch, in their order."""
    if isinstance(node, Box):
        return [node]
    return [box for branch in node.branches for box in ends(branch[-1])]


def read_block(
    name: str,
    steps: costs.Step | Sequence[costs.Step],
    in_channels: int,
    grid: costs.Pair | None,
    bias: bool,
    norm: bool,
) -> Block:
    """Return the block that `steps` make of an input.

    Raises:
        TypeError: something that is no step.
        ValueError: no steps, or steps that cannot follow each other.
    """
    sequence = [steps] if isinstance(steps, costs.Step) else members(f"the steps of {name!r}", steps)
    if not sequence:
        raise ValueError(
            f"the steps of {name!r} must be at least one, got none; give costs.Conv, costs.Pool, …"
        )
    size = (1, 1) if grid is None else pair("grid", grid)
    number("grid", max(size))
    (walked,) = costs.walk([costs.Stage(name, sequence)], in_channels, size, bias=bias, norm=norm)
    shape = (positive("in_channels", in_channels), *(() if grid is None else size))
    nodes, total = _nodes(sequence, shape), costs.total(walked.layers)
    block = Block(name, shape, nodes, total, _counted(walked.layers))
    number(f"the largest number of channels in {name!r}", block.widest)
    number(f"the MACs of {name!r}", total.macs)
    return block


def _counted(layers: Sequence[costs.LayerCost]) -> str:
    """Say whether the parameters of some layers include biases and batch norm."""
    weighted = [layer.cost for layer in layers if layer.cost.macs]
    biased = any(cost.parameters > cost.macs // prod(cost.output_shape[1:]) for cost in weighted)
    normed = len(weighted) < len(layers)
    if not weighted:
        return ""
    return (
        f"with {' and '.join(compress(('biases', 'batch norm'), (biased, normed)))}"
        if biased or normed
        else "without biases"
    )


def _nodes(steps: Sequence[costs.Step], shape: tuple[int, ...]) -> list[Node]:
    nodes: list[Node] = []
    for step in steps:
        if isinstance(step, costs.Parallel):
            branches = [
                _nodes(branch, shape) or [Box("identity", "identity", "identity", "other", shape, None, "")]
                for branch in step.branches.values()
            ]
            channels = sum(branch[-1].channels for branch in branches)
            nodes.append(Fork(branches, (channels, *branches[0][-1].shape[1:])))
        else:
            nodes.append(_box(step, shape))
        shape = nodes[-1].shape
    return nodes


def _box(step: costs.Step, shape: tuple[int, ...]) -> Box:
    (walked,) = costs.walk([costs.Stage("", [step])], shape[0], shape[1:] or 1)
    out = walked.output_shape
    macs = costs.total(walked.layers).macs if walked.layers else None
    change = f"→ {times(out[1:])}" if out[1:] and out[1:] != shape[1:] else ""
    label, short, said = _words(step, shape)
    if isinstance(step, costs.Dense):
        change = f"{walked.layers[0].in_channels:,} inputs" if prod(shape[1:]) > 1 else ""
    return Box(label, short, said, _ink(step), out, macs, change)


def _ink(step: costs.Step) -> str:
    if isinstance(step, costs.Conv):
        return conv_ink(pair("kernel_size", step.kernel_size))
    if isinstance(step, costs.Dense | costs.Distances):
        return "dense"
    return "pool" if isinstance(step, costs.Pool | costs.GlobalPool) else "other"


def _words(step: costs.Step, shape: tuple[int, ...]) -> tuple[str, str, str]:
    """Return a step's label, its short label, and how it is said."""
    if isinstance(step, costs.GlobalPool):
        if step.size == 1:
            return "global avg pool", "global avg", "global average pooling"
        to = f"{step.size}×{step.size}"
        return f"avg pool to {to}", "avg pool", f"average pooling to {to}"
    if not isinstance(step, costs.Conv | costs.Pool):
        name = type(step).__name__.lower()
        return name, name, name
    kernel, strides = pair("kernel_size", step.kernel_size), pair("stride", step.stride)
    size, stride = times(kernel), ""
    label = size
    if strides != (1, 1):
        even = strides[0] == strides[1]
        label += f"/{strides[0]}" if even else f"/{strides[0]},{strides[1]}"
        stride = f" with stride {strides[0] if even else times(strides)}"
    if isinstance(step, costs.Pool):
        return f"{label} {step.kind} pool", f"{label} {step.kind}", f"{size} {step.kind} pool{stride}"
    if step.groups == 1:
        return label, label, f"{size}{stride}"
    kind = " depthwise" if step.groups == shape[0] else f", {step.groups} groups"
    return f"{label}{kind}", f"{label}{kind}", f"{size}{kind}{stride}"


def times(sizes: Sequence[int]) -> str:
    """Return sizes with a cross between them."""
    return "×".join(map(str, sizes))


def count(macs: int) -> str:
    """Return a number of MACs in millions, or exactly where millions would lose its digits."""
    return millions(macs) if macs >= 100_000 else f"{macs:,}"


def extent(shape: tuple[int, ...]) -> str:
    """Return a shape as figures write it."""
    return f"{shape[0]} channels, {times(shape[1:])}" if shape[1:] else f"{shape[0]} features"


def total_words(block: Block) -> tuple[str, str]:
    """Return what the totals are called: MACs, and parameters."""
    return (
        f"{count(block.total.macs)} MACs",
        f"{block.total.parameters:,} parameters {block.counted}".rstrip(),
    )


def sum_words(fork: Fork) -> str:
    """Return what the branches of a fork add up to; a fork at a branch's end stands in brackets."""
    parts = []
    for branch in fork.branches:
        last = branch[-1]
        parts.append(f"({sum_words(last)})" if isinstance(last, Fork) else f"{last.channels}")
    return " + ".join(parts)


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _branches(fork: Fork) -> str:
    number = len(fork.branches)
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else number} branch{'' if number == 1 else 'es'}"


def _extent_said(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} channels of {times(shape[1:])}" if shape[1:] else f"{shape[0]} features"


def _node_said(node: Node) -> str:
    if isinstance(node, Fork):
        told = "; ".join(_nodes_said(branch) for branch in node.branches)
        return f"{_branches(node)} ({told}), concatenated to {node.channels} channels"
    what = "channels" if node.shape[1:] else "features"
    to = f"{node.channels} {what}"
    if node.change.startswith("→"):
        to += f" of {times(node.shape[1:])}"
    elif node.change:
        to += f" from {node.change}"
    return f"{node.said} to {to} ({node.work}{'' if node.macs is None else ' MACs'})"


def _nodes_said(nodes: Sequence[Node]) -> str:
    return ", then ".join(map(_node_said, nodes))


def said(block: Block) -> str:
    """Return the block in words."""
    told = f"{block.name}, on {_extent_said(block.input_shape)}. "
    *before, last = block.nodes
    if isinstance(last, Fork):
        if before:
            told += f"{_nodes_said(before)}. "
        branches = "; ".join(_nodes_said(branch) for branch in last.branches)
        number = _branches(last)
        told += f"{number[0].upper()}{number[1:]}: {branches}. "
        told += f"Concatenated: {sum_words(last)} = {_extent_said(last.shape)}. "
    else:
        order = "In order: " if before else ""
        told += f"{order}{_nodes_said(block.nodes)}. Output: {_extent_said(last.shape)}. "
    return f"{told}In all {' and '.join(total_words(block))}."
