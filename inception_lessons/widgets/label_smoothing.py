"""Label smoothing: what a share ε of the target, spread evenly, does to the cross-entropy of one image.

The right logit stands a gap above all others, which are equal. Python defines the numbers and how they are
written; the page's module computes them again, and a test compares the two in every setting.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from inception_lessons.papers import RETHINKING_LABEL_SMOOTHING
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider


class Convention(NamedTuple):
    """Over which classes ε is spread, and what the formulas are then."""

    label: str
    caption: str
    formulas: tuple[str, ...]
    """One for each of `FACTS`; `_y` is the subscript y."""


FACTS = (
    "Best gap",
    "Least loss: the target’s entropy",
    "Loss at your gap",
    "The same, as a mixture",
    "Slope at your gap",
)
_ENTROPY = "H(q′) = −q′_y ln q′_y − (K − 1) q′_k ln q′_k"
_SLOPE = "∂H(q′, p)/∂z_y = p_y − q′_y"
CONVENTIONS = {
    "all": Convention(
        "all K classes",
        "all classes, the right one included, as in the paper and in PyTorch",
        (
            "d = ln(1 + K(1 − ε)/ε)",
            _ENTROPY,
            "H(q′, p) = −ln p_y + (K − 1)ε/K · d",
            "H(q′, p) = (1 − ε) H(q, p) + ε H(u, p), with u uniform",
            _SLOPE,
        ),
    ),
    "wrong": Convention(
        "the wrong ones",
        "the wrong classes only (neither the paper’s way nor PyTorch’s)",
        (
            "d = ln((K − 1)(1 − ε)/ε)",
            _ENTROPY,
            "H(q′, p) = −ln p_y + ε · d",
            "H(q′, p) = (1 − ε) H(q, p) + ε H(v, p), with v uniform over the wrong classes",
            _SLOPE,
        ),
    ),
}

GAP = Slider("gap", "Logit gap d", -5, 20, 0.1)
_CHART = f"Loss in nats against the gap d, −{-GAP.low} to {GAP.high}."

# What the widget says; both languages fill in the braces.
TEMPLATES = {
    "caption": "{classes} classes; ε = {epsilon}, spread over {spread}. The right logit stands d = {gap} "
    "above the others, which are equal.",
    "best_none": "none: the loss falls for ever",
    "floor_none": "0, approached and never reached",
    "summary_none": "At ε = 0 there is no best gap: the loss, {loss} nats at d = {gap}, falls with every "
    "wider gap and never reaches 0.",
    "chart_none": f"{_CHART} "
    "The smoothed and the one-hot loss are one curve that falls for ever. At d = {gap}: {loss}.",
    "best": "{best}",
    "floor": "{floor} nats",
    "summary_above": "At d = {gap} the smoothed loss is {loss} nats, {above} above the least, {floor} at "
    "d = {best}: a {wish} gap would lower it. The one-hot loss is {one_hot}, and any wider gap lowers it.",
    "summary_least": "At d = {gap} the smoothed loss is {loss} nats, to four decimals the least there is, at "
    "d = {best}. The one-hot loss is {one_hot}, and any wider gap lowers it.",
    "nothing": " Right and wrong class have the same target: nothing is left of the label.",
    "chart": f"{_CHART} "
    "The smoothed loss falls to {floor} at d = {best} and rises from there; the one-hot loss falls "
    "for ever. At d = {gap}: {loss} and {one_hot}.",
    "loss": "{one_hot} {line} = {loss} nats",
    "mixture": "{kept} × {one_hot} + {epsilon} × {uniform}",
    "slope": "{slope}: downhill is a {wish} gap",
    "level": "0: level",
}

TOPS = (1, 2, 3, 4, 6, 8, 12)
"""Where the loss axis may end, in nats."""

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Smoothed(NamedTuple):
    """The numbers behind the texts, in nats where they are losses."""

    right: float
    """Target of the right class."""
    other: float
    """Target of each other class."""
    others: float
    """Targets of all other classes together."""
    p_right: float
    p_other: float
    p_others: float
    one_hot: float
    """Loss without smoothing, −ln of the right class's probability."""
    uniform: float
    """Cross-entropy of the distribution over which ε is spread."""
    line: float
    """What smoothing adds to the one-hot loss: a straight line over the gap."""
    loss: float
    slope: float
    """Derivative of the loss by the gap, and by the right logit."""
    best_gap: float | None
    """None at ε = 0: the loss falls for ever."""
    floor: float
    """Entropy of the target; the least loss, reached at `best_gap`, and only approached at ε = 0."""


