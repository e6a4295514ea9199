"""Parameter counts and accuracies that libraries state for the networks they ship."""

from typing import NamedTuple


class LibraryCount(NamedTuple):
    """One number that a library's documentation, tests or summary gives."""

    library: str
    network: str
    parameters: int
    counts: str
    """What the library counts there."""
    source: str


LIBRARY_COUNTS: tuple[LibraryCount, ...] = (
    LibraryCount(
        "TF-slim", "Inception V1", 5_607_184, "all variables before the classifier",
        "tf_slim 1.1.0, nets/inception_v1_test.py",
    ),
    LibraryCount(
        "TF-slim", "Inception V2", 10_173_112, "all variables before the classifier",
        "tf_slim 1.1.0, nets/inception_v2_test.py",
    ),
    LibraryCount(
        "TF-slim", "Inception V3", 21_802_784, "all variables before the classifier",
        "tf_slim 1.1.0, nets/inception_v3_test.py",
    ),
    LibraryCount(
        "Keras", "InceptionV3", 23_851_784, "all variables, as its summary does",
        "keras 3.15.1, applications.InceptionV3(weights=None).count_params()",
    ),
    LibraryCount(
        "Keras", "VGG16", 138_357_544, "all variables, as its summary does",
        "keras 3.15.1, applications.VGG16(weights=None).count_params()",
    ),
    LibraryCount(
        "Keras", "VGG19", 143_667_240, "all variables, as its summary does",
        "keras 3.15.1, applications.VGG19(weights=None).count_params()",
    ),
    LibraryCount(
        "timm", "inception_v3", 23_834_568, "parameters; it has no auxiliary head by default",
        "timm 1.0.31, create_model('inception_v3')",
    ),
)  # fmt: skip
"""Read from, or counted by, each library itself. torchvision is not among them: its networks are built and
counted where this book is."""


class LibraryAccuracy(NamedTuple):
    """Accuracy in percent that torchvision states for weights it ships."""

    weights: str
    """Name in torchvision.models: the class of the weights, whose member `IMAGENET1K_V1` is meant."""
    crop: int
    """Height and width of the central crop that its transforms cut."""
    top1: float
    top5: float


TORCHVISION_ACCURACIES: tuple[LibraryAccuracy, ...] = (
    #               weights                 crop top-1   top-5
    LibraryAccuracy("AlexNet_Weights",      224, 56.522, 79.066),
    LibraryAccuracy("VGG11_Weights",        224, 69.020, 88.628),
    LibraryAccuracy("VGG16_Weights",        224, 71.592, 90.382),
    LibraryAccuracy("VGG19_Weights",        224, 72.376, 90.876),
    LibraryAccuracy("GoogLeNet_Weights",    224, 69.778, 89.530),
    LibraryAccuracy("Inception_V3_Weights", 299, 77.294, 93.450),
)  # fmt: skip
"""`meta["_metrics"]["ImageNet-1K"]` of each, as torchvision states it: one network, one crop."""
