"""The papers' tables against their own arithmetic: a difference is either none or known, and a known one
must still differ."""

import pytest

from inception_lessons import costs, discrepancies
from inception_lessons.papers import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_MODULES,
    GOOGLENET_TABLE_1,
    GOOGLENET_TABLE_3,
    InceptionWidths,
    printed_count,
)

ALL = [(paper.name, comparison) for paper in discrepancies.PAPERS for comparison in paper.comparisons()]


@pytest.mark.parametrize(
    "comparison", [c for _, c in ALL], ids=[f"{name}: {', '.join(c.key)}" for name, c in ALL]
)
def test_every_printed_number_agrees_or_is_explained(comparison):
    assert comparison.agrees != bool(comparison.explanation), comparison


@pytest.mark.parametrize("paper", discrepancies.PAPERS, ids=lambda paper: paper.name)
def test_every_key_is_used_once_and_every_explanation_belongs_to_one(paper):
    keys = [comparison.key for comparison in paper.comparisons()]
    assert len(set(keys)) == len(keys) and set(paper.explanations) <= set(keys)


@pytest.mark.parametrize("comparison", discrepancies.library_counts(), ids=lambda c: " ".join(c.key))
def test_every_library_s_own_count_follows_from_ours(comparison):
    assert comparison.computed_value == comparison.printed_value
    assert discrepancies.WHAT_DIFFERS[comparison.key]


def test_the_separable_stem_costs_what_table_1_prints():
    stem = [c for c in discrepancies.googlenet_table_1(stem="separable") if c.key[0] == "conv1"]
    assert len(stem) == 2 and all(comparison.agrees for comparison in stem)


def test_printed_sizes_follow_from_the_layers():
    """Channels of a module are the sum of its four branches; grids follow from strides."""
    for row in GOOGLENET_MODULES.values():
        assert row.widths.out_channels == row.channels, row.key
    rows = {layer.row: layer.cost.output_shape for layer in costs.googlenet()}
    for row in GOOGLENET_TABLE_1:
        if row.type in ("convolution", "linear"):
            assert rows[row.key][0] == row.channels
        if row.type in ("convolution", "inception"):
            assert rows[row.key][1:] == (row.grid, row.grid)


def test_column_sums():
    """22 weight layers; the ops column adds up to 1.5 billion and the params column to 6.8 million (K =
    1000)."""
    assert sum(row.depth for row in GOOGLENET_TABLE_1) == 22
    assert sum(printed_count(row.ops) for row in GOOGLENET_TABLE_1 if row.ops) == 1_502e6
    assert round(sum(printed_count(row.params) for row in GOOGLENET_TABLE_1 if row.params)) == 6_797_700


def test_5a_prints_params_and_ops_of_the_same_other_module():
    row = GOOGLENET_MODULES["5a"]
    weights = printed_count(row.params, kilo=1024)
    assert abs(weights * row.grid**2 - printed_count(row.ops)) < 1e6
    assert row.widths == GOOGLENET_MODULES["4e"].widths


def test_auxiliary_maps_and_parameters():
    """Section 5: 4×4×512 after 4a and 4×4×528 after 4d; head parameters by hand."""
    sides = {key: GOOGLENET_MODULES[key] for key in GOOGLENET_AUXILIARY.after}
    assert [(row.grid - 5) // 3 + 1 for row in sides.values()] == [4, 4]
    assert [row.channels for row in sides.values()] == [512, 528]
    rows = costs.by_row(costs.googlenet(aux=True))
    by_hand = {
        f"aux_{key}": (row.channels * 128 + 128) + (4 * 4 * 128 * 1024 + 1024) + (1024 * 1000 + 1000)
        for key, row in sides.items()
    }
    assert {key: rows[key].parameters for key in by_hand} == by_hand


def test_table_3_differences():
    first = GOOGLENET_TABLE_3[0].top5_error
    for row in GOOGLENET_TABLE_3[1:-1]:
        assert round(row.top5_error - first, 2) == row.difference
        assert row.cost == row.models * row.crops
    assert costs.multi_crop_count(4, 3, 6) == GOOGLENET_TABLE_3[2].crops


@pytest.mark.parametrize("text", ["", "K", "12 K", "1.2.3M", "-K"])
def test_a_text_that_is_no_count_is_refused(text):
    with pytest.raises(ValueError, match="printed count"):
        printed_count(text)


def test_out_channels_are_the_four_branch_ends():
    assert InceptionWidths(64, 96, 128, 16, 32, 32).out_channels == 256
