"""Inception v3 as it is shipped, and the paper's Inception-v2 (arXiv:1512.00567), layer by layer.

The paper prints no widths of modules. Those of v3 here are the ones of TF-slim, Keras, torchvision and timm,
which agree with each other. Those of v2 are chosen; see `INCEPTION_V2_TABLE`.
"""

from collections.abc import Sequence
from typing import NamedTuple, get_args

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
from inception_lessons.costs.layers import Pair
from inception_lessons.papers import RETHINKING_TABLE_1


class StemRow(NamedTuple):
    """A convolution or a max pooling before the modules."""

    key: str
    type: str
    """"convolution" or "max pool"."""
    kernel_size: int
    stride: int
    padding: int
    out_channels: int | None
    """None for a pooling."""


class Figure5Row(NamedTuple):
    """Widths of a module with the 5×5 factored into two 3×3 (Figure 5), for the 35×35 grid."""

    key: str
    conv1: int
    """1×1 branch."""
    reduce_single: int
    """1×1 before the single convolution."""
    kernel_size: int
    """Of the single convolution: 3 in the figure, 5 in every shipped v3."""
    single: int
    reduce_double: int
    """1×1 before the two 3×3."""
    double: int
    """Each of the two 3×3."""
    project: int
    """1×1 after the average pooling."""


class ReductionRow(NamedTuple):
    """Widths of the module that halves the grid (Figure 10), 35×35 to 17×17. The pooling keeps all
    channels."""

    key: str
    reduce_single: int | None
    """1×1 before the single 3×3; None: there is none, as in every shipped v3."""
    single: int
    """3×3 with stride 2."""
    reduce_double: int
    double: int
    """Each of the two 3×3; the second has stride 2."""


class Figure6Row(NamedTuple):
    """Widths of a module with n×n convolutions factored into 1×n and n×1 (Figure 6), for the 17×17 grid."""

    key: str
    conv1: int
    n: int
    inner: int
    """The 1×1 and every 1×n and n×1 but the last of its branch."""
    single: int
    """Last convolution of the branch with one pair."""
    double: int
    """Last convolution of the branch with two pairs."""
    project: int


class AsymmetricReductionRow(NamedTuple):
    """Widths of the module that halves the grid (a variation of Figure 10), 17×17 to 8×8."""

    key: str
    reduce_single: int
    single: int
    """3×3 with stride 2."""
    n: int
    inner: int
    """1×1, 1×n and n×1 before the second 3×3."""
    double: int
    """The second 3×3, with stride 2."""


class Figure7Row(NamedTuple):
    """Widths of a module with expanded outputs (Figure 7), for the 8×8 grid: 1×3 beside 3×1, twice."""

    key: str
    conv1: int
    reduce_single: int
    single: int
    """Each of 1×3 and 3×1."""
    reduce_double: int
    double: int
    """The 3×3, and each of the 1×3 and 3×1 after it."""
    project: int


ModuleRow = Figure5Row | ReductionRow | Figure6Row | AsymmetricReductionRow | Figure7Row
Row = StemRow | ModuleRow

INCEPTION_V3_TABLE: tuple[Row, ...] = (
    #       key   type           k  /s p  channels
    StemRow("1a", "convolution", 3, 2, 0, 32),
    StemRow("2a", "convolution", 3, 1, 0, 32),
    StemRow("2b", "convolution", 3, 1, 1, 64),
    StemRow("3a", "max pool",    3, 2, 0, None),
    StemRow("3b", "convolution", 1, 1, 0, 80),
    StemRow("4a", "convolution", 3, 1, 0, 192),
    StemRow("5a", "max pool",    3, 2, 0, None),
    #          key   1×1 1sr k  1s  2sr 2s  proj
    Figure5Row("5b", 64, 48, 5, 64, 64, 96, 32),
    Figure5Row("5c", 64, 48, 5, 64, 64, 96, 64),
    Figure5Row("5d", 64, 48, 5, 64, 64, 96, 64),
    #            key   1sr   1s   2sr 2s
    ReductionRow("6a", None, 384, 64, 96),
    #          key   1×1  n  inner 1s   2s   proj
    Figure6Row("6b", 192, 7, 128,  192, 192, 192),
    Figure6Row("6c", 192, 7, 160,  192, 192, 192),
    Figure6Row("6d", 192, 7, 160,  192, 192, 192),
    Figure6Row("6e", 192, 7, 192,  192, 192, 192),
    #                      key   1sr  1s   n  inner 2s
    AsymmetricReductionRow("7a", 192, 320, 7, 192,  192),
    #          key   1×1  1sr  1s   2sr  2s   proj
    Figure7Row("7b", 320, 384, 384, 448, 384, 192),
    Figure7Row("7c", 320, 384, 384, 448, 384, 192),
)  # fmt: skip
"""Inception v3 of TF-slim, Keras, torchvision and timm. Keys are TF-slim's: Conv2d_1a_3x3, MaxPool_3a_3x3,
Mixed_5b and so on."""


