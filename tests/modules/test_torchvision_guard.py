"""The guard around torchvision, against the installed one and imitations of each way it can fail."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each starts an interpreter that imports torch
ROOT = Path(__file__).parents[2]
REPORT = """
from inception_lessons import _torchvision
try:
    package = _torchvision.import_torchvision()
    print(package.__name__, len(_torchvision._declared))
except ImportError as error:
    print("ImportError:", error)
"""


def run(code: str, *folders: Path) -> str:
    """Run code in a fresh interpreter with `folders` first on its path."""
    path = f"import sys; sys.path[:0] = {[*map(str, folders), str(ROOT)]!r}\n"
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imitation(folder: Path, source: str) -> Path:
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "__init__.py").write_text(source)
    return folder


def test_the_installed_torchvision_imports_with_models_transforms_and_datasets():
    code = """
from inception_lessons._torchvision import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
import torch, torchvision.transforms.v2
image = torchvision.transforms.v2.functional.center_crop(torch.zeros(3, 9, 9), [5, 4])
with torch.device("meta"):
    net = torchvision.models.alexnet(weights=None)
weights = sum(p.numel() for p in net.parameters())
print(tuple(image.shape), weights, torchvision.datasets.FashionMNIST.__name__)
"""
    assert run(code) == "(3, 5, 4) 61100840 FashionMNIST"


def test_nothing_is_declared_where_the_operators_load(tmp_path):
    loads = """
import torch
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
    assert run(REPORT, imitation(tmp_path, loads)) == "torchvision 0"


def test_both_operators_are_declared_where_they_do_not_load(tmp_path):
    needs_both = """
import torch
from torchvision import half
for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        raise RuntimeError(f"operator torchvision::{name} does not exist")
"""
    imitation(tmp_path, needs_both)
    (tmp_path / "torchvision" / "half.py").write_text("")
    assert run(REPORT, tmp_path) == "torchvision 1"


def test_another_failure_is_passed_on_with_its_words(tmp_path):
    broken = imitation(tmp_path, 'raise RuntimeError("compiled with different CUDA major versions")')
    printed = run(REPORT, broken)
    assert printed == "ImportError: torchvision does not import: compiled with different CUDA major versions"


def test_a_missing_torchvision_is_named_with_its_remedy():
    printed = run("import sys; sys.modules['torchvision'] = None\n" + REPORT)
    assert "pip install torchvision" in printed


@pytest.mark.parametrize("module", ["inception_lessons._torchvision", "inception_lessons.measure"])
def test_importing_ours_imports_no_torchvision(module):
    assert run(f"import sys, {module}; print('torchvision' in sys.modules)") == "False"
