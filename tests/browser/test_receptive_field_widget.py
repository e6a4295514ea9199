"""The receptive field of a stack, in a real browser: its start, its keys, its pointer, its edges."""

import re

from playwright.sync_api import expect

from inception_lessons.widgets.receptive_field import STEMS, ReceptiveField, evaluate


def says(page, text):
    expect(page.locator(".il-widget section p").filter(has_text=text).first).to_be_visible()


def texts(page):
    return page.locator(".il-widget section").inner_text()


def picked(page):
    return page.get_by_role("slider", name="Output")


def test_the_start_shows_the_surprise(visit):
    page = visit(ReceptiveField().html())
    says(page, "27 against 49 for each pair")
    numbers = picked(page).locator("text").all_text_contents()
    assert len(numbers) == 49
    assert (numbers[0], numbers[24], numbers[-1]) == ("1", "49", "1")
    sizes = (
        picked(page)
        .locator("text")
        .first.evaluate("node => parseFloat(getComputedStyle(node).fontSize) * node.getScreenCTM().a")
    )
    assert sizes >= 12
    rows = page.locator(".il-widget section tr").all_inner_texts()
    assert [row.split() for row in rows[1:]][-1] == ["3×3", "7×7", "1", "15×15"]


def test_by_keys_alone(visit):
    page = visit(ReceptiveField().html())
    for _ in range(9):  # example, reset, two sliders of two fields, two choices, then the first button
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add layer")).to_be_focused()
    page.keyboard.press("Enter")
    says(page, "36 against 81")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    says(page, "18 against 25")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    says(page, "One 3×3 sees 3×3")
    page.keyboard.press("Tab")
    expect(picked(page)).to_be_focused()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    expect(picked(page)).to_be_focused()
    expect(picked(page)).to_have_attribute("aria-valuetext", re.compile("row 6, column 6 of 15×15"))
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    expect(picked(page)).to_have_attribute("aria-valuenow", "14")
    says(page, "Of these, 3 lie outside")


def test_the_next_layer_can_have_a_stride(visit):
    page = visit(ReceptiveField("3x3,3x3").html())
    page.get_by_label("Next layer").select_option(label="3×3 pool, stride 2")
    page.get_by_role("button", name="Add layer").click()
    expected = evaluate(ReceptiveField("3x3,3x3", stack="3x3,3x3,p3x3s2").settings)
    for sentence in ("summary", "position", "equality"):
        assert expected[sentence] in texts(page)


def test_a_stack_has_1_to_18_layers(visit):
    page = visit(ReceptiveField("7x7").html())
    page.get_by_role("button", name="Remove last").click()
    says(page, "One 7×7 sees 7×7")
    page.get_by_label("Next layer").select_option(label="1×1")
    for _ in range(20):
        page.get_by_role("button", name="Add layer").click()
    says(page, "18 layers together see 7×7")


def test_a_click_picks_the_output_below_it(visit):
    page = visit(ReceptiveField().html())
    box = picked(page).bounding_box()
    cell = box["width"] / 21  # 15 pixels and 3 more at each edge
    page.mouse.click(box["x"] + 3.5 * cell, box["y"] + 17.5 * cell)
    expect(picked(page)).to_have_attribute("aria-valuetext", re.compile("row 14, column 0 of 15×15"))
    page.mouse.click(box["x"] + 2, box["y"] + 2)
    expect(picked(page)).to_have_attribute("aria-valuetext", re.compile("row 0, column 0 of 15×15"))


def test_a_finger_picks_too(visit):
    options = {"has_touch": True, "is_mobile": True, "viewport": {"width": 320, "height": 640}}
    page = visit(ReceptiveField("vgg16-5").html(), **options)
    picked(page).scroll_into_view_if_needed()
    box = picked(page).bounding_box()
    assert min(box["width"], box["height"]) > 200
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(picked(page)).to_have_attribute("aria-valuetext", re.compile("row 3, column 3 of 7×7"))
    assert page.locator(".cut svg").bounding_box()["width"] > 40


def test_every_network_shows_pythons_sentences(visit):
    page = visit(ReceptiveField().html())
    for key, (label, _, _) in STEMS.items():
        page.get_by_label("Example").select_option(label=label)
        expected = evaluate(ReceptiveField(key).settings)
        for sentence in ("summary", "position", "paths", "equality"):
            assert expected[sentence] in texts(page)
        assert page.locator(".il-widget section tr").count() == len(expected["levels"]) + 1


def test_too_large_a_stack_is_said_and_hides_the_drawing(visit):
    page = visit(ReceptiveField(stack="1x1s4,1x1s4,1x1s4").html())
    page.get_by_label("Next layer").select_option(label="3×3, stride 2")
    page.get_by_role("button", name="Add layer").click()
    says(page, "jump 128. The drawing ends")
    expect(picked(page)).to_be_hidden()
    page.get_by_role("button", name="Remove last").click()
    expect(picked(page)).to_be_visible()


def test_an_illegal_stack_in_the_address_changes_nothing(visit):
    page = visit(ReceptiveField().html())
    page.evaluate("location.hash = 'receptive-field-1?stack=3x3,99x1&side=31'")
    says(page, "27 against 49")
    expect(page.get_by_role("spinbutton", name="Image side")).to_have_value("31")
