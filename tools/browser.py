"""Finds a Chromium for the browser tests, or gets one: python -m tools.browser prints its path.

In this order: the one that BROWSER names, an installed Chromium, Chrome or Edge, the one that Playwright
keeps; and where there is none, Debian's (as root or with sudo that asks nothing), else Playwright's
download.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# No sandbox, because CI runs as root, and none of the requests that Chromium makes on its own account.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """A sentence for the reader: no browser was found and none could be had."""


def works(path: str) -> bool:
    """Whether this is a Chromium that starts: a name on the PATH may be a stub without one."""
    if not Path(path).is_file():
        return False
    if os.name == "nt":
        return True  # there --version opens a window
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and re.search(r"Chrom|Edge", said.stdout) is not None


def candidates() -> Iterator[str]:
    """The places where a browser may be, best first."""
    named = os.environ.get("BROWSER", "")
    # BROWSER is also set by editors and desktops, to programs that open a link; those are not asked.
    if re.search(r"chrom|edge|brave", Path(named).name, re.IGNORECASE):
        yield shutil.which(named) or named
    for name in NAMES:
        found = shutil.which(name)
        if found:
            yield found
    yield from PLACES
    yield from playwrights_own()


def playwrights_own() -> Iterator[str]:
    """The browser that Playwright has downloaded for itself, when it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def find() -> str | None:
    """The path of a browser that starts, or None."""
    return next((path for path in candidates() if works(path)), None)


def from_debian() -> str | None:
    """Installs Debian's Chromium where that needs no password; returns its path, or None."""
    if not shutil.which("apt-get"):
        return None
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command = ["apt-get"]
    elif (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        command = ["sudo", "-n", "apt-get"]
    else:
        return None
    print("No browser is installed: installing Debian's chromium", flush=True)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run([*command, "-q", "update"], **quiet)
    subprocess.run([*command, "-q", "-y", "install", "--no-install-recommends", "chromium"], **quiet)
    return find()


def from_playwright() -> str | None:
    """Lets Playwright download its Chromium; returns its path, or None."""
    print("No browser is installed: asking Playwright for its own", flush=True)
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], stdin=subprocess.DEVNULL, check=False
    )
    return find()


def prepare() -> str:
    """The path of a browser, installed first where necessary.

    Raises:
        NoBrowser: with one sentence, where none can be had.
    """
    path = find() or from_debian() or from_playwright()
    if path is None:
        raise NoBrowser(
            "The browser tests need Chromium or Chrome; none is installed and none could be had. Install one "
            "(Debian: apt install chromium), or say where it is: make test BROWSER=/path/to/chrome"
        )
    return path


def main() -> int:
    """Prints the browser's path; returns the exit status."""
    try:
        print(prepare())
    except NoBrowser as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
