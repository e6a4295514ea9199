"""Modules that two or more networks use."""

import torch
from torch import nn

from inception_lessons._check import buildable, instance, pair, positive, size
from inception_lessons.costs import Pair, separable_stem
from inception_lessons.papers import ALEXNET_NORM


class ConvReLU(nn.Sequential):
    """Convolution and ReLU, with batch norm between them on request (the bias then goes: the norm has its
    own).

    N×in_channels×H×W → N×out_channels×H'×W'. With stride 1, an odd kernel and no padding given, the output
    keeps the grid of the input.

    Args:
        kernel_size: one number or (height, width).
        padding: one number or (height, width); half the kernel if not given.

    Raises:
        ValueError: a number below 1, a padding below 0, or more than 10¹⁰ parameters.
        TypeError: something that is no integer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        *,
        stride: int = 1,
        padding: Pair | None = None,
        batch_norm: bool = False,
    ) -> None:
        height, width = pair("kernel_size", kernel_size)
        inputs, outputs = positive("in_channels", in_channels), positive("out_channels", out_channels)
        buildable(inputs * outputs * height * width, "in_channels, out_channels or kernel_size")
        strides = pair("stride", stride)
        conv = nn.Conv2d(
            inputs,
            outputs,
            (height, width),
            stride=(size("stride", strides[0]), size("stride", strides[1])),
            padding=(height // 2, width // 2) if padding is None else pair("padding", padding, 0),
            bias=not batch_norm,
        )
        norm = [nn.BatchNorm2d(out_channels, eps=1e-3)] if batch_norm else []
        super().__init__(conv, *norm, nn.ReLU(inplace=True))


class LocalResponseNorm(nn.LocalResponseNorm):
    """torch's local response normalisation, N×C×H×W, written as a sum of shifted maps.

    On CPUs torch's own goes through a three-dimensional pooling; this takes a third of its time, forward and
    backward, on the first maps of `models.alexnet_lesson`. Half precision is computed in float32.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _response_norm(x, self.size, self.alpha, self.beta, self.k)


@torch.fx.wrap
def _response_norm(x: torch.Tensor, size: int, alpha: float, beta: float, k: float) -> torch.Tensor:
    wide = x.float() if x.dtype.itemsize < 4 else x
    squares = nn.functional.pad(wide.square(), (0, 0, 0, 0, size // 2, (size - 1) // 2))
    sums = squares[:, : x.shape[1]]
    for shift in range(1, size):
        sums = sums + squares[:, shift : shift + x.shape[1]]
    return (wide * (k + alpha / size * sums).pow(-beta)).to(x.dtype)  # N×C×H×W


def response_norm() -> LocalResponseNorm:
    """Return local response normalisation with AlexNet's constants: k 2, n 5, α 1e-4, β 0.75 (section 3.3).

    The paper multiplies the sum of n squares by α. torch, as Caffe, divides α by n first, and so is given
    n·α: the same function as printed.
    """
    k, n, alpha, beta = ALEXNET_NORM
    return LocalResponseNorm(n, alpha=n * alpha, beta=beta, k=k)


class SeparableStem(nn.Sequential):
    """A large convolution factored into 8 filters per input channel and a 1×1: the first layer of
    BN-Inception (arXiv:1502.03167, appendix), and the one whose cost GoogLeNet's Table 1 prints.

    N×in_channels×H×W → N×out_channels×H/2×W/2. The depthwise half has no bias and no ReLU: the 1×1 follows
    directly.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int, batch_norm: bool
    ) -> None:
        depthwise, _ = separable_stem(in_channels, out_channels, positive("kernel_size", kernel_size))
        buildable(
            depthwise.out_channels * (kernel_size**2 + out_channels), "the numbers of channels or the kernel"
        )
        super().__init__(
            nn.Conv2d(
                in_channels,
                depthwise.out_channels,
                kernel_size,
                stride=size("stride", stride),
                padding=kernel_size // 2,
                groups=depthwise.groups,
                bias=False,
            ),
            ConvReLU(depthwise.out_channels, out_channels, 1, batch_norm=batch_norm),
        )


_IMAGENET_STATISTICS = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
"""Mean and standard deviation of red, green and blue by which torchvision's transforms normalise."""


def from_imagenet_statistics(x: torch.Tensor) -> torch.Tensor:
    """Return images that are normalised by ImageNet's statistics, N×3×H×W, on the range −1 to 1 instead.

    Weights that come from TensorFlow expect it (`transform_input` in torchvision).

    Raises:
        TypeError: `x` is no tensor.
        ValueError: `x` has another shape.
    """
    if instance("x", x, torch.Tensor).dim() != 4 or x.shape[1] != len(_IMAGENET_STATISTICS):
        raise ValueError(f"x must have the shape N×3×H×W, got {tuple(x.shape)}")
    channels = [
        x[:, c : c + 1] * (deviation / 0.5) + (mean - 0.5) / 0.5
        for c, (mean, deviation) in enumerate(_IMAGENET_STATISTICS)
    ]
    return torch.cat(channels, dim=1)  # N×3×H×W
