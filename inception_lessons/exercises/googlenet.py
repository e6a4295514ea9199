"""Chapter 05: the predictions and exercises on GoogLeNet."""

from collections.abc import Sequence

from inception_lessons import costs
from inception_lessons.exercises._study import study_of_seeds
from inception_lessons.exercises._task import Task, compare
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1, GoogLeNetRow, InceptionWidths
from inception_lessons.widgets import Choice, CostBench, Mistake, Number, Option

IN_CHANNELS = {
    layer.row: layer.in_channels
    for layer in costs.googlenet()
    if layer.name == "conv1" and layer.row in GOOGLENET_MODULES
}
"""Input channels of each of the nine modules."""


def _macs(key: str, kind: str = "reduced") -> int:
    row = GOOGLENET_MODULES[key]
    return costs.total(costs.inception_module(row, IN_CHANNELS[key], row.grid, kind=kind)).macs


def _branch_macs(key: str, branch: str, kind: str) -> int:
    row = GOOGLENET_MODULES[key]
    steps = costs.inception_branches(row, kind=kind).branches[branch]
    walked = costs.walk([costs.Stage(branch, steps)], IN_CHANNELS[key], row.grid)
    return costs.total(costs.layer_costs(walked)).macs


# Predictions

_A, _A_IN = GOOGLENET_MODULES["3a"], IN_CHANNELS["3a"]
_SHARE = 100 * _branch_macs("3a", "conv5", "naive") / _macs("3a", "naive")
_CHANNEL_SHARE = 100 * _A.conv5 / _A.channels

predict_share = Number(
    "05-predict-share",
    f"A 1×1 to {_A.conv1} channels, a 3×3 to {_A.conv3} and a 5×5 to {_A.conv5} all read the same {_A_IN} "
    f"channels. The 5×5 makes {_CHANNEL_SHARE:.3g} % of the module's {_A.channels} output channels "
    "(a pooling makes the rest). What share of the three convolutions' MACs does it take?",
    _SHARE,
    "%",
    tolerance=0.8,
    mistakes=[
        Mistake(
            _CHANNEL_SHARE,
            "That is its share of the channels. Each of its outputs reads 25 positions, not one.",
        ),
        Mistake(
            100 * _A.conv5 / (_A.conv1 + _A.conv3 + _A.conv5),
            "That is its share of the outputs. Weigh each branch by the positions its kernel reads: 1, 9 "
            "and 25.",
        ),
    ],
    hint="Weigh each branch by the positions its kernel reads: 1, 9 and 25 per input channel.",
    explanation="An eighth of the channels, two fifths of the work: that is what has to become cheaper.",
)

predict_factor = Number(
    "05-predict-factor",
    f"Now a 1×1 first reduces the {_A_IN} channels to {_A.reduce5}, and the 5×5 reads only those. "
    "How many times cheaper is that branch, 1×1 included?",
    _branch_macs("3a", "conv5", "naive") / _branch_macs("3a", "conv5", "reduced"),
    "times",
    relative_tolerance=0.06,
    mistakes=[
        Mistake(
            _A_IN / _A.reduce5, "That forgets the 1×1 itself: it reads all the channels at every position."
        ),
        Mistake(25, "25 is the size of the 5×5 kernel. Count the weights of both layers instead."),
    ],
    hint=f"Before: {_A_IN}·25·{_A.conv5} per position. After: {_A_IN}·{_A.reduce5} + "
    f"{_A.reduce5}·25·{_A.conv5}.",
    explanation="The 1×1 costs something, and pays for itself almost ten times over.",
)

