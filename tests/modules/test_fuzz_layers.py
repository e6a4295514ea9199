"""Random layers: `costs` and `measure` against torch's modules and its FLOP counter."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons.measure import measure
from tests.fuzzing import Dice

pytestmark = pytest.mark.slow

LAYERS, BYTES = 50, 24
"""Layers in one example, and what each is made of."""
IMAGES = 2

POOLINGS = ("MaxPool2d", "AvgPool2d")


class Layer(NamedTuple):
    """A layer in torch's words, and the shape of its input: plain values, so that a set tells how many
    differ."""

    kind: str
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]
    shape: tuple[int, ...]

    def module(self, device: str) -> nn.Module:
        where = {} if self.kind in POOLINGS else {"device": device}
        return getattr(nn, self.kind)(*self.arguments, **dict(self.options), **where)

    def output(self, module: nn.Module, device: str) -> torch.Tensor:
        return module(torch.empty(IMAGES, *self.shape, device=device))

    @property
    def device(self) -> str:
        """Where only shapes are worked out; torch does that for batch norm at a hundred times the time of a
        small real run."""
        return "cpu" if self.kind == "BatchNorm2d" else "meta"

    def cost(self) -> costs.Cost:
        options, grid = dict(self.options), self.shape[1:]
        if self.kind == "Conv2d":
            return costs.conv2d(*self.arguments, grid, **options)
        if self.kind == "Linear":
            return costs.linear(*self.arguments, **options)
        if self.kind == "BatchNorm2d":
            return costs.batch_norm(*self.arguments, grid, **options)
        return costs.pool2d(self.shape[0], *self.arguments, grid, **options)

    def padded_copy(self) -> int:
        """Return the numbers in the padded copy of the input that torch writes first where "same" needs one
        position more on one side than on the other."""
        options = dict(self.options)
        if options.get("padding") != "same":
            return 0
        kernel, dilation = (_pair(n) for n in (self.arguments[-1], options.get("dilation", 1)))
        odd = [d * (k - 1) % 2 for k, d in zip(kernel, dilation, strict=True)]
        channels, height, width = self.shape
        return channels * (height + odd[0]) * (width + odd[1]) if any(odd) else 0


def _pair(sizes: int | tuple[int, int]) -> tuple[int, int]:
    return (sizes, sizes) if isinstance(sizes, int) else sizes


def some(dice: Dice, **makers: Callable[[], Any]) -> tuple[tuple[str, Any], ...]:
    """Return some of the options; those left out have torch's and our defaults."""
    return tuple((name, make()) for name, make in makers.items() if dice.once_in(2))


def convolution(dice: Dice, least: int, grids: int) -> Layer:
    """With `least` 0, numbers that no convolution can have are drawn too, and groups that do not divide."""
    groups = dice.number(1, 8)
    inputs, outputs = groups * dice.number(1, 6), groups * dice.number(1, 6)
    if dice.once_in(3):
        groups, outputs = inputs, inputs * dice.number(1, 3)  # depthwise
    if least == 0 and dice.once_in(4):
        groups = dice.number(0, 5)
    paddings = (lambda: dice.sizes(least - 1 if least == 0 else 0, 4), lambda: "same", lambda: "valid")
    options = some(
        dice,
        stride=lambda: dice.sizes(least, 4),
        padding=dice.choice(paddings),
        dilation=lambda: dice.sizes(least, 3),
        bias=lambda: dice.once_in(2),
    )
    shape = inputs, dice.number(1, grids), dice.number(1, grids)
    return Layer("Conv2d", (inputs, outputs, dice.sizes(least, 7)), (("groups", groups), *options), shape)


def pooling(dice: Dice, least: int, grids: int) -> Layer:
    kind = dice.choice(POOLINGS)
    dilation = {"dilation": lambda: dice.sizes(least, 3)} if kind == "MaxPool2d" else {}
    options = some(
        dice,
        stride=lambda: None if dice.once_in(5) else dice.sizes(least, 5),
        padding=lambda: dice.sizes(least - 1 if least == 0 else 0, 3),
        ceil_mode=lambda: dice.once_in(2),
        **dilation,
    )
    shape = dice.number(1, 9), dice.number(1, grids), dice.number(1, grids)
    return Layer(kind, (dice.sizes(least, 6),), options, shape)


