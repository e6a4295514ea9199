"""The cost bench: one convolution and four cheaper stand-ins, side by side, in parameters and MACs.

The variants, their limits and presets are data here. Python counts them with `costs`, the page's module
counts them again from the same data for speed, and a test holds the two together to the last digit.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons._check import instance, mapping, one_of, rows
from inception_lessons.costs import LayerCost as NetworkLayer
from inception_lessons.costs import alexnet, conv2d, googlenet, inception_v3, nin_imagenet, vgg
from inception_lessons.papers import GOOGLENET_TABLE_1
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Slider, Text, Toggle
from inception_lessons.widgets._numbers import percent


class Step(NamedTuple):
    """One layer of a variant. Each entry is an integer or a name of the scenario."""

    in_channels: int | str
    out_channels: int | str
    height: int | str
    width: int | str
    groups: int | str = 1
    repeat: int | str = 1
    grid: int | str = "grid"
    """Side of its input."""
    keeps_grid: bool = True
    """Whether padding keeps the grid; a dense layer is a kernel that fits once, without padding."""
    dense: bool = False


class Variant(NamedTuple):
    """One way of doing the scenario's work; braces in the label hold names."""

    key: str
    label: str
    steps: tuple[Step, ...]


class Scenario(NamedTuple):
    """What a bench compares, as data: sliders, variants and words."""

    title: str | None
    """What a screen reader calls the bench; None for "Cost bench", numbered where a page has several."""
    sliders: tuple[Slider, ...]
    names: Mapping[str, str]
    """What steps and labels call the sliders."""
    variants: tuple[Variant, ...]
    """The first is what the others are compared with."""
    reference: str
    """How the columns of ratios are headed."""
    measure: str
    """`macs` or `parameters`: what the summary looks for the least of."""
    caption: str
    """The setting as a sentence; braces hold names."""
    legend: tuple[tuple[str, str], ...]
    """Operation and what it is called."""
    own: bool = False
    """Whether the reader may add a variant."""


MEASURES = {"macs": "MACs", "parameters": "parameters"}
WORDS = ("zero", "one", "two", "three", "four", "five")

CONVOLUTION = Scenario(
    title=None,
    sliders=(
        Slider("in_channels", "Input channels", 1, 1024),
        Slider("reduced_channels", "Reduced channels", 1, 1024),
        Slider("out_channels", "Output channels", 1, 1024),
        Slider("grid", "Grid", 1, 112),
        Slider("kernel_size", "Kernel", 3, 11, 2),
    ),
    names={"in": "in_channels", "reduced": "reduced_channels", "out": "out_channels", "k": "kernel_size"},
    variants=(
        Variant("direct", "{k}×{k}", (Step("in", "out", "k", "k"),)),
        Variant(
            "reduced", "1×1, then {k}×{k}", (Step("in", "reduced", 1, 1), Step("reduced", "out", "k", "k"))
        ),
        Variant(
            "stacked", "{many} 3×3", (Step("in", "out", 3, 3), Step("out", "out", 3, 3, repeat="(k-3)/2"))
        ),
        Variant("factorized", "1×{k}, then {k}×1", (Step("in", "out", 1, "k"), Step("out", "out", "k", 1))),
        Variant(
            "separable",
            "depthwise {k}×{k}, then 1×1",
            (Step("in", "in", "k", "k", groups="in"), Step("in", "out", 1, 1)),
        ),
    ),
    reference="of direct",
    measure="macs",
    caption="Input {in}×{grid}×{grid}, reduced to {reduced}, kernel {k}×{k}, "
    "output of every variant {out}×{grid}×{grid}, {biases} biases.",
    legend=(("conv1", "1×1"), ("conv3", "3×3"), ("conv5", "larger kernels")),
    own=True,
)

HEAD = Scenario(
    title="Head bench",
    sliders=(
        Slider("in_channels", "Input channels", 1, 2048),
        Slider("grid", "Grid", 1, 14),
        Slider("hidden_units", "Hidden units", 1, 4096),
        Slider("classes", "Classes", 2, 1000),
    ),
    names={"in": "in_channels", "hidden": "hidden_units", "classes": "classes"},
    variants=(
        Variant(
            "three",
            "three dense layers",
            (
                Step("in", "hidden", "grid", "grid", keeps_grid=False, dense=True),
                Step("hidden", "hidden", 1, 1, grid=1, dense=True),
                Step("hidden", "classes", 1, 1, grid=1, dense=True),
            ),
        ),
        Variant(
            "one",
            "one dense layer on every position",
            (Step("in", "classes", "grid", "grid", keeps_grid=False, dense=True),),
        ),
        Variant(
            "mean",
            "mean over the grid, then one dense layer",
            (Step("in", "classes", 1, 1, grid=1, dense=True),),
        ),
        Variant("map", "1×1 to one map per class, then the mean", (Step("in", "classes", 1, 1),)),
    ),
    reference="of three",
    measure="parameters",
    caption="Input {in}×{grid}×{grid}, hidden units {hidden}, "
    "scores of every variant {classes}, {biases} biases. "
    "A mean has no parameters, and its additions are no MACs.",
    legend=(("dense", "dense"), ("conv1", "1×1")),
)

