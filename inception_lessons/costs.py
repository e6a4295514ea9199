"""Sizes, parameters and multiply-accumulates (MACs) by arithmetic, in Python integers.

One MAC is one multiplication and the addition of its product to a running sum. Convolutions and dense layers
do
MACs; bias, pooling, batch norm, ReLU and concatenation do none, by this book's definition (see its
conventions page).
All counts are for one image. Shapes are channels × height × width.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from inception_lessons._check import non_negative, one_of, pair, positive
from inception_lessons.papers import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_TABLE_1,
    AuxiliaryHeads,
    GoogLeNetRow,
    InceptionWidths,
)

Pair = int | tuple[int, int]


class Cost(NamedTuple):
    """What one layer costs for one image."""

    output_shape: tuple[int, ...]
    """Channels × height × width, or features of a dense layer."""
    parameters: int
    macs: int
    activations: int
    """Numbers in the output."""


def _output(shape: tuple[int, ...], parameters: int, macs: int) -> Cost:
    activations = 1
    for size in shape:
        activations *= size
    return Cost(shape, parameters, macs, activations)


def conv_output_size(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the output positions of a convolution along one axis.

    ⌊(size + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1, as in `torch.nn.Conv2d`.

    Raises:
        ValueError: a size is below 1, or the kernel is larger than the padded input.
    """
    size, kernel_size, stride = (
        positive("size", size),
        positive("kernel_size", kernel_size),
        positive("stride", stride),
    )
    padding, dilation = non_negative("padding", padding), positive("dilation", dilation)
    extent = dilation * (kernel_size - 1) + 1
    padded = size + 2 * padding
    if extent > padded:
        raise ValueError(
            f"kernel_size {kernel_size} with dilation {dilation} spans {extent} positions, but the padded "
            f"input has {padded}; "
            f"use size at least {extent - 2 * padding}, more padding or a smaller kernel"
        )
    return (padded - extent) // stride + 1


