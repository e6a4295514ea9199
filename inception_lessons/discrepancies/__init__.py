"""Where a paper's printed numbers and arithmetic part, and why: one file per paper, shown in the book and
checked by the tests.

A comparison agrees when the computed number is less than one unit of the last printed digit away. Each one
that does not must have an explanation in its paper's `explanations`, and an explanation whose difference has
gone is an error too.
"""

from inception_lessons.discrepancies.alexnet import ALEXNET, alexnet_layers, alexnet_text
from inception_lessons.discrepancies.bn_inception import (
    BN_INCEPTION,
    bn_inception_figure_5,
    bn_inception_text,
)
from inception_lessons.discrepancies.comparison import Comparison, Paper, explained
from inception_lessons.discrepancies.googlenet import GOOGLENET, googlenet_table_1, googlenet_text
from inception_lessons.discrepancies.inception_v3 import (
    RETHINKING,
    inception_v2_table_1,
    inception_v3_table_3,
    inception_v3_text,
)
from inception_lessons.discrepancies.lenet import LENET, lenet5_layers, lenet5_text
from inception_lessons.discrepancies.libraries import WHAT_DIFFERS, library_counts
from inception_lessons.discrepancies.nin import NIN, nin_files
from inception_lessons.discrepancies.vgg import VGG, vgg_tables, vgg_text
from inception_lessons.discrepancies.zfnet import ZFNET, zfnet_figure_3, zfnet_text

PAPERS: tuple[Paper, ...] = (LENET, ALEXNET, ZFNET, NIN, VGG, GOOGLENET, BN_INCEPTION, RETHINKING)
"""Every paper of the book whose numbers are compared, in the order of their dates."""

__all__ = [
    "ALEXNET",
    "BN_INCEPTION",
    "GOOGLENET",
    "LENET",
    "NIN",
    "PAPERS",
    "RETHINKING",
    "VGG",
    "WHAT_DIFFERS",
    "ZFNET",
    "Comparison",
    "Paper",
    "alexnet_layers",
    "alexnet_text",
    "bn_inception_figure_5",
    "bn_inception_text",
    "explained",
    "googlenet_table_1",
    "googlenet_text",
    "inception_v2_table_1",
    "inception_v3_table_3",
    "inception_v3_text",
    "lenet5_layers",
    "lenet5_text",
    "library_counts",
    "nin_files",
    "vgg_tables",
    "vgg_text",
    "zfnet_figure_3",
    "zfnet_text",
]
