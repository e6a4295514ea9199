"""What holds for every instrument, in a real browser: arithmetic, keys, themes, widths, print, speed, axe."""

import json
import random

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from inception_lessons.widgets import INSTRUMENTS, _page
from inception_lessons.widgets._controls import Select, Slider, Text, Toggle
from tests.browser.bare import CONTRAST, EVALUATE, OUTSIDE, THEMES, fake

EVERY = pytest.mark.parametrize("make", INSTRUMENTS, ids=lambda make: make.__name__)


def random_value(control, generator: random.Random):
    """Draw from everything that the control can be; limits more often than a number between."""
    match control:
        case Slider(low=low, high=high, step=step):
            steps = generator.choice(
                [0, round((high - low) / step), generator.randint(0, int((high - low) / step))]
            )
            value = low + step * min(steps, int((high - low) / step))
            return value if isinstance(value, int) else float(f"{value:.12g}")
        case Select(options=options):
            return generator.choice(list(options))
        case Toggle():
            return generator.choice([True, False])
        case Text(examples=examples):
            return generator.choice(examples)


def settings_of(make, number: int) -> list[dict]:
    """Return every preset's setting and `number` random ones."""
    generator = random.Random(17)
    controls = make.controls()
    presets = [make(key).settings for key in make.presets()]
    return presets + [
        {control.name: random_value(control, generator) for control in controls} for _ in range(number)
    ]


def broken(value: object) -> bool:
    """Whether a number that is none, or the name of one, hides anywhere in what a widget shows."""
    text = json.dumps(value, ensure_ascii=False)
    return any(word in text for word in ("NaN", "Infinity", "undefined", "null", "[object"))


@EVERY
def test_a_thousand_settings_come_out_as_in_python(visit, make):
    settings = settings_of(make, 1000)
    source = _page.classic(_page.module_text(make._module))
    text = json.dumps({"spec": make().state["spec"], "all": settings})
    shown = json.loads(visit().evaluate(f"text => ({EVALUATE})([text, {source}])", text))
    for given, result in zip(settings, shown, strict=True):
        assert not broken(result), given
        assert result == json.loads(json.dumps(make.evaluate(given))), given


@EVERY
def test_a_thousand_settings_are_drawn(visit, make):
    page = fake(visit, make())
    settings = settings_of(make, 1000)
    found = page.evaluate(
        """all => {
          const panel = document.getElementById("view").shadowRoot.querySelector("section");
          const wrong = [];
          for (const settings of all) {
            const last = Object.keys(settings).at(-1);
            Object.assign(state, settings, { [last]: undefined });
            model.set(last, settings[last]);  // one drawing for all
            const markup = panel.innerHTML;
            const bad = /NaN|Infinity|undefined|\\[object/.exec(markup);
            if (bad) wrong.push([settings, markup.slice(Math.max(0, bad.index - 60), bad.index + 60)]);
          }
          return wrong.slice(0, 3);
        }""",
        settings,
    )
    assert not found


@EVERY
def test_every_control_is_reached_by_keys_and_has_a_name(visit, make):
    page = visit(make().html())
    wanted = page.locator(".il-widget").evaluate(
        """host => [...host.shadowRoot.querySelectorAll("input, select, button, a[href], [tabindex='0']")]
          .filter(node => node.checkVisibility() && !node.disabled).length"""
    )
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """() => {
                  const root = document.activeElement.shadowRoot;
                  return root ? [...root.querySelectorAll("*")].indexOf(root.activeElement) : -1;
                }"""
            )
        )
    assert -1 not in reached
    assert len(reached) == wanted


@EVERY
def test_the_chosen_example_is_the_one_shown(visit, make):
    keys = list(make.presets())[:8]
    page = visit(*(make(key).html() for key in keys))
    for host, key in zip(page.locator(".il-widget").all(), keys, strict=True):
        shown = host.get_by_label("Example").locator("option:checked")
        settings = make(key).settings
        wanted = [
            preset["label"]
            for preset in make().state["spec"]["presets"]
            if preset["settings"].items() <= settings.items()
        ]
        assert shown.text_content() in wanted


@EVERY
def test_a_change_by_key_is_announced(visit, make):
    page = visit(make().html())
    status = page.get_by_role("status")
    expect(status).to_be_empty()
    first = (
        page.locator(".il-widget").locator("section input[type=range], section select, section input").first
    )
    before = first.evaluate("node => node.checked ?? node.value")
    first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Space"):
        page.keyboard.press(key)
        if first.evaluate("node => node.checked ?? node.value") != before:
            break
    expect(status).not_to_be_empty()


