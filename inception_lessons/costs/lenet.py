"""LeNet-5's layers (Proceedings of the IEEE 86(11), 1998), and those of the LeNet that is taught today."""

from collections.abc import Sequence
from itertools import chain, groupby

from inception_lessons._check import members, one_of, positive, text
from inception_lessons.costs.architecture import (
    Conv,
    Dense,
    Distances,
    GlobalPool,
    LayerCost,
    Parallel,
    Pool,
    Select,
    Stage,
    Step,
    Walked,
    layer_costs,
    walk,
)
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import LENET5_INPUT_SIZE, LENET5_LAYERS, LENET5_TABLE_1, LeNet5Row

LENET_POOLINGS = {"average": "avg", "max": "max"}
"""The names of pooling in `lenet`, and in the steps of an architecture."""


_MAPS = {row.key: row.maps for row in LENET5_LAYERS}


def inputs_of_maps(table: Sequence[str] = LENET5_TABLE_1) -> list[tuple[int, ...]]:
    """Return, for each feature map of C3, the feature maps of S2 that it sees."""
    lines = [text(f"table[{place}]", line) for place, line in enumerate(members("table", table))]
    if len({len(line) for line in lines}) > 1:
        raise ValueError(f"table must have lines of one length, got {sorted({len(line) for line in lines})}")
    return [
        tuple(row for row, cell in enumerate(column) if cell != " ") for column in zip(*lines, strict=True)
    ]


def lenet5_stages(*, in_channels: int = 1) -> list[Stage]:
    """Return LeNet-5 as data, one stage for each layer of section II-B.

    A subsampling layer is an average pooling (its sum and its mean differ by a constant that costs nothing)
    and a 1×1 convolution of each map by itself: one coefficient and one bias. The 840 squared differences of
    the output layer are no MACs by this book's definition.
    """
    positive("in_channels", in_channels)
    return [Stage(row.key, _steps(row)) for row in LENET5_LAYERS]


def _steps(row: LeNet5Row) -> list[Step]:
    if row.key == "C3":
        return [_partial_convolution(row.patch)]
    if row.type == "convolution":
        return [Conv("conv", row.maps, row.patch, padding=0)]
    if row.type == "subsampling":
        return [Pool("avg", row.patch, row.patch), Conv("coefficient", row.maps, 1, groups=row.maps)]
    if row.type == "full":
        return [Dense("linear", row.maps, in_features=_MAPS["C5"])]
    return [Distances(row.maps)]


def _partial_convolution(kernel_size: Pair) -> Parallel:
    """Return C3: maps with equally many inputs make one grouped convolution, on their inputs in a row."""
    branches: dict[str, Sequence[Step]] = {}
    for count, run in groupby(inputs_of_maps(), key=len):
        maps = list(run)
        conv = Conv(f"from{count}", len(maps), kernel_size, padding=0, groups=len(maps))
        branches[conv.name] = [Select(list(chain(*maps))), conv]
    return Parallel(branches)


def lenet5(*, in_channels: int = 1, input_size: Pair = LENET5_INPUT_SIZE) -> list[LayerCost]:
    """Return the cost of every layer of LeNet-5 that has weights: 60,000 parameters.

    Raises:
        ValueError: an input that leaves more or less than one position for C5 (32 to 35 pixels leave one).
    """
    return layer_costs(walk(lenet5_stages(in_channels=in_channels), in_channels, input_size))


def lenet5_connections(*, in_channels: int = 1, input_size: Pair = LENET5_INPUT_SIZE) -> dict[str, int]:
    """Return the connections of every layer of LeNet-5, as its paper counts them.

    A connection leads into one unit: from each number that the unit sees, and from its bias. A parameter that
    many units share is one parameter and as many connections. The four inputs of a subsampling unit are four
    connections, though they share one coefficient; the output's fixed codes count too, without biases.
    """
    walked = walk(lenet5_stages(in_channels=in_channels), in_channels, input_size)
    return {row.key: _connections(row, stage) for row, stage in zip(LENET5_LAYERS, walked, strict=True)}


def _connections(row: LeNet5Row, stage: Walked) -> int:
    channels, *grid = stage.output_shape
    positions = 1
    for size in grid:
        positions *= size
    if row.type == "subsampling":
        return channels * positions * (row.patch**2 + 1)
    if row.type == "RBF":
        return channels * stage.input_shape[0]
    return positions * sum(layer.cost.parameters for layer in stage.layers)


def lenet_stages(
    *, in_channels: int = 1, num_classes: int = 10, pooling: str = "average", any_size: bool = False
) -> list[Stage]:
    """Return, as data, the simplified LeNet: full connections, parameter-free pooling, a dense output.

    Arguments and errors are those of `lenet`.
    """
    positive("in_channels", in_channels)
    kind = LENET_POOLINGS[one_of("pooling", pooling, LENET_POOLINGS)]
    grid: list[Step] = [GlobalPool(5)] if any_size else []
    return [
        Stage("conv1", [Conv("conv", 6, 5, padding=2)]),
        Stage("pool1", [Pool(kind, 2, 2)]),
        Stage("conv2", [Conv("conv", 16, 5, padding=0)]),
        Stage("pool2", [Pool(kind, 2, 2), *grid]),
        Stage("hidden1", [Dense("linear", 120, in_features=None if any_size else 400)]),
        Stage("hidden2", [Dense("linear", 84)]),
        Stage("linear", [Dense("linear", positive("num_classes", num_classes))]),
    ]


def lenet(
    *,
    in_channels: int = 1,
    input_size: Pair = 28,
    num_classes: int = 10,
    pooling: str = "average",
    any_size: bool = False,
) -> list[LayerCost]:
    """Return the cost of every layer with weights of the simplified LeNet: 61,706 parameters, 416,520 MACs.

    Source: chapter "LeNet" of Dive into Deep Learning (d2l-ai/d2l-en on GitHub).

    Args:
        pooling: "average" or "max".
        any_size: whether the second pooling ends on a fixed grid of 5×5, whatever the image.

    Raises:
        ValueError: an unknown pooling, or an input that does not leave 5×5 positions (28 to 31 pixels do).
    """
    stages = lenet_stages(
        in_channels=in_channels, num_classes=num_classes, pooling=pooling, any_size=any_size
    )
    return layer_costs(walk(stages, in_channels, input_size))
