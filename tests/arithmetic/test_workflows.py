"""What runs on other people's machines: the workflows, Binder's files and the development container.

Their hosts are out of reach here. So each file is compared with its schema, each command of it is read or
run, and whatever it names must exist.
"""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tools import canary, environment

pytestmark = pytest.mark.slow

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = ["{}.{}".format(*version) for version in environment.SUITABLE]
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
SHELLS = {None: ("bash", "-e"), "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""How GitHub's Linux runners start a step, by its `shell`."""
every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def loaded(path: Path) -> dict:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in text.items()}


def steps(path: Path) -> list[dict]:
    return [step for job in loaded(path)["jobs"].values() for step in job["steps"]]


def step_named(workflow: str, name: str) -> dict:
    path = ROOT / ".github" / "workflows" / f"{workflow}.yml"
    return next(step for step in steps(path) if step.get("name") == name)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def complaint(command: str) -> str | None:
    """What is wrong with a command that a machine elsewhere is told to run, or None.

    Known are make with its targets, python with a module of ours or a program, and tee.
    """
    words = shlex.split(re.sub(r"\d?>&\d", "", command))
    if words[0] == "make":
        wanted = {word for word in words[1:] if "=" not in word}
        missing = wanted - make_targets()
        return f"make has no target {sorted(missing)}" if missing or not wanted else None
    if Path(words[0]).name == "python" and words[1] == "-m":
        return None if importlib.util.find_spec(words[2]) else f"there is no module {words[2]}"
    if Path(words[0]).name == "python" and words[1] == "-c":
        compile(words[2], command, "exec")
        return None
    return None if words[0] == "tee" else f"nobody knows {words[0]}"


def commands(script: str) -> list[str]:
    """The simple commands of a script, expressions of the workflow replaced by a word."""
    plain = EXPRESSION.sub("word", script)
    return [part for line in plain.splitlines() for part in line.split(" | ") if part.strip()]


