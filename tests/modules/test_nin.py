"""Network in Network against the arithmetic, and against plain functions with the same weights."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from inception_lessons import costs
from inception_lessons.measure import measure
from inception_lessons.models import get_model
from inception_lessons.models.nin import LESSON_TABLE, MLPConv
from inception_lessons.papers import NIN_CIFAR10, NIN_IMAGENET


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "size", "arithmetic"),
    [("nin_cifar10", 32, costs.nin_cifar10), ("nin_imagenet", 224, costs.nin_imagenet)],
)
@pytest.mark.parametrize("options", [{}, {"num_classes": 100}, {"width": 0.5}, {"in_channels": 1}])
def test_counts_equal_the_arithmetic_layer_by_layer(name, size, arithmetic, options):
    with torch.device("meta"):
        net = get_model(name, **options).eval()
    report = measure(net, (1, net.in_channels, size, size))
    counted = [(r.output_shape[1:], r.parameters, r.macs) for r in report.rows if r.parameters]
    layers = arithmetic(**options)
    assert counted == [(layer.cost.output_shape, layer.cost.parameters, layer.cost.macs) for layer in layers]


def test_parameters():
    counts = [
        parameters(get_model("nin_cifar10")),
        parameters(get_model("nin_cifar10", num_classes=100)),
        parameters(get_model("nin_imagenet")),
    ]
    assert counts == [966_986, 984_356, 7_595_176]


@pytest.mark.parametrize("size", [28, 41, 64])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_lesson_equals_its_table(size, batch_norm):
    net = get_model("nin_lesson", batch_norm=batch_norm).eval()
    report = measure(net, (1, 1, size, size))
    walked = costs.walk(costs.nin_stages(LESSON_TABLE, in_channels=1), 1, size, norm=batch_norm)
    assert (report.parameters, report.macs) == costs.total(costs.layer_costs(walked))[:2]
    assert 50_000 < report.parameters < 120_000 and (size > 28 or report.macs < 6_000_000)


def test_lesson_options_change_what_they_say():
    def kinds(**options: bool) -> list[str]:
        return [type(layer).__name__ for layer in get_model("nin_lesson", **options).body.mlpconv3.cccp2]

    assert kinds() == ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(batch_norm=False) == ["Conv2d", "ReLU"]
    assert kinds(batch_norm=False, final_relu=False) == ["Conv2d"]
    torch.manual_seed(0)
    net = get_model("nin_lesson", batch_norm=False, start="gaussian")
    for conv in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
        assert conv.weight.std().item() == pytest.approx(0.05, rel=0.15) and not conv.bias.any()
    net = get_model("nin_lesson", batch_norm=False, start="xavier")
    for conv in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
        fan = sum(conv.weight.shape[:2]) * conv.kernel_size[0] ** 2
        assert conv.weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.15) and not conv.bias.any()


def test_the_final_relu_alone_forbids_negative_logits():
    torch.manual_seed(0)
    x = torch.randn(8, 1, 28, 28)
    with torch.no_grad():
        lowest = {relu: get_model("nin_lesson", final_relu=relu)(x).min() for relu in (True, False)}
    assert lowest[True] >= 0 > lowest[False]


def functional(net: nn.Module, x: torch.Tensor, strides: list[int], paddings: list[int]) -> torch.Tensor:
    """The network written out: ReLU after every convolution, pooling after every third but the last."""
    weights = list(net.parameters())
    for number, (weight, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True), start=1):
        x = F.conv2d(x, weight, bias, stride=strides.pop(0), padding=paddings.pop(0)).clamp(min=0)
        if number % 3 == 0 and number < len(weights) // 2:
            x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
    return x.mean((2, 3))


@pytest.mark.parametrize(
    ("name", "table", "size"),
    [
        ("nin_cifar10", NIN_CIFAR10, 32),
        ("nin_imagenet", NIN_IMAGENET, 224),
        ("nin_lesson", LESSON_TABLE, 28),
    ],
)
def test_it_computes_what_the_definition_says(name, table, size):
    """With all biases drawn anew, so that neither a missing ReLU nor a wrong pooling goes unseen."""
    torch.manual_seed(0)
    net = get_model(name, **({"batch_norm": False} if name == "nin_lesson" else {"width": 0.25})).eval()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.1)
    convs = [row for row in table if row.type in ("conv", "cccp")]
    x = torch.randn(2, net.in_channels, size, size)
    with torch.no_grad():
        got = net(x)
        expected = functional(net, x, [row.stride for row in convs], [row.padding for row in convs])
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)
    assert got.min() >= 0 and got.std() > 0


def test_mlpconv_is_the_same_perceptron_on_every_patch():
    torch.manual_seed(0)
    block, x = MLPConv(2, (5, 4, 3), 3, padding=0), torch.randn(1, 2, 6, 7)
    layers = [block.conv[0], block.cccp1[0], block.cccp2[0]]
    patches = F.unfold(x, 3).squeeze(0).T  # 20×18, one row for each position
    for layer in layers:
        patches = (patches @ layer.weight.flatten(1).T + layer.bias).clamp(min=0)
    torch.testing.assert_close(block(x), patches.T.view(1, 3, 4, 5))


def test_dropout_stands_where_the_definitions_have_it():
    def kinds(name: str, **options: object) -> list[str]:
        return [type(m).__name__ for m in get_model(name, width=0.1, **options).body]

    block, pool, drop = "MLPConv", "MaxPool2d", "Dropout"
    assert kinds("nin_cifar10") == [block, pool, drop, block, pool, drop, block]
    assert kinds("nin_imagenet") == [block, pool, block, pool, block, pool, drop, block]
    assert kinds("nin_cifar10", dropout=0.0) == [block, pool, block, pool, block]
    assert get_model("nin_cifar10", dropout=0.3).body.dropout2.p == 0.3


@pytest.mark.parametrize(
    ("name", "options"),
    [("nin_cifar10", {}), ("nin_lesson", {}), ("nin_lesson", {"batch_norm": False})],
)
@pytest.mark.parametrize("seed", range(3))
def test_every_class_starts_alive(name, options, seed):
    """No class map is 0 everywhere at the start of training: each gets a gradient."""
    torch.manual_seed(seed)
    net = get_model(name, **options).train()
    with torch.no_grad():
        logits = net(torch.randn(4, net.in_channels, 32, 32))
    assert logits.amax(0).min() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_model("nin_cifar10")(torch.zeros(1, 3, 3, 3)), "at least 4 pixels"),
        (lambda: get_model("nin_imagenet", width=0.1)(torch.zeros(1, 3, 32, 32)), "at least 39 pixels"),
        (lambda: get_model("nin_cifar10", dropout=1.0), "dropout must be at least 0 and below 1, got 1.0"),
        (lambda: get_model("nin_lesson", start="xavire"), "did you mean 'xavier'"),
        (lambda: get_model("nin_imagenet", num_classes=0), "num_classes must be at least 1, got 0"),
        (lambda: MLPConv(3, (4, 0, 2), 3), "out_channels must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
