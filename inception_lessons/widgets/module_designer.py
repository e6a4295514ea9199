"""The module designer: an Inception module from its own numbers, drawn, counted, and built by `live()`.

Kinds, their branches and the printed modules are data here. Python counts with `costs`, the page's module
counts again from the same data, and a test holds the two together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons._check import one_of
from inception_lessons.costs import (
    INCEPTION_V3_TABLE,
    Figure5Row,
    Figure6Row,
    Figure7Row,
    bn_inception_rows,
    bn_inception_stages,
    conv2d,
    googlenet_stages,
    inception_v3_stages,
    walk,
)
from inception_lessons.papers import GOOGLENET_MODULES, BNInceptionRow, InceptionWidths
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider, Toggle
from inception_lessons.widgets._numbers import percent

Settings = Mapping[str, Any]
Build = Callable[..., Any]


class Layer(NamedTuple):
    """A convolution of a branch."""

    width: str
    """The setting that holds its output channels."""
    height: int = 1
    """Of the kernel; so is `breadth`."""
    breadth: int = 1
    reduces: bool = False
    """A 1×1 for cost alone: before a larger kernel, or after the pooling. The naive form has none."""

    @property
    def label(self) -> str:
        """The kernel, such as "1×7"."""
        return f"{self.height}×{self.breadth}"

    @property
    def operation(self) -> str:
        """`conv1`, `conv3` or `conv5`: the colour in the book's figures."""
        return {1: "conv1", 3: "conv3"}.get(max(self.height, self.breadth), "conv5")

    def data(self) -> dict[str, Any]:
        """Return what the page's module needs."""
        taps = self.height * self.breadth
        return {"name": self.width, "label": self.label, "operation": self.operation, "taps": taps}


class Branch(NamedTuple):
    """A branch: levels one after the other, each of layers side by side on the same input."""

    label: str
    levels: tuple[tuple[Layer, ...], ...]
    pools: bool = False
    """Whether a pooling comes first."""


class Kind(NamedTuple):
    """A kind of module."""

    label: str
    whose: str
    family: str
    """Kinds of one family differ in the pooling only."""
    pool: str
    """"max" or "avg"."""
    branches: tuple[Branch, ...]
    """In the order in which they are joined."""
    sliders: Mapping[str, str]
    """What each of the six numbers is called, in the order of the branches."""
    note: str = ""


def _reduced(width: str, *levels: tuple[Layer, ...]) -> tuple[tuple[Layer, ...], ...]:
    return ((Layer(width, reduces=True),), *levels)


def _square(width: str, size: int) -> tuple[Layer, ...]:
    return (Layer(width, size, size),)


_CONV1 = Branch("1×1", ((Layer("conv1"),),))
_POOL = Branch("pooling", _reduced("project"), pools=True)
_SPLIT = {width: (Layer(width, 1, 3), Layer(width, 3, 1)) for width in ("conv3", "conv5")}
_PROJECT = {"project": "Pool projection"}

_BN_BRANCHES = (
    _CONV1,
    Branch("3×3", _reduced("reduce3", _square("conv3", 3))),
    Branch("double 3×3", _reduced("reduce5", _square("conv5", 3), _square("conv5", 3))),
    _POOL,
)
_BN_SLIDERS = {
    "conv1": "1×1",
    "reduce3": "3×3 reduce",
    "conv3": "3×3",
    "reduce5": "Double 3×3 reduce",
    "conv5": "Double 3×3, each",
    **_PROJECT,
}

