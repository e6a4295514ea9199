"""Every built page in a real browser: nothing from elsewhere, no errors, readable, narrow, printable."""

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
FIRST_LOAD_LIMIT = 700_000  # bytes, gzipped, of everything that a chapter's first load requests
INSTRUMENTS_LIMIT = 1_000_000  # the same for the page with every instrument
NARROW = [(320, 640), (390, 844)]


def names(pattern: str = "**/*.html") -> list[str]:
    """The site's pages that match, relative; one name that says so where there is no site."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob(pattern)) if SITE.is_dir() else []
    return found or ["no pages: run make book"]


PAGES = [name for name in names() if name != "index.html"]
WRITTEN = [name for name in PAGES if name.startswith(("book/", "chapters/"))] or PAGES


def open_page(page, site: str, name: str, width: int = 1280, height: int = 900) -> None:
    """Opens a page and waits until nothing is being loaded and the equations, if any, are set."""
    page.set_viewport_size({"width": width, "height": height})
    assert page.goto(f"{site}/{name}").ok
    settled(page)


def settled(page) -> None:
    page.wait_for_load_state("load")
    page.wait_for_function(
        """() => document.readyState === 'complete' && (!document.querySelector('.math:not(.output_area)')
              || (window.MathJax?.startup?.promise && document.querySelector('mjx-container')))"""
    )
    page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")


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


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_and_nothing_is_wider_than_a_small_screen(page, site, name):
    """The fixture fails the test on any foreign request, console error or exception."""
    open_page(page, site, name)
    assert page.locator("h1").first.is_visible()
    for width, height in NARROW:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        assert page.evaluate(WIDER) == [width, []]


def test_the_front_door_leads_to_the_landing_page(page, site):
    page.goto(f"{site}/")
    page.wait_for_url("**/book/index.html")
    assert page.locator("h1").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_a_file(page, html, name):
    page.goto((html / name).as_uri())
    settled(page)
    assert page.locator("h1").first.is_visible()


@pytest.mark.parametrize("name", WRITTEN)
def test_text_stands_out_from_its_background_light_and_dark(page, site, name):
    """WCAG's 4.5:1 for the text that is shown; and no light slab behind an output in the dark."""
    page.emulate_media(reduced_motion="reduce")
    open_page(page, site, name)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            """(theme) => document.documentElement.dataset.theme === theme
                 && document.getAnimations().every((one) => one.playState !== 'running')""",
            arg=theme,
        )
        assert page.evaluate(CONTRAST) == [], theme
    assert page.evaluate(SLABS) == 0


@pytest.mark.parametrize("name", WRITTEN)
def test_equations_are_set_and_none_is_wrong(page, site, name):
    open_page(page, site, name)
    sources = page.locator("article .math").count()
    assert page.locator("article .math mjx-container").count() >= sources
    assert page.locator("mjx-merror, [data-mml-node=merror]").all_text_contents() == []


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
    hidden = page.locator("article details > :not(summary)")
    assert all(hidden.nth(number).is_visible() for number in range(hidden.count()))
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
    page.wait_for_function("location.hash === '#main-content'")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


@pytest.mark.parametrize("name", names("chapters/*.html")[:1])
def test_the_theme_button_changes_the_theme_and_the_page_remembers(page, site, name):
    page.emulate_media(color_scheme="light")
    open_page(page, site, name)
    button = page.locator("button.theme-switch-button").first
    button.click()
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_search_finds_a_page(page, site):
    """The index is loaded on the search page alone, also without a network."""
    open_page(page, site, "search.html?q=convolution")
    page.wait_for_function(
        "document.querySelector('#search-results .search-summary')?.textContent.match(/found \\d+|matching/)"
    )
    assert page.locator("#search-results li a").count() >= 1


def first_load(page, site: str, name: str) -> dict[str, int]:
    """The gzipped size of everything that the first load of a page requests, by path."""
    sizes = {}

    def weigh(response):
        if response.ok:
            sizes[response.url.removeprefix(site)] = len(gzip.compress(response.body(), 9))

    page.on("response", weigh)
    open_page(page, site, name)
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", weigh)
    return sizes


@pytest.mark.parametrize("name", names("chapters/*.html"))
def test_a_chapter_weighs_little(page, site, name):
    sizes = first_load(page, site, name)
    print(
        *(f"{size:8,d} {path}" for path, size in sorted(sizes.items(), key=lambda item: -item[1])), sep="\n"
    )
    print(f"{sum(sizes.values()):8,d} bytes in all, {len(sizes)} requests")
    assert f"/{name}" in sizes
    assert sum(sizes.values()) <= FIRST_LOAD_LIMIT


def test_the_page_of_all_instruments_weighs_at_most_a_megabyte(page, site):
    sizes = first_load(page, site, "book/widgets.html")
    assert page.locator(".il-widget section").count() > 6
    assert sum(sizes.values()) <= INSTRUMENTS_LIMIT


def with_instruments() -> list[str]:
    """The pages that hold an instrument or a question."""
    return [name for name in WRITTEN if (SITE / name).is_file() and "il-widget" in (SITE / name).read_text()]


@pytest.mark.parametrize("name", with_instruments() or WRITTEN)
def test_nothing_for_an_accessibility_checker(page, site, name):
    """Every rule in the light theme; in the dark one those of colour."""
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme)
        open_page(page, site, name)
        options = {"resultTypes": ["violations"], "preload": False, **rules}
        found = Axe().run(page, options=options).response["violations"]
        assert not [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]
