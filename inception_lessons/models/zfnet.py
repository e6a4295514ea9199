"""ZFNet (Zeiler and Fergus 2013, arXiv:1311.2901): AlexNet with a finer first and second layer.

`zfnet_lesson` is the same idea at a size that two CPU cores train in less than a minute.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from inception_lessons._check import fraction
from inception_lessons.blocks import response_norm
from inception_lessons.costs import ZFNET_PADDING, scale_channels, zfnet_stages
from inception_lessons.models._network import Network, start_for_relu
from inception_lessons.papers import ZFNET_DROPOUT, ZFNET_FIGURE_3, ZFNET_START, ZFNetRow


class ZFNet(Network):
    """The network of Figure 3: N×in_channels×224×224 → N×num_classes logits.

    Where the paper is silent: one position of padding in layer 1 and none in layer 2, and pooling that rounds
    the grid up, give the printed grids 110, 55, 26, 13 and 6. (The authors' program, built on cuda-convnet,
    rounds convolutions up too, and needs no padding for 110.) The contrast normalisation, for which the paper
    refers to AlexNet's, has AlexNet's constants. Section 3 says that AlexNet's layers 3, 4 and 5 are sparsely
    connected; AlexNet's own paper says 2, 4 and 5. Either way, all connections are dense here.

    Section 3 initialises "all weights to 10⁻²". With every weight the same, no two filters could ever differ,
    so this is read as the deviation of AlexNet's Gaussian; biases are 0.

    Args:
        table: rows of Figure 3, or your own in the same form.
        dropout: fraction of the outputs of both hidden dense layers that is dropped in training.
        width: factor of every number of channels, hidden units included.
        adaptive: average the last grid to the table's, so that images of other sizes fit.
    """

    def __init__(
        self,
        table: Sequence[ZFNetRow] = ZFNET_FIGURE_3,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = ZFNET_DROPOUT,
        width: float = 1.0,
        adaptive: bool = False,
    ) -> None:
        super().__init__()
        stages = zfnet_stages(table, num_classes=num_classes, width=width, adaptive=adaptive)
        self.takes(stages, in_channels)
        rows = {row.key: row for row in table}
        channels = {key: scale_channels(row.channels, width) for key, row in rows.items()}
        self.conv1 = _layer(in_channels, channels["conv1"], rows["conv1"])
        self.conv2 = _layer(channels["conv1"], channels["conv2"], rows["conv2"])
        self.conv3 = _layer(channels["conv2"], channels["conv3"], rows["conv3"])
        self.conv4 = _layer(channels["conv3"], channels["conv4"], rows["conv4"])
        self.conv5 = _layer(channels["conv4"], channels["conv5"], rows["conv5"])
        grid = rows["conv5"].out_grid
        self.fit = nn.AdaptiveAvgPool2d(grid) if adaptive else nn.Identity()
        self.dense6 = nn.Linear(channels["conv5"] * grid**2, channels["dense6"])
        self.dense7 = nn.Linear(channels["dense6"], channels["dense7"])
        self.dense8 = nn.Linear(channels["dense7"], num_classes)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(fraction("dropout", dropout))
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(layer.weight, std=ZFNET_START)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.check_input(x)  # N×3×224×224
        x = self.conv1(x)  # N×96×55×55
        x = self.conv2(x)  # N×256×13×13
        x = self.conv3(x)  # N×384×13×13
        x = self.conv4(x)  # N×384×13×13
        x = self.conv5(x)  # N×256×6×6
        x = self.fit(x).flatten(1)  # N×9216
        x = self.dropout(self.relu(self.dense6(x)))  # N×4096
        x = self.dropout(self.relu(self.dense7(x)))  # N×4096
        return self.dense8(x)  # N×num_classes


def _layer(in_channels: int, out_channels: int, row: ZFNetRow) -> nn.Sequential:
    """Return a layer as section 2 lists it: convolution, ReLU, and where the row has them pooling and then
    contrast normalisation (AlexNet normalises first)."""
    conv = nn.Conv2d(
        in_channels, out_channels, row.kernel_size, stride=row.stride, padding=ZFNET_PADDING[row.key]
    )
    pool = [nn.MaxPool2d(row.pool_size, stride=row.pool_stride, ceil_mode=True)] if row.pool_size else []
    norm = [response_norm()] if row.normalised else []
    return nn.Sequential(conv, nn.ReLU(inplace=True), *pool, *norm)


def zfnet(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = ZFNET_DROPOUT,
    width: float = 1.0,
) -> ZFNet:
    """Return ZFNet as Figure 3 draws it: N×3×224×224 → N×1000, 62,357,608 parameters.

    The dense layers fix the grid: images of 207 to 238 pixels.

    Args:
        dropout: fraction of the outputs of both hidden dense layers that is dropped in training.
        width: factor of every number of channels, hidden units included.

    Raises:
        ValueError: a dropout that is no fraction below 1, or a width not above 0.
    """
    return ZFNet(num_classes=num_classes, in_channels=in_channels, dropout=dropout, width=width)


_ = None
_Row = ZFNetRow

LESSON_TABLE: tuple[ZFNetRow, ...] = (
    #    key       type           out k  /s grid pool /s norm   out
    _Row("conv1",  "convolution", 16, 3, 1, 28,  3,   2, True,  14),
    _Row("conv2",  "convolution", 40, 5, 2, 5,   _,   _, True,  5),
    _Row("conv3",  "convolution", 56, 3, 1, 5,   _,   _, False, 5),
    _Row("conv4",  "convolution", 56, 3, 1, 5,   _,   _, False, 5),
    _Row("conv5",  "convolution", 40, 3, 1, 5,   3,   2, False, 2),
    _Row("dense6", "linear",      64, _, _, _,   _,   _, False, _),
    _Row("dense7", "linear",      64, _, _, _,   _,   _, False, _),
)  # fmt: skip
"""The lesson-size network in the form of Figure 3, for 28×28 images."""


def zfnet_lesson(*, num_classes: int = 10, in_channels: int = 1) -> ZFNet:
    """Return a small ZFNet of `LESSON_TABLE` for images of 28 to 64 pixels: N×1×28×28 → N×10.

    Small first kernels, stride 2 in layer 2, dense connections and normalisation after pooling are the
    paper's. Unlike it, layer 1 has stride 1 and layer 2 no pooling (28 pixels cannot be halved as often as
    224), the last grid is averaged to 2×2, nothing is dropped, and the weights start as
    `start_for_relu` says: a Gaussian of deviation 0.01 is far too small for filters with so few
    inputs.
    """
    net = ZFNet(LESSON_TABLE, num_classes=num_classes, in_channels=in_channels, dropout=0.0, adaptive=True)
    start_for_relu(net)
    return net
