"""Figures that follow the page: matplotlib's SVG with CSS variables for colours, and its alternative text."""

import html
import io
import os
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from inception_lessons._check import number, one_of

PALETTE: dict[str, tuple[str, str]] = {
    "conv1": ("#2a6fb0", "#6db1ff"),
    "conv3": ("#c2571a", "#ff9d5c"),
    "conv5": ("#8e3fa8", "#d690ee"),
    "asymmetric": ("#8c0f2e", "#f0485e"),
    "pool": ("#4d7a2a", "#9bd06b"),
    "dense": ("#8a6d00", "#e3c04d"),
    "other": ("#5f6670", "#aab2bd"),
    "ink": ("#1b1f24", "#e6e9ee"),
    "muted": ("#59616b", "#a3acb8"),
    "paper": ("#ffffff", "#14181e"),
    "rule": ("#d0d5db", "#3a424d"),
}
"""Colours on light and on dark paper. Operations have one colour in every figure and widget of the book:
`conv1`, `conv3`, `conv5` for 1×1, 3×3, 5×5 kernels, `asymmetric` for 1×n and n×1, `other` for the rest."""

_NARROW_BELOW = 600  # CSS pixels of the container; the wide drawing's smallest text would fall under 10 px
_PIXELS_PER_POINT = 4 / 3
_LARGEST_SCALE = 50
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_KEPT = (
    "stroke-width",
    "stroke-dasharray",
    "stroke-linecap",
    "opacity",
    "fill-opacity",
    "stroke-opacity",
    "text-anchor",
)


def colour(name: str) -> str:
    """Return the colour of an operation or role as it is on light paper; in the page it follows the theme."""
    return PALETTE[one_of("colour", name, PALETTE)][0]


def conv_ink(kernel: tuple[int, int]) -> str:
    """Return the palette's name for a convolution with a kernel of this height and width."""
    height, width = kernel
    if height != width:
        return "asymmetric" if 1 in kernel else "other"
    return {1: "conv1", 3: "conv3", 5: "conv5"}.get(height, "other")


class ThemedFigure:
    """A matplotlib figure that shows itself as inline SVG in the page's own colours and font.

    The SVG has no ids, so that any number of figures can stand on one page, and its bytes depend on the
    drawing only. On narrow pages the second drawing takes the place of the first.

    Attributes:
        title: a short name.
        alt: what the figure shows, with its key numbers, for readers who do not see it.
        wide: the drawing for columns of 600 CSS pixels and more.
        narrow: the drawing for phones; None where `wide` serves both.
    """

    def __init__(self, title: str, alt: str, wide: Figure, narrow: Figure | None = None):
        self.title, self.alt, self.wide, self.narrow = title, alt, wide, narrow

    def __repr__(self) -> str:
        return f"<figure: {self.title}>"

    def svg(self) -> str:
        """Return the wide drawing as an SVG document that follows the reader's light or dark setting."""
        return _svg(self.wide, self.title, style=_style(":root", standalone=True))

    def html(self) -> str:
        """Return the figure as HTML: both drawings, alternative text, colours for light, dark and print."""
        drawings = [_svg(self.wide, self.title, css_class="il-wide" if self.narrow else "il-only")]
        if self.narrow:
            drawings.append(_svg(self.narrow, self.title, css_class="il-narrow"))
        alt = html.escape(self.alt, quote=True)
        return (
            f'<figure class="il-figure" role="img" aria-label="{alt}">'
            f"<style>{_style('.il-figure')}</style>{''.join(drawings)}</figure>"
        )

    def png(self, scale: float = 2.0) -> bytes:
        """Return the wide drawing as PNG on white paper, `scale` × 96 pixels per inch.

        Raises:
            ValueError: `scale` is not above 0, or above 50.
        """
        if not 0 < number("scale", scale) <= _LARGEST_SCALE:
            raise ValueError(f"scale must be above 0 and at most {_LARGEST_SCALE}, got {scale}")
        buffer = io.BytesIO()
        metadata = {"Software": None}
        self.wide.savefig(buffer, format="png", dpi=96 * scale, facecolor=colour("paper"), metadata=metadata)
        return buffer.getvalue()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the wide drawing to `path`, whose ending is .png or .svg, and return the path.

        The file appears complete or not at all.

        Raises:
            ValueError: another ending.
            FileNotFoundError: the folder does not exist.
        """
        path = Path(path)
        one_of("path ending", path.suffix.lower(), (".png", ".svg"))
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"path {str(path)!r}: the folder {str(path.parent)!r} does not exist; make it first"
            )
        content = self.png() if path.suffix.lower() == ".png" else self.svg().encode()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return path

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, object]:
        makers = {"text/html": self.html, "image/png": self.png, "text/plain": lambda: self.alt}
        wanted = [
            kind
            for kind in makers
            if (not include or kind in include) and (not exclude or kind not in exclude)
        ]
        return {kind: makers[kind]() for kind in wanted}


def _style(scope: str, standalone: bool = False) -> str:
    """Return the style sheet: the layout, and the colours wherever the page does not set them itself."""
    light, dark = (
        "".join(f"--il-{name}:{pair[theme]};" for name, pair in PALETTE.items()) for theme in (0, 1)
    )
    if standalone:
        return (
            f"{scope}{{{light}font-family:sans-serif}}@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}"
        )
    signals = (
        'html[data-theme="dark"]',
        'body[data-jp-theme-light="false"]',
        "html[theme=dark]",
        "body.vscode-dark",
    )
    forced = ",".join(f"{signal} {scope}" for signal in signals)
    unsaid = f":root:not([data-theme],[theme]) body:not([data-jp-theme-light],.vscode-light) {scope}"
    return (
        f"{scope}{{container-type:inline-size;width:100%;margin:1.25em 0;break-inside:avoid;"
        "font-family:var(--pst-font-family-base,var(--jp-ui-font-family,system-ui,sans-serif));"
        "font-variant-numeric:tabular-nums}"
        f"{scope}>svg{{display:block;width:100%;height:auto;margin:0 auto;overflow:visible}}"
        f"{scope}>.il-narrow{{display:none}}"
        f"@container (max-width:{_NARROW_BELOW - 1}px)"
        f"{{{scope}>.il-wide{{display:none}}{scope}>.il-narrow{{display:block}}}}"
        f"@media screen{{{forced}{{{dark}}}}}"
        f"@media screen and (prefers-color-scheme:dark){{{unsaid}{{{dark}}}}}"
        f"@media print{{{scope}{{{light}}}}}"
    )


def _svg(figure: Figure, title: str, css_class: str | None = None, style: str = "") -> str:
    """Return matplotlib's SVG without ids, fonts and metadata, its colours as CSS variables."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "il", "path.simplify": False}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())
    symbols = {path.get("id"): path for path in root.iterfind(f".//{_SVG}defs/{_SVG}path")}
    width, height = (figure.get_size_inches() * 72).tolist()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
    if css_class:
        head += f' class="{css_class}" style="max-width:{width * _PIXELS_PER_POINT:g}px"'
    else:
        head += f' width="{width:g}pt" height="{height:g}pt"'
    body = "".join(_elements(root, symbols))
    sheet = f"<style>{style}</style>" if style else ""
    return f'{head} stroke-linejoin="round"><title>{html.escape(title)}</title>{sheet}{body}</svg>'


