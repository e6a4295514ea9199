"""Tables show the same cells in every form."""

import pytest

from inception_lessons.tables import Table, cell_text, millions

TABLE = Table(
    "Costs", ("layer", "kind", "MACs"), [("a|b", "<x>", 1_234_567), ("c", None, 8)], "llr", footer=("", "", 9)
)


def test_every_form_has_every_cell():
    html, markdown, text = TABLE.html(), TABLE.markdown(), TABLE.text()
    # Of three headers above, two beside and one below, the empty one below is none.
    assert html.count("<tr>") == 4 and html.count("</td>") == 7 and html.count("</th>") == 5
    assert "&lt;x&gt;" in html and "<x>" not in html and "<tfoot>" in html
    assert markdown.splitlines()[2:4] == ["| layer | kind | MACs |", "| :-- | :-- | --: |"]
    assert r"a\|b" in markdown and len(markdown.splitlines()) == 7
    assert text.splitlines() == [
        "Costs",
        "layer  kind       MACs",
        "a|b    <x>   1,234,567",
        "c                    8",
        " " * 21 + "9",
    ]


def test_a_wide_table_scrolls_in_a_group_that_the_keyboard_reaches():
    assert 'role="group" tabindex="0" aria-label="Costs"' in TABLE._repr_html_()


def test_numbers_are_written_for_people():
    assert (cell_text(1_000), cell_text(0.5), cell_text(True), cell_text(None)) == (
        "1,000",
        "0.5",
        "True",
        "",
    )
    assert millions(128_049_152) == "128.0 M" and millions(1_582_671_872, 2) == "1,582.67 M"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], [("b", "c")]), r"rows\[0\] must have 1 cells"),
        ((["a"], [], "lr"), "align must have 1 cells"),
    ],
)
def test_a_row_of_another_length_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Table("x", *arguments)
