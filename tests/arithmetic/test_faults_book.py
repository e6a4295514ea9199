"""The book's build, in a small book of two notebooks: killed, with a damaged cache, with a clock that moved,
with a notebook that fails.
"""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

import nbformat
import pytest
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import book, executions, failed_notebooks

pytestmark = pytest.mark.slow

ONCE = "open('log', 'a').write('{0}\\n')\nprint('result of {0}:', 6 * 7)"
WAITS = """
import time
from pathlib import Path
Path("started").touch()
while not Path("go").exists():
    time.sleep(0.05)
"""


class SmallBook:
    """A folder with the book's own build, its settings for execution, and two notebooks."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.build, self.chapters = folder, folder / "_build", folder / "chapters"
        shutil.copytree(root / "tools", folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("book", "chapters", "inception_lessons"):
            (folder / name).mkdir()
        (folder / "inception_lessons" / "__init__.py").touch()
        (folder / "requirements.txt").write_text("none\n")
        (folder / "book" / "index.md").write_text("# Small\n")
        settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        chosen = {key: settings[key] for key in ("only_build_toc_files", "exclude_patterns", "execute")}
        (folder / "_config.yml").write_text(yaml.safe_dump(chosen))
        names = ("chapters/first", "chapters/second")
        contents = {"format": "jb-book", "root": "book/index", "chapters": [{"file": name} for name in names]}
        (folder / "_toc.yml").write_text(yaml.safe_dump(contents))
        self.write("first", ONCE.format("first"))
        self.write("second", ONCE.format("second"))

    def write(self, name: str, *cells: str, title: str = "") -> Path:
        """Write the notebook `name` with these code cells."""
        path = self.chapters / f"{name}.ipynb"
        sources = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        heading = nbformat.v4.new_markdown_cell(f"# {title or name}")
        nbformat.write(nbformat.v4.new_notebook(cells=[heading, *sources], metadata=kernel), path)
        return path

    def start(self) -> subprocess.Popen:
        """Start `make book`, as a group of processes of its own."""
        command = [sys.executable, "-m", "tools.book"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **pipes)

    def make(self) -> subprocess.CompletedProcess:
        """Build the book."""
        process = self.start()
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def page(self, name: str) -> str:
        return (self.build / "html" / "chapters" / f"{name}.html").read_text(encoding="utf-8")

    def runs_of(self, name: str) -> int:
        """How often the notebook was executed to its end."""
        return (self.chapters / "log").read_text().split().count(name)

    def finished(self) -> bool:
        return not (self.build / ".unfinished").exists()


@pytest.fixture
def small(tmp_path, root) -> SmallBook:
    return SmallBook(tmp_path, root)


def executed_in(done: subprocess.CompletedProcess) -> int:
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"notebooks executed: (\d+)", done.stdout)[1])


def test_a_build_that_was_killed_while_it_executed_goes_on_where_it_was(small):
    small.write("second", WAITS, ONCE.format("second"))
    process = small.start()
    while not (small.chapters / "started").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not small.finished() and not (small.build / "html" / "index.html").exists()
    assert len(book.executed(small.build / ".jupyter_cache")) == 1
    (small.chapters / "go").touch()
    assert executed_in(small.make()) == 1
    assert small.runs_of("first") == 1 and small.finished()
    assert all(f"result of {name}: 42" in small.page(name) for name in ("first", "second"))


def test_neither_a_damaged_cache_nor_a_clock_that_moved_gets_into_the_pages_and_a_failure_is_named(small):
    assert executed_in(small.make()) == 2
    (kept,) = (p for p in small.build.rglob("base.ipynb") if "result of first" in p.read_text())
    kept.write_text(kept.read_text().replace("42", "43"))
    first = small.write("first", ONCE.format("first"), title="Dated in the future")
    second = small.write("second", ONCE.format("second"), title="Dated in the past")
    os.utime(first, (4e9, 4e9))
    os.utime(second, (1e9, 1e9))

    done = small.make()
    assert executed_in(done) == 1
    assert "Note: what was kept of first.ipynb is damaged: it executes again" in done.stdout
    assert "result of first: 42" in small.page("first") and "43" not in kept.read_text()
    assert "Dated in the future" in small.page("first") and "Dated in the past" in small.page("second")
    assert (small.runs_of("first"), small.runs_of("second")) == (2, 1)

    small.write("second", "x = 3", "print(x)\nassert x == 4, 'three is not four'", title="Fails")
    done = small.make()
    assert done.returncode == 1 and not small.finished()
    said = done.stderr[done.stderr.index("The book was not built") :].splitlines()
    assert said[1] == (
        "Failed: chapters/second.ipynb, code cell 2 of 2 (print(x)): AssertionError: three is not four"
    )
    assert "first.ipynb" not in done.stderr


# The cache, as it is found after a kill at the worst moment or on a bad disk


SOURCE = "print(6 * 7)"


@pytest.fixture
def cache(tmp_path):
    """The cache of Jupyter Book with two executions, and their digests."""
    folder = tmp_path / ".jupyter_cache"
    for name in ("good", "bad"):
        output = nbformat.v4.new_output("stream", name="stdout", text="42\n")
        cell = nbformat.v4.new_code_cell(f"{SOURCE}  # {name}", outputs=[output], execution_count=1)
        notebook = nbformat.v4.new_notebook(cells=[cell])
        get_cache(folder).cache_notebook_bundle(CacheBundleIn(notebook, f"chapters/{name}.ipynb"))
    return folder


def notebook(name: str) -> nbformat.NotebookNode:
    """What the build looks up."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"{SOURCE}  # {name}")])


