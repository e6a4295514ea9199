"""Where a paper's printed numbers and arithmetic part, and why: one list, shown in the book and checked by
the tests.

A comparison agrees when the computed number is less than one unit of the last printed digit away. Each one
that does not must have an explanation in `EXPLANATIONS`, and an explanation whose difference has gone is an
error too.
"""

from collections.abc import Iterable
from typing import NamedTuple

from inception_lessons import costs
from inception_lessons.papers import (
    GOOGLENET_CLAIMS,
    GOOGLENET_TABLE_1,
    GOOGLENET_TABLE_1_KILO,
    GOOGLENET_TABLE_3,
    printed_count,
)


class Comparison(NamedTuple):
    """One printed number beside the computed one."""

    key: tuple[str, str]
    """Row and column, or "text" and the claim's name."""
    printed: str
    printed_value: float
    computed_value: float
    """In the unit of `printed_value`."""
    computed: str
    """The computed number in the printed unit, with one digit more."""
    tolerance: float
    """One unit of the last printed digit."""

    @property
    def agrees(self) -> bool:
        """Whether the two differ by less than one unit of the last printed digit."""
        return abs(self.computed_value - self.printed_value) < self.tolerance

    @property
    def explanation(self) -> str:
        """Why the two differ; empty where they agree."""
        return EXPLANATIONS.get(self.key, "")


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


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _count_comparison(row: str, column: str, text: str, computed: int, kilo: int) -> Comparison:
    digits = len(text[:-1].partition(".")[2])
    unit = kilo if text.endswith("K") else 1_000_000
    computed_text = _number(computed / unit, digits + 1) + text[-1]
    return Comparison(
        (row, column), text, printed_count(text, kilo), computed, computed_text, unit / 10**digits
    )


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
        comparisons.append(
            _count_comparison(row.key, "params", row.params, computed.parameters, GOOGLENET_TABLE_1_KILO)
        )
        comparisons.append(_count_comparison(row.key, "ops", row.ops, computed.macs, GOOGLENET_TABLE_1_KILO))
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
    return [
        Comparison(
            ("text", "budget"),
            "1.5 billion",
            1.5e9,
            separable.macs,
            f"{separable.macs / 1e9:.2f} billion",
            1e8,
        ),
        Comparison(("text", "layers"), "22", claims["layers"].value, depth, str(depth), 1),
        Comparison(
            ("text", "layers_with_pooling"),
            "27",
            claims["layers_with_pooling"].value,
            depth + poolings,
            str(depth + poolings),
            1,
        ),
        Comparison(
            ("text", "fewer_parameters"), "12×", claims["fewer_parameters"].value, ratio, f"{ratio:.1f}×", 1
        ),
        Comparison(
            ("text", "relative_reduction"),
            "56.5 %",
            claims["relative_reduction"].value,
            fewer_errors,
            f"{fewer_errors:.2f} %",
            0.1,
        ),
        Comparison(
            ("text", "Table 3, last difference"),
            f"{last.difference:.2f} %",
            last.difference,
            last.top5_error - base.top5_error,
            f"{last.top5_error - base.top5_error:.2f} %",
            0.01,
        ),
    ]


def googlenet() -> list[Comparison]:
    """Return every comparison for "Going deeper with convolutions" (arXiv:1409.4842v1)."""
    return googlenet_table_1() + googlenet_text()


def explained(comparisons: Iterable[Comparison]) -> str:
    """Return the differences among `comparisons` as a Markdown list, those with one reason in one item."""
    reasons: dict[str, list[str]] = {}
    for comparison in comparisons:
        if comparison.explanation:
            row, column = comparison.key
            cell = f"{row}, {column} ({comparison.printed} printed, {comparison.computed} computed)"
            reasons.setdefault(comparison.explanation, []).append(cell)
    return "\n".join(f"- **{'; '.join(cells)}.** {reason}" for reason, cells in reasons.items())
