"""BN-Inception's layers (arXiv:1502.03167), read from its Figure 5."""

from collections.abc import Sequence

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
    layer_costs,
    scale_channels,
    walk,
)
from inception_lessons.costs.googlenet import separable_stem
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import (
    BN_INCEPTION_DEPTH_MULTIPLIER,
    BN_INCEPTION_FIGURE_5,
    PASS_THROUGH,
    BNInceptionRow,
)

BN_INCEPTION_RELEASED: dict[str, int] = {"4c": 96, "4d": 96}
"""The 1×1 after the pooling where the released code (inception_v2.py of TF-slim, tensorflow/models) differs
from Figure 5, whose two rows do not sum to the channels that they print."""

_WIDTHS = ("conv1", "reduce3", "conv3", "reduce_double", "double", "project")


def bn_inception_rows(
    table: str | Sequence[BNInceptionRow] = "released", *, width: float = 1.0
) -> tuple[BNInceptionRow, ...]:
    """Return the rows of a table, every number of channels scaled by `width`.

    Args:
        table: "released" (Figure 5 with 4c and 4d as in `BN_INCEPTION_RELEASED`), "printed" (Figure 5), or
            your own rows.

    Raises:
        ValueError: an unknown name, or a width that is not above 0.
    """
    if isinstance(table, str):
        released = one_of("table", table, ("released", "printed")) == "released"
        projections = BN_INCEPTION_RELEASED if released else {}
        table = [row._replace(project=projections.get(row.key, row.project)) for row in BN_INCEPTION_FIGURE_5]
    return tuple(_scaled(row, width) for row in rows("table", table, BNInceptionRow))


def _scaled(row: BNInceptionRow, width: float) -> BNInceptionRow:
    numbers = {name: getattr(row, name) for name in _WIDTHS}
    widths = {name: scale_channels(n, width) for name, n in numbers.items() if isinstance(n, int) and n}
    height, breadth, channels = row.output
    return row._replace(output=(height, breadth, scale_channels(channels, width)), **widths)


def double_inception_branches(row: BNInceptionRow) -> Parallel:
    """Return a module of Figure 5, branch by branch, in the order in which they are joined.

    With stride 2 the last convolution of each branch and the pooling halve the grid, and the module has no
    1×1 branch.

    Raises:
        ValueError: the row is not a module, or mixes what belongs to the two kinds of module.
    """
    instance("row", row, BNInceptionRow)
    if row.type != "inception":
        raise ValueError(
            f"row {row.key!r} ({row.type}) is no Inception module; only rows of type 'inception' are"
        )
    stride = row.stride or 1
    passes = row.project == PASS_THROUGH
    if passes != (stride == 2) or passes != (not row.conv1):
        raise ValueError(
            f"row {row.key!r} must have stride 2, conv1 0 and project {PASS_THROUGH!r}, or none of the "
            f"three, got stride {row.stride}, conv1 {row.conv1} and project {row.project!r}"
        )
    pool = Pool(row.pool, 3, stride, 1)
    branches: dict[str, list[Step]] = {
        "conv1": [Conv("conv1", row.conv1, 1)],
        "conv3": [Conv("reduce3", row.reduce3, 1), Conv("conv3", row.conv3, 3, stride)],
        "double": [
            Conv("reduce_double", row.reduce_double, 1),
            Conv("double1", row.double, 3),
            Conv("double2", row.double, 3, stride),
        ],
        "pool": [pool] if passes else [pool, Conv("project", row.project, 1)],
    }
    if passes:
        del branches["conv1"]
    return Parallel(branches)


def double_inception_channels(row: BNInceptionRow, in_channels: int) -> int:
    """Return the channels after the branches of a module of Figure 5 are joined."""
    branches = double_inception_branches(row)
    module = Stage(row.key, [branches])
    return walk([module], in_channels, 1)[0].output_shape[0]


def bn_inception_stages(
    table: str | Sequence[BNInceptionRow] = "released",
    *,
    in_channels: int = 3,
    num_classes: int = 1000,
    stem: str = "dense",
    width: float = 1.0,
) -> list[Stage]:
    """Return BN-Inception as data, one stage for each row of Figure 5, and the dense layer.

    Convolutions are padded by half their kernel. The two poolings of the stem round the grid up, those in the
    modules are padded by 1: the grids that the figure prints. Arguments and errors are those of
    `bn_inception`.
    """
    one_of("stem", stem, ("dense", "separable"))
    positive("in_channels", in_channels)
    stages = [Stage(row.key, _steps(row, in_channels, stem)) for row in bn_inception_rows(table, width=width)]
    return [*stages, Stage("linear", [Dense("linear", positive("num_classes", num_classes))])]


def _steps(row: BNInceptionRow, in_channels: int, stem: str) -> list[Step]:
    if row.type == "convolution" and row.conv3 is not None:
        return [Conv("reduce3", row.reduce3, 1), Conv("conv3", row.conv3, row.patch)]
    if row.type == "convolution" and stem == "separable":
        return separable_stem(in_channels, row.channels, row.patch, row.stride, BN_INCEPTION_DEPTH_MULTIPLIER)
    if row.type == "convolution":
        return [Conv("conv", row.channels, row.patch, row.stride)]
    if row.type == "max pool":
        return [Pool("max", row.patch, row.stride, ceil_mode=True)]
    if row.type == "inception":
        return [double_inception_branches(row)]
    if row.type == "avg pool":
        return [GlobalPool()]
    raise ValueError(f"row {row.key!r} has type {row.type!r}, which this function cannot count")


def bn_inception(
    *,
    table: str | Sequence[BNInceptionRow] = "released",
    in_channels: int = 3,
    input_size: Pair = 224,
    num_classes: int = 1000,
    stem: str = "dense",
    bias: bool = True,
    norm: bool = True,
    width: float = 1.0,
) -> list[LayerCost]:
    """Return the cost of every layer of BN-Inception that has weights, in the order of its Figure 5.

    Args:
        table: "released" (Figure 5 with 4c and 4d as in the released code), "printed" (Figure 5), or your own
            rows in the same form.
        stem: "dense" (the 7×7 of the figure) or "separable" (8 filters per channel and a 1×1, as the text
            below the figure has it).
        bias: whether to count biases; with batch norm only the dense layer has them.
        norm: whether batch norm follows each convolution.
        width: factor of all numbers of channels but the input's.

    Raises:
        ValueError: an unknown stem or table, or an input too small for the layers.
    """
    stages = bn_inception_stages(
        table, in_channels=in_channels, num_classes=num_classes, stem=stem, width=width
    )
    return layer_costs(walk(stages, in_channels, input_size, bias=bias, norm=norm))
