"""What every layer of tests shares: where things are, and how random tests draw."""

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

FUZZ_VARIABLE = "INCEPTION_LESSONS_FUZZ"
"""Environment variable: random tests draw the same examples on every run, unless this is a factor such as 1
or 20; then they draw so many times as many, other ones on every run."""
FACTOR = int(os.environ.get(FUZZ_VARIABLE, 0))

hypothesis.settings.register_profile(
    "book",
    derandomize=not FACTOR,
    database=None,
    deadline=None,
    print_blob=True,
    phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},  # it traces every line, at ten times the time
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("book")


@pytest.fixture(scope="session")
def times() -> int:
    """The factor for the number of random examples."""
    return max(FACTOR, 1)


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
