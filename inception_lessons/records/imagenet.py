"""What networks of the book reach on ImageNet, as published, beside what they cost, as counted.

One row for each published figure, with its protocol: how many networks and crops were averaged, on which
images. Left out are networks without a figure on ImageNet (LeNet; NiN as its paper has it).
"""

from decimal import Decimal
from functools import cache
from typing import NamedTuple

from inception_lessons import costs, papers
from inception_lessons.records.lineage import LINEAGE

GROUPS = ("lineage", "torchvision", "other")
"""One network for each step of the book, as its paper tests it; torchvision's weights; more networks and
protocols of the same papers."""


class ImageNetResult(NamedTuple):
    """A published error on ImageNet's validation set of 2012, and the counted cost of the network."""

    key: str
    name: str
    group: str
    """One of `GROUPS`."""
    year: int
    """Of the network's paper."""
    parameters: int
    """Of one network, with biases or batch norm's pairs, without auxiliary heads."""
    macs: int
    """Of one network for one crop of the paper's size."""
    networks: int
    """How many were averaged."""
    crops: int | None
    """How many crops each network saw; None where their number is not published."""
    top1: float | None
    """Error in percent; None where none is published."""
    top5: float | None
    protocol: str
    source: str
    uncounted: str = ""
    """Why `crops` is None, as a clause."""
    note: str = ""
    """What else one should know, as sentences."""

    @property
    def single(self) -> bool:
        """Whether one network saw one crop."""
        return self.networks == 1 and self.crops == 1


def _error(accuracy: float) -> float:
    """Return the error for an accuracy, both in percent, without binary rounding: 43.478 for 56.522."""
    return float(100 - Decimal(str(accuracy)))


def _counted(layers: list[costs.LayerCost]) -> dict[str, int]:
    total = costs.total(layers)
    return {"parameters": total.parameters, "macs": total.macs}


def _published(name: str) -> dict[str, int]:
    """Return year and cost of a network of `LINEAGE`."""
    return {"year": LINEAGE[name].year, **_counted(LINEAGE[name].layers())}


_WHOLE = "50,000 validation images"
_LISTED = f"{papers.RETHINKING_CLAIMS['validation_images'].value:,.0f} of the 50,000 validation images"
_TEN = "the ten crops of section 4.1"
_UNPRINTED = "how many crops were averaged is not printed"
_UNCROPPED = "tested on whole images and their mirror images, not on a number of crops"
_RETHINKING = "arXiv:1512.00567"


def _printed_ops(row: papers.SingleCropRow) -> str:
    return (
        f"The paper prints {row.ops} billion multiply-adds for it; we count the layers that this book builds."
    )


def _alexnet(networks: int, key: str, group: str) -> ImageNetResult:
    row = papers.ALEXNET_TABLE_2[1 if networks == 1 else 2]
    return ImageNetResult(
        key, "AlexNet" if networks == 1 else f"{networks} × AlexNet", group, **_published("AlexNet"),
        networks=networks, crops=10, top1=row.top1_validation, top5=row.top5_validation,
        protocol=f"{_networks(networks)}, {_TEN} averaged, {_WHOLE}", source="NIPS 2012, Table 2",
    )  # fmt: skip


def _networks(count: int) -> str:
    return "one network" if count == 1 else f"{count} networks averaged"


def _zfnet(networks: int, key: str, group: str) -> ImageNetResult:
    rows = {row.model: row for row in papers.ZFNET_TABLE_2}
    row = rows["1 convnet as per Fig. 3" if networks == 1 else "5 convnets as per Fig. 3 - (a)"]
    return ImageNetResult(
        key, "ZFNet" if networks == 1 else f"{networks} × ZFNet", group, 2013, **_counted(costs.zfnet()),
        networks=networks, crops=None, top1=row.top1_validation, top5=row.top5_validation,
        protocol=f"{_networks(networks)}, number of crops not printed, {_WHOLE}",
        source="arXiv:1311.2901, Table 2", uncounted=_UNPRINTED,
    )  # fmt: skip


