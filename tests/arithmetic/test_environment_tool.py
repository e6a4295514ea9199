"""The tool that makes .venv: what it says when it cannot, and what it notices."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment as tool

SCRIPT = Path(tool.__file__)


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_other_pythons_are_refused_in_one_sentence(version):
    sentence = tool.complaint_about_python(version, "/usr/bin/some-python")
    assert f"this is {version[0]}.{version[1]} (/usr/bin/some-python)" in sentence
    assert "3.11, 3.12 or 3.13" in sentence and "make PYTHON=" in sentence and "\n" not in sentence


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_suitable_pythons_pass(version):
    assert tool.complaint_about_python(version, "python") is None


def test_a_python_without_venv_names_debians_package():
    sentence = tool.complaint_about_venv((3, 11), "/usr/bin/python3", lambda name: name != "ensurepip")
    assert "ensurepip" in sentence and "apt install python3.11-venv" in sentence
    assert tool.complaint_about_venv((3, 11), "/usr/bin/python3", lambda name: True) is None


def test_the_script_parses_on_old_pythons():
    """Syntax that Python 2.7 lacks would hide the sentence behind a syntax error."""
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 4))
    for node in ast.walk(tree):
        assert not isinstance(
            node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Nonlocal
        )
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            assert not arguments.kwonlyargs and not arguments.posonlyargs and node.returns is None
            assert all(argument.annotation is None for argument in arguments.args)
        if isinstance(node, ast.Raise):
            assert node.cause is None
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            assert {keyword.arg for keyword in node.keywords} <= {"file"}
    assert "from __future__ import print_function" in SCRIPT.read_text(encoding="utf-8")
    SCRIPT.read_bytes().decode("ascii")


def test_too_little_disk_is_said_before_anything_is_fetched():
    assert tool.complaint_about_space(tool.NEEDED_BYTES, "/home") is None
    sentence = tool.complaint_about_space(2**30, "/home")
    assert "3 GB" in sentence and "1.0 GB are free in /home" in sentence and "again" in sentence


def test_pins_are_read_and_compared():
    pins = tool.read_pins(
        "# words\nSphinx==7.4.7  # why\ntorch==2.13.0\nruamel.yaml==1.0\npexpect==4 ; os == 'x'\n"
    )
    assert pins == {"sphinx": "7.4.7", "torch": "2.13.0", "ruamel-yaml": "1.0"}
    right = {"Sphinx": "7.4.7", "torch": "2.13.0+cpu", "ruamel_yaml": "1.0"}
    assert tool.wrong_versions(pins, right) == []
    wrong = right | {"Sphinx": "8.0"}
    del wrong["torch"]
    assert tool.wrong_versions(pins, wrong) == [("sphinx", "7.4.7", "8.0"), ("torch", "2.13.0", None)]


def test_the_requirements_are_pinned_exactly():
    lines = (SCRIPT.parent.parent / "requirements.txt").read_text(encoding="utf-8").splitlines()
    stated = [line.split(";")[0].strip() for line in lines if line.strip() and not line.startswith("#")]
    assert len(stated) > 100
    assert [line for line in stated if not tool.read_pins(line)] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("WARNING: Retrying: NewConnectionError: Failed to establish a new connection", "could not reach"),
        ("ERROR: No matching distribution found for torch==2.13.0", "found no torch==2.13.0"),
        ("error: subprocess-exited-with-error", "subprocess-exited-with-error"),
    ],
)
def test_a_failure_of_pip_becomes_one_sentence(line, said):
    sentence = tool.explain_pip_failure(["Collecting torch", line], free_bytes=2**40)
    assert said in sentence and "again" in sentence and "\n" not in sentence


def test_a_full_disk_is_recognised_without_a_message():
    assert "disk is full" in tool.explain_pip_failure([], free_bytes=0)


def test_the_stamp_survives_only_whole(tmp_path):
    path = tmp_path / "ready.json"
    assert tool.read_stamp(str(path)) == {}
    path.write_text('{"key": "ab')
    assert tool.read_stamp(str(path)) == {}
    tool.write_stamp(str(path), {"key": "abc"})
    assert json.loads(path.read_text()) == {"key": "abc"}
    assert os.listdir(tmp_path) == ["ready.json"]


def test_the_key_depends_on_place_and_contents():
    keys = {
        tool.environment_key("/a", b"x"),
        tool.environment_key("/b", b"x"),
        tool.environment_key("/a", b"y"),
    }
    assert len(keys | {tool.environment_key("/a", b"x")}) == 3


@pytest.fixture
def small_environment(tmp_path, monkeypatch):
    """A virtual environment without packages, and what `fault_of` needs to judge it."""
    folder = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    monkeypatch.setattr(tool, "ROOT", str(tmp_path))
    return folder


def test_every_fault_of_an_environment_is_noticed(small_environment, tmp_path):
    """In the order of a reader's day: none, never finished, python gone, moved, another Python wanted."""
    this = tuple(sys.version_info[:2])
    assert tool.fault_of(str(tmp_path / "none"), {}, "key", None) == ("there is none yet", True)

    environment = str(small_environment)
    assert tool.fault_of(environment, {}, "key", this)[1] is False
    fault, anew = tool.fault_of(environment, {"torch": "2.13.0"}, "key", None)
    assert "torch missing" in fault and not anew

    tool.write_stamp(str(small_environment / "ready.json"), {"key": "key", "root": "/somewhere/else"})
    assert tool.fault_of(environment, {}, "key", None) == ("it was made in another folder", True)
    assert tool.fault_of(environment, {}, "key", (3, 99)) == ("Python 3.99 was asked for", True)

    python = Path(tool.python_of(environment))
    python.unlink()
    assert tool.fault_of(environment, {}, "key", None) == ("its Python does not run", True)


