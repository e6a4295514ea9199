"""What enters git: clean notebooks, one address, a package with all its files, a complete _toc.yml; and the
buttons that lead from the pages back to it."""

import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from tools import lowest, repository


def notebooks(root):
    """Every chapter, by path."""
    found = sorted((root / "chapters").glob("*.ipynb"))
    assert found, "there is no notebook in chapters/"
    return found


def test_notebooks_carry_no_results(root):
    wrong = []
    for path in notebooks(root):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        if set(notebook.metadata) - {"kernelspec", "language_info", "jupytext"}:
            wrong.append(f"{path.name}: metadata {sorted(notebook.metadata)}")
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
                wrong.append(f"{path.name}: cell {number} has outputs")
    assert wrong == []


def test_every_cell_has_an_id_of_its_own(root):
    for path in notebooks(root):
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        ids = [cell.get("id") for cell in raw["cells"]]
        assert all(ids) and len(set(ids)) == len(ids), path.name
        assert (raw["nbformat"], raw["nbformat_minor"]) >= (4, 5), path.name


def test_the_first_code_cell_installs_the_package_where_it_is_missing(root):
    """On Colab that cell must be enough, and where the package is installed it must do nothing."""
    for path in notebooks(root):
        cells = nbformat.read(path, as_version=4).cells
        first = next(cell.source for cell in cells if cell.cell_type == "code")
        assert f"git+{repository.configured(root)}" in first, (
            f"{path.name}: the first code cell does not install the package"
        )
        assert re.search(r"except (ModuleNotFoundError|ImportError)|find_spec", first), path.name


def test_every_file_says_the_configured_address(root):
    assert repository.check(root) == []


def test_the_address_stands_where_it_is_needed(root):
    carrying = {
        path.name
        for path in repository.carriers(root)
        if repository.addresses(path.read_text(encoding="utf-8"))
    }
    assert {"README.md", "CITATION.cff", "pyproject.toml"} <= carrying
    assert {path.name for path in notebooks(root)} <= carrying


def buttons(page) -> dict[str, str]:
    """The addresses behind the buttons above a page, by the words on them."""
    links = page.select(".bd-header-article a[href]")
    return {link.get_text(" ", strip=True): link["href"] for link in links}


def test_each_chapter_has_its_buttons_for_colab_and_binder_and_its_notebook(root, html):
    owner_and_name = repository.configured(root).removeprefix(repository.GITHUB)
    branch = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["branch"]
    for path in notebooks(root):
        page = html / "chapters" / f"{path.stem}.html"
        found = buttons(BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser"))
        place = f"chapters/{path.name}"
        colab = f"https://colab.research.google.com/github/{owner_and_name}/blob/{branch}/{place}"
        binder = f"https://mybinder.org/v2/gh/{owner_and_name}/{branch}?urlpath=lab/tree/{place}"
        assert (found["Colab"], found["Binder"]) == (colab, binder)
        assert (page.parent / found[".ipynb"]).read_bytes() == path.read_bytes()


def test_no_page_leads_to_another_copy_of_the_repository(root, html):
    named = {
        address for page in html.rglob("*.html") for address in repository.addresses(page.read_text("utf-8"))
    }
    assert named == {repository.configured(root)}


def test_every_page_of_the_contents_exists_and_every_chapter_is_in_it(root):
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    named = {contents["root"]} | {page["file"] for part in contents["parts"] for page in part["chapters"]}
    missing = [
        name for name in named if not any((root / f"{name}{ending}").exists() for ending in (".md", ".ipynb"))
    ]
    assert missing == []
    assert {f"chapters/{path.stem}" for path in notebooks(root)} <= named


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package's wheel, built from a copy so that nothing is left in the working tree."""
    from tests.conftest import ROOT

    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        ROOT / "inception_lessons", copy / "inception_lessons", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(copy),
        str(copy),
    ]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    return zipfile.ZipFile(next(copy.glob("*.whl")))


def test_the_wheel_carries_every_file_of_the_package(root, wheel):
    """The widgets' scripts, the bundled images and the exercises are files beside the modules."""
    here = {
        path.relative_to(root).as_posix()
        for path in (root / "inception_lessons").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".DS_Store"
    }
    assert here - set(wheel.namelist()) == set()
    assert not [
        name for name in wheel.namelist() if "__pycache__" in name or name.startswith(("tests", "tools"))
    ]


def test_installing_the_package_moves_no_torch(wheel):
    metadata = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("METADATA"))
    needs = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    assert sorted(needs) == sorted(f"{name}>={version}" for name, version in lowest.floors().items())
