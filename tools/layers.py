"""Runs the layers of tests, each under its own name and with its time: python -m tools.layers test, or
check.

`check` is the developer's loop. `test` runs everything that can run, also after a failure, and ends with
one summary.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tools import book, browser

PYTEST = (sys.executable, "-m", "pytest", "-q")


class Layer(NamedTuple):
    """A name, the command that runs it, and the names of the layers that must have passed before."""

    name: str
    command: Sequence[str]
    needs: tuple[str, ...] = ()
    environ: Mapping[str, str] | None = None


class Outcome(NamedTuple):
    """What became of a layer: `passed`, `failed` or `not run`, after how many seconds."""

    name: str
    verdict: str
    seconds: float


NBVAL = ("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300")
KEEP = ("-p", "tools.kept_executions")
"""What nbval executes, the book's build need not execute again."""
STYLE = Layer("style (the hooks of .pre-commit-config.yaml)", (sys.executable, "-m", "tools.style"))
TWO_WORKERS = (*PYTEST, "-n2")
ONE_THREAD_EACH = os.environ | {"OMP_NUM_THREADS": "1"}
"""Two workers of two threads each on two cores wait for one another, and take several times as long."""
ARITHMETIC = Layer("arithmetic and papers", (*TWO_WORKERS, "tests/arithmetic"), environ=ONE_THREAD_EACH)
MODULES = Layer(
    "modules against torchvision and flop_counter", (*TWO_WORKERS, "tests/modules"), environ=ONE_THREAD_EACH
)
QUICK = Layer(
    "the quick tests of arithmetic and modules",
    (*TWO_WORKERS, "tests/arithmetic", "tests/modules", "-m", "not slow"),
    environ=ONE_THREAD_EACH,
)
"""Both in one run: every worker imports torch and collects once."""


def every_layer(browser_path: str | None) -> list[Layer]:
    """The layers of `make test`; the browser's path goes to the tests by the variable BROWSER."""
    environ = book.environ_for_notebooks()
    notebooks = (*TWO_WORKERS, "--dist=loadfile", *NBVAL, *KEEP, "chapters")
    pages = environ | ({"BROWSER": browser_path} if browser_path else {})
    built = "the book, warnings as errors"
    return [
        STYLE,
        ARITHMETIC,
        MODULES,
        Layer("notebooks, executed by nbval", notebooks, environ=ONE_THREAD_EACH | environ),
        Layer(built, (sys.executable, "-m", "tools.book")),
        Layer("built pages, read as files", (*TWO_WORKERS, "tests/book"), needs=(built,)),
        Layer("built pages, in a browser", (*TWO_WORKERS, "tests/browser"), needs=(built,), environ=pages),
    ]


def run(layers: Sequence[Layer]) -> list[Outcome]:
    """Runs the layers in order; one whose needs were not met is not run."""
    outcomes: list[Outcome] = []
    for number, layer in enumerate(layers, 1):
        unmet = [
            name
            for name in layer.needs
            for done in outcomes
            if done.name == name and done.verdict != "passed"
        ]
        if unmet:
            print(f"\n=== {number}. {layer.name}: not run, because it needs: {', '.join(unmet)}", flush=True)
            outcomes.append(Outcome(layer.name, "not run", 0))
            continue
        print(f"\n=== {number}. {layer.name}", flush=True)
        begun = time.monotonic()
        environ = None if layer.environ is None else dict(layer.environ)
        status = subprocess.run(
            layer.command, cwd=book.ROOT, env=environ, stdin=subprocess.DEVNULL, check=False
        ).returncode
        outcomes.append(Outcome(layer.name, "passed" if status == 0 else "failed", time.monotonic() - begun))
        print(f"=== {layer.name}: {outcomes[-1].verdict} in {outcomes[-1].seconds:.0f} s", flush=True)
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> str:
    """A line for each layer, and last a line that counts them; a layer that was not run counts as failed."""
    lines = [f"{outcome.verdict:8} {outcome.seconds:5.0f} s  {outcome.name}" for outcome in outcomes]
    passed = sum(outcome.verdict == "passed" for outcome in outcomes)
    lines.append(f"{'together':8} {sum(outcome.seconds for outcome in outcomes):5.0f} s")
    return "\n".join([*lines, f"layers: {passed} passed, {len(outcomes) - passed} failed"])


def main(arguments: Sequence[str]) -> int:
    """Returns 0 when every layer passed, else 1."""
    if list(arguments) == ["check"]:
        outcomes = run([STYLE, QUICK])
    elif list(arguments) == ["test"]:
        try:
            path = browser.prepare()
            print(f"Browser: {path}", flush=True)
        except browser.NoBrowser as reason:
            # The layers before the browser still run; the last one fails with the same sentence.
            print(reason, file=sys.stderr, flush=True)
            path = None
        outcomes = run(every_layer(path))
    else:
        print("usage: python -m tools.layers check | test", file=sys.stderr)
        return 1
    print("\n" + summary(outcomes))
    return 0 if all(outcome.verdict == "passed" for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
