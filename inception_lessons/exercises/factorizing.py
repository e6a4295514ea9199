"""Chapter 07: the predictions and exercises on factorized convolutions and Inception-v2."""

from collections.abc import Callable, Mapping, Sequence

from inception_lessons import costs
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import RETHINKING_CLAIMS, RETHINKING_TABLE_1, RETHINKING_TABLE_3
from inception_lessons.widgets import Choice, Mistake, Number, Option

ROWS = {row.key: row for row in costs.INCEPTION_V2_TABLE}
"""The rows of this book's Inception-v2, by key."""

GRIDS = {
    stage.row: stage.input_shape[1]
    for stage in costs.walk(costs.inception_v2_rethinking_stages(), 3, RETHINKING_TABLE_1[0].input[0])
    if len(stage.input_shape) == 3
}
"""Positions along a side of each row's input."""


def _weights(*layers: tuple[int, int, costs.Pair]) -> int:
    """Return the weights of convolutions given as (input channels, output channels, kernel)."""
    return sum(
        costs.conv2d(before, after, kernel, 1, padding="same", bias=False).parameters
        for before, after, kernel in layers
    )


def _pair(in_channels: int, inner: int, out_channels: int, n: int) -> int:
    return _weights((in_channels, inner, (1, n)), (inner, out_channels, (n, 1)))


# Predictions

_N = ROWS["6b"].n
_KEPT = 100 * _pair(1, 1, 1, _N) / _weights((1, 1, _N))

predict_kept = Number(
    "07-predict-kept",
    f"A {_N}×{_N} convolution keeps its number of channels. Replace it by a 1×{_N} and then a {_N}×1, every "
    "layer as wide as before. What share of the MACs is left?",
    _KEPT,
    "%",
    tolerance=0.6,
    mistakes=[
        Mistake(_KEPT / 2, f"That is one of the two layers. There is a 1×{_N} and a {_N}×1."),
        Mistake(100 - _KEPT, "That is the share saved."),
        Mistake(100 * 2 / 3, "That is the share for a 3×3. A larger kernel saves more."),
    ],
    hint=f"Per pair of channels: {_N}·{_N} weights before, {_N} + {_N} after.",
    explanation=f"2/n of the MACs, with n = {_N}. What the two layers can no longer do is the next question.",
)

_FREE = 9 + 9 - 1

predict_random = Choice(
    "07-predict-random",
    "Someone gives you a 5×5 kernel of 25 random numbers, for one channel. You may choose two 3×3 kernels, "
    "applied one after the other with nothing between. Can they compute what the 5×5 computes?",
    [
        Option(
            "Yes: both see a 5×5 window",
            False,
            "They see it, but count what you may choose: 18 numbers, for 25 that must come out right.",
        ),
        Option(
            "No: they can only come near it",
            True,
            f"Two 3×3 have 18 numbers, one of them without effect: {_FREE} for 25. How near they come is "
            "measured below.",
        ),
        Option(
            "Yes, if the kernels are trained long enough",
            False,
            "Training finds the best pair. It cannot find one that does not exist.",
        ),
        Option(
            "No: two 3×3 see only a 3×3 window",
            False,
            "The second one reads outputs that have already seen a 3×3 each: together a 5×5.",
        ),
    ],
)


# Exercises

_STEM = costs.by_row(costs.inception_v2_rethinking())
_SEVEN = costs.conv2d(3, 64, 7, RETHINKING_TABLE_1[0].input[0], stride=2).macs
_STACK = sum(_STEM[key].macs for key in ("1a", "2a", "2b")) / _SEVEN

