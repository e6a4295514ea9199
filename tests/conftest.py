"""What every layer of tests shares: where things are."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built pages; a test that needs them fails where the last build did not finish."""
    folder = ROOT / "_build" / "html"
    if not (folder / "index.html").exists() or (ROOT / "_build" / ".unfinished").exists():
        pytest.fail("There are no finished pages in _build/html; run make book first.", pytrace=False)
    return folder
