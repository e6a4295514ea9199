"""The base of the book's widgets: one object that lives in a page without a kernel, and in a notebook."""

import hashlib
import html
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from inception_lessons._check import text

_PARTS = re.compile(r"\A// parts: ([a-z, ]+)\n")
_EXPORT = re.compile(r"^export default (?=\{)", re.MULTILINE)
_MODULE_SYNTAX = re.compile(r"^\s*(import|export)\b|\bimport\s*\(", re.MULTILINE)
_SCRIPT = re.compile(
    r'<script data-module="(\w+\.mjs)">.*?\)\(\)\("\1", "(il-[\w-]+)"\);\n</script>', re.DOTALL
)
_shown: Counter[str] = Counter()


@cache
def static_text(name: str) -> str:
    """Return the text of a file of this package's `static` folder."""
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")


@cache
def module_text(name: str) -> str:
    """Return a widget's module, after the shared parts that its first line names: `// parts: frame, axes`.

    What comes out imports nothing.
    """
    return "\n".join([*map(static_text, _parts_of(name)), static_text(name)])


def _parts_of(name: str) -> list[str]:
    parts = _PARTS.match(static_text(name))
    return [f"{part.strip()}.mjs" for part in parts[1].split(",")] if parts else []


def classic(source: str) -> str:
    """Return an expression, for a classic script, whose value is the module's default export.

    Raises:
        ValueError: the module imports, exports anything but one `export default {…}`, or holds text that
            would end the script element around it.
        TypeError: `source` is no text.
    """
    body, exports = _EXPORT.subn("return ", text("source", source))
    if exports != 1 or _MODULE_SYNTAX.search(body):
        raise ValueError("source must be a module without imports and with one export: `export default {…}`")
    if re.search(r"</script|<!--", body, re.IGNORECASE):
        raise ValueError("source must not contain `</script` or `<!--`: they would end the script around it")
    return f"(() => {{\n{body}}})()"


def _mounting(names: Sequence[str]) -> str:
    """Return an expression, for a classic script, of a function that mounts the named modules: it takes a
    module's name and a host's id. Shared parts stand once.
    """
    parts = dict.fromkeys(part for name in names for part in _parts_of(name))
    modules = (f'"{name}": () => {classic(static_text(name))},\n' for name in names)
    return (
        f"(() => {{\n{''.join(map(static_text, parts))}"
        f"const page = {classic(static_text('page.mjs'))};\n"
        f"const modules = {{\n{''.join(modules)}}};\n"
        "return (name, id) => page.mount(id, modules[name]);\n})()"
    )


def share(page: str) -> str:
    """Return a page's HTML with the code and the style of all its widgets once, before the first of them.

    A widget's HTML stands alone, as a notebook's output must; a page of ten would say ten times what they
    have in common. A page without widgets comes back as it is.

    Raises:
        TypeError: `page` is no text.
    """
    names = list(dict.fromkeys(found[1] for found in _SCRIPT.finditer(text("page", page))))
    if not names:
        return page
    code = f"<script>\nconst mountWidget = {_mounting(names)};\n</script>\n"
    before, _, after = page.partition(_style())
    after = after.replace(_style(), "")
    return before + _style() + code + _SCRIPT.sub(r'<script>mountWidget("\1", "\2");</script>', after)


def _style() -> str:
    return f"<style>\n{static_text('host.css')}</style>\n"


def inline_code(text: str) -> str:
    """Return `text` as HTML: everything escaped, spans between backticks as `<code>`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


class PageWidget(ABC):
    """A widget whose front end is one anywidget module, and which needs no kernel to be alive in a page.

    A subclass names the module, gives the state, and says what stands where no script runs.
    """

    _module: ClassVar[str]
    """File name under `static`."""
    _live_names: ClassVar[tuple[str, ...]]
    """Names in the state that the reader changes, and that `live()` lets Python observe and set."""

    @property
    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What the module gets, as JSON-able values by name."""

    @abstractmethod
    def _static_html(self) -> str:
        """Return what stands in the page until the script runs, or for good without one."""

    @abstractmethod
    def _static_markdown(self) -> str: ...

    @abstractmethod
    def _static_text(self) -> str: ...

    @abstractmethod
    def _checked(self, name: str, value: object) -> object:
        """Return a value for the live name `name`, or raise what says why it cannot be."""

    def __repr__(self) -> str:
        return self._static_text()

    def _repr_mimebundle_(
        self, include: Mapping[str, object] | None = None, exclude: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        return {
            "text/html": self.html(),
            "text/markdown": self._static_markdown(),
            "text/plain": self._static_text(),
        }

    def html(self) -> str:
        """Return the widget as HTML that needs no kernel, no network and no other file.

        The element's id comes from its content and from how often that content was shown, so that building a
        page again changes nothing and two equal widgets on one page stay apart.
        """
        state = json.dumps(self.state, ensure_ascii=False, sort_keys=True).replace("<", r"\u003c")
        stem = self._module.removesuffix(".mjs").replace("_", "-")
        key = f"il-{stem}-{hashlib.sha256((self._module + state).encode()).hexdigest()[:8]}"
        _shown[key] += 1
        host = f"{key}-{_shown[key]}"
        # The other class names keep a notebook's MathJax out.
        return (
            f'<div class="il-widget tex2jax_ignore mathjax_ignore" id="{host}">\n'
            f"{_style()}"
            f"{self._static_html()}\n"
            f'<script type="application/json">{state}</script>\n'
            f'<script data-module="{self._module}">\n{_mounting([self._module])}'
            f'("{self._module}", "{host}");\n</script>\n'
            "</div>"
        )

    def live(self) -> Any:
        """Return the same widget as an `anywidget.AnyWidget`, which Python can read, set and observe.

        It needs a running kernel, so its output stays out of the static page.

        Raises:
            ModuleNotFoundError: anywidget is not installed.
        """
        try:
            import anywidget
            import traitlets
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"live() needs anywidget; run `pip install anywidget` ({error})"
            ) from error

        def validate(_live: object, proposal: Mapping[str, Any]) -> object:
            return self._checked(proposal["trait"].name, proposal["value"])

        members = {name: traitlets.Any(value).tag(sync=True) for name, value in self.state.items()}
        members |= {"_esm": module_text(self._module), "_css": static_text("host.css")}
        members["_validate_setting"] = traitlets.validate(*self._live_names)(validate)
        return type(f"Live{type(self).__name__}", (anywidget.AnyWidget,), members)()
