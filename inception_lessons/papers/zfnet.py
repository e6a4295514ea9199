"""ZFNet: Zeiler, Fergus, "Visualizing and understanding convolutional networks", arXiv:1311.2901 (2013)."""

from typing import NamedTuple

from inception_lessons.papers.alexnet import ErrorRow
from inception_lessons.papers.printed import Claim


class ZFNetRow(NamedTuple):
    """One of the first seven layers of Figure 3; `None` where the figure has nothing. The eighth is the
    softmax over C classes."""

    key: str
    type: str
    channels: int
    """Filters of a convolution, units of a dense layer."""
    kernel_size: int | None
    stride: int | None
    grid: int | None
    """Height and width of the convolution's output."""
    pool_size: int | None
    pool_stride: int | None
    normalised: bool
    """Whether contrast normalisation across feature maps follows the pooling."""
    out_grid: int | None
    """Height and width of what leaves the layer."""


_ = None
_Row = ZFNetRow

ZFNET_FIGURE_3: tuple[ZFNetRow, ...] = (
    #    key       type           out   k  /s grid pool /s norm   out
    _Row("conv1",  "convolution", 96,   7, 2, 110, 3,   2, True,  55),
    _Row("conv2",  "convolution", 256,  5, 2, 26,  3,   2, True,  13),
    _Row("conv3",  "convolution", 384,  3, 1, 13,  _,   _, False, 13),
    _Row("conv4",  "convolution", 384,  3, 1, 13,  _,   _, False, 13),
    _Row("conv5",  "convolution", 256,  3, 1, 13,  3,   2, False, 6),
    _Row("dense6", "linear",      4096, _, _, _,   _,   _, False, _),
    _Row("dense7", "linear",      4096, _, _, _,   _,   _, False, _),
)  # fmt: skip
"""Figure 3, for an input of 224×224×3. Keys are this book's."""

ZFNET_INPUT = (224, 224, 3)

ZFNET_DROPOUT = 0.5
"""Rate in the dense layers 6 and 7 (section 3)."""

ZFNET_START = 0.01
"""Section 3: all weights are initialised to 10⁻², biases to 0."""

ZFNET_TABLE_2: tuple[ErrorRow, ...] = (
    #        model                                                                     val:1 5     test:5
    ErrorRow("(Gunji et al., 2012)",                                                    _,    _,    26.2),
    ErrorRow("(Krizhevsky et al., 2012), 1 convnet",                                    40.7, 18.2, _),
    ErrorRow("(Krizhevsky et al., 2012), 5 convnets",                                   38.1, 16.4, 16.4),
    ErrorRow("(Krizhevsky et al., 2012)*, 1 convnets",                                  39.0, 16.6, _),
    ErrorRow("(Krizhevsky et al., 2012)*, 7 convnets",                                  36.7, 15.4, 15.3),
    ErrorRow("Our replication of (Krizhevsky et al., 2012), 1 convnet",                 40.5, 18.1, _),
    ErrorRow("1 convnet as per Fig. 3",                                                 38.4, 16.5, _),
    ErrorRow("5 convnets as per Fig. 3 - (a)",                                          36.7, 15.3, 15.3),
    ErrorRow("1 convnet as per Fig. 3 but with layers 3,4,5: 512,1024,512 maps - (b)",  37.5, 16.0, 16.1),
    ErrorRow("6 convnets, (a) & (b) combined",                                          36.0, 14.7, 14.8),
)  # fmt: skip
"""Table 2. The asterisk: trained on the ImageNet sets of 2011 and 2012."""


class ChangeRow(NamedTuple):
    """One row of Table 3: errors in percent of a network with changed layers."""

    base: str
    """Under which network it stands: "AlexNet", replicated, or "ours"."""
    model: str
    top1_train: float
    top1_validation: float
    top5_validation: float


_Change = ChangeRow

ZFNET_TABLE_3: tuple[ChangeRow, ...] = (
    #       base       model                                                                train val   top5
    _Change("AlexNet", "Our replication of (Krizhevsky et al., 2012), 1 convnet",           35.1, 40.5, 18.1),
    _Change("AlexNet", "Removed layers 3,4",                                                41.8, 45.4, 22.1),
    _Change("AlexNet", "Removed layer 7",                                                   27.4, 40.0, 18.4),
    _Change("AlexNet", "Removed layers 6,7",                                                27.4, 44.8, 22.4),
    _Change("AlexNet", "Removed layer 3,4,6,7",                                             71.1, 71.3, 50.1),
    _Change("AlexNet", "Adjust layers 6,7: 2048 units",                                     40.3, 41.7, 18.8),
    _Change("AlexNet", "Adjust layers 6,7: 8192 units",                                     26.8, 40.0, 18.1),
    _Change("ours",    "Our Model (as per Fig. 3)",                                         33.1, 38.4, 16.5),
    _Change("ours",    "Adjust layers 6,7: 2048 units",                                     38.2, 40.2, 17.6),
    _Change("ours",    "Adjust layers 6,7: 8192 units",                                     22.0, 38.8, 17.0),
    _Change("ours",    "Adjust layers 3,4,5: 512,1024,512 maps",                            18.8, 37.5, 16.0),
    _Change("ours",    "Adjust layers 6,7: 8192 units and Layers 3,4,5: 512,1024,512 maps", 10.0, 38.3, 16.9),
)  # fmt: skip
"""Table 3."""

ZFNET_CLAIMS: dict[str, Claim] = {
    "dense_inputs": Claim(
        "6 · 6 · 256 = 9216 inputs of the first dense layer", 9216, "arXiv:1311.2901, Figure 3"
    ),
    "better_than_alexnet": Claim(
        "1.7 % better than AlexNet, one network, top-5", 1.7, "arXiv:1311.2901, section 5.1"
    ),
    "replication": Claim(
        "AlexNet replicated within 0.1 % of its validation error", 0.1, "arXiv:1311.2901, section 5.1"
    ),
}
