"""VGG's layers (arXiv:1409.1556), read from its Table 1."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from inception_lessons._check import instance, members, one_of, positive, text
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
from inception_lessons.papers import VGG_SUMMARY, VGG_TABLE_1

VGG_GRID = 7
"""Height and width of what the first dense layer takes: 224 halved five times."""


def vgg_column(name: str) -> tuple[str, ...]:
    """Return a column of Table 1 without its empty cells: "A", "A-LRN", "B", "C", "D" or "E".

    Raises:
        ValueError: there is no such column.
    """
    one_of("name", name, VGG_SUMMARY)
    field = name.lower().replace("-", "_")
    return tuple(cell for cell in (getattr(row, field) for row in VGG_TABLE_1) if cell is not None)


class VGGConv(NamedTuple):
    """A convolution as Table 1 writes it: "conv3-64" is `VGGConv(3, 64)`."""

    kernel_size: int
    channels: int


class VGGLayers(NamedTuple):
    """A column of Table 1, taken apart."""

    blocks: tuple[tuple[VGGConv | str, ...], ...]
    """What stands before each "maxpool": convolutions and "LRN"."""
    hidden: tuple[int, ...]
    """Widths of the dense layers but the last."""


def vgg_layers(column: Sequence[str], *, width: float = 1.0) -> VGGLayers:
    """Return what a column of Table 1 lists, every width times `width`.

    The last dense layer and the softmax are left out: how many classes there are is not the column's to say.

    Raises:
        ValueError: a cell that is none of "conv3-64", "LRN", "maxpool", "FC-4096" and "soft-max" with their
            own numbers, or a width not above 0.
    """
    blocks: list[tuple[VGGConv | str, ...]] = []
    block: list[VGGConv | str] = []
    dense = []
    for cell in members("column", column):
        text("a cell of column", cell)
        if match := re.fullmatch(r"conv(\d+)-(\d+)", cell):
            block.append(VGGConv(int(match[1]), scale_channels(int(match[2]), width)))
        elif match := re.fullmatch(r"FC-(\d+)", cell):
            dense.append(scale_channels(int(match[1]), width))
        elif cell == "maxpool":
            blocks.append(tuple(block))
            block = []
        elif cell == "LRN":
            block.append(cell)
        elif cell != "soft-max":
            raise ValueError(
                f"column has {cell!r}; expected conv⟨kernel⟩-⟨channels⟩, LRN, maxpool, FC-⟨width⟩ or soft-max"
            )
    return VGGLayers(tuple(blocks), tuple(dense[:-1]))


def vgg_stages(
    layers: VGGLayers, *, num_classes: int = 1000, batch_norm: bool = False, grid: int = VGG_GRID
) -> list[Stage]:
    """Return a VGG network as data: one stage for each block of convolutions with its pooling, and one for
    each dense layer.

    Args:
        batch_norm: whether batch norm follows each convolution. The convolutions keep their biases, as in
            torchvision.
        grid: height and width to which the last grid is averaged before the dense layers.
    """
    instance("layers", layers, VGGLayers)
    stages = [
        Stage(f"block{number}", _steps(block, batch_norm)) for number, block in enumerate(layers.blocks, 1)
    ]
    steps: list[Step] = [GlobalPool(grid)]
    for number, features in enumerate(layers.hidden, 1):
        stages.append(Stage(f"hidden{number}", [*steps, Dense("dense", features)]))
        steps = []
    return [*stages, Stage("linear", [*steps, Dense("dense", positive("num_classes", num_classes))])]


def _steps(block: Sequence[VGGConv | str], batch_norm: bool) -> list[Step]:
    convs = [conv for conv in block if isinstance(conv, VGGConv)]
    bias = True if batch_norm else None
    return [
        *(
            Conv(f"conv{number}", conv.channels, conv.kernel_size, bias=bias, norm=batch_norm)
            for number, conv in enumerate(convs, 1)
        ),
        Pool("max", 2, 2),
    ]


def vgg(
    column: str = "D",
    *,
    in_channels: int = 3,
    input_size: Pair = 224,
    num_classes: int = 1000,
    batch_norm: bool = False,
    width: float = 1.0,
    bias: bool = True,
) -> list[LayerCost]:
    """Return the cost of every layer with weights of a VGG network, in order.

    Args:
        column: of Table 1: "A" (VGG-11), "A-LRN", "B" (13), "C", "D" (16) or "E" (19).
        batch_norm: whether batch norm follows each convolution; the convolutions keep their biases.
        width: factor of every number of channels, hidden neurons included.
        bias: whether to count biases (without batch norm).

    Raises:
        ValueError: an unknown column, a width not above 0, or an input too small for the layers.
    """
    layers = vgg_layers(vgg_column(column), width=width)
    stages = vgg_stages(layers, num_classes=num_classes, batch_norm=batch_norm)
    return layer_costs(walk(stages, in_channels, input_size, bias=bias))