def kept_as(cache: Path, name: str) -> Path:
    key = get_cache(cache).create_hashed_notebook(notebook(name))[1]
    return cache / "executed" / key / "base.ipynb"


def is_found(cache: Path, name: str) -> bool:
    """Whether the build would take the outputs from the cache; an error if it would stop."""
    try:
        get_cache(cache).match_cache_notebook(notebook(name))
    except KeyError:
        return False
    merged = get_cache(cache).merge_match_into_notebook(notebook(name))[1]
    assert merged.cells[0].outputs[0].text == "42\n"
    return True


def no_record(path: Path) -> None:
    with sqlite3.connect(path.parents[2] / "global.db") as connection:
        connection.execute("DELETE FROM nbcache WHERE hashkey = ?", [path.parent.name])
    connection.close()


LEFT_BY_A_KILL = {
    "noted and nothing written": lambda path: shutil.rmtree(path.parent),
    "an empty folder": lambda path: path.unlink(),
    "an empty file": lambda path: path.write_text(""),
    "half a file": lambda path: path.write_text(path.read_text()[: path.stat().st_size // 2]),
    "not noted": no_record,
    "another notebook": lambda path: path.write_text(path.read_text().replace("6 * 7", "6 * 8")),
}


@pytest.mark.parametrize("sealed", [True, False], ids=["after a build", "in the build that was killed"])
@pytest.mark.parametrize("damage", LEFT_BY_A_KILL.values(), ids=LEFT_BY_A_KILL)
def test_what_a_kill_leaves_in_the_cache_is_dropped_and_the_rest_is_kept(cache, damage, sealed):
    digests = executions.digests(cache) if sealed else {}
    damage(kept_as(cache, "bad"))
    expected = [] if damage is no_record else ["what was kept of bad.ipynb is damaged: it executes again"]
    assert executions.mend(cache, digests) == expected
    assert is_found(cache, "good") and not is_found(cache, "bad")
    again = notebook("bad")
    get_cache(cache).cache_notebook_bundle(CacheBundleIn(again, "bad.ipynb"), check_validity=False)
    assert executions.mend(cache, {}) == [] and len(executions.digests(cache)) == 2


@pytest.mark.parametrize("number", range(8))
def test_a_flipped_bit_in_an_output_is_noticed(cache, number):
    digests = executions.digests(cache)
    path = kept_as(cache, "bad")
    content = bytearray(path.read_bytes())
    content[len(content) * number // 8] ^= 1 << number % 8
    path.write_bytes(content)
    assert executions.mend(cache, digests) == ["what was kept of bad.ipynb is damaged: it executes again"]
    assert is_found(cache, "good") and not is_found(cache, "bad")


INDICES = {
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 16),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "without its table": lambda path: sqlite3.connect(path).execute(
        f"DROP TABLE {NbCacheRecord.__tablename__}"
    ),
}


@pytest.mark.parametrize("damage", INDICES.values(), ids=INDICES)
def test_a_damaged_index_costs_every_execution_and_no_build(cache, damage):
    digests = executions.digests(cache)
    damage(cache / "global.db")
    said = executions.mend(cache, digests)
    assert said == ["the index of the executed notebooks is damaged: every notebook executes"]
    assert not is_found(cache, "good") and executions.digests(cache) == {}
    assert executions.mend(cache, {}) == []


def test_a_sound_cache_and_none_are_left_alone(cache, tmp_path):
    before = executions.digests(cache)
    assert executions.mend(cache, before) == executions.mend(cache, {}) == []
    assert executions.digests(cache) == before and len(before) == 2
    assert executions.mend(tmp_path / "none", before) == [] and not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b'{"a": 1}'])
