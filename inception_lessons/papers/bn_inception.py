"""BN-Inception: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
internal covariate shift", arXiv:1502.03167 (2015)."""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim

PASS_THROUGH = "pass through"
"""What Figure 5 prints after "max +" where a module's pooling is followed by no 1×1."""


class BNInceptionRow(NamedTuple):
    """One row of Figure 5, which is a table; `None` where the paper's cell is empty."""

    key: str
    type: str
    patch: int | None
    stride: int | None
    """In the rows 3c and 4e the cell for patch and stride says "stride 2"."""
    output: tuple[int, int, int]
    depth: int
    conv1: int | None
    """1×1 branch; 0 where the module has none."""
    reduce3: int | None
    """1×1 before the single 3×3."""
    conv3: int | None
    """Single 3×3."""
    reduce_double: int | None
    """1×1 before the two 3×3."""
    double: int | None
    """Each of the two 3×3, one after the other."""
    pool: str | None
    """"avg" or "max", the pooling of the last branch."""
    project: int | str | None
    """1×1 after that pooling, or `PASS_THROUGH`."""

    @property
    def grid(self) -> int:
        """Height and width that the row prints, in positions."""
        return self.output[0]

    @property
    def channels(self) -> int:
        """Channels that the row prints."""
        return self.output[2]


_ = None
_Row = BNInceptionRow

BN_INCEPTION_FIGURE_5: tuple[BNInceptionRow, ...] = (
    #    key        type           k  /s output          d  1×1  3r   3×3  dr   dbl  pool   proj
    _Row("conv1",   "convolution", 7, 2, (112, 112, 64), 1, _,   _,   _,   _,   _,   _,     _),
    _Row("pool1",   "max pool",    3, 2, (56, 56, 64),   0, _,   _,   _,   _,   _,   _,     _),
    _Row("conv2",   "convolution", 3, 1, (56, 56, 192),  1, _,   64,  192, _,   _,   _,     _),
    _Row("pool2",   "max pool",    3, 2, (28, 28, 192),  0, _,   _,   _,   _,   _,   _,     _),
    _Row("3a",      "inception",   _, _, (28, 28, 256),  3, 64,  64,  64,  64,  96,  "avg", 32),
    _Row("3b",      "inception",   _, _, (28, 28, 320),  3, 64,  64,  96,  64,  96,  "avg", 64),
    _Row("3c",      "inception",   _, 2, (28, 28, 576),  3, 0,   128, 160, 64,  96,  "max", PASS_THROUGH),
    _Row("4a",      "inception",   _, _, (14, 14, 576),  3, 224, 64,  96,  96,  128, "avg", 128),
    _Row("4b",      "inception",   _, _, (14, 14, 576),  3, 192, 96,  128, 96,  128, "avg", 128),
    _Row("4c",      "inception",   _, _, (14, 14, 576),  3, 160, 128, 160, 128, 160, "avg", 128),
    _Row("4d",      "inception",   _, _, (14, 14, 576),  3, 96,  128, 192, 160, 192, "avg", 128),
    _Row("4e",      "inception",   _, 2, (14, 14, 1024), 3, 0,   128, 192, 192, 256, "max", PASS_THROUGH),
    _Row("5a",      "inception",   _, _, (7, 7, 1024),   3, 352, 192, 320, 160, 224, "avg", 128),
    _Row("5b",      "inception",   _, _, (7, 7, 1024),   3, 352, 192, 320, 192, 224, "max", 128),
    _Row("avgpool", "avg pool",    7, 1, (1, 1, 1024),   0, _,   _,   _,   _,   _,   _,     _),
)  # fmt: skip
"""Figure 5 (appendix) of arXiv:1502.03167v3. `output` is height × width × channels. The figure ends at the
average pooling; section 4.2 names the softmax layer that follows. A star at its first convolution belongs to
no note; the text below says that this layer is separable."""

BN_INCEPTION_DEPTH_MULTIPLIER = 8
"""Filters per input channel of the separable first convolution (appendix)."""


