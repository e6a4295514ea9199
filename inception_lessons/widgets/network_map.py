"""The network map: the stages of up to three networks as blocks, sized by parameters, MACs or activations.

The networks of the book are walked by `costs`; any other comes as rows, such as `measure(net, input).rows`.
Python and the page's module read the same integers and write the same sentences.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple, Self

from inception_lessons import costs
from inception_lessons._check import non_negative, one_of
from inception_lessons.papers import LENET5_INPUT_SIZE, NIN_IMAGENET
from inception_lessons.tables import Table
from inception_lessons.widgets._controls import Control, Instrument, Preset, Select, Slider, Toggle
from inception_lessons.widgets._numbers import percent

NONE = "none"
PLACES = ("first", "second", "third")
MOST_ROWS = 256
KINDS = {
    "conv1": "1×1",
    "conv3": "3×3",
    "conv5": "larger kernels",
    "pool": "pooling",
    "dense": "dense",
    "other": "other",
}
"""What a part of a block may be, which is its colour too; a 1×7 or a 7×1 is a larger kernel."""


class Measure(NamedTuple):
    """What blocks can be sized by."""

    name: str
    unit: str
    title: str
    note: str
    """What is counted in the networks of the book."""


MEASURES = (
    Measure(
        "parameters",
        "parameters",
        "Parameters",
        "Parameters include biases and the scale and shift of batch norm, and no auxiliary heads.",
    ),
    Measure("macs", "MACs", "MACs", "MACs are those of convolutions and dense layers, for one image."),
    Measure(
        "activations",
        "activations",
        "Activations",
        "Activations are the outputs of layers with weights (convolutions and dense layers), for one image; "
        "those of pooling, batch norm and ReLU are left out.",
    ),
)


class Part(NamedTuple):
    """What one kind of layer costs in a block."""

    kind: str
    """A key of `KINDS`."""
    parameters: int
    macs: int
    activations: int


class Block(NamedTuple):
    """One stage of a network."""

    name: str
    shape: str
    """Of its output, such as "256×28×28"."""
    parts: tuple[Part, ...]

    def count(self, measure: str) -> int:
        """Return the sum over the parts."""
        return sum(getattr(part, measure) for part in self.parts)


class Network(NamedTuple):
    """A network as the map shows it."""

    label: str
    input: str
    """Shape of the input, empty where it is not known."""
    blocks: tuple[Block, ...]

    def total(self, measure: str) -> int:
        """Return the sum over the blocks."""
        return sum(block.count(measure) for block in self.blocks)


# -- the networks of the book ---------------------------------------------------------------------------


class _Book(NamedTuple):
    """How a network of the book is walked."""

    label: str
    stages: Callable[[], list[costs.Stage]]
    in_channels: int
    input_size: int
    norm: bool = False


def _vgg(column: str) -> Callable[[], list[costs.Stage]]:
    return lambda: costs.vgg_stages(costs.vgg_layers(costs.vgg_column(column)))


_BOOK = {
    "lenet5": _Book("LeNet-5", costs.lenet5_stages, 1, LENET5_INPUT_SIZE),
    "lenet": _Book("LeNet (simplified)", costs.lenet_stages, 1, 28),
    "alexnet": _Book("AlexNet", lambda: costs.alexnet_stages(costs.alexnet_table()), 3, 227),
    "zfnet": _Book("ZFNet", costs.zfnet_stages, 3, 224),
    "nin": _Book("NiN for ImageNet", lambda: costs.nin_stages(NIN_IMAGENET, num_classes=1000), 3, 224),
    "vgg16": _Book("VGG-16", _vgg("D"), 3, 224),
    "vgg19": _Book("VGG-19", _vgg("E"), 3, 224),
    "googlenet": _Book("GoogLeNet", costs.googlenet_stages, 3, 224),
    "bn_inception": _Book("BN-Inception", costs.bn_inception_stages, 3, 224, norm=True),
    "inception_v2": _Book("Inception-v2", costs.inception_v2_rethinking_stages, 3, 299, norm=True),
    "inception_v3": _Book("Inception-v3", costs.inception_v3_stages, 3, 299, norm=True),
}


@cache
def book_networks() -> dict[str, Network]:
    """Return the networks of the book by key, one block for each stage of the paper's table."""
    return {key: _walked(book) for key, book in _BOOK.items()}


def _walked(book: _Book) -> Network:
    walked = costs.walk(book.stages(), book.in_channels, book.input_size, norm=book.norm)
    blocks = tuple(Block(w.row, _shape_text(w.output_shape), _parts(w.layers)) for w in walked)
    return Network(book.label, _shape_text(walked[0].input_shape), blocks)


