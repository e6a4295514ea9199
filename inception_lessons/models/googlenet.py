"""GoogLeNet, the first Inception network (Szegedy et al. 2014, arXiv:1409.4842v1).

`googlenet` builds the network from the paper's own table, or the variant of it whose weights torchvision
ships. `googlenet_lesson` is the same idea at a size that two CPU cores train in less than a minute.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inception_lessons._check import fraction, positive
from inception_lessons.blocks import (
    ConvReLU,
    LocalResponseNorm,
    SeparableStem,
    from_imagenet_statistics,
)
from inception_lessons.costs import (
    GOOGLENET_VARIANTS,
    googlenet_choice,
    googlenet_heads,
    googlenet_rows,
    googlenet_stages,
    inception_out_channels,
    pool_output_size,
)
from inception_lessons.models._network import Network, initialise
from inception_lessons.papers import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_MODULES,
    GOOGLENET_TABLE_1,
    AuxiliaryHeads,
    GoogLeNetRow,
    InceptionWidths,
)
from inception_lessons.weights import load


class GoogLeNetOutput(NamedTuple):
    """What the network returns in training mode with its auxiliary heads; each N×num_classes, before
    softmax."""

    logits: Tensor
    aux_4a: Tensor
    aux_4d: Tensor


class Inception(nn.Module):
    """The Inception module with dimension reduction (Figure 2b): four branches side by side, joined along
    channels.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + conv3 + conv5 + project.

    Args:
        widths: the module's six numbers, a row of Table 1 or your own `InceptionWidths`.
        kernel5: kernel of the branch called 5×5; torchvision's network has 3.
    """

    def __init__(
        self,
        in_channels: int,
        widths: InceptionWidths | GoogLeNetRow,
        *,
        batch_norm: bool = False,
        kernel5: int = 5,
    ) -> None:
        super().__init__()
        self.out_channels = inception_out_channels(widths, in_channels)
        w = widths
        self.conv1 = ConvReLU(in_channels, w.conv1, 1, batch_norm=batch_norm)
        self.reduce3 = ConvReLU(in_channels, w.reduce3, 1, batch_norm=batch_norm)
        self.conv3 = ConvReLU(w.reduce3, w.conv3, 3, batch_norm=batch_norm)
        self.reduce5 = ConvReLU(in_channels, w.reduce5, 1, batch_norm=batch_norm)
        self.conv5 = ConvReLU(w.reduce5, w.conv5, kernel5, batch_norm=batch_norm)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.project = ConvReLU(in_channels, w.project, 1, batch_norm=batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        conv1 = self.conv1(x)  # N×conv1×H×W
        conv3 = self.conv3(self.reduce3(x))  # N×conv3×H×W
        conv5 = self.conv5(self.reduce5(x))  # N×conv5×H×W
        pooled = self.project(self.pool(x))  # N×project×H×W
        return torch.cat([conv1, conv3, conv5, pooled], dim=1)  # N×out_channels×H×W


class NaiveInception(nn.Module):
    """The Inception module before dimension reduction (Figure 2a): built to be compared, no network uses it.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + conv3 + conv5 + in_channels.
    """

    def __init__(
        self, in_channels: int, widths: InceptionWidths | GoogLeNetRow, *, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.out_channels = inception_out_channels(widths, in_channels, kind="naive")
        self.conv1 = ConvReLU(in_channels, widths.conv1, 1, batch_norm=batch_norm)
        self.conv3 = ConvReLU(in_channels, widths.conv3, 3, batch_norm=batch_norm)
        self.conv5 = ConvReLU(in_channels, widths.conv5, 5, batch_norm=batch_norm)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.conv1(x), self.conv3(x), self.conv5(x), self.pool(x)], dim=1
        )  # N×out_channels×H×W


class AuxiliaryHead(nn.Module):
    """A small classifier on an inner feature map, used in training only (section 5).

    N×in_channels×14×14 → N×num_classes. The dense layer fixes the grid: 14 to 16 positions a side, which the
    network's inputs from 223 to 270 pixels give. With `adaptive` any grid is pooled to 4×4.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        head: AuxiliaryHeads = GOOGLENET_AUXILIARY,
        *,
        batch_norm: bool = False,
        adaptive: bool = False,
    ) -> None:
        super().__init__()
        self.grid = pool_output_size(14, head.pool_size, head.pool_stride)
        windows = nn.AvgPool2d(head.pool_size, stride=head.pool_stride)
        self.pool = nn.AdaptiveAvgPool2d(self.grid) if adaptive else windows
        self.conv = ConvReLU(in_channels, head.conv1, 1, batch_norm=batch_norm)
        self.hidden = nn.Linear(head.conv1 * self.grid**2, head.hidden)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(head.dropout)
        self.linear = nn.Linear(head.hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)  # N×C×4×4
        if x.shape[-2:] != (self.grid, self.grid):
            raise ValueError(
                f"the auxiliary heads need {self.grid}×{self.grid} positions after their pooling, got "
                f"{x.shape[-2]}×{x.shape[-1]}; train on 223 to 270 pixels (the paper: 224), or build with "
                f"aux=False"
            )
        x = self.conv(x).flatten(1)  # N×2048
        x = self.dropout(self.relu(self.hidden(x)))  # N×1024
        return self.linear(x)  # N×num_classes


