"""What the extra heads feed: the recorded numbers, read and summed up by another road than the widget's."""

import json
import math
from decimal import ROUND_HALF_UP, Context, Decimal
from importlib.resources import files
from statistics import median

import pytest

from inception_lessons.papers import GOOGLENET_AUXILIARY, GOOGLENET_MODULES
from inception_lessons.widgets.auxiliary_gradients import SETTINGS, STAGES, AuxiliaryGradients

CONTENT = json.loads(files("inception_lessons").joinpath("runs/auxiliary_gradients.json").read_text("utf-8"))
UPDATES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
NORMS = ("no norm", "batch norm")


def recorded(setting: str, stage: str, place: int) -> list[float]:
    """One number for each seed, straight from the file."""
    runs = sorted((run for run in CONTENT["runs"] if run["setting"] == setting), key=lambda run: run["seed"])
    return [run["values"]["gradients"][stage][place] for run in runs]


def digits(number: Decimal | float | str) -> float:
    """Three significant digits, halves up."""
    return float(Context(prec=3, rounding=ROUND_HALF_UP).create_decimal(Decimal(str(number))))


def settings(first: str, second: str, stage: str = "conv1", updates: int = 0) -> dict[str, str]:
    return {"first": first, "second": second, "stage": stage, "updates": str(updates)}


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.replace(",", "").split(" to ")]


@pytest.mark.parametrize("first", SETTINGS)
@pytest.mark.parametrize("second", SETTINGS)
def test_every_number_is_the_records(first, second):
    for place, updates in enumerate(UPDATES):
        shown = AuxiliaryGradients.evaluate(settings(first, second, updates=updates))["stages"]
        assert [row["name"] for row in shown] == ["conv1", *GOOGLENET_MODULES]
        for row in shown:
            ours = {
                name: recorded(key, row["name"], place)
                for name, key in (("first", first), ("second", second))
            }
            for name, seeds in ours.items():
                low, middle, high = (digits(Decimal(str(f(seeds))) * 1000) for f in (min, median, max))
                assert float(row[name]["text"]) == middle
                assert numbers(row[name]["spread"]) == [low, high]
                assert (row[name]["low"], row[name]["high"]) == (
                    round(min(seeds) * 10**9),
                    round(max(seeds) * 10**9),
                )
            ratios = sorted(Decimal(str(a)) / Decimal(str(b)) for a, b in zip(*ours.values(), strict=True))
            assert numbers(row["ratio"]) == [digits(median(ratios))]
            assert numbers(row["ratio_spread"]) == [digits(ratios[0]), digits(ratios[-1])]
            assert (row["above"], row["below"]) == (ratios[0] > 1, ratios[-1] < 1)


def test_a_stage_over_time_is_the_stage_at_each_time():
    for stage in ("conv1", "4a", "5b"):
        over_time = AuxiliaryGradients.evaluate(settings(*list(SETTINGS)[:2], stage))["over_time"]
        assert [row["name"] for row in over_time] == [str(updates) for updates in UPDATES]
        for row, updates in zip(over_time, UPDATES, strict=True):
            at = AuxiliaryGradients.evaluate(settings(*list(SETTINGS)[:2], "conv1", updates))["stages"]
            assert at[STAGES.index(stage)] == row | {"name": stage}


@pytest.mark.parametrize("norm", NORMS)
def test_before_the_first_update_the_heads_change_nothing_above_them(norm):
    """Section 5 of arXiv:1409.4842: heads on 4a and 4d, and a gradient only flows back."""
    last = STAGES.index(GOOGLENET_AUXILIARY.after[-1])
    shown = AuxiliaryGradients.evaluate(settings(f"heads, {norm}", f"no heads, {norm}"))
    for place, row in enumerate(shown["stages"]):
        unchanged = row["ratio_spread"] == "1.00 to 1.00"
        assert unchanged == (place > last), row["name"]
    assert f"of the {len(STAGES)} stages" in shown["count"]


