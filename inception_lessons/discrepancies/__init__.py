"""Where a paper's printed numbers and arithmetic part, and why: one file per paper, shown in the book and
checked by the tests.

A comparison agrees when the computed number is less than one unit of the last printed digit away. Each one
that does not must have an explanation in its paper's `explanations`, and an explanation whose difference has
gone is an error too.
"""

from inception_lessons.discrepancies.comparison import Comparison, Paper, explained
from inception_lessons.discrepancies.googlenet import GOOGLENET, googlenet_table_1, googlenet_text

PAPERS: tuple[Paper, ...] = (GOOGLENET,)
"""Every paper of the book whose numbers are compared, in the order of their dates."""

__all__ = ["GOOGLENET", "PAPERS", "Comparison", "Paper", "explained", "googlenet_table_1", "googlenet_text"]
