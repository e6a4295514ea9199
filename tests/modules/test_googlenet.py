"""GoogLeNet against Table 1's arithmetic, torch's FLOP counter and torchvision's weights."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.measure import measure
from inception_lessons.models import get_model
from inception_lessons.models.googlenet import (
    LESSON_TABLE,
    GoogLeNet,
    Inception,
    NaiveInception,
    googlenet,
)
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1
from inception_lessons.weights import zero_rim

MODULES = tuple(GOOGLENET_MODULES.values())


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def counted_macs(module: nn.Module, *shape: int) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        module.to("meta")(torch.empty(shape))
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["dense", "separable"])
@pytest.mark.parametrize("aux", [False, True])
def test_parameters_and_macs_equal_the_arithmetic(stem, aux):
    net = googlenet(stem=stem, aux=aux).train(aux)
    expected = costs.total(costs.googlenet(stem=stem, aux=aux))
    assert parameters(net) == expected.parameters
    assert counted_macs(net, 1, 3, 224, 224) == expected.macs


def test_every_row_has_the_printed_output_and_the_computed_parameters():
    net = googlenet(aux=False).eval()
    rows = costs.by_row(costs.googlenet())
    x = torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        for row in GOOGLENET_TABLE_1:
            if row.key in net.body:
                x = net.body[row.key](x)
                assert x.shape == (1, row.channels, row.grid, row.grid), row.key
                assert parameters(net.body[row.key]) == (
                    rows[row.key].parameters if row.key in rows else 0
                ), row.key


def test_counts_of_layers():
    """57 convolutions and one dense layer at inference, 59 and five with both heads."""
    net = googlenet()
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert (len(convs), sum(isinstance(m, nn.Linear) for m in net.modules())) == (59, 5)
    body = [m for m in net.body.modules() if isinstance(m, nn.Conv2d)]
    assert len(body) == 57 and all(conv.bias is not None for conv in body)
    assert sorted({conv.kernel_size for conv in body}) == [(1, 1), (3, 3), (5, 5), (7, 7)]


@pytest.mark.slow
def test_auxiliary_heads_sit_on_4a_and_4d_and_are_named():
    net = googlenet(num_classes=7).train()
    shapes = {}
    for key, head in net.aux.items():
        head.register_forward_pre_hook(lambda module, inputs, key=key: shapes.update({key: inputs[0].shape}))
    out = net(torch.zeros(2, 3, 224, 224))
    assert shapes == {"4a": (2, 512, 14, 14), "4d": (2, 528, 14, 14)}
    assert out._fields == ("logits", "aux_4a", "aux_4d") and {tuple(field.shape) for field in out} == {(2, 7)}
    assert net.eval()(torch.zeros(2, 3, 224, 224)).shape == (2, 7)


@pytest.mark.slow
def test_a_swapped_head_would_be_seen():
    """Only the head on 4a sends a gradient into 4a without passing 4b to 4d."""
    net = googlenet(num_classes=3).train()
    net(torch.rand(1, 3, 224, 224)).aux_4a.sum().backward()
    assert net.body["4a"].conv1[0].weight.grad is not None and net.body["4b"].conv1[0].weight.grad is None


@pytest.mark.slow
def test_every_parameter_receives_a_gradient():
    net = googlenet(num_classes=5, batch_norm=True).train()
    sum(field.square().sum() for field in net(torch.rand(2, 3, 224, 224))).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


@pytest.mark.slow
def test_training_size_outside_the_heads_range_is_refused():
    net = googlenet().train()
    for size in (223, 270):
        net(torch.zeros(1, 3, size, size))
    for size in (222, 271):
        with pytest.raises(ValueError, match="223 to 270"):
            net(torch.zeros(1, 3, size, size))


@pytest.mark.parametrize("key", ["3a", "4d"])
def test_naive_module_costs_what_the_arithmetic_says(key):
    row = GOOGLENET_MODULES[key]
    module = NaiveInception(192, row)
    expected = costs.total(costs.inception_module(row, 192, row.grid, kind="naive"))
    assert (parameters(module), counted_macs(module, 1, 192, row.grid, row.grid)) == expected[:2]


def test_the_order_of_the_branches_is_the_paper_s():
    """With every kernel zero and biases 1 to 4, the output channels show which branch they come from."""
    module = Inception(8, GOOGLENET_MODULES["3a"])
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    for value, branch in enumerate((module.conv1, module.conv3, module.conv5, module.project), start=1):
        nn.init.constant_(branch[0].bias, value)
    channels = module(torch.rand(1, 8, 5, 5))[0, :, 2, 2].tolist()
    assert channels == [1.0] * 64 + [2.0] * 128 + [3.0] * 32 + [4.0] * 32


def torchvision_googlenet(**options: object) -> nn.Module:
    """torchvision's network with every norm's numbers random, in the state after one pass: the running
    statistics are then the batch's, and the signal of each layer reaches the output."""
    torch.manual_seed(0)
    other = import_torchvision().models.googlenet(
        weights=None, init_weights=False, num_classes=10, dropout=0.0, dropout_aux=0.0, **options
    )
    for norm in (m for m in other.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.momentum = 1.0
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.3)
    with torch.no_grad():
        other.train()(torch.randn(4, 3, 224, 224))
    return other


