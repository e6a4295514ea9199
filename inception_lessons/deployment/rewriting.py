"""Rewrites a network into a cheaper one that computes the same function in evaluation mode.

Each rewriting is an identity of arithmetic, up to rounding, and knows nothing of the machine.
"""

import operator
from collections import defaultdict

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.utils import fuse_conv_bn_eval

IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def simplified(model: nn.Module) -> fx.GraphModule:
    """Return the network's graph after all rewritings; the modules of `model` are changed in place.

    Raises:
        ValueError: the network cannot be traced.
    """
    net = traced(model)
    name_functions(net)
    drop_identities(net)
    fold_batch_norm(net)
    convolve_before_pooling(net)
    merge_siblings(net)
    return finished(net)


class _Tracer(fx.Tracer):
    """Takes every module without parts as one operation, whatever its code does."""

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        return next(module.children(), None) is None


def traced(model: nn.Module) -> fx.GraphModule:
    """Return the network as a graph of its innermost modules and of the functions between them."""
    try:
        graph = _Tracer().trace(model)
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        raise ValueError(
            f"model {type(model).__name__} cannot be traced by torch.fx: {error}. In evaluation mode forward "
            "must not branch on values or shapes of tensors; move such code into a module without parts of "
            "its own, or into a function marked with torch.fx.wrap"
        ) from error
    for node in graph.nodes:
        node.type = None  # PyTorch 2.9 and older cannot pickle an annotation that is a union
    return fx.GraphModule(model, graph)


def finished(net: fx.GraphModule) -> fx.GraphModule:
    """Check the rewritten graph, drop the modules that nothing calls, write its forward anew."""
    net.graph.lint()
    net.delete_all_unused_submodules()
    net.recompile()
    return net


def name_functions(net: fx.GraphModule) -> None:
    """Turn functions and methods into the modules of the same name, so that one form is left."""
    modules = {
        functional.relu: nn.ReLU,
        torch.relu: nn.ReLU,
        "relu": nn.ReLU,
        functional.avg_pool2d: nn.AvgPool2d,
        functional.max_pool2d: nn.MaxPool2d,
    }
    for node in list(net.graph.nodes):
        make = modules.get(node.target) if node.op in ("call_function", "call_method") else None
        # Up to the fourth the arguments stand in the same order in function and module.
        if make is None or len(node.all_input_nodes) != 1 or not 1 <= len(node.args) <= 5:
            continue
        module = make(*node.args[1:], **node.kwargs)
        replace(net, [node], insert(net, node, node.name, module, node.args[0]))


def drop_identities(net: fx.GraphModule) -> None:
    """Remove what does nothing in evaluation mode: dropout and `nn.Identity`."""
    for node in list(net.graph.nodes):
        if isinstance(module_of(net, node), IDENTITIES):
            replace(net, [node], node.args[0])


def fold_batch_norm(net: fx.GraphModule) -> None:
    """Put each batch norm that follows a convolution into the convolution's weights and bias."""
    for node in list(net.graph.nodes):
        norm = module_of(net, node)
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None:
            continue
        before = node.args[0]
        conv = convolution(net, before)
        if conv is not None and only_user(before) is node and _called_once(net, before.target):
            net.set_submodule(before.target, fuse_conv_bn_eval(conv, norm))
            replace(net, [node], before)


def convolve_before_pooling(net: fx.GraphModule) -> None:
    """Exchange an average pooling that keeps the grid and the 1×1 convolution after it, where the convolution
    has fewer channels to give than to take.

    Both are linear, one over positions and one over channels, so the order is free. Where the pooling counts
    the zeros of its padding, the bias has to come after it: the pooling becomes a convolution of each channel
    for itself, with that bias.
    """
    for node in list(net.graph.nodes):
        conv = convolution(net, node)
        pool_node = node.args[0] if conv is not None else None
        pool = module_of(net, pool_node)
        if not isinstance(pool, nn.AvgPool2d) or only_user(pool_node) is not node:
            continue
        source = pool_node.args[0]
        free = _called_once(net, node.target) and not _overwritten(net, source)
        if free and _keeps_grid(pool) and _mixes_only_channels(conv) and conv.out_channels < conv.in_channels:
            after: nn.Module = pool
            if pool.count_include_pad:
                after, conv.bias = _pooling_convolution(conv, pool), None
            inner = insert(net, node, f"{node.name}_before_pooling", conv, source)
            replace(net, [pool_node, node], insert(net, node, f"{node.name}_pooling", after, inner))


def _mixes_only_channels(conv: nn.Conv2d) -> bool:
    return (conv.kernel_size, conv.stride, conv.padding, conv.groups) == ((1, 1), (1, 1), (0, 0), 1)


def _keeps_grid(pool: nn.AvgPool2d) -> bool:
    kernel, padding = pool.kernel_size, pool.padding
    plain = isinstance(kernel, int) and not pool.ceil_mode and pool.divisor_override is None
    return plain and kernel == 2 * padding + 1 and pool.stride in (1, (1, 1))


