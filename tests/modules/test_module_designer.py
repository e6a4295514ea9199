"""What the module designer counts, and the torch modules that its numbers build."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons.models.bn_inception import InceptionDouble3
from inception_lessons.models.googlenet import Inception, NaiveInception
from inception_lessons.models.inception_v3 import (
    AsymmetricInception,
    ExpandedInception,
    FactorizedInception,
)
from inception_lessons.papers import GOOGLENET_MODULES
from inception_lessons.widgets.module_designer import BUILDERS, ModuleDesigner, presets

BUILD = {
    "googlenet": Inception,
    "googlenet_naive": NaiveInception,
    "bn_avg": InceptionDouble3,
    "bn_max": InceptionDouble3,
    "v3_35": FactorizedInception,
    "v3_17": AsymmetricInception,
    "v3_8": ExpandedInception,
}
FORMS = [(key, False) for key in presets()] + [(key, True) for key in GOOGLENET_MODULES]


def built(designer, build=BUILD) -> nn.Module:
    with torch.device("meta"):
        return designer.live(build=build).module().eval()


def numel(net: nn.Module, *kinds: type[nn.Module]) -> int:
    """Return the parameters in layers of these kinds, or all."""
    layers = [m for m in net.modules() if isinstance(m, kinds)] if kinds else [net]
    return sum(p.numel() for layer in layers for p in layer.parameters())


def macs(net: nn.Module, designer) -> tuple[int, torch.Size]:
    grid = designer.settings["grid"]
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        out = net(torch.empty(1, designer.settings["in_channels"], grid, grid))
    return counter.get_total_flops() // 2, out.shape


def test_every_builder_is_tried():
    assert set(BUILD) == set(BUILDERS)


@pytest.mark.parametrize(("key", "naive"), FORMS)
def test_same_weights_macs_and_shape(key, naive):
    designer = ModuleDesigner(key, naive=naive, biases=key in GOOGLENET_MODULES)
    net, counted, grid = built(designer), designer.costs(), designer.settings["grid"]
    assert numel(net, nn.Conv2d) == counted.parameters
    assert macs(net, designer) == (counted.macs, (1, counted.out_channels, grid, grid))
    # GoogLeNet's modules hold nothing else; the others a scale and a shift in each batch norm.
    assert numel(net) == counted.parameters + numel(net, nn.BatchNorm2d)
    assert (numel(net, nn.BatchNorm2d) == 0) == (key in GOOGLENET_MODULES)


@pytest.mark.parametrize("key", [key for key in presets() if key.startswith("bn-")])
def test_without_batch_norm_the_biases_are_those_counted(key):
    designer = ModuleDesigner(key, biases=True)
    net = built(designer, partial(InceptionDouble3, batch_norm=False))
    assert numel(net) == designer.costs().parameters
    assert isinstance(net.pool, nn.MaxPool2d if key == "bn-5b" else nn.AvgPool2d)


def test_numbers_of_your_own_in_every_kind():
    """Six different numbers, so that none can stand in another's place unnoticed."""
    six = {"conv1": 20, "reduce3": 12, "conv3": 28, "reduce5": 8, "conv5": 36, "project": 16}
    for key in BUILD:
        kind, naive = key.removesuffix("_naive"), key.endswith("_naive")
        designer = ModuleDesigner(kind=kind, naive=naive, in_channels=24, grid=9, **six)
        net, counted = built(designer), designer.costs()
        weights = sum(m.weight.numel() for m in net.modules() if isinstance(m, nn.Conv2d))
        assert weights == counted.parameters
        assert macs(net, designer) == (counted.macs, (1, counted.out_channels, 9, 9))


def test_the_live_module_follows_the_sliders():
    live = ModuleDesigner().live(build=BUILD)
    assert live.module().out_channels == 512
    live.conv3 = 320
    assert live.module().out_channels == 128 + 320 + 64 + 64
    live.naive = True
    assert live.module()(torch.zeros(2, 512, 5, 5)).shape == (2, 128 + 320 + 64 + 512, 5, 5)
