"""Modules that two or more networks use."""

import torch
from torch import nn

from inception_lessons._check import pair, positive
from inception_lessons.costs import Pair


class ConvReLU(nn.Sequential):
    """Convolution and ReLU, with batch norm between them on request (the bias then goes: the norm has its
    own).

    N×in_channels×H×W → N×out_channels×H'×W'. With stride 1, an odd kernel and no padding given, the output
    keeps the grid of the input.

    Args:
        kernel_size: one number or (height, width).
        padding: one number or (height, width); half the kernel if not given.
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
        conv = nn.Conv2d(
            positive("in_channels", in_channels),
            positive("out_channels", out_channels),
            (height, width),
            stride=stride,
            padding=(height // 2, width // 2) if padding is None else pair("padding", padding, 0),
            bias=not batch_norm,
        )
        norm = [nn.BatchNorm2d(out_channels, eps=1e-3)] if batch_norm else []
        super().__init__(conv, *norm, nn.ReLU(inplace=True))


class LocalResponseNorm(nn.LocalResponseNorm):
    """torch's local response normalisation, in float32 where the CPU has no kernel for half precision."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.float()).to(x.dtype) if x.dtype.itemsize < 4 else super().forward(x)