def run_step(step: dict, folder: Path, environ: dict, values: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs a step as a runner does; `values` are what its expressions stand for."""
    script = folder / "step.sh"
    script.write_text(EXPRESSION.sub(lambda found: values[found.group()[3:-2].strip()], step["run"]))
    return subprocess.run(
        (*SHELLS[step.get("shell")], str(script)),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(folder: Path, name: str, script: str) -> str:
    """Puts a program of this name before the others; returns the PATH with it."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"


def test_the_workflows_are_there():
    assert [path.stem for path in WORKFLOWS] == ["book", "canary", "gpu"]


def test_the_workflows_are_as_github_wants_them():
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows")
    done = subprocess.run((*command, *map(str, WORKFLOWS)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@every_workflow
def test_a_workflow_may_read_only_unless_a_job_needs_more(path):
    workflow = loaded(path)
    more = {"canary": {"issues": "write"}}
    assert workflow["permissions"] == {"contents": "read"} | more.get(path.stem, {})
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    publish = {"publish": {"pages": "write", "id-token": "write"}}
    assert granted == (publish if path.stem == "book" else {})


@every_workflow
def test_a_workflow_ends_and_does_not_run_twice(path):
    workflow = loaded(path)
    assert workflow["concurrency"]["group"] and "cancel-in-progress" in workflow["concurrency"]
    assert all(5 <= job["timeout-minutes"] <= 120 for job in workflow["jobs"].values())


@every_workflow
def test_each_action_is_pinned(path):
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


@every_workflow
def test_each_command_exists(path):
    scripts = [step["run"] for step in steps(path) if "run" in step]
    for script in scripts:
        parsed = subprocess.run(
            ("bash", "-n"), input=EXPRESSION.sub("word", script), capture_output=True, text=True, check=False
        )
        assert parsed.returncode == 0, parsed.stderr
    assert [found for script in scripts for one in commands(script) if (found := complaint(one))] == []


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("make books", "books"),
        ("make", "target"),
        ("python -m tools.cannary a b", "cannary"),
        ("curl x", "curl"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(command, word):
    assert word in complaint(command)


def test_every_supported_python_is_tested_and_one_keeps_the_pages():
    test = loaded(ROOT / ".github" / "workflows" / "book.yml")["jobs"]["test"]
    assert test["strategy"]["matrix"]["python"] == PYTHONS
    chosen = re.findall(r"matrix\.python == '([\d.]+)'", step_named("book", "Keep the pages")["if"])
    assert len(chosen) == 1 and chosen[0] in PYTHONS


@every_workflow
def test_pip_s_cache_is_keyed_on_files_that_exist(path):
    for step in steps(path):
        if step.get("uses", "").startswith("actions/setup-python"):
            assert step["with"]["python-version"] in (*PYTHONS, "${{ matrix.python }}")
            named = step["with"]["cache-dependency-path"].split()
            assert "requirements.txt" in named and all((ROOT / name).is_file() for name in named)


@pytest.mark.parametrize(("failing", "code"), [("pins", 2), ("test", 2), ("nothing", 0)])
def test_the_canary_s_test_fails_where_one_of_its_commands_fails(tmp_path, failing, code):
    path = stand_in(
        tmp_path, "make", f'for last; do :; done; echo "ran $last"; [ "$last" != {failing} ] || exit 2'
    )
    step = step_named("canary", "Test with the newest versions")
    assert run_step(step, tmp_path, {"PATH": path}, {}).returncode == code
    assert (tmp_path / "changes.txt").read_text() == "ran pins\n"
    assert (tmp_path / "tests.txt").exists() == (failing != "pins")


TESTS = """...
FAILED tests/modules/test_data.py::test_one - AssertionError
passed      12 s  style
failed     345 s  modules
layers: 1 passed, 1 failed
"""


@pytest.mark.parametrize(
    ("outcome", "titles", "asked"),
    [
        ("failure", [], ["list", "create"]),
        ("failure", ["another", canary.TITLE, canary.TITLE], ["list", "edit 12"]),
        ("success", [], ["list"]),
        ("success", ["another"], ["list"]),
        ("success", ["another", canary.TITLE], ["list", "close 12"]),
    ],
)
def test_the_canary_keeps_one_issue_or_none(tmp_path, outcome, titles, asked):
    """Newest first, as gh lists them: of two issues with the title, the older one is kept up to date."""
    issues = [{"number": 11 + number, "title": title} for number, title in enumerate(titles)]
    (tmp_path / "issues.json").write_text(json.dumps(issues[::-1]))
    path = stand_in(tmp_path, "gh", 'printf "%s\\n" "$*" >> asked.txt; [ "$2" != list ] || cat issues.json')
    (tmp_path / "changes.txt").write_text("torch  2.13.0 -> 2.15.0\n1 changed, 0 added, 0 gone\n")
    (tmp_path / "tests.txt").write_text(TESTS)
    environ = {"PATH": path, "GH_TOKEN": "x", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    done = run_step(step_named("canary", "Report"), tmp_path, environ, {"steps.newest.outcome": outcome})
    assert done.returncode == 0, done.stderr
    said = (tmp_path / "asked.txt").read_text()
    calls = re.findall(r"^issue (list|create|edit \d+|close \d+)", said, re.MULTILINE)
    assert calls == asked
    summary = (tmp_path / "summary.md").read_text()
    assert "torch  2.13.0 -> 2.15.0" in summary and "layers: 1 passed, 1 failed" in summary
    assert ("FAILED tests/modules/test_data.py" in said) == (asked[-1] != "list")


def test_the_canary_without_a_token_only_prints(tmp_path):
    path = stand_in(tmp_path, "gh", "touch asked.txt")
    step = step_named("canary", "Report")
    done = run_step(step, tmp_path, {"PATH": path, "GH_TOKEN": ""}, {"steps.newest.outcome": "failure"})
    assert done.returncode == 0 and canary.TITLE in done.stdout
    assert "they could not be found" in done.stdout and not (tmp_path / "asked.txt").exists()


def test_binder_installs_the_pins_and_the_package():
    folder = ROOT / ".binder"
    stated = [
        line
        for line in (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert stated == ["-r ../requirements.txt", "."]
    assert (folder / stated[0].removeprefix("-r ")).resolve() == ROOT / "requirements.txt"
    assert (folder / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-") in PYTHONS


def test_the_container_makes_the_environment_that_everyone_has():
    described = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert described["image"].removeprefix("python:").split("-")[0] in PYTHONS
    assert complaint(described["postCreateCommand"]) is None
    assert "env" in described["postCreateCommand"].split()
    port = re.search(r"^PORT \?= (\d+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert described["forwardPorts"] == [int(port[1])]
    interpreter = described["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${containerWorkspaceFolder}/.venv/bin/python"
