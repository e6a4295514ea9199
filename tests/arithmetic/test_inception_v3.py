"""Inception v3 and the paper's v2 by hand: closed forms, identities, other libraries' published counts."""

import pytest

from inception_lessons import costs, discrepancies
from inception_lessons.papers import (
    RETHINKING_CLAIMS,
    RETHINKING_LABEL_SMOOTHING,
    RETHINKING_TABLE_1,
    RETHINKING_TABLE_3,
    RETHINKING_TRAINING,
)

V3_ROWS = {row.key: row for row in costs.INCEPTION_V3_TABLE}


def norms(layers):
    return [layer for layer in layers if layer.name.endswith("_norm")]


def test_totals_are_those_that_torchvision_and_keras_publish():
    """torchvision: num_params 27161264, 5.713 G. Keras, without γ and head: 23,817,352 trainable and 34,432
    moving statistics."""
    whole, plain = costs.total(costs.inception_v3(aux=True)), costs.total(costs.inception_v3())
    assert (whole.parameters, round(plain.macs / 1e9, 3)) == (27_161_264, 5.713)
    normed = sum(layer.cost.output_shape[0] for layer in norms(costs.inception_v3()))
    assert (plain.parameters - normed, 2 * normed) == (23_817_352, 34_432)


def test_layers_of_v3():
    """94 convolutions, each with batch norm, and one dense layer; 48 of them on the longest way."""
    layers = costs.inception_v3()
    assert (len(norms(layers)), len(layers)) == (94, 2 * 94 + 1)
    assert costs.longest_path(costs.inception_v3_stages()) == 5 + 3 * 3 + 3 + 4 * 5 + 4 + 2 * 3 + 1
    assert len(norms(costs.inception_v3(aux=True))) == 96


@pytest.mark.parametrize(("key", "inner"), [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)])
def test_a_module_of_figure_6_in_closed_form(key, inner):
    """Pairs of 7 weights in place of 49: five of them are inner², two inner·192."""
    weights = 768 * (192 + 192 + 2 * inner) + 7 * (4 * inner**2 + 2 * inner * 192)
    row = costs.by_row(costs.inception_v3())[key]
    assert row.parameters == weights + 2 * (4 * 192 + 6 * inner)
    assert row.macs == weights * 17**2


@pytest.mark.parametrize(("key", "channels"), [("7b", 1280), ("7c", 2048)])
def test_a_module_of_figure_7_in_closed_form(key, channels):
    weights = channels * (320 + 384 + 448 + 192) + 4 * 3 * 384**2 + 9 * 448 * 384
    row = costs.by_row(costs.inception_v3())[key]
    assert row.parameters == weights + 2 * (320 + 384 + 448 + 192 + 5 * 384)
    assert row.macs == weights * 8**2


def test_a_module_of_figure_5_in_closed_form():
    """The 5×5 of the shipped v3 costs 25·48·64 weights; the figure's 3×3 saves 16 of the 25."""
    shipped, drawn = (
        costs.by_row(layers)["5d"] for layers in (costs.inception_v3(), costs.inception_v2_rethinking())
    )
    weights = 288 * (64 + 48 + 64 + 64) + 25 * 48 * 64 + 9 * (64 * 96 + 96 * 96)
    assert shipped.parameters == weights + 2 * (64 + 48 + 64 + 64 + 96 + 96 + 64)
    assert shipped.parameters - drawn.parameters == 16 * 48 * 64
    assert shipped.macs - drawn.macs == 16 * 48 * 64 * 35**2


def test_auxiliary_head_in_closed_form():
    row = costs.by_row(costs.inception_v3(aux=True))["aux"]
    conv, hidden = 768 * 128, 25 * 128 * 768
    assert row.parameters == conv + hidden + 2 * (128 + 768) + 768 * 1000 + 1000 == 3_326_696
    assert row.macs == conv * 5**2 + hidden + 768 * 1000
    without = costs.by_row(costs.inception_v2_rethinking(aux=True))["aux"]
    assert row.parameters - without.parameters == 768  # γ and β against one bias


def test_channels_between_the_modules_are_the_printed_ones():
    rows = {stage.row: stage for stage in costs.walk(costs.inception_v3_stages(), 3, 299)}
    assert [rows[key].output_shape for key in ("5d", "6a", "6e", "7a", "7c")] == [
        (288, 35, 35), (768, 17, 17), (768, 17, 17), (1280, 8, 8), (2048, 8, 8),
    ]  # fmt: skip
    assert rows["5b"].output_shape[0] == 256  # not 288, as Table 1 has it for all three


def test_v2_is_table_1_row_by_row():
    assert len(discrepancies.inception_v2_table_1()) == 2 * len(RETHINKING_TABLE_1) + 1
    figures = [row.figure for row in RETHINKING_TABLE_1 for _ in range(row.modules or 0)]
    kinds = {costs.Figure5Row: 5, costs.Figure6Row: 6, costs.Figure7Row: 7}
    assert [kinds[type(row)] for row in costs.INCEPTION_V2_TABLE if type(row) in kinds] == figures


