"""An architecture as plain data, and the walk that computes the cost of each of its layers.

A network is a list of `Stage`s, one for each row of its paper's table. A stage is a sequence of steps, each
applied to what the step before it gives: `Conv`, `Pool`, `GlobalPool`, `Dense`, `Select`, `Distances` or
`Parallel` branches that are concatenated along channels. Steps hold output sizes only; the input sizes follow
from the walk.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from inception_lessons._check import instance, integer, members, number, one_of, pair, positive, rows
from inception_lessons.costs.layers import Cost, Pair, batch_norm, conv2d, linear, pool2d

Shape = tuple[int, ...]


class Conv(NamedTuple):
    """A convolution."""

    name: str
    out_channels: int
    kernel_size: Pair
    stride: Pair = 1
    padding: Pair | None = None
    """None: half the kernel, which keeps the grid at stride 1 with an odd kernel."""
    groups: int = 1
    bias: bool | None = None
    """None: as the walk says."""
    norm: bool | None = None
    """Whether batch norm follows; None: as the walk says."""


class Pool(NamedTuple):
    """Max or average pooling."""

    kind: str
    """"max" or "avg"."""
    kernel_size: Pair
    stride: Pair
    padding: Pair = 0
    ceil_mode: bool = False


class GlobalPool(NamedTuple):
    """Average pooling to a fixed grid, of any input."""

    size: int = 1


class Dense(NamedTuple):
    """A dense layer on everything that comes, flattened."""

    name: str
    out_features: int
    in_features: int | None = None
    """If given, the only number of inputs that the layer takes."""


class Select(NamedTuple):
    """Some channels of the input, in this order; a channel may occur more than once."""

    channels: Sequence[int]


class Distances(NamedTuple):
    """Squared Euclidean distances to fixed vectors: nothing is learned, and the squares are no MACs."""

    out_features: int


class Parallel(NamedTuple):
    """Branches on one input, concatenated along channels; an empty branch passes the input on."""

    branches: Mapping[str, Sequence["Step"]]


Step = Conv | Pool | GlobalPool | Dense | Select | Distances | Parallel


class Stage(NamedTuple):
    """The steps of one row of a paper's table."""

    row: str
    steps: Sequence[Step]
    aside: bool = False
    """An auxiliary head: the next stage takes the same input as this one."""


class LayerCost(NamedTuple):
    """The cost of one named layer of a network."""

    row: str
    """The table row the layer belongs to, such as "3a"."""
    name: str
    """The layer within its row, such as "reduce3"."""
    kernel_size: tuple[int, int] | None
    """Height and width of the kernel; None for a layer without one (dense, batch norm)."""
    in_channels: int
    cost: Cost


class Total(NamedTuple):
    """Sums over some layers."""

    parameters: int
    macs: int
    activations: int


def total(layers: Iterable[LayerCost]) -> Total:
    """Return the sums of parameters, MACs and activations over `layers`.

    Raises:
        TypeError: a layer is no `LayerCost`.
    """
    costs = [instance("a layer", layer, LayerCost).cost for layer in members("layers", layers)]
    return Total(
        sum(cost.parameters for cost in costs),
        sum(cost.macs for cost in costs),
        sum(cost.activations for cost in costs),
    )


def by_row(layers: Iterable[LayerCost]) -> dict[str, Total]:
    """Return the totals of each table row, in the order of first appearance; errors as for `total`."""
    found: dict[str, list[LayerCost]] = {}
    for layer in members("layers", layers):
        found.setdefault(instance("a layer", layer, LayerCost).row, []).append(layer)
    return {row: total(layers_of_row) for row, layers_of_row in found.items()}


class Walked(NamedTuple):
    """One stage after the walk."""

    row: str
    input_shape: Shape
    output_shape: Shape
    layers: list[LayerCost]
    """Its layers with weights, in the order in which they stand; a batch norm follows its convolution."""


def walk(
    stages: Iterable[Stage], in_channels: int, input_size: Pair, *, bias: bool = True, norm: bool = False
) -> list[Walked]:
    """Return shapes and costs, stage by stage, for one image.

    Args:
        bias: whether convolutions and dense layers have biases; a convolution that is followed by batch norm
            has none, unless it says so itself.
        norm: whether batch norm follows each convolution that does not say so itself.

    Raises:
        ValueError: a kernel larger than its padded input, branches of different grids, or a dense layer whose
            inputs are not as many as it takes.
        TypeError: a stage that is no `Stage`, or a step that is none.
    """
    return _walk(_checked(stages), in_channels, input_size, bias, norm)


def _checked(stages: Iterable[Stage]) -> list[Stage]:
    """Return the stages, whose members are what they should be; their numbers are not looked at."""
    found = rows("stages", stages, Stage, empty=True)
    for stage in found:
        _check_steps(f"the steps of {stage.row!r}", stage.steps)
    return found


def _check_steps(name: str, steps: Sequence[Step]) -> None:
    for step in members(name, steps):
        instance("a step", step, *get_args(Step))
        for branch, inside in step.branches.items() if isinstance(step, Parallel) else ():
            _check_steps(f"branch {branch!r} of {name}", inside)


def _walk(
    stages: Iterable[Stage], in_channels: int, input_size: Pair, bias: bool, norm: bool
) -> list[Walked]:
    shape: Shape = (positive("in_channels", in_channels), *pair("input_size", input_size))
    walked = []
    for stage in stages:
        layers: list[LayerCost] = []
        out = _through(stage.steps, shape, stage.row, bias, norm, layers)
        walked.append(Walked(stage.row, shape, out, layers))
        if not stage.aside:
            shape = out
    return walked


