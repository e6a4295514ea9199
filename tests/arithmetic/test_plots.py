"""Figures: what they say, what they draw in proportion, and that they can stand in any page."""

import io
import math
import re
import subprocess
import sys
from functools import cache
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from matplotlib.patches import Polygon

from inception_lessons import plots
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1, InceptionWidths

THREE_A = GOOGLENET_MODULES["3a"]
COST_ROW = {"name": "5a", "macs": 51_079_168, "printed_macs": 54e6, "parameters": 1_042_432}
RUN = [
    {"step": 0, "loss": 2.302, "accuracy": 0.1},
    {"step": 90, "loss": 1.25},
    {"step": 180, "loss": 0.5, "accuracy": 0.8125},
]
IMAGE = [[0, 255], [128, 7], [0, 0]]
NETWORKS = [
    {
        "year": 2014,
        "name": "GoogLeNet",
        "idea": "Wide and deep on a budget",
        "chapter": 5,
        "status": "written",
    },
    {"year": 1998, "name": "LeNet-5", "idea": "Read digits", "chapter": 2, "status": "to come"},
]

FIGURES = {
    "inception_module": lambda: plots.inception_module(THREE_A, 192),
    "naive module": lambda: plots.inception_module(THREE_A, 192, "naive"),
    "compare_modules": lambda: plots.compare_modules(THREE_A, 192),
    "concatenation": lambda: plots.concatenation([64, 128, 32, 32], 28),
    "receptive_fields": plots.receptive_fields,
    "network": plots.network,
    "lineage": lambda: plots.lineage(NETWORKS),
    "bars": lambda: plots.bars(
        [{"name": "direct", "macs": 120_422_400}, {"name": "nothing", "macs": 0}], "macs"
    ),
    "cost_bars": lambda: plots.cost_bars([COST_ROW | {"printed_parameters": 1072 * 1024}]),
    "scatter_costs": lambda: plots.scatter_costs([{"name": "A", "macs": 7e8, "accuracy": 56.5}]),
    "training_curves": lambda: plots.training_curves(
        {"one": RUN, "two seeds": [RUN, RUN[:2] + [RUN[2] | {"loss": 0.75}]]}
    ),
    "gradient_norms": lambda: plots.gradient_norms({"with": [("conv1", 1e-3), ("linear", 0.5)]}),
    "image_grid": lambda: plots.image_grid([IMAGE, IMAGE], ["Bag", "Coat"], ["Bag", "Shirt"]),
}


@pytest.fixture(params=FIGURES, scope="module")
def figure(request):
    return FIGURES[request.param]()


@cache
def html_of(figure):
    return figure.html()