OWN = Text(
    "own",
    "Your own variant",
    r"((?:[1-9]\d?[x×][1-9]\d? (?:[1-9]\d{0,3}|depthwise)(?:, |$)){0,6}(?<!, ))",
    ("", "1x1 16, 3x3 24, 3x3 48", "3×3 depthwise, 1×1 48", "1x7 128", "2x2 7, 5x1 9"),
    hint="Steps such as 1x1 16, 3x3 24, 3x3 depthwise, 1x1 48: kernel and output channels, or depthwise.",
)


class PaperConvolution(NamedTuple):
    """A convolution of a paper's network."""

    source: str
    network: str
    module: str
    part: str
    settings: dict[str, int]


def _sizes(*sizes: int) -> dict[str, int]:
    return dict(zip((slider.name for slider in CONVOLUTION.sliders), sizes, strict=True))


@cache
def presets() -> dict[str, PaperConvolution]:
    """Return the presets by key, such as `"4a-5x5"`; GoogLeNet's are read from `papers.GOOGLENET_TABLE_1`."""
    found: dict[str, PaperConvolution] = {}
    for kernel in (5, 3):
        source = f"{kernel}×{kernel} branches (Table 1, arXiv:1409.4842)"
        for before, row in itertools.pairwise(GOOGLENET_TABLE_1):
            if row.type == "inception":
                reduced, out = (row.reduce5, row.conv5) if kernel == 5 else (row.reduce3, row.conv3)
                sizes = _sizes(before.channels, reduced, out, row.grid, kernel)
                preset = PaperConvolution(source, "GoogLeNet", row.key, f"{kernel}×{kernel} branch", sizes)
                found[f"{row.key}-{kernel}x{kernel}"] = preset
    # That paper's Table 1 prints the grid and the 768 channels, its Figure 6 says n = 7. The widths inside
    # the modules are not printed: 192 is what the public implementations use in the last, Mixed_6e.
    found["v3-7x7"] = PaperConvolution(
        "Asymmetric kernels (Figure 6, arXiv:1512.00567)",
        "Inception-v3",
        "17×17 modules",
        "n = 7 (192 as in Mixed_6e)",
        _sizes(768, 192, 192, 17, 7),
    )
    return found


def _preset_choices() -> list[dict[str, Any]]:
    """Return the presets for the page; those with the same five numbers become one."""
    same: dict[tuple[object, ...], list[PaperConvolution]] = {}
    for preset in presets().values():
        same.setdefault((preset.network, preset.part, *preset.settings.values()), []).append(preset)
    choices = []
    for group in same.values():
        first, modules = group[0], " and ".join(preset.module for preset in group)
        label = f"{first.network} {modules}, {first.part}"
        choices.append({"source": first.source, "label": label, "settings": first.settings})
    return choices


def _head(label: str, source: str, channels: int, grid: int, hidden: int, classes: int) -> Preset:
    sizes = (channels, grid, hidden, classes)
    settings = dict(zip((slider.name for slider in HEAD.sliders), sizes, strict=True))
    return Preset(f"{label}, {channels}×{grid}×{grid}", settings, source)


