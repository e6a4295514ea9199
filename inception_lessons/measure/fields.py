"""Follows one output position back to the input positions it depends on, exactly, through any branches.

A forward pass on shapes records, for every tensor, which of its dimensions is which axis of the image and
what it was made from. Then one sweep from the output to the input asks each operator, axis by axis, which
interval of its input an interval of its output needs. Where branches meet, the intervals' hull is taken.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inception_lessons._check import one_of
from inception_lessons.measure.operators import Operator
from inception_lessons.measure.tracing import CannotMeasureError, Frame, Tracer, network, trace

Interval = tuple[int, int]
"""First and last position, both included. An empty interval has its last before its first."""
Step = Callable[[int, int], Interval]
"""From an interval of an operator's output to the interval of its input that it needs, along one axis."""

Dim = int | tuple | None
"""What a tensor's dimension is: an axis of the image, nothing of it, or several merged: ((axis, size), …)."""

EMPTY = (0, -1)


class ReceptiveField(NamedTuple):
    """The input positions that one output position depends on; each pair is (height, width) for images.

    Coordinates count input positions from 0 at the top left; they may lie outside the image, in the padding.
    """

    module: str
    """Path of the module whose output was followed."""
    grid: tuple[int, ...]
    """Output positions per axis."""
    position: tuple[int, ...]
    """The output position followed: the middle one."""
    size: tuple[int, ...]
    """Input positions per axis, as if the image and all maps went on for ever."""
    jump: tuple[float, ...]
    """Input positions from one output position's field to the next one's."""
    centre: tuple[float, ...]
    """Middle of the field; `(size - 1) / 2` further than its first position."""
    first_centre: tuple[float, ...]
    """Middle of the field of output position 0."""
    visible: tuple[Interval, ...]
    """First and last position inside the image that really reach the output."""


