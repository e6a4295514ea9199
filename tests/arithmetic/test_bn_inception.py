"""BN-Inception's Figure 5 by hand: sums of branches, weights, grids, and what its text claims."""

import pytest

from inception_lessons import costs, discrepancies
from inception_lessons.papers import (
    BN_INCEPTION_CLAIMS,
    BN_INCEPTION_FIGURE_3,
    BN_INCEPTION_FIGURE_4,
    BN_INCEPTION_FIGURE_5,
    BN_INCEPTION_LEARNING_RATES,
    GOOGLENET_MODULES,
    GOOGLENET_TABLE_1,
    PASS_THROUGH,
)

MODULES = [row for row in BN_INCEPTION_FIGURE_5 if row.type == "inception"]


def weights_by_hand(projections: dict[str, int], stem: int) -> int:
    """Weights, two batch-norm numbers per filter and the dense layer, from the printed columns alone."""
    weights, filters, channels = stem + 64 * 64 + 9 * 64 * 192, 64 + 64 + 192, 192
    for row in MODULES:
        passes = row.project == PASS_THROUGH
        project = 0 if passes else projections.get(row.key, row.project)
        weights += channels * (row.conv1 + row.reduce3 + row.reduce_double + project)
        weights += 9 * (row.reduce3 * row.conv3 + row.reduce_double * row.double + row.double**2)
        filters += row.conv1 + row.reduce3 + row.conv3 + row.reduce_double + 2 * row.double + project
        channels = row.conv1 + row.conv3 + row.double + (channels if passes else project)
    assert channels == 1024 or not projections
    return weights + 2 * filters + channels * 1000 + 1000


RELEASED = {"4c": 96, "4d": 96}
DENSE, SEPARABLE = 49 * 3 * 64, 49 * 3 * 8 + 24 * 64


@pytest.mark.parametrize(
    ("options", "by_hand", "published"),
    [
        ({}, weights_by_hand(RELEASED, DENSE), 11_194_984),
        ({"stem": "separable"}, weights_by_hand(RELEASED, SEPARABLE), 11_188_288),
        ({"table": "printed"}, weights_by_hand({}, DENSE), 11_285_224),
    ],
)
def test_parameters_by_hand(options, by_hand, published):
    assert costs.total(costs.bn_inception(**options)).parameters == by_hand == published


def test_macs_by_hand():
    """Each weight is used once per position of its output; the modules with stride 2 work on two grids."""
    total, channels = 112**2 * 49 * 3 * 64 + 56**2 * (64 * 64 + 9 * 64 * 192) + 1024 * 1000, 192
    grid = 28
    for row in MODULES:
        passes = row.stride == 2
        out = grid // 2 if passes else grid
        project = 0 if passes else RELEASED.get(row.key, row.project)
        total += grid**2 * channels * (row.conv1 + row.reduce3 + row.reduce_double + project)
        total += grid**2 * 9 * row.reduce_double * row.double
        total += out**2 * 9 * (row.reduce3 * row.conv3 + row.double**2)
        channels = row.conv1 + row.conv3 + row.double + (channels if passes else project)
        grid = out
    assert costs.total(costs.bn_inception()).macs == total
    separable = total + 112**2 * (SEPARABLE - DENSE)
    assert costs.total(costs.bn_inception(stem="separable")).macs == separable
    assert (round(total / 1e9, 3), round(separable / 1e9, 3)) == (2.019, 1.935)


def test_only_4c_and_4d_do_not_sum_and_both_by_32():
    above = {row.key: BN_INCEPTION_FIGURE_5[i - 1].channels for i, row in enumerate(BN_INCEPTION_FIGURE_5)}
    excess = {
        row.key: row.conv1 + row.conv3 + row.double - row.channels
        + (above[row.key] if row.project == PASS_THROUGH else row.project)
        for row in MODULES
    }  # fmt: skip
    assert {key: more for key, more in excess.items() if more} == {"4c": 32, "4d": 32}
    released = {
        row.key: row.project
        for row, printed in zip(costs.bn_inception_rows(), BN_INCEPTION_FIGURE_5, strict=True)
        if row != printed
    }
    assert released == {"4c": 128 - 32, "4d": 128 - 32}
    assert costs.bn_inception_rows("printed") == BN_INCEPTION_FIGURE_5


