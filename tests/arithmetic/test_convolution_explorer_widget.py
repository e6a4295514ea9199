"""The convolution explorer's Python side: against the papers' grids, hand arithmetic and a painted grid."""

import random
import re

import pytest

from inception_lessons.papers import ALEXNET_LAYERS, GOOGLENET_TABLE_1, RETHINKING_TABLE_1
from inception_lessons.widgets.convolution_explorer import ConvolutionExplorer


def shown(preset=None, **settings):
    widget = ConvolutionExplorer(preset, **settings)
    return widget.evaluate(widget.settings)


def value(result, label):
    return next(number for name, number, _ in result["measures"] if name == label)


def read_by_painting(n, kernel, stride, padding, dilation):
    """Slide a window over a padded grid and paint what it reads; return outputs and painted cells."""
    height, width = (n + 2 * p for p in padding)
    painted, outputs, top = set(), [0, 0], 0
    while top + dilation * (kernel[0] - 1) < height:
        outputs[0], outputs[1], left = outputs[0] + 1, 0, 0
        while left + dilation * (kernel[1] - 1) < width:
            outputs[1] += 1
            for tap in range(kernel[0] * kernel[1]):
                row = top + dilation * (tap // kernel[1]) - padding[0]
                column = left + dilation * (tap % kernel[1]) - padding[1]
                if 0 <= row < n and 0 <= column < n:
                    painted.add((row, column))
            left += stride
        top += stride
    return tuple(outputs), painted


def test_shapes_and_unread_positions_as_a_sliding_window_paints_them():
    generator = random.Random(3)
    for _ in range(300):
        n, stride, dilation = generator.randint(1, 14), generator.randint(1, 4), generator.randint(1, 4)
        kernel = generator.randint(1, 5), generator.randint(1, 5)
        padding = generator.randint(0, 5), generator.randint(0, 5)
        result = shown(
            grid=n,
            kernel_height=kernel[0],
            kernel_width=kernel[1],
            stride=stride,
            padding_height=padding[0],
            padding_width=padding[1],
            dilation=dilation,
        )
        outputs, painted = read_by_painting(n, kernel, stride, padding, dilation)
        if min(outputs) == 0:
            assert result["refusals"]
            continue
        assert value(result, "Output") == f"64×{outputs[0]}×{outputs[1]}"
        assert result["measures"][5][2].startswith(f"{len(painted)} of {n * n} position")
        assert any("No window reads" in note for note in result["notes"]) == (len(painted) < n * n)


class TestPapers:
    def test_grids_are_those_that_the_papers_print(self):
        conv1 = GOOGLENET_TABLE_1[0].output
        assert value(shown("googlenet-conv1"), "Output") == f"{conv1[2]}×{conv1[0]}×{conv1[1]}"
        after = RETHINKING_TABLE_1[1].input
        assert value(shown("v3-stem"), "Output") == f"{after[2]}×{after[0]}×{after[1]}"
        first = ALEXNET_LAYERS[0]
        assert value(shown("alexnet-conv1"), "Output") == f"{first.channels}×{first.grid}×{first.grid}"
        assert ConvolutionExplorer("alexnet-conv1").settings["grid"] == 227

    def test_asymmetric_kernel_keeps_its_grid(self):
        assert value(shown("v3-1x7"), "Output") == "192×17×17"
        assert value(shown("v3-1x7"), "Receptive field") == "1×7"

    @pytest.mark.parametrize(
        ("preset", "parameters", "macs"),
        [
            ("alexnet-conv1", 96 * 3 * 121 + 96, 55 * 55 * 96 * 3 * 121),
            ("vgg-3x3", 64 * 64 * 9 + 64, 224 * 224 * 64 * 64 * 9),
            ("googlenet-conv1", 64 * 3 * 49 + 64, 112 * 112 * 64 * 3 * 49),
            ("googlenet-1x1", 192 * 16 + 16, 28 * 28 * 192 * 16),
            ("v3-stem", 32 * 3 * 9, 149 * 149 * 32 * 3 * 9),
            ("v3-1x7", 192 * 192 * 7, 17 * 17 * 192 * 192 * 7),
            ("mobilenet-depthwise", 32 * 9, 112 * 112 * 32 * 9),
        ],
    )
    def test_counts_by_hand(self, preset, parameters, macs):
        result = shown(preset)
        assert value(result, "Parameters") == f"{parameters:,}"
        assert value(result, "MACs") == f"{macs:,}"


class TestSurprises:
    def test_the_start_reads_a_quarter_at_the_usual_shape_and_cost(self):
        start, usual = shown(), shown(dilation=1, padding_height=1, padding_width=1)
        assert value(start, "Input read") == "25.0 %"
        assert value(usual, "Input read") == "100 %"
        for label in ("Output", "Parameters", "MACs", "Activations"):
            assert value(start, label) == value(usual, label)
        assert "rows 2, 4, 6, … 16 or columns 2, 4, 6, … 16" in start["notes"][0]
        assert not usual["notes"]

    def test_an_even_grid_loses_its_last_row_and_an_odd_one_does_not(self):
        assert shown("even")["notes"] == [
            "No window reads row 16 or column 16 of the input (with stride 2 one more window would reach "
            "over the edge): 31 of 256 positions, 12.1 %."
        ]
        assert not shown("even", grid=17)["notes"]

    def test_dilation_sees_as_far_as_a_larger_kernel_for_the_same_weights(self):
        dilated, plain = shown("dilated"), shown("dilated", dilation=1, padding_height=1, padding_width=1)
        assert value(dilated, "Receptive field") == "5×5"
        assert value(dilated, "Parameters") == value(plain, "Parameters")

    def test_padding_around_a_1x1_makes_a_rim_that_sees_nothing(self):
        rim = shown("googlenet-1x1", padding_height=1, padding_width=1, row=0, column=0)
        assert rim["notes"] == [
            f"In each channel, {30 * 30 - 28 * 28} of 900 outputs can see nothing but padding."
        ]
        assert rim["window"].startswith("Output row 1, column 1: 1 tap, all on the padding")

    def test_taps_in_the_corner(self):
        corner = shown("googlenet-conv1")["window"]
        assert "49 taps, 16 on input rows 1 to 4, columns 1 to 4, and 33 on the padding" in corner

    def test_a_stride_can_step_over_the_only_position(self):
        alone = shown(grid=1, kernel_height=1, kernel_width=1, stride=4, padding_height=5, padding_width=5)
        assert value(alone, "Input read") == "0 %"


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "sentences"),
        [
            (
                {"kernel_height": 11},
                [
                    "Kernel height 11 with dilation 2 spans 21 rows, but the input with its padding has 20. "
                    "Choose a kernel height of at most 10, or a grid of at least 17."
                ],
            ),
            (
                {"in_channels": 3, "groups": "8"},
                [
                    "8 groups do not divide the input channels, 3. Choose 8 or another multiple of 8, "
                    "or 1 group."
                ],
            ),
            (
                {"out_channels": 100, "groups": "depthwise"},
                [
                    "64 groups do not divide the output channels, 100. Choose 64 or another multiple of 64, "
                    "or 1 group."
                ],
            ),
        ],
    )
    def test_sentence_names_the_numbers_and_a_way_out(self, settings, sentences):
        result = shown(**settings)
        assert result["refusals"] == sentences
        assert not result["measures"]
        assert ConvolutionExplorer(**settings).table().rows == tuple((sentence,) for sentence in sentences)

    def test_the_ways_out_lead_out(self):
        assert not shown(kernel_height=10)["refusals"]
        assert not shown(kernel_height=11, grid=17)["refusals"]
        assert shown(kernel_height=11, grid=16)["refusals"]
        assert not shown(in_channels=8, groups="8")["refusals"]
        assert not shown(out_channels=64, groups="depthwise")["refusals"]

    def test_a_position_outside_is_explained(self):
        outside = shown(row=8)["window"]
        assert outside.startswith("The output has 8 rows and 8 columns: row 9, column 4 lies outside")
        assert shown(row=7)["window"].startswith("Output row 8, column 4")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ConvolutionExplorer("alexnet"), ValueError, "did you mean 'alexnet-conv1'"),
        (lambda: ConvolutionExplorer(grid=0), ValueError, "grid must be from 1 to 299, got 0"),
        (lambda: ConvolutionExplorer(stride=5), ValueError, "stride must be from 1 to 4, got 5"),
        (
            lambda: ConvolutionExplorer(padding_width=6),
            ValueError,
            "padding_width must be from 0 to 5, got 6",
        ),
        (lambda: ConvolutionExplorer(groups=2), ValueError, "groups 2 is not known"),
        (lambda: ConvolutionExplorer(dilation=1.5), TypeError, "dilation must be an integer, got 1.5"),
        (lambda: ConvolutionExplorer(kernel_size=3), TypeError, "has no setting 'kernel_size'"),
        (lambda: ConvolutionExplorer(row=-1), ValueError, "row must be from 0 to 308, got -1"),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
