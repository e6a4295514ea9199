"""What the extra heads feed: recorded gradients of each stage, over the first updates of training.

All numbers come from the record `auxiliary_gradients`. Python and the page's module choose the same ones from
it and write them in the same characters; a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from inception_lessons import records
from inception_lessons.papers import GOOGLENET_AUXILIARY, GOOGLENET_MODULES
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Text
from inception_lessons.widgets._numbers import percent

RECORD = "auxiliary_gradients"
STAGES = ("conv1", *GOOGLENET_MODULES)
SETTINGS = {
    "heads, no norm": "heads, no batch norm",
    "no heads, no norm": "no heads, no batch norm",
    "heads, batch norm": "heads, batch norm",
    "no heads, batch norm": "no heads, batch norm",
}
"""The record's settings, and what the reader sees."""

_UNIT = 10**9
"""Gradients are counted in billionths, so that ratios are those of integers."""
_SHARES = 10_000
"""Top-1 is counted in this."""


@cache
def _recorded() -> dict[str, Any]:
    """Return what the widget shows of the record: integers by setting, stage, place in `updates` and seed."""
    record = records.load(RECORD)
    recipe, kinds = record.definition["recipe"], record.definition["settings"]
    settings = {}
    for key, label in SETTINGS.items():
        sizes = record.values(key, "gradients")
        settings[key] = {
            "label": label,
            "top1": sorted(round(_SHARES * top1) for top1 in record.values(key, "top1")),
            "gradients": {
                stage: [
                    [round(_UNIT * of_seed[stage][at]) for of_seed in sizes]
                    for at in range(len(recipe["gradients_at"]))
                ]
                for stage in STAGES
            },
        }
    rates = {
        norm: (recipe | kinds[f"heads, {norm}"]["recipe"])["learning_rate"]
        for norm in ("no norm", "batch norm")
    }
    return {
        "updates": recipe["gradients_at"],
        "last": recipe["steps"],
        "shares": _SHARES,
        "settings": settings,
        "conditions": (
            "GoogLeNet's nine modules an eighth as wide, on 28×28 images, after a single 3×3; "
            f"{recipe['batch_size']} images a batch, rate {rates['no norm']} without and "
            f"{rates['batch norm']} with batch norm. Heads or none: before the first update the weights are "
            "the same, seed by seed; afterwards two trainings are compared. With batch norm and without it, "
            f"weights and rate differ. {record.conditions_line()}. "
            "What this does not show: ImageNet, the whole width, a long training. And a gradient's size is "
            "not learning: compare the top-1."
        ),
    }


def _times(part: int, whole: int) -> str:
    """Return part/whole with three significant digits."""
    return percent(part, 100 * whole)[:-2]


