"""Brings the pins of requirements.txt to the newest versions that fit together, and shows what changed.

    python -m tools.pins           writes requirements.txt and prints the changes
    python -m tools.pins --show    only prints them

pip's own resolver decides, in a dry run that installs nothing; it reads the metadata of wheels without
fetching them where the index allows that. The first three sections name what the book uses itself, each
within the limit that a comment beside its pin sets (`# <2: why`). The last section holds what those need on
Linux, macOS and Windows alike. What only one system needs, and what only PyTorch's CUDA build brings, is
left to pip.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools import environment

REQUIREMENTS = Path(environment.REQUIREMENTS)
DERIVED = "# What those need"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)(?: ; ([^#]+?))?(?:  # ([<>=!~][^:]*): .+)?$")
SYSTEMS = (
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
)
SECONDS = 900
"""After so long pip is stopped; with metadata alone it takes one to two minutes."""
DRY = ("install", "--dry-run", "--ignore-installed", "--no-input", "--quiet", "--use-feature=fast-deps")


class CannotGoOn(Exception):
    """A sentence for the maintainer: what is wrong and what to do."""


class Pin(NamedTuple):
    """A line of requirements.txt: `name==version`, perhaps a marker, perhaps a limit such as `<2`."""

    name: str
    version: str
    marker: str
    limit: str


class Found(NamedTuple):
    """What pip would install: its name as published, its version, its requirements."""

    name: str
    version: str
    requires: Sequence[str]


def read(text: str) -> tuple[list[Pin], list[Pin]]:
    """The pins of the first sections and those of the last one.

    Raises:
        CannotGoOn: a line is neither empty, a comment nor a pin, or the last section is missing.
    """
    if DERIVED not in text:
        raise CannotGoOn(f"requirements.txt has no section {DERIVED!r}; put the heading back")
    pins: list[list[Pin]] = [[], []]
    derived = 0
    for number, line in enumerate(text.splitlines(), 1):
        derived = derived or int(line.startswith(DERIVED))
        if not line.strip() or line.startswith("#"):
            continue
        match = PIN.match(line)
        if match is None:
            raise CannotGoOn(
                f"requirements.txt, line {number}: {line!r} is no pin; "
                "write name==version, then perhaps '  # <2: why'"
            )
        pins[derived].append(Pin(*(part or "" for part in match.groups())))
    return pins[0], pins[1]


def needed(
    direct: Iterable[str], requires: Callable[[str], Sequence[str]], system: Mapping[str, str], python: str
) -> set[str]:
    """What `direct` needs on a system and a Python (`3.12`), itself included, as normalised names.

    `requires` answers with the requirements of a normalised name, as its metadata write them.
    """
    conditions = {**system, "python_version": python, "python_full_version": f"{python}.0"}
    todo = [(str(canonicalize_name(name)), "") for name in direct]
    seen = set(todo)
    while todo:
        name, extra = todo.pop()
        for requirement in map(Requirement, requires(name)):
            if requirement.marker and not requirement.marker.evaluate({**conditions, "extra": extra}):
                continue
            one = str(canonicalize_name(requirement.name))
            new = {(one, wanted) for wanted in ("", *requirement.extras)} - seen
            seen |= new
            todo += new
    return {name for name, _ in seen}


def systems_that_need(direct: Iterable[str], requires: Callable[[str], Sequence[str]]) -> dict[str, set[str]]:
    """For each distribution that `direct` needs: the systems (`linux`, `darwin`, `win32`) that need it."""
    direct = list(direct)
    users: dict[str, set[str]] = {}
    for system in SYSTEMS:
        for version in environment.SUITABLE:
            for name in needed(direct, requires, system, "{}.{}".format(*version)):
                users.setdefault(name, set()).add(system["sys_platform"])
    return users


def marker_for(systems: Set[str]) -> str | None:
    """The marker of a pin that these systems need, or None where pip shall choose the version."""
    if systems == {"linux", "darwin", "win32"}:
        return ""
    return 'sys_platform != "win32"' if systems == {"linux", "darwin"} else None


def derived_pins(direct: Iterable[str], found: Mapping[str, Found]) -> list[Pin]:
    """The last section: what `direct` needs besides itself, of what pip found, in alphabetical order."""
    own = {canonicalize_name(name) for name in direct}
    users = systems_that_need(own, lambda name: found[name].requires if name in found else ())
    pins = []
    for name in sorted(users.keys() & found.keys() - own):
        marker = marker_for(users[name])
        if marker is not None:
            pins.append(Pin(found[name].name, found[name].version, marker, ""))
    return pins


def pip(arguments: Sequence[str], wanted: str) -> list[Found]:
    """What pip would install for the requirements `wanted` (the text of a file), by its own report.

    Raises:
        CannotGoOn: pip failed, or took longer than SECONDS.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements, report = Path(folder, "wanted.txt"), Path(folder, "report.json")
        requirements.write_text(wanted, encoding="utf-8")
        try:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    *DRY,
                    *arguments,
                    "--report",
                    str(report),
                    "-r",
                    str(requirements),
                ],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                env=environment.clean_environ(),
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as reason:
            raise CannotGoOn(
                f"pip found no answer in {SECONDS} s; check the network, then run make pins again"
            ) from reason
        if done.returncode != 0:
            lines = done.stderr.splitlines()
            print("\n".join(lines[-12:]), file=sys.stderr)
            raise CannotGoOn(environment.explain_pip_failure(lines, environment.free_bytes_at(folder)))
        items = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return [
        Found(item["name"], Version(item["version"]).public, item.get("requires_dist", ())) for item in items
    ]


