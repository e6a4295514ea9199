"""Runs the book's experiments and records them: `python -m inception_lessons.experiments NAME`."""

from inception_lessons.experiments.running import conditions, run_experiment, train_once

__all__ = ["conditions", "run_experiment", "train_once"]
