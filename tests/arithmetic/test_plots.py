"""Figures: what they say, what they draw in proportion, and that they can stand in any page."""

import inspect
import io
import math
import re
import subprocess
import sys
from functools import cache
from itertools import combinations
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon

from inception_lessons import costs, plots
from inception_lessons.costs import Conv, Dense, GlobalPool, Parallel, Pool
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1, InceptionWidths

THREE_A = GOOGLENET_MODULES["3a"]
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

MLPCONV = [Conv("conv", 192, 5), Conv("mix1", 160, 1), Conv("mix2", 96, 1)]
HEAD_2014 = [Pool("avg", 5, 3), Conv("conv", 128, 1), Dense("hidden", 1024), Dense("linear", 1000)]
AVERAGED = [Pool("avg", 3, 1, 1), Conv("project", 192, 1)]
EXPANDED = Parallel(
    {
        "conv1": [Conv("conv1", 320, 1)],
        "single": [
            Conv("reduce", 384, 1),
            Parallel({"wide": [Conv("wide", 384, (1, 3))], "tall": [Conv("tall", 384, (3, 1))]}),
        ],
        "double": [
            Conv("reduce2", 448, 1),
            Conv("conv3", 384, 3),
            Parallel({"wide": [Conv("wide2", 384, (1, 3))], "tall": [Conv("tall2", 384, (3, 1))]}),
        ],
        "pool": AVERAGED,
    }
)
SEVENS = Parallel(
    {
        "conv1": [Conv("conv1", 192, 1)],
        "single": [Conv("reduce", 128, 1), Conv("wide", 128, (1, 7)), Conv("tall", 192, (7, 1))],
        "double": [
            Conv("reduce2", 128, 1),
            *(Conv(f"step{i}", 128, (7, 1) if i % 2 else (1, 7)) for i in (1, 2, 3)),
            Conv("step4", 192, (1, 7)),
        ],
        "pool": AVERAGED,
    }
)
PASSING = Parallel(
    {
        "single": [Conv("reduce", 128, 1), Conv("conv3", 160, 3, 2)],
        "double": [Conv("reduce2", 64, 1), Conv("first", 96, 3), Conv("second", 96, 3, 2)],
        "pool": [Pool("max", 3, 2, 1)],
    }
)
NESTED = [
    Conv("stem", 64, 3, 2),
    Parallel(
        {
            "deep": [
                Conv("reduce", 48, 1),
                Parallel({"wide": [Conv("wide", 24, (1, 3))], "tall": [Conv("tall", 24, (3, 1))]}),
                Conv("after", 64, 1),
            ],
            "identity": [],
            "pool": [Pool("max", 3, 1, 1)],
        }
    ),
    Conv("grouped", 96, 3, groups=2),
    GlobalPool(),
    Dense("linear", 10),
]
FIVES = {
    "5×5": [Conv("five", 64, 5)],
    "3×3, 3×3": [Conv("first", 64, 3), Conv("second", 64, 3)],
    "1×5, 5×1": [Conv("wide", 64, (1, 5)), Conv("tall", 64, (5, 1))],
}
REDUCTIONS = {
    "pool first": [Pool("max", 3, 2), Conv("conv", 640, 3)],
    "convolve first": [Conv("conv", 640, 3), Pool("max", 3, 2)],
    "parallel": [Parallel({"conv": [Conv("conv", 320, 3, 2, 0)], "pool": [Pool("max", 3, 2)]})],
}

BLOCKS = {
    "mlpconv": lambda: plots.module(MLPCONV, 3, 32, name="mlpconv"),
    "auxiliary head": lambda: plots.module(HEAD_2014, 512, 14, name="Auxiliary head"),
    "asymmetric": lambda: plots.module(SEVENS, 768, 17, name="Figure 6", norm=True),
    "expanded": lambda: plots.module(EXPANDED, 1280, 8, name="Figure 7", norm=True),
    "pass-through": lambda: plots.module(PASSING, 320, 28, name="BN-Inception (3c)", norm=True),
    "nested": lambda: plots.module(NESTED, 3, (32, 48), name="All at once", bias=False),
    "compare": lambda: plots.compare(FIVES, 64, 28),
    "compare reductions": lambda: plots.compare(REDUCTIONS, 320, 35, norm=True),
    "compare depths": lambda: plots.compare(
        {"2014": costs.inception_branches(THREE_A), "7": SEVENS}, 192, 28
    ),
}

