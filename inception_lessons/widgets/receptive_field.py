"""What a stack of layers sees: receptive field, jump and border, beside one kernel that sees as much.

Sizes and jumps are those of `costs.receptive_field`, the presets those of the papers' tables. The page's
module computes the same from the same data.
"""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from inception_lessons import costs
from inception_lessons.costs import Conv, Pool, Stage
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider, Text
from inception_lessons.widgets._numbers import percent

_LAYER = "p?(?:[1-9]|1[01])x(?:[1-9]|1[01])(?:s[1-4])?"
PATTERN = f"{_LAYER}(?:,{_LAYER}){{0,17}}"
"""1 to 18 layers, the first first: height × width of the kernel, `s` and the stride; `p` before a pooling."""

LIMITS = {"largest_field": 999, "largest_jump": 64, "counted": 31, "listed": 11, "cells": 64}
"""Of what is drawn; of the fields, in pixels a side, whose paths are counted, and listed; and of the view, in
pixels a side, whose pixels are drawn one by one."""

IMAGE = {
    "label": "image",
    "operation": "other",
    "kernel": [1, 1],
    "stride": 1,
    "taps": 0,
    "size": [1, 1],
    "jump": 1,
}
"""What stands before the first layer; `taps` are the weights for one input and one output channel."""

NEXT = {
    "1x1": "1×1", "3x3": "3×3", "3x3s2": "3×3, stride 2", "5x5": "5×5", "7x7": "7×7",
    "7x7s2": "7×7, stride 2", "11x11s4": "11×11, stride 4", "2x2": "2×2", "1x3": "1×3", "3x1": "3×1",
    "1x7": "1×7", "7x1": "7×1", "p2x2s2": "2×2 pool, stride 2", "p3x3": "3×3 pool",
    "p3x3s2": "3×3 pool, stride 2",
}  # fmt: skip
"""What the reader can add."""

STEMS: dict[str, tuple[str, int, list[Stage]]] = {
    "vgg16-2": ("VGG16, blocks 1 and 2", 224, costs.vgg_stages(costs.vgg_layers(costs.vgg_column("D")))[:2]),
    "vgg16-5": ("VGG16, all five blocks", 224, costs.vgg_stages(costs.vgg_layers(costs.vgg_column("D")))),
    "googlenet": ("GoogLeNet, stem", 224, costs.googlenet_stages()),
    "inception-v3": ("Inception-v3, stem", 299, costs.inception_v3_stages()),
}
"""Networks from their tables: label, pixels a side, stages. The layers before the first module count."""

STACKS = {
    "3x3,3x3,3x3": "three 3×3",
    "7x7": "one 7×7",
    "3x3,3x3": "two 3×3",
    "5x5": "one 5×5",
    "1x7,7x1": "1×7, then 7×1",
    "1x3,3x1": "1×3, then 3×1",
    "2x2,2x2": "two 2×2",
}
SMALL_IMAGE = 15

_EXAMPLES = (
    *STACKS,
    "1x1", "1x1,3x3", "3x3s2", "3x3s2,3x3", "3x3,3x3s2", "5x5s2,5x5s2", "11x11s4", "11x11s4,p3x3s2,5x5",
    "11x11,11x11,11x11", "4x6s3,2x3", "1x1s4,1x1s4,3x3", "1x1s4,1x1s4,1x1s4", "1x1s4,1x1s4,1x1s4,1x1s2",
    "2x2s4,2x2s3", "p2x2s2", "p3x3s2,p3x3s2", "p3x3,3x3", "7x7s2,p3x3s2", "1x3,1x3,1x3", "9x1s2,1x9s2",
    "1x11,11x1,1x11,11x1", "3x3s2,3x3s2,3x3s2,3x3s2,3x3s2", "3x3s1,5x5s1", ",".join(["3x3"] * 15),
    ",".join(["2x2"] * 18), ",".join(["1x1"] * 18), ",".join(["11x11"] * 18), ",".join(["3x3s2"] * 6),
    ",".join(["3x3s2"] * 7), ",".join(["11x11s4"] * 18), ",".join(["3x3"] * 12 + ["2x2"] * 6),
)  # fmt: skip


class Layer(NamedTuple):
    """A layer of a stack, as its text says."""

    pooling: bool
    height: int
    width: int
    stride: int

    @property
    def label(self) -> str:
        """Such as `"3×3 pool, stride 2"`."""
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        return f"{self.height}×{self.width}{' pool' if self.pooling else ''}{stride}"

    @property
    def operation(self) -> str:
        """The colour that the layer has in the book's figures."""
        if self.pooling:
            return "pool"
        return {1: "conv1", 2: "other", 3: "conv3"}.get(max(self.height, self.width), "conv5")