def _parts(layers: Iterable[costs.LayerCost]) -> tuple[Part, ...]:
    """Return the sums for each kind; the parameters of a batch norm go with the convolution before it."""
    sums: dict[str, Part] = {}
    kind = "other"
    for layer in layers:
        cost, norm = layer.cost, layer.name.endswith("_norm")
        kind = kind if norm else _kind(layer)
        old = sums.get(kind, Part(kind, 0, 0, 0))
        activations = old.activations + (0 if norm else cost.activations)
        sums[kind] = Part(kind, old.parameters + cost.parameters, old.macs + cost.macs, activations)
    return tuple(sums[kind] for kind in KINDS if kind in sums)


def _kind(layer: costs.LayerCost) -> str:
    if layer.kernel_size is None:
        return "dense"
    if layer.name == "coefficient":  # LeNet-5's subsampling learns one factor and one bias for each map
        return "pool"
    return {1: "conv1", 3: "conv3"}.get(max(layer.kernel_size), "conv5")


# -- other networks -----------------------------------------------------------------------------------------


def network_of(label: str, rows: Iterable[object]) -> Network:
    """Return a network from rows, one block for each.

    Args:
        rows: objects or mappings with `name`, `parameters`, `macs`, `activations`, and where there is one
            `output_shape` (or `shape`) and `kind`, a key of `KINDS`. Without a kind, a `type` that contains
            "Linear" is dense, one that contains "Pool" is pooling, and everything else is "other".

    Raises:
        TypeError: rows that are none, a name or a shape of another type, or a count that is no integer.
        ValueError: no rows or more than 256, a negative or unknown count, or a total of 2⁵³ or more.
    """
    try:
        given = list(rows)
    except TypeError:
        raise TypeError(f"rows of network {label!r} must be a sequence of rows, got {rows!r}") from None
    if not given:
        raise ValueError(f"network {label!r} has no rows; give at least one")
    if len(given) > MOST_ROWS:
        raise ValueError(
            f"network {label!r} must have at most {MOST_ROWS} rows, got {len(given)}; "
            "fold the report first, as in report.fold(1).rows"
        )
    blocks = tuple(_block(f"row {number} of network {label!r}", row) for number, row in enumerate(given))
    network = Network(label, "", blocks)
    for measure in MEASURES:
        if network.total(measure.name) >= 2**53:
            raise ValueError(
                f"{measure.name} of network {label!r} must sum to less than 2^53, "
                f"got {network.total(measure.name):,}"
            )
    return network


def _block(where: str, row: object) -> Block:
    def field(name: str) -> Any:
        return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)

    name = field("name")
    if not isinstance(name, str):
        raise TypeError(f"{where} must have a name that is text, got {name!r}")
    counts = []
    for measure in MEASURES:
        value = field(measure.name)
        if value is None:
            raise ValueError(f"{measure.name} of {where} ({name!r}) is missing or was not counted")
        counts.append(non_negative(f"{measure.name} of {where} ({name!r})", value))
    shape = field("output_shape")
    shape = field("shape") if shape is None else shape
    text = _shape_text(shape, f"shape of {where} ({name!r})")
    return Block(name or "(own forward)", text, (Part(_given_kind(field), *counts),))


def _given_kind(field: Callable[[str], Any]) -> str:
    kind, of_module = field("kind"), str(field("type") or "")
    if kind is not None:
        return one_of("kind", kind, KINDS)
    return "dense" if "Linear" in of_module else "pool" if "Pool" in of_module else "other"


def _shape_text(shape: object, name: str = "shape") -> str:
    if shape is None:
        return "not given"
    if isinstance(shape, str):
        return shape
    if not isinstance(shape, Sequence):
        raise TypeError(f"{name} must be a tuple of integers, got {shape!r}")
    if any(isinstance(part, Sequence) for part in shape):
        return ", ".join(_shape_text(part, name) for part in shape)
    return "×".join(str(non_negative(name, size)) for size in shape) or "scalar"


# -- what is shown ------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if part else "0 %"


def _times(total: int, beside: int, label: str) -> str:
    if total < 10 * beside:
        return f"{_share(total, beside)} of {label}"
    return f"{(2 * total + beside) // (2 * beside):,} times {label}"


def _note(network: Network, first: Network, measure: Measure) -> str:
    """Return what strikes in a network: its largest stage, its dense layers, its size beside the first's."""
    total = network.total(measure.name)
    if not total:
        return f"It has no {measure.unit}."
    largest = max(network.blocks, key=lambda block: block.count(measure.name))
    note = f"Largest block: {largest.name}, {_share(largest.count(measure.name), total)}."
    parts = [part for block in network.blocks for part in block.parts]
    dense = sum(getattr(part, measure.name) for part in parts if part.kind == "dense")
    if dense:
        note += f" Dense layers: {_share(dense, total)}."
    beside = first.total(measure.name)
    if network is not first and beside:
        note += f" All together: {_times(total, beside, first.label)}."
    return note