def _span(seeds: Sequence[int]) -> dict[str, Any]:
    """Return the lowest, the median and the highest, and their texts in thousandths."""
    low, *_, high = ordered = sorted(seeds)
    middle = ordered[len(ordered) // 2]
    low_text, text, high_text = (_times(value, _UNIT // 1000) for value in (low, middle, high))
    return {
        "low": low,
        "middle": middle,
        "high": high,
        "text": text,
        "spread": f"{low_text} to {high_text}",
    }


def _compared(name: str, first: Sequence[int], second: Sequence[int]) -> dict[str, Any]:
    """Return one row: both settings, and their ratio seed by seed."""
    pairs = sorted(zip(first, second, strict=True), key=lambda pair: pair[0] / pair[1])
    low, ratio, high = (_times(*pairs[at]) for at in (0, len(pairs) // 2, -1))
    return {
        "name": name,
        "first": _span(first),
        "second": _span(second),
        "ratio": ratio,
        "ratio_spread": f"{low} to {high}",
        "above": all(a > b for a, b in pairs),
        "below": all(a < b for a, b in pairs),
    }


def _when(updates: int) -> str:
    if updates == 0:
        return "Before the first update"
    return f"After {updates} update{'' if updates == 1 else 's'}"


def _top1(setting: Mapping[str, Any]) -> str:
    low, *_, high = shares = setting["top1"]
    low, middle, high = (percent(share, _SHARES) for share in (low, shares[len(shares) // 2], high))
    return f"{middle} ({low} to {high}), {setting['label']}"


class AuxiliaryGradients(Instrument):
    """What the extra heads feed: the gradient of each stage during the first updates, in two settings.

    ```python
    AuxiliaryGradients()                                       # heads or none, without batch norm
    AuxiliaryGradients("norm-start", updates="32", stage="4a")
    AuxiliaryGradients(first="heads, batch norm", second="heads, no norm")
    ```

    Shown is the root of the mean square of the gradient of a stage's weights, in thousandths (nats of loss
    for a change of 1 in one weight): the median of the seeds, the lowest and the highest. With heads the loss
    is the main one and 0.3 times that of each head. A ratio is taken seed by seed. `updates` says how often
    the weights had been changed: at 0 they are the same with and without heads, so that the ratio is what
    the heads feed; afterwards it compares two trainings.

    In the default the heads lift the gradient of conv1 to 4a several times over, and leave 4e to 5b, which
    lie above them, as they are. After 32 updates the lift is no longer there in every seed.

    Source: the record `auxiliary_gradients` of this book, GoogLeNet's nine modules (Table 1 of
    arXiv:1409.4842) an eighth as wide on 28×28 images. It does not show ImageNet, the whole width or a long
    training, and a gradient's size is not learning.
    """

    _module: ClassVar[str] = "auxiliary_gradients.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return the two settings, the stage that is followed over time, and the hidden number of updates."""
        updates = tuple(str(n) for n in records.EXPERIMENTS[RECORD].recipe["gradients_at"])
        return (
            Select("first", "Show", SETTINGS),
            Select("second", "Against", SETTINGS),
            Select("stage", "Follow stage", {stage: stage for stage in STAGES}),
            Text("updates", "Updates of the weights", "|".join(updates), updates),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return comparisons worth looking at, by key."""
        plain, norm, across = "Without batch norm", "With batch norm", "With and without batch norm"
        bare = {"first": "heads, no norm", "second": "no heads, no norm"}
        normed = {"first": "heads, batch norm", "second": "no heads, batch norm"}
        return {
            "plain-start": Preset("heads or none, before the first update", _at(bare, 0), plain),
            "plain-16": Preset("heads or none, 16 updates", _at(bare, 16), plain),
            "plain-32": Preset("heads or none, 32 updates: the seeds disagree", _at(bare, 32), plain),
            "norm-start": Preset("heads or none, before the first update", _at(normed, 0), norm),
            "norm-2": Preset("heads or none, 2 updates", _at(normed, 2), norm),
            "across-start": Preset(
                "batch norm without heads or heads without batch norm, before the first update",
                _at({"first": "no heads, batch norm", "second": "heads, no norm"}, 0),
                across,
            ),
        }

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return rows for the stages at this number of updates, and for all numbers of updates at this stage.

        In a row `first` and `second` have `low`, `middle` and `high` in billionths, and texts in thousandths.
        """
        data = _recorded()
        first, second = (data["settings"][settings[name]] for name in ("first", "second"))
        at, stage = data["updates"].index(int(settings["updates"])), settings["stage"]
        stages = [_compared(key, first["gradients"][key][at], second["gradients"][key][at]) for key in STAGES]
        over_time = [
            _compared(str(updates), a, b)
            for updates, a, b in zip(
                data["updates"], first["gradients"][stage], second["gradients"][stage], strict=True
            )
        ]
        now, seeds = over_time[at], len(first["top1"])
        above, below = (sum(row[name] for row in stages) for name in ("above", "below"))
        when = _when(int(settings["updates"]))
        if first is second:
            summary = f"{when}: both are the same setting. Choose another one to compare."
            count, learnt = "", _top1(first)
        else:
            summary = (
                f"{when}, the gradient of {stage} is {now['first']['text']} thousandths ({first['label']}) "
                f"and {now['second']['text']} ({second['label']}). Ratio, seed by seed: {now['ratio']} "
                f"({now['ratio_spread']})."
            )
            count = (
                f"In all {seeds} seeds the ratio is above 1 in {above} of the {len(stages)} stages, and "
                f"below 1 in {below}."
            )
            learnt = f"{_top1(first)}; {_top1(second)}"
        return {
            "summary": summary,
            "count": count,
            "learnt": f"Test top-1 after {data['last']} updates: {learnt}.",
            "stages": stages,
            "over_time": over_time,
        }

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"stage": "conv1"}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {"heads": list(GOOGLENET_AUXILIARY.after), "stages": list(STAGES), **_recorded()}

    def table(self) -> Table:
        """Return the stages as the widget shows them at first, as text."""
        shown = self.evaluate(self.settings)
        return Table(
            f"{shown['summary']} {shown['count']} Root mean square of the gradient of each stage's weights, "
            f"in thousandths; median of the seeds. {shown['learnt']} {_recorded()['conditions']}",
            ("Stage", SETTINGS[self.settings["first"]], SETTINGS[self.settings["second"]], "ratio"),
            tuple(
                (
                    row["name"],
                    f"{row['first']['text']} ({row['first']['spread']})",
                    f"{row['second']['text']} ({row['second']['spread']})",
                    f"{row['ratio']} ({row['ratio_spread']})",
                )
                for row in shown["stages"]
            ),
        )


def _at(settings: Mapping[str, str], updates: int) -> dict[str, str]:
    return {**settings, "updates": str(updates)}
