"""A chapter that was downloaded alone, on a machine that already has PyTorch: Colab, Binder, a class machine.

Its first cell installs the package from the repository, and nothing that is there changes its version. The
environments here are fresh. What a hosted notebook has is linked into them from the environment of the tests
(pip and Python see it like any installed package), and the package comes from a git repository on this disk.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import warnings
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

from tests.conftest import ROOT
from tools import lowest, repository
from tools.environment import SUITABLE

pytestmark = pytest.mark.slow

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PACKAGES = Path(sysconfig.get_path("purelib"))
OURS = ("inception_lessons", "__editable__")
TORCH = ("torch", "torchvision")
INSTALLED = """
import json
from importlib import metadata
print(json.dumps({d.metadata["Name"]: d.version for d in reversed(list(metadata.distributions()))}))
"""
NOT_HOSTED = (*OURS, "anywidget", "psygnal", "torchinfo")
"""How the files of those packages begin that hosted notebooks do not bring: ours, and what it adds."""
SECONDS = 10
"""Of processor time for the cell, and of the clock on a machine with nothing else to do."""
CHEAPEST = ROOT / "chapters" / "01_what_a_convolution_costs.ipynb"
"""The chapter that takes least time, and uses every dependency."""
posix = pytest.mark.skipif(os.name == "nt", reason="links and processor times are those of POSIX")
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def install_cell(path: Path) -> str:
    """The first code cell of a chapter."""
    return code_cells(path)[0]


# What stands in the chapters


def test_every_chapter_has_the_same_install_cell():
    assert len({install_cell(path) for path in CHAPTERS}) == 1
    assert repository.addresses(install_cell(CHAPTERS[0])) == {repository.configured()}


def parsed(path: Path) -> list[ast.Module]:
    """The code cells without their magics."""
    return [ast.parse(re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)) for source in code_cells(path)]


def imported(path: Path) -> set[str]:
    """The top-level names that a chapter imports."""
    names = set()
    for node in (node for tree in parsed(path) for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names


def dependencies() -> set[str]:
    """What installing the package brings; every one is imported by its own name."""
    return set(lowest.floors())


@every_chapter
def test_a_chapter_imports_only_what_is_installed_with_the_package(path):
    assert imported(path) - set(sys.stdlib_module_names) - dependencies() <= {"inception_lessons", "IPython"}


def test_the_package_imports_only_what_is_installed_with_it():
    names = set()
    for file in (ROOT / "inception_lessons").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    # traitlets and IPython come with ipywidgets.
    known = {"inception_lessons", "traitlets", "IPython", *sys.stdlib_module_names, *dependencies()}
    assert names - known == set()


@every_chapter
def test_a_chapter_reads_no_file_of_the_repository(path):
    """No string names a file beside it or in the repository; nothing is opened, or linked as a picture."""
    wrong = []
    for node in (node for tree in parsed(path) for node in ast.walk(tree)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = re.fullmatch(r"[^\s\0/][^\s\0]*/[^\s\0]*", node.value)
            if named and any((folder / named[0]).exists() for folder in (ROOT, path.parent)):
                wrong.append(named[0])
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("open", "Path", "chdir"):
            wrong.append(ast.unparse(node))
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    linked = r"!\[[^\]]*\]\((?!https:|data:|attachment:)|<img|\{(?:image|figure|include|literalinclude)\}"
    assert wrong + [found for text in texts for found in re.findall(linked, text)] == []


# An environment like a hosted notebook's, and the package from a repository on this disk


class Environment(NamedTuple):
    """A virtual environment, and an empty folder beside it where the reader's notebook lies."""

    python: Path
    folder: Path
    environ: dict[str, str]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess:
        command = (str(self.python), *map(str, arguments))
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )

    def versions(self) -> dict[str, str]:
        """What is installed, by name: what `import` and pip find first."""
        done = self.run("-c", INSTALLED)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def environment(place: Path, lacks: tuple[str, ...], extra: dict[str, str] | None = None) -> Environment:
    """A fresh environment with the packages of this one, but those whose files begin with one of `lacks`."""
    layer, folder = place / "hosted", place / "empty folder"
    layer.mkdir(parents=True)
    folder.mkdir()
    for entry in PACKAGES.iterdir():
        if not re.sub(r"[-.]", "_", entry.name.lower()).startswith(lacks):
            (layer / entry.name).symlink_to(entry)
    venv.create(place / "venv", with_pip=False)
    python = place / "venv" / "bin" / "python"
    (next((place / "venv").glob("lib/python*/site-packages")) / "hosted.pth").write_text(f"{layer}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TQDM"))}
    own = {"IPYTHONDIR": str(place / "ipython"), "OMP_NUM_THREADS": "1", "JUPYTER_PLATFORM_DIRS": "1"}
    return Environment(python, folder, kept | own | (extra or {}))


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> str:
    """The address of a git repository with the package as it stands here."""
    folder = tmp_path_factory.mktemp("origin")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "inception_lessons",
        folder / "inception_lessons",
        ignore=shutil.ignore_patterns("__pycache__", "*.partial.json"),
    )
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "All")):
        subprocess.run((*git, *command), cwd=folder, check=True, capture_output=True)
    return folder.as_uri()


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> bool:
    """Whether no package index answers."""
    pip = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--retries",
        "1",
        "--timeout",
        "15",
    )
    target = tmp_path_factory.mktemp("probe")
    probe = subprocess.run((*pip, "--dest", str(target), "torchinfo"), capture_output=True, check=False)
    return probe.returncode != 0