def _stem_of_table_1(keys: Sequence[str]) -> list[StemRow]:
    """Return the rows of Table 1 before the modules; each one's channels are the input of the next.

    The last convolution is padded, though not marked so: it must give the 35×35 of the next row.
    """
    types = {"conv": "convolution", "conv padded": "convolution", "pool": "max pool"}
    stem = []
    for key, row, after in zip(keys, RETHINKING_TABLE_1, RETHINKING_TABLE_1[1:], strict=False):
        padded = row.type == "conv padded" or (row.stride == 1 and after.input[:2] == row.input[:2])
        channels = None if row.type == "pool" else after.input[2]
        stem.append(StemRow(key, types[row.type], row.patch, row.stride, 1 if padded else 0, channels))
    return stem


INCEPTION_V2_TABLE: tuple[Row, ...] = (
    *_stem_of_table_1(("1a", "2a", "2b", "3a", "3b", "4a", "4b")),
    #          key   1×1 1sr k  1s  2sr 2s  proj
    Figure5Row("5b", 64, 48, 3, 64, 64, 96, 64),
    Figure5Row("5c", 64, 48, 3, 64, 64, 96, 64),
    Figure5Row("5d", 64, 48, 3, 64, 64, 96, 64),
    #            key   1sr   1s   2sr 2s
    ReductionRow("6a", None, 384, 64, 96),
    #          key   1×1  n  inner 1s   2s   proj
    Figure6Row("6b", 192, 7, 128,  192, 192, 192),
    Figure6Row("6c", 192, 7, 128,  192, 192, 192),
    Figure6Row("6d", 192, 7, 128,  192, 192, 192),
    Figure6Row("6e", 192, 7, 128,  192, 192, 192),
    Figure6Row("6f", 192, 7, 128,  192, 192, 192),
    #                      key   1sr  1s   n  inner 2s
    AsymmetricReductionRow("7a", 192, 320, 7, 192,  192),
    #          key   1×1  1sr  1s   2sr  2s   proj
    Figure7Row("7b", 320, 384, 384, 448, 384, 192),
    Figure7Row("7c", 320, 384, 384, 448, 384, 192),
)  # fmt: skip
"""The paper's Inception-v2.

Printed are the stem, the number of modules on each grid, their figures, n = 7 and the channels between them:
288, 768, 1280, 2048 (Table 1, Figure 6, section 6). The widths inside the modules are chosen: those of the
shipped v3, which give exactly these channels, with two changes. The single convolution of Figure 5 is 3×3, as
drawn, not 5×5. All five modules on 17×17 have the inner width of v3's first, 128: with widths that grow as
v3's do, the network would break the abstract's bound of 25 million parameters."""

_NO_CHANNELS = {"key", "type", "kernel_size", "stride", "padding", "n"}


def scale_row(row: Row, width: float) -> Row:
    """Return the row with every number of channels multiplied by `width`, as `scale_channels` does it."""
    instance("row", row, *get_args(Row))
    channels = {name: value for name, value in row._asdict().items() if name not in _NO_CHANNELS}
    return row._replace(
        **{name: scale_channels(value, width) for name, value in channels.items() if value is not None}
    )


def inception_v3_module(row: ModuleRow) -> Parallel:
    """Return one module, branch by branch, in the order in which the branches are joined."""
    builders = {
        Figure5Row: _figure_5,
        ReductionRow: _reduction,
        Figure6Row: _figure_6,
        AsymmetricReductionRow: _asymmetric_reduction,
        Figure7Row: _figure_7,
    }
    if type(row) not in builders:
        known = ", ".join(kind.__name__ for kind in builders)
        raise TypeError(f"row must be one of {known}, got {row!r}")
    return Parallel(builders[type(row)](row))


def _projected(project: int) -> list[Step]:
    return [Pool("avg", 3, 1, 1), Conv("project", project, 1)]


def _figure_5(row: Figure5Row) -> dict[str, list[Step]]:
    return {
        "conv1": [Conv("conv1", row.conv1, 1)],
        "single": [Conv("reduce_single", row.reduce_single, 1), Conv("single", row.single, row.kernel_size)],
        "double": [
            Conv("reduce_double", row.reduce_double, 1),
            Conv("double1", row.double, 3),
            Conv("double2", row.double, 3),
        ],
        "pool": _projected(row.project),
    }