stem_stack = Number(
    "07-stem-stack",
    f"At equal widths three 3×3 save {100 * (1 - 27 / 49):.0f} % of a 7×7. Now a stem for 299×299 pixels "
    "and 3 channels. A 7×7 with stride 2 makes 64 channels on 147×147 positions. Table 1 makes the "
    "same from a 3×3 with stride 2 to 32 channels (149×149), a 3×3 to 32 (147×147) and a padded 3×3 to 64 "
    "(147×147). How many times the MACs of the 7×7 do the three take?",
    _STACK,
    "times",
    tolerance=0.06,
    mistakes=[
        Mistake(27 / 49, "That is at equal widths. Here the 7×7 reads 3 channels, two of the 3×3 read 32."),
        Mistake(1 / _STACK, "That is the other way round: the 7×7 beside the three."),
        Mistake(
            (_STEM["2a"].macs + _STEM["2b"].macs) / _SEVEN,
            "Count the first 3×3 too, with its 149×149 positions.",
        ),
    ],
    hint="Per output position the 7×7 takes 49·3·64 MACs; the three take 9·3·32, 9·32·32 and 9·32·64.",
    explanation="Dearer, not cheaper: from three channels the large kernel is cheap. The stack buys depth.",
)

_RANK_ONE = (("1 2 1", "2 4 2", "1 2 1"), ("1 0 −1", "2 0 −2", "1 0 −1"), ("0 1 0", "1 −4 1", "0 1 0"))

which_separates = Choice(
    "07-which-separates",
    "One channel, nothing between the two layers. Which of these 3×3 kernels, written row by row, is *not* a "
    "1×3 followed by a 3×1?",
    [
        Option(
            f"The smoothing kernel: {' / '.join(_RANK_ONE[0])}",
            False,
            "Every row is a multiple of 1 2 1: the column 1 2 1 times the row 1 2 1.",
        ),
        Option(
            f"The edge detector: {' / '.join(_RANK_ONE[1])}",
            False,
            "Every row is a multiple of 1 0 −1: the column 1 2 1 times that row.",
        ),
        Option(
            f"The Laplacian: {' / '.join(_RANK_ONE[2])}",
            True,
            "Its middle row is no multiple of its first. Its rank is 2: it takes two such pairs, added.",
        ),
        Option(
            "All three are",
            False,
            "In a column times a row, every row is a multiple of the same row. Check the third.",
        ),
    ],
)

_E, _E_IN = ROWS["6b"], RETHINKING_TABLE_1[8].input[2]

pair_weights = Task(
    "07-pair-weights",
    lambda function: compare(
        function,
        _pair,
        [(192, 192, 192, 7), (_E.inner, _E.inner, _E.single, _E.n), (64, 96, 96, 3), (5, 2, 11, 5)],
    ),
    "Right at equal and at unequal widths.",
)

_KEPT_6B = _pair(_E.inner, _E.inner, _E.single, _E.n) * GRIDS["6b"] ** 2

macs_6b = Number(
    "07-macs-6b",
    f"Row 6b works on {GRIDS['6b']}×{GRIDS['6b']} positions. How many MACs does its branch with one pair "
    f"take for the 1×{_E.n} and the {_E.n}×1, from {_E.inner} over {_E.inner} to {_E.single} channels?",
    _KEPT_6B,
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(
            _weights((_E.inner, _E.single, _E.n)) * GRIDS["6b"] ** 2,
            f"That is the direct {_E.n}×{_E.n} from {_E.inner} to {_E.single}.",
        ),
        Mistake(_KEPT_6B // GRIDS["6b"] ** 2, "Those are the weights. Each is used once per position."),
        Mistake(
            _pair(_E_IN, _E.inner, _E.single, _E.n) * GRIDS["6b"] ** 2,
            "The pair does not read the module's input: a 1×1 comes before it.",
        ),
    ],
    hint=f"Your function gives the weights for ({_E.inner}, {_E.inner}, {_E.single}, {_E.n}).",
    explanation="Most of the module's work lies elsewhere: in its 1×1 and in the branch with two pairs.",
)


def _break_even(in_channels: int, out_channels: int, n: int) -> int:
    """Return the largest inner width at which 1×n, n×1 take no more MACs than n×n."""
    return _weights((in_channels, out_channels, n)) // _pair(in_channels, 1, out_channels, n)


break_even = Task(
    "07-break-even",
    lambda function: compare(
        function, _break_even, [(192, 192, 7), (_E.inner, _E.single, _E.n), (64, 96, 3), (10, 1000, 5)]
    ),
    "Right for square and for lopsided layers.",
)

