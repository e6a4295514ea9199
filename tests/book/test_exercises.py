"""In the built chapters every solution is accepted by the package, and no starter is."""

import itertools
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))
MARKS = {"✓": "correct", "✗": "wrong", "?": "unclear"}


def tagged(chapter: str, tag: str) -> list[list[Tag]]:
    """Return the code cells with a tag from the built page, neighbours together."""
    page = ROOT / "_build" / "html" / "chapters" / f"{chapter}.html"
    assert page.exists(), f"{page} is missing; run make book"
    cells = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select("article div.cell")
    groups = itertools.groupby(cells, key=lambda cell: f"tag_{tag}" in cell["class"])
    return [list(group) for has_tag, group in groups if has_tag]


def verdicts(cells: list[Tag]) -> list[str]:
    """Return the verdicts that the cells' outputs show: `correct`, `wrong` or `unclear`."""
    outputs = [output for cell in cells for output in cell.select(".cell_output")]
    lines = [line.strip() for output in outputs for line in output.get_text().splitlines()]
    return [MARKS[line[0]] for line in lines if line and line[0] in MARKS]


def source(cells: list[Tag]) -> str:
    return cells[-1].select_one(".cell_input").get_text()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_solution_is_accepted(chapter):
    solutions = tagged(chapter, "solution")
    assert len(solutions) >= 6
    for cells in solutions:
        found = verdicts(cells)
        assert found and set(found) == {"correct"}, (found, source(cells))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_starter_is_accepted(chapter):
    starters = tagged(chapter, "starter")
    assert starters
    for cells in starters:
        found = verdicts(cells)
        assert found and "correct" not in found, (found, source(cells))