def _axe(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def everything() -> str:
    """Every instrument as it starts, one below the other."""
    return "".join(make().html() for make in INSTRUMENTS)


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_for_an_accessibility_checker(visit, theme):
    options, dark = THEMES[theme]
    page = visit("<main><h1>Instruments</h1>", everything(), "</main>", **options)
    for host in page.locator(".il-widget").all():
        found = host.evaluate(CONTRAST)
        assert (found["paper"] < 0.1) == dark
        assert not found["texts"]
        assert not found["bars"]
    assert not _axe(page)


def sticks_out(page: Page, width: int) -> list[str]:
    """What is wider than the page or than its panel."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    return [text for host in page.locator(".il-widget").all() for text in host.evaluate(OUTSIDE)]


@EVERY
def test_nothing_overflows_on_a_small_phone_in_any_preset(visit, make):
    keys = list(make.presets())[:12]
    page = visit(*(make(key).html() for key in keys), viewport={"width": 320, "height": 800})
    assert not sticks_out(page, 320)


@pytest.mark.parametrize("width", [390, 600, 768, 1280])
def test_nothing_overflows(visit, width):
    assert not sticks_out(visit(everything(), viewport={"width": width, "height": 800}), width)


@pytest.mark.parametrize("width", [320, 1280])
def test_without_script_tables_have_the_numbers(visit, width):
    page = visit(everything(), java_script_enabled=False, viewport={"width": width, "height": 800})
    for make, host in zip(INSTRUMENTS, page.locator(".il-widget").all(), strict=True):
        rows = host.locator("tbody tr").all_inner_texts()
        for row, shown in zip(make().table().rows, rows, strict=False):
            assert all(cell in shown for cell in row)
    assert page.locator("body").bounding_box()["width"] <= width


@EVERY
def test_print_hides_the_controls_and_keeps_the_result(visit, make):
    page = visit(make().html())
    page.emulate_media(media="print")
    shown = page.locator(".il-widget section")
    expect(shown).to_be_visible()
    expect(shown.locator(".controls")).to_be_hidden()
    assert len(shown.inner_text()) > 20


@EVERY
def test_a_step_takes_at_most_16_milliseconds(visit, make):
    page = fake(visit, make())
    settings = settings_of(make, 30)
    median = page.evaluate(
        """all => {
          const panel = document.getElementById("view").shadowRoot.querySelector("section");
          const times = [];
          for (const settings of all) for (const [name, value] of Object.entries(settings)) {
            if (model.get(name) === value) continue;
            const start = performance.now();
            model.set(name, value);
            panel.getBoundingClientRect();  // forces style and layout of what has changed
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b)[times.length >> 1];
        }""",
        settings,
    )
    assert median <= 16, f"median {median} ms"


@EVERY
def test_a_link_restores_the_setting(visit, make):
    page = visit(make().html(), make().html())
    for settings in settings_of(make, 3)[-3:]:
        second = page.locator(".il-widget").nth(1)
        kind = second.get_attribute("id").rsplit("-", 2)[0].removeprefix("il-")
        page.evaluate(
            "([kind, all]) => { location.hash = `${kind}-2?` + new URLSearchParams(all); }", [kind, settings]
        )
        given = second.get_by_role("link", name="Link to this setting").get_attribute("href")
        expected = page.evaluate("all => new URLSearchParams(all).toString()", settings)
        assert given == f"#{kind}-2?{expected}"
        first = page.locator(".il-widget").first.get_by_role("link", name="Link to this setting")
        start = page.evaluate("all => new URLSearchParams(all).toString()", make().settings)
        assert first.get_attribute("href") == f"#{kind}-1?{start}"


@EVERY
def test_a_link_with_nonsense_leaves_a_valid_setting(visit, make):
    page = visit(make().html())
    kind = page.locator(".il-widget").get_attribute("id").rsplit("-", 2)[0].removeprefix("il-")
    nonsense = "&".join(f"{name}=%FF<b>-1e999" for name in make().settings)
    page.evaluate("hash => { location.hash = hash; }", f"{kind}-1?{nonsense}")
    text = page.locator(".il-widget section").inner_text()
    assert not any(word in text for word in ("NaN", "Infinity", "undefined", "<b>"))


@EVERY
def test_cleanup_removes_every_listener(visit, make):
    page = fake(visit, make())
    assert page.evaluate("listening()") > 0
    page.evaluate("cleanup()")
    assert page.evaluate("listening()") == 0
    expect(page.locator("#view section")).to_have_count(0)
    page.evaluate("start()")
    expect(page.locator("#view section")).to_have_count(1)
