"""Sphinx extension: in a chapter, the first use of each term of the glossary leads to its definition.

Chapters need no markup for it: a term that is added to the glossary is linked everywhere. Code, formulas,
headings, captions and what is a link already stay as they are.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

PAGES = "chapters/"
UNTOUCHED = (
    nodes.literal,
    nodes.literal_block,
    nodes.reference,
    nodes.title,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.caption,
    nodes.image,
)


def definitions(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Return document and anchor of every term; acronyms as they are, other terms in lower case.

    Single letters are no words to be linked: M is a unit, and also a number of channels.
    """
    found = app.env.get_domain("std").get_objects()
    terms = [(name, page, anchor) for name, _, kind, page, anchor, _ in found if kind == "term"]
    return {_key(name): (page, anchor) for name, page, anchor in terms if len(name) > 1}


def _key(name: str) -> str:
    return name if name.isupper() else name.lower()


def first_uses(text: str, pattern: re.Pattern, terms: dict, seen: set) -> list[tuple[int, int, str]]:
    """Return start, end and term of each first use in `text`, and add these terms to `seen`."""
    uses = []
    for match in pattern.finditer(text):
        word = match["word"]
        key = word if word in terms else word.lower()
        if key in terms and terms[key] not in seen:
            seen.add(terms[key])
            uses.append((match.start("word"), match.end(), key))
    return uses


def link_first_uses(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Replace words of the text by links, each definition once."""
    terms = definitions(app)
    if not page.startswith(PAGES) or not terms:
        return
    longest_first = sorted(terms, key=len, reverse=True)
    words = "|".join(re.escape(word) for word in longest_first)
    pattern = re.compile(rf"(?<![\w-])(?P<word>{words})(?:s|es)?(?![\w-])", re.IGNORECASE)
    seen: set[tuple[str, str]] = set()
    for text in list(tree.findall(nodes.Text)):
        ancestor = text.parent
        while ancestor is not None and not isinstance(ancestor, UNTOUCHED):
            ancestor = ancestor.parent
        uses = [] if ancestor is not None else first_uses(str(text), pattern, terms, seen)
        if not uses:
            continue
        pieces, done = [], 0
        for start, end, key in uses:
            target, anchor = terms[key]
            address = f"{app.builder.get_relative_uri(page, target)}#{anchor}"
            pieces += [
                nodes.Text(text[done:start]),
                nodes.reference("", text[start:end], internal=True, refuri=address, classes=["term"]),
            ]
            done = end
        text.parent.replace(text, [*pieces, nodes.Text(text[done:])])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the links."""
    app.connect("doctree-resolved", link_first_uses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