def drawings(figure):
    """Return the figure's SVG elements, parsed."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", html_of(figure), re.DOTALL)]


def bar_widths(root, ink):
    """Return the widths of the solid rectangles of one colour, in the order drawn."""
    found = []
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        if f"fill:var(--il-{ink}," in path.get("style", "") and not {"opacity", "fill-opacity"} & set(
            path.attrib
        ):
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.get("d"))]
            xs, ys = sorted(set(numbers[0::2])), sorted(set(numbers[1::2]))
            if len(xs) == 2 and len(ys) == 2:
                found.append(xs[1] - xs[0])
    return found


def test_every_colour_is_a_variable_with_a_fallback(figure):
    for root in drawings(figure):
        for element in root.iter():
            assert "fill" not in element.attrib and "stroke" not in element.attrib
            for name, value in re.findall(r"(fill|stroke):([^;]+)", element.get("style", "")):
                assert value == "none" or re.fullmatch(r"var\(--il-[a-z0-9]+,#[0-9a-f]{6}\)", value), (
                    name,
                    value,
                )
            if element.tag.endswith(("text", "circle")):
                assert "fill:" in element.get("style")
            if element.tag.endswith("path"):
                assert "fill:" in element.get("style"), "a path without fill is black in every theme"


def test_figures_can_share_a_page(figure):
    html = html_of(figure)
    assert not re.search(r"\sid=", html)
    assert "url(#" not in html and "<use" not in html and "metadata" not in html
    for address in re.findall(r"https?://[^\"' ]+", html):
        assert address == "http://www.w3.org/2000/svg"


def test_the_same_figure_has_the_same_bytes(figure, request):
    again = FIGURES[request.node.callspec.params["figure"]]()
    assert again.html() == html_of(figure)


def test_the_same_picture_has_the_same_bytes():
    assert plots.receptive_fields().png() == plots.receptive_fields().png()


def test_mimebundle_says_the_same_in_three_ways(figure):
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert bundle["text/plain"] == figure.alt
    assert bundle["image/png"].startswith(b"\x89PNG")
    opened = ElementTree.fromstring(
        bundle["text/html"].replace("<style>", "<style><![CDATA[").replace("</style>", "]]></style>")
    )
    assert opened.tag == "figure" and opened.get("role") == "img" and opened.get("class") == "il-figure"
    assert opened.get("aria-label") == figure.alt
    assert figure._repr_mimebundle_(include={"text/plain"}) == {"text/plain": figure.alt}


def test_text_is_legible_at_natural_size(figure):
    for root in drawings(figure):
        width = float(root.get("viewBox").split()[2])
        assert width <= 540
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            assert float(text.get("font-size")) >= 9
            assert "font-family" not in text.attrib


def test_drawings_stay_within_their_frame(figure):
    for drawing in filter(None, (figure.wide, figure.narrow)):
        drawing.savefig(io.BytesIO(), format="svg")
        width, height = (drawing.get_size_inches() * drawing.dpi).tolist()
        for text in drawing.axes[0].texts:
            box = text.get_window_extent()
            assert box.x0 > -4 and box.x1 < width + 4, text.get_text()
            assert box.y0 > -4 and box.y1 < height + 4, text.get_text()


def test_module_alt_has_the_computed_numbers():
    figure = plots.inception_module(THREE_A, 192)
    grid = 28 * 28
    for macs in (192 * 64, 192 * 96, 9 * 96 * 128, 192 * 16, 25 * 16 * 32, 192 * 32):
        assert f"({macs * grid / 1e6:.2f} M MACs)" in figure.alt
    assert "64 + 128 + 32 + 32 = 256 channels" in figure.alt
    assert "128.05 M MACs and 163,696 parameters" in figure.alt


def test_comparison_states_both_totals_and_the_ratio():
    naive = 192 * (64 + 9 * 128 + 25 * 32) * 28 * 28
    figure = plots.compare_modules(THREE_A, 192)
    assert f"{naive / 1e6:.2f} M MACs" in figure.alt and "= 416 channels" in figure.alt
    assert "factor of 2.37" in figure.alt


@pytest.mark.parametrize(("key", "in_channels"), [("3a", 192), ("4d", 512), ("5b", 832)])
def test_bars_are_as_wide_as_their_channels(key, in_channels):
    row = GOOGLENET_MODULES[key]
    for root in drawings(plots.compare_modules(row, in_channels)):
        scale = bar_widths(root, "other")[0] / in_channels
        expected = {
            "conv1": [row.conv1] * 2
            + [row.conv1, row.reduce3, row.reduce5, row.project, row.conv1, row.project],
            "conv3": [row.conv3] * 4,
            "conv5": [row.conv5] * 4,
            "pool": [in_channels] * 3,
            "other": [in_channels] * 2,
        }
        for ink, channels in expected.items():
            widths = bar_widths(root, ink)
            assert sorted(widths) == pytest.approx(sorted(scale * count for count in channels), abs=0.03), ink


def test_network_bars_and_numbers_come_from_the_table():
    figure = plots.network()
    assert (
        "22 weight layers" in figure.alt
        and "1,582.67 M MACs" in figure.alt
        and "6,998,552 parameters" in figure.alt
    )
    linear = GOOGLENET_TABLE_1[-2].channels
    for root in drawings(figure):
        (dense,) = (width for width in bar_widths(root, "dense") if width > 9)
        fives = [row.conv5 for row in GOOGLENET_MODULES.values()]
        assert bar_widths(root, "conv5")[: len(fives)] == pytest.approx(
            [dense / linear * five for five in fives], abs=0.03
        )
        texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
        words = [text.text for text in texts]
        numbers = [
            text.text for text in texts if text.get("text-anchor") == "end" and text.get("font-weight")
        ]
        numbers = [word for word in numbers if word[0].isdigit()]
        assert numbers == ["1", "2", "3", *(f"{n}–{n + 1}" for n in range(4, 22, 2)), "22"]
        assert sum("auxiliary head" in word for word in words) == 2
        assert [word for word in words if word.startswith("stage")] == [f"stage {n}" for n in range(1, 6)]


def test_network_without_heads_draws_none():
    assert "auxiliary head" not in "".join(plots.network(aux=False).html().split("without auxiliary heads"))


def test_generic_bars_are_in_proportion():
    rows = [{"name": "a", "weights": 30}, {"name": "b", "weights": 90}, {"name": "c", "weights": 45}]
    figure = plots.bars(rows, "weights", ink="conv5")
    for root in drawings(figure):
        widths = bar_widths(root, "conv5")
        assert [width / widths[1] for width in widths] == pytest.approx([1 / 3, 1, 1 / 2], rel=1e-3)
    assert "a: 30; b: 90; c: 45" in figure.alt


def test_cost_bars_tell_rounding_from_differences():
    rows = [
        COST_ROW | {"printed_parameters": 1072 * 1024},
        {
            "name": "4a",
            "macs": 73_609_000,
            "printed_macs": 73e6,
            "parameters": 375_552,
            "printed_parameters": None,
        },
    ]
    alt = plots.cost_bars(rows).alt
    assert "1 of 2 rows agree" in alt and "5a 51.08 M computed, 54.00 M printed (−5.4 %)" in alt
    assert "0 of 1 rows agree" in alt and "5a 1,042,432 computed, 1,097,728 printed (−5.0 %)" in alt
    assert "2 of 2 rows agree" in plots.cost_bars(rows, macs_unit=1e7).alt


def test_training_alt_gives_the_spread_of_the_runs():
    alt = FIGURES["training_curves"]().alt
    assert "one from 2.3 to 0.5 by step 180" in alt
    assert "two seeds, 2 runs, to between 0.5 and 0.75 by step 180" in alt


def test_a_history_gives_training_loss_and_test_accuracy():
    history = SimpleNamespace(
        steps=[SimpleNamespace(step=1, loss=2.5), SimpleNamespace(step=9, loss=0.75)],
        tests=[SimpleNamespace(step=1, loss=9.0, top1=0.25), SimpleNamespace(step=9, loss=9.0, top1=0.875)],
    )
    alt = plots.training_curves({"seeds": [history, history]}).alt
    assert "Loss: seeds, 2 runs, to between 0.75 and 0.75" in alt and "and 0.875 by step 9" in alt


def test_long_runs_are_drawn_with_few_points():
    long = [{"step": step, "loss": 1.0 + math.sin(step)} for step in range(5000)]
    figure = plots.training_curves({"long": long}, ("loss",))
    assert all(
        len(path.get("d")) < 5000 for root in drawings(figure) for path in root.iter() if path.get("d")
    )


def test_gradient_dots_stand_on_a_logarithmic_axis():
    figure = plots.gradient_norms({"norms": [("a", 1e-4), ("b", 1e-3), ("c", 1e-1)]})
    for root in drawings(figure):
        x = [float(dot.get("cx")) for dot in root.iter("{http://www.w3.org/2000/svg}circle")][1:]
        assert (x[2] - x[1]) / (x[1] - x[0]) == pytest.approx(2, rel=0.01)
    assert "1.00e-04 in a" in figure.alt


def test_image_grid_names_what_is_wrong():
    figure = FIGURES["image_grid"]()
    assert (
        "2 grey images of 3×2 pixels" in figure.alt
        and "1 of 2 predicted wrongly: a Coat taken for Shirt" in figure.alt
    )
    for root in drawings(figure):
        assert sum(element.tag.endswith("image") for element in root.iter()) == 2
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words == ["Bag", "Coat", "✗ Shirt"]


def test_lineage_is_in_order_of_time_and_marks_what_is_written():
    figure = FIGURES["lineage"]()
    assert figure.alt.index("1998") < figure.alt.index("2014")
    assert "(chapter 2, to come)" in figure.alt and "(chapter 5)" in figure.alt


def test_prisms_share_height_and_sum_to_the_whole():
    figure = plots.concatenation({"conv1": 64, "conv3": 128, "conv5": 32, "pool": 192}, (28, 14))
    for drawing in (figure.wide, figure.narrow):
        fronts = [patch.get_xy() for patch in drawing.axes[0].patches if isinstance(patch, Polygon)]
        fronts = [corners for corners in fronts if len({*corners[:, 0]}) == len({*corners[:, 1]}) == 2]
        boxes = [tuple(corners.max(axis=0) - corners.min(axis=0)) for corners in fronts]
        singles, whole = boxes[:4], boxes[4:8]
        assert [width for width, _ in singles] == pytest.approx([width for width, _ in whole])
        assert [width / singles[0][0] for width, _ in singles] == pytest.approx([1, 2, 0.5, 3])
        assert len({round(height, 6) for _, height in singles + whole}) == 1
    assert "= 416 channels, and still 28×14" in figure.alt


def test_dark_print_and_narrow_have_their_rules():
    html = plots.inception_module(THREE_A, 192).html()
    for rule in (
        'html[data-theme="dark"]',
        "prefers-color-scheme:dark",
        'data-jp-theme-light="false"',
        "@media print",
    ):
        assert rule in html
    assert 'class="il-wide"' in html and 'class="il-narrow"' in html and "@container" in html


def test_save_is_complete_or_absent(tmp_path, monkeypatch):
    figure = plots.receptive_fields()
    assert figure.save(tmp_path / "a.png").read_bytes() == figure.png()
    ElementTree.fromstring(figure.save(str(tmp_path / "a.svg")).read_text())
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        figure.save(tmp_path / "b.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plots.inception_module(THREE_A, 192, "cheap"), ValueError, "kind 'cheap'"),
        (lambda: plots.inception_module(THREE_A, 0), ValueError, "in_channels must be at least 1, got 0"),
        (
            lambda: plots.inception_module(InceptionWidths(1, 1, 1, 1, 1, 1), 8),
            TypeError,
            "grid must be given",
        ),
        (lambda: plots.inception_module(GOOGLENET_TABLE_1[0], 3), (ValueError, TypeError), "conv1"),
        (lambda: plots.concatenation([64, 128], 28), ValueError, "four entries"),
        (lambda: plots.concatenation([64, 128, 32, 0], 28), ValueError, "at least 1, got 0"),
        (
            lambda: plots.concatenation({"conv1": 1, "conv2": 1, "conv5": 1, "pool": 1}, 28),
            ValueError,
            "'conv2'",
        ),
        (lambda: plots.receptive_fields(7, (2,)), ValueError, "must be odd"),
        (lambda: plots.receptive_fields(3, (5,)), ValueError, "at most the grid's 3, got 5"),
        (lambda: plots.network(()), ValueError, "table must have at least one row"),
        (lambda: plots.lineage([]), ValueError, "networks must have at least one row"),
        (lambda: plots.lineage([NETWORKS[0] | {"status": "writen"}]), ValueError, "did you mean 'written'"),
        (lambda: plots.bars([{"name": "a", "mac": 1}], "macs"), ValueError, "needs 'macs'.*'mac'"),
        (lambda: plots.bars([{"name": "a", "macs": -1}], "macs"), ValueError, "macs.*got -1"),
        (lambda: plots.bars([{"name": "a", "macs": "1"}], "macs"), TypeError, "must be a number, got '1'"),
        (lambda: plots.bars([{"name": "a", "macs": 1}], "macs", ink="blue"), ValueError, "'ink'|blue"),
        (lambda: plots.cost_bars([COST_ROW]), ValueError, "printed_parameters"),
        (
            lambda: plots.scatter_costs([{"name": "A", "macs": 0, "accuracy": 50}]),
            ValueError,
            "macs.*greater than 0",
        ),
        (
            lambda: plots.scatter_costs([{"name": "A", "macs": 1, "accuracy": 101}]),
            ValueError,
            "at most 100, got 101",
        ),
        (lambda: plots.training_curves({}), ValueError, "histories"),
        (lambda: plots.training_curves({"a": []}), ValueError, "at least one row"),
        (lambda: plots.training_curves({"a": RUN}, ("los",)), ValueError, "no row of histories has 'los'"),
        (
            lambda: plots.training_curves({"a": [{"step": 1, "loss": math.nan}]}, ("loss",)),
            ValueError,
            "finite, got nan",
        ),
        (lambda: plots.gradient_norms({}), ValueError, "series must not be empty"),
        (lambda: plots.gradient_norms({"a": [("x", 0.0)]}), ValueError, "greater than 0, got 0.0"),
        (lambda: plots.gradient_norms({"a": [("x", 1)], "b": [("y", 1)]}), ValueError, "same layers"),
        (
            lambda: plots.image_grid([IMAGE], ["a", "b"]),
            ValueError,
            "labels must be as many as images, 1, got 2",
        ),
        (
            lambda: plots.image_grid([[[0.5]]], ["a"]),
            ValueError,
            "integers from 0 to 255, got float64 from 0.5",
        ),
        (lambda: plots.image_grid([[0, 1]], ["a"]), ValueError, "N×height×width"),
        (lambda: plots.image_grid([], []), ValueError, "at least one image"),
        (
            lambda: plots.image_grid([IMAGE], ["a"], columns=0),
            ValueError,
            "columns must be at least 1, got 0",
        ),
        (lambda: plots.receptive_fields().save("figure.pdf"), ValueError, "'.pdf'.*'.png', '.svg'"),
        (lambda: plots.receptive_fields().save("no/such/folder/a.png"), FileNotFoundError, "does not exist"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_plots_need_neither_torch_nor_pyplot():
    check = (
        "import sys; from inception_lessons import plots, papers; plots.network().html(); "
        "sys.exit([name for name in ('torch', 'matplotlib.pyplot') if name in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
