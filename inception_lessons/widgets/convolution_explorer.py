"""The convolution explorer: which positions the window of one output reads, and what the layer costs.

Python counts with `costs`, the page's module counts again for speed, and a test holds the two together to the
last character. The sentences about layers that cannot be are this widget's own, in both languages.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

from inception_lessons._check import pair
from inception_lessons.costs import (
    INCEPTION_V3_TABLE,
    VGG_GRID,
    conv2d,
    conv_output_size,
    receptive_field,
    vgg_column,
    vgg_layers,
)
from inception_lessons.papers import ALEXNET_LAYERS, GOOGLENET_TABLE_1, RETHINKING_TABLE_1
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider, Toggle
from inception_lessons.widgets._numbers import percent

WHOLE = 64
"""Largest input grid that is drawn whole."""
PART = 48
"""Positions to a side of the part that is drawn of a larger one."""
DEPTHWISE = "depthwise"

_LARGEST_GRID, _LARGEST_PADDING = RETHINKING_TABLE_1[0].input[0], 5
_LAST = _LARGEST_GRID + 2 * _LARGEST_PADDING - 1

CONTROLS: tuple[Control, ...] = (
    Slider("grid", "Input grid", 1, _LARGEST_GRID),
    Slider("kernel_height", "Kernel height", 1, 11),
    Slider("kernel_width", "Kernel width", 1, 11),
    Slider("stride", "Stride", 1, 4),
    Slider("dilation", "Dilation", 1, 4),
    Slider("padding_height", "Padding top, bottom", 0, _LARGEST_PADDING),
    Slider("padding_width", "Padding left, right", 0, _LARGEST_PADDING),
    Slider("in_channels", "Input channels", 1, 512),
    Slider("out_channels", "Output channels", 1, 512),
    Select("groups", "Groups", {**{str(n): str(n) for n in (1, 2, 4, 8)}, DEPTHWISE: "depthwise"}),
    Toggle("biases", "Count biases"),
    Slider("row", "Output row, from 0", 0, _LAST, hidden=True),
    Slider("column", "Output column, from 0", 0, _LAST, hidden=True),
)


def _preset(label: str, source: str, **settings: Any) -> Preset:
    """Return a preset that sets every control; `kernel`, `padding` and `at` are one number or a pair."""
    given = {"stride": 1, "padding": 0, "dilation": 1, "groups": "1", "biases": True, "at": 0, **settings}
    kernel, padding, at = (pair(name, given.pop(name), 0) for name in ("kernel", "padding", "at"))
    sides = {"kernel_height": kernel[0], "kernel_width": kernel[1]}
    sides |= {"padding_height": padding[0], "padding_width": padding[1], "row": at[0], "column": at[1]}
    return Preset(label, {**given, **sides}, source)


@cache
def _presets() -> dict[str, Preset]:
    """Return the presets by key; the papers' own are read from their tables.

    Paddings are those from which the printed grids follow.
    """
    own, papers = "Made for this book", "From the papers"
    rows = {row.key: row for row in GOOGLENET_TABLE_1}
    alexnet, conv1, before, module = ALEXNET_LAYERS[0], rows["conv1"], rows["pool2"], rows["3a"]
    vgg = vgg_layers(vgg_column("D"))
    vgg_conv = vgg.blocks[0][1]
    stem, after = RETHINKING_TABLE_1[:2]
    long = next(row for row in INCEPTION_V3_TABLE if row.key == "6e")
    long_grid = next(row.input[0] for row in RETHINKING_TABLE_1 if row.figure == 6)
    small = {"grid": 16, "kernel": 3, "in_channels": 64, "out_channels": 64}
    return {
        "skipping": _preset("3×3, stride 2, dilation 2", own, stride=2, dilation=2, padding=2, at=3, **small),
        "even": _preset("3×3, stride 2, an even grid without padding", own, stride=2, at=3, **small),
        "dilated": _preset("3×3, dilation 2", own, dilation=2, padding=2, at=6, **small),
        "alexnet-conv1": _preset(
            "AlexNet conv1: 11×11, stride 4",
            papers,
            grid=(alexnet.grid - 1) * alexnet.stride + alexnet.kernel_size,
            kernel=alexnet.kernel_size,
            stride=alexnet.stride,
            in_channels=alexnet.kernel_depth,
            out_channels=alexnet.channels,
            at=20,
        ),
        "vgg-3x3": _preset(
            "VGG-16, second convolution: 3×3",
            papers,
            grid=VGG_GRID * 2 ** len(vgg.blocks),
            kernel=vgg_conv.kernel_size,
            padding=vgg_conv.kernel_size // 2,
            in_channels=vgg.blocks[0][0].channels,
            out_channels=vgg_conv.channels,
        ),
        "googlenet-conv1": _preset(
            "GoogLeNet conv1: 7×7, stride 2",
            papers,
            grid=conv1.grid * conv1.stride,
            kernel=conv1.patch,
            stride=conv1.stride,
            padding=conv1.patch // 2,
            in_channels=3,
            out_channels=conv1.channels,
        ),
        "googlenet-1x1": _preset(
            "GoogLeNet 3a: 1×1 before the 5×5",
            papers,
            grid=before.grid,
            kernel=1,
            in_channels=before.channels,
            out_channels=module.reduce5,
            at=9,
        ),
        "v3-stem": _preset(
            "Inception-v3, first convolution: 3×3, stride 2, no padding",
            papers,
            grid=stem.input[0],
            kernel=stem.patch,
            stride=stem.stride,
            in_channels=stem.input[2],
            out_channels=after.input[2],
            biases=False,
            at=40,
        ),
        "v3-1x7": _preset(
            "Inception-v3, 17×17 modules: 1×7",
            papers,
            grid=long_grid,
            kernel=(1, long.n),
            padding=(0, long.n // 2),
            in_channels=long.inner,
            out_channels=long.inner,
            biases=False,
            at=(8, 1),
        ),
        # The first depthwise layer in Table 1 of arXiv:1704.04861, "3×3×32 dw" on 112×112×32.
        "mobilenet-depthwise": _preset(
            "MobileNet (arXiv:1704.04861), first depthwise 3×3",
            papers,
            grid=112,
            kernel=3,
            padding=1,
            in_channels=32,
            out_channels=32,
            groups=DEPTHWISE,
            biases=False,
            at=30,
        ),
    }


MEASURES = (
    ("Output", "{filters}×{output}", "{formula}"),
    ("Parameters", "{parameters}", "{filters:filter} of {depth:channel} × {kernel}, {biases}"),
    ("MACs", "{macs}", "{weights:weight} × {outputs:output position}"),
    ("Activations", "{activations}", "numbers in the output, {activations/inputs} of the input's {inputs}"),
    ("Receptive field", "{field}", "{taps} of its {seen:position} have a weight, {taps/seen}"),
    ("Input read", "{read/area}", "{read} of {area:position}, by one window or more"),
)
"""Label, value and derivation of each quantity, as `_say` fills them."""

SAYS = {
    "kernel": "Kernel {side} {kernel} with dilation {dilation} spans {extent} {noun}s, but the input with "
    "its padding has {padded}. Choose a kernel {side} of at most {fits}, or a grid of at least {least}.",
    "groups": "{groups} groups do not divide the {name} channels, {count}. Choose {near} or another multiple "
    "of {groups}, or 1 group.",
    "formula": "⌊({grid} + 2·{padding} − {dilation}·({kernel} − 1) − 1) / {stride}⌋ + 1 = {outputs}",
    "alike": "{rows}, rows and columns alike",
    "apart": "rows {rows}; columns {columns}",
    "with": "and a bias each",
    "without": "biases not counted",
    "unread": "No window reads {lost} of the input ({why}): {unread} of {area:position}, {unread/area}.",
    "edge": "with stride {stride} one more window would reach over the edge",
    "over": "skipped at stride {stride} and dilation {dilation}",
    "blind": "In each channel, {blind} of {outputs:output} can see nothing but padding.",
    "input": "Input {grid}×{grid}",
    "padded": "Input {grid}×{grid}, with padding {padded}",
    "output": "Output {output}",
    "part": "The input is drawn in part, {part}×{part} of its {padded} positions, and the output whole, at a "
    "scale of its own. Point at the output, or focus it and press arrow keys, Home or End.",
    "whole": "Both grids are drawn to one scale. Point at the output, or focus it and press arrow keys, Home "
    "or End.",
    "outside": "The output has {height:row} and {width:column}: row {row}, column {column} lies outside, so "
    "no window is drawn. Point at the output, or press an arrow key or button: the position moves inside.",
    "off": "Output row {row}, column {column}: {taps:tap}, all on the padding, where the input counts as 0.",
    "on": "Output row {row}, column {column}: {taps:tap}, on input {where}.",
    "partly": "Output row {row}, column {column}: {taps:tap}, {on} on input {where}, and {off} on the "
    "padding, where the input counts as 0.",
    "summary": "Output {filters}×{output}, parameters {parameters}, MACs {macs}, receptive field {field}.",
}
"""Every sentence, for both languages."""

LEGEND = {
    "tap": "tap on the input, and its output",
    "zero": "tap on the padding",
    "pad": "padding",
    "skip": "read by no window",
}


def _say(text: str, values: Mapping[str, Any]) -> str:
    """Fill in `{name}`, `{name:noun}` with the noun's plural, and `{part/whole}` in percent."""

    def filled(match: re.Match[str]) -> str:
        name, sign, more = match.groups()
        value = values[name]
        if sign == "/":
            return percent(value, values[more]) if value else "0 %"
        shown = f"{value:,}" if isinstance(value, int) else value
        return f"{shown} {more}{'' if value == 1 else 's'}" if sign else shown

    return re.sub(r"\{(\w+)([:/]?)([\w ]*)\}", filled, text)


