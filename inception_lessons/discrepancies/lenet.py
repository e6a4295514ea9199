"""LeNet-5 (Proceedings of the IEEE 86(11), 1998): the counts of section II."""

from inception_lessons import costs
from inception_lessons.discrepancies.comparison import Comparison, Paper, compare, compare_count
from inception_lessons.papers import LENET5_CLAIMS, LENET5_LAYERS

EXPLANATIONS: dict[tuple[str, str], str] = {
    ("text", "layers"): (
        'The seventh layer, the output, compares with codes that are drawn by hand and kept fixed ("at least '
        'initially"). The total of 60,000 counts no parameter for it, while the total of 340,908 counts its '
        "840 connections."
    ),
}


def lenet5_layers() -> list[Comparison]:
    """Return every count of a layer of LeNet-5 beside what follows from its sizes."""
    parameters = {row: total.parameters for row, total in costs.by_row(costs.lenet5()).items()}
    connections = costs.lenet5_connections()
    comparisons = []
    for row in LENET5_LAYERS:
        if row.params is not None:
            comparisons.append(
                compare_count((row.key, "params"), row.params, parameters[row.key], EXPLANATIONS)
            )
        if row.connections is not None:
            comparisons.append(
                compare_count((row.key, "connections"), row.connections, connections[row.key], EXPLANATIONS)
            )
    return comparisons


def lenet5_text() -> list[Comparison]:
    """Return the totals that the text states beside the sums over the layers."""
    layers = costs.lenet5()
    counts = {
        "connections": sum(costs.lenet5_connections().values()),
        "parameters": costs.total(layers).parameters,
        "layers": len(costs.by_row(layers)),
    }
    return [
        compare(
            ("text", name),
            f"{LENET5_CLAIMS[name].value:,}",
            LENET5_CLAIMS[name].value,
            count,
            f"{count:,}",
            1,
            explanations=EXPLANATIONS,
        )
        for name, count in counts.items()
    ]


LENET = Paper(
    "LeNet-5",
    "Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11), 1998",
    EXPLANATIONS,
    {"layers": lenet5_layers, "text": lenet5_text},
    LENET5_CLAIMS,
)
