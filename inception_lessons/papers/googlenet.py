"""GoogLeNet: Szegedy et al., "Going deeper with convolutions", arXiv:1409.4842v1 (2014)."""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim


class InceptionWidths(NamedTuple):
    """The six numbers that define an Inception module of 2014: output channels of its six convolutions."""

    conv1: int
    """1×1 branch."""
    reduce3: int
    """1×1 before the 3×3."""
    conv3: int
    """3×3 branch."""
    reduce5: int
    """1×1 before the 5×5."""
    conv5: int
    """5×5 branch."""
    project: int
    """1×1 after the 3×3 max pooling."""

    @property
    def out_channels(self) -> int:
        """Channels after the four branches are concatenated."""
        return self.conv1 + self.conv3 + self.conv5 + self.project


class GoogLeNetRow(NamedTuple):
    """One row of GoogLeNet's Table 1; `None` where the paper's cell is empty."""

    key: str
    type: str
    patch: int | None
    stride: int | None
    output: tuple[int, int, int]
    depth: int
    conv1: int | None
    reduce3: int | None
    conv3: int | None
    reduce5: int | None
    conv5: int | None
    project: int | None
    params: str | None
    ops: str | None

    @property
    def grid(self) -> int:
        """Height and width of the row's output, in positions."""
        return self.output[0]

    @property
    def channels(self) -> int:
        """Channels of the row's output."""
        return self.output[2]

    @property
    def widths(self) -> InceptionWidths:
        """The module's six numbers.

        Raises:
            ValueError: the row is not an Inception module.
        """
        numbers = (self.conv1, self.reduce3, self.conv3, self.reduce5, self.conv5, self.project)
        if any(number is None for number in numbers):
            raise ValueError(
                f"row {self.key!r} ({self.type}) is no Inception module; only rows of type 'inception' are"
            )
        return InceptionWidths(*numbers)  # type: ignore[arg-type]


_ = None
_Row = GoogLeNetRow

