"""What torch's operators cost, and the shapes of their outputs: one small function for each.

An operator is *counted* (it has a row in `MACS`), *free* (it does no multiply-accumulates by this book's
definition: it is pointwise, a view, or named in `FREE`), or *unknown*. Nothing is free by default.

The functions in `SHAPES` give the output of the operators that networks spend their time in, an order of
magnitude faster than torch's own meta kernels, which are written in Python. Each returns None whenever
anything is out of the ordinary; torch then works the shape out, or raises its own error.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

aten = torch.ops.aten
META = torch.device("meta")


# -- multiply-accumulates: (args, output) -> MACs ---------------------------------------------------------


def _convolution_macs(args, out) -> int:
    """A plain convolution: one kernel per output number; a transposed one: one kernel per input number."""
    x, weight, transposed = args[0], args[1], args[6]
    return (x if transposed else out).numel() * (weight.numel() // weight.shape[0])


def _matrix_macs(a: Tensor, b: Tensor) -> int:
    return a.numel() * b.shape[-1]


def _attention_macs(args, out) -> int:
    """Scores (queries × keys) and their product with the values; a causal mask saves nothing."""
    query, key, value = args[:3]
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return scores * query.shape[-1] + scores * value.shape[-1]


MACS: dict[str, Callable[[tuple, object], int]] = {
    "convolution": _convolution_macs,
    "_convolution": _convolution_macs,
    "mm": lambda args, out: _matrix_macs(args[0], args[1]),
    "bmm": lambda args, out: _matrix_macs(args[0], args[1]),
    "addmm": lambda args, out: _matrix_macs(args[1], args[2]),
    "baddbmm": lambda args, out: _matrix_macs(args[1], args[2]),
    "addbmm": lambda args, out: _matrix_macs(args[1], args[2]),
    "mv": lambda args, out: args[0].numel(),
    "addmv": lambda args, out: args[1].numel(),
    "dot": lambda args, out: args[0].numel(),
    "vdot": lambda args, out: args[0].numel(),
    "_scaled_dot_product_flash_attention": _attention_macs,
    "_scaled_dot_product_flash_attention_for_cpu": _attention_macs,
    "_scaled_dot_product_efficient_attention": _attention_macs,
    "_scaled_dot_product_cudnn_attention": _attention_macs,
    "_scaled_dot_product_fused_attention_overrideable": _attention_macs,
}

_FREE_NAMES = """
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training _batch_norm_with_update
    _batch_norm_no_update cudnn_batch_norm native_layer_norm native_group_norm _fused_rms_norm renorm
    _weight_norm_interface
    avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d _adaptive_avg_pool2d _adaptive_avg_pool3d
    max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d adaptive_max_pool3d
    fractional_max_pool2d fractional_max_pool3d max_unpool2d max_unpool3d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler_2d
    grid_sampler_3d
    _softmax _log_softmax _safe_softmax logsumexp
    mean sum nansum prod amax amin aminmax max min argmax argmin var std var_mean std_mean any all norm
    linalg_vector_norm cumsum cumprod cummax cummin topk sort median kthvalue count_nonzero
    cat stack unsafe_split unsafe_split_with_sizes repeat repeat_interleave clone copy _to_copy
    _unsafe_view _reshape_alias as_strided constant_pad_nd
    reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
    roll flip rot90 tril triu pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle im2col
    col2im index index_select index_put index_copy index_fill index_add gather scatter scatter_add
    scatter_reduce masked_fill masked_scatter where take embedding one_hot bucketize searchsorted
    select_scatter slice_scatter diagonal_copy unfold_copy split_with_sizes_copy
    fill zero empty_like zeros_like ones_like full_like rand_like randn_like randint_like new_empty new_zeros
    new_ones new_full new_empty_strided scalar_tensor resize set_data lift_fresh lift_fresh_copy
    native_dropout bernoulli normal uniform random exponential multinomial geometric log_normal
    hardswish rsub _prelu_kernel prelu glu celu selu elu softplus threshold rrelu_with_noise logit nan_to_num
    hardtanh isin equal _local_scalar_dense is_nonzero nonzero _assert_async _assert_scalar
    mse_loss nll_loss_forward nll_loss2d_forward binary_cross_entropy smooth_l1_loss
    """
FREE = frozenset(_FREE_NAMES.split())


# -- output shapes: the operator's own arguments -> meta tensor(s), or None --------------------------------


def _plain(x) -> bool:
    """Whether the output's strides follow from its shape alone."""
    return isinstance(x, Tensor) and x.is_meta and x.is_contiguous()


def _empty(shape, like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=META)