KINDS: dict[str, Kind] = {
    "googlenet": Kind(
        "GoogLeNet",
        "GoogLeNet's",
        "googlenet",
        "max",
        (
            _CONV1,
            Branch("3×3", _reduced("reduce3", _square("conv3", 3))),
            Branch("5×5", _reduced("reduce5", _square("conv5", 5))),
            _POOL,
        ),
        {
            "conv1": "1×1",
            "reduce3": "3×3 reduce",
            "conv3": "3×3",
            "reduce5": "5×5 reduce",
            "conv5": "5×5",
            **_PROJECT,
        },
    ),
    "bn_avg": Kind("BN-Inception, avg pool", "BN-Inception's", "bn", "avg", _BN_BRANCHES, _BN_SLIDERS),
    "bn_max": Kind("BN-Inception, max pool", "BN-Inception's", "bn", "max", _BN_BRANCHES, _BN_SLIDERS),
    "v3_35": Kind(
        "Inception-v3, 35×35",
        "Inception-v3's 35×35",
        "v3_35",
        "avg",
        (
            _CONV1,
            Branch("5×5", _reduced("reduce5", _square("conv5", 5))),
            Branch("double 3×3", _reduced("reduce3", _square("conv3", 3), _square("conv3", 3))),
            _POOL,
        ),
        {
            "conv1": "1×1",
            "reduce5": "5×5 reduce",
            "conv5": "5×5",
            "reduce3": "Double 3×3 reduce",
            "conv3": "Double 3×3, each",
            **_PROJECT,
        },
    ),
    "v3_17": Kind(
        "Inception-v3, 17×17",
        "Inception-v3's 17×17",
        "v3_17",
        "avg",
        (
            _CONV1,
            Branch("1×7, 7×1", _reduced("reduce3", (Layer("reduce3", 1, 7),), (Layer("conv3", 7, 1),))),
            Branch(
                "double 1×7, 7×1",
                _reduced(
                    "reduce3",
                    (Layer("reduce3", 7, 1),),
                    (Layer("reduce3", 1, 7),),
                    (Layer("reduce3", 7, 1),),
                    (Layer("conv5", 1, 7),),
                ),
            ),
            _POOL,
        ),
        {
            "conv1": "1×1",
            "reduce3": "Inner width",
            "conv3": "Last 7×1, one pair",
            "reduce5": "Second reduce",
            "conv5": "Last 1×7, two pairs",
            **_PROJECT,
        },
        "This kind has five numbers: the inner width is that of both reductions and of every 1×7 and 7×1 but "
        "the last of a branch.",
    ),
    "v3_8": Kind(
        "Inception-v3, 8×8",
        "Inception-v3's 8×8",
        "v3_8",
        "avg",
        (
            _CONV1,
            Branch("split", _reduced("reduce3", _SPLIT["conv3"])),
            Branch("3×3 and split", _reduced("reduce5", _square("conv5", 3), _SPLIT["conv5"])),
            _POOL,
        ),
        {
            "conv1": "1×1",
            "reduce3": "1×3, 3×1 reduce",
            "conv3": "1×3 and 3×1, each",
            "reduce5": "3×3 reduce",
            "conv5": "3×3, 1×3, 3×1, each",
            **_PROJECT,
        },
        "The 1×3 and the 3×1 read the same input, and both outputs are passed on.",
    ),
}

SIX = InceptionWidths._fields
NAIVE_NOTE = "The naive form has no 1×1 before a larger kernel and none after the pooling."
NOT_DRAWN = "GoogLeNet's paper alone draws a naive form (Figure 2a); this one is counted for comparison."

CONTROLS = (
    Select("kind", "Kind", {key: kind.label for key, kind in KINDS.items()}),
    Slider("in_channels", "Input width", 4, 2048, 4),
    Slider("grid", "Grid", 1, 56),
    Toggle("naive", "Naive form: no reductions"),
    Toggle("biases", "Count biases"),
    *(Slider(name, KINDS["googlenet"].sliders[name], 4, 512, 4, hidden=True) for name in SIX),
)


