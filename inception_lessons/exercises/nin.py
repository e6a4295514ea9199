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
    explanation="Two more layers, for about a sixth more work. Behind a kernel that reads few channels it "
    "is another matter: see the next table.",
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
    "class *bag* is negative at all positions before that ReLU. What does one step of plain gradient "
    "descent, without momentum and weight decay, do to the filter that makes this map?",
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

_ONE = costs.conv2d(256, 64, 1, 16, bias=True)

weights_1x1 = Number(
    "04-weights-1x1",
    "A 1×1 convolution takes 256 channels to 64. The grid on which it works doubles, from 8×8 to 16×16. How "
    "many parameters has it now, with biases?",
    _ONE.parameters,
    "parameters",
    mistakes=[
        Mistake(256 * 64, "Those are the weights. Add one bias per output."),
        Mistake(4 * _ONE.parameters, "Four times as many positions, and the same weights at each of them."),
        Mistake(_ONE.macs, "Those are its MACs: the same weights work again at every position."),
        Mistake(1, "One number per pair of channels, not one in all: a 1×1 reads every channel."),
    ],
    hint="It is a dense layer from the input channels to the output channels, shared by all positions.",
    explanation="No word about the grid: a 1×1 has the same parameters on every one. Its MACs quadruple.",
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
    "With all biases 0, another scale of the weights silences no class and wakes none. Now the biases are "
    "not 0, and you double all weights. What must you do to the biases, if no number in the network is to "
    "change its sign?",
    [
        Option(
            "Nothing: they do not depend on the weights",
            False,
            "A bias is added to a weighted sum. If the sum grows and the bias does not, the sign can turn.",
        ),
        Option(
            "Double them all",
            False,
            "Right for the first layer. The second reads numbers twice as large and doubles them once more.",
        ),
        Option(
            "Multiply those of layer l by 2 to the power of l",
            True,
            "After l layers the signal is 2 to the power of l times as large, and the bias must be so too.",
        ),
        Option(
            "There is no way: the biases must be 0",
            False,
            "There is one. By which factor has the weighted sum of the first layer grown, and of the second?",
        ),
    ],
)

commute = Choice(
    "04-commute",
    "Head A takes a 1×1 to the class maps, then ReLU, then the mean of each map. Head B takes the mean of "
    "each feature map, then a dense layer with the same weights, then ReLU. What holds for their logits?",
    [
        Option(
            "They are equal, because a mean of sums is the sum of the means",
            False,
            "Without the ReLU, yes. With it, try a map of the two numbers 1 and −1.",
        ),
        Option(
            "A's is never below B's",
            True,
            "In A a negative position counts as 0; in B it cancels a positive one. So A's is not smaller.",
        ),
        Option(
            "B's is never below A's",
            False,
            "Try a map of the two numbers 1 and −1: A gives 1/2. And B?",
        ),
        Option(
            "Either may be larger",
            False,
            "In A a negative position counts as 0. What does it do in B? Can that make B's mean larger?",
        ),
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

_RUNS, _LEVEL = 10, 0.05
_RATE = 100 * (1 - _LEVEL ** (1 / _RUNS))

none_of_ten = Number(
    "04-none-of-ten",
    f"None of {_RUNS} seeds failed. Suppose that a share p of all seeds fails. How large can p be so that "
    f"{_RUNS} seeds without a failure still happen in one of {1 / _LEVEL:.0f} such experiments?",
    _RATE,
    "%",
    tolerance=0.5,
    mistakes=[
        Mistake(
            10,
            f"With p = 10 % you see no failure in {0.9**_RUNS:.0%} of all experiments. p can be larger.",
        ),
        Mistake(
            300 / _RUNS,
            "That is the rule of three, 3/n, which is good for many runs. Solve (1 − p)ⁿ = 1/20 exactly.",
        ),
        Mistake(5, "That is how often it happens, not how often a seed fails."),
        Mistake(0, "With p = 0 it always happens. How large can p be?"),
    ],
    hint="One seed succeeds with probability 1 − p. All of them do with which probability?",
    explanation="So ten clean runs still fit with a failure in every fourth seed. They do not say: never.",
)

cure_study = study_of_seeds(
    "04-cure-study",
    names=("with", "without"),
    remark="Your conclusion follows from your runs. They share their seeds, so compare them pair by pair "
    "too: a difference with the same sign in every pair is worth a look, even where the ranges overlap.",
)
