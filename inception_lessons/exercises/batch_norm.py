"""Chapter 06: the predictions and exercises on batch norm and BN-Inception."""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task
from inception_lessons.papers import BN_INCEPTION_FIGURE_5, BNInceptionRow
from inception_lessons.widgets import Choice, Mistake, Number, Option

IN_CHANNELS = {
    row.key: before.channels
    for before, row in itertools.pairwise(BN_INCEPTION_FIGURE_5)
    if row.type == "inception"
}
"""Input channels of each of the ten modules, as the row before prints them."""

BATCH = 32
"""Images in a batch of the paper, section 4.2."""

# Predictions

_A = next(row for row in BN_INCEPTION_FIGURE_5 if row.key == "3a")

predict_positions = Number(
    "06-predict-positions",
    f"A convolution of module 3a gives {BATCH} images × {_A.conv1} channels × {_A.grid}×{_A.grid} positions. "
    "Batch norm takes one mean for each channel. Over how many numbers is each mean taken?",
    BATCH * _A.grid**2,
    "numbers",
    mistakes=[
        Mistake(BATCH, "That would be one mean per channel and position. All positions share it, too."),
        Mistake(_A.grid**2, "That is one image alone. The mean is taken over all images of the batch."),
        Mistake(BATCH * _A.conv1 * _A.grid**2, "That is all channels together. Each has a mean of its own."),
        Mistake(_A.conv1, "That is how many means there are."),
    ],
    hint="One channel is one number per image and position.",
    explanation="A convolution treats all positions alike, so the norm does, too.",
)

predict_scale = Choice(
    "06-predict-scale",
    "Batch norm follows a convolution. You multiply all weights of the convolution by 10. What happens to "
    "what comes out of batch norm, and to the gradient of those weights?",
    [
        Option(
            "The output is 10 times larger, and the gradient stays",
            False,
            "Without batch norm, yes. Here the mean and the standard deviation become 10 times larger, too.",
        ),
        Option(
            "The output stays, and so does the gradient",
            False,
            "The output, yes. But a step that changes a weight by 0.1 now changes it by a smaller share.",
        ),
        Option(
            "The output stays, and the gradient is 10 times smaller",
            True,
            "Numbers 10 times larger have a standard deviation 10 times larger. The next section derives the "
            "gradient.",
        ),
        Option(
            "The output stays, and the gradient is 10 times larger",
            False,
            "Think of how much a change of one weight by 0.1 matters among weights that are 10 times larger.",
        ),
    ],
)

_4A = next(row for row in BN_INCEPTION_FIGURE_5 if row.key == "4a")
_REDUCED, _WIDE = _4A.reduce_double, _4A.double
_FIVE, _TWO = 25 * _REDUCED * _WIDE, 9 * _REDUCED * _WIDE + 9 * _WIDE**2

predict_pair = Number(
    "06-predict-pair",
    f"In 4a the paper puts two 3×3 where a 5×5 from {_REDUCED} to {_WIDE} channels could stand: {_REDUCED} → "
    f"{_WIDE} → {_WIDE}. What share of the 5×5's MACs do the two take?",
    100 * _TWO / _FIVE,
    "%",
    tolerance=1,
    mistakes=[
        Mistake(72, "18 weights for 25: that holds if all widths are equal. The second 3×3 reads more here."),
        Mistake(36, "That is one 3×3. There are two."),
        Mistake(100 - 100 * _TWO / _FIVE, "That is what they save."),
    ],
    hint=f"Per position: 25·{_REDUCED}·{_WIDE} for the 5×5, 9·{_REDUCED}·{_WIDE} + 9·{_WIDE}·{_WIDE} for the "
    "two.",
    explanation="The well-known 28 % less holds for equal widths. Here the widths grow, and less is saved.",
)

# Exercises

neighbours = Choice(
    "06-neighbours",
    f"A network with batch norm is in train mode. In a batch of {BATCH} images you replace one by a black "
    "image. Whose logits change?",
    [
        Option(
            "Only those of that image",
            False,
            "So it is in eval mode. In train mode the batch's mean contains the black image.",
        ),
        Option(
            "Those of all images in the batch",
            True,
            "One image moves the mean and the variance of every channel, and all are measured by them.",
        ),
        Option(
            "Those of the images after it",
            False,
            "Nothing in batch norm depends on the order of the images.",
        ),
        Option(
            "None, because the scale and the shift are learned",
            False,
            "They come after the division by the batch's own standard deviation and cannot undo it.",
        ),
    ],
)

