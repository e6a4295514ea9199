"""One sweep over every network of the book, at the size of its paper."""

import copy
import inspect
import re

import pytest
import torch
from torch import nn

from inception_lessons import costs
from inception_lessons.measure import measure
from inception_lessons.models import get_model, get_model_builder, list_models

NATIVE = {
    "alexnet": (3, 227),
    "bn_inception": (3, 224),
    "googlenet": (3, 224),
    "inception_v2_rethinking": (3, 299),
    "inception_v3": (3, 299),
    "lenet": (1, 28),
    "lenet5": (1, 32),
    "nin_cifar10": (3, 32),
    "nin_imagenet": (3, 224),
    "vgg11": (3, 224),
    "vgg11_bn": (3, 224),
    "vgg13": (3, 224),
    "vgg13_bn": (3, 224),
    "vgg16": (3, 224),
    "vgg16_bn": (3, 224),
    "vgg16_c": (3, 224),
    "vgg19": (3, 224),
    "vgg19_bn": (3, 224),
    "zfnet": (3, 224),
}
"""Channels and height of the images that each network was published for."""

LESSONS = [name for name in list_models() if name.endswith("_lesson")]
QUICK = {*LESSONS, "lenet5", "lenet", "nin_cifar10", "googlenet"}
EVERY = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in list_models()]
"""All networks; those that are not in the developer's loop are marked as slow."""


def name_of(one) -> str:
    return one if isinstance(one, str) else one.values[0]


FIXED_CLASSES = {"lenet5": 10}
"""Networks whose output has as many classes as the paper draws codes for."""


def shape_of(name: str) -> tuple[int, int, int]:
    channels, size = NATIVE.get(name, (1, 28))
    return channels, size, size


def images(name: str, count: int = 2) -> torch.Tensor:
    return torch.randn(count, *shape_of(name), generator=torch.Generator().manual_seed(0))


def slim(name: str, **options: object) -> nn.Module:
    """The network with a quarter of its channels, where it has that option: the same graph, quickly."""
    if "width" in options_of(name):
        options = {"width": 0.25} | options
    torch.manual_seed(0)
    return get_model(name, **options)


def options_of(name: str) -> set[str]:
    return set(inspect.signature(get_model_builder(name)).parameters)


def logits_of(output: object) -> torch.Tensor:
    return output if isinstance(output, torch.Tensor) else output.logits


def tensors_of(output: object) -> list[torch.Tensor]:
    return [output] if isinstance(output, torch.Tensor) else list(output)