FIGURES = BLOCKS | {
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


@pytest.mark.slow
def test_the_same_figure_has_the_same_bytes(figure, request):
    again = FIGURES[request.node.callspec.params["figure"]]()
    assert again.html() == html_of(figure)


def test_the_same_picture_has_the_same_bytes():
    assert plots.receptive_fields().png() == plots.receptive_fields().png()


@pytest.mark.slow
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


@pytest.mark.slow
def test_drawings_stay_within_their_frame(figure):
    for drawing in filter(None, (figure.wide, figure.narrow)):
        drawing.savefig(io.BytesIO(), format="svg")
        width, height = (drawing.get_size_inches() * drawing.dpi).tolist()
        for text in drawing.axes[0].texts:
            box = text.get_window_extent()
            assert box.x0 > -4 and box.x1 < width + 4, text.get_text()
            assert box.y0 > -4 and box.y1 < height + 4, text.get_text()


def extents(drawing):
    """Return the drawing's texts, solid bars and straight lines: (text, box), (ink, box) and boxes.

    A box is left, top, right and bottom, in points.
    """
    height = drawing.get_size_inches()[1] * 72
    axes = drawing.axes[0]
    texts = []
    for text in axes.texts:
        fine = text.get_window_extent(dpi=720)  # at 72 dpi glyphs are as wide as whole pixels
        box = [side / 10 for side in fine.extents.tolist()]
        texts.append((text, (box[0], height - box[3], box[2], height - box[1])))
    bars = []
    for patch in axes.patches:
        if isinstance(patch, Polygon) and patch.get_facecolor()[3] == 1:
            (left, top), (right, bottom) = patch.get_xy().min(axis=0), patch.get_xy().max(axis=0)
            if {tuple(corner) for corner in patch.get_xy().tolist()} == {
                (x, y) for x in (left, right) for y in (top, bottom)
            }:
                bars.append((to_hex(patch.get_facecolor()), (left, top, right, bottom)))
    lines = []
    for line in axes.lines:
        points = line.get_xydata().tolist()
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            lines.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return texts, bars, lines


def meet(one, other, slack=0.5):
    return (
        one[0] + slack < other[2]
        and other[0] + slack < one[2]
        and one[1] + slack < other[3]
        and other[1] + slack < one[3]
    )


def assert_nothing_overlaps(drawing):
    texts, bars, lines = extents(drawing)
    width, height = (drawing.get_size_inches() * 72).tolist()
    paper, background = plots.PALETTE["paper"][0], [box for _, box in bars]
    for text, box in texts:
        assert box[0] > -1 and box[2] < width + 1 and box[1] > -1 and box[3] < height + 2, text
        assert text.get_fontsize() >= 9, text
        if text.get_color() == paper:
            assert any(
                bar[0] <= box[0] and box[2] <= bar[2] and bar[1] <= box[1] + 2 and box[3] - 2 <= bar[3]
                for bar in background
            ), f"{text} sticks out of its bar"
        else:
            assert not any(meet(box, bar, 1) for bar in background), f"{text} lies on a bar"
            assert not any(meet(box, line) for line in lines), f"{text} is crossed by a line"
    for (one, box), (other, place) in combinations(texts, 2):
        assert not meet(box, place, 1.5), f"{one} and {other} overlap"
    for (_, box), (_, place) in combinations(bars, 2):
        assert not meet(box, place), "bars overlap"
    for bar in background:
        assert bar[0] > -0.01 and bar[2] < width + 0.01 and bar[3] < height, "a bar is cut"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BLOCKS, "inception_module", "naive module", "compare_modules"])
def test_nothing_overlaps_in_a_block(name):
    figure = FIGURES[name]()
    for drawing in (figure.wide, figure.narrow):
        assert_nothing_overlaps(drawing)


def networks():
    """Return the names of the functions of `costs` that give a network as stages."""
    return [name for name in costs.__all__ if name.endswith("_stages")]


FIRST_ARGUMENTS = {
    "alexnet_stages": lambda: (costs.alexnet_table(),),
    "vgg_stages": lambda: (costs.vgg_layers(costs.vgg_column("C")),),
}


COUNTED_BY = {"nin_stages": "nin_cifar10"}  # elsewhere the name without "_stages"


