"""Inception-v2 and v3: Szegedy et al., "Rethinking the Inception architecture for computer vision",
arXiv:1512.00567 (2015)."""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim


class RethinkingRow(NamedTuple):
    """One row of Table 1; `None` where the paper's cell has no such number."""

    type: str
    """"conv", "conv padded", "pool", "inception", "linear" or "softmax"."""
    modules: int | None
    """How many Inception modules the row stands for."""
    patch: int | None
    stride: int | None
    figure: int | None
    """The figure that the row names for its modules."""
    input: tuple[int, int, int]
    """Height × width × channels of the input, not of the output."""


_ = None
_Row = RethinkingRow

RETHINKING_TABLE_1: tuple[RethinkingRow, ...] = (
    #    type           n  k  /s fig  input
    _Row("conv",        _, 3, 2, _, (299, 299, 3)),
    _Row("conv",        _, 3, 1, _, (149, 149, 32)),
    _Row("conv padded", _, 3, 1, _, (147, 147, 32)),
    _Row("pool",        _, 3, 2, _, (147, 147, 64)),
    _Row("conv",        _, 3, 1, _, (73, 73, 64)),
    _Row("conv",        _, 3, 2, _, (71, 71, 80)),
    _Row("conv",        _, 3, 1, _, (35, 35, 192)),
    _Row("inception",   3, _, _, 5, (35, 35, 288)),
    _Row("inception",   5, _, _, 6, (17, 17, 768)),
    _Row("inception",   2, _, _, 7, (8, 8, 1280)),
    _Row("pool",        _, 8, _, _, (8, 8, 2048)),
    _Row("linear",      _, _, _, _, (1, 1, 2048)),
    _Row("softmax",     _, _, _, _, (1, 1, 1000)),
)  # fmt: skip
"""Table 1 of arXiv:1512.00567: the outline of Inception-v2. Sizes are those of each row's input, and the
grid reductions between the Inception rows have no rows of their own. Its caption says that no layer is padded
but the one marked so and the modules that keep the grid. The widths inside the modules are not printed:
section 6 refers to a file `model.txt` beside the paper's source."""


class ResolutionRow(NamedTuple):
    """One row of Table 2: top-1 accuracy in percent against the input's height and width, at equal cost."""

    receptive_field: int
    top1: float


RETHINKING_TABLE_2: tuple[ResolutionRow, ...] = (
    ResolutionRow(79, 75.2),
    ResolutionRow(151, 76.4),
    ResolutionRow(299, 76.6),
)
"""Table 2 of arXiv:1512.00567. Stride and pooling at the start of the network differ, so that the cost does
not."""


class SingleCropRow(NamedTuple):
    """One row of Table 3: single-crop error in percent on ImageNet validation, and billions of
    multiply-adds."""

    network: str
    top1_error: float
    top5_error: float | None
    ops: str


RETHINKING_TABLE_3: tuple[SingleCropRow, ...] = (
    #             network                        top-1 top-5 Bn ops
    SingleCropRow("GoogLeNet",                   29.0, 9.2, "1.5"),
    SingleCropRow("BN GoogLeNet",                26.8, _,   "1.5"),
    SingleCropRow("BN-Inception",                25.2, 7.8, "2.0"),
    SingleCropRow("Inception-v2",                23.4, _,   "3.8"),
    SingleCropRow("Inception-v2 RMSProp",        23.1, 6.3, "3.8"),
    SingleCropRow("Inception-v2 Label Smoothing", 22.8, 6.1, "3.8"),
    SingleCropRow("Inception-v2 Factorized 7×7", 21.6, 5.8, "4.8"),
    SingleCropRow("Inception-v2 BN-auxiliary",   21.2, 5.6, "4.8"),
)  # fmt: skip
"""Table 3 of arXiv:1512.00567. The rows of Inception-v2 are cumulative; the last one is Inception-v3."""


class MultiCropRow(NamedTuple):
    """One row of Table 4: error in percent of one model over several crops."""

    network: str
    crops: int
    top1_error: float
    top5_error: float


RETHINKING_TABLE_4: tuple[MultiCropRow, ...] = (
    MultiCropRow("Inception-v3", 12, 19.47, 4.48),
    MultiCropRow("Inception-v3", 144, 18.77, 4.2),
)
"""The rows of Table 4 of arXiv:1512.00567 that are about the paper's own network."""


class LabelSmoothing(NamedTuple):
    """Section 7 of arXiv:1512.00567: targets (1 − epsilon)·onehot + epsilon/classes."""

    epsilon: float
    classes: int


