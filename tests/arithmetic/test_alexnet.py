"""AlexNet's numbers by hand: kernels, groups, neurons, and the two papers that print its errors."""

import math

import pytest

from inception_lessons import costs
from inception_lessons.papers import (
    ALEXNET_INPUT,
    ALEXNET_LAYERS,
    ALEXNET_POOL,
    ALEXNET_TABLE_2,
    ZFNET_TABLE_2,
)


def test_parameters_by_hand():
    """Weights of a kernel times kernels, plus one bias each; layers 2, 4 and 5 see half of the channels."""
    convs = 96 * (11 * 11 * 3 + 1) + 256 * (25 * 48 + 1) + 384 * (9 * 256 + 1)
    convs += 384 * (9 * 192 + 1) + 256 * (9 * 192 + 1)
    dense = 4096 * (6 * 6 * 256 + 1) + 4096 * 4097 + 1000 * 4097
    assert convs + dense == 60_965_224 == costs.total(costs.alexnet()).parameters
    other_half = 256 * 25 * 48 + 384 * 9 * 192 + 256 * 9 * 192
    assert costs.total(costs.alexnet(groups=1)).parameters == convs + dense + other_half == 62_378_344


def test_macs_by_hand():
    by_layer = {
        "conv1": 55 * 55 * 96 * 363,
        "conv2": 27 * 27 * 256 * 1200,
        "conv3": 13 * 13 * 384 * 2304,
        "conv4": 13 * 13 * 384 * 1728,
        "conv5": 13 * 13 * 256 * 1728,
        "dense6": 9216 * 4096,
        "dense7": 4096 * 4096,
        "dense8": 4096 * 1000,
    }
    assert {layer.row: layer.cost.macs for layer in costs.alexnet()} == by_layer
    assert sum(by_layer.values()) == 724_406_816


def test_torchvision_s_network_by_hand():
    convs = 64 * 364 + 192 * (25 * 64 + 1) + 384 * (9 * 192 + 1) + 256 * (9 * 384 + 1) + 256 * (9 * 256 + 1)
    total = costs.total(costs.alexnet(variant="torchvision"))
    assert total.parameters == convs + 4096 * 9217 + 4096 * 4097 + 1000 * 4097 == 61_100_840


def test_a_stride_that_does_not_fit_explains_the_printed_input():
    """Rounded up, as in the author's program, 224 gives the printed 55; rounded down, it takes 227."""
    size, kernel, stride = ALEXNET_INPUT[0], ALEXNET_LAYERS[0].kernel_size, ALEXNET_LAYERS[0].stride
    assert math.ceil((size - kernel) / stride) + 1 == ALEXNET_LAYERS[0].grid == 55
    assert costs.conv_output_size(size, kernel, stride) == 54
    assert [costs.conv_output_size(s, kernel, stride) for s in (226, 227, 230, 231)] == [54, 55, 55, 56]


def test_the_printed_neurons_of_the_first_layer_are_those_of_a_48_by_55_map():
    printed = [row.neurons for row in ALEXNET_LAYERS]
    assert printed[0] == 96 * 55 * 48 and sum(printed) == 622_312
    assert 55 * 55 * 96 + sum(printed[1:]) == 659_272 == costs.total(costs.alexnet()).activations
    assert round(659_272, -4) != 650_000 and abs(659_272 - 650_000) < 10_000 < abs(622_312 - 650_000)


def test_kernel_depths_are_channels_before_over_gpus():
    depths = [row.kernel_depth for row in ALEXNET_LAYERS if row.type == "convolution"]
    before = [ALEXNET_INPUT[2], *(row.channels for row in ALEXNET_LAYERS[:4])]
    assert [b // d for b, d in zip(before, depths, strict=True)] == [1, 2, 1, 2, 2]


def test_pooling_overlaps_and_gives_the_next_grid():
    assert ALEXNET_POOL.s < ALEXNET_POOL.z
    grids = [row.grid for row in ALEXNET_LAYERS if row.pooled]
    assert grids == [55, 27, 13]
    assert [(grid - 3) // 2 + 1 for grid in grids] == [27, 13, 6]


def test_zfnet_s_paper_repeats_alexnet_s_errors():
    assert [row[1:] for row in ALEXNET_TABLE_2] == [row[1:] for row in ZFNET_TABLE_2[:5]]


def test_width_scales_every_layer_and_keeps_the_groups():
    table = costs.alexnet_table(width=0.5)
    assert [conv.channels for conv in table.convs] == [48, 128, 192, 192, 128] and table.hidden == 2048
    assert [conv.groups for conv in table.convs] == [1, 2, 1, 2, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.alexnet(variant="papr"), "did you mean 'paper'"),
        (lambda: costs.alexnet(groups=3), "groups must be 1 or 2, got 3"),
        (lambda: costs.alexnet(variant="torchvision", groups=2), "groups must be 1, as torchvision has it"),
        (lambda: costs.alexnet(width=0), "width must be above 0"),
        (lambda: costs.alexnet(num_classes=0), "num_classes must be at least 1"),
        (lambda: costs.alexnet(input_size=224), "takes 9216 inputs, got 6400"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
