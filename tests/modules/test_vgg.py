"""VGG against the arithmetic, Table 1 and torchvision's eight networks."""

import itertools

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons._torchvision import import_torchvision
from inception_lessons.blocks import response_norm
from inception_lessons.measure import measure
from inception_lessons.models import get_model
from inception_lessons.models.vgg import VGG, vgg11, vgg16_c, vgg_lesson

COLUMNS = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E", "vgg16_c": "C"}
IN_TORCHVISION = [f"vgg{depth}{norm}" for depth, norm in itertools.product((11, 13, 16, 19), ("", "_bn"))]
STATEFUL = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)


def on_meta(name: str, **options: object) -> VGG:
    with torch.device("meta"):
        return get_model(name, **options).eval()


@pytest.mark.parametrize("name", [*IN_TORCHVISION, "vgg16_c"])
def test_every_layer_costs_what_the_arithmetic_says(name):
    report = measure(on_meta(name), (1, 3, 224, 224))
    counted = [
        (row.output_shape[1:], row.parameters, row.macs)
        for row in report.rows
        if row.type in ("Conv2d", "BatchNorm2d", "Linear")
    ]
    layers = costs.vgg(COLUMNS[name.removesuffix("_bn")], batch_norm=name.endswith("_bn"))
    assert counted == [layer.cost[:3] for layer in layers]
    assert (report.parameters, report.macs) == costs.total(layers)[:2]


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_parameters_are_those_of_torchvision_s_weights(name):
    models = import_torchvision().models
    stated = models.get_model_weights(name).DEFAULT.meta["num_params"]
    assert sum(p.numel() for p in on_meta(name).parameters()) == stated


@pytest.mark.parametrize("name", [*COLUMNS])
def test_the_sequence_of_layers_is_the_column(name):
    """Read back from the modules: kernel and channels of every convolution, and the poolings between."""
    net, cells = on_meta(name), []
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            cells.append(f"conv{module.kernel_size[0]}-{module.out_channels}")
        elif isinstance(module, nn.MaxPool2d):
            cells.append("maxpool")
        elif isinstance(module, nn.Linear):
            cells.append(f"FC-{module.out_features}")
    assert (*cells, "soft-max") == costs.vgg_column(COLUMNS[name])


def test_a_lrn_normalises_after_the_first_convolution():
    with torch.device("meta"):
        net = VGG(costs.vgg_column("A-LRN"), width=0.125)
    assert [type(m).__name__ for m in net.blocks[0]] == ["Sequential", "LocalResponseNorm", "MaxPool2d"]
    assert str(net.blocks[0].norm) == str(response_norm())
    assert [type(m).__name__ for m in net.blocks[1]] == ["Sequential", "MaxPool2d"]


def narrowed(name: str, width: float) -> nn.Module:
    """Torchvision's network with every width times `width`: its own feature list, its own classifier with
    narrower linear layers in place."""
    vgg = import_torchvision().models.vgg
    column = {"11": "A", "13": "B", "16": "D", "19": "E"}[name[3:5]]
    features = [cell if cell == "M" else int(cell * width) for cell in vgg.cfgs[column]]
    with torch.device("meta"):
        net = vgg.VGG(vgg.make_layers(features, batch_norm=name.endswith("_bn")), 10, init_weights=False)
        sizes = [int(512 * width) * 49, int(4096 * width), int(4096 * width), 10]
        for index, (before, after) in zip((0, 3, 6), itertools.pairwise(sizes), strict=True):
            assert isinstance(net.classifier[index], nn.Linear)
            net.classifier[index] = nn.Linear(before, after)
    return randomised(net.to_empty(device="cpu"))


def randomised(net: nn.Module) -> nn.Module:
    """Give every parameter and every running statistic a value of its own that keeps the signal's size."""
    torch.manual_seed(0)
    for key, tensor in (*net.named_parameters(), *net.named_buffers()):
        if tensor.dim() > 1:
            nn.init.normal_(tensor, std=(2 / tensor[0].numel()) ** 0.5)
        elif key.endswith("running_var"):
            nn.init.uniform_(tensor, 0.5, 1.5)
        elif tensor.dim() == 1:
            nn.init.normal_(tensor, mean=float(key.endswith("weight")), std=0.2)
    return net.eval()


def with_torchvision_weights(net: VGG, other: nn.Module) -> VGG:
    names = net.torchvision_names()
    assert list(names) == [name for name, m in net.named_modules() if isinstance(m, STATEFUL)]
    assert list(names.values()) == [name for name, m in other.named_modules() if isinstance(m, STATEFUL)]
    for ours, theirs in names.items():
        net.get_submodule(ours).load_state_dict(other.get_submodule(theirs).state_dict())
    return net.eval()


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_outputs_equal_torchvision_s_from_the_same_weights(name):
    other = narrowed(name, 0.125)
    net = with_torchvision_weights(get_model(name, width=0.125, num_classes=10), other)
    with torch.no_grad():
        for size in (32, 70):
            x = torch.randn(1, 3, size, size)
            torch.testing.assert_close(net(x), other(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["vgg11", "vgg11_bn"])
def test_every_layer_matters_in_that_comparison(name):
    other = narrowed(name, 0.125)
    net = with_torchvision_weights(get_model(name, width=0.125, num_classes=10), other)
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        for layer in map(net.get_submodule, net.torchvision_names()):
            for parameter in layer.parameters():
                parameter.add_(0.5)
                assert not torch.allclose(net(x), other(x), rtol=1e-2, atol=1e-2), layer
                parameter.sub_(0.5)


@pytest.mark.slow
def test_full_size_output_equals_torchvision_s_from_the_same_weights():
    with torch.device("meta"):
        other = import_torchvision().models.vgg11(weights=None, init_weights=False, num_classes=10)
        net = vgg11(num_classes=10)
    other = randomised(other.to_empty(device="cpu"))
    net = with_torchvision_weights(net.to_empty(device="cpu"), other)
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(net(x), other(x), rtol=1e-4, atol=1e-4)


def test_at_224_pixels_the_averaging_before_the_dense_layers_changes_nothing():
    x = torch.rand(1, 64, 7, 7)
    net = on_meta("vgg11", width=0.125)
    assert torch.equal(net.fit(x), x)
    fits = []
    net.fit.register_forward_pre_hook(lambda module, inputs: fits.append(inputs[0].shape[-1]))
    for size in (223, 224, 255, 256):
        net(torch.empty(1, 3, size, size, device="meta"))
    assert fits == [6, 7, 7, 8]


def test_the_bias_before_batch_norm_has_no_effect_in_training():
    torch.manual_seed(0)
    net = get_model("vgg11_bn", width=0.125, dropout=0.0, num_classes=5).train()
    x = torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        first = net(x)
        for conv in (m for m in net.modules() if isinstance(m, nn.Conv2d)):
            conv.bias.add_(torch.randn_like(conv.bias))
        torch.testing.assert_close(net(x), first, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: VGG(["conv3_64"]), "column has 'conv3_64'; expected conv"),
        (lambda: vgg11(dropout=2, width=0.125), "dropout must be at least 0 and below 1, got 2"),
        (lambda: on_meta("vgg19")(torch.zeros(1, 3, 31, 31)), "at least 32 pixels"),
        (lambda: vgg16_c(width=0.125).torchvision_names(), "torchvision has no network"),
        (
            lambda: VGG(costs.vgg_column("A-LRN"), width=0.125).torchvision_names(),
            "torchvision has no network",
        ),
        (lambda: vgg_lesson(num_classes=0), "num_classes must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused_with_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
