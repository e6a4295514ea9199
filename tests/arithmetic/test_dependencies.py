"""requirements.txt holds what the book uses, each with its reason, what those need, and nothing else."""

import ast
import functools
import re
import sys
import tomllib
from importlib import metadata

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import pins

pytestmark = pytest.mark.slow

OWN = {"inception_lessons", "tools", "tests", "benchmarks"}
FOLDERS = ("inception_lessons", "book/_ext", "tools", "tests", "benchmarks")
COMMANDS = (
    "Makefile",
    ".pre-commit-config.yaml",
    ".ci/run",
    "tools/*.py",
    "tests/*/*.py",
    ".github/workflows/*.yml",
)
# What is used without being imported, called or listed as an extension: where, and the words that use it.
OTHERWISE = {
    "pytest-xdist": ("tools/layers.py", '"-n2"'),
    "nbval": ("tools/layers.py", '"--nbval-lax"'),
    "ipykernel": ("tools/notebook_text.py", '"name": "python3"'),
    "setuptools": ("pyproject.toml", 'build-backend = "setuptools.build_meta"'),
}


@pytest.fixture(scope="module")
def pinned(root):
    """The pins of the first sections, and those of the last."""
    return pins.read((root / "requirements.txt").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def direct(pinned):
    """The normalised names of the first sections."""
    return [str(canonicalize_name(pin.name)) for pin in pinned[0]]


def imported(source: str) -> set[str]:
    """The top-level modules that Python code imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {part.value for part in node.args if isinstance(part, ast.Constant)}
    return {name.split(".")[0] for name in names}


@functools.cache
def imported_by_notebook(path) -> set[str]:
    """The top-level modules that a notebook's code cells import."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return set().union(*(imported(TransformerManager().transform_cell(source)) for source in cells))


@pytest.fixture(scope="module")
def modules_used(root) -> dict[str, str]:
    """Every module from elsewhere that is imported by code, by a notebook or as an extension: where first."""
    extensions = root / "book" / "_ext"
    own = OWN | {path.stem for path in extensions.glob("*.py")} | set(sys.stdlib_module_names)
    found = {}
    for path in [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]:
        for name in imported(path.read_text(encoding="utf-8")) - own:
            found.setdefault(name, path.name)
    for path in sorted((root / "chapters").glob("*.ipynb")):
        for name in imported_by_notebook(path) - own:
            found.setdefault(name, path.name)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    for name in config["sphinx"]["config"]["extensions"]:
        top = ".".join(name.split(".")[: 2 if name.startswith("sphinxcontrib.") else 1])
        if top not in own:
            found.setdefault(top, "_config.yml")
    return found


installed = functools.cache(metadata.packages_distributions)


def distribution_of(module: str) -> str:
    """The distribution that installs a module; for a namespace such as sphinxcontrib.x, of that part."""
    if "." in module:
        return module.replace(".", "-")
    names = installed().get(module)
    assert names, f"the module {module} is not installed; run make env"
    return str(canonicalize_name(names[0]))


def commands(root) -> set[str]:
    """The modules that are run as commands: python -m NAME, in make, in the hooks and in the tools."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for pattern in COMMANDS for path in sorted(root.glob(pattern))
    )
    return set(re.findall(r"""-m(?:",)?\s+"?([A-Za-z_]\w*)""", text))


@functools.cache
def requires(name: str) -> list[str]:
    """What an installed distribution requires; nothing where it is not installed."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def test_what_is_imported_stands_in_the_first_sections(modules_used, direct):
    used = {distribution_of(name): f"{name} in {place}" for name, place in modules_used.items()}
    assert len(used) > 20
    assert {name: use for name, use in used.items() if name not in direct} == {}


def test_what_stands_in_the_first_sections_is_used(root, modules_used, direct):
    used = {distribution_of(name) for name in modules_used}
    used |= {distribution_of(name) for name in commands(root) if name in installed()}
    for name, (place, words) in OTHERWISE.items():
        assert words in (root / place).read_text(encoding="utf-8"), f"{name} is not used in {place} any more"
        assert name not in used, f"{name} needs no exception"
    assert [name for name in direct if name not in used | set(OTHERWISE)] == []


def test_the_last_section_is_what_the_first_ones_need(pinned, direct):
    """By the metadata of what is installed: no pin too many, none missing, each with the right marker."""
    users = pins.systems_that_need(direct, requires)
    stands = {str(canonicalize_name(pin.name)): pin.marker for pin in pinned[1]}
    wanted = {name: pins.marker_for(systems) for name, systems in users.items() if name not in direct}
    assert stands == {name: marker for name, marker in wanted.items() if marker is not None}


def test_each_part_is_in_order_and_nothing_is_pinned_twice(pinned, direct):
    derived = [canonicalize_name(pin.name) for pin in pinned[1]]
    assert derived == sorted(derived)
    assert len({*direct, *derived}) == len(direct) + len(derived)


def test_contributing_gives_each_its_reason_in_one_line(root, pinned):
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## What the book stands on\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (\S[^|]{9,}) \|$", section, re.MULTILINE)
    assert [name for name, _ in rows] == [pin.name for pin in pinned[0]]
    assert len({reason for _, reason in rows}) == len(rows)


def test_the_packages_own_requirements_are_pinned_and_are_what_it_imports(root, direct):
    """pyproject.toml, which Colab installs from, names what package and chapters import, and no more."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheel = [str(canonicalize_name(Requirement(need).name)) for need in project["dependencies"]]
    assert set(wheel) <= set(direct)
    sources = (root / "inception_lessons").rglob("*.py")
    modules = set().union(*(imported(path.read_text(encoding="utf-8")) for path in sources))
    modules |= set().union(*(imported_by_notebook(path) for path in (root / "chapters").glob("*.ipynb")))
    used = {distribution_of(name) for name in modules - OWN - set(sys.stdlib_module_names)}
    brought = set().union(*(pins.needed([name], requires, pins.SYSTEMS[0], "3.11") for name in wheel))
    assert used <= brought
    assert [name for name in wheel if name not in used] == []
