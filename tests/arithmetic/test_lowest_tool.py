"""The tool that tests the lowest versions: what it takes from pyproject.toml and requirements.txt."""

import pytest
from packaging.version import Version

from tests.conftest import ROOT
from tools import environment, lowest

pytestmark = pytest.mark.slow


def test_no_pin_is_below_its_lowest_version():
    pins = environment.read_pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    found = lowest.floors()
    assert {"torch", "torchvision"} <= found.keys() <= pins.keys()
    assert [name for name, version in found.items() if Version(pins[name]) < Version(version)] == []


@pytest.mark.parametrize("stated", ["torch", "torch==2.6", "torch>=2.6,<3", "torch[opt]>=2.6", "torch>2.6"])
def test_anything_but_a_lower_bound_is_refused(tmp_path, stated):
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["numpy>=1", "{stated}"]\n')
    with pytest.raises(ValueError, match=r"name>=version, got 'torch"):
        lowest.floors(tmp_path)


def test_the_environment_holds_the_lowest_versions_and_what_tests_them():
    stated = dict(line.split("==") for line in lowest.requirements())
    assert stated.items() >= lowest.floors().items()
    assert stated.keys() - lowest.floors().keys() == set(lowest.TESTERS)


def test_what_is_run_exists():
    named = [name for name in (*lowest.TESTS, *lowest.NOTEBOOKS) if not name.startswith("--")]
    ignored = [name.partition("=")[2] for name in lowest.TESTS if name.startswith("--ignore=")]
    assert ignored and [name for name in named + ignored if not (ROOT / name).exists()] == []
