"""Puts rewriting, kernels and compiler together."""

import copy
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from inception_lessons.deployment.compiler import missing_for
from inception_lessons.deployment.kernels import with_cpu_kernels
from inception_lessons.deployment.rewriting import simplified

ROUNDS = 5
"""How often a compiled program and the plain one are timed against each other, in turns."""


def deploy(model: nn.Module, *, compile: bool | str = "auto") -> "Deployed":
    """Return the function that `model` computes in evaluation mode, made fast on its device.

    Batch norm goes into the convolutions before it, convolutions that read one map in the same way become
    one, average pooling comes after the 1×1 convolution that it stood before, maps and weights are stored
    channels last, and on the CPU a convolution and its ReLU are one call of oneDNN. The outputs are those of
    `model` up to rounding (1e-4 of the largest); they carry no gradients. `model` stays as it is, its mode
    included; what it learns later does not reach the copy.

    Args:
        compile: True compiles with `torch.compile`, which takes a minute or more at the first call and again
            for another size of input; False does not; "auto" compiles where a compiler is found and works,
            and keeps the program only where it is the faster.

    Raises:
        TypeError: `model` is no module.
        ValueError: torch.fx cannot trace `model`, or it is deployed already; `compile` is none of the three.
        RuntimeError: `compile=True` on a machine without a compiler.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    if isinstance(model, Deployed):
        raise ValueError("model is deployed already; deploy the network that it was made from")
    if compile not in (True, False, "auto"):
        raise ValueError(f"compile must be True, False or 'auto', got {compile!r}")
    missing = missing_for(_device(model)) if compile else ""
    if missing and compile is True:
        raise RuntimeError(f"compile=True needs {missing}; or leave compile at 'auto'")
    with torch.inference_mode(False), torch.no_grad():
        net = simplified(copy.deepcopy(model).eval().requires_grad_(False))
        return Deployed(net.to(memory_format=torch.channels_last), compile=False if missing else compile)


class Deployed(nn.Module):
    """What `deploy` returns: called like the network it was made from, for inference only.

    Attributes:
        plain: the simplified network, which runs as it is or compiled.
        compiled: whether calls run a compiled program; None until the first call has found out.
    """

    def __init__(self, net: fx.GraphModule, *, compile: bool | str) -> None:
        super().__init__()
        self.required = compile is True
        self.compiled: bool | None = None if compile else False
        self.plain = with_cpu_kernels(net) if _device(net).type == "cpu" else net
        self._program: Callable | None = None
        self.eval()

    def forward(self, *args, **kwargs):
        args, kwargs = tree_map_only(Tensor, _channels_last, (args, kwargs))
        with torch.inference_mode(False), torch.no_grad():
            if self.compiled is False:
                return self.plain(*args, **kwargs)
            try:
                result = self._run_program(args, kwargs)
            except Exception as error:  # a compiler may raise anything
                result = self.plain(*args, **kwargs)  # what the network refuses, it refuses here in its words
                self._give_up(error)
                return result
            if self.compiled is None:
                self.compiled = self.required or self._program_is_faster(args, kwargs)
            return result

    def _run_program(self, args: tuple, kwargs: dict):
        if self._program is None:
            # Freezing makes constants of the weights, so that they can be stored as the kernels want them.
            self._program = torch.compile(self.plain, fullgraph=True, options={"freezing": True})
        return self._program(*args, **kwargs)

    def _give_up(self, error: Exception) -> None:
        first_line = str(error).partition("\n")[0]
        reason = f"the compiler fails on this network ({type(error).__name__}: {first_line})"
        if self.required:
            raise RuntimeError(f"{reason}; deploy with compile=False or 'auto'") from error
        warnings.warn(f"{reason}; it runs uncompiled", RuntimeWarning, stacklevel=3)
        self.compiled, self._program = False, None

    def _program_is_faster(self, args: tuple, kwargs: dict) -> bool:
        taken = {self._program: [], self.plain: []}
        for _ in range(ROUNDS):
            for run, seconds in taken.items():
                seconds.append(_seconds(run, args, kwargs))
        return min(taken[self._program]) < min(taken[self.plain])

    def train(self, mode: bool = True) -> "Deployed":
        """Stay in evaluation mode.

        Raises:
            RuntimeError: `mode` is true.
        """
        if mode:
            raise RuntimeError("a deployed network only infers; train the original and deploy it again")
        return super().train(False)

    def __getstate__(self) -> dict:
        """Leave the compiled program out of copies and files: it is this process's."""
        return {**self.__dict__, "_program": None}

    def extra_repr(self) -> str:
        return f"compiled={self.compiled}"


def _device(model: nn.Module) -> torch.device:
    tensor = next(model.parameters(), next(model.buffers(), None))
    return torch.device("cpu") if tensor is None else tensor.device


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _seconds(run: Callable, args: tuple, kwargs: dict) -> float:
    start = time.perf_counter()
    result = run(*args, **kwargs)
    for device in {leaf.device for leaf in tree_leaves(result) if isinstance(leaf, Tensor) and leaf.is_cuda}:
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
