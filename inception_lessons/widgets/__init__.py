"""Widgets that live in the page: without a kernel there, and with `.live()` in a notebook."""

from inception_lessons.widgets._page import share
from inception_lessons.widgets.accuracy_cost import AccuracyCost
from inception_lessons.widgets.answer_check import Choice, Feedback, Mistake, Number, Option
from inception_lessons.widgets.auxiliary_gradients import AuxiliaryGradients
from inception_lessons.widgets.convolution_explorer import ConvolutionExplorer
from inception_lessons.widgets.cost_bench import CostBench, HeadBench
from inception_lessons.widgets.grid_reduction import GridReduction
from inception_lessons.widgets.label_smoothing import LabelSmoothing
from inception_lessons.widgets.module_designer import ModuleDesigner
from inception_lessons.widgets.network_map import NetworkMap
from inception_lessons.widgets.receptive_field import ReceptiveField

INSTRUMENTS = (
    ConvolutionExplorer,
    ReceptiveField,
    CostBench,
    ModuleDesigner,
    HeadBench,
    NetworkMap,
    GridReduction,
    LabelSmoothing,
    AuxiliaryGradients,
    AccuracyCost,
)
"""The widgets whose reader sets controls, in the order of the gallery."""

__all__ = [
    "INSTRUMENTS",
    "AccuracyCost",
    "AuxiliaryGradients",
    "Choice",
    "ConvolutionExplorer",
    "CostBench",
    "Feedback",
    "GridReduction",
    "HeadBench",
    "LabelSmoothing",
    "Mistake",
    "ModuleDesigner",
    "NetworkMap",
    "Number",
    "Option",
    "ReceptiveField",
    "share",
]
