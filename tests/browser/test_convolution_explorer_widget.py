"""The convolution explorer in a real browser: its surprise, its output grid by pointer, touch and keys."""

import pytest
from playwright.sync_api import Page, expect

from inception_lessons.widgets.convolution_explorer import ConvolutionExplorer
from tests.browser.bare import slider


def output(page: Page):
    return page.get_by_role("application")


def place(page: Page, across: float, down: float) -> tuple[float, float]:
    """Return the page's coordinates of a place in the output's drawing, in parts of its side."""
    output(page).scroll_into_view_if_needed()
    box = output(page).bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def told(page: Page, text: str):
    """Return the paragraph of the panel with this text; the status for a screen reader may say the same."""
    return page.locator(".il-widget section p:not(.spoken)").filter(has_text=text)


def boxes(page: Page, name: str) -> int:
    """Return how many closed shapes a path of the input's drawing has."""
    path = page.locator(f".il-widget .stage path.{name}").first
    return path.get_attribute("d").count("z")


def test_the_start_shows_what_no_window_reads(visit):
    page = visit(ConvolutionExplorer().html())
    said = page.locator(".il-widget strong")
    expect(said).to_contain_text("192 of 256 positions, 75.0 %")
    assert (boxes(page, "tap"), boxes(page, "zero"), boxes(page, "skip")) == (9, 0, 16)
    row = page.locator(".il-widget section tr", has_text="Receptive field")
    expect(row).to_contain_text("5×5")
    slider(page, "Dilation").press("ArrowLeft")
    expect(said).to_be_empty()
    expect(row).to_contain_text("3×3")


def test_arrow_keys_move_the_window_and_stop_at_the_edge(visit):
    page = visit(ConvolutionExplorer(row=0, column=0).html())
    expect(output(page)).to_have_accessible_name(
        "Output 8×8. Output row 1, column 1: 9 taps, 4 on input rows 1 and 3, columns 1 and 3, and 5 on the "
        "padding, where the input counts as 0."
    )
    assert (boxes(page, "tap"), boxes(page, "zero")) == (4, 5)
    output(page).focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(told(page, "Output row 2, column 3: 9 taps, on input rows 1, 3 and 5")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Output row 2, column 3")
    page.keyboard.press("End")
    expect(told(page, "Output row 8, column 8:")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(told(page, "Output row 8, column 8:")).to_be_visible()


def test_buttons_move_the_window(visit):
    page = visit(ConvolutionExplorer().html())
    for way in ("Up", "Left", "Left", "Down", "Down", "Right"):
        page.get_by_role("button", name=f"Window {way}").press("Enter")
    expect(told(page, "Output row 5, column 3:")).to_be_visible()


def test_a_pointer_chooses_and_drags_the_output(visit):
    # 20 positions to a side, and the 8 of the output in the middle: row 1 lies between 6/20 and 7/20.
    page = visit(ConvolutionExplorer().html())
    page.mouse.move(*place(page, 13.5 / 20, 6.5 / 20))
    page.mouse.down()
    page.mouse.up()
    expect(told(page, "Output row 1, column 8:")).to_be_visible()
    page.mouse.down()
    page.mouse.move(*place(page, 8.5 / 20, 11.5 / 20))
    expect(told(page, "Output row 6, column 3:")).to_be_visible()
    page.mouse.move(*place(page, 0.01, 0.99))  # beside the grid: the nearest output
    expect(told(page, "Output row 8, column 1:")).to_be_visible()
    page.mouse.up()
    page.mouse.move(*place(page, 0.5, 0.5))  # no button: nothing moves
    expect(told(page, "Output row 8, column 1:")).to_be_visible()


def test_a_finger_chooses_an_output(visit):
    page = visit(ConvolutionExplorer().html(), has_touch=True, viewport={"width": 390, "height": 844})
    page.touchscreen.tap(*place(page, 6.5 / 20, 13.5 / 20))
    expect(told(page, "Output row 8, column 1:")).to_be_visible()


def test_a_layer_that_cannot_be_is_explained_and_not_drawn(visit):
    page = visit(ConvolutionExplorer().html())
    height = page.get_by_role("spinbutton", name="Kernel height")
    height.fill("11")
    expect(told(page, "spans 21 rows, but the input with its padding has 20")).to_be_visible()
    expect(output(page)).to_be_hidden()
    height.fill("10")
    expect(output(page)).to_be_visible()
    page.get_by_label("Groups").select_option("8")
    page.get_by_role("spinbutton", name="Input channels").fill("3")
    expect(told(page, "8 groups do not divide the input channels, 3.")).to_be_visible()
    expect(output(page)).to_be_hidden()


@pytest.mark.parametrize("way", ["key", "button", "pointer"])
def test_a_position_outside_is_not_drawn_and_comes_back(visit, way):
    page = visit(ConvolutionExplorer(row=7, column=7).html())
    slider(page, "Stride").press("ArrowRight")
    expect(told(page, "The output has 6 rows and 6 columns: row 8, column 8 lies outside")).to_be_visible()
    assert boxes(page, "tap") == boxes(page, "frame") == 0
    if way == "key":
        output(page).press("ArrowRight")
    elif way == "button":
        page.get_by_role("button", name="Window Down").click()
    else:
        page.mouse.click(*place(page, 0.99, 0.99))
    expect(told(page, "Output row 6, column 6:")).to_be_visible()
    assert boxes(page, "frame") == 1


def test_a_large_grid_is_drawn_in_part_and_says_so(visit):
    page = visit(ConvolutionExplorer("alexnet-conv1").html())
    expect(told(page, "48×48 of its 227×227 positions")).to_be_visible()
    assert boxes(page, "tap") == 121
    assert page.locator(".il-widget .stage *").count() < 40
    output(page).press("End")
    expect(told(page, "Output row 55, column 55: 121 taps, on input rows 217 to 227")).to_be_visible()
