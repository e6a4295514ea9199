"""Claims about training runs: an error where the book is built, a remark for a reader who changes them."""

import pytest

from inception_lessons.claims import STRICT_VARIABLE, ClaimFails, page_says
from tools import book


def test_a_claim_that_holds_says_nothing(capsys, monkeypatch):
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    page_says("two is more than one", 2 > 1)
    assert capsys.readouterr().out == ""


def test_a_claim_that_fails_stops_the_build(monkeypatch):
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    with pytest.raises(ClaimFails, match="does not hold that the network beats chance"):
        page_says("the network beats chance", False)


def test_a_reader_is_told_and_goes_on(capsys, monkeypatch):
    monkeypatch.delenv(STRICT_VARIABLE, raising=False)
    page_says("the network beats chance", False)
    assert "the network beats chance" in capsys.readouterr().out


def test_the_build_and_nbval_are_strict():
    assert book.environ_for_notebooks()[STRICT_VARIABLE] == "1"