@cache
def presets() -> dict[str, Preset]:
    """Return the printed modules by key: `"4c"`, `"bn-4c"`, `"bn-4c-printed"`, `"v3-6c"` and so on.

    Input width and grid are those at which the whole network, walked from its input, meets the module.
    """
    found: dict[str, Preset] = {}

    def add(key: str, stage: Any, kind: str, six: Sequence[int], label: str, source: str) -> None:
        sizes = {"in_channels": stage.input_shape[0], "grid": stage.input_shape[1]}
        found[key] = Preset(label, {"kind": kind, **sizes, **dict(zip(SIX, six, strict=True))}, source)

    met = {stage.row: stage for stage in walk(googlenet_stages(), 3, 224)}
    for key, row in GOOGLENET_MODULES.items():
        add(key, met[key], "googlenet", row.widths, f"GoogLeNet {key}", "Rows of Table 1 (arXiv:1409.4842)")

    released = {row.key: row for row in bn_inception_rows("released")}
    for table, source in (
        ("released", "Rows of Figure 5 (arXiv:1502.03167)"),
        ("printed", "Rows of the same figure whose widths do not add up as printed"),
    ):
        met = {stage.row: stage for stage in walk(bn_inception_stages(table), 3, 224)}
        for row in bn_inception_rows(table):
            if (
                row.type != "inception"
                or row.stride == 2
                or (table == "printed" and row == released[row.key])
            ):
                continue
            six = (row.conv1, row.reduce3, row.conv3, row.reduce_double, row.double, row.project)
            corrected = table == "released" and row not in bn_inception_rows("printed")
            ending = {"released": ", projection as released", "printed": " as printed"}[table]
            label = f"BN-Inception {row.key}{ending if corrected or table == 'printed' else ''}"
            key = f"bn-{row.key}{'-printed' if table == 'printed' else ''}"
            add(key, met[row.key], f"bn_{row.pool}", six, label, source)

    met = {stage.row: stage for stage in walk(inception_v3_stages(), 3, 299)}
    for row in INCEPTION_V3_TABLE:
        match row:
            case Figure5Row():
                kind, middle = "v3_35", (row.reduce_double, row.double, row.reduce_single, row.single)
            case Figure6Row():
                kind, middle = "v3_17", (row.inner, row.single, row.inner, row.double)
            case Figure7Row():
                kind, middle = "v3_8", (row.reduce_single, row.single, row.reduce_double, row.double)
            case _:
                continue
        source = "Mixed modules of the released v3 (its paper prints no widths)"
        six = (row.conv1, *middle, row.project)
        add(f"v3-{row.key}", met[row.key], kind, six, f"Inception-v3 Mixed_{row.key}", source)
    return found


@cache
def _printed() -> tuple[Preset, ...]:
    """Return the presets; those with the same numbers become one."""
    same: dict[tuple[object, ...], list[Preset]] = {}
    for preset in presets().values():
        same.setdefault(tuple(preset.settings.values()), []).append(preset)
    return tuple(
        Preset(
            group[0].label + "".join(f" and {preset.label.split()[-1]}" for preset in group[1:]),
            group[0].settings,
            group[0].source,
        )
        for group in same.values()
    )


class Box(NamedTuple):
    """A pooling or a convolution, counted."""

    label: str
    operation: str
    """`conv1`, `conv3`, `conv5` or `pool`: the colour in the book's figures."""
    width: int
    """Output channels."""
    parameters: int
    macs: int


class BranchCost(NamedTuple):
    """A branch, counted for one image."""

    label: str
    path: str
    levels: tuple[tuple[Box, ...], ...]

    @property
    def out_channels(self) -> int:
        """What the last level passes on."""
        return sum(box.width for box in self.levels[-1])

    @property
    def parameters(self) -> int:
        """Sum over the layers."""
        return sum(box.parameters for level in self.levels for box in level)

    @property
    def macs(self) -> int:
        """Sum over the layers."""
        return sum(box.macs for level in self.levels for box in level)


class ModuleCost(NamedTuple):
    """A module, counted for one image."""

    branches: tuple[BranchCost, ...]

    @property
    def out_channels(self) -> int:
        """Channels after the branches are joined."""
        return sum(branch.out_channels for branch in self.branches)

    @property
    def parameters(self) -> int:
        """Sum over the branches."""
        return sum(branch.parameters for branch in self.branches)

    @property
    def macs(self) -> int:
        """Sum over the branches."""
        return sum(branch.macs for branch in self.branches)


def _kept(branch: Branch, naive: bool) -> Iterator[tuple[Layer, ...]]:
    """Yield the levels that the form has."""
    return (level for level in branch.levels if not (naive and level[0].reduces))


