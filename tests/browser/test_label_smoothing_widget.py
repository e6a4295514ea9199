"""Label smoothing in a real browser: settings as in Python, the start, keys, pointer, nonsense."""

import json

import pytest
from playwright.sync_api import Locator, Page, expect

from inception_lessons.widgets import _page
from inception_lessons.widgets.label_smoothing import CONVENTIONS, LabelSmoothing
from tests.browser.bare import EVALUATE, slider


@pytest.mark.slow
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("classes", ["2", "10", "100", "1000"])
def test_every_share_and_every_gap_come_out_as_in_python(visit, classes, convention):
    """Of all 51 × 251 settings every fifth, so that each value of both sliders is among them."""
    source = _page.classic(_page.module_text("label_smoothing.mjs"))
    settings = [
        {"epsilon": hundredths / 100, "gap": tenths / 10, "classes": classes, "convention": convention}
        for hundredths in range(51)
        for tenths in range(-50 + hundredths % 5, 201, 5)
    ]
    text = json.dumps({"spec": LabelSmoothing().state["spec"], "all": settings})
    shown = json.loads(visit().evaluate(f"text => ({EVALUATE})([text, {source}])", text))
    for given, result in zip(settings, shown, strict=True):
        assert result == LabelSmoothing.evaluate(given), given


def summary(page: Page | Locator) -> Locator:
    return page.locator(".summary")


def chart(page: Page) -> Locator:
    """The one drawing that the width of the panel lets be seen."""
    return page.get_by_role("img")


def test_the_start_is_past_the_least_and_a_narrower_gap_lowers_the_loss(visit):
    page = visit(LabelSmoothing().html())
    expect(summary(page)).to_contain_text("1.4988 nats, 0.4840 above the least")
    expect(summary(page)).to_contain_text("a narrower gap would lower it")
    expect(chart(page)).to_have_count(1)
    expect(chart(page)).to_have_accessible_name(
        "Loss in nats against the gap d, −5 to 20. The smoothed loss falls to 1.0148 at d = 9.105 and rises "
        "from there; the one-hot loss falls for ever. At d = 15.0: 1.4988 and 3.1×10⁻⁴."
    )
    least, own = page.locator("svg:visible circle").all()
    places = [node.bounding_box() for node in (least, own)]
    assert places[0]["x"] < places[1]["x"]
    assert places[0]["y"] > places[1]["y"] + 5, "the least stands visibly lower"


def test_keys_alone_reach_the_least(visit):
    page = visit(LabelSmoothing().html())
    gap = slider(page, "Logit gap d")
    gap.focus()
    for _ in range(59):
        page.keyboard.press("ArrowLeft")
    expect(gap).to_have_value("9.1")
    expect(summary(page)).to_contain_text("to four decimals the least there is")
    expect(page.get_by_role("status")).to_contain_text("1.0148 nats, to four decimals the least")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".caption")).to_contain_text("100 classes; ")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".caption")).to_contain_text("the wrong classes only")
    expect(page.locator("section tbody tr").first).to_contain_text("0.9")


def test_without_smoothing_there_is_no_least(visit):
    page = visit(LabelSmoothing().html())
    expect(page.locator("svg:visible").get_by_text("least")).to_be_visible()
    slider(page, "Smoothing ε").press("Home")
    expect(summary(page)).to_contain_text("there is no best gap")
    expect(page.locator("svg:visible circle")).to_have_count(1)
    expect(page.locator("svg:visible").get_by_text("least")).to_have_count(0)
    expect(page.locator(".legend").get_by_text("least")).to_be_hidden()
    expect(page.locator("dl")).to_contain_text("0, approached and never reached")


@pytest.mark.parametrize("width", [320, 500, 1280])
def test_the_chart_takes_a_pointer(visit, width):
    page = visit(LabelSmoothing().html(), viewport={"width": width, "height": 1000})
    chart(page).scroll_into_view_if_needed()
    least = page.locator("svg:visible circle").first.bounding_box()
    x, y = least["x"] + least["width"] / 2, least["y"] + least["height"] / 2
    page.mouse.click(x, y)
    gap = slider(page, "Logit gap d")
    expect(gap).to_have_value("9.1")
    page.mouse.down()
    page.mouse.move(x + 400, y, steps=4)
    page.mouse.move(5, y, steps=4)
    expect(gap).not_to_have_value("9.1")
    page.mouse.up()
    own = float(gap.input_value())
    page.mouse.move(x, y)
    assert float(gap.input_value()) == own, "no button, no change"


@pytest.mark.parametrize("width", [320, 440, 500, 700, 1280])
def test_the_chart_keeps_its_text_legible(visit, width):
    page = visit(LabelSmoothing().html(), viewport={"width": width, "height": 1000})
    sizes = chart(page).evaluate(
        """node => {
          const scale = node.getBoundingClientRect().width / node.viewBox.baseVal.width;
          return [...node.querySelectorAll("text")]
            .map(text => scale * parseFloat(getComputedStyle(text).fontSize));
        }"""
    )
    assert 11.99 <= min(sizes) <= max(sizes) <= 22


def test_a_point_above_the_chart_is_an_arrow_at_its_edge(visit):
    page = visit(LabelSmoothing(gap=-5.0).html())
    expect(page.locator("svg:visible circle")).to_have_count(1)
    expect(summary(page)).to_contain_text("At d = −5.0 the smoothed loss is 11.4073 nats")


def test_two_classes_leave_out_the_third_row(visit):
    page = visit(LabelSmoothing().html())
    rows = page.locator("section tbody tr:visible")
    expect(rows).to_have_count(3)
    page.get_by_label("Classes K").select_option("2")
    expect(rows).to_have_count(2)
    page.get_by_label("Classes K").select_option("10")
    expect(rows).to_have_count(3)


def test_numbers_that_no_slider_has_are_brought_back(visit):
    page = visit(LabelSmoothing().html())
    gap, epsilon = (page.get_by_role("spinbutton", name=name) for name in ("Logit gap d", "Smoothing ε"))
    for typed, becomes in (("99", "20"), ("-99", "-5"), ("0", "0"), ("3.14", "3.1")):
        gap.fill(typed)
        gap.press("Tab")
        expect(gap).to_have_value(becomes)
    epsilon.fill("0.7")
    epsilon.press("Tab")
    expect(epsilon).to_have_value("0.5")
    expect(page.locator(".caption")).to_contain_text("ε = 0.5")


def test_a_link_to_a_gap_of_zero_restores_it(visit):
    page = visit(LabelSmoothing().html())
    page.evaluate("location.hash = 'label-smoothing-1?epsilon=0.2&gap=0&classes=7&convention=wrong'")
    expect(page.locator(".caption")).to_contain_text("1,000 classes; ε = 0.2, spread over the wrong classes")
    expect(slider(page, "Logit gap d")).to_have_value("0")
    expect(summary(page)).to_contain_text("6.9078 nats")