def test_the_figure_s_columns():
    assert [row.key for row in MODULES] == ["3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    assert [row.key for row in MODULES if row.pool == "max"] == ["3c", "4e", "5b"]
    assert [row.key for row in MODULES if row.stride == 2 and row.conv1 == 0] == ["3c", "4e"]
    assert sum(row.depth for row in BN_INCEPTION_FIGURE_5) == 1 + 1 + 3 * 10


def test_counts_of_layers():
    """70 convolutions would be 3 + 10·7; the two modules with stride 2 lack two each. One norm for each."""
    layers = costs.bn_inception()
    convs = [layer for layer in layers if layer.kernel_size is not None]
    assert len(convs) == 3 + 10 * 7 - 2 * 2 == 69
    assert len(layers) == 2 * 69 + 1 and sum(layer.name.endswith("_norm") for layer in layers) == 69
    assert costs.longest_path(costs.bn_inception_stages()) == 1 + 2 + 10 * 3 + 1


def test_two_3x3_for_each_5x5_of_googlenet_add_far_less_than_the_text_claims():
    """The widths kept, weights grow by 9·(reduce5·conv5 + conv5²) − 25·reduce5·conv5 in each module."""
    modules = GOOGLENET_MODULES.values()
    more = [9 * (r.reduce5 * r.conv5 + r.conv5**2) - 25 * r.reduce5 * r.conv5 for r in modules]
    total = costs.total(costs.googlenet(bias=False))
    assert round(100 * sum(more) / total.parameters) == 4
    on_grids = sum(n * row.grid**2 for n, row in zip(more, modules, strict=True))
    assert round(100 * on_grids / total.macs) == 4


def test_depth_grows_by_nine_in_googlenet_s_own_modules():
    depth = sum(row.depth for row in GOOGLENET_TABLE_1)
    assert len(GOOGLENET_MODULES) == BN_INCEPTION_CLAIMS["more_layers"].value
    assert costs.longest_path(costs.bn_inception_stages()) == depth + 9 + 3


def test_figures_3_and_4_agree_with_each_other_and_with_the_text():
    speed = {row.model: row for row in BN_INCEPTION_FIGURE_3}
    rates = BN_INCEPTION_LEARNING_RATES
    assert set(rates) == set(speed)
    assert rates["BN-x5"] / rates["Inception"] == pytest.approx(5)
    assert rates["BN-x30"] / rates["Inception"] == pytest.approx(30)
    assert 2 * speed["BN-Baseline"].steps < speed["Inception"].steps  # "in less than half the number"
    assert speed["BN-x30"].steps > speed["BN-x5"].steps  # "somewhat slower initially"
    errors = {row.model: row for row in BN_INCEPTION_FIGURE_4}
    ours = [errors[f"BN-Inception {name}"] for name in ("single crop", "multicrop", "ensemble")]
    assert sorted((row.top5_error for row in ours), reverse=True) == [7.82, 5.82, 4.9]
    assert ours[0].top1_error == pytest.approx(100 - speed["BN-x30"].max_accuracy)


def test_differences_are_the_known_ones():
    differ = {
        comparison.key for comparison in discrepancies.BN_INCEPTION.comparisons() if not comparison.agrees
    }
    assert differ == {
        ("4c", "channels"), ("4d", "channels"), ("3c", "grid"), ("4e", "grid"), ("conv2", "depth"),
        ("text", "parameters"), ("text", "widest_double"), ("text", "more_layers"),
        ("text", "more_parameters"),
    }  # fmt: skip


STRIDED = next(row for row in MODULES if row.key == "3c")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: costs.bn_inception(stem="sparable"), "did you mean 'separable'"),
        (lambda: costs.bn_inception(table="relased"), "did you mean 'released'"),
        (lambda: costs.bn_inception(width=0), "width must be above 0"),
        (lambda: costs.bn_inception(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: costs.bn_inception(in_channels=0), "in_channels must be at least 1, got 0"),
        (lambda: costs.bn_inception(input_size=6), "kernel_size 3"),
        (lambda: costs.double_inception_branches(BN_INCEPTION_FIGURE_5[0]), "no Inception module"),
        (lambda: costs.double_inception_branches(STRIDED._replace(project=32)), "or none of the three"),
        (lambda: costs.double_inception_branches(STRIDED._replace(stride=None)), "or none of the three"),
        (lambda: costs.bn_inception(table=[STRIDED._replace(type="attention")]), "cannot count"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
