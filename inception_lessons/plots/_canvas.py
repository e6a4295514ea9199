"""A sheet measured in points, with y downwards, on which diagrams and charts are drawn."""

import textwrap
from collections.abc import Sequence
from functools import cache

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon
from matplotlib.textpath import TextToPath

from inception_lessons.plots._figure import colour

WIDE, NARROW = 540.0, 240.0
"""Widths of the two drawings in points: 720 and 320 CSS pixels."""
SMALL, NORMAL, LARGE = 9.0, 9.5, 10.5
"""Text sizes in points."""

_FONT = (
    "DejaVu Sans"  # wider than the fonts of most pages, and always with matplotlib: what fits here fits there
)


@cache
def text_width(text: str, size: float = NORMAL, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    font = FontProperties(family=_FONT, size=size, weight="bold" if bold else "normal")
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]


def wrap(text: str, width: float, size: float = NORMAL, bold: bool = False) -> list[str]:
    """Break text into lines of at most `width` points."""
    characters = len(text)
    while characters > 1:
        lines = textwrap.wrap(text, characters, break_long_words=False)
        if all(text_width(line, size, bold) <= width for line in lines):
            return lines
        characters -= 1
    return text.split()


def millions(count: int) -> str:
    """Return a count in units of 10⁶ with two decimals."""
    return f"{count / 1e6:,.2f} M"


def fits_in(text: str, extent: float) -> bool:
    """Return whether a small text fits into a bar of `extent` points."""
    return text_width(text, SMALL) + 2 <= extent


class Canvas:
    """A drawing of fixed width whose height is set at the end."""

    def __init__(self, width: float):
        self.width = width
        with matplotlib.rc_context({"font.family": _FONT, "axes.unicode_minus": False}):
            self.figure = Figure(figsize=(width / 72, 1), dpi=72)
            self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self._drawn = 0

    def _next(self) -> int:
        """Return the place of the next piece in the drawing order: what is drawn later lies on top."""
        self._drawn += 1
        return self._drawn

    def finish(self, height: float) -> Figure:
        """Set the height and return the figure."""
        self.figure.set_size_inches(self.width / 72, height / 72)
        self.axes.set_xlim(0, self.width)
        self.axes.set_ylim(height, 0)
        return self.figure

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = NORMAL,
        ink: str = "ink",
        align: str = "left",
        bold: bool = False,
        upwards: bool = False,
    ) -> None:
        """Write one line whose baseline is at `y`; `upwards` turns it, and then its baseline is at `x`."""
        self.axes.text(
            x, y, text, fontsize=size, color=colour(ink), family=_FONT, weight="bold" if bold else "normal",
            ha="right" if upwards else align, va="center" if upwards else "baseline",
            rotation=90 if upwards else 0, parse_math=False, zorder=self._next(),
        )  # fmt: skip

    def polygon(self, points: Sequence[tuple[float, float]], ink: str, alpha: float = 1.0) -> None:
        """Fill a polygon."""
        self.axes.add_patch(
            Polygon(
                points, closed=True, facecolor=(colour(ink), alpha), edgecolor="none", linewidth=0,
                clip_on=False, zorder=self._next(),
            )
        )  # fmt: skip

    def bar(self, x: float, y: float, width: float, height: float, ink: str, alpha: float = 1.0) -> None:
        """Fill a rectangle whose upper left corner is (x, y)."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(corners, ink, alpha)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        ink: str = "muted",
        width: float = 0.75,
        dash: Sequence[float] = (),
    ) -> None:
        """Draw a line through `points`; `dash` is lengths on and off in points."""
        style = (0, [length / width for length in dash]) if dash else "-"
        xs, ys = zip(*points, strict=True)
        self.axes.add_line(
            Line2D(
                xs, ys, color=colour(ink), linewidth=width, linestyle=style, solid_capstyle="butt",
                clip_on=False, zorder=self._next(),
            )
        )  # fmt: skip

    def arrow(self, points: Sequence[tuple[float, float]], ink: str = "muted") -> None:
        """Draw a line whose last piece, which is vertical and downward, ends in an arrowhead."""
        x, y = points[-1]
        self.line([*points[:-1], (x, y - 3)], ink)
        self.polygon([(x - 2.2, y - 4.5), (x + 2.2, y - 4.5), (x, y)], ink)

    def dot(self, x: float, y: float, radius: float, ink: str, *, hollow: bool = False) -> None:
        """Draw a disc, or a ring filled with paper."""
        face = colour("paper" if hollow else ink)
        self.axes.add_patch(
            Circle(
                (x, y), radius, facecolor=face, edgecolor=colour(ink), linewidth=1.2, clip_on=False,
                zorder=self._next(),
            )
        )  # fmt: skip

    def image(self, x: float, y: float, width: float, height: float, pixels: Sequence[Sequence[int]]) -> None:
        """Draw a grey image, 0 to 255, as many points wide and high as asked, each pixel kept sharp."""
        self.axes.imshow(
            pixels, cmap="gray", vmin=0, vmax=255, extent=(x, x + width, y + height, y), interpolation="none",
            aspect="auto", clip_on=False, zorder=self._next(),
        )  # fmt: skip
