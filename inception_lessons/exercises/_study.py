"""An exercise of several chapters: compare two recipes over several seeds and conclude from the numbers."""

import math
from collections.abc import Mapping, Sequence

from inception_lessons.exercises._task import Task

CONCLUSIONS = ("first", "second", "not settled")
"""What a comparison of two recipes over several seeds may conclude."""


def _judge_seed_study(study: tuple[Mapping[str, Sequence[float]], str]) -> str | None:
    results, conclusion = study
    if conclusion not in CONCLUSIONS:
        return f"The conclusion must be one of {', '.join(map(repr, CONCLUSIONS))}, got {conclusion!r}."
    if len(results) != 2:
        return f"Compare two recipes; you give {len(results)}."
    for name, accuracies in results.items():
        if len(accuracies) < 3:
            return (
                f"Recipe {name!r} has {len(accuracies)} runs; three seeds are the least that shows a spread."
            )
        if not all(0 <= accuracy <= 1 for accuracy in accuracies):
            return f"Recipe {name!r} has an accuracy outside 0 to 1."
    first, second = results.values()
    settled = "first" if min(first) > max(second) else "second" if min(second) > max(first) else "not settled"
    if conclusion != settled:
        return (
            f"The first ranges from {min(first):.3f} to {max(first):.3f}, the second from {min(second):.3f} "
            f"to {max(second):.3f}. Do the ranges overlap? Conclude from that."
        )
    return None


def study_of_seeds(key: str) -> Task:
    """Return the task that judges `(results, conclusion)`: two recipes' accuracies by name, and which won."""
    return Task(
        key,
        _judge_seed_study,
        "Your conclusion follows from your runs. Beware of small numbers: two recipes that are equally good "
        f"give ranges without overlap in {2 / math.comb(6, 3):.0%} of all studies with three seeds each.",
    )
