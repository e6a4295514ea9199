"""Questions that check their own answer: one definition for the notebook and for the page without a kernel.

The judgement is defined by `judge_choice` and `judge_number`; the page's module repeats it, and a test holds
the two together. Nothing is sent anywhere and nothing is stored.

How a number may be written: `1500`, `1,500`, `1 500`, `1_500`, `1.5e3`, `1.5×10^3`; then, if you like, one of
K, thousand, M, million, G, B, bn, billion (powers of 1000, in upper or lower case); then, if you like, the
question's own unit. So 128 million MACs may be written `128 M`, `128M`, `128e6`, `128 million MACs` or
`128,000,000`. A decimal comma and any other unit are answered with a sentence and not judged.
"""

import html
import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from inception_lessons import _check
from inception_lessons.widgets._page import PageWidget, inline_code

_TITLES = {"correct": ("✓", "Correct."), "wrong": ("✗", "Not yet."), "unclear": ("?", "Not checked.")}
_SPACES = re.compile("[\t\n\r\u00a0\u2009\u202f]")
_NUMBER = re.compile(
    r"([+-]?(?:(?:\d{1,3}(?:[ ,_]\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+))"
    r"(?:e([+-]?\d{1,3})(?!\d)| *[x*] *10 *\^ *([+-]?\d{1,3})(?!\d))? *",
    re.ASCII | re.IGNORECASE,
)
_POWERS = {"thousand": 3, "million": 6, "billion": 9, "bn": 9, "k": 3, "m": 6, "g": 9, "b": 9}
_SAME_UNIT = {"%": "percent", "times": "x"}
# Relative room for binary rounding, so that an answer on the very edge of its tolerance counts as inside.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Feedback:
    """The judgement of one answer. It shows itself in a notebook, and is true if the answer is correct."""

    verdict: str
    """`correct`, `wrong`, or `unclear` when the answer could not be read."""
    message: str

    def __post_init__(self) -> None:
        _check.one_of("verdict", self.verdict, _TITLES)
        _check.text("message", self.message)

    @property
    def correct(self) -> bool:
        """Whether the answer is correct."""
        return self.verdict == "correct"

    def __bool__(self) -> bool:
        return self.correct

    def __str__(self) -> str:
        mark, title = _TITLES[self.verdict]
        return f"{mark} {title} {self.message}".rstrip()

    def _repr_html_(self) -> str:
        mark, title = _TITLES[self.verdict]
        return f"<p>{mark} <strong>{title}</strong> {inline_code(self.message)}</p>"


class Option(NamedTuple):
    """One option of a `Choice`, and what to say to whoever takes it."""

    text: str
    correct: bool
    feedback: str


class Mistake(NamedTuple):
    """A wrong number that a reader is likely to reach, and what to say about how it came about."""

    value: float
    feedback: str


def judge_choice(options: Sequence[Mapping[str, Any]], response: str) -> Feedback:
    """Judge a letter, `"A"` for the first option.

    Raises:
        TypeError: `response` is no text, or an option no mapping.
        ValueError: there are no options, or one lacks `correct` or `feedback`.
    """
    if not _check.text("response", response):
        return Feedback("unclear", "Choose an answer first.")
    options = [
        _complete("an option", option, ("correct", "feedback"))
        for option in _check.members("options", options)
    ]
    if not options:
        raise ValueError("options must be at least one, got none")
    letters = string.ascii_uppercase[: len(options)]
    if response not in tuple(letters):
        return Feedback("unclear", f"There is no option “{response}”; choose A to {letters[-1]}.")
    option = options[letters.index(response)]
    return Feedback("correct" if option["correct"] else "wrong", option["feedback"])


def parse_number(text: str, unit: str = "") -> float | str:
    """Return the number that `text` stands for, in `unit`, or a sentence that says why it stands for none.

    Raises:
        TypeError: one of the two is no text.
    """
    _check.text("text", text), _check.text("unit", unit)
    text = _SPACES.sub(" ", text).replace("−", "-").replace("×", "x").strip(" ")
    if not text:
        return "Type a number first."
    found = _NUMBER.match(text)
    if not found:
        return f"“{text}” does not start with a number; write it like 1500, 1.5e3 or 1.5 K."
    mantissa, tail = re.sub("[ ,_]", "", found[1]), text[found.end() :]
    if re.match(r",\d", tail, re.ASCII):
        return "Write decimals with a point, as in 1.5; commas only group thousands, as in 1,500."
    power = _power(tail.lower(), unit.lower())
    if power is None:
        wanted = f"the answer in {unit}" if unit else "a plain number"
        return f"The number is clear, but not “{tail}” after it; give {wanted}."
    number = float(f"{mantissa}e{int(found[2] or found[3] or 0) + power}")
    return number if math.isfinite(number) else "That number is too large to be read."


def _power(tail: str, unit: str) -> int | None:
    """Return the power of ten that the text after a number stands for; None if it is no power and no unit."""
    units = {"", unit, unit + "s", unit.removesuffix("s"), _SAME_UNIT.get(unit, unit)} if unit else {""}
    if tail in units:
        return 0
    for name, power in _POWERS.items():
        if tail.startswith(name) and tail.removeprefix(name).lstrip(" ") in units:
            return power
    return None


