"""Three ways to halve a grid and widen it: pool first, convolve first, or both side by side.

The ways are data here. Python counts them with `costs`, the page's module counts them again from the same
data for speed, and a test holds the two together to the last digit.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons import costs
from inception_lessons.papers import RETHINKING_CLAIMS
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider, Toggle
from inception_lessons.widgets._numbers import percent

FIGURE_9 = {"grid": 35, "in_channels": 320}
"""The input of Figure 9, arXiv:1512.00567; its output has twice the channels."""

_RETHINKING = "Figures 9 and 10 (arXiv:1512.00567)"
_SHIPPED = "Inception v3, the released code"
_BN_INCEPTION = "BN-Inception (Figure 5, arXiv:1502.03167)"


class Layer(NamedTuple):
    """One step of a branch. Text stands for a number of `_scope`; a layer of 0 channels is left out."""

    operation: str
    """ "conv", or "pool": a max pooling."""
    channels: str
    height: int | str
    width: int | str
    stride: int = 1


_POOL = Layer("pool", "in", 3, 3, 2)
_CONV = Layer("conv", "out", "k", "k")
_REDUCE_SINGLE = Layer("conv", "reduce_single", 1, 1)
_REDUCE_DOUBLE = Layer("conv", "reduce_double", 1, 1)
_DOUBLE = Layer("conv", "double", 3, 3)
_SINGLE = (_REDUCE_SINGLE, Layer("conv", "single", 3, 3, 2))
_POOLED = (_POOL._replace(channels="passed"), Layer("conv", "project", 1, 1))

SEQUENCES: dict[str, tuple[Layer, ...]] = {
    "pool first": (_POOL, _CONV),
    "convolve first": (_CONV, _POOL._replace(channels="out")),
}
"""Figure 9: the layers of each way, one behind the other."""

FORMS: dict[str, tuple[tuple[Layer, ...], ...]] = {
    "one": ((_REDUCE_SINGLE, Layer("conv", "single", "k", "k", 2)), _POOLED),
    "two": (_SINGLE, (_REDUCE_DOUBLE, _DOUBLE, _DOUBLE._replace(stride=2)), _POOLED),
    "asymmetric": (
        _SINGLE,
        (
            _REDUCE_DOUBLE,
            Layer("conv", "reduce_double", 1, "n"),
            Layer("conv", "reduce_double", "n", 1),
            _DOUBLE._replace(stride=2),
        ),
        _POOLED,
    ),
}
"""Figure 10: the branches of the parallel way, in the order in which they are joined."""

LABELS = {"pool first": "Pool first", "convolve first": "Convolve first", "parallel": "Parallel"}

_TIMES = int(RETHINKING_CLAIMS["convolve_first_costs"].value)

SENTENCES = {
    "none left": (
        "Not possible: the pooling passes on {pooled} channels, and an output of {out} leaves none for a "
        "convolution. Ask for more output channels, or pass on fewer."
    ),
    "none left, two": (
        "Not possible: the pooling passes on {pooled} channels and the second branch gives {double}; an "
        "output of {out} leaves none for the first. Ask for more output channels, or pass on fewer."
    ),
    "unlike": (
        "Not possible: without padding a 1×1 with stride 2 gives {strided}×{strided}, a 3×3 pooling "
        "{halved}×{halved}, and the two cannot be joined. Pad by 1, or take the 3×3."
    ),
    "bottleneck": (
        "Bottleneck: {narrowest} numbers, {of_input} of the input's and {of_output} of the output's, carry "
        "everything."
    ),
    "within": "No bottleneck: {narrowest} numbers at the narrowest point, {of_input} of the input's.",
    "output": (
        "No bottleneck: nothing is narrower than the output itself, {narrowest} numbers, {of_input} of the "
        "input's."
    ),
    "macs": "Loses by its MACs.",
    "neck": "Loses by its bottleneck.",
    "both": "Loses by its MACs and by its bottleneck.",
    "neither": "Loses by neither.",
    "caption": ("From {from} to {to}. {rule} Parameters include batch norm; MACs are for one image."),
    "none": (
        "Nothing is padded where the grid is halved, as in the released v3: ({grid} − 3)/2 + 1 = {halved}."
    ),
    "none, even": (
        "Nothing is padded where the grid is halved, as in the released v3: ⌊({grid} − 3)/2⌋ + 1 = {halved}. "
        "On an even grid the windows miss the last row and column."
    ),
    "one": (
        "Where the grid is halved it is padded by 1, as in BN-Inception: ⌊({grid} + 2 − 3)/2⌋ + 1 = {halved}."
    ),
    "orders": "Convolving first takes {ratio} of the MACs of pooling first, which has {has}.",
    "parallel": (
        " The parallel form takes {of_pool} of pooling first's and {of_conv} of convolving first's, and has "
        "{has}."
    ),
    "no parallel": " The parallel form is not possible with this setting.",
    "paper": (
        "In print: convolving first takes 2d²k², here {formula}, which is {of_ours} of our count{area}. "
        "Pooling first reduces this “by a quarter”; our count falls to {falls}. Figure 9 says "
        f"“{_TIMES} times more expensive”; here it is {{more}} more."
    ),
    "area": ", because it leaves out the kernel's area",
}
"""What the widget says; Python and the page's module fill the braces."""