def _elements(node: ElementTree.Element, symbols: dict[str | None, ElementTree.Element]):
    """Yield the drawn elements under `node`, flattened."""
    for child in node:
        tag = child.tag.removeprefix(_SVG)
        if tag == "g":
            yield from _elements(child, symbols)
        elif tag == "path":
            yield _path(child, child.get("d", ""), "")
        elif tag == "use":
            place = f' transform="translate({_short(child.get("x", "0"))} {_short(child.get("y", "0"))})"'
            yield _path(child, symbols[child.get(_HREF, "").lstrip("#")].get("d", ""), place)
        elif tag == "text":
            yield _text(child)
        elif tag == "image":
            yield _image(child)


def _path(node: ElementTree.Element, data: str, place: str) -> str:
    style = _declarations(node)
    if style.get("fill") == "none" and style.get("stroke", "none") == "none":
        return ""
    if data.count("C") == 8 and "L" not in data:
        return _circle(data, place, style)
    data = re.sub(r"\s*([A-Za-z])\s*", r"\1", _short(data)).strip()
    return f'<path d="{data}"{place}{_attributes(style)}/>'


def _circle(data: str, place: str, style: dict[str, str]) -> str:
    """Return matplotlib's circle of eight curves as the element that SVG has for it."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", data)]
    xs, ys = numbers[0::2], numbers[1::2]
    middle = f'cx="{_tidy((min(xs) + max(xs)) / 2)}" cy="{_tidy((min(ys) + max(ys)) / 2)}"'
    return f'<circle {middle} r="{_tidy((max(xs) - min(xs)) / 2)}"{place}{_attributes(style)}/>'


def _text(node: ElementTree.Element) -> str:
    style = _declarations(node)
    turn = node.get("transform", "")
    if "rotate(-0 " in turn:
        place = f' x="{_short(node.get("x", "0"))}" y="{_short(node.get("y", "0"))}"'
    else:
        place = f' transform="{_short(turn)}"'
    font = f' font-size="{_short(style["font-size"].removesuffix("px"))}"'
    if "font-weight" in style:
        font += f' font-weight="{style["font-weight"]}"'
    return f"<text{place}{font}{_attributes(style)}>{html.escape(node.text or '')}</text>"


def _image(node: ElementTree.Element) -> str:
    data = re.sub(r"\s", "", node.get(_HREF, ""))
    frame = " ".join(
        f'{name}="{_short(node.get(name, "0"))}"' for name in ("x", "y", "width", "height", "transform")
    )
    return f'<image href="{data}" {frame} style="image-rendering:pixelated"/>'


def _declarations(node: ElementTree.Element) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in node.get("style", "").split(";") if part.strip())
    return {name.strip(): value.strip() for name, value in pairs}


def _attributes(style: dict[str, str]) -> str:
    kept = "".join(f' {name}="{_short(style[name])}"' for name in _KEPT if name in style)
    paint = ";".join(f"{name}:{_variable(style[name])}" for name in ("fill", "stroke") if name in style)
    return f'{kept} style="{paint}"' if paint else kept


def _variable(value: str) -> str:
    if value == "none":
        return value
    for name, (light, _) in PALETTE.items():
        if value == light:
            return f"var(--il-{name},{light})"
    raise ValueError(f"colour {value!r} is not in the palette; draw with colour(name)")


def _short(numbers: str) -> str:
    """Round every decimal in a piece of SVG to hundredths of a point."""
    return _NUMBER.sub(lambda match: _tidy(float(match[0])), numbers)


def _tidy(number: float) -> str:
    return f"{round(number, 2) + 0.0:.10g}"