break_even_narrowing = Number(
    "07-break-even-narrowing",
    "A 7×7 maps 192 channels to 64. Up to which inner width do a 1×7 and a 7×1 take no more MACs?",
    _break_even(192, 64, 7),
    "channels",
    mistakes=[
        Mistake(_break_even(192, 192, 7), "That is for 192 to 192 channels. Here the output has 64."),
        Mistake(_break_even(64, 64, 7), "That is for 64 to 64 channels. Here the input has 192."),
        Mistake(7 * 64, "That is the width at which they can do everything the 7×7 can. It costs more."),
    ],
    hint="Solve 7·192·M + 7·M·64 ≤ 49·192·64 for the inner width M.",
    explanation="The lopsided layer leaves less room: the wide input makes every inner channel dear.",
)


def _padding_share(grid: int, n: int) -> float:
    """Return the share of a 1×n's MACs that multiply padding, on `grid` positions, by counting."""
    reach = n // 2
    outside = sum(not 0 <= at + step < grid for at in range(grid) for step in range(-reach, reach + 1))
    return outside / (grid * n)


def _judge_padding(function: Callable[[int, int], float]) -> str | None:
    if not callable(function):
        return "Give the function itself: write its name without parentheses."
    for grid, n in ((7, 7), (14, 7), (28, 7), (8, 3), (35, 5), (1, 3), (2, 7)):
        got = function(grid, n)
        if not isinstance(got, int | float):
            return "The function returns no number yet: replace the dots and end with return."
        if abs(got - _padding_share(grid, n)) > 1e-9:
            return (
                f"For ({grid}, {n}) the function gives {got:.4g}, and {_padding_share(grid, n):.4g} is "
                "expected."
            )
    return None


padding_share = Task(
    "07-padding-share",
    _judge_padding,
    "Right also on rows shorter than half the kernel, m < p, where the formula of the text fails.",
)

_SMALL = GRIDS["7b"]
padding_5 = Number(
    "07-padding-5",
    f"What share of a 1×5's MACs would fall on padding on the {_SMALL}×{_SMALL} grid?",
    100 * _padding_share(_SMALL, 5),
    "%",
    tolerance=0.6,
    mistakes=[
        Mistake(100 * _padding_share(GRIDS["6b"], 5), f"That is for the {GRIDS['6b']}×{GRIDS['6b']} grid."),
        Mistake(100 * _padding_share(_SMALL, 7), "That is for a 1×7."),
        Mistake(
            100 * (1 - (1 - _padding_share(_SMALL, 5)) ** 2),
            "That is for a whole 5×5, which meets the border on all four sides.",
        ),
    ],
    hint="At the first position 2 of the 5 weights meet zeros, at the second 1; both ends.",
    explanation="p(p + 1)/(n·m) with p = 2. A 1×7 wastes more of its work there, a 1×3 less.",
)


def _judge_factors(
    function: Callable[[list[list[float]]], tuple[Sequence[float], Sequence[float]]],
) -> str | None:
    if not callable(function):
        return "Give the function itself: write its name without parentheses."
    cases = (((1, 2, 1), (1, 0, -1)), ((0, 3, 0, -1, 2), (0, 0, 5, 1, -2)), ((2, -1), (0.5, 4, 1)))
    for column, row in cases:
        kernel = [[float(a * b) for b in row] for a in column]
        got = function([list(line) for line in kernel])
        if got is None or got is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        left, right = ([float(value) for value in part] for part in got)
        if (len(left), len(right)) != (len(column), len(row)):
            return f"Return a column of {len(column)} and a row of {len(row)} numbers for {kernel}."
        if any(
            abs(left[i] * right[j] - kernel[i][j]) > 1e-5 for i in range(len(column)) for j in range(len(row))
        ):
            return f"Your column times your row is not {kernel}."
    return None


factors = Task(
    "07-factors",
    _judge_factors,
    "Column times row gives every kernel back, also with zeros in its first row.",
)

_REDUCED = {
    kind: costs.total(costs.grid_reduction(kind, 768, 1280, GRIDS["7a"]))
    for kind in ("pool first", "convolve first", "parallel")
}

