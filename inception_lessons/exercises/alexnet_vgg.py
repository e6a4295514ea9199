"""Chapter 03: the predictions and exercises on AlexNet, ZFNet and VGG."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import ALEXNET_DROPOUT, ALEXNET_LAYERS
from inception_lessons.widgets import Choice, Mistake, Number, Option


def _dense(layers: Iterable[costs.LayerCost]) -> costs.Total:
    return costs.total(layer for layer in layers if layer.kernel_size is None)


def _stack_weights(in_channels: int, out_channels: int, kernel_size: int) -> int:
    """Return the weights of the 3×3 convolutions that together see what one k×k sees."""
    further = (kernel_size - 3) // 2
    return 9 * out_channels * (in_channels + further * out_channels)


# Predictions

_ALEXNET = costs.alexnet()
_TOTAL, _IN_DENSE = costs.total(_ALEXNET), _dense(_ALEXNET)
_ROWS = costs.by_row(_ALEXNET)
_UNITS = [row.channels for row in ALEXNET_LAYERS if row.type == "linear"]
_FEATURES = next(layer.in_channels for layer in _ALEXNET if layer.row == "dense6")
_CONVS = [row for row in ALEXNET_LAYERS if row.type == "convolution"]
_LAST_GRID = math.isqrt(_FEATURES // _CONVS[-1].channels)

predict_dense = Number(
    "03-predict-dense",
    f"AlexNet has {len(_CONVS)} convolutions and then {len(_UNITS)} dense layers. Its last map has "
    f"{_CONVS[-1].channels} channels on {_LAST_GRID}×{_LAST_GRID} positions, which makes the {_FEATURES:,} "
    f"inputs of the first dense layer. The three have {_UNITS[0]:,}, {_UNITS[1]:,} and {_UNITS[2]:,} units. "
    f"The whole network has {_TOTAL.parameters:,} parameters. What share of them is in the dense layers?",
    100 * _IN_DENSE.parameters / _TOTAL.parameters,
    "%",
    tolerance=1,
    mistakes=[
        Mistake(
            100 * len(_UNITS) / len(ALEXNET_LAYERS),
            "That is their share of the layers. Multiply inputs by units, three times, and add.",
        ),
        Mistake(
            100 * _ROWS["dense6"].parameters / _TOTAL.parameters,
            "That is the first of the three alone.",
        ),
        Mistake(
            100 * _IN_DENSE.macs / _TOTAL.macs,
            "That is their share of the MACs. A dense layer uses each weight once; a convolution does not.",
        ),
    ],
    hint="A dense layer has inputs · units weights. The outputs of one are the inputs of the next.",
    explanation="Five convolutions share the few percent that are left.",
)

_C = 256
_ONE_7 = costs.conv2d(_C, _C, 7, 7, padding=3, bias=False).parameters
_THREE_3 = _stack_weights(_C, _C, 7)

predict_stack = Number(
    "03-predict-stack",
    "Every layer reads C channels and makes C. How many percent more weights has one 7×7 convolution than "
    "three 3×3 convolutions, one after the other?",
    100 * (_ONE_7 / _THREE_3 - 1),
    "%",
    tolerance=1,
    mistakes=[
        Mistake(
            100 * (1 - _THREE_3 / _ONE_7),
            "By so many percent the three have fewer. The question takes the three as the whole.",
        ),
        Mistake(100 * (49 / 9 - 1), "That compares it with one 3×3. There are three."),
        Mistake(100 * (49 / 27), "So many percent it has of the weights of the three. How many more?"),
    ],
    hint="Per pair of channels: 49 weights, against three times nine.",
    explanation="The same 7×7 neighbourhood, for little more than half of the weights.",
)

_COLOURS, _FIRST = 3, ALEXNET_LAYERS[0].channels
_FIRST_7 = costs.conv2d(_COLOURS, _FIRST, 7, 7, padding=3, bias=False).parameters
_FIRST_STACK = _stack_weights(_COLOURS, _FIRST, 7)

predict_first = Choice(
    "03-predict-first",
    f"The same trade, in the first layer of a network: from the {_COLOURS} colours to {_FIRST} channels, by "
    f"one 7×7 or by three 3×3 (each with {_FIRST} outputs). Which has fewer weights?",
    [
        Option(
            "The three 3×3, as always: 27 against 49",
            False,
            "27 and 49 count pairs of channels. How many pairs has the second 3×3, and how many has the 7×7?",
        ),
        Option(
            "The one 7×7, by far",
            True,
            f"{_FIRST_7:,} against {_FIRST_STACK:,}: the second and third 3×3 read {_FIRST} channels, the "
            f"7×7 reads {_COLOURS}.",
        ),
        Option(
            "They are about equal",
            False,
            f"Count them: the first 3×3 reads {_COLOURS} channels, the next two read {_FIRST}.",
        ),
    ],
)

# Exercises

_A = costs.vgg_layers(costs.vgg_column("A"))

eleven_layers = Choice(
    "03-eleven-layers",
    f"Someone prints VGG-11 part by part: {len(_A.blocks)} blocks, then {len(_A.hidden) + 1} dense layers. "
    f"That makes {len(_A.blocks) + len(_A.hidden) + 1}. Where are the other three layers?",
    [
        Option(
            "They are the poolings", False, "Poolings have no weights, and the 11 counts layers with weights."
        ),
        Option(
            "Three of the blocks have two convolutions each",
            True,
            "Column A: one convolution in each of the first two blocks, two in each of the other three.",
        ),
        Option(
            "They are the ReLUs between the dense layers",
            False,
            "ReLUs have no weights, and there are only two of them there.",
        ),
        Option(
            "They are dropped in inference",
            False,
            "Dropout drops numbers in training, never layers. Look at column A, block by block.",
        ),
    ],
)

dropout_scale = Choice(
    "03-dropout-scale",
    f"A layer is trained with dropout of {ALEXNET_DROPOUT}, and someone forgets to scale: nothing is "
    "multiplied by 2 in training, nothing by 0.5 afterwards. What does the next layer read in inference, "
    "compared with training?",
    [
        Option(
            "Numbers that are on average half as large",
            False,
            "In inference nothing is dropped. So where are more numbers?",
        ),
        Option(
            "The same: in inference dropout does nothing",
            False,
            "It does nothing, and so all the numbers arrive that in training were zero half of the time.",
        ),
        Option(
            "Sums that are on average twice as large",
            True,
            "Twice as many inputs are alive. That is why one of the two factors is needed.",
        ),
        Option(
            "Sums that are on average the same, with less noise",
            False,
            "That is what it would read with one of the two factors. Without, the average itself moves.",
        ),
    ],
)


def _group_cost(
    in_channels: int, out_channels: int, kernel_size: int, grid: int, groups: int
) -> tuple[int, int]:
    cost = costs.conv2d(
        in_channels, out_channels, kernel_size, grid, padding="same", groups=groups, bias=False
    )
    return cost.parameters, cost.macs


group_cost = Task(
    "03-group-cost",
    lambda function: compare(
        function,
        _group_cost,
        [(96, 256, 5, 27, 1), (96, 256, 5, 27, 2), (384, 256, 3, 13, 2), (12, 8, 1, 5, 4), (6, 6, 3, 7, 6)],
    ),
    "With one group, with two as in 2012, and with as many as there are channels.",
)


def _alexnet_macs(groups: int) -> int:
    """Return the MACs of AlexNet with `groups` in the layers that have two."""
    table = costs.alexnet_table()
    convs = tuple(conv._replace(groups=groups if conv.groups > 1 else 1) for conv in table.convs)
    stages = costs.alexnet_stages(table._replace(convs=convs))
    return costs.total(costs.layer_costs(costs.walk(stages, 3, 227))).macs


four_groups = Number(
    "03-four-groups",
    "Layers 2, 4 and 5 of AlexNet get four groups instead of two. How many MACs does the whole network then "
    "take?",
    _alexnet_macs(4),
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(_alexnet_macs(2) / 2, "That halves every layer. Layers 1 and 3 and the dense ones stay."),
        Mistake(_alexnet_macs(2), "That is with two groups."),
        Mistake(
            _alexnet_macs(2) - (_alexnet_macs(1) - _alexnet_macs(2)),
            "That takes away as much as the first split did. The second split halves what is left.",
        ),
    ],
    hint="Take the three layers' MACs from the table of AlexNet's layers, and halve them.",
    explanation="Each further split saves half as much as the one before.",
)

stack_weights = Task(
    "03-stack-weights",
    lambda function: compare(
        function,
        _stack_weights,
        [
            (256, 256, 7),
            (256, 256, 5),
            (_COLOURS, _FIRST, 7),
            (_COLOURS, _FIRST, 11),
            (64, 128, 3),
            (1, 1, 9),
        ],
    ),
    "Right where channels stay, where they grow, and where one 3×3 is all that it takes.",
)

_STEM = ALEXNET_LAYERS[0]
_STEM_WEIGHTS = _COLOURS * _FIRST * _STEM.kernel_size**2
_STEM_STACK = _stack_weights(_COLOURS, _FIRST, _STEM.kernel_size)
_NAIVE = _STEM.kernel_size**2 / (9 * (_STEM.kernel_size - 1) // 2)

stem_stack = Number(
    "03-stem-stack",
    f"AlexNet's first convolution is {_STEM.kernel_size}×{_STEM.kernel_size}, from {_COLOURS} channels to "
    f"{_FIRST}. How many times as many weights has the 3×3 stack that sees the same? One decimal is enough.",
    _STEM_STACK / _STEM_WEIGHTS,
    "times",
    relative_tolerance=0.01,
    mistakes=[
        Mistake(
            1 / _NAIVE, "That holds if every layer reads as many channels as it makes. This one reads 3."
        ),
        Mistake(_NAIVE, "That is the other way round, and holds only where every layer reads C and makes C."),
        Mistake(_STEM_WEIGHTS / _STEM_STACK, "That is the single convolution as a share of the stack."),
    ],
    hint=f"Five layers: 9·3·{_FIRST} for the first, 9·{_FIRST}·{_FIRST} for each of the others.",
    explanation="A rule for equal channels says nothing about the layer where they are made.",
)


def _crossing(parameters: int, activations: int) -> int:
    return 3 * parameters // activations + 1


training_batch = Task(
    "03-training-batch",
    lambda function: compare(
        function,
        _crossing,
        [
            (total.parameters, total.activations)
            for total in (costs.total(costs.vgg("D")), _TOTAL, costs.total(costs.lenet5()))
        ]
        + [(10, 30), (10, 31), (1, 100)],
    ),
    "Right where it comes out even, too: equal is not yet more.",
)

_VGG = costs.total(costs.vgg("D"))

vgg_batch = Number(
    "03-vgg-batch",
    "What does your function give for VGG-16?",
    _crossing(_VGG.parameters, _VGG.activations),
    "images",
    mistakes=[
        Mistake(
            _VGG.parameters // _VGG.activations + 1,
            "That compares with the weights alone. Gradients and their sums take as much each.",
        ),
        Mistake(
            _crossing(_VGG.parameters, _VGG.activations) - 1,
            "At that batch size the parameters still take more.",
        ),
        Mistake(_crossing(_TOTAL.parameters, _TOTAL.activations), "That is AlexNet."),
    ],
    hint="Three numbers for each parameter, and one for each activation and image.",
    explanation=f"For AlexNet it is {_crossing(_TOTAL.parameters, _TOTAL.activations)}: less than half of "
    "the parameters, and a twentieth of the activations.",
)


def _kernel(weights: Sequence[float], channels: int, height: int, width: int) -> list[list[list[float]]]:
    rows = [list(weights[start : start + width]) for start in range(0, len(weights), width)]
    return [rows[start : start + height] for start in range(0, channels * height, height)]


def _judge_kernel(function: Callable[..., Any]) -> str | None:
    def lists(*case: Any) -> Any:
        found = function(*case)
        return found.tolist() if hasattr(found, "tolist") else found

    cases = [(list(range(12)), 3, 2, 2), (list(range(24)), 2, 3, 4), ([5, 7], 2, 1, 1)]
    return compare(lists if callable(function) else function, _kernel, cases)


dense_as_convolution = Task(
    "03-dense-as-convolution",
    _judge_kernel,
    "Channel by channel, row by row: the order in which `flatten` lays a map out.",
)

COLUMN_LIMITS = {"parameters": 100_000, "macs": 6_000_000, "convolutions": 6, "receptive_field": 28}
"""Of the column to design: at most so many parameters and MACs, at least so many convolutions and pixels."""


def column_field(column: Sequence[str]) -> int:
    """Return how many pixels in a row one position of the last convolution in a column sees."""
    steps = []
    for cell in column:
        if match := re.fullmatch(r"conv(\d+)-\d+", cell):
            steps.append((int(match[1]), 1))
        elif cell == "maxpool":
            steps.append((2, 2))
    while steps and steps[-1] == (2, 2):
        steps.pop()
    return costs.receptive_field(steps).size


def _judge_column(column: Sequence[str]) -> str | None:
    if isinstance(column, str) or not isinstance(column, Sequence):
        return "Give a list or a tuple of cells in the words of Table 1."
    if odd := [cell for cell in column if cell.startswith("conv") and not cell.startswith("conv3-")]:
        return f"Use 3×3 convolutions alone; {odd[0]} is none."
    layers = costs.vgg_layers(column)
    if sum(map(len, layers.blocks)) < sum(cell.startswith("conv") for cell in column):
        return "Table 1 puts a maxpool after the last convolution."
    if len(layers.hidden) != 2:
        return "End as Table 1 does, with two hidden dense layers, FC-10 and soft-max."
    stages = costs.vgg_stages(layers, num_classes=10, grid=1)
    counted = costs.layer_costs(costs.walk(stages, 1, 28))
    total = costs.total(counted)
    convolutions = sum(layer.kernel_size is not None for layer in counted)
    field = column_field(column)
    found = {"parameters": total.parameters, "macs": total.macs}
    for name, count in found.items():
        if count > COLUMN_LIMITS[name]:
            unit = "MACs" if name == "macs" else name
            return f"It has {count:,} {unit}; at most {COLUMN_LIMITS[name]:,} are wanted."
    if convolutions < COLUMN_LIMITS["convolutions"]:
        return f"It has {convolutions} convolutions; at least {COLUMN_LIMITS['convolutions']} are wanted."
    if field < COLUMN_LIMITS["receptive_field"]:
        return f"Its last convolution sees {field} pixels in a row; the image has 28."
    return None


own_column = Task(
    "03-own-column",
    _judge_column,
    "Within the budget, and every last position can see the whole image. What it is worth, training tells.",
)

norm_study = study_of_seeds(
    "03-norm-study",
    names=("with", "without"),
    remark="Your conclusion follows from your runs, at the rate and for the number of steps that you chose.",
)