def _flattened(label: str, layers: Sequence[NetworkLayer]) -> Preset:
    """Return the head of a network whose first dense layer takes every position of the last map."""
    dense = [layer for layer in layers if layer.kernel_size is None]
    channels = layers[-len(dense) - 1].cost.output_shape[0]
    grid = math.isqrt(dense[0].in_channels // channels)
    outputs = [layer.cost.output_shape[0] for layer in dense]
    return _head(label, "Dense heads", channels, grid, outputs[0], outputs[-1])


@cache
def heads() -> dict[str, Preset]:
    """Return the heads of the lineage's ImageNet networks by key, from `costs`; AlexNet's is the first."""
    vgg16, googlenet_layers = vgg("D"), googlenet()
    dense = {
        "alexnet": _flattened("AlexNet", alexnet()),
        "vgg16": _flattened("VGG-16", vgg16),
    }
    hidden, classes = (dense["vgg16"].settings[name] for name in ("hidden_units", "classes"))
    source = f"Heads of a mean (three dense layers: {hidden:,} hidden units, as in VGG)"
    nin = nin_imagenet()[-1]
    return dense | {
        "nin": _head("NiN", source, nin.in_channels, nin.cost.output_shape[1], hidden, classes),
        "googlenet": _head(
            "GoogLeNet",
            source,
            googlenet_layers[-1].in_channels,
            googlenet_layers[-2].cost.output_shape[1],
            hidden,
            classes,
        ),
        "inception-v3": _head(
            "Inception v3",
            source,
            inception_v3()[-1].in_channels,
            inception_v3()[-2].cost.output_shape[1],
            hidden,
            classes,
        ),
    }


def _scope(scenario: Scenario, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the names in the scenario stand for."""
    instance("scenario", scenario, Scenario)
    for name in (*scenario.names.values(), "grid", "biases"):
        if name not in mapping("settings", settings):
            raise ValueError(f"settings must have {name!r}, got {', '.join(map(repr, settings))}")
    scope: dict[str, Any] = {name: settings[setting] for name, setting in scenario.names.items()}
    scope |= {"grid": settings["grid"], "biases": "with" if settings["biases"] else "without"}
    if k := scope.get("k"):
        scope |= {"(k-3)/2": (k - 3) // 2, "many": WORDS[(k - 1) // 2]}
    return scope


def own_steps(text: str, in_channels: int) -> tuple[Step, ...]:
    """Return the steps that a reader wrote, such as `"1x1 16, 3x3 depthwise"`."""
    steps: list[Step] = []
    for part in OWN.checked(text).replace("×", "x").split(", ") if text else ():
        kernel, channels = part.split(" ")
        height, width = map(int, kernel.split("x"))
        separable = channels == "depthwise"
        out = in_channels if separable else int(channels)
        steps.append(Step(in_channels, out, height, width, groups=in_channels if separable else 1))
        in_channels = out
    return tuple(steps)


class LayerCost(NamedTuple):
    """One convolution of a variant, counted."""

    label: str
    operation: str
    """`conv1`, `conv3` or `conv5`: the colour its kernel has in the book's figures."""
    out_channels: int
    parameters: int
    macs: int


class VariantCost(NamedTuple):
    """A variant, counted for one image."""

    key: str
    label: str
    layers: tuple[LayerCost, ...]

    @property
    def parameters(self) -> int:
        """Sum over the layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Sum over the layers."""
        return sum(layer.macs for layer in self.layers)


def _operation(height: int, width: int) -> str:
    return {1: "conv1", 3: "conv3"}.get(max(height, width), "conv5")


def variant_costs(scenario: Scenario, settings: Mapping[str, Any]) -> list[VariantCost]:
    """Return every variant's cost, layer by layer, with stride 1; the reader's own comes last.

    Args:
        settings: the sizes of the scenario's sliders; `biases`: whether to count one per output channel;
            `own`, where the scenario allows it: a variant as in `own_steps`.

    Raises:
        TypeError: no scenario, or no mapping.
        ValueError: a setting is missing, or a size that `costs.conv2d` refuses.
    """
    scope = _scope(scenario, settings)
    variants = rows("variants", scenario.variants, Variant)
    if own := settings.get("own"):
        variants = (*variants, Variant("own", "your own", own_steps(own, settings["in_channels"])))
    counted = []
    for variant in variants:
        layers: list[LayerCost] = []
        for step in variant.steps:
            in_channels, out_channels, height, width, groups, repeat, grid = (
                scope.get(name, name) for name in step[:7]
            )
            cost = conv2d(
                in_channels,
                out_channels,
                (height, width),
                grid,
                padding="same" if step.keeps_grid else "valid",
                groups=groups,
                bias=settings["biases"],
            )
            label = "dense" if step.dense else f"{'depthwise ' if groups != 1 else ''}{height}×{width}"
            operation = "dense" if step.dense else _operation(height, width)
            layer = LayerCost(label, operation, out_channels, cost.parameters, cost.macs)
            layers += [layer] * repeat
        counted.append(VariantCost(variant.key, variant.label.format(**scope), tuple(layers)))
    return counted


def evaluate(scenario: Scenario, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the bench shows, in the form in which the module computes it too."""
    counted = variant_costs(scenario, settings)
    measure = one_of("measure", scenario.measure, MEASURES)
    what = MEASURES[measure]
    first, own, wanted = counted[0], counted[-1], counted[0].layers[-1].out_channels
    other_job = own.layers[-1].out_channels != wanted
    least = min(counted[:-1] if other_job else counted, key=lambda row: getattr(row, measure))
    count, whole = getattr(least, measure), getattr(first, measure)
    if least is first:
        summary = f"No variant takes fewer {what} than {first.label} itself: {whole:,}."
    else:
        summary = (
            f"Fewest {what}: {least.label}, with {count:,}, "
            f"which is {percent(count, whole)} of the {whole:,} of {first.label}."
        )
    if other_job:
        summary += (
            f" Your own ends in {own.layers[-1].out_channels} channels, not {wanted}: it does another job."
        )
    return {
        "caption": scenario.caption.format(**_scope(scenario, settings)),
        "summary": summary,
        "rows": [
            {
                "key": row.key,
                "label": row.label,
                "path": " → ".join(
                    str(n) for n in (settings["in_channels"], *(layer.out_channels for layer in row.layers))
                ),
                "parameters": row.parameters,
                "parameter_ratio": percent(row.parameters, first.parameters),
                "macs": row.macs,
                "mac_ratio": percent(row.macs, first.macs),
                "layers": [layer._asdict() for layer in row.layers],
            }
            for row in counted
        ],
    }


class CostBench(Instrument):
    """Variants of one convolution side by side: parameters, MACs and their ratio to the direct convolution.

    ```python
    CostBench()                                   # GoogLeNet's module 4a, 5×5 branch
    CostBench("3a-5x5", biases=True)
    CostBench(in_channels=256, reduced_channels=64, out_channels=256, grid=28, kernel_size=3)
    ```

    In the default, a 1×1 before the 5×5 is cheaper than a depthwise separable convolution. Biases are
    parameters and no MACs.
    """

    _module: ClassVar[str] = "cost_bench.mjs"

    scenario: ClassVar[Scenario] = CONVOLUTION
    """A subclass with another scenario, and with presets for it, is another bench."""

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return the scenario's sizes, whether to count one bias per output channel, and the reader's own."""
        own = (OWN,) if cls.scenario.own else ()
        return (*cls.scenario.sliders, Toggle("biases", "Count biases"), *own)

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the convolutions of `presets()`; the first is module 4a's 5×5 branch."""
        found = {
            key: Preset(f"{paper.network} {paper.module}, {paper.part}", paper.settings, paper.source)
            for key, paper in presets().items()
        }
        return {"4a-5x5": found["4a-5x5"], **found}

    @classmethod
    def _preset_data(cls) -> list[dict[str, Any]]:
        return _preset_choices()

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caption, the summary and a row for each variant."""
        return evaluate(cls.scenario, settings)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"biases": False} | ({"own": ""} if cls.scenario.own else {})

    @classmethod
    def _data(cls) -> dict[str, Any]:
        variants = [
            {**v._asdict(), "steps": [step._asdict() for step in v.steps]} for v in cls.scenario.variants
        ]
        words = {"words": list(WORDS), "measures": MEASURES}
        names = ("title", "names", "reference", "measure", "caption", "legend")
        return {"variants": variants, **words, **{name: getattr(cls.scenario, name) for name in names}}

    def costs(self) -> dict[str, VariantCost]:
        """Return the cost of each variant by its key, such as `direct` or `reduced`."""
        return {row.key: row for row in variant_costs(self.scenario, self.settings)}

    def table(self) -> Table:
        """Return what the bench shows at first, as text."""
        shown, reference = self.evaluate(self.settings), self.scenario.reference
        return Table(
            shown["caption"],
            ("Variant", "Channels", "Parameters", reference, "MACs", reference),
            tuple(
                (
                    row["label"],
                    row["path"],
                    f"{row['parameters']:,}",
                    row["parameter_ratio"],
                    f"{row['macs']:,}",
                    row["mac_ratio"],
                )
                for row in shown["rows"]
            ),
        )


class HeadBench(CostBench):
    """What ends a network: dense layers against the mean over the grid, in parameters and MACs.

    ```python
    HeadBench()                       # AlexNet's head
    HeadBench("vgg16", biases=True)
    ```

    In the default, the mean over AlexNet's last grid leaves less than half a percent of the parameters of its
    head. Networks without hidden units get those of VGG: what its head would cost there.
    """

    scenario: ClassVar[Scenario] = HEAD

    @classmethod
    def _preset_data(cls) -> list[dict[str, Any]]:
        return super(CostBench, cls)._preset_data()  # no two of them are equal

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the last grids of the lineage's networks; the first is AlexNet's."""
        return heads()
