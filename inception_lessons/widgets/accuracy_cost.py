"""Accuracy against cost: every network with a published figure on ImageNet, on axes that the reader chooses.

The figures and costs are `records.imagenet_results()`. Python finds the frontier, the page's module finds it
again from the same rows, and a test holds the two together.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons.records import ImageNetResult, imagenet_results
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Text, Toggle
from inception_lessons.widgets._numbers import percent


class Measure(NamedTuple):
    """Something that an axis can show; of each, less is better."""

    label: str
    word: str
    """The label inside a sentence."""
    axis: str
    """What stands at an axis."""


MEASURES = {
    "parameters": Measure("Parameters", "parameters", "Parameters, log scale: fewer are better"),
    "macs": Measure("MACs", "MACs", "MACs, log scale: fewer are better"),
    "top5": Measure("Top-5 error", "top-5 error", "Top-5 error: less is better"),
    "top1": Measure("Top-1 error", "top-1 error", "Top-1 error: less is better"),
    "year": Measure("Year", "year", "Year: earlier is better"),
}
COSTS = ("parameters", "macs")
COLUMNS = (*COSTS, "top5", "top1")
SHOWN = {
    "lineage": ("The lineage", ("lineage",)),
    "torchvision": ("The lineage and torchvision's weights", ("lineage", "torchvision")),
    "all": ("All, with averages and other columns", ("lineage", "torchvision", "other")),
}
LEGEND = (
    ("mark", "one network, one crop", "lineage"),
    ("mark hollow", "several averaged, or not said", "lineage"),
    ("mark other", "not in the lineage", "other"),
    ("mark torchvision", "torchvision's weights", "torchvision"),
    ("dashes solid", "the lineage in order", "lineage"),
    ("dashes", "the frontier; shaded: beaten", "lineage"),
    ("", "close marks: side by side", "lineage"),
)
"""Look of a mark, what it says, and the group that must be shown for it to stand there."""
ABSENT = (
    "LeNet (its paper tests on MNIST) and NiN as its paper has it (CIFAR-10 and CIFAR-100): no ImageNet "
    "figure. The NiN here is its author's later ImageNet network."
)


def _names(found: Sequence[Mapping[str, Any]]) -> str:
    names = [row["name"] for row in found]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _some(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the names, or how many where the list is long."""
    return _names(found) if len(found) <= 6 else f"{len(found)} others"


_FIELDS = ("key", "name", "group", "year", "networks", "crops", "uncounted", *COLUMNS)


@cache
def rows() -> tuple[dict[str, Any], ...]:
    """Return the figures as the page gets them, numbered from 1."""
    return tuple(
        {
            **{name: getattr(row, name) for name in _FIELDS if getattr(row, name) is not None},
            "number": number,
            "single": row.single,
            "texts": {name: _printed(row, name) for name in ("top5", "top1", "year")},
            "title": f"{number} {row.name}, {row.year}",
            "tested": f"Tested with {row.protocol} ({row.source}).{row.note and ' '}{row.note}",
        }
        for number, row in enumerate(imagenet_results(), start=1)
    )


def _printed(row: ImageNetResult, measure: str) -> str:
    value = getattr(row, measure)
    return "–" if value is None else f"{value}" if measure == "year" else f"{value} %"


def _value(row: Mapping[str, Any], measure: str, whole_test: bool) -> Any:
    """Return a row's value on an axis, or None where nothing is published for it."""
    if measure not in COSTS or not whole_test:
        return row.get(measure)
    if measure == "parameters":
        return row["networks"] * row["parameters"]
    return row["networks"] * row["crops"] * row["macs"] if "crops" in row else None


def _text(row: Mapping[str, Any], measure: str, whole_test: bool) -> str:
    """Return that value as text; a dash where there is none."""
    if measure not in COSTS:
        return row["texts"][measure]
    value = _value(row, measure, whole_test)
    return "–" if value is None else f"{value:,}"


