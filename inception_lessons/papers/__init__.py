"""What the papers print, verbatim, as named rows: one file per paper.

Nothing here is computed and nothing is corrected: a misprint stands as it was printed. `costs` and `measure`
compute what the rows should cost; the discrepancies page sets the two side by side.
"""

from inception_lessons.papers.googlenet import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_CLAIMS,
    GOOGLENET_DROPOUT,
    GOOGLENET_MODULES,
    GOOGLENET_TABLE_1,
    GOOGLENET_TABLE_1_KILO,
    GOOGLENET_TABLE_3,
    AuxiliaryHeads,
    EnsembleRow,
    GoogLeNetRow,
    InceptionWidths,
)
from inception_lessons.papers.printed import Claim, printed_count

__all__ = [
    "GOOGLENET_AUXILIARY",
    "GOOGLENET_CLAIMS",
    "GOOGLENET_DROPOUT",
    "GOOGLENET_MODULES",
    "GOOGLENET_TABLE_1",
    "GOOGLENET_TABLE_1_KILO",
    "GOOGLENET_TABLE_3",
    "AuxiliaryHeads",
    "Claim",
    "EnsembleRow",
    "GoogLeNetRow",
    "InceptionWidths",
    "printed_count",
]
