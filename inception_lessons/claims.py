"""What a page says about a trained network, checked where the page is built and not forced on its reader."""

import os

STRICT_VARIABLE = "INCEPTION_LESSONS_STRICT"
"""Environment variable: if it is 1, as in the book's build and its tests, a claim that fails is an error."""


class ClaimFails(AssertionError):
    """A sentence of the page does not hold for the run above it."""


def page_says(sentence: str, holds: bool) -> None:
    """Check that `sentence`, which the page states about its own training run, holds in this one.

    Arithmetic is asserted. A trained network is another matter: its numbers depend on the seed, the machine
    and the version of PyTorch, and a reader is invited to change them. So where the book is built a claim
    that fails is an error, and anywhere else it is told and the notebook goes on.

    Raises:
        ClaimFails: `holds` is false and `INCEPTION_LESSONS_STRICT` is 1.
    """
    if holds:
        return
    told = f"In this run it does not hold that {sentence}."
    if os.environ.get(STRICT_VARIABLE) == "1":
        raise ClaimFails(told)
    print(f"{told} The text was written for the run as published; go by your own numbers.")