@pytest.mark.slow
@pytest.mark.parametrize("name", networks())
def test_every_stage_of_every_network_has_its_figure(name):
    function = getattr(costs, name)
    counted = getattr(costs, COUNTED_BY.get(name, name.removesuffix("_stages")))
    options = {"aux": True} if "aux" in inspect.signature(function).parameters else {}
    stages = function(*FIRST_ARGUMENTS.get(name, tuple)(), **options)
    defaults = {key: value.default for key, value in inspect.signature(counted).parameters.items()}
    drawn = set()
    size = defaults["input_size"] or costs.input_sizes(stages, defaults["in_channels"]).smallest
    walked = costs.walk(stages, defaults["in_channels"], size)
    for stage, passed in zip(stages, walked, strict=True):
        if (repr(stage.steps), passed.input_shape) in drawn:
            continue
        drawn.add((repr(stage.steps), passed.input_shape))
        channels, *grid = passed.input_shape
        figure = plots.module(stage.steps, channels, tuple(grid) or None, name=f"{name} {stage.row}")
        channels, *grid = passed.output_shape
        out = f"{channels} channels of {'×'.join(map(str, grid))}" if grid else f"{channels} features"
        assert re.search(rf"(Output:|Concatenated: [\d+ ()]+ =) {out}\. ", figure.alt), figure.alt
        told = re.findall(r"\(([\d.,]+)( M)? MACs\)", figure.alt)
        macs = sum(float(number.replace(",", "")) * (1e6 if unit else 1) for number, unit in told)
        assert macs == pytest.approx(costs.total(passed.layers).macs, abs=5001 * len(told)), figure.alt
        for drawing in (figure.wide, figure.narrow):
            assert_nothing_overlaps(drawing)


def test_a_chain_is_read_in_order():
    area = 32 * 32
    alt = BLOCKS["mlpconv"]().alt
    told = [
        "on 3 channels of 32×32",
        f"5×5 to 192 channels ({3 * 25 * 192 * area / 1e6:.2f} M MACs)",
        f"1×1 to 160 channels ({192 * 160 * area / 1e6:.2f} M MACs)",
        f"1×1 to 96 channels ({160 * 96 * area / 1e6:.2f} M MACs)",
        "Output: 96 channels of 32×32",
        f"{(75 + 1) * 192 + (192 + 1) * 160 + (160 + 1) * 96:,} parameters with biases",
    ]
    places = [alt.index(words) for words in told]
    assert places == sorted(places)


def test_a_head_says_its_pooling_and_its_inputs():
    figure = BLOCKS["auxiliary head"]()
    assert "5×5 avg pool with stride 3 to 512 channels of 4×4 (no MACs)" in figure.alt
    assert "dense to 1024 features from 2,048 inputs (2.10 M MACs), then dense to 1000 features" in figure.alt
    for root in drawings(figure):
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words[2:] == [
            *("input: 512 channels, 14×14", "512"),
            *("5×5/3 avg pool", "no MACs", "→ 4×4", "512"),
            *("1×1", "1.05 M", "128"),
            *("dense", "2.10 M", "2,048 inputs", "1024"),
            *("dense", "1.02 M", "1000"),
            "output: 1000 features",
        ]
        assert [width / 8 for width in bar_widths(root, "conv1")] == pytest.approx(
            [width / 64 for width in bar_widths(root, "dense")[:1]], rel=1e-3
        )


def test_a_smaller_grid_can_be_read_off_every_box_that_makes_it():
    figure = BLOCKS["pass-through"]()
    assert figure.alt.count("with stride 2") == figure.alt.count(" of 14×14 (") == 3
    assert "160 + 96 + 320 = 576 channels of 14×14" in figure.alt
    for root in drawings(figure):
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words.count("→ 14×14") == 3 and words.count("3×3/2") == 2
        assert "input: 320 channels, 28×28" in words and "concatenated: 576 channels, 14×14" in words
        scale = bar_widths(root, "other")[0] / 320
        assert sorted(bar_widths(root, "pool")) == pytest.approx([320 * scale] * 2, abs=0.03)


def test_a_fork_inside_a_branch_joins_the_outer_concatenation():
    figure = BLOCKS["expanded"]()
    assert "320 + (384 + 384) + (384 + 384) + 192 = 2048 channels of 8×8" in figure.alt
    pairs = 4 * 3 * 384 * 384
    macs = 64 * (1280 * (320 + 384 + 448 + 192) + 9 * 448 * 384 + pairs)
    assert f"In all {macs / 1e6:.2f} M MACs and 5,044,608 parameters with batch norm" in figure.alt
    for root in drawings(figure):
        scale = bar_widths(root, "other")[0] / 1280
        for ink, channels in {
            "asymmetric": [384] * 8,
            "conv1": [192, 192, 320, 320, 384, 448],
            "conv3": [384],
            "pool": [1280],
        }.items():
            widths = sorted(bar_widths(root, ink))
            assert widths == pytest.approx([scale * count for count in channels], abs=0.03), ink


@pytest.mark.parametrize("name", ["expanded", "pass-through", "compare reductions", "compare_modules"])
def test_a_concatenation_is_drawn_from_its_parts(name):
    drawing = FIGURES[name]().wide
    _, bars, _ = extents(drawing)
    feet = [(left, right, bottom) for _, (left, top, right, bottom) in bars]
    heads = [(left, right, top) for _, (left, top, right, bottom) in bars]
    bands = [patch.get_xy().tolist() for patch in drawing.axes[0].patches if patch.get_facecolor()[3] < 1]
    assert (
        len(bands) == {"expanded": 6, "pass-through": 3, "compare reductions": 2, "compare_modules": 8}[name]
    )
    for (x0, y0), (x1, _), (x2, y2), (x3, _), _ in bands:
        assert any((x0, x1, y0) == pytest.approx(bar) for bar in feet), "a band starts beside its bar"
        assert any((x3, x2, y2) == pytest.approx(bar) for bar in heads), "a band ends beside its part"


