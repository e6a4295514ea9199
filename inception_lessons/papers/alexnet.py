"""AlexNet: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
NIPS 2012."""

from typing import NamedTuple

from inception_lessons.papers.printed import Claim


class AlexNetRow(NamedTuple):
    """One of the eight layers as section 3.5 and Figure 2 describe it; `None` where neither says anything."""

    key: str
    type: str
    channels: int
    """Kernels of a convolution, neurons of a dense layer."""
    kernel_size: int | None
    kernel_depth: int | None
    """Channels that one kernel sees. Layers 2, 4 and 5 see those of their own GPU only: half of them."""
    stride: int | None
    normalised: bool
    """Whether local response normalisation follows the ReLU."""
    pooled: bool
    """Whether max pooling follows, after the normalisation."""
    grid: int | None
    """Height and width of the layer's output in Figure 2, before pooling."""
    neurons: int
    """Figure 2's caption."""


_ = None
_Row = AlexNetRow

ALEXNET_LAYERS: tuple[AlexNetRow, ...] = (
    #    key       type           out   k   deep /s norm   pool   grid neurons
    _Row("conv1",  "convolution", 96,   11, 3,   4, True,  True,  55,  253_440),
    _Row("conv2",  "convolution", 256,  5,  48,  _, True,  True,  27,  186_624),
    _Row("conv3",  "convolution", 384,  3,  256, _, False, False, 13,  64_896),
    _Row("conv4",  "convolution", 384,  3,  192, _, False, False, 13,  64_896),
    _Row("conv5",  "convolution", 256,  3,  192, _, False, True,  13,  43_264),
    _Row("dense6", "linear",      4096, _,  _,   _, False, False, _,   4096),
    _Row("dense7", "linear",      4096, _,  _,   _, False, False, _,   4096),
    _Row("dense8", "linear",      1000, _,  _,   _, False, False, _,   1000),
)  # fmt: skip
"""Section 3.5 and Figure 2. Keys are this book's."""

ALEXNET_INPUT = (224, 224, 3)
"""Height, width and channels of the input in Figure 2. The printed grids do not follow from it."""


class ResponseNorm(NamedTuple):
    """Local response normalisation (section 3.3): each activation a becomes a / (k + α · Σ a²)^β, where the
    sum runs over n neighbouring channels at the same position."""

    k: float
    n: int
    alpha: float
    """Factor of the sum itself, not of the mean of its n terms."""
    beta: float


ALEXNET_NORM = ResponseNorm(k=2, n=5, alpha=1e-4, beta=0.75)


class OverlappingPool(NamedTuple):
    """Max pooling whose windows overlap (section 3.4): z × z windows, s positions apart."""

    z: int
    s: int


ALEXNET_POOL = OverlappingPool(z=3, s=2)

ALEXNET_DROPOUT = 0.5
"""Probability with which each output of the two hidden dense layers is set to zero in training (section
4.2)."""


class InitialWeights(NamedTuple):
    """Initial weights (section 5): drawn from a Gaussian of mean zero; biases constant."""

    deviation: float
    bias_one: tuple[str, ...]
    """Layers whose biases start at 1; all others start at 0."""


ALEXNET_START = InitialWeights(deviation=0.01, bias_one=("conv2", "conv4", "conv5", "dense6", "dense7"))


class ErrorRow(NamedTuple):
    """Errors in percent on ImageNet 2012, of one network or of several averaged; `None` where none is
    printed."""

    model: str
    top1_validation: float | None
    top5_validation: float | None
    top5_test: float | None


ALEXNET_TABLE_2: tuple[ErrorRow, ...] = (
    ErrorRow("SIFT + FVs", _,   _,    26.2),
    ErrorRow("1 CNN",      40.7, 18.2, _),
    ErrorRow("5 CNNs",     38.1, 16.4, 16.4),
    ErrorRow("1 CNN*",     39.0, 16.6, _),
    ErrorRow("7 CNNs*",    36.7, 15.4, 15.3),
)  # fmt: skip
"""Table 2. The asterisk: pretrained on the whole of ImageNet, autumn 2011."""

ALEXNET_CLAIMS: dict[str, Claim] = {
    "parameters": Claim("60 million parameters", 60e6, "NIPS 2012, abstract"),
    "neurons": Claim("650,000 neurons", 650e3, "NIPS 2012, abstract"),
    "layers": Claim("eight layers with weights", 8, "NIPS 2012, section 3.5"),
    "input_neurons": Claim("the input is 150,528-dimensional", 150_528, "NIPS 2012, Figure 2"),
    "augmentation": Claim(
        "crops of 224 in 256 and reflections: 2048 times the training set", 2048, "NIPS 2012, section 4.1"
    ),
}
