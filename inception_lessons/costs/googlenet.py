"""GoogLeNet's layers (arXiv:1409.4842v1), read from its Table 1."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from inception_lessons._check import instance, one_of, positive, rows
from inception_lessons.costs.architecture import (
    Conv,
    Dense,
    GlobalPool,
    LayerCost,
    Parallel,
    Pool,
    Stage,
    Step,
    input_sizes,
    layer_costs,
    scale_channels,
    walk,
)
from inception_lessons.costs.layers import Pair, pool_output_size
from inception_lessons.papers import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_DROPOUT,
    GOOGLENET_TABLE_1,
    AuxiliaryHeads,
    GoogLeNetRow,
    InceptionWidths,
)

T = TypeVar("T")


class GoogLeNetVariant(NamedTuple):
    """One of the networks called GoogLeNet: what it fixes, then the choices it leaves open, its own first."""

    pool4: int | None
    """Kernel of the fourth max pooling; None: as the table has it."""
    adaptive_heads: bool
    """Whether the auxiliary heads pool any grid to 4×4, not by windows of 5×5."""
    dropout: float
    """Fraction dropped before the last layer; free in every variant."""
    stem: tuple[str, ...]
    norm: tuple[bool, ...]
    """Batch norm after each convolution, in place of biases and local response normalisation."""
    kernel5: tuple[int, ...]
    """Kernel of the branch that the table calls 5×5."""
    transform_input: tuple[bool, ...]
    """Whether images normalised by ImageNet's statistics are first put back on the range −1 to 1."""


GOOGLENET_VARIANTS: dict[str, GoogLeNetVariant] = {
    "paper": GoogLeNetVariant(
        pool4=None,
        adaptive_heads=False,
        dropout=GOOGLENET_DROPOUT,
        stem=("dense", "separable"),
        norm=(False, True),
        kernel5=(5,),
        transform_input=(False,),
    ),
    "torchvision": GoogLeNetVariant(
        pool4=2,
        adaptive_heads=True,
        dropout=0.2,
        stem=("dense",),
        norm=(True,),
        kernel5=(3, 5),
        transform_input=(False, True),
    ),
}
"""The network of the paper, and the one that torchvision ships with weights
(torchvision/models/googlenet.py), whose "5×5" is a 3×3 (issue 906 of pytorch/vision). A 5×5 with a rim of
zeros computes the same.
"""


def googlenet_choice(variant: str, option: str, value: T | None, *, name: str | None = None) -> T:
    """Return the `value` of an option, or the variant's own if it is None.

    Args:
        option: a field of `GoogLeNetVariant` that holds choices.
        name: the option's name in the error message, if it is another.

    Raises:
        ValueError: an unknown variant, or a value that the variant does not allow.
    """
    one_of("option", option, ("stem", "norm", "kernel5", "transform_input"))
    allowed = getattr(GOOGLENET_VARIANTS[one_of("variant", variant, GOOGLENET_VARIANTS)], option)
    if value is None:
        return allowed[0]
    if value not in allowed:
        name = name or option
        raise ValueError(
            f"{name} must be {' or '.join(map(repr, allowed))} in variant {variant!r}, got {value!r}; "
            f"leave {name} out, or take another variant ({', '.join(map(repr, GOOGLENET_VARIANTS))})"
        )
    return value


def googlenet_rows(
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1, *, variant: str = "paper", width: float = 1.0
) -> tuple[GoogLeNetRow, ...]:
    """Return the rows of `table` as `variant` has them, every number of channels scaled by `width`.

    Raises:
        ValueError: an unknown variant, or a width that is not above 0.
    """
    pool4 = GOOGLENET_VARIANTS[one_of("variant", variant, GOOGLENET_VARIANTS)].pool4
    scaled = []
    checked = rows("table", table, GoogLeNetRow)
    channels = checked[0].channels
    for row in checked:
        six = {name: getattr(row, name) for name in InceptionWidths._fields}
        row = row._replace(**{name: n and scale_channels(n, width) for name, n in six.items()})
        if row.key == "pool4" and pool4 is not None:
            row = row._replace(patch=pool4)
        if row.type == "inception":
            channels = row.widths.out_channels
        elif row.type == "convolution":
            channels = scale_channels(row.channels, width)
        if row.type not in ("linear", "softmax"):
            row = row._replace(output=(*row.output[:2], channels))
        scaled.append(row)
    return tuple(scaled)


