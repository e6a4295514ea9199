"""Tables of text that show themselves: in a notebook, in the page, on a terminal."""

import html
from collections.abc import Iterable, Sequence


class Table:
    """A caption, a header and rows of text.

    Args:
        rows: one sequence of cells per row; cells that are not text are written as integers with thousands
            separators
            or by `str`.
        align: one letter per column, `l` or `r`; by default the first column is left and the others right.

    Raises:
        ValueError: a row or `align` has another number of cells than the header.
    """

    def __init__(
        self, caption: str, header: Sequence[str], rows: Iterable[Sequence[object]], align: str | None = None
    ) -> None:
        self.caption, self.header = caption, tuple(header)
        self.rows = tuple(tuple(map(cell_text, row)) for row in rows)
        self.align = "l" + "r" * (len(self.header) - 1) if align is None else align
        for name, line in (("align", self.align), *((f"rows[{n}]", row) for n, row in enumerate(self.rows))):
            if len(line) != len(self.header):
                raise ValueError(
                    f"{name} must have {len(self.header)} cells as the header has, got {len(line)}"
                )

    def html(self) -> str:
        """Return the table alone as HTML, the first cell of each row as its header."""

        def cell(tag: str, text: str, side: str, scope: str = "") -> str:
            where = "left" if side == "l" else "right"
            return f'<{tag}{scope} style="text-align:{where}">{html.escape(text)}</{tag}>'

        head = "".join(
            cell("th", text, side, ' scope="col"') for text, side in zip(self.header, self.align, strict=True)
        )
        body = "".join(
            "<tr>"
            + cell("th", row[0], self.align[0], ' scope="row"')
            + "".join(cell("td", text, side) for text, side in zip(row[1:], self.align[1:], strict=True))
            + "</tr>"
            for row in self.rows
        )
        caption = html.escape(self.caption)
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def markdown(self) -> str:
        """Return the table as a pipe table under its caption."""
        rule = " | ".join(":--" if side == "l" else "--:" for side in self.align)
        lines = [" | ".join(text.replace("|", r"\|") for text in row) for row in (self.header, *self.rows)]
        return "\n".join([self.caption, "", *(f"| {line} |" for line in (lines[0], rule, *lines[1:]))])

    def text(self) -> str:
        """Return the table as aligned plain text."""
        lines = (self.header, *self.rows)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        justify = [str.ljust if side == "l" else str.rjust for side in self.align]
        rows = [
            "  ".join(
                put(cell, width) for put, cell, width in zip(justify, line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.caption, *rows])

    def _repr_html_(self) -> str:
        # A wide table scrolls in its own region, which the keyboard can reach, and not the page.
        label = html.escape(self.caption, quote=True)
        return f'<div class="il-table" role="region" tabindex="0" aria-label="{label}">{self.html()}</div>'

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
    return f"{value / 1e6:,.{digits}f} M"
