"""The widgets in a real browser, in bare pages: over http, from a file, without a kernel, without script."""

import json
import random

import pytest
from playwright.sync_api import Locator, Page, expect

from inception_lessons.widgets import Choice, CostBench, Mistake, Number, Option, _page
from inception_lessons.widgets.cost_bench import CONVOLUTION, presets
from tests.browser.bare import CONTRAST, OUTSIDE, THEMES, fake, slider

# The answer comes back as one text: playwright takes half a minute for thousands of objects.
EVALUATE = """text => {
  const { spec, all } = JSON.parse(text);
  const bench = %s;
  return JSON.stringify(all.map(settings => bench.evaluate(spec, settings)));
}"""
EVALUATE %= _page.classic(_page.module_text("cost_bench.mjs"))
JUDGE = """([spec, all]) => { const check = %s; return all.map(text => check.judge(spec, text)); }"""
JUDGE %= _page.classic(_page.module_text("answer_check.mjs"))

POOLING = Choice(
    "05-pooling",
    "Does pooling change `N×480×14×14`?",
    [
        Option("No, it <b>stays</b>", True, "Padding keeps the grid of `14×14`."),
        Option("Yes, to 12×12", False, "It would without padding."),
        Option("Yes, to one channel", False, "A maximum is taken within a channel."),
    ],
)
MACS = Number(
    "05-macs",
    "How many MACs does it take?",
    112_896_000,
    "MACs",
    relative_tolerance=0.005,
    mistakes=[Mistake(576_000, "Those are the weights.")],
    hint="Weights times positions.",
    explanation="Each weight is used at 196 positions.",
)


def shown_rows(bench: Page | Locator) -> list[tuple[str, ...]]:
    """Return the text of the bench's rows, cell by cell, in the order of the table without script."""
    return bench.locator("section tbody tr").evaluate_all(
        """rows => rows.map(row => [...row.querySelectorAll("th span, small, .numbers span")]
          .map(cell => cell.textContent))"""
    )


def rows_of(bench: CostBench) -> list[list[str]]:
    return [list(row) for row in bench.table().rows]


# --- the cost bench: the same arithmetic in both languages


def many_settings() -> list[dict[str, int]]:
    """Return every preset, 200 corners of the limits and 1500 points between, with and without biases."""
    generator = random.Random(7)
    sliders = CONVOLUTION.sliders
    corners = [{s.name: generator.choice((s.low, s.high)) for s in sliders} for _ in range(200)]
    inside = [{s.name: generator.randrange(s.low, s.high + 1, s.step) for s in sliders} for _ in range(1500)]
    sizes = [*(preset.settings for preset in presets().values()), *corners, *inside]
    return [{**size, "biases": biases} for size in sizes for biases in (False, True)]


@pytest.mark.slow
def test_javascript_equals_python_to_the_last_digit(visit):
    settings = many_settings()
    text = json.dumps({"spec": CostBench().state["spec"], "all": settings})
    shown = json.loads(visit().evaluate(EVALUATE, text))
    for given, result in zip(settings, shown, strict=True):
        assert result == json.loads(json.dumps(CostBench.evaluate(given))), given


def test_every_preset_shows_pythons_table(visit):
    page = visit(CostBench().html())
    for key, preset in presets().items():
        label = next(
            choice["label"]
            for choice in CostBench().state["spec"]["presets"]
            if choice["settings"] == preset.settings
        )
        page.get_by_label("Example").select_option(label=label)
        assert shown_rows(page) == rows_of(CostBench(key))
        expect(page.get_by_label("Example").locator("option:checked")).to_have_text(label)


# --- the cost bench in a page


@pytest.mark.parametrize("over", ["http", "file"])
def test_bench_is_alive_without_a_kernel(visit, over):
    page = visit(CostBench().html(), over=over)
    slider(page, "Input channels").press("ArrowRight")
    assert shown_rows(page) == rows_of(CostBench(in_channels=481))
    page.get_by_label("Count biases").check()
    assert shown_rows(page) == rows_of(CostBench(in_channels=481, biases=True))
    page.get_by_role("button", name="Reset").click()
    assert shown_rows(page) == rows_of(CostBench())


