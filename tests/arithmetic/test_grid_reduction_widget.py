"""The grid reduction's numbers: the paper's, the networks' own modules, and arithmetic by hand."""

import re
from fractions import Fraction

import pytest

from inception_lessons import costs
from inception_lessons.papers import RETHINKING_CLAIMS
from inception_lessons.widgets import GridReduction

STARTS = {
    "v3-6a": (288, 35, 768),
    "v3-7a": (768, 17, 1280),
    "bn-3c": (320, 28, 576),
    "bn-4e": (576, 14, 1024),
}


def ways(*preset, **settings):
    return {
        way["key"]: way for way in GridReduction.evaluate(GridReduction(*preset, **settings).settings)["ways"]
    }


@pytest.mark.parametrize("key", ["pool first", "convolve first", "parallel"])
@pytest.mark.parametrize(("channels", "grid", "out"), [(320, 35, 640), *list(STARTS.values())[:2], (3, 8, 5)])
def test_each_way_costs_what_the_chapter_counts(key, channels, grid, out):
    shown = ways(in_channels=channels, grid=grid, doubled=False, out_channels=out)[key]
    expected = costs.total(costs.grid_reduction(key, channels, out, grid))
    assert (shown["parameters"], shown["macs"]) == (expected.parameters, expected.macs)


@pytest.mark.parametrize("preset", STARTS)
def test_a_network_s_reduction_costs_what_it_costs_inside_the_network(preset):
    """Its row, after a walk through the whole network from the image."""
    v3 = preset.startswith("v3")
    network = costs.inception_v3() if v3 else costs.bn_inception()
    expected = costs.by_row(network)[preset.split("-")[1]]
    shown = ways(preset)["parallel"]
    assert (shown["parameters"], shown["macs"]) == (expected.parameters, expected.macs)
    channels, grid, out = STARTS[preset]
    settings = GridReduction(preset).settings
    assert (settings["in_channels"], settings["grid"], settings["out_channels"]) == (channels, grid, out)
    assert shown["joined"][0]["channels"] == out
    assert shown["joined"][0]["grid"] == {35: 17, 17: 8, 28: 14, 14: 7}[grid]


def test_figure_9_by_hand():
    shown = ways()
    assert shown["pool first"]["macs"] == 17 * 17 * 9 * 320 * 640 == shown["parallel"]["macs"] * 2
    assert shown["convolve first"]["macs"] == 35 * 35 * 9 * 320 * 640
    assert shown["pool first"]["parameters"] == 9 * 320 * 640 + 2 * 640  # batch norm: scale and shift
    assert shown["parallel"]["parameters"] == 9 * 320 * 320 + 2 * 320
    narrowest = {key: way["narrowest"] for key, way in shown.items()}
    assert narrowest == {"pool first": 92_480, "convolve first": 184_960, "parallel": 184_960}
    assert [way["bottleneck"] for way in shown.values()] == [True, False, False]
    assert "92,480 numbers, 23.6 % of the input's and 50.0 %" in shown["pool first"]["verdict"]
    losses = ["Loses by its bottleneck.", "Loses by its MACs.", "Loses by neither."]
    assert [way["loses"] for way in shown.values()] == losses


def test_the_paper_s_formulas_hold_for_a_1x1_on_an_even_padded_grid():
    shown = ways("formulas")
    d, k = 36, 320
    assert shown["convolve first"]["macs"] == 2 * d**2 * k**2
    assert Fraction(shown["pool first"]["macs"]) == 2 * Fraction(d, 2) ** 2 * k**2
    # Section 5 prints "by a quarter", Figure 9 "3 times more": the first should be "to", the second holds.
    assert RETHINKING_CLAIMS["convolve_first_costs"].value == 3
    text = GridReduction.evaluate(GridReduction("formulas").settings)["paper"]
    assert "is 100 % of our count." in text
    assert "falls to 25.0 %" in text
    assert text.endswith("“3 times more expensive”; here it is 300 % more.")


def test_the_formula_leaves_out_the_kernel():
    text = GridReduction.evaluate(GridReduction().settings)["paper"]
    assert f"{2 * 35**2 * 320**2:,}, which is 11.1 % of our count, because" in text  # a ninth
    assert (
        GridReduction.evaluate(GridReduction("v3-6a").settings)["paper"] == ""
    )  # 288 to 768 doubles nothing


def test_a_convolution_with_stride_2_alone_costs_what_pooling_first_does():
    """The same weights at the same positions, but it reads the whole grid."""
    shown = ways("strided")
    assert shown["parallel"]["macs"] == shown["pool first"]["macs"]
    assert not shown["parallel"]["bottleneck"]
    assert len(shown["parallel"]["branches"]) == 1