def _beats(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Whether `one` is nowhere above `other`, and below it somewhere."""
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def _gap(row: Mapping[str, Any], measure: str) -> str:
    """Return why a row has no value on an axis."""
    return row["uncounted"] if measure == "macs" else f"no {MEASURES[measure].word} is published"


def _left_out(drawn: Iterable[Mapping[str, Any]], axes: tuple[str, str], whole_test: bool) -> list[str]:
    """Return a sentence for each reason, with the names."""
    reasons: dict[str, list[Mapping[str, Any]]] = {}
    for row in drawn:
        missing = [axis for axis in axes if _value(row, axis, whole_test) is None]
        if missing:
            reasons.setdefault(_gap(row, missing[0]), []).append(row)
    return [f"{_names(found)}: {reason}." for reason, found in reasons.items()] + [ABSENT]


def evaluate(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points, the frontier, and every sentence of the chart."""
    axes, whole = (settings["x"], settings["y"]), settings["whole_test"]
    across, up = (MEASURES[axis] for axis in axes)
    if across is up:
        sentence = f"Both axes show {up.word}: choose two different measures."
        return {
            "caption": "",
            "summary": sentence,
            "points": [],
            "frontier": [],
            "left_out": [],
            "detail": {},
        }
    label, groups = SHOWN[settings["show"]]
    candidates = [row for row in rows() if row["group"] in groups]
    drawn = [row for row in candidates if all(_value(row, axis, whole) is not None for axis in axes)]
    places = [(_value(row, axes[0], whole), _value(row, axes[1], whole)) for row in drawn]
    rivals = [[row for row, other in zip(drawn, places, strict=True) if _beats(other, at)] for at in places]
    points = [
        {
            "key": row["key"],
            "x": at[0],
            "y": at[1],
            "frontier": not beaten,
            "cells": [_text(row, measure, whole) for measure in COLUMNS],
            "label": f"{row['title']}: {across.word} {_text(row, axes[0], whole)}, "
            f"{up.word} {_text(row, axes[1], whole)}, {'off' if beaten else 'on'} the frontier",
        }
        for row, at, beaten in zip(drawn, places, rivals, strict=True)
    ]
    found = [(row, at) for row, at, beaten in zip(drawn, places, rivals, strict=True) if not beaten]
    found.sort(key=lambda pair: (pair[1][0], pair[0]["number"]))
    front = [row for row, _ in found]
    return {
        "caption": f"{label}: {across.word} against {up.word}, {len(drawn)} marks, costs of "
        + ("the whole test." if whole else "one network and one crop."),
        "summary": _summary(drawn, front, axes, whole),
        "points": points,
        "frontier": [row["key"] for row in front],
        "left_out": _left_out(candidates, axes, whole),
        "detail": _detail(drawn, rivals, settings["point"]),
    }


def _summary(drawn: Sequence[Any], front: Sequence[Any], axes: tuple[str, str], whole: bool) -> str:
    across = MEASURES[axes[0]]
    text = f"On the frontier, by rising {across.word}: {_names(front)}."
    keys = {row["key"] for row in front}
    beaten = [row for row in drawn if row["key"] not in keys]
    if beaten:
        text += f" Beaten by one of these, that is nowhere worse: {_some(beaten)}."
    if axes[0] in COSTS:
        values = [_value(row, axes[0], whole) for row in drawn]
        small, large = min(values), max(values)
        least, most = drawn[values.index(small)], drawn[values.index(large)]
        text += (
            f" Fewest {across.word}: {least['name']} with {small:,}, which is {percent(small, large)} "
            f"of the {large:,} of {most['name']}."
        )
    if not whole:
        unlike = [
            row
            for row in front
            if ("macs" in axes and not row["single"]) or ("parameters" in axes and row["networks"] > 1)
        ]
        if unlike:
            text += (
                " The axis counts one network and one crop; of the frontier, tested otherwise, or not said: "
                f"{_names(unlike)}."
            )
    return text


def _detail(drawn: Sequence[Any], rivals: Sequence[Any], key: str) -> dict[str, str]:
    """Return what is said of the chosen point; of the first one if that is not drawn."""
    at = next((place for place, row in enumerate(drawn) if row["key"] == key), 0)
    place = f"Beaten by {_some(rivals[at])}." if rivals[at] else "On the frontier."
    return {
        "key": drawn[at]["key"],
        "title": drawn[at]["title"],
        "text": f"{place} {drawn[at]['tested']}",
    }


class AccuracyCost(Instrument):
    """Who is on the frontier? Published errors on ImageNet (in %) against counted parameters and MACs.

    ```python
    AccuracyCost()                # by parameters: nothing before GoogLeNet is on the frontier
    AccuracyCost("macs")          # by MACs of one crop, AlexNet is the cheapest
    AccuracyCost("whole-test")    # its ten crops counted, it costs more than Inception v3
    AccuracyCost(x="year", y="top1", show="all")
    ```

    On each axis less is better. A network is on the frontier if no other drawn one is at least as good on
    both axes and better on one. Errors are as each paper prints them, under its protocol: filled marks are
    one network and one crop; hollow ones average crops, whole images or networks, or do not say. Costs are
    counted with biases or batch norm's pairs, without auxiliary heads; `whole_test` multiplies parameters by
    the networks and MACs by networks and crops.

    Source: `records.imagenet_results()`, which names a table for each figure.
    """

    _module: ClassVar[str] = "accuracy_cost.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return the two axes, which figures to show, what the costs count, and the chosen point."""
        options = {key: measure.label for key, measure in MEASURES.items()}
        keys = tuple(row.key for row in imagenet_results())
        return (
            Select("x", "Across", options),
            Select("y", "Up", options),
            Select("show", "Show", {key: label for key, (label, _) in SHOWN.items()}),
            Toggle("whole_test", "Count every network and crop of the test"),
            Text("point", "Chosen point", "|".join(keys), keys),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return views that each answer the question differently; the first is by parameters."""

        def view(label: str, x: str, y: str, show: str = "lineage", whole: bool = False) -> Preset:
            group = "The lineage" if show == "lineage" else "More figures"
            return Preset(label, {"x": x, "y": y, "show": show, "whole_test": whole}, group)

        return {
            "parameters": view("Parameters against top-5 error", "parameters", "top5"),
            "macs": view("MACs of one crop against top-5 error", "macs", "top5"),
            "whole-test": view("MACs of the whole test against top-5 error", "macs", "top5", whole=True),
            "top1": view("Parameters against top-1 error, with NiN", "parameters", "top1"),
            "years": view("Years against parameters", "year", "parameters"),
            "costs": view("Parameters against MACs", "parameters", "macs"),
            "torchvision": view("With torchvision's weights", "macs", "top1", "torchvision"),
            "averages": view("Averages at the cost of one crop", "macs", "top5", "all"),
            "averages-counted": view("Averages at their own cost", "macs", "top5", "all", True),
        }

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the points, the frontier, and every sentence of the chart."""
        return evaluate(settings)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"point": "googlenet"}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {
            "rows": list(rows()),
            "measures": {key: measure._asdict() for key, measure in MEASURES.items()},
            "columns": [[key, MEASURES[key].label] for key in COLUMNS],
            "shown": {
                key: {"label": label, "groups": list(groups)} for key, (label, groups) in SHOWN.items()
            },
            "absent": ABSENT,
            "legend": [list(entry) for entry in LEGEND],
        }

    def frontier(self) -> tuple[ImageNetResult, ...]:
        """Return the networks on the frontier, by rising value across."""
        found = {row.key: row for row in imagenet_results()}
        return tuple(found[key] for key in evaluate(self.settings)["frontier"])

    def table(self) -> Table:
        """Return what the chart shows at first, as text."""
        shown = evaluate(self.settings)
        found = {row.key: row for row in imagenet_results()}
        return Table(
            shown["caption"] or shown["summary"],
            ("Network", *(MEASURES[key].label for key in COLUMNS), "Frontier", "Tested with"),
            tuple(
                (
                    found[point["key"]].name,
                    *point["cells"],
                    "yes" if point["frontier"] else "no",
                    found[point["key"]].protocol,
                )
                for point in shown["points"]
            ),
        )
