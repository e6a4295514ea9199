"""Chapter 04: the predictions and exercises on Network in Network."""

from collections.abc import Sequence

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import NIN_CIFAR10
from inception_lessons.widgets import Choice, Mistake, Number, Option

ROWS = {layer.row: layer for layer in costs.nin_cifar10()}
"""The layers with weights of the published network for CIFAR-10, by the names of its definition."""

_CONV = ROWS["conv2"]
_CCCP = [ROWS["cccp3"], ROWS["cccp4"]]

# Predictions

_EXTRA = 100 * sum(layer.cost.macs for layer in _CCCP) / _CONV.cost.macs

predict_extra = Number(
    "04-predict-extra",
    f"A 5×5 convolution reads {_CONV.in_channels} channels and makes {_CONV.cost.output_shape[0]}. Two 1×1 "
    f"convolutions follow, each from {_CCCP[0].in_channels} channels to {_CCCP[0].cost.output_shape[0]}. "
    "Three layers instead of one. How much work do the two add to that of the 5×5?",
    _EXTRA,
    "%",
    tolerance=1,
    mistakes=[
        Mistake(200, "That counts layers. Count the weights: each is used once per position."),
        Mistake(
            _EXTRA / 2,
            "Half of it. Count both 1×1s, and notice that each reads twice as many channels as the 5×5.",
        ),
    ],
    hint="Per position: 25 weights per pair of channels for the 5×5, one per pair for each 1×1.",
    explanation="Two more layers, for about a sixth more work.",
)

_VGG = costs.vgg("D")
_DENSE = [layer for layer in _VGG if layer.kernel_size is None]
_FEATURES = 512
_CLASSES = 1000
_HEAD = costs.linear(_FEATURES, _CLASSES).parameters
_OLD_HEAD = sum(layer.cost.parameters for layer in _DENSE)

predict_head = Number(
    "04-predict-head",
    f"The head of VGG-16 is three dense layers behind {_FEATURES} maps of 7×7. Replace it: take the mean of "
    f"each map, and put one dense layer to {_CLASSES:,} classes behind the {_FEATURES} means, with biases. "
    "How many parameters has the new head?",
    _HEAD,
    "parameters",
    relative_tolerance=0.004,
    mistakes=[
        Mistake(
            costs.linear(_FEATURES * 49, _CLASSES).parameters,
            "That reads all 49 positions of each map. The mean leaves one number per map.",
        ),
        Mistake(_OLD_HEAD, "That is the old head."),
    ],
    hint="One number per map comes in; a mean has no parameters.",
    explanation=f"The old one has {_OLD_HEAD / _HEAD:.0f} times as many.",
)

predict_silent = Choice(
    "04-predict-silent",
    "A network ends in a ReLU and a mean over each class map. For every image of the batch, the map of the "
    "class *bag* is negative at all positions before that ReLU. What does the next step of gradient descent "
    "do to the filter that makes this map?",
    [
        Option(
            "It pushes the map up, because there are bags in the batch",
            False,
            "The loss would like to. But the slope of ReLU is 0 wherever its input is negative.",
        ),
        Option(
            "Nothing: its gradient is exactly 0",
            True,
            "Every way back to the filter passes a ReLU of slope 0. Only changes further down could wake it.",
        ),
        Option(
            "It pushes the map further down",
            False,
            "Down or up, a push needs a gradient, and every way back passes a ReLU of slope 0.",
        ),
        Option(
            "It depends on the learning rate",
            False,
            "The step is the rate times the gradient. What is the gradient behind a closed ReLU?",
        ),
    ],
)

# Exercises

_C1 = ROWS["cccp1"]
_ONE = _C1.cost

weights_1x1 = Number(
    "04-weights-1x1",
    f"The first 1×1 of the network for CIFAR-10 maps {_C1.in_channels} channels to {_ONE.output_shape[0]} on "
    f"{_ONE.output_shape[1]}×{_ONE.output_shape[2]} positions. How many parameters has it, with biases?",
    _ONE.parameters,
    "parameters",
    mistakes=[
        Mistake(_C1.in_channels * _ONE.output_shape[0], "Those are the weights. Add one bias per output."),
        Mistake(_ONE.macs, "Those are its MACs: the same weights work again at every position."),
        Mistake(1, "One number per pair of channels, not one in all: a 1×1 reads every channel."),
    ],
    hint="It is a dense layer from the input channels to the output channels, shared by all positions.",
    explanation="No word about the grid: a 1×1 costs the same parameters on every one.",
)

_SIZES = [(row.patch, row.stride) for row in NIN_CIFAR10 if row.patch and row.type != "avg pool"]
_FIELD = costs.receptive_field(_SIZES).size
_SPATIAL = costs.receptive_field([(k, s) for k, s in _SIZES if s == 1]).size