def _reduction(row: ReductionRow) -> dict[str, list[Step]]:
    before = [] if row.reduce_single is None else [Conv("reduce_single", row.reduce_single, 1)]
    return {
        "single": [*before, Conv("single", row.single, 3, 2, 0)],
        "double": [
            Conv("reduce_double", row.reduce_double, 1),
            Conv("double1", row.double, 3),
            Conv("double2", row.double, 3, 2, 0),
        ],
        "pool": [Pool("max", 3, 2)],
    }


def _figure_6(row: Figure6Row) -> dict[str, list[Step]]:
    wide, tall = (1, row.n), (row.n, 1)
    return {
        "conv1": [Conv("conv1", row.conv1, 1)],
        "single": [
            Conv("reduce_single", row.inner, 1),
            Conv("single_wide", row.inner, wide),
            Conv("single_tall", row.single, tall),
        ],
        "double": [
            Conv("reduce_double", row.inner, 1),
            Conv("double_tall1", row.inner, tall),
            Conv("double_wide1", row.inner, wide),
            Conv("double_tall2", row.inner, tall),
            Conv("double_wide2", row.double, wide),
        ],
        "pool": _projected(row.project),
    }


def _asymmetric_reduction(row: AsymmetricReductionRow) -> dict[str, list[Step]]:
    return {
        "single": [Conv("reduce_single", row.reduce_single, 1), Conv("single", row.single, 3, 2, 0)],
        "double": [
            Conv("reduce_double", row.inner, 1),
            Conv("double_wide", row.inner, (1, row.n)),
            Conv("double_tall", row.inner, (row.n, 1)),
            Conv("double3", row.double, 3, 2, 0),
        ],
        "pool": [Pool("max", 3, 2)],
    }


def _figure_7(row: Figure7Row) -> dict[str, list[Step]]:
    def beside(name: str, channels: int) -> Parallel:
        return Parallel(
            {
                "wide": [Conv(f"{name}_wide", channels, (1, 3))],
                "tall": [Conv(f"{name}_tall", channels, (3, 1))],
            }
        )

    return {
        "conv1": [Conv("conv1", row.conv1, 1)],
        "single": [Conv("reduce_single", row.reduce_single, 1), beside("single", row.single)],
        "double": [
            Conv("reduce_double", row.reduce_double, 1),
            Conv("double3", row.double, 3),
            beside("double", row.double),
        ],
        "pool": _projected(row.project),
    }


def inception_v3_auxiliary_head(
    num_classes: int, *, width: float = 1.0, norm_hidden: bool = True
) -> list[Step]:
    """Return the layers of the extra classifier after the last module on 17×17 (section 4).

    Args:
        norm_hidden: whether batch norm follows the 5×5 too: the step from Inception-v2 to v3 in Table 3.
    """
    return [
        Pool("avg", 5, 3),
        Conv("conv", scale_channels(128, width), 1),
        Conv("hidden", scale_channels(768, width), 5, padding=0, norm=None if norm_hidden else False),
        GlobalPool(),
        Dense("linear", num_classes),
    ]


def inception_v3_stages(
    table: Sequence[Row] = INCEPTION_V3_TABLE,
    *,
    num_classes: int = 1000,
    aux: bool = False,
    width: float = 1.0,
    norm_hidden: bool = True,
) -> list[Stage]:
    """Return a network of these modules as data, one stage for each row and three for its head.

    Arguments are those of `inception_v3`, and of `inception_v3_auxiliary_head` for `norm_hidden`.
    """
    positive("num_classes", num_classes)
    stages = []
    table = rows("table", table, *get_args(Row))
    for row in (scale_row(row, width) for row in table):
        step = _stem_step(row) if isinstance(row, StemRow) else inception_v3_module(row)
        stages.append(Stage(row.key, [step]))
        if aux and row.key == auxiliary_after(table):
            head = inception_v3_auxiliary_head(num_classes, width=width, norm_hidden=norm_hidden)
            stages.append(Stage("aux", head, aside=True))
    return [*stages, Stage("avgpool", [GlobalPool()]), Stage("linear", [Dense("linear", num_classes)])]


def auxiliary_after(table: Sequence[Row]) -> str:
    """Return the key of the row whose output the auxiliary head takes: the last module of Figure 6.

    Raises:
        ValueError: there is none.
    """
    keys = [row.key for row in rows("table", table, *get_args(Row)) if isinstance(row, Figure6Row)]
    if not keys:
        raise ValueError("table must have a Figure6Row for an auxiliary head, got none; build with aux=False")
    return keys[-1]


def _stem_step(row: StemRow) -> Step:
    if one_of("type", row.type, ("convolution", "max pool")) == "max pool":
        return Pool("max", row.kernel_size, row.stride, row.padding)
    return Conv("conv", row.out_channels, row.kernel_size, row.stride, row.padding)


