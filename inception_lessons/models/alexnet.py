"""AlexNet (Krizhevsky, Sutskever, Hinton, NIPS 2012), as printed and as torchvision ships it.

`alexnet` builds either; `alexnet_lesson` is the same idea at a size that two CPU cores train in less than a
minute.
"""

from collections.abc import Sequence
from enum import Enum

from torch import Tensor, nn

from inception_lessons._check import fraction, positive
from inception_lessons.blocks import LocalResponseNorm, response_norm
from inception_lessons.costs import AlexNetConv, AlexNetTable, alexnet_stages, alexnet_table
from inception_lessons.models._network import Network, start_for_relu
from inception_lessons.papers import ALEXNET_DROPOUT, ALEXNET_POOL, ALEXNET_START
from inception_lessons.weights import load


class AlexNet(Network):
    """Five convolutions and three dense layers: N×in_channels×H×W → N×num_classes logits.

    In a table with groups, a kernel of layers 2, 4 and 5 sees half of the channels before it, those that lay
    on its GPU.

    Where the paper is silent: the convolutions after the first are padded to keep the grid, as the printed
    27 and 13 demand. The first is not padded, and needs 227 pixels for the printed 55. The paper says 224:
    its author's program, cuda-convnet, rounds the output of a convolution up and lets the last window reach
    over the edge; torch rounds down.

    Weights start as printed (section 5): Gaussian with deviation 0.01; biases 1 in layers 2, 4, 5, 6 and 7,
    and 0 in the others.

    Args:
        table: the layers; see `costs.alexnet_table`.
        dropout: fractions of the outputs of layers 5, 6 and 7 that are dropped in training.
    """

    torchvision_model = "alexnet"

    def __init__(
        self,
        table: AlexNetTable,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: Sequence[float] = (0.0, ALEXNET_DROPOUT, ALEXNET_DROPOUT),
    ) -> None:
        super().__init__()
        self.takes(alexnet_stages(table, num_classes=num_classes), in_channels)
        conv1, conv2, conv3, conv4, conv5 = table.convs
        self.conv1 = _layer(in_channels, conv1)
        self.conv2 = _layer(conv1.channels, conv2)
        self.conv3 = _layer(conv2.channels, conv3)
        self.conv4 = _layer(conv3.channels, conv4)
        self.conv5 = _layer(conv4.channels, conv5)
        self.fit = nn.AdaptiveAvgPool2d(table.grid) if table.adaptive else nn.Identity()
        self.drop5, self.drop6, self.drop7 = (nn.Dropout(fraction("dropout", rate)) for rate in dropout)
        self.dense6 = nn.Linear(conv5.channels * table.grid**2, table.hidden)
        self.dense7 = nn.Linear(table.hidden, table.hidden)
        self.dense8 = nn.Linear(table.hidden, num_classes)
        self.relu = nn.ReLU(inplace=True)
        self._start_as_printed()

    def _start_as_printed(self) -> None:
        for name, layer in self.named_modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(layer.weight, std=ALEXNET_START.deviation)
                one = name.partition(".")[0] in ALEXNET_START.bias_one
                nn.init.constant_(layer.bias, 1.0 if one else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)  # N×3×227×227
        x = self.conv1(x)  # N×96×27×27
        x = self.conv2(x)  # N×256×13×13
        x = self.conv3(x)  # N×384×13×13
        x = self.conv4(x)  # N×384×13×13
        x = self.conv5(x)  # N×256×6×6
        x = self.drop5(self.fit(x).flatten(1))  # N×9216
        x = self.drop6(self.relu(self.dense6(x)))  # N×4096
        x = self.drop7(self.relu(self.dense7(x)))  # N×4096
        return self.dense8(x)  # N×num_classes

    def torchvision_names(self) -> dict[str, str]:
        convs = (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5)
        if any(conv[0].groups > 1 or isinstance(conv[2], LocalResponseNorm) for conv in convs):
            raise ValueError(
                "torchvision has no AlexNet with groups or response normalisation; build with "
                "variant='torchvision'"
            )
        return {
            "conv1.0": "features.0",
            "conv2.0": "features.3",
            "conv3.0": "features.6",
            "conv4.0": "features.8",
            "conv5.0": "features.10",
            "dense6": "classifier.1",
            "dense7": "classifier.4",
            "dense8": "classifier.6",
        }


