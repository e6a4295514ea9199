"""GoogLeNet's layers (arXiv:1409.4842v1), read from its Table 1."""

from collections.abc import Sequence

from inception_lessons._check import one_of, positive
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
    walk,
)
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import (
    GOOGLENET_AUXILIARY,
    GOOGLENET_TABLE_1,
    AuxiliaryHeads,
    GoogLeNetRow,
    InceptionWidths,
)


def inception_branches(widths: InceptionWidths | GoogLeNetRow, *, kind: str = "reduced") -> Parallel:
    """Return an Inception module, branch by branch.

    Args:
        widths: the module's six numbers.
        kind: "reduced" (Figure 2b of arXiv:1409.4842v1) or "naive" (Figure 2a: no 1×1 before the 3×3 and the
            5×5, and nothing after the pooling, which then passes all its channels on).
    """
    one_of("kind", kind, ("reduced", "naive"))
    six = {name: positive(name, getattr(widths, name)) for name in InceptionWidths._fields}
    pool = Pool("max", 3, 1, 1)
    conv3, conv5 = Conv("conv3", six["conv3"], 3), Conv("conv5", six["conv5"], 5)
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
    return [
        Conv("depthwise", middle, kernel_size, stride, groups=in_channels, bias=False, norm=False),
        Conv("pointwise", out_channels, 1),
    ]


def auxiliary_head(head: AuxiliaryHeads, num_classes: int) -> list[Step]:
    """Return the layers of one of the two extra classifiers (section 5 of arXiv:1409.4842v1)."""
    return [
        Pool("avg", head.pool_size, head.pool_stride),
        Conv("conv", head.conv1, 1),
        Dense("hidden", head.hidden),
        Dense("linear", num_classes),
    ]


def googlenet_stages(
    table: Sequence[GoogLeNetRow] = GOOGLENET_TABLE_1,
    *,
    in_channels: int = 3,
    num_classes: int = 1000,
    stem: str = "dense",
    aux: bool = False,
) -> list[Stage]:
    """Return GoogLeNet as data, one stage for each row of Table 1 that does something.

    Strides and kernel sizes are read from the table; convolutions are padded to keep the grid, poolings round
    the grid up, as the table's output sizes demand. Arguments and errors are those of `googlenet`.
    """
    one_of("stem", stem, ("dense", "separable"))
    stages = []
    for row in table:
        if row.type not in ("dropout", "softmax"):
            stages.append(Stage(row.key, _steps(row, in_channels, num_classes, stem)))
        if aux and row.key in GOOGLENET_AUXILIARY.after:
            head = auxiliary_head(GOOGLENET_AUXILIARY, num_classes)
            stages.append(Stage(f"aux_{row.key}", head, aside=True))
    return stages


def _steps(row: GoogLeNetRow, in_channels: int, num_classes: int, stem: str) -> list[Step]:
    if row.type == "convolution" and row.conv3 is not None:
        return [Conv("reduce3", row.reduce3, 1), Conv("conv3", row.conv3, row.patch)]
    if row.type == "convolution" and stem == "separable":
        return separable_stem(in_channels, row.channels, row.patch, row.stride)
    if row.type == "convolution":
        return [Conv("conv", row.channels, row.patch, row.stride)]
    if row.type == "max pool":
        return [Pool("max", row.patch, row.stride, ceil_mode=True)]
    if row.type == "inception":
        return [inception_branches(row)]
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
    stem: str = "dense",
    aux: bool = False,
    bias: bool = True,
    norm: bool = False,
) -> list[LayerCost]:
    """Return the cost of every layer of GoogLeNet that has weights, in the order of its Table 1.

    Args:
        table: rows of Table 1, or your own in the same form.
        stem: "dense" (the 7×7 as printed) or "separable" (the one whose cost is printed).
        aux: whether to add the two auxiliary heads (training only), as rows `aux_4a` and `aux_4d`.
        bias: whether to count biases.
        norm: whether batch norm follows each convolution, which then has no bias.

    Raises:
        ValueError: an unknown stem, or an input too small for the layers.
    """
    positive("num_classes", num_classes)
    stages = googlenet_stages(
        table, in_channels=positive("in_channels", in_channels), num_classes=num_classes, stem=stem, aux=aux
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
