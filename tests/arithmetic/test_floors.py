"""Imports point down only, and importing the package is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "inception_lessons"
GROUND = {"__init__", "_check", "claims", "papers", "costs", "discrepancies", "records", "tables"}
PICTURE = {"plots", "widgets", "exercises"}
TORCH = {"torch", "torchvision", "torchinfo"}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if "static" not in path.parts)


def room(path: Path) -> str:
    """Return the module's room: its top-level name inside the package."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return every dotted name the file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_used(path: Path) -> set[str]:
    own = [name.split(".") for name in imported(path)]
    return {parts[1] for parts in own if parts[0] == "inception_lessons" and len(parts) > 1}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here, names, used = room(path), {name.split(".")[0] for name in imported(path)}, rooms_used(path)
    if here in GROUND:
        assert names - {"inception_lessons"} <= set(sys.stdlib_module_names)
        assert used <= GROUND
    elif here in PICTURE:
        assert not names & TORCH, "the picture side does not import torch"
        assert used <= GROUND | PICTURE
    else:
        assert not used & PICTURE, "the torch side does not import the picture side"
        assert "matplotlib" not in names


@pytest.mark.parametrize("module", ["", ".costs", ".papers", ".discrepancies", ".widgets", ".exercises"])
def test_import_loads_neither_torch_nor_matplotlib(module):
    heavy = "{'torch', 'matplotlib', 'ipywidgets'}"
    code = f"import sys, inception_lessons{module}; print(sorted({heavy} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
