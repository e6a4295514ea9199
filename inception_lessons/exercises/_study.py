"""An exercise of several chapters: compare two recipes over several seeds and conclude from the numbers."""

import math
from collections.abc import Mapping, Sequence

from inception_lessons._check import members
from inception_lessons.exercises._task import Task

_CHANCE = (
    "Your conclusion follows from your runs. Beware of small numbers: two recipes that are equally good "
    f"give ranges without overlap in {2 / math.comb(6, 3):.0%} of all studies with three seeds each."
)


def study_of_seeds(
    key: str,
    *,
    names: tuple[str, str] = ("first", "second"),
    losses: bool = False,
    remark: str = _CHANCE,
) -> Task:
    """Return the task that judges `(results, conclusion)`: two recipes' results by name, and which won.

    Args:
        names: what the recipes are called in the conclusion; the third one is "not settled".
        losses: whether the results are losses, of which the lower wins, and not accuracies.
        remark: what is said to a conclusion that follows.
    """
    conclusions = (*members("names", names), "not settled")
    what, highest = ("loss", math.inf) if losses else ("accuracy", 1)

    def judge(study: tuple[Mapping[str, Sequence[float]], str]) -> str | None:
        results, conclusion = study
        if conclusion not in conclusions:
            return f"The conclusion must be one of {', '.join(map(repr, conclusions))}, got {conclusion!r}."
        if len(results) != 2:
            return f"Compare two recipes; you give {len(results)}."
        for name, runs in results.items():
            if len(runs) < 3:
                return f"Recipe {name!r} has {len(runs)} runs; three seeds are the least that shows a spread."
            if not all(0 <= run <= highest and math.isfinite(run) for run in runs):
                return f"Recipe {name!r} has a {what} outside 0 to {highest}."
        first, second = results.values()
        if max(first) < min(second) or max(second) < min(first):
            settled = names[(max(first) < min(second)) != losses]
        else:
            settled = "not settled"
        if conclusion != settled:
            return (
                f"The first ranges from {min(first):.3f} to {max(first):.3f}, the second from "
                f"{min(second):.3f} to {max(second):.3f}. The {'lower' if losses else 'higher'} {what} wins "
                "if the ranges do not overlap. Conclude from that."
            )
        return None

    return Task(key, judge, remark)