RETHINKING_LABEL_SMOOTHING = LabelSmoothing(epsilon=0.1, classes=1000)


class RethinkingTraining(NamedTuple):
    """Section 8 of arXiv:1512.00567."""

    replicas: int
    batch_size: int
    """Of each replica."""
    epochs: int
    optimizer: str
    decay: float
    """Of RMSProp's running mean of squared gradients."""
    epsilon: float
    """Added in RMSProp's denominator. It is far from the usual 1e-8, and where it stands matters: TensorFlow
    adds it under the square root, PyTorch after it."""
    learning_rate: float
    rate_decay: float
    """Factor of the learning rate …"""
    rate_decay_epochs: int
    """… once in so many epochs."""
    clip: float
    """Threshold of gradient clipping."""
    averaged: bool
    """Whether a running average of the parameters is evaluated."""


RETHINKING_TRAINING = RethinkingTraining(
    replicas=50,
    batch_size=32,
    epochs=100,
    optimizer="RMSProp",
    decay=0.9,
    epsilon=1.0,
    learning_rate=0.045,
    rate_decay=0.94,
    rate_decay_epochs=2,
    clip=2.0,
    averaged=True,
)
"""The best models' settings; earlier experiments used momentum 0.9. Weight decay, dropout and initialisation
are not printed."""


def _claim(text: str, value: float, where: str) -> Claim:
    return Claim(text, value, f"arXiv:1512.00567, {where}")


RETHINKING_CLAIMS: dict[str, Claim] = {
    "budget": _claim("5 billion multiply-adds per inference", 5e9, "abstract"),
    "fewer_parameters_than": _claim("less than 25 million parameters", 25e6, "abstract"),
    "5×5 against 3×3": _claim("a 5×5 convolution costs 2.78 times a 3×3", 2.78, "section 3.1"),
    "5×5 as two 3×3": _claim("two 3×3 for a 5×5 save 28 %", 28, "section 3.1"),
    "3×3 as 3×1, 1×3": _claim("3×1 and 1×3 for a 3×3 are 33 % cheaper", 33, "section 3.2"),
    "3×3 as two 2×2": _claim("two 2×2 for a 3×3 save 11 %", 11, "section 3.2"),
    "smallest_asymmetric_grid": _claim("1×7 and 7×1 work on grids of 12 …", 12, "section 3.2"),
    "largest_asymmetric_grid": _claim("… to 20 positions a side", 20, "section 3.2"),
    "linear_top1": _claim("top-1 76.2 % with a linear first 3×3", 76.2, "Figure 2"),
    "relu_top1": _claim("top-1 77.2 % with ReLU after both", 77.2, "Figure 2"),
    "norm_in_head": _claim("batch norm in the side head gains 0.4 % top-1", 0.4, "Figure 8"),
    "convolve_first": _claim(
        "2d²k² operations to convolve k to 2k channels on d×d, then pool", 2, "section 5"
    ),
    "pool_first": _claim("2(d/2)²k² operations to pool first", 2, "section 5"),
    "reduced_by": _claim("pooling first reduces the cost by a quarter", 25, "section 5"),
    "convolve_first_costs": _claim("convolving first is 3 times more expensive", 3, "Figure 9"),
    "figure_17": _claim("the five modules at 17×17 as in figure 5", 5, "section 6"),
    "figure_8": _claim("the two modules at 8×8 as in figure 6", 6, "section 6"),
    "layers": _claim("42 layers deep", 42, "section 6"),
    "over_googlenet": _claim("about 2.5 times GoogLeNet's cost", 2.5, "section 6"),
    "label_smoothing_gain": _claim("label smoothing gains 0.2 % absolute, top-1 and top-5", 0.2, "section 7"),
    "cheaper_at_79": _claim("the same network at 79×79 would be 16 times cheaper", 16, "section 9"),
    "validation_images": _claim("48,238 validation images not on the blacklist", 48_238, "section 10"),
    "over_bn_inception": _claim("2.5 times the cost of arXiv:1502.03167", 2.5, "section 11"),
    "ensemble_top1": _claim("top-1 error 17.3 %, four models, validation", 17.3, "abstract"),
    "ensemble_top5_test": _claim("top-5 error 3.58 %, four models, 144 crops, test", 3.58, "Table 5"),
    "ensemble_top5": _claim("top-5 error 3.46 %, four models, 144 crops, validation", 3.46, "Table 5"),
}
