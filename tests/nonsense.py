"""Calls with nonsense for one argument at a time, and which of the errors were meant.

An error is meant if its own `raise` stands in the package and its type in the docstring: `ValueError` and
`TypeError` anywhere, others where they are named. What Python or torch raises somewhere inside is none.
"""

import ast
import functools
import inspect
import math
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "inception_lessons"
SECONDS = 5
"""Of the processor's time, after which a call counts as hanging."""

NONSENSE = (
    None, True, -1, 0, 1.5, math.nan, math.inf, 10**30, 10**400, 1j,
    "", "nonsense", b"x", (), [], [1, 2, 3], {}, {"a": 1}, object(), print, int,
)  # fmt: skip


INSIDE = (None, -1, 1.5, 10**400, "nonsense", [])
"""What is put into one place of a table or a row; enough there, for the places are many."""


class Call(NamedTuple):
    """A function, arguments that it takes, and what must not be replaced."""

    function: Callable[..., object]
    arguments: Mapping[str, object] = {}
    documented: tuple[type[Exception], ...] = ()
    """More errors than its own docstring names: those of the method's class."""
    left: tuple[str, ...] = ()
    """Arguments whose nonsense is the business of something that the caller gave."""


class Hangs(BaseException):
    """A call took too long."""


def replaced(value: object, nonsense: tuple[object, ...]) -> Iterator[object]:
    """Yield the nonsense, and then `value` with nonsense in one of its places: a named tuple's fields, and
    those of a list's first and last member."""
    yield from nonsense
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from _with_odd_fields(value)
    elif isinstance(value, list | tuple) and value:
        yield from ([*value[:-1], item] for item in nonsense)
        for place in {0, len(value) - 1}:
            for row in _with_odd_fields(value[place]):
                yield [*value[:place], row, *value[place + 1 :]]


def _with_odd_fields(row: object) -> Iterator[object]:
    for field in getattr(row, "_fields", ()):
        yield from (row._replace(**{field: item}) for item in INSIDE)


def failures(calls: Mapping[str, Call], nonsense: tuple[object, ...] = NONSENSE) -> tuple[int, list[str]]:
    """Return how many calls were made, and a line for each that ended in an error that was not meant.

    Left out are arguments whose default is True or False: they are read as yes or no, which anything is.
    """
    before = signal.signal(signal.SIGVTALRM, _interrupt)
    found, made = [], 0
    try:
        for name, call in calls.items():
            call.function(**call.arguments)  # as it should be
            for parameter in inspect.signature(call.function).parameters.values():
                if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                    continue
                if parameter.name in call.left or isinstance(parameter.default, bool):
                    continue
                usual = call.arguments.get(parameter.name, parameter.default)
                for item in replaced(usual, nonsense):
                    made += 1
                    error = _error(call, {**call.arguments, parameter.name: item})
                    if error is not None and not meant(error, call):
                        found.append(_line(name, parameter.name, item, error))
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return made, found


def _interrupt(*_: object) -> None:
    raise Hangs(f"more than {SECONDS} s")


def _error(call: Call, arguments: Mapping[str, object]) -> BaseException | None:
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        call.function(**arguments)
    except (Exception, Hangs) as error:
        return error
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def meant(error: BaseException, call: Call) -> bool:
    known = call.documented or ()
    named = re.findall(r"\b[A-Z]\w+\b", inspect.getdoc(call.function) or "")
    allowed = type(error) in (ValueError, TypeError, *known) or type(error).__name__ in named
    last = _last(error.__traceback__)
    path = Path(last.tb_frame.f_code.co_filename)
    return allowed and path.is_relative_to(PACKAGE) and last.tb_lineno in _raise_lines(path)


def _last(traceback: TracebackType) -> TracebackType:
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


@functools.cache
def _raise_lines(path: Path) -> frozenset[int]:
    """Return the lines of a file on which `raise` statements stand."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    statements = [node for node in nodes if isinstance(node, ast.Raise)]
    return frozenset(line for node in statements for line in range(node.lineno, node.end_lineno + 1))


def _line(name: str, argument: str, item: object, error: BaseException) -> str:
    last = _last(error.__traceback__)
    place = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
    return f"{name}({argument}={_short(item)}): {type(error).__name__} at {place}: {_short(str(error))}"


def _short(value: object) -> str:
    text = f"an integer of {value.bit_length()} bits" if isinstance(value, int) else repr(value)
    return text if len(text) <= 120 else f"{text[:60]} … {text[-60:]}"