KEY = (
    "Blocks: width for channels, height and depth for the grid, so volume for numbers; one scale for all "
    "three ways. A dashed frame marks the narrowest point, a solid one a bottleneck."
)
LEGEND = (
    ("pool", "pooling"),
    ("conv1", "1×1"),
    ("conv3", "3×3"),
    ("conv5", "1×7, 7×1"),
    ("other", "input"),
    ("activations", "numbers"),
)
"""Colour and meaning."""

_ROWS = {row.key: row for row in costs.INCEPTION_V3_TABLE}
_N = _ROWS["7a"].n


@cache
def _presets() -> dict[str, Preset]:
    figure = {
        **FIGURE_9,
        "doubled": True,
        "out_channels": 2 * FIGURE_9["in_channels"],
        "kernel": "3",
        "padding": "none",
        "branches": "one",
        "pooled": 100,
        "reduce_single": 0,
        "reduce_double": _ROWS["6a"].reduce_double,
        "double": _ROWS["6a"].double,
    }
    found = {
        "figure-9": Preset("Figure 9, with a 3×3", figure, _RETHINKING),
        # An even grid, padded, with 1×1 kernels: where the paper's two formulas hold to the digit.
        "formulas": Preset(
            "The paper's formulas: 1×1, even grid",
            {**figure, "grid": FIGURE_9["grid"] + 1, "kernel": "1", "padding": "one"},
            _RETHINKING,
        ),
        "strided": Preset(
            "Figure 9, nothing pooled: one convolution with stride 2", {**figure, "pooled": 0}, _RETHINKING
        ),
    }
    shipped = {stage.row: stage for stage in costs.walk(costs.inception_v3_stages(), 3, 299)}
    bn_inception = {stage.row: stage for stage in costs.walk(costs.bn_inception_stages(), 3, 224)}
    for row in (_ROWS["6a"], _ROWS["7a"]):
        two = isinstance(row, costs.ReductionRow)
        widths = {
            "branches": "two" if two else "asymmetric",
            "reduce_single": row.reduce_single or 0,
            "reduce_double": row.reduce_double if two else row.inner,
            "double": row.double,
        }
        label, settings = _shapes(shipped[row.key])
        found[f"v3-{row.key}"] = Preset(
            f"Mixed_{row.key}, {label}", {**figure, **settings, **widths}, _SHIPPED
        )
    for row in costs.bn_inception_rows():
        if row.stride == 2 and row.type == "inception":
            widths = {
                "branches": "two",
                "padding": "one",
                "reduce_single": row.reduce3,
                "reduce_double": row.reduce_double,
                "double": row.double,
            }
            label, settings = _shapes(bn_inception[row.key])
            found[f"bn-{row.key}"] = Preset(
                f"Module {row.key}, {label}", {**figure, **settings, **widths}, _BN_INCEPTION
            )
    return found


