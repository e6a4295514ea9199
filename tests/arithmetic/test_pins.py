"""make pins: pip resolves a small index of wheels made here, and requirements.txt changes as it should."""

import json
import os
import sys
import zipfile

import pytest

from tools import pins

pytestmark = pytest.mark.slow

TEXT = """\
# Heading, which stays.

# The lessons
Lesson_One==1.0  # <2: the second draws differently
twin-a==1
twin-b==1

# What those need, pinned
gone==1.0
helper==1.0
"""
NEW = """\
# Heading, which stays.

# The lessons
Lesson_One==1.5  # <2: the second draws differently
twin-a==2
twin-b==2

# What those need, pinned
helper==3.1
not-on-windows==1 ; sys_platform != "win32"
"""
WHEELS = (
    ("Lesson_One", "1.0", ("helper", "gone"), "py3"),
    (
        "Lesson_One",
        "1.5",
        (
            "Helper>=2",
            'not-on-windows; sys_platform != "win32"',
            'only-linux; sys_platform == "linux"',
            'only-asked; extra == "more"',
        ),
        "py3",
    ),
    ("Lesson_One", "2.0", (), "py3"),
    ("helper", "1.0", (), "py3"),
    ("helper", "3.1", (), "py3"),
    ("helper", "4.0a1", (), "py3"),
    ("gone", "1.0", (), "py3"),
    ("not-on-windows", "1", (), "py3"),
    ("only-linux", "1", (), "py3"),
    ("only-asked", "1", (), "py3"),
    ("twin-a", "1", (), "py3"),
    ("twin-a", "2", (), "py3"),
    ("twin-a", "3", (), "py3"),
    ("twin-b", "1", ("twin-a==1",), "py3"),
    ("twin-b", "2", ("twin-a==2",), "py3"),
    ("old-python", "1", (), f"cp3{sys.version_info.minor}"),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder of wheels that hold nothing but their metadata; pip looks there and nowhere else."""
    folder = tmp_path_factory.mktemp("index")
    for name, version, requires, python in WHEELS:
        stem = f"{name.replace('-', '_')}-{version}"
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        with zipfile.ZipFile(folder / f"{stem}-{python}-none-any.whl", "w") as wheel:
            wheel.writestr(
                f"{stem}.dist-info/METADATA",
                f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: more\n{needs}",
            )
            wheel.writestr(
                f"{stem}.dist-info/WHEEL",
                f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {python}-none-any\n",
            )
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield folder


def test_pips_answer_is_written_and_shown(index, tmp_path, monkeypatch):
    """A limit holds, twins move together, what fell out is gone, what one system needs is left to pip."""
    path = tmp_path / "requirements.txt"
    path.write_text(TEXT)
    shown = pins.update(path, show_only=True)
    assert path.read_text() == TEXT
    monkeypatch.setattr(pins, "check_newer_pythons", lambda text: None)  # asked once is enough
    assert pins.update(path, show_only=False).startswith(shown)
    assert path.read_text() == NEW
    assert [line.split() for line in shown.splitlines()] == [
        ["gone", "1.0", "->", "(gone)"],
        ["helper", "1.0", "->", "3.1"],
        ["lesson-one", "1.0", "->", "1.5"],
        ["not-on-windows", "(new)", "->", "1"],
        ["twin-a", "1", "->", "2"],
        ["twin-b", "1", "->", "2"],
        ["4", "changed,", "1", "added,", "1", "gone"],
    ]
    assert os.listdir(tmp_path) == ["requirements.txt"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TEXT.replace("twin-a==1\n", "twin-c==1\n"), "pip found no twin-c"),
        (TEXT.replace("twin-a==1\n", "old-python==1\n"), "pip found no old-python==1"),
    ],
)
def test_where_pip_finds_no_answer_the_file_stays(index, tmp_path, text, sentence):
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    with pytest.raises(pins.CannotGoOn, match=sentence):
        pins.update(path, show_only=False)
    assert path.read_text() == text and os.listdir(tmp_path) == ["requirements.txt"]


def test_a_pip_that_hangs_is_stopped(index, monkeypatch):
    monkeypatch.setattr(pins, "SECONDS", 0.01)
    with pytest.raises(pins.CannotGoOn, match="no answer in 0.01 s; check the network"):
        pins.pip((), "helper\n")


@pytest.mark.parametrize(
    "line", ["torch>=2", "torch==2.1 # why", "torch", "torch==2  # below 3: slow", "-r x"]
)
def test_a_line_that_is_no_pin_is_named(line):
    with pytest.raises(pins.CannotGoOn, match="line 5: .* is no pin"):
        pins.read(TEXT.replace("twin-a==1", line))


def test_a_file_without_the_last_section_is_refused():
    with pytest.raises(pins.CannotGoOn, match="put the heading back"):
        pins.read("a==1\n")


def test_every_limit_of_the_requirements_holds_for_its_own_pin(root):
    from packaging.specifiers import SpecifierSet

    direct, _ = pins.read((root / "requirements.txt").read_text(encoding="utf-8"))
    limited = [pin for pin in direct if pin.limit]
    assert {"jupyter-book", "Sphinx", "sphinx-book-theme", "pydata-sphinx-theme"} <= {
        pin.name for pin in limited
    }
    assert [pin for pin in limited if pin.version not in SpecifierSet(pin.limit)] == []


def test_what_is_needed_follows_extras_and_each_system():
    requires = {
        "a": ['b[x]; sys_platform == "win32"', 'c; python_version < "3.12"', "d"],
        "b": ['e; extra == "x"', 'f; extra == "y"'],
        "d": ["a"],
    }
    users = pins.systems_that_need(["A"], lambda name: requires.get(name, ()))
    every = {"linux", "darwin", "win32"}
    assert users == {"a": every, "b": {"win32"}, "c": every, "d": every, "e": {"win32"}}
    linux = pins.SYSTEMS[0]
    assert pins.needed(["a"], lambda name: requires.get(name, ()), linux, "3.13") == {"a", "d"}


def test_the_build_of_pytorch_leaves_no_trace(monkeypatch, tmp_path):
    """Of 2.13.0+cpu, which an index of CPU builds offers, the public version is pinned."""

    def run(command, **_):
        item = {"metadata": {"name": "torch", "version": "2.13.0+cpu"}}
        report = command[command.index("--report") + 1]
        with open(report, "w") as handle:
            json.dump({"install": [item]}, handle)
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(pins.subprocess, "run", run)
    assert pins.resolve([pins.Pin("torch", "2.4.0", "", "")])["torch"].version == "2.13.0"


@pytest.mark.parametrize("version", [(3, 12, 1), (3, 13, 0)])
def test_a_newer_python_is_refused(version):
    with pytest.raises(
        pins.CannotGoOn, match=rf"this is 3.{version[1]}; run make PYTHON=/path/to/python3.11"
    ):
        pins.check_python(version)
    pins.check_python((3, 11, 0))
