"""Rewrites a network into a cheaper one that computes the same function in evaluation mode.

Each rewriting is an identity of arithmetic, up to rounding, and knows nothing of the machine.
"""

from collections import defaultdict
from itertools import accumulate

import torch
from torch import fx, nn
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
        return fx.GraphModule(model, _Tracer().trace(model))
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        raise ValueError(
            f"model {type(model).__name__} cannot be traced by torch.fx: {error}. In evaluation mode forward "
            "must not branch on values or shapes of tensors; move such code into a module without parts of its "
            "own, or into a function marked with torch.fx.wrap"
        ) from error


def finished(net: fx.GraphModule) -> fx.GraphModule:
    """Check the rewritten graph, drop the modules that nothing calls, write its forward anew."""
    net.graph.lint()
    net.delete_all_unused_submodules()
    net.recompile()
    return net


def name_functions(net: fx.GraphModule) -> None:
    """Turn functions that have a module of the same name into that module, so that one form is left."""
    modules = {
        functional.relu: nn.ReLU,
        torch.relu: nn.ReLU,
        functional.avg_pool2d: nn.AvgPool2d,
        functional.max_pool2d: nn.MaxPool2d,
    }
    for node in list(net.graph.nodes):
        make = modules.get(node.target) if node.op == "call_function" else None
        # Up to the fourth the arguments stand in the same order in function and module.
        if make is None or len(node.all_input_nodes) != 1 or not 1 <= len(node.args) <= 5:
            continue
        module = make(*node.args[1:], **node.kwargs)
        node.replace_all_uses_with(insert(net, node, node.name, module, node.args[0]))
        net.graph.erase_node(node)


def drop_identities(net: fx.GraphModule) -> None:
    """Remove what does nothing in evaluation mode: dropout and `nn.Identity`."""
    for node in list(net.graph.nodes):
        if isinstance(module_of(net, node), IDENTITIES):
            node.replace_all_uses_with(node.args[0])
            net.graph.erase_node(node)


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
            node.replace_all_uses_with(before)
            net.graph.erase_node(node)


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
            node.replace_all_uses_with(insert(net, node, f"{node.name}_pooling", after, inner))
            net.graph.erase_node(node)
            net.graph.erase_node(pool_node)


def _mixes_only_channels(conv: nn.Conv2d) -> bool:
    return (conv.kernel_size, conv.stride, conv.padding, conv.groups) == ((1, 1), (1, 1), (0, 0), 1)


def _keeps_grid(pool: nn.AvgPool2d) -> bool:
    kernel, padding = pool.kernel_size, pool.padding
    plain = isinstance(kernel, int) and not pool.ceil_mode and pool.divisor_override is None
    return plain and kernel == 2 * padding + 1 and pool.stride in (1, (1, 1))


def _pooling_convolution(conv: nn.Conv2d, pool: nn.AvgPool2d) -> nn.Conv2d:
    """Return the pooling of the convolution's outputs as a convolution that adds their bias."""
    channels, kernel = conv.out_channels, pool.kernel_size
    weight = conv.weight
    pooling = nn.Conv2d(
        channels,
        channels,
        kernel,
        padding=pool.padding,
        groups=channels,
        device=weight.device,
        dtype=weight.dtype,
    )
    nn.init.constant_(pooling.weight, 1 / kernel**2)
    with torch.no_grad():
        pooling.bias.copy_(torch.zeros(channels) if conv.bias is None else conv.bias)
    return pooling.requires_grad_(False)


def merge_siblings(net: fx.GraphModule) -> None:
    """Compute convolutions that read the same map in the same way as one, whose channels are then dealt out.

    A ReLU after each of them becomes one after all.
    """
    siblings: dict[tuple, list[fx.Node]] = defaultdict(list)
    for node in net.graph.nodes:
        conv = convolution(net, node)
        if conv is not None and conv.groups == 1 and not _overwritten(net, node.args[0]):
            relu = isinstance(module_of(net, only_user(node)), nn.ReLU)
            siblings[node.args[0], relu, geometry(conv)].append(node)
    for (source, relu, _), nodes in siblings.items():
        if len(nodes) > 1:
            _merge(net, source, nodes, relu)


def _merge(net: fx.GraphModule, source: fx.Node, nodes: list[fx.Node], relu: bool) -> None:
    convs = [net.get_submodule(node.target) for node in nodes]
    first = nodes[0]
    merged = insert(net, first, f"{first.name}_merged", _concatenated(convs), source)
    if relu:
        merged = insert(net, first, f"{first.name}_merged_relu", nn.ReLU(inplace=True), merged)
    ends = list(accumulate(conv.out_channels for conv in convs))
    with net.graph.inserting_before(first):
        parts = [
            net.graph.call_method("narrow", (merged, 1, end - conv.out_channels, conv.out_channels))
            for conv, end in zip(convs, ends, strict=True)
        ]
    for node, part in zip(nodes, parts, strict=True):
        replaced = [only_user(node), node] if relu else [node]
        replaced[0].replace_all_uses_with(part)
        for old in replaced:
            net.graph.erase_node(old)


def _concatenated(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """Return one convolution with the outputs of all; they share geometry and input."""
    weight = torch.cat([conv.weight for conv in convs])
    merged = nn.Conv2d(
        convs[0].in_channels,
        len(weight),
        convs[0].kernel_size,
        bias=any(conv.bias is not None for conv in convs),
        **dict(zip(("stride", "padding", "dilation", "padding_mode"), geometry(convs[0])[1:], strict=True)),
        device=weight.device,
        dtype=weight.dtype,
    )
    merged.weight = nn.Parameter(weight, requires_grad=False)
    if merged.bias is not None:
        biases = [weight.new_zeros(c.out_channels) if c.bias is None else c.bias for c in convs]
        merged.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return merged


def geometry(conv: nn.Conv2d) -> tuple:
    """Return what two convolutions must share to read a map in the same way."""
    return conv.kernel_size, conv.stride, conv.padding, conv.dilation, conv.padding_mode


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
