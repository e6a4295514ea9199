"""Random branching networks: `costs` and `measure` against torch's modules and its FLOP counter."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inception_lessons import costs
from inception_lessons.measure import Report, measure
from tests.fuzzing import Dice

pytestmark = pytest.mark.slow

IMAGES = 2
Shape = tuple[int, ...]


# -- graphs: any map made so far may be read again ----------------------------------------------------------


class Call(NamedTuple):
    """One part of a graph, applied to one of its maps."""

    part: int
    input_shape: Shape
    cost: costs.Cost


class Graph(nn.Module):
    """Maps made from earlier maps by modules, by functions, by modules that were used before, and by graphs
    inside: `forward` returns the last map, or all of them if `every`.

    What it should cost is added up beside it, call by call, by `costs`.
    """

    def __init__(self, dice: Dice, shape: Shape, depth: int = 0, every: bool = False) -> None:
        super().__init__()
        self.every = every
        self.parts, self.free = nn.ModuleList(), nn.ParameterList()
        self.steps: list[Callable[[list[Tensor]], Tensor]] = []
        self.shapes, self.calls, self.features = [shape], [], Counter()
        self.expected_parameters = 0
        kinds = ["conv", "joined", "added", "again", "graph", "pool", "norm", "function", "tied", "conv"]
        for _ in range(dice.number(2, 3 if depth else 9)):
            kind = dice.choice(kinds)
            if kind == "graph" and depth == 2:
                kind = "conv"
            getattr(self, f"_{kind}")(dice, depth)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        maps = [x]
        for step in self.steps:
            maps.append(step(maps))
        return maps if self.every else maps[-1]

    @property
    def macs(self) -> int:
        return sum(call.cost.macs for call in self.calls)

    def calls_of(self, part: int) -> int:
        return sum(call.part == part for call in self.calls)

    # what a step can be

    def _conv(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        arguments, options = convolution(dice, shape)
        self._call(nn.Conv2d(*arguments, **options), at, costs.conv2d(*arguments, shape[1:], **options))
        self.features["depthwise" if options["groups"] == shape[0] > 1 else "conv"] += 1

    def _function(self, dice: Dice, depth: int) -> None:
        """A functional convolution with a weight that belongs to the graph itself."""
        at, shape = self._source(dice)
        arguments, options = convolution(dice, shape)
        cost = costs.conv2d(*arguments, shape[1:], **options)
        whole = nn.Conv2d(*arguments, **options)
        own = {name: options[name] for name in ("stride", "padding", "dilation", "groups")}
        place = len(self.free)
        self.free.append(whole.weight)
        if whole.bias is not None:
            self.free.append(whole.bias)
        biases = (place + 1,) if whole.bias is not None else ()
        self._step(
            lambda maps: F.relu(F.conv2d(maps[at], self.free[place], *(self.free[i] for i in biases), **own)),
            cost.output_shape,
        )
        self.calls.append(Call(-1, shape, cost))
        self.expected_parameters += cost.parameters
        self.features["functional"] += 1

    def _pool(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        kind = dice.choice((nn.MaxPool2d, nn.AvgPool2d))
        options = {"stride": dice.number(1, 2), "ceil_mode": dice.once_in(2)}
        kernel = dice.number(1, min(3, *shape[1:]))
        self._call(kind(kernel, **options), at, costs.pool2d(shape[0], kernel, shape[1:], **options))

    def _norm(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        self._call(nn.BatchNorm2d(shape[0]), at, costs.batch_norm(shape[0], shape[1:]))

    def _graph(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        inner = Graph(dice, shape, depth + 1)
        cost = costs.Cost(inner.shapes[-1], inner.expected_parameters, inner.macs, 0)
        self._call(inner, at, cost)
        self.features += inner.features
        self.features["nested"] += 1

    def _again(self, dice: Dice, depth: int) -> None:
        """A module that was used before, on any map that it takes; its parameters count once."""
        fitting = self._fitting(nn.Module)
        if not fitting:
            return self._conv(dice, depth)
        call, at = dice.choice(fitting)
        self.calls.append(call)
        self._step(lambda maps: self.parts[call.part](maps[at]), call.cost.output_shape)
        self.features["shared"] += 1

    def _tied(self, dice: Dice, depth: int) -> None:
        """A convolution of its own whose weight is another one's; the tensor counts where it came first."""
        fitting = self._fitting(nn.Conv2d)
        if not fitting:
            return self._conv(dice, depth)
        call, at = dice.choice(fitting)
        tied = copy.deepcopy(self.parts[call.part])
        tied.weight, tied.bias = self.parts[call.part].weight, None
        self._call(tied, at, call.cost._replace(parameters=0))
        self.features["tied"] += 1

    def _fitting(self, kind: type[nn.Module]) -> list[tuple[Call, int]]:
        """Return the calls of such parts, each with every map that its part would take as well."""
        return [
            (call, at)
            for call in self.calls
            for at, shape in enumerate(self.shapes)
            if call.part >= 0 and isinstance(self.parts[call.part], kind) and shape == call.input_shape
        ]

    def _added(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        others = [i for i, other in enumerate(self.shapes) if other == shape]
        other = dice.choice(others)
        self._step(lambda maps: maps[at] + maps[other], shape)
        self.features["added"] += 1

    def _joined(self, dice: Dice, depth: int) -> None:
        at, shape = self._source(dice)
        others = [i for i, other in enumerate(self.shapes) if other[1:] == shape[1:]]
        members = [at, *(dice.choice(others) for _ in range(dice.number(1, 2)))]
        channels = sum(self.shapes[i][0] for i in members)
        self._step(lambda maps: torch.cat([maps[i] for i in members], 1), (channels, *shape[1:]))
        self.features["joined"] += 1

    # how it is written down

    def _source(self, dice: Dice) -> tuple[int, Shape]:
        """Return the place and the shape of a map, every second time of the last."""
        at = len(self.shapes) - 1
        if dice.once_in(2):
            at = dice.number(0, at)
        return at, self.shapes[at]

    def _call(self, module: nn.Module, at: int, cost: costs.Cost) -> None:
        part = len(self.parts)
        self.parts.append(module)
        self.calls.append(Call(part, self.shapes[at], cost))
        self.expected_parameters += cost.parameters
        self._step(lambda maps: self.parts[part](maps[at]), cost.output_shape)

    def _step(self, step: Callable[[list[Tensor]], Tensor], shape: Shape) -> None:
        self.steps.append(step)
        self.shapes.append(shape)


def convolution(dice: Dice, shape: Shape) -> tuple[tuple, dict]:
    """Return arguments and options of a convolution that fits a map; as large as the map at most."""
    channels = shape[0]
    groups = dice.choice([1, channels, *(n for n in (2, 3, 4) if channels % n == 0)])
    kernel = dice.number(1, min(5, shape[1])), dice.number(1, min(5, shape[2]))
    outputs = groups * dice.number(1, max(1, 12 // groups))
    options = {
        "groups": groups,
        "stride": dice.number(1, 2),
        "padding": dice.number(0, 2),
        "dilation": 1 if max(kernel) > min(shape[1:]) // 2 else dice.number(1, 2),
        "bias": dice.once_in(2),
    }
    return (channels, outputs, kernel), options


class Outputs(NamedTuple):
    logits: Tensor
    aux: tuple[Tensor, ...]


class Classifier(nn.Module):
    """A graph, a dense layer on its last map and, in training, auxiliary ones on maps before it."""

    def __init__(self, dice: Dice) -> None:
        super().__init__()
        shape = dice.number(1, 8), dice.number(3, 12), dice.number(3, 12)
        self.body = Graph(dice, shape, every=True)
        self.train(dice.once_in(2))
        self.named = dice.once_in(2)
        last = self.body.shapes[-1]
        self.heads = nn.ModuleDict()
        self.linear = nn.Linear(last[0] * last[1] * last[2], 5)
        self.head_costs = []
        for at in range(dice.number(0, 2)):
            channels = self.body.shapes[at][0]
            self.heads[f"after{at}"] = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 5)
            ).train(self.training)
            self.head_costs.append(costs.linear(channels, 5))
        self.linear_cost = costs.linear(last[0] * last[1] * last[2], 5)

    def forward(self, x: Tensor):
        maps = self.body(x)
        logits = self.linear(maps[-1].flatten(1))
        if not (self.training and self.heads):
            return logits
        aux = tuple(head(y) for head, y in zip(self.heads.values(), maps, strict=False))
        return Outputs(logits, aux) if self.named else {"logits": logits, "aux": list(aux)}

    def expected(self) -> tuple[int, int]:
        """Return the parameters, and the MACs for one image, that `costs` gives."""
        in_use = self.head_costs if self.training else []
        macs = self.body.macs + self.linear_cost.macs + sum(cost.macs for cost in in_use)
        all_of_them = [self.linear_cost, *self.head_costs]
        return self.body.expected_parameters + sum(cost.parameters for cost in all_of_them), macs


def counted(net: nn.Module, *shape: int) -> tuple[object, int]:
    """Return a real run's output, and torch's count of FLOPs."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        out = net(torch.zeros(shape))
    return out, counter.get_total_flops()


def rows_sum_to_totals(report: Report) -> None:
    for rows in (report.rows, report.fold(1).rows, report.fold(3).rows):
        sums = [sum(getattr(row, name) for row in rows) for name in ("parameters", "macs", "activations")]
        assert sums == [report.parameters, report.macs, report.activations]


FEATURES = {"conv", "depthwise", "functional", "nested", "shared", "tied", "added", "joined"}


@pytest.fixture(autouse=True)
def weights_without_rule(monkeypatch):
    """Nothing here looks at the weights, and to draw them takes long."""
    for kind in (nn.Conv2d, nn.Linear):
        monkeypatch.setattr(kind, "reset_parameters", lambda self: None)


@pytest.mark.parametrize("least", [1_000])
def test_random_graphs_cost_what_torch_says(least, times):
    seen: dict[bytes, Counter] = {}

    @settings(max_examples=int(1.1 * least) * times + 5)
    @given(st.binary(min_size=160, max_size=160))
    def agree(content):
        net = Classifier(Dice(content))
        parameters, macs = net.expected()
        shape = (IMAGES, *net.body.shapes[0])
        out, flops = counted(net, *shape)
        assert sum(p.numel() for p in net.parameters()) == parameters
        assert flops == 2 * IMAGES * macs
        report = measure(net, shape)
        assert (report.parameters, report.macs) == (parameters, IMAGES * macs)
        assert {row.name for row in report.modules} == {path for path, _ in net.named_modules()}
        rows_sum_to_totals(report)
        for place, part in enumerate(net.body.parts):
            row = report[f"body.parts.{place}"]
            assert row.calls == net.body.calls_of(place)
            first = next(call for call in net.body.calls if call.part == place)
            assert row.input_shape == (IMAGES, *first.input_shape), part
            assert row.output_shape == (IMAGES, *first.cost.output_shape), part
            assert row.macs == IMAGES * first.cost.macs * row.calls, part
            assert row.parameters == first.cost.parameters, part
        aux = len(net.heads) if net.training else 0
        logits = report[""].output_shape if aux else (report[""].output_shape,)
        assert logits == ((IMAGES, 5),) * (1 + aux)
        seen[content] = net.body.features + Counter({"auxiliary": aux})

    agree()
    features = sum(seen.values(), Counter())
    assert len(seen) >= least
    assert all(features[name] >= least / 10 for name in {*FEATURES, "auxiliary"}), features


# -- stages: the networks that `costs.walk` counts ----------------------------------------------------------


def steps(dice: Dice, shape: Shape, depth: int) -> list[costs.Step]:
    """Return steps that fit a map of this shape."""
    found: list[costs.Step] = []
    for _ in range(dice.number(1, 3)):
        kind = dice.choice(("conv", "parallel", "pool", "conv", "select", "depthwise", "global"))
        channels, height, width = shape
        name = f"layer{len(found)}"
        if kind == "parallel" and depth < 2:
            step = parallel(dice, shape, depth + 1)
        elif kind == "pool":
            step = costs.Pool(dice.choice(("max", "avg")), 3, dice.number(1, 2), 1, dice.once_in(2))
        elif kind == "select":
            step = costs.Select([dice.number(0, channels - 1) for _ in range(dice.number(1, 6))])
        elif kind == "global":
            step = costs.GlobalPool(dice.number(1, min(height, width)))
        else:
            groups = channels if kind == "depthwise" else 1
            kernel = (dice.choice((1, 3, 5)), dice.choice((1, 3, 5)))
            step = costs.Conv(
                name,
                groups * dice.number(1, max(1, 8 // groups)),
                kernel,
                dice.number(1, 2),
                groups=groups,
                bias=dice.choice((None, True, False)),
                norm=dice.choice((None, True, False)),
            )
        found.append(step)
        shape = costs.walk([costs.Stage("", [step])], channels, shape[1:])[0].output_shape
    return found


def parallel(dice: Dice, shape: Shape, depth: int) -> costs.Parallel:
    """Return branches that meet: odd kernels, and in each the stride of the last step."""
    branches: dict[str, Sequence[costs.Step]] = {}
    stride = dice.number(1, 2)
    for place in range(dice.number(1, 4)):
        kernel = dice.choice((1, 3, 5))
        last = costs.Conv(f"last{place}", dice.number(1, 8), kernel, stride)
        if dice.once_in(4):
            last = costs.Pool(dice.choice(("max", "avg")), 3, stride, 1)
        before = [costs.Conv(f"before{place}", dice.number(1, 8), (1, 3))] if dice.once_in(2) else []
        inner = [costs.Parallel({"a": before, "b": []})] if dice.once_in(4) and depth < 2 else before
        branches[f"branch{place}"] = [*inner, last]
    if stride == 1 and dice.once_in(3):
        branches["identity"] = []
    return costs.Parallel(branches)


class Joined(nn.Module):
    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Chosen(nn.Module):
    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = list(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.channels]


def modules(found: Sequence[costs.Step], channels: int, bias: bool, norm: bool) -> tuple[nn.Sequential, int]:
    """Return torch's modules for steps on a map, by torch's own arithmetic, and the channels they give."""
    made: list[nn.Module] = []
    for step in found:
        if isinstance(step, costs.Conv):
            normed = norm if step.norm is None else step.norm
            biased = step.bias if step.bias is not None else bias and not normed
            kernel = step.kernel_size if isinstance(step.kernel_size, tuple) else (step.kernel_size,) * 2
            padding = tuple(n // 2 for n in kernel)
            made.append(
                nn.Conv2d(
                    channels, step.out_channels, kernel, step.stride, padding, groups=step.groups, bias=biased
                )
            )
            channels = step.out_channels
            made += [nn.BatchNorm2d(channels)] if normed else []
        elif isinstance(step, costs.Pool):
            pool = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}[step.kind]
            made.append(pool(step.kernel_size, step.stride, step.padding, ceil_mode=step.ceil_mode))
        elif isinstance(step, costs.GlobalPool):
            made.append(nn.AdaptiveAvgPool2d(step.size))
        elif isinstance(step, costs.Select):
            made.append(Chosen(step.channels))
            channels = len(step.channels)
        else:
            branches = [modules(branch, channels, bias, norm) for branch in step.branches.values()]
            made.append(Joined([branch for branch, _ in branches]))
            channels = sum(width for _, width in branches)
    return nn.Sequential(*made), channels


class Staged(nn.Module):
    """Stages in a row, those `aside` on the input of the next, and a dense layer at the end."""

    def __init__(self, stages: Sequence[costs.Stage], channels: int, options: Mapping[str, bool]) -> None:
        super().__init__()
        self.rows, self.aside = nn.ModuleList(), [stage.aside for stage in stages]
        for stage in stages:
            made, width = modules(stage.steps, channels, **options)
            self.rows.append(made)
            channels = channels if stage.aside else width

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for row, aside in zip(self.rows, self.aside, strict=True):
            outputs.append(row(x))
            x = x if aside else outputs[-1]
        return outputs


@pytest.mark.parametrize("least", [300])
def test_random_stages_cost_what_torch_says(least, times):
    """`walk` stage by stage, each layer by its name, against modules that are built without it."""
    seen: set[bytes] = set()

    @settings(max_examples=int(1.1 * least) * times + 5)
    @given(st.binary(min_size=200, max_size=200))
    def agree(content):
        dice = Dice(content)
        image = dice.number(1, 6), dice.number(5, 14), dice.number(5, 14)
        options = {"bias": dice.once_in(2), "norm": dice.once_in(2)}
        stages, shape = [], image
        for place in range(dice.number(1, 3)):
            stages.append(costs.Stage(f"row{place}", steps(dice, shape, 0), aside=dice.once_in(3)))
            walked = costs.walk(stages, image[0], image[1:], **options)
            shape = walked[-1].input_shape if stages[-1].aside else walked[-1].output_shape
        net = Staged(stages, image[0], options)
        outputs, flops = counted(net, IMAGES, *image)
        assert [tuple(out.shape[1:]) for out in outputs] == [row.output_shape for row in walked]
        report = measure(net, (IMAGES, *image))
        rows_sum_to_totals(report)
        for place, row in enumerate(walked):
            total, part = costs.total(row.layers), report[f"rows.{place}"]
            assert (part.parameters, part.macs) == (total.parameters, IMAGES * total.macs)
            layers = [
                module
                for module in net.rows[place].modules()
                if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
            ]
            numels = [sum(p.numel() for p in module.parameters()) for module in layers]
            assert numels == [layer.cost.parameters for layer in row.layers]
        whole = costs.total(costs.layer_costs(walked))
        assert flops == 2 * IMAGES * whole.macs == 2 * report.macs
        assert sum(p.numel() for p in net.parameters()) == whole.parameters == report.parameters
        assert sum(total.macs for total in costs.by_row(costs.layer_costs(walked)).values()) == whole.macs
        seen.add(content)

    agree()
    assert len(seen) >= least
