"""Tables of text that show themselves: in a notebook, in the page, on a terminal."""

import html
from collections.abc import Iterable, Sequence

from inception_lessons._check import members, non_negative, number, text

_LONG = 40
"""Characters from which a cell counts as prose."""


class Table:
    """A caption, a header and rows of text.

    Args:
        rows: one sequence of cells per row; cells that are not text are written as integers with thousands
            separators or by `str`.
        align: one letter per column, `l` or `r`; by default the first column is left and the others right.
        footer: a last row that sums up, set apart.

    Raises:
        ValueError: a row, `footer` or `align` has another number of cells than the header.
        TypeError: the header, the rows or one of them is no list.
    """

    def __init__(
        self,
        caption: str,
        header: Sequence[str],
        rows: Iterable[Sequence[object]],
        align: str | None = None,
        *,
        footer: Sequence[object] | None = None,
    ) -> None:
        self.caption, self.header = caption, tuple(members("header", header))
        self.rows = tuple(
            tuple(map(cell_text, members(f"rows[{place}]", row)))
            for place, row in enumerate(members("rows", rows))
        )
        self.footer = None if footer is None else tuple(map(cell_text, members("footer", footer)))
        self.align = "l" + "r" * (len(self.header) - 1) if align is None else text("align", align)
        named = [("align", self.align), *((f"rows[{number}]", row) for number, row in enumerate(self.rows))]
        for name, cells in [*named, ("footer", self.footer or self.header)]:
            if len(cells) != len(self.header):
                raise ValueError(
                    f"{name} must have {len(self.header)} cells as the header has, got {len(cells)}"
                )

    def html(self, *, caption: bool = True) -> str:
        """Return the table alone as HTML, the first cell of each row as its header."""
        head = self._html_row(self.header, heads=len(self.header), scope="col")
        body = "".join(self._html_row(row) for row in self.rows)
        foot = "" if self.footer is None else f"<tfoot>{self._html_row(self.footer)}</tfoot>"
        title = f"<caption>{html.escape(self.caption)}</caption>" if caption else ""
        return f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody>{foot}</table>"

    def _html_row(self, row: Sequence[str], *, heads: int = 1, scope: str = "row") -> str:
        cells = []
        for column, (cell, side) in enumerate(zip(row, self.align, strict=True)):
            named = column < heads and cell  # a header without text heads nothing
            tag, attribute = ("th", f' scope="{scope}"') if named else ("td", "")
            style = "text-align:left" if side == "l" else "text-align:right;white-space:nowrap"
            if side == "l" and len(cell) > _LONG:
                style += ";min-width:16em"  # a narrow page scrolls the table instead of stacking words
            cells.append(f'<{tag}{attribute} style="{style}">{html.escape(cell)}</{tag}>')
        return f"<tr>{''.join(cells)}</tr>"

    def markdown(self) -> str:
        """Return the table as a pipe table under its caption."""
        rule = " | ".join(":--" if side == "l" else "--:" for side in self.align)
        lines = [" | ".join(text.replace("|", r"\|") for text in row) for row in self._lines()]
        return "\n".join([self.caption, "", *(f"| {line} |" for line in (lines[0], rule, *lines[1:]))])

    def text(self) -> str:
        """Return the table as aligned plain text."""
        widths = [max(map(len, column)) for column in zip(*self._lines(), strict=True)]
        justify = [str.ljust if side == "l" else str.rjust for side in self.align]
        rows = [
            "  ".join(put(cell, width) for put, cell, width in zip(justify, row, widths, strict=True))
            for row in self._lines()
        ]
        return "\n".join([self.caption, *(row.rstrip() for row in rows)])

    def _lines(self) -> list[tuple[str, ...]]:
        return [self.header, *self.rows, *([] if self.footer is None else [self.footer])]

    def _repr_html_(self) -> str:
        # A wide table scrolls in a region that the keyboard can reach; page and caption stay.
        label = html.escape(self.caption, quote=True)
        region = f'<div role="group" tabindex="0" aria-label="{label}" style="overflow-x:auto">'
        return (
            f'<figure class="il-table"><figcaption>{html.escape(self.caption)}</figcaption>'
            f"{region}{self.html(caption=False)}</div></figure>"
        )

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __repr__(self) -> str:
        return self.text()


def cell_text(value: object) -> str:
    """Return a cell's text: integers with thousands separators, None as nothing, anything else by `str`."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def millions(value: int, digits: int = 1) -> str:
    """Return a count in M (10⁶), as in `128.0 M`."""
    if non_negative("digits", digits) > 99:
        raise ValueError(f"digits must be at most 99, got {digits}")
    return f"{number('value', value) / 1e6:,.{digits}f} M"
