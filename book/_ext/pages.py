"""Sphinx extension: light pages that ask no other host.

* Icons: the theme brings 1.5 MB of Font Awesome script beside the same icons as a web font. The script is
  dropped (see `_templates/static/webpack-macros.html`), and the font and its style sheet are cut down to
  the icons that the pages show.
* Markup for everybody: what Sphinx writes against the rules of ARIA and of lists is written by them.
* Scripts wait until the page is parsed, so that text and instruments come first.
* The theme measures every block of code when the page is loaded, and so lays out every cell that could have
  waited for the reader; it measures none, and `book.js` does that when there is nothing else to do.
* What the instruments of a page have in common stands in it once.
* Launch buttons: only on pages that Colab and Binder can open.
* Front door: `index.html` at the top of the site leads to the landing page.
* What no page uses (maps of minified files, fonts of icons, notebooks' execution reports of past builds) is
  removed.
"""

import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

from inception_lessons.widgets import share

PARAMETERS = re.compile(r"<dl>\n((?:<dd>.*?</dd>\n)+)</dl>")
MEASURED = re.compile(
    r'(?:document\.querySelectorAll\("pre, [^"]*"\)|\[\])(?=\.forEach\(\(\w+=>\{\w+\.tabIndex=)'
)
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
ICON = re.compile(r"\bfa-([a-z0-9-]+)")
CODE = re.compile(r"[\"'](?:\\([ef][0-9a-f]{3})|([\ue000-\uf8ff]))[\"']")
FONTS = {
    "solid": ("fa-solid-900.ttf", "Font Awesome 6 Free"),
    "brands": ("fa-brands-400.ttf", "Font Awesome 6 Brands"),
}
UNUSED = (
    "_static/**/*.map",
    "_static/vendor",
    "_static/images/logo_deepnote.svg",
    "_static/images/logo_jupyterhub.svg",
    "_static/webpack-macros.html",
    "_static/sbt-webpack-macros.html",
)
STYLE = """\
/* Icons by Font Awesome Free (fontawesome.com): icons CC BY 4.0, fonts SIL OFL 1.1; only those shown. */
:root {
  --fa-font-solid: normal 900 1em/1 "Font Awesome 6 Free";
  --fa-font-regular: normal 900 1em/1 "Font Awesome 6 Free";
  --fa-font-brands: normal 900 1em/1 "Font Awesome 6 Brands";
}
.fa, .fas, .far, .fa-solid, .fa-regular { font: var(--fa-font-solid); }
.fab, .fa-brands { font: var(--fa-font-brands); }
.fa, .fas, .far, .fab, .fa-solid, .fa-regular, .fa-brands { display: inline-block; font-variant: normal; }
"""
FACE = """\
@font-face {{ font-family: "{family}"; src: url({file}) format("woff"); font-weight: 900; }}
"""
FRONT_DOOR = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={page}">
</head>
<body><h1>{title}</h1><p><a href="{page}">Open the book</a></p></body>
</html>
"""


def font_folder() -> Path:
    """The folder of Font Awesome inside the installed theme."""
    import pydata_sphinx_theme

    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static" / "vendor"
    return next(theme.glob("fontawesome/*"))


def code_points(style: str) -> dict[str, int]:
    """The icons of Font Awesome's style sheet: name to code point."""
    found = {}
    for names, code in re.findall(r'((?:\.fa-[a-z0-9-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"\}', style):
        for name in re.findall(r"\.fa-([a-z0-9-]+):", names):
            found[name] = int(code, 16)
    return found


def shown_in(site: Path, points: dict[str, int]) -> set[int]:
    """The code points that pages and theme scripts name, and those that other style sheets write out."""
    pages = [*site.rglob("*.html"), *(site / "_static" / "scripts").glob("*.js")]
    names = {name for path in pages for name in ICON.findall(path.read_text(encoding="utf-8"))}
    styles = [
        path.read_text(encoding="utf-8")
        for path in (site / "_static").rglob("*.css")
        if path.name not in ("icons.css", "site.css")
    ]
    written = {int(code, 16) if code else ord(sign) for style in styles for code, sign in CODE.findall(style)}
    return {points[name] for name in names & points.keys()} | written


