"""The repository's public address: written in `_config.yml`, copied from there to the files that cannot
read it.

    python -m tools.address owner/name     writes the address of a repository on GitHub everywhere
    python -m tools.address                compares every file with _config.yml

Links in the pages and the Colab button come from `_config.yml` at build time. A notebook on Colab, the
package's metadata, the citation and the README have to carry the address themselves.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IN_CONFIG = re.compile(r"^(  url: )(\S+)$", re.MULTILINE)
GITHUB = re.compile(r"https://github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def configured(root: Path = ROOT) -> str:
    """The address that `_config.yml` holds under repository.url."""
    found = IN_CONFIG.search((root / "_config.yml").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(
            "_config.yml must hold the repository's address as repository.url, on a line of its own"
        )
    return found.group(2)


def carriers(root: Path = ROOT) -> list[Path]:
    """The files that carry the address themselves: notebooks, package metadata, citation, README."""
    fixed = [root / name for name in ("README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml")]
    return [*(path for path in fixed if path.exists()), *sorted((root / "chapters").glob("*.ipynb"))]


def repository_addresses(text: str) -> set[str]:
    """The addresses in a text that are this repository's: the one to install from, to clone or to cite.

    Other repositories may be named too; ours is marked by what stands around it: `git+`, `git clone`,
    `repository-code:`, `Repository =` and `/blob/main/chapters`.
    """
    url = f"({GITHUB.pattern})"
    marks = (
        rf'git\+{url}|git clone {url}|repository-code: "?{url}|Repository = "{url}|{url}/blob/main/chapters'
    )
    return {clean(address) for found in re.findall(marks, text) for address in found if address}


def clean(address: str) -> str:
    """An address without the ending that git allows."""
    return address.removesuffix(".git")


def check(root: Path = ROOT) -> list[str]:
    """One sentence for each file whose address is not the configured one."""
    wanted = configured(root)
    complaints = []
    for path in carriers(root):
        for address in sorted(repository_addresses(path.read_text(encoding="utf-8")) - {wanted}):
            name = path.relative_to(root).as_posix()
            complaints.append(f"{name} says {address}, _config.yml says {wanted}; make address mends it")
    return complaints


def rewrite(owner_and_name: str, root: Path = ROOT) -> list[Path]:
    """Writes a repository's address into `_config.yml` and every carrier; returns the files that changed.

    Raises:
        ValueError: the argument is not of the form owner/name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", owner_and_name):
        raise ValueError(f"ADDRESS must be owner/name of a GitHub repository, got {owner_and_name!r}")
    address = f"https://github.com/{clean(owner_and_name)}"
    config = root / "_config.yml"
    changed = []
    texts = {config: IN_CONFIG.sub(rf"\g<1>{address}", config.read_text(encoding="utf-8"))}
    for path in carriers(root):
        text = path.read_text(encoding="utf-8")
        for old in sorted(repository_addresses(text), key=len, reverse=True):
            text = re.sub(re.escape(old) + r"(?![A-Za-z0-9_-])", address, text)
        texts[path] = text
    for path, text in texts.items():
        if text != path.read_text(encoding="utf-8"):
            temporary = path.with_name(path.name + ".part")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
            changed.append(path)
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
    names = ", ".join(path.name for path in changed) or "nothing"
    print(f"The repository's address is {configured()}; changed: {names}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
