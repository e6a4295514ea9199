"""ZFNet's numbers by hand, beside AlexNet's."""

import math

import pytest

from inception_lessons import costs
from inception_lessons.papers import ZFNET_FIGURE_3, ZFNET_TABLE_2, ZFNET_TABLE_3


def test_parameters_by_hand():
    convs = 96 * (49 * 3 + 1) + 256 * (25 * 96 + 1) + 384 * (9 * 256 + 1)
    convs += 384 * (9 * 384 + 1) + 256 * (9 * 384 + 1)
    dense = 4096 * (36 * 256 + 1) + 4096 * 4097 + 1000 * 4097
    assert convs + dense == 62_357_608 == costs.total(costs.zfnet()).parameters


def test_macs_by_hand():
    convs = 110**2 * 96 * 147 + 26**2 * 256 * 2400 + 13**2 * (384 * 2304 + 384 * 3456 + 256 * 3456)
    dense = 9216 * 4096 + 4096 * 4096 + 4096 * 1000
    assert convs + dense == 1_168_032_896 == costs.total(costs.zfnet()).macs


def test_the_first_kernel_is_all_that_parameters_tell_from_an_ungrouped_alexnet():
    difference = costs.total(costs.alexnet(groups=1)).parameters - costs.total(costs.zfnet()).parameters
    assert difference == 96 * 3 * (11**2 - 7**2)


def test_rounding_up_everywhere_needs_no_padding_for_the_printed_grids():
    """As in cuda-convnet, on which the authors built: convolutions and poolings cover every position."""

    def up(size, kernel, stride):
        return math.ceil((size - kernel) / stride) + 1

    conv1, conv2 = up(224, 7, 2), up(55, 5, 2)
    assert (conv1, up(conv1, 3, 2), conv2, up(conv2, 3, 2), up(13, 3, 2)) == (110, 55, 26, 13, 6)
    assert [row.grid for row in ZFNET_FIGURE_3[:2]] == [conv1, conv2]
    assert (110 - 3) // 2 + 1 == 54, "rounding down would miss the printed 55"


def test_table_3_repeats_table_2():
    """Three networks stand in both tables, with the same validation errors."""
    in_table_2 = {(row.top1_validation, row.top5_validation) for row in ZFNET_TABLE_2}
    in_table_3 = [row[3:] for row in ZFNET_TABLE_3]
    shared = [errors for errors in in_table_3 if errors in in_table_2]
    assert shared == [(40.5, 18.1), (38.4, 16.5), (37.5, 16.0)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.zfnet(width=-1), "width must be above 0"),
        (lambda: costs.zfnet(num_classes=0), "num_classes must be at least 1"),
        (lambda: costs.zfnet(input_size=256), "takes 9216 inputs, got 12544"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
