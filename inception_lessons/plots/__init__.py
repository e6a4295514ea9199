"""Figures for the book, drawn from plain rows and from the papers' tables; needs matplotlib, never torch.

Every function returns a `ThemedFigure`, which shows itself in a notebook and in the page: inline SVG in the
colours of the reader's theme, with alternative text made from the same numbers.
"""

from inception_lessons.plots._figure import PALETTE, ThemedFigure
from inception_lessons.plots.charts import bars
from inception_lessons.plots.experiments import gradient_norms, image_grid, training_curves
from inception_lessons.plots.modules import compare, compare_modules, inception_module, module
from inception_lessons.plots.networks import lineage, network
from inception_lessons.plots.tensors import concatenation, receptive_fields

__all__ = [
    "PALETTE",
    "ThemedFigure",
    "bars",
    "compare",
    "compare_modules",
    "concatenation",
    "gradient_norms",
    "image_grid",
    "inception_module",
    "lineage",
    "module",
    "network",
    "receptive_fields",
    "training_curves",
]
