"""LeNet-5's tables and costs, counted again by hand."""

import pytest

from inception_lessons import costs, discrepancies
from inception_lessons.papers import (
    LENET5_CODE_GRID,
    LENET5_INPUT_SIZE,
    LENET5_LAYERS,
    LENET5_SQUASHING,
    LENET5_TABLE_1,
)


def test_every_printed_count_of_a_layer_agrees():
    compared = discrepancies.lenet5_layers()
    assert len(compared) == 11 and all(comparison.agrees for comparison in compared)


def test_parameters_and_connections_of_each_layer_by_hand():
    parameters = {row: total.parameters for row, total in costs.by_row(costs.lenet5()).items()}
    assert parameters == {
        "C1": 6 * (25 + 1),
        "S2": 6 * 2,
        "C3": 60 * 25 + 16,
        "S4": 16 * 2,
        "C5": 120 * (16 * 25 + 1),
        "F6": 84 * (120 + 1),
    }
    assert sum(parameters.values()) == 60_000
    assert costs.lenet5_connections() == {
        "C1": 28**2 * 156,
        "S2": 14**2 * 6 * 5,
        "C3": 10**2 * 1_516,
        "S4": 5**2 * 16 * 5,
        "C5": 48_120,
        "F6": 10_164,
        "OUTPUT": 10 * 84,
    }
    assert sum(costs.lenet5_connections().values()) == 340_908


def test_connections_are_macs_and_what_macs_leave_out():
    """Besides MACs: a bias for each unit but the output's, three more inputs of each subsampling unit, and
    the output's distances."""
    total = costs.total(costs.lenet5())
    subsampling_units = 6 * 14**2 + 16 * 5**2
    units = 6 * 28**2 + 16 * 10**2 + subsampling_units + 120 + 84
    assert sum(costs.lenet5_connections().values()) == total.macs + units + 3 * subsampling_units + 840
    assert total.activations == units


def test_printed_sizes_follow_from_the_layers():
    size = LENET5_INPUT_SIZE
    for row, walked in zip(LENET5_LAYERS, costs.walk(costs.lenet5_stages(), 1, size), strict=True):
        size = {"convolution": size - 4, "subsampling": size // 2}.get(row.type, 1)
        assert row.size == size, row.key
        assert walked.output_shape[0] == row.maps and set(walked.output_shape[1:]) <= {size}, row.key


def test_table_1_is_what_the_text_says_of_it():
    """Six subsets of three neighbours and six of four, on a circle; three of four with a gap on either side;
    all six."""
    columns = ["".join(cells) for cells in zip(*LENET5_TABLE_1, strict=True)]
    assert columns[:6] == [turned("XXX   ", by) for by in range(6)]
    assert columns[6:12] == [turned("XXXX  ", by) for by in range(6)]
    assert columns[12:15] == [turned("XX XX ", by) for by in range(3)]
    assert columns[15:] == ["XXXXXX"]
    assert "".join(columns).count("X") == 60 and len(set(columns)) == 16
    assert costs.inputs_of_maps()[14] == (0, 2, 3, 5)


def turned(pattern: str, by: int) -> str:
    return pattern[-by:] + pattern[:-by] if by else pattern


def test_every_map_of_s2_is_used_equally_often():
    assert [row.count("X") for row in LENET5_TABLE_1] == [10] * 6


def test_f6_has_a_unit_for_each_position_of_the_code():
    height, width = LENET5_CODE_GRID
    assert height * width == 84 == LENET5_LAYERS[-2].maps


def test_simplified_lenet_by_hand():
    parameters = [156, 2_416, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10]
    macs = [28**2 * 150, 10**2 * 2_400, 48_000, 10_080, 840]
    layers = costs.lenet()
    assert [layer.cost.parameters for layer in layers] == parameters and sum(parameters) == 61_706
    assert [layer.cost.macs for layer in layers] == macs and sum(macs) == 416_520


def test_from_lenet_5_to_the_simplified_lenet():
    """60,000 − partial C3 + full C3 − the coefficients and biases of S2 and S4 + a dense output = 61,706."""
    before = {row: total.parameters for row, total in costs.by_row(costs.lenet5()).items()}
    after = {row: total.parameters for row, total in costs.by_row(costs.lenet()).items()}
    assert 60_000 - 1_516 + 2_416 - 12 - 32 + 850 == 61_706
    assert (before["C3"], after["conv2"], before["S2"], before["S4"], after["linear"]) == (
        1_516, 2_416, 12, 32, 850,
    )  # fmt: skip
    kept = [("C1", "conv1"), ("C5", "hidden1"), ("F6", "hidden2")]
    assert all(before[old] == after[new] for old, new in kept)


def test_any_size_changes_no_count():
    for size in (28, 45, 64):
        layers = costs.lenet(any_size=True, input_size=size)
        assert costs.total(layers).parameters == 61_706
    assert costs.lenet(any_size=True, pooling="max") == costs.lenet()


def test_squashing_keeps_1():
    """A·tanh(S) = 1 to four digits (Appendix A), by the exponential definition of tanh."""
    e = 2.718281828459045 ** (2 * LENET5_SQUASHING.slope)
    assert round(LENET5_SQUASHING.amplitude * (e - 1) / (e + 1), 4) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.lenet5(input_size=31), "kernel_size 5"),
        (lambda: costs.lenet5(input_size=36), "takes 120 inputs, got 480"),
        (lambda: costs.lenet5(in_channels=0), "in_channels must be at least 1, got 0"),
        (lambda: costs.lenet(input_size=32), "takes 400 inputs, got 576"),
        (lambda: costs.lenet(pooling="avg"), "did you mean 'average'"),
        (lambda: costs.lenet(num_classes=0), "num_classes must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