class GoogLeNet(Network):
    """GoogLeNet as its Table 1 lists it: stem, body of nine Inception modules, head.

    N×in_channels×H×W → N×num_classes logits; in training mode with auxiliary heads a `GoogLeNetOutput`.

    Where the paper is silent: pooling grids are rounded up (`ceil_mode`), as the printed 112, 56, 28, 14, 7
    demand. Local response normalisation (Figure 3: after the row `pool1` and before `pool2`; a table without
    these rows has none) takes the numbers of Caffe's reimplementation: 5 channels, α 1e-4 divided by 5,
    β 0.75, k 1. The paper prints no initialisation either: weights start by Xavier's rule and biases of
    convolutions at 0.2, as in Caffe's (whose filler named xavier looks at the inputs alone).

    Args:
        table: rows of Table 1, or your own in the same form.
        variant: "paper", or "torchvision": batch norm, a 3×3 in the branch called 5×5, a fourth max pooling
            of 2×2, heads that pool any grid to 4×4, dropout of 0.2 (`costs.GOOGLENET_VARIANTS`). An option
            below that is None is as the variant has it.
        stem: "dense" (7×7 as printed) or "separable" (the one whose cost is printed).
        batch_norm: put batch norm after every convolution and leave out biases and local response
            normalisation.
        kernel5: kernel of the branch called 5×5. In the variant "torchvision" it may be 5: with
            torchvision's 3×3 kernels in the middle of zeros, the outputs are the same.
        aux: build the auxiliary heads.
        dropout: fraction of features dropped before the linear layer.
        transform_input: first put images that are normalised by ImageNet's mean and standard deviation back
            on the range −1 to 1, for which torchvision's weights were trained. Variant "torchvision" only.
        width: factor of all numbers of channels but the input's, see `costs.scale_channels`.

    Raises:
        ValueError: an option that the variant does not allow, or a number out of its range.
    """

    torchvision_model = "googlenet"

    def __init__(
        self,
        table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
        *,
        in_channels: int = 3,
        num_classes: int = 1000,
        variant: str = "paper",
        stem: str = "dense",
        batch_norm: bool | None = None,
        kernel5: int | None = None,
        aux: bool = True,
        dropout: float | None = None,
        transform_input: bool = False,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        positive("num_classes", num_classes)
        kernel5 = googlenet_choice(variant, "kernel5", kernel5)
        batch_norm = googlenet_choice(variant, "norm", batch_norm, name="batch_norm")
        stages = googlenet_stages(
            table,
            in_channels=positive("in_channels", in_channels),
            num_classes=num_classes,
            variant=variant,
            stem=stem,
            kernel5=kernel5,
            aux=aux,
            width=width,
        )
        self.takes(stages, in_channels)
        self.variant, self.width = variant, width
        self.transform_input = googlenet_choice(variant, "transform_input", transform_input)
        if transform_input and in_channels != 3:
            raise ValueError(f"transform_input=True needs in_channels=3, got {in_channels}; leave it out")
        dropout = GOOGLENET_VARIANTS[variant].dropout if dropout is None else dropout
        self.body = nn.ModuleDict()
        self.aux = nn.ModuleDict()
        channels = in_channels
        for row in googlenet_rows(table, variant=variant, width=width):
            if row.type in ("avg pool", "dropout", "linear", "softmax"):
                continue
            self.body[row.key] = _body_module(
                row, channels, stem=stem, batch_norm=batch_norm, kernel5=kernel5
            )
            channels = row.channels if row.type != "inception" else self.body[row.key].out_channels
            if aux and row.key in GOOGLENET_AUXILIARY.after:
                self.aux[row.key] = AuxiliaryHead(
                    channels,
                    num_classes,
                    googlenet_heads(width),
                    batch_norm=batch_norm,
                    adaptive=GOOGLENET_VARIANTS[variant].adaptive_heads,
                )
        if aux and tuple(self.aux) != GOOGLENET_AUXILIARY.after:
            missing = [key for key in GOOGLENET_AUXILIARY.after if key not in self.aux]
            raise ValueError(f"aux=True needs the table's rows {', '.join(missing)}; build with aux=False")
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(fraction("dropout", dropout))
        self.linear = nn.Linear(channels, num_classes)
        initialise(self, conv_bias=0.2)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutput:
        x = self.check_input(x)
        if self.transform_input:
            x = from_imagenet_statistics(x)  # N×3×H×W
        aux = {}
        for key, module in self.body.items():
            x = module(x)  # N×C×H×W, the row's output in Table 1
            if self.training and key in self.aux:
                aux[f"aux_{key}"] = self.aux[key](x)  # N×num_classes
        x = self.pool(x).flatten(1)  # N×1024
        logits = self.linear(self.dropout(x))  # N×num_classes
        return GoogLeNetOutput(logits, **aux) if aux else logits

    def torchvision_names(self) -> dict[str, str]:
        """Return, for the path of each layer with weights, its path in torchvision's network.

        torchvision's `aux1` is the head on 4a and its `aux2` the one on 4d. With `kernel5=5` the weights of
        each `body.*.conv5.0` are 5×5 and torchvision's 3×3: a rim of zeros makes one of the other.

        Raises:
            ValueError: not the variant "torchvision", or another width.
        """
        if self.variant != "torchvision" or self.width != 1:
            raise ValueError(
                f"torchvision has no GoogLeNet of variant {self.variant!r} and width {self.width}; build "
                f"with variant='torchvision' and width=1"
            )
        units = {f"body.{ours}": theirs for ours, theirs in _TORCHVISION_STEM.items()}
        for key in GOOGLENET_MODULES:
            for ours, theirs in _TORCHVISION_BRANCHES.items():
                units[f"body.{key}.{ours}"] = f"inception{key}.{theirs}"
        layers = {"linear": "fc"}
        for key, head in zip(self.aux, ("aux1", "aux2"), strict=False):
            units[f"aux.{key}.conv"] = f"{head}.conv"
            layers |= {f"aux.{key}.hidden": f"{head}.fc1", f"aux.{key}.linear": f"{head}.fc2"}
        for ours, theirs in units.items():
            layers |= {f"{ours}.0": f"{theirs}.conv", f"{ours}.1": f"{theirs}.bn"}
        return layers


_TORCHVISION_STEM = {"conv1": "conv1", "conv2.0": "conv2", "conv2.1": "conv3"}

_TORCHVISION_BRANCHES = {
    "conv1": "branch1",
    "reduce3": "branch2.0",
    "conv3": "branch2.1",
    "reduce5": "branch3.0",
    "conv5": "branch3.1",
    "project": "branch4.1",
}


def _body_module(
    row: GoogLeNetRow, in_channels: int, *, stem: str, batch_norm: bool, kernel5: int
) -> nn.Module:
    """Return the module of one table row: stem convolution, pooling or Inception module."""
    norm = [] if batch_norm else [LocalResponseNorm(5, alpha=1e-4, beta=0.75)]
    if row.type == "inception":
        return Inception(in_channels, row, batch_norm=batch_norm, kernel5=kernel5)
    if row.type == "max pool":
        pool = nn.MaxPool2d(row.patch, stride=row.stride, ceil_mode=True)
        # Figure 3 normalises twice: after the first pooling and before the second.
        return (
            nn.Sequential(pool, *norm)
            if row.key == "pool1"
            else nn.Sequential(*norm, pool)
            if row.key == "pool2"
            else pool
        )
    if row.type == "convolution" and row.conv3 is not None:
        return nn.Sequential(
            ConvReLU(in_channels, row.reduce3, 1, batch_norm=batch_norm),
            ConvReLU(row.reduce3, row.conv3, row.patch, batch_norm=batch_norm),
        )
    if row.type == "convolution":
        first = ConvReLU if stem == "dense" else SeparableStem
        return first(in_channels, row.channels, row.patch, stride=row.stride, batch_norm=batch_norm)
    raise ValueError(f"row {row.key!r} has type {row.type!r}; expected convolution, max pool or inception")


def googlenet(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    variant: str | None = None,
    stem: str = "dense",
    batch_norm: bool | None = None,
    kernel5: int | None = None,
    aux: bool | None = None,
    dropout: float | None = None,
    transform_input: bool | None = None,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> GoogLeNet:
    """Return GoogLeNet as printed in 2014: biases, local response normalisation, true 5×5 convolutions.

    N×3×224×224 → N×1000. 6,998,552 parameters without and 13,378,280 with the auxiliary heads; in the variant
    "torchvision" 6,624,904 and 13,004,888. See `GoogLeNet` for the other options.

    Args:
        variant: None is "paper" without weights and "torchvision" with them.
        aux: build the auxiliary heads; None builds them without weights, and not with them, because those in
            torchvision's file were never trained.
        transform_input: None is False without weights and True with them.
        weights: "DEFAULT" or "IMAGENET1K_V1" for torchvision's, trained on ImageNet; see `weights.load`.

    Raises:
        ValueError: an option that the variant does not allow, or weights that do not fit the options.
        WeightsError: the weights could not be had.
    """
    if variant is None:
        variant = "paper" if weights is None else "torchvision"
    net = GoogLeNet(
        num_classes=num_classes,
        in_channels=in_channels,
        variant=variant,
        stem=stem,
        batch_norm=batch_norm,
        kernel5=kernel5,
        aux=weights is None if aux is None else aux,
        dropout=dropout,
        transform_input=bool(transform_input),
        width=width,
    )
    load(net, weights)
    if transform_input is not None:
        net.transform_input = transform_input
    return net


_ = None
_Row = GoogLeNetRow

LESSON_TABLE: tuple[GoogLeNetRow, ...] = (
    #    key        type           k  /s output         d  1×1 3r  3×3 5r 5×5 proj
    _Row("conv1",   "convolution", 3, 2, (14, 14, 16),  1, _,  _,  _,  _, _,  _,  _, _),
    _Row("3a",      "inception",   _, _, (14, 14, 56),  2, 16, 16, 24, 8, 8,  8,  _, _),
    _Row("pool3",   "max pool",    3, 2, (7, 7, 56),    0, _,  _,  _,  _, _,  _,  _, _),
    _Row("4a",      "inception",   _, _, (7, 7, 64),    2, 16, 24, 32, 8, 8,  8,  _, _),
    _Row("4b",      "inception",   _, _, (7, 7, 96),    2, 24, 24, 40, 8, 16, 16, _, _),
    _Row("4c",      "inception",   _, _, (7, 7, 112),   2, 32, 32, 48, 8, 16, 16, _, _),
    _Row("avgpool", "avg pool",    7, 1, (1, 1, 112),   0, _,  _,  _,  _, _,  _,  _, _),
    _Row("linear",  "linear",      _, _, (1, 1, 10),    1, _,  _,  _,  _, _,  _,  _, _),
)  # fmt: skip
"""The lesson-size network in the form of Table 1: same modules, four of them, batch norm, 28×28 images."""


def googlenet_lesson(*, num_classes: int = 10, in_channels: int = 1) -> GoogLeNet:
    """Return a small Inception network of `LESSON_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    Unlike the network of 2014 it has batch norm, no local response normalisation, no auxiliary heads and no
    dropout.
    """
    return GoogLeNet(
        LESSON_TABLE,
        num_classes=num_classes,
        in_channels=in_channels,
        batch_norm=True,
        aux=False,
        dropout=0.0,
    )
