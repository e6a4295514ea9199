"""Label smoothing's numbers, against the paper, arithmetic by hand and a search for the least loss."""

import json
import math
import re
from fractions import Fraction

import pytest

from inception_lessons.widgets.label_smoothing import CONVENTIONS, TOPS, LabelSmoothing, real, share, smoothed

GAPS = [tenths / 10 for tenths in range(-50, 201)]
CLASSES = ("2", "10", "100", "1000")


def every_setting(gaps=GAPS):
    for convention in CONVENTIONS:
        for classes in CLASSES:
            for hundredths in range(51):
                for gap in gaps:
                    yield {
                        "epsilon": hundredths / 100,
                        "gap": gap,
                        "classes": classes,
                        "convention": convention,
                    }


def by_softmax(settings) -> tuple[float, float]:
    """Return the smoothed and the one-hot loss, class by class, as the chapter defines them."""
    classes, epsilon = int(settings["classes"]), settings["epsilon"]
    logits = [settings["gap"]] + (classes - 1) * [0.0]
    total = math.fsum(math.exp(z) for z in logits)
    if settings["convention"] == "all":
        target = [(1 - epsilon) * (k == 0) + epsilon / classes for k in range(classes)]
    else:
        target = [1 - epsilon if k == 0 else epsilon / (classes - 1) for k in range(classes)]
    assert math.isclose(math.fsum(target), 1)
    logs = [z - math.log(total) for z in logits]
    return -math.fsum(q * log for q, log in zip(target, logs, strict=True)), -logs[0]


def fact(widget: LabelSmoothing, name: str) -> str:
    (value,) = (row["value"] for row in widget.evaluate(widget.settings)["facts"] if name in row["name"])
    return value


class TestNumbers:
    def test_the_paper_s_setting_by_hand(self):
        """Section 7: ε = 0.1 and u(k) = 1/1000, so 0.9 + 0.0001 for the right class: odds of 9001."""
        shown = LabelSmoothing()
        assert shown.settings == {"epsilon": 0.1, "gap": 15.0, "classes": "1000", "convention": "all"}
        assert [row["target"] for row in shown.evaluate(shown.settings)["bars"]] == [
            "0.9001",
            "0.0001",
            "0.0999",
        ]
        assert fact(shown, "Best gap") == "9.105"  # e^9.105 is 9000 to three digits
        assert round(math.exp(9.105), -1) == 9000
        # −0.9001 ln 0.9001 = 0.09474, and 0.0999 ln 10000 = 0.0999 · 9.21034 = 0.92011
        assert fact(shown, "Least loss") == "1.0148 nats"
        # 999 e^−15 = 999 · 3.059e−7 = 3.06e−4; 0.0999 · 15 = 1.4985
        assert fact(shown, "Loss at your gap") == "3.1×10⁻⁴ + 1.4985 = 1.4988 nats"
        assert fact(shown, "Slope") == "+0.0996: downhill is a narrower gap"  # 0.9997 − 0.9001

    def test_the_start_is_past_the_least(self):
        summary = LabelSmoothing().evaluate(LabelSmoothing().settings)["summary"]
        assert "0.4840 above the least, 1.0148 at d = 9.105: a narrower gap would lower it" in summary

    def test_ten_classes_ask_for_91_and_not_for_90_percent(self):
        assert LabelSmoothing("ten").numbers().right == pytest.approx(0.91)
        assert LabelSmoothing("ten").numbers().best_gap == pytest.approx(math.log(91))
        assert LabelSmoothing("ten-wrong").numbers().right == pytest.approx(0.9)
        assert LabelSmoothing("ten-wrong").numbers().best_gap == pytest.approx(math.log(81))

    def test_losses_are_those_of_a_softmax_over_every_class(self):
        for settings in every_setting(gaps=[-5.0, -0.3, 0.0, 4.5, 20.0]):
            if round(100 * settings["epsilon"]) % 10 == 0:
                found, (loss, one_hot) = smoothed(settings), by_softmax(settings)
                assert math.isclose(found.loss, loss, abs_tol=1e-9), settings
                assert math.isclose(found.one_hot, one_hot, abs_tol=1e-9), settings

    @pytest.mark.parametrize("convention", CONVENTIONS)
    @pytest.mark.parametrize("classes", CLASSES)
    def test_no_gap_has_less_than_the_least_and_the_nearest_step_has_the_lowest(self, convention, classes):
        for hundredths in range(1, 51):
            given = {"epsilon": hundredths / 100, "classes": classes, "convention": convention}
            losses = {gap: smoothed({**given, "gap": gap}).loss for gap in GAPS}
            found, lowest = smoothed({**given, "gap": 0.0}), min(losses, key=losses.get)
            assert abs(lowest - found.best_gap) <= 0.1
            assert found.floor - 1e-12 <= losses[lowest] <= found.floor + 0.05**2 / 2

    def test_without_smoothing_every_wider_gap_is_better(self):
        for classes in CLASSES:
            losses = [
                smoothed({"epsilon": 0.0, "gap": gap, "classes": classes, "convention": "all"}).loss
                for gap in GAPS
            ]
            assert all(a > b > 0 for a, b in zip(losses, losses[1:], strict=False))

    def test_slope_is_the_derivative(self):
        for settings in every_setting(gaps=[-2.0, 3.0, 9.0]):
            below, above = (
                smoothed({**settings, "gap": settings["gap"] + step}).loss for step in (-0.1, 0.1)
            )
            assert math.isclose((above - below) / 0.2, smoothed(settings).slope, abs_tol=2e-3)

    def test_mixture_is_the_loss(self):
        for settings in every_setting(gaps=[-5.0, 0.0, 7.7, 20.0]):
            found, epsilon = smoothed(settings), settings["epsilon"]
            mixture = (1 - epsilon) * found.one_hot + epsilon * found.uniform
            assert math.isclose(found.loss, mixture, rel_tol=1e-12, abs_tol=1e-12)

    def test_targets_and_probabilities_sum_to_one(self):
        for settings in every_setting(gaps=[-5.0, 0.0, 20.0]):
            found = smoothed(settings)
            for right, other, others in (
                (found.right, found.other, found.others),
                (found.p_right, found.p_other, found.p_others),
            ):
                assert math.isclose(right + others, 1)
                assert math.isclose((int(settings["classes"]) - 1) * other, others)