def run_install_cell(env: Environment, origin: str) -> float:
    """Runs the chapters' first cell there, as a notebook would; returns its seconds of processor time."""
    cell = env.folder.parent / "cell.ipy"
    cell.write_text(install_cell(CHEAPEST).replace(repository.configured(), origin), encoding="utf-8")
    before = os.times()
    done = env.run("-m", "IPython", "--no-banner", cell)
    after = os.times()
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    spent = (after.children_user - before.children_user, after.children_system - before.children_system)
    return sum(spent)


def check_only_added(before: dict[str, str], after: dict[str, str], added: set[str]) -> None:
    """Fails unless every version is as it was, and only these packages were added."""
    assert {name: after.get(name) for name in before} == before
    assert after.keys() - before.keys() == added


@posix
def test_the_first_cell_installs_the_package_once_and_moves_nothing(tmp_path, origin, offline):
    """With the newest versions, those of requirements.txt."""
    lacks, extra, added = NOT_HOSTED, {}, {"inception-lessons", "anywidget", "psygnal", "torchinfo"}
    if offline:
        warnings.warn("No package index: new dependencies are there before, no build isolation", stacklevel=1)
        lacks, extra = OURS, {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        added = {"inception-lessons"}
    env = environment(tmp_path, lacks, extra)
    before = env.versions()
    assert {"torch", "torchvision", "numpy", "matplotlib", "ipywidgets"} <= before.keys()
    seconds = run_install_cell(env, origin)
    after = env.versions()
    check_only_added(before, after, added)
    assert seconds < SECONDS
    log = tmp_path / "pip.log"
    watched = env._replace(environ=env.environ | {"PIP_LOG": str(log)})
    run_install_cell(watched, origin)
    assert not log.exists(), "the cell called pip although the package is there"
    assert env.versions() == after
    watched.run("-m", "pip", "list")
    assert log.exists(), "the log does not tell whether pip was called"


@posix
def test_a_chapter_runs_as_downloaded_with_the_lowest_versions(tmp_path, origin, offline):
    """PyTorch is the one of this environment here; `make lowest` has its lowest version, too.

    A single file in an empty folder, and the installed package.
    """
    if offline:
        pytest.skip("the lowest versions come from the package index, and none answers")
    if sys.version_info[:2] != SUITABLE[0]:
        pytest.skip("the lowest versions have wheels for Python {}.{} only".format(*SUITABLE[0]))
    light = {name: version for name, version in lowest.floors().items() if name not in TORCH}
    env = environment(tmp_path, (*NOT_HOSTED, *light), {"PIP_NO_BUILD_ISOLATION": "0"})  # to save time
    wanted = [f"{name}=={version}" for name, version in light.items()]
    done = env.run("-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:", *wanted)
    assert done.returncode == 0, done.stderr
    before = env.versions()
    run_install_cell(env, origin)
    check_only_added(before, env.versions(), {"inception-lessons"})
    shutil.copy(CHEAPEST, env.folder)
    done = env.run("-c", "from nbclient.cli import main; main()", "--timeout=300", CHEAPEST.name)
    assert done.returncode == 0, done.stderr[-4000:]
    assert [path.name for path in env.folder.iterdir()] == [CHEAPEST.name]
    place = env.run("-c", "import inception_lessons as package; print(package.__file__)").stdout
    assert Path(place).is_relative_to(tmp_path / "venv")
