"""Inception v3 and the paper's v2 against the arithmetic, Table 1 and torchvision's network."""

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.measure import measure, receptive_field
from inception_lessons.models import get_model
from inception_lessons.models.inception_v3 import (
    AsymmetricInception,
    AsymmetricReduction,
    ConvolveThenPool,
    ExpandedInception,
    FactorizedInception,
    ParallelReduction,
    PoolThenConvolve,
    ReductionInception,
    inception_v2_rethinking,
    inception_v3,
    inception_v3_lesson,
)
from inception_lessons.papers import RETHINKING_TABLE_1

ROWS = {row.key: row for row in costs.INCEPTION_V3_TABLE}
COUNTED = {"Conv2d", "BatchNorm2d", "Linear"}
BUILDERS = {
    "inception_v3": (inception_v3, costs.inception_v3),
    "inception_v2_rethinking": (inception_v2_rethinking, costs.inception_v2_rethinking),
}


@pytest.mark.parametrize("aux", [False, True])
@pytest.mark.parametrize("name", BUILDERS)
def test_every_layer_costs_what_the_arithmetic_says(name, aux):
    """Same layers in the same order; in training mode, with two images, the auxiliary head too."""
    build, arithmetic = BUILDERS[name]
    with torch.device("meta"):
        net = build(aux=aux, width=0.5, num_classes=7).train(aux)
    report = measure(net, (2, 3, 299, 299))
    counted = [(row.output_shape[1:], row.parameters, row.macs) for row in report.rows if row.type in COUNTED]
    expected = [layer.cost[:3] for layer in arithmetic(aux=aux, width=0.5, num_classes=7)]
    assert counted == [(shape, parameters, 2 * macs) for shape, parameters, macs in expected]


def test_parameters_of_v3():
    """The figures of torchvision (with the head) and of timm (without)."""
    with torch.device("meta"):
        counts = [sum(p.numel() for p in inception_v3(aux=aux).parameters()) for aux in (True, False)]
    assert counts == [27_161_264, 23_834_568]


def test_inputs_of_v2_are_those_that_table_1_prints():
    with torch.device("meta"):
        net = inception_v2_rethinking(aux=False).eval()
    rows = measure(net, (1, 3, 299, 299))
    keys = ["1a", "2a", "2b", "3a", "3b", "4a", "4b", "5b", "6b", "7b"]
    inputs = [rows[f"body.{key}"].input_shape for key in keys] + [rows["pool"].input_shape]
    assert inputs == [(1, row.input[2], *row.input[:2]) for row in RETHINKING_TABLE_1[:11]]
    for first, last, row in (("5b", "5d", 7), ("6b", "6f", 8), ("7c", "7c", 10)):
        assert rows[f"body.{first}"].input_shape[2:] == rows[f"body.{last}"].output_shape[2:]
        assert rows[f"body.{last}"].output_shape[2:] == RETHINKING_TABLE_1[row].input[:2]


def torchvision_twin(**options) -> nn.Module:
    """torchvision's network with weights, norms and statistics that all matter."""
    generator = torch.Generator().manual_seed(0)
    net = import_torchvision().models.inception_v3(weights=None, init_weights=False, **options)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.weight, 0.5, 1.5), (layer.bias, -0.3, 0.3),
                (layer.running_mean, -0.3, 0.3), (layer.running_var, 0.5, 1.5),
            ):  # fmt: skip
                tensor.data.uniform_(low, high, generator=generator)
        elif isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = (6 / layer.weight[0].numel()) ** 0.5
            layer.weight.data.uniform_(-bound, bound, generator=generator)
    return net


def with_weights_of(net: nn.Module, other: nn.Module) -> nn.Module:
    for ours, theirs in net.torchvision_names().items():
        net.get_submodule(ours).load_state_dict(other.get_submodule(theirs).state_dict())
    return net


def images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 4 - 2


def leaves_with_state(net: nn.Module) -> set[str]:
    return {name for name, m in net.named_modules() if m.state_dict() and not list(m.children())}


@pytest.mark.slow
@pytest.mark.parametrize("aux", [False, True])
def test_every_layer_has_its_name_in_torchvision(aux):
    with torch.device("meta"):
        net = inception_v3(aux=aux)
        other = import_torchvision().models.inception_v3(weights=None, init_weights=False, aux_logits=aux)
    names = net.torchvision_names()
    assert set(names) == leaves_with_state(net)
    assert set(names.values()) == leaves_with_state(other) and len(set(names.values())) == len(names)
    for network in (inception_v2_rethinking(width=0.1), inception_v3_lesson()):
        with pytest.raises(ValueError, match="torchvision has no network"):
            network.torchvision_names()