def test_a_finished_environment_has_no_fault(small_environment):
    answer = tool.ask(tool.python_of(str(small_environment)))
    assert answer == {"python": list(sys.version_info[:3]), "installed": {}}
    site = next(small_environment.rglob("site-packages"))
    (site / "inception_lessons-0.1.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: inception-lessons\nVersion: 0.1.0\n"
    (site / "inception_lessons-0.1.0.dist-info" / "METADATA").write_text(metadata)
    tool.write_stamp(str(small_environment / "ready.json"), {"key": "key", "root": tool.ROOT})
    assert tool.fault_of(str(small_environment), {}, "key", None) == (None, False)
    assert tool.fault_of(str(small_environment), {}, "other requirements", None)[1] is False


def test_a_file_in_the_way_is_not_removed(tmp_path):
    in_the_way = tmp_path / ".venv"
    in_the_way.write_text("mine")
    with pytest.raises(tool.CannotGoOn, match="is a file"):
        tool.clear_away(str(in_the_way))
    assert in_the_way.read_text() == "mine"


def test_only_the_link_is_removed_where_venv_is_one(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (tmp_path / ".venv").symlink_to(tmp_path / "elsewhere")
    tool.clear_away(str(tmp_path / ".venv"))
    assert not (tmp_path / ".venv").exists() and (tmp_path / "elsewhere" / "kept").exists()


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell script, not used on Windows")
class TestFindingAPython:
    """tools/find_python.sh really runs each candidate: a name on the PATH may be a shim that fails."""

    @staticmethod
    def find(tmp_path, **programs):
        """The script's outcome where these programs, name to shell text, are all of the Pythons there are."""
        for name, text in programs.items():
            program = tmp_path / name.replace("_", ".")
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)
        environ = {"PATH": f"{tmp_path}:/usr/bin-none:{tmp_path}/tools"}
        (tmp_path / "tools").mkdir()
        for needed in ("dirname", "sh"):
            (tmp_path / "tools" / needed).symlink_to(f"/usr/bin/{needed}")
        script = SCRIPT.parent / "find_python.sh"
        return subprocess.run(["/bin/sh", script], env=environ, capture_output=True, text=True, check=False)

    def test_a_shim_that_fails_is_passed_over(self, tmp_path):
        working = f'exec "{sys.executable}" "$@"'
        found = self.find(tmp_path, python3="echo 'pyenv: not found' >&2; exit 127", python3_12=working)
        assert (found.returncode, found.stdout) == (0, "python3.12\n")

    def test_an_old_python_is_named_when_there_is_no_other(self, tmp_path):
        old = "echo 'Python 3.11, 3.12 or 3.13 is needed, this is 3.8 (/opt/python3)' >&2; exit 1"
        found = self.find(tmp_path, python3=old)
        assert found.returncode == 1 and "this is 3.8 (/opt/python3)" in found.stderr and found.stdout == ""

    def test_no_python_at_all_is_said(self, tmp_path):
        found = self.find(tmp_path)
        assert found.returncode == 1 and "none was found" in found.stderr
