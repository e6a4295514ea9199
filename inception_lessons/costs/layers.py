"""Sizes and costs of single layers."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from inception_lessons._check import members, non_negative, one_of, pair, positive

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
        TypeError: an entry is no list, or something in it is no integer.
    """
    size, jump = 1, 1
    for position, entry in enumerate(members("layers", layers)):
        layer = members(f"layers[{position}]", entry)
        if len(layer) not in (2, 3):
            raise ValueError(f"layers[{position}] must be (kernel_size, stride[, dilation]), got {layer!r}")
        kernel, stride = positive("kernel_size", layer[0]), positive("stride", layer[1])
        dilation = positive("dilation", layer[2]) if len(layer) == 3 else 1
        size += dilation * (kernel - 1) * jump
        jump *= stride
    return ReceptiveField(size, jump)
