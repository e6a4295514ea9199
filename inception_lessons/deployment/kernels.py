"""Modules that use what the processor's library has beyond torch's public functions, where it is there.

Two are for the CPU: a convolution with its ReLU in one pass and its weights kept in the order in which
oneDNN reads them, and max pooling by maxima of pairs.
"""

import functools

import torch
from torch import Tensor, fx, nn

from inception_lessons.deployment.rewriting import convolution, finished, module_of, only_user


def with_cpu_kernels(net: fx.GraphModule) -> fx.GraphModule:
    """Put this file's modules into the graph, in place, where they compute what stands there."""
    fuse = fused_convolution_works()
    for node in list(net.graph.nodes):
        pool, conv = module_of(net, node), convolution(net, node)
        if isinstance(pool, nn.MaxPool2d) and PairwiseMaxPool2d.replaces(pool):
            net.set_submodule(node.target, PairwiseMaxPool2d())
        elif fuse and conv is not None and FusedConv2d.replaces(conv):
            relu = only_user(node)
            fused = isinstance(module_of(net, relu), nn.ReLU)
            net.set_submodule(node.target, FusedConv2d(conv, relu=fused))
            if fused:
                relu.replace_all_uses_with(node)
                net.graph.erase_node(relu)
    return finished(net)


class FusedConv2d(nn.Conv2d):
    """A convolution, and a ReLU if `relu`, by one call of oneDNN: for float32 maps on the CPU.

    The weights are put into oneDNN's order at the first call, for the size of map that comes first; other
    sizes give the same numbers. What oneDNN's call does not take goes through torch's own convolution.
    """

    def __init__(self, conv: nn.Conv2d, *, relu: bool) -> None:
        shape = conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation
        super().__init__(*shape, conv.groups, bias=conv.bias is not None, device="meta")
        self.weight, self.bias = conv.weight, conv.bias
        self.relu = relu
        self._packed: tuple[Tensor, int] | None = None

    @staticmethod
    def replaces(conv: nn.Conv2d) -> bool:
        zeros = conv.padding_mode == "zeros" and not isinstance(conv.padding, str)
        return zeros and conv.weight.device.type == "cpu" and conv.weight.dtype == torch.float32

    def forward(self, x: Tensor) -> Tensor:
        taken = x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32 and x.numel() > 0
        if not (taken and x.dim() == 4 and x.shape[1] == self.in_channels):
            y = super().forward(x)
            return y.relu_() if self.relu else y
        window = self.padding, self.stride, self.dilation, self.groups
        activation = "relu" if self.relu else "none"
        weight = self._packed_weight(window, x.shape)
        return torch.ops.mkldnn._convolution_pointwise(x, weight, self.bias, *window, activation, [], None)

    def _packed_weight(self, window: tuple, shape: torch.Size) -> Tensor:
        version = self.weight._version
        if self._packed is None or self._packed[1] != version:
            packed = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *window, list(shape))
            self._packed = packed, version
        return self._packed[0]

    def __getstate__(self) -> dict:
        """Leave the packed weights out of copies and files: they are this process's."""
        return {**self.__dict__, "_packed": None}

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, relu={self.relu}"


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
