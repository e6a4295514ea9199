"""Times forward passes, of one module or of several in turn."""

import platform
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from inception_lessons._check import mapping, non_negative, positive
from inception_lessons.measure.tracing import is_shape, network, refuse_lazy, shape_sizes


class Timing(NamedTuple):
    """Seconds of one forward pass, and the conditions they hold under."""

    median: float
    lower: float
    """First quartile: a quarter of the passes took less."""
    upper: float
    """Third quartile."""
    repeats: int
    batch: int
    """Images per pass: the first size of the first input."""
    device: str
    """Name of the processor, with the number of threads torch uses on a CPU."""

    def __str__(self) -> str:
        low, middle, high = (f"{1000 * seconds:.2f}" for seconds in (self.lower, self.median, self.upper))
        return (
            f"{middle} ms (quartiles {low} to {high}), batch {self.batch}, "
            f"{self.repeats} passes, {self.device}"
        )


def time_module(module: nn.Module, *inputs, repeats: int = 20, warmup: int = 3) -> Timing:
    """Time one forward pass in inference: evaluation mode, no gradients; the module is as before afterwards.

    A time holds for one machine at one moment. To compare two modules use `compare_times`, which takes turns.

    Args:
        inputs: tensors, or shapes, which stand for normal noise of the module's floating type on its device.
        repeats: passes that are timed.
        warmup: passes before them that are not.

    Raises:
        TypeError: `module` is no module.
        ValueError: `repeats` below 1, `warmup` below 0, no input, or one that the module refuses.
    """
    return compare_times({"module": module}, *inputs, repeats=repeats, warmup=warmup)["module"]


def compare_times(
    modules: Mapping[str, nn.Module], *inputs, repeats: int = 20, warmup: int = 3
) -> dict[str, Timing]:
    """Time several modules on the same input, taking turns: a slow moment of the machine meets them all.

    Arguments and errors are those of `time_module`; `modules` maps names to modules.
    """
    repeats, warmup = positive("repeats", repeats), non_negative("warmup", warmup)
    if not mapping("modules", modules):
        raise ValueError("modules is empty; give at least one, as in {'direct': conv}")
    if not inputs:
        raise ValueError("give an input: a tensor or a shape such as (1, 3, 224, 224)")
    roots = {name: network(module) for name, module in modules.items()}
    for root in roots.values():
        refuse_lazy(root.modules())
    given = {name: real_input(root, inputs) for name, root in roots.items()}
    seconds: dict[str, list[float]] = {name: [] for name in roots}
    for turn in range(warmup + repeats):
        for name, root in roots.items():
            try:
                taken = _one_pass(modules[name], root, given[name])
            except Exception as error:  # a network's forward may raise anything
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{name} refused the input: {' '.join(str(error).split())}") from error
            if turn >= warmup:
                seconds[name].append(taken)
    return {name: _timing(seconds[name], given[name], _device(root)) for name, root in roots.items()}


def _one_pass(module: nn.Module, root: nn.Module, inputs: tuple) -> float:
    device = _device(root)
    with evaluating(root), torch.inference_mode():
        _finish(device)
        start = time.perf_counter()
        module(*inputs)
        _finish(device)
        return time.perf_counter() - start


def _timing(seconds: list[float], inputs: tuple, device: torch.device) -> Timing:
    quartiles = statistics.quantiles(seconds, method="inclusive") if len(seconds) > 1 else seconds * 3
    first = next(leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor))
    return Timing(
        median=quartiles[1],
        lower=quartiles[0],
        upper=quartiles[2],
        repeats=len(seconds),
        batch=first.shape[0] if first.dim() else 1,
        device=_name(device),
    )


def real_input(module: nn.Module, value):
    """Return tensors on the module's device for a value of tensors and shapes; shapes become normal noise.

    The noise has its own generator: torch's random state is not touched.
    """
    weight = next((p for p in module.parameters() if p.is_floating_point()), None)
    device = _device(module)
    if device.type == "meta":
        raise ValueError("the module is on the meta device, where nothing can run; make it on a real device")
    dtype = torch.get_default_dtype() if weight is None else weight.dtype
    generator = torch.Generator().manual_seed(0)

    def make(name, item):
        if isinstance(item, Tensor):
            return item.to(device)
        if isinstance(item, Mapping):
            return {key: make(f"{name}[{key!r}]", part) for key, part in item.items()}
        if isinstance(item, tuple | list):
            if is_shape(item) and item:
                return torch.randn(shape_sizes(name, item), generator=generator).to(device, dtype)
            return tuple(make(f"{name}[{i}]", part) for i, part in enumerate(item))
        return item

    return make("input", value)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put every part of a module into evaluation mode, and each back into its own afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _device(module: nn.Module) -> torch.device:
    tensor = next(module.parameters(), next(module.buffers(), None))
    return torch.device("cpu") if tensor is None else tensor.device


def _finish(device: torch.device) -> None:
    """Wait until the device has done what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"
    return device.type