def pool_output_size(
    size: int,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Return the output positions of a pooling layer along one axis.

    With `ceil_mode` the last window may reach over the right edge, even when it is the only one, but it must
    start
    inside the input or its left padding, as in `torch.nn.MaxPool2d`. `stride` defaults to `kernel_size`.

    Raises:
        ValueError: as `conv_output_size`, or the padding is more than half the kernel.
    """
    size, kernel_size = positive("size", size), positive("kernel_size", kernel_size)
    stride = kernel_size if stride is None else positive("stride", stride)
    if non_negative("padding", padding) > kernel_size // 2:
        raise ValueError(f"padding must be at most half of kernel_size {kernel_size}, got {padding}")
    room = size + 2 * padding - positive("dilation", dilation) * (kernel_size - 1) - 1
    if not ceil_mode or room <= -stride:
        return conv_output_size(size, kernel_size, stride, padding, dilation)
    outputs = -(-room // stride) + 1
    return outputs if (outputs - 1) * stride < size + padding else outputs - 1


def _conv_padding(
    padding: Pair | str, kernel: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the padding as a pair; None stands for "same"."""
    if not isinstance(padding, str):
        return pair("padding", padding, 0)
    if one_of("padding", padding, ("same", "valid")) == "valid":
        return 0, 0
    if stride != (1, 1):
        raise ValueError(f"padding 'same' needs stride 1, got stride {stride}; give the padding as a number")
    return None


def conv2d(
    in_channels: int,
    out_channels: int,
    kernel_size: Pair,
    grid: Pair,
    *,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: bool = True,
) -> Cost:
    """Return the cost of a 2-D convolution on an input of `in_channels` × `grid`.

    Each output number takes in_channels/groups · kernel height · kernel width MACs.

    Args:
        grid: height and width of the input; one integer for a square.
        padding: positions on each side, or "same" (output grid = input grid, stride 1) or "valid".

    Raises:
        ValueError: a size below 1, a kernel larger than the padded input, or groups that do not divide both
        channels.
    """
    in_channels, out_channels = positive("in_channels", in_channels), positive("out_channels", out_channels)
    groups = positive("groups", groups)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ValueError(
                f"groups must divide {name}: {channels} channels do not split into {groups} groups"
            )
    kernel, strides, dilations = (
        pair("kernel_size", kernel_size),
        pair("stride", stride),
        pair("dilation", dilation),
    )
    size = pair("grid", grid)
    pads = _conv_padding(padding, kernel, strides)
    if pads is None:
        out = size
    else:
        height, width = (
            conv_output_size(size[axis], kernel[axis], strides[axis], pads[axis], dilations[axis])
            for axis in (0, 1)
        )
        out = (height, width)
    weights = out_channels * (in_channels // groups) * kernel[0] * kernel[1]
    return _output((out_channels, *out), weights + (out_channels if bias else 0), weights * out[0] * out[1])


def linear(in_features: int, out_features: int, *, bias: bool = True) -> Cost:
    """Return the cost of a dense layer: one weight and one MAC per pair of input and output."""
    weights = positive("in_features", in_features) * positive("out_features", out_features)
    return _output((out_features,), weights + (out_features if bias else 0), weights)


def pool2d(
    channels: int,
    kernel_size: Pair,
    grid: Pair,
    *,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Cost:
    """Return the cost of max or average pooling: no parameters and no MACs, but an output to store."""
    kernel, size = pair("kernel_size", kernel_size), pair("grid", grid)
    strides = kernel if stride is None else pair("stride", stride)
    pads, dilations = pair("padding", padding, 0), pair("dilation", dilation)
    height, width = (
        pool_output_size(size[axis], kernel[axis], strides[axis], pads[axis], dilations[axis], ceil_mode)
        for axis in (0, 1)
    )
    return _output((positive("channels", channels), height, width), 0, 0)


def batch_norm(channels: int, grid: Pair, *, affine: bool = True) -> Cost:
    """Return the cost of batch norm: a scale and a shift per channel if `affine`, and no MACs.

    The running mean and variance are buffers, not parameters. In inference the whole transform folds into the
    convolution before it.
    """
    return _output((positive("channels", channels), *pair("grid", grid)), 2 * channels if affine else 0, 0)


class Layer(NamedTuple):
    """A convolution by name, without its grid."""

    name: str
    in_channels: int
    out_channels: int
    kernel_size: Pair
    groups: int = 1


def stack(layers: Iterable[Layer], grid: Pair, *, bias: bool = True) -> list[Cost]:
    """Return the cost of each of several convolutions in sequence, stride 1, padding "same".

    Raises:
        ValueError: a layer's input channels are not the output channels of the one before.
    """
    costs: list[Cost] = []
    for layer in layers:
        if costs and costs[-1].output_shape[0] != layer.in_channels:
            raise ValueError(
                f"layer {layer.name!r} takes in_channels {layer.in_channels}, "
                f"but the layer before it gives {costs[-1].output_shape[0]}; make the two equal"
            )
        costs.append(
            conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,
                grid,
                padding="same",
                groups=layer.groups,
                bias=bias,
            )
        )
    return costs


class ReceptiveField(NamedTuple):
    """What one output position sees along one axis."""

    size: int
    """Input positions seen."""
    jump: int
    """Input positions between the centres of neighbouring outputs."""


def receptive_field(layers: Iterable[Sequence[int]]) -> ReceptiveField:
    """Return the receptive field of a chain of layers along one axis.

    Args:
        layers: (kernel_size, stride) or (kernel_size, stride, dilation) of each layer, the first layer first.

    Raises:
        ValueError: an entry has another length or a number below 1.
    """
    size, jump = 1, 1
    for position, layer in enumerate(layers):
        if len(layer) not in (2, 3):
            raise ValueError(f"layers[{position}] must be (kernel_size, stride[, dilation]), got {layer!r}")
        kernel, stride = positive("kernel_size", layer[0]), positive("stride", layer[1])
        dilation = positive("dilation", layer[2]) if len(layer) == 3 else 1
        size += dilation * (kernel - 1) * jump
        jump *= stride
    return ReceptiveField(size, jump)


class LayerCost(NamedTuple):
    """The cost of one named layer of a network."""

    row: str
    """The table row the layer belongs to, such as "3a"."""
    name: str
    """The layer within its row, such as "reduce3"."""
    kernel_size: tuple[int, int] | None
    """Height and width of the kernel; None for a dense layer."""
    in_channels: int
    cost: Cost


def _as_layer_cost(row: str, layer: Layer, cost: Cost) -> LayerCost:
    return LayerCost(row, layer.name, pair("kernel_size", layer.kernel_size), layer.in_channels, cost)


def inception_layers(
    widths: InceptionWidths | GoogLeNetRow, in_channels: int, *, kind: str = "reduced"
) -> dict[str, list[Layer]]:
    """Return the convolutions of an Inception module, branch by branch.

    Args:
        widths: the module's six numbers.
        kind: "reduced" (Figure 2b of arXiv:1409.4842v1) or "naive" (Figure 2a: no 1×1 before the 3×3 and the
            5×5, and
            nothing after the pooling, which then passes all its channels on).
    """
    one_of("kind", kind, ("reduced", "naive"))
    positive("in_channels", in_channels)
    six = {name: positive(name, getattr(widths, name)) for name in InceptionWidths._fields}
    if kind == "naive":
        return {
            "conv1": [Layer("conv1", in_channels, six["conv1"], 1)],
            "conv3": [Layer("conv3", in_channels, six["conv3"], 3)],
            "conv5": [Layer("conv5", in_channels, six["conv5"], 5)],
            "pool": [],
        }
    return {
        "conv1": [Layer("conv1", in_channels, six["conv1"], 1)],
        "conv3": [
            Layer("reduce3", in_channels, six["reduce3"], 1),
            Layer("conv3", six["reduce3"], six["conv3"], 3),
        ],
        "conv5": [
            Layer("reduce5", in_channels, six["reduce5"], 1),
            Layer("conv5", six["reduce5"], six["conv5"], 5),
        ],
        "pool": [Layer("project", in_channels, six["project"], 1)],
    }


def inception_module(
    widths: InceptionWidths | GoogLeNetRow,
    in_channels: int,
    grid: Pair,
    *,
    kind: str = "reduced",
    bias: bool = True,
    row: str = "",
) -> list[LayerCost]:
    """Return the cost of each convolution of an Inception module.

    The module's output has the grid of its input and `inception_out_channels` channels.
    """
    branches = inception_layers(widths, in_channels, kind=kind)
    return [
        _as_layer_cost(row, layer, cost)
        for layers in branches.values()
        for layer, cost in zip(layers, stack(layers, grid, bias=bias), strict=True)
    ]


def inception_out_channels(
    widths: InceptionWidths | GoogLeNetRow, in_channels: int, *, kind: str = "reduced"
) -> int:
    """Return the channels after the four branches of an Inception module are concatenated."""
    branches = inception_layers(widths, in_channels, kind=kind)
    return sum(layers[-1].out_channels if layers else in_channels for layers in branches.values())


def separable_stem_layers(
    in_channels: int, out_channels: int, kernel_size: int, multiplier: int = 8
) -> list[Layer]:
    """Return a depthwise separable convolution: `multiplier` filters per input channel, then a 1×1 over all
    of them.

    Source: arXiv:1502.03167, appendix ("depth multiplier 8"); Table 1 of arXiv:1409.4842v1 prints its cost.
    """
    middle = positive("in_channels", in_channels) * positive("multiplier", multiplier)
    return [
        Layer("depthwise", in_channels, middle, kernel_size, groups=in_channels),
        Layer("pointwise", middle, out_channels, 1),
    ]


def _stem_costs(row: GoogLeNetRow, in_channels: int, grid: Pair, stem: str, bias: bool) -> list[LayerCost]:
    geometry = {"stride": row.stride, "padding": row.patch // 2}
    if stem == "dense":
        layer = Layer("conv", in_channels, row.channels, row.patch)
        cost = conv2d(in_channels, row.channels, row.patch, grid, bias=bias, **geometry)
        return [_as_layer_cost(row.key, layer, cost)]
    depthwise, pointwise = separable_stem_layers(in_channels, row.channels, row.patch)
    first = conv2d(
        in_channels, depthwise.out_channels, row.patch, grid, groups=depthwise.groups, bias=False, **geometry
    )
    second = conv2d(pointwise.in_channels, pointwise.out_channels, 1, first.output_shape[1:], bias=bias)
    return [_as_layer_cost(row.key, depthwise, first), _as_layer_cost(row.key, pointwise, second)]


def _auxiliary_costs(
    head: AuxiliaryHeads, after: str, shape: tuple[int, ...], classes: int, bias: bool
) -> list[LayerCost]:
    channels, height, width = shape
    pooled = pool2d(channels, head.pool_size, (height, width), stride=head.pool_stride).output_shape
    conv = conv2d(channels, head.conv1, 1, pooled[1:], bias=bias)
    hidden = linear(conv.activations, head.hidden, bias=bias)
    row = f"aux_{after}"
    return [
        LayerCost(row, "conv", (1, 1), channels, conv),
        LayerCost(row, "hidden", None, conv.activations, hidden),
        LayerCost(row, "linear", None, head.hidden, linear(head.hidden, classes, bias=bias)),
    ]


def googlenet(
    *,
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
    in_channels: int = 3,
    input_size: Pair = 224,
    num_classes: int = 1000,
    stem: str = "dense",
    aux: bool = False,
    bias: bool = True,
) -> list[LayerCost]:
    """Return the cost of every convolution and dense layer of GoogLeNet, in the order of its Table 1.

    Strides and kernel sizes are read from the table; convolutions are padded to keep the grid, poolings
    round the
    grid up, as the table's output sizes demand.

    Args:
        table: rows of Table 1, or your own in the same form.
        stem: "dense" (the 7×7 as printed) or "separable" (the one whose cost is printed).
        aux: whether to add the two auxiliary heads (training only), as rows `aux_4a` and `aux_4d`.

    Raises:
        ValueError: an unknown stem, or an input too small for the layers.
    """
    one_of("stem", stem, ("dense", "separable"))
    shape: tuple[int, ...] = (positive("in_channels", in_channels), *pair("input_size", input_size))
    costs: list[LayerCost] = []
    heads: list[LayerCost] = []
    for row in table:
        grid = shape[1:]
        if row.type == "convolution" and row.conv3 is None:
            costs += _stem_costs(row, shape[0], grid, stem, bias)
            shape = costs[-1].cost.output_shape
        elif row.type == "convolution":
            layers = [
                Layer("reduce3", shape[0], row.reduce3, 1),
                Layer("conv3", row.reduce3, row.conv3, row.patch),
            ]
            costs += [
                _as_layer_cost(row.key, layer, cost)
                for layer, cost in zip(layers, stack(layers, grid, bias=bias), strict=True)
            ]
            shape = costs[-1].cost.output_shape
        elif row.type == "max pool":
            shape = pool2d(shape[0], row.patch, grid, stride=row.stride, ceil_mode=True).output_shape
        elif row.type == "inception":
            costs += inception_module(row, shape[0], grid, bias=bias, row=row.key)
            shape = (inception_out_channels(row, shape[0]), *grid)
            if aux and row.key in GOOGLENET_AUXILIARY.after:
                heads += _auxiliary_costs(GOOGLENET_AUXILIARY, row.key, shape, num_classes, bias)
        elif row.type == "avg pool":
            shape = (shape[0], 1, 1)
        elif row.type == "linear":
            costs.append(
                LayerCost(row.key, "linear", None, shape[0], linear(shape[0], num_classes, bias=bias))
            )
        elif row.type not in ("dropout", "softmax"):
            raise ValueError(f"row {row.key!r} has type {row.type!r}, which this function cannot count")
    return costs + heads


def minimum_input_size(table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1) -> int:
    """Return the smallest height and width, in pixels, for which every layer of the table has an output."""
    for size in itertools.count(1):
        try:
            googlenet(table=table, input_size=size)
        except ValueError:
            continue
        return size


class Total(NamedTuple):
    """Sums over some layers."""

    parameters: int
    macs: int
    activations: int


def total(layers: Iterable[LayerCost]) -> Total:
    """Return the sums of parameters, MACs and activations over `layers`."""
    costs = [layer.cost for layer in layers]
    return Total(
        sum(cost.parameters for cost in costs),
        sum(cost.macs for cost in costs),
        sum(cost.activations for cost in costs),
    )


def by_row(layers: Iterable[LayerCost]) -> dict[str, Total]:
    """Return the totals of each table row, in the order of first appearance."""
    rows: dict[str, list[LayerCost]] = {}
    for layer in layers:
        rows.setdefault(layer.row, []).append(layer)
    return {row: total(members) for row, members in rows.items()}


def multi_crop_count(scales: int, squares: int, crops: int, mirrored: bool = True) -> int:
    """Return how many crops of one image are classified: scales × squares × crops, times 2 if mirrored.

    Source: arXiv:1409.4842v1, section 7: 4 scales, 3 squares, 6 crops, mirrored.
    """
    numbers = (positive("scales", scales), positive("squares", squares), positive("crops", crops))
    return numbers[0] * numbers[1] * numbers[2] * (2 if mirrored else 1)