def judge_number(spec: Mapping[str, Any], response: str) -> Feedback:
    """Judge a number as the reader wrote it.

    Args:
        spec: `answer`, `unit`, `tolerance`, `relative_tolerance`, `mistakes`, `hint`, `explanation`.

    Raises:
        TypeError: `spec` is no mapping, or `response` no text.
        ValueError: `spec` lacks one of these.
    """
    _complete("spec", spec, _SPEC)
    number = parse_number(response, spec["unit"])
    if isinstance(number, str):
        return Feedback("unclear", number)
    room = spec["tolerance"], spec["relative_tolerance"]
    if _near(number, spec["answer"], *room):
        return Feedback("correct", spec["explanation"])
    for mistake in spec["mistakes"]:
        if _near(number, mistake["value"], *room):
            return Feedback("wrong", mistake["feedback"])
    return Feedback("wrong", spec["hint"])


_SPEC = ("answer", "unit", "tolerance", "relative_tolerance", "mistakes", "hint", "explanation")


def _complete(name: str, value: object, keys: Sequence[str]) -> Mapping[str, Any]:
    """Return `value` if it maps all the keys to something."""
    if missing := [key for key in keys if key not in _check.mapping(name, value)]:
        raise ValueError(f"{name} must have {', '.join(keys)}, got none for {', '.join(missing)}")
    return value


def _near(value: float, target: float, tolerance: float, relative_tolerance: float) -> bool:
    return abs(value - target) <= max(tolerance, relative_tolerance * abs(target)) * (1 + _ROUNDING)


def _text(name: str, value: object) -> str:
    if not _check.text(name, value).strip():
        raise ValueError(f"{name} must not be empty; write at least one sentence")
    return value


def _fields(name: str, value: object, kind: type[Option] | type[Mistake]) -> Any:
    """Return one option or mistake, given as such or as its fields in order."""
    given = _check.members(name, value)
    if len(given) != len(kind._fields):
        raise ValueError(f"{name} must be {kind.__name__}({', '.join(kind._fields)}), got {value!r}")
    return kind(*given)