def _vgg(column: str, key: str, group: str) -> ImageNetResult:
    rows = [row for row in papers.VGG_TABLE_3 if row.column == column]
    row = min(rows, key=lambda row: row.top5_error)
    return ImageNetResult(
        key, f"VGG-{papers.VGG_SUMMARY[column].weight_layers}", group, LINEAGE["VGG"].year,
        **_counted(costs.vgg(column)), networks=1, crops=None, top1=row.top1_error, top5=row.top5_error,
        protocol=f"one network over the whole image and its mirror image, {_WHOLE}",
        source=f"arXiv:1409.1556, Table 3, trained at {row.smallest_side} pixels", uncounted=_UNCROPPED,
        note="MACs are those of a crop of 224; the whole image took more.",
    )  # fmt: skip


def _crops(count: int) -> str:
    return "one crop" if count == 1 else f"{count} crops averaged"


def _times(networks: int, crops: int, name: str) -> str:
    return f"{networks} × {name} ({crops} crops)" if networks > 1 else f"{name} ({crops} crops)"


def _googlenet(row: papers.EnsembleRow) -> ImageNetResult:
    first = row is papers.GOOGLENET_TABLE_3[0]
    quoted = papers.RETHINKING_TABLE_3[0]
    note = (
        f"Its own paper prints no top-1 error; {quoted.top1_error} % is quoted in {_RETHINKING}, Table 3, "
        f"which gives it {quoted.top5_error} % top-5."
        if first
        else "One of the seven networks is wider, so this cost is a lower bound."
        if row.models > 1
        else ""
    )
    return ImageNetResult(
        "googlenet" if first else f"googlenet-{row.models}x{row.crops}",
        "GoogLeNet" if first else _times(row.models, row.crops, "GoogLeNet"),
        "lineage" if first else "other", **_published("GoogLeNet"),
        networks=row.models, crops=row.crops, top1=quoted.top1_error if first else None, top5=row.top5_error,
        protocol=f"{_networks(row.models)}, {_crops(row.crops)}, {_WHOLE}",
        source="arXiv:1409.4842v1, Table 3", note=note,
    )  # fmt: skip


def _bn_inception(row: papers.BNInceptionErrorRow) -> ImageNetResult:
    networks, crops = row.models or 1, row.crops or 1
    first = (networks, crops) == (1, 1)
    return ImageNetResult(
        "bn-inception" if first else f"bn-inception-{networks}x{crops}",
        "BN-Inception" if first else _times(networks, crops, "BN-Inception"),
        "lineage" if first else "other", **_published("BN-Inception"),
        networks=networks, crops=crops, top1=row.top1_error, top5=row.top5_error,
        protocol=f"{_networks(networks)}, {_crops(crops)}, {_WHOLE}",
        source="arXiv:1502.03167v3, Figure 4",
    )  # fmt: skip


def _rethinking(name: str, row: str, key: str, why: str = "") -> ImageNetResult:
    found = next(line for line in papers.RETHINKING_TABLE_3 if line.network == row)
    return ImageNetResult(
        key, name, "lineage", **_published(name), networks=1, crops=1,
        top1=found.top1_error, top5=found.top5_error, protocol=f"one network, one crop, {_LISTED}",
        source=f"{_RETHINKING}, Table 3, row “{row}”", note=f"{why} {_printed_ops(found)}".lstrip(),
    )  # fmt: skip


def _v3_averages() -> list[ImageNetResult]:
    claims = papers.RETHINKING_CLAIMS
    found = [
        (1, row.crops, row.top1_error, row.top5_error, "Table 4", _LISTED)
        for row in papers.RETHINKING_TABLE_4
    ]
    errors = claims["ensemble_top1"].value, claims["ensemble_top5"].value
    found.append((4, 144, *errors, "abstract and Table 5", "validation images"))
    return [
        ImageNetResult(
            f"inception-v3-{networks}x{crops}", _times(networks, crops, "Inception v3"), "other",
            **_published("Inception v3"), networks=networks, crops=crops, top1=top1, top5=top5,
            protocol=f"{_networks(networks)}, {_crops(crops)}, {images}",
            source=f"{_RETHINKING}, {where}",
        )
        for networks, crops, top1, top5, where, images in found
    ]  # fmt: skip


