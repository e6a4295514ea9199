"""Sphinx extension: equations as MathML, so that they need no script and no other host.

Pandoc turns each page's TeX into MathML, which every current browser draws. Three habits of TeX are put
back: a thin space beside the name of a function, norm bars that keep their size, and no copy of the source
in the page. A formula that pandoc does not understand stops the build.

The font is STIX Two Math, which comes with ziamath, cut down to the characters that the pages show. Without
it a telephone that has no mathematical font would draw brackets and roots that do not grow.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pypandoc
from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
FUNCTION_APPLICATION = "\u2061"
THIN_SPACE = "0.1667em"
FORMULA = re.compile(r"<math.*?</math>", re.DOTALL)
# A browser draws a single letter in mathematical italics, which are characters of their own.
ITALICS = {0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)}
ROOT_SIGN = ord("√")
STYLE = """\
/* STIX Two Math (stixfonts.org), SIL Open Font License 1.1; only the characters that the pages show. */
@font-face { font-family: "Book Math"; src: url(mathematics.woff) format("woff"); font-display: swap; }
math { font-family: "Book Math", math; font-size: 1.08em; }
"""


def mathml(formulas: Iterable[tuple[str, bool]]) -> list[str]:
    """Return the MathML of each formula, given as TeX and whether it is displayed on lines of its own.

    Raises:
        ValueError: pandoc does not understand a formula.
    """
    paragraphs = []
    for tex, displayed in formulas:
        opening, closing = (r"\[", r"\]") if displayed else (r"\(", r"\)")
        paragraphs.append(f"{opening}{' '.join(tex.split())}{closing}")
    if not paragraphs:
        return []
    page = pypandoc.convert_text(
        "\n\n".join(paragraphs),
        "html",
        format="markdown+tex_math_single_backslash",
        extra_args=["--mathml", "--wrap=none"],
    )
    blocks = page.strip().splitlines()
    for source, block in zip(paragraphs, blocks, strict=True):
        if not FORMULA.search(block):
            raise ValueError(
                f"pandoc does not understand the formula {source}; write it with simpler commands"
            )
    return [as_tex_spaces_it(FORMULA.search(block)[0]) for block in blocks]


def as_tex_spaces_it(formula: str) -> str:
    """Return MathML with TeX's spaces beside functions, norm bars of normal size, and without its source."""
    ElementTree.register_namespace("", NAMESPACE.strip("{}"))
    root = ElementTree.fromstring(formula)
    semantics = root.find(f"{NAMESPACE}semantics")
    root[:] = semantics[:1]
    for bar in root.iter(f"{NAMESPACE}mo"):
        if bar.text == "‖":
            bar.set("stretchy", "false")
    for row in list(root.iter()):
        for at, child in enumerate(list(row)):
            if [part.text for part in child][1:] == [FUNCTION_APPLICATION]:
                row[at] = function(child[0], row[at - 1] if at else None, next(iter(row[at + 1 :]), None))
    return ElementTree.tostring(root, encoding="unicode")


def function(name: ElementTree.Element, before, after) -> ElementTree.Element:
    """Return a function's name as an operator, with a thin space beside what is no operator or bracket."""
    spaces = {side: THIN_SPACE if spaced(beside) else "0" for side, beside in (("l", before), ("r", after))}
    node = ElementTree.Element(
        f"{NAMESPACE}mo", {"form": "infix", "lspace": spaces["l"], "rspace": spaces["r"]}
    )
    node.text = name.text
    return node


def spaced(beside: ElementTree.Element | None) -> bool:
    """Return whether TeX puts a thin space between a function's name and this neighbour."""
    while beside is not None and beside.tag in (f"{NAMESPACE}mrow", f"{NAMESPACE}msup") and len(beside):
        beside = beside[0]
    return beside is not None and beside.tag not in (f"{NAMESPACE}mo", f"{NAMESPACE}mspace")


def translate(app, doctree, docname) -> None:
    """Sets the MathML of every equation of a page."""
    if app.builder.format != "html":
        return
    equations = [node for node in doctree.findall() if isinstance(node, nodes.math | nodes.math_block)]
    formulas = [(node.astext(), isinstance(node, nodes.math_block)) for node in equations]
    try:
        for node, text in zip(equations, mathml(formulas), strict=True):
            node["mathml"] = text
    except ValueError as error:
        raise ExtensionError(f"{docname}: {error}") from error


def visit_inline(writer, node) -> None:
    """Writes an equation that stands in a line."""
    writer.body.append(writer.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    writer.body.append(node["mathml"] + "</span>")
    raise nodes.SkipNode


def visit_displayed(writer, node) -> None:
    """Writes an equation that stands on lines of its own, with its number if it has one."""
    writer.body.append(writer.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})</span>')
    writer.body.append(node["mathml"] + "</div>")
    raise nodes.SkipNode


def characters(site: Path) -> set[int]:
    """The code points that the site's equations show, with those that a browser puts for single letters and
    for roots, which no text of MathML has."""
    texts = (path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    formulas = "".join(formula for text in texts for formula in FORMULA.findall(text))
    shown = "".join(ElementTree.fromstring(f"<all>{formulas}</all>").itertext())
    return ITALICS | {ROOT_SIGN} | set(map(ord, shown))


def write_font(app, error) -> None:
    """Writes the font and its style sheet into the finished site."""
    if error or app.builder.format != "html":
        return
    import ziamath

    site = Path(app.outdir)
    font = TTFont(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf", recalcTimestamp=False)
    cutter = subset.Subsetter(subset.Options(layout_features=["ssty"], notdef_outline=True))
    cutter.populate(unicodes=characters(site))
    cutter.subset(font)
    font.flavor = "woff"
    font.save(site / "_static" / "mathematics.woff")
    (site / "_static" / "mathematics.css").write_text(STYLE, encoding="utf-8")


def setup(app):
    app.add_html_math_renderer(
        "mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_displayed, None)
    )
    app.add_css_file("mathematics.css")
    app.connect("doctree-resolved", translate)
    app.connect("build-finished", write_font)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
