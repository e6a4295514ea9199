"""What libraries ship under the papers' names: their own counts beside those that follow from ours."""

from collections.abc import Sequence
from typing import NamedTuple

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, compare_exact
from inception_lessons.papers import LIBRARY_COUNTS

WHAT_DIFFERS: dict[tuple[str, str], str] = {
    ("TF-slim", "Inception V1"): (
        "3×3 kernels in the branch called 5×5, a fourth pooling of 2×2, batch norm after every convolution "
        "but without its scale, no auxiliary heads. The count holds the norms' moving means and variances "
        "and leaves out the classifier."
    ),
    ("TF-slim", "Inception V2"): (
        "96 channels after the pooling of 4c and 4d, and the separable stem, which has a bias and no batch "
        "norm there. Otherwise as for V1."
    ),
    ("TF-slim", "Inception V3"): "Batch norm without its scale; otherwise counted as V1.",
    ("Keras", "InceptionV3"): (
        "Batch norm without its scale, no auxiliary head, no dropout. The count holds the norms' moving "
        "means and variances."
    ),
    ("Keras", "VGG16"): "Nothing: the paper's column D.",
    ("Keras", "VGG19"): "Nothing: the paper's column E.",
    ("timm", "inception_v3"): "Nothing but the auxiliary head, which is left out by default.",
}
"""In which points each differs from the network that this book builds under that name."""


class _Parts(NamedTuple):
    everything: int
    norms: int
    """Channels that batch norm follows: each has a scale, a shift, a moving mean and a moving variance."""
    classifier: int


def _parts(layers: Sequence[costs.LayerCost]) -> _Parts:
    norms = sum(layer.cost.output_shape[0] for layer in layers if layer.name.endswith("_norm"))
    classifier = sum(layer.cost.parameters for layer in layers if layer.row == "linear")
    return _Parts(costs.total(layers).parameters, norms, classifier)


def _unscaled_with_moments(layers: Sequence[costs.LayerCost]) -> int:
    """Return the variables if norms have a shift, a moving mean and variance, and no scale."""
    parts = _parts(layers)
    return parts.everything - parts.norms + 2 * parts.norms


def _slim(layers: Sequence[costs.LayerCost]) -> int:
    return _unscaled_with_moments(layers) - _parts(layers).classifier


def _slim_v2() -> int:
    layers = costs.bn_inception(stem="separable")
    (stem,) = (layer for layer in layers if layer.row == "conv1" and layer.name == "pointwise_norm")
    channels = stem.cost.output_shape[0]
    # Three numbers per channel (shift, mean, variance) go, and one (a bias) comes.
    return _slim(layers) - 3 * channels + channels


def library_counts() -> list[Comparison]:
    """Return the count of each library beside the one that follows from this book's layers."""
    computed = {
        ("TF-slim", "Inception V1"): _slim(costs.googlenet(variant="torchvision")),
        ("TF-slim", "Inception V2"): _slim_v2(),
        ("TF-slim", "Inception V3"): _slim(costs.inception_v3()),
        ("Keras", "InceptionV3"): _unscaled_with_moments(costs.inception_v3()),
        ("Keras", "VGG16"): costs.total(costs.vgg("D")).parameters,
        ("Keras", "VGG19"): costs.total(costs.vgg("E")).parameters,
        ("timm", "inception_v3"): costs.total(costs.inception_v3()).parameters,
    }
    return [
        compare_exact(
            (row.library, row.network), row.parameters, computed[row.library, row.network], explanations={}
        )
        for row in LIBRARY_COUNTS
    ]