def test_the_sentences_count_and_tell_the_time():
    first, second = "heads, no norm", "no heads, no norm"
    for place, updates in enumerate(UPDATES):
        shown = AuxiliaryGradients.evaluate(settings(first, second, "3a", updates))
        pairs = [
            [a / b for a, b in zip(recorded(first, s, place), recorded(second, s, place), strict=True)]
            for s in STAGES
        ]
        above, below = sum(min(p) > 1 for p in pairs), sum(max(p) < 1 for p in pairs)
        assert f"above 1 in {above} of the 10 stages, and below 1 in {below}." in shown["count"]
        start = {0: "Before the first update,", 1: "After 1 update,"}.get(
            updates, f"After {updates} updates,"
        )
        assert shown["summary"].startswith(f"{start} the gradient of 3a is ")
    runs = {key: [r["values"]["top1"] for r in CONTENT["runs"] if r["setting"] == key] for key in SETTINGS}
    parts = shown["learnt"].removeprefix("Test top-1 after 129 updates: ").removesuffix(".").split("; ")
    for key, part in zip((first, second), parts, strict=True):
        part, label = part.split("), ")
        assert label == SETTINGS[key]
        found = [float(word.strip("( ")) for word in part.replace(" to ", "%").split("%") if word.strip("( ")]
        assert found == [digits(f(runs[key]) * 100) for f in (median, min, max)]


def test_what_the_docstring_and_the_presets_say_is_recorded():
    def ratios(key: str, stage: str) -> list[float]:
        chosen = AuxiliaryGradients(key).settings
        at = UPDATES.index(int(chosen["updates"]))
        pairs = zip(recorded(chosen["first"], stage, at), recorded(chosen["second"], stage, at), strict=True)
        return [a / b for a, b in pairs]

    assert next(iter(AuxiliaryGradients.presets())) == "plain-start"
    assert all(min(ratios("plain-start", stage)) > 2 for stage in ("conv1", "3a", "3b", "4a"))
    assert min(ratios("plain-16", "conv1")) > 1
    assert min(ratios("plain-32", "conv1")) < 1 < max(ratios("plain-32", "conv1"))
    assert all(1 < ratio < 2 for ratio in ratios("norm-start", "conv1"))
    assert min(ratios("norm-2", "conv1")) < 1 < max(ratios("norm-2", "conv1"))
    assert min(ratios("across-start", "conv1")) > 10


def test_one_setting_twice_is_explained():
    shown = AuxiliaryGradients.evaluate(settings("heads, no norm", "heads, no norm", updates=64))
    assert shown["summary"] == "After 64 updates: both are the same setting. Choose another one to compare."
    assert shown["count"] == "" and {row["ratio"] for row in shown["stages"]} == {"1.00"}


def test_the_conditions_and_what_is_not_shown_stand_in_the_page_and_in_the_table():
    widget = AuxiliaryGradients()
    for text in (widget.state["spec"]["conditions"], widget.table().caption):
        assert "python -m inception_lessons.experiments auxiliary_gradients: seeds 0 to 2" in text
        assert f"commit {CONTENT['runs'][0]['conditions']['commit']}" in text
        assert "28×28" in text and "does not show: ImageNet" in text and "not learning" in text
        assert "rate 0.02 without and 0.1 with batch norm" in text
    assert {run["conditions"]["commit"].isalnum() for run in CONTENT["runs"]} == {True}, "a clean commit"
    assert widget.state["spec"]["heads"] == ["4a", "4d"]
    assert [row[0] for row in widget.table().rows] == list(STAGES)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"updates": "3"}, ValueError, r"updates must match 0\|1\|2\|4\|8\|16\|32\|64\|128, got '3'"),
        ({"updates": 32}, TypeError, "updates must be text, got 32"),
        ({"stage": "4f"}, ValueError, "stage"),
        ({"stage": "pool4"}, ValueError, "stage"),
        ({"first": "heads"}, ValueError, "first"),
        (
            {"step": 3},
            TypeError,
            "AuxiliaryGradients has no setting 'step'; known: first, second, stage, updates",
        ),
    ],
)
def test_nonsense_is_refused(changed, error, message):
    with pytest.raises(error, match=message):
        AuxiliaryGradients(**changed)


def test_no_drawn_number_is_zero_or_without_end():
    for key in SETTINGS:
        for stage in STAGES:
            for place in range(len(UPDATES)):
                assert all(0 < value < math.inf for value in recorded(key, stage, place))