def googlenet_heads(width: float = 1.0) -> AuxiliaryHeads:
    """Return the numbers of the auxiliary heads, channels and hidden features scaled by `width`."""
    head = GOOGLENET_AUXILIARY
    return head._replace(conv1=scale_channels(head.conv1, width), hidden=scale_channels(head.hidden, width))


def inception_branches(
    widths: InceptionWidths | GoogLeNetRow, *, kind: str = "reduced", kernel5: int = 5
) -> Parallel:
    """Return an Inception module, branch by branch.

    Args:
        widths: the module's six numbers.
        kind: "reduced" (Figure 2b of arXiv:1409.4842v1) or "naive" (Figure 2a: no 1×1 before the 3×3 and the
            5×5, and nothing after the pooling, which then passes all its channels on).
        kernel5: kernel of the branch called 5×5.
    """
    one_of("kind", kind, ("reduced", "naive"))
    instance("widths", widths, InceptionWidths, GoogLeNetRow)
    six = {name: positive(name, getattr(widths, name)) for name in InceptionWidths._fields}
    pool = Pool("max", 3, 1, 1)
    conv3, conv5 = Conv("conv3", six["conv3"], 3), Conv("conv5", six["conv5"], kernel5)
    before3 = [Conv("reduce3", six["reduce3"], 1)] if kind == "reduced" else []
    before5 = [Conv("reduce5", six["reduce5"], 1)] if kind == "reduced" else []
    after = [Conv("project", six["project"], 1)] if kind == "reduced" else []
    return Parallel(
        {
            "conv1": [Conv("conv1", six["conv1"], 1)],
            "conv3": [*before3, conv3],
            "conv5": [*before5, conv5],
            "pool": [pool, *after],
        }
    )


def inception_module(
    widths: InceptionWidths | GoogLeNetRow,
    in_channels: int,
    grid: Pair,
    *,
    kind: str = "reduced",
    bias: bool = True,
    row: str = "",
) -> list[LayerCost]:
    """Return the cost of each convolution of an Inception module.

    The module's output has the grid of its input and `inception_out_channels` channels.
    """
    return layer_costs(
        walk([Stage(row, [inception_branches(widths, kind=kind)])], in_channels, grid, bias=bias)
    )


def inception_out_channels(
    widths: InceptionWidths | GoogLeNetRow, in_channels: int, *, kind: str = "reduced"
) -> int:
    """Return the channels after the four branches of an Inception module are concatenated."""
    module = Stage("", [inception_branches(widths, kind=kind)])
    return walk([module], in_channels, 1)[0].output_shape[0]


def separable_stem(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, multiplier: int = 8
) -> list[Conv]:
    """Return a depthwise separable convolution: `multiplier` filters per input channel, then a 1×1 over all
    of them.

    Source: arXiv:1502.03167, appendix ("depth multiplier 8"); Table 1 of arXiv:1409.4842v1 prints its cost.
    """
    middle = positive("in_channels", in_channels) * positive("multiplier", multiplier)
    positive("out_channels", out_channels)
    return [
        Conv("depthwise", middle, kernel_size, stride, groups=in_channels, bias=False, norm=False),
        Conv("pointwise", out_channels, 1),
    ]


def auxiliary_head(head: AuxiliaryHeads, num_classes: int, *, adaptive: bool = False) -> list[Step]:
    """Return the layers of one of the two extra classifiers (section 5 of arXiv:1409.4842v1).

    Args:
        adaptive: whether any grid is pooled to the 4×4 that the paper's windows leave of 14×14.
    """
    instance("head", head, AuxiliaryHeads)
    windows = Pool("avg", head.pool_size, head.pool_stride)
    return [
        GlobalPool(pool_output_size(14, head.pool_size, head.pool_stride)) if adaptive else windows,
        Conv("conv", head.conv1, 1),
        Dense("hidden", head.hidden),
        Dense("linear", num_classes),
    ]


