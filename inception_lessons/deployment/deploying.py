"""Puts rewriting, kernels and compiler together."""

import copy
import statistics
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_map_only

from inception_lessons.deployment.compiler import missing_for
from inception_lessons.deployment.kernels import with_cpu_kernels
from inception_lessons.deployment.rewriting import simplified


def deploy(model: nn.Module, *, compile: bool | str = "auto") -> "Deployed":
    """Return the function that `model` computes in evaluation mode, made fast on its device.

    Batch norm goes into the convolutions before it, convolutions of one map become one, average pooling comes
    after the 1×1 convolution it stood before, maps and weights are stored channels last, and on the CPU each
    convolution runs with its ReLU in one call of oneDNN. The outputs are those of `model`, up to float32
    rounding (1e-4 of the largest); they carry no gradients. `model` is left as it is, also its mode; what it
    learns later does not reach the copy.

    Args:
        compile: True compiles with `torch.compile`, which takes a minute or more at the first call and again
            for another size of input; False does not; "auto" compiles where a compiler is found and works,
            and keeps its program only where that is the faster.

    Raises:
        TypeError: `model` is no module.
        ValueError: `model` cannot be traced by torch.fx, or is deployed already; `compile` is something else.
        RuntimeError: `compile=True` on a machine without a compiler.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    if isinstance(model, Deployed):
        raise ValueError("model is deployed already; deploy the network that it was made from")
    if compile not in (True, False, "auto"):
        raise ValueError(f"compile must be True, False or 'auto', got {compile!r}")
    tensor = next(model.parameters(), next(model.buffers(), None))
    device = torch.device("cpu") if tensor is None else tensor.device
    missing = missing_for(device) if compile else ""
    if missing and compile is True:
        raise RuntimeError(f"compile=True needs {missing}; or leave compile at 'auto'")
    with torch.inference_mode(False), torch.no_grad():
        net = simplified(copy.deepcopy(model).eval().requires_grad_(False)).to(memory_format=torch.channels_last)
        return Deployed(net, compile=False if missing else compile)


class Deployed(nn.Module):
    """What `deploy` returns: called as the network it was made from, for inference only.

    The first call finds out what is fast here, and takes longer for it. `compiled` says what came of it.
    """

    compiled: bool | None
    """Whether calls run a compiled program; None before the first call has found out."""

    def __init__(self, net: fx.GraphModule, *, compile: bool | str) -> None:
        super().__init__()
        self.plain = net
        self.compile_option = compile
        self.compiled = None if compile else False
        self._source = fx.GraphModule(net, copy.deepcopy(net.graph)) if compile else None
        self._program: Callable | None = None
        if _device(net).type == "cpu":
            with_cpu_kernels(self.plain)
        self.eval()
