"""Runs a module on shapes alone: no arithmetic, nothing changed in the module.

The input lies on torch's meta device, which has shapes and no numbers. A `TorchDispatchMode` sees every
operator that a forward pass calls, works out the output's shape, and knows which module's forward is
running. Weights stay where they are: layers of `torch.nn` whose operators look at nothing but a weight's
shape are used as they stand, and every other module sees meta copies of its own for the while.
"""

import math
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from inception_lessons._check import LARGEST, mapping, size
from inception_lessons.measure.operators import META, Operator, describe

SMALL = 4096
"""Constants of at most this many elements, which a forward makes or a buffer holds, keep their values."""

_SHAPE_ONLY = frozenset(
    {
        nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
        nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.Linear, nn.Embedding,
        nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid, nn.Tanh, nn.Softmax,
        nn.Dropout, nn.Dropout2d, nn.Identity, nn.Flatten, nn.LocalResponseNorm, nn.MaxPool2d, nn.AvgPool2d,
        nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
        nn.Sequential, nn.ModuleList, nn.ModuleDict,
    }
)  # fmt: skip

_LEFT_ALONE = frozenset({bool, int, float, str, type(None), set, tuple, OrderedDict})
"""Types of attributes that hold no weights, sorted out first for speed."""


class CannotMeasureError(RuntimeError):
    """The forward pass needs more than shapes, or an operator that nothing is known of."""


class Frame:
    """What one module did itself, the modules inside it left out."""

    __slots__ = ("activations", "calls", "input_shape", "macs", "module", "name", "output_shape", "unknown")

    def __init__(self, name: str, module: nn.Module):
        self.name, self.module = name, module
        self.calls = self.macs = self.activations = 0
        self.input_shape = self.output_shape = None
        self.unknown: dict[str, int] = {}

    def __str__(self) -> str:
        kind = type(self.module).__name__
        return f"{self.name} ({kind})" if self.name else kind


