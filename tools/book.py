"""Builds the book into _build/html: executes what changed, warnings are errors, and what failed stays
failed.

    python -m tools.book

Jupyter Book's cache knows a notebook's cells and nothing else. The notebooks also depend on the package,
its data, its recorded runs and the pinned requirements, so a hash over those is the key of the whole cache:
when it changes, every notebook executes again. Sphinx in turn forgets the warnings of a failed build: it
would pickle its state and pass the next time. So a mark stands in _build from the first step to the last,
and a build that finds it starts from the sources. And Sphinx reads a page again when its file has a later
date than the last reading, which a clock that was set back defeats: here the content decides.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tools import executions, failed_notebooks

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
UNFINISHED = BUILD / ".unfinished"
# What decides the result of a notebook besides its own cells.
DECIDES_RESULTS = ("inception_lessons", "requirements.txt")
# What decides how a page looks besides its own text.
DECIDES_PAGES = (
    "_config.yml",
    "_toc.yml",
    "book/_ext",
    "book/_static",
    "book/_templates",
    "book/references.bib",
    "tools/book.py",
)
# Where the pages' own texts are.
SOURCES = ("book", "chapters")
IGNORED = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}


def files_below(root: Path, names: Iterable[str]) -> list[Path]:
    """Every file that the names, files or folders under root, stand for; sorted, without byte code."""
    found = []
    for name in names:
        path = root / name
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [one for one in inside if one.is_file() and not IGNORED & set(one.relative_to(root).parts)]
    return found


def fingerprint(root: Path, names: Iterable[str]) -> str:
    """A hash of names and contents of the files, and of the Python that runs them."""
    digest = hashlib.sha256(sys.version.encode())
    for name, content in contents(root, names).items():
        digest.update(f"{name}\0{content}".encode())
    return digest.hexdigest()


def contents(root: Path, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each of the files, by its path from root."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_below(root, names)
    }


def drop_what_is_stale() -> None:
    """Removes what an earlier build left and today's sources make worthless, and records theirs."""
    BUILD.mkdir(exist_ok=True)
    results, pages = fingerprint(ROOT, DECIDES_RESULTS), fingerprint(ROOT, DECIDES_PAGES)
    sources = contents(ROOT, SOURCES)
    reasons = drop_other(BUILD, results, pages)
    for reason in reasons + executions.mend(CACHE, recorded_table(BUILD / ".executions")):
        print(f"Note: {reason}", flush=True)
    drop_changed_pages(BUILD, sources)
    record(BUILD / ".results", results)
    record(BUILD / ".pages", pages)
    record(BUILD / ".sources", json.dumps(sources))
    seal_executions()


def seal_executions() -> None:
    """Records what the cache holds now, so that damage done later is noticed."""
    record(BUILD / ".executions", json.dumps(executions.digests(CACHE)))


def drop_other(build: Path, results: str, pages: str) -> list[str]:
    """Removes what the two fingerprints, or an unfinished build, make worthless; returns the reasons."""
    said = []
    if (build / ".unfinished").exists():
        said.append("the last build did not finish: reading every page again")
    if recorded(build / ".results") != results:
        if (build / ".jupyter_cache").exists():
            said.append(
                "the package, its data, a recorded run or the requirements changed: every notebook executes"
            )
        shutil.rmtree(build / ".jupyter_cache", ignore_errors=True)
        (build / ".pages").unlink(missing_ok=True)
    if said or recorded(build / ".pages") != pages:
        shutil.rmtree(build / ".doctrees", ignore_errors=True)
        shutil.rmtree(build / "html", ignore_errors=True)
    return said


def drop_changed_pages(build: Path, sources: dict[str, str]) -> None:
    """Removes what Sphinx read of the pages whose source is not the recorded one, so that it reads them."""
    before = recorded_table(build / ".sources")
    for name, content in sources.items():
        if before.get(name) != content:
            (build / ".doctrees" / name).with_suffix(".doctree").unlink(missing_ok=True)


def recorded(path: Path) -> str:
    """What was recorded at the last build, or nothing."""
    return path.read_text(errors="replace") if path.exists() else ""


def recorded_table(path: Path) -> dict[str, str]:
    """The names and digests that were recorded at the last build; none where they cannot be read."""
    try:
        return dict(json.loads(recorded(path)))
    except (ValueError, TypeError):
        return {}


def record(path: Path, text: str) -> None:
    """Writes a small file under a temporary name and renames it."""
    temporary = path.with_suffix(".part")
    temporary.write_text(text)
    temporary.replace(path)


def executed(cache: Path) -> set[str]:
    """The executions that the cache holds, by folder name."""
    return {path.name for path in (cache / "executed").glob("*")}


def environ_for_notebooks() -> dict[str, str]:
    """The variables for running notebooks: strict about claims, no progress bars, nothing of the reader's own
    Jupyter.

    The kernel's settings keep it from warning, in every build, that it talks over TCP on this machine.
    """
    profile = BUILD / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    record(profile / "ipython_kernel_config.py", "c.IPKernelApp.log_level = 40\n")
    return os.environ | {
        "INCEPTION_LESSONS_STRICT": "1",
        "TQDM_DISABLE": "1",
        "IPYTHONDIR": str(BUILD / ".ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": "",
    }


def main() -> int:
    """Returns the exit status of the build."""
    begun = time.monotonic()
    drop_what_is_stale()
    record(UNFINISHED, "a build began and has not finished\n")
    before = executed(CACHE)
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [
        *jupyter_book,
        "build",
        str(ROOT),
        "--warningiserror",
        "--keep-going",
        "--path-output",
        str(ROOT),
    ]
    status = subprocess.run(command, cwd=ROOT, env=environ_for_notebooks(), check=False).returncode
    seal_executions()
    seconds = time.monotonic() - begun
    if status != 0:
        failed = failed_notebooks.failures(BUILD / "html" / "reports", ROOT)
        print(f"\nThe book was not built ({seconds:.0f} s).", file=sys.stderr)
        for line in failed:
            print(f"Failed: {line}", file=sys.stderr)
        print("Mend what is said above and run make book again.", file=sys.stderr)
        return 1
    UNFINISHED.unlink()
    count = len(executed(CACHE) - before)
    page = BUILD / "html" / "index.html"
    print(f"\nThe book is built ({seconds:.0f} s, notebooks executed: {count}).")
    print(f"Open {page.relative_to(ROOT)} in a browser ({page.as_uri()}), or run: make serve")
    return 0


if __name__ == "__main__":
    sys.exit(main())
