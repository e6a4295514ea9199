"""Sphinx extension: equations without another host.

The package sphinx-mathjax-offline carries all of MathJax 3.2.2 and, used as an extension itself, copies 24
MB into the site. Here only the parts that the pages use are copied, and MathJax is told which: TeX input
with the AMS commands, CommonHTML output, and the hidden MathML that screen readers read. Undefined commands
are not smoothed over, so that a test can find them.
"""

import shutil
from importlib import util
from pathlib import Path

from sphinx.util.fileutil import copy_asset_file

PARTS = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "output/chtml.js",
    "output/chtml/fonts/tex.js",
    "a11y/assistive-mml.js",
)
FONTS = "output/chtml/fonts/woff-v2"
SETTINGS = {
    "loader": {"load": ["core", "input/tex", "output/chtml", "a11y/assistive-mml"]},
    "tex": {"packages": ["base", "ams", "newcommand", "configmacros"]},
    "options": {"enableAssistiveMml": True},
}


def source() -> Path:
    """The folder of MathJax inside the installed package."""
    spec = util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed; run make env")
    return Path(spec.origin).parent / "static" / "mathjax"


def preload(app, pagename, templatename, context, doctree):
    """Lets the browser fetch MathJax's parts all at once, on pages with equations."""
    if not app.env.get_domain("math").has_equations(pagename):
        return
    links = [
        f'<link rel="preload" as="script" href="{context["pathto"]("_static/mathjax/" + part, 1)}" />'
        for part in PARTS
    ]
    context["metatags"] = context.get("metatags", "") + "\n".join(links)


def copy_parts(app, error):
    """Copies the parts and the fonts into the finished site."""
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        copy_asset_file(str(source() / part), str(target / part))
    shutil.copytree(source() / FONTS, target / FONTS, dirs_exist_ok=True)


def setup(app):
    app.config.mathjax_path = "mathjax/startup.js"
    app.config.mathjax3_config = SETTINGS
    app.connect("html-page-context", preload)
    app.connect("build-finished", copy_parts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