def _pooling_convolution(conv: nn.Conv2d, pool: nn.AvgPool2d) -> nn.Conv2d:
    """Return the pooling of the convolution's outputs as a convolution that adds their bias."""
    channels, kernel, weight = conv.out_channels, pool.kernel_size, conv.weight
    pooling = nn.Conv2d(channels, channels, kernel, padding=pool.padding, groups=channels, device="meta")
    pooling.weight = _constant(weight.new_full((channels, 1, kernel, kernel), 1 / kernel**2))
    pooling.bias = _constant(_bias(conv))
    return pooling


def _constant(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)


def _bias(conv: nn.Conv2d) -> Tensor:
    return conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias


class SiblingConv2d(nn.Conv2d):
    """Several 1×1 convolutions of one map as one, with a ReLU after each if `relu`: returns their outputs.

    N×in_channels×H×W → one N×out_channels[i]×H×W for each.
    """

    def __init__(self, convs: list[nn.Conv2d], *, relu: bool) -> None:
        first, sizes = convs[0], [conv.out_channels for conv in convs]
        window = {"stride": first.stride, "padding": first.padding, "padding_mode": first.padding_mode}
        super().__init__(first.in_channels, sum(sizes), 1, **window, device="meta")
        self.weight = _constant(torch.cat([conv.weight for conv in convs]))
        self.bias = _constant(torch.cat([_bias(conv) for conv in convs]))
        self.sizes, self.relu = sizes, relu

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = super().forward(x)
        return (y.relu_() if self.relu else y).split(self.sizes, dim=-3)


def merge_siblings(net: fx.GraphModule) -> None:
    """Compute 1×1 convolutions that read the same map in the same way as one."""
    siblings: dict[tuple, list[fx.Node]] = defaultdict(list)
    for node in net.graph.nodes:
        conv = convolution(net, node)
        if conv is None or conv.kernel_size != (1, 1) or conv.groups != 1 or _overwritten(net, node.args[0]):
            continue
        relu = isinstance(module_of(net, only_user(node)), nn.ReLU)
        siblings[node.args[0], relu, conv.stride, conv.padding, conv.padding_mode].append(node)
    for (source, relu, *_), nodes in siblings.items():
        if len(nodes) > 1:
            merged = SiblingConv2d([net.get_submodule(node.target) for node in nodes], relu=relu)
            together = insert(net, nodes[0], f"{nodes[0].name}_siblings", merged, source)
            with net.graph.inserting_after(together):
                parts = [net.graph.call_function(operator.getitem, (together, i)) for i in range(len(nodes))]
            for node, part in zip(nodes, parts, strict=True):
                replace(net, [node, only_user(node)] if relu else [node], part)


def replace(net: fx.GraphModule, chain: list[fx.Node], by: fx.Node) -> None:
    """Let the readers of a chain of nodes, each the only reader of the one before, read `by` instead."""
    chain[-1].replace_all_uses_with(by)
    for node in reversed(chain):
        net.graph.erase_node(node)


def module_of(net: fx.GraphModule, node: object) -> nn.Module | None:
    """Return the module that the node calls, if it calls one with a single map."""
    if not isinstance(node, fx.Node) or node.op != "call_module" or node.kwargs or len(node.args) != 1:
        return None
    return net.get_submodule(node.target) if isinstance(node.args[0], fx.Node) else None


def convolution(net: fx.GraphModule, node: object) -> nn.Conv2d | None:
    """Return the node's module if it is a convolution and nothing more."""
    module = module_of(net, node)
    return module if type(module) is nn.Conv2d else None


def only_user(node: fx.Node) -> fx.Node | None:
    """Return the one node that reads this one's result, if there is just one."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def insert(net: fx.GraphModule, before: fx.Node, name: str, module: nn.Module, source: fx.Node) -> fx.Node:
    """Call `module` on `source`, under a path of its own, just before the node `before`."""
    while hasattr(net, name):
        name += "_"
    net.add_submodule(name, module.eval())
    with net.graph.inserting_before(before):
        return net.graph.call_module(name, (source,))


def _called_once(net: fx.GraphModule, target: str) -> bool:
    """Return whether one node alone calls the module, which may then be changed for it."""
    return sum(node.op == "call_module" and node.target == target for node in net.graph.nodes) == 1


def _overwritten(net: fx.GraphModule, node: fx.Node) -> bool:
    """Return whether a reader of the node's result writes into it: the order of its readers then counts."""
    return len(node.users) > 1 and any(_writes(net, user) for user in node.users)


def _writes(net: fx.GraphModule, node: fx.Node) -> bool:
    if getattr(module_of(net, node), "inplace", False) or node.kwargs.get("inplace") or "out" in node.kwargs:
        return True
    if node.op not in ("call_method", "call_function"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return name in ("iadd", "isub", "imul", "itruediv", "setitem") or name.endswith("_")
