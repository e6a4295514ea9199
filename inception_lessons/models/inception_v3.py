"""Inception v3 and the paper's Inception-v2 (Szegedy et al. 2015, arXiv:1512.00567).

`inception_v3` is the network of TF-slim, Keras, torchvision and timm. `inception_v2_rethinking` is the one
that the paper's Table 1 outlines, with widths chosen where it prints none. `PoolThenConvolve`,
`ConvolveThenPool` and `ParallelReduction` are section 5's three ways to halve a grid, built to be compared.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inception_lessons._check import fraction, positive
from inception_lessons.blocks import ConvReLU, from_imagenet_statistics
from inception_lessons.costs import (
    INCEPTION_V2_TABLE,
    INCEPTION_V3_TABLE,
    AsymmetricReductionRow,
    Figure5Row,
    Figure6Row,
    Figure7Row,
    ReductionRow,
    StemRow,
    auxiliary_after,
    inception_v3_stages,
    parallel_channels,
    scale_channels,
    scale_row,
)
from inception_lessons.models._network import Network, initialise
from inception_lessons.weights import load

Row = StemRow | Figure5Row | ReductionRow | Figure6Row | AsymmetricReductionRow | Figure7Row


class InceptionOutput(NamedTuple):
    """What the network returns in training mode with its auxiliary head; each N×num_classes, before
    softmax."""

    logits: Tensor
    aux_17: Tensor
    """From the last module on the 17×17 grid."""


def _conv(in_channels: int, out_channels: int, kernel_size: int | tuple[int, int], **options) -> ConvReLU:
    """Return a convolution, batch norm and ReLU: every convolution of these networks is followed by both."""
    return ConvReLU(in_channels, out_channels, kernel_size, batch_norm=True, **options)


class FactorizedInception(nn.Module):
    """The module with two 3×3 in place of a 5×5 (Figure 5), for the 35×35 grid.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + single + double + project.

    Args:
        row: its widths. The figure's other branch has one 3×3; every shipped v3 has a 5×5 there.
        count_include_pad: whether the average pooling counts the zeros around the map, as in torchvision; in
            TensorFlow it does not.
    """

    def __init__(self, in_channels: int, row: Figure5Row, *, count_include_pad: bool = True) -> None:
        super().__init__()
        self.out_channels = row.conv1 + row.single + row.double + row.project
        self.conv1 = _conv(in_channels, row.conv1, 1)
        self.reduce_single = _conv(in_channels, row.reduce_single, 1)
        self.single = _conv(row.reduce_single, row.single, row.kernel_size)
        self.reduce_double = _conv(in_channels, row.reduce_double, 1)
        self.double1 = _conv(row.reduce_double, row.double, 3)
        self.double2 = _conv(row.double, row.double, 3)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=count_include_pad)
        self.project = _conv(in_channels, row.project, 1)

    def forward(self, x: Tensor) -> Tensor:
        conv1 = self.conv1(x)  # N×conv1×H×W
        single = self.single(self.reduce_single(x))  # N×single×H×W
        double = self.double2(self.double1(self.reduce_double(x)))  # N×double×H×W
        pooled = self.project(self.pool(x))  # N×project×H×W
        return torch.cat([conv1, single, double, pooled], dim=1)  # N×out_channels×H×W


class ReductionInception(nn.Module):
    """The module that halves the grid with parallel branches (Figure 10), 35×35 to 17×17.

    N×in_channels×H×W → N×out_channels×(H−1)/2×(W−1)/2 for odd sizes, where out_channels = single + double +
    in_channels.
    """

    def __init__(self, in_channels: int, row: ReductionRow) -> None:
        super().__init__()
        self.out_channels = row.single + row.double + in_channels
        before, self.reduce_single = in_channels, nn.Identity()
        if row.reduce_single is not None:
            before, self.reduce_single = row.reduce_single, _conv(in_channels, row.reduce_single, 1)
        self.single = _conv(before, row.single, 3, stride=2, padding=0)
        self.reduce_double = _conv(in_channels, row.reduce_double, 1)
        self.double1 = _conv(row.reduce_double, row.double, 3)
        self.double2 = _conv(row.double, row.double, 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        single = self.single(self.reduce_single(x))  # N×single×H'×W'
        double = self.double2(self.double1(self.reduce_double(x)))  # N×double×H'×W'
        pooled = self.pool(x)  # N×in_channels×H'×W'
        return torch.cat([single, double, pooled], dim=1)  # N×out_channels×H'×W'


class AsymmetricInception(nn.Module):
    """The module with n×n factored into 1×n and n×1 (Figure 6), for the 17×17 grid.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + single + double + project. The branch
    with two pairs begins with n×1, the one with one pair with 1×n, as in TF-slim.

    Args:
        count_include_pad: as for `FactorizedInception`.
    """

    def __init__(self, in_channels: int, row: Figure6Row, *, count_include_pad: bool = True) -> None:
        super().__init__()
        self.out_channels = row.conv1 + row.single + row.double + row.project
        wide, tall, inner = (1, row.n), (row.n, 1), row.inner
        self.conv1 = _conv(in_channels, row.conv1, 1)
        self.reduce_single = _conv(in_channels, inner, 1)
        self.single_wide = _conv(inner, inner, wide)
        self.single_tall = _conv(inner, row.single, tall)
        self.reduce_double = _conv(in_channels, inner, 1)
        self.double_tall1 = _conv(inner, inner, tall)
        self.double_wide1 = _conv(inner, inner, wide)
        self.double_tall2 = _conv(inner, inner, tall)
        self.double_wide2 = _conv(inner, row.double, wide)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=count_include_pad)
        self.project = _conv(in_channels, row.project, 1)

    def forward(self, x: Tensor) -> Tensor:
        conv1 = self.conv1(x)  # N×conv1×H×W
        single = self.single_tall(self.single_wide(self.reduce_single(x)))  # N×single×H×W
        double = self.double_wide1(self.double_tall1(self.reduce_double(x)))  # N×inner×H×W
        double = self.double_wide2(self.double_tall2(double))  # N×double×H×W
        pooled = self.project(self.pool(x))  # N×project×H×W
        return torch.cat([conv1, single, double, pooled], dim=1)  # N×out_channels×H×W


class AsymmetricReduction(nn.Module):
    """The module that halves the grid with 1×n and n×1 in one branch (a variation of Figure 10), 17×17 to
    8×8.

    N×in_channels×H×W → N×out_channels×(H−1)/2×(W−1)/2 for odd sizes, where out_channels = single + double +
    in_channels.
    """

    def __init__(self, in_channels: int, row: AsymmetricReductionRow) -> None:
        super().__init__()
        self.out_channels = row.single + row.double + in_channels
        self.reduce_single = _conv(in_channels, row.reduce_single, 1)
        self.single = _conv(row.reduce_single, row.single, 3, stride=2, padding=0)
        self.reduce_double = _conv(in_channels, row.inner, 1)
        self.double_wide = _conv(row.inner, row.inner, (1, row.n))
        self.double_tall = _conv(row.inner, row.inner, (row.n, 1))
        self.double3 = _conv(row.inner, row.double, 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        single = self.single(self.reduce_single(x))  # N×single×H'×W'
        double = self.double_tall(self.double_wide(self.reduce_double(x)))  # N×inner×H×W
        double = self.double3(double)  # N×double×H'×W'
        pooled = self.pool(x)  # N×in_channels×H'×W'
        return torch.cat([single, double, pooled], dim=1)  # N×out_channels×H'×W'


class ExpandedInception(nn.Module):
    """The module with expanded outputs (Figure 7), for the 8×8 grid: 1×3 and 3×1 side by side, not in turn.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + 2·single + 2·double + project.

    Args:
        count_include_pad: as for `FactorizedInception`.
    """

    def __init__(self, in_channels: int, row: Figure7Row, *, count_include_pad: bool = True) -> None:
        super().__init__()
        self.out_channels = row.conv1 + 2 * row.single + 2 * row.double + row.project
        self.conv1 = _conv(in_channels, row.conv1, 1)
        self.reduce_single = _conv(in_channels, row.reduce_single, 1)
        self.single_wide = _conv(row.reduce_single, row.single, (1, 3))
        self.single_tall = _conv(row.reduce_single, row.single, (3, 1))
        self.reduce_double = _conv(in_channels, row.reduce_double, 1)
        self.double3 = _conv(row.reduce_double, row.double, 3)
        self.double_wide = _conv(row.double, row.double, (1, 3))
        self.double_tall = _conv(row.double, row.double, (3, 1))
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=count_include_pad)
        self.project = _conv(in_channels, row.project, 1)

    def forward(self, x: Tensor) -> Tensor:
        conv1 = self.conv1(x)  # N×conv1×H×W
        single = self.reduce_single(x)  # N×reduce_single×H×W
        single = torch.cat([self.single_wide(single), self.single_tall(single)], dim=1)  # N×2·single×H×W
        double = self.double3(self.reduce_double(x))  # N×double×H×W
        double = torch.cat([self.double_wide(double), self.double_tall(double)], dim=1)  # N×2·double×H×W
        pooled = self.project(self.pool(x))  # N×project×H×W
        return torch.cat([conv1, single, double, pooled], dim=1)  # N×out_channels×H×W


class PoolThenConvolve(nn.Sequential):
    """Halve the grid, then widen it: cheap, but a representational bottleneck (Figure 9, left).

    N×in_channels×H×W → N×out_channels×(H−1)/2×(W−1)/2 for odd sizes. Built to be compared, no network uses
    it.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.MaxPool2d(3, stride=2), _conv(in_channels, out_channels, 3))


