"""Network in Network: what is published with its ImageNet model. The paper itself prints no cost."""

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare
from inception_lessons.papers import NIN_CLAIMS


def nin_files() -> list[Comparison]:
    """Return the sizes that the Caffe model zoo states beside those of the weights.

    A weight is 4 bytes, and MB stands for 2²⁰ of them.
    """
    size = 4 * costs.total(costs.nin_imagenet()).parameters / 2**20
    ratio = NIN_CLAIMS["alexnet_file"].value / size
    rows = [
        ("imagenet_file", "29 MB", size, f"{size:.2f} MB"),
        ("smaller_than_alexnet", "1/8", ratio, f"1/{ratio:.1f}"),
    ]
    return [
        compare(("text", name), printed, NIN_CLAIMS[name].value, computed, shown, 1, explanations={})
        for name, printed, computed, shown in rows
    ]


NIN = Paper(
    "Network in Network",
    "Network In Network, arXiv:1312.4400, and the ImageNet model of the Caffe model zoo",
    {},
    {"text": nin_files},
    NIN_CLAIMS,
)