def test_a_pooling_that_passes_on_less_needs_a_1x1():
    shown = ways(pooled=50)["parallel"]
    conv, pool = shown["branches"]
    assert [step["channels"] for step in pool] == [320, 160]
    assert conv[-1]["channels"] == 480
    assert shown["macs"] == 17 * 17 * (9 * 320 * 480 + 320 * 160)


@pytest.mark.parametrize(
    ("grid", "padding", "halved", "said"),
    [
        (35, "none", 17, "(35 − 3)/2 + 1 = 17"),
        (28, "none", 13, "⌊(28 − 3)/2⌋ + 1 = 13. On an even grid the windows miss the last row and column."),
        (28, "one", 14, "⌊(28 + 2 − 3)/2⌋ + 1 = 14"),
        (35, "one", 18, "⌊(35 + 2 − 3)/2⌋ + 1 = 18"),
        (3, "none", 1, "(3 − 3)/2 + 1 = 1"),
    ],
)
def test_padding_decides_the_grid(grid, padding, halved, said):
    shown = GridReduction.evaluate(GridReduction(grid=grid, padding=padding).settings)
    assert said in shown["caption"]
    ends = [way["branches"][0][-1]["grid"] for way in shown["ways"]]
    assert ends == [halved] * 3


def test_a_thin_1x1_makes_the_parallel_way_narrow_too():
    """All branches together: 17²·320 pooled, and 35²·4 where the other branch has four channels."""
    shown = ways(reduce_single=4)["parallel"]
    assert shown["narrowest"] == 17**2 * 320 + 35**2 * 4 < 17**2 * 640
    assert shown["bottleneck"]
    marked = [step["label"] for branch in shown["branches"] for step in branch if step["narrow"]]
    assert marked == ["1×1", "max pooling 3×3 stride 2"]
    assert not shown["joined"][0]["narrow"]


def test_no_bottleneck_where_the_output_is_no_wider():
    shown = ways(doubled=False, out_channels=320, pooled=50)
    assert not shown["pool first"]["bottleneck"]
    assert shown["pool first"]["branches"][0][-1]["narrow"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"doubled": False, "out_channels": 320}, "passes on 320 channels, and an output of 320 leaves none"),
        (
            {"doubled": False, "out_channels": 400, "branches": "two"},
            "on 320 channels and the second branch gives 96; an output of 400 leaves none for the first",
        ),
        ({"kernel": "1"}, "a 1×1 with stride 2 gives 18×18, a 3×3 pooling 17×17"),
    ],
)
def test_what_cannot_be_built_is_explained(settings, said):
    shown = ways(**settings)
    assert said in shown["parallel"]["refusal"]
    assert shown["pool first"]["refusal"] == shown["convolve first"]["refusal"] == ""
    widget = GridReduction(**settings)
    assert "is not possible" in GridReduction.evaluate(widget.settings)["summary"]
    assert widget.table().rows[2][1] == shown["parallel"]["refusal"]


def test_counts_fit_in_a_double():
    largest = {"grid": 112, "in_channels": 1024, "out_channels": 2048, "doubled": False, "padding": "one"}
    assert max(way["macs"] for way in ways(**largest).values()) < 2**53


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: GridReduction("v3-6b"), ValueError, "did you mean 'v3-6a'"),
        (lambda: GridReduction(grid=2), ValueError, "grid must be from 3 to 112, got 2"),
        (lambda: GridReduction(grid=35.0), TypeError, "grid must be an integer, got 35.0"),
        (lambda: GridReduction(in_channels=0), ValueError, "in_channels must be from 1 to 1024, got 0"),
        (
            lambda: GridReduction(out_channels=2049),
            ValueError,
            "out_channels must be from 1 to 2048, got 2049",
        ),
        (lambda: GridReduction(doubled=1), TypeError, "doubled must be True or False, got 1"),
        (lambda: GridReduction(kernel=3), ValueError, "kernel 3 is not known"),
        (lambda: GridReduction(padding="valid"), ValueError, "padding 'valid' is not known"),
        (lambda: GridReduction(branches="three"), ValueError, "branches 'three' is not known"),
        (lambda: GridReduction(pooled=33), ValueError, "pooled must be 0 plus a multiple of 5, got 33"),
        (lambda: GridReduction(reduce_single=-1), ValueError, "reduce_single must be from 0 to 512, got -1"),
        (lambda: GridReduction(reduce_double=0), ValueError, "reduce_double must be from 1 to 512, got 0"),
        (lambda: GridReduction(double=0), ValueError, "double must be from 1 to 1024, got 0"),
        (lambda: GridReduction(stride=2), TypeError, "GridReduction has no setting 'stride'"),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
