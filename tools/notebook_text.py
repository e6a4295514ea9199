"""Edit a chapter as text: notebook to MyST Markdown and back, cell ids kept, outputs and widget metadata
left out.

    python tools/notebook_text.py to-text chapters/05_googlenet.ipynb draft.md
    python tools/notebook_text.py to-notebook draft.md chapters/05_googlenet.ipynb

Going back, a cell keeps the id it had in the existing notebook: an unchanged cell by its text, a changed one
by its
place between unchanged ones. A new cell gets an id made from its text, so that converting twice changes
nothing.
"""

import argparse
import difflib
import hashlib
import os
from pathlib import Path

import jupytext
import nbformat

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def keep_ids(cells: list, previous: list) -> None:
    """Give each of `cells` the id of the cell of `previous` that it continues, or a new one made from its
    text."""
    old, new = [cell.source for cell in previous], [cell.source for cell in cells]
    ids: dict[int, str] = {}
    for tag, a, a_end, b, b_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and a_end - a == b_end - b):
            ids |= {b + offset: previous[a + offset].id for offset in range(b_end - b)}
    taken = set(ids.values())
    for position, cell in enumerate(cells):
        salt = 0
        while position not in ids:
            candidate = hashlib.sha256(f"{salt}{cell.cell_type}{cell.source}".encode()).hexdigest()[:8]
            if candidate not in taken:
                ids[position] = candidate
                taken.add(candidate)
            salt += 1
        cell.id = ids[position]


def to_notebook(text: Path, notebook: Path) -> None:
    """Write the notebook that `text` describes, keeping the ids of an existing `notebook`."""
    result = jupytext.read(text, fmt="md:myst")
    previous = nbformat.read(notebook, as_version=4).cells if notebook.exists() else []
    result.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    result.nbformat, result.nbformat_minor = 4, 5
    keep_ids(result.cells, previous)
    nbformat.validate(result)
    write(notebook, nbformat.writes(result) + "\n")


def to_text(notebook: Path, text: Path) -> None:
    """Write `notebook` as MyST Markdown without outputs."""
    write(text, jupytext.writes(nbformat.read(notebook, as_version=4), fmt="md:myst"))


def write(path: Path, content: str) -> None:
    """Replace `path` at once, so that an interrupted run leaves the old file whole."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(content, encoding="utf-8")
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("direction", choices=("to-text", "to-notebook"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    {"to-text": to_text, "to-notebook": to_notebook}[arguments.direction](arguments.source, arguments.target)


if __name__ == "__main__":
    main()
