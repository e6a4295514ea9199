"""The network map in a real browser: the start, arrows, taps, a mouse, the scale, own networks, the link."""

import json

from playwright.sync_api import Page, expect

from inception_lessons.widgets import _page
from inception_lessons.widgets.network_map import NetworkMap
from tests.browser.bare import OUTSIDE, fake

GOOGLENET = "GoogLeNet, 6,998,552 parameters"
ROWS = [
    {"name": "a <b>wide</b> name of a layer", "parameters": 0, "macs": 0, "activations": 64},
    {"name": "conv", "shape": (8, 4, 4), "parameters": 75, "macs": 900, "activations": 12},
    {"name": "dense", "parameters": 25, "macs": 25, "activations": 1, "type": "Linear"},
]


def bar(page: Page, name: str):
    return page.get_by_role("listbox", name=name)


def detail(page: Page):
    return page.locator(".detail")


def focused(page: Page):
    return page.locator('[role="option"][aria-selected="true"]')


def widths(page: Page, name: str) -> list[float]:
    return (
        bar(page, name)
        .get_by_role("option")
        .evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().width)")
    )


def test_it_starts_with_the_dense_layers_of_alexnet(visit):
    page = visit(NetworkMap().html())
    selected = focused(page)
    expect(selected).to_have_accessible_name("dense6, output 4096: 37,752,832 parameters, 61.9 %")
    expect(detail(page)).to_contain_text(
        "37,752,832 parameters (61.9 % of the network), 37,748,736 MACs (5.21 %)"
    )
    expect(page.get_by_text("Dense layers: 96.2 %.")).to_be_visible()
    lengths = widths(page, "AlexNet")
    assert 0.961 < sum(lengths[5:]) / sum(lengths) < 0.963
    page.get_by_role("combobox", name="Sized by").select_option("macs")
    expect(page.get_by_text("Dense layers: 8.09 %.")).to_be_visible()
    lengths = widths(page, "AlexNet")
    assert 0.080 < sum(lengths[5:]) / sum(lengths) < 0.082


def test_areas_are_proportional_to_the_counts(visit):
    page = visit(
        NetworkMap("three", second="inception_v3", third="none").html(),
        viewport={"width": 1280, "height": 900},
    )
    length = bar(page, "Inception-v3").bounding_box()["width"]
    for name, total in (("LeNet", 61_706), ("Inception-v3", 23_834_568)):
        options = bar(page, name).get_by_role("option").all()
        for option, width in zip(options, widths(page, name), strict=True):
            count = int(option.get_attribute("aria-label").split(": ")[1].split()[0].replace(",", ""))
            assert abs(width - length * count / 23_834_568) < 0.1
        assert abs(sum(widths(page, name)) - length * total / 23_834_568) < 0.5
        tops = (
            bar(page, name)
            .locator(".bar")
            .evaluate_all("nodes => nodes.map(n => n.getBoundingClientRect().top)")
        )
        assert len(set(tops)) == 1
    # Module 6e: the 1×1 of its five branches, with batch norm, beside the 1×7 and 7×1.
    parts = bar(page, "Inception-v3").get_by_role("option", name="6e").locator(".bar i")
    heights = parts.evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().height)")
    ones = 768 * 192 * 4 + 2 * 192 * 4
    assert abs(heights[0] / sum(heights) - ones / 2_141_952) < 0.005


def test_arrows_reach_every_block_even_one_without_area(visit):
    page = visit(NetworkMap().html())
    bar(page, GOOGLENET).focus()
    page.keyboard.press("Home")
    names = []
    for _ in range(17):
        names.append(focused(page).get_attribute("aria-label").split(",")[0])
        page.keyboard.press("ArrowRight")
    assert names[:3] == ["conv1", "pool1", "conv2"]
    assert names[-2:] == ["avgpool", "linear"]
    page.keyboard.press("ArrowRight")
    expect(detail(page)).to_contain_text("GoogLeNet, linear: output 1000; 1,025,000 parameters (14.6 %")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(detail(page)).to_have_text(
        "GoogLeNet, pool1: output 64×56×56; no parameters, no MACs, no activations."
    )
    expect(page.get_by_role("status")).to_contain_text("GoogLeNet, pool1")
    page.keyboard.press("ArrowUp")
    expect(bar(page, "AlexNet")).to_be_focused()
    expect(detail(page)).to_contain_text("AlexNet, conv2")
    page.keyboard.press("End")
    expect(detail(page)).to_contain_text("AlexNet, dense8")