def dense_layer(dice: Dice) -> Layer:
    features = dice.number(1, 5000), dice.number(1, 5000)
    return Layer("Linear", features, some(dice, bias=lambda: dice.once_in(2)), features[:1])


def batch_norm(dice: Dice) -> Layer:
    shape = dice.number(1, 600), dice.number(1, 9), dice.number(1, 9)
    return Layer("BatchNorm2d", shape[:1], some(dice, affine=lambda: dice.once_in(2)), shape)


def any_layer(dice: Dice) -> Layer:
    kind = dice.number(0, 9)
    if kind < 5:
        return convolution(dice, least=1, grids=40)
    if kind < 8:
        return pooling(dice, least=1, grids=40)
    return dense_layer(dice) if kind == 8 else batch_norm(dice)


def layer_that_may_be_illegal(dice: Dice) -> Layer:
    """Small, because it runs for real: on shapes alone torch lets some layers pass that it cannot run."""
    make = dice.choice((convolution, pooling))
    return make(dice, least=dice.number(0, 1), grids=9)


def pieces(content: bytes) -> Iterator[Dice]:
    return (Dice(content[start : start + BYTES]) for start in range(0, len(content), BYTES))


batches = st.binary(min_size=LAYERS * BYTES, max_size=LAYERS * BYTES)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or its exception."""
    try:
        return call()
    except Exception as error:
        return error


@pytest.fixture(autouse=True)
def weights_without_numbers(monkeypatch):
    """Nothing here looks at the weights, and to draw them takes longer than all the rest."""
    for kind in (nn.Conv2d, nn.Linear):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)


def from_torch(layer: Layer) -> tuple[nn.Module, costs.Cost]:
    """Return the module, and what torch says it costs, in the form of `costs`."""
    module = layer.module(layer.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        out = layer.output(module, layer.device)
    parameters = sum(p.numel() for p in module.parameters())
    macs = counter.get_total_flops() / 2 / IMAGES
    return module, costs.Cost(tuple(out.shape[1:]), parameters, macs, out[0].numel())


def from_measure(layer: Layer, module: nn.Module) -> costs.Cost:
    report = measure(module, (IMAGES, *layer.shape))
    (row,) = report.rows
    activations = row.activations / IMAGES - layer.padded_copy()
    return costs.Cost(row.output_shape[1:], report.parameters, report.macs / IMAGES, activations)


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize(("examples", "least"), [(270, 10_000)])
def test_random_layers_cost_what_torch_says(examples, least, times):
    """Output shape, parameters, MACs and activations. A layer that `costs` refuses is the next test's."""
    compared: dict[Layer, str] = {}

    @settings(max_examples=examples * times)
    @given(batches)
    def agree(content):
        for layer in map(any_layer, pieces(content)):
            ours = outcome(layer.cost)
            if layer not in compared and not isinstance(ours, ValueError):
                module, torchs = from_torch(layer)
                assert ours == torchs == from_measure(layer, module), layer
                compared[layer] = layer.kind

    agree()
    kinds = Counter(compared.values())
    assert len(compared) >= least and len(kinds) == 5 and min(kinds.values()) > least / 20, kinds


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize(("examples", "least"), [(60, 1_000)])
def test_illegal_layers_are_refused_where_torch_refuses_them(examples, least, times):
    """By `costs` and by `measure`, with a ValueError; and nothing else is refused."""
    seen: dict[Layer, bool] = {}

    @settings(max_examples=examples * times)
    @given(batches)
    def agree(content):
        for layer in map(layer_that_may_be_illegal, pieces(content)):
            torchs = outcome(lambda: layer.output(layer.module("cpu"), "cpu"))  # noqa: B023
            refused = seen[layer] = isinstance(torchs, Exception)
            ours = outcome(layer.cost)
            if refused:
                assert type(ours) is ValueError, (layer, ours, torchs)
                module = outcome(lambda: layer.module("meta"))  # noqa: B023
                if not isinstance(module, Exception):
                    report = outcome(lambda: measure(module, (IMAGES, *layer.shape)))  # noqa: B023
                    assert type(report) is ValueError, (layer, report)
            else:
                assert isinstance(ours, costs.Cost), (layer, ours)
                assert tuple(torchs.shape[1:]) == ours.output_shape, layer

    agree()
    illegal = sum(seen.values())
    assert least <= illegal <= len(seen) - least, (illegal, len(seen))
