"""Arithmetic against formulas worked out by hand, brute force, and the totals the papers state."""

import itertools

import pytest

from inception_lessons import costs
from inception_lessons.papers import GOOGLENET_MODULES, InceptionWidths


def windows(size, kernel, stride, padding, dilation):
    """Count the window positions that fit, one by one."""
    extent = dilation * (kernel - 1) + 1
    return sum(1 for start in range(-padding, size + padding, stride) if start + extent <= size + padding)


@pytest.mark.parametrize("size", [1, 5, 7, 28, 31])
def test_output_size_equals_counting_the_windows(size):
    for kernel, stride, padding, dilation in itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)):
        expected = windows(size, kernel, stride, padding, dilation)
        if expected:
            assert costs.conv_output_size(size, kernel, stride, padding, dilation) == expected
        else:
            with pytest.raises(ValueError, match="kernel_size"):
                costs.conv_output_size(size, kernel, stride, padding, dilation)


def test_ceil_mode_gives_the_grids_that_table_1_prints():
    grid, seen = 112, []
    while grid > 7:
        grid = costs.pool_output_size(grid, 3, 2, ceil_mode=True)
        seen.append(grid)
    assert seen == [56, 28, 14, 7]


def test_ceil_mode_never_starts_a_window_beyond_the_input():
    assert (
        costs.pool_output_size(5, 1, 3, ceil_mode=True) == 2
    )  # windows at 0 and 3; one at 6 would start outside
    assert costs.pool_output_size(2, 3, 2, ceil_mode=True) == 1
    with pytest.raises(ValueError, match="kernel_size 3"):
        costs.pool_output_size(1, 3, 2, ceil_mode=True)


def test_a_convolution_by_hand():
    # 3 → 64 channels, 7×7 kernel, stride 2 on 224×224: 9,408 weights, each used once per output position.
    cost = costs.conv2d(3, 64, 7, 224, stride=2, padding=3)
    assert cost == ((64, 112, 112), 9_408 + 64, 9_408 * 112 * 112, 64 * 112 * 112)


def test_rectangular_kernels_and_grids():
    cost = costs.conv2d(8, 16, (1, 7), (10, 20), padding=(0, 3), bias=False)
    assert cost == ((16, 10, 20), 8 * 16 * 7, 8 * 16 * 7 * 200, 16 * 200)


def test_groups_divide_the_work():
    whole, grouped = (costs.conv2d(96, 256, 5, 27, padding=2, groups=g, bias=False) for g in (1, 2))
    assert whole.macs == 2 * grouped.macs and whole.parameters == 2 * grouped.parameters


def test_same_padding_keeps_the_grid_for_even_and_dilated_kernels():
    for kernel, dilation in itertools.product((2, 3, 4, 5), (1, 2)):
        assert costs.conv2d(1, 1, kernel, 9, padding="same", dilation=dilation).output_shape == (1, 9, 9)


def test_dense_layer_pooling_and_batch_norm():
    assert costs.linear(100 * 100 * 3, 1, bias=False) == ((1,), 30_000, 30_000, 1)
    assert costs.pool2d(64, 3, 112, stride=2, ceil_mode=True) == ((64, 56, 56), 0, 0, 64 * 56 * 56)
    assert (
        costs.batch_norm(64, 28).parameters == 128 and costs.batch_norm(64, 28, affine=False).parameters == 0
    )
    assert costs.batch_norm(64, 28).macs == 0


def test_two_3x3_see_what_one_5x5_sees():
    assert costs.receptive_field([(3, 1), (3, 1)]) == costs.receptive_field([(5, 1)]) == (5, 1)
    assert costs.receptive_field([(3, 1, 2)]).size == 5
    assert costs.receptive_field([(7, 2), (3, 2)]) == (11, 4)


def test_googlenet_totals():
    dense, separable = costs.total(costs.googlenet()), costs.total(costs.googlenet(stem="separable"))
    assert dense.parameters == 6_998_552 and costs.total(costs.googlenet(aux=True)).parameters == 13_378_280
    assert (round(dense.macs / 1e6, 2), round(separable.macs / 1e6, 2)) == (1582.67, 1498.68)