def test_bench_by_keyboard_alone(visit):
    page = visit(CostBench().html())
    for _ in range(12):  # example, reset, then a number and a slider for each of the five settings
        page.keyboard.press("Tab")
    expect(slider(page, "Kernel")).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert shown_rows(page) == rows_of(CostBench(kernel_size=7))
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert shown_rows(page) == rows_of(CostBench(kernel_size=7, biases=True))
    expect(page.get_by_label("Example").locator("option:checked")).to_have_text("your own setting")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    assert shown_rows(page) == rows_of(CostBench(kernel_size=3, biases=True))


def test_bench_by_touch(visit):
    page = visit(CostBench().html(), has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    box = slider(page, "Grid").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(slider(page, "Grid")).to_have_value("112")
    assert shown_rows(page) == rows_of(CostBench(grid=112))
    assert box["height"] >= 24, "a finger needs 24 pixels (WCAG 2.5.8)"


def test_a_finger_drags_the_slider(visit):
    page = visit(CostBench().html(), has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740})
    grid = slider(page, "Grid")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    low, high = (int(grid.get_attribute(name)) for name in ("min", "max"))
    middle = box["y"] + box["height"] / 2
    thumb = box["x"] + box["width"] * (int(grid.input_value()) - low) / (high - low)
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        finger.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        )

    touch("touchStart", (thumb, middle))
    for part in (0.3, 0.5, 0.7):
        touch("touchMove", (box["x"] + box["width"] * part, middle))
    touch("touchEnd")
    dragged = int(grid.input_value())
    assert abs(dragged - (low + 0.7 * (high - low))) <= 0.05 * (high - low)
    assert shown_rows(page) == rows_of(CostBench(grid=dragged))


def test_a_typed_number_outside_the_limits_becomes_the_nearest_inside(visit):
    page = visit(CostBench().html())
    for name, typed, kept in (
        ("Input channels", "5000", "1024"),
        ("Grid", "0", "1"),
        ("Kernel", "4", "5"),
        ("Grid", "", "1"),
    ):
        field = page.get_by_role("spinbutton", name=name)
        field.fill(typed)
        field.press("Tab")
        expect(field).to_have_value(kept)
    assert shown_rows(page) == rows_of(CostBench(in_channels=1024, grid=1))


def test_benches_on_one_page_are_independent(visit):
    page = visit(CostBench().html(), CostBench().html(), CostBench("3a-3x3").html())
    benches = page.locator(".il-widget")
    slider(benches.nth(1), "Output channels").press("End")
    assert [shown_rows(benches.nth(at)) for at in range(3)] == [
        rows_of(CostBench()),
        rows_of(CostBench(out_channels=1024)),
        rows_of(CostBench("3a-3x3")),
    ]


def test_one_output_shown_twice_lives_twice(visit):
    """A page that repeats an output repeats its id too."""
    output = CostBench().html()
    page = visit(output, output)
    second = page.locator(".il-widget").nth(1)
    slider(second, "Grid").press("Home")
    assert shown_rows(second) == rows_of(CostBench(grid=1))
    assert shown_rows(page.locator(".il-widget").first) == rows_of(CostBench())


INSERT = """html => {
  const cell = document.getElementById("cell");
  cell.innerHTML = html;
  for (const script of cell.querySelectorAll("script")) {
    const again = document.createElement("script");
    again.type = script.type;
    again.textContent = script.textContent;
    script.replaceWith(again);
  }
}"""
EVALUATED = """html => {
  const cell = document.getElementById("cell");
  cell.innerHTML = html;
  (0, eval)(cell.querySelector("script:not([type])").textContent);
}"""


@pytest.mark.parametrize("insert", [INSERT, EVALUATED], ids=["script inserted again", "script evaluated"])
def test_a_notebook_that_runs_the_script_later_gets_it_alive(visit, insert):
    page = visit("<div id='cell'></div>")
    page.evaluate(insert, CostBench().html())
    slider(page, "Grid").press("Home")
    assert shown_rows(page) == rows_of(CostBench(grid=1))