class Tracer(TorchDispatchMode):
    """Follows one forward pass, operator by operator; `frames` holds what each module did."""

    def __init__(self, module: nn.Module, formulas: Mapping[str, Callable] | None = None):
        super().__init__()
        self.formulas = {} if formulas is None else mapping("formulas", formulas)
        self.frames = {part: Frame(name, part) for name, part in module.named_modules()}
        refuse_lazy(self.frames)
        self.order: list[Frame] = []
        self.frame = self.root = self.frames[module]
        self.blamed: tuple[Frame, object] | None = None
        self._made: list[torch.UntypedStorage] = []
        self._changed_unseen: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch not to wrap `__torch_dispatch__` for its compiler, whose import takes seconds."""
        return False

    def begin(self, inputs: tuple, kwargs: Mapping) -> None:
        """Called with the inputs, as meta tensors, before the pass; for subclasses."""

    def observe(self, operator: Operator, overload, args: tuple, kwargs: dict, out) -> None:
        """Called after every operator; for subclasses."""

    def returned(self, frame: Frame, out) -> None:
        """Called with the output of every module; for subclasses."""

    def __torch_dispatch__(self, overload, types, args=(), kwargs=None):
        operator = describe(overload)
        out = None
        if operator.constant:
            out = self._constant(overload, args, kwargs or {})
        elif operator.shape is not None and not kwargs:
            out = operator.shape(*args)
        if out is None:
            if operator.composite and operator.macs is None and operator.name not in self.formulas:
                with self:
                    out = overload.decompose(*args, **(kwargs or {}))
                if out is not NotImplemented:
                    return out
            out = self._run(operator, overload, args, kwargs or {})
        self._count(operator, args, kwargs, out)
        self.observe(operator, overload, args, kwargs or {}, out)
        return out

    def _count(self, operator: Operator, args, kwargs, out) -> None:
        frame = self.frame
        formula = self.formulas.get(operator.name) if self.formulas else None
        if formula is not None:
            frame.macs += formula(*args, **(kwargs or {}), out=out)
        elif operator.macs is not None:
            frame.macs += operator.macs(args, out)
        elif not operator.free:
            frame.unknown[operator.name] = frame.unknown.get(operator.name, 0) + 1
        if operator.writes:
            result = out if isinstance(out, Tensor) else out[0] if out else None
            if isinstance(result, Tensor):
                frame.activations += result.numel()

    # -- operators without a shape rule of ours ----------------------------------------------------------

    def _run(self, operator: Operator, overload, args, kwargs):
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        real = not any(t.is_meta for t in tensors)
        if real and operator.view:
            return overload(*args, **kwargs)
        if real and self._may_run(operator, tensors):
            return self._keep(overload(*args, **_at_home(kwargs)))
        if operator.name in ("aten._local_scalar_dense", "aten.is_nonzero", "aten.equal"):
            raise self._needs_values(operator)
        return self._on_meta(operator, overload, args, kwargs)

    def _constant(self, overload, args, kwargs):
        """Make a constant for real if it is small and asked for on the CPU, so that it can be read later."""
        device = kwargs.get("device")
        if device is None or device == META:
            return overload(*args, **kwargs)
        unseen = overload(*args, **{**kwargs, "device": META, "pin_memory": None})
        small = isinstance(unseen, Tensor) and unseen.numel() <= SMALL and device.type == "cpu"
        return self._keep(overload(*args, **kwargs)) if small else unseen

    def _may_run(self, operator: Operator, tensors: list[Tensor]) -> bool:
        """Whether an operator on real tensors alone is small, and changes only what this pass has made."""
        if sum(t.numel() for t in tensors) > SMALL:
            return False
        storages = [t.untyped_storage()._cdata for t in tensors]
        if self._changed_unseen.intersection(storages):
            return False
        return not operator.mutates or storages[0] in {storage._cdata for storage in self._made}

    def _keep(self, out):
        self._made += [t.untyped_storage() for t in tree_leaves(out) if isinstance(t, Tensor)]
        return out

    def _on_meta(self, operator: Operator, overload, args, kwargs):
        metas: dict[int, Tensor] = {}

        def unseen(leaf):
            if not isinstance(leaf, Tensor) or leaf.is_meta:
                return leaf
            return metas.setdefault(id(leaf), torch.empty_like(leaf, device=META, requires_grad=False))

        meta_args, meta_kwargs = tree_map(unseen, (args, kwargs))
        if "device" in meta_kwargs:
            meta_kwargs["device"] = META
        if meta_kwargs.get("pin_memory"):
            meta_kwargs["pin_memory"] = False
        try:
            out = overload(*meta_args, **meta_kwargs)
        except NotImplementedError as error:
            if operator.reads_values:
                raise self._needs_values(operator) from error
            raise CannotMeasureError(
                f"{self.frame} calls {operator.name}, which has no shape rule (no meta kernel), so nothing "
                "after it can be measured; measure the modules before and after it by themselves"
            ) from error
        if not operator.mutates:
            return out
        originals = {id(metas[id(t)]): t for t in tree_leaves((args, kwargs)) if id(t) in metas}
        if isinstance(args[0], Tensor):
            self._changed_unseen.add(args[0].untyped_storage()._cdata)
            self._made.append(args[0].untyped_storage())
        return tree_map(lambda leaf: originals.get(id(leaf), leaf), out)

    def _needs_values(self, operator: Operator) -> CannotMeasureError:
        return CannotMeasureError(
            f"{self.frame} decides by the numbers in a tensor ({operator.name}: an .item(), an `if` or a "
            "mask on data), but measuring has shapes only; measure the modules before and after it alone"
        )


def _at_home(kwargs: dict) -> dict:
    """Return the keywords with a request for another device than the CPU dropped."""
    device = kwargs.get("device")
    return kwargs if device is None or device.type == "cpu" else {**kwargs, "device": None}


# -- one pass -----------------------------------------------------------------------------------------------


def trace(
    tracer: Tracer,
    module: nn.Module,
    inputs: tuple,
    kwargs: Mapping[str, object] | None = None,
    training: bool | None = None,
):
    """Run `module` on shapes under `tracer` and return its output, on the meta device.

    Args:
        training: run in training or in evaluation mode; None leaves each module in its own.

    Raises:
        CannotMeasureError: the forward pass needs values, or an operator without a shape rule.
        ValueError: the module refused the input; names the innermost module, its input and torch's own words.
    """
    dtype = _dtype(module)
    inputs = tuple(as_input(f"input {i}", value, dtype) for i, value in enumerate(inputs))
    given = {} if kwargs is None else mapping("kwargs", kwargs)
    kwargs = {name: as_input(name, value, dtype) for name, value in given.items()}
    tracer.begin(inputs, kwargs)
    with _untouched(tracer, training), torch.inference_mode(False), torch.no_grad(), tracer:
        try:
            return module(*inputs, **kwargs)
        except CannotMeasureError:
            raise
        except Exception as error:
            raise _refusal(tracer, error) from error


def network(module: object) -> nn.Module:
    """Return the module itself, out of `torch.compile`'s wrapper.

    Raises:
        TypeError: it is no module.
    """
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got the class {module.__name__}; make one first")
    if not isinstance(module, nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    return getattr(module, "_orig_mod", module)


def refuse_lazy(modules: Iterable[nn.Module]) -> None:
    """Raise a ValueError if a parameter has no shape yet."""
    for module in modules:
        for name, parameter in module._parameters.items():
            if nn.parameter.is_lazy(parameter):
                where = f"the {name} of a {type(module).__name__}"
                raise ValueError(f"{where} has no shape yet; run the module on a real input first")


def as_input(name: str, value: object, dtype: torch.dtype):
    """Return what a forward pass gets for `value`: tensors and shapes become meta tensors, the rest stays.

    Small integer tensors (indices, lengths) keep their values.

    Raises:
        TypeError: a size is no integer.
        ValueError: a size is below 1, or the shape is empty.
    """
    if isinstance(value, Tensor):
        if value.numel() == 0:
            raise ValueError(f"{name} has shape {tuple(value.shape)}; every size must be at least 1")
        if value.numel() <= SMALL and not (value.is_floating_point() or value.is_complex()):
            return value.detach().cpu() if not value.is_meta else value
        return torch.empty_like(value, device=META, requires_grad=False)
    if isinstance(value, Mapping):
        return {key: as_input(f"{name}[{key!r}]", item, dtype) for key, item in value.items()}
    if isinstance(value, tuple | list):
        if is_shape(value):
            return torch.empty(shape_sizes(name, value), dtype=dtype, device=META)
        items = [as_input(f"{name}[{i}]", item, dtype) for i, item in enumerate(value)]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def is_shape(value: tuple | list) -> bool:
    """Whether a sequence is a shape: no tensor, mapping, text or sequence in it."""
    return not any(isinstance(item, Tensor | Mapping | tuple | list | str) or item is None for item in value)


def shape_sizes(name: str, shape: tuple | list) -> tuple[int, ...]:
    """Return a shape's sizes, each at least 1.

    Raises:
        TypeError: a size is no integer.
        ValueError: a size is below 1, or there is none.
    """
    if not shape:
        raise ValueError(f"{name} is an empty shape; give batch, channels and grid, such as (1, 3, 224, 224)")
    sizes = tuple(size(f"{name} {tuple(shape)}: size {i}", item) for i, item in enumerate(shape))
    if math.prod(sizes) > LARGEST // 16:  # of complex numbers in double precision, 16 bytes each
        raise ValueError(f"{name} {sizes} is too large: it would have {math.prod(sizes):,} numbers")
    return sizes


def _dtype(module: nn.Module) -> torch.dtype:
    floating = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(floating, torch.get_default_dtype())


def shapes_of(value) -> tuple | None:
    """Return the shape of the only tensor in a value, a tuple of shapes of several, or None of none."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    shapes = tuple(tuple(leaf.shape) for leaf in tree_leaves(value) if isinstance(leaf, Tensor))
    return shapes[0] if len(shapes) == 1 else shapes or None


