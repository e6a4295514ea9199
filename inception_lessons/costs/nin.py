"""The layers of Network in Network (arXiv:1312.4400), read from the published definitions."""

from collections.abc import Sequence

from inception_lessons._check import positive, rows
from inception_lessons.costs.architecture import (
    Conv,
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
from inception_lessons.papers import NIN_CIFAR10, NIN_IMAGENET, NiNRow


def nin_stages(
    table: Sequence[NiNRow] = NIN_CIFAR10,
    *,
    in_channels: int = 3,
    num_classes: int = 10,
    width: float = 1.0,
) -> list[Stage]:
    """Return a Network in Network as data, one stage for each layer of its definition but dropout.

    Poolings round the grid up, as cuda-convnet and Caffe do. The average at the end is taken over all
    positions, so that images of other sizes work too.

    Args:
        table: rows of a published definition, or your own in the same form.
        num_classes: channels of the last convolution, in place of the table's.
        width: scales every other number of channels, see `scale_channels`.
    """
    positive("in_channels", in_channels)
    table = rows("table", table, NiNRow)
    last = max((position for position, row in enumerate(table) if row.type == "cccp"), default=None)
    stages = []
    for position, row in enumerate(table):
        if row.type == "dropout":
            continue
        channels = row.channels and scale_channels(row.channels, width)
        stages.append(
            Stage(
                row.key, [_step(row, positive("num_classes", num_classes) if position == last else channels)]
            )
        )
    return stages


def _step(row: NiNRow, channels: int | None) -> Step:
    if row.type in ("conv", "cccp"):
        return Conv(row.type, channels, row.patch, row.stride, row.padding)
    if row.type == "max pool":
        return Pool("max", row.patch, row.stride, ceil_mode=True)
    if row.type == "avg pool":
        return GlobalPool()
    raise ValueError(f"row {row.key!r} has type {row.type!r}, which this function cannot count")


def nin_cifar10(
    *, in_channels: int = 3, input_size: Pair = 32, num_classes: int = 10, width: float = 1.0
) -> list[LayerCost]:
    """Return the cost of every layer with weights of the network for CIFAR-10: 966,986 parameters.

    With 100 classes it is the one for CIFAR-100.
    """
    stages = nin_stages(NIN_CIFAR10, in_channels=in_channels, num_classes=num_classes, width=width)
    return layer_costs(walk(stages, in_channels, input_size))


def nin_imagenet(
    *, in_channels: int = 3, input_size: Pair = 224, num_classes: int = 1000, width: float = 1.0
) -> list[LayerCost]:
    """Return the cost of every layer with weights of the Caffe model zoo's network: 7,595,176 parameters."""
    stages = nin_stages(NIN_IMAGENET, in_channels=in_channels, num_classes=num_classes, width=width)
    return layer_costs(walk(stages, in_channels, input_size))
