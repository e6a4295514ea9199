"""The module designer in a real browser: what only it does."""

import pytest
from playwright.sync_api import Page, expect

from inception_lessons.widgets.module_designer import ModuleDesigner
from tests.browser.bare import slider

HEIGHTS = """host => [...host.shadowRoot.querySelectorAll("rect")]
  .map(node => node.getBoundingClientRect().height)"""
HIDDEN = """host => [...host.shadowRoot.querySelectorAll(".map span")]
  .map(node => node.getBoundingClientRect())
  .filter((a, at, all) => all.some((b, other) => other > at && a.left < b.right - 1 && b.left < a.right - 1
    && a.top < b.bottom - 3 && b.top < a.bottom - 3)).length"""


@pytest.fixture
def page(visit) -> Page:
    return visit(ModuleDesigner().html())


def summary(page: Page):
    return page.locator(".il-widget section > p:not(.caption, .links, .spoken)").first


def test_the_start_shows_the_surprise(page):
    expect(summary(page)).to_contain_text(
        "The 5×5 branch takes fewer than the 1×1 branch: 9.95 % against 12.9 %."
    )
    expect(summary(page)).to_contain_text("The naive form would take 405 % of these MACs")
    row = page.get_by_role("row", name="5×5 512 → 24 → 64")
    expect(row).to_contain_text("9,934,848")


def test_the_naive_form_is_one_key_away_and_grows(page):
    box = page.get_by_role("checkbox", name="Naive form")
    box.focus()
    page.keyboard.press("Space")
    expect(summary(page)).to_contain_text("512 → 960 → 1,408 → 1,856")
    expect(slider(page, "3×3 reduce (not used)")).to_be_disabled()
    expect(slider(page, "Pool projection (not used)")).to_be_disabled()
    expect(page.locator(".map")).to_contain_text("Output\n960", use_inner_text=True)
    expect(page.get_by_label("Example")).to_have_value("4")
    page.keyboard.press("Space")
    expect(slider(page, "3×3 reduce")).to_be_enabled()
    expect(page.locator(".map")).to_contain_text("Output\n512", use_inner_text=True)


def test_heights_are_in_proportion_to_channels(page):
    """Input 512; 128, 128, 256, 24, 64, 512 and 64 in the order of the branches, and four in the output."""
    heights = page.locator(".il-widget").evaluate(HEIGHTS)
    unit = heights[0] / 512
    drawn = sorted(round(height / unit) for height in heights)
    assert drawn == sorted([512, 128, 128, 128, 256, 256, 24, 64, 64, 512, 64, 64])


def test_every_width_by_keys(page):
    for name, key, cell in (
        ("1×1", "ArrowRight", "512 → 132"),
        ("3×3 reduce", "ArrowLeft", "512 → 124 → 256"),
        ("3×3", "End", "512 → 124 → 512"),
        ("5×5 reduce", "Home", "512 → 4 → 64"),
        ("5×5", "ArrowUp", "512 → 4 → 68"),
        ("Pool projection", "ArrowDown", "512 → 512 → 60"),
    ):
        page.get_by_role("slider", name=name, exact=True).focus()
        page.keyboard.press(key)
        expect(page.get_by_role("table").first).to_contain_text(cell)
    expect(page.get_by_role("status")).to_contain_text("Most MACs: the 3×3 branch")
    expect(page.get_by_label("Example")).to_have_value("")


def test_a_width_that_is_no_multiple_of_four_goes_to_the_nearest(page):
    field = page.get_by_role("spinbutton", name="5×5 reduce")
    field.fill("31")
    expect(page.get_by_role("table").first).to_contain_text("512 → 24 → 64")
    field.press("Enter")
    expect(field).to_have_value("32")
    expect(page.get_by_role("table").first).to_contain_text("512 → 32 → 64")
    field.fill("9999")
    field.press("Enter")
    expect(page.get_by_role("table").first).to_contain_text("512 → 512 → 64")


def test_sliders_are_called_as_the_kind_has_it(page):
    kind = page.get_by_label("Kind")
    group = page.get_by_role("group", name="Widths")

    def names() -> list[str]:
        return group.get_by_role("slider").evaluate_all("nodes => nodes.map(node => node.ariaLabel)")

    kind.select_option("v3_35")
    wanted = ["1×1", "5×5 reduce", "5×5", "Double 3×3 reduce", "Double 3×3, each", "Pool projection"]
    assert names() == wanted
    expect(group).to_contain_text("Double 3×3 reduce")
    kind.select_option("v3_17")
    assert names()[3] == "Second reduce (not used)"
    expect(page.locator(".caption").first).to_contain_text("This kind has five numbers")
    kind.select_option("bn_max")
    expect(page.locator(".map")).to_contain_text("max")
    kind.select_option("bn_avg")
    expect(page.locator(".map")).to_contain_text("avg")
    kind.select_option("googlenet")
    assert names()[1] == "3×3 reduce"
    expect(page.get_by_label("Example")).to_have_value("4")


def test_the_naive_form_of_another_kind_says_that_no_paper_draws_it(page):
    page.get_by_role("checkbox", name="Naive form").check()
    caption = page.locator(".caption").first
    expect(caption).not_to_contain_text("alone draws")
    page.get_by_label("Kind").select_option("v3_8")
    expect(caption).to_contain_text("GoogLeNet's paper alone draws a naive form (Figure 2a)")


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("preset", ["4c", "bn-4d", "v3-5d", "v3-6e", "v3-7c"])
def test_labels_do_not_cover_each_other(visit, preset, width):
    page = visit(ModuleDesigner(preset).html(), viewport={"width": width, "height": 800})
    assert page.locator(".il-widget").evaluate(HIDDEN) == 0


def test_print_hides_the_widths_and_keeps_the_picture(page):
    page.emulate_media(media="print")
    expect(page.get_by_role("group", name="Widths")).to_be_hidden()
    expect(page.locator(".map")).to_be_visible()
