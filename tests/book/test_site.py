"""The built pages, read as files: links, outside resources, headings, alternative texts, outputs."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pydata_sphinx_theme
import pytest
import sphinx_book_theme
from bs4 import BeautifulSoup, Tag
from fontTools.ttLib import TTFont

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
# The page at the top only leads to the landing page; Sphinx's indices and search bring their own form.
GENERATED = {"index.html", "genindex.html", "py-modindex.html", "search.html"}
# What a browser loads without being asked: (element, attribute).
LOADED = (
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("track", "src"),
    ("image", "href"),
    ("use", "href"),
)
MOUNTS = re.compile(r'mountWidget\("\w+\.mjs", "([\w-]+)"\);')
LOADING_LINKS = {
    "stylesheet",
    "preload",
    "icon",
    "modulepreload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "manifest",
}


def pages() -> list[str]:
    """Every HTML file of the site, relative; one name that says so where there is no site."""
    found = (
        sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")) if SITE.is_dir() else []
    )
    return found or ["no pages: run make book"]


@cache
def parsed(name: str) -> BeautifulSoup:
    """A page's tree, read once."""
    return BeautifulSoup((SITE / name).read_text(encoding="utf-8"), "html.parser")


@cache
def places(name: str) -> frozenset[str]:
    """The anchors of a page."""
    tree = parsed(name)
    named = {tag["name"] for tag in tree.find_all("a", attrs={"name": True})}
    return frozenset(named | {tag["id"] for tag in tree.find_all(id=True)})


@pytest.fixture(params=pages())
def name(request, html) -> str:
    """The name of a page; the `html` fixture fails first where the last build did not finish."""
    return request.param


@pytest.fixture
def tree(name) -> BeautifulSoup:
    return parsed(name)


def is_foreign(address: str) -> bool:
    """Whether an address leads to another host."""
    return bool(urlsplit(address.strip()).netloc)


def loaded_by(tree: BeautifulSoup) -> Iterator[str]:
    """Every address that the page's markup makes a browser load."""
    for element, attribute in LOADED:
        for tag in tree.find_all(element):
            for key in (attribute, f"xlink:{attribute}"):
                if tag.get(key):
                    parts = tag[key].split(",") if key == "srcset" and "data:" not in tag[key] else [tag[key]]
                    yield from (part.split()[0] for part in parts if part.strip())
    for link in tree.find_all("link", href=True):
        if LOADING_LINKS & set(link.get("rel", [])):
            yield link["href"]