_MOMENTUM = 0.1
_CLOSE = 0.01

running_steps = Number(
    "06-running-steps",
    f"The running mean starts at 0 and moves a tenth of the way (momentum {_MOMENTUM}) to the batch's mean "
    "at each step. Say that the batch's mean is always the same, and not 0. After how many steps is the "
    f"running mean within {_CLOSE:.0%} of it for the first time?",
    math.ceil(math.log(_CLOSE) / math.log(1 - _MOMENTUM)),
    "steps",
    mistakes=[
        Mistake(10, "Each step goes a tenth of the way that is left, not of the whole way."),
        Mistake(
            math.ceil(math.log(0.1) / math.log(1 - _MOMENTUM)), "By then it is within 10 %. Go on to 1 %."
        ),
        Mistake(math.floor(math.log(_CLOSE) / math.log(1 - _MOMENTUM)), "One step too few."),
    ],
    hint="After t steps the distance that is left is 0.9 to the power t.",
    explanation="In the first steps eval mode still sees the start value. Later it lags about ten steps "
    "behind a mean that moves because the weights do.",
)

bias_before = Choice(
    "06-bias-before",
    "A convolution keeps its bias, and batch norm follows it directly. Training is by gradient descent "
    "without weight decay. What becomes of that bias?",
    [
        Option(
            "It learns the same as the shift of batch norm",
            False,
            "Batch norm subtracts the mean of the channel, and with it whatever the bias added.",
        ),
        Option(
            "It stays as it is: its gradient is zero",
            True,
            "The output does not depend on it. So it is left out, and the shift does its work.",
        ),
        Option(
            "It grows without limit",
            False,
            "For that, its gradient would have to be other than zero. Does the output depend on it?",
        ),
        Option(
            "It becomes the running mean",
            False,
            "The running mean follows the channel's mean, bias included. The bias itself has no reason to "
            "move.",
        ),
    ],
)

_START_FACTOR = 10

relative_step = Number(
    "06-relative-step",
    f"Multiply the weights of a convolution before batch norm by {_START_FACTOR} and take one step of plain "
    "gradient descent at the same rate. The step as a share of the weights is how many times smaller than "
    "it was?",
    _START_FACTOR**2,
    "times",
    mistakes=[
        Mistake(
            _START_FACTOR, "That is the gradient alone. The weights it is a share of are larger as well."
        ),
        Mistake(1, "The output stays the same, but both the gradient and the weights do not."),
    ],
    hint="The step is the rate times the gradient. Divide it by the weights, before and after.",
    explanation="So the scale of the start is harmless for the output, and it does set how fast a filter "
    "turns: as if its rate were divided by the square.",
)


def _close(got: float, expected: float) -> bool:
    return math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-9)


def _folded(
    weight: float, bias: float, mean: float, variance: float, scale: float, shift: float, eps: float
) -> tuple[float, float]:
    factor = scale / math.sqrt(variance + eps)
    return weight * factor, (bias - mean) * factor + shift