_TORCHVISION = {
    "AlexNet_Weights": ("AlexNet", 2014, lambda: costs.alexnet(variant="torchvision")),
    "VGG11_Weights": ("VGG-11", 2014, lambda: costs.vgg("A")),
    "VGG16_Weights": ("VGG-16", 2014, lambda: costs.vgg("D")),
    "VGG19_Weights": ("VGG-19", 2014, lambda: costs.vgg("E")),
    "GoogLeNet_Weights": ("GoogLeNet", 2014, lambda: costs.googlenet(variant="torchvision")),
    "Inception_V3_Weights": ("Inception v3", 2015, costs.inception_v3),
}
_SHIPPED = {
    "AlexNet_Weights": "This is the network of arXiv:1404.5997, without groups and with fewer channels.",
    "GoogLeNet_Weights": "Its 5×5 branches are 3×3, and batch norm follows each convolution.",
}


def _torchvision(row: papers.LibraryAccuracy) -> ImageNetResult:
    name, year, layers = _TORCHVISION[row.weights]
    return ImageNetResult(
        f"torchvision-{name.lower().replace(' ', '-')}", f"{name} (torchvision)", "torchvision", year,
        **_counted(layers()), networks=1, crops=1, top1=_error(row.top1), top5=_error(row.top5),
        protocol=f"one network, one central crop of {row.crop}, {_WHOLE}",
        source=f"torchvision, {row.weights}.IMAGENET1K_V1", note=_SHIPPED.get(row.weights, ""),
    )  # fmt: skip


def _nin() -> ImageNetResult:
    claim = papers.NIN_CLAIMS["imagenet_top1"]
    return ImageNetResult(
        "nin", "NiN", "lineage", LINEAGE["NiN"].year, **_counted(costs.nin_imagenet()), networks=1, crops=1,
        top1=_error(claim.value), top5=None, protocol="one network, one crop, validation set",
        source=claim.source, note="Its paper has no ImageNet figure; this is a later network of its author.",
    )  # fmt: skip


@cache
def imagenet_results() -> tuple[ImageNetResult, ...]:
    """Return every figure: the lineage in the order of the chapters, torchvision's, then the others."""
    averaged = [row for row in papers.BN_INCEPTION_FIGURE_4 if row.model.startswith("BN-Inception")]
    kept = {(1, 10), (1, 144), (7, 144)}
    return (
        _alexnet(1, "alexnet", "lineage"),
        _zfnet(1, "zfnet", "lineage"),
        _vgg("D", "vgg-16", "lineage"),
        _nin(),
        _googlenet(papers.GOOGLENET_TABLE_3[0]),
        _bn_inception(averaged[0]),
        _rethinking(
            "Inception v2",
            "Inception-v2 Factorized 7×7",
            "inception-v2",
            "Of the rows of Inception-v2 it is the one with the stem that we count.",
        ),
        _rethinking("Inception v3", "Inception-v2 BN-auxiliary", "inception-v3"),
        *map(_torchvision, papers.TORCHVISION_ACCURACIES),
        _alexnet(5, "alexnet-5x10", "other"),
        _zfnet(5, "zfnet-5", "other"),
        _vgg("A", "vgg-11", "other"),
        _vgg("B", "vgg-13", "other"),
        _vgg("E", "vgg-19", "other"),
        *(_googlenet(row) for row in papers.GOOGLENET_TABLE_3 if (row.models, row.crops) in kept),
        *map(_bn_inception, averaged[1:]),
        *_v3_averages(),
    )