reduction_macs = Number(
    "07-reduction-macs",
    "From 17×17×768 to 8×8×1280 in parallel: the pooling keeps its 768 channels, one 3×3 with stride 2 and "
    "no padding makes the rest. How many MACs?",
    _REDUCED["parallel"].macs,
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(
            _REDUCED["pool first"].macs, "The convolution makes only the channels that pooling does not."
        ),
        Mistake(
            _weights((768, 1280 - 768, 3)) * GRIDS["7a"] ** 2,
            "With stride 2 the convolution works on 8·8 positions.",
        ),
    ],
    hint="8·8 positions, 1280 − 768 filters, each with 9·768 weights.",
    explanation="Two fifths of what pooling first costs: three fifths of the channels come from the pooling.",
)


_OPS = next(row.ops for row in RETHINKING_TABLE_3 if row.network == "Inception-v2 Factorized 7×7")


_OUT = {
    stage.row: stage.output_shape
    for stage in costs.walk(costs.inception_v2_rethinking_stages(), 3, RETHINKING_TABLE_1[0].input[0])
}


def _judge_widths(table: Sequence[costs.StemRow]) -> str | None:
    table = list(table)
    if [row.key for row in table] != list(ROWS):
        return f"Keep the rows and their order: {', '.join(ROWS)}."
    for row, ours in zip(table, ROWS.values(), strict=True):
        if type(row) is not type(ours) or (isinstance(row, costs.StemRow) and row != ours):
            return f"Keep row {row.key} of the stem, and every row's figure: Table 1 prints them."
        if getattr(row, "n", 7) != 7 or getattr(row, "kernel_size", 3) != getattr(ours, "kernel_size", 3):
            return f"Keep the kernels of row {row.key}: the figures print them."
    stages = costs.walk(costs.inception_v3_stages(table), 3, RETHINKING_TABLE_1[0].input[0])
    for stage in stages:
        if stage.output_shape != _OUT[stage.row]:
            return (
                f"Row {stage.row} must give {_OUT[stage.row][0]} channels, as Table 1 has them between the "
                f"modules; yours gives {stage.output_shape[0]}."
            )
    total = costs.total(costs.layer_costs(stages))
    bound = RETHINKING_CLAIMS["fewer_parameters_than"].value
    if total.parameters >= bound:
        return (
            f"Your network has {total.parameters:,} parameters; the abstract allows fewer than {bound:,.0f}."
        )
    if abs(total.macs / 1e9 - float(_OPS)) >= 0.05:
        return f"Your network takes {total.macs / 1e9:.2f} billion MACs; Table 3 prints {_OPS}."
    return None


guessed_widths = Task(
    "07-guessed-widths",
    _judge_widths,
    "It fits the printed channels, the parameters and the 4.8. Others do, too: that is why ours is called a "
    "choice. No table fits the 3.8 beside it as well: with the printed stem the two always differ by 0.41. "
    "So something in print is not this network.",
)

UNSETTLED = "not settled"
"""What to conclude when no recipe beats the others in every run."""


def _judge_study(study: tuple[Mapping[str, Sequence[float]], str]) -> str | None:
    results, conclusion = study
    if len(results) != 3:
        return f"Compare three shapes; you give {len(results)}."
    for name, accuracies in results.items():
        if len(accuracies) < 3:
            return (
                f"Shape {name!r} has {len(accuracies)} runs; three seeds are the least that shows a spread."
            )
        if not all(0 <= accuracy <= 1 for accuracy in accuracies):
            return f"Shape {name!r} has an accuracy outside 0 to 1."
    if conclusion not in (*results, UNSETTLED):
        return f"Conclude with one of {', '.join(map(repr, (*results, UNSETTLED)))}, got {conclusion!r}."
    best = [
        name
        for name in results
        if all(min(results[name]) > max(results[other]) for other in results if other != name)
    ]
    if conclusion != (best[0] if best else UNSETTLED):
        ranges = "; ".join(f"{name} {min(runs):.3f} to {max(runs):.3f}" for name, runs in results.items())
        return f"The ranges are: {ranges}. Does one lie above both others, without overlap?"
    return None


shapes = Task(
    "07-shapes",
    _judge_study,
    "Your conclusion follows from your runs. It holds for this budget, these steps and these images. A shape "
    "that is low on its own training images too has not learned yet: it may be slower, and not worse.",
)