def _judge_fold(function: Callable[..., Sequence[float]]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    draw = random.Random(0)
    for case in range(20):
        weight, bias, mean, shift = (draw.gauss(0, 1) for _ in range(4))
        variance, scale, eps = draw.uniform(0.1, 3), draw.uniform(-2, 2), 1e-3
        got = function(weight, bias, mean, variance, scale, shift, eps)
        if got is None or got is ...:
            return "The function returns nothing yet: end with `return weight, bias`."
        new_weight, new_bias = map(float, got)
        x = draw.gauss(0, 1)
        expected = scale * (weight * x + bias - mean) / math.sqrt(variance + eps) + shift
        if not _close(new_weight * x + new_bias, expected):
            values = f"weight {weight:.3g}, bias {bias:.3g}, mean {mean:.3g}, variance {variance:.3g}"
            right = _folded(weight, bias, mean, variance, scale, shift, eps)
            half = "The weight is right, the bias is not." if _close(new_weight, right[0]) else ""
            return (
                f"Case {case + 1} ({values}, scale {scale:.3g}, shift {shift:.3g}): for x = {x:.3g} batch "
                f"norm gives {expected:.4g}, your pair gives {new_weight * x + new_bias:.4g}. {half}".strip()
            )
    return None


fold = Task("06-fold", _judge_fold, "One multiplication and one addition do the work of both layers.")

fold_number = Number(
    "06-fold-number",
    "A 1×1 convolution with one channel in and out has weight 3 and no bias. Its batch norm has running mean "
    "2, running variance 4, scale 6 and shift 1 (take ε as 0). What is the bias of the folded convolution?",
    _folded(3, 0, 2, 4, 6, 1, 0)[1],
    mistakes=[
        Mistake(_folded(3, 0, 2, 16, 6, 1, 0)[1], "Divide by the standard deviation, not by the variance."),
        Mistake(_folded(3, 0, -2, 4, 6, 1, 0)[1], "The mean is subtracted before the scale is applied."),
        Mistake(1 - 2, "The mean is scaled as well, like everything that comes out of the convolution."),
        Mistake(_folded(3, 0, 2, 4, 6, 1, 0)[0], "That is the folded weight."),
    ],
    hint="Put the input 0 through both layers: what comes out is the bias.",
    explanation="For the input 0 the convolution gives 0, the norm −1, scale and shift the rest.",
)


def _input_gradient(normalised: Sequence[float], sigma: float, gradient: Sequence[float]) -> list[float]:
    count = len(gradient)
    mean = sum(gradient) / count
    along = sum(g * z for g, z in zip(gradient, normalised, strict=True)) / count
    return [(g - mean - z * along) / sigma for g, z in zip(gradient, normalised, strict=True)]


def _judge_gradient(function: Callable[..., Iterable[float]]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    draw = random.Random(1)
    for count in (2, 5, 50):
        x, gradient = ([draw.gauss(1, 3) for _ in range(count)] for _ in range(2))
        mean = sum(x) / count
        sigma = math.sqrt(sum((value - mean) ** 2 for value in x) / count)
        normalised = [(value - mean) / sigma for value in x]
        got = function(normalised, sigma, gradient)
        if got is None or got is ...:
            return "The function returns nothing yet: end with return and one number for each input."
        numbers = [float(value) for value in got]
        if len(numbers) != count:
            return f"For {count} numbers in the channel the function gives {len(numbers)} gradients."
        expected = _input_gradient(normalised, sigma, gradient)
        if not all(abs(a - b) <= 1e-6 * (1 + abs(b)) for a, b in zip(numbers, expected, strict=True)):
            if abs(sum(numbers)) > 1e-6 * sum(map(abs, numbers)):
                return "Your gradients do not sum to zero, although adding a constant to x changes nothing."
            if abs(sum(a * z for a, z in zip(numbers, normalised, strict=True))) > 1e-6 * count:
                return "They sum to zero, but not when weighted by `normalised`: the scale of x still counts."
            return "Both sums are zero, as they must be, but the numbers are not. Is there a σ too few?"
    return None


input_gradient = Task(
    "06-input-gradient",
    _judge_gradient,
    "Two directions are taken out of the gradient: those in which x can move without any effect.",
)


def _wrong_rows(table: Sequence[BNInceptionRow]) -> list[str]:
    before = {after.key: row.channels for row, after in zip(table, table[1:], strict=False)}
    return [
        row.key
        for row in table
        if row.type == "inception" and costs.double_inception_channels(row, before[row.key]) != row.channels
    ]


def _judge_wrong_rows(function: Callable[..., Iterable[str]]) -> str | None:
    if not callable(function):
        return f"Give the function itself, not a {type(function).__name__}."
    slip = {"3c": {"double": 97}, "5b": {"conv1": 351}}
    tables = {
        "Figure 5": BN_INCEPTION_FIGURE_5,
        "the released table": costs.bn_inception_rows("released"),
        "a table with two slips of ours": tuple(
            row._replace(**slip.get(row.key, {})) for row in costs.bn_inception_rows("released")
        ),
    }
    for name, table in tables.items():
        got = function(table)
        if got is None or got is ...:
            return "The function returns nothing yet: end with return and a list of keys."
        if sorted(got) != sorted(_wrong_rows(table)):
            return f"In {name} you find {sorted(got)}; there should be {len(_wrong_rows(table))} rows."
    return None


wrong_rows = Task(
    "06-wrong-rows", _judge_wrong_rows, "It finds the rows of Figure 5, and those that we spoiled ourselves."
)

shift_study = study_of_seeds(
    "06-shift-study",
    losses=True,
    remark="Your conclusion follows from your runs. It is about this network, this noise and this budget.",
)