@pytest.mark.slow
@pytest.mark.parametrize("transform_input", [False, True])
def test_outputs_equal_torchvision_s_from_the_same_weights(transform_input):
    options = {"num_classes": 10, "transform_input": transform_input}
    other = torchvision_twin(aux_logits=False, **options).eval()
    net = with_weights_of(inception_v3(aux=False, **options), other).eval()
    x = images(2, 139)
    with torch.no_grad():
        expected, got = other(x), net(x)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
        assert expected.std() > 0.1
        tensorflow = with_weights_of(
            inception_v3(aux=False, count_include_pad=False, **options), other
        ).eval()
        assert (tensorflow(x) - expected).abs().max() > 100 * (got - expected).abs().max()


@pytest.mark.slow
def test_both_outputs_equal_torchvision_s_in_training():
    other = torchvision_twin(num_classes=10, dropout=0.0).train()
    net = with_weights_of(inception_v3(num_classes=10, dropout=0.0), other).train()
    x = images(3, 299)
    with torch.no_grad():
        expected, got = other(x), net(x)
    assert got._fields == ("logits", "aux_17")
    torch.testing.assert_close(got.logits, expected.logits, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(got.aux_17, expected.aux_logits, rtol=1e-3, atol=1e-3)
    assert (got.logits - got.aux_17).abs().max() > 0.1


BRANCHES = {
    "5b": (FactorizedInception, ["conv1", "single", "double2", "project"], [64, 64, 96, 32]),
    "6a": (ReductionInception, ["single", "double2"], [384, 96]),
    "6b": (AsymmetricInception, ["conv1", "single_tall", "double_wide2", "project"], [192] * 4),
    "7a": (AsymmetricReduction, ["single", "double3"], [320, 192]),
    "7b": (
        ExpandedInception,
        ["conv1", "single_wide", "single_tall", "double_wide", "double_tall", "project"],
        [320, 384, 384, 384, 384, 192],
    ),
}


@pytest.mark.parametrize("key", BRANCHES)
def test_the_order_of_the_branches(key):
    """With each branch's last norm giving its own constant, the output channels show whose they are; a
    reduction ends with the pooled input."""
    kind, branches, widths = BRANCHES[key]
    module = kind(16, ROWS[key]).eval()
    for value, branch in enumerate(branches, start=1):
        norm = getattr(module, branch)[1]
        nn.init.zeros_(norm.weight)
        nn.init.constant_(norm.bias, value)
    x = torch.rand(1, 16, 9, 9)
    with torch.no_grad():
        out = module(x)
    expected = [float(value) for value, width in enumerate(widths, start=1) for _ in range(width)]
    assert out[0, : len(expected), 1, 1].tolist() == expected
    rest = nn.functional.max_pool2d(x, 3, stride=2) if key in ("6a", "7a") else x[:, :0]
    assert torch.equal(out[:, len(expected) :], rest) and out.shape[1] == module.out_channels


def test_figure_10_s_first_1x1_is_built_where_a_row_has_it():
    row = costs.ReductionRow("6a", 8, 24, 16, 32)
    module = ReductionInception(16, row).eval()
    report = measure(module, (1, 16, 9, 9))
    stage = costs.Stage("6a", [costs.inception_v3_module(row)])
    expected = costs.total(costs.layer_costs(costs.walk([stage], 16, 9, norm=True)))
    assert (report.parameters, report.macs) == expected[:2]
    assert report["reduce_single"].parameters == 16 * 8 + 2 * 8


def test_averaging_without_the_padding_differs_at_the_border_only():
    """A corner window holds 4 of 9 positions, an edge window 6: TensorFlow divides by those."""
    row = ROWS["5b"]
    counted = FactorizedInception(4, row).pool
    left_out = FactorizedInception(4, row, count_include_pad=False).pool
    x = torch.rand(1, 4, 6, 6)
    positions = torch.full((6, 6), 9.0)
    positions[[0, -1]] = positions[[0, -1]] * 2 / 3
    positions[:, [0, -1]] = positions[:, [0, -1]] * 2 / 3
    torch.testing.assert_close(left_out(x) * positions, counted(x) * 9)


@pytest.mark.parametrize("kind", ["pool first", "convolve first", "parallel"])
def test_ways_to_halve_the_grid_cost_what_the_arithmetic_says(kind):
    blocks = {
        "pool first": PoolThenConvolve,
        "convolve first": ConvolveThenPool,
        "parallel": ParallelReduction,
    }
    with torch.device("meta"):
        report = measure(blocks[kind](32, 64), (1, 32, 35, 35))
    expected = costs.total(costs.grid_reduction(kind, 32, 64, 35))
    assert (report.parameters, report.macs) == expected[:2]
    assert report[""].output_shape == (1, 64, 17, 17)


def test_what_the_bottleneck_lets_through():
    """Pooling first forgets whatever is below a window's maximum; the convolution beside it does not."""
    torch.manual_seed(0)
    x = torch.zeros(1, 4, 7, 7)
    x[:, :, ::2, ::2] = 1.0  # every window's maximum, whatever the rest
    other = x.clone()
    other[:, :, 1::2, 1::2] = 0.5
    with torch.no_grad():
        pooled = PoolThenConvolve(4, 8).eval()
        assert torch.equal(pooled(x), pooled(other))
        for kind in (ConvolveThenPool, ParallelReduction):
            block = kind(4, 8).eval()
            assert not torch.equal(block(x), block(other))


V3_FIELD = [(3, 2), (3, 1), (3, 1), (3, 2), (3, 1), (3, 2)]
V2_FIELD = [(3, 2), (3, 1), (3, 1), (3, 2), (3, 1), (3, 2), (3, 1)]


@pytest.mark.parametrize(
    ("name", "stem", "middle", "size"),
    [("inception_v3", V3_FIELD, 4, 1311), ("inception_v2_rethinking", V2_FIELD, 5, 1519)],
)
def test_receptive_field_of_the_last_map(name, stem, middle, size):
    """1311 is what google-research/receptive_field publishes for TF-slim's inception_v3: same kernels and
    strides, and padding moves a field without changing its size. (Its inception_v2, 699, is `bn_inception`.)
    Along one axis a 1×7, 7×1 pair counts once, so a module on 17×17 adds two 7s.
    """
    body = 3 * [(3, 1), (3, 1)] + [(3, 1), (3, 2)] + middle * [(7, 1), (7, 1)]
    by_hand = costs.receptive_field(stem + body + [(7, 1), (3, 2)] + 2 * [(3, 1), (3, 1)])
    assert by_hand == (size, 32)
    with torch.device("meta"):
        field = receptive_field(get_model(name, aux=False).eval(), (1, 3, 299, 299), "body.7c")
    assert (field.size, field.jump, field.grid) == ((size, size), (32, 32), (8, 8))


@pytest.mark.slow
def test_training_on_maps_too_small_for_the_head_is_refused():
    with torch.device("meta"):
        net = inception_v3(width=0.1, num_classes=3).train()
        assert net(torch.empty(2, 3, 299, 299)).aux_17.shape == (2, 3)
        with pytest.raises(ValueError, match="at least 299 pixels, or build with aux=False"):
            net(torch.empty(2, 3, 298, 299))
        assert inception_v3(width=0.1, aux=False).train()(torch.empty(2, 3, 139, 139)).shape == (2, 1000)


def test_the_head_sits_on_the_last_17x17_map():
    """The head's gradient reaches 6e and not 7a."""
    torch.manual_seed(0)
    net = inception_v3(width=0.1, num_classes=3).train()
    net(images(2, 299)).aux_17.square().sum().backward()
    assert net.body["6e"].conv1[0].weight.grad is not None and net.body["7a"].single[0].weight.grad is None


@pytest.mark.parametrize("name", ["inception_v2_lesson", "inception_v3_lesson"])
def test_lesson_sizes_have_one_module_of_each_kind_and_stay_small(name):
    net = get_model(name).eval()
    kinds = {type(module) for module in net.body.values()}
    assert {kind for kind, *_ in BRANCHES.values()} <= kinds
    report = measure(net, (1, 1, 28, 28))
    assert 50_000 <= report.parameters <= 120_000 and report.macs <= 6_000_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: get_model("inception_v2"),
            "stands for two networks: 'bn_inception' .*1502.03167.*'inception_v2_rethinking' .*1512.00567",
        ),
        (lambda: inception_v3(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: inception_v3(dropout=1.0), "dropout must be at least 0 and below 1, got 1.0"),
        (lambda: inception_v3(in_channels=1, transform_input=True), "transform_input needs in_channels=3"),
        (lambda: inception_v3(width=-1), "width must be above 0, got -1"),
        (lambda: inception_v3().eval()(torch.zeros(1, 3, 74, 74)), "at least 75 pixels"),
        (lambda: ParallelReduction(8, 8), "out_channels must be more than in_channels 8"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_the_remedy(call, message):
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        call()
