"""The grid reduction in a real browser: its surprise, its blocks, keys alone, and what cannot be built."""

import pytest
from playwright.sync_api import Page, expect

from inception_lessons.widgets import GridReduction
from tests.browser.bare import slider


def way(page: Page, name: str):
    return page.locator(".ways > li").filter(has=page.get_by_text(name, exact=True))


def volumes(page: Page, name: str) -> list[float]:
    """Return width · height · depth of each block's solid, in pixels; depth has a scale of its own."""
    return (
        way(page, name)
        .locator(".block")
        .evaluate_all(
            """blocks => blocks.map(block => {
          const face = getComputedStyle(block, "::after");
          return parseFloat(face.width) * parseFloat(face.height) * parseFloat(face.right);
        })"""
        )
    )


def test_the_start_shows_that_one_way_loses_neither(visit):
    page = visit(GridReduction().html())
    said = {
        "Pool first": ("Loses by its bottleneck.", "bottleneck: 92,480 numbers", "532,684,800", "23.6 %"),
        "Convolve first": ("Loses by its MACs.", "narrowest: 184,960 numbers", "2,257,920,000", "100 %"),
        "Parallel": ("Loses by neither.", "narrowest: 184,960 numbers", "266,342,400", "11.8 %"),
    }
    for name, texts in said.items():
        for text in texts:
            expect(way(page, name)).to_contain_text(text)
    panel = page.get_by_role("region", name="Grid reduction")
    expect(panel).to_contain_text("Convolving first takes 424 % of the MACs of pooling first")


@pytest.mark.parametrize("width", [390, 1280])
def test_volumes_are_in_proportion_to_the_numbers(visit, width):
    page = visit(GridReduction("v3-6a").html(), viewport={"width": width, "height": 800})
    shown = {way["label"]: way for way in GridReduction.evaluate(GridReduction("v3-6a").settings)["ways"]}
    scales = []
    for name, found in shown.items():
        maps = [step for branch in found["branches"] for step in branch] + found["joined"]
        numbers = [35 * 35 * 288, *(step["numbers"] for step in maps)]
        scales += [v / n for v, n in zip(volumes(page, name), numbers, strict=True)]
    assert max(scales) < 1.03 * min(scales)


def test_the_bottleneck_alone_has_a_solid_frame(visit):
    page = visit(GridReduction().html())
    frames = page.locator(".narrow").evaluate_all(
        "all => all.map(node => getComputedStyle(node).outlineStyle)"
    )
    assert frames == ["solid", "dashed", "dashed"]
    slider(page, "First branch: 1×1, or 0").fill("4")
    expect(way(page, "Parallel")).to_contain_text("1×1: 35×35×4 (bottleneck)")


def test_keys_alone_reach_the_reduction_of_v3(visit):
    page = visit(GridReduction().html())
    example = page.get_by_role("combobox", name="Example")
    example.focus()
    example.press("M")  # Mixed_6a
    expect(way(page, "Parallel")).to_contain_text("401,937,408")
    expect(way(page, "Parallel")).to_contain_text("1,153,280")
    grid = slider(page, "Grid")
    grid.focus()
    grid.press("ArrowLeft")  # 34: even, without padding
    expect(page.get_by_text("On an even grid the windows miss the last row and column")).to_be_visible()
    padding = page.get_by_role("combobox", name="Padding")
    padding.focus()
    padding.press("ArrowDown")
    expect(page.get_by_text("(34 + 2 − 3)/2")).to_be_visible()


def test_only_controls_that_do_something_are_shown(visit):
    page = visit(GridReduction().html())
    for name in ("Output channels", "Second branch: 1×1", "Second branch: output"):
        expect(slider(page, name)).to_be_hidden()
    twice = page.get_by_role("checkbox", name="Twice as many channels out")
    twice.focus()
    twice.press("Space")
    expect(slider(page, "Output channels")).to_be_visible()
    page.get_by_role("combobox", name="Parallel form").select_option("two")
    expect(slider(page, "Second branch: 1×1")).to_be_visible()
    expect(slider(page, "Second branch: output")).to_be_visible()


def test_what_cannot_be_joined_is_said_and_not_drawn(visit):
    page = visit(GridReduction().html())
    page.get_by_role("combobox", name="Convolution").select_option("1")
    parallel = way(page, "Parallel")
    expect(parallel).to_contain_text("a 1×1 with stride 2 gives 18×18, a 3×3 pooling 17×17")
    expect(parallel.locator(".block")).to_have_count(0)
    expect(way(page, "Pool first").locator(".block")).to_have_count(3)
    page.get_by_role("combobox", name="Padding").select_option("one")
    expect(parallel.locator(".block")).to_have_count(4)


def test_an_illegal_number_is_brought_back(visit):
    page = visit(GridReduction().html())
    number = page.get_by_role("spinbutton", name="Grid")
    number.fill("1")
    number.press("Tab")
    expect(number).to_have_value("3")
    expect(page.get_by_text("(3 − 3)/2 + 1 = 1.")).to_be_visible()