def test_v2_costs_v3_with_the_differences_by_hand():
    """3×3 for 1×1 and stride for pooling in the stem, 192 → 288 more, one module on 17×17 more, widths."""
    v2, v3 = (costs.by_row(layers) for layers in (costs.inception_v2_rethinking(), costs.inception_v3()))
    assert v2["3b"].macs == 9 * 64 * 80 * 71**2 and v3["3b"].macs == 64 * 80 * 73**2
    assert v2["4a"].macs == 9 * 80 * 192 * 35**2 and v3["4a"].macs == 9 * 80 * 192 * 71**2
    assert v2["4b"].macs == 9 * 192 * 288 * 35**2
    assert [v2[key] for key in ("6b", "6c", "6d", "6e", "6f")] == 5 * [v3["6b"]]
    assert [v2[key] for key in ("1a", "2a", "2b", "6a", "7a", "7b", "7c", "linear")] == [
        v3[key] for key in ("1a", "2a", "2b", "6a", "7a", "7b", "7c", "linear")
    ]


def test_both_networks_stay_below_the_abstract_s_25_million():
    bound = RETHINKING_CLAIMS["fewer_parameters_than"].value
    for layers in (costs.inception_v2_rethinking(), costs.inception_v3()):
        assert costs.total(layers).parameters < bound
    growing = [
        row._replace(inner=inner) for row, inner in zip(
            [row for row in costs.INCEPTION_V2_TABLE if isinstance(row, costs.Figure6Row)],
            (128, 160, 160, 160, 192), strict=True,
        )
    ]  # fmt: skip
    others = [row for row in costs.INCEPTION_V2_TABLE if row.key not in {row.key for row in growing}]
    table = sorted([*growing, *others], key=lambda row: row.key)
    assert costs.total(costs.inception_v3(table=table)).parameters > bound


def test_42_layers_with_each_pair_counted_once():
    """Stem 6, three modules of 3, reduction 3, five modules of 3, reduction 3, two modules of 3; the linear
    layer left out."""
    once = costs.longest_path(costs.inception_v2_rethinking_stages(), pairs_as_one=True)
    assert once == 6 + 3 * 3 + 3 + 5 * 3 + 3 + 2 * 3 + 1 == RETHINKING_CLAIMS["layers"].value + 1


def test_grid_reductions_by_hand():
    """k → 2k channels: before the pooling on d×d, after it or beside it on the smaller grid."""
    d, half, k = 35, 17, 320
    macs = {
        kind: costs.total(costs.grid_reduction(kind, k, 2 * k, d)).macs
        for kind in ("convolve first", "pool first", "parallel")
    }
    assert macs == {
        "convolve first": 9 * 2 * d**2 * k**2,
        "pool first": 9 * 2 * half**2 * k**2,
        "parallel": 9 * half**2 * k**2,
    }


def test_half_width_scales_channels_and_nothing_else():
    row = costs.scale_row(V3_ROWS["7a"], 0.5)
    assert row == V3_ROWS["7a"]._replace(reduce_single=96, single=160, inner=96, double=96)
    assert costs.scale_row(V3_ROWS["6a"], 0.5) == costs.ReductionRow("6a", None, 192, 32, 48)
    assert costs.scale_row(V3_ROWS["1a"], 0.5) == V3_ROWS["1a"]._replace(out_channels=16)


def test_table_3_is_cumulative():
    """Each change lowers both errors, and only the last two rows but one cost more."""
    errors = [row.top1_error for row in RETHINKING_TABLE_3]
    assert errors == sorted(errors, reverse=True)
    assert [row.ops for row in RETHINKING_TABLE_3[3:]] == ["3.8", "3.8", "3.8", "4.8", "4.8"]
    best = RETHINKING_TABLE_3[-1]
    assert (best.top1_error, best.top5_error) == (21.2, 5.6)  # the abstract's numbers


def test_settings_are_those_of_sections_7_and_8():
    targets = [1 - RETHINKING_LABEL_SMOOTHING.epsilon, 0.0]
    share = RETHINKING_LABEL_SMOOTHING.epsilon / RETHINKING_LABEL_SMOOTHING.classes
    assert [round(target + share, 6) for target in targets] == [0.9001, 0.0001]
    decays = RETHINKING_TRAINING.epochs // RETHINKING_TRAINING.rate_decay_epochs
    last_rate = RETHINKING_TRAINING.learning_rate * RETHINKING_TRAINING.rate_decay**decays
    assert (decays, round(last_rate, 5)) == (50, 0.00204)


UNKNOWN = costs.StemRow("1a", "pool", 3, 2, 0, None)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: costs.inception_v3(num_classes=0), ValueError, "num_classes must be at least 1, got 0"),
        (lambda: costs.inception_v3(input_size=74), ValueError, "kernel_size 3"),
        (lambda: costs.inception_v3(width=0), ValueError, "width must be above 0, got 0"),
        (lambda: costs.inception_v3_module(V3_ROWS["1a"]), TypeError, "row must be one of Figure5Row"),
        (lambda: costs.inception_v3(table=[UNKNOWN]), ValueError, "did you mean 'max pool'"),
        (lambda: costs.grid_reduction("pool last", 8, 16, 9), ValueError, "did you mean 'pool first'"),
        (lambda: costs.grid_reduction("parallel", 16, 16, 9), ValueError, "must be more than in_channels 16"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_the_remedy(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
