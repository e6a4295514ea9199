"""How random tests make layers and networks out of the bytes that hypothesis draws."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Numbers and choices read from bytes, the first and lowest for a 0: bytes that hypothesis shrinks give
    simpler things. After the last byte there are only zeros.

    Drawing bytes in one piece is twenty times as fast as drawing every number by a strategy of its own, and
    hypothesis repeats almost none of them.
    """

    def __init__(self, content: bytes) -> None:
        self._bytes: Iterator[int] = iter(content)

    def number(self, low: int, high: int) -> int:
        """Return an integer of `low` to `high`; of a wide range, one byte more is read."""
        byte = next(self._bytes, 0)
        if high - low > 255:
            byte += 256 * next(self._bytes, 0)
        return low + byte % (high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        return options[self.number(0, len(options) - 1)]

    def once_in(self, times: int) -> bool:
        """Whether a chance of 1 / `times` came true; never for a 0."""
        return self.number(0, times - 1) == times - 1

    def sizes(self, low: int, high: int) -> int | tuple[int, int]:
        """Return one number, or one for the height and one for the width."""
        number = self.number(low, high)
        return (number, self.number(low, high)) if self.once_in(2) else number