def _detail(network: Network, block: Block, measure: Measure) -> str:
    amounts = []
    for number, each in enumerate(MEASURES):
        count = block.count(each.name)
        part = _share(count, network.total(each.name)) + ("" if number else " of the network")
        amounts.append(f"{count:,} {each.unit} ({part})" if count else f"no {each.unit}")
    detail = f"{network.label}, {block.name}: output {block.shape}; {', '.join(amounts)}."
    whole = block.count(measure.name)
    parts = [(part.kind, getattr(part, measure.name)) for part in block.parts]
    shares = [f"{KINDS[kind]} {_share(count, whole)}" for kind, count in parts if count]
    return detail + (f" {measure.title} by kind: {', '.join(shares)}." if shares else "")


class NetworkMap(Instrument):
    """Where parameters, work and memory sit: the stages of up to three networks as blocks.

    ```python
    NetworkMap()                                          # AlexNet beside GoogLeNet, by parameters
    NetworkMap("three", measure="macs")                   # LeNet, GoogLeNet, Inception-v3 in one scale
    NetworkMap.of({"mine": measure(net, (1, 3, 64, 64)).fold(1).rows}, second="googlenet", measure="macs")
    ```

    A block's area is proportional to its count, and so is each colour's in it. Counts are for one image, from
    `costs` on the papers' tables, without auxiliary heads. Parameters include biases and the scale and shift
    of batch norm. MACs are those of convolutions and dense layers. Activations are the outputs of the layers
    with weights, convolutions and dense layers: those of pooling, batch norm, normalisation, ReLU and
    concatenation are left out. Rows given to `of` are shown as they were counted; `measure` counts every
    tensor that is written anew, those of ReLU and pooling too.

    At the start, the dense layers hold 96 % of AlexNet's parameters and 15 % of GoogLeNet's; by MACs it is
    8 % and less than 0.1 %.
    """

    _module: ClassVar[str] = "network_map.mjs"
    _own: ClassVar[Mapping[str, Network]] = {}

    @classmethod
    def of(
        cls, networks: Mapping[str, Iterable[object]], preset: str | None = None, **settings: object
    ) -> Self:
        """Return a map that offers `networks`, rows by name, before those of the book, and starts with them.

        Args:
            networks: at least one; rows as `network_of` takes them, such as `measure(net, input).rows`.
            preset, settings: as in `NetworkMap(...)`; a network's name stands for it.

        Raises:
            TypeError: `networks` is no mapping, a name is no text, or as `network_of`.
            ValueError: no network, an empty name or one that is taken, or as `network_of`.
        """
        if not isinstance(networks, Mapping):
            raise TypeError(f"networks must map names to rows, got {type(networks).__name__}")
        if not networks:
            raise ValueError("networks must not be empty: give at least one name with its rows")
        taken = {NONE, *book_networks(), *(network.label for network in book_networks().values())}
        for name in networks:
            if not isinstance(name, str):
                raise TypeError(f"the name of a network must be text, got {name!r}")
            if not name.strip():
                raise ValueError("the name of a network must not be empty")
            if name in taken:
                raise ValueError(f"the name {name!r} is taken; give your network another")
        own = {name: network_of(name, rows) for name, rows in networks.items()}
        made = type(cls.__name__, (cls,), {"_own": own, "__doc__": cls.__doc__, "__module__": cls.__module__})
        return made(preset, **settings)

    @classmethod
    def _known(cls) -> dict[str, Network]:
        return {**cls._own, **book_networks()}

    @classmethod
    def controls(cls) -> tuple[Control, ...]:
        """Return three networks, what the blocks are sized by, the scale, and the block in focus."""
        options = {key: network.label for key, network in cls._known().items()}
        return (
            Select("first", "Network 1", options),
            *(
                Select(place, f"Network {number}", {NONE: "none", **options})
                for number, place in enumerate(PLACES[1:], 2)
            ),
            Select("measure", "Sized by", {m.name: m.unit for m in MEASURES}),
            Toggle("same_scale", "Same scale"),
            Slider("shown", "Network in focus", 0, len(PLACES) - 1, hidden=True),
            Slider("block", "Block in focus", 0, MOST_ROWS - 1, hidden=True),
        )

    @classmethod
    def presets(cls) -> Mapping[str, Preset]:
        """Return comparisons worth starting from; first those of own networks, if there are any."""

        def preset(label: str, networks: str, measure: str, same_scale: bool = False) -> Preset:
            places = dict(zip(PLACES, [*networks.split(), NONE, NONE], strict=False))
            return Preset(
                label, {**places, "measure": measure, "same_scale": same_scale}, "Networks of the book"
            )

        found = {
            "parameters": preset("AlexNet and GoogLeNet, parameters", "alexnet googlenet", "parameters"),
            "macs": preset("AlexNet and GoogLeNet, MACs", "alexnet googlenet", "macs"),
            "activations": preset("AlexNet and GoogLeNet, activations", "alexnet googlenet", "activations"),
            "three": preset(
                "LeNet, GoogLeNet and Inception-v3 in one scale",
                "lenet googlenet inception_v3",
                "parameters",
                True,
            ),
            "vgg": preset("VGG-16 and GoogLeNet in one scale, MACs", "vgg16 googlenet", "macs", True),
            "vgg-memory": preset("VGG-16, activations", "vgg16", "activations"),
            "nin": preset(
                "AlexNet, NiN and GoogLeNet in one scale", "alexnet nin googlenet", "parameters", True
            ),
            "successors": preset(
                "GoogLeNet, BN-Inception and Inception-v3, MACs",
                "googlenet bn_inception inception_v3",
                "macs",
                True,
            ),
        }
        if not cls._own:
            return found
        names = [*cls._own, *([] if len(cls._own) > 1 else ["googlenet"]), NONE, NONE]
        start = {**dict(zip(PLACES, names, strict=False)), "measure": "parameters", "same_scale": False}
        return {"own": Preset(" and ".join(list(cls._own)[:3]), start, "Measured"), **found}

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {"shown": 0, "block": 0 if cls._own else 5}

    @classmethod
    def evaluate(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the caption, the networks with their blocks, the block in focus, and the sentences."""
        known = cls._known()
        measure = next(m for m in MEASURES if m.name == settings["measure"])
        keys = [settings[place] for place in PLACES if settings[place] != NONE]
        networks = [known[key] for key in keys]
        longest = max(network.total(measure.name) for network in networks)
        caption = "Image left, logits right. "
        if settings["same_scale"]:
            caption += f"The full length is {longest:,} {measure.unit} in every bar. {measure.note}"
        else:
            caption += f"Every bar fills the length, whatever its total. {measure.note}"
        own = [network.label for key, network in zip(keys, networks, strict=True) if key in cls._own]
        if own:
            caption += f" As its own rows count: {', '.join(own)}."
        shown = min(settings["shown"], len(networks) - 1)
        block = min(settings["block"], len(networks[shown].blocks) - 1)
        rows = [_row(network, networks[0], measure) for network in networks]
        kinds = {kind for row in rows for b in row["blocks"] for kind, _ in b["parts"]}
        return {
            "caption": caption,
            "unit": measure.unit,
            "length": longest if settings["same_scale"] else 0,
            "networks": rows,
            "kinds": [[kind, label] for kind, label in KINDS.items() if kind in kinds],
            "focus": [shown, block],
            "detail": _detail(networks[shown], networks[shown].blocks[block], measure),
            "summary": " ".join(f"{row['label']}: {row['total_text']}. {row['note']}" for row in rows),
        }

    @classmethod
    def _data(cls) -> dict[str, Any]:
        return {
            "measures": [m._asdict() for m in MEASURES],
            "kinds": [list(kind) for kind in KINDS.items()],
            "networks": {
                key: {
                    "label": network.label,
                    "input": network.input,
                    "own": key in cls._own,
                    "blocks": [[b.name, b.shape, [list(part) for part in b.parts]] for b in network.blocks],
                }
                for key, network in cls._known().items()
            },
        }

    def table(self) -> Table:
        """Return every block of the networks shown, with all three counts, and the totals."""
        measure = next(m for m in MEASURES if m.name == self.settings["measure"])
        shown = [self._known()[self.settings[p]] for p in PLACES if self.settings[p] != NONE]
        rows: list[tuple[object, ...]] = []
        for network in shown:
            total = network.total(measure.name)
            for block in network.blocks:
                counts = [block.count(m.name) for m in MEASURES]
                share = _share(block.count(measure.name), total)
                rows.append((f"{network.label}, {block.name}", block.shape, *counts, share))
            totals = [network.total(m.name) for m in MEASURES]
            rows.append((f"{network.label}, all", "", *totals, _share(total, total)))
        header = ("Stage", "Output", *(m.title for m in MEASURES), f"of its {measure.unit}")
        return Table(" ".join(m.note for m in MEASURES), header, rows)


def _row(network: Network, first: Network, measure: Measure) -> dict[str, Any]:
    total = network.total(measure.name)
    return {
        "label": network.label,
        "input": network.input,
        "total": total,
        "total_text": f"{total:,} {measure.unit}",
        "note": _note(network, first, measure),
        "blocks": [
            {
                "name": block.name,
                "shape": block.shape,
                "count": block.count(measure.name),
                "share": _share(block.count(measure.name), total),
                "parts": [
                    [part.kind, getattr(part, measure.name)]
                    for part in block.parts
                    if getattr(part, measure.name)
                ],
            }
            for block in network.blocks
        ],
    }