def test_the_controls_work_by_keys_alone(visit):
    page = visit(NetworkMap().html())
    page.get_by_role("combobox", name="Network 3").focus()
    page.keyboard.type("Inc")
    expect(bar(page, "Inception-v2")).to_be_visible()
    page.get_by_role("checkbox", name="Same scale").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("The full length is 60,965,224 parameters in every bar.")).to_be_visible()
    total = sum(widths(page, GOOGLENET))
    assert 0.114 < total / bar(page, GOOGLENET).bounding_box()["width"] < 0.116


def test_a_tap_brings_a_block_into_focus(visit):
    page = visit(NetworkMap("macs").html(), has_touch=True, viewport={"width": 390, "height": 800})
    box = bar(page, "AlexNet").bounding_box()
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + box["height"] - 30)
    expect(detail(page)).to_contain_text("AlexNet, conv2")
    # One too thin for a finger: its row in the table is not.
    page.get_by_text("All blocks in a table").tap()
    row = page.get_by_role("row", name="avgpool")
    row.tap()
    assert row.bounding_box()["height"] >= 24
    expect(detail(page)).to_contain_text("GoogLeNet, avgpool: output 1024×1×1; no parameters")


def test_a_mouse_looks_without_choosing(visit):
    page = visit(NetworkMap("macs").html())
    before = page.get_by_role("link", name="Link to this setting").get_attribute("href")
    box = bar(page, "AlexNet").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] - 30)
    expect(detail(page)).to_contain_text("AlexNet, conv2")
    assert page.get_by_role("link", name="Link to this setting").get_attribute("href") == before
    page.mouse.move(0, 0)
    expect(detail(page)).to_contain_text("AlexNet, dense6")


def test_no_first_network_cannot_be_asked_for(visit):
    page = visit(NetworkMap().html())
    page.evaluate("location.hash = 'network-map-1?first=none&second=none&shown=2&block=999'")
    expect(bar(page, "AlexNet")).to_be_visible()
    expect(page.get_by_role("listbox")).to_have_count(1)
    expect(detail(page)).to_contain_text("AlexNet, dense8")


def test_the_table_opens_at_320_pixels(visit):
    page = visit(NetworkMap("vgg").html(), viewport={"width": 320, "height": 800})
    page.get_by_text("All blocks in a table").click()
    expect(page.get_by_role("row", name="hidden1")).to_contain_text("102,760,448")
    assert not page.locator(".il-widget").evaluate(OUTSIDE)


def test_own_networks_come_out_as_in_python(visit):
    made = NetworkMap.of({"mine": ROWS})
    settings = [
        {
            **made.settings,
            "first": first,
            "second": second,
            "measure": measure,
            "same_scale": scale,
            "block": 1,
        }
        for first, second in (("mine", "none"), ("mine", "mine"), ("mine", "lenet"), ("lenet", "mine"))
        for measure in ("parameters", "macs", "activations")
        for scale in (False, True)
    ]
    source = _page.classic(_page.module_text(made._module))
    results = visit().evaluate(
        f"([spec, all]) => all.map(settings => ({source}).evaluate(spec, settings))",
        [made.state["spec"], settings],
    )
    assert results == [json.loads(json.dumps(made.evaluate(given))) for given in settings]


def test_own_names_are_text(visit):
    page = fake(visit, NetworkMap.of({"<i>mine</i>": ROWS}, measure="activations", second="none"))
    expect(focused(page)).to_have_accessible_name(
        "a <b>wide</b> name of a layer, output not given: 64 activations, 83.1 %"
    )
    expect(page.locator("strong")).to_have_text(["<i>mine</i>", "", ""])
    assert not page.locator("#view").evaluate(OUTSIDE)


def test_the_table_is_printed(visit):
    page = visit(NetworkMap().html())
    expect(page.get_by_role("table")).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.get_by_role("row", name="pool4")).to_be_visible()
    expect(page.get_by_text("Tap a block")).to_be_hidden()