def test_the_sweep_knows_every_network():
    assert set(NATIVE) | set(LESSONS) == set(list_models())
    assert {name.removesuffix("_lesson") for name in LESSONS} == {
        "lenet", "alexnet", "zfnet", "vgg", "nin",
        "googlenet", "bn_inception", "inception_v2", "inception_v3",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_shape_and_finite_values_at_the_paper_s_size(name):
    torch.manual_seed(0)
    net = get_model(name).eval()
    with torch.no_grad():
        out = net(images(name, 1))
    assert out.shape == (1, FIXED_CLASSES.get(name, 10 if NATIVE.get(name, (1, 28))[1] < 64 else 1000))
    assert out.isfinite().all() and out.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_receives_a_gradient(name):
    net = slim(name).train()
    for dropout in (m for m in net.modules() if isinstance(m, nn.Dropout)):
        dropout.p = 0.0
    sum(field.square().sum() for field in tensors_of(net(images(name)))).backward()
    silent = [
        key for key, p in net.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    assert silent == []
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.requires_grad)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_eval_is_deterministic_and_the_state_round_trips(name):
    net, twin = slim(name).eval(), slim(name)
    for parameter in twin.parameters():
        nn.init.constant_(parameter, 0.5)
    twin.load_state_dict(copy.deepcopy(net.state_dict()))
    x = images(name)
    with torch.no_grad():
        first = net(x)
        assert torch.equal(first, net(x)) and torch.equal(first, twin.eval()(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_compile_accepts_it_in_one_graph(name):
    net, x = slim(name).eval(), images(name)
    torch.compiler.reset()
    with torch.no_grad():
        expected = net(x)
        compiled = torch.compile(net, backend="aot_eager", fullgraph=True)(x)
    torch.testing.assert_close(compiled, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_export_accepts_it_with_a_free_batch_size(name):
    net, x = slim(name).eval(), images(name)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(net, (x,), dynamic_shapes=({0: batch},))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(x[:1]), net(x[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [one for one in EVERY if "width" in options_of(name_of(one))])
def test_half_width_keeps_shapes_and_costs_about_a_quarter(name):
    """Parameters go with the square of the width, save biases, norms, the first and the last layer."""
    shape = (1, *shape_of(name))
    with torch.device("meta"):
        whole, half = (measure(get_model(name, width=width).eval(), shape) for width in (1.0, 0.5))
    assert half.rows[-1].output_shape == whole.rows[-1].output_shape
    assert 0.2 < half.parameters / whole.parameters < 0.5
    assert 0.2 < half.macs / whole.macs < 0.5


@pytest.mark.parametrize("name", EVERY)
def test_the_smallest_image_is_named_and_works(name):
    """One pixel less is refused by name; without that check a layer would fail."""
    with torch.device("meta"):
        net = get_model(name).eval()
    channels, size = net.in_channels, net.input_sizes.smallest
    assert net(torch.empty(1, channels, size, size, device="meta")).dim() == 2
    too_small = torch.empty(1, channels, size - 1, size - 1, device="meta")
    with pytest.raises(ValueError, match=f"at least {size} pixels"):
        net(too_small)
    if size > 1:
        net.check_input = lambda x: x
        with pytest.raises((RuntimeError, ValueError)):
            net(too_small)


@pytest.mark.parametrize("name", EVERY)
def test_largest_image_is_named_where_there_is_one(name):
    with torch.device("meta"):
        net = get_model(name).eval()
    largest = net.input_sizes.largest
    if largest is None:
        size = 2 * shape_of(name)[1] + 3
        assert net(torch.empty(1, net.in_channels, size, size, device="meta")).dim() == 2
        return
    assert net(torch.empty(1, net.in_channels, largest, largest, device="meta")).dim() == 2
    with pytest.raises(ValueError, match=f"at most {largest} pixels"):
        net(torch.empty(1, net.in_channels, largest + 1, largest + 1, device="meta"))


@pytest.mark.parametrize("name", [one for one in EVERY if name_of(one) != "lenet5"])
def test_any_number_of_channels_and_classes(name):
    with torch.device("meta"):
        net = get_model(name, in_channels=2, num_classes=7).eval()
        assert net(torch.empty(3, 2, *shape_of(name)[1:])).shape == (3, 7)


@pytest.mark.parametrize("size", [28, 32, 47, 64])
@pytest.mark.parametrize("name", LESSONS)
def test_lesson_sizes_take_28_to_64_pixels(name, size):
    with torch.device("meta"):
        net = get_model(name, in_channels=3, num_classes=5).eval()
        assert net(torch.empty(2, 3, size, size)).shape == (2, 5)


@pytest.mark.parametrize("name", EVERY)
def test_arithmetic_and_counting_agree_layer_by_layer(name):
    """The walk over the network as data and `measure` on its modules give the same layers in one order."""
    shape = shape_of(name)
    with torch.device("meta"):
        net = get_model(name).eval()
    kinds = {"Conv2d", "Linear", "BatchNorm2d"}
    counted = [
        (row.type, row.output_shape[1:], row.parameters, row.macs)
        for row in measure(net, (1, *shape)).rows
        if row.type in kinds and row.calls
    ]
    arithmetic = [
        (kind(layer), layer.cost.output_shape, layer.cost.parameters, layer.cost.macs)
        for layer in costs.layer_costs(walked_as_built(net, shape))
    ]
    assert counted == arithmetic and counted


def kind(layer: costs.LayerCost) -> str:
    if layer.name.endswith("_norm"):
        return "BatchNorm2d"
    return "Linear" if layer.kernel_size is None else "Conv2d"


def walked_as_built(net: nn.Module, shape: tuple[int, int, int]) -> list[costs.Walked]:
    """Walk the network's stages, with biases and norms where its modules have them."""
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    norm = any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    stages = [stage for stage in net.stages if not stage.aside]
    bias = any(conv.bias is not None for conv in convs) or norm
    return costs.walk(stages, shape[0], shape[1:], bias=bias, norm=norm)


@pytest.mark.parametrize("name", EVERY)
def test_nonsense_is_refused_with_the_remedy(name):
    with torch.device("meta"):
        net = get_model(name).eval()
    channels, size = net.in_channels, max(net.input_sizes.smallest, 28)
    with pytest.raises(ValueError, match=re.escape("x.unsqueeze(0)")):
        net(torch.empty(channels, size, size, device="meta"))
    with pytest.raises(ValueError, match=f"must have {channels} channels, got {channels + 1}"):
        net(torch.empty(1, channels + 1, size, size, device="meta"))
    if "num_classes" in options_of(name):
        with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
            get_model(name, num_classes=0)
    for width in (0, -1.0) if "width" in options_of(name) else ():
        with pytest.raises(ValueError, match="width must be"):
            get_model(name, width=width)
