"""Chapter 02: the predictions and exercises on LeNet-5."""

import math
from collections.abc import Callable, Sequence
from itertools import combinations

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import LENET5_INPUT_SIZE, LENET5_LAYERS
from inception_lessons.widgets import Choice, Mistake, Number, Option

_LAYERS = {row.key: row for row in LENET5_LAYERS}
_PARAMETERS = {key: total.parameters for key, total in costs.by_row(costs.lenet5()).items()}
_CONNECTIONS = costs.lenet5_connections()
_INPUTS = [len(inputs) for inputs in costs.inputs_of_maps()]
_S2_MAPS = _LAYERS["S2"].maps

# Predictions

_C1 = _LAYERS["C1"]

predict_connections = Number(
    "02-predict-connections",
    f"LeNet-5's first convolution has {_C1.maps} filters of {_C1.patch}×{_C1.patch} on one grey channel, "
    f"each with a bias: {_PARAMETERS['C1']} parameters. Its outputs are {_C1.maps} maps of "
    f"{_C1.size}×{_C1.size} units. Draw a line into each unit from each number that it reads, and one from "
    "its bias. How many lines?",
    _CONNECTIONS["C1"],
    "connections",
    relative_tolerance=0.001,
    mistakes=[
        Mistake(_PARAMETERS["C1"], "Those are the parameters. Every one of them serves all positions."),
        Mistake(
            _C1.size**2 * _C1.maps * _C1.patch**2,
            "Almost: each unit also has a line from its bias. (What you have counted are the MACs.)",
        ),
        Mistake(_C1.size**2 * (_C1.patch**2 + 1), "That is one map. There are six."),
        Mistake(_C1.size**2 * _C1.maps, "Those are the units. Each of them has more than one line."),
    ],
    hint="So many units, and each reads 25 numbers and one bias.",
    explanation="Every parameter of this layer makes 784 connections: one at each position of a map.",
)

_FULL_C3 = costs.conv2d(_S2_MAPS, _LAYERS["C3"].maps, _LAYERS["C3"].patch, _LAYERS["S2"].size).parameters
_ADDED = {
    "C3": _FULL_C3 - _PARAMETERS["C3"],
    "poolings": -(_PARAMETERS["S2"] + _PARAMETERS["S4"]),
    "output": costs.linear(_LAYERS["F6"].maps, _LAYERS["OUTPUT"].maps).parameters,
}
_LARGEST = max(_ADDED, key=lambda change: _ADDED[change])

predict_change = Choice(
    "02-predict-change",
    "Three changes from the printed LeNet-5 to a taught one alter the number of parameters. The second "
    f"convolution of the printed network has {sum(_INPUTS)} kernels of {_LAYERS['C3'].patch}×"
    f"{_LAYERS['C3'].patch}; the taught one has all {_S2_MAPS}·{_LAYERS['C3'].maps}. The printed poolings "
    "train two numbers for each map; the taught ones train none. The printed output compares "
    f"{_LAYERS['F6'].maps} numbers with {_LAYERS['OUTPUT'].maps} fixed pictures; the taught one is a dense "
    "layer with biases. Which change adds the most parameters?",
    [
        Option(
            "The second convolution gets all its kernels",
            _LARGEST == "C3",
            "36 more kernels of 5×5 numbers. The next one is close behind it.",
        ),
        Option(
            "The output becomes a dense layer",
            _LARGEST == "output",
            "It adds 84·10 weights and 10 biases: a lot, but 36 kernels of 5×5 are more.",
        ),
        Option(
            "The poolings train nothing",
            _LARGEST == "poolings",
            "That change removes parameters: two for each map.",
        ),
    ],
)

# Exercises