def googlenet_stages(
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
    *,
    in_channels: int = 3,
    num_classes: int = 1000,
    variant: str = "paper",
    stem: str = "dense",
    kernel5: int | None = None,
    aux: bool = False,
    width: float = 1.0,
) -> list[Stage]:
    """Return GoogLeNet as data, one stage for each row of Table 1 that does something.

    Strides and kernel sizes are read from the table; convolutions are padded to keep the grid, poolings round
    the grid up, as the table's output sizes demand. Arguments and errors are those of `googlenet`.
    """
    googlenet_choice(variant, "stem", one_of("stem", stem, ("dense", "separable")))
    kernel5 = googlenet_choice(variant, "kernel5", kernel5)
    heads = googlenet_heads(width)
    adaptive = GOOGLENET_VARIANTS[variant].adaptive_heads
    stages = []
    for row in googlenet_rows(table, variant=variant, width=width):
        if row.type not in ("dropout", "softmax"):
            stages.append(Stage(row.key, _steps(row, in_channels, num_classes, stem, kernel5)))
        if aux and row.key in heads.after:
            head = auxiliary_head(heads, num_classes, adaptive=adaptive)
            stages.append(Stage(f"aux_{row.key}", head, aside=True))
    return stages


def _steps(row: GoogLeNetRow, in_channels: int, num_classes: int, stem: str, kernel5: int) -> list[Step]:
    if row.type == "convolution" and row.conv3 is not None:
        return [Conv("reduce3", row.reduce3, 1), Conv("conv3", row.conv3, row.patch)]
    if row.type == "convolution" and stem == "separable":
        return separable_stem(in_channels, row.channels, row.patch, row.stride)
    if row.type == "convolution":
        return [Conv("conv", row.channels, row.patch, row.stride)]
    if row.type == "max pool":
        return [Pool("max", row.patch, row.stride, ceil_mode=True)]
    if row.type == "inception":
        return [inception_branches(row, kernel5=kernel5)]
    if row.type == "avg pool":
        return [GlobalPool()]
    if row.type == "linear":
        return [Dense("linear", num_classes)]
    raise ValueError(f"row {row.key!r} has type {row.type!r}, which this function cannot count")


def googlenet(
    *,
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
    in_channels: int = 3,
    input_size: Pair = 224,
    num_classes: int = 1000,
    variant: str = "paper",
    stem: str = "dense",
    kernel5: int | None = None,
    aux: bool = False,
    bias: bool = True,
    norm: bool | None = None,
    width: float = 1.0,
) -> list[LayerCost]:
    """Return the cost of every layer of GoogLeNet that has weights, in the order of its Table 1.

    Args:
        table: rows of Table 1, or your own in the same form.
        variant: "paper" or "torchvision", see `GOOGLENET_VARIANTS`. None for one of the options below: as the
            variant has it.
        stem: "dense" (the 7×7 as printed) or "separable" (the one whose cost is printed).
        kernel5: kernel of the branch that the table calls 5×5: 5, in the variant "torchvision" 3 or 5.
        aux: whether to add the two auxiliary heads (training only), as rows `aux_4a` and `aux_4d`.
        bias: whether to count biases.
        norm: whether batch norm follows each convolution, which then has no bias.
        width: factor of all numbers of channels but the input's.

    Raises:
        ValueError: an unknown variant or stem, an option that the variant does not allow, or an input too
            small for the layers.
    """
    norm = googlenet_choice(variant, "norm", norm)
    stages = googlenet_stages(
        table,
        in_channels=positive("in_channels", in_channels),
        num_classes=positive("num_classes", num_classes),
        variant=variant,
        stem=stem,
        kernel5=kernel5,
        aux=aux,
        width=width,
    )
    return layer_costs(walk(stages, in_channels, input_size, bias=bias, norm=norm))


def minimum_input_size(table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1) -> int:
    """Return the smallest height and width, in pixels, for which every layer of the table has an output."""
    return input_sizes(googlenet_stages(table), 3).smallest


def multi_crop_count(scales: int, squares: int, crops: int, mirrored: bool = True) -> int:
    """Return how many crops of one image are classified: scales × squares × crops, times 2 if mirrored.

    Source: arXiv:1409.4842v1, section 7: 4 scales, 3 squares, 6 crops, mirrored.
    """
    numbers = (positive("scales", scales), positive("squares", squares), positive("crops", crops))
    return numbers[0] * numbers[1] * numbers[2] * (2 if mirrored else 1)