_4A = GOOGLENET_MODULES["4a"]
_BENCH = CostBench("4a-5x5").costs()
_CHEAPEST = min(_BENCH, key=lambda key: _BENCH[key].parameters)
_VARIANTS = {
    "direct": (
        "The 5×5 as it is",
        "It is what the others are compared with: 25 weights per pair of channels.",
    ),
    "reduced": ("1×1, then 5×5", "Few channels reach the 5×5, and the 1×1 that chooses them is cheap."),
    "stacked": ("Two 3×3", "18 weights per pair instead of 25, at best: a saving, but a small one."),
    "factorized": ("1×5, then 5×1", "10 weights per pair instead of 25, at best. Others save far more."),
    "separable": (
        "Depthwise 5×5, then 1×1",
        "A good bet, and right for other modules. Here its 1×1 on all input channels costs more.",
    ),
}

predict_bench = Choice(
    "05-predict-bench",
    f"Five ways to get {_4A.conv5} channels from {IN_CHANNELS['4a']}, each seeing a 5×5 neighbourhood; "
    f"the bottleneck reduces to {_4A.reduce5}. Which has the fewest parameters?",
    [Option(text, key == _CHEAPEST, feedback) for key, (text, feedback) in _VARIANTS.items()],
)

# Exercises

padding = Choice(
    "05-padding",
    f'In module 3a someone gives the 5×5 convolution `padding=1`, "because the 3×3 has it too". The grid is '
    f"{_A.grid}×{_A.grid}. What happens?",
    [
        Option(
            "The branch gives fewer channels than Table 1 says",
            False,
            "Padding never touches the number of channels: that is the number of filters.",
        ),
        Option(
            f"The branch gives {_A.grid - 2}×{_A.grid - 2} positions, and the concatenation stops with an "
            f"error",
            True,
            "Channels can be laid side by side only where every branch has the same height and width.",
        ),
        Option(
            "Nothing: concatenation fills the missing border with zeros",
            False,
            "Concatenation adds nothing. It needs equal heights and widths and refuses anything else.",
        ),
        Option(
            "The result is right, but the module costs more",
            False,
            "With less padding there are fewer output positions, so less work. Look at their number.",
        ),
    ],
)

_NAIVE_3A = costs.inception_out_channels(_A, _A_IN, kind="naive")
_B = GOOGLENET_MODULES["3b"]
_NAIVE_3B = costs.inception_out_channels(_B, _NAIVE_3A, kind="naive")

naive_growth = Number(
    "05-naive-growth",
    f"Modules 3a and 3b are both built naively: no 1×1 before or after anything. {_A_IN} channels enter 3a. "
    "How many leave 3b?",
    _NAIVE_3B,
    "channels",
    mistakes=[
        Mistake(
            _B.channels,
            "That is Table 1's 3b, where the pooling branch is projected. Naively, pooling passes all on.",
        ),
        Mistake(
            costs.inception_out_channels(_B, _A.channels, kind="naive"),
            "That takes the reduced 3a before the naive 3b. Naively, 3a already gives more than its 256 "
            "channels.",
        ),
        Mistake(_NAIVE_3A, "That is what leaves 3a. Go through 3b as well."),
    ],
    hint="A naive module adds its three convolutions' channels to all the channels that came in.",
    explanation="Without a projection the width can only grow, module after module.",
)

project_first = Choice(
    "05-project-first",
    "Someone swaps two layers of the last branch: first the 1×1 projection, then the 3×3 max pooling with "
    "stride 1. "
    "What changes?",
    [
        Option(
            "The parameters",
            False,
            "The 1×1 reads and writes the same numbers of channels on either side of the pooling.",
        ),
        Option(
            "The MACs",
            False,
            "Stride 1 with padding keeps the grid, so the 1×1 works on equally many positions.",
        ),
        Option(
            "The function it computes",
            True,
            "A maximum of sums is not the sum of the maxima. Costs are equal, outputs are not: the cell "
            "below shows it.",
        ),
        Option("Nothing", False, "Try it on two channels and two positions with weights 1 and −1."),
    ],
)


def _module_macs(in_channels: int, widths: InceptionWidths, grid: int) -> int:
    return costs.total(costs.inception_module(widths, in_channels, grid)).macs


