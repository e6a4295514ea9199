"""A printed number beside the computed one, and all of a paper's."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from inception_lessons._check import instance, members
from inception_lessons.papers import Claim, printed_count

Key = tuple[str, str]
"""Row and column of a table, or "text" and the claim's name."""


class Comparison(NamedTuple):
    """One printed number beside the computed one."""

    key: Key
    printed: str
    printed_value: float
    computed_value: float
    """In the unit of `printed_value`."""
    computed: str
    """The computed number in the printed unit, with one digit more."""
    tolerance: float
    """One unit of the last printed digit."""
    explanation: str
    """Why the two differ; empty where they agree."""

    @property
    def agrees(self) -> bool:
        """Whether the two differ by less than one unit of the last printed digit."""
        return abs(self.computed_value - self.printed_value) < self.tolerance


def compare(
    key: Key,
    printed: str,
    printed_value: float,
    computed_value: float,
    computed: str,
    tolerance: float,
    *,
    explanations: Mapping[Key, str],
) -> Comparison:
    """Return a comparison with the explanation that `explanations` has for its key."""
    explanation = explanations.get(key, "")
    return Comparison(key, printed, printed_value, computed_value, computed, tolerance, explanation)


def compare_count(
    key: Key, printed: str, computed: int, explanations: Mapping[Key, str], *, kilo: int = 1000
) -> Comparison:
    """Return the comparison of a count such as "159K", "34M" or "60,000" with the exact one.

    Args:
        kilo: what K stands for. M is always 10⁶.
    """
    plain = printed.replace(",", "")
    unit = {"K": kilo, "M": 1_000_000}.get(plain[-1], 1)
    digits = len(plain.rstrip("KM").partition(".")[2])
    shown = f"{computed:,}" if unit == 1 else f"{computed / unit:,.{digits + 1}f}{plain[-1]}"
    return compare(
        key,
        printed,
        printed_count(plain, kilo),
        computed,
        shown,
        unit / 10**digits,
        explanations=explanations,
    )


def compare_exact(key: Key, printed: int, computed: float, *, explanations: Mapping[Key, str]) -> Comparison:
    """Return the comparison of an integer that the paper prints in full with the computed number."""
    shown = f"{computed:,.1f}" if isinstance(computed, float) else f"{computed:,}"
    return compare(key, f"{printed:,}", printed, computed, shown, 1, explanations=explanations)


class Paper(NamedTuple):
    """Everything that is compared for one paper."""

    name: str
    source: str
    explanations: Mapping[Key, str]
    """The reason of every known difference, by key: one that is missing, or has gone, fails a test."""
    parts: Mapping[str, Callable[[], list[Comparison]]]
    """Functions that compute the comparisons, by what they compare: "table 1", "text"."""
    claims: Mapping[str, Claim] = {}
    """The sentences behind the names that stand in keys ("text", name)."""

    def comparisons(self) -> list[Comparison]:
        """Return every comparison of the paper."""
        return [comparison for part in self.parts.values() for comparison in part()]

    def words(self, key: Key) -> tuple[str, str]:
        """Return a key for people: the claim's sentence in the place of its name."""
        place, name = key
        return (place, self.claims[name].text) if place == "text" and name in self.claims else key


def explained(
    comparisons: Iterable[Comparison], words: Callable[[Key], tuple[str, str]] = lambda key: key
) -> str:
    """Return the differences among `comparisons` as a Markdown list, those with one reason in one item.

    Args:
        words: how to call a key, such as `Paper.words`.

    Raises:
        TypeError: something among them is no comparison, or `words` is no function.
    """
    if not callable(words):
        raise TypeError(f"words must be a function, got {words!r}")
    reasons: dict[str, list[str]] = {}
    for comparison in members("comparisons", comparisons):
        if instance("a comparison", comparison, Comparison).explanation:
            called = members("what words returns", words(comparison.key))
            if len(called) != 2:
                raise ValueError(f"words must return a place and a name, got {called!r}")
            place, name = called
            cell = f"{place}, {name} ({comparison.printed} printed, {comparison.computed} computed)"
            reasons.setdefault(comparison.explanation, []).append(cell)
    return "\n".join(f"- **{'; '.join(cells)}.** {reason}" for reason, cells in reasons.items())
