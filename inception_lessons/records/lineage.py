"""The table that grows through the book: what each network costs, and what its lesson size reached."""

from collections.abc import Callable
from typing import NamedTuple

from inception_lessons import costs
from inception_lessons._check import instance, one_of
from inception_lessons.records.files import Record, load
from inception_lessons.tables import Table, millions

RECORD = "lesson_networks"
"""The experiment whose settings are the networks of the lineage, by name."""


class Published(NamedTuple):
    """A network as its paper prints it."""

    year: int
    size: int
    """Height and width of its image."""
    layers: Callable[[], list[costs.LayerCost]]


LINEAGE: dict[str, Published] = {
    "LeNet": Published(1998, 32, costs.lenet5),
    "AlexNet": Published(2012, 227, costs.alexnet),
    "VGG": Published(2014, 224, lambda: costs.vgg("D")),
    "NiN": Published(2013, 32, costs.nin_cifar10),
    "GoogLeNet": Published(2014, 224, costs.googlenet),
    "BN-Inception": Published(2015, 224, costs.bn_inception),
    "Inception v2": Published(2015, 299, costs.inception_v2_rethinking),
    "Inception v3": Published(2015, 299, costs.inception_v3),
}
"""In the order of the chapters. VGG is its column D, NiN the network for CIFAR-10; no auxiliary heads."""


def growing_table(until: str, record: Record | None = None) -> Table:
    """Return costs and recorded accuracy of every network up to and with `until`.

    As published: parameters, MACs and activations of one image. At lesson size, from the record: parameters,
    MACs, milliseconds of a forward pass and images per second in training (of each the fastest run's: what
    else a machine does only adds time), lowest to highest top-1 of all seeds.

    Args:
        until: a name in `LINEAGE`.
        record: the record to read; `lesson_networks` if not given.

    Raises:
        ValueError: unknown name.
        RecordError: there is no such record, or it is stale.
    """
    names = list(LINEAGE)
    names = names[: names.index(one_of("until", until, LINEAGE)) + 1]
    record = load(RECORD) if record is None else instance("record", record, Record)
    rows = []
    for name in names:
        published = LINEAGE[name]
        total, run = costs.total(published.layers()), record.of(name)[0].values
        low, high = record.spread(name, "top1")
        rows.append(
            (
                f"{name}, {published.year}",
                millions(total.parameters, 2),
                millions(total.macs),
                millions(total.activations, 2),
                run["parameters"],
                millions(run["macs"], 2),
                f"{min(record.values(name, 'milliseconds')):.0f}",
                round(max(record.values(name, "images_per_second"))),
                f"{low:.1%} to {high:.1%}",
            )
        )
    seeds = len(record.of(names[0]))
    devices = ", ".join(sorted({str(run.conditions["device"]).upper() for run in record.runs}))
    seconds = [value for name in names for value in record.values(name, "seconds")]
    return Table(
        "The lineage so far. As published: one image of the paper's size. Lesson size: 28×28 images, as many "
        "as two idle cores train on in about a minute (these runs, on a shared "
        f"{devices}: {min(seconds):.0f} to {max(seconds):.0f} s), {seeds} seeds; of each time the fastest "
        "run's; 10,000 test images",
        (
            "network",
            "published: parameters",
            "MACs",
            "activations",
            "lesson: parameters",
            "MACs",
            "ms for 96 images",
            "images/s, training",
            "top-1, all seeds",
        ),
        rows,
    )
