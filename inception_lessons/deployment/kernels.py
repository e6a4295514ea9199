"""Modules that use what the processor's library has beyond torch's public functions, where it is there.

Two are for the CPU: a convolution with its ReLU in one pass and its weights kept in the order in which
oneDNN reads them, and max pooling by maxima of pairs.
"""

import functools
from itertools import accumulate

import torch
from torch import Tensor, fx, nn

from inception_lessons.deployment.rewriting import (
    SiblingConv2d,
    convolution,
    finished,
    module_of,
    only_user,
    replace,
)

APART = 2000
"""From so many positions on, 1×1 convolutions of one map run one by one. Below, one large product beats
several small ones (1.05 to 1.4 times); above, dealing out its result costs more than that gains (a tenth).
"""


def with_cpu_kernels(net: fx.GraphModule) -> fx.GraphModule:
    """Put this file's modules into the graph, in place, where they compute what stands there."""
    fuse = fused_convolution_works()
    for node in list(net.graph.nodes):
        module, conv = module_of(net, node), convolution(net, node)
        if isinstance(module, nn.MaxPool2d) and PairwiseMaxPool2d.replaces(module):
            net.set_submodule(node.target, PairwiseMaxPool2d())
        elif isinstance(module, SiblingConv2d) and fuse and FusedConv2d.replaces(module):
            net.set_submodule(node.target, FusedSiblingConv2d(module))
        elif conv is not None and fuse and FusedConv2d.replaces(conv):
            relu = only_user(node)
            fused = isinstance(module_of(net, relu), nn.ReLU)
            net.set_submodule(node.target, FusedConv2d(conv, relu=fused))
            if fused:
                replace(net, [relu], node)
    return finished(net)


class FusedConv2d(nn.Conv2d):
    """A convolution, and a ReLU if `relu`, by one call of oneDNN: for float32 maps on the CPU.

    The weights are put into oneDNN's order at the first call, for the size of map that comes first; other
    sizes give the same numbers. What that call does not take goes through torch's own convolution; so does
    everything while a compiler looks on, which fuses by itself.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool) -> None:
        channels, window = (conv.in_channels, conv.out_channels), (conv.stride, conv.padding, conv.dilation)
        super().__init__(*channels, conv.kernel_size, *window, conv.groups, device="meta")
        self.weight, self.bias = conv.weight, conv.bias
        self.relu = relu
        self._packed: dict[tuple[int, int], tuple[Tensor, int]] = {}

    @staticmethod
    def replaces(conv: nn.Conv2d) -> bool:
        zeros = conv.padding_mode == "zeros" and not isinstance(conv.padding, str)
        return zeros and conv.weight.device.type == "cpu" and conv.weight.dtype == torch.float32

    def forward(self, x: Tensor) -> Tensor:
        if self._takes(x):
            return self._run(x, 0, self.out_channels)
        y = super().forward(x)
        return y.relu_() if self.relu else y

    def _takes(self, x: Tensor) -> bool:
        if torch.compiler.is_compiling() or x.dim() != 4 or x.shape[1] != self.in_channels or not x.numel():
            return False
        return x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32

    def _run(self, x: Tensor, start: int, stop: int) -> Tensor:
        """Compute the outputs from channel `start` to before `stop`."""
        window = self.padding, self.stride, self.dilation, self.groups
        weight, version = self._packed.get((start, stop), (None, None))
        if version != self.weight._version:
            version = self.weight._version
            rows = self.weight[start:stop]
            weight = torch.ops.mkldnn._reorder_convolution_weight(rows, *window, list(x.shape))
            self._packed[start, stop] = weight, version
        bias = None if self.bias is None else self.bias[start:stop]
        activation = "relu" if self.relu else "none"
        return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *window, activation, [], None)

    def __getstate__(self) -> dict:
        """Leave the packed weights out of copies and files: they are this process's."""
        return {**self.__dict__, "_packed": {}}

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, relu={self.relu}"


class FusedSiblingConv2d(FusedConv2d):
    """`SiblingConv2d` by oneDNN, as one convolution for small maps and one by one for large ones."""

    def __init__(self, siblings: SiblingConv2d) -> None:
        super().__init__(siblings, relu=siblings.relu)
        self.sizes = siblings.sizes

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if x.numel() < APART * self.in_channels or not self._takes(x):
            return super().forward(x).split(self.sizes, dim=-3)
        ends = accumulate(self.sizes)
        return tuple(self._run(x, end - size, end) for size, end in zip(self.sizes, ends, strict=True))


class PairwiseMaxPool2d(nn.Module):
    """Max pooling 3×3 with stride 1 and padding 1: the maximum with the next, then with the one before, along
    rows and then along columns.

    Four comparisons a position instead of nine, each over whole maps.
    """

    @staticmethod
    def replaces(pool: nn.MaxPool2d) -> bool:
        window = [pair if isinstance(pair, tuple) else (pair, pair) for pair in _window(pool)]
        return window == [(3, 3), (1, 1), (1, 1), (1, 1)] and not pool.return_indices

    def forward(self, x: Tensor) -> Tensor:
        if torch.compiler.is_compiling():
            return nn.functional.max_pool2d(x, 3, stride=1, padding=1)
        return _largest_of_three(_largest_of_three(x, -2), -1)


def _window(pool: nn.MaxPool2d) -> tuple:
    return pool.kernel_size, pool.stride, pool.padding, pool.dilation


def _largest_of_three(x: Tensor, dim: int) -> Tensor:
    """Return, at each position, the largest of itself and its two neighbours along `dim`."""
    y, last = torch.empty_like(x), x.shape[dim] - 1
    before, after = x.narrow(dim, 0, last), x.narrow(dim, 1, last)
    torch.maximum(before, after, out=y.narrow(dim, 0, last))
    y.select(dim, last).copy_(x.select(dim, last))
    inner = y.narrow(dim, 1, last)
    torch.maximum(inner, before, out=inner)
    return y


@functools.cache
def fused_convolution_works() -> bool:
    """Return whether this torch has oneDNN's fused convolution and computes with it what it should.

    It stands in no public interface of torch: it is tried on a small example before it is used.
    """
    with torch.no_grad():
        conv = nn.Conv2d(3, 4, 3, padding=1, device="cpu", dtype=torch.float32)
        x = torch.linspace(-1, 1, 180, device="cpu", dtype=torch.float32).view(2, 3, 5, 6)
        try:
            return torch.allclose(FusedConv2d(conv, relu=True)(x), conv(x).relu(), atol=1e-5)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError):
            return False