def write_icons(site: Path) -> None:
    """Writes `_static/icons.css` and the small fonts that it names, for the icons that the site shows."""
    folder = font_folder()
    points = code_points((folder / "css" / "all.min.css").read_text(encoding="utf-8"))
    shown = shown_in(site, points)
    style = [STYLE]
    for name, (file, family) in FONTS.items():
        font = TTFont(folder / "webfonts" / file, recalcTimestamp=False)
        wanted = shown & font.getBestCmap().keys()
        if not wanted:
            continue
        cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True))
        cutter.populate(unicodes=wanted)
        cutter.subset(font)
        font.flavor = "woff"
        font.save(site / "_static" / f"icons-{name}.woff")
        style.append(FACE.format(family=family, file=f"icons-{name}.woff"))
    style += [
        f'.fa-{name}::before {{ content: "\\{point:x}"; }}\n'
        for name, point in points.items()
        if point in shown
    ]
    (site / "_static" / "icons.css").write_text("".join(style), encoding="utf-8")


def remove_unused(site: Path) -> None:
    """Deletes what the theme copies and no page asks for."""
    for pattern in UNUSED:
        for path in sorted(site.glob(pattern), reverse=True):
            if path.is_dir():
                for inner in sorted(path.rglob("*"), reverse=True):
                    inner.rmdir() if inner.is_dir() else inner.unlink()
                path.rmdir()
            else:
                path.unlink()


def measure_nothing(site: Path) -> None:
    """Takes the list of all blocks of code out of the theme's script."""
    script = site / "_static" / "scripts" / "pydata-sphinx-theme.js"
    text, found = MEASURED.subn("[]", script.read_text(encoding="utf-8"))
    if found != 1:
        raise ExtensionError(
            f"{script} has the list of blocks that it measures {found} times, not once: look for `tabIndex` "
            "in it, and write MEASURED in book/_ext/pages.py anew"
        )
    script.write_text(text, encoding="utf-8")


def write_front_door(app, site: Path) -> None:
    """Writes the page at the top of the site, which leads to the landing page."""
    text = FRONT_DOOR.format(
        language=app.config.language or "en",
        title=app.config.html_title,
        page=app.builder.get_target_uri(app.config.root_doc),
    )
    (site / "index.html").write_text(text, encoding="utf-8")


def keep_launch_for_notebooks(app, pagename, templatename, context, doctree):
    """Takes the launch button off pages whose source is Markdown with cells: Colab opens notebooks only."""
    if app.env.doc2path(pagename).endswith(".ipynb"):
        return
    buttons = context.get("header_buttons", [])
    context["header_buttons"] = [button for button in buttons if button.get("label") != "launch-buttons"]


def escape_addresses(app, pagename, templatename, context, doctree):
    """Escapes what stands between the parts of a button's address: the theme leaves that out."""
    for button in context.get("header_buttons", []):
        for one in (button, *button.get("buttons", [])):
            if "url" in one:
                one["url"] = one["url"].replace("&amp;", "&").replace("&", "&amp;")


def by_the_rules(app, pagename, templatename, context, doctree):
    """Mends the page's body: signatures are lists without terms, and entries of a list have no such role."""
    if "body" not in context:
        return
    lines = PARAMETERS.sub(
        lambda found: f'<span class="sig-lines">{found[1].replace("dd>", "span>")}</span>', context["body"]
    )
    context["body"] = lines.replace('role="doc-biblioentry"', 'role="listitem"')


def share_code(app, pagename, templatename, context, doctree):
    """Writes what the page's instruments have in common once."""
    if "body" in context:
        context["body"] = share(context["body"])


def defer_scripts(app, pagename, templatename, context, doctree):
    """Lets the page be parsed before its scripts run, but for those that scripts in the page stand on.

    The states of progress bars, which no script of the page reads, go.
    """
    context["script_files"] = [
        script for script in context["script_files"] if script.attributes.get("type") != WIDGET_STATE
    ]
    for script in context["script_files"]:
        name = str(getattr(script, "filename", "") or "")
        if name and not name.endswith(("documentation_options.js", "doctools.js")):
            script.attributes.setdefault("defer", "defer")


def finish(app, error):
    """Runs when the pages are written."""
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    remove_unused(site)
    measure_nothing(site)
    write_icons(site)
    if app.config.root_doc != "index":
        write_front_door(app, site)


def setup(app):
    # Jupyter Book sets this value for an extension that this book leaves out, and Sphinx warns of strangers.
    app.add_config_value("comments_config", {}, "html")
    app.add_css_file("icons.css")
    # After the theme's own handlers (501), which add the button.
    app.connect("html-page-context", keep_launch_for_notebooks, priority=600)
    app.connect("html-page-context", escape_addresses, priority=600)
    app.connect("html-page-context", by_the_rules)
    app.connect("html-page-context", share_code)
    app.connect("html-page-context", defer_scripts, priority=900)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
