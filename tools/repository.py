"""The repository's public address: written in `_config.yml`, copied from there to the files that cannot
read it.

    python -m tools.repository URL     writes the address of a repository on GitHub everywhere
    python -m tools.repository         compares every file with _config.yml

URL is https://github.com/owner/name, or owner/name for short. The buttons for Colab and Binder come from
`_config.yml` at build time. A notebook on Colab, the package's metadata, the citation and the README have to
carry the address themselves.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_CONFIG = re.compile(r"^(  url: )(\S+)$", re.MULTILINE)
GITHUB = "https://github.com/"
PLACE = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]*[A-Za-z0-9_-]"
"""owner/name, as GitHub allows it."""
HOSTS = ("github.com/", "colab.research.google.com/github/", "mybinder.org/v2/gh/")
"""What stands before owner/name in the address of a repository, of its Colab and of its Binder."""
MARKS = (
    r"git\+https://github\.com/",
    r"git clone https://github\.com/",
    r'repository-code: "?https://github\.com/',
    r'Repository = "https://github\.com/',
    r"colab\.research\.google\.com/github/",
    r"mybinder\.org/v2/gh/",
)
"""What stands before this repository's owner/name: where to install from, to clone, to cite, to launch."""
CARRIERS = (
    "*.md",
    "CITATION.cff",
    "pyproject.toml",
    ".binder/*",
    ".devcontainer/*",
    ".github/**/*.*",
    "book/**/*.md",
    "chapters/*.ipynb",
)
"""The files that may carry the address themselves."""


def configured(root: Path = ROOT) -> str:
    """The address that `_config.yml` holds under repository.url."""
    found = IN_CONFIG.search((root / "_config.yml").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(
            "_config.yml must hold the repository's address as repository.url, on a line of its own"
        )
    return found.group(2)


def carriers(root: Path = ROOT) -> list[Path]:
    """Every file of the repository that may carry the address."""
    return sorted(path for pattern in CARRIERS for path in root.glob(pattern) if path.is_file())


def addresses(text: str) -> set[str]:
    """The addresses in a text that are this repository's: to install from, to clone, to cite or to launch.

    Other repositories may be named too; ours is told by what stands before it, see `MARKS`.
    """
    found = re.findall(rf"(?:{'|'.join(MARKS)})({PLACE})", text)
    return {GITHUB + place.removesuffix(".git") for place in found}


def check(root: Path = ROOT) -> list[str]:
    """One sentence for each file whose address is not the configured one."""
    wanted = configured(root)
    return [
        f"{path.relative_to(root).as_posix()} says {address}, _config.yml says {wanted}; "
        f"make repository URL={wanted} mends it"
        for path in carriers(root)
        for address in sorted(addresses(path.read_text(encoding="utf-8")) - {wanted})
    ]


def address_of(url: str) -> str:
    """The address of a repository, from a URL or from owner/name.

    Raises:
        ValueError: the argument is neither.
    """
    found = re.fullmatch(rf"(?:{re.escape(GITHUB)})?({PLACE})/?", url)
    if found is None:
        raise ValueError(
            "URL must be https://github.com/owner/name, or owner/name for short, of a repository on GitHub, "
            f"got {url!r}"
        )
    return GITHUB + found.group(1).removesuffix(".git")


def moved(text: str, new: str) -> str:
    """A text in which each of this repository's addresses has become `new`, on Colab and Binder too."""
    hosts, place = "|".join(map(re.escape, HOSTS)), new.removeprefix(GITHUB)
    for old in sorted(addresses(text), key=len, reverse=True):
        named = rf"({hosts}){re.escape(old.removeprefix(GITHUB))}(?![A-Za-z0-9_-])"
        text = re.sub(named, rf"\g<1>{place}", text)
    return text


def rewrite(url: str, root: Path = ROOT) -> list[Path]:
    """Writes a repository's address into `_config.yml` and every carrier; returns the files that changed.

    Raises:
        ValueError: the argument is not the address of a repository.
    """
    new, config = address_of(url), root / "_config.yml"
    texts = {config: IN_CONFIG.sub(rf"\g<1>{new}", config.read_text(encoding="utf-8"))}
    texts |= {path: moved(path.read_text(encoding="utf-8"), new) for path in carriers(root)}
    changed = [path for path, text in texts.items() if text != path.read_text(encoding="utf-8")]
    for path in changed:
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(texts[path], encoding="utf-8")
        os.replace(temporary, path)
    return changed


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 for a wrong argument or for files that disagree."""
    if not arguments:
        complaints = check()
        print("\n".join(complaints) or f"Every file says {configured()}")
        return 1 if complaints else 0
    try:
        changed = rewrite(arguments[0])
    except ValueError as reason:
        print(reason, file=sys.stderr)
        return 1
    names = ", ".join(path.relative_to(ROOT).as_posix() for path in changed) or "nothing"
    print(f"The repository's address is {configured()}; changed: {names}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