class _Question(PageWidget):
    _module: ClassVar[str] = "answer_check.mjs"
    _live_names: ClassVar[tuple[str, ...]] = ("response",)
    _no_script = "Checked in the page with JavaScript; the worked solution stands below."

    def __init__(self, key: str, question: str) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", _check.text("key", key)):
            raise ValueError(
                f"key must be lower-case words joined by hyphens, as in '05-reduce', got {key!r}"
            )
        self.key = key
        self.question = _text("question", question)

    def _checked(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be the text that the reader gave, got {value!r}")
        return value


class Choice(_Question):
    """A question with two or more options, one of them correct.

    ```python
    pooling = Choice("05-pooling", "Does 3×3 max pooling with stride 1 change the number of channels?", [
        Option("No", True, "Pooling works on each channel alone."),
        Option("Yes", False, "Count the outputs: one for each channel."),
    ])
    pooling               # asks, in the notebook and in the page
    pooling.check("A")    # judges
    ```

    Text between backticks is shown as code; nothing else is markup.
    """

    def __init__(self, key: str, question: str, options: Sequence[Option]) -> None:
        """Define the question.

        Args:
            key: lower-case words joined by hyphens.
            options: in the order shown, lettered from A.

        Raises:
            ValueError: not 2 to 26 options, equal ones, not exactly one correct, or empty text.
            TypeError: an option that is none.
        """
        super().__init__(key, question)
        given = enumerate(_check.members("options", options))
        self.options = tuple(_fields(f"options[{number}]", option, Option) for number, option in given)
        if not 2 <= len(self.options) <= len(string.ascii_uppercase):
            raise ValueError(f"options must be from 2 to 26, got {len(self.options)}")
        for number, option in enumerate(self.options):
            _text(f"options[{number}].text", option.text)
            _text(f"options[{number}].feedback", option.feedback)
            if not isinstance(option.correct, bool):
                raise TypeError(f"options[{number}].correct must be True or False, got {option.correct!r}")
        if len({option.text for option in self.options}) < len(self.options):
            raise ValueError("options must differ in their text; two are equal")
        correct = sum(option.correct for option in self.options)
        if correct != 1:
            raise ValueError(f"options must have exactly one correct, got {correct}")

    @property
    def state(self) -> dict[str, Any]:
        """The question as data, and the reader's `response`, a letter or nothing."""
        options = [option._asdict() for option in self.options]
        return {"kind": "choice", "question": self.question, "options": options, "response": ""}

    def check(self, response: object) -> Feedback:
        """Judge an option's letter, in either case, or its text; None and `...` stand for no answer yet."""
        given = "" if response is None or response is ... else str(response).strip()
        letters = {option.text: letter for letter, option in self._lettered()}
        return judge_choice(self.state["options"], letters.get(given, given.upper()))

    def _lettered(self) -> list[tuple[str, Option]]:
        return list(zip(string.ascii_uppercase, self.options, strict=False))

    def _static_html(self) -> str:
        items = "".join(f"<li>{inline_code(option.text)}</li>" for option in self.options)
        note = f"<p><small>{self._no_script}</small></p>"
        return f'<p>{inline_code(self.question)}</p><ol type="A">{items}</ol>{note}'

    def _static_markdown(self) -> str:
        return self._static_text()

    def _static_text(self) -> str:
        items = "\n".join(f"- {letter}. {option.text}" for letter, option in self._lettered())
        return f"{self.question}\n\n{items}"


class Number(_Question):
    """A question whose answer is a number.

    ```python
    weights = Number("05-direct", "How many weights has a 5×5 convolution from 192 to 32 channels?", 153_600,
                     unit="weights", mistakes=[Mistake(30_720, "That is a 1×5. A 5×5 has 25 per pair.")])
    weights.check("153.6 K")
    ```

    Two slips are recognised without being listed: right digits at the wrong power of a thousand and, if the
    unit is MACs, twice the answer (FLOPs). How a number may be written stands at the top of this module.
    """

    def __init__(
        self,
        key: str,
        question: str,
        answer: float,
        unit: str = "",
        *,
        tolerance: float = 0.0,
        relative_tolerance: float = 0.0,
        mistakes: Sequence[Mistake] = (),
        hint: str = "Write the product down factor by factor, then compute it once more.",
        explanation: str = "",
    ) -> None:
        """Define the question.

        Args:
            key: lower-case words joined by hyphens.
            unit: what the number counts, as shown behind the field; the reader may write it or leave it out.
            tolerance: absolute room, in the unit; the larger of the two tolerances counts.
            relative_tolerance: room as a fraction of the answer; 0.01 is one percent.
            mistakes: likely wrong numbers, each met with its own feedback.
            hint: what to say to any other wrong number.
            explanation: what to say to the right one.

        Raises:
            ValueError: a negative tolerance, empty text, or a mistake within the tolerance of the answer.
            TypeError: a number that is none.
        """
        super().__init__(key, question)
        self.answer, self.unit = _check.finite("answer", answer), _check.text("unit", unit).strip()
        self.tolerance = _check.finite("tolerance", tolerance)
        self.relative_tolerance = _check.finite("relative_tolerance", relative_tolerance)
        for name in ("tolerance", "relative_tolerance"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        self.hint, self.explanation = _text("hint", hint), _check.text("explanation", explanation)
        given = enumerate(_check.members("mistakes", mistakes))
        self.mistakes = tuple(_fields(f"mistakes[{place}]", mistake, Mistake) for place, mistake in given)
        for number, mistake in enumerate(self.mistakes):
            _text(f"mistakes[{number}].feedback", mistake.feedback)
            if self._accepts(_check.finite(f"mistakes[{number}].value", mistake.value)):
                raise ValueError(
                    f"mistakes[{number}].value {mistake.value} counts as correct, being within the tolerance "
                    f"of answer {answer}; narrow the tolerance or drop the mistake"
                )

    def _accepts(self, value: float) -> bool:
        return _near(value, self.answer, self.tolerance, self.relative_tolerance)

    def _common_mistakes(self) -> list[Mistake]:
        power = "The digits are right, the power of ten is not: K is 10³, M is 10⁶, G is 10⁹."
        twice = "That is twice the number: FLOPs count 2 per MAC, and this asks for MACs."
        slips = [Mistake(self.answer * 2, twice)] if self.unit.lower() in ("mac", "macs") else []
        slips += [Mistake(self.answer * 1000**n, power) for n in (1, 2, 3)]
        slips += [Mistake(self.answer / 1000**n, power) for n in (1, 2, 3)]
        return [slip for slip in slips if not self._accepts(slip.value)]

    @property
    def state(self) -> dict[str, Any]:
        """The question as data, and the reader's `response` as typed."""
        return {
            "kind": "number",
            "question": self.question,
            "answer": self.answer,
            "unit": self.unit,
            "tolerance": self.tolerance,
            "relative_tolerance": self.relative_tolerance,
            "mistakes": [mistake._asdict() for mistake in (*self.mistakes, *self._common_mistakes())],
            "hint": self.hint,
            "explanation": self.explanation,
            "response": "",
        }

    def check(self, response: object) -> Feedback:
        """Judge a number, or text as a reader would type it; None and `...` stand for no answer yet."""
        if response is None or response is ...:
            return judge_number(self.state, "")
        if isinstance(response, str):
            return judge_number(self.state, response)
        try:
            number = float(response)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return Feedback("unclear", f"Give one number, not a {type(response).__name__}.")
        if isinstance(response, bool) or not math.isfinite(number):
            return Feedback("unclear", f"Give one finite number, not {response}.")
        return judge_number(self.state, repr(number))

    def _static_html(self) -> str:
        unit = f" Answer in {html.escape(self.unit)}." if self.unit else ""
        return f"<p>{inline_code(self.question)}{unit}</p><p><small>{self._no_script}</small></p>"

    def _static_markdown(self) -> str:
        return self._static_text()

    def _static_text(self) -> str:
        return self.question + (f" Answer in {self.unit}." if self.unit else "")