GOOGLENET_TABLE_1: tuple[GoogLeNetRow, ...] = (
    #    key        type           k  /s output          d  1×1  3r   3×3  5r  5×5  proj params   ops
    _Row("conv1",   "convolution", 7, 2, (112, 112, 64), 1, _,   _,   _,   _,  _,   _,   "2.7K",  "34M"),
    _Row("pool1",   "max pool",    3, 2, (56, 56, 64),   0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("conv2",   "convolution", 3, 1, (56, 56, 192),  2, _,   64,  192, _,  _,   _,   "112K",  "360M"),
    _Row("pool2",   "max pool",    3, 2, (28, 28, 192),  0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("3a",      "inception",   _, _, (28, 28, 256),  2, 64,  96,  128, 16, 32,  32,  "159K",  "128M"),
    _Row("3b",      "inception",   _, _, (28, 28, 480),  2, 128, 128, 192, 32, 96,  64,  "380K",  "304M"),
    _Row("pool3",   "max pool",    3, 2, (14, 14, 480),  0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("4a",      "inception",   _, _, (14, 14, 512),  2, 192, 96,  208, 16, 48,  64,  "364K",  "73M"),
    _Row("4b",      "inception",   _, _, (14, 14, 512),  2, 160, 112, 224, 24, 64,  64,  "437K",  "88M"),
    _Row("4c",      "inception",   _, _, (14, 14, 512),  2, 128, 128, 256, 24, 64,  64,  "463K",  "100M"),
    _Row("4d",      "inception",   _, _, (14, 14, 528),  2, 112, 144, 288, 32, 64,  64,  "580K",  "119M"),
    _Row("4e",      "inception",   _, _, (14, 14, 832),  2, 256, 160, 320, 32, 128, 128, "840K",  "170M"),
    _Row("pool4",   "max pool",    3, 2, (7, 7, 832),    0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("5a",      "inception",   _, _, (7, 7, 832),    2, 256, 160, 320, 32, 128, 128, "1072K", "54M"),
    _Row("5b",      "inception",   _, _, (7, 7, 1024),   2, 384, 192, 384, 48, 128, 128, "1388K", "71M"),
    _Row("avgpool", "avg pool",    7, 1, (1, 1, 1024),   0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("dropout", "dropout",     _, _, (1, 1, 1024),   0, _,   _,   _,   _,  _,   _,   _,       _),
    _Row("linear",  "linear",      _, _, (1, 1, 1000),   1, _,   _,   _,   _,  _,   _,   "1000K", "1M"),
    _Row("softmax", "softmax",     _, _, (1, 1, 1000),   0, _,   _,   _,   _,  _,   _,   _,       _),
)  # fmt: skip
"""Table 1 of "Going deeper with convolutions", arXiv:1409.4842v1. `output` is height × width × channels."""

GOOGLENET_MODULES: dict[str, GoogLeNetRow] = {
    row.key: row for row in GOOGLENET_TABLE_1 if row.type == "inception"
}
"""The nine Inception modules of Table 1 by their names, 3a to 5b."""

GOOGLENET_TABLE_1_KILO = 1024
"""What K stands for in Table 1's params column: the linear row has 1024·1000 weights and is printed as
1000K."""


class AuxiliaryHeads(NamedTuple):
    """Section 5 of arXiv:1409.4842v1: the two extra classifiers used in training."""

    after: tuple[str, str]
    pool_size: int
    pool_stride: int
    conv1: int
    hidden: int
    dropout: float
    loss_weight: float


GOOGLENET_AUXILIARY = AuxiliaryHeads(
    after=("4a", "4d"), pool_size=5, pool_stride=3, conv1=128, hidden=1024, dropout=0.7, loss_weight=0.3
)

GOOGLENET_DROPOUT = 0.4
"""Fraction of outputs dropped before the linear layer (Table 1, row "dropout (40%)")."""


class EnsembleRow(NamedTuple):
    """One row of GoogLeNet's Table 3: top-5 error in percent on ImageNet validation against evaluations per
    image."""

    models: int
    crops: int
    cost: int
    top5_error: float
    difference: float | None


GOOGLENET_TABLE_3: tuple[EnsembleRow, ...] = (
    EnsembleRow(1, 1, 1, 10.07, None),
    EnsembleRow(1, 10, 10, 9.15, -0.92),
    EnsembleRow(1, 144, 144, 7.89, -2.18),
    EnsembleRow(7, 1, 7, 8.09, -1.98),
    EnsembleRow(7, 10, 70, 7.62, -2.45),
    EnsembleRow(7, 144, 1008, 6.67, -3.45),
)
"""Table 3 of arXiv:1409.4842v1. The last difference is as printed; the column's own arithmetic gives
another."""


GOOGLENET_CLAIMS: dict[str, Claim] = {
    "budget": Claim("1.5 billion multiply-adds at inference", 1.5e9, "arXiv:1409.4842v1, section 1"),
    "fewer_parameters": Claim("12 times fewer parameters than AlexNet", 12, "arXiv:1409.4842v1, section 1"),
    "layers": Claim("22 layers deep, counting layers with parameters", 22, "arXiv:1409.4842v1, section 5"),
    "layers_with_pooling": Claim("27 layers, counting pooling too", 27, "arXiv:1409.4842v1, section 5"),
    "building_blocks": Claim("about 100 independent building blocks", 100, "arXiv:1409.4842v1, section 5"),
    "alexnet_parameters": Claim("AlexNet has 60 million parameters", 60e6, "NIPS 2012, abstract"),
    "average_pooling": Claim(
        "average pooling for dense layers: +0.6 % top-1", 0.6, "arXiv:1409.4842v1, section 5"
    ),
    "relative_reduction": Claim("56.5 % fewer errors than in 2012", 56.5, "arXiv:1409.4842v1, section 7"),
    "top5_2014": Claim("top-5 error 6.67 %, first in 2014", 6.67, "arXiv:1409.4842v1, Table 2"),
    "top5_2014_second": Claim("top-5 error 7.32 %, VGG, second in 2014", 7.32, "arXiv:1409.4842v1, Table 2"),
    "top5_2012": Claim(
        "top-5 error 15.3 % with ImageNet-22k, first in 2012", 15.3, "arXiv:1409.4842v1, Table 2"
    ),
}