class _Axis(NamedTuple):
    """The layer along rows or along columns. Input positions count from 1; padding lies outside."""

    noun: str
    side: str
    kernel: int
    extent: int
    """Positions from the first to the last tap."""
    padding: int
    padded: int
    outputs: int
    """0 where the kernel does not fit."""
    taps: tuple[int, ...]
    """Positions that the chosen output reads; none where it is outside."""
    inside: tuple[int, ...]
    """Those of them on the input."""
    unread: tuple[int, ...]
    """Input positions that no output reads."""
    blind: int
    """Outputs that read padding alone."""


def _axis(settings: Mapping[str, Any], noun: str, side: str) -> _Axis:
    grid, stride, dilation = settings["grid"], settings["stride"], settings["dilation"]
    kernel, padding, at = settings[f"kernel_{side}"], settings[f"padding_{side}"], settings[noun]
    extent, padded = receptive_field([(kernel, stride, dilation)]).size, grid + 2 * padding
    outputs = conv_output_size(grid, kernel, stride, padding, dilation) if extent <= padded else 0
    every = [
        tuple(stride * out + dilation * tap - padding + 1 for tap in range(kernel)) for out in range(outputs)
    ]
    positions = range(1, grid + 1)
    read = {position for taps in every for position in taps}
    taps = every[at] if at < outputs else ()
    return _Axis(
        noun,
        side,
        kernel,
        extent,
        padding,
        padded,
        outputs,
        taps,
        tuple(position for position in taps if position in positions),
        tuple(position for position in positions if position not in read),
        sum(not any(position in positions for position in taps) for taps in every),
    )