class TrainingSpeedRow(NamedTuple):
    """One row of Figure 3: steps to the best accuracy of the network without batch norm, and its own best."""

    model: str
    steps: float | None
    """Mini-batches of 32 to 72.2 % top-1 accuracy, single crop, on ImageNet validation; None: never."""
    max_accuracy: float
    """Top-1, in percent."""


BN_INCEPTION_FIGURE_3: tuple[TrainingSpeedRow, ...] = (
    TrainingSpeedRow("Inception", 31.0e6, 72.2),
    TrainingSpeedRow("BN-Baseline", 13.3e6, 72.7),
    TrainingSpeedRow("BN-x5", 2.1e6, 73.0),
    TrainingSpeedRow("BN-x30", 2.7e6, 74.8),
    TrainingSpeedRow("BN-x5-Sigmoid", None, 69.8),
)
"""Figure 3 of arXiv:1502.03167v3."""

BN_INCEPTION_LEARNING_RATES: dict[str, float] = {
    "Inception": 0.0015,
    "BN-Baseline": 0.0015,
    "BN-x5": 0.0075,
    "BN-x30": 0.045,
    "BN-x5-Sigmoid": 0.0075,
}
"""Initial learning rates, section 4.2.2. BN-Baseline and BN-x5-Sigmoid are described as "same as" Inception
and "like" BN-x5."""


class BNInceptionErrorRow(NamedTuple):
    """One row of Figure 4: errors in percent on the 50,000 images of ImageNet's validation set."""

    model: str
    resolution: int | str
    crops: int | None
    models: int | None
    top1_error: float | None
    top5_error: float


BN_INCEPTION_FIGURE_4: tuple[BNInceptionErrorRow, ...] = (
    BNInceptionErrorRow("GoogLeNet ensemble", 224, 144, 7, None, 6.67),
    BNInceptionErrorRow("Deep Image low-res", 256, None, 1, None, 7.96),
    BNInceptionErrorRow("Deep Image high-res", 512, None, 1, 24.88, 7.42),
    BNInceptionErrorRow("Deep Image ensemble", "variable", None, None, None, 5.98),
    BNInceptionErrorRow("BN-Inception single crop", 224, 1, 1, 25.2, 7.82),
    BNInceptionErrorRow("BN-Inception multicrop", 224, 144, 1, 21.99, 5.82),
    BNInceptionErrorRow("BN-Inception ensemble", 224, 144, 6, 20.1, 4.9),
)
"""Figure 4 of arXiv:1502.03167v3. `None` stands for the dashes that it prints."""

_TEXT = "arXiv:1502.03167v3, section 4.2"
_APPENDIX = "arXiv:1502.03167v3, appendix"

BN_INCEPTION_CLAIMS: dict[str, Claim] = {
    "parameters": Claim("13.6 million parameters", 13.6e6, _TEXT),
    "widest_double": Claim("two 3×3 convolutions with up to 128 filters for a 5×5", 128, _TEXT),
    "more_layers": Claim("two 3×3 for a 5×5: the longest path 9 weight layers longer", 9, _APPENDIX),
    "more_parameters": Claim("two 3×3 for a 5×5: 25 % more parameters", 25, _APPENDIX),
    "more_macs": Claim("two 3×3 for a 5×5: about 30 % more computation", 30, _APPENDIX),
    "modules_28": Claim("3 modules on the 28×28 grid in place of 2", 3, _APPENDIX),
    "fewer_steps": Claim("BN-x5 needs 14 times fewer steps", 14, f"{_TEXT}.2"),
    "fewer_steps_x30": Claim("BN-x30 needs 5 times fewer steps to 74.8 % than Inception to 72.2 %", 5,
                             f"{_TEXT}.2"),
    "steps_x30": Claim("BN-x30 reaches 74.8 % after 6 million steps", 6e6, f"{_TEXT}.2"),
    "test_top5_error": Claim("top-5 error 4.82 % of the ensemble on the test set", 4.82, f"{_TEXT}.3"),
    "previous_best": Claim("top-5 error 4.94 % of He et al. on the test set", 4.94, f"{_TEXT}.3"),
}  # fmt: skip
