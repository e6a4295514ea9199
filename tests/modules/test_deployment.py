"""Deployed networks against the networks they were made from, and each rewriting against hand counts."""

import copy
import pickle
import time
import warnings

import pytest
import torch
from torch import nn

from inception_lessons._torchvision import import_torchvision
from inception_lessons.deployment import Deployed, deploy, kernels
from inception_lessons.deployment.kernels import FusedConv2d, PairwiseMaxPool2d
from inception_lessons.models import get_model, list_models

TOLERANCE = 1e-4  # of the largest output


def lively(net: nn.Module) -> nn.Module:
    """Give weights, biases and statistics random values, so that every layer shows in the output."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.1, generator=generator)
            elif isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                module.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0, 0.1, generator=generator)
    return net


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def assert_same_function(net: nn.Module, deployed: nn.Module, *inputs) -> None:
    with torch.no_grad():
        expected = copy.deepcopy(net).eval()(*inputs)
    difference = (deployed(*inputs) - expected).abs().max()
    assert expected.std() > 1e-3 and difference <= TOLERANCE * expected.abs().max()


def count(net: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in net.modules())


def torchvision_net(name: str) -> nn.Module:
    options = {"weights": None, "init_weights": False, "transform_input": True}
    return import_torchvision().models.get_model(name, **options)


# Convolutions. GoogLeNet has 57, and each of its nine modules joins the three 1×1 that read its input:
# 57 - 9·2. Inception v3 has 94. Three modules (35×35), four (17×17) and two (8×8) join three, the second
# reduction joins two, and the nine poolings before a 1×1 become convolutions after it:
# 94 - 6 - 8 - 4 - 1 + 9.
NETWORKS = {
    "ours, GoogLeNet": (lambda: get_model("googlenet", batch_norm=True, aux=False), 64, 39),
    "ours, GoogLeNet of 2014": (lambda: get_model("googlenet", aux=True), 64, 39),
    "ours, v3": (lambda: get_model("inception_v3"), 107, 84),
    "torchvision's GoogLeNet": (lambda: torchvision_net("googlenet"), 64, 39),
    "torchvision's v3": (lambda: torchvision_net("inception_v3"), 107, 84),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_whole_networks(name):
    build, pixels, convolutions = NETWORKS[name]
    net = lively(build())
    deployed = deploy(net, compile=False)
    for batch in (1, 3):
        assert_same_function(net, deployed, images(batch, 3, pixels, pixels + 10))
    assert count(deployed, nn.BatchNorm2d) == count(deployed, nn.Dropout) == 0
    assert count(deployed, nn.Conv2d) == convolutions
    if kernels.fused_convolution_works():
        assert count(deployed, FusedConv2d) == convolutions and count(deployed, nn.ReLU) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in list_models() if name.endswith("_lesson")])
def test_lesson_networks(name):
    net = lively(get_model(name))
    deployed = deploy(net, compile=False)
    assert_same_function(net, deployed, images(3, 1, 32, 40))
    assert count(deployed, nn.BatchNorm2d) == 0
    with pytest.raises(ValueError, match="must have 1 channels, got 3"):
        deployed(images(1, 3, 32, 32))


def test_the_original_stays_as_it_is():
    net = lively(get_model("googlenet_lesson")).train()
    net.body["4a"].eval()
    state, modes = copy.deepcopy(net.state_dict()), [module.training for module in net.modules()]
    deployed = deploy(net, compile=False)
    before = deployed(images(1, 1, 28, 28))
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(net.state_dict()[key], value) for key, value in state.items())
    assert all(p.requires_grad for p in net.parameters()) and not before.requires_grad
    with torch.no_grad():
        net.linear.bias += 1
    assert torch.equal(deployed(images(1, 1, 28, 28)), before)


@pytest.mark.slow
def test_copies_and_files():
    net = lively(get_model("googlenet_lesson"))
    deployed, x = deploy(net, compile=False), images(2, 1, 28, 28)
    expected = deployed(x)
    assert torch.equal(copy.deepcopy(deployed)(x), expected)
    assert torch.equal(pickle.loads(pickle.dumps(deployed))(x), expected)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.enable_grad])
def test_outputs_are_ordinary_tensors_without_gradients(mode):
    with mode():
        out = deploy(nn.Sequential(nn.Conv2d(3, 4, 1)), compile=False)(images(1, 3, 5, 5))
    assert not out.requires_grad and not out.is_inference()


class Graph(nn.Module):
    """A network of one line: `call(net, *inputs)`."""

    def __init__(self, call, **modules: nn.Module):
        super().__init__()
        self.call = call
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.call(self, x)


def conv(*args, **options) -> nn.Conv2d:
    return nn.Conv2d(4, *args, **options)


def join(*maps: torch.Tensor) -> torch.Tensor:
    return torch.cat([each.mean((2, 3)) for each in maps], 1)


def poured(net, x):  # the second convolution reads what the in-place ReLU left in x
    x = net.a(x)
    return join(net.b(x), net.relu(x), net.c(x))


REWRITTEN = {
    # name: (network, convolutions after deployment)
    "siblings with and without bias": (
        Graph(lambda n, x: join(n.a(x), n.b(x)), a=conv(5, 1), b=conv(6, 1, bias=False)),
        1,
    ),
    "siblings with stride": (
        Graph(
            lambda n, x: join(n.a(x).relu(), n.b(x).relu()), a=conv(5, 1, stride=2), b=conv(6, 1, stride=2)
        ),
        1,
    ),
    "siblings of other geometry": (
        Graph(lambda n, x: join(n.a(x), n.b(x), n.c(x)), a=conv(5, 1), b=conv(5, 3), c=conv(5, 3)),
        3,
    ),
    "siblings, one with ReLU": (
        Graph(
            lambda n, x: join(n.a(x), torch.relu(n.b(x)), n.c(x)), a=conv(5, 1), b=conv(6, 1), c=conv(7, 1)
        ),
        2,
    ),
    "siblings whose input changes between them": (
        Graph(poured, a=conv(4, 1), b=conv(5, 1), c=conv(6, 1), relu=nn.ReLU(inplace=True)),
        3,
    ),
    "siblings in groups": (
        Graph(lambda n, x: join(n.a(x), n.b(x)), a=conv(4, 1, groups=2), b=conv(4, 1, groups=2)),
        2,
    ),
    "a norm beside another reader": (
        Graph(lambda n, x: join(n.norm(y := n.a(x)), y), a=conv(5, 3), norm=nn.BatchNorm2d(5)),
        1,
    ),
    "one convolution under two norms": (
        Graph(
            lambda n, x: join(n.one(n.a(x)), n.two(n.a(2 * x))),
            a=conv(5, 3),
            one=nn.BatchNorm2d(5),
            two=nn.BatchNorm2d(5),
        ),
        1,
    ),
    "pooling that counts its padding": (
        Graph(lambda n, x: torch.relu(n.a(n.pool(x))), a=conv(2, 1), pool=nn.AvgPool2d(3, 1, 1)),
        2,
    ),
    "pooling that does not": (
        Graph(
            lambda n, x: torch.relu(
                n.a(nn.functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))
            ),
            a=conv(2, 1),
        ),
        1,
    ),
    "pooling to a smaller grid": (Graph(lambda n, x: n.a(n.pool(x)), a=conv(2, 1), pool=nn.AvgPool2d(2)), 1),
    "pooling and a wider convolution": (
        Graph(lambda n, x: n.a(n.pool(x)), a=conv(5, 1), pool=nn.AvgPool2d(3, 1, 1)),
        1,
    ),
    "padding by reflection": (
        Graph(lambda n, x: torch.relu(n.a(x)), a=conv(5, 3, padding=1, padding_mode="reflect")),
        1,
    ),
    "padding by name": (Graph(lambda n, x: torch.relu(n.a(x)), a=conv(5, 3, padding="same")), 1),
    "max pooling": (
        Graph(lambda n, x: n.pool(n.a(x)), a=conv(5, 3), pool=nn.MaxPool2d(3, 1, 1)),
        1,
    ),
    "a convolution as the network": (nn.Sequential(conv(5, 3)), 1),
}


@pytest.mark.parametrize("way", ["oneDNN", "oneDNN, large maps", "plain"])
@pytest.mark.parametrize("name", REWRITTEN)
def test_rewriting(name, way, monkeypatch):
    if way == "plain":
        monkeypatch.setattr(kernels, "fused_convolution_works", lambda: False)
    if way == "oneDNN, large maps":
        monkeypatch.setattr(kernels, "APART", 1)
    net, convolutions = REWRITTEN[name]
    deployed = deploy(lively(net), compile=False)
    assert_same_function(net, deployed, images(2, 4, 9, 8))
    assert count(deployed, nn.Conv2d) == convolutions
    assert way != "plain" or count(deployed, FusedConv2d) == 0


def test_pairwise_max_pooling():
    pool = nn.MaxPool2d(3, stride=1, padding=1)
    for size in [(1, 1), (1, 6), (2, 2), (7, 5)]:
        x = images(2, 3, *size)
        x[0, 0, 0, 0], x[1, 2, -1, -1] = torch.inf, -torch.inf
        for memory_format in (torch.contiguous_format, torch.channels_last):
            assert torch.equal(PairwiseMaxPool2d()(x.to(memory_format=memory_format)), pool(x))


def test_fused_convolution_follows_its_weights_and_takes_what_a_convolution_takes():
    plain = nn.Conv2d(3, 4, 3).requires_grad_(False)
    fused, x = FusedConv2d(plain, relu=True), images(2, 3, 6, 6)
    torch.testing.assert_close(fused(x), plain(x).relu())
    plain.weight.neg_()
    torch.testing.assert_close(fused(x), plain(x).relu())
    torch.testing.assert_close(fused(x[0]), plain(x[0]).relu())
    assert fused(x[:0]).shape == (0, 4, 4, 4)
    with pytest.raises(RuntimeError, match="expected input.* to have 3 channels, but got 2"):
        fused(x[:, :2])


def fails(*args):
    raise RuntimeError("not in this build")


@pytest.mark.parametrize("operator", [fails, lambda x, *args: torch.zeros(2, 4, 5, 6)])
def test_fused_convolution_is_tried_before_it_is_used(monkeypatch, operator):
    class Operators:
        _convolution_pointwise = staticmethod(operator)
        _reorder_convolution_weight = staticmethod(lambda weight, *args: weight)

    monkeypatch.setattr(torch.ops, "mkldnn", Operators)
    assert not kernels.fused_convolution_works.__wrapped__()
    monkeypatch.delattr(Operators, "_convolution_pointwise")
    assert not kernels.fused_convolution_works.__wrapped__()


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, x, scale=1.0):
        return self.pool(torch.relu(self.norm(self.conv(x)))).mean((2, 3)) * scale


def test_keyword_arguments():
    net = lively(Small())
    deployed, x = deploy(net, compile=False), images(2, 3, 8, 8)
    torch.testing.assert_close(deployed(x=x, scale=3.0), 3 * deployed(x))


@pytest.mark.slow
def test_compiled():
    net = lively(Small())
    deployed = deploy(net, compile=True)
    assert deployed.compiled is None
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 2"):
        deployed(images(1, 2, 8, 8))
    for batch in (1, 3):
        assert_same_function(net, deployed, images(batch, 3, 12, 10))
    assert deployed.compiled is True
    with pytest.raises(RuntimeError, match="to have 3 channels, but got 2"):
        deployed(images(1, 2, 8, 8))
    assert_same_function(net, copy.deepcopy(deployed), images(2, 3, 12, 10))


@pytest.mark.slow
@pytest.mark.parametrize("sleeps", [True, False])
def test_auto_keeps_the_faster(monkeypatch, sleeps):
    """A program ten times slower than the network is dropped, one that answers at once is kept."""
    net, answer = lively(Small()), torch.zeros(1, 8)
    monkeypatch.setattr(torch, "compile", lambda module, **options: program)
    program = (lambda x: time.sleep(0.2) or answer) if sleeps else (lambda x: answer)
    deployed = deploy(net)
    assert deployed(images(1, 3, 200, 200)) is answer
    assert deployed.compiled is not sleeps
    assert (deployed(images(1, 3, 200, 200)) is answer) is not sleeps


def test_without_a_working_compiler(monkeypatch):
    net, x = lively(Small()), images(1, 3, 8, 8)
    monkeypatch.setattr(torch, "compile", lambda module, **options: fails)
    deployed = deploy(net)
    with pytest.raises(RuntimeError, match="to have 3 channels"), warnings.catch_warnings():
        warnings.simplefilter("error")  # the input is at fault, not the compiler
        deployed(x[:, :2])
    assert deployed.compiled is None
    with pytest.warns(RuntimeWarning, match="RuntimeError: not in this build.*; it runs uncompiled"):
        assert_same_function(net, deployed, x)
    assert deployed.compiled is False
    assert_same_function(net, deployed, x)
    with pytest.raises(RuntimeError, match="fails on this network.*compile=False"):
        deploy(net, compile=True)(x)


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    net = lively(Small())
    deployed = deploy(net)
    assert deployed.compiled is False
    assert_same_function(net, deployed, images(1, 3, 8, 8))
    with pytest.raises(RuntimeError, match="compile=True needs a C\\+\\+ compiler: 'no-such-compiler'"):
        deploy(net, compile=True)


def test_bad_arguments():
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got str"):
        deploy("googlenet")
    with pytest.raises(ValueError, match="compile must be True, False or 'auto', got 'yes'"):
        deploy(Small(), compile="yes")
    deployed = deploy(Small(), compile=False)
    assert isinstance(deployed, Deployed)
    with pytest.raises(ValueError, match="deployed already"):
        deploy(deployed)
    with pytest.raises(RuntimeError, match="only infers; train the original"):
        deployed.train()
    untraceable = Graph(lambda net, x: x if x.sum() > 0 else -x, part=nn.ReLU())
    with pytest.raises(ValueError, match="model Graph cannot be traced by torch.fx.*torch.fx.wrap"):
        deploy(untraceable)