def test_kernels_of_one_row_or_column_are_named_and_inked_apart():
    figure = BLOCKS["asymmetric"]()
    for root in drawings(figure):
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert words.count("1×7") == 3 and words.count("7×1") == 3
        assert len(bar_widths(root, "asymmetric")) == 6 + 2
    for told in (f"1×7 to 128 channels ({7 * 128 * 128 * 289 / 1e6:.2f} M MACs), then 7×1", "3×3 avg pool"):
        assert told in figure.alt


def test_steps_around_a_fork_and_an_identity_are_drawn():
    figure = BLOCKS["nested"]()
    assert "identity to 64 channels (no MACs); 3×3 max pool to 64 channels" in figure.alt
    assert "concatenated to 48 channels, then 1×1 to 64 channels" in figure.alt
    assert f"3×3, 2 groups to 96 channels ({9 * 96 * 96 * 16 * 24 / 1e6:.2f} M MACs)" in figure.alt
    assert "global average pooling to 96 channels of 1×1" in figure.alt and "without biases" in figure.alt
    for root in drawings(figure):
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "concatenated: 24 + 24" in words and "concatenated: 64 + 64 + 64" in words
        assert words.count("→ 16×24") == 1 and "960" in words, "MACs too few for millions stand in full"


def test_blocks_are_compared_at_one_scale_with_the_first():
    figure = BLOCKS["compare"]()
    assert "3×3, 3×3: 0.72 × the MACs of 5×5. 1×5, 5×1: 0.40 × the MACs of 5×5." in figure.alt
    for root in drawings(figure):
        for ink, bars in {"other": 3, "conv5": 1, "conv3": 2, "asymmetric": 2}.items():
            assert bar_widths(root, ink) == pytest.approx(bar_widths(root, "conv5") * bars, abs=0.03)
    wide, narrow = drawings(figure)
    inputs = [
        [(text.get("x"), text.get("y")) for text in root.iter() if (text.text or "").startswith("input:")]
        for root in (wide, narrow)
    ]
    assert len({y for _, y in inputs[0]}) == 1 and len({x for x, _ in inputs[0]}) == 3
    assert len({y for _, y in inputs[1]}) == 3 and len({x for x, _ in inputs[1]}) == 1


def test_three_ways_to_halve_a_grid_stand_beside_each_other():
    figure = BLOCKS["compare reductions"]()
    assert f"convolve first: {35**2 / 17**2:.2f} × the MACs of pool first" in figure.alt
    assert "parallel: 0.50 × the MACs of pool first" in figure.alt
    assert figure.alt.count("640 channels of 17×17. In all") == 3
    (wide, _) = drawings(figure)
    inputs = [text.get("y") for text in wide.iter() if (text.text or "").startswith("input:")]
    assert len(inputs) == 3 and len(set(inputs)) == 1


def contrast(one, other):
    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("ink", ["conv1", "conv5", "asymmetric", "pool", "dense", "other", "ink", "muted"])
def test_inks_stand_out_from_paper(ink, theme):
    assert contrast(plots.PALETTE[ink][theme], plots.PALETTE["paper"][theme]) >= 4.5


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
        (lambda: plots.module([], 3, 32, name="empty"), ValueError, "steps of 'empty'.*at least one"),
        (lambda: plots.module(["conv"], 3, 32, name="x"), TypeError, "a step must be .*got 'conv'"),
        (lambda: plots.module(MLPCONV, 0, 32, name="x"), ValueError, "in_channels must be at least 1, got 0"),
        (lambda: plots.module(PASSING, 3, (28, 0), name="x"), ValueError, r"grid\[1\] must be at least 1"),
        (
            lambda: plots.module(Parallel({"a": [], "b": [Pool("max", 2, 2)]}), 3, 8, name="odd"),
            ValueError,
            "branches of 'odd' give different grids.*a 8×8, b 4×4",
        ),
        (lambda: plots.compare({"one": MLPCONV}, 3, 32), ValueError, "at least two, got 1"),
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


@pytest.mark.slow
def test_plots_need_neither_torch_nor_pyplot():
    check = (
        "import sys; from inception_lessons import plots, papers; plots.network().html(); "
        "sys.exit([name for name in ('torch', 'matplotlib.pyplot') if name in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
