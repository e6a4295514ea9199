"""Which notebooks stopped a build: a line for each, out of the long reports that the build leaves."""

import json
import re
from pathlib import Path

ANSI = re.compile(r"\x1b\[[0-9;]*m")
RULE = "-" * 18
"""What nbclient draws above and below the source of the cell that failed."""


def failures(reports: Path, root: Path) -> list[str]:
    """One line for each notebook that failed: its path from `root`, the cell, the error."""
    found = []
    for report in sorted(reports.rglob("*.err.log")):
        name = report.relative_to(reports).as_posix().removesuffix(".err.log") + ".ipynb"
        text = ANSI.sub("", report.read_text(encoding="utf-8"))
        found.append(f"{name}{cell(text, root / name)}: {error(text)}")
    return found


def cell(report: str, notebook: Path) -> str:
    """Which code cell failed, with its first line; nothing where the report has none: a kernel died."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(one["source"]).strip() for one in cells if one["cell_type"] == "code"]
    for number, source in enumerate(sources, 1):
        if f"{RULE}\n{source}\n{RULE}" in report:
            return f", code cell {number} of {len(sources)} ({source.partition(chr(10))[0]})"
    return ""


def error(report: str) -> str:
    """The first line of the error that ended the notebook."""
    lines = report.rstrip().splitlines()
    kind = re.search(r"^-{40,}\n(\w+) +Traceback", report, re.MULTILINE)
    if kind:
        return [line for line in lines if re.match(rf"{kind[1]}\b", line)][-1]
    outer = [line for line in lines if line.startswith("nbclient.exceptions.CellTimeoutError: ")]
    return (outer or lines)[-1]