def _integers(settings: Mapping[str, Any]) -> tuple[int, int, int, int, int, int]:
    """Return K, ε in hundredths, the gap in tenths, and the targets: right and other as parts of a whole."""
    hundredths, tenths = round(100 * settings["epsilon"]), round(10 * settings["gap"])
    classes = int(settings["classes"])
    spread = classes if settings["convention"] == "all" else classes - 1
    whole = 100 * spread
    return classes, hundredths, tenths, whole - (classes - 1) * hundredths, hundredths, whole


def smoothed(settings: Mapping[str, Any]) -> Smoothed:
    """Return target, softmax and losses for `settings`, unrounded."""
    classes, _, tenths, right, other, whole = _integers(settings)
    gap, q_right, q_other, others = tenths / 10, right / whole, other / whole, (classes - 1) * other / whole
    odds = (classes - 1) * math.exp(-gap)
    one_hot = math.log1p(odds)
    spread = (classes - 1) / classes if settings["convention"] == "all" else 1
    line = others * gap
    return Smoothed(
        right=q_right,
        other=q_other,
        others=others,
        p_right=1 / (1 + odds),
        p_other=odds / (1 + odds) / (classes - 1),
        p_others=odds / (1 + odds),
        one_hot=one_hot,
        uniform=one_hot + spread * gap,
        line=line,
        loss=one_hot + line,
        slope=others - odds / (1 + odds),
        best_gap=math.log(right / other) if other else None,
        floor=-q_right * math.log(q_right) - others * math.log(q_other) if other else 0.0,
    )


def real(value: float) -> str:
    """Return a number of at least 0 with four decimals, or with two digits and a power of ten below 0.001."""
    if value == 0:
        return "0"
    if value >= 0.001:
        return f"{value:.4f}"
    digits, exponent = f"{value:.1e}".split("e-")
    return f"{digits}×10⁻{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def share(part: int, whole: int) -> str:
    """Return part/whole exactly where five decimals do, else as `real`."""
    if 100_000 * part % whole:
        return real(part / whole)
    return f"{part / whole:.5f}".rstrip("0").rstrip(".")


def _below_one(value: float, rest: float) -> str:
    """Return a probability, where four decimals would call it 1 as what is missing to 1."""
    return f"1 − {real(rest)}" if rest < 0.00005 else real(value)


def _bars(settings: Mapping[str, Any], found: Smoothed) -> list[dict[str, str]]:
    """Return target and softmax by kind of class, as text."""
    classes, _, _, right, other, whole = _integers(settings)
    rows = [
        ("right class", share(right, whole), _below_one(found.p_right, found.p_others)),
        (
            "the other class" if classes == 2 else f"each of {classes - 1} others",
            share(other, whole),
            real(found.p_other),
        ),
    ]
    if classes > 2:
        together = _below_one(found.p_others, found.p_right)
        rows.append((f"all {classes - 1} others", share((classes - 1) * other, whole), together))
    return [dict(zip(("label", "target", "softmax"), row, strict=True)) for row in rows]


def _minus(value: float, text: str) -> str:
    return f"−{text}" if value < 0 else text


