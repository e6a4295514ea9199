"""Chapter 01: the predictions and exercises on what a convolution costs."""

import math
from collections.abc import Callable, Sequence

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import GOOGLENET_TABLE_1
from inception_lessons.widgets import Choice, Mistake, Number, Option

IMAGE = 3, 100, 100
"""Channels, height and width of the image that the chapter begins with."""
UNITS, FILTERS = 1_000, 64
"""Units of its dense layer, and filters of the 3×3 convolution beside it."""

# Predictions

_INPUTS = math.prod(IMAGE)
DENSE = costs.linear(_INPUTS, UNITS, bias=False)
CONVOLUTION = costs.conv2d(IMAGE[0], FILTERS, 3, IMAGE[1:], padding=1, bias=False)

predict_dense = Number(
    "01-predict-dense",
    f"A colour photograph has {IMAGE[1]}×{IMAGE[2]} pixels of {IMAGE[0]} numbers each. A layer has {UNITS:,} "
    "units, and each unit has one weight for every number of the image. How many weights are that?",
    DENSE.parameters,
    "weights",
    mistakes=[
        Mistake(_INPUTS, "That is one unit. There are a thousand."),
        Mistake(DENSE.parameters // IMAGE[0], "Each pixel is three numbers: red, green and blue."),
    ],
    hint="Numbers in the image, times units.",
    explanation="Thirty million weights, for a layer that has learned nothing about images yet.",
)

predict_macs = Number(
    "01-predict-macs",
    f"A 3×3 convolution with {FILTERS} filters reads the same image and keeps its height and width. It has "
    f"{CONVOLUTION.parameters:,} weights, {DENSE.parameters / CONVOLUTION.parameters:,.0f} times fewer. "
    "How many times fewer MACs does it take?",
    DENSE.macs / CONVOLUTION.macs,
    "times",
    relative_tolerance=0.03,
    mistakes=[
        Mistake(
            DENSE.parameters / CONVOLUTION.parameters,
            "That is the factor for the weights. But each of them is used at every one of 10,000 positions.",
        ),
        Mistake(
            DENSE.macs / CONVOLUTION.macs * FILTERS,
            f"That is one filter. There are {FILTERS} of them.",
        ),
        Mistake(
            _INPUTS / (9 * IMAGE[0]),
            "That compares one output number with one unit. The convolution has far more outputs than units.",
        ),
    ],
    hint="The dense layer takes one MAC per weight. The convolution takes one per weight and position.",
    explanation="Thousands of times fewer weights, and not even half of the work saved, for "
    f"{CONVOLUTION.activations // DENSE.activations} times as many outputs.",
)

predict_grid = Choice(
    "01-predict-grid",
    "The image of a convolution doubles its height and its width; kernel, channels and stride stay. What "
    "happens to its weights and to its MACs?",
    [
        Option(
            "Both become four times as many",
            False,
            "The same filter visits more positions. It needs no new weights for them.",
        ),
        Option(
            "The weights stay, the MACs double",
            False,
            "The weights stay. But height and width both double: count the positions.",
        ),
        Option(
            "The weights stay, the MACs become four times as many",
            True,
            "Four times as many positions, visited by the same filters.",
        ),
        Option(
            "Neither changes",
            False,
            "The filters are the same, but each has four times as many positions to visit.",
        ),
    ],
)

# Exercises

_STEM = next(row for row in GOOGLENET_TABLE_1 if row.key == "conv1")
_STEM_IN, _STEM_SIZE, _STEM_PADDING = 3, 224, 3
_STEM_COST = costs.conv2d(
    _STEM_IN, _STEM.channels, _STEM.patch, _STEM_SIZE, stride=_STEM.stride, padding=_STEM_PADDING, bias=False
)
_STEM_TEXT = f"{_STEM.patch}×{_STEM.patch} convolution with stride {_STEM.stride} and padding {_STEM_PADDING}"

output_size = Number(
    "01-output-size",
    f"A {_STEM_TEXT} reads {_STEM_SIZE} positions along one axis. How many does it give?",
    costs.conv_output_size(_STEM_SIZE, _STEM.patch, _STEM.stride, _STEM_PADDING),
    "positions",
    mistakes=[
        Mistake(
            costs.conv_output_size(_STEM_SIZE, _STEM.patch, _STEM.stride),
            "That is without the padding, which is added on both sides.",
        ),
        Mistake(
            (_STEM_SIZE + 2 * _STEM_PADDING - _STEM.patch) // _STEM.stride,
            "That counts the steps between the windows. There is one window more than steps.",
        ),
    ],
    hint="The last window must start early enough to fit: at most at the padded size minus the kernel.",
    explanation="Half of the input, exactly: this is how GoogLeNet begins.",
)

strided_shift = Choice(
    "01-strided-shift",
    "A network has two convolutions with stride 2, wraps its images around at the border, and has no dense "
    "layer. You move the image by three pixels. What happens to the last feature map?",
    [
        Option("It moves by three positions", False, "One of its positions stands for four pixels."),
        Option(
            "It stays as it is",
            False,
            "That would be invariance. Nothing in these layers throws the position away.",
        ),
        Option(
            "In general it changes into something that is no moved copy of itself",
            True,
            "The strides multiply to four, and only moves by multiples of four pixels survive both of them.",
        ),
        Option(
            "It moves by three quarters of a position, and its numbers stay",
            False,
            "There is no position between two positions. The windows now fall on other pixels.",
        ),
    ],
)

where = Choice(
    "01-where",
    "A network consists of exactly equivariant layers and a mean over all positions, so its answer is the "
    "same wherever the thing stands. Which task can it not learn?",
    [
        Option(
            "Is there a crack anywhere in this tile?",
            False,
            "Anywhere is exactly what a mean over positions asks for.",
        ),
        Option(
            "Is the label on this bottle in the upper or the lower half of the picture?",
            True,
            "The answer is the position, and the position is what invariance throws away.",
        ),
        Option(
            "Is this a picture of a cat or of a dog?",
            False,
            "A cat that moves stays a cat: here the invariance is welcome.",
        ),
        Option(
            "Is this coin an old one or a new one?",
            False,
            "The kind of coin does not depend on where it lies.",
        ),
    ],
)


def _conv_costs(
    in_channels: int, out_channels: int, kernel_size: int, grid: int, stride: int, padding: int
) -> tuple[int, int, int]:
    cost = costs.conv2d(in_channels, out_channels, kernel_size, grid, stride=stride, padding=padding)
    return cost.parameters, cost.macs, cost.activations


conv_costs = Task(
    "01-conv-costs",
    lambda function: compare(
        function,
        _conv_costs,
        [
            (IMAGE[0], FILTERS, 3, IMAGE[1], 1, 1),
            (_STEM_IN, _STEM.channels, _STEM.patch, _STEM_SIZE, _STEM.stride, _STEM_PADDING),
            (1, 1, 1, 1, 1, 0),
            (5, 7, 3, 10, 3, 0),
            (8, 4, 5, 9, 2, 1),
        ],
    ),
    "Parameters, MACs and activations of five convolutions, with strides and paddings that leave a rest.",
)

stem_macs = Number(
    "01-stem-macs",
    f"How many MACs does the first convolution of GoogLeNet take: the {_STEM_TEXT}, from {_STEM_IN} to "
    f"{_STEM.channels} channels, on {_STEM_SIZE}×{_STEM_SIZE} pixels?",
    _STEM_COST.macs,
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(
            _STEM_COST.parameters * _STEM_SIZE**2,
            "That visits every pixel. With stride 2 the output has a quarter as many positions.",
        ),
        Mistake(_STEM_COST.parameters, "Those are its weights. Each is used at every output position."),
        Mistake(_STEM_COST.macs // _STEM_IN, "Each filter reads all three colours."),
    ],
    hint="Output positions · output channels · input channels · kernel area.",
    explanation="For a layer with fewer than ten thousand weights. (The paper's Table 1 prints "
    f"{_STEM.ops} and {_STEM.params}. Chapter 05 finds out why.)",
)

receptive_field = Task(
    "01-receptive-field",
    lambda function: compare(
        function,
        lambda layers: costs.receptive_field(layers).size,
        [
            ([(3, 1)],),
            ([(3, 1), (3, 1)],),
            ([(3, 2), (3, 2), (3, 1)],),
            ([(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)],),
            ([],),
        ],
    ),
    "Right for stacks with strides, for the beginning of GoogLeNet, and for no layer at all.",
)

_LAYERS_TO_SEE = next(n for n in range(1, 200) if costs.receptive_field([(3, 1)] * n).size >= IMAGE[1])

layers_to_see = Number(
    "01-layers-to-see",
    f"How many 3×3 convolutions with stride 1 must follow each other before one output position sees "
    f"{IMAGE[1]} pixels in a row?",
    _LAYERS_TO_SEE,
    "layers",
    mistakes=[
        Mistake(
            math.ceil(IMAGE[1] / 3), "The windows overlap. After the first, each layer adds 2 pixels, not 3."
        ),
        Mistake(_LAYERS_TO_SEE - 1, f"One too few: after that many, a position sees {IMAGE[1] - 1} pixels."),
        Mistake(IMAGE[1], "Each layer adds two pixels, one on either side."),
    ],
    hint="The first sees 3 pixels; each further one adds 2.",
    explanation="So many layers, to see a small photograph. That is one reason to make grids smaller.",
)


def _as_matrix(kernel: Sequence[float], size: int) -> list[list[float]]:
    outputs = costs.conv_output_size(size, len(kernel))
    return [
        [kernel[column - row] if 0 <= column - row < len(kernel) else 0 for column in range(size)]
        for row in range(outputs)
    ]


def _judge_as_matrix(function: Callable[..., Sequence[Sequence[float]]]) -> str | None:
    cases = [([1, 2, 3], 5), ([-1, 1], 4), ([7], 3), ([1, 2, 3, 4], 4)]
    if not callable(function):
        return compare(function, _as_matrix, cases)

    def rows(*case: object) -> list[list[float]] | None:
        matrix = function(*case)
        return None if matrix is None else [list(row) for row in matrix]

    return compare(rows, _as_matrix, cases)


as_matrix = Task(
    "01-as-matrix",
    _judge_as_matrix,
    "A convolution is a dense layer in which most weights are zero and the others repeat.",
)


_C, _N = 64, 56
_BEFORE = costs.conv2d(_C, _C, 3, _N, padding=1, bias=False)
_AFTER = costs.conv2d(2 * _C, 2 * _C, 3, _N // 2, padding=1, bias=False)

halve_and_double = Number(
    "01-halve-and-double",
    "A 3×3 convolution maps C channels to C on a grid of n×n positions. Later, another maps 2C channels to "
    "2C on a grid of half the height and half the width. How many times the MACs of the first does the "
    "second take?",
    _AFTER.macs / _BEFORE.macs,
    "times",
    tolerance=0.001,
    mistakes=[
        Mistake(
            _AFTER.parameters / _BEFORE.parameters,
            "That is the factor for the weights. Now count the positions, too.",
        ),
        Mistake(2, "Both the input and the output channels double."),
        Mistake(0.5, "Not only the output channels double; the filters also read twice as many."),
        Mistake(0.25, "That is the factor for the positions. The weights change as well."),
    ],
    hint="Four times the weights; how many of the positions?",
    explanation="Equal work, four times the weights. You will meet networks that halve and double all the "
    "way down.",
)

ORDER = {"parameters": 8_000, "macs": 250_000, "receptive_field": 28}
"""Limits of the network to order: at most so many parameters and MACs, at least so many pixels seen."""


def _judge_order(rows: Sequence[Sequence[int]]) -> str | None:
    if isinstance(rows, str) or not isinstance(rows, Sequence) or not rows:
        return "Give a list with one (channels, kernel size, stride) for each convolution."
    channels, grid, layers = 1, 28, []
    for number, (out_channels, kernel, stride) in enumerate(rows, 1):
        if kernel % 2 == 0:
            return f"Convolution {number} has a kernel of {kernel}; the padding (k − 1)/2 needs an odd one."
        layers.append(
            costs.conv2d(channels, out_channels, kernel, grid, stride=stride, padding=(kernel - 1) // 2)
        )
        channels, grid = layers[-1].output_shape[:2]
    layers.append(costs.linear(channels, 10))
    found = {
        "parameters": sum(layer.parameters for layer in layers),
        "macs": sum(layer.macs for layer in layers),
    }
    for name, count in found.items():
        if count > ORDER[name]:
            unit = "MACs" if name == "macs" else name
            return f"It has {count:,} {unit}; at most {ORDER[name]:,} are wanted."
    size = costs.receptive_field([(kernel, stride) for _, kernel, stride in rows]).size
    if size < ORDER["receptive_field"]:
        return f"One position sees {size} pixels in a row; the image has {ORDER['receptive_field']}."
    return None


to_order = Task(
    "01-to-order",
    _judge_order,
    "Within the budget, and every position can see as far as the image is wide. Whether it classifies "
    "well, arithmetic cannot say.",
)

seed_study = study_of_seeds("01-seed-study")