def layers_of(stack: str) -> list[Layer]:
    """Return the layers of a text such as `"7x7s2,p3x3s2,1x1,3x3"`."""
    parts = re.findall(r"(p?)([0-9]+)x([0-9]+)(?:s([0-9]))?", stack)
    return [
        Layer(bool(pool), int(height), int(width), int(stride or 1)) for pool, height, width, stride in parts
    ]


def stack_of(stages: Sequence[Stage]) -> str:
    """Return the convolutions and poolings at the head of `stages` as text."""
    steps = (step for stage in stages for step in stage.steps)
    found = []
    for step in itertools.takewhile(lambda step: isinstance(step, Conv | Pool), steps):
        stride = f"s{step.stride}" if step.stride != 1 else ""
        found.append(f"{'p' if isinstance(step, Pool) else ''}{step.kernel_size}x{step.kernel_size}{stride}")
    return ",".join(found)


TEXTS = {
    "caption": "Image {side}×{side}, width {width} in every layer, weights without biases. Each layer "
    "is padded so that only its stride shrinks the grid.",
    "problem": "This stack sees {size} pixels with jump {jump}. The drawing ends at a field of "
    "{largest_field}×{largest_field} and jump {largest_jump}: remove a layer, or choose an example.",
    "alone": "One {label} sees {size}, with {taps} weights for each pair of an input and an output channel.",
    "several": "{label} together see {size} with {ratio} of the weights of one {size} kernel: {taps} against "
    "{whole} for each pair of an input and an output channel.",
    "stack": "{label}: {weights} weights ({ratio}), {macs} MACs per output position ({share})",
    "kernel": "one {size}{strided}: {all} weights, {all} MACs per output position",
    "position": "The output in row {down.position}, column {along.position} of {grid}×{grid}, counted from "
    "0, sees rows {down.first} to {down.last} and columns {along.first} to {along.last}: {size} pixels.",
    "outside": " Of these, {outside} lie outside the image, where there are zeros.",
    "jump": " The jump, from its field to the next output's, is {jump}.",
    "larger": " The field is larger than the image.",
    "uncounted": "Paths are counted where the field has at most {counted}×{counted} pixels.",
    "equal": "Paths from each pixel of the image in the field to this output: {least}.",
    "range": "Paths from a pixel of the image in the field to this output: {least} to {most}.",
    "product": " Each is a count of the height ({down.counts}) times one of the width ({along.counts}).",
    "outlines": "Drawn to scale as outlines: single pixels would be too small.",
    "pooling": "Poolings have no weights: there is nothing to learn in them.",
    "lonely": "Add a layer to compare the two.",
    "mixed": "The same field is not the same layer: max pooling is not linear, so this stack computes "
    "what no convolution can.",
    "linear": "The same field is not the same layer. Without a ReLU between them, and away from the "
    "border, the layers make one {size} kernel{fewer}. With a ReLU between they compute what no "
    "convolution can.",
    "fewer": ", but with fewer numbers to choose they cannot make every such kernel",
}
"""The sentences, for both languages; braces hold names."""


HINT = (
    "Pick an output with a click or the arrow keys. The stronger the shade, the more paths. "
    "Grey: outside the image."
)


def _say(key: str, scope: Mapping[str, Any]) -> str:
    """Return a sentence; numbers get thousands separators and a true minus sign."""

    def text(match: re.Match[str]) -> str:
        value: Any = scope
        for name in match[1].split("."):
            value = value[name]
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return value if isinstance(value, str) else f"{value:,}".replace("-", "−")

    return re.sub(r"\{([a-z_.]+)\}", text, TEXTS[key])


class _Axis(NamedTuple):
    """One axis, followed back from one output."""

    position: int
    """Of the output."""
    start: int
    """First pixel that output 0 sees."""
    first: int
    last: int
    """Pixels that it sees, as if the image went on for ever."""
    seen: list[int]
    """First pixel that it sees inside the image, and the one after the last."""
    counts: list[int]
    """Paths to the output from each of these; empty if the field is too large."""
    spans: list[list[int]]
    """For the image and each layer: first and last position on which the output rests."""


