"""GoogLeNet against Table 1's arithmetic, torch's FLOP counter and torchvision's weights."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.models import get_model, list_models
from inception_lessons.models.googlenet import LESSON_TABLE, GoogLeNet, Inception, NaiveInception, googlenet
from inception_lessons.papers import GOOGLENET_MODULES, GOOGLENET_TABLE_1


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


def with_torchvision_weights(net: GoogLeNet, other: nn.Module) -> GoogLeNet:
    """Copy torchvision's convolutions and norms in order; its 3×3 of the third branch goes into our 5×5,
    framed by zeros."""
    ours = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))]
    theirs = [m for m in other.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))]
    for mine, source in zip(ours, theirs, strict=True):
        state = source.state_dict()
        if isinstance(mine, nn.Conv2d):
            frame = (mine.kernel_size[0] - source.kernel_size[0]) // 2
            state["weight"] = nn.functional.pad(state["weight"], [frame] * 4)
        mine.load_state_dict(state)
    return net


@pytest.mark.slow
def test_outputs_equal_torchvision_s_from_the_same_weights():
    """Two known differences are bridged: torchvision's 5×5 is a 3×3, and its fourth pooling is 2×2."""
    models = import_torchvision().models
    torch.manual_seed(0)
    other = models.googlenet(
        weights=None, aux_logits=False, transform_input=False, init_weights=False, num_classes=10
    )
    for norm in (m for m in other.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.momentum = (
            1.0  # one pass sets the running statistics to the batch's: every layer's signal then matters
        )
    x = torch.randn(4, 3, 224, 224)
    with torch.no_grad():
        other.train()(x)
    net = with_torchvision_weights(googlenet(num_classes=10, batch_norm=True, aux=False), other).eval()
    with torch.no_grad():
        unbridged = net(x)
        net.body["pool4"] = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        bridged, expected = net(x), other.eval()(x)
    torch.testing.assert_close(bridged, expected, rtol=1e-4, atol=1e-5)
    assert (unbridged - expected).abs().max() > 100 * (bridged - expected).abs().max()


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_works_on_the_cpu_too(dtype):
    net = googlenet(aux=False, num_classes=3).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected, got = net(x), net.to(dtype)(x.to(dtype))
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", list_models())
def test_every_model_round_trips_and_is_deterministic_in_eval(name):
    net = get_model(name, num_classes=4, in_channels=2).eval()
    twin = get_model(name, num_classes=4, in_channels=2).eval()
    twin.load_state_dict(copy.deepcopy(net.state_dict()))
    x = torch.rand(2, 2, 64, 64)
    with torch.no_grad():
        assert torch.equal(net(x), net(x)) and torch.equal(net(x), twin(x)) and net(x).isfinite().all()


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