class ConvolveThenPool(nn.Sequential):
    """Widen the map, then halve its grid: no bottleneck, but costly (Figure 9, right).

    N×in_channels×H×W → N×out_channels×(H−1)/2×(W−1)/2 for odd sizes. Built to be compared, no network uses
    it.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(_conv(in_channels, out_channels, 3), nn.MaxPool2d(3, stride=2))


class ParallelReduction(nn.Module):
    """Pool and, beside it, convolve with stride 2: cheap, without a bottleneck (Figure 10, one convolution).

    N×in_channels×H×W → N×out_channels×(H−1)/2×(W−1)/2 for odd sizes. The pooling gives `in_channels` of the
    outputs, the convolution the rest.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = _conv(in_channels, parallel_channels(in_channels, out_channels), 3, stride=2, padding=0)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), self.pool(x)], dim=1)  # N×out_channels×H'×W'


class AuxiliaryHead(nn.Module):
    """The extra classifier on the last 17×17 map, used in training only (section 4, Figure 8).

    N×in_channels×H×W → N×num_classes, of at least 17×17 positions, which inputs of at least 299 pixels give.

    Args:
        norm_hidden: put batch norm after the 5×5, which is this head's hidden dense layer: the step from
            Inception-v2 to v3 in Table 3 ("BN-auxiliary").
    """

    def __init__(
        self, in_channels: int, num_classes: int, *, width: float = 1.0, norm_hidden: bool = True
    ) -> None:
        super().__init__()
        channels, hidden = scale_channels(128, width), scale_channels(768, width)
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv = _conv(in_channels, channels, 1)
        self.hidden = ConvReLU(channels, hidden, 5, padding=0, batch_norm=norm_hidden)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < 17:
            raise ValueError(
                f"the auxiliary head needs at least 17×17 positions, got {x.shape[-2]}×{x.shape[-1]}; train "
                "on at least 299 pixels, or build with aux=False"
            )
        x = self.conv(self.pool(x))  # N×128×5×5
        x = self.average(self.hidden(x)).flatten(1)  # N×768
        return self.linear(x)  # N×num_classes


