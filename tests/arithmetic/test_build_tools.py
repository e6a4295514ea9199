"""The tools around the build: what executes again, the summary of the layers."""

import sys

import nbformat
import pytest
from jupyter_cache import get_cache

from tools import book, layers
from tools.kept_executions import Executions


@pytest.fixture
def repository(tmp_path):
    """A small repository: what decides results, and what does not."""
    texts = {
        "README.md": "words\n",
        "inception_lessons/costs.py": "x = 1\n",
        "inception_lessons/runs/one.json": "{}",
        "requirements.txt": "a==1\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["inception_lessons/costs.py", "inception_lessons/runs/one.json", "requirements.txt"]
)
def test_what_decides_results_changes_the_fingerprint(repository, name):
    before = book.fingerprint(repository, book.DECIDES_RESULTS)
    (repository / "README.md").write_text("not part of it")
    byte_code = repository / "inception_lessons" / "__pycache__"
    byte_code.mkdir()
    (byte_code / "costs.pyc").write_text("nor this")
    assert book.fingerprint(repository, book.DECIDES_RESULTS) == before
    (repository / name).write_text("changed\n")
    assert book.fingerprint(repository, book.DECIDES_RESULTS) != before


def test_a_new_file_and_a_new_name_change_the_fingerprint(repository):
    seen = {book.fingerprint(repository, book.DECIDES_RESULTS)}
    new = repository / "inception_lessons" / "new.py"
    new.touch()
    seen.add(book.fingerprint(repository, book.DECIDES_RESULTS))
    new.rename(new.with_name("newer.py"))
    seen.add(book.fingerprint(repository, book.DECIDES_RESULTS))
    assert len(seen) == 3


@pytest.fixture
def built(tmp_path):
    """A build folder after a build that finished with the fingerprints R and P."""
    for folder in (".jupyter_cache", ".doctrees", "html"):
        (tmp_path / folder).mkdir()
    book.record(tmp_path / ".results", "R")
    book.record(tmp_path / ".pages", "P")
    return tmp_path


def kept(build):
    """Which of the cache, Sphinx's state and the pages still stand."""
    return [name for name in (".jupyter_cache", ".doctrees", "html") if (build / name).exists()]


def test_an_unchanged_book_keeps_everything(built):
    assert book.drop_other(built, "R", "P") == []
    assert kept(built) == [".jupyter_cache", ".doctrees", "html"]


def test_a_change_in_the_package_drops_every_result(built):
    assert "every notebook executes" in book.drop_other(built, "R2", "P")[0]
    assert kept(built) == []


def test_a_change_in_the_settings_keeps_the_results(built):
    assert book.drop_other(built, "R", "P2") == []
    assert kept(built) == [".jupyter_cache"]


def test_a_failed_build_is_not_forgotten(built):
    """Sphinx pickles its state before it counts the warnings, so the next build would pass in silence."""
    book.record(built / ".unfinished", "")
    assert "did not finish" in book.drop_other(built, "R", "P")[0]
    assert kept(built) == [".jupyter_cache"]


def test_layers_run_on_after_a_failure_and_the_last_line_counts(capfd):
    script = (sys.executable, "-c")
    outcomes = layers.run(
        [
            layers.Layer("one", (*script, "pass")),
            layers.Layer("two", (*script, "raise SystemExit(3)")),
            layers.Layer("three", (*script, "raise SystemExit(0)"), needs=("two",)),
            layers.Layer("four", (*script, "import os; assert os.environ['A'] == 'b'"), environ={"A": "b"}),
        ]
    )
    assert [outcome.verdict for outcome in outcomes] == ["passed", "failed", "not run", "passed"]
    assert layers.summary(outcomes).splitlines()[-1] == "layers: 2 passed, 2 failed"
    assert "3. three: not run, because it needs: two" in capfd.readouterr().out


@pytest.fixture
def two_notebooks(tmp_path, monkeypatch):
    """Two notebooks in a small repository with a build folder of its own."""
    (tmp_path / "inception_lessons").mkdir()
    (tmp_path / "inception_lessons" / "any.py").write_text("")
    for name, value in (
        ("ROOT", tmp_path),
        ("BUILD", tmp_path / "b"),
        ("CACHE", tmp_path / "b" / ".jupyter_cache"),
    ):
        monkeypatch.setattr(book, name, value)
    monkeypatch.setattr(book, "DECIDES_RESULTS", ("inception_lessons",))
    monkeypatch.setattr(book, "DECIDES_PAGES", ())
    cells = [
        nbformat.v4.new_code_cell("1 + 1"),
        nbformat.v4.new_markdown_cell("text"),
        nbformat.v4.new_code_cell("print(3)"),
    ]
    paths = [tmp_path / "whole.ipynb", tmp_path / "broken.ipynb"]
    for number, path in enumerate(paths):
        nbformat.write(
            nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell(f"x = {number}")]), path
        )
    return paths


OUTPUTS = (
    [{"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}}],
    [{"output_type": "stream", "name": "stdout", "text": "3\n"}],
    [],
)


def test_what_nbval_executed_is_found_by_the_build_and_a_broken_notebook_is_not(two_notebooks):
    whole, broken = two_notebooks
    executions = Executions()
    for path in two_notebooks:
        for number, outputs in enumerate(OUTPUTS):
            executions.note(path, outputs, 0.5, passed=path is whole or number < 2)
    assert executions.keep() == [whole]
    cache = get_cache(book.CACHE)
    _, merged = cache.merge_match_into_notebook(nbformat.read(whole, 4))
    assert [cell.outputs for cell in merged.cells if cell.cell_type == "code"][1][0].text == "3\n"
    with pytest.raises(KeyError):
        cache.match_cache_notebook(nbformat.read(broken, 4))


def test_nothing_is_kept_of_a_notebook_that_lacks_cells_or_of_a_package_that_changed(two_notebooks):
    whole, broken = two_notebooks
    executions = Executions()
    executions.note(whole, [], 1, passed=True)
    assert executions.keep() == []
    for outputs in OUTPUTS:
        executions.note(broken, outputs, 1, passed=True)
    (book.ROOT / "inception_lessons" / "any.py").write_text("changed = True")
    assert executions.keep() == [] and not book.CACHE.exists()