module_macs = Task(
    "05-module-macs",
    lambda function: compare(
        function,
        _module_macs,
        [(IN_CHANNELS[key], row.widths, row.grid) for key, row in GOOGLENET_MODULES.items()]
        + [(7, InceptionWidths(1, 2, 3, 4, 5, 6), 3)],
    ),
    "All nine modules of the paper, and one that no paper has.",
)

_4E = GOOGLENET_MODULES["4e"]
macs_4e = Number(
    "05-macs-4e",
    f"What does your function give for 4e, with {IN_CHANNELS['4e']} channels coming in?",
    _macs("4e"),
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(
            _macs("4e", "naive"), "That is the naive module: the 3×3 and the 5×5 read the reduced channels."
        ),
        Mistake(_macs("4e") // _4E.grid**2, "That is for one position. There are 14·14 of them."),
        Mistake(
            _macs("4e") - IN_CHANNELS["4e"] * _4E.project * _4E.grid**2,
            "The projection after the pooling is missing.",
        ),
    ],
    hint="Six convolutions: four read the input, two read reduced channels. All work on 14·14 positions.",
    explanation=f"Table 1 prints {_4E.ops}.",
)


def _break_even(in_channels: int, kernel_size: int, out_channels: int) -> int:
    direct = costs.conv2d(in_channels, out_channels, kernel_size, kernel_size).macs
    per_reduced = in_channels + kernel_size**2 * out_channels
    return direct // per_reduced


break_even = Task(
    "05-break-even",
    lambda function: compare(
        function,
        _break_even,
        [(IN_CHANNELS[key], 3, row.conv3) for key, row in GOOGLENET_MODULES.items()]
        + [(192, 5, 32), (16, 1, 64)],
    ),
    "Right for every 3×3 branch, for a 5×5, and for a 1×1, where a reduction rarely pays.",
)

break_even_3a = Number(
    "05-break-even-3a",
    f"Up to how many reduced channels does the 3×3 branch of 3a ({_A_IN} in, {_A.conv3} out) cost no more "
    f"than the direct 3×3?",
    _break_even(_A_IN, 3, _A.conv3),
    "channels",
    mistakes=[
        Mistake(_A_IN, "With as many reduced as input channels the 1×1 comes on top of an unchanged 3×3."),
        Mistake(_A.reduce3, "That is what the paper uses. There is room above it before the saving is gone."),
        Mistake(
            _break_even(_A_IN, 3, _A.conv3) + 1, "One too many: at that width the branch is already dearer."
        ),
    ],
    hint=f"Solve r·({_A_IN} + 9·{_A.conv3}) ≤ 9·{_A_IN}·{_A.conv3} for the number of reduced channels r.",
    explanation=f"The paper takes {_A.reduce3}: it saves, and it asks the 1×1 to lose half of the channels.",
)

minimum_size = Task(
    "05-minimum-size",
    lambda function: compare(
        function,
        lambda works: next(size for size in range(1, 10_000) if works(size)),
        [(lambda size, border=border: size >= border,) for border in (1, 2, 31, 224, 1000)],
    ),
    "It finds the border wherever it lies.",
)

minimum_image = Number(
    "05-minimum-image",
    "What is the smallest square image that this book's GoogLeNet accepts, auxiliary heads left out?",
    costs.minimum_input_size(),
    "pixels",
    mistakes=[
        Mistake(32, "Five halvings of 32 leave 1×1, but the grids are rounded up: try one pixel less."),
        Mistake(224, "That is what the paper uses. Average pooling over the whole grid accepts far less."),
        Mistake(223, "That is what the auxiliary heads need. They were left out."),
    ],
    hint="Let the computer try: `costs.googlenet(input_size=size)` raises a ValueError where a layer has no "
    "output.",
    explanation="At this size a position of the last modules sees mostly padding. It runs; what it could "
    "still classify is another question.",
)