def _branch_cost(branch: Branch, pool: str, settings: Settings, naive: bool) -> BranchCost:
    channels, grid = settings["in_channels"], settings["grid"]
    levels: list[tuple[Box, ...]] = []
    if branch.pools:
        levels.append((Box(pool, "pool", channels, 0, 0),))
    for level in _kept(branch, naive):
        boxes = []
        for layer in level:
            width, kernel = settings[layer.width], (layer.height, layer.breadth)
            cost = conv2d(channels, width, kernel, grid, padding="same", bias=settings["biases"])
            boxes.append(Box(layer.label, layer.operation, width, cost.parameters, cost.macs))
        levels.append(tuple(boxes))
        channels = sum(box.width for box in boxes)
    widths = (" + ".join(f"{box.width:,}" for box in level) for level in levels)
    path = " → ".join([f"{settings['in_channels']:,}", *widths])
    return BranchCost(branch.label, path, tuple(levels))


def module_cost(settings: Settings, *, naive: bool | None = None) -> ModuleCost:
    """Return a module's cost, branch by branch, with stride 1 and padding that keeps the grid.

    Args:
        settings: a value for each of `CONTROLS`.
        naive: which form, if not that of the settings.
    """
    naive = settings["naive"] if naive is None else naive
    kind = KINDS[settings["kind"]]
    return ModuleCost(tuple(_branch_cost(branch, kind.pool, settings, naive) for branch in kind.branches))


def _widths(*numbers: int) -> str:
    return " → ".join(f"{number:,}" for number in numbers)


def _sliders(kind: Kind, naive: bool) -> list[dict[str, Any]]:
    used = {layer.width for branch in kind.branches for level in _kept(branch, naive) for layer in level}
    return [
        {"name": name, "label": label + ("" if name in used else " (not used)"), "used": name in used}
        for name, label in kind.sliders.items()
    ]


def _notes(kind: Kind, naive: bool) -> str:
    naive_notes = [NAIVE_NOTE] if kind.family == "googlenet" else [NAIVE_NOTE, NOT_DRAWN]
    return "".join(f" {note}" for note in (kind.note, *(naive_notes if naive else ())) if note)


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if part else "0 %"


def _row(label: str, path: str, cost: Any, whole: Any) -> dict[str, Any]:
    return {
        "label": label,
        "path": path,
        "parameters": cost.parameters,
        "parameter_share": _share(cost.parameters, whole.parameters),
        "macs": cost.macs,
        "mac_share": _share(cost.macs, whole.macs),
    }


def evaluate(settings: Settings) -> dict[str, Any]:
    """Return everything the designer shows, in the form in which the module computes it too."""
    kind, naive, grid = KINDS[settings["kind"]], settings["naive"], settings["grid"]
    width = settings["in_channels"]
    module, other = module_cost(settings), module_cost(settings, naive=not naive)
    forms = [module, other] if naive else [other, module]
    # Output width after one, two and three such modules: pooling that is passed on adds up.
    grown = forms[0].out_channels - width
    after = [[width + k * grown for k in (1, 2, 3)], [forms[1].out_channels] * 3]
    form = "naive form" if naive else "reduced form"
    caption = (
        f"{kind.whose} module, {form}: input {width:,}×{grid}×{grid}, output "
        f"{module.out_channels:,}×{grid}×{grid}, {'with' if settings['biases'] else 'without'} biases."
        f"{_notes(kind, naive)}"
    )
    first, most = module.branches[0], max(module.branches, key=lambda branch: branch.macs)
    less = [
        branch for branch in module.branches[1:] if 0 < branch.macs < first.macs and branch.label != "pooling"
    ]
    sentences = [f"Most MACs: the {most.label} branch, {percent(most.macs, module.macs)} of the module."]
    sentences += [
        f"The {branch.label} branch takes fewer than the 1×1 branch: {percent(branch.macs, module.macs)} "
        f"against {percent(first.macs, module.macs)}."
        for branch in less
    ]
    if naive:
        sentences += [
            f"The reduced form would take {percent(other.macs, module.macs)} of these MACs.",
            f"The pooling passes on all {width:,} channels, so that the output grows with every such module: "
            f"{_widths(width, *after[0])}.",
        ]
    else:
        sentences += [
            f"The naive form would take {percent(other.macs, module.macs)} of these MACs and give "
            f"{other.out_channels:,} channels instead of {module.out_channels:,}."
        ]
    rows = [
        _row(branch.label, branch.path, branch, module)
        | {"levels": [[box._asdict() for box in level] for level in branch.levels]}
        for branch in module.branches
    ]
    against = [
        _row(f"These numbers, {label}", f"module by module: {_widths(width, *path)}", cost, module)
        for label, cost, path in zip(("naive form", "reduced form"), forms, after, strict=True)
    ]
    for preset in _printed():
        there = {**settings, **preset.settings}
        same = KINDS[there["kind"]].family == kind.family
        if same and (there["in_channels"], there["grid"]) == (width, grid):
            cost = module_cost(there, naive=False)
            against.append(_row(preset.label, _widths(width, cost.out_channels), cost, module))
    return {
        "caption": caption,
        "summary": " ".join(sentences),
        "sliders": _sliders(kind, naive),
        "widest": max(width, forms[0].out_channels, forms[1].out_channels),
        "out_channels": module.out_channels,
        "rows": rows,
        "total": _row("Module", _widths(width, module.out_channels), module, module),
        "against": against,
    }


