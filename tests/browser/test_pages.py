"""Every built page in a real browser: nothing from elsewhere, no errors, readable, narrow, printable."""

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
FIRST_LOAD_LIMIT = 700_000  # bytes, gzipped, of everything that a chapter's first load requests
NARROW = [(320, 640), (390, 844)]


def names(pattern: str = "**/*.html") -> list[str]:
    """The site's pages that match, relative; one name that says so where there is no site."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob(pattern)) if SITE.is_dir() else []
    return found or ["no pages: run make book"]


PAGES = [name for name in names() if name != "index.html"]
WRITTEN = [name for name in PAGES if name.startswith(("book/", "chapters/"))] or PAGES


def open_page(page, site: str, name: str, width: int = 1280, height: int = 900) -> None:
    """Opens a page and waits until it and its fonts are loaded."""
    page.set_viewport_size({"width": width, "height": height})
    assert page.goto(f"{site}/{name}").ok
    settled(page)


def settled(page) -> None:
    page.wait_for_load_state("load")
    page.evaluate("() => document.fonts.ready.then(() => null)")


CONTRAST = """
() => {
  const channels = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return [255, 255, 255, 1];
  };
  const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const found = [];
  const shown = document.querySelectorAll(
    "article :is(p, li, td, th, h1, h2, h3, a, code, pre, pre span, summary, figcaption), nav a, footer p"
  );
  for (const element of shown) {
    if (!element.textContent.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    const both = [light(channels(getComputedStyle(element).color)), light(background(element))];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    const words = element.textContent.trim().slice(0, 40);
    if (ratio < 4.5) found.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}: ${words}`);
  }
  return [...new Set(found)];
}
"""


WIDER = """
() => {
  const limit = document.documentElement.clientWidth;
  const clipped = (element) => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    }
    return false;
  };
  const wide = [...document.querySelectorAll('article *')]
    .filter((one) => one.getBoundingClientRect().right > limit + 1 && !clipped(one) && one.checkVisibility())
    .map((one) => one.outerHTML.slice(0, 160));
  return [document.documentElement.scrollWidth, wide.slice(0, 5)];
}
"""

SLABS = """
() => [...document.querySelectorAll('div.cell_output .text_html')].filter((output) => {
  const [r, g, b, a = 1] = getComputedStyle(output).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a > 0 && r + g + b > 384;
}).length
"""


UNSET = r"""
() => [...document.querySelectorAll("article .math:not(.output_area)")].filter((place) => {
  const formula = place.querySelector("math");
  const flat = place.checkVisibility() && !formula?.getBoundingClientRect().height;
  return !formula || flat || /\\[a-z]/i.test(place.textContent);
}).map((place) => place.outerHTML.slice(0, 160))
"""

ROOTLESS = """
() => [...document.querySelectorAll("article :is(msqrt, mroot)")].filter((root) => {
  const sign = root.firstElementChild.getBoundingClientRect().left - root.getBoundingClientRect().left;
  return root.checkVisibility() && sign < 0.4 * parseFloat(getComputedStyle(root).fontSize);
}).map((root) => root.outerHTML.slice(0, 160))
"""
"""Roots whose sign is not drawn before what is under it: a font without it leaves the place empty."""

REACHED = """
() => {
  const boxes = document.querySelectorAll(
    ".bd-article :is(pre, .cell_output > .output, .il-table > div, div.math)"
  );
  return [...boxes].every((one) => {
    const scrolls = one.clientWidth > 0 && one.scrollWidth > one.clientWidth;
    const shown = getComputedStyle(one).boxShadow.includes("inset");
    return (one.tabIndex === 0) === scrolls && shown === scrolls;
  });
}
"""
"""Whether keys reach what scrolls, and stop nowhere else; and whether a shadow says that it scrolls."""

LIMITS_OF_PAGES = {"book/widgets.html": 1_000_000}  # the one with every instrument


def weighing(page, site: str) -> dict[str, int]:
    """The gzipped size of every answer that the page gets from now on, by path."""
    sizes = {}

    def weigh(response):
        if response.ok:
            sizes[response.url.removeprefix(site)] = len(gzip.compress(response.body(), 9))

    page.on("response", weigh)
    return sizes


def violations(page, context=None, **options) -> list[str]:
    """What axe finds: the rule and the element."""
    options = {"resultTypes": ["violations"], "preload": False, **options}
    found = Axe().run(page, context, options).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


ONE_OF_EACH = """
() => {
  const grounds = new Map([[null, ""]]);
  const ground = (one) => {
    if (!grounds.has(one)) {
      const { backgroundColor, backgroundImage, opacity, filter } = getComputedStyle(one);
      const own = [backgroundColor, backgroundImage, opacity, filter];
      grounds.set(one, `${ground(one.parentElement)}/${own.join(" ")}`);
    }
    return grounds.get(one);
  };
  const seen = new Set();
  for (const one of document.querySelectorAll("body *")) {
    delete one.dataset.oneOfEach;
    const { width, height } = one.getBoundingClientRect();
    const says = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!says || Math.min(width, height) <= 1 || !one.checkVisibility({ visibilityProperty: true })) continue;
    const { color, fontSize, fontWeight, textShadow } = getComputedStyle(one);
    const names = [one, one.parentElement].map((named) => `${named.tagName} ${named.className}`);
    const look = [...names, color, fontSize, fontWeight, textShadow, ground(one)].join();
    if (!seen.has(look)) one.dataset.oneOfEach = "";
    seen.add(look);
  }
  return seen.size;
}
"""
"""Marks one of all elements whose text looks alike, on the same ground: a page has ten thousand of some."""


def pale_texts(page) -> list[str]:
    """What axe says of the contrast of texts: of one of each look, and of every instrument whole."""
    assert page.evaluate(ONE_OF_EACH) > 5
    context = {"include": [["[data-one-of-each]"], [".il-widget"]]}
    return violations(page, context, runOnly=["color-contrast"])


def in_theme(page, theme: str) -> None:
    """Waits until the page has the theme that the system asks for, without a transition on the way."""
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.wait_for_function(
        """(theme) => document.documentElement.dataset.theme === theme
             && document.getAnimations().every((one) => one.playState !== 'running')""",
        arg=theme,
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_on_every_screen(page, site, name, subtests):
    """One visit, many questions.

    The fixtures ask more: no request to another host, no console error, no exception, and a content
    security policy that allows the page's own origin and its inline scripts alone.
    """
    sizes = weighing(page, site)
    open_page(page, site, name)
    page.wait_for_load_state("networkidle")
    with subtests.test("first load weighs little"):
        heaviest = sorted(sizes.items(), key=lambda item: -item[1])
        print(*(f"{size:8,d} {path}" for path, size in heaviest), sep="\n")
        print(f"{sum(sizes.values()):8,d} bytes in all, {len(sizes)} requests")
        assert f"/{name}" in sizes
        assert sum(sizes.values()) <= LIMITS_OF_PAGES.get(name, FIRST_LOAD_LIMIT)
    with subtests.test("there is a heading"):
        assert page.locator("h1").first.is_visible()
    with subtests.test("every equation is set"):
        assert page.evaluate(UNSET) == []
        assert page.evaluate(ROOTLESS) == []
    for width, height in NARROW:
        with subtests.test("nothing is wider than a small screen", width=width):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("(width) => innerWidth === width", arg=width)
            assert page.evaluate(WIDER) == [width, []]
        with subtests.test("keys reach what scrolls", width=width):
            page.wait_for_function(REACHED)
    page.set_viewport_size({"width": 1280, "height": 900})
    with subtests.test("accessibility checker, everything but colours"):
        assert violations(page, rules={"color-contrast": {"enabled": False}}) == []
    with subtests.test("accessibility checker, colours in the light"):
        in_theme(page, "light")
        assert pale_texts(page) == []
    with subtests.test("accessibility checker, colours in the dark"):
        in_theme(page, "dark")
        assert pale_texts(page) == []
        assert page.evaluate(SLABS) == 0, "light slabs behind outputs"


def test_the_front_door_leads_to_the_landing_page(page, site):
    page.goto(f"{site}/")
    page.wait_for_url("**/book/index.html")
    assert page.locator("h1").is_visible()


WITHOUT_SCRIPT = """
() => ({
  unseen: [...document.querySelectorAll("article :is(p, table, math, img, svg)")].filter((one) =>
    !one.closest("details:not([open]), .il-widget, [hidden], figcaption")
      && ![...one.parentElement.querySelectorAll(":scope > svg")].some((drawn) => drawn.checkVisibility())
      && !one.checkVisibility({ visibilityProperty: true })).map((one) => one.outerHTML.slice(0, 120)),
  unset: [...document.querySelectorAll("article .math:not(.output_area)")]
    .filter((place) => !place.querySelector("math")).length,
  tables: [...document.querySelectorAll("article .il-widget")]
    .filter((widget) => !widget.querySelector("table, p, legend, form")?.checkVisibility())
    .map((widget) => widget.id),
})
"""


@pytest.mark.parametrize("name", WRITTEN)
def test_without_script_a_page_has_its_text_tables_figures_and_equations(browser, site, name):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 800})
    page = context.new_page()
    assert page.goto(f"{site}/{name}").ok
    assert page.evaluate(WITHOUT_SCRIPT) == {"unseen": [], "unset": 0, "tables": []}
    assert page.locator("article").bounding_box()["width"] <= 320
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_a_file(page, html, name):
    page.goto((html / name).as_uri())
    settled(page)
    assert page.locator("h1").first.is_visible()


def test_equations_have_the_books_font(page, site):
    """A machine may have no mathematical font of its own."""
    open_page(page, site, "chapters/06_batch_norm.html")
    used = (
        """() => [...document.fonts].filter((face) => face.status === 'loaded').map((face) => face.family)"""
    )
    assert any("Book Math" in family for family in page.evaluate(used))
    family = page.locator("article math").first.evaluate("one => getComputedStyle(one).fontFamily")
    assert family.startswith('"Book Math"')


@pytest.mark.parametrize("name", WRITTEN)
def test_on_paper_there_is_the_text_and_every_fold_is_open(page, site, name):
    page.emulate_media(color_scheme="dark")
    open_page(page, site, name)
    page.emulate_media(media="print")
    assert page.evaluate(CONTRAST) == [], "on white paper, whatever the screen's theme"
    for selector in (
        ".bd-sidebar-primary",
        ".bd-sidebar-secondary",
        ".bd-header-article",
        ".prev-next-footer",
        "#pst-back-to-top",
    ):
        assert not page.locator(selector).first.is_visible(), selector
    assert page.locator("article h1").is_visible()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    unfolded = page.locator("article details > :not(summary)")
    unseen = "all => all.filter((one) => !one.checkVisibility({ visibilityProperty: true })).length"
    assert unfolded.evaluate_all(unseen) == 0
    fading = "styles => styles.filter(s => s.opacity !== '1' || s.animationName !== 'none').length"
    styles = "[...document.querySelectorAll('article details *')].map(e => getComputedStyle(e))"
    assert page.evaluate(f"({fading})({styles})") == 0, "what unfolds is there at once, not faded in"
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("name", names("chapters/*.html")[:1])
def test_the_keyboard_reaches_the_text_first(page, site, name):
    open_page(page, site, name)
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to main content"
    focused.press("Enter")
    page.wait_for_function("() => location.hash === '#main-content'")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


@pytest.mark.parametrize("name", names("chapters/*.html")[:1])
def test_the_theme_button_changes_the_theme_and_the_page_remembers(page, site, name):
    page.emulate_media(color_scheme="light")
    open_page(page, site, name)
    button = page.locator("button.theme-switch-button").first
    button.click()
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize(
    ("term", "where"),
    [
        ("convolution", "01_what_a_convolution_costs"),
        ("RMSProp", "08_inception_v3"),
        ("mlpconv", "04_nin"),
        ("asymmetric", "07_factorizing_convolutions"),
        ("receptive_field", "api_ground"),
    ],
)
def test_search_finds_the_page_of_a_term(page, site, term, where):
    """The index is loaded on the search page alone, also without a network."""
    open_page(page, site, f"search.html?q={term}")
    page.wait_for_function(
        """() => document.querySelector('#search-results .search-summary')
             ?.textContent.match(/found \\d+|matching/)"""
    )
    found = page.locator("#search-results li a").evaluate_all("links => links.map((link) => link.href)")
    assert any(where in address for address in found)