def _convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    shape, kernel = x.shape, weight.shape
    axes = len(kernel) - 2
    padding = list(padding) * axes if len(padding) == 1 else padding
    if min(*kernel[2:], *stride, *dilation) < 1 or min(padding) < 0:
        # torch's own rule for shapes lets these pass; on every device that computes they are refused
        raise ValueError(
            f"kernel_size, stride and dilation must be at least 1 and padding at least 0, got "
            f"{tuple(kernel[2:])}, {tuple(stride)}, {tuple(dilation)} and {tuple(padding)}"
        )
    if transposed or not _plain(x) or weight.dtype != x.dtype or not len(shape) - 2 == axes == len(stride):
        return None
    if shape[1] != kernel[1] * groups or kernel[0] % groups or len(padding) != axes or len(dilation) != axes:
        return None
    if bias is not None and (bias.dtype != x.dtype or bias.shape != kernel[:1]):
        return None
    sizes = [shape[0], kernel[0]]
    for n, k, s, p, d in zip(shape[2:], kernel[2:], stride, padding, dilation, strict=True):
        size = (n + 2 * p - d * (k - 1) - 1) // s + 1
        if size < 1:  # PyTorch 2.6 lets this pass
            raise ValueError(f"Kernel size {k} (dilation {d}) does not fit into {n} (padding {p})")
        sizes.append(size)
    return _empty(sizes, x)


def _embedding(weight, indices, *_):
    if indices.is_floating_point():  # PyTorch 2.7 to 2.9 let this pass
        raise ValueError(f"indices must be integers, got {indices.dtype}")
    return None


def _batch_norm(x, weight, bias, mean, variance, training, momentum, epsilon):
    channels = x.shape[1:2]
    if not _plain(x) or any(t is not None and t.shape != channels for t in (weight, bias, mean, variance)):
        return None
    if training:
        saved = _empty(channels, x), _empty(channels, x)
        return None if x.numel() == channels[0] else (_empty(x.shape, x), *saved)
    return _empty(x.shape, x), _empty((0,), x), _empty((0,), x)


def _layer_norm(x, shape, weight, bias, epsilon):
    kept = x.dim() - len(shape)
    if not _plain(x) or list(x.shape[kept:]) != list(shape):
        return None
    if any(t is not None and (t.dtype != x.dtype or list(t.shape) != list(shape)) for t in (weight, bias)):
        return None
    statistics = (*x.shape[:kept], *[1] * len(shape))
    return _empty(x.shape, x), _empty(statistics, x), _empty(statistics, x)


def _same(x, *options):
    """A pointwise function of one floating tensor and of plain numbers."""
    if not _plain(x) or not x.is_floating_point() or any(isinstance(o, Tensor | complex) for o in options):
        return None
    return _empty(x.shape, x)


def _in_place(x, *options):
    return None if not x.is_meta or any(isinstance(o, Tensor) for o in options) else x


def _two(x, y):
    """A pointwise function of two floating tensors of one type, the second of the same shape or broadcast."""
    if not (isinstance(y, Tensor) and x.dtype == y.dtype and x.is_floating_point()):
        return None
    if not (_plain(x) and _plain(y)):
        return None
    return _empty(x.shape if x.shape == y.shape else torch.broadcast_shapes(x.shape, y.shape), x)


def _two_in_place(x, y):
    return x if isinstance(y, Tensor) and x.is_meta and x.shape == y.shape and x.dtype == y.dtype else None


def _cat(tensors, dim=0):
    first = tensors[0]
    shape = list(first.shape)
    if not -len(shape) <= dim < len(shape):
        return None
    shape[dim] = 0
    for t in tensors:
        sizes = list(t.shape)
        if not _plain(t) or t.dtype != first.dtype or len(sizes) != len(shape):
            return None
        size, sizes[dim] = sizes[dim], shape[dim]
        if sizes != shape:
            return None
        shape[dim] += size
    return _empty(shape, first)


def _addmm(bias, a, b):
    out = _mm(a, b)
    return out if out is not None and bias.dtype == a.dtype and bias.shape == out.shape[1:] else None


def _mm(a, b):
    if not a.is_meta or a.dtype != b.dtype or a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[0]:
        return None
    return _empty((a.shape[0], b.shape[1]), a)


def _bmm(a, b):
    if not a.is_meta or a.dtype != b.dtype or a.dim() != 3 or b.dim() != 3:
        return None
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        return None
    return _empty((a.shape[0], a.shape[1], b.shape[2]), a)


def _mean(x, dims, keepdim=False):
    if not _plain(x) or not x.is_floating_point() or not dims:
        return None
    rank = x.dim()
    if any(not -rank <= dim < rank for dim in dims):
        return None
    gone = {dim % rank for dim in dims}
    return _empty([1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone], x)


