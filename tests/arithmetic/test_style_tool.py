"""The style checks, run on small repositories: what they find, that they change nothing, the git hook."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tools import layers, style

pytestmark = pytest.mark.slow

MISSPELT = "acco" + "modate"  # in two parts, or this file would fail the checks itself
CLEAN = {
    "README.md": "Colour, behaviour and centre are British and right.\n",
    "good.py": '"""A module."""\n',
    "chapters/01_x.ipynb": json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": "a1",
                    "metadata": {},
                    "outputs": [],
                    "source": ["1 + 1"],
                }
            ],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )
    + "\n",
    ".gitignore": "*.log\n",
    "ignored.log": f"{MISSPELT}\n",
}
RUN = '"execution_count": null,', '"execution_count": 3,'
NOTEBOOK = CLEAN["chapters/01_x.ipynb"]
FAULTS = {
    "ruff": {"new.py": "import os\n", "chapters/02_x.ipynb": NOTEBOOK.replace("1 + 1", "import os")},
    "outputs": {"chapters/03_x.ipynb": NOTEBOOK.replace(*RUN)},
    "large-files": {"data.bin": "x" * 400_000},
    "private-keys": {"key.txt": "-----BEGIN RSA " + "PRIVATE KEY-----\n"},
    "credentials": {
        "cloud.ini": "id = AKIA" + "ABCDEFGHIJKLMNOP\n",
        "pip.conf": "index = https://me:hunter2" + "@example.org/simple\n",
        "settings.toml": 'api_key = "' + 'correct-horse"\n',
    },
    "spelling": {
        "page.md": f"In {MISSPELT} page.\n",
        "chapters/04_x.ipynb": NOTEBOOK.replace("1 + 1", f"# {MISSPELT}"),
    },
}


@pytest.fixture
def folder(root, tmp_path):
    """A clean folder without .git, with the repository's own hooks, settings and tool: a hook that ran the
    tool of this repository would stash what is being worked on here."""
    (tmp_path / "tools").mkdir()
    for name in (".pre-commit-config.yaml", "pyproject.toml", "tools/__init__.py", "tools/style.py"):
        shutil.copy(root / name, tmp_path / name)
    for name, text in CLEAN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def repository(folder, monkeypatch):
    """The clean folder as a git repository with one commit, out of reach of the user's settings."""
    for name, value in (
        ("GIT_CONFIG_GLOBAL", os.devnull),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("PRE_COMMIT_HOME", str(folder.parent / "store")),
        *((f"GIT_{who}_{what}", "a@b.c") for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")),
    ):
        monkeypatch.setenv(name, value)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def contents(folder):
    """Every file outside .git, with what it holds."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", ".ruff_cache"} & set(path.parts)
    }


def test_make_check_runs_the_hooks():
    assert layers.STYLE.command == (sys.executable, "-m", "tools.style")


def test_a_clean_folder_passes_without_git_and_stays_as_it_is(folder, capfd):
    before = contents(folder)
    assert style.check(folder) == 0
    assert contents(folder) == before and not (folder / ".git").exists()
    said = capfd.readouterr().out
    assert "There is no .git here" in said
    assert said.count("Passed") == 6 and "Skipped" not in said


def test_each_fault_is_found_in_new_files_too_and_nothing_is_changed(repository, capfd):
    for files in FAULTS.values():
        for name, text in files.items():
            (repository / name).write_text(text)
    before = contents(repository)
    assert style.check(repository) != 0
    reports = re.split(r"^.*\.(?:Passed|Failed|Skipped)$", capfd.readouterr().out, flags=re.MULTILINE)[1:]
    for report, (hook, files) in zip(reports, FAULTS.items(), strict=True):
        assert f"hook id: {hook}\n" in report
        named = {
            name
            for name in (*CLEAN, *(one for all_of in FAULTS.values() for one in all_of))
            if name in report
        }
        assert named == set(files), hook
    assert contents(repository) == before


def test_the_hook_refuses_a_commit_and_lets_a_clean_one_pass(repository):
    """Only what is staged counts: a fault in the working tree that is not staged hinders nobody."""
    hook = style.install(repository)
    assert style.install(repository) == hook, "a second time it replaces its own"
    (repository / "page.md").write_text(FAULTS["spelling"]["page.md"])
    (repository / "good.py").write_text('"""A better module."""\n')
    git(repository, "add", "good.py")
    passed = git(repository, "commit", "-qm", "second")
    assert passed.returncode == 0, passed.stderr
    git(repository, "add", "-A")
    refused = git(repository, "commit", "-qm", "third")
    assert refused.returncode != 0 and "page.md:1" in refused.stdout + refused.stderr
    assert git(repository, "rev-list", "--count", "HEAD").stdout == "2\n"


def test_a_tool_of_another_folder_touches_nothing(repository, monkeypatch):
    """pre-commit puts aside what is not staged; in a folder where nothing is committed it must not run."""
    monkeypatch.chdir(repository)
    with pytest.raises(style.CannotGoOn, match="run make hooks there"):
        style.staged()


def test_the_hook_says_what_to_do_without_the_environment(repository):
    hook = style.install(repository)
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))
    done = git(repository, "commit", "--allow-empty", "-qm", "x")
    assert done.returncode != 0 and "run make env, then commit again" in done.stderr


def test_other_hooks_are_left_alone(repository):
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(style.CannotGoOn, match="another hook already; move it away"):
        style.install(repository)
    assert hook.read_text() == "#!/bin/sh\ntrue\n"
    git(repository, "config", "core.hooksPath", "/etc/hooks")
    with pytest.raises(style.CannotGoOn, match="git takes its hooks from /etc/hooks"):
        style.install(repository)


def test_no_repository_no_hook(folder):
    with pytest.raises(style.CannotGoOn, match="is not a git repository"):
        style.install(folder)


def test_without_git_one_sentence_says_so(folder, monkeypatch):
    monkeypatch.setattr(style.shutil, "which", lambda name: None)
    with pytest.raises(style.CannotGoOn, match="git is not installed"):
        style.check(folder)


def test_a_git_that_fails_checks_no_empty_list(folder):
    with pytest.raises(style.CannotGoOn, match="ls-files .* failed"):
        style.files(folder, os.environ | {"GIT_DIR": str(folder / "nowhere")})


def test_mending_strips_outputs_and_keeps_ids(folder):
    notebook = folder / "chapters" / "01_x.ipynb"
    notebook.write_text(CLEAN["chapters/01_x.ipynb"].replace(*RUN))
    (folder / "new.py").write_text("import os\nimport ast\n\nprint(os, ast)\n")
    assert style.mend(folder) == 0
    assert notebook.read_text() == CLEAN["chapters/01_x.ipynb"]
    assert (folder / "new.py").read_text() == "import ast\nimport os\n\nprint(os, ast)\n"
