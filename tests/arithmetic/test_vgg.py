"""VGG's numbers by hand: every column of Table 1, and what its text computes."""

import pytest

from inception_lessons import costs
from inception_lessons.papers import VGG_SUMMARY, VGG_TABLE_1

WIDTHS = (64, 128, 256, 512, 512)
CONVS = {"A": (1, 1, 2, 2, 2), "B": (2, 2, 2, 2, 2), "D": (2, 2, 3, 3, 3), "E": (2, 2, 4, 4, 4)}
DENSE = 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000


def by_hand(counts: tuple[int, ...]) -> tuple[int, int]:
    """Parameters and MACs at 224 of 3×3 convolutions, `counts` of them in each block."""
    parameters, macs, before, grid = DENSE + 4096 + 4096 + 1000, DENSE, 3, 224
    for channels, count in zip(WIDTHS, counts, strict=True):
        for _ in range(count):
            parameters += 9 * before * channels + channels
            macs += 9 * before * channels * grid**2
            before = channels
        grid //= 2
    return parameters, macs


@pytest.mark.parametrize("column", CONVS)
def test_parameters_and_macs_by_hand(column):
    assert costs.total(costs.vgg(column))[:2] == by_hand(CONVS[column])


def test_totals():
    parameters = [costs.total(costs.vgg(column)).parameters for column in "ABCDE"]
    assert parameters == [132_863_336, 133_047_848, 133_638_952, 138_357_544, 143_667_240]
    macs = [round(costs.total(costs.vgg(column)).macs / 1e9, 3) for column in "ABDE"]
    assert macs == [7.609, 11.308, 15.470, 19.632]


def test_column_c_is_d_with_three_kernels_of_one_weight():
    """Eight of nine weights go in the third convolutions of blocks 3, 4 and 5."""
    c, d = (costs.total(costs.vgg(column)).parameters for column in "CD")
    assert d - c == 8 * (256**2 + 512**2 + 512**2)
    ones = [layer.cost.output_shape[0] for layer in costs.vgg("C") if layer.kernel_size == (1, 1)]
    assert ones == [256, 512, 512]


def test_columns_grow_from_left_to_right():
    """Each network has all layers of the one before it (Table 1's caption), save the 1×1 and the LRN."""
    for row in VGG_TABLE_1:
        filled = [cell is not None for cell in (row.a, row.b, row.c, row.d, row.e)]
        assert filled == sorted(filled)
        assert {cell for cell in row if cell} - {"LRN"} <= {row.e, str(row.e).replace("conv3", "conv1")}


def test_every_column_halves_five_times_and_ends_alike():
    for column in VGG_SUMMARY:
        cells = costs.vgg_column(column)
        assert cells.count("maxpool") == 5 and costs.VGG_GRID == 224 // 2**5
        assert cells[-5:] == ("maxpool", "FC-4096", "FC-4096", "FC-1000", "soft-max")


def test_response_norm_is_the_only_difference_of_a_lrn():
    cells = list(costs.vgg_column("A-LRN"))
    cells.remove("LRN")
    assert tuple(cells) == costs.vgg_column("A") and costs.vgg("A-LRN") == costs.vgg("A")


def test_batch_norm_adds_two_parameters_per_channel_and_keeps_biases():
    plain, normed = (costs.total(costs.vgg("D", batch_norm=norm)) for norm in (False, True))
    channels = sum(width * count for width, count in zip(WIDTHS, CONVS["D"], strict=True))
    assert normed.parameters - plain.parameters == 2 * channels and normed.macs == plain.macs


def test_most_parameters_are_dense_and_most_work_is_not():
    rows = costs.by_row(costs.vgg("D"))
    dense = [rows[name] for name in ("hidden1", "hidden2", "linear")]
    assert sum(row.parameters for row in dense) == 123_642_856 and sum(row.macs for row in dense) == DENSE
    assert 123_642_856 / 138_357_544 > 0.89 and DENSE / 15_470_264_320 < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.vgg("F"), "name 'F' is not known"),
        (lambda: costs.vgg(width=0), "width must be above 0"),
        (lambda: costs.vgg(input_size=31), "kernel_size 2"),
        (lambda: costs.vgg_layers(["conv3x64"]), "column has 'conv3x64'; expected conv"),
        (lambda: costs.vgg(num_classes=0), "num_classes must be at least 1"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