def evaluate(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the widget shows, in the form in which the module computes it too."""
    convention, found = CONVENTIONS[settings["convention"]], smoothed(settings)
    classes, hundredths, tenths, right, other, _ = _integers(settings)
    above = round(10_000 * found.loss) - round(10_000 * found.floor)
    words = {
        "classes": f"{classes:,}",
        "epsilon": f"{hundredths / 100:g}",
        "kept": f"{(100 - hundredths) / 100:g}",
        "spread": convention.caption,
        "gap": _minus(tenths, f"{abs(tenths) / 10:.1f}"),
        "loss": real(found.loss),
        "one_hot": real(found.one_hot),
        "uniform": real(found.uniform),
        "floor": real(found.floor),
        "best": "" if found.best_gap is None else f"{found.best_gap:.3f}",
        "above": f"{above / 10_000:.4f}",
        "line": f"{'−' if found.line < 0 else '+'} {real(abs(found.line))}",
        "slope": f"{'+' if found.slope > 0 else '−'}{real(abs(found.slope))}",
        "wish": "narrower" if found.slope > 0 else "wider",
    }

    def say(key: str) -> str:
        return TEMPLATES[key].format(**words)

    end = "" if hundredths else "_none"
    values = [say(key) for key in (f"best{end}", f"floor{end}", "loss", "mixture")]
    values.append(say("slope" if found.slope else "level"))
    summary = say(f"summary{end}" if end else "summary_above" if above else "summary_least")
    facts = zip(FACTS, convention.formulas, values, strict=True)
    return {
        "caption": say("caption"),
        "bars": _bars(settings, found),
        "facts": [{"name": name, "formula": formula, "value": value} for name, formula, value in facts],
        "chart": say(f"chart{end}"),
        "summary": summary + (say("nothing") if right == other else ""),
    }


_EPSILON, _CLASSES = RETHINKING_LABEL_SMOOTHING
_PAPER = "Section 7, arXiv:1512.00567"
_OTHER = "To compare"


def _settings(epsilon: float, classes: int, gap: float, convention: str = "all") -> dict[str, Any]:
    return {"epsilon": epsilon, "classes": str(classes), "gap": gap, "convention": convention}


class LabelSmoothing(Instrument):
    """Target, softmax and loss of one image with smoothed labels, against the gap between the logits.

    ```python
    LabelSmoothing()                                  # the paper's ε = 0.1 and K = 1000, at a gap of 15
    LabelSmoothing("one-hot")
    LabelSmoothing(epsilon=0.1, classes="10", gap=4.5)
    ```

    In the default the best gap is ln 9001 = 9.105, and a wider one raises the loss. The right logit stands
    `gap` above the K − 1 others, which are equal. Losses are in nats, with the symbols of section 7 of
    arXiv:1512.00567: target q′, softmax p, uniform u. Every number is rounded by itself. With
    `convention="all"` the target is that of PyTorch's `CrossEntropyLoss(label_smoothing=epsilon)`; with
    `"wrong"`, the right class keeps 1 − ε and gets no part of ε.
    """

    _module: ClassVar[str] = "label_smoothing.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return ε, the number of classes, the gap, and the classes over which ε is spread."""
        return (
            Slider("epsilon", "Smoothing ε", 0, 0.5, 0.01),
            GAP,
            Select("classes", "Classes K", {str(count): f"{count:,}" for count in (2, 10, 100, 1000)}),
            Select("convention", "ε spread over", {key: made.label for key, made in CONVENTIONS.items()}),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the paper's setting, with and without smoothing, and what to compare it with."""
        paper = f"ε = {_EPSILON}, {_CLASSES:,} classes"
        return {
            "paper": Preset(f"{paper}, too wide a gap", _settings(_EPSILON, _CLASSES, 15.0), _PAPER),
            "best": Preset(f"{paper}, the best gap", _settings(_EPSILON, _CLASSES, 9.1), _PAPER),
            "one-hot": Preset(f"one-hot, {_CLASSES:,} classes", _settings(0.0, _CLASSES, 15.0), _PAPER),
            "ten": Preset(f"ε = {_EPSILON}, 10 classes", _settings(_EPSILON, 10, 4.5), _OTHER),
            "ten-wrong": Preset(
                f"ε = {_EPSILON}, 10 classes, wrong classes only",
                _settings(_EPSILON, 10, 4.5, "wrong"),
                _OTHER,
            ),
            "undecided": Preset(
                f"{paper}, equal logits",
                _settings(_EPSILON, _CLASSES, 0.0),
                _OTHER,
            ),
            "nothing": Preset(
                "ε = 0.5, 2 classes, wrong class only", _settings(0.5, 2, 2.0, "wrong"), _OTHER
            ),
        }

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caption, target and softmax by class, the closed forms, chart and summary in words."""
        return evaluate(settings)

    @classmethod
    def _data(cls) -> dict[str, Any]:
        conventions = {key: convention._asdict() for key, convention in CONVENTIONS.items()}
        return {"conventions": conventions, "facts": FACTS, "templates": TEMPLATES, "tops": TOPS}

    def numbers(self) -> Smoothed:
        """Return what the widget shows at first, unrounded."""
        return smoothed(self.settings)

    def table(self) -> Table:
        """Return what the widget shows at first, as text."""
        shown = evaluate(self.settings)
        rows = [
            (f"{title}, {bar['label']}", bar[key])
            for key, title in (("target", "Target q′"), ("softmax", "Softmax p"))
            for bar in shown["bars"]
        ]
        rows += [(fact["name"], fact["value"]) for fact in shown["facts"]]
        return Table(shown["caption"], ("", "Value"), rows)
