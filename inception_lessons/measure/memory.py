"""Finds the bytes that a forward pass keeps alive at its worst moment."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_leaves

from inception_lessons._check import mapping
from inception_lessons.measure.operators import Operator
from inception_lessons.measure.timing import evaluating, real_input
from inception_lessons.measure.tracing import Tracer, network, refuse_lazy, trace


def peak_memory(module: nn.Module, *inputs, kwargs: Mapping[str, object] | None = None) -> int:
    """Return the largest number of bytes alive at once during inference, the weights left out.

    Counted are the inputs and every tensor that an operator writes, from then until nothing refers to it
    any more, with what operators return beside their result (the indices of max pooling). On the CPU this
    is worked out on shapes alone; the scratch memory inside an operator is not in it. On CUDA the module
    runs for real, and the allocator's own peak is returned: scratch memory and rounding to blocks are in
    it, and its peak counter is reset.

    The module runs in evaluation mode, without gradients, and is as before afterwards.

    Raises:
        As `measure`.
    """
    root = network(module)
    if not inputs and (kwargs is None or not mapping("kwargs", kwargs)):
        raise ValueError("peak_memory needs an input: a tensor or a shape, such as (1, 3, 224, 224)")
    refuse_lazy(root.modules())
    weight = next(root.parameters(), None)
    if weight is not None and weight.is_cuda:
        return _cuda_peak(root, inputs, kwargs or {}, weight.device)
    tracer = _MemoryTracer(root)
    trace(tracer, root, inputs, kwargs, training=False)
    return tracer.peak


class _MemoryTracer(Tracer):
    """Keeps a weak reference to every storage, and drops those that are gone whenever one is added."""

    def __init__(self, module: nn.Module):
        super().__init__(module)
        self.peak = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def begin(self, inputs: tuple, kwargs: Mapping) -> None:
        self._add([leaf for leaf in tree_leaves((inputs, kwargs)) if isinstance(leaf, Tensor)])

    def observe(self, operator: Operator, overload, args, kwargs, out) -> None:
        if operator.writes or operator.constant:
            self._add([leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)])

    def _add(self, tensors: list[Tensor]) -> None:
        self._alive = {key: kept for key, kept in self._alive.items() if not kept[0].expired()}
        for tensor in tensors:
            storage = tensor.untyped_storage()
            self._alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))


def _cuda_peak(root: nn.Module, inputs: tuple, kwargs: Mapping, device: torch.device) -> int:
    inputs, kwargs = real_input(root, (inputs, dict(kwargs)))
    given = {
        leaf.untyped_storage()._cdata: leaf.untyped_storage().nbytes()
        for leaf in tree_leaves((inputs, kwargs))
        if isinstance(leaf, Tensor)
    }
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    with evaluating(root), torch.inference_mode():
        root(*inputs, **kwargs)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before + sum(given.values())
