"""GoogLeNet (arXiv:1409.4842v1): Table 1, Table 3 and the counts in the text."""

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare, compare_count
from inception_lessons.papers import (
    GOOGLENET_CLAIMS,
    GOOGLENET_TABLE_1,
    GOOGLENET_TABLE_1_KILO,
    GOOGLENET_TABLE_3,
)

_OLDER_WIDTHS = (
    "The params cell does not fit the six printed widths, while the ops cell does. The likeliest reading is "
    "a count left over from other widths; the paper does not say."
)

EXPLANATIONS: dict[tuple[str, str], str] = {
    ("conv1", "params"): (
        "The printed cost is that of a depthwise separable 7×7: 8 filters per input channel, then a 1×1. "
        "These are 7·7·3·8 + 24·64 weights: 2.65K, or 2.71K with 64 biases. The paper never mentions it. "
        "Later ones do: arXiv:1610.02357, section 2, for this network, and arXiv:1502.03167, appendix, with "
        "the multiplier 8, for the next."
    ),
    ("conv1", "ops"): (
        "As for its parameters: the separable stem costs what is printed, the dense one 3.5 times as much."
    ),
    ("3b", "params"): (
        "One unit too high for weights alone. With biases it rounds to 380, but then 3a would round to 160, "
        "not to 159."
    ),
    **{(row, "params"): _OLDER_WIDTHS for row in ("4a", "4b", "4c", "4d", "4e", "5b")},
    ("5a", "params"): (
        "Printed params and ops agree with each other (1072·1024 weights on 7×7 positions are 54 M MACs) but "
        "not with the printed widths, which repeat those of 4e. The cost is that of another 5a."
    ),
    ("5a", "ops"): "As for its parameters: the cost of another 5a than the widths describe.",
    ("text", "fewer_parameters"): (
        "The ratio of AlexNet's 60 million to this network's parameters is under 9. Twelve times fewer "
        "would be 5 million."
    ),
    ("text", "Table 3, last difference"): "10.07 − 6.67 is 3.40, not 3.45.",
}


def googlenet_table_1(stem: str = "dense") -> list[Comparison]:
    """Return every cost that GoogLeNet's Table 1 prints beside the cost of the layers it lists.

    Parameters are weights without biases, in K = 1024; ops are MACs in M = 10⁶, for a 224×224 image.
    """
    rows = costs.by_row(costs.googlenet(stem=stem, bias=False))
    comparisons = []
    for row in GOOGLENET_TABLE_1:
        if row.params is None or row.ops is None:
            continue
        computed = rows[row.key]
        for column, printed, count in (
            ("params", row.params, computed.parameters),
            ("ops", row.ops, computed.macs),
        ):
            key = (row.key, column)
            comparisons.append(compare_count(key, printed, count, EXPLANATIONS, kilo=GOOGLENET_TABLE_1_KILO))
    return comparisons


def googlenet_text() -> list[Comparison]:
    """Return the counts that GoogLeNet's text and Table 3 state beside what follows from its tables."""
    claims = GOOGLENET_CLAIMS
    depth = sum(row.depth for row in GOOGLENET_TABLE_1)
    poolings = sum("pool" in row.type for row in GOOGLENET_TABLE_1)
    base, last = GOOGLENET_TABLE_3[0], GOOGLENET_TABLE_3[-1]
    separable = costs.total(costs.googlenet(stem="separable"))
    ratio = claims["alexnet_parameters"].value / costs.total(costs.googlenet()).parameters
    fewer_errors = 100 * (1 - claims["top5_2014"].value / claims["top5_2012"].value)
    difference = last.top5_error - base.top5_error
    stated = {name: claim.value for name, claim in claims.items()}
    rows = [
        (
            "budget",
            "1.5 billion",
            stated["budget"],
            separable.macs,
            f"{separable.macs / 1e9:.2f} billion",
            1e8,
        ),
        ("layers", "22", stated["layers"], depth, str(depth), 1),
        (
            "layers_with_pooling",
            "27",
            stated["layers_with_pooling"],
            depth + poolings,
            str(depth + poolings),
            1,
        ),
        ("fewer_parameters", "12×", stated["fewer_parameters"], ratio, f"{ratio:.1f}×", 1),
        (
            "relative_reduction",
            "56.5 %",
            stated["relative_reduction"],
            fewer_errors,
            f"{fewer_errors:.2f} %",
            0.1,
        ),
        (
            "Table 3, last difference",
            f"{last.difference:.2f} %",
            last.difference,
            difference,
            f"{difference:.2f} %",
            0.01,
        ),
    ]
    return [compare(("text", name), *numbers, explanations=EXPLANATIONS) for name, *numbers in rows]


GOOGLENET = Paper(
    "GoogLeNet",
    "Going deeper with convolutions, arXiv:1409.4842v1",
    EXPLANATIONS,
    {"table 1": googlenet_table_1, "text": googlenet_text},
    GOOGLENET_CLAIMS,
)
