"""Tests the package with the lowest versions that pyproject.toml allows: make lowest.

    python -m tools.lowest           makes an environment in _build/lowest; runs the tests of modules, plots
                                     and widgets there, then every chapter
    python -m tools.lowest --show    only prints the versions

It is the other end of what hosted notebooks may hold; requirements.txt pins the newest. PyTorch's Linux
wheels bring gigabytes of CUDA, unless PIP_EXTRA_INDEX_URL leads to the CPU build (see README.md).
"""

import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Sequence
from pathlib import Path

from tools import book, environment, layers

ROOT = Path(__file__).resolve().parent.parent
FLOOR = re.compile(r"([A-Za-z0-9_-]+)>=([0-9.]+)")
TESTERS = ("pytest", "pytest-xdist", "nbval", "nbclient", "hypothesis", "ipykernel")
"""What runs the tests, as requirements.txt pins it."""
TESTS = (
    "tests/modules",
    "tests/arithmetic/test_plots.py",
    "tests/arithmetic/test_widgets.py",
    "tests/arithmetic/test_network_map_widget.py",
    "--ignore=tests/modules/test_install.py",
)
"""All that concerns the package and runs without the book's tools."""
NOTEBOOKS = ("--dist=loadfile", *layers.NBVAL, "chapters")


def floors(root: Path = ROOT) -> dict[str, str]:
    """The lowest version of each dependency, by name, from `pyproject.toml`.

    Raises:
        ValueError: a dependency is not written as name>=version.
    """
    with (root / "pyproject.toml").open("rb") as file:
        stated = tomllib.load(file)["project"]["dependencies"]
    found = {line: FLOOR.fullmatch(line) for line in stated}
    wrong = [line for line, match in found.items() if match is None]
    if wrong:
        raise ValueError(f"pyproject.toml must state each dependency as name>=version, got {wrong[0]!r}")
    return {match[1]: match[2] for match in found.values()}


def requirements(root: Path = ROOT) -> list[str]:
    """What the environment holds besides the package: the floors, and what runs the tests."""
    pins = environment.read_pins((root / "requirements.txt").read_text(encoding="utf-8"))
    lowest = [f"{name}=={version}" for name, version in floors(root).items()]
    return lowest + [f"{name}=={pins[name]}" for name in TESTERS]


def commands(python: str) -> list[tuple[str, ...]]:
    """What is run with the interpreter of the new environment, in this order."""
    pip, pytest = (python, "-m", "pip"), (python, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider")
    return [
        (*pip, "install", "--no-input", *requirements()),
        (*pip, "install", "--quiet", "--no-deps", str(ROOT)),
        (*pip, "check"),
        (*pytest, *TESTS),
        (*pytest, *NOTEBOOKS),
    ]


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status of the first command that fails, else 0."""
    if list(arguments) == ["--show"]:
        print("\n".join(requirements()))
        return 0
    if arguments:
        print("usage: python -m tools.lowest [--show]", file=sys.stderr)
        return 1
    folder = ROOT / "_build" / "lowest"
    venv.create(folder, clear=True, with_pip=True)
    for command in commands(environment.python_of(str(folder))):
        print("+", *command, flush=True)
        environ = layers.ONE_THREAD_EACH
        if "chapters" in command:
            environ = environ | book.environ_for_notebooks()
        status = subprocess.run(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, check=False
        ).returncode
        if status != 0:
            print(f"With the lowest versions this failed: {' '.join(command)}", file=sys.stderr)
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