def _judge_variant(table: Sequence[GoogLeNetRow]) -> str | None:
    try:
        layers = costs.googlenet(table=table, in_channels=1, input_size=28, num_classes=10)
    except ValueError as error:
        return f"A 28×28 image does not get through this table: {error}."
    rows = {layer.row: layer.cost.output_shape for layer in layers}
    missing = [key for key in ("conv1", "conv2", *GOOGLENET_MODULES, "linear") if key not in rows]
    if missing:
        return f"Rows are missing: {', '.join(missing)}. Change the stem's strides and poolings only."
    if rows["3a"][1:] != (_A.grid, _A.grid):
        return (
            f"Module 3a works on {rows['3a'][1]}×{rows['3a'][2]} positions; it should be {_A.grid}×{_A.grid}."
        )
    changed = [
        row.key
        for row in table
        if row.type == "inception" and row.widths != GOOGLENET_MODULES[row.key].widths
    ]
    if changed:
        return f"The widths of {', '.join(changed)} are no longer the paper's."
    if rows["5b"][1:] != (7, 7):
        return f"Module 5b works on {rows['5b'][1]}×{rows['5b'][2]} positions; keep the poolings of the body."
    return None


variant_28 = Task(
    "05-variant-28",
    _judge_variant,
    "Module 3a sees 28×28 positions, as it does for a 224×224 photograph.",
)

_POOLED = ("pool1", "pool2")
VARIANT_28 = tuple(
    row._replace(stride=1) if row.key == "conv1" else row
    for row in GOOGLENET_TABLE_1
    if row.key not in _POOLED
)
"""Table 1 with a stem that keeps the grid of a 28×28 image."""


def _variant_macs() -> int:
    return costs.total(costs.googlenet(table=VARIANT_28, in_channels=1, input_size=28, num_classes=10)).macs


variant_28_macs = Number(
    "05-variant-28-macs",
    "How many MACs does that variant take for one grey 28×28 image and 10 classes?",
    _variant_macs(),
    "MACs",
    relative_tolerance=0.005,
    mistakes=[
        Mistake(
            costs.total(costs.googlenet()).macs,
            "That is the network for 224×224 pixels. Pass your table and input_size=28.",
        ),
        Mistake(
            costs.total(costs.googlenet(in_channels=1, input_size=28 + 3, num_classes=10)).macs,
            "That is the unchanged table on a small image: nearly all of its grids are 1×1.",
        ),
    ],
    hint="`costs.total(costs.googlenet(table=…, in_channels=1, input_size=28, num_classes=10)).macs`",
    explanation="An image with 64 times fewer pixels costs most of what the photograph does: work follows "
    "the grid, not the image.",
)


def _judge_half(widths: InceptionWidths) -> str | None:
    paper = GOOGLENET_MODULES["4c"]
    if not isinstance(widths, InceptionWidths):
        return f"Give an InceptionWidths with its six numbers, not a {type(widths).__name__}."
    if widths.out_channels != paper.channels:
        return f"The module must give {paper.channels} channels; yours gives {widths.out_channels}."
    for name in ("conv3", "conv5"):
        yours, theirs = getattr(widths, name), getattr(paper, name)
        if yours < theirs // 2:
            return f"{name} must be at least half of the paper's {theirs}; yours is {yours}."
    for small, large in (("reduce3", "conv3"), ("reduce5", "conv5")):
        if getattr(widths, small) * 8 < getattr(widths, large):
            kept = getattr(widths, small)
            return f"{small} must be at least an eighth of {large}; {kept} channels carry too little."
    macs, limit = _module_macs(IN_CHANNELS["4c"], widths, paper.grid), _macs("4c") // 2
    if macs > limit:
        return f"Your module takes {macs / 1e6:.1f} M MACs; half of the paper's is {limit / 1e6:.1f} M."
    return None


half_4c = Task(
    "05-half-4c",
    _judge_half,
    "Half the MACs, the same output. Whether it classifies as well, arithmetic cannot say.",
)

seed_study = study_of_seeds("05-seed-study")