def resolve(direct: Sequence[Pin]) -> dict[str, Found]:
    """The newest distributions that the direct pins' limits allow, by normalised name."""
    wanted = "".join(f"{pin.name}{pin.limit}\n" for pin in direct)
    return {str(canonicalize_name(one.name)): one for one in pip((), wanted)}


def renewed(text: str, found: Mapping[str, Found]) -> str:
    """The text of requirements.txt with the versions that pip found; headings, comments and order stay."""
    direct, _ = read(text)
    head, tail = text.split(DERIVED)
    lines = []
    for line in head.splitlines():
        match = PIN.match(line)
        if match:
            version = found[canonicalize_name(match[1])].version
            line = f"{match[1]}=={version}{line[match.end(2) :]}"
        lines.append(line)
    heading = DERIVED + tail.splitlines()[0]
    derived = [
        f"{pin.name}=={pin.version}" + (f" ; {pin.marker}" if pin.marker else "")
        for pin in derived_pins([pin.name for pin in direct], found)
    ]
    return "\n".join([*lines, heading, *derived]) + "\n"


def changes(old: str, new: str) -> list[tuple[str, str, str]]:
    """What differs between two texts of requirements.txt, as (name, old or "", new or ""), by name."""
    before, after = (
        {canonicalize_name(pin.name): pin for part in read(text) for pin in part} for text in (old, new)
    )
    rows = []
    for name in sorted(before | after):
        was, is_now = (side[name].version if name in side else "" for side in (before, after))
        if was != is_now:
            rows.append((str(name), was, is_now))
    return rows


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """The changes as text, one a line, and a last line that counts them."""
    if not rows:
        return "Every pin is the newest that fits."
    wide = max(len(name) for name, _, _ in rows)
    old_wide = max(len(old or "(new)") for _, old, _ in rows)
    lines = [f"{name:{wide}}  {old or '(new)':{old_wide}} -> {new or '(gone)'}" for name, old, new in rows]
    added, gone = sum(not old for _, old, _ in rows), sum(not new for _, _, new in rows)
    lines.append(f"{len(rows) - added - gone} changed, {added} added, {gone} gone")
    return "\n".join(lines)


def check_python(version: Sequence[int]) -> None:
    """Refuses a Python that is not the oldest one supported: newer ones are offered what it cannot run."""
    if tuple(version[:2]) != environment.SUITABLE[0]:
        raise CannotGoOn(
            "The pins have to suit Python {0}.{1}, so that is where they are found, and this is {2}.{3}; "
            "run make PYTHON=/path/to/python{0}.{1} pins".format(*environment.SUITABLE[0], *version[:2])
        )


def check_newer_pythons(text: str) -> None:
    """Asks pip whether every pin can be had on the newer Pythons too, as a wheel.

    Raises:
        CannotGoOn: one cannot; pip's sentence names it.
    """
    for version in environment.SUITABLE[1:]:
        newer = "{}.{}".format(*version)
        try:
            pip(("--no-deps", "--only-binary=:all:", "--python-version", newer), text)
        except CannotGoOn as reason:
            raise CannotGoOn(
                f"When asked for Python {newer}: {reason}. "
                "Where one version is to blame, set a limit beside its pin"
            ) from reason


def update(path: Path, show_only: bool) -> str:
    """Renews the requirements file at `path`, unless only to show; returns what to print."""
    old = path.read_text(encoding="utf-8")
    direct, _ = read(old)
    new = renewed(old, resolve(direct))
    rows = changes(old, new)
    check_newer_pythons(new)
    if show_only or new == old:
        return table(rows)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(new, encoding="utf-8")
    os.replace(temporary, path)
    return f"{table(rows)}\nWritten to {path.name}; make test installs and tests them."


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 with one sentence on the error stream when the pins could not be found."""
    if list(arguments) not in ([], ["--show"]):
        print("usage: python -m tools.pins [--show]", file=sys.stderr)
        return 1
    try:
        check_python(sys.version_info)
        print(update(REQUIREMENTS, bool(arguments)))
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
