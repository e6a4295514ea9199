"""ZFNet's layers (arXiv:1311.2901), read from its Figure 3."""

from collections.abc import Sequence

from inception_lessons._check import one_of, positive, rows
from inception_lessons.costs.architecture import (
    Conv,
    Dense,
    GlobalPool,
    LayerCost,
    Pool,
    Stage,
    Step,
    layer_costs,
    scale_channels,
    walk,
)
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import ZFNET_FIGURE_3, ZFNetRow

ZFNET_PADDING = {"conv1": 1, "conv2": 0, "conv3": 1, "conv4": 1, "conv5": 1}
"""Padding of the convolutions, which the paper does not print: what gives the printed grids."""


def zfnet_stages(
    table: Sequence[ZFNetRow] = ZFNET_FIGURE_3,
    *,
    num_classes: int = 1000,
    width: float = 1.0,
    adaptive: bool = False,
) -> list[Stage]:
    """Return ZFNet as data, one stage for each of its eight layers; poolings, which round the grid up, belong
    to the layer before.

    Args:
        table: rows of Figure 3, or your own in the same form.
        adaptive: whether any last grid is averaged to the table's; otherwise it must come out so.

    Other arguments and errors are those of `zfnet`.
    """
    table = rows("table", table, ZFNetRow)
    convolutions = [row for row in table if row.type == "convolution"]
    dense = [row for row in table if row.type == "linear"]
    if not convolutions or len(dense) != 2:
        raise ValueError(
            "table must have at least one convolution and two rows of type 'linear', got "
            f"{len(convolutions)} and {len(dense)}"
        )
    stages = [Stage(row.key, _convolution(row, width)) for row in convolutions]
    grid = positive("out_grid of the last convolution", convolutions[-1].out_grid)
    features = scale_channels(convolutions[-1].channels, width) * grid**2
    first, second = (scale_channels(row.channels, width) for row in dense)
    dense6 = Dense("dense", first, in_features=None if adaptive else features)
    return [
        *stages,
        Stage("dense6", [*([GlobalPool(grid)] if adaptive else []), dense6]),
        Stage("dense7", [Dense("dense", second)]),
        Stage("dense8", [Dense("dense", positive("num_classes", num_classes))]),
    ]


def _convolution(row: ZFNetRow, width: float) -> list[Step]:
    channels = scale_channels(row.channels, width)
    padding = ZFNET_PADDING[one_of("key of a convolution", row.key, ZFNET_PADDING)]
    conv = Conv("conv", channels, row.kernel_size, row.stride, padding)
    pool = [Pool("max", row.pool_size, row.pool_stride, ceil_mode=True)] if row.pool_size else []
    return [conv, *pool]


def zfnet(
    *,
    in_channels: int = 3,
    input_size: Pair = 224,
    num_classes: int = 1000,
    width: float = 1.0,
    bias: bool = True,
) -> list[LayerCost]:
    """Return the cost of every layer of ZFNet that has weights, in order.

    Args:
        width: factor of every number of channels, hidden units included.
        bias: whether to count biases.

    Raises:
        ValueError: a width not above 0, or an input that the layers cannot take.
    """
    stages = zfnet_stages(num_classes=num_classes, width=width)
    return layer_costs(walk(stages, in_channels, input_size, bias=bias))
