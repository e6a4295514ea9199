"""Argument checks whose messages name the argument, the value, what is allowed and what to do."""

import difflib
import operator
from collections.abc import Iterable


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


def fraction(name: str, value: float) -> float:
    """Return `value` if it is at least 0 and below 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
    return value


def pair(name: str, value: object, minimum: int = 1) -> tuple[int, int]:
    """Return `(height, width)` from one integer or from two."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name} must be one integer or a pair (height, width), got {value!r}")
        return at_least(f"{name}[0]", value[0], minimum), at_least(f"{name}[1]", value[1], minimum)
    number = at_least(name, value, minimum)
    return number, number


def one_of(name: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of the `known` names; otherwise name the nearest ones.

    Raises:
        ValueError: `value` is not known.
    """
    names = list(known)
    if value in names:
        return value  # type: ignore[return-value]
    near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise ValueError(f"{name} {value!r} is not known; {hint}known: {', '.join(map(repr, names))}")