def inception_v3(
    *,
    table: Sequence[Row] = INCEPTION_V3_TABLE,
    in_channels: int = 3,
    input_size: Pair = 299,
    num_classes: int = 1000,
    aux: bool = False,
    width: float = 1.0,
) -> list[LayerCost]:
    """Return the cost of every layer of Inception v3 that has weights.

    Args:
        table: rows of `INCEPTION_V3_TABLE`, or your own in the same form.
        aux: whether to add the auxiliary head (training only), as row `aux`.
        width: factor of every number of channels.

    Raises:
        ValueError: a number below 1, or an input too small for the layers.
    """
    stages = inception_v3_stages(table, num_classes=num_classes, aux=aux, width=width)
    return layer_costs(walk(stages, in_channels, input_size, norm=True))


def inception_v2_rethinking_stages(
    *, num_classes: int = 1000, aux: bool = False, width: float = 1.0
) -> list[Stage]:
    """Return the paper's Inception-v2 as data, one stage for each row of `INCEPTION_V2_TABLE`.

    The 5×5 of its auxiliary head has no batch norm: that is the last step to v3 in Table 3.
    """
    return inception_v3_stages(
        INCEPTION_V2_TABLE, num_classes=num_classes, aux=aux, width=width, norm_hidden=False
    )


def inception_v2_rethinking(
    *,
    in_channels: int = 3,
    input_size: Pair = 299,
    num_classes: int = 1000,
    aux: bool = False,
    width: float = 1.0,
) -> list[LayerCost]:
    """Return the cost of every layer of the paper's Inception-v2 that has weights; arguments as for
    `inception_v3`."""
    stages = inception_v2_rethinking_stages(num_classes=num_classes, aux=aux, width=width)
    return layer_costs(walk(stages, in_channels, input_size, norm=True))


def grid_reduction_steps(kind: str, in_channels: int, out_channels: int) -> list[Step]:
    """Return one of three ways from a grid to half of it with more channels (section 5).

    Each has one 3×3 convolution and one 3×3 max pooling with stride 2 and no padding: 35×35 to 17×17.

    Args:
        kind: "pool first" (Figure 9, left), "convolve first" (Figure 9, right) or "parallel" (Figure 10, with
            one convolution), where the pooling gives `in_channels` of the outputs and the convolution the
            rest.

    Raises:
        ValueError: an unknown kind, or no outputs left for the convolution beside the pooling.
    """
    one_of("kind", kind, ("pool first", "convolve first", "parallel"))
    pool, conv = Pool("max", 3, 2), Conv("conv", positive("out_channels", out_channels), 3)
    if kind == "parallel":
        strided = Conv("conv", parallel_channels(in_channels, out_channels), 3, 2, 0)
        return [Parallel({"conv": [strided], "pool": [pool]})]
    return [pool, conv] if kind == "pool first" else [conv, pool]


def grid_reduction(kind: str, in_channels: int, out_channels: int, grid: Pair) -> list[LayerCost]:
    """Return the cost of one of the `grid_reduction_steps`; its convolution is followed by batch norm."""
    steps = grid_reduction_steps(kind, in_channels, out_channels)
    return layer_costs(walk([Stage(kind, steps)], in_channels, grid, norm=True))


def parallel_channels(in_channels: int, out_channels: int) -> int:
    """Return the channels that a convolution must give beside a pooling that keeps all of its own.

    Raises:
        ValueError: none are left.
    """
    in_channels, out_channels = positive("in_channels", in_channels), positive("out_channels", out_channels)
    if out_channels <= in_channels:
        raise ValueError(
            f"out_channels must be more than in_channels {in_channels}, which the pooling keeps, "
            f"got {out_channels}"
        )
    return out_channels - in_channels


def longest_path(stages: Sequence[Stage], *, pairs_as_one: bool = False) -> int:
    """Return the layers with weights on the longest way from the image to the logits.

    Args:
        pairs_as_one: count a 1×n and the n×1 that follows it, or the other way round, as one layer.
    """
    main = [stage for stage in rows("stages", stages, Stage, empty=True) if not stage.aside]
    return sum(_depth(stage.steps, pairs_as_one) for stage in main)


def _depth(steps: Sequence[Step], pairs_as_one: bool) -> int:
    depth, waiting = 0, False  # waiting: for the second of a pair
    for step in steps:
        if isinstance(step, Parallel):
            depth += max(_depth(branch, pairs_as_one) for branch in step.branches.values())
            continue
        asymmetric = pairs_as_one and isinstance(step, Conv) and isinstance(step.kernel_size, tuple)
        if not (asymmetric and waiting):
            depth += isinstance(step, Conv | Dense)
        waiting = asymmetric and not waiting
    return depth