def _refusal(tracer: Tracer, error: Exception) -> Exception:
    frame, given = tracer.blamed or (tracer.root, None)
    shapes = shapes_of(given)
    kind = TypeError if isinstance(error, TypeError) else ValueError
    got = f"an input of shape {shapes}" if shapes else "its input"
    words = " ".join(str(error).split())
    return kind(
        f"{frame} refused {got}: {words}. Check the input's shape and type: batch first, then channels and "
        "grid, such as (1, 3, 224, 224); a shape stands for floating numbers, so give indices as a tensor"
    )


# -- leaving no trace --------------------------------------------------------------------------------


@contextmanager
def _untouched(tracer: Tracer, training: bool | None) -> Iterator[None]:
    """Let every module's forward report to the tracer; put attributes and random states back at the end."""
    saved = [(vars(module), dict(vars(module))) for module in tracer.frames]
    random_states = torch.get_rng_state(), random.getstate()
    unseen: dict[int, Tensor] = {}
    try:
        for module, frame in tracer.frames.items():
            attributes = vars(module)
            if training is not None:
                attributes["training"] = training
            if type(module) not in _SHAPE_ONLY:
                _hide_weights(attributes, tracer, unseen)
            elif module.training and attributes["_buffers"]:
                attributes["_buffers"] = _hidden(attributes["_buffers"], tracer, unseen)
            if not isinstance(module, torch.jit.ScriptModule):
                attributes["forward"] = _reporting(tracer, frame, module.forward)
            if "_compiled_call_impl" in attributes:
                attributes["_compiled_call_impl"] = None
        yield
    finally:
        for attributes, before in saved:
            attributes.clear()
            attributes.update(before)
        torch.set_rng_state(random_states[0])
        random.setstate(random_states[1])


