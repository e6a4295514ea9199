"""Counts parameters, MACs and activations of any module, layer by layer."""

from collections.abc import Callable, Mapping

from torch import nn

from inception_lessons._check import mapping
from inception_lessons.measure.report import Report, Row, Uncounted
from inception_lessons.measure.tracing import Frame, Tracer, network, trace


def measure(
    module: nn.Module,
    *inputs,
    kwargs: Mapping[str, object] | None = None,
    formulas: Mapping[str, Callable[..., int]] | None = None,
) -> Report:
    """Count what one forward pass of `module` costs, layer by layer, without doing the arithmetic.

    Convolutions and matrix products do MACs (`torch.utils.flop_counter` counts two FLOPs for each); bias,
    pooling, normalisation, activation functions and concatenation do none. Functional calls (`F.conv2d`,
    `torch.cat`, `@`) belong to the module whose `forward` makes them. A module called twice costs its MACs
    twice and its parameters once. Counts are for the whole batch given: use batch 1 for one image.

    The module keeps its mode: GoogLeNet in training mode runs its auxiliary heads, in evaluation mode it
    does not. Nothing in it changes: weights, buffers, attributes, hooks and random state are as before. Its
    own hooks run, and see tensors without numbers.

    Args:
        inputs: what `forward` takes: tensors, or shapes such as `(1, 3, 224, 224)`, which stand for a
            tensor of the module's own floating type. Containers of both, numbers and None are passed on.
        kwargs: keyword arguments of `forward`.
        formulas: MACs of operators that the report names as uncounted, as in
            `{"mylib.sparse_conv": lambda x, weight, out: out.numel() * weight.shape[1]}`.

    Raises:
        TypeError: `module` is no module, or a size is no integer.
        ValueError: no input, a size below 1, or the module refuses the input; names the inner module and the
            shape.
        CannotMeasureError: the forward pass reads numbers out of its data, or calls an operator that has no
            shape rule.
    """
    root = network(module)
    if not inputs and (kwargs is None or not mapping("kwargs", kwargs)):
        raise ValueError("measure needs an input: a tensor or a shape, as in measure(net, (1, 3, 224, 224))")
    tracer = Tracer(root, formulas)
    trace(tracer, root, inputs, kwargs)
    uncalled = [frame for frame in tracer.frames.values() if not frame.calls]
    return _report(root, tracer.order + uncalled)


def _report(root: nn.Module, frames: list[Frame]) -> Report:
    counted: set[int] = set()
    rows, uncounted, trainable = [], [], 0
    for frame in frames:
        own = {id(p): p for p in frame.module._parameters.values() if p is not None and id(p) not in counted}
        sizes = {key: p.numel() for key, p in own.items()}
        counted.update(own)
        trainable += sum(sizes[key] for key, p in own.items() if p.requires_grad)
        uncounted += [Uncounted(frame.name, operator, calls) for operator, calls in frame.unknown.items()]
        rows.append(
            Row(
                name=frame.name,
                type=type(frame.module).__name__,
                input_shape=frame.input_shape,
                output_shape=frame.output_shape,
                parameters=sum(sizes.values()),
                macs=None if frame.unknown else frame.macs,
                activations=frame.activations,
                calls=frame.calls,
            )
        )
    return Report(tuple(rows), trainable, tuple(uncounted), counted_macs=sum(frame.macs for frame in frames))