def with_torchvision_weights(net: GoogLeNet, other: nn.Module) -> GoogLeNet:
    for ours, theirs in net.torchvision_names().items():
        layer = net.get_submodule(ours)
        state = other.get_submodule(theirs).state_dict()
        if isinstance(layer, nn.Conv2d):
            state["weight"] = zero_rim(state["weight"], layer.kernel_size[0])
        layer.load_state_dict(state)
    return net


@pytest.mark.slow
@pytest.mark.parametrize(("kernel5", "transform_input"), [(3, False), (5, False), (3, True)])
def test_outputs_equal_torchvision_s_from_the_same_weights(kernel5, transform_input):
    other = torchvision_googlenet(transform_input=transform_input)
    net = googlenet(
        variant="torchvision",
        num_classes=10,
        dropout=0.0,
        kernel5=kernel5,
        transform_input=transform_input,
    )
    with_torchvision_weights(net, other)
    for head in net.aux.values():
        head.dropout.p = 0.0
    x = torch.randn(4, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(x), other.eval()(x), rtol=1e-4, atol=1e-4)
        ours, theirs = net.train()(x), other.train()(x)
    torch.testing.assert_close(ours.logits, theirs.logits, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours.aux_4a, theirs.aux_logits1, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(ours.aux_4d, theirs.aux_logits2, rtol=1e-3, atol=1e-3)
    assert min(output.std() for output in ours) > 0.1


@pytest.mark.slow
def test_the_paper_s_network_with_torchvision_s_weights_gives_other_outputs():
    """The fourth pooling alone, 3×3 in place of 2×2, is seen in the output."""
    other = torchvision_googlenet(aux_logits=False, transform_input=False).eval()
    net = with_torchvision_weights(
        googlenet(variant="torchvision", num_classes=10, aux=False, dropout=0.0), other
    ).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = other(x)
        torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-4)
        net.body["pool4"] = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        assert (net(x) - expected).abs().max() > 0.01 * expected.abs().max()


def test_torchvision_names_cover_every_layer_with_state_once():
    with torch.device("meta"):
        net = googlenet(variant="torchvision")
        other = import_torchvision().models.googlenet(weights=None, init_weights=False)
    names = net.torchvision_names()
    with_state = {name for name, module in net.named_modules() if module._parameters}
    assert set(names) == with_state and len(set(names.values())) == len(names)
    assert set(names.values()) == {name for name, module in other.named_modules() if module._parameters}
    shapes = {name: {k: v.shape for k, v in net.get_submodule(name).state_dict().items()} for name in names}
    assert shapes == {
        ours: {k: v.shape for k, v in other.get_submodule(theirs).state_dict().items()}
        for ours, theirs in names.items()
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"aux": False}, 6_624_904),
        ({"aux": True}, 13_004_888),
        ({"aux": False, "kernel5": 5}, 6_624_904 + 16 * sum(r.reduce5 * r.conv5 for r in MODULES)),
    ],
)
def test_torchvision_variant_layer_by_layer(options, expected):
    """The first two totals are torchvision's; a 5×5 has 16 weights more for each pair of channels."""
    with torch.device("meta"):
        net = googlenet(variant="torchvision", **options).train(options["aux"])
        report = measure(net, (1, 3, 224, 224))
    arithmetic = costs.googlenet(variant="torchvision", **options)
    assert report.parameters == costs.total(arithmetic).parameters == expected
    counted = [(row.parameters, row.macs) for row in report.rows if row.parameters]
    assert counted == [(layer.cost.parameters, layer.cost.macs) for layer in arithmetic]