def test_damaged_notes_of_the_last_build_cost_a_build_from_the_sources_and_no_error(tmp_path, content):
    for name in (".results", ".pages", ".sources"):
        (tmp_path / name).write_bytes(content)
    for folder in (".jupyter_cache", ".doctrees", "html"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".doctrees" / "book").mkdir()
    (tmp_path / ".doctrees" / "book" / "index.doctree").touch()
    book.drop_changed_pages(tmp_path, {"book/index.md": "today's"})
    assert not (tmp_path / ".doctrees" / "book" / "index.doctree").exists()
    assert book.drop_other(tmp_path, "R", "P")
    assert not any((tmp_path / folder).exists() for folder in (".jupyter_cache", ".doctrees", "html"))


# The line that names a notebook that failed


CELLS = ("import torch", "x = 3\nassert x == 4", "y = 'last'")
TRACE = (
    "-"
    * 75
    + "\n\x1b[31mValueError\x1b[39m             Traceback (most recent call last)\nCell In[2], line 2\n"
    "----> 2 assert x == 4\n\n{0}"
)


def failed(trace: str) -> CellExecutionError:
    cell = nbformat.v4.new_code_cell(CELLS[1])
    return CellExecutionError.from_cell_and_msg(cell, {"traceback": [trace]})


AT = "chapters/it.ipynb, code cell 2 of 3 (x = 3): "
ENDS = {
    "an error": (failed(TRACE.format("ValueError: too many: 3")), f"{AT}ValueError: too many: 3"),
    "of many lines": (
        failed(TRACE.format("ValueError: not close\n\nGreatest: 3 at (0, 1)\nGreatest relative: inf")),
        f"{AT}ValueError: not close",
    ),
    "without words": (failed(TRACE.format("ValueError: ")), f"{AT}ValueError:"),
    "no Python": (
        failed("  Cell In[2], line 1\n    x = \n       ^\nSyntaxError: nope"),
        f"{AT}SyntaxError: nope",
    ),
    "too slow": (
        CellTimeoutError.error_from_timeout_and_cell("slow", 300, nbformat.v4.new_code_cell(CELLS[1])),
        f"{AT}nbclient.exceptions.CellTimeoutError: A cell timed out while it was being executed, after 300 "
        "seconds.",
    ),
    "out of memory": (
        DeadKernelError("Kernel died"),
        "chapters/it.ipynb: nbclient.exceptions.DeadKernelError: Kernel died",
    ),
}


@pytest.mark.parametrize(("error", "expected"), ENDS.values(), ids=ENDS)
def test_one_line_has_name_cell_and_error(tmp_path, error, expected):
    try:
        raise error
    except Exception:
        text = traceback.format_exc()  # as jupyter-cache writes its report
    (tmp_path / "chapters").mkdir()
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "chapters" / "it.ipynb")
    reports = tmp_path / "reports" / "chapters"
    reports.mkdir(parents=True)
    (reports / "it.err.log").write_text(text, encoding="utf-8")
    assert failed_notebooks.failures(tmp_path / "reports", tmp_path) == [expected]


def test_without_reports_no_notebook_is_named(tmp_path):
    assert failed_notebooks.failures(tmp_path / "reports", tmp_path) == []