equal_start = Choice(
    "02-equal-start",
    "Someone starts the full second convolution (16 maps, all reading six) and the layers behind it with all "
    "weights of a layer equal (not zero), and trains with gradient descent. Without rounding, how many "
    "different maps does it have after a thousand steps?",
    [
        Option("16: the training images differ", False, "All 16 filters see the same images, always."),
        Option(
            "6: one for each map that it reads",
            False,
            "The six inputs do differ. But each of the 16 maps reads all six of them in the same way.",
        ),
        Option(
            "1: all sixteen stay equal",
            True,
            "Equal weights, equal inputs, equal gradients: nothing can ever tell them apart.",
        ),
        Option("None: nothing is learned", False, "They do learn. But they all learn the same."),
    ],
)

LARGER_IMAGE = 40


def _grid_of_c5(size: int) -> int:
    for row in LENET5_LAYERS[:5]:
        stride = row.patch if row.type == "subsampling" else 1
        size = costs.conv_output_size(size, row.patch, stride)
    return size


scanner = Number(
    "02-scanner",
    f"C5 is called a convolution, although it reads its whole input of 5×5 positions. Give the convolutional "
    f"part of LeNet-5 an image of {LARGER_IMAGE}×{LARGER_IMAGE} pixels in place of "
    f"{LENET5_INPUT_SIZE}×{LENET5_INPUT_SIZE}. At how many positions does C5 have an output?",
    _grid_of_c5(LARGER_IMAGE) ** 2,
    "positions",
    mistakes=[
        Mistake(_grid_of_c5(LENET5_INPUT_SIZE), f"That is so for {LENET5_INPUT_SIZE} pixels."),
        Mistake(_grid_of_c5(LARGER_IMAGE), "That is one axis of two."),
        Mistake(
            (LARGER_IMAGE - LENET5_INPUT_SIZE + 1) ** 2,
            "So many windows of 32×32 fit, but two subsamplings visit only every fourth along each axis.",
        ),
    ],
    hint="Follow one axis: a convolution takes four positions away, a subsampling halves.",
    explanation="The network reads windows of 32×32, four pixels apart. A dense layer would have refused.",
)

relu_codes = Choice(
    "02-relu-codes",
    "You replace the squashing function of F6 by a ReLU and keep the output with its codes of +1 and −1. "
    "What happens?",
    [
        Option("Nothing: a ReLU trains better", False, "What is the smallest number that a ReLU gives?"),
        Option(
            "F6 can no longer equal any code: every penalty is at least the number of −1 in the code",
            True,
            "A ReLU never gives −1; the best it can do there is 0, at a squared distance of 1 for each.",
        ),
        Option(
            "The penalties can become negative",
            False,
            "They are sums of squares, whatever F6 gives.",
        ),
        Option(
            "The parameters become fewer",
            False,
            "Neither function has any.",
        ),
    ],
)


def _count_layer(inputs: Sequence[int], kernel_size: int, grid: int) -> tuple[int, int]:
    parameters = sum(maps * kernel_size**2 + 1 for maps in inputs)
    return parameters, parameters * grid**2


def _judge_count(function: Callable[..., Sequence[int]]) -> str | None:
    cases = [([1] * 6, 5, 28), (_INPUTS, 5, 10), ([6] * 16, 5, 10), ([16] * 120, 5, 1), ([2, 1], 3, 4)]
    if not callable(function):
        return compare(function, _count_layer, cases)

    def pair(*case: object) -> tuple[int, ...] | None:
        counts = function(*case)
        return None if counts is None else tuple(counts)

    return compare(pair, _count_layer, cases)


count_layer = Task(
    "02-count-layer",
    _judge_count,
    "C1, C3 as printed, C3 full, C5, and one layer of no paper.",
)


def _ring(count: int, maps: int) -> list[tuple[int, ...]]:
    return [tuple(sorted((first + step) % maps for step in range(count))) for first in range(maps)]


def _judge_ring(function: Callable[..., Sequence[Sequence[int]]]) -> str | None:
    cases = [(3, 6), (4, 6), (1, 3), (2, 5)]
    if not callable(function):
        return compare(function, _ring, cases)

    def subsets(*case: int) -> list[tuple[int, ...]] | None:
        found = function(*case)
        return None if found is None else [tuple(sorted(subset)) for subset in found]

    return compare(subsets, _ring, cases)