def test_torchvision_s_heads_take_any_grid():
    net = googlenet(variant="torchvision", num_classes=4, width=0.25).train()
    assert [tuple(out.shape) for out in net(torch.randn(2, 3, 64, 80))] == [(2, 4)] * 3


def test_half_width_scales_every_row_and_the_heads():
    """Row 3a by hand: half of 64, 128, 32 and 32 make 128 channels; half of 16 would be 8, of 24 is 12 and
    rounds to 16."""
    with torch.device("meta"):
        net = googlenet(width=0.5)
    assert net.body["3a"].out_channels == 32 + 64 + 16 + 16
    assert net.body["4b"].reduce5[0].out_channels == 16 and net.body["3a"].reduce5[0].out_channels == 8
    assert net.aux["4a"].hidden.in_features == 64 * 16 and net.aux["4a"].hidden.out_features == 512
    assert net.linear.in_features == 512
    assert parameters(net) == costs.total(costs.googlenet(width=0.5, aux=True)).parameters


def test_rows_at_width_1_are_the_paper_s():
    assert costs.googlenet_rows() == GOOGLENET_TABLE_1
    changed = [
        (ours.key, ours.patch)
        for ours, row in zip(costs.googlenet_rows(variant="torchvision"), GOOGLENET_TABLE_1, strict=True)
        if ours != row
    ]
    assert changed == [("pool4", 2)]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_works_on_the_cpu_too(dtype):
    net = googlenet(aux=False, num_classes=3).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected, got = net(x), net.to(dtype)(x.to(dtype))
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), expected, rtol=0.05, atol=0.05)


def test_the_smallest_image_is_the_one_the_arithmetic_gives():
    net = googlenet(aux=False).eval()
    size = costs.minimum_input_size()
    with torch.no_grad():
        assert net(torch.zeros(1, 3, size, size)).shape == (1, 1000)
        unchecked = nn.Sequential(*net.body.values())
        with pytest.raises(RuntimeError):
            unchecked(torch.zeros(1, 3, size - 1, size - 1))


def test_lesson_table_is_consistent_with_its_own_sizes():
    net = get_model("googlenet_lesson").eval()
    x = torch.zeros(1, 1, 28, 28)
    with torch.no_grad():
        for row in LESSON_TABLE:
            if row.key in net.body:
                x = net.body[row.key](x)
                assert x.shape[1:] == (row.channels, row.grid, row.grid), row.key
    assert net.linear.in_features == x.shape[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_model("googlnet"), "did you mean 'googlenet'"),
        (lambda: googlenet(num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: googlenet(stem="sparable"), "did you mean 'separable'"),
        (lambda: googlenet(variant="torchvison"), "did you mean 'torchvision'"),
        (
            lambda: googlenet(variant="torchvision", stem="separable"),
            "stem must be 'dense' in variant 'torchvision', got 'separable'; leave stem out",
        ),
        (lambda: googlenet(variant="torchvision", batch_norm=False), "batch_norm must be True in variant"),
        (lambda: googlenet(kernel5=3), "kernel5 must be 5 in variant 'paper', got 3.*'torchvision'"),
        (lambda: googlenet(transform_input=True), "transform_input must be False in variant 'paper'"),
        (
            lambda: googlenet(variant="torchvision", transform_input=True, in_channels=1),
            "needs in_channels=3, got 1",
        ),
        (lambda: googlenet(width=0), "width must be above 0, got 0"),
        (lambda: costs.googlenet(variant="torchvision", norm=False), "norm must be True in variant"),
        (lambda: googlenet(aux=False).torchvision_names(), "variant='torchvision' and width=1"),
        (lambda: googlenet(dropout=1.5), "dropout must be at least 0 and below 1, got 1.5"),
        (lambda: googlenet().eval()(torch.zeros(3, 224, 224)), "x.unsqueeze"),
        (lambda: googlenet().eval()(torch.zeros(1, 1, 224, 224)), "in_channels=1"),
        (lambda: googlenet().eval()(torch.zeros(1, 3, 16, 16)), "at least 31 pixels"),
        (lambda: GoogLeNet(LESSON_TABLE, in_channels=1), "needs the table's rows 4d; build with aux=False"),
        (lambda: Inception(0, GOOGLENET_MODULES["3a"]), "in_channels must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
