"""Numbers as papers print them."""

import re
from typing import NamedTuple

from inception_lessons._check import number
from inception_lessons._check import text as checked_text


class Claim(NamedTuple):
    """A number stated in a paper's text."""

    text: str
    value: float
    source: str


def printed_count(text: str, kilo: int = 1000) -> float:
    """Return the number that a printed count such as `"159K"` or `"34M"` stands for.

    Args:
        text: digits, an optional decimal point, and K, M or nothing.
        kilo: what K stands for; `GOOGLENET_TABLE_1_KILO` in that table. M is always 10⁶.

    Raises:
        ValueError: the text is not such a count.
        TypeError: `text` is no text, or `kilo` no number.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KM]?)", checked_text("text", text))
    if match is None:
        raise ValueError(
            f"text {text!r} is not a printed count; expected digits with K, M or nothing, as in '159K'"
        )
    return float(match[1]) * {"K": number("kilo", kilo), "M": 1_000_000, "": 1}[match[2]]
