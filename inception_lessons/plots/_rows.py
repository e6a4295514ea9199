"""Reading plain rows: mappings, or anything with attributes such as a NamedTuple."""

import difflib
import math
from collections.abc import Iterable, Mapping

from inception_lessons._check import members, text
from inception_lessons._check import number as checked


def rows_of(argument: str, rows: Iterable[object]) -> list:
    """Return the rows as a list.

    Raises:
        ValueError: there are none.
        TypeError: `rows` is no list.
    """
    found = members(argument, rows)
    if not found:
        raise ValueError(f"{argument} must have at least one row, got none")
    return found


def read(row: object, key: str, argument: str) -> object:
    """Return one value of a row.

    Raises:
        ValueError: the row has no such key; the nearest ones are named.
        TypeError: `key` is no text.
    """
    text(f"a key of {argument}", key)
    fields = (
        dict(row)
        if isinstance(row, Mapping)
        else {name: getattr(row, name) for name in dir(row) if name[0] != "_"}
    )
    if key not in fields:
        near = difflib.get_close_matches(key, fields, n=2, cutoff=0.4) or list(fields)
        raise ValueError(
            f"every row of {argument} needs {key!r}; this one has {', '.join(map(repr, near))}: {row!r}"
        )
    return fields[key]


def number(row: object, key: str, argument: str, *, above: float = -math.inf) -> float:
    """Return one value of a row as a finite number greater than `above`.

    Raises:
        TypeError: the value is no number.
        ValueError: the value is not finite, or too small.
    """
    value = read(row, key, argument)
    return finite(f"{key} of {argument}", value, above=above)


def finite(name: str, value: object, *, above: float = -math.inf) -> float:
    """Return a finite number greater than `above`; integers stay integers."""
    if isinstance(value, (str, bytes, bool)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if isinstance(value, int):
        value = checked(name, value)
    if not math.isfinite(float(value)):
        raise ValueError(
            f"{name} must be finite, got {value!r}; leave the row out, or find out where it diverged"
        )
    if float(value) <= above:
        raise ValueError(f"{name} must be greater than {above:g}, got {value!r}")
    return value if isinstance(value, int) else float(value)