class TestText:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (1.0148123, "1.0148"),
            (0.001, "0.0010"),
            (0.00099, "9.9×10⁻⁴"),
            (2.06e-9, "2.1×10⁻⁹"),
            (3e-12, "3.0×10⁻¹²"),
        ],
    )
    def test_real(self, value, text):
        assert real(value) == text

    @pytest.mark.parametrize(
        ("part", "whole", "text"),
        [
            (0, 100, "0"),
            (100, 100, "1"),
            (90_010, 100_000, "0.9001"),
            (1, 100_000, "0.00001"),
            (50, 100_000, "0.0005"),
            (10, 900, "0.0111"),
            (10, 99_900, "1.0×10⁻⁴"),
        ],
    )
    def test_share(self, part, whole, text):
        assert share(part, whole) == text

    @pytest.mark.slow
    def test_no_rounded_number_is_near_a_tie(self):
        """So that the last bit of a logarithm decides no digit, on any machine."""
        nearest = 1.0
        for settings in every_setting():
            found = smoothed(settings)
            values = [found.one_hot, found.uniform, found.loss, found.floor]
            if settings["gap"]:  # at 0 the exponential is exactly 1, and these are quotients of integers
                values += [found.p_right, found.p_other, found.p_others, abs(found.slope)]
            for value in filter(None, values):
                unit = 1e-4 if value >= 0.001 else 10.0 ** (math.floor(math.log10(value)) - 1)
                nearest = min(nearest, abs(value / unit % 1 - 0.5) * unit / value)
                nearest = min(nearest, abs(value / 0.001 - 1), abs(value / 0.00005 - 1))
            if found.best_gap:
                nearest = min(nearest, abs(1000 * found.best_gap % 1 - 0.5) / 1000)
        assert nearest > 1e-10

    def test_every_setting_has_finite_text_and_fits_the_axis(self):
        for settings in every_setting(gaps=[-5.0, -0.1, 0.0, 9.1, 20.0]):
            text = json.dumps(LabelSmoothing.evaluate(settings), ensure_ascii=False)
            assert not re.search(r"nan|inf\b|None|null|[^a-z]-|\{[^\"]", text), settings
            if settings["gap"] == 20:
                assert smoothed(settings).loss <= max(TOPS)

    @pytest.mark.parametrize("classes", CLASSES)
    def test_no_smoothing_says_that_there_is_no_least(self, classes):
        shown = LabelSmoothing("one-hot", classes=classes)
        assert fact(shown, "Best gap") == "none: the loss falls for ever"
        assert fact(shown, "Least loss") == "0, approached and never reached"
        assert "no best gap" in shown.evaluate(shown.settings)["summary"]

    def test_two_classes_have_no_others_to_sum(self):
        rows = LabelSmoothing("nothing").evaluate(LabelSmoothing("nothing").settings)["bars"]
        assert [row["label"] for row in rows] == ["right class", "the other class"]
        assert [row["target"] for row in rows] == ["0.5", "0.5"]

    def test_exact_targets_are_exact(self):
        for settings in every_setting(gaps=[0.0]):
            if settings["convention"] == "all":
                rows = LabelSmoothing.evaluate(settings)["bars"]
                epsilon, classes = Fraction(round(100 * settings["epsilon"]), 100), int(settings["classes"])
                assert Fraction(rows[0]["target"]) == 1 - epsilon + epsilon / classes
                assert Fraction(rows[1]["target"]) == epsilon / classes


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: LabelSmoothing("papr"), ValueError, "did you mean 'paper'"),
        (lambda: LabelSmoothing(epsilon=0.51), ValueError, "epsilon must be from 0 to 0.5, got 0.51"),
        (lambda: LabelSmoothing(epsilon=-0.1), ValueError, "epsilon must be from 0 to 0.5, got -0.1"),
        (lambda: LabelSmoothing(epsilon=0.105), ValueError, "epsilon must be 0 plus a multiple of 0.01"),
        (lambda: LabelSmoothing(epsilon=True), TypeError, "epsilon must be a finite int or float, got True"),
        (lambda: LabelSmoothing(gap=math.inf), TypeError, "gap must be a finite int or float, got inf"),
        (lambda: LabelSmoothing(gap=20.1), ValueError, "gap must be from -5 to 20, got 20.1"),
        (lambda: LabelSmoothing(classes="7"), ValueError, "classes '7' is not known"),
        (lambda: LabelSmoothing(classes=10), ValueError, "classes 10 is not known; did you mean '10'"),
        (lambda: LabelSmoothing(convention="none"), ValueError, "convention 'none' is not known"),
        (lambda: LabelSmoothing(smoothing=0.1), TypeError, "has no setting 'smoothing'"),
    ],
)
def test_bad_settings_say_what_is_wrong(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
