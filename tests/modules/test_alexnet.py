"""AlexNet against the arithmetic, the paper's formulas and torchvision's network of that name."""

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.blocks import response_norm
from inception_lessons.measure import measure
from inception_lessons.models import get_model
from inception_lessons.models.alexnet import AlexNet, alexnet, alexnet_lesson
from inception_lessons.papers import ALEXNET_LAYERS

FACES = [{}, {"groups": 1}, {"variant": "torchvision"}, {"width": 0.5, "num_classes": 10}]


def on_meta(**options: object) -> AlexNet:
    with torch.device("meta"):
        return alexnet(**options).eval()


@pytest.mark.parametrize("options", FACES, ids=str)
def test_every_layer_costs_what_the_arithmetic_says(options):
    size = 224 if "variant" in options else 227
    report = measure(on_meta(**options), (1, 3, size, size))
    counted = [
        (row.output_shape[1:], row.parameters, row.macs)
        for row in report.rows
        if row.type in ("Conv2d", "Linear")
    ]
    expected = [layer.cost[:3] for layer in costs.alexnet(**options)]
    assert counted == expected and len(counted) == 8
    assert (report.parameters, report.macs) == costs.total(costs.alexnet(**options))[:2]


def test_totals_of_both_faces():
    counted = [sum(p.numel() for p in on_meta(**options).parameters()) for options in FACES[:3]]
    assert counted == [60_965_224, 62_378_344, 61_100_840]


def test_the_printed_grids_come_out():
    net, x, grids = on_meta(), torch.empty(1, 3, 227, 227, device="meta"), []
    for layer in (net.conv1, net.conv2, net.conv3, net.conv4, net.conv5):
        grids.append(layer[0](x).shape[-1])
        x = layer(x)
    assert grids == [row.grid for row in ALEXNET_LAYERS[:5]] and x.shape == (1, 256, 6, 6)


def test_a_layer_divides_its_channels_between_two_gpus():
    """Only layers 1 and 3 and the dense ones let one GPU see the other's channels."""
    net = on_meta()
    assert [layer[0].groups for layer in (net.conv1, net.conv2, net.conv3, net.conv4, net.conv5)] == [
        1, 2, 1, 2, 2,
    ]  # fmt: skip
    lesson = alexnet_lesson().eval()
    x = torch.rand(1, 16, 13, 13, requires_grad=True)
    lesson.conv2[0](x)[:, :16].sum().backward()
    assert x.grad[:, :8].any() and not x.grad[:, 8:].any()


def test_response_norm_is_the_printed_formula():
    """b = a / (k + α Σ a²)^β over five neighbouring channels, the sum not divided by five."""
    a = 30 * torch.rand(2, 7, 3, 4, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(a)
    for i in range(7):
        low, high = max(0, i - 2), min(6, i + 2)
        expected[:, i] = a[:, i] / (2 + 1e-4 * (a[:, low : high + 1] ** 2).sum(dim=1)) ** 0.75
    torch.testing.assert_close(response_norm()(a), expected)
    divided = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)(a)
    assert (divided - expected).abs().max() > 0.1


def test_normalisation_stands_between_relu_and_pooling_in_the_first_two_layers():
    net = on_meta()
    kinds = [[type(m).__name__ for m in layer] for layer in (net.conv1, net.conv2, net.conv3, net.conv5)]
    first = ["Conv2d", "ReLU", "LocalResponseNorm", "MaxPool2d"]
    assert kinds[:2] == [first, first]
    assert kinds[2:] == [
        ["Conv2d", "ReLU", "Identity", "Identity"],
        ["Conv2d", "ReLU", "Identity", "MaxPool2d"],
    ]


def test_weights_start_as_printed():
    torch.manual_seed(0)
    net = alexnet(width=0.25, num_classes=100)
    layers = {name.partition(".")[0]: m for name, m in net.named_modules() if hasattr(m, "weight")}
    assert len(layers) == 8
    for name, layer in layers.items():
        one = name in ("conv2", "conv4", "conv5", "dense6", "dense7")
        assert (layer.bias == (1.0 if one else 0.0)).all(), name
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03), name
        assert abs(layer.weight.mean().item()) < 5e-4, name


def test_dropout_stands_where_each_face_has_it():
    """The paper drops what the hidden layers give; torchvision what they take."""
    for variant, rates in (("paper", [0.0, 0.5, 0.5]), ("torchvision", [0.5, 0.5, 0.0])):
        net = on_meta(variant=variant)
        assert [net.drop5.p, net.drop6.p, net.drop7.p] == rates
    with torch.device("meta"):
        classifier = import_torchvision().models.alexnet(weights=None).classifier
    theirs = [type(m).__name__ for m in classifier]
    assert theirs == ["Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]


@pytest.mark.slow
def test_outputs_equal_torchvision_s_from_the_same_weights():
    torch.manual_seed(0)
    with torch.device("meta"):
        other = import_torchvision().models.alexnet(weights=None, num_classes=10).eval()
        net = alexnet(variant="torchvision", num_classes=10).eval()
    other, net = other.to_empty(device="cpu"), net.to_empty(device="cpu")
    for parameter in other.parameters():
        deviation = (2 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.3
        nn.init.normal_(parameter, std=deviation)
    names = net.torchvision_names()
    stateful = (nn.Conv2d, nn.Linear)
    assert list(names) == [name for name, m in net.named_modules() if isinstance(m, stateful)]
    assert list(names.values()) == [name for name, m in other.named_modules() if isinstance(m, stateful)]
    for ours, theirs in names.items():
        net.get_submodule(ours).load_state_dict(other.get_submodule(theirs).state_dict())
    with torch.no_grad():
        for size in (63, 224, 250):
            x = torch.randn(1, 3, size, size)
            expected = other(x)
            torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-4)
        for name in names:
            bias = net.get_submodule(name).bias
            bias.add_(1.0)
            assert not torch.allclose(net(x), expected, rtol=1e-2, atol=1e-2), f"{name} does not matter"
            bias.sub_(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alexnet(variant="torchvison"), "did you mean 'torchvision'"),
        (lambda: alexnet(groups=3), "groups must be 1 or 2, got 3"),
        (lambda: alexnet(variant="torchvision", groups=2), "groups must be 1, as torchvision has it, got 2"),
        (lambda: on_meta(dropout=1.0), "dropout must be at least 0 and below 1, got 1.0"),
        (lambda: on_meta()(torch.zeros(1, 3, 224, 224)), "at least 227 pixels"),
        (lambda: on_meta()(torch.zeros(1, 3, 259, 259)), "at most 258 pixels"),
        (lambda: on_meta(groups=1).torchvision_names(), "torchvision has no AlexNet with groups"),
        (lambda: get_model("alexnet_lesson").torchvision_names(), "torchvision has no AlexNet with groups"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
