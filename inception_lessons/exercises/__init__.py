"""The questions and tasks of each chapter, one module per chapter, and the checks that judge an answer.

Every expected number is computed from the papers' tables; none is typed in.
"""

from inception_lessons.exercises._task import Task

__all__ = ["Task"]
