"""ZFNet (arXiv:1311.2901): the sizes in Figure 3 and the differences of errors in the text."""

from functools import partial

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare, compare_exact
from inception_lessons.papers import ZFNET_CLAIMS, ZFNET_FIGURE_3, ZFNET_INPUT, ZFNET_TABLE_2

EXPLANATIONS: dict[tuple[str, str], str] = {
    ("text", "replication, top-1"): (
        "0.1 % holds for the top-5 error, 18.1 against 18.2. The top-1 errors of Table 2, 40.5 and 40.7, are "
        "0.2 apart."
    ),
}

_exact = partial(compare_exact, explanations=EXPLANATIONS)


def zfnet_figure_3() -> list[Comparison]:
    """Return every grid that Figure 3 prints beside the one that its kernels, strides and poolings give."""
    walked = costs.walk(costs.zfnet_stages(), ZFNET_INPUT[2], ZFNET_INPUT[0])
    compared = []
    for row, stage in zip(ZFNET_FIGURE_3, walked, strict=False):
        if row.type == "convolution":
            inner = stage.layers[0].cost.output_shape[1]
            compared.append(_exact((row.key, "grid"), row.grid, inner))
            compared.append(_exact((row.key, "grid after the layer"), row.out_grid, stage.output_shape[1]))
    stated = int(ZFNET_CLAIMS["dense_inputs"].value)
    dense = next(stage for stage in walked if stage.row == "dense6")
    return [*compared, _exact(("dense6", "inputs"), stated, dense.layers[0].in_channels)]


def zfnet_text() -> list[Comparison]:
    """Return the differences that section 5.1 states beside those of Table 2."""
    rows = {row.model: row for row in ZFNET_TABLE_2}
    alexnet = rows["(Krizhevsky et al., 2012), 1 convnet"]
    replica = rows["Our replication of (Krizhevsky et al., 2012), 1 convnet"]
    ours = rows["1 convnet as per Fig. 3"]
    better = ZFNET_CLAIMS["better_than_alexnet"].value
    within = ZFNET_CLAIMS["replication"].value
    return [
        _percent("better_than_alexnet", better, alexnet.top5_validation - ours.top5_validation),
        _percent("replication, top-5", within, alexnet.top5_validation - replica.top5_validation),
        _percent("replication, top-1", within, alexnet.top1_validation - replica.top1_validation),
    ]


def _percent(name: str, stated: float, difference: float) -> Comparison:
    # The errors have one digit: so has their difference, and half a unit tells one from the next.
    computed = round(difference, 1)
    return compare(
        ("text", name), f"{stated} %", stated, computed, f"{computed} %", 0.05, explanations=EXPLANATIONS
    )


ZFNET = Paper(
    "ZFNet",
    "Visualizing and understanding convolutional networks, arXiv:1311.2901",
    EXPLANATIONS,
    {"figure 3": zfnet_figure_3, "text": zfnet_text},
    ZFNET_CLAIMS,
)
