"""Widgets that live in the page: without a kernel there, and with `.live()` in a notebook."""

from inception_lessons.widgets.answer_check import Choice, Feedback, Mistake, Number, Option
from inception_lessons.widgets.cost_bench import CostBench

__all__ = ["Choice", "CostBench", "Feedback", "Mistake", "Number", "Option"]
