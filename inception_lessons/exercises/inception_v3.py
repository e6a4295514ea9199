"""Chapter 08: the predictions and exercises on the recipe of Inception v3."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from inception_lessons._check import number, positive
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task
from inception_lessons.papers import (
    RETHINKING_LABEL_SMOOTHING,
    RETHINKING_TABLE_3,
    RETHINKING_TABLE_4,
    RETHINKING_TRAINING,
)
from inception_lessons.records import EXPERIMENTS
from inception_lessons.widgets import Choice, Mistake, Number, Option

STEPS = tuple(row.network.removeprefix("Inception-v2 ") for row in RETHINKING_TABLE_3)
"""Short names of the rows of Table 3, such as "RMSProp"."""

ERRORS = dict(zip(STEPS, (row.top1_error for row in RETHINKING_TABLE_3), strict=True))
"""Top-1 error in percent after each step of Table 3."""


def gain(first: str, last: str) -> float:
    """Return the points of top-1 error that Table 3 gains from one of its rows to another."""
    return round(ERRORS[first] - ERRORS[last], 1)


_ALL = gain("BN-Inception", "BN-auxiliary")
_RECIPE = gain("Inception-v2", "Label Smoothing")

# Targets


def smoothed_target(epsilon: float, classes: int) -> tuple[float, float]:
    """Return what smoothing asks for: the probability of the right class and of each other class.

    Raises:
        ValueError: `epsilon` is not between 0 and 1, or `classes` below 1.
    """
    if not 0 <= number("epsilon", epsilon) <= 1:
        raise ValueError(f"epsilon must be between 0 and 1, got {epsilon}: it is a share of the target")
    positive("classes", classes)
    return 1 - epsilon + epsilon / classes, epsilon / classes


def loss_floor(epsilon: float, classes: int) -> float:
    """Return the smallest cross-entropy with smoothed targets, in nats: the entropy of the target."""
    right, wrong = smoothed_target(epsilon, classes)
    return sum(-count * q * math.log(q) for count, q in ((1, right), (classes - 1, wrong)) if q > 0)


def logit_gap(epsilon: float, classes: int) -> float:
    """Return how far the right logit stands above the others where that loss is smallest; without smoothing,
    infinity."""
    right, wrong = smoothed_target(epsilon, classes)
    return math.log(right / wrong) if wrong else math.inf


_EPSILON, _CLASSES = RETHINKING_LABEL_SMOOTHING
_FEW = 10

# Predictions

predict_recipe = Choice(
    "08-predict-recipe",
    f"From BN-Inception to Inception v3 the top-1 error falls from {ERRORS['BN-Inception']} to "
    f"{ERRORS['BN-auxiliary']} %, by {_ALL} points. Two of the steps on the way change nothing but training: "
    "another optimizer and label smoothing. How many of the points come with these two together?",
    [
        Option(
            f"about {_RECIPE / 3:.1f}",
            False,
            "More. One of the two alone gains more; the table below has the numbers.",
        ),
        Option(
            f"about {_RECIPE:.1f}",
            True,
            "Read on before you call it little: what the other points came with is not obvious either.",
        ),
        Option(
            f"about {_ALL / 2:.0f}",
            False,
            "Half of it? Less. The table below has the numbers.",
        ),
        Option(
            f"about {_ALL - _RECIPE - 0.4:.0f}",
            False,
            "Less. New modules, larger images, a new stem and a change of the auxiliary head bring most.",
        ),
    ],
)

predict_floor = Choice(
    "08-predict-floor",
    f"A classifier of {_CLASSES:,} classes is asked not to be sure: to give the right class about "
    f"{1 - _EPSILON:.0%} and all others equal shares of the rest. Its loss is the cross-entropy with these "
    "shares, the mean of −ln p over the classes, weighted by the shares. What is the smallest it can be?",
    [
        Option("0 nats", False, "Only a target of 100 % allows that. Here 0 would miss the target."),
        Option(
            f"about {-math.log(1 - _EPSILON):.1f} nats",
            False,
            "That is −ln 0.9, the part of the right class. The many small shares of the others cost more.",
        ),
        Option(
            "about 1 nat",
            True,
            "The rest is a tenth, but it is spread over a thousand classes, and each of them costs −ln of a "
            "tiny number.",
        ),
        Option(
            f"about {math.log(_CLASSES):.1f} nats",
            False,
            "That is ln 1000, the loss of a network that knows nothing.",
        ),
    ],
)

# Exercises

stuck_loss = Choice(
    "08-stuck-loss",
    f"You train on {_FEW} classes with label_smoothing={_EPSILON}. For many epochs the training loss has "
    f"stood at {loss_floor(_EPSILON, _FEW) + 0.02:.2f} nats. What do you do?",
    [
        Option(
            "Raise the learning rate: the network is stuck far from 0",
            False,
            "It can't come near 0. Compute the smallest loss that these targets allow.",
        ),
        Option(
            "Train longer: the loss will go on towards 0",
            False,
            "With smoothed targets the loss is never smaller than their entropy.",
        ),
        Option(
            "Nothing: on the training images there is almost nothing left to gain",
            True,
            f"The floor is {loss_floor(_EPSILON, _FEW):.3f} nats. Look at the accuracy on other images.",
        ),
        Option(
            "Switch the smoothing off: it has spoiled the training",
            False,
            "Without it the loss would be a smaller number, but of another quantity.",
        ),
    ],
)


def _near(function: Callable[..., float], reference: Callable[..., float], cases: list[tuple]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    for arguments in cases:
        got, expected = function(*arguments), reference(*arguments)
        if isinstance(got, bool) or not isinstance(got, int | float):
            return f"For {arguments} the function must return a number, and it returns {got!r}."
        if not math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-9):
            return f"For {arguments} the function gives {got:.6g}, and {expected:.6g} is expected."
    return None


floor_task = Task(
    "08-floor",
    lambda function: _near(
        function,
        loss_floor,
        [(_EPSILON, _CLASSES), (_EPSILON, _FEW), (0.2, 2), (0.5, 100), (1.0, 7), (0.0, 10)],
    ),
    "Right for a thousand classes and for two, for ε = 1, where nothing is left but ln K, and for ε = 0, the "
    "one-hot target.",
)

floor_ten = Number(
    "08-floor-ten",
    f"What does your function give for ε = {_EPSILON} and {_FEW} classes?",
    loss_floor(_EPSILON, _FEW),
    "nats",
    tolerance=0.002,
    mistakes=[
        Mistake(loss_floor(_EPSILON, _CLASSES), f"That is for {_CLASSES:,} classes."),
        Mistake(-math.log(1 - _EPSILON + _EPSILON / _FEW), "That is the right class alone: add the others."),
        Mistake(
            loss_floor(_EPSILON, _FEW) / math.log(2), "That is in bits. Take the natural logarithm: nats."
        ),
    ],
    hint="The target's entropy: one term for the right class, and one for each of the nine others.",
    explanation="Half of what a thousand classes cost, for the same ε: floors of two tasks do not compare.",
)

gap_ten = Number(
    "08-gap-ten",
    f"And how far should the right logit stand above each of the others, for ε = {_EPSILON} and {_FEW} "
    "classes?",
    logit_gap(_EPSILON, _FEW),
    tolerance=0.005,
    mistakes=[
        Mistake(logit_gap(_EPSILON, _CLASSES), f"That is for {_CLASSES:,} classes."),
        Mistake(
            math.log((1 - _EPSILON) / (_EPSILON / _FEW)),
            "The right class gets its share of the ε, too: its target is 1 − ε + ε/K.",
        ),
    ],
    hint="ln of the right class's target divided by another class's target.",
    explanation="The lesson network of this chapter was asked for just that.",
)


def _clipped(gradients: Sequence[float], threshold: float) -> list[float]:
    norm = math.hypot(*gradients)
    return [value * min(1.0, threshold / norm) if norm else 0.0 for value in gradients]


def _judge_clip(function: Callable[..., Sequence[float]]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    for gradients in ([3.0, 4.0], [0.3, 0.4], [-1.0, 2.0, -2.0], [0.0, 0.0], [2.0]):
        threshold = RETHINKING_TRAINING.clip
        got, expected = function(list(gradients), threshold), _clipped(gradients, threshold)
        if got is None or got is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        if len(got) != len(expected) or not all(map(math.isclose, got, expected)):
            shown = ", ".join(f"{value:.4g}" for value in expected)
            return f"For {gradients} and threshold {threshold} the result is {list(got)}, not [{shown}]."
    return None


clip_task = Task(
    "08-clip",
    _judge_clip,
    "Long gradients are shortened, short ones and zero are left alone, and none changes its direction.",
)

_FEWER, _MORE = RETHINKING_TABLE_4
_GAINED = _FEWER.top1_error - _MORE.top1_error
_DOUBLINGS = math.log2(_MORE.crops / _FEWER.crops)

per_doubling = Number(
    "08-per-doubling",
    f"From {_FEWER.crops} crops to {_MORE.crops} the top-1 error falls from {_FEWER.top1_error} to "
    f"{_MORE.top1_error} %. How many points is that for each doubling of the work?",
    _GAINED / _DOUBLINGS,
    "points",
    tolerance=0.005,
    mistakes=[
        Mistake(
            (ERRORS["BN-auxiliary"] - _FEWER.top1_error) / math.log2(_FEWER.crops),
            f"That is from one crop to {_FEWER.crops}, more than twice as much.",
        ),
        Mistake(
            _GAINED / (_MORE.crops / _FEWER.crops),
            f"{_MORE.crops / _FEWER.crops:.0f} times the work is not so many doublings: take log₂.",
        ),
        Mistake(_GAINED, "That is the whole gain. Divide by the number of doublings."),
    ],
    hint=f"log₂({_MORE.crops}/{_FEWER.crops}) doublings.",
    explanation=f"From one crop to {_FEWER.crops} a doubling brings more than twice as much.",
)


def gain_by_kind(errors: Sequence[float], kinds: Sequence[str]) -> dict[str, float]:
    """Return the points gained by the steps of each kind: `kinds[i]` leads from error i to error i + 1."""
    found: dict[str, float] = {}
    for (before, after), kind in zip(pairwise(errors), kinds, strict=True):
        found[kind] = found.get(kind, 0.0) + before - after
    return found


def _judge_kinds(function: Callable[..., Mapping[str, float]]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    cases = [([30.0, 28.0, 27.0, 25.5], ["a", "b", "a"]), (list(ERRORS.values()), list("gggatsh"))]
    for errors, kinds in cases:
        got, expected = function(errors, kinds), gain_by_kind(errors, kinds)
        if got is None or got is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        if set(got) != set(expected):
            return f"For {kinds} the keys must be {sorted(expected)}, and they are {sorted(got)}."
        for kind, value in expected.items():
            if not math.isclose(got[kind], value, abs_tol=1e-6):
                return f"For {errors} and {kinds}, {kind!r} gains {value:.1f} points, not {got[kind]:.1f}."
    return None


kinds_task = Task(
    "08-kinds",
    _judge_kinds,
    "The sums are right. Whether the kinds are, no function can tell.",
)

head_reads = Choice(
    "08-head-reads",
    "Someone trains Inception v3 with its auxiliary head on images of 224×224 pixels, and the program stops "
    "with an error in the head. Why?",
    [
        Option(
            "The linear layer has the wrong number of classes",
            False,
            "The number of classes has nothing to do with the size of the image.",
        ),
        Option(
            "The 17×17 grid has become 12×12, and after its pooling the 5×5 has too few positions",
            True,
            "12 positions pooled by 5 with stride 3 leave 3, and a 5×5 without padding needs 5.",
        ),
        Option(
            "The main network does not accept 224×224 pixels either",
            False,
            "It does: every layer still has an output, and the last pooling averages whatever grid is left.",
        ),
        Option(
            "Batch norm in the head needs more images",
            False,
            "It needs more than one number per channel in training. Here no number arrives at all.",
        ),
    ],
)

_SEEDS = EXPERIMENTS["idea_by_idea"].seeds

seed_study = study_of_seeds(
    "08-seed-study",
    names=("one-hot", "smoothed"),
    remark="Your conclusion follows from the runs. Two recipes that are equally good give ranges without "
    f"overlap in {2 / math.comb(2 * _SEEDS, _SEEDS):.1%} of studies with {_SEEDS} seeds each; ranges that "
    "overlap do not show that two recipes are equal.",
)
