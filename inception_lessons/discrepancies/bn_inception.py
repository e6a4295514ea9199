"""BN-Inception (arXiv:1502.03167): Figure 5, which is a table, and the numbers of the text."""

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare
from inception_lessons.papers import (
    BN_INCEPTION_CLAIMS,
    BN_INCEPTION_FIGURE_3,
    BN_INCEPTION_FIGURE_4,
    BN_INCEPTION_FIGURE_5,
    GOOGLENET_TABLE_1,
)

_SUM = (
    "The four branches of the row have 608 channels, 32 more than it prints. TF-slim's released code "
    "(inception_v2.py in tensorflow/models) has 96 for the 1×1 after the pooling in place of the printed "
    "128; with it every row has the channels that it prints."
)
_GRID = (
    "The module has stride 2, and the row prints the grid of its input beside the channels of its output. "
    "The next row prints the halved grid."
)

EXPLANATIONS: dict[tuple[str, str], str] = {
    **{(row, "channels"): _SUM for row in ("4c", "4d")},
    **{(row, "grid"): _GRID for row in ("3c", "4e")},
    ("conv2", "depth"): (
        "The row is a 1×1 and a 3×3, two layers with weights. GoogLeNet's Table 1 has the same row and "
        "prints 2."
    ),
    ("text", "parameters"): (
        "Neither reading of Figure 5 gives it: the rows as printed have 11.3 million with a dense stem, and "
        "the separable stem of the text has fewer weights. The paper does not say what the rest is."
    ),
    ("text", "widest_double"): "Figure 5 goes up to 256, in 4e.",
    ("text", "more_layers"): (
        "Nine more is right for GoogLeNet's nine modules, one more in each. Figure 5 has a tenth module, 3c, "
        "three layers deep."
    ),
    ("text", "more_parameters"): (
        "Figure 5 as a whole has more than half as many parameters again as GoogLeNet. Two 3×3 of the same "
        "width in the place of each 5×5, and nothing else changed, add 4 %. The paper does not say what it "
        "counted."
    ),
}


def bn_inception_figure_5() -> list[Comparison]:
    """Return grid, channels and depth of each row of Figure 5 beside what follows from its layers.

    The grid is that of a 224×224 image. The channels of a module follow from its own widths and the channels
    that the row above prints, the depth is its longest path in layers with weights.
    """
    stages = costs.bn_inception_stages()
    walked = {stage.row: stage for stage in costs.walk(stages, 3, 224)}
    depths = {stage.row: costs.longest_path([stage]) for stage in stages}
    comparisons = []
    in_channels = 3
    for row in BN_INCEPTION_FIGURE_5:
        computed = {"grid": walked[row.key].output_shape[1], "depth": depths[row.key]}
        if row.type == "inception":
            computed["channels"] = costs.double_inception_channels(row, in_channels)
        for column, number in computed.items():
            printed = getattr(row, column)
            comparisons.append(
                compare(
                    (row.key, column),
                    str(printed),
                    printed,
                    number,
                    str(number),
                    1,
                    explanations=EXPLANATIONS,
                )
            )
        in_channels = row.channels
    return comparisons


def _percent_more(new: int, old: int) -> float:
    return 100 * (new / old - 1)


def bn_inception_text() -> list[Comparison]:
    """Return the counts of the text, and what follows from Figures 3 and 4, beside the computed numbers.

    Both networks are counted with the separable stem, which their printed costs and texts ask for.
    """
    stated = {name: claim.value for name, claim in BN_INCEPTION_CLAIMS.items()}
    ours = costs.total(costs.bn_inception(stem="separable"))
    theirs = costs.total(costs.googlenet(stem="separable"))
    layers = costs.longest_path(costs.bn_inception_stages()) - sum(row.depth for row in GOOGLENET_TABLE_1)
    parameters = _percent_more(ours.parameters, theirs.parameters)
    macs = _percent_more(ours.macs, theirs.macs)
    widest = max(row.double or 0 for row in BN_INCEPTION_FIGURE_5)
    on_28 = sum(row.type == "inception" and row.grid == 28 for row in BN_INCEPTION_FIGURE_5)
    steps = {row.model: row.steps for row in BN_INCEPTION_FIGURE_3}
    fewer = steps["Inception"] / steps["BN-x5"]
    fewer_x30 = steps["Inception"] / stated["steps_x30"]
    accuracy = {row.model: row.max_accuracy for row in BN_INCEPTION_FIGURE_3}
    (single,) = (row for row in BN_INCEPTION_FIGURE_4 if row.model == "BN-Inception single crop")
    error = 100 - accuracy["BN-x30"]
    rows = [
        (
            "parameters",
            "13.6 million",
            stated["parameters"],
            ours.parameters,
            f"{ours.parameters / 1e6:.2f} million",
            1e5,
        ),
        ("widest_double", "128", stated["widest_double"], widest, str(widest), 1),
        ("more_layers", "9", stated["more_layers"], layers, str(layers), 1),
        ("more_parameters", "25 %", stated["more_parameters"], parameters, f"{parameters:.1f} %", 1),
        ("more_macs", "about 30 %", stated["more_macs"], macs, f"{macs:.1f} %", 1),
        ("modules_28", "3", stated["modules_28"], on_28, str(on_28), 1),
        ("fewer_steps", "14×", stated["fewer_steps"], fewer, f"{fewer:.1f}×", 1),
        ("fewer_steps_x30", "5×", stated["fewer_steps_x30"], fewer_x30, f"{fewer_x30:.1f}×", 1),
        ("Figure 4, single crop", "25.2 %", single.top1_error, error, f"{error:.2f} %", 0.1),
    ]
    return [compare(("text", name), *numbers, explanations=EXPLANATIONS) for name, *numbers in rows]


BN_INCEPTION = Paper(
    "BN-Inception",
    "Batch normalization, arXiv:1502.03167v3",
    EXPLANATIONS,
    {"figure 5": bn_inception_figure_5, "text": bn_inception_text},
    BN_INCEPTION_CLAIMS,
)
