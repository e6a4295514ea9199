"""LeNet-5: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim

_SOURCE = "Proceedings of the IEEE 86(11), 1998"


class LeNet5Row(NamedTuple):
    """One layer of LeNet-5 as section II-B describes it; `None` where the text gives no number."""

    key: str
    type: str
    maps: int
    """Feature maps, or units."""
    size: int
    """Height and width of each map, in positions."""
    patch: int | None
    """Height and width of the neighbourhood that a unit sees."""
    params: str | None
    """Trainable parameters."""
    connections: str | None


_ = None
_Row = LeNet5Row

LENET5_LAYERS: tuple[LeNet5Row, ...] = (
    #    key       type           maps size k  params    connections
    _Row("C1",     "convolution", 6,   28,  5, "156",    "122,304"),
    _Row("S2",     "subsampling", 6,   14,  2, "12",     "5,880"),
    _Row("C3",     "convolution", 16,  10,  5, "1,516",  "151,600"),
    _Row("S4",     "subsampling", 16,  5,   2, "32",     "2,000"),
    _Row("C5",     "convolution", 120, 1,   5, "48,120", "48,120"),
    _Row("F6",     "full",        84,  1,   _, "10,164", _),
    _Row("OUTPUT", "RBF",         10,  1,   _, _,        _),
)  # fmt: skip
"""Section II-B and Figure 2. For C5 the text has one number for both: "48,120 trainable connections"."""

LENET5_INPUT_SIZE = 32
"""Height and width of the image, in pixels (section II-B)."""

LENET5_TABLE_1: tuple[str, ...] = (
    # 0123456789012345   feature map of C3
    "X   XXX  XXXX XX",
    "XX   XXX  XXXX X",
    "XXX   XXX  X XXX",
    " XXX  XXXX  X XX",
    "  XXX  XXXX XX X",
    "   XXX  XXXX XXX",
)
"""Table I: a row for each feature map of S2, a column for each of C3, an X where they are connected.

The text says the same in words: six subsets of three neighbours, six of four neighbours, three of four that
are not all neighbours, and all six. `examples/mnist/train.cpp` of tiny-dnn/tiny-dnn on GitHub has the same
table, cell by cell, and its 60 crosses make the 1,516 parameters.
"""


class Squashing(NamedTuple):
    """The sigmoid of Appendix A, f(a) = amplitude · tanh(slope · a); it makes f(1) = 1 and f(−1) = −1."""

    amplitude: float
    slope: float


LENET5_SQUASHING = Squashing(amplitude=1.7159, slope=2 / 3)
"""Equation 6 and Appendix A, where they are called A and S. Also in "Efficient BackProp" (LeCun, Bottou, Orr
and Müller, 1998)."""

LENET5_INITIAL_RANGE = 2.4
"""Appendix A: weights start uniform between −2.4/F and 2.4/F, where F is the number of inputs of their
unit."""

LENET5_CODE_GRID = (12, 7)
"""Height and width of the picture that each output unit compares F6 with ("a 7×12 bitmap")."""

LENET5_CLAIMS: dict[str, Claim] = {
    "connections": Claim("340,908 connections", 340_908, f"{_SOURCE}, section II-A"),
    "parameters": Claim("60,000 trainable free parameters", 60_000, f"{_SOURCE}, section II-A"),
    "layers": Claim(
        "7 layers, not counting the input, all with trainable parameters", 7, f"{_SOURCE}, section II-B"
    ),
    "test_error": Claim("0.95 % errors on the MNIST test set", 0.95, f"{_SOURCE}, section III-B"),
    "test_error_distorted": Claim(
        "0.8 % errors, trained with distorted images too", 0.8, f"{_SOURCE}, section III-B"
    ),
}
