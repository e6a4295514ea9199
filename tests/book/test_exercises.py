"""In the executed chapters every solution is accepted by the package, and no starter is."""

import itertools
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


def tagged(chapter: Path, tag: str) -> list[list[dict]]:
    """Return the code cells with a tag, neighbours together, as the book's build executed the chapter."""
    executed = ROOT / "_build" / "jupyter_execute" / "chapters" / chapter.name
    assert executed.exists(), f"{executed} is missing; run make book"
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    groups = itertools.groupby(cells, key=lambda cell: tag in cell["metadata"].get("tags", []))
    return [list(group) for has_tag, group in groups if has_tag]


def verdicts(cells: list[dict]) -> list[str]:
    """Return the verdicts that the cells' outputs show: `correct`, `wrong` or `unclear`."""
    marks = {"✓": "correct", "✗": "wrong", "?": "unclear"}
    texts = []
    for output in itertools.chain.from_iterable(cell["outputs"] for cell in cells):
        shown = "".join(output.get("text") or output.get("data", {}).get("text/html", ""))
        texts += re.sub(r"<[^>]+>", "", shown).splitlines()
    return [marks[text[0]] for text in texts if text and text[0] in marks]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_solution_is_accepted(chapter):
    solutions = tagged(chapter, "solution")
    assert len(solutions) >= 6
    for cells in solutions:
        found = verdicts(cells)
        assert found and set(found) == {"correct"}, (found, "".join(cells[-1]["source"]))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_no_starter_is_accepted(chapter):
    starters = tagged(chapter, "starter")
    assert starters
    for cells in starters:
        found = verdicts(cells)
        assert found and "correct" not in found, (found, "".join(cells[-1]["source"]))
