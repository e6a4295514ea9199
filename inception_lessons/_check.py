"""Argument checks whose messages name the argument, the value, what is allowed and what to do."""

import difflib
import operator
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from types import UnionType
from typing import TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def integer(name: str, value: object) -> int:
    """Return `value` as a Python integer; booleans, floats and strings are refused."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}; write 1 or 0")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})") from None


def at_least(name: str, value: object, minimum: int) -> int:
    """Return `value` as an integer of at least `minimum`."""
    number = integer(name, value)
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {number}")
    return number


def positive(name: str, value: object) -> int:
    """Return `value` as an integer of at least 1."""
    return at_least(name, value, 1)


def non_negative(name: str, value: object) -> int:
    """Return `value` as an integer of at least 0."""
    return at_least(name, value, 0)


def number(name: str, value: object) -> float:
    """Return `value` if it is a finite number; booleans and text are refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    if not -sys.float_info.max <= value <= sys.float_info.max:
        raise ValueError(f"{name} must be finite, got {_shortened(value)}")
    return value


def finite(name: str, value: object) -> float:
    """Return `value` as `number` does, of whose errors it makes one kind: TypeError."""
    try:
        return number(name, value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a finite int or float, got {value!r}") from None


def _shortened(value: float) -> str:
    """Return a number as text; of a very long one only how long it is."""
    long = isinstance(value, int) and value.bit_length() > 1023
    return f"an integer of {value.bit_length():,} bits" if long else f"{value}"


def fraction(name: str, value: object) -> float:
    """Return `value` if it is at least 0 and below 1."""
    if not 0 <= number(name, value) < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    return value


LARGEST = 2**63 - 1
"""The largest integer that torch can hold."""
MOST_PARAMETERS = 10**10
"""More than any network of images has; at four bytes each, 40 GB."""


def size(name: str, value: object, minimum: int = 1) -> int:
    """Return `value` as an integer of at least `minimum` that torch can hold."""
    number = at_least(name, value, minimum)
    if number > LARGEST:
        raise ValueError(f"{name} must be at most 2⁶³ − 1, got {_shortened(number)}")
    return number


def buildable(parameters: int, remedy: str) -> None:
    """Refuse a network of too many parameters; `remedy` names the arguments that make it smaller."""
    if parameters > MOST_PARAMETERS:
        raise ValueError(
            f"{remedy} must be smaller: there would be {_shortened(parameters)} parameters, "
            f"and at most {MOST_PARAMETERS:,} are built"
        )


def pair(name: str, value: object, minimum: int = 1) -> tuple[int, int]:
    """Return `(height, width)` from one integer or from two."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name} must be one integer or a pair (height, width), got {value!r}")
        return at_least(f"{name}[0]", value[0], minimum), at_least(f"{name}[1]", value[1], minimum)
    number = at_least(name, value, minimum)
    return number, number


def text(name: str, value: object) -> str:
    """Return `value` if it is text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r} ({type(value).__name__})")
    return value


def members(name: str, value: object) -> list:
    """Return what a list, or anything else that can be gone through, holds; text counts as one thing."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, got {value!r} ({type(value).__name__})")
    try:
        return list(value)
    except TypeError as error:  # a tensor of one number calls itself iterable
        raise TypeError(f"{name} must be a list, got {value!r} ({error})") from None


def mapping(name: str, value: object) -> Mapping:
    """Return `value` if it maps names to something."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must map names to values, got {value!r} ({type(value).__name__})")
    return value


def instance(name: str, value: object, *kinds: type[T]) -> T:
    """Return `value` if it is of one of the `kinds`, and each field of a named tuple as its class says."""
    if not isinstance(value, kinds):
        known = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{name} must be {known}, got {value!r} ({type(value).__name__})")
    for field, hint in _hints(type(value)).items():
        item = getattr(value, field)
        if not _fits(item, hint):
            known = hint.__name__ if isinstance(hint, type) else hint
            raise TypeError(f"{field} of {name} must be {known}, got {item!r}")
    return value


@cache
def _hints(kind: type) -> dict[str, object]:
    """Return the types of a named tuple's fields; none of another class."""
    return get_type_hints(kind) if hasattr(kind, "_fields") else {}


def _fits(value: object, hint: object) -> bool:
    """Whether a value has the type that a field is said to have; the members of a list are not looked at."""
    if type(value) is hint:
        return True
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return type(value) in parts or any(_fits(value, part) for part in parts)
    if origin is tuple and ... not in parts:
        return isinstance(value, tuple) and len(value) == len(parts) and all(map(_fits, value, parts))
    if hint in (int, float):
        number = isinstance(value, float) and hint is float or hasattr(value, "__index__")
        return number and not isinstance(value, bool | type)
    kind = origin or hint
    return isinstance(value, kind) and (kind is str or not isinstance(value, str))


def rows(name: str, value: object, *kinds: type[T], empty: bool = False) -> list[T]:
    """Return the members of a list, each looked at as by `instance`; none at all are refused unless `empty`.

    Raises:
        TypeError: `value` is no list, or a member is of another kind.
        ValueError: `value` is empty.
    """
    found = members(name, value)
    if not found and not empty:
        raise ValueError(f"{name} must have at least one row, got none")
    return [instance(f"{name}[{place}]", row, *kinds) for place, row in enumerate(found)]


def one_of(name: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of the `known` names; otherwise name the nearest ones.

    Raises:
        ValueError: `value` is not known.
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value  # type: ignore[return-value]
    near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise ValueError(f"{name} {value!r} is not known; {hint}known: {', '.join(map(repr, names))}")