BUILDERS = (*KINDS, "googlenet_naive")
"""What a mapping given to `live` may name: the kinds, and the one naive form that the library builds."""


def numbers(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments with which the library builds a module of these settings.

    They are `in_channels` and `widths` (GoogLeNet, both forms) or `row` (the other kinds).

    Raises:
        ValueError: the naive form of another kind than GoogLeNet.
    """
    kind, six = settings["kind"], [settings[name] for name in SIX]
    conv1, reduce3, conv3, reduce5, conv5, project = six
    _builder_key(kind, settings["naive"])
    if kind == "googlenet":
        return {"in_channels": settings["in_channels"], "widths": InceptionWidths(*six)}
    if kind in ("bn_avg", "bn_max"):
        output = (settings["grid"], settings["grid"], conv1 + conv3 + conv5 + project)
        pool = KINDS[kind].pool
        row: Any = BNInceptionRow("own", "inception", None, None, output, 3, *six[:5], pool, project)
    elif kind == "v3_35":
        row = Figure5Row("own", conv1, reduce5, 5, conv5, reduce3, conv3, project)
    elif kind == "v3_17":
        row = Figure6Row("own", conv1, 7, reduce3, conv3, conv5, project)
    else:
        row = Figure7Row("own", *six)
    return {"in_channels": settings["in_channels"], "row": row}


def _builder_key(kind: str, naive: bool) -> str:
    if naive and kind != "googlenet":
        raise ValueError(
            f"kind {kind!r} has no constructor for its naive form, only 'googlenet' has one; set naive=False"
        )
    return f"{kind}_naive" if naive else kind


class ModuleDesigner(Instrument):
    """An Inception module of your own numbers: its shape, and parameters and MACs of each branch.

    ```python
    ModuleDesigner()                                         # GoogLeNet's 4c
    ModuleDesigner("4c", naive=True)
    ModuleDesigner("4c", **InceptionWidths(192, 96, 208, 16, 48, 64)._asdict(), biases=True)
    ```

    In the default the branch with the largest kernel, 5×5, takes fewer MACs than the 1×1 branch, and the
    naive form four times the module's. MACs are those of one image; biases are parameters and no MACs, and
    batch norm is not counted.

    The six numbers have GoogLeNet's names. In the other kinds `reduce3` and `conv3`, `reduce5` and `conv5`
    are the widths of the branches that have taken these places (the 1×3 and 1×7 the one, the longer branch
    the other); in `"v3_35"` `conv5` is a 5×5 and `conv3` each of two 3×3. `"v3_17"` does not use `reduce5`.

    Source of the presets: Table 1 of arXiv:1409.4842, Figure 5 of arXiv:1502.03167 (without 3c and 4e, which
    halve the grid and have no 1×1 branch), and for Inception-v3 `costs.INCEPTION_V3_TABLE`.
    """

    _module: ClassVar[str] = "module_designer.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return kind, input width, grid, form and biases, and the six widths, which the drawing labels."""
        return CONTROLS

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the modules of `presets()`; the first is GoogLeNet's 4c."""
        return {"4c": presets()["4c"], **presets()}

    @classmethod
    def evaluate(cls, settings: Settings) -> dict[str, Any]:
        """Return caption, summary, labels of the sliders, and a row for each branch and each comparison."""
        return evaluate(settings)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"naive": False, "biases": False}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        kinds = {}
        for key, kind in KINDS.items():
            forms = [
                {
                    "branches": [
                        {
                            "label": branch.label,
                            "pools": branch.pools,
                            "levels": [[layer.data() for layer in level] for level in _kept(branch, naive)],
                        }
                        for branch in kind.branches
                    ],
                    "sliders": _sliders(kind, naive),
                    "notes": _notes(kind, naive),
                }
                for naive in (False, True)
            ]
            names = {"whose": kind.whose, "family": kind.family, "pool": kind.pool}
            kinds[key] = {**names, "forms": forms}
        return {"kinds": kinds, "presets": [preset.data() for preset in _printed()]}

    def costs(self) -> ModuleCost:
        """Return the module's cost, branch by branch."""
        return module_cost(self.settings)

    def numbers(self) -> dict[str, Any]:
        """Return the keyword arguments of the module's constructor, as `numbers` does."""
        return numbers(self.settings)

    def live(self, build: Build | Mapping[str, Build] | None = None) -> Any:
        """Return the same widget as an `anywidget.AnyWidget` that also builds the module.

        ```python
        from inception_lessons.models.googlenet import Inception, NaiveInception

        both = {"googlenet": Inception, "googlenet_naive": NaiveInception}
        designer = ModuleDesigner("4c").live(build=both)
        designer.numbers()    # {"in_channels": 512, "widths": InceptionWidths(conv1=128, …)}
        designer.module()     # Inception(**designer.numbers()): N×512×H×W → N×512×H×W
        ```

        Both follow the sliders. Constructors of the other kinds: `InceptionDouble3` of `models.bn_inception`
        (`"bn_avg"`, `"bn_max"`), and `FactorizedInception`, `AsymmetricInception` and `ExpandedInception` of
        `models.inception_v3` (`"v3_35"`, `"v3_17"`, `"v3_8"`).

        Args:
            build: the constructor for the kind and form that the widget starts with, or one for each of
                several kinds by name: `"googlenet"`, `"googlenet_naive"`, `"bn_avg"` and so on.

        Raises:
            ModuleNotFoundError: anywidget is not installed.
            TypeError: a constructor that cannot be called.
            ValueError: an unknown kind in `build`. `module()` raises it where no constructor fits.
        """
        if callable(build):
            build = {_builder_key(self.settings["kind"], self.settings["naive"]): build}
        elif not isinstance(build, Mapping | None):
            raise TypeError(f"build must be a constructor or a mapping of them by kind, got {build!r}")
        builders = dict(build or {})
        for key, builder in builders.items():
            if not callable(builder):
                raise TypeError(f"build[{key!r}] must be callable, got {builder!r}")
            one_of("kind", key, BUILDERS)
        live = super().live()

        def now() -> dict[str, Any]:
            return {name: getattr(live, name) for name in self._live_names}

        def module() -> Any:
            arguments = numbers(now())
            key = _builder_key(live.kind, live.naive)
            if key not in builders:
                raise ValueError(
                    f"no constructor for {key!r} was given, got {', '.join(map(repr, builders)) or 'none'}; "
                    f"use live(build={{{key!r}: …}})"
                )
            return builders[key](**arguments)

        live.numbers, live.module = lambda: numbers(now()), module
        return live

    def table(self) -> Table:
        """Return what the designer shows at first, as text."""
        shown = evaluate(self.settings)

        def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
            counts = (f"{row['parameters']:,}", row["parameter_share"], f"{row['macs']:,}", row["mac_share"])
            return (row["label"], row["path"], *counts)

        return Table(
            f"{shown['caption']} {shown['summary']}",
            ("Branch", "Widths", "Parameters", "of module", "MACs", "of module"),
            tuple(map(cells, shown["rows"])),
            footer=cells(shown["total"]),
        )
