"""AlexNet's layers: as printed (NIPS 2012), and the network of that name that torchvision ships."""

from typing import NamedTuple

from inception_lessons._check import instance, one_of, positive, rows
from inception_lessons.costs.architecture import (
    Conv,
    Dense,
    GlobalPool,
    LayerCost,
    Pool,
    Stage,
    layer_costs,
    scale_channels,
    walk,
)
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import ALEXNET_LAYERS, ALEXNET_POOL


class AlexNetConv(NamedTuple):
    """A convolution with ReLU and what follows it."""

    key: str
    channels: int
    kernel_size: int
    stride: int
    padding: int
    groups: int
    normalised: bool
    """Whether local response normalisation follows."""
    pooled: bool
    """Whether 3×3 max pooling with stride 2 follows, after the normalisation."""


class AlexNetTable(NamedTuple):
    """Five convolutions and two hidden dense layers."""

    convs: tuple[AlexNetConv, ...]
    grid: int
    """Height and width of what the first dense layer takes."""
    adaptive: bool
    """Whether any last grid is averaged to that size; otherwise it must come out so."""
    hidden: int
    """Neurons of each hidden dense layer."""


_Conv = AlexNetConv

_TORCHVISION = AlexNetTable(
    convs=(
        #     key      out  k   /s pad groups norm   pool
        _Conv("conv1", 64,  11, 4, 2,  1,     False, True),
        _Conv("conv2", 192, 5,  1, 2,  1,     False, True),
        _Conv("conv3", 384, 3,  1, 1,  1,     False, False),
        _Conv("conv4", 256, 3,  1, 1,  1,     False, False),
        _Conv("conv5", 256, 3,  1, 1,  1,     False, True),
    ),
    grid=6,
    adaptive=True,
    hidden=4096,
)  # fmt: skip


def _printed() -> AlexNetTable:
    """Return the paper's layers; the padding, which it does not print, follows from the printed grids."""
    convs: list[AlexNetConv] = []
    for row in ALEXNET_LAYERS:
        if row.type == "convolution":
            before = convs[-1].channels if convs else row.kernel_depth
            padding = row.kernel_size // 2 if convs else 0
            convs.append(
                AlexNetConv(
                    row.key,
                    row.channels,
                    row.kernel_size,
                    row.stride or 1,
                    padding,
                    before // row.kernel_depth,
                    row.normalised,
                    row.pooled,
                )
            )
    hidden = next(row.channels for row in ALEXNET_LAYERS if row.type == "linear")
    return AlexNetTable(tuple(convs), grid=6, adaptive=False, hidden=hidden)


_TABLES = {"paper": _printed(), "torchvision": _TORCHVISION}
_INPUT_SIZES = {"paper": 227, "torchvision": 224}


def alexnet_table(
    variant: str | None = None, *, groups: int | None = None, width: float = 1.0
) -> AlexNetTable:
    """Return AlexNet's layers.

    Args:
        variant: "paper" (also None): NIPS 2012. "torchvision": the network of arXiv:1404.5997 ("one weird
            trick") with the widths of its author's configuration `layers-imagenet-1gpu` in cuda-convnet2:
            64-192-384-256-256, one group, no response normalisation, and torchvision's average pooling to
            6×6.
        groups: of layers 2, 4 and 5 of "paper": 2 (also None) as on its two GPUs, 1 to connect all channels.
        width: factor of every number of channels, hidden neurons included.

    Raises:
        ValueError: an unknown variant, other groups, or a width not above 0.
    """
    name = one_of("variant", variant or "paper", _TABLES)
    table = _TABLES[name]
    if groups not in (None, 1, 2) or (groups == 2 and name == "torchvision"):
        raise ValueError(
            f"groups must be {'1 or 2' if name == 'paper' else '1, as torchvision has it'}, got {groups!r}"
        )
    convs = tuple(
        conv._replace(
            channels=scale_channels(conv.channels, width),
            groups=1 if groups == 1 else conv.groups,
        )
        for conv in table.convs
    )
    return table._replace(convs=convs, hidden=scale_channels(table.hidden, width))


def alexnet_stages(table: AlexNetTable, *, num_classes: int = 1000) -> list[Stage]:
    """Return AlexNet as data, one stage for each of its eight layers; poolings belong to the layer before."""
    instance("table", table, AlexNetTable)
    stages = []
    for row in rows("table.convs", table.convs, AlexNetConv):
        conv = Conv("conv", row.channels, row.kernel_size, row.stride, row.padding, groups=row.groups)
        stages.append(Stage(row.key, [conv, *([Pool("max", *ALEXNET_POOL)] if row.pooled else [])]))
    features = None if table.adaptive else table.convs[-1].channels * table.grid**2
    first = Dense("dense", table.hidden, in_features=features)
    return [
        *stages,
        Stage("dense6", [*([GlobalPool(table.grid)] if table.adaptive else []), first]),
        Stage("dense7", [Dense("dense", table.hidden)]),
        Stage("dense8", [Dense("dense", positive("num_classes", num_classes))]),
    ]


def alexnet(
    *,
    variant: str | None = None,
    groups: int | None = None,
    in_channels: int = 3,
    input_size: Pair | None = None,
    num_classes: int = 1000,
    width: float = 1.0,
    bias: bool = True,
) -> list[LayerCost]:
    """Return the cost of every layer of AlexNet that has weights, in order.

    Args:
        variant, groups, width: see `alexnet_table`.
        input_size: None for 227 ("paper": the smallest that gives the printed grids; the paper says 224) or
            224 ("torchvision").
        bias: whether to count biases.

    Raises:
        ValueError: as `alexnet_table`, or an input that the layers cannot take.
    """
    stages = alexnet_stages(alexnet_table(variant, groups=groups, width=width), num_classes=num_classes)
    size = _INPUT_SIZES[variant or "paper"] if input_size is None else input_size
    return layer_costs(walk(stages, in_channels, size, bias=bias))
