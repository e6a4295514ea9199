"""A pytest plugin that keeps what nbval executed, so that the book's build does not execute it again:

    python -m pytest --nbval-lax -p tools.kept_executions chapters

With pytest-xdist (`-n2 --dist loadfile`) each worker keeps what it executed, one worker after the other.

A notebook whose cells all passed goes with its outputs into Jupyter Book's cache, under the same conditions
as one that the build executed itself: see `tools/book.py`.
"""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from tools import book

_STATE = pytest.StashKey["Executions"]()
_KEPT = pytest.StashKey[int]()


class Executions:
    """The cells that have passed, by notebook: each cell's outputs and seconds, in order."""

    def __init__(self) -> None:
        self.results = book.fingerprint(book.ROOT, book.DECIDES_RESULTS)
        self.passed: dict[Path, list[tuple[list, float]]] = {}
        self.failed: set[Path] = set()

    def note(self, path: Path, outputs: list, seconds: float, passed: bool) -> None:
        """Remember what became of the next code cell of the notebook at `path`."""
        self.passed.setdefault(path, []).append((outputs, seconds))
        if not passed:
            self.failed.add(path)

    def keep(self) -> list[Path]:
        """Put the whole notebooks into the cache; returns them. Nothing, if the package changed meanwhile."""
        if not self.passed or book.fingerprint(book.ROOT, book.DECIDES_RESULTS) != self.results:
            return []
        book.drop_what_is_stale()
        cache = get_cache(book.CACHE)
        kept = []
        for path, cells in self.passed.items():
            notebook = nbformat.read(path, as_version=4)
            if path in self.failed or not filled(notebook, [outputs for outputs, _ in cells]):
                continue
            seconds = sum(seconds for _, seconds in cells)
            bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            kept.append(path)
        book.seal_executions()
        return kept


def filled(notebook: nbformat.NotebookNode, outputs: list[list]) -> bool:
    """Give the code cells their outputs; returns whether there is a list of outputs for each of them."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if len(cells) != len(outputs):
        return False
    for number, (cell, found) in enumerate(zip(cells, outputs, strict=True), 1):
        cell.execution_count = number
        cell.outputs = [nbformat.from_dict(dict(output)) for output in found]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    nbformat.validate(notebook)
    return True


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_STATE] = Executions()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> object:
    report = yield
    if call.when == "call" and hasattr(item, "test_outputs"):
        item.config.stash[_STATE].note(item.path, item.test_outputs or [], call.duration, report.passed)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    book.BUILD.mkdir(parents=True, exist_ok=True)
    with FileLock(book.BUILD / ".executions.lock"):
        kept = len(session.config.stash[_STATE].keep())
    session.config.stash[_KEPT] = session.config.stash.get(_KEPT, 0) + kept
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["kept"] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Called where the workers are started, when one has ended."""
    config = node.config
    config.stash[_KEPT] = config.stash.get(_KEPT, 0) + getattr(node, "workeroutput", {}).get("kept", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"kept for the book's build: {config.stash[_KEPT]} executed notebooks")