class RethinkingNetwork(Network):
    """A network of this paper's modules, from rows such as `costs.INCEPTION_V3_TABLE`.

    N×in_channels×H×W → N×num_classes logits; in training mode with the auxiliary head an `InceptionOutput`.

    The paper prints no initialisation: weights start by Xavier's rule. Batch norm follows every convolution,
    with ε 0.001, as in the shipped v3.

    Args:
        table: stem and modules, row by row.
        aux: build the auxiliary head.
        norm_hidden: as for `AuxiliaryHead`.
        dropout: fraction of features dropped before the linear layer.
        transform_input: the images are scaled by ImageNet's statistics; scale them to −1 … 1 first.
        count_include_pad: as for `FactorizedInception`.
        width: factor of every number of channels, rounded to multiples of 8.
    """

    def __init__(
        self,
        table: Sequence[Row],
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        aux: bool = True,
        norm_hidden: bool = True,
        dropout: float = 0.0,
        transform_input: bool = False,
        count_include_pad: bool = True,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        positive("num_classes", num_classes)
        head = {"width": width, "norm_hidden": norm_hidden}
        self.takes(inception_v3_stages(table, num_classes=num_classes, aux=aux, **head), in_channels)
        if transform_input and in_channels != 3:
            raise ValueError(f"transform_input needs in_channels=3 (red, green, blue), got {in_channels}")
        self.transform_input = transform_input
        self.body = nn.ModuleDict()
        self.aux = nn.ModuleDict()
        channels = in_channels
        for row in (scale_row(row, width) for row in table):
            self.body[row.key] = _body_module(row, channels, count_include_pad)
            channels = _out_channels(row, self.body[row.key], channels)
            if aux and row.key == auxiliary_after(table):
                self.aux[row.key] = AuxiliaryHead(channels, num_classes, **head)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(fraction("dropout", dropout))
        self.linear = nn.Linear(channels, num_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor | InceptionOutput:
        x = self.check_input(x)  # N×3×299×299
        if self.transform_input:
            x = from_imagenet_statistics(x)  # N×3×299×299
        aux = None
        for key, module in self.body.items():
            x = module(x)  # N×C×H×W, the row's output
            if self.training and key in self.aux:
                aux = self.aux[key](x)  # N×num_classes
        x = self.pool(x).flatten(1)  # N×2048
        logits = self.linear(self.dropout(x))  # N×num_classes
        return logits if aux is None else InceptionOutput(logits, aux)


def _body_module(row: Row, in_channels: int, count_include_pad: bool) -> nn.Module:
    if isinstance(row, StemRow) and row.type == "max pool":
        return nn.MaxPool2d(row.kernel_size, stride=row.stride, padding=row.padding)
    if isinstance(row, StemRow):
        return _conv(in_channels, row.out_channels, row.kernel_size, stride=row.stride, padding=row.padding)
    if isinstance(row, Figure5Row):
        return FactorizedInception(in_channels, row, count_include_pad=count_include_pad)
    if isinstance(row, ReductionRow):
        return ReductionInception(in_channels, row)
    if isinstance(row, Figure6Row):
        return AsymmetricInception(in_channels, row, count_include_pad=count_include_pad)
    if isinstance(row, AsymmetricReductionRow):
        return AsymmetricReduction(in_channels, row)
    return ExpandedInception(in_channels, row, count_include_pad=count_include_pad)


def _out_channels(row: Row, module: nn.Module, in_channels: int) -> int:
    if isinstance(row, StemRow):
        return in_channels if row.out_channels is None else row.out_channels
    return module.out_channels


_STEM_NAMES = {
    "1a": "Conv2d_1a_3x3",
    "2a": "Conv2d_2a_3x3",
    "2b": "Conv2d_2b_3x3",
    "3b": "Conv2d_3b_1x1",
    "4a": "Conv2d_4a_3x3",
}
_AUXILIARY_NAMES = {"conv": "conv0", "hidden": "conv1"}
_BRANCH_NAMES: dict[type[nn.Module], dict[str, str]] = {
    FactorizedInception: {
        "conv1": "branch1x1",
        "reduce_single": "branch5x5_1",
        "single": "branch5x5_2",
        "reduce_double": "branch3x3dbl_1",
        "double1": "branch3x3dbl_2",
        "double2": "branch3x3dbl_3",
        "project": "branch_pool",
    },
    ReductionInception: {
        "single": "branch3x3",
        "reduce_double": "branch3x3dbl_1",
        "double1": "branch3x3dbl_2",
        "double2": "branch3x3dbl_3",
    },
    AsymmetricInception: {
        "conv1": "branch1x1",
        "reduce_single": "branch7x7_1",
        "single_wide": "branch7x7_2",
        "single_tall": "branch7x7_3",
        "reduce_double": "branch7x7dbl_1",
        "double_tall1": "branch7x7dbl_2",
        "double_wide1": "branch7x7dbl_3",
        "double_tall2": "branch7x7dbl_4",
        "double_wide2": "branch7x7dbl_5",
        "project": "branch_pool",
    },
    AsymmetricReduction: {
        "reduce_single": "branch3x3_1",
        "single": "branch3x3_2",
        "reduce_double": "branch7x7x3_1",
        "double_wide": "branch7x7x3_2",
        "double_tall": "branch7x7x3_3",
        "double3": "branch7x7x3_4",
    },
    ExpandedInception: {
        "conv1": "branch1x1",
        "reduce_single": "branch3x3_1",
        "single_wide": "branch3x3_2a",
        "single_tall": "branch3x3_2b",
        "reduce_double": "branch3x3dbl_1",
        "double3": "branch3x3dbl_2",
        "double_wide": "branch3x3dbl_3a",
        "double_tall": "branch3x3dbl_3b",
        "project": "branch_pool",
    },
}


class InceptionV3(RethinkingNetwork):
    """Inception v3 with the rows of `costs.INCEPTION_V3_TABLE`; see `RethinkingNetwork` for the options."""

    torchvision_model = "inception_v3"

    def __init__(self, **options: object) -> None:
        super().__init__(INCEPTION_V3_TABLE, **options)

    def torchvision_names(self) -> dict[str, str]:
        names = {"linear": "fc"}
        for key, module in self.body.items():
            if key in _STEM_NAMES:
                names |= _convolution_names(f"body.{key}", _STEM_NAMES[key])
            for ours, theirs in _BRANCH_NAMES.get(type(module), {}).items():
                names |= _convolution_names(f"body.{key}.{ours}", f"Mixed_{key}.{theirs}")
        for key in self.aux:
            names[f"aux.{key}.linear"] = "AuxLogits.fc"
            for ours, theirs in _AUXILIARY_NAMES.items():
                names |= _convolution_names(f"aux.{key}.{ours}", f"AuxLogits.{theirs}")
        return names


def _convolution_names(ours: str, theirs: str) -> dict[str, str]:
    """Return the two layers with weights of a `ConvReLU`, and torchvision's names for them."""
    return {f"{ours}.0": f"{theirs}.conv", f"{ours}.1": f"{theirs}.bn"}


def inception_v3(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    aux: bool = True,
    dropout: float = 0.5,
    transform_input: bool | None = None,
    count_include_pad: bool = True,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> InceptionV3:
    """Return Inception v3 as TF-slim, Keras, torchvision and timm build it: N×3×299×299 → N×1000.

    23,834,568 parameters without and 27,161,264 with the auxiliary head. It is not quite the network of the
    paper's Table 1: a 1×1 with 80 channels stands where the table has a 3×3, and a pooling for a stride; no
    convolution gives 288 channels; there are four modules on 17×17, not five; and each module on 35×35 keeps
    a true 5×5.

    The paper prints no dropout; 0.5 is torchvision's, TF-slim drops 0.2. `count_include_pad=False` averages
    as TensorFlow does. See `RethinkingNetwork` for the other options.

    Args:
        transform_input: None is False without weights and True with them.
        weights: "DEFAULT" or "IMAGENET1K_V1" for torchvision's, trained on ImageNet; see `weights.load`.

    Raises:
        ValueError: a number out of its range, or weights that do not fit the options.
        WeightsError: the weights could not be had.
    """
    net = InceptionV3(
        num_classes=num_classes,
        in_channels=in_channels,
        aux=aux,
        dropout=dropout,
        transform_input=bool(transform_input),
        count_include_pad=count_include_pad,
        width=width,
    )
    load(net, weights)
    if transform_input is not None:
        net.transform_input = transform_input
    return net


def inception_v2_rethinking(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    aux: bool = True,
    dropout: float = 0.0,
    width: float = 1.0,
) -> RethinkingNetwork:
    """Return the Inception-v2 of this paper's Table 1: N×3×299×299 → N×1000.

    The sizes of every row are as printed. The widths inside the modules are not printed;
    `costs.INCEPTION_V2_TABLE` says which ones are chosen, and why. Table 1 lists no dropout, so there is none
    by default. Average pooling leaves the padding out, as in TensorFlow, which the paper used. The auxiliary
    head is v3's without the batch norm that Table 3 adds last.

    The name Inception-v2 also stands for the network of arXiv:1502.03167, which is `bn_inception` here.
    """
    return RethinkingNetwork(
        INCEPTION_V2_TABLE,
        num_classes=num_classes,
        in_channels=in_channels,
        aux=aux,
        norm_hidden=False,
        dropout=dropout,
        count_include_pad=False,
        width=width,
    )


LESSON_V3_TABLE: tuple[Row, ...] = (
    #       key   type           k  /s p  channels
    StemRow("1a", "convolution", 3, 2, 1, 16),
    StemRow("2a", "convolution", 3, 1, 1, 24),
    #          key   1×1 1sr k  1s  2sr 2s  proj
    Figure5Row("5b", 16, 8,  5, 16, 12, 16, 8),
    #            key   1sr   1s  2sr 2s
    ReductionRow("6a", None, 24, 16, 24),
    #          key   1×1 n  inner 1s  2s  proj
    Figure6Row("6b", 24, 5, 16,   24, 24, 24),
    #                      key   1sr 1s  n  inner 2s
    AsymmetricReductionRow("7a", 24, 32, 5, 24,   32),
    #          key   1×1 1sr 1s  2sr 2s  proj
    Figure7Row("7b", 24, 24, 24, 16, 24, 24),
)  # fmt: skip
"""The lesson size of v3: a stem of two convolutions and one module of each kind, in v3's order.

n is 5 and not 7, because the grid in the middle has 6×6 positions for a 28×28 image."""

LESSON_V2_TABLE: tuple[Row, ...] = (
    #       key   type           k  /s p  channels
    StemRow("1a", "convolution", 3, 2, 1, 16),
    StemRow("2a", "convolution", 3, 1, 1, 24),
    #          key   1×1 1sr k  1s  2sr 2s  proj
    Figure5Row("5b", 16, 8,  3, 16, 12, 16, 8),
    #            key   1sr   1s  2sr 2s
    ReductionRow("6a", None, 24, 16, 24),
    #          key   1×1 n  inner 1s  2s  proj
    Figure6Row("6b", 24, 5, 16,   24, 24, 24),
    Figure6Row("6c", 24, 5, 16,   24, 24, 24),
    #                      key   1sr 1s  n  inner 2s
    AsymmetricReductionRow("7a", 24, 32, 5, 24,   32),
    #          key   1×1 1sr 1s  2sr 2s  proj
    Figure7Row("7b", 24, 24, 24, 16, 24, 24),
)  # fmt: skip
"""The lesson size of the paper's v2: as that of v3, with a 3×3 for the 5×5 and one module more in the
middle."""


def _lesson(table: Sequence[Row], num_classes: int, in_channels: int) -> RethinkingNetwork:
    return RethinkingNetwork(
        table, num_classes=num_classes, in_channels=in_channels, aux=False, count_include_pad=False
    )


def inception_v2_lesson(*, num_classes: int = 10, in_channels: int = 1) -> RethinkingNetwork:
    """Return a small network of `LESSON_V2_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    It has no auxiliary head and no dropout.
    """
    return _lesson(LESSON_V2_TABLE, num_classes, in_channels)


def inception_v3_lesson(*, num_classes: int = 10, in_channels: int = 1) -> RethinkingNetwork:
    """Return a small network of `LESSON_V3_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    It has no auxiliary head and no dropout.
    """
    return _lesson(LESSON_V3_TABLE, num_classes, in_channels)
