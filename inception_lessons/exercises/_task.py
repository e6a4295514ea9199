"""A task whose answer is Python: a function or a value that the reader writes and the package judges."""

from collections.abc import Callable
from typing import Any

from inception_lessons.widgets import Feedback

Judge = Callable[[Any], str | None]


class Task:
    """A piece of code to write, and the judge of what it gives.

    Args:
        key: lower-case words joined by hyphens, as for the questions.
        judge: called with the reader's object; returns a sentence on what is wrong, or None.
        praise: what to say when nothing is wrong.
    """

    def __init__(self, key: str, judge: Judge, praise: str) -> None:
        self.key, self._judge, self._praise = key, judge, praise

    def check(self, answer: Any) -> Feedback:
        """Judge the reader's function or value; an exception inside it is reported, not raised."""
        if answer is None or answer is ...:
            return Feedback("unclear", "Nothing to check yet: replace the dots with your answer.")
        try:
            complaint = self._judge(answer)
        except Exception as error:  # the reader's code may raise anything
            return Feedback("wrong", f"Your code stops with {type(error).__name__}: {error}")
        return Feedback("correct", self._praise) if complaint is None else Feedback("wrong", complaint)


def compare(function: Callable[..., Any], reference: Callable[..., Any], cases: list[tuple]) -> str | None:
    """Return a sentence on the first case where `function` and `reference` differ, or None."""
    if not callable(function):
        return (
            f"Give the function itself, not a {type(function).__name__}: write its name without parentheses."
        )
    for arguments in cases:
        got, expected = function(*arguments), reference(*arguments)
        if got is None or got is ...:
            return "The function returns nothing yet: replace the dots and end with return."
        if got != expected:
            call = ", ".join(map(_short, arguments))
            return f"For ({call}) the function gives {_short(got)}, and {_short(expected)} is expected."
    return None


def _short(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else repr(value)
    return text if len(text) <= 90 else text[:87] + "…"