def test_a_screen_reader_hears_only_where_the_slider_stops(visit):
    page = visit(CostBench().html())
    status = page.get_by_role("status")
    expect(status).to_be_attached()
    assert status.text_content() == ""
    slider(page, "Input channels").evaluate(
        """slider => {
          window.heard = [];
          const status = slider.getRootNode().querySelector("[role=status]");
          const listen = new MutationObserver(() => window.heard.push(status.textContent));
          listen.observe(status, { childList: true });
          for (let value = 481; value <= 500; value += 1) {
            slider.value = value;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
          }
        }"""
    )
    final = CostBench.evaluate(CostBench(in_channels=500).settings)["summary"]
    expect(status).to_have_text(final)
    assert page.evaluate("window.heard") == [final]


def test_a_slider_step_takes_at_most_16_milliseconds(visit):
    page = visit(CostBench("5b-5x5").html())
    median = slider(page, "Input channels").evaluate(
        """slider => {
          const section = slider.getRootNode().querySelector("section");
          const times = [];
          for (let step = 0; step < 301; step += 1) {
            const start = performance.now();
            slider.value = 300 + step;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            section.getBoundingClientRect();  // forces style and layout of what has changed
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b)[150];
        }"""
    )
    assert shown_rows(page) == rows_of(CostBench("5b-5x5", in_channels=600))
    assert median <= 16, f"median {median} ms"


# --- how it looks, without looking

LARGEST = {setting.name: setting.high for setting in CONVOLUTION.sliders}


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_bars_stand_out(visit, theme):
    options, dark = THEMES[theme]
    page = visit(CostBench().html(), MACS.html(), POOLING.html(), **options)
    page.get_by_label("How many MACs does it take?").fill("1")
    page.get_by_label("How many MACs does it take?").press("Enter")
    page.get_by_label("A.").check()
    page.get_by_label("A.").press("Enter")
    for host in page.locator(".il-widget").all():
        found = host.evaluate(CONTRAST)
        assert (found["paper"] < 0.1) == dark
        assert not found["texts"]
        assert not found["bars"]


@pytest.mark.parametrize(("attribute", "dark"), [("true", False), ("false", True)])
def test_jupyters_own_theme_is_followed(visit, attribute, dark):
    page = visit(CostBench().html(), color_scheme="light" if dark else "dark")
    page.evaluate("value => document.body.setAttribute('data-jp-theme-light', value)", attribute)
    assert (page.locator(".il-widget").evaluate(CONTRAST)["paper"] < 0.1) == dark