def _axis(kernels: Sequence[tuple[int, int]], side: int, pixel: int, counted: bool) -> _Axis:
    """Follow one axis back from the output nearest to `pixel`; `kernels` are (kernel size, stride).

    A layer has (kernel size − 1)//2 positions of padding in front, and as many outputs as strides fit.
    """
    grids, start, size, jump = [side], 0, 1, 1
    for kernel, stride in kernels:
        grids.append(-(-grids[-1] // stride))
        start -= (kernel - 1) // 2 * jump
        size += (kernel - 1) * jump
        jump *= stride
    # The middle of output 0 lies at start + (size - 1)/2.
    nearest = (2 * (pixel - start) + 1 - size + jump) // (2 * jump)
    position = max(0, min(nearest, grids[-1] - 1))
    first = last = position
    spans, counts = [[first, last]], Counter({position: 1})
    for (kernel, stride), grid in zip(kernels[::-1], grids[-2::-1], strict=True):
        before = (kernel - 1) // 2
        first, last = first * stride - before, last * stride - before + kernel - 1
        spans.insert(0, [first, last])
        reached: Counter[int] = Counter()
        for at, paths in counts.items() if counted else ():
            for tap in range(at * stride - before, at * stride - before + kernel):
                reached[tap] += paths if 0 <= tap < grid else 0
        counts = reached
    seen = [max(first, 0), min(last + 1, side)]
    paths = [counts[at] for at in range(*seen)] if counted else []
    return _Axis(position, start, first, last, seen, paths, spans)


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if part else "0 %"


def _relation(layers: Sequence[Layer]) -> str:
    """Return the key of the sentence that says whether the stack equals the one kernel."""
    poolings = sum(layer.pooling for layer in layers)
    if poolings == len(layers):
        return "pooling"
    if len(layers) == 1:
        return "lonely"
    return "mixed" if poolings else "linear"


def evaluate(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything the widget shows, in the form in which the module computes it too."""
    layers, side, width = layers_of(settings["stack"]), settings["side"], settings["width"]
    kernels = [[(layer[1 + axis], layer.stride) for layer in layers] for axis in (0, 1)]
    levels = [{**IMAGE, "grid": side}]
    for depth, layer in enumerate(layers, 1):
        fields = [costs.receptive_field(kernels[axis][:depth]) for axis in (0, 1)]
        levels.append(
            {
                "label": layer.label,
                "operation": layer.operation,
                "kernel": [layer.height, layer.width],
                "stride": layer.stride,
                "taps": 0 if layer.pooling else layer.height * layer.width,
                "size": [field.size for field in fields],
                "jump": fields[0].jump,
                "grid": -(-levels[-1]["grid"] // layer.stride),
            }
        )
    (high, wide), jump, grid = (levels[-1][name] for name in ("size", "jump", "grid"))
    largest, whole = max(high, wide), high * wide
    scope = {**LIMITS, "side": side, "width": width, "size": f"{high:,}×{wide:,}", "jump": jump, "grid": grid}
    caption = _say("caption", scope)
    if largest > LIMITS["largest_field"] or jump > LIMITS["largest_jump"]:
        return {"caption": caption, "problem": _say("problem", scope)}
    counted = largest <= LIMITS["counted"]
    rows, columns = axes = [
        _axis(kernels[axis], side, settings[name], counted) for axis, name in enumerate(("row", "column"))
    ]

    taps, square = sum(level["taps"] for level in levels), width * width
    # One output of the stack rests on (jump/its own jump)² outputs of an earlier layer, borders aside.
    work = sum(level["taps"] * (jump // level["jump"]) ** 2 for level in levels)
    inside = [axis.seen[1] - axis.seen[0] for axis in axes]
    least, most = (pick(rows.counts or [0]) * pick(columns.counts or [0]) for pick in (min, max))
    scope |= {
        "label": " + ".join(layer.label for layer in layers) if len(layers) < 5 else f"{len(layers)} layers",
        "strided": f", stride {jump}" if jump > 1 else "",
        "taps": taps,
        "whole": whole,
        "weights": square * taps,
        "ratio": _share(taps, whole),
        "macs": square * work,
        "share": _share(work, whole),
        "all": square * whole,
        "fewer": TEXTS["fewer"] if taps < whole else "",
        "outside": whole - inside[0] * inside[1],
        "least": least,
        "most": most,
        "down": rows._asdict(),
        "along": columns._asdict(),
    }
    # How far the fields of all outputs reach over the image's edges.
    ends = [axis.start + field + (grid - 1) * jump for axis, field in zip(axes, (high, wide), strict=True)]
    margin = max(0, -rows.start, -columns.start, *(end - side for end in ends))

    def join(*keys: str | bool) -> str:
        return "".join(_say(key, scope) for key in keys if isinstance(key, str))

    return {
        "caption": caption,
        "problem": "",
        "summary": join("alone" if len(layers) == 1 else "several"),
        "compared": [join("stack"), join("kernel")],
        "position": join("position", scope["outside"] > 0 and "outside", "jump", largest > side and "larger"),
        "paths": join("uncounted")
        if not counted
        else join("equal")
        if least == most
        else join("range", max(inside) <= LIMITS["listed"] and "product"),
        "equality": join(_relation(layers)),
        "note": join(side + 2 * margin > LIMITS["cells"] and "outlines"),
        "taps": [taps, whole],
        "levels": levels,
        "axes": [axis._asdict() for axis in axes],
        "margin": margin,
    }


class ReceptiveField(Instrument):
    """What one output of a stack of layers sees, and what one kernel with the same field would cost.

    ```python
    ReceptiveField()                                # three 3×3: they see 7×7 with 27/49 of its weights
    ReceptiveField("1x7,7x1")                       # the same 7×7 with 14/49
    ReceptiveField(stack="3x3s2,3x3,p3x3s2", side=31, width=32, row=0, column=0)
    ```

    Unit: pixels of the image, counted from 0 at the top left; −1 lies in the padding. `row` and `column`
    name a pixel; the output nearest to it is shown. Every layer has the same width and is padded so that
    only its stride shrinks the grid: n positions in front for a kernel of 2n + 1 or 2n + 2. The stems have
    their papers' kernels and strides; where a network pads otherwise, as Inception v3 does, size and jump
    are its own and only the place differs. Weights are without biases. MACs are what one more output
    position adds, borders aside.

    In the starting state three layers have fewer weights than one, and the pixel in the middle lies on 49
    paths to the output, a corner on one. Sources: section 2.3 of arXiv:1409.1556 (three 3×3), section 3 of
    arXiv:1512.00567 (two 3×3, two 2×2, 1×n and n×1), `costs.receptive_field`.
    """

    _module: ClassVar[str] = "receptive_field.mjs"

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return the stack, width, image, the cut drawn, the layer to add and the pixel picked."""
        return (
            Text("stack", "Stack of layers", PATTERN, _EXAMPLES),
            Slider("width", "Width (channels)", 1, 512),
            Slider("side", "Image side (pixels)", 7, 299),
            Select(
                "cut", "Cut through the stack", {"width": "along the width", "height": "along the height"}
            ),
            Select("next", "Next layer", NEXT),
            Slider("row", "Row of the pixel picked", 0, 298, hidden=True),
            Slider("column", "Column of the pixel picked", 0, 298, hidden=True),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return stacks by their text, such as `"3x3,3x3"`, and stems: the keys of `STEMS`."""

        def preset(label: str, stack: str, side: int, source: str) -> Preset:
            settings = {"stack": stack, "side": side, "row": side // 2, "column": side // 2}
            return Preset(label, settings, source)

        few = {key: preset(label, key, SMALL_IMAGE, "One kernel or several") for key, label in STACKS.items()}
        stems = {
            key: preset(label, stack_of(stages), side, "Networks of the papers, every layer padded")
            for key, (label, side, stages) in STEMS.items()
        }
        return few | stems

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sentences, the layers, the field and the comparison, or the `problem` alone."""
        return evaluate(settings)

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"width": 64, "cut": "width", "next": "3x3"}

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {"limits": LIMITS, "image": IMAGE, "texts": TEXTS, "hint": HINT}

    def table(self) -> Table:
        """Return the stack, layer by layer, and the one kernel that sees as much."""
        shown = evaluate(self.settings)
        header = ("Layer", "Sees", "Jump", "Grid", "Weights")
        if shown["problem"]:
            return Table(shown["problem"], header, ())
        square, last = self.settings["width"] ** 2, shown["levels"][-1]
        (high, wide), jump = last["size"], last["jump"]
        single = {**last, "label": f"one {high}×{wide}{f', stride {jump}' if jump > 1 else ''}"}
        rows = [
            (
                level["label"],
                "×".join(map(str, level["size"])),
                level["jump"],
                f"{level['grid']}×{level['grid']}",
                square * level["taps"],
            )
            for level in [*shown["levels"], {**single, "taps": high * wide}]
        ]
        return Table(" ".join((shown["caption"], shown["summary"], *shown["compared"])), header, rows)
