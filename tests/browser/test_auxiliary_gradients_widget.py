"""What the extra heads feed, in a real browser: the start, the scrubber by key, pointer, touch, nonsense."""

import pytest
from playwright.sync_api import Locator, Page, expect

from inception_lessons.widgets.auxiliary_gradients import STAGES, AuxiliaryGradients
from tests.browser.bare import slider


def stage(page: Page, name: str) -> Locator:
    return page.locator("table.stages tbody tr").nth(STAGES.index(name))


def middle(node: Locator) -> float:
    box = node.bounding_box()
    return box["x"] + box["width"] / 2


def cell(page: Page, name: str, column: int) -> str:
    return stage(page, name).locator("td:not(.track) span").nth(column).text_content()


def scrubber(page: Page) -> Locator:
    return slider(page, "Updates of the weights")


def test_the_start_shows_what_heads_lift_and_what_they_cannot_reach(visit):
    page = visit(AuxiliaryGradients().html())
    expect(page.locator("p.summary")).to_contain_text("Before the first update, the gradient of conv1 is")
    expect(scrubber(page)).to_have_value("0")
    for name in STAGES:
        marks = [middle(stage(page, name).locator(f"g.{side} .dot")) for side in ("first", "second")]
        lifted = marks[0] - marks[1]
        if name in ("4e", "5a", "5b"):
            assert abs(lifted) < 2 and cell(page, name, 2) == "1.00"
        else:
            assert lifted > 2 and float(cell(page, name, 2)) > 1.5
    expect(stage(page, "4a").locator("th")).to_have_text("4ahead")
    expect(stage(page, "4b").locator("th")).to_have_text("4b")


def test_keys_alone_move_through_the_updates(visit):
    page = visit(AuxiliaryGradients(updates="16").html())
    scrubber(page).focus()
    page.keyboard.press("ArrowRight")
    expect(scrubber(page)).to_have_attribute("aria-valuetext", "After 32 updates")
    expect(page.get_by_role("status")).to_contain_text("After 32 updates, the gradient of conv1 is")
    page.keyboard.press("Home")
    expect(page.locator("p.summary")).to_contain_text("Before the first update")
    for name in ("4e", "5a", "5b"):
        assert cell(page, name, 2) == "1.00"
    page.keyboard.press("End")
    expect(page.get_by_text("After 128 updates: gradient of each stage")).to_be_visible()


def test_keys_alone_choose_settings_and_stage(visit):
    page = visit(AuxiliaryGradients().html())
    against = page.get_by_label("Against")
    against.focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("p.summary")).to_contain_text("both are the same setting")
    expect(page.locator("table.stages tbody tr td:last-child > span")).to_have_text(["1.00"] * len(STAGES))
    page.keyboard.press("End")
    expect(page.locator(".key")).to_contain_text("no heads, batch norm")
    page.get_by_label("Follow stage").focus()
    page.keyboard.press("End")
    expect(page.get_by_text("Gradient of 5b in thousandths")).to_be_visible()


def test_the_table_of_the_same_numbers_opens_by_key(visit):
    page = visit(AuxiliaryGradients(updates="8").html())
    numbers = page.locator("table.overtime")
    expect(numbers).to_be_hidden()
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(numbers).to_be_visible()
    expect(numbers.locator("tbody tr")).to_have_count(9)
    expect(numbers.locator("tr[data-now] th")).to_have_text("8")
    now = numbers.locator("tr[data-now] td > span").all_text_contents()
    assert now == stage(page, "conv1").locator("td:not(.track) > span").all_text_contents()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("touch", [False, True])
def test_a_press_on_the_drawing_goes_to_the_nearest_recorded_update(visit, width, touch):
    page = visit(AuxiliaryGradients().html(), viewport={"width": width, "height": 900}, has_touch=touch)
    plot = page.locator(".plot")
    box = plot.bounding_box()
    for place, updates in ((0, 0), (6, 32), (8, 128)):
        spot = {"x": box["width"] * (place + 0.4) / 9, "y": 40}
        plot.tap(position=spot) if touch else plot.click(position=spot)
        expect(scrubber(page)).to_have_value(str(place))
        expect(page.locator("li[data-now]")).to_have_text(str(updates))
        assert abs(middle(page.locator(".now")) - middle(page.locator("li[data-now]"))) < 1.5


def test_a_larger_gradient_stands_further_right_and_higher(visit):
    page = visit(AuxiliaryGradients("norm-start", stage="conv1", second="heads, no norm").html())
    assert float(cell(page, "conv1", 0)) > float(cell(page, "conv1", 1))
    row = [stage(page, "conv1").locator(f"g.{name} .dot").bounding_box() for name in ("first", "second")]
    assert row[0]["x"] > row[1]["x"] + 5 and row[0]["y"] < row[1]["y"]
    marks = page.locator(".plot g.first .dot, .plot g.second .dot")
    expect(marks).to_have_count(2)
    for name in ("first", "second"):
        assert page.locator(f".plot g.{name} .dot").get_attribute("d").count("M") == 9


@pytest.mark.parametrize("given", ["updates=3", "updates=", "stage=9z", "first=heads", "second=%00"])
def test_a_link_to_what_was_not_recorded_changes_nothing(visit, given):
    page = visit(AuxiliaryGradients().html())
    before = page.locator("p.summary").text_content()
    kind = page.locator(".il-widget").get_attribute("id").rsplit("-", 2)[0].removeprefix("il-")
    page.evaluate("hash => { location.hash = hash; }", f"{kind}-1?{given}")
    expect(page.locator("p.summary")).to_have_text(before)


def test_a_link_goes_to_a_recorded_update(visit):
    page = visit(AuxiliaryGradients().html())
    page.evaluate("hash => { location.hash = hash; }", "auxiliary-gradients-1?updates=64&stage=4d")
    expect(page.locator("p.summary")).to_contain_text("After 64 updates, the gradient of 4d is")
    expect(scrubber(page)).to_have_value("7")


def test_print_keeps_both_drawings_and_the_table(visit):
    page = visit(AuxiliaryGradients().html())
    page.emulate_media(media="print")
    expect(scrubber(page)).to_be_hidden()
    expect(page.locator(".plot")).to_be_visible()
    expect(stage(page, "5b")).to_be_visible()