def _shapes(stage: costs.Walked) -> tuple[str, dict[str, Any]]:
    """Return how a preset is labelled, and the settings that its module's input and output give."""
    (channels, grid, _), (out_channels, halved, _) = stage.input_shape, stage.output_shape
    label = f"{grid}×{grid}×{channels} to {halved}×{halved}×{out_channels}"
    sizes = {"grid": grid, "in_channels": channels, "out_channels": out_channels}
    return label, {**sizes, "doubled": out_channels == 2 * channels}


def _scope(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return what the names in the layers stand for."""
    channels = settings["in_channels"]
    out = 2 * channels if settings["doubled"] else settings["out_channels"]
    pooled = channels * settings["pooled"] // 100
    double = 0 if settings["branches"] == "one" else settings["double"]
    return {
        "in": channels,
        "out": out,
        "k": int(settings["kernel"]),
        "n": _N,
        "pooled": pooled,
        "passed": channels if pooled else 0,
        "project": pooled if pooled < channels else 0,
        "single": out - pooled - double,
        "double": double,
        "reduce_single": settings["reduce_single"],
        "reduce_double": settings["reduce_double"],
    }


class Map(NamedTuple):
    """A feature map behind a layer of a way."""

    label: str
    """The layer that makes it."""
    operation: str
    """`pool`, `conv1`, `conv3` or `conv5`: the colour in the book's figures."""
    channels: int
    grid: int
    numbers: int
    narrow: bool
    """Whether it is part of the narrowest point."""


def _branch(
    layers: Sequence[Layer], scope: Mapping[str, int], settings: Mapping[str, Any]
) -> tuple[list[Map], costs.Total]:
    """Return the maps behind the layers, and their cost, each convolution with batch norm."""
    stages, names = [], []
    for layer in layers:
        channels, height, width = (
            scope.get(name, name) for name in (layer.channels, layer.height, layer.width)
        )
        if not channels:
            continue
        halves = layer.stride == 2 and settings["padding"] == "none"
        stride = " stride 2" if layer.stride == 2 else ""
        if layer.operation == "pool":
            step = costs.Pool("max", height, layer.stride, 0 if halves else height // 2)
            names.append((f"max pooling {height}×{width}{stride}", "pool"))
        else:
            step = costs.Conv("conv", channels, (height, width), layer.stride, 0 if halves else None)
            color = {1: "conv1", 3: "conv3"}.get(max(height, width), "conv5")
            names.append((f"{height}×{width}{stride}", color))
        stages.append(costs.Stage(str(len(stages)), [step]))
    walked = costs.walk(stages, settings["in_channels"], settings["grid"], norm=True)
    maps = []
    for (label, color), stage in zip(names, walked, strict=True):
        channels, grid, _ = stage.output_shape
        maps.append(Map(label, color, channels, grid, channels * grid * grid, False))
    return maps, costs.total(costs.layer_costs(walked))


def _say(name: str, **values: object) -> str:
    """Return a sentence of `SENTENCES` with its braces filled, integers with thousands separators."""
    return SENTENCES[name].format_map(
        {key: f"{value:,}" if isinstance(value, int) else value for key, value in values.items()}
    )


def _refusal(scope: Mapping[str, int], settings: Mapping[str, Any], halved: int) -> str:
    """Return why the parallel way cannot be built; empty where it can."""
    if scope["single"] < 1:
        return _say("none left, two" if scope["double"] else "none left", **scope)
    strided = (settings["grid"] + 1) // 2
    if settings["branches"] == "one" and scope["k"] == 1 and strided != halved:
        return _say("unlike", strided=strided, halved=halved)
    return ""


def _whole(channels: int, grid: int, *, narrow: bool) -> dict[str, Any]:
    """Return the input, or the output of the parallel way, which no single layer makes."""
    numbers = channels * grid * grid
    return {"operation": "other", "channels": channels, "grid": grid, "numbers": numbers, "narrow": narrow}


def _smallest(maps: Sequence[Map]) -> int:
    """Return where the map with the fewest numbers stands, the last one of equals."""
    return min(range(len(maps)), key=lambda at: (maps[at].numbers, -at))


def _way(key: str, refusal: str, branches: list[tuple[list[Map], costs.Total]], entry: int) -> dict[str, Any]:
    """Return one way; `entry` counts the numbers of the input.

    Its narrowest point is where all branches together hold the fewest numbers, behind the input.
    """
    way: dict[str, Any] = {"key": key, "label": LABELS[key], "refusal": refusal}
    if refusal:
        return way
    ends = [maps[-1] for maps, _ in branches]
    channels, grid = sum(end.channels for end in ends), ends[0].grid
    output = channels * grid * grid
    places = [_smallest(maps) for maps, _ in branches]
    narrowest = sum(maps[at].numbers for (maps, _), at in zip(branches, places, strict=True))
    within = narrowest < output
    shown = [
        [step._replace(narrow=(within or key != "parallel") and at == place) for at, step in enumerate(maps)]
        for (maps, _), place in zip(branches, places, strict=True)
    ]
    bottleneck = narrowest < min(entry, output)
    ratios = {"of_input": percent(narrowest, entry), "of_output": percent(narrowest, output)}
    verdict = "bottleneck" if bottleneck else "within" if within else "output"
    return {
        **way,
        "branches": [[step._asdict() for step in maps] for maps in shown],
        "joined": [_whole(channels, grid, narrow=not within)] if key == "parallel" else [],
        "parameters": sum(cost.parameters for _, cost in branches),
        "macs": sum(cost.macs for _, cost in branches),
        "narrowest": narrowest,
        "bottleneck": bottleneck,
        "verdict": _say(verdict, narrowest=narrowest, **ratios),
    }


def _caption(settings: Mapping[str, Any], scope: Mapping[str, int], halved: int) -> str:
    rule = settings["padding"]
    if rule == "none" and settings["grid"] % 2 == 0:
        rule = "none, even"
    shown = _say(rule, grid=settings["grid"], halved=halved)
    ends = {"from": _shape(settings["grid"], scope["in"]), "to": _shape(halved, scope["out"])}
    return _say("caption", **ends, rule=shown)


def _shape(grid: int, channels: int) -> str:
    return f"{grid}×{grid}×{channels}"


def _summary(ways: Sequence[Mapping[str, Any]]) -> str:
    pool, conv, both = ways
    first = _say("orders", ratio=percent(conv["macs"], pool["macs"]), has=_has(pool))
    if both["refusal"]:
        return first + SENTENCES["no parallel"]
    ratios = {"of_pool": percent(both["macs"], pool["macs"]), "of_conv": percent(both["macs"], conv["macs"])}
    return first + _say("parallel", **ratios, has=_has(both))


def _has(way: Mapping[str, Any]) -> str:
    return "a bottleneck" if way["bottleneck"] else "no bottleneck"


def _paper(scope: Mapping[str, int], grid: int, ways: Sequence[Mapping[str, Any]]) -> str:
    """Return what the paper prints, beside the counts; empty unless the channels are doubled."""
    pool, conv = ways[0]["macs"], ways[1]["macs"]
    if scope["out"] != 2 * scope["in"]:
        return ""
    formula = 2 * (grid * scope["in"]) ** 2
    return _say(
        "paper",
        formula=formula,
        area=SENTENCES["area"] if formula != conv else "",
        of_ours=percent(formula, conv),
        falls=percent(pool, conv),
        more=percent(conv - pool, pool),
    )


def evaluate(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the widget shows, in the form in which the module computes it too."""
    scope, grid = _scope(settings), settings["grid"]
    entry = scope["in"] * grid * grid
    halved = costs.pool_output_size(grid, 3, 2, 0 if settings["padding"] == "none" else 1)
    ways = [_way(key, "", [_branch(layers, scope, settings)], entry) for key, layers in SEQUENCES.items()]
    refusal = _refusal(scope, settings, halved)
    built = [] if refusal else [_branch(layers, scope, settings) for layers in FORMS[settings["branches"]]]
    ways.append(_way("parallel", refusal, [branch for branch in built if branch[0]], entry))
    macs = [way["macs"] for way in ways if not way["refusal"]]
    for way in ways:
        if way["refusal"]:
            continue
        dearest = way["macs"] == max(macs) > min(macs)
        lost = {(True, True): "both", (True, False): "macs", (False, True): "neck"}
        way["loses"] = SENTENCES[lost.get((dearest, way["bottleneck"]), "neither")]
        for name in ("parameters", "macs"):
            way[f"{name}_ratio"] = percent(way[name], ways[1][name])
    return {
        "input": _whole(scope["in"], grid, narrow=False),
        "caption": _caption(settings, scope, halved),
        "summary": _summary(ways),
        "paper": _paper(scope, grid, ways),
        "ways": ways,
    }


class GridReduction(Instrument):
    """Pool first, convolve first, or both side by side: three ways to halve a grid and widen it.

    ```python
    GridReduction()                                   # Figure 9: 35×35×320 to 17×17×640
    GridReduction("v3-6a")                            # the reduction of the released Inception v3
    GridReduction("figure-9", padding="one", kernel="1")
    ```

    Shown for each way are its maps, as blocks (width: channels; height and depth: grid; so volume: numbers),
    its parameters with batch norm, its MACs for one image, and its narrowest point: where all branches
    together hold the fewest numbers, the input left aside. It is a *bottleneck* if input and output both hold
    more. In the default, convolving first takes 4.24 times the MACs of pooling first, and the parallel form
    half of them, without a bottleneck. Source: section 5 of arXiv:1512.00567, Figures 9 and 10; padding and
    widths of the modules are those of `costs`.
    """

    _module: ClassVar[str] = "grid_reduction.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return grid, widths, kernel and padding of all ways, and the branches of the parallel one."""
        return (
            Slider("grid", "Grid", 3, 112),
            Slider("in_channels", "Input channels", 1, 1024),
            Toggle("doubled", "Twice as many channels out"),
            Slider("out_channels", "Output channels", 1, 2048),
            Select("kernel", "Convolution", {"3": "3×3", "1": "1×1"}),
            Select("padding", "Padding", {"none": "none, as in v3", "one": "1, as in BN-Inception"}),
            Select(
                "branches",
                "Parallel form",
                {
                    "one": "one convolution",
                    "two": "two, with 3×3",
                    "asymmetric": f"two, with 1×{_N}, {_N}×1",
                },
            ),
            Slider("pooled", "Channels pooled, %", 0, 100, 5),
            Slider("reduce_single", "First branch: 1×1, or 0", 0, 512),
            Slider("reduce_double", "Second branch: 1×1", 1, 512),
            Slider("double", "Second branch: output", 1, 1024),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return Figure 9, its formulas, a strided convolution alone, and the reductions of two networks."""
        return _presets()

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caption, the summary, what the paper prints, and each way with its maps and counts."""
        return evaluate(settings)

    @classmethod
    def _data(cls) -> dict[str, Any]:
        def plain(layers: Sequence[Layer]) -> list[dict[str, Any]]:
            return [layer._asdict() for layer in layers]

        return {
            "sequences": [{"key": key, "layers": plain(layers)} for key, layers in SEQUENCES.items()],
            "forms": {key: [plain(layers) for layers in form] for key, form in FORMS.items()},
            "labels": LABELS,
            "sentences": SENTENCES,
            "key": KEY,
            "legend": LEGEND,
            "n": _N,
        }

    def table(self) -> Table:
        """Return what the widget shows at first, as text."""
        shown = evaluate(self.settings)
        rows = []
        for way in shown["ways"]:
            if way["refusal"]:
                rows.append((way["label"], way["refusal"], *["–"] * 5))
                continue
            branches = ["; ".join(_line(step) for step in branch) for branch in way["branches"]]
            of_input = percent(way["narrowest"], shown["input"]["numbers"])
            counts = (way["parameters"], way["macs"], way["macs_ratio"], way["narrowest"], of_input)
            rows.append((way["label"], " + ".join(branches), *counts))
        header = (
            "Way",
            "Maps",
            "Parameters",
            "MACs",
            "of convolve first",
            "Narrowest point",
            "of the input's",
        )
        return Table(f"{shown['caption']} {shown['summary']}", header, rows, align="llrrrrr")


def _line(step: Mapping[str, Any]) -> str:
    return f"{step['label']}: {_shape(step['grid'], step['channels'])}"
