"""VGG: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556 (2014; ICLR 2015)."""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim


class VGGRow(NamedTuple):
    """One line of Table 1: the layer that each network has there; `None` where its cell is empty."""

    a: str | None
    a_lrn: str | None
    b: str | None
    c: str | None
    d: str | None
    e: str | None


def _every(layer: str) -> VGGRow:
    """Return a line that is printed once across all columns."""
    return VGGRow(layer, layer, layer, layer, layer, layer)


_ = None
_Row = VGGRow

VGG_TABLE_1: tuple[VGGRow, ...] = (
    #    A            A-LRN        B            C            D            E
    _Row("conv3-64",  "conv3-64",  "conv3-64",  "conv3-64",  "conv3-64",  "conv3-64"),
    _Row(_,           "LRN",       "conv3-64",  "conv3-64",  "conv3-64",  "conv3-64"),
    _every("maxpool"),
    _Row("conv3-128", "conv3-128", "conv3-128", "conv3-128", "conv3-128", "conv3-128"),
    _Row(_,           _,           "conv3-128", "conv3-128", "conv3-128", "conv3-128"),
    _every("maxpool"),
    _Row("conv3-256", "conv3-256", "conv3-256", "conv3-256", "conv3-256", "conv3-256"),
    _Row("conv3-256", "conv3-256", "conv3-256", "conv3-256", "conv3-256", "conv3-256"),
    _Row(_,           _,           _,           "conv1-256", "conv3-256", "conv3-256"),
    _Row(_,           _,           _,           _,           _,           "conv3-256"),
    _every("maxpool"),
    _Row("conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512"),
    _Row("conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512"),
    _Row(_,           _,           _,           "conv1-512", "conv3-512", "conv3-512"),
    _Row(_,           _,           _,           _,           _,           "conv3-512"),
    _every("maxpool"),
    _Row("conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512"),
    _Row("conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512", "conv3-512"),
    _Row(_,           _,           _,           "conv1-512", "conv3-512", "conv3-512"),
    _Row(_,           _,           _,           _,           _,           "conv3-512"),
    _every("maxpool"),
    _every("FC-4096"),
    _every("FC-4096"),
    _every("FC-1000"),
    _every("soft-max"),
)  # fmt: skip
"""Table 1, for RGB images of 224×224 pixels. "conv3-64" is a 3×3 convolution with 64 channels."""


class VGGSummary(NamedTuple):
    """What Tables 1 and 2 say of a whole network."""

    weight_layers: int
    parameters: str
    """Table 2, where the unit, millions, stands in the caption."""


VGG_SUMMARY: dict[str, VGGSummary] = {
    "A":     VGGSummary(11, "133M"),
    "A-LRN": VGGSummary(11, "133M"),
    "B":     VGGSummary(13, "133M"),
    "C":     VGGSummary(16, "134M"),
    "D":     VGGSummary(16, "138M"),
    "E":     VGGSummary(19, "144M"),
}  # fmt: skip
"""The head of Table 1, and Table 2."""

class VGGErrorRow(NamedTuple):
    """Error in percent on ImageNet validation, one network, images tested at one size."""

    column: str
    smallest_side: str
    """Of the training images, in pixels; one size, or the range from which it was drawn."""
    top1_error: float
    top5_error: float


VGG_TABLE_3: tuple[VGGErrorRow, ...] = (
    VGGErrorRow("A",     "256",     29.6, 10.4),
    VGGErrorRow("A-LRN", "256",     29.7, 10.5),
    VGGErrorRow("B",     "256",     28.7, 9.9),
    VGGErrorRow("D",     "256",     27.0, 8.8),
    VGGErrorRow("D",     "256-512", 25.6, 8.1),
    VGGErrorRow("E",     "256",     27.3, 9.0),
    VGGErrorRow("E",     "256-512", 25.5, 8.0),
)  # fmt: skip
"""Table 3 of arXiv:1409.1556, without its rows of column C and of 384 pixels."""

VGG_DROPOUT = 0.5
"""Rate in the first two dense layers (section 3.1)."""

VGG_CLAIMS: dict[str, Claim] = {
    "three_3x3": Claim("three 3×3 layers have 27C² weights", 27, "arXiv:1409.1556, section 2.3"),
    "one_7x7": Claim("one 7×7 layer has 49C² weights", 49, "arXiv:1409.1556, section 2.3"),
    "more_weights": Claim("49C² is 81 % more than 27C²", 81, "arXiv:1409.1556, section 2.3"),
    "field_of_two": Claim("two 3×3 layers see 5×5", 5, "arXiv:1409.1556, section 2.3"),
    "field_of_three": Claim("three 3×3 layers see 7×7", 7, "arXiv:1409.1556, section 2.3"),
    "crops_per_scale": Claim(
        "50 crops per scale: a 5×5 grid and 2 flips", 50, "arXiv:1409.1556, section 3.2"
    ),
    "crops": Claim("150 crops over 3 scales", 150, "arXiv:1409.1556, section 3.2"),
}
