"""Style: the hooks of .pre-commit-config.yaml, on every file or on what is about to be committed.

    python -m tools.style           every file of the repository, new ones too; the first layer of make check
    python -m tools.style staged    what the next commit will hold; the git hook runs this
    python -m tools.style install   makes that git hook (make hooks)
    python -m tools.style mend      sorts imports, mends what ruff can mend, strips outputs (make format)

The hooks run the tools that .venv holds as pinned: nothing is fetched. A folder without .git, such as an
unpacked archive, is looked at through an empty git directory elsewhere, so that .gitignore counts there too.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRE_COMMIT = (sys.executable, "-m", "pre_commit", "run")
MARK = "# Written by make hooks."


class CannotGoOn(Exception):
    """A sentence for the reader: what is wrong and what to do."""


def environ() -> dict[str, str]:
    """The environment variables for pre-commit: `python` is the one that runs this file."""
    here = os.path.dirname(sys.executable)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", "")}


def git(
    arguments: Sequence[str], root: Path, environ: Mapping[str, str] | None = None, may_fail: bool = False
) -> str:
    """What git prints; where it `may_fail`, an empty text instead of an error.

    Raises:
        CannotGoOn: there is no git, or it failed.
    """
    if shutil.which("git") is None:
        raise CannotGoOn("git is not installed, and the style checks list their files with it; install git")
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout.strip("\n")
    if may_fail:
        return ""
    raise CannotGoOn(f"{shlex.join(command)} failed ({done.stderr.strip()}); mend that and run again")


def is_repository(root: Path) -> bool:
    """Whether `root` is the top folder of a git working tree, not a folder inside another one."""
    top = git(["rev-parse", "--show-toplevel"], root, may_fail=True)
    return bool(top) and Path(top).resolve() == root.resolve()


def files(root: Path, environ: Mapping[str, str]) -> list[str]:
    """Every file that git knows or would add, relative to `root`."""
    listed = git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root, environ)
    return sorted({name for name in listed.split("\0") if name and (root / name).is_file()})


def check(root: Path = ROOT) -> int:
    """Runs every hook on every file; returns 0 when all passed. No file is changed."""
    with tempfile.TemporaryDirectory() as folder:
        variables = environ() | {"PRE_COMMIT_HOME": str(Path(folder, "store"))}
        if not is_repository(root):
            variables |= {"GIT_DIR": str(Path(folder, "git")), "GIT_WORK_TREE": str(root)}
            git(["init", "--quiet"], root, variables)
            print("There is no .git here: every file is checked that .gitignore does not name.", flush=True)
        command = [*PRE_COMMIT, "--files", *files(root, variables)]
        return subprocess.run(command, cwd=root, env=variables, check=False).returncode


def staged(root: Path = ROOT) -> int:
    """Runs every hook on what the next commit will hold; returns 0 when all passed.

    pre-commit puts aside what is not staged while the hooks run, so it must not run in another folder than
    the one where git commits, which is the one where git started the hook.

    Raises:
        CannotGoOn: that folder is not `root`.
    """
    if Path.cwd().resolve() != root.resolve():
        raise CannotGoOn(f"git commits in {Path.cwd()}, and the tool is that of {root}; run make hooks there")
    return subprocess.run(PRE_COMMIT, cwd=root, env=environ(), check=False).returncode


def hook_text(python: str) -> str:
    """The git hook: a shell script that runs `staged` with the interpreter `python`."""
    quoted = shlex.quote(Path(python).as_posix())
    complaint = shlex.quote("The style checks need the book's environment: run make env, then commit again.")
    return (
        f"#!/bin/sh\n{MARK}\n"
        f"[ -x {quoted} ] || {{ echo {complaint} >&2; exit 1; }}\n"
        f"exec {quoted} -m tools.style staged\n"
    )


def install(root: Path = ROOT) -> Path:
    """Writes the git hook and returns its path.

    Raises:
        CannotGoOn: `root` is no git repository, or it has other hooks already.
    """
    if not is_repository(root):
        raise CannotGoOn(f"{root} is not a git repository, so it can have no hook; clone it with git")
    shared = git(["config", "core.hooksPath"], root, may_fail=True)
    if shared:
        raise CannotGoOn(
            f"git takes its hooks from {shared} (core.hooksPath), which may serve other repositories; "
            f"let the pre-commit there run: {sys.executable} -m tools.style staged"
        )
    hook = root / git(["rev-parse", "--git-path", "hooks"], root) / "pre-commit"
    if hook.exists() and MARK not in hook.read_text(encoding="utf-8", errors="replace"):
        raise CannotGoOn(
            f"{hook} is another hook already; move it away, "
            f"or let it run: {sys.executable} -m tools.style staged"
        )
    hook.parent.mkdir(parents=True, exist_ok=True)
    temporary = hook.with_name(hook.name + ".part")
    temporary.write_text(hook_text(sys.executable), encoding="utf-8", newline="\n")
    temporary.chmod(0o755)
    os.replace(temporary, hook)
    return hook


def mend(root: Path = ROOT) -> int:
    """Mends what can be mended without judgement; returns 0 when ruff has nothing left to say."""
    notebooks = [str(path) for path in sorted((root / "chapters").glob("*.ipynb"))]
    strip = [sys.executable, "-m", "nbstripout", "--keep-id", *notebooks]
    ruff = [sys.executable, "-m", "ruff", "check", "--fix", "."]
    return max(
        subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False).returncode
        for command in (strip, ruff)
    )


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 when the style is right, or the hook stands."""
    try:
        match list(arguments):
            case []:
                return check()
            case ["staged"]:
                return staged()
            case ["install"]:
                print(f"Before every commit the style checks run now ({install()})")
                return 0
            case ["mend"]:
                return mend()
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
        return 1
    print("usage: python -m tools.style [staged | install | mend]", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