field = Number(
    "04-field",
    "In the network for CIFAR-10 (its table stands above), how many pixels along one axis can influence one "
    "position of a class map, before the mean?",
    _FIELD,
    "pixels",
    mistakes=[
        Mistake(_SPATIAL, "The poolings widen it too, and each stride doubles the steps of what follows."),
        Mistake(
            5 + 2 + 4 + 2 + 2,
            "Every layer after a pooling takes steps of two pixels, then of four: multiply.",
        ),
    ],
    hint="A kernel k widens it by k − 1 times the product of all strides before. What does k = 1 do?",
    explanation="Six of the nine convolutions contribute nothing: a 1×1 looks at no neighbour.",
)

rescaled = Choice(
    "04-rescaled",
    "All biases are 0. You multiply the weights of every convolution by 10, layer by layer. Before, three of "
    "the ten class maps were 0 everywhere. How many are now?",
    [
        Option("None: larger weights lift them above 0", False, "Ten times a negative number is negative."),
        Option(
            "Three, the same three",
            True,
            "Convolution and ReLU pass a positive factor on unchanged, so no sign changes anywhere.",
        ),
        Option("It depends on the images", False, "On every image, each number keeps its sign. Which rule?"),
        Option("Ten: ReLU saturates", False, "ReLU does not saturate upwards: a positive factor passes it."),
    ],
)

commute = Choice(
    "04-commute",
    "One head takes a 1×1 to the class maps and then the mean of each. Another takes the mean of each "
    "feature map and then a dense layer with the same weights. There is no ReLU between the 1×1 and the "
    "mean. What differs?",
    [
        Option("The logits", False, "A mean of sums is the sum of the means: try it in the cell below."),
        Option("The number of parameters", False, "Both have one weight per feature map and class."),
        Option(
            "The MACs",
            True,
            "The 1×1 works at every position, the dense layer once. Parameters and logits are the same.",
        ),
        Option("Nothing", False, "Count how often the weights are used in each."),
    ],
)


def _mlpconv_macs(in_channels: int, channels: Sequence[int], kernel_size: int, grid: int) -> int:
    first, second, third = channels
    return grid * grid * (kernel_size**2 * in_channels * first + first * second + second * third)


mlpconv_macs = Task(
    "04-mlpconv-macs",
    lambda function: compare(
        function,
        _mlpconv_macs,
        [(3, (192, 160, 96), 5, 32), (96, (192, 192, 192), 5, 16), (192, (192, 192, 10), 3, 8)]
        + [(2, (3, 5, 7), 1, 4)],
    ),
    "The three layers of the published network, and one of our own.",
)


def _heads(channels: int, grid: int, hidden: int, classes: int) -> tuple[int, int]:
    dense = costs.linear(channels * grid * grid, hidden).parameters + costs.linear(hidden, classes).parameters
    return dense, costs.linear(channels, classes).parameters


head_parameters = Task(
    "04-head-parameters",
    lambda function: compare(
        function, _heads, [(512, 7, 4096, 1000), (256, 6, 4096, 1000), (80, 7, 256, 10), (1, 1, 1, 1)]
    ),
    "And only the first of the two numbers depends on the grid, hence on the size of the image.",
)


def _silent(maps: Sequence[Sequence[Sequence[float]]]) -> list[int]:
    classes = range(len(maps[0]))
    return [k for k in classes if all(value <= 0 for image in maps for value in image[k])]


silent = Task(
    "04-silent",
    lambda function: compare(
        function,
        _silent,
        [
            ([[[-1.0, 2.0], [-1.0, -3.0]], [[-1.0, -2.0], [-0.5, 0.0]]],),
            ([[[-1.0, -2.0], [0.1, -3.0], [-1.0, -1.0]]],),
            ([[[0.0, 0.0]], [[1.0, 0.0]]],),
        ],
    ),
    "A class is silent only if it is so at every position of every image.",
)

_FIRST = (_FEATURES, _DENSE[0].cost.output_shape[0], 7)


def _judge_layer(answer: Sequence[int]) -> str | None:
    if len(answer) != 3 or not all(isinstance(number, int) for number in answer):
        return "Give three integers: input channels, output channels, kernel size."
    if tuple(answer) == _FIRST:
        return None
    weights = answer[0] * answer[1] * answer[2] ** 2
    wanted = _FIRST[0] * _FIRST[1] * _FIRST[2] ** 2
    if weights != wanted:
        return f"That convolution has {weights:,} weights, and the dense layer {wanted:,}."
    return "As many weights, but it does not read 512 maps of 7×7 with a window as large as the map."


dense_as_conv = Task(
    "04-dense-as-conv",
    _judge_layer,
    "On 7×7 maps it has one position and is the dense layer. On larger maps it slides.",
)

cure_study = study_of_seeds("04-cure-study")