def _listed(noun: str, numbers: Sequence[int]) -> str:
    """Return "row 4", "rows 2 to 5", "rows 2 and 4" or "rows 2, 4, 6, … 16"."""
    first, last, many = numbers[0], numbers[-1], len(numbers)
    if many == 1:
        return f"{noun} {first}"
    if last - first == many - 1:
        return f"{noun}s {first} to {last}"
    if many > 4:
        return f"{noun}s {', '.join(map(str, numbers[:3]))}, … {last}"
    return f"{noun}s {', '.join(map(str, numbers[:-1]))} and {last}"


def _groups(settings: Mapping[str, Any]) -> int:
    return settings["in_channels"] if settings["groups"] == DEPTHWISE else int(settings["groups"])


def _refusals(settings: Mapping[str, Any], axes: Sequence[_Axis]) -> list[str]:
    """Return a sentence for each reason why there is no such layer, with its numbers and a way out."""
    dilation, groups = settings["dilation"], _groups(settings)
    said = []
    for axis in axes:
        if not axis.outputs:
            out = {"fits": (axis.padded - 1) // dilation + 1, "least": axis.extent - 2 * axis.padding}
            said.append(_say(SAYS["kernel"], {**axis._asdict(), "dilation": dilation, **out}))
    for name, count in (("input", settings["in_channels"]), ("output", settings["out_channels"])):
        if count % groups:
            near = max(groups, count - count % groups)
            said.append(_say(SAYS["groups"], {"name": name, "count": count, "groups": groups, "near": near}))
    return said


def evaluate(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the explorer shows, in the form in which the module computes it too."""
    axes = rows, columns = _axis(settings, "row", "height"), _axis(settings, "column", "width")
    refusals = _refusals(settings, axes)
    if refusals:
        nothing = {"titles": [], "view": "", "window": "", "notes": [], "measures": []}
        return {"refusals": refusals, **nothing, "summary": " ".join(refusals)}

    grid, filters, biases = settings["grid"], settings["out_channels"], settings["biases"]
    cost = conv2d(
        settings["in_channels"],
        filters,
        (rows.kernel, columns.kernel),
        grid,
        stride=settings["stride"],
        padding=(rows.padding, columns.padding),
        dilation=settings["dilation"],
        groups=_groups(settings),
        bias=biases,
    )
    area, outputs, taps = grid**2, rows.outputs * columns.outputs, rows.kernel * columns.kernel
    on, read = (
        len(rows.inside) * len(columns.inside),
        (grid - len(rows.unread)) * (grid - len(columns.unread)),
    )
    lost = [axis for axis in axes if axis.unread]
    at_end = all(axis.unread[0] == grid - len(axis.unread) + 1 > 1 for axis in lost)
    formulas = [_say(SAYS["formula"], {**settings, **axis._asdict()}) for axis in axes]
    scope = {
        **settings,
        "part": PART,
        "area": area,
        "outputs": outputs,
        "taps": taps,
        "on": on,
        "off": taps - on,
        "seen": rows.extent * columns.extent,
        "read": read,
        "unread": area - read,
        "blind": outputs - (rows.outputs - rows.blind) * (columns.outputs - columns.blind),
        "filters": filters,
        "depth": settings["in_channels"] // _groups(settings),
        "parameters": cost.parameters,
        "weights": cost.parameters - (filters if biases else 0),
        "macs": cost.macs,
        "activations": cost.activations,
        "inputs": settings["in_channels"] * area,
        "row": settings["row"] + 1,
        "column": settings["column"] + 1,
        "height": rows.outputs,
        "width": columns.outputs,
        "where": ", ".join(_listed(axis.noun, axis.inside) for axis in axes) if on else "",
        "lost": " or ".join(_listed(axis.noun, axis.unread) for axis in lost),
        "padded": f"{rows.padded}×{columns.padded}",
        "kernel": f"{rows.kernel}×{columns.kernel}",
        "field": f"{rows.extent}×{columns.extent}",
        "output": f"{rows.outputs}×{columns.outputs}",
        "rows": formulas[0],
        "columns": formulas[1],
    }

    def fill(key: str) -> str:
        return _say(SAYS[key], scope)

    scope |= {
        "formula": fill("alike" if formulas[0] == formulas[1] else "apart"),
        "biases": fill("with" if biases else "without"),
        "why": fill("edge" if at_end else "over"),
    }
    notes = [fill(key) for key in ("unread", "blind") if scope[key]]
    drawn = rows.taps and columns.taps
    window = "outside" if not drawn else "off" if not on else "on" if on == taps else "partly"
    return {
        "refusals": [],
        "titles": [fill("padded" if rows.padding or columns.padding else "input"), fill("output")],
        "view": fill("part" if grid > WHOLE else "whole"),
        "window": fill(window),
        "notes": notes,
        "measures": [[_say(text, scope) for text in texts] for texts in MEASURES],
        "summary": " ".join([fill("summary"), *notes]),
    }


class ConvolutionExplorer(Instrument):
    """One convolution: the padded input, the window of one output, the output, and the layer's cost.

    ```python
    ConvolutionExplorer()                          # 3×3, stride 2, dilation 2 on a 16×16 grid
    ConvolutionExplorer("googlenet-conv1")
    ConvolutionExplorer(kernel_height=1, padding_height=0, row=7, column=0)
    ```

    In the default, the output has half the grid and the cost is that of any 3×3 with stride 2, and yet no
    window reads three quarters of the input: neither shape nor cost says what a layer looks at.

    Grids are in positions, parameters with or without biases as set, MACs and activations for one image;
    formulas are those of `costs.conv2d`. `row` and `column` choose the output position, from 0. A layer that
    cannot be is explained by a sentence and raises nothing. Presets are read from the tables of AlexNet (NIPS
    2012), VGG (arXiv:1409.1556), GoogLeNet (arXiv:1409.4842) and Inception-v3 (arXiv:1512.00567); one is from
    arXiv:1704.04861 (Table 1).
    """

    _module: ClassVar[str] = "convolution_explorer.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return the layer's ten numbers and choices, the toggle for biases, and the output's position."""
        return CONTROLS

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return layers to look at, each with an output position; the first reads a quarter of the input."""
        return _presets()

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the titles, the taps, the unread positions, the measures and every sentence."""
        return evaluate(settings)

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {"whole": WHOLE, "part": PART, "measures": MEASURES, "says": SAYS, "legend": LEGEND}

    def table(self) -> Table:
        """Return the measures as text; of a layer that cannot be, the reasons."""
        shown = evaluate(self.settings)
        sizes = self.settings
        padding = dict.fromkeys([sizes["padding_height"], sizes["padding_width"]])
        caption = (
            f"{sizes['kernel_height']}×{sizes['kernel_width']} convolution, stride {sizes['stride']}, "
            f"padding {' and '.join(map(str, padding))}, dilation {sizes['dilation']}, "
            f"groups {_groups(sizes)}, on {sizes['in_channels']}×{sizes['grid']}×{sizes['grid']}."
        )
        if shown["refusals"]:
            return Table(caption, ("No such layer",), [[reason] for reason in shown["refusals"]])
        header = ("Quantity", "Value", "From")
        return Table(" ".join([caption, *shown["notes"]]), header, shown["measures"], "lrl")
