"""The cost bench: one convolution and four cheaper stand-ins, side by side, in parameters and MACs.

The variants, their limits and presets are data here. Python counts them with `costs`, the page's module
counts them again from the same data for speed, and a test holds the two together to the last digit.
"""

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons.costs import conv2d
from inception_lessons.papers import GOOGLENET_TABLE_1
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Slider, Toggle
from inception_lessons.widgets._numbers import percent

SETTINGS = (
    Slider("in_channels", "Input channels", 1, 1024),
    Slider("reduced_channels", "Reduced channels", 1, 1024),
    Slider("out_channels", "Output channels", 1, 1024),
    Slider("grid", "Grid", 1, 112),
    Slider("kernel_size", "Kernel", 3, 11, 2),
)


class Step(NamedTuple):
    """One convolution of a variant. Each entry is an integer or a name that `_scope` resolves."""

    in_channels: int | str
    out_channels: int | str
    height: int | str
    width: int | str
    groups: int | str = 1
    repeat: int | str = 1


class Variant(NamedTuple):
    """A way from `in` to `out` channels over a k×k neighbourhood; braces in the label hold names."""

    key: str
    label: str
    steps: tuple[Step, ...]


VARIANTS = (
    Variant("direct", "{k}×{k}", (Step("in", "out", "k", "k"),)),
    Variant("reduced", "1×1, then {k}×{k}", (Step("in", "reduced", 1, 1), Step("reduced", "out", "k", "k"))),
    Variant("stacked", "{many} 3×3", (Step("in", "out", 3, 3), Step("out", "out", 3, 3, repeat="(k-3)/2"))),
    Variant("factorized", "1×{k}, then {k}×1", (Step("in", "out", 1, "k"), Step("out", "out", "k", 1))),
    Variant(
        "separable",
        "depthwise {k}×{k}, then 1×1",
        (Step("in", "in", "k", "k", groups="in"), Step("in", "out", 1, 1)),
    ),
)

WORDS = ("zero", "one", "two", "three", "four", "five")


class PaperConvolution(NamedTuple):
    """A convolution of a paper's network."""

    source: str
    network: str
    module: str
    part: str
    settings: dict[str, int]


def _sizes(*sizes: int) -> dict[str, int]:
    return dict(zip((setting.name for setting in SETTINGS), sizes, strict=True))


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


def _scope(settings: Mapping[str, int]) -> dict[str, Any]:
    """Return what the names in `VARIANTS` stand for."""
    k = settings["kernel_size"]
    return {
        "in": settings["in_channels"],
        "reduced": settings["reduced_channels"],
        "out": settings["out_channels"],
        "k": k,
        "(k-3)/2": (k - 3) // 2,
        "many": WORDS[(k - 1) // 2],
    }


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


def variant_costs(settings: Mapping[str, int]) -> list[VariantCost]:
    """Return every variant's cost, layer by layer, with stride 1 and padding that keeps the grid.

    Args:
        settings: the five sizes of `SETTINGS`, and `biases`: whether to count one per output channel.
    """
    scope = _scope(settings)
    counted = []
    for variant in VARIANTS:
        layers: list[LayerCost] = []
        for step in variant.steps:
            in_channels, out_channels, height, width, groups, repeat = (
                scope.get(name, name) for name in step
            )
            cost = conv2d(
                in_channels,
                out_channels,
                (height, width),
                settings["grid"],
                padding="same",
                groups=groups,
                bias=settings["biases"],
            )
            label = f"{'depthwise ' if step.groups != 1 else ''}{height}×{width}"
            layer = LayerCost(label, _operation(height, width), out_channels, cost.parameters, cost.macs)
            layers += [layer] * repeat
        counted.append(VariantCost(variant.key, variant.label.format(**scope), tuple(layers)))
    return counted


def evaluate(settings: Mapping[str, int]) -> dict[str, Any]:
    """Return everything the bench shows, in the form in which the module computes it too."""
    rows = variant_costs(settings)
    first, cheapest = rows[0], min(rows, key=lambda row: row.macs)
    kernel, grid = settings["kernel_size"], settings["grid"]
    caption = (
        f"Input {settings['in_channels']}×{grid}×{grid}, reduced to {settings['reduced_channels']}, "
        f"kernel {kernel}×{kernel}, output of every variant {settings['out_channels']}×{grid}×{grid}, "
        f"{'with' if settings['biases'] else 'without'} biases."
    )
    if cheapest is first:
        summary = f"No variant takes fewer MACs than {first.label} itself: {first.macs:,}."
    else:
        summary = (
            f"Fewest MACs: {cheapest.label}, with {cheapest.macs:,}, "
            f"which is {percent(cheapest.macs, first.macs)} of the {first.macs:,} of {first.label}."
        )
    return {
        "caption": caption,
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
            for row in rows
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

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return five sizes, and whether to count one bias per output channel."""
        return (*SETTINGS, Toggle("biases", "Count biases"))

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return the convolutions of `presets()`; the first is module 4a's 5×5 branch."""
        found = {
            key: Preset(f"{paper.network} {paper.module}, {paper.part}", paper.settings, paper.source)
            for key, paper in presets().items()
        }
        return {"4a-5x5": found["4a-5x5"], **found}

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caption, the summary and a row for each variant."""
        return evaluate(settings)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"biases": False}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {
            "variants": [{**v._asdict(), "steps": [step._asdict() for step in v.steps]} for v in VARIANTS],
            "presets": _preset_choices(),
            "words": list(WORDS),
        }

    def costs(self) -> dict[str, VariantCost]:
        """Return the cost of each variant: `direct`, `reduced`, `stacked`, `factorized` and `separable`."""
        return {row.key: row for row in variant_costs(self.settings)}

    def table(self) -> Table:
        """Return what the bench shows at first, as text."""
        shown = evaluate(self.settings)
        return Table(
            shown["caption"],
            ("Variant", "Channels", "Parameters", "of direct", "MACs", "of direct"),
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