@pytest.mark.parametrize("width", [320, 390, 600, 700, 768, 1280])
def test_nothing_overflows(visit, width):
    page = visit(
        CostBench(**LARGEST, biases=True).html(),
        MACS.html(),
        POOLING.html(),
        viewport={"width": width, "height": 800},
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for host in page.locator(".il-widget").all():
        outside = host.evaluate(OUTSIDE)
        assert not outside


@pytest.mark.parametrize("width", [320, 1280])
def test_without_script_the_table_has_the_numbers(visit, width):
    page = visit(CostBench().html(), java_script_enabled=False, viewport={"width": width, "height": 800})
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(6)
    for at, row in enumerate(CostBench().table().rows):
        for cell in row:
            expect(page.get_by_role("row").nth(at + 1)).to_contain_text(cell)
    assert page.locator("body").bounding_box()["width"] <= width


def test_print_shows_the_numbers_that_were_set(visit):
    page = visit(CostBench().html())
    slider(page, "Grid").press("Home")
    page.emulate_media(media="print")
    expect(slider(page, "Grid")).to_be_hidden()
    expect(page.get_by_text("Input 480×1×1, reduced to 16", exact=False)).to_be_visible()
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    assert shown_rows(page) == rows_of(CostBench(grid=1))


@pytest.mark.parametrize("lost", ["variants", "words"], ids=["before the first drawing", "while drawing"])
def test_a_broken_state_leaves_the_table(browser, tmp_path, lost):
    file = tmp_path / "broken.html"
    file.write_text(CostBench().html().replace(f'"{lost}":', '"lost":'), encoding="utf-8")
    page = browser.new_page()
    with page.expect_console_message(lambda message: "static content stays" in message.text):
        page.goto(file.as_uri())
    expect(page.get_by_role("cell", name="112,896,000")).to_be_visible()
    expect(slider(page, "Grid")).to_have_count(0)
    page.close()


# --- the live face: the same module under anywidget's contract


def test_live_bench_follows_python_and_tells_it(visit):
    page = fake(visit, CostBench())
    page.evaluate("model.set('out_channels', 64)")
    assert shown_rows(page) == rows_of(CostBench(out_channels=64))
    slider(page, "Grid").press("ArrowRight")
    assert page.evaluate("model.get('grid')") == 15
    assert page.evaluate("saves") == 1


@pytest.mark.parametrize("widget", [CostBench(), MACS, POOLING], ids=["bench", "number", "choice"])
def test_cleanup_removes_every_listener_and_render_can_run_again(visit, widget):
    page = fake(visit, widget)
    assert page.evaluate("listening()") > 0
    changed = page.evaluate(
        """() => {
          const field = document.getElementById("view").shadowRoot.querySelector("input");
          cleanup();
          const before = saves;
          field.checked = true;
          field.value = 7;
          for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true }));
          return saves - before;
        }"""
    )
    assert changed == 0
    assert page.evaluate("listening()") == 0
    expect(page.locator("#view section, #view form")).to_have_count(0)
    page.evaluate("start()")
    expect(page.locator("#view section, #view form")).to_have_count(1)


def test_live_answer_reaches_python(visit):
    page = fake(visit, MACS)
    page.get_by_role("textbox").fill("113 M")
    assert page.evaluate("model.get('response')") == "113 M"
    page.evaluate("model.set('response', '2')")
    expect(page.get_by_role("textbox")).to_have_value("2")


# --- the answer check

TYPED = [
    "", " ", "1500", "1,500", "1 500", "1_500", "1.5e3", "1.5E+03", "1.5×10^3", "1.5x10^-3", "1.5 * 10 ^ 3",
    "−2", "+2.", ".5", "5.", "00012", "12 %", "12%", "12 percent", "0.12", "letters", "about 3", "3 apples",
    "M", "1,5", "1,50", "1,500,00", "1,5000", "12 34", "1 000 000", "1\u00a0500", "1\u202f500\u2009000",
    "\t7\n", "1e308", "1e309", "1e400 G", "1e1000", "-0", "128 M", "128M", "128m", "128e6", "128 million",
    "128 Million MACs", "128 MACs", "128 mac", "128MMACs", "128 M MAC", "128 flops", "0.128 G", "0.128 bn",
    "0.128b", "128,000 K", "128000 thousand", "1.5 k%", "9.7x", "9.7 times", "9.7×", "112.896 M",
    "112896000", "112,896,000", "113 M", "113.4 M", "113.5 M", "112896", "112.896", "225.792 M", "576 K",
    "576,000", "0.576 M", "0.2", "0.4", "0.5", "0.6", "0.7", "0.4000001", "11.5", "12.5", "3 s", "3.0",
    "3.001", "2.999", "0.1e1", "1/9", "1..2", "--3", "3-", "“3”", "３", "5 <b>x</b>",
]  # fmt: skip

ASKED = [
    MACS,
    Number("plain", "How many?", 3, tolerance=0.001),
    Number("share", "What share?", 12, "%", tolerance=0.5),
    Number("factor", "How many times?", 9.7, "times", relative_tolerance=0.06),
    Number(
        "exact",
        "How many?",
        1500,
        "weights",
        mistakes=[Mistake(12, "A dozen."), Mistake(-2, "Less than none.")],
    ),
    Number("edge", "How many?", 0.3, tolerance=0.1, mistakes=[Mistake(0.5, "Half.")]),
    Number("nothing", "How many?", 0),
    Number("huge", "How many?", 128_000_000, "MACs"),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.key)
def test_javascript_judges_numbers_as_python_does(visit, asked):
    generator = random.Random(11)
    values = [asked.answer, *(mistake["value"] for mistake in asked.state["mistakes"])]
    nearby = [repr(value * (1 + generator.uniform(-0.07, 0.07))) for value in values for _ in range(60)]
    typed = [*TYPED, *nearby, *(repr(value) for value in values)]
    judged = visit().evaluate(
        JUDGE,
        [asked.state, typed],
    )
    for text, verdict in zip(typed, judged, strict=True):
        feedback = asked.check(text)
        assert verdict == {"verdict": feedback.verdict, "message": feedback.message}, text
    assert {verdict["verdict"] for verdict in judged} == {"correct", "wrong", "unclear"}


def test_javascript_judges_choices_as_python_does(visit):
    letters = ["", "A", "B", "C", "D", "AB", "?"]
    judged = visit().evaluate(
        JUDGE,
        [POOLING.state, letters],
    )
    for letter, verdict in zip(letters, judged, strict=True):
        feedback = POOLING.check(letter)
        assert verdict == {"verdict": feedback.verdict, "message": feedback.message}, letter


@pytest.mark.parametrize("over", ["http", "file"])
def test_number_by_keyboard(visit, over):
    page = visit(MACS.html(), over=over)
    page.keyboard.press("Tab")
    expect(page.get_by_label("How many MACs does it take?")).to_be_focused()
    said = page.get_by_role("status")
    for typed, sentence in (
        ("", "? Not checked. Type a number first."),
        ("many", "? Not checked. “many” does not start with a number; write it like 1500, 1.5e3 or 1.5 K."),
        ("576 K", "✗ Not yet. Those are the weights."),
        ("5", "✗ Not yet. Weights times positions."),
        ("113 M", "✓ Correct. Each weight is used at 196 positions."),
    ):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Delete")
        page.keyboard.type(typed)
        expect(said).to_be_empty()
        page.keyboard.press("Enter")
        expect(said).to_have_text(sentence)


@pytest.mark.parametrize("widget", [CostBench(), MACS, POOLING], ids=["bench", "number", "choice"])
def test_a_notebooks_keys_stay_out(visit, widget):
    """JupyterLab leaves arrows and Enter to what has this attribute, yet stops Enter from submitting."""
    page = visit(widget.html())
    expect(page.locator(".il-widget")).to_have_attribute("data-lm-suppress-shortcuts", "true")
    page.evaluate("window.addEventListener('keypress', event => event.preventDefault(), true)")
    if widget is MACS:
        page.get_by_role("textbox").fill("113 M")
        page.get_by_role("textbox").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("✓ Correct.")


def test_choice_by_keyboard(visit):
    page = visit(POOLING.html())
    said = page.get_by_role("status")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(said).to_have_text("? Not checked. Choose an answer first.")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(said).to_have_text("✗ Not yet. It would without padding.")
    page.keyboard.press("ArrowUp")
    expect(said).to_be_empty()
    page.keyboard.press("Enter")
    expect(said).to_have_text("✓ Correct. Padding keeps the grid of 14×14.")
    expect(said.locator("code")).to_have_text("14×14")


def test_choice_by_touch(visit):
    page = visit(POOLING.html(), has_touch=True, is_mobile=True, viewport={"width": 320, "height": 640})
    page.locator("form").get_by_text("Yes, to one channel").tap()
    page.get_by_role("button", name="Check").tap()
    expect(page.get_by_role("status")).to_have_text("✗ Not yet. A maximum is taken within a channel.")


def test_text_stays_text(visit):
    page = visit(POOLING.html())
    expect(page.get_by_role("group").locator("code")).to_have_text("N×480×14×14")
    expect(page.get_by_role("group").get_by_text("No, it <b>stays</b>")).to_be_visible()
    expect(page.locator("form b")).to_have_count(0)


def test_questions_on_one_page_are_independent(visit):
    page = visit(POOLING.html(), POOLING.html())
    first, second = page.locator("form").all()
    first.get_by_label("A.").check()
    second.get_by_label("B.").check()
    first.get_by_role("button").click()
    expect(first.get_by_label("A.")).to_be_checked()
    expect(first.get_by_role("status")).to_contain_text("Correct")
    expect(second.get_by_role("status")).to_be_empty()


def test_without_script_the_question_stands_and_the_answer_does_not(visit):
    page = visit(POOLING.html(), MACS.html(), java_script_enabled=False)
    expect(page.get_by_text("Yes, to 12×12")).to_be_visible()
    expect(page.get_by_text("How many MACs does it take?")).to_be_visible()
    for secret in ("Padding keeps", "112", "196"):
        assert secret not in page.locator("body").inner_text()
