"""Sphinx extension: one style sheet for the site, with what the pages use.

The themes and extensions bring ten sheets with 400 kB of rules, Bootstrap's above all, and a browser draws
nothing before it has read them. Lightning CSS puts them together in their order and leaves out rules whose
classes and ids stand in no page and in no script.
"""

import re
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

import lightningcss
from sphinx.errors import ExtensionError

OF_THEME = ("styles/theme.css", "styles/bootstrap.css", "styles/pydata-sphinx-theme.css")
"""The theme's own sheets, in whose place `_templates/static/webpack-macros.html` links the one sheet."""
IMPORTED = "basic.css"
"""What the first of them imports."""
ASKED = (
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "copybutton.css",
    "mystnb.*.css",
    "icons.css",
    "mathematics.css",
    "book.css",
)
"""What extensions and `_config.yml` ask for, in this order, as patterns: later rules win."""
SHEET = "site.css"
LINK = re.compile(rf'(?<=_static/{re.escape(SHEET)})(?:\?v=\w+)?(?=")')
WORD = re.compile(r"[\w-]+")
NAMED = re.compile(r"[.#]([A-Za-z_][\w-]*)")


def unused(style: str, texts: list[str]) -> set[str]:
    """The classes and ids of a style sheet that no page or script can have.

    Args:
        style: the text of the style sheet.
        texts: pages and scripts. A name is used if it stands in one as a word, or if a word of more than two
            characters that ends with a hyphen begins it: scripts make such names, as in `bs-${kind}-auto`.
    """
    words = set().union(*(WORD.findall(text) for text in texts))
    stems = tuple(word for word in words if word.endswith("-") and len(word) > 2)
    return {name for name in NAMED.findall(style) if name not in words and not name.startswith(stems)}


def take_links(app, pagename, templatename, context, doctree):
    """Takes a page's links to single sheets away.

    Raises:
        ExtensionError: the page asks for other sheets than `ASKED`.
    """
    asked = [str(sheet.filename).removeprefix("_static/") for sheet in context["css_files"]]
    if len(asked) != len(ASKED) or not all(map(fnmatch, asked, ASKED)):
        raise ExtensionError(
            f"{pagename} asks for the style sheets {asked}, but the one sheet is made of {list(ASKED)}: "
            "write ASKED in book/_ext/style_sheet.py anew"
        )
    context["css_files"] = []


def write_sheet(app, error):
    """Writes the one sheet, and removes the sheets that it is made of.

    Sphinx copies these whenever it writes a page; where it wrote none, the sheet stays as it is.

    Raises:
        ExtensionError: one of the sheets is missing, and there is no sheet of an earlier build.
    """
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    found = {pattern: list(static.glob(pattern)) for pattern in (*OF_THEME, *ASKED)}
    missing = [pattern for pattern, paths in found.items() if len(paths) != 1]
    if not missing:
        bundle(site, [path.relative_to(static).as_posix() for [path] in found.values()])
    elif not (static / SHEET).exists():
        raise ExtensionError(
            f"{static} must have one style sheet for each of {missing} that the pages stand on: see OF_THEME "
            "and ASKED in book/_ext/style_sheet.py"
        )
    for path in (static / IMPORTED, *sum(found.values(), [])):
        path.unlink(missing_ok=True)
    if (static / "styles").exists():
        (static / "styles").rmdir()


def bundle(site: Path, parts: list[str]) -> None:
    """Writes the one sheet, and its digest into every page's link.

    Args:
        site: the folder of the built pages.
        parts: the sheets in it, relative to `_static`, in their order.
    """
    static = site / "_static"
    source = static / "parts.css"
    source.write_text("".join(f'@import "{part}";\n' for part in parts), encoding="utf-8")
    pages = sorted(site.rglob("*.html"))
    texts = [path.read_text(encoding="utf-8") for path in (*pages, *static.rglob("*.js"))]
    left_out = unused(lightningcss.bundle_css(str(source), minify=False), texts)
    style = lightningcss.bundle_css(str(source), unused_symbols=left_out)
    source.unlink()
    (static / SHEET).write_text(style, encoding="utf-8")
    digest = sha256(style.encode()).hexdigest()[:8]
    for path, text in zip(pages, texts, strict=False):
        linked = LINK.sub(f"?v={digest}", text)
        if linked != text:
            path.write_text(linked, encoding="utf-8")


def setup(app):
    # After all that add sheets to a page, or write them.
    app.connect("html-page-context", take_links, priority=900)
    app.connect("build-finished", write_sheet, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
