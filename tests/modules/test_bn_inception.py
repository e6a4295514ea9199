"""BN-Inception's modules against the arithmetic, the printed grids and a computation by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons.measure import measure, receptive_field
from inception_lessons.models.bn_inception import (
    LESSON_TABLE,
    BNInception,
    InceptionDouble3,
    ReductionDouble3,
    bn_inception,
    bn_inception_lesson,
)
from inception_lessons.papers import BN_INCEPTION_FIGURE_5

ROWS = {row.key: row for row in BN_INCEPTION_FIGURE_5}


@pytest.mark.parametrize(
    ("options", "macs"),
    [
        ({}, 2_018_851_840),
        ({"stem": "separable"}, 1_934_857_216),
        ({"table": "printed"}, None),
        ({"width": 0.5}, None),
    ],
)
def test_layer_by_layer_as_the_arithmetic(options, macs):
    with torch.device("meta"):
        net = bn_inception(**options).eval()
        report = measure(net, (1, 3, 224, 224))
    arithmetic = costs.bn_inception(**options)
    counted = [(row.output_shape[1:], row.parameters, row.macs) for row in report.rows if row.parameters]
    assert counted == [
        (layer.cost.output_shape, layer.cost.parameters, layer.cost.macs) for layer in arithmetic
    ]
    assert macs in (None, report.macs)


@pytest.mark.slow
def test_torch_s_own_counter_gives_the_same_macs():
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        bn_inception().eval()(torch.empty(1, 3, 224, 224))
    assert counter.get_total_flops() == 2 * costs.total(costs.bn_inception()).macs


def test_without_batch_norm_every_convolution_has_a_bias():
    net = bn_inception_lesson(batch_norm=False)
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(m.bias is not None for m in net.modules() if isinstance(m, nn.Conv2d))
    layers = costs.bn_inception(table=LESSON_TABLE, in_channels=1, input_size=28, num_classes=10, norm=False)
    assert sum(p.numel() for p in net.parameters()) == costs.total(layers).parameters


def test_every_row_has_the_printed_channels_and_the_grid_that_follows():
    """3c and 4e print the grid of their input; the network's grid is half of it."""
    x = torch.empty(1, 3, 224, 224, device="meta")
    with torch.device("meta"):
        net = bn_inception().eval()
    for row in BN_INCEPTION_FIGURE_5[:-1]:
        x = net.body[row.key](x)
        halved = row.key in ("3c", "4e")
        assert x.shape == (1, row.channels, *[row.grid // 2 if halved else row.grid] * 2), row.key


def constant_branches(module: nn.Module) -> nn.Module:
    """Zero kernels and a norm that gives 1, 2, … to the last convolution of each branch."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    ends = [
        getattr(module, name) for name in ("conv1", "conv3", "double2", "project") if hasattr(module, name)
    ]
    for value, end in enumerate(ends, start=1):
        nn.init.constant_(end[1].bias, value)
    return module.eval()


def test_the_order_of_the_branches_is_the_figure_s():
    module = constant_branches(InceptionDouble3(8, ROWS["4d"]._replace(project=96)))
    channels = module(torch.rand(1, 8, 5, 5))[0, :, 2, 2].tolist()
    assert channels == [1.0] * 96 + [2.0] * 192 + [3.0] * 192 + [4.0] * 96


def test_the_reduction_passes_the_pooled_input_through_last():
    module = constant_branches(ReductionDouble3(8, ROWS["4e"]))
    x = torch.rand(2, 8, 6, 6)
    y = module(x)
    assert y.shape == (2, 192 + 256 + 8, 3, 3)
    assert y[0, :448, 1, 1].tolist() == [1.0] * 192 + [2.0] * 256
    by_hand = torch.stack([x[:, :, 1:4, 1:4].amax((2, 3)), x[:, :, 3:6, 3:6].amax((2, 3))], dim=-1)
    assert torch.equal(torch.stack([y[:, 448:, 1, 1], y[:, 448:, 2, 2]], dim=-1), by_hand)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 8])
def test_the_reduction_halves_every_grid_rounding_up(size):
    module = ReductionDouble3(4, ROWS["3c"]).eval()
    assert module(torch.rand(1, 4, size, size)).shape[-1] == -(-size // 2)


@pytest.mark.parametrize(("key", "pool"), [("3a", "avg"), ("5b", "max")])
def test_a_module_equals_the_same_computation_written_out(key, pool):
    """Every branch from functional calls; the average counts the positions inside the map only."""
    torch.manual_seed(0)
    module = InceptionDouble3(6, ROWS[key]).eval()
    for norm in (m for m in module.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.3)
        nn.init.normal_(norm.running_mean, std=0.3)
        nn.init.uniform_(norm.running_var, 0.5, 1.5)

    def unit(branch: nn.Module, x: torch.Tensor) -> torch.Tensor:
        conv, norm = branch[0], branch[1]
        y = F.conv2d(x, conv.weight, padding=conv.weight.shape[-1] // 2)
        shape = (1, -1, 1, 1)
        y = (y - norm.running_mean.view(shape)) / (norm.running_var.view(shape) + 1e-3).sqrt()
        return (y * norm.weight.view(shape) + norm.bias.view(shape)).clamp(min=0)

    x = torch.randn(2, 6, 7, 7)
    if pool == "max":
        pooled = F.pad(x, (1, 1, 1, 1), value=-torch.inf).unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))
    else:
        ones = torch.ones(6, 1, 3, 3)
        count = F.conv2d(torch.ones_like(x), ones, padding=1, groups=6)
        pooled = F.conv2d(x, ones, padding=1, groups=6) / count
    double = unit(module.double2, unit(module.double1, unit(module.reduce_double, x)))
    expected = [
        unit(module.conv1, x),
        unit(module.conv3, unit(module.reduce3, x)),
        double,
        unit(module.project, pooled),
    ]
    with torch.no_grad():
        torch.testing.assert_close(module(x), torch.cat(expected, dim=1), rtol=1e-4, atol=1e-5)


def test_the_rows_with_stride_2_and_only_they_are_reductions():
    with torch.device("meta"):
        net = bn_inception()
    kinds = {key: type(module) for key, module in net.body.items()}
    assert [key for key, kind in kinds.items() if kind is ReductionDouble3] == ["3c", "4e"]
    assert sum(kind is InceptionDouble3 for kind in kinds.values()) == 8
    assert isinstance(net.body["5b"].pool, nn.MaxPool2d) and isinstance(net.body["5a"].pool, nn.AvgPool2d)


def test_lesson_table_is_consistent_with_its_own_sizes():
    net = bn_inception_lesson().eval()
    x = torch.zeros(1, 1, 28, 28)
    for row in LESSON_TABLE[:-1]:
        x = net.body[row.key](x)
        assert x.shape[1:] == (row.channels, row.grid, row.grid), row.key
    report = measure(net, (1, 1, 28, 28))
    assert net.linear.in_features == x.shape[1]
    assert 50_000 <= report.parameters <= 120_000 and report.macs <= 6_000_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bn_inception(stem="sparable"), "did you mean 'separable'"),
        (lambda: bn_inception(table="fixed"), "known: 'released', 'printed'"),
        (lambda: bn_inception_lesson().torchvision_names(), "torchvision has no network"),
        (lambda: BNInception([ROWS["conv1"], ROWS["3a"]._replace(stride=2)]), "or none of the three"),
        (lambda: InceptionDouble3(0, ROWS["3a"]), "in_channels must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("stem", ["dense", "separable"])
def test_receptive_field_of_the_last_map_is_the_published_one(stem):
    """699 is what google-research/receptive_field publishes for TF-slim's inception_v2: this network."""
    module, halving = [(3, 1), (3, 1)], [(3, 1), (3, 2)]
    body = 2 * module + halving + 4 * module + halving + 2 * module
    assert costs.receptive_field([(7, 2), (3, 2), (3, 1), (3, 2), *body]) == (699, 32)
    with torch.device("meta"):
        field = receptive_field(bn_inception(stem=stem).eval(), (1, 3, 224, 224), "body.5b")
    assert (field.size, field.jump, field.grid) == ((699, 699), (32, 32), (7, 7))
