"""Accuracy against cost in a real browser: the surprise, marks by keys and touch, names that stay apart."""

import pytest
from playwright.sync_api import Page, expect

from inception_lessons.widgets.accuracy_cost import AccuracyCost

BOXES = """host => {
  const box = node => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return { text: node.textContent || node.getAttribute("aria-label"), left, top, right, bottom };
  };
  const all = query =>
    [...host.shadowRoot.querySelectorAll(query)].filter(node => node.checkVisibility()).map(box);
  return { names: all(".names span"), marks: all("[role=radio]"), plot: all(".plot")[0] };
}"""


def mark(page: Page, name: str):
    return page.get_by_role("radio", name=name)


def chosen(page: Page) -> str:
    return page.get_by_role("radio", checked=True).get_attribute("aria-label")


def summary(**settings) -> str:
    return AccuracyCost.evaluate(AccuracyCost(**settings).settings)["summary"]


def test_by_parameters_googlenet_stands_alone_and_by_macs_alexnet_is_cheapest(visit):
    page = visit(AccuracyCost().html())
    left = lambda name: mark(page, name).bounding_box()["x"]  # noqa: E731
    assert left("5 GoogLeNet") < left("1 AlexNet") - 300
    assert left("5 GoogLeNet") < left("3 VGG-16") - 300
    expect(mark(page, "1 AlexNet")).to_have_accessible_name(
        "1 AlexNet, 2012: parameters 60,965,224, top-5 error 18.2 %, off the frontier"
    )
    page.get_by_label("Across").select_option("MACs")
    assert left("1 AlexNet") < left("5 GoogLeNet") - 50
    expect(mark(page, "1 AlexNet")).to_have_accessible_name(
        "1 AlexNet, 2012: MACs 724,406,816, top-5 error 18.2 %, on the frontier"
    )
    # The status for screen readers says it too, a moment later.
    expect(page.get_by_text("Fewest MACs: AlexNet with 724,406,816").first).to_be_visible()


def test_counting_the_ten_crops_moves_alexnet_to_the_right(visit):
    page = visit(AccuracyCost("macs").html())
    page.get_by_label("Count every network and crop of the test").check()
    assert mark(page, "1 AlexNet").bounding_box()["x"] > mark(page, "8 Inception v3").bounding_box()["x"]
    expect(mark(page, "2 ZFNet")).to_have_count(0)
    expect(page.get_by_text("ZFNet: how many crops were averaged is not printed.")).to_be_visible()


def test_arrows_walk_the_marks_from_left_to_right_and_around(visit):
    page = visit(AccuracyCost().html())
    mark(page, "5 GoogLeNet").focus()
    seen = []
    for _ in range(7):
        page.keyboard.press("ArrowRight")
        seen.append(chosen(page).split(",")[0])
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.ariaLabel") == chosen(page)
    assert seen == [
        "6 BN-Inception", "8 Inception v3", "7 Inception v2", "1 AlexNet", "2 ZFNet", "3 VGG-16",
        "5 GoogLeNet",
    ]  # fmt: skip
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("3 VGG-16, 2014")).to_be_visible()
    expect(
        page.get_by_text("Tested with one network over the whole image and its mirror image")
    ).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("3 VGG-16, 2014. Beaten by BN-Inception")
    expect(page.get_by_role("radio").and_(page.locator("[tabindex='0']"))).to_have_count(1)


def test_a_tap_chooses_a_mark(visit):
    page = visit(AccuracyCost().html(), has_touch=True, viewport={"width": 320, "height": 900})
    for shown in page.get_by_role("radio").all():
        box = shown.bounding_box()
        assert box["width"] >= 24
        assert box["height"] >= 24
    mark(page, "1 AlexNet").tap()
    expect(mark(page, "1 AlexNet")).to_be_checked()
    expect(page.get_by_text("Tested with one network, the ten crops of section 4.1")).to_be_visible()


def test_hollow_marks_are_those_that_average_or_do_not_say(visit):
    page = visit(AccuracyCost(x="parameters", y="macs", show="all").html())
    hollow = page.locator(".il-widget").evaluate(
        """host => [...host.shadowRoot.querySelectorAll("[role=radio]")].filter(node =>
          getComputedStyle(node, "::before").backgroundColor
            === getComputedStyle(host.shadowRoot.querySelector("section")).backgroundColor)
          .map(node => Number(node.dataset.number))"""
    )
    assert hollow == [1, 2, 3, *range(15, 28)]


@pytest.mark.parametrize("preset", AccuracyCost.presets())
@pytest.mark.parametrize("width", [700, 1280])
def test_names_cover_no_mark_and_no_name(visit, preset, width):
    page = visit(AccuracyCost(preset).html(), viewport={"width": width, "height": 900})
    boxes = page.locator(".il-widget").evaluate(BOXES)
    assert len(boxes["names"]) >= 5
    plot, things = boxes["plot"], boxes["names"] + boxes["marks"]
    for at, name in enumerate(boxes["names"]):
        assert plot["left"] <= name["left"] <= name["right"] <= plot["right"], name
        assert plot["top"] <= name["top"] <= name["bottom"] <= plot["bottom"], name
        for other in things[at + 1 :]:
            apart = name["right"] <= other["left"] or other["right"] <= name["left"]
            assert apart or name["bottom"] <= other["top"] or other["bottom"] <= name["top"], (name, other)


def test_no_mark_hides_another(visit):
    page = visit(AccuracyCost(x="parameters", y="macs").html(), viewport={"width": 320, "height": 900})
    for shown in page.get_by_role("radio").all():
        shown.click(timeout=2000)
        expect(shown).to_be_checked()


def test_a_narrow_page_has_numbers_in_the_marks_and_names_in_the_table(visit):
    page = visit(AccuracyCost().html(), viewport={"width": 320, "height": 900})
    assert page.locator(".il-widget").evaluate(BOXES)["names"] == []
    expect(page.get_by_role("rowheader", name="5 GoogLeNet · frontier")).to_be_visible()


def test_equal_axes_are_explained_and_not_drawn(visit):
    page = visit(AccuracyCost().html())
    page.get_by_label("Up").select_option("Parameters")
    expect(
        page.get_by_text("Both axes show parameters: choose two different measures.").first
    ).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_count(0)
    page.get_by_label("Up").select_option("Year")
    expect(page.get_by_role("radiogroup")).to_be_visible()
    expect(page.get_by_text(summary(y="year")).first).to_be_visible()


def test_a_link_to_an_unknown_network_or_axis_changes_nothing(visit):
    page = visit(AccuracyCost().html())
    page.evaluate("location.hash = 'accuracy-cost-1?point=lenet&x=flops&y=top1'")
    expect(page.get_by_text(summary(y="top1")).first).to_be_visible()
    assert chosen(page).startswith("5 GoogLeNet")