def test_the_reduction_pays_as_stated_for_every_module():
    """Ratios of naive to reduced MACs, worked out independently from the six numbers."""
    in_channels = {
        "3a": 192,
        "3b": 256,
        "4a": 480,
        "4b": 512,
        "4c": 512,
        "4d": 512,
        "4e": 528,
        "5a": 832,
        "5b": 832,
    }
    for key, row in GOOGLENET_MODULES.items():
        c = in_channels[key]
        naive = c * (row.conv1 + 9 * row.conv3 + 25 * row.conv5)
        reduced = (
            c * (row.conv1 + row.reduce3 + row.reduce5 + row.project)
            + 9 * row.reduce3 * row.conv3
            + 25 * row.reduce5 * row.conv5
        )
        for kind, expected in (("naive", naive), ("reduced", reduced)):
            layers = costs.inception_module(row, c, row.grid, kind=kind, bias=False)
            assert costs.total(layers)[:2] == (expected, expected * row.grid**2)


def test_naive_and_reduced_3a():
    row = GOOGLENET_MODULES["3a"]
    naive, reduced = (
        costs.total(costs.inception_module(row, 192, 28, kind=k)).macs for k in ("naive", "reduced")
    )
    assert (round(naive / 1e6, 1), round(reduced / 1e6, 1)) == (303.5, 128.0)
    assert [costs.inception_out_channels(row, 192, kind=k) for k in ("naive", "reduced")] == [416, 256]


def test_rows_sum_to_the_total():
    layers = costs.googlenet(aux=True)
    rows = costs.by_row(layers).values()
    assert tuple(sum(column) for column in zip(*rows, strict=True)) == costs.total(layers)


def test_minimum_input_size_is_the_border():
    size = costs.minimum_input_size()
    assert costs.total(costs.googlenet(input_size=size)).macs > 0
    with pytest.raises(ValueError, match="kernel_size"):
        costs.googlenet(input_size=size - 1)


ONLY_27 = costs.Stage("fc", [costs.Dense("fc", 9, in_features=27)])
UNEVEN = costs.Stage(
    "uneven", [costs.Parallel({"kept": [costs.Conv("a", 1, 3)], "halved": [costs.Pool("max", 2, 2)]})]
)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.conv2d(0, 64, 3, 28), "in_channels must be at least 1, got 0"),
        (lambda: costs.conv2d(3, 64, 3, -1), "grid must be at least 1, got -1"),
        (lambda: costs.conv2d(3, 64, 7, 5), "use size at least 7"),
        (lambda: costs.conv2d(6, 64, 3, 28, groups=4), "groups must divide in_channels: 6"),
        (lambda: costs.conv2d(3, 64, (3, 3, 3), 28), "pair"),
        (lambda: costs.conv2d(3, 64, 3, 28, padding="sam"), "did you mean 'same'"),
        (lambda: costs.conv2d(3, 64, 3, 28, padding="same", stride=2), "needs stride 1"),
        (lambda: costs.pool2d(3, 2, 28, padding=2), "at most half"),
        (lambda: costs.linear(10, 0), "out_features must be at least 1, got 0"),
        (lambda: costs.receptive_field([(3,)]), r"layers\[0\]"),
        (lambda: costs.googlenet(stem="depthwise"), "known: 'dense', 'separable'"),
        (lambda: costs.googlenet(input_size=8), "kernel_size 3"),
        (
            lambda: costs.inception_module(InceptionWidths(64, 0, 1, 1, 1, 1), 3, 28),
            "reduce3 must be at least 1, got 0",
        ),
        (lambda: costs.walk([UNEVEN], 3, 8), "the branches of 'uneven' give different grids.*8×8.*4×4"),
        (lambda: costs.walk([ONLY_27], 3, 4), "takes 27 inputs, got 48"),
        (lambda: GOOGLENET_MODULES["3a"]._replace(conv5=None).widths, "no Inception module"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_floats_and_booleans_are_no_sizes():
    for value in (2.0, True, "3"):
        with pytest.raises(TypeError, match="kernel_size must be an integer"):
            costs.conv_output_size(28, value)