def _hide_weights(attributes: dict, tracer: Tracer, unseen: dict[int, Tensor]) -> None:
    """Give a module meta copies of its weights and copies of its other containers."""
    for name, value in attributes.items():
        if type(value) in _LEFT_ALONE:
            continue
        if name == "_modules":
            attributes[name] = value.copy()
        elif type(value) in (dict, list) or isinstance(value, Tensor):
            attributes[name] = _hidden(value, tracer, unseen)


def _hidden(value, tracer: Tracer, unseen: dict[int, Tensor]):
    """Return tensors as meta tensors, small constants as real copies, and containers as copies."""
    if isinstance(value, Tensor):
        if id(value) not in unseen:
            unseen[id(value)] = _hidden_tensor(value, tracer)
        return unseen[id(value)]
    if type(value) is dict:
        return {key: _hidden(item, tracer, unseen) for key, item in value.items()}
    if type(value) is list:
        return [_hidden(item, tracer, unseen) for item in value]
    return value


def _hidden_tensor(value: Tensor, tracer: Tracer) -> Tensor:
    if isinstance(value, nn.Parameter):
        return nn.Parameter(torch.empty_like(value, device=META), requires_grad=value.requires_grad)
    if value.numel() <= SMALL and not value.is_meta:
        copy = value.detach().cpu().clone()
        tracer._keep(copy)
        return copy
    return torch.empty_like(value, device=META, requires_grad=False)


def _reporting(tracer: Tracer, frame: Frame, forward: Callable) -> Callable:
    def reporting_forward(*args, **kwargs):
        caller, tracer.frame = tracer.frame, frame
        frame.calls += 1
        first = frame.calls == 1
        if first:
            tracer.order.append(frame)
            frame.input_shape = shapes_of(args[0] if len(args) == 1 and not kwargs else (args, kwargs))
        try:
            out = forward(*args, **kwargs)
        except Exception:
            if tracer.blamed is None:
                tracer.blamed = frame, (args, kwargs)
            raise
        finally:
            tracer.frame = caller
        if first:
            frame.output_shape = shapes_of(out)
        tracer.returned(frame, out)
        return out

    return reporting_forward