def receptive_field(module: nn.Module, input, output: str | None = None) -> ReceptiveField:
    """Return the receptive field of the middle position of a feature map.

    All channels are taken together. The module is followed as in evaluation mode, where batch norm looks at
    one position at a time. Global pooling sees its whole input whatever the position, so its jump is 0.

    Args:
        input: the image batch or its shape, such as `(1, 3, 224, 224)`: batch, channels, one axis or more.
        output: path of the module whose output is followed, such as `"inception3a"`. Without it, the module's
            own output if that still has the image's axes, otherwise the last map with more than one position.

    Raises:
        TypeError: `module` is no module.
        ValueError: the input has no grid, the module refuses it, or no module has the path `output`.
        CannotMeasureError: an operator mixes positions in a way that can't be followed; names it and its
            module.
    """
    root = network(module)
    tracer = _FieldTracer(root)
    if output is not None:
        one_of("output", output, tracer.outputs_wanted)
    result = trace(tracer, root, (input,), training=False)
    target = tracer.target(output, result)
    grid = tuple(target.sizes[axis] for axis in tracer.axes)
    middle = tuple(size // 2 for size in grid)

    def field(position: Sequence[int], clip: bool = False) -> list[Interval]:
        return tracer.sweep(target, position, clip)

    seen, first = field(middle), field([0] * len(grid))
    after = field([m + 1 if size == 1 else size - 1 for m, size in zip(middle, grid, strict=True)])
    steps = [1 if size == 1 else size - 1 for size in grid]
    jumps = [(_centre(b) - _centre(a)) / step for a, b, step in zip(first, after, steps, strict=True)]
    return ReceptiveField(
        module=target.module if output is None else output,
        grid=grid,
        position=middle,
        size=tuple(last - start + 1 for start, last in seen),
        jump=tuple(_number(jump) for jump in jumps),
        centre=tuple(_number(_centre(interval)) for interval in seen),
        first_centre=tuple(_number(_centre(interval)) for interval in first),
        visible=tuple(field(middle, clip=True)),
    )


def _centre(interval: Interval) -> Fraction:
    return Fraction(interval[0] + interval[1], 2)


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


# -- recording the forward pass ----------------------------------------------------------------------


class _Node:
    """A tensor: which dimension is which axis of the image, and what it was made from."""

    __slots__ = ("dims", "index", "module", "shape", "sizes", "sources")

    def __init__(self, index: int, tensor: Tensor, dims: list[Dim], sources: "Sources", module: str):
        self.index, self.shape, self.module = index, tuple(tensor.shape), module
        self.dims, self.sources = dims, sources
        factors = [factor for dim in range(len(dims)) for factor in self.factors(dim)]
        self.sizes = {axis: size for axis, size in factors if axis is not None}
        """Extent of each axis that the tensor still has."""

    def factors(self, dim: int) -> tuple[tuple[int | None, int], ...]:
        """Return the axes and sizes that a dimension is the product of."""
        merged = self.dims[dim]
        return merged if isinstance(merged, tuple) else ((merged, self.shape[dim]),)

    def axes(self, dims) -> list[int]:
        """Return the image's axes among some dimensions."""
        return [axis for dim in dims for axis, _ in self.factors(dim) if axis is not None]


Sources = list[tuple[_Node, dict[int, Step]]]
"""The tensors that one was made from, each with its steps; an axis without a step keeps its positions."""


class _Followed(NamedTuple):
    """What an operator's rule says: the axes of the output's dimensions, and the steps back to its inputs."""

    dims: list[Dim]
    sources: Sources


class _FieldTracer(Tracer):
    def __init__(self, module: nn.Module):
        super().__init__(module)
        self.outputs_wanted = [frame.name for frame in self.frames.values()]
        self.nodes: list[_Node] = []
        self._known: dict[int, tuple[Tensor, _Node]] = {}  # holds the tensors, so that no id is used twice
        self._returned: dict[str, object] = {}

    def begin(self, inputs: tuple, kwargs: dict) -> None:
        image = inputs[0]
        if not isinstance(image, Tensor) or image.dim() < 3:
            shape = tuple(image.shape) if isinstance(image, Tensor) else image
            raise ValueError(f"input must have batch, channels and at least one axis, got {shape}")
        self.axes = range(image.dim() - 2)
        self._add(image, [None, None, *self.axes], [])

    def node(self, tensor) -> _Node | None:
        known = self._known.get(id(tensor)) if isinstance(tensor, Tensor) else None
        return known[1] if known else None

    def _add(self, tensor: Tensor, dims: list[Dim], sources: Sources) -> None:
        node = _Node(len(self.nodes), tensor, dims, sources, self.frame.name)
        self.nodes.append(node)
        self._known[id(tensor)] = (tensor, node)

    def returned(self, frame: Frame, out) -> None:
        self._returned[frame.name] = out

    def observe(self, operator: Operator, overload, args, kwargs, out) -> None:
        base = operator.name.removeprefix("aten.").removesuffix("_")
        tensors = [t for t in _flat(args) if self.node(t)]
        if not tensors:
            return
        pointwise = torch.Tag.pointwise in overload.tags or base in _POINTWISE
        rule = _RULES.get(base) or (_pointwise if pointwise else None)
        followed = rule(self, args, kwargs, out) if rule else None
        if followed is None or (operator.mutates and self._changes_others(args[0], tensors)):
            raise CannotMeasureError(
                f"{self.frame} calls {operator.name} on {[tuple(t.shape) for t in tensors]}, which mixes "
                "positions in a way that receptive_field can't follow; name a module before it as output"
            )
        for tensor, (dims, sources) in zip(_flat([out]), _per_output(followed, out), strict=False):
            self._add(tensor, dims, sources)

    def _changes_others(self, changed: Tensor, tensors: list[Tensor]) -> bool:
        """Whether a change in place brings new positions into memory that other tensors share."""
        if all(t is changed for t in tensors):
            return False
        storage = changed.untyped_storage()
        others = (t for t, _ in self._known.values() if t is not changed)
        partial = changed.numel() * changed.element_size() < storage.nbytes()
        return partial or any(t.untyped_storage()._cdata == storage._cdata for t in others)

    # -- choosing the output, going back to the input --------------------------------------------------

    def target(self, output: str | None, result) -> _Node:
        """Return the node of a module's output, or of the last feature map."""
        if output is not None and output not in self._returned:
            raise ValueError(f"output {output!r} names a module that the forward pass does not call")
        tensors = _flat([result if output is None else self._returned[output]])
        node = next((self.node(t) for t in tensors if self.node(t)), None)
        if output is not None and not (node and self._is_map(node)):
            raise ValueError(f"output {output!r} has no grid (flattened or pooled); name a module before it")
        if node and self._is_map(node) and (output is not None or math.prod(node.sizes.values()) > 1):
            return node
        maps = [n for n in self.nodes[1:] if self._is_map(n) and math.prod(n.sizes.values()) > 1]
        if not maps:
            raise ValueError("no feature map with more than one position; name a module as output")
        return maps[-1]

    def _is_map(self, node: _Node) -> bool:
        return all(axis in node.dims for axis in self.axes)

    def sweep(self, target: _Node, position: Sequence[int], clip: bool) -> list[Interval]:
        """Return, for each axis, the interval of the input that one position of the target needs."""
        axes = len(position)
        needed: dict[int, list[Interval]] = {target.index: [(p, p) for p in position]}
        for node in reversed(self.nodes[1 : target.index + 1]):
            wanted = needed.pop(node.index, None)
            if wanted is None:
                continue
            for source, steps in node.sources:
                asked = [_back(node, source, steps, axis, wanted[axis], clip) for axis in range(axes)]
                before = needed.get(source.index)
                needed[source.index] = asked if before is None else list(map(_hull, before, asked))
        return needed.get(0, [EMPTY] * axes)


def _back(
    node: _Node, source: _Node, steps: dict[int, Step], axis: int, wanted: Interval, clip: bool
) -> Interval:
    if axis not in source.sizes:
        return EMPTY
    size = source.sizes[axis]
    if axis not in node.sizes and axis not in steps:
        return 0, size - 1
    if wanted[1] < wanted[0]:
        return EMPTY
    start, last = steps[axis](*wanted) if axis in steps else wanted
    return (max(start, 0), min(last, size - 1)) if clip else (start, last)


def _hull(a: Interval, b: Interval) -> Interval:
    if a[1] < a[0]:
        return b
    return a if b[1] < b[0] else (min(a[0], b[0]), max(a[1], b[1]))


def _flat(values) -> list[Tensor]:
    leaves = torch.utils._pytree.tree_leaves(values)
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _per_output(followed, out) -> list[_Followed]:
    """A rule gives one answer per output tensor, or one for the first and only meaningful output."""
    return followed if isinstance(followed, list) else [followed]


# -- one rule per operator: (tracer, args, kwargs, out) -> _Followed, or None if it can't be followed ------


def _constant(start: int, last: int) -> Step:
    return lambda a, b: (start, last)


def _whole(node: _Node, axis: int) -> Step:
    return _constant(0, node.sizes[axis] - 1)


def _pointwise(tracer, args, kwargs, out):
    """Same position in, same position out; an input of size 1 along an axis serves every position."""
    dims: list[Dim] = [None] * out.dim()
    sources = []
    for node in filter(None, map(tracer.node, _flat([*args, *kwargs.values()]))):
        offset = out.dim() - len(node.dims)
        stretched = [dim for dim, size in enumerate(node.shape) if size != out.shape[dim + offset]]
        for dim, kept in enumerate(node.dims):
            if kept is not None and dim not in stretched:
                if dims[dim + offset] not in (None, kept):
                    return None
                dims[dim + offset] = kept
        sources.append((node, {axis: _constant(0, 0) for axis in node.axes(stretched)}))
    return _Followed(dims, sources)


def _each(values: Sequence[int] | int, axes: int) -> list[int]:
    values = [values] if isinstance(values, int) else list(values)
    return values * axes if len(values) == 1 else values


def _window(tracer, x: Tensor, steps: list[Step]):
    """An operator whose last dimensions slide a window: one step for each of them."""
    node = tracer.node(x)
    last = node.dims[len(node.dims) - len(steps) :]
    if any(isinstance(dim, tuple) for dim in node.dims):
        return None
    on_axes = {axis: step for axis, step in zip(last, steps, strict=True) if axis is not None}
    return _Followed(list(node.dims), [(node, on_axes)])


def _sliding(kernel: int, stride: int, padding: int, dilation: int) -> Step:
    return lambda a, b: (a * stride - padding, b * stride - padding + dilation * (kernel - 1))


def _spreading(kernel: int, stride: int, padding: int, dilation: int) -> Step:
    """Transposed: output o gets input i through tap j where o = i·stride − padding + j·dilation."""

    def step(a: int, b: int) -> Interval:
        ends = {*range(a, min(a + stride, b + 1)), *range(max(b - stride + 1, a), b + 1)}
        taps = [o + padding - dilation * j for o in ends for j in range(kernel)]
        inputs = [tap // stride for tap in taps if tap % stride == 0]
        return (min(inputs), max(inputs)) if inputs else EMPTY

    return step


def _convolution(tracer, args, kwargs, out):
    x, weight, _, stride, padding, dilation, transposed = args[:7]
    node = tracer.node(x)
    if node is None or tracer.node(weight) or node.dims[1] is not None:
        return None
    kernels = weight.shape[2:]
    axes = len(kernels)
    make = _spreading if transposed else _sliding
    settings = zip(kernels, _each(stride, axes), _each(padding, axes), _each(dilation, axes), strict=True)
    return _window(tracer, x, [make(*one) for one in settings])


def _pool(has_dilation: bool) -> Callable:
    def rule(tracer, args, kwargs, out):
        x, kernel, *rest = args
        axes = len(kernel)
        stride = _each((rest[0] if rest else None) or kernel, axes)
        padding = _each(rest[1], axes) if len(rest) > 1 else [0] * axes
        dilation = _each(rest[2], axes) if has_dilation and len(rest) > 2 else [1] * axes
        settings = zip(_each(kernel, axes), stride, padding, dilation, strict=True)
        return _window(tracer, x, [_sliding(*one) for one in settings])

    return rule


def _adaptive_pool(tracer, args, kwargs, out):
    x, sizes = args[0], args[1]
    out = out if isinstance(out, Tensor) else out[0]
    given = x.shape[-len(sizes) :]
    steps = [_adaptive(n, m) for n, m in zip(given, out.shape[-len(sizes) :], strict=True)]
    return _window(tracer, x, steps)


def _adaptive(size: int, outputs: int) -> Step:
    if outputs == 1:
        return _constant(0, size - 1)
    return lambda a, b: (a * size // outputs, -(-(b + 1) * size // outputs) - 1)


def _nearest(tracer, args, kwargs, out):
    """Output o is a copy of input ⌊o · input size / output size⌋."""
    sizes = _resized(args[0], out, args[2:])
    return sizes and _window(tracer, args[0], [_copying(Fraction(n, m)) for n, m in sizes])


def _copying(ratio: Fraction) -> Step:
    return lambda a, b: (math.floor(a * ratio), math.floor(b * ratio))


def _linear_resize(tracer, args, kwargs, out):
    """Bilinear and its kin: between the two inputs around the place that the output position falls on."""
    sizes = _resized(args[0], out, args[3:])
    return sizes and _window(tracer, args[0], [_blending(n, m, align_corners=args[2]) for n, m in sizes])


def _resized(x: Tensor, out: Tensor, scales) -> list[tuple[int, int]] | None:
    """Return input and output size per axis; None if a given scale, which then rules, is not their ratio."""
    axes = x.dim() - 2
    sizes = list(zip(x.shape[-axes:], out.shape[-axes:], strict=True))
    given = [scale for scale in torch.utils._pytree.tree_leaves(list(scales)) if scale is not None]
    return None if any(n * scale != m for (n, m), scale in zip(sizes, given, strict=False)) else sizes


def _blending(size: int, outputs: int, align_corners: bool) -> Step:
    ratio = Fraction(size - 1, max(outputs - 1, 1)) if align_corners else Fraction(size, outputs)
    half = Fraction(0) if align_corners else Fraction(1, 2)

    def step(a: int, b: int) -> Interval:
        return math.floor((a + half) * ratio - half), math.ceil((b + half) * ratio - half)

    return step


def _pad(tracer, args, kwargs, out):
    node, pads = tracer.node(args[0]), args[1]
    padded = {len(node.dims) - 1 - i: pads[2 * i] for i in range(len(pads) // 2)}
    if any(isinstance(node.dims[dim], tuple) for dim in padded):
        return None
    steps = {axis: _shift(-left) for dim, left in padded.items() for axis in node.axes([dim])}
    return _Followed(list(node.dims), [(node, steps)])


def _shift(by: int) -> Step:
    return lambda a, b: (a + by, b + by)


def _shuffle(tracer, args, kwargs, out):
    factor = args[1]
    return _window(tracer, args[0], [lambda a, b: (a // factor, b // factor)] * 2)


def _unshuffle(tracer, args, kwargs, out):
    factor = args[1]
    steps = [lambda a, b: (a * factor, b * factor + factor - 1)] * 2
    return _window(tracer, args[0], steps)


def _cat(tracer, args, kwargs, out):
    dim = (args[1] if len(args) > 1 else 0) % out.dim()
    nodes = [node for node in map(tracer.node, args[0]) if node]
    dims = nodes[0].dims
    if any(node.dims != dims or node.dims[dim] is not None for node in nodes):
        return None
    return _Followed(list(dims), [(node, {}) for node in nodes])


def _stack(tracer, args, kwargs, out):
    dim = (args[1] if len(args) > 1 else 0) % out.dim()
    nodes = [node for node in map(tracer.node, args[0]) if node]
    if any(node.dims != nodes[0].dims for node in nodes):
        return None
    dims = list(nodes[0].dims)
    dims.insert(dim, None)
    return _Followed(dims, [(node, {}) for node in nodes])


def _batch_norm(tracer, args, kwargs, out):
    """On running statistics, position by position; on those of the data itself, over the whole grid."""
    node = tracer.node(args[0])
    whole = {axis: _whole(node, axis) for axis in node.sizes}
    return _Followed(list(node.dims), [(node, whole if args[5] else {})])


def _layer_norm(tracer, args, kwargs, out):
    return _over(tracer, args[0], range(-len(args[1]), 0))


def _group_norm(tracer, args, kwargs, out):
    return _over(tracer, args[0], range(2, args[0].dim()))


def _softmax(tracer, args, kwargs, out):
    return _over(tracer, args[0], [args[1]])


def _over(tracer, x: Tensor, dims):
    """Every position along `dims` needs all of them."""
    node = tracer.node(x)
    return _Followed(list(node.dims), [(node, {axis: _whole(node, axis) for axis in node.axes(dims)})])


def _reduce(tracer, args, kwargs, out):
    """A sum, mean or extreme over dimensions: their axes are gone, and all of them is needed."""
    node, first = tracer.node(args[0]), _flat([out])[0]
    dims = args[1] if len(args) > 1 else kwargs.get("dim")
    every = range(len(node.dims))
    gone = {dim % len(node.dims) for dim in _each(dims, 1)} if dims not in (None, []) else set(every)
    kept = [None if dim in gone else axis for dim, axis in enumerate(node.dims)]
    if first.dim() < len(kept):
        kept = [axis for dim, axis in enumerate(kept) if dim not in gone]
    answer = _Followed(kept, [(node, {})])
    return [answer] * len(_flat([out]))


def _matrix(first: int) -> Callable:
    """A matrix product of args[first] and args[first + 1]: rows from one, columns from the other."""

    def rule(tracer, args, kwargs, out):
        a, b = tracer.node(args[first]), tracer.node(args[first + 1])
        dims: list[Dim] = [None] * out.dim()
        if a:
            dims[:-1] = a.dims[:-1]
        if b:
            if any(axis not in (None, mine) for axis, mine in zip(b.dims[:-2], dims[:-2], strict=True)):
                return None
            dims[-1] = b.dims[-1]
        rows = a.axes(range(len(a.dims) - 1)) if a else []
        columns = b.axes([-1]) if b else []
        if set(rows) & set(columns) or (first and tracer.node(args[0])):
            return None
        summed = [(node, node.axes([dim])) for node, dim in ((a, -1), (b, -2)) if node]
        return _Followed(dims, [(node, {axis: _whole(node, axis) for axis in axes}) for node, axes in summed])

    return rule


def _permute(tracer, args, kwargs, out):
    node = tracer.node(args[0])
    return _Followed([node.dims[dim] for dim in args[1]], [(node, {})])


def _transpose(tracer, args, kwargs, out):
    node = tracer.node(args[0])
    dims = list(node.dims)
    i, j = args[1:3] if len(args) > 1 else (0, len(dims) - 1)
    dims[i], dims[j] = dims[j], dims[i]
    return _Followed(dims, [(node, {})])


def _reshape(tracer, args, kwargs, out):
    """Dimensions may be merged and taken apart again; an axis of the image itself may not be cut."""
    node = tracer.node(args[0])
    factors = [factor for dim in range(len(node.dims)) for factor in node.factors(dim) if factor[1] > 1]
    dims: list[Dim] = []
    for size in out.shape:
        taken, product = [], 1
        while product < size:
            axis, extent = factors.pop(0)
            if size % (product * extent):  # only part of this factor belongs here
                part = size // product
                if axis is not None or extent % part:
                    return None
                factors.insert(0, (None, extent // part))
                extent = part
            taken.append((axis, extent))
            product *= extent
        if all(axis is None for axis, _ in taken):
            dims.append(None)
        else:
            dims.append(taken[0][0] if len(taken) == 1 else tuple(taken))
    lost = [axis for axis, size in node.sizes.items() if size == 1]
    return _Followed(dims, [(node, {axis: _constant(0, 0) for axis in lost})])


def _restride(tracer, args, kwargs, out):
    """The same positions laid out in another order in memory."""
    return _pointwise(tracer, args, kwargs, out) if args[0].shape == out.shape else None


def _select(tracer, args, kwargs, out):
    """Take one index of a dimension, which goes."""
    node, dim, index = tracer.node(args[0]), args[1], args[2]
    dim, axis = dim % len(node.dims), node.dims[dim % len(node.dims)]
    if isinstance(axis, tuple):
        return None
    index = index % node.shape[dim]
    steps = {} if axis is None else {axis: _constant(index, index)}
    return _Followed([a for i, a in enumerate(node.dims) if i != dim], [(node, steps)])


def _slice(tracer, args, kwargs, out):
    node = tracer.node(args[0])
    dim, start, _, step = [*args[1:], *(0, None, None, 1)[len(args) - 1 :]]
    axis, size = node.dims[dim], node.shape[dim]
    if isinstance(axis, tuple):
        return None
    begin = 0 if start is None else max(start + size if start < 0 else start, 0)
    steps = {} if axis is None else {axis: lambda a, b: (begin + a * step, begin + b * step)}
    return _Followed(list(node.dims), [(node, steps)])


def _split(tracer, args, kwargs, out):
    node, dim = tracer.node(args[0]), args[2] if len(args) > 2 else 0
    if node.dims[dim] is not None:
        return None
    return [_Followed(list(node.dims), [(node, {})]) for _ in out]


def _unbind(tracer, args, kwargs, out):
    node, dim = tracer.node(args[0]), (args[1] if len(args) > 1 else 0) % args[0].dim()
    if node.dims[dim] is not None:
        return None
    return [_Followed([a for i, a in enumerate(node.dims) if i != dim], [(node, {})]) for _ in out]


_POINTWISE_NAMES = """
    clone _to_copy detach alias lift_fresh copy dropout native_dropout hardswish rsub prelu _prelu_kernel celu
    selu elu softplus threshold masked_fill where expand zeros_like ones_like empty_like full_like fill zero
    bernoulli
    """
_POINTWISE = frozenset(_POINTWISE_NAMES.split())

_RULES: dict[str, Callable] = {
    "convolution": _convolution,
    "max_pool2d_with_indices": _pool(has_dilation=True),
    "max_pool3d_with_indices": _pool(has_dilation=True),
    "avg_pool1d": _pool(has_dilation=False),
    "avg_pool2d": _pool(has_dilation=False),
    "avg_pool3d": _pool(has_dilation=False),
    "_adaptive_avg_pool2d": _adaptive_pool,
    "_adaptive_avg_pool3d": _adaptive_pool,
    "adaptive_max_pool2d": _adaptive_pool,
    "adaptive_max_pool3d": _adaptive_pool,
    **dict.fromkeys(["upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"], _nearest),
    **dict.fromkeys(["upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"], _linear_resize),
    "constant_pad_nd": _pad,
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _unshuffle,
    "cat": _cat,
    "stack": _stack,
    "native_batch_norm": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "_softmax": _softmax,
    "_log_softmax": _softmax,
    "_safe_softmax": _softmax,
    **dict.fromkeys(["mean", "sum", "amax", "amin", "linalg_vector_norm", "var_mean", "var"], _reduce),
    "mm": _matrix(0),
    "bmm": _matrix(0),
    "addmm": _matrix(1),
    "baddbmm": _matrix(1),
    "permute": _permute,
    "transpose": _transpose,
    "t": _transpose,
    **dict.fromkeys(["view", "_unsafe_view", "_reshape_alias", "unsqueeze", "squeeze"], _reshape),
    "as_strided": _restride,
    "select": _select,
    "slice": _slice,
    "split": _split,
    "split_with_sizes": _split,
    "unbind": _unbind,
}
