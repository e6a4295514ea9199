"""Widgets that live in the page: without a kernel there, and with `.live()` in a notebook."""

from inception_lessons.widgets.answer_check import Choice, Feedback, Mistake, Number, Option
from inception_lessons.widgets.cost_bench import CostBench, HeadBench

INSTRUMENTS = (
    CostBench,
    HeadBench,
)
"""The widgets whose reader sets controls, in the order of the gallery."""

__all__ = ["INSTRUMENTS", "Choice", "CostBench", "Feedback", "HeadBench", "Mistake", "Number", "Option"]