def layer_costs(walked: Iterable[Walked]) -> list[LayerCost]:
    """Return the layers of all stages in one list."""
    return [layer for stage in rows("walked", walked, Walked, empty=True) for layer in stage.layers]


def _through(
    steps: Sequence[Step], shape: Shape, row: str, bias: bool, norm: bool, layers: list[LayerCost]
) -> Shape:
    """Append the layers of `steps` to `layers`; return the shape that leaves them."""
    for step in steps:
        if isinstance(step, Parallel):
            shape = _joined(
                row, {name: _through(b, shape, row, bias, norm, layers) for name, b in step.branches.items()}
            )
        else:
            for layer in _layers(step, shape, row, bias, norm):
                layers.append(layer)
            shape = _output_shape(step, shape)
    return shape


def _joined(row: str, shapes: Mapping[str, Shape]) -> Shape:
    if len({shape[1:] for shape in shapes.values()}) != 1:
        grids = ", ".join(f"{name} {'×'.join(map(str, shape[1:]))}" for name, shape in shapes.items())
        raise ValueError(f"the branches of {row!r} give different grids and cannot be joined: {grids}")
    return (sum(shape[0] for shape in shapes.values()), *next(iter(shapes.values()))[1:])


def _conv_cost(step: Conv, shape: Shape, bias: bool) -> Cost:
    kernel = pair("kernel_size", step.kernel_size)
    padding = (kernel[0] // 2, kernel[1] // 2) if step.padding is None else step.padding
    return conv2d(
        shape[0],
        step.out_channels,
        kernel,
        shape[1:],
        stride=step.stride,
        padding=padding,
        groups=step.groups,
        bias=bias,
    )


def _output_shape(step: Step, shape: Shape) -> Shape:
    if isinstance(step, Conv):
        return _conv_cost(step, shape, False).output_shape
    if isinstance(step, (Dense, Distances)):
        return (positive("out_features", step.out_features),)
    if isinstance(step, Select):
        wrong = [channel for channel in step.channels if integer("a channel", channel) not in range(shape[0])]
        if wrong or not step.channels:
            raise ValueError(f"channels to select must lie in 0 to {shape[0] - 1}, got {step.channels!r}")
        return (len(step.channels), *shape[1:])
    if isinstance(step, GlobalPool):
        return (shape[0], *pair("size", step.size))
    one_of("kind", step.kind, ("max", "avg"))
    geometry = {"stride": step.stride, "padding": step.padding, "ceil_mode": step.ceil_mode}
    return pool2d(shape[0], step.kernel_size, shape[1:], **geometry).output_shape


def _layers(step: Step, shape: Shape, row: str, bias: bool, norm: bool) -> Iterator[LayerCost]:
    if isinstance(step, Conv):
        normed = norm if step.norm is None else step.norm
        biased = (bias and not normed) if step.bias is None else step.bias
        cost = _conv_cost(step, shape, biased)
        yield LayerCost(row, step.name, pair("kernel_size", step.kernel_size), shape[0], cost)
        if normed:
            after = batch_norm(cost.output_shape[0], cost.output_shape[1:])
            yield LayerCost(row, f"{step.name}_norm", None, cost.output_shape[0], after)
    elif isinstance(step, Dense):
        inputs = 1
        for size in shape:
            inputs *= size
        if step.in_features not in (None, inputs):
            raise ValueError(
                f"dense layer {step.name!r} takes {step.in_features} inputs, got {inputs} from a map of "
                f"{'×'.join(map(str, shape))}; use another input size"
            )
        yield LayerCost(row, step.name, None, inputs, linear(inputs, step.out_features, bias=bias))


def scale_channels(channels: int, width: float) -> int:
    """Return `channels` times `width`, rounded to a multiple of 8 and at least 8; at width 1 unchanged.

    Raises:
        ValueError: a width that is not above 0, or not finite.
        TypeError: a width that is no number.
    """
    if not number("width", width) > 0:
        raise ValueError(f"width must be above 0, got {width}; 0.5 halves every number of channels")
    channels = positive("channels", channels)
    number("channels", channels)
    return channels if width == 1 else max(8, 8 * round(number("channels times width", channels * width) / 8))


class InputSizes(NamedTuple):
    """The heights and widths, in pixels, that a network takes."""

    smallest: int
    largest: int | None
    """None where there is no limit."""


def input_sizes(stages: Sequence[Stage], in_channels: int) -> InputSizes:
    """Return the range of square inputs for which every layer of `stages` has an output.

    Auxiliary heads do not count: they are not used at inference.

    Raises:
        ValueError: no input of up to 4096 pixels works.
    """
    main = [stage for stage in _checked(stages) if not stage.aside]
    smallest = next((size for size in range(1, 4097) if _works(main, in_channels, size)), None)
    if smallest is None:
        raise ValueError("stages take no input of up to 4096 pixels; check the in_features of dense layers")
    if not any(isinstance(step, Dense) and step.in_features for stage in main for step in stage.steps):
        return InputSizes(smallest, None)
    beyond = next(size for size in itertools.count(smallest) if not _works(main, in_channels, size))
    return InputSizes(smallest, beyond - 1)


def _works(stages: Sequence[Stage], in_channels: int, size: int) -> bool:
    try:
        _walk(stages, in_channels, size, bias=True, norm=False)
    except ValueError:
        return False
    return True