def _pooled(x, kernel, stride, padding, dilation, ceil_mode):
    """Return the shape after pooling the last two axes, or None."""
    if not _plain(x) or x.dim() not in (3, 4) or not x.is_floating_point():
        return None
    shape = list(x.shape)
    for axis in (0, 1):
        k, p = kernel[axis % len(kernel)], padding[axis % len(padding)]
        s, d = (stride or kernel)[axis % len(stride or kernel)], dilation[axis % len(dilation)]
        if min(k, s, d) < 1 or not 0 <= 2 * p <= k:
            return None
        n = shape[axis - 2]
        room = n + 2 * p - d * (k - 1) - 1
        size = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (size - 1) * s >= n + p:
            size -= 1  # the last window must start inside the input or its left padding
        if size < 1:
            return None
        shape[axis - 2] = size
    return shape


def _max_pool2d(x, kernel, stride=(), padding=(0,), dilation=(1,), ceil_mode=False):
    shape = _pooled(x, kernel, stride, padding, dilation, ceil_mode)
    return shape and (_empty(shape, x), torch.empty(shape, dtype=torch.int64, device=META))


def _avg_pool2d(x, kernel, stride=(), padding=(0,), ceil_mode=False, count_include_pad=True, divisor=None):
    shape = _pooled(x, kernel, stride, padding, (1,), ceil_mode)
    return shape and _empty(shape, x)


def _softmax(x, dim, half_to_float=False):
    return None if half_to_float or not -x.dim() <= dim < x.dim() else _same(x)


_IN_PLACE = ["relu", "sigmoid", "tanh", "silu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "elu"]
_UNARY = [*_IN_PLACE, "gelu", "exp", "sqrt", "rsqrt", "abs", "neg"]

SHAPES: dict[object, Callable] = {
    aten.convolution.default: _convolution,
    aten.embedding.default: _embedding,
    aten.native_batch_norm.default: _batch_norm,
    aten.native_layer_norm.default: _layer_norm,
    aten.cat.default: _cat,
    aten.addmm.default: _addmm,
    aten.mm.default: _mm,
    aten.bmm.default: _bmm,
    aten.mean.dim: _mean,
    aten.max_pool2d_with_indices.default: _max_pool2d,
    aten.avg_pool2d.default: _avg_pool2d,
    aten._softmax.default: _softmax,
    aten._safe_softmax.default: _softmax,
    aten.add.Tensor: _two,
    aten.sub.Tensor: _two,
    aten.mul.Tensor: _two,
    aten.div.Tensor: _two,
    aten.add_.Tensor: _two_in_place,
    aten.mul_.Tensor: _two_in_place,
    aten.mul.Scalar: _same,
    **{getattr(aten, name).default: _same for name in _UNARY},
    **{getattr(aten, name + "_").default: _in_place for name in _IN_PLACE},
}


# -- what is known of an operator, looked up once ----------------------------------------------------------


class Operator(NamedTuple):
    """What counting needs to know of one operator overload."""

    name: str
    """As torch prints it, without the overload: `aten.convolution`."""
    macs: Callable[[tuple, object], int] | None
    free: bool
    shape: Callable | None
    mutates: bool
    view: bool
    """Its output shares the memory of an input, unchanged."""
    writes: bool
    """It turns tensors into a new tensor, as opposed to a view, a change in place, or a constant."""
    reads_values: bool
    """Its result, or the shape of it, depends on the numbers in its input."""
    composite: bool
    """It is defined by other operators."""
    constant: bool
    """It takes no tensor: it makes one."""


_known: dict[object, Operator] = {}


def describe(overload) -> Operator:
    """Return what is known of an operator overload such as `torch.ops.aten.add.Tensor`."""
    operator = _known.get(overload)
    if operator is None:
        operator = _known[overload] = _describe(overload)
    return operator


def _describe(overload) -> Operator:
    schema = overload._schema
    namespace, _, short = schema.name.partition("::")
    base = short.removesuffix("_") if namespace == "aten" else ""
    aliases = [value.alias_info for value in schema.returns if "Tensor" in str(value.type)]
    takes_tensors = any("Tensor" in str(argument.type) for argument in schema.arguments)
    view = any(alias is not None and not alias.is_write for alias in aliases)
    macs = MACS.get(base)
    tags = overload.tags
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    return Operator(
        name=f"{namespace}.{short}",
        macs=macs,
        free=macs is None
        and (base in FREE or view or not takes_tensors or torch.Tag.pointwise in tags),
        shape=SHAPES.get(overload),
        mutates=schema.is_mutable,
        view=view,
        writes=takes_tensors and None in aliases and base not in ("_unsafe_view", "_reshape_alias"),
        reads_values=torch.Tag.data_dependent_output in tags
        or torch.Tag.dynamic_output_shape in tags
        or base in ("_local_scalar_dense", "is_nonzero"),
        composite=has_kernel(overload.name(), "CompositeImplicitAutograd"),
        constant=not takes_tensors,
    )
