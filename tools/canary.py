"""Reports what the newest versions of everything do to the book: a summary, and one issue or none.

    python -m tools.canary OUTCOME CHANGES TESTS

OUTCOME is `success` or `failure`, CHANGES a file with what `make pins` printed, TESTS one with what
`make test` printed. The weekly workflow runs it. Where it failed, the open issue named TITLE gets the new
report, or is opened; where it passed, an open one is closed. It talks to GitHub by its command `gh`; without
GH_TOKEN it only prints the report.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TITLE = "The newest versions break the book"
VERDICT = re.compile(r"^(?:(?:passed|failed|not run|together) +\d+ s.*|layers: .*)$", re.MULTILINE)
FAILURE = re.compile(r"^(?:FAILED|ERROR) .*$", re.MULTILINE)
LONGEST = 40
"""How many lines of failures, and how many of the end of the output, a report holds."""


def read(path: str) -> str:
    """What a step printed; nothing where the steps before it failed."""
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else ""


def fenced(text: str) -> str:
    """A text as a block of code, whatever fences it holds."""
    return f"````text\n{text.replace('````', '')}\n````"


def report(outcome: str, changes: str, tests: str) -> str:
    """The report as Markdown: the verdict, the layers, what failed, and which versions changed."""
    passed = outcome == "success"
    parts = ["The book passes with the newest versions." if passed else f"{TITLE}."]
    verdicts, failures = VERDICT.findall(tests), FAILURE.findall(tests)
    if verdicts:
        parts.append(fenced("\n".join(verdicts)))
    if failures:
        more = len(failures) - LONGEST
        parts.append(fenced("\n".join([*failures[:LONGEST], *([f"and {more} more"] if more > 0 else [])])))
    if not passed and not failures:
        parts.append(fenced("\n".join((tests or changes).splitlines()[-LONGEST:]) or "nothing was printed"))
    parts += ["Versions, from the pins to the newest:", fenced(changes or "they could not be found")]
    if not passed:
        parts.append("To see it: `make PYTHON=/path/to/python3.11 pins`, then `make test`.")
    return "\n\n".join(parts) + "\n"


def gh(*arguments: str) -> str:
    """What GitHub's command prints.

    Raises:
        CalledProcessError: it failed.
    """
    return subprocess.run(("gh", *arguments), check=True, stdout=subprocess.PIPE, text=True).stdout


def open_issues() -> list[str]:
    """The numbers of the open issues that carry the title, oldest first."""
    found = gh("issue", "list", "--state", "open", "--limit", "1000", "--json", "number,title")
    return sorted((str(issue["number"]) for issue in json.loads(found) if issue["title"] == TITLE), key=int)


def file_report(passed: bool, text: str) -> None:
    """Leaves one open issue with this report where it failed, and none where it passed."""
    numbers = open_issues()
    if passed:
        for number in numbers:
            gh("issue", "close", number, "--comment", text)
    elif numbers:
        gh("issue", "edit", numbers[0], "--body", text)
    else:
        gh("issue", "create", "--title", TITLE, "--body", text)


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 for wrong arguments."""
    if len(arguments) != 3 or arguments[0] not in ("success", "failure"):
        print("usage: python -m tools.canary success|failure CHANGES TESTS", file=sys.stderr)
        return 1
    outcome, changes, tests = arguments
    text = report(outcome, read(changes), read(tests))
    print(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text)
    if os.environ.get("GH_TOKEN"):
        file_report(outcome == "success", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