def _layer(in_channels: int, row: AlexNetConv) -> nn.Sequential:
    """Return a convolution with ReLU, normalisation and pooling, an identity for each of the two that the row
    lacks."""
    conv = nn.Conv2d(
        in_channels,
        row.channels,
        row.kernel_size,
        stride=row.stride,
        padding=row.padding,
        groups=row.groups,
    )
    norm = response_norm() if row.normalised else nn.Identity()
    pool = nn.MaxPool2d(ALEXNET_POOL.z, stride=ALEXNET_POOL.s) if row.pooled else nn.Identity()
    return nn.Sequential(conv, nn.ReLU(inplace=True), norm, pool)


def alexnet(
    *,
    variant: str | None = None,
    groups: int | None = None,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = ALEXNET_DROPOUT,
    width: float = 1.0,
    weights: str | Enum | None = None,
) -> AlexNet:
    """Return AlexNet: N×3×227×227 → N×1000.

    Args:
        variant: "paper" (also None, without weights): as printed in 2012, 60,965,224 parameters; images of
            227 to 258 pixels, for the dense layers fix the grid. "torchvision" (also None, with weights): the
            network that torchvision calls `alexnet` (64-192-384-256-256 channels, no groups, no response
            normalisation, 61,100,840 parameters); its last grid is averaged to 6×6, so images may have any
            size from 63 pixels.
        groups: of layers 2, 4 and 5 of the paper's network: 2 (also None), or 1 to connect all channels
            (62,378,344 parameters).
        dropout: fraction dropped in training at two places: the outputs of both hidden dense layers in the
            paper, their inputs in torchvision's.
        width: factor of every number of channels, hidden neurons included.
        weights: "DEFAULT" or "IMAGENET1K_V1" for torchvision's, trained on ImageNet; see `weights.load`.

    Raises:
        ValueError: an unknown variant, other groups, a dropout that is no fraction below 1, a width not
            above 0, or weights that do not fit the options.
        WeightsError: the weights could not be had.
    """
    if variant is None and weights is not None:
        variant = "torchvision"
    table = alexnet_table(variant, groups=groups, width=width)
    places = (dropout, dropout, 0.0) if variant == "torchvision" else (0.0, dropout, dropout)
    net = AlexNet(
        table, num_classes=positive("num_classes", num_classes), in_channels=in_channels, dropout=places
    )
    return load(net, weights)


_Conv = AlexNetConv

LESSON_TABLE = AlexNetTable(
    convs=(
        #     key      out k  /s pad groups norm   pool
        _Conv("conv1", 16, 5, 1, 2,  1,     True,  True),
        _Conv("conv2", 32, 5, 1, 2,  2,     True,  True),
        _Conv("conv3", 48, 3, 1, 1,  1,     False, False),
        _Conv("conv4", 48, 3, 1, 1,  2,     False, False),
        _Conv("conv5", 32, 3, 1, 1,  2,     False, True),
    ),
    grid=2,
    adaptive=True,
    hidden=128,
)  # fmt: skip
"""The lesson-size network in the form of the paper's layers, for 28×28 images."""


def alexnet_lesson(*, num_classes: int = 10, in_channels: int = 1) -> AlexNet:
    """Return a small AlexNet of `LESSON_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    Groups, response normalisation and overlapping pooling are the paper's. Unlike it, the first convolution
    is 5×5 with stride 1, the last grid is averaged to 2×2, nothing is dropped, and the weights start as
    `start_for_relu` says: a Gaussian of deviation 0.01 is far too small for kernels with so few inputs.
    """
    net = AlexNet(LESSON_TABLE, num_classes=num_classes, in_channels=in_channels, dropout=(0.0, 0.0, 0.0))
    start_for_relu(net)
    return net
