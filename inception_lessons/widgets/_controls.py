"""What a reader can set in an instrument, as data: sliders, choices, toggles, hidden values and presets.

Python checks a value with the same definition that the page's module draws the control from.
"""

import math
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from inception_lessons._check import finite, instance, integer, mapping, members, one_of, text
from inception_lessons.tables import Table
from inception_lessons.widgets._page import PageWidget


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high` in steps; integers if all three are.

    Raises:
        TypeError: a limit or the step is no finite number.
        ValueError: an empty range, or a step that is not positive.
    """

    name: str
    label: str
    low: float
    high: float
    step: float = 1
    hidden: bool = False
    """Whether the widget's own drawing sets it, and no slider is shown."""

    def __post_init__(self) -> None:
        for part in ("low", "high", "step"):
            finite(f"{part} of slider {self.name!r}", getattr(self, part))
        if not self.low < self.high:
            raise ValueError(f"slider {self.name!r} has an empty range, {self.low} to {self.high}")
        if self.step <= 0:
            raise ValueError(f"step of slider {self.name!r} must be above 0, got {self.step}")

    def checked(self, value: object) -> float:
        """Return `value` if the slider can stand there."""
        whole = all(isinstance(part, int) for part in (self.low, self.high, self.step))
        number = integer(self.name, value) if whole else finite(self.name, value)
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.name} must be from {self.low} to {self.high}, got {number}")
        steps = round((number - self.low) / self.step)
        below = self.low + self.step * steps
        if not math.isclose(below, number, rel_tol=1e-9, abs_tol=1e-9):
            if whole and self.step == 2:
                raise ValueError(
                    f"{self.name} must be {'odd' if self.low % 2 else 'even'}, got {number}; "
                    f"use {number - 1} or {number + 1}"
                )
            raise ValueError(f"{self.name} must be {self.low} plus a multiple of {self.step}, got {number}")
        return number

    @property
    def values(self) -> str:
        """What it can be, in words."""
        return f"{self.low} to {self.high}" + ("" if self.step == 1 else f" in steps of {self.step}")

    def data(self) -> dict[str, Any]:
        """Return the control for the page's module."""
        kind = "hidden" if self.hidden else "slider"
        limits = {"low": self.low, "high": self.high, "step": self.step}
        return {"kind": kind, "name": self.name, "label": self.label, **limits}


@dataclass(frozen=True)
class Select:
    """One of several named options; `options` maps the value to what the reader sees.

    Raises:
        ValueError: fewer than two options.
        TypeError: the options are no mapping.
    """

    name: str
    label: str
    options: Mapping[str, str]

    def __post_init__(self) -> None:
        if len(mapping(f"options of {self.name!r}", self.options)) < 2:
            raise ValueError(
                f"{self.name!r} offers nothing to choose: options must be at least 2, got {len(self.options)}"
            )

    def checked(self, value: object) -> str:
        """Return `value` if it is an option."""
        return one_of(self.name, value, self.options)

    @property
    def values(self) -> str:
        """What it can be, in words."""
        return ", ".join(map(repr, self.options))

    def data(self) -> dict[str, Any]:
        """Return the control for the page's module."""
        options = [{"value": value, "label": label} for value, label in self.options.items()]
        return {"kind": "choice", "name": self.name, "label": self.label, "options": options}


@dataclass(frozen=True)
class Toggle:
    """Yes or no."""

    name: str
    label: str

    def checked(self, value: object) -> bool:
        """Return `value` if it is True or False."""
        if not isinstance(value, bool):
            raise TypeError(f"{self.name} must be True or False, got {value!r}")
        return value

    @property
    def values(self) -> str:
        """What it can be, in words."""
        return "True or False"

    def data(self) -> dict[str, Any]:
        """Return the control for the page's module."""
        return {"kind": "toggle", "name": self.name, "label": self.label}


@dataclass(frozen=True)
class Text:
    """A text that the widget's own drawing sets, such as a list of layers; the whole must match `pattern`.

    The pattern must mean the same in Python and in JavaScript.

    Raises:
        ValueError: an example that does not match, or a pattern that is none.
        TypeError: the pattern is no text, or the examples are no list.
    """

    name: str
    label: str
    pattern: str
    examples: tuple[str, ...]
    """Texts that match; tests draw from them."""
    hint: str = ""
    """How to write it, where the reader types it into a field; without a hint no field is shown."""

    def __post_init__(self) -> None:
        try:
            re.compile(text(f"pattern of {self.name!r}", self.pattern))
        except re.error as error:
            raise ValueError(f"pattern of {self.name!r} is none: {self.pattern!r} ({error})") from None
        for example in members(f"examples of {self.name!r}", self.examples):
            self.checked(example)

    def checked(self, value: object) -> str:
        """Return `value` if it matches."""
        if not isinstance(value, str):
            raise TypeError(f"{self.name} must be text, got {value!r}")
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"{self.name} must match {self.pattern}, got {value!r}")
        return value

    @property
    def values(self) -> str:
        """What it can be, in words."""
        return "such as " + ", ".join(map(repr, filter(None, self.examples[:3])))

    def data(self) -> dict[str, Any]:
        """Return the control for the page's module."""
        kind = "text" if self.hint else "hidden"
        words = {"label": self.label, "hint": self.hint} if self.hint else {"label": self.label}
        return {"kind": kind, "name": self.name, "pattern": self.pattern, **words}


Control = Slider | Select | Toggle | Text


@dataclass(frozen=True)
class Preset:
    """A setting worth starting from."""

    label: str
    settings: Mapping[str, Any]
    source: str
    """Heading under which the page groups it."""

    def data(self) -> dict[str, Any]:
        """Return the preset for the page's module."""
        return {"label": self.label, "settings": dict(self.settings), "source": self.source}


def checked_spec(controls: Sequence[Control], presets: Mapping[str, Preset]) -> None:
    """Raise what says why the presets do not fit the controls.

    Raises:
        TypeError: two controls of one name, a preset that sets what is no control, or something that is no
            control or no preset.
        ValueError: a preset outside its control's range.
    """
    controls = [
        instance("a control", control, *get_args(Control)) for control in members("controls", controls)
    ]
    known = {control.name: control for control in controls}
    if len(known) < len(controls):
        names = [control.name for control in controls]
        twice = next(name for name in names if names.count(name) > 1)
        raise TypeError(f"two controls are named {twice!r}; give each its own name")
    for key, preset in mapping("presets", presets).items():
        settings = instance(f"preset {key!r}", preset, Preset).settings
        for name, value in mapping(f"settings of preset {key!r}", settings).items():
            if name not in known:
                raise TypeError(
                    f"preset {key!r} sets {name!r}, which is no control; known: {', '.join(known)}"
                )
            try:
                known[name].checked(value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"preset {key!r}: {error}") from None


class Instrument(PageWidget):
    """A widget whose reader sets controls: it starts from a preset, and some of its values may be changed.

    A subclass defines `controls`, `presets`, `evaluate` and `_data`, and shows itself as `table()` where no
    script runs.
    """

    _live_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, preset: str | None = None, **settings: object) -> None:
        """Start from a preset, and change some of its settings.

        Args:
            preset: a key of `presets()`; the first one by default.
            settings: values of controls by name.

        Raises:
            ValueError: an unknown preset, or a value outside its control's range.
            TypeError: an unknown name, or a value of the wrong type.
        """
        controls, presets = self.controls(), self.presets()
        checked_spec(controls, presets)
        key = next(iter(presets)) if preset is None else one_of("preset", preset, presets)
        known = {control.name: control for control in controls}
        self._live_names = tuple(known)
        for name in settings:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} has no setting {name!r}; known: {', '.join(self._live_names)}"
                )
        given = {**self._defaults(), **presets[key].settings, **settings}
        self.settings: dict[str, Any] = {name: known[name].checked(given[name]) for name in known}

    @classmethod
    @abstractmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return what the reader can set."""

    @classmethod
    @abstractmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the presets by key, at least one; the first is where the widget starts."""

    @classmethod
    @abstractmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return everything the widget shows for `settings`, JSON-able, as the module computes it too."""

    @abstractmethod
    def table(self) -> Table:
        """Return what the widget shows at first, as text."""

    @classmethod
    def reference(cls) -> Table:
        """Return the arguments of the constructor: the presets' keys, then every setting."""
        keys = ", ".join(map(repr, cls.presets()))
        rows = [(control.name, control.label, control.values) for control in cls.controls()]
        return Table(
            f"Arguments of {cls.__name__}",
            ("argument", "shown as", "values"),
            [("preset", "Example", keys), *rows],
            align="lll",
        )

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return values of the controls that a preset may leave alone."""
        return {}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        """Return what the module needs beside controls and presets."""
        return {}

    def _checked(self, name: str, value: object) -> object:
        return next(control for control in self.controls() if control.name == name).checked(value)

    @property
    def state(self) -> dict[str, Any]:
        """The settings by name, and `spec`: controls, presets and what else the module needs."""
        controls = [control.data() for control in self.controls()]
        return {
            **self.settings,
            "spec": {"controls": controls, "presets": self._preset_data(), **self._data()},
        }

    @classmethod
    def _preset_data(cls) -> list[dict[str, Any]]:
        """Return the presets as the page lists them."""
        return [preset.data() for preset in cls.presets().values()]

    def _static_html(self) -> str:
        return self.table().html()

    def _static_markdown(self) -> str:
        return self.table().markdown()

    def _static_text(self) -> str:
        return self.table().text()
