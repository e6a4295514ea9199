"""Network in Network's published layers, counted again by hand."""

import pytest

from inception_lessons import costs, discrepancies
from inception_lessons.papers import NIN_CIFAR10, NIN_IMAGENET

CIFAR10 = [
    # inputs, outputs, kernel, grid
    (3, 192, 5, 32), (192, 160, 1, 32), (160, 96, 1, 32),
    (96, 192, 5, 16), (192, 192, 1, 16), (192, 192, 1, 16),
    (192, 192, 3, 8), (192, 192, 1, 8), (192, 10, 1, 8),
]  # fmt: skip
IMAGENET = [
    (3, 96, 11, 54), (96, 96, 1, 54), (96, 96, 1, 54),
    (96, 256, 5, 27), (256, 256, 1, 27), (256, 256, 1, 27),
    (256, 384, 3, 13), (384, 384, 1, 13), (384, 384, 1, 13),
    (384, 1024, 3, 6), (1024, 1024, 1, 6), (1024, 1000, 1, 6),
]  # fmt: skip
"""Layers of the two networks, typed from their definitions by hand; grids by counting windows."""


def by_hand(layers: list[tuple[int, int, int, int]]) -> list[tuple[int, int]]:
    return [
        (inputs * outputs * kernel**2 + outputs, inputs * outputs * kernel**2 * grid**2)
        for inputs, outputs, kernel, grid in layers
    ]


@pytest.mark.parametrize(
    ("layers", "expected"), [(costs.nin_cifar10(), CIFAR10), (costs.nin_imagenet(), IMAGENET)]
)
def test_every_layer_by_hand(layers, expected):
    assert [layer.cost[1:3] for layer in layers] == by_hand(expected)


def test_totals():
    cifar10, cifar100 = costs.total(costs.nin_cifar10()), costs.total(costs.nin_cifar10(num_classes=100))
    assert (cifar10.parameters, cifar100.parameters) == (966_986, 984_356)
    assert (round(cifar10.macs / 1e6, 1), round(cifar100.macs / 1e6, 1)) == (222.5, 223.6)
    imagenet = costs.total(costs.nin_imagenet())
    assert imagenet.parameters == 7_595_176 and round(imagenet.macs / 1e9, 3) == 1.1


def test_ninety_more_classes_cost_one_row_each():
    more = costs.total(costs.nin_cifar10(num_classes=100)).parameters
    assert more - costs.total(costs.nin_cifar10()).parameters == 90 * (192 + 1)


def test_windows_of_the_poolings_reach_over_the_edge():
    """With floor in place of ceil, CIFAR's 32 would give 15 and 7 and ImageNet's 54 would give 26."""
    grids = [stage.output_shape[1] for stage in costs.walk(costs.nin_stages(), 3, 32)]
    assert grids == [32] * 3 + [16] * 4 + [8] * 4 + [1]
    grids = [stage.output_shape[1] for stage in costs.walk(costs.nin_stages(NIN_IMAGENET), 3, 224)]
    assert grids == [54] * 3 + [27] * 4 + [13] * 4 + [6] * 4 + [1]


@pytest.mark.parametrize(("table", "size"), [(NIN_CIFAR10, 32), (NIN_IMAGENET, 224)])
def test_the_last_pooling_covers_the_whole_grid(table, size):
    walked = costs.walk(costs.nin_stages(table), 3, size)
    assert table[-1].patch == walked[-1].input_shape[1]


@pytest.mark.parametrize("table", [NIN_CIFAR10, NIN_IMAGENET])
def test_each_mlpconv_is_one_convolution_and_two_1x1(table):
    convs = [row for row in table if row.type in ("conv", "cccp")]
    assert [row.type for row in convs] == ["conv", "cccp", "cccp"] * (len(convs) // 3)
    assert all((row.patch, row.stride, row.padding) == (1, 1, 0) for row in convs if row.type == "cccp")


def test_what_the_mlp_adds_to_a_convolution():
    """The two 1×1 of each mlpconv together hold fewer weights than its convolution alone."""
    for first in range(3, len(IMAGENET), 3):
        conv, *mlp = by_hand(IMAGENET)[first : first + 3]
        assert sum(weights for weights, _ in mlp) < conv[0]


def test_the_published_file_sizes():
    """7,595,176 weights of 4 bytes: 30.4 million bytes, 29 MiB."""
    assert round(4 * 7_595_176 / 1024**2, 2) == 28.97
    assert all(comparison.agrees for comparison in discrepancies.nin_files())


def test_width_scales_every_channel_but_the_classes():
    half = costs.nin_cifar10(width=0.5, num_classes=7)
    assert [layer.cost.output_shape[0] for layer in half] == [96, 80, 48, 96, 96, 96, 96, 96, 7]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.nin_cifar10(input_size=3), "kernel_size 3"),
        (lambda: costs.nin_cifar10(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: costs.nin_imagenet(in_channels=0), "in_channels must be at least 1, got 0"),
        (lambda: costs.nin_imagenet(width=0), "width must be above 0, got 0"),
        (lambda: costs.nin_stages([NIN_CIFAR10[0]._replace(type="mlp"), NIN_CIFAR10[1]]), "type 'mlp'"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