def addresses_in_style(text: str) -> list[str]:
    """What a style sheet loads, by url() or @import."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    urls = re.findall(r"""url\(\s*['"]?([^'")]+)""", text)
    return urls + re.findall(r"""@import\s+['"]([^'"]+)""", text)


def target(page: str, address: str) -> tuple[Path, str]:
    """The file and the anchor that an internal address leads to."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    file = SITE / page if not path else ((SITE / page).parent / path).resolve()
    return (file / "index.html" if file.is_dir() else file), unquote(parts.fragment)


def test_internal_links_and_anchors_lead_somewhere(name, tree):
    broken = []
    for anchor in tree.find_all("a", href=True):
        address = anchor["href"]
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or address == "#":
            continue
        file, fragment = target(name, address)
        if not file.is_file():
            broken.append(f"{address}: no such page")
            continue
        there = (
            places(file.resolve().relative_to(SITE.resolve()).as_posix()) if file.suffix == ".html" else ()
        )
        if fragment and fragment not in there:
            broken.append(f"{address}: no such place on the page")
    assert broken == []


WORKS = {
    "arxiv.org": r"/(abs|pdf)/(\d{4}\.\d{4,5}|[a-z.-]+/\d{7})(v\d+)?(\.pdf)?",
    "doi.org": r"/10\.\d{4,9}/\S+",
    "github.com": r"/[A-Za-z0-9][A-Za-z0-9-]*(/[\w.-]+(/.*)?)?",
}
"""Where papers and code lie: the form of an address there. Nobody asks these hosts."""


def test_links_to_other_hosts_are_well_formed(tree):
    """By form alone: encrypted, a host with a domain, no space, a paper's number as its archive writes it."""
    wrong = []
    for address in {link["href"] for link in tree.find_all("a", href=True) if is_foreign(link["href"])}:
        parts = urlsplit(address)
        host = parts.hostname or ""
        form = WORKS.get(host.removeprefix("www."), ".*")
        named = re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", host) is not None
        if parts.scheme != "https" or not named or " " in address or not re.fullmatch(form, parts.path):
            wrong.append(address)
    assert not wrong


def test_everything_loaded_is_a_file_of_the_site(name, tree):
    wrong = []
    for address in loaded_by(tree):
        if address.startswith("data:"):
            continue
        if is_foreign(address) or not target(name, address)[0].is_file():
            wrong.append(address)
    assert wrong == []


def test_styles_in_the_page_load_nothing_from_elsewhere(tree):
    texts = [style.get_text() for style in tree.find_all("style")]
    texts += [tag["style"] for tag in tree.find_all(style=True)]
    assert [url for text in texts for url in addresses_in_style(text) if is_foreign(url)] == []


def test_the_code_of_the_instruments_stands_once(tree):
    scripts = [script.get_text() for script in tree.find_all("script")]
    hosts = [host["id"] for host in tree.select("div.il-widget")]
    assert [found[1] for text in scripts if (found := MOUNTS.fullmatch(text))] == hosts
    assert sum("class Model" in text for text in scripts) == bool(hosts)
    assert not tree.select("script[data-module]")


def test_style_sheets_load_only_files_of_the_site(html):
    wrong = []
    for sheet in html.rglob("*.css"):
        for url in addresses_in_style(sheet.read_text(encoding="utf-8")):
            if url.startswith(("data:", "#")):
                continue
            if is_foreign(url) or not (sheet.parent / unquote(urlsplit(url).path)).is_file():
                wrong.append(f"{sheet.name}: {url}")
    assert wrong == []


def names_in(style: str) -> set[str]:
    """The classes and ids that a style sheet names."""
    return set(re.findall(r"(?<=[.#])[A-Za-z_][\w-]*", style))


@cache
def names_of_the_themes() -> set[str]:
    """The classes and ids of the installed themes' style sheets, and of the book's own."""
    found = names_in((SITE.parents[1] / "book" / "_static" / "book.css").read_text(encoding="utf-8"))
    for theme in (pydata_sphinx_theme, sphinx_book_theme):
        for sheet in Path(theme.__file__).parent.glob("theme/*/static/styles/*.css"):
            found |= names_in(sheet.read_text(encoding="utf-8"))
    return found


def test_one_style_sheet_has_the_rules_of_all(name, tree, html):
    """No class or id of the page that a theme draws is missing in it."""
    sheets = [link["href"] for link in tree.find_all("link", rel="stylesheet")]
    if name == "index.html":
        assert sheets == []
        return
    assert [re.sub(r"^(\.\./)*|\?v=\w{8}$", "", sheet) for sheet in sheets] == ["_static/site.css"]
    shown = {one for tag in tree.find_all(class_=True) for one in tag["class"]}
    shown |= {tag["id"] for tag in tree.find_all(id=True)}
    drawn = shown & names_of_the_themes()
    assert len(drawn) > 50
    assert drawn <= names_in((html / "_static" / "site.css").read_text(encoding="utf-8"))


def test_the_style_sheet_keeps_what_scripts_add(html):
    """Bootstrap composes some of these names: `bs-` and a kind and `-auto`."""
    added = {"show", "collapsing", "bs-tooltip-auto", "offcanvas-backdrop", "highlighted"}
    assert added <= names_in((html / "_static" / "site.css").read_text(encoding="utf-8"))


def test_every_page_has_a_language_a_title_and_one_heading(tree):
    assert tree.html["lang"] == "en"
    assert tree.title and tree.title.get_text(strip=True)
    assert [heading.get_text(" ", strip=True) != "" for heading in tree.find_all("h1")] == [True]


def test_headings_skip_no_level(tree):
    article = tree.find("article") or tree.body
    levels = [int(heading.name[1]) for heading in article.find_all(re.compile("^h[1-6]$"))]
    assert [(a, b) for a, b in zip(levels, levels[1:], strict=False) if b > a + 1] == []


def test_the_mathematical_font_has_every_character_and_can_grow(html):
    font = TTFont(html / "_static" / "mathematics.woff")
    assert "MATH" in font, "without this table brackets and roots do not grow"
    shown = {
        sign for name in pages() for formula in parsed(name).find_all("math") for sign in formula.get_text()
    }
    assert "√" not in shown, "it is drawn for msqrt, and has to be in the font all the same"
    shown.add("√")
    invisible = {" ", "\n", "\u2061"}
    assert len(shown) > 60
    assert not {sign for sign in shown - invisible if ord(sign) not in font.getBestCmap()}


def test_html_is_valid(name):
    """Parsed as browsers do it, and without one of the errors that they forgive."""
    parser = html5lib.HTMLParser()
    text = (SITE / name).read_text(encoding="utf-8")
    parser.parse(text)
    lines = text.splitlines()
    assert not [
        f"line {line}: {error} {lines[line - 1][max(0, at - 80) : at + 20]}"
        for (line, at), error, _ in parser.errors
    ]


def test_ids_are_unique(name, tree):
    ids = [tag["id"] for tag in tree.find_all(id=True)]
    # The theme's search page holds its form twice, the second time inside the hidden overlay.
    allowed = {"search-input"} if name == "search.html" else set()
    assert {one for one in ids if ids.count(one) > 1} <= allowed


def is_silent(tag: Tag) -> bool:
    """Whether a picture is marked as decoration, itself or by what is around it."""
    return any(parent.get("aria-hidden") == "true" for parent in (tag, *tag.parents))


def test_every_picture_has_an_alternative_text(tree):
    without = [
        image.get("src", "")[:80]
        for image in tree.find_all("img")
        if not is_silent(image) and not image.get("alt")
    ]
    for drawing in tree.select("article svg"):
        named = drawing.get("aria-label") or drawing.get("aria-labelledby") or drawing.find("title")
        if not named and not is_silent(drawing) and not drawing.find_parent("button"):
            without.append(str(drawing)[:120])
    assert without == []


def test_no_output_is_empty_or_an_error(tree):
    said = [
        output
        for output in tree.select("div.cell_output")
        if not output.find(["img", "svg", "table", "script", "template"])
    ]
    assert [str(output)[:200] for output in said if not output.get_text(strip=True)] == []
    assert tree.select("div.cell_output .traceback, div.cell_output .stderr, .system-message") == []


def test_icons_that_the_page_names_are_drawn(name, tree, html):
    style = (html / "_static" / "site.css").read_text(encoding="utf-8")
    modifiers = {"fa-solid", "fa-regular", "fa-brands", "fa-lg", "fa-xs", "fa-sm", "fa-fw"}
    named = {
        one for tag in tree.find_all(class_=True) for one in tag["class"] if one.startswith("fa-")
    } - modifiers
    assert {one for one in named if f".{one}:before" not in style} == set()


def test_what_no_page_uses_is_not_shipped(html):
    assert [path.name for path in html.rglob("*.css")] == ["site.css"]
    size = sum(path.stat().st_size for path in (html / "_static").rglob("*") if path.is_file())
    assert list(html.rglob("*.map")) == [] and not (html / "_static" / "vendor").exists()
    assert size < 3_000_000


def test_a_chapter_links_the_first_use_of_a_word_of_the_glossary_and_no_other(html):
    for notebook in sorted((html.parents[1] / "chapters").glob("*.ipynb")):
        article = parsed(f"chapters/{notebook.stem}.html").find("article")
        links = article.find_all("a", class_="term")
        targets = [link["href"] for link in links]
        assert len(targets) == len(set(targets)) >= 12, notebook.name
        mac = next(link for link in links if link["href"].endswith("conventions.html#term-MAC"))
        earlier = mac.find_all_previous(string=re.compile(r"\bMACs?\b"))
        prose = [text for text in earlier if text.parent.name == "p"]
        before = [text for text in prose if text.find_parent(class_="text_html") is None]  # not of a widget
        assert before == [], f"{notebook.name} uses MAC before its link: {before[0]}"
