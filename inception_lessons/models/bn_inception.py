"""BN-Inception (Ioffe and Szegedy 2015, arXiv:1502.03167): Inception with batch norm, two 3×3 for each 5×5.

`bn_inception` builds the network of the paper's Figure 5, the one that later papers call Inception-v2.
`bn_inception_lesson` is the same idea at the size of Fashion-MNIST's images.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inception_lessons._check import positive
from inception_lessons.blocks import ConvReLU, SeparableStem
from inception_lessons.costs import (
    bn_inception_rows,
    bn_inception_stages,
    double_inception_channels,
)
from inception_lessons.models._network import Network, initialise
from inception_lessons.papers import PASS_THROUGH, BNInceptionRow


class InceptionDouble3(nn.Module):
    """The Inception module of 2015: two 3×3 in the place of the 5×5, the pooling average or max.

    N×in_channels×H×W → N×out_channels×H×W, where out_channels = conv1 + conv3 + double + project.

    Where the paper is silent: an average at the edge of the map is that of the positions inside it, as in the
    released TensorFlow code.

    Args:
        row: a module of Figure 5 with stride 1, or your own row.
    """

    def __init__(self, in_channels: int, row: BNInceptionRow, *, batch_norm: bool = True) -> None:
        super().__init__()
        self.out_channels = double_inception_channels(row, in_channels)
        self.conv1 = ConvReLU(in_channels, row.conv1, 1, batch_norm=batch_norm)
        self.reduce3 = ConvReLU(in_channels, row.reduce3, 1, batch_norm=batch_norm)
        self.conv3 = ConvReLU(row.reduce3, row.conv3, 3, batch_norm=batch_norm)
        self.reduce_double = ConvReLU(in_channels, row.reduce_double, 1, batch_norm=batch_norm)
        self.double1 = ConvReLU(row.reduce_double, row.double, 3, batch_norm=batch_norm)
        self.double2 = ConvReLU(row.double, row.double, 3, batch_norm=batch_norm)
        average = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.pool = average if row.pool == "avg" else nn.MaxPool2d(3, stride=1, padding=1)
        self.project = ConvReLU(in_channels, row.project, 1, batch_norm=batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        conv1 = self.conv1(x)  # N×conv1×H×W
        conv3 = self.conv3(self.reduce3(x))  # N×conv3×H×W
        double = self.double2(self.double1(self.reduce_double(x)))  # N×double×H×W
        pooled = self.project(self.pool(x))  # N×project×H×W
        return torch.cat([conv1, conv3, double, pooled], dim=1)  # N×out_channels×H×W


class ReductionDouble3(nn.Module):
    """The module that halves the grid (3c and 4e): no 1×1 branch, and a max pooling that is passed through.

    N×in_channels×H×W → N×out_channels×⌈H/2⌉×⌈W/2⌉, where out_channels = conv3 + double + in_channels.

    Where the paper is silent: convolutions and pooling are padded by 1, so that their grids agree for every
    size and their windows have the same centres.

    Args:
        row: a module of Figure 5 with stride 2, or your own row.
    """

    def __init__(self, in_channels: int, row: BNInceptionRow, *, batch_norm: bool = True) -> None:
        super().__init__()
        self.out_channels = double_inception_channels(row, in_channels)
        self.reduce3 = ConvReLU(in_channels, row.reduce3, 1, batch_norm=batch_norm)
        self.conv3 = ConvReLU(row.reduce3, row.conv3, 3, stride=2, batch_norm=batch_norm)
        self.reduce_double = ConvReLU(in_channels, row.reduce_double, 1, batch_norm=batch_norm)
        self.double1 = ConvReLU(row.reduce_double, row.double, 3, batch_norm=batch_norm)
        self.double2 = ConvReLU(row.double, row.double, 3, stride=2, batch_norm=batch_norm)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        conv3 = self.conv3(self.reduce3(x))  # N×conv3×H/2×W/2
        double = self.double2(self.double1(self.reduce_double(x)))  # N×double×H/2×W/2
        pooled = self.pool(x)  # N×in_channels×H/2×W/2
        return torch.cat([conv3, double, pooled], dim=1)  # N×out_channels×H/2×W/2


class BNInception(Network):
    """BN-Inception as its Figure 5 lists it: stem, body of ten modules, head.

    N×in_channels×H×W → N×num_classes logits. There are no auxiliary heads, since the paper mentions none, and
    no dropout, which it removes.

    Where the paper is silent: the stem's pooling grids are rounded up, as in GoogLeNet; batch norm has
    ε 0.001, as in the released code, and learns both scale and shift, as in section 3 of the paper; weights
    start by Xavier's rule.

    Args:
        table: "released" (Figure 5, the 1×1 after the pooling in 4c and 4d as in the released code),
            "printed" (Figure 5, where the two rows have 32 channels more than they print as their sum), or
            your own rows in the same form.
        stem: "dense" (the 7×7 of the figure) or "separable" (8 filters per channel and a 1×1, as the text
            below the figure has it).
        batch_norm: put batch norm after every convolution, in place of a bias. Without it, these are the
            layers that the paper compares with; its "Inception" also has local response normalisation and
            40 % dropout.
        width: factor of all numbers of channels but the input's, see `costs.scale_channels`.

    Raises:
        ValueError: an unknown table or stem, a row that is no row of such a network, or a number out of its
            range.
    """

    def __init__(
        self,
        table: str | Sequence[BNInceptionRow] = "released",
        *,
        in_channels: int = 3,
        num_classes: int = 1000,
        stem: str = "dense",
        batch_norm: bool = True,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        positive("num_classes", num_classes)
        options = {"in_channels": positive("in_channels", in_channels), "num_classes": num_classes}
        self.takes(bn_inception_stages(table, stem=stem, width=width, **options), in_channels)
        self.body = nn.ModuleDict()
        channels = in_channels
        for row in bn_inception_rows(table, width=width):
            if row.type == "avg pool":
                continue
            self.body[row.key] = _body_module(row, channels, stem=stem, batch_norm=batch_norm)
            if row.type == "convolution":
                channels = row.channels
            elif row.type == "inception":
                channels = self.body[row.key].out_channels
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(channels, num_classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)
        for module in self.body.values():
            x = module(x)  # N×C×H×W, the row's output
        x = self.pool(x).flatten(1)  # N×1024
        return self.linear(x)  # N×num_classes


def _body_module(row: BNInceptionRow, in_channels: int, *, stem: str, batch_norm: bool) -> nn.Module:
    """Return the module of one row of the table: stem convolution, pooling or Inception module."""
    if row.type == "inception":
        module = ReductionDouble3 if row.stride == 2 else InceptionDouble3
        return module(in_channels, row, batch_norm=batch_norm)
    if row.type == "max pool":
        return nn.MaxPool2d(row.patch, stride=row.stride, ceil_mode=True)
    if row.conv3 is not None:
        return nn.Sequential(
            ConvReLU(in_channels, row.reduce3, 1, batch_norm=batch_norm),
            ConvReLU(row.reduce3, row.conv3, row.patch, batch_norm=batch_norm),
        )
    first = ConvReLU if stem == "dense" else SeparableStem
    return first(in_channels, row.channels, row.patch, stride=row.stride, batch_norm=batch_norm)


def bn_inception(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    table: str = "released",
    stem: str = "dense",
    batch_norm: bool = True,
    width: float = 1.0,
) -> BNInception:
    """Return BN-Inception of 2015, with the two inconsistent rows of its Figure 5 as in the released code.

    N×3×224×224 → N×1000. 11,194,984 parameters with the dense stem, 11,188,288 with the separable one that
    the paper's text describes, 11,285,224 with the dense stem and the rows as printed. See `BNInception` for
    the options.
    """
    return BNInception(
        table,
        num_classes=num_classes,
        in_channels=in_channels,
        stem=stem,
        batch_norm=batch_norm,
        width=width,
    )


_ = None
_Row = BNInceptionRow

LESSON_TABLE: tuple[BNInceptionRow, ...] = (
    #    key        type           k  /s output         d  1×1 3r  3×3 dr  dbl pool   proj
    _Row("conv1",   "convolution", 3, 2, (14, 14, 16),  1, _,  _,  _,  _,  _,  _,     _),
    _Row("3a",      "inception",   _, _, (14, 14, 56),  3, 16, 16, 16, 8,  16, "avg", 8),
    _Row("3b",      "inception",   _, 2, (7, 7, 112),   3, 0,  16, 32, 16, 24, "max", PASS_THROUGH),
    _Row("4a",      "inception",   _, _, (7, 7, 112),   3, 40, 24, 32, 16, 24, "avg", 16),
    _Row("4b",      "inception",   _, _, (7, 7, 128),   3, 48, 24, 40, 16, 24, "max", 16),
    _Row("avgpool", "avg pool",    7, 1, (1, 1, 128),   0, _,  _,  _,  _,  _,  _,     _),
)  # fmt: skip
"""The lesson-size network in the form of Figure 5: every kind of module, for 28×28 images. Unlike the
figure's, the printed grid of the module with stride 2 is that of its output."""


def bn_inception_lesson(
    *, num_classes: int = 10, in_channels: int = 1, batch_norm: bool = True
) -> BNInception:
    """Return a small Inception network of `LESSON_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    With `batch_norm=False` it is the same network without batch norm, to be compared.
    """
    return BNInception(LESSON_TABLE, num_classes=num_classes, in_channels=in_channels, batch_norm=batch_norm)