ring = Task("02-ring", _judge_ring, "Twelve of the sixteen columns of Table I, in two calls.")


def _judge_dense_output(
    function: Callable[[list[list[float]]], tuple[Sequence[Sequence[float]], Sequence[float]]],
) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    cases = [
        ([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]], [[0.5, -2.0], [1.0, 1.0]]),
        ([[3.0, 0.0, 1.0], [0.0, 0.5, 2.0]], [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-1.0, 4.0, 0.5]]),
    ]
    for codes, features in cases:
        result = function([list(code) for code in codes])
        if result is None or result is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        weights, biases = result
        if len(weights) != len(codes) or len(biases) != len(codes):
            return f"For {len(codes)} codes give {len(codes)} rows of weights and as many biases."
        for x in features:
            gaps = []
            for code, row, bias in zip(codes, weights, biases, strict=True):
                logit = bias + sum(w * v for w, v in zip(row, x, strict=True))
                gaps.append(logit + sum((v - c) ** 2 for v, c in zip(x, code, strict=True)))
            if max(gaps) - min(gaps) > 1e-9 * (1 + max(map(abs, gaps))):
                return (
                    f"For the codes {codes} and F6 = {x} your logits plus the penalties are {gaps}; they "
                    "should be the same number for every class."
                )
    return None


dense_output = Task(
    "02-dense-output",
    _judge_dense_output,
    "Softmax makes the same of your logits as of the penalties with a minus sign, also where the codes "
    "have unequal lengths.",
)


def _map_loss(penalties: Sequence[float], right: int, j: float) -> float:
    return penalties[right] + math.log(math.exp(-j) + sum(math.exp(-p) for p in penalties))


def _judge_map_loss(function: Callable[..., float]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    for case in (([0.0, 1.0], 0, 1.0), ([2.0, 0.5, 3.0], 2, 0.7), ([4.0, 1.0], 1, math.inf)):
        got, wanted = function(*case), _map_loss(*case)
        if got is None or got is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        if not math.isclose(got, wanted, rel_tol=1e-6):
            asked = f"the penalties {case[0]}, class {case[1]} and j = {case[2]}"
            return f"For {asked} the function gives {got:.6g}, and {wanted:.6g} is expected."
    return None


map_loss = Task("02-map-loss", _judge_map_loss, "With a background class, and without.")

BUDGET = 48
"""Kernels of the table to order; the paper's has 60."""


def _judge_table(columns: Sequence[Sequence[int]]) -> str | None:
    maps = _LAYERS["C3"].maps
    if isinstance(columns, str) or len(columns) != maps:
        return f"Give a list with {maps} columns, one for each map of C3; yours has {len(columns)}."
    sets = [frozenset(column) for column in columns]
    for number, (column, distinct) in enumerate(zip(columns, sets, strict=True)):
        if len(column) != len(distinct) or not distinct <= set(range(_S2_MAPS)):
            return f"Column {number} is {tuple(column)}: it needs different numbers from 0 to {_S2_MAPS - 1}."
    for (i, one), (j, other) in combinations(enumerate(sets), 2):
        if one == other:
            return f"Columns {i} and {j} are the same: these two maps could stay equal."
    kernels = sum(map(len, sets))
    if kernels > BUDGET:
        return f"The table has {kernels} kernels; at most {BUDGET} are wanted."
    if min(map(len, sets)) < 2:
        return "Every map of C3 must combine two maps of S2 at least."
    uses = [sum(number in column for column in sets) for number in range(_S2_MAPS)]
    if max(uses) - min(uses) > 1:
        return f"The maps of S2 are read {uses} times; the numbers should differ by one at most."
    return None


table_to_order = Task(
    "02-table-to-order",
    _judge_table,
    "Fewer kernels than the paper's, every map different, every input used as often. Whether it classifies "
    "as well, arithmetic cannot say.",
)

seed_study = study_of_seeds(
    "02-seed-study",
    remark="Your conclusion follows from your runs. Look at each of them, too: one near 10 % has learned "
    "nothing, and says more about the rate than about the pooling.",
)
